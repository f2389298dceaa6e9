package replication_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// These tests let two things happen at once, or one in the middle of another: what each of them does right alone.

// A replica that becomes tainted while a group waits for its cut hands out the tainted data under its primary's (ID, offset).
func TestOverlapTaintedCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("SET", "k", "v")
		r := p.Replica(&replication.ReplicaOptions{DisklessDelay: 3 * time.Second, AllowReplicaOf: true})
		l := p.Listen("a:6379")
		done := make(chan struct{})
		go func() { defer close(done); r.Serve(l) }()
		t.Cleanup(func() { r.Close(); <-done })
		sub, _ := startReplica(t, "redis://a:6379", &replication.ReplicaOptions{Dial: p.Dial})
		time.Sleep(time.Second) // attached, waits for company
		r.Store().Replication().SetWritable(true)
		if err := r.DB(0).Set("mine", "x", 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		st := sub.Status()
		if st.ID == p.Status().ID && st.Tainted == "" && get(sub.Store(), "mine") != get(p.Store(), "mine") {
			t.Errorf("an untainted node has (%s, %d) with data that the primary has not", st.ID, st.Offset)
		}
	})
}

// formerPrimary is a node that keeps former data, was promoted, and has a pretended replica that announces r:7.
func formerPrimary(t *testing.T, script func(p *peer)) (r *replication.Replica, p *replication.Primary, rep *peer, ackAll func()) {
	file := rdbOf(t, keysOf(20)...)
	f := newFakePrimary(t,
		func(p *peer) { p.grant(file, 1000); p.command() },
		func(p *peer) { p.grantAs(strangerID, file, 5000); p.live() },
	)
	r, _ = f.replica(nil)
	time.Sleep(5 * time.Second)
	if st := r.Status(); st.Former == nil || st.ID != strangerID {
		t.Fatalf("%+v", st)
	}
	p, err := r.Promote(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := f.net.Listen("r:7")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			q := newPeer(t, c)
			q.shakeHands()
			script(q)
			q.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); f.net.CutAll(); <-done })
	do(t, p.Store(), "INCR", "n")
	rep = clientOf(t, p)
	rep.send("REPLCONF", "listening-port", "7", "ip-address", "r")
	rep.expect("+OK")
	rep.follow()
	return r, p, rep, func() { rep.send("REPLCONF", "ACK", itoa(int(p.Offset()))) }
}

// RestoreFormer in the middle of a failover.
func TestOverlapRestoreInFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, p, _, ack := formerPrimary(t, func(q *peer) { q.hold() })
		ctx, cancel := context.WithCancel(t.Context())
		end := make(chan error, 1)
		go func() {
			_, err := p.Failover(ctx, &replication.FailoverOptions{To: "r:7"})
			end <- err
		}()
		settled()
		ack()
		time.Sleep(time.Second)
		if st := p.Status(); st.Failover != replication.FailoverAsking {
			t.Fatalf("%v", st.Failover)
		}
		_, err := r.RestoreFormer(t.Context(), nil)
		if !errors.Is(err, replication.ErrFailingOver) {
			t.Errorf("RestoreFormer in a failover = %v, want ErrFailingOver", err)
		}
		st := p.Status()
		if st.Role == replication.RolePrimary && st.Failover != replication.FailoverNone {
			t.Error("a primary whose failover is still asking the replica to take over")
		}
		if err == nil {
			time.Sleep(time.Hour)
			select {
			case err := <-end:
				end <- err
			default:
				t.Error("Failover hangs an hour later")
			}
		}
		cancel()
		<-end
	})
}

// RestoreFormer with MinReplicas: are writes accepted before the first judgement?
func TestOverlapRestoreMinReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, keysOf(20)...)
		f := newFakePrimary(t,
			func(p *peer) { p.grant(file, 1000); p.command() },
			func(p *peer) { p.grantAs(strangerID, file, 5000); p.live() },
		)
		r, _ := f.replica(nil)
		time.Sleep(5 * time.Second)
		p, err := r.RestoreFormer(t.Context(), &replication.PrimaryOptions{MinReplicas: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.DB(0).Set("k", "v", 0); !errors.Is(err, store.ErrNoReplicas) {
			t.Errorf("write without a replica = %v, want ErrNoReplicas", err)
		}
	})
}

// blockOn is a log core that blocks at a message.
type blockOn struct {
	zapcore.LevelEnabler
	text    string
	reached chan struct{}
	goOn    chan struct{}
}

func (b *blockOn) With([]zapcore.Field) zapcore.Core { return b }
func (b *blockOn) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return ce.AddCore(e, b)
}
func (b *blockOn) Write(e zapcore.Entry, _ []zapcore.Field) error {
	if e.Message == b.text {
		select {
		case <-b.reached:
		default:
			close(b.reached)
			<-b.goOn
		}
	}
	return nil
}
func (b *blockOn) Sync() error { return nil }

// A failover that begins while Follow is changing the role.
func TestOverlapFailoverInFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core := &blockOn{zapcore.DebugLevel, "backlog freed", make(chan struct{}), make(chan struct{})}
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{BacklogTTL: time.Second, Logger: zap.New(core)}})
		other := replicationtest.New(t)
		other.Do("SET", "other", "1")
		p.Do("SET", "k", "v")
		<-core.reached // the ticker's goroutine is held up
		rep := clientOf(t, p)
		rep.send("REPLCONF", "listening-port", "7", "ip-address", "r")
		rep.expect("+OK")
		rep.follow()
		followed := make(chan error, 1)
		go func() {
			_, err := p.Follow(t.Context(), other.URL(), &replication.ReplicaOptions{Dial: other.Dial})
			followed <- err
		}()
		settled() // Follow waits for the ticker
		end := make(chan error, 1)
		go func() {
			_, err := p.Failover(t.Context(), &replication.FailoverOptions{To: "r:7", Timeout: 2 * time.Second})
			end <- err
		}()
		settled()
		rep.send("REPLCONF", "ACK", itoa(int(p.Offset())))
		settled()
		close(core.goOn)
		select {
		case err := <-followed:
			if err != nil {
				t.Errorf("Follow = %v", err)
			}
		case <-time.After(time.Minute):
			t.Error("Follow hangs")
		}
		select {
		case err := <-end:
			if err == nil {
				t.Error("failover went through")
			}
		case <-time.After(time.Minute):
			t.Error("Failover hangs")
		}
		st := p.Status()
		if st.Role != replication.RoleReplica || !strings.Contains(st.Primary, "primary") {
			t.Errorf("after Follow the node is %v of %q", st.Role, st.Primary)
		}
	})
}

// A failover that fails leaves the options of the replica that the node would have become.
func TestOverlapFailoverKeepsOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{PingPeriod: 200 * time.Millisecond}})
		rep := clientOf(t, p)
		rep.send("REPLCONF", "listening-port", "7", "ip-address", "r")
		rep.expect("+OK")
		rep.follow()
		_, err := p.Failover(t.Context(), &replication.FailoverOptions{To: "r:7", Timeout: time.Second, Replica: &replication.ReplicaOptions{Dial: p.Dial}})
		if !errors.Is(err, replication.ErrFailoverTimeout) {
			t.Fatal(err)
		}
		before := p.Offset()
		time.Sleep(2 * time.Second)
		if n := p.Offset() - before; n < 14*5 {
			t.Errorf("%d bytes of PING in 2 s after a failover that failed, want one each 200 ms", n)
		}
	})
}

// AcceptSync that was overtaken by Follow.
func TestOverlapAcceptOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		empty := rdbOf(t)
		n := 0
		r := guarded(t, nil, func(p *peer) {
			n++
			if n == 1 {
				p.grantAs(strangerID, empty, 0)
				p.live()
				return
			}
			p.hold() // silence
		})
		time.Sleep(5 * time.Second)
		if st := r.Status(); st.State != replication.Held {
			t.Fatal(st.State)
		}
		end := make(chan error, 1)
		go func() { end <- r.AcceptSync(t.Context()) }()
		settled()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r.Follow(ctx, "redis://fake:6380")
		if err := <-end; err == nil {
			t.Errorf("AcceptSync = nil, nothing was taken: %s keys of %s", dbSize(t, r), r.Status().ID)
		}
	})
}

// Large values that are equal in both data sets, changed after the resync.
func TestOverlapFormerLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := store.New(nil)
		for i := range 3000 {
			do(t, first, "SADD", "set", fmt.Sprint("member", i))
			do(t, first, "HSET", "hash", fmt.Sprint("f", i), "v")
			do(t, first, "ZADD", "zset", itoa(i), fmt.Sprint("m", i))
			do(t, first, "RPUSH", "list", fmt.Sprint("e", i))
		}
		do(t, first, "RPUSH", "small", "a")
		do(t, first, "HSET", "smallh", "a", "b")
		do(t, first, "SETRANGE", "big", "3000000", "x")
		do(t, first, "SET", "exp", "v", "PX", "100000")
		file := fileOf(t, first)
		f := newFakePrimary(t,
			func(p *peer) { p.grant(file, 1000); p.command() },
			func(p *peer) {
				p.grantAs(strangerID, file, 2000)
				p.send("SELECT", "0")
				p.send("SADD", "set", "new")
				p.send("SREM", "set", "member7")
				p.send("HSET", "hash", "f1", "w")
				p.send("ZADD", "zset", "77", "m1")
				p.send("LSET", "list", "5", "w")
				p.send("RPUSH", "small", "b")
				p.send("HSET", "smallh", "a", "c")
				p.send("SETRANGE", "big", "7", "yyy")
				p.send("APPEND", "big", "zzz")
				p.send("DEL", "exp")
				p.send("INCR", "n")
				p.live()
			},
		)
		r, _ := f.replica(nil)
		if err := r.WaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := r.Store().Digest()
		time.Sleep(5 * time.Second)
		if get(r.Store(), "n") != "1" {
			t.Fatal(r.Status().Err)
		}
		p, err := r.RestoreFormer(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Store().Digest(); got != before {
			t.Errorf("digest %s, was %s", got, before)
		}
	})
}

// An unrelated CONFIG SET changes the guard.
func TestOverlapGuardRounding(t *testing.T) {
	for _, set := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			big, small := rdbOf(t, keysOf(300)...), rdbOf(t, keysOf(2)...)
			goOn := make(chan struct{})
			f := newFakePrimary(t,
				func(p *peer) { p.grant(big, 1000); p.command(); <-goOn },
				func(p *peer) { p.grantAs(fakeID, small, 5000); p.live() },
			)
			r, _ := f.replica(&replication.ReplicaOptions{AllowReplicaOf: true, Guard: replication.Guard{Least: 0.009}})
			if err := r.WaitReady(t.Context()); err != nil {
				t.Fatal(err)
			}
			if set {
				c := clientOf(t, r)
				c.send("CONFIG", "SET", "repl-timeout", "61")
				c.expect("+OK")
			}
			close(goOn)
			time.Sleep(5 * time.Second)
			if st := r.Status(); st.State != replication.Held {
				t.Errorf("after CONFIG SET of something else (%v): %v with %s keys, want held", set, st.State, dbSize(t, r))
			}
		})
	}
}

// A cut for Verify puts its mark into a sealed stream.
func TestOverlapMarkOnSealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScripted(t, func(p *peer) { p.say("-ERR not yet\r\n") })
		c := clientOf(t, s)
		defer c.Close()
		o := s.options()
		o.Timeout = 3 * time.Second
		end := make(chan error, 1)
		go func() {
			_, err := s.Failover(t.Context(), o)
			end <- err
		}()
		settled()
		if st := s.Status(); st.Failover != replication.FailoverWaiting {
			t.Fatal(st.Failover)
		}
		sealed := s.Offset()
		c.send("UNDERSTUDY", "CUT", strings.Repeat("ab", 20))
		settled()
		if got := s.Offset(); got != sealed {
			t.Errorf("the sealed stream went from %d to %d", sealed, got)
		}
		<-end
	})
}

// Replicas that are detached by a promotion open the store to writes before the first judgement.
func TestOverlapPromotionUnbars(t *testing.T) {
	for i := range 60 {
		var wrote atomic.Bool
		synctest.Test(t, func(t *testing.T) {
			p := replicationtest.New(t)
			p.Do("SET", "k", "v")
			r := p.Replica(nil)
			for range 20 {
				c := clientOf(t, r)
				c.send("PSYNC", "?", "-1")
				go c.hold()
			}
			settled()
			stop, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				for {
					select {
					case <-stop:
						return
					default:
						if r.DB(0).Set("k", "w", 0) == nil {
							wrote.Store(true)
							return
						}
					}
				}
			}()
			if _, err := r.Promote(t.Context(), &replication.PrimaryOptions{MinReplicas: 1}); err != nil {
				t.Fatal(err)
			}
			close(stop)
			<-done
		})
		if wrote.Load() {
			t.Fatalf("trial %d: a write was accepted without a replica", i)
		}
	}
}

// A CONFIG SET of something else undoes what Promote's or Follow's options said.
func TestOverlapConfigSetUndoesPromote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("SET", "k", "v")
		r := p.Replica(&replication.ReplicaOptions{AllowReplicaOf: true})
		c := clientOf(t, r)
		c.send("PING")
		c.expect("+PONG")
		q, err := r.Promote(t.Context(), &replication.PrimaryOptions{MinReplicas: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := q.DB(0).Set("k", "w", 0); !errors.Is(err, store.ErrNoReplicas) {
			t.Fatal(err)
		}
		c.send("CONFIG", "SET", "repl-timeout", "61")
		c.expect("+OK")
		if err := q.DB(0).Set("k", "w", 0); !errors.Is(err, store.ErrNoReplicas) {
			t.Errorf("after a CONFIG SET of something else a write without replicas = %v, want ErrNoReplicas", err)
		}
	})
}

// The same for the guard, after Follow.
func TestOverlapConfigSetUndoesFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, other := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{AllowReplicaOf: true}}), replicationtest.New(t)
		p.Do("SET", "k", "v")
		c := clientOf(t, p)
		c.send("PING")
		c.expect("+PONG")
		if _, err := p.Follow(t.Context(), other.URL(), &replication.ReplicaOptions{Dial: other.Dial, RefuseStale: true}); err != nil {
			t.Fatal(err)
		}
		c.send("CONFIG", "SET", "repl-timeout", "61")
		c.expect("+OK")
		other.Cut()
		other.Stall(0)
		other.Close()
		settled()
		c.send("GET", "k")
		if got := c.line(); len(got) < 11 || got[:11] != "-MASTERDOWN" {
			t.Errorf("GET on a stale replica with RefuseStale after a CONFIG SET of something else = %q", got)
		}
	})
}

// silentDial dials f, and hangs for the dial of that number, from 1.
func silentDial(f *fakePrimary, hang int) func(context.Context, string, string) (net.Conn, error) {
	n := 0
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if n++; n == hang {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return f.net.Dial(ctx, network, addr)
	}
}

// Consent must be heard although the question for the primary's ID gets nowhere.
func TestOverlapHeldAndSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakePrimary(t,
			func(p *peer) { p.grant(rdbOf(t, keysOf(20)...), 1000); p.command() },
			func(p *peer) { p.grantAs(strangerID, rdbOf(t), 7) },
			func(p *peer) { p.grantAs(strangerID, rdbOf(t), 7); p.live() },
		)
		r, _ := startReplica(t, "redis://fake:6379", &replication.ReplicaOptions{Dial: silentDial(f, 3), Timeout: 5 * time.Second})
		time.Sleep(25 * time.Second)
		if st := r.Status(); st.State != replication.Held {
			t.Fatal(st.State)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if err := r.AcceptSync(ctx); err != nil {
			t.Errorf("AcceptSync = %v, state %v", err, r.Status().State)
		}
	})
}

// A primary that answers no dial costs Barrier the timeout.
func TestOverlapBarrierAndSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakePrimary(t, func(p *peer) { p.grant(rdbOf(t, keysOf(20)...), 1000); p.live() })
		r, _ := startReplica(t, "redis://fake:6379", &replication.ReplicaOptions{Dial: silentDial(f, 2), Timeout: 5 * time.Second})
		if err := r.WaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		err := r.Barrier(ctx)
		if d := time.Since(begun); err == nil || d > 5*time.Second {
			t.Errorf("Barrier = %v after %v", err, d)
		}
	})
}
