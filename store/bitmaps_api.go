package store

// GetBit returns one bit of the string at key, the highest of its first byte being bit 0;
// false behind its end, and where there is no string. The error is [ErrWrongType], or for
// an offset below 0 or beyond 512 MiB an [*Error] with the text of Redis. O(1).
func (d reads) GetBit(key string, offset int64) (bool, error) {
	if err := checkBitOffset(offset); err != nil {
		return false, err
	}
	e, err := d.textEntry(key)
	if err != nil {
		return false, err
	}
	return bitOf(e, offset), nil
}

// A BitRange is a part of a string: its bytes from Start to End, both included, negative
// numbers counting from its end, -1 being the last.
type BitRange struct {
	Start, End int64
	// InBits counts Start and End in bits. Redis 7.0.
	InBits bool
}

func (r *BitRange) plain() bitRange {
	if r == nil {
		return wholeRange
	}
	return bitRange{start: r.Start, end: r.End, inBits: r.InBits}
}

// BitCount is the number of bits that are on in a part of the string at key, nil for all of
// it; 0 if there is none. The error is [ErrWrongType]. O(n) in the length of the part; what
// was never written of a string in chunks, as SetBit makes them, takes next to no time.
func (d reads) BitCount(key string, r *BitRange) (int64, error) {
	e, err := d.textEntry(key)
	if err != nil {
		return 0, err
	}
	return bitCount(e, r.plain()), nil
}

// BitPos is the offset of the first bit that is on, or off, in a part of the string at key,
// nil for all of it, counted from the begin of the string; -1 if there is none. A string of
// ones, and no string, go on in zeros for who looks for one in all of it: then it is the
// length in bits. The empty string has no bits. The error is [ErrWrongType]. O(n).
func (d reads) BitPos(key string, on bool, r *BitRange) (int64, error) {
	return d.bitPos(key, on, r.plain())
}

// BitPosFrom is BitPos from byte start on: other than in a range with an end, a bit that is
// off is found behind the end of the string, unless start lies there too.
func (d reads) BitPosFrom(key string, on bool, start int64) (int64, error) {
	return d.bitPos(key, on, bitRange{start: start, end: -1, open: true})
}

func (d reads) bitPos(key string, on bool, r bitRange) (int64, error) {
	e, err := d.textEntry(key)
	if err != nil {
		return 0, err
	}
	return bitPos(e, on, r), nil
}

// BitFieldRead returns integers in the bits of the string at key, all of one instant. Behind
// its end, and where there is no string, there are zero bits. The error is [ErrWrongType],
// or that of an integer that [UnsignedBits] and [SignedBits] do not allow. O(fields).
// Redis 6.0.
func (d reads) BitFieldRead(key string, fields ...BitInt) ([]int64, error) {
	for _, f := range fields {
		if err := f.check(); err != nil {
			return nil, err
		}
	}
	e, err := d.textEntry(key)
	if err != nil {
		return nil, err
	}
	w := fieldWriter{e: e}
	values := make([]int64, len(fields))
	for i, f := range fields {
		values[i] = w.do(f.Get()).Value
	}
	return values, nil
}

// SetBit writes one bit of the string at key, the highest of its first byte being bit 0, and
// returns what it was. A string that is shorter grows by zero bytes. A bit that is so
// already changes nothing. The error is [ErrWrongType], or for an offset below 0 or beyond
// 512 MiB an [*Error] with the text of Redis.
//
// Strings of up to 16 KB are copied. A larger one is laid out in chunks by the first write,
// as SetRange does it from 64 KB on; from then on a bit costs a copy of 4 KB and of one pointer for each
// 512 KB, whether or not a snapshot is open.
func (d writes) SetBit(key string, offset int64, on bool) (was bool, err error) {
	err = d.grow(func(x *exec) (err error) {
		was, err = x.setBit(key, offset, on)
		return err
	})
	return was, err
}

// BitOp combines the bits of the strings at keys and stores the result at dest, whatever is
// there, or removes dest if it is empty. It is as long as the longest of the strings; the
// others go on in zero bits, as one does that is not there. Its length in bytes is returned.
// The error is [ErrWrongType], or for a number of keys that the operation does not allow an
// [*Error] with the text of Redis. O(n) in the length of all of them.
//
// The stream carries the result of those operations that replicas of before Redis 8.2 do
// not know: a result beyond 512 MiB is [ErrTooLong] then.
func (d writes) BitOp(op BitOperation, dest string, keys ...string) (n int, err error) {
	err = d.grow(func(x *exec) (err error) {
		n, err = x.bitOp(op, dest, keys)
		return err
	})
	return n, err
}

// BitField reads and writes integers in the bits of the string at key, one step after
// another, at one instant, and returns what each gave. A string that is shorter grows by
// zero bytes as far as any of the steps would write. The error is [ErrWrongType], or for an
// integer that [UnsignedBits] and [SignedBits] do not allow an [*Error] with the text of
// Redis; nothing is done then. O(steps), after what SetBit says of large strings. Redis 3.2.
//
//	visits, day := store.UnsignedBits(24, 0), store.UnsignedBits(9, 24)
//	r, err := db.BitField("stats", visits.Incr(1).Overflow(store.OverflowSat), day.Set(324))
func (d writes) BitField(key string, steps ...BitFieldOp) (results []BitFieldResult, err error) {
	for _, op := range steps {
		if err := op.check(); err != nil {
			return nil, err
		}
	}
	err = d.grow(func(x *exec) (err error) {
		results, err = x.bitField(key, steps, bitFieldCommand(key, steps)...)
		return err
	})
	return results, err
}

func (op BitFieldOp) check() error {
	if int(op.overflow) >= len(overflowNames) {
		return wireError("ERR Invalid OVERFLOW type specified")
	}
	return op.field.check()
}

// bitFieldCommand is the steps as a command.
func bitFieldCommand(key string, steps []BitFieldOp) []string {
	args := []string{"BITFIELD", key}
	rule := OverflowWrap
	for _, op := range steps {
		if op.kind != fieldGet && op.overflow != rule {
			rule = op.overflow
			args = append(args, "OVERFLOW", overflowNames[rule])
		}
		name, offset := op.field.name(), formatInt(op.field.offset)
		switch op.kind {
		case fieldGet:
			args = append(args, "GET", name, offset)
		case fieldSet:
			args = append(args, "SET", name, offset, formatInt(op.n))
		case fieldIncr:
			args = append(args, "INCRBY", name, offset, formatInt(op.n))
		}
	}
	return args
}
