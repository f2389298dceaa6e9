package resp

import (
	"errors"
	"io"
)

// A buffer that has grown beyond this many bytes is given up before the next
// read, a smaller one only when the commands since the last read did not need it:
// an idle connection holds little, a run of large commands does not reallocate.
const maxIdleBuffer = 1 << 20

// maxIdleArgs is the same for the argument headers (24 bytes each).
const maxIdleArgs = 16 << 10

// maxEmptyReads is how often a source may return neither bytes nor an error.
const maxEmptyReads = 100

// errBadRead is returned for a source that claims more bytes than it was given
// room for.
var errBadRead = errors.New("resp: source returned an impossible count")

// A Reader reads commands, values, lines and raw bytes from one source, in any
// order. It reads ahead: from the first call on, the source belongs to it.
//
// An error of the source does not spoil the commands: what has arrived of an
// incomplete one is kept, and the next call goes on from there, so a time-out can
// be retried. A value that is cut inside is lost; see [Reader.ReadValue].
type Reader struct {
	src io.Reader
	lim Limits // complete

	// The buffer in segments:
	//
	//	buf[:raw]         free
	//	buf[raw:start]    consumed, but its slices are still valid
	//	buf[start:scan]   parsed part of the incomplete command at start
	//	buf[scan:end]     unread
	//	buf[end:]         free
	//
	// Invariant: 0 <= raw <= start <= scan <= end <= len(buf)
	//
	// Bytes move only in relocate, which only methods that may read call, and
	// only after expire: that is what keeps the slices of a batch valid.
	buf                   []byte
	raw, start, scan, end int

	// Progress inside the command at start. args holds the headers of the whole
	// batch, one command after the other; those of the current command start at
	// first. An append that moves args leaves the headers handed out intact.
	args  [][]byte
	first int
	left  int // arguments still to come; 0 when not inside an array
	want  int // parsing is pointless before this many bytes after start are there; >= 1

	size int // wire bytes of the last command
	peak int // size of the largest command since the last relocate

	base int64 // the offset of buf[0], so that Consumed is base+start
	held error // came from src together with bytes; returned when those are used up
	lost error // the frame is lost; returned by every method from then on
}

// NewReader returns a Reader on src. l may be nil, and is copied.
func NewReader(src io.Reader, l *Limits) *Reader {
	return &Reader{src: src, lim: l.withDefaults(), want: 1}
}

// SetLimits replaces the limits, for what comes after the command, value or line
// returned last: a peer that has shown who it is may be allowed more. Of a command
// that has arrived in part, what was looked at already is not looked at again. l
// may be nil, and is copied.
func (r *Reader) SetLimits(l *Limits) { r.lim = l.withDefaults() }

// Consumed returns the number of bytes consumed since NewReader or the last
// ResetConsumed: those of everything returned, not what is only buffered.
func (r *Reader) Consumed() int64 { return r.base + int64(r.start) }

// ResetConsumed makes the next unread byte number 0, for Consumed and for the
// offsets of errors.
func (r *Reader) ResetConsumed() { r.base = -int64(r.start) }

// Buffered returns the number of bytes that were read ahead and not consumed.
func (r *Reader) Buffered() int { return r.end - r.start }

// Raw returns the exact wire bytes of the commands that the last ReadCommand and
// the TryCommands after it returned, in one piece: what a replica forwards. It is
// valid as long as their arguments, and empty after any other read.
func (r *Reader) Raw() []byte { return r.buf[r.raw:r.start:r.start] }

// LastSize returns the number of wire bytes of the last command returned.
func (r *Reader) LastSize() int { return r.size }

// ReadLine returns the next line without its LF or CRLF, up to MaxInline bytes
// long. The slice is valid until the next read. At the end of the source the
// error is io.EOF before a line, io.ErrUnexpectedEOF in one.
func (r *Reader) ReadLine() ([]byte, error) {
	r.expire()
	if r.lost != nil {
		return nil, r.lost
	}
	line, err := r.line()
	if err != nil {
		return nil, r.frameError(err)
	}
	return trimCR(line), nil
}

// Read reads raw bytes: first what is buffered, then straight from the source. It
// never reads more from the source than fits into p.
func (r *Reader) Read(p []byte) (int, error) {
	r.expire()
	if r.lost != nil {
		return 0, r.lost
	}
	if n := copy(p, r.buf[r.start:r.end]); n > 0 || len(p) == 0 {
		r.advance(n)
		return n, nil
	}
	if r.held != nil {
		return 0, r.takeHeld()
	}
	n, err := r.src.Read(p)
	if n < 0 || n > len(p) {
		return 0, errBadRead
	}
	r.base += int64(n)
	return n, err
}

// Peek returns the next n bytes without consuming them, reading until they are
// there. With fewer it returns those and the error. The slice is valid until the
// next read. The buffer grows to hold n bytes, beyond all limits: n is the
// caller's, never a number from the wire.
func (r *Reader) Peek(n int) ([]byte, error) {
	r.expire()
	n = max(n, 0)
	for r.Buffered() < n && r.lost == nil {
		if err := r.fill(n); err != nil {
			return r.buf[r.start:r.end:r.end], err
		}
	}
	if r.lost != nil {
		return nil, r.lost
	}
	return r.buf[r.start : r.start+n : r.start+n], nil
}

// Discard consumes n bytes, reading as needed, and returns how many it did.
func (r *Reader) Discard(n int64) (int64, error) {
	r.expire()
	left := n
	for left > 0 {
		if r.lost != nil {
			return n - left, r.lost
		}
		if r.Buffered() == 0 {
			if err := r.fill(1); err != nil {
				return n - left, err
			}
		}
		step := int(min(left, int64(r.Buffered())))
		r.advance(step)
		left -= int64(step)
	}
	return n, nil
}

// line consumes and returns the bytes up to and without the next LF.
func (r *Reader) line() ([]byte, error) {
	seen := 0 // bytes after start that hold no LF; they are not searched again
	for {
		n, found := findLF(r.buf[r.start:r.end], seen, r.lim.MaxInline)
		if found {
			line := r.buf[r.start : r.start+n : r.start+n]
			r.advance(n + 1)
			return line, nil
		}
		if n > r.lim.MaxInline {
			return nil, r.tooLarge(r.start, msgLineSize)
		}
		seen = n
		if err := r.fill(n + 1); err != nil {
			return nil, err
		}
	}
}

// expire ends the lifetime of all slices handed out. An incomplete command at the
// end of a batch will be moved by the next fill, hence parsed again; want stays,
// so not before that.
func (r *Reader) expire() {
	mangle(r.buf[r.raw:r.start])
	r.raw = r.start
	if r.first > 0 {
		r.first = 0
		r.restart()
	}
}

// advance consumes n unread bytes that are not a command.
func (r *Reader) advance(n int) {
	r.start += n
	r.raw = r.start
	r.restart()
	r.want = 1
}

// restart drops the progress inside the command at start: it is parsed again,
// though not before want bytes are unread.
func (r *Reader) restart() {
	r.scan, r.left = r.start, 0
	r.args = r.args[:r.first]
}

// fill reads at least one byte more. want is how many unread bytes the caller
// needs in all, and steers growth only. REQUIRES: expire was called.
func (r *Reader) fill(want int) error {
	if r.held != nil {
		return r.takeHeld()
	}
	r.makeRoom(want)
	for range maxEmptyReads {
		n, err := r.src.Read(r.buf[r.end:])
		if n < 0 || n > len(r.buf)-r.end {
			return errBadRead
		}
		r.end += n
		if n > 0 {
			r.held = err
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

func (r *Reader) takeHeld() error {
	err := r.held
	r.held = nil
	return err
}

// makeRoom makes free space after end. Because consumed bytes go first, an
// incomplete command is moved once to the front and from then on only when the
// buffer grows.
func (r *Reader) makeRoom(want int) {
	if r.start > 0 {
		size := len(r.buf)
		if r.oversized(want) {
			size = r.lim.Buffer
		}
		r.relocate(size)
		r.peak = 0
	}
	if r.end == len(r.buf) {
		r.relocate(r.grown(want))
	}
}

// oversized reports whether the buffer should shrink now.
func (r *Reader) oversized(want int) bool {
	return len(r.buf) > r.lim.Buffer &&
		max(want, r.Buffered()) <= r.lim.Buffer/2 &&
		(len(r.buf) > maxIdleBuffer || r.peak <= r.lim.Buffer)
}

// grown returns the next size of a full buffer. At most twice the bytes that have
// arrived, whatever the wire claims; at least a quarter more, so that the copying
// stays linear; and in between just what is wanted.
func (r *Reader) grown(want int) int {
	size := len(r.buf)
	if size == 0 {
		return r.lim.Buffer
	}
	return min(max(want, size+size/4), 2*size)
}

// relocate moves the unread bytes to the front of a buffer of the given size,
// which holds them. The arguments parsed so far would point to the old place, so
// they are parsed again: as sizes grow by a factor, this too is linear in sum.
func (r *Reader) relocate(size int) {
	unread := r.buf[r.start:r.end]
	if size == len(r.buf) {
		copy(r.buf, unread)
	} else {
		r.buf = append(make([]byte, 0, size), unread...)[:size]
		r.releaseArgs()
	}
	r.base += int64(r.start)
	r.raw, r.start, r.end = 0, 0, len(unread)
	r.restart()
}

// releaseArgs lets go of the old buffer: a forgotten header of an argument would
// keep all of it alive.
func (r *Reader) releaseArgs() {
	if cap(r.args) > maxIdleArgs {
		r.args = nil
		return
	}
	clear(r.args[:cap(r.args)])
}

// frameError returns err as the reader of a frame reports it: an end of the
// source with part of the frame unread is unexpected.
func (r *Reader) frameError(err error) error {
	if err == io.EOF && r.Buffered() > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// syntaxError loses the frame at buf[i].
func (r *Reader) syntaxError(i int, msg string) error {
	return r.syntaxErrorAt(r.base+int64(i), msg)
}

// tooLarge loses the frame because of a limit.
func (r *Reader) tooLarge(i int, msg string) error {
	return r.tooLargeAt(r.base+int64(i), msg)
}

// syntaxErrorAt and tooLargeAt take an offset instead of an index, for what has
// been consumed already.
func (r *Reader) syntaxErrorAt(at int64, msg string) error {
	return r.lose(&SyntaxError{Offset: at, Msg: msg})
}

func (r *Reader) tooLargeAt(at int64, msg string) error {
	return r.lose(&SyntaxError{Offset: at, Msg: msg, Err: ErrTooLarge})
}

func (r *Reader) lose(err error) error {
	r.lost = err
	return err
}
