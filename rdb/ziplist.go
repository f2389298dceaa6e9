package rdb

import "encoding/binary"

// A ziplist is the compact encoding of Redis up to 6.2, and of its forks.
//
//	size    4 bytes, low byte first: of the whole ziplist
//	tail    4 bytes: where the last entry begins; of no use when walking forward, not checked
//	count   2 bytes; 65535 means "not known"
//	entries each: length of the entry before, encoding, data
//	0xff
//
// The length of the entry before is one byte below 254, or 254 and four bytes, low byte first. Encodings:
//
//	00xxxxxx           string of x bytes
//	01xxxxxx +1        string, 14 bits, high byte first
//	10------ +4        string, 32 bits, high byte first
//	1100, 1101, 1110 0000   signed number of 2, 4, 8 bytes, low byte first
//	11110000           signed number of 3 bytes
//	11111110           signed number of 1 byte
//	1111xxxx           the number x-1, for x in 1..13
type ziplist struct {
	blob     []byte
	pos      int   // of the next entry
	seen     int64 // entries returned
	previous int   // length of the entry before pos, 0 at the first
}

const (
	ziplistHeader     = 10
	ziplistLongLength = 254
)

func (z *ziplist) open(blob []byte) error {
	*z = ziplist{blob: blob, pos: ziplistHeader}
	switch {
	case len(blob) < ziplistHeader+1:
		return errFrameShort
	case uint64(binary.LittleEndian.Uint32(blob)) != uint64(len(blob)):
		return errFrameSize
	case blob[len(blob)-1] != blobEnd:
		return errFrameEnd
	}
	return nil
}

func (z *ziplist) count() int64 {
	n := binary.LittleEndian.Uint16(z.blob[8:])
	if n == unknownCount {
		return -1
	}
	return int64(n)
}

func (z *ziplist) next() (element, bool, error) {
	if z.pos == len(z.blob)-1 {
		if n := z.count(); n >= 0 && n != z.seen {
			return element{}, false, countError(n, z.seen)
		}
		return element{}, false, nil
	}
	body := z.blob[z.pos : len(z.blob)-1]
	previous, head := ziplistPrevious(body)
	if head < 0 || previous != uint64(z.previous) || head == len(body) {
		return element{}, false, entryError(z.pos, "has a wrong length before it")
	}
	e, n := ziplistEntry(body[head:])
	if n < 0 {
		return element{}, false, entryError(z.pos, "has an unknown encoding or does not fit")
	}
	z.previous = head + n
	z.pos += head + n
	z.seen++
	return e, true, nil
}

// ziplistPrevious reads the length of the entry before, and returns it with the number of bytes it takes. A small
// length may stand in the long form: entries that shrink do not move their successors.
func ziplistPrevious(p []byte) (uint64, int) {
	switch {
	case p[0] < ziplistLongLength:
		return uint64(p[0]), 1
	case p[0] > ziplistLongLength || len(p) < 5:
		return 0, -1
	}
	return uint64(binary.LittleEndian.Uint32(p[1:])), 5
}

// ziplistEntry decodes the entry whose encoding begins p, and returns its length, -1 if there is no such entry in p.
func ziplistEntry(p []byte) (element, int) {
	switch b := p[0]; b >> 6 {
	case 0:
		return textAt(p, 1, uint64(b))
	case 1:
		if len(p) < 2 {
			return element{}, -1
		}
		return textAt(p, 2, uint64(b&0x3f)<<8|uint64(p[1]))
	case 2:
		if len(p) < 5 {
			return element{}, -1
		}
		return textAt(p, 5, uint64(binary.BigEndian.Uint32(p[1:])))
	}
	return ziplistNumber(p)
}

func ziplistNumber(p []byte) (element, int) {
	switch b := p[0]; {
	case b == 0xc0:
		return numberAt(p, 2)
	case b == 0xd0:
		return numberAt(p, 4)
	case b == 0xe0:
		return numberAt(p, 8)
	case b == 0xf0:
		return numberAt(p, 3)
	case b == 0xfe:
		return numberAt(p, 1)
	case b > 0xf0 && b < 0xfe:
		return element{num: int64(b&0x0f) - 1}, 1
	}
	return element{}, -1
}
