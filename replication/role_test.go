package replication_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// listen serves a node at an address of a primary's network until the end of the test.
func listen(t testing.TB, p *replicationtest.Primary, n interface {
	Serve(net.Listener) error
}, addr string) {
	t.Helper()
	l := p.Listen(addr)
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.Serve(l)
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
}

// chained returns a replica of whoever listens at addr.
func chained(t testing.TB, p *replicationtest.Primary, addr string) *replication.Replica {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := replication.Connect(ctx, "redis://"+addr, &replication.ReplicaOptions{Dial: p.Dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// stream returns the bytes from count+1 to the end that a node gives to a replica which continues there.
func stream(t testing.TB, p *replicationtest.Primary, addr, id string, count, end int64) string {
	t.Helper()
	c, err := p.Dial(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := newPeer(t, c)
	r.send("PSYNC", id, strconv.FormatInt(count+1, 10))
	r.expect("+CONTINUE")
	return r.read(int(end - count))
}

// A chain of three: the last one gets the very bytes that the first one wrote, and its data.
func TestChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		mix(t, p, 2)
		p.Do("SELECT", 4) // the stream's database when the chained replica is synced: it is not told by a SELECT
		p.Do("INCR", "n")
		middle := p.Replica(nil)
		p.Do("INCR", "n")
		barrier(t, middle)
		listen(t, p, middle, "middle:6379")
		last := chained(t, p, "middle:6379")
		from := p.Offset()
		p.Do("INCR", "n")
		p.Do("SELECT", 0)
		mix(t, p, 5)
		barrier(t, middle)
		barrier(t, last)
		replicationtest.Same(t, p.Store(), middle.Store())
		replicationtest.Same(t, p.Store(), last.Store())
		id, end := p.Status().ID, p.Offset()
		want := stream(t, p, "primary:6379", id, from, end)
		if got := stream(t, p, "middle:6379", id, from, end); got != want {
			t.Errorf("the middle one gives other bytes than the primary:\n%q\n%q", got, want)
		}
		// The middle one's link breaks: the last one keeps its own and misses nothing.
		p.Cut()
		mix(t, p, 2)
		for _, r := range []*replication.Replica{middle, last} {
			if err := r.WaitOffset(t.Context(), p.Offset()); err != nil {
				t.Fatal(err)
			}
			replicationtest.Same(t, p.Store(), r.Store())
			if st := r.Status(); st.FullSyncs != 1 {
				t.Errorf("%d full resyncs, want 1", st.FullSyncs)
			}
		}
	})
}

// When the middle one has to take a full resync, the chained one does too: its history is another one.
func TestChainAfterFullResync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		middle := p.Replica(nil)
		listen(t, p, middle, "middle:6379")
		last := chained(t, p, "middle:6379")
		other, err := replication.NewPrimary(store.New(nil), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		listen(t, p, other, "other:6379")
		do(t, other.Store(), "SET", "other", "data")
		if err := middle.Follow(t.Context(), "redis://other:6379"); err != nil {
			t.Fatal(err)
		}
		settle()
		replicationtest.Same(t, other.Store(), middle.Store())
		replicationtest.Same(t, other.Store(), last.Store())
		if st := last.Status(); st.FullSyncs != 2 {
			t.Errorf("%d full resyncs of the chained one, want 2", st.FullSyncs)
		}
	})
}

// Promotion: the siblings continue at the new primary without a full resync, and so does the old primary when it had nothing of its own.
func TestPromotion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		mix(t, p, 3)
		heir, sibling := p.Replica(nil), p.Replica(nil)
		mix(t, p, 3)
		barrier(t, heir)
		barrier(t, sibling)
		listen(t, p, heir, "heir:6379")
		attached := chained(t, p, "heir:6379")
		oldID, limit := p.Status().ID, p.Offset()

		n, err := heir.Promote(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		st := n.Status()
		if st.Role != replication.RolePrimary || st.ID == oldID || st.Secondary != oldID || st.SecondaryLimit != limit || st.Offset != limit {
			t.Errorf("status after promotion: %+v", st)
		}
		for i := range 5 {
			if _, err := n.DB(i).Do("INCR", "counter"); err != nil {
				t.Fatal(err)
			}
		}
		if err := sibling.Follow(t.Context(), "redis://heir:6379"); err != nil {
			t.Fatal(err)
		}
		old, err := p.Follow(t.Context(), "redis://heir:6379", &replication.ReplicaOptions{Dial: p.Dial})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.DB(2).Do("APPEND", "text", "x"); err != nil {
			t.Fatal(err)
		}
		for name, r := range map[string]*replication.Replica{"sibling": sibling, "old primary": old, "attached": attached} {
			barrier(t, r)
			replicationtest.Same(t, n.Store(), r.Store())
			if st := r.Status(); st.FullSyncs > 1 || st.PartialSyncs != 1 || st.State != replication.Streaming {
				t.Errorf("%s: %+v", name, st)
			}
		}
		if st := old.Status(); st.FullSyncs != 0 {
			t.Errorf("the old primary took %d full resyncs, want none", st.FullSyncs)
		}
		if _, err := p.Update(func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("a write to the old primary = %v, want %v", err, store.ErrReadOnly)
		}
		if _, err := heir.Promote(t.Context(), nil); !errors.Is(err, replication.ErrNotReplica) {
			t.Errorf("a second promotion = %v, want %v", err, replication.ErrNotReplica)
		}
		if _, err := p.WaitReplicas(t.Context(), 1, 0); !errors.Is(err, replication.ErrNotPrimary) {
			t.Errorf("WaitReplicas on the old primary = %v, want %v", err, replication.ErrNotPrimary)
		}
	})
}

// An old primary that accepted a write which nobody received does not continue: its history has gone another way.
func TestOldPrimaryWithWritesOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		heir := p.Replica(nil)
		mix(t, p, 1)
		barrier(t, heir)
		listen(t, p, heir, "heir:6379")
		n, err := heir.Promote(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		p.Do("SET", "lost", "write")
		// As many bytes as the lost write has, so that the offsets alone would agree.
		if _, err := n.DB(0).Do("SET", "kept", "write"); err != nil {
			t.Fatal(err)
		}
		old, err := p.Follow(t.Context(), "redis://heir:6379", &replication.ReplicaOptions{Dial: p.Dial})
		if err != nil {
			t.Fatal(err)
		}
		barrier(t, old)
		replicationtest.Same(t, n.Store(), old.Store())
		if st := old.Status(); st.FullSyncs != 1 || get(old.Store(), "lost") != "" {
			t.Errorf("status %+v, lost = %q", st, get(old.Store(), "lost"))
		}
		if why := n.Status().LastRefusal; why == "" {
			t.Error("the refusal left no reason in the status")
		}
	})
}

// Close of a promoted node through its old handle ends it as well, and more than once does no harm.
func TestHandlesShareOneNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(nil)
		n, err := r.Promote(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n.Store() != r.Store() {
			t.Error("the handles have different stores")
		}
		if err := r.Barrier(t.Context()); !errors.Is(err, replication.ErrNotReplica) {
			t.Errorf("Barrier on a promoted node = %v, want %v", err, replication.ErrNotReplica)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if _, err := n.Follow(t.Context(), p.URL(), nil); !errors.Is(err, replication.ErrClosed) {
			t.Errorf("Follow after Close = %v, want %v", err, replication.ErrClosed)
		}
		if err := n.Serve(p.Listen("x:1")); !errors.Is(err, replication.ErrClosed) {
			t.Errorf("Serve after Close = %v, want %v", err, replication.ErrClosed)
		}
		if _, err := n.Update(func(*store.Tx) error { t.Error("the closure was run"); return nil }); !errors.Is(err, replication.ErrClosed) {
			t.Errorf("Update after Close = %v, want %v", err, replication.ErrClosed)
		}
	})
}

// Run ends with nil when the node is promoted: there is nothing to follow any more, and the node lives on.
func TestRunEndsByPromotion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r, ended := startReplica(t, p.URL(), &replication.ReplicaOptions{Dial: p.Dial})
		if err := r.WaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
		n, err := r.Promote(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		if err := n.DB(0).Set("k", "v", 0); err != nil {
			t.Errorf("a write after promotion = %v", err)
		}
	})
}

// A replica whose store is given takes up the history that is in it: what a restart needs.
func TestGivenStoreContinues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		mix(t, p, 2)
		s := store.New(nil)
		p.Replica(&replication.ReplicaOptions{Store: s}).Close()
		mix(t, p, 2)
		r := p.Replica(&replication.ReplicaOptions{Store: s})
		barrier(t, r)
		replicationtest.Same(t, p.Store(), s)
		if st := r.Status(); st.FullSyncs != 0 || st.PartialSyncs != 1 {
			t.Errorf("%d full and %d partial resyncs, want 0 and 1", st.FullSyncs, st.PartialSyncs)
		}
	})
}

// A client that asks for another role while the node is being closed is turned away: Close waits for that client, so the client must not wait for Close.
func TestCloseDuringRoleChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r, _ := startReplica(t, p.URL(), &replication.ReplicaOptions{
			AllowReplicaOf: true,
			Dial:           func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody there") },
			// The link takes its time to hear that it is to stop.
			Backoff: func(int) time.Duration { time.Sleep(time.Second); return 0 },
		})
		c := clientOf(t, r)
		time.Sleep(time.Second / 2)
		closed := make(chan error, 1)
		go func() { closed <- r.Close() }()
		synctest.Wait()
		c.send("REPLICAOF", "NO", "ONE")
		select {
		case err := <-closed:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("Close does not return")
		}
	})
}

// A client of an embedded node has no say in its role, and no way to lock others out. The program has, as ever.
func TestClientsDoNotSteer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(nil)
		for name, n := range map[string]interface {
			ServeConn(context.Context, net.Conn) error
		}{"primary": p, "replica": r} {
			c := clientOf(t, n)
			for _, order := range [][]string{
				{"REPLICAOF", "evil", "6379"}, {"SLAVEOF", "evil", "6379"}, {"REPLICAOF", "NO", "ONE"},
				{"CONFIG", "SET", "requirepass", "x"}, {"CONFIG", "SET", "masterauth", "x"}, {"CONFIG", "REWRITE"},
			} {
				c.send(order...)
				if got := c.line(); !strings.HasPrefix(got, "-ERR understudy does not offer '"+order[0]) || !strings.HasSuffix(got, "' inside another program") {
					t.Errorf("%s: %q = %q, want a refusal", name, order, got)
				}
			}
		}
		if err := p.DB(0).Set("k", "v", 0); err != nil {
			t.Errorf("the program's own write = %v", err)
		}
		barrier(t, r)
		replicationtest.Same(t, p.Store(), r.Store())
		if st := r.Status(); st.Role != replication.RoleReplica || st.FullSyncs != 1 {
			t.Errorf("the replica after the orders: %+v", st)
		}
		if _, err := r.Promote(t.Context(), nil); err != nil {
			t.Errorf("the program's own order = %v", err)
		}
	})
}

// A primary whose clients may steer it stays so when it becomes a replica, also if nobody was served before.
func TestSteeredThroughRoles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := replication.NewPrimary(store.New(nil), &replication.PrimaryOptions{AllowReplicaOf: true})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		other := replicationtest.New(t)
		r, err := p.Follow(t.Context(), other.URL(), &replication.ReplicaOptions{Dial: other.Dial})
		if err != nil {
			t.Fatal(err)
		}
		c := clientOf(t, r)
		c.send("REPLICAOF", "NO", "ONE")
		c.expect("+OK")
		if err := p.DB(0).Set("k", "v", 0); err != nil {
			t.Error(err)
		}
	})
}

// REPLICAOF and its opposite over the wire.
func TestReplicaOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("SET", "k", "v")
		r := p.Replica(&replication.ReplicaOptions{AllowReplicaOf: true})
		c := clientOf(t, r)
		c.send("REPLICAOF", "primary", "6379")
		c.expect("+OK")
		if st := r.Status(); st.State != replication.Streaming {
			t.Errorf("state %v after REPLICAOF with the same primary, want streaming still", st.State)
		}
		id := p.Status().ID
		c.send("REPLICAOF", "NO", "ONE")
		c.expect("+OK")
		if st := r.Status(); st.Role != replication.RolePrimary || st.Secondary != id {
			t.Errorf("status after REPLICAOF NO ONE: %+v", st)
		}
		c.send("SET", "k", "w")
		c.expect("+OK")
		c.send("REPLICAOF", "primary", "6379")
		c.expect("+OK")
		settle()
		replicationtest.Same(t, p.Store(), r.Store())
		if st := r.Status(); st.State != replication.Streaming || st.FullSyncs != 2 {
			t.Errorf("status after REPLICAOF: %+v", st)
		}
	})
}
