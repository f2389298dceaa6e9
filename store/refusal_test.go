package store

import (
	"errors"
	"testing"
	"time"
)

// What each reason refuses, and what it lets through.
func TestRefusals(t *testing.T) {
	const noReplicas, sealed = "NOREPLICAS Not enough good replicas to write.", "TRYAGAIN The data is being handed over to another primary."
	for _, tc := range []struct {
		name         string
		set          func(Replication)
		write        error
		message      error
		sweeps       int
		exec, queued string // replies to EXEC of what was queued before, and to a write inside of a MULTI opened after
	}{
		{"nothing", func(Replication) {}, nil, nil, 1, "", "QUEUED"},
		{"barred", func(r Replication) { r.SetBarred(true) }, ErrNoReplicas, nil, 1,
			"EXECABORT Transaction discarded because of: " + noReplicas, noReplicas},
		{"sealed", func(r Replication) { r.Seal() }, ErrSealed, ErrSealed, 0, sealed, "QUEUED"},
		{"sealed and barred", func(r Replication) { r.Seal(); r.SetBarred(true) }, ErrSealed, ErrSealed, 0, sealed, noReplicas},
		{"unsealed", func(r Replication) { r.Seal(); r.Unseal() }, nil, nil, 1, "", "QUEUED"},
		{"demoted", func(r Replication) { r.Seal(); r.SetBarred(true); r.Demote() }, ErrReadOnly, nil, 0,
			"EXECABORT Transaction discarded because of: " + ErrReadOnly.text, ErrReadOnly.text},
		{"demoted and promoted", func(r Replication) { r.Seal(); r.SetBarred(true); r.Demote(); r.Promote() }, nil, nil, 1, "", "QUEUED"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now := time.Unix(1000, 0)
			s := New(&Options{Clock: func() time.Time { return now }})
			defer s.Close()
			db, c, later := s.DB(0), s.NewSession(nil), s.NewSession(nil)
			if err := db.Set("old", "v", time.Second); err != nil {
				t.Fatal(err)
			}
			now = now.Add(time.Minute)
			do(t, c, "MULTI")
			do(t, c, "INCR n")
			tc.set(s.Replication())
			offset := s.Replication().Backlog().Offset()

			_, update := s.Update(func(tx *Tx) error { return tx.DB(0).Set("k", "v", 0) })
			_, del := db.Do("DEL", "none")
			var pop error
			if tc.write != nil { // else it would wait
				_, _, pop = db.BLPop(t.Context(), "none")
			}
			for what, err := range map[string]error{"Set": db.Set("k", "v", 0), "Update": update, "DEL": del, "BLPop": pop} {
				if !errors.Is(err, tc.write) {
					t.Errorf("%s = %v, want %v", what, err, tc.write)
				}
			}
			if _, err := s.Publish("ch", "m"); !errors.Is(err, tc.message) {
				t.Errorf("Publish = %v, want %v", err, tc.message)
			}
			if n := s.Replication().Sweep(10); n != tc.sweeps {
				t.Errorf("Sweep = %d, want %d", n, tc.sweeps)
			}
			if v := c.Do(argv("EXEC")).Str; tc.exec != "" && v != tc.exec {
				t.Errorf("EXEC = %q, want %q", v, tc.exec)
			}
			do(t, later, "MULTI")
			if v := later.Do(argv("INCR", "n")).Str; v != tc.queued {
				t.Errorf("INCR in MULTI = %q, want %q", v, tc.queued)
			}
			s.Replication().Inject("PING")
			if is := s.Replication().Backlog().Offset(); errors.Is(tc.write, ErrSealed) && is != offset {
				t.Errorf("the stream went on from %d to %d", offset, is)
			}
			if v, err := db.Get("k"); (err == nil) != (tc.write == nil) {
				t.Errorf("k = %q, %v", v, err)
			}
		})
	}
}

// An EXEC that meets a sealed stream leaves its transaction as it was: the same EXEC runs it when the stream goes on.
func TestExecWaitsForTheSeal(t *testing.T) {
	s := New(nil)
	defer s.Close()
	c := s.NewSession(nil)
	for _, line := range []string{"WATCH w", "MULTI", "INCR n", "PUBLISH ch m"} {
		do(t, c, line)
	}
	if _, ok := s.Replication().Seal(); !ok {
		t.Fatal("a primary cannot be sealed")
	}
	for range 2 {
		if v := c.Do(argv("EXEC")).Str; v != ErrSealed.text || !c.InMulti() || c.Queued() != 2 {
			t.Fatalf("EXEC = %q, in MULTI %v, %d queued", v, c.InMulti(), c.Queued())
		}
	}
	s.Replication().Unseal()
	if v := c.Do(argv("EXEC")).String(); v != "[1 0]" {
		t.Errorf("EXEC = %q, want [1 0]", v)
	}
	if n, _ := s.DB(0).Get("n"); n != "1" {
		t.Errorf("n = %s, want 1", n)
	}
}
