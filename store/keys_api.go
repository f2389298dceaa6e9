package store

import (
	"iter"
	"math"
	"time"

	"github.com/understudy-go/understudy/store/internal/table"
)

// Exists reports whether key is there. It is false for a database that is not.
func (d reads) Exists(key string) bool {
	return d.peek(key) != nil
}

// Kind is the type of key, None if it is not there.
func (d reads) Kind(key string) Kind {
	return kindOf(d.peek(key))
}

// ExpireTime is when key expires; ok is false when it is not there or never
// does. Resolution is a millisecond.
func (d reads) ExpireTime(key string) (at time.Time, ok bool) {
	e := d.peek(key)
	if e == nil || e.Deadline() == 0 {
		return at, false
	}
	return time.UnixMilli(e.Deadline()), true
}

// TTL is how much longer key lives, as of the snapshot's cut in a snapshot; ok is false
// when it is not there or never expires. Resolution is a millisecond.
func (d reads) TTL(key string) (left time.Duration, ok bool) {
	var ms int64
	err := d.one(func(x *exec) {
		deadline := x.deadline(key)
		if ok = deadline > 0; ok {
			ms = max(deadline-x.clock(), 0)
		}
	})
	if !ok || err != nil {
		return 0, false
	}
	return time.Duration(min(ms, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond, true
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

// RandomKey returns some key of the database, [ErrNotFound] if there is none. O(1) in the
// common case; a pick is fair within a factor of four.
func (d reads) RandomKey() (key string, err error) {
	var ok bool
	err = d.one(func(x *exec) { key, ok = x.randomKey() })
	return found(key, ok, err)
}

// Del removes keys and returns how many were there.
func (d writes) Del(keys ...string) (n int, err error) {
	err = d.write(func(x *exec) error {
		n = x.del("DEL", keys)
		return nil
	})
	return n, err
}

// Rename moves a key's value and deadline to another key and replaces what is
// there. The error is [ErrNoKey] when from is not there. O(1) for every size.
func (d writes) Rename(from, to string) error {
	return d.write(func(x *exec) error {
		_, err := x.rename(from, to, false)
		return err
	})
}

// RenameNX is Rename unless there is a key of the new name, and reports whether it was
// done.
func (d writes) RenameNX(from, to string) (done bool, err error) {
	err = d.write(func(x *exec) (err error) {
		done, err = x.rename(from, to, true)
		return err
	})
	return done, err
}

// Copy copies a key's value and deadline to another key of the database, and reports
// whether it did: not if from is not there, nor if to is, unless replace is set. The
// error is that of a key that would be copied to itself. O(1) for strings and lists, O(n)
// for other large values. Redis 6.2.
func (d writes) Copy(from, to string, replace bool) (done bool, err error) {
	return d.CopyTo(from, to, d.n, replace)
}

// CopyTo is Copy to a key of database db. The error may be [ErrNoDatabase] too.
func (d writes) CopyTo(from, to string, db int, replace bool) (done bool, err error) {
	err = d.grow(func(x *exec) (err error) {
		done, err = x.copyKey(from, to, db, replace)
		return err
	})
	return done, err
}

// Move moves a key to database db unless that has one of the name, and reports whether
// it did. The error is [ErrNoDatabase], or that of a database that is this one. O(1).
func (d writes) Move(key string, db int) (done bool, err error) {
	err = d.write(func(x *exec) (err error) {
		done, err = x.move(key, db)
		return err
	})
	return done, err
}

// SwapDB exchanges all keys of the database with those of database db. The error is
// [ErrNoDatabase]. O(1). Redis 4.0.
func (d writes) SwapDB(db int) error {
	return d.write(func(x *exec) error { return x.swap(d.n, db) })
}

// Expire makes key expire at the given time, and reports whether it was there.
// A time in the past removes it.
func (d writes) Expire(key string, at time.Time) (done bool, err error) {
	return d.ExpireWith(key, at, nil)
}

// ExpireOptions are conditions of ExpireWith. The zero value is none. NX goes with none
// of the others, GT and LT not with each other.
type ExpireOptions struct {
	NX bool // only if the key has no deadline
	XX bool // only if it has one
	GT bool // only if the new deadline is later; none is later than all
	LT bool // only if it is sooner
}

// ExpireWith is Expire under conditions, nil for none. done is false also when one of
// them held it back. The error is an [*Error] for conditions that exclude each other.
// O(1). Redis 7.0.
func (d writes) ExpireWith(key string, at time.Time, o *ExpireOptions) (done bool, err error) {
	var c expireCondition
	if o != nil {
		c = expireCondition{ifNone: o.NX, ifSome: o.XX, ifLater: o.GT, ifSooner: o.LT}
	}
	if err = c.check(); err != nil {
		return false, err
	}
	err = d.write(func(x *exec) error {
		done = x.expireAt(key, at.UnixMilli(), c)
		return nil
	})
	return done, err
}

// Persist takes key's deadline away, and reports whether it had one.
func (d writes) Persist(key string) (done bool, err error) {
	err = d.write(func(x *exec) error {
		done = x.persist(key)
		return nil
	})
	return done, err
}

// Flush removes all keys of the database. O(1).
func (d writes) Flush() error {
	return d.write(func(x *exec) error {
		x.flush()
		return nil
	})
}

// FlushAll removes all keys of all databases. O(1).
func (d writes) FlushAll() error {
	return d.write(func(x *exec) error {
		x.flushAll()
		return nil
	})
}
