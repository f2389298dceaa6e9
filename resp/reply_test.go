package resp

import (
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadValue(t *testing.T) {
	long := strings.Repeat("long", 50_000)
	tests := []struct {
		in   string
		want Value
	}{
		{"+OK\r\n", OK()},
		{"+\r\n", SimpleString("")},
		{"-ERR no such key\r\n", Err("ERR no such key")},
		{":0\r\n", Integer(0)},
		{":+7\r\n", Integer(7)},
		{":-007\r\n", Integer(-7)},
		{":9223372036854775807\r\n", Integer(math.MaxInt64)},
		{":-9223372036854775808\r\n", Integer(math.MinInt64)},
		{"$0\r\n\r\n", BulkString("")},
		{"$5\r\na\r\n\x00b\r\n", BulkString("a\r\n\x00b")},
		{"$200000\r\n" + long + "\r\n", BulkString(long)},
		{"$-1\r\n", NullValue()},
		{"*-1\r\n", NullArray()},
		{"*0\r\n", ArrayOf()},
		{"*2\r\n:1\r\n*1\r\n+a\r\n", ArrayOf(Integer(1), ArrayOf(SimpleString("a")))},
		{"_\r\n", NullValue()},
		{",1.5\r\n", DoubleOf(1.5)},
		{",-3e10\r\n", DoubleOf(-3e10)},
		{",10\r\n", DoubleOf(10)},
		{",inf\r\n", DoubleOf(math.Inf(1))},
		{",-inf\r\n", DoubleOf(math.Inf(-1))},
		{"#t\r\n", BoolOf(true)},
		{"#f\r\n", BoolOf(false)},
		{"(-3492890328409238509324850943850943825024385\r\n", BigNumberOf("-3492890328409238509324850943850943825024385")},
		{"=8\r\ntxt:a\r\nb\r\n", VerbatimOf("txt", "a\r\nb")},
		{"!5\r\nERR x\r\n", BlobErr("ERR x")},
		{"%0\r\n", MapOf()},
		{"%1\r\n+a\r\n:1\r\n", MapOf(SimpleString("a"), Integer(1))},
		{"~1\r\n#t\r\n", SetOf(BoolOf(true))},
		{">2\r\n+message\r\n$1\r\nx\r\n", PushOf(SimpleString("message"), BulkString("x"))},
		{"|1\r\n+ttl\r\n:9\r\n", Value{Kind: Attribute, Elems: []Value{SimpleString("ttl"), Integer(9)}}},
		{"*2\r\n|1\r\n+a\r\n:1\r\n:2\r\n|0\r\n:3\r\n", ArrayOf(Integer(2), Integer(3))},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%.20q", tt.in), func(t *testing.T) {
			r := NewReader(strings.NewReader(tt.in+"next"), nil)
			got, err := r.ReadValue()
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("ReadValue() = %.100v, %v, want %.100v", got, err, tt.want)
			}
			if r.Consumed() != int64(len(tt.in)) || len(r.Raw()) != 0 {
				t.Errorf("Consumed() = %d of %d, Raw() = %q", r.Consumed(), len(tt.in), r.Raw())
			}
			checkValueTraces(t, []byte(tt.in+tt.in), Limits{})
		})
	}
}

func TestReadNaN(t *testing.T) {
	for _, in := range []string{",nan\r\n", ",-nan\r\n", ",NaN\r\n"} {
		v, err := NewReader(strings.NewReader(in), nil).ReadValue()
		if err != nil || v.Kind != Double || !math.IsNaN(v.Float) {
			t.Errorf("%q: got %v, %v", in, v, err)
		}
	}
}

func TestReadValueErrors(t *testing.T) {
	limits := Limits{MaxBulk: 100, MaxArgs: 10, MaxInline: 50, MaxDepth: 3}
	tests := []struct {
		in     string
		offset int64
		msg    string
		large  bool
	}{
		{"x\r\n", 0, "Protocol error: unknown type byte 'x'", false},
		{"\r\n", 0, "Protocol error: unknown type byte '\r'", false},
		{"\x00\r\n", 0, "Protocol error: unknown type byte '\x00'", false},
		{"\n", 0, msgCRLF, false},
		{"+OK\n", 3, msgCRLF, false},
		{"+O\rK\r\n", 3, msgCRLF, false},
		{"+" + strings.Repeat("a", 50), 0, msgLineSize, true},
		{":\r\n", 0, msgInteger, false},
		{":-\r\n", 0, msgInteger, false},
		{":+-1\r\n", 0, msgInteger, false},
		{":1x\r\n", 0, msgInteger, false},
		{":9223372036854775808\r\n", 0, msgInteger, false},
		{":-9223372036854775809\r\n", 0, msgInteger, false},
		{":18446744073709551616\r\n", 0, msgInteger, false},
		{"$-2\r\n", 0, msgBulkLength, false},
		{"$?\r\n", 0, msgBulkLength, false},
		{"$101\r\n", 0, msgBulkLength, true},
		{"$9223372036854775808\r\n", 0, msgBulkLength, false},
		{"$3\r\nabcd\r\n", 7, msgCRLF, false},
		{"$3\r\nabc\rx", 8, msgCRLF, false},
		{"=-1\r\n", 0, msgBulkLength, false},
		{"!-1\r\n", 0, msgBulkLength, false},
		{"*-2\r\n", 0, msgArrayLength, false},
		{"*?\r\n", 0, msgArrayLength, false},
		{"*11\r\n", 0, msgArrayLength, true},
		{"%6\r\n", 0, msgArrayLength, true},
		{"%-1\r\n", 0, msgArrayLength, false},
		{"%9223372036854775807\r\n", 0, msgArrayLength, true},
		{"~-1\r\n", 0, msgArrayLength, false},
		{"*1\r\n*1\r\n*1\r\n*1\r\n", 12, msgDepth, true},
		{"*2\r\n:1\r\n:x\r\n", 8, msgInteger, false},
		{"_x\r\n", 0, msgNull, false},
		{",\r\n", 0, msgDouble, false},
		{",-\r\n", 0, msgDouble, false},
		{",0x1p4\r\n", 0, msgDouble, false},
		{",1_0\r\n", 0, msgDouble, false},
		{",infinity\r\n", 0, msgDouble, false},
		{",1e999\r\n", 0, msgDouble, false},
		{"#\r\n", 0, msgBool, false},
		{"#true\r\n", 0, msgBool, false},
		{"(\r\n", 0, msgBigNum, false},
		{"(1.5\r\n", 0, msgBigNum, false},
		{"=3\r\ntxt\r\n", 0, msgVerbatim, false},
		{"=4\r\ntext\r\n", 0, msgVerbatim, false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%.30q", tt.in), func(t *testing.T) {
			const before = "+OK\r\n"
			r := NewReader(strings.NewReader(before+tt.in), &limits)
			if _, err := r.ReadValue(); err != nil {
				t.Fatal(err)
			}
			_, err := r.ReadValue()
			checkSyntaxError(t, err, tt.offset+int64(len(before)), tt.msg, tt.large)
			checkLost(t, r, err)
			checkValueTraces(t, []byte(before+tt.in), limits)
		})
	}
}

func TestReadValueAtLimits(t *testing.T) {
	l := Limits{MaxBulk: 100, MaxArgs: 10, MaxInline: 50, MaxDepth: 3}
	for _, in := range []string{
		"$100\r\n" + strings.Repeat("x", 100) + "\r\n",
		"*10\r\n" + strings.Repeat(":1\r\n", 10),
		"%5\r\n" + strings.Repeat(":1\r\n", 10),
		"+" + strings.Repeat("x", 48) + "\r\n",
		"*1\r\n*1\r\n*1\r\n:1\r\n",
	} {
		if _, err := NewReader(strings.NewReader(in), &l).ReadValue(); err != nil {
			t.Errorf("%.40q: %v", in, err)
		}
	}
}

func TestReadValueCut(t *testing.T) {
	const in = "*3\r\n$3\r\nabc\r\n%1\r\n+k\r\n:1\r\n,2\r\n"
	for n := range len(in) {
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		for _, src := range sources {
			if src.name == "time-outs" {
				continue
			}
			r := NewReader(src.cut(strings.NewReader(in[:n])), nil)
			if _, err := r.ReadValue(); err != want {
				t.Errorf("cut after %d bytes, %s: error %v, want %v", n, src.name, err, want)
			}
		}
	}
}

// A source error before a value can be retried; one inside has lost the frame.
func TestReadValueSourceError(t *testing.T) {
	broken := errors.New("broken")
	for _, n := range []int{0, 2, 4, 6} {
		const in = "*1\r\n+a\r\n"
		src := io.MultiReader(strings.NewReader(in[:n]), &failOnce{err: broken}, strings.NewReader(in[n:]))
		r := NewReader(src, nil)
		if _, err := r.ReadValue(); err != broken {
			t.Errorf("broken after %d: error %v", n, err)
		}
		if n >= 4 {
			checkLost(t, r, broken)
		} else if v, err := r.ReadValue(); err != nil || v.String() != "[a]" {
			t.Errorf("broken after %d: then %v, %v", n, v, err)
		}
	}
}

// Values own their strings: nothing that is read later changes them.
func TestValueOwnsStrings(t *testing.T) {
	in := "*2\r\n$3\r\nabc\r\n+def\r\n" + strings.Repeat("+xxxxxxx\r\n", 100)
	r := NewReader(iotest.OneByteReader(strings.NewReader(in)), &Limits{Buffer: 16})
	v, err := r.ReadValue()
	for err == nil {
		_, err = r.ReadValue()
	}
	if v.String() != `["abc" def]` {
		t.Errorf("value is now %v", v)
	}
}

func TestHostileValueHeaders(t *testing.T) {
	nested := strings.Repeat("*1000000\r\n", DefaultMaxDepth)
	for _, in := range []string{
		"*1000000\r\n",
		"%500000\r\n",
		"$536870912\r\n",
		"*1000000\r\n$536870912\r\nabc",
		nested,
		"|500000\r\n" + nested[:len("*1000000\r\n")],
	} {
		var err error
		got := allocated(func() { _, err = NewReader(strings.NewReader(in), nil).ReadValue() })
		if err != io.ErrUnexpectedEOF {
			t.Errorf("%q: error %v, want io.ErrUnexpectedEOF", in, err)
		}
		if got > 6*DefaultBuffer {
			t.Errorf("%q: allocated %d bytes", in, got)
		}
	}
}

func TestReadLine(t *testing.T) {
	const in = "\n+FULLRESYNC abc 1\r\n\r\nlast"
	for _, src := range sources {
		if src.name == "time-outs" {
			continue
		}
		r := NewReader(src.cut(strings.NewReader(in)), &Limits{Buffer: 4})
		for _, want := range []string{"", "+FULLRESYNC abc 1", ""} {
			if line, err := r.ReadLine(); err != nil || string(line) != want {
				t.Errorf("%s: ReadLine() = %q, %v, want %q", src.name, line, err, want)
			}
		}
		if _, err := r.ReadLine(); err != io.ErrUnexpectedEOF {
			t.Errorf("%s: error %v, want io.ErrUnexpectedEOF", src.name, err)
		}
	}
	r := NewReader(strings.NewReader(strings.Repeat("x", 11)), &Limits{MaxInline: 10})
	_, err := r.ReadLine()
	checkSyntaxError(t, err, 0, msgLineSize, true)
}

// A payload between lines and commands comes out whole, however it is read, and
// not one byte beyond what was asked for leaves the source once the buffer is
// empty.
func TestReadRaw(t *testing.T) {
	payload := strings.Repeat("payload", 3000)
	in := "$21000\r\n" + payload + command("PING")
	for _, src := range sources {
		if src.name == "time-outs" {
			continue
		}
		r := NewReader(src.cut(strings.NewReader(in)), &Limits{Buffer: 100})
		if _, err := r.ReadLine(); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(io.LimitReader(r, int64(len(payload))))
		if err != nil || string(got) != payload {
			t.Fatalf("%s: %d bytes, %v", src.name, len(got), err)
		}
		if args, err := r.ReadCommand(); err != nil || !equalArgs(args, []string{"PING"}) {
			t.Errorf("%s: %q, %v", src.name, args, err)
		}
		if n, err := io.ReadFull(r, make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("%s: read %d bytes, %v at the end", src.name, n, err)
		}
	}

	rest := strings.NewReader("abcdef")
	r := NewReader(rest, nil)
	if n, err := r.Read(make([]byte, 2)); n != 2 || err != nil || rest.Len() != 4 || r.Consumed() != 2 {
		t.Errorf("Read() = %d, %v; %d left, consumed %d", n, err, rest.Len(), r.Consumed())
	}
	if n, err := r.Read(nil); n != 0 || err != nil {
		t.Errorf("Read(nil) = %d, %v", n, err)
	}
}

func TestPeekDiscard(t *testing.T) {
	const in = "0123456789"
	for _, src := range sources {
		if src.name == "time-outs" {
			continue
		}
		r := NewReader(src.cut(strings.NewReader(in)), &Limits{Buffer: 2})
		if p, err := r.Peek(6); err != nil || string(p) != "012345" || r.Consumed() != 0 {
			t.Errorf("%s: Peek(6) = %q, %v, consumed %d", src.name, p, err, r.Consumed())
		}
		if n, err := r.Discard(7); n != 7 || err != nil || r.Consumed() != 7 {
			t.Errorf("%s: Discard(7) = %d, %v, consumed %d", src.name, n, err, r.Consumed())
		}
		if p, err := r.Peek(4); err != io.EOF || string(p) != "789" {
			t.Errorf("%s: Peek(4) = %q, %v", src.name, p, err)
		}
		if n, err := r.Discard(4); n != 3 || err != io.EOF {
			t.Errorf("%s: Discard(4) = %d, %v", src.name, n, err)
		}
	}
}
