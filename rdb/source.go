package rdb

import (
	"io"
	"slices"
)

const (
	// bufferSize is what Decoder and Encoder hold between themselves and the reader or writer.
	bufferSize = 64 << 10

	// maxEmptyReads is how often a reader may return nothing and no error before it counts as broken.
	maxEmptyReads = 100
)

// A source is the buffered input of a Decoder: it counts what was consumed, and sums it up.
//
// The buffer holds three segments, and 0 <= summed <= pos <= end <= len(buf):
//
//	buf[:summed]     consumed, and in the checksum
//	buf[summed:pos]  consumed, not yet in the checksum
//	buf[pos:end]     read from r, not consumed
//
// Summing is put off until the buffer moves, so that it runs over long stretches instead of over single fields.
type source struct {
	r                io.Reader
	buf              []byte
	summed, pos, end int
	base             int64  // file offset of buf[0]
	kept             []byte // while capturing: what was consumed of the bytes before buf[from]
	from             int
	keepMost         int    // of bytes to be captured; 0: nothing is
	sum              uint64 // checksum of the file up to base+summed
	err              error  // what r failed with, other than the end of its data; sticky
}

// offset returns the number of bytes consumed.
func (s *source) offset() int64 { return s.base + int64(s.pos) }

// fill makes sure that n <= len(buf) bytes wait in the buffer. It invalidates every slice of the buffer, and returns
// io.ErrUnexpectedEOF if r ends before.
func (s *source) fill(n int) error {
	if s.end-s.pos >= n {
		return nil
	}
	if s.err != nil {
		return s.err
	}
	if len(s.buf)-s.pos < n || s.pos == s.end {
		s.compact()
	}
	// One read may be enough, and a connection may have no more to give for now: r is asked again only as long as
	// bytes are missing.
	for empty := 0; s.end-s.pos < n; {
		got, err := s.r.Read(s.buf[s.end:])
		s.end += got
		switch {
		case got > 0:
			empty = 0
		case err == nil:
			if empty++; empty == maxEmptyReads {
				err = io.ErrNoProgress
			}
		}
		if err != nil && s.end-s.pos < n {
			return s.fail(err)
		}
	}
	return nil
}

// fail keeps an error of r, so that the Decoder can tell it from an error in the data. The end of r's data is the latter:
// whoever calls fill knows that there must be more.
func (s *source) fail(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	s.err = err
	return err
}

// compact moves what waits to the front of the buffer.
func (s *source) compact() {
	s.settle()
	if s.keepMost > 0 {
		s.kept = append(s.kept, s.buf[s.from:s.pos]...)
		s.from = 0
	}
	copy(s.buf, s.buf[s.pos:s.end])
	s.base += int64(s.pos)
	s.end -= s.pos
	s.pos, s.summed = 0, 0
}

// settle brings the checksum up to what was consumed, and returns it.
func (s *source) settle() uint64 {
	s.sum = crcUpdate(s.sum, s.buf[s.summed:s.pos])
	s.summed = s.pos
	return s.sum
}

// byte consumes one byte.
func (s *source) byte() (byte, error) {
	if s.pos == s.end {
		if err := s.fill(1); err != nil {
			return 0, err
		}
	}
	b := s.buf[s.pos]
	s.pos++
	return b, nil
}

// take consumes n <= len(buf) bytes and returns them; valid until the next call of any method.
func (s *source) take(n int) ([]byte, error) {
	if s.end-s.pos < n {
		if err := s.fill(n); err != nil {
			return nil, err
		}
	}
	p := s.buf[s.pos : s.pos+n : s.pos+n]
	s.pos += n
	return p, nil
}

// appendTo consumes n bytes and appends them to dst. Memory grows as bytes arrive: a length that was merely claimed
// costs at most as much again as what has come, plus one buffer.
func (s *source) appendTo(dst []byte, n int) ([]byte, error) {
	for n > 0 {
		if err := s.fill(1); err != nil {
			return dst, err
		}
		chunk := min(n, s.end-s.pos)
		if cap(dst)-len(dst) < chunk {
			dst = slices.Grow(dst, min(n, max(len(dst), bufferSize)))
		}
		dst = append(dst, s.buf[s.pos:s.pos+chunk]...)
		s.pos += chunk
		n -= chunk
	}
	return dst, nil
}

// capture appends the bytes that will be consumed to dst, until captured is called. Then skip fails where they would become
// more than most in all.
func (s *source) capture(dst []byte, most int) { s.kept, s.from, s.keepMost = dst, s.pos, most }

// captured ends capture, and returns what that began with and all that was consumed since.
func (s *source) captured() []byte {
	b := append(s.kept, s.buf[s.from:s.pos]...)
	s.kept, s.keepMost = nil, 0
	return b
}

// skip consumes n bytes.
func (s *source) skip(n uint64) error {
	if s.keepMost > 0 {
		have := len(s.kept) + s.pos - s.from
		if have > s.keepMost || n > uint64(s.keepMost-have) {
			return &TooLargeError{Size: n + uint64(have), Limit: s.keepMost}
		}
	}
	for n > 0 {
		if err := s.fill(1); err != nil {
			return err
		}
		chunk := min(n, uint64(s.end-s.pos))
		s.pos += int(chunk)
		n -= chunk
	}
	return nil
}
