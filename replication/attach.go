package replication

import (
	"errors"
	"io"

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
	return nil, nil
}

// resume grants a partial resync if it can. Without one, the error says whether a full one is out of the question too. REQUIRES n.histMu.
func (n *node) resume(f *feed) error {
	var why error
	if !f.req.full {
		r, d, err := n.repl.Backlog().Resume(f.req.id, f.req.count, n.limit(), f.ended)
		if r != nil {
			f.grant(r)
			return nil
		}
		why = refusalReason(d, err)
		n.refused(why.Error())
	}
	return n.canFullSync()
}

// grant keeps the reader and prepares the reply.
func (f *feed) grant(r *backlog.Reader) {
	f.reader = r
	f.sent.Store(r.Position())
	f.hello = appendContinue(nil, f.n.repl.History().ID, f.peer.CapaPSYNC2)
	f.n.log.Info("partial resync granted", zap.String("replica", f.addr()), zap.Int64("from", r.Position()+1))
}

func refusalReason(d backlog.Decision, err error) error {
	if err != nil {
		return feedReason(err)
	}
	return errors.New(d.String())
}

func (n *node) refused(why string) {
	n.count(func(c *counters) {
		c.refused++
		c.refusal = why
	})
	n.log.Info("partial resync refused", zap.String("reason", why))
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
	errNoData  = errors.New("replication: no data to give: the node has not synced yet")
	errReplace = errors.New("replication: the data is about to be replaced by a full resync")
)

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
	if l.loading() {
		return errReplace
	}
	return nil
}

// detach undoes attach. The sender has ended.
func (n *node) detach(f *feed) {
	n.mu.Lock()
	delete(n.feeds, f)
	n.mu.Unlock()
	if f.group != nil {
		f.group.leave(f)
	}
	if f.reader != nil {
		f.reader.Close()
	}
	n.acks.fire()
	err := f.reason()
	log := n.log.Warn
	if errors.Is(err, ErrHistoryChanged) || errors.Is(err, ErrClosed) || errors.Is(err, io.EOF) {
		log = n.log.Info // nobody was dropped for a fault
	}
	log("replica detached", zap.String("replica", f.addr()), zap.Error(err))
}
