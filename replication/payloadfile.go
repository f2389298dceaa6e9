package replication

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/understudy-go/understudy/store"
)

// payloadFile is a payload of known length, which several replicas of a group are sent. A goroutine of its own encodes it, once, so that it depends on none of
// them: any may leave, the first one too. It is there for as long as somebody wants it, and so long it takes late comers: to them the cut is the group's, and the
// reader of the backlog that the group keeps there is where their stream begins.
//
//	           users > 0                              users > 0
//	encoding ------------> done, sent to each ... <-----------------> late comers
//	    |                        |
//	    +---- no users left -----+----> closed
type payloadFile struct {
	g     *syncGroup
	parts store.WriteOptions // what is in it

	// Written by encode until done is closed, read by anybody afterwards.
	spool *spool
	err   error
	done  chan struct{}

	abandoned atomic.Bool // no users left: encoding may stop

	// users are the replicas that wait for it or are sent it; complete, good or bad, is known a moment before done is closed. g.mu protects both: whoever
	// finds the other's half done closes the spool.
	users    map[*feed]struct{}
	complete bool
}

// errAbandoned ends the encoding of a payload that nobody waits for any more.
var errAbandoned = errors.New("replication: all replicas that wanted the payload went away")

// encode is the goroutine.
func (p *payloadFile) encode(snap *store.Snapshot) {
	err := p.g.n.turns.encode(context.Background(), snap, p, &p.parts) // waits for nobody but other encoders
	p.g.encoded(p, err)
}

// Write takes what is encoded.
func (p *payloadFile) Write(b []byte) (int, error) {
	if p.abandoned.Load() {
		return 0, errAbandoned
	}
	return p.spool.Write(b)
}

// shareLocked makes f a user of the file with its parts, of which there may be none yet. REQUIRES g.mu, and the snapshot.
func (g *syncGroup) shareLocked(f *feed, snap *store.Snapshot) {
	parts := *f.parts()
	p := g.files[parts]
	if p == nil {
		p = &payloadFile{
			g: g, parts: parts, spool: newSpool(g.n.cfg.Load().spool), done: make(chan struct{}), users: make(map[*feed]struct{}),
		}
		g.files[parts] = p
		g.encoding++
		g.n.wg.Go(func() { p.encode(snap) }) // f, whose connection is being served, keeps Close from having waited already
	}
	f.file = p
	p.users[f] = struct{}{}
}

// encoded notes the end of a file's encoding, good or bad, which lets go of the snapshot.
func (g *syncGroup) encoded(p *payloadFile, err error) {
	g.mu.Lock()
	p.err, p.complete = err, true
	g.encoding--
	unwanted := len(p.users) == 0
	snap := g.spareLocked()
	g.mu.Unlock()
	closeSnapshot(snap)
	close(p.done)
	if unwanted {
		p.spool.close() // nobody is there to be told of an error
	}
}

// admit makes f, which came after the cut, a member all the same: there is a file with what it wants, and somebody is still being sent it, so that the stream
// from the cut on is there too. REQUIRES n.histMu: the history is the one of the cut, or n.running would be another.
func (g *syncGroup) admit(f *feed) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.files[*f.parts()]
	if f.wantsMark() || p == nil || g.base == nil || p.err != nil {
		return false
	}
	r, err := g.base.Clone(f.ended)
	if err != nil {
		return false // the cut is further away than a replica may be behind
	}
	f.file, f.group = p, g
	f.begin(r, true)
	p.users[f] = struct{}{}
	return true
}

// dropLocked ends f's use of its file. It returns the file if that is to be closed: it was the last user. The last file of a group lets the cut go.
// REQUIRES g.mu.
func (g *syncGroup) dropLocked(f *feed) (unwanted *payloadFile) {
	p := f.file
	if p == nil {
		return nil
	}
	delete(p.users, f)
	if len(p.users) > 0 || g.files[p.parts] != p {
		return nil
	}
	delete(g.files, p.parts)
	if len(g.files) == 0 && g.base != nil {
		g.base.Close()
		g.base = nil
	}
	if !p.complete {
		p.abandoned.Store(true) // who encodes it will find no users, and close it
		return nil
	}
	return p
}

// await returns when the file is complete. Meanwhile the replica hears a newline each second.
func (p *payloadFile) await(f *feed) error {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return p.err
		case <-tick.C:
			if err := f.write([]byte{'\n'}); err != nil {
				return err
			}
		case <-f.ctx.Done():
			return f.ctx.Err()
		}
	}
}

// sendSized sends the group's file, behind its length.
func (f *feed) sendSized() (int64, error) {
	p := f.file
	if err := p.await(f); err != nil {
		return 0, err
	}
	defer f.group.leave(f)
	if err := f.write([]byte("$" + strconv.FormatInt(p.spool.size, 10) + "\r\n")); err != nil {
		return 0, err
	}
	f.payload.begin(p.spool.size)
	defer f.payload.end()
	n, err := io.CopyBuffer(struct{ io.Writer }{f}, f.payload.reader(p.spool.reader()), make([]byte, chunk))
	if err == nil {
		err = f.payloadOnly()
	}
	return n, err
}
