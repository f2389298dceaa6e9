package store

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// look is what one caller sees of the data through every command that reads
// without the writer lock.
func look(run func(args ...string) resp.Value) string {
	var b strings.Builder
	for _, line := range []string{
		"GET a", "GET b", "GET new", "GET gone", "EXISTS a new gone", "TYPE new", "MGET a b new gone", "STRLEN new",
		"TTL a", "PEXPIRETIME b", "HGET small f", "HMGET small f g", "HLEN small", "HGETALL small", "HGET big f1", "HGET big extra",
		"HLEN big", "HMGET big f0 f1 extra", "HEXISTS big extra", "DBSIZE", "GET moved",
	} {
		fmt.Fprintf(&b, "%s: %v\n", line, run(strings.Fields(line)...))
	}
	fields := strings.Join(scanAll(run, "HSCAN", "big"), " ")
	fmt.Fprintf(&b, "scan %v, hscan %x\n", scanAll(run, "SCAN"), sha1.Sum([]byte(fields)))
	return b.String()
}

// scanAll walks a cursor to its end and returns what it yields, sorted, once.
func scanAll(run func(args ...string) resp.Value, args ...string) []string {
	seen, cursor := map[string]bool{}, "0"
	for {
		v := run(append(append([]string{}, args...), cursor)...)
		for _, e := range v.Elems[1].Elems {
			seen[e.Str] = true
		}
		if cursor = v.Elems[0].Str; cursor == "0" {
			break
		}
	}
	all := []string{}
	for k := range seen {
		all = append(all, k)
	}
	sort.Strings(all)
	return all
}

func fillBig(t testing.TB, db DB, key string, n int) {
	t.Helper()
	var p []string
	for i := range n {
		p = append(p, fmt.Sprint("f", i), fmt.Sprint("v", i))
	}
	if _, err := db.HSet(key, p...); err != nil {
		t.Fatal(err)
	}
}

// What an open transaction has done is invisible to all who do not go through
// it, and gone without a trace when it fails.
func TestUpdateIsInvisibleUntilItEnds(t *testing.T) {
	clock := newClock()
	s := newStore(t, &Options{Clock: clock.now})
	c := s.NewSession(nil)
	do(t, c, "MSET a 1 b 2 gone 3 from 4")
	do(t, c, "PEXPIRE b 100000")
	do(t, c, "HSET small f 1 g 2")
	fillBig(t, s.DB(0), "big", 200)
	run := func(args ...string) resp.Value { return c.Do(argv(args...)) }
	before, digest, offset := look(run), s.Digest(), s.backlog.Offset()

	for step, write := range []func(db TxDB) error{
		func(db TxDB) error { return db.Set("a", "changed", time.Hour) },
		func(db TxDB) error { return db.Set("new", "x", 0) },
		func(db TxDB) error { _, err := db.Del("gone"); return err },
		func(db TxDB) error { _, err := db.Persist("b"); return err },
		func(db TxDB) error { _, err := db.HSet("small", "f", "changed", "h", "3"); return err },
		func(db TxDB) error {
			_, err := db.HSet("big", "f1", "changed", "extra", "1", "extra2", "1")
			return err
		},
		func(db TxDB) error { _, err := db.HDel("big", "f2", "f3", "f4", "f5", "f6"); return err },
		func(db TxDB) error { return db.Rename("from", "moved") },
		func(db TxDB) error { _, err := db.Do("MOVE", "a", "3"); return err },
		func(db TxDB) error { _, err := db.Do("SWAPDB", "0", "3"); return err },
		func(db TxDB) error { _, err := db.Do("FLUSHALL"); return err },
		func(db TxDB) error { _, err := db.Del("big", "small"); return err },
	} {
		failed := errors.New("on purpose")
		_, err := s.Update(func(tx *Tx) error {
			_ = tx.DB(0).Set("early", "x", 0)
			if err := write(tx.DB(0)); err != nil {
				t.Errorf("step %d: %v", step, err)
			}
			if got := look(run); got != before {
				t.Errorf("step %d is seen from outside:\n%s\nwant\n%s", step, got, before)
			}
			for range 200 {
				if v := run("RANDOMKEY"); !strings.Contains(" a b gone from small big ", " "+v.Str+" ") {
					t.Fatalf("step %d: RANDOMKEY = %v", step, v)
				}
			}
			return failed
		})
		if err != failed {
			t.Errorf("step %d: Update = %v", step, err)
		}
		if got := look(run); got != before {
			t.Errorf("step %d leaves a trace:\n%s\nwant\n%s", step, got, before)
		}
		if s.Digest() != digest || s.backlog.Offset() != offset {
			t.Errorf("step %d changes the digest or the stream", step)
		}
		if err := s.check(); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
	}
}

// Nothing that is called inside of Update's closure may wait for the lock that
// the closure holds.
func TestNested(t *testing.T) {
	s := newStore(t, nil)
	_ = s.DB(0).Set("k", "old", 0)
	fillBig(t, s.DB(0), "big", 200)
	_, err := s.Update(func(tx *Tx) error {
		db := s.DB(0)
		if err := db.Set("k", "v", 0); err != ErrNested {
			t.Errorf("Set: %v", err)
		}
		if _, err := s.Update(func(*Tx) error { return nil }); err != ErrNested {
			t.Errorf("Update: %v", err)
		}
		if err := s.View(func(*Snapshot) error { return nil }); err != ErrNested {
			t.Errorf("View: %v", err)
		}
		if _, err := db.HGetAll("big"); err != ErrNested {
			t.Errorf("HGetAll that needs a snapshot: %v", err)
		}
		for range db.Keys() {
			t.Errorf("Keys of a snapshot that cannot be taken yields something")
		}
		sn := s.Snapshot()
		if sn.Err() != ErrNested || sn.WriteRDB(nil, nil) != ErrNested || sn.Close() != nil {
			t.Errorf("Snapshot: %v", sn.Err())
		}
		if v := s.NewSession(nil).Do(argv("INCR", "n")); v.Kind != resp.Error {
			t.Errorf("INCR: %v", v)
		}
		if v, err := db.Get("k"); v != "old" || err != nil {
			t.Errorf("Get: %q, %v", v, err)
		}
		_, err := tx.DB(0).Incr("n", 1)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := s.DB(0).Get("n"); n != "1" {
		t.Errorf("n = %q", n)
	}
}

func TestUpdatePanicRollsBack(t *testing.T) {
	s := newStore(t, nil)
	_ = s.DB(0).Set("k", "v", time.Hour)
	digest := s.Digest()
	func() {
		defer func() {
			if r := recover(); r != "on purpose" {
				t.Errorf("recovered %v", r)
			}
		}()
		_, _ = s.Update(func(tx *Tx) error {
			_, _ = tx.DB(0).Del("k")
			_ = tx.DB(0).Set("n", "1", time.Hour)
			panic("on purpose")
		})
	}()
	if s.Digest() != digest {
		t.Errorf("a panic leaves changes")
	}
	if _, err := s.DB(0).Incr("n", 1); err != nil {
		t.Errorf("the lock is still held: %v", err)
	}
}

// A transaction is of no use after its closure.
func TestTxAfterwards(t *testing.T) {
	s := newStore(t, nil)
	var kept *Tx
	var db TxDB
	_, _ = s.Update(func(tx *Tx) error { kept, db = tx, tx.DB(0); return db.Set("k", "v", 0) })
	if _, err := db.Get("k"); err != ErrClosed {
		t.Errorf("Get = %v", err)
	}
	if err := kept.DB(0).Set("k", "w", 0); err != ErrClosed {
		t.Errorf("Set = %v", err)
	}
	for range db.Keys() {
		t.Errorf("Keys yields")
	}
}

// A snapshot's SCAN, RANDOMKEY and DBSIZE are of the cut too.
func TestSnapshotScan(t *testing.T) {
	s := newStore(t, nil)
	var want []string
	for i := range 5000 {
		want = append(want, fmt.Sprint("k", i))
		_ = s.DB(0).Set(want[i], "v", 0)
	}
	fillBig(t, s.DB(0), "h", 1000)
	want = append(want, "h")
	sort.Strings(want)
	sn := s.Snapshot()
	defer sn.Close()
	for i := range 5000 {
		if i%3 != 0 {
			_, _ = s.DB(0).Del(fmt.Sprint("k", i))
		}
		_ = s.DB(0).Set(fmt.Sprint("later", i), "v", 0)
	}
	_, _ = s.DB(0).HDel("h", "f1", "f2")
	_, _ = s.DB(0).HSet("h", "later", "1", "f3", "changed")
	run := func(args ...string) resp.Value {
		v, err := sn.DB(0).Do(args...)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if got := scanAll(run, "SCAN"); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("SCAN of a snapshot yields %d keys, want %d", len(got), len(want))
	}
	if got := scanAll(run, "HSCAN", "h"); len(got) != 2000 {
		t.Errorf("HSCAN of a snapshot yields %d fields and values, want 2000", len(got))
	}
	for range 300 {
		if v := run("RANDOMKEY"); strings.HasPrefix(v.Str, "later") || v.IsNull() {
			t.Fatalf("RANDOMKEY of a snapshot = %v", v)
		}
	}
	if v := run("DBSIZE"); v.Int != 5001 {
		t.Errorf("DBSIZE of a snapshot = %v", v)
	}
	_ = s.DB(0).Flush()
	for range 300 {
		if v := run("RANDOMKEY"); v.IsNull() {
			t.Fatalf("RANDOMKEY of a snapshot whose keys are all gone = %v", v)
		}
	}
}

// Commands that change more than one slot do it as one commit: in its midst the
// old state is what readers are led to.
func TestManySlotsAreOneCommit(t *testing.T) {
	for _, line := range []string{
		"MSET a 1 b 2", "MSETNX x 1 y 2", "DEL a b", "UNLINK a b", "RENAME a b", "RENAMENX a x", "MOVE a 3",
		"HSET big f1 v f2 v", "HDEL big f1 f2", "HMSET big f1 v new v",
		"LMOVE l m LEFT RIGHT", "RPOPLPUSH l m", "SMOVE s r x", "BLMOVE l m LEFT RIGHT 0",
	} {
		s := newStore(t, nil)
		c := s.NewSession(nil)
		do(t, c, "MSET a 0 b 0")
		do(t, c, "RPUSH l 1 2")
		do(t, c, "SADD s x y")
		fillBig(t, s.DB(0), "big", 200)
		s.mu.Lock()
		cm := s.begin(0, client)
		args := argv(strings.Fields(line)...)
		if v := lookup(args[0]).run(&cm.x, args); v.Kind == resp.Error {
			t.Errorf("%s: %v", line, v)
		}
		if cm.pending == nil || s.view.Load().pending != cm.pending {
			t.Errorf("%s: readers are not led to the old state", line)
		}
		cm.finish()
		s.mu.Unlock()
	}
}
