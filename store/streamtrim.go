package store

import "slices"

// A StreamTrim says which entries a stream loses, from its first on. [TrimToLen] and
// [TrimToID] make one; the zero value removes nothing.
type StreamTrim struct {
	// Approx lets some of the entries stay that could go, so that an XADD that trims
	// mostly has nothing to remove: what goes are multiples of 100, or all. Where the
	// stream is, the same ones go on replicas.
	Approx bool
	// Limit is the most entries that go at once, where Approx is set: 0 for 10000,
	// negative for as many as there are.
	Limit int

	kind trimKind
	max  int64
	min  StreamID
	refs refsRule
}

type trimKind uint8

const (
	trimNothing trimKind = iota
	trimByLen
	trimByID
)

// TrimToLen is a trim that leaves the last n entries, none for a negative n.
func TrimToLen(n int) StreamTrim { return StreamTrim{kind: trimByLen, max: int64(max(n, 0))} }

// TrimToID is a trim that leaves the entries from id on.
func TrimToID(id StreamID) StreamTrim { return StreamTrim{kind: trimByID, min: id} }

const (
	trimStep  = 100 // entries of which an approximate trim takes all or none: a node in Redis
	trimLimit = 100 * trimStep
)

// count is how many entries go of n in b, and one behind them with the ID extra unless
// that is zero.
func (t StreamTrim) count(b *bigStream, extra StreamID) int {
	all := b.entries.Len()
	excess := 0
	switch t.kind {
	case trimByLen:
		if extra != (StreamID{}) {
			all++
		}
		excess = int(max(int64(all)-t.max, 0))
	case trimByID:
		excess = b.at(t.min)
		if extra != (StreamID{}) {
			if all++; extra.before(t.min) {
				excess = all
			}
		}
	}
	if !t.Approx {
		return excess
	}
	return t.steps(excess, all)
}

// steps is how many of excess entries go where not all have to. all is the number that
// there are: the last step may be a short one.
func (t StreamTrim) steps(excess, all int) int {
	limit := t.Limit
	switch {
	case limit == 0:
		limit = trimLimit
	case limit < 0:
		limit = all
	}
	if excess == all && excess <= limit {
		return all
	}
	return min(excess, limit) / trimStep * trimStep
}

// trimPlan is what a trim will do to a stream.
type trimPlan struct {
	StreamTrim            // what to say to who has the stream as it was
	n          int        // how many entries go: the first, or
	ids        []StreamID // of rule ACKED these; of DELREF those that were pending, with
	groups     []string   // the groups in which they were
}

// plan is what t will do to b, which has the entry that was added, if one was.
func (t StreamTrim) plan(b *bigStream) trimPlan {
	p := trimPlan{StreamTrim: t}
	switch t.refs {
	case onlyAcked:
		p.StreamTrim = t.exactly(b)
		p.ids = p.acked(b)
		p.n = len(p.ids)
		if slices.Equal(p.ids, b.ids(p.n)) { // nothing is passed over: a trim like any other
			p.StreamTrim, p.ids = StreamTrim{kind: trimByLen, max: int64(b.entries.Len() - p.n)}, nil
		}
	case dropRefs:
		p.n = t.count(b, StreamID{})
		p.ids = b.ids(p.n)
		p.groups = b.pendingWhere(p.ids)
	default:
		p.n = t.count(b, StreamID{})
	}
	return p
}

// apply does what was planned; the first n entries take bytes. REQUIRES: b is open.
func (b *bigStream) apply(p trimPlan, bytes int64) {
	if p.refs == onlyAcked {
		b.takeOut(p.ids)
		return
	}
	b.cut(0, p.n, bytes)
	b.forget(p.groups, p.ids)
}

// effect appends the trim, which has been done, to a command for the stream: exact, so
// that a replica removes the same entries. b is what is left.
func (t StreamTrim) effect(args []string, b *bigStream) []string {
	if t.kind == trimNothing {
		return args
	}
	if t.refs == onlyAcked {
		args = append(args, t.refs.word())
	}
	if t.kind == trimByLen {
		n := t.max
		if t.Approx {
			n = int64(b.entries.Len())
		}
		return append(args, "MAXLEN", "=", formatInt(n))
	}
	id := t.min
	if t.Approx && b.entries.Len() > 0 {
		id = b.first()
	}
	return append(args, "MINID", "=", id.String())
}

// xtrim removes entries from the front of a stream and returns how many. The stream
// stays, even without entries. O(log n), and O(1) for each entry that goes or stays,
// whichever are fewer.
func (x *exec) xtrim(key string, t StreamTrim) (removed int, err error) {
	r, err := x.streamRef(key)
	if r.e == nil || err != nil {
		return 0, err
	}
	b := streamBody(r.e)
	p := t.plan(b)
	if p.n == 0 {
		return 0, nil
	}
	x.c.atomicIf(len(p.ids) > mostChanged)
	bytes := b.weigh(p.n)
	x.streamEdit(r, func(own *bigStream) {
		own.apply(p, bytes)
		b = own
	})
	x.c.effect(x.db, p.effect([]string{"XTRIM", key}, b)...)
	x.forgotten(key, p.groups, p.ids)
	x.event(eventStream, "xtrim", key)
	return p.n, nil
}
