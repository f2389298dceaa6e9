package store_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/understudy-go/understudy/store"
)

// These benchmarks show how commands on collections grow with the collection: alone,
// with a snapshot open that was made before, and right after a cut.
//
// A collection of each size is made once in a run, used by everything that wants it
// and let go before the next one is made: that of 10 M members takes some 2 GB. So
// every operation leaves as many elements as it found.

// collection is a store with one collection at "k", and random existing elements.
type collection struct {
	kind    string
	n       int
	s       *store.Store
	db      store.DB
	members []string // of a list: elements
	r       *rand.Rand
	last    int // of members
}

// made is the collection that is in memory.
var made collection

func collectionOf(kind string, n int) *collection {
	if made.kind != kind || made.n != n {
		made = collection{}
		runtime.GC()
		made = *newCollection(kind, n)
		runtime.GC()
	}
	return &made
}

func newCollection(kind string, n int) *collection {
	s := store.New(nil)
	c := &collection{kind: kind, n: n, s: s, db: s.DB(0), r: rand.New(rand.NewPCG(1, 2))}
	c.fill()
	c.members = shuffled(n, min(n, 1<<20))
	return c
}

// fill adds the elements in batches, as a client would.
func (c *collection) fill() {
	const batch = 1000
	for at := 0; at < c.n; at += batch {
		size := min(batch, c.n-at)
		items := make([]string, size)
		for i := range size {
			items[i] = benchKey(at + i)
		}
		switch c.kind {
		case "list":
			_, _ = c.db.RPush("k", items...)
		case "set":
			_, _ = c.db.SAdd("k", items...)
		case "sorted":
			for _, m := range items { // of many at once each would copy its nodes: a commit of several slots forks
				_, _ = c.db.ZAdd("k", c.scored(m))
			}
		case "hash":
			pairs := make([]string, 0, 2*size)
			for _, f := range items {
				pairs = append(pairs, f, benchValue)
			}
			_, _ = c.db.HSet("k", pairs...)
		}
	}
}

// member is another element than the last time.
func (c *collection) member() string {
	if c.last++; c.last == len(c.members) {
		c.last = 0
	}
	return c.members[c.last]
}

func (c *collection) index() int { return c.r.IntN(c.n) }
func (c *collection) scored(m string) store.Scored {
	return store.Scored{Score: c.r.Float64(), Member: m}
}

// operation is one command, or two of which the second undoes the first.
type operation struct {
	name  string
	grows string // with n elements, as Redis states it
	run   func(c *collection)
	reads bool
}

var operations = []struct {
	kind string
	ops  []operation
}{
	{"list", []operation{ // LINSERT looks for its pivot: before the writes that make equal elements
		{name: "LINDEX", grows: "log n", reads: true, run: func(c *collection) { _, _ = c.db.LIndex("k", c.index()) }},
		{name: "LRANGE-100", grows: "log n", reads: true, run: func(c *collection) {
			at := c.r.IntN(c.n - 100)
			_, _ = c.db.LRange("k", at, at+99)
		}},
		{name: "LINSERT+LREM-head", grows: "log n", run: func(c *collection) { c.insertAt(100) }},
		{name: "LINSERT+LREM-middle", grows: "n", run: func(c *collection) { c.insertAt(c.n / 2) }},
		{name: "LSET", grows: "log n", run: func(c *collection) { _ = c.db.LSet("k", c.index(), c.member()) }},
		{name: "RPUSH+LPOP", grows: "1", run: func(c *collection) {
			_, _ = c.db.RPush("k", c.member())
			_, _ = c.db.LPop("k")
		}},
		{name: "LMOVE", grows: "1", run: func(c *collection) { _, _ = c.db.LMove("k", "k", store.Left, store.Right) }},
	}},
	{"set", []operation{
		{name: "SISMEMBER", grows: "1", reads: true, run: func(c *collection) { _, _ = c.db.SIsMember("k", c.member()) }},
		{name: "SRANDMEMBER", grows: "1", reads: true, run: func(c *collection) { _, _ = c.db.SRandMemberN("k", 1) }},
		{name: "SRANDMEMBER-10", grows: "1", reads: true, run: func(c *collection) { _, _ = c.db.SRandMemberN("k", 10) }},
		{name: "SADD+SREM", grows: "1", run: func(c *collection) {
			_, _ = c.db.SAdd("k", "new")
			_, _ = c.db.SRem("k", "new")
		}},
		{name: "SPOP+SADD", grows: "1", run: func(c *collection) {
			m, _ := c.db.SPopN("k", 1)
			_, _ = c.db.SAdd("k", m...)
		}},
	}},
	{"sorted", []operation{
		{name: "ZSCORE", grows: "1", reads: true, run: func(c *collection) { _, _ = c.db.ZScore("k", c.member()) }},
		{name: "ZRANK", grows: "log n", reads: true, run: func(c *collection) { _, _ = c.db.ZRank("k", c.member()) }},
		{name: "ZRANGE-10", grows: "log n", reads: true, run: func(c *collection) {
			i := c.r.IntN(c.n - 10)
			_, _ = c.db.Do("ZRANGE", "k", fmt.Sprint(i), fmt.Sprint(i+9))
		}},
		{name: "ZADD", grows: "log n", run: func(c *collection) { _, _ = c.db.ZAdd("k", c.scored(c.member())) }},
		{name: "ZADD+ZREM-new", grows: "log n", run: func(c *collection) {
			_, _ = c.db.ZAdd("k", c.scored("new"))
			_, _ = c.db.ZRem("k", "new")
		}},
		{name: "ZPOPMIN+ZADD", grows: "log n", run: func(c *collection) {
			items, _ := c.db.ZPopMinN("k", 1)
			_, _ = c.db.ZAdd("k", c.scored(items[0].Member))
		}},
	}},
	{"hash", []operation{
		{name: "HGET", grows: "1", reads: true, run: func(c *collection) { _, _ = c.db.HGet("k", c.member()) }},
		{name: "HSET", grows: "1", run: func(c *collection) { _, _ = c.db.HSet("k", c.member(), benchValue) }},
		{name: "HSET+HDEL-new", grows: "1", run: func(c *collection) {
			_, _ = c.db.HSet("k", "new", benchValue)
			_, _ = c.db.HDel("k", "new")
		}},
	}},
}

// insertAt inserts before element i, which is looked for from the head, and removes
// what it inserted, which is looked for too.
func (c *collection) insertAt(i int) {
	pivot, _ := c.db.LIndex("k", i)
	_, _ = c.db.LInsert("k", store.Left, pivot, "new")
	_, _ = c.db.LRem("k", 1, "new")
}

func complexitySizes() []int {
	if testing.Short() {
		return []int{1_000, 2_000}
	}
	return []int{1_000, 100_000, 10_000_000}
}

// BenchmarkComplexity is the cost of an operation. Between 1 k and 10 M it should
// grow as its name says, but for the memory that is further away: a collection of 1 k
// is in the processor's cache, one of 10 M is not.
func BenchmarkComplexity(b *testing.B) {
	for _, group := range operations {
		for _, n := range complexitySizes() {
			for _, op := range group.ops {
				for _, open := range []bool{false, true} {
					b.Run(fmt.Sprintf("%s/grows=%s/n=%d/snapshot=%v", op.name, op.grows, n, open), func(b *testing.B) {
						c := collectionOf(group.kind, n)
						if open {
							sn := c.s.Snapshot()
							defer sn.Close()
						}
						b.ReportAllocs()
						for b.Loop() {
							op.run(c)
						}
					})
				}
			}
		}
	}
	made = collection{}
}

// BenchmarkFirstWrite is, for each operation that writes, what a cut costs, the first
// operation after it, the second, and one with no snapshot open. In a tree the first
// copies the nodes on its path, and the second those that the first did not copy: what
// the first costs more grows with the levels of the tree and not with its elements.
func BenchmarkFirstWrite(b *testing.B) {
	for _, group := range operations {
		for _, n := range complexitySizes() {
			for _, op := range group.ops {
				if op.reads || op.grows == "n" {
					continue
				}
				b.Run(fmt.Sprintf("%s/n=%d", op.name, n), func(b *testing.B) {
					firstWrite(b, collectionOf(group.kind, n), op)
				})
			}
		}
	}
	made = collection{}
}

func firstWrite(b *testing.B, c *collection, op operation) {
	steps := []string{"cut", "first", "second", "without"}
	times := make([][]time.Duration, len(steps))
	var sn *store.Snapshot
	op.run(c)
	for b.Loop() {
		for i := range steps {
			start := time.Now()
			if i == 0 {
				sn = c.s.Snapshot()
			} else {
				op.run(c)
			}
			times[i] = append(times[i], time.Since(start))
			if i == 2 {
				_ = sn.Close()
			}
		}
	}
	for i, name := range steps {
		slices.Sort(times[i])
		b.ReportMetric(float64(times[i][len(times[i])/2].Nanoseconds()), name+"-p50-ns")
		b.ReportMetric(float64(times[i][len(times[i])*99/100].Nanoseconds()), name+"-p99-ns")
	}
}
