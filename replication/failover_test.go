package replication_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// serving returns a replica of p that listens under name in p's network and may be asked to take over.
func serving(t *testing.T, p *replicationtest.Primary, name string) *replication.Replica {
	t.Helper()
	r := p.Replica(&replication.ReplicaOptions{AllowReplicaOf: true, Announce: name + ":6379"})
	l := p.Listen(name + ":6379")
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Serve(l)
	}()
	t.Cleanup(func() { r.Close(); <-done })
	return r
}

// Under load from all doors, roles change and no write that was answered is missing; nobody needs a full resync, and the stream goes on to all.
func TestFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{PingPeriod: 50 * time.Millisecond}})
		a, b := serving(t, p, "a"), serving(t, p, "b")
		var mu sync.Mutex
		acknowledged := 0
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for ctx.Err() == nil {
					if _, err := p.DB(0).Incr("n", 1); err == nil {
						mu.Lock()
						acknowledged++
						mu.Unlock()
					} else if !errors.Is(err, store.ErrSealed) && !errors.Is(err, store.ErrReadOnly) {
						t.Errorf("writer %d: %v", i, err)
					}
					time.Sleep(time.Millisecond)
				}
			})
		}
		client := clientOf(t, p)
		defer client.Close()
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				var got string
				if i%2 == 0 {
					got = client.reply("INCR", "n")
				} else {
					client.reply("MULTI")
					if got = client.reply("INCR", "n"); got == "QUEUED" {
						got = client.reply("EXEC")
					} else {
						client.reply("DISCARD")
					}
				}
				switch {
				case strings.Contains(got, "READONLY"):
				case strings.HasPrefix(got, "-"):
					t.Errorf("client: %s", got)
				default:
					mu.Lock()
					acknowledged++
					mu.Unlock()
				}
				time.Sleep(time.Millisecond)
			}
		})
		time.Sleep(time.Second)
		p.Do("SET", "short", "v", "PX", "1")
		old, err := p.Failover(t.Context(), &replication.FailoverOptions{To: "a:6379", Replica: &replication.ReplicaOptions{Dial: p.Dial}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		stop()
		wg.Wait()
		settle()
		if st := a.Status(); st.Role != replication.RolePrimary {
			t.Fatalf("a is %v", st.Role)
		}
		if got := get(a.Store(), "n"); got != itoa(acknowledged) || acknowledged < 1000 {
			t.Errorf("n = %s, %d writes were acknowledged", got, acknowledged)
		}
		do(t, a.Store(), "INCR", "n")
		settle()
		for name, r := range map[string]*replication.Replica{"the old primary": old, "b": b} {
			replicationtest.Same(t, a.Store(), r.Store())
			if st := r.Status(); st.State != replication.Streaming || st.ID != a.Status().ID || st.PartialSyncs == 0 {
				t.Errorf("%s: %+v", name, st)
			}
		}
		if full, sibling := old.Status().FullSyncs, b.Status().FullSyncs; full != 0 || sibling != 1 {
			t.Errorf("%d full resyncs of the old primary, %d of the sibling, want 0 and 1", full, sibling)
		}
		if st := old.Status(); st.Failover != replication.FailoverNone || !errors.Is(st.Refusing, store.ErrReadOnly) {
			t.Errorf("after the failover: %v, refusing %v", st.Failover, st.Refusing)
		}
	})
}

// scripted is a primary with a replica that only pretends to be one: it acknowledges what the test says, and whoever calls the address that it announces meets the
// scripts, in their order.
type scripted struct {
	*replicationtest.Primary
	replica *peer
	asked   chan string // requests that came
}

func newScripted(t *testing.T, scripts ...func(p *peer)) *scripted {
	s := &scripted{Primary: replicationtest.New(t), asked: make(chan string, 10)}
	l := s.Listen("r:7")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p := newPeer(t, c)
			s.asked <- p.shakeHands()
			scripts[min(i, len(scripts)-1)](p)
			p.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); s.Cut(); <-done })
	s.Do("INCR", "n")
	s.replica = clientOf(t, s)
	s.replica.send("REPLCONF", "listening-port", "7", "ip-address", "r")
	s.replica.expect("+OK")
	s.replica.follow()
	return s
}

func (s *scripted) options() *replication.FailoverOptions {
	return &replication.FailoverOptions{To: "r:7", Replica: &replication.ReplicaOptions{Dial: s.Dial, Backoff: func(int) time.Duration { return time.Second }}}
}

// begin starts a failover and returns what it comes to. The replica acknowledges everything.
func (s *scripted) begin(ctx context.Context, o *replication.FailoverOptions) (end chan error, r **replication.Replica) {
	end, r = make(chan error, 1), new(*replication.Replica)
	go func() {
		var err error
		*r, err = s.Failover(ctx, o)
		end <- err
	}()
	settled()
	s.replica.send("REPLCONF", "ACK", itoa(int(s.Offset())))
	settled()
	return end, r
}

const promotedID = "ffeeddccbbaa99887766554433221100ffeeddcc"

// What the replica answers decides: yes, no, nothing, or nothing and then that it is a primary already.
func TestFailoverAnswers(t *testing.T) {
	grant := func(p *peer) { p.say("+CONTINUE %s\r\n", promotedID); p.live() }
	refuse := func(text string) func(*peer) { return func(p *peer) { p.say("%s\r\n", text); p.hold() } }
	hangUp := func(*peer) {}
	for _, tc := range []struct {
		name    string
		scripts []func(*peer)
		fails   bool
		asked   string // F with FAILOVER, P without
	}{
		{"yes", []func(*peer){grant}, false, "F"},
		{"no", []func(*peer){refuse("-ERR PSYNC FAILOVER replid must match my replid.")}, true, "F"},
		{"later", []func(*peer){refuse("-NOMASTERLINK x")}, true, "F"},
		{"it was a primary before", []func(*peer){refuse("-ERR PSYNC FAILOVER can't be sent to a master.")}, true, "F"},
		{"nothing, then yes", []func(*peer){hangUp, grant}, false, "FF"},
		{"nothing, and it has taken over", []func(*peer){hangUp, refuse("-ERR PSYNC FAILOVER can't be sent to a master."), grant}, false, "FFP"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScripted(t, tc.scripts...)
				before := s.Status()
				end, r := s.begin(t.Context(), s.options())
				err := <-end
				settle()
				after := s.Status()
				if tc.fails {
					if !as[*replication.RefusedError](err) || *r != nil || after.Role != replication.RolePrimary || after.ID == before.ID || after.Secondary != before.ID {
						t.Errorf("Failover = %v; %+v", err, after)
					}
					if err := s.DB(0).Set("k", "v", 0); err != nil {
						t.Errorf("write afterwards: %v", err)
					}
				} else if err != nil || *r == nil || after.Role != replication.RoleReplica || after.ID != promotedID || after.State != replication.Streaming {
					t.Errorf("Failover = %v; %+v", err, after)
				}
				for _, kind := range tc.asked {
					want := fmt.Sprintf("PSYNC %s %d", before.ID, after.SecondaryLimit+1)
					if kind == 'F' {
						want += " FAILOVER"
					}
					select {
					case got := <-s.asked:
						if got != want {
							t.Errorf("asked %q, want %q", got, want)
						}
					default:
						t.Errorf("not asked %q", want)
					}
				}
				if len(s.asked) > 0 {
					t.Errorf("asked also %q", <-s.asked)
				}
			})
		})
	}
}

// While the replica is waited for nothing gets into the stream, and an end leaves everything as it was: by time, by an order, by the end of the context.
func TestFailoverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScripted(t, func(p *peer) { p.say("-ERR not yet\r\n") })
		c, other := clientOf(t, s), clientOf(t, s)
		defer c.Close()
		defer other.Close()
		before := s.Status()
		ctx, cancel := context.WithCancel(t.Context())
		timeout := s.options()
		timeout.Timeout = 3 * time.Second
		for _, tc := range []struct {
			name string
			o    *replication.FailoverOptions
			end  func()
			want error
		}{
			{"time", timeout, func() { time.Sleep(2 * time.Second) }, replication.ErrFailoverTimeout},
			{"order", s.options(), func() {
				if got := other.reply("FAILOVER", "ABORT"); !strings.Contains(got, "inside another program") {
					t.Errorf("FAILOVER ABORT = %s", got)
				}
				cancel()
			}, context.Canceled},
		} {
			s.Do("SET", "short", "v", "PX", "100")
			end := make(chan error, 1)
			go func() {
				_, err := s.Failover(ctx, tc.o)
				end <- err
			}()
			settled()
			sealed := s.Offset()
			s.replica.send("REPLCONF", "ACK", itoa(int(sealed)-1)) // one byte short
			c.send("INCR", "n")                                    // waits
			time.Sleep(time.Second)
			if st := s.Status().Failover; st != replication.FailoverWaiting {
				t.Fatalf("%s: with one byte missing it is %v", tc.name, st)
			}
			if got := other.reply("GET", "n"); got == "(nil)" || s.Offset() != sealed {
				t.Errorf("%s: n = %s, the stream grew by %d bytes", tc.name, got, s.Offset()-sealed)
			}
			if err := s.DB(0).Set("k", "v", 0); !errors.Is(err, store.ErrSealed) {
				t.Errorf("%s: write = %v", tc.name, err)
			}
			soon, stop := context.WithTimeout(t.Context(), time.Second)
			defer stop()
			if _, err := s.Failover(soon, nil); !errors.Is(err, replication.ErrFailingOver) {
				t.Errorf("%s: a second one = %v", tc.name, err)
			}
			if _, err := s.Follow(t.Context(), s.URL(), &replication.ReplicaOptions{Dial: s.Dial}); !errors.Is(err, replication.ErrFailingOver) {
				t.Errorf("%s: Follow = %v", tc.name, err)
			}
			if got := infoField(t, other, "master_failover_state"); got != "waiting-for-sync" {
				t.Errorf("%s: state %q", tc.name, got)
			}
			tc.end()
			if err := <-end; !errors.Is(err, tc.want) {
				t.Errorf("%s: Failover = %v, want %v", tc.name, err, tc.want)
			}
			if v, err := c.in.ReadValue(); err != nil || v.Int == 0 {
				t.Errorf("%s: the write that waited = %v, %v", tc.name, v, err)
			}
			if st := s.Status(); st.ID != before.ID || st.Role != replication.RolePrimary || st.Refusing != nil {
				t.Errorf("%s: afterwards %+v", tc.name, st)
			}
		}
		if len(s.asked) > 0 {
			t.Errorf("the replica was asked: %q", <-s.asked)
		}
	})
}

// With Force the replica is asked when the time is over, whatever it has.
func TestFailoverByForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScripted(t, func(p *peer) { p.say("+FULLRESYNC %s 5\r\n", promotedID); p.hold() })
		o := s.options()
		o.Timeout, o.Force = 3*time.Second, true
		start := time.Now()
		if _, err := s.Failover(t.Context(), o); err != nil || time.Since(start) != 3*time.Second {
			t.Errorf("Failover = %v after %v", err, time.Since(start))
		}
		if got := <-s.asked; !strings.HasSuffix(got, " FAILOVER") {
			t.Errorf("asked %q", got)
		}
	})
}

// A replica that was asked and does not answer may have taken over: the end of the context must not make a second primary.
func TestFailoverUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScripted(t, func(p *peer) { p.hold() })
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		end, r := s.begin(ctx, s.options())
		if err := <-end; !errors.Is(err, context.DeadlineExceeded) || *r == nil {
			t.Errorf("Failover = %v, %v", *r, err)
		}
		if st := s.Status(); st.Role != replication.RoleReplica || !errors.Is(st.Refusing, store.ErrReadOnly) {
			t.Errorf("afterwards: %+v", st)
		}
	})
	// Not reached at all, it has not.
	synctest.Test(t, func(t *testing.T) {
		s := newScripted(t, func(p *peer) { p.hold() })
		o := s.options()
		o.Replica.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			return nil, errors.New("unreachable")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		end, r := s.begin(ctx, o)
		if err := <-end; !errors.Is(err, context.DeadlineExceeded) || *r != nil {
			t.Errorf("Failover = %v, %v", *r, err)
		}
		if err := s.DB(0).Set("k", "v", 0); err != nil {
			t.Errorf("write afterwards: %v", err)
		}
	})
}

// Close ends a failover in either step.
func TestFailoverEndsWithClose(t *testing.T) {
	for _, acknowledged := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newScripted(t, func(p *peer) { p.hold() })
			end := make(chan error, 1)
			go func() {
				_, err := s.Failover(t.Context(), s.options())
				end <- err
			}()
			settled()
			if acknowledged {
				s.replica.send("REPLCONF", "ACK", itoa(int(s.Offset())))
				settled()
			}
			s.Close()
			if err := <-end; !errors.Is(err, replication.ErrClosed) {
				t.Errorf("Failover = %v, want %v", err, replication.ErrClosed)
			}
		})
	}
}

// Who asks a node to take over must be steering it, and mean the history that it has.
func TestTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("INCR", "n")
		steered, own := serving(t, p, "a"), p.Replica(nil)
		id, next := p.Status().ID, itoa(int(p.Offset())+1)
		settle()
		for _, tc := range []struct {
			to interface {
				ServeConn(context.Context, net.Conn) error
			}
			id, want string
		}{
			{p, id, "-ERR understudy does not offer 'PSYNC FAILOVER' inside another program"},
			{own, id, "-ERR understudy does not offer 'PSYNC FAILOVER' inside another program"},
			{steered, strings.Repeat("0", 40), "-ERR PSYNC FAILOVER replid must match my replid."},
			{steered, strings.ToUpper(id), "+CONTINUE"},
			{steered, id, "-ERR PSYNC FAILOVER can't be sent to a master."},
		} {
			c := clientOf(t, tc.to)
			c.send("PSYNC", tc.id, next, "failover")
			c.expect(tc.want)
			c.Close()
			settled()
		}
		if got := own.Status().Role; got != replication.RoleReplica {
			t.Errorf("the program's own is a %v", got)
		}
		if st := steered.Status(); st.Role != replication.RolePrimary || st.Secondary != id {
			t.Errorf("after taking over: %+v", st)
		}
	})
}

// Who has not said where it listens cannot take over: that is known before a single write is refused.
func TestFailoverWithoutAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Replica(nil)
		settled()
		if _, err := p.Failover(t.Context(), nil); !errors.Is(err, replication.ErrNoSuccessor) {
			t.Errorf("Failover = %v", err)
		}
		p.Do("INCR", "n")
	})
}
