package store_test

import (
	"fmt"

	"github.com/understudy-go/understudy/store"
)

func ExampleDB_ZAdd() {
	db := store.New(nil).DB(0)
	added, err := db.ZAdd("scores", store.Scored{Score: 7, Member: "ada"}, store.Scored{Score: 3, Member: "bob"})
	fmt.Println(added, err)
	sum, _ := db.ZIncr("scores", "bob", 5)
	rank, _ := db.ZRevRank("scores", "bob")
	fmt.Println(sum, rank)
	// Output:
	// 2 <nil>
	// 8 0
}

func ExampleDB_ZRange() {
	db := store.New(nil).DB(0)
	for i, name := range []string{"ada", "bob", "cy", "dee"} {
		_, _ = db.ZAdd("scores", store.Scored{Score: float64(10 * i), Member: name})
	}
	best := store.ByRank(0, 1)
	best.Reverse = true
	seq, _ := db.ZRange("scores", best)
	for name, score := range seq {
		fmt.Println(name, score)
	}
	middle := store.ByScore(0, 30)
	middle.MinOpen, middle.MaxOpen = true, true
	n, _ := db.ZCount("scores", middle)
	fmt.Println(n)
	// Output:
	// dee 30
	// cy 20
	// 2
}

// A queue in the order of deadlines.
func ExampleDB_ZPopMin() {
	db := store.New(nil).DB(0)
	_, _ = db.ZAdd("jobs", store.Scored{Score: 1700000300, Member: "later"}, store.Scored{Score: 1700000100, Member: "soon"})
	job, deadline, err := db.ZPopMin("jobs")
	fmt.Println(job, int(deadline), err)
	due, _ := db.ZRemRange("jobs", store.ByScore(0, 1700000200))
	left, _ := db.ZCard("jobs")
	fmt.Println(due, left)
	// Output:
	// soon 1700000100 <nil>
	// 0 1
}
