package tree

import (
	"slices"
)

// fan is the most items of a leaf, and the most children of an inner node. A leaf of so
// many strings, or of items half as large again, and an inner node of strings just fit
// into what the allocator has for them, 1024, 1536 and 2048 bytes, with the 8 that it
// wants for itself.
const fan = 61

// A Tree is a sequence of items, each found by its index in O(log n). The zero
// value is empty. One goroutine at a time may use it, readers included, except
// that any number may read while nobody writes.
type Tree[T any] struct {
	// Weigh, unless nil, is what an item refers to, in bytes: see Weight. Set it before
	// the first item comes.
	Weigh func(item T) int64

	root   *node[T]
	mine   *owner
	copied int
	weight int64
}

// owner marks the nodes that only one tree reaches. Its address is its meaning, so
// it must not be of size 0.
type owner struct{ _ byte }

// node is a leaf, which has no kids, or an inner node.
//
// Invariants: 1 <= len(items) <= fan, in the root too, which is nil rather than
// empty; all leaves have the same depth; an inner node has as many kids and sizes
// as items, items[i] is the first item below kids[i] and sizes[i] their number.
type node[T any] struct {
	owner     *owner
	items     []T
	*inner[T] // nil in a leaf
}

// inner is what an inner node has beside the items. Leaves are many, and small without
// it: more of them stay in the processor's cache, though their items do not.
type inner[T any] struct {
	kids  []*node[T]
	sizes []int
}

// newInner returns an inner node of copies of the slices, with room for as many as there
// may be. All of it is one allocation.
func (t *Tree[T]) newInner(items []T, kids []*node[T], sizes []int) *node[T] {
	n := &struct {
		node  node[T]
		inner inner[T]
		items [fan]T
		kids  [fan]*node[T]
		sizes [fan]int
	}{}
	n.inner = inner[T]{append(n.kids[:0], kids...), append(n.sizes[:0], sizes...)}
	n.node = node[T]{t.token(), append(n.items[:0], items...), &n.inner}
	return &n.node
}

// newLeaf returns a leaf of copies of items, with room for as many as there may be. Both
// are one allocation.
func (t *Tree[T]) newLeaf(items ...T) *node[T] {
	n := &struct {
		node  node[T]
		items [fan]T
	}{}
	n.node = node[T]{owner: t.token(), items: append(n.items[:0], items...)}
	return &n.node
}

// Len is the number of items. O(1) for a leaf, else O(fan).
func (t *Tree[T]) Len() int {
	if t.root == nil {
		return 0
	}
	return t.root.len()
}

// Clone returns a tree of the same items. O(1): both share all nodes, and each
// copies what it changes from now on, one node at a time.
func (t *Tree[T]) Clone() *Tree[T] {
	t.mine = nil
	return &Tree[T]{Weigh: t.Weigh, root: t.root}
}

// Branch is Clone of a tree that is not changed any more, as long as it lives: it takes
// nothing from t, so that any number may call it at the same time. O(1).
func (t *Tree[T]) Branch() *Tree[T] { return &Tree[T]{Weigh: t.Weigh, root: t.root} }

// Copied is the number of items in nodes that t let go since it was last asked,
// because a clone shares them: those that it had to copy, or deleted as a whole.
func (t *Tree[T]) Copied() int {
	n := t.copied
	t.copied = 0
	return n
}

// Weight is what the items weigh in the leaves that t copied since it was last asked:
// as long as they stay, a clone shares what they refer to. Those that were deleted with
// their node are not among them.
func (t *Tree[T]) Weight() int64 {
	n := t.weight
	t.weight = 0
	return n
}

// At returns item i. REQUIRES: 0 <= i < Len. O(log n).
func (t *Tree[T]) At(i int) T {
	n := t.root
	for n.inner != nil {
		k := 0
		k, i = n.kid(i)
		n = n.kids[k]
	}
	return n.items[i]
}

// Search returns the index of the first item for which after is true, Len if there
// is none. REQUIRES: after is false for a number of items and true for all behind
// them. O(log n) calls.
func (t *Tree[T]) Search(after func(T) bool) int {
	at, n := 0, t.root
	if n == nil {
		return 0
	}
	for n.inner != nil {
		// The first kid that begins with such an item; the one before may end with some.
		k := max(firstAfter(n.items, after)-1, 0)
		for _, size := range n.sizes[:k] {
			at += size
		}
		n = n.kids[k]
	}
	return at + firstAfter(n.items, after)
}

// stride is how many items firstAfter steps over at first.
const stride = 8

// firstAfter takes two strides where halving would take six steps: each of those waits
// for the one before, and for memory in a large tree, while the processor looks ahead
// along a stride.
func firstAfter[T any](items []T, after func(T) bool) int {
	at := 0
	for at+stride <= len(items) && !after(items[at+stride-1]) {
		at += stride
	}
	for at < len(items) && !after(items[at]) {
		at++
	}
	return at
}

// Set replaces item i by v. REQUIRES: 0 <= i < Len. O(log n).
func (t *Tree[T]) Set(i int, v T) {
	t.root = t.own(t.root)
	for n := t.root; ; {
		if n.inner == nil {
			n.items[i] = v
			return
		}
		k, at := n.kid(i)
		if at == 0 {
			n.items[k] = v
		}
		n.kids[k] = t.own(n.kids[k])
		n, i = n.kids[k], at
	}
}

// Insert puts v before item i, at the end for i = Len. REQUIRES: 0 <= i <= Len.
// O(log n).
func (t *Tree[T]) Insert(i int, v T) {
	if t.root == nil {
		t.root = t.newLeaf(v)
		return
	}
	t.root = t.own(t.root)
	if right := t.insert(t.root, i, v); right != nil {
		left := t.root
		t.root = t.newInner([]T{left.items[0], right.items[0]}, []*node[T]{left, right}, []int{left.len(), right.len()})
	}
}

// insert inserts below n, which is t's own, and returns the node that must follow n
// if n had to be split.
func (t *Tree[T]) insert(n *node[T], i int, v T) (right *node[T]) {
	if n.inner == nil {
		if len(n.items) == fan {
			return t.splitLeaf(n, i, v)
		}
		n.items = slices.Insert(n.items, i, v)
		return nil
	}
	k, at := n.place(i)
	if i == 0 {
		n.items[0] = v
	}
	n.kids[k] = t.own(n.kids[k])
	n.sizes[k]++
	kid := t.insert(n.kids[k], at, v)
	n.items[k] = n.kids[k].items[0]
	if kid == nil {
		return nil
	}
	n.sizes[k] = n.kids[k].len()
	if len(n.kids) == fan {
		right = t.split(n, splitAt(k))
		if k+1 > len(n.kids) {
			n, k = right, k-len(n.kids)
		}
	}
	n.adopt(k+1, kid)
	return right
}

// splitLeaf inserts v at i into the full leaf n and returns its right half. At
// either end only v goes into a new leaf: what is filled in order stays full.
func (t *Tree[T]) splitLeaf(n *node[T], i int, v T) *node[T] {
	switch i {
	case fan:
		return t.newLeaf(v)
	case 0:
		right := t.newLeaf(n.items...)
		n.items = slices.Delete(n.items, 1, fan)
		n.items[0] = v
		return right
	}
	right := t.split(n, fan/2)
	if i <= fan/2 {
		n.items = slices.Insert(n.items, i, v)
	} else {
		right.items = slices.Insert(right.items, i-fan/2, v)
	}
	return right
}

// splitAt is where to split a full inner node whose kid k was split: in the middle,
// or before its end where the tree grows.
func splitAt(k int) int {
	if k == fan-1 {
		return fan - 1
	}
	return fan / 2
}

// split moves what stands from at on in n to a new node.
func (t *Tree[T]) split(n *node[T], at int) (right *node[T]) {
	if n.inner == nil {
		right = t.newLeaf(n.items[at:]...)
	} else {
		right = t.newInner(n.items[at:], n.kids[at:], n.sizes[at:])
		n.kids, n.sizes = slices.Delete(n.kids, at, len(n.kids)), n.sizes[:at]
	}
	n.items = slices.Delete(n.items, at, len(n.items))
	return right
}

// Delete removes the items from i up to and not including j. REQUIRES: 0 <= i <= j
// <= Len. O(log n), and O(1) for each node that goes.
func (t *Tree[T]) Delete(i, j int) {
	switch {
	case i == j:
		return
	case j-i == t.Len():
		t.letGo(t.root, j-i)
		t.root = nil
		return
	}
	t.root = t.own(t.root)
	if j == i+1 {
		t.removeOne(t.root, i)
	} else {
		t.remove(t.root, i, j)
	}
	for t.root.inner != nil && len(t.root.kids) == 1 {
		t.root = t.root.kids[0]
	}
}

// removeOne deletes item i below n, which is t's own and has others. It is remove for
// what most deletions are.
func (t *Tree[T]) removeOne(n *node[T], i int) {
	if n.inner == nil {
		n.items = slices.Delete(n.items, i, i+1)
		return
	}
	k, at := n.kid(i)
	if n.sizes[k] == 1 {
		t.letGo(n.kids[k], 1)
		n.drop(k, k+1)
		return
	}
	n.kids[k] = t.own(n.kids[k])
	t.removeOne(n.kids[k], at)
	n.sizes[k]--
	n.items[k] = n.kids[k].items[0]
	t.settle(n, k)
}

// remove deletes below n, which is t's own, some of its items and not all.
func (t *Tree[T]) remove(n *node[T], i, j int) {
	if n.inner == nil {
		n.items = slices.Delete(n.items, i, j)
		return
	}
	first, last := -1, -1 // kids that go as a whole
	edges := [2]int{-1, -1}
	for k, start := 0, 0; k < len(n.kids) && start < j; k++ {
		size := n.sizes[k]
		from, to := max(i-start, 0), min(j-start, size)
		start += size
		switch {
		case from >= to:
		case to-from == size:
			t.letGo(n.kids[k], size)
			if first < 0 {
				first = k
			}
			last = k
		default:
			n.kids[k] = t.own(n.kids[k])
			t.remove(n.kids[k], from, to)
			n.sizes[k] -= to - from
			n.items[k] = n.kids[k].items[0]
			edges[1] = k
			if edges[0] < 0 {
				edges[0] = k
			}
		}
	}
	gone := 0
	if first >= 0 {
		gone = last - first + 1
		n.drop(first, last+1)
	}
	if edges[1] > last {
		edges[1] -= gone
	}
	if edges[0] > last {
		edges[0] -= gone
	}
	for _, k := range []int{edges[1], edges[0]} { // the later first: merging moves what is behind
		if k >= 0 && k < len(n.kids) {
			t.settle(n, k)
		}
	}
}

// letGo counts those of n's size items that a clone shares, before n goes.
func (t *Tree[T]) letGo(n *node[T], size int) {
	if n.owner != t.token() {
		t.copied += size
		return
	}
	if n.inner == nil {
		return
	}
	for k, kid := range n.kids {
		t.letGo(kid, n.sizes[k])
	}
}

// settle merges kid k of n, if it became small, with a neighbour that has room.
func (t *Tree[T]) settle(n *node[T], k int) {
	if len(n.kids[k].items) >= fan/4 {
		return
	}
	if k > 0 && len(n.kids[k-1].items)+len(n.kids[k].items) <= fan {
		t.merge(n, k-1)
	} else if k+1 < len(n.kids) && len(n.kids[k].items)+len(n.kids[k+1].items) <= fan {
		t.merge(n, k)
	}
}

// merge moves all of kid k+1 to kid k.
func (t *Tree[T]) merge(n *node[T], k int) {
	left, right := t.own(n.kids[k]), n.kids[k+1]
	if right.owner != t.token() {
		t.count(right)
	}
	left.items = append(left.items, right.items...)
	if left.inner != nil {
		left.kids, left.sizes = append(left.kids, right.kids...), append(left.sizes, right.sizes...)
	}
	n.kids[k] = left
	n.sizes[k] += n.sizes[k+1]
	n.drop(k+1, k+2)
}

// token is what the nodes that t makes are marked with.
func (t *Tree[T]) token() *owner {
	if t.mine == nil {
		t.mine = new(owner)
	}
	return t.mine
}

// own returns n if only t reaches it, else a copy.
func (t *Tree[T]) own(n *node[T]) *node[T] {
	if n.owner == t.token() {
		return n
	}
	t.count(n)
	if n.inner == nil {
		return t.newLeaf(n.items...)
	}
	return t.newInner(n.items, n.kids, n.sizes)
}

// count counts the items of n, which a clone shares and t is about to copy.
func (t *Tree[T]) count(n *node[T]) {
	t.copied += len(n.items)
	if n.inner != nil || t.Weigh == nil {
		return
	}
	for _, v := range n.items {
		t.weight += t.Weigh(v)
	}
}

func (n *node[T]) len() (sum int) {
	if n.inner == nil {
		return len(n.items)
	}
	for _, size := range n.sizes {
		sum += size
	}
	return sum
}

// kid finds item i: below which kid, and where there.
func (n *node[T]) kid(i int) (k, at int) {
	for i >= n.sizes[k] {
		i -= n.sizes[k]
		k++
	}
	return k, i
}

// place is kid for an insertion before item i: at the end of a kid rather than at
// the beginning of the next.
func (n *node[T]) place(i int) (k, at int) {
	for i > n.sizes[k] {
		i -= n.sizes[k]
		k++
	}
	return k, i
}

// adopt makes kid the k-th of n. REQUIRES: room.
func (n *node[T]) adopt(k int, kid *node[T]) {
	n.items = slices.Insert(n.items, k, kid.items[0])
	n.kids = slices.Insert(n.kids, k, kid)
	n.sizes = slices.Insert(n.sizes, k, kid.len())
}

// drop takes kids from up to and not including to out of n.
func (n *node[T]) drop(from, to int) {
	n.items = slices.Delete(n.items, from, to)
	n.kids = slices.Delete(n.kids, from, to)
	n.sizes = slices.Delete(n.sizes, from, to)
}
