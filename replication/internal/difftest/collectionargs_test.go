package difftest

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Names of keys that mostly hold one type, so that commands of that type find their like. Everything else meets them too:
// as the target of a store, a rename, a restore.
var (
	listKeys   = []string{"l1", "l2", "l3", "l\x00"}
	setKeys    = []string{"s1", "s2", "s3", "s4"}
	sortedKeys = []string{"z1", "z2", "z3", "z4"}
	lexKeys    = []string{"x1", "x2"} // sorted sets whose scores are equal, mostly
	hashKeys   = []string{"h1", "h2", "big"}
)

// anyKey is a key of whatever type.
func (g *gen) anyKey() string { return keys[g.r.IntN(len(keys))] }

// like is a key that mostly holds what key does: types get mixed soon enough.
func (g *gen) like(key string) string {
	for _, own := range [][]string{listKeys, setKeys, sortedKeys, lexKeys, hashKeys, sketchKeys, streamKeys, geoKeys} {
		if slices.Contains(own, key) {
			return g.mostly(own)
		}
	}
	return g.key()
}

// two are a key and one like it.
func (g *gen) two() []string {
	key := g.anyKey()
	return list(key, g.like(key))
}

func (g *gen) mostly(own []string) string {
	if g.chance(10) {
		return g.anyKey()
	}
	return own[g.r.IntN(len(own))]
}

func (g *gen) listKey() string   { return g.mostly(listKeys) }
func (g *gen) setKey() string    { return g.mostly(setKeys) }
func (g *gen) sortedKey() string { return g.mostly(sortedKeys) }
func (g *gen) lexKey() string    { return g.mostly(lexKeys) }
func (g *gen) hashKey() string   { return g.mostly(hashKeys) }

func (g *gen) setOrSorted() string {
	if g.chance(3) {
		return g.setKey()
	}
	return g.sortedKey()
}

// maybe appends more once in n.
func (g *gen) maybe(n int, args []string, more ...string) []string {
	if g.chance(n) {
		return append(args, more...)
	}
	return args
}

// element is one of few, so that lists repeat it; now and then it is longer than a node of a list.
func (g *gen) element() string {
	switch g.r.IntN(12) {
	case 0:
		return g.text()
	case 1:
		if g.chance(12) {
			return strings.Repeat("E", 9000)
		}
	}
	if g.chance(2) {
		return g.pick("a", "b")
	}
	return g.pick("a", "b", "c", "d", "1", "2", "-3", "10", "", "\x00\r\n", strings.Repeat("e", 64))
}

// elements are a few, and at times more than a small list holds.
func (g *gen) elements() []string {
	if g.chance(40) {
		if g.chance(2) {
			return g.severalOf(150+g.r.IntN(200), func(int) string { return strings.Repeat("x", g.r.IntN(60)) + g.element() })
		}
		return g.severalOf(20+g.r.IntN(300), func(int) string { return g.element() })
	}
	return g.several(4, g.element)
}

func (g *gen) severalOf(n int, f func(i int) string) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = f(i)
	}
	return list
}

// member is one of few, so that sets have members in common.
func (g *gen) member() string {
	if g.chance(10) {
		return g.text()
	}
	return g.pick("a", "b", "c", "d", "e", "f", "0", "1", "2", "-3", "10", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"01", "-0", "", "\x00\xff", strings.Repeat("m", 64), strings.Repeat("m", 65))
}

// members are a few with repetitions, and at times more than either small form of a set holds.
func (g *gen) members() []string {
	if !g.chance(30) {
		return g.several(5, g.member)
	}
	prefix := g.pick("", "many")
	return g.severalOf(100+g.r.IntN(500), func(i int) string { return prefix + strconv.Itoa(i) })
}

// index is a place in a collection, from either end, or none.
func (g *gen) index() string {
	if g.chance(4) {
		return g.integer()
	}
	if g.chance(8) {
		return strconv.Itoa(g.r.IntN(800) - 400)
	}
	return strconv.Itoa(g.r.IntN(15) - 7)
}

// count is how many elements are asked for.
func (g *gen) count() string {
	if g.chance(3) {
		return g.integer()
	}
	return g.pick("0", "1", "1", "2", "3", "100", "-1", "9223372036854775807", "4611686018427387904", "4294967297")
}

func (g *gen) end() string { return g.word("LEFT", "RIGHT", "LEFT", "RIGHT", "LEFT", "RIGHT", "junk") }

// numbered returns some keys behind their number, which is wrong now and then.
func (g *gen) numbered(key func() string) []string {
	names := g.several(3, key)
	n := strconv.Itoa(len(names))
	if g.chance(12) {
		n = g.pick("0", "-1", "abc", "", "4", "9223372036854775807", "2147483648", "1", "18446744073709551617")
	}
	return append(list(n), names...)
}

// mpop is for LMPOP, ZMPOP and, behind a timeout, those that wait.
func (g *gen) mpop(key func() string, ends ...string) []string {
	args := append(g.numbered(key), g.word(append(ends, ends...)...))
	for g.chance(2) {
		args = append(args, g.word("COUNT"), g.count())
		if !g.chance(12) {
			break
		}
	}
	return args
}

func (g *gen) intercard(key func() string) []string {
	return g.maybe(2, g.numbered(key), g.word("LIMIT", "LIMIT", "LIMIT", "junk"), g.count())
}

func lposArgs(g *gen) []string {
	args := list(g.listKey(), g.element())
	for range g.r.IntN(4) {
		args = append(args, g.word("RANK", "COUNT", "MAXLEN"), g.index())
	}
	return g.maybe(20, args, "RANK")
}

// lremArgs are of few and frequent elements, so that it matters which of them go.
func lremArgs(g *gen) []string {
	if g.chance(3) {
		return list(g.listKey(), g.index(), g.element())
	}
	return list(g.listKey(), g.pick("1", "-1", "2", "-2", "0"), g.pick("a", "b"))
}

// lsetArgs leave out indexes that need more than 32 bits where a newer server cuts them off and changes another element: its
// stream then has an LSET that is an error everywhere else.
func lsetArgs(g *gen) []string {
	index := g.index()
	if n, err := strconv.ParseInt(index, 10, 64); err == nil && n != int64(int32(n)) && g.newer {
		index = strconv.Itoa(math.MinInt32)
	}
	return list(g.listKey(), index, g.element())
}

// randomArgs asks for absurd numbers only of a key that is not there: a negative count is served in full.
func (g *gen) randomArgs(key string) []string {
	switch {
	case g.chance(4):
		return list(key)
	case g.chance(8):
		return list(never, g.pick("-9223372036854775808", "-9223372036854775807", "-4611686018427387904", "-4611686018427387903", "4611686018427387903"))
	}
	return list(key, g.pick("0", "1", "-1", "3", "-7", "2000", "9223372036854775807", "4611686018427387904", "abc", "", "1.5", "9223372036854775808"))
}

// score is a sorted set's. Sums of three shall not depend on their order: most are multiples of a half.
func (g *gen) score() string {
	switch g.r.IntN(12) {
	case 0:
		return g.float()
	case 1:
		return g.pick("inf", "-inf", "+inf", "nan", "-0", "0", "1e300", "-1e300", "9007199254740993", "1e21", "123456789012345680", "4.9e-324", "0.1")
	case 2:
		return g.integer()
	}
	return strconv.FormatFloat(float64(g.r.IntN(21)-10)/2, 'f', -1, 64)
}

func zaddArgs(g *gen) []string {
	key := g.sortedKey()
	lex := g.chance(4)
	if lex {
		key = g.lexKey()
	}
	args := list(key)
	for g.chance(3) {
		args = append(args, g.word("NX", "XX", "GT", "LT", "CH", "INCR"))
	}
	names := g.several(4, g.member)
	if g.chance(40) {
		names = g.severalOf(100+g.r.IntN(200), func(i int) string { return "many" + strconv.Itoa(i) })
	}
	for _, m := range names {
		score := "0"
		if !lex || g.chance(200) {
			score = g.score()
		}
		args = append(args, score, m)
	}
	if g.chance(20) {
		return args[:len(args)-1]
	}
	return args
}

// scoreBound is an end of a range of scores.
func (g *gen) scoreBound() string {
	switch g.r.IntN(6) {
	case 0:
		return g.pick("-inf", "+inf", "inf", "(inf", "(-inf", "nan", "(nan", "(", "", "((1", "[1", "(abc", "-", "+")
	case 1:
		return "(" + g.score()
	}
	return g.score()
}

// lexBound is an end of a range of members.
func (g *gen) lexBound() string {
	switch g.r.IntN(6) {
	case 0:
		return g.pick("-", "+", "-", "+", "", "[", "(", "a", "-x", "+x", "inf")
	case 1:
		return "(" + g.member()
	}
	return g.pick("-", "+", "["+g.member())
}

func (g *gen) limit() []string { return list(g.word("LIMIT"), g.index(), g.index()) }

func byScoreArgs(g *gen) []string {
	args := g.maybe(3, list(g.sortedKey(), g.scoreBound(), g.scoreBound()), g.word("WITHSCORES"))
	args = g.maybe(3, args, g.limit()...)
	return g.maybe(20, args, g.word("WITHSCORES", "LIMIT", "REV"))
}

func byLexArgs(g *gen) []string {
	args := g.maybe(3, list(g.lexKey(), g.lexBound(), g.lexBound()), g.limit()...)
	return g.maybe(20, args, g.word("WITHSCORES", "LIMIT", "REV"))
}

// zrangeArgs are ZRANGE's: bounds of the kind that its option asks for, or not.
func zrangeArgs(g *gen) []string {
	var args []string
	switch g.r.IntN(3) {
	case 0:
		args = list(g.sortedKey(), g.index(), g.index())
	case 1:
		args = list(g.sortedKey(), g.scoreBound(), g.scoreBound(), g.word("BYSCORE"))
	case 2:
		args = list(g.lexKey(), g.lexBound(), g.lexBound(), g.word("BYLEX"))
	}
	args = g.maybe(3, args, g.word("REV"))
	args = g.maybe(4, args, g.limit()...)
	args = g.maybe(4, args, g.word("WITHSCORES"))
	return g.maybe(30, args, g.word("BYSCORE", "BYLEX", "junk", "LIMIT"))
}

// algebra is the rest of ZUNION and its like behind a destination.
func (g *gen) algebra(weighted bool) []string {
	args := g.numbered(g.setOrSorted)
	if !weighted && !g.chance(20) {
		return args
	}
	if g.chance(3) {
		args = append(args, g.word("WEIGHTS"))
		for n, _ := strconv.Atoi(args[0]); n > 0 && n < 5; n-- {
			args = append(args, g.pick("1", "2", "-1", "0.5", "0", "inf", "-inf", "1e300", g.score()))
		}
	}
	return g.maybe(2, args, g.word("AGGREGATE"), g.word("SUM", "MIN", "MAX", "MIN", "MAX", "junk"))
}

// timeout never waits for long: 0, which waits for ever, is for a transaction, where nothing waits.
func (g *gen) timeout() string {
	if g.inMulti {
		return g.pick("0", "0.0", "1", "100.5")
	}
	if g.chance(4) {
		return g.pick("-1", "-0.01", "abc", "", "nan", "inf", "-inf", "1e300", "9223372036854775808", "1e4932", "0.01x", " 0.01")
	}
	return g.pick("0.01", "0.001", "1e-2", "0x.01", ".005")
}

func (g *gen) collectionKey() string {
	switch g.r.IntN(8) {
	case 0:
		return g.anyKey()
	case 1, 2:
		return g.setKey()
	case 3, 4:
		return g.sortedKey()
	}
	return g.listKey()
}

func (g *gen) sortArgs(writes bool) []string {
	args := list(g.collectionKey())
	for g.chance(2) {
		args = append(args, g.word("ALPHA", "ALPHA", "ALPHA", "ASC", "DESC"))
	}
	if g.chance(3) {
		args = append(args, g.word("BY"), g.pick("nosort", "*", "h*", "h*->f", "h1->*", "l*", "", "#", "*->f1", "n*", "many*", "h*->", "*->*"))
	}
	for g.chance(4) {
		args = append(args, g.word("GET"), g.pick("#", "*", "h*->f", "h*", "nothing", "", "#x", "*->g"))
	}
	if g.chance(4) {
		args = append(args, g.limit()...)
	}
	if writes && g.chance(4) || g.chance(30) {
		args = append(args, g.word("STORE"), g.collectionKey())
	}
	return g.maybe(30, args, g.word("BY", "GET", "LIMIT", "junk", "STORE"))
}

func objectArgs(g *gen) []string {
	return list(g.word("ENCODING", "ENCODING", "REFCOUNT", "IDLETIME", "FREQ", "junk"), g.anyKey())
}

func memoryArgs(g *gen) []string {
	args := list(g.word("USAGE", "USAGE", "USAGE", "junk"), g.anyKey())
	return g.maybe(3, args, g.word("SAMPLES"), g.pick("0", "5", "-1", "abc", "9223372036854775807", ""))
}

// restoreArgs take a payload that either side has dumped, whole or broken.
func restoreArgs(g *gen) []string {
	payload := ""
	if len(g.payloads) > 0 {
		payload = g.payloads[g.r.IntN(len(g.payloads))]
	}
	if g.chance(8) && payload != "" {
		b := []byte(payload)
		b[g.r.IntN(len(b))] ^= 1 << g.r.IntN(8)
		payload = string(b[:len(b)-g.r.IntN(2)*g.r.IntN(len(b))])
	}
	if g.chance(30) {
		payload = g.text()
	}
	ttl, options := "0", []string(nil)
	switch g.r.IntN(6) {
	case 0:
		ttl = g.after(time.Millisecond)
	case 1:
		ttl, options = g.at(time.Millisecond), list(g.word("ABSTTL"))
	}
	args := append(list(g.anyKey(), ttl, payload), options...)
	args = g.maybe(2, args, g.word("REPLACE"))
	return g.maybe(8, args, g.word("IDLETIME", "FREQ", "IDLETIME", "FREQ", "junk"), g.pick("0", "1", "255", "256", "-1", "abc", "100"))
}
