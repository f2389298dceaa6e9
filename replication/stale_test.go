package replication_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
)

const primaryDown = "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."

// A replica that refuses stale data answers with it only while its link is up: neither before the first sync is done nor after a cut. What asks for no data works all
// the time, and so do reads in Go.
func TestRefuseStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, goOn := rdbOf(t, "k"), make(chan struct{})
		f := newFakePrimary(t,
			func(p *peer) {
				p.shakeHands()
				p.say("+FULLRESYNC %s 9\r\n$%d\r\n%s", fakeID, len(old), old[:len(old)-1])
				<-goOn
				p.say("%s", old[len(old)-1:])
				<-goOn
			},
			func(p *peer) { p.shakeHands(); p.say("+CONTINUE\r\n"); p.hold() },
		)
		r, _ := f.replica(&replication.ReplicaOptions{RefuseStale: true, Backoff: func(int) time.Duration { return 10 * time.Second }})
		c := clientOf(t, r)
		defer c.Close()
		check := func(when string, stale bool) {
			t.Helper()
			settled()
			for _, tc := range []struct{ command, fresh, stale string }{
				{"GET k", `"v"`, primaryDown},
				{"PING", "PONG", primaryDown},
				{"WAIT 0 0", "-ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.", primaryDown},
				{"SET k v", "-READONLY You can't write against a read only replica.", "-READONLY You can't write against a read only replica."},
				{"GET", "-ERR wrong number of arguments for 'get' command", "-ERR wrong number of arguments for 'get' command"},
				{"PUBLISH ch m", "0", "0"},
				{"CLIENT GETNAME", "(nil)", "(nil)"},
				{"MULTI", "OK", "OK"},
				{"PUBLISH ch m", "QUEUED", "QUEUED"},
				{"GET k", "QUEUED", primaryDown},
				{"EXEC", `[0 "v"]`, "-EXECABORT Transaction discarded because of previous errors."},
			} {
				want := tc.fresh
				if stale {
					want = tc.stale
				}
				if got := c.reply(strings.Fields(tc.command)...); got != want {
					t.Errorf("%s: %s = %s, want %s", when, tc.command, got, want)
				}
			}
		}
		check("during the first sync", true)
		goOn <- struct{}{}
		check("up", false)
		// Queued while the data was current, executed when it is not.
		c.reply("MULTI")
		c.reply("GET", "k")
		goOn <- struct{}{}
		settled()
		if got := c.reply("EXEC"); got != "-EXECABORT Transaction discarded because of: "+primaryDown[1:] {
			t.Errorf("EXEC = %s", got)
		}
		check("after a cut", true)
		if got := get(r.Store(), "k"); got != "v" {
			t.Errorf("k = %q in Go", got)
		}
		time.Sleep(10 * time.Second)
		check("up again", false)
		if _, err := r.Promote(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if got := c.reply("GET", "k"); got != `"v"` {
			t.Errorf("after promotion GET = %s", got)
		}
	})
}

// Without the setting a cut changes nothing; CONFIG SET changes that at once.
func TestStaleDataIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("INCR", "n")
		r := p.Replica(&replication.ReplicaOptions{AllowReplicaOf: true, Backoff: func(int) time.Duration { return time.Hour }})
		c := clientOf(t, r)
		defer c.Close()
		p.Cut()
		settled()
		for _, tc := range []struct{ set, want string }{{"", `"1"`}, {"no", primaryDown}, {"yes", `"1"`}} {
			if tc.set != "" {
				c.reply("CONFIG", "SET", "slave-serve-stale-data", tc.set)
			}
			if got := c.reply("GET", "n"); got != tc.want {
				t.Errorf("set to %q: GET = %s, want %s", tc.set, got, tc.want)
			}
		}
	})
}
