package store

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// sortedModel is what sorted sets mean: scores by member, by key. An inner map is
// never changed, so that a copy of the model is cheap.
type sortedModel map[string]map[string]float64

func (m sortedModel) set(key, member string, score float64) {
	z := maps.Clone(m[key])
	if z == nil {
		z = map[string]float64{}
	}
	z[member] = score
	m[key] = z
}

func (m sortedModel) remove(key string, members ...string) {
	z := maps.Clone(m[key])
	for _, member := range members {
		delete(z, member)
	}
	if m[key] = z; len(z) == 0 {
		delete(m, key)
	}
}

// items are a key's members in order.
func (m sortedModel) items(key string) (items []Scored) {
	for member, score := range m[key] {
		items = append(items, Scored{score, member})
	}
	slices.SortFunc(items, compareScored)
	return items
}

// pick are the items of a range: one by one, without a search.
func (m sortedModel) pick(key string, r ZRange) (picked []Scored) {
	items := m.items(key)
	n := int64(len(items))
	if r.Reverse {
		slices.Reverse(items)
	}
	for i, it := range items {
		in := false
		switch r.kind {
		case byRank:
			from, to := r.start, r.stop
			if from < 0 {
				from += n
			}
			if to < 0 {
				to += n
			}
			in = int64(i) >= from && int64(i) <= to
		case byScore:
			in = (it.Score > r.min || it.Score == r.min && !r.MinOpen) && (it.Score < r.max || it.Score == r.max && !r.MaxOpen)
		case byMember:
			in = (it.Member > r.minText.text || it.Member == r.minText.text && !r.MinOpen) &&
				(r.maxText.infinite > 0 || it.Member < r.maxText.text || it.Member == r.maxText.text && !r.MaxOpen)
		}
		if in {
			picked = append(picked, it)
		}
	}
	return picked
}

func window(items []Scored, offset, limit int) []Scored {
	items = items[min(offset, len(items)):]
	if limit > 0 {
		items = items[:min(limit, len(items))]
	}
	return items
}

// sortedWalk writes at random to a store and to a model.
type sortedWalk struct {
	*rand.Rand
	t *testing.T
	m sortedModel
}

var sortedKeys = []string{"small", "edge", "large", "equal", "spare"}

// member has a range by key, so that sets are small, change their form, or are large.
func (w *sortedWalk) member(key string) string {
	n := map[string]int{"small": 12, "edge": 150, "large": 3000, "equal": 600, "spare": 40}[key]
	if w.IntN(200) == 0 {
		return strings.Repeat("long ", 20)
	}
	return fmt.Sprint("m", w.IntN(n))
}

func (w *sortedWalk) score(key string) float64 {
	switch {
	case key == "equal":
		return 1
	case w.IntN(40) == 0:
		return []float64{math.Inf(1), math.Inf(-1), 0, 1e300}[w.IntN(4)]
	case w.IntN(2) == 0:
		return float64(w.IntN(50))
	}
	return w.NormFloat64() * 100
}

func (w *sortedWalk) someRange(key string) (r ZRange) {
	switch w.IntN(3) {
	case 0:
		r = ByRank(w.IntN(2000)-900, w.IntN(2000)-900)
	case 1:
		r = ByScore(w.score("small"), w.score("small"))
	case 2:
		if key != "equal" {
			return ByRank(0, -1)
		}
		r = ByMember(w.member(key), []string{"", w.member(key)}[w.IntN(2)])
	}
	r.MinOpen, r.MaxOpen, r.Reverse = w.IntN(2) == 0, w.IntN(2) == 0, w.IntN(2) == 0
	return r
}

// step makes one change and compares what it returns.
func (w *sortedWalk) step(db writes) {
	key := sortedKeys[w.IntN(len(sortedKeys))]
	had := w.m.items(key)
	switch w.IntN(12) {
	case 0, 1, 2, 3:
		w.add(db, key, 1+w.IntN(3))
	case 4:
		w.add(db, key, 1+w.IntN(200))
	case 5, 6:
		member, delta := w.member(key), float64(w.IntN(9))
		if key == "equal" {
			delta = 0
		}
		_, held := w.m[key][member]
		if key == "equal" && !held {
			return
		}
		want := w.m[key][member] + delta
		got, err := db.ZIncr(key, member, delta)
		w.expect(err == nil && got == want, "ZIncr %s %s = %v, %v, want %v", key, member, got, err, want)
		w.m.set(key, member, want)
	case 7:
		var gone []string
		for range 1 + w.IntN(1+w.IntN(100)) {
			gone = append(gone, w.member(key))
		}
		n, err := db.ZRem(key, gone...)
		w.m.remove(key, gone...)
		w.expect(err == nil && n == len(had)-len(w.m[key]), "ZRem %s = %v, %v", key, n, err)
	case 8:
		n := w.IntN(1 + w.IntN(60))
		pop, want := db.ZPopMinN, window(had, 0, n)
		if w.IntN(2) == 0 {
			slices.Reverse(had)
			pop, want = db.ZPopMaxN, window(had, 0, n)
		}
		if n == 0 {
			want = nil
		}
		got, err := pop(key, n)
		w.expect(err == nil && slices.Equal(got, want), "pop of %d from %s = %v, %v, want %v", n, key, got, err, want)
		w.drop(key, want)
	case 9:
		r := w.someRange(key)
		want := w.m.pick(key, r)
		if w.IntN(3) > 0 && len(want) > 100 {
			return // sets shall become large
		}
		n, err := db.ZRemRange(key, r)
		w.expect(err == nil && n == len(want), "ZRemRange %s %+v = %d, %v, want %d", key, r, n, err, len(want))
		w.drop(key, want)
	case 10:
		w.keyStep(db, key)
	case 11:
		w.combineStep(db)
	}
}

func (w *sortedWalk) drop(key string, items []Scored) {
	for _, it := range items {
		w.m.remove(key, it.Member)
	}
}

func (w *sortedWalk) add(db writes, key string, n int) {
	var items []Scored
	had := len(w.m[key])
	z := maps.Clone(w.m[key])
	if z == nil {
		z = map[string]float64{}
	}
	for range n {
		it := Scored{w.score(key), w.member(key)}
		items = append(items, it)
		z[it.Member] = it.Score
	}
	w.m[key] = z
	added, err := db.ZAdd(key, items...)
	w.expect(err == nil && added == len(z)-had, "ZAdd %s of %d = %d, %v, want %d", key, n, added, err, len(z)-had)
}

// keyStep does to a key what may be done to one of any type.
func (w *sortedWalk) keyStep(db writes, key string) {
	z, held := w.m[key]
	switch w.IntN(5) {
	case 0:
		_, _ = db.Do("COPY", key, "spare", "REPLACE")
		if held && key != "spare" {
			w.m["spare"] = z
		}
	case 1:
		if held && key != "spare" && db.Rename(key, "spare") == nil {
			w.m["spare"] = z
			delete(w.m, key)
			_ = db.Rename("spare", key)
			w.m[key] = z
			delete(w.m, "spare")
		}
	case 2:
		_, _ = db.Do("PEXPIREAT", key, "99999999999999")
	case 3:
		if w.IntN(10) == 0 {
			_, _ = db.Del(key)
			delete(w.m, key)
		}
	case 4:
		_, _ = db.Persist(key)
	}
}

func (w *sortedWalk) combineStep(db writes) {
	_, err := db.Do("ZUNIONSTORE", "spare", "2", "small", "edge", "AGGREGATE", "MAX")
	w.expect(err == nil, "ZUNIONSTORE: %v", err)
	z := maps.Clone(w.m["small"])
	if z == nil {
		z = map[string]float64{}
	}
	for member, score := range w.m["edge"] {
		if old, ok := z[member]; !ok || score > old {
			z[member] = score
		}
	}
	if w.m["spare"] = z; len(z) == 0 {
		delete(w.m, "spare")
	}
}

func (w *sortedWalk) expect(ok bool, format string, args ...any) {
	w.t.Helper()
	if !ok {
		w.t.Fatalf(format, args...)
	}
}

// compare reads all that there is, and compares it with a model.
func (w *sortedWalk) compare(db reads, m sortedModel) {
	w.t.Helper()
	for _, key := range sortedKeys {
		want := m.items(key)
		n, err := db.ZCard(key)
		w.expect(err == nil && n == len(want), "ZCard %s = %d, %v, want %d", key, n, err, len(want))
		for range 3 {
			w.compareRange(db, m, key, w.someRange(key))
		}
		w.compareRange(db, m, key, ByRank(0, -1))
		if len(want) == 0 {
			continue
		}
		i := w.IntN(len(want))
		rank, err := db.ZRank(key, want[i].Member)
		w.expect(err == nil && rank == i, "ZRank %s %v = %d, %v, want %d", key, want[i], rank, err, i)
		rank, err = db.ZRevRank(key, want[i].Member)
		w.expect(err == nil && rank == len(want)-1-i, "ZRevRank %s %v = %d, %v", key, want[i], rank, err)
		score, err := db.ZScore(key, want[i].Member)
		w.expect(err == nil && score == want[i].Score, "ZScore %s %v = %v, %v", key, want[i], score, err)
		_, err = db.ZScore(key, "not there")
		w.expect(err == ErrNotFound, "ZScore of no member: %v", err)
	}
}

func (w *sortedWalk) compareRange(db reads, m sortedModel, key string, r ZRange) {
	w.t.Helper()
	want := m.pick(key, r)
	n, err := db.ZCount(key, r)
	w.expect(err == nil && n == len(want), "ZCount %s %+v = %d, %v, want %d", key, r, n, err, len(want))
	if r.kind != byRank && w.IntN(2) == 0 {
		r.Offset, r.Limit = w.IntN(10), w.IntN(10)
		want = window(want, r.Offset, r.Limit)
	}
	seq, err := db.ZRange(key, r)
	w.expect(err == nil, "ZRange %s: %v", key, err)
	for range 2 { // it may be used more than once
		var got []Scored
		for member, score := range seq {
			got = append(got, Scored{score, member})
		}
		w.expect(slices.Equal(got, want), "ZRange %s %+v\n got %v\nwant %v", key, r, got, want)
	}
}

// Random writes give what the model says; snapshots and iterators keep what was when
// they were made, a transaction that fails leaves nothing, and a follower has the same.
func TestSortedModel(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { sortedModelRun(t, seed, fewer(2500, 600)) })
	}
}

type sortedCut struct {
	sn *Snapshot
	m  sortedModel
}

func sortedModelRun(t *testing.T, seed uint64, steps int) {
	s := newStore(t, nil)
	f, a := follower(t, s, nil)
	w := &sortedWalk{rand.New(rand.NewPCG(seed, 3)), t, sortedModel{}}
	var cuts []sortedCut
	defer func() {
		for _, c := range cuts {
			c.sn.Close()
		}
	}()
	at := int64(0)
	for i := range steps {
		w.step(s.DB(0).writes)
		if i%40 == 0 {
			w.rolledBack(s)
		}
		if i%50 == 0 {
			w.compare(s.DB(0).reads, w.m)
			cuts = append(cuts, sortedCut{s.Snapshot(), maps.Clone(w.m)})
			if len(cuts) > 5 {
				i := w.IntN(len(cuts))
				cuts[i].sn.Close()
				cuts = slices.Delete(cuts, i, i+1)
			}
			c := cuts[w.IntN(len(cuts))]
			w.compare(c.sn.DB(0).reads, c.m)
		}
		if i%250 == 0 {
			if err := s.check(); err != nil {
				t.Fatal(err)
			}
			if err := apply(t, a, streamSince(t, s, at)); err != nil {
				t.Fatal(err)
			}
			at = s.backlog.Offset()
			w.compare(f.DB(0).reads, w.m)
			sameState(t, "follower", s, f)
		}
	}
}

// rolledBack writes in a transaction that fails, and reads what it has written.
func (w *sortedWalk) rolledBack(s *Store) {
	was := maps.Clone(w.m)
	_, err := s.Update(func(tx *Tx) error {
		for range 1 + w.IntN(6) {
			w.step(tx.DB(0).writes)
		}
		w.compare(tx.DB(0).reads, w.m)
		w.compare(s.DB(0).reads, was) // others see nothing of it
		return errOnPurpose
	})
	w.expect(err == errOnPurpose, "Update: %v", err)
	w.m = was
	w.compare(s.DB(0).reads, w.m)
}
