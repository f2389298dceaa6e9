package replication_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// What of the stream depends on time and on the role: deadlines on either side, and who may write.

// A replica hides a key from its readers when its time has come, and removes it when the primary says so. Until then the primary's own commands find it.
func TestRuleExpiryOnReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t)
		const ms = 3000
		next := make(chan string)
		f := newFakePrimary(t, func(p *peer) {
			p.grant(file, 100)
			for s := range next {
				p.say("%s", s)
			}
		})
		defer close(next)
		r, _ := f.replica(nil)
		deadline := time.Now().UnixMilli() + ms
		next <- frames("SELECT 0", fmt.Sprintf("SET k v PXAT %d", deadline), fmt.Sprintf("SET hidden v PXAT %d", deadline))
		time.Sleep(ms * time.Millisecond)
		if v := get(r.Store(), "k"); v != "v" {
			t.Errorf("at the deadline k = %q, want v still", v)
		}
		time.Sleep(time.Millisecond)
		if v := get(r.Store(), "k"); v != "" || r.DB(0).Exists("k") {
			t.Errorf("a millisecond later k = %q, want it hidden", v)
		}
		time.Sleep(30 * time.Second)
		if n := r.Store().Replication().Sweep(10); n != 0 {
			t.Errorf("a sweep removes %d keys of a replica, want none", n)
		}
		if n := r.DB(0).Len(); n != 2 {
			t.Errorf("%d keys held half a minute later, want 2: nobody said DEL", n)
		}
		next <- frames("APPEND k w", "PERSIST k", "DEL hidden")
		synctest.Wait()
		if v := get(r.Store(), "k"); v != "vw" || r.DB(0).Len() != 1 {
			t.Errorf("k = %q and %d keys, want vw and 1: the primary's commands find what is hidden", v, r.DB(0).Len())
		}
	})
}

// After a promotion the node removes what has expired, and says so in its stream.
func TestRuleExpiryAfterPromotion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t)
		f := newFakePrimary(t, func(p *peer) {
			p.grant(file, 100)
			p.say("%s", frames("SELECT 0", fmt.Sprintf("SET k v PXAT %d", time.Now().UnixMilli()+500)))
			p.live()
		})
		r, _ := f.replica(nil)
		time.Sleep(time.Minute)
		f.l.Close()
		f.net.CutAll()
		synctest.Wait()
		id, end := r.Status().ID, r.Status().Offset
		n, err := r.Promote(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		sibling := clientOf(t, n)
		sibling.asks(id, end, "+CONTINUE")
		sibling.wants(frames("SELECT 0", "DEL k"))
		if left := n.DB(0).Len(); left != 0 {
			t.Errorf("%d keys left, want none", left)
		}
	})
}

// What a primary streams holds instants, never durations: a replica may get it late.
func TestRuleAbsoluteTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		tap := onlineAt(t, p)
		p.Do("SET", "k", "v")
		tap.wants(frames("SELECT 0", "SET k v"))
		now := time.Now()
		at := func(d time.Duration) string { return fmt.Sprint(now.Add(d).UnixMilli()) }
		for _, tc := range []struct{ command, want string }{
			{"SET k v EX 10", "SET k v PXAT " + at(10*time.Second)},
			{"SET k v PX 10", "SET k v PXAT " + at(10*time.Millisecond)},
			{"SETEX k 10 v", "SET k v PXAT " + at(10*time.Second)},
			{"PSETEX k 10 v", "SET k v PXAT " + at(10*time.Millisecond)},
			{"EXPIRE k 10", "PEXPIREAT k " + at(10*time.Second)},
			{"PEXPIRE k 10", "PEXPIREAT k " + at(10*time.Millisecond)},
			{"GETEX k EX 10", "PEXPIREAT k " + at(10*time.Second)},
			{"EXPIREAT k 1000000000", "PEXPIREAT k 1000000000000"},
		} {
			var args []any
			for _, w := range strings.Fields(tc.command) {
				args = append(args, w)
			}
			p.Do(args...)
			tap.wants(frames(tc.want))
		}
	})
}

// A primary up to 6.2 streams durations. They begin when they are applied, which is the best that a replica can do; a chained one gets them as they came.
func TestRuleRelativeTimes(t *testing.T) {
	for _, command := range []string{"SETEX k 10 v", "PSETEX k 10000 v", "SET k v EX 10", "SET k v PX 10000", "EXPIRE old 10", "PEXPIRE old 10000", "GETEX old EX 10"} {
		t.Run(command, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				file := rdbOf(t, "old")
				var at time.Time
				f := newFakePrimary(t, func(p *peer) {
					p.grant(file, 100)
					time.Sleep(3 * time.Second)
					at = time.Now()
					p.say("%s", frames("SELECT 0", command))
					p.live()
				})
				r, _ := f.replica(nil)
				time.Sleep(5 * time.Second)
				synctest.Wait()
				key := strings.Fields(command)[1]
				time.Sleep(10*time.Second - time.Since(at))
				if !r.DB(0).Exists(key) {
					t.Error("gone at its deadline already")
				}
				time.Sleep(time.Millisecond)
				if r.DB(0).Exists(key) {
					t.Error("there a millisecond after its deadline")
				}
				chained := clientOf(t, r)
				chained.asks(fakeID, 123, "+CONTINUE")
				chained.wants(frames(command))
			})
		})
	}
}

// A replica refuses writes, by a client and by the program. One that allows them keeps them to itself: they are in no stream, move no offset, and are gone after the
// next full resync.
func TestRuleReadOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("SET", "k", "v")
		r := p.Replica(&replication.ReplicaOptions{AllowReplicaOf: true})
		chained := clientOf(t, r)
		chained.send("REPLCONF", "capa", "psync2")
		chained.wants("+OK\r\n")
		chained.asks(p.Status().ID, p.Offset(), "+CONTINUE "+p.Status().ID)
		c := clientOf(t, r)
		const refusal = "-READONLY You can't write against a read only replica.\r\n"
		c.send("INCR", "mine")
		c.wants(refusal)
		for _, l := range []string{"MULTI", "INCR mine", "EXEC"} {
			c.send(strings.Fields(l)...)
		}
		c.wants("+OK\r\n" + refusal + "-EXECABORT Transaction discarded because of previous errors.\r\n")
		if _, err := r.DB(0).Do("INCR", "mine"); !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("the program's write = %v, want %v", err, store.ErrReadOnly)
		}
		before := where(r.Status())
		c.send("CONFIG", "SET", "replica-read-only", "no")
		c.wants("+OK\r\n")
		c.send("INCR", "mine")
		c.wants(":1\r\n")
		if got := where(r.Status()); got != before || r.Status().Tainted == "" {
			t.Errorf("the history is %s, was %s, tainted %q", got, before, r.Status().Tainted)
		}
		chained.silent(time.Second)
		p.Cut()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		settle()
		if err := r.Follow(ctx, p.URL()); err != nil {
			t.Fatal(err)
		}
		if get(r.Store(), "mine") != "" || r.Status().FullSyncs != 2 || r.Status().Tainted != "" {
			t.Errorf("mine = %q after %d full resyncs, tainted %q, want nothing, 2, no", get(r.Store(), "mine"), r.Status().FullSyncs, r.Status().Tainted)
		}
		replicationtest.Same(t, p.Store(), r.Store())
	})
}
