package rdb

import (
	"encoding/binary"
	"strconv"
)

// A listpackWriter makes a listpack: see listpack for what is in it. Texts that are canonical decimals become numbers, as
// servers do.
type listpackWriter struct {
	buf   []byte
	count int
}

func (l *listpackWriter) reset() {
	l.buf = append(l.buf[:0], make([]byte, listpackHeader)...)
	l.count = 0
}

// end completes the listpack, which is the writer's memory until the next reset.
func (l *listpackWriter) end() []byte {
	l.buf = append(l.buf, blobEnd)
	binary.LittleEndian.PutUint32(l.buf, uint32(len(l.buf)))
	binary.LittleEndian.PutUint16(l.buf[4:], uint16(min(l.count, unknownCount)))
	return l.buf
}

// number appends n in its shortest form.
func (l *listpackWriter) number(n int64) {
	from := len(l.buf)
	switch {
	case n >= 0 && n < 1<<7:
		l.buf = append(l.buf, byte(n))
	case n >= -1<<12 && n < 1<<12:
		l.buf = append(l.buf, 0xc0|byte(n>>8)&0x1f, byte(n))
	case n == int64(int16(n)):
		l.buf = append(l.buf, 0xf1, byte(n), byte(n>>8))
	case n >= -1<<23 && n < 1<<23:
		l.buf = append(l.buf, 0xf2, byte(n), byte(n>>8), byte(n>>16))
	case n == int64(int32(n)):
		l.buf = binary.LittleEndian.AppendUint32(append(l.buf, 0xf3), uint32(n))
	default:
		l.buf = binary.LittleEndian.AppendUint64(append(l.buf, 0xf4), uint64(n))
	}
	l.back(from)
}

// wide appends n in 16 bits, as the first entry, so that setWide can change it.
func (l *listpackWriter) wide(n int16) {
	from := len(l.buf)
	l.buf = append(l.buf, 0xf1, byte(n), byte(n>>8))
	l.back(from)
}

func (l *listpackWriter) setWide(n int16) {
	binary.LittleEndian.PutUint16(l.buf[listpackHeader+1:], uint16(n))
}

// text appends a string.
func (l *listpackWriter) text(s string) {
	if n, ok := canonical(s); ok {
		l.number(n)
		return
	}
	from := len(l.buf)
	switch n := len(s); {
	case n < 1<<6:
		l.buf = append(l.buf, 0x80|byte(n))
	case n < 1<<12:
		l.buf = append(l.buf, 0xe0|byte(n>>8), byte(n))
	default:
		l.buf = binary.LittleEndian.AppendUint32(append(l.buf, 0xf0), uint32(n))
	}
	l.buf = append(l.buf, s...)
	l.back(from)
}

// back appends the length of the entry that begins at from: groups of seven bits, high group first, all but the first
// with the high bit set.
func (l *listpackWriter) back(from int) {
	n := len(l.buf) - from
	groups := 1
	for n>>(7*groups) > 0 {
		groups++
	}
	for i := groups - 1; i >= 0; i-- {
		b := byte(n>>(7*i)) & 0x7f
		if i < groups-1 {
			b |= 0x80
		}
		l.buf = append(l.buf, b)
	}
	l.count++
}

// canonical returns the number that s spells, if the decimal of that number is s itself.
func canonical(s string) (int64, bool) {
	if len(s) == 0 || len(s) > maxNumberText || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || s[0] == '0' && len(s) > 1 || s[0] == '-' && (len(s) == 1 || s[1] <= '0' || s[1] > '9') {
		return 0, false
	}
	return n, true
}
