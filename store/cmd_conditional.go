package store

import (
	"slices"

	"github.com/understudy-go/understudy/resp"
)

// conditionalCommands are the strings' commands with conditions that came with Valkey
// 8.1 to 9.1 and Redis 8.4. The options of SET of that time are in parseSet.
var conditionalCommands = []Command{
	{Name: "DELEX", Arity: -2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdDelEx},
	{Name: "DELIFEQ", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdDelIfEq},
	{Name: "MSETEX", Arity: -4, Flags: FlagWrite, keys: pairedKeys, run: cmdMSetEx},
	{Name: "DIGEST", Arity: 2, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdDigest},
}

// cmdDelEx is DEL of one key, or on a condition.
func cmdDelEx(x *exec, args [][]byte) resp.Value {
	key := argString(args, 1)
	var c condition
	switch {
	case len(args) == 2:
		return resp.Integer(int64(x.del("DEL", []string{key})))
	case len(args) != 4:
		return wrongArity("delex")
	case !c.read(args[2:]):
		return reply(ErrSyntax)
	}
	return doneReply(x.delIf(key, c))
}

func cmdDelIfEq(x *exec, args [][]byte) resp.Value {
	return doneReply(x.delIf(argString(args, 1), condition{given: true, want: argString(args, 2)}))
}

// doneReply is 1 for done, 0 for not.
func doneReply(done bool, err error) resp.Value {
	if err != nil {
		return reply(err)
	}
	return boolReply(done)
}

func cmdMSetEx(x *exec, args [][]byte) resp.Value {
	at := findPaired(args)
	if at == nil {
		return resp.Err("ERR invalid numkeys value")
	}
	end := at[len(at)-1] + 2
	o, err := x.parseSetWords(args[end:], "msetex")
	if err == nil && (o.get || o.cond.given) {
		err = ErrSyntax
	}
	if err != nil {
		return reply(err)
	}
	return boolReply(x.setMany(argStrings(args[2:end]), o))
}

func cmdDigest(x *exec, args [][]byte) resp.Value { return textReply(x.digest(argString(args, 1))) }

// pairedKeys finds the keys among pairs of which the first argument says how many.
var pairedKeys = &keyRule{find: findPaired, specs: []KeySpec{{Kind: KeyUnknown}}}

func findPaired(args [][]byte) (at []int) {
	if len(args) < 4 {
		return nil
	}
	n, err := parseInt(argString(args, 1))
	if err != nil || n <= 0 || n > int64(len(args)-2)/2 {
		return nil
	}
	for i := range int(n) {
		at = append(at, 2+2*i)
	}
	return slices.Clip(at)
}
