package store

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

// A StreamID is the place of an entry in a stream: a time in Unix milliseconds, and a
// number that tells entries of one millisecond apart. Entries have ascending IDs, which
// are given once: an ID does not come back when its entry goes. The zero ID is before
// all entries and never that of one.
type StreamID struct {
	Ms  uint64
	Seq uint64
}

// MaxStreamID is the last ID that there can be.
var MaxStreamID = StreamID{math.MaxUint64, math.MaxUint64}

// ErrStreamID is returned for a text that is not an ID of a stream.
var ErrStreamID = &Error{"ERR Invalid stream ID specified as stream command argument"}

// String is the ID as commands and replies spell it: 1700000000000-0.
func (id StreamID) String() string {
	return strconv.FormatUint(id.Ms, 10) + "-" + strconv.FormatUint(id.Seq, 10)
}

// Compare is negative if id is before o, positive if it is after it, and 0 if both are
// the same.
func (id StreamID) Compare(o StreamID) int {
	if n := cmp.Compare(id.Ms, o.Ms); n != 0 {
		return n
	}
	return cmp.Compare(id.Seq, o.Seq)
}

// before reports whether id is before o.
func (id StreamID) before(o StreamID) bool {
	return id.Ms < o.Ms || id.Ms == o.Ms && id.Seq < o.Seq
}

// next is the ID right after id; ok is false behind the last.
func (id StreamID) next() (n StreamID, ok bool) {
	switch {
	case id.Seq < math.MaxUint64:
		return StreamID{id.Ms, id.Seq + 1}, true
	case id.Ms < math.MaxUint64:
		return StreamID{id.Ms + 1, 0}, true
	}
	return StreamID{}, false
}

// previous is the ID right before id; ok is false for the zero ID.
func (id StreamID) previous() (p StreamID, ok bool) {
	switch {
	case id.Seq > 0:
		return StreamID{id.Ms, id.Seq - 1}, true
	case id.Ms > 0:
		return StreamID{id.Ms - 1, math.MaxUint64}, true
	}
	return StreamID{}, false
}

// ParseStreamID reads an ID as String spells it. Without a "-" and a number behind it,
// that number is 0. The error is [ErrStreamID].
func ParseStreamID(text string) (StreamID, error) { return parseStreamID(text, 0) }

// parseStreamID reads an ID whose second number is seq where the text does not give it.
func parseStreamID(text string, seq uint64) (StreamID, error) {
	first, second, whole := strings.Cut(text, "-")
	id := StreamID{Seq: seq}
	var ok bool
	if id.Ms, ok = parseStreamNumber(first); !ok {
		return StreamID{}, ErrStreamID
	}
	if whole {
		if id.Seq, ok = parseStreamNumber(second); !ok {
			return StreamID{}, ErrStreamID
		}
	}
	return id, nil
}

// parseStreamNumber reads a number as servers do: white space, a plus and zeros may stand
// in front of it.
func parseStreamNumber(text string) (n uint64, ok bool) {
	text = strings.TrimPrefix(strings.TrimLeft(text, " \t\n\v\f\r"), "+")
	if text == "" || text[0] < '0' || text[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil
}
