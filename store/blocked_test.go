package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// client is a session that may wait: its command runs in a goroutine of its own.
type waitingClient struct {
	t     *testing.T
	c     *Session
	reply chan resp.Value
	stop  context.CancelCauseFunc
}

func waiting(t *testing.T, s *Store, line string) *waitingClient {
	ctx, stop := context.WithCancelCause(t.Context())
	w := &waitingClient{t: t, reply: make(chan resp.Value, 1), stop: stop}
	w.c = s.NewSession(&SessionOptions{Wait: func() (context.Context, func()) { return ctx, func() {} }})
	go func() { w.reply <- w.c.Do(argv(strings.Fields(line)...)) }()
	synctest.Wait()
	return w
}

// got is the reply, or "waits".
func (w *waitingClient) got() string {
	synctest.Wait()
	select {
	case v := <-w.reply:
		return v.String()
	default:
		return "waits"
	}
}

// blockedCases run writes beside waiting clients: what each is told, and what the
// stream carries.
var blockedCases = []struct {
	name    string
	before  string // by semicolons
	waiters string // a line each, in order, by semicolons
	writes  string
	told    []string
	stream  string // of the writes, by semicolons
}{
	{"served by a push", "", "BLPOP k 0", "RPUSH k a b", []string{`["k" "a"]`}, "RPUSH k a b;LPOP k"},
	{"right end", "", "BRPOP k 0", "RPUSH k a b", []string{`["k" "b"]`}, "RPUSH k a b;RPOP k"},
	{"the oldest first", "", "BLPOP k 0;BLPOP k 0;BLPOP k 0", "RPUSH k a b", []string{`["k" "a"]`, `["k" "b"]`, "waits"}, "RPUSH k a b;LPOP k;LPOP k"},
	{"either key", "", "BLPOP x k 0;BLPOP k 0", "RPUSH k a;RPUSH k b", []string{`["k" "a"]`, `["k" "b"]`}, "RPUSH k a;LPOP k;RPUSH k b;LPOP k"},
	{"the same key twice", "", "BLPOP k k 0", "RPUSH k a b", []string{`["k" "a"]`}, "RPUSH k a b;LPOP k"},
	{"one that is there", "RPUSH k a", "BLPOP x k 0", "", []string{`["k" "a"]`}, ""},
	{"not in the midst of a transaction", "", "BLPOP k 0", "MULTI;RPUSH k a;LPOP k;EXEC", []string{"waits"}, "MULTI;RPUSH k a;LPOP k;EXEC"},
	{"at the end of a transaction", "", "BLPOP k 0", "MULTI;RPUSH k a;RPUSH k b;EXEC", []string{`["k" "a"]`}, "MULTI;RPUSH k a;RPUSH k b;EXEC;LPOP k"},
	{"one move serves the next", "", "BLMOVE a b LEFT RIGHT 0;BLPOP b 0", "RPUSH a x", []string{`"x"`, `["b" "x"]`}, "RPUSH a x;LMOVE a b LEFT RIGHT;LPOP b"},
	{"rotation", "", "BLMOVE a a LEFT RIGHT 0", "RPUSH a x y", []string{`"x"`}, "RPUSH a x y;LMOVE a a LEFT RIGHT"},
	{"the old name of a move", "", "BRPOPLPUSH a b 0", "RPUSH a x", []string{`"x"`}, "RPUSH a x;RPOPLPUSH a b"},
	{"a target of another type", "SET b 1", "BLMOVE a b LEFT RIGHT 0", "RPUSH a x", []string{"-WRONGTYPE Operation against a key holding the wrong kind of value"}, "RPUSH a x"},
	{"a key of another type", "", "BLPOP k 0", "SET k 1;DEL k;RPUSH k a", []string{`["k" "a"]`}, "SET k 1;DEL k;RPUSH k a;LPOP k"},
	{"a key of another type at once", "SET k 1", "BLPOP x k y 0", "", []string{"-WRONGTYPE Operation against a key holding the wrong kind of value"}, ""},
	{"who waits for another type", "", "BZPOPMIN k 0;BLPOP k 0", "RPUSH k a", []string{"waits", `["k" "a"]`}, "RPUSH k a;LPOP k"},
	{"several at a time", "", "BLMPOP 0 2 x k LEFT COUNT 2", "RPUSH k a b c", []string{`["k" ["a" "b"]]`}, "RPUSH k a b c;LPOP k 2"},
	{"renamed", "RPUSH x a", "BLPOP k 0", "RENAME x k", []string{`["k" "a"]`}, "RENAME x k;LPOP k"},
	{"copied", "RPUSH x a", "BLPOP k 0", "COPY x k", []string{`["k" "a"]`}, "COPY x k;LPOP k"},
	{"another database", "", "BLPOP k 0", "SELECT 1;RPUSH k a", []string{"waits"}, "SELECT 1;RPUSH k a"},
	{"moved from another database", "", "BLPOP k 0", "SELECT 1;RPUSH k a;MOVE k 0", []string{`["k" "a"]`}, "SELECT 1;RPUSH k a;MOVE k 0;SELECT 0;LPOP k"},
	{"swapped", "", "BLPOP k 0", "SELECT 1;RPUSH k a;SWAPDB 0 1", []string{`["k" "a"]`}, "SELECT 1;RPUSH k a;SWAPDB 0 1;SELECT 0;LPOP k"},
	{"entries", "", "XREAD BLOCK 0 STREAMS k 0", "XADD k 1 f v", []string{`{"k" [["1-0" ["f" "v"]]]}`}, "XADD k 1-0 f v"},
	{"entries to all", "", "XREAD BLOCK 0 STREAMS k 0;XREAD BLOCK 0 STREAMS x k $ $", "XADD k 1 f v", []string{`{"k" [["1-0" ["f" "v"]]]}`, `{"k" [["1-0" ["f" "v"]]]}`}, "XADD k 1-0 f v"},
	{"entries that are there", "XADD k 1 f v;XADD x 1 f v", "XREAD BLOCK 0 STREAMS k none x 0 0 0", "", []string{`{"k" [["1-0" ["f" "v"]]] "x" [["1-0" ["f" "v"]]]}`}, ""},
	{"entries behind the last", "XADD k 5 f v", "XREAD BLOCK 0 STREAMS k $;XREAD BLOCK 0 STREAMS k 7;XREAD BLOCK 0 STREAMS k 5", "XADD k 6 f v;XADD k 8 f v",
		[]string{`{"k" [["6-0" ["f" "v"]]]}`, `{"k" [["8-0" ["f" "v"]]]}`, `{"k" [["6-0" ["f" "v"]]]}`}, "XADD k 6-0 f v;XADD k 8-0 f v"},
	{"the last entry", "XADD k 5 f v", "XREAD BLOCK 0 STREAMS k +;XREAD BLOCK 0 STREAMS none +", "XADD none 1 f v", []string{`{"k" [["5-0" ["f" "v"]]]}`, `{"none" [["1-0" ["f" "v"]]]}`}, "XADD none 1-0 f v"},
	{"entries of a transaction", "", "XREAD BLOCK 0 COUNT 2 STREAMS k $", "MULTI;XADD k 1 f v;XADD k 2 f v;XADD k 3 f v;EXEC", []string{`{"k" [["1-0" ["f" "v"]] ["2-0" ["f" "v"]]]}`},
		"MULTI;XADD k 1-0 f v;XADD k 2-0 f v;XADD k 3-0 f v;EXEC"},
	{"entries that are gone again", "", "XREAD BLOCK 0 STREAMS k $", "XADD k MAXLEN 0 1 f v;XADD k 2 f v", []string{`{"k" [["2-0" ["f" "v"]]]}`}, "XADD k MAXLEN = 0 1-0 f v;XADD k 2-0 f v"},
	{"a key that is no stream yet", "", "XREAD BLOCK 0 STREAMS k 0;BLPOP k 0", "SET k v;DEL k;RPUSH k a;XADD k 1 f v", []string{`{"k" [["1-0" ["f" "v"]]]}`, `["k" "a"]`}, "SET k v;DEL k;RPUSH k a;LPOP k;XADD k 1-0 f v"},
	{"a key that is no stream at once", "SET k v", "XREAD BLOCK 0 STREAMS x k 0 0", "", []string{"-WRONGTYPE Operation against a key holding the wrong kind of value"}, ""},
	{"a stream from elsewhere", "XADD x 1 f v", "XREAD BLOCK 0 STREAMS k 0", "RENAME x k", []string{`{"k" [["1-0" ["f" "v"]]]}`}, "RENAME x k"},
	{"lowest score", "", "BZPOPMIN x k 0", "ZADD k 2 b 1 a", []string{`["k" "a" 1]`}, "ZADD k 2 b 1 a;ZPOPMIN k"},
	{"highest score", "", "BZPOPMAX k 0;BZPOPMAX k 0", "ZADD k 2 b 1 a", []string{`["k" "b" 2]`, `["k" "a" 1]`}, "ZADD k 2 b 1 a;ZPOPMAX k;ZPOPMAX k"},
	{"several members", "", "BZMPOP 0 1 k MAX COUNT 5", "ZADD k 2 b 1 a", []string{`["k" [["b" 2] ["a" 1]]]`}, "ZADD k 2 b 1 a;ZPOPMAX k 2"},
}

func TestBlocked(t *testing.T) {
	for _, tt := range blockedCases {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore(t, nil)
				c := s.NewSession(nil)
				do(t, c, "SET selects 0")
				each(tt.before, func(line string) { do(t, c, line) })
				var clients []*waitingClient
				each(tt.waiters, func(line string) { clients = append(clients, waiting(t, s, line)) })
				offset := s.backlog.Offset()
				each(tt.writes, func(line string) { do(t, c, line) })
				if tt.writes != "" {
					var want strings.Builder
					each(tt.stream, func(line string) { want.WriteString(wire(line)) })
					if got := streamSince(t, s, offset); got != want.String() {
						t.Errorf("stream %q, want %q", got, want.String())
					}
				}
				for i, w := range clients {
					if got := w.got(); got != tt.told[i] {
						t.Errorf("client %d is told %s, want %s", i, got, tt.told[i])
					}
					w.stop(nil)
				}
				synctest.Wait()
				if n := len(s.mu.blocked.queues); n != 0 {
					t.Errorf("%d queues are left", n)
				}
			})
		})
	}
}

func each(lines string, fn func(line string)) {
	for _, line := range strings.Split(lines, ";") {
		if line != "" {
			fn(line)
		}
	}
}

// A wait ends for many reasons; what nobody was told of is still there.
func TestBlockedEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		line string
		end  func(s *Store, w *waitingClient)
		want string
	}{
		"time":        {"BLPOP k 0.25", func(*Store, *waitingClient) { time.Sleep(251 * time.Millisecond) }, "(nil)"},
		"not yet":     {"BLPOP k 0.25", func(*Store, *waitingClient) { time.Sleep(249 * time.Millisecond) }, "waits"},
		"move":        {"BLMOVE k x LEFT LEFT 1", func(*Store, *waitingClient) { time.Sleep(2 * time.Second) }, "(nil)"},
		"client left": {"BLPOP k 0", func(_ *Store, w *waitingClient) { w.stop(nil) }, "-ERR context canceled"},
		"told why":    {"BLPOP k 0", func(_ *Store, w *waitingClient) { w.stop(&Error{"UNBLOCKED by hand"}) }, "-UNBLOCKED by hand"},
		"demoted":     {"BLPOP k 0", func(s *Store, _ *waitingClient) { s.Replication().Demote() }, "-" + errDemoted.text},
		"closed":      {"BLPOP k 0", func(s *Store, _ *waitingClient) { _ = s.Close() }, "-ERR store: closed"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore(t, nil)
				w := waiting(t, s, tt.line)
				tt.end(s, w)
				if got := w.got(); got != tt.want {
					t.Errorf("told %s, want %s", got, tt.want)
				}
				if tt.want == "waits" {
					w.stop(nil)
					synctest.Wait()
				}
				s.Replication().Promote()
				c := s.NewSession(nil)
				c.Do(argv("RPUSH", "k", "a"))
				if got := c.Do(argv("LLEN", "k")).String(); name != "closed" && got != "1" {
					t.Errorf("%s elements are left after a push, want 1", got)
				}
			})
		})
	}
}

// Served in the moment in which it gives up, a client is told what it was served.
func TestBlockedServedWhileLeaving(t *testing.T) {
	s := newStore(t, nil)
	w := waits(t, s, parseBLPop, "BLPOP k 0")
	do(t, s.NewSession(nil), "RPUSH k a")
	if r, err := s.leave(w, ErrWaitOver); err != nil || r.v.String() != `["k" "a"]` {
		t.Errorf("told %v, %v; the element is gone from the list", r.v, err)
	}
}

// waits makes a client wait without a goroutine.
func waits(t *testing.T, s *Store, parse func([][]byte) (wish, error), line string) *waiter {
	t.Helper()
	w := &waiter{served: make(chan blockedReply, 1)}
	var err error
	if w.wish, err = parse(argv(strings.Fields(line)...)); err != nil {
		t.Fatal(err)
	}
	if _, done, err := s.grantOrQueue(w); done || err != nil {
		t.Fatal(done, err)
	}
	return w
}

// However many wait, a write looks at those whom it serves and a client that leaves at
// nobody: the mines among the others do not go off. Else n clients that are served, or
// leave, cost n times n under the writer lock.
func TestBlockedLooksAtNobodyElse(t *testing.T) {
	s := newStore(t, nil)
	mine := func(kind Kind) {
		_ = s.mu.blocked.queues[queueKey{0, "k"}].of(kind).PushBack("a mine")
	}
	first := waits(t, s, parseBLPop, "BLPOP k other 0")
	second := waits(t, s, parseBLPop, "BLPOP k 0")
	mine(List)
	leaves := waits(t, s, parseBLPop, "BLPOP k 0")
	mine(List)
	member := waits(t, s, parseBZPopMin, "BZPOPMIN k 0")
	mine(SortedSet)

	c := s.NewSession(nil)
	for _, line := range []string{"SET k v", "DEL k", "SADD k v", "DEL k", "RPUSH k a b", "ZADD k 1 m"} {
		do(t, c, line)
	}
	if _, err := s.leave(leaves, ErrWaitOver); err != ErrWaitOver {
		t.Errorf("a client that leaves is told %v", err)
	}
	for i, w := range []*waiter{first, second, member} {
		want := []string{`["k" "a"]`, `["k" "b"]`, `["k" "m" 1]`}[i]
		if r, err := s.leave(w, ErrWaitOver); err != nil || r.v.String() != want {
			t.Errorf("client %d is told %v, %v, want %s", i, r.v, err, want)
		}
	}
	q := s.mu.blocked.queues[queueKey{0, "k"}]
	if len(s.mu.blocked.queues) != 1 || q.list.Len() != 2 || q.sorted.Len() != 1 {
		t.Errorf("%d queues, %d and %d wait, want the mines alone", len(s.mu.blocked.queues), q.list.Len(), q.sorted.Len())
	}
}

// A client whose wait is over, and who leaves later, takes with it nobody who has come to
// wait for the same key since.
func TestBlockedLeavesAlone(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(s *Store)
		want error
	}{
		"served": {func(s *Store) { do(t, s.NewSession(nil), "RPUSH k a") }, nil},
		"demoted": {func(s *Store) {
			s.Replication().Demote()
			s.Replication().Promote()
		}, errDemoted},
	} {
		s := newStore(t, nil)
		told := waits(t, s, parseBLPop, "BLPOP k 0")
		tt.end(s)
		next := waits(t, s, parseBLPop, "BLPOP k 0")
		if _, err := s.leave(told, ErrWaitOver); err != tt.want {
			t.Errorf("%s: told %v, want %v", name, err, tt.want)
		}
		do(t, s.NewSession(nil), "RPUSH k b")
		if r, err := s.leave(next, ErrWaitOver); err != nil || r.v.String() != `["k" "b"]` {
			t.Errorf("%s: the next is told %v, %v", name, r.v, err)
		}
	}
}

func TestBlockingWords(t *testing.T) {
	c := newStore(t, nil).NewSession(nil)
	for line, want := range map[string]string{
		"BLPOP k x":                   "ERR timeout is not a float or out of range",
		"BLPOP k nan":                 "ERR timeout is not a float or out of range",
		"BLPOP k -1":                  "ERR timeout is negative",
		"BLPOP k 1e30":                "ERR timeout is out of range",
		"BLMOVE a b UP LEFT 0":        "ERR syntax error",
		"BLMPOP 0 0 k LEFT":           "ERR numkeys should be greater than 0",
		"BLMPOP x 1 k LEFT":           "ERR timeout is not a float or out of range",
		"BLMPOP x 0 k LEFT":           "ERR numkeys should be greater than 0",
		"BZMPOP x 1 k MIDDLE":         "ERR syntax error",
		"BLPOP k inf":                 "ERR timeout is out of range",
		"BLPOP k -inf":                "ERR timeout is negative",
		"BLMPOP 0 1 k LEFT COUNT 0":   "ERR count should be greater than 0",
		"BZMPOP 0 1 k MIDDLE":         "ERR syntax error",
		"BLPOP k":                     "ERR wrong number of arguments for 'blpop' command",
		"BZPOPMIN k x":                "ERR timeout is not a float or out of range",
		"BRPOPLPUSH a b 0 LEFT RIGHT": "ERR wrong number of arguments for 'brpoplpush' command",
	} {
		if got := c.Do(argv(strings.Fields(line)...)); got.Kind != resp.Error || got.Str != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

// Between MULTI and EXEC nothing is waited for.
func TestBlockingInTransaction(t *testing.T) {
	c := newStore(t, nil).NewSession(nil)
	for _, line := range []string{"MULTI", "BLPOP k 0", "BLMOVE a b LEFT RIGHT 0", "BZPOPMIN z 0", "RPUSH k a", "BLPOP k 0"} {
		do(t, c, line)
	}
	if got, want := do(t, c, "EXEC").String(), `[(nil) (nil) (nil) 1 ["k" "a"]]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The typed forms wait for ctx, and tell what they were served.
func TestBlockingTyped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, nil)
		db := s.DB(1)
		got := make(chan string)
		ask := func(fn func() string) { go func() { got <- fn() }() }
		ask(func() string { k, v, err := db.BLPop(t.Context(), "x", "k"); return fmt.Sprint(k, v, err) })
		ask(func() string { v, err := db.BLMove(t.Context(), "from", "to", Left, Right); return fmt.Sprint(v, err) })
		ask(func() string { k, m, f, err := db.BZPopMax(t.Context(), "z"); return fmt.Sprint(k, m, f, err) })
		ask(func() string { return show(db.BLMPop(t.Context(), Right, 2, "x", "many")) })
		ask(func() string { return show(db.BZMPopMin(t.Context(), 2, "lowest")) })
		ask(func() string { return show(db.BZMPopMax(t.Context(), 9, "x", "highest")) })
		synctest.Wait()
		for _, tt := range []struct{ write, want string }{
			{"RPUSH k a", "ka<nil>"}, {"RPUSH from b", "b<nil>"}, {"ZADD z 1 a 2.5 b", "zb2.5 <nil>"},
			{"RPUSH many a b c", "many [c b] <nil>"}, {"ZADD lowest 1 a 2.5 b 3 c", "lowest [{1 a} {2.5 b}] <nil>"},
			{"ZADD highest -inf a 2.5 b", "highest [{2.5 b} {-Inf a}] <nil>"},
		} {
			if _, err := db.Do(strings.Fields(tt.write)...); err != nil {
				t.Fatal(err)
			}
			if g := <-got; g != tt.want {
				t.Errorf("%s: got %s, want %s", tt.write, g, tt.want)
			}
		}
		_ = db.Set("s", "v", 0)
		if _, _, err := db.BRPop(t.Context(), "s"); err != ErrWrongType {
			t.Errorf("a string: %v", err)
		}
		if _, _, err := db.BLPop(t.Context()); err != errNoKeys {
			t.Errorf("no key to wait for: %v", err)
		}
		for _, tt := range []struct{ got, want string }{
			{show(db.BLMPop(t.Context(), Left, 0, "k")), " [] " + errNoCount.text},
			{show(db.BLMPop(t.Context(), Left, 1)), " [] " + errNoKeys.Error()},
			{show(db.BZMPopMin(t.Context(), 1, "none", "s")), " [] " + ErrWrongType.text},
			{show(db.BZMPopMax(t.Context(), -1, "k")), " [] " + errNoCount.text},
		} {
			if tt.got != strings.TrimSpace(tt.want) {
				t.Errorf("got %s, want %s", tt.got, tt.want)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, _, err := db.BZPopMin(ctx, "nothing"); err != context.DeadlineExceeded {
			t.Errorf("nothing in time: %v", err)
		}
		_, err := s.Update(func(*Tx) error { _, _, err := db.BLPop(t.Context(), "k"); return err })
		if err != ErrNested {
			t.Errorf("inside of Update: %v", err)
		}
	})
}

// A replica that is no longer writable serves nobody, and a data set that was loaded
// serves those who waited for what is in it.
func TestBlockedOnReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a := newReplica(t, nil)
		s.Replication().SetWritable(true)
		w := waiting(t, s, "BLPOP q 0")
		s.Replication().SetWritable(false)
		if got := w.got(); got != "-"+ErrReadOnly.text {
			t.Errorf("told %s when writes were forbidden", got)
		}
		if err := apply(t, a, wire("RPUSH q x")); err != nil {
			t.Fatal(err)
		}
		if n, _ := s.DB(0).LLen("q"); n != 1 || s.Replication().History().Taint != "" {
			t.Errorf("%d elements, taint %q", n, s.Replication().History().Taint)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		from := newStore(t, nil)
		do(t, from.NewSession(nil), "RPUSH q x")
		var file bytes.Buffer
		if err := from.View(func(sn *Snapshot) error { return sn.WriteRDB(&file, nil) }); err != nil {
			t.Fatal(err)
		}
		s, _ := newReplica(t, nil)
		s.Replication().SetWritable(true)
		w := waiting(t, s, "BLPOP q 0")
		l := s.Replication().NewLoader()
		if err := errors.Join(l.LoadRDB(&file), l.Commit(s.Replication().History())); err != nil {
			t.Fatal(err)
		}
		if got := w.got(); got != `["q" "x"]` {
			t.Errorf("told %s after a load", got)
		}
		w.stop(nil)
	})
}

// Reads of a replica change nothing, wherever they stand: a key past its deadline is
// the primary's to remove.
func TestReadsInTransactionOnReplica(t *testing.T) {
	for _, read := range []string{"ZUNION 1 z", "ZINTERCARD 1 z", "ZDIFF 1 z", "ZRANGE z 0 -1", "SINTER z", "SORT_RO z", "GET z", "OBJECT ENCODING z", "DUMP z"} {
		clock := newClock()
		s, a := newReplica(t, &Options{Clock: clock.now})
		if err := apply(t, a, wire("ZADD z 1 a")+wire("PEXPIREAT z "+strconv.FormatInt(clock.ms.Load()+10, 10))); err != nil {
			t.Fatal(err)
		}
		clock.advance(time.Second)
		c := s.NewSession(nil)
		for _, line := range []string{"MULTI", read, "EXEC"} {
			do(t, c, line)
		}
		if taint := s.Replication().History().Taint; taint != "" {
			t.Errorf("%s: %s", read, taint)
		}
		if err := apply(t, a, wire("PERSIST z")+wire("ZADD z 2 b")); err != nil {
			t.Fatal(err)
		}
		if n, _ := s.DB(0).ZCard("z"); n != 2 {
			t.Errorf("%s: %d members are left, want 2", read, n)
		}
	}
}

// A body that changes in place may stand under another key by the time a reader has
// its lock: reads of lists and sorted sets notice, which reads of one entry cannot.
func TestReadsOfTreesAreShared(t *testing.T) {
	for _, group := range [][]Command{listCommands, sortedCommands} {
		for _, c := range group {
			if c.Flags&flagOneKey != 0 {
				t.Errorf("%s would read what its key never held", c.Name)
			}
		}
	}
}
