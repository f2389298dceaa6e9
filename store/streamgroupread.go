package store

import (
	"strings"

	"github.com/understudy-go/understudy/resp"
)

// groupRead is what XREADGROUP asks for.
type groupRead struct {
	group, consumer string
	from            []groupFrom
	count           int64 // 0 for any number
	noAck           bool  // what is delivered is not kept as pending
}

// groupFrom is a key of XREADGROUP: with news, what the group has not delivered to
// anybody; else what is pending for the consumer, behind an ID.
type groupFrom struct {
	key   string
	news  bool
	after StreamID
	bad   error // of the argument: reported when it is this key's turn
}

// groupEntries is what XREADGROUP found at a key. Of what is pending the entry may be
// gone: then it has an ID and no fields.
type groupEntries struct {
	key   string
	items []streamItem
}

// noGroup is the error of a command for a group that is not there.
func noGroup(key, group, where string) error {
	return wireError("NOGROUP No such key '%s' or consumer group '%s'%s", untilNUL(key), untilNUL(group), where)
}

// noGroupOf is the same where the key is there.
func noGroupOf(key, group string) error {
	return wireError("NOGROUP No such consumer group '%s' for key name '%s'", untilNUL(group), untilNUL(key))
}

// untilNUL is as much of a name as errors repeat.
func untilNUL(name string) string {
	name, _, _ = strings.Cut(name, "\x00")
	return name
}

// groupRef looks a stream and its group up to change them; the error says that either is
// not there.
func (x *exec) groupRef(key, group string) (ref, error) {
	r, err := x.streamRef(key)
	if err == nil && (r.e == nil || streamBody(r.e).group(group) == nil) {
		err = noGroup(key, group, "")
	}
	return r, err
}

// groupEdit is streamEdit for a change of what groups remember. Nobody watches or waits
// for that, as far as clients are concerned.
func (x *exec) groupEdit(r ref, fn func(b *bigStream)) {
	x.c.quiet = true
	x.streamEdit(r, fn)
	x.c.quiet = false
}

// check looks whether each key is a stream that has the group.
func (x *exec) checkGroupRead(a *groupRead) error {
	for _, f := range a.from {
		r, err := x.streamRef(f.key)
		switch {
		case err != nil:
			return err
		case r.e == nil || streamBody(r.e).group(a.group) == nil:
			return noGroup(f.key, a.group, " in XREADGROUP with GROUP option")
		case f.bad != nil:
			return f.bad
		}
	}
	return nil
}

// readGroup delivers entries to a consumer, which it makes if need be. Keys without news
// are left out.
//
// The stream carries what came of it: an XCLAIM for each entry that is pending now, which
// names its new count and time, then where the group stands; or that there is a new
// consumer, if nothing else says so.
func (x *exec) readGroup(a *groupRead) (found []groupEntries, err error) {
	if err := x.checkGroupRead(a); err != nil {
		return nil, err
	}
	x.c.atomicIf(len(a.from) > 1 || x.manyNews(a))
	for _, f := range a.from {
		r, err := x.streamRef(f.key)
		if err != nil {
			return nil, err
		}
		d := delivery{x: x, key: f.key, group: a.group, now: x.clock()}
		x.groupEdit(r, func(b *bigStream) {
			d.begin(b, a.consumer, a.noAck)
			if f.news {
				d.news(a.count, a.noAck)
			} else {
				d.history(f.after, a.count)
			}
		})
		d.end()
		if !f.news || len(d.items) > 0 {
			found = append(found, groupEntries{f.key, d.items})
		}
	}
	return found, nil
}

// manyNews reports whether so much will be delivered that readers of the stream should
// not have to wait for it.
func (x *exec) manyNews(a *groupRead) bool {
	if a.count > 0 && a.count <= mostChanged {
		return false
	}
	for _, f := range a.from {
		b := streamBody(x.ref(f.key).e)
		if g := b.group(a.group); b.entries.Len()-b.at(g.last) > mostChanged {
			return true
		}
	}
	return false
}

// delivery is what a command does to the pending entries of one group.
type delivery struct {
	x          *exec
	key, group string
	now        int64

	b     *bigStream
	g     *streamGroup
	c     *streamConsumer
	made  bool // c is new
	named bool // an effect has named c, or will
	moved bool // the group's last ID has moved, and no effect has said so
	items []streamItem
}

// begin looks the group, which is there, and the consumer up to change them.
func (d *delivery) begin(b *bigStream, consumer string, announce bool) {
	d.b, d.g = b, b.ownGroup(d.group)
	d.c, d.made = b.consumerFor(d.g, consumer, d.now)
	d.c.seen = d.now
	if d.made {
		d.x.event(eventStream, "xgroup-createconsumer", d.key)
	}
	if d.made && announce {
		d.announce()
	}
}

// announce tells replicas that there is the consumer.
func (d *delivery) announce() {
	d.x.c.effect(d.x.db, "XGROUP", "CREATECONSUMER", d.key, d.group, d.c.name)
	d.named = true
}

// end tells replicas what no effect has told so far.
func (d *delivery) end() {
	if d.made && !d.named {
		d.announce()
	}
	if d.moved {
		d.x.c.effect(d.x.db, "XGROUP", "SETID", d.key, d.group, d.g.last.String(), "ENTRIESREAD", formatInt(d.g.read))
	}
}

// news delivers what the group has not delivered to anybody.
func (d *delivery) news(count int64, noAck bool) {
	first, ok := d.g.last.next()
	if !ok {
		return
	}
	if count == 0 {
		count = -1
	}
	i, j := streamSpan{first, MaxStreamID}.in(d.b, count, false)
	for it := range d.b.span(i, j) {
		d.items = append(d.items, it)
		d.b.delivered(d.g, it.id)
		d.moved = true
		if noAck {
			continue
		}
		d.pend(streamPending{id: it.id, delivered: d.now, count: 1})
		d.c.active = d.now
	}
}

// pend makes an entry pending for the consumer, here and on replicas.
func (d *delivery) pend(p streamPending) {
	d.b.pend(d.g, d.c, p)
	d.claim(d.c.name, p)
	d.named = true
}

// claim is the effect of an entry that is pending, or was until now: a replica forgets it
// where there is no such entry.
func (d *delivery) claim(consumer string, p streamPending) {
	d.x.c.effect(d.x.db, "XCLAIM", d.key, d.group, consumer, "0", p.id.String(), "TIME", formatInt(p.delivered),
		"RETRYCOUNT", formatInt(int64(p.count)), "FORCE", "JUSTID", "LASTID", d.g.last.String())
}

// history delivers once more what is pending for the consumer. Servers count that and do
// not tell their replicas; here replicas are told, as else they would hold other data.
func (d *delivery) history(after StreamID, count int64) {
	first, ok := after.next()
	if !ok {
		return
	}
	var ids []StreamID
	for id := range d.c.pending.From(d.c.pendingAt(first)) {
		if ids = append(ids, id); int64(len(ids)) == count {
			break
		}
	}
	for _, id := range ids {
		it, there := d.b.find(id)
		if !there {
			it = streamItem{id: id}
		} else {
			p, _ := d.g.pendingOf(id)
			p.delivered, p.count = d.now, onceMore(p.count)
			d.pend(p)
		}
		d.items = append(d.items, it)
	}
}

// groupWish is XREADGROUP as something to wait for. done makes a reply of what was found.
func groupWish(a *groupRead, done func([]groupEntries) resp.Value) wish {
	w := wish{kind: Stream, nothing: resp.NullArray()}
	for _, f := range a.from {
		w.keys = append(w.keys, f.key)
	}
	w.begin = func(x *exec) (resp.Value, bool) {
		found, err := x.readGroup(a)
		if err != nil {
			return reply(err), true
		}
		return done(found), len(found) > 0
	}
	// Whichever key it was that woke the client up: all are looked at anew, and one whose
	// group is gone is an error.
	w.take = func(x *exec, _ string) (resp.Value, error) {
		if err := x.checkGroupRead(a); err != nil || !x.hasNews(a) {
			return resp.Value{}, orNothing(err)
		}
		found, err := x.readGroup(a)
		return done(found), err
	}
	w.gone = func(x *exec) (resp.Value, bool) {
		if err := x.checkGroupRead(a); err != nil {
			return reply(err), true
		}
		return resp.Value{}, false
	}
	return w
}

func orNothing(err error) error {
	if err == nil {
		return errNothingYet
	}
	return err
}

// hasNews reports whether there is something that the group has not delivered. REQUIRES:
// checkGroupRead has found nothing wrong.
func (x *exec) hasNews(a *groupRead) bool {
	for _, f := range a.from {
		b := streamBody(x.ref(f.key).e)
		if n := b.entries.Len(); n > 0 && b.group(a.group).last.before(b.entries.At(n-1).id) {
			return true
		}
	}
	return false
}

// groupReply is keys with their entries.
func groupReply(found []groupEntries) resp.Value {
	if len(found) == 0 {
		return resp.NullArray()
	}
	var elems []resp.Value
	for _, f := range found {
		items := make([]resp.Value, len(f.items))
		for i, it := range f.items {
			if items[i] = it.reply(); it.fields == "" {
				items[i].Elems[1] = resp.NullArray()
			}
		}
		elems = append(elems, resp.BulkString(strings.Clone(f.key)), resp.ArrayOf(items...)) // it may alias a read buffer
	}
	return resp.KeyedOf(elems...)
}
