package store_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/understudy-go/understudy/store"
)

// BenchmarkFieldDeadlines shows how deadlines of fields grow with the hash: giving one to a random field, alone and beside
// a snapshot of before; taking it away; moving the key; and sweeping. B/deadline is what the deadline of one field takes.
//
// To leave the million out: -bench 'FieldDeadlines/n=(1000|100000)$'.
func BenchmarkFieldDeadlines(b *testing.B) {
	for _, n := range []int{1000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) { benchFieldDeadlines(b, n) })
	}
}

func benchFieldDeadlines(b *testing.B, n int) {
	now := time.UnixMilli(1_700_000_000_000)
	s := store.New(&store.Options{Clock: func() time.Time { return now }, BacklogBytes: 1 << 16})
	db := s.DB(0)
	for i := range n {
		_, _ = db.HSet("k", benchKey(i), "v")
	}
	r := rand.New(rand.NewPCG(1, 2))
	at := func() time.Time { return now.Add(time.Hour + time.Duration(r.IntN(1e9))*time.Millisecond) }
	before := heapBytes()
	for i := range n {
		_, _ = db.HExpire("k", at(), benchKey(i))
	}
	perDeadline := float64(heapBytes()-before) / float64(n)
	set := func(b *testing.B) {
		for b.Loop() {
			_, _ = db.HExpire("k", at(), benchKey(r.IntN(n)))
		}
	}
	b.Run("set", func(b *testing.B) { set(b); b.ReportMetric(perDeadline, "B/deadline") })
	b.Run("set beside a snapshot", func(b *testing.B) {
		sn := s.Snapshot()
		defer sn.Close()
		set(b)
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			_, _, _ = db.HTTL("k", benchKey(r.IntN(n)))
		}
	})
	b.Run("rename", func(b *testing.B) {
		for b.Loop() {
			_, _ = db.Rename("k", "l"), db.Rename("l", "k")
		}
	})
	b.Run("sweep", func(b *testing.B) {
		for b.Loop() {
			_, _ = db.HSetEx("k", &store.HSetExOptions{At: now.Add(time.Millisecond)}, "soon", "v")
			now = now.Add(2 * time.Millisecond)
			if s.Replication().Sweep(1) != 1 {
				b.Fatal("nothing was swept")
			}
		}
	})
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
