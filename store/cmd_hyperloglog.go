package store

import (
	"strings"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/hll"
)

var hyperLogLogCommands = []Command{
	{Name: "PFADD", Arity: -2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdPFAdd},
	{Name: "PFCOUNT", Arity: -2, Flags: readMany | flagRefresh, FirstKey: 1, LastKey: -1, Step: 1, run: cmdPFCount},
	{Name: "PFMERGE", Arity: -2, Flags: FlagWrite, FirstKey: 1, LastKey: -1, Step: 1, run: cmdPFMerge},
	{Name: "PFDEBUG", Arity: 3, Flags: FlagWrite | FlagAdmin, FirstKey: 2, LastKey: 2, Step: 1, run: cmdPFDebug},
	{Name: "PFSELFTEST", Arity: 1, Flags: FlagAdmin, run: cmdPFSelfTest},
}

func cmdPFAdd(x *exec, args [][]byte) resp.Value {
	changed, err := x.pfadd(argString(args, 1), argStrings(args[2:]), asSent("PFADD", args)...)
	if err != nil {
		return reply(err)
	}
	return boolReply(changed)
}

func cmdPFCount(x *exec, args [][]byte) resp.Value {
	return intReply(x.pfcount(argStrings(args[1:])))
}

func cmdPFMerge(x *exec, args [][]byte) resp.Value {
	return okReply(x.pfmerge(argString(args, 1), argStrings(args[2:]), asSent("PFMERGE", args)...))
}

// cmdPFDebug is PFDEBUG GETREG|DECODE|ENCODING|TODENSE key. It looks at the key before the
// word.
func cmdPFDebug(x *exec, args [][]byte) resp.Value {
	r := x.ref(argString(args, 2))
	v, err := x.sketch(r.e)
	switch {
	case err != nil:
		return reply(err)
	case v == nil:
		return resp.Err("ERR The specified key does not exist")
	}
	switch word := strings.ToUpper(argString(args, 1)); word {
	case "GETREG":
		return x.registersReply(r, v, asSent("PFDEBUG", args))
	case "DECODE":
		if v.Dense() {
			return resp.Err("ERR HLL encoding is not sparse")
		}
		return resp.BulkString(v.Runs())
	case "ENCODING":
		if v.Dense() {
			return resp.SimpleString("dense")
		}
		return resp.SimpleString("sparse")
	case "TODENSE":
		changed, err := x.pfdense(r, v, asSent("PFDEBUG", args)...)
		if err != nil {
			return reply(err)
		}
		return boolReply(changed)
	}
	return resp.Err("ERR Unknown PFDEBUG subcommand '" + clip(args[1], quotedBytes) + "'")
}

// registersReply is the ranks of all registers of the HyperLogLog at r's key, which becomes
// dense.
func (x *exec) registersReply(r ref, v hll.Value, effect []string) resp.Value {
	ranks, err := v.Ranks()
	if err == nil {
		_, err = x.pfdense(r, v, effect...)
	}
	if err != nil {
		return reply(corrupt(err))
	}
	elems := make([]resp.Value, len(ranks))
	for i, rank := range ranks {
		elems[i] = resp.Integer(int64(rank))
	}
	return resp.ArrayOf(elems...)
}

func cmdPFSelfTest(*exec, [][]byte) resp.Value {
	if err := hll.SelfTest(); err != nil {
		return resp.Err("TESTFAILED " + err.Error())
	}
	return resp.OK()
}
