package store

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/understudy-go/understudy/store/internal/table"
)

// This file is how keys make room for others on a primary, see MemoryLimit.
//
// A key is removed by a commit of its own, before that of the write which needs the room:
// so its DEL is not wrapped into the write's MULTI, and a write that fails or is undone
// has still made room. Nobody sees a write refused for want of memory that another key's
// removal would have given.

// evictSlice is how many keys one write removes at most, and how many are removed under
// one hold of the writer lock: about 0.2 ms. A write that removed so many goes on, and
// leaves the rest to the next one, or to Evict: a limit that was lowered by gigabytes must
// not stop the store.
const evictSlice = 128

// evictor is what choosing keys remembers. The zero value is good. The writer's.
type evictor struct {
	pool []candidate // of LRU and LFU: the best so far, the first to go last
	next int         // of the random policies: the database whose turn it is

	// pick is some key of a database, with a deadline if volatile is set, or nil. Nil
	// means Store.pick; tests have their own.
	pick func(ks *keyspace, volatile bool) *table.Entry
}

// A candidate is a key that was looked at. What it was used for since shows when it is
// about to go.
type candidate struct {
	db   int
	key  string
	rank uint32 // see ages.rank: the lower, the earlier it goes
}

// poolSize is how many candidates are remembered: each round looks at a few keys, and the
// pool makes the best of many rounds of them.
const poolSize = 16

// makeRoom brings the data within the limit, as far as one write does. It reports whether
// that is full: nothing is left that may be removed. REQUIRES: the writer lock, no commit
// under way, a stream that is not sealed.
func (s *Store) makeRoom() (full bool) {
	if l := s.limit.Load(); l.Bytes > 0 && !s.mu.replica {
		_, full = s.evict(l, evictSlice)
	}
	return full
}

// evict removes up to most keys, until the data is within l.
func (s *Store) evict(l *MemoryLimit, most int) (n int, full bool) {
	for s.bytes() > l.Bytes {
		if n == most {
			return n, false
		}
		if !s.evictOne(l) {
			return n, true
		}
		n++
	}
	return n, false
}

// Evict removes up to most keys of a primary whose data exceeds its memory limit, and
// returns how many: writes do that by themselves, this is for when there are none. On a
// replica, and on a stream that is sealed, it does nothing.
func (r Replication) Evict(most int) int {
	l := r.s.limit.Load()
	if l.Bytes == 0 {
		return 0
	}
	r.s.mu.Lock()
	defer r.s.unlock()
	if r.s.mu.closed || r.s.mu.sealed || r.s.mu.replica {
		return 0
	}
	n, _ := r.s.evict(l, most)
	return n
}

// admit is why a write may not be made, nil when it may; grows says that it may take more
// memory. Room is made even for one that is refused for another reason: as in Redis, where
// memory comes first. REQUIRES: the writer lock, no commit under way.
func (s *Store) admit(grows bool) error {
	if s.mu.sealed {
		return ErrSealed
	}
	if s.makeRoom() && grows {
		return ErrOutOfMemory
	}
	return s.refusal()
}

// refuses is why a command that is not run yet will be refused, as far as that can be
// said: so that one which is to be queued, or to wait, is refused at once. It takes no
// lock where there is no limit.
func (s *Store) refuses(cmd *Command, args [][]byte) error {
	if s.limit.Load().Bytes > 0 && cmd.grows(args) && s.full() {
		return ErrOutOfMemory
	}
	if cmd.Flags&FlagWrite != 0 {
		return s.refusal()
	}
	return nil
}

// full makes room, and reports whether there is none to be made. Of a store that takes no
// write anyway it says no.
func (s *Store) full() bool {
	if s.lock() != nil {
		return false
	}
	defer s.unlock()
	return !s.mu.sealed && s.makeRoom()
}

// evictOne removes the key that should go first, and reports whether there was one.
func (s *Store) evictOne(l *MemoryLimit) bool {
	var db int
	var e *table.Entry
	switch p := l.Policy; {
	case p == NoEviction:
	case p == VolatileTTL:
		db, e = s.soonest()
	case p.lru(), p.lfu():
		db, e = s.leastUsed(l)
	default:
		db, e = s.anyKey(p.volatile())
	}
	if e == nil {
		return false
	}
	s.remove(db, e)
	return true
}

// remove takes a key out by a commit of its own.
func (s *Store) remove(db int, e *table.Entry) {
	c := s.begin(db, client)
	c.cause = Evicted
	ks := c.gen.spaces[db]
	key := e.Key()
	c.effect(db, "DEL", key)
	c.remove(ref{db: db, ks: ks, tab: ks.tab, h: ks.tab.Hash(key), key: key, e: e})
	if c.events&eventEvicted != 0 {
		c.notify(db, "evicted", key)
	}
	s.stats.evicted.Add(1)
	c.finish()
}

// soonest is the key whose deadline comes first, of all databases: exactly, for the index
// of deadlines has it.
func (s *Store) soonest() (db int, first *table.Entry) {
	for n, ks := range s.view.Load().gen.spaces {
		if e := ks.due.first(); e != nil && (first == nil || e.Deadline() < first.Deadline()) {
			db, first = n, e
		}
	}
	return db, first
}

// anyKey is a random key of the database whose turn it is.
func (s *Store) anyKey(volatile bool) (db int, e *table.Entry) {
	spaces := s.view.Load().gen.spaces
	for range spaces {
		db = s.mu.evictor.next % len(spaces)
		s.mu.evictor.next = db + 1
		if e = s.sample(spaces[db], volatile); e != nil {
			return db, e
		}
	}
	return 0, nil
}

// mostRanks bounds how often leastUsed looks for a candidate that was not used since it
// was found: readers may use each of them in the meantime.
const mostRanks = 64

// leastUsed is the key that was not used for longest, or is used least, among those
// looked at now and before.
func (s *Store) leastUsed(l *MemoryLimit) (db int, e *table.Entry) {
	a, v := s.ages.Load(), &s.mu.evictor
	now := s.opts.Clock().UnixMilli()
	for range mostRanks {
		s.fillPool(l, a, now)
		if len(v.pool) == 0 {
			return 0, nil
		}
		last := v.pool[len(v.pool)-1]
		v.pool = v.pool[:len(v.pool)-1]
		found := s.candidate(last, l.Policy.volatile())
		if found == nil {
			continue
		}
		if db, e = last.db, found; a.rank(db, s.hash(last.key), now) <= last.rank {
			break
		}
	}
	return db, e
}

// candidate is the entry of c, nil if it may not be removed, or is not there any more.
func (s *Store) candidate(c candidate, volatile bool) *table.Entry {
	ks := s.view.Load().gen.spaces[c.db]
	e := ks.tab.Find(ks.tab.Hash(c.key), c.key)
	if e == nil || volatile && e.Deadline() == 0 {
		return nil
	}
	return e
}

// fillPool looks at some keys of each database.
func (s *Store) fillPool(l *MemoryLimit, a *ages, now int64) {
	for db, ks := range s.view.Load().gen.spaces {
		for range l.Samples {
			e := s.sample(ks, l.Policy.volatile())
			if e == nil {
				break
			}
			s.mu.evictor.add(candidate{db, e.Key(), a.rank(db, ks.tab.Hash(e.Key()), now)})
		}
	}
}

// add puts c into the pool if it should go before one that is there, or there is room.
// c.key aliases an entry, which must not be held by what is kept.
func (v *evictor) add(c candidate) {
	full := len(v.pool) == poolSize
	if full && c.rank >= v.pool[0].rank || slices.ContainsFunc(v.pool, func(o candidate) bool { return o.db == c.db && o.key == c.key }) {
		return
	}
	if full {
		v.pool = slices.Delete(v.pool, 0, 1)
	}
	c.key = strings.Clone(c.key)
	at, _ := slices.BinarySearchFunc(v.pool, c, func(o, c candidate) int { return cmp.Compare(c.rank, o.rank) })
	v.pool = slices.Insert(v.pool, at, c)
}

// sample is some key of ks, nil if there is none.
func (s *Store) sample(ks *keyspace, volatile bool) *table.Entry {
	if s.mu.evictor.pick != nil {
		return s.mu.evictor.pick(ks, volatile)
	}
	return s.pick(ks, volatile)
}

// A database in which one key in rareDue, or less, has a deadline is not searched for
// them at random; one in which more have is, for rareTries times.
const (
	rareDue   = 16
	rareTries = 128
)

// pick is a random key of ks: fair within a factor of four. Where few have a deadline it
// is one whose deadline is near to a random instant, which favours those that stand alone.
func (s *Store) pick(ks *keyspace, volatile bool) *table.Entry {
	switch {
	case volatile && ks.due.len() == 0, ks.tab.Len() == 0:
		return nil
	case !volatile:
		x := exec{s: s, mode: writing, origin: stream} // past its deadline or not
		return x.randomEntry(ks.tab)
	}
	if ks.due.len() > ks.tab.Len()/rareDue {
		for range rareTries {
			if e := ks.tab.Pick(rand.Uint64(), rand.IntN(table.Slots)); e != nil && e.Deadline() != 0 {
				return e
			}
		}
	}
	return ks.due.some()
}

// some is an entry whose deadline is near to a random instant between the first and the
// last, nil if there is none.
func (x *dueIndex) some() (e *table.Entry) {
	first := x.first()
	if first == nil {
		return nil
	}
	last, _ := x.tree.Max()
	from := due{at: first.Deadline(), e: first}
	if span := last.at - from.at; span > 0 {
		from.at += rand.Int64N(span + 1)
	}
	skip := rand.IntN(dueDegree)
	x.tree.AscendGreaterOrEqual(from, func(d due) bool {
		e = d.e
		skip--
		return skip >= 0
	})
	if e == nil {
		e = last.e
	}
	return e
}
