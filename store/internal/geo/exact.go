package geo

import "math"

// ExactDistance is Distance with sines, cosines and arcs that are rounded correctly, or as
// good as: those of the C library that Redis uses mostly are, too, while those of package
// math differ in every tenth last digit. It takes some five times as long, and is for distances that
// somebody gets to see or that become data.
func ExactDistance(a, b Point) float64 { return haversine(a, b, exactSin, exactCos, exactAsin) }

// A double is the sum of two numbers, of which the second is at most half of the last digit
// of the first: some 32 decimal digits.
type double struct{ hi, lo float64 }

// add2 is a + b, exactly.
func add2(a, b float64) double {
	s := a + b
	t := s - a
	return double{s, (a - (s - t)) + (b - t)}
}

// mul2 is a * b, exactly.
func mul2(a, b float64) double {
	p := a * b
	return double{p, math.FMA(a, b, -p)}
}

func (x double) add(y double) double {
	s := add2(x.hi, y.hi)
	return add2(s.hi, s.lo+x.lo+y.lo)
}

func (x double) mul(y double) double {
	p := mul2(x.hi, y.hi)
	return add2(p.hi, p.lo+float64(x.hi*y.lo)+float64(x.lo*y.hi))
}

func (x double) div(n float64) double {
	q := x.hi / n
	p := mul2(q, n)
	return add2(q, (x.hi-p.hi-p.lo+x.lo)/n)
}

func (x double) neg() double { return double{-x.hi, -x.lo} }

// Half of pi, in three parts.
const (
	halfPi1 = 1.5707963267948966192313216916397514420985846996875529
	halfPi2 = 6.123233995736766e-17
	halfPi3 = -1.4973849048591833e-33
)

// quarters is x, which is between -4 and 4, as so many quarter turns and a rest of at most
// half of one.
func quarters(x float64) (turns int, rest double) {
	q := math.Round(x / halfPi1)
	whole := mul2(-q, halfPi1)
	rest = add2(x, whole.hi).add(double{whole.lo, 0})
	return int(q), rest.add(mul2(-q, halfPi2)).add(double{-q * halfPi3, 0})
}

// inverses are 1/n! as far as the series go.
var inverses = inverseFactorials()

func inverseFactorials() (inv [28]double) {
	inv[0] = double{1, 0}
	for n := 1; n < len(inv); n++ {
		inv[n] = inv[n-1].div(float64(n))
	}
	return inv
}

// series is the Taylor series of the cosine of r, which is at most an eighth of a turn, for
// first = 0, and for first = 1 that of the sine divided by r. Of the last terms the first
// half of the digits is enough.
func series(r double, first int) double {
	minus := r.mul(r).neg()
	n, tail := 26+first, 0.0
	for ; n > 15; n -= 2 {
		tail = tail*minus.hi + inverses[n].hi
	}
	sum := double{tail, 0}
	for ; n >= 0; n -= 2 {
		sum = sum.mul(minus).add(inverses[n])
	}
	return sum
}

// sine is the sine of x behind so many quarter turns.
func sine(x float64, turns int) (s double) {
	more, r := quarters(x)
	turns += more
	if turns&1 == 0 {
		s = r.mul(series(r, 1))
	} else {
		s = series(r, 0)
	}
	if turns&2 != 0 {
		return s.neg()
	}
	return s
}

func exactSin(x float64) float64 { return sine(x, 0).hi }
func exactCos(x float64) float64 { return sine(x, 1).hi }

// exactAsin improves what package math finds by one step of Newton's.
func exactAsin(y float64) float64 {
	a := math.Asin(y)
	c := math.Cos(a)
	if !(c > 0) {
		return a
	}
	s := sine(a, 0)
	return a + (y-s.hi-s.lo)/c
}
