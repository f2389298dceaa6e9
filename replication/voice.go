package replication

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// beat is how often a replica tells that it is there: with a newline while it loads, with an acknowledgement while it follows.
const beat = time.Second

type tone uint8

const (
	silent tone = iota
	newlines
	acknowledging
)

// voice owns the write side of a session's connection. What is to be written waits in memory, bounded by construction: the handshake is a few lines, and of
// several acknowledgements only the last counts.
type voice struct {
	conn   net.Conn
	n      *node
	ctx    context.Context
	cancel context.CancelFunc
	kick   chan struct{} // one token: there is something to write

	mu sync.Mutex

	// mu protects the fields below.
	tone  tone
	out   []byte        // lines of the handshake
	acked int64         // count to acknowledge now; -1 = none
	urge  *atomic.Int64 // acknowledge again and again while this stands at urged; nil = there is no need
	urged int64
	err   error // why writing failed
}

// firstUrge is the pause after which the first acknowledgement is repeated; it doubles each time.
const firstUrge = 10 * time.Millisecond

func newVoice(conn net.Conn, n *node) *voice {
	ctx, cancel := context.WithCancel(context.Background())
	return &voice{conn: conn, n: n, ctx: ctx, cancel: cancel, kick: make(chan struct{}, 1), acked: -1}
}

// say queues bytes.
func (v *voice) say(b []byte) {
	v.mu.Lock()
	v.out = append(v.out, b...)
	v.mu.Unlock()
	v.wake()
}

// ack queues an acknowledgement of what is applied at this instant.
func (v *voice) ack() {
	n := v.n.repl.Backlog().Offset()
	v.mu.Lock()
	v.acked = n
	v.mu.Unlock()
	v.wake()
}

// keepAlive begins to send newlines.
func (v *voice) keepAlive() {
	v.mu.Lock()
	v.tone = newlines
	v.mu.Unlock()
}

// follow begins to acknowledge, the first time at once.
//
// A primary that sent a payload with a mark waits for that before it streams. But redis-server passes over an acknowledgement that comes before it has noticed
// that its child, which sent the payload, has ended, and would then hear the next one a second later. So after a mark it is repeated until received moves,
// or the pause is no shorter than the beat.
func (v *voice) follow(marked bool, received *atomic.Int64) {
	v.mu.Lock()
	v.tone = acknowledging
	if marked {
		v.urge, v.urged = received, received.Load()
	}
	v.mu.Unlock()
	v.ack()
}

// urgent tells whether the primary has not begun to stream yet.
func (v *voice) urgent() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.urge != nil && v.urge.Load() != v.urged {
		v.urge = nil
	}
	return v.urge != nil
}

func (v *voice) wake() {
	select {
	case v.kick <- struct{}{}:
	default:
	}
}

func (v *voice) stop() { v.cancel() }

// run writes until stop. A failure closes the connection, which ends the reader.
func (v *voice) run() {
	t := time.NewTicker(beat)
	defer t.Stop()
	again, pause := time.NewTimer(0), time.Duration(0)
	defer again.Stop()
	again.Stop()
	for {
		due := false
		select {
		case <-v.ctx.Done():
			return
		case <-v.kick:
		case <-t.C:
			due = true
		case <-again.C:
			due, pause = v.urgent(), 2*pause
			if due && pause < beat {
				again.Reset(pause)
			}
		}
		if pause == 0 && v.urgent() {
			pause = firstUrge
			again.Reset(pause)
		}
		if err := v.write(v.take(due)); err != nil {
			v.fail(err)
			return
		}
	}
}

// take returns what is to be written now, and what the beat adds.
func (v *voice) take(due bool) []byte {
	applied := v.n.repl.Backlog().Offset()
	v.mu.Lock()
	defer v.mu.Unlock()
	b := v.out
	v.out = nil
	if due && v.tone == newlines {
		b = append(b, '\n')
	}
	if due && v.tone == acknowledging {
		v.acked = applied
	}
	if v.acked >= 0 {
		b = resp.AppendCommand(b, cmdREPLCONF, "ACK", strconv.FormatInt(v.acked, 10))
		v.acked = -1
	}
	return b
}

func (v *voice) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if err := v.conn.SetWriteDeadline(time.Now().Add(v.n.cfg.Load().timeout)); err != nil {
		return err
	}
	_, err := v.conn.Write(b)
	return err
}

func (v *voice) fail(err error) {
	v.mu.Lock()
	v.err = err
	v.mu.Unlock()
	v.conn.Close()
}

// cause returns the error that ended the session: that of the writer if the reader only saw the connection close because of it. REQUIRES that run has returned.
func (v *voice) cause(reader error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err != nil && errors.Is(reader, net.ErrClosed) {
		return v.err
	}
	return reader
}
