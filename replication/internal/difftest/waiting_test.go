package difftest

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/internal/server"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// mostWaiting is how many clients wait at once. The last of them speaks RESP3.
const mostWaiting = 3

// hall is where clients of one side wait: beside them one who looks on, and never waits.
type hall struct {
	control *client
	waiters []*client
	ids     []string // as CLIENT UNBLOCK knows the waiters
}

func newHall(t testing.TB, connect func() *client) *hall {
	t.Helper()
	h := &hall{control: connect()}
	for i := range mostWaiting {
		c := connect()
		if i == mostWaiting-1 {
			c.do(t, "HELLO", "3")
		}
		h.waiters = append(h.waiters, c)
		h.ids = append(h.ids, strconv.FormatInt(c.do(t, "CLIENT", "ID").Int, 10))
	}
	return h
}

// frontNode is as much of a node as clients need that have to do with the data alone.
type frontNode struct {
	server.Node // nil: nobody asks for replicas
	data        *store.Store
}

func (n frontNode) Store() *store.Store       { return n.data }
func (n frontNode) State() server.State       { return server.State{Primary: true} }
func (n frontNode) Stale() bool               { return false }
func (n frontNode) Configure(server.Settings) {}

// frontOf serves connections to a store of ours. Sessions wait as well; that they can be counted and unblocked is the server's.
func frontOf(t testing.TB, s *store.Store) func() *client {
	t.Helper()
	front := server.New(frontNode{data: s}, nil)
	t.Cleanup(func() { front.Close() })
	return func() *client {
		near, far := memnet.Pipe(nil)
		go front.ServeConn(context.Background(), far)
		t.Cleanup(func() { near.Close() })
		return &client{net: near, r: resp.NewReader(near, nil)}
	}
}

// begin sends a command of waiter i, and returns when i+1 of them wait: who came first is not left to chance.
func (h *hall) begin(t testing.TB, i int, db string, args []string) {
	t.Helper()
	h.waiters[i].do(t, "SELECT", db)
	if err := h.waiters[i].send(args...); err != nil {
		t.Fatal(err)
	}
	const field = "blocked_clients:"
	want := field + strconv.Itoa(i+1) + "\r\n"
	for end := time.Now().Add(patience); !strings.Contains(h.control.do(t, "INFO", "clients").Str, want); {
		if time.Now().After(end) {
			t.Fatalf("%s does not wait", shown(args))
		}
	}
}

// finish returns what waiter i is told, and whether it had to be unblocked for that.
func (h *hall) finish(t testing.TB, i int, reason []string) (told, unblocked resp.Value) {
	t.Helper()
	unblocked = h.control.do(t, append(list("CLIENT", "UNBLOCK", h.ids[i]), reason...)...)
	told, err := h.waiters[i].receive()
	if err != nil {
		t.Fatalf("waiter %d, whose unblocking was answered %s: %v", i, unblocked, err)
	}
	return told, unblocked
}

// letWait has clients wait for what is not there, then one writes that may serve them. Who was served what, and what is left,
// is the same on both sides.
func (r *run) letWait(n int) {
	s := r.g.anyScene(r.ours[n].DB())
	if !r.say(n, append(list("DEL"), s.keys...)) {
		return
	}
	for i, args := range s.waits {
		for _, h := range r.halls {
			h.begin(r.t, i, s.db, args)
		}
		r.note(event{session: sessions + i, args: args})
	}
	ok := r.say(n, s.writes...)
	for i, args := range s.waits {
		ok = r.finish(i, args, s.reasons[i], ok) && ok
	}
	if ok {
		r.scenes++
		r.say(n, s.look()...)
	}
}

// finish ends the wait of client i on both sides. It compares what they were told if asked to, and reports whether both sides
// may be taken for alike thereafter.
func (r *run) finish(i int, args, reason []string, compare bool) bool {
	e := event{session: sessions + i, args: args}
	var unblocked [2]resp.Value
	for side, told := range []*resp.Value{&e.ours, &e.theirs} {
		*told, unblocked[side] = r.halls[side].finish(r.t, i, reason)
	}
	r.note(e)
	r.done++
	if !compare {
		return false
	}
	if e.theirs.Kind != resp.Error && !e.theirs.IsNull() {
		r.used[args[0]]++
		r.served++
	}
	ok, drifts := known(r.version, args, e.ours, e.theirs)
	switch {
	case drifts:
		r.calm()
		return false
	case !ok && !equal(args, e.ours, e.theirs):
		r.report(&e)
		return false
	case !exact(nil, unblocked[0], unblocked[1]):
		r.report(&event{session: e.session, args: append(list("CLIENT", "UNBLOCK"), args...), ours: unblocked[0], theirs: unblocked[1]})
		return false
	}
	return true
}

// scene is a step in which clients wait.
type scene struct {
	db      string
	keys    []string   // what is waited for
	others  []string   // more keys that the commands name
	waits   [][]string // in the order in which the clients come
	reasons [][]string // for the unblocking of each
	writes  [][]string
}

// anyScene is one in which clients wait for what they take away, or for what they read.
func (g *gen) anyScene(db int) *scene {
	if g.chance(4) {
		return g.readingScene(db)
	}
	return g.scene(db)
}

// look asks for all that the scene was about.
func (s *scene) look() (commands [][]string) {
	for _, key := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(s.keys, s.others)))) {
		commands = append(commands, list("TYPE", key), list("LRANGE", key, "0", "-1"), list("ZRANGE", key, "0", "-1", "WITHSCORES"))
	}
	return commands
}

// scene makes up clients that wait in database db, mostly for one kind, and what happens to their keys.
func (g *gen) scene(db int) *scene {
	s := &scene{db: strconv.Itoa(db)}
	lists := g.chance(2)
	pool := g.several(2, func() string { return g.collection(lists) })
	key := func() string { return g.pick(pool...) }
	for range 1 + g.r.IntN(mostWaiting) {
		keys := g.several(2, key)
		if g.newer && len(keys) > 1 {
			// A newer server runs the command anew when one of its keys has come, from the first key on; 7.0 takes from the one that
			// came, and so do we. Where the other one never comes that is the same.
			keys[g.r.IntN(2)] = never
		}
		s.keys = append(s.keys, keys...)
		s.waits = append(s.waits, g.wait(s, lists != g.chance(8), keys))
		s.reasons = append(s.reasons, [][]string{nil, {"TIMEOUT"}, {"ERROR"}, {"error"}}[g.r.IntN(4)])
	}
	for range 1 + g.r.IntN(3) {
		from := g.collection(lists)
		s.others = append(s.others, from)
		s.writes = append(s.writes, g.serving(s, lists != g.chance(12), key(), from)...)
	}
	return s
}

func (g *gen) collection(lists bool) string {
	if lists {
		return g.listKey()
	}
	return g.sortedKey()
}

// wait is a command that waits for keys: longer than any run takes, or for ever.
func (g *gen) wait(s *scene, lists bool, keys []string) []string {
	timeout := g.pick("0", "0.0", "3600", "7200.5")
	numbered := append(list(strconv.Itoa(len(keys))), keys...)
	if !lists {
		if g.chance(2) {
			return append(append(list(g.pick("BZPOPMIN", "BZPOPMAX")), keys...), timeout)
		}
		return g.maybe(2, append(append(list("BZMPOP", timeout), numbered...), g.pick("MIN", "MAX")), "COUNT", g.pick("1", "2", "100"))
	}
	to := g.pick(keys[0], g.listKey(), g.listKey())
	switch g.r.IntN(5) {
	case 0, 1:
		return append(append(list(g.pick("BLPOP", "BRPOP")), keys...), timeout)
	case 2:
		s.others = append(s.others, to)
		return list("BLMOVE", keys[0], to, g.pick("LEFT", "RIGHT"), g.pick("LEFT", "RIGHT"), timeout)
	case 3:
		s.others = append(s.others, to)
		return list("BRPOPLPUSH", keys[0], to, timeout)
	}
	return g.maybe(2, append(append(list("BLMPOP", timeout), numbered...), g.pick("LEFT", "RIGHT")), "COUNT", g.pick("1", "2", "100"))
}

// fill puts something into a list or a sorted set.
func (g *gen) fill(lists bool, key string) []string {
	if lists {
		return append(list(g.pick("RPUSH", "LPUSH"), key), g.elements()...)
	}
	args := list("ZADD", key)
	for range 1 + g.r.IntN(4) {
		args = append(args, g.score(), g.member())
	}
	return args
}

// serving brings something to key, or to from first, in one of the ways in which a key comes to be: by a write of its own, from
// another one, from another database, at the end of a transaction, if it is still there by then.
func (g *gen) serving(s *scene, lists bool, key, from string) [][]string {
	fill := g.fill(lists, from)
	switch g.r.IntN(12) {
	case 0:
		return [][]string{fill, {"RENAME", from, key}}
	case 1:
		return [][]string{fill, g.maybe(2, list("COPY", from, key), "REPLACE")}
	case 2:
		return [][]string{g.maybe(2, list("RESTORE", key, "0", dumped(fill)), "REPLACE")}
	case 3:
		other := strconv.Itoa(g.r.IntN(4))
		return [][]string{{"SELECT", other}, g.fill(lists, key), {"MOVE", key, s.db}, {"SELECT", s.db}}
	case 4:
		// Of several keys that one exchange brings, none comes first: the other database has one of them.
		other := strconv.Itoa(g.r.IntN(4))
		return [][]string{{"SELECT", other}, append(list("DEL"), s.keys...), g.fill(lists, key), {"SELECT", s.db}, {"SWAPDB", s.db, other}}
	case 5, 6:
		return slices.Concat([][]string{{"MULTI"}, g.fill(lists, key)}, g.second(lists, key, from), [][]string{{"EXEC"}})
	case 7:
		gone := [][]string{{"DEL", key}, {"FLUSHALL"}, {"RENAME", key, from}}[g.r.IntN(3)]
		return [][]string{{"SET", key, "v"}, gone, g.fill(lists, key)}
	case 8, 9:
		// Where a ...STORE replaces a value of another kind, no version of Redis sees that something has come; we do.
		return [][]string{fill, {"DEL", key}, g.stored(lists, key, from)}
	}
	return [][]string{g.fill(lists, key)}
}

// second is what a transaction does to a key that it has just filled.
func (g *gen) second(lists bool, key, from string) [][]string {
	switch g.r.IntN(6) {
	case 0:
		return [][]string{{"DEL", key}}
	case 1:
		return [][]string{{"DEL", key}, g.fill(lists, key)}
	case 2:
		return [][]string{{"RENAME", key, from}}
	case 3:
		return [][]string{{"PEXPIREAT", key, "1"}}
	case 4:
		return [][]string{{g.pick("LPOP", "RPOP", "ZPOPMIN", "ZPOPMAX"), key}}
	}
	return [][]string{g.fill(lists, from)}
}

// stored is a command that makes key out of from.
func (g *gen) stored(lists bool, key, from string) []string {
	if lists {
		return [][]string{
			{"LMOVE", from, key, g.pick("LEFT", "RIGHT"), g.pick("LEFT", "RIGHT")}, {"RPOPLPUSH", from, key},
			{"SORT", from, "ALPHA", "STORE", key}, {"LMOVE", from, key, "LEFT", "LEFT"},
		}[g.r.IntN(4)]
	}
	return [][]string{
		{"ZUNIONSTORE", key, "1", from}, {"ZINTERSTORE", key, "1", from}, {"ZDIFFSTORE", key, "1", from},
		{"ZRANGESTORE", key, from, "0", "-1"}, {"ZINCRBY", key, g.score(), g.member()},
	}[g.r.IntN(5)]
}

// dumped is the payload of what a command makes of nothing, in its first key.
func dumped(args []string) string {
	s := store.New(nil)
	defer s.Close()
	c := s.NewSession(nil)
	do(c, args...)
	return do(c, "DUMP", args[1]).Str
}

// demoted compares how a wait ends on a primary that becomes a replica.
func (r *run) demoted(demote func()) {
	for _, h := range r.halls {
		h.begin(r.t, 0, "0", list("BLPOP", never, "0"))
	}
	demote()
	r.finish(0, list("BLPOP", never, "0"), nil, true)
}
