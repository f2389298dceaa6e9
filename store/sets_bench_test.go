package store_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/understudy-go/understudy/store"
)

// setOf is a store with a set of n members at "k": texts of 15 bytes.
func setOf(n int) *store.Store {
	s := store.New(nil)
	for i := range n {
		_, _ = s.DB(0).SAdd("k", benchKey(i))
	}
	return s
}

// benchSet runs do on sets of three sizes, without and with a snapshot that was taken
// before the first call.
func benchSet(b *testing.B, do func(db store.DB, members []string, i int)) {
	for _, n := range []int{1_000, 100_000, 1_000_000} {
		for _, open := range []bool{false, true} {
			b.Run(fmt.Sprintf("members=%d/snapshot=%v", n, open), func(b *testing.B) {
				s := setOf(n)
				if open {
					sn := s.Snapshot()
					defer sn.Close()
				}
				members := shuffled(n, min(n, 1<<20))
				b.ReportAllocs()
				b.ResetTimer()
				for i := 0; i < b.N; i++ {
					do(s.DB(0), members, i)
				}
			})
		}
	}
}

// BenchmarkSAdd adds new members; the set grows by b.N.
func BenchmarkSAdd(b *testing.B) {
	benchSet(b, func(db store.DB, _ []string, i int) { _, _ = db.SAdd("k", benchKey(1<<30+i)) })
}

// BenchmarkSPop pops one member and adds another: the set keeps its size.
func BenchmarkSPop(b *testing.B) {
	benchSet(b, func(db store.DB, _ []string, i int) {
		if m, err := db.SPop("k", 1); len(m) != 1 {
			b.Fatal(m, err)
		}
		_, _ = db.SAdd("k", benchKey(1<<30+i))
	})
}

func BenchmarkSRandMember(b *testing.B) {
	for _, count := range []int{1, 10, -10} {
		b.Run(fmt.Sprintf("count=%d", count), func(b *testing.B) {
			benchSet(b, func(db store.DB, _ []string, _ int) {
				if m, err := db.SRandMember("k", count); len(m) == 0 {
					b.Fatal(m, err)
				}
			})
		})
	}
}

func BenchmarkSIsMember(b *testing.B) {
	benchSet(b, func(db store.DB, members []string, i int) {
		if is, _ := db.SIsMember("k", members[i%len(members)]); !is {
			b.Fatal("no member")
		}
	})
}

// BenchmarkSmallSet adds and removes a member of sets that are held in blobs.
func BenchmarkSmallSet(b *testing.B) {
	for _, text := range []string{"", "m"} {
		for _, n := range []int{8, 64, 127} {
			b.Run(fmt.Sprintf("text=%v/members=%d", text != "", n), func(b *testing.B) {
				db := store.New(nil).DB(0)
				for i := range n {
					_, _ = db.SAdd("k", fmt.Sprint(text, i))
				}
				r := rand.New(rand.NewPCG(1, 2))
				b.ReportAllocs()
				for b.Loop() {
					m := fmt.Sprint(text, r.IntN(n))
					_, _ = db.SRem("k", m)
					_, _ = db.SAdd("k", m)
				}
			})
		}
	}
}
