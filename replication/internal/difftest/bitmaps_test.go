package difftest

var bitmapRows = []row{
	{"SETBIT", 14, func(g *gen) []string { return list(g.key(), g.bitOffset(), g.pick("0", "1", "1", "1", g.integer())) }, exact, ""},
	{"GETBIT", 8, func(g *gen) []string { return list(g.key(), g.bitOffset()) }, exact, ""},
	{"BITCOUNT", 12, func(g *gen) []string { return g.bitRange(list(g.key())) }, exact, ""},
	{"BITPOS", 16, func(g *gen) []string { return g.bitRange(list(g.key(), g.pick("0", "1", "0", "1", g.integer()))) }, exact, ""},
	{"BITOP", 14, func(g *gen) []string {
		return append(list(g.word("AND", "OR", "XOR", "NOT", "NOT", "junk"), g.key()), g.several(3, g.key)...)
	}, exact, ""},
	{"BITFIELD", 20, func(g *gen) []string { return append(list(g.key()), g.bitSteps(false)...) }, exact, ""},
	{"BITFIELD_RO", 8, func(g *gen) []string { return append(list(g.key()), g.bitSteps(true)...) }, exact, ""},
}

// bitOffset is within a string of usual length, beside the edges of a long string's chunks, where a store of ours begins to
// make chunks, or nowhere. None makes a server take much memory.
func (g *gen) bitOffset() string {
	if g.chance(6) {
		return g.pick("-1", "4294967296", "9223372036854775807", "9223372036854775808", "abc", "", "01", "+1", "#1", " 1")
	}
	return g.pick("0", "1", "7", "8", "9", "31", "63", "64", "100", "511", "2399", "32767", "32768", "524287", "524288", "560000")
}

// bitRange are a start, an end and a unit, or less.
func (g *gen) bitRange(args []string) []string {
	if g.chance(4) {
		return args
	}
	args = append(args, g.bitBound())
	if g.chance(4) {
		return args
	}
	args = append(args, g.bitBound())
	if g.chance(2) {
		args = append(args, g.word("BIT", "BIT", "BYTE", "junk"))
	}
	return args
}

func (g *gen) bitBound() string {
	if g.chance(3) {
		return g.bound()
	}
	return g.pick("0", "0", "1", "2", "7", "8", "12", "100", "-1", "-1", "-2", "-9", "-100", "524288", "-524289")
}

// bitSteps are those of BITFIELD. Where a step may fail, one that writes for certain and further behind comes first: a string
// that only grows is not propagated by Redis, so that its replica would be another.
func (g *gen) bitSteps(reads bool) (steps []string) {
	if !reads && g.chance(3) {
		steps = list("SET", "u8", "600000", "1", "SET", "u8", "600000", "2", "OVERFLOW", g.word("FAIL"))
	}
	for range g.r.IntN(5) {
		kind := g.pick("GET", "GET", "SET", "INCRBY", "INCRBY", "OVERFLOW", "junk")
		if reads && !g.chance(10) {
			kind = "GET"
		}
		switch kind {
		case "OVERFLOW":
			steps = append(steps, g.word(kind), g.word("WRAP", "SAT", "junk"))
		case "SET", "INCRBY":
			steps = append(steps, g.word(kind), g.bitType(), g.fieldOffset(), g.integer())
		default:
			steps = append(steps, g.word(kind), g.bitType(), g.fieldOffset())
		}
	}
	return steps
}

func (g *gen) bitType() string {
	if g.chance(30) {
		return g.pick("u64", "i65", "u0", "i0", "i-1", "U8", "x8", "", "u", "u08", "u8\x00", "u8\x00junk", "u8 ", "i9223372036854775808")
	}
	return g.pick("u1", "i1", "u4", "i5", "u8", "i8", "u9", "u16", "i31", "u32", "i33", "u57", "i58", "u62", "u63", "i63", "i64")
}

// fieldOffset is one in bits, or in fields behind a #.
func (g *gen) fieldOffset() string {
	offset := g.pick("0", "0", "1", "3", "7", "8", "13", "64", "100", "4090", "32767", "524280", "524287")
	switch {
	case g.chance(40):
		return g.bitOffset()
	case g.chance(40):
		return g.pick("#", "#x", "#-1", "#9223372036854775807", "#536870912", "#1152921504606846976", "##1")
	case g.chance(2) && len(offset) < 3:
		return "#" + offset
	}
	return offset
}
