package store

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// strangeSketches are values that are no HyperLogLogs, or ones that no server made.
func strangeSketches() []string {
	head := func(encoding byte, card string) string { return "HYLL" + string(encoding) + "\x00\x00\x00" + card }
	const fresh, stale = "\x07\x00\x00\x00\x00\x00\x00\x00", "\x00\x00\x00\x00\x00\x00\x00\x80"
	all := "\x7f\xff" // all registers are 0
	return []string{
		"", "x", "HYLL", "hyll" + head(1, stale)[4:] + all, head(2, stale) + all, head(255, stale) + all,
		head(0, stale), head(0, stale) + strings.Repeat("\x00", 12287), head(0, stale) + strings.Repeat("\x00", 12289),
		head(0, stale) + strings.Repeat("\x00", 12288), head(0, fresh) + strings.Repeat("\xff", 12288), head(0, stale) + strings.Repeat("\xff", 12288),
		head(0, "\xff\xff\xff\xff\xff\xff\xff\x7f") + strings.Repeat("\x00", 12288),
		head(1, fresh), head(1, fresh) + "\x3f", head(1, stale), head(1, stale) + all, head(1, stale) + all + "\x00", head(1, stale) + all + "\x80",
		head(1, stale) + "\x7f\xfe", head(1, stale) + "\x3f", head(1, stale) + "\x83", head(1, stale) + strings.Repeat("\xff", 4096),
		head(1, stale) + strings.Repeat("\x83", 4096), head(1, stale) + strings.Repeat("\x80", 16384), head(1, stale) + strings.Repeat("\x80", 16383),
		head(1, stale) + strings.Repeat("\x00", 16384), head(1, stale) + strings.Repeat("\x3f", 256), head(1, stale) + strings.Repeat("\x3f", 257),
		head(1, stale) + strings.Repeat("\x83", 4095) + "\x80\x80\x80\x80", head(1, stale) + strings.Repeat("\x84\x80", 8192),
	}
}

// Whatever stands in a string, the commands answer: nothing panics, and what fails has
// changed nothing.
func TestStrangeSketches(t *testing.T) {
	for _, value := range strangeSketches() {
		for _, line := range []string{"PFADD k a b c", "PFADD k", "PFCOUNT k", "PFCOUNT k k", "PFMERGE k", "PFMERGE m k", "PFMERGE m k k",
			"PFDEBUG GETREG k", "PFDEBUG DECODE k", "PFDEBUG ENCODING k", "PFDEBUG TODENSE k"} {
			c := newStore(t, nil).NewSession(nil)
			c.Do(argv("SET", "k", value))
			before := c.s.backlog.Offset()
			v := c.Do(argv(strings.Fields(line)...))
			got, err := c.s.DB(0).Get("k")
			switch {
			case err != nil:
				t.Fatalf("%q, %s: %v", value, line, err)
			case v.Kind == resp.Error && (got != value || c.s.backlog.Offset() != before):
				t.Errorf("%.40q, %s: %s, and yet it is %.40q", value, line, v.Str, got)
			}
		}
	}
}

// A large string that is no HyperLogLog is told by its length.
func TestLongStringIsNoSketch(t *testing.T) {
	db := newStore(t, nil).DB(0)
	if _, err := db.PFAdd("k", "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.SetRange("k", 5<<20, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.PFCount("k"); err != ErrCorruptHyperLogLog {
		t.Errorf("PFCount: %v, want %v", err, ErrCorruptHyperLogLog)
	}
	if _, err := db.PFAdd("k", "b"); err != ErrCorruptHyperLogLog {
		t.Errorf("PFAdd: %v, want %v", err, ErrCorruptHyperLogLog)
	}
}

// The first count after a change is kept in the value, by whatever way it comes, and the
// stream says so; the next ones write nothing.
func TestCountIsKept(t *testing.T) {
	for name, count := range map[string]func(s *Store, c *Session){
		"session": func(s *Store, c *Session) { do(t, c, "PFCOUNT h") },
		"Do":      func(s *Store, c *Session) { _, _ = s.DB(0).Do("PFCOUNT", "h") },
		"PFCount": func(s *Store, c *Session) { _, _ = s.DB(0).PFCount("h") },
		"EXEC": func(s *Store, c *Session) {
			do(t, c, "MULTI")
			do(t, c, "PFCOUNT h")
			do(t, c, "EXEC")
		},
		"Update": func(s *Store, c *Session) {
			_, _ = s.Update(func(tx *Tx) error { _, err := tx.DB(0).PFCount("h"); return err })
		},
	} {
		s := newStore(t, nil)
		c := s.NewSession(nil)
		do(t, c, "PFADD h a b c")
		stale, _ := s.DB(0).Get("h")
		before := s.backlog.Offset()
		count(s, c)
		if got := streamSince(t, s, before); got != wire("PFCOUNT h") {
			t.Errorf("%s: the stream carries %q", name, got)
		}
		fresh, _ := s.DB(0).Get("h")
		if want := stale[:8] + "\x03\x00\x00\x00\x00\x00\x00\x00" + stale[16:]; fresh != want {
			t.Errorf("%s: the value is %q, want %q", name, fresh, want)
		}
		before = s.backlog.Offset()
		count(s, c)
		if got := streamSince(t, s, before); got != "" {
			t.Errorf("%s: once more, the stream carries %q", name, got)
		}
	}
}

// Where a read must not write it is answered all the same: on replicas, in snapshots, with
// a sealed stream, and inside of an Update's closure that goes around its Tx.
func TestCountIsNotKept(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	if _, err := db.PFAdd("h", "a", "b"); err != nil {
		t.Fatal(err)
	}
	want, _ := db.Get("h")
	offset := s.backlog.Offset()
	check := func(name string, count func(keys ...string) (int64, error)) {
		t.Helper()
		n, err := count("h")
		if got, _ := db.Get("h"); n != 2 || err != nil || got != want || s.backlog.Offset() != offset || s.backlog.History().Taint != "" {
			t.Errorf("%s: %d, %v; value %q, offset %d", name, n, err, got, s.backlog.Offset()-offset)
		}
	}
	inExec := func(...string) (int64, error) {
		c := s.NewSession(nil)
		do(t, c, "MULTI")
		do(t, c, "PFCOUNT h")
		return do(t, c, "EXEC").Elems[0].Int, nil
	}
	sn := s.Snapshot()
	defer sn.Close()
	check("snapshot", sn.DB(0).PFCount)
	s.Replication().Seal()
	check("sealed", db.PFCount)
	check("sealed, EXEC", inExec)
	s.Replication().Unseal()
	if _, err := s.Update(func(*Tx) error { check("around the Tx", db.PFCount); return nil }); err != nil {
		t.Fatal(err)
	}
	s.Replication().SetBarred(true)
	check("barred", db.PFCount)
	s.Replication().SetBarred(false)
	s.Replication().Demote()
	check("read-only replica", db.PFCount)
	check("read-only replica, EXEC", inExec)
	s.Replication().SetWritable(true)
	check("writable replica", db.PFCount)
	check("writable replica, EXEC", inExec)
}

// A count that is kept is a change to those who watch the key, and of a transaction it is
// one part among others: nobody sees the one without the other.
func TestCountIsAWrite(t *testing.T) {
	s := newStore(t, nil)
	c, other := s.NewSession(nil), s.NewSession(nil)
	do(t, c, "PFADD h a")
	do(t, c, "WATCH h")
	do(t, other, "PFCOUNT h")
	do(t, c, "MULTI")
	do(t, c, "SET k v")
	if v := do(t, c, "EXEC"); !v.IsNull() {
		t.Errorf("EXEC after a count: %s", v)
	}
	do(t, c, "PFADD h b")
	do(t, c, "MULTI")
	do(t, c, "SET k v")
	do(t, c, "PFCOUNT h")
	before := s.backlog.Offset()
	do(t, c, "EXEC")
	if got, want := streamLines(t, streamSince(t, s, before)), "MULTI|SET k v|PFCOUNT h|EXEC"; strings.Join(got, "|") != want {
		t.Errorf("stream %q, want %s", got, want)
	}
	replica, a := follower(t, s, nil)
	if err := apply(t, a, streamSince(t, s, 0)); err != nil {
		t.Fatal(err)
	}
	sameState(t, "replica", s, replica)
}

// While a transaction that counts is under way, nobody sees what it has written so far.
func TestCountIsOneOfSeveral(t *testing.T) {
	clock := newClock()
	var s *Store
	looks, inExec := 0, false
	s = newStore(t, &Options{Clock: func() time.Time {
		if inExec {
			looks++
			if _, err := s.DB(0).Get("k"); err != ErrNotFound {
				t.Errorf("in the middle of the transaction k is there: %v", err)
			}
		}
		return clock.now()
	}})
	c := s.NewSession(nil)
	do(t, c, "PFADD h a")
	do(t, c, "PEXPIREAT h 4102444800000")
	do(t, c, "MULTI")
	do(t, c, "SET k v")
	do(t, c, "PFCOUNT h") // asks what time it is
	inExec = true
	do(t, c, "EXEC")
	inExec = false
	if looks == 0 {
		t.Error("nobody looked")
	}
}

// Reads that keep what they count, and writes, at once: whatever comes in between, the stream
// makes the same bytes.
func TestCountsAtOnce(t *testing.T) {
	s := newStore(t, nil)
	var wg sync.WaitGroup
	for g := range 3 {
		wg.Go(func() {
			for i := range 300 {
				if _, err := s.DB(0).PFAdd("h", fmt.Sprint(g, " ", i)); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			last := int64(0)
			for range 300 {
				n, err := s.DB(0).PFCount("h")
				if err != nil || n < last-last/20 {
					t.Errorf("%d after %d, %v", n, last, err)
				}
				last = n
			}
		})
	}
	wg.Wait()
	replica, a := follower(t, s, nil)
	if err := apply(t, a, streamSince(t, s, 0)); err != nil {
		t.Fatal(err)
	}
	sameState(t, "replica", s, replica)
	if n, _ := replica.DB(0).PFCount("h"); n < 850 || n > 950 {
		t.Errorf("900 elements are counted as %d", n)
	}
}

// BenchmarkPFAdd: an element that changes nothing costs a look, one that does a copy of the
// value.
func BenchmarkPFAdd(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		db := New(nil).DB(0)
		for i := range n {
			_, _ = db.PFAdd("h", strconv.Itoa(i))
		}
		b.Run(fmt.Sprintf("elements=%d/same", n), func(b *testing.B) {
			for b.Loop() {
				_, _ = db.PFAdd("h", "1")
			}
		})
		b.Run(fmt.Sprintf("elements=%d/count", n), func(b *testing.B) {
			for b.Loop() {
				_, _ = db.PFCount("h", "none")
			}
		})
	}
}
