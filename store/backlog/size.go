package backlog

// This file is how much of the stream is kept: the size, which may change at any time, and whether anything is kept at all.
//
// A backlog that nobody comes back to is memory for nothing. Free lets it go, together with the name of the history: whoever
// held that name and some bytes could not be told from one who missed some. Offsets go on, so that nobody who knows only those
// notices. The first reader brings the backlog back at its full size.

// Size returns the size of the backlog in bytes, as it was set; a freed backlog has it in store. Safe anywhere.
func (b *Backlog) Size() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked
}

// SetSize changes the size of the backlog to n bytes. The window changes at once; memory is freed by a later Append.
// Growing brings back what happens to be retained still. A freed backlog stays so. Safe anywhere.
func (b *Backlog) SetSize(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = min(max(n, 0), maxOffset)
	if !b.freed {
		b.size.Store(b.asked)
	}
}

// Free lets go of the stream and keeps no more of it than it must. A new ID names the data from here on, without a secondary ID,
// at the same offset; the window is empty and stays at the end. Readers end with [ErrHistoryChanged]; call Wake after
// unlocking. It lasts until a reader comes, Keep or Reset is called. REQUIRES: the writer lock.
func (b *Backlog) Free() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.resetLocked(History{ID: NewID(), Offset: b.Offset(), SecondaryLimit: -1, StreamDB: -1})
	b.freed = true
	b.size.Store(0)
	b.reserve.ready.Store(nil)
}

// Keep ends what Free began: the stream is kept again from here on. Safe anywhere.
func (b *Backlog) Keep() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keepLocked()
}

func (b *Backlog) keepLocked() {
	b.freed = false
	b.size.Store(b.asked)
}

// Freed reports whether nothing is kept because of Free. Safe anywhere.
func (b *Backlog) Freed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.freed
}

// Memory returns the bytes of memory that the backlog holds for itself: whole blocks, so somewhat more than the window. Safe
// anywhere. O(1).
func (b *Backlog) Memory() int64 {
	c := b.state.Load().chain
	oldest := c.oldest.Load() // before tail: the other way round a trim in between gives a negative number
	tail := c.tail.Load()
	return tail.start + int64(len(tail.buf)) - oldest.start
}

// Retained returns the bytes of memory that readers hold beyond that. Blocks are shared, so what the reader furthest behind
// holds is what all of them do, however many there are. Safe anywhere. O(readers).
//
// Slices handed out are not counted: each keeps one block for as long as its owner does.
func (b *Backlog) Retained() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	oldest := b.state.Load().chain.oldest.Load().start
	first := oldest
	for r := range b.readers {
		if k := r.block.Load(); k != nil {
			first = min(first, k.start)
		}
	}
	return oldest - first
}
