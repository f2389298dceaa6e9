package store

import (
	"fmt"

	"github.com/understudy-go/understudy/store/internal/table"
)

// checkStream reports the first broken invariant of a stream: entries ascend up to the last
// ID, and what they take is counted; so do groups and consumers by their names, and each
// pending entry is one consumer's.
func checkStream(e *table.Entry) error {
	b := streamBody(e)
	var last StreamID
	var bytes int64
	for it := range b.entries.From(0) {
		if !last.before(it.id) {
			return fmt.Errorf("stream %q: %s follows %s", e.Key(), it.id, last)
		}
		last = it.id
		bytes += int64(len(it.fields))
	}
	switch {
	case b.last.before(last):
		return fmt.Errorf("stream %q ends with %s, and says %s", e.Key(), last, b.last)
	case b.fields != bytes:
		return fmt.Errorf("stream %q counts %d bytes of fields, and has %d", e.Key(), b.fields, bytes)
	case b.othersHold != 0:
		return fmt.Errorf("stream %q has %d bytes that are to be charged", e.Key(), b.othersHold)
	}
	bytes += int64(b.entries.Len()) * streamItemCost
	name := ""
	for g := range b.groups.From(0) {
		if g.name <= name && name != "" {
			return fmt.Errorf("stream %q: group %q follows %q", e.Key(), g.name, name)
		}
		name = g.name
		if err := checkGroup(g); err != nil {
			return fmt.Errorf("stream %q, group %q: %w", e.Key(), g.name, err)
		}
		bytes += g.cost()
	}
	if b.Bytes() != bytes {
		return fmt.Errorf("stream %q of %d entries and %d groups counts %d bytes, not %d", e.Key(), b.entries.Len(), b.groups.Len(), b.Bytes(), bytes)
	}
	return nil
}

func checkGroup(g *streamGroup) error {
	n := 0
	for c := range g.consumers.From(0) {
		var last StreamID
		for id := range c.pending.From(0) {
			at := g.pending.Search(func(p streamPending) bool { return !p.id.before(id) })
			if !last.before(id) || at == g.pending.Len() || g.pending.At(at).id != id || g.pending.At(at).consumer != c.name {
				return fmt.Errorf("%s is pending in %q and not so in the group", id, c.name)
			}
			last = id
			n++
		}
	}
	if n != g.pending.Len() {
		return fmt.Errorf("%d entries are pending, in its consumers %d", g.pending.Len(), n)
	}
	return nil
}
