package store

import (
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/backlog"
)

// Replication is the side of a store that a primary or a replica drives: its
// history, its role, and the ways by which data comes from and goes to other
// nodes. Programs that only hold data have no use for it.
type Replication struct{ s *Store }

// Replication returns the store's replication side.
func (s *Store) Replication() Replication { return Replication{s} }

// Backlog is the end of the stream that is kept, with its history.
func (r Replication) Backlog() *backlog.Backlog { return r.s.backlog }

// History is the history at this instant.
func (r Replication) History() backlog.History {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.s.backlog.History()
}

// Fresh reports whether the store never saw a write, a load or a sync: there is
// nothing to ask a partial resync for.
func (r Replication) Fresh() bool { return r.s.fresh.Load() }

// Following reports whether the store follows a primary.
func (r Replication) Following() bool {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.s.mu.replica
}

// ReadOnly reports whether clients' writes are refused.
func (s *Store) ReadOnly() bool {
	return s.mu.readOnly.Load()
}

// Cut takes a snapshot and a reader of the stream that starts at the snapshot's
// offset, in one critical section: snapshot and stream together are the data.
// limit and onEnd are those of backlog.NewReader.
func (r Replication) Cut(limit int64, onEnd func(error)) (*Snapshot, *backlog.Reader, error) {
	s := r.s
	sn := s.newSnapshot()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.mu.replica {
		// Whoever loads the snapshot does not know which database the stream
		// had selected.
		s.backlog.SetStreamDB(-1)
	}
	reader, err := s.backlog.NewReader(s.backlog.Offset(), limit, onEnd)
	if err != nil {
		return nil, nil, err
	}
	s.cut(sn)
	return sn, reader, nil
}

// Inject appends a frame that is not a write to the stream of a primary (PING,
// REPLCONF GETACK *) and returns the offset after it. On a replica it does
// nothing: a stream has one source. Nor does it on a stream that is sealed.
func (r Replication) Inject(args ...string) int64 {
	s := r.s
	s.mu.Lock()
	defer s.unlock()
	if !s.mu.replica && !s.mu.sealed {
		s.backlog.Append(resp.AppendCommand(nil, args...))
	}
	return s.backlog.Offset()
}

// Mark appends a frame that is not a write to the stream of a primary, as Inject
// does, and takes a snapshot in the same critical section: the offset of the
// snapshot is the one after the frame, wherever the stream goes. On a replica it is
// [ErrReadOnly], on a stream that is sealed [ErrSealed].
func (r Replication) Mark(args ...string) (*Snapshot, error) {
	s := r.s
	sn := s.newSnapshot()
	s.mu.Lock()
	defer s.unlock()
	switch {
	case s.mu.closed:
		return nil, ErrClosed
	case s.mu.replica:
		return nil, ErrReadOnly
	case s.mu.sealed:
		return nil, ErrSealed
	}
	s.backlog.Append(resp.AppendCommand(nil, args...))
	s.cut(sn)
	return sn, nil
}

// Promote makes the store a primary: a new history begins, whose secondary ID is
// the old one, so that siblings continue partially. O(1).
func (r Replication) Promote() {
	s := r.s
	s.mu.Lock()
	defer s.unlock()
	if s.mu.replica {
		s.backlog.ShiftHistory()
	}
	s.mu.replica, s.mu.sealed = false, false
	s.mu.readOnly.Store(false)
	s.vacant.Store(false)
}

// Demote makes the store a replica: clients' writes are refused and nothing
// expires by itself. Data and history are kept.
func (r Replication) Demote() {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.mu.replica, r.s.mu.sealed = true, false
	r.s.mu.readOnly.Store(true)
	r.s.backlog.Keep()
	r.s.mu.barred.Store(false)
	r.s.unblockAll(errDemoted)
}

// FreeBacklog lets go of the stream of a primary that has no replicas, and with it of the
// name of the history, until somebody asks for it: see backlog.Free. It reports whether
// there was anything to let go. On a replica it does nothing: the name is its primary's.
func (r Replication) FreeBacklog() bool {
	s := r.s
	s.mu.Lock()
	defer s.unlock()
	if s.mu.replica || s.backlog.Freed() {
		return false
	}
	s.backlog.Free()
	return true
}

// ChangeID gives the history a new ID and no secondary one: whoever has this data under
// the old name needs a full resync. Data, offset and backlog stay. O(1).
func (r Replication) ChangeID() {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.backlog.NewName()
}

// SetWritable lets clients write to a replica, or forbids it again. The first
// such write taints the history: the data is then no longer the primary's.
func (r Replication) SetWritable(on bool) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.s.mu.replica {
		r.s.mu.readOnly.Store(!on)
	}
	if r.s.mu.readOnly.Load() {
		r.s.unblockWriters(ErrReadOnly)
	}
}

// Continue follows the answer to a partial resync: under the same ID, or under
// a new one that took over from the old at this offset.
func (r Replication) Continue(id backlog.ID) error {
	s := r.s
	s.mu.Lock()
	defer s.unlock()
	if s.backlog.History().ID != id {
		s.backlog.AdoptID(id)
	}
	return nil
}

// Sweep removes up to most keys and fields of hashes whose deadline has passed and returns
// how many.
// On a replica it does nothing: the primary's DEL or HDEL will come. Nor does it on a stream
// that is sealed.
func (r Replication) Sweep(most int) int {
	r.s.mu.Lock()
	defer r.s.unlock()
	if r.s.mu.closed || r.s.mu.sealed {
		return 0
	}
	return r.s.sweep(most)
}
