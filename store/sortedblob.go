package store

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/understudy-go/understudy/store/internal/table"
)

// A small sorted set is one immutable string as a small hash is, of members in order
// with eight bytes of score each. It becomes a tree beyond these limits, Redis's
// defaults for listpacks.
const (
	smallSortedItems = 128
	smallSortedBytes = 64 // of one member
)

// smallItems are the items of a small sorted set, or of none. Members alias e.
func smallItems(e *table.Entry) []Scored {
	if e == nil {
		return nil
	}
	return blobItems(e.Text(), 0)
}

// blobItems takes a blob apart, into a slice with room for more items.
func blobItems(blob string, more int) []Scored {
	items := make([]Scored, 0, blobLen(blob)+more)
	for member, score := range blobPairs(blob) {
		items = append(items, Scored{scoreOf(score), member})
	}
	return items
}

// newSmallSorted returns the entry of a small sorted set of items in order.
func newSmallSorted(version uint64, key string, items []Scored, deadline int64) *table.Entry {
	size := binary.MaxVarintLen16 + len(items)*(1+1+8)
	for _, it := range items {
		size += len(it.Member)
	}
	b := binary.AppendUvarint(make([]byte, 0, size), uint64(len(items)))
	for _, it := range items {
		b = append(binary.AppendUvarint(b, uint64(len(it.Member))), it.Member...)
		b = append(b, 8)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(it.Score))
	}
	return table.NewBlob(version, table.SmallSorted, key, table.View(b), deadline)
}

// sortedBuilder makes a sorted set of members that come one by one: in the order of
// scores at best, which saves sorting them.
type sortedBuilder struct {
	s       *Store
	version uint64
	items   []Scored
	text    []byte       // members of a small one, copied; what it grew out of stays
	members *table.Table // of a large one; nil until there must be one
}

// newSortedBuilder begins a sorted set for the commit of version.
func newSortedBuilder(s *Store, version uint64) *sortedBuilder {
	return &sortedBuilder{s: s, version: version}
}

// add adds a member, which is copied. It reports false for one that is there already,
// and leaves that as it is.
func (b *sortedBuilder) add(member string, score float64) bool {
	score = storedScore(score)
	if b.members == nil {
		if slices.ContainsFunc(b.items, func(it Scored) bool { return it.Member == member }) {
			return false
		}
		if len(b.items) < smallSortedItems && len(member) <= smallSortedBytes {
			at := len(b.text)
			b.text = append(b.text, member...)
			b.items = append(b.items, Scored{score, table.View(b.text[at:])})
			return true
		}
		b.enlarge()
	}
	h := b.members.Hash(member)
	if b.members.Find(h, member) != nil {
		return false
	}
	b.items = append(b.items, Scored{score, b.put(h, member, score)})
	return true
}

// put adds an entry and returns the member as it stands there.
func (b *sortedBuilder) put(h uint64, member string, score float64) string {
	e := newMember(b.version, member, score)
	b.members.Put(h, e)
	return e.Key()
}

// enlarge goes over to the large form.
func (b *sortedBuilder) enlarge() {
	b.members = b.s.newFields(b.version)
	for i, it := range b.items {
		b.items[i].Member = b.put(b.members.Hash(it.Member), it.Member, it.Score)
	}
	b.text = nil
}

// len is the number of members so far.
func (b *sortedBuilder) len() int { return len(b.items) }

// entry is the sorted set under a key, nil if it is empty. The builder must not be
// used afterwards.
func (b *sortedBuilder) entry(key string, deadline int64) *table.Entry {
	if len(b.items) == 0 {
		return nil
	}
	b.sort()
	if b.members == nil {
		return newSmallSorted(b.version, key, b.items, deadline)
	}
	return table.NewBig(b.version, table.BigSorted, key, newBigSorted(b.version, b.items, b.members), deadline)
}

func (b *sortedBuilder) sort() {
	switch {
	case slices.IsSortedFunc(b.items, compareScored):
		return
	case slices.IsSortedFunc(b.items, func(a, b Scored) int { return compareScored(b, a) }):
		slices.Reverse(b.items) // RDB files have the highest first
	default:
		slices.SortFunc(b.items, compareScored)
	}
}

// bigSortedEntry makes a large entry of items in any order, no member twice.
func (s *Store) bigSortedEntry(version uint64, key string, items []Scored, deadline int64) *table.Entry {
	b := newSortedBuilder(s, version)
	b.enlarge()
	for _, it := range items {
		b.add(it.Member, it.Score)
	}
	return b.entry(key, deadline)
}

// draft is a sorted set that is changed and put together again. As long as it is small
// it is kept in order; then it gets an index, and is put in order at the end.
type draft struct {
	items []Scored
	index map[string]int // by member; nil while there are few
	large bool           // will not be small
}

func newDraft(e *table.Entry, more int) *draft {
	d := &draft{}
	if e != nil {
		d.items = blobItems(e.Text(), min(more, smallSortedItems))
	}
	return d
}

// find is the index of a member, -1 if it is not there.
func (d *draft) find(member string) int {
	if d.index != nil {
		if i, ok := d.index[member]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(d.items, func(it Scored) bool { return it.Member == member })
}

// set gives the member at index i another score, or adds it for i = -1.
func (d *draft) set(i int, it Scored) {
	if d.index == nil && i < 0 && len(d.items) >= smallSortedItems {
		d.makeIndex()
	}
	d.large = d.large || d.index != nil || len(it.Member) > smallSortedBytes
	switch {
	case d.index == nil:
		if i >= 0 {
			d.items = slices.Delete(d.items, i, i+1)
		}
		at, _ := slices.BinarySearchFunc(d.items, it, compareScored)
		d.items = slices.Insert(d.items, at, it)
	case i >= 0:
		d.items[i] = it
	default:
		d.index[it.Member] = len(d.items)
		d.items = append(d.items, it)
	}
}

func (d *draft) makeIndex() {
	d.index = make(map[string]int, 2*len(d.items))
	for i, it := range d.items {
		d.index[it.Member] = i
	}
}

// entry is the draft's entry. The draft must not be empty.
func (d *draft) entry(s *Store, version uint64, key string, deadline int64) *table.Entry {
	if d.large {
		return s.bigSortedEntry(version, key, d.items, deadline)
	}
	return newSmallSorted(version, key, d.items, deadline)
}
