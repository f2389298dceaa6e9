package store_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/understudy-go/understudy/store"
)

func ExampleDB_Keys() {
	db := store.New(nil).DB(0)
	_ = db.MSet("user:1", "ada", "user:2", "bob", "n", "1")
	for key, kind := range db.Keys() {
		if store.Match("user:*", key) {
			n, _ := db.Del(key) // the loop may write
			fmt.Println(kind, n)
		}
	}
	fmt.Println(db.Len(), db.Exists("n"))
	// Output:
	// string 1
	// string 1
	// 1 true
}

func ExampleDB_Rename() {
	db := store.New(nil).DB(0)
	_, _ = db.SAdd("next", "a", "b")
	_, _ = db.SAdd("current", "z")
	done, err := db.RenameNX("next", "current")
	fmt.Println(done, err)
	fmt.Println(db.Rename("next", "current"))
	fmt.Println(db.Rename("next", "current"))
	// Output:
	// false <nil>
	// <nil>
	// ERR no such key
}

func ExampleDB_Copy() {
	db := store.New(nil).DB(0)
	_, _ = db.RPush("l", "a", "b")
	done, err := db.Copy("l", "m", false)
	fmt.Println(done, err)
	done, err = db.CopyTo("l", "l", 1, true)
	fmt.Println(done, err)
	// Output:
	// true <nil>
	// true <nil>
}

// A deadline that is only ever put off.
func ExampleDB_ExpireWith() {
	db := store.New(nil).DB(0)
	_ = db.Set("lease", "ada", time.Hour)
	later := &store.ExpireOptions{GT: true}
	done, _ := db.ExpireWith("lease", time.Now().Add(time.Minute), later)
	fmt.Println(done)
	done, _ = db.ExpireWith("lease", time.Now().Add(2*time.Hour), later)
	left, _ := db.TTL("lease")
	fmt.Println(done, left > time.Hour)
	// Output:
	// false
	// true true
}

func ExampleDB_Sort() {
	db := store.New(nil).DB(0)
	_, _ = db.SAdd("friends", "7", "12", "9")
	_ = db.MSet("age:7", "30", "age:12", "25", "age:9", "41", "name:7", "Ada", "name:12", "Bob", "name:9", "Cy")
	youngest := &store.SortOptions{By: "age:*", Get: []string{"name:*"}, Limit: 2}
	names, err := db.Sort("friends", youngest)
	fmt.Println(names, err)
	n, err := db.SortStore("by age", "friends", &store.SortOptions{By: "age:*"})
	ids, _ := db.LRange("by age", 0, -1)
	fmt.Println(n, err, ids)
	// Output:
	// [{Bob true} {Ada true}] <nil>
	// 3 <nil> [12 7 9]
}

// Reads and writes under a condition: the keys are still what they were.
func ExampleDB_Guard() {
	s := store.New(nil)
	db := s.DB(0)
	_ = db.Set("stock", "1", 0)
	g := db.Guard("stock")
	n, _ := db.Get("stock")
	_, _ = db.Incr("stock", -1) // somebody was quicker
	_, err := g.Update(func(tx *store.Tx) error {
		return tx.DB(0).Set("sold", n, 0)
	})
	fmt.Println(errors.Is(err, store.ErrConflict))
	// Output: true
}
