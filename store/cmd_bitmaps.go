package store

import (
	"slices"
	"strings"

	"github.com/understudy-go/understudy/resp"
)

var bitmapCommands = []Command{
	{Name: "SETBIT", Arity: 4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSetBit},
	{Name: "GETBIT", Arity: 3, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGetBit},
	{Name: "BITCOUNT", Arity: -2, Flags: readMany | flagOneKey, FirstKey: 1, LastKey: 1, Step: 1, run: cmdBitCount},
	{Name: "BITPOS", Arity: -3, Flags: readMany | flagOneKey, FirstKey: 1, LastKey: 1, Step: 1, run: cmdBitPos},
	{Name: "BITOP", Arity: -4, Flags: FlagWrite, FirstKey: 2, LastKey: -1, Step: 1, run: cmdBitOp},
	{Name: "BITFIELD", Arity: -2, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdBitField},
	{Name: "BITFIELD_RO", Arity: -2, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdBitFieldRO},
}

// bitOffsetArg reads an offset in bits.
func bitOffsetArg(arg string) (int64, error) {
	n, err := parseInt(arg)
	if err != nil {
		return 0, errBitOffset
	}
	return n, checkBitOffset(n)
}

func cmdSetBit(x *exec, args [][]byte) resp.Value {
	offset, err := bitOffsetArg(argString(args, 2))
	if err != nil {
		return reply(err)
	}
	bit := argString(args, 3)
	if bit != "0" && bit != "1" {
		return reply(errBitValue)
	}
	was, err := x.setBit(argString(args, 1), offset, bit == "1")
	if err != nil {
		return reply(err)
	}
	return boolReply(was)
}

func cmdGetBit(x *exec, args [][]byte) resp.Value {
	offset, err := bitOffsetArg(argString(args, 2))
	if err != nil {
		return reply(err)
	}
	e, err := x.textAt(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	return boolReply(bitOf(e, offset))
}

// cmdBitCount is BITCOUNT key [start end [BYTE|BIT]]. As in Redis 7.2 and later the
// arguments are read before the key is looked at.
func cmdBitCount(x *exec, args [][]byte) resp.Value {
	r := wholeRange
	if len(args) == 3 || len(args) > 5 {
		return reply(ErrSyntax)
	}
	if len(args) > 3 {
		var err error
		if r.start, err = parseInt(argString(args, 2)); err != nil {
			return reply(err)
		}
		if r.end, err = parseInt(argString(args, 3)); err != nil {
			return reply(err)
		}
		if r.inBits, err = bitUnit(args[4:]); err != nil {
			return reply(err)
		}
	}
	e, err := x.textAt(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	return resp.Integer(bitCount(e, r))
}

// bitUnit reads BYTE or BIT, if there is a word.
func bitUnit(words [][]byte) (inBits bool, err error) {
	switch {
	case len(words) == 0:
		return false, nil
	case isWord(words[0], "BIT"):
		return true, nil
	case isWord(words[0], "BYTE"):
		return false, nil
	}
	return false, ErrSyntax
}

// cmdBitPos is BITPOS key bit [start [end [BYTE|BIT]]].
func cmdBitPos(x *exec, args [][]byte) resp.Value {
	bit, err := parseInt(argString(args, 2))
	if err != nil {
		return reply(err)
	}
	if bit != 0 && bit != 1 {
		return reply(errBitWanted)
	}
	r, err := parseBitPos(args[3:])
	if err != nil {
		return reply(err)
	}
	e, err := x.textAt(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	return resp.Integer(bitPos(e, bit == 1, r))
}

// parseBitPos reads the range, its unit before its end.
func parseBitPos(words [][]byte) (r bitRange, err error) {
	r = wholeRange
	if len(words) == 0 {
		return r, nil
	}
	if len(words) > 3 {
		return r, ErrSyntax
	}
	if r.start, err = parseInt(argString(words, 0)); err != nil || len(words) == 1 {
		return r, err
	}
	if r.inBits, err = bitUnit(words[2:]); err != nil {
		return r, err
	}
	r.open = false
	r.end, err = parseInt(argString(words, 1))
	return r, err
}

// cmdBitOp is BITOP operation dest key [key ...].
func cmdBitOp(x *exec, args [][]byte) resp.Value {
	op := slices.Index(bitOperations[:], strings.ToUpper(argString(args, 1)))
	if op < 0 {
		return reply(ErrSyntax)
	}
	return intReply(x.bitOp(BitOperation(op), argString(args, 2), argStrings(args[3:])))
}

func cmdBitField(x *exec, args [][]byte) resp.Value {
	ops, err := parseBitField(args[2:])
	if err != nil {
		return reply(err)
	}
	return bitFieldReply(x.bitField(argString(args, 1), ops, asSent("BITFIELD", args)...))
}

func cmdBitFieldRO(x *exec, args [][]byte) resp.Value {
	ops, err := parseBitField(args[2:])
	if err != nil {
		return reply(err)
	}
	if slices.ContainsFunc(ops, func(op BitFieldOp) bool { return op.kind != fieldGet }) {
		return resp.Err("ERR BITFIELD_RO only supports the GET subcommand")
	}
	return bitFieldReply(x.bitField(argString(args, 1), ops))
}

func bitFieldReply(results []BitFieldResult, err error) resp.Value {
	if err != nil {
		return reply(err)
	}
	elems := make([]resp.Value, len(results))
	for i, r := range results {
		elems[i] = resp.NullValue()
		if r.OK {
			elems[i] = resp.Integer(r.Value)
		}
	}
	return resp.ArrayOf(elems...)
}

// parseBitField reads GET type offset, SET type offset value, INCRBY type offset delta and
// OVERFLOW rule, which holds for those behind it.
func parseBitField(words [][]byte) (ops []BitFieldOp, err error) {
	rule := OverflowWrap
	for len(words) > 0 {
		n := 0 // of words behind the first
		var op BitFieldOp
		switch {
		case isWord(words[0], "GET"):
			n = 2
		case isWord(words[0], "SET"):
			n, op.kind = 3, fieldSet
		case isWord(words[0], "INCRBY"):
			n, op.kind = 3, fieldIncr
		case isWord(words[0], "OVERFLOW"):
			n = 1
		}
		if n == 0 || len(words) <= n {
			return nil, ErrSyntax
		}
		if n == 1 {
			rule, err = parseOverflow(words[1])
		} else {
			op.overflow = rule
			err = op.parse(words[1 : n+1])
			ops = append(ops, op)
		}
		if err != nil {
			return nil, err
		}
		words = words[n+1:]
	}
	return ops, nil
}

func parseOverflow(word []byte) (Overflow, error) {
	for i, name := range overflowNames {
		if isWord(word, name) {
			return Overflow(i), nil
		}
	}
	return 0, wireError("ERR Invalid OVERFLOW type specified")
}

// parse reads the type, the offset and, unless the step only reads, a number.
func (op *BitFieldOp) parse(words [][]byte) (err error) {
	if err = op.field.parseType(argString(words, 0)); err != nil {
		return err
	}
	if err = op.field.parseOffset(argString(words, 1)); err != nil {
		return err
	}
	if op.kind != fieldGet {
		op.n, err = parseInt(argString(words, 2))
	}
	return err
}

// parseType reads u or i and a number of bits. What is behind a NUL does not count.
func (f *BitInt) parseType(word string) error {
	word, _, _ = strings.Cut(word, "\x00")
	if word == "" || word[0] != 'u' && word[0] != 'i' {
		return errBitType
	}
	n, err := parseInt(word[1:])
	if err != nil || n < 1 || n > 64 {
		return errBitType
	}
	f.signed, f.bits = word[0] == 'i', int(n)
	return f.check()
}

// parseOffset reads an offset in bits or, behind a #, in integers of that type. What the
// product has beyond 64 bits is lost, in Redis too.
func (f *BitInt) parseOffset(word string) error {
	index, scaled := strings.CutPrefix(word, "#")
	n, err := parseInt(index)
	if err != nil {
		return errBitOffset
	}
	if scaled {
		n *= int64(f.bits)
	}
	f.offset = n
	return checkBitOffset(n)
}
