package replication

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// spoolMemory is the size in bytes up to which a payload waits in memory; beyond it a temporary file takes over.
const spoolMemory = 1 << 20

// spool keeps what is written to it until the length is known. The zero value is empty and ready. Its file has no name any more where the system allows that, so
// that nothing is left behind whatever happens to the process.
type spool struct {
	mem  bytes.Buffer
	file *os.File // nil while everything is in mem
	name string   // of a file that could not be unlinked while open
	size int64
}

func (s *spool) Write(b []byte) (int, error) {
	if s.file == nil && s.mem.Len()+len(b) > spoolMemory {
		if err := s.spill(); err != nil {
			return 0, err
		}
	}
	s.size += int64(len(b))
	if s.file != nil {
		return s.file.Write(b)
	}
	return s.mem.Write(b)
}

// spill moves what is in memory to a new file.
func (s *spool) spill() error {
	f, err := os.CreateTemp("", "understudy-*.rdb")
	if err != nil {
		return err
	}
	s.file = f
	if os.Remove(f.Name()) != nil {
		s.name = f.Name()
	}
	_, err = s.mem.WriteTo(f)
	return err
}

// rewind returns a reader of everything from the start. Nothing may be written after it.
func (s *spool) rewind() (io.Reader, int64, error) {
	if s.file == nil {
		return &s.mem, s.size, nil
	}
	_, err := s.file.Seek(0, io.SeekStart)
	return s.file, s.size, err
}

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
