package store

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/understudy-go/understudy/store/backlog"
)

// What only a snapshot holds counts against its budget, in whatever way it went
// out of the live data: the snapshot is dropped, and holds it no longer.
func TestBudgetCountsWholes(t *testing.T) {
	const budget = 1 << 20
	bigHash := func(s *Store, key string) {
		for i := range 20_000 {
			_, _ = s.DB(0).HSet(key, fmt.Sprintf("field:%08d", i), "0123456789012345678901234567890123456789")
		}
	}
	other := New(nil)
	_ = other.DB(0).Set("k", "v", 0)
	sn := other.Snapshot()
	var file bytes.Buffer
	if err := sn.WriteRDB(&file, nil); err != nil {
		t.Fatal(err)
	}
	sn.Close()
	for name, lose := range map[string]func(s *Store) error{
		"DEL":     func(s *Store) error { _, err := s.DB(0).Del("h"); return err },
		"SET":     func(s *Store) error { return s.DB(0).Set("h", "v", 0) },
		"FLUSHDB": func(s *Store) error { return s.DB(0).Flush() },
		"FLUSHALL": func(s *Store) error {
			_, err := s.DB(1).Do("FLUSHALL")
			return err
		},
		"load": func(s *Store) error {
			l := s.Replication().NewLoader()
			if err := l.LoadRDB(bytes.NewReader(file.Bytes())); err != nil {
				return err
			}
			return l.Commit(backlog.History{ID: backlog.NewID(), SecondaryLimit: -1})
		},
	} {
		s := New(&Options{SnapshotBudget: budget})
		bigHash(s, "h")
		sn := s.Snapshot()
		if err := lose(s); err != nil {
			t.Fatal(err)
		}
		if sn.Err() != ErrSnapshotTooOld || sn.Retained() < budget || sn.past.gen.Load() != nil {
			t.Errorf("%s: %v, %d bytes retained, generation held: %v", name, sn.Err(), sn.Retained(), sn.past.gen.Load() != nil)
		}
		if _, err := sn.DB(0).HGet("h", "field:00000001"); err != ErrSnapshotTooOld {
			t.Errorf("%s: read of a dropped snapshot: %v", name, err)
		}
		if err := s.check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		sn.Close()
	}
}

// What moves is not gone.
func TestBudgetLetsWholesMove(t *testing.T) {
	s := New(&Options{SnapshotBudget: 1 << 20})
	for i := range 20_000 {
		_, _ = s.DB(0).HSet("h", fmt.Sprintf("field:%08d", i), "0123456789012345678901234567890123456789")
	}
	sn := s.Snapshot()
	defer sn.Close()
	for _, args := range [][]string{{"RENAME", "h", "i"}, {"EXPIRE", "i", "1000"}, {"MOVE", "i", "1"}, {"SWAPDB", "0", "1"}, {"RENAME", "i", "j"}} {
		if _, err := s.DB(0).Do(args...); err != nil {
			t.Fatal(args, err)
		}
	}
	if _, err := s.Update(func(tx *Tx) error {
		_, _ = tx.DB(0).Del("j")
		return ErrSyntax
	}); err != ErrSyntax {
		t.Fatal(err)
	}
	if n, err := sn.DB(0).HLen("h"); err != nil || n != 20_000 {
		t.Errorf("the snapshot has %d fields, %v, %d bytes retained", n, err, sn.Retained())
	}
	if err := s.check(); err != nil {
		t.Error(err)
	}
}
