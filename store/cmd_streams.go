package store

import (
	"math"
	"strings"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// streamTypeCommands are those of streams, except for their groups.
var streamTypeCommands = []Command{
	{Name: "XADD", Arity: -5, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdXAdd},
	{Name: "XLEN", Arity: 2, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdXLen},
	{Name: "XRANGE", Arity: -4, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdXRange},
	{Name: "XREVRANGE", Arity: -4, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdXRevRange},
	{Name: "XREAD", Arity: -4, Flags: readMany, keys: readKeys, block: parseXReadWish, run: cmdXRead},
	{Name: "XDEL", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdXDel},
	{Name: "XDELEX", Arity: -5, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdXDelEx},
	{Name: "XACKDEL", Arity: -6, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdXAckDel},
	{Name: "XTRIM", Arity: -4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdXTrim},
	{Name: "XSETID", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdXSetID},
	{Name: "XINFO", Arity: -2, Flags: readMany, check: checkXInfo, keys: subKey, run: cmdXInfo},
}

var (
	errTrimTwice   = wireError("ERR syntax error, MAXLEN and MINID options at the same time are not compatible")
	errTrimLen     = wireError("ERR The MAXLEN argument must be >= 0.")
	errTrimLimit   = wireError("ERR The LIMIT argument must be >= 0.")
	errNoTrim      = wireError("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")
	errLimitExact  = wireError("ERR syntax error, LIMIT cannot be used without the special ~ option")
	errXTrimNoTrim = wireError("ERR syntax error, XTRIM must be called with a trimming strategy")
)

// streamArgs are the options of XADD and XTRIM.
type streamArgs struct {
	xaddOptions
	add     bool  // of XADD
	limit   int64 // LIMIT; -1 when it was not given
	refsSet bool
}

// cmdXAdd is XADD key [NOMKSTREAM] [KEEPREF|DELREF|ACKED] [MAXLEN|MINID [=|~] threshold
// [LIMIT count]] *|id field value [field value ...]. What to do with references is of
// Redis 8.2.
func cmdXAdd(x *exec, args [][]byte) resp.Value {
	o := streamArgs{add: true, limit: -1}
	rest, err := o.parse(args[2:], x.origin)
	switch {
	case err != nil:
		return reply(err)
	case len(rest) < 2 || len(rest)%2 != 0:
		return wrongArity("XADD")
	case o.id.form == givenID && o.id.id == StreamID{}:
		return reply(errStreamZero)
	}
	id, added, err := x.xadd(argString(args, 1), argStrings(rest), o.xaddOptions)
	switch {
	case err != nil:
		return reply(err)
	case !added:
		return resp.NullValue()
	}
	return resp.BulkString(id.String())
}

// parse reads the options, and of XADD the ID behind them; rest is what follows.
func (o *streamArgs) parse(args [][]byte, from origin) (rest [][]byte, err error) {
	for len(args) > 0 {
		if o.add && len(args[0]) == 1 && args[0][0] == '*' {
			args = args[1:]
			break
		}
		n, err := o.option(args)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			if !o.add {
				return nil, ErrSyntax
			}
			if o.id, err = parseNewID(argString(args, 0)); err != nil {
				return nil, err
			}
			args = args[1:]
			break
		}
		args = args[n:]
	}
	return args, o.check(from)
}

// option reads one option and returns how many arguments it takes, 0 if it is none.
func (o *streamArgs) option(args [][]byte) (n int, err error) {
	more := len(args) - 1
	switch {
	case isWord(args[0], "MAXLEN") && more > 0:
		n, arg, err := o.threshold(trimByLen, args)
		if err != nil {
			return 0, err
		}
		if o.trim.max, err = parseInt(arg); err == nil && o.trim.max < 0 {
			err = errTrimLen
		}
		return n, err
	case isWord(args[0], "MINID") && more > 0:
		n, arg, err := o.threshold(trimByID, args)
		if err != nil {
			return 0, err
		}
		o.trim.min, err = parseStreamID(arg, 0)
		return n, err
	case isWord(args[0], "LIMIT") && more > 0:
		if o.limit, err = parseInt(argString(args, 1)); err == nil && o.limit < 0 {
			err = errTrimLimit
		}
		return 2, err
	case isWord(args[0], "NOMKSTREAM") && o.add:
		o.ifThere = true
		return 1, nil
	}
	if rule, ok := parseRefs(args[0]); ok {
		if o.refsSet {
			return 0, ErrSyntax
		}
		o.refsSet, o.trim.refs = true, rule
		return 1, nil
	}
	return 0, nil
}

// threshold reads what stands before the number of MAXLEN or MINID, and returns that.
func (o *streamArgs) threshold(kind trimKind, args [][]byte) (n int, arg string, err error) {
	if o.trim.kind != trimNothing {
		return 0, "", errTrimTwice
	}
	o.trim.kind = kind
	sign := argString(args, 1)
	if len(args) > 2 && (sign == "~" || sign == "=") {
		o.trim.Approx = sign == "~"
		return 3, argString(args, 2), nil
	}
	return 2, sign, nil
}

// check looks at the options as a whole. What a primary says is done as it says: there
// LIMIT stands beside the exact form that it made of the approximate one.
func (o *streamArgs) check(from origin) error {
	switch {
	case o.limit >= 0 && o.trim.kind == trimNothing:
		return errNoTrim
	case !o.add && o.trim.kind == trimNothing:
		return errXTrimNoTrim
	case from == stream:
		o.trim.Limit = -1
	case o.limit >= 0 && !o.trim.Approx:
		return errLimitExact
	case o.limit == 0:
		o.trim.Limit = -1
	case o.limit > 0:
		o.trim.Limit = int(min(o.limit, math.MaxInt32))
	}
	return nil
}

// parseNewID reads the ID of an entry to be added: 5-1, 5-*, or 5 for 5-0.
func parseNewID(text string) (newID, error) {
	if head, ok := strings.CutSuffix(text, "-*"); ok {
		id, err := parseStreamID(head, 0)
		if strings.Contains(head, "-") {
			err = ErrStreamID
		}
		return newID{id, anySeq}, err
	}
	id, err := parseStreamID(text, 0)
	return newID{id, givenID}, err
}

func cmdXLen(x *exec, args [][]byte) resp.Value {
	e, err := x.stream(argString(args, 1))
	return intReply(x.streamLen(e), err)
}

func cmdXRange(x *exec, args [][]byte) resp.Value { return x.xrangeCommand(args, 2, 3, false) }

func cmdXRevRange(x *exec, args [][]byte) resp.Value { return x.xrangeCommand(args, 3, 2, true) }

// xrangeCommand is XRANGE key start end [COUNT count] and XREVRANGE key end start. first
// and last are where the two ends stand.
func (x *exec) xrangeCommand(args [][]byte, first, last int, reverse bool) resp.Value {
	s, count, err := parseXRange(args, first, last)
	if err != nil {
		return reply(err)
	}
	e, err := x.stream(argString(args, 1))
	switch {
	case err != nil:
		return reply(err)
	case e != nil && count == 0:
		return resp.NullArray()
	}
	return entriesReply(x.xrange(e, s, count, reverse))
}

var (
	errFirstEnd = wireError("ERR invalid start ID for the interval")
	errLastEnd  = wireError("ERR invalid end ID for the interval")
)

func parseXRange(args [][]byte, first, last int) (s streamSpan, count int64, err error) {
	var ok bool
	arg, open := strings.CutPrefix(argString(args, first), "(")
	if s.first, err = parseEnd(arg, open, 0); err != nil {
		return s, 0, err
	}
	if open {
		if s.first, ok = s.first.next(); !ok {
			return s, 0, errFirstEnd
		}
	}
	arg, open = strings.CutPrefix(argString(args, last), "(")
	if s.last, err = parseEnd(arg, open, math.MaxUint64); err != nil {
		return s, 0, err
	}
	if open {
		if s.last, ok = s.last.previous(); !ok {
			return s, 0, errLastEnd
		}
	}
	count, err = parseXCount(args[4:])
	return s, count, err
}

// parseXCount reads COUNT, below 0 for any number.
func parseXCount(args [][]byte) (count int64, err error) {
	count = -1
	for ; len(args) > 0; args = args[2:] {
		if !isWord(args[0], "COUNT") || len(args) < 2 {
			return 0, ErrSyntax
		}
		if count, err = parseInt(argString(args, 1)); err != nil {
			return 0, err
		}
		count = max(count, 0)
	}
	return count, nil
}

// parseEnd reads one end of a range: an ID, and unless it is left out of the range - or +.
func parseEnd(arg string, open bool, seq uint64) (StreamID, error) {
	if open {
		return parseStreamID(arg, seq)
	}
	return parseStreamEnd(arg, seq)
}

// parseStreamEnd reads an ID, - for the first that there can be, or + for the last.
func parseStreamEnd(arg string, seq uint64) (StreamID, error) {
	switch arg {
	case "-":
		return StreamID{}, nil
	case "+":
		return MaxStreamID, nil
	}
	return parseStreamID(arg, seq)
}

func cmdXDel(x *exec, args [][]byte) resp.Value {
	if r, err := x.streamRef(argString(args, 1)); r.e == nil || err != nil {
		return intReply(0, err) // before a look at the IDs
	}
	ids, err := parseStreamIDs(args[2:])
	if err != nil {
		return reply(err)
	}
	return intReply(x.xdel(argString(args, 1), ids))
}

func parseStreamIDs(args [][]byte) ([]StreamID, error) {
	ids := make([]StreamID, len(args))
	for i := range args {
		var err error
		if ids[i], err = parseStreamID(argString(args, i), 0); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// cmdXDelEx is XDELEX key [KEEPREF|DELREF|ACKED] IDS numids id [id ...], of Redis 8.2.
func cmdXDelEx(x *exec, args [][]byte) resp.Value {
	rule, ids, err := parseXDelEx(args[2:])
	if err != nil {
		return reply(err)
	}
	return numbersReply(x.xdelex(argString(args, 1), ids, rule))
}

// cmdXAckDel is XACKDEL key group [KEEPREF|DELREF|ACKED] IDS numids id [id ...], of Redis
// 8.2.
func cmdXAckDel(x *exec, args [][]byte) resp.Value {
	rule, ids, err := parseXDelEx(args[3:])
	if err != nil {
		return reply(err)
	}
	return numbersReply(x.xackdel(argString(args, 1), argString(args, 2), ids, rule))
}

func parseXDelEx(args [][]byte) (rule refsRule, ids []StreamID, err error) {
	if r, ok := parseRefs(args[0]); ok {
		rule, args = r, args[1:]
	}
	if len(args) < 3 || !isWord(args[0], "IDS") {
		return rule, nil, ErrSyntax
	}
	n, err := parseInt(argString(args, 1))
	switch {
	case err != nil || n < 1:
		return rule, nil, wireError("ERR Number of IDs must be a positive integer")
	case n != int64(len(args)-2):
		return rule, nil, wireError("ERR The `numids` parameter must match the number of arguments")
	}
	ids, err = parseStreamIDs(args[2:])
	return rule, ids, err
}

func numbersReply(results []int64, err error) resp.Value {
	if err != nil {
		return reply(err)
	}
	elems := make([]resp.Value, len(results))
	for i, n := range results {
		elems[i] = resp.Integer(n)
	}
	return resp.ArrayOf(elems...)
}

// cmdXTrim is XTRIM key MAXLEN|MINID [=|~] threshold [LIMIT count] [KEEPREF|DELREF|ACKED].
func cmdXTrim(x *exec, args [][]byte) resp.Value {
	o := streamArgs{limit: -1}
	if _, err := o.parse(args[2:], x.origin); err != nil {
		return reply(err)
	}
	return intReply(x.xtrim(argString(args, 1), o.trim))
}

// cmdXSetID is XSETID key id [ENTRIESADDED n] [MAXDELETEDID id], the options of Redis 7.0.
func cmdXSetID(x *exec, args [][]byte) resp.Value {
	last, err := parseStreamID(argString(args, 2), 0)
	if err != nil {
		return reply(err)
	}
	o, err := parseXSetID(args[3:], last)
	if err != nil {
		return reply(err)
	}
	return okReply(x.xsetid(argString(args, 1), last, o))
}

func parseXSetID(args [][]byte, last StreamID) (o xsetidOptions, err error) {
	o.added = -1
	for ; len(args) > 0; args = args[2:] {
		switch {
		case len(args) < 2:
			return o, ErrSyntax
		case isWord(args[0], "ENTRIESADDED"):
			if o.added, err = parseInt(argString(args, 1)); err == nil && o.added < 0 {
				err = wireError("ERR entries_added must be positive")
			}
		case isWord(args[0], "MAXDELETEDID"):
			if o.maxDeleted, err = parseStreamID(argString(args, 1), 0); err == nil && last.before(o.maxDeleted) {
				err = wireError("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
			}
		default:
			err = ErrSyntax
		}
		if err != nil {
			return o, err
		}
	}
	return o, nil
}

// xreadArgs are what XREAD asks for.
type xreadArgs struct {
	from    []streamFrom // keys that alias the arguments
	count   int64        // 0 for any number
	waits   bool
	timeout time.Duration // 0 for none
}

// cmdXRead is XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...],
// where an ID may be $, and + as of Redis 7.4. It answers with what there is.
func cmdXRead(x *exec, args [][]byte) resp.Value {
	a, err := parseXRead(args)
	if err != nil {
		return reply(err)
	}
	if err := x.resolve(a.from); err != nil {
		return reply(err)
	}
	found, err := x.xread(a.from, a.count)
	if err != nil {
		return reply(err)
	}
	return readReply(found)
}

func parseXReadWish(args [][]byte) (wish, error) {
	a, err := parseXRead(args)
	if err != nil {
		return wish{}, err
	}
	for i, f := range a.from {
		a.from[i].key, a.from[i].place = strings.Clone(f.key), strings.Clone(f.place)
	}
	w := readWish(a.from, a.count, readReply)
	w.once, w.timeout = !a.waits, a.timeout
	return w, nil
}

func parseXRead(args [][]byte) (a xreadArgs, err error) {
	for i := 1; i < len(args); i++ {
		more := i+1 < len(args)
		switch {
		case isWord(args[i], "BLOCK") && more:
			i++
			a.waits = true
			a.timeout, err = parseBlock(argString(args, i))
		case isWord(args[i], "COUNT") && more:
			i++
			a.count, err = parseInt(argString(args, i))
			a.count = max(a.count, 0)
		case isWord(args[i], "STREAMS") && more:
			a.from, err = parseXReadStreams(args[i+1:])
			return a, err
		case isWord(args[i], "GROUP") && i+2 < len(args):
			return a, wireError("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.")
		case isWord(args[i], "NOACK"):
			return a, wireError("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.")
		default:
			return a, ErrSyntax
		}
		if err != nil {
			return a, err
		}
	}
	return a, ErrSyntax
}

// parseBlock reads how many milliseconds a reader waits, 0 for as long as it takes.
func parseBlock(text string) (time.Duration, error) {
	ms, err := parseInt(text)
	switch {
	case err != nil:
		return 0, wireError("ERR timeout is not an integer or out of range")
	case ms < 0:
		return 0, wireError("ERR timeout is negative")
	case ms > math.MaxInt64/int64(time.Millisecond):
		return 0, wireError("ERR timeout is out of range")
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// parseXReadStreams reads keys and as many IDs behind them.
func parseXReadStreams(args [][]byte) ([]streamFrom, error) {
	if len(args)%2 != 0 {
		return nil, wireError("ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.")
	}
	n := len(args) / 2
	from := make([]streamFrom, n)
	for i := range from {
		from[i] = streamFrom{key: argString(args, i), place: argString(args, n+i)}
	}
	return from, nil
}

// readKeys are the keys of XREAD: the first half of what follows STREAMS.
var readKeys = &keyRule{find: findReadKeys, specs: []KeySpec{{Kind: KeyHalf, Word: "STREAMS", Begin: 1, Last: -1, Step: 1}}}

func findReadKeys(args [][]byte) (at []int) {
	for i := 1; i < len(args); i++ {
		switch {
		case isWord(args[i], "STREAMS"):
			n := (len(args) - i - 1) / 2
			if (len(args)-i-1)%2 != 0 {
				return nil
			}
			for k := range n {
				at = append(at, i+1+k)
			}
			return at
		case isWord(args[i], "BLOCK"), isWord(args[i], "COUNT"):
			i++
		case isWord(args[i], "GROUP"):
			i += 2
		case isWord(args[i], "NOACK"):
		default:
			return nil
		}
	}
	return nil
}
