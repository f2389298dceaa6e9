package store

import (
	"github.com/understudy-go/understudy/store/internal/table"
	"github.com/understudy-go/understudy/store/internal/tree"
)

// scored is a member of a sorted set. In a large one the member aliases the key of
// its entry in the table of members.
type scored struct {
	score  float64
	member string
}

// bigSorted is a sorted set in a tree, ordered by score and then member, beside a
// table of scores by member. Forks have trees of their own and share the table,
// whose entries have versions.
type bigSorted struct {
	collection
	items   tree.Tree[scored]
	members *table.Table
}

func (z *bigSorted) fork() forkable {
	z.mu.Lock()
	defer z.mu.Unlock()
	n := &bigSorted{items: *z.items.Clone(), members: z.members}
	n.Charge(z.Account.Bytes())
	return n
}

func (z *bigSorted) copied() int64 {
	return copiedBytes(z.items.Copied(), z.Account.Bytes(), z.items.Len())
}

// Bytes includes the table, which a fork takes with it.
func (z *bigSorted) Bytes() int64 { return z.Account.Bytes() + z.members.Bytes() }

// SetOwner makes o count the tree and the table.
func (z *bigSorted) SetOwner(o *table.Account) {
	z.Account.SetOwner(o)
	z.members.SetOwner(o)
}
