package store

import (
	"math"
	"slices"
	"strings"

	"github.com/understudy-go/understudy/store/internal/table"
)

// What follows changes lists.
//
// A small list is never changed: it gets a new entry. One in a tree is opened at most
// once a command, so that readers see all of the change or nothing. Nobody may find a
// list without elements, so it is known before the first change what will be left:
// nothing, and the key is removed; little, and a small entry takes its place; else the
// tree is changed.
//
// Positions are looked for before the list is opened: the writer reads without its
// lock, and readers wait for the change alone and not for the search.

func (x *exec) listRef(key string) (ref, error) {
	r := x.ref(key)
	_, err := x.typed(r.e, table.SmallList, table.BigList)
	return r, err
}

// lpush pushes values one by one and returns the new length. Where ifThere is set it
// makes no list, and returns 0.
func (x *exec) lpush(key string, at Side, ifThere bool, values []string) (n int, err error) {
	r, err := x.listRef(key)
	if err != nil || ifThere && r.e == nil {
		return 0, err
	}
	n = x.listNow(r.e).len() + len(values)
	x.listPush(r, at, values)
	name := at.word()[:1] + "PUSH"
	if ifThere {
		name += "X"
	}
	x.c.effect(x.db, append([]string{name, key}, values...)...)
	x.event(eventList, at.pushed(), key)
	return n, nil
}

// listPush pushes values, which are copied, to the list of r or to a new one.
func (x *exec) listPush(r ref, at Side, values []string) {
	if r.e != nil && r.e.Kind() == table.BigList {
		x.c.atomicIf(len(values) > mostChanged)
		x.listEdit(r, func(l *bigList) { l.push(at, values) })
		return
	}
	blob := x.listNow(r.e).blob
	if pushed, ok := blobPush(x.c.scratch[:0], blob, at, values); ok {
		x.listPutBlob(r, pushed)
		return
	}
	items := slices.Collect(blobFrom(blob, 0))
	if at == Right {
		items = append(items, values...)
	} else {
		values = slices.Clone(values)
		slices.Reverse(values)
		items = append(values, items...)
	}
	x.listPut(r, items)
}

// push pushes copies of values. REQUIRES: l.mu.
func (l *bigList) push(at Side, values []string) {
	n := l.items.Len()
	for _, v := range values {
		if at == Left {
			l.insert(0, v)
		} else {
			l.insert(n, v)
			n++
		}
	}
}

// listEdit calls fn to change the list of r, which is in a tree.
func (x *exec) listEdit(r ref, fn func(l *bigList)) {
	b := x.c.open(&r)
	fn(b.(*bigList))
	x.c.close(r, b)
}

// listPutBlob makes blob, which is in the scratch buffer, the list of r's key.
func (x *exec) listPutBlob(r ref, blob []byte) {
	x.c.scratch = blob
	x.c.put(r, table.NewBlob(x.c.version, table.SmallList, r.key, table.View(blob), deadlineOf(r.e)))
}

// listPut makes items, which are copied, the list of r's key, in the form that fits.
func (x *exec) listPut(r ref, items []string) {
	b := newListBuilder(x.s, x.c.version)
	for _, v := range items {
		b.add(v)
	}
	x.c.put(r, b.entry(r.key, deadlineOf(r.e)))
}

// lpop removes up to count elements from a side and returns them, in the order in
// which they went: nil if there is no such list. A count below 0 is one, by the
// command without a count.
func (x *exec) lpop(key string, at Side, count int64) (items []string, err error) {
	r, err := x.listRef(key)
	if r.e == nil || err != nil {
		return nil, err
	}
	effect := []string{at.word()[:1] + "POP", key}
	if count >= 0 {
		effect = append(effect, formatInt(count))
	} else {
		count = 1
	}
	items = x.listTake(r, at, count)
	if len(items) > 0 {
		x.c.effect(x.db, effect...)
		x.removedEvent(eventList, at.popped(), key)
	}
	return items, nil
}

// listTake removes up to count elements from a side of the list of r. What it returns
// may alias the entry or the tree that it came from: who puts it elsewhere copies it.
func (x *exec) listTake(r ref, at Side, count int64) []string {
	v := x.listNow(r.e)
	n := v.len()
	taken := span{0, int(min(count, int64(n)))}
	if at == Right {
		taken = span{n - taken.to, n}
	}
	items := v.slice(taken)
	if at == Right {
		slices.Reverse(items)
	}
	x.listRemove(r, taken)
	return items
}

// lmpop pops up to count elements of the first of keys that is a list. All is zero
// when none is.
func (x *exec) lmpop(keys []string, at Side, count int64) (key string, items []string, err error) {
	for _, key := range keys {
		r, err := x.listRef(key)
		if err != nil {
			return "", nil, err
		}
		if r.e == nil {
			continue
		}
		items := x.listTake(r, at, count)
		x.c.effect(x.db, at.word()[:1]+"POP", key, formatInt(int64(len(items))))
		x.removedEvent(eventList, at.popped(), key)
		return key, items, nil
	}
	return "", nil, nil
}

// lmove moves an element from a side of one list to a side of another, or of the
// same; ok is false when there is none. name is the command that the stream carries:
// RPOPLPUSH, or else LMOVE.
func (x *exec) lmove(name, from, to string, take, put Side) (v string, ok bool, err error) {
	r, err := x.listRef(from)
	if r.e == nil || err != nil {
		return "", false, err
	}
	there, err := x.listRef(to)
	if err != nil {
		return "", false, err
	}
	if from == to { // one slot: the refs must not be used one after the other
		v = x.listRotate(r, take, put)
	} else {
		x.c.atomic()
		items := x.listTake(r, take, 1)
		x.listPush(there, put, items)
		v = items[0]
	}
	if name == "RPOPLPUSH" {
		x.c.effect(x.db, name, from, to)
	} else {
		x.c.effect(x.db, name, from, to, take.word(), put.word())
	}
	x.event(eventList, put.pushed(), to) // the order is Redis's
	x.removedEvent(eventList, take.popped(), from)
	return v, true, nil
}

// listRotate takes an element from a side of the list of r and puts it to one.
func (x *exec) listRotate(r ref, take, put Side) (v string) {
	from, to := 0, 0
	last := x.listNow(r.e).len() - 1
	if take == Right {
		from = last
	}
	if put == Right {
		to = last
	}
	v = x.listNow(r.e).at(from)
	if r.e.Kind() == table.BigList {
		x.listEdit(r, func(l *bigList) {
			l.items.Delete(from, from+1)
			l.items.Insert(to, v)
		})
		return v
	}
	items := slices.Collect(blobFrom(r.e.Text(), 0))
	items = slices.Insert(slices.Delete(items, from, from+1), to, v)
	x.listPut(r, items)
	return v
}

// lset replaces element i, counted from the end where negative.
func (x *exec) lset(key string, i int64, value string) error {
	r, err := x.listRef(key)
	if err != nil {
		return err
	}
	n := int64(x.listNow(r.e).len())
	at := i
	if i < 0 {
		at += n
	}
	switch {
	case r.e == nil:
		return ErrNoKey
	case at < 0 || at >= n:
		return ErrIndex
	case r.e.Kind() == table.BigList:
		x.listEdit(r, func(l *bigList) { l.set(int(at), value) })
	default:
		items := slices.Collect(blobFrom(r.e.Text(), 0))
		items[at] = value
		x.listPut(r, items)
	}
	x.c.effect(x.db, "LSET", key, formatInt(i), value)
	x.event(eventList, "lset", key)
	return nil
}

// set replaces element i by a copy of v. REQUIRES: l.mu.
func (l *bigList) set(i int, v string) {
	was := int64(len(l.items.At(i)))
	l.lost.gone += was
	l.Charge(int64(len(v)) - was)
	l.items.Set(i, strings.Clone(v))
}

// linsert inserts value beside the first element that equals pivot. It returns the
// new length, -1 when there is no such element, 0 when there is no list.
func (x *exec) linsert(key string, side Side, pivot, value string) (n int, err error) {
	r, err := x.listRef(key)
	if r.e == nil || err != nil {
		return 0, err
	}
	v := x.listNow(r.e)
	at := v.find(pivot)
	if at < 0 {
		return -1, nil
	}
	n = v.len() + 1
	where := "BEFORE"
	if side == Right {
		at++
		where = "AFTER"
	}
	if r.e.Kind() == table.BigList {
		x.listEdit(r, func(l *bigList) { l.insert(at, value) })
	} else {
		x.listPut(r, slices.Insert(slices.Collect(v.from(0)), at, value))
	}
	x.c.effect(x.db, "LINSERT", key, where, pivot, value)
	x.event(eventList, "linsert", key)
	return n, nil
}

// find is the index of the first element that equals value, or -1.
func (v listView) find(value string) int {
	i := 0
	for item := range v.from(0) {
		if item == value {
			return i
		}
		i++
	}
	return -1
}

// lrem removes the first count elements that equal value, the last for a negative
// count, all for 0, and returns how many there were.
func (x *exec) lrem(key string, count int64, value string) (removed int, err error) {
	r, err := x.listRef(key)
	if r.e == nil || err != nil {
		return 0, err
	}
	rank, most := int64(1), count
	switch {
	case count == 0:
		most = math.MaxInt64
	case count < 0:
		rank, most = -1, -max(count, -math.MaxInt64)
	}
	at := x.listNow(r.e).positions(value, rank, most, math.MaxInt64)
	if len(at) == 0 {
		return 0, nil
	}
	if rank < 0 {
		slices.Reverse(at)
	}
	x.listRemove(r, spans(at)...)
	x.c.effect(x.db, "LREM", key, formatInt(max(count, -math.MaxInt64)), value) // later servers refuse less
	x.removedEvent(eventList, "lrem", key)
	return len(at), nil
}

// spans are the runs of indexes, which ascend.
func spans(at []int) (runs []span) {
	for _, i := range at {
		if n := len(runs); n > 0 && runs[n-1].to == i {
			runs[n-1].to++
		} else {
			runs = append(runs, span{i, i + 1})
		}
	}
	return runs
}

// ltrim removes all elements but those from start to stop, both included.
func (x *exec) ltrim(key string, start, stop int64) error {
	r, err := x.listRef(key)
	if r.e == nil || err != nil {
		return err
	}
	n := x.listNow(r.e).len()
	keep := clipRange(start, stop, n)
	if keep.len() == n {
		x.c.renew(r) // Redis tells watchers, and of the event, though nothing changes
		x.event(eventList, "ltrim", key)
		return nil
	}
	x.listRemove(r, span{0, keep.from}, span{keep.to, n})
	x.c.effect(x.db, "LTRIM", key, formatInt(start), formatInt(stop))
	x.removedEvent(eventList, "ltrim", key)
	return nil
}

// listRemove removes the elements of gone, which are in order and apart, from the
// list of r, and the key with the last of them. O(removed) beside O(log n) for each
// span.
func (x *exec) listRemove(r ref, gone ...span) {
	v := x.listNow(r.e)
	left, lost := v.len(), int64(0)
	for _, s := range gone {
		left -= s.len()
	}
	switch {
	case left == v.len():
		return
	case left == 0:
		x.c.remove(r)
		return
	case r.e.Kind() == table.BigList:
		for _, s := range gone {
			lost += v.bytes(s)
		}
		if !shrunk(left, r.e.Body().Bytes()-lost) {
			x.c.atomicIf(len(gone) > mostChanged) // to cut one run takes O(log n), however long it is
			x.listEdit(r, func(l *bigList) { l.remove(gone, lost) })
			return
		}
		x.listPut(r, v.without(gone))
	default:
		x.listPutBlob(r, blobWithout(x.c.scratch[:0], v.blob, gone))
	}
}

// shrunk reports whether n elements that take bytes in a tree are to leave it.
func shrunk(n int, bytes int64) bool {
	return n <= smallListItems/2 && bytes-int64(n)*listItemCost <= smallListBytes/2
}

// bytes is what the elements of s are charged with.
func (v listView) bytes(s span) (sum int64) {
	n := s.len()
	if n == 0 {
		return 0
	}
	for item := range v.from(s.from) {
		sum += listItemBytes(item)
		if n--; n == 0 {
			break
		}
	}
	return sum
}

// remove removes the elements of gone, which are charged with bytes. REQUIRES: l.mu.
func (l *bigList) remove(gone []span, bytes int64) {
	l.Charge(-bytes)
	for _, s := range slices.Backward(gone) {
		bytes -= int64(s.len()) * listItemCost
		l.items.Delete(s.from, s.to)
	}
	l.lost.remove(l.items.Copied(), bytes)
}
