package store

import "slices"

// refsRule says what becomes of entries that are removed and pending in groups.
type refsRule uint8

const (
	keepRefs  refsRule = iota // KEEPREF: they stay pending
	dropRefs                  // DELREF: they are no longer pending
	onlyAcked                 // ACKED: only what all groups have read and acknowledged is removed
)

func (r refsRule) word() string { return [...]string{"KEEPREF", "DELREF", "ACKED"}[r] }

// parseRefs reads a rule; ok is false for a word that is none.
func parseRefs(arg []byte) (r refsRule, ok bool) {
	for r := keepRefs; r <= onlyAcked; r++ {
		if isWord(arg, r.word()) {
			return r, true
		}
	}
	return keepRefs, false
}

// referenced reports whether a group has yet to read an entry, or to acknowledge it.
// O(groups * log pending).
func (b *bigStream) referenced(id StreamID) bool {
	for g := range b.groups.From(0) {
		if _, pending := g.pendingOf(id); pending || g.last.before(id) {
			return true
		}
	}
	return false
}

// pendingWhere are the names of the groups in which one of ids is pending.
func (b *bigStream) pendingWhere(ids []StreamID) (groups []string) {
	for g := range b.groups.From(0) {
		if g.anyPending(ids) {
			groups = append(groups, g.name)
		}
	}
	return groups
}

// forget ends the pending of ids in groups. REQUIRES: b is open.
func (b *bigStream) forget(groups []string, ids []StreamID) {
	for _, name := range groups {
		g := b.ownGroup(name)
		for _, id := range ids {
			if _, ok := g.pendingOf(id); ok {
				b.unpend(g, id)
			}
		}
	}
}

// forgotten adds what forget did to the effects: acknowledgements, which every version
// knows.
func (x *exec) forgotten(key string, groups []string, ids []StreamID) {
	for _, name := range groups {
		x.c.effect(x.db, append([]string{"XACK", key, name}, idTexts(ids)...)...)
	}
}

// ids are those of the first n entries.
func (b *bigStream) ids(n int) []StreamID {
	ids := make([]StreamID, 0, n)
	for it := range b.span(0, n) {
		ids = append(ids, it.id)
	}
	return ids
}

// acked are the IDs of the entries that t, of rule ACKED and exact, removes from b: it
// passes over those that are referenced.
func (t StreamTrim) acked(b *bigStream) (ids []StreamID) {
	left := int64(b.entries.Len())
	for it := range b.entries.From(0) {
		if t.kind == trimByLen && left <= t.max || t.kind == trimByID && !it.id.before(t.min) {
			break
		}
		if !b.referenced(it.id) {
			ids = append(ids, it.id)
			left--
		}
	}
	return ids
}

// exactly is t, of rule ACKED, as an exact trim of the same entries, of which an approximate
// one takes those among the first that may go. REQUIRES: b has the entry that was added.
func (t StreamTrim) exactly(b *bigStream) StreamTrim {
	if !t.Approx {
		return t
	}
	n := t.count(b, StreamID{})
	to := MaxStreamID
	if n < b.entries.Len() {
		to = b.entries.At(n).id
	}
	return StreamTrim{kind: trimByID, min: to, refs: t.refs}
}

// takeOut removes the entries of ids, which are there. REQUIRES: b is open.
func (b *bigStream) takeOut(ids []StreamID) {
	for _, id := range ids {
		i := b.at(id)
		b.cut(i, i+1, int64(len(b.entries.At(i).fields)))
	}
}

// What became of an entry that was to be removed, as XDELEX and XACKDEL say it.
const (
	entryMissing int64 = -1
	entryRemoved int64 = 1
	entryKept    int64 = 2 // because it is referenced
)

// xdelex removes entries by a rule, and says of each of ids what became of it. Redis 8.2.
func (x *exec) xdelex(key string, ids []StreamID, rule refsRule) ([]int64, error) {
	r, err := x.streamRef(key)
	if err != nil {
		return nil, err
	}
	results := slices.Repeat([]int64{entryMissing}, len(ids))
	if r.e != nil {
		b := streamBody(r.e)
		gone := b.choose(ids, rule, results, func(id StreamID) bool { _, there := b.find(id); return there })
		x.removeRefs(r, gone, rule)
	}
	return results, nil
}

// xackdel acknowledges entries in a group, and removes them by a rule. What it says is of
// those that were pending there. Redis 8.2.
func (x *exec) xackdel(key, group string, ids []StreamID, rule refsRule) ([]int64, error) {
	r, err := x.streamRef(key)
	if err != nil {
		return nil, err
	}
	results := slices.Repeat([]int64{entryMissing}, len(ids))
	g := streamBody(r.e).named(group)
	if g == nil || !g.anyPending(ids) {
		return results, nil
	}
	x.c.atomic() // it may open the stream twice
	pending := slices.DeleteFunc(slices.Clone(ids), func(id StreamID) bool { _, ok := g.pendingOf(id); return !ok })
	were := make(map[StreamID]bool, len(pending))
	for _, id := range pending {
		were[id] = true
	}
	x.groupEdit(r, func(b *bigStream) { b.forget([]string{group}, pending) })
	x.forgotten(key, []string{group}, pending)
	r, _ = x.streamRef(key)
	b := streamBody(r.e)
	gone := b.choose(ids, rule, results, func(id StreamID) bool { return were[id] })
	gone = slices.DeleteFunc(gone, func(id StreamID) bool { _, there := b.find(id); return !there })
	x.removeRefs(r, gone, rule)
	return results, nil
}

// named is b.group for a body or nil.
func (b *bigStream) named(group string) *streamGroup {
	if b == nil {
		return nil
	}
	return b.group(group)
}

// choose puts into results what becomes of each of ids, and returns those that go. meant
// tells of which something is to be said; of an ID that is given twice, only once.
func (b *bigStream) choose(ids []StreamID, rule refsRule, results []int64, meant func(StreamID) bool) (gone []StreamID) {
	before := make(map[StreamID]bool, len(ids))
	for i, id := range ids {
		again := before[id]
		before[id] = true
		switch {
		case !meant(id) || again:
		case rule == onlyAcked && b.referenced(id):
			results[i] = entryKept
		default:
			results[i] = entryRemoved
			gone = append(gone, id)
		}
	}
	return gone
}

// removeRefs removes the entries of ids, which are there and each once, from the stream of
// r, by a rule that has been asked which. The stream carries it as XDEL and XACK.
func (x *exec) removeRefs(r ref, ids []StreamID, rule refsRule) {
	if len(ids) == 0 {
		return
	}
	var groups []string
	if rule == dropRefs {
		groups = streamBody(r.e).pendingWhere(ids)
	}
	x.c.atomicIf(len(ids) > mostChanged)
	x.streamEdit(r, func(b *bigStream) {
		b.takeOut(ids)
		b.forget(groups, ids)
		for _, id := range ids {
			if b.maxDeleted.before(id) {
				b.maxDeleted = id
			}
		}
	})
	x.c.effect(x.db, append([]string{"XDEL", r.key}, idTexts(ids)...)...)
	x.forgotten(r.key, groups, ids)
	x.event(eventStream, "xdel", r.key)
}
