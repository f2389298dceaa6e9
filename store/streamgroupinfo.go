package store

import (
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// summary is XPENDING without a range: how many are pending, the first, the last, and how
// many for each consumer that has any. O(consumers).
func (g *streamGroup) summary() resp.Value {
	n := g.pending.Len()
	if n == 0 {
		return resp.ArrayOf(resp.Integer(0), resp.NullValue(), resp.NullValue(), resp.NullArray())
	}
	var consumers []resp.Value
	for c := range g.consumers.From(0) {
		if have := c.pending.Len(); have > 0 {
			consumers = append(consumers, resp.ArrayOf(resp.BulkString(c.name), resp.BulkString(formatInt(int64(have)))))
		}
	}
	return resp.ArrayOf(resp.Integer(int64(n)), resp.BulkString(g.pending.At(0).id.String()),
		resp.BulkString(g.pending.At(n-1).id.String()), resp.ArrayOf(consumers...))
}

// pendingIn is the pending entries that p asks for. O(log n) for each of a consumer's,
// O(1) for each of the group's, those included that have not been idle for long enough.
func (g *streamGroup) pendingIn(p *pendingRange, now func() int64) (out []streamPending) {
	take := func(e streamPending) (more bool) {
		if e.id.Compare(p.last) > 0 || int64(len(out)) >= p.count {
			return false
		}
		if p.minIdle <= 0 || now()-e.delivered >= p.minIdle {
			out = append(out, e)
		}
		return true
	}
	if !p.of {
		for e := range g.pending.From(g.pendingAt(p.first)) {
			if !take(e) {
				break
			}
		}
		return out
	}
	c := g.consumer(p.consumer)
	if c == nil {
		return nil
	}
	for id := range c.pending.From(c.pendingAt(p.first)) {
		if e, _ := g.pendingOf(id); !take(e) {
			break
		}
	}
	return out
}

// xinfoGroups is XINFO GROUPS of e.
func (x *exec) xinfoGroups(e *table.Entry) resp.Value {
	var groups []resp.Value
	x.streamLook(e, func(b *bigStream) {
		for g := range b.groups.From(0) {
			read, lag := b.progress(g)
			groups = append(groups, resp.MapOf(
				resp.BulkString("name"), resp.BulkString(g.name),
				resp.BulkString("consumers"), resp.Integer(int64(g.consumers.Len())),
				resp.BulkString("pending"), resp.Integer(int64(g.pending.Len())),
				resp.BulkString("last-delivered-id"), resp.BulkString(g.last.String()),
				resp.BulkString("entries-read"), read,
				resp.BulkString("lag"), lag))
		}
	})
	return resp.ArrayOf(groups...)
}

// progress is how many entries g has read, and how many are ahead of it, each null where
// that is unknown.
func (b *bigStream) progress(g *streamGroup) (read, lag resp.Value) {
	read, lag = resp.NullValue(), resp.NullValue()
	if g.read != unknownRead {
		read = resp.Integer(g.read)
	}
	if n, ok := b.lag(g); ok {
		lag = resp.Integer(n)
	}
	return read, lag
}

// xinfoConsumers is XINFO CONSUMERS of a group of e, which is at key. Redis 7.2 tells
// since when a consumer got nothing, too.
func (x *exec) xinfoConsumers(e *table.Entry, key, group string) resp.Value {
	v := reply(noGroupOf(key, group))
	x.withGroup(e, group, func(g *streamGroup) {
		var consumers []resp.Value
		for c := range g.consumers.From(0) {
			inactive := int64(-1)
			if c.active >= 0 {
				inactive = max(x.clock()-c.active, 0)
			}
			consumers = append(consumers, resp.MapOf(
				resp.BulkString("name"), resp.BulkString(c.name),
				resp.BulkString("pending"), resp.Integer(int64(c.pending.Len())),
				resp.BulkString("idle"), resp.Integer(max(x.clock()-c.seen, 0)),
				resp.BulkString("inactive"), resp.Integer(inactive)))
		}
		v = resp.ArrayOf(consumers...)
	})
	return v
}

// fullGroups is the groups as XINFO STREAM FULL shows them, of each at most count pending
// entries, all for 0.
func (b *bigStream) fullGroups(count int64) resp.Value {
	var groups []resp.Value
	for g := range b.groups.From(0) {
		read, lag := b.progress(g)
		var pending []resp.Value
		for p := range g.pending.From(0) {
			pending = append(pending, resp.ArrayOf(resp.BulkString(p.id.String()), resp.BulkString(p.consumer),
				resp.Integer(p.delivered), resp.Integer(int64(p.count))))
			if int64(len(pending)) == count {
				break
			}
		}
		groups = append(groups, resp.MapOf(
			resp.BulkString("name"), resp.BulkString(g.name),
			resp.BulkString("last-delivered-id"), resp.BulkString(g.last.String()),
			resp.BulkString("entries-read"), read,
			resp.BulkString("lag"), lag,
			resp.BulkString("pel-count"), resp.Integer(int64(g.pending.Len())),
			resp.BulkString("pending"), resp.ArrayOf(pending...),
			resp.BulkString("consumers"), g.fullConsumers(count)))
	}
	return resp.ArrayOf(groups...)
}

func (g *streamGroup) fullConsumers(count int64) resp.Value {
	var consumers []resp.Value
	for c := range g.consumers.From(0) {
		var pending []resp.Value
		for id := range c.pending.From(0) {
			p, _ := g.pendingOf(id)
			pending = append(pending, resp.ArrayOf(resp.BulkString(id.String()), resp.Integer(p.delivered), resp.Integer(int64(p.count))))
			if int64(len(pending)) == count {
				break
			}
		}
		consumers = append(consumers, resp.MapOf(
			resp.BulkString("name"), resp.BulkString(c.name),
			resp.BulkString("seen-time"), resp.Integer(c.seen),
			resp.BulkString("active-time"), resp.Integer(c.active),
			resp.BulkString("pel-count"), resp.Integer(int64(c.pending.Len())),
			resp.BulkString("pending"), resp.ArrayOf(pending...)))
	}
	return resp.ArrayOf(consumers...)
}
