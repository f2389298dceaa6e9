package store_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/understudy-go/understudy/store"
)

// streamSizes are the numbers of entries of these benchmarks: UNDERSTUDY_BENCH_ENTRIES adds
// one, 10000000 for the long form.
func streamSizes() []int {
	sizes := []int{1000, 100_000}
	if n, err := strconv.Atoi(os.Getenv("UNDERSTUDY_BENCH_ENTRIES")); err == nil {
		sizes = append(sizes, n)
	}
	return sizes
}

// streamOfEntries is a store with a stream of n entries, of two fields and 20 bytes each.
func streamOfEntries(n int) *store.Store {
	s := store.New(nil)
	db := s.DB(0)
	for i := range n {
		_, _, _ = db.XAddWith("s", &store.XAddOptions{ID: store.StreamID{Ms: uint64(i + 1)}}, "celsius", "21.5", "room", "cellar")
	}
	return s
}

// eachStream runs fn on streams of each size, alone and beside an open snapshot.
func eachStream(b *testing.B, fn func(b *testing.B, s *store.Store, n int)) {
	for _, n := range streamSizes() {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) { fn(b, streamOfEntries(n), n) })
		b.Run(fmt.Sprintf("entries=%d/snapshot", n), func(b *testing.B) {
			s := streamOfEntries(n)
			sn := s.Snapshot()
			defer sn.Close()
			fn(b, s, n)
		})
	}
}

// BenchmarkXAdd adds an entry and lets the first one go.
func BenchmarkXAdd(b *testing.B) {
	eachStream(b, func(b *testing.B, s *store.Store, n int) {
		db := s.DB(0)
		b.ReportAllocs()
		o := &store.XAddOptions{Trim: store.TrimToLen(n)}
		for i := n; b.Loop(); i++ {
			o.ID = store.StreamID{Ms: uint64(i + 1)}
			if _, _, err := db.XAddWith("s", o, "celsius", "21.5", "room", "cellar"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkXRange reads 10 entries from the middle.
func BenchmarkXRange(b *testing.B) {
	eachStream(b, func(b *testing.B, s *store.Store, n int) {
		db := s.DB(0)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			first := store.StreamID{Ms: uint64(n/2 + i%100)}
			if got, err := db.XRangeN("s", first, store.MaxStreamID, 10); len(got) != 10 || err != nil {
				b.Fatal(len(got), err)
			}
		}
	})
}

// BenchmarkXAddAfterCut makes a cut before each entry: what the first write after a cut
// costs, whatever the size.
func BenchmarkXAddAfterCut(b *testing.B) {
	for _, n := range streamSizes() {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			s := streamOfEntries(n)
			db := s.DB(0)
			b.ReportAllocs()
			for i := n; b.Loop(); i++ {
				sn := s.Snapshot()
				if _, _, err := db.XAddWith("s", &store.XAddOptions{ID: store.StreamID{Ms: uint64(i + 1)}}, "f", "v"); err != nil {
					b.Fatal(err)
				}
				sn.Close()
			}
		})
	}
}
