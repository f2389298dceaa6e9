package rdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
)

// EncoderOptions change what an Encoder writes. The zero value, and nil, are good.
type EncoderOptions struct {
	// Version of the format, 9 to 12, or Valkey's 80, which no Redis reads. It is the number in the header, which older servers refuse, and decides in which form
	// streams are written, and whether function libraries and deadlines of hash fields can be: see the package
	// documentation.
	//
	// 0, good for most, means the number DefaultVersion, and for streams the oldest form that holds all of them: who reads
	// the file depends on what is in it, Redis 5.0 where there is no stream, else Redis 7.0. Deadlines of hash fields need an
	// explicit 12, or 80, since most servers in use could not read them.
	Version int

	// Compress makes strings of more than 20 bytes smaller where that pays. It costs several times the time.
	Compress bool

	// NoChecksum leaves the footer zero, which every reader takes for "not checked".
	NoChecksum bool
}

// An Encoder writes one file. It is for one goroutine.
//
// Calls must come in the order of the format: Aux and Function first, then for each database SelectDB, ResizeDB and
// its keys, in the end End. The first error is returned by every later call, so it is enough to look at that of End.
type Encoder struct {
	w       io.Writer
	buf     []byte // made, not yet written
	flushed int64
	sum     uint64 // of what was flushed
	err     error

	version    int
	chosen     bool // not by default
	noChecksum bool
	lzf        *lzfWriter // nil: no compression
	open       Kind       // of the current collection
	left       int        // parts of it that are still missing
	earliest   int64      // of a hash with deadlines of fields: what these are counted from, 0 in any other
	stream     streamLeft
	node       nodeWriter
	dump       dumpState
}

var (
	errEnded       = errors.New("rdb: call after End")
	errOpen        = errors.New("rdb: the current collection has fewer parts than announced")
	errFull        = errors.New("rdb: more parts than announced, or of another kind of collection")
	errEmpty       = errors.New("rdb: a collection needs at least one part")
	errNaN         = errors.New("rdb: a score cannot be NaN")
	errParts       = errors.New("rdb: the parts of a string have another length than announced")
	errNegativeDB  = errors.New("rdb: negative database number")
	errOldFunction = errors.New("rdb: function libraries need version 10 or newer")
)

// maxHead is the room that the bytes before a string take at most: opcode, deadline, type and length.
const maxHead = 1 + 8 + 1 + 9

// NewEncoder returns an Encoder that writes to w, in pieces of 64 KiB. Nothing is written before the first piece is
// full, or End is called.
func NewEncoder(w io.Writer, o *EncoderOptions) *Encoder {
	if o == nil {
		o = &EncoderOptions{}
	}
	e := newEncoder(w, o, bufferSize)
	e.noChecksum = o.NoChecksum
	e.buf = appendHeader(e.buf, e.version)
	return e
}

// appendHeader appends the name of the format and the version.
func appendHeader(b []byte, version int) []byte {
	if version >= minValkeyVersion {
		return fmt.Appendf(b, "%s%03d", foreignMagic, version)
	}
	return fmt.Appendf(b, "%s%04d", magic, version)
}

// newEncoder returns an Encoder that has written nothing, with a buffer of size bytes: no less than begin makes room for.
func newEncoder(w io.Writer, o *EncoderOptions, size int) *Encoder {
	e := &Encoder{w: w, buf: make([]byte, 0, size), version: o.Version, chosen: o.Version != 0}
	if e.version == 0 {
		e.version = DefaultVersion
	}
	if (e.version < DefaultVersion || e.version > maxWritten) && e.version != minValkeyVersion {
		e.err = fmt.Errorf("rdb: cannot write version %d", e.version)
	}
	if o.Compress {
		e.lzf = newLZFWriter()
	}
	return e
}

// Written returns the number of bytes of the file so far, those in the buffer included.
func (e *Encoder) Written() int64 { return e.flushed + int64(len(e.buf)) }

// Aux writes a remark on the file. Readers ignore names that they do not know.
func (e *Encoder) Aux(name, value string) error {
	if e.beginRemark() {
		e.buf = append(e.buf, opAux)
		e.text(name)
		e.text(value)
	}
	return e.err
}

// Function writes a function library, given by its source.
func (e *Encoder) Function(source string) error {
	if e.dump == dumpLibraries && e.begin() || e.beginRemark() {
		if e.version < functionVersion {
			return e.fail(errOldFunction)
		}
		e.buf = append(e.buf, opFunction2)
		e.text(source)
	}
	return e.err
}

// SelectDB puts the keys that follow into database n.
func (e *Encoder) SelectDB(n int) error {
	if n < 0 {
		return e.fail(errNegativeDB)
	}
	if e.beginRemark() {
		e.buf = appendLength(append(e.buf, opSelectDB), uint64(n))
	}
	return e.err
}

// ResizeDB tells readers how many keys the current database has, and how many of them have a deadline: a hint.
func (e *Encoder) ResizeDB(keys, expires uint64) error {
	if e.beginRemark() {
		e.buf = appendLength(appendLength(append(e.buf, opResizeDB), keys), expires)
	}
	return e.err
}

// String writes a key that holds a string. The deadline is unix time in milliseconds, 0 for none.
func (e *Encoder) String(key, value string, deadline int64) error {
	if e.begin() {
		e.head(typeString, key, deadline)
		e.text(value)
	}
	return e.err
}

// StringOf writes a key that holds a string of n bytes, given in parts: none of them is kept, so a long string that
// nobody has in one piece takes no memory of its own, except for compression. It is never written as an integer. The
// deadline is unix time in milliseconds, 0 for none.
func (e *Encoder) StringOf(key string, n int, parts iter.Seq[string], deadline int64) error {
	if !e.begin() {
		return e.err
	}
	e.head(typeString, key, deadline)
	if e.lzf != nil && n <= lzfMaxInput {
		return e.compressParts(n, parts)
	}
	e.buf = appendLength(e.buf, uint64(n))
	for p := range parts {
		n -= len(p)
		write(e, p)
	}
	if n != 0 {
		return e.fail(errParts)
	}
	return e.err
}

// compressParts writes a string in its compressed form, or plain if that is not shorter.
func (e *Encoder) compressParts(n int, parts iter.Seq[string]) error {
	whole, packed, ok := e.lzf.compressParts(parts)
	switch {
	case len(whole) != n:
		return e.fail(errParts)
	case ok:
		e.packed(packed, n)
	default:
		e.buf = appendLength(e.buf, uint64(n))
		write(e, whole)
	}
	return e.err
}

// BeginHash begins a key that holds a hash of n >= 1 fields; exactly n calls of Field must follow. The deadline is
// unix time in milliseconds, 0 for none.
func (e *Encoder) BeginHash(key string, n int, deadline int64) error {
	return e.beginCollection(Hash, typeHash, key, n, deadline)
}

// BeginList begins a key that holds a list of n >= 1 elements; exactly n calls of Element must follow, in their order. The
// deadline is unix time in milliseconds, 0 for none.
func (e *Encoder) BeginList(key string, n int, deadline int64) error {
	return e.beginCollection(List, typeList, key, n, deadline)
}

// BeginSet begins a key that holds a set of n >= 1 members; exactly n calls of Element must follow, in any order. The
// deadline is unix time in milliseconds, 0 for none.
func (e *Encoder) BeginSet(key string, n int, deadline int64) error {
	return e.beginCollection(Set, typeSet, key, n, deadline)
}

// BeginSortedSet begins a key that holds a sorted set of n >= 1 members; exactly n calls of Member must follow, in any
// order. The deadline is unix time in milliseconds, 0 for none.
func (e *Encoder) BeginSortedSet(key string, n int, deadline int64) error {
	return e.beginCollection(SortedSet, typeSorted2, key, n, deadline)
}

func (e *Encoder) beginCollection(k Kind, code byte, key string, n int, deadline int64) error {
	if n < 1 {
		return e.fail(errEmpty)
	}
	if e.begin() {
		e.head(code, key, deadline)
		e.buf = appendLength(e.buf, uint64(n))
		e.open, e.left, e.earliest = k, n, 0
	}
	return e.err
}

// part reports whether a part of the current collection, which must be of one of the kinds, may be written.
func (e *Encoder) part(k, or Kind) bool {
	if e.left == 0 || e.open != k && e.open != or {
		e.fail(errFull)
		return false
	}
	e.left--
	return true
}

// Field writes the next pair of the hash that BeginHash began. Fields must be distinct: servers refuse to load a hash
// that has one twice.
func (e *Encoder) Field(field, value string) error {
	return e.DatedField(field, value, 0)
}

// Element writes the next element of the list or set that BeginList or BeginSet began. Those of a set must be distinct.
func (e *Encoder) Element(v string) error {
	if e.part(List, Set) {
		e.text(v)
	}
	return e.err
}

// Member writes the next member of the sorted set that BeginSortedSet began. Members must be distinct, and no score may
// be NaN.
func (e *Encoder) Member(member string, score float64) error {
	if math.IsNaN(score) {
		return e.fail(errNaN)
	}
	if e.part(SortedSet, SortedSet) {
		e.text(member)
		e.room(maxHead)
		e.buf = binary.LittleEndian.AppendUint64(e.buf, math.Float64bits(score))
	}
	return e.err
}

// End writes the end of the file, and all that is still in the buffer. It does not close the writer.
func (e *Encoder) End() error {
	if !e.begin() {
		return e.err
	}
	if e.dump == notDump {
		e.buf = append(e.buf, opEOF)
	} else {
		e.endDump()
	}
	e.flush()
	sum := e.sum
	if e.noChecksum {
		sum = 0
	}
	e.buf = binary.LittleEndian.AppendUint64(e.buf, sum)
	e.flush()
	if e.err != nil {
		return e.err
	}
	e.err = errEnded
	return nil
}

// fail keeps the first error.
func (e *Encoder) fail(err error) error {
	if e.err == nil {
		e.err = err
	}
	return e.err
}

// begin makes room for the head of a record, and reports whether one may begin here.
func (e *Encoder) begin() bool {
	if e.left > 0 || e.stream != (streamLeft{}) {
		e.fail(errOpen)
	}
	if e.err != nil {
		return false
	}
	e.room(2 * maxHead)
	return true
}

// beginRemark is begin for what a payload of a single value cannot hold.
func (e *Encoder) beginRemark() bool {
	if e.dump != notDump {
		e.fail(errDumpRemark)
	}
	return e.begin()
}

// room makes sure that n more bytes fit in the buffer.
func (e *Encoder) room(n int) {
	if cap(e.buf)-len(e.buf) < n {
		e.flush()
	}
}

// head writes what stands before the value of a key.
func (e *Encoder) head(code byte, key string, deadline int64) {
	if e.dump != notDump {
		e.dumpHead(code)
		return
	}
	if deadline != 0 {
		e.buf = binary.LittleEndian.AppendUint64(append(e.buf, opDeadlineMs), uint64(deadline))
	}
	e.buf = append(e.buf, code)
	e.text(key)
	e.room(maxHead)
}

// text writes a string in the shortest form: integer, compressed if asked for, or plain.
func (e *Encoder) text(s string) {
	e.room(maxHead)
	if len(s) <= maxIntText {
		if n, ok := smallInteger(s); ok {
			e.buf = appendInteger(e.buf, n)
			return
		}
	}
	if e.lzf != nil {
		if packed, ok := e.lzf.compress(s); ok {
			e.packed(packed, len(s))
			return
		}
	}
	e.buf = appendLength(e.buf, uint64(len(s)))
	write(e, s)
}

// blob writes a string that is no number.
func (e *Encoder) blob(p []byte) {
	e.room(maxHead)
	if e.lzf != nil {
		if packed, ok := e.lzf.compress(string(p)); ok {
			e.packed(packed, len(p))
			return
		}
	}
	e.buf = appendLength(e.buf, uint64(len(p)))
	write(e, p)
}

// packed writes the compressed form of a string of n bytes.
func (e *Encoder) packed(p []byte, n int) {
	e.buf = append(e.buf, special|byte(formLZF))
	e.buf = appendLength(e.buf, uint64(len(p)))
	e.buf = appendLength(e.buf, uint64(n))
	write(e, p)
}

// write puts p into the buffer, and flushes as often as it fills up: so a long string takes no memory of its own, and
// needs no conversion to the []byte that a writer wants.
func write[T string | []byte](e *Encoder, p T) {
	for {
		n := min(len(p), cap(e.buf)-len(e.buf))
		e.buf = append(e.buf, p[:n]...)
		if n == len(p) {
			return
		}
		p = p[n:]
		e.flush()
	}
}

// flush sums up and writes the buffer. After an error it throws the bytes away, so that no call has to check for room.
func (e *Encoder) flush() {
	if e.err == nil && len(e.buf) > 0 {
		if !e.noChecksum {
			e.sum = crcUpdate(e.sum, e.buf)
		}
		n, err := e.w.Write(e.buf)
		if err == nil && n < len(e.buf) {
			err = io.ErrShortWrite
		}
		if err != nil {
			e.err = err
		}
	}
	e.flushed += int64(len(e.buf))
	e.buf = e.buf[:0]
}
