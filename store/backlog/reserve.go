package backlog

import "sync/atomic"

// A reserve holds the bytes of the block that the chain will need next. Making a block takes a hundred times as
// long as the append that needs it: 256 KB are mostly memory that was never touched, a page fault for each 4 KB.
// The writer takes them under its lock; whoever held the lock makes new ones after it.
//
// The zero value is empty, and stays so until a block was full: a store that never replicates costs little.
type reserve struct {
	ready atomic.Pointer[[]byte]
	due   atomic.Int64 // length of what is to be made; 0 for nothing
}

// take returns size zero bytes. REQUIRES: the writer lock.
func (r *reserve) take(size int) []byte {
	if p := r.ready.Swap(nil); p != nil && len(*p) == size {
		return *p
	}
	return make([]byte, size)
}

// order notes that a block of size bytes will be needed.
func (r *reserve) order(size int) { r.due.Store(int64(size)) }

// restock makes what was ordered. Call it without a lock. Safe anywhere, also concurrently.
func (r *reserve) restock() {
	if r.due.Load() == 0 {
		return
	}
	size := r.due.Swap(0)
	if size == 0 {
		return
	}
	p := make([]byte, size)
	for i := 0; i < len(p); i += 4096 {
		p[i] = 0 // the first touch
	}
	r.ready.Store(&p)
}
