package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

var syncSizes = []int{1_000_000, manyKeys}

// BenchmarkFullSync takes the time from the replica's start to its being in
// sync, over loopback TCP, primary and replica on this machine. redis-server
// runs in its fastest setting: diskless on both sides, no delay.
func BenchmarkFullSync(b *testing.B) {
	for _, n := range syncSizes {
		b.Run(fmt.Sprintf("keys=%d/understudy", n), func(b *testing.B) { fullSyncOurs(b, n) })
		for _, v := range []realserver.Version{realserver.R7, realserver.R8} {
			b.Run(fmt.Sprintf("keys=%d/%v", n, v), func(b *testing.B) { fullSyncRedis(b, n, v) })
		}
	}
}

func fullSyncOurs(b *testing.B, n int) {
	s := store.New(nil)
	filled(&ours{s.DB(0)}, n)
	p, err := replication.NewPrimary(s, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = p.Serve(l) }()
	for b.Loop() {
		r, err := replication.Connect(context.Background(), "redis://"+l.Addr().String(), nil)
		if err != nil || r.DB(0).Len() != n {
			b.Fatal(err, r.DB(0).Len())
		}
		b.StopTimer()
		r.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mkeys/s")
}

func fullSyncRedis(b *testing.B, n int, v realserver.Version) {
	p := realserver.Start(b, v)
	p.Do("DEBUG", "POPULATE", strconv.Itoa(n), "key:0000", "32")
	r := realserver.Start(b, v, "--repl-diskless-load", "swapdb")
	for b.Loop() {
		r.Do("REPLICAOF", "127.0.0.1", p.Port())
		realserver.Await(b, 5*time.Minute, func() bool { return r.Info("replication")["master_link_status"] == "up" })
		if got := r.Do("DBSIZE"); got != int64(n) {
			b.Fatal("DBSIZE", got)
		}
		b.StopTimer()
		r.Do("REPLICAOF", "NO", "ONE")
		r.Do("FLUSHALL", "SYNC")
		b.StartTimer()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mkeys/s")
}

// BenchmarkStreamApply lets a replica load an empty data set and then follow a
// stream of SETs over random keys as fast as it can. The time runs from the
// first byte of the stream to the acknowledgement of the last.
func BenchmarkStreamApply(b *testing.B) {
	const commands = 2_000_000
	stream, size := setStream(commands)
	b.Run("understudy", func(b *testing.B) {
		applyBy(b, stream, size, commands, func(addr string) func() {
			r, err := replication.NewReplica("redis://"+addr, nil)
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan struct{})
			go func() { defer close(done); _ = r.Run(ctx) }()
			return func() { cancel(); <-done; r.Close() }
		})
	})
	for _, v := range []realserver.Version{realserver.R7, realserver.R8} {
		b.Run(fmt.Sprint(v), func(b *testing.B) {
			r := realserver.Start(b, v, "--repl-diskless-load", "swapdb")
			applyBy(b, stream, size, commands, func(addr string) func() {
				host, port, _ := net.SplitHostPort(addr)
				r.Do("REPLICAOF", host, port)
				return func() { r.Do("REPLICAOF", "NO", "ONE"); r.Do("FLUSHALL", "SYNC") }
			})
		})
	}
}

// setStream returns a stream, followed by a request for an acknowledgement, and
// the offset that this will state.
func setStream(n int) (stream []byte, size int64) {
	stream = resp.AppendCommand(nil, "SELECT", "0")
	for _, k := range randomKeys(1_000_000, n) {
		stream = resp.AppendCommand(stream, "SET", k, value)
	}
	size = int64(len(stream))
	return resp.AppendCommand(stream, "REPLCONF", "GETACK", "*"), size
}

func applyBy(b *testing.B, stream []byte, size int64, commands int, follow func(addr string) (stop func())) {
	var total time.Duration
	for b.Loop() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		stop := follow(l.Addr().String())
		took, err := feed(l, stream, size)
		if err != nil {
			b.Fatal(err)
		}
		total += took
		stop()
		l.Close()
	}
	b.ReportMetric(float64(commands)*float64(b.N)/total.Seconds()/1e6, "Mcommands/s")
	b.ReportMetric(0, "ns/op")
}

// feed is a primary that has nothing but a stream.
func feed(l net.Listener, stream []byte, size int64) (time.Duration, error) {
	c, err := l.Accept()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	r := resp.NewReader(bufio.NewReader(c), nil)
	for psync := false; !psync; {
		args, err := r.ReadCommand()
		if err != nil {
			return 0, err
		}
		switch {
		case len(args) == 0:
		case bytes.EqualFold(args[0], []byte("PING")):
			_, err = c.Write([]byte("+PONG\r\n"))
		case bytes.EqualFold(args[0], []byte("PSYNC")):
			psync = true
		default:
			_, err = c.Write([]byte("+OK\r\n"))
		}
		if err != nil {
			return 0, err
		}
	}
	if _, err := c.Write(emptyPayload()); err != nil {
		return 0, err
	}
	if err := awaitAck(r, 0); err != nil {
		return 0, err
	}
	start := time.Now()
	wrote := make(chan error, 1)
	go func() { _, err := c.Write(stream); wrote <- err }()
	err = awaitAck(r, size)
	took := time.Since(start)
	if werr := <-wrote; err == nil {
		err = werr
	}
	return took, err
}

const id = "0123456789012345678901234567890123456789"

func emptyPayload() []byte {
	var file bytes.Buffer
	e := rdb.NewEncoder(&file, nil)
	_ = e.End()
	return fmt.Appendf(nil, "+FULLRESYNC %s 0\r\n$EOF:%s\r\n%s%s", id, id, file.Bytes(), id)
}

func awaitAck(r *resp.Reader, offset int64) error {
	for {
		args, err := r.ReadCommand()
		if err != nil {
			return err
		}
		if len(args) >= 3 && bytes.EqualFold(args[1], []byte("ACK")) {
			if n, _ := strconv.ParseInt(string(args[2]), 10, 64); n >= offset {
				return nil
			}
		}
	}
}
