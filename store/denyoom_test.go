package store

import (
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
)

// The commands that may take more memory are those that Redis flags with denyoom: each of
// ours as in the servers that have it, and no name in the list that neither has.
func TestGrowingAsRedis(t *testing.T) {
	listed := map[string]bool{}
	for _, name := range strings.Fields(growing) {
		listed[name] = true
	}
	for _, server := range []string{"redis7-server", "redis8-server"} {
		p := startPeer(t, server, nil)
		for _, c := range p.do("COMMAND").Elems {
			name, flagged := c.Elems[0].Str, hasWord(c.Elems[2], "denyoom")
			delete(listed, name)
			ours := LookupCommand(name)
			if ours == nil {
				continue
			}
			if got := ours.Flags&FlagDenyOOM != 0; got != flagged {
				t.Errorf("%s: %s grows: %v, here %v", server, name, flagged, got)
			}
			for _, sub := range c.Elems[9].Elems {
				family, word, _ := strings.Cut(sub.Elems[0].Str, "|")
				if got, want := ours.grows(argv(family, word)), hasWord(sub.Elems[2], "denyoom"); got != want {
					t.Errorf("%s: %s grows: %v, here %v", server, sub.Elems[0].Str, want, got)
				}
			}
		}
	}
	for name := range listed {
		t.Errorf("%s is a command of neither server", name)
	}
}

func hasWord(list resp.Value, word string) bool {
	for _, e := range list.Elems {
		if e.Str == word {
			return true
		}
	}
	return false
}
