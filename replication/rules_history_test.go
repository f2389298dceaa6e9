package replication_test

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// IDs and offsets, event by event: what each does to the name of the stream, to the name before, to the count, and to who is attached.

// A new primary has a name of its own, nothing before it, and offset 0. Its first replica changes none of it: the stream was kept from the first byte on, so that
// nobody can hold bytes under this name that are not in it.
func TestRuleFreshPrimary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := replicationtest.New(t), replicationtest.New(t)
		st := a.Status()
		if !regexp.MustCompile(`^[0-9a-f]{40} 0, before "" -1$`).MatchString(where(st)) || st.ID == b.Status().ID {
			t.Errorf("two new primaries: %s and %s", where(st), where(b.Status()))
		}
		r := a.Replica(nil)
		if got := where(a.Status()); got != where(st) || where(r.Status()) != got {
			t.Errorf("after the first replica: %s, the replica %s, before %s", got, where(r.Status()), where(st))
		}
	})
}

// Promotion: a new name, the old one before it up to the offset, which stays; the chained replica is dropped so that it learns the name, and continues.
func TestRulePromotion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(nil)
		p.Do("INCR", "n")
		barrier(t, r)
		old := p.Status().ID
		chained := clientOf(t, r)
		chained.asks(old, 0, "+CONTINUE")
		chained.wants(frames("SELECT 0", "INCR n"))
		n, err := r.Promote(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		st := n.Status()
		if got, want := where(st), fmt.Sprintf(`%s 44, before "%s" 44`, st.ID, old); got != want || st.ID == old {
			t.Errorf("after the promotion %s, want %s and another ID than %s", got, want, old)
		}
		chained.closed(time.Second)
		again := clientOf(t, n)
		again.send("REPLCONF", "capa", "psync2")
		again.wants("+OK\r\n")
		again.asks(old, 44, "+CONTINUE "+st.ID)
		do(t, n.Store(), "INCR", "n")
		again.wants(frames("SELECT 0", "INCR n"))
		if got, want := where(n.Status()), fmt.Sprintf(`%s 88, before "%s" 44`, st.ID, old); got != want {
			t.Errorf("after a write %s, want %s", got, want)
		}
	})
}

// Demotion keeps name, name before, and count: the first request is for the byte behind the own last one. Who was attached stays. Who waits for an element is told.
func TestRuleDemotion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := make(chan string, 1)
		f := newFakePrimary(t, func(p *peer) { requests <- p.shakeHands(); p.say("+CONTINUE %s\r\n", flipID); p.live() })
		p := replicationtest.New(t)
		p.Do("SELECT", 3)
		p.Do("INCR", "n")
		attached := capable(t, p)
		attached.asks(p.Status().ID, 0, "+CONTINUE "+p.Status().ID)
		attached.wants(frames("SELECT 3", "INCR n"))
		waiting := dial(t, p)
		waiting.send("BLPOP", "list", "0")
		synctest.Wait()
		before := p.Status()
		r, err := p.Follow(t.Context(), "redis://fake:6379", &replication.ReplicaOptions{Dial: f.net.Dial})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := <-requests, "PSYNC "+before.ID+" 45"; got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
		waiting.wants("-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n")
		synctest.Wait()
		st := r.Status()
		if st.ID != flipID || st.Secondary != before.ID || st.SecondaryLimit != 44 || st.Offset < 44 {
			t.Errorf("after the new name %s, before %s", where(st), where(before))
		}
		attached.closed(time.Second) // by the new name; until then it stayed
	})
}

// A demotion whose primary cannot be reached changes nothing, and nobody is dropped for it.
func TestRuleDemotionAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("INCR", "n")
		attached := capable(t, p)
		attached.asks(p.Status().ID, 44, "+CONTINUE "+p.Status().ID)
		before := where(p.Status())
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		p.Follow(ctx, "redis://nobody:6379", &replication.ReplicaOptions{Dial: p.Dial})
		if got := where(p.Status()); got != before || p.Status().Role != replication.RoleReplica {
			t.Errorf("after the demotion %s, before %s", got, before)
		}
		attached.silent(time.Second) // no PING: there is no primary
	})
}

// Pointed to another primary, a replica asks that one for what follows its data, under the name that it has.
func TestRuleRepointing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		f := newFakePrimary(t, func(p *peer) { p.grant(file, 100); p.say("%s", frames("SELECT 6", "INCR n")); p.live() })
		r := connectFake(t, f, replication.ReplicaOptions{})
		settle()
		requests := make(chan string, 1)
		l, err := f.net.Listen("other:6379")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p := newPeer(t, c)
			requests <- p.shakeHands()
			p.say("+CONTINUE\r\n%s", frames("INCR n"))
			p.hold()
		}()
		defer l.Close()
		end := r.Status().Offset
		if err := r.Follow(t.Context(), "redis://other:6379"); err != nil {
			t.Fatal(err)
		}
		if got, want := <-requests, fmt.Sprintf("PSYNC %s %d", fakeID, end+1); got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
		settle()
		if v, err := r.DB(6).Get("n"); v != "2" || r.Status().ID != fakeID {
			t.Errorf("n in database 6 = %q, %v under %s, want 2 under %s", v, err, r.Status().ID, fakeID)
		}
		r.Close()
	})
}

// The same primary again is no event: the answer says so, and the link stays as it is.
func TestRuleSamePrimaryAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(&replication.ReplicaOptions{AllowReplicaOf: true})
		before, dials := r.Status(), p.Status().FullServed
		c := clientOf(t, r)
		for _, host := range []string{"primary", "PRIMARY"} {
			c.send("REPLICAOF", host, "6379")
			c.wants("+OK Already connected to specified master\r\n")
		}
		settle()
		if st := r.Status(); st.State != replication.Streaming || st.Since != before.Since || p.Status().FullServed != dials || p.Status().PartialServed != 0 {
			t.Errorf("status %+v, before %+v", st, before)
		}
	})
}

// saved writes a store's file and returns where it is.
func saved(t testing.TB, s *store.Store) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dump.rdb")
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// A replica that is started from its file asks for what follows that file, in the database that the stream had selected.
func TestRuleReplicaRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		requests := make(chan string, 2)
		f := newFakePrimary(t,
			func(p *peer) { requests <- p.grant(file, 100); p.say("%s", frames("SELECT 6", "INCR n")); p.hold() },
			func(p *peer) { requests <- p.shakeHands(); p.say("+CONTINUE\r\n%s", frames("INCR n")); p.hold() },
		)
		r := connectFake(t, f, replication.ReplicaOptions{})
		settle()
		path := saved(t, r.Store())
		r.Close()
		s := store.New(nil)
		defer s.Close()
		if err := s.Replication().LoadFile(path); err != nil {
			t.Fatal(err)
		}
		again := connectFake(t, f, replication.ReplicaOptions{Store: s})
		settle()
		<-requests
		if got, want := <-requests, "PSYNC "+fakeID+" 145"; got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
		if got, want := where(again.Status()), fakeID+` 165, before "" -1`; got != want {
			t.Errorf("the history is %s, want %s", got, want)
		}
		if v, err := again.DB(6).Get("n"); v != "2" {
			t.Errorf("n in database 6 = %q, %v, want 2", v, err)
		}
		again.Close()
	})
}

// A primary that is started from its file begins a new name, with that of the file before it; what has expired meanwhile goes by DEL, in the new stream. So its
// replicas continue if they have no more than the file, and not if they have a byte more.
func TestRulePrimaryRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("SET", "k", "v", "PX", 5000)
		p.Do("INCR", "n")
		old, limit := p.Status().ID, p.Offset()
		path := saved(t, p.Store())
		p.Do("INCR", "n") // after the save: lost
		time.Sleep(10 * time.Second)
		s := store.New(nil)
		defer s.Close()
		if err := s.Load(path); err != nil {
			t.Fatal(err)
		}
		n, err := replication.NewPrimary(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		time.Sleep(time.Second)
		st := n.Status()
		expired := frames("SELECT 0", "DEL k")
		end := limit + int64(len(expired))
		if got, want := where(st), fmt.Sprintf(`%s %d, before "%s" %d`, st.ID, end, old, limit); got != want || st.ID == old {
			t.Errorf("the history is %s, want %s", got, want)
		}
		for _, tc := range []struct {
			count int64
			want  string
		}{
			{limit - 1, fmt.Sprintf("+FULLRESYNC %s %d", st.ID, end)}, // the file has no backlog
			{limit, "+CONTINUE"},
			{limit + 1, fmt.Sprintf("+FULLRESYNC %s %d", st.ID, end)},
			{limit + 21, fmt.Sprintf("+FULLRESYNC %s %d", st.ID, end)}, // who got what was lost
		} {
			c := clientOf(t, n)
			c.asks(old, tc.count, tc.want)
			if tc.want == "+CONTINUE" {
				c.wants(expired)
			}
		}
	})
}

// What empties or remakes the data goes on under the same name.
func TestRuleSameNameAfterReset(t *testing.T) {
	for command, stream := range map[string]string{
		"FLUSHALL":     frames("SELECT 0", "FLUSHALL"),
		"FLUSHDB":      frames("SELECT 0", "FLUSHDB"),
		"DEBUG RELOAD": "",
	} {
		t.Run(command, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := replicationtest.New(t)
				r := p.Replica(nil)
				tap := onlineAt(t, p)
				p.Do("SELECT", 1)
				p.Do("INCR", "n")
				p.Do("SELECT", 0)
				tap.wants(frames("SELECT 1", "INCR n"))
				id, before := p.Status().ID, p.Offset()
				c := dial(t, p)
				c.send(strings.Fields(command)...)
				c.wants("+OK\r\n")
				tap.wants(stream)
				if n := p.Offset() - before; n != int64(len(stream)) {
					t.Errorf("%d bytes of stream, want %d", n, len(stream))
				}
				p.Do("INCR", "n")
				barrier(t, r)
				replicationtest.Same(t, p.Store(), r.Store())
				if st := p.Status(); st.ID != id || st.Secondary != "" || len(st.Replicas) != 2 || r.Status().FullSyncs != 1 {
					t.Errorf("afterwards %s with %d replicas, one of them after %d full resyncs", where(st), len(st.Replicas), r.Status().FullSyncs)
				}
			})
		})
	}
}

// Down a chain of four the name, the count and each byte are the same, and a new name travels down it without a full resync.
func TestRuleChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("INCR", "n")
		chain := []*replication.Replica{p.Replica(nil)}
		listen(t, p, chain[0], "r0:6379")
		for i := range 3 {
			r := chained(t, p, fmt.Sprintf("r%d:6379", i))
			listen(t, p, r, fmt.Sprintf("r%d:6379", i+1))
			chain = append(chain, r)
		}
		same := func(id string) {
			t.Helper()
			settle()
			want := chain[0].Status()
			for i, r := range chain {
				if st := r.Status(); st.ID != id || where(st) != where(want) || st.FullSyncs != 1 {
					t.Errorf("node %d: %s after %d full resyncs, want %s with ID %s after one", i, where(st), st.FullSyncs, where(want), id)
				}
				replicationtest.Same(t, chain[0].Store(), r.Store())
			}
		}
		mix(t, p, 3)
		same(p.Status().ID)
		n, err := chain[0].Promote(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		do(t, n.Store(), "INCR", "n")
		same(n.Status().ID)
	})
}

// DEBUG CHANGE-REPL-ID: a new name, nothing before it, the offset kept; the replicas are dropped, and who asks under the old name needs a full resync, wherever
// it stands. Under the new name the window is what it was.
func TestRuleChangeReplID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{AllowReplicaOf: true}})
		r := p.Replica(nil)
		p.Do("INCR", "n")
		barrier(t, r)
		tap := capable(t, p)
		old, end := p.Status().ID, p.Offset()
		tap.asks(old, end, "+CONTINUE "+old)
		dial(t, p).says("DEBUG CHANGE-REPL-ID", "+OK\r\n")
		tap.closed(time.Second)
		st := p.Status()
		if got, want := where(st), fmt.Sprintf(`%s %d, before "" -1`, st.ID, end); got != want || st.ID == old {
			t.Errorf("afterwards %s, want %s and another ID than %s", got, want, old)
		}
		for _, tc := range []struct {
			id    string
			count int64
			want  string
		}{
			{old, 0, "+FULLRESYNC " + st.ID}, {old, end - 1, "+FULLRESYNC " + st.ID}, {old, end, "+FULLRESYNC " + st.ID},
			{st.ID, 0, "+CONTINUE"}, {st.ID, end, "+CONTINUE"}, {st.ID, end + 1, "+FULLRESYNC " + st.ID},
		} {
			c := dial(t, p)
			c.send("PSYNC", tc.id, itoa(int(tc.count)+1))
			c.expect(tc.want)
			c.Close()
		}
		p.Do("INCR", "n")
		barrier(t, r)
		synctest.Wait() // the resync is counted after its data is there
		replicationtest.Same(t, p.Store(), r.Store())
		if got := r.Status(); got.ID != st.ID || got.FullSyncs != 2 || got.PartialSyncs != 0 {
			t.Errorf("the replica has %s after %d full and %d partial resyncs, want ID %s after 2 and 0", where(got), got.FullSyncs, got.PartialSyncs, st.ID)
		}
	})
}

// The same on a replica: the link stays, and the next attempt asks by a name that its primary does not know.
func TestRuleChangeReplIDOfAReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := make(chan string, 1)
		file, cut := rdbOf(t, "k"), make(chan struct{})
		f := newFakePrimary(t,
			func(p *peer) { p.grant(file, 100); <-cut },
			func(p *peer) { requests <- p.shakeHands(); p.hold() },
		)
		r := connectFake(t, f, replication.ReplicaOptions{AllowReplicaOf: true})
		settle()
		chained := clientOf(t, r)
		chained.asks(fakeID, 100, "+CONTINUE")
		clientOf(t, r).says("DEBUG CHANGE-REPL-ID", "+OK\r\n")
		chained.closed(time.Second)
		st := r.Status()
		if got, want := where(st), st.ID+` 100, before "" -1`; got != want || st.ID == fakeID || st.State != replication.Streaming {
			t.Errorf("afterwards %s and %v, want %s, another ID than %s, and the link up", got, st.State, want, fakeID)
		}
		close(cut)
		if got, want := <-requests, "PSYNC "+st.ID+" 101"; got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
		r.Close()
	})
}

// Role and names of an embedded node are its program's, unless that lets clients steer.
func TestRuleChangeReplIDEmbedded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("INCR", "n")
		before := where(p.Status())
		dial(t, p).says("DEBUG CHANGE-REPL-ID", "-ERR understudy does not offer 'DEBUG CHANGE-REPL-ID' inside another program\r\n")
		if got := where(p.Status()); got != before {
			t.Errorf("afterwards %s, before %s", got, before)
		}
	})
}
