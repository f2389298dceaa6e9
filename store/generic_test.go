package store

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// payload is that of DUMP around what calls write.
func payload(t testing.TB, calls func(e *rdb.Encoder)) string {
	t.Helper()
	var b bytes.Buffer
	e := rdb.NewDumpEncoder(&b, nil)
	calls(e)
	if err := e.End(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What makes no sense is refused, and leaves the key as it was.
func TestRestoreRefuses(t *testing.T) {
	good := payload(t, func(e *rdb.Encoder) { e.String("", "new", 0) })
	tests := []struct {
		name, payload string
		want          error // nil: some other
	}{
		{"nothing", "", ErrPayload},
		{"cut", good[:len(good)-1], ErrPayload},
		{"changed", strings.Replace(good, "new", "now", 1), ErrPayload},
		{"member twice", payload(t, func(e *rdb.Encoder) { e.BeginSet("", 2, 0); e.Element("a"); e.Element("a") }), ErrPayloadFormat},
		{"scored member twice", payload(t, func(e *rdb.Encoder) { e.BeginSortedSet("", 2, 0); e.Member("a", 1); e.Member("a", 2) }), ErrPayloadFormat},
		{"field twice", payload(t, func(e *rdb.Encoder) { e.BeginHash("", 2, 0); e.Field("a", "1"); e.Field("a", "2") }), ErrPayloadFormat},
		{"list without elements", "\x01\x00\t\x00\x8b\nt\x008\x91 \xe7", ErrPayloadFormat},
		{"bytes behind the value", "\x00\x01v!\t\x00o\v\xc4\xcd\xee\r-U", ErrPayloadFormat},
		{"version of the future", "\x00\x01v\xff\x0fxxxxxxxx", ErrPayload},
		{"type 28", "\x1c\x00\x09\x00\x8c\xae\xef\x56\xd3\x5c\x1f\x7b", nil},
	}
	s := newStore(t, nil)
	db := s.DB(0)
	_ = db.Set("k", "old", 0)
	offset := s.backlog.Offset()
	for _, tt := range tests {
		err := db.Restore("k", tt.payload, 0, true)
		if err == nil || tt.want != nil && err != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if tt.name == "type 28" && !strings.Contains(fmt.Sprint(err), "28") {
			t.Errorf("%s: %v does not name it", tt.name, err)
		}
	}
	if v, err := db.Get("k"); v != "old" || s.backlog.Offset() != offset {
		t.Errorf("then the key holds %q, %v, and the stream has grown by %d", v, err, s.backlog.Offset()-offset)
	}
	if err := db.Restore("k", good, 0, false); err != ErrBusyKey {
		t.Errorf("a key that is there: %v", err)
	}
	if _, err := db.Dump("none"); err != ErrNotFound {
		t.Errorf("Dump of no key: %v", err)
	}
}

// In the stream a deadline in the past is the primary's matter, and a payload that is
// not understood ends it.
func TestRestoreInTheStream(t *testing.T) {
	good := payload(t, func(e *rdb.Encoder) { e.String("", "new", 0) })
	s, a := newReplica(t, nil)
	frame := func(args ...string) string { return string(resp.AppendCommand(nil, args...)) }
	if err := apply(t, a, frame("RESTORE", "k", "1", good, "ABSTTL")); err != nil {
		t.Fatal(err)
	}
	if e := s.view.Load().gen.spaces[0].tab.Find(s.hash("k"), "k"); e == nil || e.Deadline() != 1 {
		t.Errorf("the key is %v", e)
	}
	err := apply(t, a, frame("RESTORE", "other", "0", good[:5]))
	var streamErr *StreamError
	if !errors.As(err, &streamErr) {
		t.Errorf("a bad payload: %v, want a StreamError", err)
	}
}

// A dump is of one instant, whatever the writer does meanwhile: here every commit
// keeps the number of elements.
func TestDumpBesideWriter(t *testing.T) {
	const elements, rounds = 1000, 300
	s := newStore(t, nil)
	db := s.DB(0)
	add := func(d TxDB, i int) {
		name := fmt.Sprint("member ", i)
		for _, args := range [][]string{{"RPUSH", "list", name}, {"SADD", "set", name}, {"ZADD", "sorted", fmt.Sprint(i), name}, {"HSET", "hash", name, "v"}} {
			if _, err := d.Do(args...); err != nil {
				t.Error(err)
			}
		}
	}
	drop := func(d TxDB, i int) {
		name := fmt.Sprint("member ", i)
		for _, args := range [][]string{{"LPOP", "list"}, {"SREM", "set", name}, {"ZREM", "sorted", name}, {"HDEL", "hash", name}} {
			if _, err := d.Do(args...); err != nil {
				t.Error(err)
			}
		}
	}
	update := func(fn func(d TxDB)) {
		if _, err := s.Update(func(tx *Tx) error { fn(tx.DB(0)); return nil }); err != nil {
			t.Error(err)
		}
	}
	update(func(d TxDB) {
		for i := range elements {
			add(d, i)
		}
	})
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(done)
		for i := range rounds {
			update(func(d TxDB) { add(d, elements+i); drop(d, i) })
		}
	})
	for key, count := range map[string]string{"list": "LLEN", "set": "SCARD", "sorted": "ZCARD", "hash": "HLEN"} {
		wg.Go(func() {
			other := newStore(t, nil).DB(0)
			for running := true; running; {
				select {
				case <-done:
					running = false // once more, in peace
				default:
				}
				payload, err := db.Dump(key)
				if err == nil {
					err = other.Restore(key, payload, 0, true)
				}
				if err != nil {
					t.Errorf("%s: %v", key, err)
					return
				}
				if n, _ := other.Do(count, key); n.Int != elements {
					t.Errorf("%s: %d elements, want %d", key, n.Int, elements)
				}
			}
		})
	}
	wg.Wait()
}

// MEMORY USAGE may be asked for from everywhere, and grows with what is in the key.
func TestMemoryUsage(t *testing.T) {
	s := filled(t)
	usage := func(key string) int64 {
		v, err := s.DB(0).Do("MEMORY", "USAGE", key, "SAMPLES", "0")
		if err != nil {
			t.Fatal(err)
		}
		return v.Int
	}
	for _, kind := range []string{"list", "ints", "words", "sorted", "hash"} {
		for _, n := range []int64{1, 100, 3000} {
			if got := usage(fmt.Sprint(kind, n)); got < 2*n || got > 400*n+400 {
				t.Errorf("%s of %d takes %d bytes", kind, n, got)
			}
		}
	}
	want := usage("words3000")
	c := s.NewSession(nil)
	for _, line := range []string{"MULTI", "SADD words3000 x", "MEMORY USAGE words3000"} {
		do(t, c, line)
	}
	if v := do(t, c, "EXEC"); v.Elems[1].Int <= want {
		t.Errorf("in a transaction that adds: %s, before %d", v, want)
	}
	if _, err := s.Update(func(*Tx) error { usage("words3000"); return nil }); err != nil {
		t.Error(err)
	}
}

// COPY gives values that share nothing that changes, whatever their form.
func TestCopyOfEveryForm(t *testing.T) {
	s := filled(t)
	db := s.DB(0)
	change := map[Kind][]string{
		String: {"APPEND", "copy", "x"}, Hash: {"HSET", "copy", "new", "x"}, List: {"LPOP", "copy"},
		Set: {"SADD", "copy", "new"}, SortedSet: {"ZADD", "copy", "5", "new"}, Stream: {"XTRIM", "copy", "MAXLEN", "0"},
	}
	for key, kind := range db.Keys() {
		was, err := db.Dump(key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Do("COPY", key, "copy", "REPLACE"); err != nil {
			t.Fatal(err)
		}
		if is, err := db.Dump("copy"); err != nil || kind != Set && kind != Hash && is != was || len(is) != len(was) {
			t.Errorf("the copy of %.30q differs, %v", key, err)
		}
		if _, err := db.Do(change[kind]...); err != nil {
			t.Fatal(err)
		}
		if is, _ := db.Dump(key); is != was {
			t.Errorf("a change of the copy of %.30q changed the original", key)
		}
	}
}

// A collection that a file holds without elements is passed over.
func TestLoaderPassesOverEmpty(t *testing.T) {
	body := "\xfe\x00" + "\x01\x01l\x00" + "\x02\x01s\x00" + "\x05\x01z\x00" + "\x04\x01h\x00" + "\x0e\x01q\x00" + "\x00\x01k\x01v"
	file := append([]byte("REDIS0009"+body+"\xff"), make([]byte, 8)...) // not checked
	s := load(t, file)
	if n := s.DB(0).Len(); n != 1 || !s.DB(0).Exists("k") {
		t.Errorf("%d keys, want k alone", n)
	}
}

// A file with a member twice is not loaded.
func TestLoaderRefusesRepeated(t *testing.T) {
	for name, calls := range map[string]func(e *rdb.Encoder, n int){
		"set": func(e *rdb.Encoder, n int) {
			e.BeginSet("s", n+1, 0)
			for i := range n {
				e.Element(fmt.Sprint("m", i))
			}
			e.Element("m0")
		},
		"sorted set": func(e *rdb.Encoder, n int) {
			e.BeginSortedSet("z", n+1, 0)
			for i := range n {
				e.Member(fmt.Sprint("m", i), 1)
			}
			e.Member("m0", 2)
		},
	} {
		for _, n := range []int{1, 127, 128, 600} {
			b := encode(t, func(e *rdb.Encoder) { e.SelectDB(0); calls(e, n) })
			err := newStore(t, nil).Replication().NewLoader().LoadRDB(bytes.NewReader(b))
			if err == nil || !strings.Contains(err.Error(), "member twice in a "+name) {
				t.Errorf("%s of %d: %v", name, n, err)
			}
		}
	}
}

// Every value is restored as what it was, with the deadline that is asked for.
func TestDumpKeepsKind(t *testing.T) {
	s := filled(t)
	other := newStore(t, nil)
	for key, kind := range s.DB(0).Keys() {
		payload, err := s.DB(0).Dump(key)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.DB(0).Restore(key, payload, time.Hour, false); err != nil {
			t.Fatal(err)
		}
		if got := other.DB(0).Kind(key); got != kind {
			t.Errorf("%.30q is a %s, was a %s", key, got, kind)
		}
		e := other.view.Load().gen.spaces[0].tab.Find(other.hash(key), key)
		if e == nil || e.Deadline() == 0 || e.Kind() == table.Tombstone {
			t.Errorf("%.30q: %v", key, e)
		}
	}
}

// A reload leaves data, history and open snapshots as they were, and writers go on.
func TestReload(t *testing.T) {
	s := filled(t)
	sn := s.Snapshot()
	defer sn.Close()
	digest, history := s.Digest(), s.Replication().History()
	before := s.view.Load().gen
	for range 2 {
		if err := s.Replication().Reload(); err != nil {
			t.Fatal(err)
		}
		if s.Digest() != digest || sn.Digest() != digest || s.Replication().History() != history {
			t.Errorf("digest %s, of the snapshot %s, want %s; history %+v", s.Digest(), sn.Digest(), digest, s.Replication().History())
		}
	}
	if s.view.Load().gen == before {
		t.Error("nothing was loaded")
	}
	for _, args := range [][]string{{"LPOP", "list3000"}, {"SADD", "words3000", "new"}, {"ZADD", "sorted3000", "1", "new"}, {"HSET", "hash3000", "new", "v"}} {
		if _, err := s.DB(0).Do(args...); err != nil {
			t.Error(err)
		}
	}
	if s.Digest() == digest || sn.Digest() != digest {
		t.Error("after writes: the digest of the data is the old one, or that of the snapshot is not")
	}
	s.Close()
	if err := s.Replication().Reload(); err != ErrClosed {
		t.Errorf("after Close: %v", err)
	}
}

// hook calls fn at each write.
type hook func()

func (h hook) Write(p []byte) (int, error) { h(); return len(p), nil }

// Of a snapshot that is dropped while it is written, the error says so, and not what
// followed from it.
func TestWriteOfDroppedSnapshot(t *testing.T) {
	s := newStore(t, &Options{SnapshotBudget: 1 << 16})
	db := s.DB(0)
	for i := range 20_000 {
		name := fmt.Sprint("member ", i)
		for _, args := range [][]string{{"RPUSH", "list", name}, {"SADD", "set", name}, {"ZADD", "sorted", fmt.Sprint(i), name}} {
			if _, err := db.Do(args...); err != nil {
				t.Fatal(err)
			}
		}
	}
	sn := s.Snapshot()
	defer sn.Close()
	n := 0
	err := sn.WriteRDB(hook(func() {
		for range 3000 {
			n++
			_, _ = db.Do("RPUSH", "list", fmt.Sprint("more ", n))
			_, _ = db.Do("SADD", "set", fmt.Sprint("more ", n))
			_, _ = db.Do("SREM", "set", fmt.Sprint("member ", n))
			_, _ = db.Do("ZADD", "sorted", "-1", fmt.Sprint("more ", n))
		}
	}), nil)
	if err != ErrSnapshotTooOld {
		t.Errorf("WriteRDB = %v, want ErrSnapshotTooOld", err)
	}
}
