package table

import (
	"hash/maphash"
	"sync/atomic"
)

// A Family makes the tables of one store. They share a seed, so that a key's hash
// is computed once and a cursor means the same in each of them; and they share
// full segments made ahead of their use. Use [NewFamily].
type Family struct {
	seed maphash.Seed

	// spare holds the buckets of full segments. Making one takes longer than
	// filling it: its 32 KiB are mostly memory that was never touched, eight page
	// faults, and the collector may ask for help in return. The writer takes them
	// under its lock, and whoever held the lock makes new ones after it.
	spare chan []bucket
	short atomic.Bool // somebody took one
}

// spares is how many full segments a family has ready: what one split takes.
const spares = 2

// NewFamily returns a family with a seed of its own. It has no spare segments
// until a table needed one: small stores stay small.
func NewFamily() *Family {
	return &Family{seed: maphash.MakeSeed(), spare: make(chan []bucket, spares)}
}

// New returns an empty table.
func (f *Family) New() *Table {
	t := &Table{family: f, seed: f.seed}
	d := &directory{segments: make([]atomic.Pointer[segment], 1)}
	d.segments[0].Store(f.segment(0, firstBits))
	t.dir.Store(d)
	return t
}

// Hash is the hash of key in every table of the family.
func (f *Family) Hash(key string) uint64 { return maphash.Comparable(f.seed, key) }

func (f *Family) segment(depth, bits uint8) *segment {
	return &segment{depth: depth, bits: bits, buckets: f.buckets(bits)}
}

func (f *Family) buckets(bits uint8) []bucket {
	if bits == fullBits {
		f.short.Store(true)
		select {
		case b := <-f.spare:
			return b
		default:
		}
	}
	return make([]bucket, 1<<bits)
}

// Restock makes the spare segments that are missing. Call it without a lock, after
// a change to a table; it costs one load when there is nothing to do. Safe
// anywhere, also concurrently.
func (f *Family) Restock() {
	if !f.short.Load() || !f.short.Swap(false) {
		return
	}
	for len(f.spare) < cap(f.spare) {
		b := make([]bucket, 1<<fullBits)
		touch(b)
		select {
		case f.spare <- b:
		default:
		}
	}
}

// touch writes once to each page of b, which nobody else has yet.
func touch(b []bucket) {
	const perPage = 4096 / 64
	for i := 0; i < len(b); i += perPage {
		b[i].word.Store(0)
	}
}
