package store_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/understudy-go/understudy/store"
)

// The keys of these benchmarks are 15 bytes long, the values 32.
func benchKey(i int) string { return fmt.Sprintf("key:%011d", i) }

var benchValue = strings.Repeat("v", 32)

func filled(n int) *store.Store {
	s := store.New(nil)
	db := s.DB(0)
	for i := range n {
		_ = db.Set(benchKey(i), benchValue, 0)
	}
	return s
}

// manyKeys is more than the processor's caches hold, but where the benchmarks only show that
// they run.
func manyKeys() int {
	if testing.Short() {
		return 100_000
	}
	return 4_000_000
}

// big is filled(manyKeys()), made once for the benchmarks that need it.
var big = sync.OnceValue(func() *store.Store { return filled(manyKeys()) })

// shuffled returns m keys out of n in random order: sequential ones flatter.
func shuffled(n, m int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	keys := make([]string, m)
	for i := range keys {
		keys[i] = benchKey(r.IntN(n))
	}
	return keys
}

func BenchmarkGet(b *testing.B) {
	for _, n := range []int{1, 1000, manyKeys()} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			s := big()
			if n < manyKeys() {
				s = filled(n)
			}
			db, keys := s.DB(0), shuffled(n, min(n, 1<<20))
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i++ {
				if _, err := db.Get(keys[i%len(keys)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSet(b *testing.B) {
	for _, open := range []bool{false, true} {
		b.Run(fmt.Sprintf("overwrite/keys=4000000/snapshot=%v", open), func(b *testing.B) {
			s := big()
			db, keys := s.DB(0), shuffled(manyKeys(), min(manyKeys(), 1<<20))
			if open {
				sn := s.Snapshot()
				defer sn.Close()
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i++ {
				_ = db.Set(keys[i%len(keys)], benchValue, 0)
			}
		})
	}
	b.Run("insert", func(b *testing.B) {
		db := store.New(nil).DB(0)
		b.ReportAllocs()
		for i := 0; i < b.N; i++ {
			_ = db.Set(benchKey(i), benchValue, 0)
		}
	})
}

func BenchmarkCut(b *testing.B) {
	for _, n := range []int{manyKeys() / 4, manyKeys()} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			s := big()
			if n < manyKeys() {
				s = filled(n)
			}
			b.ResetTimer()
			for i := 0; i < b.N; i++ {
				_ = s.Snapshot().Close()
			}
		})
	}
}

func BenchmarkHeapPerKey(b *testing.B) {
	for b.Loop() {
		before := heap()
		s := filled(manyKeys() / 4)
		b.ReportMetric(float64(heap()-before)/1e6, "B/key")
		runtime.KeepAlive(s)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkUpdate(b *testing.B) {
	for _, keys := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			s := filled(100_000)
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i++ {
				_, _ = s.Update(func(tx *store.Tx) error {
					for k := range keys {
						_ = tx.DB(0).Set(benchKey((i*7919+k*104729)%100_000), benchValue, 0)
					}
					return nil
				})
			}
		})
	}
}

// A large string that is written and read by offset: full, and sparse (one byte at
// its end).
func BenchmarkLargeString(b *testing.B) {
	sizes := []int{1 << 20, 64 << 20, 512 << 20}
	if testing.Short() {
		sizes = sizes[:1]
	}
	for _, size := range sizes {
		b.Run(fmt.Sprintf("SetRange/bytes=%d", size), func(b *testing.B) { benchSetRange(b, size, strings.Repeat("x", size)) })
		b.Run(fmt.Sprintf("SetRange/sparse/bytes=%d", size), func(b *testing.B) { benchSetRange(b, size, "") })
	}
	const size = 64 << 20
	db := store.New(nil).DB(0)
	_ = db.Set("k", strings.Repeat("x", size), 0)
	_, _ = db.SetRange("k", 0, "y")
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int64{16, 64 << 10} {
		b.Run(fmt.Sprintf("GetRange/bytes=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				at := r.Int64N(size - n)
				if v, _ := db.GetRange("k", at, at+n-1); int64(len(v)) != n {
					b.Fatal(len(v))
				}
			}
		})
	}
	b.Run("Append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = db.Append("k", "0123456789abcdef")
		}
	})
	for _, written := range []bool{false, true} {
		b.Run(fmt.Sprintf("Get/writtenBefore=%v", written), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if written {
					_, _ = db.SetRange("k", r.Int64N(size), "y")
				}
				_, _ = db.Get("k")
			}
		})
	}
}

// benchSetRange writes 16 bytes at random offsets.
func benchSetRange(b *testing.B, size int, start string) {
	db := store.New(nil).DB(0)
	_ = db.Set("k", start, 0)
	_, _ = db.SetRange("k", int64(size)-1, "y")
	r := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := db.SetRange("k", r.Int64N(int64(size)-16), "0123456789abcdef"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMGet(b *testing.B) {
	s := big()
	db, keys := s.DB(0), shuffled(manyKeys(), min(manyKeys(), 1<<20))
	for i := 0; b.Loop(); i++ {
		at := i * 16 % (len(keys) - 16)
		if _, err := db.MGet(keys[at : at+16]...); err != nil {
			b.Fatal(err)
		}
	}
}
