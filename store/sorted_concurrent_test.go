package store

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// The invariant of these tests: the scores of "up" and "down" are each other's
// negatives, their sum over "up" is 0, and "ghost" is only in transactions that are
// rolled back.
type seesaw struct {
	*bench
	size int
}

func newSeesaw(t *testing.T, size int) *seesaw {
	sw := &seesaw{&bench{t: t, s: newStore(t, nil)}, size}
	var up, down []Scored
	for i := range size {
		up = append(up, Scored{0, fmt.Sprint("m", i)})
		down = append(down, Scored{0, fmt.Sprint("m", i)})
	}
	_, _ = sw.s.DB(0).ZAdd("up", up...)
	_, _ = sw.s.DB(0).ZAdd("down", down...)
	return sw
}

func (sw *seesaw) member() string { return fmt.Sprint("m", rand.IntN(sw.size)) }

// shift moves weight from one member to another, in both sets.
func (sw *seesaw) shift(db writes) {
	a, b, by := sw.member(), sw.member(), float64(rand.IntN(10))
	_, _ = db.ZIncr("up", a, by)
	_, _ = db.ZIncr("down", a, -by)
	_, _ = db.ZIncr("up", b, -by)
	_, _ = db.ZIncr("down", b, by)
}

func (sw *seesaw) write(n int) {
	_, err := sw.s.Update(func(tx *Tx) error {
		db := tx.DB(0)
		switch n % 8 {
		case 0, 1, 2:
			sw.shift(db.writes)
		case 3: // out and in again
			lowest, _ := db.ZPopMinN("up", 1+rand.IntN(20))
			_, _ = db.ZAdd("up", lowest...)
		case 4:
			_, _ = db.ZAdd("up", Scored{1e9, "ghost"})
			_, _ = db.ZRemRange("down", ByRank(0, -2))
			sw.shift(db.writes)
			return errOnPurpose
		case 5:
			_ = db.Rename("up", "away")
			_ = db.Rename("away", "up")
		case 6:
			_, _ = db.Do("ZUNIONSTORE", "down", "1", "up", "WEIGHTS", "-1")
		case 7:
			_, _ = db.Do("COPY", "up", "twin", "REPLACE")
			_, _ = db.ZRem("up", sw.member(), sw.member())
			_ = db.Rename("twin", "up")
		}
		return nil
	})
	if err != nil && err != errOnPurpose {
		sw.t.Error(err)
	}
	if _, err := sw.s.DB(0).ZAdd("alone", Scored{float64(n % 100), sw.member()}); err != nil { // a single slot
		sw.t.Error(err)
	}
}

// balanced checks what a walk over one of the sets yields.
func (sw *seesaw) balanced(seq iter.Seq2[string, float64]) error {
	n, sum, last := 0, 0.0, Scored{}
	for member, score := range seq {
		it := Scored{score, member}
		if n > 0 && !last.before(it) || member == "ghost" {
			return fmt.Errorf("%v follows %v", it, last)
		}
		last = it
		sum += score
		n++
	}
	if n != sw.size || sum != 0 {
		return fmt.Errorf("%d members with a sum of %v, want %d and 0", n, sum, sw.size)
	}
	return nil
}

func (sw *seesaw) balancedReply(v resp.Value) error {
	return sw.balanced(func(yield func(string, float64) bool) {
		for i := 0; i < len(v.Elems) && yield(v.Elems[i].Str, v.Elems[i+1].Float); i += 2 {
		}
	})
}

// opposite checks one member in both sets of one instant.
func (sw *seesaw) opposite(v resp.Value) error {
	for _, it := range v.Elems {
		if it.Kind != resp.Double {
			return fmt.Errorf("sum with the opposite: %v", v)
		}
		if it.Float != 0 {
			return fmt.Errorf("sum with the opposite is %v", it.Float)
		}
	}
	return nil
}

func (sw *seesaw) view(sn *Snapshot) error {
	db := sn.DB(0)
	seq, err := db.ZRange("up", ByRank(0, -1))
	if err == nil {
		err = sw.balanced(seq)
	}
	m := sw.member()
	up, err2 := db.ZScore("up", m)
	down, err3 := db.ZScore("down", m)
	rank, err4 := db.ZRank("up", m)
	below, err5 := db.ZCount("up", ZRange{kind: byScore, min: -1e300, max: up, MaxOpen: true})
	if up != -down || rank < below {
		return fmt.Errorf("%s has scores %v and %v, rank %d behind %d lower ones", m, up, down, rank, below)
	}
	return firstError(err, err2, err3, err4, err5)
}

func testSortedReaders(t *testing.T, size, writes int) {
	sw := newSeesaw(t, size)
	db, c, d := sw.s.DB(0), sw.s.NewSession(nil), sw.s.NewSession(nil)
	sw.read("ZRange", func() error {
		seq, err := db.ZRange("down", ByRank(0, -1))
		return firstError(err, sw.balanced(seq))
	})
	sw.read("ZRANGE", func() error { return sw.balancedReply(c.Do(argv("ZRANGE", "up", "0", "-1", "WITHSCORES"))) })
	sw.read("ZUNION", func() error {
		v := d.Do(argv("ZUNION", "2", "up", "down", "WITHSCORES"))
		sums := slices.DeleteFunc(slices.Clone(v.Elems), func(e resp.Value) bool { return e.Kind == resp.Bulk })
		return firstError(sw.opposite(resp.ArrayOf(sums...)), sw.balancedReply(v))
	})
	sw.read("ZRank", func() error {
		m := sw.member()
		rank, err := db.ZRank("up", m)
		if rank < 0 || rank >= sw.size {
			return fmt.Errorf("rank %d of %d", rank, sw.size)
		}
		return err
	})
	sw.read("ZCard", func() error {
		n, err := db.ZCard("up")
		if n != sw.size {
			return fmt.Errorf("ZCard = %d, %v, want %d", n, err, sw.size)
		}
		return err
	})
	sw.read("View", func() error { return sw.s.View(sw.view) })
	sw.writeBeside(writes, sw.write)
}

func TestReadersOfLargeSortedSets(t *testing.T) {
	testSortedReaders(t, 500, fewer(300, 80))
}

func TestReadersOfSmallSortedSets(t *testing.T) {
	testSortedReaders(t, 60, fewer(800, 200))
}

// What ZRange returned stays what it was, while the set changes and is removed.
func TestSortedRangeIsPinned(t *testing.T) {
	for _, size := range []int{100, 5000} {
		sw := newSeesaw(t, size)
		db := sw.s.DB(0)
		seq, err := db.ZRange("up", ByRank(0, -1))
		if err != nil {
			t.Fatal(err)
		}
		for range 300 {
			sw.shift(db.writes)
		}
		n := 0
		for _, score := range seq {
			if n++; score != 0 {
				t.Fatalf("size %d: a score is %v, it was 0", size, score)
			}
			if n == size/2 {
				_, _ = db.Del("up", "down")
			}
		}
		if n != size {
			t.Errorf("walked over %d members, want %d", n, size)
		}
	}
}

// What a snapshot alone holds of a large sorted set is counted, and no more.
func TestSortedSnapshotIsCharged(t *testing.T) {
	sw := newSeesaw(t, 20_000)
	db := sw.s.DB(0)
	sn := sw.s.Snapshot()
	defer sn.Close()
	if n := sn.Retained(); n != 0 {
		t.Errorf("a fresh snapshot retains %d bytes", n)
	}
	_, _ = db.ZIncr("up", "m1", 1)
	few := sn.Retained()
	if few < 64*scoredCost || few > 10*64*scoredCost {
		t.Errorf("after one change %d bytes are retained, want a path of nodes", few)
	}
	for i := range 20_000 {
		_, _ = db.ZIncr("up", fmt.Sprint("m", i), 1)
	}
	all := sn.Retained()
	if most := 2 * 20_000 * (scoredCost + keptOverhead + 32); all < 20_000*scoredCost || all > int64(most) {
		t.Errorf("after a change to each %d bytes are retained, want up to %d", all, most)
	}
	_, _ = db.Del("up", "down")
	if n := sn.Retained(); n < all+20_000*scoredCost {
		t.Errorf("after DEL %d bytes are retained, before it %d", n, all)
	}
}

// Whoever reads at one version notices when the writer has changed a set in place since.
func TestSortedReaderNoticesTheWriter(t *testing.T) {
	sw := newSeesaw(t, 500)
	for name, read := range map[string]func(x *exec, e *table.Entry){
		"order":     func(x *exec, e *table.Entry) { x.order(e).done() },
		"pinned":    func(x *exec, e *table.Entry) { x.pinned(e) },
		"sortedLen": func(x *exec, e *table.Entry) { x.sortedLen(e) },
		"zscore":    func(x *exec, e *table.Entry) { x.zscore(e, "m1") },
	} {
		x := exec{s: sw.s, mode: shared}
		x.readAt(sw.s.published.Load(), sw.s.view.Load())
		e := x.entry("up")
		if read(&x, e); x.torn {
			t.Errorf("%s is torn although nothing happened", name)
		}
		_, _ = sw.s.DB(0).ZIncr("up", "m1", 1)
		if read(&x, e); !x.torn {
			t.Errorf("%s did not notice a later change", name)
		}
	}
}
