//go:build linux

package bench

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/understudy-go/understudy/store"
)

// threadTime is the processor time that the calling thread has used. It leaves
// out what the scheduler and other processes do to a wall clock.
func threadTime() time.Duration {
	const clockThreadCPUTime = 3
	var ts syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockThreadCPUTime, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano())
}

// collectors runs fn with the garbage collector on and off: with it on, what is
// measured contains the help that an allocation may have to give to it.
func collectors(b *testing.B, name string, fn func(b *testing.B)) {
	b.Run(name+"/collector=on", fn)
	b.Run(name+"/collector=off", func(b *testing.B) {
		defer debug.SetGCPercent(debug.SetGCPercent(-1))
		fn(b)
	})
}

// BenchmarkInsert inserts 4 M keys and reports what one insertion takes: the
// writer lock is held for less than that. cpu-* is the thread's own time, wall-*
// what a caller sees.
func BenchmarkInsert(b *testing.B) {
	for _, mk := range makers {
		collectors(b, mk.name, func(b *testing.B) {
			for b.Loop() {
				k := mk.new()
				runtime.LockOSThread()
				cpu, wall := make([]time.Duration, manyKeys), make([]time.Duration, manyKeys)
				for i := range manyKeys {
					name := key(i)
					c, w := threadTime(), time.Now()
					k.set(name)
					wall[i], cpu[i] = time.Since(w), threadTime()-c
				}
				runtime.UnlockOSThread()
				report(b, "cpu", cpu)
				report(b, "wall", wall)
			}
		})
	}
}

func report(b *testing.B, what string, d []time.Duration) {
	slices.Sort(d)
	us := func(x time.Duration) float64 { return float64(x.Nanoseconds()) / 1e3 }
	b.ReportMetric(us(d[len(d)/2]), what+"-p50-µs")
	b.ReportMetric(us(d[len(d)/1000*999]), what+"-p99.9-µs")
	b.ReportMetric(us(d[len(d)-1-len(d)/100_000]), what+"-p99.999-µs")
	b.ReportMetric(us(d[len(d)-1]), what+"-max-µs")
}

// BenchmarkCut takes snapshots beside a writer and reports the longest.
func BenchmarkCut(b *testing.B) {
	for _, n := range []int{1_000_000, manyKeys} {
		collectors(b, fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			s := store.New(nil)
			filled(&ours{s.DB(0)}, n)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			cut, first := make([]time.Duration, b.N), make([]time.Duration, b.N)
			b.ResetTimer()
			for i := 0; i < b.N; i++ {
				name := key(i % n)
				start := threadTime()
				sn := s.Snapshot()
				then := threadTime()
				_ = s.DB(0).Set(name, value, 0) // the first write after a cut
				cut[i], first[i] = then-start, threadTime()-then
				_ = sn.Close()
			}
			report(b, "cut-cpu", cut)
			report(b, "write-cpu", first)
		})
	}
}
