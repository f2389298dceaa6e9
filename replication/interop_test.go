package replication_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/store"
)

// These tests run against real servers, over loopback, with writers that never stop: increments and appends, which come out wrong when a byte is applied twice or
// lost. In the end every key of every database is compared, with type, value and deadline. They are skipped, and say so, where there is no real server.

const (
	interopKeys = 10_000 // in the data set before the first sync, so that writes fall into it
	interopCuts = 10
)

// preload fills a server, with some of everything.
func preload(t testing.TB, d realserver.Doer) {
	t.Helper()
	for from := 0; from < interopKeys; from += 1000 {
		args := []string{"MSET"}
		for i := from; i < from+1000; i++ {
			args = append(args, "key:"+strconv.Itoa(i), strings.Repeat("v", i%100))
		}
		mustDo(t, d, args...)
	}
	for i := range 100 {
		mustDo(t, d, "HSET", "small:"+strconv.Itoa(i), "f", "1", "g", "text")
		mustDo(t, d, "HSET", "large", "field:"+strconv.Itoa(i), strings.Repeat("x", i*5))
		mustDo(t, d, "SET", "until:"+strconv.Itoa(i), "v", "EX", "3600")
	}
	mustDo(t, d, "SET", "big", strings.Repeat("0123456789", 100_000))
}

func mustDo(t testing.TB, d realserver.Doer, args ...string) {
	t.Helper()
	if err, ok := d.Do(args...).(error); ok {
		t.Fatalf("%q: %v", args[:min(len(args), 3)], err)
	}
}

// writers write until stop is called, which waits for them.
func writers(t testing.TB, addr string) (stop func()) {
	t.Helper()
	done := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 2 {
		c, err := realserver.Dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			defer c.Close()
			for i := w; ; i += 2 {
				select {
				case <-done:
					return
				default:
				}
				if err := writeSome(c, i); err != nil {
					t.Errorf("writer: %v", err)
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

// writeSome is one round of a writer.
func writeSome(c realserver.Doer, i int) error {
	n := strconv.Itoa(i % 50)
	for _, line := range []string{
		"INCR counter", "INCR counter:" + n, "APPEND text:" + n + " " + n, "HINCRBY hash f" + n + " 3", "SET short:" + n + " v PX 300",
		"SET long:" + n + " v EX 3600", "MULTI", "INCR a", "INCR b", "APPEND text x", "EXEC", "SELECT 3", "INCR counter", "HSET h" + n + " f " + n,
		"DEL long:" + strconv.Itoa((i+7)%50), "SELECT 0", "EXPIRE counter:" + n + " 1000",
	} {
		if err, ok := c.Do(strings.Fields(line)...).(error); ok {
			return err
		}
	}
	return nil
}

// serveTCP serves a node on loopback and returns the address.
func serveTCP(t testing.TB, n interface{ Serve(net.Listener) error }) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.Serve(l)
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

// connTo is a client of one of our nodes.
func connTo(t testing.TB, addr string) *realserver.Conn {
	t.Helper()
	c, err := realserver.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// cutAll breaks the links of the proxies in turn, each time when resumed says that they have come up again after so many cuts.
func cutAll(t testing.TB, resumed func(cuts int) bool, proxies ...*realserver.Proxy) {
	t.Helper()
	for cuts := range interopCuts + 1 {
		realserver.Await(t, 30*time.Second, func() bool { return resumed(cuts) }, "the link to come up again")
		if cuts < interopCuts {
			proxies[cuts%len(proxies)].Cut()
		}
	}
}

func connect(t testing.TB, url string, o *replication.ReplicaOptions) *replication.Replica {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := replication.Connect(ctx, url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// Ours follows a real primary, in both forms of the payload.
func TestInteropFollow(t *testing.T) {
	for _, tc := range []struct {
		name     string
		version  realserver.Version
		diskless string
	}{
		{"redis7 mark", realserver.R7, "yes"}, {"redis7 length", realserver.R7, "no"},
		{"redis8 mark", realserver.R8, "yes"}, {"redis8 length", realserver.R8, "no"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := realserver.Start(t, tc.version, "--repl-diskless-sync", tc.diskless, "--repl-backlog-size", "64mb")
			preload(t, p)
			proxy := realserver.NewProxy(t, p.Addr())
			stop := writers(t, p.Addr())
			defer stop()
			r := connect(t, "redis://"+proxy.Addr(), nil)
			cutAll(t, func(cuts int) bool {
				st := r.Status()
				return st.State == replication.Streaming && st.PartialSyncs >= uint64(cuts)
			}, proxy)
			stop()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := r.Barrier(ctx); err != nil {
				t.Fatal(err)
			}
			realserver.AwaitEqual(t, 20*time.Second, p, connTo(t, serveTCP(t, r)))
			if full := p.Info("stats")["sync_full"]; full != "1" {
				t.Errorf("sync_full = %s, want 1", full)
			}
			if st := r.Status(); st.FullSyncs != 1 || st.PartialSyncs != interopCuts {
				t.Errorf("%d full and %d partial resyncs, want 1 and %d", st.FullSyncs, st.PartialSyncs, interopCuts)
			}
		})
	}
}

// A real replica follows ours.
func TestInteropFeed(t *testing.T) {
	for name, version := range map[string]realserver.Version{"redis7": realserver.R7, "redis8": realserver.R8} {
		t.Run(name, func(t *testing.T) {
			p, err := replication.NewPrimary(store.New(&store.Options{BacklogBytes: 64 << 20}), nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { p.Close() })
			addr := serveTCP(t, p)
			preload(t, connTo(t, addr))
			proxy := realserver.NewProxy(t, addr)
			stop := writers(t, addr)
			defer stop()
			r := realserver.Start(t, version, "--replicaof", "127.0.0.1 "+proxy.Port())
			cutAll(t, func(cuts int) bool {
				return r.Info("replication")["master_link_status"] == "up" && p.Status().PartialServed >= uint64(cuts)
			}, proxy)
			stop()
			realserver.AwaitEqual(t, 20*time.Second, connTo(t, addr), r)
			if st := p.Status(); st.FullServed != 1 || st.PartialServed != interopCuts {
				t.Errorf("served %d full and %d partial resyncs, want 1 and %d; last refusal %q", st.FullServed, st.PartialServed, interopCuts, st.LastRefusal)
			}
		})
	}
}

// The chain redis -> ours -> redis, both links cut in turn; then ours is promoted, and the last one goes on without a full resync.
func TestInteropChain(t *testing.T) {
	p := realserver.Start(t, realserver.R7, "--repl-backlog-size", "64mb")
	preload(t, p)
	first := realserver.NewProxy(t, p.Addr())
	stop := writers(t, p.Addr())
	defer stop()
	middle := connect(t, "redis://"+first.Addr(), &replication.ReplicaOptions{Store: store.New(&store.Options{BacklogBytes: 64 << 20})})
	addr := serveTCP(t, middle)
	second := realserver.NewProxy(t, addr)
	last := realserver.Start(t, realserver.R7, "--replicaof", "127.0.0.1 "+second.Port())
	cutAll(t, func(cuts int) bool {
		st := middle.Status()
		return st.State == replication.Streaming && last.Info("replication")["master_link_status"] == "up" &&
			st.PartialSyncs+st.PartialServed >= uint64(cuts)
	}, first, second)
	stop()
	realserver.AwaitEqual(t, 20*time.Second, p, connTo(t, addr))
	realserver.AwaitEqual(t, 20*time.Second, p, last)
	if full := p.Info("stats")["sync_full"]; full != "1" {
		t.Errorf("sync_full of the primary = %s, want 1", full)
	}
	if st := middle.Status(); st.FullServed != 1 || st.FullSyncs != 1 {
		t.Errorf("the middle one took %d and gave %d full resyncs, want 1 and 1; last refusal %q", st.FullSyncs, st.FullServed, st.LastRefusal)
	}
	if a, b := p.Info("replication")["master_replid"], last.Info("replication")["master_replid"]; a != b {
		t.Errorf("replication IDs %s and %s at the ends of the chain", a, b)
	}

	n, err := middle.Promote(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	mustDo(t, connTo(t, addr), "INCR", "after")
	realserver.Await(t, 30*time.Second, func() bool { return last.Do("GET", "after") == "1" }, "the write after the promotion")
	realserver.AwaitEqual(t, 20*time.Second, connTo(t, addr), last)
	if st := n.Status(); st.FullServed != 1 {
		t.Errorf("%d full resyncs given after the promotion, want still 1; last refusal %q", st.FullServed, st.LastRefusal)
	}
}
