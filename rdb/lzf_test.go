package rdb

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestUnLZF(t *testing.T) {
	tests := []struct {
		name, packed, want string
		err                error
	}{
		{"nothing", "", "", nil},
		{"literal", "\x02abc", "abc", nil},
		{"longest literal", "\x1f" + strings.Repeat("x", 32), strings.Repeat("x", 32), nil},
		{"shortest copy", "\x02abc\x20\x02", "abcabc", nil},
		{"run", "\x00a\x20\x00", "aaaa", nil},
		{"long run", "\x00a\xe0\xff\x00", strings.Repeat("a", 265), nil},
		{"overlap with a period", "\x01ab\xe0\x00\x01", "abababababa", nil},
		{"offset of 13 bits", "\x00b" + "\x00a\xe0\xff\x00\x20\xff\x21\x0c", "b" + strings.Repeat("a", 268) + "baa", nil},
		{"literal cut", "\x02ab", "abc", errLZFShort},
		{"copy cut", "\x00a\x20", "aaa", errLZFShort},
		{"long copy cut at its length", "\x00a\xe0", "aaa", errLZFShort},
		{"long copy cut at its offset", "\x00a\xe0\x01", "aaa", errLZFShort},
		{"offset before the beginning", "\x00a\x20\x01", "aaaa", errLZFOffset},
		{"copy first", "\x20\x00", "aaa", errLZFOffset},
		{"shorter than stated", "\x02abc", "abcd", errLZFLength},
		{"longer than stated", "\x02abc\x02def", "abcd", errLZFLength},
	}
	for _, tt := range tests {
		// What stands in dst before is no part of the text that copies may refer to.
		got, err := appendUnLZF([]byte("before"), []byte(tt.packed), len(tt.want))
		if !errors.Is(err, tt.err) || err == nil && string(got) != "before"+tt.want {
			t.Errorf("%s: got %q, %v, want %q, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

func TestLZFCompress(t *testing.T) {
	z := newLZFWriter()
	tests := []struct {
		name, text string
		most       int // bytes it must fit in, 0 if it must not be compressed
	}{
		{"too short", strings.Repeat("a", 20), 0},
		{"run", strings.Repeat("a", 21), 8},
		{"long run", strings.Repeat("a", 100_000), 100_000 / 80},
		{"words", strings.Repeat("some words again and again, ", 1000), 28_000 / 50},
		{"no repetition", "abcdefghijklmnopqrstuvwxyz0123456789", 0},
		{"too little gain", "abcdefghijklmnopqrstuvwxabc", 0},
		{"repetition within reach", distant(lzfMaxOffset), lzfMaxOffset + 400},
		{"repetition out of reach", distant(lzfMaxOffset + 1), 0},
		{"repetition at the end", strings.Repeat("0123456789abcdef", 2) + "xyz", 30},
	}
	for _, tt := range tests {
		packed, ok := z.compress(tt.text)
		if ok != (tt.most > 0) || ok && len(packed) > tt.most {
			t.Errorf("%s: compressed to %d bytes, %v, want at most %d", tt.name, len(packed), ok, tt.most)
		}
		if ok {
			if got, err := appendUnLZF(nil, packed, len(tt.text)); err != nil || string(got) != tt.text {
				t.Errorf("%s: %q became %q, %v", tt.name, tt.text, got, err)
			}
		}
	}
}

// distant returns a text with no repetition but one: its last 2000 bytes are those that begin n bytes before them.
func distant(n int) string {
	b := make([]byte, n, n+2000)
	for i := range b {
		b[i] = byte(i>>7 | 0x80)
		if i%2 == 0 {
			b[i] = byte(i >> 1 & 0x7f)
		}
	}
	return string(append(b, b[:2000]...))
}

// The table is not cleared between inputs: what it knows of earlier ones must never be used.
func TestLZFForgets(t *testing.T) {
	z := newLZFWriter()
	text := "an input without any repetition of its own"
	for range 3 {
		if packed, ok := z.compress(text); ok {
			t.Fatalf("compressed to %q", packed)
		}
	}
	repeated := strings.Repeat("abcdefghij", 10)
	z.compress(strings.Repeat(repeated, 100)) // leaves positions that the others do not have
	z.base = 1<<32 - 30                       // numbers are about to start again
	for range 3 {
		packed, ok := z.compress(repeated)
		if got, err := appendUnLZF(nil, packed, len(repeated)); !ok || err != nil || string(got) != repeated {
			t.Fatalf("got %q, %v, %v", got, ok, err)
		}
	}
}

func FuzzLZF(f *testing.F) {
	f.Add([]byte("abcabcabcabcabcabcabcabcabcabc"), 30)
	f.Add([]byte("\x01ab\xe0\x00\x01"), 11)
	f.Add([]byte("\x00a\xe0\xff\x00\x20\xff\x21\x09"), 500)
	f.Fuzz(func(t *testing.T, p []byte, n int) {
		z := newLZFWriter()
		z.compress(string(p) + "something else before")
		if packed, ok := z.compress(string(p)); ok {
			got, err := appendUnLZF(nil, packed, len(p))
			if err != nil || !bytes.Equal(got, p) || len(packed) > len(p)-lzfMinGain {
				t.Fatalf("%q became %q, then %q, %v", p, packed, got, err)
			}
		}
		got, err := appendUnLZF(nil, p, n)
		if len(got) > len(p)*lzfMaxRatio || err == nil && len(got) != n {
			t.Fatalf("%q decompressed to %d bytes, not %d, %v", p, len(got), n, err)
		}
	})
}
