package store

import (
	"container/list"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// Clients that wait for an element stand in queues, one for each key that somebody
// waits for. A commit that changes such a key notes its queue; before the writer
// lock is given back, the queues that were noted are served: the oldest waiter
// first, each by a commit of its own. So the effect of the one who is served stands
// in the stream right behind that of the write that served it.
//
// To join, to be served and to leave take O(1) for each key that is waited for, however
// many wait: all of it happens under the writer lock.

// waiter is a client that waits for one of several keys.
type waiter struct {
	wish
	db     int
	served chan blockedReply // of one element
	places []place           // where it stands; nil when it no longer waits
}

// place is where a waiter stands in one of its queues.
type place struct {
	q  *queue
	at *list.Element
}

// blockedReply is how a wait ends: by a reply, or by an error.
type blockedReply struct {
	v      resp.Value
	offset int64 // of the stream after the commit that served it
	err    error
}

// queue holds those who wait for one key, the oldest first: apart by what they wait for,
// so that nobody is passed over who has no use for what came.
type queue struct {
	db           int
	key          string
	list, sorted list.List // of *waiter
	stream       list.List // of *waiter: readers, of whom one leaves the others what there is
	noted        bool      // stands in blocked.ready
}

// of is those who wait for a kind, nil if nobody can.
func (q *queue) of(kind Kind) *list.List {
	switch kind {
	case List:
		return &q.list
	case SortedSet:
		return &q.sorted
	case Stream:
		return &q.stream
	}
	return nil
}

func (q *queue) empty() bool { return q.list.Len()+q.sorted.Len()+q.stream.Len() == 0 }

type queueKey struct {
	db  int
	key string
}

// blocked are the queues of a store. The zero value is empty. REQUIRES: the writer
// lock, for all of it.
type blocked struct {
	queues map[queueKey]*queue
	ready  []*queue // in the order in which their keys changed
}

func (b *blocked) add(w *waiter) {
	if b.queues == nil {
		b.queues = map[queueKey]*queue{}
	}
	for _, key := range w.keys {
		k := queueKey{w.db, key}
		q := b.queues[k]
		if q == nil {
			q = &queue{db: w.db, key: key}
			b.queues[k] = q
		}
		l := q.of(w.kind)
		if last := l.Back(); last == nil || last.Value != w { // the same key may be given twice
			w.places = append(w.places, place{q, l.PushBack(w)})
		}
	}
}

// remove takes w out of all queues, if it still waits.
func (b *blocked) remove(w *waiter) {
	for _, p := range w.places {
		p.q.of(w.kind).Remove(p.at)
		if p.q.empty() {
			delete(b.queues, queueKey{p.q.db, p.q.key})
		}
	}
	w.places = nil // the key may have another queue by the next time
}

// note marks the queue of a key that has changed.
func (b *blocked) note(db int, key string) {
	if q := b.queues[queueKey{db, key}]; q != nil && !q.noted {
		q.noted = true
		b.ready = append(b.ready, q)
	}
}

// noteGone marks the queue of a key that is gone, if there are readers of streams who may
// want to know that.
func (b *blocked) noteGone(db int, key string) {
	if q := b.queues[queueKey{db, key}]; q != nil && q.stream.Len() > 0 {
		b.note(db, key)
	}
}

// noteAll marks every queue of database db, AllDatabases for all: their keys may
// have come by another way than a write.
func (b *blocked) noteAll(db int) {
	for _, q := range b.queues {
		if db == AllDatabases || q.db == db {
			b.note(q.db, q.key)
		}
	}
}

// serveBlocked serves the queues whose keys have changed, and those that change by
// it. REQUIRES: the writer lock, no commit under way.
func (s *Store) serveBlocked() {
	b := &s.mu.blocked
	for len(b.ready) > 0 {
		q := b.ready[0]
		b.ready = b.ready[1:]
		q.noted = false
		s.serveQueue(q)
	}
	b.ready = nil
}

// serveQueue serves the waiters of q for whom there is something, the oldest first.
func (s *Store) serveQueue(q *queue) {
	if s.kindAt(q.db, q.key) == Stream {
		s.serveReaders(q)
		return
	}
	s.serveGone(q)
	for {
		l := q.of(s.kindAt(q.db, q.key))
		if l == nil || l.Len() == 0 {
			return
		}
		if !s.serve(q, l.Front().Value.(*waiter)) {
			return // past its deadline, for whoever asks
		}
	}
}

// serveReaders serves each of the readers of q for whom there is something, the oldest
// first: what is new to one need not be so to another.
func (s *Store) serveReaders(q *queue) {
	var next *list.Element
	for at := q.stream.Front(); at != nil; at = next {
		next = at.Next()
		s.serve(q, at.Value.(*waiter))
	}
}

// serveGone tells those readers of q who will not wait for what is no stream any more.
func (s *Store) serveGone(q *queue) {
	var next *list.Element
	for at := q.stream.Front(); at != nil; at = next {
		next = at.Next()
		w := at.Value.(*waiter)
		if w.gone == nil {
			continue
		}
		c := s.begin(q.db, client)
		v, ok := w.gone(&c.x)
		c.finish()
		if ok {
			s.mu.blocked.remove(w)
			w.served <- blockedReply{v: v, offset: s.backlog.Offset()}
		}
	}
}

// serve serves one of those who wait in q, if there is something for it.
func (s *Store) serve(q *queue, w *waiter) bool {
	c := s.begin(q.db, client)
	v, ok := c.x.grantFrom(w.wish, q.key)
	c.finish()
	if ok {
		s.mu.blocked.remove(w)
		w.served <- blockedReply{v: v, offset: s.backlog.Offset()}
	}
	return ok
}

// kindAt is the kind of what stands at a key, past its deadline or not.
func (s *Store) kindAt(db int, key string) Kind {
	tab := s.view.Load().gen.spaces[db].tab
	return kindOf(tab.Find(tab.Hash(key), key))
}

// unblockAll ends every wait with err. REQUIRES: the writer lock.
func (s *Store) unblockAll(err error) { s.unblock(err, func(*waiter) bool { return true }) }

// unblockWriters ends every wait of who would change something, with err.
func (s *Store) unblockWriters(err error) {
	s.unblock(err, func(w *waiter) bool { return !w.reads })
}

// unblock ends the waits that which says, with err. REQUIRES: the writer lock.
func (s *Store) unblock(err error, which func(*waiter) bool) {
	var all []*waiter
	for _, q := range s.mu.blocked.queues {
		for _, l := range []*list.List{&q.list, &q.sorted, &q.stream} {
			for at := l.Front(); at != nil; at = at.Next() {
				if w := at.Value.(*waiter); which(w) {
					all = append(all, w)
				}
			}
		}
	}
	for _, w := range all {
		if w.places != nil { // else another of its keys came first
			s.mu.blocked.remove(w)
			w.served <- blockedReply{err: err}
		}
	}
}

// errDemoted ends the waits of a node that becomes a replica, as Redis words it.
var errDemoted = &Error{"UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"}

// What the context of a wait may end by (see SessionOptions.Wait), beside any other
// cause.
var (
	// ErrWaitOver ends a wait as its own timeout does: the reply is null.
	ErrWaitOver = errors.New("store: nothing came in time")
	// ErrUnblocked ends a wait by an error reply.
	ErrUnblocked = &Error{"UNBLOCKED client unblocked via CLIENT UNBLOCK"}
)

// block answers w at once if there is something, else as soon as there is, until its
// time is over or a context ends: begin, which gives that one, is called when w has to
// wait, and done when it no longer does. The error is that of a write, ErrWaitOver, or
// the context's cause.
func (s *Store) block(db int, wh wish, begin func() (ctx context.Context, done func())) (blockedReply, error) {
	wh.keys = cloneStrings(wh.keys) // they may alias a read buffer, and the reply names one
	w := &waiter{wish: wh, db: db, served: make(chan blockedReply, 1)}
	if r, done, err := s.grantOrQueue(w); done || err != nil {
		return r, err
	}
	ctx, done := begin()
	defer done()
	var over <-chan time.Time
	if w.timeout > 0 {
		t := time.NewTimer(w.timeout)
		defer t.Stop()
		over = t.C
	}
	select {
	case r := <-w.served:
		return r, r.err
	case <-ctx.Done():
		return s.leave(w, context.Cause(ctx))
	case <-over:
		return s.leave(w, ErrWaitOver)
	}
}

// grantOrQueue looks at w's keys in order, and lets w wait when none has anything.
func (s *Store) grantOrQueue(w *waiter) (r blockedReply, done bool, err error) {
	if err := s.checkDB(w.db); err != nil {
		return r, false, err
	}
	if err := s.lock(); err != nil {
		return r, false, err
	}
	defer s.unlock()
	if !w.reads {
		if err := s.admit(w.grows); err != nil {
			return r, false, err
		}
	}
	c := s.begin(w.db, client)
	r.v, done = c.x.grant(w.wish)
	c.finish()
	if done {
		r.offset = s.backlog.Offset()
		return r, true, nil
	}
	s.mu.blocked.add(w)
	return r, false, nil
}

// cloneStrings returns copies that alias nothing.
func cloneStrings(list []string) []string {
	own := make([]string, len(list))
	for i, s := range list {
		own[i] = strings.Clone(s)
	}
	return own
}

// leave ends w's wait because of err, unless it was served in the same moment: what
// was taken out for it must not be lost.
func (s *Store) leave(w *waiter, err error) (blockedReply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.blocked.remove(w)
	select {
	case r := <-w.served:
		return r, r.err
	default:
		return blockedReply{}, err
	}
}
