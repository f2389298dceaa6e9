package store

import (
	"strings"

	"github.com/understudy-go/understudy/resp"
)

// algebraCommand is what one of ZUNION, ZINTER, ZDIFF, their STORE forms and ZINTERCARD
// takes.
type algebraCommand struct {
	combination
	name         string
	store, count bool
	scores       bool  // WITHSCORES
	limit        int64 // of ZINTERCARD; 0 for none
}

func cmdZUnion(x *exec, args [][]byte) resp.Value {
	return x.algebra(args, algebraCommand{name: "zunion", combination: combination{op: union}})
}

func cmdZInter(x *exec, args [][]byte) resp.Value {
	return x.algebra(args, algebraCommand{name: "zinter", combination: combination{op: inter}})
}

func cmdZDiff(x *exec, args [][]byte) resp.Value {
	return x.algebra(args, algebraCommand{name: "zdiff", combination: combination{op: diff}})
}

func cmdZInterCard(x *exec, args [][]byte) resp.Value {
	return x.algebra(args, algebraCommand{name: "zintercard", combination: combination{op: inter}, count: true})
}

func cmdZUnionStore(x *exec, args [][]byte) resp.Value {
	return x.algebra(args, algebraCommand{name: "zunionstore", combination: combination{op: union}, store: true})
}

func cmdZInterStore(x *exec, args [][]byte) resp.Value {
	return x.algebra(args, algebraCommand{name: "zinterstore", combination: combination{op: inter}, store: true})
}

func cmdZDiffStore(x *exec, args [][]byte) resp.Value {
	return x.algebra(args, algebraCommand{name: "zdiffstore", combination: combination{op: diff}, store: true})
}

func (x *exec) algebra(args [][]byte, c algebraCommand) resp.Value {
	rest := args[1:]
	if c.store {
		rest = args[2:]
	}
	if err := c.parse(x, rest); err != nil {
		return reply(err)
	}
	switch {
	case c.store:
		return resp.Integer(int64(x.zcombineStore(argString(args, 1), &c.combination, asSent(strings.ToUpper(c.name), args))))
	case c.count:
		return resp.Integer(x.zcombineCount(&c.combination, c.limit))
	}
	return scoredReply(x.zcombined(&c.combination), c.scores)
}

// parse reads numkeys key [key ...] and the options. Keys of a wrong type are found
// before a mistake behind them.
func (c *algebraCommand) parse(x *exec, args [][]byte) error {
	n, err := parseInt(argString(args, 0))
	switch {
	case err != nil:
		return err
	case n < 1:
		return wireError("ERR at least 1 input key is needed for '%s' command", c.name)
	case n > int64(len(args)-1):
		return ErrSyntax
	}
	if c.combination, err = x.combination(c.op, argStrings(args[1:1+n]), c.store); err != nil {
		return err
	}
	for args = args[1+n:]; len(args) > 0; {
		used, err := c.option(args)
		if err != nil {
			return err
		}
		args = args[used:]
	}
	return nil
}

// option reads the first option of args and tells how many words it has.
func (c *algebraCommand) option(args [][]byte) (used int, err error) {
	weighs := c.op != diff && !c.count
	switch {
	case weighs && len(args) > len(c.sources) && isWord(args[0], "WEIGHTS"):
		return 1 + len(c.sources), c.parseWeights(args[1:])
	case weighs && len(args) > 1 && isWord(args[0], "AGGREGATE"):
		return 2, c.parseAggregate(argString(args, 1))
	case !c.store && !c.count && isWord(args[0], "WITHSCORES"):
		c.scores = true
		return 1, nil
	case c.count && len(args) > 1 && isWord(args[0], "LIMIT"):
		if c.limit, err = parseInt(argString(args, 1)); err != nil || c.limit < 0 {
			return 0, errLimit
		}
		return 2, nil
	}
	return 0, ErrSyntax
}

func (c *algebraCommand) parseWeights(args [][]byte) (err error) {
	for i := range c.sources {
		if c.sources[i].weight, err = parseScore(argString(args, i)); err != nil {
			return wireError("ERR weight value is not a float")
		}
	}
	return nil
}

func (c *combination) parseAggregate(word string) error {
	c.sums = false
	switch strings.ToUpper(word) {
	case "SUM":
		c.join, c.sums = sumScores, true
	case "MIN":
		c.join = minScores
	case "MAX":
		c.join = maxScores
	default:
		return ErrSyntax
	}
	return nil
}
