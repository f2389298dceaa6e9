package replication

import (
	"context"
	"fmt"
	"strconv"
	"strings"

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
	a, err := l.ask(ctx)
	if err != nil {
		return "", 0, err
	}
	defer a.close()
	return a.offset()
}

// offset asks the primary for the place of its stream.
func (a *asker) offset() (backlog.ID, int64, error) {
	text, err := a.do("INFO", "replication")
	if _, refused := errorAs[*RefusedError](err); refused {
		err = fmt.Errorf("%w: %w", ErrNoBarrier, err)
	}
	if err != nil {
		return "", 0, err
	}
	return parseInfo(text.Text())
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
