package backlog

import (
	"context"
	"fmt"
	"sync"
	"testing"
)

// BenchmarkAppend is the writer's cost of one effect of 75 bytes, waking included, with readers that follow as
// fast as they can.
func BenchmarkAppend(b *testing.B) {
	for _, readers := range []int{0, 1, 8} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
			l := New(1 << 20)
			ctx, cancel := context.WithCancel(b.Context())
			var wg sync.WaitGroup
			for range readers {
				r, err := l.NewReader(0, 0, nil)
				if err != nil {
					b.Fatal(err)
				}
				wg.Go(func() { drain(ctx, r) })
			}
			p := fill(75)
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				l.Append(p)
				l.Wake()
			}
			cancel()
			wg.Wait()
		})
	}
}

// BenchmarkAppendBatch wakes once in 16 appends, as the store does for a pipeline.
func BenchmarkAppendBatch(b *testing.B) {
	l := New(1 << 20)
	p := fill(75)
	b.SetBytes(int64(16 * len(p)))
	b.ReportAllocs()
	for b.Loop() {
		for range 16 {
			l.Append(p)
		}
		l.Wake()
	}
}

func BenchmarkCheck(b *testing.B) {
	l := at(0, 1<<20)
	l.Append(fill(10_000))
	b.ReportAllocs()
	for b.Loop() {
		l.Check(string(idA), 5000)
	}
}

func drain(ctx context.Context, r *Reader) {
	defer r.Close()
	for {
		if _, err := r.Next(ctx, 0); err != nil {
			return
		}
	}
}
