package replication_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// How much happens when nobody asks for more: counted in events, so that a slow machine does the same work as a fast one.
const (
	chaosNodes  = 4
	chaosRounds = 5
	chaosEvents = 12  // of a round
	chaosWrites = 100 // beside an event, of each writer
)

// chaosPrimary: without PING the last write is the end of the stream.
var chaosPrimary = &replication.PrimaryOptions{PingPeriod: 1000 * time.Hour}

// chaosPatience is the last resort against a hang; nothing is expected to take that long.
const chaosPatience = 5 * time.Minute

// TestChaos lets four nodes write, break, come back and change roles all at once, on real time and as many processors as there are: what the scripts of FuzzCluster
// cannot show is two things that happen in the same instant. The writes are such that one applied twice, or not at all, makes a difference. All the while, nodes
// that agree on ID and offset must agree on the data; after each round everybody must have what the primary has.
//
// UNDERSTUDY_CHAOS is how long it goes on (2h), UNDERSTUDY_CHAOS_SEED chooses the events. What happens between them is up to the scheduler: a seed makes a
// failure likely again, not certain.
func TestChaos(t *testing.T) {
	seed, long := chaosSettings(t)
	c := newChaos(t, seed)
	defer c.close()
	start := time.Now()
	for round := 0; round < chaosRounds || time.Since(start) < long; round++ {
		for range chaosEvents {
			c.event()
		}
		if c.calm(round); t.Failed() {
			t.Fatalf("seed %d, round %d, after\n%s\n%s", seed, round, strings.Join(c.done, "\n"), c.states())
		}
		c.done = nil
	}
}

func chaosSettings(t *testing.T) (seed uint64, long time.Duration) {
	seed = 1 // the same events for every change; how they meet is chance all the same
	var err1, err2 error
	if s := os.Getenv("UNDERSTUDY_CHAOS_SEED"); s != "" {
		seed, err1 = strconv.ParseUint(s, 10, 64)
	}
	if s := os.Getenv("UNDERSTUDY_CHAOS"); s != "" {
		long, err2 = time.ParseDuration(s)
	}
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	t.Logf("UNDERSTUDY_CHAOS_SEED=%d", seed)
	return seed, long
}

// chaos is a network of nodes. Its fields and those of the nodes belong to the goroutine that makes the events, unless something else is said.
type chaos struct {
	t     *testing.T
	ctx   context.Context
	rnd   *rand.Rand
	net   *memnet.Network
	nodes []*chaosNode
	lead  atomic.Pointer[chaosNode] // where writers write
	seen  map[chaosMoment]string    // what the data was at a moment of a history
	done  []string                  // what happened in this round, for a failure
}

type chaosMoment struct {
	id     string
	offset int64
}

// chaosNode is a node with its listener. primary and replica are its handles; the one that fits its role is not nil.
type chaosNode struct {
	name    string
	store   *store.Store
	of      *chaosNode // whom it follows; nil: nobody
	primary *replication.Primary
	replica *replication.Replica
	served  chan struct{}
}

func (n *chaosNode) url() string { return "redis://" + n.name + ":6379" }

func newChaos(t *testing.T, seed uint64) *chaos {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	c := &chaos{t: t, ctx: ctx, rnd: rand.New(rand.NewPCG(seed, 0)), net: memnet.New(&memnet.Options{Buffer: 16 << 10}), seen: map[chaosMoment]string{}}
	for i := range chaosNodes {
		n := &chaosNode{name: string(rune('a' + i)), store: store.New(&store.Options{BacklogBytes: 64 << 10})}
		c.nodes = append(c.nodes, n)
		if i > 0 {
			n.of = c.nodes[0]
			c.startReplica(n)
			continue
		}
		var err error
		n.primary, err = replication.NewPrimary(n.store, chaosPrimary)
		c.must(err)
		c.serve(n, n.primary.Serve)
		c.lead.Store(n)
	}
	return c
}

func (c *chaos) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("%v, after\n%s\n%s", err, strings.Join(c.done, "\n"), c.states())
	}
}

func (c *chaos) startReplica(n *chaosNode) {
	var err error
	n.replica, err = replication.NewReplica(n.of.url(), c.replicaOptions(n))
	c.must(err)
	go n.replica.Run(context.Background())
	c.serve(n, n.replica.Serve)
}

// replicaOptions: an attempt follows upon the other without a pause, as it is the attempts that are tested.
func (c *chaos) replicaOptions(n *chaosNode) *replication.ReplicaOptions {
	return &replication.ReplicaOptions{Store: n.store, Dial: c.net.Dial, Backoff: func(int) time.Duration { return time.Millisecond }}
}

func (c *chaos) serve(n *chaosNode, serve func(net.Listener) error) {
	l, err := c.net.Listen(n.name + ":6379")
	c.must(err)
	n.served = make(chan struct{})
	go func() {
		defer close(n.served)
		serve(l)
	}()
}

func (n *chaosNode) close() {
	if n.primary != nil {
		n.primary.Close()
	} else if n.replica != nil {
		n.replica.Close()
	}
	if n.served != nil {
		<-n.served
	}
}

func (c *chaos) close() {
	for _, n := range c.nodes {
		n.close()
	}
}

// event makes one thing happen in the midst of writes.
func (c *chaos) event() {
	var writers sync.WaitGroup
	var written atomic.Int64
	now := make(chan bool)
	when := c.rnd.Int64N(2 * chaosWrites)
	for range 2 {
		rnd := rand.New(rand.NewPCG(c.rnd.Uint64(), 0))
		writers.Go(func() {
			for range chaosWrites {
				if written.Add(1)-1 == when {
					close(now)
				}
				if err := chaosWrite(rnd, c.lead.Load().store); err != nil && !errors.Is(err, store.ErrReadOnly) {
					c.t.Errorf("a write failed: %v", err)
				}
			}
		})
	}
	<-now
	c.act()
	c.checkIdentity()
	writers.Wait()
}

// chaosWrite makes one write, most of which may not be made twice. Keys are few and are deleted now and then, so that the data stays small.
func chaosWrite(rnd *rand.Rand, s *store.Store) (err error) {
	db, key := s.DB(rnd.IntN(2)), strconv.Itoa(rnd.IntN(10))
	if rnd.IntN(2) == 0 {
		return chaosChange(rnd, db, key)
	}
	switch rnd.IntN(9) {
	case 0, 1:
		_, err = db.Incr("n"+key, 1)
	case 2, 3:
		_, err = db.Append("text"+key, key)
	case 4:
		_, err = db.Do("HINCRBY", "hash"+key, "f"+strconv.Itoa(rnd.IntN(200)), "3")
	case 5:
		_, err = db.Del("text" + key)
	case 6:
		_, err = db.Do("SETRANGE", "big"+key, strconv.Itoa(rnd.IntN(500)), strings.Repeat(key, 500)) // the backlog is passed through fast
	case 7:
		_, err = s.Update(func(tx *store.Tx) error {
			for range 30 { // long enough to be cut in the middle
				_, err := tx.DB(0).Incr("n"+key, 1)
				_, err2 := tx.DB(1).Append("text"+key, "x")
				if err := errors.Join(err, err2); err != nil {
					return err
				}
			}
			return nil
		})
	case 8:
		_, err = s.Update(func(tx *store.Tx) error {
			tx.DB(0).Incr("n"+key, 1)
			return errChaos
		})
	}
	if errors.Is(err, errChaos) {
		return nil
	}
	return err
}

// chaosChange changes a collection, mostly list 0, set 0 or sorted 0, which are beyond the small forms often. What is chosen at random must
// be the same everywhere.
func chaosChange(rnd *rand.Rand, db store.DB, key string) error {
	n, other := strconv.Itoa(rnd.IntN(300)), strconv.Itoa(rnd.IntN(10))
	if rnd.IntN(2) == 0 {
		key = "0"
	}
	list, set, sorted := "list"+key, "set"+key, "sorted"+key
	commands := [][]string{
		{"RPUSH", list, n, other, n}, {"LPUSH", list, n, strings.Repeat(n, 40)}, {"LPOP", list}, {"RPOP", list, "2"}, {"LMOVE", list, "list" + other, "LEFT", "RIGHT"},
		{"LTRIM", list, "0", "200"}, {"LINSERT", list, "BEFORE", n, "x"}, {"LREM", list, "1", n}, {"LSET", list, "-1", n}, {"BLPOP", list, "0"},
		{"SADD", set, n, other, "m" + n}, {"SADD", set, n}, {"SPOP", set}, {"SPOP", set, "2"}, {"SREM", set, n}, {"SMOVE", set, "set" + other, n},
		{"SUNIONSTORE", "set" + other, set, "union"}, {"SINTERSTORE", "both" + other, set, "set" + other},
		{"ZADD", sorted, n, n, other, "m" + n}, {"ZINCRBY", sorted, "0.1", n}, {"ZINCRBY", sorted, "3", other}, {"ZPOPMIN", sorted}, {"ZPOPMAX", sorted, "2"}, {"ZREM", sorted, n},
		{"ZREMRANGEBYRANK", sorted, "150", "-1"}, {"ZUNIONSTORE", "zunion" + other, "2", sorted, "sorted" + other}, {"ZRANGESTORE", "zrange" + other, sorted, "0", "5"},
		{"COPY", list, "copy" + other, "REPLACE"}, {"PEXPIRE", "copy" + other, "20"}, {"SORT", set, "ALPHA", "LIMIT", "0", "9", "STORE", "list" + other},
		chaosMany("RPUSH", list, n), chaosMany("SADD", set, n), chaosMany("ZADD", sorted, n),
	}
	_, err := db.Do(commands[rnd.IntN(len(commands))]...)
	if err != nil && err.Error() == store.ErrNoKey.Error() {
		return nil // LSET found no list
	}
	return err
}

// chaosMany adds as many elements at once as take a collection beyond its small form.
func chaosMany(name, key, n string) []string {
	args := []string{name, key}
	pad := "x"
	if name == "RPUSH" {
		pad = strings.Repeat("x", 60)
	}
	for i := range 140 {
		if name == "ZADD" {
			args = append(args, n)
		}
		args = append(args, strconv.Itoa(i)+pad)
	}
	return args
}

var errChaos = errors.New("rolled back on purpose")

// act makes the event that the seed says.
func (c *chaos) act() {
	n := c.nodes[c.rnd.IntN(chaosNodes)]
	switch c.rnd.IntN(9) {
	case 0:
		c.note("all links are cut")
		c.net.CutAll()
	case 1:
		c.onLink("cut", func(l *memnet.Conn) { l.Cut() })
	case 2:
		after := c.rnd.Int64N(20_000)
		c.onLink(fmt.Sprint("cut after ", after), func(l *memnet.Conn) { l.Incoming().CutAfter(after) })
	case 3:
		after := c.rnd.Int64N(5000)
		c.note("the next link will be reset after %d bytes", after)
		c.net.OnNextDial(func(l *memnet.Conn) { l.Incoming().ResetAfter(after) })
	case 4:
		c.onLink("stalls", func(l *memnet.Conn) { l.Stall() })
	case 5:
		c.note("stalls end")
		c.resume()
	case 6:
		c.restart(n)
	case 7:
		c.follow(n, c.nodes[c.rnd.IntN(chaosNodes)])
	case 8:
		c.failOver(n)
	}
}

func (c *chaos) note(format string, args ...any) {
	c.done = append(c.done, fmt.Sprintf(format, args...))
}

// onLink does something to a link that is open at the moment, if there is one.
func (c *chaos) onLink(what string, do func(l *memnet.Conn)) {
	if links := c.net.Conns(); len(links) > 0 {
		l := links[c.rnd.IntN(len(links))]
		c.note("link to %v: %s", l.RemoteAddr(), what)
		do(l)
	}
}

func (c *chaos) resume() {
	for _, l := range c.net.Conns() {
		l.Resume()
	}
}

// restart closes a replica and makes a new one with its data.
func (c *chaos) restart(n *chaosNode) {
	if n.of == nil {
		return
	}
	c.note("%s is started anew", n.name)
	n.close()
	c.startReplica(n)
}

// follow points a replica to another node, be that a replica too, but not one of its own.
func (c *chaos) follow(n, of *chaosNode) {
	for up := of; up != nil; up = up.of {
		if up == n {
			return
		}
	}
	c.note("%s follows %s", n.name, of.name)
	c.resume() // the call waits for a sync, which may come by way of others
	n.of = of
	ctx, cancel := context.WithTimeout(c.ctx, chaosPatience)
	defer cancel()
	c.must(n.replica.Follow(ctx, of.url()))
}

// failOver makes n the primary. For a moment there are two, and the old one's last writes are lost.
func (c *chaos) failOver(n *chaosNode) {
	old := c.lead.Load()
	if n == old {
		return
	}
	c.note("%s becomes the primary instead of %s", n.name, old.name)
	c.resume()
	ctx, cancel := context.WithTimeout(c.ctx, chaosPatience)
	defer cancel()
	var err error
	n.primary, err = n.replica.Promote(ctx, chaosPrimary)
	c.must(err)
	n.replica, n.of = nil, nil
	c.lead.Store(n)
	old.replica, err = old.primary.Follow(ctx, n.url(), c.replicaOptions(old))
	c.must(err)
	old.primary, old.of = nil, n
}

// checkIdentity is guarantee 3, across nodes and across time.
func (c *chaos) checkIdentity() {
	for _, n := range c.nodes {
		sn := n.store.Snapshot()
		h, digest := sn.History(), sn.Digest()
		sn.Close()
		at := chaosMoment{string(h.ID), h.Offset}
		if was, known := c.seen[at]; known && was != digest {
			c.t.Errorf("%s has other data at %v than was seen there before", n.name, at)
		}
		c.seen[at] = digest
	}
}

// calm ends what stands in the way, and waits until every node has the primary's last write: then all must have the same, by the same name.
func (c *chaos) calm(round int) {
	c.resume()
	lead := c.lead.Load()
	mark := strconv.Itoa(round)
	c.must(lead.store.DB(0).Set("calm", mark, 0))
	for _, n := range c.nodes {
		c.must(c.await(n.store, mark))
	}
	for _, n := range c.nodes {
		if diffs := replicationtest.Diff(lead.store, n.store); len(diffs) > 0 {
			c.t.Errorf("%s differs from its primary %s: %v", n.name, lead.name, diffs)
		}
	}
	clear(c.seen)
}

// await waits until the store has the mark, which comes by a command or with a whole data set.
func (c *chaos) await(s *store.Store, mark string) error {
	w := s.Watch(store.Filter{Match: func(ch *store.Change) bool { return ch.Cause == store.Replaced || ch.Key == "calm" }})
	defer w.Close()
	ctx, cancel := context.WithTimeout(c.ctx, chaosPatience)
	defer cancel()
	for get(s, "calm") != mark {
		if _, err := w.Next(ctx); err != nil && !errors.As(err, new(*store.GapError)) {
			return fmt.Errorf("waiting for mark %s: %w", mark, err)
		}
	}
	return nil
}

// states prints one line per node.
func (c *chaos) states() string {
	var b strings.Builder
	for _, n := range c.nodes {
		h := n.store.Replication().History()
		fmt.Fprintf(&b, "%s: %s %d", n.name, h.ID, h.Offset)
		if n.replica != nil {
			st := n.replica.Status()
			fmt.Fprintf(&b, " of %s, %v, %d full and %d partial resyncs, %v", n.of.name, st.State, st.FullSyncs, st.PartialSyncs, st.Err)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
