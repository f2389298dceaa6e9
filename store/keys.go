package store

import (
	"math/bits"
	"math/rand/v2"
	"strconv"

	"github.com/understudy-go/understudy/store/internal/table"
)

// del removes keys and returns how many were there. name is DEL or UNLINK.
func (x *exec) del(name string, keys []string) (n int) {
	x.c.atomicIf(len(keys) > 1)
	gone := make([]string, 1, len(keys)+1)
	gone[0] = name
	for _, key := range keys {
		if r := x.ref(key); r.e != nil {
			x.c.remove(r)
			gone = append(gone, key)
			x.event(eventGeneric, "del", key)
		}
	}
	if n = len(gone) - 1; n > 0 {
		x.c.effect(x.db, gone...)
	}
	return n
}

func (x *exec) exists(keys []string) (n int) {
	for _, key := range keys {
		if x.peek(key) != nil {
			n++
		}
	}
	return n
}

// rename moves a key's value, deadline included, to another key, which it
// replaces unless ifNew says that it must not be there.
func (x *exec) rename(from, to string, ifNew bool) (done bool, err error) {
	r := x.ref(from)
	if r.e == nil {
		return false, ErrNoKey
	}
	name := "RENAME"
	if ifNew {
		name = "RENAMENX"
		if from == to || x.ref(to).e != nil {
			return false, nil
		}
	}
	if from == to {
		return true, nil
	}
	x.c.atomic()
	x.c.remove(r) // first: a table of fields has one owner
	there := x.ref(to)
	x.c.put(there, r.e.With(x.c.version, to, r.e.Deadline()))
	x.c.carry(r, there)
	x.c.effect(x.db, name, from, to)
	x.replacedEvent(there)
	x.event(eventGeneric, "rename_from", from)
	x.event(eventGeneric, "rename_to", to)
	return true, nil
}

// copyKey copies a key's value to a key of database db. O(1) for strings and lists, O(n)
// for other large collections.
func (x *exec) copyKey(from, to string, db int, replace bool) (done bool, err error) {
	if db < 0 || db >= x.s.opts.Databases {
		return false, ErrNoDatabase
	}
	if from == to && db == x.db {
		return false, wireError("ERR source and destination objects are the same")
	}
	r := x.ref(from)
	if r.e == nil {
		return false, nil
	}
	there := x.in(db).ref(to)
	if there.e != nil && !replace {
		return false, nil
	}
	x.in(db).c.put(there, x.duplicate(r.e, x.c.version, to))
	effect := []string{"COPY", from, to}
	if db != x.db {
		effect = append(effect, "DB", strconv.Itoa(db))
	}
	if replace {
		effect = append(effect, "REPLACE")
	}
	x.c.effect(x.db, effect...)
	x.in(db).replacedEvent(there)
	x.in(db).event(eventGeneric, "copy_to", to)
	return true, nil
}

// replacedEvent says that r is new, to which RENAME and COPY moved something: for
// Redis it is, whether or not there was something in its place. put says so in the
// other case.
func (x *exec) replacedEvent(r ref) {
	if r.e != nil {
		x.event(eventNew, "new", r.key)
	}
}

// in is x with another database selected.
func (x *exec) in(db int) *exec {
	y := *x
	y.db = db
	return &y
}

// duplicate is e's value under another key, sharing nothing that changes.
func (x *exec) duplicate(e *table.Entry, version uint64, key string) *table.Entry {
	switch e.Kind() {
	case table.BigHash:
		return x.s.duplicateHash(e, version, key)
	case table.BigList:
		return x.duplicateList(e, version, key)
	case table.BigSet:
		return x.s.duplicateSet(e, version, key)
	case table.BigSorted:
		return x.s.duplicateSorted(e, version, key)
	case table.Stream:
		return duplicateStream(e, version, key)
	}
	return e.With(version, key, e.Deadline())
}

// duplicateHash is duplicate for a large hash: the fields are shared, the table is not.
func (s *Store) duplicateHash(e *table.Entry, version uint64, key string) *table.Entry {
	fields := s.newFields(version)
	eachEntry(e.Fields(), func(f *table.Entry) {
		fields.Put(fields.Hash(f.Key()), f)
		replaceField(fields, nil, f)
	})
	return table.NewBig(version, table.BigHash, key, fields, e.Deadline())
}

// move takes a key to another database if that has none of the name.
func (x *exec) move(key string, db int) (done bool, err error) {
	if db < 0 || db >= x.s.opts.Databases {
		return false, ErrNoDatabase
	}
	if db == x.db {
		return false, wireError("ERR source and destination objects are the same")
	}
	r, there := x.ref(key), x.in(db).ref(key)
	if r.e == nil || there.e != nil {
		return false, nil
	}
	x.c.atomic()
	x.c.remove(r)
	x.c.put(there, r.e.With(x.c.version, key, r.e.Deadline()))
	x.c.carry(r, there)
	x.c.effect(x.db, "MOVE", key, strconv.Itoa(db))
	x.event(eventGeneric, "move_from", key)
	x.in(db).event(eventGeneric, "move_to", key)
	return true, nil
}

// swap exchanges two databases. O(1).
func (x *exec) swap(a, b int) error {
	if a < 0 || b < 0 || a >= x.s.opts.Databases || b >= x.s.opts.Databases {
		return ErrNoDatabase
	}
	left, right := x.c.gen.spaces[a], x.c.gen.spaces[b]
	x.c.replaceSpace(a, right)
	x.c.replaceSpace(b, left)
	x.gen = x.c.gen
	x.c.effect(x.db, "SWAPDB", strconv.Itoa(a), strconv.Itoa(b))
	return nil
}

// flush empties the selected database. O(1): what was there is left to readers
// that still look at it, then to the collector.
func (x *exec) flush() {
	x.c.replaceSpace(x.db, newKeyspace(x.s.tables))
	x.gen = x.c.gen
	x.c.effect(x.db, "FLUSHDB")
}

func (x *exec) flushAll() {
	x.c.replaced(AllDatabases)
	x.c.setGeneration(newGeneration(x.s.opts.Databases, x.s.tables))
	x.gen = x.c.gen
	x.c.effect(x.db, "FLUSHALL")
}

// randomTries bounds the search of a key in a table that is nearly empty or
// full of keys past their deadline; then the table is walked.
const randomTries = 1000

// randomKey is some key, fair within a factor of four; ok is false when there
// is none.
func (x *exec) randomKey() (key string, ok bool) {
	if e := x.randomEntry(x.space().tab); e != nil {
		return e.Key(), true
	}
	return "", false
}

// randomEntry is some entry of tab, fair within a factor of four; nil when there is
// none. On a snapshot, what was removed since is picked only where nothing is left.
func (x *exec) randomEntry(tab *table.Table) (found *table.Entry) {
	for range randomTries {
		if e := x.probe(tab); e != nil {
			return e
		}
	}
	start := rand.Uint64()
	for _, from := range []uint64{start, 0} {
		for cursor := from; ; {
			cursor = x.bucket(tab, cursor, func(e *table.Entry) {
				if found == nil && x.usable(e) {
					found = e
				}
			})
			if found != nil || cursor == 0 {
				break
			}
		}
	}
	return found
}

// probe looks into one random slot of tab.
func (x *exec) probe(tab *table.Table) *table.Entry {
	e := tab.Pick(rand.Uint64(), rand.IntN(table.Slots))
	if e == nil {
		return nil
	}
	// What stands in the table may not be published, or be newer than x.
	if e = x.find(tab, e.Key()); x.usable(e) {
		return e
	}
	return nil
}

func (x *exec) usable(e *table.Entry) bool {
	return e != nil && e.Kind() != table.Tombstone && !x.expired(e)
}

// scan calls fn for the keys of some buckets, until count were seen, and
// returns the next cursor, 0 at the end.
func (x *exec) scan(tab *table.Table, cursor uint64, count int, fn func(*table.Entry)) uint64 {
	for seen := 0; ; {
		cursor = x.bucket(tab, cursor, func(e *table.Entry) {
			seen++
			x.notice(e.Version())
			if x.usable(e) {
				fn(e)
			}
		})
		// An empty bucket is work too: a sparse table must not be walked whole.
		if seen++; cursor == 0 || seen >= count {
			x.notice(tab.Removed())
			return cursor
		}
	}
}

// bucket calls fn for the entries of one bucket of tab, as this execution sees
// them, and returns the next cursor. On a snapshot it is a whole segment: what
// was kept is found by ranges of hashes.
func (x *exec) bucket(tab *table.Table, cursor uint64, fn func(*table.Entry)) uint64 {
	switch x.mode {
	case writing:
		return tab.Scan(cursor, fn)
	case past_:
		next, _ := x.past.chunk(tab, bits.Reverse64(cursor), &chunk{}, func(e *table.Entry) bool { fn(e); return true })
		return bits.Reverse64(next)
	}
	return x.s.bucket(tab, cursor, fn)
}

// bucket reads one bucket as published. Nothing ties it to the next one, so it
// takes no more than no commit of several slots having begun or ended meanwhile.
func (s *Store) bucket(tab *table.Table, cursor uint64, fn func(*table.Entry)) (next uint64) {
	var found []*table.Entry
	for v := s.view.Load(); ; {
		found = found[:0]
		next = tab.Scan(cursor, func(e *table.Entry) { found = append(found, v.published(tab, e)) })
		w := s.view.Load()
		if w == v {
			break
		}
		v = w
	}
	for _, e := range found {
		if e != nil {
			fn(e)
		}
	}
	return next
}

// published is e, found in tab, or what the commit under way has put it in the
// place of.
func (v *view) published(tab *table.Table, e *table.Entry) *table.Entry {
	if v.pending == nil || e.Version() <= v.pending.version {
		return e
	}
	return v.pending.kept(tab, tab.Hash(e.Key()), e.Key())
}
