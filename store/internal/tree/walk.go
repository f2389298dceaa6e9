package tree

import "iter"

// From yields the items from index i on, in order. O(log n) to begin, then O(1)
// each. REQUIRES: 0 <= i.
func (t *Tree[T]) From(i int) iter.Seq[T] {
	return func(yield func(T) bool) {
		if t.root != nil && i < t.Len() {
			t.root.ascend(i, yield)
		}
	}
}

// Down yields the items from index i on in the opposite order. REQUIRES: i < Len.
func (t *Tree[T]) Down(i int) iter.Seq[T] {
	return func(yield func(T) bool) {
		if t.root != nil && i >= 0 {
			t.root.descend(i, yield)
		}
	}
}

func (n *node[T]) ascend(i int, yield func(T) bool) bool {
	if n.inner == nil {
		for _, v := range n.items[i:] {
			if !yield(v) {
				return false
			}
		}
		return true
	}
	k, at := n.kid(i)
	for ; k < len(n.kids); k++ {
		if !n.kids[k].ascend(at, yield) {
			return false
		}
		at = 0
	}
	return true
}

func (n *node[T]) descend(i int, yield func(T) bool) bool {
	if n.inner == nil {
		for ; i >= 0; i-- {
			if !yield(n.items[i]) {
				return false
			}
		}
		return true
	}
	k, at := n.kid(i)
	for {
		if !n.kids[k].descend(at, yield) {
			return false
		}
		if k--; k < 0 {
			return true
		}
		at = n.sizes[k] - 1
	}
}
