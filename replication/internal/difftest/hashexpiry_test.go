package difftest

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/resp"
)

// fieldRows are about deadlines of fields: commands that Redis 7.0 does not know, so that its run leaves them out.
var fieldRows = []row{
	{"HEXPIRE", 14, func(g *gen) []string { return g.hexpireArgs(g.after(time.Second)) }, exact, ""},
	{"HPEXPIRE", 14, func(g *gen) []string { return g.hexpireArgs(g.after(time.Millisecond)) }, exact, ""},
	{"HEXPIREAT", 14, func(g *gen) []string { return g.hexpireArgs(g.at(time.Second)) }, exact, ""},
	{"HPEXPIREAT", 14, func(g *gen) []string { return g.hexpireArgs(g.at(time.Millisecond)) }, exact, ""},
	{"HPERSIST", 8, func(g *gen) []string { return append(list(g.hashKey()), g.fieldsArgs()...) }, exact, ""},
	{"HTTL", 10, func(g *gen) []string { return append(list(g.hashKey()), g.fieldsArgs()...) }, each(remaining(1)), isTime},
	{"HPTTL", 8, func(g *gen) []string { return append(list(g.hashKey()), g.fieldsArgs()...) }, each(remaining(1000)), isTime},
	{"HEXPIRETIME", 8, func(g *gen) []string { return append(list(g.hashKey()), g.fieldsArgs()...) }, each(instant(1)), isTime},
	{"HPEXPIRETIME", 8, func(g *gen) []string { return append(list(g.hashKey()), g.fieldsArgs()...) }, each(instant(1000)), isTime},
	{"HGETEX", 16, hgetexArgs, exact, ""},
	{"HSETEX", 20, hsetexArgs, exact, ""},
	{"HGETDEL", 8, func(g *gen) []string { return append(list(g.hashKey()), g.fieldsArgs()...) }, exact, ""},
}

// rowsFor are the rows of commands that a version knows.
func rowsFor(v realserver.Version) []row {
	if v != realserver.R7 {
		return table
	}
	return slices.DeleteFunc(slices.Clone(table), func(r row) bool {
		return slices.ContainsFunc(fieldRows, func(f row) bool { return f.name == r.name })
	})
}

// datedField is a field that may have a deadline. HINCRBYFLOAT does not meet it: Redis 8.0.2 lets its own replicas forget it.
func (g *gen) datedField() string {
	return g.pick("d1", "d2", "d3", "d4", "d5", "77", strings.Repeat("D", 65))
}

// fieldsArgs are FIELDS, a number, and so many fields; or not so many.
func (g *gen) fieldsArgs() []string {
	fields := g.several(4, g.datedField)
	n := strconv.Itoa(len(fields))
	if g.chance(12) {
		n = g.pick("0", "1", "-1", "abc", "", "01", "9223372036854775807", "9223372036854775808", "2147483648")
	}
	return append(list(g.word("FIELDS", "FIELDS", "FIELDS", "FIELDS", "FIELDS", "FIELD"), n), fields...)
}

func (g *gen) hexpireArgs(when string) []string {
	args := list(g.hashKey(), when)
	if g.chance(2) {
		args = append(args, g.word("NX", "XX", "GT", "LT"))
	}
	if g.chance(30) {
		args = append(args, g.word("NX", "XX", "GT", "LT", "junk"))
	}
	return append(args, g.fieldsArgs()...)
}

func hgetexArgs(g *gen) []string {
	args := list(g.hashKey())
	switch {
	case g.chance(2):
		args = append(args, g.ttl()...)
	case g.chance(2):
		args = append(args, g.word("PERSIST", "PERSIST", "KEEPTTL"))
	}
	return append(args, g.fieldsArgs()...)
}

func hsetexArgs(g *gen) []string {
	args := list(g.hashKey())
	for range g.r.IntN(3) {
		if g.chance(2) {
			args = append(args, g.ttl()...)
		} else {
			args = append(args, g.word("FNX", "FXX", "KEEPTTL", "KEEPTTL", "PERSIST"))
		}
	}
	tail := g.fieldsArgs()
	return slices.Concat(args, tail, tail[2:]) // the fields once more: so many words make so many pairs
}

// each compares replies that are lists, element by element.
func each(same comparison) comparison {
	return func(args []string, ours, theirs resp.Value) bool {
		return ours.Kind == theirs.Kind && slices.EqualFunc(ours.Elems, theirs.Elems, func(a, b resp.Value) bool { return same(args, a, b) })
	}
}

// dwell stays with one hash for some commands about its fields: met by chance alone, few fields have deadlines.
func (r *run) dwell(n int) {
	key := r.g.hashKey()
	next := func() []string { return append(list("HSET", key), r.g.pairs(6, r.g.datedField)...) }
	if !r.turn(n, 1, next, nil) {
		return
	}
	r.turn(n, 20, func() []string {
		row := fieldRows[r.g.r.IntN(len(fieldRows))]
		args := append(list(row.name), row.args(r.g)...)
		args[1] = key
		return args
	}, nil)
}

// letFieldsPass gives some fields one millisecond to live, on both sides, and waits until that is over on both. Both
// then hide them; removed they are by a sweep here and there by whoever meets them, and before that no other command is compared.
func (r *run) letFieldsPass(n int) {
	key := r.g.hashKey()
	fields := r.g.several(3, r.g.datedField)
	args := append(list("HPEXPIRE", key, "1", "FIELDS", strconv.Itoa(len(fields))), fields...)
	if !r.turn(n, 1, func() []string { return args }, exact) {
		return
	}
	<-time.After(3 * time.Millisecond)
	hidden := [][]string{list("HGETALL", key), list("HKEYS", key), append(list("HPTTL", key, "FIELDS", strconv.Itoa(len(fields))), fields...)}
	for _, args := range hidden {
		if !r.turn(n, 1, func() []string { return args }, nil) {
			return
		}
	}
	r.store.Replication().Sweep(math.MaxInt32)
	r.theirs[n].do(r.t, append(list("HMGET", key), fields...)...)
	r.turn(n, 1, func() []string { return list("HLEN", key) }, exact)
}

// TestFieldReplies holds the scripts about deadlines of fields against Redis 8.
func TestFieldReplies(t *testing.T) {
	text, err := os.ReadFile("../../../store/testdata/hashexpiry.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprintf("resp%d", protocol), func(t *testing.T) { replay(t, realserver.R8, string(text), protocol) })
	}
}
