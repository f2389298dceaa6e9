package store

import (
	"math"
	"strings"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// streamGroupCommands are those of consumers that share the reading of a stream.
var streamGroupCommands = []Command{
	{Name: "XGROUP", Arity: -2, Flags: FlagWrite, check: checkXGroup, keys: subKey, run: cmdXGroup},
	{Name: "XREADGROUP", Arity: -7, Flags: FlagWrite, keys: groupReadKeys, block: parseXReadGroupWish, run: cmdXReadGroup},
	{Name: "XACK", Arity: -4, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdXAck},
	{Name: "XPENDING", Arity: -3, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdXPending},
	{Name: "XCLAIM", Arity: -6, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdXClaim},
	{Name: "XAUTOCLAIM", Arity: -6, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdXAutoClaim},
}

// groupReadKeys are the keys of XREADGROUP, as those of XREAD.
var groupReadKeys = &keyRule{find: findReadKeys, specs: []KeySpec{{Kind: KeyHalf, Word: "STREAMS", Begin: 4, Last: -1, Step: 1}}}

// checkXGroup refuses unknown sub-commands and wrong numbers of words.
func checkXGroup(args [][]byte) error {
	n := len(args)
	switch word := strings.ToUpper(argString(args, 1)); word {
	case "HELP":
		return checkWords("xgroup|help", n == 2)
	case "CREATE":
		return checkWords("xgroup|create", n >= 5)
	case "SETID":
		return checkWords("xgroup|setid", n >= 5)
	case "DESTROY":
		return checkWords("xgroup|destroy", n == 4)
	case "CREATECONSUMER":
		return checkWords("xgroup|createconsumer", n == 5)
	case "DELCONSUMER":
		return checkWords("xgroup|delconsumer", n == 5)
	}
	return unknownSub("XGROUP", args)
}

// cmdXGroup is XGROUP CREATE, SETID, DESTROY, CREATECONSUMER, DELCONSUMER and HELP.
func cmdXGroup(x *exec, args [][]byte) resp.Value {
	if err := checkXGroup(args); err != nil {
		return reply(err)
	}
	word := strings.ToUpper(argString(args, 1))
	if word == "HELP" {
		return helpReply("XGROUP", "CREATE <key> <groupname> <id|$> [option]", "CREATECONSUMER <key> <groupname> <consumer>",
			"DELCONSUMER <key> <groupname> <consumer>", "DESTROY <key> <groupname>", "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]")
	}
	o, err := parseXGroup(word, args)
	if err != nil {
		return reply(err)
	}
	key, group := argString(args, 2), argString(args, 3)
	r, err := x.xgroupRef(word, key, group, o.make)
	if err != nil {
		return reply(err)
	}
	if word == "CREATE" && len(args) > 8 || word == "SETID" && len(args) > 7 {
		return reply(subSyntax("XGROUP", args)) // an option came twice
	}
	switch word {
	case "CREATE":
		return okReply(x.xgroupCreate(r, group, argString(args, 4), o))
	case "SETID":
		return okReply(x.xgroupSetID(r, group, argString(args, 4), o))
	case "DESTROY":
		return boolReply(x.xgroupDestroy(r, group))
	case "CREATECONSUMER":
		return boolReply(x.xgroupCreateConsumer(r, group, argString(args, 4)))
	}
	return resp.Integer(int64(x.xgroupDelConsumer(r, group, argString(args, 4))))
}

// xgroupOptions are those of XGROUP CREATE and SETID.
type xgroupOptions struct {
	make bool  // MKSTREAM
	read int64 // ENTRIESREAD, or unknownRead
}

func parseXGroup(word string, args [][]byte) (o xgroupOptions, err error) {
	o.read = unknownRead
	for i := 5; i < len(args); i++ {
		switch {
		case word == "CREATE" && isWord(args[i], "MKSTREAM"):
			o.make = true
		case isWord(args[i], "ENTRIESREAD") && i+1 < len(args):
			i++
			if o.read, err = parseInt(argString(args, i)); err != nil {
				return o, err
			}
			if o.read < 0 && o.read != unknownRead {
				return o, wireError("ERR value for ENTRIESREAD must be positive or -1")
			}
		default:
			return o, subSyntax("XGROUP", args)
		}
	}
	return o, nil
}

// subSyntax is the error of a sub-command whose options make no sense.
func subSyntax(name string, args [][]byte) error {
	return wireError("ERR unknown subcommand or wrong number of arguments for '%s'. Try %s HELP.", clip(args[1], quotedBytes), name)
}

// parseGroupIDs reads the IDs of a command up to an argument that is none, and returns
// what follows.
func parseGroupIDs(args [][]byte) (ids []StreamID, rest [][]byte) {
	for len(args) > 0 {
		id, err := parseStreamID(argString(args, 0), 0)
		if err != nil {
			break
		}
		ids, args = append(ids, id), args[1:]
	}
	return ids, args
}

func cmdXReadGroup(x *exec, args [][]byte) resp.Value {
	a, _, err := parseXReadGroup(args)
	if err != nil {
		return reply(err)
	}
	found, err := x.readGroup(a)
	if err != nil {
		return reply(err)
	}
	return groupReply(found)
}

func parseXReadGroupWish(args [][]byte) (wish, error) {
	a, w, err := parseXReadGroup(args)
	if err != nil {
		return wish{}, err
	}
	a.group, a.consumer = strings.Clone(a.group), strings.Clone(a.consumer)
	for i := range a.from {
		a.from[i].key = strings.Clone(a.from[i].key)
	}
	g := groupWish(a, groupReply)
	g.once, g.timeout = !w.waits, w.timeout
	return g, nil
}

// parseXReadGroup reads XREADGROUP GROUP group consumer [COUNT count] [BLOCK ms] [NOACK]
// STREAMS key [key ...] id [id ...]. Of w what is about waiting counts.
func parseXReadGroup(args [][]byte) (a *groupRead, w xreadArgs, err error) {
	a = &groupRead{}
	named := false
	for i := 1; i < len(args) && err == nil; i++ {
		more := len(args) - i - 1
		switch {
		case isWord(args[i], "BLOCK") && more > 0:
			i++
			w.waits = true
			w.timeout, err = parseBlock(argString(args, i))
		case isWord(args[i], "COUNT") && more > 0:
			i++
			a.count, err = parseInt(argString(args, i))
			a.count = max(a.count, 0)
		case isWord(args[i], "STREAMS") && more > 0:
			if a.from, err = parseGroupStreams(args[i+1:]); err == nil && !named {
				err = wireError("ERR Missing GROUP option for XREADGROUP")
			}
			return a, w, err
		case isWord(args[i], "GROUP") && more > 1:
			a.group, a.consumer, named = argString(args, i+1), argString(args, i+2), true
			i += 2
		case isWord(args[i], "NOACK"):
			a.noAck = true
		default:
			err = ErrSyntax
		}
	}
	if err == nil {
		err = ErrSyntax // nothing to read
	}
	return a, w, err
}

func parseGroupStreams(args [][]byte) ([]groupFrom, error) {
	if len(args)%2 != 0 {
		return nil, wireError("ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.")
	}
	n := len(args) / 2
	from := make([]groupFrom, n)
	for i := range from {
		f := &from[i]
		f.key = argString(args, i)
		switch id := argString(args, n+i); id {
		case ">":
			f.news = true
		case "$":
			f.bad = wireError("ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, " +
				"or use the > ID to get new messages. The $ ID would just return an empty result set.")
		default:
			f.after, f.bad = parseStreamID(id, 0)
		}
	}
	return from, nil
}

// cmdXAck is XACK key group id [id ...].
func cmdXAck(x *exec, args [][]byte) resp.Value {
	key, group := argString(args, 1), argString(args, 2)
	if r, err := x.streamRef(key); err != nil || r.e == nil || streamBody(r.e).group(group) == nil {
		return intReply(0, err) // before a look at the IDs
	}
	ids, err := parseStreamIDs(args[3:])
	if err != nil {
		return reply(err)
	}
	return intReply(x.ack(key, group, ids))
}

// cmdXClaim is XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME ms]
// [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID id].
func cmdXClaim(x *exec, args [][]byte) resp.Value {
	key, group := argString(args, 1), argString(args, 2)
	if _, err := x.groupRef(key, group); err != nil {
		return reply(err)
	}
	o := claimOptions{count: -1}
	var err error
	if o.minIdle, err = parseInt(argString(args, 4)); err != nil {
		return resp.Err("ERR Invalid min-idle-time argument for XCLAIM")
	}
	ids, rest := parseGroupIDs(args[5:])
	if err := o.parse(x, rest); err != nil {
		return reply(err)
	}
	items, err := x.claim(key, group, argString(args, 3), ids, o)
	if err != nil {
		return reply(err)
	}
	return claimReply(items, o.justID)
}

func (o *claimOptions) parse(x *exec, args [][]byte) (err error) {
	number := func(i int, name string) (n int64) {
		if n, err = parseInt(argString(args, i)); err != nil {
			err = wireError("ERR Invalid %s option argument for XCLAIM", name)
		}
		return n
	}
	for i := 0; i < len(args) && err == nil; i++ {
		more := i+1 < len(args)
		switch {
		case isWord(args[i], "FORCE"):
			o.force = true
		case isWord(args[i], "JUSTID"):
			o.justID = true
		case isWord(args[i], "IDLE") && more:
			i++
			o.timed = true
			o.delivered = x.clock() - number(i, "IDLE")
		case isWord(args[i], "TIME") && more:
			i++
			o.timed = true
			o.delivered = number(i, "TIME")
		case isWord(args[i], "RETRYCOUNT") && more:
			i++
			o.count = number(i, "RETRYCOUNT")
		case isWord(args[i], "LASTID") && more:
			i++
			o.last, err = parseStreamID(argString(args, i), 0)
		default:
			err = wireError("ERR Unrecognized XCLAIM option '%s'", clip(args[i], quotedBytes))
		}
	}
	return err
}

func claimReply(items []streamItem, justID bool) resp.Value {
	if !justID {
		return entriesReply(items)
	}
	elems := make([]resp.Value, len(items))
	for i, it := range items {
		elems[i] = resp.BulkString(it.id.String())
	}
	return resp.ArrayOf(elems...)
}

// cmdXAutoClaim is XAUTOCLAIM key group consumer min-idle-time start [COUNT count]
// [JUSTID], of Redis 6.2; since 7.0 it tells of the entries that are gone.
func cmdXAutoClaim(x *exec, args [][]byte) resp.Value {
	o, err := parseXAutoClaim(args)
	if err != nil {
		return reply(err)
	}
	next, items, gone, err := x.autoclaim(argString(args, 1), argString(args, 2), argString(args, 3), o)
	if err != nil {
		return reply(err)
	}
	return resp.ArrayOf(resp.BulkString(next.String()), claimReply(items, o.justID), idsReply(gone))
}

func parseXAutoClaim(args [][]byte) (o autoclaimOptions, err error) {
	o.count = autoclaimCount
	if o.minIdle, err = parseInt(argString(args, 4)); err != nil {
		return o, wireError("ERR Invalid min-idle-time argument for XAUTOCLAIM")
	}
	if o.from, err = parseFirst(argString(args, 5)); err != nil {
		return o, err
	}
	for i := 6; i < len(args); i++ {
		switch {
		case isWord(args[i], "COUNT") && i+1 < len(args):
			i++
			o.count, err = parseInt(argString(args, i))
			if err != nil || o.count < 1 || o.count > mostAutoclaimed {
				return o, wireError("ERR COUNT must be > 0")
			}
		case isWord(args[i], "JUSTID"):
			o.justID = true
		default:
			return o, ErrSyntax
		}
	}
	return o, nil
}

// parseFirst reads the first end of a range of IDs.
func parseFirst(arg string) (id StreamID, err error) {
	arg, open := strings.CutPrefix(arg, "(")
	if id, err = parseEnd(arg, open, 0); err != nil || !open {
		return id, err
	}
	id, ok := id.next()
	if !ok {
		return id, errFirstEnd
	}
	return id, nil
}

// parseLast reads the last end of a range of IDs.
func parseLast(arg string) (id StreamID, err error) {
	arg, open := strings.CutPrefix(arg, "(")
	if id, err = parseEnd(arg, open, math.MaxUint64); err != nil || !open {
		return id, err
	}
	id, ok := id.previous()
	if !ok {
		return id, errLastEnd
	}
	return id, nil
}

// pendingRange is which pending entries XPENDING shows.
type pendingRange struct {
	streamSpan
	minIdle  int64
	count    int64
	consumer string
	of       bool // of one consumer
}

// cmdXPending is XPENDING key group [[IDLE min-idle-time] start end count [consumer]].
func cmdXPending(x *exec, args [][]byte) resp.Value {
	p, err := parseXPending(args)
	if err != nil {
		return reply(err)
	}
	key, group := argString(args, 1), argString(args, 2)
	e, err := x.stream(key)
	if err != nil {
		return reply(err)
	}
	v := reply(noGroup(key, group, ""))
	if len(args) == 3 {
		x.withGroup(e, group, func(g *streamGroup) { v = g.summary() })
		return v
	}
	x.withPending(e, group, &p, func(list []streamPending) {
		rows := make([]resp.Value, len(list))
		for i, p := range list {
			rows[i] = resp.ArrayOf(resp.BulkString(p.id.String()), resp.BulkString(p.consumer),
				resp.Integer(max(x.clock()-p.delivered, 0)), resp.Integer(int64(p.count)))
		}
		v = resp.ArrayOf(rows...)
	})
	return v
}

// withGroup calls fn with a group of e, a stream or nil, if it is there, under the
// stream's lock.
func (x *exec) withGroup(e *table.Entry, name string, fn func(g *streamGroup)) {
	x.streamLook(e, func(b *bigStream) {
		if g := b.group(name); g != nil {
			fn(g)
		}
	})
}

// withPending calls fn with the pending entries that p asks for of a group of e, a stream
// or nil, if the group is there. Where they may be many, or many have to be looked at, no
// writer waits for that.
func (x *exec) withPending(e *table.Entry, group string, p *pendingRange, fn func(list []streamPending)) {
	if p.count <= streamFew && p.minIdle <= 0 {
		x.withGroup(e, group, func(g *streamGroup) { fn(g.pendingIn(p, x.clock)) })
		return
	}
	b := x.streamPin(e)
	if g := b.group(group); g != nil && !x.torn {
		fn(g.pendingIn(p, x.clock))
	}
}

func parseXPending(args [][]byte) (p pendingRange, err error) {
	rest := args[3:]
	switch {
	case len(rest) == 0:
		return p, nil
	case len(rest) < 3 || len(rest) > 6:
		return p, ErrSyntax
	}
	if isWord(rest[0], "IDLE") {
		if p.minIdle, err = parseInt(argString(rest, 1)); err != nil {
			return p, err
		}
		if rest = rest[2:]; len(rest) < 3 {
			return p, ErrSyntax
		}
	}
	if p.count, err = parseInt(argString(rest, 2)); err != nil {
		return p, err
	}
	if p.first, err = parseFirst(argString(rest, 0)); err != nil {
		return p, err
	}
	if p.last, err = parseLast(argString(rest, 1)); err != nil {
		return p, err
	}
	if len(rest) > 3 {
		p.consumer, p.of = argString(rest, 3), true
	}
	return p, nil
}
