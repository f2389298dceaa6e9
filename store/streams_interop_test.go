package store

import (
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
)

// streamOps leave a stream that remembers more than its entries.
var streamOps = []string{
	"XADD s 5-1 f v", "XADD s 5-* g w h x", "XADD s 7 f v", "XADD s 7-3 f v f w", "XADD s 9 f v", "XDEL s 7-3", "XADD s 11 f v", "XTRIM s MAXLEN 4",
	"XGROUP CREATE s g 5-2", "XREADGROUP GROUP g alice COUNT 1 STREAMS s >", "XADD s MINID 7 12 f v", "XSETID s 20-5 ENTRIESADDED 50 MAXDELETEDID 15-1",
	"XADD empty 3 f v", "XDEL empty 3",
}

// described is XINFO STREAM FULL without what tells of the server's own structures, and of times.
func described(v resp.Value) string {
	var out []string
	for i := 0; i+1 < len(v.Elems); i += 2 {
		switch name := v.Elems[i].Str; name {
		case "radix-tree-keys", "radix-tree-nodes", "groups":
		default:
			out = append(out, name+"="+v.Elems[i+1].String())
		}
	}
	return strings.Join(out, " ")
}

// What a stream remembers, beyond what a digest covers, goes from here to real servers and
// back: by a file, by DUMP, and by the commands themselves.
func TestServersAndStreams(t *testing.T) {
	for _, name := range []string{"redis7-server", "redis8-server"} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, nil)
			c := s.NewSession(nil)
			p := startPeer(t, name, nil)
			for _, line := range streamOps {
				args := strings.Fields(line)
				ours, theirs := c.Do(argv(args...)), p.do(args...)
				if !strings.Contains(line, "GROUP") && ours.String() != theirs.String() {
					t.Errorf("%s: %s, the server's %s", line, ours, theirs)
				}
			}
			want := map[string]string{}
			for _, key := range []string{"s", "empty"} {
				want[key] = described(c.Do(argv("XINFO", "STREAM", key, "FULL")))
				if got := described(p.do("XINFO", "STREAM", key, "FULL")); got != want[key] {
					t.Errorf("after the same commands\n got %s\nwant %s", want[key], got)
				}
			}
			loaded := startPeer(t, name, file(t, s))
			back := load(t, p.save())
			restored := newStore(t, nil)
			for key := range want {
				if got := described(loaded.do("XINFO", "STREAM", key, "FULL")); got != want[key] {
					t.Errorf("of our file the server has\n%s\nwant %s", got, want[key])
				}
				if v, err := back.DB(0).Do("XINFO", "STREAM", key, "FULL"); err != nil || described(v) != want[key] {
					t.Errorf("of the server's file we have\n%s, %v\nwant %s", described(v), err, want[key])
				}
				payload, err := s.DB(0).Dump(key)
				if err != nil {
					t.Fatal(err)
				}
				if v := p.do("RESTORE", "back:"+key, "0", payload); v.Kind == resp.Error {
					t.Fatal(v)
				}
				if got := described(p.do("XINFO", "STREAM", "back:"+key, "FULL")); got != want[key] {
					t.Errorf("of our payload the server has\n%s\nwant %s", got, want[key])
				}
				if _, err := restored.DB(0).Do("RESTORE", key, "0", p.do("DUMP", key).Text()); err != nil {
					t.Fatal(err)
				}
				if v, err := restored.DB(0).Do("XINFO", "STREAM", key, "FULL"); err != nil || described(v) != want[key] {
					t.Errorf("of the server's payload we have\n%s, %v\nwant %s", described(v), err, want[key])
				}
			}
			if a, b := back.Digest(), s.Digest(); a != b {
				t.Errorf("digest %s, want %s", a, b)
			}
			// A group, which the server made, goes the whole way round.
			round := startPeer(t, name, file(t, back))
			for _, line := range []string{"XINFO GROUPS s", "XPENDING s g", "XREADGROUP GROUP g alice STREAMS s 0"} {
				args := strings.Fields(line)
				if got, want := round.do(args...).String(), p.do(args...).String(); got != want {
					t.Errorf("%s: %s, before %s", line, got, want)
				}
			}
		})
	}
}
