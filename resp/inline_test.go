package resp

import (
	"strings"
	"testing"
)

func TestInline(t *testing.T) {
	tests := []struct {
		line string
		want []string // nil: unbalanced quotes
	}{
		{``, []string{}},
		{`   `, []string{}},
		{`a`, []string{"a"}},
		{` a  b	c `, []string{"a", "b", "c"}},
		{`""`, []string{""}},
		{`''`, []string{""}},
		{`"" ''`, []string{"", ""}},
		{`"a b"`, []string{"a b"}},
		{`'a b'`, []string{"a b"}},
		{`a"b c"`, []string{"ab c"}},
		{`a'b c' d`, []string{"ab c", "d"}},
		{`"\n\r\t\b\a"`, []string{"\n\r\t\b\a"}},
		{`"\"\\\q\x"`, []string{`"\qx`}},
		{`"\x00\xfF\xAb"`, []string{"\x00\xff\xab"}},
		{`"\x4"`, []string{"x4"}},
		{`"\x4g"`, []string{"x4g"}},
		{`"it's"`, []string{"it's"}},
		{`'say "x"'`, []string{`say "x"`}},
		{`'\n\x41\\ '`, []string{`\n\x41\\ `}},
		{`'it\'s'`, []string{"it's"}},
		{`a\nb`, []string{`a\nb`}},
		{"\v\fa\vb", []string{"a\vb"}},
		{"a\x00b", []string{"a\x00b"}},
		{"\"a\"\v", []string{"a"}},
		{"a\rb", []string{"a", "b"}},

		{`"`, nil},
		{`'`, nil},
		{`"a`, nil},
		{`'a`, nil},
		{`a "b`, nil},
		{`"a\"`, nil},
		{`'a\'`, nil},
		{`'a\\'`, nil},
		{`"a\`, nil},
		{`"a\x4`, nil},
		{`"a"b`, nil},
		{`'a'b`, nil},
		{`"a""b"`, nil},
		{`"a"'b'`, nil},
		{`"a\x41`, nil},
	}
	for _, tt := range tests {
		for _, end := range []string{"\n", "\r\n"} {
			in := tt.line + end
			r := NewReader(strings.NewReader(in), nil)
			args, err := r.ReadCommand()
			if tt.want == nil {
				checkSyntaxError(t, err, 0, "Protocol error: unbalanced quotes in request", false)
				continue
			}
			if err != nil || !equalArgs(args, tt.want) {
				t.Errorf("%q: got %q, %v, want %q", in, args, err, tt.want)
			}
			if string(r.Raw()) != in {
				t.Errorf("%q: Raw() = %q: unquoting changed it", in, r.Raw())
			}
			checkCommandTraces(t, []byte(in+in), Limits{})
		}
	}
}

// Quoted words are copies: those of a batch do not overwrite each other.
func TestInlineBatch(t *testing.T) {
	r := NewReader(strings.NewReader("set \"a b\" 'c'\nset \"x\\ty\" z\n"), nil)
	first, err := r.ReadCommand()
	if err != nil {
		t.Fatal(err)
	}
	second, ok, err := r.TryCommand()
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if !equalArgs(first, []string{"set", "a b", "c"}) || !equalArgs(second, []string{"set", "x\ty", "z"}) {
		t.Errorf("got %q and %q", first, second)
	}
}
