package store_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/understudy-go/understudy/store"
)

// sortedOf returns a store with a sorted set of n members, "key:..." with random scores
// below 1.
func sortedOf(n int) (*store.Store, store.DB) {
	s := store.New(nil)
	db, r := s.DB(0), rand.New(rand.NewPCG(1, 2))
	items := make([]store.Scored, n)
	for i := range items {
		items[i] = store.Scored{Score: r.Float64(), Member: benchKey(i)}
	}
	_, _ = db.ZAdd("z", items...)
	return s, db
}

// BenchmarkSorted runs each operation on sets of three sizes, alone and with a snapshot
// open that was made before it. The set keeps its size.
func BenchmarkSorted(b *testing.B) {
	for _, n := range []int{1000, 100_000, 1_000_000} {
		s, db := sortedOf(n)
		r := rand.New(rand.NewPCG(3, 4))
		ops := []struct {
			name string
			run  func(member string)
		}{
			{"ZRank", func(m string) { _, _ = db.ZRank("z", m) }},
			{"ZScore", func(m string) { _, _ = db.ZScore("z", m) }},
			{"ZRange10", func(string) {
				i := r.IntN(n)
				_, _ = db.Do("ZRANGE", "z", fmt.Sprint(i), fmt.Sprint(i+9))
			}},
			{"ZAdd", func(m string) { _, _ = db.ZAdd("z", store.Scored{Score: r.Float64(), Member: m}) }},
			{"ZAddNew", func(m string) {
				_, _ = db.ZAdd("z", store.Scored{Score: r.Float64(), Member: "new"})
				_, _ = db.ZRem("z", "new")
			}},
			{"ZIncrBy", func(m string) { _, _ = db.ZIncrBy("z", m, 1e-9) }},
			{"ZPopMin", func(string) {
				items, _ := db.ZPopMin("z", 1)
				_, _ = db.ZAdd("z", store.Scored{Score: r.Float64(), Member: items[0].Member})
			}},
		}
		for _, op := range ops {
			for _, open := range []bool{false, true} {
				b.Run(fmt.Sprintf("%s/members=%d/snapshot=%v", op.name, n, open), func(b *testing.B) {
					members := shuffled(n, min(n, 1<<16))
					if open {
						sn := s.Snapshot()
						defer sn.Close()
					}
					b.ReportAllocs()
					b.ResetTimer()
					for i := range b.N {
						op.run(members[i%len(members)])
					}
				})
			}
		}
	}
}

// BenchmarkSortedFirstWrite is the first change after a cut.
func BenchmarkSortedFirstWrite(b *testing.B) {
	for _, n := range []int{1000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			s, db := sortedOf(n)
			members := shuffled(n, 1<<16)
			r := rand.New(rand.NewPCG(3, 4))
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				sn := s.Snapshot()
				_, _ = db.ZAdd("z", store.Scored{Score: r.Float64(), Member: members[i%len(members)]})
				_ = sn.Close()
			}
		})
	}
}
