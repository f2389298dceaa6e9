package table

import (
	"math/bits"
	"sync/atomic"
)

const (
	// Slots is the number of slots of a bucket.
	Slots    = 7
	maxProbe = 8 // buckets looked at for one key, its home included

	firstBits   = 3 // log2 of a new segment's buckets
	growBits    = 3 // added at each rebuild
	fullBits    = 9 // a segment of this size is split instead of rebuilt
	maxLoadPart = 6 // of 7 slots in use on average: then the segment grows

	overflowOne = uint64(1) << 56 // the unit of a bucket's overflow count
	lanes       = 0x0001010101010101
	highBits    = lanes << 7
)

// A bucket is one cache line.
//
// Bytes 0 to 6 of word are the tags of the slots, 0 for an empty one. Byte 7
// counts the entries whose home is this bucket but which stand in one of the
// maxProbe-1 buckets behind it: while it is 0 a reader looks no further.
type bucket struct {
	word  atomic.Uint64
	slots [Slots]atomic.Pointer[Entry]
}

// A segment holds the entries whose hashes share their first depth bits.
type segment struct {
	depth   uint8
	bits    uint8 // log2 of len(buckets)
	live    int   // entries; the writer's
	buckets []bucket
}

// Place is where an entry stood when it was looked up.
type Place struct {
	seg  *segment
	home int32
	at   int32 // bucket
	i    int32 // slot
}

func (p Place) slot() *atomic.Pointer[Entry] { return &p.seg.buckets[p.at].slots[p.i] }

// tagOf is never 0, which marks an empty slot.
func tagOf(h uint64) uint64 { return h&0xff | 1 }

// matches sets the high bit of each byte of word that equals tag, for the seven
// tag bytes. It may set one wrongly behind a right one; keys are compared
// anyway.
func matches(word, tag uint64) uint64 {
	x := word ^ lanes*tag
	return (x - lanes) &^ x & highBits
}

// home is the bucket of a hash: the bits behind those that the segment shares.
// The masks say what holds anyway, that the shifts are below 64.
func (s *segment) home(h uint64) int { return int(h << (s.depth & 63) >> ((64 - s.bits) & 63)) }

func (s *segment) bucket(home, step int) (*bucket, int) {
	i := (home + step) & (len(s.buckets) - 1)
	return &s.buckets[i], i
}

// reach is how many buckets a look-up of a key at home may have to visit.
func (s *segment) reach(word uint64) int {
	if word < overflowOne {
		return 1
	}
	return min(maxProbe, len(s.buckets))
}

func (s *segment) locate(h uint64, key string) (*Entry, Place) {
	tag, home, reach := tagOf(h), s.home(h), 1
	for step := 0; step < reach; step++ {
		b, at := s.bucket(home, step)
		word := b.word.Load()
		if step == 0 {
			reach = s.reach(word)
		}
		for m := matches(word, tag); m != 0; m &= m - 1 {
			slot := bits.TrailingZeros64(m) >> 3
			if e := b.slots[slot].Load(); e != nil && e.holds(key) {
				return e, Place{s, int32(home), int32(at), int32(slot)}
			}
		}
	}
	return nil, Place{}
}

// insert stores e, whose key is not in the segment. It reports false when no
// slot within reach is free.
func (s *segment) insert(h uint64, e *Entry) bool {
	home := s.home(h)
	for step := range min(maxProbe, len(s.buckets)) {
		b, at := s.bucket(home, step)
		word := b.word.Load()
		free := emptySlot(word)
		if free < 0 {
			continue
		}
		b.slots[free].Store(e)
		b.word.Store(word | tagOf(h)<<(8*free))
		if at != home {
			// Announced last: a reader that does not see the count yet did not
			// have to find the entry yet.
			s.buckets[home].word.Add(overflowOne)
		}
		s.live++
		return true
	}
	return false
}

// emptySlot returns the first slot of word without a tag, or -1.
func emptySlot(word uint64) int {
	for i := range Slots {
		if word>>(8*i)&0xff == 0 {
			return i
		}
	}
	return -1
}

func (s *segment) remove(p Place) {
	b := &s.buckets[p.at]
	b.word.Store(b.word.Load() &^ (uint64(0xff) << (8 * p.i)))
	p.slot().Store(nil)
	if p.at != p.home {
		s.buckets[p.home].word.Add(^(overflowOne - 1))
	}
	s.live--
}

func (s *segment) crowded() bool { return s.live >= len(s.buckets)*maxLoadPart }

// entries stores the bucket's entries in to and returns their number. REQUIRES:
// room for Slots, and the writer.
func (b *bucket) entries(to []*Entry) (n int) {
	word := b.word.Load()
	for slot := range Slots {
		if word>>(8*slot)&0xff != 0 {
			to[n] = b.slots[slot].Load()
			n++
		}
	}
	return n
}

// each calls fn for every entry of the segment, in no stated order, until fn
// returns false.
func (s *segment) each(fn func(*Entry) bool) bool {
	for i := range s.buckets {
		b := &s.buckets[i]
		word := b.word.Load()
		for slot := range Slots {
			if word>>(8*slot)&0xff == 0 {
				continue
			}
			if e := b.slots[slot].Load(); e != nil && !fn(e) {
				return false
			}
		}
	}
	return true
}

// inBucket calls fn for the entries whose home is bucket home.
func (s *segment) inBucket(home int, hash func(string) uint64, fn func(*Entry)) {
	reach := 1
	for step := 0; step < reach; step++ {
		b, _ := s.bucket(home, step)
		word := b.word.Load()
		if step == 0 {
			reach = s.reach(word)
		}
		for slot := range Slots {
			if word>>(8*slot)&0xff == 0 {
				continue
			}
			if e := b.slots[slot].Load(); e != nil && s.home(hash(e.Key())) == home {
				fn(e)
			}
		}
	}
}
