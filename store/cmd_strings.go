package store

import (
	"math"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

var stringCommands = []Command{
	{Name: "GET", Arity: 2, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGet},
	{Name: "SET", Arity: -3, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, prepare: prepareSet, run: cmdSet},
	{Name: "SETNX", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSetNX},
	{Name: "SETEX", Arity: 4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSetEX},
	{Name: "PSETEX", Arity: 4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdPSetEX},
	{Name: "GETSET", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGetSet},
	{Name: "GETDEL", Arity: 2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGetDel},
	{Name: "GETEX", Arity: -2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGetEX},
	{Name: "MGET", Arity: -2, Flags: readMany | FlagFast, FirstKey: 1, LastKey: -1, Step: 1, run: cmdMGet},
	{Name: "MSET", Arity: -3, Flags: FlagWrite, FirstKey: 1, LastKey: -1, Step: 2, run: cmdMSet},
	{Name: "MSETNX", Arity: -3, Flags: FlagWrite, FirstKey: 1, LastKey: -1, Step: 2, run: cmdMSetNX},
	{Name: "INCR", Arity: 2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdIncr},
	{Name: "DECR", Arity: 2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdDecr},
	{Name: "INCRBY", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdIncrBy},
	{Name: "DECRBY", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdDecrBy},
	{Name: "INCRBYFLOAT", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdIncrByFloat},
	{Name: "APPEND", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdAppend},
	{Name: "SETRANGE", Arity: 4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSetRange},
	{Name: "GETRANGE", Arity: 4, Flags: readMany | flagOneKey, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGetRange},
	{Name: "SUBSTR", Arity: 4, Flags: readMany | flagOneKey, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGetRange},
	{Name: "STRLEN", Arity: 2, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdStrLen},
	{Name: "LCS", Arity: -3, Flags: readMany, FirstKey: 1, LastKey: 2, Step: 1, run: cmdLCS},
}

func cmdGet(x *exec, args [][]byte) resp.Value { return textReply(x.text(argString(args, 1))) }

func cmdSet(x *exec, args [][]byte) resp.Value {
	o, err := x.parseSet(args)
	if err != nil {
		return reply(err)
	}
	old, done, err := x.set(argString(args, 1), argString(args, 2), o)
	switch {
	case err != nil:
		return reply(err)
	case o.get && old == nil, !o.get && !done:
		return resp.NullValue()
	case o.get:
		return resp.BulkString(old.Text())
	}
	return resp.OK()
}

// prepareSet makes the entry of a SET without options.
func prepareSet(args [][]byte) *table.Entry {
	if len(args) > 3 {
		return nil
	}
	return table.NewText(0, argString(args, 1), argString(args, 2), 0)
}

// parseSet reads SET's options.
func (x *exec) parseSet(args [][]byte) (setOptions, error) { return x.parseSetWords(args[3:], "set") }

// parseSetWords reads the options of SET, or of another command, which may come in any
// order. Whether a time is valid is asked when all words make sense.
func (x *exec) parseSetWords(words [][]byte, command string) (o setOptions, err error) {
	var t timeWords
	for i := 0; i < len(words); i++ {
		switch {
		case isWord(words[i], "NX") && !o.ifHeld && !o.cond.given:
			o.ifNew = true
		case isWord(words[i], "XX") && !o.ifNew && !o.cond.given:
			o.ifHeld = true
		case isWord(words[i], "GET"):
			o.get = true
		case isWord(words[i], "KEEPTTL") && !t.given:
			o.keepTTL = true
		case !o.keepTTL && t.read(words[i:]), !o.ifNew && !o.ifHeld && o.cond.read(words[i:]):
			i++
		default:
			return o, ErrSyntax
		}
	}
	if t.given {
		o.deadline, err = x.positiveDeadline(t.arg, t.unit, command)
	}
	return o, err
}

// timeWords are EX, PX, EXAT or PXAT and the word after it. The same one may
// come again, then the last counts.
type timeWords struct {
	given bool
	unit  expireUnit
	arg   string
}

// read reports whether args begin with such words that fit those read before.
func (t *timeWords) read(args [][]byte) bool {
	u, ok := expireWord(args[0])
	if !ok || len(args) == 1 || t.given && u != t.unit {
		return false
	}
	*t = timeWords{true, u, argString(args, 1)}
	return true
}

// expireWord reads EX, PX, EXAT or PXAT.
func expireWord(arg []byte) (u expireUnit, ok bool) {
	switch {
	case isWord(arg, "EX"):
		return expireUnit{seconds: true}, true
	case isWord(arg, "PX"):
		return expireUnit{}, true
	case isWord(arg, "EXAT"):
		return expireUnit{seconds: true, absolute: true}, true
	case isWord(arg, "PXAT"):
		return expireUnit{absolute: true}, true
	}
	return u, false
}

// positiveDeadline is deadlineArg for commands that refuse times of 0 and less.
func (x *exec) positiveDeadline(arg string, u expireUnit, command string) (int64, error) {
	if n, err := parseInt(arg); err == nil && n <= 0 {
		return 0, wireError("ERR invalid expire time in '%s' command", command)
	}
	return x.deadlineArg(arg, u, command)
}

func cmdSetNX(x *exec, args [][]byte) resp.Value {
	key, value := argString(args, 1), argString(args, 2)
	r := x.ref(key)
	if r.e != nil {
		return boolReply(false)
	}
	x.c.put(r, table.NewText(x.c.version, key, value, 0))
	x.c.effect(x.db, "SETNX", key, value)
	x.event(eventString, "set", key)
	return boolReply(true)
}

func cmdSetEX(x *exec, args [][]byte) resp.Value {
	return x.setWithTTL(args, expireUnit{seconds: true}, "setex")
}

func cmdPSetEX(x *exec, args [][]byte) resp.Value {
	return x.setWithTTL(args, expireUnit{}, "psetex")
}

func (x *exec) setWithTTL(args [][]byte, u expireUnit, name string) resp.Value {
	deadline, err := x.positiveDeadline(argString(args, 2), u, name)
	if err != nil {
		return reply(err)
	}
	_, _, err = x.set(argString(args, 1), argString(args, 3), setOptions{deadline: deadline})
	return okReply(err)
}

func cmdGetSet(x *exec, args [][]byte) resp.Value {
	old, _, err := x.set(argString(args, 1), argString(args, 2), setOptions{get: true})
	if old == nil {
		return textReply("", false, err)
	}
	return textReply(old.Text(), true, err)
}

func cmdGetDel(x *exec, args [][]byte) resp.Value { return textReply(x.getDel(argString(args, 1))) }

func cmdGetEX(x *exec, args [][]byte) resp.Value {
	key := argString(args, 1)
	t, persist, err := parseGetEX(args[2:])
	if err != nil {
		return reply(err)
	}
	value, ok, err := x.text(key)
	if !ok {
		return textReply("", false, err) // whatever time was asked for
	}
	if persist {
		x.persist(key)
	} else if t.given {
		deadline, err := x.positiveDeadline(t.arg, t.unit, "getex")
		if err != nil {
			return reply(err)
		}
		x.expireAt(key, deadline, expireCondition{})
	}
	return resp.BulkString(value)
}

func parseGetEX(words [][]byte) (t timeWords, persist bool, err error) {
	for i := 0; i < len(words); i++ {
		switch {
		case isWord(words[i], "PERSIST") && !t.given:
			persist = true
		case !persist && t.read(words[i:]):
			i++
		default:
			return t, false, ErrSyntax
		}
	}
	return t, persist, nil
}

func cmdMGet(x *exec, args [][]byte) resp.Value {
	elems := make([]resp.Value, len(args)-1)
	for i := range elems {
		value, ok, err := x.text(argString(args, i+1))
		elems[i] = textReply(value, ok && err == nil, nil)
	}
	return resp.ArrayOf(elems...)
}

func cmdMSet(x *exec, args [][]byte) resp.Value {
	if len(args)%2 == 0 {
		return wrongArity("mset")
	}
	x.mset(argStrings(args[1:]), false)
	return resp.OK()
}

func cmdMSetNX(x *exec, args [][]byte) resp.Value {
	if len(args)%2 == 0 {
		return wrongArity("msetnx")
	}
	return boolReply(x.mset(argStrings(args[1:]), true))
}

func cmdIncr(x *exec, args [][]byte) resp.Value {
	key := argString(args, 1)
	return intReply(x.incr(key, 1, "INCR", key))
}

func cmdDecr(x *exec, args [][]byte) resp.Value {
	key := argString(args, 1)
	return intReply(x.incr(key, -1, "DECR", key))
}

func cmdIncrBy(x *exec, args [][]byte) resp.Value {
	key, by := argString(args, 1), argString(args, 2)
	delta, err := parseInt(by)
	if err != nil {
		return reply(err)
	}
	return intReply(x.incr(key, delta, "INCRBY", key, by))
}

func cmdDecrBy(x *exec, args [][]byte) resp.Value {
	key, by := argString(args, 1), argString(args, 2)
	delta, err := parseInt(by)
	if err != nil {
		return reply(err)
	}
	if delta == math.MinInt64 {
		return resp.Err("ERR decrement would overflow")
	}
	return intReply(x.incr(key, -delta, "DECRBY", key, by))
}

func cmdIncrByFloat(x *exec, args [][]byte) resp.Value {
	sum, err := x.incrFloat(argString(args, 1), argString(args, 2))
	return textReply(sum, true, err)
}

func cmdAppend(x *exec, args [][]byte) resp.Value {
	return intReply(x.appendText(argString(args, 1), argString(args, 2)))
}

func cmdSetRange(x *exec, args [][]byte) resp.Value {
	offset, err := parseInt(argString(args, 2))
	if err != nil {
		return reply(err)
	}
	return intReply(x.setRange(argString(args, 1), offset, argString(args, 3)))
}

func cmdGetRange(x *exec, args [][]byte) resp.Value {
	start, err := parseInt(argString(args, 2))
	if err != nil {
		return reply(err)
	}
	end, err := parseInt(argString(args, 3))
	if err != nil {
		return reply(err)
	}
	value, err := x.getRange(argString(args, 1), start, end)
	return textReply(value, true, err)
}

func cmdStrLen(x *exec, args [][]byte) resp.Value {
	return intReply(x.strlen(argString(args, 1)))
}
