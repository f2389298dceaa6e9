package server

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// wire returns a reply as RESP2 bytes without the last line end.
func wire(v resp.Value) string {
	return strings.TrimSuffix(string(resp.AppendValue(nil, v, 2)), "\r\n")
}

func TestRole(t *testing.T) {
	n := newFake(t)
	c := dial(t, start(t, n))
	n.set(func(st *State) { st.History.Offset = 55 })
	n.set(func(st *State) {
		st.Replicas = []ReplicaState{{IP: "10.0.0.1", Port: 7, State: ReplicaOnline, AckOffset: 50}, {IP: "10.0.0.2", Port: 8, State: ReplicaSending}}
	})
	if got, want := wire(c.value("ROLE")), "*3\r\n$6\r\nmaster\r\n:55\r\n*1\r\n*3\r\n$8\r\n10.0.0.1\r\n$1\r\n7\r\n$2\r\n50"; got != want {
		t.Errorf("ROLE of a primary = %q, want %q", got, want)
	}
	for _, q := range []struct {
		up   UpstreamState
		want string
	}{
		{UpstreamState{Host: "h", Port: 6379, State: LinkConnect, Offset: 5}, "*5\r\n$5\r\nslave\r\n$1\r\nh\r\n:6379\r\n$7\r\nconnect\r\n:-1"},
		{UpstreamState{Host: "h", Port: 6379, State: LinkConnected, Up: true, Offset: 5}, "*5\r\n$5\r\nslave\r\n$1\r\nh\r\n:6379\r\n$9\r\nconnected\r\n:5"},
	} {
		n.set(func(st *State) { st.Primary, st.Upstream = false, &q.up })
		if got := wire(c.value("ROLE")); got != q.want {
			t.Errorf("ROLE of a replica = %q, want %q", got, q.want)
		}
	}
}

func TestReplicaOf(t *testing.T) {
	n := newFake(t)
	c := dial(t, start(t, n))
	c.want("OK", "REPLICAOF", "h", "6379")
	c.want("OK Already connected to specified master", "SLAVEOF", "H", "6379")
	c.want("OK", "SLAVEOF", "h", "6380")
	if got := c.value("CONFIG", "GET", "slaveof", "replicaof"); wire(got) != "*4\r\n$9\r\nreplicaof\r\n$6\r\nh 6380\r\n$7\r\nslaveof\r\n$6\r\nh 6380" {
		t.Errorf("CONFIG GET of the role = %q", wire(got))
	}
	c.want("OK", "SLAVEOF", "NO", "ONE")
	if want := []string{"h:6379", "h:6380", ":0"}; !slices.Equal(n.roles, want) {
		t.Errorf("roles %q, want %q", n.roles, want)
	}
}

// TestSentinelTransaction is what Sentinel sends to promote a replica.
func TestSentinelTransaction(t *testing.T) {
	n := newFake(t)
	c := dial(t, start(t, n))
	c.want("OK", "REPLICAOF", "h", "6379")
	c.send("MULTI\r\nSLAVEOF NO ONE\r\nCONFIG REWRITE\r\nCLIENT KILL TYPE normal\r\nCLIENT KILL TYPE pubsub\r\nEXEC\r\n")
	for range 5 {
		c.read()
	}
	if got, want := wire(c.read()), "*4\r\n+OK\r\n-ERR The server is running without a config file\r\n:0\r\n:0"; got != want {
		t.Errorf("EXEC = %q, want %q", got, want)
	}
	if !n.State().Primary {
		t.Error("the node was not promoted")
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFake(t)
		n.acked = 2
		s := start(t, n)
		c := dial(t, s)
		began := time.Now()
		for _, q := range []struct {
			args string
			want string
			took time.Duration
		}{
			{"2 1000", ":2", 0},
			{"3 1500", ":2", 1500 * time.Millisecond},
			{"0 0", ":2", 0},
		} {
			if got := wire(c.value(append([]string{"WAIT"}, strings.Fields(q.args)...)...)); got != q.want || time.Since(began) != q.took {
				t.Errorf("WAIT %s = %s after %v, want %s after %v", q.args, got, time.Since(began), q.want, q.took)
			}
			began = time.Now()
		}

		// Replies to earlier commands of the same batch do not wait with it, and INFO counts it.
		c.send("PING\r\nWAIT 3 5000\r\nECHO after\r\n")
		if got := c.read().Str; got != "PONG" || time.Since(began) != 0 {
			t.Errorf("the reply before WAIT: %q after %v", got, time.Since(began))
		}
		synctest.Wait()
		other := dial(t, s)
		wantFields(t, parseInfo(t, other.value("INFO", "clients").Str), "blocked_clients:1 connected_clients:2")
		c.send("ECHO more\r\n") // arrives during the wait
		for _, want := range []string{":2", "$5\r\nafter", "$4\r\nmore"} {
			if got := wire(c.read()); got != want {
				t.Errorf("reply %q, want %q", got, want)
			}
		}
		wantFields(t, parseInfo(t, other.value("INFO", "clients").Str), "blocked_clients:0")
		n.set(func(st *State) { st.Primary = false })
		c.want(waitOnReplica, "WAIT", "0", "0")
	})
}

// TestWaitOfClientThatLeft: without a timeout the wait ends with the client, also when it has sent more meanwhile.
func TestWaitOfClientThatLeft(t *testing.T) {
	for _, more := range []string{"", "PING\r\n"} {
		synctest.Test(t, func(t *testing.T) {
			c := dial(t, start(t, newFake(t)))
			c.send("WAIT 1 0\r\n")
			time.Sleep(time.Second)
			if more != "" {
				c.send(more)
				time.Sleep(time.Second)
			}
			c.conn.Close()
			<-c.end
		})
	}
}

func TestConfigSetReachesTheNode(t *testing.T) {
	n := newFake(t)
	c := dial(t, start(t, n))
	c.want("OK", "CONFIG", "SET", "repl-timeout", "9", "slave-read-only", "no", "masterauth", "secret")
	if got := n.settings; got.Timeout != 9*time.Second || got.ReadOnlyReplica || got.Password != "secret" {
		t.Errorf("settings of the node %+v", got)
	}
	before := n.settings
	c.value("CONFIG", "SET", "repl-timeout", "10", "hz", "x")
	if n.settings != before {
		t.Errorf("a CONFIG SET that failed changed the settings to %+v", n.settings)
	}
}
