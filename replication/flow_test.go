package replication_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// reasons returns why replicas went, by the port that they announced.
func reasons(logs *observer.ObservedLogs) map[string]error {
	out := map[string]error{}
	for _, e := range logs.FilterMessage("replica detached").All() {
		var port string
		var reason error
		for _, f := range e.Context {
			switch {
			case f.Key == "replica":
				_, port, _ = net.SplitHostPort(f.String)
			case f.Type == zapcore.ErrorType:
				reason = f.Interface.(error)
			}
		}
		out[port] = reason
	}
	return out
}

// ask brings a replica that the test plays to the point where its payload comes.
func (p *peer) ask(port int) {
	p.t.Helper()
	p.send("REPLCONF", "listening-port", itoa(port), "capa", "eof", "capa", "psync2")
	p.expect("+OK")
	p.send("PSYNC", "?", "-1")
}

// loading is ask with the payload read, and not acknowledged yet.
func (p *peer) loading(port int) {
	p.t.Helper()
	p.ask(port)
	p.expect("+FULLRESYNC")
	p.payload()
}

// info is the replica that announced a port, nil when it is not there.
func info(p *replicationtest.Primary, port int) *replication.ReplicaInfo {
	for _, r := range p.Replicas() {
		if strings.HasSuffix(r.Addr, ":"+itoa(port)) {
			return &r
		}
	}
	return nil
}

// grow writes about n bytes, in commands that would show it if one were applied twice.
func grow(p *replicationtest.Primary, n int) {
	for ; n > 0; n -= 10_000 {
		p.Do("INCR", "count")
		p.Do("APPEND", "text:"+itoa(n%7), strings.Repeat("x", min(n, 10_000)))
	}
}

const hour = time.Hour

// A primary whose replicas are all gone keeps the backlog for BacklogTTL. Whoever comes back before its end continues, whoever comes after it starts over under a new ID.
func TestBacklogTTL(t *testing.T) {
	const ttl = 10 * time.Second
	synctest.Test(t, func(t *testing.T) {
		p, logs := watched(t, nil, replication.PrimaryOptions{BacklogTTL: ttl, PingPeriod: hour, Timeout: hour})
		p.Do("RPUSH", "l", "a")
		first := dial(t, p)
		first.online()
		time.Sleep(10 * ttl) // somebody is there
		first.Close()
		synctest.Wait()
		was := p.Status()
		p.Do("RPUSH", "l", "b")
		ask := strconv.FormatInt(was.Offset+1, 10)

		time.Sleep(ttl - time.Nanosecond)
		again := dial(t, p)
		again.send("PSYNC", was.ID, ask)
		again.expect("+CONTINUE")
		again.Close()
		synctest.Wait() // and the time begins anew

		time.Sleep(ttl - time.Nanosecond)
		if st := p.Status(); st.ID != was.ID || st.BacklogFreed || st.BacklogFirst != was.BacklogFirst {
			t.Errorf("before the end of the time: %+v", st)
		}
		time.Sleep(time.Second)
		st := p.Status()
		if st.ID == was.ID || st.Secondary != "" || st.SecondaryLimit != -1 || st.Offset <= was.Offset || st.BacklogFirst != st.Offset || !st.BacklogFreed {
			t.Errorf("after the end of the time: %+v, before %+v", st, was)
		}
		last := st.Recent[len(st.Recent)-1]
		if last.Kind != replication.BacklogFreed || last.ID != st.ID || last.Offset != st.Offset {
			t.Errorf("the last event is %v %+v", last.Kind, last)
		}
		late := dial(t, p)
		late.send("PSYNC", was.ID, ask)
		late.expect(fmt.Sprintf("+FULLRESYNC %s %d", st.ID, st.Offset))
		if got := load(t, late.payload()); do(t, got, "LRANGE", "l", "0", "-1") != do(t, p.Store(), "LRANGE", "l", "0", "-1") {
			t.Error("the payload is not the data")
		}
		late.Close()
		synctest.Wait()
		// The backlog is back: the next one continues.
		next := dial(t, p)
		next.send("PSYNC", st.ID, strconv.FormatInt(st.Offset+1, 10))
		next.expect("+CONTINUE")
		if n := logs.FilterMessage("backlog freed").Len(); n != 1 {
			t.Errorf("it was freed %d times, want once", n)
		}
	})
}

// A node that was let go of keeps nothing of what is written, and frees nothing a second time.
func TestFreedBacklogTakesNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, logs := watched(t, nil, replication.PrimaryOptions{BacklogTTL: time.Second})
		for range 10 {
			grow(p, 1<<20)
			time.Sleep(time.Second)
		}
		if st := p.Status(); st.BacklogMemory > 64<<10 || st.BacklogSize != 10<<20 {
			t.Errorf("a freed backlog of %d bytes takes %d", st.BacklogSize, st.BacklogMemory)
		}
		if n := logs.FilterMessage("backlog freed").Len(); n != 1 {
			t.Errorf("it was freed %d times, want once", n)
		}
	})
}

// A replica keeps its primary's history whatever it is told, and begins to count when it is promoted.
func TestBacklogTTLOfReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("INCR", "n")
		r := p.Replica(&replication.ReplicaOptions{BacklogTTL: 10 * time.Second})
		time.Sleep(hour)
		if a, b := p.Status(), r.Status(); a.ID != b.ID || b.BacklogFreed || a.BacklogFreed {
			t.Errorf("after an hour: %+v and %+v", a, b)
		}
		q, err := r.Promote(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		promoted := q.Status()
		time.Sleep(9 * time.Second)
		if st := q.Status(); st.ID != promoted.ID || st.Secondary == "" {
			t.Errorf("9 s after the promotion: %+v", st)
		}
		time.Sleep(2 * time.Second)
		if st := q.Status(); st.ID == promoted.ID || st.Secondary != "" || st.Offset != promoted.Offset {
			t.Errorf("11 s after the promotion: %+v", st)
		}
	})
}

func TestBacklogForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{BacklogTTL: -1}})
		was := p.Status()
		time.Sleep(2 * replication.DefaultBacklogTTL)
		if st := p.Status(); st.ID != was.ID || st.BacklogFreed {
			t.Errorf("after two hours: %+v", st)
		}
	})
}

// A replica may be beyond the soft limit for a time; being below it in between starts the time anew.
func TestSoftOutputLimit(t *testing.T) {
	const soft = 1 << 20
	for _, tt := range []struct {
		name  string
		eased bool
		size  int
		gone  bool
	}{
		{"below", false, soft / 2, false},
		{"beyond", false, 2 * soft, true},
		{"beyond, with a look at the end in between", true, 2 * soft, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, logs := watched(t, &store.Options{BacklogBytes: 1 << 16},
					replication.PrimaryOptions{OutputLimit: 100 * soft, OutputSoftLimit: soft, OutputSoftTime: 10 * time.Second, Timeout: hour, PingPeriod: hour})
				r := dial(t, p)
				r.online()
				synctest.Wait()
				grow(p, tt.size)
				time.Sleep(9 * time.Second)
				list := p.Replicas()
				if len(list) != 1 {
					t.Fatalf("dropped before its time: %v", detached(t, logs))
				}
				if over := list[0].OverSoft; (over > 0) != (tt.size > soft) || over > 9*time.Second {
					t.Errorf("after 9 s it is said to be beyond the limit for %v", over)
				}
				if tt.eased {
					r.read(tt.size)
					synctest.Wait()
					grow(p, tt.size)
				}
				time.Sleep(4 * time.Second)
				if n := len(p.Replicas()); (n == 0) != tt.gone {
					t.Fatalf("%d replicas after 13 s", n)
				}
				if !tt.gone {
					return
				}
				var over *replication.OutputLimitError
				if err := detached(t, logs); !errors.As(err, &over) || over.Limit != soft || over.Lag <= soft || over.For <= 10*time.Second || over.For > 12*time.Second {
					t.Errorf("dropped because of %v, want the soft limit", err)
				}
			})
		})
	}
}

// A replica that loads is not judged by the output limit. When it has caught up it is.
func TestLoadingReplicaHasTheSyncBudget(t *testing.T) {
	const limit, budget, size = 256 << 10, 4 << 20, 64 << 10
	synctest.Test(t, func(t *testing.T) {
		p, logs := watched(t, &store.Options{BacklogBytes: size}, replication.PrimaryOptions{OutputLimit: limit, SyncBudget: budget, Timeout: hour, PingPeriod: hour})
		r := dial(t, p)
		r.loading(7001)
		start := p.Offset()
		grow(p, 3<<20)
		i := info(p, 7001)
		if i == nil || !i.CatchingUp || i.Limit != size+budget || i.Headroom != size+budget-(p.Offset()-start) {
			t.Fatalf("while it loads, %d bytes behind: %+v, %v", p.Offset()-start, i, reasons(logs))
		}
		if st := p.Status(); st.SyncBudget != budget || st.Retained < 2<<20 || st.Retained > budget {
			t.Errorf("retained %d of a budget of %d", st.Retained, st.SyncBudget)
		}
		// It has loaded, and reads what it missed, but for the last part: not even now the smaller limit ends it.
		r.send("REPLCONF", "ACK", strconv.FormatInt(start, 10))
		r.read(1 << 20)
		synctest.Wait()
		if i := info(p, 7001); i == nil || !i.CatchingUp || i.Limit != size+budget {
			t.Errorf("on its way, and far from the end: %+v, %v", i, reasons(logs))
		}
		r.read(int(p.Offset() - start - 1<<20))
		synctest.Wait()
		if i := info(p, 7001); i == nil || i.CatchingUp || i.Limit != limit || i.Headroom != limit {
			t.Errorf("caught up: %+v, %v", i, reasons(logs))
		}
		if n := p.Status().Retained; n != 0 {
			t.Errorf("%d bytes are retained for nobody", n)
		}
		grow(p, 2*limit+256<<10) // the network takes a part
		synctest.Wait()
		var over *replication.OutputLimitError
		if err := reasons(logs)["7001"]; !errors.As(err, &over) || over.Limit != limit || over.For != 0 {
			t.Errorf("behind again, dropped because of %v, want the output limit", err)
		}
	})
}

// Beyond the budget the one furthest behind goes, with the numbers, and nobody else: what the others need is less.
func TestSyncBudget(t *testing.T) {
	const budget, size = 4 << 20, 64 << 10
	synctest.Test(t, func(t *testing.T) {
		p, logs := watched(t, &store.Options{BacklogBytes: size}, replication.PrimaryOptions{OutputLimit: 256 << 10, SyncBudget: budget, Timeout: hour})
		first, second := dial(t, p), dial(t, p)
		first.loading(7001)
		start := p.Offset()
		grow(p, 2<<20)
		second.loading(7002)
		for len(p.Replicas()) == 2 {
			grow(p, 10_000)
			if n := p.Status().Retained; n > budget+size {
				t.Fatalf("%d bytes are retained, budget %d", n, budget)
			}
			synctest.Wait()
		}
		if behind := p.Offset() - start; behind <= budget+size || behind > budget+size+30_000 {
			t.Errorf("the first one was dropped at %d bytes, want %d", behind, budget+size)
		}
		why := reasons(logs)
		var over *replication.SyncBudgetError
		if err := why["7001"]; len(why) != 1 || !errors.As(err, &over) || !errors.Is(err, replication.ErrSyncBudget) ||
			over.Budget != budget || over.Backlog != size || over.Lag <= budget+size {
			t.Errorf("dropped: %v, want the first one because of the budget", why)
		}
		if n := p.Status().Retained; n > 3<<20 {
			t.Errorf("%d bytes are retained for the second one", n)
		}
	})
}

// A replica that takes its time to load while more is written than the output limit gets through with one full resync, instead of one after the other for ever.
func TestNoFullSyncLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, logs := watched(t, &store.Options{BacklogBytes: 64 << 10}, replication.PrimaryOptions{OutputLimit: 256 << 10, SyncBudget: 8 << 20})
		grow(p, 2<<20) // more than a connection takes
		r, _ := startReplica(t, p.URL(), &replication.ReplicaOptions{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := p.Dial(ctx, network, addr)
			return &loadingConn{c, 2 << 20}, err
		}})
		for range 60 {
			grow(p, 20_000)
			time.Sleep(time.Second)
		}
		barrier(t, r)
		if st := r.Status(); st.FullSyncs != 1 || len(reasons(logs)) != 0 {
			t.Errorf("%d full resyncs, want one; dropped: %v", st.FullSyncs, reasons(logs))
		}
		replicationtest.Same(t, p.Store(), r.Store())
	})
}

// loadingConn reads its first bytes at 64 KiB a second.
type loadingConn struct {
	net.Conn
	slow int
}

func (c *loadingConn) Read(b []byte) (int, error) {
	if c.slow <= 0 {
		return c.Conn.Read(b)
	}
	time.Sleep(time.Second)
	n, err := c.Conn.Read(b[:min(len(b), 64<<10)])
	c.slow -= n
	return n, err
}

// Limits and the size of the backlog can be changed while replicas are attached, and hold for those.
func TestLimitsChangeAtRunTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, logs := watched(t, &store.Options{BacklogBytes: 64 << 10}, replication.PrimaryOptions{OutputLimit: 2 << 20, Timeout: hour, AllowReplicaOf: true})
		r, loader := dial(t, p), dial(t, p)
		r.ask(7001)
		r.expect("+FULLRESYNC")
		r.payload()
		r.send("REPLCONF", "ACK", "0")
		loader.loading(7002)
		synctest.Wait()
		backlog := p.Store().Replication().Backlog()
		for _, size := range []int64{4 << 20, 16 << 10} {
			backlog.SetSize(size)
			time.Sleep(time.Second)
			synctest.Wait()
			if a, b := info(p, 7001).Limit, info(p, 7002).Limit; a != max(size, 2<<20) || b != size+replication.DefaultSyncBudget {
				t.Errorf("backlog of %d bytes: limits %d and %d", size, a, b)
			}
		}
		c := dial(t, p)
		c.send("CONFIG", "SET", "client-output-buffer-limit", "replica 1mb 0 0")
		c.expect("-ERR understudy does not offer")
		c.send("CONFIG", "SET", "understudy-sync-budget", "3mb")
		c.expect("+OK")
		time.Sleep(time.Second)
		synctest.Wait()
		if n := info(p, 7002).Limit; n != 16<<10+3<<20 {
			t.Errorf("limit of the loading one after CONFIG SET: %d", n)
		}
		grow(p, 1<<20)
		c.send("CONFIG", "SET", "understudy-sync-budget", "1mb") // but OutputLimit stays
		c.expect("+OK")
		time.Sleep(time.Second)
		synctest.Wait()
		if n := info(p, 7002).Limit; n != 2<<20 {
			t.Errorf("limit of the loading one with a budget below the output limit: %d", n)
		}
		if why := reasons(logs); len(why) != 0 {
			t.Errorf("dropped: %v", why)
		}
	})
}

// A limit that is lowered below what a replica is behind drops it.
func TestLimitLoweredBelowTheLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, logs := watched(t, &store.Options{BacklogBytes: 4 << 20}, replication.PrimaryOptions{OutputLimit: 1 << 20, SyncBudget: 1 << 20, Timeout: hour})
		r, loader := dial(t, p), dial(t, p)
		r.ask(7001)
		r.expect("+FULLRESYNC")
		r.payload()
		r.send("REPLCONF", "ACK", "0")
		loader.loading(7002)
		synctest.Wait()
		grow(p, 3<<20)
		p.Store().Replication().Backlog().SetSize(64 << 10)
		time.Sleep(time.Second)
		synctest.Wait()
		why := reasons(logs)
		var over *replication.OutputLimitError
		var budget *replication.SyncBudgetError
		if !errors.As(why["7001"], &over) || over.Limit != 1<<20 || !errors.As(why["7002"], &budget) || budget.Budget != 1<<20 || budget.Backlog != 64<<10 {
			t.Errorf("dropped: %v", why)
		}
	})
}

// Status tells how far a replica is from being dropped: in bytes, and in time at the rate of the stream.
func TestStatusTellsHeadroom(t *testing.T) {
	const limit, forever = 10_000_000, time.Duration(math.MaxInt64)
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{
			Store: &store.Options{BacklogBytes: 1 << 16}, Primary: &replication.PrimaryOptions{OutputLimit: limit, Timeout: hour, PingPeriod: hour},
		})
		if st := p.Status(); st.Rate != 0 || st.SyncBudget != replication.DefaultSyncBudget || st.BacklogSize != 1<<16 {
			t.Errorf("without replicas: %+v", st)
		}
		r := dial(t, p)
		r.ask(7001)
		r.expect("+FULLRESYNC")
		r.payload()
		r.send("REPLCONF", "ACK", "0")
		synctest.Wait()
		if i := info(p, 7001); i.Limit != limit || i.Headroom != limit || i.HeadroomTime != forever || i.CatchingUp {
			t.Errorf("of a stream that stands still: %+v", i)
		}
		start := p.Offset()
		time.Sleep(500 * time.Millisecond) // between two looks at the rate
		for range 10 {
			grow(p, 100_000)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		st, i := p.Status(), info(p, 7001)
		if st.Rate*10 < p.Offset()-start-100 || st.Rate*10 > p.Offset()-start+100 {
			t.Errorf("rate %d, %d bytes were written in 10 s", st.Rate, p.Offset()-start)
		}
		left := limit - (p.Offset() - start) // less than what the connection took
		if i.Headroom < left || i.Headroom > left+400_000 || i.HeadroomTime.Round(time.Second) != (time.Duration(i.Headroom/st.Rate)*time.Second) {
			t.Errorf("headroom %d bytes, %v at %d bytes a second; %d left at least", i.Headroom, i.HeadroomTime, st.Rate, left)
		}
		time.Sleep(10 * time.Second)
		if st, i := p.Status(), info(p, 7001); st.Rate != 0 || i.HeadroomTime != forever {
			t.Errorf("ten seconds later: rate %d, headroom %v", st.Rate, i.HeadroomTime)
		}
	})
}

// Replicas that stopped in the middle of their payloads do not keep others from getting theirs, however many there are.
func TestStalledPayloadsKeepNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		grow(p, 1<<20)
		for i := range runtime.GOMAXPROCS(0) + 1 {
			dial(t, p).ask(7001 + i)
		}
		synctest.Wait()
		start := time.Now()
		replicationtest.Same(t, p.Store(), p.Replica(nil).Store())
		if took := time.Since(start); took > time.Second {
			t.Errorf("a full resync beside stalled ones took %v", took)
		}
	})
}

// Twenty replicas at once, and some that misbehave each in its way: everyone is dealt with as configured, the memory stays within the budget, and no write waits.
func TestManyReplicasAtOnce(t *testing.T) {
	const budget, size = 1 << 20, 64 << 10
	synctest.Test(t, func(t *testing.T) {
		p, logs := watched(t, &store.Options{BacklogBytes: size}, replication.PrimaryOptions{OutputLimit: 256 << 10, SyncBudget: budget, Timeout: 20 * time.Second})
		grow(p, 512<<10)
		var good []*replication.Replica
		for range 20 {
			r, _ := startReplica(t, p.URL(), &replication.ReplicaOptions{Dial: p.Dial})
			good = append(good, r)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		slow, stalled, silent, late := dial(t, p), dial(t, p), dial(t, p), dial(t, p)
		slow.ask(7001)
		wg.Go(func() { slow.crawl(ctx) })
		stalled.ask(7002)
		silent.loading(7003)
		late.loading(7004)
		late.send("REPLCONF", "ACK", "0")
		wg.Go(func() { late.crawl(ctx) })
		most := int64(0)
		for range 200 {
			start := time.Now()
			grow(p, 10_000)
			if took := time.Since(start); took != 0 {
				t.Fatalf("a write waited %v", took)
			}
			most = max(most, p.Status().Retained)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Second / 2) // between two PING: one that comes in the midst of comparing is a difference
		for i, r := range good {
			barrier(t, r)
			if st := r.Status(); st.FullSyncs != 1 {
				t.Errorf("replica %d took %d full resyncs, want one", i, st.FullSyncs)
			}
			replicationtest.Same(t, p.Store(), r.Store())
		}
		if most > budget+size {
			t.Errorf("%d bytes were retained, budget %d", most, budget)
		}
		for port, want := range map[string]error{
			"7001": replication.ErrSyncBudget, "7002": replication.ErrStalled, "7003": replication.ErrAckTimeout, "7004": replication.ErrOutputLimit,
		} {
			if err := reasons(logs)[port]; !errors.Is(err, want) {
				t.Errorf("replica %s was dropped because of %v, want %v", port, err, want)
			}
		}
	})
}

// crawl reads ten bytes a second and says each time that it lives, until ctx or the connection ends.
func (p *peer) crawl(ctx context.Context) {
	var b [10]byte
	for ctx.Err() == nil {
		if _, err := p.in.Read(b[:]); err != nil {
			return
		}
		p.say("\n")
		time.Sleep(time.Second)
	}
}
