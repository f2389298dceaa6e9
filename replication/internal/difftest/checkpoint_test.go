package difftest

import (
	"maps"
	"strconv"
	"strings"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// checkpoint compares data sets: ours with the server's, the copy that our stream made, and the replica that the server's
// stream made.
func (r *run) checkpoint() {
	r.nextCheck = r.done + checkpointEvery
	r.settle()
	ours, theirs := r.dump(doer{r.store.NewSession(nil)}), r.dump(r.server)
	if diff := diffData(tolerant(r.groupsOf(ours, ofOneClient), theirs), r.groupsOf(theirs, ofOneClient)); diff != "" {
		r.fail("data sets differ, ours left, the server's right:\n%s", diff)
	}
	if a, b := r.store.Digest(), r.server.Do("DEBUG", "DIGEST"); a != b && r.hasDigests(ours) && r.hasDigests(theirs) {
		r.fail("digest %s, the server's %v", a, b)
	}
	r.checkCopy(ours)
	r.checkFollower(theirs)
}

func (r *run) checkCopy(ours realserver.Dataset) {
	if err := r.copier.copy(); err != nil {
		r.t.Fatalf("our stream on a server: %v", err)
	}
	copied := r.dump(r.copied)
	if diff := diffData(r.groupsOf(ours, ofOneStream), r.groupsOf(copied, ofOneStream)); diff != "" {
		r.fail("our stream gives other data on a server, ours left:\n%s", diff)
	}
	if a, b := r.store.Digest(), r.copied.Do("DEBUG", "DIGEST"); a != b && r.hasDigests(copied) {
		r.fail("digest %s, that of the server fed by our stream %v", a, b)
	}
	if diff := realserver.Diff(ours, r.dump(doer{r.copier.replica.NewSession(nil)})); diff != "" {
		r.fail("our stream gives other data on our replica, ours left:\n%s", diff)
	}
	if a, b := r.store.Digest(), r.copier.replica.Digest(); a != b {
		r.fail("digest %s, that of our replica fed by our stream %s", a, b)
	}
}

func (r *run) checkFollower(theirs realserver.Dataset) {
	offset, err := strconv.ParseInt(r.server.Info("replication")["master_repl_offset"], 10, 64)
	if err == nil {
		err = r.follower.catchUp(offset)
	}
	if err != nil {
		r.t.Fatalf("the server's stream: %v", err)
	}
	s := r.follower.s
	if diff := diffData(r.groupsOf(r.dump(doer{s.NewSession(nil)}), ofAServer), r.groupsOf(theirs, ofAServer)); diff != "" {
		r.fail("the server's stream gives other data here, ours left:\n%s", diff)
	}
	if a, b := s.Digest(), r.server.Do("DEBUG", "DIGEST"); a != b && r.hasDigests(theirs) {
		r.fail("digest of our replica %s, the server's %v", a, b)
	}
}

// sameText is the length up to which all versions spell a score alike.
const sameText = 7

// hasDigests tells whether the server's digest of a data set can be ours: Redis 8 mixes in the texts of scores, which there
// have fewer digits or an exponent, so that one long score changes the digest. The walk compares scores as numbers.
func (r *run) hasDigests(set realserver.Dataset) bool {
	if hasMinusZero(set) {
		return false
	}
	if r.version == realserver.R7 {
		return true
	}
	for _, e := range set {
		if e.Type != "zset" {
			continue
		}
		for text := range strings.FieldsSeq(strings.Trim(e.Value, "[]")) {
			f, err := strconv.ParseFloat(strings.Trim(text, `"`), 64)
			if err == nil && len(strconv.FormatFloat(f, 'g', 17, 64)) > sameText {
				return false
			}
		}
	}
	return true
}

// minusZero is a score that a server holds in the large form of a sorted set, and we never do.
const minusZero = `"-0"`

func hasMinusZero(set realserver.Dataset) bool {
	for _, e := range set {
		if e.Type == "zset" && strings.Contains(e.Value, minusZero) {
			return true
		}
	}
	return false
}

// diffData compares data sets, in which -0 is 0.
func diffData(a, b realserver.Dataset) string {
	return realserver.Diff(withoutMinusZero(a), withoutMinusZero(b))
}

func withoutMinusZero(set realserver.Dataset) realserver.Dataset {
	out := maps.Clone(set)
	for k, e := range out {
		if e.Type == "zset" {
			e.Value = strings.ReplaceAll(e.Value, minusZero, `"0"`)
			out[k] = e
		}
	}
	return out
}

// fail ends the run: what comes after a difference in data says nothing.
func (r *run) fail(format string, args ...any) {
	r.t.Helper()
	for _, h := range r.history {
		r.t.Logf("[%d] %s -> %s", h.session, shown(h.args), clip(h.theirs.String()))
	}
	r.t.Fatalf("after %d commands: "+format, append([]any{r.done}, args...)...)
}

func (r *run) dump(d realserver.Doer) realserver.Dataset {
	r.t.Helper()
	set, err := realserver.Dump(d)
	if err != nil {
		r.t.Fatal(err)
	}
	return set
}

// say has one client run the given commands, and reports what turn does.
func (r *run) say(n int, commands ...[]string) bool {
	i := -1
	return r.turn(n, len(commands), func() []string { i++; return commands[i] }, nil)
}

// tolerant gives a's deadlines the values of b's where both come from a relative time and are close.
func tolerant(a, b realserver.Dataset) realserver.Dataset {
	out := realserver.Dataset{}
	for k, e := range a {
		if o, ok := b[k]; ok && e.Deadline > 0 && !isAbsolute(e.Deadline) && !isAbsolute(o.Deadline) &&
			max(e.Deadline-o.Deadline, o.Deadline-e.Deadline) <= tolerance.Milliseconds() {
			e.Deadline = o.Deadline
		}
		e.Fields = tolerantFields(e.Fields, b[k].Fields)
		out[k] = e
	}
	return out
}

// tolerantFields is tolerant for the fields of a hash.
func tolerantFields(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	for field, v := range a {
		value, at := realserver.FieldDeadline(v)
		other, o := realserver.FieldDeadline(b[field])
		if value == other && at > 0 && o > 0 && !isAbsolute(at) && !isAbsolute(o) && max(at-o, o-at) <= tolerance.Milliseconds() {
			out[field] = b[field]
		}
	}
	return out
}

// readOnly makes both sides replicas of nobody who answers, goes on for a while, and asks that no data changes. Clients
// take their open transactions along.
func (r *run) readOnly() {
	for n := range sessions {
		r.say(n, list("DISCARD"), list("UNWATCH"), list("MULTI"), [][]string{{"GET", "a"}, {"SET", "a", "v"}, {"DEL", "a", "b"}}[n])
	}
	r.demoted(func() {
		if reply := r.server.Do("REPLICAOF", "127.0.0.1", "1"); reply != "OK" {
			r.t.Fatalf("REPLICAOF = %v", reply)
		}
		r.store.Replication().Demote()
	})
	r.isReplica = true
	before := r.store.Digest()
	for n := range sessions {
		r.say(n, list("EXEC"))
	}
	for end := r.done + checkpointEvery; r.done < end; {
		r.step()
	}
	theirs := r.dump(r.server)
	if a, b := r.store.Digest(), r.server.Do("DEBUG", "DIGEST"); a != before || a != b && r.hasDigests(theirs) {
		r.fail("digest of a read-only replica %s, the server's %v, before %s", a, b, before)
	}
}
