package store

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/understudy-go/understudy/store/backlog"
)

// FileSystem is where Save and Load work: the operating system, or in tests one
// that fails or forgets.
type FileSystem interface {
	// Create makes a new file in dir with a name of its own.
	Create(dir, pattern string) (File, error)
	Open(path string) (io.ReadCloser, error)
	Rename(from, to string) error
	Remove(path string) error
	// SyncDir makes a rename in dir durable.
	SyncDir(dir string) error
}

// File is a file being written.
type File interface {
	io.WriteCloser
	Name() string
	Sync() error
}

type osFiles struct{}

func (osFiles) Create(dir, pattern string) (File, error) { return os.CreateTemp(dir, pattern) }
func (osFiles) Open(path string) (io.ReadCloser, error)  { return os.Open(path) }
func (osFiles) Rename(from, to string) error             { return os.Rename(from, to) }
func (osFiles) Remove(path string) error                 { return os.Remove(path) }

func (osFiles) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Save writes the data as it is now to an RDB file, beside the writers. The file
// appears whole or not at all: it is written under another name in the same
// folder, synced, renamed, and the folder synced. The error is one of the files', or
// [ErrVacant].
func (s *Store) Save(path string) error {
	if s.vacant.Load() {
		return ErrVacant
	}
	sn := s.Snapshot()
	defer sn.Close()
	files, dir := s.opts.Files, filepath.Dir(path)
	f, err := files.Create(dir, filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	err = sn.WriteRDB(f, &WriteOptions{Compress: true})
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = files.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, files.Remove(f.Name()))
	}
	return files.SyncDir(dir)
}

// Load replaces the data by that of an RDB file. If the file states a history,
// a new one begins that has it as its secondary: replicas of the node that wrote
// the file continue partially, as after a restart of Redis 7.0. The error is
// that of opening the file, or of LoadRDB, or [ErrReadOnly] while the store
// follows a primary; then nothing has changed.
func (s *Store) Load(path string) error {
	if s.Replication().Following() {
		return ErrReadOnly
	}
	l, err := s.loadFile(path)
	if err != nil {
		return err
	}
	h := backlog.History{ID: backlog.NewID(), SecondaryLimit: -1, StreamDB: -1}
	if was, ok := l.History(); ok {
		h.Offset, h.Secondary, h.SecondaryLimit = was.Offset, was.ID, was.Offset
	}
	return l.Commit(h)
}

// LoadFile is Store.Load for a node that will follow a primary: the history of
// the file is kept as it is, to ask for a partial resync. Without one in the
// file, or when its stream goes on in a database that this store does not have,
// the data serves readers until the first full resync.
func (r Replication) LoadFile(path string) error {
	l, err := r.s.loadFile(path)
	if err != nil {
		return err
	}
	h, ok := l.History()
	if !ok || l.s.checkDB(h.StreamDB) != nil {
		h = backlog.History{SecondaryLimit: -1, StreamDB: -1}
	}
	return l.Commit(h)
}

const fileBuffer = 1 << 20

func (s *Store) loadFile(path string) (*Loader, error) {
	f, err := s.opts.Files.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	l := s.Replication().NewLoader()
	if err := l.LoadRDB(bufio.NewReaderSize(f, fileBuffer)); err != nil {
		return nil, err
	}
	return l, nil
}
