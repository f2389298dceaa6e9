package resp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadCommand(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	tests := []struct {
		in   string
		want []string
	}{
		{"*1\r\n$4\r\nPING\r\n", []string{"PING"}},
		{"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n", []string{"SET", "k", ""}},
		{"*2\r\n$4\r\nECHO\r\n$6\r\na\r\nb\x00\xff\r\n", []string{"ECHO", "a\r\nb\x00\xff"}},
		{"*1\r\n$11\r\n*1\r\n$1\r\nx\r\n\r\n", []string{"*1\r\n$1\r\nx\r\n"}},
		{"*1\r\n$100000\r\n" + long + "\r\n", []string{long}},
		{"*0\r\n", nil},
		{"*-1\r\n", nil},
		{"*-9223372036854775808\r\n", nil},
		{"\r\n", nil},
		{"\n", nil},
		{" \t \r\n", nil},
		{"PING\r\n", []string{"PING"}},
		{"PING\n", []string{"PING"}},
		{"set k  v\r\n", []string{"set", "k", "v"}},
		{"$3\r\n", []string{"$3"}}, // only '*' starts an array
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%.20q", tt.in), func(t *testing.T) {
			r := NewReader(strings.NewReader(tt.in), nil)
			args, err := r.ReadCommand()
			if err != nil {
				t.Fatalf("ReadCommand() error %v", err)
			}
			if !equalArgs(args, tt.want) {
				t.Errorf("ReadCommand() = %.100q, want %.100q", args, tt.want)
			}
			if r.LastSize() != len(tt.in) || r.Consumed() != int64(len(tt.in)) || string(r.Raw()) != tt.in {
				t.Errorf("LastSize %d, Consumed %d, Raw %.100q for %d bytes", r.LastSize(), r.Consumed(), r.Raw(), len(tt.in))
			}
			if _, err := r.ReadCommand(); err != io.EOF {
				t.Errorf("second ReadCommand() error %v, want io.EOF", err)
			}
			checkCommandTraces(t, []byte(tt.in+"\n"+tt.in), Limits{})
		})
	}
}

func equalArgs(got [][]byte, want []string) bool {
	return slices.EqualFunc(got, want, func(g []byte, w string) bool { return string(g) == w })
}

func TestReadCommandErrors(t *testing.T) {
	const (
		array = "Protocol error: invalid multibulk length"
		bulk  = "Protocol error: invalid bulk length"
	)
	digits := strings.Repeat("1", maxCountLine)
	limits := Limits{MaxBulk: 100, MaxArgs: 10, MaxInline: 50}
	tests := []struct {
		in     string
		offset int64
		msg    string
		large  bool
	}{
		{"*\r\n", 0, array, false},
		{"*a\r\n", 0, array, false},
		{"*1a\r\n", 0, array, false},
		{"*+1\r\n", 0, array, false},
		{"*01\r\n", 0, array, false},
		{"*00\r\n", 0, array, false},
		{"*-0\r\n", 0, array, false},
		{"*-\r\n", 0, array, false},
		{"* 1\r\n", 0, array, false},
		{"*1 \r\n", 0, array, false},
		{"*11\r\n", 0, array, true},
		{"*2147483648\r\n", 0, array, true},
		{"*9223372036854775807\r\n", 0, array, true},
		{"*9223372036854775808\r\n", 0, array, false},
		{"*18446744073709551617\r\n", 0, array, false},
		{"*-9223372036854775809\r\n", 0, array, false},
		{"*" + digits, 0, "Protocol error: too big mbulk count string", false},
		{"*" + digits + "\r\n", 0, "Protocol error: too big mbulk count string", false},
		{"*1\rx", 3, "Protocol error: expected CRLF", false},
		{"*1\n$4\r\nPING\r\n", 0, array, false},

		{"*1\r\nx", 4, "Protocol error: expected '$', got 'x'", false},
		{"*1\r\n:1\r\n", 4, "Protocol error: expected '$', got ':'", false},
		{"*1\r\n\r\n", 4, "Protocol error: expected '$', got '\r'", false},
		{"*1\r\n\xff", 4, "Protocol error: expected '$', got '\xff'", false},
		{"*2\r\n$1\r\na\r\n*", 11, "Protocol error: expected '$', got '*'", false},

		{"*1\r\n$\r\n", 4, bulk, false},
		{"*1\r\n$x\r\n", 4, bulk, false},
		{"*1\r\n$-1\r\n", 4, bulk, false},
		{"*1\r\n$-2\r\n", 4, bulk, false},
		{"*1\r\n$+1\r\n", 4, bulk, false},
		{"*1\r\n$03\r\n", 4, bulk, false},
		{"*1\r\n$101\r\n", 4, bulk, true},
		{"*1\r\n$536870913\r\n", 4, bulk, true},
		{"*1\r\n$9223372036854775807\r\n", 4, bulk, true},
		{"*1\r\n$9223372036854775808\r\n", 4, bulk, false},
		{"*1\r\n$-9223372036854775808\r\n", 4, bulk, false},
		{"*1\r\n$" + digits, 4, "Protocol error: too big bulk count string", false},
		{"*1\r\n$1\rx", 7, "Protocol error: expected CRLF", false},
		{"*1\r\n$1\r\nabc", 9, "Protocol error: expected CRLF", false},
		{"*1\r\n$1\r\na\rc", 10, "Protocol error: expected CRLF", false},
		{"*1\r\n$1\r\na\n\r", 9, "Protocol error: expected CRLF", false},

		{strings.Repeat("a", 51), 0, "Protocol error: too big inline request", true},
		{strings.Repeat("a", 51) + "\n", 0, "Protocol error: too big inline request", true},
		{"a b c d e f g h i j k\n", 0, "Protocol error: too big inline request", true},
		{"echo \"a\r\n", 0, "Protocol error: unbalanced quotes in request", false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%.30q", tt.in), func(t *testing.T) {
			const before = "\n*1\r\n$4\r\nPING\r\n"
			r := NewReader(strings.NewReader(before+tt.in), &limits)
			for range 2 {
				if _, err := r.ReadCommand(); err != nil {
					t.Fatalf("command before: %v", err)
				}
			}
			_, err := r.ReadCommand()
			checkSyntaxError(t, err, tt.offset+int64(len(before)), tt.msg, tt.large)
			if r.Consumed() != int64(len(before)) {
				t.Errorf("Consumed() = %d, want %d", r.Consumed(), len(before))
			}
			checkLost(t, r, err)
			checkCommandTraces(t, []byte(before+tt.in), limits)
		})
	}
}

func checkSyntaxError(t *testing.T, err error, offset int64, msg string, large bool) {
	t.Helper()
	var syntax *SyntaxError
	if !errors.As(err, &syntax) {
		t.Fatalf("error %v, want a *SyntaxError %q", err, msg)
	}
	if syntax.Offset != offset || syntax.Msg != msg || errors.Is(err, ErrTooLarge) != large {
		t.Errorf("error %+v, want offset %d, %q, too large %v", *syntax, offset, msg, large)
	}
}

// checkLost checks that every method returns err once the frame is lost.
func checkLost(t *testing.T, r *Reader, err error) {
	t.Helper()
	_, command := r.ReadCommand()
	_, _, try := r.TryCommand()
	_, value := r.ReadValue()
	_, line := r.ReadLine()
	_, read := r.Read(make([]byte, 1))
	_, peek := r.Peek(1)
	_, discard := r.Discard(1)
	for i, got := range []error{command, try, value, line, read, peek, discard} {
		if got != err {
			t.Errorf("method %d after the error: %v, want %v", i, got, err)
		}
	}
}

// Limits are inclusive: what is just as long as the limit passes.
func TestReadCommandAtLimits(t *testing.T) {
	l := Limits{MaxBulk: 100, MaxArgs: 10, MaxInline: 50}
	for _, in := range []string{
		command(strings.Repeat("x", 100)),
		command(strings.Split("abcdefghij", "")...),
		strings.Repeat("a", 50) + "\n",
		strings.Repeat("a", 49) + "\r\n",
		"a b c d e f g h i j\n",
	} {
		r := NewReader(strings.NewReader(in), &l)
		if _, err := r.ReadCommand(); err != nil {
			t.Errorf("%.40q: %v", in, err)
		}
	}
}

// Cut anywhere, a command is io.ErrUnexpectedEOF, and io.EOF only at its ends.
func TestReadCommandCut(t *testing.T) {
	for _, in := range []string{command("SET", "key", strings.Repeat("v", 30)), "set key 'v'\r\n"} {
		for n := range len(in) {
			want := io.ErrUnexpectedEOF
			if n == 0 {
				want = io.EOF
			}
			r := NewReader(strings.NewReader(in[:n]), nil)
			if _, err := r.ReadCommand(); err != want {
				t.Errorf("cut after %d bytes: error %v, want %v", n, err, want)
			}
			if r.Consumed() != 0 || r.Buffered() != n {
				t.Errorf("cut after %d bytes: consumed %d, buffered %d", n, r.Consumed(), r.Buffered())
			}
		}
	}
}

// An error of the source is passed on as it is, after the commands before it, and
// the same call goes on afterwards.
func TestReadCommandSourceError(t *testing.T) {
	broken := errors.New("broken")
	in := command("PING") + command("SET", "k", "v")
	for n := range len(in) {
		src := io.MultiReader(strings.NewReader(in[:n]), &failOnce{err: broken}, strings.NewReader(in[n:]))
		r := NewReader(iotest.DataErrReader(src), nil)
		var got []string
		failed := 0
		for len(got) < 2 {
			args, err := r.ReadCommand()
			if err == broken {
				failed++
				continue
			}
			if err != nil {
				t.Fatalf("broken after %d: %v", n, err)
			}
			got = append(got, fmt.Sprintf("%s", args))
		}
		if failed != 1 || got[0] != "[PING]" || got[1] != "[SET k v]" {
			t.Errorf("broken after %d: %d errors, commands %v", n, failed, got)
		}
	}
}

// failOnce returns err, then the end.
type failOnce struct{ err error }

func (f *failOnce) Read([]byte) (int, error) {
	err := f.err
	if f.err = io.EOF; err == nil {
		err = io.EOF
	}
	return 0, err
}

// TryCommand must not touch the source, and must leave the slices of its batch.
func TestTryCommandBatch(t *testing.T) {
	const n = 50
	var in []byte
	for i := range n {
		in = AppendCommand(in, "SET", fmt.Sprint("key", i), fmt.Sprint("value", i))
	}
	whole := len(in)
	in = append(in, command("GET", "cut")[:15]...)

	src := &counting{src: bytes.NewReader(in)}
	r := NewReader(src, nil)
	first, err := r.ReadCommand()
	if err != nil {
		t.Fatal(err)
	}
	batch := [][][]byte{first}
	for {
		args, ok, err := r.TryCommand()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		batch = append(batch, args)
	}
	if src.reads != 1 {
		t.Errorf("%d reads of the source, want 1", src.reads)
	}
	if len(batch) != n {
		t.Fatalf("%d commands in the batch, want %d", len(batch), n)
	}
	for i, args := range batch {
		if want := []string{"SET", fmt.Sprint("key", i), fmt.Sprint("value", i)}; !equalArgs(args, want) {
			t.Errorf("command %d is %q, want %q", i, args, want)
		}
	}
	if !bytes.Equal(r.Raw(), in[:whole]) {
		t.Errorf("Raw() is not the batch")
	}
	if r.Buffered() != 15 {
		t.Errorf("Buffered() = %d, want 15", r.Buffered())
	}
}

// counting counts the reads of a source.
type counting struct {
	src   io.Reader
	reads int
}

func (c *counting) Read(p []byte) (int, error) {
	c.reads++
	return c.src.Read(p)
}

// Appending to what was returned must not reach into the buffer or the batch.
func TestArgsAreCapped(t *testing.T) {
	const n = 9 // the headers of some of them lie side by side
	r := NewReader(strings.NewReader(strings.Repeat(command("A", "b"), n)), nil)
	args, err := r.ReadCommand()
	batch := [][][]byte{args}
	for ok := err == nil; ok; {
		if args, ok, err = r.TryCommand(); ok {
			batch = append(batch, args)
		}
	}
	if err != nil || len(batch) != n {
		t.Fatalf("%d commands, %v", len(batch), err)
	}
	for _, args := range batch {
		_ = append(args, []byte("overwritten"))
		_ = append(args[0], "overwritten"...)
	}
	_ = append(r.Raw(), "overwritten"...)
	for i, args := range batch {
		if !equalArgs(args, []string{"A", "b"}) {
			t.Errorf("command %d is now %q", i, args)
		}
	}
}

func TestConsumed(t *testing.T) {
	in := command("PING") + "\n" + "line\r\n" + "rawraw" + ":1\r\n" + command("PING") + "*x\r\n"
	for _, src := range sources {
		if src.name == "time-outs" {
			continue
		}
		r := NewReader(src.cut(strings.NewReader(in)), &Limits{Buffer: 8})
		step := func(want int64, err error) {
			t.Helper()
			if err != nil || r.Consumed() != want {
				t.Fatalf("%s: consumed %d, error %v, want %d", src.name, r.Consumed(), err, want)
			}
		}
		_, err := r.ReadCommand()
		step(14, err)
		r.ResetConsumed()
		_, err = r.ReadCommand()
		step(1, err)
		_, err = r.ReadLine()
		step(7, err)
		_, err = io.ReadFull(r, make([]byte, 6))
		step(13, err)
		_, err = r.ReadValue()
		step(17, err)
		_, err = r.ReadCommand()
		step(31, err)
		_, err = r.ReadCommand()
		checkSyntaxError(t, err, 31, "Protocol error: invalid multibulk length", false)
	}
}

// A claim costs nothing until its bytes arrive.
func TestHostileCommandHeaders(t *testing.T) {
	for _, in := range []string{
		"*1000000\r\n",
		"*1048576\r\n$536870912\r\n",
		"*1\r\n$536870912\r\n",
		"*1\r\n$536870912\r\nfew bytes",
		"*1048576\r\n$0\r\n\r\n$0\r\n\r\n",
	} {
		src := strings.NewReader(in)
		var err error
		got := allocated(func() { _, err = NewReader(src, nil).ReadCommand() })
		if err != io.ErrUnexpectedEOF {
			t.Errorf("%q: error %v, want io.ErrUnexpectedEOF", in, err)
		}
		if got > 3*DefaultBuffer {
			t.Errorf("%q: allocated %d bytes", in, got)
		}
	}
}

// The buffer follows the bytes that have arrived, by no more than a factor.
func TestBufferGrowth(t *testing.T) {
	const arrived = 3 << 20
	in := "*1\r\n$536870912\r\n" + strings.Repeat("x", arrived)
	r := NewReader(strings.NewReader(in), nil)
	if _, err := r.ReadCommand(); err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	if len(r.buf) > 2*len(in) {
		t.Errorf("buffer of %d bytes for %d that arrived", len(r.buf), len(in))
	}
}

// When nearly all of a large command is there, the buffer grows to it, not beyond.
func TestBufferGrowsToFit(t *testing.T) {
	in := command(strings.Repeat("x", 5<<20))
	r := NewReader(strings.NewReader(in), nil)
	if _, err := r.ReadCommand(); err != nil {
		t.Fatal(err)
	}
	if len(r.buf) > len(in)+len(in)/4 {
		t.Errorf("buffer of %d bytes for a command of %d", len(r.buf), len(in))
	}
}

func TestBufferShrinks(t *testing.T) {
	small, medium := command("PING"), command(strings.Repeat("m", 100_000))
	huge := command(strings.Repeat("h", 3<<20))
	many := command(make([]string, 100_000)...)
	tests := []struct {
		name  string
		large string
		after int // calls until the buffer is small again
	}{
		{"huge", huge, 1},
		{"many arguments", many, 2},
		{"medium", medium, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frames := []io.Reader{strings.NewReader(tt.large), strings.NewReader(tt.large)}
			for range tt.after {
				frames = append(frames, strings.NewReader(small))
			}
			r := NewReader(io.MultiReader(frames...), nil)
			for i := range frames {
				if _, err := r.ReadCommand(); err != nil {
					t.Fatal(err)
				}
				if i < 2 && len(r.buf) < len(tt.large) {
					t.Fatalf("buffer of %d bytes holds a command of %d", len(r.buf), len(tt.large))
				}
			}
			if len(r.buf) != DefaultBuffer {
				t.Errorf("buffer is %d bytes long, want %d", len(r.buf), DefaultBuffer)
			}
			for i, a := range r.args[:cap(r.args)] {
				if cap(a) > DefaultBuffer {
					t.Fatalf("argument header %d keeps the large buffer", i)
				}
			}
			if cap(r.args) > maxIdleArgs {
				t.Errorf("%d argument headers kept", cap(r.args))
			}
		})
	}
}

// A medium buffer stays while it is needed.
func TestBufferStays(t *testing.T) {
	r := NewReader(&loop{data: AppendCommand(nil, strings.Repeat("m", 100_000))}, nil)
	read := func() {
		if _, err := r.ReadCommand(); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		read()
	}
	if n := testing.AllocsPerRun(100, read); n != 0 {
		t.Errorf("%v allocations a command", n)
	}
}

// What was parsed of a command must not be parsed again for each read: here each
// read destroys it, and nobody notices. The buffer is large enough not to move.
func TestReadCommandIsIncremental(t *testing.T) {
	args := make([]string, 200)
	for i := range args {
		args[i] = fmt.Sprint("argument ", i)
	}
	inline := strings.Join(args[:10], " ")
	for _, in := range []string{command(args...), inline + "\r\n"} {
		src := &destroyer{src: iotest.OneByteReader(strings.NewReader(in))}
		r := NewReader(src, nil)
		src.r = r
		if _, err := r.ReadCommand(); err != nil {
			t.Errorf("parsed again: %v", err)
		}
		if src.destroyed == 0 || r.LastSize() != len(in) {
			t.Errorf("%d bytes destroyed, LastSize() = %d, want %d", src.destroyed, r.LastSize(), len(in))
		}
	}
}

// destroyer puts line ends, wrong anywhere, over the bytes that r has parsed of an
// incomplete command.
type destroyer struct {
	src       io.Reader
	r         *Reader
	destroyed int
}

func (d *destroyer) Read(p []byte) (int, error) {
	parsed := d.r.buf[d.r.start:d.r.scan]
	for i := range parsed {
		parsed[i] = '\n'
	}
	d.destroyed = max(d.destroyed, len(parsed))
	return d.src.Read(p)
}

// A bulk's body is waited for, not looked at for each read.
func TestReadCommandWaitsForBody(t *testing.T) {
	r := NewReader(strings.NewReader("*1\r\n$1000\r\nabc"), nil)
	if _, err := r.ReadCommand(); err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	if want := len("*1\r\n$1000\r\n") + 1001; r.want != want {
		t.Errorf("waits for %d bytes, want %d", r.want, want)
	}
}

// A batch may end inside a command; ReadCommand goes on there, also when the
// buffer is moved in between, and so does every other method.
func TestProgressAcrossCalls(t *testing.T) {
	in := command("PING") + command("MSET", "a", "1", "b", "2")
	for cut := len(command("PING")); cut < len(in); cut++ {
		for _, size := range []int{1, 40, DefaultBuffer} {
			src := io.MultiReader(strings.NewReader(in[:cut]), strings.NewReader(in[cut:]))
			r := NewReader(src, &Limits{Buffer: size})
			if _, err := r.ReadCommand(); err != nil {
				t.Fatal(err)
			}
			if _, ok, err := r.TryCommand(); ok || err != nil {
				t.Fatalf("cut at %d: TryCommand() ok %v, error %v", cut, ok, err)
			}
			args, err := r.ReadCommand()
			if err != nil || !equalArgs(args, []string{"MSET", "a", "1", "b", "2"}) {
				t.Errorf("cut at %d, buffer %d: %q, %v", cut, size, args, err)
			}
		}
	}

	r := NewReader(io.MultiReader(strings.NewReader("*2\r\n$1\r\na\r\n$1\r\n"), strings.NewReader("b\r\n")), nil)
	if _, err := r.Peek(1); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := r.TryCommand(); ok || err != nil {
		t.Fatal(ok, err)
	}
	for _, want := range []string{"*2", "$1", "a", "$1", "b"} {
		if line, err := r.ReadLine(); err != nil || string(line) != want {
			t.Errorf("ReadLine() = %q, %v, want %q", line, err, want)
		}
	}
}

func TestReadCommandDoesNotAllocate(t *testing.T) {
	data := []byte(command("SET", "key", "value") + command("MSET", "a", "1", "b", strings.Repeat("x", 200)) + "ping\r\n\n")
	r := NewReader(&loop{data: data}, nil)
	batch := func() {
		if _, err := r.ReadCommand(); err != nil {
			t.Fatal(err)
		}
		for ok := true; ok; {
			var err error
			if _, ok, err = r.TryCommand(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 10 {
		batch()
	}
	if n := testing.AllocsPerRun(100, batch); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
}

func TestNoProgress(t *testing.T) {
	r := NewReader(iotest.ErrReader(nil), nil)
	if _, err := r.ReadCommand(); err != io.ErrNoProgress {
		t.Errorf("error %v, want io.ErrNoProgress", err)
	}
	r = NewReader(liar{}, nil)
	if _, err := r.ReadCommand(); err != errBadRead {
		t.Errorf("error %v, want errBadRead", err)
	}
	if _, err := r.Read(make([]byte, 3)); err != errBadRead {
		t.Errorf("error %v, want errBadRead", err)
	}
}

// liar claims more bytes than there was room for.
type liar struct{}

func (liar) Read(p []byte) (int, error) { return len(p) + 1, nil }
