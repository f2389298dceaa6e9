package server

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestClientList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFake(t)
		s := start(t, n)
		a := dial(t, s)
		a.want("OK", "CLIENT", "SETNAME", "first")
		b := dial(t, s)
		a.want("OK", "CLIENT", "SETINFO", "LIB-NAME", "lib")
		a.want("OK", "CLIENT", "NO-EVICT", "ON")
		b.want("OK", "SELECT", "3")
		b.want("OK", "MULTI")
		time.Sleep(5 * time.Second)
		n.set(func(st *State) {
			st.Replicas = []ReplicaState{{ID: 9, Addr: "r:1", LAddr: "l:1", Name: "rep", State: ReplicaOnline, AckTime: time.Now().Add(-time.Second), Since: time.Now().Add(-time.Minute), Queued: 77}}
		})

		lines := strings.Split(strings.TrimSuffix(a.value("CLIENT", "LIST").Str, "\n"), "\n")
		if len(lines) != 3 {
			t.Fatalf("CLIENT LIST has %d lines: %q", len(lines), lines)
		}
		for i, want := range []string{
			"id=1 name=first age=5 idle=5 flags=e db=0 multi=-1 cmd=client|list user=default resp=2 lib-name=lib",
			"id=2 name= age=5 idle=5 flags=x db=3 multi=0 cmd=multi",
			"id=9 addr=r:1 laddr=l:1 name=rep age=60 idle=1 flags=S omem=77 cmd=psync",
		} {
			for _, field := range strings.Fields(want) {
				if !strings.Contains(" "+lines[i]+" ", " "+field+" ") {
					t.Errorf("line %d has no %s:\n%s", i, field, lines[i])
				}
			}
		}
		for _, q := range []struct {
			args  string
			lines int
		}{
			{"TYPE normal", 2}, {"TYPE replica", 1}, {"TYPE SLAVE", 1}, {"TYPE master", 0}, {"ID 1", 1}, {"ID 1 9 4", 2}, {"ID 5", 0},
		} {
			got := a.value(append([]string{"CLIENT", "LIST"}, strings.Fields(q.args)...)...).Str
			if n := strings.Count(got, "\n"); n != q.lines {
				t.Errorf("CLIENT LIST %s has %d lines, want %d:\n%s", q.args, n, q.lines, got)
			}
		}
		if got := a.value("CLIENT", "INFO").Str; !strings.HasPrefix(got, "id=1 ") || strings.Count(got, "\n") != 1 {
			t.Errorf("CLIENT INFO = %q", got)
		}
	})
}

// TestClientKill: each filter hits whom it names and nobody else.
func TestClientKill(t *testing.T) {
	for _, c := range []struct {
		args string // after CLIENT KILL; $addr and $laddr stand for those of client 1, of which all have the second
		want string // reply
		dead []bool // of clients 1, 2, and 3, who asks
	}{
		{"ID 1", ":1", []bool{true, false, false}},
		{"ID 7", ":0", []bool{false, false, false}},
		{"ADDR $addr", ":1", []bool{true, false, false}},
		{"LADDR $laddr", ":2", []bool{true, true, false}},
		{"$addr", "+OK", []bool{true, false, false}},
		{"TYPE normal", ":2", []bool{true, true, false}},
		{"TYPE normal SKIPME no", ":3", []bool{true, true, true}},
		{"TYPE normal SKIPME yes", ":2", []bool{true, true, false}},
		{"TYPE normal ID 2", ":1", []bool{false, true, false}},
		{"ID 2 ADDR $addr", ":0", []bool{false, false, false}},
		{"USER default", ":3", []bool{true, true, false}}, // and the replica
		{"ID 3", ":0", []bool{false, false, false}},
		{"ID 3 SKIPME no", ":1", []bool{false, false, true}},
		{"TYPE replica", ":1", []bool{false, false, false}},
		{"ADDR r:1", ":1", []bool{false, false, false}},
		{"r:1", "+OK", []bool{false, false, false}},
		{"ID 9", ":1", []bool{false, false, false}},
		{"TYPE master", ":1", []bool{false, false, false}},
		{"TYPE master ID 1", ":0", []bool{false, false, false}},
	} {
		t.Run(c.args, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newFake(t)
				n.set(func(st *State) { st.Replicas = []ReplicaState{{ID: 9, Addr: "r:1", LAddr: "l:1"}} })
				n.set(func(st *State) { st.Upstream = &UpstreamState{} })
				s := start(t, n)
				l, dialIt := memListener(t)
				go s.Serve(l)
				var clients []*client
				for range 3 {
					cl := dialIt()
					cl.want("PONG", "PING") // registered, so the next one gets the next ID
					clients = append(clients, cl)
				}
				asker := clients[2]
				args := strings.NewReplacer("$laddr", laddrOf(t, s, 1), "$addr", clients[0].conn.LocalAddr().String()).Replace(c.args)
				asker.send("CLIENT KILL " + args + "\r\n")
				if got := asker.read(); wire(got) != c.want {
					t.Errorf("CLIENT KILL %s = %s, want %s", args, wire(got), c.want)
				}
				synctest.Wait()
				for i, dead := range c.dead {
					if got := !alive(s, int64(i+1)); got != dead {
						t.Errorf("client %d dead: %v, want %v", i+1, got, dead)
					}
					clients[i].conn.Close()
				}
				s.Close()
			})
		})
	}
}

func laddrOf(t *testing.T, s *Server, id int64) string {
	t.Helper()
	for _, c := range s.clients() {
		if c.id == id {
			return c.nc.LocalAddr().String()
		}
	}
	t.Fatalf("no client %d", id)
	return ""
}

func alive(s *Server, id int64) bool {
	for _, c := range s.clients() {
		if c.id == id {
			return true
		}
	}
	return false
}

// TestKillBlocked: a client that waits in a command can be killed.
func TestKillBlocked(t *testing.T) {
	for _, blocking := range []string{"WAIT 1 0", "DEBUG SLEEP 1000"} {
		synctest.Test(t, func(t *testing.T) {
			s := start(t, newFake(t))
			a, b := dial(t, s), dial(t, s)
			a.send(blocking + "\r\n")
			synctest.Wait()
			b.send("CLIENT KILL TYPE normal\r\n")
			if got := b.read().Int; got != 1 {
				t.Errorf("%s: killed %d", blocking, got)
			}
			began := time.Now()
			<-a.end
			if d := time.Since(began); d != 0 {
				t.Errorf("%s: the killed client stayed for %v", blocking, d)
			}
		})
	}
}

func TestClientPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t))
		a, b := dial(t, s), dial(t, s)
		took := func(c *client, args ...string) time.Duration {
			began := time.Now()
			c.value(args...)
			return time.Since(began)
		}
		a.want("OK", "CLIENT", "PAUSE", "1000", "WRITE")
		if d := took(b, "GET", "k"); d != 0 {
			t.Errorf("GET took %v in a pause of writes", d)
		}
		if d := took(b, "SET", "k", "v"); d != time.Second {
			t.Errorf("SET took %v in a pause of 1s", d)
		}
		a.want("OK", "CLIENT", "PAUSE", "1000", "WRITE")
		if d := took(b, "PFCOUNT", "h"); d != time.Second { // which may keep what it counts
			t.Errorf("PFCOUNT took %v in a pause of 1s", d)
		}
		b.want("OK", "MULTI")
		b.want("QUEUED", "SET", "k", "w")
		a.want("OK", "CLIENT", "PAUSE", "1000", "WRITE")
		if d := took(b, "EXEC"); d != time.Second {
			t.Errorf("EXEC took %v in a pause of 1s", d)
		}
		a.want("OK", "CLIENT", "PAUSE", "1000")
		if d := took(b, "PING"); d != time.Second {
			t.Errorf("PING took %v in a pause of everything for 1s", d)
		}

		// A pause gets neither shorter nor weaker, and UNPAUSE ends it.
		a.want("OK", "CLIENT", "PAUSE", "60000", "ALL")
		a.want("OK", "CLIENT", "PAUSE", "10", "WRITE")
		b.send("PING\r\n")
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if n := b.conn.Incoming().Buffered(); n != 0 {
			t.Errorf("%d bytes of a reply came during a pause", n)
		}
		a.want("OK", "CLIENT", "UNPAUSE")
		began := time.Now()
		if got := b.read().Str; got != "PONG" || time.Since(began) != 0 {
			t.Errorf("after UNPAUSE: %q after %v", got, time.Since(began))
		}
		if d := took(b, "SET", "k", "v"); d != 0 {
			t.Errorf("SET took %v after the pause", d)
		}
	})
}

// TestKilledInPause: what a client sent before it was killed is not executed after the pause.
func TestKilledInPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t))
		a := dial(t, s)
		a.want("OK", "CLIENT", "PAUSE", "1000", "WRITE")
		b := dial(t, s)
		b.send("SET k v\r\n")
		synctest.Wait()
		if n := a.value("CLIENT", "KILL", "TYPE", "normal").Int; n != 1 {
			t.Errorf("killed %d", n)
		}
		<-b.end
		time.Sleep(2 * time.Second)
		if v := a.value("GET", "k"); !v.IsNull() {
			t.Errorf("a killed client wrote %v", v)
		}
	})
}

func TestDebugSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t))
		a, b := dial(t, s), dial(t, s)
		began := time.Now()
		a.send("DEBUG SLEEP 1.5\r\n")
		b.want("PONG", "PING")
		if d := time.Since(began); d != 0 {
			t.Errorf("another client was held up for %v", d)
		}
		if got := a.read().Str; got != "OK" || time.Since(began) != 1500*time.Millisecond {
			t.Errorf("DEBUG SLEEP 1.5 = %q after %v", got, time.Since(began))
		}
		for _, bad := range []string{"x", "-1", "NaN", "1e300", "Inf"} {
			a.want("ERR value is not a valid float", "DEBUG", "SLEEP", bad)
		}
	})
}

func TestCommandTableIsComplete(t *testing.T) {
	s := start(t, newFake(t))
	for name, cmd := range s.commands {
		if s.data[name] != nil {
			t.Errorf("%s is a command of the store and of the server", name)
		}
		if notOffered(name) || cmd.group == "" || cmd.arity == 0 || cmd.run == nil && cmd.subs == nil {
			t.Errorf("%s: %+v", name, cmd)
		}
		for _, sub := range cmd.subs {
			if sub.arity == 0 || sub.run == nil {
				t.Errorf("%s|%s: %+v", name, sub.name, sub)
			}
		}
	}
	for name := range s.data {
		if notOffered(name) {
			t.Errorf("%s is a command of the store, and said not to be offered", name)
		}
	}
	if names := strings.Fields(unoffered); !slices.IsSorted(names) || len(slices.Compact(names)) != len(strings.Fields(unoffered)) {
		t.Errorf("what is not offered is not sorted, or stands twice")
	}
	c := dial(t, s)
	if n := c.value("COMMAND", "COUNT").Int; n != int64(len(s.commands)+len(s.data)) {
		t.Errorf("COMMAND COUNT = %d, want %d", n, len(s.commands)+len(s.data))
	}
	if all := c.value("COMMAND"); len(all.Elems) != len(s.commands)+len(s.data) {
		t.Errorf("COMMAND has %d elements", len(all.Elems))
	}
	get := c.value("COMMAND", "INFO", "GeT").Elems[0]
	if len(get.Elems) != 10 || get.Elems[0].Str != "get" || get.Elems[1].Int != 2 || get.Elems[3].Int != 1 {
		t.Errorf("COMMAND INFO get = %v", get)
	}
	if docs := c.value("COMMAND", "DOCS", "ping", "foo", "get"); len(docs.Elems) != 4 {
		t.Errorf("COMMAND DOCS = %v", docs)
	}
	if keys := c.value("COMMAND", "GETKEYS", "MSET", "a", "b", "c", "d").Elems; len(keys) != 2 || keys[1].Str != "c" {
		t.Errorf("COMMAND GETKEYS = %v", keys)
	}
	if help := c.value("CONFIG", "HELP"); len(help.Elems) != 6 {
		t.Errorf("CONFIG HELP = %v", help)
	}
}
