package server

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// says fails unless the reply is of that debugging form.
func (c *client) says(want string, args ...string) {
	c.t.Helper()
	if got := c.do(args...); got != want {
		c.t.Errorf("%q = %s, want %s", args, got, want)
	}
}

// counts fails unless INFO has the line.
func (c *client) counts(line string) {
	c.t.Helper()
	if text := c.value("INFO", "clients").Str; !strings.Contains(text, line+"\r\n") {
		c.t.Errorf("INFO clients has no %s: %q", line, text)
	}
}

func TestBlockedClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t))
		a, b := dial(t, s), dial(t, s)
		a.send("BLPOP k 0\r\n")
		synctest.Wait()
		b.counts("blocked_clients:1")
		b.says("2", "RPUSH", "k", "x", "y")
		if got := a.read().String(); got != `["k" "x"]` {
			t.Errorf("served %s", got)
		}
		b.says(`["y"]`, "LRANGE", "k", "0", "-1")
		b.counts("blocked_clients:0")
		// What was sent while waiting is answered after it, in order.
		a.send("BRPOP none 0.5\r\nECHO later\r\n")
		time.Sleep(time.Second)
		if got := a.read().String() + a.read().String(); got != `(nil)"later"` {
			t.Errorf("after the time: %s", got)
		}
	})
}

// A client that leaves while it waits takes nothing with it.
func TestBlockedClientLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t))
		a, b := dial(t, s), dial(t, s)
		a.send("BLPOP k 0\r\n")
		synctest.Wait()
		a.conn.Close()
		<-a.end
		b.says("1", "RPUSH", "k", "x")
		b.says("1", "LLEN", "k")
	})
}

func TestClientUnblock(t *testing.T) {
	for _, tt := range []struct{ blocked, reason, told string }{
		{"BLPOP k 0", "", "(nil)"},
		{"BLPOP k 0", "TIMEOUT", "(nil)"},
		{"BLMOVE a b LEFT LEFT 0", "error", "-UNBLOCKED client unblocked via CLIENT UNBLOCK"},
		{"WAIT 1 0", "", "0"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := start(t, newFake(t))
			a, b := dial(t, s), dial(t, s)
			id := a.value("CLIENT", "ID").String()
			b.says("0", "CLIENT", "UNBLOCK", id)
			a.send(tt.blocked + "\r\n")
			synctest.Wait()
			args := []string{"CLIENT", "UNBLOCK", id}
			if tt.reason != "" {
				args = append(args, tt.reason)
			}
			b.says("1", args...)
			if got := a.read().String(); got != tt.told {
				t.Errorf("%s, %q: told %s, want %s", tt.blocked, tt.reason, got, tt.told)
			}
			b.says("0", args...)
			a.want("PONG", "PING")
		})
	}
	c := dial(t, start(t, newFake(t)))
	c.want("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR", "CLIENT", "UNBLOCK", "1", "NOW")
	c.want("ERR value is not an integer or out of range", "CLIENT", "UNBLOCK", "x")
}

// After 1 nothing was taken out for the client: one who was served before is not unblocked, though it may not have its reply yet.
func TestClientUnblockAfterServing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t))
		a, b := dial(t, s), dial(t, s)
		id := a.value("CLIENT", "ID").String()
		b.says("OK", "SET", "s", "1")
		for _, tt := range []struct{ blocked, write, told string }{
			{"BLPOP k 0", "RPUSH k x", `["k" "x"]`},
			{"BZMPOP 0 1 k MIN", "ZADD k 1 x", `["k" [["x" "1"]]]`},
			{"BLMOVE k s LEFT LEFT 0", "RPUSH k x", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
		} {
			a.send(tt.blocked + "\r\n")
			synctest.Wait()
			b.send(tt.write + "\r\nCLIENT UNBLOCK " + id + "\r\n")
			if b.read(); b.read().String() != "0" {
				t.Errorf("%s: unblocked after it was served", tt.blocked)
			}
			if got := a.read().String(); got != tt.told {
				t.Errorf("%s: told %s, want %s", tt.blocked, got, tt.told)
			}
		}
	})
}

// CLIENT KILL ends a wait with its client.
func TestBlockedClientKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t))
		a, b := dial(t, s), dial(t, s)
		id := a.value("CLIENT", "ID").String()
		a.send("BLPOP k 0\r\n")
		synctest.Wait()
		b.says("1", "CLIENT", "KILL", "ID", id)
		<-a.end
		b.says("1", "RPUSH", "k", "x")
		b.says("1", "LLEN", "k")
	})
}
