package store

import (
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
)

// EXEC refuses when a watched key was changed, by whomever and however, and
// only then.
func TestWatchedKeys(t *testing.T) {
	for _, tt := range []struct {
		line  string // run by another client between WATCH text small big gone and EXEC
		abort bool
	}{
		{"GET text", false},
		{"SET other v", false},
		{"SET text value", true}, // equal, but written
		{"SET text w NX", false},
		{"APPEND text x", true},
		{"SETBIT text 0 0", false},
		{"SETBIT text 0 1", true},
		{"BITFIELD text SET u1 0 0 GET u8 9", false},
		{"BITFIELD text SET u1 0 1", true},
		{"BITOP OR text text", true},
		{"DEL text", true},
		{"DEL gone", false},
		{"SET gone v", true},
		{"EXPIRE text 100", true},
		{"PERSIST text", false},
		{"RENAME text gone", true},
		{"HSET small f v", true},
		{"HDEL small none", false},
		{"HSET big f1 v", true},
		{"HSET big new v", true},
		{"HDEL big f1", true},
		{"HDEL big none", false},
		{"HSET other f v", false},
		{"COPY big other", false},
		{"RENAME big other", true},
		{"MOVE text 1", true},
		{"SWAPDB 0 1", true},
		{"SWAPDB 1 2", false},
		{"FLUSHDB", true},
		{"FLUSHALL", true},
	} {
		s := sample(t)
		c, other := s.NewSession(nil), s.NewSession(nil)
		do(t, c, "WATCH text small big gone")
		do(t, c, "MULTI")
		do(t, c, "SET result 1")
		do(t, other, tt.line)
		v := do(t, c, "EXEC")
		if got := v.Kind == resp.Null; got != tt.abort || s.DB(0).Exists("result") == tt.abort {
			t.Errorf("%s: EXEC = %v, want an abort: %v", tt.line, v, tt.abort)
		}
		do(t, c, "MULTI") // EXEC forgets what was watched
		do(t, c, "SET text again")
		if v := do(t, c, "EXEC"); len(v.Elems) != 1 {
			t.Errorf("%s: the next EXEC = %v", tt.line, v)
		}
	}
}

// A roll-back restores what is watched; so it has not changed.
func TestWatchedKeyIsRolledBack(t *testing.T) {
	s := newStore(t, nil)
	_ = s.DB(0).Set("k", "v", 0)
	c := s.NewSession(nil)
	do(t, c, "WATCH k new")
	do(t, c, "MULTI")
	do(t, c, "INCR n")
	_, _ = s.Update(func(tx *Tx) error {
		_ = tx.DB(0).Set("k", "w", 0)
		_ = tx.DB(0).Set("new", "w", 0)
		return errOnPurpose
	})
	if v := do(t, c, "EXEC"); len(v.Elems) != 1 {
		t.Errorf("EXEC = %v", v)
	}
}

// A server's own commands are queued with the rest, and run after the commit.
func TestExtraCommands(t *testing.T) {
	s := newStore(t, nil)
	var saw string
	extra := &Command{Name: "EXTRA", Arity: 2, Run: func(c *Session, args [][]byte) resp.Value {
		saw, _ = s.DB(0).Get("k")
		return resp.BulkString(string(args[1]))
	}}
	c := s.NewSession(&SessionOptions{Extra: func(name string) *Command {
		if name == "EXTRA" {
			return extra
		}
		return nil
	}})
	do(t, c, "MULTI")
	do(t, c, "extra word")
	do(t, c, "SET k v")
	v := do(t, c, "EXEC")
	if len(v.Elems) != 2 || v.Elems[0].Str != "word" || v.Elems[1].Str != "OK" || saw != "v" {
		t.Errorf("EXEC = %v, the extra command saw k = %q", v, saw)
	}
	do(t, c, "MULTI")
	if v := c.Do(argv("EXTRA")); v.Kind != resp.Error {
		t.Errorf("EXTRA without its word = %v", v)
	}
	if v := c.Do(argv("EXEC")); !strings.HasPrefix(v.Str, "EXECABORT") {
		t.Errorf("EXEC = %v", v)
	}
	c.Do(argv("MULTI"))
	if c.Reset(); c.InMulti() || c.DB() != 0 {
		t.Errorf("Reset leaves MULTI %v, database %d", c.InMulti(), c.DB())
	}
}

// What a client queues and watches is bounded; a transaction beyond that is refused whole, and what it kept is let go at once.
func TestQueueIsBounded(t *testing.T) {
	s := newStore(t, &Options{TransactionBytes: 10_000})
	c := s.NewSession(nil)
	big := strings.Repeat("x", 1000)
	for range 3 { // what one transaction took does not count for the next
		do(t, c, "MULTI")
		for range 5 {
			if v := do(t, c, "SET k "+big); v.Str != "QUEUED" {
				t.Fatalf("SET = %v, want QUEUED", v)
			}
		}
		if v := do(t, c, "EXEC"); len(v.Elems) != 5 {
			t.Fatalf("EXEC = %v", v)
		}
	}
	do(t, c, "MULTI")
	refused := 0
	for range 20 {
		if v := c.Do(argv("SET", "k2", big)); v.Kind == resp.Error {
			refused++
		}
	}
	if refused != 1 || c.queue != nil {
		t.Errorf("%d commands were refused, %d are kept, want 1 and none", refused, len(c.queue))
	}
	if v := c.Do(argv("EXEC")); !strings.HasPrefix(v.Str, "EXECABORT") || s.DB(0).Exists("k2") {
		t.Errorf("EXEC = %v, k2 there: %v", v, s.DB(0).Exists("k2"))
	}
	var last resp.Value
	for range 1000 {
		last = c.Do(argv("WATCH", "k"))
	}
	if last.Kind != resp.Error || len(c.watched) > 10_000/watchCost {
		t.Errorf("%d keys are watched, the last WATCH = %v", len(c.watched), last)
	}
	do(t, c, "UNWATCH")
	if v := c.Do(argv("WATCH", "k")); v.Kind == resp.Error {
		t.Errorf("WATCH after UNWATCH = %v", v)
	}
}
