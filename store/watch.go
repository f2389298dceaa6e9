package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/understudy-go/understudy/store/internal/table"
)

// Cause says why a key changed.
type Cause uint8

const (
	// ByCommand: a command, a transaction, or the stream of a primary.
	ByCommand Cause = iota
	// ByDeadline: the key's deadline passed. On a replica this is a command: the
	// primary's DEL.
	ByDeadline
	// Replaced: the whole database was emptied, swapped, or loaded by a full
	// resync; every key may have changed. Key is empty.
	Replaced
	// Evicted: the key made room for others, see MemoryLimit. On a replica this is a
	// command: the primary's DEL.
	Evicted
)

// String is the cause in one word.
func (c Cause) String() string {
	return [...]string{"command", "deadline", "replaced", "evicted"}[c]
}

// AllDatabases is the DB of a Change that concerns every database.
const AllDatabases = -1

// A Value is what a key held at the time of a change: its type, and the text of
// a string. The elements of other types are not in it: read them from the store,
// as they are now.
type Value struct {
	kind Kind
	e    *table.Entry // nil for what is held in a body
}

// valueOf is what is told of an entry; nil for none. It does not hold on to a large
// collection: whoever keeps it is counted by the entry alone.
func valueOf(e *table.Entry) Value {
	if bodyOf(e) != nil {
		return Value{kind: kindOf(e)}
	}
	return Value{kindOf(e), e}
}

// Kind is the value's type, None if the key was not there.
func (v Value) Kind() Kind { return v.kind }

// Text is the value of a String, "" for other kinds.
func (v Value) Text() string {
	if v.Kind() != String {
		return ""
	}
	return v.e.Text()
}

// A Change is one touched key of one commit. A change of the deadline alone is
// one too: Old and New then hold the same.
type Change struct {
	DB       int // AllDatabases: of every database
	Key      string
	Old, New Value
	Cause    Cause
	Offset   int64 // of the stream after the commit
}

// size is what a change may retain: its name, and of the entries it refers to.
func (c *Change) size() int64 {
	const own = 144
	n := int64(own + len(c.Key))
	for _, e := range []*table.Entry{c.Old.e, c.New.e} {
		if e != nil {
			n += int64(e.Size()) - e.Sharable()
		}
	}
	if c.Old.e != nil {
		// Of what versions of a large string share, a change retains what the next
		// one lacks.
		n += c.Old.e.Lost(c.Old.e, c.New.e)
	}
	return n
}

// GapError is returned by a watcher, or a subscriber, that was too slow: Missed
// changes or messages were dropped. It goes on behind them.
type GapError struct{ Missed uint64 }

func (e *GapError) Error() string { return fmt.Sprintf("store: too slow, missed %d", e.Missed) }

// ring holds the latest changes, as many as fit into limit bytes. The writer
// adds and never waits for a watcher.
type ring struct {
	watchers atomic.Int32
	limit    int64

	mu      sync.Mutex // protects the fields below
	changes []Change   // the oldest first
	first   uint64     // number of changes[0], counted from the store's first
	bytes   int64
	added   bool          // since the last wake
	more    chan struct{} // closed by wake; nil while nobody waits
}

func (r *ring) watched() bool { return r.watchers.Load() > 0 }

// add appends the key-level changes of a commit. REQUIRES: the writer lock.
func (r *ring) add(changes []change, why Cause, offset int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ch := range changes {
		if ch.tab == nil {
			r.push(Change{DB: ch.db, Cause: Replaced, Offset: offset})
		} else if ch.ks != nil {
			r.push(ch.public(why, offset))
		}
	}
	r.trim()
	r.added = true
}

func (ch change) public(why Cause, offset int64) Change {
	if ch.expired {
		why = ByDeadline
	}
	return Change{DB: ch.db, Key: ch.key(), Old: valueOf(ch.old), New: valueOf(ch.new), Cause: why, Offset: offset}
}

func (r *ring) push(c Change) {
	r.changes = append(r.changes, c)
	r.bytes += c.size()
}

// trim drops the oldest changes beyond the limit, and their references at once.
func (r *ring) trim() {
	n := 0
	for ; r.bytes > r.limit && n < len(r.changes); n++ {
		r.bytes -= r.changes[n].size()
		r.changes[n] = Change{}
	}
	r.changes = r.changes[n:]
	r.first += uint64(n)
}

// wake tells waiting watchers. Called after the writer lock was released.
func (r *ring) wake() {
	if !r.watched() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.added && r.more != nil {
		close(r.more)
		r.more = nil
	}
	r.added = false
}

// end is the number of the next change.
func (r *ring) end() uint64 { return r.first + uint64(len(r.changes)) }

// A Watcher reads changes in the order of the commits, at its own pace.
type Watcher struct {
	r      *ring
	filter Filter
	next   uint64
	closed chan struct{}
	once   sync.Once
}

// Filter chooses changes. The zero value takes all.
type Filter struct {
	// Match takes the changes for which it returns true; nil takes all. It runs
	// on the watcher's goroutine. Changes with cause Replaced are always taken.
	Match func(c *Change) bool
}

// Watch begins to record what changes, from the next commit on. Close the
// watcher: while one is open, every commit pays for the record.
func (s *Store) Watch(f Filter) *Watcher {
	r := &s.touched
	r.watchers.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	return &Watcher{r: r, filter: f, next: r.end(), closed: make(chan struct{})}
}

// Close ends the watcher; a Next that waits returns [ErrClosed]. A second Close
// does nothing. It never fails.
func (w *Watcher) Close() error {
	w.once.Do(func() {
		close(w.closed)
		if w.r.watchers.Add(-1) == 0 {
			w.r.clear()
		}
	})
	return nil
}

func (r *ring) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watched() {
		return
	}
	r.first, r.changes, r.bytes = r.end(), nil, 0
}

// Next returns the next change, and waits for it. The error is ctx's,
// [ErrClosed], or a [*GapError], after which Next goes on.
func (w *Watcher) Next(ctx context.Context) (Change, error) {
	for {
		c, more, err := w.take()
		switch {
		case err != nil:
			return Change{}, err
		case more == nil:
			if c.Cause == Replaced || w.filter.Match == nil || w.filter.Match(&c) {
				return c, nil
			}
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return Change{}, ctx.Err()
		case <-w.closed:
			return Change{}, ErrClosed
		}
	}
}

// take returns a change, or the channel to wait on for one.
func (w *Watcher) take() (c Change, more <-chan struct{}, err error) {
	r := w.r
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-w.closed:
		return c, nil, ErrClosed
	default:
	}
	if w.next < r.first {
		missed := r.first - w.next
		w.next = r.first
		return c, nil, &GapError{missed}
	}
	if w.next < r.end() {
		c = r.changes[w.next-r.first]
		w.next++
		return c, nil, nil
	}
	if r.more == nil {
		r.more = make(chan struct{})
	}
	return c, r.more, nil
}
