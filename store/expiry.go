package store

import (
	"math"
	"strconv"
	"strings"
)

// expireCondition is EXPIRE's NX, XX, GT and LT.
type expireCondition struct{ ifNone, ifSome, ifLater, ifSooner bool }

func (o expireCondition) check() error {
	switch {
	case o.ifNone && (o.ifSome || o.ifLater || o.ifSooner):
		return wireError("ERR NX and XX, GT or LT options at the same time are not compatible")
	case o.ifLater && o.ifSooner:
		return wireError("ERR GT and LT options at the same time are not compatible")
	}
	return nil
}

func (o expireCondition) allows(old, deadline int64) bool {
	switch {
	case o.ifNone && old != 0,
		o.ifSome && old == 0,
		o.ifLater && (old == 0 || deadline <= old),
		o.ifSooner && old != 0 && deadline >= old:
		return false
	}
	return true
}

func (o expireCondition) args() (args []string) {
	for _, f := range []struct {
		on   bool
		name string
	}{{o.ifNone, "NX"}, {o.ifSome, "XX"}, {o.ifLater, "GT"}, {o.ifSooner, "LT"}} {
		if f.on {
			args = append(args, f.name)
		}
	}
	return args
}

// expireAt gives a key a deadline. One in the past deletes it: but not when the
// command comes from the primary, whose DEL will come.
func (x *exec) expireAt(key string, deadline int64, o expireCondition) bool {
	r := x.ref(key)
	if r.e == nil || !o.allows(r.e.Deadline(), deadline) {
		return false
	}
	if deadline <= x.clock() && x.origin == client {
		x.c.remove(r)
		x.c.effect(x.db, "DEL", key)
		x.event(eventGeneric, "del", key)
		return true
	}
	x.c.put(r, r.e.With(x.c.version, key, storedDeadline(deadline)))
	x.c.effect(x.db, append([]string{"PEXPIREAT", key, strconv.FormatInt(deadline, 10)}, o.args()...)...)
	x.event(eventGeneric, "expire", key)
	return true
}

// storedDeadline moves the two instants that have another meaning by a
// millisecond: 0 means "none" in an entry, -1 does in an RDB file.
func storedDeadline(d int64) int64 {
	switch d {
	case 0:
		return 1
	case -1:
		return -2
	}
	return d
}

func (x *exec) persist(key string) bool {
	r := x.ref(key)
	if r.e == nil || r.e.Deadline() == 0 {
		return false
	}
	x.c.put(r, r.e.With(x.c.version, key, 0))
	x.c.effect(x.db, "PERSIST", key)
	x.event(eventGeneric, "persist", key)
	return true
}

// What TTL and its kin say of keys without a time to tell.
const (
	ttlNoKey      = -2
	ttlNoDeadline = -1
)

// deadline is when key expires, or one of the two constants.
func (x *exec) deadline(key string) int64 {
	e := x.peek(key)
	switch {
	case e == nil:
		return ttlNoKey
	case e.Deadline() == 0:
		return ttlNoDeadline
	}
	return e.Deadline()
}

// expireUnit tells the EXPIRE family apart: how an argument becomes a deadline.
type expireUnit struct {
	seconds  bool
	absolute bool
}

// deadlineArg turns an argument into a deadline in Unix milliseconds. Commands
// name themselves in the error.
func (x *exec) deadlineArg(arg string, u expireUnit, command string) (int64, error) {
	n, err := parseInt(arg)
	if err != nil {
		return 0, err
	}
	bad := wireError("ERR invalid expire time in '%s' command", strings.ToLower(command))
	if u.seconds {
		if n > math.MaxInt64/1000 || n < math.MinInt64/1000 {
			return 0, bad
		}
		n *= 1000
	}
	if !u.absolute {
		if n > math.MaxInt64-x.clock() {
			return 0, bad
		}
		n += x.clock()
	}
	return n, nil
}

// sweep removes up to most keys past their deadline, each with a DEL of its own, and
// fields of hashes, each with an HDEL, and returns how many. REQUIRES: the writer lock.
func (s *Store) sweep(most int) (n int) {
	if s.mu.replica {
		return 0
	}
	now := s.opts.Clock().UnixMilli()
	for db, ks := range s.view.Load().gen.spaces {
		for n < most && (s.sweepOne(db, ks, now) || s.sweepField(db, ks, now)) {
			n++
		}
	}
	return n
}

func (s *Store) sweepOne(db int, ks *keyspace, now int64) bool {
	e := ks.due.first()
	if e == nil || now <= e.Deadline() {
		return false
	}
	c := s.begin(db, client)
	key := e.Key()
	c.expire(ref{db: db, ks: ks, tab: ks.tab, h: ks.tab.Hash(key), key: key, e: e})
	c.finish()
	return true
}
