package resp

import (
	"math"
	"testing"
)

func TestValueString(t *testing.T) {
	attr := Value{Kind: Attribute, Elems: []Value{SimpleString("k"), Integer(1)}}
	tests := []struct {
		v    Value
		want string
	}{
		{Value{}, "(nil)"},
		{NullValue(), "(nil)"},
		{NullArray(), "(nil)"},
		{OK(), "OK"},
		{Err("ERR x"), "-ERR x"},
		{BlobErr("ERR y"), "-ERR y"},
		{Integer(-3), "-3"},
		{BulkString("a\n"), `"a\n"`},
		{VerbatimOf("txt", "v"), `"v"`},
		{DoubleOf(2.5), "2.5"},
		{BoolOf(true), "true"},
		{BigNumberOf("12"), "12"},
		{ArrayOf(Integer(1), ArrayOf()), "[1 []]"},
		{SetOf(Integer(1)), "~[1]"},
		{PushOf(Integer(1)), ">[1]"},
		{MapOf(OK(), Integer(1)), "{OK 1}"},
		{attr, "|{k 1}"},
	}
	for _, tt := range tests {
		if got := tt.v.String(); got != tt.want {
			t.Errorf("%#v: String() = %s, want %s", tt.v, got, tt.want)
		}
	}
}

func TestValueAccessors(t *testing.T) {
	if err := OK().AsError(); err != nil {
		t.Errorf("OK is the error %v", err)
	}
	for _, v := range []Value{Err("WRONGTYPE bad"), BlobErr("WRONGTYPE bad")} {
		err, ok := v.AsError().(*ServerError)
		if !ok || err.Error() != "WRONGTYPE bad" || err.Prefix() != "WRONGTYPE" {
			t.Errorf("%v: AsError() = %v", v, err)
		}
	}
	if !NullArray().IsNull() || !(Value{}).IsNull() || Integer(0).IsNull() {
		t.Errorf("IsNull is wrong")
	}
	short := Value{Kind: Verbatim, Str: "tx"} // not one that ReadValue returns
	if VerbatimOf("txt", "abc").Text() != "abc" || BulkString("abc").Text() != "abc" || short.Text() != "" {
		t.Errorf("Text is wrong")
	}
}

func TestKindString(t *testing.T) {
	names := map[string]Kind{}
	for _, k := range []Kind{Simple, Error, Int, Bulk, Array, Null, Double, Bool, BigNumber, Verbatim, BlobError, Map, Set, Push, Attribute, 0} {
		if other, dup := names[k.String()]; dup || k.String() == "" {
			t.Errorf("kinds %q and %q are both %q", k, other, k.String())
		}
		names[k.String()] = k
	}
}

func TestLimitsDefaults(t *testing.T) {
	want := Limits{DefaultMaxBulk, DefaultMaxArgs, DefaultMaxInline, DefaultMaxDepth, DefaultBuffer}
	for _, l := range []*Limits{nil, {}, {MaxBulk: -1, MaxArgs: -1, MaxInline: -1, MaxDepth: -1, Buffer: -1}} {
		if got := l.withDefaults(); got != want {
			t.Errorf("%+v: got %+v, want %+v", l, got, want)
		}
	}
	l := Limits{MaxBulk: math.MaxInt}
	if got := l.withDefaults().MaxBulk; got != math.MaxInt/2 || l.MaxBulk != math.MaxInt {
		t.Errorf("MaxBulk is %d, the caller's %d", got, l.MaxBulk)
	}
}
