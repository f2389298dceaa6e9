package store

// PFAdd counts elements at key and reports whether the count may have changed. It makes a
// HyperLogLog if there is none, without elements too: one that tells how many different
// elements it was given, with a standard error of 0.81 %, in 12 KB at most. The error is
// [ErrWrongType], [ErrNotHyperLogLog] or [ErrCorruptHyperLogLog]. O(1) an element, and a
// copy of the value if a register changes. Redis 2.8.9.
func (d writes) PFAdd(key string, elements ...string) (changed bool, err error) {
	effect := append([]string{"PFADD", key}, elements...)
	err = d.grow(func(x *exec) (err error) {
		changed, err = x.pfadd(key, elements, effect...)
		return err
	})
	return changed, err
}

// PFCount is how many different elements were added at keys, at least one, together: those
// that were added at several count once. Errors are PFAdd's.
//
// Of one key it is O(1), since the value remembers it: on a primary the first PFCount after
// a change writes it there, and so into the stream. Otherwise it looks at the 16384
// registers of each key, some tens of microseconds.
func (d reads) PFCount(keys ...string) (n int64, err error) {
	if len(keys) == 0 {
		return 0, &Error{wrongArity("pfcount").Str}
	}
	if e := d.refreshing(d.many, func(x *exec) { n, err = x.pfcount(keys) }); e != nil {
		return 0, e
	}
	return n, err
}

// PFMerge makes the HyperLogLog at to count what those at from count beside its own. It
// is made if there is none. Errors are PFAdd's. O(keys). Redis 2.8.9.
func (d writes) PFMerge(to string, from ...string) error {
	effect := append([]string{"PFMERGE", to}, from...)
	return d.grow(func(x *exec) error { return x.pfmerge(to, from, effect...) })
}
