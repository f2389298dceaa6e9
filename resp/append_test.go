package resp

import (
	"math"
	"strings"
	"testing"
)

func TestAppendValue(t *testing.T) {
	attr := Value{Kind: Attribute, Elems: []Value{SimpleString("k"), Integer(1)}}
	tests := []struct {
		v            Value
		resp2, resp3 string
	}{
		{Value{}, "$-1\r\n", "_\r\n"},
		{Value{Kind: 'x', Str: "unknown"}, "$-1\r\n", "_\r\n"},
		{NullValue(), "$-1\r\n", "_\r\n"},
		{NullArray(), "*-1\r\n", "_\r\n"},
		{OK(), "+OK\r\n", "+OK\r\n"},
		{SimpleString("a\r\nb"), "+a  b\r\n", "+a  b\r\n"},
		{Err("ERR a\nb"), "-ERR a b\r\n", "-ERR a b\r\n"},
		{BlobErr("ERR a\nb"), "-ERR a b\r\n", "!7\r\nERR a\nb\r\n"},
		{Integer(math.MinInt64), ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
		{BulkString(""), "$0\r\n\r\n", "$0\r\n\r\n"},
		{BulkString("a\r\nb"), "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n"},
		{DoubleOf(1.5), "$3\r\n1.5\r\n", ",1.5\r\n"},
		{DoubleText(0.1, "0.10000000000000001"), "$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n"},
		{PairsOf(Integer(1), Integer(2), Integer(3), Integer(4)), "*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n", "*2\r\n*2\r\n:1\r\n:2\r\n*2\r\n:3\r\n:4\r\n"},
		{PairsOf(), "*0\r\n", "*0\r\n"},
		{KeyedOf(Integer(1), Integer(2), Integer(3), Integer(4)), "*2\r\n*2\r\n:1\r\n:2\r\n*2\r\n:3\r\n:4\r\n", "%2\r\n:1\r\n:2\r\n:3\r\n:4\r\n"},
		{KeyedOf(), "*0\r\n", "%0\r\n"},
		{BoolOf(true), ":1\r\n", "#t\r\n"},
		{BoolOf(false), ":0\r\n", "#f\r\n"},
		{BigNumberOf("-12"), "$3\r\n-12\r\n", "(-12\r\n"},
		{VerbatimOf("mkd", "x"), "$1\r\nx\r\n", "=5\r\nmkd:x\r\n"},
		{ArrayOf(), "*0\r\n", "*0\r\n"},
		{ArrayOf(Integer(1), NullValue()), "*2\r\n:1\r\n$-1\r\n", "*2\r\n:1\r\n_\r\n"},
		{SetOf(Integer(1)), "*1\r\n:1\r\n", "~1\r\n:1\r\n"},
		{PushOf(Integer(1)), "*1\r\n:1\r\n", ">1\r\n:1\r\n"},
		{MapOf(OK(), Integer(1)), "*2\r\n+OK\r\n:1\r\n", "%1\r\n+OK\r\n:1\r\n"},
		{MapOf(OK()), "*2\r\n+OK\r\n$-1\r\n", "%1\r\n+OK\r\n_\r\n"},
		{attr, "", "|1\r\n+k\r\n:1\r\n"},
		{ArrayOf(attr, Integer(2)), "*1\r\n:2\r\n", "*1\r\n:2\r\n"},
	}
	for _, tt := range tests {
		if got := string(AppendValue([]byte("before"), tt.v, 2)); got != "before"+tt.resp2 {
			t.Errorf("%v: RESP2 %q, want %q", tt.v, got, tt.resp2)
		}
		if got := string(AppendValue(nil, tt.v, 3)); got != tt.resp3 {
			t.Errorf("%v: RESP3 %q, want %q", tt.v, got, tt.resp3)
		}
	}
}

func TestAppendHeaders(t *testing.T) {
	tests := []struct{ got, want string }{
		{string(AppendSimple(nil, "two\r\nlines")), "+two  lines\r\n"},
		{string(AppendArrayHeader(nil, 10)), "*10\r\n"},
		{string(AppendMapHeader(nil, 6, 2)), "*12\r\n"},
		{string(AppendMapHeader(nil, 6, 3)), "%6\r\n"},
		{string(AppendSetHeader(nil, 6, 2)), "*6\r\n"},
		{string(AppendSetHeader(nil, 6, 3)), "~6\r\n"},
		{string(AppendPushHeader(nil, 6, 2)), "*6\r\n"},
		{string(AppendPushHeader(nil, 6, 3)), ">6\r\n"},
		{string(AppendNullArray(nil, 2)), "*-1\r\n"},
		{string(AppendBulkBytes(nil, nil)), "$0\r\n\r\n"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestAppendDouble(t *testing.T) {
	tests := []struct {
		f    float64
		want string
	}{
		{0, "0"},
		{math.Copysign(0, -1), "-0"},
		{3, "3"},
		{0.1, "0.1"},
		{-2.5, "-2.5"},
		{1e6, "1000000"},
		{1e16, "10000000000000000"},
		{1e17, "1e+17"},
		{0.0001, "0.0001"},
		{0.00001, "1e-05"},
		{math.MaxFloat64, "1.7976931348623157e+308"},
		{-math.SmallestNonzeroFloat64, "-5e-324"},
		{math.Inf(1), "inf"},
		{math.Inf(-1), "-inf"},
		{math.NaN(), "nan"},
	}
	for _, tt := range tests {
		if got := string(AppendDouble(nil, tt.f, 3)); got != ","+tt.want+"\r\n" {
			t.Errorf("%v: got %q, want %q", tt.f, got, tt.want)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, n := range []int{0, 1, 9, 10, 11, 99, 100, 99_999, 100_000} {
		s := strings.Repeat("x", n)
		args := make([]string, n/100)
		for _, args := range [][]string{{}, {s}, {"SET", s, s}, args} {
			bytes := make([][]byte, len(args))
			for i, a := range args {
				bytes[i] = []byte(a)
			}
			want := len(AppendCommand(nil, args...))
			if got := CommandSize(args...); got != want {
				t.Errorf("CommandSize of %d arguments, %d bytes: %d, want %d", len(args), n, got, want)
			}
			if got := CommandSizeBytes(bytes...); got != want {
				t.Errorf("CommandSizeBytes of %d arguments, %d bytes: %d, want %d", len(args), n, got, want)
			}
			if got := string(AppendCommandBytes(nil, bytes...)); got != command(args...) {
				t.Errorf("AppendCommandBytes differs from AppendCommand for %d arguments, %d bytes", len(args), n)
			}
		}
		if got, want := BulkSize(n), len(AppendBulk(nil, s)); got != want {
			t.Errorf("BulkSize(%d) = %d, want %d", n, got, want)
		}
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	b := make([]byte, 0, 1024)
	key, value := []byte("key"), []byte("a value")
	reply := ArrayOf(OK(), Err("ERR a\r\nb"), Integer(1<<40), BulkString("x"), NullArray(), DoubleOf(math.Pi),
		BoolOf(true), BigNumberOf("1"), VerbatimOf("txt", "x"), BlobErr("ERR"), MapOf(OK(), OK()), SetOf(OK()))
	tests := map[string]func(){
		"AppendCommand":      func() { b = AppendCommand(b[:0], "SET", "key", "a value of some length") },
		"AppendCommandBytes": func() { b = AppendCommandBytes(b[:0], key, value) },
		"AppendInt":          func() { b = AppendInt(b[:0], math.MinInt64) },
		"AppendDouble":       func() { b = AppendDouble(b[:0], -math.Pi*1e-300, 2) },
		"AppendError":        func() { b = AppendError(b[:0], "ERR two\r\nlines") },
		"AppendValue 2":      func() { b = AppendValue(b[:0], reply, 2) },
		"AppendValue 3":      func() { b = AppendValue(b[:0], reply, 3) },
	}
	for name, f := range tests {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
