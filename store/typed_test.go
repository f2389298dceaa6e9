package store_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/store"
)

type price struct {
	Bid, Ask float64
	At       time.Time
	Tags     map[string]string
	Note     string `codec:"note,omitempty"`
}

func ExampleAs() {
	s := store.New(nil)
	prices := store.As(s.DB(0), "price:", store.MsgPack[price]())
	_ = prices.Set("EURUSD", price{Bid: 1.07, Ask: 1.08}, 0)
	p, err := prices.Get("EURUSD")
	fmt.Println(p.Bid, p.Ask, err)
	_, err = prices.Get("nothing")
	fmt.Println(err)
	// Output:
	// 1.07 1.08 <nil>
	// store: not found
}

func TestTyped(t *testing.T) {
	s := store.New(nil)
	prices := store.As[price](s.DB(0), "p:", nil)
	at := time.Unix(1700000000, 123456789).UTC()
	want := map[string]price{}
	for i := range 300 {
		id := fmt.Sprint(i)
		want[id] = price{Bid: float64(i), At: at, Tags: map[string]string{"i": id}, Note: id}
		if err := prices.Set(id, want[id], 0); err != nil {
			t.Fatal(err)
		}
	}
	_ = s.DB(0).Set("other", "x", 0)
	_, _ = s.DB(0).HSet("p:hash", "f", "v")
	n := 0
	for id, d := range prices.All() {
		w := want[id]
		if d.Err != nil || d.Value.Bid != w.Bid || !d.Value.At.Equal(at) || d.Value.Tags["i"] != id || d.Value.Note != id {
			t.Fatalf("All: %s = %+v, %v", id, d.Value, d.Err)
		}
		n++
	}
	if n != len(want) {
		t.Errorf("All yields %d values, want %d", n, len(want))
	}
	if ok, err := prices.Delete("7"); !ok || err != nil {
		t.Errorf("Delete = %v, %v", ok, err)
	}
	if _, err := prices.Get("7"); err != store.ErrNotFound {
		t.Errorf("after Delete: %v", err)
	}
	if _, err := prices.Get("hash"); err != store.ErrWrongType {
		t.Errorf("Get of a hash: %v", err)
	}
}

// Whatever is no whole value is a DecodeError that names the key, and the next
// Get is not disturbed by it.
func TestTypedBadValues(t *testing.T) {
	s := store.New(nil)
	prices := store.As[price](s.DB(0), "p:", nil)
	_ = prices.Set("good", price{Bid: 1, Note: "n"}, 0)
	good, _ := s.DB(0).Get("p:good")
	for _, tt := range []struct {
		text string
		is   error
	}{
		{good[:len(good)-1], io.ErrUnexpectedEOF},
		{good + "x", nil},
		{"", io.ErrUnexpectedEOF},
		{"\xff\xff", nil},
	} {
		_ = s.DB(0).Set("p:bad", tt.text, 0)
		v, err := prices.Get("bad")
		var de *store.DecodeError
		if !errors.As(err, &de) || de.Key != "p:bad" || tt.is != nil && !errors.Is(err, tt.is) {
			t.Errorf("%q: got %+v, %v, want a DecodeError of %v", tt.text, v, err, tt.is)
		}
		if p, err := prices.Get("good"); err != nil || p.Bid != 1 {
			t.Errorf("after %q: %+v, %v", tt.text, p, err)
		}
	}
}

func TestTTL(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	db := store.New(&store.Options{Clock: func() time.Time { return now }}).DB(0)
	if err := db.Set("k", "v", -1); err != store.ErrInvalidTTL || db.Exists("k") {
		t.Errorf("Set with a negative ttl: %v, key there: %v", err, db.Exists("k"))
	}
	if done, err := db.SetNX("k", "v", -time.Hour); err != store.ErrInvalidTTL || done {
		t.Errorf("SetNX with a negative ttl: %v, %v", done, err)
	}
	for ttl, want := range map[time.Duration]int64{1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, time.Second: 1000} {
		if err := db.Set("k", "v", ttl); err != nil {
			t.Fatal(err)
		}
		if at, ok := db.ExpireTime("k"); !ok || at.UnixMilli() != 1_000_000+want {
			t.Errorf("ttl %v: expires at %v, %v", ttl, at, ok)
		}
	}
}

// A walk that does not meet everything says so, once, in the end: what was met before is good, and a loop that has had enough hears nothing.
func TestTypedAllEnds(t *testing.T) {
	const keys = 64
	text := strings.Repeat("x", 1<<10)
	for _, tt := range []struct {
		name string
		walk func(s *store.Store, all func(body func(n int) bool))
		want error
		some bool // values came before the end
	}{
		{"whole", func(_ *store.Store, all func(func(int) bool)) { all(func(int) bool { return true }) }, nil, true},
		{"dropped", func(s *store.Store, all func(func(int) bool)) {
			all(func(n int) bool {
				for i := range keys {
					_ = s.DB(0).Set(fmt.Sprint("p:", i), "", 0)
				}
				return true
			})
		}, store.ErrSnapshotTooOld, true},
		{"dropped, and enough", func(s *store.Store, all func(func(int) bool)) {
			all(func(n int) bool {
				_ = s.DB(0).Flush()
				return false
			})
		}, nil, true},
		{"nested", func(s *store.Store, all func(func(int) bool)) {
			_, _ = s.Update(func(*store.Tx) error {
				all(func(int) bool { return true })
				return nil
			})
		}, store.ErrNested, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := store.New(&store.Options{SnapshotBudget: 16 << 10})
			for i := range keys {
				_ = s.DB(0).Set(fmt.Sprint("p:", i), text, 0)
			}
			var ends []error
			values := 0
			tt.walk(s, func(body func(n int) bool) {
				for id, d := range store.As[string](s.DB(0), "p:", verbatim{}).All() {
					switch {
					case len(ends) > 0:
						t.Errorf("%q comes after the end", id)
					case d.Err != nil && id == "":
						ends = append(ends, d.Err)
						continue
					case d.Err != nil || d.Value != text:
						t.Fatalf("%q: %d bytes, %v", id, len(d.Value), d.Err)
					}
					if values++; !body(values) {
						break
					}
				}
			})
			if (values > 0) != tt.some || tt.want == nil && len(ends) > 0 || tt.want != nil && (len(ends) != 1 || ends[0] != tt.want) {
				t.Errorf("%d values, then %v, want %v", values, ends, tt.want)
			}
			if n := s.Stats().Snapshots; n != 0 {
				t.Errorf("%d snapshots are open", n)
			}
		})
	}
	var last error
	for _, d := range store.As[string](store.New(nil).DB(99), "p:", verbatim{}).All() {
		last = d.Err
	}
	if last != store.ErrNoDatabase {
		t.Errorf("a database that is not there: %v", last)
	}
}

// verbatim is the codec of strings as they are.
type verbatim struct{}

func (verbatim) Append(b []byte, v *string) ([]byte, error) { return append(b, *v...), nil }
func (verbatim) Decode(text string, v *string) error        { *v = text; return nil }

// Inside of Update's closure there is no snapshot: View says so instead of showing an empty one.
func TestViewInUpdate(t *testing.T) {
	s := store.New(nil)
	_, err := s.Update(func(*store.Tx) error {
		return s.View(func(*store.Snapshot) error {
			t.Error("fn was run")
			return errors.New("its own error")
		})
	})
	if !errors.Is(err, store.ErrNested) {
		t.Errorf("View = %v, want %v", err, store.ErrNested)
	}
}

func TestNegativeOptions(t *testing.T) {
	if err := (&store.Options{WatchBytes: -1}).Validate(); err == nil || !strings.Contains(err.Error(), "WatchBytes") {
		t.Errorf("Validate = %v, want WatchBytes named", err)
	}
}

func TestSetRangeErrors(t *testing.T) {
	s := store.New(nil)
	_, _ = s.DB(0).HSet("h", "f", "v")
	for _, tt := range []struct {
		key    string
		offset int64
		want   string
	}{
		{"k", -1, "ERR offset is out of range"},
		{"k", 512 << 20, store.ErrTooLong.Error()},
		{"h", 0, store.ErrWrongType.Error()},
	} {
		_, err := s.DB(0).SetRange(tt.key, tt.offset, "v")
		var e *store.Error
		if !errors.As(err, &e) || e.Text() != tt.want {
			t.Errorf("SetRange(%s, %d) = %v, want %s", tt.key, tt.offset, err, tt.want)
		}
	}
}
