package backlog

import "fmt"

// Reason says why a follower may not continue, or that it may.
type Reason uint8

// The reasons of a Decision.
const (
	Accepted        Reason = iota
	UnknownID              // the ID is neither ours nor our secondary ID; "?" is the usual case
	BeyondSecondary        // the follower of the secondary ID has bytes that our history does not contain
	Behind                 // the next byte is no longer retained: count < first
	Ahead                  // the follower has more than we have: count > end
	Tainted                // our data is not what our history says
)

var reasonNames = [...]string{
	Accepted:        "accepted",
	UnknownID:       "unknown replication ID",
	BeyondSecondary: "beyond the secondary ID's limit",
	Behind:          "behind the backlog",
	Ahead:           "ahead of the stream",
	Tainted:         "tainted history",
}

func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return fmt.Sprintf("Reason(%d)", uint8(r))
}

// Decision is the answer to a follower that wants to continue, with the numbers that led to it.
// Invariant: OK == (Reason == Accepted).
type Decision struct {
	OK     bool
	Reason Reason
	ID     ID // of the history that was asked: what a follower that may continue goes on under

	Count          int64  // what the follower has
	First, End     int64  // the window at that instant
	SecondaryLimit int64  // -1 if there is no secondary ID
	Secondary      bool   // the follower named the secondary ID: it must be told the new one
	Taint          string // why the history is tainted, with Reason Tainted
}

// String returns a phrase with the numbers that matter for the reason.
func (d Decision) String() string {
	switch d.Reason {
	case BeyondSecondary:
		return fmt.Sprintf("%v: has %d bytes, limit %d", d.Reason, d.Count, d.SecondaryLimit)
	case Behind, Ahead:
		return fmt.Sprintf("%v: has %d bytes, window [%d, %d]", d.Reason, d.Count, d.First, d.End)
	case Tainted:
		return fmt.Sprintf("%v: %s", d.Reason, d.Taint)
	default:
		return d.Reason.String()
	}
}

// Check decides whether a follower that has count bytes of the history named id may continue without a full
// resync. count is what it has; PSYNC names count+1. id is compared without regard to case.
// The answer holds for the instant only: to act on it use Resume.
func (b *Backlog) Check(id string, count int64) Decision {
	s := b.state.Load()
	return s.decide(id, count, s.chain.view(b.size.Load()))
}

// decide is the whole rule. Pure.
func (s *state) decide(id string, count int64, v view) Decision {
	d := Decision{
		ID: s.id, Count: count, First: v.first, End: v.end,
		SecondaryLimit: s.secondaryLimit, Taint: s.taint,
	}
	primary := s.id.matches(id)
	d.Secondary = !primary && s.secondary.matches(id)
	switch {
	case s.taint != "":
		d.Reason = Tainted
	case !primary && !d.Secondary:
		d.Reason = UnknownID
	case d.Secondary && count > s.secondaryLimit:
		d.Reason = BeyondSecondary
	case count < v.first:
		d.Reason = Behind
	case count > v.end:
		d.Reason = Ahead
	}
	d.OK = d.Reason == Accepted
	return d
}
