package bench

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/puzpuzpuz/xsync/v4"

	"github.com/understudy-go/understudy/store"
)

// Keys are 15 bytes long, values 32.
const manyKeys = 4_000_000

var value = strings.Repeat("v", 32)

func key(i int) string { return fmt.Sprintf("key:%011d", i) }

// A keyspace is what the library and its peer have in common. A get looks at the
// value that it got: one that does not is no read.
type keyspace interface {
	get(key string) (last byte)
	set(key string)
}

type ours struct{ db store.DB }

func (o *ours) get(key string) byte {
	v, err := o.db.Get(key)
	if err != nil {
		return 0
	}
	return v[len(v)-1]
}

func (o *ours) set(key string) { _ = o.db.Set(key, value, 0) }

// smallBacklog keeps the stream out of the figures for memory.
const smallBacklog = 64 << 10

func newOurs() keyspace { return &ours{store.New(&store.Options{BacklogBytes: smallBacklog}).DB(0)} }

// theirs maps strings to strings, each value a string of its own.
type theirs struct{ m *xsync.Map[string, string] }

func newTheirs() keyspace { return theirs{xsync.NewMap[string, string]()} }

func (o theirs) get(key string) byte {
	v, ok := o.m.Load(key)
	if !ok {
		return 0
	}
	return v[len(v)-1]
}

func (o theirs) set(key string) { o.m.Store(key, strings.Clone(value)) }

var makers = []struct {
	name string
	new  func() keyspace
}{{"understudy", newOurs}, {"xsync.Map", newTheirs}}

func filled(k keyspace, n int) keyspace {
	for i := range n {
		k.set(key(i))
	}
	return k
}

// The two large ones are made once.
var large = sync.OnceValue(func() map[string]keyspace {
	m := map[string]keyspace{}
	for _, mk := range makers {
		m[mk.name] = filled(mk.new(), manyKeys)
	}
	return m
})

// randomKeys returns m of the first n keys in random order: the order in which
// they were made would flatter.
func randomKeys(n, m int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	keys := make([]string, m)
	for i := range keys {
		keys[i] = key(r.IntN(n))
	}
	return keys
}

// BenchmarkGet reads one key after the other. In "latency" the next key depends
// on the value just read, as in a program that does something with it; in
// "throughput" the processor may work on several reads at a time.
func BenchmarkGet(b *testing.B) {
	for _, n := range []int{1, 1000, manyKeys} {
		for _, mk := range makers {
			for _, what := range []string{"latency", "throughput"} {
				b.Run(fmt.Sprintf("keys=%d/%s/%s", n, what, mk.name), func(b *testing.B) {
					var k keyspace
					if n == manyKeys {
						k = large()[mk.name]
					} else {
						k = filled(mk.new(), n)
					}
					keys := randomKeys(n, min(n, 1<<20))
					runtime.GC()
					b.ReportAllocs()
					b.ResetTimer()
					if what == "latency" {
						getDependent(b, k, keys)
					} else {
						getIndependent(b, k, keys)
					}
				})
			}
		}
	}
}

func getIndependent(b *testing.B, k keyspace, keys []string) {
	for i, at := 0, 0; i < b.N; i++ {
		if k.get(keys[at]) == 0 {
			b.Fatal("key is missing")
		}
		if at++; at == len(keys) {
			at = 0
		}
	}
}

// getDependent steps by what it read, which is always the same.
func getDependent(b *testing.B, k keyspace, keys []string) {
	for i, at := 0, 0; i < b.N; i++ {
		if at += 1 + int(k.get(keys[at])-value[0]); at == len(keys) {
			at = 0
		}
	}
}

func BenchmarkGetParallel(b *testing.B) {
	for _, n := range []int{1, manyKeys} {
		for _, mk := range makers {
			b.Run(fmt.Sprintf("keys=%d/%s", n, mk.name), func(b *testing.B) {
				k := large()[mk.name]
				keys := randomKeys(n, min(n, 1<<20))
				var start atomic.Int64
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					at := int(start.Add(1<<17)) % len(keys)
					for pb.Next() {
						k.get(keys[at])
						if at++; at == len(keys) {
							at = 0
						}
					}
				})
			})
		}
	}
}

// BenchmarkSet overwrites. Ours appends to the backlog too.
func BenchmarkSet(b *testing.B) {
	for _, mk := range makers {
		b.Run(fmt.Sprintf("overwrite/keys=%d/%s", manyKeys, mk.name), func(b *testing.B) {
			k := large()[mk.name]
			keys := randomKeys(manyKeys, 1<<20)
			runtime.GC()
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i++ {
				k.set(keys[i&(1<<20-1)])
			}
		})
	}
}

func BenchmarkHeap(b *testing.B) {
	for _, n := range []int{1_000_000, manyKeys} {
		for _, mk := range makers {
			b.Run(fmt.Sprintf("keys=%d/%s", n, mk.name), func(b *testing.B) {
				for b.Loop() {
					before := liveHeap()
					k := filled(mk.new(), n)
					b.ReportMetric((liveHeap()-before)/float64(n), "B/key")
					runtime.KeepAlive(k)
				}
			})
		}
	}
}

func liveHeap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
