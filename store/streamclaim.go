package store

import (
	"math"

	"github.com/understudy-go/understudy/resp"
)

// claimOptions are XCLAIM's.
type claimOptions struct {
	minIdle   int64    // milliseconds
	delivered int64    // Unix milliseconds; what IDLE or TIME say
	timed     bool     // IDLE or TIME was given
	count     int64    // RETRYCOUNT; -1 when it was not given
	force     bool     // also what is not pending
	justID    bool     // count no delivery, return no fields
	last      StreamID // LASTID
}

// when is the time of delivery that claimed entries get. One that lies ahead or before
// 1970 is that of a client whose clock is wrong: then it is now. A primary is believed:
// its clock may be ahead of ours.
func (o *claimOptions) when(x *exec) int64 {
	now := x.clock()
	if !o.timed || x.origin == client && (o.delivered < 0 || o.delivered > now) {
		return now
	}
	return o.delivered
}

// claim makes entries pending for a consumer, which it makes if need be. An entry that is
// pending for somebody is taken over if it has been idle for long enough; one that is
// not, with force. Of an entry that the stream does not have any more, what is pending is
// forgotten: so a stream of XCLAIMs tells replicas to forget it, too, and FORCE makes
// nothing of an ID that is not there.
func (x *exec) claim(key, group, consumer string, ids []StreamID, o claimOptions) ([]streamItem, error) {
	r, err := x.groupRef(key, group)
	if err != nil {
		return nil, err
	}
	x.c.atomicIf(len(ids) > mostChanged)
	d := delivery{x: x, key: key, group: group, now: x.clock()}
	at := o.when(x)
	if x.origin == stream {
		d.now = at // what the primary's clock said: ours would make a consumer here another one
	}
	x.groupEdit(r, func(b *bigStream) {
		d.begin(b, consumer, false)
		if d.g.last.before(o.last) {
			d.g.last, d.moved = o.last, true
		}
		for _, id := range ids {
			d.claimOne(id, at, o)
		}
	})
	d.end()
	return d.items, nil
}

func (d *delivery) claimOne(id StreamID, at int64, o claimOptions) {
	p, pending := d.g.pendingOf(id)
	it, there := d.b.find(id)
	switch {
	case !there:
		if pending {
			d.forget(p)
		}
		return
	case !pending && !o.force, pending && o.minIdle > 0 && d.now-p.delivered < o.minIdle:
		return
	case !pending:
		p = streamPending{id: id, count: 1}
	}
	p.delivered = at
	if o.count >= 0 {
		p.count = uint64(o.count)
	} else if !o.justID {
		p.count = onceMore(p.count)
	}
	d.take(it, p)
}

// take gives a pending entry to the consumer.
func (d *delivery) take(it streamItem, p streamPending) {
	d.pend(p)
	d.c.active = d.now
	d.moved = false // the effect of it says where the group stands
	d.items = append(d.items, it)
}

// forget takes out what is pending of an entry that is gone, here and on replicas.
func (d *delivery) forget(p streamPending) {
	d.claim(p.consumer, p)
	d.b.unpend(d.g, p.id)
	d.moved = false
	d.named = d.named || p.consumer == d.c.name
}

// autoclaimOptions are XAUTOCLAIM's.
type autoclaimOptions struct {
	minIdle int64 // milliseconds
	from    StreamID
	count   int64
	justID  bool
}

const (
	autoclaimCount = 100
	// For each entry that may be claimed so many are looked at.
	autoclaimAttempts = 10
	// mostAutoclaimed keeps that product an integer, as servers do.
	mostAutoclaimed = math.MaxInt64 / 16
)

// autoclaim claims entries that have been pending for long enough, from an ID on. next is
// where to go on, zero for the end; gone are entries that the stream does not have any
// more, of which what was pending is forgotten.
func (x *exec) autoclaim(key, group, consumer string, o autoclaimOptions) (next StreamID, items []streamItem, gone []StreamID, err error) {
	r, err := x.groupRef(key, group)
	if err != nil {
		return next, nil, nil, err
	}
	x.c.atomicIf(o.count > mostChanged)
	d := delivery{x: x, key: key, group: group, now: x.clock()}
	x.groupEdit(r, func(b *bigStream) {
		d.begin(b, consumer, false)
		next, gone = d.autoclaim(o)
	})
	d.end()
	return next, d.items, gone, nil
}

func (d *delivery) autoclaim(o autoclaimOptions) (next StreamID, gone []StreamID) {
	i := d.g.pendingAt(o.from)
	attempts := int64(math.MaxInt64)
	if o.count < math.MaxInt64/autoclaimAttempts {
		attempts = o.count * autoclaimAttempts
	}
	for left := o.count; i < d.g.pending.Len() && attempts > 0 && left > 0; attempts-- {
		p := d.g.pending.At(i)
		it, there := d.b.find(p.id)
		switch {
		case !there:
			d.forget(p)
			gone = append(gone, p.id)
			left--
			continue // the next one has taken its place
		case o.minIdle > 0 && d.now-p.delivered < o.minIdle:
		default:
			if p.delivered = d.now; !o.justID {
				p.count = onceMore(p.count)
			}
			d.take(it, p)
			left--
		}
		i++
	}
	if i < d.g.pending.Len() {
		next = d.g.pending.At(i).id
	}
	return next, gone
}

// ack takes entries out of what is pending in a group, and returns how many were. O(log n)
// for each.
func (x *exec) ack(key, group string, ids []StreamID) (n int, err error) {
	r, err := x.streamRef(key)
	if err != nil || r.e == nil {
		return 0, err
	}
	g := streamBody(r.e).group(group)
	if g == nil || !g.anyPending(ids) {
		return 0, nil
	}
	x.c.atomicIf(len(ids) > mostChanged)
	x.groupEdit(r, func(b *bigStream) {
		g := b.ownGroup(group)
		for _, id := range ids {
			if _, ok := g.pendingOf(id); ok {
				b.unpend(g, id)
				n++
			}
		}
	})
	x.c.effect(x.db, append([]string{"XACK", key, group}, idTexts(ids)...)...)
	return n, nil
}

func (g *streamGroup) anyPending(ids []StreamID) bool {
	for _, id := range ids {
		if _, ok := g.pendingOf(id); ok {
			return true
		}
	}
	return false
}

func idTexts(ids []StreamID) []string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return texts
}

func idsReply(ids []StreamID) resp.Value {
	elems := make([]resp.Value, len(ids))
	for i, id := range ids {
		elems[i] = resp.BulkString(id.String())
	}
	return resp.ArrayOf(elems...)
}
