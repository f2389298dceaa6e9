package replication

import (
	"slices"
	"time"

	"go.uber.org/zap"
)

// A primary may be told to accept writes only while enough of its replicas keep up, so that a write which only it has can be lost for a stated time and no longer.
// This bounds the loss when a primary is cut off from everybody else: it accepts writes for MaxLag more. It does not promise that any given write has
// arrived anywhere; WaitReplicas does.
//
// A replica is good while it is online and its last sign of life is at most MaxLag old. Whether enough are is looked at when one comes, goes or speaks, when the
// settings or the role change, and at the instant at which silence makes it untrue, never by the writer: that one loads a flag of the store.

// lastsUntil says whether want replicas are good at now, given when each was last heard, and until when that lasts if nobody speaks: that instant included. The
// zero time means that it is not so. heard is sorted by the call.
func lastsUntil(heard []time.Time, want int, lag time.Duration, now time.Time) time.Time {
	if len(heard) < want {
		return time.Time{}
	}
	slices.SortFunc(heard, func(a, b time.Time) int { return b.Compare(a) })
	if until := heard[want-1].Add(lag); !now.After(until) {
		return until
	}
	return time.Time{}
}

// guarded tells whether writes depend on replicas at all.
func (c *config) guarded() bool { return c.minReplicas > 0 && c.maxLag > 0 }

// heardFrom returns when each online replica was last heard. One that asked for a payload without keys is none.
func (n *node) heardFrom() []time.Time {
	var heard []time.Time
	for _, f := range n.feedList() {
		if f.online() && !f.peer.NoKeys {
			heard = append(heard, unixNano(f.heard.Load()))
		}
	}
	return heard
}

// goodReplicas counts them, as INFO shows it; -1 when nobody asked for any.
func (n *node) goodReplicas() int {
	c, now := n.cfg.Load(), time.Now()
	if !c.guarded() {
		return -1
	}
	heard := n.heardFrom()
	return len(slices.DeleteFunc(heard, func(t time.Time) bool { return now.Sub(t) > c.maxLag }))
}

// judge bars the store to writes, or opens it, and returns until when the verdict stands if nobody speaks; the zero time for ever.
func (n *node) judge() time.Time {
	n.quorumMu.Lock()
	c := n.cfg.Load()
	var until time.Time
	barred := false
	installed := n.installed()
	if c.guarded() && (installed || n.boded) {
		until = lastsUntil(n.heardFrom(), c.minReplicas, c.maxLag, time.Now())
		barred = until.IsZero()
	}
	n.boded = n.boded && !installed
	n.repl.SetBarred(barred)
	changed := n.barred.Swap(barred) != barred
	n.quorumMu.Unlock()
	switch {
	case n.isClosed():
	case changed && barred:
		n.log.Warn("writes refused: too few good replicas", zap.Int("wanted", c.minReplicas), zap.Duration("lag", c.maxLag))
	case changed:
		n.log.Info("writes no longer refused for want of replicas")
	}
	return until
}

// installed tells whether the node does a primary's work: one that was only made, or is closed, has no writes to refuse.
func (n *node) installed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ticker != nil && !n.closed
}

// spoke is judge for a sign of life, which can end a refusal and never begin one.
func (n *node) spoke() {
	if n.barred.Load() {
		n.judge()
	}
}

// forebode bars the store before it becomes a primary's, so that no write comes before the first judgement. A judgement that somebody else asks for meanwhile, such
// as a replica that the promotion has dropped, is one of a primary already.
func (n *node) forebode() {
	if n.cfg.Load().guarded() {
		n.quorumMu.Lock()
		defer n.quorumMu.Unlock()
		n.boded = true
		n.barred.Store(true)
		n.repl.SetBarred(true)
	}
}
