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

// High scores: what is lower than the best of a player changes nothing.
func ExampleDB_ZAddWith() {
	db := store.New(nil).DB(0)
	best := &store.ZAddOptions{GT: true}
	for _, points := range []float64{10, 7, 12} {
		added, changed, err := db.ZAddWith("best", best, store.Scored{Score: points, Member: "ada"})
		fmt.Println(added, changed, err)
	}
	score, _ := db.ZScore("best", "ada")
	fmt.Println(score)
	// Output:
	// 1 0 <nil>
	// 0 0 <nil>
	// 0 1 <nil>
	// 12
}

func ExampleDB_ZUnion() {
	db := store.New(nil).DB(0)
	_, _ = db.ZAdd("may", store.Scored{Score: 3, Member: "ada"}, store.Scored{Score: 1, Member: "bob"})
	_, _ = db.ZAdd("june", store.Scored{Score: 4, Member: "bob"}, store.Scored{Score: 2, Member: "cy"})
	sums, _ := db.ZUnion(nil, "may", "june")
	fmt.Println(sums)
	both, _ := db.ZInter(&store.ZCombineOptions{Weights: []float64{10, 1}, Aggregate: store.AggregateMax}, "may", "june")
	fmt.Println(both)
	n, _ := db.ZUnionStore("summer", nil, "may", "june")
	fmt.Println(n)
	// Output:
	// [{2 cy} {3 ada} {5 bob}]
	// [{10 bob}]
	// 3
}

func ExampleDB_ZRangeStore() {
	db := store.New(nil).DB(0)
	_, _ = db.ZAdd("scores", store.Scored{Score: 1, Member: "ada"}, store.Scored{Score: 2, Member: "bob"}, store.Scored{Score: 3, Member: "cy"})
	best := store.ByRank(0, 1)
	best.Reverse = true
	n, err := db.ZRangeStore("best", "scores", best)
	key, items, _ := db.ZMPopMax(5, "nothing", "best")
	fmt.Println(n, err, key, items)
	// Output: 2 <nil> best [{3 cy} {2 bob}]
}
