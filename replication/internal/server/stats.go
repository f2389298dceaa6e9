package server

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/understudy-go/understudy/store"
)

// stats are the counters of INFO. All but blocked go back to zero with CONFIG RESETSTAT.
type stats struct {
	connections atomic.Int64
	rejected    atomic.Int64
	commands    atomic.Int64
	errors      atomic.Int64
	bytesIn     atomic.Int64
	bytesOut    atomic.Int64
	blocked     atomic.Int64 // clients that wait now
	slow        atomic.Int64 // clients that were closed because of client-output-buffer-limit

	// mu protects the fields below.
	mu       sync.Mutex
	previous sample // of the last second
	rate     sample // per second, between the last two samples
	base     baseline
	maxUsed  int64 // the most memory that anybody saw in INFO
}

// peak returns the largest value that it was given so far.
func (t *stats) peak(used int64) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.maxUsed = max(t.maxUsed, used)
	return t.maxUsed
}

// sample is a reading of the counters.
type sample struct {
	at                time.Time
	commands, in, out int64
	replIn, replOut   int64
}

// baseline is what the counters of the store and the node showed at the last CONFIG RESETSTAT: those are not ours to reset.
type baseline struct {
	hits, misses           int64
	expired, evicted       int64
	full, partial, refused uint64
	replIn, replOut        int64
}

func (t *stats) reset() {
	for _, n := range []*atomic.Int64{&t.connections, &t.rejected, &t.commands, &t.errors, &t.bytesIn, &t.bytesOut, &t.slow} {
		n.Store(0)
	}
}

func (s *Server) resetBaseline() {
	data, node := s.store.Stats(), s.node.State()
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	s.stats.base = baseline{hits: data.Hits, misses: data.Misses, expired: data.Expired, evicted: data.Evicted, full: node.FullSyncs, partial: node.PartialSyncs,
		refused: node.PartialRefused, replIn: node.BytesIn, replOut: node.BytesOut}
}

// since returns the store's and the node's counters less the baseline.
func (t *stats) since(data store.Stats, node State) baseline {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.base
	return baseline{hits: data.Hits - b.hits, misses: data.Misses - b.misses, expired: data.Expired - b.expired, evicted: data.Evicted - b.evicted, full: node.FullSyncs - b.full,
		partial: node.PartialSyncs - b.partial, refused: node.PartialRefused - b.refused, replIn: node.BytesIn - b.replIn, replOut: node.BytesOut - b.replOut}
}

// housekeeping runs once a second: rates for INFO, save points, clients over their soft limit.
func (s *Server) housekeeping() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			s.sample(now)
			s.saveIfDue(now)
			s.dropOverSoft(now)
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *Server) sample(now time.Time) {
	node := s.node.State()
	t := &s.stats
	t.mu.Lock()
	defer t.mu.Unlock()
	next := sample{now, t.commands.Load(), t.bytesIn.Load(), t.bytesOut.Load(), node.BytesIn, node.BytesOut}
	if prev := t.previous; !prev.at.IsZero() && next.commands >= prev.commands && next.in >= prev.in {
		ms := max(1, now.Sub(prev.at).Milliseconds())
		per := func(n int64) int64 { return n * 1000 / ms }
		t.rate = sample{now, per(next.commands - prev.commands), per(next.in - prev.in), per(next.out - prev.out), per(next.replIn - prev.replIn),
			per(next.replOut - prev.replOut)}
	}
	t.previous = next
}

func (t *stats) rates() sample {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rate
}
