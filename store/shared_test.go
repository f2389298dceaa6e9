package store

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// sharedReads are what a reader of many keys may do at one instant.
var sharedReads = map[string]func(x *exec) string{
	"one":   func(x *exec) string { v, ok, _ := x.text("a"); return fmt.Sprint(v, ok) },
	"gone":  func(x *exec) string { v, ok, _ := x.text("gone"); return fmt.Sprint(v, ok) },
	"new":   func(x *exec) string { v, ok, _ := x.text("new"); return fmt.Sprint(v, ok) },
	"len":   func(x *exec) string { return fmt.Sprint(x.tableLen(x.space().tab)) },
	"field": func(x *exec) string { h, _ := x.hash("big"); v, ok := x.hget(h, "f1"); return fmt.Sprint(v, ok) },
	"no field": func(x *exec) string {
		h, _ := x.hash("big")
		v, ok := x.hget(h, "extra")
		return fmt.Sprint(v, ok)
	},
	"fields": func(x *exec) string { h, _ := x.hash("big"); return fmt.Sprint(x.hlen(h)) },
	"small":  func(x *exec) string { h, _ := x.hash("small"); v, ok := x.hget(h, "f"); return fmt.Sprint(v, ok) },
}

// sharedWrites change what sharedReads look at.
var sharedWrites = []func(db TxDB){
	func(db TxDB) { _ = db.Set("a", "2", 0) },
	func(db TxDB) { _, _ = db.Del("gone") },
	func(db TxDB) { _ = db.Set("new", "2", 0) },
	func(db TxDB) { _, _ = db.HSet("big", "f1", "2", "extra", "2") },
	func(db TxDB) { _, _ = db.HDel("big", "f1", "f2") },
	func(db TxDB) { _, _ = db.HSet("small", "f", "2") },
	func(db TxDB) { _ = db.Rename("big", "away") },
	func(db TxDB) { _, _ = db.Do("SWAPDB", "0", "1") },
	func(db TxDB) { _ = db.Flush() },
}

func sharedStore(t *testing.T) *Store {
	t.Helper()
	s := newStore(t, nil)
	_, _ = s.DB(0).Do("MSET", "a", "1", "gone", "1")
	_, _ = s.DB(0).HSet("small", "f", "1")
	fillBig(t, s.DB(0), "big", 200)
	return s
}

// sharedExec is the context of readMany behind its two loads: a version that
// may be of before, and the view as it is.
func sharedExec(s *Store, published uint64) *exec {
	x := &exec{s: s, mode: shared}
	x.readAt(published, s.view.Load())
	return x
}

// A reader of many keys that began before, in the midst or at the end of a
// commit reads the old state, or notices that it cannot. The end is two stores,
// of the version and of the view: a reader may find the one done without the
// other.
func TestSharedReadsAreOldOrTorn(t *testing.T) {
	for i, write := range sharedWrites {
		for name, read := range sharedReads {
			s := sharedStore(t)
			at := s.published.Load()
			want := read(sharedExec(s, at))
			before := sharedExec(s, at)
			var inside, midst, ending *exec
			test := func(when string, x *exec) {
				t.Helper()
				y := *x
				if got := read(&y); got != want && !y.torn {
					t.Errorf("write %d, %s, read of %s: %s, want %s or to be torn", i, when, name, got, want)
				}
			}
			_, _ = s.Update(func(tx *Tx) error {
				inside = sharedExec(s, at)
				write(tx.DB(0))
				midst = sharedExec(s, at)
				test("begun before, read inside", before)
				test("begun inside, read inside", inside)
				test("begun in the midst, read inside", midst)
				if got := read(sharedExec(s, at)); got != want {
					t.Errorf("write %d, inside, read of %s: %s, want %s", i, name, got, want)
				}
				s.published.Store(tx.c.version) // the commit's end will store the same
				ending = sharedExec(s, s.published.Load())
				test("begun at the end, read with the view not yet switched", ending)
				test("begun in the midst, read with the view not yet switched", midst)
				return nil
			})

			now := read(sharedExec(s, s.published.Load()))
			switched := sharedExec(s, at)
			if got := read(switched); got != now && !switched.torn {
				t.Errorf("write %d, version from before, view from after, read of %s: %s, want %s or to be torn", i, name, got, now)
			}
			// A second commit on top, which is under way.
			_, _ = s.Update(func(tx *Tx) error {
				_ = tx.DB(0).Set("a", "3", 0)
				_ = tx.DB(0).Set("more", "3", 0)
				_, _ = tx.DB(0).HSet("big", "f1", "3", "more", "3")
				test("begun before, read in the next commit", before)
				test("begun in the midst, read in the next commit", midst)
				test("begun at the end, read in the next commit", ending)
				// The view of the next commit says which version is read.
				late := sharedExec(s, at)
				if got := read(late); got != now && !late.torn {
					t.Errorf("write %d, version from before, view of the next commit, read of %s: %s, want %s or to be torn", i, name, got, now)
				}
				return nil
			})
			test("begun before, read afterwards", before)
			test("begun inside, read afterwards", inside)
			test("begun in the midst, read afterwards", midst)
			test("begun at the end, read afterwards", ending)
		}
	}
}

// The same for commits of one slot, which have no pending state.
func TestSharedReadsBesideSingleWrites(t *testing.T) {
	for _, line := range []string{"SET a 2", "DEL gone", "SET new 2", "HSET big f1 2", "HSET big extra 2", "HDEL big f1", "DEL big", "FLUSHALL", "SWAPDB 0 1", "RENAME big b2"} {
		for name, read := range sharedReads {
			s := sharedStore(t)
			at := s.published.Load()
			x := sharedExec(s, at)
			want := read(sharedExec(s, at))
			c := s.NewSession(nil)
			do(t, c, line)
			do(t, c, "HSET b2 f1 3 extra 3")
			if got := read(x); got != want && !x.torn {
				t.Errorf("%s, read of %s: %s, want %s or to be torn", line, name, got, want)
			}
		}
	}
}

// In the midst of a commit its clock is asked; there the old state must be seen,
// whoever writes.
func TestEveryWayToWriteIsAtomic(t *testing.T) {
	for name, write := range map[string]func(t *testing.T, s *Store, a *Applier){
		"MULTI": func(t *testing.T, s *Store, _ *Applier) {
			s.Replication().Promote()
			c := s.NewSession(nil)
			for _, l := range []string{"MULTI", "SET a 2", "PEXPIRE b 100", "EXEC"} {
				do(t, c, l)
			}
		},
		"Update": func(t *testing.T, s *Store, _ *Applier) {
			s.Replication().Promote()
			_, err := s.Update(func(tx *Tx) error {
				_ = tx.DB(0).Set("a", "2", 0)
				return tx.DB(0).Set("b", "2", time.Second)
			})
			if err != nil {
				t.Error(err)
			}
		},
		"stream": func(t *testing.T, _ *Store, a *Applier) {
			if err := apply(t, a, wires("MULTI", "SET a 2", "PEXPIRE b 100", "EXEC")); err != nil {
				t.Error(err)
			}
		},
	} {
		var s *Store
		var asked int
		clock := func() time.Time {
			if s != nil {
				asked++
				if v, err := s.DB(0).Get("a"); v != "1" || err != nil {
					t.Errorf("%s: half of it is seen: a = %q, %v", name, v, err)
				}
			}
			return time.UnixMilli(1_700_000_000_000)
		}
		st, a := newReplica(t, &Options{Clock: clock})
		if err := apply(t, a, wires("SET a 1", "SET b 1")); err != nil {
			t.Fatal(err)
		}
		s = st
		write(t, st, a)
		if s = nil; asked == 0 {
			t.Errorf("%s did not ask the clock", name)
		}
		if v, _ := st.DB(0).Get("a"); v != "2" {
			t.Errorf("%s: afterwards a = %q", name, v)
		}
	}
}

// A reader of one key that looked at the view before a commit began, and at the
// entry afterwards, must look again. To keep it between the two for a while, its
// bucket holds other long keys that differ in the last bytes only.
func TestGetLooksAtTheViewAgain(t *testing.T) {
	s := newStore(t, nil)
	long := strings.Repeat("x", 100_000)
	key := long + "target"
	h := s.hash(key)
	for n, found := 0, 0; found < 4; n++ {
		decoy := fmt.Sprintf("%s%06d", long, n)
		if d := s.hash(decoy); d&0xff == h&0xff && d>>61 == h>>61 {
			_ = s.DB(0).Set(decoy, "", 0)
			found++
		}
	}
	_ = s.DB(0).Set(key, "good", 0)
	var stop atomic.Bool
	done := make(chan string, 1)
	go func() {
		for !stop.Load() {
			if e := s.find(0, h, key); e == nil || e.Text() != "good" {
				done <- fmt.Sprintf("an entry was found that was rolled back: %v", e)
				return
			}
		}
		done <- ""
	}()
	for range 3000 {
		_, _ = s.Update(func(tx *Tx) error {
			_ = tx.DB(0).Set(key, "undone", 0)
			return errOnPurpose
		})
	}
	stop.Store(true)
	if wrong := <-done; wrong != "" {
		t.Error(wrong)
	}
}

// Whoever found a key counts it, and whoever missed it after it went does not: DBSIZE is
// of no earlier instant than the GET before it. A reader follows a writer closely.
func TestLenIsNotBehindGet(t *testing.T) {
	const keys, rounds = 25_000, 6
	s := newStore(t, nil)
	db := s.DB(0)
	names := make([]string, keys)
	for i := range names {
		names[i] = fmt.Sprint("key:", i)
	}
	follow := func(write func(key string), there bool) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			for _, key := range names {
				write(key)
			}
		}()
		wrong := 0
		for i, key := range names {
			for spins := 1; ; spins++ {
				if _, err := db.Get(key); err == nil == there {
					break
				}
				if spins%1000 == 0 {
					runtime.Gosched()
				}
			}
			n := db.Len()
			if !there {
				n = keys - n
			}
			if n <= i {
				wrong++
			}
		}
		<-done
		if wrong > 0 {
			t.Errorf("%d of %d times a key was seen to be there (%v) and not counted so", wrong, keys, there)
		}
	}
	for range rounds {
		follow(func(key string) { _ = db.Set(key, "", 0) }, true)
		follow(func(key string) { _, _ = db.Del(key) }, false)
	}
}
