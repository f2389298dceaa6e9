package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// seen is what a watcher has to tell so far, a line a change.
func seen(t *testing.T, w *Watcher) (lines []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for {
		c, err := w.Next(ctx)
		if errors.Is(err, context.Canceled) {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%d %s %v:%s>%v:%s %v", c.DB, c.Key,
			c.Old.Kind(), c.Old.Text(), c.New.Kind(), c.New.Text(), c.Cause))
	}
}

func TestWatch(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	s := New(&Options{Clock: func() time.Time { return now }})
	db := s.DB(0)
	_ = db.Set("before", "x", 0)
	w := s.Watch(Filter{})
	defer w.Close()

	_ = db.Set("k", "1", time.Second)
	_, _ = db.Incr("k", 1)
	_, _ = db.HSet("h", "f", "v")
	_, _ = db.HSet("h", "big", strings.Repeat("v", smallHashBytes+1))
	_, _ = db.HSet("h", "g", "v", "i", "v") // fields of a table: the entry stays
	_, _ = s.Update(func(tx *Tx) error {
		_ = tx.DB(1).Set("a", "1", 0)
		_, _ = tx.DB(1).Del("a")
		return tx.DB(1).Rename("none", "b")
	})
	_, _ = s.Update(func(tx *Tx) error {
		_ = tx.DB(1).Set("a", "1", 0)
		_, err := tx.DB(0).Del("before", "none")
		return err
	})
	now = now.Add(2 * time.Second)
	s.Replication().Sweep(10)
	_, _ = db.Do("SWAPDB", "0", "1")
	_, _ = db.Do("FLUSHALL")
	_, _ = db.Get("k")

	want := []string{
		"0 k none:>string:1 command",
		"0 k string:1>string:2 command",
		"0 h none:>hash: command",
		"0 h hash:>hash: command",
		"0 h hash:>hash: command",
		"1 a none:>string:1 command",
		"0 before string:x>none: command",
		"0 k string:2>none: deadline",
		"0  none:>none: replaced",
		"1  none:>none: replaced",
		"-1  none:>none: replaced",
	}
	if got := seen(t, w); !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The offset of a change is that of the stream after its commit, on a primary
// and on a replica that applies batches alike.
func TestWatchOffsets(t *testing.T) {
	p, r := New(nil), New(nil)
	r.Replication().Demote()
	pw, rw := p.Watch(Filter{}), r.Watch(Filter{})
	defer pw.Close()
	defer rw.Close()
	reader, err := p.Replication().Backlog().NewReader(0, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for i := range 5 {
		_, _ = p.DB(i%2).Incr("n", 1)
		_, _ = p.Update(func(tx *Tx) error {
			_, _ = tx.DB(0).Incr("a", 1)
			_, err := tx.DB(1).Incr("b", 1)
			return err
		})
	}
	raw := reader.TryNext(1 << 20)
	if err := r.Replication().NewApplier().Apply(split(t, string(raw)), raw); err != nil {
		t.Fatal(err)
	}
	for i := range 15 {
		a, err1 := pw.Next(t.Context())
		b, err2 := rw.Next(t.Context())
		if err1 != nil || err2 != nil || a.Offset != b.Offset || a.Key != b.Key || a.New.Text() != b.New.Text() {
			t.Fatalf("change %d: %+v, %v on the primary, %+v, %v on the replica", i, a, err1, b, err2)
		}
		if i == 14 && b.Offset != r.Replication().Backlog().Offset() {
			t.Errorf("last change at %d, the stream ends at %d", b.Offset, r.Replication().Backlog().Offset())
		}
	}
}

// A watcher that does not read costs its limit, and learns what it missed.
func TestWatchIsBounded(t *testing.T) {
	s := New(&Options{WatchBytes: 10 << 10})
	w := s.Watch(Filter{Match: func(c *Change) bool { return c.Key != "other" }})
	defer w.Close()
	for i := range 1000 {
		_ = s.DB(0).Set("k", fmt.Sprint(i), 0)
		if s.touched.bytes > 10<<10 {
			t.Fatalf("%d bytes retained", s.touched.bytes)
		}
	}
	_, err := w.Next(t.Context())
	var gap *GapError
	if !errors.As(err, &gap) || gap.Missed == 0 {
		t.Fatalf("got %v, want a GapError", err)
	}
	for i := int(gap.Missed); i < 1000; i++ {
		if c, err := w.Next(t.Context()); err != nil || c.New.Text() != fmt.Sprint(i) {
			t.Fatalf("after the gap: %s, %v, want %d", c.New.Text(), err, i)
		}
	}
	w.Close()
	if s.touched.watched() || s.touched.changes != nil {
		t.Error("changes are still recorded after the last Close")
	}
}

// A few bytes written to a large string cost a watcher a few chunks; other changes
// are not pushed out by its length.
func TestWatchCountsWhatVersionsDoNotShare(t *testing.T) {
	s, _ := chunked(t, 8<<20, &Options{WatchBytes: 1 << 20})
	w := s.Watch(Filter{})
	defer w.Close()
	_ = s.DB(0).Set("other", "v", 0)
	for i := range 50 {
		_, _ = s.DB(0).SetRange("k", int64(i)*100_000, "written")
	}
	if n := s.touched.bytes; n < 50*4096 || n > 50*6144 {
		t.Errorf("%d bytes are counted for 50 chunks", n)
	}
	if c, err := w.Next(t.Context()); err != nil || c.Key != "other" {
		t.Errorf("the first change is of %q, %v", c.Key, err)
	}
	_, _ = s.DB(0).Del("k")
	_, _ = s.DB(0).Get("k")
	if n := s.touched.bytes; n > 1<<20 {
		t.Errorf("%d bytes are retained after a change that holds 8 MiB alone", n)
	}
}

func TestWatchWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(nil)
		w := s.Watch(Filter{})
		got := make(chan error)
		go func() {
			for range 2 {
				_, err := w.Next(t.Context())
				got <- err
			}
		}()
		synctest.Wait()
		_ = s.DB(0).Set("k", "v", 0)
		if err := <-got; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		w.Close()
		if err := <-got; err != ErrClosed {
			t.Errorf("after Close: %v", err)
		}
	})
}

// What was past its deadline when it was watched was not there: a flush does not change it.
func TestFlushOfExpiredWatchedKey(t *testing.T) {
	clock := newClock()
	s := newStore(t, &Options{Clock: clock.now})
	c := s.NewSession(nil)
	do(t, c, "SET k v PX 10")
	clock.advance(time.Second)
	do(t, c, "WATCH k")
	do(t, c, "FLUSHALL")
	do(t, c, "MULTI")
	if v := do(t, c, "EXEC"); v.IsNull() {
		t.Error("the flush spoilt the transaction")
	}
}

// What a watcher has yet to read tells the kind of a large collection, and does not hold
// on to it: the collection is not counted in what is retained.
func TestWatchHoldsNoCollections(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	w := s.Watch(Filter{})
	defer w.Close()
	var items []string
	var scored []Scored
	for i := range 1000 {
		items = append(items, fmt.Sprint("item", i))
		scored = append(scored, Scored{float64(i), items[i]})
	}
	var want []string
	for kind, fill := range map[string]func(key string){
		"hash": func(key string) { _, _ = db.HSet(key, items...) },
		"list": func(key string) { _, _ = db.RPush(key, items...) },
		"set":  func(key string) { _, _ = db.SAdd(key, items...) },
		"zset": func(key string) { _, _ = db.ZAdd(key, scored...) },
	} {
		fill(kind)
		fill(kind) // of a key that is there
		_, _ = db.Del(kind)
		want = append(want, fmt.Sprintf("0 %s %v:>none: command", kind, kind))
	}
	for _, c := range s.touched.changes {
		if bodyOf(c.Old.e) != nil || bodyOf(c.New.e) != nil {
			t.Errorf("the change of %s from %v to %v holds the collection", c.Key, c.Old.Kind(), c.New.Kind())
		}
	}
	got := slices.DeleteFunc(seen(t, w), func(line string) bool { return !strings.Contains(line, ">none:") })
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
