package store

import (
	"slices"

	"github.com/google/btree"

	"github.com/understudy-go/understudy/store/internal/table"
)

// A generation is one complete data set. FLUSHALL, SWAPDB and a full resync
// replace the whole by another in one step; snapshots and iterators keep the
// one that they began with.
type generation struct {
	spaces []*keyspace    // by database; the slice is never changed
	tables []*table.Table // theirs
}

// keyspace is one database.
type keyspace struct {
	tab    *table.Table
	due    dueIndex // the writer's
	hashes dueIndex // in which fields have deadlines, by the earliest; the writer's
}

func newGeneration(n int, f *table.Family) *generation {
	spaces := make([]*keyspace, n)
	for i := range spaces {
		spaces[i] = newKeyspace(f)
	}
	return generationOf(spaces)
}

func generationOf(spaces []*keyspace) *generation {
	g := &generation{spaces: spaces, tables: make([]*table.Table, len(spaces))}
	for i, ks := range spaces {
		g.tables[i] = ks.tab
	}
	return g
}

// has reports whether an entry of key stands in ks. The writer's.
func (ks *keyspace) has(key string) bool { return ks.tab.Find(ks.tab.Hash(key), key) != nil }

// replace follows the step of a key from entry old to e into the indexes; either may be
// nil.
func (ks *keyspace) replace(old, e *table.Entry) {
	ks.due.replace(old, e)
	ks.replaceHash(old, e)
}

func newKeyspace(f *table.Family) *keyspace { return &keyspace{tab: f.New()} }

// with returns a copy of g in which database n is ks.
func (g *generation) with(n int, ks *keyspace) *generation {
	spaces := slices.Clone(g.spaces)
	spaces[n] = ks
	return generationOf(spaces)
}

// dueIndex orders the keys that have a deadline by it, exactly. It is kept on
// replicas too, though only a primary acts on it: promotion then costs nothing.
// The zero value is empty.
type dueIndex struct {
	tree    *btree.BTreeG[due]
	seconds int64 // sum of all deadlines, in Unix seconds, for averages
}

// due refers to an entry as it stands in the table, so that the index pins no
// replaced entry's memory.
type due struct {
	at int64
	e  *table.Entry
}

const dueDegree = 32

func (a due) before(b due) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	return a.e.Key() < b.e.Key()
}

// replace follows the step of a key from entry old to e; either may be nil.
func (x *dueIndex) replace(old, e *table.Entry) { x.move(deadlineOf(old), old, deadlineOf(e), e) }

// move makes what stood as old at was stand as e at is; 0 is nowhere.
func (x *dueIndex) move(was int64, old *table.Entry, is int64, e *table.Entry) {
	if was != 0 && was != is {
		x.tree.Delete(due{was, old})
	}
	x.seconds += is/1000 - was/1000
	if is == 0 {
		return
	}
	if x.tree == nil {
		x.tree = btree.NewG(dueDegree, due.before)
	}
	x.tree.ReplaceOrInsert(due{is, e})
}

func deadlineOf(e *table.Entry) int64 {
	if e == nil {
		return 0
	}
	return e.Deadline()
}

// first is the entry with the earliest deadline, or nil.
func (x *dueIndex) first() *table.Entry { return x.min().e }

// min is the earliest deadline with its entry, both zero if there is none.
func (x *dueIndex) min() (d due) {
	if x.tree != nil {
		d, _ = x.tree.Min()
	}
	return d
}

func (x *dueIndex) len() int {
	if x.tree == nil {
		return 0
	}
	return x.tree.Len()
}
