package store

import (
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/understudy-go/understudy/store/internal/table"
)

// spop removes a random member.
func (x *exec) spop(key string) (member string, ok bool, err error) {
	r, err := x.setRef(key)
	if r.e == nil || err != nil {
		return "", false, err
	}
	member, _ = x.srandom(r.e)
	x.sremRef(r, []string{member})
	x.c.effect(x.db, "SREM", key, member)
	x.removedEvent(eventSet, "spop", key)
	return member, true, nil
}

// mostInEffect is how many members one SREM of the stream carries.
const mostInEffect = 1024

// spopMany removes up to n random members, all of them different.
func (x *exec) spopMany(key string, n int64) (members []string, err error) {
	r, err := x.setRef(key)
	if r.e == nil || err != nil || n == 0 {
		return nil, err
	}
	size := x.setLen(r.e)
	if n >= int64(size) {
		members = slices.Collect(x.setMembers(r.e))
		x.c.remove(r)
		x.c.effect(x.db, "DEL", key)
		x.removedEvent(eventSet, "spop", key)
		return members, nil
	}
	members = x.srandomDistinct(r.e, int(n), size)
	if r.e.Kind() == table.BigSet && len(members) > size/2 {
		x.keepRest(r, members)
	} else {
		x.sremRef(r, members)
	}
	for batch := range slices.Chunk(members, mostInEffect) {
		x.c.effect(x.db, append([]string{"SREM", key}, batch...)...)
	}
	x.event(eventSet, "spop", key)
	return members, nil
}

// keepRest makes a new set of the members that are not gone: cheaper than to remove
// most of them one by one.
func (x *exec) keepRest(r ref, gone []string) {
	without := make(map[string]bool, len(gone))
	for _, m := range gone {
		without[m] = true
	}
	b := newSetBuilder(x.s, x.c.version)
	for m := range x.setMembers(r.e) {
		if !without[m] {
			b.add(m)
		}
	}
	x.c.put(r, b.entry(r.key, deadlineOf(r.e)))
}

// srandomMany is what SRANDMEMBER picks of e, a set or nil: up to count different
// members, in random order, or, for a negative count, that many with repetition.
func (x *exec) srandomMany(e *table.Entry, count int64) (members []string, err error) {
	switch {
	case e == nil || count == 0:
		return nil, nil
	case count < -mostRepeated:
		return nil, errCount
	case count < 0:
		return x.srandomRepeated(e, int(-count)), nil
	}
	size := x.setLen(e)
	if count >= int64(size) {
		return slices.Collect(x.setMembers(e)), nil
	}
	return x.srandomDistinct(e, int(count), size), nil
}

// srandom is a random member of e. ok is false only if e is no longer what x reads.
//
// A pick of a large set is O(1), and fair within a factor of four. On a snapshot it
// is O(n) up to some thousand members once the set has changed since.
func (x *exec) srandom(e *table.Entry) (member string, ok bool) {
	if e.Kind() != table.BigSet {
		return x.srandomRepeated(e, 1)[0], true
	}
	tab := e.Fields()
	if x.keptOf(tab) {
		return x.past.random(tab)
	}
	if f := x.randomEntry(tab); f != nil {
		return f.Key(), true
	}
	x.torn = true
	return "", false
}

// keptOf reports whether x reads a snapshot that keeps members of tab, which a look
// into tab alone would miss.
func (x *exec) keptOf(tab *table.Table) bool { return x.mode == past_ && x.past.side(tab) != nil }

// randomSegments is how many segments may turn out to be empty before random walks
// through them all.
const randomSegments = 16

// random is the key of a random entry of tab at p's version: of one segment, and of
// the table where that is nearly empty.
func (p *past) random(tab *table.Table) (key string, ok bool) {
	var found []string
	collect := func(e *table.Entry) bool { found = append(found, e.Key()); return true }
	for range randomSegments {
		if p.chunk(tab, rand.Uint64(), &chunk{}, collect); len(found) > 0 {
			return found[rand.IntN(len(found))], true
		}
	}
	if p.each(tab, collect); len(found) > 0 {
		return found[rand.IntN(len(found))], true
	}
	return "", false
}

// srandomDistinct is n different members of e, which has size, more than n.
func (x *exec) srandomDistinct(e *table.Entry, n, size int) (members []string) {
	if e.Kind() == table.BigSet && n <= size/3 {
		if found := x.probes(e.Fields(), n, true); found != nil {
			return keysOf(found)
		}
	}
	return x.sample(e, n)
}

func keysOf(entries []*table.Entry) []string {
	keys := make([]string, len(entries))
	for i, e := range entries {
		keys[i] = e.Key()
	}
	return keys
}

// sample is n different members of e, found by walking through it: each subset is
// as likely as any other.
func (x *exec) sample(e *table.Entry, n int) []string {
	members, at := make([]string, 0, n), 0
	for m := range x.setMembers(e) {
		at++
		if len(members) < n {
			members = append(members, m)
		} else if i := rand.IntN(at); i < n {
			members[i] = m
		}
	}
	rand.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return members
}

// srandomRepeated is n members of e, each picked anew.
func (x *exec) srandomRepeated(e *table.Entry, n int) (members []string) {
	switch {
	case e.Kind() == table.IntSet:
		for b := intBlob(e.Text()); n > 0; n-- {
			members = append(members, strconv.FormatInt(b.at(rand.IntN(b.len())), 10))
		}
		return members
	case e.Kind() == table.BigSet:
		if found := x.probes(e.Fields(), n, false); found != nil {
			return keysOf(found)
		}
	}
	all := slices.Collect(x.setMembers(e))
	for range min(n, n*len(all)) { // none when x has to start over
		members = append(members, all[rand.IntN(len(all))])
	}
	return members
}

// probes picks n elements of a large set or hash, different ones if asked for. It returns
// nil where a look into the table misses some, and where too few slots of it are in use
// for that to be quick.
func (x *exec) probes(tab *table.Table, n int, different bool) []*table.Entry {
	if x.keptOf(tab) {
		return nil
	}
	found, seen := make([]*table.Entry, 0, n), map[string]bool{}
	for range randomTries + 16*n {
		e := x.probe(tab)
		if e == nil || different && seen[e.Key()] {
			continue
		}
		if different {
			seen[e.Key()] = true
		}
		if found = append(found, e); len(found) == n {
			return found
		}
	}
	return nil
}
