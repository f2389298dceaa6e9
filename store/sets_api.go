package store

import (
	"iter"
	"slices"

	"github.com/understudy-go/understudy/store/internal/table"
)

// SIsMember reports whether member is in the set at key; false if there is no such
// key. The error is [ErrWrongType]. O(1); up to 128 texts are looked through.
func (d reads) SIsMember(key, member string) (is bool, err error) {
	err = d.sets([]string{key}, func(x *exec, sets []*table.Entry) error {
		is = x.setHas(sets[0], member)
		return nil
	})
	return is, err
}

// SMIsMember reports of each of members whether it is in the set at key, as of one
// instant. The error is [ErrWrongType]. O(1) a member, as SIsMember. Redis 6.2.
func (d reads) SMIsMember(key string, members ...string) (are []bool, err error) {
	err = d.sets([]string{key}, func(x *exec, sets []*table.Entry) error {
		are = make([]bool, len(members))
		for i, m := range members {
			are[i] = x.setHas(sets[0], m)
		}
		return nil
	})
	return are, err
}

// SCard is the number of members of the set at key, 0 if there is no such key. The
// error is [ErrWrongType]. O(1).
func (d reads) SCard(key string) (n int, err error) {
	err = d.sets([]string{key}, func(x *exec, sets []*table.Entry) error {
		n = x.setLen(sets[0])
		return nil
	})
	return n, err
}

// SMembers yields the members of the set at key in no stated order: none if there is
// no such set. The error is [ErrWrongType].
//
// They are those of one instant, at the latest that at which the loop begins. The
// loop's body may take its time and may write: a walk over a large set of a live
// database holds a snapshot meanwhile, and ends early if that is dropped, as Keys
// does. Walked again, it is of a later instant. O(n), without a copy, except in a
// transaction.
func (d reads) SMembers(key string) (members iter.Seq[string], err error) {
	e, err := d.entry(key)
	if err == nil && e != nil && kindOf(e) != Set {
		err = ErrWrongType
	}
	switch {
	case err != nil || e == nil:
		return func(func(string) bool) {}, err
	case e.Kind() != table.BigSet:
		return (&exec{}).setMembers(e), nil // immutable: no instant is needed
	}
	return walk(d, key, (*exec).setAt, (*exec).setMembers), nil
}

// SRandMember returns a random member of the set at key. The error is [ErrNotFound] if
// there is no such key, or [ErrWrongType]. O(1) in the common case; a pick out of a
// large set is fair within a factor of four.
func (d reads) SRandMember(key string) (string, error) { return onlyOne(d.SRandMemberN(key, 1)) }

// SRandMemberN returns random members of the set at key: up to count different ones,
// or, for a negative count, that many, each picked anew. None if there is no such
// key. The error is [ErrWrongType], or that of a count below -1048576.
//
// O(|count|) in the common case, fair as SRandMember; more than a third of a set is
// found by walking through it, O(n).
func (d reads) SRandMemberN(key string, count int) (members []string, err error) {
	err = d.sets([]string{key}, func(x *exec, sets []*table.Entry) (err error) {
		members, err = x.srandomMany(sets[0], int64(count))
		return err
	})
	return members, err
}

// SInter returns the members that all sets at keys have, as of one instant, in no
// stated order. A key that is not there is an empty set. The error is [ErrWrongType].
// O(n*m) for m keys, the smallest set of which has n members.
func (d reads) SInter(keys ...string) ([]string, error) { return d.combine(interSets, keys) }

// SUnion returns the members that any of the sets at keys has, as of one instant, in
// no stated order. The error is [ErrWrongType]. O(n) for n members in all.
func (d reads) SUnion(keys ...string) ([]string, error) { return d.combine(unionSets, keys) }

// SDiff returns the members of the set at the first key that none of the others has,
// as of one instant, in no stated order. The error is [ErrWrongType]. O(n*m) for m
// keys, the first set of which has n members.
func (d reads) SDiff(keys ...string) ([]string, error) { return d.combine(diffSets, keys) }

// SInterCard is how many members SInter would return, up to limit: 0 for no limit. The
// error is [ErrWrongType], or of a limit below 0. It costs what SInter does, and ends at
// the limit. Redis 7.0.
func (d reads) SInterCard(limit int, keys ...string) (n int, err error) {
	if limit < 0 {
		return 0, errLimit
	}
	err = d.sets(keys, func(x *exec, sets []*table.Entry) error {
		n = int(x.sinterCard(sets, int64(limit)))
		return nil
	})
	return n, err
}

func (d reads) combine(op setOperation, keys []string) (members []string, err error) {
	err = d.sets(keys, func(x *exec, sets []*table.Entry) error {
		members = slices.Collect(op(x, sets))
		return nil
	})
	return members, err
}

// sets runs fn with the sets at keys against one instant. fn may run several times;
// what the last run sets counts.
func (d reads) sets(keys []string, fn func(x *exec, sets []*table.Entry) error) (err error) {
	if len(keys) == 0 {
		return errNoKeys
	}
	if e := d.many(func(x *exec) {
		var sets []*table.Entry
		if sets, err = x.setsAt(keys); err == nil {
			err = fn(x, sets)
		}
	}); e != nil {
		return e
	}
	return err
}

var (
	errNoKeys = wireError("ERR at least 1 key is needed")
	errLimit  = &Error{"ERR LIMIT can't be negative"}
)

// SAdd adds members, at least one, to the set at key and returns how many are new. It
// makes a set if there is none. The error is [ErrWrongType]. O(1) a member; up to 128 texts, or 512 integers, are copied.
func (d writes) SAdd(key string, members ...string) (added int, err error) {
	if len(members) == 0 {
		return 0, &Error{wrongArity("sadd").Str}
	}
	err = d.grow(func(x *exec) (err error) {
		added, err = x.sadd(key, members)
		return err
	})
	return added, err
}

// SRem removes members of the set at key and returns how many were there. A set
// without members is removed. The error is [ErrWrongType]. O(1) a member, as SAdd.
func (d writes) SRem(key string, members ...string) (removed int, err error) {
	err = d.write(func(x *exec) (err error) {
		removed, err = x.srem(key, members)
		return err
	})
	return removed, err
}

// SPop removes a random member of the set at key and returns it. The stream names what
// was removed, so that replicas remove the same. The error is [ErrNotFound] if there is
// no such key, or [ErrWrongType]. O(1) in the common case, fair as SRandMember.
func (d writes) SPop(key string) (string, error) { return onlyOne(d.SPopN(key, 1)) }

// SPopN removes up to count random members, all of them different, and returns them;
// none if there is no such key. The error is [ErrWrongType], or of a count below 0. It
// is otherwise like SPop. O(count) in the common case; more than a third of a set is
// found by walking through it, O(n).
func (d writes) SPopN(key string, count int) (members []string, err error) {
	if count < 0 {
		return nil, errPositive
	}
	err = d.write(func(x *exec) (err error) {
		members, err = x.spopMany(key, int64(count))
		return err
	})
	return members, err
}

// SMove moves a member from one set to another, which is made if it is not there, and
// reports whether it was in the first. The error is [ErrWrongType]. O(1), as SAdd.
func (d writes) SMove(from, to, member string) (done bool, err error) {
	err = d.write(func(x *exec) (err error) {
		done, err = x.smove(from, to, member)
		return err
	})
	return done, err
}

// SInterStore writes what SInter returns to key to, in place of whatever is there,
// and returns the number of members. Where there are none, to is removed. Readers
// see what was or what is, and wait for nothing; other writers wait. The error is
// [ErrWrongType]; O(SInter + members stored).
func (d writes) SInterStore(to string, keys ...string) (int, error) {
	return d.combineStore("SINTERSTORE", interSets, to, keys)
}

// SUnionStore is SInterStore of what SUnion returns.
func (d writes) SUnionStore(to string, keys ...string) (int, error) {
	return d.combineStore("SUNIONSTORE", concatSets, to, keys)
}

// SDiffStore is SInterStore of what SDiff returns.
func (d writes) SDiffStore(to string, keys ...string) (int, error) {
	return d.combineStore("SDIFFSTORE", diffSets, to, keys)
}

func (d writes) combineStore(name string, op setOperation, to string, keys []string) (n int, err error) {
	if len(keys) == 0 {
		return 0, errNoKeys
	}
	err = d.grow(func(x *exec) (err error) {
		n, err = x.combineStore(name, op, to, keys)
		return err
	})
	return n, err
}
