package table

import "math/bits"

// Chunk calls fn for every entry of the segment that holds the position from
// in hash order, until fn returns false, and returns the hash range
// [first, last] that the segment covers. The walk is over when last is the
// largest hash. It may run beside the writer: fn then sees each key that was
// there all the time, and perhaps others.
func (t *Table) Chunk(from uint64, fn func(*Entry) bool) (first, to uint64) {
	s := t.dir.Load().segment(from)
	span := ^uint64(0) >> s.depth
	first = from &^ span
	s.each(fn)
	return first, first | span
}

// Scan calls fn for the entries of one bucket and returns the next cursor, 0
// when the table was walked to its end. Start with 0. A key that is in the
// table during the whole walk is seen at least once, whatever grows meanwhile.
func (t *Table) Scan(cursor uint64, fn func(*Entry)) (next uint64) {
	// Cursors are positions in hash order with their bits reversed: positions
	// have their information in the leading bits, and clients like small
	// numbers.
	pos := bits.Reverse64(cursor)
	s := t.dir.Load().segment(pos)
	home := s.home(pos)
	s.inBucket(home, t.Hash, fn)
	step := uint64(1) << (64 - s.depth - s.bits)
	return bits.Reverse64((pos &^ (step - 1)) + step)
}

// Pick returns what stands in one slot of the bucket at the position pos in
// hash order, or nil. With random arguments, repeated until it gives an entry,
// it is a random pick: fair among the keys of one segment, and within a factor
// of four among all.
func (t *Table) Pick(pos uint64, slot int) *Entry {
	s := t.dir.Load().segment(pos)
	b, _ := s.bucket(s.home(pos), 0)
	if b.word.Load()>>(8*slot)&0xff == 0 {
		return nil
	}
	return b.slots[slot].Load()
}
