package store

import (
	"math"
	"strconv"
	"strings"

	"github.com/understudy-go/understudy/resp"
)

// formatScore is a score as Redis 7.0 prints it: what C's %.17g gives, which is the
// same number when it is read again. "inf" and "-inf" are infinities.
func formatScore(f float64) string {
	const exact = 1 << 53
	if i := int64(f); float64(i) == f && i > -exact && i < exact && (i != 0 || !math.Signbit(f)) {
		return strconv.FormatInt(i, 10)
	}
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return strconv.FormatFloat(f, 'g', 17, 64)
}

// scanScore is a score as ZSCAN prints it: out of a small sorted set, what is an
// integer without an exponent.
func scanScore(f float64, small bool) string {
	if i := int64(f); small && math.Abs(f) <= math.MaxInt64/2 && float64(i) == f {
		return strconv.FormatInt(i, 10)
	}
	return formatScore(f)
}

func scoreReply(f float64) resp.Value { return resp.DoubleText(f, formatScore(f)) }

// parseScore reads a number as C's strtod does, all of s: decimal, hexadecimal, an
// infinity. NaN is refused, and so is what is too large or too near to 0.
func parseScore(s string) (float64, error) {
	f, ok := parseDouble(s)
	if !ok || f == 0 && !spellsZero(s) {
		return 0, ErrNotFloat
	}
	if math.IsInf(f, 0) {
		if _, spelled := infinity(s); !spelled {
			return 0, ErrNotFloat
		}
	}
	return f, nil
}

// parseBoundScore reads a bound of a range, which is less strict: nothing at all is 0,
// space may stand in front, a NUL ends the number, what is too large is infinite.
func parseBoundScore(s string) (float64, bool) {
	s, _, _ = strings.Cut(s, "\x00")
	if s == "" {
		return 0, true
	}
	return parseDouble(strings.TrimLeft(s, " \t\n\v\f\r"))
}

// parseDouble is strtod for a whole string, without NaN.
func parseDouble(s string) (f float64, ok bool) {
	if s == "" || strings.IndexByte(s, '_') >= 0 {
		return 0, false
	}
	if isHex(s) && !strings.ContainsAny(s, "pP") {
		s += "p0" // which C does without
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, false
	}
	return f, true
}

func isHex(s string) bool {
	s = strings.TrimLeft(s, "+-")
	return len(s) > 1 && s[0] == '0' && s[1]|0x20 == 'x'
}

// spellsZero tells a number that is 0 from one that was rounded to it.
func spellsZero(s string) bool {
	digits, marks := "123456789", "eE"
	if isHex(s) {
		digits, marks = "123456789abcdefABCDEF", "pP"
	}
	if i := strings.IndexAny(s, marks); i >= 0 {
		s = s[:i]
	}
	return !strings.ContainsAny(s, digits)
}
