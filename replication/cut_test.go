package replication_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// exchange runs one dialogue from dialing to the end of some writes, with the first connection prepared by fault, and checks what must hold wherever that breaks: the
// data sets are equal in the end, and the one full resync that was completed stays the only one. It returns the bytes that the first connection carried.
func exchange(t *testing.T, fault func(*memnet.Conn)) (toReplica, toPrimary int64, partial uint64) {
	p := replicationtest.New(t)
	p.Do("SET", "before", "x")
	p.Do("INCR", "counter")
	var first *memnet.Conn
	o := &replication.ReplicaOptions{Dial: firstDial(t, p, func(c *memnet.Conn) {
		first = c
		fault(c)
	})}
	r, _ := startReplica(t, p.URL(), o)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := r.WaitReady(ctx); err != nil {
		t.Fatalf("no sync: %v", err)
	}
	writeAll(p)
	barrier(t, r)
	settle()
	replicationtest.Same(t, p.Store(), r.Store())
	st := r.Status()
	if st.FullSyncs != 1 || st.PartialSyncs > 1 {
		t.Errorf("%d full and %d partial resyncs", st.FullSyncs, st.PartialSyncs)
	}
	return first.Incoming().Delivered(), first.Outgoing().Delivered(), st.PartialSyncs
}

// writeAll is a stream with every kind of unit in it, of which each byte matters.
func writeAll(p *replicationtest.Primary) {
	p.Do("INCR", "counter")
	p.Do("APPEND", "text", "abc")
	p.Do("MULTI")
	p.Do("INCR", "counter")
	p.Do("HINCRBY", "hash", "f", 2)
	p.Do("EXEC")
	p.Do("SELECT", 3)
	p.Do("INCR", "counter")
	p.Do("SELECT", 0)
	p.Do("APPEND", "text", "def")
}

// firstDial dials a primary by a pipe of its own, so that prepare can put faults on the first connection alone.
func firstDial(t testing.TB, p *replicationtest.Primary, prepare func(*memnet.Conn)) func(context.Context, string, string) (net.Conn, error) {
	first := true
	return func(context.Context, string, string) (net.Conn, error) {
		a, b := memnet.Pipe(nil)
		if first {
			first = false
			prepare(a)
		}
		done := make(chan struct{})
		t.Cleanup(func() {
			a.Close()
			<-done
		})
		go func() {
			defer close(done)
			p.ServeConn(context.Background(), b)
		}()
		return a, nil
	}
}

// The link is cut after each byte of the whole exchange, in either direction. It is a loop, not a list.
func TestCutAfterEachByte(t *testing.T) {
	var down, up int64
	synctest.Test(t, func(t *testing.T) {
		down, up, _ = exchange(t, func(*memnet.Conn) {})
	})
	if down < 400 || up < 150 {
		t.Fatalf("an uncut exchange has %d and %d bytes: too few to be one", down, up)
	}
	continued := 0
	for n := range down {
		synctest.Test(t, func(t *testing.T) {
			_, _, partial := exchange(t, func(c *memnet.Conn) { c.Incoming().CutAfter(n) })
			continued += int(partial)
			if t.Failed() {
				t.Logf("cut after byte %d of %d towards the replica", n, down)
			}
		})
		if t.Failed() {
			return
		}
	}
	if continued == 0 || continued == int(down) {
		t.Errorf("%d of %d cuts led to a partial resync: the loop does not cover both sides of the sync", continued, down)
	}
	for n := range up {
		synctest.Test(t, func(t *testing.T) {
			exchange(t, func(c *memnet.Conn) { c.Outgoing().CutAfter(n) })
			if t.Failed() {
				t.Logf("cut after byte %d of %d towards the primary", n, up)
			}
		})
		if t.Failed() {
			return
		}
	}
}

// One byte per read changes nothing.
func TestOneByteReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exchange(t, func(c *memnet.Conn) {
			c.Incoming().Chunk(1)
			c.Outgoing().Chunk(1)
		})
	})
}

// A transaction that was cut in the middle is not applied in part: the offset stays before it, and all of it comes again.
func TestCutInsideTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(nil)
		p.Do("SET", "k", "v")
		barrier(t, r)
		at := p.Offset()
		p.CutAfter(30) // of the transaction that comes now: MULTI and a part of INCR
		off, err := p.Update(func(tx *store.Tx) error {
			for _, k := range []string{"a", "b"} {
				if _, err := tx.DB(0).Do("INCR", k); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := r.Status().Offset; n != at || get(r.Store(), "a") != "" {
			t.Errorf("offset %d, a = %q after the cut, want %d and nothing", n, get(r.Store(), "a"), at)
		}
		if err := r.WaitOffset(t.Context(), off); err != nil {
			t.Fatal(err)
		}
		replicationtest.Same(t, p.Store(), r.Store())
		if st := r.Status(); st.FullSyncs != 1 || st.PartialSyncs != 1 || st.Received != st.Offset {
			t.Errorf("%d full and %d partial resyncs, received %d of %d, want 1 and 1, all", st.FullSyncs, st.PartialSyncs, st.Received, st.Offset)
		}
	})
}
