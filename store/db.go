package store

import (
	"iter"
	"slices"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// DB is one database of a store as it is now: a small value to copy and keep.
// It looks the data up anew at each call, so it stays valid over full resyncs.
type DB struct{ writes }

// SnapshotDB is one database of a snapshot.
type SnapshotDB struct{ reads }

// TxDB is one database inside of an Update. It reads what the transaction has
// written. It is of no use after the closure returned: then every method
// returns [ErrClosed].
type TxDB struct{ writes }

// DB returns database n. If there is none, its methods return [ErrNoDatabase].
func (s *Store) DB(n int) DB { return DB{writes{reads{s: s, n: n}}} }

// DB returns database n as it was at the cut.
func (sn *Snapshot) DB(n int) SnapshotDB { return SnapshotDB{reads{s: sn.s, sn: sn, n: n}} }

// Tx is a transaction. It belongs to the closure that Update called.
type Tx struct{ c *commit }

// DB returns database n inside of the transaction.
func (t *Tx) DB(n int) TxDB {
	if t.c == nil {
		return TxDB{writes{reads{n: n, tx: t}}}
	}
	return TxDB{writes{reads{s: t.c.s, n: n, tx: t}}}
}

// reads are the methods that look at data, of whatever kind of database.
type reads struct {
	s  *Store
	sn *Snapshot // of a SnapshotDB
	tx *Tx       // of a TxDB
	n  int
}

// one runs fn, which looks at one key's entry only.
func (d reads) one(fn func(x *exec)) error {
	if d.sn == nil && d.tx == nil {
		return d.s.readOne(d.n, fn)
	}
	return d.many(fn)
}

// many runs fn against one instant.
func (d reads) many(fn func(x *exec)) error {
	switch {
	case d.sn != nil:
		return d.readSnapshot(fn)
	case d.tx != nil:
		x, err := d.txExec()
		if err == nil {
			fn(x)
		}
		return err
	}
	return d.s.readMany(d.n, fn)
}

func (d reads) readSnapshot(fn func(x *exec)) error {
	if err := d.s.checkDB(d.n); err != nil {
		return err
	}
	x := d.sn.exec(d.n)
	fn(&x)
	return d.sn.Err()
}

func (d reads) txExec() (*exec, error) {
	c := d.tx.c
	if c == nil {
		return nil, ErrClosed
	}
	if err := c.s.checkDB(d.n); err != nil {
		return nil, err
	}
	c.x.db, c.x.gen = d.n, c.gen
	return &c.x, nil
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
	h := d.s.hash(key)
	if e = d.s.findLive(d.n, h, key); e == nil {
		return nil, nil
	}
	if a := d.s.ages.Load(); a != nil {
		a.sampled(d.n, h)
	}
	return e, nil
}

// peek is entry for who does not ask for the value: that does not count as using it.
func (d reads) peek(key string) (e *table.Entry) {
	if d.sn != nil || d.tx != nil {
		_ = d.many(func(x *exec) { e = x.peek(key) })
		return e
	}
	if d.s.checkDB(d.n) != nil {
		return nil
	}
	return d.s.findLive(d.n, d.s.hash(key), key)
}

// on runs fn with what find returns for key, an entry of one type or nil, against one
// instant. fn may be run again, when a writer came in between: what the last run sets
// counts, if the error is nil.
func (d reads) on(key string, find func(x *exec, key string) (*table.Entry, error), fn func(x *exec, e *table.Entry)) (err error) {
	if e := d.many(func(x *exec) {
		var e *table.Entry
		if e, err = find(x, key); err == nil {
			fn(x, e)
		}
	}); e != nil {
		return e
	}
	return err
}

// walk yields the elements of what find returns for key, all as of the instant at which
// the loop begins, outside of any lock. Over a live database it holds a snapshot
// meanwhile, and ends early when that is dropped. In a transaction it collects first: the
// loop's body may write.
func walk[T any](d reads, key string, find func(x *exec, key string) (*table.Entry, error), elements func(x *exec, e *table.Entry) iter.Seq[T]) iter.Seq[T] {
	return func(yield func(T) bool) {
		if d.tx != nil {
			walkTx(d, key, find, elements, yield)
			return
		}
		sn := d.sn
		if sn == nil {
			sn = d.s.Snapshot()
			defer sn.Close()
		}
		x := sn.exec(d.n)
		e, err := find(&x, key)
		if err != nil {
			return
		}
		for v := range elements(&x, e) {
			if sn.Err() != nil || !yield(v) {
				return
			}
		}
	}
}

func walkTx[T any](d reads, key string, find func(x *exec, key string) (*table.Entry, error), elements func(x *exec, e *table.Entry) iter.Seq[T], yield func(T) bool) {
	x, err := d.txExec()
	if err != nil {
		return
	}
	e, err := find(x, key)
	if err != nil {
		return
	}
	for _, v := range slices.Collect(elements(x, e)) {
		if !yield(v) {
			return
		}
	}
}

// found is v if there was one.
func found[T any](v T, ok bool, err error) (T, error) {
	if err == nil && !ok {
		err = ErrNotFound
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return v, nil
}

// onlyOne is the first of a list, ErrNotFound if there is none.
func onlyOne[T any](list []T, err error) (v T, _ error) {
	if len(list) == 0 {
		return found(v, false, err)
	}
	return found(list[0], true, err)
}

// Do runs a read command, its name first, and returns the reply. Error replies
// are returned as errors. It takes any command of the table that only reads.
func (d reads) Do(args ...string) (v resp.Value, err error) {
	cmd, argv, err := dataCommand(args)
	if err != nil {
		return v, err
	}
	if cmd.Flags&(FlagWrite|flagPublish) != 0 {
		return v, wireError("ERR %s writes, and this is read only", cmd.Name)
	}
	over := d.many
	if cmd.Flags&flagOneKey != 0 {
		over = d.one
	}
	err = d.refreshing(over, func(x *exec) { v = cmd.run(x, argv) })
	return replyOrError(v, err)
}

// writes are the methods that look at and change data.
type writes struct{ reads }

func (d writes) write(fn func(x *exec) error) error { return d.change(false, fn) }

// grow is write for what may take more memory.
func (d writes) grow(fn func(x *exec) error) error { return d.change(true, fn) }

func (d writes) change(grows bool, fn func(x *exec) error) error {
	if d.tx == nil {
		return d.s.change(d.n, grows, fn)
	}
	x, err := d.txExec()
	if err != nil {
		return err
	}
	if grows && x.c.full {
		return ErrOutOfMemory
	}
	return fn(x)
}

// Do runs one command, its name first, and returns the reply. Error replies are
// returned as errors, worded as Redis 7.0 words them.
func (d writes) Do(args ...string) (v resp.Value, err error) {
	cmd, argv, err := dataCommand(args)
	if err != nil {
		return v, err
	}
	switch {
	case cmd.Flags&flagPublish != 0 && d.tx == nil:
		err = d.s.writeMessage(d.n, func(x *exec) { v = cmd.run(x, argv) })
		return v, err
	case cmd.Flags&(FlagWrite|flagPublish) == 0:
		return d.reads.Do(args...)
	}
	err = d.change(cmd.grows(argv), func(x *exec) error { v = cmd.run(x, argv); return nil })
	return replyOrError(v, err)
}

func replyOrError(v resp.Value, err error) (resp.Value, error) {
	if err == nil && v.Kind == resp.Error {
		err = &Error{v.Str}
	}
	if err != nil {
		return resp.Value{}, err
	}
	return v, nil
}

func dataCommand(args []string) (*Command, [][]byte, error) {
	argv := make([][]byte, len(args))
	for i, a := range args {
		argv[i] = []byte(a)
	}
	if len(args) == 0 {
		return nil, nil, wireError("ERR empty command")
	}
	cmd := LookupCommand(args[0])
	switch {
	case cmd == nil:
		return nil, nil, &Error{unknownCommand(argv).Str}
	case cmd.run == nil:
		return nil, nil, wireError("ERR %s belongs to a session", cmd.Name)
	case !cmd.accepts(len(args)):
		return nil, nil, &Error{wrongArity(cmd.Name).Str}
	}
	return cmd, argv, nil
}

// hash is the hash of a key in every table of the store.
func (s *Store) hash(key string) uint64 { return s.tables.Hash(key) }

// findLive is find, of a key that has not expired.
func (s *Store) findLive(db int, h uint64, key string) *table.Entry {
	e := s.find(db, h, key)
	if e == nil || e.Kind() == table.Tombstone || s.pastDeadline(e) {
		return nil
	}
	return e
}

func (s *Store) pastDeadline(e *table.Entry) bool {
	d := e.Deadline()
	return d != 0 && s.opts.Clock().UnixMilli() > d
}
