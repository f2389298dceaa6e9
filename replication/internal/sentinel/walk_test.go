package sentinel

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// How much happens on one walk, and where nobody asks for everything.
const (
	walkEvents      = 40
	walkEventsShort = 8
)

// walkOrder is a chain to which things happen by chance.
type walkOrder struct {
	kinds  [4]kind
	always bool // also where nobody asks for everything
}

var walkOrders = []walkOrder{
	{kinds: [4]kind{r7, ours, ours, r8}, always: true},
	{kinds: [4]kind{ours, r7, r8, ours}},
	{kinds: [4]kind{ours, ours, ours, ours}},
	{kinds: [4]kind{ours, r7, ours, r7}},
	{kinds: [4]kind{r8, ours, r8, ours}},
	{kinds: [4]kind{r7, r8, ours, ours}},
}

func (o walkOrder) String() string {
	return fmt.Sprintf("%v-%v-%v-%v", o.kinds[0], o.kinds[1], o.kinds[2], o.kinds[3])
}

// walk is a chain under load, and what happens to it. After each event it is a chain of four again.
type walk struct {
	*chain
	rnd   *rand.Rand
	order members // the primary first
	done  []string
}

// walkSeed chooses the events: UNDERSTUDY_CHAOS_SEED, or 3, which has one of each among the first few.
func walkSeed(t *testing.T) uint64 {
	t.Helper()
	s := os.Getenv("UNDERSTUDY_CHAOS_SEED")
	if s == "" {
		return 3
	}
	seed, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

// walk lets one thing happen after the other, each to a chain that has healed from the last one.
func (ch *chain) walk() {
	seed := walkSeed(ch.t)
	w := &walk{chain: ch, rnd: rand.New(rand.NewPCG(seed, 0)), order: append(members{}, ch.all...)}
	defer func() { ch.t.Logf("UNDERSTUDY_CHAOS_SEED=%d:\n%s", seed, strings.Join(w.done, "\n")) }()
	events := walkEvents
	if !everything() {
		events = walkEventsShort
	}
	for range events {
		w.event()
		w.load.awaitAcks(w.order, 5)
		if w.healed(w.order...); ch.t.Failed() {
			return
		}
	}
	w.load.stop()
	for _, m := range w.all {
		w.load.verify(m)
	}
}

// event lets one thing happen, and wants it to cost as many full resyncs as it must.
func (w *walk) event() {
	events := []struct {
		name string
		do   func() (full int)
	}{
		{"cut", w.cut}, {"stall", w.stall}, {"replica dies", w.replicaDies}, {"replica dies", w.replicaDies}, {"primary dies", w.primaryDies}, {"take over", w.takeOver},
	}
	e := events[w.rnd.IntN(len(events))]
	w.note("%s, at first %v", e.name, w.names())
	before := map[*member]int{}
	for _, m := range w.order {
		before[m], _ = m.syncs(w.t)
	}
	pids := w.pids()
	want := e.do()
	got := 0
	for _, m := range w.order {
		full, _ := m.syncs(w.t)
		if got += full; m.PID() == pids[m] {
			got -= before[m] // a new process counts from 0
		}
	}
	if got != want {
		w.t.Errorf("%s cost %d full resyncs, want %d", e.name, got, want)
		w.all.show(w.t)
	}
}

func (w *walk) note(format string, args ...any) {
	w.done = append(w.done, fmt.Sprintf(format, args...))
}

func (w *walk) names() (list []string) {
	for _, m := range w.order {
		list = append(list, m.name)
	}
	return list
}

func (w *walk) pids() map[*member]int {
	pids := map[*member]int{}
	for _, m := range w.order {
		pids[m] = m.PID()
	}
	return pids
}

// cut breaks all links of one member, under load.
func (w *walk) cut() int {
	m := w.order[w.rnd.IntN(len(w.order))]
	w.note("  links of %s", m.name)
	m.KillReplicaLinks()
	w.linked(w.order...)
	return 0
}

// stall stops a replica for a while; its links stay open.
func (w *walk) stall() int {
	m := w.order[1+w.rnd.IntN(len(w.order)-1)]
	w.note("  %s", m.name)
	m.Pause()
	w.load.awaitRounds(nil, 2*waitEvery)
	m.Resume()
	w.linked(w.order...)
	return 0
}

// replicaDies: those below it go to the one above it. It comes back there, from its file or with nothing, and then to the end of the chain.
func (w *walk) replicaDies() (full int) {
	i := 1 + w.rnd.IntN(len(w.order)-1)
	above, m := w.order[i-1], w.order[i]
	saved := w.rnd.IntN(2) == 0 || !above.feeds(m)
	w.note("  %s, saved: %v", m.name, saved)
	m.must(w.t, "OK", "CONFIG", "REWRITE")
	m.must(w.t, "OK", "SAVE")
	m.Kill()
	if !saved {
		m.loseFile(w.t)
		full = 1
	}
	w.load.awaitRounds(nil, 2)
	w.order = append(append(members{}, w.order[:i]...), w.order[i+1:]...)
	if i < len(w.order) {
		w.order[i].follow(w.t, above)
	}
	w.linked(w.order...)
	m.Restart()
	w.all.await(w.t, patience, "the dead member has come back", func() bool { return m.follows(above) })
	w.quietly(func() { w.toTheEnd(m) })
	w.linked(w.order...)
	return full
}

// primaryDies with writes that nobody else has; the next one is promoted. It comes back with nothing, at the end of the chain.
func (w *walk) primaryDies() (full int) {
	m := w.order[0]
	if !w.order[len(w.order)-1].feeds(m) {
		w.note("  not this one: it could not read what the last one saves")
		return 0
	}
	m.must(w.t, "OK", "CONFIG", "REWRITE")
	w.load.breakOff(m)
	m.loseFile(w.t)
	w.order = append(members{}, w.order[1:]...)
	w.order[0].must(w.t, "OK", "REPLICAOF", "NO", "ONE")
	w.primary.Store(w.order[0])
	w.linked(w.order...)
	m.Restart()
	w.toTheEnd(m)
	w.linked(w.order...)
	return 1
}

// takeOver lets the second and the primary change places in a quiet moment; the old primary goes to the end.
func (w *walk) takeOver() int {
	w.quietly(func() {
		m := w.order[0]
		w.order = append(members{}, w.order[1:]...)
		w.order[0].must(w.t, "OK", "REPLICAOF", "NO", "ONE")
		w.toTheEnd(m)
		w.primary.Store(w.order[0])
	})
	w.linked(w.order...)
	return 0
}

func (w *walk) toTheEnd(m *member) {
	m.follow(w.t, w.order[len(w.order)-1])
	w.order = append(w.order, m)
}

// feeds tells whether a full resync from m can be read by another one.
func (m *member) feeds(other *member) bool { return m.kind != r8 || other.kind != r7 }

// loseFile removes what a dead member has saved, now or in a role that it had before.
func (m *member) loseFile(t *testing.T) {
	t.Helper()
	if err := os.Remove(filepath.Join(m.Dir(), "dump.rdb")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}
