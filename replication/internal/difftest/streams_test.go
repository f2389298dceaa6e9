package difftest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

const isInner = "nodes and instants are each side's own"

// streamKeys are keys that mostly hold streams.
var streamKeys = []string{"t1", "t2", "t3"}

var streamRows = []row{
	{"XADD", 70, xaddArgs, exact, ""},
	{"XLEN", 6, func(g *gen) []string { return list(g.streamKey()) }, exact, ""},
	{"XRANGE", 15, func(g *gen) []string { return g.xrangeArgs() }, exact, ""},
	{"XREVRANGE", 15, func(g *gen) []string { return g.xrangeArgs() }, exact, ""},
	{"XREAD", 25, xreadArgs, exact, ""},
	{"XDEL", 15, func(g *gen) []string { return append(list(g.streamKey()), g.several(3, g.entryID)...) }, exact, ""},
	{"XTRIM", 20, func(g *gen) []string { return append(list(g.streamKey()), g.trim()...) }, exact, ""},
	{"XSETID", 25, xsetidArgs, exact, ""},
	{"XINFO", 25, xinfoArgs, sub(map[string]comparison{"STREAM": describesStream, "GROUPS": describesStream, "CONSUMERS": describesStream, "HELP": kind}), isInner},
}

func (g *gen) streamKey() string { return g.mostly(streamKeys) }

// far is a millisecond that no clock of a run reaches: behind an entry of it, the ID of the next one does not depend on the
// present time.
const far = int64(7_000_000_000_000)

// far is one of the first n of them.
func (g *gen) far(n int64) string { return strconv.FormatInt(far+g.r.Int64N(n), 10) }

// entryID is an ID that an entry may have, or one that makes no sense.
func (g *gen) entryID() string {
	switch g.r.IntN(24) {
	case 0:
		return g.pick("-", "+", "", "abc", "1-", "-1", "1-x", "1-*", "*", "$", ">", "(1-1", "18446744073709551616", "1-18446744073709551616", "007", "1-01", "+5", " 5", "5 ")
	case 1:
		return g.pick("0", "0-0", "0-1", "18446744073709551615-18446744073709551615", "18446744073709551615", "5-18446744073709551615")
	case 2, 3, 4, 5:
		return g.far(3) + "-" + strconv.Itoa(g.r.IntN(6))
	case 6, 7:
		return strconv.Itoa(1 + g.r.IntN(6))
	}
	return strconv.Itoa(1+g.r.IntN(6)) + "-" + strconv.Itoa(g.r.IntN(4))
}

// newID is one that an entry may get: most of them are behind all others of their millisecond.
func (g *gen) newID() string {
	switch g.r.IntN(10) {
	case 0:
		return "*"
	case 1, 2:
		return g.entryID()
	case 3:
		return g.pick("0-*", "18446744073709551615-*", "abc-*", "-*", "*-*", "1-2-*", "1-**", g.far(1)+"-*", g.far(2)+"-*")
	}
	return strconv.Itoa(1+g.r.IntN(6)) + "-*"
}

// entry is a few pairs, of few bytes: how many entries a node of a server has is a matter of their size.
func (g *gen) entry() (pairs []string) {
	for range 1 + g.r.IntN(3) {
		pairs = append(pairs, g.pick("f", "g", "", "12", "\x00\xff"), g.pick("v", "w", "", "0", "-7", "123456", "1.5", "\r\n"))
	}
	return pairs
}

func xaddArgs(g *gen) []string {
	args := list(g.streamKey())
	if g.chance(8) {
		args = append(args, g.word("NOMKSTREAM"))
	}
	if g.chance(4) {
		args = append(args, g.trim()...)
	}
	args = append(append(args, g.newID()), g.entry()...)
	if g.chance(40) {
		args = args[:len(args)-1]
	}
	return args
}

// trim is how a stream is to be trimmed.
func (g *gen) trim() (args []string) {
	for range 1 + g.r.IntN(7)/6 {
		if g.chance(2) {
			args = append(args, g.word("MAXLEN"))
		} else {
			args = append(args, g.word("MINID"))
		}
		args = g.maybe(3, args, g.pick("=", "~", "~", "<"))
		if strings.EqualFold(args[0], "MINID") && !g.chance(20) {
			args = append(args, g.entryID())
		} else {
			args = append(args, g.pick("0", "1", "2", "3", "5", "10", "1000", "-1", "abc", "", "9223372036854775807"))
		}
	}
	return g.maybe(8, args, g.word("LIMIT"), g.pick("0", "1", "100", "10000", "-1", "abc"))
}

func (g *gen) xrangeArgs() []string {
	bound := func() string {
		return g.pick("-", "+", "-", "+", g.entryID(), g.entryID(), "("+g.entryID(), "(-", "(+", "(", "(0", "(18446744073709551615-18446744073709551615")
	}
	args := list(g.streamKey(), bound(), bound())
	return g.maybe(3, args, g.word("COUNT", "COUNT", "LIMIT"), g.pick("1", "2", "10", "0", "-1", "-5", "abc", "9223372036854775808"))
}

func xreadArgs(g *gen) (args []string) {
	for range g.r.IntN(3) {
		switch g.r.IntN(8) {
		case 0:
			args = append(args, g.word("BLOCK"), g.pick("1", "-1", "abc", "9223372036854775808"))
		case 1:
			args = append(args, g.word("GROUP", "NOACK", "junk"))
		default:
			args = append(args, g.word("COUNT"), g.pick("1", "2", "0", "-1", "100", "abc"))
		}
	}
	args = append(args, g.word("STREAMS"))
	keys := g.several(3, g.streamKey)
	args = append(args, keys...)
	for range keys {
		args = append(args, g.pick("0", "0-0", "0", "$", "+", g.entryID(), g.entryID(), g.entryID()))
	}
	return g.maybe(30, args, "0")
}

func xsetidArgs(g *gen) []string {
	args := list(g.streamKey(), g.pick(g.entryID(), "6-9", "5-9", g.far(1)+"-9"))
	for range g.r.IntN(3) {
		// So many entries that a later approximate trim is not sent: see isOneNode. Not the most that there can be: Redis counts on into the negative
		// numbers then, and says in its stream what no replica takes.
		args = append(args, g.word("ENTRIESADDED", "MAXDELETEDID"))
		if strings.EqualFold(args[len(args)-1], "ENTRIESADDED") && !g.chance(20) {
			args = append(args, g.pick("1000", "1001", "4611686018427387904", "-1", "abc"))
		} else {
			args = append(args, g.pick(g.entryID(), "5-9"))
		}
	}
	return args
}

func xinfoArgs(g *gen) []string {
	switch g.r.IntN(10) {
	case 0:
		return list(g.word("GROUPS"), g.streamKey())
	case 1:
		return list(g.word("CONSUMERS"), g.streamKey(), g.pick("g", "h", "none"))
	case 2:
		return g.maybe(2, list(g.pick("HELP", "nosuch", "STREAM")), g.streamKey(), "FULL", "COUNT")
	}
	args := list(g.word("STREAM"), g.streamKey())
	if g.chance(2) {
		args = append(args, g.word("FULL"))
		args = g.maybe(2, args, g.word("COUNT"), g.pick("0", "1", "3", "-1", "abc"))
	}
	return args
}

// describesStream compares what describes a stream: all but the nodes, and instants that are near to each other.
func describesStream(_ []string, ours, theirs resp.Value) bool {
	if ours.Kind != theirs.Kind || len(ours.Elems) != len(theirs.Elems) {
		return false
	}
	if len(ours.Elems) == 0 {
		near := ours.Int - theirs.Int
		return exact(nil, ours, theirs) || min(ours.Int, theirs.Int) > 1_600_000_000_000 && max(near, -near) <= tolerance.Milliseconds()
	}
	for i := range ours.Elems {
		if i > 0 {
			switch theirs.Elems[i-1].Str {
			case "radix-tree-keys", "radix-tree-nodes", "idle", "inactive", "active-time": // the last is not in payloads that Redis 7.0 reads
				continue
			}
		}
		if !describesStream(nil, ours.Elems[i], theirs.Elems[i]) {
			return false
		}
	}
	return true
}

// uncertainStream tells of commands of streams that depend on the present time, or on how a server's nodes are filled.
func (r *run) uncertainStream(n int, args []string) bool {
	switch {
	case len(args) < 2:
		return false
	case r.ours[n].InMulti():
		return hasWord(args, "*") || hasWord(args, "~")
	}
	last, added := r.streamHead(n, args[1])
	return hasWord(args, "*") && last < far || hasWord(args, "~") && added > mostInNode
}

// mostInNode is how many entries of the run fit into one node of a server, whatever they are: an approximate trim removes all
// of a node or nothing.
const mostInNode = 40

// streamHead is the millisecond of the last ID of a stream, and the number of entries ever added to it.
func (r *run) streamHead(n int, key string) (last, added int64) {
	v := do(r.ours[n], "XINFO", "STREAM", key)
	for i := 0; i+1 < len(v.Elems); i += 2 {
		switch v.Elems[i].Str {
		case "last-generated-id":
			ms, _, _ := strings.Cut(v.Elems[i+1].Str, "-")
			last, _ = strconv.ParseInt(ms, 10, 64)
		case "entries-added":
			added = v.Elems[i+1].Int
		}
	}
	return last, added
}

// readingScene makes up clients that wait for entries of streams, and what happens to those. No key has more to give than the
// one that came: a newer server looks at all of them anew, and 7.0 and we at that one.
func (g *gen) readingScene(db int) *scene {
	s := &scene{db: strconv.Itoa(db), keys: list(g.pick(streamKeys...))}
	for range 1 + g.r.IntN(mostWaiting) {
		args := g.maybe(3, list("XREAD", "BLOCK", g.pick("0", "3600000")), "COUNT", g.pick("1", "2", "0"))
		if g.chance(3) {
			args = append(args, "STREAMS", never, s.keys[0], "0", g.pick("0", "$", "2-1"))
		} else {
			args = append(args, "STREAMS", s.keys[0], g.pick("0", "$", "0-0", "1-1", "3"))
		}
		s.waits = append(s.waits, args)
		s.reasons = append(s.reasons, [][]string{nil, {"TIMEOUT"}, {"ERROR"}}[g.r.IntN(3)])
	}
	from := g.pick(streamKeys...)
	s.others = append(s.others, from)
	for ms := range 1 + g.r.IntN(3) {
		s.writes = append(s.writes, g.adding(s.keys[0], from, strconv.Itoa(ms+1))...)
	}
	return s
}

// adding brings entries to key in one of the ways in which they come.
func (g *gen) adding(key, from, ms string) [][]string {
	add := func(key string) []string { return append(list("XADD", key, ms+"-*"), g.entry()...) }
	switch g.r.IntN(6) {
	case 0:
		return [][]string{{"DEL", from}, add(from), {"RENAME", from, key}}
	case 1:
		return [][]string{{"MULTI"}, add(key), add(key), add(key), {"EXEC"}}
	case 2:
		return [][]string{{"SET", key, "v"}, {"DEL", key}, add(key)}
	case 3:
		return [][]string{{"MULTI"}, add(key), {"DEL", key}, {"EXEC"}}
	}
	return [][]string{add(key)}
}

// TestApproximateTrims: which entries stay is the same here and on a server, as long as entries are small and none is deleted,
// and the same where the streams of either are followed.
func TestApproximateTrims(t *testing.T) {
	for _, v := range []realserver.Version{realserver.R7, realserver.R8} {
		t.Run(fmt.Sprintf("redis%d", v), func(t *testing.T) {
			s, server, other := store.New(nil), startServer(t, v), startServer(t, v)
			ours, copier, follower := s.NewSession(nil), newCopier(t, s, dial(t, other)), follow(t, server)
			theirs := dial(t, server)
			for i := range 1000 {
				for _, how := range [][]string{
					{"XADD", "len", "MAXLEN", "~", "250"}, {"XADD", "limited", "MAXLEN", "~", "100", "LIMIT", "150"}, {"XADD", "free", "MAXLEN", "~", "1", "LIMIT", "0"},
					{"XADD", "id", "MINID", "~", strconv.Itoa(max(i-330, 0))}, {"XADD", "plain"},
				} {
					args := append(how, strconv.Itoa(i+1), "f", "v")
					if a, b := do(ours, args...), theirs.do(t, args...); !exact(nil, a, b) {
						t.Fatalf("%v: %s, the server's %s", args, a, b)
					}
				}
			}
			for _, args := range [][]string{{"XTRIM", "plain", "MAXLEN", "~", "720"}, {"XTRIM", "plain", "MINID", "~", "555", "LIMIT", "120"}, {"XTRIM", "len", "MAXLEN", "~", "0"}} {
				if a, b := do(ours, args...), theirs.do(t, args...); !exact(nil, a, b) {
					t.Errorf("%v: %s, the server's %s", args, a, b)
				}
			}
			if err := copier.copy(); err != nil {
				t.Fatal(err)
			}
			offset, _ := strconv.ParseInt(server.Info("replication")["master_repl_offset"], 10, 64)
			if err := follower.catchUp(offset); err != nil {
				t.Fatal(err)
			}
			want := s.Digest()
			for who, got := range map[string]any{
				"the server": server.Do("DEBUG", "DIGEST"), "our replica of it": follower.s.Digest(), "a server fed by us": other.Do("DEBUG", "DIGEST"),
				"our replica fed by us": copier.replica.Digest(),
			} {
				if got != want {
					t.Errorf("%s has digest %v, want %s", who, got, want)
				}
			}
		})
	}
}
