package store

import (
	"github.com/understudy-go/understudy/store/internal/hll"
	"github.com/understudy-go/understudy/store/internal/table"
)

// A HyperLogLog is a string whose bytes have a meaning: package hll knows it. Each write
// makes the string anew, at most 12 KB, and one that changes no register makes nothing.

var (
	// ErrNotHyperLogLog is returned when a string is no HyperLogLog. The text is Redis's.
	ErrNotHyperLogLog = &Error{"WRONGTYPE Key is not a valid HyperLogLog string value."}
	// ErrCorruptHyperLogLog is returned when a HyperLogLog's bytes make no sense.
	ErrCorruptHyperLogLog = &Error{"INVALIDOBJ Corrupted HLL object detected"}
)

// sketch is the HyperLogLog of e, an entry of any type or nil; nil for none.
func (x *exec) sketch(e *table.Entry) (hll.Value, error) {
	e, err := x.typed(e, table.Text)
	if e == nil {
		return nil, err
	}
	n := e.Len()
	switch {
	case hll.Check(table.Bytes(e.Range(0, min(n, hll.HeaderSize))), n) != nil:
		return nil, ErrNotHyperLogLog
	case n > hll.MaxSize:
		return nil, ErrCorruptHyperLogLog // and nothing large need be put together
	}
	return table.Bytes(e.Text()), nil
}

// corrupt is the error of package hll about a value that it took for one.
func corrupt(err error) error {
	if err != nil {
		return ErrCorruptHyperLogLog
	}
	return nil
}

// putSketch writes what became of the HyperLogLog at r's key, which keeps its deadline.
func (x *exec) putSketch(r ref, d *hll.Draft) {
	x.c.put(r, table.NewText(x.c.version, r.key, table.View(d.Value), deadlineOf(r.e)))
}

// pfadd counts elements at key and reports whether that changed anything: a register, or
// that there is a HyperLogLog now. O(1) an element in the dense form; in the sparse one
// O(bytes), at most 3000.
func (x *exec) pfadd(key string, elements []string, effect ...string) (changed bool, err error) {
	r := x.ref(key)
	v, err := x.sketch(r.e)
	if err != nil {
		return false, err
	}
	d := hll.Edit(v)
	if v == nil {
		d, changed = hll.New(), true
	}
	for _, element := range elements {
		raised, err := d.Add(table.Bytes(element))
		if err != nil {
			return false, corrupt(err)
		}
		changed = changed || raised
	}
	if !changed {
		return false, nil
	}
	d.SetStale()
	x.putSketch(r, d)
	x.c.effect(x.db, effect...)
	x.event(eventString, "pfadd", key)
	return true, nil
}

// pfcount is how many different elements were added at keys together, about.
func (x *exec) pfcount(keys []string) (int64, error) {
	if len(keys) == 1 {
		return x.pfcountOne(keys[0])
	}
	var all hll.Ranks
	if err := x.unite(&all, keys, x.entry, nil); err != nil {
		return 0, err
	}
	return int64(all.Count()), nil
}

// unite raises all to the ranks of the HyperLogLogs at keys. each, unless nil, is told of
// those that are there.
func (x *exec) unite(all *hll.Ranks, keys []string, lookup func(string) *table.Entry, each func(hll.Value)) error {
	for _, key := range keys {
		v, err := x.sketch(lookup(key))
		if err != nil {
			return err
		}
		if v == nil {
			continue
		}
		if err := v.Merge(all); err != nil {
			return corrupt(err)
		}
		if each != nil {
			each(v)
		}
	}
	return nil
}

// pfcountOne is pfcount of one key, whose value remembers the result until a register
// changes: see refresh.go.
func (x *exec) pfcountOne(key string) (int64, error) {
	v, err := x.sketch(x.entry(key))
	if v == nil {
		return 0, err
	}
	if n, ok := v.Cached(); ok {
		return int64(n), nil
	}
	n, err := v.Count()
	if err != nil {
		return 0, corrupt(err)
	}
	if x.mayRefresh() {
		d := hll.Edit(v)
		d.SetCached(n)
		x.putSketch(x.ref(key), d)
		x.c.effect(x.db, "PFCOUNT", key)
	}
	return int64(n), nil
}

// pfmerge raises the registers at key to to those at keys, and makes a HyperLogLog where
// there is none. It counts as a change even if there is none to see, as in Redis.
func (x *exec) pfmerge(to string, keys []string, effect ...string) error {
	var all hll.Ranks
	anyDense := false
	err := x.unite(&all, append([]string{to}, keys...), func(key string) *table.Entry { return x.ref(key).e }, func(v hll.Value) {
		anyDense = anyDense || v.Dense()
	})
	if err != nil {
		return err
	}
	r := x.ref(to)
	d := hll.New()
	if r.e != nil {
		d = hll.Edit(table.Bytes(r.e.Text()))
	}
	if anyDense {
		err = d.MakeDense()
	}
	if err == nil {
		err = d.RaiseAll(&all)
	}
	if err != nil {
		return corrupt(err)
	}
	d.SetStale()
	x.putSketch(r, d)
	x.c.effect(x.db, effect...)
	x.event(eventString, "pfadd", to)
	return nil
}

// pfdense makes the HyperLogLog at r's key dense and reports whether it was not: what
// PFDEBUG does to be able to show registers.
func (x *exec) pfdense(r ref, v hll.Value, effect ...string) (changed bool, err error) {
	if v.Dense() {
		return false, nil
	}
	d := hll.Edit(v)
	if err := d.MakeDense(); err != nil {
		return false, corrupt(err)
	}
	x.putSketch(r, d)
	x.c.effect(x.db, effect...)
	return true, nil
}
