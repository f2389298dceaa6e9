package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// modelField is a field with its deadline, 0 for none.
type modelField struct {
	value string
	due   int64
}

// hashModel is what hashes mean: fields by name, by key. Those past their deadline are in
// it until they are swept. An inner map is never changed.
type hashModel map[string]map[string]modelField

func (m hashModel) set(key, field string, f modelField) {
	h := maps.Clone(m[key])
	if h == nil {
		h = map[string]modelField{}
	}
	h[field] = f
	m[key] = h
}

func (m hashModel) remove(key, field string) {
	h := maps.Clone(m[key])
	delete(h, field)
	if m[key] = h; len(h) == 0 {
		delete(m, key)
	}
}

// meet is a field as a command meets it that writes: one past its deadline goes.
func (m hashModel) meet(key, field string, now int64) (f modelField, ok bool) {
	f, ok = m[key][field]
	if ok && f.over(now) {
		m.remove(key, field)
		return modelField{}, false
	}
	return f, ok
}

func (f modelField) over(now int64) bool { return f.due != 0 && now > f.due }

func (m hashModel) sweep(now int64) {
	for key, h := range m {
		for name, f := range h {
			if f.over(now) {
				m.remove(key, name)
			}
		}
	}
}

// hashWalk writes at random to a store and to a model.
type hashWalk struct {
	*rand.Rand
	t     *testing.T
	clock *fakeClock
	m     hashModel
}

func (w *hashWalk) now() int64 { return w.clock.ms.Load() }

var hashKeys = []string{"small", "edge", "large", "spare"}

// field has a range by key, so that hashes are small, change their form, or are large.
func (w *hashWalk) field(key string) string {
	n := map[string]int{"small": 12, "edge": 150, "large": 2000, "spare": 40}[key]
	if w.IntN(300) == 0 {
		return strings.Repeat("long ", 20)
	}
	return fmt.Sprint("f", w.IntN(n))
}

func (w *hashWalk) fields(key string) (f []string) {
	for range 1 + w.IntN(1+w.IntN(30)) {
		f = append(f, w.field(key))
	}
	return f
}

func (w *hashWalk) pairs(key string, most int) (p []string) {
	for range 1 + w.IntN(most) {
		p = append(p, w.field(key), strconv.Itoa(w.IntN(1000)))
	}
	return p
}

// deadline is mostly soon, sometimes past.
func (w *hashWalk) deadline() int64 { return w.now() + int64(w.IntN(3000)) - 100 }

func (w *hashWalk) expect(ok bool, format string, args ...any) {
	w.t.Helper()
	if !ok {
		w.t.Fatalf(format, args...)
	}
}

// step makes one change and compares what it returns.
func (w *hashWalk) step(db writes) {
	key := hashKeys[w.IntN(len(hashKeys))]
	switch w.IntN(16) {
	case 0, 1, 2:
		w.hset(db, key, w.pairs(key, 3))
	case 3:
		w.hset(db, key, w.pairs(key, 200))
	case 4:
		fields, n := w.fields(key), 0
		for _, f := range fields {
			if _, ok := w.m[key][f]; ok {
				n++
				w.m.remove(key, f)
			}
		}
		got, err := db.HDel(key, fields...)
		w.expect(err == nil && got == n, "HDel %s %q = %d, %v, want %d", key, fields, got, err, n)
	case 5:
		w.hincr(db, key, w.field(key))
	case 6:
		field := w.field(key)
		_, ok := w.m.meet(key, field, w.now())
		if !ok {
			w.m.set(key, field, modelField{"7", 0})
		}
		done, err := db.HSetNX(key, field, "7")
		w.expect(err == nil && done == !ok, "HSetNX %s %s = %v, %v", key, field, done, err)
	case 7, 8, 9, 10:
		w.hexpire(db, key)
	case 11:
		w.hpersist(db, key)
	case 12:
		w.hgetex(db, key)
	case 13:
		w.hsetex(db, key)
	case 14:
		w.hgetdel(db, key)
	case 15:
		w.keyStep(db, key)
	}
}

func (w *hashWalk) hset(db writes, key string, pairs []string) {
	added := 0
	for i := 0; i < len(pairs); i += 2 {
		if _, ok := w.m[key][pairs[i]]; !ok {
			added++
		}
		w.m.set(key, pairs[i], modelField{pairs[i+1], 0})
	}
	n, err := db.HSet(key, pairs...)
	w.expect(err == nil && n == added, "HSet %s %q = %d, %v, want %d", key, pairs, n, err, added)
}

func (w *hashWalk) hincr(db writes, key, field string) {
	f, _ := w.m.meet(key, field, w.now())
	old, _ := strconv.ParseFloat(f.value, 64)
	if w.IntN(2) == 0 && !strings.Contains(f.value, ".") {
		n, err := db.HIncr(key, field, 3)
		w.expect(err == nil && n == int64(old)+3, "HIncr %s %s = %d, %v, was %+v", key, field, n, err, f)
		w.m.set(key, field, modelField{strconv.FormatInt(n, 10), f.due})
		return
	}
	sum, err := db.HIncrFloat(key, field, 0.5)
	w.expect(err == nil && sum == old+0.5, "HIncrFloat %s %s = %v, %v, was %+v", key, field, sum, err, f)
	w.m.set(key, field, modelField{strconv.FormatFloat(sum, 'f', -1, 64), f.due})
}

func (w *hashWalk) hexpire(db writes, key string) {
	at, fields := w.deadline(), w.fields(key)
	o := []*ExpireOptions{nil, nil, {NX: true}, {XX: true}, {GT: true}, {LT: true}}[w.IntN(6)]
	want := make([]bool, len(fields))
	for i, name := range fields {
		f, ok := w.m[key][name]
		if !ok || o != nil && (o.NX && f.due != 0 || o.XX && f.due == 0 || o.GT && (f.due == 0 || at <= f.due) || o.LT && f.due != 0 && at >= f.due) {
			continue
		}
		want[i] = true
		if at <= w.now() {
			w.m.remove(key, name)
			continue
		}
		w.m.set(key, name, modelField{f.value, at})
	}
	got, err := db.HExpireWith(key, time.UnixMilli(at), o, fields...)
	w.expect(err == nil && slices.Equal(got, want), "HExpireWith %s %d %+v %q = %v, %v, want %v", key, at, o, fields, got, err, want)
}

func (w *hashWalk) hpersist(db writes, key string) {
	fields := w.fields(key)
	want := make([]bool, len(fields))
	for i, name := range fields {
		if f, ok := w.m[key][name]; ok && f.due != 0 && !f.over(w.now()) {
			want[i] = true
			w.m.set(key, name, modelField{f.value, 0})
		}
	}
	got, err := db.HPersist(key, fields...)
	w.expect(err == nil && slices.Equal(got, want), "HPersist %s %q = %v, %v, want %v", key, fields, got, err, want)
}

func (w *hashWalk) hgetex(db writes, key string) {
	at, fields := max(w.deadline(), 1), w.fields(key)
	o := []*GetExOptions{nil, {Persist: true}, {At: time.UnixMilli(at)}}[w.IntN(3)]
	var want []Result
	for _, name := range fields {
		f, ok := w.m.meet(key, name, w.now())
		want = append(want, Result{f.value, ok})
		switch {
		case !ok || o == nil:
		case o.Persist:
			w.m.set(key, name, modelField{f.value, 0})
		case at <= w.now():
			w.m.remove(key, name)
		default:
			w.m.set(key, name, modelField{f.value, at})
		}
	}
	got, err := db.HGetEx(key, o, fields...)
	w.expect(err == nil && slices.Equal(got, want), "HGetEx %s %+v %q = %v, %v, want %v", key, o, fields, got, err, want)
}

func (w *hashWalk) hsetex(db writes, key string) {
	at, pairs := max(w.deadline(), 1), w.pairs(key, 3)
	o := []HSetExOptions{{}, {KeepTTL: true}, {At: time.UnixMilli(at)}}[w.IntN(3)]
	o.FNX = w.IntN(4) == 0
	o.FXX = !o.FNX && w.IntN(4) == 0
	want := true
	for i := 0; i < len(pairs) && want && (o.FNX || o.FXX); i += 2 {
		_, ok := w.m.meet(key, pairs[i], w.now())
		want = ok != o.FNX
	}
	for i := 0; i < len(pairs) && want; i += 2 {
		f := modelField{pairs[i+1], 0}
		switch {
		case o.KeepTTL:
			f.due = w.m[key][pairs[i]].due
		case !o.At.IsZero() && at <= w.now():
			w.m.remove(key, pairs[i])
			continue
		case !o.At.IsZero():
			f.due = at
		}
		w.m.set(key, pairs[i], f)
	}
	got, err := db.HSetEx(key, &o, pairs...)
	w.expect(err == nil && got == want, "HSetEx %s %+v %q = %v, %v, want %v", key, o, pairs, got, err, want)
}

func (w *hashWalk) hgetdel(db writes, key string) {
	fields := w.fields(key)[:1]
	f, ok := w.m.meet(key, fields[0], w.now())
	w.m.remove(key, fields[0])
	got, err := db.HGetDel(key, fields...)
	w.expect(err == nil && slices.Equal(got, []Result{{f.value, ok}}), "HGetDel %s %q = %v, %v, want %+v", key, fields, got, err, f)
}

// keyStep changes whole keys.
func (w *hashWalk) keyStep(db writes, key string) {
	to := hashKeys[w.IntN(len(hashKeys))]
	h, held := w.m[key]
	switch n := w.IntN(9); {
	case !held || key == to:
	case n < 3:
		w.expect(db.Rename(key, to) == nil, "Rename %s %s", key, to)
		delete(w.m, key)
		w.m[to] = h
	case n < 6:
		done, err := db.Copy(key, to, true)
		w.expect(done && err == nil, "Copy %s %s = %v, %v", key, to, done, err)
		w.m[to] = h
	case n < 8:
		done, err := db.Expire(key, time.UnixMilli(w.now()+1e9+int64(w.IntN(1000))))
		w.expect(done && err == nil, "Expire %s = %v, %v", key, done, err)
	default:
		if w.IntN(4) > 0 {
			return // hashes shall become large
		}
		n, err := db.Del(key)
		w.expect(n == 1 && err == nil, "Del %s = %d, %v", key, n, err)
		delete(w.m, key)
	}
}

// compare reads everything of a database that stands at now.
func (w *hashWalk) compare(db reads, m hashModel, now int64) {
	w.t.Helper()
	for _, key := range hashKeys {
		want := map[string]string{}
		for name, f := range m[key] {
			if !f.over(now) {
				want[name] = f.value
			}
		}
		n, err := db.HLen(key)
		w.expect(err == nil && n == len(m[key]), "HLen %s = %d, %v, want %d", key, n, err, len(m[key]))
		got, err := db.HGetAll(key)
		w.expect(err == nil && maps.Equal(got, want), "HGetAll %s = %v, %v, want %v", key, got, err, want)
		items, err := db.HItems(key)
		w.expect(err == nil && maps.Equal(maps.Collect(items), want), "HItems %s, %v", key, err)
		picked, err := db.HRandFieldN(key, -5)
		w.expect(err == nil && (len(picked) == 5) == (len(want) > 0), "HRandFieldN %s = %v, %v", key, picked, err)
		for _, f := range picked {
			w.expect(want[f.Name] == f.Value, "HRandFieldN %s gives %v, want %v", key, f, want)
		}
		for range 5 {
			w.compareField(db, m, key, w.field(key), now)
		}
	}
}

func (w *hashWalk) compareField(db reads, m hashModel, key, field string, now int64) {
	w.t.Helper()
	f, ok := m[key][field]
	ok = ok && !f.over(now)
	value, err := db.HGet(key, field)
	w.expect((err == nil) == ok && (!ok || value == f.value), "HGet %s %s = %q, %v, want %+v", key, field, value, err, f)
	at, dated, err := db.HExpireTime(key, field)
	w.expect(err == nil && dated == (ok && f.due != 0) && (!dated || at.UnixMilli() == f.due), "HExpireTime %s %s = %v, %v, %v, want %+v", key, field, at, dated, err, f)
	left, dated, err := db.HTTL(key, field)
	w.expect(err == nil && dated == (ok && f.due != 0) && (!dated || left.Milliseconds() == f.due-now), "HTTL %s %s = %v, %v, %v, want %+v", key, field, left, dated, err, f)
}

type hashCut struct {
	sn  *Snapshot
	m   hashModel
	now int64
}

// Random writes of fields with deadlines give what the model says, while time passes;
// snapshots keep what was when they were made, a transaction that fails leaves nothing, and
// a follower has the same.
func TestFieldDeadlineModel(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { hashModelRun(t, seed, fewer(3000, 600)) })
	}
}

func hashModelRun(t *testing.T, seed uint64, steps int) {
	clock := newClock()
	o := &Options{Clock: clock.now, BacklogBytes: 1 << 30}
	s := newStore(t, o)
	f, a := follower(t, s, o)
	w := &hashWalk{rand.New(rand.NewPCG(seed, 5)), t, clock, hashModel{}}
	var cuts []hashCut
	defer func() {
		for _, c := range cuts {
			c.sn.Close()
		}
	}()
	at := int64(0)
	for i := range steps {
		w.step(s.DB(0).writes)
		if i%20 == 0 {
			clock.advance(time.Duration(w.IntN(200)) * time.Millisecond)
		}
		if i%60 == 0 {
			for s.Replication().Sweep(10) > 0 {
			}
			w.m.sweep(w.now())
		}
		if i%40 == 0 {
			w.rolledBack(s)
		}
		if i%50 == 0 {
			w.compare(s.DB(0).reads, w.m, w.now())
			cuts = append(cuts, hashCut{s.Snapshot(), maps.Clone(w.m), w.now()})
			if len(cuts) > 5 {
				i := w.IntN(len(cuts))
				cuts[i].sn.Close()
				cuts = slices.Delete(cuts, i, i+1)
			}
			c := cuts[w.IntN(len(cuts))]
			w.compare(c.sn.DB(0).reads, c.m, c.now)
			w.throughFile(c)
		}
		if i%150 == 0 {
			if err := s.check(); err != nil {
				t.Fatal(err)
			}
			if err := apply(t, a, streamSince(t, s, at)); err != nil {
				t.Fatal(err)
			}

			at = s.backlog.Offset()
			w.compare(f.DB(0).reads, w.m, w.now())
			sameState(t, "follower", s, f)
			if err := f.check(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// rolledBack writes in a transaction that fails, and reads what it has written.
func (w *hashWalk) rolledBack(s *Store) {
	was := maps.Clone(w.m)
	_, err := s.Update(func(tx *Tx) error {
		for range 1 + w.IntN(6) {
			w.step(tx.DB(0).writes)
		}
		w.compare(tx.DB(0).reads, w.m, w.now())
		for range 20 { // others see nothing of it
			key := hashKeys[w.IntN(len(hashKeys))]
			w.compareField(s.DB(0).reads, was, key, w.field(key), w.now())
		}
		return errOnPurpose
	})
	w.expect(err == errOnPurpose, "Update: %v", err)
	w.m = was
	w.compare(s.DB(0).reads, w.m, w.now())
}

// throughFile compares what becomes of a snapshot's file, at the time of now: a replica
// that loads it hides what has expired since.
func (w *hashWalk) throughFile(c hashCut) {
	n, _ := loadStore(w.t, c.sn)
	w.compare(n.DB(0).reads, c.m, w.now())
	if x, y := c.sn.Digest(), n.Digest(); x != y {
		w.t.Fatalf("digests of snapshot and file differ: %s, %s", x, y)
	}
	if err := n.check(); err != nil {
		w.t.Fatal(err)
	}
	for _, key := range hashKeys {
		payload, err := c.sn.DB(0).Do("DUMP", key)
		if err == nil && payload.Kind == resp.Bulk {
			w.restored(c, key, payload.Str)
		}
	}
}

func (w *hashWalk) restored(c hashCut, key, payload string) {
	s := newStore(w.t, &Options{Clock: w.clock.now})
	_, err := s.DB(0).Do("RESTORE", key, "0", payload)
	w.expect(err == nil, "RESTORE %s: %v", key, err)
	for range 20 {
		w.compareField(s.DB(0).reads, c.m, key, w.field(key), w.now())
	}
	if err := s.check(); err != nil {
		w.t.Fatal(err)
	}
}
