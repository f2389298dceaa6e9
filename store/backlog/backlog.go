package backlog

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// DefaultSize is the size of a backlog in bytes where nobody asked for another: what redis-server uses.
const DefaultSize = 1 << 20

// never is a count that no stream reaches.
const never = math.MaxInt64

// Backlog is the history of one data set and the last bytes of its stream. Create it with New.
type Backlog struct {
	state    atomic.Pointer[state] // identity and bytes; stored under the writer lock
	size     atomic.Int64          // bytes that a follower may be behind now; stored under mu
	streamDB int                   // protected by the writer lock
	reserve  reserve

	// checkAt is the smallest end at which a registered reader may be over its limit: the only thing about
	// readers that Append looks at. Stored under mu.
	// Invariant: checkAt <= position+limit of every reader that has a limit and has not ended.
	checkAt atomic.Int64

	// pending is len(asleep)+len(waking)+len(due), so that Wake knows with one load that it has nothing to do.
	// Stored under mu.
	pending atomic.Int32

	// mu protects the fields below. It is held for a few instructions only, and nothing waits under it.
	mu      sync.Mutex
	readers map[*Reader]struct{} // those that have not ended
	asleep  []*Reader            // those that wait in Next, each once
	waking  []*Reader            // likewise, but their turn to be woken comes: see passOnLocked
	due     []*Reader            // ended from outside, onEnd not called yet
	asked   int64                // the size as it was set. Invariant: size == asked, or 0 while freed
	freed   bool
}

// New returns a backlog of a fresh history: a new ID, offset 0, nothing in the stream. size is the number of
// bytes that a follower may be behind and still continue; 0 or less keeps none.
func New(size int64) *Backlog {
	b := &Backlog{readers: make(map[*Reader]struct{})}
	h := History{ID: NewID(), SecondaryLimit: -1, StreamDB: -1}
	b.state.Store(newState(h))
	b.streamDB = h.StreamDB
	b.checkAt.Store(never)
	b.SetSize(size)
	return b
}

// Offset returns the count of bytes in the stream: always a boundary between two appends. Safe anywhere.
func (b *Backlog) Offset() int64 { return b.state.Load().chain.end() }

// Window returns the counts between which a follower may continue, both included. Safe anywhere.
//
// Once that many bytes were written, end-first is exactly the size of the backlog.
func (b *Backlog) Window() (first, end int64) {
	v := b.state.Load().chain.view(b.size.Load())
	return v.first, v.end
}

// Append adds p to the stream; p is copied. All of it becomes visible at one instant. Readers over
// their limit are ended; call Wake after unlocking. REQUIRES: the writer lock.
func (b *Backlog) Append(p []byte) {
	if len(p) == 0 {
		return
	}
	end := b.state.Load().chain.append(p, b.size.Load(), &b.reserve)
	// Load after the store that published: register stores checkAt and loads the end in the
	// opposite order, so at least one of the two sees a reader that is over its limit.
	if end > b.checkAt.Load() {
		b.checkLimits(end)
	}
}

// checkLimits ends the readers that are over their limit at end, and notes when to look again. A reader that
// keeps up pushes that moment forward, so this runs about once per limit bytes, not once per append.
func (b *Backlog) checkLimits(end int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := int64(never)
	for r := range b.readers {
		if lag := end - r.pos.Load(); lag > r.limit {
			b.endLocked(r, ErrOverrun{Lag: lag, Limit: r.limit})
			continue
		}
		next = min(next, r.overrunAt())
	}
	b.checkAt.Store(next)
}

// NewReader returns a reader of the bytes after count, which must be inside of the window, else ErrWindow. From
// here on it keeps them in memory, however far the window moves, as long as it lags no more than limit bytes
// (0 or less: no limit); a lag beyond that now is refused with ErrOverrun, later it ends the reader.
// A follower inside of the window costs no memory of its own, so a limit below the size of the backlog is rarely meant.
//
// onEnd, if not nil, is called once when the reader is ended from outside (ErrOverrun or ErrHistoryChanged): by
// whoever calls Wake, without a lock. It is the way to unblock an owner that is stuck in a write.
// Safe anywhere; called under the writer lock it starts at an exact cut.
func (b *Backlog) NewReader(count, limit int64, onEnd func(error)) (*Reader, error) {
	for {
		s := b.state.Load()
		v := s.chain.view(b.size.Load())
		if count < v.first || count > v.end {
			return nil, ErrWindow{count, v.first, v.end}
		}
		r := newReader(b, v.seek(count), count, limit, onEnd)
		if err := b.register(r, s.chain); err != errChainReplaced {
			return r.orNil(err)
		}
	}
}

// Resume is Check and NewReader in one step: nothing can change between the answer and the reader. The
// reader is nil unless the decision is OK and err nil; the only error is ErrOverrun.
func (b *Backlog) Resume(id string, count, limit int64, onEnd func(error)) (*Reader, Decision, error) {
	for {
		s := b.state.Load()
		v := s.chain.view(b.size.Load())
		d := s.decide(id, count, v)
		if !d.OK {
			return nil, d, nil
		}
		r := newReader(b, v.seek(count), count, limit, onEnd)
		if err := b.register(r, s.chain); err != errChainReplaced {
			r, err = r.orNil(err)
			return r, d, err
		}
	}
}

// register adds r, a reader of c, to those that are watched.
func (b *Backlog) register(r *Reader, c *chain) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.Load().chain != c {
		return errChainReplaced
	}
	if at := r.overrunAt(); at < b.checkAt.Load() {
		b.checkAt.Store(at)
	}
	// After the store of checkAt, see Append.
	if lag := c.end() - r.pos.Load(); lag > r.limit {
		return ErrOverrun{Lag: lag, Limit: r.limit}
	}
	b.readers[r] = struct{}{}
	b.keepLocked()
	return nil
}

// endLocked ends r because of err and leaves the rest to Wake. From here on r holds no block: its memory is
// free even if its owner never returns.
func (b *Backlog) endLocked(r *Reader, err error) {
	r.err = err
	r.block.Store(nil)
	delete(b.readers, r)
	b.due = append(b.due, r)
	b.countPendingLocked()
}

func (b *Backlog) countPendingLocked() {
	b.pending.Store(int32(len(b.asleep) + len(b.waking) + len(b.due)))
}

// Wake wakes the readers that sleep, calls the onEnd of those that were ended, and makes ahead what the next block
// needs. Call it after unlocking, once per batch of appends. It costs two atomic loads when there is nothing to do.
// Safe anywhere, also concurrently.
func (b *Backlog) Wake() {
	b.wake()
	b.reserve.restock()
}

func (b *Backlog) wake() {
	// The bytes were published before this load, and a sleeper counts itself before it looks for bytes a
	// last time: one of the two sees the other.
	if b.pending.Load() == 0 {
		return
	}
	for _, r := range b.wakeSleepers() {
		if r.onEnd != nil {
			r.onEnd(r.err) // r.err no longer changes once r is due
		}
	}
}

// fanOut is how many readers are woken by the writer, and by each reader that was.
const fanOut = 2

// passOnLocked wakes some of those whose turn it is. Each reader that gets up does the same, so that the others are woken by readers and not by the writer, whom
// waking one costs half a microsecond.
//
// Invariant: as long as somebody is in waking, somebody who was woken has not got up yet.
func (b *Backlog) passOnLocked() {
	for range min(fanOut, len(b.waking)) {
		last := len(b.waking) - 1
		b.waking[last].signal()
		b.waking[last] = nil
		b.waking = b.waking[:last]
	}
}

// wakeSleepers lets everybody be woken and returns the readers whose end is to be reported by the caller.
func (b *Backlog) wakeSleepers() (due []*Reader) {
	b.mu.Lock()
	defer b.mu.Unlock()
	idle := len(b.waking) == 0
	b.waking = append(b.waking, b.asleep...)
	clear(b.asleep)
	b.asleep = b.asleep[:0]
	if idle {
		b.passOnLocked()
	}
	due, b.due = b.due, nil
	b.countPendingLocked()
	return due
}

// fallAsleep registers r with those that Wake wakes, unless r has ended.
func (b *Backlog) fallAsleep(r *Reader) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	b.asleep = append(b.asleep, r)
	b.countPendingLocked()
	return nil
}

// getUp undoes fallAsleep if Wake has not done so already, and wakes others whose turn it is.
func (b *Backlog) getUp(r *Reader) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asleep, b.waking = without(b.asleep, r), without(b.waking, r)
	b.passOnLocked()
	b.countPendingLocked()
}

// without returns list with r removed; list is modified.
func without(list []*Reader, r *Reader) []*Reader {
	if i := slices.Index(list, r); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}
