package store

import (
	"fmt"
	"strings"
	"testing"
)

// What becomes of entries that are pending somewhere, and what is said of them.
func TestStreamReferences(t *testing.T) {
	for _, tt := range []struct{ line, reply, left, pending, other string }{
		{"XDELEX s IDS 4 1 5 9 1", "[1 1 -1 -1]", "2 3 4 6", "1 2 3", "1 2"},
		{"XDELEX s KEEPREF IDS 1 1", "[1]", "2 3 4 5 6", "1 2 3", "1 2"},
		{"XDELEX s DELREF IDS 2 1 3", "[1 1]", "2 4 5 6", "2", "2"},
		{"XDELEX s ACKED IDS 5 1 3 4 6 9", "[2 2 1 2 -1]", "1 2 3 5 6", "1 2 3", "1 2"},
		{"XDELEX none IDS 2 1 2", "[-1 -1]", "1 2 3 4 5 6", "1 2 3", "1 2"},
		{"XACKDEL s g IDS 3 1 4 9", "[1 -1 -1]", "2 3 4 5 6", "2 3", "1 2"},
		{"XACKDEL s g DELREF IDS 2 1 1", "[1 -1]", "2 3 4 5 6", "2 3", "2"},
		{"XACKDEL s g ACKED IDS 2 1 3", "[2 1]", "1 2 4 5 6", "2", "1 2"},
		{"XACKDEL s none IDS 1 1", "[-1]", "1 2 3 4 5 6", "1 2 3", "1 2"},
		{"XTRIM s MAXLEN 2 ACKED", "1", "1 2 3 5 6", "1 2 3", "1 2"},
		{"XTRIM s MAXLEN 5 ACKED", "1", "1 2 3 5 6", "1 2 3", "1 2"},
		{"XTRIM s MINID 4 ACKED", "0", "1 2 3 4 5 6", "1 2 3", "1 2"},
		{"XTRIM s MINID 3 DELREF", "2", "3 4 5 6", "3", ""},
		{"XTRIM s MINID 3 KEEPREF", "2", "3 4 5 6", "1 2 3", "1 2"},
		{"XADD s DELREF MAXLEN 3 7 f v", `"7-0"`, "5 6 7", "", ""},
		{"XDELEX s IDS 2 1", "-ERR The `numids` parameter must match the number of arguments", "1 2 3 4 5 6", "1 2 3", "1 2"},
		{"XDELEX s IDS 0 1", "-ERR Number of IDs must be a positive integer", "1 2 3 4 5 6", "1 2 3", "1 2"},
		{"XDELEX s junk IDS 1 1", "-ERR syntax error", "1 2 3 4 5 6", "1 2 3", "1 2"},
		{"XTRIM s KEEPREF DELREF MAXLEN 1", "-ERR syntax error", "1 2 3 4 5 6", "1 2 3", "1 2"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			s := newStore(t, nil)
			r, a := follower(t, s, nil)
			c := s.NewSession(nil)
			for _, line := range []string{ // 4 is read and acknowledged by all, 1 to 3 and 1 to 2 are pending, 5 is read by one, 6 by none
				"XADD s 1 f v", "XADD s 2 f v", "XADD s 3 f v", "XADD s 4 f v", "XADD s 5 f v", "XADD s 6 f v", "XGROUP CREATE s g 0", "XGROUP CREATE s h 0",
				"XREADGROUP GROUP g ada COUNT 4 STREAMS s >", "XREADGROUP GROUP h bob COUNT 5 STREAMS s >", "XACK s g 4", "XACK s h 3 4 5",
			} {
				do(t, c, line)
			}
			if got := c.Do(argv(strings.Fields(tt.line)...)).String(); got != tt.reply {
				t.Errorf("reply %s, want %s", got, tt.reply)
			}
			if err := apply(t, a, streamSince(t, s, 0)); err != nil {
				t.Fatal(err)
			}
			sameState(t, "follower", s, r)
			for _, side := range []*Store{s, r} {
				e := side.view.Load().gen.spaces[0].tab.Find(side.hash("s"), "s")
				b := streamBody(e)
				var left, pending, other []string
				for it := range b.entries.From(0) {
					left = append(left, fmt.Sprint(it.id.Ms))
				}
				for p := range b.group("g").pending.From(0) {
					pending = append(pending, fmt.Sprint(p.id.Ms))
				}
				for p := range b.group("h").pending.From(0) {
					other = append(other, fmt.Sprint(p.id.Ms))
				}
				if got, want := fmt.Sprint(left, pending, other), fmt.Sprint(strings.Fields(tt.left), strings.Fields(tt.pending), strings.Fields(tt.other)); got != want {
					t.Errorf("left, pending, pending elsewhere: %s, want %s", got, want)
				}
				if err := side.check(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
