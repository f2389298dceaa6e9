package backlog

import (
	"testing"
	"unsafe"
)

// The block that a full one is followed by was made when the one before it was
// started: by Wake, not by Append.
func TestNextBlockIsMadeAhead(t *testing.T) {
	b := New(1 << 20)
	for blocks := range 8 {
		ahead := b.reserve.ready.Load()
		if (ahead != nil) != (blocks > 0) {
			t.Fatalf("after %d full blocks: made ahead: %v", blocks, ahead != nil)
		}
		k := b.state.Load().chain.tail.Load()
		b.Append(fill(len(k.buf) - int(k.n.Load()) + 1))
		if tail := b.state.Load().chain.tail.Load(); tail == k {
			t.Fatal("the block was not filled")
		} else if ahead != nil && unsafe.SliceData(tail.buf) != unsafe.SliceData(*ahead) {
			t.Errorf("after %d full blocks: %d bytes were made under the lock", blocks, len(tail.buf))
		}
		b.Wake()
	}
}

// What was made for another size of the backlog is not used.
func TestBlockOfAnotherSizeIsNotUsed(t *testing.T) {
	b := New(1 << 20)
	b.Append(fill(minBlock + 1))
	b.Wake()
	b.SetSize(minBlock)
	b.Append(fill(2 * minBlock))
	if n := len(b.state.Load().chain.tail.Load().buf); n != minBlock {
		t.Errorf("a backlog of %d bytes has a block of %d", minBlock, n)
	}
}

func TestSmallBacklogHasNoReserve(t *testing.T) {
	b := New(1 << 20)
	b.Append(fill(minBlock))
	b.Wake()
	if b.reserve.ready.Load() != nil {
		t.Error("a block was made ahead before the first was left")
	}
}
