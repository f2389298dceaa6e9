package rdb_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/rdb"
)

// encode returns the file that calls make.
func encode(t testing.TB, o *rdb.EncoderOptions, calls func(*rdb.Encoder)) []byte {
	t.Helper()
	var b bytes.Buffer
	e := rdb.NewEncoder(&b, o)
	calls(e)
	if err := e.End(); err != nil {
		t.Fatal(err)
	}
	if e.Written() != int64(b.Len()) {
		t.Errorf("Written() = %d, and the file has %d bytes", e.Written(), b.Len())
	}
	return b.Bytes()
}

func TestEncoderBytes(t *testing.T) {
	tests := []struct {
		name  string
		calls func(*rdb.Encoder)
		body  string
	}{
		{"nothing", func(e *rdb.Encoder) {}, ""},
		{"aux", func(e *rdb.Encoder) { e.Aux("redis-ver", "7.0.0") }, "\xfa\x09redis-ver\x057.0.0"},
		{"select", func(e *rdb.Encoder) { e.SelectDB(0); e.SelectDB(63); e.SelectDB(64) }, "\xfe\x00\xfe\x3f\xfe\x40\x40"},
		{"resize", func(e *rdb.Encoder) { e.ResizeDB(16383, 16384) }, "\xfb\x7f\xff\x80\x00\x00\x40\x00"},
		{"resize, longest lengths", func(e *rdb.Encoder) { e.ResizeDB(1<<32-1, 1<<32) },
			"\xfb\x80\xff\xff\xff\xff\x81\x00\x00\x00\x01\x00\x00\x00\x00"},
		{"string", func(e *rdb.Encoder) { e.String("key", "value", 0) }, "\x00\x03key\x05value"},
		{"empty", func(e *rdb.Encoder) { e.String("", "", 0) }, "\x00\x00\x00"},
		{"deadline", func(e *rdb.Encoder) { e.String("k", "v", 4102444800123) }, "\xfc\x7b\xd8\xc3\x2c\xbb\x03\x00\x00\x00\x01k\x01v"},
		{"deadline long past", func(e *rdb.Encoder) { e.String("k", "v", -2) }, "\xfc\xfe\xff\xff\xff\xff\xff\xff\xff\x00\x01k\x01v"},
		{"8-bit integers", func(e *rdb.Encoder) { e.String("0", "-1", 0); e.String("127", "-128", 0) },
			"\x00\xc0\x00\xc0\xff\x00\xc0\x7f\xc0\x80"},
		{"16-bit integers", func(e *rdb.Encoder) { e.String("128", "-129", 0); e.String("32767", "-32768", 0) },
			"\x00\xc1\x80\x00\xc1\x7f\xff\x00\xc1\xff\x7f\xc1\x00\x80"},
		{"32-bit integers", func(e *rdb.Encoder) { e.String("32768", "-32769", 0); e.String("2147483647", "-2147483648", 0) },
			"\x00\xc2\x00\x80\x00\x00\xc2\xff\x7f\xff\xff\x00\xc2\xff\xff\xff\x7f\xc2\x00\x00\x00\x80"},
		{"too large for an integer form", func(e *rdb.Encoder) { e.String("2147483648", "-2147483649", 0) },
			"\x00\x0a2147483648\x0b-2147483649"},
		{"no integers", func(e *rdb.Encoder) {
			e.String("-0", "00", 0)
			e.String("+1", "1 ", 0)
			e.String("-", "1a", 0)
			e.String("1.0", "99999999999", 0)
		},
			"\x00\x02-0\x0200\x00\x02+1\x021 \x00\x01-\x021a\x00\x031.0\x0b99999999999"},
		{"hash", func(e *rdb.Encoder) { e.BeginHash("h", 2, 1); e.Field("f", "v"); e.Field("1", "") },
			"\xfc\x01\x00\x00\x00\x00\x00\x00\x00\x04\x01h\x02\x01f\x01v\xc0\x01\x00"},
		{"list", func(e *rdb.Encoder) { e.BeginList("l", 2, 1); e.Element("v"); e.Element("1") },
			"\xfc\x01\x00\x00\x00\x00\x00\x00\x00\x01\x01l\x02\x01v\xc0\x01"},
		{"set", func(e *rdb.Encoder) { e.BeginSet("s", 1, 0); e.Element("v") }, "\x02\x01s\x01\x01v"},
		{"sorted set", func(e *rdb.Encoder) { e.BeginSortedSet("z", 2, 0); e.Member("m", 2.5); e.Member("1", math.Inf(-1)) },
			"\x05\x01z\x02\x01m" + double(2.5) + "\xc0\x01" + double(math.Inf(-1))},
		{"14-bit length", func(e *rdb.Encoder) { e.String("k", strings.Repeat("v", 64), 0) }, "\x00\x01k\x40\x40" + strings.Repeat("v", 64)},
		{"longer than the buffer", func(e *rdb.Encoder) { e.String(long, long, 0) }, "\x00" + str(long) + str(long)},
	}
	for _, tt := range tests {
		if got, want := encode(t, nil, tt.calls), fileOf(9, tt.body); !bytes.Equal(got, want) {
			t.Errorf("%s: got %.100q, want %.100q", tt.name, got, want)
		}
	}
}

func TestEncoderCompress(t *testing.T) {
	text := strings.Repeat("a", 1000)
	file := encode(t, &rdb.EncoderOptions{Compress: true}, func(e *rdb.Encoder) {
		e.String("run", text, 0)
		e.String("short", "aaaaaaaaaaaaaaaaaaaa", 0)
		e.String(text, "noise: 0123456789abcdefghijklmnopq", 0)
	})
	if len(file) > 160 {
		t.Errorf("the file has %d bytes", len(file))
	}
	want := "string \"run\" = " + short([]byte(text)) + "\nstring \"short\" = \"aaaaaaaaaaaaaaaaaaaa\"\nstring " + short([]byte(text)) +
		" = \"noise: 0123456789abcdefghijklmnopq\"\n"
	if got := dump(rdb.NewDecoder(bytes.NewReader(file), nil)); !strings.HasPrefix(got, want) {
		t.Errorf("decodes to\n%s\nwant\n%s", got, want)
	}
}

// A string in parts is written as it is in one piece, compressed or not, whatever the parts are.
func TestEncoderStringOf(t *testing.T) {
	for _, text := range []string{"", "v", strings.Repeat("a", 100), noise(1000), strings.Repeat("longer than the buffer", 10_000), noise(200_000)} {
		for _, size := range []int{1, 7, 4096, 1 << 20} {
			for _, compress := range []bool{false, true} {
				o := &rdb.EncoderOptions{Compress: compress}
				got := encode(t, o, func(e *rdb.Encoder) {
					e.StringOf("k", len(text), parts(text, size), 5)
					e.String("after", "v", 0)
				})
				want := encode(t, o, func(e *rdb.Encoder) { e.String("k", text, 5); e.String("after", "v", 0) })
				if !bytes.Equal(got, want) {
					t.Errorf("%d bytes in parts of %d, compressed %v: got %.60q, want %.60q", len(text), size, compress, got, want)
				}
			}
		}
	}
	for _, n := range []int{-1, 0, 99, 101} {
		for _, compress := range []bool{false, true} {
			e := rdb.NewEncoder(io.Discard, &rdb.EncoderOptions{Compress: compress})
			if err := e.StringOf("k", n, parts(strings.Repeat("v", 100), 10), 0); err == nil || e.End() != err {
				t.Errorf("100 bytes announced as %d, compressed %v: %v", n, compress, err)
			}
		}
	}
}

func parts(text string, size int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(text) > 0 {
			n := min(size, len(text))
			if !yield(text[:n]) {
				return
			}
			text = text[n:]
		}
	}
}

// noise cannot be compressed.
func noise(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return string(b)
}

func TestEncoderVersions(t *testing.T) {
	for version := range 20 {
		var b bytes.Buffer
		err := rdb.NewEncoder(&b, &rdb.EncoderOptions{Version: version}).End()
		switch {
		case version == 0 || version >= 9 && version <= 12:
			if want := fileOf(max(version, 9), ""); err != nil || !bytes.Equal(b.Bytes(), want) {
				t.Errorf("version %d: %q, %v, want %q", version, b.Bytes(), err, want)
			}
		case err == nil || b.Len() > 0:
			t.Errorf("version %d is written", version)
		}
	}
}

func TestEncoderNoChecksum(t *testing.T) {
	file := encode(t, &rdb.EncoderOptions{NoChecksum: true}, func(e *rdb.Encoder) { e.String("k", "v", 0) })
	if !unchecked(file) {
		t.Errorf("the footer is %x", file[len(file)-8:])
	}
	if err := readAll(rdb.NewDecoder(bytes.NewReader(file), nil)); err != nil {
		t.Error(err)
	}
}

func TestEncoderMisuse(t *testing.T) {
	tests := []struct {
		name  string
		calls func(*rdb.Encoder) error // returns what the offending call does
	}{
		{"negative database", func(e *rdb.Encoder) error { return e.SelectDB(-1) }},
		{"hash without fields", func(e *rdb.Encoder) error { return e.BeginHash("h", 0, 0) }},
		{"list without elements", func(e *rdb.Encoder) error { return e.BeginList("l", 0, 0) }},
		{"set without members", func(e *rdb.Encoder) error { return e.BeginSet("s", 0, 0) }},
		{"sorted set without members", func(e *rdb.Encoder) error { return e.BeginSortedSet("z", -1, 0) }},
		{"element without list", func(e *rdb.Encoder) error { return e.Element("v") }},
		{"member without sorted set", func(e *rdb.Encoder) error { return e.Member("m", 1) }},
		{"element of a hash", func(e *rdb.Encoder) error { e.BeginHash("h", 1, 0); return e.Element("v") }},
		{"element of a sorted set", func(e *rdb.Encoder) error { e.BeginSortedSet("z", 1, 0); return e.Element("v") }},
		{"field of a list", func(e *rdb.Encoder) error { e.BeginList("l", 1, 0); return e.Field("f", "v") }},
		{"member of a set", func(e *rdb.Encoder) error { e.BeginSet("s", 1, 0); return e.Member("m", 1) }},
		{"one element too many", func(e *rdb.Encoder) error { e.BeginList("l", 1, 0); e.Element("a"); return e.Element("b") }},
		{"one member too few", func(e *rdb.Encoder) error { e.BeginSortedSet("z", 2, 0); e.Member("a", 1); return e.End() }},
		{"score NaN", func(e *rdb.Encoder) error { e.BeginSortedSet("z", 1, 0); return e.Member("a", math.NaN()) }},
		{"field without hash", func(e *rdb.Encoder) error { return e.Field("f", "v") }},
		{"one field too many", func(e *rdb.Encoder) error { e.BeginHash("h", 1, 0); e.Field("a", "b"); return e.Field("c", "d") }},
		{"one field too few, string", func(e *rdb.Encoder) error { e.BeginHash("h", 1, 0); return e.String("a", "b", 0) }},
		{"one field too few, hash", func(e *rdb.Encoder) error { e.BeginHash("h", 1, 0); return e.BeginHash("i", 1, 0) }},
		{"one field too few, aux", func(e *rdb.Encoder) error { e.BeginHash("h", 1, 0); return e.Aux("a", "b") }},
		{"one field too few, select", func(e *rdb.Encoder) error { e.BeginHash("h", 1, 0); return e.SelectDB(1) }},
		{"one field too few, resize", func(e *rdb.Encoder) error { e.BeginHash("h", 1, 0); return e.ResizeDB(1, 1) }},
		{"one field too few, end", func(e *rdb.Encoder) error { e.BeginHash("h", 1, 0); return e.End() }},
		{"function in an old version", func(e *rdb.Encoder) error { return e.Function("#!lua") }},
		{"call after the end", func(e *rdb.Encoder) error { e.End(); return e.Aux("a", "b") }},
		{"end after the end", func(e *rdb.Encoder) error { e.End(); return e.End() }},
	}
	for _, tt := range tests {
		e := rdb.NewEncoder(io.Discard, nil)
		err := tt.calls(e)
		if err == nil {
			t.Errorf("%s: no error", tt.name)
		}
		if again := e.String("k", "v", 0); again != err {
			t.Errorf("%s: the next call returns %v, want %v again", tt.name, again, err)
		}
	}
}

// failing accepts n bytes, then fails, or, if quiet, takes less than it is given.
type failing struct {
	n     int
	quiet bool
}

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	n := min(len(p), f.n)
	f.n -= n
	if n < len(p) && !f.quiet {
		return n, errFull
	}
	return n, nil
}

func TestEncoderWriterError(t *testing.T) {
	for quiet, want := range map[bool]error{false: errFull, true: io.ErrShortWrite} {
		for _, n := range []int{0, 10, 70_000, 150_000} {
			e := rdb.NewEncoder(&failing{n: n, quiet: quiet}, nil)
			for range 10 {
				e.String(long, long, 0)
				e.BeginHash("h", 1, 0)
				e.Field(long, "v")
			}
			if err := e.End(); err != want {
				t.Errorf("after %d bytes: %v, want %v", n, err, want)
			}
			if err := e.End(); err != want {
				t.Errorf("after %d bytes, again: %v, want %v", n, err, want)
			}
		}
	}
}

func TestEncoderAllocations(t *testing.T) {
	for _, compress := range []bool{false, true} {
		e := rdb.NewEncoder(io.Discard, &rdb.EncoderOptions{Compress: compress})
		text := strings.Repeat("some words ", 20)
		write := func() {
			e.String("key:000001", "hello world", 0)
			e.String("key:000002", text, 4102444800000)
			e.BeginHash("hash", 1, 0)
			e.Field("12345", text)
			e.BeginList("list", 1, 0)
			e.Element(text)
			e.BeginSortedSet("sorted", 1, 0)
			e.Member(text, 1.5)
			e.SelectDB(1)
		}
		write() // the compressor's memory grows once
		if n := testing.AllocsPerRun(2000, write); n != 0 {
			t.Errorf("compress %v: %v allocations for five keys", compress, n)
		}
	}
}

// largest remembers the longest write.
type largest struct{ n int }

func (l *largest) Write(p []byte) (int, error) {
	l.n = max(l.n, len(p))
	return len(p), nil
}

// The buffer keeps its size, whatever fills it up.
func TestEncoderWriteSize(t *testing.T) {
	tests := map[string]func(e *rdb.Encoder, i int){
		"select": func(e *rdb.Encoder, i int) { e.SelectDB(i) },
		"resize": func(e *rdb.Encoder, i int) { e.ResizeDB(1<<40, uint64(i)) },
		"string": func(e *rdb.Encoder, i int) { e.String(long[:i%100], long[:i%70], 1) },
		"hash": func(e *rdb.Encoder, i int) {
			e.BeginHash(long[:i%2000], 1, 1)
			e.Field(long[:i%1000], long[:i%999])
		},
		"list": func(e *rdb.Encoder, i int) {
			e.BeginList(long[:i%2000], 1, 1)
			e.Element(long[:i%1000])
		},
		"sorted set": func(e *rdb.Encoder, i int) {
			e.BeginSortedSet(long[:i%100], 1, 1)
			e.Member(long[:i%70], 1)
		},
	}
	for name, call := range tests {
		var w largest
		e := rdb.NewEncoder(&w, nil)
		for i := range 100_000 {
			call(e, i)
		}
		if err := e.End(); err != nil || w.n > 64<<10 {
			t.Errorf("%s: the longest write has %d bytes, %v", name, w.n, err)
		}
	}
}

// A long string is written through: it takes no memory of its length.
func TestEncoderLongString(t *testing.T) {
	value := strings.Repeat("x", 64<<20)
	e := rdb.NewEncoder(io.Discard, nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	e.String("long", value, 0)
	runtime.ReadMemStats(&after)
	if err := e.End(); err != nil {
		t.Fatal(err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes allocated to write a string of %d", used, len(value))
	}
	if want := int64(9 + 1 + 5 + 5 + len(value) + 9); e.Written() != want {
		t.Errorf("Written() = %d, want %d", e.Written(), want)
	}
}

// The footer is the checksum of everything before it, however the file was cut into writes.
func TestEncoderChecksum(t *testing.T) {
	file := encode(t, nil, func(e *rdb.Encoder) {
		for range 5000 {
			e.String("some key or other", "some value or other", 0)
		}
	})
	body, footer := file[:len(file)-8], file[len(file)-8:]
	if got, want := binary.LittleEndian.Uint64(footer), rdb.CRC64(body); got != want {
		t.Errorf("the footer is %016x, want %016x", got, want)
	}
}
