package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/store/backlog"
)

// memFiles is a file system in memory that notes what is called and fails on
// demand.
type memFiles struct {
	files  map[string][]byte
	calls  []string
	failAt string // the call that fails
	full   int    // bytes that a file may take; 0 for any number
	made   int
}

var errDisk = errors.New("disk failed on purpose")

func (m *memFiles) call(c string) error {
	m.calls = append(m.calls, c)
	if c == m.failAt {
		return errDisk
	}
	return nil
}

func (m *memFiles) Create(dir, pattern string) (File, error) {
	if err := m.call("create"); err != nil {
		return nil, err
	}
	m.made++
	name := filepath.Join(dir, strings.Replace(pattern, "*", fmt.Sprint(m.made), 1))
	m.files[name] = nil
	return &memFile{m, name}, nil
}

func (m *memFiles) Open(path string) (io.ReadCloser, error) {
	if b, ok := m.files[path]; ok {
		return io.NopCloser(bytes.NewReader(b)), nil
	}
	return nil, fs.ErrNotExist
}

func (m *memFiles) Rename(from, to string) error {
	if err := m.call("rename"); err != nil {
		return err
	}
	m.files[to] = m.files[from]
	delete(m.files, from)
	return nil
}

func (m *memFiles) Remove(path string) error {
	m.calls = append(m.calls, "remove")
	delete(m.files, path)
	return nil
}

func (m *memFiles) SyncDir(dir string) error { return m.call("syncdir " + dir) }

type memFile struct {
	m    *memFiles
	name string
}

func (f *memFile) Write(p []byte) (int, error) {
	if f.m.full > 0 && len(f.m.files[f.name])+len(p) > f.m.full || f.m.failAt == "write" {
		return 0, errDisk
	}
	f.m.files[f.name] = append(f.m.files[f.name], p...)
	return len(p), nil
}

func (f *memFile) Name() string { return f.name }
func (f *memFile) Sync() error  { return f.m.call("sync") }
func (f *memFile) Close() error { return f.m.call("close") }

// A file appears whole or not at all, and is durable when Save returns.
func TestSave(t *testing.T) {
	m := &memFiles{files: map[string][]byte{}}
	s := newStore(t, &Options{Files: m})
	_ = s.DB(0).Set("k", "v1", 0)
	const path = "/data/dump.rdb"
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	if want := []string{"create", "sync", "close", "rename", "syncdir /data"}; !slices.Equal(m.calls, want) {
		t.Errorf("calls %q, want %q", m.calls, want)
	}
	good := m.files[path]
	_ = s.DB(0).Set("k", "v2", 0)
	for _, fail := range []string{"create", "write", "sync", "close", "rename"} {
		m.failAt, m.calls = fail, nil
		if err := s.Save(path); !errors.Is(err, errDisk) {
			t.Errorf("%s fails: Save = %v", fail, err)
		}
		if !bytes.Equal(m.files[path], good) || len(m.files) != 1 {
			t.Errorf("%s fails: files %q, want the good one alone", fail, slices.Collect(maps.Keys(m.files)))
		}
	}
	m.failAt, m.full = "", 50
	if err := s.Save(path); !errors.Is(err, errDisk) || !bytes.Equal(m.files[path], good) || len(m.files) != 1 {
		t.Errorf("disk full: Save = %v, files %q", err, slices.Collect(maps.Keys(m.files)))
	}
	m.full, m.failAt = 0, "syncdir /data"
	if err := s.Save(path); !errors.Is(err, errDisk) {
		t.Errorf("folder sync fails: Save = %v", err)
	}
	if n := s.Stats().Snapshots; n != 0 {
		t.Errorf("%d snapshots are left open", n)
	}
}

// What a file's history becomes depends on what the node will be.
func TestLoadHistories(t *testing.T) {
	m := &memFiles{files: map[string][]byte{}}
	p := newStore(t, &Options{Files: m})
	_ = p.DB(2).Set("k", "v", 0)
	if err := p.Save("with"); err != nil {
		t.Fatal(err)
	}
	p.Replication().Demote()
	p.Replication().SetWritable(true)
	_ = p.DB(2).Set("k2", "v", 0)
	if err := p.Save("tainted"); err != nil {
		t.Fatal(err)
	}
	was := p.Replication().History()

	s := newStore(t, &Options{Files: m})
	if err := s.Load("with"); err != nil {
		t.Fatal(err)
	}
	h := s.Replication().History()
	if h.ID == was.ID || h.Secondary != was.ID || h.Offset != was.Offset || h.SecondaryLimit != was.Offset || h.StreamDB != -1 {
		t.Errorf("Load: history %+v of a file of %+v", h, was)
	}
	if !s.backlog.Check(string(was.ID), was.Offset).OK || s.backlog.Check(string(was.ID), was.Offset+1).OK {
		t.Errorf("Load: replicas of the old history continue up to %d, no further", was.Offset)
	}
	r := newStore(t, &Options{Files: m})
	r.Replication().Demote()
	if err := r.Replication().LoadFile("with"); err != nil {
		t.Fatal(err)
	}
	if h := r.Replication().History(); h.ID != was.ID || h.Offset != was.Offset || h.StreamDB != 2 || h.Secondary != "" {
		t.Errorf("LoadFile: history %+v of a file of %+v", h, was)
	}
	if v, err := r.DB(2).Get("k"); v != "v" || err != nil || r.Replication().Fresh() {
		t.Errorf("LoadFile: k = %q, %v, fresh %v", v, err, r.Replication().Fresh())
	}
	checkWithoutHistory(t, m)
	if err := r.Load("with"); err != ErrReadOnly {
		t.Errorf("Load on a replica = %v, want ErrReadOnly", err)
	}
	if err := s.Load("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load of no file = %v", err)
	}
}

// The file of a tainted history states none: equal ID and offset would promise
// equal data.
func checkWithoutHistory(t *testing.T, m *memFiles) {
	t.Helper()
	s, r := newStore(t, &Options{Files: m}), newStore(t, &Options{Files: m})
	if err := errors.Join(s.Load("tainted"), r.Replication().LoadFile("tainted")); err != nil {
		t.Fatal(err)
	}
	if h := s.Replication().History(); h.ID == "" || h.Secondary != "" || h.Offset != 0 {
		t.Errorf("Load without a history: %+v", h)
	}
	if h := r.Replication().History(); h.ID != "" || h.Offset != 0 {
		t.Errorf("LoadFile without a history: %+v", h)
	}
	if _, err := backlog.ParseID(string(r.Replication().History().ID)); err == nil {
		t.Errorf("LoadFile without a history has an ID")
	}
	if !s.DB(2).Exists("k2") || !r.DB(2).Exists("k2") {
		t.Errorf("data of a file without a history is not there")
	}
}

// On the real file system too.
func TestSaveAndLoadOnDisk(t *testing.T) {
	s := sample(t)
	path := filepath.Join(t.TempDir(), "dump.rdb")
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	n := newStore(t, nil)
	if err := n.Load(path); err != nil || n.Digest() != s.Digest() {
		t.Errorf("Load = %v, equal digests %v", err, n.Digest() == s.Digest())
	}
	if all, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(all) != 1 {
		t.Errorf("files %q", all)
	}
}
