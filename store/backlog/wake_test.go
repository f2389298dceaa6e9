package backlog

import (
	"context"
	"testing"
	"testing/synctest"
)

// TestOneWakeWakesAll: the writer wakes two readers, and these the others, also if some of those leave by themselves at that moment.
func TestOneWakeWakesAll(t *testing.T) {
	for _, leaving := range []int{0, 1, 7} {
		synctest.Test(t, func(t *testing.T) {
			const readers = 20
			b := New(1 << 20)
			got := make(chan int, readers)
			leave, cancel := context.WithCancel(t.Context())
			for i := range readers {
				r, err := b.NewReader(0, 0, nil)
				if err != nil {
					t.Fatal(err)
				}
				ctx := t.Context()
				if i%3 == 0 && i/3 < leaving {
					ctx = leave
				}
				go func() {
					p, _ := r.Next(ctx, 0)
					r.Close()
					got <- len(p)
				}()
			}
			synctest.Wait()
			if n := b.pending.Load(); n != readers {
				t.Fatalf("%d sleep", n)
			}
			b.Append([]byte("abc"))
			if leaving > 0 {
				cancel()
			}
			b.Wake()
			synctest.Wait()
			cancel()
			if len(got) != readers {
				t.Fatalf("%d of %d got up, %d with %d leaving", len(got), readers, b.pending.Load(), leaving)
			}
			for range readers - leaving {
				<-got
			}
			if n := b.pending.Load(); n != 0 {
				t.Errorf("pending = %d with nobody asleep", n)
			}
		})
	}
}

// TestWakeCostsTheWriterTwo: what the writer does does not grow with the readers.
func TestWakeCostsTheWriterTwo(t *testing.T) {
	b := New(1 << 20)
	var readers []*Reader
	for range 20 {
		r, err := b.NewReader(0, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.fallAsleep(r); err != nil {
			t.Fatal(err)
		}
		readers = append(readers, r)
	}
	b.Append([]byte("abc"))
	b.Wake()
	b.Wake()
	woken := 0
	for _, r := range readers {
		woken += len(r.woken)
	}
	if woken != fanOut {
		t.Errorf("the writer woke %d", woken)
	}
}
