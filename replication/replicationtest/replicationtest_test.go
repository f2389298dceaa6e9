package replicationtest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

func TestDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		for _, tc := range []struct {
			args []any
			want string
		}{
			{[]any{"SET", "k", 1.5}, "OK"},
			{[]any{"GET", []byte("k")}, "1.5"},
			{[]any{"GET", "missing"}, "<nil>"},
			{[]any{"INCRBY", "n", 7}, "7"},
			{[]any{"MULTI"}, "OK"},
			{[]any{"INCR", "n"}, "QUEUED"},
			{[]any{"EXEC"}, "[8]"},
			{[]any{"SELECT", 1}, "OK"},
			{[]any{"GET", "n"}, "<nil>"},
		} {
			if got := fmt.Sprint(p.Do(tc.args...)); got != tc.want {
				t.Errorf("Do(%v) = %s, want %s", tc.args, got, tc.want)
			}
		}
	})
}

// An error reply fails the test that asked for it.
func TestDoFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &recorder{TB: t}
		p := replicationtest.New(rec)
		func() {
			defer func() { recover() }()
			p.Do("INCR")
		}()
		if !strings.Contains(rec.failure, "wrong number of arguments") {
			t.Errorf("the failure says %q", rec.failure)
		}
	})
}

// recorder is a test that notes its failures instead of failing. Fatalf ends the caller by a panic, which the caller must catch.
type recorder struct {
	testing.TB
	failure string
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failure = fmt.Sprintf(format, args...)
	panic("fatal")
}

func (r *recorder) Errorf(format string, args ...any) { r.failure = fmt.Sprintf(format, args...) }

func TestSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := store.New(nil), store.New(nil)
		rec := &recorder{TB: t}
		replicationtest.Same(rec, a, b)
		if !strings.Contains(rec.failure, "history:") {
			t.Errorf("two stores of their own: %q", rec.failure)
		}
		p := replicationtest.New(t)
		r := p.Replica(nil)
		p.Do("HSET", "h", "f", 1, "g", 2)
		p.Do("SET", "k", "v", "PX", 100000)
		if err := r.Barrier(t.Context()); err != nil {
			t.Fatal(err)
		}
		replicationtest.Same(t, p.Store(), r.Store())
		p.Stall(0) // from here on the replica misses everything
		for _, change := range [][]any{{"PEXPIRE", "k", 5000}, {"HSET", "h", "f", 3}, {"SET", "only", "here"}, {"DEL", "h"}} {
			p.Do(change...)
			rec.failure = ""
			replicationtest.Same(rec, p.Store(), r.Store())
			if !strings.Contains(rec.failure, "db 0, key") {
				t.Errorf("after %v: %q", change, rec.failure)
			}
		}
	})
}

// What Same looks at beside values: each difference alone is one.
func TestSameLooksCloser(t *testing.T) {
	for _, change := range [][]any{
		{"HPEXPIRE", "h", 90000, "FIELDS", 1, "f"}, {"XGROUP", "CREATECONSUMER", "x", "g", "d"}, {"XCLAIM", "x", "g", "c", 0, "1-1", "RETRYCOUNT", 7},
		{"XACK", "x", "g", "1-1"}, {"XGROUP", "SETID", "x", "g", "0"}, {"XSETID", "x", "9-9"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := replicationtest.New(t)
			p.Do("HSET", "h", "f", 1)
			p.Do("XADD", "x", "1-1", "f", "v")
			p.Do("XGROUP", "CREATE", "x", "g", 0)
			p.Do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "x", ">")
			r := p.Replica(nil)
			replicationtest.Same(t, p.Store(), r.Store())
			p.Stall(0) // from here on the replica misses everything
			p.Do(change...)
			if diffs := replicationtest.Diff(p.Store(), r.Store()); len(diffs) != 2 { // the other is the history
				t.Errorf("after %v: %q", change, diffs)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(nil)
		check := func(full, partial uint64) {
			t.Helper()
			p.Do("INCR", "n")
			if err := r.Barrier(t.Context()); err != nil {
				t.Fatal(err)
			}
			replicationtest.Same(t, p.Store(), r.Store())
			if st := r.Status(); st.FullSyncs != full || st.PartialSyncs != partial {
				t.Errorf("%d full, %d partial resyncs, want %d, %d", st.FullSyncs, st.PartialSyncs, full, partial)
			}
		}
		check(1, 0)
		p.Cut()
		check(1, 1)
		p.CutAfter(5)
		check(1, 2)
		p.RefusePartial(1)
		p.Cut()
		check(2, 2)
		p.Cut()
		check(2, 3)
		p.Chunk(1)
		check(2, 3)
		p.Chunk(0)

		p.Stall(time.Second)
		start := time.Now()
		check(2, 3)
		if d := time.Since(start); d != time.Second {
			t.Errorf("the stall lasted %v, want a second", d)
		}
	})
}

// A replica comes back after the same time in each run.
func TestBackoffIsFixed(t *testing.T) {
	for range 5 {
		synctest.Test(t, func(t *testing.T) {
			p := replicationtest.New(t)
			r := p.Replica(nil)
			start := time.Now()
			p.Cut()
			p.Do("INCR", "n")
			if err := r.WaitOffset(t.Context(), p.Offset()); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(start); d != 100*time.Millisecond {
				t.Errorf("the link was up again after %v, want 100ms", d)
			}
		})
	}
}

// CutAfter before anybody has connected is for the next connection.
func TestCutAfterOnTheNextConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.CutAfter(100)
		var states []string
		p.Replica(&replication.ReplicaOptions{
			OnState: func(_, s replication.State) { states = append(states, s.String()) },
		}).Close() // after which there are no callbacks
		if got := strings.Join(states, " "); got != "connecting handshake loading waiting connecting handshake loading streaming closed" {
			t.Errorf("states %s", got)
		}
	})
}

// The kit works outside of bubbles as well.
func TestWithoutBubble(t *testing.T) {
	p := replicationtest.New(t)
	r := p.Replica(nil)
	p.Do("SET", "k", "v")
	if err := r.Barrier(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v, err := r.DB(0).Get("k"); v != "v" || err != nil {
		t.Errorf("k = %q, %v", v, err)
	}
}
