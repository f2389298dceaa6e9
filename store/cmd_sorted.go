package store

import (
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
	"strings"
)

var sortedCommands = []Command{
	{Name: "ZADD", Arity: -4, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZAdd},
	{Name: "ZINCRBY", Arity: 4, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZIncrBy},
	{Name: "ZREM", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZRem},
	{Name: "ZCARD", Arity: 2, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZCard},
	{Name: "ZSCORE", Arity: 3, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZScore},
	{Name: "ZMSCORE", Arity: -3, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZMScore},
	{Name: "ZRANK", Arity: -3, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZRank},
	{Name: "ZREVRANK", Arity: -3, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZRevRank},
	{Name: "ZRANDMEMBER", Arity: -2, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZRandMember},
	{Name: "ZPOPMIN", Arity: -2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZPopMin},
	{Name: "ZPOPMAX", Arity: -2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZPopMax},
	{Name: "ZMPOP", Arity: -4, Flags: FlagWrite, keys: countedKeys(1), run: cmdZMPop},
	{Name: "ZSCAN", Arity: -3, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZScan},

	{Name: "ZRANGE", Arity: -4, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZRange},
	{Name: "ZREVRANGE", Arity: -4, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZRevRange},
	{Name: "ZRANGEBYSCORE", Arity: -4, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZRangeByScore},
	{Name: "ZREVRANGEBYSCORE", Arity: -4, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZRevRangeByScore},
	{Name: "ZRANGEBYLEX", Arity: -4, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZRangeByLex},
	{Name: "ZREVRANGEBYLEX", Arity: -4, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZRevRangeByLex},
	{Name: "ZRANGESTORE", Arity: -5, Flags: FlagWrite, FirstKey: 1, LastKey: 2, Step: 1, run: cmdZRangeStore},
	{Name: "ZCOUNT", Arity: 4, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZCount},
	{Name: "ZLEXCOUNT", Arity: 4, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZLexCount},
	{Name: "ZREMRANGEBYRANK", Arity: 4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZRemRangeByRank},
	{Name: "ZREMRANGEBYSCORE", Arity: 4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZRemRangeByScore},
	{Name: "ZREMRANGEBYLEX", Arity: 4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdZRemRangeByLex},

	{Name: "ZUNION", Arity: -3, Flags: readMany, keys: countedKeys(1), run: cmdZUnion},
	{Name: "ZINTER", Arity: -3, Flags: readMany, keys: countedKeys(1), run: cmdZInter},
	{Name: "ZDIFF", Arity: -3, Flags: readMany, keys: countedKeys(1), run: cmdZDiff},
	{Name: "ZINTERCARD", Arity: -3, Flags: readMany, keys: countedKeys(1), run: cmdZInterCard},
	{Name: "ZUNIONSTORE", Arity: -4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, keys: countedKeys(2, 1), run: cmdZUnionStore},
	{Name: "ZINTERSTORE", Arity: -4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, keys: countedKeys(2, 1), run: cmdZInterStore},
	{Name: "ZDIFFSTORE", Arity: -4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, keys: countedKeys(2, 1), run: cmdZDiffStore},
}

// cmdZAdd is ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member [score member ...].
func cmdZAdd(x *exec, args [][]byte) resp.Value {
	o, changes, rest := parseZAdd(args)
	if err := o.check(len(rest)); err != nil {
		return reply(err)
	}
	return x.zaddCommand("ZADD", args, rest, o, changes)
}

func cmdZIncrBy(x *exec, args [][]byte) resp.Value {
	return x.zaddCommand("ZINCRBY", args, args[2:], zaddOptions{incr: true}, false)
}

func (x *exec) zaddCommand(name string, args, rest [][]byte, o zaddOptions, changes bool) resp.Value {
	items := make([]Scored, 0, len(rest)/2)
	for i := 0; i < len(rest); i += 2 {
		score, err := parseScore(argString(rest, i))
		if err != nil {
			return reply(err)
		}
		items = append(items, Scored{score, argString(rest, i+1)})
	}
	res, err := x.zadd(argString(args, 1), items, o)
	if err != nil {
		return reply(err)
	}
	if res.added+res.changed > 0 {
		x.c.effect(x.db, asSent(name, args)...)
	}
	switch {
	case o.incr && res.skipped:
		return resp.NullValue()
	case o.incr:
		return scoreReply(res.score)
	case changes:
		return resp.Integer(int64(res.added + res.changed))
	}
	return resp.Integer(int64(res.added))
}

// asSent is a command for the stream as a client gave it, under its name in upper case.
func asSent(name string, args [][]byte) []string {
	s := argStrings(args)
	s[0] = name
	return s
}

func parseZAdd(args [][]byte) (o zaddOptions, changes bool, rest [][]byte) {
	for i, a := range args[2:] {
		switch {
		case isWord(a, "NX"):
			o.ifNew = true
		case isWord(a, "XX"):
			o.ifHeld = true
		case isWord(a, "GT"):
			o.greater = true
		case isWord(a, "LT"):
			o.less = true
		case isWord(a, "CH"):
			changes = true
		case isWord(a, "INCR"):
			o.incr = true
		default:
			return o, changes, args[2+i:]
		}
	}
	return o, changes, nil
}

// check looks at the options, and at the number of words that are scores and members.
func (o zaddOptions) check(words int) error {
	switch {
	case words == 0 || words%2 != 0:
		return ErrSyntax
	case o.ifNew && o.ifHeld:
		return wireError("ERR XX and NX options at the same time are not compatible")
	case o.greater && o.ifNew || o.less && o.ifNew || o.greater && o.less:
		return wireError("ERR GT, LT, and/or NX options at the same time are not compatible")
	case o.incr && words > 2:
		return wireError("ERR INCR option supports a single increment-element pair")
	}
	return nil
}

func cmdZRem(x *exec, args [][]byte) resp.Value {
	return intReply(x.zrem(argString(args, 1), argStrings(args[2:])))
}

func cmdZCard(x *exec, args [][]byte) resp.Value {
	e, err := x.sorted(argString(args, 1))
	return intReply(x.sortedLen(e), err)
}

func cmdZScore(x *exec, args [][]byte) resp.Value {
	e, err := x.sorted(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	return x.zscoreReply(e, argString(args, 2))
}

func (x *exec) zscoreReply(e *table.Entry, member string) resp.Value {
	score, ok := x.zscore(e, member)
	if !ok {
		return resp.NullValue()
	}
	return scoreReply(score)
}

func cmdZMScore(x *exec, args [][]byte) resp.Value {
	e, err := x.sorted(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	elems := make([]resp.Value, len(args)-2)
	for i := range elems {
		elems[i] = x.zscoreReply(e, argString(args, i+2))
	}
	return resp.ArrayOf(elems...)
}

func cmdZRank(x *exec, args [][]byte) resp.Value    { return x.zrankCommand("ZRANK", args, false) }
func cmdZRevRank(x *exec, args [][]byte) resp.Value { return x.zrankCommand("ZREVRANK", args, true) }

// zrankCommand is ZRANK key member [WITHSCORE], the option as of Redis 7.2.
func (x *exec) zrankCommand(name string, args [][]byte, reverse bool) resp.Value {
	with := len(args) == 4
	switch {
	case len(args) > 4:
		return wrongArity(name)
	case with && !isWord(args[3], "WITHSCORE"):
		return reply(ErrSyntax)
	}
	e, err := x.sorted(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	rank, score, ok := x.zrank(e, argString(args, 2), reverse)
	switch {
	case !ok && with:
		return resp.NullArray()
	case !ok:
		return resp.NullValue()
	case with:
		return resp.ArrayOf(resp.Integer(int64(rank)), scoreReply(score))
	}
	return resp.Integer(int64(rank))
}

// appendItem appends a member, and its score if wanted.
func appendItem(elems []resp.Value, it Scored, scores bool) []resp.Value {
	elems = append(elems, resp.BulkString(it.Member))
	if scores {
		elems = append(elems, scoreReply(it.Score))
	}
	return elems
}

// itemsReply is members, or pairs of member and score.
func itemsReply(elems []resp.Value, scores bool) resp.Value {
	if scores {
		return resp.PairsOf(elems...)
	}
	return resp.ArrayOf(elems...)
}

func scoredReply(items []Scored, scores bool) resp.Value {
	elems := make([]resp.Value, 0, 2*len(items))
	for _, it := range items {
		elems = appendItem(elems, it, scores)
	}
	return itemsReply(elems, scores)
}

func cmdZPopMin(x *exec, args [][]byte) resp.Value { return x.zpopCommand(args, false) }
func cmdZPopMax(x *exec, args [][]byte) resp.Value { return x.zpopCommand(args, true) }

func (x *exec) zpopCommand(args [][]byte, max bool) resp.Value {
	count := int64(-1)
	switch {
	case len(args) > 3:
		return reply(ErrSyntax)
	case len(args) == 3:
		var err error
		if count, err = parseInt(argString(args, 2)); err != nil || count < 0 {
			return resp.Err("ERR value is out of range, must be positive")
		}
	}
	items, err := x.zpop(argString(args, 1), max, count)
	if err != nil {
		return reply(err)
	}
	if v := scoredReply(items, true); count >= 0 {
		return v
	} else { // one pair is flat in RESP3 too
		return resp.ArrayOf(v.Elems...)
	}
}

// cmdZMPop is ZMPOP numkeys key [key ...] MIN|MAX [COUNT count].
func cmdZMPop(x *exec, args [][]byte) resp.Value {
	keys, max, count, err := parseZMPop(args[1:])
	if err != nil {
		return reply(err)
	}
	key, items, err := x.zmpop(keys, max, count)
	if err != nil {
		return reply(err)
	}
	return zmpopReply(key, items)
}

// zmpopReply is the key and its pairs, which are arrays in RESP2 too.
func zmpopReply(key string, items []Scored) resp.Value {
	if len(items) == 0 {
		return resp.NullArray()
	}
	pairs := make([]resp.Value, len(items))
	for i, it := range items {
		pairs[i] = resp.ArrayOf(appendItem(nil, it, true)...)
	}
	return resp.ArrayOf(resp.BulkString(strings.Clone(key)), resp.ArrayOf(pairs...)) // key may alias the command
}

// parseZMPop reads what follows the name, and the timeout of the blocking form.
func parseZMPop(args [][]byte) (keys []string, max bool, count int64, err error) {
	n, err := parseInt(argString(args, 0))
	if err != nil || n < 1 {
		return nil, false, 0, wireError("ERR numkeys should be greater than 0")
	}
	if n >= int64(len(args)-1) {
		return nil, false, 0, ErrSyntax
	}
	keys, args = argStrings(args[1:1+n]), args[1+n:]
	max = isWord(args[0], "MAX")
	switch {
	case !max && !isWord(args[0], "MIN"):
		return nil, false, 0, ErrSyntax
	case len(args) == 1:
		return keys, max, 1, nil
	case len(args) < 3 || !isWord(args[1], "COUNT"):
		return nil, false, 0, ErrSyntax
	}
	if count, err = parseInt(argString(args, 2)); err != nil || count < 1 {
		return nil, false, 0, errNoCount
	}
	if len(args) > 3 {
		return nil, false, 0, ErrSyntax
	}
	return keys, max, count, nil
}

// cmdZRandMember is ZRANDMEMBER key [count [WITHSCORES]], as HRANDFIELD is.
func cmdZRandMember(x *exec, args [][]byte) resp.Value {
	count, scores, err := parseRandom(args, "WITHSCORES")
	if err != nil {
		return reply(err)
	}
	e, err := x.sorted(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	if e != nil && count < -mostRepeated {
		return reply(errCount)
	}
	items := x.zrandom(e, count)
	switch {
	case len(args) > 2:
		return scoredReply(items, scores)
	case len(items) == 0:
		return resp.NullValue()
	}
	return resp.BulkString(items[0].Member)
}
