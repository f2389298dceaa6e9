package simtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A script is a world and what happens in it. It is drawn before it is run: the same seed is the same script.
type script struct {
	seed  uint64
	world world
	steps []step
}

// world is what does not change during a script.
type world struct {
	nodes   int
	of      []int   // whom each node follows in the beginning; -1: it is a primary
	backlog []int64 // bytes, by node
	buffer  int     // bytes under way in each direction of a connection
	timeout time.Duration
	ping    time.Duration
	backoff time.Duration
	delay   time.Duration // of a full resync, for company
	guarded bool          // replicas hold full resyncs that look like a loss
}

// verb is what a step does.
type verb uint8

const (
	write     verb = iota // node makes n writes, drawn from seed
	flood                 // node writes n bytes in one command
	pause                 // d passes
	wait                  // node makes a write and waits for n replicas, at most d
	cut                   // the link of node to its primary is cut
	reset                 // the same, heard as a reset
	budget                // the link of node is cut after n more bytes to it
	next                  // the same for the next link of node
	stall                 // the link of node stands still, in the direction how
	resume                // it moves again
	trickle               // node reads n bytes a millisecond; 0: as they come
	latency               // what is written on links of node from now on takes d
	partition             // nothing gets from node to other
	mend                  // it does again, with what was under way
	calm                  // all faults of links end
	down                  // node is closed
	up                    // node comes back, how says with what
	save                  // node's data goes to its file
	promote               // node becomes a primary
	follow                // node follows other; at most d is waited for the sync
	accept                // node takes the full resync that it holds; at most d is waited for it
	verbs
)

var verbNames = [verbs]string{
	"write", "flood", "pause", "wait", "cut", "reset", "budget", "next", "stall", "resume", "trickle", "latency", "partition", "mend", "calm",
	"down", "up", "save", "promote", "follow", "accept",
}

// What a node comes back with.
const (
	withStore  = "with its store"
	withNone   = "empty"
	withFile   = "with its file"
	asPrimary  = "as a primary with its store"
	inward     = "in"
	outward    = "out"
	bothWays   = "both"
	worstPause = 4 * time.Second
)

// step is one line of a script. Fields that its verb does not name are zero.
type step struct {
	verb        verb
	node, other int
	n           int64
	d           time.Duration
	seed        uint64
	how         string
	hurry       bool // the next step comes at once, not when everything has settled
}

func name(node int) string { return string(rune('a' + node)) }

func (s step) String() string {
	text := verbNames[s.verb]
	switch s.verb {
	case write:
		text += fmt.Sprintf(" %s %d writes of seed %d", name(s.node), s.n, s.seed)
	case flood, budget, next:
		text += fmt.Sprintf(" %s %d bytes", name(s.node), s.n)
	case pause:
		text += " " + s.d.String()
	case wait:
		text += fmt.Sprintf(" %s for %d replicas, %v", name(s.node), s.n, s.d)
	case stall, up:
		text += " " + name(s.node) + " " + s.how
	case trickle:
		text += fmt.Sprintf(" %s %d bytes a millisecond", name(s.node), s.n)
	case latency, accept:
		text += " " + name(s.node) + " " + s.d.String()
	case partition, mend:
		text += fmt.Sprintf(" from %s to %s", name(s.node), name(s.other))
	case follow:
		text += fmt.Sprintf(" %s after %s, %v", name(s.node), name(s.other), s.d)
	case calm:
	default:
		text += " " + name(s.node)
	}
	if s.hurry {
		text += " &"
	}
	return text
}

func (w world) String() string {
	var tree []string
	for i, up := range w.of {
		role := "a primary"
		if up >= 0 {
			role = "of " + name(up)
		}
		tree = append(tree, fmt.Sprintf("%s %s, backlog %d", name(i), role, w.backlog[i]))
	}
	return fmt.Sprintf("%s\nbuffer %d, timeout %v, ping %v, backoff %v, delay %v, guarded %v", strings.Join(tree, "; "), w.buffer, w.timeout, w.ping, w.backoff, w.delay, w.guarded)
}

func (s *script) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d\n%v\n", s.seed, s.world)
	for i, st := range s.steps {
		fmt.Fprintf(&b, "%3d  %v\n", i, st)
	}
	return b.String()
}

// drawing makes a script. It follows the roles that the steps lead to, so that most of them make sense; one that does not is passed over when it is run.
type drawing struct {
	rnd   *rand.Rand
	world world
	of    []int
	down  []bool
	lead  int
	steps []step
}

// draw returns the script of a seed.
func draw(seed uint64) *script {
	d := &drawing{rnd: rand.New(rand.NewPCG(seed, 0x5eed))}
	d.world = d.drawWorld()
	d.of = slices.Clone(d.world.of)
	d.down = make([]bool, d.world.nodes)
	for most := d.between(40, 100); len(d.steps) < most; {
		d.step()
	}
	return &script{seed: seed, world: d.world, steps: d.steps}
}

func (d *drawing) between(least, most int) int { return least + d.rnd.IntN(most-least+1) }

func (d *drawing) chance(percent int) bool { return d.rnd.IntN(100) < percent }

// one returns one of list.
func one[T any](d *drawing, list ...T) T { return list[d.rnd.IntN(len(list))] }

// span returns a time between 1 ms and most; short ones are as likely as long ones.
func (d *drawing) span(most time.Duration) time.Duration {
	limit := time.Millisecond << d.rnd.IntN(13)
	return time.Millisecond + time.Duration(d.rnd.Int64N(int64(min(limit, most)))).Truncate(time.Millisecond/4)
}

func (d *drawing) drawWorld() world {
	w := world{
		nodes:   d.between(3, 7),
		buffer:  one(d, 64, 1<<10, 256<<10),
		timeout: one(d, 1500*time.Millisecond, 3*time.Second, 6*time.Second), // longer than the beat and the ping
		ping:    one(d, 300*time.Millisecond, time.Second),
		backoff: one(d, 2*time.Millisecond, 30*time.Millisecond, 200*time.Millisecond),
		delay:   one(d, 0, 0, 50*time.Millisecond),
		guarded: d.chance(40),
	}
	shape, size := d.rnd.IntN(3), one(d, 500, 5000, 100_000, 1<<20)
	for i := range w.nodes {
		above := -1
		if i > 0 {
			above = []int{0, i - 1, d.rnd.IntN(i)}[shape] // star, chain, tree
		}
		w.of = append(w.of, above)
		w.backlog = append(w.backlog, int64(size))
		if d.chance(20) {
			w.backlog[i] = one[int64](d, 100, 1000, 5000)
		}
	}
	return w
}

// palette is how often each kind of step is drawn.
var palette = []struct {
	weight int
	draw   func(*drawing)
}{
	{300, (*drawing).drawWrite},
	{30, (*drawing).drawFlood},
	{150, (*drawing).drawPause},
	{80, (*drawing).drawWait},
	{300, (*drawing).drawFault},
	{40, (*drawing).drawPartition},
	{35, func(d *drawing) { d.add(step{verb: calm}) }},
	{30, (*drawing).drawDown},
	{100, (*drawing).drawUp},
	{20, func(d *drawing) { d.add(step{verb: save, node: d.any()}) }},
	{35, (*drawing).drawPromote},
	{35, (*drawing).drawFailover},
	{25, (*drawing).drawSplit},
	{45, (*drawing).drawFollow},
	{20, func(d *drawing) { d.add(step{verb: accept, node: d.any(), d: d.span(time.Second)}) }},
}

func (d *drawing) step() {
	sum := 0
	for _, p := range palette {
		sum += p.weight
	}
	at := d.rnd.IntN(sum)
	for _, p := range palette {
		if at -= p.weight; at < 0 {
			p.draw(d)
			return
		}
	}
}

func (d *drawing) add(s step) {
	s.hurry = s.verb != pause && d.chance(40)
	d.steps = append(d.steps, s)
}

func (d *drawing) any() int { return d.rnd.IntN(d.world.nodes) }

// writer is a primary: mostly the one that was promoted last, at times one that does not know that it is no longer.
func (d *drawing) writer() int {
	if d.chance(20) {
		for range 10 {
			if n := d.any(); d.of[n] < 0 {
				return n
			}
		}
	}
	return d.lead
}

func (d *drawing) drawWrite() { d.writeAt(d.writer()) }

func (d *drawing) writeAt(node int) {
	d.add(step{verb: write, node: node, n: int64(d.between(1, 8)), seed: d.rnd.Uint64N(1 << 32)})
}

func (d *drawing) drawFlood() {
	d.add(step{verb: flood, node: d.writer(), n: int64(d.between(100, 3000))})
}

func (d *drawing) drawPause() { d.add(step{verb: pause, d: d.span(worstPause)}) }

func (d *drawing) drawWait() {
	d.add(step{verb: wait, node: d.writer(), n: int64(d.between(1, 2)), d: d.span(2 * time.Second)})
}

// drawFault is a fault of one link, or the end of one.
func (d *drawing) drawFault() {
	s := step{verb: one(d, cut, cut, cut, reset, budget, budget, budget, next, stall, stall, resume, resume, trickle, trickle, latency), node: d.any()}
	switch s.verb {
	case budget, next:
		s.n = int64(d.rnd.IntN(one(d, 50, 300, 2000)))
	case stall:
		s.how = one(d, inward, outward, bothWays)
	case trickle:
		s.n = int64(one(d, 0, 1, 7, 50))
	case latency:
		s.d = one(d, 0, time.Millisecond, 20*time.Millisecond, 150*time.Millisecond)
	}
	d.add(s)
}

func (d *drawing) drawPartition() {
	a, b := d.any(), d.any()
	if a == b {
		return
	}
	verb := one(d, partition, mend)
	d.add(step{verb: verb, node: a, other: b})
	if d.chance(40) {
		d.add(step{verb: verb, node: b, other: a})
	}
}

// drawDown takes a node away, which may be the lead, and may be saved before its last writes.
func (d *drawing) drawDown() {
	n := d.any()
	if d.chance(25) {
		n = d.lead
	}
	if d.down[n] {
		return
	}
	if d.chance(40) {
		d.add(step{verb: save, node: n})
		d.writeAt(d.lead)
		d.drawPause()
	}
	d.down[n] = true
	d.add(step{verb: down, node: n})
}

func (d *drawing) drawUp() {
	for n, is := range d.down {
		if !is {
			continue
		}
		d.down[n] = false
		how := one(d, withStore, withStore, withStore, withNone, withFile, withFile, asPrimary)
		if how == asPrimary {
			d.of[n], d.lead = -1, n
		}
		d.add(step{verb: up, node: n, how: how})
		return
	}
}

func (d *drawing) drawPromote() {
	if n := d.any(); !d.down[n] && d.of[n] >= 0 {
		d.of[n], d.lead = -1, n
		d.add(step{verb: promote, node: n})
	}
}

func (d *drawing) pointTo(n, to int) {
	d.of[n] = to
	d.add(step{verb: follow, node: n, other: to, d: d.span(time.Second)})
}

// drawFailover is a promotion that somebody does properly.
func (d *drawing) drawFailover() {
	n := d.any()
	if d.down[n] || d.of[n] < 0 {
		return
	}
	d.of[n], d.lead = -1, n
	d.add(step{verb: promote, node: n})
	for i := range d.of {
		if i != n && d.chance(80) {
			d.pointTo(i, n)
		}
	}
}

// drawSplit lets the old primary go on writing after a promotion, then makes it follow. A replica that has seen its last writes is away meanwhile.
func (d *drawing) drawSplit() {
	old, n := d.lead, d.any()
	if d.down[old] || d.down[n] || d.of[n] < 0 {
		return
	}
	d.of[n], d.lead = -1, n
	d.add(step{verb: promote, node: n})
	for range d.between(1, 3) {
		d.writeAt(old)
	}
	d.drawPause()
	away := slices.IndexFunc(d.of, func(above int) bool { return above == old })
	if away >= 0 && !d.down[away] {
		d.down[away] = true
		d.add(step{verb: down, node: away})
	}
	d.writeAt(n)
	d.pointTo(old, n)
	for range d.between(0, 4) {
		d.writeAt(n)
	}
	d.drawPause()
}

// drawFollow points a node to any other: circles are part of it. The one primary that there is stays one.
func (d *drawing) drawFollow() {
	n, to := d.any(), d.any()
	if n != to && n != d.lead && !d.down[n] {
		d.pointTo(n, to)
	}
}
