package store

import (
	"errors"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
)

// The slots are those that the documents of clusters name.
func TestSlotOf(t *testing.T) {
	if got := crc16("123456789"); got != 0x31c3 {
		t.Errorf("crc16 = %#x, want 0x31c3", got)
	}
	for key, want := range map[string]int{
		"": 0, "foo": 12182, "{foo}": 12182, "a{foo}b{bar}": 12182, "{}foo": slotOf("{}foo"), "a{foo": slotOf("a{foo"),
	} {
		if got := slotOf(key); got != want {
			t.Errorf("slotOf(%q) = %d, want %d", key, got, want)
		}
	}
	if slotOf("{}foo") == slotOf("foo") || slotOf("a{foo") == slotOf("foo") {
		t.Error("an empty or open tag counts")
	}
}

func TestClusterFrames(t *testing.T) {
	for _, tt := range []struct {
		line string
		left string // of foo (slot 12182), {foo}2 and the empty key (slot 0)
		err  string
	}{
		{"CLUSTER SETSLOT 7 IMPORTING abc", "3", ""},
		{"cluster setslot 7 STABLE", "3", ""},
		{"CLUSTER SYNCSLOTS CONF ASM-TASK x:y", "3", ""},
		{"CLUSTER SYNCSLOTS ESTABLISH SOURCE x", "3", "not understood"},
		{"CLUSTER FLUSHSLOT 12182 ASYNC", "1", ""},
		{"CLUSTER NODES", "3", "not understood"},
		{"TRIMSLOTS RANGES 1 12182 12182", "1", ""},
		{"TRIMSLOTS RANGES 2 0 0 5 12181", "2", ""},
		{"TRIMSLOTS RANGES 1 0 16383", "0", ""},
		{"TRIMSLOTS RANGES 2 0 0", "3", "syntax"},
		{"TRIMSLOTS RANGES 1 0 16384", "3", "slot"},
		{"TRIMSLOTS RANGES 1 5 4", "3", "slot"},
		{"SFLUSH 0 16383 SYNC", "0", ""},
		{"SFLUSH 0 0", "2", ""},
	} {
		s, a := newReplica(t, nil)
		if err := apply(t, a, wires("SET foo 1", "RPUSH {foo}2 1")+string(resp.AppendCommand(nil, "SET", "", "1"))); err != nil {
			t.Fatal(err)
		}
		err := apply(t, a, wire(tt.line))
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s: %v", tt.line, err)
		}
		if e := (*StreamError)(nil); err != nil && !errors.As(err, &e) {
			t.Errorf("%s: %T", tt.line, err)
		}
		if got := do(t, s.NewSession(nil), "DBSIZE").String(); got != tt.left {
			t.Errorf("%s leaves %s keys, want %s", tt.line, got, tt.left)
		}
	}
}

// rreplay is a frame of KeyDB around commands.
func rreplay(more []string, lines ...string) string {
	return string(resp.AppendCommand(nil, append([]string{"RREPLAY", "00000000-0000-0000-0000-000000000000", wires(lines...)}, more...)...))
}

func TestRReplay(t *testing.T) {
	s, a := newReplica(t, nil)
	if err := apply(t, a, rreplay(nil, "INCR n")+rreplay([]string{"2"}, "INCR n")+rreplay([]string{"2", "123456789"}, "MULTI", "INCR n", "RPUSH l a", "EXEC")+wires("INCR n", "MULTI")+
		rreplay([]string{"1"}, "SELECT 3", "INCR n")+wires("INCR n", "EXEC", "INCR n")); err != nil {
		t.Fatal(err)
	}
	for db, want := range []string{"4", "(nil)", "2", "1"} {
		c := s.NewSession(nil)
		do(t, c, "SELECT "+string(rune('0'+db)))
		if got := strings.Trim(do(t, c, "GET n").String(), `"`); got != want {
			t.Errorf("n in database %d = %s, want %s", db, got, want)
		}
	}
}

// What is wrapped fails as a whole, and the error names what could not be done.
func TestRReplayErrors(t *testing.T) {
	for _, tt := range []struct{ frame, err string }{
		{rreplay(nil, "SET k w", "NOSUCH k"), `unknown command "NOSUCH"`},
		{rreplay(nil, "SET k w", "INCR k"), `command "INCR"`},
		{rreplay([]string{"16"}, "SET k w"), "DB index is out of range"},
		{rreplay([]string{"x"}, "SET k w"), `command "RREPLAY"`},
		{rreplay([]string{"0", "1", "2"}, "SET k w"), "wrong number of arguments"},
		{wire("RREPLAY id"), "wrong number of arguments"},
		{string(resp.AppendCommand(nil, "RREPLAY", "id", wire("SET k w")+"*2\r\n$3\r\nGE")), "cannot be read"},
		{string(resp.AppendCommand(nil, "RREPLAY", "id", rreplay(nil, "SET k w"))), "syntax"},
	} {
		s, a := newReplica(t, nil)
		if err := apply(t, a, wire("SET k v")+tt.frame); err == nil || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("error %v, want %q", err, tt.err)
		}
		if v, err := s.DB(0).Get("k"); v != "v" || err != nil {
			t.Errorf("%s: k = %q, %v: half of it was applied", tt.err, v, err)
		}
	}
}
