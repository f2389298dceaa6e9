package replication_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// What commits of the program take beside replicas of every kind. One operation is one commit of 1,000 bytes; they come in bursts of ten a millisecond, 10 MB/s, so
// that a run of -benchtime 300000x takes 30 s. Replicas are connections on loopback behind which nothing is applied, as they would be elsewhere; reading and
// discarding is done by the same processors all the same, so leave some to spare.
//
//	go test ./replication -run '^$' -bench CommitBesideReplicas -benchtime 300000x -count 5
//
// To compare are the p99.9 of idle and of the others. retained-MB is the most that replicas held beyond the backlog, budget-MB what they may, syncs how many full
// resyncs were given, to replicas that were dropped for what they are and came back among others.
func BenchmarkCommitBesideReplicas(b *testing.B) {
	for _, bm := range []struct {
		name  string
		kinds []benchPeer
	}{
		{"idle", nil},
		{"online=1", []benchPeer{{n: 1, play: (*benchLink).follow}}},
		{"online=20", []benchPeer{{n: 20, play: (*benchLink).follow}}},
		{"attaching=20", []benchPeer{{n: 20, play: (*benchLink).attach}}},
		{"slow", []benchPeer{{n: 1, play: (*benchLink).crawl}}},
		{"stalled", []benchPeer{{n: 1, play: (*benchLink).stall}}},
		{"silent", []benchPeer{{n: 1, play: (*benchLink).silence}}},
		{"all", []benchPeer{
			{n: 20, play: (*benchLink).attach}, {n: 1, play: (*benchLink).crawl}, {n: 1, play: (*benchLink).stall}, {n: 1, play: (*benchLink).silence},
		}},
	} {
		b.Run(bm.name, func(b *testing.B) { benchCommits(b, bm.kinds) })
	}
}

// benchPeer is so many replicas that behave in the same way.
type benchPeer struct {
	n    int
	play func(*benchLink)
}

const (
	benchKeys   = 100_000
	benchBurst  = 10
	benchBudget = 32 << 20
)

func benchCommits(b *testing.B, kinds []benchPeer) {
	s := store.New(&store.Options{BacklogBytes: 1 << 20})
	defer s.Close()
	value := strings.Repeat("v", 1000)
	for i := range benchKeys {
		if err := s.DB(0).Set(benchKey(i), value, 0); err != nil {
			b.Fatal(err)
		}
	}
	p, err := replication.NewPrimary(s, &replication.PrimaryOptions{OutputLimit: 16 << 20, SyncBudget: benchBudget, Timeout: 5 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	addr := serveTCP(b, p)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for _, k := range kinds {
		for range k.n {
			wg.Go(func() { playFor(ctx, addr, k.play) })
		}
	}
	took := make([]time.Duration, b.N)
	retained := int64(0)
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	b.ResetTimer()
	for i := range took {
		if i%benchBurst == 0 {
			<-pace.C
			retained = max(retained, s.Replication().Backlog().Retained())
		}
		start := time.Now()
		if err := s.DB(0).Set(benchKey(i), value, 0); err != nil {
			b.Fatal(err)
		}
		took[i] = time.Since(start)
	}
	b.StopTimer()
	reportCommits(b, took)
	b.ReportMetric(float64(retained)/(1<<20), "retained-MB")
	b.ReportMetric(benchBudget/(1<<20), "budget-MB")
	b.ReportMetric(float64(p.Status().FullServed), "syncs")
}

func benchKey(i int) string { return fmt.Sprintf("key:%011d", i%benchKeys) }

func reportCommits(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	for _, q := range []struct {
		name string
		part float64
	}{{"p50-µs", 0.5}, {"p99-µs", 0.99}, {"p99.9-µs", 0.999}, {"max-µs", 1}} {
		i := min(int(float64(len(took))*q.part), len(took)-1)
		b.ReportMetric(float64(took[i].Nanoseconds())/1e3, q.name)
	}
}

// benchLink is one connection of a replica that is played.
type benchLink struct {
	net.Conn
	ctx context.Context
}

// playFor attaches again and again, as a replica does that was dropped.
func playFor(ctx context.Context, addr string, play func(*benchLink)) {
	for ctx.Err() == nil {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		stop := context.AfterFunc(ctx, func() { c.Close() })
		l := &benchLink{c, ctx}
		l.say("REPLCONF", "capa", "eof", "capa", "psync2")
		l.say("PSYNC", "?", "-1")
		play(l)
		stop()
		c.Close()
	}
}

func (l *benchLink) say(args ...string) error {
	_, err := l.Write(resp.AppendCommand(nil, args...))
	return err
}

// beat acknowledges each second, from the start: the first one makes the stream begin as soon as the payload is out.
func (l *benchLink) beat(most int) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for ; most != 0; most-- {
		if l.say("REPLCONF", "ACK", "0") != nil {
			return
		}
		select {
		case <-t.C:
		case <-l.ctx.Done():
			return
		}
	}
}

// follow takes everything as fast as it comes.
func (l *benchLink) follow() {
	go l.beat(-1)
	io.Copy(io.Discard, l)
}

// attach is follow for a second: then it begins again, with a full resync.
func (l *benchLink) attach() {
	go io.Copy(io.Discard, l)
	l.beat(1)
}

// crawl reads a KiB a second.
func (l *benchLink) crawl() {
	l.Conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	go l.beat(-1)
	t := time.NewTicker(time.Second)
	defer t.Stop()
	var buf [1 << 10]byte
	for {
		select {
		case <-t.C:
		case <-l.ctx.Done():
			return
		}
		if _, err := l.Read(buf[:]); err != nil {
			return
		}
	}
}

// stall reads nothing, and says nothing.
func (l *benchLink) stall() {
	l.Conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	t := time.NewTimer(20 * time.Second)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.ctx.Done():
	}
}

// silence reads everything and acknowledges nothing.
func (l *benchLink) silence() { io.Copy(io.Discard, l) }
