package replication

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/replication/internal/server"
)

// link follows one primary: it dials, runs a session until that fails, waits, and tries again, until it is stopped or a failure is terminal. It lives as long
// as the node follows this primary; re-pointing makes another link.
type link struct {
	// Immutable after newLink.
	n        *node
	to       target
	dialer   dialing
	log      *zap.Logger
	failover *failover       // what the first request is a part of; nil for most
	anew     bool            // until the first sync, what the store holds is not continued: see spoils
	ctx      context.Context // of the life of the link
	cancel   context.CancelFunc
	done     chan struct{} // closed when the goroutine has ended

	pulseAt time.Time // when the next Syncing event is due; the goroutine's

	// Written by the goroutine and by the reader of a connection, read by anybody.
	lastIO   atomic.Int64 // unix nanoseconds, 0 = never
	received atomic.Int64 // bytes of the stream that came, counted as offsets are
	spool    transfer     // of the payload to a file, where the load mode has one
	load     transfer     // of the payload to the store

	mu sync.Mutex

	// mu protects the fields below.
	state   State
	stage   string // what it is at, in words for an error
	since   time.Time
	down    time.Time // when the link went down; zero while up
	err     error
	synced  bool     // has streamed at least once
	conn    net.Conn // of the running session; nil between sessions
	dropped bool     // the session was ended by drop
	started bool     // the goroutine runs, or has ended
	stopped bool     // no session may begin any more

	consented bool          // the next full resync is taken whatever it is: see Guard. Set before start, or by consent
	held      *Offer        // what the guard holds; nil: nothing
	goOn      chan struct{} // of hold; closed by consent
}

func newLink(n *node, to target, d dialing) *link {
	ctx, cancel := context.WithCancel(context.Background())
	return &link{
		n: n, to: to, dialer: d, ctx: ctx, cancel: cancel, done: make(chan struct{}),
		log:  n.log.With(zap.String("primary", to.addr)),
		down: time.Now(), since: time.Now(),
	}
}

// start starts the goroutine, once.
func (l *link) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.started || l.stopped {
		return
	}
	l.started = true
	go func() {
		defer close(l.done)
		l.run()
	}()
}

// stop ends the link and waits for its goroutine. nil is fine, and so is a link that was never started.
func (l *link) stop() {
	if l == nil {
		return
	}
	l.cancel()
	l.mu.Lock()
	l.stopped = true
	conn, started := l.conn, l.started
	l.mu.Unlock()
	closeConn(conn)
	if started {
		<-l.done
	}
}

// drop cuts the session, if there is one. The link goes on and tries again.
func (l *link) drop() bool {
	l.mu.Lock()
	conn := l.conn
	l.dropped = conn != nil
	l.mu.Unlock()
	closeConn(conn)
	return conn != nil
}

func closeConn(c net.Conn) {
	if c != nil {
		c.Close()
	}
}

func (l *link) run() {
	failures := 0
	for l.ctx.Err() == nil {
		synced, err := l.attempt()
		if l.ctx.Err() != nil {
			break
		}
		if synced {
			failures = 0
		}
		if held, ok := errorAs[*HeldError](err); ok {
			failures = 0
			l.hold(held, err)
			continue
		}
		failures++
		if l.final(err) {
			l.stopFor(err)
			return
		}
		if l.failover.over() {
			return // the node goes back to being a primary
		}
		l.waitAfter(err, synced, failures)
	}
	l.become(Closed, nil)
}

// stopFor is the end of a link that must not be tried again: state and error stay for whoever asks.
func (l *link) stopFor(err error) {
	l.become(Stopped, err)
	reason := ReasonOf(err)
	l.log.Error("following stopped", zap.Error(err), zap.String("reason", string(reason)), zap.Int64("offset", l.n.repl.Backlog().Offset()))
	l.n.note(Event{Kind: LinkStopped, Peer: l.to.addr, Reason: reason, Err: err})
}

func (l *link) waitAfter(err error, synced bool, failures int) {
	pause := l.dialer.backoff(failures)
	l.become(Waiting, err)
	event, log := "cannot follow", l.log.Warn
	switch {
	case synced:
		event = "link lost"
	case failures&(failures-1) != 0:
		log = l.log.Debug // of a failure that goes on, 1, 2, 4, 8, ... are worth a line
	}
	reason := ReasonOf(err)
	log(event, zap.Error(err), zap.String("reason", string(reason)), zap.Int("failures", failures), zap.Stringer("retry", pause))
	l.n.note(Event{Kind: LinkLost, Peer: l.to.addr, Reason: reason, Err: err})
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.ctx.Done():
	}
}

// attempt runs one session from dialing to its end, which is always an error. synced tells whether it came to stream.
func (l *link) attempt() (synced bool, err error) {
	l.become(Connecting, nil)
	who, conn, err := l.connect()
	if err != nil {
		return false, l.failed(err)
	}
	defer conn.Close()
	if !l.adopt(conn) {
		return false, ErrClosed
	}
	s := newSession(l, conn, who)
	err = s.run()
	return s.synced, l.failed(l.release(err))
}

// connect finds out who to be and dials, all within one timeout.
func (l *link) connect() (identity, net.Conn, error) {
	ctx, cancel := context.WithTimeout(l.ctx, l.n.cfg.Load().timeout)
	defer cancel()
	who, err := l.identity(ctx, l.at)
	if err != nil {
		return identity{}, nil, err
	}
	conn, err := l.open(ctx, l.at)
	return who, conn, err
}

// open dials the primary, over TLS where its URL or the settings of this moment say so.
func (l *link) open(ctx context.Context, at func(stage string)) (net.Conn, error) {
	d, to := l.dialer, l.to
	if c := l.n.cfg.Load().upstream; c != nil {
		d.tls, to.tls = c, true
	}
	return d.open(ctx, to, at)
}

// at notes what the link is waiting for.
func (l *link) at(stage string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stage = stage
}

// failed says where and at what err came about.
func (l *link) failed(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &LinkError{Primary: l.to.addr, Stage: l.stage, Err: err}
}

// adopt makes conn the one that stop and drop close. It refuses when stop came first.
func (l *link) adopt(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return false
	}
	l.conn, l.dropped = conn, false
	return true
}

// release forgets the connection and returns why it ended.
func (l *link) release(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = nil
	if l.dropped {
		return errDropped
	}
	return err
}

// become enters a state, and tells it once no lock is held. Only the link's goroutine calls it, so what is told is in order.
//
// The error of the last failure stays visible until the link streams again: while it is being tried again, why it failed is what an operator wants to know.
func (l *link) become(to State, err error) {
	from := l.enter(to, err)
	if from == to {
		return
	}
	l.n.progress.fire()
	log := l.log.Debug
	if to == Streaming || to == Stopped {
		log = l.log.Info
	}
	log("link state changed", zap.Stringer("from", from), zap.Stringer("to", to), zap.Int64("offset", l.n.repl.Backlog().Offset()))
	l.dialer.onState(from, to)
}

func (l *link) enter(to State, err error) (from State) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	from = l.state
	if from != to {
		l.state, l.since = to, now
	}
	switch {
	case to == Streaming:
		l.err, l.down, l.synced, l.consented = nil, time.Time{}, true, false
	case from == Streaming:
		l.down = now
	}
	if err != nil {
		l.err = err
	}
	return from
}

// ready tells whether the first sync is over; an error says that it will not come.
func (l *link) ready() (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.synced:
		return true, nil
	case l.state == Stopped, l.state == Held:
		return false, l.err
	case l.state == Closed:
		return false, errReplaced
	}
	return false, nil
}

// awaited adds to err, the end of a wait for the link, what kept it from coming up: why the last attempt failed, else what it is at.
func (l *link) awaited(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return fmt.Errorf("%w: %w", err, l.err)
	}
	return &LinkError{Primary: l.to.addr, Stage: cmp.Or(l.stage, "dialing"), Err: err}
}

// failure returns the terminal error, nil while there is none.
func (l *link) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == Stopped {
		return l.err
	}
	return nil
}

func (l *link) streaming() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == Streaming
}

// spoiled tells whether the next link must ask for everything, because going on where this one stopped would stop it too. nil is fine.
func (l *link) spoiled() bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.anew && !l.synced || l.state == Stopped && spoils(l.err)
}

// fill writes the link's part of a status.
func (l *link) fill(s *Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Role, s.Primary = RoleReplica, l.to.addr
	s.State, s.Since, s.Err = l.state, l.since, l.err
	if l.held != nil {
		offer := *l.held
		s.Offer = &offer
	}
	s.LastIO = unixNano(l.lastIO.Load())
	s.Received = l.received.Load()
	l.progress(s)
}

// upstream is the same for the server's INFO and ROLE.
func (l *link) upstream(offset int64) *server.UpstreamState {
	host, port := l.to.hostPort()
	l.mu.Lock()
	defer l.mu.Unlock()
	up := &server.UpstreamState{
		Host: host, Port: port, Up: l.state == Streaming, Stopped: l.state == Stopped, State: wireState(l.state), Phase: l.state.String(),
		LastIO: unixNano(l.lastIO.Load()), DownSince: l.down, Err: l.err,
		SyncInProgress: l.state == Loading,
		Offset:         offset, ReadOffset: max(offset, l.received.Load()),
	}
	l.transferTo(up)
	return up
}

func wireState(s State) string {
	switch s {
	case Connecting:
		return server.LinkConnecting
	case Handshake:
		return server.LinkHandshake
	case Loading:
		return server.LinkSync
	case Streaming:
		return server.LinkConnected
	}
	return server.LinkConnect
}

func unixNano(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

// source reads a connection with a deadline on each read, and notes that it did.
type source struct {
	conn net.Conn
	l    *link
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(s.l.n.cfg.Load().timeout)); err != nil {
		return 0, err
	}
	n, err := s.conn.Read(p)
	if n > 0 {
		s.l.lastIO.Store(time.Now().UnixNano())
		s.l.n.count(func(c *counters) { c.bytesIn += int64(n) })
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = ErrTimeout
	}
	return n, err
}

var _ io.Reader = (*source)(nil)

// taintedError wraps ErrTainted with the reason, nil for honest data.
func taintedError(reason string) error {
	if reason == "" {
		return nil
	}
	return &taintError{reason}
}

type taintError struct{ reason string }

func (e *taintError) Error() string        { return ErrTainted.Error() + ": " + e.reason }
func (e *taintError) Is(target error) bool { return target == ErrTainted }
