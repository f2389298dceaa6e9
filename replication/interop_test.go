package replication_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/store"
)

// These tests run against real servers, over loopback, with writers that never stop: increments and appends, pushes and pops of every type, which come out wrong
// when a byte is applied twice or lost. In the end every key of every database is compared, with type, value and deadline. They are skipped, and say so, where there is no real server.

const (
	interopKeys = 10_000 // in the data set before the first sync, so that writes fall into it
	interopCuts = 10

	interopElements = 5000 // of each large collection, beyond every small form
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
		n := strconv.Itoa(i)
		mustDo(t, d, "RPUSH", "list:"+n, "a", "b", n, "a")
		mustDo(t, d, "SADD", "set:"+n, "a", "b", n)
		mustDo(t, d, "SADD", "numbers:"+n, "1", "-2", n)
		mustDo(t, d, "ZADD", "sorted:"+n, n, "a", "0.1", "b", "-inf", "c")
	}
	for from := 0; from < interopElements; from += 500 {
		rpush, sadd, zadd := []string{"RPUSH", "list"}, []string{"SADD", "set"}, []string{"ZADD", "sorted"}
		for i := from; i < from+500; i++ {
			m := "element:" + strconv.Itoa(i)
			rpush, sadd, zadd = append(rpush, m), append(sadd, m), append(zadd, strconv.Itoa(i%300), m)
		}
		mustDo(t, d, rpush...)
		mustDo(t, d, sadd...)
		mustDo(t, d, zadd...)
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
	n, m := strconv.Itoa(i%50), strconv.Itoa(i%7)
	lines := append(append(churn(n, m), bitChurn(n, m)...),
		"INCR counter", "INCR counter:"+n, "APPEND text:"+n+" "+n, "HINCRBY hash f"+n+" 3", "SET short:"+n+" v PX 300",
		"SET long:"+n+" v EX 3600", "MULTI", "INCR a", "INCR b", "APPEND text x", "EXEC", "SELECT 3", "INCR counter", "HSET h"+n+" f "+n,
		"DEL long:"+strconv.Itoa((i+7)%50), "SELECT 0", "EXPIRE counter:"+n+" 1000")
	for _, line := range lines {
		// The other writer may have emptied what is to be renamed.
		if err, ok := c.Do(strings.Fields(line)...).(error); ok && err.Error() != "ERR no such key" {
			return err
		}
	}
	return nil
}

// churn changes collections, small ones and large, so that they grow, shrink, vanish and come again, by commands that choose at random, that move between keys, and
// that wait for an element: what travels is what they did. Two writers meet in every key, and sizes stay as they are on average.
func churn(n, m string) []string {
	return []string{
		"RPUSH list:" + n + " a" + m + " b", "LPUSH list:" + m + " c", "LPOP list:" + n, "RPOP list:" + m + " 2", "LINSERT list:" + n + " BEFORE b x" + m,
		"LREM list:" + n + " -1 a", "LTRIM list:" + n + " 0 40", "LMOVE list:" + n + " list:" + m + " LEFT RIGHT", "LMPOP 2 list:" + m + " list:" + n + " LEFT COUNT 2",
		"RPUSH list " + n + " " + m, "LPOP list 2", "RPOPLPUSH list list", "LINSERT list AFTER element:4000 y", "LPOP list", "LMOVE list list:" + n + " RIGHT LEFT", "LPUSH list z",

		"SADD set:" + n + " m" + m + " " + n, "SPOP set:" + n, "SREM set:" + m + " " + n, "SMOVE set:" + n + " set:" + m + " m" + m, "SPOP set:" + m + " 2",
		"SADD numbers:" + n + " " + m + " 70000", "SADD numbers:" + m + " " + n, "SPOP numbers:" + n, "SUNIONSTORE union:" + m + " set:" + n + " numbers:" + m,
		"SINTERSTORE both:" + m + " set:" + n + " set:" + m, "SDIFFSTORE diff:" + m + " numbers:" + n + " numbers:" + m, "SADD set new:" + n, "SPOP set", "SMOVE set set:" + n + " element:7" + n,

		"ZINCRBY sorted:" + n + " 0.1 a", "ZADD sorted:" + n + " " + m + " m" + m, "ZADD sorted:" + m + " GT CH " + n + " a", "ZPOPMIN sorted:" + n, "ZPOPMAX sorted:" + m + " 2",
		"ZREM sorted:" + n + " b", "ZMPOP 2 sorted:" + m + " sorted:" + n + " MIN", "ZUNIONSTORE zunion:" + m + " 2 sorted:" + n + " set:" + m + " WEIGHTS 0.5 2",
		"ZINCRBY sorted 1 element:" + n, "ZADD sorted 5.5 new:" + n, "ZPOPMIN sorted", "ZREMRANGEBYRANK sorted 100 100", "ZADD sorted " + m + " element:" + m + n,
		"ZRANGESTORE zrange:" + m + " sorted 0 " + n, "ZREMRANGEBYSCORE zunion:" + m + " -inf 1",

		"RPUSH queue:" + m + " " + n, "BLPOP queue:" + m + " 0.01", "BLMOVE queue:" + m + " queue LEFT LEFT 0.01", "BRPOP queue 0.001", "ZADD zqueue 1 " + n, "BZPOPMIN zqueue 0.01",
		"RPUSH brief:" + n + " a b", "PEXPIRE brief:" + n + " 200", "SADD fleeting:" + m + " a b", "PEXPIRE fleeting:" + m + " 100", "EXPIRE set:" + n + " 1000", "EXPIRE sorted:" + m + " 1000",
		"SORT list:" + n + " ALPHA STORE sorted-list:" + m, "COPY list copy REPLACE", "COPY set:" + n + " copy:" + m + " REPLACE", "ZADD moved:" + n + " 1 a 2 b", "RENAME moved:" + n + " renamed:" + m, // n is the one writer's: the other cannot have moved it
		"MULTI", "RPUSH list:" + n + " t", "SPOP set:" + n, "ZINCRBY sorted:" + n + " 2 a", "BLPOP list:" + m + " 0", "SADD set:" + n + " t", "EXEC",
	}
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

// Each way of loading, from a real primary, first into an empty store and then over data that is another's by then.
func TestInteropLoadModes(t *testing.T) {
	for _, tc := range []struct {
		mode     replication.LoadMode
		diskless string
	}{
		{replication.LoadInPlace, "no"}, {replication.LoadSpooled, "yes"}, {replication.LoadWhenEmpty, "no"},
	} {
		mode := tc.mode
		t.Run(fmt.Sprintf("%v, diskless %s", mode, tc.diskless), func(t *testing.T) {
			p := realserver.Start(t, realserver.R7, "--repl-diskless-sync", tc.diskless, "--repl-diskless-sync-delay", "0")
			preload(t, p)
			dir := t.TempDir()
			r := connect(t, "redis://"+p.Addr(), &replication.ReplicaOptions{LoadMode: mode, SpoolDir: dir})
			addr := serveTCP(t, r)
			realserver.AwaitEqual(t, 20*time.Second, p, connTo(t, addr))
			n, err := r.Promote(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			mustDo(t, connTo(t, addr), "INCR", "mine")
			stop := writers(t, p.Addr())
			defer stop()
			if _, err := n.Follow(t.Context(), "redis://"+p.Addr(), &replication.ReplicaOptions{LoadMode: mode, SpoolDir: dir}); err != nil {
				t.Fatal(err)
			}
			stop()
			realserver.AwaitEqual(t, 20*time.Second, p, connTo(t, addr))
			if st := n.Status(); st.FullSyncs != 2 || (st.Spooled == 0) == (mode == replication.LoadSpooled || mode == replication.LoadWhenEmpty) {
				t.Errorf("%+v", st)
			}
			if left, err := os.ReadDir(dir); len(left) != 0 || err != nil {
				t.Errorf("files left: %v, %v", left, err)
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
