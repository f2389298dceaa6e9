//go:build linux

package store

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/understudy-go/understudy/store/internal/table"
)

// What the writer lock is held for bounds how long everybody else waits. These
// benchmarks look inside of it, which no caller can: they do what Set and
// Snapshot do, and read the clocks between taking the lock and giving it back.

// hold is one time under the lock: by the wall clock, and by the clock of the
// thread, which leaves out other threads and processes but not what a hypervisor
// takes.
type hold struct{ wall, own time.Duration }

// holds collects times under the lock, and beside them those of a control: as
// many stretches of doing nothing. What the control sees too is the machine.
//
// least is, for each write of a sequence that was done several times over, the
// shortest of its times: the work itself, without what came in between.
type holds struct {
	real, control, least []hold
}

func threadTime() time.Duration {
	const clockThreadCPUTime = 3
	var ts syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockThreadCPUTime, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano())
}

func timed(fn func()) hold {
	own, wall := threadTime(), time.Now()
	fn()
	return hold{time.Since(wall), threadTime() - own}
}

// spin takes about as long as a short commit.
func spin() {
	for n := uint64(1); n&0xfff != 0; n++ {
	}
}

// take times fn, which is number i of the sequence.
func (h *holds) take(i int, fn func()) {
	t := timed(fn)
	h.real = append(h.real, t)
	h.control = append(h.control, timed(spin))
	if i == len(h.least) {
		h.least = append(h.least, t)
	}
	h.least[i] = hold{min(h.least[i].wall, t.wall), min(h.least[i].own, t.own)}
}

func (h *holds) report(b *testing.B, what string) {
	for name, all := range map[string][]hold{what: h.real, "control": h.control, "repeated": h.least} {
		d := make([]time.Duration, len(all))
		for i, h := range all {
			d[i] = min(h.wall, h.own) // neither sees everything that came in between
		}
		slices.Sort(d)
		us := func(at int) float64 { return float64(d[at].Nanoseconds()) / 1e3 }
		b.ReportMetric(us(len(d)/2), name+"-p50-µs")
		b.ReportMetric(us(len(d)/1000*999), name+"-p99.9-µs")
		b.ReportMetric(us(len(d)-1-len(d)/100_000), name+"-p99.999-µs")
		b.ReportMetric(us(len(d)-1), name+"-max-µs")
	}
}

// onOneThread runs fn with the collector on and off: an allocation under the lock
// may have to help it.
func onOneThread(b *testing.B, fn func(b *testing.B)) {
	for _, percent := range []int{100, -1} {
		b.Run(fmt.Sprintf("GOGC=%d", percent), func(b *testing.B) {
			defer debug.SetGCPercent(debug.SetGCPercent(percent))
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			fn(b)
		})
	}
}

// holdKeys is how many keys the figures are for; with -short, to see that it runs.
func holdKeys() int {
	if testing.Short() {
		return 100_000
	}
	return 4_000_000
}

// BenchmarkHoldInsert inserts the same keys b.N times: the longest holds are
// those that split a segment or start a block of the backlog.
func BenchmarkHoldInsert(b *testing.B) {
	keys := holdKeys()
	value := strings.Repeat("v", 32)
	onOneThread(b, func(b *testing.B) {
		h := &holds{}
		like := New(nil)
		for range b.N {
			s := New(nil)
			s.tables = like.tables // one seed: the same write splits the same segment each time
			s.setView(newGeneration(s.opts.Databases, s.tables), nil)
			for i := range keys {
				key := fmt.Sprintf("key:%011d", i)
				made := table.NewText(0, key, value, 0)
				_ = s.lock()
				h.take(i, func() {
					_ = s.changeLocked(0, false, func(x *exec) error {
						x.made = made
						_, _, err := x.set(key, value, setOptions{})
						return err
					})
				})
				s.unlock()
			}
		}
		h.report(b, "insert")
	})
}

// BenchmarkHoldCut takes snapshots between writes.
func BenchmarkHoldCut(b *testing.B) {
	value := strings.Repeat("v", 32)
	for _, keys := range []int{holdKeys() / 4, holdKeys()} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			s := New(nil)
			for i := range keys {
				_ = s.DB(0).Set(fmt.Sprintf("key:%011d", i), value, 0)
			}
			onOneThread(b, func(b *testing.B) {
				h, r := &holds{}, rand.New(rand.NewPCG(1, 2))
				for i := range b.N {
					sn := s.newSnapshot()
					_ = s.lock()
					h.take(i, func() { s.cut(sn) })
					s.unlock()
					_ = s.DB(0).Set(fmt.Sprintf("key:%011d", r.IntN(keys)), value, 0)
					_ = sn.Close()
				}
				h.report(b, "cut")
			})
		})
	}
}
