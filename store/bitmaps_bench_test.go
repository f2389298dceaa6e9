package store

import (
	"fmt"
	"strings"
	"testing"
)

// dense puts a string without holes at k, in pieces, so that no second copy is made.
func dense(b *testing.B, s *Store, n int) {
	b.Helper()
	const piece = 1 << 20
	text := strings.Repeat("x", min(n, piece))
	for at := 0; at < n; at += len(text) {
		if _, err := s.DB(0).SetRange("k", int64(at), text); err != nil {
			b.Fatal(err)
		}
	}
}

// A bit of a string of each size, which changes each time. With a snapshot open, the first
// write to a chunk keeps the old one for it.
func BenchmarkSetBit(b *testing.B) {
	for _, n := range []int{1 << 10, 64 << 10, 128 << 10, 64 << 20, 512 << 20} {
		for _, open := range []bool{false, true} {
			b.Run(fmt.Sprintf("bytes=%d/snapshot=%v", n, open), func(b *testing.B) {
				s := New(&Options{SnapshotBudget: -1})
				dense(b, s, n)
				if open {
					sn := s.Snapshot()
					defer sn.Close()
				}
				db, at := s.DB(0), int64(0)
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					at = (at + 1_000_003*8 + 1) % (int64(n) * 8)
					on, _ := db.GetBit("k", at)
					_, _ = db.SetBit("k", at, !on)
				}
			})
		}
	}
}

// The first write by offset to 64 MB that came in one piece lays them out.
func BenchmarkFirstSetBit(b *testing.B) {
	s, text := New(nil), strings.Repeat("x", 64<<20)
	for range b.N {
		b.StopTimer()
		_ = s.DB(0).Set("k", text, 0)
		b.StartTimer()
		_, _ = s.DB(0).SetBit("k", 0, true)
	}
}

// Reads and combinations of 64 MB, dense and nearly all holes.
func BenchmarkBitmaps(b *testing.B) {
	const n = 64 << 20
	for _, sparse := range []bool{false, true} {
		s := New(nil)
		if !sparse {
			dense(b, s, n)
		}
		db := s.DB(0)
		_, _ = db.SetBit("k", n*8-1, false)
		_, _ = db.BitOp(BitNot, "not", "k")
		for _, bm := range []struct {
			name string
			run  func() error
		}{
			{"BITCOUNT", func() error { _, err := db.BitCount("k", nil); return err }},
			{"BITPOS", func() error { _, err := db.BitPos("k", true, &BitRange{-1, -1, true}); return err }},
			{"BITOP-NOT", func() error { _, err := db.BitOp(BitNot, "to", "k"); return err }},
			{"BITOP-AND", func() error { _, err := db.BitOp(BitAnd, "to", "k", "not"); return err }},
			{"BITOP-XOR", func() error { _, err := db.BitOp(BitXor, "to", "k", "not"); return err }},
			{"BITFIELD", func() error {
				_, err := db.BitField("k", UnsignedBits(12, 4090*8).Incr(1), UnsignedBits(12, 8190*8).Incr(1))
				return err
			}},
		} {
			b.Run(fmt.Sprintf("%s/sparse=%v", bm.name, sparse), func(b *testing.B) {
				b.ReportAllocs()
				for range b.N {
					if err := bm.run(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
