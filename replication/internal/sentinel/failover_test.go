package sentinel

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// sentinelGroup is a primary and two replicas. The first replica is the one that the Sentinels shall prefer.
type sentinelGroup struct {
	kinds    [3]kind
	sentinel kind
	always   bool // also where nobody asks for everything
}

var sentinelGroups = []sentinelGroup{
	{[3]kind{ours, ours, ours}, r7, true},
	{[3]kind{ours, r7, r8}, r8, true},
	{[3]kind{r7, ours, r8}, r7, true},
	{[3]kind{r8, ours, ours}, r8, true},
	{[3]kind{ours, ours, ours}, r8, false},
	{[3]kind{ours, ours, r7}, r7, false},
	{[3]kind{ours, r7, ours}, r7, false},
	{[3]kind{ours, r8, ours}, r8, false},
	{[3]kind{ours, r8, r7}, r7, false},
	{[3]kind{r7, ours, ours}, r8, false},
	{[3]kind{r7, r7, ours}, r7, false},
	{[3]kind{r8, ours, r8}, r8, false},
	{[3]kind{r8, r8, ours}, r7, false},
}

func (g sentinelGroup) String() string {
	return fmt.Sprintf("%v-%v-%v-by-%v", g.kinds[0], g.kinds[1], g.kinds[2], g.sentinel)
}

func TestSentinel(t *testing.T) {
	p := findPrograms(t)
	for _, g := range sentinelGroups {
		if g.always || everything() {
			t.Run(g.String(), func(t *testing.T) {
				t.Parallel() // most of the time somebody waits for a clock
				failover(t, p, g)
			})
		}
	}
}

// failover is the life of one group: its primary dies under load, comes back as a replica, and is made the primary again by hand.
func failover(t *testing.T, p programs, g sentinelGroup) {
	first := p.start(t, g.kinds[0], "first", "replica-priority 50")
	heir := p.start(t, g.kinds[1], "heir", "replica-priority 10", "replicaof 127.0.0.1 "+first.Port())
	sibling := p.start(t, g.kinds[2], "sibling", "replica-priority 100", "replicaof 127.0.0.1 "+first.Port())
	all := members{first, heir, sibling}
	all.await(t, patience, "two replicas", func() bool { return heir.follows(first) && sibling.follows(first) })
	s := watch(t, p[g.sentinel], first)
	all.await(t, patience, "the Sentinels see all", func() bool { return s.content(first, heir, sibling) })
	var next atomic.Int64
	l := startLoad(t, 2, func() string { return s.named(int(next.Add(1))) })
	l.awaitAcks(all, 20)

	crash(t, s, l, all)
	handOver(t, s, l, all)

	l.stop()
	all.await(t, patience, "equal data", func() bool { return all.same(false) })
	for _, m := range all {
		l.verify(m)
	}
	rolesAreKept(t, s, all)
}

// crash kills the primary. The heir is promoted, the sibling continues with what it has, and the dead one comes back empty, as a replica.
func crash(t *testing.T, s *sentinels, l *load, all members) {
	first, heir, sibling := all[0], all[1], all[2]
	first.Kill()
	all.await(t, configured, "the heir is promoted, and all Sentinels name it", func() bool { return heir.leads() && s.agree(heir) })
	all.await(t, patience, "the sibling follows the heir", func() bool { return sibling.follows(heir) })
	if full, partial := heir.syncs(t); full != 0 || partial == 0 {
		t.Errorf("after the promotion the heir gave %d full and %d partial resyncs, want none and some", full, partial)
		all.show(t)
	}
	l.awaitRounds(all, 50)

	first.Restart()
	all.await(t, patience, "the old primary is a replica", func() bool { return first.follows(heir) && s.content(heir, first, sibling) })
	if full, _ := heir.syncs(t); full != 1 {
		t.Errorf("the heir gave %d full resyncs, want one to the server that came back empty", full)
	}
	l.awaitAcks(all, 20)
}

// handOver lets an operator ask for a failover while all is well. Until the Sentinels turn to the old primary it goes on as one, so that its writes
// may be lost, and the others may have too much of them: there is no promise of partial resyncs here.
func handOver(t *testing.T, s *sentinels, l *load, all members) {
	first, heir, sibling := all[0], all[1], all[2]
	all.await(t, patience, "SENTINEL FAILOVER is accepted", func() bool { return s.all[0].Do("SENTINEL", "FAILOVER", "group") == "OK" })
	all.await(t, configured, "the first is primary again", func() bool { return first.leads() && s.agree(first) })
	all.await(t, patience, "the others follow it", func() bool {
		return heir.follows(first) && sibling.follows(first) && s.content(first, heir, sibling)
	})
	l.awaitAcks(all, 20)
}

// rolesAreKept restarts all, with nobody there to tell them their roles: each finds its own in its file.
func rolesAreKept(t *testing.T, s *sentinels, all members) {
	s.kill()
	for _, m := range all {
		m.Kill()
	}
	first := all[0]
	for i, m := range all {
		m.Restart()
		want := first.Port()
		if i == 0 {
			want = ""
		}
		if got := m.line(); got != want {
			t.Errorf("%s follows %q after a restart, want %q; its file:\n%s", m.name, got, want, m.ConfigFile())
		}
	}
	all.await(t, patience, "the group is as before", func() bool { return all[1].follows(first) && all[2].follows(first) })
	if text := first.ConfigFile(); strings.Contains(text, "replicaof") {
		t.Errorf("the primary's file is\n%s", text)
	}
}

var _ realserver.Doer = (*member)(nil)
