package store

import (
	"iter"
	"slices"

	"github.com/understudy-go/understudy/store/internal/table"
	"github.com/understudy-go/understudy/store/internal/tree"
)

// order is a sorted set as a sequence: a small one taken apart, or the tree of a large
// one. It is either held, under the collection's lock until done is called, for a few
// look-ups; or pinned, a clone for as long as one likes.
type order struct {
	items []Scored
	tree  *tree.Tree[Scored] // nil for a small one
	held  *collection        // nil when nothing is to be given back
}

// order opens e, a sorted set or nil, for a few look-ups. The caller calls done, and
// meanwhile neither enters e again nor changes it.
func (x *exec) order(e *table.Entry) order {
	z := bigOf(e)
	switch {
	case z == nil:
		return order{items: smallItems(e)}
	case x.mode == writing:
		return order{tree: &z.items} // nobody else changes it
	}
	x.enter(&z.collection)
	return order{tree: &z.items, held: &z.collection}
}

// pinned opens e, a sorted set or nil, for a walk without a lock.
func (x *exec) pinned(e *table.Entry) order {
	z := bigOf(e)
	if z == nil {
		return order{items: smallItems(e)}
	}
	x.enterToPin(&z.collection)
	defer z.mu.Unlock()
	return order{tree: z.items.Clone()}
}

// mostHeld is how many items are read under the collection's lock; more are read from
// a clone, after which the writer has to copy the nodes that it changes.
const mostHeld = 128

// span opens e and finds in it the items from i up to and not including j: held if
// they are few, else pinned. The caller calls done.
func (x *exec) span(e *table.Entry, find func(o order) (i, j int)) (o order, i, j int) {
	o = x.order(e)
	if i, j = find(o); j-i <= mostHeld || o.held == nil {
		return o, i, j
	}
	o.done()
	o = x.pinned(e)
	i, j = find(o) // again: the writer may have been in between
	return o, i, j
}

func (o order) done() {
	if o.held != nil {
		o.held.mu.RUnlock()
	}
}

func (o order) len() int {
	if o.tree != nil {
		return o.tree.Len()
	}
	return len(o.items)
}

func (o order) at(i int) Scored {
	if o.tree != nil {
		return o.tree.At(i)
	}
	return o.items[i]
}

// search is tree.Search.
func (o order) search(after func(Scored) bool) int {
	if o.tree != nil {
		return o.tree.Search(after)
	}
	i := slices.IndexFunc(o.items, after)
	if i < 0 {
		return len(o.items)
	}
	return i
}

// from yields the items from index i on.
func (o order) from(i int) iter.Seq[Scored] {
	if o.tree != nil {
		return o.tree.From(i)
	}
	return slices.Values(o.items[i:])
}

// down yields the items from index i down to the first. i may be -1.
func (o order) down(i int) iter.Seq[Scored] {
	if o.tree != nil {
		return o.tree.Down(i)
	}
	return func(yield func(Scored) bool) {
		for ; i >= 0 && yield(o.items[i]); i-- {
		}
	}
}

// walk yields the items from i up to and not including j, backwards if reverse is set.
func (o order) walk(i, j int, reverse bool) iter.Seq[Scored] {
	seq := o.from(i)
	if reverse {
		seq = o.down(j - 1)
	}
	return func(yield func(Scored) bool) {
		left := j - i
		if left <= 0 {
			return
		}
		for it := range seq {
			left--
			if !yield(it) || left == 0 {
				return
			}
		}
	}
}
