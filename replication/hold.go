package replication

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
)

// A link whose guard holds a full resync has no session. It stays in state Held until somebody consents, the primary is another one, or the link is stopped.

// heldPeriod is the time between two questions for the primary's ID.
const heldPeriod = 10 * time.Second

// ErrNotHeld is returned by AcceptSync when no full resync is held.
var ErrNotHeld = errors.New("replication: no full resync is held")

// AcceptSync takes the full resync that is held after all, see Guard, and waits for it, or for ctx to end. What the primary offers by now is taken, whatever it is. The
// error is ErrNotHeld when nothing is held, ErrNotReplica, ErrClosed, the reason when following has stopped, or ctx's.
func (r *Replica) AcceptSync(ctx context.Context) error {
	l, err := r.n.following()
	if err != nil {
		return err
	}
	if !l.consent() {
		return ErrNotHeld
	}
	return r.n.progress.await(ctx, func() (bool, error) {
		switch done, err := r.n.over(); {
		case done:
			return true, err
		case r.n.current() != l:
			return true, errReplaced
		}
		return !l.consents(), nil
	})
}

// consent lets a held link go on, false if it holds nothing.
func (l *link) consent() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		return false
	}
	l.consented = true
	close(l.goOn)
	l.held = nil
	return true
}

// consents tells whether the next full resync is taken whatever it is.
func (l *link) consents() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.consented
}

// hold reports what is held and returns when the link may try again.
func (l *link) hold(held *HeldError, err error) {
	goOn := make(chan struct{})
	l.mu.Lock()
	l.held, l.goOn = &held.Offer, goOn
	l.mu.Unlock()
	l.become(Held, err)
	l.log.Warn("full resync held", zap.Error(err), zap.String("reason", string(held.Offer.Reason)))
	l.n.note(Event{Kind: SyncHeld, Peer: l.to.addr, Reason: held.Offer.Reason, Err: err, Offer: &held.Offer})
	if l.awaitAnother(goOn, held.Offer.ID) {
		l.log.Info("held resync accepted", zap.String("replid", held.Offer.ID))
		l.n.note(Event{Kind: SyncAccepted, Peer: l.to.addr, Offer: &held.Offer})
	}
	l.mu.Lock()
	l.held = nil
	l.mu.Unlock()
}

// awaitAnother waits for consent, or for a primary with another history than id.
func (l *link) awaitAnother(goOn <-chan struct{}, id string) (consented bool) {
	t := time.NewTicker(heldPeriod)
	defer t.Stop()
	for {
		select {
		case <-goOn:
			return true
		case <-l.ctx.Done():
			return false
		case <-t.C:
			if l.n.cfg.Load().guard.Off {
				return false // switched off meanwhile: what comes is taken
			}
			now, _, err := l.askOffset(l.ctx)
			if err == nil && string(now) != id {
				return false
			}
		}
	}
}
