package replication

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// cmdOwn is the command that nodes of this library have for each other.
const cmdOwn = "UNDERSTUDY"

// asker is a connection to the primary beside the one that streams, for questions: a client's, made with the same dialer and credentials. It is used by one goroutine.
type asker struct {
	l      *link
	ctx    context.Context // ends with the caller's, and with the link
	stop   func()
	conn   net.Conn
	in     *resp.Reader
	out    []byte
	expect []string // what each reply to come answers

	password string // that no error repeats
}

// ask dials. The caller closes what it gets. AUTH, if there is something to show, goes out with the first command.
func (l *link) ask(ctx context.Context) (*asker, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	unlink := context.AfterFunc(l.ctx, func() { cancel(l.gone()) })
	a := &asker{l: l, ctx: ctx}
	var conn net.Conn
	timed, done := context.WithTimeoutCause(ctx, l.n.cfg.Load().timeout, ErrTimeout) // as for the link itself
	defer done()
	who, err := l.identity(timed, func(string) {})
	if err == nil {
		conn, err = l.open(timed, func(string) {})
	}
	if err != nil {
		if timed.Err() != nil {
			err = context.Cause(timed)
		}
		err = a.cause(err)
		unlink()
		cancel(nil)
		return nil, err
	}
	hangUp := context.AfterFunc(ctx, func() { conn.Close() }) // what a blocked read hears
	a.conn, a.in, a.password = conn, resp.NewReader(conn, nil), who.password
	a.stop = func() {
		unlink()
		hangUp()
		cancel(nil)
	}
	switch {
	case who.password == "":
	case who.username == "":
		a.queue("AUTH", who.password)
	default:
		a.queue("AUTH", who.username, who.password)
	}
	return a, nil
}

// gone is why a link was stopped.
func (l *link) gone() error {
	if l.n.isClosed() {
		return ErrClosed
	}
	return errReplaced
}

func (a *asker) close() {
	a.stop()
	a.conn.Close()
}

// cause prefers why the context ended to what that did to the connection.
func (a *asker) cause(err error) error {
	if a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrTimeout
	}
	return noEOF(err)
}

// queue adds a command to what the next send writes.
func (a *asker) queue(args ...string) {
	a.out = resp.AppendCommand(a.out, args...)
	a.expect = append(a.expect, args[0])
}

// allow gives the primary the timeout, and extra, from now on.
func (a *asker) allow(extra time.Duration) {
	a.conn.SetDeadline(time.Now().Add(a.l.n.cfg.Load().timeout + extra))
}

// send writes what is queued.
func (a *asker) send() error {
	a.allow(0)
	_, err := a.conn.Write(a.out)
	a.out = a.out[:0]
	if err != nil {
		return a.cause(err)
	}
	return nil
}

// receive returns the next reply, that to AUTH passed over. An error reply is a *RefusedError.
func (a *asker) receive() (resp.Value, error) {
	for {
		v, err := a.in.ReadValue()
		if err != nil {
			return resp.Value{}, a.cause(err)
		}
		asked := a.expect[0]
		a.expect = a.expect[1:]
		if v.AsError() != nil {
			return resp.Value{}, refusedError(asked, v.Str, a.password)
		}
		if asked != "AUTH" {
			return v, nil
		}
	}
}

// do sends one command and returns its reply.
func (a *asker) do(args ...string) (resp.Value, error) {
	a.queue(args...)
	if err := a.send(); err != nil {
		return resp.Value{}, err
	}
	return a.receive()
}
