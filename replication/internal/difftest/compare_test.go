package difftest

import (
	"bytes"
	"slices"
	"strings"

	"github.com/understudy-go/understudy/resp"
)

// comparison decides whether two replies to one command are alike. Errors are compared byte for byte before it is asked.
type comparison func(args []string, ours, theirs resp.Value) bool

// wire is a reply in both protocols: RESP2 tells the two nulls apart, RESP3 the kinds of numbers and collections.
func wire(v resp.Value) []byte { return resp.AppendValue(resp.AppendValue(nil, v, 2), v, 3) }

// exact: byte for byte.
func exact(_ []string, ours, theirs resp.Value) bool { return bytes.Equal(wire(ours), wire(theirs)) }

// unordered: arrays of the same elements.
func unordered(_ []string, ours, theirs resp.Value) bool {
	return ours.Kind == theirs.Kind && slices.Equal(sorted(ours.Elems, 1), sorted(theirs.Elems, 1))
}

// pairwise: arrays of the same pairs.
func pairwise(_ []string, ours, theirs resp.Value) bool {
	return ours.Kind == theirs.Kind && slices.Equal(sorted(ours.Elems, 2), sorted(theirs.Elems, 2))
}

func sorted(elems []resp.Value, group int) (list []string) {
	for part := range slices.Chunk(elems, group) {
		var b []byte
		for _, v := range part {
			b = append(b, wire(v)...)
		}
		list = append(list, string(b))
	}
	slices.Sort(list)
	return list
}

// shape: of the same kind and, if arrays, equally long.
func shape(_ []string, ours, theirs resp.Value) bool {
	return ours.Kind == theirs.Kind && len(ours.Elems) == len(theirs.Elems) && ours.Int == theirs.Int
}

// kind: of the same kind.
func kind(_ []string, ours, theirs resp.Value) bool { return ours.Kind == theirs.Kind }

// page: a page of a scan. Where both sides give everything in one page, it is the same.
func page(at, group int) comparison {
	return func(args []string, ours, theirs resp.Value) bool {
		if !isPage(ours) || !isPage(theirs) {
			return false
		}
		whole := at < len(args) && args[at] == "0" && ours.Elems[0].Str == "0" && theirs.Elems[0].Str == "0"
		return !whole || slices.Equal(sorted(ours.Elems[1].Elems, group), sorted(theirs.Elems[1].Elems, group))
	}
}

func isPage(v resp.Value) bool {
	return v.Kind == resp.Array && len(v.Elems) == 2 && v.Elems[0].Kind == resp.Bulk && v.Elems[1].Kind == resp.Array
}

// remaining: a time to live of either unit.
func remaining(perSecond int64) comparison {
	return func(args []string, ours, theirs resp.Value) bool {
		a, b := ours.Int, theirs.Int
		if ours.Kind != resp.Int || theirs.Kind != resp.Int || a < 0 || b < 0 {
			return exact(args, ours, theirs)
		}
		return max(a-b, b-a) <= int64(tolerance.Seconds())*perSecond
	}
}

// instant: a deadline of either unit, exactly where it was given as one.
func instant(perSecond int64) comparison {
	return func(args []string, ours, theirs resp.Value) bool {
		unit := 1000 / perSecond
		if ours.Kind == resp.Int && theirs.Kind == resp.Int && ours.Int > 0 && !isAbsolute(ours.Int*unit) && !isAbsolute(theirs.Int*unit) {
			return remaining(perSecond)(args, ours, theirs)
		}
		return exact(args, ours, theirs)
	}
}

// equal compares the replies to one command outside of a transaction.
func equal(args []string, ours, theirs resp.Value) bool {
	if ours.Kind == resp.Error || theirs.Kind == resp.Error || isQueued(theirs) {
		return exact(args, ours, theirs)
	}
	row := rowOf(args[0])
	if row == nil {
		return exact(args, ours, theirs)
	}
	return row.same(args, ours, theirs)
}

func isQueued(v resp.Value) bool { return v.Kind == resp.Simple && v.Str == "QUEUED" }

func rowOf(name string) *row {
	for i := range table {
		if strings.EqualFold(table[i].name, name) {
			return &table[i]
		}
	}
	return nil
}
