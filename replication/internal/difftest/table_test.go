package difftest

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/store"
)

// row is one command of the store.
type row struct {
	name   string
	weight int // how often, in proportion to the others; 0: the run decides
	args   func(g *gen) []string
	same   comparison
	why    string // why not exact
}

const (
	noOrder  = "the order of a table is its own"
	isRandom = "the choice is random"
	isTime   = "the sides get a relative time at different instants"
)

// table is the whole of it. None is skipped.
var table = slices.Concat(basicRows, bitmapRows, listRows, setRows, sortedRows, streamRows, groupRows, blockingRows, hyperLogLogRows, geoRows, genericRows, fieldRows, unservedRows)

var basicRows = []row{
	{"GET", 20, oneKey, exact, ""},
	{"SET", 40, setArgs, exact, ""},
	{"SETNX", 6, func(g *gen) []string { return list(g.key(), g.text()) }, exact, ""},
	{"SETEX", 6, func(g *gen) []string { return list(g.key(), g.after(time.Second), g.text()) }, exact, ""},
	{"PSETEX", 6, func(g *gen) []string { return list(g.key(), g.after(time.Millisecond), g.text()) }, exact, ""},
	{"GETSET", 6, func(g *gen) []string { return list(g.key(), g.text()) }, exact, ""},
	{"GETDEL", 6, oneKey, exact, ""},
	{"GETEX", 12, getexArgs, exact, ""},
	{"MGET", 6, someKeys, exact, ""},
	{"MSET", 6, func(g *gen) []string { return oddly(g, g.pairs(4, g.key)) }, exact, ""},
	{"MSETNX", 6, func(g *gen) []string { return oddly(g, g.pairs(3, g.key)) }, exact, ""},
	{"INCR", 8, oneKey, exact, ""},
	{"DECR", 8, oneKey, exact, ""},
	{"INCRBY", 12, func(g *gen) []string { return list(g.key(), g.integer()) }, exact, ""},
	{"DECRBY", 12, func(g *gen) []string { return list(g.key(), g.integer()) }, exact, ""},
	{"INCRBYFLOAT", 40, func(g *gen) []string { return list(g.key(), g.float()) }, exact, ""},
	{"APPEND", 10, func(g *gen) []string { return list(g.key(), g.text()) }, exact, ""},
	{"SETRANGE", 12, func(g *gen) []string { return list(g.key(), g.offset(), g.text()) }, exact, ""},
	{"GETRANGE", 10, func(g *gen) []string { return list(g.key(), g.bound(), g.bound()) }, exact, ""},
	{"SUBSTR", 6, func(g *gen) []string { return list(g.key(), g.integer(), g.integer()) }, exact, ""},
	{"STRLEN", 5, oneKey, exact, ""},
	{"LCS", 8, lcsArgs, exact, ""},

	{"HSET", 25, func(g *gen) []string { return append(list(g.hashKey()), oddly(g, g.hashPairs())...) }, exact, ""},
	{"HMSET", 6, func(g *gen) []string { return append(list(g.hashKey()), oddly(g, g.hashPairs())...) }, exact, ""},
	{"HSETNX", 6, func(g *gen) []string { return list(g.hashKey(), g.field(), g.text()) }, exact, ""},
	{"HGET", 8, func(g *gen) []string { return list(g.hashKey(), g.field()) }, exact, ""},
	{"HMGET", 6, func(g *gen) []string { return append(list(g.hashKey()), g.fields(4)...) }, exact, ""},
	{"HGETALL", 6, oneHash, pairwise, noOrder},
	{"HKEYS", 4, oneHash, unordered, noOrder},
	{"HVALS", 4, oneHash, unordered, noOrder},
	{"HLEN", 5, oneHash, exact, ""},
	{"HEXISTS", 5, func(g *gen) []string { return list(g.hashKey(), g.field()) }, exact, ""},
	{"HSTRLEN", 5, func(g *gen) []string { return list(g.hashKey(), g.field()) }, exact, ""},
	{"HDEL", 12, func(g *gen) []string { return append(list(g.hashKey()), g.fields(5)...) }, exact, ""},
	{"HINCRBY", 15, func(g *gen) []string { return list(g.hashKey(), g.field(), g.integer()) }, exact, ""},
	{"HINCRBYFLOAT", 30, func(g *gen) []string { return list(g.hashKey(), g.plainField(), g.float()) }, exact, ""},
	{"HRANDFIELD", 8, hrandfieldArgs, shape, isRandom},
	{"HSCAN", 8, func(g *gen) []string { return append(list(g.hashKey()), g.scanArgs(false)...) }, page(2, 2), noOrder},

	{"DEL", 6, anyKeys, exact, ""},
	{"UNLINK", 3, anyKeys, exact, ""},
	{"EXISTS", 6, anyKeys, exact, ""},
	{"TOUCH", 3, anyKeys, exact, ""},
	{"TYPE", 5, anyOne, exact, ""},
	{"KEYS", 5, func(g *gen) []string { return list(g.pattern()) }, unordered, noOrder},
	{"SCAN", 8, func(g *gen) []string { return g.scanArgs(true) }, page(1, 1), noOrder},
	{"RENAME", 8, func(g *gen) []string { return g.two() }, exact, ""},
	{"RENAMENX", 6, func(g *gen) []string { return g.two() }, exact, ""},
	{"COPY", 15, copyArgs, exact, ""},
	{"MOVE", 6, func(g *gen) []string { return list(g.anyKey(), g.db()) }, exact, ""},
	{"SWAPDB", 1, func(g *gen) []string { return list(g.db(), g.db()) }, exact, ""},
	{"RANDOMKEY", 3, noArgs, kind, isRandom},
	{"DBSIZE", 0, noArgs, kind, "keys past their deadline count until somebody meets them; outside of MULTI the run sees to that and compares exactly"},
	{"FLUSHDB", 2, flushArgs, exact, ""},
	{"FLUSHALL", 1, flushArgs, exact, ""},

	{"EXPIRE", 12, func(g *gen) []string { return g.expireArgs(g.after(time.Second)) }, exact, ""},
	{"PEXPIRE", 12, func(g *gen) []string { return g.expireArgs(g.after(time.Millisecond)) }, exact, ""},
	{"EXPIREAT", 12, func(g *gen) []string { return g.expireArgs(g.at(time.Second)) }, exact, ""},
	{"PEXPIREAT", 12, func(g *gen) []string { return g.expireArgs(g.at(time.Millisecond)) }, exact, ""},
	{"TTL", 4, anyOne, remaining(1), isTime},
	{"PTTL", 4, anyOne, remaining(1000), isTime},
	{"EXPIRETIME", 4, anyOne, instant(1), isTime},
	{"PEXPIRETIME", 4, anyOne, instant(1000), isTime},
	{"PERSIST", 6, anyOne, exact, ""},

	{"PUBLISH", 2, func(g *gen) []string { return list(g.key(), g.text()) }, exact, ""},
	{"SPUBLISH", 2, func(g *gen) []string { return list(g.key(), g.text()) }, exact, ""},

	{"SELECT", 6, func(g *gen) []string { return list(g.db()) }, exact, ""},
	{"MULTI", 25, noArgs, exact, ""},
	{"EXEC", 3, noArgs, exact, ""},
	{"DISCARD", 2, noArgs, exact, ""},
	{"WATCH", 15, anyKeys, exact, ""},
	{"UNWATCH", 2, noArgs, exact, ""},

	// No command of the store's: how it says so.
	{"NOSUCH", 1, func(g *gen) []string { return g.several(6, g.text) }, exact, ""},
	{"no\r\nsuch'command", 1, someKeys, exact, ""},
}

// unservedRows are commands that came after the servers at hand: what they reply here is shown by scripts of package
// store alone, which say so, and in a run they are not sent.
var unservedRows = []row{
	{"DELEX", 0, oneKey, exact, ""},
	{"DELIFEQ", 0, oneKey, exact, ""},
	{"MSETEX", 0, oneKey, exact, ""},
	{"DIGEST", 0, oneKey, exact, ""},
	{"XDELEX", 0, oneKey, exact, ""},
	{"XACKDEL", 0, oneKey, exact, ""},
}

// isUnserved tells such commands.
func isUnserved(name string) bool {
	return slices.ContainsFunc(unservedRows, func(r row) bool { return r.name == name })
}

func list(words ...string) []string { return words }

func noArgs(*gen) []string { return nil }

func oneKey(g *gen) []string { return list(g.key()) }

func oneHash(g *gen) []string { return list(g.hashKey()) }

func anyOne(g *gen) []string { return list(g.anyKey()) }

func anyKeys(g *gen) []string { return g.several(3, g.anyKey) }

func someKeys(g *gen) []string { return g.several(3, g.key) }

// oddly takes the last of some pairs away, now and then.
func oddly(g *gen, pairs []string) []string {
	if g.chance(12) {
		return pairs[:len(pairs)-1]
	}
	return pairs
}

func setArgs(g *gen) []string {
	args := list(g.key(), g.text())
	for range g.r.IntN(3) {
		if g.chance(3) {
			args = append(args, g.ttl()...)
		} else {
			args = append(args, g.word("NX", "XX", "GET", "KEEPTTL", "PERSIST", "junk"))
		}
	}
	return args
}

func getexArgs(g *gen) []string {
	args := list(g.key())
	for range g.r.IntN(2) + g.r.IntN(12)/11 {
		if g.chance(2) {
			args = append(args, g.ttl()...)
		} else {
			args = append(args, g.word("PERSIST", "KEEPTTL", "EX", "NX"))
		}
	}
	return args
}

// offset is SETRANGE's: small, beyond the length at which a store of ours begins to hold strings in chunks, or so large
// that it is refused before any memory is taken.
func (g *gen) offset() string {
	if g.chance(4) {
		return g.pick("-1", "536870912", "536870913", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "abc", "", "4294967296")
	}
	return g.pick("0", "1", "5", "63", "64", "65", "300", "65535", "65536", "69631", "70000")
}

// bound is GETRANGE's: any integer, or one beside the edges of a long string's chunks.
func (g *gen) bound() string {
	if g.chance(4) {
		return g.pick("4095", "4096", "65535", "65536", "69632", "-4097")
	}
	return g.integer()
}

// hrandfieldArgs asks for absurd numbers only of a key that is not there: a negative count is served in full.
func hrandfieldArgs(g *gen) []string {
	args := list(g.hashKey())
	if g.chance(4) {
		return args
	}
	args = append(args, g.pick("0", "1", "-1", "3", "-7", "200", "9223372036854775807", "4611686018427387904", "abc", "", "1.5", "9223372036854775808"))
	if g.chance(6) {
		args = list(never, g.pick("-9223372036854775808", "-9223372036854775807", "-4611686018427387904", "-4611686018427387903", "4611686018427387903"))
	}
	if g.chance(2) {
		args = append(args, g.word("WITHVALUES", "WITHVALUES", "WITHSCORES"))
	}
	return args
}

// scanArgs are cursor and options. Cursors other than 0 are only there to be refused or to end the scan.
func (g *gen) scanArgs(typed bool) []string {
	args := list("0")
	if g.chance(6) {
		args = list(g.pick("abc", "", "-1", "+1", " 1", "1 ", "18446744073709551615", "18446744073709551616", "1x", "0x1", "1\x00"))
	}
	for range g.r.IntN(3) {
		switch g.r.IntN(5) {
		case 0, 1:
			args = append(args, g.word("MATCH"), g.pattern())
		case 2, 3:
			args = append(args, g.word("COUNT"), g.pick("1000", "1000", "1", "9223372036854775807", "0", "-1", "abc", ""))
		default:
			args = append(args, g.word("TYPE"), g.word("string", "hash", "list", "HASH", "nosuch", "zset", "set"))
		}
	}
	if !typed && g.chance(12) {
		args = append(args, g.word("NOVALUES"))
	}
	return args
}

func copyArgs(g *gen) []string {
	args := g.two()
	for range g.r.IntN(3) {
		if g.chance(2) {
			args = append(args, g.word("DB"), g.db())
		} else {
			args = append(args, g.word("REPLACE", "REPLACE", "NX"))
		}
	}
	return args
}

func flushArgs(g *gen) []string {
	if g.chance(2) {
		return nil
	}
	return list(g.word("SYNC", "ASYNC", "SYNC", "LATER"))
}

func (g *gen) expireArgs(when string) []string {
	args := list(g.anyKey(), when)
	if g.chance(2) {
		args = append(args, g.word("NX", "XX", "GT", "LT"))
	}
	if g.chance(8) {
		args = append(args, g.word("NX", "XX", "GT", "LT", "junk"))
	}
	return args
}

// Every command of the store has its row, and what has none besides is unknown to it. What does not compare byte for byte
// says why; none is left out, so that the share of those that are is 0.
func TestTableIsComplete(t *testing.T) {
	for c := range store.Commands() {
		if rowOf(c.Name) == nil {
			t.Errorf("%s has no row in the table: its replies are never compared", c.Name)
		}
	}
	seen := map[string]bool{}
	exactly := reflect.ValueOf(exact).Pointer()
	for _, r := range table {
		if seen[r.name] {
			t.Errorf("%s has two rows", r.name)
		}
		seen[r.name] = true
		if known := store.LookupCommand(r.name) != nil; known == isUnknown(r.name) {
			t.Errorf("%s: known to the store: %v", r.name, known)
		}
		if r.same == nil {
			t.Errorf("%s is not compared", r.name)
		} else if isExact := reflect.ValueOf(r.same).Pointer() == exactly; isExact != (r.why == "") {
			t.Errorf("%s: compared exactly: %v, with the reason %q", r.name, isExact, r.why)
		}
	}
}

// isUnknown tells the rows of commands that no server has.
func isUnknown(name string) bool { return strings.HasPrefix(strings.ToLower(name), "no") }
