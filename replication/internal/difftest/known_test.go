package difftest

import (
	"slices"
	"strings"

	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/resp"
)

// newer lists where Redis 8 replies otherwise than Redis 7.0, with the same data afterwards.
var newer = []struct {
	why string
	is  func(args []string, ours, theirs resp.Value) bool
}{
	{"8 reads cursors by a stricter parser, which takes a leading space and neither signs nor nothing", isOddCursor},
	{"8 knows HSCAN ... NOVALUES", hasNoValues},
}

// known reports whether a difference is one between the versions.
func known(v realserver.Version, args []string, ours, theirs resp.Value) bool {
	if v == realserver.R7 {
		return false
	}
	for _, n := range newer {
		if n.is(args, ours, theirs) {
			return true
		}
	}
	return false
}

// cursorOf is the cursor argument of a scan.
func cursorOf(args []string) (cursor string, ok bool) {
	at := 1
	if strings.EqualFold(args[0], "HSCAN") {
		at = 2
	} else if !strings.EqualFold(args[0], "SCAN") {
		return "", false
	}
	if at >= len(args) {
		return "", false
	}
	return args[at], true
}

func isOddCursor(args []string, ours, theirs resp.Value) bool {
	const refusal = "ERR invalid cursor"
	cursor, ok := cursorOf(args)
	plain := cursor != "" && strings.Trim(cursor, "0123456789") == ""
	return ok && !plain && (ours.Str == refusal) != (theirs.Str == refusal)
}

func hasNoValues(args []string, ours, _ resp.Value) bool {
	return strings.EqualFold(args[0], "HSCAN") && ours.Str == "ERR syntax error" &&
		slices.ContainsFunc(args, func(a string) bool { return strings.EqualFold(a, "NOVALUES") })
}
