package sentinel

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// sentinelGroup is a primary and two replicas.
type sentinelGroup struct {
	kinds    [3]kind
	sentinel kind
	heir     bool // the first replica is preferred, whoever has more of the stream; else who has more is
	password bool // all want one, and know it
	always   bool // also where nobody asks for everything
}

var sentinelGroups = []sentinelGroup{
	{kinds: [3]kind{ours, ours, ours}, sentinel: r7, always: true},
	{kinds: [3]kind{ours, r7, r8}, sentinel: r8, password: true, always: true},
	{kinds: [3]kind{r7, ours, r8}, sentinel: r7, heir: true, always: true},
	{kinds: [3]kind{r8, ours, ours}, sentinel: r8, password: true},
	{kinds: [3]kind{ours, ours, ours}, sentinel: r8, heir: true},
	{kinds: [3]kind{ours, ours, r7}, sentinel: r7, password: true},
	{kinds: [3]kind{ours, ours, r7}, sentinel: r8, heir: true},
	{kinds: [3]kind{ours, r7, ours}, sentinel: r7, heir: true},
	{kinds: [3]kind{ours, ours, r8}, sentinel: r8},
	{kinds: [3]kind{ours, r8, ours}, sentinel: r7, heir: true, password: true},
	{kinds: [3]kind{r7, ours, ours}, sentinel: r8},
	{kinds: [3]kind{r7, r7, ours}, sentinel: r7},
	{kinds: [3]kind{r8, ours, r8}, sentinel: r8},
	{kinds: [3]kind{r8, r8, ours}, sentinel: r7, heir: true},
}

func (g sentinelGroup) String() string {
	name := fmt.Sprintf("%v-%v-%v-by-%v", g.kinds[0], g.kinds[1], g.kinds[2], g.sentinel)
	if g.heir {
		name += "-heir"
	}
	if g.password {
		name += "-password"
	}
	return name
}

// failover is the life of one group: its primary dies under load, comes back as a replica, and is made the primary again by hand.
func failover(t *testing.T, p programs, g sentinelGroup) {
	preferred := "replica-priority 100"
	if g.heir {
		preferred = "replica-priority 50"
	}
	secret, known := "", "# no password"
	if g.password {
		secret, known = "secret", "requirepass secret\nmasterauth secret"
	}
	first := p.start(t, g.kinds[0], "first", "replica-priority 10", known)
	second := p.start(t, g.kinds[1], "second", preferred, "replicaof 127.0.0.1 "+first.Port(), known)
	third := p.start(t, g.kinds[2], "third", "replica-priority 100", "replicaof 127.0.0.1 "+first.Port(), known)
	all := members{first, second, third}
	for _, m := range all {
		m.UsePassword(secret)
	}
	all.await(t, patience, "two replicas", func() bool { return second.follows(first) && third.follows(first) })
	s := watch(t, p[g.sentinel], first, secret)
	all.await(t, patience, "the Sentinels see all", func() bool { return s.content(first, second, third) })
	var next atomic.Int64
	l := startLoad(t, 2, secret, func() string { return s.named(int(next.Add(1))) })
	l.awaitAcks(all, 20)

	crash(t, s, l, all, g.heir)
	handOver(t, s, l, all)

	l.stop()
	s.kill() // what they publish at the primary is in its stream; what they publish at a replica must not be
	all.await(t, patience, "one history and equal data", all.same)
	for _, m := range all {
		l.verify(m)
	}
	rolesAreKept(t, all)
}

// crash kills the primary, just when its replicas have fallen behind. A replica is promoted, the other one continues with what it has, and the dead one comes back empty, as a replica.
func crash(t *testing.T, s *sentinels, l *load, all members, pinned bool) {
	first, heir, sibling := all[0], all[1], all[2]
	l.breakOff(first)
	all.await(t, patience, "the replicas notice", func() bool { return heir.lost(first) && sibling.lost(first) })
	heirHas, siblingHas := heir.offset(t), sibling.offset(t)
	all.await(t, configured, "a replica is promoted, and all Sentinels name it", func() bool {
		return heir.leads() && s.agree(heir) || sibling.leads() && s.agree(sibling)
	})
	if sibling.leads() {
		heir, heirHas, sibling, siblingHas = sibling, siblingHas, heir, heirHas
	}
	if pinned && heir != all[1] {
		t.Errorf("%s is promoted in spite of its priority", heir.name)
	}
	all.await(t, patience, "the sibling follows the heir", func() bool { return sibling.follows(heir) })
	// Whom the priority decides for may have less than its sibling, which cannot continue then.
	wantFull := 0
	if siblingHas > heirHas {
		wantFull = 1
	}
	if full, partial := heir.syncs(t); full != wantFull || (partial == 0) == (wantFull == 0) {
		t.Errorf("promoted at %d, the heir gave %d full and %d partial resyncs to a sibling at %d, want %d full", heirHas, full, partial, siblingHas, wantFull)
		all.show(t)
	}
	l.awaitRounds(all, 50)

	first.Restart()
	all.await(t, patience, "the old primary is a replica", func() bool { return first.follows(heir) && s.content(heir, first, sibling) })
	rolesAreWritten(t, all, heir)
	if full, _ := heir.syncs(t); full != wantFull+1 {
		t.Errorf("the heir gave %d full resyncs, want %d, one of them to the server that came back empty", full, wantFull+1)
	}
	l.awaitAcks(all, 20)
}

// handOver lets an operator ask for a failover while all is well. Until the Sentinels turn to the old primary it goes on as one, so that its writes
// may be lost, and the others may have too much of them: there is no promise of partial resyncs here.
func handOver(t *testing.T, s *sentinels, l *load, all members) {
	first, second, third := all[0], all[1], all[2]
	all.await(t, configured, "the first is primary again", func() bool {
		if first.leads() && s.agree(first) {
			return true
		}
		s.failover(first)
		return false
	})
	all.await(t, patience, "the others follow it", func() bool {
		return second.follows(first) && third.follows(first) && s.content(first, second, third)
	})
	rolesAreWritten(t, all, first)
	l.awaitAcks(all, 20)
}

// rolesAreWritten waits until each has its role in its file: a Sentinel asks for that in the transaction that changes the role.
func rolesAreWritten(t *testing.T, all members, primary *member) {
	t.Helper()
	all.await(t, patience, "the roles are in the files", func() bool {
		for _, m := range all {
			want := primary.Port()
			if m == primary {
				want = ""
			}
			if m.written() != want {
				return false
			}
		}
		return true
	})
}

// rolesAreKept restarts all, with nobody there to tell them their roles: each finds its own in its file.
func rolesAreKept(t *testing.T, all members) {
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
		if got := m.told(); got != want {
			t.Errorf("%s follows %q after a restart, want %q; its file:\n%s", m.name, got, want, m.ConfigFile())
		}
	}
	all.await(t, patience, "the group is as before", func() bool { return all[1].follows(first) && all[2].follows(first) })
}
