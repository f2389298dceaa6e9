package replication

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
	"github.com/understudy-go/understudy/store/backlog"
)

// session is one connection to a primary. The link's goroutine reads; the voice, a goroutine of its own, writes. Neither ever does the other's part, so a
// primary that does not read cannot keep us from reading, and the other way round.
type session struct {
	l     *link
	n     *node
	src   *source
	in    *resp.Reader // owned by the link's goroutine; replaced after a payload with a mark
	voice *voice
	who   identity

	synced bool   // came to stream
	resync Resync // how: complete once granted
	marked bool   // by a payload with a mark, behind which the primary waits for an acknowledgement
}

// streamLimits are those of a server towards its clients, but for the number of arguments: a primary streams what it took from a client, and Redis takes that many.
// Memory follows the bytes that arrive, not the number that is claimed.
func streamLimits() *resp.Limits { return &resp.Limits{MaxArgs: math.MaxInt32} }

func newSession(l *link, conn net.Conn, who identity) *session {
	src := &source{conn: conn, l: l}
	return &session{l: l, n: l.n, src: src, in: resp.NewReader(src, streamLimits()), voice: newVoice(conn, l.n), who: who}
}

// run follows until the connection fails. The error is never nil.
func (s *session) run() error {
	var wg sync.WaitGroup
	wg.Go(s.voice.run)
	err := s.follow()
	s.voice.stop()
	s.src.conn.Close()
	wg.Wait()
	return s.voice.cause(err)
}

func (s *session) follow() error {
	granted, err := s.shakeHands()
	if err != nil {
		return err
	}
	if granted.full {
		err = s.fullSync(granted)
	} else {
		err = s.resume(granted)
	}
	if err != nil {
		return err
	}
	s.synced = true
	s.l.at("reading the stream")
	s.voice.follow(s.marked, &s.l.received)
	s.l.become(Streaming, nil)
	s.l.n.note(Event{Kind: Resynced, Peer: s.l.to.addr, Reason: s.resync.Reason, Resync: &s.resync})
	return s.stream()
}

// shakeHands runs the dialogue up to the primary's grant.
func (s *session) shakeHands() (psyncReply, error) {
	s.l.become(Handshake, nil)
	id, count, err := s.history()
	if err != nil {
		return psyncReply{}, err
	}
	h := newHandshake(s.who, id, count)
	h.failover = s.l.failover.asks()
	s.voice.say(h.start(nil))
	for !h.done() {
		s.l.at("waiting for the reply to " + h.awaited())
		line, err := s.in.ReadLine()
		if err != nil {
			return psyncReply{}, noEOF(err)
		}
		out, err := h.reply(nil, line)
		if err != nil {
			s.l.answered(h, err)
			return psyncReply{}, err
		}
		if h.failover && h.state == awaitPSYNC && len(out) > 0 {
			s.l.failover.sent()
		}
		s.voice.say(out)
	}
	s.l.answered(h, nil)
	s.resync = received(id, count, s.l.anew && !s.l.hasSynced(), h.result)
	return h.result, nil
}

// answered tells a failover what has become of its request.
func (l *link) answered(h *handshake, err error) {
	switch {
	case !h.failover:
	case err != nil:
		l.failover.failed(err)
	default:
		l.failover.granted()
	}
}

// history returns what to continue, "" when there is nothing: a fresh store has an ID but no data worth naming, tainted data is not what its ID says, and
// what a link has stopped at would stop this one as well.
func (s *session) history() (backlog.ID, int64, error) {
	if s.l.failover.asks() {
		return s.handedOver()
	}
	h, synced := s.n.repl.History(), s.l.hasSynced()
	if h.Taint != "" && synced {
		return "", 0, taintedError(h.Taint) // it went bad under this very link
	}
	if h.Taint != "" || s.n.repl.Fresh() || s.l.anew && !synced {
		return "", 0, nil
	}
	return h.ID, h.Offset, nil
}

// handedOver returns the history that a failover is about: the replica has it, even if nothing was ever written.
func (s *session) handedOver() (backlog.ID, int64, error) {
	h := s.n.repl.History()
	return h.ID, h.Offset, taintedError(h.Taint)
}

// fullSync reads the payload into a new generation and makes it the data. Until then the old data is served; if anything fails it stays. What differs with
// LoadInPlace is in load.go.
func (s *session) fullSync(r psyncReply) error {
	s.l.spool.reset()
	s.l.load.reset()
	s.l.pulseAt = time.Time{}
	s.l.become(Loading, nil)
	s.voice.keepAlive()
	s.l.at("waiting for the payload")
	start := time.Now()
	head, err := s.payloadHeader()
	if err != nil {
		return err
	}
	s.marked = head.mark != nil
	p := newPayload(s.in, head)
	if err := s.load(p, r); err != nil {
		return err
	}
	s.readOn(p.rest())
	s.l.received.Store(r.offset)
	s.n.count(func(c *counters) { c.fullTaken, c.resync = c.fullTaken+1, &s.resync })
	s.l.log.Info("full resync done", zap.String("reason", string(s.resync.Reason)), zap.String("replid", string(r.id)), zap.Int64("offset", r.offset),
		zap.Int64("bytes", p.read), zap.Duration("elapsed", time.Since(start)))
	return nil
}

// payloadHeader skips the newlines by which the primary says that it is still there.
func (s *session) payloadHeader() (payloadHeader, error) {
	for {
		line, err := s.in.ReadLine()
		if err != nil {
			return payloadHeader{}, noEOF(err)
		}
		if len(line) > 0 {
			return parsePayloadHeader(line)
		}
	}
}

// readOn makes rest, which was read together with the payload, the next bytes of the stream.
func (s *session) readOn(rest []byte) {
	if len(rest) > 0 {
		s.in = resp.NewReader(io.MultiReader(bytes.NewReader(rest), s.in), streamLimits())
	}
}

// resume goes on where the data stands. A new name for the same history must be known here before the first byte under it is applied.
func (s *session) resume(r psyncReply) error {
	h := s.n.repl.History()
	if r.id != "" && r.id != h.ID {
		if err := s.n.changeHistory(func() error { return s.n.repl.Continue(r.id) }); err != nil {
			return err
		}
	}
	s.l.received.Store(h.Offset)
	s.n.count(func(c *counters) { c.partialTaken, c.resync = c.partialTaken+1, &s.resync })
	s.l.log.Info("partial resync", zap.String("replid", string(r.id)), zap.Int64("from", h.Offset+1))
	return nil
}

// stream applies what comes until the connection fails or something cannot be applied.
func (s *session) stream() error {
	a := s.n.repl.NewApplier()
	defer a.Drop()
	var b batch
	for {
		if err := b.read(s.in); err != nil {
			return streamError(err)
		}
		if err := s.apply(a, b.frames, s.in.Raw()); err != nil {
			return err
		}
	}
}

// streamError tells a command that is too large for us, which will come again and be too large again, from what a new connection may cure.
func streamError(err error) error {
	if errors.Is(err, resp.ErrTooLarge) {
		return fmt.Errorf("%w: %w", ErrCommandTooLarge, err)
	}
	return noEOF(err)
}

// apply hands a batch to the store, in pieces where the primary asks for an acknowledgement: the answer counts what comes before the question; and behind marks, while
// somebody waits for one. Those inside of a transaction that is not complete are at no offset.
func (s *session) apply(a *store.Applier, frames []store.Frame, raw []byte) error {
	s.l.received.Add(int64(len(raw)))
	defer s.n.progress.fire()
	for len(frames) > 0 {
		if isGetAck(frames[0].Args) {
			s.voice.ack()
		}
		armed := s.n.cuts.armed.Load() > 0
		n, size := run(frames, armed)
		if err := a.Apply(frames[:n], raw[:size]); err != nil {
			return err
		}
		if last := frames[n-1].Args; armed && isMark(last) && a.Held() == 0 {
			s.n.atMark(last)
		}
		frames, raw = frames[n:], raw[size:]
	}
	return nil
}

func (l *link) hasSynced() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.synced
}
