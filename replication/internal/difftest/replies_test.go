package difftest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/resp"
)

// TestReplies holds the scripts that package store is tested with against the servers: what they expect is what Redis
// says, not what somebody once believed that it says.
func TestReplies(t *testing.T) { replayBoth(t, "replies.txt") }

// TestBitmapReplies does so with the scripts about bitmaps.
func TestBitmapReplies(t *testing.T) { replayBoth(t, "bitmaps.txt") }

// replayBoth runs a file of scripts against both versions, in both protocols.
func replayBoth(t *testing.T, file string) {
	text, err := os.ReadFile("../../../store/testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []realserver.Version{realserver.R7, realserver.R8} {
		for _, protocol := range []int{2, 3} {
			t.Run(fmt.Sprintf("redis%d in resp%d", v, protocol), func(t *testing.T) { replay(t, v, string(text), protocol) })
		}
	}
}

// TestSortedReplies does so with the scripts about sorted sets, in both protocols. They are as Redis 7.0 spells scores.
func TestSortedReplies(t *testing.T) {
	text, err := os.ReadFile("../../../store/testdata/sorted.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprintf("resp%d", protocol), func(t *testing.T) { replay(t, realserver.R7, string(text), protocol) })
	}
}

// replay runs the scripts of text. A reply that begins with RESP3 is that protocol's, and only such ones are compared there.
func replay(t *testing.T, v realserver.Version, text string, protocol int) {
	server := realserver.Start(t, v)
	drifted := false // the rest of this script is about other data
	var c *client
	var args []string
	var got resp.Value
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		want, isReply := strings.CutPrefix(line, "\t")
		switch {
		case line == "":
			c, drifted = nil, false
		case strings.HasPrefix(line, "#"):
		case isReply:
			// A newer server may differ where the random runs let it.
			want, is3 := strings.CutPrefix(want, "RESP3 ")
			if is3 != (protocol == 3) || got.String() == want || drifted {
				break
			}
			var ok bool
			if ok, drifted = known(v, args, expected(want), got); !ok {
				t.Errorf("%s\n got %s\nwant %s", shown(args), got, want)
			}
		default:
			if c == nil {
				c = dial(t, server)
				c.do(t, "FLUSHALL")
				c.do(t, "HELLO", strconv.Itoa(protocol))
			}
			args = inline(t, line)
			got = c.do(t, args...)
		}
	}
}

// expected is as much of a reply as a text of it tells.
func expected(text string) resp.Value {
	if e, ok := strings.CutPrefix(text, "-"); ok {
		return resp.Err(e)
	}
	return resp.BulkString(text)
}

func inline(t *testing.T, line string) []string {
	t.Helper()
	args, err := resp.NewReader(strings.NewReader(line+"\n"), nil).ReadCommand()
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = string(a)
	}
	return words
}
