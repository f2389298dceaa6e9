package store

import (
	"iter"
	"math"

	"github.com/understudy-go/understudy/store/internal/table"
)

// onList runs fn with the list at key, nil if there is none, against one instant. fn
// may be run again, when a writer came in between.
func (d reads) onList(key string, fn func(x *exec, e *table.Entry)) error {
	return d.on(key, (*exec).list, fn)
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
	return found(value, ok, err)
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
// [ErrWrongType]. O(elements looked at). Redis 6.0.6.
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

// LPush puts values, at least one, to the beginning of the list at key, one by one, so
// that the last is the first then, and returns the new length. It makes a list if there is none.
// The error is [ErrWrongType]. O(log n) a value; a small list, up to 8 KB, is copied.
func (d writes) LPush(key string, values ...string) (n int, err error) {
	return d.push(key, Left, false, values)
}

// RPush puts values to the end of the list at key, in order, and is otherwise like
// LPush.
func (d writes) RPush(key string, values ...string) (n int, err error) {
	return d.push(key, Right, false, values)
}

// LPushX is LPush to a list that is there: where there is none it makes none and
// returns 0.
func (d writes) LPushX(key string, values ...string) (n int, err error) {
	return d.push(key, Left, true, values)
}

// RPushX is RPush to a list that is there, as LPushX is LPush.
func (d writes) RPushX(key string, values ...string) (n int, err error) {
	return d.push(key, Right, true, values)
}

func (d writes) push(key string, at Side, ifThere bool, values []string) (n int, err error) {
	if len(values) == 0 {
		return 0, &Error{wrongArity(at.word()[:1] + "PUSH").Str}
	}
	err = d.grow(func(x *exec) (err error) {
		n, err = x.lpush(key, at, ifThere, values)
		return err
	})
	return n, err
}

// LPop removes the first element of the list at key and returns it. A list without
// elements is removed. The error is [ErrNotFound] when there is no list, or
// [ErrWrongType]. O(log n); a small list, up to 8 KB, is copied.
func (d writes) LPop(key string) (string, error) { return d.popOne(key, Left) }

// RPop removes the last element of the list at key and is otherwise like LPop.
func (d writes) RPop(key string) (string, error) { return d.popOne(key, Right) }

func (d writes) popOne(key string, at Side) (string, error) { return onlyOne(d.pop(key, at, -1)) }

// LPopN removes up to count elements from the beginning of the list at key and
// returns them: none if there is no list. The error is [ErrWrongType], or of a count
// below 0. O(log n + count). Redis 6.2.
func (d writes) LPopN(key string, count int) ([]string, error) { return d.popMany(key, Left, count) }

// RPopN removes from the end, the last element first, and is otherwise like LPopN.
func (d writes) RPopN(key string, count int) ([]string, error) { return d.popMany(key, Right, count) }

func (d writes) popMany(key string, at Side, count int) ([]string, error) {
	if count < 0 {
		return nil, errPositive
	}
	return d.pop(key, at, int64(count))
}

func (d writes) pop(key string, at Side, count int64) (items []string, err error) {
	err = d.write(func(x *exec) (err error) {
		items, err = x.lpop(key, at, count)
		return err
	})
	return items, err
}

// LMPop removes up to count elements, at least one, from a side of the first of keys
// that is there, and returns them with the name of their key: none if none is there. The
// error is [ErrWrongType] when what is there is no list, or of a count below 1.
// O(keys + log n + count). Redis 7.0.
func (d writes) LMPop(from Side, count int, keys ...string) (key string, items []string, err error) {
	if err := checkMPop(count, keys); err != nil {
		return "", nil, err
	}
	err = d.write(func(x *exec) (err error) {
		key, items, err = x.lmpop(keys, from, int64(count))
		return err
	})
	return key, items, err
}

// checkMPop looks at what LMPop and its kin have in common.
func checkMPop(count int, keys []string) error {
	switch {
	case len(keys) == 0:
		return errNoKeys
	case count < 1:
		return errNoCount
	}
	return nil
}

// LSet replaces element i of the list at key; negative numbers count from the end.
// The error is [ErrNoKey], [ErrIndex] or [ErrWrongType]. O(log n); a small list, up
// to 8 KB, is copied.
func (d writes) LSet(key string, i int, value string) error {
	return d.grow(func(x *exec) error { return x.lset(key, int64(i), value) })
}

// LInsert inserts value before ([Left]) or behind ([Right]) the first element that
// equals pivot, and returns the new length: -1 if there is no such element, 0 if
// there is no list. The error is [ErrWrongType]. O(elements before the pivot).
func (d writes) LInsert(key string, side Side, pivot, value string) (n int, err error) {
	err = d.grow(func(x *exec) (err error) {
		n, err = x.linsert(key, side, pivot, value)
		return err
	})
	return n, err
}

// LRem removes the first count elements that equal value, the last ones for a
// negative count, all for 0, and returns how many there were. The error is
// [ErrWrongType]. O(elements looked at + removed*log n).
func (d writes) LRem(key string, count int, value string) (removed int, err error) {
	err = d.write(func(x *exec) (err error) {
		removed, err = x.lrem(key, int64(count), value)
		return err
	})
	return removed, err
}

// LTrim removes all elements but those from start to stop, both included; negative
// numbers count from the end. The error is [ErrWrongType]. O(log n + removed).
func (d writes) LTrim(key string, start, stop int) error {
	return d.write(func(x *exec) error { return x.ltrim(key, int64(start), int64(stop)) })
}

// LMove takes an element from a side of one list, puts it to a side of another or of
// the same, and returns it. The error is [ErrNotFound] when there is no list to take
// from, or [ErrWrongType]. O(log n); a small list, up to 8 KB, is copied. Redis 6.2.
func (d writes) LMove(from, to string, take, put Side) (value string, err error) {
	err = d.grow(func(x *exec) error {
		v, ok, err := x.lmove("LMOVE", from, to, take, put)
		if err == nil && !ok {
			err = ErrNotFound
		}
		value = v
		return err
	})
	return value, err
}
