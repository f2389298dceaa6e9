package replication_test

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// connectFake returns a replica of a fake primary that has taken its first sync and keeps what made it stop.
func connectFake(t testing.TB, f *fakePrimary, o replication.ReplicaOptions) *replication.Replica {
	t.Helper()
	o.Dial = f.net.Dial
	r, err := replication.Connect(t.Context(), "redis://fake:6379", &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// What the stream stopped at must not be asked for again, or an order to follow could never help. What is asked for is everything, until it has come; after
// that the position counts again. Reads see the old data meanwhile.
func TestFollowAfterStop(t *testing.T) {
	poison := map[string]func(p *peer){
		"unknown command": func(p *peer) { p.send("FROBNICATE", "k") },
		"does not fit":    func(p *peer) { p.send("HSET", "old", "f", "v") },
		"too large":       func(p *peer) { p.say("*2\r\n$3\r\nGET\r\n$99999999999\r\n") },
	}
	again := map[string]func(t *testing.T, r *replication.Replica){
		"Follow": func(t *testing.T, r *replication.Replica) {
			if err := r.Follow(t.Context(), "redis://fake:6379"); err != nil {
				t.Error(err)
			}
		},
		"REPLICAOF": func(t *testing.T, r *replication.Replica) {
			c := clientOf(t, r)
			c.send("REPLICAOF", "fake", "6379")
			if got := c.line(); got != "+OK" {
				t.Errorf("REPLICAOF of the same address = %q, want +OK", got)
			}
		},
		"Follow, given up, Follow": func(t *testing.T, r *replication.Replica) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			r.Follow(ctx, "redis://nobody:6379") // the link to nobody does not make it forget
			if err := r.Follow(t.Context(), "redis://fake:6379"); err != nil {
				t.Error(err)
			}
		},
	}
	for what, spoil := range poison {
		for how, follow := range again {
			t.Run(what+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					old, new := rdbOf(t, "old"), rdbOf(t, "new")
					requests := make(chan string, 4)
					half := make(chan struct{})
					f := newFakePrimary(t,
						func(p *peer) { p.grant(old, 9); spoil(p); p.hold() },
						func(p *peer) { requests <- p.shakeHands() }, // and the link breaks
						func(p *peer) {
							requests <- p.shakeHands()
							p.say("+FULLRESYNC %s 50\r\n$%d\r\n%s", flipID, len(new), new[:20])
							<-half
							p.say("%s", new[20:])
							p.command()
						},
						func(p *peer) { requests <- p.shakeHands(); p.say("+CONTINUE\r\n"); p.hold() },
					)
					r := connectFake(t, f, replication.ReplicaOptions{AllowReplicaOf: true})
					settle()
					if st := r.Status(); st.State != replication.Stopped {
						t.Fatalf("state %v, err %v, want stopped", st.State, st.Err)
					}
					go func() {
						settle()
						if get(r.Store(), "old") != "v" {
							t.Error("the old data is gone before the new is complete")
						}
						close(half)
					}()
					follow(t, r)
					for _, want := range []string{"PSYNC ? -1", "PSYNC ? -1", "PSYNC " + flipID + " 51"} {
						if got := <-requests; got != want {
							t.Errorf("request %q, want %q", got, want)
						}
					}
					settle()
					if st := r.Status(); st.State != replication.Streaming || st.ID != flipID || get(r.Store(), "new") != "v" {
						t.Errorf("no recovery: %+v", st)
					}
				})
			})
		}
	}
}

// A stop that says nothing against the data keeps the position.
func TestFollowAfterRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		requests := make(chan string, 1)
		f := newFakePrimary(t,
			func(p *peer) { p.grant(file, 9); p.command() },
			func(p *peer) { p.command(); p.say("-NOAUTH x\r\n"); p.hold() },
			func(p *peer) {
				select {
				case requests <- p.shakeHands():
				default: // the first one counts
				}
				p.say("+CONTINUE\r\n")
				p.hold()
			},
		)
		r := connectFake(t, f, replication.ReplicaOptions{})
		settle()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.Follow(ctx, "redis://fake:6379"); err != nil {
			t.Error(err)
		}
		if got, want := <-requests, "PSYNC "+fakeID+" 10"; got != want {
			t.Errorf("request %q, want %q", got, want)
		}
	})
}

// redis-server passes over acknowledgements until it has noticed that the payload is out. The replica repeats its first one soon, not at its next beat, and stops
// doing so when the stream begins.
func TestFirstAckIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		began := make(chan time.Duration, 1)
		f := newFakePrimary(t, func(p *peer) {
			p.grant(file, 9)
			start := time.Now()
			for time.Since(start) < 100*time.Millisecond { // it is busy with its child
				p.command()
			}
			began <- time.Since(start)
			p.send("PING")
			first := time.Now()
			for range 3 {
				p.command()
			}
			if d := time.Since(first); d < 2*time.Second {
				t.Errorf("three acknowledgements within %v of the stream: it is repeated still", d)
			}
			p.hold()
		})
		f.replica(nil)
		if d := <-began; d != 150*time.Millisecond {
			t.Errorf("an acknowledgement was heard %v after the payload, want 150ms", d)
		}
		time.Sleep(5 * time.Second)
	})
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		var at []int64 // ms
		f := newFakePrimary(t, func(p *peer) {
			p.grant(file, 9)
			start := time.Now()
			for range 10 {
				p.command()
				at = append(at, time.Since(start).Milliseconds())
			}
			p.hold()
		})
		r, _ := f.replica(nil)
		time.Sleep(20 * time.Second)
		r.Close()
		if want := []int64{0, 10, 30, 70, 150, 310, 630, 1000, 1270, 2000}; !slices.Equal(at, want) {
			t.Errorf("acknowledgements at %v ms, want %v", at, want)
		}
	})
}

// The error of a Connect that ran out of time says what it was waiting for, and why the last attempt failed.
func TestConnectSaysWhere(t *testing.T) {
	nobody := errors.New("nobody there")
	for _, tc := range []struct {
		name, url, stage string
		do               func(p *peer)
		dial             func(ctx context.Context, network, addr string) (net.Conn, error)
		want             error // of the last attempt, nil if the first is still under way
	}{
		{name: "refused", stage: "dialing", want: nobody, dial: func(context.Context, string, string) (net.Conn, error) { return nil, nobody }},
		{name: "no answer", stage: "dialing", dial: func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }},
		{name: "TLS", url: "rediss://fake:6379", stage: "TLS handshake", do: func(p *peer) { p.hold() }},
		{name: "PING", stage: "waiting for the reply to PING", do: func(p *peer) { p.hold() }},
		{name: "AUTH", url: "redis://:p@fake:6379", stage: "waiting for the reply to AUTH", do: func(p *peer) { p.command(); p.say("+PONG\r\n"); p.hold() }},
		{name: "REPLCONF", stage: "waiting for the reply to REPLCONF", do: func(p *peer) { p.command(); p.say("+PONG\r\n"); p.hold() }},
		{name: "PSYNC", stage: "waiting for the reply to PSYNC", do: func(p *peer) { p.shakeHands(); p.hold() }},
		{name: "payload", stage: "waiting for the payload", do: func(p *peer) { p.shakeHands(); p.say("+FULLRESYNC %s 9\r\n", fakeID); p.hold() }},
		{name: "in the payload", stage: "reading the payload", do: func(p *peer) { p.shakeHands(); p.say("+FULLRESYNC %s 9\r\n$1000\r\nREDIS", fakeID); p.hold() }},
		{name: "refusal", stage: "waiting for the reply to PSYNC", want: &replication.RefusedError{Command: "PSYNC", Reply: "BUSY x"},
			do: func(p *peer) { p.shakeHands(); p.say("-BUSY x\r\n"); p.hold() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if tc.url == "" {
					tc.url = "redis://fake:6379"
				}
				dial := tc.dial
				if dial == nil {
					dial = newFakePrimary(t, tc.do).net.Dial
				}
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				_, err := replication.Connect(ctx, tc.url, &replication.ReplicaOptions{Dial: dial})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("Connect = %v, want the end of the context", err)
				}
				if text := err.Error(); !strings.Contains(text, "primary fake:6379: "+tc.stage) {
					t.Errorf("Connect = %q, want %q in it", text, tc.stage)
				}
				want := tc.want
				if want == nil {
					want = context.DeadlineExceeded
				}
				var failed *replication.LinkError
				if !errors.As(err, &failed) || failed.Primary != "fake:6379" || failed.Stage != tc.stage || failed.Err.Error() != want.Error() {
					t.Errorf("Connect = %v, want it to be or wrap a LinkError with %v", err, want)
				}
				if tc.want == nobody && !errors.Is(err, nobody) {
					t.Errorf("Connect = %v, which is not %v", err, nobody)
				}
			})
		})
	}
}

// A context that has ended before the first attempt began is no other case.
func TestConnectTooLate(t *testing.T) {
	for range 50 { // whether it is noticed before or after the start is chance
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := replication.Connect(ctx, "redis://nobody:6379", &replication.ReplicaOptions{
			Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() },
		})
		var failed *replication.LinkError
		if !errors.Is(err, context.Canceled) || !errors.As(err, &failed) || failed.Stage != "dialing" {
			t.Fatalf("Connect = %v, want a LinkError that is %v", err, context.Canceled)
		}
	}
}

// The payload is named once, whatever was wrong with it.
func TestPayloadErrorText(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{io.ErrUnexpectedEOF, "at offset 7: unexpected EOF"},
		{&rdb.CorruptError{Offset: 5, What: "key", Err: io.ErrUnexpectedEOF}, "rdb: key at offset 5: unexpected EOF"},
		{&rdb.UnsupportedError{Offset: 5, What: "version 99"}, "rdb: not supported: version 99, at offset 5"},
	} {
		e := &replication.PayloadError{Offset: 7, Err: tc.err}
		if got, want := e.Error(), "replication: payload: "+tc.want; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		l := &replication.LinkError{Primary: "p:1", Stage: "reading the payload", Err: e}
		if got, want := l.Error(), "replication: primary p:1: reading the payload: "+tc.want; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// ring starts a replica for each address, each of which follows the next one, on data that they have in common.
func ring(t testing.TB, addrs ...string) []*replication.Replica {
	p := replicationtest.New(t)
	p.Do("SET", "k", "v")
	net := memnet.New(nil)
	var list []*replication.Replica
	for i, addr := range addrs {
		s := store.New(nil)
		p.Replica(&replication.ReplicaOptions{Store: s}).Close()
		r, _ := startReplica(t, "redis://"+addrs[(i+1)%len(addrs)], &replication.ReplicaOptions{Store: s, Dial: net.Dial})
		l, err := net.Listen(addr)
		if err != nil {
			t.Fatal(err)
		}
		go r.Serve(l)
		list = append(list, r)
	}
	return list
}

// Nodes that follow each other in a circle have no primary among them. None says that it is well.
func TestFollowInACircle(t *testing.T) {
	for _, addrs := range [][]string{{"a:1"}, {"a:1", "b:1"}, {"a:1", "b:1", "c:1"}} {
		synctest.Test(t, func(t *testing.T) {
			list := ring(t, addrs...)
			for range 20 {
				time.Sleep(7 * time.Second)
				for i, r := range list {
					var refused *replication.RefusedError
					st := r.Status()
					if st.State == replication.Streaming || !errors.As(st.Err, &refused) || !strings.HasPrefix(refused.Reply, "NOMASTERLINK") {
						t.Fatalf("%d of %v: state %v, err %v, want NOMASTERLINK", i, addrs, st.State, st.Err)
					}
				}
			}
		})
	}
}

// A primary that becomes the replica of its own replica makes a circle of two links that are up. They do not stay.
func TestFollowOneOfTheReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(nil)
		listen(t, p, r, "replica:6379")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		o := &replication.ReplicaOptions{Dial: p.Dial, Announce: "primary:6379"}
		if _, err := p.Follow(ctx, "redis://replica:6379", o); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Follow = %v, want the end of the context", err)
		}
		for range 20 {
			time.Sleep(7 * time.Second)
			if a, b := p.Status(), r.Status(); a.State == replication.Streaming || b.State == replication.Streaming {
				t.Fatalf("states %v and %v, want none streaming", a.State, b.State)
			}
		}
	})
}

// After Close all calls say so, whatever came before it.
func TestCallsOnAClosedReplica(t *testing.T) {
	check := func(t *testing.T, name string, r *replication.Replica) {
		r.Close()
		for call, err := range map[string]error{
			"WaitReady":    r.WaitReady(t.Context()),
			"WaitOffset 0": r.WaitOffset(t.Context(), 0),
			"WaitOffset":   r.WaitOffset(t.Context(), 1<<40),
			"Barrier":      r.Barrier(t.Context()),
			"Follow":       r.Follow(t.Context(), "redis://primary:6379"),
			"Run":          r.Run(t.Context()),
		} {
			if !errors.Is(err, replication.ErrClosed) {
				t.Errorf("%s: %s after Close = %v, want %v", name, call, err, replication.ErrClosed)
			}
		}
	}
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		check(t, "synced", p.Replica(nil))
		idle, err := replication.NewReplica(p.URL(), &replication.ReplicaOptions{Dial: p.Dial})
		if err != nil {
			t.Fatal(err)
		}
		check(t, "never ran", idle)
	})
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		r := connectFake(t, newFakePrimary(t, func(p *peer) { p.grant(file, 9); p.send("FROBNICATE"); p.hold() }), replication.ReplicaOptions{})
		settle()
		var u *store.UnknownCommandError
		if err := r.WaitReady(t.Context()); !errors.As(err, &u) {
			t.Errorf("WaitReady when stopped = %v, want the reason", err)
		}
		if err := r.WaitOffset(t.Context(), 9); err != nil {
			t.Errorf("WaitOffset of what is there = %v", err)
		}
		check(t, "stopped", r)
	})
}

// A type that is not understood is named with its database and one offset; the key is for errors.As, since errors are logged.
func TestUnsupportedTypeInThePayload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := []byte("REDIS0014\xfe\x03\x1c\x06basket\x01\x05apple\xff\x00\x00\x00\x00\x00\x00\x00\x00")
		f := newFakePrimary(t, func(p *peer) { p.grant(file, 9); p.hold() })
		_, err := replication.Connect(t.Context(), "redis://fake:6379", &replication.ReplicaOptions{Dial: f.net.Dial})
		const want = `replication: primary fake:6379: reading the payload: rdb: not supported: value type 28 (array), a value in database 3, at offset 11`
		var u *rdb.UnsupportedError
		if err == nil || err.Error() != want || !errors.As(err, &u) || u.Key != "basket" {
			t.Errorf("Connect = %v (%+v), want %s, and the key by errors.As", err, u, want)
		}
	})
}

// Nothing to serve is an error of the caller, told at once.
func TestServeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(nil)
		for name, n := range map[string]interface {
			Serve(net.Listener) error
			ServeConn(context.Context, net.Conn) error
		}{"primary": p, "replica": r} {
			if err := n.Serve(nil); err == nil {
				t.Errorf("%s: Serve(nil) returned without an error", name)
			}
			if err := n.ServeConn(t.Context(), nil); err == nil {
				t.Errorf("%s: ServeConn(nil) returned without an error", name)
			}
		}
	})
}

// A failure that goes on costs a line for the first, second, fourth, eighth time, with the reason; steps on the way cost none.
func TestLogOfFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.InfoLevel)
		p := replicationtest.New(t)
		up := true
		r := p.Replica(&replication.ReplicaOptions{
			Logger:  zap.New(core),
			Backoff: func(int) time.Duration { return 1500 * time.Millisecond },
			Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				if !up {
					return nil, errors.New("nobody there")
				}
				return p.Dial(ctx, network, addr)
			},
		})
		up = false
		p.Cut()
		time.Sleep(30 * time.Second) // 20 attempts
		r.Close()
		var lines, levels []string
		for _, e := range logs.All() {
			lines, levels = append(lines, e.Message), append(levels, e.Level.String())
			if m := e.ContextMap(); e.Level == zapcore.WarnLevel && (m["retry"] != "1.5s" || !strings.Contains(m["error"].(string), "primary:6379: ")) {
				t.Errorf("%s: %v, want the reason and a pause of 1.5s", e.Message, m)
			}
		}
		if got, want := strings.Join(lines, ", "), "full resync done, link state changed, link lost, cannot follow, cannot follow, cannot follow, cannot follow"; got != want {
			t.Errorf("the log says %s, want %s", got, want)
		}
		if got, want := strings.Join(levels, " "), "info info warn warn warn warn warn"; got != want {
			t.Errorf("at levels %s, want %s", got, want)
		}
	})
}

// Run is called in a goroutine of its own, and Follow may overtake it.
func TestFollowWaitsForRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := replicationtest.New(t)
		other.Do("INCR", "n")
		r, err := replication.NewReplica("redis://nobody", &replication.ReplicaOptions{Dial: other.Dial})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		done := make(chan error, 1)
		go func() { done <- r.Follow(t.Context(), other.URL()) }()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("Follow did not wait: %v", err)
		default:
		}
		go r.Run(t.Context())
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if v, err := r.DB(0).Get("n"); v != "1" || err != nil {
			t.Errorf("got %q, %v", v, err)
		}
		r.Close()
		if err := r.Follow(t.Context(), other.URL()); !errors.Is(err, replication.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}
