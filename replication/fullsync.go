package replication

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"io"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/store"
)

// syncGroup is the replicas that share one full resync: they asked before its cut. The cut gives them one snapshot and each a reader of its own that starts
// there; from then on every member goes its own way, at its own speed.
//
// A group takes members while it is node.group. Whichever member's time comes first makes the cut for all, so that no member is special and any may leave.
type syncGroup struct {
	n     *node
	at    time.Time     // when the cut is due
	early chan struct{} // closed when there are enough members
	ready chan struct{} // closed by the cut

	mu sync.Mutex

	// mu protects the fields below.
	members map[*feed]struct{} // until the cut those that wait, after it those that still need the snapshot
	full    bool               // early is closed; members may leave again before the cut
	cut     bool
	snap    *store.Snapshot // nil before the cut, and after the last member is done
	err     error           // why there is no snapshot
}

// joinGroupLocked makes f a member of the group that waits, or of a new one. REQUIRES n.histMu, which a cut takes too, and n.mu.
func (n *node) joinGroupLocked(f *feed) {
	c := n.cfg.Load()
	if n.group == nil {
		n.group = &syncGroup{
			n: n, at: time.Now().Add(c.disklessDelay),
			early: make(chan struct{}), ready: make(chan struct{}), members: make(map[*feed]struct{}),
		}
	}
	g := n.group
	f.group = g
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members[f] = struct{}{}
	if len(g.members) == c.disklessMax && !g.full {
		g.full = true
		close(g.early)
	}
}

// wait returns when the cut is made, by this member or another. Meanwhile the replica hears a newline each second.
func (g *syncGroup) wait(f *feed) error {
	due := time.NewTimer(time.Until(g.at))
	defer due.Stop()
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-g.ready:
			return g.failure()
		case <-due.C:
			g.makeCut()
		case <-g.early:
			g.makeCut()
			<-g.ready
		case <-tick.C:
			if err := f.write([]byte{'\n'}); err != nil {
				return err
			}
		case <-f.ctx.Done():
			return f.ctx.Err()
		}
	}
}

func (g *syncGroup) failure() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// makeCut closes the group and takes snapshot and readers in one critical section of the store. Only the first call does so.
func (g *syncGroup) makeCut() {
	g.n.histMu.Lock()
	defer g.n.histMu.Unlock()
	g.n.closeGroup(g)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cut {
		return
	}
	g.cut = true
	g.snap, g.err = g.takeLocked()
	close(g.ready)
}

// takeLocked gives each member a reader that starts at the cut.
func (g *syncGroup) takeLocked() (*store.Snapshot, error) {
	snap, base, err := g.n.repl.Cut(g.n.limits().sync, nil)
	if err != nil {
		return nil, err
	}
	defer base.Close()
	for f := range g.members {
		r, err := base.Clone(f.ended)
		if err != nil {
			f.ended(err)
			continue
		}
		f.begin(r, true)
	}
	if len(g.members) == 0 {
		snap.Close()
		return nil, ErrClosed
	}
	return snap, nil
}

// closeGroup makes the next replica found a group of its own.
func (n *node) closeGroup(g *syncGroup) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.group == g {
		n.group = nil
	}
}

// leave is called by each member once or more: when its payload is out, or when it goes away. The last one frees the snapshot.
func (g *syncGroup) leave(f *feed) {
	g.mu.Lock()
	delete(g.members, f)
	var snap *store.Snapshot
	if g.cut && len(g.members) == 0 {
		snap, g.snap = g.snap, nil
	}
	g.mu.Unlock()
	if snap != nil {
		snap.Close()
	}
}

// fullSync waits for the cut and sends what the replica needs to stand there.
func (f *feed) fullSync() error {
	if err := f.group.wait(f); err != nil {
		return err
	}
	defer f.group.leave(f)
	f.become(FeedSending)
	start := time.Now()
	snap := f.group.snap
	h := snap.History()
	with := f.resync
	with.ID, with.Offset = string(h.ID), h.Offset
	f.n.log.Info("full resync started", zap.String("replica", f.addr()), zap.String("reason", string(with.Reason)), zap.String("replid", with.ID), zap.Int64("offset", with.Offset))
	f.n.note(Event{Kind: ReplicaResynced, Peer: f.addr(), Reason: with.Reason, Resync: &with})
	if !f.req.old {
		if err := f.write(appendFullResync(nil, h.ID, h.Offset)); err != nil {
			return err
		}
	}
	size, err := f.sendPayload(snap)
	if err != nil {
		return err
	}
	f.n.log.Info("full resync done", zap.String("replica", f.addr()), zap.Int64("bytes", size), zap.Duration("elapsed", time.Since(start)))
	return nil
}

// sendPayload chooses the form and returns the number of bytes of the file.
func (f *feed) sendPayload(snap *store.Snapshot) (int64, error) {
	if !f.peer.CapaEOF || !f.n.cfg.Load().diskless {
		return f.sendSized(snap)
	}
	size, err := f.sendMarked(snap)
	if err == nil {
		f.group.leave(f) // the snapshot is not needed while the replica loads
		err = f.awaitFirstAck()
	}
	return size, err
}

// sendMarked sends the file as it is encoded, between two marks.
func (f *feed) sendMarked(snap *store.Snapshot) (int64, error) {
	mark := newMark()
	w := bufio.NewWriterSize(f, chunk)
	c := &countWriter{w: w}
	w.WriteString("$" + markPrefix + mark + "\r\n")
	if err := snap.WriteRDB(c, f.parts()); err != nil {
		return c.n, err
	}
	w.WriteString(mark) // an error is kept by w until Flush
	return c.n, w.Flush()
}

// newMark returns 40 random characters: that they occur in a file is less likely than a failure of the memory that holds it.
func newMark() string {
	var raw [markLen / 2]byte
	rand.Read(raw[:])
	return hex.EncodeToString(raw[:])
}

// awaitFirstAck keeps silent until the replica says that it has loaded. It is behind a mark that it finds in what it reads; a byte of the stream in
// the same segment would be lost by some.
func (f *feed) awaitFirstAck() error {
	f.become(FeedSending)
	f.watch()
	select {
	case <-f.first:
		return f.payloadOnly()
	case <-f.ctx.Done():
		return f.ctx.Err()
	}
}

// payloadOnly ends the link to a replica that wanted no stream. One that wanted a part of the file alone gets the whole stream after it, as from Redis:
// redis-cli --replica shows the stream and has no use for a file.
func (f *feed) payloadOnly() error {
	if f.peer.RDBOnly {
		return errPayloadOnly
	}
	return nil
}

// parts is what of the data set the replica wants.
func (f *feed) parts() *store.WriteOptions {
	return &store.WriteOptions{NoKeys: f.peer.NoKeys, NoFunctions: f.peer.NoFunctions}
}

// sendSized encodes into a spool first, because the length goes before the file.
func (f *feed) sendSized(snap *store.Snapshot) (int64, error) {
	sp := newSpool(f.n.cfg.Load().spool)
	defer sp.close()
	if err := snap.WriteRDB(&nudge{w: sp, f: f, last: time.Now()}, f.parts()); err != nil {
		return 0, err
	}
	f.group.leave(f)
	if err := f.write([]byte("$" + strconv.FormatInt(sp.size, 10) + "\r\n")); err != nil {
		return 0, err
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{f}, sp.reader(), make([]byte, chunk))
	if err == nil {
		err = f.payloadOnly()
	}
	return n, err
}

// nudge lets the replica hear a newline each second while the file is being made. It writes between two pieces of the file, so that the connection keeps
// its one writer.
type nudge struct {
	w    io.Writer
	f    *feed
	last time.Time
}

func (x *nudge) Write(b []byte) (int, error) {
	if now := time.Now(); now.Sub(x.last) >= beat {
		x.last = now
		if err := x.f.write([]byte{'\n'}); err != nil {
			return 0, err
		}
	}
	return x.w.Write(b)
}

type countWriter struct {
	w io.Writer
	n int64
}

func (c *countWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
