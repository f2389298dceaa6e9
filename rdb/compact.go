package rdb

import (
	"errors"
	"fmt"
	"strconv"
)

// Small collections are written as one string of the file, a blob, in an encoding of their own: there is a file for
// each. A blob counts as one element: it is read whole, then walked without allocating.

// A compact is a walk over one blob. The methods return plain errors; the Decoder says where the blob is.
type compact interface {
	// open checks the blob's frame and starts at its first element. The blob must not change until the walk ends.
	open(blob []byte) error

	// next returns the next element, or ok == false after the last one, when the blob's own count was right too.
	next() (e element, ok bool, err error)

	// count returns the number of elements that the frame states, or -1 if it states none.
	count() int64
}

// An element is one entry of a blob: text inside the blob, or a number if text is nil.
type element struct {
	text []byte
	num  int64
}

// bytes returns the element as the string that was stored. A number is written to scratch.
func (e element) bytes(scratch *[maxNumberText]byte) []byte {
	if e.text != nil {
		return e.text
	}
	return strconv.AppendInt(scratch[:0], e.num, 10)
}

// maxNumberText is the length of the longest decimal of 64 bits, with its sign.
const maxNumberText = 20

var (
	errFrameShort = errors.New("shorter than its frame")
	errFrameSize  = errors.New("states another size than it has")
	errFrameEnd   = errors.New("has no end mark")
)

// entryError says where in a blob an entry does not make sense. The position counts from the start of the blob, after
// decompression.
func entryError(pos int, what string) error {
	return fmt.Errorf("entry at byte %d %s", pos, what)
}

func countError(stated, seen int64) error {
	return fmt.Errorf("states %d entries and has %d", stated, seen)
}
