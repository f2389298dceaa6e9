package realserver

import (
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	str := func(v string) Entry { return Entry{Type: "string", Value: v, Deadline: -1} }
	hash := func(pairs ...string) Entry {
		e := Entry{Type: "hash", Fields: map[string]string{}, Deadline: -1}
		for i := 0; i < len(pairs); i += 2 {
			e.Fields[pairs[i]] = pairs[i+1]
		}
		return e
	}
	base := Dataset{{0, "a"}: str("1"), {3, "h"}: hash("f", "v")}
	for _, c := range []struct {
		name  string
		other Dataset
		want  string // part of the text; "" for equal
	}{
		{"equal", Dataset{{0, "a"}: str("1"), {3, "h"}: hash("f", "v")}, ""},
		{"value", Dataset{{0, "a"}: str("2"), {3, "h"}: hash("f", "v")}, `db 0 "a": left string "1", right string "2"`},
		{"field", Dataset{{0, "a"}: str("1"), {3, "h"}: hash("f", "w")}, `db 3 "h"`},
		{"more fields", Dataset{{0, "a"}: str("1"), {3, "h"}: hash("f", "v", "g", "v")}, `db 3 "h"`},
		{"database", Dataset{{1, "a"}: str("1"), {3, "h"}: hash("f", "v")}, `db 1 "a": only right`},
		{"missing", Dataset{{0, "a"}: str("1")}, `db 3 "h": only left`},
		{"deadline", Dataset{{0, "a"}: {"string", "1", nil, 7}, {3, "h"}: hash("f", "v")}, `right string "1" until 7`},
		{"type", Dataset{{0, "a"}: {"list", "1", nil, -1}, {3, "h"}: hash("f", "v")}, `right list "1"`},
		{"nil", nil, `db 0 "a": only left`},
	} {
		got := Diff(base, c.other)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: Diff = %q, want it to contain %q", c.name, got, c.want)
		}
		if back := Diff(c.other, base); (back == "") != (c.want == "") {
			t.Errorf("%s: the other way round Diff = %q", c.name, back)
		}
	}
}

func TestDiffIsShort(t *testing.T) {
	big := Dataset{}
	for i := range 100 {
		big[Key{0, string(rune('a' + i))}] = Entry{Type: "string", Value: strings.Repeat("x", 10_000)}
	}
	if got := Diff(big, nil); len(got) > 4000 || !strings.Contains(got, "100 differences") {
		t.Errorf("Diff has %d bytes: %s", len(got), got)
	}
}
