package rdb

import (
	"hash/crc64"
	"math/bits"
	"math/rand/v2"
	"testing"
)

func TestCRC64Check(t *testing.T) {
	if got := crcUpdate(0, []byte("123456789")); got != 0xe9c6d914c4b8d9ca {
		t.Errorf("crc64(123456789) = %016x, want e9c6d914c4b8d9ca", got)
	}
}

// The standard library computes the same, with the register inverted before and after.
func TestCRC64AgainstStandardLibrary(t *testing.T) {
	table := crc64.MakeTable(bits.Reverse64(crcPolynomial))
	random := rand.New(rand.NewPCG(1, 2))
	p := make([]byte, 200)
	for i := range p {
		p[i] = byte(random.Uint32())
	}
	for n := range p {
		start := random.Uint64()
		want := ^crc64.Update(^start, table, p[:n])
		if got := crcUpdate(start, p[:n]); got != want {
			t.Fatalf("%d bytes on %016x: %016x, want %016x", n, start, got, want)
		}
		if got := crcUpdate(crcUpdate(start, p[:n/3]), p[n/3:n]); got != want {
			t.Fatalf("%d bytes in two pieces: %016x, want %016x", n, got, want)
		}
	}
}

func BenchmarkCRC64(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"size=47", 47}, {"size=64K", 64 << 10}} {
		b.Run(size.name, func(b *testing.B) {
			p, sum := make([]byte, size.n), uint64(0)
			b.SetBytes(int64(size.n))
			for b.Loop() {
				sum = crcUpdate(sum, p)
			}
		})
	}
}
