package store

import (
	"encoding/binary"
	"strconv"

	"github.com/understudy-go/understudy/store/internal/table"
)

// A BitInt is an integer in the bits of a string: how many there are, where, and whether
// the first is its sign. It may begin and end in the middle of bytes; the highest bit
// comes first.
type BitInt struct {
	signed bool
	bits   int
	offset int64 // of its highest bit
}

// UnsignedBits is the unsigned integer of 1 to 63 bits whose highest stands at bit offset
// of the string.
func UnsignedBits(bits int, offset int64) BitInt { return BitInt{false, bits, offset} }

// SignedBits is the signed integer, in two's complement, of 1 to 64 bits whose highest
// stands at bit offset of the string.
func SignedBits(bits int, offset int64) BitInt { return BitInt{true, bits, offset} }

// Get reads the integer.
func (f BitInt) Get() BitFieldOp { return BitFieldOp{field: f} }

// Set writes the integer. The result is what it was.
func (f BitInt) Set(value int64) BitFieldOp { return BitFieldOp{field: f, kind: fieldSet, n: value} }

// Incr adds delta to the integer. The result is the sum.
func (f BitInt) Incr(delta int64) BitFieldOp { return BitFieldOp{field: f, kind: fieldIncr, n: delta} }

// Overflow says what becomes of a number that its bits cannot hold.
type Overflow uint8

const (
	// OverflowWrap keeps the low bits.
	OverflowWrap Overflow = iota
	// OverflowSat keeps the least or the greatest number that they can hold. An unsigned
	// integer that is set takes a negative number for a great one.
	OverflowSat
	// OverflowFail writes nothing.
	OverflowFail
)

var overflowNames = [...]string{"WRAP", "SAT", "FAIL"}

// A BitFieldOp is one step of [DB.BitField]: reads or writes one integer.
type BitFieldOp struct {
	field    BitInt
	kind     fieldKind
	n        int64 // to be written, or added
	overflow Overflow
}

type fieldKind uint8

const (
	fieldGet fieldKind = iota
	fieldSet
	fieldIncr
)

// Overflow is the step with another rule for numbers that do not fit; without, they wrap.
func (op BitFieldOp) Overflow(o Overflow) BitFieldOp {
	op.overflow = o
	return op
}

// A BitFieldResult is what one step of [DB.BitField] gave.
type BitFieldResult struct {
	Value int64
	OK    bool // false: the number did not fit, and nothing was written
}

var errBitType = &Error{"ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."}

func (f BitInt) check() error {
	if f.bits < 1 || f.bits > 64 || f.bits == 64 && !f.signed {
		return errBitType
	}
	return checkBitOffset(f.offset)
}

// name is the type as a command has it.
func (f BitInt) name() string {
	if f.signed {
		return "i" + strconv.Itoa(f.bits)
	}
	return "u" + strconv.Itoa(f.bits)
}

// end is the index of the byte behind the integer.
func (f BitInt) end() int { return int((f.offset + int64(f.bits) + 7) >> 3) }

// longestText is the longest string that there can be: an integer may begin with the last
// of maxBits.
const longestText = maxText + 8

// bitWindow is the bytes in which an integer stands: at most nine, zero behind the end of the
// string.
type bitWindow [9]byte

// in reads the integer from the bytes that begin with the one of its first bit.
func (f BitInt) in(w *bitWindow) int64 {
	shift := uint(f.offset & 7)
	v := binary.BigEndian.Uint64(w[:8])<<shift | uint64(w[8])>>(8-shift)
	if f.signed {
		return int64(v) >> (64 - f.bits)
	}
	return int64(v >> (64 - f.bits))
}

// put writes the low bits of v in the place of the integer.
func (f BitInt) put(w *bitWindow, v int64) {
	shift := uint(f.offset & 7)
	mask := ^uint64(0) << (64 - f.bits)
	high := uint64(v) << (64 - f.bits)
	head := binary.BigEndian.Uint64(w[:8])
	binary.BigEndian.PutUint64(w[:8], head&^(mask>>shift)|high>>shift)
	w[8] = w[8]&^byte(mask<<(8-shift)) | byte(high<<(8-shift))
}

// limits are the least and the greatest number that the integer can be.
func (f BitInt) limits() (low, high int64) {
	high = int64(^uint64(0) >> (65 - f.bits)) // of a signed one, whose sign is one bit
	if f.signed {
		return -high - 1, high
	}
	return 0, high<<1 | 1
}

// add is value, which the integer can be, plus delta, by the rule of overflow; ok is
// false if it says that nothing is written.
func (f BitInt) add(value, delta int64, o Overflow) (sum int64, ok bool) {
	low, high := f.limits()
	sum = value + delta
	over := delta > 0 && (sum < value || sum > high)
	under := delta < 0 && (sum > value || sum < low)
	return f.fit(sum, over, under, o)
}

// set is add for a value that is put in the place of the old one.
func (f BitInt) set(value int64, o Overflow) (int64, bool) {
	low, high := f.limits()
	if f.signed {
		// The second condition is the first where it was written as a difference, which wraps around far below: a replica
		// must find too high what every Redis finds so.
		return f.fit(value, value > high || f.bits < 64 && high-value < 0, value < low, o)
	}
	return f.fit(value, uint64(value) > uint64(high), false, o)
}

func (f BitInt) fit(v int64, over, under bool, o Overflow) (int64, bool) {
	low, high := f.limits()
	switch {
	case !over && !under:
		return v, true
	case o == OverflowFail:
		return 0, false
	case o == OverflowSat && over:
		return high, true
	case o == OverflowSat:
		return low, true
	}
	if f.signed {
		return v << (64 - f.bits) >> (64 - f.bits), true
	}
	return v & high, true
}

// bitField does the steps one after another. sent is the command for the stream, which
// gets it if anything is written, or the string grows. It grows for a step that then
// writes nothing, too; Redis keeps that from its replicas if no other step writes.
func (x *exec) bitField(key string, ops []BitFieldOp, sent ...string) ([]BitFieldResult, error) {
	length := 0 // that the string has to have
	for _, op := range ops {
		if op.kind != fieldGet {
			length = max(length, op.field.end())
		}
	}
	if length == 0 {
		e, err := x.textAt(key)
		if err != nil {
			return nil, err
		}
		w := fieldWriter{e: e}
		return w.all(ops), nil
	}
	r := x.ref(key)
	e, err := x.typed(r.e, table.Text)
	if err != nil {
		return nil, err
	}
	if e == nil {
		e = table.NewText(x.c.version, key, "", 0)
	}
	w := fieldWriter{e: e, whole: x.bitsWhole()}
	if length > e.Len() {
		w.begin(length)
	}
	results := w.all(ops)
	if w.begun {
		x.c.put(r, w.draft.Entry(x.c.version))
		x.c.effect(x.db, sent...)
		x.event(eventString, "setbit", key)
	}
	return results, nil
}

// fieldWriter reads and writes integers in a string. Nothing is copied before one changes.
type fieldWriter struct {
	e     *table.Entry // nil: no bits, and none are written
	whole int
	draft table.Draft
	begun bool
}

func (w *fieldWriter) begin(length int) { w.draft, w.begun = w.e.Draft(length, w.whole), true }

func (w *fieldWriter) all(ops []BitFieldOp) []BitFieldResult {
	results := make([]BitFieldResult, len(ops))
	for i, op := range ops {
		results[i] = w.do(op)
	}
	return results
}

func (w *fieldWriter) do(op BitFieldOp) BitFieldResult {
	var bytes bitWindow
	first := int(op.field.offset >> 3)
	n := copy(bytes[:], w.bytes(first, op.field.end()))
	old := op.field.in(&bytes)
	var is int64
	var ok bool
	switch op.kind {
	case fieldGet:
		return BitFieldResult{old, true}
	case fieldSet:
		is, ok = op.field.set(op.n, op.overflow)
	case fieldIncr:
		is, ok = op.field.add(old, op.n, op.overflow)
	}
	if !ok {
		return BitFieldResult{}
	}
	if is != old {
		if !w.begun {
			w.begin(w.e.Len())
		}
		op.field.put(&bytes, is)
		w.draft.Write(first, string(bytes[:n]))
	}
	if op.kind == fieldSet {
		return BitFieldResult{old, true}
	}
	return BitFieldResult{is, true}
}

// bytes are those of [from, to), as far as there are any.
func (w *fieldWriter) bytes(from, to int) string {
	if w.e == nil {
		return ""
	}
	if w.begun {
		return w.draft.Range(min(from, w.draft.Len()), min(to, w.draft.Len()))
	}
	return w.e.Range(min(from, w.e.Len()), min(to, w.e.Len()))
}
