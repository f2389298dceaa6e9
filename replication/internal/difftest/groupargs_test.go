package difftest

import (
	"maps"
	"regexp"
	"strconv"
	"strings"

	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/resp"
)

const groupIdle = "what has passed since an instant is told in milliseconds"

// groupRows are the commands of consumer groups.
var groupRows = []row{
	{"XGROUP", 70, xgroupArgs, exact, ""},
	{"XREADGROUP", 60, xreadgroupArgs, exact, ""},
	{"XACK", 25, func(g *gen) []string { return append(list(g.streamKey(), g.group()), g.several(4, g.groupID)...) }, exact, ""},
	{"XPENDING", 30, xpendingArgs, idling, groupIdle},
	{"XCLAIM", 45, xclaimArgs, exact, ""},
	{"XAUTOCLAIM", 45, xautoclaimArgs, exact, ""},
}

func (g *gen) group() string { return g.pick("g", "g", "g", "g", "g", "h", "none") }

func (g *gen) consumer() string { return g.pick("ada", "bob", "bob", "eve", "") }

// groupID is an ID that an entry is likely to have, or one that makes no sense.
func (g *gen) groupID() string {
	if g.chance(20) {
		return g.pick("-", "+", "", "abc", "1-", "1-x", "18446744073709551615-18446744073709551615", "18446744073709551616", "0", "$", ">")
	}
	return strconv.Itoa(1+g.r.IntN(6)) + "-" + strconv.Itoa(g.r.IntN(4))
}

func (g *gen) groupEnd() string {
	return g.pick("-", "+", "-", "+", "0", g.groupID(), "("+g.groupID(), "(-", "(", "(18446744073709551615-18446744073709551615", "(0-0")
}

// idle is a time that has passed for everything that is given hours, and for nothing else.
func (g *gen) idle() string {
	if g.chance(15) {
		return g.pick("-1", "abc", "", "9223372036854775807", "1.5")
	}
	return g.pick("0", "0", "3600000")
}

func xgroupArgs(g *gen) []string {
	start := g.pick("$", "0", g.groupID(), g.groupID())
	switch g.r.IntN(14) {
	case 0, 1, 2, 3, 4, 5:
		args := list(g.word("CREATE"), g.streamKey(), g.pick("g", "g", "g", "h"), start)
		if !g.chance(5) {
			args = append(args, g.word("MKSTREAM"))
		}
		return g.maybe(4, args, g.word("ENTRIESREAD"), g.pick("0", "1", "3", "-1", "-2", "abc", "100"))
	case 6, 7:
		return g.maybe(2, list(g.word("SETID"), g.streamKey(), g.group(), start), g.word("ENTRIESREAD"), g.pick("0", "1", "2", "-1", "-2", "50"))
	case 8:
		return list("DESTROY", g.streamKey(), g.group())
	case 9, 10:
		return list("CREATECONSUMER", g.streamKey(), g.group(), g.consumer())
	case 11, 12:
		return list("DELCONSUMER", g.streamKey(), g.group(), g.consumer())
	}
	return list(g.pick("HELPX", "nosuch", "CREATE", "SETID"), g.streamKey(), "g")
}

func xreadgroupArgs(g *gen) []string {
	args := list("GROUP", g.group(), g.consumer())
	for range g.r.IntN(3) {
		switch g.r.IntN(6) {
		case 0, 1, 2:
			args = append(args, g.word("COUNT"), g.pick("1", "2", "3", "0", "-1", "abc", "100"))
		case 3:
			args = append(args, g.word("NOACK"))
		case 4:
			args = append(args, g.word("BLOCK"), g.pick("1", "-1", "abc", "9223372036854775808"))
		default:
			args = append(args, g.pick("junk", "GROUP"))
		}
	}
	args = append(args, "STREAMS", g.streamKey())
	id := g.pick(">", ">", ">", ">", "0", "0-0", g.groupID(), "$")
	if g.chance(4) {
		return append(args, g.streamKey(), id, ">")
	}
	return append(args, id)
}

func xclaimArgs(g *gen) []string {
	args := append(list(g.streamKey(), g.group(), g.consumer(), g.idle()), g.several(3, g.groupID)...)
	for range g.r.IntN(3) {
		switch g.r.IntN(8) {
		case 0, 1:
			args = append(args, g.word("FORCE"))
		case 2:
			args = append(args, g.word("JUSTID"))
		case 3:
			args = append(args, g.word("IDLE"), g.pick("0", "7200000", "7200000", "abc"))
		case 4:
			args = append(args, g.word("TIME"), g.pick("1000000000000", "0", "-1", "9999999999999", "x"))
		case 5:
			args = append(args, g.word("RETRYCOUNT"), g.pick("0", "1", "7", "-1", "x"))
		case 6:
			args = append(args, g.word("LASTID"), g.groupID())
		default:
			args = append(args, g.pick("junk", "IDLE"))
		}
	}
	return args
}

func xautoclaimArgs(g *gen) []string {
	args := list(g.streamKey(), g.group(), g.consumer(), g.idle(), g.pick("-", "-", "0", "(0-0", g.groupEnd()))
	if g.chance(2) {
		args = append(args, g.word("COUNT"), g.pick("1", "2", "3", "100", "0", "-1", "abc"))
	}
	if g.chance(3) {
		args = append(args, g.word("JUSTID"))
	}
	return args
}

func xpendingArgs(g *gen) []string {
	args := list(g.streamKey(), g.group())
	if g.chance(3) {
		return args
	}
	if g.chance(3) {
		args = append(args, g.word("IDLE"), g.idle())
	}
	args = append(args, g.groupEnd(), g.groupEnd(), g.pick("10", "100", "1", "0", "-1", "abc"))
	return g.maybe(3, args, g.consumer())
}

// idling compares XPENDING: the third of four in a row of it is a time that passes.
func idling(args []string, ours, theirs resp.Value) bool {
	return exact(args, withoutIdle(ours), withoutIdle(theirs))
}

func withoutIdle(v resp.Value) resp.Value {
	if v.Kind != resp.Array {
		return v
	}
	rows := make([]resp.Value, len(v.Elems))
	for i, e := range v.Elems {
		if rows[i] = e; e.Kind == resp.Array && len(e.Elems) == 4 && e.Elems[2].Kind == resp.Int {
			rows[i] = resp.ArrayOf(e.Elems[0], e.Elems[1], resp.Integer(e.Elems[2].Int/3_600_000), e.Elems[3])
		}
	}
	return resp.Value{Kind: v.Kind, Elems: rows}
}

// What of groups is not the same on two sides that both are right.
type groupSides uint8

const (
	// ofOneStream: of what one side streams the other one has all, but with Redis 7.0, which reckons lags in its own way.
	ofOneStream groupSides = iota
	// ofOneClient: both got the same commands, at different instants. With Redis 7.0 some consumers do not come to be.
	ofOneClient
	// ofAServer: a server does not stream that it delivered something once more, or that there is a consumer that got nothing.
	ofAServer
)

var (
	instants  = regexp.MustCompile(`\b1[5-9]\d{11}\b`)
	counts    = regexp.MustCompile(`instant \d+ \]`)
	idleNames = regexp.MustCompile(`\["name" "[^"]*" "pel-count" 0 "pending" \[\]\]`)
)

// groupsOf is a data set without what may differ of groups.
func (r *run) groupsOf(set realserver.Dataset, sides groupSides) realserver.Dataset {
	out := maps.Clone(set)
	for k, e := range out {
		if e.Type != "stream" {
			continue
		}
		at := strings.LastIndex(e.Value, `"groups" `)
		head, groups := e.Value[:at], e.Value[at:]
		switch {
		case r.version == realserver.R7:
			groups = ""
		case sides >= ofOneClient:
			groups = instants.ReplaceAllString(groups, "instant")
		}
		if sides == ofAServer {
			groups = idleNames.ReplaceAllString(counts.ReplaceAllString(groups, "instant count ]"), "")
		}
		e.Value = head + groups
		out[k] = e
	}
	return out
}

// isOlderGroup tells replies of Redis 7.0 about groups: a consumer that got nothing does not come to be, lags are reckoned in
// another way, and XINFO tells less.
func isOlderGroup(args []string, ours, theirs resp.Value) bool {
	switch strings.ToUpper(args[0]) {
	case "XINFO":
		return ours.Kind != resp.Error && theirs.Kind != resp.Error
	case "XGROUP":
		return ours.Kind == resp.Int && theirs.Kind == resp.Int
	}
	return false
}
