package server

import (
	"slices"
	"strings"

	"github.com/understudy-go/understudy/store"
)

// categories are those that Redis 7.0 sorts its commands into for access lists, in its order; those without a command here are left out. There are no users
// here: COMMAND LIST FILTERBY ACLCAT asks for them, and COMMAND INFO shows them.
const categories = "keyspace read write set sortedset list hash string bitmap hyperloglog geo stream pubsub admin fast slow blocking dangerous connection transaction scripting"

// moreCategories are those that follow neither from a command's flags nor from its group. What is said of a family holds for its sub-commands.
const moreCategories = `
admin: lastsave role
connection: asking command readonly readwrite wait
dangerous: flushall flushdb info keys lastsave restore restore-asking role sort sort_ro swapdb
keyspace: dbsize flushall flushdb restore-asking swapdb
list: sort sort_ro
set: sort sort_ro
sortedset: sort sort_ro
`

// categoriesOf returns the categories of a command, each behind an @. A group of "" has none of its own.
func categoriesOf(name, group string, flags store.CommandFlags, blocks bool) []string {
	family, _, _ := strings.Cut(name, "|")
	in := append(flagCategories(flags, blocks), groupCategory(family, group))
	for line := range strings.Lines(strings.TrimSpace(moreCategories)) {
		category, names, _ := strings.Cut(line, ":")
		if slices.Contains(strings.Fields(names), family) {
			in = append(in, category)
		}
	}
	var list []string
	for category := range strings.FieldsSeq(categories) {
		if slices.Contains(in, category) {
			list = append(list, "@"+category)
		}
	}
	return list
}

func flagCategories(flags store.CommandFlags, blocks bool) (in []string) {
	if flags&store.FlagReadOnly != 0 {
		in = append(in, "read")
	}
	if flags&store.FlagWrite != 0 {
		in = append(in, "write")
	}
	if flags&store.FlagPubSub != 0 {
		in = append(in, "pubsub")
	}
	if flags&store.FlagAdmin != 0 {
		in = append(in, "admin", "dangerous")
	}
	if blocks {
		in = append(in, "blocking")
	}
	if flags&store.FlagFast != 0 {
		return append(in, "fast")
	}
	return append(in, "slow")
}

// groupCategory is the category of a whole group, "" for a group without one and for the commands that are not in that of theirs.
func groupCategory(name, group string) string {
	switch group {
	case "generic":
		if name == "sort" || name == "sort_ro" || name == "wait" {
			return ""
		}
		return "keyspace"
	case "sorted-set":
		return "sortedset"
	case "transactions":
		return "transaction"
	case "pubsub":
		return "" // the flag says it
	}
	return group // of no category, or the name of one
}
