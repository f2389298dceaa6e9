package store

import (
	"iter"
	"slices"

	"github.com/understudy-go/understudy/store/internal/table"
	"github.com/understudy-go/understudy/store/internal/tree"
)

// Side is an end of a list, or a place beside one of its elements.
type Side uint8

const (
	// Left is the head of a list, or before an element.
	Left Side = iota
	// Right is the tail of a list, or behind an element.
	Right
)

// word is the side as LMOVE's effect names it.
func (s Side) word() string {
	if s == Left {
		return "LEFT"
	}
	return "RIGHT"
}

// pushed and popped are the names of the events.
func (s Side) pushed() string {
	if s == Left {
		return "lpush"
	}
	return "rpush"
}

func (s Side) popped() string {
	if s == Left {
		return "lpop"
	}
	return "rpop"
}

// ErrIndex is returned by LSet for an index that the list does not have.
var ErrIndex = &Error{"ERR index out of range"}

// bigList is a list in a tree. It owns its elements: each is a string of its own, so
// that one that stays does not pin the memory of those that go.
//
// Invariant: its account is the sum of listItemBytes of the elements.
type bigList struct {
	collection
	items tree.Tree[string]
	lost  itemLosses
}

func newBigList() *bigList {
	return &bigList{items: tree.Tree[string]{Weigh: func(v string) int64 { return int64(len(v)) }}}
}

// listItemCost is what an element in a tree takes beside its bytes: the string header of
// 16, in leaves that pushes fill whole and insertions to 5/8, which makes 18 to 26
// measured; and what the allocator rounds up, up to 9 for elements of up to 128 bytes.
const listItemCost = 24

func listItemBytes(v string) int64 { return int64(len(v)) + listItemCost }

func (l *bigList) fork() forkable {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := &bigList{items: *l.items.Clone()}
	n.Charge(l.Bytes())
	return n
}

// copied includes the elements that went.
func (l *bigList) copied() int64 {
	return l.lost.settle(l.items.Copied(), l.items.Weight(), listItemCost)
}

// list is the list at key, or nil.
func (x *exec) list(key string) (*table.Entry, error) {
	return x.typed(x.entry(key), table.SmallList, table.BigList)
}

// listLen is the number of elements of e, a list or nil. O(1).
func (x *exec) listLen(e *table.Entry) (n int) {
	x.listLook(e, func(v listView) { n = v.len() })
	return n
}

// listIndex is element i of e, a list or nil; negative numbers count from the end.
func (x *exec) listIndex(e *table.Entry, i int64) (value string, ok bool) {
	x.listLook(e, func(v listView) {
		n := int64(v.len())
		if i < 0 {
			i += n
		}
		if ok = i >= 0 && i < n; ok {
			value = v.at(int(i))
		}
	})
	return value, ok
}

// listFew is how many elements are read under a list's lock. A reader of more pins,
// which costs the writer copies of nodes afterwards, but not the wait.
const listFew = 256

// listRange is the elements of e, a list or nil, from start to stop, both included
// and counted from the end where negative.
func (x *exec) listRange(e *table.Entry, start, stop int64) (out []string) {
	few := true
	x.listLook(e, func(v listView) {
		s := clipRange(start, stop, v.len())
		if few = s.len() <= listFew; few {
			out = v.slice(s)
		}
	})
	if few {
		return out
	}
	v := x.listPin(e)
	if x.torn {
		return nil // it will be read anew
	}
	return v.slice(clipRange(start, stop, v.len()))
}

// clipRange is the part of n elements from start to stop, both included.
func clipRange(start, stop int64, n int) span {
	all := int64(n)
	start = fromEnd(start, all)
	if stop < 0 {
		stop += all
	}
	stop = min(stop, all-1)
	if start > stop {
		return span{}
	}
	return span{int(start), int(stop) + 1}
}

// listItems yields the elements of e, a list or nil, as they are now, in order. It
// may run long, and beside writers.
func (x *exec) listItems(e *table.Entry) iter.Seq[string] {
	v := x.listPin(e)
	return v.from(0)
}

// listPositions are the indexes of elements that equal value: from match number rank
// on, from the end where that is negative, at most count of them and among the first
// limit elements looked at. REQUIRES: rank is neither 0 nor the least integer.
func (x *exec) listPositions(e *table.Entry, value string, rank, count, limit int64) []int {
	return x.listPin(e).positions(value, rank, count, limit)
}

// positions is listPositions of v.
func (v listView) positions(value string, rank, count, limit int64) (at []int) {
	n := v.len()
	items, i, step := v.from(0), 0, 1
	if rank < 0 {
		items, i, step, rank = v.down(n-1), n-1, -1, -rank
	}
	for item := range items {
		if limit--; limit < 0 {
			break
		}
		if item == value {
			if rank--; rank <= 0 {
				at = append(at, i)
			}
			if int64(len(at)) == count {
				break
			}
		}
		i += step
	}
	return at
}

// listEncoding is Redis's name of the form that e has there. It depends on the size
// and not on the form here, which is a tree sooner.
func (x *exec) listEncoding(e *table.Entry) string {
	if e.Kind() == table.SmallList {
		return "listpack"
	}
	l := e.Body().(*bigList)
	x.enter(&l.collection)
	defer l.mu.RUnlock()
	// A listpack takes at least two bytes more an element.
	n := int64(l.items.Len())
	if l.Bytes()-n*(listItemCost-2) <= smallListBytes {
		return "listpack"
	}
	return "quicklist"
}

// duplicateList is e's elements under another key. O(1).
func (x *exec) duplicateList(e *table.Entry, version uint64, key string) *table.Entry {
	if e.Kind() == table.SmallList {
		return e.With(version, key, e.Deadline())
	}
	l := e.Body().(*bigList).fork()
	l.core().made = version
	return table.NewBig(version, table.BigList, key, l, e.Deadline())
}

// span is the indexes from from up to and not including to.
type span struct{ from, to int }

func (s span) len() int { return s.to - s.from }

// listView is the elements of a list, in either form, as they are as long as nobody
// changes them. Three ways lead to one: listLook for a look under the lock, listPin
// for a long one beside the writer, listNow for the writer's own. The zero value is a
// list without elements.
type listView struct {
	blob  string             // of a small list
	items *tree.Tree[string] // of a large one, else nil
}

// listLook calls fn with the elements of e, a list or nil, with its lock held.
func (x *exec) listLook(e *table.Entry, fn func(v listView)) {
	switch {
	case e == nil:
		fn(listView{})
	case e.Kind() == table.SmallList:
		fn(listView{blob: e.Text()})
	default:
		l := e.Body().(*bigList)
		x.enter(&l.collection)
		defer l.mu.RUnlock()
		fn(listView{items: &l.items})
	}
}

// listPin is the elements of e, a list or nil, as they are now and stay. O(1).
func (x *exec) listPin(e *table.Entry) listView {
	if e == nil || e.Kind() == table.SmallList {
		return x.listNow(e)
	}
	l := e.Body().(*bigList)
	x.enterToPin(&l.collection)
	defer l.mu.Unlock()
	return listView{items: l.items.Clone()}
}

// listNow is the elements of e, a list or nil, until they change. For the writer,
// who needs no lock to read: nobody else changes them.
func (x *exec) listNow(e *table.Entry) listView {
	switch {
	case e == nil:
		return listView{}
	case e.Kind() == table.SmallList:
		return listView{blob: e.Text()}
	}
	return listView{items: &e.Body().(*bigList).items}
}

func (v listView) len() int {
	switch {
	case v.items != nil:
		return v.items.Len()
	case v.blob == "":
		return 0
	}
	return blobLen(v.blob)
}

// at is element i. REQUIRES: 0 <= i < len.
func (v listView) at(i int) string {
	if v.items != nil {
		return v.items.At(i)
	}
	for item := range v.from(i) {
		return item
	}
	return ""
}

// from yields the elements from index i on, in order.
func (v listView) from(i int) iter.Seq[string] {
	if v.items != nil {
		return v.items.From(i)
	}
	return blobFrom(v.blob, i)
}

// down yields the elements from index i on in the opposite order. REQUIRES: i < len.
func (v listView) down(i int) iter.Seq[string] {
	if v.items != nil {
		return v.items.Down(i)
	}
	all := v.slice(span{0, i + 1})
	slices.Reverse(all)
	return slices.Values(all)
}

// slice is the elements of s.
func (v listView) slice(s span) []string {
	out := make([]string, 0, s.len())
	if s.len() == 0 {
		return out
	}
	for item := range v.from(s.from) {
		if out = append(out, item); len(out) == s.len() {
			break
		}
	}
	return out
}

// without is the elements that are in none of gone, which are in order.
func (v listView) without(gone []span) []string {
	out := make([]string, 0, 8)
	at := 0
	for _, s := range gone {
		out = append(out, v.slice(span{at, s.from})...)
		at = s.to
	}
	return append(out, v.slice(span{at, v.len()})...)
}
