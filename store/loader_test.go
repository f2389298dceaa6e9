package store

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/store/backlog"
	"github.com/understudy-go/understudy/store/internal/table"
)

// sample is a store with every form of value.
func sample(t testing.TB) *Store {
	t.Helper()
	s := newStore(t, nil)
	db := s.DB(0)
	_ = db.Set("text", "value", 0)
	_ = db.Set("deadline", "value", time.Hour)
	_ = db.Set("long", strings.Repeat("v", 5000), 0)
	_ = db.Set("empty", "", 0)
	for range 3 {
		_, _ = db.Append("appended", strings.Repeat("a", 700))
	}
	_, _ = db.HSet("small", "f", "v", "g", "")
	_, _ = s.DB(3).Do("HSET", "due", "f", "v")
	_, _ = s.DB(3).Expire("due", time.Now().Add(time.Hour))
	fillBig(t, db, "big", 300)
	c := s.NewSession(nil)
	for _, line := range []string{"RPUSH list a b", "SADD ints 1 2", "SADD set a b", "ZADD sorted 1 a 2 b"} {
		do(t, c, line)
	}
	for i := range 600 {
		do(t, c, fmt.Sprintf("RPUSH biglist element%d %d", i, i))
		do(t, c, fmt.Sprintf("SADD bigset member%d", i))
		do(t, c, fmt.Sprintf("ZADD bigsorted %d member%d", i%7, i))
	}
	return s
}

func file(t testing.TB, s *Store) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.View(func(sn *Snapshot) error { return sn.WriteRDB(&b, nil) }); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// encode writes an RDB file by hand.
func encode(t testing.TB, calls func(e *rdb.Encoder)) []byte {
	t.Helper()
	var b bytes.Buffer
	e := rdb.NewEncoder(&b, nil)
	calls(e)
	if err := e.End(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A file that is cut or damaged anywhere leaves data and history as they were,
// and cannot be committed.
func TestBadFilesChangeNothing(t *testing.T) {
	good := file(t, sample(t))
	s := newStore(t, nil)
	_ = s.DB(0).Set("old", "v", 0)
	digest, history := s.Digest(), s.Replication().History()
	refuse := func(what string, b []byte) {
		t.Helper()
		l := s.Replication().NewLoader()
		if err := l.LoadRDB(bytes.NewReader(b)); err == nil {
			t.Errorf("%s: loaded", what)
		}
		if err := l.Commit(history); err != ErrIncomplete {
			t.Errorf("%s: Commit = %v, want ErrIncomplete", what, err)
		}
	}
	for n := range good {
		if n%7 == 0 || n < 200 || n > len(good)-60 {
			refuse(fmt.Sprintf("cut after %d bytes", n), good[:n])
		}
	}
	for n := 0; n < len(good); n += 1 + n/40 {
		b := bytes.Clone(good)
		b[n] ^= 0x41
		refuse(fmt.Sprintf("byte %d changed", n), b)
	}
	refuse("key twice", encode(t, func(e *rdb.Encoder) { e.SelectDB(0); e.String("k", "1", 0); e.String("k", "2", 0) }))
	refuse("database out of range", encode(t, func(e *rdb.Encoder) { e.SelectDB(16); e.String("k", "1", 0) }))
	for _, n := range []int{2, 128, 129, 300} {
		refuse(fmt.Sprintf("field twice in a hash of %d", n), encode(t, func(e *rdb.Encoder) {
			e.SelectDB(0)
			e.BeginHash("h", n, 0)
			for i := range n - 1 {
				e.Field(fmt.Sprint("f", i), "v")
			}
			e.Field("f0", "w")
		}))
	}
	if s.Digest() != digest || s.Replication().History() != history {
		t.Errorf("a bad file changed the store")
	}
	if err := s.Replication().NewLoader().Commit(history); err != ErrIncomplete {
		t.Errorf("Commit of an empty loader = %v", err)
	}
}

// A resync of equal data takes the old entries over: no memory, no difference.
func TestLoaderTakesOver(t *testing.T) {
	s := sample(t)
	before := map[string]*table.Entry{}
	eachRaw(s.view.Load().gen.spaces[0].tab, func(e *table.Entry) { before[e.Key()] = e })
	b := file(t, s)
	_ = s.DB(0).Set("text", "changed", 0)
	_, _ = s.DB(0).Persist("deadline")
	l := s.Replication().NewLoader()
	if err := l.LoadRDB(bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(backlog.History{ID: backlog.NewID()}); err != nil {
		t.Fatal(err)
	}
	if n := l.Keys(); n != int64(len(before))+1 {
		t.Errorf("Keys = %d", n)
	}
	eachRaw(s.view.Load().gen.spaces[0].tab, func(e *table.Entry) {
		same := e == before[e.Key()]
		want := e.Key() != "text" && e.Key() != "deadline" && e.Body() == nil
		if same != want {
			t.Errorf("%q: the same entry: %v, want %v", e.Key(), same, want)
		}
	})
	digest := s.Digest()
	// The new generation is written to and read beside a snapshot as any other.
	sn := s.Snapshot()
	defer sn.Close()
	_, _ = s.DB(0).Append("appended", "more")
	_, _ = s.DB(0).Del("small", "long")
	_, _ = s.DB(0).HDel("big", "f1", "f2")
	if sn.Digest() != digest {
		t.Errorf("a snapshot of loaded data changed")
	}
	if err := l.Commit(backlog.History{}); err != ErrIncomplete {
		t.Errorf("a second Commit = %v, want ErrIncomplete", err)
	}
}

// Commit is one step: readers see the old generation, then the new; snapshots
// keep theirs, readers of the stream end.
func TestCommitSwitchesGenerations(t *testing.T) {
	s := sample(t)
	sn := s.Snapshot()
	defer sn.Close()
	digest := sn.Digest()
	r, err := s.backlog.NewReader(0, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := s.Replication().NewLoader()
	if err := l.LoadRDB(bytes.NewReader(encode(t, func(e *rdb.Encoder) { e.SelectDB(1); e.String("new", "v", 0) }))); err != nil {
		t.Fatal(err)
	}
	if !s.DB(0).Exists("text") || s.DB(1).Exists("new") {
		t.Errorf("the loading generation is seen before Commit")
	}
	h := backlog.History{ID: backlog.NewID(), Offset: 77, SecondaryLimit: -1, StreamDB: 1}
	if err := l.Commit(h); err != nil {
		t.Fatal(err)
	}
	if s.DB(0).Exists("text") || !s.DB(1).Exists("new") || s.Replication().History() != h {
		t.Errorf("after Commit: history %+v", s.Replication().History())
	}
	if r.TryNext(1); r.Err() == nil {
		t.Errorf("a reader of the old stream goes on")
	}
	_ = s.DB(0).Set("text", "other", 0)
	if sn.Digest() != digest {
		t.Errorf("the snapshot of the old generation changed")
	}
}

func TestAbortedLoader(t *testing.T) {
	s := sample(t)
	digest := s.Digest()
	l := s.Replication().NewLoader()
	if err := l.LoadRDB(bytes.NewReader(file(t, s))); err != nil {
		t.Fatal(err)
	}
	l.Abort()
	if err := l.Commit(backlog.History{}); err != ErrIncomplete {
		t.Errorf("Commit after Abort = %v", err)
	}
	if s.Digest() != digest {
		t.Errorf("an aborted load changed the data")
	}
}

// A hash without fields, which old servers could write, is passed over.
func TestEmptyHashIsPassedOver(t *testing.T) {
	s := newStore(t, nil)
	l := s.Replication().NewLoader()
	err := l.LoadRDB(strings.NewReader("REDIS0009\xfe\x00" + "\x04\x01h\x00" + "\x00\x01k\x01v" + "\xff\x00\x00\x00\x00\x00\x00\x00\x00"))
	if err == nil {
		err = l.Commit(backlog.History{ID: backlog.NewID()})
	}
	if err != nil || s.DB(0).Exists("h") || !s.DB(0).Exists("k") {
		t.Errorf("hash is there: %v, %v", s.DB(0).Exists("h"), err)
	}
}

func TestLoaderAfterClose(t *testing.T) {
	s := New(nil)
	l := s.Replication().NewLoader()
	if err := l.LoadRDB(bytes.NewReader(file(t, sample(t)))); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if err := l.Commit(backlog.History{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Commit after Close = %v", err)
	}
}

// A stream that goes on in a database that is not there cannot be followed: not
// in another one instead.
func TestStreamDatabaseOutOfRange(t *testing.T) {
	aux := func(db string) []byte {
		return encode(t, func(e *rdb.Encoder) {
			e.Aux("repl-id", string(backlog.NewID()))
			e.Aux("repl-offset", "100")
			if db != "" {
				e.Aux("repl-stream-db", db)
			}
		})
	}
	for _, tt := range []struct {
		aux  string
		want int
	}{{"", -1}, {"x", -1}, {"-1", -1}, {"0", 0}, {"15", 15}, {"16", 16}, {"99999999999999999999", -1}} {
		m := &memFiles{files: map[string][]byte{"f": aux(tt.aux)}}
		s := newStore(t, &Options{Files: m})
		l := s.Replication().NewLoader()
		if err := l.LoadRDB(bytes.NewReader(m.files["f"])); err != nil {
			t.Fatal(err)
		}
		if got := l.StreamDB(); got != tt.want {
			t.Errorf("%q: StreamDB = %d, want %d", tt.aux, got, tt.want)
		}
		h, _ := l.History()
		if err := l.Commit(h); errors.Is(err, ErrNoDatabase) != (tt.want == 16) {
			t.Errorf("%q: Commit = %v", tt.aux, err)
		}
		r := newStore(t, &Options{Files: m})
		r.Replication().Demote()
		if err := r.Replication().LoadFile("f"); err != nil {
			t.Fatal(err)
		}
		if id := r.Replication().History().ID; (id != "") != (tt.want == 0 || tt.want == 15) {
			t.Errorf("%q: LoadFile keeps the history: %v", tt.aux, id != "")
		}
	}
}
