package replication_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

const strangerID = "ffeeddccbbaa99887766554433221100ffeeddcc"

// keysOf returns n keys.
func keysOf(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprint("k", i)
	}
	return keys
}

// grantAs is grant under another ID.
func (p *peer) grantAs(id string, file []byte, offset int) string {
	req := p.shakeHands()
	p.say("+FULLRESYNC %s %d\r\n$EOF:%s\r\n%s%s", id, offset, wireMark, file, wireMark)
	return req
}

// tellID answers a client that asks for the replication ID.
func (p *peer) tellID(id string) {
	if c := p.command(); c != "INFO replication" {
		p.t.Errorf("asked %q, want INFO", c)
	}
	p.Write(resp.AppendBulk(nil, fmt.Sprintf("role:master\r\nmaster_replid:%s\r\nmaster_repl_offset:9\r\n", id)))
	p.hold()
}

// guarded starts a replica that holds 20 keys of (fakeID, 1000), and whose link then ended. What follows is up to scripts.
func guarded(t testing.TB, o *replication.ReplicaOptions, scripts ...func(p *peer)) *replication.Replica {
	t.Helper()
	first := func(p *peer) {
		p.grant(rdbOf(t, keysOf(20)...), 1000)
		p.command() // the first acknowledgement
	}
	f := newFakePrimary(t, append([]func(p *peer){first}, scripts...)...)
	r, _ := f.replica(o)
	if err := r.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func dbSize(t testing.TB, r *replication.Replica) string { return do(t, r.Store(), "DBSIZE") }

// TestGuardBoundaries offers a replica with 20 keys at offset 1000 other data sets: which are taken?
func TestGuardBoundaries(t *testing.T) {
	never := func(replication.Offer) bool { return false }
	always := func(replication.Offer) bool { return true }
	tests := []struct {
		name   string
		guard  replication.Guard
		id     string
		offset int
		keys   int
		held   replication.Reason // "" = taken
	}{
		{"empty, the same history", replication.Guard{}, fakeID, 5000, 0, replication.ReasonEmpty},
		{"empty, another history", replication.Guard{}, strangerID, 0, 0, replication.ReasonEmpty},
		{"empty, Least negative", replication.Guard{Least: -1, LeastFresh: -1}, strangerID, 0, 0, replication.ReasonEmpty},
		{"empty, off", replication.Guard{Off: true}, strangerID, 0, 0, ""},
		{"one less than a tenth", replication.Guard{}, fakeID, 5000, 1, replication.ReasonShrunk},
		{"a tenth", replication.Guard{}, fakeID, 5000, 2, ""},
		{"one less than half", replication.Guard{Least: 0.5}, fakeID, 5000, 9, replication.ReasonShrunk},
		{"half", replication.Guard{Least: 0.5}, fakeID, 5000, 10, ""},
		{"one key, Least negative", replication.Guard{Least: -1}, fakeID, 5000, 1, ""},
		{"fresh, less than nine tenths", replication.Guard{}, strangerID, 999, 17, replication.ReasonFresh},
		{"fresh, nine tenths", replication.Guard{}, strangerID, 999, 18, ""},
		{"another history, not younger", replication.Guard{}, strangerID, 1000, 17, ""},
		{"the same history, behind", replication.Guard{}, fakeID, 999, 17, ""},
		{"fresh and complete, none will do", replication.Guard{LeastFresh: 2}, strangerID, 999, 20, replication.ReasonFresh},
		{"fresh, LeastFresh negative", replication.Guard{LeastFresh: -1}, strangerID, 999, 2, ""},
		{"empty, Decide takes it", replication.Guard{Decide: always}, strangerID, 0, 0, ""},
		{"empty, Decide does not", replication.Guard{Decide: never}, strangerID, 0, 0, replication.ReasonEmpty},
		{"complete, Decide is not asked", replication.Guard{Decide: never}, fakeID, 5000, 20, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				file := rdbOf(t, keysOf(tt.keys)...)
				r := guarded(t, &replication.ReplicaOptions{Guard: tt.guard}, func(p *peer) {
					p.grantAs(tt.id, file, tt.offset)
					p.live()
				})
				time.Sleep(5 * time.Second)
				checkGuarded(t, r, tt.held, tt.id, tt.offset, tt.keys)
			})
		})
	}
}

func checkGuarded(t *testing.T, r *replication.Replica, held replication.Reason, id string, offset, keys int) {
	t.Helper()
	st := r.Status()
	if held == "" {
		if st.State != replication.Streaming || dbSize(t, r) != itoa(keys) || st.ID != id || st.Offer != nil {
			t.Fatalf("not taken: %v, %s keys of %s, offer %+v, %v", st.State, dbSize(t, r), st.ID, st.Offer, st.Err)
		}
		return
	}
	want := replication.Offer{
		Primary: "fake:6379", Reason: held, ID: id, Offset: int64(offset), Keys: int64(keys),
		HaveID: fakeID, HaveOffset: 1000, HaveKeys: 20,
	}
	if st.State != replication.Held || st.Offer == nil || *st.Offer != want {
		t.Fatalf("state %v, offer %+v, want %+v", st.State, st.Offer, want)
	}
	if dbSize(t, r) != "20" || get(r.Store(), "k7") != "v" || st.ID != fakeID || st.Offset != 1000 {
		t.Errorf("the data did not stay: %s keys of %s:%d", dbSize(t, r), st.ID, st.Offset)
	}
	var he *replication.HeldError
	if !errors.As(st.Err, &he) || he.Offer != want || replication.ReasonOf(st.Err) != held {
		t.Errorf("error %v", st.Err)
	}
	last := st.Recent[len(st.Recent)-1]
	if last.Kind != replication.SyncHeld || last.Reason != held || last.Offer == nil || *last.Offer != want {
		t.Errorf("last event %+v", last)
	}
}

// TestHeldUntilThePrimaryIsAnother lets a held replica ask: as long as the ID is the one refused, no payload is asked for.
func TestHeldUntilThePrimaryIsAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		r := guarded(t, nil,
			func(p *peer) { p.grantAs(strangerID, rdbOf(t), 7) },
			func(p *peer) { asked.Add(1); p.tellID(strangerID) },
			func(p *peer) { asked.Add(1); p.Close() }, // no answer is no reason either
			func(p *peer) { asked.Add(1); p.tellID(fakeID) },
			func(p *peer) { // the primary has its data back
				if req := p.shakeHands(); req != "PSYNC "+fakeID+" 1001" {
					t.Errorf("request %q", req)
				}
				p.say("+CONTINUE %s\r\n", fakeID)
				p.send("SELECT", "0")
				p.send("INCR", "n")
				p.live()
			},
		)
		time.Sleep(25 * time.Second)
		if st := r.Status(); st.State != replication.Held || asked.Load() != 2 {
			t.Fatalf("after two questions: %v, asked %d", st.State, asked.Load())
		}
		time.Sleep(10 * time.Second)
		if st := r.Status(); st.State != replication.Streaming || asked.Load() != 3 || get(r.Store(), "n") != "1" || dbSize(t, r) != "21" {
			t.Fatalf("not resumed: %v, asked %d, n = %q", st.State, asked.Load(), get(r.Store(), "n"))
		}
		if st := r.Status(); st.FullSyncs != 1 || st.PartialSyncs != 1 || st.Offer != nil {
			t.Errorf("%d full and %d partial resyncs, offer %v", st.FullSyncs, st.PartialSyncs, st.Offer)
		}
	})
}

// TestGuardSwitchedOff: a held link hears that there is no guard any more.
func TestGuardSwitchedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := guarded(t, &replication.ReplicaOptions{AllowReplicaOf: true},
			func(p *peer) { p.grantAs(strangerID, rdbOf(t), 7) },
			func(p *peer) { p.grantAs(strangerID, rdbOf(t, "one"), 30); p.live() },
		)
		p := clientOf(t, r)
		time.Sleep(5 * time.Second)
		p.send("CONFIG", "SET", "understudy-guard", "no")
		p.expect("+OK")
		time.Sleep(15 * time.Second)
		if st := r.Status(); st.State != replication.Streaming || dbSize(t, r) != "1" || st.Offer != nil {
			t.Errorf("%v, %s keys", st.State, dbSize(t, r))
		}
	})
}

// TestAcceptSync takes after all what is held: what the primary offers by then.
func TestAcceptSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var notes eventNotes
		o := &replication.ReplicaOptions{OnEvent: notes.add}
		r := guarded(t, o,
			func(p *peer) { p.grantAs(strangerID, rdbOf(t), 7) },
			func(p *peer) { p.grantAs(strangerID, rdbOf(t, "new"), 30); p.command() },
			func(p *peer) { p.grantAs(fakeID, rdbOf(t), 40) }, // consent was for one
			func(p *peer) { p.hold() },
		)
		if err := r.AcceptSync(t.Context()); !errors.Is(err, replication.ErrNotHeld) {
			t.Fatalf("AcceptSync with nothing held = %v", err)
		}
		time.Sleep(5 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.AcceptSync(ctx); err != nil {
			t.Error(err)
		}
		if dbSize(t, r) != "1" || get(r.Store(), "new") != "v" {
			t.Errorf("%s keys after AcceptSync", dbSize(t, r))
		}
		time.Sleep(5 * time.Second)
		if st := r.Status(); st.State != replication.Held || st.Offer.HaveKeys != 1 {
			t.Errorf("the second one: %v, %+v", st.State, st.Offer)
		}
		want := "1 syncing |2 resynced first-sync|3 link-lost peer-closed|4 syncing |5 sync-held empty-primary|6 sync-accepted |" +
			"7 syncing |8 resynced unknown-history|9 link-lost peer-closed|10 syncing |11 sync-held empty-primary"
		var kinds []string
		for _, e := range notes.list() {
			kinds = append(kinds, fmt.Sprint(e.Seq, e.Kind, " ", e.Reason))
		}
		if got := strings.Join(kinds, "|"); got != want {
			t.Errorf("events %s\nwant   %s", got, want)
		}
	})
}

// TestFollowIsConsent: whoever says at run time whom to follow has consented to the first resync, and to no later one.
func TestFollowIsConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := guarded(t, nil,
			func(p *peer) { p.hold() },
			func(p *peer) { p.grantAs(strangerID, rdbOf(t, "one"), 7); p.command() },
			func(p *peer) { p.grantAs(fakeID, rdbOf(t), 8) },
			func(p *peer) { p.hold() },
		)
		time.Sleep(time.Second)
		if err := r.Follow(t.Context(), "redis://fake:6379"); err != nil {
			t.Fatal(err)
		}
		if dbSize(t, r) != "1" {
			t.Errorf("%s keys after Follow", dbSize(t, r))
		}
		time.Sleep(5 * time.Second)
		if st := r.Status(); st.State != replication.Held || get(r.Store(), "one") != "v" {
			t.Errorf("the second resync: %v, one = %q", st.State, get(r.Store(), "one"))
		}
		if _, err := r.Promote(t.Context(), nil); err != nil { // a way out of Held
			t.Fatal(err)
		}
		do(t, r.Store(), "INCR", "n")
	})
}

// TestStartedBesideAnEmptyPrimary is a program that comes back with its data, and the primary without.
func TestStartedBesideAnEmptyPrimary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mine := store.New(nil)
		do(t, mine, "RPUSH", "list", "a", "b")
		f := newFakePrimary(t, func(p *peer) { p.grant(rdbOf(t), 0) }, func(p *peer) { p.hold() })
		_, err := replication.Connect(t.Context(), "redis://fake:6379", &replication.ReplicaOptions{Store: mine, Dial: f.net.Dial})
		var held *replication.HeldError
		if !errors.As(err, &held) || held.Offer.HaveKeys != 1 || held.Offer.Reason != replication.ReasonEmpty {
			t.Fatalf("Connect = %v", err)
		}
		if do(t, mine, "LLEN", "list") != "2" {
			t.Error("the data did not stay")
		}
	})
}

// TestOperatorDecides: tools repeat their orders, so that the same REPLICAOF once more is no consent. There are words for what an operator wants.
func TestOperatorDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := guarded(t, &replication.ReplicaOptions{AllowReplicaOf: true},
			func(p *peer) { p.grantAs(strangerID, rdbOf(t), 7) },
			func(p *peer) { p.grantAs(strangerID, rdbOf(t, "one"), 30); p.live() },
		)
		p := clientOf(t, r)
		time.Sleep(5 * time.Second)
		p.send("REPLICAOF", "fake", "6379")
		p.expect("+OK Already")
		time.Sleep(time.Second)
		if st := r.Status(); st.State != replication.Held || dbSize(t, r) != "20" {
			t.Errorf("after the same order: %v, %s keys", st.State, dbSize(t, r))
		}
		p.send("UNDERSTUDY", "ACCEPT")
		p.expect("+OK")
		time.Sleep(time.Second)
		if st := r.Status(); st.State != replication.Streaming || dbSize(t, r) != "1" {
			t.Errorf("%v, %s keys", st.State, dbSize(t, r))
		}
		if _, err := r.Primary(); !errors.Is(err, replication.ErrNotPrimary) {
			t.Errorf("Primary of a node that follows: %v", err)
		}
		p.send("UNDERSTUDY", "ACCEPT")
		p.expect("-ERR replication: no full resync is held")
		p.send("UNDERSTUDY", "RESTORE")
		p.expect("+OK")
		if st := r.Status(); st.Role != replication.RolePrimary || dbSize(t, r) != "20" || st.Secondary != fakeID {
			t.Errorf("restored: %v, %s keys, secondary %s", st.Role, dbSize(t, r), st.Secondary)
		}
		if p, err := r.Primary(); err != nil {
			t.Error(err)
		} else if _, err := p.Update(func(tx *store.Tx) error { return tx.DB(0).Set("k", "v", 0) }); err != nil {
			t.Error(err)
		}
		p.send("UNDERSTUDY", "RESTORE")
		p.expect("-ERR replication: the node is a primary")
	})
}

// TestRestoreFormer takes back what a full resync replaced: exactly, though the present data shares strings with it, and with the history by which a sibling goes on.
func TestRestoreFormer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := strings.Repeat("x", 500)
		first := store.New(nil)
		do(t, first, "SET", "same", long)
		do(t, first, "APPEND", "same", long) // has room behind it
		do(t, first, "RPUSH", "list", "a", "b")
		for i := range 600 {
			do(t, first, "SADD", "set", fmt.Sprint("member", i))
		}
		file := fileOf(t, first)
		do(t, first, "DEL", "list", "set")
		second := fileOf(t, first)
		f := newFakePrimary(t,
			func(p *peer) { p.grant(file, 1000); p.command() },
			func(p *peer) {
				p.grantAs(strangerID, second, 2000)
				p.send("SELECT", "0")
				p.send("APPEND", "same", "behind")
				p.send("INCR", "n")
				p.live()
			},
		)
		r, _ := f.replica(nil)
		if err := r.WaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := r.Store().Digest()
		time.Sleep(5 * time.Second)
		st := r.Status()
		if st.ID != strangerID || get(r.Store(), "n") != "1" {
			t.Fatalf("second resync: %s:%d", st.ID, st.Offset)
		}
		if st.Former == nil || st.Former.ID != fakeID || st.Former.Offset != 1000 || st.Former.Keys != 3 || st.Former.Bytes < 600*15 {
			t.Fatalf("former %+v", st.Former)
		}
		p, err := r.RestoreFormer(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Store().Digest(); got != before {
			t.Errorf("digest %s, was %s", got, before)
		}
		st = p.Status()
		if st.Role != replication.RolePrimary || st.ID == fakeID || st.Secondary != fakeID || st.SecondaryLimit != 1000 || st.Offset != 1000 || st.Former != nil {
			t.Errorf("status %+v", st)
		}
		do(t, p.Store(), "APPEND", "same", "more")
		if got := get(p.Store(), "same"); got != long+long+"more" {
			t.Errorf("APPEND after Restore: ...%q", got[len(got)-10:])
		}
		do(t, p.Store(), "RPUSH", "list", "c")
		if got := do(t, p.Store(), "LLEN", "list"); got != "3" {
			t.Errorf("LLEN = %s", got)
		}
		checkSibling(t, p)
	})
}

// checkSibling: a replica that has 1000 bytes of the old history continues.
func checkSibling(t *testing.T, p *replication.Primary) {
	t.Helper()
	sibling := clientOf(t, p)
	sibling.send("REPLCONF", "capa", "psync2")
	sibling.expect("+OK")
	sibling.send("PSYNC", fakeID, "1001")
	sibling.expect("+CONTINUE " + p.Status().ID)
}

func fileOf(t testing.TB, s *store.Store) []byte {
	t.Helper()
	var b strings.Builder
	if err := s.View(func(sn *store.Snapshot) error { return sn.WriteRDB(&b, nil) }); err != nil {
		t.Fatal(err)
	}
	return []byte(b.String())
}

// TestFormerIsLetGo by the clock, by a negative option, and by Close.
func TestFormerIsLetGo(t *testing.T) {
	for _, tt := range []struct {
		name          string
		retain, after time.Duration
		kept          bool
	}{
		{"within the default", 0, replication.DefaultRetainFormer - 10*time.Second, true},
		{"after the default", 0, replication.DefaultRetainFormer + 10*time.Second, false},
		{"after its time", time.Minute, 65 * time.Second, false},
		{"not at all", -1, 5 * time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := guarded(t, &replication.ReplicaOptions{RetainFormer: tt.retain}, func(p *peer) {
					p.grantAs(fakeID, rdbOf(t, keysOf(5)...), 5000)
					p.live()
				})
				time.Sleep(tt.after)
				if kept := r.Status().Former != nil; kept != tt.kept {
					t.Errorf("kept: %v", kept)
				}
				if _, err := r.RestoreFormer(t.Context(), nil); (err == nil) != tt.kept || err != nil && !errors.Is(err, replication.ErrNoFormer) {
					t.Errorf("RestoreFormer = %v", err)
				}
			})
		})
	}
}

// TestReasons drives a primary and replicas through what has a reason, and reads it where programs look: in the events of both sides.
func TestReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var notes eventNotes
		s := store.New(&store.Options{BacklogBytes: 100})
		p, err := replication.NewPrimary(s, &replication.PrimaryOptions{OnEvent: notes.add})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		for range 20 {
			do(t, s, "INCR", "n")
		}
		id, end := p.Status().ID, p.Offset()
		request := func(words ...string) *replication.Resync {
			t.Helper()
			c := clientOf(t, p)
			c.send(append([]string{"PSYNC"}, words...)...)
			synctest.Wait()
			c.Close()
			synctest.Wait()
			return lastResync(t, notes.list())
		}
		first := end - 100
		for _, tt := range []struct {
			words []string
			want  replication.Resync
		}{
			{[]string{"?", "-1"}, replication.Resync{Full: true, Reason: replication.ReasonFirst, ID: id, Offset: end, First: -1, End: -1, SecondaryLimit: -1}},
			{[]string{strangerID, "5"}, replication.Resync{Full: true, Reason: replication.ReasonUnknownID, AskedID: strangerID, AskedOffset: 4, ID: id, Offset: end, First: first, End: end, SecondaryLimit: -1}},
			{[]string{id, fmt.Sprint(first)}, replication.Resync{Full: true, Reason: replication.ReasonBehind, AskedID: id, AskedOffset: first - 1, ID: id, Offset: end, First: first, End: end, SecondaryLimit: -1}},
			{[]string{id, fmt.Sprint(first + 1)}, replication.Resync{AskedID: id, AskedOffset: first, ID: id, Offset: first, First: first, End: end, SecondaryLimit: -1}},
			{[]string{id, fmt.Sprint(end + 1)}, replication.Resync{AskedID: id, AskedOffset: end, ID: id, Offset: end, First: first, End: end, SecondaryLimit: -1}},
			{[]string{id, fmt.Sprint(end + 2)}, replication.Resync{Full: true, Reason: replication.ReasonAhead, AskedID: id, AskedOffset: end + 1, ID: id, Offset: end, First: first, End: end, SecondaryLimit: -1}},
		} {
			if got := request(tt.words...); *got != tt.want {
				t.Errorf("PSYNC %v: %+v\nwant %+v", tt.words, *got, tt.want)
			}
		}
		told := notes.list()
		for i, e := range told {
			if e.Seq != uint64(i+1) {
				t.Errorf("event %d has number %d", i, e.Seq)
			}
			if e.Kind == replication.ReplicaLost && e.Reason != replication.ReasonEOF && e.Reason != replication.ReasonNetwork {
				t.Errorf("a replica that closed was lost for %q: %v", e.Reason, e.Err)
			}
		}
		if recent := p.Status().Recent; !slices.EqualFunc(recent, told, func(a, b replication.Event) bool { return a.Seq == b.Seq }) {
			t.Errorf("%d recent events, %d told", len(recent), len(told))
		}
	})
}

// eventNotes collects what OnEvent is told, by several goroutines.
type eventNotes struct {
	mu   sync.Mutex
	told []replication.Event
}

func (n *eventNotes) add(e replication.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.told = append(n.told, e)
}

func (n *eventNotes) list() []replication.Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.told)
}

func lastResync(t testing.TB, told []replication.Event) *replication.Resync {
	t.Helper()
	for _, e := range slices.Backward(told) {
		if e.Kind == replication.ReplicaResynced {
			return e.Resync
		}
	}
	t.Fatal("no resync was told")
	return nil
}
