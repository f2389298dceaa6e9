package replication_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/store"
)

// counting increments n at whichever of the servers is the primary, until stop is called, which returns how many increments were answered.
func counting(t *testing.T, addrs ...string) (stop func() int) {
	t.Helper()
	done := make(chan struct{})
	var mu sync.Mutex
	total := 0
	var wg sync.WaitGroup
	for range 3 {
		conns := make([]*realserver.Conn, len(addrs))
		for i, addr := range addrs {
			conns[i] = connTo(t, addr)
		}
		wg.Go(func() {
			for at := 0; ; {
				select {
				case <-done:
					return
				default:
				}
				err, failed := conns[at].Do("INCR", "n").(error)
				switch {
				case !failed:
					mu.Lock()
					total++
					mu.Unlock()
				case strings.HasPrefix(err.Error(), "READONLY"):
					at = (at + 1) % len(conns)
				default:
					t.Errorf("INCR = %v", err)
					return
				}
			}
		})
	}
	return func() int {
		close(done)
		wg.Wait()
		return total
	}
}

// howManyOnline is how many of p's replicas are online.
func howManyOnline(p *replication.Primary) int {
	n := 0
	for _, r := range p.Status().Replicas {
		if r.State == replication.FeedOnline {
			n++
		}
	}
	return n
}

// Ours hands over to a real server and takes the role back from it, under load, with a real sibling: no answered write is missing and nobody needs a second full resync.
func TestInteropFailover(t *testing.T) {
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
			sibling := realserver.Start(t, version, "--replicaof", host+" "+port, "--repl-backlog-size", "64mb")
			up := func(s *realserver.Server) func() bool {
				return func() bool { return s.Info("replication")["master_link_status"] == "up" }
			}
			realserver.Await(t, 30*time.Second, up(redis), "the first sync")
			realserver.Await(t, 30*time.Second, up(sibling), "the first sync of the sibling")
			// A link that is up there is not online here until its first acknowledgement has come, and only who is online can take over.
			realserver.Await(t, 30*time.Second, func() bool { return howManyOnline(p) == 2 }, "both to be online")
			stop := counting(t, addr, redis.Addr())

			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r, err := p.Failover(ctx, &replication.FailoverOptions{To: redis.Addr(), Replica: &replication.ReplicaOptions{Announce: addr}})
			if err != nil {
				t.Fatal(err)
			}
			if got := redis.Info("replication"); got["role"] != "master" || got["master_failover_state"] != "no-failover" {
				t.Errorf("after the failover redis says %v", got)
			}
			realserver.Await(t, 30*time.Second, func() bool {
				return r.Status().State == replication.Streaming && len(redis.Do("ROLE").([]any)[2].([]any)) == 1
			}, "ours to follow")
			realserver.Await(t, 30*time.Second, up(sibling), "the sibling to come back")

			if got := redis.Do("FAILOVER", "TO", host, port); got != "OK" {
				t.Fatalf("FAILOVER = %v", got)
			}
			realserver.Await(t, 30*time.Second, func() bool { return r.Status().Role == replication.RolePrimary }, "ours to take over")
			realserver.Await(t, 30*time.Second, up(redis), "redis to follow")
			realserver.Await(t, 30*time.Second, up(sibling), "the sibling to come back")
			total := stop()

			ours := connTo(t, addr)
			realserver.AwaitEqual(t, 20*time.Second, ours, redis)
			realserver.AwaitEqual(t, 20*time.Second, ours, sibling)
			if got := ours.Do("GET", "n"); got != itoa(total) || total == 0 {
				t.Errorf("n = %v, %d increments were answered", got, total)
			}
			if got := redis.Info("replication"); got["role"] != "slave" || got["master_failover_state"] != "no-failover" {
				t.Errorf("in the end redis says %v", got)
			}
			if st := r.Status(); st.FullSyncs != 0 || st.FullServed != 2 || redis.Info("stats")["sync_full"] != "0" {
				t.Errorf("ours took %d and gave %d full resyncs, want 0 and 2; redis gave %s", st.FullSyncs, st.FullServed, redis.Info("stats")["sync_full"])
			}
		})
	}
}

// What FAILOVER is refused for, ours beside theirs.
func TestInteropFailoverReplies(t *testing.T) {
	redis := realserver.Start(t, realserver.R7)
	ours := run(t, nil, "--save", "", "--dir", t.TempDir())
	defer ours.stop(t)
	c := connTo(t, ours.Addr().String())
	compare := func(lines ...string) {
		t.Helper()
		for _, line := range lines {
			words := strings.Fields(line)
			if got, want := c.Do(words...), redis.Do(words...); got != want {
				t.Errorf("%s = %v, redis says %v", line, got, want)
			}
		}
	}
	syntax := []string{
		"FAILOVER", "FAILOVER ABORT", "FAILOVER FORCE", "FAILOVER TO", "FAILOVER TO h", "FAILOVER TO h x", "FAILOVER TO h 1", "FAILOVER TIMEOUT", "FAILOVER TIMEOUT x",
		"FAILOVER TIMEOUT 0", "FAILOVER TIMEOUT -1", "FAILOVER TIMEOUT 5 TIMEOUT 5", "FAILOVER TO h 1 FORCE", "FAILOVER FORCE TIMEOUT 10", "FAILOVER ABORT TO h 1",
		"FAILOVER ABORT ABORT", "FAILOVER x", "FAILOVER TO h 1 TO h 2", "FAILOVER FORCE FORCE", "FAILOVER TO h 1 FORCE TIMEOUT 10",
	}
	compare(syntax...)
	// With a replica each.
	replica := realserver.Start(t, realserver.R7, "--replicaof", redis.Addr()[:9]+" "+redis.Port())
	_, port, _ := strings.Cut(ours.Addr().String(), ":")
	realserver.Start(t, realserver.R7, "--replicaof", "127.0.0.1 "+port, "--repl-ping-replica-period", "1")
	for _, d := range []realserver.Doer{redis, c} {
		realserver.Await(t, 30*time.Second, func() bool { return len(d.Do("ROLE").([]any)[2].([]any)) == 1 }, "a replica")
	}
	compare(syntax[1:]...)
	replica.Pause()
	compare("REPLICAOF "+redis.Addr()[:9]+" "+replica.Port(), "FAILOVER", "FAILOVER ABORT", "WAIT 0 1", "REPLICAOF NO ONE")
	replica.Resume()
}
