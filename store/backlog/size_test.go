package backlog

import (
	"math"
	"testing"
)

// TestFree: nothing is kept while the stream goes on, until somebody comes for it.
func TestFree(t *testing.T) {
	b := at(0, 1<<20)
	b.Append(fill(500_000))
	old := mustReader(t, b, 400_000, 0, nil)
	id := string(b.History().ID)
	b.Free()
	if d := b.Check(id, 500_000); d.OK {
		t.Errorf("a follower of the history that was let go may continue: %v", d)
	}
	if err := old.Err(); err != ErrHistoryChanged {
		t.Errorf("reader of before: %v, want %v", err, ErrHistoryChanged)
	}
	for range 1000 {
		b.Append(fill(1000))
	}
	if m := b.Memory(); m > 2*minBlock {
		t.Errorf("a freed backlog holds %d bytes", m)
	}
	id = string(b.History().ID)
	for _, tt := range []struct {
		count int64
		want  Reason
	}{{1_499_999, Behind}, {1_500_000, Accepted}, {1_500_001, Ahead}} {
		if d := b.Check(id, tt.count); d.Reason != tt.want {
			t.Errorf("freed, at 1500000: Check(%d) = %v, want %v", tt.count, d, tt.want)
		}
	}
	if _, err := b.NewReader(1_499_999, 0, nil); err == nil || !b.Freed() {
		t.Errorf("a reader that was refused brought the backlog back: %v", err)
	}
	mustReader(t, b, 1_500_000, 0, nil).Close()
	b.Append(fill(100_000))
	if first, end := b.Window(); b.Freed() || first > 1_500_000 || end != 1_600_000 {
		t.Errorf("after a reader came: freed %v, window [%d, %d], want what was written since", b.Freed(), first, end)
	}
}

// TestFreedLasts: a change of the size waits until the backlog is back; so do Keep and Reset bring it back.
func TestFreedLasts(t *testing.T) {
	for name, back := range map[string]func(b *Backlog){
		"keep":  (*Backlog).Keep,
		"reset": func(b *Backlog) { b.Reset(History{ID: idB, Offset: b.Offset(), SecondaryLimit: -1}) },
	} {
		b := at(0, 1000)
		b.Free()
		b.SetSize(2000)
		b.Append(fill(3000))
		if first, end := b.Window(); first != end || b.Size() != 2000 {
			t.Errorf("%s: a freed backlog has window [%d, %d], size %d", name, first, end, b.Size())
		}
		back(b)
		b.Append(fill(3000))
		if first, end := b.Window(); end-first != 2000 {
			t.Errorf("%s: window [%d, %d], want 2000 bytes", name, first, end)
		}
	}
}

// TestSetLimitBoundary: a limit can be had down to the lag of that moment, and holds from then on.
func TestSetLimitBoundary(t *testing.T) {
	for _, tt := range []struct {
		limit int64
		want  error
		dies  int // bytes after which it is over the limit that it then has
	}{
		{99, ErrOverrun{100, 99}, 901},
		{100, nil, 1},
		{101, nil, 2},
		{2000, nil, 1901},
		{0, nil, math.MaxInt},
	} {
		b := at(0, 10)
		r := mustReader(t, b, 0, 1000, nil)
		b.Append(fill(100))
		if err := r.SetLimit(tt.limit); err != tt.want {
			t.Errorf("SetLimit(%d) at a lag of 100 = %v, want %v", tt.limit, err, tt.want)
		}
		n := min(tt.dies, 5000)
		b.Append(fill(n - 1))
		if err := r.Err(); err != nil {
			t.Errorf("limit %d: ended after %d bytes: %v", tt.limit, n-1, err)
		}
		b.Append(fill(1))
		if err := r.Err(); (err == nil) != (tt.dies == math.MaxInt) {
			t.Errorf("limit %d: %d bytes later: error %v", tt.limit, n, err)
		}
	}
}

func TestSetLimitAfterTheEnd(t *testing.T) {
	b := at(0, 10)
	r := mustReader(t, b, 0, 50, nil)
	b.Append(fill(51))
	if err := r.SetLimit(0); err != (ErrOverrun{51, 50}) {
		t.Errorf("SetLimit of an ended reader = %v, want why it ended", err)
	}
}

// TestCloneHasTheLimitOfNow: not the one that its original began with.
func TestCloneHasTheLimitOfNow(t *testing.T) {
	b := at(0, 10)
	r := mustReader(t, b, 0, 1000, nil)
	if err := r.SetLimit(50); err != nil {
		t.Fatal(err)
	}
	c, err := r.Clone(nil)
	if err != nil || c.Limit() != 50 {
		t.Fatalf("Clone: limit %d, %v, want 50", c.Limit(), err)
	}
	b.Append(fill(51))
	if c.Err() != (ErrOverrun{51, 50}) {
		t.Errorf("clone ended with %v", c.Err())
	}
}

// TestRetained: many readers at one place cost what one does, and the one furthest behind says how much.
func TestRetained(t *testing.T) {
	b := at(0, 64<<10)
	var readers []*Reader
	for range 20 {
		readers = append(readers, mustReader(t, b, 0, 0, nil))
	}
	for range 1000 {
		b.Append(fill(1000))
	}
	const most = 1_000_000 - 64<<10
	if n := b.Retained(); n < most-64<<10 || n > most {
		t.Errorf("twenty readers a million bytes behind retain %d bytes, want a block less than %d", n, most)
	}
	for i, r := range readers {
		before := b.Retained()
		r.Close()
		if after := b.Retained(); i < 19 && after != before || i == 19 && after != 0 {
			t.Errorf("%d readers left retain %d bytes, before %d", 19-i, after, before)
		}
	}
}
