package store

// Some reads find that what they have computed belongs into the value: PFCOUNT keeps the
// cardinality in the string that it counts, so that the next one need not count, and so
// that the bytes are those of a Redis that was asked the same. Such a refresh is a write
// like any other, with an effect of its own, but nobody has asked for it: where it is not
// possible, the read is answered all the same. It is not possible on a replica, where the
// primary decides what the bytes are, nor while the stream is sealed.
//
// Reads take no lock, so a refresh is a second execution, as a commit, of a read that
// found something stale: it may find that somebody else was faster.

// mayRefresh reports whether a read may write what it found stale; if not, it is noted for
// whoever can run the read again.
func (x *exec) mayRefresh() bool {
	if x.mode != writing {
		x.stale = true
		return false
	}
	return x.origin == stream || x.s.refreshes()
}

// refreshes reports whether reads of clients may write what they found stale. REQUIRES:
// the writer lock.
func (s *Store) refreshes() bool { return !s.mu.replica && s.closedToWrites() == nil }

// refresh runs fn, a read that found something stale, as a commit, and reports whether it
// did.
func (s *Store) refresh(db int, fn func(x *exec)) bool {
	if s.refusal() != nil || s.lock() != nil {
		return false // a read-only replica takes no lock here
	}
	defer s.unlock()
	if !s.refreshes() {
		return false
	}
	c := s.begin(db, client)
	fn(&c.x)
	c.finish()
	return true
}

// refreshing runs fn, which looks at many keys or one, against one instant, and once more
// if that found something stale in a live database.
func (d reads) refreshing(over func(func(x *exec)) error, fn func(x *exec)) error {
	stale := false
	err := over(func(x *exec) {
		fn(x)
		stale = x.stale
	})
	if err == nil && stale && d.sn == nil {
		d.s.refresh(d.n, fn)
	}
	return err
}

// Refreshes reports whether the command, though it only reads, may go into the stream:
// whoever holds up writes should hold it up, too.
func (c *Command) Refreshes() bool { return c.Flags&flagRefresh != 0 }
