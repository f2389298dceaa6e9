package resp

import "io"

// flushAt is the size at which a Writer empties its buffer by itself, in bytes.
const flushAt = 32 << 10

// A Writer collects commands and values and writes them in large pieces.
//
// Its error is sticky: after a failed write nothing more is written, and Flush
// and Err return that error. So a sequence of calls needs one check, at the end.
type Writer struct {
	dst     io.Writer
	buf     []byte
	written int64 // bytes that dst took
	err     error
}

// NewWriter returns a Writer on dst.
func NewWriter(dst io.Writer) *Writer { return &Writer{dst: dst} }

// Command adds a command.
func (w *Writer) Command(args ...string) { w.took(AppendCommand(w.buf, args...)) }

// CommandBytes adds a command. args are copied.
func (w *Writer) CommandBytes(args ...[]byte) { w.took(AppendCommandBytes(w.buf, args...)) }

// Value adds a value in version proto, 2 or 3.
func (w *Writer) Value(v Value, proto int) { w.took(AppendValue(w.buf, v, proto)) }

// Write adds raw bytes, which are copied. It implements io.Writer; bytes that it
// accepted may still fail to be written later.
func (w *Writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	w.took(append(w.buf, p...))
	return len(p), w.err
}

// Flush writes what is buffered, and returns the first error of all writes.
func (w *Writer) Flush() error {
	if w.err != nil || len(w.buf) == 0 {
		return w.err
	}
	n, err := w.dst.Write(w.buf)
	w.written += int64(n)
	if err == nil && n < len(w.buf) {
		err = io.ErrShortWrite
	}
	w.err = err
	w.reset()
	return err
}

// Err returns the first error of all writes.
func (w *Writer) Err() error { return w.err }

// Buffered returns the number of bytes that wait for Flush.
func (w *Writer) Buffered() int { return len(w.buf) }

// Written returns the number of bytes that the destination has taken.
func (w *Writer) Written() int64 { return w.written }

// took makes buf the buffer, unless an error has ended the writing.
func (w *Writer) took(buf []byte) {
	if w.err != nil {
		return
	}
	w.buf = buf
	if len(buf) >= flushAt {
		_ = w.Flush() // the error stays in w.err
	}
}

// reset empties the buffer, and gives up one that a large value made large.
func (w *Writer) reset() {
	w.buf = w.buf[:0]
	if cap(w.buf) > maxIdleBuffer {
		w.buf = nil
	}
}
