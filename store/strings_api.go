package store

import (
	"strconv"
	"time"

	"github.com/understudy-go/understudy/store/internal/table"
)

// Get returns the string at key, [ErrNotFound] if there is none, or
// [ErrWrongType]. The string aliases the store's memory, is immutable and valid
// for ever. O(1), without allocation. Only a large string that SetRange, SetBit or
// BitField has written to is put together from its chunks, O(n), each time that nobody
// keeps what an earlier Get returned: read it by GetRange where a part will do.
func (d reads) Get(key string) (string, error) {
	// The common case is written out, because it is what a read replica does all
	// day: a live database, no commit of several slots under way, a short string
	// without a deadline.
	if d.sn == nil && d.tx == nil {
		v := d.s.view.Load()
		if v.pending == nil && uint(d.n) < uint(len(v.tables)) {
			text, ok := v.tables[d.n].Plain(key)
			if ok && d.s.view.Load() == v {
				return text, nil
			}
		}
	}
	return d.get(key)
}

func (d reads) get(key string) (string, error) {
	e, err := d.textEntry(key)
	switch {
	case err != nil:
		return "", err
	case e == nil:
		return "", ErrNotFound
	}
	return e.Text(), nil
}

// textEntry is the string at key, nil if there is none.
func (d reads) textEntry(key string) (*table.Entry, error) {
	e, err := d.entry(key)
	switch {
	case err != nil:
		return nil, err // of a snapshot that was dropped: what was found is worthless
	case e != nil && e.Kind() != table.Text:
		return nil, ErrWrongType
	}
	return e, nil
}

// Strlen is the length of the string at key in bytes, 0 if there is none. O(1).
func (d reads) Strlen(key string) (int, error) {
	e, err := d.textEntry(key)
	if e == nil {
		return 0, err
	}
	return e.Len(), nil
}

// GetRange returns the bytes from start to end, both included, of the string at
// key; negative numbers count from its end, -1 being the last byte. What there is
// not is "". O(1), except for a large string that was written by offset: there the
// part is copied, and not the string.
func (d reads) GetRange(key string, start, end int64) (string, error) {
	e, err := d.textEntry(key)
	if e == nil {
		return "", err
	}
	return cutRange(e, start, end), nil
}

// Result is one of several values read at once.
type Result struct {
	Value string
	OK    bool // false: no such key, or no string
}

// MGet returns the strings at keys, all as of one instant. O(n).
func (d reads) MGet(keys ...string) ([]Result, error) {
	out := make([]Result, len(keys))
	err := d.many(func(x *exec) {
		for i, key := range keys {
			value, ok, err := x.text(key)
			out[i] = Result{value, ok && err == nil}
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Set writes a string. A ttl above 0 makes it expire that much later, rounded up
// to a millisecond; 0 never; below 0 is [ErrInvalidTTL]. O(1).
//
// An expired key is hidden from reads at once. Its memory is freed by whoever
// sweeps: a replication.Primary does so by itself, a program that uses a store
// alone calls Replication().Sweep now and then.
func (d writes) Set(key, value string, ttl time.Duration) error {
	var made *table.Entry
	if ttl == 0 {
		made = table.NewText(0, key, value, 0) // before the lock: it may wait for memory, or for the collector
	}
	return d.grow(func(x *exec) error {
		x.made = made
		deadline, err := x.deadlineIn(ttl)
		if err == nil {
			_, _, err = x.set(key, value, setOptions{deadline: deadline})
		}
		x.made = nil
		return err
	})
}

// SetOptions are those of SetWith. The zero value writes whatever is there, and the key
// never expires.
type SetOptions struct {
	// TTL above 0 makes the key expire that much later, rounded up to a millisecond; At,
	// unless it is zero, makes it expire then; KeepTTL leaves the deadline as it is. At
	// most one of them is given.
	TTL     time.Duration
	At      time.Time
	KeepTTL bool
	// NX writes only if the key is not there, XX only if it is.
	NX, XX bool
	// IfEqual, unless nil, writes only if the key holds that string, which a key of
	// another type does not: that is [ErrWrongType]. It goes without NX and XX. Valkey
	// 8.1, Redis 8.4; the stream carries it as a plain SET.
	IfEqual *string
	// Get asks for the string that was there. A value of another type is then
	// [ErrWrongType], and stays.
	Get bool
}

// plain is the options as the commands have them.
func (o SetOptions) plain(x *exec) (p setOptions, err error) {
	p = setOptions{keepTTL: o.KeepTTL, ifNew: o.NX, ifHeld: o.XX, get: o.Get}
	if o.IfEqual != nil {
		p.cond = condition{given: true, want: *o.IfEqual}
	}
	if o.NX && o.XX || (o.NX || o.XX) && o.IfEqual != nil || o.KeepTTL && (o.TTL != 0 || !o.At.IsZero()) {
		return p, ErrSyntax
	}
	p.deadline, err = x.deadlineAt(o.TTL, o.At)
	return p, err
}

// SetWith is Set with options, nil for none. done is false if NX, XX or IfEqual held it back; old
// is the string that was there, if Get asks for it. The error is [ErrSyntax] for options
// that exclude each other, [ErrInvalidTTL], or with Get or IfEqual [ErrWrongType]. O(1). All
// of the options but IfEqual: Redis 7.0.
func (d writes) SetWith(key, value string, o *SetOptions) (old Result, done bool, err error) {
	if o == nil {
		o = &SetOptions{}
	}
	err = d.grow(func(x *exec) error {
		p, err := o.plain(x)
		if err != nil {
			return err
		}
		var was *table.Entry
		if was, done, err = x.set(key, value, p); err == nil && o.Get && was != nil {
			old = Result{was.Text(), true}
		}
		return err
	})
	return old, done, err
}

// SetNX writes a string unless the key is there, and reports whether it did.
func (d writes) SetNX(key, value string, ttl time.Duration) (done bool, err error) {
	err = d.grow(func(x *exec) error {
		deadline, err := x.deadlineIn(ttl)
		if err == nil {
			_, done, err = x.set(key, value, setOptions{deadline: deadline, ifNew: true})
		}
		return err
	})
	return done, err
}

// DelIfEqual removes the key if it holds that string, and reports whether it did: how a
// lock is given back by none but who holds it. The error is [ErrWrongType]. O(len(value)).
// Valkey 9.0; the stream carries it as DEL.
func (d writes) DelIfEqual(key, value string) (done bool, err error) {
	err = d.write(func(x *exec) (err error) {
		done, err = x.delIf(key, condition{given: true, want: value})
		return err
	})
	return done, err
}

// GetDel removes the string at key and returns it. The error is [ErrNotFound] or
// [ErrWrongType]. O(1). Redis 6.2.
func (d writes) GetDel(key string) (value string, err error) {
	var ok bool
	err = d.write(func(x *exec) (err error) {
		value, ok, err = x.getDel(key)
		return err
	})
	return found(value, ok, err)
}

// GetExOptions say when a key expires that GetEx has read. The zero value leaves that as
// it is; of the others at most one is given.
type GetExOptions struct {
	TTL     time.Duration // above 0: that much later, rounded up to a millisecond
	At      time.Time     // not zero: then; a time in the past removes the key
	Persist bool          // never
}

// GetEx returns the string at key and changes when it expires; nil options change
// nothing. The error is [ErrNotFound], [ErrWrongType], [ErrInvalidTTL], or [ErrSyntax] for
// options that exclude each other. O(1), as Get. Redis 6.2.
func (d writes) GetEx(key string, o *GetExOptions) (value string, err error) {
	if o == nil {
		o = &GetExOptions{}
	}
	if o.Persist && (o.TTL != 0 || !o.At.IsZero()) {
		return "", ErrSyntax
	}
	var ok bool
	err = d.write(func(x *exec) error {
		deadline, err := x.deadlineAt(o.TTL, o.At)
		if err != nil {
			return err
		}
		if value, ok, err = x.text(key); !ok {
			return err
		}
		if o.Persist {
			x.persist(key)
		} else if deadline != 0 {
			x.expireAt(key, deadline, expireCondition{})
		}
		return nil
	})
	return found(value, ok, err)
}

// MSet writes pairs, at least one, of key and value: all of them at one instant. The keys
// do not expire. O(pairs).
func (d writes) MSet(pairs ...string) error {
	_, err := d.mset("mset", pairs, false)
	return err
}

// MSetNX is MSet if none of the keys is there, and reports whether it was done.
func (d writes) MSetNX(pairs ...string) (done bool, err error) { return d.mset("msetnx", pairs, true) }

func (d writes) mset(name string, pairs []string, ifNew bool) (done bool, err error) {
	if len(pairs) == 0 || len(pairs)%2 != 0 {
		return false, &Error{wrongArity(name).Str}
	}
	err = d.grow(func(x *exec) error {
		done = x.mset(pairs, ifNew)
		return nil
	})
	return done, err
}

// Incr adds delta to the number at key, 0 if there is none, and returns the sum.
// The error is [ErrNotInteger], [ErrOverflow] or [ErrWrongType].
func (d writes) Incr(key string, delta int64) (n int64, err error) {
	err = d.grow(func(x *exec) (err error) {
		n, err = x.incr(key, delta, "INCRBY", key, formatInt(delta))
		return err
	})
	return n, err
}

// IncrFloat adds delta to the number at key, 0 if there is none, and returns the sum. It
// is computed and kept in decimal with up to 17 digits behind the point, as Redis does,
// and may have more digits than a float64, or be beyond its range: then an infinity is
// returned. The stream carries the result. The error is [ErrNotFloat], [ErrNotFinite] or
// [ErrWrongType]. O(1). Redis 2.6.
func (d writes) IncrFloat(key string, delta float64) (sum float64, err error) {
	err = d.grow(func(x *exec) error {
		text, err := x.incrFloat(key, formatDelta(delta))
		sum = floatOf(text)
		return err
	})
	return sum, err
}

func formatDelta(delta float64) string { return strconv.FormatFloat(delta, 'g', -1, 64) }

// floatOf is the float64 next to a decimal number; 0 for "".
func floatOf(text string) float64 {
	f, _ := strconv.ParseFloat(text, 64) // beyond the range it is an infinity
	return f
}

// Append appends to the string at key and returns its new length. Amortised
// O(len(more)).
func (d writes) Append(key, more string) (n int, err error) {
	err = d.grow(func(x *exec) (err error) {
		n, err = x.appendText(key, more)
		return err
	})
	return n, err
}

// SetRange writes value over the string at key, at an offset in bytes, and returns
// its length. A string that is shorter grows by zero bytes; an empty value changes
// nothing. The error is [ErrTooLong] beyond 512 MiB, or [ErrWrongType]; for a
// negative offset it is an [*Error] with the text of Redis.
//
// Strings of up to 64 KB are copied. A larger one is laid out in chunks of 4 KB by
// the first write, O(n); from then on SetRange and Append cost O(len(value)) and
// some 6 KB of copying, until Set makes it whole again. Chunks of zero bytes that
// were never written cost nothing; after a load that holds where they are half of
// the string and more.
func (d writes) SetRange(key string, offset int64, value string) (n int, err error) {
	err = d.grow(func(x *exec) (err error) {
		n, err = x.setRange(key, offset, value)
		return err
	})
	return n, err
}
