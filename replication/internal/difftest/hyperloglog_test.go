package difftest

import "strconv"

// sketchKeys hold HyperLogLogs mostly. Their bytes are compared by GET and by digests: they are the same on both sides.
var sketchKeys = []string{"hl1", "hl2", "hl3"}

func (g *gen) sketchKey() string { return g.mostly(sketchKeys) }

var hyperLogLogRows = []row{
	{"PFADD", 20, pfaddArgs, exact, ""},
	{"PFCOUNT", 12, func(g *gen) []string { return g.several(2, g.sketchKey) }, exact, ""},
	{"PFMERGE", 8, func(g *gen) []string { return g.several(3, g.sketchKey) }, exact, ""},
	{"PFDEBUG", 6, func(g *gen) []string {
		return list(g.word("GETREG", "DECODE", "ENCODING", "TODENSE", "nosuch"), g.sketchKey())
	}, exact, ""},
	{"PFSELFTEST", 1, noArgs, exact, ""},
}

// pfaddArgs are a few elements; now and then more than the sparse form has room for.
func pfaddArgs(g *gen) []string {
	args := list(g.sketchKey())
	switch {
	case g.chance(20):
		return args
	case g.chance(8):
		for range g.r.IntN(1500) {
			args = append(args, strconv.Itoa(g.r.IntN(100_000)))
		}
		return args
	}
	return append(args, g.several(5, g.text)...)
}
