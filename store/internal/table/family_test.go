package table

import (
	"fmt"
	"testing"
)

// A split takes segments that were made before it, and Restock replaces them.
func TestSplitTakesSegmentsMadeAhead(t *testing.T) {
	f := NewFamily()
	tab := f.New()
	splits := 0
	for i := 0; splits < 5; i++ {
		ready, depth := len(f.spare), tab.Depth()
		put(tab, fmt.Sprint("key:", i), "v")
		if tab.Depth() == depth {
			if i < 100 && f.short.Load() {
				t.Fatalf("a table of %d keys wants a full segment", i+1)
			}
			f.Restock()
			continue
		}
		splits++
		if ready != spares || len(f.spare) != 0 {
			t.Errorf("at %d keys: %d segments were ready, and %d after the split", i+1, ready, len(f.spare))
		}
		f.Restock()
		if len(f.spare) != spares {
			t.Errorf("Restock left %d segments", len(f.spare))
		}
	}
}

// Spare segments come empty, whoever had segments before.
func TestSpareSegmentsAreEmpty(t *testing.T) {
	f := NewFamily()
	f.short.Store(true)
	for range 3 {
		f.Restock()
		s := f.segment(0, fullBits)
		for i := range s.buckets {
			if s.buckets[i].word.Load() != 0 {
				t.Fatal("a spare bucket is in use")
			}
		}
		for i := range 100 {
			s.insert(f.Hash(fmt.Sprint(i)), NewText(1, fmt.Sprint(i), "", 0))
		}
	}
}
