package replication

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/understudy-go/understudy/replication/internal/server"
	"github.com/understudy-go/understudy/store"
	"github.com/understudy-go/understudy/store/backlog"
)

// This file is how two nodes take snapshots of the same offset while writes go on.
//
// Both need a place in the stream that they recognize: a mark. The primary at the top puts PING and a random token into its stream, and takes its own snapshot, if it is
// the one that is asked, in the same critical section; every node below takes one when that frame has been applied. A PING with an argument is as good as one without to
// whoever else reads the stream.
//
// Below a primary that makes no marks, a Redis, its PING and REPLCONF GETACK do as well: they have no name, so a node that waits keeps its snapshots of the last few of
// them until it hears at which offset the other one took its own. A Redis puts GETACK into the stream when a client waits for more replicas than there are. Where
// that is not allowed, PING is left, which comes every 10 s by default, from Redis 8.0 on only while nothing else comes.

// Bounds of what comparing may cost a node, each snapshot up to store.Options.SnapshotBudget.
const (
	maxCuts   = 4                // held for those who asked, at one time
	keptMarks = 4                // snapshots at marks without a name, for each who waits
	cutLife   = 10 * time.Minute // after which a cut that nobody released is closed
	markHops  = 16               // links that a request for a mark goes up: chains are shorter, circles are not
)

// cuts are those who wait for a snapshot at a mark, and what was given out.
type cuts struct {
	armed atomic.Int32 // how many wait; the link looks at it for each piece of the stream

	mu sync.Mutex

	// mu protects the fields below.
	waiting map[*cutWait]struct{}
	held    int
}

// cutWait is one who waits. Its snapshots are its own; disarm closes them.
type cutWait struct {
	n     *node
	token string

	// Protected by cuts.mu.
	named   *store.Snapshot   // at the token's mark
	unnamed []*store.Snapshot // at others, oldest first
}

func newToken() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// arm begins to wait. A mark that was made after it has returned is not missed.
func (n *node) arm(token string) *cutWait {
	w := &cutWait{n: n, token: token}
	n.cuts.mu.Lock()
	defer n.cuts.mu.Unlock()
	if n.cuts.waiting == nil {
		n.cuts.waiting = map[*cutWait]struct{}{}
	}
	n.cuts.waiting[w] = struct{}{}
	n.cuts.armed.Add(1)
	return w
}

// disarm ends the wait and closes all snapshots that were not taken out. Idempotent.
func (w *cutWait) disarm() {
	c := &w.n.cuts
	c.mu.Lock()
	if _, waiting := c.waiting[w]; waiting {
		delete(c.waiting, w)
		c.armed.Add(-1)
	}
	all := append(w.unnamed, w.named)
	w.named, w.unnamed = nil, nil
	c.mu.Unlock()
	for _, sn := range all {
		if sn != nil {
			sn.Close()
		}
	}
}

// isMark reports whether a frame is one at which snapshots are taken.
func isMark(args [][]byte) bool {
	return isGetAck(args) || (len(args) == 1 || len(args) == 2) && equalFold(args[0], "PING")
}

// atMark takes the snapshots that are due. The link's goroutine calls it when it has applied a mark and nothing behind it; as nobody else moves the offset of a node that
// follows, the offset is still that of the mark.
func (n *node) atMark(args [][]byte) {
	token := ""
	if len(args) == 2 {
		token = string(args[1])
	}
	for _, w := range n.cuts.list() {
		if token == "" || token == w.token {
			w.add(n.store.Snapshot(), token != "")
		}
	}
}

func (c *cuts) list() []*cutWait {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]*cutWait, 0, len(c.waiting))
	for w := range c.waiting {
		list = append(list, w)
	}
	return list
}

// add keeps a snapshot, and closes the one that it drives out, or itself if nobody waits any more.
func (w *cutWait) add(sn *store.Snapshot, named bool) {
	c := &w.n.cuts
	c.mu.Lock()
	_, waiting := c.waiting[w]
	switch {
	case !waiting:
	case named:
		w.named, sn = sn, w.named
	default:
		w.unnamed, sn = append(w.unnamed, sn), nil
		if len(w.unnamed) > keptMarks {
			sn, w.unnamed = w.unnamed[0], w.unnamed[1:]
		}
	}
	c.mu.Unlock()
	if sn != nil {
		sn.Close()
	}
}

// take hands out the first snapshot that fits; the caller closes it.
func (w *cutWait) take(fits func(sn *store.Snapshot, named bool) bool) *store.Snapshot {
	w.n.cuts.mu.Lock()
	defer w.n.cuts.mu.Unlock()
	if sn := w.named; sn != nil && fits(sn, true) {
		w.named = nil
		return sn
	}
	for i, sn := range w.unnamed {
		if fits(sn, false) {
			w.unnamed = append(w.unnamed[:i:i], w.unnamed[i+1:]...)
			return sn
		}
	}
	return nil
}

var (
	errPassed = errors.New("the stream went by without a snapshot, or the history changed")
	errNoMark = errors.New("no mark came in the stream")
	errMany   = errors.New("too many cuts are held")
	errLinkUp = errors.New("the link to the primary is down")
	errHops   = errors.New("too many nodes between here and the primary")
)

// awaitAt waits for the snapshot of that very place. It fails once the stream is beyond it.
func (w *cutWait) awaitAt(ctx context.Context, id backlog.ID, offset int64) (sn *store.Snapshot, err error) {
	err = w.n.progress.await(ctx, func() (bool, error) {
		h := w.n.repl.History() // before looking: what it has passed has been taken by now
		sn = w.take(func(sn *store.Snapshot, _ bool) bool {
			at := sn.History()
			return at.ID == id && at.Offset == offset
		})
		switch {
		case sn != nil:
			return true, nil
		case h.ID != id || h.Offset > offset:
			return true, errPassed
		}
		return w.n.over()
	})
	return sn, err
}

// awaitAny waits for the snapshot at the named mark, or, if there will be none, at any.
func (w *cutWait) awaitAny(ctx context.Context, named bool) (sn *store.Snapshot, err error) {
	err = w.n.progress.await(ctx, func() (bool, error) {
		sn = w.take(func(_ *store.Snapshot, isNamed bool) bool { return isNamed || !named })
		if sn != nil {
			return true, nil
		}
		return w.n.over()
	})
	if ctx.Err() != nil {
		err = errNoMark
	}
	return sn, err
}

// Mark implements server.Node. After an error a mark without a name may come all the same.
func (n *node) Mark(ctx context.Context, token string, hops int) error {
	l := n.current()
	switch {
	case l == nil:
		n.repl.Inject("PING", token)
		return nil
	case hops <= 0:
		return errHops
	case !l.streaming():
		return errLinkUp
	}
	a, err := l.ask(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	_, err = a.do(cmdOwn, "MARK", token, strconv.Itoa(min(hops, markHops)-1))
	if refused, ok := errorAs[*RefusedError](err); ok && isUnknownCommand(refused.Reply) {
		a.do("WAIT", strconv.Itoa(math.MaxInt32), "1") // replicas, milliseconds; whatever comes of it
	}
	return err
}

// Cut implements server.Node.
func (n *node) Cut(ctx context.Context, token string) (*store.Snapshot, func(), error) {
	if !n.cuts.reserve() {
		return nil, nil, errMany
	}
	sn, err := n.cut(ctx, token)
	if err == nil {
		if taint := sn.History().Taint; taint != "" {
			sn.Close()
			err = &server.Refusal{Code: server.CodeTainted, Text: taint}
		}
	}
	if err != nil {
		n.cuts.release()
		return nil, nil, err
	}
	return sn, n.hold(sn), nil
}

// cut takes a snapshot at the mark.
func (n *node) cut(ctx context.Context, token string) (*store.Snapshot, error) {
	l := n.current()
	if l == nil {
		return n.repl.Mark("PING", token)
	}
	if !l.streaming() {
		return nil, errLinkUp
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Load().timeout*3/4) // the answer is there before the asker, with the same timeout, gives up
	defer cancel()
	w := n.arm(token)
	defer w.disarm()
	// Whoever does not make a mark for us, for whatever reason, makes some of its own.
	err := n.Mark(ctx, token, markHops)
	return w.awaitAny(ctx, err == nil)
}

// hold returns what closes sn, once, for the one who asked or in time.
func (n *node) hold(sn *store.Snapshot) (release func()) {
	var late *time.Timer
	end := sync.OnceFunc(func() {
		sn.Close()
		n.cuts.release()
	})
	late = time.AfterFunc(cutLife, end)
	return func() {
		late.Stop()
		end()
	}
}

// reserve counts a cut that is about to be held; it refuses one too many.
func (c *cuts) reserve() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held >= maxCuts {
		return false
	}
	c.held++
	return true
}

func (c *cuts) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held--
}
