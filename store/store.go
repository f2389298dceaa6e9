package store

import (
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/understudy-go/understudy/store/backlog"
	"github.com/understudy-go/understudy/store/internal/table"
)

// A Store is a data set of several databases, with its history and its backlog.
// Use [New]. All methods may be called from any goroutine.
type Store struct {
	opts    Options
	tables  *table.Family
	backlog *backlog.Backlog

	ages      atomic.Pointer[ages] // nil unless the policy of eviction needs them
	view      atomic.Pointer[view]
	published atomic.Uint64 // version of the last commit that readers may see
	fresh     atomic.Bool   // no write, no load, no sync yet
	vacant    atomic.Bool   // emptied by Vacate, and not filled again
	updater   atomic.Uint64 // goroutine that runs an Update closure; 0 for none
	stats     counters
	limit     atomic.Pointer[MemoryLimit]
	touched   ring   // what changed, while anyone watches
	broker    broker // who is subscribed to messages

	// mu is the writer lock. The stream is one sequence, so commits are one
	// sequence. Nothing waits while holding it, except user code in Update.
	mu struct {
		sync.Mutex
		commit    commit // the one commit under way, reused
		snapshots []*Snapshot
		replica   bool        // follows a primary: nothing expires by itself
		readOnly  atomic.Bool // refuses clients' writes; changed under the lock, read anywhere
		barred    atomic.Bool // so does this, on a primary with too few replicas; changed anywhere
		sealed    bool        // nothing may be added to the stream
		closed    bool
		functions libraries
		blocked   blocked
		watched   watchedKeys
		evictor   evictor
	}
}

// view is what readers find the data by. It is replaced, never changed, and
// switching it is the instant at which a commit of several slots is seen.
type view struct {
	gen     *generation
	tables  []*table.Table // gen's: fewer loads on the way of every read
	pending *past          // of the commit under way: what its slots held before; or nil
}

// setView shows g to readers, and what pending keeps in place of what it hides.
func (s *Store) setView(g *generation, pending *past) {
	s.view.Store(&view{gen: g, tables: g.tables, pending: pending})
}

// New returns an empty store that accepts writes. A nil o means defaults.
func New(o *Options) *Store {
	s := &Store{opts: o.withDefaults(), tables: table.NewFamily()}
	s.backlog = backlog.New(s.opts.BacklogBytes)
	s.setView(newGeneration(s.opts.Databases, s.tables), nil)
	s.fresh.Store(true)
	s.mu.commit.s = s
	s.touched.limit = s.opts.WatchBytes
	l := s.opts.MemoryLimit.withDefaults()
	s.limitMemory(l, s.agesFor(l))
	return s
}

// Close refuses all further writes. Reads go on, as long as somebody holds the
// store. It never fails.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.closed = true
	s.unblockAll(ErrClosed)
	return nil
}

// Databases is the number of databases.
func (s *Store) Databases() int { return s.opts.Databases }

// find is the entry of a key as published, or nil. It never waits: the loop
// repeats only when a commit of several slots began or ended in between.
func (s *Store) find(db int, h uint64, key string) *table.Entry {
	v := s.view.Load()
	for {
		tab := v.gen.spaces[db].tab
		e := tab.Find(h, key)
		if v.pending != nil && e != nil && e.Version() > v.pending.version {
			e = v.pending.kept(tab, h, key)
		}
		w := s.view.Load()
		if w == v {
			return e
		}
		v = w
	}
}

// lock takes the writer lock for a write from a client or from the program.
func (s *Store) lock() error {
	if !s.mu.TryLock() {
		if s.nested() {
			return ErrNested
		}
		s.mu.Lock()
	}
	if s.mu.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	return nil
}

// nested reports whether the calling goroutine runs an Update closure: waiting
// for the writer lock would be waiting for itself.
func (s *Store) nested() bool {
	u := s.updater.Load()
	return u != 0 && u == goroutine()
}

// unlock ends what lock began: it serves who waits for what was written, wakes who
// waits for the stream, delivers messages, and makes ahead what a later commit would
// otherwise have to make under the lock.
func (s *Store) unlock() {
	s.serveBlocked()
	due := s.broker.due
	s.broker.due = false
	s.mu.Unlock()
	s.backlog.Wake()
	s.touched.wake()
	if due {
		s.broker.deliver()
	}
	s.tables.Restock()
}

// goroutine is the number of the calling goroutine, read from the first line of
// its stack. It serves to turn a certain deadlock into an error, nothing else.
func goroutine() (n uint64) {
	var buf [40]byte
	line := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	for _, c := range line {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + uint64(c-'0')
	}
	return n
}

// write runs fn, which may need less memory afterwards and not more, as one commit in
// database db.
func (s *Store) write(db int, fn func(x *exec) error) error { return s.change(db, false, fn) }

// change is write for what may take more memory, if grows says so.
func (s *Store) change(db int, grows bool, fn func(x *exec) error) error {
	if err := s.checkDB(db); err != nil {
		return err
	}
	if err := s.lock(); err != nil {
		return err
	}
	defer s.unlock()
	return s.changeLocked(db, grows, fn)
}

// changeLocked is what of a write the lock is held for. REQUIRES: the writer lock.
func (s *Store) changeLocked(db int, grows bool, fn func(x *exec) error) error {
	if err := s.admit(grows); err != nil {
		return err
	}
	c := s.begin(db, client)
	err := fn(&c.x)
	// A command that fails changed nothing, except that it may have met a key
	// past its deadline and removed it.
	c.finish()
	return err
}

func (s *Store) checkDB(db int) error {
	if db < 0 || db >= s.opts.Databases {
		return ErrNoDatabase
	}
	return nil
}

const sharedTries = 3

// readMany runs fn against one instant of the data: without a lock as long as
// no writer gets in between, on a snapshot after a few tries.
func (s *Store) readMany(db int, fn func(x *exec)) error {
	if err := s.checkDB(db); err != nil {
		return err
	}
	x := exec{s: s, mode: shared, db: db}
	for range sharedTries {
		at := s.published.Load() // before the view: what the view leads to is not older
		x.readAt(at, s.view.Load())
		if fn(&x); !x.torn {
			return nil
		}
		if x.long {
			break
		}
	}
	sn := s.Snapshot()
	defer sn.Close()
	y := sn.exec(db)
	fn(&y)
	return sn.Err()
}

// readOne runs fn, which looks at one key only.
func (s *Store) readOne(db int, fn func(x *exec)) error {
	if err := s.checkDB(db); err != nil {
		return err
	}
	x := exec{s: s, mode: live, db: db, gen: s.view.Load().gen}
	fn(&x)
	return nil
}

// Update runs fn as one transaction: nobody sees a part of it, and the stream
// carries it between MULTI and EXEC. It returns the offset of the stream after
// it, which is what WaitReplicas waits for. An error or a panic of fn undoes
// everything and is handed on. Where a [MemoryLimit] leaves no room, those of tx's
// methods that take more memory return [ErrOutOfMemory].
//
// fn runs under the writer lock: it should compute and write, and do no I/O.
// Writes to the same store that do not go through tx return [ErrNested], and so
// do reads that would need a snapshot; other reads see what was before. Methods
// that return no error and need the writer lock (Stats, Close, those of
// Replication) must not be called from fn: they would wait for its end.
func (s *Store) Update(fn func(tx *Tx) error) (offset int64, err error) {
	if err := s.lock(); err != nil {
		return 0, err
	}
	defer s.unlock()
	err = s.admit(true)
	full := err == ErrOutOfMemory // whether that matters, fn will show
	if full {
		err = s.refusal()
	}
	if err != nil {
		return 0, err
	}
	c := s.begin(0, client)
	c.full = full
	c.atomic()
	tx := &Tx{c: c}
	done := false
	defer func() {
		tx.c = nil
		s.updater.Store(0)
		if !done {
			c.rollBack()
		}
	}()
	s.updater.Store(goroutine())
	if err = fn(tx); err != nil {
		return 0, err
	}
	done = true
	c.finish()
	return s.backlog.Offset(), nil
}

// View runs fn on a snapshot, which is closed afterwards. It blocks nobody. The
// error is fn's; or [ErrSnapshotTooOld], though fn returned nil, when the snapshot
// was dropped while fn read it, and what fn made of it is worthless; or
// [ErrNested] inside of Update's closure, where fn is not run.
func (s *Store) View(fn func(sn *Snapshot) error) error {
	sn := s.Snapshot()
	defer sn.Close()
	if sn.nested {
		return ErrNested
	}
	if err := fn(sn); err != nil {
		return err
	}
	return sn.Err()
}
