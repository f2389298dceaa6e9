package replication

import (
	"context"
	"math"
	"time"

	"go.uber.org/zap"
)

// flow is what a node that has replicas does by the clock, whatever its role: it measures the rate of the stream, and judges the replicas by it and by their soft
// limits. It comes with the first replica and goes with the last one.
type flow struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func (n *node) startFlow() *flow {
	ctx, cancel := context.WithCancel(context.Background())
	w := &flow{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		n.watchFeeds(ctx)
	}()
	return w
}

// stop ends the goroutine and waits for it; nil is fine.
func (w *flow) stop() {
	if w != nil {
		w.cancel()
		<-w.done
	}
}

func (n *node) watchFeeds(ctx context.Context) {
	t := time.NewTicker(beat)
	defer t.Stop()
	var m rateMeter
	m.add(time.Now(), n.repl.Backlog().Offset())
	for {
		select {
		case <-ctx.Done():
			n.rate.Store(0)
			return
		case now := <-t.C:
			n.rate.Store(m.add(now, n.repl.Backlog().Offset()))
			n.judgeFeeds(now)
		}
	}
}

func (n *node) judgeFeeds(now time.Time) {
	l := n.limits()
	for _, f := range n.feedList() {
		if err := f.judge(l, now); err != nil {
			f.because(err)
		}
	}
}

// rateSpan is over how many looks a rate is taken: long enough to even out bursts, short enough to be called the present.
const rateSpan = 5

// rateMeter is the last looks at an offset, the newest last. The zero value has seen nothing.
type rateMeter struct {
	at  []time.Time
	off []int64
}

// add notes an offset and returns the bytes a second since the oldest look that is remembered; 0 for the first one. An offset that goes back belongs to another
// history: then counting starts anew.
func (m *rateMeter) add(now time.Time, off int64) int64 {
	if len(m.off) > 0 && off < m.off[len(m.off)-1] {
		m.at, m.off = m.at[:0], m.off[:0]
	}
	if len(m.off) > rateSpan {
		m.at, m.off = m.at[1:], m.off[1:]
	}
	m.at, m.off = append(m.at, now), append(m.off, off)
	took := now.Sub(m.at[0])
	if took <= 0 {
		return 0
	}
	return int64(float64(off-m.off[0]) / took.Seconds())
}

// headroom is how many bytes more, and at rate bytes a second how much longer, the replica may read nothing before it reaches limit. Without a limit, and without
// a reader, both have no end; while nothing is written the time has none.
func headroom(lag, limit, rate int64) (int64, time.Duration) {
	if limit == 0 {
		return math.MaxInt64, math.MaxInt64
	}
	left := max(limit-lag, 0)
	seconds := float64(left) / float64(rate)
	if left > 0 && (rate <= 0 || seconds > float64(math.MaxInt64/int64(time.Second))) {
		return left, math.MaxInt64
	}
	if left == 0 {
		return 0, 0
	}
	return left, time.Duration(seconds * float64(time.Second))
}

// standing fills in how far the replica is from being dropped. REQUIRES f.mu.
func (f *feed) standing(i *ReplicaInfo, rate int64, now time.Time) {
	i.CatchingUp = f.catching
	lag := int64(0)
	if f.place != nil {
		lag, i.Limit = f.place.Lag(), f.place.Limit()
	}
	i.Headroom, i.HeadroomTime = headroom(lag, i.Limit, rate)
	if first := f.over.Load(); first != 0 {
		i.OverSoft = now.Sub(unixNano(first))
	}
}

// idle tells whether the node has had no replicas for as long as a primary keeps its backlog for those that come back.
func (n *node) idle(now time.Time) bool {
	ttl := n.cfg.Load().backlogTTL
	n.mu.Lock()
	defer n.mu.Unlock()
	return ttl > 0 && len(n.feeds) == 0 && now.Sub(n.alone) >= ttl
}

// freeIdleBacklog lets go of a backlog that nobody came back to. The history gets a new name with it, so that who comes too late is not taken for one who missed
// nothing. A replica never does so: its history is its primary's, and it may be promoted.
func (n *node) freeIdleBacklog(now time.Time) {
	if n.idle(now) && !n.repl.Backlog().Freed() && n.freeBacklog(now) {
		n.progress.fire()
		n.log.Info("backlog freed", zap.Int64("offset", n.repl.Backlog().Offset()))
		n.note(Event{Kind: BacklogFreed})
	}
}

// freeBacklog looks once more: attach takes histMu too, and somebody may have come before us.
func (n *node) freeBacklog(now time.Time) bool {
	n.histMu.Lock()
	defer n.histMu.Unlock()
	return n.idle(now) && n.repl.FreeBacklog()
}
