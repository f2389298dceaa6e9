package store

// A store refuses clients' writes for one of three reasons, each set by whoever drives its
// replication. They are looked at when the writer lock is held, so that a write is either
// before the reason or refused.
//
//	read-only  it follows a primary, whose stream is the only source of its data
//	barred     it may not accept what too few replicas would have
//	sealed     its stream has ended for now: another node is about to go on with it
//
// Read-only and barred concern data alone: messages and the deletions of expired keys go
// their way. Sealed concerns every byte of the stream.

// refusal is why clients may not change data, nil when they may. It takes no lock, and one
// load for each reason.
func (s *Store) refusal() error {
	if s.mu.readOnly.Load() {
		return ErrReadOnly
	}
	if s.mu.barred.Load() {
		return ErrNoReplicas
	}
	return nil
}

// closedToWrites is refusal for a write that is about to be made. REQUIRES: the writer lock.
func (s *Store) closedToWrites() error {
	if s.mu.sealed {
		return ErrSealed
	}
	return s.refusal()
}

// Refusal is why clients may not write at this instant: [ErrReadOnly], [ErrNoReplicas] or
// [ErrSealed]; nil when they may.
func (r Replication) Refusal() error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.s.closedToWrites()
}

// SetBarred makes a primary refuse clients' writes with [ErrNoReplicas], or accept them
// again. It takes no lock: a write that is under way is completed. A replica refuses for
// its own reasons, if at all, whatever was set here before.
func (r Replication) SetBarred(on bool) { r.s.mu.barred.Store(on) }

// Seal ends the stream of a primary for now and returns its offset, which stays what it is:
// writes and messages are refused with [ErrSealed], nothing is swept or injected. Unseal,
// Promote and Demote lift that. On a replica, whose stream is not its own, it does nothing,
// and ok is false.
func (r Replication) Seal() (offset int64, ok bool) {
	s := r.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.sealed = !s.mu.replica
	return s.backlog.Offset(), s.mu.sealed
}

// Unseal lets the stream go on where Seal stopped it.
func (r Replication) Unseal() {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.mu.sealed = false
}
