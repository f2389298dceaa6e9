package store

import (
	"math/rand/v2"

	"github.com/understudy-go/understudy/store/internal/table"
)

// zrandom is count distinct members of e, a sorted set or nil, or for a negative count
// that many with repetitions.
func (x *exec) zrandom(e *table.Entry, count int64) (items []Scored) {
	if e == nil || count == 0 {
		return nil
	}
	var o order
	if count > mostHeld || count < -mostHeld {
		o = x.pinned(e)
	} else {
		o = x.order(e)
		defer o.done()
	}
	n := o.len()
	if count >= int64(n) {
		for it := range o.from(0) {
			items = append(items, it)
		}
		return items
	}
	for _, i := range randomIndexes(n, int(count)) {
		items = append(items, o.at(i))
	}
	return items
}

// randomIndexes are count distinct numbers below n, or for a negative count that many
// with repetitions. O(count).
func randomIndexes(n, count int) (at []int) {
	if count < 0 {
		at = make([]int, 0, min(-count, 1<<16))
		for ; count < 0; count++ {
			at = append(at, rand.IntN(n))
		}
		return at
	}
	if count > n/4 {
		return rand.Perm(n)[:min(count, n)]
	}
	seen := make(map[int]bool, count)
	for len(at) < count { // three in four are new
		if i := rand.IntN(n); !seen[i] {
			seen[i] = true
			at = append(at, i)
		}
	}
	return at
}
