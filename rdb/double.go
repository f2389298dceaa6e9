package rdb

import (
	"bytes"
	"errors"
	"math"
	"strconv"
)

// The lengths of a number in decimal that stand for a number that has none.
const (
	doubleNaN         = 253
	doubleInfinity    = 254
	doubleNegInfinity = 255
)

var errBadDouble = errors.New("is no number in decimal")

// decimal reads the text of a number: its length in one byte, then that many characters. Of infinities and NaN, which the
// length alone states, it makes the text that says the same.
func (s *source) decimal() ([]byte, error) {
	n, err := s.byte()
	if err != nil {
		return nil, err
	}
	switch n {
	case doubleNaN:
		return []byte("nan"), nil
	case doubleInfinity:
		return []byte("inf"), nil
	case doubleNegInfinity:
		return []byte("-inf"), nil
	}
	return s.takeAny(int(n))
}

// takeAny is take for up to 255 bytes, which may be more than the buffer of a test.
func (s *source) takeAny(n int) ([]byte, error) {
	if n <= len(s.buf) {
		return s.take(n)
	}
	return s.appendTo(nil, n)
}

// textDouble reads a number in decimal.
func (s *source) textDouble() (float64, error) {
	p, err := s.decimal()
	if err != nil {
		return 0, err
	}
	return parseDouble(p)
}

// parseDouble reads a number as servers print it: decimal with or without an exponent, or an infinity. NaN, which no
// score may be, and what would be rounded to an infinity are errors.
func parseDouble(p []byte) (float64, error) {
	if bytes.ContainsAny(p, "_xXpP") {
		return 0, errBadDouble // Go's forms, nobody else's
	}
	f, err := strconv.ParseFloat(string(p), 64)
	switch {
	case err != nil:
		return 0, errBadDouble
	case math.IsNaN(f):
		return 0, errNotScore
	}
	return f, nil
}
