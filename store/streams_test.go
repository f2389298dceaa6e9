package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/resp"
)

func TestStreamIDs(t *testing.T) {
	for text, want := range map[string]StreamID{
		"0-0": {}, "5": {5, 0}, "5-7": {5, 7}, "18446744073709551615-18446744073709551615": MaxStreamID, "007-01": {7, 1}, "+5": {5, 0}, " 5-+1": {5, 1},
	} {
		if id, err := ParseStreamID(text); err != nil || id != want {
			t.Errorf("%q = %v, %v, want %v", text, id, err, want)
		}
	}
	for _, text := range []string{"", "-", "+", "5-", "-5", "5-x", "x", "5-1-1", "18446744073709551616", "5-18446744073709551616", "5--1", "5 ", "0x5", "5-*"} {
		if id, err := ParseStreamID(text); err != ErrStreamID || id != (StreamID{}) {
			t.Errorf("%q = %v, %v", text, id, err)
		}
	}
	ids := []StreamID{{}, {0, 1}, {0, math.MaxUint64}, {1, 0}, {1, 1}, {math.MaxUint64, math.MaxUint64 - 1}, MaxStreamID}
	for i, a := range ids {
		for k, b := range ids {
			if got := a.Compare(b); got < 0 != (i < k) || got > 0 != (i > k) || a.before(b) != (i < k) {
				t.Errorf("%v and %v compare as %d", a, b, got)
			}
		}
		if next, ok := a.next(); ok != (a != MaxStreamID) || ok && !a.before(next) {
			t.Errorf("behind %v is %v, %v", a, next, ok)
		} else if back, _ := next.previous(); ok && back != a {
			t.Errorf("%v is behind %v, before that is %v", next, a, back)
		}
		if again, err := ParseStreamID(a.String()); err != nil || again != a {
			t.Errorf("%v is read as %v, %v", a, again, err)
		}
	}
}

// The IDs that entries get: of the time, as long as that goes forward.
func TestStreamIDsOfTime(t *testing.T) {
	clock := newClock()
	s := newStore(t, &Options{Clock: clock.now})
	db := s.DB(0)
	add := func(want string) {
		t.Helper()
		if id, err := db.XAdd("s", "f", "v"); err != nil || id.String() != want {
			t.Errorf("XAdd = %v, %v, want %s", id, err, want)
		}
	}
	add("1700000000000-0")
	add("1700000000000-1")
	clock.advance(-time.Hour)
	add("1700000000000-2")
	clock.advance(time.Hour + time.Millisecond)
	add("1700000000001-0")
	if _, err := db.Do("XSETID", "s", "1700000000001-18446744073709551615"); err != nil {
		t.Fatal(err)
	}
	add("1700000000002-0")
	if _, err := db.Do("XSETID", "s", MaxStreamID.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.XAdd("s", "f", "v"); err != ErrStreamFull {
		t.Errorf("behind the last ID: %v", err)
	}
	if _, err := db.XAdd("s"); err != errNoPairs {
		t.Errorf("without fields: %v", err)
	}
	if _, _, err := db.XAddWith("s", &XAddOptions{ID: StreamID{5, 5}}, "f", "v"); err != ErrStreamFull {
		t.Errorf("XAddWith = %v", err)
	}
	if _, added, err := db.XAddWith("none", &XAddOptions{IfThere: true}, "f", "v"); added || err != nil || db.Exists("none") {
		t.Errorf("XAddWith = %v, %v", added, err)
	}
	_ = db.Set("text", "v", 0)
	if _, err := db.XAdd("text", "f", "v"); err != ErrWrongType {
		t.Errorf("to a string: %v", err)
	}
}

// A primary's XADD and XTRIM are done as they say, whatever a client may not say.
func TestStreamOfOtherPrimaries(t *testing.T) {
	s, a := newReplica(t, nil)
	for i := range 150 {
		if err := apply(t, a, wire(fmt.Sprintf("XADD s MAXLEN = 300 LIMIT 10 %d-0 f v", i+1))); err != nil { // Redis: the limit stays beside the exact form
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		line  string
		left  int
		first string
	}{
		{"XTRIM s MAXLEN = 140 LIMIT 3", 140, "11-0"},
		{"XTRIM s MINID = 21-0 LIMIT 0", 130, "21-0"},
		{"XADD s NOMKSTREAM MINID = 31-0 151-0 f v", 121, "31-0"},
		{"XADD s KEEPREF MAXLEN = 100 152-0 f v", 100, "53-0"},
		{"XDEL s 53-0 999-0", 99, "54-0"},
		{"XSETID s 400-1 ENTRIESADDED 500 MAXDELETEDID 53-0", 99, "54-0"},
		{"XSETID s 400-1", 99, "54-0"},
		{"XTRIM s MAXLEN 0", 0, "0-0"},
		{"XADD s MAXLEN = 0 401-0 f v", 0, "0-0"},
	} {
		if err := apply(t, a, wire(tt.line)); err != nil {
			t.Fatalf("%s: %v", tt.line, err)
		}
		if info, err := s.DB(0).XInfo("s"); err != nil || info.Len != tt.left || info.First.String() != tt.first {
			t.Errorf("%s: %+v, %v, want %d from %s", tt.line, info, err, tt.left, tt.first)
		}
	}
	if info, _ := s.DB(0).XInfo("s"); info.Last != (StreamID{401, 0}) || info.Added != 501 || info.MaxDeleted != (StreamID{53, 0}) {
		t.Errorf("it remembers %+v", info)
	}
	if err := apply(t, a, wire("XADD s 5-0 f v")); !errors.As(err, new(*StreamError)) {
		t.Errorf("an ID that is not new ends the stream with %v", err)
	}
}

// Of Redis 7.0, whose XSETID may go back before what was deleted.
func TestStreamSetIDOfPrimary(t *testing.T) {
	s, a := newReplica(t, nil)
	for _, line := range []string{"XADD s 9-9 f v", "XDEL s 9-9", "XSETID s 5-9"} {
		if err := apply(t, a, wire(line)); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := s.DB(0).XInfo("s"); err != nil || info.Last != (StreamID{5, 9}) {
		t.Errorf("%+v, %v", info, err)
	}
	c := newStore(t, nil).NewSession(nil)
	do(t, c, "XADD s 9-9 f v")
	do(t, c, "XDEL s 9-9")
	if v := c.Do(argv("XSETID", "s", "5-9")); v.Str != errSetIDDeleted.Error() {
		t.Errorf("a client is told %s", v)
	}
}

// XRead returns what there is, waits for what comes, and ends with its context.
func TestStreamRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, nil)
		db := s.DB(1)
		_, _, _ = db.XAddWith("a", &XAddOptions{ID: StreamID{1, 1}}, "f", "v")
		_, _, _ = db.XAddWith("b", &XAddOptions{ID: StreamID{2, 0}}, "f", "w")
		if got, want := show(db.XRead(t.Context(), 0, StreamFrom{Key: "a"}, StreamFrom{Key: "none"}, StreamFrom{Key: "b"})),
			"[{a [{1-1 [f v]}]} {b [{2-0 [f w]}]}] <nil>"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		told := make(chan string)
		ask := func(from ...StreamFrom) { go func() { told <- show(db.XRead(t.Context(), 1, from...)) }() }
		ask(StreamFrom{Key: "a", New: true}, StreamFrom{Key: "b", New: true})
		ask(StreamFrom{Key: "b", After: StreamID{2, 5}})
		synctest.Wait()
		_, _ = s.Update(func(tx *Tx) error {
			for seq := range uint64(9) {
				if _, _, err := tx.DB(1).XAddWith("b", &XAddOptions{ID: StreamID{2, seq + 1}}, "f", "x"); err != nil {
					t.Error(err)
				}
			}
			return nil
		})
		want := map[string]bool{"[{b [{2-1 [f x]}]}] <nil>": true, "[{b [{2-6 [f x]}]}] <nil>": true}
		for range 2 {
			if got := <-told; !want[got] {
				t.Errorf("told %s", got)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := db.XRead(ctx, 0, StreamFrom{Key: "a", New: true}); err != context.DeadlineExceeded {
			t.Errorf("nothing in time: %v", err)
		}
		_ = db.Set("text", "v", 0)
		if _, err := db.XRead(t.Context(), 0, StreamFrom{Key: "text"}); err != ErrWrongType {
			t.Errorf("a string: %v", err)
		}
		if _, err := db.XRead(t.Context(), 0); err != errNoKeys {
			t.Errorf("no key to wait for: %v", err)
		}
		if len(s.mu.blocked.queues) != 0 {
			t.Errorf("%d queues are left", len(s.mu.blocked.queues))
		}
	})
}

// Readers may wait on a replica: for what the primary adds, and for what a load brings.
// They go on waiting when writes are forbidden, and end when the node changes its role.
func TestStreamReadOnReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a := newReplica(t, nil)
		s.Replication().SetWritable(true)
		first, second := waiting(t, s, "XREAD BLOCK 0 STREAMS q $"), waiting(t, s, "XREAD BLOCK 0 STREAMS loaded 0")
		s.Replication().SetWritable(false)
		if got := first.got(); got != "waits" {
			t.Errorf("told %s when writes were forbidden", got)
		}
		if err := apply(t, a, wire("XADD q 1-1 f v")); err != nil {
			t.Fatal(err)
		}
		if got := first.got(); got != `{"q" [["1-1" ["f" "v"]]]}` || s.Replication().History().Taint != "" {
			t.Errorf("told %s, taint %q", got, s.Replication().History().Taint)
		}
		from := newStore(t, nil)
		do(t, from.NewSession(nil), "XADD loaded 7-1 f v")
		var file bytes.Buffer
		if err := from.View(func(sn *Snapshot) error { return sn.WriteRDB(&file, nil) }); err != nil {
			t.Fatal(err)
		}
		l := s.Replication().NewLoader()
		if err := errors.Join(l.LoadRDB(&file), l.Commit(s.Replication().History())); err != nil {
			t.Fatal(err)
		}
		if got := second.got(); got != `{"loaded" [["7-1" ["f" "v"]]]}` {
			t.Errorf("told %s after a load", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, nil)
		w := waiting(t, s, "XREAD BLOCK 0 STREAMS q $")
		s.Replication().Demote()
		if got := w.got(); got != "-"+errDemoted.text {
			t.Errorf("told %s by a demotion", got)
		}
	})
}

// XREAD without BLOCK, or inside of a transaction, does not wait, and one that finds
// something takes no lock.
func TestStreamReadAtOnce(t *testing.T) {
	s := newStore(t, nil)
	c := s.NewSession(nil)
	do(t, c, "XADD s 1 f v")
	s.mu.Lock()
	for line, want := range map[string]string{
		"XREAD STREAMS s 1":             "(nil)",
		"XREAD STREAMS none $":          "(nil)",
		"XREAD BLOCK 0 STREAMS s 0":     `{"s" [["1-0" ["f" "v"]]]}`,
		"XREAD COUNT 0 STREAMS s 0":     `{"s" [["1-0" ["f" "v"]]]}`,
		"XREAD STREAMS s s 0 0-1":       `{"s" [["1-0" ["f" "v"]]] "s" [["1-0" ["f" "v"]]]}`,
		"XREAD BLOCK -1 STREAMS s 1":    "-ERR timeout is negative",
		"XREAD BLOCK x STREAMS s 1":     "-ERR timeout is not an integer or out of range",
		"XREAD COUNT x STREAMS s 1":     "-ERR value is not an integer or out of range",
		"XREAD COUNT 1 STREAMS":         "-ERR syntax error",
		"XREAD STREAMS s s 1":           "-ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.",
		"XREAD STREAMS s >":             "-ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
		"XREAD GROUP g c STREAMS s 0":   "-ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
		"XREAD NOACK STREAMS s 0":       "-ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
		"XREAD STREAMS s -":             "-" + ErrStreamID.text,
		"XREAD BLOCK 1 COUNT 1 COUNT 2": "-ERR syntax error",
	} {
		if got := c.Do(argv(strings.Fields(line)...)).String(); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
	s.mu.Unlock()
	for _, line := range []string{"MULTI", "XREAD BLOCK 0 STREAMS s 1", "XADD s 2 f v", "XREAD BLOCK 0 STREAMS s 1"} {
		do(t, c, line)
	}
	if got, want := do(t, c, "EXEC").String(), `[(nil) "2-0" {"s" [["2-0" ["f" "v"]]]}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What a snapshot alone holds of a stream is counted, and no more; what it holds is as it
// was, and the writer copies a few nodes and not the stream.
func TestStreamSnapshotIsCharged(t *testing.T) {
	const n = 20_000
	s := newStore(t, nil)
	db := s.DB(0)
	for i := range uint64(n) {
		_, _, _ = db.XAddWith("s", &XAddOptions{ID: StreamID{i + 1, 0}}, "field", strings.Repeat("v", 100))
	}
	all := streamBody(s.view.Load().gen.spaces[0].tab.Find(s.hash("s"), "s")).Bytes()
	sn := s.Snapshot()
	defer sn.Close()
	_, _ = db.XAdd("s", "f", "v")
	few := sn.Retained()
	if few > 10*64*streamItemCost {
		t.Errorf("after one entry %d bytes are retained, want a path of nodes", few)
	}
	if _, err := db.XDel("s", StreamID{n / 2, 0}); err != nil {
		t.Fatal(err)
	}
	if got := sn.Retained(); got < few+100 || got > few+20*64*streamItemCost {
		t.Errorf("after one deletion %d bytes are retained, before %d", got, few)
	}
	if _, err := db.XTrim("s", TrimToLen(n/2)); err != nil {
		t.Fatal(err)
	}
	if got := sn.Retained(); got < all/2 || got > all/2+all/10 {
		t.Errorf("after a trim to the half %d bytes are retained, of %d in all", got, all)
	}
	_, _ = db.Del("s")
	if got := sn.Retained(); got < all || got > all+all/10 {
		t.Errorf("after DEL %d bytes are retained, want %d", got, all)
	}
	if info, err := sn.DB(0).XInfo("s"); err != nil || info.Len != n || info.Last != (StreamID{n, 0}) {
		t.Errorf("the snapshot has %+v, %v", info, err)
	}
}

// The invariant: "log" holds an even number of entries in a row, the second of each two
// beside the first, and what the last says is their number.
func TestStreamReadersBesideAWriter(t *testing.T) {
	for _, n := range []uint64{40, 4000} {
		s := newStore(t, nil)
		next := uint64(1)
		pair := func(db writes) {
			for range 2 {
				_, _, _ = db.XAddWith("log", &XAddOptions{ID: StreamID{next, 0}}, "n", fmt.Sprint(next))
				next++
			}
		}
		for next < n {
			pair(s.DB(0).writes)
		}
		whole := func(entries []StreamEntry) error {
			if len(entries)%2 != 0 {
				return fmt.Errorf("%d entries", len(entries))
			}
			for i, e := range entries {
				if v, _ := e.Get("n"); v != fmt.Sprint(e.ID.Ms) || i > 0 && entries[i-1].ID.Ms+1 != e.ID.Ms {
					return fmt.Errorf("entry %d is %v", i, e)
				}
			}
			return nil
		}
		b := &bench{t: t, s: s}
		db := s.DB(0)
		b.read("XRange", func() error {
			seq, err := db.XRange("log", StreamID{}, MaxStreamID)
			var all []StreamEntry
			for e := range seq {
				all = append(all, e)
			}
			return firstError(err, whole(all))
		})
		b.read("the last", func() error {
			few, err := db.XRevRangeN("log", MaxStreamID, StreamID{}, 2)
			if len(few) != 2 || few[0].ID.Ms != few[1].ID.Ms+1 || few[0].ID.Ms%2 != 0 {
				return fmt.Errorf("%v, %v", few, err)
			}
			return err
		})
		b.read("XInfo", func() error {
			info, err := db.XInfo("log")
			if info.Len%2 != 0 || uint64(info.Len) != info.Last.Ms+1-info.First.Ms || info.Added != info.Last.Ms {
				return fmt.Errorf("%+v, %v", info, err)
			}
			return err
		})
		b.read("View", func() error {
			return s.View(func(sn *Snapshot) error {
				all, err := sn.DB(0).XRangeN("log", StreamID{}, MaxStreamID, math.MaxInt)
				return firstError(err, whole(all))
			})
		})
		b.writeBeside(fewer(1500, 500), func(i int) {
			_, err := s.Update(func(tx *Tx) error {
				pair(tx.DB(0).writes)
				switch i % 5 {
				case 0:
					_, _ = tx.DB(0).XTrim("log", TrimToLen(int(n)))
				case 1:
					_ = tx.DB(0).Rename("log", "away")
					_ = tx.DB(0).Rename("away", "log")
				case 2:
					next -= 2
					return errOnPurpose
				}
				return nil
			})
			if err != nil && err != errOnPurpose {
				t.Error(err)
			}
			if info, _ := db.XInfo("log"); info.Len > int(n)/2 {
				_, _ = db.XTrim("log", TrimToID(StreamID{info.First.Ms + 2, 0})) // a single slot
			}
		})
	}
}

// A file that does not say what is pending in whom is not loaded.
func TestLoaderRefusesStreams(t *testing.T) {
	id := rdb.StreamID{Ms: 1}
	for name, group := range map[string]func(e *rdb.Encoder){
		"a group twice": func(e *rdb.Encoder) { e.StreamGroup("g", id, 0, 0, 0); e.StreamGroup("g", id, 0, 0, 0) },
		"a consumer twice": func(e *rdb.Encoder) {
			e.StreamGroup("g", id, 0, 0, 2)
			e.StreamConsumer("c", 1, 1, 0)
			e.StreamConsumer("c", 1, 1, 0)
			e.StreamGroup("h", id, 0, 0, 0)
		},
		"pending twice": func(e *rdb.Encoder) {
			e.StreamGroup("g", id, 0, 2, 1)
			e.StreamPending(id, 1, 1)
			e.StreamPending(id, 1, 1)
			e.StreamConsumer("c", 1, 1, 1)
			e.StreamOwned(id)
			e.StreamGroup("h", id, 0, 0, 0)
		},
		"in no consumer": func(e *rdb.Encoder) {
			e.StreamGroup("g", id, 0, 1, 0)
			e.StreamPending(id, 1, 1)
			e.StreamGroup("h", id, 0, 0, 0)
		},
		"not pending": func(e *rdb.Encoder) {
			e.StreamGroup("g", id, 0, 0, 1)
			e.StreamConsumer("c", 1, 1, 1)
			e.StreamOwned(id)
			e.StreamGroup("h", id, 0, 0, 0)
		},
	} {
		b := encode(t, func(e *rdb.Encoder) {
			e.SelectDB(0)
			entries := func(yield func(rdb.StreamID, []string) bool) { yield(id, []string{"f", "v"}) }
			e.BeginStream("s", rdb.StreamState{Last: id, First: id, Added: 1, Groups: 2}, entries, 0)
			group(e)
		})
		err := newStore(t, nil).Replication().NewLoader().LoadRDB(bytes.NewReader(b))
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// XRANGE takes a count of 0 by the letter, and only of a stream that is there.
func TestStreamRangeWords(t *testing.T) {
	c := newStore(t, nil).NewSession(nil)
	for i := range 300 {
		do(t, c, fmt.Sprintf("XADD s %d f v", i+1))
	}
	for line, want := range map[string]string{
		"XRANGE s 3 4":             "2",
		"XRANGE s - +":             "300",
		"XRANGE s (3 (5":           "2", // 5 is 5-0 with all that follows in its millisecond, but for the last
		"XRANGE s - + COUNT 257":   "257",
		"XREVRANGE s + - COUNT 1":  "1",
		"XREVRANGE s + - COUNT -5": "(nil)",
		"XRANGE s - + COUNT 0":     "(nil)",
		"XRANGE none - + COUNT 0":  "0",
		"XRANGE s 9 3":             "0",
		"XRANGE s (- +":            "-" + ErrStreamID.text,
		"XRANGE s - (0-0":          "-ERR invalid end ID for the interval",
		"XRANGE s (18446744073709551615-18446744073709551615 +": "-ERR invalid start ID for the interval",
		"XRANGE s - + COUNT":      "-ERR syntax error",
		"XRANGE s - + LIMIT 1":    "-ERR syntax error",
		"XRANGE s - + COUNT x":    "-ERR value is not an integer or out of range",
		"XREVRANGE s 5 - COUNT 2": "2",
	} {
		v := c.Do(argv(strings.Fields(line)...))
		got := v.String()
		if v.Kind == resp.Array {
			got = fmt.Sprint(len(v.Elems))
		}
		if got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}
