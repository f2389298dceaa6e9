package resp

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestWriter(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	w.Command("GET", "k")
	w.CommandBytes([]byte("DEL"), []byte("k"))
	w.Value(NullValue(), 3)
	if n, err := w.Write([]byte("raw")); n != 3 || err != nil {
		t.Errorf("Write() = %d, %v", n, err)
	}
	want := command("GET", "k") + command("DEL", "k") + "_\r\n" + "raw"
	if w.Buffered() != len(want) || out.Len() != 0 {
		t.Errorf("%d bytes buffered, %d written before Flush", w.Buffered(), out.Len())
	}
	if err := w.Flush(); err != nil || out.String() != want || w.Written() != int64(len(want)) || w.Buffered() != 0 {
		t.Errorf("Flush() error %v, wrote %q (%d), want %q", err, out.String(), w.Written(), want)
	}
}

// A Writer does not collect without end, nor keep a large buffer for ever.
func TestWriterFlushesItself(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	for range 100_000 {
		w.Command("SET", "key", "value")
		if w.Buffered() >= flushAt {
			t.Fatalf("%d bytes buffered", w.Buffered())
		}
	}
	w.Command(strings.Repeat("x", 2*maxIdleBuffer))
	if cap(w.buf) > maxIdleBuffer {
		t.Errorf("a buffer of %d bytes is kept", cap(w.buf))
	}
	if err := w.Flush(); err != nil || w.Written() != int64(out.Len()) {
		t.Errorf("Flush() error %v, Written() = %d of %d", err, w.Written(), out.Len())
	}
}

func TestWriterErrorSticks(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		dst  *limitedWriter
		want error
	}{
		{&limitedWriter{room: 5, err: broken}, broken},
		{&limitedWriter{room: 5}, io.ErrShortWrite},
	} {
		w := NewWriter(tt.dst)
		w.Command("PING")
		if err := w.Flush(); err != tt.want {
			t.Errorf("Flush() error %v, want %v", err, tt.want)
		}
		w.Command("PING")
		if n, err := w.Write([]byte("x")); n != 0 || err != tt.want {
			t.Errorf("Write() = %d, %v, want %v", n, err, tt.want)
		}
		if err := w.Flush(); err != tt.want || w.Err() != tt.want {
			t.Errorf("Flush() error %v, Err() %v, want %v", err, w.Err(), tt.want)
		}
		if tt.dst.calls != 1 || w.Written() != 5 || w.Buffered() != 0 {
			t.Errorf("%d writes, Written() = %d, Buffered() = %d", tt.dst.calls, w.Written(), w.Buffered())
		}
	}
}

// limitedWriter takes room bytes of each write, and returns err.
type limitedWriter struct {
	room  int
	err   error
	calls int
}

func (l *limitedWriter) Write(p []byte) (int, error) {
	l.calls++
	return min(l.room, len(p)), l.err
}
