package memnet

import (
	"sync"
	"time"
)

// A link is what the two ends of a connection share.
//
// There is one lock and one kind of event, "something changed": whoever waits looks at its condition again. That is
// slower than a condition for each reason to wait, and has no lost wake-ups to reason about.
type link struct {
	onDead func() // called without the lock, perhaps more than once, when nothing can be exchanged any more; may be nil; immutable

	// mu protects the fields below and those of both directions and ends. Never held while waiting.
	mu      sync.Mutex
	changed chan struct{} // closed at the next change; nil while nobody waits

	// down is set when the link was cut or reset: then no byte is delivered any more.
	down failure
	ends int // ends not closed yet
}

// failure is the way in which a link went down.
type failure uint8

const (
	up    failure = iota
	cut           // both ends read io.EOF and cannot write: the peer's machine is gone
	reset         // both ends get ECONNRESET
)

// notifyLocked makes every waiter look again.
func (l *link) notifyLocked() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// waitLocked releases the lock, waits for a change or for one of the given instants, and locks again. Zero instants
// never come. The caller's condition must be tested again.
func (l *link) waitLocked(until ...time.Time) {
	if l.changed == nil {
		// Made by a waiter, hence inside of its bubble.
		l.changed = make(chan struct{})
	}
	changed := l.changed
	l.mu.Unlock()
	defer l.mu.Lock()

	at := earliest(until)
	if at.IsZero() {
		<-changed
		return
	}
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	}
}

// earliest returns the first of the instants that are not zero.
func earliest(instants []time.Time) (first time.Time) {
	for _, t := range instants {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// passed reports whether the instant t has come; a zero t never does.
func passed(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

// fail takes the link down. The first failure counts.
func (l *link) fail(how failure) {
	l.mu.Lock()
	l.failLocked(how)
	l.mu.Unlock()
	l.reportDead()
}

func (l *link) failLocked(how failure) {
	if l.down == up {
		l.down = how
	}
	l.notifyLocked()
}

// reportDead calls onDead if the link is down or closed at both ends. It is called without the lock after everything that
// may have brought that about, and may call onDead more than once.
func (l *link) reportDead() {
	l.mu.Lock()
	dead := l.down != up || l.ends == 0
	l.mu.Unlock()
	if dead && l.onDead != nil {
		l.onDead()
	}
}
