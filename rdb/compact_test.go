package rdb

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// pack builds a listpack of entries that are encoded already, each without the length behind it.
func pack(entries ...string) []byte {
	b := make([]byte, listpackHeader)
	for _, e := range entries {
		b = append(b, e...)
		switch n := len(e); { // the length behind, by the definition's own cases
		case n < 1<<7:
			b = append(b, byte(n))
		case n < 1<<14:
			b = append(b, byte(n>>7), byte(n)|0x80)
		default:
			b = append(b, byte(n>>14), byte(n>>7)|0x80, byte(n)|0x80)
		}
	}
	b = append(b, blobEnd)
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	binary.LittleEndian.PutUint16(b[4:], uint16(min(len(entries), unknownCount)))
	return b
}

// zip builds a ziplist of entries that are encoded already, each without the length before it.
func zip(entries ...string) []byte {
	b := make([]byte, ziplistHeader)
	previous, tail := 0, ziplistHeader
	for _, e := range entries {
		start := len(b)
		tail = start
		if previous < ziplistLongLength {
			b = append(b, byte(previous))
		} else {
			b = binary.LittleEndian.AppendUint32(append(b, ziplistLongLength), uint32(previous))
		}
		b = append(b, e...)
		previous = len(b) - start
	}
	b = append(b, blobEnd)
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	binary.LittleEndian.PutUint32(b[4:], uint32(tail))
	binary.LittleEndian.PutUint16(b[8:], uint16(min(len(entries), unknownCount)))
	return b
}

// walk returns the elements of a blob, shortened, one word each.
func walk(c compact, blob []byte) (string, error) {
	if err := c.open(blob); err != nil {
		return "", err
	}
	var words []string
	for {
		e, ok, err := c.next()
		if !ok {
			return strings.Join(words, " "), err
		}
		var scratch [maxNumberText]byte
		text := string(e.bytes(&scratch))
		if len(text) > 30 {
			text = fmt.Sprintf("%s*%d", text[:1], len(text))
		}
		words = append(words, text)
	}
}

var x = strings.Repeat("x", 100_000)

func TestCompactElements(t *testing.T) {
	tests := []struct {
		name string
		c    compact
		blob []byte
		want string
	}{
		{"listpack empty", &listpack{}, pack(), ""},
		{"listpack 7-bit numbers", &listpack{}, pack("\x00", "\x7f"), "0 127"},
		{"listpack 6-bit strings", &listpack{}, pack("\x80", "\x81a", "\xbf"+x[:63]), " a x*63"},
		{"listpack 13-bit numbers", &listpack{}, pack("\xc0\x00", "\xcf\xff", "\xd0\x00", "\xdf\xff"), "0 4095 -4096 -1"},
		{"listpack 12-bit strings", &listpack{}, pack("\xe0\x40"+x[:64], "\xef\xff"+x[:4095]), "x*64 x*4095"},
		{"listpack 32-bit string", &listpack{}, pack("\xf0\xa0\x86\x01\x00" + x), "x*100000"},
		{"listpack 16-bit numbers", &listpack{}, pack("\xf1\xff\x7f", "\xf1\x00\x80"), "32767 -32768"},
		{"listpack 24-bit numbers", &listpack{}, pack("\xf2\xff\xff\x7f", "\xf2\x00\x00\x80"), "8388607 -8388608"},
		{"listpack 32-bit numbers", &listpack{}, pack("\xf3\xff\xff\xff\x7f", "\xf3\x00\x00\x00\x80"), "2147483647 -2147483648"},
		{"listpack 64-bit numbers", &listpack{}, pack("\xf4\xff\xff\xff\xff\xff\xff\xff\x7f", "\xf4\x00\x00\x00\x00\x00\x00\x00\x80"),
			"9223372036854775807 -9223372036854775808"},
		{"ziplist empty", &ziplist{}, zip(), ""},
		{"ziplist 6-bit strings", &ziplist{}, zip("\x00", "\x01a", "\x3f"+x[:63]), " a x*63"},
		{"ziplist 14-bit strings", &ziplist{}, zip("\x40\x40"+x[:64], "\x7f\xff"+x[:16383]), "x*64 x*16383"},
		{"ziplist 32-bit string", &ziplist{}, zip("\x80\x00\x01\x86\xa0" + x), "x*100000"},
		{"ziplist small numbers", &ziplist{}, zip("\xf1", "\xf2", "\xfd"), "0 1 12"},
		{"ziplist 8-bit numbers", &ziplist{}, zip("\xfe\x7f", "\xfe\x80"), "127 -128"},
		{"ziplist 16-bit numbers", &ziplist{}, zip("\xc0\xff\x7f", "\xc0\x00\x80"), "32767 -32768"},
		{"ziplist 24-bit numbers", &ziplist{}, zip("\xf0\xff\xff\x7f", "\xf0\x00\x00\x80"), "8388607 -8388608"},
		{"ziplist 32-bit numbers", &ziplist{}, zip("\xd0\xff\xff\xff\x7f", "\xd0\x00\x00\x00\x80"), "2147483647 -2147483648"},
		{"ziplist 64-bit numbers", &ziplist{}, zip("\xe0\xff\xff\xff\xff\xff\xff\xff\x7f", "\xe0\x00\x00\x00\x00\x00\x00\x00\x80"),
			"9223372036854775807 -9223372036854775808"},
		{"ziplist short length in long form", &ziplist{},
			[]byte("\x15\x00\x00\x00\x0d\x00\x00\x00\x02\x00" + "\x00\x01a" + "\xfe\x03\x00\x00\x00\x01b" + "\xff"), "a b"},
		{"zipmap empty", &zipmap{}, []byte("\x00\xff"), ""},
		{"zipmap", &zipmap{}, []byte("\x02\x01a\x02\x00bc\x00\x00\x00\xff"), "a bc  "},
		{"zipmap unused bytes", &zipmap{}, []byte("\x01\x01a\x01\x03b\xff\xff\xff\xff"), "a b"},
		{"zipmap long length", &zipmap{}, []byte("\x01\x01a\xfe\x2c\x01\x00\x00\x00" + x[:300] + "\xff"), "a x*300"},
		{"zipmap uncounted", &zipmap{}, []byte("\xfe\x01a\x01\x00b\xff"), "a b"},
		{"intset of 16 bits", &intset{}, []byte("\x02\x00\x00\x00\x03\x00\x00\x00" + "\x00\x80" + "\xff\xff" + "\xff\x7f"), "-32768 -1 32767"},
		{"intset of 32 bits", &intset{}, []byte("\x04\x00\x00\x00\x02\x00\x00\x00" + "\x00\x00\x00\x80" + "\xff\xff\xff\x7f"), "-2147483648 2147483647"},
		{"intset of 64 bits", &intset{}, []byte("\x08\x00\x00\x00\x02\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x80" + "\xff\xff\xff\xff\xff\xff\xff\x7f"),
			"-9223372036854775808 9223372036854775807"},
	}
	for _, tt := range tests {
		got, err := walk(tt.c, tt.blob)
		if err != nil || got != tt.want {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, tt.want)
		}
		if n, want := tt.c.count(), int64(strings.Count(" "+tt.want, " ")); tt.want != "" && n != want && n != -1 {
			t.Errorf("%s: count() = %d, want %d", tt.name, n, want)
		}
	}
}

// Beyond 65534 entries the count is not stated, and not checked.
func TestCompactUncounted(t *testing.T) {
	for _, n := range []int{unknownCount - 1, unknownCount, unknownCount + 1} {
		want := int64(n)
		if n >= unknownCount {
			want = -1
		}
		for name, tt := range map[string]struct {
			c    compact
			blob []byte
		}{
			"listpack": {&listpack{}, pack(slices.Repeat([]string{"\x81a"}, n)...)},
			"ziplist":  {&ziplist{}, zip(slices.Repeat([]string{"\x01a"}, n)...)},
		} {
			words, err := walk(tt.c, tt.blob)
			if got := (len(words) + 1) / 2; err != nil || got != n || tt.c.count() != want {
				t.Errorf("%s of %d: %d elements, count() = %d, %v", name, n, got, tt.c.count(), err)
			}
		}
	}
}

func edit(blob []byte, at int, b byte) []byte {
	blob = bytes.Clone(blob)
	blob[at] = b
	return blob
}

func TestCompactCorrupt(t *testing.T) {
	// An entry of 255 bytes has 0xff as the last byte behind it, which here is the end mark at the same time.
	shared := pack("\xe0\xfd" + x[:253])
	shared = edit(shared[:len(shared)-1], 0, byte(len(shared)-1))
	list, zipped := pack("\x81a", "\x81b"), zip("\x01a", "\x01b")
	tests := []struct {
		name string
		c    compact
		blob []byte
		want string
	}{
		{"listpack empty blob", &listpack{}, nil, "shorter than its frame"},
		{"listpack no room for end", &listpack{}, []byte("\x06\x00\x00\x00\x00\x00"), "shorter than its frame"},
		{"listpack size", &listpack{}, edit(list, 0, 12), "states another size"},
		{"listpack end", &listpack{}, edit(list, len(list)-1, 0), "has no end mark"},
		{"listpack count high", &listpack{}, edit(list, 4, 3), "states 3 entries and has 2"},
		{"listpack count low", &listpack{}, edit(list, 4, 1), "states 1 entries and has 2"},
		{"listpack encoding", &listpack{}, pack("\xf5"), "entry at byte 6 has an unknown encoding"},
		{"listpack string too long", &listpack{}, edit(list, 6, 0x87), "entry at byte 6"},
		{"listpack string up to the end mark", &listpack{}, edit(list, 9, 0x83), "entry at byte 9"},
		{"listpack 13 bits cut", &listpack{}, append(edit(pack("\x01"), 0, 8)[:6:6], 0xc0, 0xff), "entry at byte 6"},
		{"listpack length behind", &listpack{}, edit(list, 8, 3), "entry at byte 6 has a wrong length behind it"},
		{"listpack 32-bit length cut", &listpack{}, pack("\xf0\x01"), "entry at byte 6"},
		{"listpack 32-bit length huge", &listpack{}, pack("\xf0\xff\xff\xff\xff"), "entry at byte 6"},
		{"listpack number cut", &listpack{}, pack("\xf4\x01"), "entry at byte 6"},
		{"listpack number cut by one", &listpack{}, pack("\xf1"), "entry at byte 6"},
		{"listpack length behind is the end mark", &listpack{}, shared, "entry at byte 6 has a wrong length behind it"},
		{"ziplist empty blob", &ziplist{}, nil, "shorter than its frame"},
		{"ziplist size", &ziplist{}, edit(zipped, 0, 1), "states another size"},
		{"ziplist end", &ziplist{}, edit(zipped, len(zipped)-1, 0), "has no end mark"},
		{"ziplist count", &ziplist{}, edit(zipped, 8, 3), "states 3 entries and has 2"},
		{"ziplist first length before", &ziplist{}, edit(zipped, 10, 1), "entry at byte 10 has a wrong length before it"},
		{"ziplist length before", &ziplist{}, edit(zipped, 13, 4), "entry at byte 13 has a wrong length before it"},
		{"ziplist end mark too early", &ziplist{}, edit(zipped, 13, 0xff), "entry at byte 13"},
		{"ziplist long length with another mark", &ziplist{},
			[]byte("\x15\x00\x00\x00\x0d\x00\x00\x00\x02\x00" + "\x00\x01a" + "\xff\x03\x00\x00\x00\x01b" + "\xff"), "entry at byte 13"},
		{"ziplist encoding", &ziplist{}, zip("\xc1"), "entry at byte 10 has an unknown encoding"},
		{"ziplist encoding is the end mark", &ziplist{}, zip("\xff"), "entry at byte 10 has an unknown encoding"},
		{"ziplist nothing behind length", &ziplist{}, zip(""), "entry at byte 10 has a wrong length before it"},
		{"ziplist string too long", &ziplist{}, edit(zipped, 11, 0x3f), "entry at byte 10"},
		{"ziplist 14-bit length cut", &ziplist{}, zip("\x40"), "entry at byte 10"},
		{"ziplist 32-bit length huge", &ziplist{}, zip("\x80\xff\xff\xff\xff"), "entry at byte 10"},
		{"ziplist number cut", &ziplist{}, zip("\xe0\x01"), "entry at byte 10"},
		{"zipmap empty blob", &zipmap{}, nil, "shorter than its frame"},
		{"zipmap end", &zipmap{}, []byte("\x00\x00"), "has no end mark"},
		{"zipmap count", &zipmap{}, []byte("\x02\x01a\x01\x00b\xff"), "states 4 entries and has 2"},
		{"zipmap field too long", &zipmap{}, []byte("\x01\x05a\x01\x00b\xff"), "entry at byte 1 does not fit"},
		{"zipmap long length cut", &zipmap{}, []byte("\x01\xfe\x01\x00\xff"), "entry at byte 1 does not fit"},
		{"zipmap long length huge", &zipmap{}, []byte("\x01\xfe\xff\xff\xff\xff\xff"), "entry at byte 1 does not fit"},
		{"zipmap end mark too early", &zipmap{}, []byte("\x01\xff\x01a\xff"), "entry at byte 1 does not fit"},
		{"zipmap value without unused", &zipmap{}, []byte("\x01\x01a\x01\xff"), "entry at byte 3 does not fit"},
		{"intset empty blob", &intset{}, nil, "shorter than its frame"},
		{"intset width", &intset{}, []byte("\x03\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00"), "has members of an unknown width"},
		{"intset no members", &intset{}, []byte("\x02\x00\x00\x00\x00\x00\x00\x00"), "has no members"},
		{"intset size", &intset{}, []byte("\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00\x02"), "states another size"},
		{"intset count huge", &intset{}, []byte("\x08\x00\x00\x00\xff\xff\xff\xff" + "\x01\x00\x00\x00\x00\x00\x00\x00"), "states another size"},
		{"intset twice", &intset{}, []byte("\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00\x01\x00"), "entry at byte 10 is not in order"},
		{"intset lowest twice", &intset{}, []byte("\x02\x00\x00\x00\x02\x00\x00\x00\x00\x80\x00\x80"), "entry at byte 10 is not in order"},
		{"intset order", &intset{}, []byte("\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00\xff\xff"), "entry at byte 10 is not in order"},
		{"zipmap unused too long", &zipmap{}, []byte("\x01\x01a\x01\x01b\xff"), "entry at byte 3 does not fit"},
	}
	for _, tt := range tests {
		if got, err := walk(tt.c, tt.blob); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %q, %v, want error %q", tt.name, got, err, tt.want)
		}
	}
}

// Whatever the bytes are: no panic, an end, and no element outside the blob.
func FuzzCompact(f *testing.F) {
	f.Add(byte(0), pack("\x81a", "\xc0\x01", "\xe0\x01x", "\xf0\x01\x00\x00\x00x", "\xf4\x01\x02\x03\x04\x05\x06\x07\x08"))
	f.Add(byte(1), zip("\x01a", "\x40\x01x", "\x80\x00\x00\x00\x01x", "\xf1", "\xfe\x80", "\xe0\x01\x02\x03\x04\x05\x06\x07\x08"))
	f.Add(byte(2), []byte("\x02\x01a\x02\x00bc\x00\x00\x00\xff"))
	f.Add(byte(2), []byte("\x01\x01a\xfe\x02\x00\x00\x00\x01bcd\xff"))
	f.Add(byte(3), []byte("\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00\x02\x00"))
	f.Fuzz(func(t *testing.T, kind byte, blob []byte) {
		c := [...]compact{&listpack{}, &ziplist{}, &zipmap{}, &intset{}}[kind%4]
		if c.open(blob) != nil {
			return
		}
		total := 0
		for n := 0; ; n++ {
			e, ok, err := c.next()
			if !ok || err != nil {
				return
			}
			if total += len(e.text); n > len(blob) || total > len(blob) {
				t.Fatalf("%d elements of %d bytes in a blob of %d", n, total, len(blob))
			}
		}
	})
}
