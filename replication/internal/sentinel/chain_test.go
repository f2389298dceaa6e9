package sentinel

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// chainOrder is a chain of four, the primary first.
type chainOrder struct {
	kinds  [4]kind
	saved  bool // the middle has a file when it dies
	always bool // also where nobody asks for everything
}

// The last one feeds the first in the end, so the order goes round.
var chainOrders = []chainOrder{
	{kinds: [4]kind{ours, r7, ours, r8}, saved: true, always: true},
	{kinds: [4]kind{r7, ours, r8, ours}, always: true},
	{kinds: [4]kind{r8, ours, ours, r7}, saved: true, always: true},
	{kinds: [4]kind{ours, ours, ours, ours}, saved: true},
	{kinds: [4]kind{ours, ours, ours, ours}},
	{kinds: [4]kind{ours, r7, ours, r8}},
	{kinds: [4]kind{r7, ours, r8, ours}, saved: true},
	{kinds: [4]kind{ours, ours, r7, r8}},
	{kinds: [4]kind{ours, r8, ours, r7}, saved: true},
	{kinds: [4]kind{r7, r8, ours, ours}},
	{kinds: [4]kind{r8, ours, r7, ours}, saved: true},
	{kinds: [4]kind{r7, r7, ours, ours}, saved: true},
	{kinds: [4]kind{ours, r8, r8, ours}},
}

func (o chainOrder) String() string {
	name := fmt.Sprintf("%v-%v-%v-%v", o.kinds[0], o.kinds[1], o.kinds[2], o.kinds[3])
	if o.saved {
		name += "-saved"
	}
	return name
}

// chain is four members, by their places at the beginning. Their order changes; whom the writers write to changes with it.
type chain struct {
	t          *testing.T
	all        members
	a, b, c, d *member
	load       *load
	primary    atomic.Pointer[member]
}

// newChain starts a <- b <- c <- d, each the only replica of the one before it, and the writers, who wait for that one replica.
func newChain(t *testing.T, p programs, kinds [4]kind) *chain {
	ch := &chain{t: t}
	for i, k := range kinds {
		lines := []string{}
		if i > 0 {
			lines = append(lines, "replicaof 127.0.0.1 "+ch.all[i-1].Port())
		}
		ch.all = append(ch.all, p.start(t, k, string(rune('a'+i)), lines...))
	}
	ch.a, ch.b, ch.c, ch.d = ch.all[0], ch.all[1], ch.all[2], ch.all[3]
	ch.primary.Store(ch.a)
	ch.linked(ch.a, ch.b, ch.c, ch.d)
	ch.load = startLoad(t, 1, "", func() string { return ch.primary.Load().Addr() })
	ch.load.awaitAcks(ch.all, 20)
	return ch
}

// story is the same for all; saved tells whether the middle has a file when it dies.
func (ch *chain) story(saved bool) {
	ch.middleDies(saved)
	ch.middleReturns(saved)
	ch.middleIsPromoted()
	ch.primaryReturnsLast()
	ch.middleTakesOver()
	ch.load.stop()
	ch.all.await(ch.t, patience, "one history and equal data", ch.all.same)
	for _, m := range ch.all {
		ch.load.verify(m)
	}
}

// middleDies: c loses its primary and turns to a, which has all that c misses. d notices nothing, or continues.
func (ch *chain) middleDies(saved bool) {
	if saved {
		ch.b.must(ch.t, "OK", "SAVE")
	}
	ch.b.Kill()
	ch.load.awaitRounds(members{ch.a, ch.c, ch.d}, 20)
	ch.noFull("a replica of the dead middle turned to the primary", func() {
		ch.c.follow(ch.t, ch.a)
		ch.linked(ch.a, ch.c, ch.d)
		ch.load.awaitAcks(members{ch.a, ch.c, ch.d}, 20)
	}, ch.a, ch.c)
	ch.healed(ch.a, ch.c, ch.d)
}

// middleReturns. With its file it continues, without it gets everything, once. Then c goes back to it: b knows the history up to the point from which it was told it, and
// that is what c has, so this needs a quiet moment: a replica may not have more than the one that it follows.
func (ch *chain) middleReturns(saved bool) {
	before, _ := ch.a.syncs(ch.t)
	ch.b.Restart()
	ch.linked(ch.a, ch.b)
	want := 1
	if saved {
		want = 0
	}
	if full, _ := ch.a.syncs(ch.t); full != before+want {
		ch.t.Errorf("%s gave %d full resyncs to the member that came back, want %d", ch.a.name, full-before, want)
	}
	ch.load.awaitAcks(ch.all, 20)
	ch.noFull("a replica moved below the member that had come back", func() {
		ch.quietly(func() { ch.c.follow(ch.t, ch.b) })
		ch.linked(ch.a, ch.b, ch.c, ch.d)
		ch.load.awaitAcks(ch.all, 20)
	}, ch.a, ch.b, ch.c)
	ch.healed(ch.a, ch.b, ch.c, ch.d)
}

// middleIsPromoted: the primary dies under load, with writes that nobody else has, and b takes over. The new name of the history goes down the chain.
func (ch *chain) middleIsPromoted() {
	ch.load.breakOff(ch.a)
	ch.noFull("the middle was promoted", func() {
		ch.b.must(ch.t, "OK", "REPLICAOF", "NO", "ONE")
		ch.primary.Store(ch.b)
		ch.linked(ch.b, ch.c, ch.d)
		ch.load.awaitAcks(members{ch.b, ch.c, ch.d}, 20)
	}, ch.b, ch.c)
	ch.healed(ch.b, ch.c, ch.d)
}

// primaryReturnsLast: the dead one comes back empty, as its file says a primary, and goes to the end of the chain.
func (ch *chain) primaryReturnsLast() {
	before, _ := ch.d.syncs(ch.t)
	ch.a.Restart()
	ch.a.follow(ch.t, ch.d)
	ch.linked(ch.b, ch.c, ch.d, ch.a)
	if full, _ := ch.d.syncs(ch.t); full != before+1 {
		ch.t.Errorf("%s gave %d full resyncs for one member that came back empty", ch.d.name, full-before)
	}
	ch.load.awaitAcks(ch.all, 20)
	ch.healed(ch.b, ch.c, ch.d, ch.a)
}

// middleTakesOver in a quiet moment: the primary b becomes the last of the chain, and continues like everybody else.
func (ch *chain) middleTakesOver() {
	ch.noFull("the primary and the middle have changed places", func() {
		ch.quietly(func() {
			ch.c.must(ch.t, "OK", "REPLICAOF", "NO", "ONE")
			ch.b.follow(ch.t, ch.a)
			ch.primary.Store(ch.c)
		})
		ch.linked(ch.c, ch.d, ch.a, ch.b)
		ch.load.awaitAcks(ch.all, 20)
	}, ch.c, ch.d, ch.a)
	ch.healed(ch.c, ch.d, ch.a, ch.b)
}

// linked waits until each follows the one before it, and the first nobody.
func (ch *chain) linked(order ...*member) {
	ch.t.Helper()
	members(order).await(ch.t, patience, "the links of the chain", func() bool {
		for i, m := range order {
			if i > 0 && !m.follows(order[i-1]) || i == 0 && !m.leads() {
				return false
			}
		}
		return true
	})
}

// healed waits, while nobody writes, until a chain has one history and one data set.
func (ch *chain) healed(order ...*member) {
	ch.t.Helper()
	ch.load.hold()
	defer ch.load.release()
	ch.linked(order...)
	members(order).await(ch.t, patience, "one history and equal data", members(order).same)
}

// quietly does something while nobody writes and all are equal.
func (ch *chain) quietly(do func()) {
	ch.t.Helper()
	ch.load.hold()
	defer ch.load.release()
	ch.all.await(ch.t, patience, "one history and equal data", ch.all.same)
	do()
}

// noFull does something during which none of the members may give a full resync.
func (ch *chain) noFull(what string, do func(), of ...*member) {
	ch.t.Helper()
	before := make([]int, len(of))
	for i, m := range of {
		before[i], _ = m.syncs(ch.t)
	}
	do()
	for i, m := range of {
		if full, _ := m.syncs(ch.t); full != before[i] {
			ch.t.Errorf("%s: %s gave %d full resyncs, want none", what, m.name, full-before[i])
		}
	}
}
