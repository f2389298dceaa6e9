package store_test

import (
	"context"
	"fmt"
	"time"

	"github.com/understudy-go/understudy/store"
)

// A log of events that keeps the last thousand, or some more.
func ExampleDB_XAdd() {
	at := time.UnixMilli(1_700_000_000_000)
	db := store.New(&store.Options{Clock: func() time.Time { return at }}).DB(0)
	id, err := db.XAdd("events", "kind", "login", "user", "ada")
	fmt.Println(id, err)
	keep := store.TrimToLen(1000)
	keep.Approx = true
	id, _, err = db.XAddWith("events", &store.XAddOptions{Trim: keep}, "kind", "logout", "user", "ada")
	fmt.Println(id, err)
	// Output:
	// 1700000000000-0 <nil>
	// 1700000000000-1 <nil>
}

// Everything since an instant, and the latest.
func ExampleDB_XRange() {
	db := store.New(nil).DB(0)
	for ms := range uint64(5) {
		_, _, _ = db.XAddWith("temperatures", &store.XAddOptions{ID: store.StreamID{Ms: 1000 * (ms + 1)}}, "celsius", fmt.Sprint(20+ms))
	}
	since, err := db.XRange("temperatures", store.StreamID{Ms: 3500}, store.MaxStreamID)
	for e := range since {
		celsius, _ := e.Get("celsius")
		fmt.Println(e.ID, celsius)
	}
	latest, _ := db.XRevRangeN("temperatures", store.MaxStreamID, store.StreamID{}, 1)
	fmt.Println(latest, err)
	// Output:
	// 4000-0 23
	// 5000-0 24
	// [{5000-0 [celsius 24]}] <nil>
}

// A reader that misses nothing: it asks for what is behind the last entry that it saw,
// and waits where there is nothing yet.
func ExampleDB_XRead() {
	db := store.New(nil).DB(0)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for last := (store.StreamID{}); ; {
			got, err := db.XRead(ctx, 100, store.StreamFrom{Key: "jobs", After: last})
			if err != nil {
				return
			}
			for _, e := range got[0].Entries {
				name, _ := e.Get("name")
				fmt.Println(name)
				if last = e.ID; name == "third" {
					cancel()
				}
			}
		}
	}()
	for _, name := range []string{"first", "second", "third"} {
		_, _ = db.XAdd("jobs", "name", name)
	}
	<-done
	// Output:
	// first
	// second
	// third
}
