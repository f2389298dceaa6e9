package rdb

import "encoding/binary"

// A listpack is the compact encoding of Redis 7.0 and newer.
//
//	size    4 bytes, low byte first: of the whole listpack
//	count   2 bytes, low byte first; 65535 means "not known"
//	entries each: encoding byte, data, and the length of these two for walking backwards
//	0xff
//
// Encoding bytes:
//
//	0xxxxxxx           the number x
//	10xxxxxx           string of x bytes
//	110xxxxx +1        signed number of 13 bits, high byte first
//	1110xxxx +1        string of x bytes, 12 bits, high byte first
//	11110000 +4        string, length with its low byte first
//	11110001 .. 0100   signed number of 2, 3, 4, 8 bytes, low byte first
type listpack struct {
	blob []byte
	pos  int   // of the next entry
	seen int64 // entries returned
}

const (
	listpackHeader = 6
	blobEnd        = 0xff   // end mark of every compact encoding
	unknownCount   = 0xffff // listpacks and ziplists: too many entries to be stated
)

func (l *listpack) open(blob []byte) error {
	*l = listpack{blob: blob, pos: listpackHeader}
	switch {
	case len(blob) < listpackHeader+1:
		return errFrameShort
	case uint64(binary.LittleEndian.Uint32(blob)) != uint64(len(blob)):
		return errFrameSize
	case blob[len(blob)-1] != blobEnd:
		return errFrameEnd
	}
	return nil
}

func (l *listpack) count() int64 {
	n := binary.LittleEndian.Uint16(l.blob[4:])
	if n == unknownCount {
		return -1
	}
	return int64(n)
}

func (l *listpack) next() (element, bool, error) {
	if l.pos == len(l.blob)-1 {
		if n := l.count(); n >= 0 && n != l.seen {
			return element{}, false, countError(n, l.seen)
		}
		return element{}, false, nil
	}
	body := l.blob[l.pos : len(l.blob)-1] // the end mark belongs to no entry
	e, n := listpackEntry(body)
	if n < 0 {
		return element{}, false, entryError(l.pos, "has an unknown encoding or does not fit")
	}
	back := listpackBack(body[n:], n)
	if back < 0 {
		return element{}, false, entryError(l.pos, "has a wrong length behind it")
	}
	l.pos += n + back
	l.seen++
	return e, true, nil
}

// listpackEntry decodes the entry at the start of p and returns the length of its encoding and data, -1 if there is
// no such entry in p.
func listpackEntry(p []byte) (element, int) {
	switch b := p[0]; {
	case b < 0x80:
		return element{num: int64(b)}, 1
	case b < 0xc0:
		return textAt(p, 1, uint64(b&0x3f))
	case len(p) < 2:
		return element{}, -1
	case b < 0xe0:
		n := int64(b&0x1f)<<8 | int64(p[1])
		return element{num: n << 51 >> 51}, 2 // sign of 13 bits
	case b < 0xf0:
		return textAt(p, 2, uint64(b&0x0f)<<8|uint64(p[1]))
	case b == 0xf0:
		if len(p) < 5 {
			return element{}, -1
		}
		return textAt(p, 5, uint64(binary.LittleEndian.Uint32(p[1:])))
	case b <= 0xf4:
		return numberAt(p, [...]int{2, 3, 4, 8}[b-0xf1])
	}
	return element{}, -1
}

// textAt returns the n bytes behind the first head bytes of p, and the length of both.
func textAt(p []byte, head int, n uint64) (element, int) {
	if n > uint64(len(p)-head) {
		return element{}, -1
	}
	end := head + int(n)
	return element{text: p[head:end:end]}, end
}

// numberAt returns the signed number of the given width behind the first byte of p, and the length of both.
func numberAt(p []byte, width int) (element, int) {
	if len(p) < 1+width {
		return element{}, -1
	}
	n := int64(0)
	for i := width; i > 0; i-- {
		n = n<<8 | int64(p[i])
	}
	unused := 64 - 8*width
	return element{num: n << unused >> unused}, 1 + width
}

// listpackBack returns how many bytes at the start of p say that the entry before them is n bytes long; -1 if what is
// there says anything else. Groups of seven bits, high group first; all but the first have the high bit set, because
// they are read from the right.
func listpackBack(p []byte, n int) int {
	groups := 1
	for rest := n >> 7; rest > 0; rest >>= 7 {
		groups++
	}
	if len(p) < groups {
		return -1
	}
	for i := range groups {
		want := byte(n>>(7*(groups-1-i))) & 0x7f
		if i > 0 {
			want |= 0x80
		}
		if p[i] != want {
			return -1
		}
	}
	return groups
}
