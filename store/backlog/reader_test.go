package backlog

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"
)

func mustReader(t *testing.T, b *Backlog, count, limit int64, onEnd func(error)) *Reader {
	t.Helper()
	r, err := b.NewReader(count, limit, onEnd)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// result is what a sleeping Next came back with.
type result struct {
	bytes string
	err   error
}

// goNext runs Next in a goroutine of its own and returns where its result will be.
func goNext(ctx context.Context, r *Reader) *result {
	res := &result{"pending", nil}
	go func() {
		p, err := r.Next(ctx, 0)
		*res = result{string(p), err}
	}()
	synctest.Wait()
	return res
}

func TestNextSleepsUntilWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := at(0, 64)
		var got []*result
		for range 3 {
			got = append(got, goNext(t.Context(), mustReader(t, b, 0, 0, nil)))
		}
		b.Append([]byte("one"))
		synctest.Wait()
		for i, res := range got {
			if res.bytes != "pending" {
				t.Errorf("reader %d returned %q before Wake", i, res.bytes)
			}
		}
		b.Wake()
		synctest.Wait()
		for i, res := range got {
			if *res != (result{"one", nil}) {
				t.Errorf("reader %d: Next = %+v, want the bytes", i, *res)
			}
		}
		if n := b.pending.Load(); n != 0 {
			t.Errorf("pending = %d with nobody asleep", n)
		}
	})
}

// TestNextEnds: everything that can end a sleeping reader does, with its own error.
func TestNextEnds(t *testing.T) {
	errCause := context.Canceled
	for _, tt := range []struct {
		name string
		do   func(b *Backlog, r *Reader, cancel func())
		want error
	}{
		{"ctx", func(_ *Backlog, _ *Reader, cancel func()) { cancel() }, errCause},
		{"close", func(_ *Backlog, r *Reader, _ func()) { r.Close() }, ErrReaderClosed},
		{"reset", func(b *Backlog, _ *Reader, _ func()) { b.Reset(History{ID: idB}); b.Wake() }, ErrHistoryChanged},
		{"overrun", func(b *Backlog, _ *Reader, _ func()) { b.Append(fill(11)); b.Wake() }, ErrOverrun{11, 10}},
		{"close after overrun", func(b *Backlog, r *Reader, _ func()) { b.Append(fill(11)); r.Close() }, ErrOverrun{11, 10}},
		{"time", func(*Backlog, *Reader, func()) { time.Sleep(time.Hour) }, context.DeadlineExceeded},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			b := at(0, 64)
			r := mustReader(t, b, 0, 10, nil)
			res := goNext(ctx, r)
			tt.do(b, r, cancel)
			synctest.Wait()
			if *res != (result{"", tt.want}) {
				t.Errorf("%s: Next = %+v, want %v", tt.name, *res, tt.want)
			}
			if n := b.pending.Load(); n != 0 {
				t.Errorf("%s: pending = %d afterwards", tt.name, n)
			}
		})
	}
}

// TestSleepLooksOnceMore covers the gap between a reader's look for bytes and its falling asleep: bytes that came in
// between, with a Wake that saw nobody, must not be slept over.
func TestSleepLooksOnceMore(t *testing.T) {
	b := at(0, 64)
	r := mustReader(t, b, 0, 0, nil)
	if p := r.TryNext(0); p != nil {
		t.Fatalf("TryNext = %q", p)
	}
	b.Append([]byte("x"))
	b.Wake()
	if err := r.sleep(t.Context()); err != nil {
		t.Error(err)
	}
	if p := r.TryNext(0); string(p) != "x" {
		t.Errorf("TryNext = %q, want x", p)
	}
}

func TestNextPrefersADoneContext(t *testing.T) {
	b := at(0, 64)
	r := mustReader(t, b, 0, 0, nil)
	b.Append(fill(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err := r.Next(ctx, 0); err != context.Canceled {
		t.Errorf("Next = %q, %v, want the context's error", p, err)
	}
	if p, err := r.Next(t.Context(), 0); len(p) != 1 || err != nil {
		t.Errorf("Next = %q, %v: the byte must still be there", p, err)
	}
}

// TestLimitBoundary: a reader may lag exactly its limit.
func TestLimitBoundary(t *testing.T) {
	for _, tt := range []struct {
		lag  int
		want error
	}{{99, nil}, {100, nil}, {101, ErrOverrun{101, 100}}} {
		b := at(0, 1000)
		early := mustReader(t, b, 0, 100, nil)
		b.Append(fill(tt.lag))
		if err := early.Err(); err != tt.want {
			t.Errorf("lag %d: reader ended with %v, want %v", tt.lag, err, tt.want)
		}
		if _, err := b.NewReader(0, 100, nil); err != tt.want {
			t.Errorf("lag %d: NewReader error = %v, want %v", tt.lag, err, tt.want)
		}
		if _, d, err := b.Resume(string(idA), 0, 100, nil); !d.OK || err != tt.want {
			t.Errorf("lag %d: Resume = %+v, %v, want %v", tt.lag, d, err, tt.want)
		}
	}
}

// TestReadingMovesTheLimit: what counts is the distance, not the sum.
func TestReadingMovesTheLimit(t *testing.T) {
	b := at(0, 10)
	r := mustReader(t, b, 0, 100, nil)
	for i := range 10_000 {
		b.Append(fill(100))
		for n := 0; n < 100; {
			p := r.TryNext(33)
			if p == nil {
				t.Fatalf("round %d: nothing after %d bytes, error %v", i, n, r.Err())
			}
			n += len(p)
		}
	}
	if b.Append(fill(101)); r.Err() != (ErrOverrun{101, 100}) {
		t.Errorf("ended with %v", r.Err())
	}
}

// TestOnEnd: once, from Wake, without the lock, and not after Close.
func TestOnEnd(t *testing.T) {
	b := at(0, 1000)
	var mu sync.Mutex // the store's writer lock
	var calls []string
	note := func(name string) func(error) {
		return func(err error) {
			if !b.mu.TryLock() {
				t.Error("onEnd called under the lock of the backlog")
				return
			}
			b.mu.Unlock()
			mu.Lock() // would hang if Append called it
			defer mu.Unlock()
			calls = append(calls, fmt.Sprint(name, ": ", err))
		}
	}
	mustReader(t, b, 0, 10, note("slow"))
	closed := mustReader(t, b, 0, 10, note("closed"))
	mustReader(t, b, 0, 0, note("patient"))
	mustReader(t, b, 0, 10, nil)

	mu.Lock()
	b.Append(fill(20))
	mu.Unlock()
	closed.Close()
	if calls != nil {
		t.Errorf("called before Wake: %q", calls)
	}
	b.Wake()
	b.Wake()
	mu.Lock()
	b.Reset(History{ID: idB})
	mu.Unlock()
	b.Wake()
	b.Wake()
	want := []string{"slow: backlog: reader lags 20 bytes, limit 10", "patient: backlog: history changed"}
	if !slices.Equal(calls, want) {
		t.Errorf("calls %q, want %q", calls, want)
	}
}

// TestReadersOutliveEvents: a change of name is not a change of bytes.
func TestReadersOutliveEvents(t *testing.T) {
	b := at(0, 8)
	r := mustReader(t, b, 0, 0, nil)
	b.Append([]byte("a"))
	b.ShiftHistory()
	b.Append([]byte("b"))
	b.AdoptID(idC)
	b.Append([]byte("c"))
	b.Taint("filter")
	b.Append([]byte("d"))
	if p := r.TryNext(0); string(p) != "abcd" {
		t.Errorf("TryNext = %q, want abcd", p)
	}
}

// TestReaderPinsBeyondTheWindow: a reader gets what it was promised, however small the backlog is.
func TestReaderPinsBeyondTheWindow(t *testing.T) {
	b := at(0, 1)
	r := mustReader(t, b, 0, 0, nil)
	const total = 3 << 20
	for range total / 1024 {
		b.Append(fill(1024))
	}
	if lag := r.Lag(); lag != total {
		t.Errorf("Lag() = %d, want %d", lag, total)
	}
	for n := 0; n < total; {
		p := r.TryNext(0)
		if p == nil {
			t.Fatalf("nothing after %d bytes", n)
		}
		n += len(p)
	}
}

// TestMemoryIsFreed: what no window and no living reader needs is garbage, even while the owner of an ended
// reader holds on to it.
func TestMemoryIsFreed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		limit int64
		end   func(b *Backlog, r *Reader)
		freed bool
	}{
		{"pinned", 0, func(*Backlog, *Reader) {}, false},
		{"overrun", 100_000, func(*Backlog, *Reader) {}, true},
		{"closed", 0, func(_ *Backlog, r *Reader) { r.Close() }, true},
		{"history changed", 0, func(b *Backlog, _ *Reader) { b.Reset(History{ID: idB}) }, true},
	} {
		b := at(0, 64)
		r := mustReader(t, b, 0, tt.limit, nil)
		first := weak.Make(b.state.Load().chain.tail.Load())
		for range 200 {
			b.Append(fill(1000))
		}
		tt.end(b, r)
		runtime.GC()
		if freed := first.Value() == nil; freed != tt.freed {
			t.Errorf("%s: first block freed = %v, want %v", tt.name, freed, tt.freed)
		}
		runtime.KeepAlive(r)
		runtime.KeepAlive(b)
	}
}

func TestCloneAfterEnd(t *testing.T) {
	b := at(0, 64)
	r := mustReader(t, b, 0, 0, nil)
	r.Close()
	r.Close()
	if c, err := r.Clone(nil); c != nil || !errors.Is(err, ErrReaderClosed) {
		t.Errorf("Clone = %v, %v, want %v", c, err, ErrReaderClosed)
	}
}

// TestResetRaces: readers that come while histories are replaced never get bytes of another one than they asked for.
func TestResetRaces(t *testing.T) {
	b := at(0, 1000)
	var wg sync.WaitGroup
	for _, who := range []struct {
		id ID
		c  byte
	}{{idA, 'a'}, {idB, 'b'}} {
		wg.Go(func() {
			for range 5000 {
				r, d, err := b.Resume(string(who.id), 10, 0, nil)
				if err != nil || !d.OK {
					continue
				}
				for _, c := range r.TryNext(0) {
					if c != who.c {
						t.Errorf("follower of %q got byte %q", who.c, c)
						break
					}
				}
				r.Close()
			}
		})
	}
	for i := range 5000 {
		id, c := idA, byte('a')
		if i%2 == 1 {
			id, c = idB, 'b'
		}
		b.Reset(History{ID: id, Offset: 10, SecondaryLimit: -1})
		b.Append([]byte{c, c, c})
		b.Wake()
	}
	wg.Wait()
	if n := len(b.readers); n != 0 {
		t.Errorf("%d readers left", n)
	}
}

// TestRegisterLooksAgain covers the gap between finding the bytes of a reader and registering it: a Reset, or an append
// beyond the limit, that came in between must be noticed.
func TestRegisterLooksAgain(t *testing.T) {
	b := at(0, 1000)
	c := b.state.Load().chain
	r := newReader(b, c.view(1000).seek(0), 0, 10, nil)
	b.Append(fill(11))
	if err := b.register(r, c); err != (ErrOverrun{11, 10}) {
		t.Errorf("after an append: register = %v, want an overrun", err)
	}
	b.Reset(History{ID: idB})
	if err := b.register(r, c); err != errChainReplaced {
		t.Errorf("after a reset: register = %v, want %v", err, errChainReplaced)
	}
	if n := len(b.readers); n != 0 {
		t.Errorf("%d readers registered", n)
	}
}

// TestAdvanceAfterEnd: an owner that is in the middle of moving to the next block when its reader is ended must
// not bring the reader, and the memory that it held, back to life.
func TestAdvanceAfterEnd(t *testing.T) {
	b := at(0, 1000)
	r := mustReader(t, b, 0, 0, nil)
	b.Append(fill(minBlock + 1))
	k := r.block.Load()
	r.Close()
	if next := r.advance(k); next != nil || r.block.Load() != nil {
		t.Errorf("advance = %v, block %v, want neither", next, r.block.Load())
	}
}

// TestReaderBegunInsideAnAppend makes readers at the three instants of an append that spans blocks, between the stores that
// make it visible: they begin behind what their block shows, and get the rest when it is there.
func TestReaderBegunInsideAnAppend(t *testing.T) {
	for _, back := range []int64{0, 1, minBlock + 1} { // in the new block, at its end; inside it; still in the old one
		b := at(0, 1<<20)
		b.Append(fill(minBlock - 10))
		c := b.state.Load().chain
		k, next := c.tail.Load(), newBlock(minBlock, make([]byte, 2*minBlock))
		tail := fill(minBlock + 10)
		copy(k.buf[minBlock-10:], tail)
		next.n.Store(int64(copy(next.buf, tail[10:])))
		end := next.end()

		c.tail.Store(next)
		r, err := b.NewReader(end-back, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		if p := r.TryNext(0); p != nil || r.Position() != end-back || r.ready() {
			t.Errorf("%d bytes before the end: got %d bytes, position %d, before any were published", back, len(p), r.Position())
		}
		k.next.Store(next)
		k.n.Store(minBlock)
		var got int64
		for p := r.TryNext(0); p != nil; p = r.TryNext(0) {
			got += int64(len(p))
		}
		if got != back || r.Position() != end {
			t.Errorf("%d bytes before the end: got %d bytes, position %d, want %d", back, got, r.Position(), end)
		}
		b.Append([]byte("more"))
		if p := r.TryNext(0); string(p) != "more" {
			t.Errorf("%d bytes before the end: then %q, want %q", back, p, "more")
		}
	}
}
