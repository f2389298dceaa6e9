package hll

import (
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// filled is what has counted n elements.
func filled(t testing.TB, n int) *Draft {
	t.Helper()
	d := New()
	for i := range n {
		if _, err := d.Add(fmt.Appendf(nil, "member:%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// What Redis 7.0 and 8.0 made of the same elements: the count, the length, and the bytes after
// a PFCOUNT.
func TestBytesOfServers(t *testing.T) {
	for _, tt := range []struct {
		n     int
		count uint64
		size  int
		sum   string
	}{
		{1, 1, 21, "6f7c5d2a457dc9e4"},
		{10, 10, 48, "549acbcb952bf09f"},
		{100, 100, 287, "dcda6ed578349dd8"},
		{700, 697, 1389, "b1b88c6fdcc6494e"},
		{1000, 1002, 1898, "82bfce3a6fe748f7"},
		{1500, 1503, 2732, "e0019b1d57c1a1f8"},
		{5000, 4977, 12304, "ef4205e349b931dc"},
		{100_000, 100_445, 12304, "4fd4f13697d971ef"},
		{1_000_000, 988_443, 12304, "f17ee6529a051ad7"},
	} {
		d := filled(t, tt.n)
		n, err := d.Count()
		d.SetCached(n)
		sum := fmt.Sprintf("%x", sha256.Sum256(d.Value))[:16]
		if n != tt.count || err != nil || len(d.Value) != tt.size || sum != tt.sum {
			t.Errorf("%d elements: count %d, %v, %d bytes, sum %s; want %d, %d bytes, %s", tt.n, n, err, len(d.Value), sum, tt.count, tt.size, tt.sum)
		}
	}
}

// Both forms hold the same registers, and count the same.
func TestFormsAgree(t *testing.T) {
	for _, n := range []int{0, 1, 50, 1000, 1400, 20_000} {
		d := filled(t, n)
		was, err := d.Ranks()
		if err != nil {
			t.Fatal(err)
		}
		before, _ := d.Count()
		if err := d.MakeDense(); err != nil {
			t.Fatal(err)
		}
		is, _ := d.Ranks()
		after, _ := d.Count()
		if *was != *is || before != after || is.Count() != after {
			t.Errorf("%d elements: counted %d sparse, %d dense, %d apart; registers equal: %v", n, before, after, is.Count(), *was == *is)
		}
	}
}

// A union counts as if everything had been added to one.
func TestMerge(t *testing.T) {
	for _, n := range []int{10, 3000} {
		a, b := New(), New()
		for i := range n {
			a.Add(fmt.Appendf(nil, "member:%d", i*2/3))
			b.Add(fmt.Appendf(nil, "member:%d", n-1-i/2))
		}
		var all Ranks
		for _, v := range []Value{a.Value, b.Value} {
			if err := v.Merge(&all); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.RaiseAll(&all); err != nil {
			t.Fatal(err)
		}
		both, want := mustRanks(t, b.Value), mustRanks(t, filled(t, n).Value)
		if *both != *want || all != *want {
			t.Errorf("%d elements: the union has other registers than the whole", n)
		}
	}
}

func mustRanks(t *testing.T, v Value) *Ranks {
	t.Helper()
	r, err := v.Ranks()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A draft leaves the bytes alone that it was made of: they belong to readers.
func TestEditCopies(t *testing.T) {
	for _, n := range []int{3, 3000} {
		v := filled(t, n).Value
		was := slices.Clone(v)
		for name, change := range map[string]func(d *Draft){
			"Add":       func(d *Draft) { d.raise(5, 40) },
			"low Add":   func(d *Draft) { d.raise(5, 30) },
			"SetStale":  (*Draft).SetStale,
			"SetCached": func(d *Draft) { d.SetCached(99) },
			"MakeDense": func(d *Draft) { d.MakeDense(); d.SetStale() },
		} {
			if d := Edit(v); !slices.Equal(v, was) {
				t.Fatalf("Edit changes")
			} else if change(d); !slices.Equal(v, was) || slices.Equal(d.Value, was) {
				t.Errorf("%s after %d elements: original changed: %v", name, n, !slices.Equal(v, was))
			}
		}
	}
}

// Each sparse form can be set register by register, from whatever it was, to the end that a
// dense one has.
func TestRaiseEverywhere(t *testing.T) {
	d, ranks := New(), Ranks{}
	for step := range 3000 {
		i, rank := step*7919%registers, uint8(1+step*31%maxRank)
		if step%3 == 0 {
			i = step % 60 // neighbours, so that runs are joined and split
			rank = uint8(1 + step/60%4)
		}
		changed, err := d.raise(i, rank)
		if err != nil || changed != (rank > ranks[i]) {
			t.Fatalf("step %d: raise(%d, %d) = %v, %v; it was %d", step, i, rank, changed, err, ranks[i])
		}
		ranks[i] = max(ranks[i], rank)
		if got := mustRanks(t, d.Value); *got != ranks {
			t.Fatalf("step %d: raise(%d, %d) changed another register", step, i, rank)
		}
	}
	if !d.Dense() {
		t.Error("2000 registers and more fit into the sparse form")
	}
}

// The functions of the estimator at their ends, and its error over all sizes.
func TestEstimate(t *testing.T) {
	if s := sigma(1); !math.IsInf(s, 1) {
		t.Errorf("sigma(1) = %v", s)
	}
	if a, b := tau(0), tau(1); a != 0 || b != 0 || sigma(0) != 0 {
		t.Errorf("tau(0) = %v, tau(1) = %v, sigma(0) = %v", a, b, sigma(0))
	}
	d := New()
	for n, next := 1, 1; n <= 500_000; n++ {
		d.Add(fmt.Append(nil, n))
		if n < next {
			continue
		}
		next += next/3 + 1
		got, err := d.Count()
		if off := math.Abs(float64(got)-float64(n)) / float64(n); err != nil || off > 4*0.0081 {
			t.Errorf("%d elements are counted as %d, %v", n, got, err)
		}
	}
	if err := SelfTest(); err != nil {
		t.Error(err)
	}
}

// FuzzValue: bytes from outside give answers or errors. What was changed without one counts
// still, if it did before.
func FuzzValue(f *testing.F) {
	f.Add([]byte(New().Value), []byte("a"), 5, uint8(3))
	f.Add([]byte(filled(f, 100).Value), []byte("b"), 16383, uint8(32))
	f.Add([]byte(filled(f, 1450).Value), []byte("c"), 0, uint8(33))
	f.Add([]byte(filled(f, 3000).Value), []byte{}, 100, uint8(51))
	f.Add([]byte("HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f"), []byte("d"), 1, uint8(1))
	f.Add([]byte("HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80"+strings.Repeat("\x83\x84", 3000)), []byte("d"), 1, uint8(1))
	f.Fuzz(func(t *testing.T, b, element []byte, i int, rank uint8) {
		if Check(b, len(b)) != nil {
			return
		}
		v := Value(b)
		_, before := v.Count()
		d := Edit(v)
		_, err1 := d.Add(element)
		_, err2 := d.raise(int(uint(i)%registers), 1+rank%topRank)
		d.SetStale()
		_ = d.Runs()
		if _, after := d.Count(); before == nil && (err1 != nil || err2 != nil || after != nil) {
			t.Errorf("a whole value is not any more: %v, %v, %v", err1, err2, after)
		}
		if _, err := d.Ranks(); (err == nil) != (d.MakeDense() == nil) && !d.Dense() {
			t.Error("Ranks and MakeDense disagree about what is whole")
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	for _, n := range []int{100, 1400, 100_000} {
		d := filled(b, n)
		b.Run(fmt.Sprintf("elements=%d", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				d.Add([]byte("member:1"))
			}
		})
	}
}

func BenchmarkCount(b *testing.B) {
	for _, n := range []int{100, 1400, 100_000} {
		d := filled(b, n)
		b.Run(fmt.Sprintf("elements=%d", n), func(b *testing.B) {
			for b.Loop() {
				d.Count()
			}
		})
	}
}
