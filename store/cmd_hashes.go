package store

import (
	"math"

	"github.com/understudy-go/understudy/resp"
)

var hashCommands = []Command{
	{Name: "HSET", Arity: -4, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHSet},
	{Name: "HMSET", Arity: -4, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHMSet},
	{Name: "HSETNX", Arity: 4, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHSetNX},
	{Name: "HGET", Arity: 3, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHGet},
	{Name: "HMGET", Arity: -3, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHMGet},
	{Name: "HGETALL", Arity: 2, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHGetAll},
	{Name: "HKEYS", Arity: 2, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHKeys},
	{Name: "HVALS", Arity: 2, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHVals},
	{Name: "HLEN", Arity: 2, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHLen},
	{Name: "HEXISTS", Arity: 3, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHExists},
	{Name: "HSTRLEN", Arity: 3, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHStrLen},
	{Name: "HDEL", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHDel},
	{Name: "HINCRBY", Arity: 4, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHIncrBy},
	{Name: "HINCRBYFLOAT", Arity: 4, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHIncrByFloat},
	{Name: "HRANDFIELD", Arity: -2, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHRandField},
	{Name: "HSCAN", Arity: -3, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHScan},
}

func cmdHSet(x *exec, args [][]byte) resp.Value  { return x.hsetCommand("HSET", args) }
func cmdHMSet(x *exec, args [][]byte) resp.Value { return x.hsetCommand("HMSET", args) }

func (x *exec) hsetCommand(name string, args [][]byte) resp.Value {
	if len(args)%2 != 0 {
		return wrongArity(name)
	}
	rest := argStrings(args[1:])
	added, err := x.hset(rest[0], rest[1:])
	if err != nil {
		return reply(err)
	}
	x.c.effect(x.db, append([]string{name}, rest...)...)
	if name == "HMSET" {
		return resp.OK()
	}
	return resp.Integer(int64(added))
}

func cmdHSetNX(x *exec, args [][]byte) resp.Value {
	done, err := x.hsetNew(argString(args, 1), argString(args, 2), argString(args, 3))
	if err != nil {
		return reply(err)
	}
	return boolReply(done)
}

func cmdHGet(x *exec, args [][]byte) resp.Value {
	e, err := x.hash(argString(args, 1))
	value, ok := x.hget(e, argString(args, 2))
	return textReply(value, ok, err)
}

func cmdHMGet(x *exec, args [][]byte) resp.Value {
	e, err := x.hash(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	elems := make([]resp.Value, len(args)-2)
	for i := range elems {
		value, ok := x.hget(e, argString(args, i+2))
		elems[i] = textReply(value, ok, nil)
	}
	return resp.ArrayOf(elems...)
}

// hashElems collects what pick returns for each pair.
func (x *exec) hashElems(args [][]byte, pick func(field, value string) []resp.Value) ([]resp.Value, error) {
	e, err := x.hash(argString(args, 1))
	if err != nil {
		return nil, err
	}
	elems := make([]resp.Value, 0, 2*x.hlen(e))
	x.heach(e, func(f, v string) { elems = append(elems, pick(f, v)...) })
	return elems, nil
}

func cmdHGetAll(x *exec, args [][]byte) resp.Value {
	elems, err := x.hashElems(args, func(f, v string) []resp.Value {
		return []resp.Value{resp.BulkString(f), resp.BulkString(v)}
	})
	if err != nil {
		return reply(err)
	}
	return resp.MapOf(elems...)
}

func cmdHKeys(x *exec, args [][]byte) resp.Value {
	elems, err := x.hashElems(args, func(f, _ string) []resp.Value { return []resp.Value{resp.BulkString(f)} })
	return arrayReply(elems, err)
}

func cmdHVals(x *exec, args [][]byte) resp.Value {
	elems, err := x.hashElems(args, func(_, v string) []resp.Value { return []resp.Value{resp.BulkString(v)} })
	return arrayReply(elems, err)
}

func arrayReply(elems []resp.Value, err error) resp.Value {
	if err != nil {
		return reply(err)
	}
	return resp.ArrayOf(elems...)
}

func cmdHLen(x *exec, args [][]byte) resp.Value {
	e, err := x.hash(argString(args, 1))
	return intReply(x.hlen(e), err)
}

func cmdHExists(x *exec, args [][]byte) resp.Value {
	e, err := x.hash(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	_, ok := x.hget(e, argString(args, 2))
	return boolReply(ok)
}

func cmdHStrLen(x *exec, args [][]byte) resp.Value {
	e, err := x.hash(argString(args, 1))
	value, _ := x.hget(e, argString(args, 2))
	return intReply(len(value), err)
}

func cmdHDel(x *exec, args [][]byte) resp.Value {
	return intReply(x.hdel(argString(args, 1), argStrings(args[2:])))
}

func cmdHIncrBy(x *exec, args [][]byte) resp.Value {
	delta, err := parseInt(argString(args, 3))
	if err != nil {
		return reply(err)
	}
	return intReply(x.hincr(argString(args, 1), argString(args, 2), delta))
}

func cmdHIncrByFloat(x *exec, args [][]byte) resp.Value {
	sum, err := x.hincrFloat(argString(args, 1), argString(args, 2), argString(args, 3))
	return textReply(sum, true, err)
}

// cmdHRandField is HRANDFIELD key [count [WITHVALUES]]: count distinct fields,
// or, for a negative count, that many with repetition.
func cmdHRandField(x *exec, args [][]byte) resp.Value {
	count, values, err := parseRandom(args, "WITHVALUES")
	if err != nil {
		return reply(err)
	}
	e, err := x.hash(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	picked, err := x.hrandom(e, count)
	switch {
	case err != nil:
		return reply(err)
	case len(args) > 2:
		return fieldsReply(picked, values)
	case len(picked) == 0:
		return resp.NullValue()
	}
	return resp.BulkString(picked[0].Name)
}

// fieldsReply is fields, or pairs of field and value.
func fieldsReply(fields []Field, values bool) resp.Value {
	elems := make([]resp.Value, 0, 2*len(fields))
	for _, f := range fields {
		elems = append(elems, resp.BulkString(f.Name))
		if values {
			elems = append(elems, resp.BulkString(f.Value))
		}
	}
	if values && len(fields) > 0 {
		return resp.PairsOf(elems...)
	}
	return resp.ArrayOf(elems...)
}

// parseRandom reads [count [word]] behind the key.
func parseRandom(args [][]byte, word string) (count int64, values bool, err error) {
	if len(args) == 2 {
		return 1, false, nil
	}
	count, err = parseInt(argString(args, 2))
	values = len(args) == 4
	switch {
	case err != nil:
	case count == math.MinInt64:
		err = wireError("ERR value is out of range, value must between %d and %d", int64(-math.MaxInt64), int64(math.MaxInt64))
	case len(args) > 4 || values && !isWord(args[3], word):
		err = ErrSyntax
	case values && (count < -math.MaxInt64/2 || count > math.MaxInt64/2):
		err = errCount
	}
	return count, values, err
}

var errCount = wireError("ERR value is out of range")

// mostRepeated bounds what a negative count may ask for, with repetitions, of a
// hash that is there. Redis would go on until it has no memory left.
const mostRepeated = 1 << 20
