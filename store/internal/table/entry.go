package table

import (
	"encoding/binary"
	"iter"
	"strings"
	"unsafe"
)

// Kind says what an entry's value is and how it is held.
type Kind uint8

const (
	// Tombstone marks a key deleted by a commit that is not yet published.
	Tombstone Kind = iota
	// Text is a string.
	Text
	// SmallHash is a hash held as one blob of pairs.
	SmallHash
	// BigHash is a hash held as a table of its own, of Text entries by field, whose
	// deadlines are those of the fields.
	BigHash
	// SmallList is a list held as one blob of elements.
	SmallList
	// BigList is a list held in a tree.
	BigList
	// IntSet is a set of integers held as one blob, in order.
	IntSet
	// SmallSet is a set held as one blob of members.
	SmallSet
	// BigSet is a set held as a table of its own, of empty Text entries by member.
	BigSet
	// SmallSorted is a sorted set held as one blob of members and scores, in order.
	SmallSorted
	// BigSorted is a sorted set held in a tree, beside a table of scores by member.
	BigSorted
	// Stream is a stream, held in a tree whatever its size.
	Stream
	// Opaque is a value that nobody here can read, held as the bytes in which it came.
	Opaque
	// DatedHash is a hash held as one blob of pairs, with the deadlines of fields.
	DatedHash
)

const (
	headSize    = int(unsafe.Sizeof(Entry{}))
	stampSize   = 8       // an inline deadline
	maxKeyBits  = 24      // an inline key's length
	inlineLimit = 1 << 10 // largest inline string value, in bytes

	kindMask     = 0x0f
	flagDeadline = 0x40 // inline form: the deadline follows the head
	flagIndirect = 0x80 // the entry is the head of a boxed
)

// An Entry is a key with its value: the head of one allocation.
//
// In the inline form the head is followed, in the same allocation, by the
// deadline (8 bytes, only if there is one), the key and the value; the
// allocation holds no pointer, so the collector never scans it. Everything
// that does not fit is a boxed, whose first field is this head.
//
// Invariant: no field changes after the entry was stored in a table.
type Entry struct {
	version uint64 // of the commit that wrote it
	meta    uint32 // kind and flags in the low 8 bits, inline key length above
	vlen    uint32 // inline value length
}

// boxed is the form of large values and of collections with structure.
type boxed struct {
	Entry
	deadline int64
	key      string
	text     string // of a string in one piece, or the blob of a small collection
	body     any    // nil; or the *Tail that text was cut from, a *chunkedText, a Body: then text is empty
}

// A Body is what a large collection is held in. Unlike an entry it changes in
// place, as its owner sees to.
type Body interface {
	// Bytes is its memory. Only the writer may ask.
	Bytes() int64
	// Owned reports whether it counts in somebody else's Bytes. Only the writer may
	// ask.
	Owned() bool
	// SetOwner makes it count in o, and no longer in the owner so far; nil for none.
	SetOwner(o *Account)
}

// Tail is the shared buffer behind strings that grow by appending. Used is the
// length of the longest string that was cut from it: only that one may be
// extended in place.
type Tail struct {
	buf  []byte
	used int
}

// NewText returns a string entry. The bytes of key and value are copied: they
// may alias a read buffer. deadline is in Unix milliseconds, 0 for none.
func NewText(version uint64, key, value string, deadline int64) *Entry {
	if len(value) > inlineLimit || len(key) >= 1<<maxKeyBits {
		return &newBoxed(version, Text, strings.Clone(key), deadline, boxed{text: strings.Clone(value)}).Entry
	}
	return newInline(version, Text, key, value, deadline)
}

// NewBlob returns an entry for a small collection around its encoded form, which is
// copied.
func NewBlob(version uint64, k Kind, key, blob string, deadline int64) *Entry {
	if len(key) >= 1<<maxKeyBits {
		return &newBoxed(version, k, strings.Clone(key), deadline, boxed{text: strings.Clone(blob)}).Entry
	}
	return newInline(version, k, key, blob, deadline)
}

// NewOpaque returns an entry for a value that is not understood, around its bytes, which
// are copied. A long one is shared by what With makes of it.
func NewOpaque(version uint64, key, value string, deadline int64) *Entry {
	if len(value) > inlineLimit || len(key) >= 1<<maxKeyBits {
		return &newBoxed(version, Opaque, strings.Clone(key), deadline, boxed{text: strings.Clone(value)}).Entry
	}
	return newInline(version, Opaque, key, value, deadline)
}

// NewBig returns an entry for a large collection.
func NewBig(version uint64, k Kind, key string, body Body, deadline int64) *Entry {
	return &newBoxed(version, k, strings.Clone(key), deadline, boxed{body: body}).Entry
}

// Stamp makes version the commit that wrote e. REQUIRES: nobody else has e yet.
func (e *Entry) Stamp(version uint64) { e.version = version }

// NewTombstone returns the mark of a deleted key.
func NewTombstone(version uint64, key string) *Entry {
	if len(key) >= 1<<maxKeyBits {
		return &newBoxed(version, Tombstone, strings.Clone(key), 0, boxed{}).Entry
	}
	return newInline(version, Tombstone, key, "", 0)
}

// With returns e's value under another key, deadline and version. Large values
// and tables are shared, not copied.
func (e *Entry) With(version uint64, key string, deadline int64) *Entry {
	if e.meta&flagIndirect != 0 {
		b := e.box()
		return &newBoxed(version, e.Kind(), strings.Clone(key), deadline, boxed{text: b.text, body: b.body}).Entry
	}
	if len(key) >= 1<<maxKeyBits {
		if e.Kind() == Text {
			return NewText(version, key, e.Text(), deadline)
		}
		return NewBlob(version, e.Kind(), key, e.Text(), deadline)
	}
	return newInline(version, e.Kind(), key, e.Text(), deadline)
}

// Append returns a string entry for e's value followed by more, under e's key
// and deadline. Where e is the longest string of its buffer the bytes go behind
// it in place: readers of e see only its own length. Of chunks the last is copied.
func (e *Entry) Append(version uint64, more string) *Entry {
	if c := e.chunks(); c != nil {
		return chunkedEntry(version, e.Key(), c.write(c.len, more), e.Deadline())
	}
	old := e.Text()
	n := len(old) + len(more)
	if n <= inlineLimit {
		return NewText(version, e.Key(), old+more, e.Deadline())
	}
	t := e.tail()
	if t == nil || t.used != len(old) || n > len(t.buf) {
		t = &Tail{buf: make([]byte, n+n/2)}
		copy(t.buf, old)
	}
	copy(t.buf[len(old):], more)
	t.used = n
	return &newBoxed(version, Text, e.Key(), e.Deadline(), boxed{text: View(t.buf[:n]), body: t}).Entry
}

func (e *Entry) tail() *Tail {
	if e.meta&flagIndirect == 0 {
		return nil
	}
	t, _ := e.box().body.(*Tail)
	return t
}

// Overwrite returns a string entry for e's value with more, which is not empty,
// written over it at offset at, grown by zero bytes as far as needed, under e's
// key and deadline.
//
// A value of up to whole bytes is copied. A longer one becomes chunks, which costs
// O(n) once; from then on a write costs O(len(more)).
func (e *Entry) Overwrite(version uint64, at int, more string, whole int) *Entry {
	d := e.Draft(max(e.Len(), at+len(more)), whole)
	d.Write(at, more)
	return d.Entry(version)
}

// NewChunked returns a string entry in chunks: what Overwrite makes of a long value.
// The bytes of key and value are copied; chunks of zero bytes take no memory.
func NewChunked(version uint64, key, value string, deadline int64) *Entry {
	return chunkedEntry(version, strings.Clone(key), newChunks(value), deadline)
}

func chunkedEntry(version uint64, key string, c *chunkedText, deadline int64) *Entry {
	return &newBoxed(version, Text, key, deadline, boxed{body: c}).Entry
}

// chunks are those of e, or nil.
func (e *Entry) chunks() *chunkedText {
	if e.meta&flagIndirect == 0 {
		return nil
	}
	return e.box().chunks()
}

// newBoxed keeps key: callers whose key may alias a read buffer clone it.
func newBoxed(version uint64, k Kind, key string, deadline int64, b boxed) *boxed {
	b.Entry = Entry{version: version, meta: uint32(k) | flagIndirect}
	b.deadline = deadline
	b.key = key
	return &b
}

func newInline(version uint64, k Kind, key, value string, deadline int64) *Entry {
	meta, at := uint32(k)|uint32(len(key))<<8, headSize
	if deadline != 0 {
		meta, at = meta|flagDeadline, at+stampSize
	}
	b := make([]byte, at+len(key)+len(value))
	if deadline != 0 {
		binary.NativeEndian.PutUint64(b[headSize:], uint64(deadline))
	}
	copy(b[at:], key)
	copy(b[at+len(key):], value)
	// The slice has at least headSize bytes, and allocations of that size and
	// more are aligned to 8.
	e := (*Entry)(unsafe.Pointer(unsafe.SliceData(b)))
	e.version, e.meta, e.vlen = version, meta, uint32(len(value))
	return e
}

// REQUIRES: flagIndirect is set, so e is the first field of a boxed.
func (e *Entry) box() *boxed { return (*boxed)(unsafe.Pointer(e)) }

func (e *Entry) inline(at, n int) string {
	return unsafe.String((*byte)(unsafe.Add(unsafe.Pointer(e), at)), n)
}

func (e *Entry) keyAt() int {
	if e.meta&flagDeadline != 0 {
		return headSize + stampSize
	}
	return headSize
}

// Version is the version of the commit that wrote the entry.
func (e *Entry) Version() uint64 { return e.version }

// Kind is the entry's kind.
func (e *Entry) Kind() Kind { return Kind(e.meta & kindMask) }

// Key is the entry's key. It aliases the entry.
func (e *Entry) Key() string {
	if e.meta&flagIndirect != 0 {
		return e.box().key
	}
	n := int(e.meta >> 8)
	if n == 0 {
		return ""
	}
	return e.inline(e.keyAt(), n)
}

// holds reports whether the entry's key is key: what every look-up ends with.
func (e *Entry) holds(key string) bool {
	if e.meta&(flagIndirect|flagDeadline) != 0 || key == "" {
		return e.Key() == key
	}
	return int(e.meta>>8) == len(key) && e.inline(headSize, len(key)) == key
}

// Text is the value of a string, or the blob of a small hash. It aliases the
// entry, except that chunks are put together first: O(n). Len, Range and Pieces do
// without that.
func (e *Entry) Text() string {
	if e.meta&flagIndirect != 0 {
		return e.box().whole()
	}
	if e.vlen == 0 {
		return ""
	}
	return e.inline(e.keyAt()+int(e.meta>>8), int(e.vlen))
}

func (b *boxed) chunks() *chunkedText {
	c, _ := b.body.(*chunkedText)
	return c
}

func (b *boxed) whole() string {
	if c := b.chunks(); c != nil {
		return c.text()
	}
	return b.text
}

// Len is the length of a string's value, or of a small hash's blob, in bytes. O(1).
func (e *Entry) Len() int {
	if e.meta&flagIndirect == 0 {
		return int(e.vlen)
	}
	b := e.box()
	if c := b.chunks(); c != nil {
		return c.len
	}
	return len(b.text)
}

// Range is the part [from, to) of a string's value. It aliases the entry, or is a
// copy of what lies in several chunks: O(to - from).
func (e *Entry) Range(from, to int) string {
	if c := e.chunks(); c != nil {
		return c.cut(from, to)
	}
	return e.Text()[from:to]
}

// Pieces are the parts of a string that is held in chunks, in order, and ok is
// true. Of any other entry ok is false: Text gives it at no cost. The parts alias
// the entry.
func (e *Entry) Pieces() (parts iter.Seq[string], ok bool) {
	c := e.chunks()
	if c == nil {
		return nil, false
	}
	return c.pieces(0, c.len), true
}

// Sharable is the part of Size that later versions of the value may share, in
// bytes: its chunks. 0 for an entry that has none.
func (e *Entry) Sharable() int64 {
	if c := e.chunks(); c != nil {
		return c.sharable()
	}
	return 0
}

// Lost is how much of its Sharable memory e shares with old and not with next,
// which takes the place of old; a nil next shares nothing, and then the result may
// be too large. O(n/512 KB) where next was made of old.
func (e *Entry) Lost(old, next *Entry) int64 {
	c, was := e.chunks(), old.chunks()
	if c == nil || was == nil {
		return 0
	}
	if next == nil || next.chunks() == nil {
		return min(c.sharable(), was.sharable())
	}
	return c.lost(was, next.chunks())
}

// Check reports the first broken invariant of what the entry holds its value in.
func (e *Entry) Check() error {
	if c := e.chunks(); c != nil {
		return c.check()
	}
	return nil
}

// Deadline is when the entry expires, in Unix milliseconds; 0 for never.
func (e *Entry) Deadline() int64 {
	if e.meta&(flagDeadline|flagIndirect) == 0 {
		return 0
	}
	if e.meta&flagIndirect != 0 {
		return e.box().deadline
	}
	b := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(e), headSize)), stampSize)
	return int64(binary.NativeEndian.Uint64(b))
}

// Fields is the table of a BigHash or BigSet, else nil.
func (e *Entry) Fields() *Table {
	t, _ := e.Body().(*Table)
	return t
}

// Body is what holds a large collection, else nil.
func (e *Entry) Body() Body {
	if e.meta&flagIndirect == 0 {
		return nil
	}
	b, _ := e.box().body.(Body)
	return b
}

// Same reports whether two string or small hash entries hold the same key,
// value and deadline.
func (e *Entry) Same(key, value string, k Kind, deadline int64) bool {
	return e.Kind() == k && e.is(value) && e.Deadline() == deadline && e.Key() == key
}

// Equals reports whether a string's value is value. It puts no chunks together.
func (e *Entry) Equals(value string) bool { return e.is(value) }

func (e *Entry) is(value string) bool {
	if c := e.chunks(); c != nil {
		return c.equals(value)
	}
	return e.Text() == value
}

// Size is the entry's own memory in bytes, tables of fields not counted. Texts and
// chunks that it shares with other entries, as after EXPIRE, COPY and SETRANGE,
// count in each of them: what a sum over entries bounds is never more than it.
func (e *Entry) Size() int {
	if e.meta&flagIndirect != 0 {
		b := e.box()
		n := int(unsafe.Sizeof(*b)) + len(b.key) + len(b.text)
		if c := b.chunks(); c != nil {
			n += int(c.held)
		}
		return n
	}
	return e.keyAt() + int(e.meta>>8) + int(e.vlen)
}

// View is b as a string, without a copy: valid and constant only as long as b
// does not change.
func View(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Bytes is s as bytes, without a copy. Nobody may write to them.
func Bytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
