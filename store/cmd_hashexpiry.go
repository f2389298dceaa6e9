package store

import (
	"math"

	"github.com/understudy-go/understudy/resp"
)

// hashExpiryCommands are those about deadlines of fields: of Redis 7.4, and HGETEX,
// HSETEX and HGETDEL of 8.0.
var hashExpiryCommands = []Command{
	{Name: "HEXPIRE", Arity: -6, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHExpire},
	{Name: "HPEXPIRE", Arity: -6, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHPExpire},
	{Name: "HEXPIREAT", Arity: -6, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHExpireAt},
	{Name: "HPEXPIREAT", Arity: -6, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHPExpireAt},
	{Name: "HPERSIST", Arity: -5, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHPersist},
	{Name: "HTTL", Arity: -5, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHTTL},
	{Name: "HPTTL", Arity: -5, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHPTTL},
	{Name: "HEXPIRETIME", Arity: -5, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHExpireTime},
	{Name: "HPEXPIRETIME", Arity: -5, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHPExpireTime},
	{Name: "HGETEX", Arity: -5, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHGetEx},
	{Name: "HSETEX", Arity: -6, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHSetEx},
	{Name: "HGETDEL", Arity: -5, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHGetDel},
}

var (
	errFieldsWord  = wireError("ERR Mandatory argument FIELDS is missing or not at the right position")
	errFieldCount  = wireError("ERR Number of fields must be a positive integer")
	errFieldParam  = wireError("ERR Parameter `numFields` should be greater than 0")
	errFieldsMatch = wireError("ERR The `numfields` parameter must match the number of arguments")
	errFieldTime   = wireError("ERR invalid expire time, must be >= 0")
	errTwoTimes    = wireError("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified")
	errTwoIfs      = wireError("ERR Only one of FXX or FNX arguments can be specified")
)

// parseFields reads FIELDS n field ..., which are the rest of a command. count is the error
// for a bad n.
func parseFields(args [][]byte, count error) ([]string, error) {
	switch {
	case len(args) == 0 || !isWord(args[0], "FIELDS"):
		return nil, errFieldsWord
	case len(args) == 1:
		return nil, errFieldsMatch
	}
	n, err := parseInt(argString(args, 1))
	switch {
	case err != nil || n < 1:
		return nil, count
	case n != int64(len(args)-2):
		return nil, errFieldsMatch
	}
	return argStrings(args[2:]), nil
}

// fieldDeadline turns an argument into the deadline of a field, in Unix milliseconds.
// Commands name themselves in the error.
func (x *exec) fieldDeadline(arg string, u expireUnit, command string) (int64, error) {
	n, err := parseInt(arg)
	if err != nil {
		return 0, err
	}
	if n < 0 {
		return 0, errFieldTime
	}
	last := int64(lastFieldDeadline)
	if x.origin == stream {
		last = math.MaxInt64
	}
	bad := wireError("ERR invalid expire time in '%s' command", command)
	if u.seconds {
		if n > last/1000 {
			return 0, bad
		}
		n *= 1000
	}
	if !u.absolute {
		if n > last-x.clock() {
			return 0, bad
		}
		n += x.clock()
	}
	if n > last {
		return 0, bad
	}
	return n, nil
}

func cmdHExpire(x *exec, args [][]byte) resp.Value {
	return x.hexpireCommand(args, expireUnit{seconds: true}, "hexpire")
}

func cmdHPExpire(x *exec, args [][]byte) resp.Value {
	return x.hexpireCommand(args, expireUnit{}, "hpexpire")
}

func cmdHExpireAt(x *exec, args [][]byte) resp.Value {
	return x.hexpireCommand(args, expireUnit{seconds: true, absolute: true}, "hexpireat")
}

func cmdHPExpireAt(x *exec, args [][]byte) resp.Value {
	return x.hexpireCommand(args, expireUnit{absolute: true}, "hpexpireat")
}

// hexpireCommand is HEXPIRE key time [NX | XX | GT | LT] FIELDS n field ... and its kin.
func (x *exec) hexpireCommand(args [][]byte, u expireUnit, name string) resp.Value {
	key := argString(args, 1)
	if _, err := x.hash(key); err != nil {
		return reply(err)
	}
	deadline, err := x.fieldDeadline(argString(args, 2), u, name)
	if err != nil {
		return reply(err)
	}
	rest := args[3:]
	var o expireCondition
	if !isWord(rest[0], "FIELDS") {
		if o, err = parseExpire(rest[:1]); err != nil {
			return reply(errFieldsWord)
		}
		rest = rest[1:]
	}
	fields, err := parseFields(rest, errFieldParam)
	if err != nil {
		return reply(err)
	}
	return codesReply(x.hexpireAt(key, deadline, o, fields))
}

func codesReply(codes []int64, err error) resp.Value {
	if err != nil {
		return reply(err)
	}
	elems := make([]resp.Value, len(codes))
	for i, c := range codes {
		elems[i] = resp.Integer(c)
	}
	return resp.ArrayOf(elems...)
}

func cmdHPersist(x *exec, args [][]byte) resp.Value {
	key := argString(args, 1)
	if _, err := x.hash(key); err != nil {
		return reply(err)
	}
	fields, err := parseFields(args[2:], errFieldCount)
	if err != nil {
		return reply(err)
	}
	return codesReply(x.hpersist(key, fields))
}

func cmdHTTL(x *exec, args [][]byte) resp.Value {
	return x.httlCommand(args, func(at int64) int64 { return upToSeconds(max(at-x.clock(), 0)) })
}

func cmdHPTTL(x *exec, args [][]byte) resp.Value {
	return x.httlCommand(args, func(at int64) int64 { return max(at-x.clock(), 0) })
}

func cmdHExpireTime(x *exec, args [][]byte) resp.Value { return x.httlCommand(args, upToSeconds) }

func cmdHPExpireTime(x *exec, args [][]byte) resp.Value {
	return x.httlCommand(args, func(at int64) int64 { return at })
}

// upToSeconds rounds milliseconds up, where TTL and EXPIRETIME of keys round to the nearest.
func upToSeconds(ms int64) int64 { return int64((uint64(ms) + 999) / 1000) }

// httlCommand is HTTL key FIELDS n field ... and its kin; show makes the reply of a deadline.
func (x *exec) httlCommand(args [][]byte, show func(at int64) int64) resp.Value {
	e, err := x.hash(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	fields, err := parseFields(args[2:], errFieldCount)
	if err != nil {
		return reply(err)
	}
	codes := make([]int64, len(fields))
	for i, f := range fields {
		if codes[i] = x.hdeadline(e, f); codes[i] > 0 {
			codes[i] = show(codes[i])
		}
	}
	return codesReply(codes, nil)
}

// parseFieldTime reads EX, PX, EXAT or PXAT and the time behind it; ok is false for any
// other word.
func (x *exec) parseFieldTime(args [][]byte, command string) (t fieldTime, ok bool, err error) {
	var u expireUnit
	switch {
	case len(args) < 2:
		return t, false, nil
	case isWord(args[0], "EX"):
		u.seconds = true
	case isWord(args[0], "PX"):
	case isWord(args[0], "EXAT"):
		u.seconds, u.absolute = true, true
	case isWord(args[0], "PXAT"):
		u.absolute = true
	default:
		return t, false, nil
	}
	t.set = true
	t.at, err = x.fieldDeadline(argString(args, 1), u, command)
	return t, true, err
}

// cmdHGetEx is HGETEX key [EX n | PX n | EXAT n | PXAT n | PERSIST] FIELDS n field ...
func cmdHGetEx(x *exec, args [][]byte) resp.Value {
	key, rest := argString(args, 1), args[2:]
	if _, err := x.hash(key); err != nil {
		return reply(err)
	}
	t, ok, err := x.parseFieldTime(rest, "hgetex")
	switch {
	case err != nil:
		return reply(err)
	case ok:
		rest = rest[2:]
	case isWord(rest[0], "PERSIST"):
		t.persist, rest = true, rest[1:]
	}
	fields, err := parseFields(rest, errFieldCount)
	if err != nil {
		return reply(err)
	}
	return resultsReply(x.hgetex(key, t, fields))
}

func resultsReply(values []Result, err error) resp.Value {
	if err != nil {
		return reply(err)
	}
	elems := make([]resp.Value, len(values))
	for i, v := range values {
		elems[i] = textReply(v.Value, v.OK, nil)
	}
	return resp.ArrayOf(elems...)
}

// cmdHSetEx is HSETEX key [FNX | FXX] [EX n | PX n | EXAT n | PXAT n | KEEPTTL] FIELDS n
// field value ..., the options in any order.
func cmdHSetEx(x *exec, args [][]byte) resp.Value {
	o, t, pairs, err := x.parseHSetEx(args)
	if err != nil {
		return reply(err)
	}
	done, err := x.hsetex(argString(args, 1), o, t, pairs)
	if err != nil {
		return reply(err)
	}
	return boolReply(done)
}

func (x *exec) parseHSetEx(args [][]byte) (o fieldCondition, t fieldTime, pairs []string, err error) {
	for rest := args[2:]; len(rest) > 0 && err == nil; rest = rest[1:] {
		time, ok, bad := x.parseFieldTime(rest, "hsetex")
		switch {
		case ok && (t.set || t.keep), isWord(rest[0], "KEEPTTL") && (t.set || t.keep):
			err = errTwoTimes
		case ok:
			t, err, rest = time, bad, rest[1:]
		case isWord(rest[0], "KEEPTTL"):
			t.keep = true
		case isWord(rest[0], "FNX"), isWord(rest[0], "FXX"):
			if o.ifNone || o.ifAll {
				err = errTwoIfs
			}
			o.ifNone = isWord(rest[0], "FNX")
			o.ifAll = !o.ifNone
		case isWord(rest[0], "FIELDS"):
			pairs, err = parsePairs(rest[1:])
			return o, t, pairs, err
		default:
			err = wireError("ERR unknown argument: %s", clip(rest[0], len(rest[0])))
		}
	}
	if err == nil {
		err = &Error{wrongArity("hsetex").Str}
	}
	return o, t, nil, err
}

// parsePairs reads n field value ..., which are the rest of HSETEX.
func parsePairs(args [][]byte) ([]string, error) {
	if len(args) == 0 {
		return nil, &Error{wrongArity("hsetex").Str}
	}
	n, err := parseInt(argString(args, 0))
	switch {
	case err != nil || n < 1 || n > math.MaxInt32:
		return nil, wireError("ERR invalid number of fields")
	case 2*n != int64(len(args)-1):
		return nil, &Error{wrongArity("hsetex").Str}
	}
	return argStrings(args[1:]), nil
}

// cmdHGetDel is HGETDEL key FIELDS n field ...
func cmdHGetDel(x *exec, args [][]byte) resp.Value {
	key := argString(args, 1)
	if _, err := x.hash(key); err != nil {
		return reply(err)
	}
	fields, err := parseFields(args[2:], errFieldCount)
	if err != nil {
		return reply(err)
	}
	return resultsReply(x.hgetdel(key, fields))
}
