package store

import (
	"iter"
	"slices"

	"github.com/understudy-go/understudy/store/internal/table"
)

// onHash runs fn with the hash at key, nil if there is none, against one instant. fn
// may be run again, when a writer came in between.
func (d reads) onHash(key string, fn func(x *exec, e *table.Entry)) error {
	return d.on(key, (*exec).hash, fn)
}

// HGet returns the value of a field, [ErrNotFound] if the key or the field is
// not there, or [ErrWrongType]. O(1); in a small hash O(fields), at most 128.
func (d reads) HGet(key, field string) (value string, err error) {
	var ok bool
	err = d.onHash(key, func(x *exec, e *table.Entry) { value, ok = x.hget(e, field) })
	return found(value, ok, err)
}

// HMGet returns the values of fields, all as of one instant. The error is
// [ErrWrongType]. O(1) a field, as HGet.
func (d reads) HMGet(key string, fields ...string) ([]Result, error) {
	out := make([]Result, len(fields))
	err := d.onHash(key, func(x *exec, e *table.Entry) {
		for i, f := range fields {
			out[i].Value, out[i].OK = x.hget(e, f)
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// HExists reports whether the hash at key has a field; false if there is no such key.
// The error is [ErrWrongType]. O(1), as HGet.
func (d reads) HExists(key, field string) (is bool, err error) {
	err = d.onHash(key, func(x *exec, e *table.Entry) { _, is = x.hget(e, field) })
	return is && err == nil, err
}

// HStrlen is the length of a field's value in bytes, 0 if the key or the field is not
// there. The error is [ErrWrongType]. O(1), as HGet. Redis 3.2.
func (d reads) HStrlen(key, field string) (n int, err error) {
	err = d.onHash(key, func(x *exec, e *table.Entry) {
		value, _ := x.hget(e, field)
		n = len(value)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// HLen is the number of fields, 0 if there is no such key. The error is
// [ErrWrongType]. O(1).
func (d reads) HLen(key string) (n int, err error) {
	err = d.onHash(key, func(x *exec, e *table.Entry) { n = x.hlen(e) })
	if err != nil {
		return 0, err
	}
	return n, nil
}

// HGetAll returns a copy of the hash, empty if there is no such key. The error is
// [ErrWrongType]. O(n). HItems does without the copy.
func (d reads) HGetAll(key string) (map[string]string, error) {
	out := map[string]string{}
	err := d.onHash(key, func(x *exec, e *table.Entry) {
		clear(out)
		x.heach(e, func(f, v string) { out[f] = v })
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// HItems yields the fields of the hash at key with their values in no stated order:
// none if there is no such hash. The error is [ErrWrongType].
//
// They are those of one instant, at the latest that at which the loop begins. The
// loop's body may take its time and may write: a walk over a large hash of a live
// database holds a snapshot meanwhile, and ends early if that is dropped, as Keys
// does. Walked again, it is of a later instant. O(n), without a copy, except in a
// transaction.
func (d reads) HItems(key string) (iter.Seq2[string, string], error) {
	e, err := d.entry(key)
	if err == nil && e != nil && kindOf(e) != Hash {
		err = ErrWrongType
	}
	switch {
	case err != nil || e == nil:
		return func(func(string, string) bool) {}, err
	case e.Kind() == table.SmallHash:
		return blobPairs(e.Text()), nil // immutable: no instant is needed
	case e.Kind() == table.DatedHash:
		return d.datedItems(key)
	}
	return func(yield func(string, string) bool) {
		for f := range walk(d, key, (*exec).hash, (*exec).fields) {
			if !yield(f.Name, f.Value) {
				return
			}
		}
	}, nil
}

// datedItems is HItems for a small hash in which fields have deadlines: those that have not
// passed by now.
func (d reads) datedItems(key string) (iter.Seq2[string, string], error) {
	all, err := d.hashFields(key)
	return func(yield func(string, string) bool) {
		for _, f := range all {
			if !yield(f.Name, f.Value) {
				return
			}
		}
	}, err
}

func (d reads) hashFields(key string) (all []Field, err error) {
	err = d.onHash(key, func(x *exec, e *table.Entry) { all = slices.Collect(x.fields(e)) })
	return all, err
}

// HKeys yields the fields of the hash at key, and is otherwise like HItems.
func (d reads) HKeys(key string) (iter.Seq[string], error) {
	items, err := d.HItems(key)
	return func(yield func(string) bool) {
		for name := range items {
			if !yield(name) {
				return
			}
		}
	}, err
}

// HVals yields the values of the hash at key, and is otherwise like HItems.
func (d reads) HVals(key string) (iter.Seq[string], error) {
	items, err := d.HItems(key)
	return func(yield func(string) bool) {
		for _, value := range items {
			if !yield(value) {
				return
			}
		}
	}, err
}

// A Field of a hash with its value.
type Field struct{ Name, Value string }

// HRandField returns a random field of the hash at key, and its value. The error is
// [ErrNotFound] if there is no such key, or [ErrWrongType]. O(1) in a large hash, as a rule;
// O(n) in a small one. Redis 6.2.
func (d reads) HRandField(key string) (field, value string, err error) {
	f, err := onlyOne(d.HRandFieldN(key, 1))
	return f.Name, f.Value, err
}

// HRandFieldN returns random fields of the hash at key: up to count different ones, or,
// for a negative count, that many, each picked anew. None if there is no such key. The
// error is [ErrWrongType], or that of a count below -1048576. O(|count|), as a rule;
// O(n) in a small hash and for more than a tenth of a large one. Redis 6.2.
func (d reads) HRandFieldN(key string, count int) (fields []Field, err error) {
	var bad error
	err = d.onHash(key, func(x *exec, e *table.Entry) { fields, bad = x.hrandom(e, int64(count)) })
	if err == nil {
		err = bad
	}
	if err != nil {
		return nil, err
	}
	return fields, nil
}

// HSet writes pairs, at least one, of field and value and returns how many fields
// are new. It makes a hash if there is none. The error is [ErrWrongType]. O(1) a
// pair; in a small hash O(fields), at most 128.
func (d writes) HSet(key string, pairs ...string) (added int, err error) {
	if len(pairs) == 0 || len(pairs)%2 != 0 {
		return 0, &Error{wrongArity("hset").Str}
	}
	err = d.grow(func(x *exec) (err error) {
		if added, err = x.hset(key, pairs); err == nil {
			x.c.effect(x.db, append([]string{"HSET", key}, pairs...)...)
		}
		return err
	})
	return added, err
}

// HSetNX writes a field unless it is there, and reports whether it did. The error is
// [ErrWrongType]. O(1), as HSet.
func (d writes) HSetNX(key, field, value string) (done bool, err error) {
	err = d.grow(func(x *exec) (err error) {
		done, err = x.hsetNew(key, field, value)
		return err
	})
	return done, err
}

// HDel removes fields and returns how many were there. A hash without fields is
// removed. The error is [ErrWrongType]. O(1) a field, as HSet.
func (d writes) HDel(key string, fields ...string) (n int, err error) {
	err = d.write(func(x *exec) (err error) {
		n, err = x.hdel(key, fields)
		return err
	})
	return n, err
}

// HIncr adds delta to the number in a field, 0 if it is not there, and returns the
// sum. The error is [ErrOverflow], [ErrWrongType], or that of a field that holds no
// integer. O(1), as HSet.
func (d writes) HIncr(key, field string, delta int64) (n int64, err error) {
	err = d.grow(func(x *exec) (err error) {
		n, err = x.hincr(key, field, delta)
		return err
	})
	return n, err
}

// HIncrFloat adds delta to the number in a field, 0 if it is not there, and returns the
// sum, which is computed and kept as IncrFloat does. The error is [ErrNotFloat] for a
// NaN, [ErrNotFinite], [ErrWrongType], or that of an infinite delta or of a field that
// holds no number. O(1), as HSet. Redis 2.6.
func (d writes) HIncrFloat(key, field string, delta float64) (sum float64, err error) {
	err = d.grow(func(x *exec) error {
		text, err := x.hincrFloat(key, field, formatDelta(delta))
		sum = floatOf(text)
		return err
	})
	return sum, err
}
