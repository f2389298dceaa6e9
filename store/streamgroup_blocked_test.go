package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const noGroupTold = "-NOGROUP No such key 'k' or consumer group 'g' in XREADGROUP with GROUP option"

// What consumers that wait are told, as Redis 7.2 and 8 do: 7.0 words it otherwise. The
// clock of a bubble begins at 946684800000. Each begins with an empty stream k that has
// the group g, of which what the stream carries is not shown.
var groupWaits = []struct {
	name    string
	waiters string
	writes  string
	told    []string
	stream  string // what follows the writes, by semicolons; "-" is not looked at
}{
	{"served by an entry", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k >", "XADD k 1-1 f v", []string{`{"k" [["1-1" ["f" "v"]]]}`},
		"XADD k 1-1 f v;MULTI;XCLAIM k g ada 0 1-1 TIME 946684800000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1;XGROUP SETID k g 1-1 ENTRIESREAD 1;EXEC"},
	{"the oldest first", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k >;XREADGROUP GROUP g bob BLOCK 0 STREAMS k >", "XADD k 1-1 f v",
		[]string{`{"k" [["1-1" ["f" "v"]]]}`, "waits"}, "-"},
	{"one of two each", "XREADGROUP GROUP g ada COUNT 1 BLOCK 0 STREAMS k >;XREADGROUP GROUP g bob BLOCK 0 STREAMS k >", "MULTI;XADD k 1-1 f v;XADD k 2-1 f v;EXEC",
		[]string{`{"k" [["1-1" ["f" "v"]]]}`, `{"k" [["2-1" ["f" "v"]]]}`}, "-"},
	{"beside who reads", "XREAD BLOCK 0 STREAMS k $;XREADGROUP GROUP g ada BLOCK 0 STREAMS k >;XREAD BLOCK 0 STREAMS k $", "XADD k 1-1 f v",
		[]string{`{"k" [["1-1" ["f" "v"]]]}`, `{"k" [["1-1" ["f" "v"]]]}`, `{"k" [["1-1" ["f" "v"]]]}`}, "-"},
	{"several keys", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k k2 > >", "MULTI;XADD k2 1-1 f v;XADD k 1-1 f v;EXEC",
		[]string{`{"k" [["1-1" ["f" "v"]]] "k2" [["1-1" ["f" "v"]]]}`}, "-"},
	{"what is pending is there", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k 0", "", []string{`{"k" []}`}, "-"},
	{"gone again", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k >", "MULTI;XADD k 1-1 f v;XDEL k 1-1;EXEC", []string{"waits"}, "-"},
	{"read already", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k >", "MULTI;XADD k 1-1 f v;XGROUP SETID k g $;EXEC", []string{"waits"}, "-"},
	{"set back", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k >", "MULTI;XADD k 1-1 f v;XGROUP SETID k g $;EXEC;XGROUP SETID k g 0", []string{"waits"}, "-"},
	{"group destroyed", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k >;XREADGROUP GROUP h ada BLOCK 0 STREAMS k >;XREAD BLOCK 0 STREAMS k $", "XGROUP DESTROY k g",
		[]string{noGroupTold, "waits", "waits"}, "XGROUP DESTROY k g"},
	{"key deleted", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k >;XREAD BLOCK 0 STREAMS k $", "DEL k", []string{noGroupTold, "waits"}, "DEL k"},
	{"key renamed", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k >", "RENAME k x", []string{noGroupTold}, "RENAME k x"},
	{"key moved", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k >", "MOVE k 3", []string{noGroupTold}, "MOVE k 3"},
	{"database emptied", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k >", "FLUSHDB", []string{noGroupTold}, "FLUSHDB"},
	{"databases swapped", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k >", "SWAPDB 0 5", []string{noGroupTold}, "SWAPDB 0 5"},
	{"another type", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k >", "SET k v", []string{"-WRONGTYPE Operation against a key holding the wrong kind of value"}, "SET k v"},
	{"a list in its place", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k >", "MULTI;DEL k;RPUSH k a;EXEC",
		[]string{"-WRONGTYPE Operation against a key holding the wrong kind of value"}, "-"},
	{"another stream", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k >", "MULTI;DEL k;XADD k 1-1 f v;EXEC", []string{noGroupTold}, "-"},
	{"another group", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k >", "MULTI;DEL k;XGROUP CREATE k g 0 MKSTREAM;XADD k 1-1 f v;EXEC", []string{`{"k" [["1-1" ["f" "v"]]]}`}, "-"},
	{"either of two gone", "XREADGROUP GROUP g ada BLOCK 0 STREAMS k2 k > >", "DEL k", []string{noGroupTold}, "DEL k"},
}

func TestGroupWaits(t *testing.T) {
	for _, tt := range groupWaits {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore(t, nil)
				c := s.NewSession(nil)
				each("XGROUP CREATE k g $ MKSTREAM;XGROUP CREATE k h 0;XGROUP CREATE k2 g 0 MKSTREAM;XGROUP CREATECONSUMER k g ada", func(line string) { do(t, c, line) })
				var clients []*waitingClient
				each(tt.waiters, func(line string) { clients = append(clients, waiting(t, s, line)) })
				offset := s.backlog.Offset()
				each(tt.writes, func(line string) { do(t, c, line) })
				if tt.stream != "-" {
					var want strings.Builder
					each(tt.stream, func(line string) { want.WriteString(wire(line)) })
					if got := streamSince(t, s, offset); got != want.String() {
						t.Errorf("stream %q, want %q", got, want.String())
					}
				}
				for i, w := range clients {
					if got := w.got(); got != tt.told[i] {
						t.Errorf("client %d is told %s, want %s", i, got, tt.told[i])
					}
					w.stop(nil)
				}
				synctest.Wait()
				if n := len(s.mu.blocked.queues); n != 0 {
					t.Errorf("%d queues are left", n)
				}
			})
		})
	}
}

// A deadline that passes takes the group with it, on a primary.
func TestGroupWaitExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, nil)
		c := s.NewSession(nil)
		do(t, c, "XGROUP CREATE k g $ MKSTREAM")
		w := waiting(t, s, "XREADGROUP GROUP g ada BLOCK 0 STREAMS k >")
		do(t, c, "PEXPIRE k 10")
		time.Sleep(20 * time.Millisecond)
		if got := w.got(); got != "waits" {
			t.Errorf("before the sweep: %s", got)
		}
		s.Replication().Sweep(10)
		if got := w.got(); got != noGroupTold {
			t.Errorf("told %s", got)
		}
		w.stop(nil)
	})
}

// In Go: served, ended by the context, and told that the group has gone.
func TestXReadGroupWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, nil)
		db := s.DB(0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := db.XGroupCreate("k", "g", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := db.XReadGroup(ctx, "g", "ada", nil, "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nothing came: %v", err)
		}
		go func() { _, _ = db.XAdd("k", "f", "v") }()
		got, err := db.XReadGroup(t.Context(), "g", "ada", &XReadGroupOptions{Count: 1}, "k")
		if err != nil || len(got) != 1 || got[0].Key != "k" || len(got[0].Entries) != 1 || got[0].Entries[0].Fields[1] != "v" {
			t.Errorf("XReadGroup = %v, %v", got, err)
		}
		go func() { _, _ = db.XGroupDestroy("k", "g") }()
		_, err = db.XReadGroup(t.Context(), "g", "ada", nil, "k")
		if e := (*Error)(nil); !errors.As(err, &e) || e.Code() != "NOGROUP" {
			t.Errorf("the group is destroyed: %v", err)
		}
		if _, err = db.XReadGroup(t.Context(), "g", "ada", nil); err == nil {
			t.Error("no keys: no error")
		}
	})
}

// WATCH is not about what groups remember, and about what is in the stream.
func TestGroupsAndWatch(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"XREADGROUP GROUP g ada STREAMS s >", "[PONG]"},
		{"XACK s g 1-1", "[PONG]"},
		{"XGROUP CREATE s h 0", "[PONG]"},
		{"XGROUP DESTROY s g", "[PONG]"},
		{"XCLAIM s g bob 0 1-1 FORCE", "[PONG]"},
		{"XADD s 9-1 f v", "(nil)"},
		{"XGROUP CREATE none g 0 MKSTREAM", "(nil)"},
		{"DEL s", "(nil)"},
	} {
		s := newStore(t, nil)
		c, other := s.NewSession(nil), s.NewSession(nil)
		each(threeUnread+";XREADGROUP GROUP g ada COUNT 1 STREAMS s >", func(line string) { do(t, c, line) })
		do(t, c, "WATCH s none")
		do(t, other, tt.line)
		do(t, c, "MULTI")
		do(t, c, "EXISTS x")
		if got := do(t, c, "EXEC").String(); (got == "(nil)") != (tt.want == "(nil)") {
			t.Errorf("%s beside WATCH: EXEC %s, want %s", tt.line, got, tt.want)
		}
	}
}
