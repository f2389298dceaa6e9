package replication

import (
	"context"

	"go.uber.org/zap"
)

// A node changes its role as follows; n.role is held all the while, so that two changes never overlap.
//
//	promote   stop the link, wait for it -> new replication ID, the old one becomes secondary -> writable, sweeping
//	demote    stop sweeping -> read-only, history kept -> a link that asks the new primary to continue that history
//	re-point  stop the link, wait for it -> a link to the other primary, which is asked to continue the same history, unless that history is what the old
//	          link could not go on with

// promote makes the node a primary that keeps its history. On a primary it changes nothing.
func (n *node) promote(ctx context.Context) error { return n.promoteAs(ctx, nil) }

// promoteAs also takes over what o, unless it is nil, says about serving, before the first write.
func (n *node) promoteAs(ctx context.Context, o *PrimaryOptions) error {
	if err := n.acquire(ctx); err != nil {
		return err
	}
	defer n.release()
	if n.failoverState() != FailoverNone {
		return ErrFailingOver
	}
	if o != nil {
		n.reconfigure(func(c *config) *config { return c.serving(o) })
		defer n.judge()
	}
	if n.current() == nil {
		return nil
	}
	return n.becomePrimary()
}

// becomePrimary REQUIRES n.role.
func (n *node) becomePrimary() error {
	n.current().stop()
	err := n.changeHistory(func() error {
		n.forebode()
		n.repl.Promote()
		return nil
	})
	n.mu.Lock()
	n.overTLS = n.link != nil && n.link.to.tls
	n.link = nil
	n.ticker = n.startTicker()
	n.mu.Unlock()
	n.judge()
	n.progress.fire()
	n.log.Info("role changed", zap.String("to", "primary"), zap.Int64("offset", n.repl.Backlog().Offset()))
	n.note(Event{Kind: Promoted})
	return err
}

// follow makes the node a replica of t, whatever it was. It returns the link, which comes up by itself. consented: somebody asked for this, who knows that the first
// resync may replace all data. o, unless it is nil, is taken over with the role.
func (n *node) follow(ctx context.Context, t target, consented bool, o *ReplicaOptions) (*link, error) {
	if err := n.acquire(ctx); err != nil {
		return nil, err
	}
	defer n.release()
	if n.failoverState() != FailoverNone {
		return nil, ErrFailingOver
	}
	if o != nil {
		n.configure(o)
	}
	return n.becomeReplica(t, consented, nil), nil
}

// becomeReplica makes the node follow t, and ask it to take over if f is not nil. REQUIRES n.role.
func (n *node) becomeReplica(t target, consented bool, f *failover) *link {
	n.mu.Lock()
	old, ticker := n.link, n.ticker
	n.ticker = nil
	l := newLink(n, t, n.dial)
	l.failover = f
	n.mu.Unlock()

	old.stop()
	ticker.stop()
	l.anew, l.consented = old.spoiled(), consented
	n.repl.Demote() // of a replica, too: who waits there does so for a place in data that are about to be others
	n.repl.SetWritable(n.cfg.Load().writable)
	n.mu.Lock()
	n.link = l
	n.mu.Unlock()
	n.judge()
	l.start()
	n.progress.fire()
	n.acks.fire()
	n.log.Info("role changed", zap.String("to", "replica"), zap.String("primary", t.addr))
	n.note(Event{Kind: Followed, Peer: t.addr})
	return l
}
