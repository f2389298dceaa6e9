package server

import (
	"strings"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// keySpecs returns the key specifications of a command of the store as COMMAND INFO of Redis 7.0 has them: a map for each, with the flags of its keys, how to
// find the first of them, and from there the others. A range of keys which are not all used in the same way becomes two.
func keySpecs(name string, specs []store.KeySpec) []resp.Value {
	first, rest := specFlags(name)
	if len(specs) == 1 && first != rest {
		all := specs[0]
		one, others := all, all
		one.Last, others.Begin = 0, all.Begin+all.Step
		if all.Last > 0 {
			others.Last -= all.Step
		}
		specs = []store.KeySpec{one, others}
	}
	var list []resp.Value
	for i, spec := range specs {
		flags := first
		if i > 0 && (i == len(specs)-1 || spec.Kind == store.KeyWord) {
			flags = rest // where the use differs, what is stored to is first or last, or behind a word
		}
		list = append(list, specValue(spec, strings.Fields(flags)))
	}
	return list
}

// specFlags is keyFlagsOf without a command line: what its arguments decide is said to vary.
func specFlags(name string) (first, rest string) {
	if name == "set" || name == "bitfield" {
		const varies = "RW access update variable_flags"
		return varies, varies
	}
	return keyFlagsOf(name, [][]byte{[]byte(name)})
}

func specValue(spec store.KeySpec, flags []string) resp.Value {
	begin, find := step("index", number{"index", spec.Begin}), step("unknown")
	switch spec.Kind {
	case store.KeyUnknown:
		begin = step("unknown")
	case store.KeyHalf:
		begin = wordStep(spec.Word, spec.Begin)
		find = step("range", number{"lastkey", spec.Last}, number{"keystep", spec.Step}, number{"limit", 2})
	case store.KeyWord:
		begin = wordStep(spec.Word, spec.Begin)
		find = step("range", number{"lastkey", spec.Last}, number{"keystep", spec.Step}, number{"limit", 0})
	case store.KeyCount:
		find = step("keynum", number{"keynumidx", 0}, number{"firstkey", 1}, number{"keystep", 1})
	case store.KeyRange:
		find = step("range", number{"lastkey", spec.Last}, number{"keystep", spec.Step}, number{"limit", 0})
	}
	return resp.MapOf(resp.BulkString("flags"), simpleSet(flags), resp.BulkString("begin_search"), begin, resp.BulkString("find_keys"), find)
}

// wordStep is the step of looking for a word from an argument on.
func wordStep(word string, from int) resp.Value {
	return resp.MapOf(resp.BulkString("type"), resp.BulkString("keyword"), resp.BulkString("spec"),
		resp.MapOf(resp.BulkString("keyword"), resp.BulkString(word), resp.BulkString("startfrom"), resp.Integer(int64(from))))
}

type number struct {
	name string
	n    int
}

// step is one of the two steps in which keys are found.
func step(kind string, spec ...number) resp.Value {
	var pairs []resp.Value
	for _, s := range spec {
		pairs = append(pairs, resp.BulkString(s.name), resp.Integer(int64(s.n)))
	}
	return resp.MapOf(resp.BulkString("type"), resp.BulkString(kind), resp.BulkString("spec"), resp.MapOf(pairs...))
}
