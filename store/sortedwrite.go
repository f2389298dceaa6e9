package store

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// zaddOptions are ZADD's.
type zaddOptions struct {
	ifNew, ifHeld bool // NX, XX
	greater, less bool // GT, LT: change a score in that direction only
	incr          bool // add to the score; one item only
}

// zaddResult says what a ZADD did.
type zaddResult struct {
	added, changed int     // members that are new; that got another score
	skipped        bool    // the last item was held back by a condition
	score          float64 // of the last item, unless skipped
}

var errNaN = wireError("ERR resulting score is not a number (NaN)")

// next is the score that an item gives a member which has the score old, if held.
// change is false where it stays as it is.
func (o zaddOptions) next(it Scored, old float64, held bool, res *zaddResult) (score float64, change bool, err error) {
	res.skipped = true
	if held && o.ifNew || !held && o.ifHeld {
		return 0, false, nil
	}
	score = it.Score
	if held && o.incr {
		score += old
	}
	if math.IsNaN(score) {
		return 0, false, errNaN
	}
	score = storedScore(score)
	if held && (o.less && score >= old || o.greater && score <= old) {
		return 0, false, nil
	}
	res.skipped, res.score = false, score
	switch {
	case !held:
		res.added++
	case score == old:
		return score, false, nil
	default:
		res.changed++
	}
	return score, true, nil
}

// zadd adds members or changes their scores. It fails before it changed anything.
// O(log n) an item; in a small set O(n).
func (x *exec) zadd(key string, items []Scored, o zaddOptions) (res zaddResult, err error) {
	res, err = x.zaddItems(key, items, o)
	if err == nil && res.added+res.changed > 0 {
		name := "zadd"
		if o.incr {
			name = "zincr"
		}
		x.event(eventZSet, name, key)
	}
	return res, err
}

func (x *exec) zaddItems(key string, items []Scored, o zaddOptions) (res zaddResult, err error) {
	r, err := x.sortedRef(key)
	if err != nil {
		return res, err
	}
	if r.e == nil && o.ifHeld {
		res.skipped = true
		return res, nil
	}
	if bigOf(r.e) != nil {
		err = x.zaddBig(r, items, o, &res)
		return res, err
	}
	d := newDraft(r.e, len(items))
	for _, it := range items {
		i, old := d.find(it.Member), 0.0
		if i >= 0 {
			old = d.items[i].Score
		}
		score, change, err := o.next(it, old, i >= 0, &res)
		if err != nil {
			return res, err
		}
		if change {
			d.set(i, Scored{score, it.Member})
		}
	}
	if res.added+res.changed > 0 {
		x.c.put(r, d.entry(x.s, x.c.version, r.key, deadlineOf(r.e)))
	}
	return res, nil
}

// mostChanged is how many members, or elements of a list, one command changes under the
// collection's lock, which keeps readers out for some 100 us. For more than that it
// forks the collection, which readers go on reading as it was; but then it copies a leaf
// for nearly every member.
const mostChanged = 128

// zaddBig opens the set when the first member changes.
func (x *exec) zaddBig(r ref, items []Scored, o zaddOptions, res *zaddResult) error {
	x.c.atomicIf(len(items) > mostChanged)
	var open *bigSorted
	members := bigOf(r.e).members // which forks share
	for _, it := range items {
		m, old := x.fieldRef(members, it.Member), 0.0
		if m.e != nil {
			old = memberScore(m.e)
		}
		score, change, err := o.next(it, old, m.e != nil, res)
		if err != nil {
			return err
		}
		if !change {
			continue
		}
		if open == nil {
			open = x.c.open(&r).(*bigSorted)
		}
		x.place(open, m, score)
	}
	if open != nil {
		x.c.close(r, open)
	}
	return nil
}

// place gives a member of z, which is open, a score. It may be new.
func (x *exec) place(z *bigSorted, m ref, score float64) {
	e := newMember(x.c.version, m.key, score)
	it := Scored{score, e.Key()}
	if m.e == nil {
		z.insert(it)
	} else {
		z.move(Scored{memberScore(m.e), m.key}, it)
	}
	x.c.put(m, e)
}

// move puts it, which is new, in the place of was. REQUIRES: z is open.
func (z *bigSorted) move(was, it Scored) {
	i, j := z.rank(was), z.rank(it)
	if j == i || j == i+1 {
		z.items.Set(i, it)
		return
	}
	if j > i {
		j-- // was is before it, and goes
	}
	z.items.Delete(i, i+1)
	z.items.Insert(j, it)
}

// zcut removes the items from i up to and not including j of r's sorted set, of which
// there are some, and returns them. A set without members is removed.
func (x *exec) zcut(r ref, i, j int) (gone []Scored) {
	z := bigOf(r.e)
	if z == nil {
		items := smallItems(r.e)
		gone = slices.Clone(items[i:j])
		x.putSmall(r, slices.Delete(items, i, j))
		return gone
	}
	gone = make([]Scored, 0, j-i)
	for it := range (order{tree: &z.items}).walk(i, j, false) {
		gone = append(gone, it)
	}
	if len(gone) == z.items.Len() {
		x.c.remove(r) // so that nobody ever sees an empty set
		return gone
	}
	x.c.atomicIf(len(gone) > mostChanged)
	z = x.c.open(&r).(*bigSorted)
	z.cut(i, j)
	for _, it := range gone {
		x.c.remove(x.fieldRef(z.members, it.Member))
	}
	x.c.close(r, z)
	x.thinnedSorted(r, z)
	return gone
}

// thinnedSorted gives r's large sorted set, which has lost members, a table of its size
// when few are left of many: as thinned does for hashes and sets.
func (x *exec) thinnedSorted(r ref, z *bigSorted) {
	if z.members.Sparse() {
		x.c.put(r, x.s.duplicateSorted(r.e, x.c.version, r.key))
	}
}

// putSmall writes what is left of a small sorted set, or removes the key.
func (x *exec) putSmall(r ref, items []Scored) {
	if len(items) == 0 {
		x.c.remove(r)
		return
	}
	x.c.put(r, newSmallSorted(x.c.version, r.key, items, deadlineOf(r.e)))
}

// zrem removes members and returns how many were there.
func (x *exec) zrem(key string, members []string) (removed int, err error) {
	r, err := x.sortedRef(key)
	if r.e == nil || err != nil {
		return 0, err
	}
	if bigOf(r.e) != nil {
		removed = x.zremBig(r, members)
	} else {
		removed = x.zremSmall(r, members)
	}
	if removed > 0 {
		x.c.effect(x.db, append([]string{"ZREM", key}, members...)...)
		x.removedEvent(eventZSet, "zrem", key)
	}
	return removed, nil
}

func (x *exec) zremSmall(r ref, members []string) (removed int) {
	d := newDraft(r.e, 0)
	for _, m := range members {
		if i := d.find(m); i >= 0 {
			d.items = slices.Delete(d.items, i, i+1)
			removed++
		}
	}
	if removed > 0 {
		x.putSmall(r, d.items)
	}
	return removed
}

func (x *exec) zremBig(r ref, members []string) (removed int) {
	z := bigOf(r.e)
	there := make(map[string]ref, len(members))
	for _, name := range members {
		if m := x.fieldRef(z.members, name); m.e != nil {
			there[name] = m
		}
	}
	switch len(there) {
	case 0:
		return 0
	case z.items.Len():
		x.c.remove(r)
		return len(there)
	}
	x.c.atomicIf(len(there) > mostChanged)
	z = x.c.open(&r).(*bigSorted)
	for name, m := range there {
		i := z.rank(Scored{memberScore(m.e), name})
		z.cut(i, i+1)
		x.c.remove(m)
	}
	x.c.close(r, z)
	x.thinnedSorted(r, z)
	return len(there)
}

// zpop removes up to count members with the lowest or highest scores and returns them,
// the extreme first. count -1 is one, and the stream says so without a number.
func (x *exec) zpop(key string, max bool, count int64) ([]Scored, error) {
	r, err := x.sortedRef(key)
	if r.e == nil || err != nil || count == 0 {
		return nil, err
	}
	effect := []string{popName(max), key}
	if count < 0 {
		count = 1
	} else {
		effect = append(effect, strconv.FormatInt(count, 10))
	}
	n := x.sortedLen(r.e)
	k := int(min(count, int64(n)))
	i, j := 0, k
	if max {
		i, j = n-k, n
	}
	gone := x.zcut(r, i, j)
	if max {
		slices.Reverse(gone)
	}
	x.c.effect(x.db, effect...)
	x.removedEvent(eventZSet, strings.ToLower(popName(max)), key)
	return gone, nil
}

func popName(max bool) string {
	if max {
		return "ZPOPMAX"
	}
	return "ZPOPMIN"
}

// zmpop is zpop of the first of keys that holds members; key tells which. The stream
// carries how many went.
func (x *exec) zmpop(keys []string, max bool, count int64) (key string, gone []Scored, err error) {
	for _, key := range keys {
		r, err := x.sortedRef(key)
		if err != nil {
			return "", nil, err
		}
		if r.e != nil {
			gone, err = x.zpop(key, max, min(count, int64(x.sortedLen(r.e))))
			return key, gone, err
		}
	}
	return "", nil, nil
}

// zstore makes b's sorted set, which command gave, the value of key, or removes the key
// if it is empty, and reports whether anything changed.
func (x *exec) zstore(command, key string, b *sortedBuilder) bool {
	r := x.ref(key)
	e := b.entry(key, 0)
	switch {
	case e != nil:
		x.c.put(r, e)
	case r.e != nil:
		x.c.remove(r)
	default:
		return false
	}
	x.storedEvent(eventZSet, command, key, b.len())
	return true
}
