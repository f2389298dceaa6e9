package hll

import "math"

// histogram counts the registers of each rank. Values that somebody made by hand may have
// dense ranks above topRank: they are counted and have no say.
type histogram [1 << rankWidth]int

// estimate is the cardinality by Ertl's improved estimator, which needs no corrections by
// tables: sigma stands for the registers that nothing was added to, tau for those that can
// rise no further.
//
// It must give the same number everywhere, since that number becomes data. So each product
// is rounded on its own before it is added: some machines would add first.
func (h *histogram) estimate() uint64 {
	const m = registers
	z := m * tau(float64(m-h[topRank])/m)
	for rank := rankBits; rank >= 1; rank-- {
		z += float64(h[rank])
		z *= 0.5
	}
	z += float64(m * sigma(float64(h[0])/m))
	const alpha = 0.721347520444481703680 // 1 / (2 ln 2)
	return uint64(math.Round(alpha * m * m / z))
}

// sigma is the sum of x and of x^(2^k) * 2^(k-1) over all k above 0.
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x *= x
		before := z
		z += float64(x * y)
		y += y
		if z == before {
			return z
		}
	}
}

// tau is a third of 1 - x less the sum of (1 - x^(2^-k))^2 * 2^-k over all k above 0.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		before := z
		y *= 0.5
		z -= float64(float64((1-x)*(1-x)) * y)
		if z == before {
			return z / 3
		}
	}
}
