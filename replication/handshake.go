package replication

import (
	"strconv"
	"strings"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/backlog"
)

// This file is pure: the replica's side of the handshake as a state machine, reply lines in, bytes to send out.
//
//	        PING                     AUTH, REPLCONF ...              PSYNC id count+1
//	start --------> awaitPong -----------------> awaitBurst ------------------> awaitPSYNC ---> granted
//	                    |                          (one reply each)                  |
//	                    +------------ refused or garbled: an error ------------------+
//
// REPLCONF version is for Valkey, which asks replicas for it since 8.0: it chooses the file by it, and to who tells none it sends REDIS0011, for which it gives
// up where fields of hashes have deadlines. Redis does not know the option, refuses it, and counts an error; nothing else comes of that.
//
// The middle part goes out in one write, as Redis 7 sends it, and its replies are then counted off one by one. PING goes alone because its answer
// decides whether there is anybody to talk to, PSYNC alone because a primary refuses it while replies are waiting to be read.

// valkeyVersion is the Valkey whose files and streams are read here: VALKEY080, and CLUSTER SETSLOT, which is passed over.
const valkeyVersion = "9.0.0"

type handshakeState uint8

const (
	handshakeStart handshakeState = iota
	awaitPong
	awaitBurst
	awaitPSYNC
	granted
)

// identity is what a replica tells about itself, and the credentials that it shows.
type identity struct {
	username, password string
	port               int    // told with listening-port
	ip                 string // told with ip-address; "" = not told
}

// handshake is one dialogue. It is used by one goroutine, once.
type handshake struct {
	who      identity
	id       backlog.ID // history to continue; "" = none
	count    int64      // bytes of it that we hold
	failover bool       // the request asks the replica that it goes to to take over
	state    handshakeState
	pending  []string // what each awaited reply of the burst answers, in order
	result   psyncReply
}

func newHandshake(who identity, id backlog.ID, count int64) *handshake {
	return &handshake{who: who, id: id, count: count}
}

// start appends what is sent first.
func (h *handshake) start(b []byte) []byte {
	h.state = awaitPong
	return resp.AppendCommand(b, "PING")
}

// reply takes one reply line, without CRLF, and appends what is to be sent next, if anything. Blank lines are the primary's keepalive and change
// nothing. After an error the dialogue is over; so it is when done() says so.
func (h *handshake) reply(b, line []byte) ([]byte, error) {
	if len(line) == 0 {
		return b, nil
	}
	switch h.state {
	case awaitPong:
		return h.pong(b, line)
	case awaitBurst:
		return h.burst(b, line)
	case awaitPSYNC:
		return h.psync(b, line)
	}
	return b, &ProtocolError{During: "handshake", Got: clip(line)}
}

func (h *handshake) done() bool { return h.state == granted }

// awaited names the command whose reply comes next.
func (h *handshake) awaited() string {
	switch h.state {
	case awaitPong:
		return "PING"
	case awaitBurst:
		return h.pending[0]
	}
	return cmdPSYNC
}

// pong accepts any status, and the refusals that only say "who are you": the credentials come next. Without any to show the refusal stands.
func (h *handshake) pong(b, line []byte) ([]byte, error) {
	text := clip(line)
	asked := strings.HasPrefix(text, "-NOAUTH") || strings.HasPrefix(text, "-NOPERM") ||
		strings.HasPrefix(text, "-ERR operation not permitted")
	switch {
	case line[0] == '+', asked && h.who.password != "":
		return h.appendBurst(b), nil
	case line[0] == '-':
		return b, &RefusedError{Command: "PING", Reply: text[1:]}
	}
	return b, &ProtocolError{During: "reply to PING", Got: text}
}

// appendBurst appends AUTH and the options in the order in which Redis sends them.
func (h *handshake) appendBurst(b []byte) []byte {
	add := func(args ...string) {
		b = resp.AppendCommand(b, args...)
		h.pending = append(h.pending, args[0])
	}
	switch {
	case h.who.username != "" && h.who.password != "":
		add("AUTH", h.who.username, h.who.password)
	case h.who.password != "":
		add("AUTH", h.who.password)
	}
	add(cmdREPLCONF, "listening-port", strconv.Itoa(h.who.port))
	if h.who.ip != "" {
		add(cmdREPLCONF, "ip-address", h.who.ip)
	}
	add(cmdREPLCONF, "capa", "eof", "capa", "psync2")
	add(cmdREPLCONF, "version", valkeyVersion)
	h.state = awaitBurst
	return b
}

// burst counts one reply off. An option that the primary does not know is its loss. What ends the dialogue is a refused AUTH, and a user that has no right to
// REPLCONF: its acknowledgements would be refused, in the middle of the stream.
func (h *handshake) burst(b, line []byte) ([]byte, error) {
	asked := h.pending[0]
	h.pending = h.pending[1:]
	switch {
	case line[0] != '+' && line[0] != '-':
		return b, &ProtocolError{During: "reply to " + asked, Got: clip(line)}
	case line[0] == '-' && refusedError(asked, string(line[1:]), h.who.password).denied():
		return b, refusedError(asked, string(line[1:]), h.who.password)
	case len(h.pending) > 0:
		return b, nil
	}
	h.state = awaitPSYNC
	args := psyncArgs(h.id, h.count)
	if h.failover {
		args = append(args, optFailover)
	}
	return resp.AppendCommand(b, args...), nil
}

func (h *handshake) psync(b, line []byte) ([]byte, error) {
	r, err := parsePSYNCReply(line)
	if err != nil {
		return b, err
	}
	// A grant to continue what we never named would attach a stream to no data.
	if !r.full && h.id == "" {
		return b, &ProtocolError{During: "reply to PSYNC ? -1", Got: clip(line)}
	}
	h.result, h.state = r, granted
	return b, nil
}
