package store

import (
	"iter"
	"math"

	"github.com/understudy-go/understudy/store/internal/table"
)

// onSorted runs fn with the sorted set at key, nil if there is none, against one
// instant. fn may be run again, when a writer came in between.
func (d reads) onSorted(key string, fn func(x *exec, e *table.Entry)) error {
	return d.on(key, (*exec).sorted, fn)
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

// A ScoreResult is the score of one of several members.
type ScoreResult struct {
	Score float64
	OK    bool // false: no such member
}

// ZMScore returns the scores of members, all as of one instant. The error is
// [ErrWrongType]. O(1) a member, as ZScore. Redis 6.2.
func (d reads) ZMScore(key string, members ...string) ([]ScoreResult, error) {
	out := make([]ScoreResult, len(members))
	err := d.onSorted(key, func(x *exec, e *table.Entry) {
		for i, m := range members {
			out[i].Score, out[i].OK = x.zscore(e, m)
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ZRank is how many members come before a member, [ErrNotFound] if the key or the
// member is not there, or [ErrWrongType]. O(log n).
func (d reads) ZRank(key, member string) (int, error) {
	rank, _, err := d.zrank(key, member, false)
	return rank, err
}

// ZRevRank is how many members come behind a member. Errors and cost are ZRank's.
func (d reads) ZRevRank(key, member string) (int, error) {
	rank, _, err := d.zrank(key, member, true)
	return rank, err
}

// ZRankWithScore is ZRank and ZScore of one instant. Redis 7.2.
func (d reads) ZRankWithScore(key, member string) (rank int, score float64, err error) {
	return d.zrank(key, member, false)
}

// ZRevRankWithScore is ZRevRank and ZScore of one instant. Redis 7.2.
func (d reads) ZRevRankWithScore(key, member string) (rank int, score float64, err error) {
	return d.zrank(key, member, true)
}

func (d reads) zrank(key, member string, reverse bool) (rank int, score float64, err error) {
	var ok bool
	err = d.onSorted(key, func(x *exec, e *table.Entry) { rank, score, ok = x.zrank(e, member, reverse) })
	if _, err = found(rank, ok, err); err != nil {
		return 0, 0, err
	}
	return rank, score, nil
}

// ZRandMember returns a random member of the sorted set at key, and its score. The error
// is [ErrNotFound] if there is no such key, or [ErrWrongType]. O(log n). Redis 6.2.
func (d reads) ZRandMember(key string) (member string, score float64, err error) {
	it, err := onlyOne(d.ZRandMemberN(key, 1))
	return it.Member, it.Score, err
}

// ZRandMemberN returns random members of the sorted set at key: up to count different
// ones, or, for a negative count, that many, each picked anew. None if there is no such
// key. The error is [ErrWrongType], or that of a count below -1048576. O(|count|*log n),
// at most O(n) for a count above 0. Redis 6.2.
func (d reads) ZRandMemberN(key string, count int) (items []Scored, err error) {
	bad := false
	err = d.onSorted(key, func(x *exec, e *table.Entry) {
		if bad = e != nil && count < -mostRepeated; !bad {
			items = x.zrandom(e, int64(count))
		}
	})
	if err == nil && bad {
		err = errCount
	}
	if err != nil {
		return nil, err
	}
	return items, nil
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

// ZRangeStore makes the range of the sorted set at from the value of key to, in place of
// whatever is there, and returns the number of members. Where there are none, to is
// removed. The error is [ErrWrongType]. O(log n + members stored). Redis 6.2.
func (d writes) ZRangeStore(to, from string, r ZRange) (n int, err error) {
	err = d.grow(func(x *exec) (err error) {
		n, err = x.zrangeStore(to, from, &r, r.storeEffect(to, from)...)
		return err
	})
	return n, err
}

// ZAdd gives members, at least one, their scores and returns how many are new. It makes
// a sorted set if there is none. The error is [ErrWrongType], or [ErrNotFloat] for a
// NaN; then nothing has changed. O(log n) a member; in a small set O(n), at most 128.
func (d writes) ZAdd(key string, items ...Scored) (added int, err error) {
	added, _, err = d.ZAddWith(key, nil, items...)
	return added, err
}

// ZAddOptions are conditions of ZAddWith and ZIncrWith, on each member. The zero value is
// none. NX goes with none of the others, GT and LT not with each other.
type ZAddOptions struct {
	NX bool // only members that are not there yet
	XX bool // only members that are there
	GT bool // of members that are there, only to higher scores
	LT bool // of members that are there, only to lower scores
}

// plain is the options as the commands have them, nil for none.
func (o *ZAddOptions) plain() zaddOptions {
	if o == nil {
		return zaddOptions{}
	}
	return zaddOptions{ifNew: o.NX, ifHeld: o.XX, greater: o.GT, less: o.LT}
}

// words are the options of ZADD.
func (o zaddOptions) words() (words []string) {
	for _, f := range []struct {
		on   bool
		name string
	}{{o.ifNew, "NX"}, {o.ifHeld, "XX"}, {o.greater, "GT"}, {o.less, "LT"}, {o.incr, "INCR"}} {
		if f.on {
			words = append(words, f.name)
		}
	}
	return words
}

// ZAddWith is ZAdd under conditions, nil for none. It returns how many members are new,
// and how many of the others got another score. The error may be that of conditions that
// exclude each other too. NX and XX: Redis 3.0.2; GT and LT: Redis 6.2.
func (d writes) ZAddWith(key string, o *ZAddOptions, items ...Scored) (added, changed int, err error) {
	if len(items) == 0 {
		return 0, 0, &Error{wrongArity("zadd").Str}
	}
	for _, it := range items {
		if math.IsNaN(it.Score) {
			return 0, 0, ErrNotFloat
		}
	}
	res, err := d.zadd(key, o.plain(), items...)
	return res.added, res.changed, err
}

func (d writes) zadd(key string, o zaddOptions, items ...Scored) (res zaddResult, err error) {
	if err = o.check(2 * len(items)); err != nil {
		return res, err
	}
	effect := o.effect(key, items) // before the lock
	err = d.grow(func(x *exec) (err error) {
		if res, err = x.zadd(key, items, o); err == nil && res.added+res.changed > 0 {
			x.c.effect(x.db, effect...)
		}
		return err
	})
	return res, err
}

// effect is the command as the stream shall carry it.
func (o zaddOptions) effect(key string, items []Scored) []string {
	name, words := "ZADD", o.words()
	if o == (zaddOptions{incr: true}) {
		name, words = "ZINCRBY", nil
	}
	args := append(make([]string, 0, 2+len(words)+2*len(items)), name, key)
	args = append(args, words...)
	for _, it := range items {
		args = append(args, formatScore(it.Score), it.Member)
	}
	return args
}

// ZIncr adds delta to a member's score, 0 if it is not there, and returns the sum. The
// error is [ErrWrongType], or [ErrNotFinite] where the sum would be NaN. O(log n).
func (d writes) ZIncr(key, member string, delta float64) (sum float64, err error) {
	sum, _, err = d.ZIncrWith(key, member, delta, nil)
	return sum, err
}

// ZIncrWith is ZIncr under conditions, nil for none; GT and LT compare the sum with the
// score that was there. done is false when one of them held it back. The error may be
// that of conditions that exclude each other too. Redis 3.0.2, as ZAddWith.
func (d writes) ZIncrWith(key, member string, delta float64, o *ZAddOptions) (sum float64, done bool, err error) {
	p := o.plain()
	p.incr = true
	res, err := d.zadd(key, p, Scored{delta, member})
	if err == errNaN {
		err = ErrNotFinite
	}
	if err != nil || res.skipped {
		return 0, false, err
	}
	return res.score, true, nil
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

// ZMPopMin removes up to count members, at least one, with the lowest scores of the first
// of keys that is there, and returns them with the name of their key, the lowest first:
// none if none is there. The error is [ErrWrongType] when what is there is no sorted set,
// or of a count below 1. O(keys + log n + count). Redis 7.0.
func (d writes) ZMPopMin(count int, keys ...string) (key string, items []Scored, err error) {
	return d.zmpop(false, count, keys)
}

// ZMPopMax is ZMPopMin of the highest scores, the highest first.
func (d writes) ZMPopMax(count int, keys ...string) (key string, items []Scored, err error) {
	return d.zmpop(true, count, keys)
}

func (d writes) zmpop(highest bool, count int, keys []string) (key string, items []Scored, err error) {
	if err := checkMPop(count, keys); err != nil {
		return "", nil, err
	}
	err = d.write(func(x *exec) (err error) {
		key, items, err = x.zmpop(keys, highest, int64(count))
		return err
	})
	return key, items, err
}
