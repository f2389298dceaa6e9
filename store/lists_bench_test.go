package store_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/understudy-go/understudy/store"
)

// filledList is a list of n elements of 16 bytes.
func filledList(n int) *store.Store {
	s := store.New(nil)
	for i := 0; i < n; i += 1000 {
		part := make([]string, min(1000, n-i))
		for j := range part {
			part[j] = fmt.Sprintf("value:%010d", i+j)
		}
		_, _ = s.DB(0).RPush("l", part...)
	}
	return s
}

// The ways to use a list, at three sizes: they cost O(log n), but for LINSERT, which
// looks for an element that is always about the hundredth. With a snapshot open, a
// write copies each node once, and then costs what it does without.
func BenchmarkList(b *testing.B) {
	ops := []struct {
		name string
		run  func(db store.DB, n int, r *rand.Rand) error
	}{
		{"LINDEX", func(db store.DB, n int, r *rand.Rand) error { _, err := db.LIndex("l", r.IntN(n)); return err }},
		{"LRANGE100", func(db store.DB, n int, r *rand.Rand) error {
			at := r.IntN(n - 100)
			_, err := db.LRange("l", at, at+99)
			return err
		}},
		{"LSET", func(db store.DB, n int, r *rand.Rand) error { return db.LSet("l", r.IntN(n), "value:changed") }},
		{"LINSERT", func(db store.DB, _ int, r *rand.Rand) error {
			if _, err := db.LInsert("l", store.Left, fmt.Sprintf("value:%010d", 100), "new"); err != nil {
				return err
			}
			_, err := db.LRem("l", 1, "new")
			return err
		}},
		{"RPUSH", func(db store.DB, _ int, _ *rand.Rand) error { _, err := db.RPush("l", benchValue); return err }},
		{"LPOP", func(db store.DB, _ int, _ *rand.Rand) error { // and RPUSH, so that it never ends
			v, err := db.LPop("l")
			if err == nil {
				_, err = db.RPush("l", v)
			}
			return err
		}},
		{"LMOVE", func(db store.DB, _ int, _ *rand.Rand) error {
			_, err := db.LMove("l", "l", store.Left, store.Right)
			return err
		}},
	}
	for _, n := range []int{1000, 100_000, 1_000_000} {
		for _, open := range []bool{false, true} {
			for _, op := range ops {
				b.Run(fmt.Sprintf("%s/elements=%d/snapshot=%v", op.name, n, open), func(b *testing.B) {
					s, r := filledList(n), rand.New(rand.NewPCG(1, 2))
					if open {
						sn := s.Snapshot()
						defer sn.Close()
					}
					b.ReportAllocs()
					for b.Loop() {
						if err := op.run(s.DB(0), n, r); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}

// Small lists are copied by each write: the size bounds what that costs.
func BenchmarkSmallList(b *testing.B) {
	for _, n := range []int{1, 10, 100, 400} {
		b.Run(fmt.Sprintf("RPUSH+LPOP/elements=%d", n), func(b *testing.B) {
			db := filledList(n).DB(0)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = db.RPush("l", "value:0000000000")
				_, _ = db.LPop("l")
			}
		})
		b.Run(fmt.Sprintf("LPUSH+RPOP/elements=%d", n), func(b *testing.B) {
			db := filledList(n).DB(0)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = db.LPush("l", "value:0000000000")
				_, _ = db.RPop("l")
			}
		})
	}
}

// The first write after a cut costs no more than any other, whatever the size.
func BenchmarkListFirstWriteAfterCut(b *testing.B) {
	for _, n := range []int{1000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("elements=%d", n), func(b *testing.B) {
			s := filledList(n)
			b.ReportAllocs()
			for b.Loop() {
				sn := s.Snapshot()
				_ = s.DB(0).LSet("l", n/2, "value:changed")
				_ = sn.Close()
			}
		})
	}
}
