package server

import (
	"time"

	"go.uber.org/zap"
)

// The hard limits of client-output-buffer-limit hold where output is made, see flush and overflow. A soft limit is about time, and with a client that does
// not read nothing happens: its own goroutine is in a write. So housekeeping looks at everybody once a second, and the writes in between only tell when there
// is less again. A client is dropped at the first look later than its time: up to two seconds late.

// softLimit lets a client have more than bytes of output pending, but not for longer than after. With 0 bytes there is none.
type softLimit struct {
	bytes int64
	after time.Duration
}

// writePiece is how much is handed to the connection at a time, in bytes, so that the progress of a large reply shows. All of it counts as pending until it
// is written to its end.
const writePiece = 64 << 10

// writePieces writes the buffer and returns how many bytes were written. REQUIRES: outMu.
func (c *conn) writePieces() (done int, err error) {
	c.unwritten.Store(int64(len(c.out)))
	defer c.unwritten.Store(0)
	for done < len(c.out) && err == nil {
		var n int
		n, err = c.nc.Write(c.out[done:min(done+writePiece, len(c.out))])
		done += n
		c.unwritten.Store(int64(len(c.out) - done))
		if c.over.Load() != 0 && c.pending() <= c.softLimit().bytes {
			c.over.Store(0)
		}
	}
	return done, err
}

// pending is how much output waits for the client to read it, in bytes: what is being written, and the queue of messages.
func (c *conn) pending() int64 {
	c.mu.Lock()
	sub := c.sub
	c.mu.Unlock()
	n := c.unwritten.Load()
	if sub != nil {
		n += sub.Queued()
	}
	return n
}

// softLimit is that of the client's class; monitors are of that which gets what it did not ask for.
func (c *conn) softLimit() softLimit {
	t := c.srv.tuning.Load()
	if c.monitoring.Load() || c.kind() == typePubsub {
		return t.pubsubSoft
	}
	return t.outputSoft
}

// overSoft reports whether the client has had more pending than its soft limit for longer than that allows. Only housekeeping calls it.
func (c *conn) overSoft(now time.Time) bool {
	soft := c.softLimit()
	if soft.bytes == 0 || c.pending() <= soft.bytes {
		c.over.Store(0)
		return false
	}
	at, first := max(1, now.Sub(c.since)), time.Duration(c.over.Load()) // read once: a write may set it back
	if first == 0 {
		c.over.Store(int64(at))
		return false
	}
	return at-first > soft.after
}

// dropOverSoft ends the clients that have been over their soft limit for too long.
func (s *Server) dropOverSoft(now time.Time) {
	for _, c := range s.clients() {
		if c.overSoft(now) {
			s.log.Warn("client over its soft output limit", zap.Int64("id", c.id), zap.Stringer("addr", c.nc.RemoteAddr()))
			c.overflow()
		}
	}
}
