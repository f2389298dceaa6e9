package store

import (
	"iter"
	"strconv"

	"github.com/understudy-go/understudy/store/internal/table"
)

// setAt is the set at key, or nil.
func (x *exec) setAt(key string) (*table.Entry, error) {
	return x.typed(x.entry(key), table.IntSet, table.SmallSet, table.BigSet)
}

// setRef is setAt for writing.
func (x *exec) setRef(key string) (ref, error) {
	r := x.ref(key)
	_, err := x.typed(r.e, table.IntSet, table.SmallSet, table.BigSet)
	return r, err
}

// setLen is the number of members of e, a set or nil.
func (x *exec) setLen(e *table.Entry) int {
	if e != nil && e.Kind() == table.BigSet {
		return x.tableLen(e.Fields())
	}
	return roughLen(e)
}

// roughLen is setLen, of a large set as of now and not of x's instant: to choose a
// way of computing, not to answer.
func roughLen(e *table.Entry) int {
	switch {
	case e == nil:
		return 0
	case e.Kind() == table.IntSet:
		return intBlob(e.Text()).len()
	case e.Kind() == table.SmallSet:
		return blobLen(e.Text())
	}
	return e.Fields().Len()
}

// setHas reports whether member is in e, a set or nil. O(1); of integers in a blob
// O(log n), of texts in a blob O(n).
func (x *exec) setHas(e *table.Entry, member string) bool {
	switch {
	case e == nil:
		return false
	case e.Kind() == table.IntSet:
		n, ok := parseMember(member)
		return ok && intBlob(e.Text()).has(n)
	case e.Kind() == table.SmallSet:
		return seqHas(smallMembers(e.Text()), member)
	}
	return x.field(e.Fields(), member) != nil
}

// setMembers yields the members of e, a set or nil: integers in a blob in ascending
// order, texts in a blob in order of insertion, others in no order. Beside a writer
// a large set yields nothing and makes the caller start over on a snapshot, as
// eachField does. The body may run long, except under the writer lock, where it must
// not change the set either.
func (x *exec) setMembers(e *table.Entry) iter.Seq[string] {
	return func(yield func(string) bool) {
		switch {
		case e == nil:
		case e.Kind() == table.IntSet:
			eachInt(intBlob(e.Text()), yield)
		case e.Kind() == table.SmallSet:
			smallMembers(e.Text())(yield)
		default:
			x.eachElement(e.Fields(), func(m *table.Entry) bool { return yield(m.Key()) })
		}
	}
}

func eachInt(b intBlob, yield func(string) bool) {
	for i := range b.len() {
		if !yield(strconv.FormatInt(b.at(i), 10)) {
			return
		}
	}
}

// setEncoding is what OBJECT ENCODING calls e's form.
func (x *exec) setEncoding(e *table.Entry) string {
	switch e.Kind() {
	case table.IntSet:
		return "intset"
	case table.SmallSet:
		return "listpack"
	}
	return "hashtable"
}

// duplicateSet is e's value under another key, sharing nothing that changes. O(1)
// for a set in a blob, O(n) for a large one. REQUIRES: the writer lock.
func (s *Store) duplicateSet(e *table.Entry, version uint64, key string) *table.Entry {
	if e.Kind() != table.BigSet {
		return e.With(version, key, e.Deadline())
	}
	tab := s.newFields(version)
	eachEntry(e.Fields(), func(m *table.Entry) { tab.Put(tab.Hash(m.Key()), m) })
	return table.NewBig(version, table.BigSet, key, tab, e.Deadline())
}

// sadd adds members and returns how many are new.
func (x *exec) sadd(key string, members []string) (added int, err error) {
	r, err := x.setRef(key)
	if err != nil {
		return 0, err
	}
	if added = x.saddRef(r, members); added > 0 {
		x.c.effect(x.db, append([]string{"SADD", key}, members...)...)
		x.event(eventSet, "sadd", key)
	}
	return added, nil
}

func (x *exec) saddRef(r ref, members []string) (added int) {
	if r.e != nil && r.e.Kind() == table.BigSet {
		return x.saddBig(r, members)
	}
	b := setBuilderOf(x.s, x.c.version, r.e)
	for _, m := range members {
		if b.add(m) {
			added++
		}
	}
	if added > 0 {
		x.c.put(r, b.entry(r.key, deadlineOf(r.e)))
	}
	return added
}

func (x *exec) saddBig(r ref, members []string) (added int) {
	x.c.atomicIf(len(members) > 1)
	for _, m := range members {
		if f := x.fieldRef(r.e.Fields(), m); f.e == nil {
			x.c.put(f, table.NewText(x.c.version, m, "", 0))
			added++
		}
	}
	if added > 0 {
		x.c.touch(r)
	}
	return added
}

// srem removes members and returns how many were there. A set without members is
// removed.
func (x *exec) srem(key string, members []string) (removed int, err error) {
	r, err := x.setRef(key)
	if r.e == nil || err != nil {
		return 0, err
	}
	if removed = x.sremRef(r, members); removed > 0 {
		x.c.effect(x.db, append([]string{"SREM", key}, members...)...)
		x.removedEvent(eventSet, "srem", key)
	}
	return removed, nil
}

// sremRef removes members of r's set, which is there.
func (x *exec) sremRef(r ref, members []string) (removed int) {
	if r.e.Kind() == table.BigSet {
		return x.removeElements(r, members)
	}
	b := setBuilderOf(x.s, x.c.version, r.e)
	for _, m := range members {
		if b.remove(m) {
			removed++
		}
	}
	switch {
	case removed == 0:
	case b.len() == 0:
		x.c.remove(r)
	default:
		x.c.put(r, b.entry(r.key, deadlineOf(r.e)))
	}
	return removed
}

// smove moves member from one set to another, which is made if it is not there, and
// reports whether it was in the first.
func (x *exec) smove(from, to, member string) (bool, error) {
	x.c.atomic() // before the look-ups: both keys may be past their deadline
	r, there := x.ref(from), x.ref(to)
	if r.e == nil {
		return false, nil // whatever is at the other key
	}
	if kindOf(r.e) != Set || there.e != nil && kindOf(there.e) != Set {
		return false, ErrWrongType
	}
	if from == to || !x.setHas(r.e, member) {
		return x.setHas(r.e, member), nil
	}
	one := []string{member}
	x.sremRef(r, one)
	x.removedEvent(eventSet, "srem", from)
	if x.saddRef(there, one) > 0 {
		x.event(eventSet, "sadd", to)
	}
	x.c.effect(x.db, "SMOVE", from, to, member)
	return true, nil
}
