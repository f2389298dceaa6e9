package store_test

import (
	"fmt"

	"github.com/understudy-go/understudy/store"
)

// Visitors of each day, of whom many come again: how many there were on both.
func ExampleDB_PFCount() {
	db := store.New(nil).DB(0)
	for i := range 10_000 {
		_, _ = db.PFAdd("monday", fmt.Sprint("visitor ", i))
		_, _ = db.PFAdd("tuesday", fmt.Sprint("visitor ", i+5000))
	}
	n, err := db.PFCount("monday")
	fmt.Println(n, err)
	n, _ = db.PFCount("monday", "tuesday") // of 15000
	fmt.Println(n)
	_ = db.PFMerge("week", "monday", "tuesday")
	n, _ = db.PFCount("week")
	bytes, _ := db.Strlen("week")
	fmt.Println(n, "in", bytes, "bytes")
	// Output:
	// 9988 <nil>
	// 14870
	// 14870 in 12304 bytes
}
