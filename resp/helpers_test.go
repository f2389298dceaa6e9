package resp

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// sources are ways to cut the same bytes into reads. Nothing that a Reader
// returns may depend on them.
var sources = []struct {
	name string
	cut  func(io.Reader) io.Reader
}{
	{"whole", func(r io.Reader) io.Reader { return r }},
	{"one byte", iotest.OneByteReader},
	{"half", iotest.HalfReader},
	{"data with error", iotest.DataErrReader},
	{"one byte, last with error", func(r io.Reader) io.Reader { return iotest.DataErrReader(iotest.OneByteReader(r)) }},
	{"empty reads", func(r io.Reader) io.Reader { return &stutter{r: iotest.HalfReader(r)} }},
	{"time-outs", func(r io.Reader) io.Reader { return iotest.TimeoutReader(iotest.OneByteReader(r)) }},
}

// stutter returns nothing on every other read.
type stutter struct {
	r     io.Reader
	empty bool
}

func (s *stutter) Read(p []byte) (int, error) {
	if s.empty = !s.empty; s.empty {
		return 0, nil
	}
	return s.r.Read(p)
}

// buffers are initial buffer sizes that put its edges in many places.
var buffers = []int{1, 2, 13, 64, DefaultBuffer}

// commandTrace reads commands to the end and tells everything that it saw, after
// checking what must hold for each of them. With batch it uses TryCommand too.
func commandTrace(t testing.TB, r *Reader, in []byte, batch bool) string {
	t.Helper()
	var trace strings.Builder
	for {
		args, err := r.ReadCommand()
		if err == iotest.ErrTimeout {
			continue
		}
		begin := r.Consumed() - int64(r.LastSize())
		type seen struct {
			args [][]byte
			text string
		}
		var all []seen
		for ok := err == nil; ok; {
			text := fmt.Sprintf("%q", args)
			all = append(all, seen{args, text})
			fmt.Fprintf(&trace, "%s size %d consumed %d\n", text, r.LastSize(), r.Consumed())
			if !batch {
				break
			}
			args, ok, err = r.TryCommand()
		}
		for _, s := range all {
			if got := fmt.Sprintf("%q", s.args); got != s.text {
				t.Fatalf("arguments changed within a batch: %s, were %s", got, s.text)
			}
		}
		if len(all) > 0 {
			if want := in[begin:r.Consumed()]; !bytes.Equal(r.Raw(), want) {
				t.Fatalf("Raw() = %q, want %q", r.Raw(), want)
			}
		}
		if err != nil {
			fmt.Fprintf(&trace, "%v, consumed %d\n", err, r.Consumed())
			return trace.String()
		}
	}
}

// checkCommandTraces reads in in every way and checks that the trace is the same.
func checkCommandTraces(t testing.TB, in []byte, l Limits) {
	t.Helper()
	want := commandTrace(t, NewReader(bytes.NewReader(in), &l), in, false)
	for _, src := range sources {
		for _, size := range buffers {
			for _, batch := range []bool{false, true} {
				l.Buffer = size
				r := NewReader(src.cut(bytes.NewReader(in)), &l)
				if got := commandTrace(t, r, in, batch); got != want {
					t.Fatalf("input %q, %s, buffer %d, batch %v: got\n%swant\n%s", in, src.name, size, batch, got, want)
				}
			}
		}
	}
}

// valueTrace does the same for values. A time-out inside a value is final, so it
// is not among what may differ.
func valueTrace(r *Reader) string {
	var trace strings.Builder
	for {
		v, err := r.ReadValue()
		if err != nil {
			fmt.Fprintf(&trace, "%v, consumed %d\n", err, r.Consumed())
			return trace.String()
		}
		fmt.Fprintf(&trace, "%s %#v consumed %d\n", v.Kind, v, r.Consumed())
	}
}

func checkValueTraces(t testing.TB, in []byte, l Limits) {
	t.Helper()
	want := valueTrace(NewReader(bytes.NewReader(in), &l))
	for _, src := range sources {
		if src.name == "time-outs" {
			continue
		}
		for _, size := range buffers {
			l.Buffer = size
			if got := valueTrace(NewReader(src.cut(bytes.NewReader(in)), &l)); got != want {
				t.Fatalf("input %q, %s, buffer %d: got\n%swant\n%s", in, src.name, size, got, want)
			}
		}
	}
}

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// loop is a source that repeats data for ever.
type loop struct {
	data []byte
	at   int
}

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, l.data[l.at:])
	l.at = (l.at + n) % len(l.data)
	return n, nil
}

// command returns the wire form of a command.
func command(args ...string) string { return string(AppendCommand(nil, args...)) }
