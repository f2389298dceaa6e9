package store

import (
	"iter"
	"strings"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// streamFew is how many entries are read under a stream's lock. A reader of more pins,
// which costs the writer copies of nodes afterwards, but not the wait.
const streamFew = 256

// streamSpan is the IDs from first to last, both included.
type streamSpan struct{ first, last StreamID }

// in is the indexes of those entries of b, at most count of them, the last where reverse
// is set; a count below 0 is for all.
func (s streamSpan) in(b *bigStream, count int64, reverse bool) (i, j int) {
	if s.last.before(s.first) {
		return 0, 0
	}
	i, j = b.at(s.first), b.entries.Len()
	if next, ok := s.last.next(); ok {
		j = b.at(next)
	}
	if n := int64(j - i); count >= 0 && count < n {
		if reverse {
			i = j - int(count)
		} else {
			j = i + int(count)
		}
	}
	return i, j
}

// xrange is the entries of e, a stream or nil, within s, at most count of them, from the
// last on where reverse is set; a count below 0 is for all. O(log n + entries).
func (x *exec) xrange(e *table.Entry, s streamSpan, count int64, reverse bool) (out []streamItem) {
	few := true
	x.streamLook(e, func(b *bigStream) {
		i, j := s.in(b, count, reverse)
		if few = j-i <= streamFew || x.mode == writing; few {
			out = b.slice(i, j, reverse)
		}
	})
	if few {
		return out
	}
	b := x.streamPinEntries(e)
	if x.torn {
		return nil // it will be read anew
	}
	i, j := s.in(b, count, reverse)
	return b.slice(i, j, reverse)
}

// slice is the entries from index i up to and not including j.
func (b *bigStream) slice(i, j int, reverse bool) []streamItem {
	out := make([]streamItem, 0, j-i)
	for it := range b.walk(i, j, reverse) {
		out = append(out, it)
	}
	return out
}

// walk is span, from the last on where reverse is set.
func (b *bigStream) walk(i, j int, reverse bool) iter.Seq[streamItem] {
	if !reverse || i >= j {
		return b.span(i, j)
	}
	return func(yield func(streamItem) bool) {
		left := j - i
		for it := range b.entries.Down(j - 1) {
			if left--; !yield(it) || left == 0 {
				return
			}
		}
	}
}

// streamEntries yields the entries of e, a stream or nil, within s, as they are now. It
// may run long, and beside writers.
func (x *exec) streamEntries(e *table.Entry, s streamSpan, reverse bool) iter.Seq[streamItem] {
	b := x.streamPinEntries(e)
	i, j := s.in(b, -1, reverse)
	return b.walk(i, j, reverse)
}

// streamLen is the number of entries of e, a stream or nil. O(1).
func (x *exec) streamLen(e *table.Entry) (n int) {
	x.streamLook(e, func(b *bigStream) { n = b.entries.Len() })
	return n
}

// streamFrom is a key of XREAD with what it is read behind.
type streamFrom struct {
	key   string
	place string // as it was given: an ID, or a word for what only the stream tells
	known bool   // after is what that means
	after StreamID
}

// resolve finds out what each of from says. The type of a key is looked at before the
// place in it.
func (x *exec) resolve(from []streamFrom) (err error) {
	for i, f := range from {
		e, err := x.stream(f.key)
		if err != nil {
			return err
		}
		if f.known {
			continue
		}
		switch f.place {
		case "$":
			x.streamLook(e, func(b *bigStream) { f.after = b.last })
		case "+":
			x.streamLook(e, func(b *bigStream) { f.after = b.beforeLast() })
		case ">":
			return errNewOnly
		default:
			if f.after, err = parseStreamID(f.place, 0); err != nil {
				return err
			}
		}
		f.known = true
		from[i] = f
	}
	return nil
}

var errNewOnly = wireError("ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.")

// beforeLast is the ID behind which the last entry is the first, of a stream without any
// the last ID that it has given.
func (b *bigStream) beforeLast() StreamID {
	n := b.entries.Len()
	if n == 0 {
		return b.last
	}
	id, _ := b.entries.At(n - 1).id.previous()
	return id
}

// keyEntries is what XREAD found at a key.
type keyEntries struct {
	key   string
	items []streamItem
}

// xread is the entries behind what each of from says, at most count of each, 0 for any
// number. Keys where there are none are left out.
func (x *exec) xread(from []streamFrom, count int64) (found []keyEntries, err error) {
	for _, f := range from {
		items, err := x.xreadOne(f, count)
		if err != nil {
			return nil, err
		}
		if len(items) > 0 {
			found = append(found, keyEntries{f.key, items})
		}
	}
	return found, nil
}

func (x *exec) xreadOne(f streamFrom, count int64) ([]streamItem, error) {
	e, err := x.stream(f.key)
	if e == nil || err != nil {
		return nil, err
	}
	first, ok := f.after.next()
	if !ok {
		return nil, nil
	}
	if count == 0 {
		count = -1
	}
	return x.xrange(e, streamSpan{first, MaxStreamID}, count, false), nil
}

// readWish is XREAD with BLOCK as something to wait for: what can only be known when the
// wait begins is made IDs then, once. show makes the answer of what was found.
func readWish(from []streamFrom, count int64, show func([]keyEntries) resp.Value) wish {
	w := wish{kind: Stream, reads: true, nothing: resp.NullArray()}
	for _, f := range from {
		w.keys = append(w.keys, f.key)
	}
	w.begin = func(x *exec) (v resp.Value, ok bool) {
		if err := x.resolve(from); err != nil {
			return reply(err), true
		}
		found, err := x.xread(from, count)
		if err != nil {
			return reply(err), true
		}
		if len(found) == 0 {
			return v, false
		}
		return show(found), true
	}
	w.take = func(x *exec, key string) (resp.Value, error) {
		for _, f := range from {
			if f.key != key {
				continue
			}
			found, err := x.xread([]streamFrom{f}, count)
			if err != nil {
				return resp.Value{}, err
			}
			if len(found) == 0 {
				return resp.Value{}, errNothingYet
			}
			return show(found), nil
		}
		return resp.Value{}, errNothingYet
	}
	return w
}

// readReply is keys with their entries.
func readReply(found []keyEntries) resp.Value {
	if len(found) == 0 {
		return resp.NullArray()
	}
	var elems []resp.Value
	for _, f := range found {
		elems = append(elems, resp.BulkString(strings.Clone(f.key)), entriesReply(f.items))
	}
	return resp.KeyedOf(elems...)
}

func entriesReply(items []streamItem) resp.Value {
	elems := make([]resp.Value, len(items))
	for i, it := range items {
		elems[i] = it.reply()
	}
	return resp.ArrayOf(elems...)
}

// reply is the entry's ID, and its fields and values in one array.
func (it streamItem) reply() resp.Value {
	pairs := it.pairs()
	elems := make([]resp.Value, len(pairs))
	for i, v := range pairs {
		elems[i] = resp.BulkString(v)
	}
	return resp.ArrayOf(resp.BulkString(it.id.String()), resp.ArrayOf(elems...))
}
