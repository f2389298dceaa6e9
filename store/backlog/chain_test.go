package backlog

import (
	"slices"
	"sync"
	"testing"
)

// blockSizes lists the lengths of the retained blocks, oldest first.
func blockSizes(b *Backlog) (sizes []int) {
	for k := b.state.Load().chain.oldest.Load(); k != nil; k = k.next.Load() {
		sizes = append(sizes, len(k.buf))
	}
	return sizes
}

func retained(b *Backlog) (n int64) {
	for _, s := range blockSizes(b) {
		n += int64(s)
	}
	return n
}

func TestBlocksGrow(t *testing.T) {
	const k = 1 << 10
	b := New(64 << 20)
	if got := blockSizes(b); !slices.Equal(got, []int{4 * k}) {
		t.Errorf("a fresh backlog holds blocks %v, want one of 4 KB", got)
	}
	for range 1000 {
		b.Append(fill(k))
	}
	want := []int{4 * k, 8 * k, 16 * k, 32 * k, 64 * k, 128 * k, 256 * k, 256 * k, 256 * k}
	if got := blockSizes(b); !slices.Equal(got, want) {
		t.Errorf("blocks after 1000 KB: %v, want %v", got, want)
	}
}

// TestWindowIsExact writes step by step across many blocks: end-first is the size as soon as that many bytes
// were written, neither more nor less, and what is retained is never much more.
func TestWindowIsExact(t *testing.T) {
	for _, size := range []int64{0, 1, 64, 4095, 4096, 4097, 100_000, 1 << 20} {
		for _, step := range []int{1, 75, 4096, 10_000} {
			b := at(5000, size)
			for written := int64(0); written < 3*size+20_000; {
				b.Append(fill(step))
				written += int64(step)
				first, end := b.Window()
				if want := min(size, written); end != 5000+written || end-first != want {
					t.Fatalf("size %d step %d: window [%d, %d] after %d bytes, want %d of them", size, step, first, end, written, want)
				}
				if written > size+1_000_000 {
					break
				}
			}
			if got, most := retained(b), size+size/2+4*minBlock; got > most {
				t.Errorf("size %d step %d: %d bytes retained, want at most %d", size, step, got, most)
			}
		}
	}
}

func TestSetSize(t *testing.T) {
	b := at(0, 1000)
	b.Append(fill(5000))
	for _, tt := range []struct{ size, first int64 }{
		{1000, 4000},
		{10, 4990},
		{0, 5000},
		{-3, 5000},
		{900, 4100}, // still retained
		{1 << 40, 0},
	} {
		b.SetSize(tt.size)
		if first, end := b.Window(); first != tt.first || end != 5000 {
			t.Errorf("SetSize(%d): window [%d, %d], want [%d, 5000]", tt.size, first, end, tt.first)
		}
	}
	if got := b.Size(); got != 1<<40 {
		t.Errorf("Size() = %d", got)
	}
}

// TestWindowCannotReachBeforeReset: what lies before an adopted offset was never ours.
func TestWindowCannotReachBeforeReset(t *testing.T) {
	b := at(1000, 64)
	for i := range int64(100) {
		if first, _ := b.Window(); first != max(1000, 1000+i-64) {
			t.Fatalf("first = %d after %d bytes", first, i)
		}
		b.Append(fill(1))
	}
}

// TestHugeOffset: an offset from a hostile peer may be anything; nothing may overflow into a panic.
func TestHugeOffset(t *testing.T) {
	b := at(1<<63-1, 64)
	r, err := b.NewReader(b.Offset(), 1<<63-1, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.Append(fill(100_000))
	if first, end := b.Window(); end-first != 64 || first < 0 {
		t.Errorf("window [%d, %d], want 64 bytes", first, end)
	}
	if p := r.TryNext(0); len(p) == 0 {
		t.Errorf("TryNext() = %d bytes", len(p))
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	b := New(1 << 20)
	for range 10_000 { // reach full-sized blocks
		b.Append(fill(100))
	}
	p := fill(75)
	// A block in 3,495 appends, hence well below one allocation a run.
	if n := testing.AllocsPerRun(1000, func() { b.Append(p); b.Wake() }); n != 0 {
		t.Errorf("Append allocates %v times", n)
	}
}

// TestReadersStartAnywhere opens a reader at every count across several blocks: both sides of each border too.
func TestReadersStartAnywhere(t *testing.T) {
	b := at(0, 1<<20)
	p := make([]byte, 30_000)
	for i := range p {
		p[i] = byte(i * 7 / 3)
	}
	b.Append(p)
	for count := range p {
		r, err := b.NewReader(int64(count), 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.TryNext(1); len(got) != 1 || got[0] != p[count] {
			t.Fatalf("reader at %d: TryNext(1) = %v, want %v", count, got, p[count])
		}
		r.Close()
	}
}

// TestSpanningAppendsAreWhole: each append crosses at least one block, so that a half of it would be a count
// which is no multiple of its length. Window must keep first <= end meanwhile.
func TestSpanningAppendsAreWhole(t *testing.T) {
	const n, rounds = minBlock + 1, 20_000
	b := at(0, 0)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := watchOffsets(b, n*rounds, n); err != nil {
				t.Error(err)
			}
		})
	}
	p := fill(n)
	for range rounds {
		b.Append(p)
	}
	wg.Wait()
}
