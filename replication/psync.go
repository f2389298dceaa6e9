package replication

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/understudy-go/understudy/store/backlog"
)

// This file is pure: the words of the protocol, from bytes to values and back. Nothing here does I/O or keeps state.
//
// The one trap is the offset. In this program an offset is a count, "so many bytes of the stream have been applied". On the wire PSYNC names the next
// byte wanted, which is one more. The conversion happens in this file and nowhere else.

// Wire spellings. The words master and slave exist in the protocol only.
const (
	cmdPSYNC    = "PSYNC"
	cmdSYNC     = "SYNC"
	cmdREPLCONF = "REPLCONF"
	optFailover = "FAILOVER" // of PSYNC

	replyFullResync    = "+FULLRESYNC"
	replyContinue      = "+CONTINUE"
	replyNoPrimaryLink = "-NOMASTERLINK Can't SYNC while not connected with my master\r\n"

	idLen = 40 // hex digits of a replication ID
)

// psyncRequest is what a replica asks for: "I hold count bytes of the history id".
type psyncRequest struct {
	id    string // "?" or 40 hex digits, as sent; compared without regard to case
	count int64  // bytes already held; meaningless when full
	full  bool   // a full resync is wanted whatever we could offer: SYNC, or PSYNC ? -1
	old   bool   // SYNC: no reply line, no acknowledgements
}

// parsePSYNC reads the arguments of PSYNC or SYNC, args[0] being the name of the command. What it returns does not alias args.
//
// Only the shape is checked. An ID that nobody knows is a matter for the backlog, which refuses it, and the answer is a full resync.
func parsePSYNC(args [][]byte) (psyncRequest, error) {
	if len(args) == 0 {
		return psyncRequest{}, &ProtocolError{During: "psync", Got: ""}
	}
	if strings.EqualFold(string(args[0]), cmdSYNC) {
		return psyncRequest{id: "?", full: true, old: true}, nil
	}
	if len(args) != 3 && !asksToTakeOver(args) {
		return psyncRequest{}, &ProtocolError{During: "psync arguments", Got: strconv.Itoa(len(args) - 1)}
	}
	next, ok := parseOffset(args[2])
	if !ok {
		return psyncRequest{}, &ProtocolError{During: "psync offset", Got: clip(args[2])}
	}
	id := clip(args[1])
	if id == "?" || next < 1 {
		return psyncRequest{id: id, full: true}, nil
	}
	return psyncRequest{id: id, count: next - 1}, nil
}

// asksToTakeOver recognises a PSYNC of our own primary that wants us to take over its history before we answer.
func asksToTakeOver(args [][]byte) bool { return len(args) == 4 && equalFold(args[3], optFailover) }

// appendPSYNC appends the request for what follows count bytes of the history id. An empty id asks for a full resync.
func psyncArgs(id backlog.ID, count int64) []string {
	if id == "" {
		return []string{cmdPSYNC, "?", "-1"}
	}
	return []string{cmdPSYNC, string(id), strconv.FormatInt(count+1, 10)}
}

// appendFullResync appends the reply that announces a payload taken at count bytes of the history id.
func appendFullResync(b []byte, id backlog.ID, count int64) []byte {
	b = append(b, replyFullResync+" "...)
	b = append(b, id...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, count, 10)
	return append(b, "\r\n"...)
}

// appendContinue appends the reply that grants a partial resync. A replica without the psync2 capability would take the ID for garbage, so it gets none.
func appendContinue(b []byte, id backlog.ID, psync2 bool) []byte {
	b = append(b, replyContinue...)
	if psync2 {
		b = append(b, ' ')
		b = append(b, id...)
	}
	return append(b, "\r\n"...)
}

// psyncReply is the answer to PSYNC: either a payload follows, or the stream goes on.
type psyncReply struct {
	full   bool
	id     backlog.ID // of the history from here on; "" = a CONTINUE that does not name one, so the old ID stands
	offset int64      // full: bytes of the history that the payload contains
}

// parsePSYNCReply reads one reply line, without its CRLF. Refusals come back as *RefusedError, everything else that is not a grant as *ProtocolError.
func parsePSYNCReply(line []byte) (psyncReply, error) {
	word, rest := cutWord(line)
	switch {
	case string(word) == replyFullResync:
		return parseFullResync(line, rest)
	case string(word) == replyContinue:
		return parseContinue(line, rest)
	case len(line) > 0 && line[0] == '-':
		return psyncReply{}, &RefusedError{Command: cmdPSYNC, Reply: clip(line[1:])}
	}
	return psyncReply{}, &ProtocolError{During: "reply to PSYNC", Got: clip(line)}
}

func parseFullResync(line, rest []byte) (psyncReply, error) {
	word, rest := cutWord(rest)
	id, err := parseID(word)
	offset, ok := parseOffset(rest)
	if err != nil || !ok || offset < 0 {
		return psyncReply{}, &ProtocolError{During: "reply to PSYNC", Got: clip(line)}
	}
	return psyncReply{full: true, id: id, offset: offset}, nil
}

func parseContinue(line, rest []byte) (psyncReply, error) {
	if len(rest) == 0 {
		return psyncReply{}, nil
	}
	id, err := parseID(rest)
	if err != nil {
		return psyncReply{}, &ProtocolError{During: "reply to PSYNC", Got: clip(line)}
	}
	return psyncReply{id: id}, nil
}

// parseID wants exactly forty hex digits: the longest text that is converted, whatever a peer sends, is one of that length.
func parseID(b []byte) (backlog.ID, error) {
	if len(b) != idLen {
		return "", fmt.Errorf("replication: replication ID of %d characters", len(b))
	}
	return backlog.ParseID(string(b))
}

// parseOffset reads a decimal number of at most 19 digits. It takes no sign but '-', no space, no base prefix.
func parseOffset(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 20 || b[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil
}

// replConf is the meaning of one REPLCONF line of the handshake: options are pairs, several may stand on one line.
type replConf struct {
	listeningPort int // -1 = not named
	ip            string
	ipSet         bool
	eof, psync2   bool
	version       string
	rdbOnly       bool
	rdbOnlySet    bool
	filtered      bool // a part of the payload is wanted: no keys, and the functions or not even those
	functions     bool
}

// parseREPLCONF reads the options before PSYNC. The error's text is what the peer is told, without the leading ERR.
//
//	listening-port n   the port to show for this replica
//	ip-address s       the address to show instead of the connection's
//	capa x             eof, psync2; others are welcome and mean nothing to us
//	version s          the replica's version (Valkey)
//	rdb-only 0|1       the payload and nothing after it
//	rdb-filter-only s  the payload without keys: functions for the libraries, nothing for an empty file; the stream is not filtered
//
// An option that is not in the table is refused, which is what Redis does and what its replicas expect: they log it and go on.
func parseREPLCONF(args [][]byte) (replConf, error) {
	c := replConf{listeningPort: -1}
	if len(args)%2 == 0 {
		return c, errReplConfSyntax
	}
	for i := 1; i < len(args); i += 2 {
		if err := c.option(strings.ToLower(clip(args[i])), args[i+1]); err != nil {
			return c, err
		}
	}
	return c, nil
}

const maxAnnouncedIP = 255 // characters of an address or host name

func (c *replConf) option(name string, value []byte) error {
	switch name {
	case "listening-port":
		return c.port(value)
	case "ip-address":
		return c.address(value)
	case "capa":
		c.capability(value)
		return nil
	case "version":
		c.version = clip(value)
		return nil
	case "rdb-only":
		return c.payloadOnly(value)
	case "rdb-filter-only":
		return c.filter(clip(value))
	}
	return fmt.Errorf("Unrecognized REPLCONF option: %s", name) //lint:ignore ST1005 the wire text begins so
}

func (c *replConf) port(value []byte) error {
	n, ok := parseOffset(value)
	if !ok || n < 0 || n > 65535 {
		return errNotInteger
	}
	c.listeningPort = int(n)
	return nil
}

func (c *replConf) address(value []byte) error {
	if len(value) > maxAnnouncedIP {
		return fmt.Errorf("REPLCONF ip-address provided by replica instance is too long: %d bytes", len(value))
	}
	c.ip, c.ipSet = string(value), true
	return nil
}

func (c *replConf) capability(value []byte) {
	switch {
	case strings.EqualFold(clip(value), "eof"):
		c.eof = true
	case strings.EqualFold(clip(value), "psync2"):
		c.psync2 = true
	}
}

func (c *replConf) payloadOnly(value []byte) error {
	n, ok := parseOffset(value)
	if !ok || n < 0 || n > 1 {
		return errNotInteger
	}
	c.rdbOnly, c.rdbOnlySet = n == 1, true
	return nil
}

func (c *replConf) filter(value string) error {
	c.filtered, c.functions = true, false
	for _, word := range strings.Fields(value) {
		if !strings.EqualFold(word, "functions") {
			return fmt.Errorf("Unsupported rdb-filter-only option: %s", word) //lint:ignore ST1005 the wire text begins so
		}
		c.functions = true
	}
	return nil
}

// parseAck reads what a replica sends while it follows: REPLCONF ACK count [FACK count]. ok is false for any other command.
func parseAck(args [][]byte) (count int64, ok bool) {
	if len(args) < 3 || !equalFold(args[0], cmdREPLCONF) || !equalFold(args[1], "ack") {
		return 0, false
	}
	count, ok = parseOffset(args[2])
	return count, ok && count >= 0
}

// isGetAck reports whether a command of the stream asks for an acknowledgement: REPLCONF GETACK *.
func isGetAck(args [][]byte) bool {
	return len(args) == 3 && equalFold(args[0], cmdREPLCONF) && equalFold(args[1], "getack")
}

func equalFold(b []byte, s string) bool {
	return len(b) == len(s) && strings.EqualFold(string(b), s)
}

// cutWord splits at the first space.
func cutWord(b []byte) (word, rest []byte) {
	for i, c := range b {
		if c == ' ' {
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

// clip copies at most 128 bytes of what a peer sent, for an error or a status: a hostile peer must not choose how much we keep.
func clip(b []byte) string {
	const limit = 128
	if len(b) > limit {
		return string(b[:limit]) + "..."
	}
	return string(b)
}
