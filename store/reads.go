package store

import (
	"iter"
	"time"

	"github.com/understudy-go/understudy/store/internal/table"
)

// Get returns the string at key, [ErrNotFound] if there is none, or
// [ErrWrongType]. The string aliases the store's memory, is immutable and valid
// for ever. O(1), without allocation. Only a large string that SetRange has written
// to is put together from its chunks, O(n), each time that nobody keeps what an
// earlier Get returned: read it by GetRange where a part will do.
func (d reads) Get(key string) (string, error) {
	// The common case is written out, because it is what a read replica does all
	// day: a live database, no commit of several slots under way, a short string
	// without a deadline.
	if d.sn == nil && d.tx == nil {
		v := d.s.view.Load()
		if v.pending == nil && uint(d.n) < uint(len(v.tables)) {
			text, ok := v.tables[d.n].Plain(key)
			if ok && d.s.view.Load() == v {
				return text, nil
			}
		}
	}
	return d.get(key)
}

func (d reads) get(key string) (string, error) {
	e, err := d.textEntry(key)
	switch {
	case err != nil:
		return "", err
	case e == nil:
		return "", ErrNotFound
	}
	return e.Text(), nil
}

// entry is the live entry of key. The common case, a live database, is spelled
// out: it is what a read replica does all day.
func (d reads) entry(key string) (e *table.Entry, err error) {
	if d.sn != nil || d.tx != nil {
		err = d.many(func(x *exec) { e = x.entry(key) })
		return e, err
	}
	if err = d.s.checkDB(d.n); err != nil {
		return nil, err
	}
	e = d.s.find(d.n, d.s.hash(key), key)
	if e == nil || e.Kind() == table.Tombstone || d.s.pastDeadline(e) {
		return nil, nil
	}
	return e, nil
}

// Exists reports whether key is there. It is false for a database that is not.
func (d reads) Exists(key string) bool {
	e, _ := d.entry(key)
	return e != nil
}

// Kind is the type of key, None if it is not there.
func (d reads) Kind(key string) Kind {
	e, _ := d.entry(key)
	return kindOf(e)
}

// ExpireTime is when key expires; ok is false when it is not there or never
// does. Resolution is a millisecond.
func (d reads) ExpireTime(key string) (at time.Time, ok bool) {
	e, _ := d.entry(key)
	if e == nil || e.Deadline() == 0 {
		return at, false
	}
	return time.UnixMilli(e.Deadline()), true
}

// Strlen is the length of the string at key in bytes, 0 if there is none. O(1).
func (d reads) Strlen(key string) (int, error) {
	e, err := d.textEntry(key)
	if e == nil {
		return 0, err
	}
	return e.Len(), nil
}

// GetRange returns the bytes from start to end, both included, of the string at
// key; negative numbers count from its end, -1 being the last byte. What there is
// not is "". O(1), except for a large string that SetRange has written to: there
// the part is copied, and not the string.
func (d reads) GetRange(key string, start, end int64) (string, error) {
	e, err := d.textEntry(key)
	if e == nil {
		return "", err
	}
	return cutRange(e, start, end), nil
}

// textEntry is the string at key, nil if there is none.
func (d reads) textEntry(key string) (*table.Entry, error) {
	e, err := d.entry(key)
	switch {
	case err != nil:
		return nil, err // of a snapshot that was dropped: what was found is worthless
	case e != nil && e.Kind() != table.Text:
		return nil, ErrWrongType
	}
	return e, nil
}

// Result is one of several values read at once.
type Result struct {
	Value string
	OK    bool // false: no such key, or no string
}

// MGet returns the strings at keys, all as of one instant. O(n).
func (d reads) MGet(keys ...string) ([]Result, error) {
	out := make([]Result, len(keys))
	err := d.many(func(x *exec) {
		for i, key := range keys {
			value, ok, err := x.text(key)
			out[i] = Result{value, ok && err == nil}
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// HGet returns the value of a field, [ErrNotFound] if the key or the field is
// not there, or [ErrWrongType]. O(1); in a small hash O(fields), at most 128.
func (d reads) HGet(key, field string) (value string, err error) {
	var ok bool
	if e := d.many(func(x *exec) {
		var h *table.Entry
		if h, err = x.hash(key); err == nil {
			value, ok = x.hget(h, field)
		}
	}); e != nil {
		return "", e
	}
	if err == nil && !ok {
		err = ErrNotFound
	}
	return value, err
}

// HMGet returns the values of fields, all as of one instant. The error is
// [ErrWrongType]. O(1) a field, as HGet.
func (d reads) HMGet(key string, fields ...string) (out []Result, err error) {
	out = make([]Result, len(fields))
	if e := d.many(func(x *exec) {
		var h *table.Entry
		if h, err = x.hash(key); err != nil {
			return
		}
		for i, f := range fields {
			out[i].Value, out[i].OK = x.hget(h, f)
		}
	}); e != nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// HLen is the number of fields, 0 if there is no such key. The error is
// [ErrWrongType]. O(1).
func (d reads) HLen(key string) (n int, err error) {
	if e := d.many(func(x *exec) {
		var h *table.Entry
		h, err = x.hash(key)
		n = x.hlen(h)
	}); e != nil {
		return 0, e
	}
	return n, err
}

// HGetAll returns a copy of the hash, empty if there is no such key. The error is
// [ErrWrongType]. O(n).
func (d reads) HGetAll(key string) (map[string]string, error) {
	out := map[string]string{}
	var err error
	if e := d.many(func(x *exec) {
		clear(out)
		var h *table.Entry
		h, err = x.hash(key)
		x.heach(h, func(f, v string) { out[f] = v })
	}); e != nil {
		return nil, e
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Len is the number of keys. Keys past their deadline count until they are
// removed.
func (d reads) Len() (n int) {
	_ = d.many(func(x *exec) { n = x.tableLen(x.space().tab) })
	return n
}

// Keys yields every key with its kind, as of one instant, in no stated order.
// On a live database it holds a snapshot meanwhile, so the loop's body may take
// its time and may write. If the snapshot is dropped, see
// Options.SnapshotBudget, the iteration ends early without a word, as it does
// inside of Update's closure. Where that matters, iterate inside of
// [Store.View], which returns the error:
//
//	err := s.View(func(sn *store.Snapshot) error {
//		for key := range sn.DB(0).Keys() { ... }
//		return nil
//	})
func (d reads) Keys() iter.Seq2[string, Kind] {
	return func(yield func(string, Kind) bool) {
		d.eachEntry(func(_ *exec, e *table.Entry) bool { return yield(e.Key(), kindOf(e)) })
	}
}

// eachEntry calls fn for every live entry of the database, outside of any lock.
func (d reads) eachEntry(fn func(x *exec, e *table.Entry) bool) {
	if d.tx != nil {
		d.eachInTx(fn)
		return
	}
	sn := d.sn
	if sn == nil {
		sn = d.s.Snapshot()
		defer sn.Close()
	}
	if d.s.checkDB(d.n) != nil {
		return
	}
	x := sn.exec(d.n)
	sn.past.each(x.space().tab, func(e *table.Entry) bool {
		return sn.Err() == nil && (x.expired(e) || fn(&x, e))
	})
}

// eachInTx collects first: the loop's body may write.
func (d reads) eachInTx(fn func(x *exec, e *table.Entry) bool) {
	x, err := d.txExec()
	if err != nil {
		return
	}
	var all []*table.Entry
	x.eachKey(func(e *table.Entry) { all = append(all, e) })
	for _, e := range all {
		if !fn(x, e) {
			return
		}
	}
}

// hash is the hash of a key in every table of the store.
func (s *Store) hash(key string) uint64 { return s.tables.Hash(key) }

func (s *Store) pastDeadline(e *table.Entry) bool {
	d := e.Deadline()
	return d != 0 && s.opts.Clock().UnixMilli() > d
}
