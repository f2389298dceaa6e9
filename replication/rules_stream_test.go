package replication_test

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

// The stream: what is in it, what it counts, and what is said back.

// onlineAt returns a replica that the test plays, at the beginning of the stream of an empty primary.
func onlineAt(t testing.TB, p *replicationtest.Primary) *peer {
	t.Helper()
	r := dial(t, p)
	r.online()
	synctest.Wait()
	return r
}

// Each write becomes an array of bulks, and each byte of that counts, beginning with the first behind the payload.
func TestRuleEncoding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := onlineAt(t, p)
		if n := p.Offset(); n != 0 {
			t.Fatalf("offset %d at the beginning, want 0", n)
		}
		want := ""
		for _, tc := range []struct {
			command []any
			bytes   string
		}{
			{[]any{"incr", "n"}, "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n"},
			{[]any{"SET", "a b", "\r\n\x00\xff"}, "*3\r\n$3\r\nSET\r\n$3\r\na b\r\n$4\r\n\r\n\x00\xff\r\n"},
			{[]any{"APPEND", "empty", ""}, "*3\r\n$6\r\nAPPEND\r\n$5\r\nempty\r\n$0\r\n\r\n"},
			{[]any{"GET", "n"}, ""},
			{[]any{"DEL", "none"}, ""},
		} {
			p.Do(tc.command...)
			want += tc.bytes
			if n := p.Offset(); n != int64(len(want)) {
				t.Errorf("after %q: offset %d, want %d", tc.command, n, len(want))
			}
		}
		if !strings.HasPrefix(r.read(6), "*2\r\n$6") {
			t.Error("the stream does not begin with SELECT")
		}
		r.wants(want[6:])
	})
}

// SELECT stands where the database changes, at the beginning, and after whatever makes somebody lose sight of it: a cut, a promotion. A partial resync is not among
// these: it goes on in the database that was selected.
func TestRuleSelect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		tap := onlineAt(t, p)
		write := func(db int, want ...string) {
			t.Helper()
			p.Do("SELECT", db)
			p.Do("INCR", "n")
			tap.wants(frames(want...))
		}
		write(0, "SELECT 0", "INCR n")
		write(0, "INCR n")
		write(5, "SELECT 5", "INCR n")
		write(5, "INCR n")
		id, end := p.Status().ID, p.Offset()

		again := capable(t, p)
		again.asks(id, end, "+CONTINUE "+id)
		write(5, "INCR n")
		again.wants(frames("INCR n"))

		dial(t, p).online()
		synctest.Wait()
		write(5, "SELECT 5", "INCR n")
		again.wants(frames("SELECT 5", "INCR n"))
		write(5, "INCR n")
		again.wants(frames("INCR n"))
		write(0, "SELECT 0", "INCR n")
	})
}

// A promoted node selects again before its first write, whatever the stream had selected, and does so once.
func TestRuleSelectAfterPromotion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		heir := p.Replica(nil)
		p.Do("SELECT", 3)
		p.Do("INCR", "n")
		barrier(t, heir)
		id, end := p.Status().ID, p.Offset()
		n, err := heir.Promote(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		r := clientOf(t, n)
		r.asks(id, end, "+CONTINUE")
		for range 2 {
			if _, err := n.DB(3).Do("INCR", "n"); err != nil {
				t.Fatal(err)
			}
		}
		r.wants(frames("SELECT 3", "INCR n", "INCR n"))
	})
}

// The replica's side of it: no SELECT comes after CONTINUE, and what comes is for the database of before, be it selected by itself or inside of a transaction.
func TestRuleSelectedDatabaseIsKept(t *testing.T) {
	for _, before := range [][]string{
		{"SELECT 7", "INCR n"},
		{"SELECT 2", "MULTI", "INCR x", "SELECT 7", "INCR n", "EXEC"},
	} {
		synctest.Test(t, func(t *testing.T) {
			file := rdbOf(t, "k")
			f := newFakePrimary(t,
				func(p *peer) { p.grant(file, 100); p.say("%s", frames(before...)); settle() },
				func(p *peer) { p.shakeHands(); p.say("+CONTINUE\r\n%s", frames("INCR n")); p.hold() },
			)
			r, _ := f.replica(nil)
			time.Sleep(10 * time.Second)
			if v, err := r.DB(7).Get("n"); v != "2" {
				t.Errorf("n in database 7 = %q, %v, want 2", v, err)
			}
		})
	}
}

// More than one effect of one unit is wrapped in MULTI and EXEC, with the SELECT inside; one stands alone, and none leaves nothing.
func TestRuleMulti(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		tap := onlineAt(t, p)
		unit := func(lines ...string) {
			p.Do("MULTI")
			for _, l := range lines {
				var args []any
				for _, w := range strings.Fields(l) {
					args = append(args, w)
				}
				p.Do(args...)
			}
			p.Do("EXEC")
		}
		unit("INCR a", "INCR b")
		tap.wants(frames("MULTI", "SELECT 0", "INCR a", "INCR b", "EXEC"))
		unit("INCR a", "INCR b")
		tap.wants(frames("MULTI", "INCR a", "INCR b", "EXEC"))
		unit("INCR a", "GET b")
		tap.wants(frames("INCR a"))
		unit("GET a", "DEL none")
		unit("INCR a", "SELECT 4", "INCR b")
		tap.wants(frames("MULTI", "INCR a", "SELECT 4", "INCR b", "EXEC"))
		p.Do("INCR", "b")
		tap.wants(frames("INCR b"))
		p.Do("SELECT", 0)
		unit("INCR a")
		tap.wants(frames("SELECT 0", "INCR a"))
		tap.silent(time.Second)
	})
}

// Keys that expire go by themselves: each DEL is a unit of its own, so that a replica never has to wait for the last of many.
func TestRuleExpiredKeysAreNotWrapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		tap := onlineAt(t, p)
		at := time.Now().Add(time.Second).UnixMilli()
		for _, k := range []string{"a", "b"} {
			p.Do("SET", k, "v", "PX", 1000)
		}
		tap.wants(frames("SELECT 0", fmt.Sprintf("SET a v PXAT %d", at), fmt.Sprintf("SET b v PXAT %d", at)))
		tap.silent(time.Second)
		time.Sleep(time.Second)
		got := tap.read(2 * len(frames("DEL a")))
		if got != frames("DEL a", "DEL b") && got != frames("DEL b", "DEL a") {
			t.Errorf("stream %q, want two DEL", got)
		}
	})
}

// The offset stands before MULTI until the last byte of EXEC has come: so says the acknowledgement, so says the next request, and the transaction comes whole.
func TestRuleOffsetInsideOfMulti(t *testing.T) {
	file := rdbOf(t, "k")
	unit := frames("MULTI", "INCR a", "INCR b", "EXEC")
	for cut := range len(unit) + 1 {
		synctest.Test(t, func(t *testing.T) {
			want := 123 // 23 bytes of SELECT 0
			rest := unit
			if cut == len(unit) {
				want, rest = want+len(unit), ""
			}
			var acked, asked string
			f := newFakePrimary(t,
				func(p *peer) {
					p.grant(file, 100)
					p.say("%s%s", frames("SELECT 0"), unit[:cut])
					for start := time.Now(); time.Since(start) < 2500*time.Millisecond; {
						acked = p.command()
					}
				},
				func(p *peer) { asked = p.shakeHands(); p.say("+CONTINUE\r\n%s", rest); p.hold() },
			)
			r, _ := f.replica(&replication.ReplicaOptions{Backoff: steadily(time.Second)})
			settle()
			if st := r.Status(); st.Offset != int64(want) || get(r.Store(), "a") != get(r.Store(), "b") {
				t.Errorf("%d bytes of a transaction: offset %d, want %d; a = %q, b = %q", cut, st.Offset, want, get(r.Store(), "a"), get(r.Store(), "b"))
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if a, q := fmt.Sprint("REPLCONF ACK ", want), fmt.Sprintf("PSYNC %s %d", fakeID, want+1); acked != a || asked != q {
				t.Errorf("%d bytes of a transaction: said %q and %q, want %q and %q", cut, acked, asked, a, q)
			}
			if st := r.Status(); st.Offset != int64(123+len(unit)) || get(r.Store(), "a") != "1" || get(r.Store(), "b") != "1" {
				t.Errorf("%d bytes, then the rest: offset %d, a = %q, b = %q", cut, st.Offset, get(r.Store(), "a"), get(r.Store(), "b"))
			}
		})
	}
}

// While half a transaction is here, whatever looks at the node sees what was before it: a file, a chained replica, and who promotes the node.
func TestRuleHalfATransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		f := newFakePrimary(t, func(p *peer) {
			p.grant(file, 100)
			p.say("%s", frames("SELECT 0", "INCR n", "MULTI", "INCR n", "INCR n"))
			p.hold()
		})
		r, _ := f.replica(nil)
		settle()
		before := fakeID + ` 144, before "" -1`
		if got := where(r.Status()); got != before {
			t.Errorf("the history is %s, want %s", got, before)
		}
		s := store.New(nil)
		defer s.Close()
		if err := s.Replication().LoadFile(saved(t, r.Store())); err != nil {
			t.Fatal(err)
		}
		if h := s.Replication().History(); h.Offset != 144 || string(h.ID) != fakeID || get(s, "n") != "1" {
			t.Errorf("the file has n = %s at %d of %s, want 1 at 144 of %s", get(s, "n"), h.Offset, h.ID, fakeID)
		}
		chained := clientOf(t, r)
		chained.asks(fakeID, 100, "+CONTINUE")
		chained.wants(frames("SELECT 0", "INCR n"))
		chained.silent(time.Second)
		whole := clientOf(t, r)
		whole.send("PSYNC", "?", "-1")
		whole.wants("+FULLRESYNC " + fakeID + " 144\r\n")
		if got := get(load(t, whole.payload()), "n"); got != "1" {
			t.Errorf("n = %s in the payload for a chained replica, want 1", got)
		}
		n, err := r.Promote(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		st := n.Status()
		if got, want := where(st), st.ID+` 144, before "`+fakeID+`" 144`; got != want || get(n.Store(), "n") != "1" {
			t.Errorf("promoted: %s with n = %s, want %s with 1", got, get(n.Store(), "n"), want)
		}
	})
}

// PING goes into the stream once in a period, while somebody listens, and counts its 14 bytes on both sides.
func TestRulePing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{PingPeriod: 5 * time.Second}})
		time.Sleep(12 * time.Second)
		if n := p.Offset(); n != 0 {
			t.Errorf("offset %d without a replica, want 0", n)
		}
		tap := onlineAt(t, p)
		tap.silent(2900 * time.Millisecond)
		time.Sleep(200 * time.Millisecond)
		tap.wants("*1\r\n$4\r\nPING\r\n")
		tap.silent(4800 * time.Millisecond)
		time.Sleep(200 * time.Millisecond)
		tap.wants("*1\r\n$4\r\nPING\r\n")
		if n := p.Offset(); n != 28 {
			t.Errorf("offset %d after two PING, want 28", n)
		}
		p.Do("INCR", "n")
		tap.wants(frames("SELECT 0", "INCR n"))
	})
}

// Whoever waits for replicas makes the primary ask: one GETACK of 37 bytes for one wait, and none when they have said it already.
func TestRuleGetAck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		tap := onlineAt(t, p)
		p.Do("INCR", "n")
		tap.wants(frames("SELECT 0", "INCR n"))
		const ask = "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"
		got := make(chan int, 1)
		go func() { n, _ := p.WaitReplicas(t.Context(), 1, 44); got <- n }()
		tap.wants(ask)
		if n := p.Offset(); n != 44+37 {
			t.Errorf("offset %d after the question, want 81", n)
		}
		tap.send("REPLCONF", "ACK", "43")
		synctest.Wait()
		select {
		case n := <-got:
			t.Fatalf("%d replicas have 44 bytes, says the wait, when one has 43", n)
		default:
		}
		tap.send("REPLCONF", "ACK", "44") // before the question: its own bytes are not counted
		if n := <-got; n != 1 {
			t.Errorf("%d replicas have 44 bytes, want 1", n)
		}
		if n, err := p.WaitReplicas(t.Context(), 1, 44); n != 1 || err != nil {
			t.Errorf("the second wait: %d, %v, want 1", n, err)
		}
		tap.silent(time.Second)
	})
}

// An acknowledgement may carry a second number, of what is on disk; it never goes back, never beyond the end, and nothing is said in return.
func TestRuleAcknowledgements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		tap := onlineAt(t, p)
		p.Do("INCR", "n")
		tap.wants(frames("SELECT 0", "INCR n"))
		for _, tc := range []struct {
			ack  string
			want int64
		}{
			{"REPLCONF ACK 23", 23},
			{"REPLCONF ACK 30 FACK 10", 30},
			{"replconf ack 29", 30},
			{"REPLCONF ACK -5", 30},
			{"REPLCONF ACK x", 30},
			{"REPLCONF ACK 43", 43},
			{"REPLCONF ACK 45", 44},
			{"REPLCONF ACK 44", 44},
		} {
			tap.send(strings.Fields(tc.ack)...)
			tap.silent(time.Second / 10)
			if got := p.Replicas()[0].Acked; got != tc.want {
				t.Errorf("after %s: %d acknowledged, want %d", tc.ack, got, tc.want)
			}
		}
		// From somebody who is no replica it means nothing and has no reply either.
		c := dial(t, p)
		c.send("REPLCONF", "ACK", "44")
		c.send("REPLCONF", "GETACK", "*")
		c.send("PING")
		c.wants("+PONG\r\n")
	})
}

// A replica has no replies for its primary: whatever comes in the stream, what goes back are acknowledgements, of what was applied.
func TestRuleNoReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		var heard []string
		sent := frames("SELECT 0", "INCR n", "PING", "PUBLISH c m", "DEL none", "MULTI", "INCR n", "INCR n", "EXEC", "SET k w GET")
		f := newFakePrimary(t, func(p *peer) {
			p.grant(file, 100)
			p.say("%s", sent)
			for range 20 {
				heard = append(heard, p.command())
			}
			p.hold()
		})
		r, _ := f.replica(nil)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		want := fmt.Sprint("REPLCONF ACK ", 100+len(sent))
		for i, c := range heard {
			if c != want && !(i < 2 && c == "REPLCONF ACK 100") {
				t.Errorf("word %d is %q, want %q", i, c, want)
			}
		}
		if len(heard) != 20 || get(r.Store(), "n") != "3" {
			t.Errorf("%d words heard, n = %s, want 20 and 3", len(heard), get(r.Store(), "n"))
		}
	})
}

// A chained replica gets the bytes that its primary got, unchanged, and with them the same ID and offset. The node between adds nothing of its own: no PING, no
// SELECT, no DEL of what expires, not even while its own link is down.
func TestRuleCascade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		// Not as we would write it: lower case, relative times, what has no effect, and a transaction around a single write.
		sent := frames("select 0", "incr n", "setex s 1 v", "DEL none", "multi", "incr n", "exec", "ping", "replconf getack *")
		cut := make(chan struct{})
		f := newFakePrimary(t,
			func(p *peer) { p.grant(file, 100); p.say("%s", sent); p.command(); <-cut },
			func(p *peer) { p.shakeHands(); time.Sleep(5 * time.Minute); p.hold() },
		)
		r, _ := f.replica(&replication.ReplicaOptions{Timeout: 10 * time.Minute})
		settle()
		chained := clientOf(t, r)
		chained.asks(fakeID, 100, "+CONTINUE")
		chained.wants(sent)
		for range 30 {
			chained.silent(2 * time.Second)
			chained.send("REPLCONF", "ACK", "0")
		}
		close(cut)
		for range 30 {
			chained.silent(2 * time.Second)
			chained.send("REPLCONF", "ACK", "0")
		}
		if got, want := where(r.Status()), fmt.Sprintf(`%s %d, before "" -1`, fakeID, 100+len(sent)); got != want {
			t.Errorf("the history is %s, want %s", got, want)
		}
	})
}
