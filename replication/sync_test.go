package replication_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// mix writes things that come out wrong when they are applied twice or left out, to two databases, some of it in transactions.
func mix(t testing.TB, p *replicationtest.Primary, n int) {
	t.Helper()
	for i := range n {
		p.Do("INCR", "counter")
		p.Do("APPEND", "text", i%10)
		p.Do("HINCRBY", "hash", "f"+strconv.Itoa(i%5), 3)
		p.Do("MULTI")
		p.Do("INCR", "a")
		p.Do("INCR", "b")
		p.Do("EXEC")
		p.Do("SELECT", 1)
		p.Do("INCRBY", "other", 7)
		p.Do("SELECT", 0)
	}
}

func barrier(t testing.TB, r *replication.Replica) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := r.Barrier(ctx); err != nil {
		t.Fatalf("barrier: %v, status %+v", err, r.Status())
	}
}

func TestFullSyncThenStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		mix(t, p, 3)
		r := p.Replica(nil)
		replicationtest.Same(t, p.Store(), r.Store())
		mix(t, p, 3)
		barrier(t, r)
		replicationtest.Same(t, p.Store(), r.Store())
		st := r.Status()
		if st.Role != replication.RoleReplica || st.State != replication.Streaming || st.FullSyncs != 1 || st.PartialSyncs != 0 || st.Err != nil {
			t.Errorf("status = %+v", st)
		}
		if st.Received != st.Offset || st.Loaded == 0 {
			t.Errorf("received %d, offset %d, loaded %d", st.Received, st.Offset, st.Loaded)
		}
	})
}

// Values of all sizes arrive, by payload and by stream: none shares memory with a buffer that is read into again.
func TestLargeValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		fill := func(round int) {
			for i, size := range []int{10, 1000, 1025, 5000, 70_000, 300_000} {
				value := strings.Repeat(strconv.Itoa(i+round), size)
				p.Do("SET", "set"+strconv.Itoa(i), value)
				p.Do("APPEND", "append"+strconv.Itoa(i), value)
				p.Do("HSET", "hash", "f"+strconv.Itoa(i), value)
			}
		}
		fill(1)
		r := p.Replica(nil)
		replicationtest.Same(t, p.Store(), r.Store())
		fill(2)
		fill(3)
		barrier(t, r)
		replicationtest.Same(t, p.Store(), r.Store())
	})
}

// A primary streams commands with more arguments than its replica would take from a client.
func TestManyArguments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(nil)
		p.Do("SET", "k", "v")
		args := []any{"DEL", "k"}
		for len(args) < resp.DefaultMaxArgs+10 {
			args = append(args, "x")
		}
		p.Do(args...)
		barrier(t, r)
		replicationtest.Same(t, p.Store(), r.Store())
	})
}

func TestPartialResync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(nil)
		for range 10 {
			mix(t, p, 2)
			p.Cut()
			mix(t, p, 2)
			barrier(t, r)
			replicationtest.Same(t, p.Store(), r.Store())
		}
		if st := r.Status(); st.FullSyncs != 1 || st.PartialSyncs != 10 || st.Received != st.Offset {
			t.Errorf("%d full and %d partial resyncs, received %d of %d, want 1 and 10, all", st.FullSyncs, st.PartialSyncs, st.Received, st.Offset)
		}
		if st := p.Status(); st.FullServed != 1 || st.PartialServed != 10 || st.PartialRefused != 0 {
			t.Errorf("served %d full and %d partial resyncs, refused %d, want 1, 10, 0", st.FullServed, st.PartialServed, st.PartialRefused)
		}
	})
}

// The backlog is the window: a replica that needs its first byte continues, one that needs the byte before it does not.
func TestBacklogBoundary(t *testing.T) {
	const backlog = 256
	frame := len("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100\r\n") + len("\r\n") // and a value of 100..999 bytes
	for _, tc := range []struct{ bytes, full, partial int }{{backlog, 1, 1}, {backlog + 1, 2, 0}} {
		t.Run(strconv.Itoa(tc.bytes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := replicationtest.NewWith(t, &replicationtest.Options{Store: &store.Options{BacklogBytes: backlog}})
				r := p.Replica(nil)
				p.Do("SET", "k", "selects the database")
				barrier(t, r)
				p.Stall(0)
				p.Cut()
				before := p.Offset()
				p.Do("SET", "k", fmt.Sprintf("%0*d", tc.bytes-frame, 0))
				if n := p.Offset() - before; n != int64(tc.bytes) {
					t.Fatalf("wrote %d bytes of stream, want %d", n, tc.bytes)
				}
				p.Resume()
				barrier(t, r)
				replicationtest.Same(t, p.Store(), r.Store())
				if st := r.Status(); st.FullSyncs != uint64(tc.full) || st.PartialSyncs != uint64(tc.partial) {
					t.Errorf("%d full, %d partial, want %d, %d; refusal %q", st.FullSyncs, st.PartialSyncs, tc.full, tc.partial, p.Status().LastRefusal)
				}
			})
		})
	}
}

// Writes go on while the payload travels byte by byte: the cut is exact or the counters tell.
func TestWritesDuringFullSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		mix(t, p, 20)
		p.Chunk(7)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 50 {
				mix(t, p, 1)
				time.Sleep(time.Millisecond)
			}
		}()
		r := p.Replica(nil)
		<-done
		barrier(t, r)
		replicationtest.Same(t, p.Store(), r.Store())
	})
}

func TestWaitReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		for i := range 5 {
			p.Replica(&replication.ReplicaOptions{Announce: "r:" + strconv.Itoa(i)})
		}
		for i, info := range p.Replicas() {
			if want := "r:" + strconv.Itoa(i); info.Addr != want {
				t.Errorf("replica %d is %s, want %s: the order in which they came", i, info.Addr, want)
			}
		}
		off, err := p.Update(func(tx *store.Tx) error { return tx.DB(0).Set("k", "v", 0) })
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if n, err := p.WaitReplicas(t.Context(), 5, off); n != 5 || err != nil {
			t.Errorf("WaitReplicas = %d, %v, want 5", n, err)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("it took %v: the replicas were not asked", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if n, err := p.WaitReplicas(ctx, 6, off); n != 5 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("WaitReplicas of six = %d, %v, want 5 and the end of the context", n, err)
		}
	})
}

// The acknowledgement that GETACK asks for counts the bytes before it, not its own.
func TestGetAckCountsWhatCameBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		acks := make(chan string, 16)
		f := newFakePrimary(t, func(p *peer) {
			p.grant(file, 100)
			acks <- p.command()
			p.say("%s", "*1\r\n$4\r\nPING\r\n*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n*1\r\n$4\r\nPING\r\n")
			acks <- p.command()
			acks <- p.command()
			p.hold()
		})
		f.replica(nil)
		for _, want := range []string{"REPLCONF ACK 100", "REPLCONF ACK 114", "REPLCONF ACK 165"} {
			if got := <-acks; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
}

// PING goes into the stream while somebody listens, and counts.
func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{PingPeriod: 5 * time.Second}})
		time.Sleep(time.Minute + 2*time.Second) // between two periods: at the end of one, chance would decide whether the replica is there for it
		if n := p.Offset(); n != 0 {
			t.Fatalf("offset %d without a replica, want 0", n)
		}
		r := p.Replica(nil)
		time.Sleep(time.Minute + time.Second)
		barrier(t, r)
		if n := p.Offset(); n != 12*14 {
			t.Errorf("offset %d after a minute, want %d: 12 PING", n, 12*14)
		}
		if st := r.Status(); st.FullSyncs != 1 || st.Offset != p.Offset() {
			t.Errorf("status = %+v", st)
		}
	})
}

// Expired keys leave the replica when the primary's DEL comes.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(nil)
		p.Do("SET", "k", "v", "PX", 500)
		barrier(t, r)
		if get(r.Store(), "k") != "v" {
			t.Fatal("the key is not there")
		}
		time.Sleep(time.Second)
		barrier(t, r)
		if n := r.DB(0).Len(); n != 0 {
			t.Errorf("%d keys on the replica, want none", n)
		}
		replicationtest.Same(t, p.Store(), r.Store())
	})
}

func TestReplicaIsReadOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(nil)
		if err := r.DB(0).Set("k", "v", 0); !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("Set on a replica = %v, want %v", err, store.ErrReadOnly)
		}
	})
}

func TestConnectGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Stall(0)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		r, err := replication.Connect(ctx, p.URL(), &replication.ReplicaOptions{Dial: p.Dial})
		if r != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Connect = %v, %v, want the end of the context", r, err)
		}
		if _, err := replication.Connect(t.Context(), "redis://primary:x", nil); err == nil {
			t.Error("Connect with a malformed URL succeeded")
		}
	})
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r, err := replication.NewReplica(p.URL(), &replication.ReplicaOptions{Dial: p.Dial})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		synctest.Wait()
		if err := r.WaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.Run(ctx); !errors.Is(err, replication.ErrRunning) {
			t.Errorf("a second Run = %v, want %v", err, replication.ErrRunning)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want %v", err, context.Canceled)
		}
		if st := r.Status(); st.State != replication.Closed {
			t.Errorf("state after Run = %v, want closed", st.State)
		}
		if err := r.Close(); err != nil {
			t.Errorf("Close after Run = %v", err)
		}
	})
}

// A replica that never ran closes as well, and one that waits between attempts does so at once.
func TestCloseAtAnyTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		idle, err := replication.NewReplica(p.URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := idle.Close(); err != nil {
			t.Error(err)
		}
		refused := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody there") }
		r, ended := startReplica(t, p.URL(), &replication.ReplicaOptions{Dial: refused})
		time.Sleep(time.Minute)
		if st := r.Status(); st.State != replication.Waiting || st.Err == nil {
			t.Errorf("status = %+v, want waiting with an error", st)
		}
		start := time.Now()
		if err := r.Close(); err != nil || time.Since(start) != 0 {
			t.Errorf("Close = %v after %v", err, time.Since(start))
		}
		if err := <-ended; !errors.Is(err, replication.ErrClosed) {
			t.Errorf("Run = %v, want %v", err, replication.ErrClosed)
		}
		if err := r.WaitOffset(t.Context(), 1); !errors.Is(err, replication.ErrClosed) {
			t.Errorf("WaitOffset after Close = %v, want %v", err, replication.ErrClosed)
		}
	})
}

func TestStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		var seen []string
		r, err := replication.Connect(t.Context(), p.URL(), &replication.ReplicaOptions{
			Dial:    p.Dial,
			OnState: func(old, new replication.State) { seen = append(seen, old.String()+">"+new.String()) },
		})
		if err != nil {
			t.Fatal(err)
		}
		p.Cut()
		settle()
		r.Close()
		want := "[none>connecting connecting>handshake handshake>loading loading>streaming streaming>waiting" +
			" waiting>connecting connecting>handshake handshake>streaming streaming>closed]"
		if got := fmt.Sprint(seen); got != want {
			t.Errorf("states %s, want %s", got, want)
		}
	})
}

// The back-off begins anew after a sync: failures in a row count, not failures.
func TestBackoffBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		var failures []int
		p.CutAfter(0)
		r := p.Replica(&replication.ReplicaOptions{Backoff: func(n int) time.Duration {
			failures = append(failures, n)
			if n == 1 {
				p.CutAfter(3) // the next one fails too
			}
			return time.Millisecond
		}})
		p.Cut()
		settle()
		r.Close()
		if got := fmt.Sprint(failures); got != "[1 2 1 2]" {
			t.Errorf("failures in a row %s, want [1 2 1 2]", got)
		}
	})
}

// A client of an embedded node that may steer it can change settings and kill links, as on any server.
func TestClientsOfAnEmbeddedNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{DisklessDelay: time.Hour, AllowReplicaOf: true}})
		c := dial(t, p)
		c.send("CONFIG", "GET", "repl-diskless-sync-delay")
		if got := c.read(len("*2\r\n$24\r\nrepl-diskless-sync-delay\r\n$4\r\n3600\r\n")); !strings.HasSuffix(got, "\r\n3600\r\n") {
			t.Errorf("CONFIG GET says %q", got)
		}
		c.send("CONFIG", "SET", "repl-diskless-sync-max-replicas", "2")
		c.expect("+OK")
		start := time.Now()
		for range 2 {
			startReplica(t, p.URL(), &replication.ReplicaOptions{Dial: p.Dial})
		}
		settle()
		if n, err := p.WaitReplicas(t.Context(), 2, 0); n != 2 || err != nil || time.Since(start) > time.Minute {
			t.Errorf("%d replicas are online after %v, %v, want 2 at once: two were to start the sync early", n, time.Since(start), err)
		}
		c.send("CLIENT", "KILL", "TYPE", "replica")
		c.expect(":2")
		settle()
		if st := p.Status(); len(st.Replicas) != 2 || st.PartialServed != 2 {
			t.Errorf("%d replicas, %d partial resyncs after the kill, want 2 and 2", len(st.Replicas), st.PartialServed)
		}
	})
}

// The link can be dropped from the replica's side, too, and comes up by itself.
func TestDropUpstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(nil)
		a, b := memnet.Pipe(nil)
		defer a.Close()
		go r.ServeConn(context.Background(), b)
		c := newPeer(t, a)
		c.send("CLIENT", "KILL", "TYPE", "master")
		c.expect(":1")
		settle()
		if st := r.Status(); st.State != replication.Streaming || st.PartialSyncs != 1 {
			t.Errorf("state %v, %d partial resyncs, want streaming and 1", st.State, st.PartialSyncs)
		}
	})
}
