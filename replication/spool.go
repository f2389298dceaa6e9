package replication

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
)

// spoolMemory is the size in bytes up to which a payload waits in memory; beyond it a temporary file takes over.
const spoolMemory = 1 << 20

// spoolPlace is where spools are. The zero value is the system's folder for temporary files.
type spoolPlace struct {
	dir    string                    // "" = os.TempDir
	memory int                       // bytes kept in memory; 0 = spoolMemory
	create func() (spoolFile, error) // nil = a file in dir
}

// spool keeps what is written to it until it is complete. Its file has no name any more where the system allows that, so that nothing is left behind whatever
// happens to the process. One goroutine writes it; once it is complete any number may read.
//
// Errors are *SpoolError.
type spool struct {
	place spoolPlace
	mem   bytes.Buffer
	file  spoolFile // nil while everything is in mem
	name  string    // of a file that could not be unlinked while open
	size  int64
}

// spoolFile is what a spool needs of an *os.File.
type spoolFile interface {
	io.Writer
	io.ReaderAt
	io.Closer
	Name() string
}

func newSpool(at spoolPlace) *spool {
	at.memory = cmp.Or(at.memory, spoolMemory)
	if dir := at.dir; at.create == nil {
		at.create = func() (spoolFile, error) { return os.CreateTemp(dir, "understudy-*.rdb") }
	}
	return &spool{place: at}
}

func (s *spool) failed(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &SpoolError{Size: s.size, Err: err}
}

func (s *spool) Write(b []byte) (int, error) {
	if s.file == nil && s.mem.Len()+len(b) > s.place.memory {
		if err := s.spill(); err != nil {
			return 0, s.failed(err)
		}
	}
	w := io.Writer(&s.mem)
	if s.file != nil {
		w = s.file
	}
	n, err := w.Write(b)
	s.size += int64(n)
	return n, s.failed(err)
}

// spill moves what is in memory to a new file.
func (s *spool) spill() error {
	f, err := s.place.create()
	if err != nil {
		return err
	}
	s.file = f
	if os.Remove(f.Name()) != nil {
		s.name = f.Name()
	}
	_, err = f.Write(s.mem.Bytes())
	s.mem = bytes.Buffer{} // a megabyte that nobody needs while the file is read
	return err
}

// reader returns a reader of everything from the start. Nothing may be written any more.
func (s *spool) reader() io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.mem.Bytes())
	}
	return &spoolReader{s, io.NewSectionReader(s.file, 0, s.size)}
}

type spoolReader struct {
	s *spool
	r io.Reader
}

func (r *spoolReader) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	if err == io.EOF {
		return n, err
	}
	return n, r.s.failed(err)
}

// close removes the file. Nobody may read any more.
func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if s.name != "" {
		err = errors.Join(err, os.Remove(s.name))
	}
	return err
}
