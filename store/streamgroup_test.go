package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/rdb"
)

// groupsApplied are forms in which a stream tells of groups, and what a replica knows
// then: XPENDING of g in full, and XINFO GROUPS. The stream begins with three entries.
var groupsApplied = []struct {
	name    string
	forms   string // by semicolons
	pending string
	groups  string
}{
	{"delivered", "XGROUP CREATE s g 0;XCLAIM s g ada 0 1-1 TIME 1600000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1;XGROUP SETID s g 1-1 ENTRIESREAD 1",
		"1-1 ada 1600000000000 1", "g 1 1 1-1 1 2"},
	// Redis 7.0 tells of what was read only with NOACK: the last ID comes with the claim.
	{"delivered by 7.0", "XGROUP CREATE s g 0;XCLAIM s g ada 0 2-1 TIME 1600000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 2-1", "2-1 ada 1600000000000 1", "g 1 1 2-1 -1 -1"},
	{"ahead of our clock", "XGROUP CREATE s g 0;XCLAIM s g ada 0 1-1 TIME 9999999999999 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1", "1-1 ada 9999999999999 1", "g 1 1 1-1 -1 2"},
	{"once more", "XGROUP CREATE s g 0;XCLAIM s g ada 0 1-1 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1;XCLAIM s g ada 0 1-1 TIME 9 RETRYCOUNT 2 FORCE JUSTID LASTID 1-1",
		"1-1 ada 9 2", "g 1 1 1-1 -1 2"},
	{"taken over", "XGROUP CREATE s g 0;XCLAIM s g ada 0 1-1 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1;XCLAIM s g bob 0 1-1 TIME 9 RETRYCOUNT 2 FORCE JUSTID LASTID 1-1",
		"1-1 bob 9 2", "g 2 1 1-1 -1 2"},
	{"acknowledged", "XGROUP CREATE s g 0;XCLAIM s g ada 0 1-1 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1;XACK s g 1-1", "", "g 1 0 1-1 -1 2"},
	{"claim of an entry that is gone", "XGROUP CREATE s g 0;XCLAIM s g ada 0 1-1 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1;XDEL s 1-1;" +
		"XCLAIM s g bob 0 1-1 TIME 9 RETRYCOUNT 2 FORCE JUSTID LASTID 3-1", "", "g 2 0 3-1 -1 0"},
	{"claim of one that never was", "XGROUP CREATE s g 0;XCLAIM s g ada 0 9-9 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1", "", "g 1 0 1-1 -1 2"},
	{"a consumer with nothing", "XGROUP CREATE s g $ MKSTREAM;XGROUP CREATECONSUMER s g ada", "", "g 1 0 3-1 -1 0"},
	{"a consumer that goes", "XGROUP CREATE s g 0;XCLAIM s g ada 0 1-1 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1;XGROUP DELCONSUMER s g ada", "", "g 0 0 1-1 -1 2"},
	{"a group that goes", "XGROUP CREATE s g 0;XGROUP CREATE s h 0 ENTRIESREAD 0;XGROUP DESTROY s g", "-NOGROUP No such key 's' or consumer group 'g'", "h 0 0 0-0 0 3"},
	{"without reading", "XGROUP CREATE s g 0;MULTI;XGROUP CREATECONSUMER s g ada;XGROUP SETID s g 3-1 ENTRIESREAD 3;EXEC", "", "g 1 0 3-1 3 0"},
}

func TestGroupFormsApply(t *testing.T) {
	for _, tt := range groupsApplied {
		t.Run(tt.name, func(t *testing.T) {
			s, a := newReplica(t, nil)
			if err := apply(t, a, wires(strings.Split("XADD s 1-1 f v;XADD s 2-1 f v;XADD s 3-1 f v;"+tt.forms, ";")...)); err != nil {
				t.Fatal(err)
			}
			if got := pendingText(s.DB(0).XPending("s", "g", nil)); got != tt.pending {
				t.Errorf("pending: %s, want %s", got, tt.pending)
			}
			var groups []string
			infos, err := s.DB(0).XInfoGroups("s")
			for _, g := range infos {
				groups = append(groups, fmt.Sprint(g.Name, " ", g.Consumers, " ", g.Pending, " ", g.Last, " ", g.Read, " ", g.Lag))
			}
			if got := strings.Join(groups, "; "); got != tt.groups || err != nil {
				t.Errorf("groups: %s, %v, want %s", got, err, tt.groups)
			}
		})
	}
}

func pendingText(list []PendingEntry, err error) string {
	if err != nil {
		return "-" + err.Error()
	}
	var lines []string
	for _, p := range list {
		lines = append(lines, fmt.Sprint(p.ID, " ", p.Consumer, " ", p.Delivered.UnixMilli(), " ", p.Count))
	}
	return strings.Join(lines, "; ")
}

// On a replica a consumer was last seen when the primary says that it got something: both
// say the same, whatever the replica's clock.
func TestConsumerTimesOfTheStream(t *testing.T) {
	s, a := newReplica(t, nil)
	if err := apply(t, a, wires("XADD s 1-1 f v", "XGROUP CREATE s g 0", "XCLAIM s g ada 0 1-1 TIME 1600000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1")); err != nil {
		t.Fatal(err)
	}
	at := time.UnixMilli(1600000000000)
	want := ConsumerInfo{Name: "ada", Pending: 1, Seen: at, Active: at}
	if got, err := s.DB(0).XInfoConsumers("s", "g"); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("XInfoConsumers = %v, %v, want %v", got, err, want)
	}
}

// The methods, in the order of a consumer's life.
func TestGroupMethods(t *testing.T) {
	clock := newClock()
	s := newStore(t, &Options{Clock: clock.now})
	db := s.DB(0)
	isNoGroup := func(what string, err error) {
		t.Helper()
		if e := (*Error)(nil); !errors.As(err, &e) || e.Code() != "NOGROUP" {
			t.Errorf("%s without a group: %v", what, err)
		}
	}
	_, err := db.XReadGroupNow("s", "g", "ada", nil)
	isNoGroup("XReadGroupNow", err)
	_, err = db.XPending("s", "g", nil)
	isNoGroup("XPending", err)
	_, err = db.XClaim("s", "g", "ada", nil, StreamID{1, 1})
	isNoGroup("XClaim", err)
	_, _, _, err = db.XAutoClaim("s", "g", "ada", nil)
	isNoGroup("XAutoClaim", err)
	isNoGroup("XGroupSetID", db.XGroupSetID("s", "g", nil))
	_, err = db.XInfoConsumers("s", "g")
	isNoGroup("XInfoConsumers", err)
	if _, err = db.XInfoGroups("s"); err != ErrNotFound {
		t.Errorf("XInfoGroups of no stream: %v", err)
	}
	if n, err := db.XAck("s", "g", StreamID{1, 1}); n != 0 || err != nil {
		t.Errorf("XAck of no stream = %d, %v", n, err)
	}
	if err := db.XGroupCreate("s", "g", &XGroupOptions{New: true}); err != nil {
		t.Fatal(err)
	}
	if err := db.XGroupCreate("s", "g", nil); err != ErrGroupExists {
		t.Errorf("a second time: %v", err)
	}
	var ids []StreamID
	for range 4 {
		id, err := db.XAdd("s", "f", "v")
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	got, err := db.XReadGroupNow("s", "g", "ada", &XReadGroupOptions{Count: 3})
	if err != nil || len(got) != 3 || got[2].ID != ids[2] {
		t.Fatalf("XReadGroupNow = %v, %v", got, err)
	}
	if _, err := db.XDel("s", ids[1]); err != nil {
		t.Fatal(err)
	}
	clock.advance(time.Minute)
	got, err = db.XReadPending("s", "g", "ada", ids[0], 0)
	if err != nil || len(got) != 2 || got[0].Fields != nil || got[1].Fields == nil {
		t.Errorf("XReadPending = %v, %v", got, err)
	}
	if n, err := db.XAck("s", "g", ids[0], ids[0]); n != 1 || err != nil {
		t.Errorf("XAck = %d, %v", n, err)
	}
	if got, err := db.XClaim("s", "g", "bob", &XClaimOptions{MinIdle: time.Second, Force: true}, ids[2], ids[3]); err != nil || len(got) != 1 || got[0].ID != ids[3] {
		t.Errorf("XClaim = %v, %v: one was delivered just now, the other never", got, err)
	}
	clock.advance(time.Minute)
	next, got, gone, err := db.XAutoClaim("s", "g", "bob", &XAutoClaimOptions{MinIdle: time.Second, Count: 2, JustID: true})
	if err != nil || next != ids[3] || len(got) != 1 || got[0].ID != ids[2] || got[0].Fields != nil || !slices.Equal(gone, []StreamID{ids[1]}) {
		t.Errorf("XAutoClaim = %v, %v, %v, %v", next, got, gone, err)
	}
	pending, err := db.XPending("s", "g", &XPendingOptions{Consumer: "bob"})
	if err != nil || len(pending) != 2 || pending[0].ID != ids[2] || pending[0].Count != 2 || pending[1].Count != 2 {
		t.Errorf("XPending = %v, %v", pending, err)
	}
	if pending, err = db.XPending("s", "g", &XPendingOptions{Last: ids[2], Count: 5, MinIdle: time.Hour}); err != nil || len(pending) != 0 {
		t.Errorf("XPending of the idle = %v, %v", pending, err)
	}
	if made, err := db.XGroupCreateConsumer("s", "g", "eve"); !made || err != nil {
		t.Errorf("XGroupCreateConsumer = %v, %v", made, err)
	}
	if n, err := db.XGroupDelConsumer("s", "g", "bob"); n != 2 || err != nil {
		t.Errorf("XGroupDelConsumer = %d, %v", n, err)
	}
	consumers, err := db.XInfoConsumers("s", "g")
	if err != nil || len(consumers) != 2 || consumers[0].Name != "ada" || !consumers[1].Active.IsZero() {
		t.Errorf("XInfoConsumers = %v, %v", consumers, err)
	}
	if err := db.XGroupSetID("s", "g", &XGroupOptions{After: ids[2]}); err != nil {
		t.Error(err)
	}
	err = s.View(func(v *Snapshot) error {
		groups, err := v.DB(0).XInfoGroups("s")
		if err != nil || len(groups) != 1 || groups[0].Last != ids[2] || groups[0].Pending != 0 {
			t.Errorf("XInfoGroups = %v, %v", groups, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if done, err := db.XGroupDestroy("s", "g"); !done || err != nil {
		t.Errorf("XGroupDestroy = %v, %v", done, err)
	}
	if done, err := db.XGroupDestroy("s", "g"); done || err != nil {
		t.Errorf("XGroupDestroy once more = %v, %v", done, err)
	}
}

// A snapshot that stays open, and consumers that go on, cost it what they change and not
// the size of what is pending.
func TestGroupsBesideASnapshot(t *testing.T) {
	const n = 20_000
	s := newStore(t, nil)
	db := s.DB(0)
	_, err := s.Update(func(tx *Tx) error {
		for range n {
			if _, err := tx.DB(0).XAdd("s", "f", "v"); err != nil {
				return err
			}
		}
		return tx.DB(0).XGroupCreate("s", "g", nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	all, err := db.XReadGroupNow("s", "g", "ada", nil)
	if err != nil || len(all) != n {
		t.Fatalf("%d entries, %v", len(all), err)
	}
	sn := s.Snapshot()
	defer sn.Close()
	for i := range 5 {
		if _, err := db.XAck("s", "g", all[i*1000].ID); err != nil {
			t.Fatal(err)
		}
	}
	if got := sn.Retained(); got == 0 || got > 200_000 {
		t.Errorf("five acknowledgements retain %d bytes beside %d pending entries", got, n)
	}
	if _, err := db.XGroupDestroy("s", "g"); err != nil {
		t.Fatal(err)
	}
	if got := sn.Retained(); got < n*streamPendingCost/2 {
		t.Errorf("a destroyed group of %d pending entries retains %d bytes", n, got)
	}
	if pending, err := sn.DB(0).XPending("s", "g", nil); err != nil || len(pending) != n {
		t.Errorf("the snapshot has %d pending entries, %v", len(pending), err)
	}
}

// A stream may say that it ever had as many entries as there are numbers. What a group read
// of it is unknown then: a number beyond them would end the stream of every replica.
func TestMoreEntriesThanNumbers(t *testing.T) {
	p := newStore(t, nil)
	c := p.NewSession(nil)
	f, a := follower(t, p, nil)
	for _, line := range []string{
		"XADD s 1-1 f v", "XSETID s 1-1 ENTRIESADDED 9223372036854775807", "XGROUP CREATE s new $", "XGROUP CREATE s all 0",
		"XGROUP CREATE s told 0 ENTRIESREAD 9223372036854775807", "XADD s 2-1 f v",
		"XREADGROUP GROUP new ada STREAMS s >", "XREADGROUP GROUP all ada STREAMS s >", "XREADGROUP GROUP told ada NOACK STREAMS s >",
	} {
		if v := do(t, c, line); v.AsError() != nil {
			t.Fatalf("%s = %v", line, v)
		}
	}
	infos, err := p.DB(0).XInfoGroups("s")
	for _, g := range infos {
		if g.Read != unknownRead || g.Last.String() != "2-1" {
			t.Errorf("group %s read %d entries, up to %v", g.Name, g.Read, g.Last)
		}
	}
	if err != nil || len(infos) != 3 {
		t.Fatalf("%d groups, %v", len(infos), err)
	}
	if err := apply(t, a, streamSince(t, p, 0)); err != nil {
		t.Fatal(err)
	}
	sameState(t, "follower", p, f)
}

// Counts that clients set as high as they go never run over into numbers that a replica
// refuses, or takes for none.
func TestGroupCountsAtTheirEnd(t *testing.T) {
	const most = "9223372036854775807"
	for _, script := range [][]string{
		{"XCLAIM s g c 0 1-1 RETRYCOUNT " + most, "XREADGROUP GROUP g c STREAMS s 0"},
		{"XCLAIM s g c 0 1-1 RETRYCOUNT " + most, "XCLAIM s g d 0 1-1", "XAUTOCLAIM s g c 0 0"},
		{"XGROUP SETID s g 1-1 ENTRIESREAD " + most, "XREADGROUP GROUP g c STREAMS s >"},
		{"XSETID s 1-3 ENTRIESADDED " + most, "XADD s 1-4 f v", "XADD s 1-5 f v", "XREADGROUP GROUP g c STREAMS s >"},
		{"XSETID s 1-3 ENTRIESADDED " + most, "XADD s 1-4 f v", "XGROUP SETID s g 1-3", "XREADGROUP GROUP g c NOACK STREAMS s >"},
	} {
		clock := newClock()
		s := newStore(t, &Options{Clock: clock.now})
		replica, a := newReplica(t, &Options{Clock: clock.now})
		for _, line := range append([]string{
			"XADD s 1-1 f v", "XADD s 1-2 f v", "XADD s 1-3 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g c COUNT 1 STREAMS s >",
		}, script...) {
			if _, err := s.DB(0).Do(strings.Fields(line)...); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
		if err := apply(t, a, streamSince(t, s, 0)); err != nil {
			t.Errorf("%q: %v", script, err)
			continue
		}
		want := groupState(t, s.DB(0).Do)
		if got := groupState(t, replica.DB(0).Do); got != want {
			t.Errorf("%q: the replica has\n%s\nwant %s", script, got, want)
		}
	}
}

// A file may state counts that no command would take: a replica is not told them.
func TestGroupCountsOfFile(t *testing.T) {
	first := rdb.StreamID{Ms: 1, Seq: 1}
	entries := func(yield func(rdb.StreamID, []string) bool) {
		_ = yield(first, []string{"f", "v"}) && yield(rdb.StreamID{Ms: 1, Seq: 2}, []string{"f", "v"})
	}
	bytes := encode(t, func(e *rdb.Encoder) {
		e.SelectDB(0)
		_ = e.BeginStream("s", rdb.StreamState{Last: rdb.StreamID{Ms: 1, Seq: 2}, First: first, Added: 1, Groups: 1}, entries, 0)
		_ = e.StreamGroup("g", first, -7, 1, 1)
		_ = e.StreamPending(first, 5, 1<<63+5)
		_ = e.StreamConsumer("c", 5, 5, 1)
		_ = e.StreamOwned(first)
	})
	s := load(t, bytes)
	sn := s.Snapshot()
	replica, a := loadStore(t, sn)
	_ = sn.Close()
	at := s.backlog.Offset()
	for _, line := range []string{"XREADGROUP GROUP g c STREAMS s 0", "XCLAIM s g c 0 9-9 LASTID 1-2", "XADD s 1-3 f v", "XREADGROUP GROUP g c STREAMS s >"} {
		if _, err := s.DB(0).Do(strings.Fields(line)...); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	if err := apply(t, a, streamSince(t, s, at)); err != nil {
		t.Fatal(err)
	}
	want := groupState(t, s.DB(0).Do)
	if got := groupState(t, replica.DB(0).Do); got != want {
		t.Errorf("the replica has\n%s\nwant %s", got, want)
	}
}
