package store

import (
	"strconv"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// A commit is one atomic change under way. It exists while the writer lock is
// held, and there is one at a time.
//
// A commit that changes one slot is visible by that one store. A commit that
// changes several calls atomic first: from then on what it replaces is kept in
// pending, and readers follow it there until the view is switched at the end.
type commit struct {
	s       *Store
	x       exec // the context in which the commit's commands run
	version uint64
	gen     *generation // differs from the view's once a command replaced databases
	pending *past       // what readers see of the slots that changed; nil: one slot only
	changes []change    // in order; kept for roll-back, and while anyone watches

	effects  []byte       // RESP commands for the stream, behind a MULTI that is sent only if it takes one
	parts    int          // commands in effects, SELECTs not counted
	selected int          // database that effects leave selected; -1 unknown
	dirty    bool         // something changed, effects or not
	renewed  bool         // a key counts as written though nothing changed
	full     bool         // of an Update: what takes more memory is refused
	quiet    bool         // what changes is no news to those who watch or wait for the key
	libs     libraries    // before the commit; for roll-back
	dropped  []table.Body // large collections whose key went; some may have moved
	watched  bool         // somebody wants to know what changes
	cause    Cause
	ahead    int64 // bytes of the stream that belong before the commit's end and are not in the backlog yet

	scratch []byte // reused to put small collections together; a few KB at most

	messages []Message // to be delivered when the commit is finished
	events   Events    // classes of keyspace events that anybody may want
}

// change is one touched record.
type change struct {
	ks       *keyspace // nil for a field
	tab      *table.Table
	db       int
	h        uint64
	old, new *table.Entry // nil: absent
	expired  bool         // the deadline did it
}

// begin starts the one commit. REQUIRES: the writer lock.
func (s *Store) begin(db int, from origin) *commit {
	c := &s.mu.commit
	v := s.view.Load()
	c.version = s.published.Load() + 1
	c.gen, c.pending = v.gen, nil
	c.changes, c.effects = c.changes[:0], append(c.effects[:0], multiFrame...)
	c.parts, c.selected = 0, s.backlog.History().StreamDB
	c.dirty, c.renewed, c.quiet, c.full, c.libs = false, false, false, false, s.mu.functions
	c.watched, c.cause, c.ahead = s.touched.watched(), ByCommand, 0
	c.events = s.broker.enabled()
	c.x = exec{s: s, mode: writing, origin: from, db: db, gen: v.gen, c: c}
	s.mu.watched.begin()
	return c
}

// atomic declares that more than one slot will change.
func (c *commit) atomic() {
	if c.pending != nil {
		return
	}
	c.pending = &past{version: c.version - 1, flat: true}
	c.s.setView(c.s.view.Load().gen, c.pending)
}

// finish publishes the commit and appends its effects to the backlog. The order
// matters: a cut needs the writer lock, so nobody sees one without the other.
func (c *commit) finish() {
	if c.dirty {
		c.count()
	}
	if c.dirty || c.renewed || c.pending != nil {
		was := c.s.view.Load().gen
		c.publish(c.gen)
		c.chargeDropped()
		c.s.chargeReplaced(was, c.gen)
	}
	if c.parts > 0 {
		c.appendEffects() // after publishing: whoever waits for the offset finds the data
	}
	c.post()
	if c.watched && (c.dirty || c.pending != nil) {
		c.s.touched.add(c.changes, c.cause, c.s.backlog.Offset()+c.ahead)
	}
	c.release()
}

// count notes that the data has changed.
func (c *commit) count() {
	if c.s.mu.replica && c.x.origin == client {
		c.s.backlog.Taint("written to while following a primary")
	}
	c.s.fresh.Store(false)
	c.s.stats.commits.Add(1)
}

// publish makes the commit what readers see. One of a single slot is seen
// already; the version is what the next commit, and a cut, go on from. One of
// several slots, or of other databases, is seen when the view is switched:
// until then the view tells readers which version is theirs.
func (c *commit) publish(g *generation) {
	c.s.published.Store(c.version)
	if c.pending != nil || g != c.s.view.Load().gen {
		c.s.setView(g, nil)
		c.sweepTombstones()
	}
}

// release lets go of what the reused commit must not pin: it may be long until the next
// one, and a load puts other data in the place of all that this one knew.
func (c *commit) release() {
	clear(c.changes)
	clear(c.dropped)
	c.dropped = c.dropped[:0]
	c.gen, c.pending, c.libs, c.x = nil, nil, nil, exec{}
	if cap(c.effects) > 1<<20 {
		c.effects = nil
	}
	if cap(c.changes) > 1<<16 {
		c.changes = nil
	}
}

var (
	multiFrame = resp.AppendCommand(nil, "MULTI")
	execFrame  = resp.AppendCommand(nil, "EXEC")
)

// appendEffects hands the effects to the backlog in one piece: its end never
// stands inside of a transaction.
func (c *commit) appendEffects() {
	unit := c.effects[len(multiFrame):]
	if c.parts > 1 {
		c.effects = append(c.effects, execFrame...)
		unit = c.effects
	}
	c.s.backlog.Append(unit)
	c.s.backlog.SetStreamDB(c.selected)
}

// effect adds a command to what the stream will carry. Effects of the stream's
// own commands are the bytes that came: they are not made anew. What a client
// writes to a replica stays there.
func (c *commit) effect(db int, args ...string) {
	if c.x.origin == stream || c.s.mu.replica {
		return
	}
	c.selectDB(db)
	c.effects = resp.AppendCommand(c.effects, args...)
	c.parts++
}

func (c *commit) selectDB(db int) {
	if c.selected != db {
		c.effects = resp.AppendCommand(c.effects, "SELECT", strconv.Itoa(db))
		c.selected = db
	}
}

// put makes e the entry of r's key.
func (c *commit) put(r ref, e *table.Entry) {
	old := c.before(r)
	if old != nil {
		r.tab.Replace(r.h, r.at, old, e)
	} else {
		r.tab.Put(r.h, e)
		if r.ks != nil && c.events&eventNew != 0 {
			c.notify(r.db, "new", r.key)
		}
	}
	c.after(r, old, e)
	c.own(r, old, e)
}

// remove takes r's key out. In a commit of several slots a tombstone stands in
// for it until the end: a reader must not take it for a key that never was.
func (c *commit) remove(r ref) {
	old := c.before(r)
	if c.pending != nil {
		r.tab.Put(r.h, table.NewTombstone(c.version, r.key))
	} else {
		r.tab.Remove(r.h, r.key, c.version)
	}
	c.after(r, old, nil)
	c.own(r, old, nil)
}

// before keeps what open snapshots and readers of this commit still need.
func (c *commit) before(r ref) *table.Entry {
	old := r.e
	if len(c.s.mu.snapshots) > 0 || c.pending != nil {
		c.keep(r)
	}
	r.tab.SetChanged(c.version)
	return old
}

func (c *commit) keep(r ref) {
	stands := r.tab.Find(r.h, r.key) // may be a tombstone of this commit: then nothing is kept
	for _, sn := range c.s.mu.snapshots {
		if sn.past.has(r) {
			c.keepFor(&sn.past, r, stands)
		}
	}
	if c.pending != nil {
		c.keepFor(c.pending, r, stands)
	}
}

func (c *commit) keepFor(p *past, r ref, stands *table.Entry) {
	if r.tab.Changed() <= p.version || stands != nil && stands.Version() <= p.version {
		p.keep(r.tab, r.h, stands)
	}
}

// after follows a changed slot into the deadline index and the list of changes.
func (c *commit) after(r ref, old, e *table.Entry) {
	c.dirty = true
	if old != nil && old.Sharable() > 0 {
		c.diverge(r, old, e)
	}
	if r.ks != nil {
		r.ks.replace(old, e)
		if a := c.s.ages.Load(); a != nil && old == nil {
			a.created(r.db, r.h)
		}
	} else {
		replaceField(r.tab, old, e)
	}
	if c.pending != nil || c.watched {
		c.changes = append(c.changes, change{ks: r.ks, tab: r.tab, db: r.db, h: r.h, old: old, new: e})
	}
	if r.ks != nil {
		c.noteKey(r, e != nil)
	}
}

// touch notes that the value of r's key changed although its entry did not: an
// element of a large collection did.
func (c *commit) touch(r ref) {
	c.noteKey(r, true)
	if c.watched {
		c.changes = append(c.changes, change{ks: r.ks, tab: r.tab, db: r.db, h: r.h, old: r.e, new: r.e})
	}
}

// renew lets r's key, which is there, count as written for those who watch it, though
// nothing changed. It takes a version, so that who begins to watch after it is not told.
func (c *commit) renew(r ref) {
	c.noteKey(r, true)
	c.renewed = true
}

// own makes the table in which a large collection stands count it, and no longer
// when the key goes.
func (c *commit) own(r ref, old, e *table.Entry) {
	if r.ks == nil {
		return
	}
	was, is := bodyOf(old), bodyOf(e)
	if was == is {
		return
	}
	if was != nil {
		was.SetOwner(nil)
		c.dropped = append(c.dropped, was)
	}
	if is != nil {
		is.SetOwner(&r.tab.Account)
		c.chargeMoved(r, is)
	}
}

// diverge charges open snapshots for the chunks of old that e, nil for none, does
// not share.
func (c *commit) diverge(r ref, old, e *table.Entry) {
	for _, sn := range c.s.mu.snapshots {
		sn.past.diverge(r, old, e)
	}
}

// noteKey tells those who wait for r's key, or watch it, that it has changed; there is
// false if it was removed.
func (c *commit) noteKey(r ref, there bool) {
	if c.quiet {
		return
	}
	if len(c.s.mu.blocked.queues) > 0 {
		if there {
			c.s.mu.blocked.note(r.db, r.key)
		} else {
			c.s.mu.blocked.noteGone(r.db, r.key)
		}
	}
	if len(c.s.mu.watched.keys) > 0 {
		c.s.mu.watched.touched(r.db, r.key, c.version, there)
	}
}

func bodyOf(e *table.Entry) table.Body {
	if e == nil {
		return nil
	}
	return e.Body()
}

// chargeDropped charges open snapshots for what they alone hold from now on: the
// elements of large collections that are gone.
func (c *commit) chargeDropped() {
	for _, b := range c.dropped {
		if b.Owned() {
			continue // moved
		}
		for _, sn := range c.s.mu.snapshots {
			sn.past.loseAll(b)
		}
	}
}

// chargeMoved charges open snapshots for a large collection that came into a database
// which they do not have: nothing is charged when that goes as a whole.
func (c *commit) chargeMoved(r ref, b table.Body) {
	for _, sn := range c.s.mu.snapshots {
		if !sn.past.has(r) {
			sn.past.loseAll(b)
		}
	}
}

// expire removes a key past its deadline, on behalf of the command that met it.
func (c *commit) expire(r ref) {
	c.effect(r.db, "DEL", r.key)
	c.remove(r)
	if c.watched {
		c.changes[len(c.changes)-1].expired = true
	}
	if c.events&eventExpired != 0 {
		c.notify(r.db, "expired", r.key)
	}
	c.s.stats.expired.Add(1)
}

// replaceSpace makes ks database n of the working generation.
func (c *commit) replaceSpace(n int, ks *keyspace) {
	c.replaced(n)
	c.setGeneration(c.gen.with(n, ks))
}

// replaced notes that every key of database n may have changed; -1 for all.
func (c *commit) replaced(n int) {
	c.s.mu.blocked.noteAll(n)
	if c.watched {
		c.changes = append(c.changes, change{db: n})
	}
}

func (c *commit) setGeneration(g *generation) {
	for n, ks := range g.spaces {
		c.s.mu.watched.replaced(n, c.gen.spaces[n], ks, c.version)
	}
	c.gen, c.x.gen, c.dirty = g, g, true
}

// sweepTombstones removes the marks of keys that are gone for good, once no
// view asks for what they stood for.
func (c *commit) sweepTombstones() {
	for _, ch := range c.changes {
		if ch.tab == nil {
			continue
		}
		key := ch.key()
		if e := ch.tab.Find(ch.h, key); e != nil && e.Kind() == table.Tombstone {
			ch.tab.Remove(ch.h, key, c.version)
		}
	}
}

func (ch change) key() string {
	if ch.old != nil {
		return ch.old.Key()
	}
	return ch.new.Key()
}

// rollBack undoes the commit: data, deadlines and effects. The version is used
// up, so that no later commit's entries can be taken for the undone ones.
// REQUIRES: atomic was called before the first change.
func (c *commit) rollBack() {
	for i := len(c.changes) - 1; i >= 0; i-- {
		c.undo(c.changes[i])
	}
	c.s.mu.functions = c.libs
	c.s.mu.watched.undo(c.version)
	c.publish(c.s.view.Load().gen)
	c.forgetMessages()
	c.release()
}

// abandon ends a commit whose command failed: one of several slots is undone,
// any other has not changed anything.
func (c *commit) abandon() {
	if c.pending != nil {
		c.rollBack()
		return
	}
	c.forgetMessages()
	c.release()
}

func (c *commit) undo(ch change) {
	if ch.tab == nil || ch.old == ch.new {
		return
	}
	if ch.ks != nil {
		ch.ks.replace(ch.new, ch.old)
		c.own(ref{ks: ch.ks, tab: ch.tab, h: ch.h}, ch.new, ch.old)
	} else {
		replaceField(ch.tab, ch.new, ch.old)
	}
	back := ch.old
	if back == nil {
		back = table.NewTombstone(c.version, ch.new.Key())
	}
	ch.tab.Put(ch.h, back)
}

// atomicIf is atomic where several slots will change.
func (c *commit) atomicIf(several bool) {
	if several {
		c.atomic()
	}
}
