package rdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// DefaultMaxString is the longest string that a Decoder accepts unless told otherwise: what a server accepts from its
// clients unless configured otherwise.
const DefaultMaxString = 512 << 20

// DecoderOptions change how a Decoder reads. The zero value, and nil, are good.
type DecoderOptions struct {
	// MaxString is the longest key, value or element in bytes, after decompression; 0 means DefaultMaxString. A server
	// whose proto-max-bulk-len was raised may write longer ones. Whoever only reads files raises it for them; package store
	// does not, since 512 MiB is the longest string that it holds.
	MaxString int
}

// A Record is what Next returns: one remark, one switch of database, one key. Op says which of the other fields mean
// something; DB is always that of the last OpSelectDB.
type Record struct {
	Op   Op
	Meta bool // OpKey: modules have stored something about the key, see KeyMeta
	DB   int

	Name, Value   []byte // OpAux; Value alone for OpFunction
	Keys, Expires uint64 // OpResizeDB

	Key      []byte // OpKey, and all that follows
	Kind     Kind
	Deadline int64    // unix time in milliseconds, 0 if the key has none
	Idle     int64    // seconds since the last access, -1 if not known
	Freq     int      // access counter 0..255, logarithmic, -1 if not known
	Module   ModuleID // whose value it is, if Kind is Module
	Len      int64    // pairs, elements or members, 1 for a string, -1 if not known; as the file claims: no size to allocate by
}

// A Decoder reads one file, record by record. It is for one goroutine.
//
// It reads ahead into a buffer of 64 KiB, so it may take more from its reader than the file; see Rest.
type Decoder struct {
	in        source
	err       error // sticky: returned by every later call
	version   int   // 0 until the header was read
	dialect   Dialect
	maxString int
	db        int
	keyed     bool // key is the one whose value is being read
	described bool // meta is about key
	hints     hints
	value     value
	stream    streamPlace
	templates templates
	slots     []SlotRange
	dump      dumpState

	key, first, second, packed, meta []byte // memory for texts that cannot stay in the buffer
}

// hints are the opcodes that concern the key that follows them.
type hints struct {
	meta     bool
	deadline int64
	idle     int64
	freq     int
}

var noHints = hints{idle: -1, freq: -1}

var (
	errMagic      = errors.New("does not begin with the name of the format")
	errBadDB      = errors.New("invalid database number")
	errIdleLength = errors.New("invalid idle time")
)

// NewDecoder returns a Decoder of the file that r holds. Nothing is read before the first call of Next.
func NewDecoder(r io.Reader, o *DecoderOptions) *Decoder {
	d := &Decoder{maxString: DefaultMaxString, hints: noHints}
	d.in.r = r
	d.in.buf = make([]byte, bufferSize)
	if o != nil && o.MaxString > 0 {
		d.maxString = o.MaxString
	}
	return d
}

// Next returns the next record. Whatever the caller has not read of the value of the last key is skipped, in time
// proportional to its length. After OpEnd, Next returns io.EOF.
//
// Key, Name and Value are valid until the next call of Next. Every error is final.
func (d *Decoder) Next() (Record, error) {
	rec := Record{Idle: -1, Freq: -1, Len: -1}
	if d.err != nil {
		return Record{}, d.err
	}
	if err := d.next(&rec); err != nil {
		return Record{}, err
	}
	rec.DB = d.db
	return rec, nil
}

// next reads up to the next thing that a caller should hear of: hints are collected on the way, and what has no meaning
// here is skipped.
func (d *Decoder) next(rec *Record) error {
	if d.dump != notDump {
		return d.nextOfDump(rec)
	}
	if d.version == 0 {
		if err := d.header(); err != nil {
			return err
		}
	}
	if err := d.closeValue(); err != nil {
		return err
	}
	d.keyed = false
	for rec.Op == 0 {
		if err := d.record(rec); err != nil {
			return err
		}
	}
	return nil
}

// Version returns the version of the file, 0 before the first call of Next.
func (d *Decoder) Version() int { return d.version }

// Offset returns the number of bytes of the file that were consumed: after OpEnd, its length.
func (d *Decoder) Offset() int64 { return d.in.offset() }

// Rest returns what was read from the reader beyond the end of the file, nil before OpEnd. In a transfer between
// servers more follows the file in the same connection; it begins with these bytes. They are the Decoder's memory,
// which it does not touch any more.
func (d *Decoder) Rest() []byte {
	if d.err != io.EOF {
		return nil
	}
	return d.in.buf[d.in.pos:d.in.end:d.in.end]
}

// fail makes err, met while reading the item that begins at offset at, the Decoder's last word.
func (d *Decoder) fail(at int64, what string, err error) error {
	large, ok := err.(*TooLargeError)
	switch {
	case d.in.err != nil:
		d.err = d.in.err
	case ok:
		large.Offset, large.What, large.DB = at, what, d.db
		if d.keyed {
			large.Key = nameOf(d.key)
		}
		d.err = large
	default:
		d.err = &CorruptError{Offset: at, What: what, Err: err}
	}
	return d.err
}

// failIf is fail for an err that may be nil.
func (d *Decoder) failIf(at int64, what string, err error) error {
	if err == nil {
		return nil
	}
	return d.fail(at, what, err)
}

// nameOf is as much of a key as an error keeps: enough to find it by.
func nameOf(key []byte) string {
	const most = 128
	return string(key[:min(len(key), most)])
}

// unsupported makes the item that begins at offset at the Decoder's last word. The length of what is not understood is not
// known either, so there is no way on.
func (d *Decoder) unsupported(at int64, what string, code int) error {
	d.err = &UnsupportedError{Offset: at, What: what, Code: code}
	return d.err
}

// unsupportedValue is unsupported for the value of key, by whose name an administrator finds what to do about it.
func (d *Decoder) unsupportedValue(at int64, what string, code byte, key []byte) error {
	d.err = &UnsupportedError{Offset: at, What: what, Code: int(code), Key: nameOf(key), DB: d.db}
	return d.err
}

// header reads the name of the format and the version.
func (d *Decoder) header() error {
	p, err := d.in.take(headerSize)
	if err != nil {
		return d.fail(0, "header", err)
	}
	if string(p[:len(foreignMagic)]) == foreignMagic {
		n, ok := decimal(p[len(foreignMagic):])
		if !ok {
			return d.fail(0, "header", errMagic)
		}
		return d.setVersion(0, n, true)
	}
	n, ok := decimal(p[len(magic):])
	if string(p[:len(magic)]) != magic || !ok {
		return d.fail(0, "header", errMagic)
	}
	return d.setVersion(0, n, false)
}

func decimal(p []byte) (n int, ok bool) {
	for _, b := range p {
		if b < '0' || b > '9' {
			return 0, false
		}
		n = n*10 + int(b-'0')
	}
	return n, true
}

// record reads what begins with the next byte. It leaves rec.Op alone where that is a hint, and nothing for the caller.
func (d *Decoder) record(rec *Record) error {
	at := d.in.offset()
	code, err := d.in.byte()
	if err != nil {
		return d.fail(at, "opcode", err)
	}
	if code < firstOpcode {
		return d.keyRecord(at, code, rec)
	}
	switch code {
	case opEOF:
		return d.end(rec)
	case opSelectDB:
		return d.selectDB(at, rec)
	case opResizeDB:
		return d.resizeDB(at, rec)
	case opAux:
		return d.aux(at, rec)
	case opFunction2:
		return d.function(rec)
	case opDeadlineMs, opDeadlineSec:
		return d.deadline(at, code)
	case opIdle:
		return d.idle(at)
	case opFreq:
		return d.freq(at)
	case opSlotInfo:
		return d.slotInfo(at)
	case opModuleAux:
		return d.moduleAux(at)
	}
	if known, err := d.dialectRecord(at, code, rec); known {
		return err
	}
	return d.keyRecord(at, code, rec)
}

// end reads the footer: the checksum of all that came before it, or zero if the writer made none.
func (d *Decoder) end(rec *Record) error {
	got, at := d.in.settle(), d.in.offset()
	want, err := d.in.littleEndian64()
	if err != nil {
		return d.fail(at, "checksum", err)
	}
	if want != 0 && want != got {
		return d.fail(at, "checksum", fmt.Errorf("%w: the file says %016x, its content gives %016x", ErrChecksum, want, got))
	}
	rec.Op = OpEnd
	d.err = io.EOF
	return nil
}

func (d *Decoder) selectDB(at int64, rec *Record) error {
	n, err := d.in.length()
	if err == nil && n > math.MaxInt32 {
		err = errBadDB
	}
	if err != nil {
		return d.fail(at, "database number", err)
	}
	d.db = int(n)
	rec.Op = OpSelectDB
	return nil
}

func (d *Decoder) resizeDB(at int64, rec *Record) (err error) {
	if rec.Keys, err = d.in.length(); err == nil {
		rec.Expires, err = d.in.length()
	}
	if err != nil {
		return d.fail(at, "database size", err)
	}
	rec.Op = OpResizeDB
	return nil
}

// aux reads a remark. Forks write some between keys, so it may come anywhere.
func (d *Decoder) aux(at int64, rec *Record) (err error) {
	if rec.Name, err = d.stableText("aux name", &d.first); err != nil {
		return err
	}
	d.learn(rec.Name)
	if d.dialect == KeyDB && string(rec.Name) == remarkSubexpire {
		return d.unsupportedValue(at, "deadline of a part of a key (KeyDB)", opAux, d.key)
	}
	rec.Value, err = d.text("aux value", &d.second)
	rec.Op = OpAux
	return err
}

func (d *Decoder) function(rec *Record) (err error) {
	rec.Value, err = d.text("function library", &d.first)
	rec.Op = OpFunction
	return err
}

// deadline reads the deadline of the next key. Servers take -1 for "none". 0 would be a key that is long gone, but is
// "none" in a Record, so it becomes the millisecond after.
func (d *Decoder) deadline(at int64, code byte) error {
	var ms int64
	if code == opDeadlineSec {
		p, err := d.in.take(4)
		if err != nil {
			return d.fail(at, "deadline", err)
		}
		if s := int64(int32(binary.LittleEndian.Uint32(p))); s != -1 {
			ms = max(s*1000, 1)
		}
	} else {
		n, err := d.in.littleEndian64()
		if err != nil {
			return d.fail(at, "deadline", err)
		}
		if n := int64(n); n != -1 {
			ms = max(n, 1)
		}
	}
	d.hints.deadline = ms
	return nil
}

func (d *Decoder) idle(at int64) error {
	n, err := d.in.length()
	if err == nil && n > math.MaxInt64 {
		err = errIdleLength
	}
	if err != nil {
		return d.fail(at, "idle time", err)
	}
	d.hints.idle = int64(n)
	return nil
}

// freq reads the access counter that a server keeps if it evicts the least frequently used keys; idle is the same for the
// least recently used.
func (d *Decoder) freq(at int64) error {
	b, err := d.in.byte()
	if err != nil {
		return d.fail(at, "access frequency", err)
	}
	d.hints.freq = int(b)
	return nil
}

// slotInfo skips the sizes of one slot of a cluster. They let a server make room in advance, and have no other use.
func (d *Decoder) slotInfo(at int64) error {
	for range 3 {
		if _, err := d.in.length(); err != nil {
			return d.fail(at, "slot sizes", err)
		}
	}
	return nil
}

// keyRecord reads the key whose type is code, and prepares for its value.
func (d *Decoder) keyRecord(at int64, code byte, rec *Record) (err error) {
	if !readable(code, d.dialect, d.version) {
		return d.unreadable(at, code)
	}
	if rec.Key, err = d.stableText("key", &d.key); err != nil {
		return err
	}
	rec.Op, d.keyed = OpKey, true
	rec.Deadline, rec.Idle, rec.Freq = d.hints.deadline, d.hints.idle, d.hints.freq
	rec.Meta, d.described = d.hints.meta, d.hints.meta
	d.hints = noHints
	return d.openValue(code, rec)
}

// unreadable is the end at a code without a meaning here. Behind that of a type stands the key, whatever the type; if that cannot be read, it goes unnamed.
func (d *Decoder) unreadable(at int64, code byte) error {
	if code >= firstOpcode {
		return d.unsupported(at, codeName(code, d.dialect), int(code))
	}
	key, _ := d.stableText("key", &d.key)
	return d.unsupportedValue(at, codeName(code, d.dialect), code, key)
}
