package rdb

import (
	"encoding/binary"
	"errors"
	"math"
)

// An intset is the compact encoding of sets whose members are all integers.
//
//	width   4 bytes, low byte first: of a member, 2, 4 or 8
//	count   4 bytes: of members, at least one
//	members signed, low byte first, each greater than the one before
type intset struct {
	blob []byte
	pos  int   // of the next member
	last int64 // the member before it
}

const intsetHeader = 8

var (
	errIntsetWidth = errors.New("has members of an unknown width")
	errIntsetEmpty = errors.New("has no members")
)

func (s *intset) open(blob []byte) error {
	*s = intset{blob: blob, pos: intsetHeader, last: math.MinInt64}
	if len(blob) < intsetHeader {
		return errFrameShort
	}
	switch w := s.width(); {
	case w != 2 && w != 4 && w != 8:
		return errIntsetWidth
	case s.count() == 0:
		return errIntsetEmpty
	case uint64(len(blob)) != intsetHeader+uint64(w)*uint64(s.count()):
		return errFrameSize
	}
	return nil
}

func (s *intset) width() uint32 { return binary.LittleEndian.Uint32(s.blob) }

func (s *intset) count() int64 { return int64(binary.LittleEndian.Uint32(s.blob[4:])) }

func (s *intset) next() (element, bool, error) {
	if s.pos == len(s.blob) {
		return element{}, false, nil
	}
	var n int64
	switch p := s.blob[s.pos:]; s.width() {
	case 2:
		n = int64(int16(binary.LittleEndian.Uint16(p)))
	case 4:
		n = int64(int32(binary.LittleEndian.Uint32(p)))
	default:
		n = int64(binary.LittleEndian.Uint64(p))
	}
	if s.pos > intsetHeader && n <= s.last {
		return element{}, false, entryError(s.pos, "is not in order")
	}
	s.pos += int(s.width())
	s.last = n
	return element{num: n}, true, nil
}
