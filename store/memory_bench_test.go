package store_test

import (
	"fmt"
	"runtime"
	"testing"
)

// BenchmarkHeapPerElement is the live heap that an element of a large collection takes,
// and what the collection's own account says, which MEMORY USAGE answers and budgets
// are held against. Elements are of 15 bytes, values of 32.
func BenchmarkHeapPerElement(b *testing.B) {
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	for _, group := range operations {
		b.Run(fmt.Sprintf("%s/n=%d", group.kind, n), func(b *testing.B) {
			made = collection{}
			for b.Loop() {
				c := newCollection(group.kind, n)
				usage, _ := c.db.Do("MEMORY", "USAGE", "k", "SAMPLES", "0")
				full := heap()
				_, _ = c.db.Del("k") // what remains is the store's own
				b.ReportMetric(float64(full-heap())/float64(n), "heap-B/element")
				b.ReportMetric(float64(usage.Int)/float64(n), "account-B/element")
				runtime.KeepAlive(c)
			}
		})
	}
}
