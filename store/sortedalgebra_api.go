package store

import "math"

// Aggregate says which score a member gets that several sorted sets have.
type Aggregate uint8

const (
	// AggregateSum is the sum of the scores.
	AggregateSum Aggregate = iota
	// AggregateMin is the lowest of them.
	AggregateMin
	// AggregateMax is the highest of them.
	AggregateMax
)

// word is the aggregate as the commands spell it, "" if there is none such.
func (a Aggregate) word() string {
	if a > AggregateMax {
		return ""
	}
	return [...]string{"SUM", "MIN", "MAX"}[a]
}

// ZCombineOptions are those of ZUnion, ZInter and of what stores their results. The zero
// value sums the scores up.
type ZCombineOptions struct {
	// Weights are what the scores of each key are multiplied by: as many as there are
	// keys, or none, which is 1 for each.
	Weights   []float64
	Aggregate Aggregate
}

// check looks at the options, nil for none, for a number of keys.
func (o *ZCombineOptions) check(keys int) error {
	switch {
	case keys == 0:
		return errNoKeys
	case o == nil:
		return nil
	case o.Weights != nil && len(o.Weights) != keys, o.Aggregate.word() == "":
		return ErrSyntax
	}
	for _, w := range o.Weights {
		if math.IsNaN(w) {
			return ErrNotFloat
		}
	}
	return nil
}

// words are the options of the commands.
func (o *ZCombineOptions) words() (words []string) {
	if o == nil {
		return nil
	}
	if len(o.Weights) > 0 {
		words = append(words, "WEIGHTS")
	}
	for _, w := range o.Weights {
		words = append(words, formatScore(w))
	}
	if o.Aggregate != AggregateSum {
		words = append(words, "AGGREGATE", o.Aggregate.word())
	}
	return words
}

// with is c with the options, which were checked.
func (c combination) with(o *ZCombineOptions) combination {
	if o == nil {
		return c
	}
	for i, w := range o.Weights {
		c.sources[i].weight = w
	}
	_ = c.parseAggregate(o.Aggregate.word()) // was checked
	return c
}

// ZUnion returns the members that any of the sorted sets at keys has, in order and as of
// one instant; nil options sum the scores up. A set counts as a sorted set whose scores
// are 1, and a key that is not there as an empty one. The error is [ErrWrongType],
// [ErrSyntax] for another number of weights than keys, or [ErrNotFloat] for a NaN among
// them. O(n log n) for n members in all. Redis 6.2.
func (d reads) ZUnion(o *ZCombineOptions, keys ...string) ([]Scored, error) {
	return d.zcombine(union, o, keys)
}

// ZInter returns the members that all of the sorted sets at keys have. It is otherwise
// like ZUnion. O(n*m + k log k) for m keys, the smallest of which has n members, and k
// members returned. Redis 6.2.
func (d reads) ZInter(o *ZCombineOptions, keys ...string) ([]Scored, error) {
	return d.zcombine(inter, o, keys)
}

// ZDiff returns the members of the sorted set at the first key that none of the others
// has, with their scores there. It is otherwise like ZUnion. O(n*m + k log k) for m keys,
// the first of which has n members, and k members returned. Redis 6.2.
func (d reads) ZDiff(keys ...string) ([]Scored, error) { return d.zcombine(diff, nil, keys) }

func (d reads) zcombine(op sortedOperation, o *ZCombineOptions, keys []string) (items []Scored, err error) {
	err = d.onCombination(op, o, keys, func(x *exec, c *combination) { items = x.zcombined(c) })
	if err != nil {
		return nil, err
	}
	return items, nil
}

// ZInterCard is how many members ZInter would return, up to limit: 0 for no limit. The
// error is [ErrWrongType], or of a limit below 0. O(n*m) for m keys, the smallest of which
// has n members. Redis 7.0.
func (d reads) ZInterCard(limit int, keys ...string) (n int, err error) {
	if limit < 0 {
		return 0, errLimit
	}
	err = d.onCombination(inter, nil, keys, func(x *exec, c *combination) {
		n = int(x.zcombineCount(c, int64(limit)))
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// onCombination runs fn with what is combined, against one instant. fn may be run again,
// as on says.
func (d reads) onCombination(op sortedOperation, o *ZCombineOptions, keys []string, fn func(x *exec, c *combination)) (err error) {
	if err := o.check(len(keys)); err != nil {
		return err
	}
	if e := d.many(func(x *exec) {
		var c combination
		if c, err = x.combination(op, keys, false); err == nil {
			c = c.with(o)
			fn(x, &c)
		}
	}); e != nil {
		return e
	}
	return err
}

// ZUnionStore makes what ZUnion returns the value of key to, in place of whatever is
// there, and returns the number of members. Where there are none, to is removed. Where
// the order in which scores are added could make a difference, the stream carries the
// result. Errors are ZUnion's; O(ZUnion). Redis 2.0.
func (d writes) ZUnionStore(to string, o *ZCombineOptions, keys ...string) (int, error) {
	return d.zcombineStore("ZUNIONSTORE", union, to, o, keys)
}

// ZInterStore is ZUnionStore of what ZInter returns.
func (d writes) ZInterStore(to string, o *ZCombineOptions, keys ...string) (int, error) {
	return d.zcombineStore("ZINTERSTORE", inter, to, o, keys)
}

// ZDiffStore is ZUnionStore of what ZDiff returns. Redis 6.2.
func (d writes) ZDiffStore(to string, keys ...string) (int, error) {
	return d.zcombineStore("ZDIFFSTORE", diff, to, nil, keys)
}

func (d writes) zcombineStore(name string, op sortedOperation, to string, o *ZCombineOptions, keys []string) (n int, err error) {
	if err := o.check(len(keys)); err != nil {
		return 0, err
	}
	effect := append([]string{name, to, formatInt(int64(len(keys)))}, keys...)
	effect = append(effect, o.words()...)
	err = d.grow(func(x *exec) error {
		c, err := x.combination(op, keys, true)
		if err != nil {
			return err
		}
		c = c.with(o)
		n = x.zcombineStore(to, &c, effect)
		return nil
	})
	return n, err
}
