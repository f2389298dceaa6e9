package replication

import (
	"fmt"
	"sync"
	"time"
)

// EventKind is what happened.
type EventKind uint8

const (
	// Towards the node's primary. Peer is its address.
	Syncing      EventKind = iota // a full resync is under way, at the payload's beginning and every 10 s: Progress. Status.Recent does not keep it
	Resynced                      // a resync is done, and the stream is being followed: Resync
	LinkLost                      // the link failed and will be tried again: Reason, Err
	LinkStopped                   // the link failed for good: Reason, Err
	SyncHeld                      // a full resync was not taken: Reason, Offer. See Guard
	SyncAccepted                  // a held one may be taken after all: Offer
	Verified                      // Verify found the data equal to the primary's
	Diverged                      // Verify found it to differ: Err is the *DivergenceError

	// Towards a replica of the node. Peer is its address.
	ReplicaResynced // a partial resync was granted, or the payload of a full one begins: Resync
	ReplicaRefused  // it was turned away: Reason, Err
	ReplicaLost     // its link ended: Reason, Err

	// The node itself.
	Promoted     // it is a primary from here on
	Followed     // it follows Peer from here on
	Restored     // the data that a full resync had replaced is back: see Replica.RestoreFormer
	BacklogFreed // nobody came back for BacklogTTL: a history of a new name has begun
)

var eventNames = [...]string{
	"syncing", "resynced", "link-lost", "link-stopped", "sync-held", "sync-accepted", "verified", "diverged",
	"replica-resynced", "replica-refused", "replica-lost", "promoted", "followed", "restored", "backlog-freed",
}

func (k EventKind) String() string {
	if int(k) < len(eventNames) {
		return eventNames[k]
	}
	return fmt.Sprintf("EventKind(%d)", uint8(k))
}

// An Event is something that happened to a node's links, role or history. It never holds data or a password. What a kind does not use is zero.
type Event struct {
	Seq    uint64 // from 1, without a gap: the order in which the node noted them. Those of one link come in this order
	Time   time.Time
	Kind   EventKind
	Peer   string // address of the primary or replica that it is about
	ID     string // of the node's history at that moment
	Offset int64
	Reason Reason // of a resync: why it is a full one, "" for a partial one
	Err    error  // with its numbers, by errors.As
	Resync *Resync
	Offer  *Offer

	Progress *Progress // of Syncing
}

// eventsKept is how many of the last events Status has.
const eventsKept = 32

// events numbers what happens to a node, keeps the last ones for its status, and tells them.
type events struct {
	tell func(Event) // nil: nobody wants to know. Set before the node has a goroutine

	mu sync.Mutex

	// mu protects the fields below.
	seq  uint64
	kept uint64  // of them, those that went to last
	last []Event // a ring once it has eventsKept
}

// add notes e and returns it with its number.
func (v *events) add(e Event) Event {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seq++
	e.Seq = v.seq
	switch {
	case e.Kind == Syncing: // many of these would leave no room for what happened
		return e
	case len(v.last) < eventsKept:
		v.last = append(v.last, e)
	default:
		v.last[int(v.kept%eventsKept)] = e
	}
	v.kept++
	return e
}

// recent returns the last events, oldest first.
func (v *events) recent() []Event {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.last) < eventsKept {
		return append([]Event(nil), v.last...)
	}
	at := int(v.kept % eventsKept)
	return append(append(make([]Event, 0, eventsKept), v.last[at:]...), v.last[:at]...)
}

// note records that e happened and tells it to OnEvent, on the goroutine that met it, which close waits for. No lock may be held: the store's is taken.
func (n *node) note(e Event) {
	h := n.repl.History()
	e.Time, e.ID, e.Offset = time.Now(), string(h.ID), h.Offset
	e = n.events.add(e)
	if n.events.tell != nil {
		n.events.tell(e)
	}
}
