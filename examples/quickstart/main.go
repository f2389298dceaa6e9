// Command quickstart shows what understudy does, in one process and a few
// seconds, with nothing else running: a primary, a replica and a replica of that
// replica, connected over TCP on the loopback interface.
//
//	go run ./examples/quickstart
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/store"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	// A primary: a store in this process, and a listener that feeds replicas.
	primary, err := replication.NewPrimary(store.New(nil), nil)
	if err != nil {
		return err
	}
	defer primary.Close()
	for i := range 200_000 {
		if err := primary.DB(0).Set(fmt.Sprintf("user:%d", i), "someone", 0); err != nil {
			return err
		}
	}
	primaryURL, err := serve(primary.Serve)
	if err != nil {
		return err
	}
	fmt.Printf("A primary holds %d keys and listens at %s.\n\n", primary.DB(0).Len(), primaryURL)

	// Somebody writes all the time: a number, a sorted set, a list. A write lost or
	// applied twice would show.
	var writer sync.WaitGroup
	stop := make(chan struct{})
	writer.Go(func() { write(primary.Store().DB(0), stop) })

	// A replica, and a replica of it.
	links := &links{}
	start := time.Now()
	replica, err := replication.Connect(ctx, primaryURL, &replication.ReplicaOptions{Dial: links.dial})
	if err != nil {
		return err
	}
	defer replica.Close()
	fmt.Printf("A replica synced in %v while the primary was written to.\n", time.Since(start).Round(time.Millisecond))
	replicaURL, err := serve(replica.Serve)
	if err != nil {
		return err
	}
	chained, err := replication.Connect(ctx, replicaURL, nil)
	if err != nil {
		return err
	}
	defer chained.Close()
	fmt.Printf("A second replica synced from the first, not from the primary.\n\n")
	readAtMemorySpeed(replica)

	// A cut link costs the part of the stream that was missed, no more.
	if err := cutAndResume(ctx, links, replica); err != nil {
		return err
	}

	// Before the primary goes: what it has acknowledged must be on the replica.
	close(stop)
	writer.Wait()
	if err := drain(ctx, primary, replica, chained); err != nil {
		return err
	}
	if err := prove("primary, replica and chained replica", primary.Store(), replica.Store(), chained.Store()); err != nil {
		return err
	}
	return failOver(ctx, primary, replica, chained)
}

// serve starts serving on a free port and returns its URL.
func serve(with func(net.Listener) error) (url string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = with(l) }() // ends when the node is closed
	return "redis://" + l.Addr().String(), nil
}

func write(db store.DB, stop <-chan struct{}) {
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	for i := 0; ; i++ {
		if i%25 == 0 {
			select {
			case <-stop:
				return
			case <-pace.C:
			}
		}
		_, _ = db.Incr("visits", 1)
		_, _ = db.ZIncr("visits:by-page", fmt.Sprint("/page/", i*i%500), 1)
		if i%100 == 0 {
			_, _ = db.RPush("log", fmt.Sprint("visit ", i))
			_ = db.LTrim("log", -1000, -1)
		}
	}
}

// readAtMemorySpeed reads one key of the replica again and again.
func readAtMemorySpeed(r *replication.Replica) {
	const reads = 1_000_000
	db, start := r.DB(0), time.Now()
	for range reads {
		_, _ = db.Get("user:4711")
	}
	each := time.Since(start) / reads
	visits, _ := db.Get("visits")
	fmt.Printf("A read on the replica takes %v here; it saw %s visits just now.\n", each, visits)
	busiest := store.ByRank(0, 1)
	busiest.Reverse = true
	pages, _ := db.ZRange("visits:by-page", busiest)
	for page, n := range pages {
		fmt.Printf("One of the two busiest pages is %s, with %.0f visits.\n", page, n)
	}
	fmt.Println()
}

func cutAndResume(ctx context.Context, links *links, r *replication.Replica) error {
	before := r.Status()
	links.cut()
	visits, err := r.DB(0).Get("visits")
	if err != nil {
		return err
	}
	fmt.Printf("The link is cut at offset %d. Reads go on meanwhile: %s visits.\n", before.Offset, visits)
	if err := waitFor(ctx, func() bool {
		return r.Status().PartialSyncs > before.PartialSyncs && r.Status().State == replication.Streaming
	}); err != nil {
		return fmt.Errorf("%w; the replica says %+v", err, r.Status())
	}
	after := r.Status()
	fmt.Printf("It is up again after a partial resync: %d full, %d partial so far.\n\n", after.FullSyncs, after.PartialSyncs)
	return nil
}

func drain(ctx context.Context, p *replication.Primary, replicas ...*replication.Replica) error {
	offset := p.Offset()
	n, err := p.WaitReplicas(ctx, 1, offset)
	if err != nil {
		return err
	}
	fmt.Printf("The writer stops at offset %d, which %d replica has acknowledged.\n", offset, n)
	for _, r := range replicas {
		if err := r.WaitOffset(ctx, offset); err != nil {
			return err
		}
	}
	return nil
}

func failOver(ctx context.Context, old *replication.Primary, replica, chained *replication.Replica) error {
	if err := old.Close(); err != nil {
		return err
	}
	promoted, err := replica.Promote(ctx, nil)
	if err != nil {
		return err
	}
	n, err := promoted.DB(0).Incr("visits", 1)
	if err != nil {
		return err
	}
	fmt.Printf("\nThe primary is gone and the replica is promoted: visit %d is its own.\n", n)
	if err := chained.WaitOffset(ctx, promoted.Offset()); err != nil {
		return err
	}
	st := chained.Status()
	fmt.Printf("The chained replica went on partially: %d full, %d partial so far.\n", st.FullSyncs, st.PartialSyncs)
	return prove("promoted primary and its replica", promoted.Store(), chained.Store())
}

// prove compares whole data sets by digest.
func prove(what string, stores ...*store.Store) error {
	digest := stores[0].Digest()
	for _, s := range stores[1:] {
		if other := s.Digest(); other != digest {
			return fmt.Errorf("%s differ: %s and %s", what, digest, other)
		}
	}
	fmt.Printf("Proof: %s are equal, digest %s.\n", what, digest)
	return nil
}

// waitFor polls: good enough for a demonstration, where a program would use
// OnState.
func waitFor(ctx context.Context, cond func() bool) error {
	for !cond() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// links remembers the connections that a replica dialed, to cut them.
type links struct {
	mu    sync.Mutex // protects conns
	conns []net.Conn
}

func (l *links) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, c)
	return c, nil
}

func (l *links) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.Close()
	}
	l.conns = nil
}
