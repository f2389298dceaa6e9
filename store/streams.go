package store

import (
	"encoding/binary"
	"iter"

	"github.com/understudy-go/understudy/store/internal/table"
	"github.com/understudy-go/understudy/store/internal/tree"
)

// bigStream is the body of a stream: its entries in the order of their IDs, what it
// remembers beside them, and its groups. A stream is held so from its first entry on,
// and stays when it has lost its last: IDs must not come back.
//
// As with every collection, the writer changes it between open and close, and others
// read it under mu, or pinned. A fork shares all nodes with what it was forked from. Its
// groups are shared too, and each is copied when it is first changed: see streamGroup.
//
// Invariants: entries ascend, and none is behind last; its account is the sum of
// streamEntryBytes and of what the groups charge.
type bigStream struct {
	collection
	entries tree.Tree[streamItem]
	streamHead
	groups tree.Tree[*streamGroup] // in the order of their names
	token  *streamToken            // of the groups that this body alone has; nil: none yet

	othersHold int64 // bytes of groups that were copied or went, since copiedGroups was called
	fields     int64 // bytes of the fields of all entries
	lost       itemLosses
}

// streamHead is what a stream remembers beside its entries. It is copied with the body.
type streamHead struct {
	last       StreamID // the greatest ID that an entry ever had, or that XSETID said
	maxDeleted StreamID // the greatest ID of those that XDEL removed; zero: none
	added      uint64   // entries ever added, of which some may be gone
}

// streamItem is an entry: its ID, and its fields and values in order, each as length
// and bytes. What it refers to is its own and never changes.
type streamItem struct {
	id     StreamID
	fields string
}

// streamToken marks the groups, and their consumers, that only one body reaches. Its
// address is its meaning, so it must not be of size 0.
type streamToken struct{ _ byte }

// streamItemCost is what an entry takes in the tree beside the bytes of its fields: 32 of
// the item, in leaves that entries at the end fill whole, and what the allocator rounds up.
const streamItemCost = 40

func streamItemBytes(it streamItem) int64 { return int64(len(it.fields)) + streamItemCost }

func newBigStream(version uint64) *bigStream {
	b := &bigStream{entries: tree.Tree[streamItem]{Weigh: func(it streamItem) int64 { return int64(len(it.fields)) }}}
	b.made, b.changed = version, version
	return b
}

// fork takes the tokens from both: whoever changes a group first copies it. O(1).
func (b *bigStream) fork() forkable {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.share()
	n.Charge(b.Bytes())
	return n
}

// share returns a body of what b holds now, each changed independently. O(1). REQUIRES:
// b.mu, or to be the writer.
func (b *bigStream) share() *bigStream {
	b.token = nil
	return &bigStream{entries: *b.entries.Clone(), streamHead: b.streamHead, groups: *b.groups.Clone(), fields: b.fields}
}

func (b *bigStream) copied() int64 {
	return b.lost.settle(b.entries.Copied(), b.entries.Weight(), streamItemCost) + b.copiedGroups()
}

// mark is the token of the groups that b makes. The writer's.
func (b *bigStream) mark() *streamToken {
	if b.token == nil {
		b.token = &streamToken{}
	}
	return b.token
}

// stream is the stream at key, or nil.
func (x *exec) stream(key string) (*table.Entry, error) {
	return x.typed(x.entry(key), table.Stream)
}

func (x *exec) streamRef(key string) (ref, error) {
	r := x.ref(key)
	_, err := x.typed(r.e, table.Stream)
	return r, err
}

// streamBody is the body of a stream, nil for nil.
func streamBody(e *table.Entry) *bigStream {
	if e == nil {
		return nil
	}
	b, _ := e.Body().(*bigStream)
	return b
}

// streamLook calls fn with the body of e, a stream or nil, with its lock held: fn reads
// a few things and keeps nothing but what never changes, as entries do. For the writer
// it takes no lock: nobody else changes a stream.
func (x *exec) streamLook(e *table.Entry, fn func(b *bigStream)) {
	b := streamBody(e)
	switch {
	case b == nil:
		fn(&bigStream{})
	case x.mode == writing:
		fn(b)
	default:
		x.enter(&b.collection)
		defer b.mu.RUnlock()
		fn(b)
	}
}

// streamPin is e, a stream or nil, as it is now and stays: entries, head and groups. O(1);
// but the writer copies afterwards what it changes, so look where a look will do.
func (x *exec) streamPin(e *table.Entry) *bigStream {
	b := streamBody(e)
	if b == nil {
		return &bigStream{}
	}
	x.enterToPin(&b.collection)
	defer b.mu.Unlock()
	return b.share()
}

// streamPinEntries is streamPin without the groups, which are then not copied either.
func (x *exec) streamPinEntries(e *table.Entry) *bigStream {
	b := streamBody(e)
	if b == nil {
		return &bigStream{}
	}
	x.enterToPin(&b.collection)
	defer b.mu.Unlock()
	return &bigStream{entries: *b.entries.Clone(), streamHead: b.streamHead}
}

// streamEdit calls fn to change the stream of r, which is there.
func (x *exec) streamEdit(r ref, fn func(b *bigStream)) {
	b := x.c.open(&r)
	fn(b.(*bigStream))
	x.c.close(r, b)
}

// duplicateStream is e's stream under another key, independent of e. O(1).
func duplicateStream(e *table.Entry, version uint64, key string) *table.Entry {
	b := streamBody(e).fork()
	b.core().made, b.core().changed = version, version
	return table.NewBig(version, table.Stream, key, b, e.Deadline())
}

// at is the index of the first entry whose ID is not before id, the number of entries if
// there is none. O(log n).
func (b *bigStream) at(id StreamID) int {
	return b.entries.Search(func(it streamItem) bool { return !it.id.before(id) })
}

// first is the ID of the first entry, zero if there is none. O(log n).
func (b *bigStream) first() StreamID {
	if b.entries.Len() == 0 {
		return StreamID{}
	}
	return b.entries.At(0).id
}

// find is the entry of an ID.
func (b *bigStream) find(id StreamID) (it streamItem, ok bool) {
	i := b.at(id)
	if i == b.entries.Len() {
		return it, false
	}
	it = b.entries.At(i)
	return it, it.id == id
}

// add puts an entry behind all others. REQUIRES: b is open, it is behind last.
func (b *bigStream) add(it streamItem) {
	b.entries.Insert(b.entries.Len(), it)
	b.last = it.id
	b.added++
	b.fields += int64(len(it.fields))
	b.Charge(streamItemBytes(it))
}

// cut takes out the entries from i up to and not including j, whose fields take bytes.
// REQUIRES: b is open.
func (b *bigStream) cut(i, j int, bytes int64) {
	if i == j {
		return
	}
	b.fields -= bytes
	b.Charge(-bytes - int64(j-i)*streamItemCost)
	b.entries.Delete(i, j)
	b.lost.remove(b.entries.Copied(), bytes)
}

// weigh is what the fields of the first n entries take, in bytes. It looks at those or at
// the others, whichever are fewer.
func (b *bigStream) weigh(n int) (sum int64) {
	all := b.entries.Len()
	if n > all/2 {
		return b.fields - b.weighSpan(n, all)
	}
	return b.weighSpan(0, n)
}

func (b *bigStream) weighSpan(i, j int) (sum int64) {
	for it := range b.span(i, j) {
		sum += int64(len(it.fields))
	}
	return sum
}

// span yields the entries from index i up to and not including j, in order.
func (b *bigStream) span(i, j int) iter.Seq[streamItem] {
	return func(yield func(streamItem) bool) {
		if i >= j {
			return
		}
		left := j - i
		for it := range b.entries.From(i) {
			if left--; !yield(it) || left == 0 {
				return
			}
		}
	}
}

// newStreamItem copies pairs of fields and values.
func newStreamItem(id StreamID, pairs []string) streamItem {
	n := 0
	for _, v := range pairs {
		n += blobItemBytes(v)
	}
	fields := make([]byte, 0, n)
	for _, v := range pairs {
		fields = append(binary.AppendUvarint(fields, uint64(len(v))), v...)
	}
	return streamItem{id, table.View(fields)}
}

// pairs are the fields and values, one after the other. They alias the entry.
func (it streamItem) pairs() []string {
	var out []string
	for rest := it.fields; rest != ""; {
		var v string
		v, rest = blobString(rest)
		out = append(out, v)
	}
	return out
}
