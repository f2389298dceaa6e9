package replication_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
)

// Who waits for replicas when the node becomes one itself is told so, and does not wait on for a count that nobody keeps.
func TestWaitEndsWithTheRole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, other := replicationtest.New(t), replicationtest.New(t)
		c := clientOf(t, old)
		defer c.Close()
		if got := c.reply("INCR", "n"); got != "1" {
			t.Fatal(got)
		}
		c.send("WAIT", "1", "0")
		inGo := make(chan error, 1)
		go func() {
			_, err := old.WaitReplicas(t.Context(), 1, old.Offset())
			inGo <- err
		}()
		settled()
		r, err := old.Follow(t.Context(), other.URL(), &replication.ReplicaOptions{Dial: other.Dial})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := c.in.ReadValue(); err != nil || v.Str != "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)" {
			t.Errorf("WAIT = %v, %v", v, err)
		}
		if err := <-inGo; !errors.Is(err, replication.ErrNotPrimary) {
			t.Errorf("WaitReplicas = %v, want %v", err, replication.ErrNotPrimary)
		}
		r.Close()
	})
}

// WAIT counts a replica that is online and has acknowledged this client's last write: not one byte less, and none that is still loading.
func TestWaitCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		c := clientOf(t, p)
		defer c.Close()
		loading := clientOf(t, p)
		defer loading.Close()
		loading.send("REPLCONF", "capa", "eof")
		loading.expect("+OK")
		loading.send("PSYNC", "?", "-1")
		loading.expect("+FULLRESYNC") // and it never acknowledges the payload
		r := quietReplica(t, p)
		c.reply("INCR", "n")
		wrote := p.Offset()
		p.Do("INCR", "n") // of somebody else: not waited for
		for _, tc := range []struct {
			ack  int64
			want string
		}{{wrote - 1, "0"}, {wrote, "1"}} {
			r.send("REPLCONF", "ACK", itoa(int(tc.ack)))
			settled()
			start := time.Now()
			if got := c.reply("WAIT", "2", "500"); got != tc.want || time.Since(start) != 500*time.Millisecond {
				t.Errorf("WAIT 2 after ACK %d of %d = %s after %v, want %s", tc.ack, wrote, got, time.Since(start), tc.want)
			}
		}
		before := p.Offset()
		if got := c.reply("WAIT", "1", "0"); got != "1" || p.Offset() != before {
			t.Errorf("WAIT for what is known = %s; the stream grew by %d", got, p.Offset()-before)
		}
		c.reply("MULTI")
		c.reply("WAIT", "2", "0")
		if got := c.reply("EXEC"); got != "[1]" || p.Offset() != before {
			t.Errorf("WAIT in a transaction = %s; the stream grew by %d: it only counts", got, p.Offset()-before)
		}
	})
}
