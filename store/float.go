package store

import (
	"math/big"
	"strings"
)

// Redis adds floating-point numbers in the 80-bit format of x87: a mantissa of
// 64 bits and an exponent of 15. A big.Float of that precision rounds alike.
const (
	floatBits   = 64
	floatDigits = 17    // after the point, as Redis prints them
	maxFloatExp = 16384 // of a number in [0.5, 1) times 2^exp
	minFloatExp = -16445
	maxFloatLen = 5 << 10
)

// addFloat adds two decimal numbers as INCRBYFLOAT does.
func addFloat(a, b string) (string, error) {
	x, err := parseFloat(a)
	if err != nil {
		return "", err
	}
	y, err := parseFloat(b)
	if err != nil {
		return "", err
	}
	if x.IsInf() || y.IsInf() {
		return "", ErrNotFinite
	}
	x.Add(x, y)
	if x.IsInf() || x.MantExp(nil) > maxFloatExp {
		return "", ErrNotFinite
	}
	return formatFloat(x), nil
}

// parseFloat reads what strtold reads as a whole: decimal and hexadecimal
// numbers and infinities, with no space around them. NaN is refused.
func parseFloat(s string) (*big.Float, error) {
	if s == "" || len(s) > maxFloatLen || strings.ContainsAny(s, "_ \t\n\v\f\r") {
		return nil, ErrNotFloat
	}
	if inf, ok := infinity(s); ok {
		return inf, nil
	}
	if lower := strings.ToLower(strings.TrimLeft(s, "+-")); strings.HasPrefix(lower, "0b") || strings.HasPrefix(lower, "0o") {
		return nil, ErrNotFloat
	}
	base := 10
	if strings.Contains(strings.ToLower(s), "0x") {
		base = 0
	} else if strings.ContainsAny(s, "pP") {
		return nil, ErrNotFloat // a power of two is for hexadecimal mantissas only
	}
	f, _, err := big.ParseFloat(s, base, floatBits, big.ToNearestEven)
	if err != nil || f.MantExp(nil) > maxFloatExp || vanishes(f) {
		return nil, ErrNotFloat
	}
	return f, nil
}

// vanishes reports whether f is not 0 and would be rounded to it: half of the
// smallest number of the format goes to the even side.
func vanishes(f *big.Float) bool {
	exp := f.MantExp(nil)
	return exp < minFloatExp || exp == minFloatExp && f.MinPrec() == 1
}

func infinity(s string) (*big.Float, bool) {
	t := strings.ToLower(s)
	negative := strings.HasPrefix(t, "-")
	if negative || strings.HasPrefix(t, "+") {
		t = t[1:]
	}
	if t != "inf" && t != "infinity" {
		return nil, false
	}
	return new(big.Float).SetInf(negative), true
}

// formatFloat prints with 17 digits after the point and drops trailing zeros.
func formatFloat(f *big.Float) string {
	s := f.Text('f', floatDigits)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" || s == "" {
		return "0"
	}
	return s
}
