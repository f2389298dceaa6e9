package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The invariant of this test: a list holds an even number of consecutive numbers,
// those of "behind" end where those of "front" begin, and none is negative.
type listWriter struct {
	s           *Store
	front, next int // first of "front", first that was never pushed
}

func newListWriter(t *testing.T, n int) *listWriter {
	w := &listWriter{s: newStore(t, nil)}
	for w.next < n {
		w.grow(w.s.DB(0).writes)
	}
	w.move(2)
	return w
}

// grow pushes two numbers by two commands.
func (w *listWriter) grow(db writes) {
	for range 2 {
		_, _ = db.RPush("front", strconv.Itoa(w.next))
		w.next++
	}
}

// move takes n numbers from "front" to the end of "behind", in one transaction.
func (w *listWriter) move(n int) {
	_, _ = w.s.Update(func(tx *Tx) error {
		for range n {
			_, _ = tx.DB(0).LMove("front", "behind", Left, Right)
		}
		return nil
	})
	w.front += n
}

// write is what the writer does in turn; each commit leaves the invariant whole.
func (w *listWriter) write(i int) {
	db := w.s.DB(0)
	switch i % 9 {
	case 0:
		_, _ = db.RPush("front", strconv.Itoa(w.next), strconv.Itoa(w.next+1))
		w.next += 2
	case 1:
		_, _ = w.s.Update(func(tx *Tx) error { w.grow(tx.DB(0).writes); return nil })
	case 2:
		w.move(2)
	case 3:
		_, _ = db.LPopN("behind", 2)
		if !db.Exists("behind") {
			w.move(2)
		}
	case 4:
		_, _ = w.s.Update(func(tx *Tx) error {
			_, _ = tx.DB(0).LPush("front", "-1")
			_ = tx.DB(0).LSet("front", 5, "-2")
			_ = tx.DB(0).LTrim("behind", 0, 0)
			return errOnPurpose
		})
	case 5:
		c := w.s.NewSession(nil)
		for _, line := range []string{"MULTI", "RENAME front away", "RPUSH away -1", "RPOP away", "RENAME away front", "EXEC"} {
			c.Do(argv(strings.Fields(line)...))
		}
	case 6:
		_, _ = db.Expire("front", time.UnixMilli(1<<50))
	case 7:
		_, _ = db.RPopN("front", 2)
		w.next -= 2
	case 8:
		_, _ = w.s.Update(func(tx *Tx) error { // as it was, by many commands
			for range 20 {
				_, _ = tx.DB(0).LMove("front", "front", Left, Right)
			}
			for range 20 {
				_, _ = tx.DB(0).LMove("front", "front", Right, Left)
			}
			return nil
		})
	}
}

// consecutive reports what breaks the invariant in items.
func consecutive(items []string) error {
	if len(items)%2 != 0 {
		return fmt.Errorf("%d elements", len(items))
	}
	for i, v := range items {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || i > 0 && strconv.Itoa(n-1) != items[i-1] {
			return fmt.Errorf("element %d is %q, behind %q", i, v, items[max(i-1, 0)])
		}
	}
	return nil
}

func TestListReadersBesideAWriter(t *testing.T) {
	for _, n := range []int{3000, 40} {
		w := newListWriter(t, n)
		b := &bench{t: t, s: w.s}
		db := w.s.DB(0)
		for _, key := range []string{"front", "behind"} {
			b.read("LRange of "+key, func() error {
				items, err := db.LRange(key, 0, -1)
				return firstError(err, consecutive(items))
			})
			b.read("LItems of "+key, func() error {
				items, err := db.LItems(key)
				return firstError(err, consecutive(slices.Collect(items)))
			})
		}
		b.read("a few", func() error {
			items, err := db.LRange("front", 2, 11)
			return firstError(err, consecutive(items))
		})
		b.read("LINDEX, LLEN", func() error {
			v, err := db.LIndex("front", 0)
			if err != nil || v == "" || v[0] == '-' {
				return fmt.Errorf("first element %q, %v", v, err)
			}
			if n, err := db.LLen("front"); err != nil || n%2 != 0 {
				return fmt.Errorf("%d elements, %v", n, err)
			}
			return nil
		})
		b.read("View", func() error {
			return w.s.View(func(sn *Snapshot) error {
				behind, err := sn.DB(0).LRange("behind", 0, -1)
				front, err2 := sn.DB(0).LRange("front", 0, -1)
				return firstError(err, err2, consecutive(append(behind, front...)))
			})
		})
		b.writeBeside(fewer(1500, 500), w.write)
		if want := w.next - w.front; lenOf(t, db, "front") != want {
			t.Errorf("%d elements at the end, want %d", lenOf(t, db, "front"), want)
		}
	}
}

func lenOf(t *testing.T, db DB, key string) int {
	t.Helper()
	n, err := db.LLen(key)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// LMOVE is one change: whoever finds that the element left finds that it arrived.
func TestListMoveIsWhole(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	b := &bench{t: t, s: s}
	var round atomic.Int64
	const there = 120 // so that to arrive takes a while
	prepare := func(n int64) {
		_, _ = db.RPush(fmt.Sprint("from", n), "moved")
		_, _ = db.RPush(fmt.Sprint("to", n), numbered(there)...)
		round.Store(n)
	}
	prepare(0)
	b.read("LMOVE", func() error {
		n := round.Load()
		if db.Exists(fmt.Sprint("from", n)) {
			return nil
		}
		if got, err := db.LLen(fmt.Sprint("to", n)); got != there+1 || err != nil {
			return fmt.Errorf("round %d: the element is nowhere: %d elements, %v", n, got, err)
		}
		return nil
	})
	for n := range int64(3000) {
		prepare(n)
		if _, err := db.LMove(fmt.Sprint("from", n), fmt.Sprint("to", n), Left, Right); err != nil {
			t.Error(err)
		}
	}
	b.stop.Store(true)
	b.wg.Wait()
}
