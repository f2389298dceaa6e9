package store

import (
	"slices"
	"strconv"

	"github.com/understudy-go/understudy/store/internal/table"
)

// lastFieldDeadline is the latest deadline that a client may give a field, in Unix
// milliseconds: Redis 8's, in the year 4199. From a stream any is taken.
const lastFieldDeadline = 1<<46 - 1

// What HEXPIRE and its kin say of each field.
const (
	fieldMissing = -2 // and so do those that ask for a deadline
	fieldAsIs    = 0  // the condition was not met
	fieldDated   = 1
	fieldGone    = 2 // the deadline had passed already

	fieldPersistent = -1 // it has no deadline
	fieldPersisted  = 1
)

// hmeet is a field of r's hash as it is met by a command that writes. One past its deadline
// is removed, and its HDEL goes out before the effects of the command.
func (x *exec) hmeet(r *ref, field string) (f dated, ok bool) {
	f, ok = x.hfield(r.e, field)
	if !ok || !x.over(f.due) {
		return f, ok
	}
	x.c.atomic() // nobody may see the field gone and the command not done
	x.expireField(*r, field)
	*r = x.ref(r.key)
	return dated{}, false
}

// expireField removes a field past its deadline. r is of no use afterwards.
func (x *exec) expireField(r ref, field string) {
	x.c.effect(r.db, "HDEL", r.key, field)
	x.hdelRef(r, []string{field})
	if x.c.watched {
		x.c.changes[len(x.c.changes)-1].expired = true
	}
	x.event(eventHash, "hexpired", r.key)
	x.emptiedEvent(r.key)
}

// fieldNames is a list of fields that a command names, some of them perhaps twice: what
// comes second finds what the first has done.
type fieldNames struct {
	names []string
	done  map[string]bool
}

func (n *fieldNames) has(field string) bool { return n.done[field] }

func (n *fieldNames) add(field string) {
	if n.done == nil {
		n.done = map[string]bool{}
	}
	if !n.done[field] {
		n.done[field] = true
		n.names = append(n.names, field)
	}
}

// hexpireAt gives fields a deadline and says of each what became of it. One in the past
// removes them: but not when the command comes from the primary, whose HDEL will come.
// A field that is past its deadline and was not swept yet gets the new one, as in Redis.
func (x *exec) hexpireAt(key string, deadline int64, o expireCondition, fields []string) ([]int64, error) {
	r, err := x.hashRef(key)
	if err != nil {
		return nil, err
	}
	past := deadline <= x.clock() && x.origin == client
	codes := make([]int64, len(fields))
	var set fieldNames
	var sent []string // with repetitions
	for i, name := range fields {
		f, ok := x.hfield(r.e, name)
		if set.has(name) {
			f.due, ok = deadline, !past
		}
		switch {
		case !ok:
			codes[i] = fieldMissing
			continue
		case !o.allows(f.due, deadline):
			codes[i] = fieldAsIs
			continue
		case past:
			codes[i] = fieldGone
		default:
			codes[i] = fieldDated
		}
		set.add(name)
		sent = append(sent, name)
	}
	switch {
	case len(sent) == 0:
	case past:
		x.hdelPast(r, set.names)
	default:
		x.hdueRef(r, set.names, max(deadline, 1))
		x.c.effect(x.db, fieldsEffect("HPEXPIREAT", key, append([]string{strconv.FormatInt(deadline, 10)}, o.args()...), sent)...)
		x.event(eventHash, "hexpire", key)
	}
	return codes, nil
}

// hdelPast removes fields, which are there, because of a deadline that has passed when it
// was given.
func (x *exec) hdelPast(r ref, fields []string) {
	x.hdelRef(r, fields)
	for _, f := range fields {
		x.c.effect(x.db, "HDEL", r.key, f)
	}
	x.event(eventHash, "hdel", r.key)
	x.emptiedEvent(r.key)
}

// hdueRef gives fields of r's hash, which are there, the deadline due, 0 for none.
func (x *exec) hdueRef(r ref, fields []string, due int64) {
	if r.e.Kind() == table.BigHash {
		x.hdueBig(r, fields, due)
		return
	}
	h := loosen(r.e)
	for _, f := range fields {
		h.setDue(h.find(f), due)
	}
	x.c.put(r, smallHashEntry(x.c.version, r.key, h, r.e.Deadline()))
}

func (x *exec) hdueBig(r ref, fields []string, due int64) {
	x.c.atomicIf(len(fields) > 1)
	if due != 0 {
		x.c.dated(r)
	}
	for _, name := range fields {
		f := x.fieldRef(r.e.Fields(), name)
		x.c.put(f, f.e.With(x.c.version, name, due)) // long values are shared
	}
	x.c.touch(r)
}

// fieldsEffect is a command that names fields.
func fieldsEffect(name, key string, options, fields []string) []string {
	args := append(append([]string{name, key}, options...), "FIELDS", strconv.Itoa(len(fields)))
	return append(args, fields...)
}

// hpersist takes the deadlines of fields away and says of each what became of it.
func (x *exec) hpersist(key string, fields []string) ([]int64, error) {
	r, err := x.hashRef(key)
	if err != nil {
		return nil, err
	}
	codes := make([]int64, len(fields))
	var set fieldNames
	for i, name := range fields {
		f, ok := x.hfield(r.e, name)
		switch {
		case !ok || x.over(f.due):
			codes[i] = fieldMissing
		case f.due == 0 || set.has(name):
			codes[i] = fieldPersistent
		default:
			codes[i] = fieldPersisted
			set.add(name)
		}
	}
	if len(set.names) > 0 {
		x.hpersistRef(r, set.names)
	}
	return codes, nil
}

// hpersistRef takes away the deadlines of fields that have one. The stream names these
// alone, where Redis repeats what it was asked for: a field that was past its deadline here
// would be an ordinary one to a replica, which knows no time while it applies.
func (x *exec) hpersistRef(r ref, fields []string) {
	x.hdueRef(r, fields, 0)
	x.c.effect(x.db, fieldsEffect("HPERSIST", r.key, nil, fields)...)
	x.event(eventHash, "hpersist", r.key)
}

// hdeadline is the deadline of a field of e, a hash or nil: fieldMissing, fieldPersistent,
// or Unix milliseconds.
func (x *exec) hdeadline(e *table.Entry, field string) int64 {
	f, ok := x.hfield(e, field)
	switch {
	case !ok || x.over(f.due):
		return fieldMissing
	case f.due == 0:
		return fieldPersistent
	}
	return f.due
}

// fieldTime is what HGETEX and HSETEX do about the deadlines of fields.
type fieldTime struct {
	set     bool
	at      int64 // with set: in Unix milliseconds
	persist bool  // HGETEX
	keep    bool  // HSETEX
}

// passed reports whether the deadline has passed already, so that the fields go.
func (x *exec) passed(t fieldTime) bool { return t.set && t.at <= x.clock() && x.origin == client }

// hgetex returns the values of fields, and does about their deadlines what t says.
func (x *exec) hgetex(key string, t fieldTime, fields []string) ([]Result, error) {
	r, err := x.hashRef(key)
	if err != nil {
		return nil, err
	}
	values := make([]Result, len(fields))
	var set fieldNames
	for i, name := range fields {
		f, ok := x.hmeet(&r, name)
		if !ok || x.passed(t) && set.has(name) {
			continue
		}
		values[i] = Result{f.value, true}
		if t.set || t.persist && f.due != 0 {
			set.add(name)
		}
	}
	switch {
	case len(set.names) == 0:
	case x.passed(t):
		x.hdelPast(r, set.names)
	case t.persist:
		x.hpersistRef(r, set.names)
	default:
		x.hdueRef(r, set.names, max(t.at, 1))
		x.c.effect(x.db, fieldsEffect("HPEXPIREAT", key, []string{strconv.FormatInt(t.at, 10)}, fields)...)
		x.event(eventHash, "hexpire", key)
	}
	return values, nil
}

// fieldCondition is HSETEX's FNX and FXX.
type fieldCondition struct{ ifNone, ifAll bool }

// hsetex writes pairs of field and value with the deadline that t says, unless one of the
// fields does not meet the condition.
func (x *exec) hsetex(key string, o fieldCondition, t fieldTime, pairs []string) (done bool, err error) {
	r, err := x.hashRef(key)
	if err != nil {
		return false, err
	}
	for i := 0; i < len(pairs) && (o.ifNone || o.ifAll); i += 2 {
		if _, ok := x.hmeet(&r, pairs[i]); ok == o.ifNone {
			return false, nil
		}
	}
	switch {
	case x.passed(t):
		x.hsetPast(r, pairs)
		return true, nil
	case t.set:
		x.hsetRef(r, pairs, max(t.at, 1))
	case t.keep:
		x.hsetRef(r, pairs, keepDue)
	default:
		x.hsetRef(r, pairs, 0)
	}
	x.c.effect(x.db, hsetexEffect(key, o, t, pairs)...)
	x.event(eventHash, "hset", key)
	if t.set {
		x.event(eventHash, "hexpire", key)
	}
	return true, nil
}

// hsetPast is HSETEX with a deadline that has passed: what it would write goes at once, so
// what is left to do is to remove what was there.
func (x *exec) hsetPast(r ref, pairs []string) {
	x.event(eventHash, "hset", r.key)
	var gone fieldNames
	for i := 0; i < len(pairs); i += 2 {
		if _, ok := x.hfield(r.e, pairs[i]); ok {
			gone.add(pairs[i])
		}
	}
	if len(gone.names) > 0 {
		x.hdelPast(r, gone.names)
	}
}

func hsetexEffect(key string, o fieldCondition, t fieldTime, pairs []string) []string {
	args := []string{"HSETEX", key}
	switch {
	case o.ifNone:
		args = append(args, "FNX")
	case o.ifAll:
		args = append(args, "FXX")
	}
	switch {
	case t.set:
		args = append(args, "PXAT", strconv.FormatInt(t.at, 10))
	case t.keep:
		args = append(args, "KEEPTTL")
	}
	args = append(args, "FIELDS", strconv.Itoa(len(pairs)/2))
	return append(args, pairs...)
}

// hgetdel removes fields and returns the values that they had.
func (x *exec) hgetdel(key string, fields []string) ([]Result, error) {
	r, err := x.hashRef(key)
	if err != nil {
		return nil, err
	}
	values := make([]Result, len(fields))
	var gone fieldNames
	for i, name := range fields {
		if f, ok := x.hmeet(&r, name); ok && !gone.has(name) {
			values[i] = Result{f.value, true}
			gone.add(name)
		}
	}
	if len(gone.names) > 0 {
		x.hdelRef(r, gone.names)
		x.c.effect(x.db, slices.Concat([]string{"HDEL", key}, fields)...)
		x.event(eventHash, "hdel", key)
		x.emptiedEvent(key)
	}
	return values, nil
}

// sweepField removes the field of database db, ks, whose deadline is the earliest, if that
// has passed.
func (s *Store) sweepField(db int, ks *keyspace, now int64) bool {
	d := ks.hashes.min()
	if d.e == nil || now <= d.at {
		return false
	}
	c := s.begin(db, client)
	key := d.e.Key()
	r := ref{db: db, ks: ks, tab: ks.tab, h: ks.tab.Hash(key), key: key, e: d.e}
	c.x.expireField(r, earliestField(d.e))
	c.finish()
	return true
}

// earliestField is the field of e whose deadline is the earliest. REQUIRES: one has a
// deadline.
func earliestField(e *table.Entry) string {
	if e.Kind() == table.BigHash {
		return duesOf(e.Fields()).first().Key()
	}
	at := earliestOf(e.Text())
	for f := range datedFields(e.Text()) {
		if f.due == at {
			return f.name
		}
	}
	return ""
}
