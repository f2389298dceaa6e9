package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/backlog"
)

func TestPromote(t *testing.T) {
	s, a := newReplica(t, nil)
	r := s.Replication()
	if err := apply(t, a, wire("SET k v")); err != nil {
		t.Fatal(err)
	}
	was := r.History()
	if err := s.DB(0).Set("k", "w", 0); err != ErrReadOnly || !r.Following() || !s.ReadOnly() {
		t.Errorf("write to a replica = %v", err)
	}
	r.Promote()
	h := r.History()
	if h.ID == was.ID || h.Offset != was.Offset || h.Secondary != was.ID || h.SecondaryLimit != was.Offset || h.StreamDB != -1 {
		t.Errorf("after Promote %+v, before %+v", h, was)
	}
	if r.Promote(); r.History() != h {
		t.Errorf("a second Promote starts another history")
	}
	if err := s.DB(0).Set("k", "w", 0); err != nil {
		t.Errorf("write to a promoted store = %v", err)
	}
	if got, want := streamSince(t, s, was.Offset), wire("SELECT 0")+wire("SET k w"); got != want {
		t.Errorf("stream after Promote %q, want %q", got, want)
	}
	h = r.History()
	if r.Demote(); r.History() != h || !r.Following() {
		t.Errorf("Demote changes the history: %+v, want %+v", r.History(), h)
	}
	if n := r.Inject("PING"); n != h.Offset {
		t.Errorf("a replica injects into the stream")
	}
}

func TestContinue(t *testing.T) {
	s, _ := newReplica(t, nil)
	r := s.Replication()
	was := r.History()
	if _ = r.Continue(was.ID); r.History() != was {
		t.Errorf("Continue under the same ID changes %+v to %+v", was, r.History())
	}
	id := backlog.NewID()
	_ = r.Continue(id)
	h := r.History()
	if h.ID != id || h.Secondary != was.ID || h.SecondaryLimit != was.Offset || h.StreamDB != was.StreamDB || h.Offset != was.Offset {
		t.Errorf("Continue: %+v, before %+v", h, was)
	}
}

// A replica that was written to does not hold its primary's data: it serves
// nobody under that name, and keeps no trace of it when it is promoted.
func TestTaint(t *testing.T) {
	writes := map[string]func(s *Store){
		"method": func(s *Store) { _ = s.DB(0).Set("k", "w", 0) },
		"words":  func(s *Store) { s.NewSession(nil).Do(argv("INCR", "n")) },
		"Update": func(s *Store) { _, _ = s.Update(func(tx *Tx) error { return tx.DB(0).Set("k", "w", 0) }) },
		"MULTI": func(s *Store) {
			c := s.NewSession(nil)
			for _, l := range []string{"MULTI", "INCR", "EXEC"} {
				c.Do(argv(append([]string{l}, map[string][]string{"INCR": {"n"}}[l]...)...))
			}
		},
		"FLUSHALL": func(s *Store) { s.NewSession(nil).Do(argv("FLUSHALL")) },
	}
	for name, write := range writes {
		s, a := newReplica(t, nil)
		r := s.Replication()
		if err := apply(t, a, wire("SET k v")); err != nil {
			t.Fatal(err)
		}
		if write(s); r.History().Taint != "" {
			t.Errorf("%s: a refused write taints", name)
		}
		was := r.History()
		r.SetWritable(true)
		if write(s); r.History().Taint == "" {
			t.Errorf("%s: does not taint", name)
		}
		if h := r.History(); h.Offset != was.Offset || h.ID != was.ID {
			t.Errorf("%s: moves the history from %+v to %+v", name, was, h)
		}
		if s.backlog.Check(string(was.ID), was.Offset).OK {
			t.Errorf("%s: followers may still continue", name)
		}
		if err := apply(t, a, wire("SET x y")); err != nil || r.History().Taint == "" {
			t.Errorf("%s: the stream: %v, taint %q", name, err, r.History().Taint)
		}
		r.Promote()
		if h := r.History(); h.Secondary != "" || h.Taint != "" || h.ID == was.ID {
			t.Errorf("%s: after Promote %+v", name, h)
		}
	}
}

// What changes nothing does not taint, and does not make a store old.
func TestNothingWritten(t *testing.T) {
	s, _ := newReplica(t, nil)
	r := s.Replication()
	s.fresh.Store(true)
	r.SetWritable(true)
	version := s.published.Load()
	c := s.NewSession(nil)
	_, _ = s.Update(func(tx *Tx) error { _, err := tx.DB(0).Get("k"); _ = err; return nil })
	_, _ = s.Update(func(tx *Tx) error { _ = tx.DB(0).Set("k", "v", 0); return errOnPurpose })
	_, _ = s.DB(0).Del("none", "nil")
	for _, l := range [][]string{{"MULTI"}, {"DEL", "none"}, {"SET", "k", "v", "XX"}, {"EXEC"}, {"HDEL", "h", "f"}, {"PERSIST", "k"}} {
		c.Do(argv(l...))
	}
	if h := r.History(); h.Taint != "" || !r.Fresh() || s.Stats().Commits != 0 {
		t.Errorf("nothing was written: taint %q, fresh %v, %d commits, version from %d to %d", h.Taint, r.Fresh(), s.Stats().Commits, version, s.published.Load())
	}
	r.SetWritable(false)
	if err := s.DB(0).Set("k", "v", 0); err != ErrReadOnly {
		t.Errorf("after SetWritable(false): %v", err)
	}
}

func TestClosed(t *testing.T) {
	s := New(nil)
	_ = s.DB(0).Set("k", "v", 0)
	a := s.Replication().NewApplier()
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Errorf("Close fails")
	}
	_, err := s.Update(func(*Tx) error { t.Error("the closure runs"); return nil })
	if err != ErrClosed {
		t.Errorf("Update = %v", err)
	}
	if err := s.DB(0).Set("k", "w", 0); err != ErrClosed {
		t.Errorf("Set = %v", err)
	}
	if v := s.NewSession(nil).Do(argv("SET", "k", "w")); v.Kind != resp.Error {
		t.Errorf("SET = %v", v)
	}
	if err := apply(t, a, wire("SET k w")); err != ErrClosed {
		t.Errorf("Apply = %v", err)
	}
	if n := s.Replication().Sweep(10); n != 0 {
		t.Errorf("Sweep = %d", n)
	}
	if v, err := s.DB(0).Get("k"); v != "v" || err != nil {
		t.Errorf("Get = %q, %v", v, err)
	}
}

func TestReadOnlySession(t *testing.T) {
	s, _ := newReplica(t, nil)
	c := s.NewSession(nil)
	if v := c.Do(argv("SET", "k", "v")); v.Str != ErrReadOnly.Text() {
		t.Errorf("SET = %v", v)
	}
	do(t, c, "MULTI")
	if v := c.Do(argv("SET", "k", "v")); v.Str != ErrReadOnly.Text() {
		t.Errorf("SET in MULTI = %v", v)
	}
	if v := c.Do(argv("EXEC")); v.Str != "EXECABORT Transaction discarded because of previous errors." {
		t.Errorf("EXEC = %v", v)
	}
	s.Replication().Promote()
	do(t, c, "MULTI")
	do(t, c, "SET k v")
	s.Replication().Demote()
	if v := c.Do(argv("EXEC")); v.Kind != resp.Error || s.DB(0).Exists("k") {
		t.Errorf("EXEC after a demotion = %v", v)
	}
	if v := c.Do(argv("GET", "k")); v.Kind != resp.Null {
		t.Errorf("GET = %v", v)
	}
}

// A roll-back restores deadlines, in the index as well.
func TestRollBackOfDeadlines(t *testing.T) {
	clock := newClock()
	s := newStore(t, &Options{Clock: clock.now})
	db := s.DB(0)
	_ = db.Set("a", "v", time.Second)
	_ = db.Set("b", "v", 2*time.Second)
	_ = db.Set("c", "v", 0)
	want := deadlines(s, 0)
	_, _ = s.Update(func(tx *Tx) error {
		db := tx.DB(0)
		_ = db.Rename("a", "b")
		_, _ = db.Persist("b")
		_, _ = db.Expire("c", clock.now().Add(time.Minute))
		_, _ = db.Del("c")
		_ = db.Set("d", "v", time.Millisecond)
		_ = db.Flush()
		_ = db.Set("a", "v", time.Hour)
		return errOnPurpose
	})
	if got := deadlines(s, 0); len(got) != len(want) || got["a"] != want["a"] || got["b"] != want["b"] {
		t.Errorf("deadlines %v, want %v", got, want)
	}
	clock.advance(1500 * time.Millisecond)
	if n := s.Replication().Sweep(10); n != 1 || db.Exists("a") || !db.Exists("b") {
		t.Errorf("swept %d keys", n)
	}
}

// A replica refuses a command that would wait before it looks at the arguments, as Redis does.
func TestReadOnlyBeforeArguments(t *testing.T) {
	s, _ := newReplica(t, nil)
	c := s.NewSession(nil)
	for _, line := range []string{"BLPOP k -1", "BLMOVE a b left junk 0", "BLMPOP x 1 k LEFT", "BZPOPMIN z x", "BZMPOP 0 0 z MIN"} {
		if got := c.Do(argv(strings.Fields(line)...)).String(); got != "-"+ErrReadOnly.Text() {
			t.Errorf("%s = %s", line, got)
		}
	}
}

func TestFreeBacklog(t *testing.T) {
	s, a := newReplica(t, nil)
	r := s.Replication()
	if err := apply(t, a, wire("RPUSH l a")); err != nil {
		t.Fatal(err)
	}
	was := r.History()
	if r.FreeBacklog() || r.History() != was {
		t.Errorf("a replica leaves its primary's history: %+v, before %+v", r.History(), was)
	}
	r.Promote()
	promoted := r.History()
	if !r.FreeBacklog() || r.FreeBacklog() {
		t.Error("FreeBacklog says whether there was anything to let go: the first time, not the second")
	}
	h := r.History()
	if h.ID == promoted.ID || h.ID == was.ID || h.Secondary != "" || h.SecondaryLimit != -1 || h.Offset != was.Offset {
		t.Errorf("after FreeBacklog %+v, before %+v", h, promoted)
	}
	if r.Demote(); r.Backlog().Freed() || r.History() != h {
		t.Errorf("a replica keeps its stream: freed %v, %+v, want %+v", r.Backlog().Freed(), r.History(), h)
	}
}

// A mark is a part of the stream: none comes into one that is sealed.
func TestMarkWhileSealed(t *testing.T) {
	s := New(nil)
	defer s.Close()
	r := s.Replication()
	at, _ := r.Seal()
	sn, err := r.Mark("PING", "abc")
	if err == nil {
		sn.Close()
	}
	if got := r.Backlog().Offset(); got != at || !errors.Is(err, ErrSealed) {
		t.Errorf("sealed at %d, offset is %d after Mark, error %v", at, got, err)
	}
}
