package store_test

import (
	"fmt"
	"time"

	"github.com/understudy-go/understudy/store"
)

func ExampleDB_Set() {
	db := store.New(nil).DB(0)
	_ = db.Set("session:7", "ada", 30*time.Minute)
	name, err := db.Get("session:7")
	left, ok := db.TTL("session:7")
	fmt.Println(name, err, left > 29*time.Minute, ok)
	_, err = db.Get("session:8")
	fmt.Println(err == store.ErrNotFound)
	// Output:
	// ada <nil> true true
	// true
}

// A lock that one holder at a time has, and that nobody holds for ever.
func ExampleDB_SetWith() {
	db := store.New(nil).DB(0)
	take := func(who string) {
		o := &store.SetOptions{NX: true, Get: true, TTL: time.Minute}
		holder, taken, err := db.SetWith("lock", who, o)
		fmt.Println(who, taken, holder.Value, err)
	}
	take("ann")
	take("bob")
	// Output:
	// ann true  <nil>
	// bob false ann <nil>
}

func ExampleDB_MGet() {
	db := store.New(nil).DB(0)
	_ = db.MSet("a", "1", "c", "3")
	values, _ := db.MGet("a", "b", "c")
	for _, v := range values {
		fmt.Printf("%q %v\n", v.Value, v.OK)
	}
	// Output:
	// "1" true
	// "" false
	// "3" true
}

func ExampleDB_Incr() {
	db := store.New(nil).DB(0)
	_, _ = db.Incr("visits", 1)
	n, err := db.Incr("visits", 41)
	fmt.Println(n, err)
	f, err := db.IncrFloat("balance", 0.1)
	fmt.Println(f, err)
	_ = db.Set("name", "ada", 0)
	_, err = db.Incr("name", 1)
	fmt.Println(err == store.ErrNotInteger)
	// Output:
	// 42 <nil>
	// 0.1 <nil>
	// true
}

// A token that works once.
func ExampleDB_GetDel() {
	db := store.New(nil).DB(0)
	_ = db.Set("token:x", "ada", time.Hour)
	user, err := db.GetDel("token:x")
	fmt.Println(user, err)
	_, err = db.GetDel("token:x")
	fmt.Println(err)
	// Output:
	// ada <nil>
	// store: not found
}

// A bitmap: large, sparse, written by offset.
func ExampleDB_SetRange() {
	db := store.New(nil).DB(0)
	n, err := db.SetRange("seen", 100<<20, "\x80")
	fmt.Println(n, err)
	part, _ := db.GetRange("seen", -3, -1)
	fmt.Printf("%q\n", part)
	// Output:
	// 104857601 <nil>
	// "\x00\x00\x80"
}
