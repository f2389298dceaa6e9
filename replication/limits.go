package replication

import (
	"fmt"
	"math"
	"time"

	"github.com/understudy-go/understudy/store/backlog"
)

// This file is how far replicas may be behind, and what becomes of those that are further.
//
// What a replica has not read yet lies in blocks of the stream that all replicas share. Within the backlog they are kept anyway, so being behind costs nothing;
// beyond it the one furthest behind says what all of them cost together. That makes a limit on each replica's lag a limit on the memory:
//
//	first byte of the oldest block                                          end of the stream
//	|--- kept for replicas: Status.BacklogRetained ---|--- the backlog ---|
//	^ a replica that catches up, at most SyncBudget before the backlog
//	              ^ one that follows, at most OutputLimit before the end
//
// A replica that loads reads nothing of the stream meanwhile. Judged like one that follows it would be dropped for its own load, come back, load again, and so on for
// ever while the primary is written to faster than OutputLimit per load. So from the cut until it has first caught up it is held to SyncBudget. The change
// over comes with the first look at which it is well within OutputLimit, not at its edge, where the next write would drop it.
//
// Both limits are the backlog's, which compares at each append: no goroutine looks, and none is late. What a soft limit asks is a matter of time, so the
// flow goroutine looks once a second.

// limits are those of one moment, in bytes. 0 = none.
type limits struct {
	hard     int64 // of a replica that follows
	soft     int64 // likewise, but only for as long as softTime
	softTime time.Duration
	sync     int64 // of a replica that catches up
	near     int64 // what counts as caught up
}

// maxBudget keeps sums with the size of a backlog from overflowing.
const maxBudget = 1 << 61

// limits returns what holds now, from the options and the size of the backlog, which both may change at any time.
func (n *node) limits() limits {
	c, size := n.cfg.Load(), n.repl.Backlog().Size()
	l := limits{hard: n.limit(), softTime: c.softTime}
	if c.softLimit > 0 {
		l.soft = max(c.softLimit, size)
	}
	// Loading is no reason to be judged more strictly.
	if c.syncBudget > 0 && l.hard > 0 {
		l.sync = max(size+min(c.syncBudget, maxBudget), l.hard)
	}
	l.near = max(size, min(orNone(l.hard), orNone(l.soft))/2)
	return l
}

// orNone returns a limit in a form that compares: none is the largest.
func orNone(limit int64) int64 {
	if limit == 0 {
		return math.MaxInt64
	}
	return limit
}

// syncBudget is what replicas that catch up may take beyond the backlog, 0 = no limit.
func (n *node) syncBudget() int64 {
	return max(n.limits().sync-n.repl.Backlog().Size(), 0)
}

// begin gives the feed its place in the stream. catching tells that a payload comes first. It is called before the sender needs the reader.
func (f *feed) begin(r *backlog.Reader, catching bool) {
	f.reader = r
	f.sent.Store(r.Position())
	f.mu.Lock()
	defer f.mu.Unlock()
	f.place, f.catching = r, catching
}

// settle puts a replica that has caught up under the limits of one that follows, and tells whether it is there. The sender calls it: nothing else brings a
// replica closer to the end.
func (f *feed) settle() bool {
	l := f.n.limits()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.catching {
		return true
	}
	// Under f.mu, so that whoever ends the reader finds the limit and its meaning together.
	if f.place.Lag() > l.near || f.place.SetLimit(l.hard) != nil {
		return false
	}
	f.catching = false
	return true
}

// judge makes changed limits hold for a replica that is attached already, and looks whether it has been over the soft one for too long. An error is why it must go.
func (f *feed) judge(l limits, now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.place == nil {
		return nil
	}
	limit := l.hard
	if f.catching {
		limit = l.sync
	}
	if f.place.Limit() != limit {
		if over, ok := errorAs[backlog.ErrOverrun](f.place.SetLimit(limit)); ok {
			return f.overrunLocked(over)
		}
	}
	return f.judgeSoftLocked(l, now)
}

// judgeSoftLocked counts the time from the first look at which the replica was beyond the limit: like that of other clients it ends up to two looks late.
func (f *feed) judgeSoftLocked(l limits, now time.Time) error {
	lag := f.place.Lag()
	if f.catching || l.soft == 0 || lag <= l.soft {
		f.over.Store(0)
		return nil
	}
	first := f.over.Load() // read once: the sender may set it back
	if first == 0 {
		f.over.Store(now.UnixNano())
		return nil
	}
	if since := now.Sub(unixNano(first)); since > l.softTime {
		return &OutputLimitError{Lag: lag, Limit: l.soft, For: since}
	}
	return nil
}

// ease forgets that the replica was over its soft limit, if it is not any more. The sender calls it after each write, because between two looks of the flow
// goroutine a replica may have been close to the end.
func (f *feed) ease() {
	if f.over.Load() == 0 {
		return
	}
	if soft := f.n.limits().soft; soft == 0 || f.reader.Lag() <= soft {
		f.over.Store(0)
	}
}

// overrunLocked says in which of the two limits a reader ended.
func (f *feed) overrunLocked(over backlog.ErrOverrun) error {
	if !f.catching {
		return &OutputLimitError{Lag: over.Lag, Limit: over.Limit}
	}
	size := f.n.repl.Backlog().Size()
	return &SyncBudgetError{Lag: over.Lag, Backlog: size, Budget: over.Limit - size}
}

// SyncBudgetError tells what a replica needed that was dropped before it had caught up. It matches ErrSyncBudget.
type SyncBudgetError struct {
	Lag     int64 // bytes of the stream that it had not been sent; Lag - Backlog of them were kept for its like alone
	Backlog int64 // size of the backlog, which is kept in any case
	Budget  int64 // SyncBudget, or OutputLimit less the backlog where that is more
}

func (e *SyncBudgetError) Error() string {
	return fmt.Sprintf("%v: %d bytes behind, backlog %d, budget %d", ErrSyncBudget, e.Lag, e.Backlog, e.Budget)
}

func (e *SyncBudgetError) Is(target error) bool { return target == ErrSyncBudget }

// limitOptions are those of PrimaryOptions and ReplicaOptions, in their form.
type limitOptions struct {
	hard, soft int64
	softTime   time.Duration
	budget     int64
	ttl        time.Duration
}

// limited returns c with what the options say. In options zero means the default and less none; in a config zero means none.
func (c config) limited(o limitOptions) config {
	c.outputLimit = limitOption(o.hard)
	c.softLimit, c.softTime = orDefault(o.soft, DefaultOutputSoftLimit), orDefault(o.softTime, DefaultOutputSoftTime)
	c.syncBudget = orDefault(o.budget, DefaultSyncBudget)
	c.backlogTTL = orDefault(o.ttl, DefaultBacklogTTL)
	if o.soft == 0 && c.outputLimit == 0 {
		c.softLimit = 0
	}
	return c
}

func orDefault[N int64 | time.Duration](n, def N) N {
	if n == 0 {
		return def
	}
	return max(n, 0)
}

func (o *PrimaryOptions) limits() limitOptions {
	return limitOptions{o.OutputLimit, o.OutputSoftLimit, o.OutputSoftTime, o.SyncBudget, o.BacklogTTL}
}

func (o *ReplicaOptions) limits() limitOptions {
	return limitOptions{o.OutputLimit, o.OutputSoftLimit, o.OutputSoftTime, o.SyncBudget, o.BacklogTTL}
}
