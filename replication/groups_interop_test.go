package replication_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/store"
)

// consumeSome is one round of a client that writes to a stream and works on it in two groups. Its consumers exist already,
// and none reads again what is its own: of that a server tells its replicas nothing.
func consumeSome(c realserver.Doer, i int) error {
	consumer := []string{"ada", "bob"}[i%2]
	if err, ok := c.Do("XADD", "jobs", "MAXLEN", "~", "400", "*", "n", itoa(i)).(error); ok {
		return err
	}
	read, ok := c.Do("XREADGROUP", "GROUP", "g", consumer, "COUNT", "2", "STREAMS", "jobs", ">").([]any)
	if !ok {
		return nil // the other one was first
	}
	var ids []string
	for _, e := range read[0].([]any)[1].([]any) {
		ids = append(ids, e.([]any)[0].(string))
	}
	lines := [][]string{
		{"XREADGROUP", "GROUP", "h", consumer, "NOACK", "COUNT", "5", "STREAMS", "jobs", "jobs2", ">", ">"},
		{"XADD", "jobs2", "*", "n", itoa(i)},
		{"XAUTOCLAIM", "jobs", "g", "eve", "5", "-", "COUNT", "3"},
	}
	switch i % 5 {
	case 0:
		lines = append(lines, []string{"XDEL", "jobs", ids[0]})
	case 1:
		lines = append(lines, []string{"XCLAIM", "jobs", "g", "eve", "0", ids[0], "LASTID", ids[0]})
	default:
		lines = append(lines, append([]string{"XACK", "jobs", "g"}, ids...))
	}
	if i%97 == 0 {
		lines = append(lines, []string{"XTRIM", "jobs2", "MAXLEN", "10"}, []string{"XGROUP", "SETID", "jobs2", "h", "$"}, []string{"XGROUP", "DELCONSUMER", "jobs", "g", "eve"},
			[]string{"XGROUP", "CREATECONSUMER", "jobs", "g", "eve"})
	}
	for _, line := range lines {
		if err, ok := c.Do(line...).(error); ok {
			return fmt.Errorf("%q: %w", line, err)
		}
	}
	return nil
}

// consumers run rounds of that until stop is called.
func consumers(t testing.TB, addr string) (stop func()) {
	t.Helper()
	c := connTo(t, addr)
	for _, line := range []string{"XGROUP CREATE jobs g 0 MKSTREAM", "XGROUP CREATE jobs h 0", "XGROUP CREATE jobs2 h 0 MKSTREAM"} {
		mustDo(t, c, strings.Fields(line)...)
		words := strings.Fields(line)
		for _, name := range []string{"ada", "bob", "eve"} {
			mustDo(t, c, "XGROUP", "CREATECONSUMER", words[2], words[3], name)
		}
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 2 {
		c := connTo(t, addr)
		wg.Go(func() {
			for i := w; ; i += 2 {
				select {
				case <-done:
					return
				default:
				}
				if err := consumeSome(c, i); err != nil {
					t.Errorf("consumer: %v", err)
					return
				}
			}
		})
	}
	return sync.OnceFunc(func() {
		close(done)
		wg.Wait()
	})
}

// Groups, what is pending in them, for whom, since when and how often it was delivered, are the same on ours and on a real
// server, either being the other's replica, over full and partial resyncs.
func TestInteropGroups(t *testing.T) {
	t.Run("ours follows", func(t *testing.T) {
		p := realserver.Start(t, realserver.R8, "--repl-backlog-size", "64mb")
		proxy := realserver.NewProxy(t, p.Addr())
		stop := consumers(t, p.Addr())
		defer stop()
		r := connect(t, "redis://"+proxy.Addr(), nil)
		cutAll(t, func(cuts int) bool {
			st := r.Status()
			return st.State == replication.Streaming && st.PartialSyncs >= uint64(cuts)
		}, proxy)
		stop()
		realserver.AwaitEqual(t, 20*time.Second, p, connTo(t, serveTCP(t, r)))
	})
	t.Run("ours is followed", func(t *testing.T) {
		p, err := replication.NewPrimary(store.New(&store.Options{BacklogBytes: 64 << 20}), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		addr := serveTCP(t, p)
		proxy := realserver.NewProxy(t, addr)
		stop := consumers(t, addr)
		defer stop()
		r := realserver.Start(t, realserver.R8, "--replicaof", "127.0.0.1 "+proxy.Port())
		cutAll(t, func(cuts int) bool {
			return r.Info("replication")["master_link_status"] == "up" && p.Status().PartialServed >= uint64(cuts)
		}, proxy)
		stop()
		realserver.AwaitEqual(t, 20*time.Second, connTo(t, addr), r)
	})
}

// crew works on the entries of a stream, each member at whichever of the servers is the primary.
type crew struct {
	t     testing.TB
	addrs []string
	done  chan struct{}
	wg    sync.WaitGroup

	mu     sync.Mutex
	worked map[string]int // deliveries by ID
	acked  map[string]int // acknowledgements that found the entry pending
}

// ask asks until a primary has answered. moved tells that it is another one than before, so that the answer to the last
// question may have been lost.
func (c *crew) ask(conns []*realserver.Conn, at *int, args ...string) (v any, moved bool) {
	for {
		v = conns[*at].Do(args...)
		err, failed := v.(error)
		if !failed {
			return v, moved
		}
		if text := err.Error(); !strings.HasPrefix(text, "READONLY") && !strings.HasPrefix(text, "UNBLOCKED") {
			c.t.Errorf("%q: %v", args, err)
			return nil, moved
		}
		*at, moved = (*at+1)%len(conns), true
	}
}

func (c *crew) dial() []*realserver.Conn {
	var conns []*realserver.Conn
	for _, addr := range c.addrs {
		conns = append(conns, connTo(c.t, addr))
	}
	return conns
}

// work is the life of one consumer: it takes new entries, waiting for them, and after a move what is still pending for it.
func (c *crew) work(name string) {
	conns, at := c.dial(), 0
	c.wg.Go(func() {
		from := "0"
		for {
			v, moved := c.ask(conns, &at, "XREADGROUP", "GROUP", "crew", name, "COUNT", "4", "BLOCK", "50", "STREAMS", "work", from)
			entries := entriesOf(v)
			if len(entries) == 0 && from == ">" {
				select {
				case <-c.done:
					return
				default:
				}
			}
			for _, id := range entries {
				c.mu.Lock()
				c.worked[id]++
				c.mu.Unlock()
				n, again := c.ask(conns, &at, "XACK", "work", "crew", id)
				moved = moved || again
				if n == int64(1) {
					c.mu.Lock()
					c.acked[id]++
					c.mu.Unlock()
				}
			}
			from = ">"
			if moved {
				from = "0"
			}
		}
	})
}

func entriesOf(v any) (ids []string) {
	streams, ok := v.([]any)
	if !ok || len(streams) == 0 {
		return nil
	}
	for _, e := range streams[0].([]any)[1].([]any) {
		ids = append(ids, e.([]any)[0].(string))
	}
	return ids
}

// A crew works on a stream while the role of the primary goes from ours to a real server and back: every entry that was
// added is worked on, and each is found pending by exactly one acknowledgement. So what is pending, and what is not any
// more, goes with the role, in both directions.
func TestInteropGroupsThroughFailover(t *testing.T) {
	for name, version := range map[string]realserver.Version{"redis7": realserver.R7, "redis8": realserver.R8} {
		t.Run(name, func(t *testing.T) {
			p, err := replication.NewPrimary(store.New(&store.Options{BacklogBytes: 64 << 20}), &replication.PrimaryOptions{AllowReplicaOf: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { p.Close() })
			addr := serveTCP(t, p)
			host, port, _ := strings.Cut(addr, ":")
			redis := realserver.Start(t, version, "--replicaof", host+" "+port, "--repl-backlog-size", "64mb")
			realserver.Await(t, 30*time.Second, func() bool { return howManyOnline(p) == 1 }, "the replica to be online")

			c := &crew{t: t, addrs: []string{addr, redis.Addr()}, done: make(chan struct{}), worked: map[string]int{}, acked: map[string]int{}}
			mustDo(t, connTo(t, addr), "XGROUP", "CREATE", "work", "crew", "0", "MKSTREAM")
			for _, name := range []string{"ada", "bob", "eve"} {
				c.work(name)
			}
			var added []string
			enough := make(chan struct{})
			producing := make(chan struct{})
			conns := c.dial()
			go func() {
				defer close(producing)
				for at, i := 0, 0; ; i++ {
					select {
					case <-enough:
						return
					default:
					}
					if id, ok := firstOf(c.ask(conns, &at, "XADD", "work", "*", "n", itoa(i))).(string); ok {
						added = append(added, id)
					}
				}
			}()
			workedOn := func(n int) func() bool {
				return func() bool {
					c.mu.Lock()
					defer c.mu.Unlock()
					return len(c.acked) >= n
				}
			}
			realserver.Await(t, 30*time.Second, workedOn(200), "the crew to work")

			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r, err := p.Failover(ctx, &replication.FailoverOptions{To: redis.Addr(), Replica: &replication.ReplicaOptions{Announce: addr}})
			if err != nil {
				t.Fatal(err)
			}
			realserver.Await(t, 30*time.Second, func() bool {
				return r.Status().State == replication.Streaming && len(redis.Do("ROLE").([]any)[2].([]any)) == 1
			}, "ours to follow")
			c.mu.Lock()
			n := len(c.acked)
			c.mu.Unlock()
			realserver.Await(t, 30*time.Second, workedOn(n+200), "the crew to work at the server")
			if got := redis.Do("FAILOVER", "TO", host, port); got != "OK" {
				t.Fatalf("FAILOVER = %v", got)
			}
			realserver.Await(t, 30*time.Second, func() bool { return r.Status().Role == replication.RolePrimary }, "ours to take over")
			c.mu.Lock()
			n = len(c.acked)
			c.mu.Unlock()
			realserver.Await(t, 30*time.Second, workedOn(n+200), "the crew to work at ours again")
			close(enough)
			<-producing
			realserver.Await(t, 60*time.Second, workedOn(len(added)), "the crew to finish")
			close(c.done)
			c.wg.Wait()

			for _, id := range added {
				if c.worked[id] == 0 || c.acked[id] != 1 {
					t.Errorf("%s was delivered %d times, and acknowledged %d times", id, c.worked[id], c.acked[id])
				}
			}
			if len(c.acked) != len(added) {
				t.Errorf("%d entries were added, %d acknowledged", len(added), len(c.acked))
			}
			ours := connTo(t, addr)
			if got := fmt.Sprint(ours.Do("XPENDING", "work", "crew")); got != "[0 <nil> <nil> <nil>]" {
				t.Errorf("in the end there are pending: %s", got)
			}
			if got := ours.Do("XLEN", "work"); got != int64(len(added)) {
				t.Errorf("XLEN = %v, %d were added", got, len(added))
			}
		})
	}
}

func firstOf(v any, _ bool) any { return v }
