package store

import (
	"iter"
	"math"

	"github.com/understudy-go/understudy/store/internal/table"
)

// onSorted runs fn with the sorted set at key, nil if there is none, against one
// instant. fn may be run again, when a writer came in between.
func (d reads) onSorted(key string, fn func(x *exec, e *table.Entry)) (err error) {
	if e := d.many(func(x *exec) {
		var e *table.Entry
		if e, err = x.sorted(key); err == nil {
			fn(x, e)
		}
	}); e != nil {
		return e
	}
	return err
}

// ZCard is the number of members of the sorted set at key, 0 if there is none. The
// error is [ErrWrongType]. O(1).
func (d reads) ZCard(key string) (n int, err error) {
	err = d.onSorted(key, func(x *exec, e *table.Entry) { n = x.sortedLen(e) })
	if err != nil {
		return 0, err
	}
	return n, nil
}

// ZScore returns a member's score, [ErrNotFound] if the key or the member is not there,
// or [ErrWrongType]. O(1); in a small set O(n), at most 128.
func (d reads) ZScore(key, member string) (score float64, err error) {
	var ok bool
	err = d.onSorted(key, func(x *exec, e *table.Entry) { score, ok = x.zscore(e, member) })
	return found(score, ok, err)
}

// ZRank is how many members come before a member, [ErrNotFound] if the key or the
// member is not there, or [ErrWrongType]. O(log n).
func (d reads) ZRank(key, member string) (int, error) { return d.zrank(key, member, false) }

// ZRevRank is how many members come behind a member. Errors and cost are ZRank's.
func (d reads) ZRevRank(key, member string) (int, error) { return d.zrank(key, member, true) }

func (d reads) zrank(key, member string, reverse bool) (rank int, err error) {
	var ok bool
	err = d.onSorted(key, func(x *exec, e *table.Entry) { rank, _, ok = x.zrank(e, member, reverse) })
	return found(rank, ok, err)
}

// found is v if there was one.
func found[T any](v T, ok bool, err error) (T, error) {
	if err == nil && !ok {
		err = ErrNotFound
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return v, nil
}

// ZCount is the number of members in a range, of which Offset and Limit do not count.
// The error is [ErrWrongType]. O(log n).
func (d reads) ZCount(key string, r ZRange) (n int, err error) {
	err = d.onSorted(key, func(x *exec, e *table.Entry) { n = x.zcount(e, &r) })
	if err != nil {
		return 0, err
	}
	return n, nil
}

// ZRange returns the members of a range with their scores, in its order. The error is
// [ErrWrongType]; of a key that is not there the range is empty.
//
// What is returned is of the instant of the call, may be used any number of times,
// and for as long as one likes: a large set is pinned, O(1), and its writers copy what
// they change from then on, node by node. O(log n), then O(1) a member.
func (d reads) ZRange(key string, r ZRange) (iter.Seq2[string, float64], error) {
	var o order
	err := d.onSorted(key, func(x *exec, e *table.Entry) { o = x.pinned(e) })
	if err != nil {
		return func(func(string, float64) bool) {}, err
	}
	i, j := r.window(o)
	return func(yield func(string, float64) bool) {
		for it := range o.walk(i, j, r.Reverse) {
			if !yield(it.Member, it.Score) {
				return
			}
		}
	}, nil
}

// ZAdd gives members, at least one, their scores and returns how many are new. It makes
// a sorted set if there is none. The error is [ErrWrongType], or [ErrNotFloat] for a
// NaN; then nothing has changed. O(log n) a member; in a small
// set O(n), at most 128.
func (d writes) ZAdd(key string, items ...Scored) (added int, err error) {
	if len(items) == 0 {
		return 0, &Error{wrongArity("zadd").Str}
	}
	args := append(make([]string, 0, 2+2*len(items)), "ZADD", key)
	for _, it := range items {
		if math.IsNaN(it.Score) {
			return 0, ErrNotFloat
		}
		args = append(args, formatScore(it.Score), it.Member)
	}
	err = d.write(func(x *exec) error {
		res, err := x.zadd(key, items, zaddOptions{})
		if added = res.added; added+res.changed > 0 {
			x.c.effect(x.db, args...)
		}
		return err
	})
	return added, err
}

// ZIncr adds delta to a member's score, 0 if it is not there, and returns the sum. The
// error is [ErrWrongType], or [ErrNotFloat] where the sum would be NaN. O(log n).
func (d writes) ZIncr(key, member string, delta float64) (sum float64, err error) {
	err = d.write(func(x *exec) error {
		res, err := x.zadd(key, []Scored{{delta, member}}, zaddOptions{incr: true})
		if res.added+res.changed > 0 {
			x.c.effect(x.db, "ZINCRBY", key, formatScore(delta), member)
		}
		sum = res.score
		return err
	})
	if err == errNaN {
		err = ErrNotFloat
	}
	return sum, err
}

// ZRem removes members and returns how many were there. A sorted set without members is
// removed. The error is [ErrWrongType]. O(log n) a member.
func (d writes) ZRem(key string, members ...string) (removed int, err error) {
	err = d.write(func(x *exec) (err error) {
		removed, err = x.zrem(key, members)
		return err
	})
	return removed, err
}

// ZRemRange removes the members of a range, of which Offset and Limit do not count, and
// returns how many there were. The error is [ErrWrongType]. O(log n + members removed).
func (d writes) ZRemRange(key string, r ZRange) (removed int, err error) {
	err = d.write(func(x *exec) (err error) {
		removed, err = x.zremRange(key, &r)
		return err
	})
	return removed, err
}

// ZPopMin removes the member with the lowest score of the sorted set at key and returns
// it. The error is [ErrNotFound] if there is no such key, or [ErrWrongType]. O(log n);
// in a small set O(n), at most 128.
func (d writes) ZPopMin(key string) (member string, score float64, err error) {
	return d.zpopOne(key, false)
}

// ZPopMax is ZPopMin of the highest score.
func (d writes) ZPopMax(key string) (member string, score float64, err error) {
	return d.zpopOne(key, true)
}

func (d writes) zpopOne(key string, highest bool) (member string, score float64, err error) {
	it, err := onlyOne(d.zpop(key, highest, -1))
	return it.Member, it.Score, err
}

// ZPopMinN removes up to count members with the lowest scores and returns them, the
// lowest first; none if there is no such key. The error is [ErrWrongType], or of a
// count below 0. O(log n + count).
func (d writes) ZPopMinN(key string, count int) ([]Scored, error) {
	return d.zpopMany(key, false, count)
}

// ZPopMaxN is ZPopMinN of the highest scores, the highest first.
func (d writes) ZPopMaxN(key string, count int) ([]Scored, error) {
	return d.zpopMany(key, true, count)
}

func (d writes) zpopMany(key string, highest bool, count int) ([]Scored, error) {
	if count < 0 {
		return nil, errPositive
	}
	return d.zpop(key, highest, int64(count))
}

func (d writes) zpop(key string, highest bool, count int64) (items []Scored, err error) {
	err = d.write(func(x *exec) (err error) {
		items, err = x.zpop(key, highest, count)
		return err
	})
	return items, err
}
