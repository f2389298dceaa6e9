package resp

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"
)

// fuzzLimits are small, so that inputs reach them.
var fuzzLimits = Limits{MaxBulk: 200, MaxArgs: 20, MaxInline: 60, MaxDepth: 4}

var commandSeeds = []string{
	"*1\r\n$4\r\nPING\r\n", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n", "*0\r\n*-1\r\n\n\r\nPING\r\n",
	"set \"a\\x41 b\" 'c\\''\r\n", "a\"b", "*1\r\n$-1\r\n", "*99\r\n", "*1\r\n$201\r\n", "*1\r\nx", "*1\rx",
	"*1\r\n$1\r\nab", "*1\r\n$18446744073709551615\r\n", "*-9223372036854775808\r\n", "$1\r\na\r\n",
	strings.Repeat("x", 61), "*" + strings.Repeat("0", 40), "*1\r\n$" + strings.Repeat("0", 40),
}

// FuzzReadCommand: any input is read the same way however it is cut, without a
// panic, and the bytes consumed are those returned (which commandTrace checks).
func FuzzReadCommand(f *testing.F) {
	for _, s := range commandSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 1<<10 {
			return // many readings of each input
		}
		checkCommandTraces(t, in, fuzzLimits)
	})
}

// FuzzReadValue: the same for replies; and what was read survives the way out in
// RESP3 and back.
func FuzzReadValue(f *testing.F) {
	for _, s := range []string{
		"+OK\r\n", "-ERR x\r\n", ":-1\r\n", "$3\r\nabc\r\n", "$-1\r\n", "*-1\r\n", "_\r\n", ",1e5\r\n", ",-inf\r\n", ",nan\r\n",
		"#t\r\n", "(12\r\n", "=5\r\ntxt:x\r\n", "!3\r\nERR\r\n", "*2\r\n%1\r\n+a\r\n~0\r\n>1\r\n_\r\n",
		"|1\r\n+a\r\n:1\r\n*1\r\n|1\r\n+a\r\n:1\r\n:2\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", "*21\r\n", "$?\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 1<<10 {
			return
		}
		checkValueTraces(t, in, fuzzLimits)
		checkValueRoundTrip(t, in)
	})
}

func checkValueRoundTrip(t *testing.T, in []byte) {
	r := NewReader(bytes.NewReader(in), &fuzzLimits)
	for {
		v, err := r.ReadValue()
		if err != nil {
			return
		}
		wire := AppendValue(nil, v, 3)
		again, err := NewReader(bytes.NewReader(wire), &fuzzLimits).ReadValue()
		if err != nil {
			t.Fatalf("%v written as %q: %v", v, wire, err)
		}
		if want := asResp3(v); v.String() != again.String() || !hasNaN(v) && !reflect.DeepEqual(again, want) {
			t.Fatalf("%#v written as %q came back as %#v", want, wire, again)
		}
		two := AppendValue(nil, v, 2)
		r2 := NewReader(bytes.NewReader(two), &Limits{MaxInline: 300})
		if _, err := r2.ReadValue(); err != nil && v.Kind != Attribute {
			t.Fatalf("%v written in RESP2 as %q: %v", v, two, err)
		}
		if r2.Consumed() != int64(len(two)) {
			t.Fatalf("%v written in RESP2 as %q is more than one value", v, two)
		}
	}
}

// asResp3 returns v as RESP3 can tell it: there is but one null.
func asResp3(v Value) Value {
	if v.Kind == Null {
		v.Int = 0
	}
	elems := v.Elems
	v.Elems = nil
	for _, e := range elems {
		v.Elems = append(v.Elems, asResp3(e))
	}
	return v
}

// hasNaN tells values that are not equal to themselves.
func hasNaN(v Value) bool {
	if v.Float != v.Float {
		return true
	}
	for _, e := range v.Elems {
		if hasNaN(e) {
			return true
		}
	}
	return false
}

// FuzzCommandRoundTrip: what AppendCommand writes, ReadCommand reads, and nothing
// is left over. The arguments are the pieces of in between separators.
func FuzzCommandRoundTrip(f *testing.F) {
	f.Add("SET|k|v", byte('|'))
	f.Add("\r\n|*1\r\n$1\r\nx\r\n||", byte('|'))
	f.Add(strings.Repeat("x", 300), byte('|'))
	f.Fuzz(func(t *testing.T, in string, sep byte) {
		args := strings.Split(in, string([]byte{sep}))
		wire := AppendCommand(nil, args...)
		if len(wire) != CommandSize(args...) {
			t.Fatalf("CommandSize() = %d, wrote %d bytes", CommandSize(args...), len(wire))
		}
		for _, src := range sources[:4] {
			r := NewReader(src.cut(bytes.NewReader(wire)), &Limits{Buffer: 16})
			got, err := r.ReadCommand()
			if err != nil || !equalArgs(got, args) || !bytes.Equal(r.Raw(), wire) {
				t.Fatalf("%s: wrote %q, read %q, %v", src.name, args, got, err)
			}
			if _, err := r.ReadCommand(); err != io.EOF {
				t.Fatalf("%s: %v after the command, want io.EOF", src.name, err)
			}
		}
	})
}
