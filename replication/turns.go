package replication

import (
	"context"
	"io"
	"runtime"

	"github.com/understudy-go/understudy/store"
)

// turns lets a few payloads be encoded at a time. Encoding is all processor: twenty replicas that ask at once would make twenty goroutines that never wait, and the
// scheduler would let a writer of the store wait behind all of them, ten milliseconds each. With half of the processors there is always one for others. A payload has
// its turn from one write to the next, a piece of 64 KiB, so those that are sent at the same time share the processors evenly, and one whose replica does not read
// keeps nobody waiting.
type turns chan struct{}

func newTurns() turns { return make(turns, max(1, runtime.GOMAXPROCS(0)/2)) }

// encode writes the snapshot to w, by turns. The end of ctx is heard while it waits for one.
func (s turns) encode(ctx context.Context, snap *store.Snapshot, w io.Writer, parts *store.WriteOptions) error {
	t := &turn{turns: s, ctx: ctx, w: w}
	if err := t.take(); err != nil {
		return err
	}
	defer t.give()
	return snap.WriteRDB(t, parts)
}

// turn is a writer behind an encoder, who has its turn except while this one writes.
type turn struct {
	turns turns
	ctx   context.Context
	w     io.Writer
	held  bool
}

// take waits for a turn.
func (t *turn) take() error {
	select {
	case t.turns <- struct{}{}:
		t.held = true
		return nil
	case <-t.ctx.Done():
		return t.ctx.Err()
	}
}

// give ends a turn, if there is one.
func (t *turn) give() {
	if t.held {
		t.held = false
		<-t.turns
	}
}

func (t *turn) Write(b []byte) (int, error) {
	t.give()
	n, err := t.w.Write(b)
	if err == nil {
		err = t.take()
	}
	return n, err
}
