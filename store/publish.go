package store

import (
	"strconv"
	"strings"

	"github.com/understudy-go/understudy/resp"
)

// Publish sends payload to everybody who is subscribed to channel, or to a
// pattern that it matches, and returns how many that is. The message has its
// place in the order of the commits and, on a primary, in the stream: replicas
// deliver it to their own subscribers when they have applied what came before it.
// On a replica it stays there. O(receivers + patterns); nobody waits for a
// receiver.
func (s *Store) Publish(channel, payload string) (receivers int, err error) {
	return s.publish(ViaChannel, channel, payload)
}

// PublishShard is Publish to those who are subscribed to a sharded channel, which
// have names of their own and no patterns.
func (s *Store) PublishShard(channel, payload string) (receivers int, err error) {
	return s.publish(ViaShard, channel, payload)
}

func (s *Store) publish(via Via, channel, payload string) (n int, err error) {
	err = s.writeMessage(anyDB, func(x *exec) {
		n = x.publish(via, channel, payload)
	})
	return n, err
}

// Publish is Store.Publish as a part of the transaction: the message is delivered
// when the transaction is done, and not at all when it is undone. It returns who
// would receive it now.
func (t *Tx) Publish(channel, payload string) (receivers int, err error) {
	if t.c == nil {
		return 0, ErrClosed
	}
	return t.c.x.publish(ViaChannel, channel, payload), nil
}

// PublishShard is [Tx.Publish] to a sharded channel, as [Store.PublishShard].
func (t *Tx) PublishShard(channel, payload string) (receivers int, err error) {
	if t.c == nil {
		return 0, ErrClosed
	}
	return t.c.x.publish(ViaShard, channel, payload), nil
}

// anyDB is the database of a message that belongs to none: the one that the stream
// has selected anyway.
const anyDB = -1

// writeMessage runs fn as a commit that changes no data, in database db. Unlike a
// write it may run on a replica, read-only or not.
func (s *Store) writeMessage(db int, fn func(x *exec)) error {
	if err := s.checkDB(max(db, 0)); err != nil {
		return err
	}
	if err := s.lock(); err != nil {
		return err
	}
	defer s.unlock()
	if s.mu.sealed {
		return ErrSealed
	}
	if db == anyDB {
		db = max(s.backlog.History().StreamDB, 0)
	}
	c := s.begin(db, client)
	fn(&c.x)
	c.finish()
	return nil
}

// publish notes a message for delivery when the commit is finished. What is
// delivered is what the stream carries, in the same order: nobody can hear of a
// change before it is there. channel and payload may alias the caller's buffer.
func (x *exec) publish(via Via, channel, payload string) (receivers int) {
	name := "PUBLISH"
	if via == ViaShard {
		name = "SPUBLISH"
	}
	x.c.effect(x.db, name, channel, payload)
	if receivers = x.s.broker.receivers(via, channel); receivers > 0 {
		x.c.messages = append(x.c.messages, Message{Via: via, Channel: strings.Clone(channel), Payload: strings.Clone(payload)})
	}
	return receivers
}

func cmdPublish(x *exec, args [][]byte) resp.Value {
	return resp.Integer(int64(x.publish(ViaChannel, argString(args, 1), argString(args, 2))))
}

func cmdSPublish(x *exec, args [][]byte) resp.Value {
	return resp.Integer(int64(x.publish(ViaShard, argString(args, 1), argString(args, 2))))
}

// publish runs PUBLISH or SPUBLISH of a client.
func (c *Session) publish(cmd *Command, args [][]byte) (v resp.Value) {
	if err := c.s.writeMessage(c.db, func(x *exec) { v = cmd.run(x, args) }); err != nil {
		return reply(err)
	}
	c.offset = c.s.backlog.Offset()
	return v
}

// event tells subscribers that something happened to a key of the selected
// database: a keyspace event of one class, under Redis's name for it. Commands
// call it where they make their effect. Events are never streamed: a replica makes
// its own when it applies what the primary did. With no class enabled, or nobody
// subscribed to anything, this is one comparison. key may alias the caller's
// buffer.
func (x *exec) event(class Events, name, key string) {
	if x.c.events&class != 0 {
		x.c.notify(x.db, name, key)
	}
}

// removedEvent is event for a command that takes elements out of a collection, which
// goes with the last of them: another event, as if it had been deleted.
func (x *exec) removedEvent(class Events, name, key string) {
	if x.c.events == 0 {
		return
	}
	x.event(class, name, key)
	if x.peek(key) == nil {
		x.event(eventGeneric, "del", key)
	}
}

// storedEvent is the event of a command that made a collection of n elements in the
// place of what was at key: a deletion where it made none. command is its name.
func (x *exec) storedEvent(class Events, command, key string, n int) {
	switch {
	case x.c.events == 0:
	case n == 0:
		x.event(eventGeneric, "del", key)
	default:
		x.event(class, strings.ToLower(command), key)
	}
}

// notify puts the messages of an event together, for those who listen.
func (c *commit) notify(db int, name, key string) {
	at := "@" + strconv.Itoa(db) + "__:"
	if c.events&eventKeyspace != 0 {
		c.tell("__keyspace"+at+key, name)
	}
	if c.events&eventKeyevent != 0 {
		c.tell("__keyevent"+at+name, strings.Clone(key))
	}
}

func (c *commit) tell(channel, payload string) {
	if c.s.broker.receivers(ViaChannel, channel) > 0 {
		c.messages = append(c.messages, Message{Via: ViaChannel, Channel: channel, Payload: payload})
	}
}

// post hands the commit's messages over for delivery. REQUIRES: the writer lock.
func (c *commit) post() {
	if len(c.messages) > 0 {
		c.s.broker.post(c.messages)
		c.forgetMessages()
	}
}

// forgetMessages drops what was to be delivered: of a commit that is undone, or
// delivered already.
func (c *commit) forgetMessages() {
	clear(c.messages)
	c.messages = c.messages[:0]
	if cap(c.messages) > 1<<12 {
		c.messages = nil
	}
}
