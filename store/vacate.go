package store

import (
	"errors"

	"github.com/understudy-go/understudy/store/backlog"
)

// ErrVacant is returned by Save while the old data of a replica was dropped to make
// room for a full resync that is not complete: the file that is there is better.
var ErrVacant = errors.New("store: the old data was dropped, and the new is not complete")

// Vacate drops all data at once, for a replica that has no room for the old data
// beside the new. Readers see an empty store until a load is committed, never a part of
// one. Nothing is left that the history could name, so a new one begins, which nobody
// continues: the store is as fresh as one that was just made. What snapshots and
// iterators hold stays with them, and in memory.
//
// Until a load is committed, the store is promoted, or the stream goes on, Vacant is
// true and Save refuses to replace a file by nothing. The error is [ErrClosed].
func (r Replication) Vacate() error {
	s := r.s
	s.mu.Lock()
	defer s.unlock()
	if s.mu.closed {
		return ErrClosed
	}
	s.replaceAll(newGeneration(s.opts.Databases, s.tables), nil, backlog.History{ID: backlog.NewID(), SecondaryLimit: -1, StreamDB: -1})
	s.fresh.Store(true)
	s.vacant.Store(true)
	return nil
}

// Vacant reports whether the data was dropped by Vacate and has not come again.
func (r Replication) Vacant() bool { return r.s.vacant.Load() }
