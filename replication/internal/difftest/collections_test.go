package difftest

import (
	"slices"
	"strings"

	"github.com/understudy-go/understudy/resp"
)

const (
	isForm    = "payloads and forms are each implementation's own: what they hold is compared when they are restored, and by the digests"
	isCount   = "bytes, idle seconds and users of a value are each implementation's own"
	isTied    = "elements of equal weight, or of a set that is not sorted, have no order"
	popsAll   = "the order of a table is its own; here SPOP takes all or nothing, what it takes by chance is mirrored (see run.pop)"
	isWholeIn = "a page's size is its own; one that is whole is the same, and whole scans are compared by the run"
)

var listRows = []row{
	{"LPUSH", 22, func(g *gen) []string { return append(list(g.listKey()), g.elements()...) }, exact, ""},
	{"RPUSH", 22, func(g *gen) []string { return append(list(g.listKey()), g.elements()...) }, exact, ""},
	{"LPUSHX", 5, func(g *gen) []string { return append(list(g.listKey()), g.elements()...) }, exact, ""},
	{"RPUSHX", 5, func(g *gen) []string { return append(list(g.listKey()), g.elements()...) }, exact, ""},
	{"LPOP", 7, func(g *gen) []string { return g.maybe(2, list(g.listKey()), g.count()) }, exact, ""},
	{"RPOP", 7, func(g *gen) []string { return g.maybe(2, list(g.listKey()), g.count()) }, exact, ""},
	{"LMPOP", 8, func(g *gen) []string { return g.mpop(g.listKey, "LEFT", "RIGHT") }, exact, ""},
	{"LLEN", 5, func(g *gen) []string { return list(g.listKey()) }, exact, ""},
	{"LINDEX", 8, func(g *gen) []string { return list(g.listKey(), g.index()) }, exact, ""},
	{"LRANGE", 10, func(g *gen) []string { return list(g.listKey(), g.index(), g.index()) }, exact, ""},
	{"LPOS", 12, lposArgs, exact, ""},
	{"LSET", 16, lsetArgs, exact, ""},
	{"LINSERT", 8, func(g *gen) []string {
		return list(g.listKey(), g.word("BEFORE", "AFTER", "BEFORE", "AFTER", "junk"), g.element(), g.element())
	}, exact, ""},
	{"LREM", 12, lremArgs, exact, ""},
	{"LTRIM", 3, func(g *gen) []string { return list(g.listKey(), g.index(), g.index()) }, exact, ""},
	{"LMOVE", 10, func(g *gen) []string { return list(g.listKey(), g.listKey(), g.end(), g.end()) }, exact, ""},
	{"RPOPLPUSH", 6, func(g *gen) []string { return list(g.listKey(), g.listKey()) }, exact, ""},
}

var setRows = []row{
	{"SADD", 40, func(g *gen) []string { return append(list(g.setKey()), g.members()...) }, exact, ""},
	{"SREM", 8, func(g *gen) []string { return append(list(g.setKey()), g.several(4, g.member)...) }, exact, ""},
	{"SMOVE", 8, func(g *gen) []string { return list(g.setKey(), g.setKey(), g.member()) }, exact, ""},
	{"SPOP", 5, func(g *gen) []string {
		return list(g.setKey(), g.pick("0", "0", "0", "9223372036854775807", "1000000", "-1", "abc", ""))
	}, unordered, popsAll},
	{"SISMEMBER", 5, func(g *gen) []string { return list(g.setKey(), g.member()) }, exact, ""},
	{"SMISMEMBER", 5, func(g *gen) []string { return append(list(g.setKey()), g.several(4, g.member)...) }, exact, ""},
	{"SCARD", 5, func(g *gen) []string { return list(g.setKey()) }, exact, ""},
	{"SMEMBERS", 6, func(g *gen) []string { return list(g.setKey()) }, unordered, noOrder},
	{"SRANDMEMBER", 8, func(g *gen) []string { return g.randomArgs(g.setKey()) }, shape, isRandom},
	{"SSCAN", 8, func(g *gen) []string { return append(list(g.setKey()), g.scanArgs(false)...) }, page(2, 1), isWholeIn},
	{"SINTER", 7, func(g *gen) []string { return g.several(3, g.setKey) }, unordered, noOrder},
	{"SUNION", 7, func(g *gen) []string { return g.several(3, g.setKey) }, unordered, noOrder},
	{"SDIFF", 7, func(g *gen) []string { return g.several(3, g.setKey) }, unordered, noOrder},
	{"SINTERCARD", 8, func(g *gen) []string { return g.intercard(g.setKey) }, exact, ""},
	{"SINTERSTORE", 7, func(g *gen) []string { return append(list(g.setKey()), g.several(3, g.setKey)...) }, exact, ""},
	{"SUNIONSTORE", 7, func(g *gen) []string { return append(list(g.setKey()), g.several(3, g.setKey)...) }, exact, ""},
	{"SDIFFSTORE", 7, func(g *gen) []string { return append(list(g.setKey()), g.several(3, g.setKey)...) }, exact, ""},
}

var sortedRows = []row{
	{"ZADD", 50, zaddArgs, exact, ""},
	{"ZINCRBY", 15, func(g *gen) []string { return list(g.sortedKey(), g.score(), g.member()) }, exact, ""},
	{"ZREM", 7, func(g *gen) []string { return append(list(g.sortedKey()), g.several(4, g.member)...) }, exact, ""},
	{"ZCARD", 5, func(g *gen) []string { return list(g.sortedKey()) }, exact, ""},
	{"ZSCORE", 6, func(g *gen) []string { return list(g.sortedKey(), g.member()) }, exact, ""},
	{"ZMSCORE", 6, func(g *gen) []string { return append(list(g.sortedKey()), g.several(4, g.member)...) }, exact, ""},
	{"ZRANK", 6, func(g *gen) []string {
		return g.maybe(4, list(g.sortedKey(), g.member()), g.word("WITHSCORE", "WITHSCORES"))
	}, exact, ""},
	{"ZREVRANK", 6, func(g *gen) []string { return g.maybe(4, list(g.sortedKey(), g.member()), g.word("WITHSCORE", "junk")) }, exact, ""},
	{"ZRANDMEMBER", 8, func(g *gen) []string { return g.maybe(3, g.randomArgs(g.sortedKey()), g.word("WITHSCORES", "junk")) }, shape, isRandom},
	{"ZPOPMIN", 6, func(g *gen) []string { return g.maybe(2, list(g.sortedKey()), g.count()) }, exact, ""},
	{"ZPOPMAX", 6, func(g *gen) []string { return g.maybe(2, list(g.sortedKey()), g.count()) }, exact, ""},
	{"ZMPOP", 8, func(g *gen) []string { return g.mpop(g.sortedKey, "MIN", "MAX") }, exact, ""},
	{"ZSCAN", 8, func(g *gen) []string { return append(list(g.sortedKey()), g.scanArgs(false)...) }, scoredPage, isWholeIn},
	{"ZRANGE", 20, zrangeArgs, exact, ""},
	{"ZREVRANGE", 6, func(g *gen) []string {
		return g.maybe(2, list(g.sortedKey(), g.index(), g.index()), g.word("WITHSCORES"))
	}, exact, ""},
	{"ZRANGEBYSCORE", 10, byScoreArgs, exact, ""},
	{"ZREVRANGEBYSCORE", 10, byScoreArgs, exact, ""},
	{"ZRANGEBYLEX", 8, byLexArgs, exact, ""},
	{"ZREVRANGEBYLEX", 8, byLexArgs, exact, ""},
	{"ZRANGESTORE", 12, func(g *gen) []string { return append(list(g.sortedKey()), zrangeArgs(g)...) }, exact, ""},
	{"ZCOUNT", 6, func(g *gen) []string { return list(g.sortedKey(), g.scoreBound(), g.scoreBound()) }, exact, ""},
	{"ZLEXCOUNT", 6, func(g *gen) []string { return list(g.lexKey(), g.lexBound(), g.lexBound()) }, exact, ""},
	{"ZREMRANGEBYRANK", 4, func(g *gen) []string { return list(g.sortedKey(), g.index(), g.index()) }, exact, ""},
	{"ZREMRANGEBYSCORE", 4, func(g *gen) []string { return list(g.sortedKey(), g.scoreBound(), g.scoreBound()) }, exact, ""},
	{"ZREMRANGEBYLEX", 5, func(g *gen) []string { return list(g.lexKey(), g.lexBound(), g.lexBound()) }, exact, ""},
	{"ZUNION", 8, func(g *gen) []string { return g.maybe(2, g.algebra(true), g.word("WITHSCORES")) }, exact, ""},
	{"ZINTER", 8, func(g *gen) []string { return g.maybe(2, g.algebra(true), g.word("WITHSCORES")) }, exact, ""},
	{"ZDIFF", 8, func(g *gen) []string { return g.maybe(2, g.algebra(false), g.word("WITHSCORES")) }, exact, ""},
	{"ZINTERCARD", 8, func(g *gen) []string { return g.intercard(g.setOrSorted) }, exact, ""},
	{"ZUNIONSTORE", 8, func(g *gen) []string { return append(list(g.sortedKey()), g.algebra(true)...) }, exact, ""},
	{"ZINTERSTORE", 8, func(g *gen) []string { return append(list(g.sortedKey()), g.algebra(true)...) }, exact, ""},
	{"ZDIFFSTORE", 8, func(g *gen) []string { return append(list(g.sortedKey()), g.algebra(false)...) }, exact, ""},
}

// Those that may wait have a hundredth of a second for it, and are not served meanwhile, as the clients of a run take turns. In
// waiting_test.go they are.
var blockingRows = []row{
	{"BLPOP", 3, func(g *gen) []string { return append(g.several(3, g.listKey), g.timeout()) }, exact, ""},
	{"BRPOP", 3, func(g *gen) []string { return append(g.several(3, g.listKey), g.timeout()) }, exact, ""},
	{"BLMOVE", 5, func(g *gen) []string { return list(g.listKey(), g.listKey(), g.end(), g.end(), g.timeout()) }, exact, ""},
	{"BRPOPLPUSH", 4, func(g *gen) []string { return list(g.listKey(), g.listKey(), g.timeout()) }, exact, ""},
	{"BLMPOP", 4, func(g *gen) []string { return append(list(g.timeout()), g.mpop(g.listKey, "LEFT", "RIGHT")...) }, exact, ""},
	{"BZPOPMIN", 3, func(g *gen) []string { return append(g.several(3, g.sortedKey), g.timeout()) }, exact, ""},
	{"BZPOPMAX", 3, func(g *gen) []string { return append(g.several(3, g.sortedKey), g.timeout()) }, exact, ""},
	{"BZMPOP", 4, func(g *gen) []string { return append(list(g.timeout()), g.mpop(g.sortedKey, "MIN", "MAX")...) }, exact, ""},
}

var genericRows = []row{
	{"SORT", 25, func(g *gen) []string { return g.sortArgs(true) }, sortReply, isTied},
	{"SORT_RO", 12, func(g *gen) []string { return g.sortArgs(false) }, sortReply, isTied},
	{"OBJECT", 10, objectArgs, sub(map[string]comparison{"ENCODING": kind, "REFCOUNT": kind, "IDLETIME": kind, "HELP": kind}), isForm + "; " + isCount},
	{"MEMORY", 8, memoryArgs, sub(map[string]comparison{"USAGE": kind, "HELP": kind}), isCount},
	{"DUMP", 8, func(g *gen) []string { return list(g.anyKey()) }, kind, isForm},
	{"RESTORE", 12, restoreArgs, exact, ""},
	{"RESTORE-ASKING", 3, restoreArgs, exact, ""},
}

// scoredPage: ZSCAN spells scores by the form of the set, and a set that has shrunk keeps the large one in Redis.
func scoredPage(args []string, ours, theirs resp.Value) bool {
	for _, v := range []resp.Value{ours, theirs} {
		if isPage(v) {
			asNumbers(v.Elems[1].Elems)
		}
	}
	return page(2, 2)(args, ours, theirs)
}

// sub compares by the sub-command.
func sub(by map[string]comparison) comparison {
	return func(args []string, ours, theirs resp.Value) bool {
		same := exact
		if len(args) > 1 && by[strings.ToUpper(args[1])] != nil {
			same = by[strings.ToUpper(args[1])]
		}
		return same(args, ours, theirs)
	}
}

// sortReply: in full order where there is one. By texts equal weights are in any order, and what differs behind a NUL only
// is equal; a set that is not sorted has none.
func sortReply(args []string, ours, theirs resp.Value) bool {
	switch {
	case exact(args, ours, theirs):
		return true
	case hasWord(args, "STORE") || !hasWord(args, "BY") && !hasWord(args, "ALPHA"):
		return false
	case !hasWord(args, "BY") && !hasWord(args, "GET"):
		return ours.Kind == theirs.Kind && slices.EqualFunc(ours.Elems, theirs.Elems, func(a, b resp.Value) bool { return untilNUL(a.Str) == untilNUL(b.Str) })
	case hasWord(args, "LIMIT"):
		return shape(args, ours, theirs)
	}
	group := 0
	for _, a := range args {
		if strings.EqualFold(a, "GET") {
			group++
		}
	}
	group = max(group, 1)
	return ours.Kind == theirs.Kind && slices.Equal(sorted(ours.Elems, group), sorted(theirs.Elems, group))
}

func untilNUL(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return s
}

func hasWord(args []string, word string) bool {
	return slices.ContainsFunc(args, func(a string) bool { return strings.EqualFold(a, word) })
}
