package replication_test

import (
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/store"
)

// The rules as real servers keep them: where the tests beside this one play the other side, they may be wrong together with us.

// bothPrimaries runs a test against one of ours and against real servers, each of them new and empty.
func bothPrimaries(t *testing.T, test func(t *testing.T, addr string)) {
	t.Run("ours", func(t *testing.T) {
		p, err := replication.NewPrimary(store.New(nil), &replication.PrimaryOptions{AllowReplicaOf: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		test(t, serveTCP(t, p))
	})
	for name, version := range map[string]realserver.Version{"redis7": realserver.R7, "redis8": realserver.R8} {
		t.Run(name, func(t *testing.T) {
			test(t, realserver.Start(t, version, "--repl-diskless-sync-delay", "0", "--enable-debug-command", "yes").Addr())
		})
	}
}

// wired opens a connection to a server of either kind.
func wired(t *testing.T, addr string) *peer {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return newPeer(t, c)
}

// attached is a replica that the test plays, when it is online. A real primary passes over acknowledgements until it has noticed that the payload is out, so they
// are repeated, to the end of the test.
func attached(t *testing.T, addr string) *peer {
	t.Helper()
	r := wired(t, addr)
	r.online()
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.send("REPLCONF", "ACK", "0")
			case <-end:
				return
			}
		}
	}()
	t.Cleanup(func() { close(end); <-ended })
	c := connTo(t, addr)
	realserver.Await(t, 10*time.Second, func() bool {
		list, ok := c.Do("ROLE").([]any)
		return ok && len(list) == 3 && len(list[2].([]any)) == 1
	}, "the replica to be online")
	return r
}

// instant is a Unix time in milliseconds, which is another one in each run.
var instant = regexp.MustCompile(`\b[1-9][0-9]{12}\b`)

// TestRuleStreamsAsRedis gives the same commands to one of ours and to real primaries. What a replica gets is the same, word by word, SELECT and MULTI included.
func TestRuleStreamsAsRedis(t *testing.T) {
	const script = `
		INCR n; INCR n; SELECT 5; INCR n; GET n; DEL none
		SELECT 0; MULTI; INCR a; INCR b; EXEC
		MULTI; INCR a; INCR b; EXEC
		MULTI; INCR a; GET b; EXEC
		MULTI; GET a; EXEC
		MULTI; INCR a; SELECT 4; INCR b; EXEC
		INCR b; SELECT 0; INCR b
		SET k v EX 100; SET k v PX 100000; SETEX k 100 v; PSETEX k 100000 v; EXPIRE k 100; PEXPIRE k 100000; GETEX k EX 100; PERSIST k
		EXPIRE k -1; SET k v; GETDEL k
		SADD s a; SPOP s; RPUSH l a b c; LMPOP 1 l LEFT COUNT 2; BLPOP l 1
		PUBLISH c m; SELECT 1; INCR n; SELECT 0; FLUSHDB; SELECT 2; SELECT 0; FLUSHALL; SELECT 1; INCR n; SELECT 0; FLUSHALL; INCR n
		SELECT 3; INCR end`
	want := `SELECT 0|INCR n|INCR n|SELECT 5|INCR n|MULTI|SELECT 0|INCR a|INCR b|EXEC|MULTI|INCR a|INCR b|EXEC|INCR a|` +
		`MULTI|INCR a|SELECT 4|INCR b|EXEC|INCR b|SELECT 0|INCR b|` +
		`SET k v PXAT T|SET k v PXAT T|SET k v PXAT T|SET k v PXAT T|PEXPIREAT k T|PEXPIREAT k T|PEXPIREAT k T|PERSIST k|DEL k|SET k v|DEL k|` +
		`SADD s a|SREM s a|RPUSH l a b c|LPOP l 2|LPOP l|PUBLISH c m|SELECT 1|INCR n|SELECT 0|FLUSHDB|FLUSHALL|SELECT 1|INCR n|SELECT 0|FLUSHALL|INCR n|SELECT 3|INCR end`
	bothPrimaries(t, func(t *testing.T, addr string) {
		tap := attached(t, addr)
		c := wired(t, addr)
		for _, command := range strings.FieldsFunc(script, func(r rune) bool { return r == ';' || r == '\n' }) {
			if args := strings.Fields(command); len(args) > 0 {
				c.send(args...)
				if _, err := c.in.ReadValue(); err != nil {
					t.Fatal(err)
				}
			}
		}
		var got []string
		for last := ""; last != "INCR end"; {
			if last = tap.command(); last == "" {
				t.Fatalf("the stream ends after %q", got)
			}
			if last != "PING" {
				got = append(got, instant.ReplaceAllString(last, "T"))
			}
		}
		// Redis 7.0 selects before a MULTI, which comes to the same; since 7.2 the SELECT is inside.
		text := strings.ReplaceAll(strings.Join(got, "|"), "SELECT 0|MULTI|", "MULTI|SELECT 0|")
		if text != want {
			t.Errorf("the stream has\n%s\nwant\n%s", text, want)
		}
	})
}

// TestRuleRepliesAsRedis asks both kinds the same, on connections that are no replica's, or are one already.
func TestRuleRepliesAsRedis(t *testing.T) {
	bothPrimaries(t, func(t *testing.T, addr string) {
		c := wired(t, addr)
		for _, tc := range []struct{ send, want string }{
			{"REPLCONF ACK 5", ""},
			{"REPLCONF GETACK *", ""},
			{"REPLCONF capa unheard-of", "+OK\r\n"},
			{"REPLCONF uuid x", "-ERR Unrecognized REPLCONF option: uuid\r\n"},
			{"REPLCONF capa", "-ERR syntax error\r\n"},
			{"REPLCONF listening-port x", "-ERR value is not an integer or out of range\r\n"},
			{"PSYNC ? x", "-ERR value is not an integer or out of range\r\n"},
			{"REPLICAOF h x", "-ERR Invalid master port\r\n"},
			{"REPLICAOF NO ONE", "+OK\r\n"},
			{"ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"},
			{"WAIT 0 0", ":0\r\n"},
		} {
			c.send(strings.Fields(tc.send)...)
			c.send("PING")
			if got := c.read(len(tc.want + "+PONG\r\n")); got != tc.want+"+PONG\r\n" {
				t.Fatalf("%s: %q, want %q and the PONG behind it", tc.send, got, tc.want)
			}
		}
		c.say("\n\r\n\n")
		c.say("PING\r\n")
		c.wants("+PONG\r\n")
		monitor := wired(t, addr)
		monitor.say("MONITOR\r\nPSYNC ? -1\r\nPING\r\n")
		monitor.wants("+OK\r\n")
		if got := monitor.line(); !strings.HasPrefix(got, "+") || strings.HasPrefix(got, "+FULLRESYNC") {
			t.Errorf("PSYNC of a monitor: %q, want no answer to it", got)
		}
	})
}

// TestRuleWindowAsRedis puts the same questions to both kinds, from one byte before what is kept to one byte behind the end, under the name and under the one before.
func TestRuleWindowAsRedis(t *testing.T) {
	bothPrimaries(t, func(t *testing.T, addr string) {
		c := connTo(t, addr)
		info := func(field string) string {
			m, err := realserver.Info(c, "replication")
			if err != nil {
				t.Fatal(err)
			}
			return m[field]
		}
		attached(t, addr) // a real primary keeps a backlog from its first replica on
		mustDo(t, c, "CONFIG", "SET", "repl-backlog-size", "16384")
		for range 40 {
			mustDo(t, c, "SET", "k", strings.Repeat("x", 1000))
		}
		id := info("master_replid")
		ask := func(id, next string) string {
			r := wired(t, addr)
			r.send("REPLCONF", "capa", "eof", "capa", "psync2")
			r.wants("+OK\r\n")
			r.send("PSYNC", id, next)
			return strings.Fields(r.line())[0]
		}
		// A PING may come in between two lines, and a full resync makes none: first the questions that move nothing.
		var first, held, end int
		for _, tc := range []struct {
			what string
			next func() int
			want string
		}{
			{"the end", func() int { return end + 1 }, "+CONTINUE"},
			{"the last byte", func() int { return end }, "+CONTINUE"},
			{"the first byte", func() int { return first }, "+CONTINUE"},
			{"before the first byte", func() int { return first - 1 }, "+FULLRESYNC"},
			{"behind the end", func() int { return end + 2 }, "+FULLRESYNC"},
		} {
			first, held, end = atoi(t, info("repl_backlog_first_byte_offset")), atoi(t, info("repl_backlog_histlen")), atoi(t, info("master_repl_offset"))
			if first+held != end+1 {
				t.Errorf("first byte %d and %d bytes held, but the end is %d", first, held, end)
			}
			if got := ask(id, itoa(tc.next())); got != tc.want {
				t.Errorf("%s, %d of [%d, %d]: %s, want %s", tc.what, tc.next(), first, end, got, tc.want)
			}
		}
		if got := ask(strings.ToUpper(id), itoa(end+1)); got != "+CONTINUE" {
			t.Errorf("the ID in capitals: %s, want +CONTINUE", got)
		}
		if got := ask(id[1:], itoa(end+1)); got != "+FULLRESYNC" {
			t.Errorf("39 characters of the ID: %s, want +FULLRESYNC", got)
		}
	})
}

func atoi(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
