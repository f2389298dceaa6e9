package store_test

import (
	"context"
	"fmt"

	"github.com/understudy-go/understudy/store"
)

// A queue: producers push on one side, consumers pop on the other.
func ExampleDB_RPush() {
	db := store.New(nil).DB(0)
	n, err := db.RPush("jobs", "first", "second")
	fmt.Println(n, err)
	job, err := db.LPop("jobs")
	fmt.Println(job, err)
	_, _ = db.LPop("jobs")
	_, err = db.LPop("jobs")
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// first <nil>
	// store: not found
}

// The latest events, and no more than that.
func ExampleDB_LTrim() {
	s := store.New(nil)
	for i := range 10 {
		_, _ = s.Update(func(tx *store.Tx) error {
			if _, err := tx.DB(0).LPush("events", fmt.Sprint("event ", i)); err != nil {
				return err
			}
			return tx.DB(0).LTrim("events", 0, 2)
		})
	}
	events, err := s.DB(0).LRange("events", 0, -1)
	fmt.Printf("%q %v\n", events, err)
	// Output: ["event 9" "event 8" "event 7"] <nil>
}

// A job that a consumer takes stands in a list of its own until it is done.
func ExampleDB_LMove() {
	db := store.New(nil).DB(0)
	_, _ = db.RPush("jobs", "a", "b")
	job, err := db.LMove("jobs", "working", store.Left, store.Right)
	fmt.Println(job, err)
	done, err := db.LRem("working", 1, job)
	fmt.Println(done, err)
	// Output:
	// a <nil>
	// 1 <nil>
}

func ExampleDB_LPos() {
	db := store.New(nil).DB(0)
	_, _ = db.RPush("l", "a", "b", "a", "c", "a")
	first, _ := db.LPos("l", "a", nil)
	last, _ := db.LPos("l", "a", &store.LPosOptions{Rank: -1})
	all, _ := db.LPos("l", "a", &store.LPosOptions{Count: -1})
	fmt.Println(first, last, all)
	// Output: [0] [4] [0 2 4]
}

// The loop may take its time, and may write to the list that it walks.
func ExampleDB_LItems() {
	db := store.New(nil).DB(0)
	_, _ = db.RPush("l", "a", "b", "c")
	items, err := db.LItems("l")
	if err != nil {
		fmt.Println(err)
	}
	for v := range items {
		_, _ = db.RPush("l", v+v)
	}
	all, _ := db.LRange("l", 0, -1)
	fmt.Println(all)
	// Output: [a b c aa bb cc]
}

func ExampleDB_LMPop() {
	db := store.New(nil).DB(0)
	_, _ = db.RPush("low", "d", "e", "f")
	for {
		from, jobs, err := db.LMPop(store.Left, 2, "high", "low")
		if len(jobs) == 0 {
			fmt.Println(err)
			break
		}
		fmt.Println(from, jobs)
	}
	// Output:
	// low [d e]
	// low [f]
	// <nil>
}

// Who waits for an element is served by the commit after the one that brought it.
func ExampleDB_BLPop() {
	db := store.New(nil).DB(0)
	go func() { _, _ = db.RPush("jobs", "first") }()
	key, job, err := db.BLPop(context.Background(), "urgent", "jobs")
	fmt.Println(key, job, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err = db.BLPop(ctx, "jobs")
	fmt.Println(err)
	// Output:
	// jobs first <nil>
	// context canceled
}
