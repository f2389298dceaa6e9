package difftest

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

const (
	sessions        = 3    // clients that work side by side
	speaks3         = 2    // the client that speaks RESP3; the others speak RESP2
	longestTurn     = 12   // commands that one of them sends before the next
	checkpointEvery = 2000 // commands
	mostDifferences = 20
	recalled        = 600 // commands that a report can look back on
)

func fromEnv(t *testing.T, name string, standard uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return standard
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestSameAsRedis sends one random sequence to a store and to a server and compares everything that can be compared.
func TestSameAsRedis(t *testing.T) {
	commands := fromEnv(t, "UNDERSTUDY_DIFF_COMMANDS", 20_000)
	seed := fromEnv(t, "UNDERSTUDY_DIFF_SEED", 1) // the same for every change; campaigns choose others
	for _, v := range []realserver.Version{realserver.R7, realserver.R8} {
		t.Run(fmt.Sprintf("redis%d", v), func(t *testing.T) {
			t.Logf("repeat with UNDERSTUDY_DIFF_SEED=%d UNDERSTUDY_DIFF_COMMANDS=%d", seed, commands)
			r := newRun(t, v, seed)
			for r.done < int(commands) && len(r.found) < mostDifferences {
				r.step()
				if r.done >= r.nextCheck {
					r.checkpoint()
				}
			}
			r.checkpoint()
			r.checkUsed(int(commands))
			r.readOnly()
		})
	}
}

// run is one sequence under way.
type run struct {
	t       *testing.T
	g       *gen
	version realserver.Version

	store   *store.Store
	ours    []*store.Session
	server  *realserver.Server
	theirs  []*client
	control *client      // for what is no part of the sequence
	halls   [2]*hall     // ours and theirs
	queues  [][][]string // by session: what was queued since MULTI

	copier   *copier
	copied   *realserver.Server
	follower *follower

	done, nextCheck int
	rows            []row // of the table, those that the server knows
	weights         int
	isReplica       bool           // both sides are: what needs a primary is left out
	scenes, served  int            // in which clients waited, and clients of them that got something
	used            map[string]int // commands that were answered without an error
	unsent          int            // commands that were drawn and left out
	found           map[string]bool
	history         []event
}

type event struct {
	session      int
	args         []string
	ours, theirs resp.Value
	drifted      bool // by a known difference the sides may hold different data now
}

func newRun(t *testing.T, v realserver.Version, seed uint64) *run {
	r := &run{
		t: t, g: newGen(seed), version: v, nextCheck: checkpointEvery,
		store: store.New(nil), server: startServer(t, v), copied: startServer(t, v),
		queues: make([][][]string, sessions), used: map[string]int{}, found: map[string]bool{},
	}
	r.g.newer = v != realserver.R7
	for range sessions {
		r.ours = append(r.ours, r.store.NewSession(nil))
		r.theirs = append(r.theirs, dial(t, r.server))
	}
	if v := r.theirs[speaks3].do(t, "HELLO", "3"); v.Kind == resp.Error {
		t.Fatalf("HELLO 3: %s", v)
	}
	r.control = dial(t, r.server)
	r.halls = [2]*hall{newHall(t, frontOf(t, r.store)), newHall(t, func() *client { return dial(t, r.server) })}
	r.copier = newCopier(t, r.store, dial(t, r.copied))
	r.follower = follow(t, r.server)
	r.rows = rowsFor(v)
	for _, row := range r.rows {
		r.weights += row.weight
	}
	return r
}

// do runs a command of a client on our side, in the client's protocol.
func (r *run) do(n int, args ...string) resp.Value {
	if n == speaks3 {
		return doIn(r.ours[n], 3, args...)
	}
	return do(r.ours[n], args...)
}

func (r *run) note(e event) {
	r.history = append(r.history, e)
}

// step is one turn of one client.
func (r *run) step() {
	n := r.g.r.IntN(sessions)
	if !r.ours[n].InMulti() {
		switch {
		case r.g.chance(25):
			r.letPass(n)
			return
		case r.g.newer && !r.isReplica && r.g.chance(25):
			r.letFieldsPass(n)
			return
		case r.g.newer && r.g.chance(20):
			r.dwell(n)
			return
		case r.g.chance(25):
			r.settle()
			r.turn(n, 1, func() []string { return list("DBSIZE") }, exact)
			return
		case r.g.chance(25):
			r.scanAll(n)
			return
		case r.g.chance(20):
			r.pop(n)
			return
		case r.g.chance(25):
			r.sample(n)
			return
		case r.g.chance(20):
			r.transplant(n)
			return
		case !r.isReplica && r.g.chance(30):
			r.letWait(n)
			return
		}
	}
	r.turn(n, 1+r.g.r.IntN(longestTurn), func() []string { return r.command(n) }, nil)
}

// command is the next command of a client.
func (r *run) command(n int) []string {
	inMulti := r.ours[n].InMulti()
	r.g.inMulti = inMulti
	switch {
	case inMulti && r.g.chance(6):
		return list("EXEC")
	case inMulti && r.g.chance(60):
		return list("DBSIZE")
	case inMulti && r.g.chance(30):
		return list("DISCARD")
	}
	at := r.g.r.IntN(r.weights)
	for _, row := range r.rows {
		if at -= row.weight; at < 0 {
			args := r.g.mutate(append(list(row.name), row.args(r.g)...))
			if r.uncertain(n, args) {
				r.unsent++
				return list("TYPE", "a") // without a further draw, so that a seed stays what it is
			}
			return args
		}
	}
	return nil
}

// turn runs commands on both sides and compares the replies by their rows, or by same if there is one. Ours runs first,
// command by command, as next depends on it; the server gets all in one piece. It reports whether the two are still alike, and
// goes on from nothing where they are not.
func (r *run) turn(n, most int, next func() []string, same comparison) bool {
	var b []byte
	var events []event
	for range most {
		e := event{session: n, args: next()}
		e.ours = r.do(n, e.args...)
		b = resp.AppendCommand(b, e.args...)
		events = append(events, e)
	}
	replies, err := r.theirs[n].exchange(b, len(events))
	if err != nil {
		r.t.Fatalf("the server's replies: %v", err)
	}
	for i := range events {
		events[i].theirs = replies[i]
		r.done++
		r.history = append(r.history, events[i])
		if !r.compare(&events[i], same) {
			r.report(&events[i])
			return false
		}
		if events[i].drifted {
			r.calm()
			return false
		}
	}
	r.history = r.history[max(0, len(r.history)-recalled):]
	return true
}

func (r *run) compare(e *event, same comparison) bool {
	queue := r.queues[e.session]
	name := strings.ToUpper(e.args[0])
	if isQueued(e.ours) {
		r.queues[e.session] = append(queue, e.args)
	} else if name == "EXEC" || name == "DISCARD" {
		r.queues[e.session] = nil
	}
	if e.theirs.Kind != resp.Error && !isQueued(e.theirs) {
		r.used[name]++
	}
	if ok, drifts := known(r.version, e.args, e.ours, e.theirs); ok {
		e.drifted = drifts
		return true
	}
	switch {
	case name == "EXEC" && e.theirs.Kind == resp.Array:
		return r.narrow(e, queue)
	case same != nil:
		return same(e.args, e.ours, e.theirs)
	}
	return equal(e.args, e.ours, e.theirs)
}

// narrow compares the replies of a transaction, each as its command asks. Where two differ, e becomes that command, so
// that a report shows it.
func (r *run) narrow(e *event, queue [][]string) bool {
	if len(e.ours.Elems) != len(queue) || len(e.theirs.Elems) != len(queue) {
		return exact(nil, e.ours, e.theirs)
	}
	for i, args := range queue {
		ours, theirs := e.ours.Elems[i], e.theirs.Elems[i]
		if theirs.Kind != resp.Error {
			r.used[strings.ToUpper(args[0])]++
		}
		if ok, drifts := known(r.version, args, ours, theirs); drifts {
			e.drifted = true
			return true
		} else if !ok && !equal(args, ours, theirs) {
			*e = event{session: e.session, args: args, ours: ours, theirs: theirs}
			return false
		}
	}
	return true
}

// report shows a difference once, with what led to it, and makes both sides alike again.
func (r *run) report(e *event) {
	id := fmt.Sprintf("%s: %c%.20s", strings.ToUpper(e.args[0]), e.theirs.Kind, e.theirs.String())
	if !r.found[id] {
		r.found[id] = true
		r.t.Errorf("after %d commands: %s\n   ours %s\n theirs %s\n%s", r.done, shown(e.args), clip(e.ours.String()), clip(e.theirs.String()), r.lead(e))
	}
	r.calm()
}

// lead lists the last commands before e that share an argument with it, or its session's where it is an EXEC.
func (r *run) lead(e *event) string {
	most := 14
	if len(e.args) == 1 {
		most = 100
	}
	var lines []string
	for i := len(r.history) - 2; i >= 0 && len(lines) < most; i-- {
		h := &r.history[i]
		if related(h, e) {
			lines = append(lines, fmt.Sprintf("   before: [%d] %s -> %s", h.session, shown(h.args), clip(h.theirs.String())))
		}
	}
	slices.Reverse(lines)
	return strings.Join(lines, "\n")
}

func related(h, e *event) bool {
	if len(e.args) == 1 {
		return true
	}
	for _, a := range h.args[1:] {
		if len(e.args) > 1 && a == e.args[1] || len(e.args) > 2 && a == e.args[2] {
			return true
		}
	}
	return strings.EqualFold(h.args[0], "SELECT") || strings.EqualFold(h.args[0], "SWAPDB")
}

// calm empties both sides and brings all clients back to where they began.
func (r *run) calm() {
	for i := range sessions {
		for _, args := range [][]string{{"DISCARD"}, {"UNWATCH"}, {"SELECT", "0"}, {"FLUSHALL"}} {
			do(r.ours[i], args...)
			r.theirs[i].do(r.t, args...)
		}
		r.queues[i] = nil
	}
	r.history = nil
}

// letPass gives a key one millisecond to live, on both sides, and waits until that is over on both.
func (r *run) letPass(n int) {
	key := r.g.anyKey()
	r.turn(n, 1, func() []string { return list("PEXPIRE", key, "1") }, exact)
	<-time.After(3 * time.Millisecond)
}

// settle removes every key past its deadline on both sides. Until somebody meets such a key it is still there, for DBSIZE
// and for digests, and the sides meet keys at different times.
func (r *run) settle() {
	for r.store.Replication().Sweep(1000) > 0 {
	}
	var b []byte
	count := 0
	for db := range 16 {
		b = resp.AppendCommand(b, "SELECT", strconv.Itoa(db))
		b = resp.AppendCommand(b, append([]string{"EXISTS"}, keys...)...)
		count += 2
	}
	if _, err := r.control.exchange(b, count); err != nil {
		r.t.Fatal(err)
	}
}

// scanAll scans the database, or a collection, from cursor to cursor on each side. Nobody writes meanwhile, so both find the
// same, though their pages differ.
func (r *run) scanAll(n int) {
	args, at, group := list("SCAN", "0"), 1, 1
	switch r.g.r.IntN(5) {
	case 0:
		args, at, group = list("HSCAN", r.g.hashKey(), "0"), 2, 2
	case 1:
		args, at, group = list("SSCAN", r.g.setKey(), "0"), 2, 1
	case 2:
		args, at, group = list("ZSCAN", r.g.sortedKey(), "0"), 2, 2
	}
	args = append(args, "COUNT", r.g.pick("1", "7", "1000"))
	if r.g.chance(2) {
		args = append(args, "MATCH", r.g.pattern())
	}
	ours := wholeScan(args, at, group, func(a ...string) resp.Value { return r.do(n, a...) })
	theirs := wholeScan(args, at, group, func(a ...string) resp.Value { return r.theirs[n].do(r.t, a...) })
	if !slices.Equal(ours, theirs) {
		r.report(&event{session: n, args: args, ours: resp.BulkString(fmt.Sprintf("%q", ours)), theirs: resp.BulkString(fmt.Sprintf("%q", theirs))})
	}
	r.used[args[0]]++
	r.done++
}

// asNumbers spells scores alike, of which versions print more or fewer digits.
func asNumbers(pairs []resp.Value) {
	for i := 1; i < len(pairs); i += 2 {
		if f, err := strconv.ParseFloat(pairs[i].Str, 64); err == nil {
			pairs[i].Str = strconv.FormatFloat(f+0, 'g', -1, 64)
		}
	}
}

// wholeScan follows cursors to the end. An element may come twice where a table changes its size.
func wholeScan(args []string, at, group int, do func(...string) resp.Value) []string {
	args = slices.Clone(args)
	var all []string
	for {
		v := do(args...)
		if !isPage(v) {
			return []string{v.String()}
		}
		if args[0] == "ZSCAN" {
			asNumbers(v.Elems[1].Elems)
		}
		all = append(all, sorted(v.Elems[1].Elems, group)...)
		if args[at] = v.Elems[0].Str; args[at] == "0" {
			slices.SortFunc(all, cmp.Compare[string])
			return slices.Compact(all)
		}
	}
}
