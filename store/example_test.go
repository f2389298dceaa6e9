package store_test

import (
	"context"
	"fmt"
	"time"

	"github.com/understudy-go/understudy/store"
)

func Example() {
	s := store.New(nil)
	db := s.DB(0)
	_ = db.Set("greeting", "hello", time.Minute)
	v, err := db.Get("greeting")
	fmt.Println(v, err)
	_, err = db.Get("nothing")
	fmt.Println(err)
	// Output:
	// hello <nil>
	// store: not found
}

func ExampleStore_Update() {
	s := store.New(nil)
	_, err := s.Update(func(tx *store.Tx) error {
		db := tx.DB(0)
		if _, err := db.Incr("stock", -1); err != nil {
			return err
		}
		_, err := db.HSet("order:1", "state", "paid")
		return err
	})
	fmt.Println(err)
	n, _ := s.DB(0).Get("stock")
	state, _ := s.DB(0).HGet("order:1", "state")
	fmt.Println(n, state)
	// Output:
	// <nil>
	// -1 paid
}

func ExampleStore_Snapshot() {
	s := store.New(nil)
	_, _ = s.DB(0).Incr("n", 1)
	sn := s.Snapshot()
	defer sn.Close()
	_, _ = s.DB(0).Incr("n", 1)
	then, _ := sn.DB(0).Get("n")
	now, _ := s.DB(0).Get("n")
	fmt.Println(then, now)
	// Output: 1 2
}

func ExampleSubscriber() {
	s := store.New(nil)
	sub := s.NewSubscriber(nil)
	defer sub.Close()
	sub.Subscribe(store.ViaPattern, "user:*")
	receivers, _ := s.Publish("user:7", "logged in")
	m, _ := sub.Next(context.Background())
	fmt.Println(receivers, m.Channel, m.Payload)
	// Output: 1 user:7 logged in
}

func ExampleStore_SetEvents() {
	s := store.New(nil)
	events, _ := store.ParseEvents("E$")
	s.SetEvents(events)
	sub := s.NewSubscriber(nil)
	defer sub.Close()
	sub.Subscribe(store.ViaChannel, "__keyevent@0__:incrby")
	_, _ = s.DB(0).Incr("visits", 1)
	m, _ := sub.Next(context.Background())
	fmt.Println(m.Channel, m.Payload)
	// Output: __keyevent@0__:incrby visits
}
