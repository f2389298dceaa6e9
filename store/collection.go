package store

import (
	"sync"

	"github.com/understudy-go/understudy/store/internal/table"
)

// collection is what lists and sorted sets that stand in a tree have in common. The
// writer changes them in place, under mu, as long as only the live data sees them;
// it forks them first where a snapshot or the readers of a commit under way do.
//
// A reader of a few elements takes mu for the look-up. One of many pins: it clones
// the tree, which is O(1), and goes on without a lock, while the writer copies
// the nodes that it changes.
type collection struct {
	table.Account // of the elements and the nodes

	mu      sync.RWMutex
	changed uint64   // version of the last commit that changed it; protected by mu
	made    uint64   // version of the commit that made it, whatever entry holds it by now; the writer's
	lineage *lineage // nil as long as nobody asked; the writer's
	forked  bool     // between open and close: by this open, which noted the change already; the writer's
}

// forkable is a collection in a tree.
type forkable interface {
	table.Body
	core() *collection
	// fork returns a body of the same elements that is changed independently. O(1).
	// The writer's.
	fork() forkable
	// copied is how many bytes the others who see it hold alone since it was last
	// asked: of nodes that were copied, and of what went. The writer's.
	copied() int64
}

func (c *collection) core() *collection { return c }

// copiedBytes is what items of a tree of all items take that hold bytes in sum, where
// one takes as much as another.
func copiedBytes(items int, bytes int64, all int) int64 {
	return int64(items) * bytes / int64(max(all, 1))
}

// A lineage stands for a collection and for the forks that took its place, one after
// the other: what a snapshot has of them is found by it, whatever their key is by now.
// A copy has one of its own. It points at none of them: a fork that is gone must not be
// held by who looks for it.
type lineage struct{ _ byte } // not of size 0: each has its own address

// root is c's lineage. The writer's.
func (c *collection) root() *lineage {
	if c.lineage == nil {
		c.lineage = &lineage{}
	}
	return c.lineage
}

// lineageOf is equal for a body and what it was forked from, and for no others. The writer's.
func lineageOf(b table.Body) any {
	if f, ok := b.(forkable); ok {
		return f.core().root()
	}
	return b // a table is never forked
}

// enter takes c's lock for a look-up; the caller gives it back.
func (x *exec) enter(c *collection) {
	c.mu.RLock()
	x.notice(c.changed)
}

// enterToPin takes c's lock to clone its tree; the caller gives it back.
func (x *exec) enterToPin(c *collection) {
	c.mu.Lock()
	x.notice(c.changed)
}

// open returns the body of r's entry for changes in place, with its lock taken. It
// forks where others than the live data see it; r is then what took its place.
// After the changes the caller calls close.
func (c *commit) open(r *ref) forkable {
	b := r.e.Body().(forkable)
	if c.sharedWith(b.core()) {
		b = b.fork()
		c.replaceBody(r, b)
	}
	b.core().mu.Lock()
	b.core().changed = c.version
	return b
}

// close gives back what open took, and accounts for what was copied.
func (c *commit) close(r ref, b forkable) {
	n := b.copied()
	b.core().mu.Unlock()
	c.dirty = true
	if !b.core().forked {
		c.touch(r)
	}
	b.core().forked = false
	if n == 0 {
		return
	}
	for _, sn := range c.s.mu.snapshots {
		sn.past.lose(b, n)
	}
}

// sharedWith reports whether others than the live data may read b: a snapshot, or
// those who read around this commit. The entry does not tell: it is newer than its
// body after EXPIRE or RENAME.
func (c *commit) sharedWith(b *collection) bool {
	if b.made == c.version {
		return false
	}
	if c.pending != nil {
		return true
	}
	for _, sn := range c.s.mu.snapshots {
		if b.made <= sn.past.version && !sn.past.spent.Load() {
			return true
		}
	}
	return false
}

// replaceBody makes b, a fork, the body of r's key.
func (c *commit) replaceBody(r *ref, b forkable) {
	old, was := r.e, r.e.Body()
	e := table.NewBig(c.version, old.Kind(), old.Key(), b, old.Deadline())
	c.before(*r)
	r.tab.Replace(r.h, r.at, old, e)
	c.after(*r, old, e)
	was.SetOwner(nil) // and nothing is charged: b shares it all
	b.core().made, b.core().forked = c.version, true
	b.core().lineage = was.(forkable).core().root()
	b.SetOwner(&r.tab.Account)
	r.e = e
}

// itemLosses is what others alone hold of a tree of items of differing weight that shares
// its nodes with them. The writer's.
//
// Which of the items that go were theirs, nobody knows. No more than all that went, and
// no more than stood in the nodes that were copied or went as a whole: the lesser is
// charged. By the first alone a stack that grows and shrinks would cost its size again
// and again, by the second one item all of its neighbours.
type itemLosses struct {
	nodes   int   // items of nodes, since settle was last called
	gone    int64 // bytes of the items that went, since the fork
	copied  int64 // bytes of the items in nodes that were copied or went, since the fork
	charged int64 // of the lesser of these
}

// remove notes that items which refer to bytes went. nodes is what the tree then says it
// let go: 0 where they stood in nodes that were counted before, or that nobody shares.
func (l *itemLosses) remove(nodes int, bytes int64) {
	l.gone += bytes
	if nodes > 0 {
		l.nodes += nodes
		l.copied += bytes
	}
}

// settle is what is to be charged since it was last called. An item costs cost beside
// what it refers to; nodes and weight are what the tree let go and copied since.
func (l *itemLosses) settle(nodes int, weight, cost int64) int64 {
	nodes += l.nodes
	l.copied += weight
	values := min(l.gone, l.copied) - l.charged
	l.nodes, l.charged = 0, l.charged+values
	return int64(nodes)*cost + values
}
