package store

import (
	"slices"

	"github.com/understudy-go/understudy/store/internal/table"
)

// newID says which ID an entry gets.
type newID struct {
	id   StreamID
	form idForm
}

type idForm uint8

const (
	anyID   idForm = iota // *: of the present time
	anySeq                // 5-*: the next of a millisecond
	givenID               // 5-1
)

// Errors of writes to a stream.
var (
	// ErrStreamOrder is returned for an ID that is not behind all that the stream has had.
	ErrStreamOrder = &Error{"ERR The ID specified in XADD is equal or smaller than the target stream top item"}
	// ErrStreamFull is returned by writes to a stream that has had the last ID there is.
	ErrStreamFull = &Error{"ERR The stream has exhausted the last possible ID, unable to add more items"}

	errStreamZero  = wireError("ERR The ID specified in XADD must be greater than 0-0")
	errEntryTooBig = wireError("ERR Elements are too large to be stored")
)

// mostEntryBytes is how large the fields and values of one entry may be in sum.
const mostEntryBytes = 1 << 30

// after is the ID of an entry that is added to a stream whose last ID was last.
func (n newID) after(last StreamID, now func() int64) (id StreamID, err error) {
	if last == MaxStreamID {
		return id, ErrStreamFull
	}
	switch id = n.id; n.form {
	case anyID:
		if id = (StreamID{Ms: uint64(now())}); !last.before(id) {
			id, _ = last.next()
		}
	case anySeq:
		if id.Seq = 0; id.Ms == last.Ms {
			if id, _ = last.next(); id.Ms != last.Ms {
				return id, ErrStreamOrder
			}
		}
	}
	if !last.before(id) {
		return id, ErrStreamOrder
	}
	return id, nil
}

// xaddOptions are XADD's.
type xaddOptions struct {
	id      newID
	trim    StreamTrim
	ifThere bool // NOMKSTREAM
}

// xadd adds an entry of pairs, which are copied, and trims the stream. added is false
// where there is no stream and none is to be made. O(log n), and what xtrim takes.
func (x *exec) xadd(key string, pairs []string, o xaddOptions) (id StreamID, added bool, err error) {
	r, err := x.streamRef(key)
	if err != nil || r.e == nil && o.ifThere {
		return id, false, err
	}
	b := streamBody(r.e)
	if b == nil {
		b = newBigStream(x.c.version)
	}
	if id, err = o.id.after(b.last, x.clock); err != nil {
		return id, false, err
	}
	it := newStreamItem(id, pairs)
	if len(it.fields) > mostEntryBytes {
		return id, false, errEntryTooBig
	}
	p := x.streamPut(r, &b, it, o.trim)
	o.trim = p.StreamTrim
	x.c.effect(x.db, o.effect(key, id, pairs, b)...)
	x.forgotten(key, p.groups, p.ids)
	x.event(eventStream, "xadd", key)
	if p.n > 0 {
		x.event(eventStream, "xtrim", key)
	}
	return id, true, nil
}

// streamPut adds an entry to b, which is r's or else new, and trims it: readers see both
// at once. b is then what holds the stream.
func (x *exec) streamPut(r ref, b **bigStream, it streamItem, t StreamTrim) (p trimPlan) {
	change := func(own *bigStream) {
		own.add(it)
		p = t.plan(own)
		own.apply(p, own.weigh(p.n))
		*b = own
	}
	if t.refs == keepRefs { // how much goes is reckoned before the stream is locked
		p = trimPlan{StreamTrim: t, n: t.count(*b, it.id)}
		bytes := (*b).weighWith(p.n, it)
		change = func(own *bigStream) {
			own.add(it)
			own.apply(p, bytes)
			*b = own
		}
	}
	if r.e != nil {
		x.streamEdit(r, change)
		return p
	}
	change(*b)
	x.c.put(r, table.NewBig(x.c.version, table.Stream, r.key, *b, 0))
	return p
}

// weighWith is weigh of the first n entries once it has been added.
func (b *bigStream) weighWith(n int, it streamItem) int64 {
	if all := b.entries.Len(); n > all {
		return b.weigh(all) + int64(len(it.fields))
	}
	return b.weigh(n)
}

// effect is the command with the ID that the entry got, and the trim as it was done.
func (o xaddOptions) effect(key string, id StreamID, pairs []string, b *bigStream) []string {
	args := make([]string, 0, len(pairs)+8)
	args = append(args, "XADD", key)
	if o.ifThere {
		args = append(args, "NOMKSTREAM")
	}
	args = append(o.trim.effect(args, b), id.String())
	return append(args, pairs...)
}

// xdel removes entries by their IDs and returns how many were there. The stream stays,
// even without entries. O(log n) an ID.
func (x *exec) xdel(key string, ids []StreamID) (removed int, err error) {
	r, err := x.streamRef(key)
	if r.e == nil || err != nil {
		return 0, err
	}
	there := streamBody(r.e).having(ids)
	if len(there) == 0 {
		return 0, nil
	}
	x.streamRemove(r, there)
	args := []string{"XDEL", key}
	for _, id := range ids {
		args = append(args, id.String())
	}
	x.c.effect(x.db, args...)
	x.event(eventStream, "xdel", key)
	return len(there), nil
}

// having is those of ids that entries of b have, each once, in order.
func (b *bigStream) having(ids []StreamID) []StreamID {
	there := slices.DeleteFunc(slices.Clone(ids), func(id StreamID) bool {
		_, ok := b.find(id)
		return !ok
	})
	slices.SortFunc(there, StreamID.Compare)
	return slices.Compact(there)
}

// streamRemove removes the entries of ids, which are there, from the stream of r.
func (x *exec) streamRemove(r ref, ids []StreamID) {
	x.c.atomicIf(len(ids) > mostChanged)
	x.streamEdit(r, func(b *bigStream) {
		for _, id := range ids {
			i := b.at(id)
			b.cut(i, i+1, int64(len(b.entries.At(i).fields)))
			if b.maxDeleted.before(id) {
				b.maxDeleted = id
			}
		}
	})
}

// xsetidOptions are XSETID's.
type xsetidOptions struct {
	added      int64    // ENTRIESADDED; -1 when it was not given
	maxDeleted StreamID // MAXDELETEDID; zero when it was not given
}

var (
	errSetIDDeleted = wireError("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id")
	errSetIDTop     = wireError("ERR The ID specified in XSETID is smaller than the target stream top item")
	errSetIDAdded   = wireError("ERR The entries_added specified in XSETID is smaller than the target stream length")
)

// xsetid sets what a stream, which must be there, remembers of its entries. As in Redis
// that is no change for those who watch the key.
func (x *exec) xsetid(key string, last StreamID, o xsetidOptions) error {
	r, err := x.streamRef(key)
	if err != nil {
		return err
	}
	if r.e == nil {
		return ErrNoKey
	}
	b := streamBody(r.e)
	n := b.entries.Len()
	switch {
	case last.before(b.maxDeleted) && x.origin == client: // Redis 7.0 does so, and its replicas must
		return errSetIDDeleted
	case n > 0 && last.before(b.entries.At(n-1).id):
		return errSetIDTop
	case n > 0 && o.added >= 0 && int64(n) > o.added:
		return errSetIDAdded
	}
	x.groupEdit(r, func(b *bigStream) {
		b.last = last
		if o.added >= 0 {
			b.added = uint64(o.added)
		}
		if o.maxDeleted != (StreamID{}) {
			b.maxDeleted = o.maxDeleted
		}
	})
	x.c.effect(x.db, o.effect(key, last)...)
	x.event(eventStream, "xsetid", key)
	return nil
}

func (o xsetidOptions) effect(key string, last StreamID) []string {
	args := []string{"XSETID", key, last.String()}
	if o.added >= 0 {
		args = append(args, "ENTRIESADDED", formatInt(o.added))
	}
	if o.maxDeleted != (StreamID{}) {
		args = append(args, "MAXDELETEDID", o.maxDeleted.String())
	}
	return args
}
