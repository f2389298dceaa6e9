package backlog

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
)

// Three names for histories that no test gets at random.
var (
	idA = ID(strings.Repeat("a1", 20))
	idB = ID(strings.Repeat("b2", 20))
	idC = ID(strings.Repeat("c3", 20))
)

// at returns a backlog of history idA that holds nothing but stands at offset, with database 3 selected.
func at(offset, size int64) *Backlog {
	b := New(size)
	b.Reset(History{ID: idA, Offset: offset, SecondaryLimit: -1, StreamDB: 3})
	return b
}

func fill(n int) []byte { return bytes.Repeat([]byte{'x'}, n) }

func TestNewIsFresh(t *testing.T) {
	b := New(100)
	h := b.History()
	if _, err := ParseID(string(h.ID)); err != nil {
		t.Errorf("fresh ID: %v", err)
	}
	if want := (History{ID: h.ID, SecondaryLimit: -1, StreamDB: -1}); h != want {
		t.Errorf("New().History() = %+v, want %+v", h, want)
	}
}

// TestHistoryEvents has a row for each event that can happen to a history. "new" stands for an ID that was not
// there before.
func TestHistoryEvents(t *testing.T) {
	const fresh = ID("new")
	for _, tt := range []struct {
		name string
		do   func(b *Backlog)
		want History
	}{
		{"append counts bytes", func(b *Backlog) { b.Append(fill(7)) },
			History{ID: idA, Offset: 107, SecondaryLimit: -1, StreamDB: 3}},
		{"append of nothing", func(b *Backlog) { b.Append(nil) },
			History{ID: idA, Offset: 100, SecondaryLimit: -1, StreamDB: 3}},
		{"select", func(b *Backlog) { b.SetStreamDB(5) },
			History{ID: idA, Offset: 100, SecondaryLimit: -1, StreamDB: 5}},
		{"select unknown", func(b *Backlog) { b.SetStreamDB(-7) },
			History{ID: idA, Offset: 100, SecondaryLimit: -1, StreamDB: -1}},
		{"promotion", (*Backlog).ShiftHistory,
			History{ID: fresh, Offset: 100, Secondary: idA, SecondaryLimit: 100, StreamDB: -1}},
		{"promotion, then writes", func(b *Backlog) { b.ShiftHistory(); b.Append(fill(9)) },
			History{ID: fresh, Offset: 109, Secondary: idA, SecondaryLimit: 100, StreamDB: -1}},
		{"continue, same ID", func(b *Backlog) { b.AdoptID(idA) },
			History{ID: idA, Offset: 100, SecondaryLimit: -1, StreamDB: 3}},
		{"continue, same ID in upper case", func(b *Backlog) { b.AdoptID(ID(strings.ToUpper(string(idA)))) },
			History{ID: idA, Offset: 100, SecondaryLimit: -1, StreamDB: 3}},
		{"continue, new ID, database stays", func(b *Backlog) { b.AdoptID(idB) },
			History{ID: idB, Offset: 100, Secondary: idA, SecondaryLimit: 100, StreamDB: 3}},
		{"continue twice, only the last name is kept", func(b *Backlog) {
			b.AdoptID(idB)
			b.Append(fill(5))
			b.AdoptID(idC)
		}, History{ID: idC, Offset: 105, Secondary: idB, SecondaryLimit: 105, StreamDB: 3}},
		{"taint drops the secondary ID", func(b *Backlog) { b.AdoptID(idB); b.Taint("filter") },
			History{ID: idB, Offset: 100, SecondaryLimit: -1, StreamDB: 3, Taint: "filter"}},
		{"the first taint stays", func(b *Backlog) { b.Taint("filter"); b.Taint("skip") },
			History{ID: idA, Offset: 100, SecondaryLimit: -1, StreamDB: 3, Taint: "filter"}},
		{"taint without a reason", func(b *Backlog) { b.Taint("") },
			History{ID: idA, Offset: 100, SecondaryLimit: -1, StreamDB: 3, Taint: "unknown"}},
		{"tainted, continue with a new ID", func(b *Backlog) { b.Taint("filter"); b.AdoptID(idB) },
			History{ID: idB, Offset: 100, SecondaryLimit: -1, StreamDB: 3, Taint: "filter"}},
		{"tainted, promotion", func(b *Backlog) { b.Taint("filter"); b.ShiftHistory() },
			History{ID: fresh, Offset: 100, SecondaryLimit: -1, StreamDB: -1}},
		{"full sync", func(b *Backlog) {
			b.AdoptID(idB)
			b.Taint("filter")
			b.Reset(History{ID: idC, Offset: 40, SecondaryLimit: -1, StreamDB: 0})
		}, History{ID: idC, Offset: 40, SecondaryLimit: -1, StreamDB: 0}},
		{"restart with a remembered name", func(b *Backlog) {
			b.Reset(History{ID: idC, Offset: 40, Secondary: idA, SecondaryLimit: 40, StreamDB: -1})
		}, History{ID: idC, Offset: 40, Secondary: idA, SecondaryLimit: 40, StreamDB: -1}},
		{"reset, limit without a name", func(b *Backlog) { b.Reset(History{ID: idC, SecondaryLimit: 10}) },
			History{ID: idC, SecondaryLimit: -1}},
		{"reset, name without a limit", func(b *Backlog) { b.Reset(History{ID: idC, Secondary: idA, SecondaryLimit: -1}) },
			History{ID: idC, SecondaryLimit: -1}},
		{"reset, limit beyond the offset", func(b *Backlog) {
			b.Reset(History{ID: idC, Offset: 9, Secondary: idA, SecondaryLimit: 10})
		}, History{ID: idC, Offset: 9, Secondary: idA, SecondaryLimit: 9}},
		{"reset, tainted with a secondary ID", func(b *Backlog) {
			b.Reset(History{ID: idC, Offset: 9, Secondary: idA, SecondaryLimit: 9, Taint: "filter"})
		}, History{ID: idC, Offset: 9, SecondaryLimit: -1, Taint: "filter"}},
		{"reset, negative numbers", func(b *Backlog) { b.Reset(History{ID: idC, Offset: -9, SecondaryLimit: -9, StreamDB: -9}) },
			History{ID: idC, SecondaryLimit: -1, StreamDB: -1}},
		{"freed", func(b *Backlog) { b.AdoptID(idB); b.Free() },
			History{ID: fresh, Offset: 100, SecondaryLimit: -1, StreamDB: -1}},
		{"freed, then writes", func(b *Backlog) { b.Free(); b.Append(fill(9)) },
			History{ID: fresh, Offset: 109, SecondaryLimit: -1, StreamDB: -1}},
		{"a new name", func(b *Backlog) { b.AdoptID(idB); b.SetStreamDB(5); b.NewName() },
			History{ID: fresh, Offset: 100, SecondaryLimit: -1, StreamDB: 5}},
		{"a new name of a tainted history", func(b *Backlog) { b.Taint("filter"); b.NewName() },
			History{ID: fresh, Offset: 100, SecondaryLimit: -1, StreamDB: 3, Taint: "filter"}},
		{"reset without an ID, promotion", func(b *Backlog) { b.Reset(History{Offset: 9}); b.ShiftHistory() },
			History{ID: fresh, Offset: 9, SecondaryLimit: -1, StreamDB: -1}},
	} {
		b := at(100, 1000)
		tt.do(b)
		got := b.History()
		if tt.want.ID == fresh && got.ID != idA && len(got.ID) == IDLen {
			got.ID = fresh
		}
		if got != tt.want {
			t.Errorf("%s: History() = %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// TestCheckBoundaries looks at both sides of every boundary of the rule.
func TestCheckBoundaries(t *testing.T) {
	// 64 bytes of backlog at [136, 200]; the history was idB up to 150.
	plain := func() *Backlog {
		b := New(64)
		b.Reset(History{ID: idB, Offset: 100, SecondaryLimit: -1})
		b.Append(fill(50))
		b.AdoptID(idA)
		b.Append(fill(50))
		return b
	}
	tainted := func() *Backlog { b := plain(); b.Taint("filter"); return b }
	shifted := func() *Backlog { // the name was lost at 136 already: the limit is the first byte kept
		b := New(64)
		b.Reset(History{ID: idA, Offset: 200, Secondary: idB, SecondaryLimit: 199})
		return b
	}
	empty := func() *Backlog { return at(200, 64) }
	noID := func() *Backlog { b := New(64); b.Reset(History{Offset: 200}); return b }

	for _, tt := range []struct {
		name  string
		b     func() *Backlog
		id    ID
		count int64
		want  Reason
	}{
		{"first byte kept", plain, idA, 136, Accepted},
		{"one before", plain, idA, 135, Behind},
		{"one after the first", plain, idA, 137, Accepted},
		{"one before the end", plain, idA, 199, Accepted},
		{"end", plain, idA, 200, Accepted},
		{"end+1", plain, idA, 201, Ahead},
		{"upper case", plain, ID(strings.ToUpper(string(idA))), 200, Accepted},
		{"negative", plain, idA, -2, Behind},
		{"smallest", plain, idA, math.MinInt64, Behind},
		{"largest", plain, idA, math.MaxInt64, Ahead},
		{"secondary limit", plain, idB, 150, Accepted},
		{"secondary limit+1", plain, idB, 151, BeyondSecondary},
		{"secondary, end+1", plain, idB, 201, BeyondSecondary},
		{"secondary, first byte kept", plain, idB, 136, Accepted},
		{"secondary, one before", plain, idB, 135, Behind},
		{"secondary, upper case", plain, ID(strings.ToUpper(string(idB))), 150, Accepted},
		{"secondary within its limit but not retained", shifted, idB, 199, Behind},
		{"secondary beyond its limit, within the window", shifted, idB, 200, BeyondSecondary},
		{"question mark", plain, "?", -2, UnknownID},
		{"question mark in the window", plain, "?", 150, UnknownID},
		{"another ID", plain, idC, 150, UnknownID},
		{"prefix of the ID", plain, idA[:39], 150, UnknownID},
		{"empty ID", plain, "", 150, UnknownID},
		{"nobody matches an empty ID", noID, "", 200, UnknownID},
		{"empty window", empty, idA, 200, Accepted},
		{"empty window, one before", empty, idA, 199, Behind},
		{"empty window, one after", empty, idA, 201, Ahead},
		{"no secondary ID", empty, "", 200, UnknownID},
		{"tainted", tainted, idA, 200, Tainted},
		{"tainted, secondary", tainted, idB, 140, Tainted},
	} {
		b := tt.b()
		d := b.Check(string(tt.id), tt.count)
		if d.Reason != tt.want || d.OK != (tt.want == Accepted) {
			t.Errorf("%s: Check(%q, %d) = %+v, want %v", tt.name, tt.id, tt.count, d, tt.want)
		}
		if first, end := b.Window(); d.First != first || d.End != end || d.Count != tt.count {
			t.Errorf("%s: numbers %+v, want window [%d, %d]", tt.name, d, first, end)
		}
		r, d2, err := b.Resume(string(tt.id), tt.count, 0, nil)
		if d2 != d || err != nil || (r != nil) != d.OK {
			t.Errorf("%s: Resume = %v, %+v, %v, want the decision of Check", tt.name, r, d2, err)
		}
		if r != nil && r.Position() != tt.count {
			t.Errorf("%s: Resume at %d, want %d", tt.name, r.Position(), tt.count)
		}
	}
}

func TestDecisionNamesTheSecondaryID(t *testing.T) {
	b := at(10, 64)
	b.AdoptID(idB)
	if d := b.Check(string(idB), 10); d.Secondary {
		t.Errorf("Check(ID) = %+v, want Secondary false", d)
	}
	if d := b.Check(string(idA), 10); !d.Secondary || !d.OK {
		t.Errorf("Check(secondary ID) = %+v, want OK and Secondary", d)
	}
}

func TestDecisionString(t *testing.T) {
	for _, tt := range []struct {
		d    Decision
		want string
	}{
		{Decision{OK: true, Reason: Accepted}, "accepted"},
		{Decision{Reason: UnknownID}, "unknown replication ID"},
		{Decision{Reason: BeyondSecondary, Count: 9, SecondaryLimit: 8}, "beyond the secondary ID's limit: has 9 bytes, limit 8"},
		{Decision{Reason: Behind, Count: 1, First: 2, End: 5}, "behind the backlog: has 1 bytes, window [2, 5]"},
		{Decision{Reason: Ahead, Count: 6, First: 2, End: 5}, "ahead of the stream: has 6 bytes, window [2, 5]"},
		{Decision{Reason: Tainted, Taint: "filter"}, "tainted history: filter"},
		{Decision{Reason: 99}, "Reason(99)"},
	} {
		if got := tt.d.String(); got != tt.want {
			t.Errorf("%+v: String() = %q, want %q", tt.d, got, tt.want)
		}
	}
}

func TestNewReaderOutsideOfTheWindow(t *testing.T) {
	b := at(100, 64)
	b.Append(fill(100))
	for _, tt := range []struct {
		count int64
		want  error
	}{
		{135, ErrWindow{135, 136, 200}},
		{136, nil},
		{200, nil},
		{201, ErrWindow{201, 136, 200}},
	} {
		if _, err := b.NewReader(tt.count, 0, nil); !errors.Is(err, tt.want) {
			t.Errorf("NewReader(%d) error = %v, want %v", tt.count, err, tt.want)
		}
	}
}

// A decision names the history that was asked, so that whoever answers the follower need not ask again, when it may be another one.
func TestDecisionNamesTheHistory(t *testing.T) {
	b := at(5, 100)
	old := b.History().ID
	b.ShiftHistory()
	r, d, err := b.Resume(string(old), 5, 0, nil)
	if err != nil || !d.OK || !d.Secondary || d.ID == old || d.ID != b.History().ID {
		t.Errorf("decision %+v, %v; the history is %s", d, err, b.History().ID)
	}
	b.Reset(History{ID: NewID(), Offset: 5, SecondaryLimit: -1})
	if d.ID == b.History().ID || r.Err() != ErrHistoryChanged {
		t.Errorf("after a reset the decision names %s, the reader ended with %v", d.ID, r.Err())
	}
}
