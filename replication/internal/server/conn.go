package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// replyChunk is how many bytes of finished replies are collected before they are written even though more commands are waiting in the read buffer.
const replyChunk = 64 << 10

// How a client wants to be answered (CLIENT REPLY).
const (
	repliesOn = iota
	repliesOff
	repliesSkip // the next one is left out
)

// conn is one client. Its fields belong to the goroutine that runs serve, except where stated.
type conn struct {
	srv    *Server         // immutable, as are the next seven
	id     int64           //
	ctx    context.Context // ends when the client is killed or the server closes
	cancel context.CancelFunc
	nc     net.Conn // any goroutine may Close it; deadlines and I/O are the owner's
	src    *source  // nc, counted: what reader reads from
	reader *resp.Reader
	since  time.Time

	session    *store.Session
	own        map[string]*store.Command // own commands as the session wants them, made when first used
	proto      int                       // 2 or 3; changed under outMu
	authed     bool                      // with the password that was set at the time
	strange    bool                      // see stranger.go
	until      time.Time                 // a stranger must have become known
	replies    int
	inExec     bool               // EXEC is running: nothing may wait
	refused    resp.Value         // what lookup has to say in place of the session's "unknown command"
	args       [][]byte           // of the command that is being executed
	peer       *Peer              // from the first REPLCONF on
	cut        *heldCut           // of UNDERSTUDY CUT; nil when none is held
	psync      [][]byte           // PSYNC or SYNC was accepted: the arguments, copied
	closing    bool               // after the replies are written
	ran        bool               // the command passed the gates
	lapped     time.Duration      // by clock: the last command ended, or the present one arrived
	waited     time.Duration      // since then, for something that is no work
	awaited    *blockedCall       // the command that is executed; nil when it did not wait
	statOfName map[string]spelled // by the name as the client spells it
	tally      tally              // since settle
	noted      *commandStat       // of the command that note has recorded; nil when it knows none
	full       bool               // the buffer holds replyChunk bytes
	unseen     unseen             // of the open transaction: what monitors will see if it is executed
	queued     []*commandStat     // of the open transaction, in order

	// What brings messages, see push.go. From the first subscription, or MONITOR, on; sub is set under mu, because other clients ask it for numbers.
	sub        *store.Subscriber
	pushStop   chan struct{} // closed by endPush
	pushAgain  chan struct{} // has a value when push shall look at the queue though nothing was added
	pushed     chan struct{} // closed when push has ended
	monitoring atomic.Bool   // MONITOR was answered
	unwritten  atomic.Int64  // bytes of a write that is under way; any goroutine reads it
	over       atomic.Int64  // when, after since, housekeeping first found more pending than the soft limit; 0 when there is not
	late       []resp.Value  // confirmations that follow the reply to EXEC

	// outMu protects the fields below. It is held during writes, and never by anybody but the client's two goroutines.
	outMu sync.Mutex
	out   []byte // replies and messages not written yet
	held  bool   // messages wait until the next reply
	owed  bool   // push found messages, and no room for them

	// mu protects the fields below, which CLIENT LIST of other clients reads.
	mu      sync.Mutex
	name    string
	lib     [2]string // CLIENT SETINFO: name and version of the client library
	command string    // the last one, lower case, with its sub-command
	lastIO  time.Time
	db      int
	multi   int          // commands queued, -1 without a transaction
	unblock *blockedCall // what CLIENT UNBLOCK ends; nil when nothing waits
	respVer int
	noEvict bool
}

func newConn(s *Server, id int64, ctx context.Context, cancel context.CancelFunc, nc net.Conn) *conn {
	now := time.Now()
	c := &conn{srv: s, id: id, ctx: ctx, cancel: cancel, nc: nc, since: now, lastIO: now, multi: -1, proto: 2, respVer: 2, own: map[string]*store.Command{}, statOfName: map[string]spelled{}}
	c.src = &source{conn: nc, bytes: &s.stats.bytesIn}
	t := s.tuning.Load()
	c.authed = t.password == ""
	c.strange, c.until = !c.authed || isSecure(nc), now.Add(strangerTime)
	c.reader = resp.NewReader(c.src, c.limits())
	c.session = s.store.NewSession(&store.SessionOptions{Extra: c.lookup, Wait: c.beginWait, Permit: c.permit})
	return c
}

func sortByID(list []*conn) {
	slices.SortFunc(list, func(a, b *conn) int { return cmp.Compare(a.id, b.id) })
}

// serve answers commands until the client leaves, is closed, or turns into a replica.
func (c *conn) serve() error {
	defer c.endPush()
	defer c.nc.Close() // push may be writing
	defer c.leave()    // whoever sees the end sees no subscription either
	defer c.srv.forget(c)
	defer c.session.Reset()
	defer c.dropCut()
	stop := context.AfterFunc(c.ctx, func() { c.nc.Close() })
	defer stop()
	if err := c.secure(); err != nil {
		return c.end(err)
	}
	for !c.closing && c.psync == nil {
		if err := c.batch(); err != nil {
			c.goodBye()
			return c.end(err)
		}
	}
	if c.psync == nil {
		c.goodBye()
		return nil
	}
	return c.becomeReplica(stop)
}

// batch reads at least one command, executes all that have arrived with it, and writes the replies in one go.
func (c *conn) batch() error {
	if err := c.setIdleDeadline(); err != nil {
		return err
	}
	c.src.budget = c.queryLimit()
	args, err := c.reader.ReadCommand()
	c.lapped = c.clock()
	ok := err == nil
	for ok {
		c.execute(args)
		if c.closing || c.psync != nil {
			break
		}
		if c.full {
			if err := c.flush(); err != nil {
				return err
			}
		}
		args, ok, err = c.reader.TryCommand()
	}
	c.settle()
	c.touch()
	// Replies to what came before a broken command are still owed.
	c.report(err)
	return errors.Join(err, c.flush())
}

func (c *conn) setIdleDeadline() error {
	var deadline time.Time
	if d := c.srv.tuning.Load().idle; d > 0 && !c.subscribed() && !c.monitoring.Load() {
		deadline = time.Now().Add(d)
	}
	if c.strange && (deadline.IsZero() || c.until.Before(deadline)) {
		deadline = c.until
	}
	return c.nc.SetReadDeadline(deadline)
}

// report answers a command that could not be read. Other errors are of the connection, which nobody reads any more.
func (c *conn) report(err error) {
	var syntax *resp.SyntaxError
	if errors.As(err, &syntax) {
		c.send(resp.Err("ERR " + c.unauthenticated(syntax)))
	}
}

// end turns an ordinary farewell into nil.
func (c *conn) end(err error) error {
	if errors.Is(err, errOutputLimit) {
		c.srv.stats.slow.Add(1)
	}
	if c.ctx.Err() != nil || isFarewell(err) {
		return nil
	}
	return err
}

// execute runs one command and appends its reply. args are valid during the call.
func (c *conn) execute(args [][]byte) {
	if len(args) == 0 {
		return
	}
	c.args, c.refused, c.ran = args, resp.Value{}, false
	st := c.statOf(args)
	c.tally.commands++
	c.note(st, args)
	v := c.run(args)
	c.account(st, args, v, c.lap())
	c.send(v)
	c.watched(args, v)
	c.args = nil
}

// run returns the reply to one command: the gates first, then the connection's own affairs, then the session's.
func (c *conn) run(args [][]byte) resp.Value {
	name := args[0]
	if isWeb(name) {
		c.closing = true
		c.dropReplies()
		return resp.Value{}
	}
	if !c.authed && c.srv.tuning.Load().password == "" {
		c.authed = true // it was taken away meanwhile
		c.welcome()
	}
	if !c.authed && !isOpen(name) {
		return resp.Err("NOAUTH Authentication required.")
	}
	if !c.srv.pause.wait(c, name) || !c.srv.handover.wait(c, name) || !c.srv.leaving.wait(c, name) {
		c.closing = true
		return resp.Value{}
	}
	if v := c.unfit(args); v.Kind != 0 {
		return v
	}
	if c.loading(args) {
		return resp.Err(errLoading)
	}
	c.ran = true
	switch {
	case equalFold(name, "quit"):
		return c.quit()
	case equalFold(name, "reset"):
		return c.reset()
	}
	c.inExec = equalFold(name, "exec")
	if holds(name) {
		c.hold()
	}
	if c.memory(args) {
		return resp.OK()
	}
	v := c.session.Do(args)
	if isSealed(v) {
		v = c.afterHandover(args)
	}
	c.answered(v)
	if c.refused.Kind != 0 {
		return c.refused
	}
	return v
}

// isOpen reports whether a command may be sent before AUTH.
func isOpen(name []byte) bool {
	return equalFold(name, "auth") || equalFold(name, "hello") || equalFold(name, "quit") || equalFold(name, "reset")
}

// isWeb recognises a browser: a page that makes it post to this port must not get its body executed, so the connection is closed without a reply.
func isWeb(name []byte) bool { return equalFold(name, "post") || equalFold(name, "host:") }

// send appends a reply, unless there is none (a value without a kind) or the client does not want it.
func (c *conn) send(v resp.Value) {
	if v.Kind == resp.Error {
		c.srv.stats.errors.Add(1)
	}
	c.outMu.Lock()
	defer c.outMu.Unlock()
	switch {
	case v.Kind == 0 || c.replies == repliesOff:
	case c.replies == repliesSkip:
		c.replies = repliesOn
	default:
		c.out = resp.AppendValue(c.out, v, c.proto)
	}
	for _, v := range c.late {
		c.out = resp.AppendValue(c.out, v, c.proto)
	}
	c.late = nil
	if c.held {
		c.held = false
		c.release()
	}
	c.full = len(c.out) >= replyChunk
}

// release makes messages that were held back go out. REQUIRES: outMu.
func (c *conn) release() {
	if c.sub != nil {
		c.drain(replyChunk) // the rest, if any, is push's again
	}
}

// dropReplies forgets what was not written.
func (c *conn) dropReplies() {
	c.outMu.Lock()
	c.out = nil
	c.outMu.Unlock()
}

// flush writes the replies. One that is over the limit of its class ends the client.
func (c *conn) flush() error {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	c.full = false
	c.repay()
	if len(c.out) == 0 {
		return nil
	}
	if limit := c.outputLimit(); limit > 0 && int64(len(c.out)) > limit {
		return errOutputLimit
	}
	err := c.writeOut()
	c.lapped = c.clock() // writing is not the next command's work
	return err
}

// outputLimit is that of the client's class, in bytes, 0 for none.
func (c *conn) outputLimit() int64 {
	t := c.srv.tuning.Load()
	if c.subscribed() {
		return max(t.pubsubLimit, 0)
	}
	return t.outputLimit
}

// errOutputLimit ends a client whose replies outgrew client-output-buffer-limit normal.
var errOutputLimit = errors.New("server: replies beyond the client's output limit")

// note records what CLIENT LIST and INFO show while the command runs. Most commands are followed by another of the same kind, and known: then there is nothing
// to do.
func (c *conn) note(st *commandStat, args [][]byte) {
	if st != nil && st == c.noted {
		return
	}
	c.noted = st
	c.mu.Lock()
	defer c.mu.Unlock()
	if st != nil {
		c.command = st.name
		return
	}
	if len(args) == 1 || !c.srv.hasSubcommands(args[0]) {
		if !strings.EqualFold(c.command, string(args[0])) {
			c.command = clip(lower(string(args[0])))
		}
		return
	}
	c.command = clip(lower(string(args[0]) + "|" + string(args[1])))
}

// clip bounds what is kept of a name from outside.
func clip(name string) string { return name[:min(len(name), 64)] }

// touch records the state after a batch.
func (c *conn) touch() {
	now, multi := time.Now(), -1
	if c.session.InMulti() {
		multi = c.session.Queued()
	}
	c.mu.Lock()
	c.lastIO, c.db, c.multi, c.respVer = now, c.session.DB(), multi, c.proto
	c.mu.Unlock()
}

// kill ends the client from outside, whatever it is doing. Its replies may be lost. It receives no message from here on: who publishes next does not count it.
func (c *conn) kill() {
	c.mu.Lock()
	if c.sub != nil {
		c.sub.Close()
	}
	c.mu.Unlock()
	c.cancel()
	c.nc.Close()
}

// becomeReplica hands the connection over to the node. All replies are written by now, and c is out of the list of clients before the node can put the
// replica into its own.
func (c *conn) becomeReplica(keepOpen func() bool) error {
	keepOpen() // from here on the node decides when to close
	c.dropCut()
	c.endPush()
	c.srv.forget(c)
	c.srv.feeds(1)
	defer c.srv.feeds(-1)
	if err := c.nc.SetDeadline(time.Time{}); err != nil {
		return err
	}
	c.src.budget = math.MaxInt64 // the node sets limits of its own
	p := c.handshake()
	p.Name = c.name // no lock: only this goroutine writes it
	return c.srv.node.ServeReplica(c.ctx, p, c.psync)
}

// handshake returns what REPLCONF has told so far.
func (c *conn) handshake() *Peer {
	if c.peer == nil {
		c.peer = &Peer{Conn: c.nc, Reader: c.reader, ClientID: c.id}
	}
	return c.peer
}

func cloneArgs(args [][]byte) [][]byte {
	out := make([][]byte, len(args))
	for i, a := range args {
		out[i] = bytes.Clone(a)
	}
	return out
}
