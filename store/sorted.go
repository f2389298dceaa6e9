package store

import (
	"encoding/binary"
	"iter"
	"math"
	"strings"

	"github.com/understudy-go/understudy/store/internal/table"
	"github.com/understudy-go/understudy/store/internal/tree"
)

// A Scored is a member of a sorted set with its score. Sorted sets are ordered by
// score, and members of equal score by their bytes. A score may be an infinity and
// is never NaN. A score of -0 becomes 0 where it is stored.
type Scored struct {
	Score  float64
	Member string
}

// before is the order of sorted sets.
func (a Scored) before(b Scored) bool {
	if a.Score != b.Score {
		return a.Score < b.Score
	}
	return a.Member < b.Member
}

func compareScored(a, b Scored) int {
	switch {
	case a.Score < b.Score:
		return -1
	case a.Score > b.Score:
		return 1
	}
	return strings.Compare(a.Member, b.Member)
}

// bigSorted is a sorted set in a tree, in its order, beside a table of scores by
// member. Forks have trees of their own and share the table, whose entries have
// versions.
//
// The score in the table is the eight bytes of the float as the value of a Text
// entry. A member in the tree aliases the key of that entry: so both change together,
// and no member is held twice.
type bigSorted struct {
	collection
	items   tree.Tree[Scored]
	members *table.Table
}

// scoredCost is what a member takes in the tree, in bytes: 24 of the item in leaves
// that are 5/8 full, measured, and its share of the inner nodes. What it takes in the
// table counts there.
const scoredCost = 40

// newBigSorted returns a large sorted set made by the commit of version, of items that
// are in order, whose members are keys of entries in members.
func newBigSorted(version uint64, items []Scored, members *table.Table) *bigSorted {
	z := &bigSorted{members: members}
	z.made, z.changed = version, version
	for i, it := range items {
		z.items.Insert(i, it)
	}
	z.Charge(int64(len(items)) * scoredCost)
	return z
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

// rank is the index of it, which is there, or where it belongs.
func (z *bigSorted) rank(it Scored) int {
	return z.items.Search(func(o Scored) bool { return !o.before(it) })
}

// insert puts it where it belongs. REQUIRES: z is open, it is not there.
func (z *bigSorted) insert(it Scored) {
	z.items.Insert(z.rank(it), it)
	z.Charge(scoredCost)
}

// cut takes out the items from i up to and not including j. REQUIRES: z is open.
func (z *bigSorted) cut(i, j int) {
	z.items.Delete(i, j)
	z.Charge(-int64(j-i) * scoredCost)
}

// newMember returns the entry of a member in the table of a large sorted set.
func newMember(version uint64, member string, score float64) *table.Entry {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], math.Float64bits(score))
	return table.NewText(version, member, table.View(b[:]), 0)
}

// storedScore is the score that a member gets for score: 0 for -0.
//
// Redis holds a -0 in the large form and not in the small one. Which of the two a set
// has depends on how it came about, and a copy that was loaded may have the other: so
// equal data would not stay equal.
func storedScore(score float64) float64 { return score + 0 } // -0 + 0 is 0

// memberScore is the score that such an entry holds.
func memberScore(e *table.Entry) float64 { return scoreOf(e.Text()) }

func scoreOf(text string) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(table.Bytes(text)))
}

// sorted is the sorted set at key, or nil.
func (x *exec) sorted(key string) (*table.Entry, error) {
	return x.typed(x.entry(key), table.SmallSorted, table.BigSorted)
}

func (x *exec) sortedRef(key string) (ref, error) {
	r := x.ref(key)
	_, err := x.typed(r.e, table.SmallSorted, table.BigSorted)
	return r, err
}

// bigOf is the body of a large sorted set, nil for a small one or none.
func bigOf(e *table.Entry) *bigSorted {
	if e == nil {
		return nil
	}
	z, _ := e.Body().(*bigSorted)
	return z
}

// sortedLen is the number of members of e, a sorted set or nil.
func (x *exec) sortedLen(e *table.Entry) int {
	if z := bigOf(e); z != nil {
		x.enter(&z.collection)
		defer z.mu.RUnlock()
		return z.items.Len()
	}
	if e == nil {
		return 0
	}
	return blobLen(e.Text())
}

// zscore is the score of a member of e, a sorted set or nil.
func (x *exec) zscore(e *table.Entry, member string) (score float64, ok bool) {
	if z := bigOf(e); z != nil {
		if m := x.field(z.members, member); m != nil {
			return memberScore(m), true
		}
		return 0, false
	}
	if e == nil {
		return 0, false
	}
	text, ok := blobGet(e.Text(), member)
	if !ok {
		return 0, false
	}
	return scoreOf(text), true
}

// zrank is how many members of e, a sorted set or nil, come before member, or after
// it if reverse is set. O(log n).
func (x *exec) zrank(e *table.Entry, member string, reverse bool) (rank int, score float64, ok bool) {
	if score, ok = x.zscore(e, member); !ok {
		return 0, 0, false
	}
	it := Scored{score, member}
	o := x.order(e)
	defer o.done()
	rank = o.search(func(other Scored) bool { return !other.before(it) })
	if reverse {
		rank = o.len() - 1 - rank
	}
	return rank, score, true
}

// sortedMembers yields the members of e, a sorted set or nil, in order. It holds no
// lock meanwhile: the loop may take its time.
func (x *exec) sortedMembers(e *table.Entry) iter.Seq2[string, float64] {
	return scoredPairs(x.pinned(e))
}

func scoredPairs(o order) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for it := range o.from(0) {
			if !yield(it.Member, it.Score) {
				return
			}
		}
	}
}

// sortedEncoding is the name of e's form in Redis.
func (x *exec) sortedEncoding(e *table.Entry) string {
	if e.Kind() == table.SmallSorted {
		return "listpack"
	}
	return "skiplist"
}

// duplicateSorted is e's value under another key, independent of e. O(1) for the tree,
// O(n) for the table of scores. REQUIRES: the writer lock.
func (s *Store) duplicateSorted(e *table.Entry, version uint64, key string) *table.Entry {
	z := bigOf(e)
	if z == nil {
		return e.With(version, key, e.Deadline())
	}
	n := z.fork().(*bigSorted)
	n.made, n.changed = version, version
	n.members = s.newFields(version)
	eachEntry(z.members, func(m *table.Entry) { n.members.Put(n.members.Hash(m.Key()), m) })
	return table.NewBig(version, table.BigSorted, key, n, e.Deadline())
}
