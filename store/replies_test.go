package store

import (
	"os"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
)

// TestReplies runs the scripts of testdata/replies.txt. A reply in RESP3 is given where
// it differs from that in RESP2.
func TestReplies(t *testing.T) {
	text, err := os.ReadFile("testdata/replies.txt")
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
			got := v.String()
			if want3, is3 := strings.CutPrefix(want, "RESP3 "); is3 {
				got, want = asRead(t, v, 3), want3
			}
			if got != want {
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

func inlineWords(t *testing.T, line string) [][]byte {
	t.Helper()
	args, err := resp.NewReader(strings.NewReader(line+"\n"), nil).ReadCommand()
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return args
}
