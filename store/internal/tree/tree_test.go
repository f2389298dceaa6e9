package tree

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sort"
	"sync"
	"testing"
)

func (t *Tree[T]) check(equal func(a, b T) bool) error {
	if t.root == nil {
		return nil
	}
	depth := -1
	var walk func(n *node[T], level int, root bool) error
	walk = func(n *node[T], level int, root bool) error {
		if len(n.items) < 1 || len(n.items) > fan {
			return fmt.Errorf("%d items at level %d", len(n.items), level)
		}
		if n.inner == nil {
			if cap(n.items) > fan {
				return fmt.Errorf("a leaf has room for %d items", cap(n.items))
			}
			if depth >= 0 && depth != level {
				return fmt.Errorf("leaves at levels %d and %d", depth, level)
			}
			depth = level
			return nil
		}
		if len(n.kids) != len(n.items) || len(n.sizes) != len(n.items) || root && len(n.kids) < 2 {
			return fmt.Errorf("%d items, %d kids, %d sizes", len(n.items), len(n.kids), len(n.sizes))
		}
		for i, k := range n.kids {
			if k.len() != n.sizes[i] {
				return fmt.Errorf("size of kid %d is %d, stated %d", i, k.len(), n.sizes[i])
			}
			if !equal(k.items[0], n.items[i]) {
				return fmt.Errorf("first item of kid %d is %v, stated %v", i, k.items[0], n.items[i])
			}
			if err := walk(k, level+1, false); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(t.root, 0, true)
}

func all(t *Tree[int]) []int { return slices.Collect(t.From(0)) }

func TestRandom(t *testing.T) {
	type version struct {
		t *Tree[int]
		m []int
	}
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		cur := version{t: &Tree[int]{}}
		var old []version
		grow := true
		for step := range 6000 {
			if step%1500 == 0 {
				grow = r.IntN(3) > 0
			}
			n := len(cur.m)
			switch op := r.IntN(20); {
			case op == 0 && len(old) < 20:
				old = append(old, version{cur.t.Clone(), slices.Clone(cur.m)})
			case op == 1 && r.IntN(4) == 0 && n > 0:
				i := r.IntN(n)
				j := min(n, i+r.IntN(1+r.IntN(1+r.IntN(1+n))))
				cur.t.Delete(i, j)
				cur.m = slices.Delete(cur.m, i, j)
			case op < 4 && n > 0:
				i, v := r.IntN(n), r.IntN(1e6)
				cur.t.Set(i, v)
				cur.m[i] = v
			case op < 12 == grow || n == 0:
				i, v := []int{0, n, r.IntN(n + 1)}[r.IntN(3)], r.IntN(1e6)
				for range 1 + r.IntN(40) {
					cur.t.Insert(i, v)
					cur.m = slices.Insert(cur.m, i, v)
				}
			default:
				i := []int{0, n - 1, r.IntN(n)}[r.IntN(3)]
				cur.t.Delete(i, i+1)
				cur.m = slices.Delete(cur.m, i, i+1)
			}
			if cur.t.Len() != len(cur.m) {
				t.Fatal("len", cur.t.Len(), len(cur.m))
			}
			if n := len(cur.m); n > 0 {
				i := r.IntN(n)
				if cur.t.At(i) != cur.m[i] {
					t.Fatal("at")
				}
			}
			if step%500 == 0 {
				if len(old) == 20 {
					old = old[10:]
				}
				for _, v := range append(old, cur) {
					if err := v.t.check(func(a, b int) bool { return a == b }); err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(all(v.t), v.m) {
						t.Fatal("differs")
					}
					if n := len(v.m); n > 0 {
						i := r.IntN(n)
						if !slices.Equal(slices.Collect(v.t.From(i)), v.m[i:]) {
							t.Fatal("from differs")
						}
						back := slices.Clone(v.m[:i+1])
						slices.Reverse(back)
						if !slices.Equal(slices.Collect(v.t.Down(i)), back) {
							t.Fatal("down differs")
						}
					}
				}
			}
		}
	}
}

func TestSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	tr, m := &Tree[int]{}, []int{}
	for range 20000 {
		v := r.IntN(15000)
		i := tr.Search(func(x int) bool { return x >= v })
		if j := sort.SearchInts(m, v); i != j {
			t.Fatal(i, j)
		}
		if r.IntN(3) == 0 && i < len(m) {
			tr.Delete(i, i+1)
			m = slices.Delete(m, i, i+1)
			continue
		}
		tr.Insert(i, v)
		m = slices.Insert(m, i, v)
	}
	if err := tr.check(func(a, b int) bool { return a == b }); err != nil {
		t.Fatal(err)
	}
}

type item struct {
	score float64
	m     string
}

func put(t *Tree[item], v item) {
	t.Insert(t.Search(func(x item) bool { return x.score >= v.score }), v)
}

// filled is a tree of n items in order of random scores.
func filled(n int, r *rand.Rand) *Tree[item] {
	t := &Tree[item]{}
	for range n {
		put(t, item{r.Float64(), "m"})
	}
	return t
}

// change inserts an item at a random place and deletes another.
func change(t *Tree[item], r *rand.Rand) {
	put(t, item{r.Float64(), "m"})
	i := r.IntN(t.Len())
	t.Delete(i, i+1)
}

// BenchmarkTree runs what sorted sets consist of, at random places: of 1 M items most
// are in no cache. The change after a clone copies all nodes on both paths.
func BenchmarkTree(b *testing.B) {
	for _, n := range []int{1000, 100_000, 1_000_000} {
		r := rand.New(rand.NewPCG(2, 1))
		t := filled(n, r)
		for _, op := range []struct {
			name string
			run  func()
		}{
			{"Search", func() { v := r.Float64(); t.Search(func(x item) bool { return x.score >= v }) }},
			{"At", func() { t.At(r.IntN(n)) }},
			{"Insert+Delete", func() { change(t, r) }},
			{"Clone+Insert+Delete", func() { t.Clone(); change(t, r) }},
		} {
			b.Run(fmt.Sprintf("%s/n=%d", op.name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					op.run()
				}
			})
		}
	}
}

// BenchmarkHeapPerItem is what items of 24 bytes take in a tree: inserted in order, at
// random places, and with as many changes after that.
func BenchmarkHeapPerItem(b *testing.B) {
	const n = 200_000
	r := rand.New(rand.NewPCG(2, 1))
	for _, way := range []struct {
		name string
		fill func() *Tree[item]
	}{
		{"ordered", func() *Tree[item] {
			t := &Tree[item]{}
			for i := range n {
				t.Insert(i, item{float64(i), "m"})
			}
			return t
		}},
		{"random", func() *Tree[item] { return filled(n, r) }},
		{"churned", func() *Tree[item] {
			t := filled(n, r)
			for range n {
				change(t, r)
			}
			return t
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			for b.Loop() {
				before := heap()
				t := way.fill()
				b.ReportMetric(float64(heap()-before)/n, "B/item")
				runtime.KeepAlive(t)
			}
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkPush(b *testing.B) {
	tr := &Tree[string]{}
	b.ReportAllocs()
	for i := range b.N {
		tr.Insert(i, "x")
	}
}

// A branch takes nothing from its tree, of which any number may be made at once, and
// neither sees what the other one changes. Run with -race.
func TestBranch(t *testing.T) {
	var frozen Tree[int]
	for i := range 1000 {
		frozen.Insert(i, i)
	}
	var wg sync.WaitGroup
	for k := range 4 {
		wg.Go(func() {
			b := frozen.Branch()
			b.Delete(k*100, k*100+50)
			b.Set(0, -k)
			if b.Len() != 950 || b.Copied() == 0 {
				t.Errorf("the branch has %d items and copied none of its tree's nodes", b.Len())
			}
		})
	}
	wg.Wait()
	for i := range 1000 {
		if frozen.At(i) != i {
			t.Fatalf("item %d is %d", i, frozen.At(i))
		}
	}
}
