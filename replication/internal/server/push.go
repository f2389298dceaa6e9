package server

import (
	"time"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// A client that subscribes, or monitors, gets what it did not ask for while it may be asking: its replies and its messages go through the one buffer
// conn.out, under conn.outMu. Its own goroutine appends replies and writes them after each batch; a second one, which lives from the first subscription to
// the end of the connection, moves messages from the subscriber's queue into the buffer and writes them. Nobody publishes into the buffer itself: a client
// that does not read fills its queue, whose limit is that of client-output-buffer-limit pubsub, and is then closed.

// subscriber returns the client's queue of messages, and begins to serve it with the first call. Only the client's own goroutine calls it.
func (c *conn) subscriber() *store.Subscriber {
	if c.sub != nil {
		return c.sub
	}
	sub := c.srv.store.NewSubscriber(&store.SubscriberOptions{QueueBytes: c.srv.tuning.Load().pubsubLimit, Overflow: c.overflow})
	c.mu.Lock()
	c.sub = sub
	c.mu.Unlock()
	c.pushStop, c.pushed, c.pushAgain = make(chan struct{}), make(chan struct{}), make(chan struct{}, 1)
	go c.push()
	return sub
}

// overflow ends a client whose messages outgrew its queue. It is called by whoever published, and neither waits nor writes.
func (c *conn) overflow() {
	c.srv.stats.slow.Add(1)
	c.kill()
}

// push writes messages until endPush.
func (c *conn) push() {
	defer close(c.pushed)
	for {
		select {
		case <-c.sub.Ready():
		case <-c.pushAgain:
		case <-c.pushStop:
			return
		}
		for more := true; more; {
			var err error
			if more, err = c.pushReady(); err != nil {
				c.kill()
				return
			}
		}
	}
}

// pushReady writes some of what is queued, and reports whether there may be more. Between two calls the client's own goroutine gets its turn. While messages are
// held back, or replies fill the buffer, nothing is taken from the queue, which then says nothing more by itself: flush says when to look again.
func (c *conn) pushReady() (more bool, err error) {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	if c.held || len(c.out) >= replyChunk {
		c.owed = true
		return false, nil
	}
	if !c.drain(replyChunk) {
		return false, nil
	}
	return true, c.writeOut()
}

// repay makes push look again at the queue that it had to leave. REQUIRES: outMu, which push waits for.
func (c *conn) repay() {
	if !c.owed || c.held {
		return
	}
	c.owed = false
	select {
	case c.pushAgain <- struct{}{}:
	default: // it is about to
	}
}

// leave ends what brings messages, for good.
func (c *conn) leave() {
	if c.sub != nil {
		c.monitor(false)
		c.sub.Close()
	}
}

// endPush ends push and waits for it. The connection is closed or, when it goes on as a replica's, its write deadline bounds the wait.
func (c *conn) endPush() {
	if c.sub == nil {
		return
	}
	c.leave()
	close(c.pushStop)
	<-c.pushed
	c.mu.Lock()
	c.sub = nil
	c.mu.Unlock()
}

// drain appends queued messages to out until that holds most bytes, and reports whether there was one. REQUIRES: outMu.
func (c *conn) drain(most int) (some bool) {
	for len(c.out) < most {
		m, ok, err := c.sub.TryNext()
		if !ok || err != nil {
			break // over the limit: kill is on its way
		}
		c.out = resp.AppendValue(c.out, messageValue(m), c.proto)
		some = true
	}
	return some
}

// messageValue is the message in the form in which clients get it: a push, which is an array in RESP2.
func messageValue(m store.Message) resp.Value {
	switch m.Via {
	case store.ViaPost:
		return resp.SimpleString(m.Payload)
	case store.ViaPattern:
		return resp.PushOf(resp.BulkString("pmessage"), resp.BulkString(m.Pattern), resp.BulkString(m.Channel), resp.BulkString(m.Payload))
	case store.ViaShard:
		return resp.PushOf(resp.BulkString("smessage"), resp.BulkString(m.Channel), resp.BulkString(m.Payload))
	}
	return resp.PushOf(resp.BulkString("message"), resp.BulkString(m.Channel), resp.BulkString(m.Payload))
}

// hold keeps messages back until the next send, so that those which the command itself causes come behind its reply, and those of channels that an EXEC
// subscribes to behind the confirmation, which is in its reply. Redis does the first from 7.2 on.
func (c *conn) hold() {
	c.outMu.Lock()
	c.held = true
	c.outMu.Unlock()
}

// holds reports whether a command may cause messages to its own client.
func holds(name []byte) bool {
	return equalFold(name, "exec") || equalFold(name, "publish") || equalFold(name, "spublish")
}

// writeOut writes the buffer. REQUIRES: outMu.
func (c *conn) writeOut() error {
	now := time.Now()
	if err := c.nc.SetWriteDeadline(now.Add(c.srv.write)); err != nil {
		return err
	}
	n, err := c.writePieces()
	c.srv.stats.bytesOut.Add(int64(n))
	if cap(c.out) > 4*replyChunk {
		c.out = nil // one large reply should not be paid for ever after
	}
	c.out = c.out[:0]
	return err
}
