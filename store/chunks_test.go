package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/understudy-go/understudy/store/backlog"
)

// chunked is a store whose key "k" holds n bytes in chunks, and the bytes.
func chunked(t testing.TB, n int, o *Options) (*Store, []byte) {
	t.Helper()
	s := newStore(t, o)
	b := bytes.Repeat([]byte("abcdefghijklmnopqrstuvwxy\n"), n/26+1)[:n]
	_ = s.DB(0).Set("k", string(b), 0)
	if _, err := s.DB(0).SetRange("k", 0, "A"); err != nil {
		t.Fatal(err)
	}
	b[0] = 'A'
	if !inChunks(s, "k") {
		t.Fatal("k is not held in chunks")
	}
	return s, b
}

func inChunks(s *Store, key string) bool {
	e := s.find(0, s.hash(key), key)
	if e == nil {
		return false
	}
	_, ok := e.Pieces()
	return ok
}

// Every command that takes a string takes one in chunks, and leaves it as a string
// in one piece would be.
func TestChunksAreStrings(t *testing.T) {
	const n = 100_000
	for _, line := range []string{
		"GET k", "STRLEN k", "MGET k k", "GETDEL k", "GETEX k", "GETEX k PX 100000", "GETSET k v", "SET k v", "SET k v GET", "SET k v KEEPTTL",
		"INCR k", "INCRBYFLOAT k 1", "APPEND k more", "SETRANGE k 5 v", "SETRANGE k 200000 v", "SETRANGE k 99999 vv", "SETRANGE k 5", "TYPE k", "EXISTS k",
		"GETRANGE k 0 -1", "GETRANGE k 4090 4100", "GETRANGE k -5 -1", "GETRANGE k 99999 200000", "GETRANGE k 100000 100001", "GETRANGE k 5 4", "GETRANGE k -1 -5",
		"GETRANGE k -200000 2", "SUBSTR k 0 4096", "RENAME k l", "COPY k l", "COPY k k DB 1", "MOVE k 1", "PEXPIRE k 100000", "PERSIST k", "DEL k", "HGET k f",
		"MSET k v l w", "MSETNX k v l w", "SETNX k v",
		"SETBIT k 5 1", "SETBIT k 5 0", "SETBIT k 32768 1", "SETBIT k 900000 0", "SETBIT k 900000 1", "GETBIT k 1", "GETBIT k 799999", "GETBIT k 800000", "BITCOUNT k",
		"BITCOUNT k 32763 -100 BIT", "BITCOUNT k 4095 4096", "BITPOS k 0 5000", "BITPOS k 1 99999", "BITPOS k 1 32767 32768 BIT", "BITOP NOT l k", "BITOP NOT k k",
		"BITOP XOR k k k", "BITOP AND l k none", "BITOP ONE l k none", "BITFIELD k GET u63 32765 SET i9 32764 5 INCRBY u8 #4096 7 GET i64 32750", "BITFIELD k SET u8 0 65",
		"BITFIELD k SET i64 799999 -1", "BITFIELD_RO k GET i64 65500",
	} {
		s, b := chunked(t, n, nil)
		plain := newStore(t, nil)
		_ = plain.DB(0).Set("k", string(b), 0)
		args := strings.Fields(line)
		if line == "SETRANGE k 5" {
			args = append(args, "")
		}
		got, want := orError(s.DB(0).Do(args...)), orError(plain.DB(0).Do(args...))
		if got.String() != want.String() || got.Kind != want.Kind {
			t.Errorf("%s: got %.80q of %d bytes, want %.80q of %d", line, got.String(), len(got.String()), want.String(), len(want.String()))
		}
		for _, s := range []*Store{s, plain} {
			for db := range 2 {
				for _, key := range []string{"k", "l"} {
					_, _ = s.DB(db).Do("PERSIST", key) // the clock runs
				}
			}
		}
		if s.Digest() != plain.Digest() {
			t.Errorf("%s leaves something else", line)
		}
	}
}

// The typed methods, on strings of each form.
func TestRangeMethods(t *testing.T) {
	s := newStore(t, &Options{wholeText: 5000})
	db := s.DB(0)
	for i, tt := range []struct {
		at    int64
		value string
		n     int
		err   string
	}{
		{0, "", 0, ""}, {3, "abc", 6, ""}, {3, "", 6, ""}, {2000, "x", 2001, ""}, {4999, "y", 5000, ""}, {5000, "z", 5001, ""}, {1, "a", 5001, ""},
		{-1, "x", 0, "ERR offset is out of range"}, {maxText, "x", 0, ErrTooLong.Text()}, {1 << 62, "x", 0, ErrTooLong.Text()}, {maxText, "", 5001, ""},
	} {
		n, err := db.SetRange("k", tt.at, tt.value)
		if n != tt.n || (err == nil) != (tt.err == "") || err != nil && reply(err).Str != tt.err {
			t.Errorf("%d: SetRange(%d, %q) = %d, %v, want %d, %s", i, tt.at, tt.value, n, err, tt.n, tt.err)
		}
	}
	for _, tt := range []struct {
		from, to int64
		want     string
	}{{0, 5, "\x00a\x00abc"}, {4999, -1, "yz"}, {-2, 9999, "yz"}, {2000, 2000, "x"}, {3, 2, ""}, {9999, 99999, ""}} {
		if got, err := db.GetRange("k", tt.from, tt.to); got != tt.want || err != nil {
			t.Errorf("GetRange(%d, %d) = %q, %v, want %q", tt.from, tt.to, got, err, tt.want)
		}
	}
	if v, err := db.GetRange("none", 0, -1); v != "" || err != nil {
		t.Errorf("GetRange of nothing = %q, %v", v, err)
	}
	if n, err := db.Strlen("k"); n != 5001 || err != nil {
		t.Errorf("Strlen = %d, %v", n, err)
	}
	_, _ = db.HSet("h", "f", "v")
	_, err1 := db.GetRange("h", 0, 1)
	_, err2 := db.SetRange("h", 0, "")
	_, err3 := db.Strlen("h")
	if err1 != ErrWrongType || err2 != ErrWrongType || err3 != ErrWrongType {
		t.Errorf("of a hash: %v, %v, %v", err1, err2, err3)
	}
	if _, err := s.DB(99).GetRange("k", 0, 1); err != ErrNoDatabase {
		t.Errorf("of no database: %v", err)
	}
	sn := s.Snapshot()
	_ = sn.Close()
	v, err1 := sn.DB(0).GetRange("k", 0, 5)
	n, err2 := sn.DB(0).Strlen("k")
	if v != "" || n != 0 || err1 != ErrClosed || err2 != ErrClosed {
		t.Errorf("of a closed snapshot: %q, %d, %v, %v", v, n, err1, err2)
	}
}

// A text is refused as a number by its length only where none is that long.
func TestLongestNumbers(t *testing.T) {
	for _, tt := range []struct{ old, command, want string }{
		{"-9223372036854775808", "INCRBY", "-9223372036854775807"},
		{"-9223372036854775808.", "INCRBY", "-" + ErrNotInteger.Text()},
		{strings.Repeat("0", maxFloatLen), "INCRBYFLOAT", `"1"`},
		{strings.Repeat("0", maxFloatLen+1), "INCRBYFLOAT", "-" + ErrNotFloat.Text()},
	} {
		s := newStore(t, nil)
		_ = s.DB(0).Set("k", tt.old, 0)
		v, err := s.DB(0).Do(tt.command, "k", "1")
		got := orError(v, err)
		if got.String() != tt.want {
			t.Errorf("%.30s of %d bytes, %s: %s, want %s", tt.old, len(tt.old), tt.command, got, tt.want)
		}
	}
}

// Writes by offset, through both doors, beside open snapshots: each stays what it
// was, and with its file and the stream after it gives the data.
func TestChunksBesideSnapshots(t *testing.T) {
	s, b := chunked(t, 300_000, nil)
	c, r := s.NewSession(nil), rand.New(rand.NewPCG(1, 2))
	type kept struct {
		sn     *Snapshot
		want   string
		digest string
	}
	var cuts []kept
	for i := range 60 {
		if i%12 == 0 {
			sn := s.Snapshot()
			defer sn.Close()
			cuts = append(cuts, kept{sn, string(b), sn.Digest()})
		}
		at, p := r.IntN(len(b)), fmt.Sprint("<", i, ">")
		switch i % 4 {
		case 0:
			c.Do(argv("SETRANGE", "k", fmt.Sprint(at), p))
		case 1:
			at = len(b)
			_, _ = s.DB(0).Append("k", p)
		case 2:
			_, _ = s.Update(func(tx *Tx) error {
				_, _ = tx.DB(0).SetRange("k", int64(at), "undone undone undone")
				return errOnPurpose
			})
			fallthrough
		case 3:
			_, _ = s.DB(0).SetRange("k", int64(at), p)
		}
		b = append(b, make([]byte, max(0, at+len(p)-len(b)))...)
		copy(b[at:], p)
	}
	if v, err := s.DB(0).Get("k"); v != string(b) || err != nil {
		t.Fatalf("the live string is wrong, %v", err)
	}
	for i, k := range cuts {
		if v, err := k.sn.DB(0).Get("k"); v != k.want || err != nil || k.sn.Digest() != k.digest {
			t.Errorf("snapshot %d has changed, %v", i, err)
		}
		if v, err := k.sn.DB(0).GetRange("k", 4000, 9000); v != k.want[4000:9001] || err != nil {
			t.Errorf("snapshot %d: a range has changed, %v", i, err)
		}
		n, a := loadStore(t, k.sn)
		if v, _ := n.DB(0).Get("k"); v != k.want {
			t.Errorf("snapshot %d: the file has another string", i)
		}
		if err := apply(t, a, streamSince(t, s, k.sn.History().Offset)); err != nil {
			t.Fatal(err)
		}
		if v, _ := n.DB(0).Get("k"); v != string(b) || n.Digest() != s.Digest() {
			t.Errorf("snapshot %d: file and stream are not the data", i)
		}
	}
}

// Readers of one key beside its writer: every read is of one version. A write
// fills a stretch of several chunks with one letter.
func TestChunksReadersSeeWholeWrites(t *testing.T) {
	const from, n = 3000, 20_000
	s, _ := chunked(t, 100_000, nil)
	fill := func(i int) string { return strings.Repeat(string(rune('a'+i%26)), n) }
	_, _ = s.DB(0).SetRange("k", from, fill(0))
	const atLeast = 100 // reads of each kind beside the writer, however they are scheduled
	var failed atomic.Bool
	var reads [3]atomic.Int32
	var wg sync.WaitGroup
	for i, read := range []func() (string, error){
		func() (string, error) { v, err := s.DB(0).Get("k"); return v[from : from+n], err },
		func() (string, error) { return s.DB(0).GetRange("k", from, from+n-1) },
		func() (v string, err error) {
			return v, s.View(func(sn *Snapshot) (err error) { v, err = sn.DB(0).GetRange("k", from, from+n-1); return err })
		},
	} {
		wg.Go(func() {
			for reads[i].Add(1) <= atLeast && !failed.Load() {
				if v, err := read(); err != nil || len(v) != n || strings.Count(v, v[:1]) != n {
					t.Errorf("half a write was read: %d of %d bytes, %v", strings.Count(v, v[:1]), len(v), err)
					failed.Store(true)
				}
			}
		})
	}
	done := func() bool {
		return reads[0].Load() > atLeast && reads[1].Load() > atLeast && reads[2].Load() > atLeast
	}
	for i := 0; !done() && !failed.Load(); i++ {
		if _, err := s.DB(0).SetRange("k", from, fill(i)); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}

// A snapshot is charged for the chunks that it alone holds, not for a string whose
// other chunks are shared; and for all of it once the key is gone.
func TestBudgetCountsChunks(t *testing.T) {
	const size, budget = 8 << 20, 2 << 20
	s, _ := chunked(t, size, &Options{SnapshotBudget: budget})
	sn := s.Snapshot()
	defer sn.Close()
	for i := range 100 {
		_, _ = s.DB(0).SetRange("k", int64(i)*80_000, "written")
		_, _ = s.DB(0).SetRange("k", int64(i)*80_000, "written again")
	}
	_, _ = s.DB(0).Append("k", "more")
	_, _ = s.DB(0).Persist("k")
	_, _ = s.DB(0).Expire("k", time.Now().Add(time.Hour))
	if n := sn.Retained(); n < 100*4096 || n > 120*4096 || sn.Err() != nil {
		t.Errorf("%d bytes retained for 100 chunks, %v", n, sn.Err())
	}
	before := sn.Retained()
	for range 100 {
		_, _ = s.Update(func(tx *Tx) error { _, _ = tx.DB(0).SetRange("k", 5, "undone"); return errOnPurpose })
	}
	if n := sn.Retained(); n > before+100*4096 {
		t.Errorf("%d bytes more for a chunk that is as it was", n-before)
	}
	_, _ = s.DB(0).Del("k")
	if sn.Err() != ErrSnapshotTooOld || sn.Retained() < size {
		t.Errorf("after DEL %d bytes retained, %v", sn.Retained(), sn.Err())
	}
}

// However often a commit is undone, a kept string costs no more than its size.
func TestBudgetOfUndoneChunks(t *testing.T) {
	const size = 200_000
	s, b := chunked(t, size, nil)
	sn := s.Snapshot()
	defer sn.Close()
	for range 500 {
		_, _ = s.Update(func(tx *Tx) error { _, _ = tx.DB(0).SetRange("k", 5, "undone"); return errOnPurpose })
	}
	if n := sn.Retained(); n > size+size/10 {
		t.Errorf("%d bytes retained", n)
	}
	if v, err := s.DB(0).Get("k"); v != string(b) || err != nil {
		t.Errorf("an undone write is seen, %v", err)
	}
}

// A resync of the same bytes takes a string in chunks over.
func TestLoaderTakesChunksOver(t *testing.T) {
	for _, compress := range []bool{false, true} {
		s, b := chunked(t, 200_000, nil)
		_, _ = s.DB(0).SetRange("sparse", 1_000_000, "x")
		before := s.find(0, s.hash("k"), "k")
		var f bytes.Buffer
		if err := s.View(func(sn *Snapshot) error { return sn.WriteRDB(&f, &WriteOptions{Compress: compress}) }); err != nil {
			t.Fatal(err)
		}
		if compress && f.Len() > 100_000 {
			t.Errorf("the compressed file has %d bytes", f.Len())
		}
		digest := s.Digest()
		l := s.Replication().NewLoader()
		if err := l.LoadRDB(&f); err != nil {
			t.Fatal(err)
		}
		if err := l.Commit(backlog.History{ID: backlog.NewID()}); err != nil {
			t.Fatal(err)
		}
		if s.find(0, s.hash("k"), "k") != before || s.Digest() != digest {
			t.Errorf("compress %v: the same: %v, the same data: %v", compress, s.find(0, s.hash("k"), "k") == before, s.Digest() == digest)
		}
		if v, _ := s.DB(0).Get("k"); v != string(b) {
			t.Error("another string")
		}
	}
}

// Watchers get both versions.
func TestWatchChunks(t *testing.T) {
	s, b := chunked(t, 100_000, nil)
	w := s.Watch(Filter{})
	defer w.Close()
	_, _ = s.DB(0).SetRange("k", 50_000, "here")
	c, err := w.Next(t.Context())
	if err != nil || c.Old.Text() != string(b) || c.New.Text()[50_000:50_004] != "here" || c.New.Text()[50_004:] != string(b[50_004:]) {
		t.Errorf("%v, %v", c.Key, err)
	}
}

// SET and what follows from it make a string whole again; EXPIRE, RENAME and COPY
// share its chunks.
func TestFormsOfLargeStrings(t *testing.T) {
	s, b := chunked(t, 100_000, nil)
	db := s.DB(0)
	size := func() int64 { return s.view.Load().gen.spaces[0].tab.Bytes() }
	was := size()
	_, _ = db.Expire("k", time.Now().Add(time.Hour))
	_ = db.Rename("k", "l")
	_, _ = db.Do("COPY", "l", "k")
	for _, key := range []string{"k", "l"} {
		if !inChunks(s, key) {
			t.Errorf("%s is in one piece", key)
		}
	}
	if n := size(); n < 2*was || n > 2*was+100 {
		t.Errorf("%d bytes are counted for two keys, %d for one", n, was)
	}
	_, _ = db.SetRange("l", 0, "other")
	if v, _ := db.Get("k"); v != string(b) {
		t.Error("a write to one key shows in its copy")
	}
	_ = db.Set("l", string(b), 0)
	if inChunks(s, "l") {
		t.Error("after SET it is in chunks")
	}
	_, _ = db.Do("SETRANGE", "small", "60000", "x")
	if inChunks(s, "small") {
		t.Error("60 KB are in chunks")
	}
}

// A string that is mostly a hole costs no more after a load than before, so that
// what fits into one node fits into its replicas; one without holes stays whole.
func TestSparseStringsStaySparse(t *testing.T) {
	s := newStore(t, nil)
	_, _ = s.DB(0).SetRange("hole", 64<<20, "the end")
	_, _ = s.DB(0).SetRange("full", 1<<20, "the end")
	_, _ = s.DB(0).SetRange("full", 0, strings.Repeat("x", 1<<20))
	sn := s.Snapshot()
	defer sn.Close()
	var file bytes.Buffer
	if err := sn.WriteRDB(&file, nil); err != nil {
		t.Fatal(err)
	}
	to := newStore(t, nil)
	l := to.Replication().NewLoader()
	if err := errors.Join(l.LoadRDB(&file), l.Commit(to.Replication().History())); err != nil {
		t.Fatal(err)
	}
	if !inChunks(to, "hole") || inChunks(to, "full") {
		t.Errorf("in chunks: the string with a hole %v, the full one %v", inChunks(to, "hole"), inChunks(to, "full"))
	}
	if n := to.view.Load().gen.spaces[0].tab.Bytes(); n > 3<<20 {
		t.Errorf("%d bytes are held", n)
	}
	if s.Digest() != to.Digest() {
		t.Error("the copies differ")
	}
}
