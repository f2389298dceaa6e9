package store

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// A snapshot that costs too much is given up; the writer does not notice.
func TestSnapshotBudget(t *testing.T) {
	s := newStore(t, &Options{SnapshotBudget: 10_000})
	for i := range 100 {
		_ = s.DB(0).Set(fmt.Sprint("k", i), strings.Repeat("v", 100), 0)
	}
	sn, kept := s.Snapshot(), s.Snapshot()
	defer sn.Close()
	defer kept.Close()
	i := 0
	for ; sn.Err() == nil && i < 100; i++ {
		if n := sn.Retained(); n > 10_000 {
			t.Fatalf("%d bytes are retained", n)
		}
		_ = s.DB(0).Set(fmt.Sprint("k", i), "changed", 0)
	}
	if i < 30 || i > 90 {
		t.Errorf("dropped after %d changes of some 200 bytes each, want about 50", i)
	}
	if _, err := sn.DB(0).Get("k99"); err != ErrSnapshotTooOld {
		t.Errorf("Get = %v", err)
	}
	if err := sn.WriteRDB(io.Discard, nil); err != ErrSnapshotTooOld {
		t.Errorf("WriteRDB = %v", err)
	}
	if d := sn.Digest(); d != "" {
		t.Errorf("Digest = %s, want none", d)
	}
	for range sn.DB(0).Keys() {
		t.Fatal("Keys of a dropped snapshot yields")
	}
	if err := s.View(func(*Snapshot) error {
		for i := range 100 {
			_ = s.DB(0).Set(fmt.Sprint("k", i), strings.Repeat("w", 200), 0)
		}
		return nil
	}); err != ErrSnapshotTooOld {
		t.Errorf("View = %v", err)
	}
	if v, err := s.DB(0).Get("k0"); len(v) != 200 || err != nil {
		t.Errorf("the writer was disturbed: %q, %v", v, err)
	}
}

// Holding a snapshot costs one entry for each key that changed, however often
// it changed, and whether the change stayed or was rolled back.
func TestSnapshotCost(t *testing.T) {
	s := newStore(t, nil)
	for i := range 1000 {
		_ = s.DB(0).Set(fmt.Sprint("k", i), "v", 0)
	}
	fillBig(t, s.DB(0), "big", 1000)
	sn := s.Snapshot()
	defer sn.Close()
	if n := sn.Retained(); n != 0 {
		t.Errorf("%d bytes retained before any change", n)
	}
	for range 100 {
		_ = s.DB(0).Set("k1", "w", 0)
		_, _ = s.DB(0).HSet("big", "f1", "w")
		_ = s.DB(0).Set("new", "w", 0)
		_, _ = s.DB(0).Del("new")
	}
	one := sn.Retained()
	if one == 0 || one > 400 {
		t.Errorf("%d bytes retained for two changed entries", one)
	}
	for range 100 {
		_, _ = s.Update(func(tx *Tx) error {
			_ = tx.DB(0).Set("k2", "w", 0)
			_, _ = tx.DB(0).Del("k3")
			return errOnPurpose
		})
	}
	if n := sn.Retained() - one; n > 400 {
		t.Errorf("%d bytes retained for two entries that were changed and restored", n)
	}
	if v, err := sn.DB(0).HGet("big", "f1"); v != "v1" || err != nil {
		t.Errorf("f1 = %q, %v", v, err)
	}
}

// A closed snapshot would slowly become a mixture of old and new: it refuses.
func TestClosedSnapshot(t *testing.T) {
	s := newStore(t, nil)
	_ = s.DB(0).Set("k", "v", 0)
	sn := s.Snapshot()
	if s.Stats().Snapshots != 1 {
		t.Errorf("Stats counts %d snapshots", s.Stats().Snapshots)
	}
	if err := errors.Join(sn.Close(), sn.Close()); err != nil || s.Stats().Snapshots != 0 {
		t.Errorf("Close leaves %d snapshots", s.Stats().Snapshots)
	}
	if _, err := sn.DB(0).Get("k"); err != ErrClosed {
		t.Errorf("Get = %v, want ErrClosed", err)
	}
	if err := sn.WriteRDB(io.Discard, nil); err != ErrClosed {
		t.Errorf("WriteRDB = %v, want ErrClosed", err)
	}
}

// Time stands still in a snapshot: what lived at the cut lives, what had expired
// is gone.
func TestSnapshotClock(t *testing.T) {
	clock := newClock()
	s := newStore(t, &Options{Clock: clock.now})
	_ = s.DB(0).Set("a", "v", time.Second)
	_ = s.DB(0).Set("b", "v", time.Minute)
	clock.advance(2 * time.Second)
	sn := s.Snapshot()
	defer sn.Close()
	clock.advance(time.Hour)
	s.Replication().Sweep(10)
	db := sn.DB(0)
	if db.Exists("a") || !db.Exists("b") {
		t.Errorf("a is there: %v, want false; b: %v, want true", db.Exists("a"), db.Exists("b"))
	}
	if v, err := db.Do("PTTL", "b"); v.Int != 58_000 || err != nil {
		t.Errorf("PTTL = %v, %v, want 58000", v, err)
	}
	n := 0
	for range db.Keys() {
		n++
	}
	if n != 1 || db.Len() != 2 {
		t.Errorf("Keys yields %d keys, Len is %d, want 1, 2", n, db.Len())
	}
}

// Every kind of change after the cut, each alone: the cut does not see it.
func TestSnapshotSeesNoChange(t *testing.T) {
	for _, line := range []string{
		"SET text w", "APPEND text w", "APPEND appended w", "SETRANGE long 0 w", "SETBIT long 9 0", "SETBIT text 1 0", "BITFIELD long SET u9 4 77", "BITOP NOT long long", "BITOP OR long none", "DEL text", "DEL big", "DEL small", "PERSIST deadline", "EXPIRE text 5",
		"HSET small f w", "HSET small new w", "HSET big f1 w", "HSET big new w new2 w", "HDEL big f1", "HDEL big f1 f2", "HDEL small f", "HINCRBY big n 1",
		"RENAME text other", "RENAME big other", "RENAME small big", "COPY big other", "COPY small big REPLACE", "MOVE big 7", "SWAPDB 0 3", "FLUSHDB", "FLUSHALL",
		"SET new v", "MSET text 1 new 2 long 3", "INCR n", "GETDEL text", "GETEX text EX 5", "HSET small f " + strings.Repeat("x", 65),
	} {
		s := sample(t)
		_ = s.DB(0).Set("text", "value", 0) // what the very last commit wrote belongs to the cut too
		sn := s.Snapshot()
		digest, keys := sn.Digest(), dump(sn)
		c := s.NewSession(nil)
		do(t, c, line)
		// And a change on top, wherever the hash went on living.
		c.Do(argv("HSET", "big", "f3", "after"))
		c.Do(argv("HSET", "other", "f4", "after"))
		if sn.Digest() != digest || dump(sn) != keys {
			t.Errorf("%s changes the snapshot", line)
		}
		n, a := loadStore(t, sn)
		if err := apply(t, a, streamSince(t, s, sn.History().Offset)); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if n.Digest() != s.Digest() {
			t.Errorf("%s: the snapshot and the stream after it are not the data", line)
		}
		sn.Close()
	}
}

func dump(sn *Snapshot) string {
	var b strings.Builder
	for db := range 8 {
		d := sn.DB(db)
		fmt.Fprintln(&b, db, d.Len())
		for _, key := range []string{"text", "deadline", "long", "empty", "appended", "small", "due", "big", "other", "new", "n"} {
			text, err := d.Get(key)
			hash, err2 := d.HGetAll(key)
			n, err3 := d.HLen(key)
			at, ok := d.ExpireTime(key)
			fmt.Fprintln(&b, key, text, err, hash, err2, n, err3, at, ok)
		}
	}
	return b.String()
}

func TestGetAllocatesNothing(t *testing.T) {
	s := newStore(t, nil)
	_ = s.DB(0).Set("k", "v", 0)
	_ = s.DB(0).Set("long", strings.Repeat("v", 5000), time.Hour)
	_, _ = s.DB(0).HSet("h", "f", "v")
	db := s.DB(0)
	for name, fn := range map[string]func(){
		"Get":      func() { _, _ = db.Get("k") },
		"deadline": func() { _, _ = db.Get("long") },
		"missing":  func() { _, _ = db.Get("none") },
		"Exists":   func() { _ = db.Exists("k") },
		"Strlen":   func() { _, _ = db.Strlen("k") },
	} {
		if n := testing.AllocsPerRun(100, fn); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

// Values that were read are valid and constant for ever.
func TestValuesReadDoNotChange(t *testing.T) {
	s := newStore(t, nil)
	_, _ = s.DB(0).Append("k", strings.Repeat("a", 2000))
	_, _ = s.DB(0).Append("k", "b")
	a, _ := s.DB(0).Get("k")
	want := strings.Clone(a)
	_ = s.DB(0).Rename("k", "k2")
	_, _ = s.DB(0).Do("COPY", "k2", "k3")
	_, _ = s.DB(0).Append("k3", "three")
	_, _ = s.DB(0).Append("k2", "two")
	_, _ = s.DB(0).Do("SETRANGE", "k2", "0", "zzz")
	_, _ = s.Update(func(tx *Tx) error { _, _ = tx.DB(0).Append("k3", "undone"); return errOnPurpose })
	_, _ = s.DB(0).Append("k3", "four")
	k3, _ := s.DB(0).Get("k3")
	if a != want || k3 != want+"threefour" {
		t.Errorf("values that share a buffer disturb each other: %.5q, %q", a, k3[len(k3)-12:])
	}
}

// A snapshot may be closed where one could not be taken: inside of Update's closure.
func TestCloseInsideUpdate(t *testing.T) {
	s := New(nil)
	if err := s.DB(0).Set("k", "old", 0); err != nil {
		t.Fatal(err)
	}
	a, b := s.Snapshot(), s.Snapshot()
	defer b.Close()
	if _, err := s.Update(func(tx *Tx) error {
		if err := tx.DB(0).Set("k", "new", 0); err != nil {
			return err
		}
		return a.Close()
	}); err != nil {
		t.Fatal(err)
	}
	if n := s.Stats().Snapshots; n != 1 {
		t.Errorf("%d snapshots are open, want 1", n)
	}
	if v, err := b.DB(0).Get("k"); v != "old" || err != nil {
		t.Errorf("the other snapshot reads %q, %v", v, err)
	}
	if _, err := a.DB(0).Get("k"); err != ErrClosed {
		t.Errorf("the closed one reads with %v", err)
	}
}
