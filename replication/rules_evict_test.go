package replication_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// Keys that make room for others, as replicas see them.

// limitTo bounds the data of s to what it takes now and so many bytes more.
func limitTo(t testing.TB, s *store.Store, more int64, p store.EvictionPolicy) {
	t.Helper()
	if err := s.SetMemoryLimit(store.MemoryLimit{Bytes: s.Stats().Bytes + more, Policy: p}); err != nil {
		t.Fatal(err)
	}
}

// A write to a primary that is within its limit, to the byte, removes nothing; one to a primary that is beyond first removes keys, each by a DEL of its own, before
// the write and outside of its MULTI.
func TestRuleEviction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		tap := onlineAt(t, p)
		for i := range 4 { // the earlier a deadline, the sooner it goes
			p.Do("SET", "k"+itoa(i), "v", "PXAT", strconv.FormatInt(time.Now().Add(time.Duration(1+i)*time.Hour).UnixMilli(), 10))
			tap.command()
		}
		tap.command() // and SELECT
		limitTo(t, p.Store(), 0, store.VolatileTTL)
		p.Do("INCR", "n") // at the limit; beyond it from here on
		tap.wants(frames("INCR n"))
		p.Do("INCR", "n")
		tap.wants(frames("DEL k0", "INCR n"))
		limitTo(t, p.Store(), 0, store.VolatileTTL)
		p.Do("RPUSH", "l", strings.Repeat("x", 35))
		tap.command()
		c := dial(t, p)
		for _, line := range []string{"MULTI", "DEL none", "INCR n", "INCR m"} {
			c.send(strings.Fields(line)...)
			c.line()
		}
		tap.wants(frames("DEL k1", "DEL k2")) // to queue a command that takes memory needs room
		c.says("EXEC", "*3\r\n:0\r\n:3\r\n:1\r\n")
		tap.wants(frames("MULTI", "INCR n", "INCR m", "EXEC"))
		c.says("SELECT 2", "+OK\r\n")
		limitTo(t, p.Store(), 1, store.VolatileTTL)
		c.says("INCR n", ":1\r\n")
		tap.wants(frames("SELECT 2", "INCR n"))
		c.says("DEL n", ":1\r\n") // every write makes room, one that gives some back too
		tap.wants(frames("SELECT 0", "DEL k3", "SELECT 2", "DEL n"))
		tap.silent(time.Second)
		if n := p.Store().Stats().Evicted; n != 4 {
			t.Errorf("%d evicted, want 4", n)
		}
	})
}

// While CLIENT PAUSE holds writes up, no key or field goes because of its deadline: who waits until replicas have the offset of now has waited for the last
// one. They go when the pause is over.
func TestRulePausedRemovals(t *testing.T) {
	for _, ends := range []string{"itself", "CLIENT UNPAUSE"} {
		synctest.Test(t, func(t *testing.T) {
			p := replicationtest.New(t)
			tap := onlineAt(t, p)
			p.Do("SET", "due", "v", "PX", "500")
			p.Do("HSET", "h", "f", "v", "g", "w")
			p.Do("HPEXPIRE", "h", "600", "FIELDS", "1", "f")
			for range 4 {
				tap.command()
			}
			c := dial(t, p)
			c.says("CLIENT PAUSE 5000 WRITE", "+OK\r\n")
			tap.silent(4 * time.Second)
			if ends != "itself" {
				c.says(ends, "+OK\r\n")
			}
			tap.wants(frames("DEL due", "HDEL h f"))
		})
	}
}

// Where nothing may be removed, commands that may take more memory are refused, and no others: the stream has nothing of them, and acknowledgements, messages, and
// the deletion of expired keys go on.
func TestRuleOutOfMemory(t *testing.T) {
	const oom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n"
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		tap := onlineAt(t, p)
		p.Do("SET", "k", "v")
		p.Do("RPUSH", "l", "a", "b")
		p.Do("SET", "due", "v", "PX", "500")
		for range 4 {
			tap.command()
		}
		c := dial(t, p)
		limitTo(t, p.Store(), 0, store.NoEviction)
		c.says("SET j v", "+OK\r\n") // at the limit
		tap.wants(frames("SET j v"))
		for _, refused := range []string{"SET j w", "INCR n", "COPY k j", "BLMOVE l l LEFT LEFT 0", "SORT l"} {
			c.says(refused, oom)
		}
		c.says("MULTI", "+OK\r\n")
		c.says("GET k", "+QUEUED\r\n")
		c.says("RPUSH l c", oom)
		c.says("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n")
		tap.silent(time.Second / 4)
		c.says("PUBLISH channel m", ":0\r\n")
		c.says("LPOP l", "$1\r\na\r\n")
		c.says("EXPIRE k 100", ":1\r\n")
		c.says("WAIT 1 10", ":0\r\n")
		tap.wants(frames("PUBLISH channel m", "LPOP l"))
		if got := tap.command(); !strings.HasPrefix(got, "PEXPIREAT k ") {
			t.Errorf("the stream has %q, want PEXPIREAT", got)
		}
		tap.wants(frames("REPLCONF GETACK *", "DEL due"))
		c.says("DEL l", ":1\r\n")
		c.says("SET j v", "+OK\r\n") // there is room
		tap.wants(frames("DEL l", "SET j v"))
	})
}

// A replica has what its primary has, however small its own limit, and refuses nothing of it; from its promotion on it keeps the limit, by DEL in the new stream.
func TestRuleEvictionOnReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(&replication.ReplicaOptions{Store: store.New(&store.Options{MemoryLimit: store.MemoryLimit{Bytes: 1, Policy: store.AllKeysLRU}})})
		p.Do("INCR", "n")
		p.Do("RPUSH", "l", "a", "b")
		barrier(t, r)
		time.Sleep(65 * time.Second) // not at the instant of a PING
		barrier(t, r)
		replicationtest.Same(t, p.Store(), r.Store())
		chained := clientOf(t, r)
		chained.send("REPLCONF", "capa", "psync2")
		chained.wants("+OK\r\n")
		id, offset := p.Status().ID, r.Status().Offset
		n, err := r.Promote(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		chained.asks(id, offset, "+CONTINUE "+n.Status().ID)
		got := chained.read(len(frames("SELECT 0", "DEL n", "DEL l")))
		if got != frames("SELECT 0", "DEL n", "DEL l") && got != frames("SELECT 0", "DEL l", "DEL n") {
			t.Errorf("the new stream has %q", got)
		}
		if n := n.Store().Stats(); n.Evicted != 2 || n.Bytes != 0 {
			t.Errorf("%d evicted, %d bytes left, want 2 and 0", n.Evicted, n.Bytes)
		}
	})
}

// The limit is what maxmemory says, from the next write on; a lower one makes room at once. INFO tells what counts.
func TestMaxMemoryDirectives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nw := memnet.New(nil)
		s := run(t, nw, "--save", "", "--dir", t.TempDir(), "--loglevel", "warning", "--maxmemory", "1mb", "--maxmemory-policy", "allkeys-lru")
		c := dialServer(t, nw)
		info := func(section string) map[string]string {
			t.Helper()
			fields, err := realserver.Info(c, section)
			if err != nil {
				t.Fatal(err)
			}
			return fields
		}
		for i := range 2000 {
			wantReply(t, c, "OK", "SET", "key:"+itoa(i), strings.Repeat("x", 1000))
		}
		memory := info("memory")
		if n, err := strconv.Atoi(memory["used_memory_dataset"]); err != nil || n < 1<<20-2000 || n > 1<<20+2000 {
			t.Errorf("used_memory_dataset = %d, %v, want a megabyte", n, err)
		}
		if memory["maxmemory"] != "1048576" || memory["maxmemory_policy"] != "allkeys-lru" || memory["maxmemory_human"] != "1.00M" {
			t.Errorf("INFO memory has %q", memory)
		}
		if n, err := strconv.Atoi(info("stats")["evicted_keys"]); err != nil || n < 900 || n > 1100 {
			t.Errorf("evicted_keys = %d, %v", n, err)
		}
		wantReply(t, c, "OK", "CONFIG", "RESETSTAT")
		wantReply(t, c, "OK", "CONFIG", "SET", "maxmemory", "500kb", "maxmemory-policy", "allkeys-lfu", "lfu-log-factor", "0", "lfu-decay-time", "0", "maxmemory-samples", "64")
		if n, err := strconv.Atoi(info("memory")["used_memory_dataset"]); err != nil || n > 500<<10 {
			t.Errorf("used_memory_dataset = %d, %v, want 512000 at most", n, err)
		}
		if n := info("stats")["evicted_keys"]; n == "0" {
			t.Error("a lower limit evicted nothing")
		}
		if got := s.log.String(); strings.Count(got, "data exceeds maxmemory") != 1 {
			t.Errorf("the log says %q, want one line", got)
		}
		if got := fmt.Sprint(c.Do("OBJECT", "FREQ", fmt.Sprint(c.Do("RANDOMKEY")))); got != "5" {
			t.Errorf("OBJECT FREQ = %s, want 5", got)
		}
		wantReply(t, c, "OK", "CONFIG", "SET", "maxmemory-policy", "noeviction")
		wantReply(t, c, "OK", "CONFIG", "SET", "maxmemory", "1")
		if got := fmt.Sprint(c.Do("SET", "k", "v")); !strings.HasPrefix(got, "OOM ") {
			t.Errorf("SET = %s, want OOM", got)
		}
		wantReply(t, c, "OK", "CONFIG", "SET", "maxmemory", "0")
		wantReply(t, c, "OK", "SET", "k", "v")
		for _, bad := range [][]string{{"maxmemory-policy", "lru"}, {"maxmemory", "-1"}, {"maxmemory-samples", "0"}, {"lfu-log-factor", "-1"}, {"lfu-decay-time", "x"}, {"maxmemory-eviction-tenacity", "101"}} {
			if got := fmt.Sprint(c.Do("CONFIG", "SET", bad[0], bad[1])); !strings.HasPrefix(got, "ERR CONFIG SET failed") {
				t.Errorf("CONFIG SET %q = %s", bad, got)
			}
		}
		c.Close()
		s.stop(t)
	})
}

// The limit of an embedded store is its program's: clients see it, and what they may change leaves it alone.
func TestMemoryLimitOfAnEmbeddedStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := store.MemoryLimit{Bytes: 12345678, Policy: store.VolatileLFU, Samples: 7, LFULogFactor: -1, LFUDecay: 3 * time.Minute}
		p := replicationtest.NewWith(t, &replicationtest.Options{Store: &store.Options{MemoryLimit: limit}, Primary: &replication.PrimaryOptions{AllowReplicaOf: true}})
		c := dial(t, p)
		c.says("CONFIG GET maxmemory", "*2\r\n$9\r\nmaxmemory\r\n$8\r\n12345678\r\n")
		c.says("CONFIG GET maxmemory-policy", "*2\r\n$16\r\nmaxmemory-policy\r\n$12\r\nvolatile-lfu\r\n")
		c.says("CONFIG SET repl-timeout 50", "+OK\r\n")
		if got := p.Store().MemoryLimit(); got != limit {
			t.Errorf("the limit is %+v, want %+v", got, limit)
		}
		limit.Bytes = 23456789
		if err := p.Store().SetMemoryLimit(limit); err != nil {
			t.Fatal(err)
		}
		c.says("CONFIG SET repl-timeout 40", "+OK\r\n")
		if got := p.Store().MemoryLimit(); got != limit {
			t.Errorf("the limit is %+v, want %+v", got, limit)
		}
		c.send("CONFIG", "SET", "maxmemory", "1")
		c.expect("-ERR understudy does not offer")
	})
}

// evictingWrites writes keys of all kinds, more than there is room for, and some again and again, until enough were evicted.
func evictingWrites(t testing.TB, d realserver.Doer, evicted func() bool) {
	t.Helper()
	for i := 0; i < 200_000 && (i < 1500 || !evicted()); i++ {
		n, m := strconv.Itoa(i), strconv.Itoa(i%97)
		mustDo(t, d, "INCR", "counter:"+m)
		mustDo(t, d, "RPUSH", "list:"+m, n, strings.Repeat("e", 50))
		mustDo(t, d, "APPEND", "text:"+m, n)
		mustDo(t, d, "SET", "key:"+n, strings.Repeat("v", 300), "EX", "1000")
		mustDo(t, d, "HINCRBY", "hash:"+m, "f"+n, "1")
		mustDo(t, d, "ZINCRBY", "sorted:"+m, "0.1", "m"+n)
		mustDo(t, d, "LPOP", "list:"+m)
		if i%50 == 0 {
			for _, line := range []string{"SELECT 3", "MULTI", "INCR a" + m, "RPUSH l" + m + " x y", "EXEC", "SADD s" + m + " " + n, "SELECT 0"} {
				mustDo(t, d, strings.Fields(line)...)
			}
		}
	}
}

// Real replicas of a primary of ours that is always full have what it has.
func TestInteropEviction(t *testing.T) {
	for _, policy := range []store.EvictionPolicy{store.AllKeysLRU, store.AllKeysRandom, store.VolatileTTL} {
		t.Run(policy.String(), func(t *testing.T) {
			p, err := replication.NewPrimary(store.New(nil), &replication.PrimaryOptions{MinReplicas: 2, MaxLag: 20 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { p.Close() })
			addr := serveTCP(t, p)
			replicas := []*realserver.Server{
				realserver.Start(t, realserver.R7, "--replicaof", strings.ReplaceAll(addr, ":", " "), "--maxmemory", "1mb", "--maxmemory-policy", "allkeys-lru"), // which it does not keep as a replica
				realserver.Start(t, realserver.R8, "--replicaof", strings.ReplaceAll(addr, ":", " ")),
			}
			realserver.Await(t, 30*time.Second, func() bool { return p.Status().GoodReplicas == 2 }, "both replicas")
			if err := p.Store().SetMemoryLimit(store.MemoryLimit{Bytes: 1 << 20, Policy: policy}); err != nil {
				t.Fatal(err)
			}
			c := connTo(t, addr)
			evictingWrites(t, c, func() bool { return p.Store().Stats().Evicted > 500 })
			if got := c.Do("WAIT", "2", "20000"); got != int64(2) {
				t.Errorf("WAIT = %v, want 2", got)
			}
			for _, r := range replicas {
				realserver.AwaitEqual(t, 20*time.Second, c, r)
			}
			if st := p.Store().Stats(); st.Evicted <= 500 || st.Bytes > 1<<20+1000 {
				t.Errorf("%d evicted, %d bytes", st.Evicted, st.Bytes)
			}
			if st := p.Status(); st.FullServed != 2 {
				t.Errorf("%d full resyncs, want 2", st.FullServed)
			}
		})
	}
}

// Ours follows real primaries that are always full.
func TestInteropEvictingPrimary(t *testing.T) {
	for name, version := range map[string]realserver.Version{"redis7": realserver.R7, "redis8": realserver.R8} {
		for _, policy := range []string{"allkeys-random", "allkeys-lru", "volatile-lfu"} {
			t.Run(name+" "+policy, func(t *testing.T) {
				p := realserver.Start(t, version, "--repl-diskless-sync-delay", "0", "--lazyfree-lazy-eviction", "yes")
				used, err := strconv.Atoi(p.Info("memory")["used_memory"])
				if err != nil {
					t.Fatal(err)
				}
				evictingWrites(t, p, func() bool { return true })
				mustDo(t, p, "CONFIG", "SET", "maxmemory", strconv.Itoa(used+(2<<20)), "maxmemory-policy", policy)
				r := connect(t, "redis://"+p.Addr(), &replication.ReplicaOptions{Store: store.New(&store.Options{MemoryLimit: store.MemoryLimit{Bytes: 1 << 20, Policy: store.AllKeysLRU}})})
				evictingWrites(t, p, func() bool {
					n, _ := strconv.Atoi(p.Info("stats")["evicted_keys"])
					return n > 500
				})
				realserver.AwaitEqual(t, 20*time.Second, p, connTo(t, serveTCP(t, r)))
				if st := r.Store().Stats(); st.Evicted != 0 {
					t.Errorf("the replica evicted %d keys", st.Evicted)
				}
				if n, _ := strconv.Atoi(p.Info("stats")["evicted_keys"]); n <= 500 {
					t.Errorf("the primary evicted %d keys", n)
				}
			})
		}
	}
}
