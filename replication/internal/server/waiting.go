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
	began := time.Now()
	// What was answered before must not wait with us.
	if err := c.flush(); err != nil {
		c.closing = true
		cancel(err)
	}
	stop := c.src.watch(func() { cancel(errClientLeft) })
	// From here on the wait depends on no peer: who unblocks it does not wait for long. Whom INFO counts can be unblocked.
	c.awaited = &blockedCall{cancel: cancel, over: make(chan struct{})}
	c.setUnblock(c.awaited)
	c.srv.stats.blocked.Add(1)
	return ctx, func() {
		c.setUnblock(nil)
		stop()
		cancel(nil)
		c.srv.stats.blocked.Add(-1)
		c.waited += time.Since(began)
	}
}

// blockedCall is a command that waits, for those who may end that.
type blockedCall struct {
	cancel context.CancelCauseFunc
	over   chan struct{} // closed when the command has its reply
	served bool          // whether that is more than the end of a wait; valid from then on
}

func (c *conn) setUnblock(b *blockedCall) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unblock = b
}

// answered tells those who tried to unblock the client what came of it. v is the reply to the command that waited, if one did.
func (c *conn) answered(v resp.Value) {
	if c.awaited == nil {
		return
	}
	unblocked := v.Kind == resp.Error && v.Str == store.ErrUnblocked.Error()
	c.awaited.served = !v.IsNull() && !unblocked && v.Kind != resp.Int // WAIT has counted in any case
	close(c.awaited.over)
	c.awaited = nil
}

// clientUnblock is CLIENT UNBLOCK id [TIMEOUT|ERROR]: the client is told that its time is over, or that it was unblocked. The reply is 0 when it did not wait, or
// was served in the same moment: after 1 nothing was taken out for it.
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

// endWait ends the wait that is under way and reports whether it was that which ended it. It returns when the command has its reply, and holds no lock
// until then.
func (c *conn) endWait(cause error) bool {
	c.mu.Lock()
	b := c.unblock
	c.unblock = nil
	c.mu.Unlock()
	if b == nil {
		return false
	}
	b.cancel(cause)
	<-b.over
	return !b.served
}
