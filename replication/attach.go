package replication

import (
	"errors"
	"io"
	"time"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/store/backlog"
)

// This file is what becomes of a request: a partial resync, a full one, or a refusal; and the registration that goes with it.

// attach decides on the request and registers the feed, with its bytes pinned or as a member of a group. On an error the replica is told the refusal.
func (n *node) attach(f *feed) (refusal []byte, err error) {
	n.histMu.Lock()
	defer n.histMu.Unlock()
	if err := n.resume(f); err != nil {
		return []byte(replyNoPrimaryLink), err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, ErrClosed
	}
	if f.reader == nil {
		n.joinGroupLocked(f)
		n.counts.fullServed++
	} else {
		n.counts.partialServed++
		f.state = FeedOnline
	}
	n.seq++
	f.seq = n.seq
	n.feeds[f] = struct{}{}
	if n.flow == nil {
		n.flow = n.startFlow()
	}
	return nil, nil
}

// resume grants a partial resync if it can. Without one, the error says whether a full one is out of the question too. REQUIRES n.histMu.
func (n *node) resume(f *feed) error {
	if err := n.canServe(f); err != nil {
		return err
	}
	f.resync = given(f.req, backlog.Decision{First: -1, End: -1, SecondaryLimit: -1})
	if !f.req.full {
		r, d, err := n.repl.Backlog().Resume(f.req.id, f.req.count, n.limit(), f.ended)
		f.resync = given(f.req, d)
		if r != nil {
			f.grant(r, d.ID)
			return nil
		}
		n.refused(f.refusalReason(d, err).Error(), f.resync.Reason)
	}
	return n.canFullSync()
}

// grant keeps the reader and prepares the reply. id is the one that the decision was made under: by now a load may have replaced the history, which ends
// the reader, and bytes of the old history must not be continued under the new name.
func (f *feed) grant(r *backlog.Reader, id backlog.ID) {
	f.begin(r, false)
	f.hello = appendContinue(nil, id, f.peer.CapaPSYNC2)
	f.n.log.Info("partial resync granted", zap.String("replica", f.addr()), zap.Int64("from", r.Position()+1))
}

func (f *feed) refusalReason(d backlog.Decision, err error) error {
	if err != nil {
		return f.feedReason(err)
	}
	return errors.New(d.String())
}

func (n *node) refused(why string, reason Reason) {
	n.count(func(c *counters) {
		c.refused++
		c.refusal = why
	})
	n.log.Info("partial resync refused", zap.String("reason", string(reason)), zap.String("why", why))
}

// limit is how far a replica may be behind. Within the backlog it costs nothing, so the backlog's size is the least.
func (n *node) limit() int64 {
	limit := n.cfg.Load().outputLimit
	if limit == 0 {
		return 0
	}
	return max(limit, n.repl.Backlog().Size())
}

var (
	errNoData = errors.New("replication: no data to give: the node has not synced yet")
	errCircle = errors.New("replication: the replica is this node's primary")
	errNoLink = errors.New("replication: nothing to give while the node's own link to its primary is down")
)

// canServe tells whether replicas are taken on at all. A replica whose own link is down takes none: it may be about to get other data, and nodes that follow
// each other in a circle, or one that follows itself, would all look healthy without a primary among them. Those attached already stay: a short cut of our
// link need not become theirs.
//
// A primary that is told to follow one of its own replicas, without that being promoted, would close such a circle while all links are up. Who announces itself
// at our primary's address is therefore turned away too; whoever announces nothing cannot be told.
func (n *node) canServe(f *feed) error {
	l := n.current()
	switch {
	case l == nil:
		return nil
	case !l.streaming():
		return errNoLink
	case f.peer.ListeningPort != 0 && f.addr() == l.to.addr:
		return errCircle
	}
	return nil
}

// canFullSync tells whether there is a data set that is worth a replica's time.
func (n *node) canFullSync() error {
	l := n.current()
	if l == nil {
		return nil
	}
	if h := n.repl.History(); h.Taint != "" {
		return taintedError(h.Taint)
	}
	if n.repl.Fresh() {
		return errNoData
	}
	return nil
}

// detach undoes attach. The sender has ended.
func (n *node) detach(f *feed) {
	n.mu.Lock()
	delete(n.feeds, f)
	var last *flow
	if len(n.feeds) == 0 {
		last, n.flow, n.alone = n.flow, nil, time.Now()
	}
	n.mu.Unlock()
	last.stop()
	if f.group != nil {
		f.group.leave(f)
	}
	n.judge()
	if f.reader != nil {
		f.reader.Close()
	}
	n.acks.fire()
	err := f.reason()
	log := n.log.Warn
	if errors.Is(err, ErrHistoryChanged) || errors.Is(err, ErrClosed) || errors.Is(err, io.EOF) {
		log = n.log.Info // nobody was dropped for a fault
	}
	reason := ReasonOf(err)
	log("replica detached", zap.String("replica", f.addr()), zap.String("reason", string(reason)), zap.Error(err))
	n.note(Event{Kind: ReplicaLost, Peer: f.addr(), Reason: reason, Err: err})
}
