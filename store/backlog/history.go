package backlog

// maxOffset bounds offsets from outside so that adding bytes and limits never overflows.
const maxOffset = 1 << 62

// History is where a data set stands in which stream. It is a copy: nothing that happens later shows in it.
//
// Invariants:
//
//	Secondary == ""  <=>  SecondaryLimit == -1
//	SecondaryLimit <= Offset
//	Taint != ""       =>  Secondary == ""
type History struct {
	// ID names the history. Equal (ID, Offset) on two untainted nodes means equal data.
	ID ID

	// Offset is the count of stream bytes that the data contains.
	Offset int64

	// Secondary is the ID under which the stream up to SecondaryLimit was known before the last change of ID,
	// "" if there is none. Followers that still know the old name may continue.
	Secondary ID

	// SecondaryLimit is the greatest count with which a follower of Secondary may continue: the bytes after
	// it exist under ID only. It is a count, one less than the second offset that servers print. -1: none.
	SecondaryLimit int64

	// StreamDB is the database selected in the stream at Offset, -1 if unknown: then the next effect
	// must be preceded by a SELECT.
	StreamDB int

	// Taint says why the data is not what ID and Offset promise (filtered, written to on a replica,
	// a command skipped). "" for an honest history. A tainted history serves no follower.
	Taint string
}

// normal returns h with its invariants established.
func (h History) normal() History {
	h.Offset = min(max(h.Offset, 0), maxOffset)
	if h.Taint != "" || h.SecondaryLimit < 0 {
		h.Secondary = ""
	}
	if h.Secondary == "" {
		h.SecondaryLimit = -1
	}
	h.SecondaryLimit = min(h.SecondaryLimit, h.Offset)
	h.StreamDB = max(h.StreamDB, -1)
	return h
}

// A state is what Check needs of the history, together with the bytes that it speaks about. It is immutable and replaced
// as a whole, so that whoever loads it sees an ID and a stream that belong together.
type state struct {
	id             ID
	secondary      ID
	secondaryLimit int64
	taint          string
	chain          *chain
}

func newState(h History) *state {
	return &state{h.ID, h.Secondary, h.SecondaryLimit, h.Taint, newChain(h.Offset)}
}

// History returns a copy of the history. REQUIRES: the writer lock.
func (b *Backlog) History() History {
	s := b.state.Load()
	return History{
		ID: s.id, Offset: s.chain.end(),
		Secondary: s.secondary, SecondaryLimit: s.secondaryLimit,
		StreamDB: b.streamDB, Taint: s.taint,
	}
}

// SetStreamDB notes the database that the stream has selected at its end, -1 for unknown.
// REQUIRES: the writer lock.
func (b *Backlog) SetStreamDB(n int) { b.streamDB = max(n, -1) }

// ShiftHistory starts a history of one's own at the present offset: what a promotion does. The old ID becomes
// the secondary ID, so that followers of it continue up to here; the next effect must select its database,
// since the followers may know another one. Readers go on: the bytes are the same under both names.
//
// A tainted history is left without a secondary ID, because its data is not what the old ID promises. The
// new ID names the data as it is: the taint is gone. REQUIRES: the writer lock.
func (b *Backlog) ShiftHistory() {
	b.rename(NewID())
	s := *b.state.Load()
	s.taint = ""
	b.state.Store(&s)
	b.streamDB = -1
}

// NewName gives the stream a new name at the present offset and forgets the one so far: nobody continues under that.
// Whoever knew the bytes by it counts them under a name that is nobody's, so readers for peers should be ended first.
// Bytes, selected database and taint stay. REQUIRES: the writer lock.
func (b *Backlog) NewName() {
	s := *b.state.Load()
	s.id, s.secondary, s.secondaryLimit = NewID(), "", -1
	b.state.Store(&s)
}

// AdoptID follows a primary that continued our stream under a new name. The ID so far becomes the secondary ID
// with the present offset as its limit. The selected database stays: no SELECT follows a continuation.
// The ID that we have already changes nothing. A tainted history stays tainted. REQUIRES: the writer lock.
func (b *Backlog) AdoptID(id ID) {
	if b.state.Load().id.matches(string(id)) {
		return
	}
	b.rename(id)
}

// rename makes id the name of the stream from here on, and remembers the name so far, if it was an honest one.
func (b *Backlog) rename(id ID) {
	s := *b.state.Load()
	s.secondary, s.secondaryLimit = s.id, s.chain.end()
	if s.taint != "" || s.id == "" {
		s.secondary, s.secondaryLimit = "", -1
	}
	s.id = id
	b.state.Store(&s)
}

// Taint records that the data is no longer what the history says, and why. The secondary ID is dropped, and
// Check refuses everybody until ShiftHistory or Reset. The first reason is kept; an empty one is "unknown".
// Readers go on: what they forward are the primary's own bytes. REQUIRES: the writer lock.
func (b *Backlog) Taint(reason string) {
	s := *b.state.Load()
	if s.taint != "" {
		return
	}
	if reason == "" {
		reason = "unknown"
	}
	s.taint, s.secondary, s.secondaryLimit = reason, "", -1
	b.state.Store(&s)
}

// Reset adopts h, as after a full sync or a load: the bytes so far are forgotten, the window is empty at h.Offset,
// and every Reader ends with [ErrHistoryChanged] (call Wake after unlocking). Values of h that break an
// invariant of History are made harmless: a negative offset is 0, a secondary ID without a limit is none.
// REQUIRES: the writer lock.
func (b *Backlog) Reset(h History) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.resetLocked(h)
	b.keepLocked()
}

// resetLocked is under mu so that no reader is registered for a chain that was just replaced.
func (b *Backlog) resetLocked(h History) {
	h = h.normal()
	b.state.Store(newState(h))
	b.streamDB = h.StreamDB
	for r := range b.readers {
		b.endLocked(r, ErrHistoryChanged)
	}
	b.checkAt.Store(never)
}
