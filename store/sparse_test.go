package store

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/understudy-go/understudy/store/internal/table"
)

// putRoomy makes key a large collection of names in a table that was made for many more.
func putRoomy(t *testing.T, s *Store, key string, kind table.Kind, names []string) {
	err := s.write(0, func(x *exec) error {
		tab := s.newFields(x.c.version)
		tab.Reserve(120_000)
		for _, name := range names {
			tab.Put(tab.Hash(name), table.NewText(x.c.version, name, "", 0))
		}
		x.c.put(x.ref(key), table.NewBig(x.c.version, kind, key, tab, 0))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A set and a hash that were large and of which little is left, by whatever way it went:
// they are walked and searched as the small ones that they are, and a snapshot, a
// transaction that is rolled back and the stream see nothing of it.
func TestSparseTables(t *testing.T) {
	const full, left = 3000, 700
	names := make([]string, full)
	for i := range names {
		names[i] = fmt.Sprint("member", i)
	}
	s := newStore(t, nil)
	db := s.DB(0)
	for key, kind := range map[string]table.Kind{"set": table.BigSet, "hash": table.BigHash} {
		putRoomy(t, s, key, kind, names)
	}
	sparse := func(key string) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		e, err := db.entry(key)
		if err != nil || e == nil {
			t.Fatal(e, err)
		}
		return e.Fields().Sparse()
	}
	gone := names[left:]
	thin := func(db writes) error {
		for part := range slices.Chunk(gone, 5000) {
			_, err1 := db.SRem("set", part...)
			_, err2 := db.HDel("hash", part...)
			if err := firstError(err1, err2); err != nil {
				return err
			}
		}
		return nil
	}
	want := func(what string, db reads, n int) {
		t.Helper()
		members, err := db.SMembers("set")
		got := slices.Sorted(members)
		fields, err2 := db.HGetAll("hash")
		if err := firstError(err, err2); err != nil {
			t.Fatal(err)
		}
		expected := slices.Sorted(slices.Values(names[:n]))
		if !slices.Equal(got, expected) || !slices.Equal(slices.Sorted(maps.Keys(fields)), expected) {
			t.Fatalf("%s: %d members and other fields, want %d", what, len(got), n)
		}
	}

	if _, err := s.Update(func(tx *Tx) error {
		_ = thin(tx.DB(0).writes)
		return errOnPurpose
	}); err != errOnPurpose {
		t.Fatal(err)
	}
	want("rolled back", db.reads, full)

	sn := s.Snapshot()
	defer sn.Close()
	if err := thin(db.writes); err != nil {
		t.Fatal(err)
	}
	want("live", db.reads, left)
	want("snapshot", sn.DB(0).reads, full)
	if sparse("set") || sparse("hash") {
		t.Error("little is left in tables made for much")
	}
	for range left - 1 {
		if _, err := db.SPop("set"); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := db.SCard("set"); n != 1 || err != nil {
		t.Errorf("SCard = %d, %v", n, err)
	}
}

// The same of sorted sets, which keep their order in a tree beside.
func TestSparseSorted(t *testing.T) {
	const full, left = 3000, 500
	s := newStore(t, nil)
	db := s.DB(0)
	err := s.write(0, func(x *exec) error {
		tab := s.newFields(x.c.version)
		tab.Reserve(120_000)
		items := make([]Scored, full)
		for i := range items {
			e := newMember(x.c.version, fmt.Sprint("member", i), float64(i))
			tab.Put(tab.Hash(e.Key()), e)
			items[i] = Scored{float64(i), e.Key()}
		}
		x.c.put(x.ref("z"), table.NewBig(x.c.version, table.BigSorted, "z", newBigSorted(x.c.version, items, tab), 0))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := func(what string, db reads, n int) {
		t.Helper()
		seq, err := db.ZRange("z", ByRank(0, -1))
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		for member, score := range seq {
			if member != fmt.Sprint("member", i) || score != float64(i) {
				t.Fatalf("%s: %s with %v at %d", what, member, score, i)
			}
			if got, err := db.ZScore("z", member); got != score || err != nil {
				t.Fatalf("%s: ZScore %s = %v, %v", what, member, got, err)
			}
			i++
		}
		if i != n {
			t.Fatalf("%s: %d members, want %d", what, i, n)
		}
	}
	roomy := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		e, err := db.entry("z")
		if err != nil {
			t.Fatal(err)
		}
		return bigOf(e).members.Sparse()
	}
	if _, err := s.Update(func(tx *Tx) error {
		_, _ = tx.DB(0).ZRemRange("z", ByRank(left, -1))
		return errOnPurpose
	}); err != errOnPurpose {
		t.Fatal(err)
	}
	want("rolled back", db.reads, full)
	sn := s.Snapshot()
	defer sn.Close()
	if _, err := db.ZRemRange("z", ByRank(left+100, -1)); err != nil {
		t.Fatal(err)
	}
	if roomy() {
		t.Error("little is left in a table made for much, by rank")
	}
	want("live", db.reads, left+100)
	want("snapshot", sn.DB(0).reads, full)
	if n, err := db.ZAdd("z", Scored{full, "last"}); n != 1 || err != nil {
		t.Errorf("ZAdd = %d, %v", n, err)
	}
	if n, err := db.ZRem("z", "last", "member0"); n != 2 || err != nil {
		t.Errorf("ZRem = %d, %v", n, err)
	}
}
