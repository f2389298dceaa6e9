package replication

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/store"
)

// DefaultRetainFormer is how long the data is kept that a full resync has replaced.
const DefaultRetainFormer = 5 * time.Minute

// ErrNoFormer is returned by RestoreFormer when nothing is kept: there was no full resync, it found no data, or its time is over.
var ErrNoFormer = errors.New("replication: no former data is kept")

// FormerInfo is the data that the last full resync replaced, and that can be had back by Replica.RestoreFormer.
type FormerInfo struct {
	ID     string // of its history
	Offset int64
	Keys   int64
	Bytes  int64     // of memory, those included that it shares with the present data: strings and small collections that are the same in both
	Until  time.Time // when it will be let go
}

// former keeps the replaced data for its time. The memory is that of the peak of the full resync, held for longer; what did not change in it costs nothing.
type former struct {
	data  *store.Former
	until time.Time
	timer *time.Timer
}

// retain keeps what a full resync replaced, in the place of what an earlier one did; nil: nothing was replaced.
func (n *node) retain(f *store.Former) {
	period := n.cfg.Load().retainFormer
	if f == nil || period <= 0 {
		return
	}
	kept := &former{data: f, until: time.Now().Add(period)}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	n.dropFormerLocked()
	n.former = kept
	kept.timer = time.AfterFunc(period, func() { n.forget(kept) })
}

// forget lets kept go, unless another one has taken its place.
func (n *node) forget(kept *former) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.former == kept {
		n.former = nil
	}
}

// dropFormer lets go of what is kept before its time.
func (n *node) dropFormer() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dropFormerLocked()
}

func (n *node) dropFormerLocked() {
	if n.former != nil {
		n.former.timer.Stop()
		n.former = nil
	}
}

// formerData returns what is kept, nil for nothing.
func (n *node) formerData() *former {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.former
}

func (f *former) info() *FormerInfo {
	h := f.data.History()
	return &FormerInfo{ID: string(h.ID), Offset: h.Offset, Keys: f.data.Keys(), Bytes: f.data.Bytes(), Until: f.until}
}

// RestoreFormer makes the node a primary whose data is what the last full resync has replaced: for when that resync, or the consent to it, was a mistake. What was
// received since is dropped. The history is the former one, under a new ID with the old one as its secondary, so that siblings which still have it can continue. O(1).
// It can be done for ReplicaOptions.RetainFormer after the resync. o is as in Promote. The error is ErrNoFormer, ErrNotReplica, ErrFailingOver, ErrClosed, or ctx's.
func (r *Replica) RestoreFormer(ctx context.Context, o *PrimaryOptions) (*Primary, error) {
	if o != nil {
		if err := o.validate(); err != nil {
			return nil, err
		}
	}
	if err := r.n.restore(ctx, o); err != nil {
		return nil, err
	}
	return &Primary{r.n}, nil
}

// restore also takes over what o, unless it is nil, says about serving, before the first write.
func (n *node) restore(ctx context.Context, o *PrimaryOptions) error {
	if err := n.acquire(ctx); err != nil {
		return err
	}
	defer n.release()
	if n.failoverState() != FailoverNone {
		return ErrFailingOver
	}
	if n.current() == nil {
		return ErrNotReplica
	}
	kept := n.formerData()
	if kept == nil {
		return ErrNoFormer
	}
	n.current().stop() // before the data is put back: the link would go on applying to it
	if err := n.changeHistory(func() error { return n.repl.Restore(kept.data) }); err != nil {
		return err
	}
	n.mu.Lock()
	n.dropFormerLocked()
	n.mu.Unlock()
	n.log.Warn("former data restored", zap.String("replid", string(kept.data.History().ID)), zap.Int64("keys", kept.data.Keys()))
	n.note(Event{Kind: Restored})
	if o != nil {
		n.reconfigure(func(c *config) *config { return c.serving(o) })
	}
	return n.becomePrimary()
}
