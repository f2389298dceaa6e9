package table

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"
)

// A Table maps keys to entries. Use [Family.New].
type Table struct {
	Account // of the entries, and of the collections that they hold

	family *Family
	seed   maphash.Seed // the family's
	dir    atomic.Pointer[directory]

	count   atomic.Int64  // of entries that are no tombstones, see unsettled; changed by the writer
	removed atomic.Uint64 // version of the last commit that took a key out
	made    uint64        // version of the commit that made the table; the writer's
	changed uint64        // version of the last commit that changed the table; the writer's
	touched uint64        // keeps loads whose result nobody needs from being removed; the writer's
	beside  atomic.Value  // what the owner keeps beside the table
}

// directory finds the segment by the first depth bits of a hash. Several
// neighbouring slots hold the same segment when it has fewer bits of its own.
type directory struct {
	depth    uint8
	segments []atomic.Pointer[segment]
}

// Most segments that Reserve makes ahead of any key: 4096, of 600 bytes, are
// enough for 8 M keys. A number from outside can cost no more.
const maxReserved = 12

// Reserve prepares an empty table for n keys, so that filling it splits no
// segment. Segments still start small.
func (t *Table) Reserve(n uint64) {
	depth := uint8(0)
	for depth < maxReserved && n>>depth > (1<<fullBits)*maxLoadPart*7/8 {
		depth++
	}
	if depth == 0 || t.count.Load() > 0 {
		return
	}
	d := &directory{depth: depth, segments: make([]atomic.Pointer[segment], 1<<depth)}
	for i := range d.segments {
		d.segments[i].Store(t.family.segment(depth, firstBits))
	}
	t.dir.Store(d)
}

// Touch brings the buckets of hashes into the processor's cache, and with
// entries set also the entries that stand there and may be the ones. The loads
// do not depend on one another, so many cost little more than one: that is worth
// it for a batch of a dozen and more. The result means nothing.
func (t *Table) Touch(hashes []uint64, entries bool) (sink uint64) {
	d := t.dir.Load()
	for _, h := range hashes {
		s := d.segment(h)
		sink += s.buckets[s.home(h)].word.Load()
	}
	if !entries {
		return sink
	}
	for _, h := range hashes {
		s := d.segment(h)
		b := &s.buckets[s.home(h)]
		if m := matches(b.word.Load(), tagOf(h)); m != 0 {
			if e := b.slots[bits.TrailingZeros64(m)>>3].Load(); e != nil {
				sink += e.version
			}
		}
	}
	return sink
}

// Hash is the hash of key in this table.
func (t *Table) Hash(key string) uint64 { return t.family.Hash(key) }

// A table's count is twice the number of its entries, and unsettled is set in it while
// the writer adds one or takes one out: slots and count are different words, and a reader
// who found a key by the one must not miss it in the other.
const unsettled = 1

// settleTries is how often Settled looks: for longer than the writer needs between the
// words, unless it is interrupted there.
const settleTries = 256

// Len is the number of entries, tombstones not counted. Beside the writer it may be one
// step behind what Find finds.
func (t *Table) Len() int { return int(t.count.Load() >> 1) }

// Settled is the number of entries, tombstones not counted, at an instant at which Find
// finds just as many. It is not ok if the writer was in the midst of a step whenever we
// looked. Safe beside the writer.
func (t *Table) Settled() (n int, ok bool) {
	for range settleTries {
		if c := t.count.Load(); c&unsettled == 0 {
			return int(c >> 1), true
		}
	}
	return 0, false
}

// Made is the version of the commit that made the table, 0 for a database. Only the
// writer may ask.
func (t *Table) Made() uint64 { return t.made }

// SetMade notes the version of the commit that makes the table, which nobody has yet.
func (t *Table) SetMade(version uint64) { t.made, t.changed = version, version }

// Removed is the version of the last commit that took a key out of the table.
func (t *Table) Removed() uint64 { return t.removed.Load() }

// Changed is the version of the last commit that changed the table. Only the
// writer may ask.
func (t *Table) Changed() uint64 { return t.changed }

// SetChanged notes the version of the commit that is about to change the table.
func (t *Table) SetChanged(version uint64) { t.changed = version }

// Beside is what the owner keeps beside the table, nil for nothing. Anyone may ask whether
// there is something.
func (t *Table) Beside() any { return t.beside.Load() }

// SetBeside makes v, always of the same type, what the owner keeps beside the table.
func (t *Table) SetBeside(v any) { t.beside.Store(v) }

// A table is sparse with at least 2^sparseDepth segments, 16,000 buckets, for at most
// sparseLen entries: to copy these takes about 0.1 ms.
const (
	sparseDepth = 5
	sparseLen   = 1024
)

// Sparse reports whether nearly all entries that the table was made for are gone, so
// that whoever walks it, or looks for any entry, meets little but empty buckets. A table
// does not shrink: its owner puts a copy in its place. Only the writer may ask.
func (t *Table) Sparse() bool { return t.Depth() >= sparseDepth && t.Len() <= sparseLen }

// Depth is the number of leading hash bits that tell segments apart.
func (t *Table) Depth() uint8 { return t.dir.Load().depth }

// segment is found by the first depth bits of h, in two steps since a shift by
// 64, for depth 0, would be a special case.
func (d *directory) segment(h uint64) *segment {
	return d.segments[h>>1>>((63-d.depth)&63)].Load()
}

// Find returns the entry of key, whose hash is h, or nil. It never waits.
//
// It is written out, where locate would do, because it is what reads consist
// of: it looks at the home bucket, where most keys stand, and at the others only
// if that says that it overflowed.
func (t *Table) Find(h uint64, key string) *Entry {
	s := t.dir.Load().segment(h)
	b := &s.buckets[s.home(h)]
	word := b.word.Load()
	for m := matches(word, tagOf(h)); m != 0; m &= m - 1 {
		if e := b.slots[bits.TrailingZeros64(m)>>3].Load(); e != nil && e.holds(key) {
			return e
		}
	}
	if word < overflowOne {
		return nil
	}
	e, _ := s.locate(h, key)
	return e
}

// Locate is Find for the writer: it also tells where the entry stands, for
// Replace.
func (t *Table) Locate(h uint64, key string) (*Entry, Place) {
	return t.dir.Load().segment(h).locate(h, key)
}

// Replace is Put of e in the place of old, which Locate found at p with hash h.
// It is Put in every respect, and quicker if old still stands there.
func (t *Table) Replace(h uint64, p Place, old, e *Entry) {
	if p.seg == nil || p.seg != t.dir.Load().segment(h) || p.slot().Load() != old {
		t.Put(h, e)
		return
	}
	t.replacing(old, e)
	p.slot().Store(e)
	t.replaced(old, e)
}

// replacing tells those who count, before e takes the place of old, when the count is
// about to be another one. replaced ends it.
func (t *Table) replacing(old, e *Entry) {
	if alive(old) != alive(e) {
		t.count.Store(t.count.Load() | unsettled)
	}
}

// replaced follows a changed slot into the counters.
func (t *Table) replaced(old, e *Entry) {
	if more := alive(e) - alive(old); more != 0 {
		t.count.Store(t.count.Load()&^unsettled + 2*more)
	}
	t.Charge(sizeOf(e) - sizeOf(old))
}

func sizeOf(e *Entry) int64 {
	if e == nil {
		return 0
	}
	return int64(e.Size()) + slotShare
}

// slotShare is what a slot costs an entry on average: tables are 43 to 86 % full.
const slotShare = 16

// Put stores e under its key, whose hash is h, and returns the entry that it
// replaced, or nil. Growing costs at most one segment: some 3,000 entries.
func (t *Table) Put(h uint64, e *Entry) *Entry {
	s := t.dir.Load().segment(h)
	if old, p := s.locate(h, e.Key()); old != nil {
		t.replacing(old, e)
		p.slot().Store(e)
		t.replaced(old, e)
		return old
	}
	if s.crowded() {
		t.grow(s, h)
		s = t.dir.Load().segment(h)
	}
	for t.replacing(nil, e); !s.insert(h, e); { // hardly ever twice
		t.grow(s, h)
		s = t.dir.Load().segment(h)
	}
	t.replaced(nil, e)
	return nil
}

func alive(e *Entry) int64 {
	if e == nil || e.Kind() == Tombstone {
		return 0
	}
	return 1
}

// Remove takes key out and returns its entry, or nil. version is the commit's.
func (t *Table) Remove(h uint64, key string, version uint64) *Entry {
	old, p := t.dir.Load().segment(h).locate(h, key)
	if old == nil {
		return nil
	}
	t.removed.Store(version) // before the key goes: see the store's reader of many keys
	t.replacing(old, nil)
	p.seg.remove(p)
	t.replaced(old, nil)
	return old
}

// grow replaces s, the segment of hash h, by a larger one or by two.
func (t *Table) grow(s *segment, h uint64) {
	if s.bits < fullBits {
		t.rebuild(s, h)
		return
	}
	t.split(s, h)
}

func (t *Table) rebuild(s *segment, h uint64) {
	for bits := s.bits + growBits; ; bits++ {
		n := t.family.segment(s.depth, bits)
		if t.fill(s, n, n) {
			t.install(h, s.depth, n)
			return
		}
	}
}

func (t *Table) split(s *segment, h uint64) {
	depth := s.depth + 1
	for bits := uint8(fullBits); ; bits++ {
		low, high := t.family.segment(depth, bits), t.family.segment(depth, bits)
		if t.fill(s, low, high) {
			first := h >> (64 - depth) << (64 - depth) &^ (1 << (64 - depth))
			t.install(first|1<<(64-depth), depth, high)
			t.install(first, depth, low)
			return
		}
	}
}

// fillBuckets is how many buckets fill looks at together.
const fillBuckets = 4

// fill copies the entries of s to low or high, by the first hash bit that s
// does not share. It reports false when one finds no place: then the new
// segments are dropped and larger ones are tried.
//
// Reading a key waits for memory. The first loop starts the loads of a group of
// entries, which do not depend on one another, so that the second waits once.
func (t *Table) fill(s, low, high *segment) bool {
	var group [fillBuckets * Slots]*Entry
	for i := 0; i < len(s.buckets); i += fillBuckets {
		n := 0
		for j := range fillBuckets {
			n += s.buckets[i+j].entries(group[n:])
		}
		for _, e := range group[:n] {
			t.touched += e.version
		}
		for _, e := range group[:n] {
			if !t.place(s, low, high, e) {
				return false
			}
		}
	}
	return true
}

func (t *Table) place(s, low, high *segment, e *Entry) bool {
	h := t.Hash(e.Key())
	if low != high && h<<s.depth>>63 == 1 {
		return high.insert(h, e)
	}
	return low.insert(h, e)
}

// install makes n the segment of all hashes that share h's first depth bits.
func (t *Table) install(h uint64, depth uint8, n *segment) {
	d := t.dir.Load()
	if depth > d.depth {
		d = d.double()
		defer t.dir.Store(d)
	}
	span := 1 << (d.depth - depth)
	first := int(h>>(64-depth)) * span
	for i := range span {
		d.segments[first+i].Store(n)
	}
}

func (d *directory) double() *directory {
	n := &directory{depth: d.depth + 1, segments: make([]atomic.Pointer[segment], 2*len(d.segments))}
	for i := range n.segments {
		n.segments[i].Store(d.segments[i/2].Load())
	}
	return n
}
