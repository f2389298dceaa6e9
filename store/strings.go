package store

import (
	"math"
	"strconv"
	"time"

	"github.com/understudy-go/understudy/store/internal/table"
)

// maxText is the longest string, Redis's default proto-max-bulk-len.
const maxText = 512 << 20

// text is the string at key; ok is false when there is none.
func (x *exec) text(key string) (value string, ok bool, err error) {
	e, err := x.typed(x.entry(key), table.Text)
	if e == nil {
		return "", false, err
	}
	return e.Text(), true, nil
}

// setOptions are SET's. At most one of deadline and keepTTL is given.
type setOptions struct {
	deadline      int64 // Unix milliseconds; 0 none
	keepTTL       bool
	ifNew, ifHeld bool // NX, XX
	get           bool // fail unless the old value is a string
	cond          condition
}

// set writes a string and returns what stood there before; done is false when a
// condition held it back.
func (x *exec) set(key, value string, o setOptions) (old *table.Entry, done bool, err error) {
	r := x.ref(key)
	if o.get {
		if _, err := x.typed(r.e, table.Text); err != nil {
			return nil, false, err
		}
	}
	if o.ifNew && r.e != nil || o.ifHeld && r.e == nil {
		return r.e, false, nil
	}
	if ok, err := o.cond.holds(x, r.e); !ok {
		return r.e, false, err
	}
	deadline := o.deadline
	if o.keepTTL {
		deadline = deadlineOf(r.e)
	}
	x.c.put(r, x.newText(key, value, deadline))
	x.setEffect(key, value, o)
	x.event(eventString, "set", key)
	if o.deadline != 0 {
		x.event(eventGeneric, "expire", key)
	}
	return r.e, true, nil
}

// newText is a new string entry: the one that was made ahead, if it fits.
func (x *exec) newText(key, value string, deadline int64) *table.Entry {
	e := x.made
	if e == nil || deadline != 0 {
		return table.NewText(x.c.version, key, value, deadline)
	}
	x.made = nil
	e.Stamp(x.c.version)
	return e
}

// setEffect is SET with an absolute deadline or none, as Redis 7.0 sends it. A condition
// on the old value has held by then, and most replicas would not know it.
func (x *exec) setEffect(key, value string, o setOptions) {
	args := append(make([]string, 0, 6), "SET", key, value)
	switch {
	case o.deadline != 0:
		args = append(args, "PXAT", strconv.FormatInt(o.deadline, 10))
	case o.keepTTL:
		args = append(args, "KEEPTTL")
	}
	switch {
	case o.deadline != 0:
	case o.ifNew:
		args = append(args, "NX")
	case o.ifHeld:
		args = append(args, "XX")
	}
	x.c.effect(x.db, args...)
}

// integer is the number held by e, 0 if e is nil.
func (x *exec) integer(e *table.Entry) (int64, error) {
	e, err := x.typed(e, table.Text)
	switch {
	case e == nil:
		return 0, err
	case e.Len() > maxIntLen:
		return 0, ErrNotInteger // and no large value need be put together
	}
	return parseInt(e.Text())
}

// maxIntLen is the length of the longest 64-bit integer, its sign included.
const maxIntLen = 20

// parseInt reads a 64-bit integer in the one form that Redis accepts: no plus
// sign, no leading zeros or spaces.
func parseInt(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || !canonicalInt(s) {
		return 0, ErrNotInteger
	}
	return n, nil
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }

func canonicalInt(s string) bool {
	if s == "0" {
		return true
	}
	if len(s) > 1 && s[0] == '-' {
		s = s[1:]
	}
	return s[0] >= '1' && s[0] <= '9'
}

// incr adds delta to the number at key. effect is the command as the stream
// shall carry it.
func (x *exec) incr(key string, delta int64, effect ...string) (int64, error) {
	r := x.ref(key)
	n, err := x.integer(r.e)
	if err != nil {
		return 0, err
	}
	if n, err = addInt(n, delta); err != nil {
		return 0, err
	}
	x.c.put(r, table.NewText(x.c.version, key, strconv.FormatInt(n, 10), deadlineOf(r.e)))
	x.c.effect(x.db, effect...)
	x.event(eventString, "incrby", key)
	return n, nil
}

func addInt(n, delta int64) (int64, error) {
	if delta > 0 && n > math.MaxInt64-delta || delta < 0 && n < math.MinInt64-delta {
		return 0, ErrOverflow
	}
	return n + delta, nil
}

// incrFloat adds delta, a decimal number, to the one at key. The stream carries
// the result: machines may differ in the last digit.
func (x *exec) incrFloat(key, delta string) (string, error) {
	r := x.ref(key)
	e, err := x.typed(r.e, table.Text)
	if err != nil {
		return "", err
	}
	old := "0"
	switch {
	case e == nil:
	case e.Len() > maxFloatLen:
		return "", ErrNotFloat
	default:
		old = e.Text()
	}
	sum, err := addFloat(old, delta)
	if err != nil {
		return "", err
	}
	x.c.put(r, table.NewText(x.c.version, key, sum, deadlineOf(r.e)))
	x.c.effect(x.db, "SET", key, sum, "KEEPTTL")
	x.event(eventString, "incrbyfloat", key)
	return sum, nil
}

// appendText appends to the string at key and returns its new length.
func (x *exec) appendText(key, more string) (int, error) {
	r := x.ref(key)
	e, err := x.typed(r.e, table.Text)
	if err != nil {
		return 0, err
	}
	if e == nil {
		e = table.NewText(x.c.version, key, more, 0)
	} else if e.Len()+len(more) > maxText {
		return 0, ErrTooLong
	} else {
		e = e.Append(x.c.version, more)
	}
	x.c.put(r, e)
	x.c.effect(x.db, "APPEND", key, more)
	x.event(eventString, "append", key)
	return e.Len(), nil
}

// setRange overwrites part of the string at key, which grows by zero bytes where
// needed, and returns its new length. O(n) in the string's length once, then
// O(len(value)); the zero bytes cost nothing.
func (x *exec) setRange(key string, offset int64, value string) (int, error) {
	if offset < 0 {
		return 0, wireError("ERR offset is out of range")
	}
	r := x.ref(key)
	e, err := x.typed(r.e, table.Text)
	if err != nil {
		return 0, err
	}
	if e == nil {
		e = table.NewText(x.c.version, key, "", 0)
	}
	if value == "" {
		return e.Len(), nil
	}
	if offset > maxText || offset+int64(len(value)) > maxText {
		return 0, ErrTooLong
	}
	e = e.Overwrite(x.c.version, int(offset), value, x.s.opts.wholeText)
	x.c.put(r, e)
	x.c.effect(x.db, "SETRANGE", key, strconv.FormatInt(offset, 10), value)
	x.event(eventString, "setrange", key)
	return e.Len(), nil
}

// getRange is the part of the string at key from start to end.
func (x *exec) getRange(key string, start, end int64) (string, error) {
	e, err := x.typed(x.entry(key), table.Text)
	if e == nil {
		return "", err
	}
	return cutRange(e, start, end), nil
}

// cutRange is the part of a string from start to end, both included, counted from
// the end where negative. What there is not is "".
func cutRange(e *table.Entry, start, end int64) string {
	n := int64(e.Len())
	if start < 0 && end < 0 && start > end {
		return ""
	}
	start, end = fromEnd(start, n), min(fromEnd(end, n), n-1)
	if start > end {
		return ""
	}
	return e.Range(int(start), int(end)+1)
}

// strlen is the length of the string at key, 0 if there is none.
func (x *exec) strlen(key string) (int, error) {
	e, err := x.typed(x.entry(key), table.Text)
	if e == nil {
		return 0, err
	}
	return e.Len(), nil
}

func fromEnd(i, n int64) int64 {
	if i < 0 {
		return max(i+n, 0)
	}
	return i
}

// getDel removes the string at key and returns it.
func (x *exec) getDel(key string) (value string, ok bool, err error) {
	r := x.ref(key)
	e, err := x.typed(r.e, table.Text)
	if e == nil {
		return "", false, err
	}
	x.c.remove(r)
	x.c.effect(x.db, "DEL", key)
	x.event(eventGeneric, "del", key)
	return e.Text(), true, nil
}

// mset writes pairs of key and value, all or, with ifNew, none if one of the
// keys is there.
func (x *exec) mset(pairs []string, ifNew bool) bool {
	name := "MSET"
	if ifNew {
		name = "MSETNX"
		for i := 0; i < len(pairs); i += 2 {
			if x.ref(pairs[i]).e != nil {
				return false
			}
		}
	}
	x.c.atomicIf(len(pairs) > 2)
	for i := 0; i < len(pairs); i += 2 {
		x.c.put(x.ref(pairs[i]), table.NewText(x.c.version, pairs[i], pairs[i+1], 0))
		x.event(eventString, "set", pairs[i])
	}
	x.c.effect(x.db, append([]string{name}, pairs...)...)
	return true
}

// deadlineIn is the deadline that lies ttl ahead; 0, none, for a ttl of 0. A part
// of a millisecond counts as one.
func (x *exec) deadlineIn(ttl time.Duration) (int64, error) {
	switch {
	case ttl < 0:
		return 0, ErrInvalidTTL
	case ttl == 0:
		return 0, nil
	}
	return x.clock() + (ttl + time.Millisecond - 1).Milliseconds(), nil
}

// deadlineAt is deadlineIn for those who may give a time instead, which is not zero then.
func (x *exec) deadlineAt(ttl time.Duration, at time.Time) (int64, error) {
	switch {
	case at.IsZero():
		return x.deadlineIn(ttl)
	case ttl != 0:
		return 0, ErrSyntax
	case at.UnixMilli() <= 0:
		return 0, ErrInvalidTTL
	}
	return at.UnixMilli(), nil
}
