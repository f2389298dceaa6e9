package store

import (
	"math"
	"strings"

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
	count     uint64 // of deliveries, mostDeliveries at most
}

// mostDeliveries is the count that a stream can carry: beyond it replicas would be told a
// negative one, and count by themselves.
const mostDeliveries = math.MaxInt64

func onceMore(count uint64) uint64 { return min(count+1, mostDeliveries) }

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
	b.othersHold += streamGroupCost
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

// ownConsumer is consumer for a change of it. REQUIRES: b has g.
func (b *bigStream) ownConsumer(g *streamGroup, name string) *streamConsumer {
	c := g.consumer(name)
	if c == nil || c.token == g.token {
		return c
	}
	b.othersHold += c.cost()
	own := &streamConsumer{token: g.token, name: c.name, seen: c.seen, active: c.active, pending: *c.pending.Branch()}
	g.consumers.Set(g.consumerAt(name), own)
	return own
}

// What groups take, in bytes: with the leaf that a tree has from its first item on.
const (
	streamGroupCost    = 4096
	streamConsumerCost = 1280
	streamPendingCost  = 72 // of the group's item and the consumer's
	streamOwnedBytes   = 20 // the consumer's part of that
)

func (c *streamConsumer) cost() int64 { return streamConsumerCost + int64(len(c.name)) }

// cost is what g takes with its consumers and what is pending. O(consumers).
func (g *streamGroup) cost() int64 {
	n := streamGroupCost + int64(len(g.name)) + int64(g.pending.Len())*streamPendingCost
	for c := range g.consumers.From(0) {
		n += c.cost()
	}
	return n
}

// addGroup makes a group, which is not there. REQUIRES: b is open.
func (b *bigStream) addGroup(name string, last StreamID, read int64) {
	g := &streamGroup{token: b.mark(), name: strings.Clone(name), last: last, read: read}
	b.groups.Insert(b.groupAt(name), g)
	b.Charge(streamGroupCost + int64(len(name)))
}

// removeGroup removes a group, which is there, with its consumers. O(consumers), and O(1)
// for each node of what is pending. REQUIRES: b is open.
func (b *bigStream) removeGroup(name string) {
	g := b.ownGroup(name)
	b.Charge(-g.cost())
	for c := range g.consumers.From(0) {
		gone := c.pending.Branch() // what others share of it is counted so, whoever owns c
		if c.token == g.token {
			gone = &c.pending
		}
		gone.Delete(0, gone.Len())
		b.othersHold += int64(gone.Copied()) * streamOwnedBytes
	}
	g.pending.Delete(0, g.pending.Len())
	b.countCopies(g, nil)
	i := b.groupAt(name)
	b.groups.Delete(i, i+1)
}

// addConsumer makes a consumer, which is not there. REQUIRES: b has g.
func (b *bigStream) addConsumer(g *streamGroup, name string, now int64) *streamConsumer {
	c := &streamConsumer{token: g.token, name: strings.Clone(name), seen: now, active: -1}
	g.consumers.Insert(g.consumerAt(name), c)
	b.countCopies(g, nil)
	b.Charge(c.cost())
	return c
}

// removeConsumer removes a consumer, which is there, and what is pending for it. It
// returns how many entries that are. O(log n) for each. REQUIRES: b has g.
func (b *bigStream) removeConsumer(g *streamGroup, name string) int {
	c := b.ownConsumer(g, name)
	n := c.pending.Len()
	for id := range c.pending.From(0) {
		i := g.pendingAt(id)
		g.pending.Delete(i, i+1)
	}
	c.pending.Delete(0, n)
	i := g.consumerAt(name)
	g.consumers.Delete(i, i+1)
	b.countCopies(g, c)
	b.Charge(-c.cost() - int64(n)*streamPendingCost)
	return n
}

// consumerFor is the consumer of a name, made if need be. REQUIRES: b has g.
func (b *bigStream) consumerFor(g *streamGroup, name string, now int64) (c *streamConsumer, made bool) {
	if c = b.ownConsumer(g, name); c != nil {
		return c, false
	}
	return b.addConsumer(g, name, now), true
}

// pendingAt is the index of the first pending entry that is not before id.
func (g *streamGroup) pendingAt(id StreamID) int {
	return g.pending.Search(func(p streamPending) bool { return !p.id.before(id) })
}

// pendingOf is what is pending of an entry.
func (g *streamGroup) pendingOf(id StreamID) (p streamPending, ok bool) {
	i := g.pendingAt(id)
	if i == g.pending.Len() {
		return p, false
	}
	p = g.pending.At(i)
	return p, p.id == id
}

// pendingAt is the index of the first entry pending for c that is not before id.
func (c *streamConsumer) pendingAt(id StreamID) int {
	return c.pending.Search(func(o StreamID) bool { return !o.before(id) })
}

// pend makes an entry pending for c, whosever it was. O(log n). REQUIRES: b has g and c.
func (b *bigStream) pend(g *streamGroup, c *streamConsumer, p streamPending) {
	p.consumer = c.name
	i := g.pendingAt(p.id)
	if i == g.pending.Len() || g.pending.At(i).id != p.id {
		g.pending.Insert(i, p)
		b.Charge(streamPendingCost)
	} else {
		if was := g.pending.At(i).consumer; was != c.name {
			b.unlist(g, was, p.id)
		} else {
			g.pending.Set(i, p)
			b.countCopies(g, c)
			return
		}
		g.pending.Set(i, p)
	}
	c.pending.Insert(c.pendingAt(p.id), p.id)
	b.countCopies(g, c)
}

// unpend takes an entry, which is pending, out. O(log n). REQUIRES: b has g.
func (b *bigStream) unpend(g *streamGroup, id StreamID) {
	i := g.pendingAt(id)
	b.unlist(g, g.pending.At(i).consumer, id)
	g.pending.Delete(i, i+1)
	b.countCopies(g, nil)
	b.Charge(-streamPendingCost)
}

// unlist takes an entry out of what is pending for a consumer.
func (b *bigStream) unlist(g *streamGroup, consumer string, id StreamID) {
	c := b.ownConsumer(g, consumer)
	i := c.pendingAt(id)
	c.pending.Delete(i, i+1)
	b.countCopies(nil, c)
}

// countCopies counts what others alone hold of the nodes that the trees of g and c, nil
// for none, have let go.
func (b *bigStream) countCopies(g *streamGroup, c *streamConsumer) {
	if g != nil {
		b.othersHold += int64(g.pending.Copied())*(streamPendingCost-streamOwnedBytes) + int64(g.consumers.Copied())*8
	}
	if c != nil {
		b.othersHold += int64(c.pending.Copied()) * streamOwnedBytes
	}
}

// copiedGroups is what others alone hold of the groups since it was last asked, in bytes.
func (b *bigStream) copiedGroups() int64 {
	n := b.othersHold
	b.othersHold = 0
	return n
}
