package table

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func put(t *Table, key, value string) { t.Put(t.Hash(key), NewText(1, key, value, 0)) }

func get(t *Table, key string) (string, bool) {
	e := t.Find(t.Hash(key), key)
	if e == nil {
		return "", false
	}
	return e.Text(), true
}

func TestEntryForms(t *testing.T) {
	long := strings.Repeat("x", inlineLimit+1)
	for _, key := range []string{"", "k", "key with spaces \x00\xff", strings.Repeat("k", 70000), strings.Repeat("K", 1<<maxKeyBits)} {
		for _, value := range []string{"", "v", strings.Repeat("v", inlineLimit), long} {
			for _, deadline := range []int64{0, 1, -1, 1 << 62} {
				e := NewText(7, key, value, deadline)
				check := func(what string, e *Entry, version uint64, key, value string, deadline int64) {
					t.Helper()
					if e.Key() != key || e.Text() != value || e.Deadline() != deadline || e.Version() != version || e.Kind() != Text {
						t.Fatalf("%s of key[%d] value[%d] deadline %d: got key[%d] value[%d] deadline %d version %d kind %d",
							what, len(key), len(value), deadline, len(e.Key()), len(e.Text()), e.Deadline(), e.Version(), e.Kind())
					}
				}
				check("NewText", e, 7, key, value, deadline)
				check("With", e.With(8, "other", 5), 8, "other", value, 5)
				check("Append", e.Append(9, "+more"), 9, key, value+"+more", deadline)
				if !e.Same(key, value, Text, deadline) || e.Same(key, value+"x", Text, deadline) || e.Same(key, value, SmallHash, deadline) {
					t.Fatal("Same is wrong")
				}
			}
		}
	}
}

// An appended string shares its buffer with its predecessor; what was read
// before must not change, even when two different strings grow from one.
func TestAppendKeepsEarlierStrings(t *testing.T) {
	base := NewText(1, "k", strings.Repeat("a", 2*inlineLimit), 0).Append(2, "b")
	want := base.Text()
	left := base.Append(3, "left")
	right := base.Append(4, "right")
	if base.Text() != want || left.Text() != want+"left" || right.Text() != want+"right" {
		t.Fatalf("got ...%q ...%q ...%q", base.Text()[2*inlineLimit:], left.Text()[2*inlineLimit:], right.Text()[2*inlineLimit:])
	}
	if allocs := testing.AllocsPerRun(100, func() { left = left.Append(5, "c") }); allocs > 1 {
		t.Errorf("append within capacity allocates %v times", allocs)
	}
}

func TestTableAgainstMap(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	tab, model := NewFamily().New(), map[string]string{}
	for i := range 120_000 {
		key := fmt.Sprintf("key:%d", r.IntN(25_000))
		switch r.IntN(4) {
		case 0:
			_, had := model[key]
			if got := tab.Remove(tab.Hash(key), key, uint64(i)); (got != nil) != had {
				t.Fatalf("step %d: Remove(%s) = %v, in the model: %v", i, key, got, had)
			}
			delete(model, key)
		default:
			value := fmt.Sprint(i)
			put(tab, key, value)
			model[key] = value
		}
	}
	if tab.Len() != len(model) {
		t.Fatalf("Len() = %d, want %d", tab.Len(), len(model))
	}
	for key, want := range model {
		if got, ok := get(tab, key); !ok || got != want {
			t.Fatalf("get(%s) = %q, %v, want %q", key, got, ok, want)
		}
	}
	if err := tab.Check(); err != nil {
		t.Fatal(err)
	}
	sameKeys(t, "Chunk", chunked(tab), model)
	sameKeys(t, "Scan", scanned(tab, nil), model)
}

func chunked(tab *Table) map[string]int {
	seen := map[string]int{}
	for pos := uint64(0); ; {
		_, last := tab.Chunk(pos, func(e *Entry) bool { seen[e.Key()]++; return true })
		if pos = last + 1; pos == 0 {
			return seen
		}
	}
}

func scanned(tab *Table, between func()) map[string]int {
	seen := map[string]int{}
	for cursor := uint64(0); ; {
		cursor = tab.Scan(cursor, func(e *Entry) { seen[e.Key()]++ })
		if cursor == 0 {
			return seen
		}
		if between != nil {
			between()
		}
	}
}

func sameKeys(t *testing.T, what string, seen map[string]int, model map[string]string) {
	t.Helper()
	for key, n := range seen {
		if _, ok := model[key]; !ok || n != 1 {
			t.Fatalf("%s gave %q %d times, in the model: %v", what, key, n, ok)
		}
	}
	if len(seen) != len(model) {
		t.Fatalf("%s gave %d keys, want %d", what, len(seen), len(model))
	}
}

// A key that is there throughout is scanned, however the table grows between
// two calls.
func TestScanWhileGrowing(t *testing.T) {
	tab, r := NewFamily().New(), rand.New(rand.NewPCG(1, 2))
	for i := range 500 {
		put(tab, fmt.Sprint("stay:", i), "")
	}
	n := 0
	seen := scanned(tab, func() {
		if n > 400_000 {
			return
		}
		for range r.IntN(20_000) {
			n++
			put(tab, fmt.Sprint("new:", n), "")
		}
	})
	for i := range 500 {
		if seen[fmt.Sprint("stay:", i)] == 0 {
			t.Errorf("stay:%d was not scanned", i)
		}
	}
}

// Readers beside the writer find every key that stays, at a value that was
// written, never older than the last one they saw.
func TestReadersBesideWriter(t *testing.T) {
	const keys = 200
	tab := NewFamily().New()
	for i := range keys {
		tab.Put(tab.Hash(fmt.Sprint("stay:", i)), NewText(0, fmt.Sprint("stay:", i), "", 0))
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			last := make([]uint64, keys)
			for i := 0; !stop.Load(); i = (i + 1) % keys {
				key := fmt.Sprint("stay:", i)
				e := tab.Find(tab.Hash(key), key)
				if e == nil || e.Version() < last[i] {
					t.Errorf("%s: got %v after version %d", key, e, last[i])
					return
				}
				last[i] = e.Version()
			}
		})
	}
	r := rand.New(rand.NewPCG(3, 4))
	for version := uint64(1); version < 60_000; version++ {
		key := fmt.Sprint("stay:", r.IntN(keys))
		tab.Put(tab.Hash(key), NewText(version, key, "v", 0))
		other := fmt.Sprint("other:", r.IntN(20_000))
		if r.IntN(3) == 0 {
			tab.Remove(tab.Hash(other), other, version)
		} else {
			tab.Put(tab.Hash(other), NewText(version, other, "v", 0))
		}
	}
	stop.Store(true)
	wg.Wait()
}

// Between a change and its count the table says that it has none to give.
func TestUnsettledInTheMidst(t *testing.T) {
	e, other, gone := NewText(1, "k", "", 0), NewText(2, "k", "", 0), NewTombstone(3, "k")
	for _, c := range []struct {
		name   string
		old, e *Entry
		before int
		step   int
	}{
		{"new", nil, e, 4, 1},
		{"removed", e, nil, 4, -1},
		{"replaced", e, other, 4, 0},
		{"marked as gone", e, gone, 4, -1},
		{"mark swept", gone, nil, 4, 0},
		{"back from the mark", gone, e, 4, 1},
		{"the first", nil, e, 0, 1},
	} {
		tab := NewFamily().New()
		for i := range c.before {
			put(tab, fmt.Sprint("other:", i), "")
		}
		tab.replacing(c.old, c.e)
		if n, ok := tab.Settled(); ok != (c.step == 0) || ok && n != c.before || tab.Len() != c.before {
			t.Errorf("%s, in the midst: %d, settled: %v; Len is %d, was %d", c.name, n, ok, tab.Len(), c.before)
		}
		tab.replaced(c.old, c.e)
		if n, ok := tab.Settled(); n != c.before+c.step || !ok || tab.Len() != n {
			t.Errorf("%s: %d, settled: %v, want %d; Len is %d", c.name, n, ok, c.before+c.step, tab.Len())
		}
	}
}

func TestFindDoesNotAllocate(t *testing.T) {
	tab := NewFamily().New()
	put(tab, "key", "value")
	if n := testing.AllocsPerRun(100, func() { get(tab, "key") }); n != 0 {
		t.Errorf("Find allocates %v times", n)
	}
}

func TestPick(t *testing.T) {
	tab, seen := NewFamily().New(), map[string]bool{}
	for i := range 50 {
		put(tab, fmt.Sprint(i), "")
	}
	for i := 0; len(seen) < 50 && i < 1_000_000; i++ {
		if e := tab.Pick(rand.Uint64(), i%Slots); e != nil {
			seen[e.Key()] = true
		}
	}
	if len(seen) != 50 {
		t.Errorf("picked only %d of 50 keys: %v", len(seen), slices.Sorted(maps.Keys(seen)))
	}
}
