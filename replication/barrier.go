package replication

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/backlog"
)

// Barrier returns when every write that the primary had executed before the call is visible here. It asks the primary for its offset over a second connection, made
// with the same dialer and credentials, and waits until that much is applied.
//
// It fails with ErrNoBarrier, wrapped, when the primary does not tell; with the error of the connection; with the reason when following has stopped; with
// ErrClosed after Close; or with ctx's error.
func (r *Replica) Barrier(ctx context.Context) error {
	l, err := r.n.following()
	if err != nil {
		return err
	}
	id, offset, err := l.askOffset(ctx)
	if err != nil {
		return err
	}
	return r.n.waitOffset(ctx, id, offset)
}

// waitOffset waits until the data contains offset bytes of the history id, "" = of any.
func (n *node) waitOffset(ctx context.Context, id backlog.ID, offset int64) error {
	return n.progress.await(ctx, func() (bool, error) {
		if n.isClosed() {
			return true, ErrClosed
		}
		if n.reached(id, offset) {
			return true, nil
		}
		return n.over()
	})
}

// askOffset runs INFO replication on a connection of its own.
func (l *link) askOffset(ctx context.Context) (backlog.ID, int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(l.ctx, func() { cancel(ErrClosed) })()
	var conn net.Conn
	who, err := l.identity(ctx, func(string) {})
	if err == nil {
		conn, err = l.open(ctx, func(string) {})
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", 0, err
	}
	defer conn.Close()
	// Closing is what a blocked read hears.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	conn.SetDeadline(time.Now().Add(l.n.cfg.Load().timeout))
	text, err := inquire(conn, who)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return "", 0, err
	}
	return parseInfo(text)
}

// maxInfo bounds a section of INFO; one line a replica makes it grow.
const maxInfo = 1 << 20

// inquire sends AUTH, if there is something to show, and INFO, and returns the text of the latter's reply.
func inquire(conn net.Conn, who identity) (string, error) {
	var b []byte
	expect := []string{"INFO"}
	if who.password != "" {
		args := []string{"AUTH", who.username, who.password}
		if who.username == "" {
			args = []string{"AUTH", who.password}
		}
		b, expect = resp.AppendCommand(b, args...), []string{"AUTH", "INFO"}
	}
	if _, err := conn.Write(resp.AppendCommand(b, "INFO", "replication")); err != nil {
		return "", err
	}
	in := resp.NewReader(conn, &resp.Limits{MaxBulk: maxInfo, MaxArgs: 1})
	for {
		v, err := in.ReadValue()
		if err != nil {
			return "", noEOF(err)
		}
		if err := v.AsError(); err != nil {
			return "", fmt.Errorf("%w: %w", ErrNoBarrier, refusedError(expect[0], v.Str, who.password))
		}
		if expect = expect[1:]; len(expect) == 0 {
			return v.Str, nil
		}
	}
}

// parseInfo finds the two lines that matter.
func parseInfo(text string) (backlog.ID, int64, error) {
	var id backlog.ID
	offset := int64(-1)
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "master_replid":
			id, _ = backlog.ParseID(value)
		case "master_repl_offset":
			offset, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	if id == "" || offset < 0 {
		return "", 0, fmt.Errorf("%w: INFO without replication ID and offset", ErrNoBarrier)
	}
	return id, offset, nil
}
