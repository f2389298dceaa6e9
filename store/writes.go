package store

import (
	"time"

	"github.com/understudy-go/understudy/store/internal/table"
)

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
	return d.write(func(x *exec) error {
		x.made = made
		deadline, err := x.deadlineIn(ttl)
		if err == nil {
			_, _, err = x.set(key, value, setOptions{deadline: deadline})
		}
		x.made = nil
		return err
	})
}

// SetNX writes a string unless the key is there, and reports whether it did.
func (d writes) SetNX(key, value string, ttl time.Duration) (done bool, err error) {
	err = d.write(func(x *exec) error {
		deadline, err := x.deadlineIn(ttl)
		if err == nil {
			_, done, err = x.set(key, value, setOptions{deadline: deadline, ifNew: true})
		}
		return err
	})
	return done, err
}

// Incr adds delta to the number at key, 0 if there is none, and returns the sum.
// The error is [ErrNotInteger], [ErrOverflow] or [ErrWrongType].
func (d writes) Incr(key string, delta int64) (n int64, err error) {
	err = d.write(func(x *exec) (err error) {
		n, err = x.incr(key, delta, "INCRBY", key, formatInt(delta))
		return err
	})
	return n, err
}

// Append appends to the string at key and returns its new length. Amortised
// O(len(more)).
func (d writes) Append(key, more string) (n int, err error) {
	err = d.write(func(x *exec) (err error) {
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
	err = d.write(func(x *exec) (err error) {
		n, err = x.setRange(key, offset, value)
		return err
	})
	return n, err
}

// Del removes keys and returns how many were there.
func (d writes) Del(keys ...string) (n int, err error) {
	err = d.write(func(x *exec) error {
		n = x.del("DEL", keys)
		return nil
	})
	return n, err
}

// Rename moves a key's value and deadline to another key and replaces what is
// there. The error is [ErrNoKey] when from is not there. O(1) for every size.
func (d writes) Rename(from, to string) error {
	return d.write(func(x *exec) error {
		_, err := x.rename(from, to, false)
		return err
	})
}

// Expire makes key expire at the given time, and reports whether it was there.
// A time in the past removes it.
func (d writes) Expire(key string, at time.Time) (done bool, err error) {
	err = d.write(func(x *exec) error {
		done = x.expireAt(key, at.UnixMilli(), expireCondition{})
		return nil
	})
	return done, err
}

// Persist takes key's deadline away, and reports whether it had one.
func (d writes) Persist(key string) (done bool, err error) {
	err = d.write(func(x *exec) error {
		done = x.persist(key)
		return nil
	})
	return done, err
}

// HSet writes pairs, at least one, of field and value and returns how many fields
// are new. It makes a hash if there is none. The error is [ErrWrongType]. O(1) a
// pair; in a small hash O(fields), at most 128.
func (d writes) HSet(key string, pairs ...string) (added int, err error) {
	if len(pairs) == 0 || len(pairs)%2 != 0 {
		return 0, &Error{wrongArity("hset").Str}
	}
	err = d.write(func(x *exec) (err error) {
		if added, err = x.hset(key, pairs); err == nil {
			x.c.effect(x.db, append([]string{"HSET", key}, pairs...)...)
		}
		return err
	})
	return added, err
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
	err = d.write(func(x *exec) (err error) {
		n, err = x.hincr(key, field, delta)
		return err
	})
	return n, err
}

// Flush removes all keys of the database. O(1).
func (d writes) Flush() error {
	return d.write(func(x *exec) error {
		x.flush()
		return nil
	})
}
