package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/store/internal/table"
)

// fieldStores are two stores with hashes of either form, in which each field f0 to f9 expires
// one second later than the one before: a primary, and one that has applied its stream.
func fieldStores(t *testing.T) (clock *fakeClock, p, r *Store, a *Applier) {
	t.Helper()
	clock = newClock()
	o := &Options{Clock: clock.now}
	p = newStore(t, o)
	r, a = follower(t, p, o)
	for _, key := range []string{"small", "big"} {
		for i := range 10 {
			_, _ = p.DB(0).HSetEx(key, &HSetExOptions{TTL: time.Duration(10-i) * time.Second}, fmt.Sprint("f", 9-i), "v")
		}
	}
	_, _ = p.DB(0).HSet("big", "long", strings.Repeat("x", smallHashBytes+1))
	if err := apply(t, a, streamSince(t, p, 0)); err != nil {
		t.Fatal(err)
	}
	return clock, p, r, a
}

// A primary removes one field a step, the earliest first, whatever the hash, and the key
// with the last of its fields.
func TestSweepOfFields(t *testing.T) {
	clock, p, r, a := fieldStores(t)
	at := p.backlog.Offset()
	if n := p.Replication().Sweep(100); n != 0 {
		t.Fatalf("Sweep = %d before the first deadline", n)
	}
	clock.advance(2*time.Second + time.Millisecond)
	if n := p.Replication().Sweep(3); n != 3 {
		t.Fatalf("Sweep(3) = %d", n)
	}
	want := []string{"HDEL big f0", "HDEL small f0", "HDEL big f1"}
	if got := streamLines(t, streamSince(t, p, at)); !slices.Equal(got, want) {
		t.Errorf("stream %q, want %q", got, want)
	}
	if n, _ := p.DB(0).HLen("small"); n != 9 {
		t.Errorf("HLen = %d, want the field that is not swept yet to count", n)
	}
	clock.advance(time.Hour)
	if n := p.Replication().Sweep(100); n != 17 {
		t.Errorf("Sweep = %d, want all other 17", n)
	}
	if n, _ := p.DB(0).HLen("big"); p.DB(0).Exists("small") || n != 1 {
		t.Errorf("the key whose fields are all gone is there, or of the other not one field: %d", n)
	}
	if n := p.DB(0).s.view.Load().gen.spaces[0].hashes.len(); n != 0 {
		t.Errorf("the index has %d hashes", n)
	}
	if err := apply(t, a, streamSince(t, p, at)); err != nil {
		t.Fatal(err)
	}
	sameState(t, "replica", p, r)
}

// A replica hides fields past their deadline and keeps them; what the stream does to them
// it does as if they were alive. Promoted, it has all it needs to remove them.
func TestFieldsOnAReplica(t *testing.T) {
	clock, _, r, a := fieldStores(t)
	clock.advance(5*time.Second + time.Millisecond)
	all, err := r.DB(0).HGetAll("small")
	if len(all) != 5 || err != nil {
		t.Errorf("HGetAll = %v, %v", all, err)
	}
	if n, _ := r.DB(0).HLen("small"); n != 10 {
		t.Errorf("HLen = %d, want 10: nothing was swept", n)
	}
	if n := r.Replication().Sweep(100); n != 0 {
		t.Errorf("Sweep of a replica = %d", n)
	}
	// Past for the replica's clock, but the primary had found it to be there.
	if err := apply(t, a, wire("HINCRBY small f0n 1")+wire("HPEXPIREAT small 1700000000500 FIELDS 1 f0n")+wire("HINCRBY small f0n 1")); err != nil {
		t.Fatal(err)
	}
	e := r.find(0, r.hash("small"), "small")
	if f, ok := datedGet(e.Text(), "f0n"); !ok || f != (dated{"f0n", "2", 1700000000500}) {
		t.Errorf("after the stream f0n is %+v, %v", f, ok)
	}
	r.Replication().Promote()
	if n := r.Replication().Sweep(100); n != 11 {
		t.Errorf("Sweep after the promotion = %d, want 11", n)
	}
	if n, _ := r.DB(0).HLen("big"); n != 6 {
		t.Errorf("HLen = %d, want 6", n)
	}
}

// Fields without deadlines cost nothing for the others': neither a byte of a small hash, nor
// anything beside the table of a large one.
func TestHashesWithoutDeadlines(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	_, _ = db.HSet("small", "f", "v")
	_, _ = db.HSet("big", "f", strings.Repeat("x", smallHashBytes+1))
	for _, key := range []string{"small", "big"} {
		_, _ = db.HPersist(key, "f")
		_, _ = db.HGetEx(key, nil, "f")
		_, _ = db.HSetEx(key, &HSetExOptions{KeepTTL: true}, "g", "v")
	}
	small, big := s.find(0, s.hash("small"), "small"), s.find(0, s.hash("big"), "big")
	if want := newSmallHash(0, "small", "\x02\x01f\x01v\x01g\x01v", 0); small.Size() != want.Size() || small.Kind() != table.SmallHash {
		t.Errorf("a small hash takes %d bytes, want %d", small.Size(), want.Size())
	}
	if big.Fields().Beside() != nil {
		t.Errorf("a large hash has an index")
	}
	if ks := s.view.Load().gen.spaces[0]; ks.hashes.tree != nil {
		t.Errorf("the database has an index of hashes")
	}
	if sn := s.Snapshot(); sn.fieldTimes {
		t.Errorf("a snapshot says that fields have deadlines")
	}
}

// A snapshot's time is its cut: what had not expired then stays, in reads and in files.
func TestSnapshotOfFields(t *testing.T) {
	clock, p, _, _ := fieldStores(t)
	clock.advance(3*time.Second + time.Millisecond)
	sn := p.Snapshot()
	defer sn.Close()
	clock.advance(time.Hour)
	p.Replication().Sweep(100)
	for _, key := range []string{"small", "big"} {
		all, err := sn.DB(0).HGetAll(key)
		if _, had := all["f3"]; !had || err != nil || len(all) < 7 {
			t.Errorf("%s at the cut: %v, %v", key, all, err)
		}
		if left, ok, _ := sn.DB(0).HTTL(key, "f3"); !ok || left != 999*time.Millisecond {
			t.Errorf("HTTL %s f3 = %v, %v", key, left, ok)
		}
	}
}

// A file that has deadlines of fields is of the first version that can hold them; one of an
// older version is refused unless they are to be left out.
func TestVersionOfAFileWithFieldDeadlines(t *testing.T) {
	_, p, _, _ := fieldStores(t)
	sn := p.Snapshot()
	defer sn.Close()
	for _, tt := range []struct {
		o    *WriteOptions
		want string
	}{
		{nil, "REDIS0012"},
		{&WriteOptions{NoKeys: true}, "REDIS0009"},
		{&WriteOptions{NoFieldDeadlines: true}, "REDIS0009"},
		{&WriteOptions{Version: 11, NoFieldDeadlines: true}, "REDIS0011"},
		{&WriteOptions{Version: 12, NoFieldDeadlines: true}, "REDIS0012"},
		{&WriteOptions{FieldVersion: 80}, "VALKEY080"},
		{&WriteOptions{FieldVersion: 80, NoKeys: true}, "REDIS0009"},
		{&WriteOptions{Version: 11}, ""},
	} {
		var b strings.Builder
		err := sn.WriteRDB(&b, tt.o)
		if (err == nil) != (tt.want != "") || !strings.HasPrefix(b.String(), tt.want) {
			t.Errorf("%+v: %.9q, %v, want %s", tt.o, b.String(), err, tt.want)
		}
	}
}

// A field that goes by its deadline makes an event, and the key one more with the last.
func TestExpiredFieldEvents(t *testing.T) {
	clock := newClock()
	s := newStore(t, &Options{Clock: clock.now})
	_, _ = s.DB(0).HSetEx("h", &HSetExOptions{TTL: time.Second}, "a", "1", "b", "2", "c", "3")
	all, _ := ParseEvents("EA")
	s.SetEvents(all)
	sub := s.NewSubscriber(nil)
	sub.Subscribe(ViaPattern, "__key*")
	clock.advance(time.Minute)
	do(t, s.NewSession(nil), "HINCRBY h c 1")
	if got := eventsOf(t, sub); got != "hexpired:h hincrby:h" {
		t.Errorf("met: %q", got)
	}
	do(t, s.NewSession(nil), "HDEL h c")
	s.Replication().Sweep(10)
	if got := eventsOf(t, sub); got != "hdel:h hexpired:h hexpired:h del:h" {
		t.Errorf("swept: %q", got)
	}
}

// Who watches changes learns that a deadline did it.
func TestWatchOfExpiredFields(t *testing.T) {
	clock, p, _, _ := fieldStores(t)
	w := p.Watch(Filter{})
	defer w.Close()
	clock.advance(time.Second + time.Millisecond)
	p.Replication().Sweep(10)
	for range 2 {
		c, err := w.Next(t.Context())
		if err != nil || c.Cause != ByDeadline {
			t.Errorf("change of %q, because of %v, %v", c.Key, c.Cause, err)
		}
	}
}

func TestFieldReplies(t *testing.T) { runReplies(t, "testdata/hashexpiry.txt") }
