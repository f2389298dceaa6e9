package store

import (
	"fmt"
	"math"
	"slices"

	"github.com/understudy-go/understudy/store/internal/table"
)

// checkSorted reports the first broken invariant of a sorted set: there are members, in
// order, in the form that they fit; a large one has the same in its tree and its table,
// and counts its tree.
func checkSorted(e *table.Entry) error {
	z := bigOf(e)
	var items []Scored
	if z != nil {
		items = slices.Collect(z.items.From(0))
	} else {
		items = smallItems(e)
	}
	switch {
	case len(items) == 0:
		return fmt.Errorf("sorted set %q is empty", e.Key())
	case !slices.IsSortedFunc(items, compareScored):
		return fmt.Errorf("sorted set %q is not in order", e.Key())
	case slices.ContainsFunc(items, func(it Scored) bool { return it.Score == 0 && math.Signbit(it.Score) }):
		return fmt.Errorf("sorted set %q has a score of -0", e.Key())
	case z == nil:
		return checkSmallSorted(e.Key(), items)
	case z.members.Len() != len(items) || z.items.Len() != len(items):
		return fmt.Errorf("sorted set %q has %d members in its table, %d in its tree, which counts %d", e.Key(), z.members.Len(), len(items), z.items.Len())
	case z.Account.Bytes() != int64(len(items))*scoredCost:
		return fmt.Errorf("sorted set %q of %d counts %d bytes", e.Key(), len(items), z.Account.Bytes())
	}
	for _, it := range items {
		m := z.members.Find(z.members.Hash(it.Member), it.Member)
		if m == nil || math.Float64bits(memberScore(m)) != math.Float64bits(it.Score) {
			return fmt.Errorf("sorted set %q: %v is not in its table", e.Key(), it)
		}
	}
	return z.members.Check()
}

func checkSmallSorted(key string, items []Scored) error {
	if len(items) > smallSortedItems {
		return fmt.Errorf("small sorted set %q has %d members", key, len(items))
	}
	for i, it := range items {
		if len(it.Member) > smallSortedBytes {
			return fmt.Errorf("small sorted set %q has %v", key, it)
		}
		if slices.ContainsFunc(items[:i], func(o Scored) bool { return o.Member == it.Member }) {
			return fmt.Errorf("small sorted set %q has %q twice", key, it.Member)
		}
	}
	return nil
}
