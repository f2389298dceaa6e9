package store

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkGetUnderPolicy is what a policy of eviction costs a read: nothing, unless it is
// about the use of keys.
func BenchmarkGetUnderPolicy(b *testing.B) {
	const keys = 1 << 20
	for _, p := range []EvictionPolicy{NoEviction, AllKeysRandom, AllKeysLRU, AllKeysLFU} {
		b.Run(p.String(), func(b *testing.B) {
			s := New(&Options{MemoryLimit: MemoryLimit{Bytes: 1 << 30, Policy: p}})
			names := make([]string, keys)
			for i := range names {
				names[i] = fmt.Sprintf("key:%010d", i)
				s.DB(0).Set(names[i], "a value of thirty-two bytes long", 0)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.DB(0).Get(names[rand.IntN(keys)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSetUnderPolicy overwrites and inserts keys of a full store, so that each
// insertion removes another key.
func BenchmarkSetUnderPolicy(b *testing.B) {
	for _, p := range []EvictionPolicy{NoEviction, AllKeysRandom, AllKeysLRU, AllKeysLFU, VolatileTTL} {
		b.Run(p.String(), func(b *testing.B) {
			l := MemoryLimit{Bytes: 64 << 20, Policy: p}
			if p == NoEviction {
				l.Bytes = 0
			}
			s := New(&Options{MemoryLimit: l})
			ttl := time.Duration(0)
			if p.volatile() {
				ttl = time.Hour
			}
			set := func(i int) {
				if err := s.DB(0).Set(fmt.Sprintf("key:%010d", i), "a value of thirty-two bytes long", ttl); err != nil {
					b.Fatal(err)
				}
			}
			for i := range 1 << 20 {
				set(i)
			}
			b.ReportAllocs()
			for i := 1 << 20; b.Loop(); i++ {
				set(i)
			}
		})
	}
}
