package replication

import (
	"context"
	"testing"

	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/internal/server"
	"github.com/understudy-go/understudy/store"
)

// A group that was full once is due, whoever leaves it or joins it until its cut is made: a replica that hangs up at once must not bring the node down.
func TestFullGroupAfterLeaving(t *testing.T) {
	s := store.New(nil)
	n := newNode(s, config{disklessMax: 1}.withDefaults(), nil)
	join := func() *feed {
		a, b := memnet.Pipe(nil)
		t.Cleanup(func() { a.Close() })
		f := newFeed(context.Background(), n, &server.Peer{Conn: b}, psyncRequest{full: true})
		n.histMu.Lock()
		defer n.histMu.Unlock()
		n.mu.Lock()
		defer n.mu.Unlock()
		n.joinGroupLocked(f)
		return f
	}
	first := join()
	first.group.leave(first)
	second := join()
	if second.group != first.group {
		t.Fatal("the second replica has a group of its own: it was to join the one that waits")
	}
	if err := second.group.wait(second); err != nil || second.reader == nil {
		t.Errorf("the group was not cut for who stayed: %v", err)
	}
	second.group.leave(second)
	second.reader.Close()
	if n := s.Stats().Snapshots; n != 0 {
		t.Errorf("%d snapshots are left open", n)
	}
}
