package backlog

import (
	"strings"
	"testing"
)

func TestNewID(t *testing.T) {
	a, b := NewID(), NewID()
	if a == b {
		t.Errorf("NewID() = %q twice", a)
	}
	if got, err := ParseID(string(a)); got != a || err != nil {
		t.Errorf("ParseID(%q) = %q, %v, want the same", a, got, err)
	}
}

func TestParseID(t *testing.T) {
	hex := strings.Repeat("0123456789", 3)
	for _, tt := range []struct {
		in string
		ok bool
	}{
		{hex + "abcdefABCD", true},
		{hex + "ABCDEFabcd", true},
		{hex + "abcdefabc", false},
		{hex + "abcdefabcd0", false},
		{hex + "abcdefabcg", false},
		{hex + "abcdefab\xe2\x84", false},
		{"/" + hex + "abcdefabc", false},
		{"`" + hex + "abcdefabc", false},
		{":" + hex + "abcdefabc", false},
		{"@" + hex + "abcdefabc", false},
		{"", false},
		{"?", false},
	} {
		got, err := ParseID(tt.in)
		if (err == nil) != tt.ok {
			t.Errorf("ParseID(%q) error = %v, want ok %v", tt.in, err, tt.ok)
		}
		if tt.ok && got != ID(strings.ToLower(tt.in)) {
			t.Errorf("ParseID(%q) = %q, want lower case", tt.in, got)
		}
	}
}
