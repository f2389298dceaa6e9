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
	n := newNode(s, config{disklessMax: 1, diskless: true}.withDefaults(), nil)
	join := func() *feed {
		a, b := memnet.Pipe(nil)
		t.Cleanup(func() { a.Close() })
		f := newFeed(context.Background(), n, &server.Peer{Conn: b, CapaEOF: true}, psyncRequest{full: true})
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

// joiner returns a node and a function by which a replica that wants a length asks it for a full resync.
func joiner(t *testing.T) (*node, func() *feed) {
	s := store.New(&store.Options{BacklogBytes: 1 << 16})
	if _, err := s.DB(0).Do("SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	n := newNode(s, config{diskless: true, outputLimit: 1 << 16, syncBudget: 1 << 16}.withDefaults(), nil)
	return n, func() *feed {
		a, b := memnet.Pipe(nil)
		t.Cleanup(func() { a.Close() })
		f := newFeed(context.Background(), n, &server.Peer{Conn: b}, psyncRequest{full: true})
		n.histMu.Lock()
		n.mu.Lock()
		n.joinGroupLocked(f)
		n.mu.Unlock()
		n.histMu.Unlock()
		if err := f.group.wait(f); err != nil || f.reader == nil || f.file == nil {
			t.Fatalf("no cut: %v", err)
		}
		<-f.file.done
		t.Cleanup(f.reader.Close)
		t.Cleanup(func() { f.group.leave(f) })
		return f
	}
}

// A cut can be joined as long as somebody is being sent its file and the stream from there is kept; not after a change of history, when the same offset means
// other data.
func TestWhoMayJoin(t *testing.T) {
	n, join := joiner(t)
	first := join()
	if second := join(); second.group != first.group || second.file != first.file || second.reader.Position() != first.reader.Position() {
		t.Error("the second replica got a sync of its own")
	} else {
		first.group.leave(first)
		if third := join(); third.file != first.file {
			t.Error("the first replica took the file with it")
		} else {
			third.group.leave(third)
		}
		second.group.leave(second)
	}
	if g := first.group; g.base != nil || len(g.files) != 0 || g.snap != nil || n.store.Stats().Snapshots != 0 {
		t.Errorf("the group keeps something when nobody needs it: base %v, %d files, snapshot %v", g.base, len(g.files), g.snap)
	}
	if last := join(); last.group == first.group {
		t.Error("a group was joined whose file is gone")
	}

	n, join = joiner(t)
	first = join()
	if err := n.changeHistory(func() error { return n.repl.Continue("00112233445566778899aabbccddeeff00112233") }); err != nil {
		t.Fatal(err)
	}
	if second := join(); second.group == first.group || second.group.history.ID != n.repl.History().ID {
		t.Error("a cut of another history was joined")
	}

	n, join = joiner(t)
	first = join()
	for range 40 {
		if _, err := n.store.DB(0).Do("APPEND", "k", string(make([]byte, 1<<12))); err != nil {
			t.Fatal(err)
		}
	}
	if second := join(); second.group == first.group || second.reader.Err() != nil {
		t.Error("a cut was joined that is further away than a replica may be behind")
	}
}
