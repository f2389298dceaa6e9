package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/understudy-go/understudy/rdb"
)

// The methods answer mistakes as the commands do, and change nothing then.
func TestBitmapMistakes(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	_, _ = db.HSet("h", "f", "v")
	_ = db.Set("s", "abc", 0)
	before := s.backlog.Offset()
	is := func(what string, err error, text string) {
		t.Helper()
		if err == nil || reply(err).Str != text {
			t.Errorf("%s: %v, want %s", what, err, text)
		}
	}
	const badType = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
	const badOffset = "ERR bit offset is not an integer or out of range"
	wrongType := ErrWrongType.Text()
	for _, offset := range []int64{-1, maxBits, 1 << 62} {
		_, err := db.GetBit("s", offset)
		is("GetBit", err, badOffset)
		_, err = db.SetBit("s", offset, true)
		is("SetBit", err, badOffset)
		_, err = db.BitField("s", UnsignedBits(1, 0).Set(1), UnsignedBits(1, offset).Set(1))
		is("BitField", err, badOffset)
		_, err = db.BitFieldRead("s", SignedBits(1, offset))
		is("BitFieldRead", err, badOffset)
	}
	for _, f := range []BitInt{UnsignedBits(64, 0), UnsignedBits(0, 0), SignedBits(65, 0), SignedBits(-1, 0), {}} {
		_, err := db.BitField("s", f.Get())
		is("BitField", err, badType)
		_, err = db.BitFieldRead("s", f)
		is("BitFieldRead", err, badType)
	}
	_, err := db.BitField("s", UnsignedBits(1, 0).Set(1).Overflow(3))
	is("BitField", err, "ERR Invalid OVERFLOW type specified")
	_, err = db.GetBit("h", 0)
	is("GetBit", err, wrongType)
	_, err = db.SetBit("h", 0, true)
	is("SetBit", err, wrongType)
	_, err = db.BitCount("h", nil)
	is("BitCount", err, wrongType)
	_, err = db.BitPos("h", true, nil)
	is("BitPos", err, wrongType)
	_, err = db.BitPosFrom("h", true, 0)
	is("BitPosFrom", err, wrongType)
	_, err = db.BitField("h", UnsignedBits(1, 0).Set(1))
	is("BitField", err, wrongType)
	_, err = db.BitFieldRead("h", UnsignedBits(1, 0))
	is("BitFieldRead", err, wrongType)
	_, err = db.BitOp(BitOr, "s", "s", "h")
	is("BitOp", err, wrongType)
	_, err = db.BitOp(BitOr, "s")
	is("BitOp", err, "ERR wrong number of arguments for 'bitop' command")
	_, err = db.BitOp(BitNot, "s", "s", "s")
	is("BitOp", err, "ERR BITOP NOT must be called with a single source key.")
	for _, op := range []BitOperation{BitDiff, BitDiff1, BitAndOr} {
		_, err = db.BitOp(op, "s", "s")
		is("BitOp", err, "ERR BITOP "+op.String()+" must be called with at least two source keys.")
	}
	_, err = db.BitOp(BitOne+1, "s", "s")
	is("BitOp", err, "ERR syntax error")
	if n := s.backlog.Offset() - before; n != 0 {
		t.Errorf("%d bytes of the stream for nothing", n)
	}
	if v, _ := db.Get("s"); v != "abc" {
		t.Errorf("%q", v)
	}
}

// What the later operations of BITOP answer, as Redis 8.2 documents it: no server at hand
// knows them.
func TestBitOpOf82(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"BITOP DIFF d x y z", "\x08\x00\x01"},
		{"BITOP diff1 d x y z", "\x61\xf0\x00"},
		{"BITOP AndOr d x y z", "\x86\x0f\x00"},
		{"BITOP ONE d x y z", "\x69\xf0\x01"},
		{"BITOP ONE d x", "\x8e\x0f\x01"},
		{"BITOP DIFF d x none", "\x8e\x0f\x01"},
		{"BITOP DIFF d none x", "\x00\x00\x00"},
		{"BITOP DIFF1 d none x", "\x8e\x0f\x01"},
		{"BITOP ANDOR d none x", "\x00\x00\x00"},
		{"BITOP ANDOR d x none y", "\x86\x0f\x00"},
	} {
		s := newStore(t, nil)
		db := s.DB(0)
		_ = db.MSet("x", "\x8e\x0f\x01", "y", "\xe6\xff", "z", "\x05")
		v, err := db.Do(strings.Fields(tt.line)...)
		if got, _ := db.Get("d"); err != nil || got != tt.want || v.Int != int64(len(tt.want)) {
			t.Errorf("%s: %q, %v, %v, want %q", tt.line, got, v, err, tt.want)
		}
	}
}

// An integer may begin with the last bit that there can be: that string is a few bytes
// longer than any other, and a file may have it.
func TestLongestBitmap(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	last := SignedBits(64, maxBits-1)
	r, err := db.BitField("k", last.Set(-2), last.Get())
	if err != nil || !slices.Equal(r, []BitFieldResult{{0, true}, {-2, true}}) {
		t.Errorf("%v, %v", r, err)
	}
	if was, err := db.SetBit("k", maxBits-1, false); !was || err != nil {
		t.Errorf("the last bit: %v, %v", was, err)
	}
	if n, err := db.Strlen("k"); n != longestText || err != nil {
		t.Errorf("Strlen = %d, %v", n, err)
	}
	if n, err := db.BitCount("k", nil); n != 62 || err != nil {
		t.Errorf("BitCount = %d, %v", n, err)
	}
	if at, err := db.BitPos("k", true, nil); at != maxBits || err != nil {
		t.Errorf("BitPos = %d, %v", at, err)
	}
	for _, tt := range []struct {
		n    int
		want error
	}{{longestText, io.ErrUnexpectedEOF}, {longestText + 1, rdb.ErrTooLarge}} {
		file := append([]byte("REDIS0011\x00\x01k\x80"), binary.BigEndian.AppendUint32(nil, uint32(tt.n))...)
		if err := s.Replication().NewLoader().LoadRDB(bytes.NewReader(file)); !errors.Is(err, tt.want) {
			t.Errorf("a string of %d bytes in a file: %v, want %v", tt.n, err, tt.want)
		}
	}
}

// A bit of a large string costs a chunk and the way there, while a snapshot is open too,
// which is charged for no more than that.
func TestSetBitIsCheap(t *testing.T) {
	const writes = 100
	s, b := chunked(t, 32<<20, nil)
	db := s.DB(0)
	sn := s.Snapshot()
	defer sn.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range int64(writes) {
		if _, err := db.SetBit("k", i*2_600_003, i%2 == 0); err != nil {
			t.Fatal(err)
		}
		if _, err := db.BitField("k", UnsignedBits(12, i*2_500_009).Incr(1)); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / (2 * writes); n > 16<<10 {
		t.Errorf("a write allocates %d bytes", n)
	}
	if n := sn.Retained(); n > 2*writes*(4096+1024+200) {
		t.Errorf("%d bytes retained for %d writes", n, 2*writes)
	}
	if v, err := sn.DB(0).Get("k"); v != string(b) || err != nil {
		t.Errorf("the snapshot has changed, %v", err)
	}
}

// BITOP of large strings takes the memory of its result alone, of which holes take none.
func TestBitOpTakesNoCopies(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	const last = 19
	for i := range int64(last + 1) {
		_, _ = db.SetBit("a", i*100_000_007, true)
		_, _ = db.SetBit("b", i*100_000_007+1, true)
	}
	const length = (last*100_000_007+1)/8 + 1
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, op := range []BitOperation{BitAnd, BitOr, BitXor} {
		if n, err := db.BitOp(op, "c", "a", "b"); n != length || err != nil {
			t.Errorf("%v: %d, %v", op, n, err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
	if n, err := db.BitCount("c", nil); n != 40 || err != nil {
		t.Errorf("%d bits, %v", n, err)
	}
	if n := s.view.Load().gen.spaces[0].tab.Bytes(); n > 1<<20 {
		t.Errorf("%d bytes are held", n)
	}
}

// All that one BITFIELD writes is seen, or nothing of it, however far apart it stands.
func TestBitFieldIsOneWrite(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	fields := []BitInt{UnsignedBits(31, 5), UnsignedBits(31, 400_001), UnsignedBits(31, 4_000_003)}
	write := func(n int64) {
		if _, err := db.BitField("k", fields[0].Set(n), fields[1].Set(n), fields[2].Set(n)); err != nil {
			t.Error(err)
		}
	}
	write(1)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				v, err := db.BitFieldRead("k", fields...)
				if err != nil || v[0] != v[1] || v[0] != v[2] {
					t.Errorf("%v, %v", v, err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for n := range int64(2000) {
		write(n + 2)
	}
	close(done)
	wg.Wait()
}

// A deadline stays when bits are written; BITOP's result has none.
func TestBitmapDeadlines(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	for _, key := range []string{"set", "field", "op"} {
		_ = db.Set(key, strings.Repeat("x", 70_000), time.Hour)
	}
	_, err1 := db.SetBit("set", 9, false)
	_, err2 := db.BitField("field", SignedBits(5, 7).Set(-16))
	_, err3 := db.BitOp(BitNot, "op", "op")
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Error(err)
	}
	for key, want := range map[string]bool{"set": true, "field": true, "op": false} {
		if _, has := db.TTL(key); has != want {
			t.Errorf("%s has a deadline: %v", key, has)
		}
	}
}

// Bitmaps of up to 16 KB are in one piece, larger ones in chunks; what BITOP makes is as
// what it was made of.
func TestFormsOfBitmaps(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	_ = db.Set("plain", strings.Repeat("x", 100_000), 0)
	_, _ = db.SetBit("short", wholeBits*8-1, true)
	_, _ = db.SetBit("long", wholeBits*8, true)
	_, _ = db.BitField("field", UnsignedBits(8, wholeBits*8-7).Set(1))
	_, _ = db.BitOp(BitOr, "plain too", "plain", "short")
	_, _ = db.BitOp(BitOr, "sparse too", "plain", "long")
	for key, want := range map[string]bool{"plain": false, "short": false, "long": true, "field": true, "plain too": false, "sparse too": true} {
		if got := inChunks(s, key); got != want {
			t.Errorf("%s is in chunks: %v", key, got)
		}
	}
	a, _ := db.Get("plain too")
	if b, _ := db.Get("sparse too"); len(a) != 100_000 || len(b) != 100_000 {
		t.Errorf("%d and %d bytes", len(a), len(b))
	}
}
