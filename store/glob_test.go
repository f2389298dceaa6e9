package store

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"a", "", false},
		{"*", "", true},
		{"**", "", false}, // not in Redis either
		{"*", "abc", true},
		{"**", "abc", true},
		{"a*", "abc", true},
		{"*c", "abc", true},
		{"a*c", "abc", true},
		{"a*c", "ac", true},
		{"a*b*c", "aXbXbYc", true},
		{"a*b*c", "aXcXb", false},
		{"*ab", "aab", true}, // what failed begins again one byte later, not where it failed
		{"*aab*", "aaaabc", true},
		{"?", "", false},
		{"?", "a", true},
		{"h?llo", "hello", true},
		{"h?llo", "hllo", false},
		{"*?", "", false},
		{"*?*", "a", true},
		{"h[ae]llo", "hello", true},
		{"h[ae]llo", "hillo", false},
		{"h[^e]llo", "hello", false},
		{"h[^e]llo", "hallo", true},
		{"h[a-c]llo", "hbllo", true},
		{"h[c-a]llo", "hbllo", true}, // a range may be the wrong way round
		{"h[a-c]llo", "hdllo", false},
		{"[a-]", "a", true}, // the bracket is the end of the range, and the class is not closed
		{"[a-]", "-", false},
		{"[a-]", "]", true},
		{"[-a]", "-", true},
		{"[^]", "a", true}, // empty classes
		{"[]", "a", false},
		{"[]a]", "a", false},
		{"[abc", "b", true}, // not closed
		{"[abc", "bc", false},
		{"[", "[", false},
		{"[^", "a", true},
		{`[\]]`, "]", true},
		{`[\-a]`, "-", true},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`\[a]`, "[a]", true},
		{`a\`, `a\`, true}, // nothing to escape
		{`\\`, `\`, true},
		{"a", "A", false},
		{"*\x00*", "a\x00b", true},
		{strings.Repeat("*a", 200) + "*", strings.Repeat("a", 199), false}, // trying every star again would never end
		{"\xff?", "\xff\xfe", true},
	} {
		if got := Match(tt.pattern, tt.s); got != tt.want {
			t.Errorf("Match(%.40q, %.40q) = %v, want %v", tt.pattern, tt.s, got, tt.want)
		}
	}
}

// naiveGlob says the same by trying everything: exponential, and plain.
func naiveGlob(p, s string) bool {
	if p == "" {
		return s == ""
	}
	if p[0] == '*' {
		return naiveGlob(p[1:], s) || s != "" && naiveGlob(p, s[1:])
	}
	if s == "" {
		return false
	}
	n, ok := naiveElement(p, s[0])
	return ok && naiveGlob(p[n:], s[1:])
}

// naiveElement is the length of p's first element, and whether it matches c.
func naiveElement(p string, c byte) (n int, ok bool) {
	switch {
	case p[0] == '?':
		return 1, true
	case p[0] == '\\' && len(p) > 1:
		return 2, p[1] == c
	case p[0] != '[':
		return 1, p[0] == c
	}
	n = 1
	not := len(p) > 1 && p[1] == '^'
	if not {
		n = 2
	}
	for {
		rest := p[n:]
		switch {
		case len(rest) >= 2 && rest[0] == '\\':
			ok = ok || rest[1] == c
			n += 2
		case rest == "":
			return n, ok != not
		case rest[0] == ']':
			return n + 1, ok != not
		case len(rest) >= 3 && rest[1] == '-':
			ok = ok || min(rest[0], rest[2]) <= c && c <= max(rest[0], rest[2])
			n += 3
		default:
			ok = ok || rest[0] == c
			n++
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, s := range []string{"a*b?c[a-c]", `\*[^x-]`, "[a-", "***a", "[\\"} {
		f.Add(s, "aXbYcb")
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, p, s string) {
		if len(p) > 12 || len(s) > 12 {
			return // the naive matcher takes its time
		}
		want := naiveGlob(p, s)
		if s == "" {
			want = p == "" || p == "*" // Redis looks no further
		}
		if got := Match(p, s); got != want {
			t.Errorf("Match(%q, %q) = %v, want %v", p, s, got, want)
		}
	})
}
