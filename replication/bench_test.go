package replication_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// benchPrimary is a primary with so many keys of 15 bytes and values of 32, on loopback.
func benchPrimary(b *testing.B, keys int) string {
	b.Helper()
	s := store.New(nil)
	value := strings.Repeat("v", 32)
	for i := range keys {
		if err := s.DB(0).Set(fmt.Sprintf("key:%011d", i), value, 0); err != nil {
			b.Fatal(err)
		}
	}
	p, err := replication.NewPrimary(s, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.Close() })
	return "redis://" + serveTCP(b, p)
}

// From nothing to a replica that streams: dial, snapshot, encode, transfer, decode, load, swap.
func BenchmarkFullSync(b *testing.B) {
	for _, keys := range []int{1000, 100_000, 1_000_000} {
		b.Run("keys="+strconv.Itoa(keys), func(b *testing.B) {
			url := benchPrimary(b, keys)
			b.ResetTimer()
			for b.Loop() {
				r, err := replication.Connect(context.Background(), url, nil)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(r.Status().Loaded)
				r.Close()
			}
			b.ReportMetric(float64(keys)*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
		})
	}
}

// One operation is one command of the stream: read, parsed, applied, put into the replica's own backlog. The sender is a loop around ready bytes.
func BenchmarkStream(b *testing.B) {
	for name, line := range map[string]string{"set": "SET key:%011d vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv", "incr": "INCR n:%011d"} {
		b.Run(name, func(b *testing.B) {
			const loop = 100_000
			var ready []byte
			for i := range loop {
				ready = resp.AppendCommand(ready, strings.Fields(fmt.Sprintf(line, i))...)
			}
			size := int64(len(ready) / loop)
			r := benchReplica(b, ready)
			start := r.Status().Offset
			b.SetBytes(size)
			b.ResetTimer()
			if err := r.WaitOffset(context.Background(), start+int64(b.N)*size); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// benchReplica is a replica of a primary that repeats the same stream without end.
func benchReplica(b *testing.B, ready []byte) *replication.Replica {
	b.Helper()
	file := rdbOf(b)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		p := newPeer(b, c)
		p.grant(file, 0)
		p.command()
		go io.Copy(io.Discard, c) // acknowledgements
		for err == nil {
			_, err = c.Write(ready)
		}
	}()
	r, err := replication.Connect(context.Background(), "redis://"+l.Addr().String(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		r.Close()
		l.Close()
		<-done
	})
	return r
}
