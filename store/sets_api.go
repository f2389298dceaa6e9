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
// does. O(n), without a copy, except in a transaction.
func (d reads) SMembers(key string) (members iter.Seq[string], err error) {
	e, err := d.entry(key)
	switch {
	case err == nil && e != nil && kindOf(e) != Set:
		err = ErrWrongType
		fallthrough
	case err != nil || e == nil:
		return func(func(string) bool) {}, err
	case e.Kind() != table.BigSet:
		return (&exec{}).setMembers(e), nil // immutable: no instant is needed
	}
	return func(yield func(string) bool) { d.walkSet(key, yield) }, nil
}

// walkSet is the walk over a large set, or over what has become of it since.
func (d reads) walkSet(key string, yield func(string) bool) {
	switch {
	case d.tx != nil:
		d.membersInTx(key, yield)
	case d.sn != nil:
		d.sn.members(d.n, key, yield)
	default:
		sn := d.s.Snapshot()
		defer sn.Close()
		sn.members(d.n, key, yield)
	}
}

// membersInTx collects first: the loop's body may write.
func (d reads) membersInTx(key string, yield func(string) bool) {
	x, err := d.txExec()
	if err != nil {
		return
	}
	for _, m := range slices.Collect(x.setMembers(x.entry(key))) {
		if !yield(m) {
			return
		}
	}
}

func (sn *Snapshot) members(db int, key string, yield func(string) bool) {
	x := sn.exec(db)
	e, err := x.setAt(key)
	if err != nil {
		return
	}
	for m := range x.setMembers(e) {
		if sn.Err() != nil || !yield(m) {
			return
		}
	}
}

// SRandMember returns a random member of the set at key. The error is [ErrNotFound] if
// there is no such key, or [ErrWrongType]. O(1) in the common case; a pick out of a
// large set is fair within a factor of four.
func (d reads) SRandMember(key string) (string, error) { return onlyOne(d.SRandMemberN(key, 1)) }

// onlyOne is the first of a list, ErrNotFound if there is none.
func onlyOne[T any](list []T, err error) (v T, _ error) {
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return v, err
	}
	return list[0], nil
}

// SRandMemberN returns random members of the set at key: up to count different ones,
// or, for a negative count, that many, each picked anew. None if there is no such
// key. The error is [ErrWrongType], or that of a count below -16777216.
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

var errNoKeys = wireError("ERR at least 1 key is needed")

// SAdd adds members, at least one, to the set at key and returns how many are new. It
// makes a set if there is none. The error is [ErrWrongType]. O(1) a member; up to 128 texts, or 512 integers, are copied.
func (d writes) SAdd(key string, members ...string) (added int, err error) {
	if len(members) == 0 {
		return 0, &Error{wrongArity("sadd").Str}
	}
	err = d.write(func(x *exec) (err error) {
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
	err = d.write(func(x *exec) (err error) {
		n, err = x.combineStore(name, op, to, keys)
		return err
	})
	return n, err
}
