package store

import (
	"math"
	"time"

	"github.com/understudy-go/understudy/store/internal/table"
)

// Fields of a hash can have deadlines of their own. A field past its deadline is hidden
// from reads at once, and removed as an expired key is: by whoever sweeps. Only HLen
// counts it until then. HSet takes the deadline of a field away, HIncr and HIncrFloat leave
// it. They come from Redis 7.4, on the wire as in the stream.

// HExpire makes fields expire at the given time, in milliseconds, and says of each whether
// it was there. A time in the past removes them; a hash without fields is removed. The
// error is [ErrWrongType], or [ErrInvalidTTL] for a time after the year 4199. O(log n) a
// field; in a small hash O(fields), at most 128, each. Redis 7.4.
func (d writes) HExpire(key string, at time.Time, fields ...string) (done []bool, err error) {
	return d.HExpireWith(key, at, nil, fields...)
}

// HExpireWith is HExpire under a condition, nil for none: false is also said of a field
// whose deadline did not meet it. The error may also be [ErrSyntax], for more than one
// condition.
func (d writes) HExpireWith(key string, at time.Time, o *ExpireOptions, fields ...string) (done []bool, err error) {
	var c expireCondition
	if o != nil {
		c = expireCondition{ifNone: o.NX, ifSome: o.XX, ifLater: o.GT, ifSooner: o.LT}
	}
	if len(c.args()) > 1 {
		return nil, ErrSyntax
	}
	deadline := max(at.UnixMilli(), 0)
	if deadline > lastFieldDeadline {
		return nil, ErrInvalidTTL
	}
	var codes []int64
	err = d.write(func(x *exec) (err error) {
		codes, err = x.hexpireAt(key, deadline, c, fields)
		return err
	})
	return above(codes, fieldAsIs), err
}

// above says of each code whether it is more than n.
func above(codes []int64, n int64) []bool {
	is := make([]bool, len(codes))
	for i, c := range codes {
		is[i] = c > n
	}
	return is
}

// HPersist takes the deadlines of fields away, and says of each whether it had one. The
// error is [ErrWrongType]. O(log n) a field, as HExpire. Redis 7.4.
func (d writes) HPersist(key string, fields ...string) (done []bool, err error) {
	var codes []int64
	err = d.write(func(x *exec) (err error) {
		codes, err = x.hpersist(key, fields)
		return err
	})
	return above(codes, 0), err
}

// HExpireTime is when a field expires; ok is false when it is not there or never does. The
// error is [ErrWrongType]. O(1), as HGet. Redis 7.4.
func (d reads) HExpireTime(key, field string) (at time.Time, ok bool, err error) {
	var ms int64
	err = d.onHash(key, func(x *exec, e *table.Entry) { ms = x.hdeadline(e, field) })
	if err != nil || ms <= 0 {
		return at, false, err
	}
	return time.UnixMilli(ms), true, nil
}

// HTTL is how much longer a field lives, as of the snapshot's cut in a snapshot; ok is
// false when it is not there or never expires. Resolution is a millisecond. The error is
// [ErrWrongType]. O(1), as HGet. Redis 7.4.
func (d reads) HTTL(key, field string) (left time.Duration, ok bool, err error) {
	var ms int64
	err = d.onHash(key, func(x *exec, e *table.Entry) {
		deadline := x.hdeadline(e, field)
		if ok = deadline > 0; ok {
			ms = max(deadline-x.clock(), 0)
		}
	})
	if err != nil || !ok {
		return 0, false, err
	}
	return time.Duration(min(ms, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond, true, nil
}

// HSetExOptions are those of HSetEx. The zero value writes whatever is there, and the
// fields never expire.
type HSetExOptions struct {
	// TTL above 0 makes the fields expire that much later, rounded up to a millisecond; At,
	// unless it is zero, makes them expire then; KeepTTL leaves the deadlines of those that
	// are there. At most one of them is given.
	TTL     time.Duration
	At      time.Time
	KeepTTL bool
	// FNX writes only if none of the fields is there, FXX only if all are.
	FNX, FXX bool
}

// HSetEx writes pairs, at least one, of field and value together with the time at which
// they expire, and reports whether it did; nil options are those of HSet. It makes a hash
// if there is none. A time in the past removes the fields. The error is [ErrWrongType],
// [ErrInvalidTTL], or [ErrSyntax] for options that exclude each other. O(log n) a pair; in a
// small hash O(fields), at most 128. Redis 8.0.
func (d writes) HSetEx(key string, o *HSetExOptions, pairs ...string) (done bool, err error) {
	if o == nil {
		o = &HSetExOptions{}
	}
	switch {
	case len(pairs) == 0 || len(pairs)%2 != 0:
		return false, &Error{wrongArity("hsetex").Str}
	case o.FNX && o.FXX, o.KeepTTL && (o.TTL != 0 || !o.At.IsZero()):
		return false, ErrSyntax
	}
	err = d.grow(func(x *exec) error {
		t, err := x.fieldTime(o.TTL, o.At)
		if err != nil {
			return err
		}
		t.keep = o.KeepTTL
		done, err = x.hsetex(key, fieldCondition{o.FNX, o.FXX}, t, pairs)
		return err
	})
	return done, err
}

// fieldTime is what two options of a method say of which at most one is given.
func (x *exec) fieldTime(ttl time.Duration, at time.Time) (t fieldTime, err error) {
	t.at, err = x.deadlineAt(ttl, at)
	t.set = ttl != 0 || !at.IsZero()
	if err == nil && t.at > lastFieldDeadline {
		err = ErrInvalidTTL
	}
	return t, err
}

// HGetEx returns the values of fields and changes when those that are there expire; nil
// options change nothing. The error is [ErrWrongType], [ErrInvalidTTL], or [ErrSyntax] for
// options that exclude each other. O(log n) a field, as HExpire. Redis 8.0.
func (d writes) HGetEx(key string, o *GetExOptions, fields ...string) (values []Result, err error) {
	if o == nil {
		o = &GetExOptions{}
	}
	if o.Persist && (o.TTL != 0 || !o.At.IsZero()) {
		return nil, ErrSyntax
	}
	err = d.write(func(x *exec) error {
		t, err := x.fieldTime(o.TTL, o.At)
		if err != nil {
			return err
		}
		t.persist = o.Persist
		values, err = x.hgetex(key, t, fields)
		return err
	})
	return values, err
}

// HGetDel removes fields and returns the values that they had. A hash without fields is
// removed. The error is [ErrWrongType]. O(log n) a field, as HExpire. Redis 8.0.
func (d writes) HGetDel(key string, fields ...string) (values []Result, err error) {
	err = d.write(func(x *exec) (err error) {
		values, err = x.hgetdel(key, fields)
		return err
	})
	return values, err
}
