package difftest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/understudy-go/understudy/resp"
)

// uncertain tells of commands after which the two sides would rightly hold different data, or reply differently without
// either being wrong. They are not sent; the run makes them its own steps where they matter.
//
//   - SPOP of some members but not all: see pop.
//   - SORT ... STORE by texts, where equal weights are in any order.
//   - ZRANK ... WITHSCORE in a transaction, which Redis 7.0 breaks off by it.
//   - RESTORE with a time to live that overflows: Redis 8 keeps the key with a deadline before 1970, which never comes, and
//     which its own replicas refuse.
//   - HGETEX that ends with the word FIELDS: Redis 8.0 reads the number behind it all the same, and may end by that.
//   - PFCOUNT of one key, by a client of a replica: Redis keeps the count in its copy, which no longer has the primary's bytes.
//   - Ranges by member of a sorted set whose scores are not all equal: Redis leaves open what they give, and a transaction's
//     earlier commands may make the scores so.
func (r *run) uncertain(n int, args []string) bool {
	switch name := strings.ToUpper(args[0]); {
	case name == "SPOP":
		if len(args) < 3 {
			return true
		}
		count, err := strconv.ParseInt(args[2], 10, 64)
		return err == nil && count > 0 && count < 1_000_000
	case name == "ZRANK" || name == "ZREVRANK":
		return len(args) > 3 && r.ours[n].InMulti()
	case name == "HGETEX":
		return strings.EqualFold(args[len(args)-1], "FIELDS")
	case name == "PFCOUNT":
		return r.isReplica && len(args) == 2
	case strings.HasPrefix(name, "RESTORE"):
		return r.g.newer && len(args) > 2 && args[2] == "9223372036854775807"
	case name == "XADD" || name == "XTRIM":
		return r.uncertainStream(n, args)
	case name == "SORT":
		return hasWord(args, "STORE") && hasWord(args, "BY") && hasWord(args, "ALPHA")
	case strings.HasSuffix(name, "LEX") || name == "ZLEXCOUNT" || hasWord(args, "BYLEX"):
		at := 1
		if name == "ZRANGESTORE" {
			at = 2
		}
		return r.ours[n].InMulti() || at < len(args) && r.hasMixedScores(n, args[at])
	}
	return false
}

func (r *run) hasMixedScores(n int, key string) bool {
	low := do(r.ours[n], "ZRANGE", key, "0", "0", "WITHSCORES")
	high := do(r.ours[n], "ZRANGE", key, "-1", "-1", "WITHSCORES")
	return len(low.Elems) == 2 && len(high.Elems) == 2 && low.Elems[1].Str != high.Elems[1].Str
}

// both runs one command on each side, outside of a transaction.
func (r *run) both(n int, args ...string) event {
	e := event{session: n, args: args, ours: r.do(n, args...), theirs: r.theirs[n].do(r.t, args...)}
	r.done++
	r.note(e)
	if e.theirs.Kind != resp.Error {
		r.used[args[0]]++
	}
	return e
}

// pop takes members by chance on each side. Each side then loses what the other one took, so that both hold the same
// again; that it can lose all of that shows that the other side took members, each once.
func (r *run) pop(n int) {
	key := r.g.setKey()
	args := r.g.maybe(2, list("SPOP", key), r.g.pick("1", "2", "5", "90"))
	e := r.both(n, args...)
	ours, theirs := texts(e.ours), texts(e.theirs)
	if !shape(args, e.ours, e.theirs) || e.ours.Kind == resp.Error && !exact(args, e.ours, e.theirs) {
		r.report(&e)
		return
	}
	isLost := func(here, there []string, do func(args ...string) resp.Value) bool {
		missing := slices.DeleteFunc(slices.Clone(there), func(m string) bool { return slices.Contains(here, m) })
		return len(missing) == 0 || do(append(list("SREM", key), missing...)...).Int == int64(len(missing))
	}
	if !isLost(ours, theirs, func(a ...string) resp.Value { return do(r.ours[n], a...) }) ||
		!isLost(theirs, ours, func(a ...string) resp.Value { return r.theirs[n].do(r.t, a...) }) {
		r.report(&e)
	}
}

// sample asks for elements by chance, and makes sure that ours are there, each once unless they may come twice.
func (r *run) sample(n int) {
	ask := [][]string{{"SRANDMEMBER", r.g.setKey(), "SMISMEMBER"}, {"ZRANDMEMBER", r.g.sortedKey(), "ZMSCORE"}, {"HRANDFIELD", r.g.hashKey(), "HMGET"}}[r.g.r.IntN(3)]
	count := r.g.pick("1", "3", "-3", "50", "-50")
	e := r.both(n, ask[0], ask[1], count)
	found := texts(e.ours)
	if !shape(e.args, e.ours, e.theirs) {
		r.report(&e)
		return
	}
	if len(found) == 0 {
		return
	}
	if count[0] != '-' && len(slices.Compact(slices.Sorted(slices.Values(found)))) != len(found) {
		r.report(&e)
	}
	for _, v := range do(r.ours[n], append(list(ask[2], ask[1]), found...)...).Elems {
		if v.IsNull() || ask[2] == "SMISMEMBER" && v.Int != 1 {
			r.report(&e)
			return
		}
	}
}

// transplant gives each side what the other one has dumped.
func (r *run) transplant(n int) {
	const most = 40 // payloads that RESTORE can choose from
	key := r.g.anyKey()
	e := r.both(n, "DUMP", key)
	if !kind(e.args, e.ours, e.theirs) {
		r.report(&e)
	}
	if e.ours.Kind != resp.Bulk || e.theirs.Kind != resp.Bulk {
		return
	}
	r.g.payloads = append(r.g.payloads, e.ours.Str, e.theirs.Str)
	r.g.payloads = r.g.payloads[max(0, len(r.g.payloads)-most):]
	to := r.g.like(key)
	put := func(payload string) []string { return list("RESTORE", to, "0", payload, "REPLACE") }
	args := put(e.theirs.Str)
	moved := event{session: n, args: args, ours: r.do(n, args...), theirs: r.theirs[n].do(r.t, put(e.ours.Str)...)}
	r.note(moved)
	if r.done++; !exact(args, moved.ours, moved.theirs) {
		r.report(&moved)
	}
}

// texts are the elements of a reply, or the one that it is.
func texts(v resp.Value) []string {
	if v.Kind == resp.Bulk {
		return list(v.Str)
	}
	var all []string
	for _, e := range v.Elems {
		all = append(all, e.Str)
	}
	return all
}

// Of a million commands each is answered without an error at least so often.
const (
	leastAnswers  = 500
	leastAnswered = 1_000_000

	// Beside them so many clients that waited are served.
	leastServed = 1000

	mostUnsent = 2 // percent of all commands
)

// checkUsed makes sure that the run was worth its name: every command did its work, in proportion to the run's length.
// Of short runs only that is asked which chance cannot take away.
func (r *run) checkUsed(commands int) {
	if commands < 10_000 || r.t.Failed() {
		return
	}
	expected := float64(commands) * leastAnswers / leastAnswered
	least := int(math.Floor(expected - 3*math.Sqrt(expected)))
	if commands >= leastAnswered {
		least = leastAnswers
	}
	var rare []string
	for _, row := range r.rows {
		if !isUnknown(row.name) && !isUnserved(row.name) && r.used[row.name] < max(1, least) {
			rare = append(rare, fmt.Sprintf("%s %d", row.name, r.used[row.name]))
		}
	}
	var counts []string
	for _, row := range r.rows {
		if isUnserved(row.name) {
			continue
		}
		counts = append(counts, fmt.Sprintf("%6d %s", r.used[row.name], row.name))
	}
	slices.Sort(counts)
	r.t.Logf("answered least often: %s", strings.Join(strings.Fields(strings.Join(counts[:8], " ")), " "))
	r.t.Logf("clients waited in %d steps, %d of them were served; left out: %d commands of %d", r.scenes, r.served, r.unsent, r.done)
	if r.served*leastAnswered < commands*leastServed {
		r.t.Errorf("clients waited in %d steps, and only %d of them were served", r.scenes, r.served)
	}
	if r.unsent*100 > r.done*mostUnsent {
		r.t.Errorf("%d of %d commands were left out as uncertain, more than %d %%", r.unsent, r.done, mostUnsent)
	}
	if len(rare) > 0 {
		r.t.Errorf("answered without an error fewer than %d times in %d commands: %s", max(1, least), commands, strings.Join(rare, ", "))
	}
}
