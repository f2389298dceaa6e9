package store

import (
	"iter"
	"math"

	"github.com/understudy-go/understudy/resp"
)

var setCommands = []Command{
	{Name: "SADD", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSAdd},
	{Name: "SREM", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSRem},
	{Name: "SMOVE", Arity: 4, Flags: writeOne, FirstKey: 1, LastKey: 2, Step: 1, run: cmdSMove},
	{Name: "SPOP", Arity: -2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSPop},
	{Name: "SISMEMBER", Arity: 3, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSIsMember},
	{Name: "SMISMEMBER", Arity: -3, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSMIsMember},
	{Name: "SCARD", Arity: 2, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSCard},
	{Name: "SMEMBERS", Arity: 2, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSInter},
	{Name: "SRANDMEMBER", Arity: -2, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSRandMember},
	{Name: "SSCAN", Arity: -3, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSScan},
	{Name: "SINTER", Arity: -2, Flags: readMany, FirstKey: 1, LastKey: -1, Step: 1, run: cmdSInter},
	{Name: "SUNION", Arity: -2, Flags: readMany, FirstKey: 1, LastKey: -1, Step: 1, run: cmdSUnion},
	{Name: "SDIFF", Arity: -2, Flags: readMany, FirstKey: 1, LastKey: -1, Step: 1, run: cmdSDiff},
	{Name: "SINTERCARD", Arity: -3, Flags: readMany, keys: countedKeys(1), run: cmdSInterCard},
	{Name: "SINTERSTORE", Arity: -3, Flags: FlagWrite, FirstKey: 1, LastKey: -1, Step: 1, run: cmdSInterStore},
	{Name: "SUNIONSTORE", Arity: -3, Flags: FlagWrite, FirstKey: 1, LastKey: -1, Step: 1, run: cmdSUnionStore},
	{Name: "SDIFFSTORE", Arity: -3, Flags: FlagWrite, FirstKey: 1, LastKey: -1, Step: 1, run: cmdSDiffStore},
}

func cmdSAdd(x *exec, args [][]byte) resp.Value {
	return intReply(x.sadd(argString(args, 1), argStrings(args[2:])))
}

func cmdSRem(x *exec, args [][]byte) resp.Value {
	return intReply(x.srem(argString(args, 1), argStrings(args[2:])))
}

func cmdSMove(x *exec, args [][]byte) resp.Value {
	done, err := x.smove(argString(args, 1), argString(args, 2), argString(args, 3))
	if err != nil {
		return reply(err)
	}
	return boolReply(done)
}

// cmdSPop is SPOP key [count].
func cmdSPop(x *exec, args [][]byte) resp.Value {
	switch len(args) {
	case 2:
		return textReply(x.spop(argString(args, 1)))
	case 3:
	default:
		return reply(ErrSyntax)
	}
	n, err := parseInt(argString(args, 2))
	if err != nil || n < 0 {
		return reply(errPositive)
	}
	members, err := x.spopMany(argString(args, 1), n)
	if err != nil {
		return reply(err)
	}
	return resp.SetOf(memberReplies(members)...)
}

func memberReplies(members []string) []resp.Value {
	elems := make([]resp.Value, len(members))
	for i, m := range members {
		elems[i] = resp.BulkString(m)
	}
	return elems
}

func cmdSIsMember(x *exec, args [][]byte) resp.Value {
	e, err := x.setAt(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	return boolReply(x.setHas(e, argString(args, 2)))
}

func cmdSMIsMember(x *exec, args [][]byte) resp.Value {
	e, err := x.setAt(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	elems := make([]resp.Value, len(args)-2)
	for i := range elems {
		elems[i] = boolReply(x.setHas(e, argString(args, i+2)))
	}
	return resp.ArrayOf(elems...)
}

func cmdSCard(x *exec, args [][]byte) resp.Value {
	e, err := x.setAt(argString(args, 1))
	return intReply(x.setLen(e), err)
}

// cmdSRandMember is SRANDMEMBER key [count].
func cmdSRandMember(x *exec, args [][]byte) resp.Value {
	if len(args) > 3 {
		return reply(ErrSyntax)
	}
	var count int64
	var err error
	if len(args) == 3 {
		count, err = parseSRandMember(argString(args, 2))
	}
	if err != nil {
		return reply(err)
	}
	e, err := x.setAt(argString(args, 1))
	switch {
	case err != nil:
		return reply(err)
	case len(args) == 3:
		members, err := x.srandomMany(e, count)
		return arrayReply(memberReplies(members), err)
	case e == nil:
		return resp.NullValue()
	}
	member, ok := x.srandom(e)
	return textReply(member, ok, nil)
}

func parseSRandMember(arg string) (int64, error) {
	n, err := parseInt(arg)
	if err == nil && n == math.MinInt64 {
		err = wireError("ERR value is out of range, value must between %d and %d", int64(-math.MaxInt64), int64(math.MaxInt64))
	}
	return n, err
}

// cmdSScan gives a set in a blob as a whole, whatever the count.
func cmdSInter(x *exec, args [][]byte) resp.Value { return x.combineReply(interSets, args) }
func cmdSUnion(x *exec, args [][]byte) resp.Value { return x.combineReply(unionSets, args) }
func cmdSDiff(x *exec, args [][]byte) resp.Value  { return x.combineReply(diffSets, args) }

func (x *exec) combineReply(op setOperation, args [][]byte) resp.Value {
	sets, err := x.setsAt(argStrings(args[1:]))
	if err != nil {
		return reply(err)
	}
	return setReply(op(x, sets))
}

func setReply(members iter.Seq[string]) resp.Value {
	var elems []resp.Value
	for m := range members {
		elems = append(elems, resp.BulkString(m))
	}
	return resp.SetOf(elems...)
}

func cmdSInterStore(x *exec, args [][]byte) resp.Value {
	return intReply(x.combineStore("SINTERSTORE", interSets, argString(args, 1), argStrings(args[2:])))
}

func cmdSUnionStore(x *exec, args [][]byte) resp.Value {
	return intReply(x.combineStore("SUNIONSTORE", concatSets, argString(args, 1), argStrings(args[2:])))
}

func cmdSDiffStore(x *exec, args [][]byte) resp.Value {
	return intReply(x.combineStore("SDIFFSTORE", diffSets, argString(args, 1), argStrings(args[2:])))
}

// cmdSInterCard is SINTERCARD numkeys key... [LIMIT limit].
func cmdSInterCard(x *exec, args [][]byte) resp.Value {
	keys, limit, err := parseSInterCard(args)
	if err != nil {
		return reply(err)
	}
	sets, err := x.setsAt(keys)
	if err != nil {
		return reply(err)
	}
	return resp.Integer(x.sinterCard(sets, limit))
}

func parseSInterCard(args [][]byte) (keys []string, limit int64, err error) {
	n, err := parseInt(argString(args, 1))
	switch {
	case err != nil || n < 1:
		return nil, 0, wireError("ERR numkeys should be greater than 0")
	case n > int64(len(args)-2):
		return nil, 0, wireError("ERR Number of keys can't be greater than number of args")
	}
	keys, rest := argStrings(args[2:2+n]), args[2+n:]
	for ; len(rest) > 0; rest = rest[2:] {
		if len(rest) == 1 || !isWord(rest[0], "LIMIT") {
			return nil, 0, ErrSyntax
		}
		if limit, err = parseInt(argString(rest, 1)); err != nil || limit < 0 {
			return nil, 0, errLimit
		}
	}
	return keys, limit, nil
}
