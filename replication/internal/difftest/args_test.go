package difftest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// gen makes arguments. Everything random comes from r, so that a seed repeats a run.
type gen struct {
	r *rand.Rand
	// relative counts the relative times given out: no two are alike, so that GT and LT do not depend on the millisecond
	// in which a side got a command.
	relative int64
	newer    bool     // the server is later than Redis 7.0
	inMulti  bool     // the next command will be queued
	payloads []string // that were dumped lately, for RESTORE
}

func newGen(seed uint64) *gen { return &gen{r: rand.New(rand.NewPCG(seed, 0))} }

func (g *gen) pick(list ...string) string { return list[g.r.IntN(len(list))] }

// chance is true once in n.
func (g *gen) chance(n int) bool { return g.r.IntN(n) == 0 }

// never is a key that nobody writes: for arguments that are only safe to try where there is nothing. Commands that name it
// stay as they are.
const never = "never"

// plainKeys are few, so that commands meet, and of one name in every type.
var plainKeys = []string{
	"a", "b", "c", "d", "n", "h1", "h2", "big", "", "bin\x00\r\n\xff", "{tag}k*[?]\\", strings.Repeat("long", 80),
}

// keys are all that a run writes.
var keys = slices.Concat(plainKeys, listKeys, setKeys, sortedKeys, lexKeys, sketchKeys, streamKeys, geoKeys)

func (g *gen) key() string {
	if g.chance(7) {
		return g.anyKey()
	}
	return plainKeys[g.r.IntN(len(plainKeys))]
}

// text is a value.
func (g *gen) text() string {
	switch g.r.IntN(10) {
	case 0:
		return g.integer()
	case 1:
		return g.float()
	case 2:
		return strings.Repeat("x", g.r.IntN(200))
	case 3:
		return g.pick("", "\x00", "\r\n", "\xff\xfe", "*", "0", "-0", "nan", strings.Repeat("v", 64), strings.Repeat("v", 65))
	}
	return strconv.Itoa(g.r.IntN(1000))
}

// integer is the text of a 64-bit integer, of one that nearly is, or of none.
func (g *gen) integer() string {
	if g.chance(2) {
		return strconv.Itoa(g.r.IntN(41) - 20)
	}
	return g.pick(
		"0", "1", "-1", "9223372036854775807", "9223372036854775806", "9223372036854775808", "-9223372036854775808",
		"-9223372036854775807", "-9223372036854775809", "18446744073709551615", "4294967296", "2147483647", "-2147483649",
		"", " 1", "1 ", "+1", "-0", "01", "-01", "0x10", "1e3", "1.0", "abc", "-", "+", "1\x00", "१", "1_000",
		"100000000000000000000000000000")
}

// float is the text of a number as strtold might read it, or not.
func (g *gen) float() string {
	switch g.r.IntN(6) {
	case 0:
		return g.integer()
	case 1:
		return strconv.FormatFloat(g.r.NormFloat64()*100, 'f', g.r.IntN(20), 64)
	case 2:
		return strconv.FormatFloat(g.r.NormFloat64(), 'e', g.r.IntN(20), 64)
	}
	return g.pick(
		"0.1", "0.2", "-0.3", ".5", "5.", ".", "+.5", "1e2", "1E-2", "1e", "1e+", "3.0e3", "1e17", "1e18", "123456789012345678.9",
		"1e308", "1e309", "-1e4000", "1e4931", "1e4932", "1.18e4932", "1.2e4932", "1e5000", "1e-17", "5e-18", "4e-18", "1e-4940",
		"1e-4950", "1e-4952", "1e-5000", "3e-4951", "inf", "-inf", "+INF", "infinity", "Infinit", "nan", "-nan", "NaN(1)", "nan()",
		"0x1p3", "0X1.8P-1", "0x.8", "0x", "0xg", "0x1p16383", "0x1p16384", "0x1p-16445", "0x1p-16446", "0x1p", "-0x10", "0x1e2",
		"0b1", "0o7", "1_0", "0x_1", "-0", "-0.0", "00012.500", " 1", "1 ", "\t1", "1\x00", "1\n", "--1", "+-1", "1,5", "٣",
		"0.30000000000000004", "1.7976931348623157e308", "3.14159265358979323846264338327950288", strings.Repeat("1", 400),
		"0."+strings.Repeat("0", 4900)+"1", strings.Repeat("9", 5119), strings.Repeat("9", 5120), "1e99999999999999999999")
}

func (g *gen) field() string {
	if g.newer && g.chance(3) {
		return g.datedField()
	}
	return g.plainField()
}

// plainField is a field that never has a deadline.
func (g *gen) plainField() string {
	return g.pick("f", "g", "h", "i", "f1", "f2", "", "\x00\xff", "12", "-3", strings.Repeat("F", 64), strings.Repeat("F", 65))
}

// fields returns up to n fields, with repetitions.
func (g *gen) fields(n int) []string { return g.several(n, g.field) }

func (g *gen) several(n int, f func() string) (list []string) {
	for range 1 + g.r.IntN(n) {
		list = append(list, f())
	}
	return list
}

// pairs returns up to n pairs of what name and text make. Now and then there are enough fields to make a hash big.
func (g *gen) pairs(n int, name func() string) (list []string) {
	for range 1 + g.r.IntN(n) {
		list = append(list, name(), g.text())
	}
	return list
}

func (g *gen) hashPairs() []string {
	if !g.chance(60) {
		return g.pairs(4, g.field)
	}
	var list []string
	for i := range 100 + g.r.IntN(60) {
		list = append(list, "many"+strconv.Itoa(i), g.text())
	}
	return list
}

// word spells an option in any case.
func (g *gen) word(list ...string) string {
	w := g.pick(list...)
	switch g.r.IntN(4) {
	case 0:
		return strings.ToLower(w)
	case 1:
		return w[:1] + strings.ToLower(w[1:])
	}
	return w
}

func (g *gen) db() string {
	if g.chance(12) {
		return g.pick("15", "16", "-1", "", "abc", "99999999999999999999", "9223372036854775807", "4294967296", "65536", "01", "1.0")
	}
	if !g.chance(4) {
		return "0" // so that commands find something
	}
	return strconv.Itoa(g.r.IntN(4))
}

// The year in which absolute deadlines lie. No relative time reaches it.
const (
	absoluteFirst = 4102444800000 // 2100-01-01
	absoluteYear  = 366 * 24 * 3600 * 1000
	relativeStep  = 1000 // seconds between two relative times, far more than the tolerance of a comparison
	tolerance     = 100 * time.Second
)

func isAbsolute(ms int64) bool { return ms >= absoluteFirst && ms < absoluteFirst+absoluteYear }

// after is a time to live in the given unit: far in the future, not positive, or no time at all. Times between would pass
// on one side before the other.
func (g *gen) after(unit time.Duration) string {
	if g.chance(6) {
		return g.pick("0", "-1", "-1000", "abc", "", "1.5", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
			"9223372036854775", "9223372036854776", "-9223372036854775", "-9223372036854776", "4611686018427387904", " 10", "+10")
	}
	g.relative++
	return strconv.FormatInt((g.relative+2)*int64(relativeStep*time.Second/unit), 10)
}

// at is an instant in the given unit since 1970. A few of them are repeated often, so that they compare as equal.
func (g *gen) at(unit time.Duration) string {
	switch g.r.IntN(8) {
	case 0:
		return g.pick("0", "1", "-1", "1000", "abc", "", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
			"9223372036854775", "9223372036854776", "-9223372036854775", "-9223372036854776", "1.5")
	case 1, 2, 3, 4, 5:
		return strconv.FormatInt((absoluteFirst+int64(g.r.IntN(2))*86_400_000)/unit.Milliseconds(), 10)
	}
	return strconv.FormatInt((absoluteFirst+g.r.Int64N(absoluteYear))/unit.Milliseconds(), 10)
}

// ttl is one of SET's and GETEX's ways to state a deadline.
func (g *gen) ttl() []string {
	switch w := g.word("EX", "PX", "EXAT", "PXAT"); strings.ToUpper(w) {
	case "EX":
		return []string{w, g.after(time.Second)}
	case "PX":
		return []string{w, g.after(time.Millisecond)}
	case "EXAT":
		return []string{w, g.at(time.Second)}
	default:
		return []string{w, g.at(time.Millisecond)}
	}
}

func (g *gen) pattern() string {
	return g.pick("*", "?", "", "a", "[a-c]", "[c-a]", "[^a]", "[^", "[", "[]", "[a", "[a-", "[-a]", "[a\\]]", "\\", "\\a", "a\\", "h*", "*1", "h?",
		"**", "*[?]\\", "{tag}k\\*\\[\\?\\]\\\\", "*\\\\", "bin*", "*\xff", "lo*ng", "*long*long*", "f*", "many1*", "[hb]*", "[^\\a]", "[\\a-c]")
}

// mutate breaks a command now and then: too few words, too many, one that makes no sense, a name in odd case.
func (g *gen) mutate(args []string) []string {
	switch {
	case !g.chance(8) || slices.Contains(args, never):
		return args
	case g.chance(3):
		return args[:1+g.r.IntN(len(args))]
	case g.chance(3):
		return append(args, g.pick("junk", "", "NX", args[len(args)-1]))
	case g.chance(3) && len(args) > 1:
		args[1+g.r.IntN(len(args)-1)] = g.pick("", "x", "junk", "NaN", "\x00")
		return args
	}
	args[0] = g.word(args[0])
	return args
}

func shown(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a
		if a == "" || len(a) > 60 || strconv.Quote(a) != `"`+a+`"` || strings.ContainsRune(a, ' ') {
			words[i] = clip(fmt.Sprintf("%q", a))
		}
	}
	return strings.Join(words, " ")
}

// clip shortens what a report shows.
func clip(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s...(%d bytes)", s[:most], len(s))
}

func lcsArgs(g *gen) []string {
	args := list(g.key(), g.key())
	for g.chance(2) {
		args = append(args, g.word("LEN", "IDX", "WITHMATCHLEN", "MINMATCHLEN"))
		if args[len(args)-1] == "MINMATCHLEN" {
			args = append(args, g.pick("0", "1", "2", "3", g.integer()))
		}
	}
	return args
}
