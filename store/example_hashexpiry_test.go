package store_test

import (
	"fmt"
	"time"

	"github.com/understudy-go/understudy/store"
)

// A session of which parts live for different times: fields of one hash, each with its own
// deadline.
func ExampleDB_HSetEx() {
	db := store.New(nil).DB(0)
	_, _ = db.HSet("session:1", "user", "ada")
	_, _ = db.HSetEx("session:1", &store.HSetExOptions{TTL: 15 * time.Minute}, "token", "s3cret", "cart", "7")
	_, _ = db.HExpire("session:1", time.Now().Add(24*time.Hour), "cart")
	_, _ = db.HExpire("session:1", time.Now().Add(-time.Second), "token") // now
	for _, field := range []string{"user", "token", "cart"} {
		there, _ := db.HExists("session:1", field)
		left, expires, _ := db.HTTL("session:1", field)
		fmt.Println(field, there, expires, left.Round(time.Hour))
	}
	// Output:
	// user true false 0s
	// token false false 0s
	// cart true true 24h0m0s
}
