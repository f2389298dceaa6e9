package store_test

import (
	"errors"
	"fmt"
	"io"
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
