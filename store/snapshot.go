package store

import (
	"slices"
	"sync/atomic"

	"github.com/understudy-go/understudy/store/backlog"
)

// A Snapshot is the data as it was at one instant, the cut, with the offset of
// the stream at that instant. Taking one is O(1); holding it costs one kept
// entry for each key that changes meanwhile, and what is removed as a whole (a
// large hash, a database), up to Options.SnapshotBudget. All methods may be
// called from any goroutine.
type Snapshot struct {
	s          *Store
	past       past
	history    backlog.History
	now        int64 // the cut's clock: what had expired then is gone, what had not stays
	libs       libraries
	fieldTimes bool // fields of hashes have deadlines
	nested     bool // asked for inside of Update's closure: there is no cut
	closed     atomic.Bool
}

// Snapshot makes a cut. Close the snapshot when it is no longer needed. Inside of
// Update's closure there is none to make: then Err is [ErrNested].
func (s *Store) Snapshot() *Snapshot {
	sn := s.newSnapshot() // before the lock: it may wait for the collector
	if !s.mu.TryLock() {
		if s.nested() {
			sn.nested = true
			return sn
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	s.cut(sn)
	return sn
}

func (s *Store) newSnapshot() *Snapshot {
	return &Snapshot{s: s, past: past{budget: s.opts.SnapshotBudget}}
}

// cut notes version, history and generation in one critical section.
// REQUIRES: the writer lock, no commit under way.
func (s *Store) cut(sn *Snapshot) {
	sn.history = s.backlog.History()
	sn.now = s.opts.Clock().UnixMilli()
	sn.libs = s.mu.functions
	sn.past.version = s.published.Load()
	sn.past.gen.Store(s.view.Load().gen)
	for _, ks := range s.view.Load().gen.spaces {
		sn.fieldTimes = sn.fieldTimes || ks.hashes.len() > 0
	}
	s.mu.snapshots = append(s.mu.snapshots, sn)
}

// generation is the data set of the cut. Of a snapshot that has none any more it
// is an empty one: Err tells.
func (sn *Snapshot) generation() *generation {
	if g := sn.past.gen.Load(); g != nil {
		return g
	}
	return newGeneration(sn.s.opts.Databases, sn.s.tables)
}

// chargeReplaced charges open snapshots for the databases of was that is has not:
// they alone hold them now. REQUIRES: the writer lock.
func (s *Store) chargeReplaced(was, is *generation) {
	if was == is || len(s.mu.snapshots) == 0 {
		return
	}
	for _, ks := range was.spaces {
		if ks.tab.Bytes() == 0 || slices.Contains(is.spaces, ks) {
			continue
		}
		for _, sn := range s.mu.snapshots {
			if g := sn.past.gen.Load(); g != nil && slices.Contains(g.spaces, ks) {
				sn.past.charge(ks.tab.Bytes())
			}
		}
	}
}

// Close lets go of what the snapshot retained; reads then return [ErrClosed]. A
// second Close does nothing. It never fails.
func (sn *Snapshot) Close() error {
	if sn.nested || sn.closed.Swap(true) {
		return nil
	}
	defer sn.past.drop()
	s := sn.s
	if !s.mu.TryLock() {
		if s.nested() {
			s.forgetSnapshot(sn) // Update's closure has the lock, and it is ours
			return nil
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	s.forgetSnapshot(sn)
	return nil
}

// forgetSnapshot keeps nothing for sn any more. REQUIRES: the writer lock.
func (s *Store) forgetSnapshot(sn *Snapshot) {
	if i := slices.Index(s.mu.snapshots, sn); i >= 0 {
		s.mu.snapshots = slices.Delete(s.mu.snapshots, i, i+1)
	}
}

// History is the history of the data at the cut: replication ID and offset.
func (sn *Snapshot) History() backlog.History { return sn.history }

// Retained is the number of bytes kept for this snapshot alone.
func (sn *Snapshot) Retained() int64 { return sn.past.retained.Load() }

// Err is [ErrSnapshotTooOld] once the snapshot was dropped, [ErrClosed] after
// Close, and nil before. What was read before an Err of nil is good.
func (sn *Snapshot) Err() error {
	switch {
	case sn.nested:
		return ErrNested
	case sn.closed.Load():
		return ErrClosed
	case sn.past.spent.Load():
		return ErrSnapshotTooOld
	}
	return nil
}

func (sn *Snapshot) exec(db int) exec {
	return exec{s: sn.s, mode: past_, db: db, gen: sn.generation(), past: &sn.past, now: sn.now}
}
