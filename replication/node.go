package replication

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/replication/internal/server"
	"github.com/understudy-go/understudy/store"
)

// node is one data set with a role: it owns the listener, the feeds to replicas and the link to a primary. Primary and Replica are handles on it. That they
// share it is what lets a role change while connections, backlog and data stay.
//
// The package comment has the table of goroutines and the order of locks.
type node struct {
	// Immutable after newNode.
	store *store.Store
	owned bool // the store is closed with the node
	repl  store.Replication
	log   *zap.Logger

	events events

	cfg atomic.Pointer[config]

	// Fired when the offset, the history, or the state of the link has changed; when a replica has acknowledged, come or gone. Close fires both.
	progress signal
	acks     signal

	turns turns // to encode a payload; immutable

	rate atomic.Int64 // bytes of the stream a second, while there are replicas: flow.go

	// Snapshots of those who compare this node's data with another's.
	cuts cuts

	// role is a semaphore of one: its holder may change the role, re-point or close. It is held while a link is waited for, which a mutex must not be.
	role    chan struct{}
	closing chan struct{} // closed when close begins: nobody may wait for role any more, as close waits for clients who might

	// histMu makes "decide on a request, pin its bytes, register the feed" and "change the history, drop all feeds" exclude one another, so that no replica
	// ends up attached to a history under the name of another. It is held over calls of the store, never over I/O.
	histMu sync.Mutex

	// srvMu makes one server for clients, whose New configures the node.
	srvMu sync.Mutex

	// quorumMu makes one judgement of the replicas at a time, see quorum.go.
	quorumMu sync.Mutex
	barred   atomic.Bool // the last judgement; written under quorumMu
	boded    bool        // the role of a primary is about to begin; under quorumMu

	// wg counts the connections that are being served as feeds.
	wg sync.WaitGroup

	mu sync.Mutex

	// mu protects the fields below.
	closed   bool
	link     *link // nil: the node is a primary, or was never started
	ticker   *ticker
	flow     *flow          // nil while there are no feeds
	alone    time.Time      // when the last feed went, or the role of a primary began
	srv      *server.Server // for client connections; nil until the first one
	feeds    map[*feed]struct{}
	seq      int64        // number of the last feed
	failover *failover    // the one that is under way; nil when there is none
	group    *syncGroup   // full resync that still takes members; nil when there is none
	former   *former      // data that a full resync replaced; nil when none is kept
	running  []*syncGroup // full resyncs with files that late comers may join, and some that are over. It changes under histMu, too
	dial     dialing
	overTLS  bool // how the last primary that was followed was to be reached
	counts   counters
}

// counters only grow.
type counters struct {
	fullServed, partialServed uint64 // resyncs given to replicas
	refused                   uint64 // partial resyncs asked for and refused
	refusal                   string // why the last one was refused
	fullTaken, partialTaken   uint64 // resyncs received from primaries
	bytesIn, bytesOut         int64  // of all links

	resync *Resync // the last one received; nil: none

	verified   *Verification    // the last comparison that found everything equal; nil: none
	divergence *DivergenceError // what the last comparison found; nil: nothing
}

func newNode(s *store.Store, c *config, log *zap.Logger) *node {
	n := &node{
		store: s,
		repl:  s.Replication(),
		log:   orSilent(log).Named("replication"),
		role:  make(chan struct{}, 1), closing: make(chan struct{}),
		feeds: make(map[*feed]struct{}), turns: newTurns(),
		dial: new(ReplicaOptions).dialing(),
	}
	n.cfg.Store(c)
	return n
}

func orSilent(log *zap.Logger) *zap.Logger {
	if log == nil {
		return zap.NewNop()
	}
	return log
}

// acquire takes the role semaphore. Whoever gets it must release it; on a closed node nobody does.
func (n *node) acquire(ctx context.Context) error {
	select {
	case n.role <- struct{}{}:
	case <-n.closing:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	if n.isClosed() {
		n.release()
		return ErrClosed
	}
	return nil
}

func (n *node) release() { <-n.role }

func (n *node) isClosed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.closed
}

// current returns the link, nil on a primary.
func (n *node) current() *link {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.link
}

// isPrimary returns nil on a primary, and else the error that says what the node is.
func (n *node) isPrimary() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.closed:
		return ErrClosed
	case n.link != nil:
		return ErrNotPrimary
	}
	return nil
}

// count changes the counters.
func (n *node) count(change func(*counters)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(&n.counts)
}

// changeHistory runs change, after which the node's data or the name of its stream is another one, with no feed attached. Replicas are dropped before the
// change, not after: a byte of the new history must not reach one that would count it under the old name.
func (n *node) changeHistory(change func() error) error {
	n.histMu.Lock()
	err := n.changeHistoryLocked(change)
	n.histMu.Unlock()
	n.progress.fire()
	return err
}

func (n *node) changeHistoryLocked(change func() error) error {
	n.dropFeeds(ErrHistoryChanged)
	n.noneRunning()
	return change()
}

// dropFeeds closes the connections of all replicas. It does not wait for their goroutines.
func (n *node) dropFeeds(reason error) {
	for _, f := range n.feedList() {
		f.fail(reason)
	}
}

// feedList returns the replicas in the order in which they came.
func (n *node) feedList() []*feed {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := make([]*feed, 0, len(n.feeds))
	for f := range n.feeds {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b *feed) int { return cmp.Compare(a.seq, b.seq) })
	return list
}

// close ends everything and waits for it. Idempotent; a second caller waits for the first.
func (n *node) close() error {
	n.role <- struct{}{}
	defer n.release()
	if n.isClosed() {
		return nil
	}
	n.mu.Lock()
	n.closed = true
	close(n.closing)
	l, t, srv, f := n.link, n.ticker, n.srv, n.failover
	n.dropFormerLocked()
	n.mu.Unlock()
	if f != nil {
		f.cancel(ErrClosed)
		<-f.done
		l = n.current() // it may have come to one
	}

	l.stop()
	t.stop()
	n.dropFeeds(ErrClosed)
	var err error
	if srv != nil {
		err = srv.Close()
	}
	n.judge() // whoever goes on with the store decides anew
	n.wg.Wait()
	n.progress.fire()
	n.acks.fire()
	if n.owned {
		err = errors.Join(err, n.store.Close())
	}
	return err
}

// sweepSlice is how many expired keys are removed under one hold of the writer lock.
const (
	sweepPeriod = 100 * time.Millisecond
	sweepSlice  = 128
	sweepSlices = 64 // per period: a bound on what a tick may take, not on what gets removed in the end
)

// ticker is what a primary does by the clock: it removes expired keys, whose deletion goes into the stream, and it puts PING into the stream for as long as
// somebody reads it. A replica does neither; its primary does.
type ticker struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// startTicker REQUIRES n.mu.
func (n *node) startTicker() *ticker {
	n.alone = time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	t := &ticker{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(t.done)
		n.tick(ctx)
	}()
	return t
}

// stop ends the goroutine and waits for it; nil is fine.
func (t *ticker) stop() {
	if t != nil {
		t.cancel()
		<-t.done
	}
}

func (n *node) tick(ctx context.Context) {
	t := time.NewTicker(sweepPeriod)
	defer t.Stop()
	lapse := time.NewTimer(sweepPeriod) // when replicas have been silent for too long
	defer lapse.Stop()
	pinged := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-lapse.C:
			n.judge()
		case now := <-t.C:
			if until := n.judge(); !until.IsZero() {
				lapse.Reset(time.Until(until) + 1) // at that instant it is not too long yet
			}
			if !n.paused() {
				n.sweep()
				n.evict()
			}
			n.freeIdleBacklog(now)
			if now.Sub(pinged) >= n.cfg.Load().pingPeriod {
				pinged = now
				n.ping()
			}
		}
	}
}

func (n *node) sweep() {
	for range sweepSlices {
		if n.repl.Sweep(sweepSlice) < sweepSlice {
			return
		}
	}
}

// paused reports whether a client has asked for writes to be held up.
func (n *node) paused() bool {
	srv, err := n.server()
	return err == nil && srv != nil && srv.Paused()
}

// evict makes room where the data exceeds its limit and no write does: after a load, or a promotion.
func (n *node) evict() {
	for range sweepSlices {
		if n.repl.Evict(sweepSlice) < sweepSlice {
			return
		}
	}
}

func (n *node) ping() {
	n.mu.Lock()
	attached := len(n.feeds)
	n.mu.Unlock()
	if attached > 0 {
		n.repl.Inject("PING")
	}
}
