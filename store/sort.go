package store

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/understudy-go/understudy/store/internal/table"
)

// sortOptions are those of SORT. The zero value sorts all elements as numbers, lowest
// first.
type sortOptions struct {
	by       string // pattern of the keys to sort by; "" the elements themselves
	asIs     bool   // BY a pattern without a place for the element: not sorted
	get      []string
	offset   int64
	limit    int64 // at most so many, below 0: all
	limited  bool
	reverse  bool
	alpha    bool
	store    bool
	storeKey string
}

// sortItem is an element with what it is sorted by.
type sortItem struct {
	value  string
	weight string // alpha, by a pattern
	known  bool   // there is a weight
	number float64
}

// sortKey is the elements at key in the order that o asks for, each replaced by what
// its patterns give. ok is false in a Result where a pattern leads nowhere. O(n + m log m)
// for n elements of which m are sorted.
func (x *exec) sortKey(key string, o sortOptions) ([]Result, error) {
	e := x.entry(key)
	switch kindOf(e) {
	case None, List, Set, SortedSet:
	default:
		return nil, ErrWrongType
	}
	if o.asIs && o.store && kindOf(e) == Set {
		o.asIs, o.by, o.alpha = false, "", true // what is stored must not depend on chance
	}
	values := x.sortInput(e, o)
	from, to := o.span(len(values))
	if !o.asIs {
		var err error
		if values, err = x.inOrder(values, o); err != nil {
			return nil, err
		}
	}
	return x.sortOutput(values[from:to], o.get), nil
}

// sortInput is the elements of e, nil or a collection.
func (x *exec) sortInput(e *table.Entry, o sortOptions) (values []string) {
	switch kindOf(e) {
	case List:
		values = slices.Collect(x.listItems(e))
	case Set:
		values = slices.Collect(x.setMembers(e))
	case SortedSet:
		for m := range x.sortedMembers(e) {
			values = append(values, m)
		}
	}
	if o.asIs && o.reverse && kindOf(e) != Set {
		slices.Reverse(values)
	}
	return values
}

// span is the part of n elements that LIMIT asks for.
func (o sortOptions) span(n int) (from, to int) {
	if !o.limited {
		return 0, n
	}
	from = int(min(max(o.offset, 0), int64(n)))
	if o.limit < 0 {
		return from, n
	}
	return from, from + int(min(o.limit, int64(n-from)))
}

// inOrder is values in the order of what they are sorted by.
func (x *exec) inOrder(values []string, o sortOptions) ([]string, error) {
	items := make([]sortItem, len(values))
	for i, v := range values {
		items[i] = sortItem{value: v, weight: v, known: true}
		if o.by != "" {
			items[i].weight, items[i].known = x.follow(o.by, v)
		}
		if !o.alpha && items[i].known {
			var ok bool
			if items[i].number, ok = sortNumber(items[i].weight, x.origin != client); !ok {
				return nil, wireError("ERR One or more scores can't be converted into double")
			}
		}
	}
	slices.SortStableFunc(items, func(a, b sortItem) int {
		if o.reverse {
			a, b = b, a
		}
		return a.compare(b, o.alpha)
	})
	sorted := make([]string, len(items))
	for i, it := range items {
		sorted[i] = it.value
	}
	return sorted, nil
}

// compare orders by weight. Equal numbers are in the order of their elements, for the
// result is to be the same everywhere; a missing text comes first.
func (a sortItem) compare(b sortItem, alpha bool) int {
	switch {
	case !alpha && a.number != b.number:
		return cmp.Compare(a.number, b.number)
	case !alpha:
		return strings.Compare(a.value, b.value)
	case a.known && b.known:
		return strings.Compare(a.weight, b.weight)
	case a.known:
		return 1
	case b.known:
		return -1
	}
	return 0
}

// sortNumber reads a weight as strtod does, all of it; nothing is 0. What is beyond the
// range of a double is no number, unless lenient: a later primary than Redis 7.0 has sorted
// by it, as an infinity or 0, before its stream says so.
func sortNumber(s string, lenient bool) (float64, bool) {
	s, _, _ = strings.Cut(s, "\x00")
	if s = strings.TrimLeft(s, " \t\n\v\f\r"); s == "" {
		return 0, true
	}
	f, ok := parseDouble(s)
	if lenient {
		return f, ok
	}
	if _, spelled := infinity(s); math.IsInf(f, 0) && !spelled || f == 0 && !spellsZero(s) {
		return 0, false
	}
	return f, ok
}

// sortOutput is what the patterns of GET give for each of values, or values themselves.
func (x *exec) sortOutput(values, get []string) []Result {
	if len(get) == 0 {
		get = []string{"#"}
	}
	out := make([]Result, 0, len(values)*len(get))
	for _, v := range values {
		for _, pattern := range get {
			text, ok := x.follow(pattern, v)
			out = append(out, Result{text, ok})
		}
	}
	return out
}

// follow is the string at the key that pattern names with v in the place of its first
// star, or the field of the hash there if "->field" ends the pattern. "#" is v itself.
func (x *exec) follow(pattern, v string) (text string, ok bool) {
	if pattern == "#" {
		return v, true
	}
	before, after, ok := strings.Cut(pattern, "*")
	if !ok {
		return "", false
	}
	field := ""
	if i := strings.Index(after, "->"); i >= 0 && i+2 < len(after) {
		after, field = after[:i], after[i+2:]
	}
	e := x.entry(before + v + after)
	switch k := kindOf(e); {
	case field != "" && k == Hash:
		return x.hget(e, field)
	case field == "" && k == String:
		return e.Text(), true
	}
	return "", false
}

// storeChunk is how many elements one RPUSH of the stream carries.
const storeChunk = 1 << 14

// sortInto makes a list of what SORT gave in the place of to; nothing removes it. The
// stream carries the elements, for copies could sort otherwise.
func (x *exec) sortInto(to string, out []Result) {
	r := x.ref(to)
	if r.e != nil {
		x.c.effect(x.db, "DEL", to)
	}
	b := newListBuilder(x.s, x.c.version)
	for _, o := range out {
		b.add(o.Value)
	}
	switch e := b.entry(to, 0); {
	case e != nil:
		x.c.put(r, e)
	case r.e != nil:
		x.c.remove(r)
	default:
		return // nothing became of nothing
	}
	x.storedEvent(eventList, "sortstore", to, len(out))
	for chunk := range slices.Chunk(out, storeChunk) {
		args := append(make([]string, 0, 2+len(chunk)), "RPUSH", to)
		for _, o := range chunk {
			args = append(args, o.Value)
		}
		x.c.effect(x.db, args...)
	}
}
