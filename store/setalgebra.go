package store

import (
	"iter"
	"slices"

	"github.com/understudy-go/understudy/store/internal/table"
)

// setOperation computes with sets, of which each may be nil for an empty one.
type setOperation func(x *exec, sets []*table.Entry) iter.Seq[string]

// setsAt are the sets at keys, nil where there is none.
func (x *exec) setsAt(keys []string) (sets []*table.Entry, err error) {
	sets = make([]*table.Entry, len(keys))
	for i, key := range keys {
		if sets[i], err = x.setAt(key); err != nil {
			return nil, err
		}
	}
	return sets, nil
}

// setRefs is setsAt for a command that writes: what has expired is removed first,
// since to a replica, which follows the same command, it would still be there.
func (x *exec) setRefs(keys []string) (sets []*table.Entry, err error) {
	sets = make([]*table.Entry, len(keys))
	for i, key := range keys {
		r, err := x.setRef(key)
		if err != nil {
			return nil, err
		}
		sets[i] = r.e
	}
	return sets, nil
}

// combineStore writes the result to a key, in place of what is there, and returns
// its size. An empty result removes the key. name is the command.
func (x *exec) combineStore(name string, op setOperation, to string, keys []string) (n int, err error) {
	x.c.atomic() // before the look-ups: each key may be past its deadline
	sets, err := x.setRefs(keys)
	if err != nil {
		return 0, err
	}
	b := newSetBuilder(x.s, x.c.version)
	for m := range op(x, sets) {
		b.add(m)
	}
	r := x.ref(to)
	switch n = b.len(); {
	case n > 0:
		x.c.put(r, b.entry(to, 0))
	case r.e == nil:
		return 0, nil
	default:
		x.c.remove(r)
	}
	x.c.effect(x.db, append([]string{name, to}, keys...)...)
	x.storedEvent(eventSet, name, to, n)
	return n, nil
}

// interSets goes through the smallest set and asks the others. O(n*m) for m sets,
// the smallest of which has n members.
func interSets(x *exec, sets []*table.Entry) iter.Seq[string] {
	sets = slices.Clone(sets)
	slices.SortStableFunc(sets, func(a, b *table.Entry) int { return roughLen(a) - roughLen(b) })
	return func(yield func(string) bool) {
		if sets[0] == nil {
			return
		}
		others := x.memberTests(sets[1:], roughLen(sets[0]))
		for m := range x.setMembers(sets[0]) {
			if !slices.ContainsFunc(others, func(has memberTest) bool { return !has(m) }) && !yield(m) {
				return
			}
		}
	}
}

// unionSets yields what is in any of the sets. O(n) for n members in all.
func unionSets(x *exec, sets []*table.Entry) iter.Seq[string] {
	if len(sets) == 1 {
		return x.setMembers(sets[0])
	}
	return func(yield func(string) bool) {
		seen := map[string]struct{}{}
		for m := range concatSets(x, sets) {
			if _, twice := seen[m]; twice {
				continue
			}
			if seen[m] = struct{}{}; !yield(m) {
				return
			}
		}
	}
}

// concatSets is unionSets for who does not mind that it yields what is in several
// sets several times.
func concatSets(x *exec, sets []*table.Entry) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, e := range sets {
			for m := range x.setMembers(e) {
				if !yield(m) {
					return
				}
			}
		}
	}
}

// diffSets goes through the first set and asks the others, the largest first: it
// most likely has the member. O(n*m) for n members and m sets.
func diffSets(x *exec, sets []*table.Entry) iter.Seq[string] {
	first, rest := sets[0], slices.Clone(sets[1:])
	slices.SortStableFunc(rest, func(a, b *table.Entry) int { return roughLen(b) - roughLen(a) })
	return func(yield func(string) bool) {
		others := x.memberTests(rest, roughLen(first))
		for m := range x.setMembers(first) {
			if !slices.ContainsFunc(others, func(has memberTest) bool { return has(m) }) && !yield(m) {
				return
			}
		}
	}
}

// memberTest reports whether a set has a member.
type memberTest func(member string) bool

// manyTests is from how many look-ups on it pays to take a blob of texts apart.
const manyTests = 16

// memberTests returns a test for each set that is not nil, each to be asked n times.
func (x *exec) memberTests(sets []*table.Entry, n int) (tests []memberTest) {
	for _, e := range sets {
		switch {
		case e == nil:
		case e.Kind() == table.SmallSet && n >= manyTests:
			members := make(map[string]bool, roughLen(e))
			for m := range smallMembers(e.Text()) {
				members[m] = true
			}
			tests = append(tests, func(m string) bool { return members[m] })
		default:
			tests = append(tests, func(m string) bool { return x.setHas(e, m) })
		}
	}
	return tests
}

// sinterCard counts what sets have in common, up to limit, 0 for none.
func (x *exec) sinterCard(sets []*table.Entry, limit int64) (n int64) {
	for range interSets(x, sets) {
		if n++; n == limit {
			break
		}
	}
	return n
}
