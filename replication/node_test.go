package replication

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// clientFor sends commands to a node and returns what is answered.
func clientFor(t *testing.T, n *node) func(args ...string) string {
	near, far := memnet.Pipe(nil)
	go n.serveConn(context.Background(), far)
	t.Cleanup(func() { near.Close() })
	r := resp.NewReader(near, nil)
	return func(args ...string) string {
		near.Write(resp.AppendCommand(nil, args...))
		v, err := r.ReadValue()
		if err != nil {
			t.Fatal(err)
		}
		return v.String()
	}
}

// What Follow has said about the replica must outlive a CONFIG SET of something else.
func TestConfigSetAfterFollow(t *testing.T) {
	s := store.New(nil)
	defer s.Close()
	p, err := NewPrimary(s, &PrimaryOptions{AllowReplicaOf: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	do := clientFor(t, p.n)
	do("PING")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.Follow(ctx, "redis://127.0.0.1:1", &ReplicaOptions{Username: "u", Password: "secret", RefuseStale: true, RetainFormer: time.Hour, LoadMode: LoadInPlace, Guard: Guard{Off: true}, Timeout: 5 * time.Second})
	before := *p.n.cfg.Load()
	if got := do("CONFIG", "SET", "replica-priority", "50"); got != "OK" {
		t.Fatal(got)
	}
	c := *p.n.cfg.Load()
	if c.password != before.password || c.username != before.username || c.freshOnly != before.freshOnly || c.retainFormer != before.retainFormer || c.loadMode != before.loadMode || c.guard.Off != before.guard.Off || c.timeout != before.timeout {
		t.Errorf("after CONFIG SET replica-priority: password kept %v, RefuseStale %v -> %v, RetainFormer %v -> %v, LoadMode %v -> %v, guard off %v -> %v, timeout %v -> %v", c.password == before.password,
			before.freshOnly, c.freshOnly, before.retainFormer, c.retainFormer, before.loadMode, c.loadMode, before.guard.Off, c.guard.Off, before.timeout, c.timeout)
	}
}

// The guard, and times below a second, must outlive a CONFIG SET of something else.
func TestConfigSetKeepsFractions(t *testing.T) {
	r, err := NewReplica("redis://127.0.0.1:1", &ReplicaOptions{AllowReplicaOf: true, Timeout: 1500 * time.Millisecond, RetainFormer: 500 * time.Millisecond, Guard: Guard{Least: 0.005, LeastFresh: 0.29}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	do := clientFor(t, r.n)
	do("PING")
	before := *r.n.cfg.Load()
	if got := do("CONFIG", "SET", "replica-priority", "50"); got != "OK" {
		t.Fatal(got)
	}
	c := *r.n.cfg.Load()
	if c.guard.Least != before.guard.Least || c.guard.LeastFresh != before.guard.LeastFresh || c.timeout != before.timeout || c.retainFormer != before.retainFormer {
		t.Errorf("after CONFIG SET replica-priority: Least %v -> %v, LeastFresh %v -> %v, Timeout %v -> %v, RetainFormer %v -> %v", before.guard.Least, c.guard.Least, before.guard.LeastFresh, c.guard.LeastFresh,
			before.timeout, c.timeout, before.retainFormer, c.retainFormer)
	}
}

// No client can make the node show its password in the clear.
func TestReplicaOfInTheClear(t *testing.T) {
	r, err := NewReplica("rediss://127.0.0.1:1", &ReplicaOptions{
		AllowReplicaOf: true, Password: "secret",
		Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no") },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	do := clientFor(t, r.n)
	if got := do("REPLICAOF", "NO", "ONE"); got != "OK" {
		t.Fatal(got)
	}
	if got := do("REPLICAOF", "127.0.0.1", "3"); got != "OK" || !r.n.current().to.tls {
		t.Errorf("%s: after REPLICAOF NO ONE, TLS %v", got, r.n.current().to.tls)
	}
}

// Data that a client's REPLICAOF replaces is kept by default, too.
func TestRetainOnPrimary(t *testing.T) {
	s := store.New(nil)
	defer s.Close()
	p, _ := NewPrimary(s, &PrimaryOptions{AllowReplicaOf: true})
	defer p.Close()
	do := clientFor(t, p.n)
	if got := do("REPLICAOF", "127.0.0.1", "1"); got != "OK" || p.n.cfg.Load().retainFormer != DefaultRetainFormer {
		t.Errorf("%s: RetainFormer is %v", got, p.n.cfg.Load().retainFormer)
	}
}

// TestSnapshotsAtMarks: who waits for a mark keeps the last few snapshots at marks without a name, and none when it waits no more.
func TestSnapshotsAtMarks(t *testing.T) {
	s := store.New(nil)
	defer s.Close()
	n := newNode(s, new(ReplicaOptions).config(), nil)
	defer n.close()
	mark := [][]byte{[]byte("REPLCONF"), []byte("GETACK"), []byte("*")}
	n.atMark(mark)
	if got := s.Stats().Snapshots; got != 0 {
		t.Fatalf("%d snapshots with nobody waiting", got)
	}
	w := n.arm(newToken())
	for range keptMarks + 3 {
		n.atMark(mark)
	}
	if got := s.Stats().Snapshots; got != keptMarks {
		t.Errorf("%d snapshots, want %d", got, keptMarks)
	}
	w.disarm()
	if got := s.Stats().Snapshots; got != 0 {
		t.Errorf("%d snapshots are left", got)
	}
}
