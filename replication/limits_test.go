package replication

import (
	"context"
	"io"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/store"
)

func TestHeadroom(t *testing.T) {
	const forever = time.Duration(math.MaxInt64)
	for _, tt := range []struct {
		lag, limit, rate int64
		bytes            int64
		time             time.Duration
	}{
		{0, 0, 0, math.MaxInt64, forever},
		{5, 0, 7, math.MaxInt64, forever},
		{0, 1000, 0, 1000, forever},
		{0, 1000, 100, 1000, 10 * time.Second},
		{400, 1000, 1200, 600, 500 * time.Millisecond},
		{1000, 1000, 5, 0, 0},
		{1000, 1000, 0, 0, 0},
		{2000, 1000, 5, 0, 0}, // dropped, and not gone yet
		{0, math.MaxInt64, 1, math.MaxInt64, forever},
	} {
		if n, d := headroom(tt.lag, tt.limit, tt.rate); n != tt.bytes || d != tt.time {
			t.Errorf("headroom(%d, %d, %d) = %d, %v, want %d, %v", tt.lag, tt.limit, tt.rate, n, d, tt.bytes, tt.time)
		}
	}
}

func TestRateMeter(t *testing.T) {
	var m rateMeter
	start := time.Unix(0, 0)
	for i, tt := range []struct {
		second float64
		off    int64
		want   int64
	}{
		{0, 1000, 0},
		{1, 1100, 100},
		{2, 1100, 50},
		{3, 1100, 33},
		{4, 1100, 25},
		{5, 1100, 20},
		{6, 1100, 0}, // five seconds back there were 1100 already
		{6.5, 1100, 0},
		{7, 5100, 1000}, // five looks back is second 3
		{8, 10, 0},      // another history
		{10, 30, 10},
		{10, 30, 10},
	} {
		if got := m.add(start.Add(time.Duration(tt.second*float64(time.Second))), tt.off); got != tt.want {
			t.Errorf("look %d: rate %d, want %d", i, got, tt.want)
		}
	}
}

// TestLimits: what the options say, and the size of the backlog, make the limits that hold.
func TestLimits(t *testing.T) {
	const mb = 1 << 20
	for _, tt := range []struct {
		name    string
		o       PrimaryOptions
		backlog int64
		want    limits
	}{
		{"defaults", PrimaryOptions{}, 10 * mb,
			limits{hard: 256 * mb, soft: 64 * mb, softTime: time.Minute, sync: 1034 * mb, near: 32 * mb}},
		{"a large backlog", PrimaryOptions{}, 300 * mb,
			limits{hard: 300 * mb, soft: 300 * mb, softTime: time.Minute, sync: 1324 * mb, near: 300 * mb}},
		{"none", PrimaryOptions{OutputLimit: -1}, 10 * mb, limits{softTime: time.Minute, near: math.MaxInt64 / 2}},
		{"none but a soft one", PrimaryOptions{OutputLimit: -1, OutputSoftLimit: 40 * mb, OutputSoftTime: time.Hour}, 10 * mb,
			limits{soft: 40 * mb, softTime: time.Hour, near: 20 * mb}},
		{"no soft one", PrimaryOptions{OutputSoftLimit: -1}, mb,
			limits{hard: 256 * mb, softTime: time.Minute, sync: 1025 * mb, near: 128 * mb}},
		{"no time", PrimaryOptions{OutputSoftTime: -1}, mb,
			limits{hard: 256 * mb, soft: 64 * mb, sync: 1025 * mb, near: 32 * mb}},
		{"a budget below the limit", PrimaryOptions{SyncBudget: 2 * mb}, mb,
			limits{hard: 256 * mb, soft: 64 * mb, softTime: time.Minute, sync: 256 * mb, near: 32 * mb}},
		{"no budget", PrimaryOptions{SyncBudget: -1}, mb,
			limits{hard: 256 * mb, soft: 64 * mb, softTime: time.Minute, near: 32 * mb}},
		{"a budget beyond reason", PrimaryOptions{SyncBudget: math.MaxInt64}, mb,
			limits{hard: 256 * mb, soft: 64 * mb, softTime: time.Minute, sync: maxBudget + mb, near: 32 * mb}},
	} {
		s := store.New(&store.Options{BacklogBytes: tt.backlog})
		n := newNode(s, tt.o.config(), nil)
		if got := n.limits(); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
		r := &ReplicaOptions{OutputLimit: tt.o.OutputLimit, OutputSoftLimit: tt.o.OutputSoftLimit, OutputSoftTime: tt.o.OutputSoftTime, SyncBudget: tt.o.SyncBudget}
		if n.cfg.Store(r.config()); n.limits() != tt.want {
			t.Errorf("%s, as a replica: %+v, want %+v", tt.name, n.limits(), tt.want)
		}
		n.cfg.Store((&config{pingPeriod: time.Hour}).serving(&tt.o))
		if n.limits() != tt.want || n.cfg.Load().backlogTTL != DefaultBacklogTTL {
			t.Errorf("%s, promoted: %+v, want %+v", tt.name, n.limits(), tt.want)
		}
		s.Close()
	}
}

// TestNothingIsFreedUnderAReplica that came between the first look, without a lock, and the second.
func TestNothingIsFreedUnderAReplica(t *testing.T) {
	s := store.New(nil)
	defer s.Close()
	n := newNode(s, (&PrimaryOptions{BacklogTTL: time.Second}).config(), nil)
	f := new(feed)
	n.feeds[f] = struct{}{}
	if n.freeBacklog(time.Now()) {
		t.Error("the backlog was freed although a replica is attached")
	}
	delete(n.feeds, f)
	if !n.freeBacklog(time.Now()) {
		t.Error("without a replica it is not freed")
	}
}

// TestTurns: an encoder waits while others encode, and not while they write.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		few := make(turns, 1)
		r, w := io.Pipe()
		one, two := &turn{turns: few, ctx: ctx, w: w}, &turn{turns: few, ctx: ctx, w: io.Discard}
		if err := one.take(); err != nil {
			t.Fatal(err)
		}
		got, end := false, make(chan error)
		go func() {
			err := two.take()
			got = err == nil
			end <- err
		}()
		if synctest.Wait(); got {
			t.Fatal("two encode at once")
		}
		go one.Write([]byte("x")) // stays in its write until somebody reads
		if err := <-end; err != nil {
			t.Errorf("while the other one writes: %v", err)
		}
		r.Read(make([]byte, 1)) // now that one waits for its turn
		synctest.Wait()
		cancel()
		synctest.Wait()
		if two.give(); one.held || len(few) != 0 {
			t.Errorf("%d turns are left", len(few))
		}
	})
}
