package store

import (
	"math"
	"strings"

	"github.com/understudy-go/understudy/resp"
)

var listCommands = []Command{
	{Name: "LPUSH", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdLPush},
	{Name: "RPUSH", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdRPush},
	{Name: "LPUSHX", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdLPushX},
	{Name: "RPUSHX", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdRPushX},
	{Name: "LPOP", Arity: -2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdLPop},
	{Name: "RPOP", Arity: -2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdRPop},
	{Name: "LMPOP", Arity: -4, Flags: FlagWrite, keys: countedKeys(1), run: cmdLMPop},
	{Name: "LLEN", Arity: 2, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdLLen},
	{Name: "LINDEX", Arity: 3, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdLIndex},
	{Name: "LRANGE", Arity: 4, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdLRange},
	{Name: "LPOS", Arity: -3, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdLPos},
	{Name: "LSET", Arity: 4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdLSet},
	{Name: "LINSERT", Arity: 5, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdLInsert},
	{Name: "LREM", Arity: 4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdLRem},
	{Name: "LTRIM", Arity: 4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdLTrim},
	{Name: "LMOVE", Arity: 5, Flags: FlagWrite, FirstKey: 1, LastKey: 2, Step: 1, run: cmdLMove},
	{Name: "RPOPLPUSH", Arity: 3, Flags: FlagWrite, FirstKey: 1, LastKey: 2, Step: 1, run: cmdRPopLPush},
}

func cmdLPush(x *exec, args [][]byte) resp.Value  { return x.pushCommand(args, Left, false) }
func cmdRPush(x *exec, args [][]byte) resp.Value  { return x.pushCommand(args, Right, false) }
func cmdLPushX(x *exec, args [][]byte) resp.Value { return x.pushCommand(args, Left, true) }
func cmdRPushX(x *exec, args [][]byte) resp.Value { return x.pushCommand(args, Right, true) }

func (x *exec) pushCommand(args [][]byte, at Side, ifThere bool) resp.Value {
	return intReply(x.lpush(argString(args, 1), at, ifThere, argStrings(args[2:])))
}

func cmdLPop(x *exec, args [][]byte) resp.Value { return x.popCommand("LPOP", args, Left) }
func cmdRPop(x *exec, args [][]byte) resp.Value { return x.popCommand("RPOP", args, Right) }

func (x *exec) popCommand(name string, args [][]byte, at Side) resp.Value {
	if len(args) > 3 {
		return wrongArity(name)
	}
	if len(args) == 2 {
		items, err := x.lpop(argString(args, 1), at, -1)
		if len(items) == 0 {
			return textReply("", false, err)
		}
		return resp.BulkString(items[0])
	}
	count, err := parseInt(argString(args, 2))
	if err != nil || count < 0 {
		return reply(errPositive)
	}
	items, err := x.lpop(argString(args, 1), at, count)
	switch {
	case err != nil:
		return reply(err)
	case items == nil:
		return resp.NullArray()
	}
	return bulksReply(items)
}

var (
	errPositive = &Error{"ERR value is out of range, must be positive"}
	errNoCount  = &Error{"ERR count should be greater than 0"} // of LMPOP and its kin
)

func bulksReply(items []string) resp.Value {
	elems := make([]resp.Value, len(items))
	for i, v := range items {
		elems[i] = resp.BulkString(v)
	}
	return resp.ArrayOf(elems...)
}

// cmdLMPop is LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count].
func cmdLMPop(x *exec, args [][]byte) resp.Value {
	p, err := parseLMPop(args[1:])
	if err != nil {
		return reply(err)
	}
	key, items, err := x.lmpop(p.keys, p.at, p.count)
	return lmpopReply(key, items, err)
}

func lmpopReply(key string, items []string, err error) resp.Value {
	switch {
	case err != nil:
		return reply(err)
	case items == nil:
		return resp.NullArray()
	}
	return resp.ArrayOf(resp.BulkString(strings.Clone(key)), bulksReply(items)) // key may alias the command
}

type lmpopArgs struct {
	keys  []string
	at    Side
	count int64
}

// parseLMPop reads what LMPOP and BLMPOP have in common: numkeys key [key ...]
// LEFT|RIGHT [COUNT count].
func parseLMPop(args [][]byte) (p lmpopArgs, err error) {
	n, err := parseInt(argString(args, 0))
	if err != nil || n <= 0 {
		return p, wireError("ERR numkeys should be greater than 0")
	}
	if n > int64(len(args)-2) {
		return p, ErrSyntax
	}
	p.keys, args = argStrings(args[1:n+1]), args[n+1:]
	if p.at, err = parseSide(args[0]); err != nil {
		return p, err
	}
	p.count, args = 1, args[1:]
	if len(args) == 0 {
		return p, nil
	}
	if len(args) < 2 || !isWord(args[0], "COUNT") {
		return p, ErrSyntax
	}
	if p.count, err = parseInt(argString(args, 1)); err != nil || p.count <= 0 {
		return p, errNoCount
	}
	if len(args) > 2 { // after a look at the count
		return p, ErrSyntax
	}
	return p, nil
}

func parseSide(arg []byte) (Side, error) {
	switch {
	case isWord(arg, "LEFT"):
		return Left, nil
	case isWord(arg, "RIGHT"):
		return Right, nil
	}
	return 0, ErrSyntax
}

func cmdLLen(x *exec, args [][]byte) resp.Value {
	e, err := x.list(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	return resp.Integer(int64(x.listLen(e)))
}

// cmdLIndex looks at the key before it reads the index, as Redis does.
func cmdLIndex(x *exec, args [][]byte) resp.Value {
	e, err := x.list(argString(args, 1))
	if e == nil || err != nil {
		return textReply("", false, err)
	}
	i, err := parseInt(argString(args, 2))
	if err != nil {
		return reply(err)
	}
	value, ok := x.listIndex(e, i)
	return textReply(value, ok, nil)
}

// parseBounds reads two indexes.
func parseBounds(args [][]byte) (start, stop int64, err error) {
	if start, err = parseInt(argString(args, 0)); err == nil {
		stop, err = parseInt(argString(args, 1))
	}
	return start, stop, err
}

func cmdLRange(x *exec, args [][]byte) resp.Value {
	start, stop, err := parseBounds(args[2:])
	if err != nil {
		return reply(err)
	}
	e, err := x.list(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	return bulksReply(x.listRange(e, start, stop))
}

type lposArgs struct{ rank, count, limit int64 }

// cmdLPos is LPOS key element [RANK rank] [COUNT count] [MAXLEN len]: one index, or
// with COUNT an array of them.
func cmdLPos(x *exec, args [][]byte) resp.Value {
	p, err := parseLPos(args[3:])
	if err != nil {
		return reply(err)
	}
	e, err := x.list(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	at := x.listPositions(e, argString(args, 2), p.rank, max(p.count, 1), p.limit)
	if p.count < 0 {
		if len(at) == 0 {
			return resp.NullValue()
		}
		return resp.Integer(int64(at[0]))
	}
	elems := make([]resp.Value, len(at))
	for i, n := range at {
		elems[i] = resp.Integer(int64(n))
	}
	return resp.ArrayOf(elems...)
}

// parseLPos reads the options. count is -1 if there is none; 0, which stands for all,
// comes as the greatest number, and so does a limit of 0.
func parseLPos(args [][]byte) (p lposArgs, err error) {
	p = lposArgs{rank: 1, count: -1, limit: math.MaxInt64}
	for ; len(args) > 0; args = args[2:] {
		if len(args) < 2 {
			return p, ErrSyntax
		}
		switch word := args[0]; {
		case isWord(word, "RANK"):
			p.rank, err = parseRank(argString(args, 1))
		case isWord(word, "COUNT"):
			p.count, err = parseLimit("COUNT", argString(args, 1))
		case isWord(word, "MAXLEN"):
			p.limit, err = parseLimit("MAXLEN", argString(args, 1))
		default:
			err = ErrSyntax
		}
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

func parseRank(s string) (int64, error) {
	rank, err := parseInt(s)
	switch {
	case err != nil:
		return 0, err
	case rank == math.MinInt64: // Redis 7.0 has no answer to it: it is later versions' error
		return 0, wireError("ERR value is out of range, value must between %d and %d", int64(-math.MaxInt64), int64(math.MaxInt64))
	case rank == 0:
		return 0, errRank
	}
	return rank, nil
}

var errRank = &Error{"ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
	"or use negative to start from the end of the list"}

// parseLimit reads a number for which 0 means all.
func parseLimit(word, s string) (int64, error) {
	n, err := parseInt(s)
	switch {
	case err != nil || n < 0:
		return 0, wireError("ERR %s can't be negative", word)
	case n == 0:
		n = math.MaxInt64
	}
	return n, nil
}

func cmdLSet(x *exec, args [][]byte) resp.Value {
	key := argString(args, 1)
	i, err := parseInt(argString(args, 2))
	if err != nil {
		// A key that is not there, or no list, is the error that comes first.
		if r, wrong := x.listRef(key); wrong != nil {
			err = wrong
		} else if r.e == nil {
			err = ErrNoKey
		}
		return reply(err)
	}
	return okReply(x.lset(key, i, argString(args, 3)))
}

func cmdLInsert(x *exec, args [][]byte) resp.Value {
	side := Left
	switch {
	case isWord(args[2], "AFTER"):
		side = Right
	case !isWord(args[2], "BEFORE"):
		return reply(ErrSyntax)
	}
	return intReply(x.linsert(argString(args, 1), side, argString(args, 3), argString(args, 4)))
}

func cmdLRem(x *exec, args [][]byte) resp.Value {
	count, err := parseInt(argString(args, 2))
	if err != nil {
		return reply(err)
	}
	return intReply(x.lrem(argString(args, 1), count, argString(args, 3)))
}

func cmdLTrim(x *exec, args [][]byte) resp.Value {
	start, stop, err := parseBounds(args[2:])
	if err != nil {
		return reply(err)
	}
	return okReply(x.ltrim(argString(args, 1), start, stop))
}

func cmdLMove(x *exec, args [][]byte) resp.Value {
	take, err := parseSide(args[3])
	if err != nil {
		return reply(err)
	}
	put, err := parseSide(args[4])
	if err != nil {
		return reply(err)
	}
	return textReply(x.lmove("LMOVE", argString(args, 1), argString(args, 2), take, put))
}

func cmdRPopLPush(x *exec, args [][]byte) resp.Value {
	return textReply(x.lmove("RPOPLPUSH", argString(args, 1), argString(args, 2), Right, Left))
}
