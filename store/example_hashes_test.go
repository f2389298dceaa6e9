package store_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/understudy-go/understudy/store"
)

func ExampleDB_HSet() {
	db := store.New(nil).DB(0)
	added, err := db.HSet("user:1", "name", "Ada", "visits", "1")
	fmt.Println(added, err)
	visits, _ := db.HIncr("user:1", "visits", 1)
	name, _ := db.HGet("user:1", "name")
	fmt.Println(name, visits)
	done, _ := db.HSetNX("user:1", "name", "Grace")
	removed, _ := db.HDel("user:1", "visits", "nothing")
	all, _ := db.HGetAll("user:1")
	fmt.Println(done, removed, all)
	// Output:
	// 2 <nil>
	// Ada 2
	// false 1 map[name:Ada]
}

func ExampleDB_HMGet() {
	db := store.New(nil).DB(0)
	_, _ = db.HSet("h", "a", "1", "b", "2")
	values, err := db.HMGet("h", "b", "nothing")
	fmt.Println(values, err)
	// Output: [{2 true} { false}] <nil>
}

// A walk without a copy, however large the hash is. The loop may write to it.
func ExampleDB_HItems() {
	db := store.New(nil).DB(0)
	_, _ = db.HSet("stock", "apples", "3", "pears", "0", "plums", "0")
	items, err := db.HItems("stock")
	if err != nil {
		fmt.Println(err)
	}
	for fruit, n := range items {
		if n == "0" {
			_, _ = db.HDel("stock", fruit)
		}
	}
	left, _ := db.HKeys("stock")
	fmt.Println(slices.Collect(left))
	fmt.Println(slices.Sorted(maps.Keys(maps.Collect(items))))
	// Output:
	// [apples]
	// [apples pears plums]
}

func ExampleDB_HRandFieldN() {
	db := store.New(nil).DB(0)
	_, _ = db.HSet("h", "a", "1")
	different, _ := db.HRandFieldN("h", 2)
	repeated, _ := db.HRandFieldN("h", -2)
	fmt.Println(different, repeated)
	// Output: [{a 1}] [{a 1} {a 1}]
}
