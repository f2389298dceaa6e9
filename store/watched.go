package store

import "slices"

// watchedKey is a key that somebody watches for a transaction: WATCH, or a [Guard].
// Each commit that changes it leaves its version here, so that a key that came and
// went, or a database that was swapped forth and back, does not pass for unchanged.
type watchedKey struct {
	refs int
	put  stamp // written, or come with its database
	gone stamp // removed
}

// stamp is the version of the last commit that did something, and of the one before,
// in case that one is rolled back.
type stamp struct{ at, was uint64 }

func (s *stamp) set(version uint64) {
	if s.at != version {
		s.at, s.was = version, s.at
	}
}

func (s *stamp) undo(version uint64) {
	if s.at == version {
		s.at = s.was
	}
}

// watchedKeys are the keys that are watched. REQUIRES: the writer lock, for all of it.
type watchedKeys struct {
	// keys by database and name: replacing a database costs what is watched of it. No
	// map is empty.
	keys  map[int]map[string]*watchedKey
	noted []*watchedKey // what the commit under way has stamped, in case that it is rolled back
}

// watch is one key as somebody began to watch it.
type watch struct {
	db    int
	name  string
	key   *watchedKey
	at    uint64 // the version at the time
	there bool   // it was there, and not past its deadline
}

// watchKey begins to watch a key. REQUIRES: the writer lock.
func (s *Store) watchKey(db int, key string) watch {
	return watch{db: db, name: key, key: s.mu.watched.add(db, key), at: s.published.Load(), there: s.alive(db, key)}
}

// add returns the record of a key for one more who watches it.
func (k *watchedKeys) add(db int, key string) *watchedKey {
	if k.keys == nil {
		k.keys = map[int]map[string]*watchedKey{}
	}
	if k.keys[db] == nil {
		k.keys[db] = map[string]*watchedKey{}
	}
	w := k.keys[db][key]
	if w == nil {
		w = &watchedKey{}
		k.keys[db][key] = w
	}
	w.refs++
	return w
}

// remove undoes one add.
func (k *watchedKeys) remove(db int, key string) {
	of := k.keys[db]
	if of[key].refs--; of[key].refs > 0 {
		return
	}
	if delete(of, key); len(of) == 0 {
		delete(k.keys, db)
	}
}

// alive reports whether a key is there, and not past its deadline. REQUIRES: the
// writer lock.
func (s *Store) alive(db int, key string) bool {
	x := exec{s: s, mode: writing, db: db, gen: s.view.Load().gen}
	return x.peek(key) != nil
}

// spoilt reports whether one of the keys has changed since it is watched. A key that
// was past its deadline already may be removed meanwhile. REQUIRES: the writer lock.
func (s *Store) spoilt(list []watch) bool {
	return slices.ContainsFunc(list, func(w watch) bool {
		return w.key.put.at > w.at || w.there && (w.key.gone.at > w.at || !s.alive(w.db, w.name))
	})
}

// unwatch ends the watching of keys. It may be called inside of Update's closure, which
// has the lock for it.
func (s *Store) unwatch(list []watch) {
	s.held(func() {
		for _, w := range list {
			s.mu.watched.remove(w.db, w.name)
		}
	})
}

// begin forgets what the last commit has stamped.
func (k *watchedKeys) begin() {
	clear(k.noted)
	k.noted = k.noted[:0]
}

// touched notes a change of a key by the commit of version; there is false if it was
// removed.
func (k *watchedKeys) touched(db int, key string, version uint64, there bool) {
	if w := k.keys[db][key]; w != nil {
		k.note(w, version, there)
	}
}

func (k *watchedKeys) note(w *watchedKey, version uint64, there bool) {
	if w.put.at != version && w.gone.at != version {
		k.noted = append(k.noted, w)
	}
	if there {
		w.put.set(version)
	} else {
		w.gone.set(version)
	}
}

// replaced notes that was, database db, has been replaced by is.
func (k *watchedKeys) replaced(db int, was, is *keyspace, version uint64) {
	if was == is {
		return
	}
	for key, w := range k.keys[db] {
		switch {
		case is.has(key):
			k.note(w, version, true)
		case was.has(key): // of one past its deadline, nothing has changed
			k.note(w, version, false)
		}
	}
}

// undo takes back what the commit of version, which is rolled back, has stamped.
func (k *watchedKeys) undo(version uint64) {
	for _, w := range k.noted {
		w.put.undo(version)
		w.gone.undo(version)
	}
}

// A Guard lets a program do an Update only if the keys that it has read are still what
// they were: WATCH for Go. It holds a few bytes a key until Close or Update.
type Guard struct {
	s     *Store
	keys  []watch
	ended bool
	err   error
}

// Guard begins to watch keys of the database. Read them after this call: what changes
// from here on makes [Guard.Update] fail.
func (d DB) Guard(keys ...string) *Guard {
	g := &Guard{s: d.s}
	if g.err = d.s.checkDB(d.n); g.err != nil {
		return g
	}
	if g.err = d.s.lock(); g.err != nil {
		return g
	}
	defer d.s.unlock()
	for _, key := range keys {
		g.keys = append(g.keys, d.s.watchKey(d.n, key))
	}
	return g
}

// Update is [Store.Update] under the condition that none of the keys was written,
// removed or has expired since: else it does nothing and returns [ErrConflict]. A
// commit that was rolled back is no change. The other errors are [ErrNoDatabase],
// [ErrClosed] and [ErrNested].
//
// The guard ends with the call, whatever came of it: another returns ErrClosed. To try
// again means to begin anew, reads included:
//
//	for err = store.ErrConflict; errors.Is(err, store.ErrConflict); {
//		g := db.Guard("k")
//		... // read k
//		_, err = g.Update(func(tx *store.Tx) error { ... })
//	}
func (g *Guard) Update(fn func(tx *Tx) error) (offset int64, err error) {
	if g.err != nil {
		return 0, g.err
	}
	defer g.Close()
	return g.s.Update(func(tx *Tx) error {
		switch {
		case g.ended:
			return ErrClosed
		case g.s.spoilt(g.keys):
			return ErrConflict
		}
		return fn(tx)
	})
}

// Close ends the watching. A second Close does nothing. It never fails.
func (g *Guard) Close() error {
	if g.err != nil || g.ended {
		return nil
	}
	g.ended = true
	g.s.unwatch(g.keys)
	return nil
}
