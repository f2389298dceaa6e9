package store

import (
	"strings"
	"time"

	"github.com/understudy-go/understudy/store/internal/table"
)

// Dump returns the value of key, of any type, in the form that Restore reads, here and
// in every server from Redis 5.0 on. The error is [ErrNotFound]. O(n).
func (d reads) Dump(key string) (payload string, err error) {
	if e := d.many(func(x *exec) {
		payload, err = "", ErrNotFound
		if e := x.entry(key); e != nil {
			var b []byte
			b, err = x.dump(e)
			payload = table.View(b)
		}
	}); e != nil {
		return "", e
	}
	return payload, err
}

// Restore makes key from what Dump, or the command DUMP of a server, returned. A ttl
// above 0 makes it expire that much later; 0 never. A key that is there is [ErrBusyKey],
// unless replace is set. [ErrPayload] and [ErrPayloadFormat] are about the payload.
// O(n).
func (d writes) Restore(key, payload string, ttl time.Duration, replace bool) error {
	return d.grow(func(x *exec) error {
		deadline, err := x.deadlineIn(ttl)
		if err != nil {
			return err
		}
		return x.restore("RESTORE", key, payload, restoreOptions{ttl: deadline, absolute: true, replace: replace, hint: noHint})
	})
}

// MemoryUsage is what key and its value take, in bytes: counted, not estimated. The error
// is [ErrNotFound]. O(1), but for a large value it waits for the writer. Redis 4.0, whose
// numbers are others.
func (d reads) MemoryUsage(key string) (n int64, err error) {
	var ok bool
	err = d.many(func(x *exec) {
		e := x.peek(key)
		if ok = e != nil; ok {
			n = x.memory(e)
		}
	})
	return found(n, ok, err)
}

// SortOptions say how Sort sorts, and what it returns. The zero value sorts the elements
// as numbers, the lowest first.
type SortOptions struct {
	// By names what to sort by in place of the elements: a key in which the first star
	// stands for the element, "weight:*", or the field of a hash, "user:*->age". A name
	// without a star leaves the elements in the order that they have.
	By string
	// Get names what to return for each element, one after the other: names as in By,
	// or "#" for the element itself. None is "#".
	Get []string
	// Offset elements are passed over, and at most Limit are taken; a Limit of 0 is no
	// limit.
	Offset, Limit int
	Reverse       bool // the highest first
	Alpha         bool // compare as bytes, not as numbers
}

// plain is the options as the commands have them, nil for none.
func (o *SortOptions) plain() (p sortOptions) {
	if o == nil {
		return p
	}
	p = sortOptions{by: o.By, get: o.Get, offset: int64(o.Offset), limit: int64(o.Limit), reverse: o.Reverse, alpha: o.Alpha}
	p.asIs = o.By != "" && !strings.Contains(o.By, "*")
	if p.limited = o.Offset != 0 || o.Limit != 0; o.Limit == 0 {
		p.limit = -1
	}
	return p
}

// Sort returns the elements of the list, set or sorted set at key in the order of their
// values, or of what stands elsewhere, all as of one instant; nil options sort numbers. A
// result is not OK where Get led nowhere. A key that is not there has no elements. The
// error is [ErrWrongType], or of what is no number. O(n + m log m) for n elements of which
// m are sorted, beside the look-ups. SORT_RO: Redis 7.0.
func (d reads) Sort(key string, o *SortOptions) (out []Result, err error) {
	p := o.plain()
	if e := d.many(func(x *exec) { out, err = x.sortKey(key, p) }); e != nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// SortStore makes a list of what Sort returns the value of key to, in place of whatever is
// there, and returns how long it is; where Get led nowhere the element is "". Where there
// is nothing, to is removed. The stream carries the elements. Errors and cost are Sort's.
func (d writes) SortStore(to, key string, o *SortOptions) (n int, err error) {
	p := o.plain()
	p.store, p.storeKey = true, to
	err = d.grow(func(x *exec) error {
		out, err := x.sortKey(key, p)
		if err == nil {
			n = len(out)
			x.sortInto(to, out)
		}
		return err
	})
	return n, err
}
