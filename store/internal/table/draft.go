package table

import "strings"

// BlockSize is the length of the blocks in which Part reads strings and NewFilled makes
// them: that of a chunk.
const BlockSize = chunkSize

// A Draft is a string entry in the making: a value to which several pieces are written
// before anybody sees it. One piece of a long value costs what it is long; the whole is
// copied once, if at all.
//
// It is used by one goroutine, and no more after Entry.
type Draft struct {
	e    *Entry
	text []byte // of a value in one piece, else nil

	// Of a longer one: what is being made, and what it was made of, whose leaves and
	// chunks it may still share.
	chunks, base *chunkedText
}

// Draft begins to write over e's value, grown by zero bytes to n, at least its length
// and at least 1.
//
// A value of up to whole bytes is copied. A longer one becomes chunks, which costs
// O(n) once; from then on a draft of it costs O(n/512 KB).
func (e *Entry) Draft(n, whole int) Draft {
	c := e.chunks()
	if c == nil && n <= whole {
		b := make([]byte, n)
		copy(b, e.Text())
		return Draft{e: e, text: b}
	}
	if c == nil {
		c = newChunks(e.Text())
	}
	return Draft{e: e, chunks: c.grown(n), base: c}
}

// Write writes p, which ends within the value, at offset at. O(len(p)).
func (d *Draft) Write(at int, p string) {
	if d.chunks != nil {
		d.chunks.overlay(d.base, at, p)
		return
	}
	copy(d.text[at:], p)
}

// Len is the length of the value.
func (d *Draft) Len() int {
	if d.chunks != nil {
		return d.chunks.len
	}
	return len(d.text)
}

// Range is the part [from, to) of the value as written so far. It stays as it is.
func (d *Draft) Range(from, to int) string {
	if d.chunks != nil {
		return d.chunks.cut(from, to)
	}
	return string(d.text[from:to])
}

// Entry is the value under the key and deadline of the entry that it was made of.
func (d *Draft) Entry(version uint64) *Entry {
	key, deadline := d.e.Key(), d.e.Deadline()
	if d.chunks == nil && len(d.text) <= inlineLimit {
		return NewText(version, key, View(d.text), deadline)
	}
	if d.e.meta&flagIndirect == 0 {
		key = strings.Clone(key) // else it would keep the whole of that entry
	}
	if d.chunks != nil {
		return chunkedEntry(version, key, d.chunks, deadline)
	}
	return &newBoxed(version, Text, key, deadline, boxed{text: View(d.text)}).Entry
}

// Part is the bytes of [from, to) of a string's value, which lie in one block: those from
// a multiple of BlockSize up to the next. It aliases the entry. hole says that they were
// never written and so are zero, which spares a look at them. O(1).
func (e *Entry) Part(from, to int) (part string, hole bool) {
	c := e.chunks()
	if c == nil {
		return e.Text()[from:to], false
	}
	ch := c.at(from >> chunkBits)
	at := from & (chunkSize - 1)
	return View(ch[at : at+to-from]), ch == &zeroChunk
}

// InChunks reports whether a string is held in chunks.
func (e *Entry) InChunks() bool { return e.chunks() != nil }

// NewFilled returns a string entry of n bytes, at least 1, without a deadline, in chunks
// or in one piece. fill gets its blocks one after another, all zero bytes, with their
// offsets, and reports whether it has put anything else there: chunks of zero bytes take
// no memory.
func NewFilled(version uint64, key string, n int, inChunks bool, fill func(at int, block []byte) bool) *Entry {
	key = strings.Clone(key)
	if inChunks {
		return chunkedEntry(version, key, filledChunks(n, fill), 0)
	}
	text := make([]byte, n)
	for at := 0; at < n; at += BlockSize {
		fill(at, text[at:min(at+BlockSize, n)])
	}
	if n <= inlineLimit {
		return NewText(version, key, View(text), 0)
	}
	return &newBoxed(version, Text, key, 0, boxed{text: View(text)}).Entry
}

func filledChunks(n int, fill func(at int, block []byte) bool) *chunkedText {
	none := &chunkedText{held: chunksHead}
	c := none.grown(n)
	is := new(chunk)
	for i := range (n-1)>>chunkBits + 1 {
		at := i << chunkBits
		if !fill(at, is[:min(chunkSize, n-at)]) {
			continue
		}
		c.own(none, i>>leafBits)[i&(leafSize-1)] = is
		c.held += chunkSize
		is = new(chunk)
	}
	return c
}
