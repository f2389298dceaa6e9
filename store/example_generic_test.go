package store_test

import (
	"fmt"

	"github.com/understudy-go/understudy/store"
)

// A value of any type goes from one store to another, or to a server and back.
func ExampleDB_Dump() {
	from, to := store.New(nil), store.New(nil)
	from.DB(0).Do("ZADD", "born", "1815", "Ada", "1912", "Alan")
	payload, err := from.DB(0).Dump("born")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(to.DB(0).Restore("born", payload, 0, false))
	fmt.Println(to.DB(0).Restore("born", payload, 0, false))
	fmt.Println(to.DB(0).Do("ZRANGE", "born", "0", "-1"))
	// Output:
	// <nil>
	// BUSYKEY Target key name already exists.
	// ["Ada" "Alan"] <nil>
}
