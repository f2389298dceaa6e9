package store_test

import (
	"fmt"
	"slices"

	"github.com/understudy-go/understudy/store"
)

func ExampleDB_SAdd() {
	db := store.New(nil).DB(0)
	n, err := db.SAdd("tags", "red", "green", "red")
	fmt.Println(n, err)
	is, _ := db.SIsMember("tags", "green")
	card, _ := db.SCard("tags")
	fmt.Println(is, card)
	// Output:
	// 2 <nil>
	// true 2
}

func ExampleDB_SMembers() {
	db := store.New(nil).DB(0)
	_, _ = db.SAdd("primes", "7", "2", "5", "3")
	members, err := db.SMembers("primes")
	fmt.Println(slices.Sorted(members), err)
	for m := range members { // as it was when the loop began
		_, _ = db.SRem("primes", m)
	}
	fmt.Println(db.Exists("primes"))
	// Output:
	// [2 3 5 7] <nil>
	// false
}

func ExampleDB_SInter() {
	db := store.New(nil).DB(0)
	_, _ = db.SAdd("ann", "go", "chess", "tea")
	_, _ = db.SAdd("bob", "tea", "go", "golf")
	common, _ := db.SInter("ann", "bob")
	slices.Sort(common)
	fmt.Println(common)
	n, _ := db.SUnionStore("all", "ann", "bob")
	rest, _ := db.SDiff("all", "ann")
	fmt.Println(n, rest)
	// Output:
	// [go tea]
	// 4 [golf]
}

// A draw without repetition: replicas are told who won, not to draw.
func ExampleDB_SPopN() {
	db := store.New(nil).DB(0)
	_, _ = db.SAdd("tickets", "1", "2", "3", "4", "5")
	won, err := db.SPopN("tickets", 2)
	left, _ := db.SCard("tickets")
	fmt.Println(len(won), err, left)
	// Output: 2 <nil> 3
}

func ExampleDB_SRandMemberN() {
	db := store.New(nil).DB(0)
	_, _ = db.SAdd("coin", "heads", "tails")
	different, _ := db.SRandMemberN("coin", 5)
	thrown, _ := db.SRandMemberN("coin", -5)
	fmt.Println(len(different), len(thrown))
	// Output: 2 5
}

func ExampleDB_SMove() {
	db := store.New(nil).DB(0)
	_, _ = db.SAdd("todo", "write", "test")
	done, _ := db.SMove("todo", "done", "write")
	again, _ := db.SMove("todo", "done", "write")
	is, _ := db.SIsMember("done", "write")
	fmt.Println(done, again, is)
	// Output: true false true
}
