package store

import (
	"math"
	"strings"

	"github.com/understudy-go/understudy/resp"
)

var (
	errScoreBound  = wireError("ERR min or max is not a float")
	errMemberBound = wireError("ERR min or max not valid string range item")
)

// rangeCommand is what one of the range commands takes: the fixed kind and direction
// of the old ones, or those that options give.
type rangeCommand struct {
	ZRange
	free   bool // ZRANGE and ZRANGESTORE: options choose kind and direction
	store  bool
	scores bool // WITHSCORES
}

func cmdZRange(x *exec, args [][]byte) resp.Value {
	return x.zrangeCommand(args, rangeCommand{free: true})
}

func cmdZRevRange(x *exec, args [][]byte) resp.Value {
	return x.zrangeCommand(args, rangeCommand{ZRange: ZRange{Reverse: true}})
}

func cmdZRangeByScore(x *exec, args [][]byte) resp.Value {
	return x.zrangeCommand(args, rangeCommand{ZRange: ZRange{kind: byScore}})
}

func cmdZRevRangeByScore(x *exec, args [][]byte) resp.Value {
	return x.zrangeCommand(args, rangeCommand{ZRange: ZRange{kind: byScore, Reverse: true}})
}

func cmdZRangeByLex(x *exec, args [][]byte) resp.Value {
	return x.zrangeCommand(args, rangeCommand{ZRange: ZRange{kind: byMember}})
}

func cmdZRevRangeByLex(x *exec, args [][]byte) resp.Value {
	return x.zrangeCommand(args, rangeCommand{ZRange: ZRange{kind: byMember, Reverse: true}})
}

// zrangeCommand is ZRANGE key min max [BYSCORE|BYLEX] [REV] [LIMIT offset count]
// [WITHSCORES] and its older forms.
func (x *exec) zrangeCommand(args [][]byte, c rangeCommand) resp.Value {
	if err := c.parse(args[2:]); err != nil {
		return reply(err)
	}
	e, err := x.sorted(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	seq, n, done := x.zrange(e, &c.ZRange)
	defer done()
	if c.scores {
		n *= 2
	}
	elems := make([]resp.Value, 0, n)
	for it := range seq {
		elems = appendItem(elems, it, c.scores)
	}
	return itemsReply(elems, c.scores)
}

func cmdZRangeStore(x *exec, args [][]byte) resp.Value {
	c := rangeCommand{free: true, store: true}
	if err := c.parse(args[3:]); err != nil {
		return reply(err)
	}
	effect := asSent("ZRANGESTORE", args)
	c.plain(effect[3:5])
	if c.kind != byRank && c.Offset < 0 { // a range of ranks takes the one LIMIT that says nothing
		effect = []string{"DEL", effect[1]} // nothing is stored; later servers count such an offset from the end
	}
	return intReply(x.zrangeStore(argString(args, 1), argString(args, 2), &c.ZRange, effect...))
}

// parse reads the bounds and what follows them.
func (c *rangeCommand) parse(args [][]byte) error {
	lo, hi := argString(args, 0), argString(args, 1)
	limited, err := c.parseOptions(args[2:])
	switch {
	case err != nil:
		return err
	case limited && c.kind == byRank:
		return wireError("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
	case c.scores && c.kind == byMember:
		return wireError("ERR syntax error, WITHSCORES not supported in combination with BYLEX")
	}
	if c.Reverse && c.kind != byRank {
		lo, hi = hi, lo
	}
	return c.parseBounds(lo, hi)
}

func (c *rangeCommand) parseOptions(args [][]byte) (limited bool, err error) {
	kind, direction := c.free, c.free // may still be chosen
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case !c.store && isWord(a, "WITHSCORES"):
			c.scores = true
		case isWord(a, "LIMIT") && i+2 < len(args):
			if limited, err = c.parseLimit(argString(args, i+1), argString(args, i+2)); err != nil {
				return false, err
			}
			i += 2
		case direction && isWord(a, "REV"):
			c.Reverse, direction = true, false
		case kind && isWord(a, "BYSCORE"):
			c.ZRange.kind, kind = byScore, false
		case kind && isWord(a, "BYLEX"):
			c.ZRange.kind, kind = byMember, false
		default:
			return false, ErrSyntax
		}
	}
	return limited, nil
}

// parseLimit reports whether the limit counts as one: -1 is as none.
func (c *rangeCommand) parseLimit(offset, count string) (limited bool, err error) {
	o, err := parseInt(offset)
	if err != nil {
		return false, err
	}
	n, err := parseInt(count)
	if err != nil {
		return false, err
	}
	c.Offset, c.Limit = int(o), int(max(n, 0))
	if n == 0 {
		c.Offset = -1 // no members
	}
	return n != -1, nil
}

func (z *ZRange) parseBounds(lo, hi string) (err error) {
	switch z.kind {
	case byRank:
		if z.start, err = parseInt(lo); err == nil {
			z.stop, err = parseInt(hi)
		}
		z.start = max(z.start, -math.MaxInt64/2) // room to add a length
		z.stop = max(z.stop, -math.MaxInt64/2)
		return err
	case byScore:
		return z.parseScores(lo, hi)
	}
	return z.parseMembers(lo, hi)
}

func (z *ZRange) parseScores(lo, hi string) error {
	var a, b bool
	z.min, z.MinOpen, a = parseScoreBound(lo)
	z.max, z.MaxOpen, b = parseScoreBound(hi)
	if !a || !b {
		return errScoreBound
	}
	return nil
}

// parseScoreBound reads "1.5", or "(1.5" for an open one.
func parseScoreBound(s string) (f float64, open, ok bool) {
	if s != "" && s[0] == '(' {
		s, open = s[1:], true
	}
	f, ok = parseBoundScore(s)
	return f, open, ok
}

// plain spells the bounds of an effect so that every server reads them: later ones
// than Redis 7.0 take neither hexadecimal nor space in front, nor what ends early.
func (z *ZRange) plain(bounds []string) {
	for i, s := range bounds {
		if z.kind != byScore {
			return
		}
		f, open, _ := parseScoreBound(s)
		number := strings.TrimPrefix(s, "(")
		_, infinite := infinity(number)
		if infinite || number != "" && strings.Trim(number, "0123456789.+-eE") == "" && !math.IsInf(f, 0) {
			continue
		}
		bounds[i] = formatScore(f)
		if open {
			bounds[i] = "(" + bounds[i]
		}
	}
}

func (z *ZRange) parseMembers(lo, hi string) error {
	var a, b bool
	z.minText, z.MinOpen, a = parseMemberBound(lo)
	z.maxText, z.MaxOpen, b = parseMemberBound(hi)
	if !a || !b {
		return errMemberBound
	}
	return nil
}

// parseMemberBound reads "[a", "(a" for an open one, "-" or "+".
func parseMemberBound(s string) (b bound, open, ok bool) {
	switch {
	case s == "":
		return b, false, false
	case s[0] == '[':
		return bound{text: s[1:]}, false, true
	case s[0] == '(':
		return bound{text: s[1:]}, true, true
	case len(s) > 1 && s[1] != 0: // a NUL ends it
		return b, false, false
	case s[0] == '-':
		return bound{infinite: -1}, true, true
	case s[0] == '+':
		return bound{infinite: 1}, true, true
	}
	return b, false, false
}

func cmdZCount(x *exec, args [][]byte) resp.Value    { return x.zcountCommand(args, byScore) }
func cmdZLexCount(x *exec, args [][]byte) resp.Value { return x.zcountCommand(args, byMember) }

func (x *exec) zcountCommand(args [][]byte, kind rangeKind) resp.Value {
	z := ZRange{kind: kind}
	if err := z.parseBounds(argString(args, 2), argString(args, 3)); err != nil {
		return reply(err)
	}
	e, err := x.sorted(argString(args, 1))
	if err != nil {
		return reply(err)
	}
	return resp.Integer(int64(x.zcount(e, &z)))
}

func cmdZRemRangeByRank(x *exec, args [][]byte) resp.Value {
	return x.zremRangeCommand("ZREMRANGEBYRANK", args, byRank)
}

func cmdZRemRangeByScore(x *exec, args [][]byte) resp.Value {
	return x.zremRangeCommand("ZREMRANGEBYSCORE", args, byScore)
}

func cmdZRemRangeByLex(x *exec, args [][]byte) resp.Value {
	return x.zremRangeCommand("ZREMRANGEBYLEX", args, byMember)
}

func (x *exec) zremRangeCommand(name string, args [][]byte, kind rangeKind) resp.Value {
	z := ZRange{kind: kind}
	if err := z.parseBounds(argString(args, 2), argString(args, 3)); err != nil {
		return reply(err)
	}
	effect := asSent(name, args)
	z.plain(effect[2:4])
	return intReply(x.zremRange(argString(args, 1), &z, effect...))
}
