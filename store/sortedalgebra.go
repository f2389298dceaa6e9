package store

import (
	"iter"
	"math"
	"slices"

	"github.com/understudy-go/understudy/store/internal/table"
)

// sortedOperation is what a command makes of several sorted sets and sets.
type sortedOperation uint8

const (
	union sortedOperation = iota
	inter
	diff
)

// aggregate makes one score of two. How NaN comes out, which 0 times an infinity is,
// follows Redis.
type aggregate func(a, b float64) float64

func sumScores(a, b float64) float64 {
	if s := a + b; !math.IsNaN(s) {
		return s
	}
	return 0 // of opposite infinities
}

func minScores(a, b float64) float64 {
	if b < a {
		return b
	}
	return a
}

func maxScores(a, b float64) float64 {
	if b > a {
		return b
	}
	return a
}

// combination is a ZUNION, ZINTER or ZDIFF, taken apart.
type combination struct {
	op      sortedOperation
	sources []source
	join    aggregate
	sums    bool // join is sumScores
}

// combination is of the sorted sets and sets at keys, all of one weight, with the sums
// of their scores.
func (x *exec) combination(op sortedOperation, keys []string, stores bool) (combination, error) {
	c := combination{op: op, sources: make([]source, len(keys)), join: sumScores, sums: true}
	for i, key := range keys {
		var err error
		if c.sources[i], err = x.sourceOf(key, stores); err != nil {
			return c, err
		}
	}
	return c, nil
}

// source is one of the keys: a sorted set, a set, whose members have the score 1, or
// nothing.
type source struct {
	e      *table.Entry
	weight float64
	len    int
}

// weighed is a score times the weight; NaN becomes 0.
func (s *source) weighed(score float64) float64 {
	if score *= s.weight; math.IsNaN(score) {
		return 0
	}
	return score
}

var sortedKinds = []table.Kind{table.SmallSorted, table.BigSorted, table.IntSet, table.SmallSet, table.BigSet}

// sourceOf looks a key up: as ref does for a command that stores, so that what the
// stream carries means the same elsewhere.
func (x *exec) sourceOf(key string, stores bool) (s source, err error) {
	var e *table.Entry
	if stores {
		e = x.ref(key).e
	} else {
		e = x.entry(key)
	}
	s.weight = 1
	if s.e, err = x.typed(e, sortedKinds...); err != nil {
		return s, err
	}
	s.len = x.sourceLen(s.e)
	return s, nil
}

func (x *exec) sourceLen(e *table.Entry) int {
	if kindOf(e) == Set {
		return x.setLen(e)
	}
	return x.sortedLen(e)
}

// members yields the members of s, with their scores before weighing.
func (x *exec) members(s *source) iter.Seq2[string, float64] {
	switch {
	case kindOf(s.e) == Set:
	case x.mode == writing: // and nothing is written while it is walked: no clone is needed
		return scoredPairs(x.order(s.e))
	default:
		return x.sortedMembers(s.e)
	}
	return func(yield func(string, float64) bool) {
		for m := range x.setMembers(s.e) {
			if !yield(m, 1) {
				return
			}
		}
	}
}

// lookups is a function that finds a member of s. Small ones are taken apart once.
func (x *exec) lookups(s *source) func(member string) (score float64, ok bool) {
	switch {
	case s.e == nil:
		return func(string) (float64, bool) { return 0, false }
	case s.e.Kind() == table.BigSorted:
		return func(m string) (float64, bool) { return x.zscore(s.e, m) }
	case s.e.Kind() == table.BigSet:
		return func(m string) (float64, bool) { return 1, x.field(s.e.Fields(), m) != nil }
	}
	scores := make(map[string]float64, s.len)
	for m, score := range x.members(s) {
		scores[m] = score
	}
	return func(m string) (float64, bool) { score, ok := scores[m]; return score, ok }
}

// zcombine yields the result in no stated order. Union and intersection take the
// smaller sources first, as Redis does: the order shows in sums.
func (x *exec) zcombine(c *combination) iter.Seq2[string, float64] {
	if c.op != diff {
		slices.SortStableFunc(c.sources, func(a, b source) int { return a.len - b.len })
	}
	switch c.op {
	case union:
		return x.zunion(c)
	case inter:
		return x.zinter(c)
	}
	return x.zdiff(c)
}

func (x *exec) zunion(c *combination) iter.Seq2[string, float64] {
	sum := map[string]float64{}
	for i := range c.sources {
		s := &c.sources[i]
		for m, score := range x.members(s) {
			score = s.weighed(score)
			if old, ok := sum[m]; ok {
				score = c.join(old, score)
			}
			sum[m] = score
		}
	}
	return func(yield func(string, float64) bool) {
		for m, score := range sum {
			if !yield(m, score) {
				return
			}
		}
	}
}

func (x *exec) zinter(c *combination) iter.Seq2[string, float64] {
	find := x.otherLookups(c)
	return func(yield func(string, float64) bool) {
		for m, score := range x.members(&c.sources[0]) {
			score, ok := c.sources[0].weighed(score), true
			for i := 0; i < len(find) && ok; i++ {
				var other float64
				if other, ok = find[i](m); ok {
					score = c.join(score, other*c.sources[i+1].weight)
				}
			}
			if ok && !yield(m, score) {
				return
			}
		}
	}
}

func (x *exec) zdiff(c *combination) iter.Seq2[string, float64] {
	find := x.otherLookups(c)
	return func(yield func(string, float64) bool) {
		for m, score := range x.members(&c.sources[0]) {
			held := slices.ContainsFunc(find, func(f func(string) (float64, bool)) bool { _, ok := f(m); return ok })
			if !held && !yield(m, score) {
				return
			}
		}
	}
}

// otherLookups find members in all sources but the first. If that is empty nobody will
// ask.
func (x *exec) otherLookups(c *combination) (find []func(string) (float64, bool)) {
	if c.sources[0].len == 0 {
		return nil
	}
	for i := range c.sources[1:] {
		find = append(find, x.lookups(&c.sources[i+1]))
	}
	return find
}

// zcombined is the result in order.
func (x *exec) zcombined(c *combination) []Scored {
	var items []Scored
	for m, score := range x.zcombine(c) {
		items = append(items, Scored{score, m})
	}
	slices.SortFunc(items, compareScored)
	return items
}

// zcombineCount is how many members the result has, at most limit unless that is 0.
func (x *exec) zcombineCount(c *combination, limit int64) (n int64) {
	for range x.zcombine(c) {
		if n++; n == limit {
			break
		}
	}
	return n
}

// zcombineStore makes the result the value of key and returns how many members it has.
// effect is the command as the stream shall carry it.
//
// Sums of three scores and more depend on the order in which they are added, which a
// server of another kind may choose otherwise: then the stream carries the result.
func (x *exec) zcombineStore(key string, c *combination, effect []string) int {
	b := newSortedBuilder(x.s, x.c.version)
	for _, it := range x.zcombined(c) {
		b.add(it.Member, it.Score)
	}
	switch {
	case c.sums && len(c.sources) > 2 && c.op != diff:
		x.zstoreResult(effect[0], key, b)
	case x.zstore(effect[0], key, b):
		x.c.effect(x.db, effect...)
	}
	return b.len()
}
