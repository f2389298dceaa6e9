package replication_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// The backlog: when there is one, how much it holds, and what a replica that falls behind costs.

// window is the counts from which a replica continues, and the size that INFO states.
func window(t testing.TB, n interface {
	ServeConn(context.Context, net.Conn) error
}) string {
	t.Helper()
	c := clientOf(t, n)
	defer c.Close()
	c.send("INFO", "replication")
	v, err := c.in.ReadValue()
	if err != nil {
		t.Fatal(err)
	}
	var active, size, first, held int64
	for line := range strings.Lines(v.Str) {
		fmt.Sscanf(line, "repl_backlog_active:%d", &active)
		fmt.Sscanf(line, "repl_backlog_size:%d", &size)
		fmt.Sscanf(line, "repl_backlog_first_byte_offset:%d", &first)
		fmt.Sscanf(line, "repl_backlog_histlen:%d", &held)
	}
	if active != 1 {
		t.Errorf("repl_backlog_active:%d, want 1", active)
	}
	return fmt.Sprintf("[%d, %d] of %d", first-1, first-1+held, size)
}

// A node has a backlog from its first write on, replicas or not; a load begins it anew at the offset of the payload; a promotion and a demotion keep it.
func TestRuleBacklogOfEachRole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := func(what, got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%s: the window is %s, want %s", what, got, want)
			}
		}
		p := replicationtest.NewWith(t, &replicationtest.Options{Store: &store.Options{BacklogBytes: 100}})
		want("empty", window(t, p), "[0, 0] of 100")
		p.Do("INCR", "n")
		want("written to", window(t, p), "[0, 44] of 100")
		data := store.New(&store.Options{BacklogBytes: 1000})
		defer data.Close()
		r := p.Replica(&replication.ReplicaOptions{Store: data})
		want("after a full resync given", window(t, p), "[0, 44] of 100")
		want("after a full resync taken", window(t, r), "[44, 44] of 1000")
		p.Do("INCR", "n")
		p.Do("INCR", "n")
		barrier(t, r)
		want("full to the last byte but nine", window(t, p), "[9, 109] of 100")
		want("of the replica", window(t, r), "[44, 109] of 1000")
		n, err := r.Promote(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		want("promoted", window(t, n), "[44, 109] of 1000")
		do(t, n.Store(), "INCR", "n")
		want("promoted, written to", window(t, n), "[44, 153] of 1000")
		listen(t, p, n, "heir:6379")
		old, err := p.Follow(t.Context(), "redis://heir:6379", &replication.ReplicaOptions{Dial: p.Dial})
		if err != nil {
			t.Fatal(err)
		}
		barrier(t, old)
		want("demoted, continued", window(t, p), "[53, 153] of 100")
	})
}

// The size is that of the window, to the byte: what lies before it is refused, whether it came in one write or in many.
func TestRuleBacklogSize(t *testing.T) {
	const size = 1000
	for _, write := range []int{1, 300, 999, 1000, 1001, 5000} {
		synctest.Test(t, func(t *testing.T) {
			p := replicationtest.NewWith(t, &replicationtest.Options{Store: &store.Options{BacklogBytes: size}})
			for p.Offset() < 4*size {
				p.Do("SET", "k", strings.Repeat("x", write))
			}
			id, end := p.Status().ID, p.Offset()
			if got, want := window(t, p), fmt.Sprintf("[%d, %d] of %d", end-size, end, size); got != want {
				t.Errorf("writes of %d bytes: the window is %s, want %s", write, got, want)
			}
			capable(t, p).asks(id, end-size, "+CONTINUE "+id)
			capable(t, p).asks(id, end-size-1, fmt.Sprintf("+FULLRESYNC %s %d", id, end))
		})
	}
}

// A replica that lags so many bytes as the limit allows stays, one byte more and it is dropped; it then continues if the backlog still has what it needs.
func TestRuleOutputLimit(t *testing.T) {
	const limit = 2000
	for _, tc := range []struct {
		over int
		want int
	}{{0, 1}, {1, 0}} {
		synctest.Test(t, func(t *testing.T) {
			p, logs := watched(t, &store.Options{BacklogBytes: 100}, replication.PrimaryOptions{OutputLimit: limit, PingPeriod: time.Hour})
			// A connection without room: the first byte written waits for a reader.
			ours, theirs := memnet.Pipe(&memnet.Options{Buffer: 1})
			t.Cleanup(func() { ours.Close() })
			go p.ServeConn(context.Background(), theirs)
			r := newPeer(t, ours)
			r.online()
			synctest.Wait()
			p.Do("SELECT", 0)
			p.Do("SET", "k", "v") // taken by the sender, which now waits
			synctest.Wait()
			taken := p.Offset()
			for range limit/200 - 1 {
				p.Do("SET", "k", strings.Repeat("x", 172)) // 200 bytes of stream
			}
			p.Do("SET", "k", strings.Repeat("x", 172+tc.over))
			synctest.Wait()
			if got := p.Offset() - taken; got != int64(limit+tc.over) {
				t.Fatalf("wrote %d bytes, want %d", got, limit+tc.over)
			}
			if n := len(p.Replicas()); n != tc.want {
				t.Errorf("%d bytes behind with a limit of %d: %d replicas, want %d", limit+tc.over, limit, n, tc.want)
			}
			if tc.want == 0 {
				var over *replication.OutputLimitError
				if err := detached(t, logs); !errors.As(err, &over) || over.Lag != limit+1 || over.Limit != limit {
					t.Errorf("dropped because of %v, want %d bytes behind", err, limit+1)
				}
			}
		})
	}
}

// Two nodes that feed in the same way count in the same way: the offset does not depend on whether anybody listens.
func TestRuleOffsetsWithoutReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alone, fed := replicationtest.New(t), replicationtest.New(t)
		onlineAt(t, fed)
		for _, p := range []*replicationtest.Primary{alone, fed} {
			mix(t, p, 3)
		}
		if alone.Offset() != fed.Offset() {
			t.Errorf("offset %d alone, %d with a replica", alone.Offset(), fed.Offset())
		}
	})
}
