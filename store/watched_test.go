package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// What happens to a watched key before EXEC, or Update, and whether it refuses.
func TestWatchedUntilExec(t *testing.T) {
	for _, tt := range []struct {
		before, meanwhile string // by semicolons; TIME lets two seconds pass
		refused           bool
	}{
		{"", "", false},
		{"", "SET other 1", false},
		{"", "SET k 1", true},
		{"", "SET k 1;DEL k", true},
		{"SET k 1", "SET k 1", true},
		{"SET k 1", "DEL k", true},
		{"SET k 1", "GET k;STRLEN k", false},
		{"SET k 1", "SELECT 1;SET k 2", false},
		{"SET k 1", "EXPIRE k 100", true},
		{"SET k 1 EX 100", "PERSIST k", true},
		{"SET k 1 EX 100", "TIME", false},
		{"SET k 1 EX 1", "TIME", true},
		{"SET k 1 EX 1", "TIME;GET k;SET k 1", true},
		{"SET k 1 EX 1;TIME", "GET k", false},
		{"SET k 1 EX 1;TIME", "DEL k", false},
		{"SET k 1", "RENAME k x;RENAME x k", true},
		{"SET k 1", "COPY k x", false},
		{"SET x 1", "COPY x k", true},
		{"SET k 1", "MOVE k 1", true},
		{"SET k 1", "SWAPDB 0 1;SWAPDB 0 1", true},
		{"SELECT 1;SET k 1;SELECT 0", "SWAPDB 0 1;SWAPDB 0 1", true},
		{"", "SWAPDB 0 1;SWAPDB 0 1", false},
		{"SET k 1", "SWAPDB 1 2", false},
		{"SET k 1", "FLUSHDB", true},
		{"SET k 1", "FLUSHALL", true},
		{"SET x 1", "FLUSHALL", false},
		{"RPUSH k a b", "LPOP k", true},
		{"RPUSH k a b", "LPOP k;LPUSH k a", true},
		{"RPUSH k a b", "LRANGE k 0 -1", false},
		{"RPUSH k a b", "LTRIM k 0 -1", true}, // alone among the writes that change nothing
		{"RPUSH k a b", "LREM k 0 c;LPOP k 0;LMPOP 1 x LEFT", false},
		{"HSET k f v", "HSET k f v", true},
		{"SADD k a", "SADD k a", false},
		{"SADD k a", "SADD k b", true},
		{"ZADD k 1 a", "ZINCRBY k 0 a", false},
		{"SET k 1", "MULTI;SET k 2;DISCARD", false},
	} {
		t.Run(tt.before+"/"+tt.meanwhile, func(t *testing.T) {
			clock := newClock()
			s := newStore(t, &Options{Clock: clock.now})
			other, c := s.NewSession(nil), s.NewSession(nil)
			run := func(line string) {
				if line == "TIME" {
					clock.advance(2 * time.Second)
				} else if v := other.Do(argv(strings.Fields(line)...)); v.String()[0] == '-' {
					t.Fatal(line, v)
				}
			}
			each(tt.before, run)
			do(t, c, "WATCH k")
			g := s.DB(0).Guard("k")
			each(tt.meanwhile, run)
			do(t, c, "MULTI")
			do(t, c, "DBSIZE")
			if got := do(t, c, "EXEC").String() == "(nil)"; got != tt.refused {
				t.Errorf("EXEC refused: %v, want %v", got, tt.refused)
			}
			_, err := g.Update(func(tx *Tx) error { return tx.DB(0).Set("done", "", 0) })
			if refused := errors.Is(err, ErrConflict); refused != tt.refused || err != nil && !refused {
				t.Errorf("Update: %v, want it to be refused: %v", err, tt.refused)
			}
			if s.DB(0).Exists("done") == tt.refused {
				t.Error("a refused Update was done, or the other way round")
			}
			if n := s.mu.watched.count(); n != 0 {
				t.Errorf("%d keys are still watched", n)
			}
		})
	}
}

// Who begins to watch after a write is not told of it, though others are, and though it
// changed nothing.
func TestWatchedFromAfterAWrite(t *testing.T) {
	for write, refused := range map[string]bool{"LTRIM k 0 -1": true, "RPUSH k b": true, "LPOP k 0": false} {
		s := newStore(t, nil)
		early, late, other := s.NewSession(nil), s.NewSession(nil), s.NewSession(nil)
		do(t, other, "RPUSH k a")
		do(t, early, "WATCH k")
		do(t, other, write)
		do(t, late, "WATCH k")
		for c, want := range map[*Session]bool{early: refused, late: false} {
			do(t, c, "MULTI")
			if got := do(t, c, "EXEC").String() == "(nil)"; got != want {
				t.Errorf("%s: EXEC of who watched before it, %v, refused: %v, want %v", write, c == early, got, want)
			}
		}
	}
}

// A full resync replaces what is watched.
func TestWatchedThroughLoad(t *testing.T) {
	s := newStore(t, nil)
	_ = s.DB(0).Set("k", "v", 0)
	there, absent := s.DB(0).Guard("k"), s.DB(0).Guard("x")
	file := &strings.Builder{}
	if err := s.View(func(sn *Snapshot) error { return sn.WriteRDB(file, nil) }); err != nil {
		t.Fatal(err)
	}
	l := s.Replication().NewLoader()
	if err := errors.Join(l.LoadRDB(strings.NewReader(file.String())), l.Commit(s.Replication().History())); err != nil {
		t.Fatal(err)
	}
	for want, g := range map[error]*Guard{ErrConflict: there, nil: absent} {
		if _, err := g.Update(func(*Tx) error { return nil }); err != want {
			t.Errorf("after a load: %v, want %v", err, want)
		}
		if _, err := g.Update(func(*Tx) error { return nil }); err != ErrClosed {
			t.Errorf("used again: %v", err)
		}
	}
}

func TestGuardEnds(t *testing.T) {
	s := newStore(t, nil)
	g := s.DB(0).Guard("a", "a", "b")
	if s.mu.watched.count() != 2 {
		t.Errorf("%d keys are watched, want 2", s.mu.watched.count())
	}
	_ = g.Close()
	_ = g.Close()
	if s.mu.watched.count() != 0 {
		t.Errorf("%d keys are watched after Close", s.mu.watched.count())
	}
	if _, err := g.Update(func(*Tx) error { return nil }); err != ErrClosed {
		t.Errorf("after Close: %v", err)
	}
	inside := s.DB(0).Guard("a")
	_, err := s.Update(func(*Tx) error {
		_ = inside.Close()
		_, err := s.DB(0).Guard("k").Update(func(*Tx) error { return nil })
		return err
	})
	if err != ErrNested || s.mu.watched.count() != 0 {
		t.Errorf("inside of Update: %v, %d keys are watched", err, s.mu.watched.count())
	}
	if _, err := s.DB(99).Guard("k").Update(nil); err != ErrNoDatabase {
		t.Errorf("no such database: %v", err)
	}
	c := s.NewSession(nil)
	do(t, c, "WATCH a b")
	c.Reset()
	if s.mu.watched.count() != 0 {
		t.Errorf("%d keys are watched after Reset", s.mu.watched.count())
	}
}

// count is how many keys are watched.
func (k *watchedKeys) count() (n int) {
	for _, of := range k.keys {
		n += len(of)
	}
	return n
}

// Inside of Update's closure nothing begins to be watched, and all that ends a session's
// watching does; none of it waits for the lock that the closure holds, or gives it back.
func TestWatchInsideOfUpdate(t *testing.T) {
	for _, end := range []string{"UNWATCH", "DISCARD", "EXEC", "RESET"} {
		s := newStore(t, nil)
		c := s.NewSession(nil)
		do(t, c, "WATCH k")
		if end == "EXEC" || end == "DISCARD" {
			do(t, c, "MULTI")
		}
		_, err := s.Update(func(*Tx) error {
			if v := s.NewSession(nil).Do(argv("WATCH", "x")); v.String() != reply(ErrNested).String() {
				t.Errorf("WATCH = %v, want %v", v, ErrNested)
			}
			if end == "RESET" {
				c.Reset()
			} else if v := c.Do(argv(end)); (v.Kind == resp.Error) != (end == "EXEC") {
				t.Errorf("%s = %v", end, v)
			}
			if n := s.mu.watched.count(); n != 0 {
				t.Errorf("%d keys are watched after %s", n, end)
			}
			if s.mu.TryLock() {
				t.Errorf("%s has given the lock back", end)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// After Close nothing is watched any more, and to forget what was does no harm.
func TestWatchAfterClose(t *testing.T) {
	s := newStore(t, nil)
	c, g := s.NewSession(nil), s.DB(0).Guard("k")
	do(t, c, "WATCH k")
	_ = s.Close()
	if v := c.Do(argv("WATCH", "x")); v.String() != reply(ErrClosed).String() {
		t.Errorf("WATCH = %v, want %v", v, ErrClosed)
	}
	do(t, c, "UNWATCH")
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.DB(0).Guard("k").Update(nil); err != ErrClosed {
		t.Errorf("Update = %v, want %v", err, ErrClosed)
	}
}

// A database that is replaced costs what is watched of it: the keys of each are kept
// apart, and nothing stays when the last of them goes.
func TestWatchedByDatabase(t *testing.T) {
	s := newStore(t, nil)
	c := s.NewSession(nil)
	watched := func(want ...int) {
		t.Helper()
		for db, n := range want {
			if got := len(s.mu.watched.keys[db]); got != n {
				t.Errorf("%d keys of database %d are watched, want %d", got, db, n)
			}
		}
	}
	for db, n := range []int{2, 100, 1} {
		do(t, c, fmt.Sprint("SELECT ", db))
		for i := range n {
			do(t, c, fmt.Sprint("WATCH k", i))
		}
	}
	watched(2, 100, 1)
	g := s.DB(2).Guard("k0", "x")
	do(t, c, "UNWATCH")
	watched(0, 0, 2)
	_ = g.Close()
	if n := len(s.mu.watched.keys); n != 0 {
		t.Errorf("%d databases are kept of which nothing is watched", n)
	}
}
