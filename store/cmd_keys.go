package store

import (
	"math"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

var keyCommands = []Command{
	{Name: "DEL", Arity: -2, Flags: FlagWrite, FirstKey: 1, LastKey: -1, Step: 1, run: cmdDel},
	{Name: "UNLINK", Arity: -2, Flags: writeOne, FirstKey: 1, LastKey: -1, Step: 1, run: cmdUnlink},
	{Name: "EXISTS", Arity: -2, Flags: readMany | FlagFast, FirstKey: 1, LastKey: -1, Step: 1, run: cmdExists},
	{Name: "TOUCH", Arity: -2, Flags: readMany | FlagFast, FirstKey: 1, LastKey: -1, Step: 1, run: cmdTouch},
	{Name: "TYPE", Arity: 2, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdType},
	{Name: "KEYS", Arity: 2, Flags: readMany, run: cmdKeys},
	{Name: "SCAN", Arity: -2, Flags: readMany, run: cmdScan},
	{Name: "RENAME", Arity: 3, Flags: FlagWrite, FirstKey: 1, LastKey: 2, Step: 1, run: cmdRename},
	{Name: "RENAMENX", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 2, Step: 1, run: cmdRenameNX},
	{Name: "COPY", Arity: -3, Flags: FlagWrite, FirstKey: 1, LastKey: 2, Step: 1, run: cmdCopy},
	{Name: "MOVE", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdMove},
	{Name: "SWAPDB", Arity: 3, Flags: writeOne, run: cmdSwapDB},
	{Name: "RANDOMKEY", Arity: 1, Flags: readMany | flagOneKey, run: cmdRandomKey},
	{Name: "DBSIZE", Arity: 1, Flags: readMany | FlagFast, run: cmdDBSize},
	{Name: "FLUSHDB", Arity: -1, Flags: FlagWrite, run: cmdFlushDB},
	{Name: "FLUSHALL", Arity: -1, Flags: FlagWrite, run: cmdFlushAll},
}

var expiryCommands = []Command{
	{Name: "EXPIRE", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdExpire},
	{Name: "PEXPIRE", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdPExpire},
	{Name: "EXPIREAT", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdExpireAt},
	{Name: "PEXPIREAT", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdPExpireAt},
	{Name: "TTL", Arity: 2, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdTTL},
	{Name: "PTTL", Arity: 2, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdPTTL},
	{Name: "EXPIRETIME", Arity: 2, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdExpireTime},
	{Name: "PEXPIRETIME", Arity: 2, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdPExpireTime},
	{Name: "PERSIST", Arity: 2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdPersist},
}

func cmdDel(x *exec, args [][]byte) resp.Value {
	return resp.Integer(int64(x.del("DEL", argStrings(args[1:]))))
}

func cmdUnlink(x *exec, args [][]byte) resp.Value {
	return resp.Integer(int64(x.del("UNLINK", argStrings(args[1:]))))
}

func cmdExists(x *exec, args [][]byte) resp.Value {
	return resp.Integer(int64(x.exists(argStrings(args[1:]))))
}

// cmdTouch is EXISTS, except that the keys count as used.
func cmdTouch(x *exec, args [][]byte) resp.Value {
	n := 0
	for _, key := range argStrings(args[1:]) {
		if x.entry(key) != nil {
			n++
		}
	}
	return resp.Integer(int64(n))
}

func cmdType(x *exec, args [][]byte) resp.Value {
	return resp.SimpleString(typeName(x.peek(argString(args, 1))))
}

func cmdKeys(x *exec, args [][]byte) resp.Value {
	pattern := argString(args, 1)
	var elems []resp.Value
	x.eachKey(func(e *table.Entry) {
		if Match(pattern, e.Key()) {
			elems = append(elems, resp.BulkString(e.Key()))
		}
	})
	return resp.ArrayOf(elems...)
}

func cmdRename(x *exec, args [][]byte) resp.Value {
	_, err := x.rename(argString(args, 1), argString(args, 2), false)
	return okReply(err)
}

func cmdRenameNX(x *exec, args [][]byte) resp.Value {
	done, err := x.rename(argString(args, 1), argString(args, 2), true)
	if err != nil {
		return reply(err)
	}
	return boolReply(done)
}

func cmdCopy(x *exec, args [][]byte) resp.Value {
	db, replace := x.db, false
	for i := 3; i < len(args); i++ {
		switch {
		case isWord(args[i], "REPLACE"):
			replace = true
		case isWord(args[i], "DB") && i+1 < len(args):
			i++
			var err error
			if db, err = parseDB(argString(args, i)); err == nil {
				err = x.s.checkDB(db)
			}
			if err != nil {
				return reply(err)
			}
		default:
			return reply(ErrSyntax)
		}
	}
	done, err := x.copyKey(argString(args, 1), argString(args, 2), db, replace)
	if err != nil {
		return reply(err)
	}
	return boolReply(done)
}

func cmdMove(x *exec, args [][]byte) resp.Value {
	db, err := parseDB(argString(args, 2))
	if err != nil {
		return reply(err)
	}
	done, err := x.move(argString(args, 1), db)
	if err != nil {
		return reply(err)
	}
	return boolReply(done)
}

func cmdSwapDB(x *exec, args [][]byte) resp.Value {
	a, err := parseDB(argString(args, 1))
	if err != nil {
		return resp.Err("ERR invalid first DB index")
	}
	b, err := parseDB(argString(args, 2))
	if err != nil {
		return resp.Err("ERR invalid second DB index")
	}
	return okReply(x.swap(a, b))
}

// parseDB reads a database number, which need not be one of this store's.
func parseDB(arg string) (int, error) {
	n, err := parseInt(arg)
	if err == nil && (n < math.MinInt32 || n > math.MaxInt32) {
		err = wireError("ERR value is out of range, value must between %d and %d", math.MinInt32, math.MaxInt32)
	}
	return int(n), err
}

func cmdRandomKey(x *exec, args [][]byte) resp.Value {
	key, ok := x.randomKey()
	return textReply(key, ok, nil)
}

func cmdDBSize(x *exec, args [][]byte) resp.Value {
	return resp.Integer(int64(x.tableLen(x.space().tab)))
}

// flushWords checks the optional ASYNC or SYNC: emptying is O(1) either way.
func flushWords(args [][]byte) error {
	if len(args) == 1 || len(args) == 2 && (isWord(args[1], "ASYNC") || isWord(args[1], "SYNC")) {
		return nil
	}
	return ErrSyntax
}

func cmdFlushDB(x *exec, args [][]byte) resp.Value {
	if err := flushWords(args); err != nil {
		return reply(err)
	}
	x.flush()
	return resp.OK()
}

func cmdFlushAll(x *exec, args [][]byte) resp.Value {
	if err := flushWords(args); err != nil {
		return reply(err)
	}
	x.flushAll()
	return resp.OK()
}

func cmdExpire(x *exec, args [][]byte) resp.Value {
	return x.expireCommand(args, expireUnit{seconds: true}, "expire")
}

func cmdPExpire(x *exec, args [][]byte) resp.Value {
	return x.expireCommand(args, expireUnit{}, "pexpire")
}

func cmdExpireAt(x *exec, args [][]byte) resp.Value {
	return x.expireCommand(args, expireUnit{seconds: true, absolute: true}, "expireat")
}

func cmdPExpireAt(x *exec, args [][]byte) resp.Value {
	return x.expireCommand(args, expireUnit{absolute: true}, "pexpireat")
}

func (x *exec) expireCommand(args [][]byte, u expireUnit, name string) resp.Value {
	o, err := parseExpire(args[3:])
	if err != nil {
		return reply(err)
	}
	deadline, err := x.deadlineArg(argString(args, 2), u, name)
	if err != nil {
		return reply(err)
	}
	return boolReply(x.expireAt(argString(args, 1), deadline, o))
}

func parseExpire(args [][]byte) (o expireCondition, err error) {
	for _, a := range args {
		switch {
		case isWord(a, "NX"):
			o.ifNone = true
		case isWord(a, "XX"):
			o.ifSome = true
		case isWord(a, "GT"):
			o.ifLater = true
		case isWord(a, "LT"):
			o.ifSooner = true
		default:
			return o, wireError("ERR Unsupported option %s", clip(a, len(a)))
		}
	}
	return o, o.check()
}

func cmdTTL(x *exec, args [][]byte) resp.Value {
	d := x.deadline(argString(args, 1))
	if d > 0 {
		d = (max(d-x.clock(), 0) + 500) / 1000
	}
	return resp.Integer(d)
}

func cmdPTTL(x *exec, args [][]byte) resp.Value {
	d := x.deadline(argString(args, 1))
	if d > 0 {
		d = max(d-x.clock(), 0)
	}
	return resp.Integer(d)
}

func cmdExpireTime(x *exec, args [][]byte) resp.Value {
	d := x.deadline(argString(args, 1))
	if d > 0 {
		d = int64((uint64(d) + 500) / 1000) // no overflow at the end of the range
	}
	return resp.Integer(d)
}

func cmdPExpireTime(x *exec, args [][]byte) resp.Value {
	return resp.Integer(x.deadline(argString(args, 1)))
}

func cmdPersist(x *exec, args [][]byte) resp.Value {
	return boolReply(x.persist(argString(args, 1)))
}
