package server

import (
	"context"
	"errors"
	"time"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

var errClientLeft = errors.New("server: the client has left")

// beginWait is what the session calls when a command has to wait. The wait ends early when the client goes away: without a timeout it could otherwise stay for
// ever, and an element could be taken out of a list for nobody.
func (c *conn) beginWait() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(c.ctx)
	c.settle()
	c.srv.stats.blocked.Add(1)
	began := time.Now()
	// What was answered before must not wait with us.
	if err := c.flush(); err != nil {
		c.closing = true
		cancel(err)
	}
	stop := c.src.watch(func() { cancel(errClientLeft) })
	c.setUnblock(cancel)
	return ctx, func() {
		c.setUnblock(nil)
		stop()
		cancel(nil)
		c.srv.stats.blocked.Add(-1)
		c.waited += time.Since(began)
	}
}

func (c *conn) setUnblock(cancel context.CancelCauseFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unblock = cancel
}

// clientUnblock is CLIENT UNBLOCK id [TIMEOUT|ERROR]: the client is told that its time is over, or that it was unblocked. The reply is 0 when it did not wait.
func clientUnblock(c *conn, args [][]byte) resp.Value {
	cause := error(store.ErrWaitOver)
	switch {
	case len(args) > 4:
		return resp.Err("ERR syntax error")
	case len(args) == 4 && equalFold(args[3], "error"):
		cause = store.ErrUnblocked
	case len(args) == 4 && !equalFold(args[3], "timeout"):
		return resp.Err("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
	}
	id, bad := parseInt(args[2], notInteger)
	if bad.Kind != 0 {
		return bad
	}
	for _, other := range c.srv.clients() {
		if other.id == id && other.endWait(cause) {
			return resp.Integer(1)
		}
	}
	return resp.Integer(0)
}

// endWait ends the wait that is under way and reports whether there was one.
func (c *conn) endWait(cause error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unblock == nil {
		return false
	}
	c.unblock(cause)
	c.unblock = nil
	return true
}
