package store

// LPush puts values, at least one, to the beginning of the list at key, one by one, so
// that the last is the first then, and returns the new length. It makes a list if there is none.
// The error is [ErrWrongType]. O(log n) a value; a small list, up to 8 KB, is copied.
func (d writes) LPush(key string, values ...string) (n int, err error) {
	return d.push(key, Left, values)
}

// RPush puts values to the end of the list at key, in order, and is otherwise like
// LPush.
func (d writes) RPush(key string, values ...string) (n int, err error) {
	return d.push(key, Right, values)
}

func (d writes) push(key string, at Side, values []string) (n int, err error) {
	if len(values) == 0 {
		return 0, &Error{wrongArity(at.word()[:1] + "PUSH").Str}
	}
	err = d.write(func(x *exec) (err error) {
		n, err = x.lpush(key, at, false, values)
		return err
	})
	return n, err
}

// LPop removes the first element of the list at key and returns it. A list without
// elements is removed. The error is [ErrNotFound] when there is no list, or
// [ErrWrongType]. O(log n); a small list, up to 8 KB, is copied.
func (d writes) LPop(key string) (string, error) { return d.popOne(key, Left) }

// RPop removes the last element of the list at key and is otherwise like LPop.
func (d writes) RPop(key string) (string, error) { return d.popOne(key, Right) }

func (d writes) popOne(key string, at Side) (string, error) { return onlyOne(d.pop(key, at, -1)) }

// LPopN removes up to count elements from the beginning of the list at key and
// returns them: none if there is no list. The error is [ErrWrongType], or of a count
// below 0. O(log n + count).
func (d writes) LPopN(key string, count int) ([]string, error) { return d.popMany(key, Left, count) }

// RPopN removes from the end, the last element first, and is otherwise like LPopN.
func (d writes) RPopN(key string, count int) ([]string, error) { return d.popMany(key, Right, count) }

func (d writes) popMany(key string, at Side, count int) ([]string, error) {
	if count < 0 {
		return nil, errPositive
	}
	return d.pop(key, at, int64(count))
}

func (d writes) pop(key string, at Side, count int64) (items []string, err error) {
	err = d.write(func(x *exec) (err error) {
		items, err = x.lpop(key, at, count)
		return err
	})
	return items, err
}

// LSet replaces element i of the list at key; negative numbers count from the end.
// The error is [ErrNoKey], [ErrIndex] or [ErrWrongType]. O(log n); a small list, up
// to 8 KB, is copied.
func (d writes) LSet(key string, i int, value string) error {
	return d.write(func(x *exec) error { return x.lset(key, int64(i), value) })
}

// LInsert inserts value before ([Left]) or behind ([Right]) the first element that
// equals pivot, and returns the new length: -1 if there is no such element, 0 if
// there is no list. The error is [ErrWrongType]. O(elements before the pivot).
func (d writes) LInsert(key string, side Side, pivot, value string) (n int, err error) {
	err = d.write(func(x *exec) (err error) {
		n, err = x.linsert(key, side, pivot, value)
		return err
	})
	return n, err
}

// LRem removes the first count elements that equal value, the last ones for a
// negative count, all for 0, and returns how many there were. The error is
// [ErrWrongType]. O(elements looked at + removed*log n).
func (d writes) LRem(key string, count int, value string) (removed int, err error) {
	err = d.write(func(x *exec) (err error) {
		removed, err = x.lrem(key, int64(count), value)
		return err
	})
	return removed, err
}

// LTrim removes all elements but those from start to stop, both included; negative
// numbers count from the end. The error is [ErrWrongType]. O(log n + removed).
func (d writes) LTrim(key string, start, stop int) error {
	return d.write(func(x *exec) error { return x.ltrim(key, int64(start), int64(stop)) })
}

// LMove takes an element from a side of one list, puts it to a side of another or of
// the same, and returns it. The error is [ErrNotFound] when there is no list to take
// from, or [ErrWrongType]. O(log n); a small list, up to 8 KB, is copied.
func (d writes) LMove(from, to string, take, put Side) (value string, err error) {
	err = d.write(func(x *exec) error {
		v, ok, err := x.lmove("LMOVE", from, to, take, put)
		if err == nil && !ok {
			err = ErrNotFound
		}
		value = v
		return err
	})
	return value, err
}
