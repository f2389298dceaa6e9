package table

import (
	"hash/maphash"
	"math/bits"
	"unsafe"
)

// Plain is the value of key if that is a string that stands inline, has no deadline
// and is found at once: at home, behind the first tag that matches. That is what
// most reads are for, with a third of Find's instructions fewer. When ok is false
// the key may be there nevertheless: see Find.
func (t *Table) Plain(key string) (text string, ok bool) {
	h := maphash.Comparable(t.seed, key) // Hash, without a call
	s := t.dir.Load().segment(h)
	b := &s.buckets[s.home(h)]
	m := matches(b.word.Load(), tagOf(h))
	if m == 0 {
		return "", false
	}
	e := b.slots[bits.TrailingZeros64(m)>>3].Load()
	if e == nil || !e.maybePlain(len(key)) || !e.isUnder(key) {
		return "", false
	}
	return e.inline(headSize+len(key), int(e.vlen)), true
}

// word is what isUnder compares at a time, in bytes.
const word = 8

// maybePlain reports whether e is a string that stands inline, with a value,
// without a deadline and with a key of n bytes, at least a word.
func (e *Entry) maybePlain(n int) bool {
	return uint64(e.meta) == uint64(n)<<8|uint64(Text) && e.vlen != 0 && n >= word
}

// isUnder reports whether the key of e is key. It compares in place, since a call
// costs more than all of it; the last word overlaps the one before.
//
// REQUIRES: maybePlain(len(key)).
func (e *Entry) isUnder(key string) bool {
	own, asked := unsafe.Add(unsafe.Pointer(e), headSize), unsafe.Pointer(unsafe.StringData(key))
	last := len(key) - word
	for i := 0; i < last; i += word {
		if *(*[word]byte)(unsafe.Add(own, i)) != *(*[word]byte)(unsafe.Add(asked, i)) {
			return false
		}
	}
	return *(*[word]byte)(unsafe.Add(own, last)) == *(*[word]byte)(unsafe.Add(asked, last))
}
