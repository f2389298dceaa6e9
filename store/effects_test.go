package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// The clock of these tests stands at 1700000000000.
var effectTests = []struct {
	before string // commands run first, by semicolons
	line   string
	want   string // commands of the stream, by semicolons; "" for none
}{
	// Strings.
	{"", "SET k v", "SET k v"},
	{"", "set k v", "SET k v"},
	{"", "SET k v NX", "SET k v NX"},
	{"SET k w", "SET k v XX", "SET k v XX"},
	{"SET k w", "SET k v NX", ""},
	{"", "SET k v XX", ""},
	{"", "SET k v GET", "SET k v"},
	{"SET k w", "SET k v XX GET", "SET k v XX"},
	{"", "SET k v KEEPTTL", "SET k v KEEPTTL"},
	{"SET k w", "SET k v KEEPTTL XX", "SET k v KEEPTTL XX"},
	{"", "SET k v EX 10", "SET k v PXAT 1700000010000"},
	{"", "SET k v PX 10", "SET k v PXAT 1700000000010"},
	{"", "SET k v EXAT 1700000005", "SET k v PXAT 1700000005000"},
	{"", "SET k v PXAT 1700000005001", "SET k v PXAT 1700000005001"},
	{"", "SET k v NX EX 10 GET", "SET k v PXAT 1700000010000"},
	{"", "SET k v EX 0", ""},
	{"", "SET k v NX XX", ""},
	{"HSET k f v", "SET k v GET", ""},
	{"", "SETNX k v", "SETNX k v"},
	{"SET k w", "SETNX k v", ""},
	{"", "SETEX k 10 v", "SET k v PXAT 1700000010000"},
	{"", "PSETEX k 10 v", "SET k v PXAT 1700000000010"},
	{"SET k w", "GETSET k v", "SET k v"},
	{"SET k w", "GETDEL k", "DEL k"},
	{"", "GETDEL k", ""},
	{"SET k w", "GETEX k", ""},
	{"SET k w", "GETEX k EX 10", "PEXPIREAT k 1700000010000"},
	{"SET k w", "GETEX k PX 10", "PEXPIREAT k 1700000000010"},
	{"SET k w", "GETEX k EXAT 1700000005", "PEXPIREAT k 1700000005000"},
	{"SET k w", "GETEX k PXAT 1", "DEL k"},
	{"SET k w", "GETEX k PERSIST", ""},
	{"SET k w EX 9", "GETEX k PERSIST", "PERSIST k"},
	{"", "GETEX k EX 10", ""},
	{"HSET k f v", "GETEX k EX 10", ""},
	{"", "MSET a 1 b 2", "MSET a 1 b 2"},
	{"", "MSETNX a 1 b 2", "MSETNX a 1 b 2"},
	{"SET b 1", "MSETNX a 1 b 2", ""},
	{"", "INCR n", "INCR n"},
	{"", "DECR n", "DECR n"},
	{"", "INCRBY n 5", "INCRBY n 5"},
	{"", "DECRBY n 5", "DECRBY n 5"},
	{"SET n x", "INCR n", ""},
	{"SET n 9223372036854775807", "INCR n", ""},
	{"SET n 10.5", "INCRBYFLOAT n 0.1", "SET n 10.6 KEEPTTL"},
	{"SET n x", "INCRBYFLOAT n 0.1", ""},
	{"", "APPEND k v", "APPEND k v"},
	{"", "SETRANGE k 3 v", "SETRANGE k 3 v"},
	{"SET k w", "GETRANGE k 0 -1", ""},

	// Hashes.
	{"", "HSET h f v g w", "HSET h f v g w"},
	{"HSET h f v", "HSET h f v", "HSET h f v"},
	{"", "HMSET h f v", "HMSET h f v"},
	{"", "HSETNX h f v", "HSETNX h f v"},
	{"HSET h f w", "HSETNX h f v", ""},
	{"HSET h f w g x", "HDEL h f none", "HDEL h f none"},
	{"HSET h f w", "HDEL h none", ""},
	{"HSET h f w", "HDEL h f", "HDEL h f"},
	{"", "HINCRBY h f 3", "HINCRBY h f 3"},
	{"HSET h f 10.5", "HINCRBYFLOAT h f 0.1", "HSET h f 10.6"},
	{"SET h v", "HSET h f v", ""},

	// Keys and expiry.
	{"MSET a 1 b 2", "DEL a b", "DEL a b"},
	{"SET a 1", "DEL a none", "DEL a"},
	{"", "DEL none", ""},
	{"SET a 1", "UNLINK a", "UNLINK a"},
	{"SET k v", "EXPIRE k 10", "PEXPIREAT k 1700000010000"},
	{"SET k v", "PEXPIRE k 10 NX", "PEXPIREAT k 1700000000010 NX"},
	{"SET k v EX 1", "EXPIRE k 10 XX GT", "PEXPIREAT k 1700000010000 XX GT"},
	{"SET k v", "EXPIREAT k 1700000005 LT", "PEXPIREAT k 1700000005000 LT"},
	{"SET k v", "PEXPIREAT k 1700000005001", "PEXPIREAT k 1700000005001"},
	{"SET k v", "EXPIRE k 10 GT", ""},
	{"SET k v", "EXPIRE k 0", "DEL k"},
	{"SET k v", "PEXPIREAT k 1700000000000", "DEL k"},
	{"SET k v", "EXPIRE k -1", "DEL k"},
	{"", "EXPIRE k 10", ""},
	{"SET k v EX 1", "PERSIST k", "PERSIST k"},
	{"SET k v", "PERSIST k", ""},
	{"SET a 1", "RENAME a b", "RENAME a b"},
	{"SET a 1", "RENAMENX a b", "RENAMENX a b"},
	{"MSET a 1 b 2", "RENAMENX a b", ""},
	{"SET a 1", "COPY a b", "COPY a b"},
	{"SET a 1", "COPY a b DB 2 REPLACE", "COPY a b DB 2 REPLACE"},
	{"MSET a 1 b 2", "COPY a b", ""},
	{"SET a 1", "MOVE a 3", "MOVE a 3"},
	{"", "SWAPDB 0 1", "SWAPDB 0 1"},
	{"", "FLUSHDB ASYNC", "FLUSHDB"},
	{"", "FLUSHALL", "FLUSHALL"},

	// Keys past their deadline: the DEL comes first. GONE sets x and y to expire
	// and lets the time pass.
	{"GONE", "SET x v", "MULTI;DEL x;SET x v;EXEC"},
	{"GONE", "SET x v XX", "DEL x"},
	{"GONE", "INCR x", "MULTI;DEL x;INCR x;EXEC"},
	{"GONE", "HSET x f v", "MULTI;DEL x;HSET x f v;EXEC"},
	{"GONE", "DEL x", "DEL x"},
	{"GONE", "DEL x y", "MULTI;DEL x;DEL y;EXEC"},
	{"GONE", "EXPIRE x 10", "DEL x"},
	{"GONE", "GET x", ""},
	{"GONE;SET a 1", "RENAMENX a x", "MULTI;DEL x;RENAMENX a x;EXEC"},
	{"GONE;SET a 1", "COPY a x", "MULTI;DEL x;COPY a x;EXEC"},
	{"GONE", "MSETNX x 1 y 2", "MULTI;DEL x;DEL y;MSETNX x 1 y 2;EXEC"},
	{"GONE", "GETDEL x", "DEL x"},
}

func TestEffects(t *testing.T) {
	for _, tt := range effectTests {
		t.Run(tt.before+"/"+tt.line, func(t *testing.T) {
			clock := newClock()
			s := newStore(t, &Options{Clock: clock.now})
			c := s.NewSession(nil)
			do(t, c, "SET selects 0")
			for _, line := range strings.Split(tt.before, ";") {
				switch line {
				case "":
				case "GONE":
					clock.advance(-time.Hour)
					do(t, c, "SET x 1 PX 1")
					do(t, c, "SET y 1 PX 1")
					clock.advance(time.Hour)
				default:
					do(t, c, line)
				}
			}
			offset := s.backlog.Offset()
			c.Do(argv(strings.Fields(tt.line)...))
			var want strings.Builder
			for _, line := range strings.Split(tt.want, ";") {
				want.WriteString(wire(line))
			}
			if got := streamSince(t, s, offset); got != want.String() {
				t.Errorf("stream %q, want %q", got, want.String())
			}
		})
	}
}

// Every command that writes is in the table above.
func TestEffectsAreComplete(t *testing.T) {
	for c := range Commands() {
		if c.Flags&FlagWrite != 0 && !slices.ContainsFunc(effectTests, func(tt struct{ before, line, want string }) bool {
			return strings.HasPrefix(strings.ToUpper(tt.line), c.Name+" ") || strings.ToUpper(tt.line) == c.Name
		}) {
			t.Errorf("%s has no row", c.Name)
		}
	}
}

func TestStreamFrames(t *testing.T) {
	s := newStore(t, nil)
	c := s.NewSession(nil)
	var at int64
	expect := func(what string, want ...string) {
		t.Helper()
		if got := streamLines(t, streamSince(t, s, at)); !slices.Equal(got, want) {
			t.Errorf("%s: stream %q, want %q", what, got, want)
		}
		at = s.backlog.Offset()
	}
	do(t, c, "INCR n")
	expect("first write", "SELECT 0", "INCR n")
	if at != 23+21 {
		t.Errorf("offset %d, want 44: SELECT 0 is 23 bytes, INCR n 21", at)
	}
	do(t, c, "INCR n")
	expect("same database", "INCR n")
	do(t, c, "SELECT 3")
	expect("a SELECT alone")
	do(t, c, "INCR n")
	expect("other database", "SELECT 3", "INCR n")
	do(t, c, "MULTI")
	do(t, c, "GET n")
	do(t, c, "INCR n")
	do(t, c, "EXEC")
	expect("a transaction of one write", "INCR n")
	do(t, c, "MULTI")
	do(t, c, "SELECT 1")
	do(t, c, "INCR n")
	do(t, c, "GET n")
	do(t, c, "SELECT 2")
	do(t, c, "INCR n")
	do(t, c, "EXEC")
	expect("two databases", "MULTI", "SELECT 1", "INCR n", "SELECT 2", "INCR n", "EXEC")
	if c.DB() != 2 {
		t.Errorf("SELECT in a transaction leaves database %d, want 2", c.DB())
	}
	do(t, c, "MULTI")
	do(t, c, "GET n")
	do(t, c, "EXEC")
	expect("a transaction without writes")
	do(t, c, "MULTI")
	do(t, c, "INCR n")
	do(t, c, "DISCARD")
	expect("DISCARD")
	offset, err := s.Update(func(tx *Tx) error {
		_, _ = tx.DB(5).Incr("n", 1)
		return tx.DB(5).Set("k", "v", 0)
	})
	expect("Update", "MULTI", "SELECT 5", "INCRBY n 1", "SET k v", "EXEC")
	if err != nil || offset != at {
		t.Errorf("Update = %d, %v, want offset %d", offset, err, at)
	}
	_, _ = s.Update(func(tx *Tx) error {
		_, _ = tx.DB(6).Incr("n", 1)
		return errOnPurpose
	})
	expect("a failed Update")
	_, _ = s.DB(5).Incr("n", 1)
	expect("after a failed Update the selected database is as before", "INCRBY n 1")
	s.Replication().Inject("PING")
	expect("Inject", "PING")
	sn, r, err := s.Replication().Cut(0, nil)
	if err != nil || sn.History().Offset != at || r.Position() != at || sn.History().StreamDB != -1 {
		t.Fatalf("Cut = %+v at %d, %v, want offset %d and no selected database", sn.History(), r.Position(), err, at)
	}
	sn.Close()
	r.Close()
	_, _ = s.DB(5).Incr("n", 1)
	expect("after a cut", "SELECT 5", "INCRBY n 1")
}

// Sweeping sends one DEL a key, in order of deadlines, and nothing on a replica.
func TestSweep(t *testing.T) {
	clock := newClock()
	s := newStore(t, &Options{Clock: clock.now})
	for i := range 10 {
		_ = s.DB(0).Set(fmt.Sprint("k", i), "v", time.Duration(10-i)*time.Second)
	}
	_ = s.DB(1).Set("other", "v", time.Second)
	_ = s.DB(1).Set("stays", "v", 0)
	at := s.backlog.Offset()
	clock.advance(3 * time.Second)
	if n := s.Replication().Sweep(100); n != 3 {
		t.Errorf("3 s: swept %d keys, want 3: a key lives to the very millisecond of its deadline", n)
	}
	clock.advance(time.Millisecond)
	r := s.Replication()
	r.Demote()
	if n := r.Sweep(100); n != 0 {
		t.Errorf("a replica swept %d keys", n)
	}
	r.Promote()
	if n := r.Sweep(0); n != 0 {
		t.Errorf("Sweep(0) = %d", n)
	}
	if n := r.Sweep(100); n != 1 {
		t.Errorf("swept %d keys, want 1", n)
	}
	want := []string{"SELECT 0", "DEL k9", "DEL k8", "SELECT 1", "DEL other", "SELECT 0", "DEL k7"}
	if got := streamLines(t, streamSince(t, s, at)); !slices.Equal(got, want) {
		t.Errorf("stream %q, want %q", got, want)
	}
	if st := s.Stats(); st.Expired != 4 || st.DBs[0].Keys != 7 || st.DBs[0].Expires != 7 || st.DBs[1].Expires != 0 {
		t.Errorf("Stats = %+v", st)
	}
}

// A replica hides keys past their deadline, keeps them, and follows the stream
// as if they lived.
func TestReplicaDoesNotExpire(t *testing.T) {
	clock := newClock()
	p := newStore(t, &Options{Clock: clock.now})
	r, a := follower(t, p, &Options{Clock: clock.now})
	_ = p.DB(0).Set("k", "5", time.Second)
	if err := apply(t, a, streamSince(t, p, 0)); err != nil {
		t.Fatal(err)
	}
	clock.advance(time.Minute)
	if r.DB(0).Exists("k") || r.DB(0).Len() != 1 {
		t.Errorf("key past its deadline: exists %v, %d keys are held, want false, 1", r.DB(0).Exists("k"), r.DB(0).Len())
	}
	if v := r.NewSession(nil).Do(argv("MGET", "k")); v.Elems[0].Kind != resp.Null {
		t.Errorf("MGET = %v", v)
	}
	late := wire("INCR k") + wire("PEXPIREAT k 1000")
	if err := apply(t, a, late); err != nil {
		t.Fatal(err)
	}
	e := r.view.Load().gen.spaces[0].tab.Find(r.hash("k"), "k")
	if e == nil || e.Text() != "6" || e.Deadline() != 1000 {
		t.Errorf("the stream's INCR of a key past its deadline did not find it: %v", e)
	}
	if err := apply(t, a, wire("DEL k")); err != nil || r.DB(0).Len() != 0 {
		t.Errorf("DEL of the primary: %v, %d keys left", err, r.DB(0).Len())
	}
}
