package rdb

import (
	"encoding/binary"
	"errors"
	"math"
)

// The two high bits of the first byte of a length say how it goes on.
//
//	00xxxxxx           the length in six bits
//	01xxxxxx +1        in 14 bits, high byte first
//	10000000 +4        in 32 bits, high byte first
//	10000001 +8        in 64 bits, high byte first
//	11xxxxxx           no length: a string in the special form x
const (
	length14 = 0x40
	length32 = 0x80
	length64 = 0x81
	special  = 0xc0
)

// The special forms of a string. plain is not written, it stands for "a length, then that many bytes".
const (
	plain      form = 0xff
	formInt8   form = 0
	formInt16  form = 1
	formInt32  form = 2
	formLZF    form = 3
	maxIntText      = 11 // longest decimal that may become an integer form: -2147483648
)

type form byte

var (
	errBadLength     = errors.New("invalid length")
	errLengthIsForm  = errors.New("string form where a length belongs")
	errUnknownForm   = errors.New("unknown string form")
	errLengthInvalid = errors.New("the length that is reserved as an error mark")
)

// lengthOrForm reads a length, or the form of a string that has none.
func (s *source) lengthOrForm() (uint64, form, error) {
	first, err := s.byte()
	if err != nil {
		return 0, 0, err
	}
	switch first & special {
	case 0:
		return uint64(first), plain, nil
	case length14:
		low, err := s.byte()
		return uint64(first&^special)<<8 | uint64(low), plain, err
	case special:
		return 0, form(first &^ special), nil
	}
	n, err := s.longLength(first)
	return n, plain, err
}

func (s *source) longLength(first byte) (uint64, error) {
	switch first {
	case length32:
		p, err := s.take(4)
		if err != nil {
			return 0, err
		}
		return uint64(binary.BigEndian.Uint32(p)), nil
	case length64:
		p, err := s.take(8)
		if err != nil {
			return 0, err
		}
		n := binary.BigEndian.Uint64(p)
		if n == math.MaxUint64 {
			return n, errLengthInvalid
		}
		return n, nil
	}
	return 0, errBadLength
}

// length reads a length where no string form may stand.
func (s *source) length() (uint64, error) {
	n, f, err := s.lengthOrForm()
	if err == nil && f != plain {
		err = errLengthIsForm
	}
	return n, err
}

// lengthOrMark is length where a number of all 64 bits may stand: then the mark is the number, or says "not known".
func (s *source) lengthOrMark() (uint64, error) {
	n, err := s.length()
	if err == errLengthInvalid {
		err = nil
	}
	return n, err
}

// integer reads the number of an integer form: one, two or four bytes, low byte first.
func (s *source) integer(f form) (int64, error) {
	p, err := s.take(1 << f)
	if err != nil {
		return 0, err
	}
	switch f {
	case formInt8:
		return int64(int8(p[0])), nil
	case formInt16:
		return int64(int16(binary.LittleEndian.Uint16(p))), nil
	}
	return int64(int32(binary.LittleEndian.Uint32(p))), nil
}

// littleEndian64 reads a number of eight bytes, low byte first.
func (s *source) littleEndian64() (uint64, error) {
	p, err := s.take(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(p), nil
}

// appendLength appends the shortest form of n.
func appendLength(b []byte, n uint64) []byte {
	switch {
	case n < 1<<6:
		return append(b, byte(n))
	case n < 1<<14:
		return append(b, length14|byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, length32), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, length64), n)
}

// appendInteger appends n in the shortest integer form that holds it.
func appendInteger(b []byte, n int32) []byte {
	switch {
	case n == int32(int8(n)):
		return append(b, special|byte(formInt8), byte(n))
	case n == int32(int16(n)):
		return binary.LittleEndian.AppendUint16(append(b, special|byte(formInt16)), uint16(n))
	}
	return binary.LittleEndian.AppendUint32(append(b, special|byte(formInt32)), uint32(n))
}

// smallInteger returns the number that s spells, if the canonical decimal of that number is s itself: the integer
// forms must give back the very bytes, so "007", "+7" and "-0" stay strings.
func smallInteger(s string) (int32, bool) {
	digits := s
	if len(s) > 0 && s[0] == '-' {
		digits = s[1:]
	}
	if len(digits) == 0 || len(s) > maxIntText || digits[0] == '0' && len(s) > 1 {
		return 0, false
	}
	n := int64(0)
	for i := range len(digits) {
		d := digits[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + int64(d)
	}
	if len(digits) < len(s) {
		n = -n
	}
	return int32(n), n == int64(int32(n))
}
