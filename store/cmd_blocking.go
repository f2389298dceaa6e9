package store

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// blockingCommands wait for an element when there is none. Inside of a transaction,
// and of a program's own commit, they do not: run answers at once.
var blockingCommands = []Command{
	{Name: "BLPOP", Arity: -3, Flags: FlagWrite, FirstKey: 1, LastKey: -2, Step: 1, block: parseBLPop, run: cmdBLPop},
	{Name: "BRPOP", Arity: -3, Flags: FlagWrite, FirstKey: 1, LastKey: -2, Step: 1, block: parseBRPop, run: cmdBRPop},
	{Name: "BLMOVE", Arity: 6, Flags: FlagWrite, FirstKey: 1, LastKey: 2, Step: 1, block: parseBLMove, run: cmdBLMove},
	{Name: "BRPOPLPUSH", Arity: 4, Flags: FlagWrite, FirstKey: 1, LastKey: 2, Step: 1, block: parseBRPopLPush, run: cmdBRPopLPush},
	{Name: "BLMPOP", Arity: -5, Flags: FlagWrite, keys: countedKeys(2), block: parseBLMPop, run: cmdBLMPop},
	{Name: "BZPOPMIN", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: -2, Step: 1, block: parseBZPopMin, run: cmdBZPopMin},
	{Name: "BZPOPMAX", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: -2, Step: 1, block: parseBZPopMax, run: cmdBZPopMax},
	{Name: "BZMPOP", Arity: -5, Flags: FlagWrite, keys: countedKeys(2), block: parseBZMPop, run: cmdBZMPop},
}

func cmdBLPop(x *exec, args [][]byte) resp.Value      { return x.once(parseBLPop(args)) }
func cmdBRPop(x *exec, args [][]byte) resp.Value      { return x.once(parseBRPop(args)) }
func cmdBLMove(x *exec, args [][]byte) resp.Value     { return x.once(parseBLMove(args)) }
func cmdBRPopLPush(x *exec, args [][]byte) resp.Value { return x.once(parseBRPopLPush(args)) }
func cmdBLMPop(x *exec, args [][]byte) resp.Value     { return x.once(parseBLMPop(args)) }
func cmdBZPopMin(x *exec, args [][]byte) resp.Value   { return x.once(parseBZPopMin(args)) }
func cmdBZPopMax(x *exec, args [][]byte) resp.Value   { return x.once(parseBZPopMax(args)) }
func cmdBZMPop(x *exec, args [][]byte) resp.Value     { return x.once(parseBZMPop(args)) }

// wish is what a blocking command asks for.
type wish struct {
	keys    []string // in the order in which they are looked at; they may alias the arguments
	kind    Kind
	timeout time.Duration                                 // 0 for none
	take    func(x *exec, key string) (resp.Value, error) // from key, which is of that kind
	nothing resp.Value                                    // the reply where nothing is waited for
	grows   bool                                          // it may take more memory

	// begin, unless nil, answers at the beginning instead of a look at each key.
	begin func(x *exec) (v resp.Value, ok bool)
	once  bool // of a command that waits only if it is told to: it was not
	reads bool // nothing is changed, so that it may wait where writes are refused

	// gone, unless nil, is asked where a key goes, or gets a value of another kind: ok is
	// whether the wait is over by that.
	gone func(x *exec) (v resp.Value, ok bool)
}

// once answers from what there is.
func (x *exec) once(w wish, err error) resp.Value {
	if err != nil {
		return reply(err)
	}
	if v, ok := x.grant(w); ok {
		return v
	}
	return w.nothing
}

// grant takes from the first key that is there. One of the wrong kind before it is an
// error.
func (x *exec) grant(w wish) (v resp.Value, ok bool) {
	if w.begin != nil {
		return w.begin(x)
	}
	for _, key := range w.keys {
		switch kindOf(x.ref(key).e) {
		case None:
			continue
		case w.kind:
			v, err := w.take(x, key)
			if err != nil {
				v = reply(err)
			}
			return v, true
		}
		return reply(ErrWrongType), true
	}
	return v, false
}

// grantFrom takes from one key, if it is there and of the right kind: one that waits
// goes on waiting otherwise.
func (x *exec) grantFrom(w wish, key string) (v resp.Value, ok bool) {
	if kindOf(x.ref(key).e) != w.kind {
		return v, false
	}
	v, err := w.take(x, key)
	switch err {
	case nil:
		return v, true
	case errNothingYet:
		return v, false
	}
	return reply(err), true
}

// errNothingYet is returned by what takes from a key where there is nothing for the one
// who waits, though the key is there: a stream without an entry that is new to it.
var errNothingYet = errors.New("store: nothing yet")

// blockOn answers a blocking command of a client, when there is something or its time
// is over.
func (c *Session) blockOn(w wish) resp.Value {
	ctx, done := context.Background(), func() {}
	r, err := c.s.block(c.db, w, func() (context.Context, func()) {
		if c.wait != nil {
			ctx, done = c.wait()
		}
		return ctx, done
	})
	switch err {
	case nil:
		c.offset = r.offset
		return r.v
	case ErrWaitOver:
		return resp.NullArray()
	}
	return reply(err)
}

func parseBLPop(args [][]byte) (wish, error) { return parseBPop(args, Left) }
func parseBRPop(args [][]byte) (wish, error) { return parseBPop(args, Right) }

func parseBPop(args [][]byte, at Side) (w wish, err error) {
	last := len(args) - 1
	w = popWish(argStrings(args[1:last]), at)
	w.timeout, err = parseWait(args[last])
	return w, err
}

func popWish(keys []string, at Side) wish {
	return wish{keys: keys, kind: List, nothing: resp.NullArray(), take: func(x *exec, key string) (resp.Value, error) {
		items, err := x.lpop(key, at, -1)
		if err != nil {
			return resp.Value{}, err
		}
		return resp.ArrayOf(resp.BulkString(key), resp.BulkString(items[0])), nil
	}}
}

func parseBLMove(args [][]byte) (w wish, err error) {
	take, err := parseSide(args[3])
	if err != nil {
		return w, err
	}
	put, err := parseSide(args[4])
	if err != nil {
		return w, err
	}
	return parseBMove("LMOVE", args, take, put)
}

func parseBRPopLPush(args [][]byte) (wish, error) { return parseBMove("RPOPLPUSH", args, Right, Left) }

func parseBMove(name string, args [][]byte, take, put Side) (w wish, err error) {
	w = moveWish(name, argStrings(args[1:2]), string(args[2]), take, put)
	w.timeout, err = parseWait(args[len(args)-1])
	return w, err
}

// moveWish is of one key, which may alias the arguments; to is kept.
func moveWish(name string, from []string, to string, take, put Side) wish {
	return wish{keys: from, kind: List, nothing: resp.NullValue(), grows: true, take: func(x *exec, key string) (resp.Value, error) {
		v, _, err := x.lmove(name, key, to, take, put)
		return resp.BulkString(v), err
	}}
}

func parseBLMPop(args [][]byte) (w wish, err error) {
	p, err := parseLMPop(args[2:])
	if err != nil {
		return w, err
	}
	w = lmpopWish(p.keys, p.at, p.count)
	w.timeout, err = parseWait(args[1])
	return w, err
}

func lmpopWish(keys []string, at Side, count int64) wish {
	return wish{keys: keys, kind: List, nothing: resp.NullArray(), take: func(x *exec, key string) (resp.Value, error) {
		key, items, err := x.lmpop([]string{key}, at, count)
		return lmpopReply(key, items, err), nil
	}}
}

func parseBZPopMin(args [][]byte) (wish, error) { return parseBZPop(args, false) }
func parseBZPopMax(args [][]byte) (wish, error) { return parseBZPop(args, true) }

func parseBZPop(args [][]byte, max bool) (w wish, err error) {
	last := len(args) - 1
	w = zpopWish(argStrings(args[1:last]), max)
	w.timeout, err = parseWait(args[last])
	return w, err
}

func zpopWish(keys []string, max bool) wish {
	return wish{keys: keys, kind: SortedSet, nothing: resp.NullArray(), take: func(x *exec, key string) (resp.Value, error) {
		items, err := x.zpop(key, max, -1)
		if err != nil {
			return resp.Value{}, err
		}
		return resp.ArrayOf(appendItem([]resp.Value{resp.BulkString(key)}, items[0], true)...), nil
	}}
}

func parseBZMPop(args [][]byte) (w wish, err error) {
	keys, max, count, err := parseZMPop(args[2:])
	if err != nil {
		return w, err
	}
	w = zmpopWish(keys, max, count)
	w.timeout, err = parseWait(args[1])
	return w, err
}

func zmpopWish(keys []string, max bool, count int64) wish {
	return wish{keys: keys, kind: SortedSet, nothing: resp.NullArray(), take: func(x *exec, key string) (resp.Value, error) {
		key, items, err := x.zmpop([]string{key}, max, count)
		return zmpopReply(key, items), err
	}}
}

// parseWait reads the time that a client waits, in seconds; a part of a millisecond
// counts as one, and 0 is for ever. Of a time that no clock has, Redis 7.0 says that
// it is negative, later versions that it is out of range.
func parseWait(arg []byte) (time.Duration, error) {
	seconds, err := parseFloat(string(arg))
	if err != nil {
		return 0, wireError("ERR timeout is not a float or out of range")
	}
	ms, _ := seconds.Float64()
	if ms = math.Ceil(ms * 1000); ms == 0 && seconds.Sign() > 0 {
		ms = 1
	}
	switch {
	case ms < 0:
		return 0, wireError("ERR timeout is negative")
	case ms > math.MaxInt64/1e6:
		return 0, wireError("ERR timeout is out of range")
	}
	return time.Duration(ms) * time.Millisecond, nil
}
