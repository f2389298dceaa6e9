package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// streamModel is what streams mean: by key, entries in order and what else is remembered.
// A stream in it is never changed, so that a copy of the model is cheap.
type streamModel map[string]*modelStream

type modelStream struct {
	entries          []StreamEntry
	last, maxDeleted StreamID
	added            uint64
}

var streamKeys = []string{"few", "some", "many", "spare"}

// streamWalk writes at random to a store and to a model.
type streamWalk struct {
	*rand.Rand
	t *testing.T
	m streamModel
}

// next is a copy of the stream at key, to be changed and put in its place.
func (w *streamWalk) next(key string) *modelStream {
	m := modelStream{}
	if was := w.m[key]; was != nil {
		m = *was
		m.entries = slices.Clone(m.entries)
	}
	w.m[key] = &m
	return &m
}

// trim is some way to trim a stream, and how many of n entries go by it.
func (w *streamWalk) trim(key string, entries []StreamEntry) (t StreamTrim, gone int) {
	most := map[string]int{"few": 5, "some": 150, "many": 3000, "spare": 20}[key]
	n := len(entries)
	if w.IntN(2) == 0 {
		keep := w.IntN(most)
		t, gone = TrimToLen(keep), max(n-keep, 0)
	} else if n > 0 {
		at := w.IntN(max(n/8, 1))
		t, gone = TrimToID(entries[at].ID), at
	}
	switch w.IntN(3) {
	case 0:
		t.Approx = true
		if gone != n {
			gone = gone / trimStep * trimStep
		}
	case 1:
		t.Approx, t.Limit = true, 1+w.IntN(300)
		if gone != n || n > t.Limit {
			gone = min(gone, t.Limit) / trimStep * trimStep
		}
	}
	return t, gone
}

func (w *streamWalk) fields() []string {
	fields := []string{"f", fmt.Sprint(w.IntN(1000))}
	for range w.IntN(3) {
		fields = append(fields, fmt.Sprint("field ", w.IntN(3)), string(make([]byte, w.IntN(90))))
	}
	return fields
}

// add adds an entry, and perhaps trims.
func (w *streamWalk) add(db writes, key string) {
	m := w.next(key)
	id := StreamID{m.last.Ms + uint64(w.IntN(2)), uint64(w.IntN(3))}
	if id.Ms == m.last.Ms {
		id.Seq += m.last.Seq + 1
	}
	e := StreamEntry{id, w.fields()}
	m.entries = append(m.entries, e)
	m.last, m.added = id, m.added+1
	o := &XAddOptions{ID: id}
	if w.IntN(20) == 0 {
		gone := 0
		o.Trim, gone = w.trim(key, m.entries)
		m.entries = m.entries[gone:]
	}
	got, added, err := db.XAddWith(key, o, e.Fields...)
	w.expect(err == nil && added && got == id, "XAddWith %s %v = %v, %v, %v", key, o, got, added, err)
}

// step makes one change and compares what it returns.
func (w *streamWalk) step(db writes) {
	key := streamKeys[w.IntN(len(streamKeys))]
	switch w.IntN(12) {
	case 0, 1, 2, 3, 4:
		w.add(db, key)
	case 5:
		if key == "many" || key == "some" {
			for range 120 {
				w.add(db, key)
			}
		}
	case 6, 7:
		if w.m[key] != nil {
			w.remove(db, key, 1+w.IntN(5))
		}
	case 8:
		if w.m[key] != nil && w.IntN(4) == 0 {
			w.remove(db, key, 100+w.IntN(300)) // more than under the lock at once
		}
	case 9:
		if w.m[key] == nil || w.IntN(4) > 0 {
			return
		}
		m := w.next(key)
		t, gone := w.trim(key, m.entries)
		m.entries = m.entries[gone:]
		n, err := db.XTrim(key, t)
		w.expect(err == nil && n == gone, "XTrim %s %+v = %d, %v, want %d", key, t, n, err, gone)
	case 10:
		w.keyStep(db, key)
	case 11:
		if w.m[key] == nil {
			return
		}
		m := w.next(key)
		m.last.Ms, m.added = m.last.Ms+1, m.added+5
		_, err := db.Do("XSETID", key, m.last.String(), "ENTRIESADDED", fmt.Sprint(m.added))
		w.expect(err == nil, "XSETID: %v", err)
	}
}

func (w *streamWalk) remove(db writes, key string, n int) {
	m := w.next(key)
	var ids []StreamID
	for range n {
		if len(m.entries) > 0 && w.IntN(5) > 0 {
			ids = append(ids, m.entries[w.IntN(len(m.entries))].ID)
		} else {
			ids = append(ids, StreamID{uint64(w.IntN(50)), 99})
		}
	}
	before := len(m.entries)
	m.entries = slices.DeleteFunc(m.entries, func(e StreamEntry) bool {
		if !slices.Contains(ids, e.ID) {
			return false
		}
		if m.maxDeleted.before(e.ID) {
			m.maxDeleted = e.ID
		}
		return true
	})
	got, err := db.XDel(key, ids...)
	w.expect(err == nil && got == before-len(m.entries), "XDel %s %v = %d, %v, want %d", key, ids, got, err, before-len(m.entries))
}

// keyStep does to a key what may be done to one of any type.
func (w *streamWalk) keyStep(db writes, key string) {
	switch w.IntN(3) {
	case 0:
		_, _ = db.Do("COPY", key, "spare", "REPLACE")
		if w.m[key] != nil && key != "spare" {
			w.m["spare"] = w.m[key]
		}
	case 1:
		if w.m[key] != nil && key != "spare" && db.Rename(key, "spare") == nil {
			_ = db.Rename("spare", key)
			delete(w.m, "spare")
		}
	case 2:
		if w.IntN(10) == 0 {
			_, _ = db.Del(key)
			delete(w.m, key)
		}
	}
}

func (w *streamWalk) expect(ok bool, format string, args ...any) {
	w.t.Helper()
	if !ok {
		w.t.Fatalf(format, args...)
	}
}

func sameEntries(a, b []StreamEntry) bool {
	return slices.EqualFunc(a, b, func(a, b StreamEntry) bool { return a.ID == b.ID && slices.Equal(a.Fields, b.Fields) })
}

// compare reads all that there is, and compares it with a model.
func (w *streamWalk) compare(db reads, m streamModel) {
	w.t.Helper()
	for _, key := range streamKeys {
		want := m[key]
		info, err := db.XInfo(key)
		if want == nil {
			w.expect(err == ErrNotFound, "XInfo %s = %v, %v", key, info, err)
			continue
		}
		w.expect(err == nil && info.Len == len(want.entries) && info.Last == want.last && info.MaxDeleted == want.maxDeleted && info.Added == want.added,
			"XInfo %s = %+v, %v, want %d entries, %+v", key, info, err, len(want.entries), want)
		n, err := db.XLen(key)
		w.expect(err == nil && n == len(want.entries), "XLen %s = %d, %v", key, n, err)
		w.compareRange(db, key, want.entries, StreamID{}, MaxStreamID)
		if n > 0 {
			first, last := want.entries[w.IntN(n)].ID, want.entries[w.IntN(n)].ID
			first.Seq++ // between two entries
			w.compareRange(db, key, want.entries, first, last)
		}
	}
}

func (w *streamWalk) compareRange(db reads, key string, all []StreamEntry, first, last StreamID) {
	w.t.Helper()
	var want []StreamEntry
	for _, e := range all {
		if !e.ID.before(first) && !last.before(e.ID) {
			want = append(want, e)
		}
	}
	seq, err := db.XRange(key, first, last)
	got := slices.Collect(seq)
	w.expect(err == nil && sameEntries(got, want), "XRange %s %v %v: %d entries, %v, want %d", key, first, last, len(got), err, len(want))
	count := w.IntN(600)
	some, err := db.XRangeN(key, first, last, count)
	w.expect(err == nil && sameEntries(some, want[:min(count, len(want))]), "XRangeN %s %v %v %d: %d entries, %v", key, first, last, count, len(some), err)
	slices.Reverse(want)
	seq, err = db.XRevRange(key, last, first)
	w.expect(err == nil && sameEntries(slices.Collect(seq), want), "XRevRange %s %v %v: %v", key, last, first, err)
	some, err = db.XRevRangeN(key, last, first, count)
	w.expect(err == nil && sameEntries(some, want[:min(count, len(want))]), "XRevRangeN %s %v %v %d: %d entries, %v", key, last, first, count, len(some), err)
}

// Random writes give what the model says; snapshots and iterators keep what was when
// they were made, a transaction that fails leaves nothing, and a follower has the same.
func TestStreamModel(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { streamModelRun(t, seed, fewer(2500, 600)) })
	}
}

type streamCut struct {
	sn *Snapshot
	m  streamModel
}

func streamModelRun(t *testing.T, seed uint64, steps int) {
	s := newStore(t, nil)
	f, a := follower(t, s, nil)
	w := &streamWalk{rand.New(rand.NewPCG(seed, 5)), t, streamModel{}}
	var cuts []streamCut
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
			cuts = append(cuts, streamCut{s.Snapshot(), maps.Clone(w.m)})
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
func (w *streamWalk) rolledBack(s *Store) {
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
