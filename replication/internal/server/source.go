package server

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// source is the read side of a client's connection. It counts bytes, and it can notice that a client has left while a command of that client waits.
type source struct {
	conn  net.Conn
	bytes *atomic.Int64

	// budget is what may still be read before a command must be complete, in bytes. It bounds the memory of a client whose command never ends.
	budget int64

	// What a watch has read, for the next Read. The two never run at the same time.
	ahead []byte
	err   error
}

// minAhead is the room for one read ahead, in bytes: most blocked clients send nothing, and there may be many.
const minAhead = 512

// maxAhead is how much of what a blocked client sends is read before it is executed, in bytes.
const maxAhead = 16 << 10

// Read reads from the connection, first what a watch has taken from it.
func (s *source) Read(p []byte) (int, error) {
	if len(s.ahead) > 0 {
		n := copy(p, s.ahead)
		s.ahead = s.ahead[n:]
		return n, nil
	}
	if s.err != nil {
		err := s.err
		s.err = nil
		return 0, err
	}
	if s.budget <= 0 {
		return 0, errQueryLimit
	}
	n, err := s.conn.Read(p)
	s.bytes.Add(int64(n))
	s.budget -= int64(n)
	return n, err
}

// errQueryLimit ends a client whose command outgrew client-query-buffer-limit.
var errQueryLimit = errors.New("server: command beyond the client's query limit")

// watch reads ahead until stop is called, and calls gone when the connection ends before that: only a read notices. Between watch and the return of stop
// nobody else may read. A client that sends more than maxAhead while it waits is no longer watched.
func (s *source) watch(gone func()) (stop func()) {
	done := make(chan struct{})
	s.conn.SetReadDeadline(time.Time{})
	go func() {
		defer close(done)
		if err := s.readAhead(); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			s.err = err
			gone()
		}
	}()
	return func() {
		s.conn.SetReadDeadline(time.Unix(1, 0)) // wakes the read
		<-done
		s.conn.SetReadDeadline(time.Time{})
	}
}

func (s *source) readAhead() error {
	for len(s.ahead) < maxAhead && s.err == nil {
		have := len(s.ahead)
		s.ahead = slices.Grow(s.ahead, min(minAhead, maxAhead-have))
		n, err := s.conn.Read(s.ahead[have:min(cap(s.ahead), maxAhead)])
		s.ahead = s.ahead[:have+n]
		s.bytes.Add(int64(n))
		if err != nil {
			return err
		}
	}
	return nil
}

// isFarewell reports whether err is one of the ways in which clients leave.
func isFarewell(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, os.ErrDeadlineExceeded)
}

func lower(s string) string { return strings.ToLower(s) }

func upper(s string) string { return strings.ToUpper(s) }

// equalFold compares without allocating. name is lower case.
func equalFold(b []byte, name string) bool {
	return len(b) == len(name) && strings.EqualFold(string(b), name)
}
