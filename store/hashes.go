package store

import (
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/understudy-go/understudy/store/internal/table"
)

// hash is the hash at key, or nil.
func (x *exec) hash(key string) (*table.Entry, error) {
	return x.typed(x.entry(key), table.SmallHash, table.DatedHash, table.BigHash)
}

// hfield is a field of e, a hash or nil, though its deadline may have passed.
func (x *exec) hfield(e *table.Entry, field string) (f dated, ok bool) {
	switch {
	case e == nil:
	case e.Kind() == table.SmallHash:
		value, ok := blobGet(e.Text(), field)
		return dated{field, value, 0}, ok
	case e.Kind() == table.DatedHash:
		return datedGet(e.Text(), field)
	default:
		if f := x.field(e.Fields(), field); f != nil {
			return dated{field, f.Text(), f.Deadline()}, true
		}
	}
	return f, false
}

// hget is the value of a field of e, a hash or nil.
func (x *exec) hget(e *table.Entry, field string) (value string, ok bool) {
	f, ok := x.hfield(e, field)
	if !ok || x.over(f.due) {
		return "", false
	}
	return f.value, true
}

// hlen is the number of fields of e, a hash or nil. Those past their deadline count until
// they are swept, as in Redis.
func (x *exec) hlen(e *table.Entry) int {
	switch {
	case e == nil:
		return 0
	case e.Kind() != table.BigHash:
		return blobLen(e.Text())
	}
	return x.tableLen(e.Fields())
}

// fields yields the fields of e, a hash or nil, under the conditions of setMembers.
func (x *exec) fields(e *table.Entry) iter.Seq[Field] {
	return func(yield func(Field) bool) {
		for f := range x.datedFields(e) {
			if !x.over(f.due) && !yield(Field{f.name, f.value}) {
				return
			}
		}
	}
}

// datedFields is fields with their deadlines, and with those past it.
func (x *exec) datedFields(e *table.Entry) iter.Seq[dated] {
	return func(yield func(dated) bool) {
		switch {
		case e == nil:
		case e.Kind() == table.SmallHash:
			for f, v := range blobPairs(e.Text()) {
				if !yield(dated{f, v, 0}) {
					return
				}
			}
		case e.Kind() == table.DatedHash:
			datedFields(e.Text())(yield)
		default:
			x.eachElement(e.Fields(), func(f *table.Entry) bool { return yield(dated{f.Key(), f.Text(), f.Deadline()}) })
		}
	}
}

// heach calls fn for each pair of e, a hash or nil.
func (x *exec) heach(e *table.Entry, fn func(field, value string)) {
	for f := range x.fields(e) {
		fn(f.Name, f.Value)
	}
}

func (x *exec) hashRef(key string) (ref, error) {
	r := x.ref(key)
	_, err := x.typed(r.e, table.SmallHash, table.DatedHash, table.BigHash)
	return r, err
}

// hset writes pairs of field and value, which have no deadline then, and returns how many
// fields are new. One past its deadline is not: it is there until it is swept.
func (x *exec) hset(key string, fields []string) (added int, err error) {
	r, err := x.hashRef(key)
	if err != nil {
		return 0, err
	}
	added = x.hsetRef(r, fields, 0)
	x.event(eventHash, "hset", key)
	return added, nil
}

// keepDue leaves a field the deadline that it has.
const keepDue = -1

// hsetRef writes pairs of field and value, each with the deadline due, 0 for none, or
// keepDue.
func (x *exec) hsetRef(r ref, fields []string, due int64) (added int) {
	if r.e != nil && r.e.Kind() == table.BigHash {
		return x.hsetBig(r, fields, due)
	}
	h := loosen(r.e)
	had := len(h.pairs)
	for len(fields) > 0 && len(h.pairs) <= 2*smallHashPairs { // it searches all of h: not for more than make a table
		h.set(fields[0], fields[1], due)
		fields = fields[2:]
	}
	e := x.s.hashEntry(x.c.version, r.key, h, deadlineOf(r.e))
	added = (len(h.pairs) - had) / 2
	for ; len(fields) > 0; fields = fields[2:] { // e is nobody else's yet
		at := due
		if due == keepDue {
			at = deadlineOf(e.Fields().Find(e.Fields().Hash(fields[0]), fields[0]))
		}
		if putField(e.Fields(), x.c.version, fields[0], fields[1], at) {
			added++
		}
	}
	x.c.put(r, e)
	return added
}

func (x *exec) hsetBig(r ref, fields []string, due int64) (added int) {
	x.c.atomicIf(len(fields) > 2)
	if due > 0 {
		x.c.dated(r)
	}
	for i := 0; i < len(fields); i += 2 {
		f := x.fieldRef(r.e.Fields(), fields[i])
		at := due
		if due == keepDue {
			at = deadlineOf(f.e)
		}
		if f.e == nil {
			added++
		}
		x.c.put(f, table.NewText(x.c.version, fields[i], fields[i+1], at))
	}
	x.c.touch(r)
	return added
}

// hsetNew writes a field that is not there yet.
func (x *exec) hsetNew(key, field, value string) (bool, error) {
	r, err := x.hashRef(key)
	if err != nil {
		return false, err
	}
	if _, ok := x.hmeet(&r, field); ok {
		return false, nil
	}
	x.hsetRef(r, []string{field, value}, 0)
	x.c.effect(x.db, "HSETNX", key, field, value)
	x.event(eventHash, "hset", key)
	return true, nil
}

// hdel removes fields and returns how many were there. A hash without fields is
// removed. A field past its deadline was there, as in Redis.
func (x *exec) hdel(key string, fields []string) (removed int, err error) {
	r, err := x.hashRef(key)
	if r.e == nil || err != nil {
		return 0, err
	}
	if removed = x.hdelRef(r, fields); removed > 0 {
		x.c.effect(x.db, append([]string{"HDEL", key}, fields...)...)
		x.event(eventHash, "hdel", key)
		x.emptiedEvent(key)
	}
	return removed, nil
}

func (x *exec) hdelRef(r ref, fields []string) (removed int) {
	if r.e.Kind() == table.BigHash {
		return x.removeElements(r, fields)
	}
	h := loosen(r.e)
	for _, f := range fields {
		if h.remove(f) {
			removed++
		}
	}
	switch {
	case removed == 0:
	case len(h.pairs) == 0:
		x.c.remove(r)
	default:
		x.c.put(r, smallHashEntry(x.c.version, r.key, h, deadlineOf(r.e)))
	}
	return removed
}

// emptiedEvent says that the hash at key is gone, if the last of its fields is.
func (x *exec) emptiedEvent(key string) {
	if x.c.events != 0 && x.peek(key) == nil {
		x.event(eventGeneric, "del", key)
	}
}

// hincr adds delta to the number in a field, which keeps its deadline.
func (x *exec) hincr(key, field string, delta int64) (int64, error) {
	r, err := x.hashRef(key)
	if err != nil {
		return 0, err
	}
	var n int64
	if old, ok := x.hmeet(&r, field); ok {
		if n, err = parseInt(old.value); err != nil {
			return 0, wireError("ERR hash value is not an integer")
		}
	}
	if n, err = addInt(n, delta); err != nil {
		return 0, err
	}
	x.hsetRef(r, []string{field, strconv.FormatInt(n, 10)}, keepDue)
	x.c.effect(x.db, "HINCRBY", key, field, strconv.FormatInt(delta, 10))
	x.event(eventHash, "hincrby", key)
	return n, nil
}

// hincrFloat adds delta, a decimal number, to that in a field, which keeps its deadline; the
// stream carries the result.
func (x *exec) hincrFloat(key, field, delta string) (string, error) {
	if d, err := parseFloat(delta); err != nil {
		return "", err
	} else if d.IsInf() {
		return "", wireError("ERR value is NaN or Infinity")
	}
	r, err := x.hashRef(key)
	if err != nil {
		return "", err
	}
	old, ok := x.hmeet(&r, field)
	if !ok {
		old.value = "0"
	}
	if _, err := parseFloat(old.value); err != nil {
		return "", wireError("ERR hash value is not a float")
	}
	sum, err := addFloat(old.value, delta)
	if err != nil {
		return "", err
	}
	x.hsetRef(r, []string{field, sum}, keepDue)
	x.c.effect(x.db, "HSET", key, field, sum)
	if old.due != 0 { // which HSET has dropped
		x.c.effect(x.db, "HPEXPIREAT", key, strconv.FormatInt(old.due, 10), "FIELDS", "1", field)
	}
	x.event(eventHash, "hincrbyfloat", key)
	return sum, nil
}

// hrandom is what HRANDFIELD picks of e, a hash or nil: up to count different pairs, in
// random order, or, for a negative count, that many with repetitions. O(|count|); O(n)
// for a small hash, for more than some tenth of a large one, and on a snapshot after
// which the hash has changed.
func (x *exec) hrandom(e *table.Entry, count int64) (picked []Field, err error) {
	switch {
	case e == nil || count == 0:
		return nil, nil
	case count < -mostRepeated:
		return nil, errCount
	case e.Kind() == table.BigHash:
		if picked = x.hprobes(e.Fields(), count); picked != nil {
			return picked, nil
		}
	}
	all := slices.Collect(x.fields(e))
	if len(all) == 0 {
		return nil, nil // x has to start over
	}
	if count < 0 {
		for ; count < 0; count++ {
			picked = append(picked, all[rand.IntN(len(all))])
		}
		return picked, nil
	}
	for _, i := range rand.Perm(len(all))[:min(count, int64(len(all)))] {
		picked = append(picked, all[i])
	}
	return picked, nil
}

// hprobes is hrandom for a large hash without a walk, or nil.
func (x *exec) hprobes(tab *table.Table, count int64) (picked []Field) {
	if count > int64(tab.Len()/10) {
		return nil
	}
	for _, f := range x.probes(tab, int(max(count, -count)), count > 0) {
		picked = append(picked, Field{f.Key(), f.Text()})
	}
	return picked
}
