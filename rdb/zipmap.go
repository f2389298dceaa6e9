package rdb

import "encoding/binary"

// A zipmap is the compact encoding of hashes before Redis 2.6, found in files that were carried from server to server.
//
//	count   1 byte: of pairs; 254 and more mean "not known"
//	pairs   each: length, field, length, number of unused bytes (1 byte), value, the unused bytes
//	0xff
//
// A length is one byte below 254, or 254 and four bytes, low byte first.
type zipmap struct {
	blob    []byte
	pos     int
	seen    int64
	atValue bool // a field was returned, its value is next
}

const zipmapLongLength = 254

func (z *zipmap) open(blob []byte) error {
	*z = zipmap{blob: blob, pos: 1}
	switch {
	case len(blob) < 2:
		return errFrameShort
	case blob[len(blob)-1] != blobEnd:
		return errFrameEnd
	}
	return nil
}

func (z *zipmap) count() int64 {
	if z.blob[0] >= zipmapLongLength {
		return -1
	}
	return 2 * int64(z.blob[0])
}

func (z *zipmap) next() (element, bool, error) {
	if z.pos == len(z.blob)-1 {
		if n := z.count(); n >= 0 && n != z.seen {
			return element{}, false, countError(n, z.seen)
		}
		return element{}, false, nil
	}
	e, n := zipmapEntry(z.blob[z.pos:len(z.blob)-1], z.atValue)
	if n < 0 {
		return element{}, false, entryError(z.pos, "does not fit")
	}
	z.pos += n
	z.seen++
	z.atValue = !z.atValue
	return e, true, nil
}

// zipmapEntry decodes the field or value at the start of p and returns its length, unused bytes included; -1 if it
// does not fit in p.
func zipmapEntry(p []byte, value bool) (element, int) {
	n, head := uint64(p[0]), 1
	switch {
	case p[0] > zipmapLongLength || p[0] == zipmapLongLength && len(p) < 5:
		return element{}, -1
	case p[0] == zipmapLongLength:
		n, head = uint64(binary.LittleEndian.Uint32(p[1:])), 5
	}
	unused := 0
	if value {
		if head == len(p) {
			return element{}, -1
		}
		unused = int(p[head])
		head++
	}
	e, end := textAt(p, head, n)
	if end < 0 || len(p)-end < unused {
		return element{}, -1
	}
	return e, end + unused
}
