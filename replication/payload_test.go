package replication

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

const testMark = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"

func TestParsePayloadHeader(t *testing.T) {
	for _, tc := range []struct {
		in   string
		size int64
		mark string
		bad  bool
	}{
		{in: "$0", size: 0},
		{in: "$1234", size: 1234},
		{in: "$9223372036854775807", size: 9223372036854775807},
		{in: "$EOF:" + testMark, size: -1, mark: testMark},
		{in: "$EOF:" + testMark[1:], bad: true},
		{in: "$EOF:" + testMark + "x", bad: true},
		{in: "$-1", bad: true},
		{in: "$9223372036854775808", bad: true},
		{in: "$", bad: true},
		{in: "$x", bad: true},
		{in: "$1 ", bad: true},
		{in: "1234", bad: true},
		{in: "", bad: true},
		{in: "-ERR BGSAVE failed", bad: true},
	} {
		h, err := parsePayloadHeader([]byte(tc.in))
		if (err != nil) != tc.bad || !tc.bad && (h.size != tc.size || string(h.mark) != tc.mark) {
			t.Errorf("parsePayloadHeader(%q) = %+v, %v, want size %d, mark %q, error %v", tc.in, h, err, tc.size, tc.mark, tc.bad)
		}
	}
}

// fragments are readers that return the same bytes in different pieces.
var fragments = map[string]func(io.Reader) io.Reader{
	"whole": func(r io.Reader) io.Reader { return r },
	"bytes": iotest.OneByteReader,
	"half":  iotest.HalfReader,
	"error": iotest.DataErrReader,
	"timid": func(r io.Reader) io.Reader { return &timidReader{r: r} },
}

// timidReader returns pieces of changing sizes, nothing now and then.
type timidReader struct {
	r io.Reader
	n int
}

func (t *timidReader) Read(p []byte) (int, error) {
	t.n = (t.n + 1) % 43
	return t.r.Read(p[:min(t.n, len(p))])
}

func markOf(size int64) payloadHeader {
	if size < 0 {
		return payloadHeader{size: -1, mark: []byte(testMark)}
	}
	return payloadHeader{size: size}
}

// The payload ends exactly where it ends, and what was read beyond it comes back, however the bytes arrive.
func TestPayload(t *testing.T) {
	long := strings.Repeat("0123456789ABCDEFGHIJ", 20000)
	for _, tc := range []struct{ name, file string }{
		{"empty", ""},
		{"short", "REDIS0009"},
		{"long", long},
		{"half a mark inside", "x" + testMark[:20] + "y" + testMark[:39] + "z"},
		{"half a mark at the end", "x" + testMark[:39]},
		{"the mark's first byte many times", strings.Repeat("A", 100)},
		{"as long as the buffer", strings.Repeat("b", payloadSize)},
		{"a byte less than the buffer with its mark", strings.Repeat("b", payloadSize-markLen-1)},
	} {
		for name, fragment := range fragments {
			for _, stream := range []string{"", "*1\r\n$4\r\nPING\r\n"} {
				src := fragment(strings.NewReader(tc.file + testMark + stream))
				p := newPayload(src, markOf(-1))
				got, err := io.ReadAll(p)
				after, _ := io.ReadAll(io.MultiReader(bytes.NewReader(p.rest()), src))
				if err != nil || string(got) != tc.file || string(after) != stream || p.read != int64(len(tc.file)) {
					t.Errorf("mark, %s, %s: read %d bytes, %v, then %q; want %d, then %q", tc.name, name, len(got), err, after, len(tc.file), stream)
				}
				src = fragment(strings.NewReader(tc.file + stream))
				p = newPayload(src, markOf(int64(len(tc.file))))
				got, err = io.ReadAll(p)
				after, _ = io.ReadAll(src)
				if err != nil || string(got) != tc.file || string(after) != stream || len(p.rest()) != 0 {
					t.Errorf("length, %s, %s: read %d bytes, %v, then %q; want %d, then %q", tc.name, name, len(got), err, after, len(tc.file), stream)
				}
			}
		}
	}
}

// A connection that ends before the payload does is never taken for the end of it, at whichever byte.
func TestPayloadTruncated(t *testing.T) {
	file := "REDIS0009" + testMark[:7]
	whole := file + testMark
	for n := range len(whole) {
		p := newPayload(strings.NewReader(whole[:n]), markOf(-1))
		if _, err := io.ReadAll(p); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("mark, cut after %d bytes: err = %v, want %v", n, err, io.ErrUnexpectedEOF)
		}
	}
	for n := range len(file) {
		p := newPayload(strings.NewReader(file[:n]), markOf(int64(len(file))))
		if _, err := io.ReadAll(p); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("length, cut after %d bytes: err = %v, want %v", n, err, io.ErrUnexpectedEOF)
		}
	}
}

func TestPayloadDrain(t *testing.T) {
	p := newPayload(strings.NewReader("filetrailer"), markOf(int64(len("filetrailer"))))
	io.ReadFull(p, make([]byte, 4))
	if err := p.drain(); !errors.Is(err, errTrailing) {
		t.Errorf("drain with 7 bytes left = %v, want %v", err, errTrailing)
	}
	io.ReadAll(p)
	if err := p.drain(); err != nil {
		t.Errorf("drain at the end = %v", err)
	}
}

// A peer that sends more and more behind its file is found out by the first byte.
func TestPayloadThatNeverEnds(t *testing.T) {
	for _, head := range []payloadHeader{markOf(-1), markOf(math.MaxInt64)} {
		const most = 1 << 20
		src := &countedZeros{most: most}
		p := newPayload(src, head)
		if err := p.drain(); !errors.Is(err, errTrailing) || src.n >= most {
			t.Errorf("drain of an endless payload: %v after %d bytes, want %v after few", err, src.n, errTrailing)
		}
	}
}

// countedZeros gives zeros, and an error when most of them were asked for.
type countedZeros struct{ n, most int }

func (z *countedZeros) Read(p []byte) (int, error) {
	clear(p)
	if z.n += len(p); z.n > z.most {
		return 0, errors.New("asked for too much")
	}
	return len(p), nil
}

// Chunking independence: whatever sizes the reads have, file and rest are the same.
func FuzzPayload(f *testing.F) {
	f.Add([]byte("REDIS0009"), []byte("PING"), uint64(1))
	f.Add([]byte(testMark[:39]), []byte(testMark), uint64(2))
	f.Add([]byte(strings.Repeat(testMark[:1], 90)), []byte{}, uint64(3))
	f.Fuzz(func(t *testing.T, file, stream []byte, seed uint64) {
		if bytes.Contains(append(bytes.Clone(file), testMark[:markLen-1]...), []byte(testMark)) {
			t.Skip("the file holds the mark")
		}
		src := &randomReader{bytes.NewReader(append(append(bytes.Clone(file), testMark...), stream...)), rand.New(rand.NewPCG(seed, 0))}
		p := newPayload(src, markOf(-1))
		got, err := io.ReadAll(p)
		after, _ := io.ReadAll(io.MultiReader(bytes.NewReader(p.rest()), src))
		if err != nil || !bytes.Equal(got, file) || !bytes.Equal(after, stream) {
			t.Fatalf("file %q, rest %q, %v; want %q, %q", got, after, err, file, stream)
		}
	})
}

type randomReader struct {
	r   io.Reader
	rnd *rand.Rand
}

func (r *randomReader) Read(p []byte) (int, error) {
	return r.r.Read(p[:min(len(p), 1+r.rnd.IntN(80))])
}
