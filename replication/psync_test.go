package replication

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/store/backlog"
)

const testID = "0123456789abcdef0123456789abcdef01234567"

func words(s string) [][]byte {
	var args [][]byte
	for _, w := range strings.Split(s, " ") {
		args = append(args, []byte(w))
	}
	return args
}

// An offset on the wire is one more than the count that it stands for; the rows on both sides of 1 say so.
func TestParsePSYNC(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want psyncRequest
		bad  bool
	}{
		{in: "SYNC", want: psyncRequest{id: "?", full: true, old: true}},
		{in: "sync", want: psyncRequest{id: "?", full: true, old: true}},
		{in: "PSYNC ? -1", want: psyncRequest{id: "?", full: true}},
		{in: "PSYNC ? 100", want: psyncRequest{id: "?", full: true}},
		{in: "psync " + testID + " 1", want: psyncRequest{id: testID, count: 0}},
		{in: "PSYNC " + testID + " 2", want: psyncRequest{id: testID, count: 1}},
		{in: "PSYNC " + testID + " 0", want: psyncRequest{id: testID, full: true}},
		{in: "PSYNC " + testID + " -1", want: psyncRequest{id: testID, full: true}},
		{in: "PSYNC " + strings.ToUpper(testID) + " 51", want: psyncRequest{id: strings.ToUpper(testID), count: 50}},
		{in: "PSYNC short 51", want: psyncRequest{id: "short", count: 50}}, // the backlog refuses it
		{in: "PSYNC " + testID + " 9223372036854775807", want: psyncRequest{id: testID, count: 9223372036854775806}},
		{in: "PSYNC " + testID + " 9223372036854775808", bad: true},
		{in: "PSYNC " + testID + " x", bad: true},
		{in: "PSYNC " + testID + " +1", bad: true},
		{in: "PSYNC " + testID + " ", bad: true},
		{in: "PSYNC " + testID, bad: true},
		{in: "PSYNC " + testID + " 1 FAILOVER", want: psyncRequest{id: testID}},
		{in: "PSYNC " + testID + " 1 FAILOVERS", bad: true},
		{in: "PSYNC " + testID + " 1 FAILOVER x", bad: true},
		{in: "PSYNC", bad: true},
	} {
		got, err := parsePSYNC(words(tc.in))
		if (err != nil) != tc.bad || !tc.bad && got != tc.want {
			t.Errorf("parsePSYNC(%q) = %+v, %v, want %+v, error %v", tc.in, got, err, tc.want, tc.bad)
		}
	}
}

func TestPSYNCArgs(t *testing.T) {
	for _, tc := range []struct {
		id    backlog.ID
		count int64
		want  string
	}{
		{"", 0, "PSYNC ? -1"},
		{"", 50, "PSYNC ? -1"},
		{testID, 0, "PSYNC " + testID + " 1"},
		{testID, 50, "PSYNC " + testID + " 51"},
	} {
		if got := strings.Join(psyncArgs(tc.id, tc.count), " "); got != tc.want {
			t.Errorf("psyncArgs(%q, %d) = %q, want %q", tc.id, tc.count, got, tc.want)
		}
	}
}

func TestParsePSYNCReply(t *testing.T) {
	for _, tc := range []struct {
		in      string
		want    psyncReply
		refused bool
		garbled bool
	}{
		{in: "+FULLRESYNC " + testID + " 0", want: psyncReply{full: true, id: testID}},
		{in: "+FULLRESYNC " + testID + " 44", want: psyncReply{full: true, id: testID, offset: 44}},
		{in: "+FULLRESYNC " + strings.ToUpper(testID) + " 44", want: psyncReply{full: true, id: testID, offset: 44}},
		{in: "+FULLRESYNC " + testID + " -1", garbled: true},
		{in: "+FULLRESYNC " + testID, garbled: true},
		{in: "+FULLRESYNC " + testID[1:] + " 44", garbled: true},
		{in: "+FULLRESYNC " + testID + " 44 x", garbled: true},
		{in: "+FULLRESYNC", garbled: true},
		{in: "+FULLRESYNCED " + testID + " 44", garbled: true},
		{in: "+CONTINUE", want: psyncReply{}},
		{in: "+CONTINUE " + testID, want: psyncReply{id: testID}},
		{in: "+CONTINUE " + testID + "0", garbled: true},
		{in: "+CONTINUE x", garbled: true},
		{in: "-NOMASTERLINK Can't SYNC", refused: true},
		{in: "-LOADING", refused: true},
		{in: "-", refused: true},
		{in: "", garbled: true},
		{in: "+OK", garbled: true},
		{in: ":1", garbled: true},
		{in: "\x00\xff", garbled: true},
	} {
		got, err := parsePSYNCReply([]byte(tc.in))
		_, refused := errorAs[*RefusedError](err)
		_, garbled := errorAs[*ProtocolError](err)
		if got != tc.want || refused != tc.refused || garbled != tc.garbled {
			t.Errorf("parsePSYNCReply(%q) = %+v, %v, want %+v, refused %v, garbled %v", tc.in, got, err, tc.want, tc.refused, tc.garbled)
		}
	}
}

// What is formatted for a peer is what a peer parses.
func TestPSYNCRepliesRoundTrip(t *testing.T) {
	for _, tc := range []struct {
		out  []byte
		want psyncReply
	}{
		{appendFullResync(nil, testID, 0), psyncReply{full: true, id: testID}},
		{appendFullResync(nil, testID, 1<<40), psyncReply{full: true, id: testID, offset: 1 << 40}},
		{appendContinue(nil, testID, true), psyncReply{id: testID}},
		{appendContinue(nil, testID, false), psyncReply{}},
	} {
		line, ok := bytes.CutSuffix(tc.out, []byte("\r\n"))
		got, err := parsePSYNCReply(line)
		if !ok || err != nil || got != tc.want {
			t.Errorf("parsePSYNCReply(%q) = %+v, %v, want %+v", tc.out, got, err, tc.want)
		}
	}
}

func TestParseREPLCONF(t *testing.T) {
	none := replConf{listeningPort: -1}
	with := func(change func(*replConf)) replConf {
		c := none
		change(&c)
		return c
	}
	for _, tc := range []struct {
		in   string
		want replConf
		err  string
	}{
		{in: "REPLCONF listening-port 6380", want: with(func(c *replConf) { c.listeningPort = 6380 })},
		{in: "REPLCONF LISTENING-PORT 0", want: with(func(c *replConf) { c.listeningPort = 0 })},
		{in: "REPLCONF listening-port 65536", err: "value is not an integer or out of range"},
		{in: "REPLCONF listening-port -1", err: "value is not an integer or out of range"},
		{in: "REPLCONF listening-port x", err: "value is not an integer or out of range"},
		{in: "REPLCONF ip-address ::1", want: with(func(c *replConf) { c.ip, c.ipSet = "::1", true })},
		{in: "REPLCONF ip-address " + strings.Repeat("x", 256), err: "REPLCONF ip-address provided by replica instance is too long: 256 bytes"},
		{in: "REPLCONF capa eof capa psync2", want: with(func(c *replConf) { c.eof, c.psync2 = true, true })},
		{in: "REPLCONF capa EOF", want: with(func(c *replConf) { c.eof = true })},
		{in: "REPLCONF capa rdb-channel-repl capa dual-channel", want: none},
		{in: "REPLCONF version 8.1.0", want: with(func(c *replConf) { c.version = "8.1.0" })},
		{in: "REPLCONF rdb-only 1", want: with(func(c *replConf) { c.rdbOnly, c.rdbOnlySet = true, true })},
		{in: "REPLCONF rdb-only 0", want: with(func(c *replConf) { c.rdbOnlySet = true })},
		{in: "REPLCONF rdb-only 2", err: "value is not an integer or out of range"},
		{in: "REPLCONF rdb-filter-only ", want: with(func(c *replConf) { c.filtered = true })},
		{in: "REPLCONF rdb-filter-only functions", want: with(func(c *replConf) { c.filtered, c.functions = true, true })},
		{in: "REPLCONF rdb-filter-only keys", err: "Unsupported rdb-filter-only option: keys"},
		{in: "REPLCONF capa eof listening-port 1 ip-address h", want: with(func(c *replConf) {
			c.eof, c.listeningPort, c.ip, c.ipSet = true, 1, "h", true
		})},
		{in: "REPLCONF", want: none},
		{in: "REPLCONF capa", err: "syntax error"},
		{in: "REPLCONF uuid x", err: "Unrecognized REPLCONF option: uuid"},
		{in: "REPLCONF " + strings.Repeat("y", 200) + " x", err: "Unrecognized REPLCONF option: " + strings.Repeat("y", 128) + "..."},
	} {
		got, err := parseREPLCONF(words(tc.in))
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != tc.err || err == nil && got != tc.want {
			t.Errorf("parseREPLCONF(%q) = %+v, %v, want %+v, %q", tc.in, got, err, tc.want, tc.err)
		}
	}
}

func TestParseAck(t *testing.T) {
	for _, tc := range []struct {
		in    string
		count int64
		ok    bool
	}{
		{"REPLCONF ACK 0", 0, true},
		{"replconf ack 44", 44, true},
		{"REPLCONF ACK 44 FACK 40", 44, true},
		{"REPLCONF ACK -1", -1, false},
		{"REPLCONF ACK x", 0, false},
		{"REPLCONF ACK", 0, false},
		{"REPLCONF GETACK *", 0, false},
		{"PING", 0, false},
	} {
		if count, ok := parseAck(words(tc.in)); ok != tc.ok || ok && count != tc.count {
			t.Errorf("parseAck(%q) = %d, %v, want %d, %v", tc.in, count, ok, tc.count, tc.ok)
		}
	}
	if parseAckEmpty, ok := parseAck(nil); ok {
		t.Errorf("parseAck(nil) = %d, true", parseAckEmpty)
	}
}

func TestTerminal(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{&RefusedError{cmdPSYNC, "NOMASTERLINK x"}, false},
		{&RefusedError{cmdPSYNC, "LOADING x"}, false},
		{&RefusedError{cmdPSYNC, "BUSY x"}, false},
		{&RefusedError{cmdPSYNC, "MASTERDOWN x"}, false},
		{&RefusedError{cmdPSYNC, "NOAUTH x"}, true},
		{&RefusedError{cmdPSYNC, "NOPERM x"}, true},
		{&RefusedError{"AUTH", "WRONGPASS x"}, true},
		{&RefusedError{"AUTH", "ERR invalid password"}, true},
		{&RefusedError{cmdPSYNC, "ERR unknown command 'PSYNC'"}, true},
		{&RefusedError{cmdPSYNC, "ERR other"}, false},
		{&ProtocolError{"x", "y"}, false},
		{ErrTimeout, false},
		{&taintError{"x"}, true},
		{&PayloadError{1, errTrailing}, false},
		{&PayloadError{1, &rdb.CorruptError{}}, false},
		{&PayloadError{1, &rdb.TooLargeError{}}, true},
		{&PayloadError{1, &rdb.UnsupportedError{}}, true},
	} {
		if got := terminal(tc.err); got != tc.want {
			t.Errorf("terminal(%v) = %v, want %v", tc.err, got, tc.want)
		}
	}
	if !errors.Is(&RefusedError{cmdPSYNC, "ERR unknown command 'PSYNC'"}, ErrNoPSYNC) {
		t.Error("an unknown PSYNC is not ErrNoPSYNC")
	}
}

func FuzzPSYNC(f *testing.F) {
	f.Add([]byte("PSYNC ? -1"))
	f.Add([]byte("PSYNC " + testID + " 44"))
	f.Add([]byte("REPLCONF capa eof capa psync2"))
	f.Add([]byte("REPLCONF ACK 44"))
	f.Add([]byte("+FULLRESYNC " + testID + " 44"))
	f.Add([]byte("+CONTINUE " + testID))
	f.Add([]byte("$EOF:" + testID))
	f.Fuzz(func(t *testing.T, in []byte) {
		args := bytes.Split(in, []byte(" "))
		if r, err := parsePSYNC(args); err == nil && !r.full {
			// What was asked for is what we would ask for.
			again, err := parsePSYNC(words(strings.Join(psyncArgs(backlog.ID(r.id), r.count), " ")))
			if r.id != "" && !strings.Contains(r.id, "...") && (err != nil || again != r) {
				t.Errorf("%+v came back as %+v, %v", r, again, err)
			}
		}
		if r, err := parsePSYNCReply(in); err == nil {
			line := appendContinue(nil, r.id, r.id != "")
			if r.full {
				line = appendFullResync(nil, r.id, r.offset)
			}
			again, err := parsePSYNCReply(bytes.TrimSuffix(line, []byte("\r\n")))
			if err != nil || again != r {
				t.Errorf("%+v came back as %+v, %v", r, again, err)
			}
		}
		parseREPLCONF(args)
		parseAck(args)
		parsePayloadHeader(in)
	})
}

// What a peer sent is kept up to a length that we choose.
func TestClip(t *testing.T) {
	for _, tc := range []struct {
		size int
		want string
	}{{0, ""}, {128, strings.Repeat("x", 128)}, {129, strings.Repeat("x", 128) + "..."}, {1 << 20, strings.Repeat("x", 128) + "..."}} {
		if got := clip(bytes.Repeat([]byte("x"), tc.size)); got != tc.want {
			t.Errorf("clip of %d bytes has %d, want %d", tc.size, len(got), len(tc.want))
		}
	}
}
