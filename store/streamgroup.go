package store

import (
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
	"github.com/understudy-go/understudy/store/internal/tree"
)

// streamGroup is a group of consumers that share the reading of a stream.
//
// A group is changed in place only by the body whose token it has. Any other body, and
// whoever reads a fork or a pinned stream, may see it at the same time: a body that does
// not have it copies it first, which is O(1), and so a consumer of it. See ownGroup and
// ownConsumer, which every change begins with.
//
// Invariants: an entry that is pending is so in the group and in exactly one consumer.
type streamGroup struct {
	token     *streamToken
	name      string
	last      StreamID                   // of the last entry that was delivered to anybody
	read      int64                      // entries ever delivered, as far as that can be known; -1 if not
	pending   tree.Tree[streamPending]   // in the order of their IDs
	consumers tree.Tree[*streamConsumer] // in the order of their names
}

// streamConsumer is one of those who share a group. It has a token as its group does.
type streamConsumer struct {
	token   *streamToken
	name    string
	seen    int64 // Unix milliseconds of when it last asked
	active  int64 // Unix milliseconds of when it last got something; -1 if never
	pending tree.Tree[StreamID]
}

// streamPending is an entry that was delivered and not acknowledged. The entry itself may
// be gone.
type streamPending struct {
	id        StreamID
	consumer  string // the name of it
	delivered int64  // Unix milliseconds of the last delivery
	count     uint64 // of deliveries
}

// groupAt is the index of the first group whose name is not before name.
func (b *bigStream) groupAt(name string) int {
	return b.groups.Search(func(g *streamGroup) bool { return g.name >= name })
}

// group is the group of a name for reading, or nil. O(log groups).
func (b *bigStream) group(name string) *streamGroup {
	if i := b.groupAt(name); i < b.groups.Len() && b.groups.At(i).name == name {
		return b.groups.At(i)
	}
	return nil
}

// ownGroup is group for a change of it. REQUIRES: b is open.
func (b *bigStream) ownGroup(name string) *streamGroup {
	g := b.group(name)
	if g == nil || g.token == b.mark() {
		return g
	}
	own := &streamGroup{
		token: b.mark(), name: g.name, last: g.last, read: g.read,
		pending: *g.pending.Branch(), consumers: *g.consumers.Branch(),
	}
	b.groups.Set(b.groupAt(name), own)
	return own
}

// consumerAt is the index of the first consumer whose name is not before name.
func (g *streamGroup) consumerAt(name string) int {
	return g.consumers.Search(func(c *streamConsumer) bool { return c.name >= name })
}

// consumer is the consumer of a name for reading, or nil. O(log consumers).
func (g *streamGroup) consumer(name string) *streamConsumer {
	if i := g.consumerAt(name); i < g.consumers.Len() && g.consumers.At(i).name == name {
		return g.consumers.At(i)
	}
	return nil
}

// ownConsumer is consumer for a change of it. REQUIRES: g is owned.
func (g *streamGroup) ownConsumer(name string) *streamConsumer {
	c := g.consumer(name)
	if c == nil || c.token == g.token {
		return c
	}
	own := &streamConsumer{token: g.token, name: c.name, seen: c.seen, active: c.active, pending: *c.pending.Branch()}
	g.consumers.Set(g.consumerAt(name), own)
	return own
}

// copiedGroups is what others alone hold of the groups since it was last asked, in bytes.
func (b *bigStream) copiedGroups() int64 { return 0 }

// xinfoGroups is XINFO GROUPS of e.
func (x *exec) xinfoGroups(e *table.Entry) resp.Value { return resp.ArrayOf() }

// xinfoConsumers is XINFO CONSUMERS of a group of e, which is at key.
func (x *exec) xinfoConsumers(e *table.Entry, key, group string) resp.Value {
	return resp.Err("NOGROUP No such consumer group '" + group + "' for key name '" + key + "'")
}

// fullGroups is the groups as XINFO STREAM FULL shows them, of each at most count pending
// entries, all for 0.
func (b *bigStream) fullGroups(count int64) resp.Value { return resp.ArrayOf() }
