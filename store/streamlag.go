package store

// How far a group has read is not counted entry by entry: an entry that was deleted, or
// an ID that somebody set, would make such a count wrong without anybody knowing. It is
// derived from what the stream remembers, and where that does not tell, it is unknown.
// These are the rules of the last Redis 7.2, of which replies and streams show the results.

// unknownRead is the number of entries that a group has read, where that is unknown.
const unknownRead = -1

// knownRead is n, or unknownRead where that is no number of entries: as it is once a
// client has set a count so high that it ran over, or a file has fewer entries added than
// there are. A stream that carried such a number would stop every replica.
func knownRead(n int64) int64 { return max(n, unknownRead) }

// fragmented reports whether entries behind id may be missing in the midst: the last that
// was deleted is one of those.
func (b *bigStream) fragmented(id StreamID) bool {
	return b.entries.Len() > 0 && !b.isWhole() && !b.maxDeleted.before(id)
}

// readUpTo is how many entries the stream ever had up to id, or unknownRead.
func (b *bigStream) readUpTo(id StreamID) int64 { return knownRead(b.addedUpTo(id)) }

func (b *bigStream) addedUpTo(id StreamID) int64 {
	n := b.entries.Len()
	switch {
	case b.added == 0:
		return 0
	case n == 0 && !b.last.before(id), id == b.last:
		return int64(b.added)
	case b.last.before(id):
		return unknownRead // nobody knows how many will come before it
	case !b.isWhole():
		return unknownRead
	case id.before(b.first()):
		return int64(b.added) - int64(n)
	case id == b.first():
		return int64(b.added) - int64(n) + 1
	}
	return unknownRead
}

// lag is how many entries are ahead of a group; ok is false if that is unknown.
func (b *bigStream) lag(g *streamGroup) (n int64, ok bool) {
	length := b.entries.Len()
	switch {
	case b.added == 0 || length == 0:
		return 0, true
	case b.isWhole() && g.last.before(b.first()):
		return int64(length), true // all that there is
	}
	read := g.read
	if read == unknownRead || b.fragmented(g.last) {
		read = b.readUpTo(g.last)
	}
	return int64(b.added) - read, read != unknownRead
}

// isWhole reports whether no entry is missing behind the first.
func (b *bigStream) isWhole() bool {
	return b.maxDeleted == (StreamID{}) || b.maxDeleted.before(b.first())
}

// delivered moves g on to an entry behind the last that it delivered. REQUIRES: b has g.
func (b *bigStream) delivered(g *streamGroup, id StreamID) {
	if g.read != unknownRead && !g.last.before(b.first()) && !b.fragmented(g.last) {
		g.read = knownRead(g.read + 1)
	} else if b.added > 0 {
		g.read = b.readUpTo(id)
	}
	g.last = id
}
