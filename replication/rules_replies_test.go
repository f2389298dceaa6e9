package replication_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// Replies to SYNC and PSYNC, first those that we give, then those that we get.

// A replica that has count bytes continues if and only if first <= count <= end, and then gets exactly the bytes behind count.
func TestRuleWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 100
		p := replicationtest.NewWith(t, &replicationtest.Options{Store: &store.Options{BacklogBytes: size}})
		p.Do("SET", "k", strings.Repeat("x", 300))
		for range 10 {
			p.Do("INCR", "n") // 21 bytes each
		}
		id, end := p.Status().ID, p.Offset()
		first := end - size
		written := frames("SELECT 0", "SET k "+strings.Repeat("x", 300)) + strings.Repeat(frames("INCR n"), 10)
		if int64(len(written)) != end {
			t.Fatalf("the stream has %d bytes, want %d", end, len(written))
		}
		full := fmt.Sprintf("+FULLRESYNC %s %d", id, end)
		for _, tc := range []struct {
			name  string
			count int64
			want  string
		}{
			{"nothing held", 0, full},
			{"first-1", first - 1, full},
			{"first", first, "+CONTINUE " + id},
			{"first+1", first + 1, "+CONTINUE " + id},
			{"end-1", end - 1, "+CONTINUE " + id},
			{"end", end, "+CONTINUE " + id},
			{"end+1", end + 1, full},
			{"far ahead", 1 << 40, full},
		} {
			r := capable(t, p)
			r.asks(id, tc.count, tc.want)
			if tc.want != full {
				r.wants(written[tc.count:])
				r.silent(time.Second) // and not a byte more
			}
			r.Close()
		}
	})
}

// The name before the last promotion is good for the bytes that it named: up to its limit, and not one byte beyond.
func TestRuleSecondID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("INCR", "n")
		heir := p.Replica(nil)
		p.Do("INCR", "n") // 44 bytes more: the cut made the stream select again
		barrier(t, heir)
		old, limit := p.Status().ID, p.Offset()
		n, err := heir.Promote(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		do(t, n.Store(), "INCR", "n")
		id, end := n.Status().ID, n.Offset()
		behind := frames("SELECT 0", "INCR n")
		if limit != 88 || end != 132 {
			t.Fatalf("limit %d and end %d, want 88 and 132", limit, end)
		}
		full := fmt.Sprintf("+FULLRESYNC %s %d", id, end)
		for _, tc := range []struct {
			name, id string
			count    int64
			want     string
			bytes    string
		}{
			{"old name, limit-1", old, limit - 1, "+CONTINUE " + id, "\n" + behind},
			{"old name, limit", old, limit, "+CONTINUE " + id, behind},
			{"old name, limit+1", old, limit + 1, full, ""},
			{"old name, end", old, end, full, ""},
			{"new name, limit", id, limit, "+CONTINUE " + id, behind},
			{"new name, limit+1", id, limit + 1, "+CONTINUE " + id, behind[1:]},
			{"new name, end", id, end, "+CONTINUE " + id, ""},
			{"new name, end+1", id, end + 1, full, ""},
			{"old name, before the replica's first byte", old, 43, full, ""},
			{"old name, the replica's first byte", old, 44, "+CONTINUE " + id, behind + behind},
		} {
			t.Log(tc.name)
			r := clientOf(t, n)
			r.send("REPLCONF", "capa", "eof", "capa", "psync2")
			r.wants("+OK\r\n")
			r.asks(tc.id, tc.count, tc.want)
			if tc.want != full {
				r.wants(tc.bytes)
				r.silent(time.Second)
			}
		}
	})
}

// IDs are compared without regard to case, and one of another length is nobody's.
func TestRuleIDForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("INCR", "n")
		id := p.Status().ID
		for _, tc := range []struct{ id, want string }{
			{id, "+CONTINUE " + id},
			{strings.ToUpper(id), "+CONTINUE " + id},
			{id[:39], "+FULLRESYNC " + id + " 44"},
			{id + "0", "+FULLRESYNC " + id + " 44"},
			{"?", "+FULLRESYNC " + id + " 44"},
		} {
			capable(t, p).asks(tc.id, 44, tc.want)
		}
	})
}

// CONTINUE names the ID to those that can take it, and stands alone for those that cannot.
func TestRuleContinueForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("INCR", "n")
		id := p.Status().ID
		for _, tc := range []struct{ capa, want string }{
			{"capa psync2", "+CONTINUE " + id},
			{"capa eof", "+CONTINUE"},
			{"capa unheard-of", "+CONTINUE"},
		} {
			r := dial(t, p)
			r.send(strings.Fields("REPLCONF " + tc.capa)...)
			r.wants("+OK\r\n")
			r.asks(id, 23, tc.want)
			r.wants(frames("INCR n"))
		}
	})
}

// FULLRESYNC names the offset of the cut, not that of the request: it is said when the payload begins. What is written until then is in the payload, what is
// written later is in the stream behind it.
func TestRuleFullResyncOffset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{DisklessDelay: 2500 * time.Millisecond}})
		p.Do("INCR", "n")
		r := capable(t, p)
		r.send("PSYNC", "?", "-1")
		time.Sleep(2400 * time.Millisecond)
		p.Do("INCR", "n")
		r.wants("\n\n")
		r.silent(99 * time.Millisecond)
		r.wants(fmt.Sprintf("+FULLRESYNC %s 65\r\n", p.Status().ID))
		p.Do("INCR", "n")
		if got := get(load(t, r.payload()), "n"); got != "2" {
			t.Errorf("n = %s in the payload, want 2", got)
		}
		r.send("REPLCONF", "ACK", "65")
		r.wants(frames("SELECT 0", "INCR n"))
	})
}

// Who is a replica already, or a monitor, is not made one once more: no reply, and what it gets goes on.
func TestRuleReplicaAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		monitor := dial(t, p)
		monitor.say("MONITOR\r\nPSYNC ? -1\r\nSYNC\r\nPING\r\n")
		monitor.wants("+OK\r\n+PONG\r\n")
		r := dial(t, p)
		r.online()
		for _, again := range []string{"PSYNC ? -1", "SYNC", "REPLICAOF NO ONE", "SET k v", "PING"} {
			r.send(strings.Fields(again)...)
			r.silent(time.Second)
		}
		p.Do("INCR", "n")
		r.wants(frames("SELECT 0", "INCR n"))
		if st := p.Status(); st.FullServed != 1 || len(st.Replicas) != 1 {
			t.Errorf("%d full resyncs for %d replicas, want 1 for 1", st.FullServed, len(st.Replicas))
		}
	})
}

// A replica whose own link is down takes nobody on, not even one that it could continue; when the link is up again it does.
func TestRuleNoPrimaryLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		middle := p.Replica(nil)
		p.Do("INCR", "n")
		barrier(t, middle)
		id := p.Status().ID
		p.Stall(0)
		p.Cut()
		synctest.Wait()
		const refusal = "-NOMASTERLINK Can't SYNC while not connected with my master"
		for _, ask := range []string{"PSYNC ? -1", "PSYNC " + id + " 45", "SYNC"} {
			r := clientOf(t, middle)
			r.send(strings.Fields(ask)...)
			r.wants(refusal + "\r\n")
		}
		p.Resume()
		settle()
		clientOf(t, middle).asks(id, 44, "+CONTINUE")
	})
}

// SYNC has no reply line: the payload with its length comes first, and the stream without waiting for an acknowledgement.
func TestRuleSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("INCR", "n")
		r := dial(t, p)
		r.say("SYNC\r\n")
		header := r.line()
		var size int
		if _, err := fmt.Sscanf(header, "$%d", &size); err != nil || header != fmt.Sprintf("$%d", size) {
			t.Fatalf("got %q, want a length", header)
		}
		if got := get(load(t, []byte(r.read(size))), "n"); got != "1" {
			t.Errorf("n = %q in the payload, want 1", got)
		}
		p.Do("INCR", "n")
		r.wants(frames("SELECT 0", "INCR n"))
	})
}

// Refusals that pass: the data stays and is served, the same bytes are asked for again after the back-off, and when the primary can it continues.
func TestRuleRefusedForNow(t *testing.T) {
	for _, refusal := range []string{
		"-NOMASTERLINK Can't SYNC while not connected with my master",
		"-LOADING Redis is loading the dataset in memory",
		"-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
		"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
		"-ERR SYNC and PSYNC are invalid with pending output",
		"-ERR BGSAVE failed, replication can't continue",
		"-ERR what nobody has thought of",
	} {
		t.Run(strings.Fields(refusal)[0]+" "+strings.Fields(refusal)[1], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				file := rdbOf(t, "k")
				var asked, at []string
				var start time.Time
				note := func(request string) {
					asked, at = append(asked, request), append(at, time.Since(start).String())
				}
				refuse := func(p *peer) { note(p.shakeHands()); p.say("%s\r\n", refusal); p.hold() }
				f := newFakePrimary(t,
					func(p *peer) {
						p.grant(file, 100)
						p.send("SELECT", "0")
						p.send("INCR", "n")
						settle()
						start = time.Now()
					},
					refuse, refuse, refuse,
					func(p *peer) { note(p.shakeHands()); p.say("+CONTINUE\r\n%s", frames("INCR n")); p.live() },
				)
				r, _ := f.replica(&replication.ReplicaOptions{Backoff: func(n int) time.Duration { return time.Duration(n) * time.Second }})
				time.Sleep(6 * time.Second) // after two refusals
				var refused *replication.RefusedError
				if st := r.Status(); st.Offset != 144 || get(r.Store(), "n") != "1" || !errors.As(st.Err, &refused) || "-"+refused.Reply != refusal {
					t.Errorf("while refused: offset %d, n = %q, %v", st.Offset, get(r.Store(), "n"), st.Err)
				}
				time.Sleep(10 * time.Second)
				synctest.Wait()
				again := "PSYNC " + fakeID + " 145"
				if got := strings.Join(asked, ", "); got != strings.Join([]string{again, again, again, again}, ", ") {
					t.Errorf("asked %s, want %s four times", got, again)
				}
				if got := strings.Join(at, " "); got != "1s 3s 6s 10s" {
					t.Errorf("asked after %s, want 1s 3s 6s 10s", got)
				}
				if st := r.Status(); st.FullSyncs != 1 || st.PartialSyncs != 1 || get(r.Store(), "n") != "2" {
					t.Errorf("afterwards: %d full, %d partial, n = %q, want 1, 1, 2", st.FullSyncs, st.PartialSyncs, get(r.Store(), "n"))
				}
			})
		})
	}
}

// An answer that names no proper history is not one: nothing of what follows it is read as a payload, and the data keeps its name.
func TestRuleBadID(t *testing.T) {
	bad := map[string]string{
		"39 characters":                         "+FULLRESYNC " + fakeID[1:] + " 200",
		"41 characters":                         "+FULLRESYNC " + fakeID + "0 200",
		"no hexadecimal digits":                 "+FULLRESYNC " + strings.Repeat("g", 40) + " 200",
		"no offset":                             "+FULLRESYNC " + fakeID,
		"negative offset":                       "+FULLRESYNC " + fakeID + " -1",
		"an answer that nobody offered to take": "+RDBCHANNELSYNC 5",
		"another of these":                      "+DUALCHANNELSYNC",
		"continue, 39":                          "+CONTINUE " + fakeID[1:],
		"continue, 41":                          "+CONTINUE " + fakeID + "0",
	}
	for name, reply := range bad {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				old, other := rdbOf(t, "old"), rdbOf(t, "new")
				asked := make(chan string, 1)
				f := newFakePrimary(t,
					func(p *peer) { p.grant(old, 100) },
					func(p *peer) { p.shakeHands(); p.say("%s\r\n$%d\r\n%s", reply, len(other), other); p.hold() },
					func(p *peer) { asked <- p.shakeHands(); p.say("+CONTINUE\r\n"); p.live() },
				)
				r, _ := f.replica(&replication.ReplicaOptions{Backoff: steadily(time.Second)})
				if got, want := <-asked, "PSYNC "+fakeID+" 101"; got != want {
					t.Errorf("asked %q, want %q", got, want)
				}
				if get(r.Store(), "old") != "v" || get(r.Store(), "new") != "" {
					t.Error("the payload behind the bad reply was taken")
				}
			})
		})
	}
}

// What CONTINUE says of the name decides about the history and about the chained replica: only a new name changes the one and drops the other, which then
// continues under the new name, from where it was.
func TestRuleContinue(t *testing.T) {
	const other = flipID
	before := `before "" -1`
	for _, tc := range []struct{ name, reply, want string }{
		{"no ID", "+CONTINUE", fakeID + " 144, " + before},
		{"the same ID", "+CONTINUE " + fakeID, fakeID + " 144, " + before},
		{"the same ID in capitals", "+CONTINUE " + strings.ToUpper(fakeID), fakeID + " 144, " + before},
		{"a new ID", "+CONTINUE " + other, other + ` 144, before "` + fakeID + `" 144`},
		{"a new ID in capitals", "+CONTINUE " + strings.ToUpper(other), other + ` 144, before "` + fakeID + `" 144`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				file := rdbOf(t, "k")
				cut := make(chan struct{})
				f := newFakePrimary(t,
					func(p *peer) { p.grant(file, 100); p.say("%s", frames("SELECT 0", "INCR n")); <-cut },
					func(p *peer) {
						p.shakeHands()
						p.say("%s\r\n", tc.reply)
						time.Sleep(5 * time.Second)
						p.say("%s", frames("INCR n"))
						p.live()
					},
				)
				r, _ := f.replica(&replication.ReplicaOptions{Backoff: steadily(time.Second)})
				settle()
				chained := clientOf(t, r)
				chained.send("REPLCONF", "capa", "psync2")
				chained.wants("+OK\r\n")
				chained.asks(fakeID, 100, "+CONTINUE "+fakeID)
				chained.wants(frames("SELECT 0", "INCR n"))
				close(cut)
				settle()
				if got := where(r.Status()); got != tc.want {
					t.Errorf("the history is %s, want %s", got, tc.want)
				}
				if strings.HasPrefix(tc.want, other) {
					chained.closed(time.Second)
					chained = clientOf(t, r)
					chained.send("REPLCONF", "capa", "psync2")
					chained.wants("+OK\r\n")
					chained.asks(fakeID, 144, "+CONTINUE "+other)
				}
				chained.wants(frames("INCR n"))
				if st := r.Status(); st.FullSyncs != 1 || st.PartialSyncs != 1 || get(r.Store(), "n") != "2" {
					t.Errorf("%d full, %d partial, n = %q, want 1, 1, 2", st.FullSyncs, st.PartialSyncs, get(r.Store(), "n"))
				}
			})
		})
	}
}

// Without credentials or PSYNC there is no use in trying again, and in no case is SYNC sent, which would lose the offset.
func TestRuleRefusedForGood(t *testing.T) {
	for _, refusal := range []string{
		"-NOAUTH Authentication required.",
		"-NOPERM this user has no permissions to run the 'psync' command",
		"-ERR unknown command 'PSYNC'",
	} {
		t.Run(strings.Fields(refusal)[0], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				file := rdbOf(t, "k")
				var after string
				f := newFakePrimary(t,
					func(p *peer) { p.grant(file, 100) },
					func(p *peer) { p.shakeHands(); p.say("%s\r\n", refusal); after = p.command() },
				)
				r, err := replication.Connect(t.Context(), "redis://fake:6379", &replication.ReplicaOptions{Dial: f.net.Dial})
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				time.Sleep(time.Hour)
				synctest.Wait()
				if st := r.Status(); st.State != replication.Stopped || st.Offset != 100 || get(r.Store(), "k") != "v" || f.net.Dials() != 2 || after != "" {
					t.Errorf("state %v at offset %d after %d connections, then %q; want stopped at 100 after 2, and nothing", st.State, st.Offset, f.net.Dials(), after)
				}
			})
		})
	}
}

// A server answers nobody before it has read its file, so that a primary never says LOADING: who connects meanwhile waits, and the first answer knows the data.
func TestRulePrimaryLoadsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := store.New(nil)
		defer s.Close()
		do(t, s, "SET", "k", "v")
		if err := s.Save(filepath.Join(dir, "dump.rdb")); err != nil {
			t.Fatal(err)
		}
		nw := memnet.New(nil)
		n, err := replication.NewServer([]string{"--bind", "127.0.0.1", "--dir", dir, "--save", "", "--repl-diskless-sync-delay", "0"},
			&replication.ServerOptions{Listen: func(string, string) (net.Listener, error) { return nw.Listen("server:6379") }})
		if err != nil {
			t.Fatal(err)
		}
		early := func(args ...string) *peer { // the port is open
			c, err := nw.Dial(t.Context(), "tcp", "server:6379")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			p := newPeer(t, c)
			p.send(args...)
			return p
		}
		client, replica := early("GET", "k"), early("PSYNC", "?", "-1")
		client.silent(time.Minute)
		replica.silent(time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		end := make(chan error, 1)
		go func() { end <- n.Run(ctx) }()
		client.wants("$1\r\nv\r\n")
		replica.expect("+FULLRESYNC ")
		cancel()
		if err := <-end; err != nil {
			t.Error(err)
		}
	})
}

// A file that cannot be read ends the server before it has answered anybody.
func TestRulePrimaryWithABrokenFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "dump.rdb"), []byte("REDIS0010 and no more"), 0o600); err != nil {
			t.Fatal(err)
		}
		nw := memnet.New(nil)
		n := run(t, nw, "--dir", dir, "--save", "")
		c, err := nw.Dial(t.Context(), "tcp", "server:6379")
		if err == nil {
			defer c.Close()
			p := newPeer(t, c)
			p.send("PING")
			p.closed(time.Second)
		}
		if err := <-n.end; err == nil || !strings.Contains(err.Error(), "dump.rdb") {
			t.Errorf("Run = %v, want an error that names the file", err)
		}
	})
}
