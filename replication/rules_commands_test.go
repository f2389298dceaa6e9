package replication_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/replication/replicationtest"
)

// What operators and their tools say to a node, and hear.

// says sends a command and compares the whole reply.
func (p *peer) says(command, reply string) {
	p.t.Helper()
	p.send(strings.Fields(command)...)
	p.wants(reply)
}

// ROLE of a replica in each state of its link. The offset is told while the link is up; until then it is -1, whatever data there is.
func TestRuleRoleOfAReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		step := make(chan struct{})
		up := make(chan struct{})
		f := newFakePrimary(t, func(p *peer) {
			<-step
			p.shakeHands()
			<-step
			p.say("+FULLRESYNC %s 100\r\n", fakeID)
			<-step
			p.say("$%d\r\n%s%s", len(file), file, frames("SELECT 0"))
			<-step
		})
		r, err := replication.NewReplica("redis://fake:6379", &replication.ReplicaOptions{
			Backoff: steadily(time.Hour),
			Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				<-up
				return f.net.Dial(ctx, network, addr)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		c := clientOf(t, r)
		role := func(state string, offset int) {
			t.Helper()
			synctest.Wait()
			c.says("ROLE", fmt.Sprintf("*5\r\n$5\r\nslave\r\n$4\r\nfake\r\n:6379\r\n$%d\r\n%s\r\n:%d\r\n", len(state), state, offset))
		}
		role("connect", -1) // it does not run yet
		go r.Run(t.Context())
		role("connecting", -1)
		close(up)
		role("handshake", -1)
		step <- struct{}{}
		role("handshake", -1)
		step <- struct{}{}
		role("sync", -1)
		step <- struct{}{}
		role("connected", 123)
		step <- struct{}{}
		role("connect", -1) // between two attempts
		if _, err := r.Promote(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		c.says("ROLE", "*3\r\n$6\r\nmaster\r\n:123\r\n*0\r\n")
	})
}

// ROLE of a primary lists who is online, by the address that each has announced, with what it has acknowledged.
func TestRuleRoleOfAPrimary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		c := dial(t, p)
		c.says("ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n")
		loading := capable(t, p)
		loading.send("PSYNC", "?", "-1")
		loading.expect("+FULLRESYNC")
		loading.payload() // and no acknowledgement: not online
		r := dial(t, p)
		r.send("REPLCONF", "listening-port", "7001", "ip-address", "10.0.0.9")
		r.wants("+OK\r\n")
		r.online()
		synctest.Wait()
		p.Do("INCR", "n")
		r.wants(frames("SELECT 0", "INCR n"))
		list := "*1\r\n*3\r\n$8\r\n10.0.0.9\r\n$4\r\n7001\r\n"
		c.says("ROLE", "*3\r\n$6\r\nmaster\r\n:44\r\n"+list+"$1\r\n0\r\n")
		r.send("REPLCONF", "ACK", "43")
		synctest.Wait()
		c.says("ROLE", "*3\r\n$6\r\nmaster\r\n:44\r\n"+list+"$2\r\n43\r\n")
	})
}

// REPLICAOF says that the role has changed, not that the link is up; what cannot be is refused, and changes nothing.
func TestRuleReplicaOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := replicationtest.New(t)
		r := other.Replica(&replication.ReplicaOptions{AllowReplicaOf: true}) // and that dials in memory
		other.Do("INCR", "n")
		barrier(t, r)
		p, err := r.Promote(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		before := where(p.Status())
		c := clientOf(t, p)
		c.says("REPLICAOF NO ONE", "+OK\r\n")
		if got := where(p.Status()); got != before {
			t.Errorf("NO ONE on a primary: %s, before %s", got, before)
		}
		c.says("REPLICAOF h x", "-ERR Invalid master port\r\n")
		c.says("REPLICAOF h 65536", "-ERR Invalid master port\r\n")
		c.says("REPLICAOF h -1", "-ERR Invalid master port\r\n")
		if p.Status().Role != replication.RolePrimary {
			t.Error("a refused REPLICAOF changed the role")
		}
		c.says("SLAVEOF nobody 1", "+OK\r\n")
		c.says("SET k v", "-READONLY You can't write against a read only replica.\r\n")
		if got := where(p.Status()); got != before {
			t.Errorf("as a replica of nobody: %s, before %s", got, before)
		}
		c.says("REPLICAOF no one", "+OK\r\n")
		st := p.Status()
		if got, want := where(st), fmt.Sprintf("%s 44, before %q 44", st.ID, strings.Fields(before)[0]); got != want || strings.HasPrefix(before, st.ID) {
			t.Errorf("a primary again: %s, want %s and a new ID", got, want)
		}
		c.says("INCR n", ":2\r\n")
	})
}

// WAIT counts the replicas that have acknowledged the last byte of this client's last write: it ends with the last of them, or with its time.
func TestRuleWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		a, b := onlineAt(t, p), onlineAt(t, p)
		c := dial(t, p)
		c.says("WAIT 2 0", ":2\r\n") // a client that has written nothing waits for nothing
		c.says("INCR n", ":1\r\n")
		end := int(p.Offset())
		start := time.Now()
		c.send("WAIT", "2", "1000")
		synctest.Wait()
		a.send("REPLCONF", "ACK", itoa(end))
		b.send("REPLCONF", "ACK", itoa(end-1))
		c.wants(":1\r\n")
		if d := time.Since(start); d != time.Second {
			t.Errorf("WAIT ended after %v, want its whole second", d)
		}
		c.send("WAIT", "2", "0")
		c.silent(time.Second / 2)
		b.send("REPLCONF", "ACK", itoa(end))
		c.wants(":2\r\n")
		r := p.Replica(nil)
		clientOf(t, r).says("WAIT 0 0", "-ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable"+
			" (which is not the default) writes to replicas are just local and are not propagated.\r\n")
	})
}

// Links can be named and cut from either end. A cut one comes back by itself and continues.
func TestRuleClientKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(nil)
		p.Do("INCR", "n")
		barrier(t, r)
		c, onReplica := dial(t, p), clientOf(t, r)
		for _, tc := range []struct {
			at      *peer
			command string
		}{
			{c, "CLIENT KILL TYPE replica"}, {c, "CLIENT KILL TYPE slave"}, {onReplica, "CLIENT KILL TYPE master"},
		} {
			tc.at.says(tc.command, ":1\r\n")
			p.Do("INCR", "n")
			barrier(t, r)
			replicationtest.Same(t, p.Store(), r.Store())
		}
		if st := r.Status(); st.FullSyncs != 1 || st.PartialSyncs != 3 {
			t.Errorf("%d full and %d partial resyncs, want 1 and 3", st.FullSyncs, st.PartialSyncs)
		}
		c.send("CLIENT", "LIST", "TYPE", "replica")
		v, err := c.in.ReadValue()
		if err != nil || strings.Count(v.Str, "\n") != 1 || !strings.Contains(v.Str, " flags=S ") || !strings.Contains(v.Str, " cmd=psync ") && !strings.Contains(v.Str, " cmd=replconf ") {
			t.Errorf("CLIENT LIST TYPE replica = %q, %v, want one line of a replica", v.Str, err)
		}
	})
}

// SHUTDOWN, and the end of the program's context, wait for the last byte to be acknowledged by who is online, at most for shutdown-timeout.
func TestRuleShutdown(t *testing.T) {
	for _, tc := range []struct {
		name string
		ack  string // a second later
		want time.Duration
	}{
		{"all bytes", "44", time.Second},
		{"all but one", "43", 10 * time.Second},
	} {
		for _, signal := range []bool{false, true} {
			t.Run(fmt.Sprint(tc.name, ", signal ", signal), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					nw := memnet.New(nil)
					s := run(t, nw, "--dir", t.TempDir(), "--save", "", "--repl-diskless-sync-delay", "0")
					synctest.Wait()
					peers := make([]*peer, 2)
					for i := range peers {
						c, err := nw.Dial(t.Context(), "tcp", "server:6379")
						if err != nil {
							t.Fatal(err)
						}
						defer c.Close()
						peers[i] = newPeer(t, c)
					}
					r, c := peers[0], peers[1]
					r.online()
					synctest.Wait()
					c.says("INCR n", ":1\r\n")
					begun := time.Now()
					if signal {
						s.cancel()
					} else {
						c.send("SHUTDOWN", "NOSAVE")
					}
					r.wants(frames("SELECT 0", "INCR n", "REPLCONF GETACK *"))
					time.Sleep(time.Second)
					r.send("REPLCONF", "ACK", tc.ack)
					if err := <-s.end; err != nil || time.Since(begun) != tc.want {
						t.Errorf("ended after %v, %v, want %v", time.Since(begun), err, tc.want)
					}
				})
			})
		}
	}
}

// WAITAOF waits for an append-only file, of which there is none: like a Redis before 7.2 we do not know it, which is what clients that may have either look for.
func TestRuleWaitAOF(t *testing.T) {
	const unknown = "-ERR unknown command '%s', with args beginning with: %s\r\n"
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, replicationtest.New(t))
		c.says("WAITAOF 0 0 0", fmt.Sprintf(unknown, "WAITAOF", "'0' '0' '0' "))
		c.says("MULTI", "+OK\r\n")
		c.says("waitaof 1 0 100", fmt.Sprintf(unknown, "waitaof", "'1' '0' '100' "))
		c.says("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n")
	})
}

// TestRuleWaitAOFAsRedis holds that answer against Redis 7.0's.
func TestRuleWaitAOFAsRedis(t *testing.T) {
	var want string
	for i, addr := range []string{
		realserver.Start(t, realserver.R7).Addr(),
		serveTCP(t, replicationtest.New(t)),
	} {
		c := wired(t, addr)
		c.send("WAITAOF", "0", "0", "0")
		got := c.line()
		if i == 0 {
			want = got
		}
		if got != want || !strings.HasPrefix(got, "-ERR unknown command") {
			t.Errorf("WAITAOF = %q, Redis 7.0 says %q", got, want)
		}
	}
}
