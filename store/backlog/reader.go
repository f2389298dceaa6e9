package backlog

import (
	"context"
	"errors"
	"sync/atomic"
)

// errChainReplaced tells NewReader to look at the new history: a Reset came in between.
var errChainReplaced = errors.New("backlog: chain replaced")

// Reader reads the stream from one position on, at its own pace and without a lock. It belongs to one
// goroutine; only Position, Lag, Limit, SetLimit, Err and Close may be called from others.
type Reader struct {
	b     *Backlog      // immutable
	limit int64         // bytes it may lag; never = no limit; protected by b.mu
	onEnd func(error)   // may be nil; immutable
	woken chan struct{} // holds one token; a stale one costs a turn of the loop in Next, nothing else

	// pos is the count of bytes handed out plus the count it started at. Stored by the owner.
	pos atomic.Int64
	// block holds the byte at pos, or comes before the block that will. It is advanced by the owner, and set to nil for good by whoever
	// ends the reader; hence the owner advances it by compare-and-swap only.
	block atomic.Pointer[block]

	// err says why the reader has ended; nil while it lives. Protected by b.mu, never changed once set.
	err error
}

func newReader(b *Backlog, k *block, count, limit int64, onEnd func(error)) *Reader {
	r := &Reader{b: b, limit: orNever(limit), onEnd: onEnd, woken: make(chan struct{}, 1)}
	r.pos.Store(count)
	r.block.Store(k)
	return r
}

// orNil returns r, or nil and err.
func (r *Reader) orNil(err error) (*Reader, error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}

// orNever returns limit, or what stands for none.
func orNever(limit int64) int64 {
	if limit <= 0 {
		return never
	}
	return limit
}

// overrunAt returns the greatest end at which r is still within its limit. REQUIRES b.mu, or that nobody else has r.
func (r *Reader) overrunAt() int64 {
	if pos := r.pos.Load(); r.limit < never-pos {
		return pos + r.limit
	}
	return never
}

// Position returns the count up to which bytes were handed out. Safe anywhere.
func (r *Reader) Position() int64 { return r.pos.Load() }

// Lag returns the number of bytes between the reader and the end of the stream. Safe anywhere; meaningless
// once the reader has ended.
func (r *Reader) Lag() int64 { return max(r.b.Offset()-r.pos.Load(), 0) }

// Limit returns the number of bytes that the reader may lag, 0 for no limit. Safe anywhere.
func (r *Reader) Limit() int64 {
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	if r.limit == never {
		return 0
	}
	return r.limit
}

// SetLimit changes the number of bytes that the reader may lag; 0 or less is no limit. A reader that lags more than that now
// keeps the limit that it has, and the error is ErrOverrun with the numbers: the caller may wait until it has caught up, or
// close it. On a reader that has ended the error is the reason. Safe anywhere.
func (r *Reader) SetLimit(limit int64) error {
	b := r.b
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	old := r.limit
	r.limit = orNever(limit)
	// As in register: first checkAt, then a look at the end. An append in between sees the one, or is seen here.
	if at := r.overrunAt(); at < b.checkAt.Load() {
		b.checkAt.Store(at)
	}
	if lag := b.Offset() - r.pos.Load(); lag > r.limit {
		r.limit = old
		return ErrOverrun{Lag: lag, Limit: orNever(limit)}
	}
	return nil
}

// Next returns the next bytes of the stream, at least one and no more than most (0 or less: as many as
// lie together, up to 256 KB). It waits for them until ctx is done or the reader is ended; bytes that are there
// do not outrun either. The slice is immutable and valid for ever. Cuts fall anywhere, also inside a command.
//
// Errors: the ctx's, ErrOverrun, ErrHistoryChanged, ErrReaderClosed; the last three are final.
func (r *Reader) Next(ctx context.Context, most int) ([]byte, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if p := r.TryNext(most); p != nil {
			return p, nil
		}
		if err := r.sleep(ctx); err != nil {
			return nil, err
		}
	}
}

// TryNext is Next without waiting: nil means that there is nothing yet, or never will be because the reader has
// ended (Err tells).
func (r *Reader) TryNext(most int) []byte {
	k := r.block.Load()
	if k == nil {
		return nil
	}
	// A reader may have been made while an append that spans blocks was under way: then it begins behind what
	// its block shows so far.
	pos := r.pos.Load()
	for pos >= k.start+int64(len(k.buf)) {
		if k = r.advance(k); k == nil {
			return nil
		}
	}
	i, j := int(pos-k.start), int(k.n.Load())
	if i >= j {
		return nil
	}
	if most > 0 {
		j = min(j, i+most)
	}
	r.pos.Store(k.start + int64(j))
	return k.buf[i:j:j]
}

// advance moves from the consumed block k to the one after it; nil if there is none yet, or r has ended.
func (r *Reader) advance(k *block) *block {
	next := k.next.Load()
	if next == nil || !r.block.CompareAndSwap(k, next) {
		return nil
	}
	return next
}

// ready reports whether sleeping makes no sense: there are bytes, or the reader has ended.
func (r *Reader) ready() bool {
	k := r.block.Load()
	return k == nil || r.pos.Load() < k.end() || k.next.Load() != nil
}

// sleep waits until Wake was called after more bytes came, the reader was ended, or ctx is done. It may also
// return early. The wait is on the reader's own channel, so a test bubble sees it as idle.
func (r *Reader) sleep(ctx context.Context) error {
	if err := r.b.fallAsleep(r); err != nil {
		return err
	}
	defer r.b.getUp(r)
	if r.ready() { // the last look, see Wake
		return nil
	}
	select {
	case <-r.woken:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// signal leaves the token that ends a sleep. It never blocks: a token that is there already will do.
func (r *Reader) signal() {
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

// Err returns why the reader has ended, nil while it lives. Safe anywhere.
func (r *Reader) Err() error {
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	return r.err
}

// Clone returns a second reader at the same position with the same limit, and an onEnd of its own. One cut
// serves many that way. On a reader that has ended it returns the reason. It is the owner's to call.
func (r *Reader) Clone(onEnd func(error)) (*Reader, error) {
	k := r.block.Load()
	if k == nil {
		return nil, r.Err()
	}
	c := newReader(r.b, k, r.pos.Load(), 0, onEnd)
	if err := r.b.registerClone(r, c); err != nil {
		return nil, err
	}
	return c, nil
}

// registerClone adds c, if r, whose block it shares, has not ended meanwhile. The history is the same then.
func (b *Backlog) registerClone(r, c *Reader) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	c.limit = r.limit
	b.readers[c] = struct{}{} // checkAt covers it: r is at the same place with the same limit
	return nil
}

// Close ends the reader, frees what it held, and makes a waiting Next return ErrReaderClosed. onEnd is not called
// any more, unless a Wake is about to do so. A reader that had ended before keeps its reason. Idempotent, safe
// anywhere.
func (r *Reader) Close() {
	b := r.b
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.err == nil {
		r.err = ErrReaderClosed
	}
	r.block.Store(nil)
	delete(b.readers, r)
	b.due = without(b.due, r)
	b.countPendingLocked()
	r.signal()
}
