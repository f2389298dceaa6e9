package store

import (
	"fmt"
	"testing"
)

// A command that makes a small hash a large one on its way counts what is new, and the
// last value of a field that it names twice holds, on both sides of the limit.
func TestHSetAcrossTheLimit(t *testing.T) {
	for _, before := range []int{0, 5, smallHashPairs} {
		db := newStore(t, nil).DB(0)
		for i := range before {
			_, _ = db.HSet("h", fmt.Sprint("f", i), "was")
		}
		var pairs []string
		for _, value := range []string{"first", "last"} {
			for i := range 2 * smallHashPairs {
				pairs = append(pairs, fmt.Sprint("f", i), value)
			}
		}
		if added, err := db.HSet("h", pairs...); added != 2*smallHashPairs-before || err != nil {
			t.Errorf("%d fields before: HSet = %d, %v", before, added, err)
		}
		all, err := db.HGetAll("h")
		if len(all) != 2*smallHashPairs || err != nil {
			t.Errorf("%d fields, %v", len(all), err)
		}
		for name, value := range all {
			if value != "last" {
				t.Errorf("%d fields before: %s is %q", before, name, value)
			}
		}
	}
}
