package backlog

import "sync/atomic"

// Sizes of a block in bytes. The first block of a chain is small, so that a store which never replicates
// costs little; each later one doubles up to a quarter of the backlog, so that trimming whole blocks never
// retains much more than was asked for. Beyond 256 KB a larger block measured no faster.
const (
	minBlock = 4 << 10
	maxBlock = 256 << 10
)

// A block is one stretch of the stream, filled from the front.
//
// Invariant: 0 <= n <= len(buf); next != nil and published  =>  n == len(buf) and next.start == start+len(buf).
type block struct {
	start int64  // count of stream bytes before buf[0]; immutable
	buf   []byte // buf[:n] is immutable, buf[n:] belongs to the writer

	// n publishes: whoever loads n may read buf[:n] without a lock, because the writer stored n after the bytes.
	n atomic.Int64
	// next is followed only by those who have consumed all of buf. It is stored before n reaches len(buf).
	next atomic.Pointer[block]
}

func newBlock(start int64, buf []byte) *block { return &block{start: start, buf: buf} }

// end returns the count after the last published byte of this block.
func (k *block) end() int64 { return k.start + k.n.Load() }

// A chain is the stream of one history since it was adopted, as far as it is retained.
//
//	oldest ──► block ──► block ──► tail        first = max(oldest.start, end-size)
//	             ▲                             end   = tail.start + tail.n
//	             └ a reader holds its own block: what lies after it stays reachable, what lies
//	               before it is garbage as soon as oldest has moved on
//
// There are no back pointers, so retention needs no reference counts.
type chain struct {
	// oldest and tail are stored by the writer only, and loaded by anyone.
	oldest, tail atomic.Pointer[block]
}

func newChain(at int64) *chain {
	c := new(chain)
	k := newBlock(at, make([]byte, minBlock))
	c.oldest.Store(k)
	c.tail.Store(k)
	return c
}

// end returns the count after the last published byte: always a boundary between two appends.
//
// A spanning append stores tail before it publishes the rest of the old tail. A caller that loaded
// the old tail could therefore see it full, a count in the middle of an append; looking at tail once more tells.
func (c *chain) end() int64 {
	for {
		k := c.tail.Load()
		end := k.end()
		if c.tail.Load() == k {
			return end
		}
	}
}

// append copies p behind the end, publishes all of it at once, and returns the new end.
// size is the size of the backlog in bytes: what is wholly older is let go. A new block comes from r.
// REQUIRES: the writer lock.
func (c *chain) append(p []byte, size int64, r *reserve) int64 {
	k := c.tail.Load()
	n := int(k.n.Load())
	if len(p) > len(k.buf)-n {
		return c.span(k, n, p, size, r)
	}
	copy(k.buf[n:], p)
	k.n.Store(int64(n + len(p)))
	return k.start + int64(n+len(p))
}

// span is append for bytes that do not fit into the tail k, of which n bytes are in use.
//
// Readers see them when k becomes full (or, when it was full already, when it gets a next), and Offset sees
// them when tail moves: each a single store, whatever the length of p.
func (c *chain) span(k *block, n int, p []byte, size int64, r *reserve) int64 {
	first, last := aside(k, n, p, size, r)
	r.order(nextBlockSize(len(last.buf), size))
	c.tail.Store(last)
	k.next.Store(first)
	k.n.Store(int64(len(k.buf)))
	c.trim(last.end() - size)
	return last.end()
}

// aside writes p behind the first n bytes of k, into its rest and into new blocks from first to last. Nobody
// sees any of it yet: span shows all of it when it is complete.
func aside(k *block, n int, p []byte, size int64, r *reserve) (first, last *block) {
	p = p[copy(k.buf[n:], p):]
	for prev := k; len(p) > 0; prev = last {
		last = newBlock(prev.start+int64(len(prev.buf)), r.take(nextBlockSize(len(prev.buf), size)))
		used := copy(last.buf, p)
		last.n.Store(int64(used))
		p = p[used:]
		if first == nil {
			first = last
		} else {
			prev.next.Store(last)
		}
	}
	return first, last
}

// nextBlockSize returns the length of the block after one of prev bytes in a backlog of size bytes.
func nextBlockSize(prev int, size int64) int {
	most := min(max(size/4, minBlock), maxBlock)
	return int(min(int64(prev)*2, most))
}

// trim lets go of the blocks that hold nothing after count keep. REQUIRES: the writer lock.
func (c *chain) trim(keep int64) {
	k := c.oldest.Load()
	for next := k.next.Load(); next != nil && next.start <= keep; next = k.next.Load() {
		k = next
	}
	c.oldest.Store(k)
}

// A view is the window of a chain at one instant, with the block that makes it good: as long as
// somebody holds oldest, every byte after first can be read, whatever the writer trims meanwhile.
type view struct {
	oldest     *block
	first, end int64 // Invariant: oldest.start <= first <= end
}

// view returns the window of a backlog of size bytes.
//
// The window is exact to the byte although memory is trimmed by blocks: whether a follower may continue must
// depend on the configured size alone, not on where a block happened to end.
func (c *chain) view(size int64) view {
	oldest := c.oldest.Load() // before end: the other way round a trim in between gives first > end
	end := c.end()
	return view{oldest, max(oldest.start, end-size), end}
}

// seek returns the block in which to read on from count. REQUIRES: first <= count <= end.
// It walks: O(retained blocks), a few thousand for a backlog of one gigabyte.
func (v view) seek(count int64) *block {
	k := v.oldest
	for next := k.next.Load(); next != nil && next.start <= count; next = k.next.Load() {
		k = next
	}
	return k
}
