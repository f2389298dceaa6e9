package store

import (
	"bytes"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// fakeClock stands still until it is moved.
type fakeClock struct{ ms atomic.Int64 }

func newClock() *fakeClock {
	c := &fakeClock{}
	c.ms.Store(1_700_000_000_000)
	return c
}

func (c *fakeClock) now() time.Time          { return time.UnixMilli(c.ms.Load()) }
func (c *fakeClock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// newStore returns a store that is checked when the test ends.
func newStore(t testing.TB, o *Options) *Store {
	t.Helper()
	s := New(o)
	t.Cleanup(func() {
		if err := s.check(); err != nil {
			t.Errorf("store is not sound: %v", err)
		}
	})
	return s
}

func argv(args ...string) [][]byte {
	b := make([][]byte, len(args))
	for i, a := range args {
		b[i] = []byte(a)
	}
	return b
}

// do runs a line of words in the session and fails on an error reply.
func do(t testing.TB, c *Session, line string) resp.Value {
	t.Helper()
	v := c.Do(argv(strings.Fields(line)...))
	if v.Kind == resp.Error {
		t.Fatalf("%s: %s", line, v.Str)
	}
	return v
}

// wire is a line of words as the stream carries it.
func wire(line string) string {
	if line == "" {
		return ""
	}
	return string(resp.AppendCommand(nil, strings.Fields(line)...))
}

// streamSince is what the stream holds after offset.
func streamSince(t testing.TB, s *Store, offset int64) string {
	t.Helper()
	r, err := s.backlog.NewReader(offset, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b strings.Builder
	for p := r.TryNext(1 << 20); p != nil; p = r.TryNext(1 << 20) {
		b.Write(p)
	}
	return b.String()
}

// streamLines prints a stream as one line of words a command.
func streamLines(t testing.TB, stream string) (lines []string) {
	t.Helper()
	for _, f := range split(t, stream) {
		lines = append(lines, string(bytes.Join(f.Args, []byte(" "))))
	}
	return lines
}

// split parses a stream into frames whose arguments nobody reuses.
func split(t testing.TB, stream string) (frames []Frame) {
	t.Helper()
	r := resp.NewReader(strings.NewReader(stream), nil)
	for done := 0; done < len(stream); done += r.LastSize() {
		args, err := r.ReadCommand()
		if err != nil {
			t.Fatalf("stream at byte %d: %v", done, err)
		}
		own := make([][]byte, len(args))
		for i, a := range args {
			own[i] = bytes.Clone(a)
		}
		frames = append(frames, Frame{own, r.LastSize()})
	}
	return frames
}

// apply hands stream to a in one batch, in buffers that are overwritten
// afterwards, as a connection's are.
func apply(t testing.TB, a *Applier, stream string) error {
	t.Helper()
	raw := []byte(stream)
	r := resp.NewReader(bytes.NewReader(raw), nil)
	var frames []Frame
	for done := 0; done < len(raw); done += r.LastSize() {
		args, err := r.ReadCommand()
		if err != nil {
			t.Fatalf("stream at byte %d: %v", done, err)
		}
		own := make([][]byte, len(args))
		for i, arg := range args {
			own[i] = bytes.Clone(arg)
		}
		frames = append(frames, Frame{own, r.LastSize()})
	}
	err := a.Apply(frames, raw)
	for _, f := range frames {
		for _, arg := range f.Args {
			scribble(arg)
		}
	}
	scribble(raw)
	return err
}

func scribble(b []byte) {
	for i := range b {
		b[i] = '!'
	}
}

// follower returns a store that follows p's history from the beginning.
func follower(t testing.TB, p *Store, o *Options) (*Store, *Applier) {
	t.Helper()
	s := newStore(t, o)
	s.Replication().Demote()
	s.mu.Lock()
	h := p.backlog.History()
	h.Offset, h.StreamDB = 0, -1
	s.backlog.Reset(h)
	s.mu.Unlock()
	return s, s.Replication().NewApplier()
}

// deadlines are all deadlines of a database, by key, or by key, zero byte and field, from
// the table.
func deadlines(s *Store, db int) map[string]int64 {
	m := map[string]int64{}
	eachRaw(s.view.Load().gen.spaces[db].tab, func(e *table.Entry) {
		if e.Deadline() != 0 {
			m[e.Key()] = e.Deadline()
		}
		if kindOf(e) == Hash {
			for f := range (&exec{mode: writing}).datedFields(e) {
				if f.due != 0 {
					m[e.Key()+"\x00"+f.name] = f.due
				}
			}
		}
	})
	return m
}

// sameState fails unless two stores hold the same data, deadlines and history.
func sameState(t testing.TB, what string, a, b *Store) {
	t.Helper()
	if x, y := a.Digest(), b.Digest(); x != y {
		t.Fatalf("%s: digests %s and %s differ", what, x, y)
	}
	for db := range a.Databases() {
		if x, y := deadlines(a, db), deadlines(b, db); !maps.Equal(x, y) {
			t.Fatalf("%s: deadlines of database %d: %v and %v", what, db, x, y)
		}
	}
	x, y := a.backlog.History(), b.backlog.History()
	if x.Offset != y.Offset || x.StreamDB != y.StreamDB || x.ID != y.ID {
		t.Fatalf("%s: histories %+v and %+v", what, x, y)
	}
}

// loadStore makes a store of a snapshot's file that follows its history.
func loadStore(t testing.TB, sn *Snapshot) (*Store, *Applier) {
	t.Helper()
	var file bytes.Buffer
	if err := sn.WriteRDB(&file, nil); err != nil {
		t.Fatal(err)
	}
	n := newStore(t, &Options{Databases: sn.s.Databases(), Clock: sn.s.opts.Clock})
	n.Replication().Demote()
	l := n.Replication().NewLoader()
	if err := l.LoadRDB(&file); err != nil {
		t.Fatal(err)
	}
	h := sn.History()
	h.StreamDB = l.StreamDB()
	if err := l.Commit(h); err != nil {
		t.Fatal(err)
	}
	return n, n.Replication().NewApplier()
}

// fewer is n, or short where tests are to be quick.
func fewer(n, short int) int {
	if testing.Short() {
		return short
	}
	return n
}
