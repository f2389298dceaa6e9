package store

import (
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/understudy-go/understudy/store/internal/table"
)

// rangeKind says by what a ZRange picks members.
type rangeKind uint8

const (
	byRank rangeKind = iota
	byScore
	byMember
)

// event is what Redis calls the removal of a range.
func (k rangeKind) event() string {
	return [...]string{byRank: "zremrangebyrank", byScore: "zremrangebyscore", byMember: "zremrangebylex"}[k]
}

// A ZRange says which members of a sorted set are meant. Make one by [ByRank],
// [ByScore] or [ByMember], then set what else is wanted. The zero value is the first
// member.
type ZRange struct {
	kind             rangeKind
	start, stop      int64   // byRank
	min, max         float64 // byScore
	minText, maxText bound   // byMember

	// MinOpen and MaxOpen leave out what is equal to the bound. Not for ranks.
	MinOpen, MaxOpen bool
	// Reverse is the order from the highest down. Ranks count from there then.
	Reverse bool
	// Offset members are passed over, and at most Limit are taken; a Limit of 0 is no
	// limit. Not for ranks, nor when members are counted or removed. No members have a
	// negative Offset.
	Offset, Limit int
}

// bound is one end of a range of members.
type bound struct {
	text     string
	infinite int // -1 before all members, 1 behind all, else 0
}

// ByRank is the range of ranks from start to stop, both included; negative numbers
// count from the end, -1 being the last member.
func ByRank(start, stop int) ZRange { return ZRange{start: int64(start), stop: int64(stop)} }

// ByScore is the range of scores from min to max, both included.
func ByScore(min, max float64) ZRange { return ZRange{kind: byScore, min: min, max: max} }

// ByMember is the range of members from min to max, both included, as bytes compare;
// a max of "" is no bound. It makes sense where all scores are equal.
func ByMember(min, max string) ZRange {
	z := ZRange{kind: byMember, minText: bound{text: min}, maxText: bound{text: max}}
	if max == "" {
		z.maxText.infinite = 1
	}
	return z
}

func compareBounds(a, b bound) int {
	if a.infinite != 0 || b.infinite != 0 {
		return a.infinite - b.infinite
	}
	return strings.Compare(a.text, b.text)
}

// behindMin reports whether it is not below the range.
func (z *ZRange) behindMin(it Scored) bool {
	if z.kind == byScore {
		return it.Score > z.min || it.Score == z.min && !z.MinOpen
	}
	c := compareBounds(bound{text: it.Member}, z.minText)
	return c > 0 || c == 0 && !z.MinOpen
}

// behindMax reports whether it is above the range.
func (z *ZRange) behindMax(it Scored) bool {
	if z.kind == byScore {
		return it.Score > z.max || it.Score == z.max && z.MaxOpen
	}
	c := compareBounds(bound{text: it.Member}, z.maxText)
	return c > 0 || c == 0 && z.MaxOpen
}

// empty reports whether the bounds leave nothing between them.
func (z *ZRange) empty() bool {
	c := 0
	switch {
	case z.kind == byMember:
		c = compareBounds(z.minText, z.maxText)
	case math.IsNaN(z.min) || math.IsNaN(z.max) || z.min > z.max:
		return true
	case z.min < z.max:
		return false
	}
	return c > 0 || c == 0 && (z.MinOpen || z.MaxOpen)
}

// find is where the range lies in o: the items from i up to and not including j.
// Offset and Limit are left out of account. O(log n); in a small set O(n).
func (z *ZRange) find(o order) (i, j int) {
	n := o.len()
	switch {
	case n == 0:
		return 0, 0
	case z.kind == byRank:
		return z.findRanks(n)
	case z.empty():
		return 0, 0
	case z.kind == byMember && o.tree == nil:
		return z.findMembers(o.items, 0)
	}
	i = o.search(z.behindMin)
	return i, max(i, o.search(z.behindMax))
}

func (z *ZRange) findRanks(n int) (i, j int) {
	start, stop := z.start, z.stop
	if start < 0 {
		start = max(start+int64(n), 0)
	}
	if stop < 0 {
		stop += int64(n)
	}
	if stop = min(stop, int64(n)-1); start > stop {
		return 0, 0
	}
	if z.Reverse {
		return n - 1 - int(stop), n - int(start)
	}
	return int(start), int(stop) + 1
}

// findMembers is find by member for a small set, behind the first skip members. Members
// need not be in order if their scores differ. Redis promises nothing then, but always
// does the same: so do we.
func (z *ZRange) findMembers(items []Scored, skip int) (i, j int) {
	n := len(items)
	if !z.behindMin(items[n-1]) || z.behindMax(items[0]) {
		return 0, 0
	}
	if z.Reverse {
		for j = n; j > 0 && z.behindMax(items[j-1]); j-- {
		}
		if j == 0 || !z.behindMin(items[j-1]) {
			return 0, 0
		}
		j -= min(skip, j)
		for i = j; i > 0 && z.behindMin(items[i-1]); i-- {
		}
		return i, j
	}
	for i < n && !z.behindMin(items[i]) {
		i++
	}
	if i == n || z.behindMax(items[i]) {
		return 0, 0
	}
	i += min(skip, n-i)
	for j = i; j < n && !z.behindMax(items[j]); j++ {
	}
	return i, j
}

// window is find with Offset and Limit.
func (z *ZRange) window(o order) (i, j int) {
	if z.kind == byRank {
		return z.find(o)
	}
	if z.Offset < 0 {
		return 0, 0
	}
	skip := z.Offset
	if z.kind == byMember && o.tree == nil && len(o.items) > 0 && !z.empty() {
		i, j = z.findMembers(o.items, skip)
		skip = 0
	} else {
		i, j = z.find(o)
	}
	skip = min(skip, j-i)
	take := j - i - skip
	if z.Limit > 0 {
		take = min(take, z.Limit)
	}
	if z.Reverse {
		return j - skip - take, j - skip
	}
	return i + skip, i + skip + take
}

// zrange is the range of e, a sorted set or nil, in its order, and how many members it
// has. done must be called after the walk.
func (x *exec) zrange(e *table.Entry, z *ZRange) (seq iter.Seq[Scored], n int, done func()) {
	o, i, j := x.span(e, z.window)
	return o.walk(i, j, z.Reverse), j - i, o.done
}

// zcount is the number of members in the range. O(log n).
func (x *exec) zcount(e *table.Entry, z *ZRange) int {
	o := x.order(e)
	defer o.done()
	i, j := z.find(o)
	return j - i
}

// zremRange removes a range and returns how many members it had. effect is the command
// as the stream shall carry it; without one that is what was removed.
func (x *exec) zremRange(key string, z *ZRange, effect ...string) (int, error) {
	r, err := x.sortedRef(key)
	if r.e == nil || err != nil {
		return 0, err
	}
	o := x.order(r.e)
	i, j := z.find(o)
	mixed := z.kind == byMember && o.at(0).Score != o.at(o.len()-1).Score
	o.done()
	if i == j {
		return 0, nil
	}
	gone := x.zcut(r, i, j)
	if mixed || len(effect) == 0 { // which range of members that is depends on the structure
		effect = []string{"ZREM", key}
		for _, it := range gone {
			effect = append(effect, it.Member)
		}
	}
	x.c.effect(x.db, effect...)
	x.removedEvent(eventZSet, z.kind.event(), key)
	return len(gone), nil
}

// zrangeStore makes the range of the sorted set at from the value of key to, and
// returns how many members that has. effect is the command as the stream shall carry
// it.
func (x *exec) zrangeStore(to, from string, z *ZRange, effect ...string) (int, error) {
	r, err := x.sortedRef(from)
	if err != nil {
		return 0, err
	}
	b := newSortedBuilder(x.s, x.c.version)
	o, i, j := x.span(r.e, z.window)
	for it := range o.walk(i, j, z.Reverse) {
		b.add(it.Member, it.Score)
	}
	mixed := z.kind == byMember && o.len() > 0 && o.at(0).Score != o.at(o.len()-1).Score
	o.done()
	switch {
	case mixed:
		x.zstoreResult(effect[0], to, b)
	case x.zstore(effect[0], to, b):
		x.c.effect(x.db, effect...)
	}
	return b.len(), nil
}

// storeEffect is ZRANGESTORE as the stream shall carry it. What no server could read, or
// would read otherwise, is a range without members: then it is what that comes to.
func (z *ZRange) storeEffect(to, from string) []string {
	if z.kind != byRank && z.Offset < 0 || math.IsNaN(z.min) || math.IsNaN(z.max) {
		return []string{"DEL", to}
	}
	args := append([]string{"ZRANGESTORE", to, from}, z.words()...)
	if z.Reverse {
		args = append(args, "REV")
	}
	if z.kind != byRank && (z.Offset > 0 || z.Limit > 0) {
		limit := z.Limit
		if limit <= 0 {
			limit = -1
		}
		args = append(args, "LIMIT", formatInt(int64(z.Offset)), formatInt(int64(limit)))
	}
	return args
}

// words are the bounds and the kind; the highest comes first in a reverse order, except
// of ranks.
func (z *ZRange) words() []string {
	var lo, hi, kind string
	switch z.kind {
	case byRank:
		return []string{formatInt(z.start), formatInt(z.stop)}
	case byScore:
		lo, hi, kind = openWord("", z.MinOpen)+formatScore(z.min), openWord("", z.MaxOpen)+formatScore(z.max), "BYSCORE"
	default:
		lo, hi, kind = z.minText.word(z.MinOpen), z.maxText.word(z.MaxOpen), "BYLEX"
	}
	if z.Reverse {
		lo, hi = hi, lo
	}
	return []string{lo, hi, kind}
}

// openWord begins the word of a bound that may be open.
func openWord(closed string, open bool) string {
	if open {
		return "("
	}
	return closed
}

func (b bound) word(open bool) string {
	switch {
	case b.infinite < 0:
		return "-"
	case b.infinite > 0:
		return "+"
	}
	return openWord("[", open) + b.text
}

// resultBatch is how many members one ZADD of a result carries.
const resultBatch = 1024

// zstoreResult is zstore with the result as the effect: for what another server might
// compute differently.
func (x *exec) zstoreResult(command, to string, b *sortedBuilder) {
	if !x.zstore(command, to, b) {
		return
	}
	x.c.effect(x.db, "DEL", to)
	for batch := range slices.Chunk(b.items, resultBatch) {
		args := append(make([]string, 0, 2+2*len(batch)), "ZADD", to)
		for _, it := range batch {
			args = append(args, formatScore(it.Score), it.Member)
		}
		x.c.effect(x.db, args...)
	}
}
