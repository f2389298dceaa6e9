package replication

import (
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
)

// wire writes commands in the way of a script: one per line, words by spaces.
func wire(lines ...string) string {
	var b []byte
	for _, l := range lines {
		b = resp.AppendCommand(b, strings.Fields(l)...)
	}
	return string(b)
}

// A dialogue is a list of turns: what the primary says, and what goes out because of it.
func TestHandshake(t *testing.T) {
	type turn struct{ in, out string }
	anonymous := identity{port: 6380}
	known := identity{username: "u", password: "p", port: 6380, ip: "10.0.0.1"}
	version := "REPLCONF version 9.0.0"
	burst := wire("REPLCONF listening-port 6380", "REPLCONF capa eof capa psync2", version)
	for _, tc := range []struct {
		name  string
		who   identity
		id    string
		count int64
		turns []turn
		want  psyncReply
		err   string
	}{
		{name: "first time", who: anonymous, turns: []turn{
			{"+PONG", burst}, {"+OK", ""}, {"+OK", ""}, {"-ERR x", wire("PSYNC ? -1")},
			{"", ""}, {"", ""}, {"+FULLRESYNC " + testID + " 10", ""},
		}, want: psyncReply{full: true, id: testID, offset: 10}},
		{name: "continue", who: anonymous, id: testID, count: 50, turns: []turn{
			{"+PONG", burst}, {"+OK", ""}, {"+OK", ""}, {"-ERR x", wire("PSYNC " + testID + " 51")}, {"+CONTINUE", ""},
		}},
		{name: "continue under a new name", who: anonymous, id: testID, count: 0, turns: []turn{
			{"+PONG", burst}, {"+OK", ""}, {"+OK", ""}, {"-ERR x", wire("PSYNC " + testID + " 1")}, {"+CONTINUE " + flip(testID), ""},
		}, want: psyncReply{id: flipID}},
		{name: "everything told, options refused", who: known, turns: []turn{
			{"-NOAUTH Authentication required.", wire("AUTH u p", "REPLCONF listening-port 6380", "REPLCONF ip-address 10.0.0.1",
				"REPLCONF capa eof capa psync2", version)},
			{"+OK", ""}, {"-ERR a", ""}, {"-ERR b", ""}, {"-ERR c", ""}, {"-ERR d", wire("PSYNC ? -1")},
			{"+FULLRESYNC " + testID + " 0", ""},
		}, want: psyncReply{full: true, id: testID}},
		{name: "password without a name", who: identity{password: "p"}, turns: []turn{
			{"+PONG", wire("AUTH p", "REPLCONF listening-port 0", "REPLCONF capa eof capa psync2", version)},
			{"-WRONGPASS no", ""},
		}, err: "replication: AUTH refused: WRONGPASS no"},
		{name: "user without REPLCONF", who: identity{username: "u", password: "p"}, turns: []turn{
			{"-NOAUTH x", wire("AUTH u p", "REPLCONF listening-port 0", "REPLCONF capa eof capa psync2", version)},
			{"+OK", ""}, {"-NOPERM this user has no permissions to run the 'replconf' command", ""},
		}, err: "replication: REPLCONF refused: NOPERM this user has no permissions to run the 'replconf' command"},
		{name: "no password to show", who: anonymous, turns: []turn{{"-NOAUTH Authentication required.", ""}},
			err: "replication: PING refused: NOAUTH Authentication required."},
		{name: "busy from the start", who: anonymous, turns: []turn{{"-LOADING", ""}}, err: "replication: PING refused: LOADING"},
		{name: "no redis", who: anonymous, turns: []turn{{"HTTP/1.1 400 Bad Request", ""}},
			err: `replication: reply to PING: unexpected "HTTP/1.1 400 Bad Request"`},
		{name: "garbled option reply", who: anonymous, turns: []turn{{"+PONG", burst}, {":1", ""}},
			err: `replication: reply to REPLCONF: unexpected ":1"`},
		{name: "continue what was not named", who: anonymous, turns: []turn{
			{"+PONG", burst}, {"+OK", ""}, {"+OK", ""}, {"-ERR x", wire("PSYNC ? -1")}, {"+CONTINUE", ""},
		}, err: `replication: reply to PSYNC ? -1: unexpected "+CONTINUE"`},
		{name: "refused", who: anonymous, turns: []turn{
			{"+PONG", burst}, {"+OK", ""}, {"+OK", ""}, {"-ERR x", wire("PSYNC ? -1")}, {"-NOMASTERLINK x", ""},
		}, err: "replication: PSYNC refused: NOMASTERLINK x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			id, _ := parseID([]byte(tc.id))
			h := newHandshake(tc.who, id, tc.count)
			if got := string(h.start(nil)); got != wire("PING") {
				t.Fatalf("start = %q, want a PING", got)
			}
			var err error
			for i, turn := range tc.turns {
				if h.done() || err != nil {
					t.Fatalf("turn %d: the dialogue is over already, err %v", i, err)
				}
				var out []byte
				out, err = h.reply(nil, []byte(turn.in))
				if string(out) != turn.out {
					t.Fatalf("turn %d: reply(%q) = %q, want %q", i, turn.in, out, turn.out)
				}
			}
			if tc.err != "" {
				if err == nil || err.Error() != tc.err {
					t.Fatalf("err = %v, want %s", err, tc.err)
				}
				return
			}
			if err != nil || !h.done() || h.result != tc.want {
				t.Fatalf("result = %+v, done %v, err %v, want %+v", h.result, h.done(), err, tc.want)
			}
		})
	}
}

const flipID = "f123456789abcdef0123456789abcdef01234567"

func flip(id string) string { return "f" + id[1:] }

// Whatever a primary answers, the dialogue ends or goes on; it never sends what it was not asked for after an error.
func FuzzHandshake(f *testing.F) {
	f.Add("+PONG\n+OK\n+OK\n+CONTINUE")
	f.Add("-NOAUTH\n+OK\n+OK\n+OK\n+FULLRESYNC " + testID + " 1")
	f.Fuzz(func(t *testing.T, script string) {
		h := newHandshake(identity{password: "p"}, testID, 5)
		h.start(nil)
		for line := range strings.SplitSeq(script, "\n") {
			if h.done() {
				return
			}
			out, err := h.reply(nil, []byte(line))
			if err != nil {
				if len(out) != 0 {
					t.Fatalf("sent %q after an error", out)
				}
				return
			}
		}
	})
}
