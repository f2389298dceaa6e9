package store_test

import (
	"fmt"

	"github.com/understudy-go/understudy/store"
)

// Who was here on which day: a bit for each user.
func ExampleDB_SetBit() {
	db := store.New(nil).DB(0)
	for day, users := range map[string][]int64{"mon": {1, 5, 900_000}, "tue": {5, 7, 900_000}} {
		for _, id := range users {
			_, _ = db.SetBit(day, id, true)
		}
	}
	here, _ := db.GetBit("tue", 7)
	mon, _ := db.BitCount("mon", nil)
	_, _ = db.BitOp(store.BitAnd, "both", "mon", "tue")
	both, _ := db.BitCount("both", nil)
	first, _ := db.BitPos("both", true, nil)
	fmt.Println(here, mon, both, first)
	// Output:
	// true 3 2 5
}

// Small counters, packed into the bits of one string.
func ExampleDB_BitField() {
	db := store.New(nil).DB(0)
	level, coins := store.UnsignedBits(4, 0), store.UnsignedBits(12, 4)
	results, err := db.BitField("player:7",
		level.Set(15),
		level.Incr(1).Overflow(store.OverflowSat),
		level.Incr(1).Overflow(store.OverflowFail),
		coins.Incr(5000),
		coins.Incr(1),
	)
	fmt.Println(results, err)
	values, err := db.BitFieldRead("player:7", level, coins)
	fmt.Println(values, err)
	// Output:
	// [{0 true} {15 true} {0 false} {904 true} {905 true}] <nil>
	// [15 905] <nil>
}
