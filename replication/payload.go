package replication

import (
	"bytes"
	"errors"
	"io"
)

// This file is pure: the frame around the RDB file that a full resync carries.
//
//	$<length>CRLF <length bytes>                     nothing follows the last byte but the stream
//	$EOF:<40 bytes>CRLF <bytes> <the same 40 bytes>  the length is known when the mark has come by
//
// The reader of either form ends exactly where the file ends. With the second form it cannot help reading on: mark and stream may arrive in one
// segment, and the mark may arrive in forty. What it read too much it gives back through rest.

const (
	markPrefix  = "EOF:"
	markLen     = 40
	payloadSize = 64 << 10 // bytes of the payload reader's buffer
)

// payloadHeader is the line before the payload.
type payloadHeader struct {
	size int64  // -1 when a mark ends the payload
	mark []byte // nil when size is known
}

// parsePayloadHeader reads the line, without CRLF. It copies what it keeps.
func parsePayloadHeader(line []byte) (payloadHeader, error) {
	bad := &ProtocolError{During: "payload header", Got: clip(line)}
	if len(line) > 0 && line[0] == '-' {
		return payloadHeader{}, &RefusedError{Command: cmdPSYNC, Reply: clip(line[1:])}
	}
	if len(line) < 2 || line[0] != '$' {
		return payloadHeader{}, bad
	}
	if rest, ok := bytes.CutPrefix(line[1:], []byte(markPrefix)); ok {
		if len(rest) != markLen {
			return payloadHeader{}, bad
		}
		return payloadHeader{size: -1, mark: bytes.Clone(rest)}, nil
	}
	n, ok := parseOffset(line[1:])
	if !ok || n < 0 {
		return payloadHeader{}, bad
	}
	return payloadHeader{size: n}, nil
}

// payload reads one payload from src and returns io.EOF at its end. An end of src before that is io.ErrUnexpectedEOF.
//
// In the form with a mark every byte that may still turn out to belong to the mark is held back: at most markLen-1 of them.
type payload struct {
	src  io.Reader
	head payloadHeader
	read int64 // bytes handed out; owned by the reader

	// Of the form with a mark only.
	buf   []byte // buf[r:w] is read and not handed out
	r, w  int
	clean int // buf[r:clean] holds no byte of the mark. Invariant: r <= clean <= w
	found bool
	err   error // of src; sticky
}

func newPayload(src io.Reader, h payloadHeader) *payload {
	p := &payload{src: src, head: h}
	if h.mark != nil {
		p.buf = make([]byte, payloadSize)
	}
	return p
}

// Read implements io.Reader.
func (p *payload) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if p.head.mark == nil {
		return p.readSized(b)
	}
	return p.readMarked(b)
}

func (p *payload) readSized(b []byte) (int, error) {
	left := p.head.size - p.read
	if left == 0 {
		return 0, io.EOF
	}
	n, err := p.src.Read(b[:min(left, int64(len(b)))])
	p.read += int64(n)
	if p.read == p.head.size {
		return n, nil // an error that came along with the last byte concerns what follows the payload, and will come again
	}
	return n, noEOF(err)
}

func (p *payload) readMarked(b []byte) (int, error) {
	for p.clean == p.r {
		if p.found {
			return 0, io.EOF
		}
		if p.err != nil {
			return 0, p.err
		}
		p.fill()
	}
	n := copy(b, p.buf[p.r:p.clean])
	p.r += n
	p.read += int64(n)
	return n, nil
}

// fill reads once from src and moves clean as far as the mark allows.
func (p *payload) fill() {
	if p.r > 0 {
		p.w = copy(p.buf, p.buf[p.r:p.w])
		p.clean -= p.r
		p.r = 0
	}
	n, err := p.src.Read(p.buf[p.w:])
	p.w += n
	p.err = noEOF(err)
	if i := bytes.Index(p.buf[p.clean:p.w], p.head.mark); i >= 0 {
		p.clean += i
		p.found = true
		return
	}
	// The tail may be the beginning of a mark: keep one byte less than a whole one.
	p.clean = max(p.clean, p.w-(markLen-1))
}

// rest returns what was read beyond the mark: the first bytes of the stream. It is valid for ever, and empty for a payload of known length. REQUIRES
// that Read has returned io.EOF.
func (p *payload) rest() []byte {
	if !p.found {
		return nil
	}
	return p.buf[p.clean+markLen : p.w]
}

// drain checks that the file ended where the payload ends. A decoder stops after the file's checksum; a byte after that, unless the decoder swallowed
// it with its own buffer, belongs to nothing. The first such byte decides: a peer could send more of them for ever.
func (p *payload) drain() error {
	var b [1]byte
	switch _, err := io.ReadFull(p, b[:]); err {
	case nil:
		return errTrailing
	case io.EOF:
		return nil
	default:
		return err
	}
}

var errTrailing = errors.New("bytes after the end of the file")

// noEOF turns the end of the connection inside a frame into what it is.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
