package rdb_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/understudy-go/understudy/rdb"
)

// smallFiles are the golden files that are small enough for the fuzzer to get anywhere with them.
func smallFiles(t testing.TB) [][]byte {
	var files [][]byte
	for _, path := range goldenFiles(t) {
		if file := readFile(t, path); len(file) < 1000 {
			files = append(files, file)
		}
	}
	return files
}

// decodeBounded returns the dump of a file, and checks that the decoder held no more than its input justifies: the
// compressed form of one text, and four texts that can be this much longer.
func decodeBounded(t *testing.T, d *rdb.Decoder, size int) string {
	text := dump(d)
	if most := 5*size*(rdb.MaxRatio+1) + 1<<18; d.Memory() > most {
		t.Fatalf("%d bytes of memory for %d of input", d.Memory(), size)
	}
	return text
}

// Whatever the bytes are: no panic, no memory beyond the input's worth, an end; and the result does not depend on how
// reads cut the input, nor on what the buffer holds.
func FuzzDecoder(f *testing.F) {
	for _, tt := range bodies {
		if len(tt.body) < 1000 {
			f.Add(fileOf(12, tt.body))
		}
	}
	for _, file := range smallFiles(f) {
		f.Add(file)
	}
	for _, tt := range streamBodies {
		f.Add(fileOf(tt.version, tt.body))
	}
	for _, tt := range dialectFiles {
		if len(tt.file) < 1000 {
			f.Add(tt.file)
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		want := decodeBounded(t, rdb.NewDecoder(bytes.NewReader(file), nil), len(file))
		for name, d := range map[string]*rdb.Decoder{
			"single bytes":    rdb.NewDecoder(iotest.OneByteReader(bytes.NewReader(file)), nil),
			"end with data":   rdb.NewDecoder(iotest.DataErrReader(bytes.NewReader(file)), nil),
			"smallest buffer": rdb.NewDecoderSize(bytes.NewReader(file), 0),
			"halves, small":   rdb.NewDecoderSize(iotest.HalfReader(bytes.NewReader(file)), 20),
		} {
			if got := decodeBounded(t, d, len(file)); got != want {
				t.Fatalf("%s: %q decodes to\n%s\nwant\n%s", name, file, got, want)
			}
		}
	})
}

// Whatever the bytes are: no panic, no memory beyond the input's worth, an end. With the right checksum behind it, so that
// the value is looked at.
func FuzzDump(f *testing.F) {
	for _, tt := range bodies {
		if i := strings.Index(tt.body, "\x01"); i == 1 && len(tt.body) < 1000 { // a type and a key of one byte
			f.Add([]byte(tt.body[:1] + tt.body[3:]))
		}
	}
	for _, tt := range streamBodies {
		f.Add([]byte(tt.body[:1] + tt.body[3:]))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		decodeBounded(t, rdb.NewDumpDecoder(value, nil), len(value))
		decodeBounded(t, rdb.NewDumpDecoder(payloadOf(10, string(value)), nil), len(value))
	})
}

// The golden files, too long for the fuzzer, are read alike through any buffer.
func TestChunking(t *testing.T) {
	for _, path := range goldenFiles(t) {
		file := readFile(t, path)
		want := dump(rdb.NewDecoder(bytes.NewReader(file), nil))
		for _, size := range []int{0, 13, 100, 4096} {
			if got := dump(rdb.NewDecoderSize(iotest.HalfReader(bytes.NewReader(file)), size)); got != want {
				t.Errorf("%s through a buffer of %d bytes decodes to\n%s\nwant\n%s", path, size, got, want)
			}
		}
	}
}

// A script is a sequence of calls to an Encoder, made from bytes.
type script struct {
	p    []byte
	long int // texts that may yet be long: a few of them find what many would
}

func (s *script) byte() byte {
	if len(s.p) == 0 {
		return 0
	}
	b := s.p[0]
	s.p = s.p[1:]
	return b
}

func (s *script) number() int64 {
	var p [8]byte
	s.p = s.p[copy(p[:], s.p):]
	return int64(binary.LittleEndian.Uint64(p[:]))
}

// text returns a string of one of the shapes that encoders treat differently.
func (s *script) text() string {
	switch n := int(s.byte()); {
	case n%4 == 0:
		return fmt.Sprint(s.number() >> (s.byte() % 64))
	case n%4 == 1 && s.long > 0:
		s.long--
		return string(bytes.Repeat([]byte{s.byte(), s.byte()}, n*n))
	default:
		n = min(n/4, len(s.p))
		text := string(s.p[:n])
		s.p = s.p[n:]
		return text
	}
}

// run makes one call, and returns what a dump says of it.
func (s *script) run(e *rdb.Encoder) string {
	switch s.byte() % 11 {
	case 0:
		name, value := s.text(), s.text()
		e.Aux(name, value)
		return fmt.Sprintf("aux %s = %s\n", short([]byte(name)), short([]byte(value)))
	case 1:
		source := s.text()
		e.Function(source)
		return fmt.Sprintf("function %s\n", short([]byte(source)))
	case 2:
		db := int(s.number() & (1<<31 - 1))
		e.SelectDB(db)
		return fmt.Sprintf("db %d\n", db)
	case 3:
		keys, expires := uint64(s.number())>>1, uint64(s.number())>>s.byte()
		e.ResizeDB(keys, expires>>1)
		return fmt.Sprintf("size %d, %d with a deadline\n", keys, expires>>1)
	case 4:
		key, value, deadline := s.text(), s.text(), s.number()>>1&^(-1<<62)
		e.String(key, value, deadline)
		return fmt.Sprintf("string %s%s = %s\n", short([]byte(key)), deadlineText(deadline), short([]byte(value)))
	case 5:
		return s.elements(e, "list", e.BeginList)
	case 6:
		return s.elements(e, "set", e.BeginSet)
	case 7:
		return s.sorted(e)
	case 9:
		return s.stream(e)
	case 10:
		key, value, deadline := s.text(), moduleNumber+"\x05"+str(s.text())+"\x00", s.number()&(1<<62-1)
		e.Module(key, value, deadline)
		return fmt.Sprintf("module %s%s of ReJSON-RL, version 3 = %s\n", short([]byte(key)), deadlineText(deadline), short([]byte(value)))
	}
	return s.hash(e)
}

func (s *script) elements(e *rdb.Encoder, kind string, begin func(string, int, int64) error) string {
	key, n, deadline := s.text(), 1+int(s.byte()%15), s.number()&(1<<62-1)
	begin(key, n, deadline)
	want := fmt.Sprintf("%s %s%s len=%d\n", kind, short([]byte(key)), deadlineText(deadline), n)
	for range n {
		v := s.text()
		e.Element(v)
		want += fmt.Sprintf("\t%s\n", short([]byte(v)))
	}
	return want
}

func (s *script) sorted(e *rdb.Encoder) string {
	key, n, deadline := s.text(), 1+int(s.byte()%15), s.number()&(1<<62-1)
	e.BeginSortedSet(key, n, deadline)
	want := fmt.Sprintf("sorted set %s%s len=%d\n", short([]byte(key)), deadlineText(deadline), n)
	for range n {
		v, score := s.text(), math.Float64frombits(uint64(s.number()))
		if math.IsNaN(score) {
			score = 0
		}
		e.Member(v, score)
		want += fmt.Sprintf("\t%s = \"%s\"\n", short([]byte(v)), strconv.FormatFloat(score, 'g', -1, 64))
	}
	return want
}

func (s *script) hash(e *rdb.Encoder) string {
	key, n, deadline := s.text(), 1+int(s.byte()%15), s.number()&(1<<62-1)
	e.BeginHash(key, n, deadline)
	want := fmt.Sprintf("hash %s%s len=%d\n", short([]byte(key)), deadlineText(deadline), n)
	for range n {
		field, value := s.text(), s.text()
		e.Field(field, value)
		want += fmt.Sprintf("\t%s = %s\n", short([]byte(field)), short([]byte(value)))
	}
	return want
}

func (s *script) stream(e *rdb.Encoder) string {
	key, deadline := s.text(), s.number()&(1<<62-1)
	var list []streamEntry
	var last rdb.StreamID
	for range s.byte() % 12 {
		last.Ms += uint64(s.byte())
		last.Seq += 1 + uint64(s.byte())
		var pairs []string
		for range s.byte() % 4 {
			pairs = append(pairs, s.text(), s.text())
		}
		list = append(list, streamEntry{last, pairs})
	}
	name, seen, pending := s.text(), s.number(), int(s.byte()%2)
	e.BeginStream(key, rdb.StreamState{Last: last, Added: 9, Groups: 1}, entriesOf(list), deadline)
	e.StreamGroup(name, last, -1, pending, pending)
	want := fmt.Sprintf("stream %s%s\n%s\tstate: %d entries from 0-0, last %v, deleted 0-0, added 9\n\tgroup %s: last %v, read -1, %d pending\n",
		short([]byte(key)), deadlineText(deadline), entriesText(list), len(list), last, short([]byte(name)), last, pending)
	if pending > 0 {
		e.StreamPending(last, seen, 1)
		e.StreamConsumer(name, seen, seen, 1)
		e.StreamOwned(last)
		want += fmt.Sprintf("\t\tpending %v: at %d, 1 times\n\t\tconsumer %s: seen %d, active %d, 1 pending\n\t\t\towned %v\n", last, seen, short([]byte(name)), seen, seen, last)
	}
	return want
}

func deadlineText(deadline int64) string {
	if deadline == 0 {
		return ""
	}
	return fmt.Sprintf(" deadline=%d", deadline)
}

// Whatever was encoded is decoded again, and followed by nothing.
func FuzzRoundTrip(f *testing.F) {
	f.Add(false, []byte("\x00\x10name\x14value\x02\x05\x04\x03abc\x07\x01\x02ab\x05\x00\x01\x02\x03\x04\x05\x06\x07\x08\x03"))
	f.Add(true, []byte("\x05\x40some key or other\x05\x01\x00\x00\x00\x00\x00\x00\x00\x09ab\x0dcd\x11ef\x15gh\x19ij"))
	f.Add(true, []byte("\x04\xf1zz\xf5xy\x00\x00\x00\x00\x00\x01\x00\x00\x03\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08\x09"))
	f.Add(false, []byte("\x05\x14list\x04\x07\x01\x02\x03\x04\x05\x06\x07\x08\x0bab\x00\x08\x07\x06\x05\x04\x03\x02\x01\x20"))
	f.Add(true, []byte("\x06\x0cset\x02\x01\x02\x03\x04\x05\x06\x07\x08\x0bab\x0bcd\x07\x0fsort\x01\x00\x00\x00\x00\x00\x00\x00\x00\x0bab\x01\x02\x03\x04\x05\x06\x07\x08"))
	f.Add(true, []byte("\x09\x0cs\x01\x02\x03\x04\x05\x06\x07\x08\x03\x01\x02\x01\x0bab\x0bcd\x00\x00\x01\x0bab\x0bef\x02\x01\x02\x0bab\x0bef\x0bgh\x0bij\x0bkl\x01\x02\x03\x04\x05\x06\x07\x08\x01"))
	f.Add(false, []byte("\x0a\x0cm\x0bab\x01\x02\x03\x04\x05\x06\x07\x08"))
	f.Fuzz(func(t *testing.T, compress bool, p []byte) {
		var file bytes.Buffer
		e := rdb.NewEncoder(&file, &rdb.EncoderOptions{Version: 10, Compress: compress})
		want := ""
		for s := (script{p: p, long: 3}); len(s.p) > 0; {
			want += s.run(e)
		}
		if err := e.End(); err != nil {
			t.Fatal(err)
		}
		want += fmt.Sprintf("end of version 10 at %d\n", file.Len())
		if got := dump(rdb.NewDecoder(io.MultiReader(&file), nil)); got != want {
			t.Fatalf("decodes to\n%s\nwant\n%s", got, want)
		}
	})
}
