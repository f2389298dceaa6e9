package memnet

import (
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// DefaultBuffer is the number of bytes that may be under way in one direction if Options says nothing.
const DefaultBuffer = 256 << 10

// Options for connections. The zero value and nil mean the defaults.
type Options struct {
	// Buffer is the number of bytes that may be under way in each direction before a Write waits. Default
	// DefaultBuffer. A small one finds code that relies on writes not to block.
	Buffer int
}

func (o *Options) buffer() int {
	if o == nil || o.Buffer <= 0 {
		return DefaultBuffer
	}
	return o.Buffer
}

// Addr is an address of this network, in the form host:port where it was made here.
type Addr string

// Network returns "memnet".
func (Addr) Network() string { return "memnet" }

func (a Addr) String() string { return string(a) }

// Conn is one end of a connection. It keeps the contract of net.Conn; all methods are safe from any goroutine.
type Conn struct {
	l             *link
	in, out       *Direction // out of one end is in of the other
	local, remote Addr
	// The fields below are protected by l.mu.
	closed                      bool
	readDeadline, writeDeadline time.Time
}

var _ net.Conn = (*Conn)(nil)

// Pipe returns the two ends of a connection. nil options are fine.
func Pipe(o *Options) (a, b *Conn) {
	return newPipe(o, "127.0.0.1:1", "127.0.0.1:2", nil, nil, nil)
}

// newPipe connects the ends named a and b. toA and toB count delivered bytes, onDead is link.onDead; nil is fine for all.
func newPipe(o *Options, a, b Addr, toA, toB *atomic.Int64, onDead func()) (*Conn, *Conn) {
	l := &link{ends: 2, onDead: onDead}
	ba := newDirection(l, o.buffer(), toA)
	ab := newDirection(l, o.buffer(), toB)
	return &Conn{l: l, in: ba, out: ab, local: a, remote: b},
		&Conn{l: l, in: ab, out: ba, local: b, remote: a}
}

// Incoming returns the direction that this end reads from, to put faults on it.
func (c *Conn) Incoming() *Direction { return c.in }

// Outgoing returns the direction that this end writes to, to put faults on it.
func (c *Conn) Outgoing() *Direction { return c.out }

// Cut ends the connection as if the peer's machine were gone, seen from both ends: reads are io.EOF, writes EPIPE, and
// bytes under way are lost. Neither end is closed by it.
func (c *Conn) Cut() { c.l.fail(cut) }

// Reset is Cut with ECONNRESET for reads and writes.
func (c *Conn) Reset() { c.l.fail(reset) }

// Stall stops delivery in both directions; see Direction.
func (c *Conn) Stall() { c.in.Stall(); c.out.Stall() }

// Resume ends a Stall in both directions.
func (c *Conn) Resume() { c.in.Resume(); c.out.Resume() }

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// Read returns bytes that have arrived, at least one unless p is empty.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.read(p)
	if n > 0 {
		c.l.reportDead() // the last byte before a cut
	}
	return n, c.wrap("read", err)
}

func (c *Conn) read(p []byte) (int, error) {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	for {
		if err := c.usableLocked(c.readDeadline); err != nil || len(p) == 0 {
			return 0, err
		}
		n, next, err := c.in.popLocked(p)
		if n > 0 || err != nil {
			return n, err
		}
		c.l.waitLocked(next, c.readDeadline)
	}
}

// Write buffers p and waits while the buffer is full. On error, the first n bytes were sent nevertheless.
func (c *Conn) Write(p []byte) (int, error) {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if err := c.beginWriteLocked(); err != nil {
		return 0, c.wrap("write", err)
	}
	n, err := c.pushAllLocked(p)
	c.out.writing = false
	c.l.notifyLocked()
	return n, c.wrap("write", err)
}

// writeErrLocked returns why this end cannot write now, nil if it can.
func (c *Conn) writeErrLocked() error {
	if err := c.usableLocked(c.writeDeadline); err != nil {
		return err
	}
	return c.out.writeErrLocked()
}

// beginWriteLocked waits until no other Write is under way.
func (c *Conn) beginWriteLocked() error {
	for {
		if err := c.writeErrLocked(); err != nil {
			return err
		}
		if !c.out.writing {
			c.out.writing = true
			return nil
		}
		c.l.waitLocked(c.writeDeadline)
	}
}

func (c *Conn) pushAllLocked(p []byte) (n int, err error) {
	for n < len(p) {
		if err := c.writeErrLocked(); err != nil {
			return n, err
		}
		k := c.out.pushLocked(p[n:])
		n += k
		if k > 0 {
			c.l.notifyLocked()
			continue
		}
		c.l.waitLocked(c.writeDeadline)
	}
	return n, nil
}

// usableLocked returns the errors that come from this end alone.
func (c *Conn) usableLocked(deadline time.Time) error {
	switch {
	case c.closed:
		return net.ErrClosed
	case passed(deadline):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// Close closes this end and unblocks its calls. The peer reads what was written before, then io.EOF. A second
// Close is net.ErrClosed.
func (c *Conn) Close() error {
	c.l.mu.Lock()
	if c.closed {
		c.l.mu.Unlock()
		return c.wrap("close", net.ErrClosed)
	}
	c.closed = true
	c.l.ends--
	c.out.finishLocked()
	c.in.deafenLocked()
	c.l.notifyLocked()
	c.l.mu.Unlock()
	c.l.reportDead()
	return nil
}

// CloseWrite ends the outgoing direction only: the peer reads what was written before, then io.EOF, and may still write.
func (c *Conn) CloseWrite() error {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if c.closed {
		return c.wrap("close", net.ErrClosed)
	}
	if !c.out.fin {
		c.out.finishLocked()
		c.l.notifyLocked()
	}
	return nil
}

// SetDeadline sets both deadlines; zero removes them. Pending calls are concerned too.
func (c *Conn) SetDeadline(t time.Time) error { return c.setDeadlines(&t, &t) }

// SetReadDeadline sets the deadline of Read.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadlines(&t, nil) }

// SetWriteDeadline sets the deadline of Write. A Write that it ends may have sent some of its bytes.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(nil, &t) }

func (c *Conn) setDeadlines(read, write *time.Time) error {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	if c.closed {
		return c.wrap("set", net.ErrClosed)
	}
	if read != nil {
		c.readDeadline = *read
	}
	if write != nil {
		c.writeDeadline = *write
	}
	c.l.notifyLocked()
	return nil
}

// wrap dresses err as package net does; io.EOF stays bare.
func (c *Conn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "memnet", Source: c.local, Addr: c.remote, Err: err}
}
