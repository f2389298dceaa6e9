package store

import "github.com/understudy-go/understudy/store/internal/table"

// Large hashes and sets are tables of their own: an element is an entry under the
// field's name with its value, or under the member with none.

// newFields returns an empty table for elements, made by the commit of version.
func (s *Store) newFields(version uint64) *table.Table {
	t := s.tables.New()
	t.SetMade(version)
	return t
}

// removeElements takes elements out of r's large hash or set and returns how many were
// there. It takes the whole key out when none would remain, so that nobody ever sees an
// empty one. r is of no use afterwards.
func (x *exec) removeElements(r ref, names []string) (removed int) {
	tab := r.e.Fields()
	there := make([]ref, 0, len(names))
	twice := make(map[*table.Entry]bool, len(names))
	for _, name := range names {
		if f := x.fieldRef(tab, name); f.e != nil && !twice[f.e] {
			twice[f.e] = true
			there = append(there, f)
		}
	}
	if len(there) == tab.Len() {
		x.c.remove(r)
		return len(there)
	}
	x.c.atomicIf(len(there) > 1)
	for _, f := range there {
		x.c.remove(f)
	}
	if len(there) > 0 {
		x.thinned(r)
	}
	return len(there)
}

// thinned notes that r's large hash or set has lost elements. When few are left of many
// they move to a table of their size: SPOP and HGETALL would search an empty one for
// milliseconds. r is of no use afterwards.
func (x *exec) thinned(r ref) {
	if !r.e.Fields().Sparse() {
		x.c.touch(r)
		return
	}
	x.c.put(r, x.duplicate(r.e, x.c.version, r.key))
}

// eachElement is eachField, and ends when yield returns false.
func (x *exec) eachElement(tab *table.Table, yield func(*table.Entry) bool) {
	switch x.mode {
	case live, shared:
		x.torn, x.long = true, true
	case past_:
		x.past.each(tab, yield)
	case writing:
		for pos, more := uint64(0), true; more; more = more && pos != 0 {
			_, last := tab.Chunk(pos, func(e *table.Entry) bool {
				more = e.Kind() == table.Tombstone || yield(e)
				return more
			})
			pos = last + 1
		}
	}
}
