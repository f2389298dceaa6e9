package store

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"weak"

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

// What a snapshot holds of a large collection counts under whatever name it went: also
// after it was forked, and in a database that the snapshot does not have.
func TestBudgetFollowsNames(t *testing.T) {
	for what, lose := range map[string][]string{
		"RENAME":   {"RENAME k there", "DEL there"},
		"MOVE":     {"MOVE k 1", "FLUSHDB", "SELECT 1", "DEL k"},
		"twice":    {"RENAME k i", "PERSIST i", "RENAME i j", "SET j v"},
		"edited":   {"RENAME k i", "EDIT i", "RENAME i j", "EDIT j", "DEL j"},
		"new":      {"SET other v", "SELECT 1", "SET k2 v", "FLUSHDB", "SELECT 0", "MOVE k 1", "SELECT 1", "FLUSHDB"},
		"one unit": {"MULTI", "RENAME k i", "EDIT i", "DEL i", "EXEC"},
	} {
		for kind, edit := range largeKinds {
			s := newStore(t, nil)
			fillLarge(t, s, kind)
			tab := s.view.Load().gen.spaces[0].tab
			held := tab.Find(tab.Hash("k"), "k").Body().Bytes()
			sn := s.Snapshot()
			c := s.NewSession(nil)
			for _, line := range lose {
				if key, ok := strings.CutPrefix(line, "EDIT "); ok {
					line = strings.ReplaceAll(edit, "KEY", key)
				}
				do(t, c, line)
			}
			if got := sn.Retained(); got < held {
				t.Errorf("%s of a %s: %d bytes retained, %d held", what, kind, got, held)
			}
			if err := s.check(); err != nil {
				t.Error(err)
			}
			sn.Close()
		}
	}
}

// largeKinds are the collections that may be large, with an edit of each.
var largeKinds = map[string]string{
	"list":       "RPUSH KEY tail",
	"set":        "SADD KEY another",
	"sorted set": "ZADD KEY 1 another",
	"hash":       "HSET KEY another v",
}

// fillLarge makes k a collection of 5,000 members of a hundred bytes.
func fillLarge(t *testing.T, s *Store, kind string) {
	t.Helper()
	db := s.DB(0)
	for i := range 5000 {
		v, err := fmt.Sprintf("%0100d", i), error(nil)
		switch kind {
		case "list":
			_, err = db.RPush("k", v)
		case "set":
			_, err = db.SAdd("k", v)
		case "sorted set":
			_, err = db.ZAdd("k", Scored{float64(i), v})
		case "hash":
			_, err = db.HSet("k", v, "1")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Every node that a fork copies is lost to the snapshot, whatever the key is called.
func TestBudgetCountsNodesOfRenamed(t *testing.T) {
	s := newStore(t, nil)
	fillLarge(t, s, "list")
	sn := s.Snapshot()
	defer sn.Close()
	if err := s.DB(0).Rename("k", "k2"); err != nil {
		t.Fatal(err)
	}
	before := sn.Retained()
	for i := range 5000 {
		if err := s.DB(0).LSet("k2", i, "v"); err != nil {
			t.Fatal(err)
		}
	}
	if got := sn.Retained() - before; got < 350_000 {
		t.Errorf("%d bytes retained of a list of 450 KB", got)
	}
}

// A copy is not what the snapshot has: to change it and to lose it costs the snapshot
// nothing, though the copy's elements are older than the cut. One that does have the copy
// keeps all of it, also of the small table that the copy moves to when it has shrunk.
func TestBudgetIgnoresCopies(t *testing.T) {
	for kind, lines := range map[string][]string{
		"list":       {"RPUSH k2 tail", "RENAME k2 k3", "LSET k3 7 v", "LTRIM k3 0 9", "DEL k3"},
		"set":        {"SADD k2 another", "RENAME k2 k3", "SREM k3 MEMBERS", "SADD k3 new", "DEL k3"},
		"sorted set": {"ZADD k2 1 another", "RENAME k2 k3", "ZREM k3 MEMBERS", "ZADD k3 1 new", "DEL k3"},
		"hash":       {"HSET k2 another v", "RENAME k2 k3", "HDEL k3 MEMBERS", "HSET k3 new v", "DEL k3"},
	} {
		s := newStore(t, nil)
		fillLarge(t, s, kind)
		c := s.NewSession(nil)
		before := s.Snapshot()
		do(t, c, "COPY k k2")
		cuts := []*Snapshot{s.Snapshot()}
		digests := []string{cuts[0].Digest()}
		for _, line := range lines {
			do(t, c, strings.Replace(line, "MEMBERS", fillMembers(4990), 1))
			sn := s.Snapshot()
			cuts, digests = append(cuts, sn), append(digests, sn.Digest())
		}
		if got := before.Retained(); got != 0 {
			t.Errorf("%s: %d bytes retained by a snapshot without the copy", kind, got)
		}
		for i, sn := range cuts {
			if sn.Digest() != digests[i] {
				t.Errorf("%s: a snapshot of the copy after %d changes is no longer what it was", kind, i)
			}
			sn.Close()
		}
		before.Close()
	}
}

// fillMembers is the first n members that fillLarge adds.
func fillMembers(n int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf("%0100d", i)
	}
	return strings.Join(members, " ")
}

// A commit that is over holds nothing of the data, whether it changed them or not: when a
// load replaces them they go.
func TestLoadLetsGoOfTheOldData(t *testing.T) {
	for name, last := range map[string]func(s *Store) error{
		"changed":   func(s *Store) error { return s.DB(0).Set("k", "w", 0) },
		"unchanged": func(s *Store) error { _, err := s.DB(0).Do("SETNX", "k", "w"); return err },
		"failed": func(s *Store) error {
			if _, err := s.DB(0).Do("LPUSH", "k", "w"); err == nil {
				return errOnPurpose
			}
			return nil
		},
		"undone": func(s *Store) error {
			if _, err := s.Update(func(tx *Tx) error { return errOnPurpose }); err != errOnPurpose {
				return err
			}
			return nil
		},
		"failed on the stream": func(s *Store) error {
			s.Replication().Demote()
			a := s.Replication().NewApplier()
			if err := apply(t, a, wires("LPUSH k w")); err == nil {
				return errOnPurpose
			}
			return nil
		},
	} {
		s := newStore(t, nil)
		_ = s.DB(0).Set("k", "v", 0)
		if err := last(s); err != nil {
			t.Fatal(name, err)
		}
		old := weak.Make(s.view.Load().gen)
		if err := s.Replication().Reload(); err != nil {
			t.Fatal(name, err)
		}
		runtime.GC()
		if old.Value() != nil {
			t.Errorf("after a commit that %s: the data before the load are held", name)
		}
	}
}

// A snapshot that was opened while a file was loaded has nothing of it: what becomes
// of that does not count.
func TestBudgetIgnoresWhatWasLoaded(t *testing.T) {
	from := newStore(t, nil)
	for i := range 100 {
		_ = from.DB(0).Set(fmt.Sprint("k", i), "old", 0)
	}
	s := newStore(t, nil)
	l := s.Replication().NewLoader()
	if err := l.LoadRDB(bytes.NewReader(file(t, from))); err != nil {
		t.Fatal(err)
	}
	_ = s.DB(0).Set("a", "b", 0)
	sn := s.Snapshot()
	defer sn.Close()
	if err := l.Commit(backlog.History{ID: backlog.NewID(), SecondaryLimit: -1}); err != nil {
		t.Fatal(err)
	}
	before := sn.Retained()
	for i := range 100 {
		_ = s.DB(0).Set(fmt.Sprint("k", i), "new", 0)
	}
	if got := sn.Retained(); got != before {
		t.Errorf("%d bytes retained before, %d now", before, got)
	}
	if v, err := sn.DB(0).Get("a"); v != "b" || err != nil {
		t.Errorf("a is %q, %v", v, err)
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
