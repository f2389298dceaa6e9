package store

import (
	"encoding/binary"
	"slices"

	"github.com/understudy-go/understudy/store/internal/table"
)

var le = binary.LittleEndian // for words of eight bytes at once: their order does not matter

// A BitOperation says how [DB.BitOp] makes the bits of the result from those of the
// strings. The first of these is called X where it counts which is the first.
type BitOperation uint8

const (
	// BitAnd: those that are on in all.
	BitAnd BitOperation = iota
	// BitOr: those that are on in any.
	BitOr
	// BitXor: those that are on in an odd number of them.
	BitXor
	// BitNot: those that are off in the only one.
	BitNot
	// BitDiff: those that are on in X and in none of the others. Redis 8.2.
	BitDiff
	// BitDiff1: those that are off in X and on in any of the others. Redis 8.2.
	BitDiff1
	// BitAndOr: those that are on in X and in any of the others. Redis 8.2.
	BitAndOr
	// BitOne: those that are on in exactly one. Redis 8.2.
	BitOne
)

var bitOperations = [...]string{"AND", "OR", "XOR", "NOT", "DIFF", "DIFF1", "ANDOR", "ONE"}

// String is Redis's name of the operation, "" if it is none.
func (op BitOperation) String() string {
	if int(op) >= len(bitOperations) {
		return ""
	}
	return bitOperations[op]
}

// check looks at the number of strings.
func (op BitOperation) check(sources int) error {
	switch op {
	case BitNot:
		if sources != 1 {
			return wireError("ERR BITOP NOT must be called with a single source key.")
		}
	case BitDiff, BitDiff1, BitAndOr:
		if sources < 2 {
			return wireError("ERR BITOP %s must be called with at least two source keys.", op)
		}
	case BitAnd, BitOr, BitXor, BitOne:
		if sources == 0 {
			return &Error{wrongArity("bitop").Str}
		}
	default:
		return ErrSyntax
	}
	return nil
}

// portable reports whether every replica knows the operation: those of before 8.2 do not
// know the later ones.
func (op BitOperation) portable() bool { return op <= BitNot }

// bitOp stores the result of op at dest, or removes dest if that is empty, and returns its
// length: that of the longest of the strings.
func (x *exec) bitOp(op BitOperation, dest string, keys []string) (int, error) {
	if err := op.check(len(keys)); err != nil {
		return 0, err
	}
	c := bitMaker{op: op, sources: make([]*table.Entry, len(keys))}
	n, inChunks := 0, false
	for i, key := range keys {
		// What has expired is removed first: to a replica, which follows the same
		// command, it would still be there.
		e, err := x.typed(x.ref(key).e, table.Text)
		if err != nil {
			return 0, err
		}
		if e != nil {
			n, inChunks = max(n, e.Len()), inChunks || e.InChunks()
		}
		c.sources[i] = e
	}
	if n > maxText && !op.portable() {
		return 0, ErrTooLong
	}
	r := x.ref(dest)
	if n == 0 {
		x.bitOpNothing(r, op, keys)
		return 0, nil
	}
	// What was made of chunks is most likely sparse too, and written bit by bit.
	e := table.NewFilled(x.c.version, dest, n, inChunks && n > x.bitsWhole(), c.fill)
	x.c.put(r, e)
	if op.portable() {
		x.c.effect(x.db, bitOpCommand(op, dest, keys)...)
	} else {
		x.c.effect(x.db, "SET", dest, e.Text())
	}
	x.event(eventString, "set", dest)
	return n, nil
}

// bitOpNothing removes what is at r's key.
func (x *exec) bitOpNothing(r ref, op BitOperation, keys []string) {
	if r.e == nil {
		return
	}
	x.c.remove(r)
	if op.portable() {
		x.c.effect(x.db, bitOpCommand(op, r.key, keys)...)
	} else {
		x.c.effect(x.db, "DEL", r.key)
	}
	x.event(eventGeneric, "del", r.key)
}

func bitOpCommand(op BitOperation, dest string, keys []string) []string {
	return append([]string{"BITOP", op.String(), dest}, keys...)
}

// bitMaker makes the result block by block, so that no string is put together.
type bitMaker struct {
	op      BitOperation
	sources []*table.Entry // nil: no bits
	parts   []string       // of the block at hand; "" where there is nothing but zero bits
	scratch [table.BlockSize]byte
	again   [table.BlockSize]byte // of BitOne
}

// fill makes one block, which is all zero bytes, and reports whether it is not any more.
func (c *bitMaker) fill(at int, block []byte) bool {
	c.parts = c.parts[:0]
	for _, e := range c.sources {
		c.parts = append(c.parts, partOf(e, at, at+len(block)))
	}
	if c.nothing() {
		return false
	}
	c.combine(block)
	return leading(table.View(block), 0) < len(block)
}

// partOf is what e, a string or nil, has of a block.
func partOf(e *table.Entry, from, to int) string {
	if e == nil || from >= e.Len() {
		return ""
	}
	part, hole := e.Part(from, min(to, e.Len()))
	if hole {
		return ""
	}
	return part
}

// nothing reports whether it is plain that the block has no bit.
func (c *bitMaker) nothing() bool {
	switch c.op {
	case BitNot:
		return false
	case BitAnd:
		return slices.Contains(c.parts, "")
	}
	return !slices.ContainsFunc(c.parts, func(p string) bool { return p != "" })
}

func (c *bitMaker) combine(block []byte) {
	first, rest := c.parts[0], c.parts[1:]
	others := c.scratch[:len(block)]
	switch c.op {
	case BitAnd:
		copy(block, first)
		for _, p := range rest {
			andBits(block, p)
		}
	case BitOr:
		copy(block, first)
		orAll(block, rest)
	case BitXor:
		copy(block, first)
		for _, p := range rest {
			xorBits(block, p)
		}
	case BitNot:
		copy(block, first)
		notBits(block)
	case BitDiff: // X and (X and others) differ
		clear(others)
		orAll(others, rest)
		andBits(others, first)
		copy(block, first)
		xorBits(block, table.View(others))
	case BitDiff1: // so here
		orAll(block, rest)
		copy(others, block)
		andBits(others, first)
		xorBits(block, table.View(others))
	case BitAndOr:
		orAll(block, rest)
		andBits(block, first)
	case BitOne:
		c.onlyOne(block, others, c.again[:len(block)])
	}
}

// onlyOne finds the bits that are on once: on an odd number of times, and never twice.
func (c *bitMaker) onlyOne(block, twice, again []byte) {
	clear(twice)
	for _, p := range c.parts {
		copy(again, block)
		andBits(again, p)
		orBits(twice, table.View(again))
		xorBits(block, p)
	}
	notBits(twice)
	andBits(block, table.View(twice))
}

func orAll(b []byte, parts []string) {
	for _, p := range parts {
		orBits(b, p)
	}
}

func notBits(b []byte) {
	for ; len(b) >= 32; b = b[32:] {
		le.PutUint64(b, ^le.Uint64(b))
		le.PutUint64(b[8:], ^le.Uint64(b[8:]))
		le.PutUint64(b[16:], ^le.Uint64(b[16:]))
		le.PutUint64(b[24:], ^le.Uint64(b[24:]))
	}
	for i := range b {
		b[i] = ^b[i]
	}
}

// The three below combine b with s, which may be shorter: it goes on in zero bits. Four
// words a turn take a third of the time of one.

func andBits(b []byte, s string) {
	clear(b[len(s):])
	p := table.Bytes(s)
	for ; len(p) >= 32 && len(b) >= 32; p, b = p[32:], b[32:] {
		le.PutUint64(b, le.Uint64(b)&le.Uint64(p))
		le.PutUint64(b[8:], le.Uint64(b[8:])&le.Uint64(p[8:]))
		le.PutUint64(b[16:], le.Uint64(b[16:])&le.Uint64(p[16:]))
		le.PutUint64(b[24:], le.Uint64(b[24:])&le.Uint64(p[24:]))
	}
	for i := range p {
		b[i] &= p[i]
	}
}

func orBits(b []byte, s string) {
	p := table.Bytes(s)
	for ; len(p) >= 32 && len(b) >= 32; p, b = p[32:], b[32:] {
		le.PutUint64(b, le.Uint64(b)|le.Uint64(p))
		le.PutUint64(b[8:], le.Uint64(b[8:])|le.Uint64(p[8:]))
		le.PutUint64(b[16:], le.Uint64(b[16:])|le.Uint64(p[16:]))
		le.PutUint64(b[24:], le.Uint64(b[24:])|le.Uint64(p[24:]))
	}
	for i := range p {
		b[i] |= p[i]
	}
}

func xorBits(b []byte, s string) {
	p := table.Bytes(s)
	for ; len(p) >= 32 && len(b) >= 32; p, b = p[32:], b[32:] {
		le.PutUint64(b, le.Uint64(b)^le.Uint64(p))
		le.PutUint64(b[8:], le.Uint64(b[8:])^le.Uint64(p[8:]))
		le.PutUint64(b[16:], le.Uint64(b[16:])^le.Uint64(p[16:]))
		le.PutUint64(b[24:], le.Uint64(b[24:])^le.Uint64(p[24:]))
	}
	for i := range p {
		b[i] ^= p[i]
	}
}
