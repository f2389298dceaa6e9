package difftest

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// difference is one between servers that are both right, or in which a server is wrong. The data is the same afterwards,
// unless drifts is set and the command writes: the run then begins anew.
type difference struct {
	why    string
	drifts bool
	is     func(args []string, ours, theirs resp.Value) bool
}

// older lists where Redis 7.0 replies otherwise than the commands of 7.2, which are ours.
var older = []difference{
	{"7.0 lets LPOS have the least RANK", false, func(args []string, ours, _ resp.Value) bool {
		return strings.EqualFold(args[0], "LPOS") && slices.Contains(args, "-9223372036854775808") && strings.HasPrefix(ours.Str, "ERR value is out of range, value must")
	}},
	{"7.0 does not know the + of XREAD", false, func(args []string, _, theirs resp.Value) bool {
		return strings.EqualFold(args[0], "XREAD") && slices.Contains(args, "+") && theirs.Str == "ERR Invalid stream ID specified as stream command argument"
	}},
	{"7.0 lets XSETID go back before what was deleted", true, func(args []string, ours, theirs resp.Value) bool {
		return strings.EqualFold(args[0], "XSETID") && ours.Str == "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"
	}},
	{"7.0 does not know ZRANK ... WITHSCORE", false, hasRankScore},
	{"7.0 looks for the key of BITCOUNT and BITPOS before it reads the other arguments", false, looksFirst},
	{"7.0 makes no consumer of one that gets nothing, and reckons lags otherwise", true, isOlderGroup},
	{"7.0 calls every list of XREADGROUP one of XREAD", false, func(_ []string, ours, theirs resp.Value) bool {
		return strings.HasPrefix(ours.Str, "ERR Unbalanced 'xreadgroup'") && strings.HasPrefix(theirs.Str, "ERR Unbalanced XREAD ")
	}},
	{"7.0 converts a timeout that no clock has to a negative number", false, isHugeTimeout},
}

// newer lists where Redis 8 replies otherwise than Redis 7.0.
var newer = []difference{
	{"8 reads cursors by a stricter parser, which takes a leading space and neither signs nor nothing", false, isOddCursor},
	{"8 knows HSCAN ... NOVALUES, and says of other scans that it is HSCAN's", false, hasNoValues},
	{"8 prints a double with as few digits as identify it, 7.0 with 17", false, func(args []string, ours, theirs resp.Value) bool {
		return isOfSorted(args) && sameButDoubles(ours, theirs, func(a, b float64) bool { return a == b })
	}},
	{"8 prints a coordinate near 0 with all its digits, 7.0 with 17 behind the point", false, func(args []string, ours, theirs resp.Value) bool {
		return strings.HasPrefix(strings.ToUpper(args[0]), "GEO") && sameButDoubles(ours, theirs, func(a, b float64) bool { return math.Abs(a-b) < 1e-17 })
	}},
	{"8 counts a negative offset of LIMIT in a range by score or member from the end", true, hasNegativeOffset},
	{"8 refuses the least count for LREM", true, isLeastCount},
	{"8 cuts the index of LSET to 32 bits", true, func(args []string, ours, theirs resp.Value) bool {
		return strings.EqualFold(args[0], "LSET") && ours.Str == "ERR index out of range" && theirs.Str == "OK"
	}},
	{"8 names the + in the refusal of XREAD's lists", false, func(_ []string, ours, theirs resp.Value) bool {
		return strings.HasPrefix(ours.Str, "ERR Unbalanced XREAD") && strings.HasPrefix(theirs.Str, "ERR Unbalanced 'xread")
	}},
	{"8 says more of a + in XREADGROUP", false, func(_ []string, ours, theirs resp.Value) bool {
		return ours.Str == "ERR Invalid stream ID specified as stream command argument" && strings.HasPrefix(theirs.Str, "ERR The + ID is meaningless")
	}},
	{"8 sorts by numbers beyond the range of a double", false, sortsBeyondRange},
	{"so does SORT ... STORE", true, func(args []string, ours, theirs resp.Value) bool {
		return hasWord(args, "STORE") && ours.Str == notNumbers && theirs.Kind == resp.Int
	}},
	{"8 refuses bounds of scores that begin with a space, or are hexadecimal", true, isOddBound},
}

// always lists what no version does as it says.
var always = []difference{
	{"-0 is stored as 0 here, and by Redis only in the small form of a sorted set", false, func(args []string, ours, theirs resp.Value) bool {
		return isOfSorted(args) && sameButDoubles(ours, theirs, func(a, b float64) bool { return a == 0 && b == 0 })
	}},
	{"MEMORY USAGE finds keys past their deadline", false, func(args []string, ours, theirs resp.Value) bool {
		return strings.EqualFold(args[0], "MEMORY") && ours.IsNull() && theirs.Kind == resp.Int
	}},
	{"SORT looks at an errno that an earlier command may have left, and refuses numbers then", false, isStaleErrno},
	{"so does SORT ... STORE", true, func(args []string, ours, theirs resp.Value) bool {
		return hasWord(args, "STORE") && ours.Kind == resp.Int && theirs.Str == notNumbers
	}},
	{"XADD names by such an errno why there is no ID left in a millisecond", false, func(args []string, ours, theirs resp.Value) bool {
		return strings.EqualFold(args[0], "XADD") && strings.HasSuffix(ours.Str, "smaller than the target stream top item") && theirs.Str == "ERR Elements are too large to be stored"
	}},
	{"PFDEBUG ENCODING looks at nothing but the head of a HyperLogLog", false, func(args []string, ours, theirs resp.Value) bool {
		return strings.EqualFold(args[0], "PFDEBUG") && strings.HasPrefix(ours.Str, "INVALIDOBJ") && theirs.Kind == resp.Simple
	}},
}

// known reports whether a difference is one between the versions, and whether data may differ from there on.
func known(v realserver.Version, args []string, ours, theirs resp.Value) (ok, drifts bool) {
	differences := older
	if v != realserver.R7 {
		differences = newer
	}
	for _, d := range slices.Concat(differences, always) {
		if d.is(args, ours, theirs) {
			c := store.LookupCommand(args[0])
			return true, d.drifts && c != nil && c.Flags&store.FlagWrite != 0
		}
	}
	return false, false
}

const notNumbers = "ERR One or more scores can't be converted into double"

func isStaleErrno(args []string, ours, theirs resp.Value) bool {
	return strings.HasPrefix(strings.ToUpper(args[0]), "SORT") && ours.Kind == resp.Array && theirs.Str == notNumbers && !hasWord(args, "ALPHA")
}

func sortsBeyondRange(args []string, ours, theirs resp.Value) bool {
	return strings.HasPrefix(strings.ToUpper(args[0]), "SORT") && theirs.Kind == resp.Array && ours.Str == notNumbers
}

func isLeastCount(args []string, _, theirs resp.Value) bool {
	return strings.EqualFold(args[0], "LREM") && len(args) > 2 && args[2] == "-9223372036854775808" &&
		strings.HasPrefix(theirs.Str, "ERR value is out of range")
}

func hasNegativeOffset(args []string, _, _ resp.Value) bool {
	at := slices.IndexFunc(args, func(a string) bool { return strings.EqualFold(a, "LIMIT") })
	return strings.HasPrefix(strings.ToUpper(args[0]), "Z") && at > 0 && at+1 < len(args) && strings.HasPrefix(args[at+1], "-")
}

func hasRankScore(args []string, ours, theirs resp.Value) bool {
	isRank := strings.EqualFold(args[0], "ZRANK") || strings.EqualFold(args[0], "ZREVRANK")
	return isRank && len(args) > 3 && strings.HasPrefix(theirs.Str, "ERR wrong number of arguments")
}

func looksFirst(args []string, ours, theirs resp.Value) bool {
	isEither := strings.EqualFold(args[0], "BITCOUNT") || strings.EqualFold(args[0], "BITPOS")
	return isEither && ours.Kind == resp.Error && (theirs.Kind == resp.Int || strings.HasPrefix(theirs.Str, "WRONGTYPE"))
}

func isHugeTimeout(_ []string, ours, theirs resp.Value) bool {
	return ours.Str == "ERR timeout is out of range" && theirs.Str == "ERR timeout is negative"
}

func isOddBound(args []string, ours, theirs resp.Value) bool {
	return theirs.Str == "ERR min or max is not a float" && slices.ContainsFunc(args, func(a string) bool {
		a = strings.TrimPrefix(a, "(")
		return strings.TrimLeft(a, " \t\n") != a || strings.HasPrefix(strings.ToLower(strings.TrimLeft(a, "+-")), "0x")
	})
}

func isOfSorted(args []string) bool {
	name := strings.ToUpper(args[0])
	return strings.HasPrefix(name, "Z") || strings.HasPrefix(name, "BZ") || strings.HasPrefix(name, "GEO")
}

// sameButDoubles compares two replies that differ only in the texts of doubles that same takes for one.
func sameButDoubles(ours, theirs resp.Value, same func(a, b float64) bool) bool {
	if ours.Kind != theirs.Kind || len(ours.Elems) != len(theirs.Elems) {
		return false
	}
	if len(ours.Elems) == 0 {
		if bytes.Equal(wire(ours), wire(theirs)) {
			return true
		}
		a, okA := number(ours)
		b, okB := number(theirs)
		return okA && okB && same(a, b)
	}
	for i := range ours.Elems {
		if !sameButDoubles(ours.Elems[i], theirs.Elems[i], same) {
			return false
		}
	}
	return true
}

func number(v resp.Value) (f float64, ok bool) {
	switch v.Kind {
	case resp.Double:
		return v.Float, true
	case resp.Bulk:
		f, err := strconv.ParseFloat(v.Str, 64)
		return f, err == nil
	}
	return 0, false
}

// cursorOf is the cursor argument of a scan.
func cursorOf(args []string) (cursor string, ok bool) {
	at := 2
	switch strings.ToUpper(args[0]) {
	case "SCAN":
		at = 1
	case "HSCAN", "SSCAN", "ZSCAN":
	default:
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
	return strings.HasSuffix(strings.ToUpper(args[0]), "SCAN") && ours.Str == "ERR syntax error" &&
		slices.ContainsFunc(args, func(a string) bool { return strings.EqualFold(a, "NOVALUES") })
}
