package store

import (
	"iter"
	"math"

	"github.com/understudy-go/understudy/store/internal/table"
)

// onList runs fn with the list at key, nil if there is none, against one instant. fn
// may be run again, when a writer came in between.
func (d reads) onList(key string, fn func(x *exec, e *table.Entry)) (err error) {
	if e := d.many(func(x *exec) {
		var e *table.Entry
		if e, err = x.list(key); err == nil {
			fn(x, e)
		}
	}); e != nil {
		return e
	}
	return err
}

// LLen is the number of elements of the list at key, 0 if there is none. The error is
// [ErrWrongType]. O(1).
func (d reads) LLen(key string) (n int, err error) {
	err = d.onList(key, func(x *exec, e *table.Entry) { n = x.listLen(e) })
	if err != nil {
		return 0, err
	}
	return n, nil
}

// LIndex returns element i of the list at key; negative numbers count from the end,
// -1 being the last. The error is [ErrNotFound] when there is no such list or
// element, or [ErrWrongType]. O(log n); in a small list O(i), at most 128.
func (d reads) LIndex(key string, i int) (value string, err error) {
	var ok bool
	err = d.onList(key, func(x *exec, e *table.Entry) { value, ok = x.listIndex(e, int64(i)) })
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "", ErrNotFound
	}
	return value, nil
}

// LRange returns the elements of the list at key from start to stop, both included;
// negative numbers count from the end, so 0 and -1 are all of it. What there is not
// is left out. The error is [ErrWrongType]. O(log n + elements returned), without
// holding up writers for more than a few of them.
func (d reads) LRange(key string, start, stop int) (items []string, err error) {
	err = d.onList(key, func(x *exec, e *table.Entry) { items = x.listRange(e, int64(start), int64(stop)) })
	if err != nil {
		return nil, err
	}
	return items, nil
}

// LItems yields the elements of the list at key in order, as they were when
// LItems returned: none if there is no such list. The loop's body may take its
// time and may write, and the sequence may be walked again. It holds on to these
// elements, and no lock or snapshot. The error is [ErrWrongType]. O(1), and O(1) each
// element.
func (d reads) LItems(key string) (items iter.Seq[string], err error) {
	err = d.onList(key, func(x *exec, e *table.Entry) { items = x.listItems(e) })
	if err != nil {
		return func(func(string) bool) {}, err
	}
	return items, nil
}

// LPosOptions say which matches LPos returns. The zero value is the first.
type LPosOptions struct {
	// Rank is the number of the match to begin with, from 1, or, counted from the
	// end towards the beginning, from -1. 0 is 1.
	Rank int
	// Count is the most matches to return; 0 is 1, below 0 all.
	Count int
	// MaxLen is the most elements to look at; 0 for all.
	MaxLen int
}

// LPos returns the indexes of elements of the list at key that equal value, in the
// order in which they are met; nil options find the first. The error is
// [ErrWrongType]. O(elements looked at).
func (d reads) LPos(key, value string, o *LPosOptions) (at []int, err error) {
	rank, count, limit := int64(1), int64(1), int64(math.MaxInt64)
	if o != nil {
		rank, count, limit = o.plain()
	}
	err = d.onList(key, func(x *exec, e *table.Entry) { at = x.listPositions(e, value, rank, count, limit) })
	if err != nil {
		return nil, err
	}
	return at, nil
}

// plain is the options without numbers that stand for something else.
func (o LPosOptions) plain() (rank, count, limit int64) {
	rank, count, limit = max(int64(o.Rank), -math.MaxInt64), int64(o.Count), int64(o.MaxLen)
	if rank == 0 {
		rank = 1
	}
	if count == 0 {
		count = 1
	} else if count < 0 {
		count = math.MaxInt64
	}
	if limit <= 0 {
		limit = math.MaxInt64
	}
	return rank, count, limit
}
