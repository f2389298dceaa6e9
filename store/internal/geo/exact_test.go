package geo

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func wide(v float64) *big.Float { return new(big.Float).SetPrec(300).SetFloat64(v) }

// between is the mean of two numbers.
func between(a, b float64) *big.Float {
	sum := wide(a)
	return sum.Add(sum, wide(b)).Quo(sum, wide(2))
}

// bigSin is the sine of x by its series with 300 bits.
func bigSin(x *big.Float) *big.Float {
	square := new(big.Float).Mul(x, x)
	sum, term := new(big.Float).Set(x), new(big.Float).Set(x)
	for n := 2.0; n < 120; n += 2 {
		term.Mul(term, square)
		term.Quo(term, wide(-n*(n+1)))
		sum.Add(sum, term)
	}
	return sum
}

// Sines are rounded correctly, and so are cosines, which squared and added to them are 1, and
// arcs, whose sines are between those of the numbers beside them.
func TestExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 3000 {
		x := (r.Float64()*2 - 1) * 3.15
		if i%4 == 0 {
			x = math.Pi/2*float64(r.IntN(5)-2) + r.NormFloat64()*math.Exp(-r.Float64()*40)
		}
		if math.Abs(x) > 4 {
			continue
		}
		want, _ := bigSin(wide(x)).Float64()
		if got := exactSin(x); got != want {
			t.Fatalf("sin(%v) = %v, want %v", x, got, want)
		}
		s, c := sine(x, 0), sine(x, 1)
		if one := s.mul(s).add(c.mul(c)); one.hi != 1 || math.Abs(one.lo) > 1e-30 {
			t.Fatalf("sin² + cos² of %v = %v", x, one)
		}
		y := r.Float64()
		a := exactAsin(y)
		below, above := bigSin(between(a, math.Nextafter(a, 0))), bigSin(between(a, math.Nextafter(a, 2)))
		if v := big.NewFloat(y); v.Cmp(below) < 0 || v.Cmp(above) > 0 {
			t.Fatalf("asin(%v) = %v is not the nearest", y, a)
		}
	}
	for _, y := range []float64{0, 1, 1 - 1e-16, 0.5, 1e-300} {
		if got, want := exactAsin(y), math.Asin(y); math.Abs(got-want) > 1e-15*want {
			t.Errorf("asin(%v) = %v, want about %v", y, got, want)
		}
	}
}

func BenchmarkDistance(b *testing.B) {
	p, q := Point{13.361389, 38.115556}, Point{15.087269, 37.502669}
	b.Run("fast", func(b *testing.B) {
		for b.Loop() {
			Distance(p, q)
		}
	})
	b.Run("exact", func(b *testing.B) {
		for b.Loop() {
			ExactDistance(p, q)
		}
	})
}
