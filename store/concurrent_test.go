package store

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/backlog"
)

// The invariant of these tests: all keys of a group, and all fields of a hash,
// hold the same number; the number of fields is even; numbers of rolled-back
// transactions are negative and never seen.
const (
	groupKeys = 7
	bigFields = 300
)

type bench struct {
	t    *testing.T
	s    *Store
	stop atomic.Bool
	wg   sync.WaitGroup
}

func groupKey(i int) string { return fmt.Sprint("g", i) }

// newBench fills group, small hash and big hash with 0.
func newBench(t *testing.T) *bench {
	b := &bench{t: t, s: newStore(t, &Options{Databases: 4})}
	if _, err := b.s.Update(func(tx *Tx) error { b.writeAll(tx.DB(0), 0); return nil }); err != nil {
		t.Fatal(err)
	}
	return b
}

func fields(n, value int) (p []string) {
	for i := range n {
		p = append(p, fmt.Sprint("f", i), strconv.Itoa(value))
	}
	return p
}

// writeAll sets everything to n.
func (b *bench) writeAll(db TxDB, n int) {
	for i := range groupKeys {
		_ = db.Set(groupKey(i), strconv.Itoa(n), 0)
	}
	_, _ = db.HSet("small", fields(6, n)...)
	_, _ = db.HSet("big", fields(bigFields, n)...)
	if n%2 == 0 {
		_, _ = db.HSet("big", "extra1", strconv.Itoa(n), "extra2", strconv.Itoa(n))
	} else {
		_, _ = db.HDel("big", "extra1", "extra2")
	}
}

// write is what the writers do in turn; each leaves the invariant whole.
func (b *bench) write(n int) {
	switch n % 8 {
	case 0, 1:
		_, _ = b.s.Update(func(tx *Tx) error { b.writeAll(tx.DB(0), n); return nil })
	case 2:
		_, _ = b.s.Update(func(tx *Tx) error {
			b.writeAll(tx.DB(0), -n)
			_ = tx.DB(0).Set("ghost"+strconv.Itoa(n), "x", 0)
			return errOnPurpose
		})
	case 3:
		c := b.s.NewSession(nil)
		c.Do(argv("MULTI"))
		c.Do(argv("RENAME", "big", "away"))
		c.Do(argv("RENAME", "away", "big"))
		c.Do(argv("RENAME", groupKey(0), "away"))
		c.Do(argv("RENAME", "away", groupKey(0)))
		c.Do(argv("EXEC"))
	case 4:
		_, _ = b.s.Update(func(tx *Tx) error { // all anew in another table, swapped in
			_ = tx.DB(0).Set(groupKey(1), "-1", 0) // a part of it in the old one
			_ = tx.DB(1).Flush()
			b.writeAll(tx.DB(1), n)
			_, err := tx.DB(0).Do("SWAPDB", "0", "1")
			return err
		})
	case 5:
		_, _ = b.s.Update(func(tx *Tx) error {
			_, _ = tx.DB(0).Del(groupKey(2), "small")
			if _, err := tx.DB(0).Do("FLUSHALL"); err != nil {
				return err
			}
			b.writeAll(tx.DB(0), n)
			return nil
		})
	case 6:
		for i := range 50 { // the tables grow and are split
			_ = b.s.DB(0).Set(fmt.Sprint("fill", n, ".", i), "x", 0)
		}
	case 7:
		var args []string
		for i := range groupKeys {
			args = append(args, groupKey(i), strconv.Itoa(n))
		}
		// The group alone has another number for a moment: it is compared alone.
		_, _ = b.s.DB(0).Do(append([]string{"MSET"}, args...)...)
	}
}

// read runs fn again and again until the writers are done.
func (b *bench) read(name string, fn func() error) {
	b.wg.Go(func() {
		for !b.stop.Load() {
			if err := fn(); err != nil {
				b.t.Errorf("%s: %v", name, err)
				return
			}
		}
	})
}

// writeBeside writes n times beside the readers, and ends them.
func (b *bench) writeBeside(n int, write func(n int)) {
	for i := range n {
		write(i)
	}
	b.stop.Store(true)
	b.wg.Wait()
}

// equal fails unless all values are one number that was not rolled back.
func equal(values []string, want int) error {
	if len(values) != want {
		return fmt.Errorf("%d values, want %d", len(values), want)
	}
	for _, v := range values {
		if v != values[0] || v == "" || v[0] == '-' {
			return fmt.Errorf("values differ, or are of a rolled-back transaction: %.200q", values)
		}
	}
	return nil
}

func values(v resp.Value) (out []string) {
	for _, e := range v.Elems {
		out = append(out, e.Str)
	}
	return out
}

func evenMap(m map[string]string, want ...int) error {
	var all []string
	for _, v := range m {
		all = append(all, v)
	}
	for _, n := range want {
		if len(all) == n {
			return equal(all, n)
		}
	}
	return fmt.Errorf("%d fields, want one of %d", len(all), want)
}

func TestReadersSeeWholeTransactions(t *testing.T) {
	b := newBench(t)
	db, writes := b.s.DB(0), 600
	if testing.Short() {
		writes = 200
	}
	group := make([]string, groupKeys)
	for i := range group {
		group[i] = groupKey(i)
	}
	b.read("Get", func() error {
		v, err := db.Get("g3")
		return firstError(err, equal([]string{v}, 1))
	})
	b.read("MGet", func() error {
		res, err := db.MGet(group...)
		var all []string
		for _, r := range res {
			all = append(all, r.Value)
		}
		return firstError(err, equal(all, groupKeys))
	})
	c := b.s.NewSession(nil)
	b.read("MGET", func() error { return equal(values(c.Do(argv(append([]string{"MGET"}, group...)...))), groupKeys) })
	b.read("HMGet", func() error {
		res, err := db.HMGet("big", "f0", "f100", "f200", "f299")
		return firstError(err, equal([]string{res[0].Value, res[1].Value, res[2].Value, res[3].Value}, 4))
	})
	b.read("HGetAll big", func() error {
		m, err := db.HGetAll("big")
		return firstError(err, evenMap(m, bigFields, bigFields+2))
	})
	b.read("HGetAll small", func() error {
		m, err := db.HGetAll("small")
		return firstError(err, evenMap(m, 6))
	})
	b.read("HLen", func() error {
		n, err := db.HLen("big")
		if n != bigFields && n != bigFields+2 {
			return fmt.Errorf("%d fields, want %d or %d", n, bigFields, bigFields+2)
		}
		return err
	})
	b.read("Scan", func() error {
		v := b.s.NewSession(nil).Do(argv("SCAN", "0", "COUNT", "100"))
		for _, k := range values(v.Elems[1]) {
			if len(k) > 5 && k[:5] == "ghost" || k == "away" {
				return fmt.Errorf("SCAN yields %q", k)
			}
		}
		return nil
	})
	b.read("View", func() error { return b.s.View(checkView) })
	b.writeBeside(writes, b.write)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkView looks at a snapshot by iteration, method and file.
func checkView(sn *Snapshot) error {
	var group []string
	for key := range sn.DB(0).Keys() {
		if len(key) == 2 && key[0] == 'g' {
			v, err := sn.DB(0).Get(key)
			if err != nil {
				return err
			}
			group = append(group, v)
		}
	}
	m, err := sn.DB(0).HGetAll("big")
	n, err2 := sn.DB(0).HLen("big")
	if n != len(m) {
		return fmt.Errorf("HLen %d of %d fields", n, len(m))
	}
	if once, again := sn.Digest(), sn.Digest(); once != again {
		return fmt.Errorf("two digests of one snapshot differ")
	}
	return firstError(err, err2, equal(group, groupKeys), evenMap(m, bigFields, bigFields+2))
}

// Any number of snapshots, open together beside writers, are each the data at
// their cut: what their file and the stream up to the next cut give.
func TestSnapshotsBesideWriters(t *testing.T) {
	b := newBench(t)
	const cuts = 12
	open := make([]*Snapshot, 0, cuts)
	for i := range 3 {
		b.wg.Go(func() {
			for n := i; !b.stop.Load(); n += 3 {
				b.write(n)
			}
		})
	}
	readers, err := b.s.backlog.NewReader(b.s.backlog.Offset(), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer readers.Close()
	start := readers.Position()
	for range cuts {
		open = append(open, b.s.Snapshot())
		for range 20 {
			_, _ = b.s.DB(2).Incr("n", 1)
		}
	}
	b.stop.Store(true)
	b.wg.Wait()
	end := b.s.backlog.Offset()
	var all []byte
	for readers.Position() < end {
		all = append(all, readers.TryNext(1<<20)...)
	}
	n, a := loadStore(t, open[0])
	for i, sn := range open {
		from, to := n.backlog.Offset(), sn.History().Offset
		if err := apply(t, a, string(all[from-start:to-start])); err != nil {
			t.Fatal(err)
		}
		if n.Digest() != sn.Digest() {
			t.Errorf("snapshot %d at %d is not the data at its cut", i, to)
		}
		if err := checkView(sn); err != nil {
			t.Errorf("snapshot %d: %v", i, err)
		}
	}
	for _, sn := range open {
		sn.Close()
	}
}

// A generation that is loaded and swapped in beside readers: they see the old
// data or the new.
func TestReadersBesideLoads(t *testing.T) {
	b := newBench(t)
	db := b.s.DB(0)
	b.read("MGet", func() error {
		res, err := db.MGet("g0", "g5")
		return firstError(err, equal([]string{res[0].Value, res[1].Value}, 2))
	})
	b.read("HGetAll", func() error {
		m, err := db.HGetAll("big")
		return firstError(err, evenMap(m, bigFields, bigFields+2))
	})
	for n := range 60 {
		var file bytes.Buffer
		if err := b.s.View(func(sn *Snapshot) error { return sn.WriteRDB(&file, nil) }); err != nil {
			t.Fatal(err)
		}
		b.write(n * 8)
		l := b.s.Replication().NewLoader()
		if err := l.LoadRDB(&file); err != nil {
			t.Fatal(err)
		}
		if err := l.Commit(backlog.History{ID: backlog.NewID(), StreamDB: -1}); err != nil {
			t.Fatal(err)
		}
	}
	b.stop.Store(true)
	b.wg.Wait()
}

// The stream applied beside readers keeps transactions whole on a replica too.
func TestReadersBesideApplier(t *testing.T) {
	b := newBench(t)
	r, a := follower(t, b.s, &Options{Databases: 4})
	stream := streamSince(t, b.s, 0)
	if err := apply(t, a, stream); err != nil {
		t.Fatal(err)
	}
	rb := &bench{t: t, s: r}
	db := r.DB(0)
	rb.read("MGet", func() error {
		res, err := db.MGet("g0", "g5")
		return firstError(err, equal([]string{res[0].Value, res[1].Value}, 2))
	})
	rb.read("View", func() error { return r.View(checkView) })
	rb.writeBeside(400, func(n int) {
		b.write(n)
		if n%5 == 0 {
			if err := apply(t, a, streamSince(t, b.s, r.backlog.Offset())); err != nil {
				t.Fatal(err)
			}
		}
	})
}
