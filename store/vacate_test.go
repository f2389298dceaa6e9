package store

import (
	"bytes"
	"errors"
	"testing"

	"github.com/understudy-go/understudy/store/backlog"
)

// A store that was vacated is as fresh as a new one, but that it does not replace a
// file. Snapshots keep what they have, whoever reads the old stream is told.
func TestVacate(t *testing.T) {
	s, a := newReplica(t, nil)
	r := s.Replication()
	if err := apply(t, a, wire("INCR n")+wire("RPUSH l a b")); err != nil {
		t.Fatal(err)
	}
	was, sn := r.History(), s.Snapshot()
	defer sn.Close()
	reader, err := r.Backlog().NewReader(was.Offset, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Vacate(); err != nil {
		t.Fatal(err)
	}
	h := r.History()
	if s.DB(0).Len() != 0 || !r.Fresh() || !r.Vacant() || h.ID == was.ID || h.Secondary != "" || h.Offset != 0 {
		t.Errorf("%d keys, fresh %v, vacant %v, history %+v after %+v", s.DB(0).Len(), r.Fresh(), r.Vacant(), h, was)
	}
	if err := s.Save(t.TempDir() + "/dump.rdb"); !errors.Is(err, ErrVacant) {
		t.Errorf("Save = %v, want %v", err, ErrVacant)
	}
	if reader.TryNext(0); !errors.Is(reader.Err(), backlog.ErrHistoryChanged) {
		t.Errorf("a reader of the old stream has %v", reader.Err())
	}
	if sn.DB(0).Len() != 2 || sn.Err() != nil {
		t.Errorf("the snapshot has %d keys, %v", sn.DB(0).Len(), sn.Err())
	}
	l := r.NewLoader()
	if err := errors.Join(l.LoadRDB(bytes.NewReader(file(t, sample(t)))), l.Commit(was)); err != nil {
		t.Fatal(err)
	}
	if r.Vacant() || r.Fresh() || s.DB(0).Len() == 0 || r.History() != was {
		t.Errorf("after a load: vacant %v, fresh %v, %d keys, %+v", r.Vacant(), r.Fresh(), s.DB(0).Len(), r.History())
	}
}

// An operator who promotes a vacant store wants an empty primary.
func TestVacantStoreIsPromoted(t *testing.T) {
	s, _ := newReplica(t, nil)
	if err := s.Replication().Vacate(); err != nil {
		t.Fatal(err)
	}
	s.Replication().Promote()
	if err := s.Save(t.TempDir() + "/dump.rdb"); err != nil || s.Replication().Vacant() {
		t.Errorf("Save = %v, vacant %v", err, s.Replication().Vacant())
	}
	s.Close()
	if err := s.Replication().Vacate(); err != ErrClosed {
		t.Errorf("Vacate after Close = %v", err)
	}
}
