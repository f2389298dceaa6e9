package replication

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/store"
	"github.com/understudy-go/understudy/store/backlog"
)

// syncGroup is the replicas that share one full resync: they asked before its cut, or joined it. The cut gives them one snapshot and each a reader of its own that
// starts there; from then on every member goes its own way, at its own speed.
//
// A group takes members while it is node.group. Whichever member's time comes first makes the cut for all, so that no member is special and any may leave.
//
// Members that take a mark wait for company, DisklessDelay or until there are enough: each is sent the file as it is encoded, so who comes later comes too late.
// Those that want a length wait for nobody: they share an encoded file, and while it is being sent to any of them a late comer joins at the same cut. Such
// groups are node.running. A payload with a mark cannot be joined: what was sent of it is nowhere kept.
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
	snap    *store.Snapshot // nil before the cut, and when nobody needs it any more
	history backlog.History // of the cut
	err     error           // why there is no snapshot

	// Of the members that want a length.
	files    map[store.WriteOptions]*payloadFile
	encoding int             // files that are being encoded: they need the snapshot
	base     *backlog.Reader // at the cut, for late comers; nil without files. Of its methods only Clone and Close are called
}

// joinGroupLocked makes f a member of a group whose file is being sent, of the group that waits, or of a new one. REQUIRES n.histMu, which a cut takes too, and n.mu.
func (n *node) joinGroupLocked(f *feed) {
	if slices.ContainsFunc(n.running, func(g *syncGroup) bool { return g.admit(f) }) {
		return
	}
	c := n.cfg.Load()
	if n.group == nil {
		n.group = &syncGroup{
			n: n, at: time.Now().Add(c.disklessDelay),
			early: make(chan struct{}), ready: make(chan struct{}), members: make(map[*feed]struct{}),
			files: make(map[store.WriteOptions]*payloadFile),
		}
	}
	g := n.group
	f.group = g
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members[f] = struct{}{}
	if enough := len(g.members) == c.disklessMax || !f.wantsMark(); enough && !g.full {
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
	if g.n.closeGroup(g) && g.cutOnce() {
		g.n.nowRunning(g)
	}
}

// cutOnce reports whether late comers may join.
func (g *syncGroup) cutOnce() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cut = true
	g.snap, g.err = g.takeLocked()
	close(g.ready)
	return g.base != nil
}

// takeLocked gives each member a reader that starts at the cut, and those that want a length a file.
func (g *syncGroup) takeLocked() (*store.Snapshot, error) {
	snap, base, err := g.n.repl.Cut(g.n.limits().sync, nil)
	if err != nil {
		return nil, err
	}
	g.history = snap.History()
	if err := taintedError(g.history.Taint); err != nil { // since its members were attached
		base.Close()
		snap.Close()
		return nil, err
	}
	for f := range g.members {
		r, err := base.Clone(f.ended)
		if err != nil {
			f.ended(err)
			continue
		}
		f.begin(r, true)
		if !f.wantsMark() {
			g.shareLocked(f, snap)
			delete(g.members, f) // its file needs the snapshot, it does not
		}
	}
	if len(g.files) > 0 {
		g.base = base
	} else {
		base.Close()
	}
	if len(g.members) == 0 && g.encoding == 0 {
		snap.Close()
		return nil, ErrClosed
	}
	return snap, nil
}

// closeGroup makes the next replica found a group of its own, and tells whether g was open.
func (n *node) closeGroup(g *syncGroup) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.group != g {
		return false
	}
	n.group = nil
	return true
}

// nowRunning makes g one of the groups that late comers may join. REQUIRES n.histMu.
func (n *node) nowRunning(g *syncGroup) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.running = append(slices.DeleteFunc(n.running, (*syncGroup).over), g)
}

// noneRunning keeps late comers from the cuts of a history that is about to end. REQUIRES n.histMu.
func (n *node) noneRunning() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.running = nil
}

// over tells whether nobody is sent a file of the group any more.
func (g *syncGroup) over() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.base == nil
}

// leave is called by each member once or more: when its payload is out, or when it goes away. The last one frees snapshot and file.
func (g *syncGroup) leave(f *feed) {
	g.mu.Lock()
	delete(g.members, f)
	unwanted := g.dropLocked(f)
	snap := g.spareLocked()
	g.mu.Unlock()
	closeSnapshot(snap)
	if unwanted != nil {
		unwanted.spool.close() // nobody is there to be told of an error
	}
}

// spareLocked returns the snapshot when nobody needs it any more, once. REQUIRES g.mu.
func (g *syncGroup) spareLocked() *store.Snapshot {
	if !g.cut || len(g.members) > 0 || g.encoding > 0 {
		return nil
	}
	snap := g.snap
	g.snap = nil
	return snap
}

func closeSnapshot(snap *store.Snapshot) {
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
	h := f.group.history
	with := f.resync
	with.ID, with.Offset = string(h.ID), h.Offset
	f.n.log.Info("full resync started", zap.String("replica", f.addr()), zap.String("reason", string(with.Reason)), zap.String("replid", with.ID), zap.Int64("offset", with.Offset))
	f.n.note(Event{Kind: ReplicaResynced, Peer: f.addr(), Reason: with.Reason, Resync: &with})
	if !f.req.old {
		if err := f.write(appendFullResync(nil, h.ID, h.Offset)); err != nil {
			return err
		}
	}
	size, err := f.sendPayload()
	if err != nil {
		return err
	}
	f.n.log.Info("full resync done", zap.String("replica", f.addr()), zap.Int64("bytes", size), zap.Duration("elapsed", time.Since(start)))
	return nil
}

// wantsMark tells the form of the payload: a mark for who understands it, unless the node is told to send lengths.
func (f *feed) wantsMark() bool { return f.peer.CapaEOF && f.n.cfg.Load().diskless }

// sendPayload sends the form that the cut has chosen, and returns the number of bytes of the file.
func (f *feed) sendPayload() (int64, error) {
	if f.file != nil {
		return f.sendSized()
	}
	size, err := f.sendMarked(f.group.snap)
	if err == nil {
		f.group.leave(f) // the snapshot is not needed while the replica loads
		err = f.awaitFirstAck()
	}
	return size, err
}

// sendMarked sends the file as it is encoded, between two marks.
func (f *feed) sendMarked(snap *store.Snapshot) (int64, error) {
	f.payload.begin(0)
	defer f.payload.end()
	mark := newMark()
	w := bufio.NewWriterSize(f, chunk)
	w.WriteString("$" + markPrefix + mark + "\r\n")
	if err := f.n.turns.encode(f.ctx, snap, &countWriter{w, &f.payload.bytes}, f.parts()); err != nil {
		return f.payload.bytes.Load(), err
	}
	w.WriteString(mark) // an error is kept by w until Flush
	return f.payload.bytes.Load(), w.Flush()
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
	o := fieldDeadlinesFor(f.peer.Version)
	o.NoKeys, o.NoFunctions = f.peer.NoKeys, f.peer.NoFunctions
	return &o
}

type countWriter struct {
	w io.Writer
	n *atomic.Int64
}

func (c *countWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n.Add(int64(n))
	return n, err
}
