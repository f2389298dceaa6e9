package simtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/store"
	"github.com/understudy-go/understudy/store/backlog"
)

// sim is a script under way. It is driven by one goroutine, inside of a bubble.
type sim struct {
	*script
	net   *memnet.Network
	links links
	nodes []*node
	books map[backlog.ID]*chronicle
	seen  map[moment]string // digests of nodes, by history and offset
	lead  *node             // promoted last
	marks int               // markers written
	tally tally
	say   func(format string, args ...any) // tells each step; nil: nobody listens
}

// moment is where a node stands in which history.
type moment struct {
	id     backlog.ID
	offset int64
}

// play runs a script to its end, or to the first thing that must not be. It REQUIRES a bubble.
func play(sc *script, say func(string, ...any)) (tally, error) {
	s := &sim{
		script: sc, say: say, net: memnet.New(&memnet.Options{Buffer: sc.world.buffer}),
		books: map[backlog.ID]*chronicle{}, seen: map[moment]string{}, tally: tally{},
	}
	s.links.severed = map[[2]int]bool{}
	err := s.live()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, s.states())
	}
	s.close()
	return s.tally, err
}

func (s *sim) live() error {
	if err := s.begin(); err != nil {
		return err
	}
	for i, st := range s.steps {
		if err := s.step(i, st); err != nil {
			return fmt.Errorf("step %d, %v: %w", i, st, err)
		}
	}
	if err := s.heal(); err != nil {
		return fmt.Errorf("after healing: %w", err)
	}
	return nil
}

func (s *sim) begin() error {
	for i := range s.world.nodes {
		n := &node{s: s, index: i}
		s.nodes = append(s.nodes, n)
		if err := n.newStore(); err != nil {
			return err
		}
	}
	s.lead = s.nodes[0]
	for i, n := range s.nodes {
		if above := s.world.of[i]; above >= 0 {
			n.of = s.nodes[above]
		}
		if err := n.start(); err != nil {
			return err
		}
	}
	return nil
}

func (s *sim) close() {
	for _, n := range s.nodes {
		n.stop()
		n.closeBook()
		n.store.Close()
	}
	for _, c := range s.books {
		c.shadow.Close()
	}
}

func (s *sim) count(what string, n int) { s.tally[what] += n }

// step runs one step and looks at all nodes, mostly after everything that follows from it within the same instant.
func (s *sim) step(i int, st step) error {
	if s.say != nil {
		s.say("%3d  %v", i, st)
	}
	done, err := runners[st.verb](s, s.nodes[st.node], st)
	if done {
		s.count("step "+verbNames[st.verb], 1)
	} else {
		s.count("step passed over", 1)
	}
	if err != nil {
		return err
	}
	if !st.hurry {
		synctest.Wait()
	}
	return s.look()
}

// runners make the steps. done is false if a step makes no sense as things are.
var runners = [verbs]func(s *sim, n *node, st step) (done bool, err error){
	write: runWrite, flood: runFlood, pause: runPause, wait: runWait,
	cut:     onLink(func(c *memnet.Conn, _ step) { c.Cut() }),
	reset:   onLink(func(c *memnet.Conn, _ step) { c.Reset() }),
	budget:  onLink(func(c *memnet.Conn, st step) { c.Incoming().CutAfter(st.n) }),
	stall:   onLink(stallLink),
	resume:  onLink(func(c *memnet.Conn, _ step) { c.Resume() }),
	latency: runLatency, next: runNext, trickle: runTrickle,
	partition: func(s *sim, _ *node, st step) (bool, error) { s.sever(st.node, st.other, true); return true, nil },
	mend:      func(s *sim, _ *node, st step) (bool, error) { s.sever(st.node, st.other, false); return true, nil },
	calm:      func(s *sim, _ *node, _ step) (bool, error) { s.calm(); return true, nil },
	down:      runDown, up: runUp, save: runSave, promote: runPromote, follow: runFollow,
	accept: runAccept,
}

func onLink(do func(*memnet.Conn, step)) func(*sim, *node, step) (bool, error) {
	return func(s *sim, n *node, st step) (bool, error) {
		c := s.links.last(n)
		if c != nil {
			do(c, st)
		}
		return c != nil, nil
	}
}

func stallLink(c *memnet.Conn, st step) {
	if st.how != outward {
		c.Incoming().Stall()
	}
	if st.how != inward {
		c.Outgoing().Stall()
	}
}

func runWrite(s *sim, n *node, st step) (bool, error) {
	if n.primary == nil {
		return false, nil
	}
	rnd := rand.New(rand.NewPCG(st.seed, 0))
	for range st.n {
		if err := makeWrite(rnd, n.store); err != nil {
			return true, err
		}
	}
	s.count("writes", int(st.n))
	return true, nil
}

func runFlood(s *sim, n *node, st step) (bool, error) {
	if n.primary == nil {
		return false, nil
	}
	_, err := n.store.DB(0).Do("SET", "s1", strings.Repeat("x", int(st.n)))
	s.count("writes", 1)
	return true, err
}

// runPause looks a few times in between: what is wrong for a moment only is wrong as well.
func runPause(s *sim, _ *node, st step) (bool, error) {
	const looks = 4
	for range looks {
		time.Sleep(st.d / looks)
		if err := s.look(); err != nil {
			return true, err
		}
	}
	return true, nil
}

// passTime lets some of the bubble's time pass.
func passTime(d time.Duration) { time.Sleep(d) }

func runLatency(s *sim, n *node, st step) (bool, error) {
	s.links.with(func() { n.delay = st.d })
	if c := s.links.last(n); c != nil {
		c.Incoming().Latency(st.d)
		c.Outgoing().Latency(st.d)
	}
	return true, nil
}

func runNext(s *sim, n *node, st step) (bool, error) {
	s.links.with(func() { n.after = append(n.after, st.n) })
	return true, nil
}

func runTrickle(_ *sim, n *node, st step) (bool, error) {
	n.pace.Store(st.n)
	return true, nil
}

func runDown(_ *sim, n *node, _ step) (bool, error) {
	if !n.isUp() {
		return false, nil
	}
	n.stop()
	return true, n.catchUp()
}

func runUp(s *sim, n *node, st step) (bool, error) {
	if n.isUp() || st.how == withFile && n.file.content == nil {
		return false, nil
	}
	if err := n.prepare(st.how); err != nil {
		return true, err
	}
	return true, n.start()
}

// prepare gives a node that is down what it comes back with.
func (n *node) prepare(how string) error {
	switch how {
	case withNone:
		return n.renew()
	case withFile:
		if err := n.renew(); err != nil {
			return err
		}
		return n.load()
	case asPrimary:
		n.of, n.s.lead = nil, n
	}
	return nil
}

func (n *node) load() error {
	if n.of != nil {
		return n.store.Replication().LoadFile("file")
	}
	return n.store.Load("file")
}

func runSave(_ *sim, n *node, _ step) (bool, error) {
	return true, n.store.Save("file")
}

// patience is what a call may take that waits for the network by no means.
const patience = time.Minute

func runPromote(s *sim, n *node, _ step) (bool, error) {
	if n.replica == nil {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	if n.primary, err = n.replica.Promote(ctx, n.primaryOptions()); err != nil {
		return true, err
	}
	n.replica, n.of, s.lead = nil, nil, n
	return true, n.openBook()
}

func runFollow(s *sim, n *node, st step) (bool, error) {
	of := s.nodes[st.other]
	if n == of || !n.isUp() {
		return false, nil
	}
	return true, n.follow(of, st.d)
}

// runAccept takes what a guard holds, if it does.
func runAccept(s *sim, n *node, st step) (bool, error) {
	if n.replica == nil || n.replica.Status().State != replication.Held {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), st.d)
	defer cancel()
	err := n.replica.AcceptSync(ctx)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, replication.ErrNotHeld) {
		err = nil // it goes on, or the primary has another history by now
	}
	return true, err
}

// follow points the node to another. A sync that does not come within d is no error: it comes later.
func (n *node) follow(of *node, d time.Duration) error {
	n.loses()
	n.of = of
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var err error
	if n.replica != nil {
		err = n.replica.Follow(ctx, of.url())
	} else {
		err = n.demote(ctx)
	}
	n.loses() // those that came to follow it meanwhile
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// demote makes a primary a replica. Its chronicle ends with what it has written: the ticker has nothing left to do at this instant.
func (n *node) demote(ctx context.Context) error {
	synctest.Wait()
	if err := n.catchUp(); err != nil {
		return err
	}
	n.closeBook()
	r, err := n.primary.Follow(ctx, n.of.url(), n.replicaOptions())
	if r != nil {
		n.primary, n.replica = nil, r
	}
	return err
}

// runWait makes a write that says which one it is, and waits for its acknowledgement.
func runWait(s *sim, n *node, st step) (bool, error) {
	if n.primary == nil {
		return false, nil
	}
	s.marks++
	mark := s.marks
	offset, err := n.primary.Update(func(tx *store.Tx) error {
		_, err := tx.DB(markers).Do("RPUSH", markerKey, strconv.Itoa(mark))
		return err
	})
	if err != nil {
		return true, err
	}
	n.custody[mark] = true
	ctx, cancel := context.WithTimeout(context.Background(), st.d)
	defer cancel()
	got, err := n.primary.WaitReplicas(ctx, int(st.n), offset)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return true, err
	}
	return true, s.acknowledged(n, mark, offset, got)
}

// acknowledged notes who has acknowledged a marker, and checks that so many hold it.
func (s *sim) acknowledged(n *node, mark int, offset int64, got int) error {
	for _, info := range n.primary.Replicas() {
		if info.State == replication.FeedOnline && info.Acked >= offset {
			s.nodes[info.Addr[0]-'a'].custody[mark] = true
			s.count("acknowledgements", 1)
		}
	}
	if err := s.look(); err != nil {
		return err
	}
	holders := 0
	for _, m := range s.nodes {
		if m.of == n && m.holds(mark) {
			holders++
		}
	}
	if holders < got {
		return fmt.Errorf("custody: WaitReplicas of %s counts %d replicas with %d bytes, %d have them", n.name(), got, offset, holders)
	}
	return nil
}

// healed is the time within which all must be equal again.
const healed = 2 * time.Minute

// heal ends all faults, lets everybody follow the lead, and waits until all are equal.
func (s *sim) heal() error {
	s.calm()
	for _, n := range s.nodes {
		if !n.isUp() {
			if err := n.start(); err != nil {
				return err
			}
		}
	}
	if _, err := runPromote(s, s.lead, step{}); err != nil {
		return err
	}
	for _, n := range s.nodes {
		if !n.follows(s.lead) {
			if err := n.follow(s.lead, time.Millisecond); err != nil {
				return err
			}
		}
	}
	if _, err := runWait(s, s.lead, step{n: 1, d: time.Second}); err != nil {
		return err
	}
	return s.converge()
}

func (s *sim) converge() error {
	const pause = 250 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		time.Sleep(pause)
		synctest.Wait()
		if err := s.look(); err != nil {
			return err
		}
		err := s.equal()
		if err == nil || waited > healed {
			return err
		}
		for _, n := range s.nodes {
			if _, err := runAccept(s, n, step{d: pause}); err != nil {
				return err
			}
		}
	}
}
