package store

import (
	"os"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
)

// asRead is v as a client of the protocol's version proto reads it.
func asRead(t testing.TB, v resp.Value, proto int) string {
	t.Helper()
	r := resp.NewReader(strings.NewReader(string(resp.AppendValue(nil, v, proto))), nil)
	got, err := r.ReadValue()
	if err != nil {
		t.Fatal(err)
	}
	return got.String()
}

// TestSortedReplies runs the scripts of testdata/sorted.txt in both versions of the
// protocol.
func TestSortedReplies(t *testing.T) {
	text, err := os.ReadFile("testdata/sorted.txt")
	if err != nil {
		t.Fatal(err)
	}
	var c *Session
	var command string
	var v resp.Value // its reply
	replies := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		want, isReply := strings.CutPrefix(line, "\t")
		switch {
		case line == "":
			c = nil
		case strings.HasPrefix(line, "#"):
		case isReply:
			replies++
			want3, proto, is3 := want, 2, false
			if want3, is3 = strings.CutPrefix(want, "RESP3 "); is3 {
				want, proto = want3, 3
			}
			if got := asRead(t, v, proto); got != want {
				t.Errorf("%s\n got %s\nwant %s", command, got, want)
			}
		default:
			if c == nil {
				c = New(nil).NewSession(nil)
			}
			command = line
			v = c.Do(inlineWords(t, line))
		}
	}
	if replies == 0 {
		t.Error("no replies in the file")
	}
}
