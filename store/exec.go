package store

import (
	"github.com/understudy-go/understudy/store/internal/table"
)

// origin says who gave a command, and with that what it may do and what time
// means to it.
type origin uint8

const (
	// client: keys past their deadline are gone; effects go to the stream.
	client origin = iota
	// stream: the primary decided already. Keys past their deadline are alive
	// until its DEL comes; nothing is propagated, the caller forwards the bytes.
	stream
)

// mode says where an exec reads.
type mode uint8

const (
	live    mode = iota // one entry, as published
	shared              // several entries of one instant, without a lock
	past_               // a snapshot
	writing             // the writer's own view, under the writer lock
)

// exec is one execution of one or more commands: the context that they share.
// The zero value is not usable.
type exec struct {
	s      *Store
	mode   mode
	origin origin
	db     int
	gen    *generation
	now    int64 // Unix milliseconds; 0 until somebody asks
	tally  bool  // count hits and misses

	at    uint64  // mode shared: the version that is read, see readAt
	v     *view   // mode shared: what leads to it
	torn  bool    // mode shared: what was read is not of one instant
	long  bool    // mode shared: only a snapshot will do
	stale bool    // a read found something to be refreshed, see refresh.go
	past  *past   // mode past_
	c     *commit // mode writing

	made *table.Entry // of the key and text that a SET without a deadline will want, made before the lock; or nil
}

// ref is a key looked up for writing.
type ref struct {
	db  int
	ks  *keyspace // nil for a field of a hash
	tab *table.Table
	h   uint64
	key string       // may alias the caller's buffer
	e   *table.Entry // nil when absent or expired
	at  table.Place  // of e
}

// clock is the execution's one instant. Nobody pays for it who meets no
// deadline.
func (x *exec) clock() int64 {
	if x.now == 0 {
		x.now = x.s.opts.Clock().UnixMilli()
	}
	return x.now
}

func (x *exec) expired(e *table.Entry) bool { return x.over(e.Deadline()) }

// over reports whether a deadline has passed; 0 is none.
func (x *exec) over(deadline int64) bool {
	return deadline != 0 && x.origin == client && x.clock() > deadline
}

func (x *exec) space() *keyspace { return x.gen.spaces[x.db] }

// entry is the live entry of key, or nil. Looking at it counts as using it.
func (x *exec) entry(key string) *table.Entry {
	e := x.peek(key)
	if a := x.s.ages.Load(); a != nil && e != nil {
		x.used(a, key)
	}
	return e
}

// peek is entry for who does not ask for the value.
func (x *exec) peek(key string) *table.Entry {
	e := x.find(x.space().tab, key)
	if e != nil && x.expired(e) {
		e = nil
	}
	if x.tally {
		x.s.stats.looked(e != nil)
	}
	return e
}

// find is the entry of key in tab as this execution sees it. Tombstones are nil.
func (x *exec) find(tab *table.Table, key string) *table.Entry {
	h := tab.Hash(key)
	var e *table.Entry
	switch x.mode {
	case live:
		e = x.s.find(x.db, h, key)
	case shared:
		e = x.findShared(tab, h, key)
	case past_:
		e = x.past.find(tab, h, key)
	case writing:
		e = tab.Find(h, key)
	}
	if e == nil || e.Kind() == table.Tombstone {
		return nil
	}
	return e
}

// readAt makes x read what v leads to, at version published, which was loaded
// before v. While v tells of a commit under way it is the version before that
// one, even if the commit's own is published already: at its own version a part
// of it would be found in databases that it replaced. So a commit of several
// slots is seen by the switch of the view alone, and it does not matter which of
// the two the writer stores first.
func (x *exec) readAt(published uint64, v *view) {
	x.at, x.v, x.gen, x.torn = published, v, v.gen, false
	if v.pending != nil {
		x.at = v.pending.version
	}
}

// findShared reads at version x.at and notes when it cannot: the caller then
// starts over.
func (x *exec) findShared(tab *table.Table, h uint64, key string) *table.Entry {
	e := tab.Find(h, key)
	switch {
	case e == nil:
		// It may have gone since x.at; the version of the last removal was
		// raised before the slot was cleared.
		x.torn = x.torn || tab.Removed() > x.at
	case e.Version() <= x.at:
	case x.v.pending != nil && e.Version() == x.at+1:
		return x.v.pending.kept(tab, h, key)
	default:
		x.torn = true
	}
	return e
}

// notice notes that x met what a commit of version has done, if that is newer than what
// x reads.
func (x *exec) notice(version uint64) {
	if x.mode == shared && version > x.at {
		x.torn = true
	}
}

// field is the entry of a field of a big hash.
func (x *exec) field(tab *table.Table, name string) *table.Entry { return x.find(tab, name) }

// tableLen is the number of keys or fields in tab.
func (x *exec) tableLen(tab *table.Table) int {
	switch x.mode {
	case past_:
		return x.past.len(tab)
	case shared:
		return x.sharedLen(tab)
	}
	return tab.Len()
}

// sharedLen is of version x.at only if no commit ended or, being one of several
// slots, began meanwhile. A commit of one slot may be under way: it counts from the
// instant on at which its slot is found, whoever looks there.
func (x *exec) sharedLen(tab *table.Table) (n int) {
	settled := true
	if x.v.pending != nil {
		n = x.v.pending.len(tab)
	} else {
		n, settled = tab.Settled()
	}
	x.torn = x.torn || !settled || x.s.view.Load() != x.v || x.s.published.Load() != x.at
	return n
}

// eachField calls fn for every field of a big hash. Beside a writer that takes
// a snapshot: then x.long makes the caller start over on one.
func (x *exec) eachField(tab *table.Table, fn func(*table.Entry)) {
	switch x.mode {
	case live, shared:
		x.torn, x.long = true, true
	case past_:
		x.past.each(tab, func(e *table.Entry) bool { fn(e); return true })
	case writing:
		eachEntry(tab, fn)
	}
}

// eachEntry walks tab. REQUIRES: the writer lock.
func eachEntry(tab *table.Table, fn func(*table.Entry)) {
	for pos := uint64(0); ; {
		_, last := tab.Chunk(pos, func(e *table.Entry) bool {
			if e.Kind() != table.Tombstone {
				fn(e)
			}
			return true
		})
		if pos = last + 1; pos == 0 {
			return
		}
	}
}

// eachKey calls fn for every key of the selected database that has not expired.
func (x *exec) eachKey(fn func(*table.Entry)) {
	x.eachField(x.space().tab, func(e *table.Entry) {
		if !x.expired(e) {
			fn(e)
		}
	})
}

// ref looks key up for writing. A key past its deadline is removed first, and
// its DEL goes out before the effects of the command that met it.
func (x *exec) ref(key string) ref {
	ks := x.space()
	h := ks.tab.Hash(key)
	r := ref{db: x.db, ks: ks, tab: ks.tab, h: h, key: key}
	r.e, r.at = ks.tab.Locate(h, key)
	if r.e != nil && r.e.Kind() == table.Tombstone {
		r.e = nil
	}
	if r.e != nil && x.expired(r.e) {
		if !x.s.mu.readOnly.Load() { // else the primary's DEL will come
			x.c.expire(r)
		}
		r.e = nil
	}
	if a := x.s.ages.Load(); a != nil && r.e != nil {
		a.used(x.db, h)
	}
	return r
}

func (x *exec) fieldRef(tab *table.Table, name string) ref {
	h := tab.Hash(name)
	r := ref{db: x.db, tab: tab, h: h, key: name}
	r.e, r.at = tab.Locate(h, name)
	if r.e != nil && r.e.Kind() == table.Tombstone {
		r.e = nil
	}
	return r
}

// typed is the entry of r if it has one of the kinds, nil if there is none.
func (x *exec) typed(e *table.Entry, kinds ...table.Kind) (*table.Entry, error) {
	if e == nil {
		return nil, nil
	}
	for _, k := range kinds {
		if e.Kind() == k {
			return e, nil
		}
	}
	return nil, ErrWrongType
}
