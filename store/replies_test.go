package store

import (
	"os"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
)

// The scripts of testdata: commands, each followed by its reply behind a tab, in RESP3
// where that differs from RESP2. An empty line makes a new store.
func TestReplies(t *testing.T)       { runReplies(t, "testdata/replies.txt") }
func TestSortedReplies(t *testing.T) { runReplies(t, "testdata/sorted.txt") }

func TestBitmapReplies(t *testing.T) { runReplies(t, "testdata/bitmaps.txt") }

func runReplies(t *testing.T, file string) {
	text, err := os.ReadFile(file)
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
			proto := 2
			if want3, is3 := strings.CutPrefix(want, "RESP3 "); is3 {
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
			args := inlineWords(t, line)
			v = c.Do(args)
			for _, a := range args { // they may be reused
				copy(a, strings.Repeat("#", len(a)))
			}
		}
	}
	if replies == 0 {
		t.Error("no replies in the file")
	}
}

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

func inlineWords(t *testing.T, line string) [][]byte {
	t.Helper()
	args, err := resp.NewReader(strings.NewReader(line+"\n"), nil).ReadCommand()
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return args
}
