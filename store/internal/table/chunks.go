package table

import (
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"unsafe"
	"weak"
)

const (
	chunkBits = 12 // log2 of a chunk's bytes: a page of memory
	chunkSize = 1 << chunkBits
	leafBits  = 7 // log2 of a leaf's chunks: 512 KB of text
	leafSize  = 1 << leafBits
)

type (
	chunk [chunkSize]byte
	leaf  [leafSize]*chunk
)

// What is read in the place of every leaf and chunk that is missing. Never written.
var (
	zeroLeaf  leaf
	zeroChunk chunk
)

// chunkedText is a large string that is written by offset: pieces of 4 KB, found in
// two steps.
//
//	root   one pointer for each 512 KB of the length; nil: zero bytes
//	leaf   128 pointers; nil: zero bytes
//	chunk  4 KB of text
//
// A write makes a new one: it copies the chunks and leaves that it changes,
// and the root, and shares the others. For 16 bytes that is 6 KB in a string of
// 64 MB, 14 KB in one of 512 MB. Whoever holds the old one reads on in it: like an
// entry it is never changed after it was made, so versions, copies of a key and
// the strings that were cut out of it need no lock and no count.
//
// Invariants: root covers exactly len bytes; behind len there are zero bytes
// alone, so that growing is raising len.
type chunkedText struct {
	len  int
	held int64 // bytes of memory, whether shared with other versions or not
	root []*leaf

	// flat is the string as a whole, made by the first reader who asked for it. It
	// is held weakly: readers of one version share it as long as one of them keeps
	// it, or until the collector comes by. A strong one would double the memory of
	// each version for as long as that stands, of a sparse string a thousandfold,
	// uncounted; none would cost every GET the whole length.
	flat atomic.Pointer[weak.Pointer[byte]]
}

const (
	chunksHead = int64(unsafe.Sizeof(chunkedText{}))
	leafHeld   = int64(unsafe.Sizeof(leaf{}))
	rootSlot   = int64(unsafe.Sizeof((*leaf)(nil)))
)

// newChunks copies s. What is zero all over a chunk takes no memory. O(len(s)).
func newChunks(s string) *chunkedText { return (&chunkedText{held: chunksHead}).write(0, s) }

// Sparse reports whether at least half of s is zero bytes, chunk by chunk: then
// chunks take less than s does. O(len(s)).
func Sparse(s string) bool {
	zero, all := 0, 0
	for ; len(s) >= chunkSize; s = s[chunkSize:] {
		all++
		if s[:chunkSize] == View(zeroChunk[:]) {
			zero++
		}
	}
	return all > 0 && 2*zero >= all
}

// write is c with p at offset at, grown by zero bytes as far as needed. c is not
// modified. O(len(p)) and the root.
func (c *chunkedText) write(at int, p string) *chunkedText {
	n := c.grown(max(c.len, at+len(p)))
	n.overlay(c, at, p)
	return n
}

// grown is c with zero bytes behind it, up to length n: all that a write changes besides
// is what it shares with c. O(root).
func (c *chunkedText) grown(n int) *chunkedText {
	g := &chunkedText{len: n, held: c.held}
	g.root = make([]*leaf, (n-1)>>(chunkBits+leafBits)+1)
	g.held += int64(len(g.root)-copy(g.root, c.root)) * rootSlot
	return g
}

// overlay writes p over n, which is being made of c, at offset at; it ends within n.
func (n *chunkedText) overlay(c *chunkedText, at int, p string) {
	for len(p) > 0 {
		i, from := at>>chunkBits, at&(chunkSize-1)
		piece := p[:min(len(p), chunkSize-from)]
		n.put(c, i, from, piece)
		at, p = at+len(piece), p[len(piece):]
	}
}

// put writes piece into chunk i, behind its first from bytes. n is being made of
// c: nobody else has it yet, but leaves and chunks may still be c's.
func (n *chunkedText) put(c *chunkedText, i, from int, piece string) {
	old := n.at(i)
	if old == &zeroChunk {
		if piece == View(zeroChunk[:len(piece)]) {
			return
		}
		n.held += chunkSize
	}
	is := new(chunk)
	if len(piece) < chunkSize {
		*is = *old
	}
	copy(is[from:], piece)
	n.own(c, i>>leafBits)[i&(leafSize-1)] = is
}

// own is leaf j of n, and no longer one of c's.
func (n *chunkedText) own(c *chunkedText, j int) *leaf {
	l := n.root[j]
	switch {
	case l == nil:
		l = new(leaf)
		n.held += leafHeld
	case j < len(c.root) && l == c.root[j]:
		l = &leaf{}
		*l = *c.root[j]
	default:
		return l
	}
	n.root[j] = l
	return l
}

// leaf is leaf j, to be read.
func (c *chunkedText) leaf(j int) *leaf {
	if j < len(c.root) && c.root[j] != nil {
		return c.root[j]
	}
	return &zeroLeaf
}

// at is chunk i, to be read.
func (c *chunkedText) at(i int) *chunk {
	if ch := c.leaf(i >> leafBits)[i&(leafSize-1)]; ch != nil {
		return ch
	}
	return &zeroChunk
}

// sharable is the memory that other versions may share, in bytes: all but the root.
func (c *chunkedText) sharable() int64 { return c.held - chunksHead - int64(len(c.root))*rootSlot }

// lost is the memory that c shares with old and not with n, in bytes: what only c
// holds from now on if n takes the place of old. O(root), and the leaves in which
// old and n differ.
func (c *chunkedText) lost(old, n *chunkedText) (bytes int64) {
	for j, l := range c.root {
		was, is := old.leaf(j), n.leaf(j)
		if l == nil || was == is {
			continue
		}
		if l == was {
			bytes += leafHeld
		}
		for i, ch := range l {
			if ch != nil && ch == was[i] && ch != is[i] {
				bytes += chunkSize
			}
		}
	}
	return bytes
}

// pieces yields the bytes of [from, to) in order, a chunk at a time. They alias
// the chunks.
func (c *chunkedText) pieces(from, to int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for from < to {
			at := from & (chunkSize - 1)
			n := min(to-from, chunkSize-at)
			if !yield(View(c.at(from >> chunkBits)[at : at+n])) {
				return
			}
			from += n
		}
	}
}

// cut is the bytes of [from, to). What lies in one chunk aliases it, the rest is
// copied. O(to - from).
func (c *chunkedText) cut(from, to int) string {
	if from == to {
		return ""
	}
	if from>>chunkBits == (to-1)>>chunkBits {
		at := from & (chunkSize - 1)
		return View(c.at(from >> chunkBits)[at : at+to-from])
	}
	var b strings.Builder
	b.Grow(to - from)
	for p := range c.pieces(from, to) {
		b.WriteString(p)
	}
	return b.String()
}

// text is the whole. O(1) while somebody keeps what an earlier call returned, else
// O(n).
func (c *chunkedText) text() string {
	if c.len <= chunkSize {
		return c.cut(0, c.len)
	}
	if w := c.flat.Load(); w != nil {
		if p := w.Value(); p != nil {
			return unsafe.String(p, c.len)
		}
	}
	s := c.cut(0, c.len)
	w := weak.Make(unsafe.StringData(s))
	c.flat.Store(&w)
	return s
}

// equals compares with s, without making the whole.
func (c *chunkedText) equals(s string) bool {
	if c.len != len(s) {
		return false
	}
	for p := range c.pieces(0, c.len) {
		if p != s[:len(p)] {
			return false
		}
		s = s[len(p):]
	}
	return true
}

// check reports the first broken invariant.
func (c *chunkedText) check() error {
	if c.len <= 0 || len(c.root) != (c.len-1)>>(chunkBits+leafBits)+1 {
		return fmt.Errorf("%d bytes in %d leaves", c.len, len(c.root))
	}
	held := chunksHead + int64(len(c.root))*rootSlot
	for j, l := range c.root {
		if l == nil {
			continue
		}
		held += leafHeld
		for i, ch := range l {
			if ch == nil {
				continue
			}
			held += chunkSize
			first := (j<<leafBits + i) << chunkBits
			if behind := max(c.len-first, 0); behind < chunkSize && string(ch[behind:]) != string(zeroChunk[behind:]) {
				return fmt.Errorf("bytes that are not zero behind the end, %d", c.len)
			}
		}
	}
	if held != c.held {
		return fmt.Errorf("chunks take %d bytes, %d are counted", held, c.held)
	}
	return nil
}
