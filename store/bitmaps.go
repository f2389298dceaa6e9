package store

import (
	"encoding/binary"
	"math/bits"

	"github.com/understudy-go/understudy/store/internal/table"
)

// A bitmap is a string whose bits are looked at: bit 0 is the highest of its first byte.
// Behind its end there are zero bits without number. A large one that is written bit by
// bit is held in chunks of 4 KB, of which those that nobody wrote take neither memory nor
// the time to look at them.

// maxBits is how many bits the longest string has.
const maxBits = maxText * 8

var (
	errBitOffset = &Error{"ERR bit offset is not an integer or out of range"}
	errBitValue  = &Error{"ERR bit is not an integer or out of range"}
	errBitWanted = &Error{"ERR The bit argument must be 1 or 0."}
)

// wholeBits is the length up to which a string that is written bit by bit stays in one
// piece: copying it then takes about what it takes to copy a chunk and the way there. A
// bitmap is seldom read as a whole, so this is less than for other strings.
const wholeBits = 16 << 10

// bitsWhole is wholeBits, unless tests lower it for all strings.
func (x *exec) bitsWhole() int { return min(wholeBits, x.s.opts.wholeText) }

// textAt is the string at key, nil if there is none.
func (x *exec) textAt(key string) (*table.Entry, error) {
	return x.typed(x.entry(key), table.Text)
}

func checkBitOffset(offset int64) error {
	if offset < 0 || offset >= maxBits {
		return errBitOffset
	}
	return nil
}

// byteAt is byte i of e, a string or nil; 0 behind its end.
func byteAt(e *table.Entry, i int) byte {
	if e == nil || i >= e.Len() {
		return 0
	}
	return e.Range(i, i+1)[0]
}

// bitMask is bit offset in its byte.
func bitMask(offset int64) byte { return 0x80 >> (offset & 7) }

// bitOf is one bit of e, a string or nil.
func bitOf(e *table.Entry, offset int64) bool {
	return byteAt(e, int(offset>>3))&bitMask(offset) != 0
}

// setBit writes one bit of the string at key, which grows by zero bytes where needed, and
// returns what it was. A bit that is so already is no change, unless the string grows.
func (x *exec) setBit(key string, offset int64, on bool) (was bool, err error) {
	if err := checkBitOffset(offset); err != nil {
		return false, err
	}
	r := x.ref(key)
	e, err := x.typed(r.e, table.Text)
	if err != nil {
		return false, err
	}
	at := int(offset >> 3)
	old := byteAt(e, at)
	was = old&bitMask(offset) != 0
	if was == on && e != nil && at < e.Len() {
		return was, nil
	}
	if e == nil {
		e = table.NewText(x.c.version, key, "", 0)
	}
	bit, is := "0", old&^bitMask(offset)
	if on {
		bit, is = "1", old|bitMask(offset)
	}
	x.c.put(r, e.Overwrite(x.c.version, at, string([]byte{is}), x.bitsWhole()))
	x.c.effect(x.db, "SETBIT", key, formatInt(offset), bit)
	x.event(eventString, "setbit", key)
	return was, nil
}

// ones is the number of one bits in s.
func ones(s string) (n int64) {
	b := table.Bytes(s)
	for ; len(b) >= 32; b = b[32:] {
		n += int64(bits.OnesCount64(binary.LittleEndian.Uint64(b)) + bits.OnesCount64(binary.LittleEndian.Uint64(b[8:])) +
			bits.OnesCount64(binary.LittleEndian.Uint64(b[16:])) + bits.OnesCount64(binary.LittleEndian.Uint64(b[24:])))
	}
	for _, c := range b {
		n += int64(bits.OnesCount8(c))
	}
	return n
}

// countBits is the number of one bits among those of [from, to), which are in e.
func countBits(e *table.Entry, from, to int64) (n int64) {
	if from >= to {
		return 0
	}
	first, end := int(from>>3), int((to+7)>>3)
	for at := first; at < end; {
		next := min(nextBlock(at), end)
		if part, hole := e.Part(at, next); !hole {
			n += ones(part)
		}
		at = next
	}
	// The bytes at both ends have bits that are not meant.
	n -= int64(bits.OnesCount8(byteAt(e, first) &^ (0xff >> (from & 7))))
	if rest := to & 7; rest != 0 {
		n -= int64(bits.OnesCount8(byteAt(e, end-1) & (0xff >> rest)))
	}
	return n
}

// nextBlock is where the block of byte at ends.
func nextBlock(at int) int { return (at | (table.BlockSize - 1)) + 1 }

// findBit is the position of the first bit of [from, to), which are in e, that is on or
// off as asked; -1 if there is none.
func findBit(e *table.Entry, on bool, from, to int64) int64 {
	if from >= to {
		return -1
	}
	skip := byte(0xff) // a byte that has none
	if on {
		skip = 0
	}
	first, end := int(from>>3), int((to+7)>>3)
	at, b := first, byteAt(e, first)^skip
	if b &= 0xff >> (from & 7); b == 0 {
		if at = skipBytes(e, skip, first+1, end); at == end {
			return -1
		}
		b = byteAt(e, at) ^ skip
	}
	if pos := int64(at)<<3 + int64(bits.LeadingZeros8(b)); pos < to {
		return pos
	}
	return -1
}

// skipBytes is the index of the first byte of [from, to) that is another than skip, 0 or
// 0xff; to if there is none.
func skipBytes(e *table.Entry, skip byte, from, to int) int {
	for from < to {
		next := min(nextBlock(from), to)
		part, hole := e.Part(from, next)
		switch {
		case hole && skip == 0:
		case hole:
			return from
		default:
			if n := leading(part, skip); n < len(part) {
				return from + n
			}
		}
		from = next
	}
	return to
}

// leading is how many bytes of s, from its first, are skip.
func leading(s string, skip byte) (n int) {
	b := table.Bytes(s)
	word := uint64(skip) * 0x0101010101010101
	for len(b)-n >= 8 && binary.LittleEndian.Uint64(b[n:]) == word {
		n += 8
	}
	for n < len(b) && b[n] == skip {
		n++
	}
	return n
}

// bitRange is which part of a string BITCOUNT and BITPOS look at: bytes, or bits, from
// start to end, both included, and counted from the end of the string where negative.
type bitRange struct {
	start, end int64
	inBits     bool
	open       bool // no end was given
}

var wholeRange = bitRange{end: -1, open: true}

// in is the range in a string of n bytes, in bits and without the last; from >= to says
// that it is empty.
func (r bitRange) in(n int) (from, to int64) {
	unit := int64(8)
	if r.inBits {
		unit = 1
	}
	size := int64(n) * 8 / unit
	from, to = fromEnd(r.start, size), min(fromEnd(r.end, size), size-1)
	if from > to {
		return 0, 0
	}
	return from * unit, (to + 1) * unit
}

// bitCount counts the one bits in a part of e, a string or nil. A start behind an end is
// nothing, even if both lie before the string: others take what is before for its first
// byte.
func bitCount(e *table.Entry, r bitRange) int64 {
	if e == nil || r.start < 0 && r.end < 0 && r.start > r.end {
		return 0
	}
	from, to := r.in(e.Len())
	return countBits(e, from, to)
}

// bitPos is the first bit of e, a string or nil, that is on or off as asked; -1 if there
// is none. One that is off is found behind the end of a string that has none, provided
// that the range has no end of its own and does not begin there; no string at all has it
// at 0.
func bitPos(e *table.Entry, on bool, r bitRange) int64 {
	if e == nil {
		if on {
			return -1
		}
		return 0
	}
	from, to := r.in(e.Len())
	if from >= to {
		return -1
	}
	pos := findBit(e, on, from, to)
	if pos < 0 && !on && r.open {
		return to
	}
	return pos
}
