package store

import (
	"github.com/understudy-go/understudy/store/internal/tree"
)

// bigList is a list in a tree.
type bigList struct {
	collection
	items tree.Tree[string]
}

func (l *bigList) fork() forkable {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := &bigList{items: *l.items.Clone()}
	n.Charge(l.Bytes())
	return n
}

func (l *bigList) copied() int64 { return copiedBytes(l.items.Copied(), l.Bytes(), l.items.Len()) }

// copiedBytes is what items of a tree of all items take that hold bytes in sum.
func copiedBytes(items int, bytes int64, all int) int64 {
	return int64(items) * bytes / int64(max(all, 1))
}
