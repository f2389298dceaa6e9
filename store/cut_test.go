package store

import (
	"testing"
	"time"
)

// The cut must be made with all writers excluded. Its clock is asked in the
// middle of it, which is where we look.
func TestCutIsMadeUnderTheWriterLock(t *testing.T) {
	var s *Store
	asked := 0
	clock := func() time.Time {
		if s != nil {
			if asked++; s.mu.TryLock() {
				t.Errorf("the writer lock is free while the cut is made")
				s.mu.Unlock()
			}
		}
		return time.UnixMilli(1)
	}
	st := newStore(t, &Options{Clock: clock})
	_ = st.DB(0).Set("k", "v", 0)
	s = st
	for name, cut := range map[string]func() *Snapshot{
		"Snapshot": st.Snapshot,
		"Cut": func() *Snapshot {
			sn, r, err := st.Replication().Cut(0, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
			return sn
		},
	} {
		before := asked
		cut().Close()
		if asked == before {
			t.Errorf("%s did not ask the clock", name)
		}
	}
}

// Cut's snapshot and reader meet at one offset, whatever is written around them.
func TestCutMeetsTheStream(t *testing.T) {
	s := newStore(t, nil)
	const writers, writes = 4, 300
	done := make(chan bool)
	for range writers {
		go func() {
			for range writes {
				_, _ = s.DB(0).Incr("n", 1)
				_, _ = s.DB(0).Append("log", "x")
			}
			done <- true
		}()
	}
	cuts := 0
	for running := writers; running > 0; {
		select {
		case <-done:
			running--
		default:
			cutOnce(t, s)
			cuts++
		}
	}
	if cuts == 0 {
		cutOnce(t, s)
	}
}

// cutOnce loads a cut's data into a second store, applies the stream to a later
// cut's offset, and compares the two.
func cutOnce(t *testing.T, s *Store) {
	t.Helper()
	sn, r, err := s.Replication().Cut(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	later := s.Snapshot()
	defer later.Close()
	defer r.Close()
	if r.Position() != sn.History().Offset {
		t.Fatalf("reader at %d, snapshot at %d", r.Position(), sn.History().Offset)
	}
	n, a := loadStore(t, sn)
	var stream []byte
	for r.Position() < later.History().Offset {
		stream = append(stream, r.TryNext(int(later.History().Offset-r.Position()))...)
	}
	if err := apply(t, a, string(stream)); err != nil {
		t.Fatal(err)
	}
	if n.Digest() != later.Digest() {
		a, _ := n.DB(0).Get("n")
		b, _ := later.DB(0).Get("n")
		t.Fatalf("snapshot at %d and the stream to %d give n = %s, want %s", sn.History().Offset, later.History().Offset, a, b)
	}
	sn.Close()
}

// The stream holds a commit before its writer lets go of the lock: otherwise a
// later commit could overtake it, and a cut could miss it.
func TestEffectsAreAppendedBeforeTheUnlock(t *testing.T) {
	s := newStore(t, nil)
	offset, err := s.Update(func(tx *Tx) error { return tx.DB(0).Set("k", "v", 0) })
	if err != nil {
		t.Fatal(err)
	}
	if got := s.backlog.Offset(); got != offset || offset == 0 {
		t.Errorf("Update returned offset %d, the stream is at %d", offset, got)
	}
	// White box: finish is what appends, and runs with the lock held.
	s.mu.Lock()
	c := s.begin(0, client)
	r := c.x.ref("k")
	c.remove(r)
	c.effect(0, "DEL", "k")
	c.finish()
	got := s.backlog.Offset()
	s.mu.Unlock()
	if want := offset + int64(len(wire("DEL k"))); got != want {
		t.Errorf("before the unlock the stream is at %d, want %d", got, want)
	}
}
