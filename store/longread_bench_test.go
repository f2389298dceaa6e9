//go:build linux

package store

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// longKind is a collection type with its longest read, a write of one element, and a
// read of one, which stands for all other readers.
type longKind struct {
	name  string
	fill  func(db DB, items []string)
	long  []string
	write func(x *exec, item string, i, j int) error
	read  func(db DB, item string, i int)
}

var longKinds = []longKind{
	{"HGETALL",
		func(db DB, items []string) {
			pairs := make([]string, 0, 2*len(items))
			for _, f := range items {
				pairs = append(pairs, f, f)
			}
			_, _ = db.HSet("k", pairs...)
		},
		[]string{"HGETALL", "k"},
		func(x *exec, item string, _, _ int) error { _, err := x.hset("k", []string{item, "new"}); return err },
		func(db DB, item string, _ int) { _, _ = db.HGet("k", item) }},
	{"SMEMBERS",
		func(db DB, items []string) { _, _ = db.SAdd("k", items...) },
		[]string{"SMEMBERS", "k"},
		func(x *exec, item string, i, _ int) (err error) { // two rounds leave the set as it was
			if i%2 == 0 {
				_, err = x.srem("k", []string{"new"})
			} else {
				_, err = x.sadd("k", []string{"new"})
			}
			return err
		},
		func(db DB, item string, _ int) { _, _ = db.SIsMember("k", item) }},
	{"LRANGE",
		func(db DB, items []string) { _, _ = db.RPush("k", items...) },
		[]string{"LRANGE", "k", "0", "-1"},
		func(x *exec, item string, i, _ int) error { return x.lset("k", int64(i), item) },
		func(db DB, _ string, i int) { _, _ = db.LIndex("k", i) }},
	{"ZRANGE",
		func(db DB, items []string) {
			scored := make([]Scored, len(items))
			for i, m := range items {
				scored[i] = Scored{float64(i), m}
			}
			_, _ = db.ZAdd("k", scored...)
		},
		[]string{"ZRANGE", "k", "0", "-1"},
		func(x *exec, item string, _, j int) error {
			_, err := x.zadd("k", []Scored{{float64(j) + 0.5, item}}, zaddOptions{})
			return err
		},
		func(db DB, item string, _ int) { _, _ = db.ZRank("k", item) }},
}

// BenchmarkLongRead shows that who reads a whole collection of 1 M elements holds up
// neither the writer nor those who read an element. One goroutine writes an element,
// reads one and does nothing, in turn; with long=true another reads the whole
// collection again and again. "write" is what a write takes from the moment at which it
// wants the writer lock.
//
// Both clocks matter: waiting for a lock shows in wall-* alone; work that the long read
// leaves to others, as copies of nodes and kept entries, in cpu-*. The control is the
// doing nothing: what it sees too is the machine. With GOGC=-1 the collector, which an
// allocation may have to help, is off until the heap has grown by 4 GB.
func BenchmarkLongRead(b *testing.B) {
	n := 1_000_000
	if testing.Short() {
		n = 20_000
	}
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf("element:%08d", i)
	}
	for _, k := range longKinds {
		s := New(nil)
		for part := range slices.Chunk(items, 10_000) {
			k.fill(s.DB(0), part)
		}
		for _, long := range []bool{false, true} {
			for _, percent := range []int{100, -1} {
				b.Run(fmt.Sprintf("%s/long=%v/GOGC=%d", k.name, long, percent), func(b *testing.B) {
					defer debug.SetGCPercent(debug.SetGCPercent(percent))
					defer debug.SetMemoryLimit(debug.SetMemoryLimit(int64(heapInUse()) + 4<<30))
					longRead(b, s, k, items, long)
				})
			}
		}
	}
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func longRead(b *testing.B, s *Store, k longKind, items []string, long bool) {
	var over atomic.Bool
	var reads atomic.Int64
	var wg sync.WaitGroup
	if long {
		wg.Go(func() {
			for !over.Load() {
				if v, err := s.DB(0).Do(k.long...); err != nil || len(v.Elems) < len(items) {
					b.Error(strings.Join(k.long, " "), len(v.Elems), err)
					return
				}
				reads.Add(1)
			}
		})
	}
	l := map[string][]hold{}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := rand.New(rand.NewPCG(1, 2))
	for done := 0; done < b.N || long && reads.Load() == 0; done++ {
		i, j := r.IntN(len(items)), r.IntN(len(items))
		l["write"] = append(l["write"], timed(func() {
			if err := s.write(0, func(x *exec) error { return k.write(x, items[i], i, j) }); err != nil {
				b.Error(err)
			}
		}))
		l["read"] = append(l["read"], timed(func() { k.read(s.DB(0), items[j], j) }))
		l["control"] = append(l["control"], timed(spin))
	}
	over.Store(true)
	wg.Wait()
	for what, all := range l {
		reportBoth(b, what, all)
	}
	b.ReportMetric(float64(reads.Load()), "long-reads")
}

// reportBoth reports times by either clock.
func reportBoth(b *testing.B, what string, all []hold) {
	for clock, of := range map[string]func(hold) time.Duration{
		"wall": func(h hold) time.Duration { return h.wall },
		"cpu":  func(h hold) time.Duration { return h.own },
	} {
		d := make([]time.Duration, len(all))
		for i, h := range all {
			d[i] = of(h)
		}
		slices.Sort(d)
		for label, at := range map[string]int{"p50": len(d) / 2, "p99.9": len(d) * 999 / 1000, "max": len(d) - 1} {
			b.ReportMetric(float64(d[at].Nanoseconds())/1e3, what+"-"+clock+"-"+label+"-µs")
		}
	}
}
