package memnet

import (
	"io"
	"math"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// Direction is one way of a connection: a bounded queue of bytes from the writer at one end to the reader at
// the other, and the faults on it. The methods may be called at any time from any goroutine; they concern bytes not
// delivered yet. Counts are of bytes delivered, that is: returned by Read.
type Direction struct {
	l     *link
	limit int           // bytes that may be under way; immutable
	total *atomic.Int64 // counter of the network over all connections; nil without a network; immutable

	// The fields below are protected by l.mu.

	queue     []segment
	queued    int   // Invariant: the sum of the lengths in queue; queued <= limit
	delivered int64 // bytes returned by Read

	writing bool      // a Write is under way: another waits until it is done
	fin     bool      // the writer's end was closed: after the queue comes io.EOF ...
	finAt   time.Time // ... but not before this instant
	deaf    bool      // the reader's end was closed: writing is EPIPE (as it is after fin)

	// Faults.
	failAt      int64 // the link goes down when delivered reaches it
	failHow     failure
	stalled     bool
	chunk       int // most bytes a Read returns; 0: no limit
	split       int // most bytes a segment has; 0: segments are merged
	latency     time.Duration
	corruptions []corruption
}

// A segment is a stretch of bytes that arrive together. With splitting, a Read does not look beyond one.
type segment struct {
	data []byte
	at   time.Time // not delivered before; zero: at once
}

// A corruption changes the byte with the number at, counted from 0 over everything delivered.
type corruption struct {
	at   int64
	mask byte
}

func newDirection(l *link, limit int, total *atomic.Int64) *Direction {
	return &Direction{l: l, limit: limit, total: total, failAt: math.MaxInt64}
}

// update runs f under the lock and wakes whoever waits.
func (d *Direction) update(f func()) {
	d.l.mu.Lock()
	defer d.l.mu.Unlock()
	f()
	d.l.notifyLocked()
}

// CutAfter lets exactly n more bytes be delivered in this direction. Then the link is cut: both ends read
// io.EOF, writes are EPIPE, and bytes under way either way are lost. n <= 0 cuts at once.
func (d *Direction) CutAfter(n int64) { d.failAfter(n, cut) }

// ResetAfter is CutAfter with a connection reset instead of an end of file.
func (d *Direction) ResetAfter(n int64) { d.failAfter(n, reset) }

func (d *Direction) failAfter(n int64, how failure) {
	d.update(func() {
		d.failAt, d.failHow = d.delivered+max(n, 0), how
		d.checkFailLocked()
	})
	d.l.reportDead()
}

// checkFailLocked takes the link down if the byte to do so at has been delivered.
func (d *Direction) checkFailLocked() {
	if d.delivered >= d.failAt {
		d.l.failLocked(d.failHow)
	}
}

// Stall stops delivery: the reader sees neither bytes nor the end until Resume, the writer fills the buffer and then
// waits. The connection stays open.
func (d *Direction) Stall() { d.update(func() { d.stalled = true }) }

// Resume ends a Stall.
func (d *Direction) Resume() { d.update(func() { d.stalled = false }) }

// Chunk makes every Read return at most n bytes. n <= 0 removes the limit.
func (d *Direction) Chunk(n int) { d.update(func() { d.chunk = max(n, 0) }) }

// Split makes every later Write arrive in pieces of at most n bytes, and no Read return bytes of two pieces, hence none
// of two Writes. n <= 0: writes are merged as in a stream.
func (d *Direction) Split(n int) { d.update(func() { d.split = max(n, 0) }) }

// Latency delays what is written from now on by t, the end of the stream included. Order is kept.
func (d *Direction) Latency(t time.Duration) { d.update(func() { d.latency = max(t, 0) }) }

// Corrupt changes the byte that will be delivered after k more by exclusive or with mask. It may be called for
// several bytes.
func (d *Direction) Corrupt(k int64, mask byte) {
	d.update(func() { d.corruptions = append(d.corruptions, corruption{d.delivered + max(k, 0), mask}) })
}

// Delivered returns the number of bytes that were read at the other end.
func (d *Direction) Delivered() int64 {
	d.l.mu.Lock()
	defer d.l.mu.Unlock()
	return d.delivered
}

// Buffered returns the number of bytes written and not delivered.
func (d *Direction) Buffered() int {
	d.l.mu.Lock()
	defer d.l.mu.Unlock()
	return d.queued
}

// writeErrLocked returns why nothing can be written, nil if it can.
func (d *Direction) writeErrLocked() error {
	switch {
	case d.l.down == reset:
		return syscall.ECONNRESET
	case d.l.down == cut || d.deaf || d.fin:
		return syscall.EPIPE
	}
	return nil
}

// pushLocked copies as much of p into the queue as there is room for, and returns how much.
func (d *Direction) pushLocked(p []byte) int {
	p = p[:min(len(p), d.limit-d.queued)]
	at := d.arrivalLocked()
	size := len(p)
	if d.split > 0 {
		size = d.split
	}
	for piece := range slices.Chunk(p, max(size, 1)) {
		d.appendLocked(piece, at)
	}
	d.queued += len(p)
	return len(p)
}

func (d *Direction) appendLocked(p []byte, at time.Time) {
	if n := len(d.queue); n > 0 && d.split == 0 && d.queue[n-1].at.Equal(at) {
		d.queue[n-1].data = append(d.queue[n-1].data, p...)
		return
	}
	d.queue = append(d.queue, segment{slices.Clone(p), at})
}

// arrivalLocked returns when bytes that are written now arrive: not before those written earlier.
func (d *Direction) arrivalLocked() (at time.Time) {
	if d.latency > 0 {
		at = time.Now().Add(d.latency)
	}
	if n := len(d.queue); n > 0 && d.queue[n-1].at.After(at) {
		at = d.queue[n-1].at
	}
	return at
}

// popLocked delivers bytes into p. It returns n == 0 with a nil error if there are none yet; then next, if not
// zero, is when there will be. len(p) > 0.
func (d *Direction) popLocked(p []byte) (n int, next time.Time, err error) {
	switch {
	case d.l.down == reset:
		return 0, next, syscall.ECONNRESET
	case d.l.down == cut:
		return 0, next, io.EOF
	case d.stalled:
		return 0, next, nil
	case len(d.queue) > 0:
		n, next = d.takeLocked(p)
		return n, next, nil
	case d.fin && d.finAt.After(time.Now()):
		return 0, d.finAt, nil
	case d.fin:
		return 0, next, io.EOF
	}
	return 0, next, nil
}

// takeLocked moves bytes that have arrived from the queue into p, within the limits that faults set.
func (d *Direction) takeLocked(p []byte) (n int, next time.Time) {
	head := &d.queue[0]
	if head.at.After(time.Now()) {
		return 0, head.at
	}
	n = len(p)
	if d.chunk > 0 {
		n = min(n, d.chunk)
	}
	n = int(min(int64(n), d.failAt-d.delivered))
	n = copy(p[:n], head.data)
	d.corruptLocked(p[:n])
	if head.data = head.data[n:]; len(head.data) == 0 {
		*head = segment{}
		d.queue = d.queue[1:]
	}
	d.queued -= n
	d.delivered += int64(n)
	if d.total != nil {
		d.total.Add(int64(n))
	}
	d.checkFailLocked()
	d.l.notifyLocked() // there is room to write
	return n, next
}

// corruptLocked applies the corruptions that fall into p, the bytes that are delivered next.
func (d *Direction) corruptLocked(p []byte) {
	for _, c := range d.corruptions {
		if i := c.at - d.delivered; 0 <= i && i < int64(len(p)) {
			p[i] ^= c.mask
		}
	}
}

// finishLocked is the writer's end closing.
func (d *Direction) finishLocked() {
	d.finAt = d.arrivalLocked()
	d.fin = true
}

// deafenLocked is the reader's end closing: what is under way is lost.
func (d *Direction) deafenLocked() {
	d.deaf = true
	d.queue, d.queued = nil, 0
}
