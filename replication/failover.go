package replication

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
)

// A planned failover exchanges the roles of a primary and one of its replicas without losing a write:
//
//	waiting   the stream is sealed, clients that write wait      -> a replica has acknowledged all of it
//	asking    the node follows that replica: PSYNC id n FAILOVER -> the replica promotes itself and grants the request
//
// Ended early, the first step leaves everything as it was. In the second one the node takes the role of a primary back, under a new ID: whatever the replica does
// with the request, it does under another name. Nobody but the failover itself changes the role meanwhile.

// FailoverState is how far a planned failover is.
type FailoverState uint8

const (
	FailoverNone    FailoverState = iota
	FailoverWaiting               // for the replica to have everything; no write is accepted
	FailoverAsking                // the node follows the replica and asks it to take over
)

func (s FailoverState) String() string {
	switch s {
	case FailoverWaiting:
		return "waiting"
	case FailoverAsking:
		return "asking"
	}
	return "none"
}

// FailoverOptions are the choices of Primary.Failover. nil and the zero value are the defaults.
type FailoverOptions struct {
	// To is the host:port that the replica which is to take over has announced (ReplicaOptions.Announce), as ReplicaInfo.Addr has it then: an Addr that is only the
	// connection's is none. Default: the first that has everything and has announced a port.
	To string

	// Timeout bounds how long the replica may take to have everything. It does not bound the time after that, in which the replica is asked to take over and writes
	// are refused as well: the end of ctx does. Default: 0, until ctx ends.
	Timeout time.Duration

	// Force hands over to To even if it has not got everything when Timeout is over: what it lacks is lost. It needs both of them.
	Force bool

	// Replica is how the node follows the new primary, as for Primary.Follow: TLS, and what it asks for by RequirePassword, must be here if the node
	// was made by NewPrimary. Default: the options with which it has followed before, if it has.
	Replica *ReplicaOptions
}

func (o *FailoverOptions) validate() error {
	err := notNegative("Timeout", o.Timeout)
	if o.To != "" {
		_, _, bad := net.SplitHostPort(o.To)
		err = errors.Join(err, bad)
	}
	if o.Force && (o.To == "" || o.Timeout == 0) {
		err = errors.Join(err, errForce)
	}
	if o.Replica != nil {
		err = errors.Join(err, o.Replica.validate())
	}
	return err
}

// Failover hands the role over to a replica and makes this node a replica of it. Writes are refused from the call on, with store.ErrSealed and then
// store.ErrReadOnly, until the replica has acknowledged every byte, which takes up to a second; clients of the listener that write are not refused but wait. The replica
// then promotes itself at the node's request. Siblings continue partially, and the clients that waited find a replica here. Writers in Go are to turn to the new primary.
//
// Give ctx a deadline: while nobody can take over, and nothing says for good that nobody will, writes are refused until it ends.
//
// It works with a replica of any kind that knows PSYNC ... FAILOVER: Redis from 6.2 on, Valkey, and this package's, if ReplicaOptions.AllowReplicaOf and
// Announce are set.
//
// On an error the node is the primary still or again, except when ctx ended after the replica had been asked and before it answered: then nobody knows who is the
// primary, and the node stays a replica that goes on asking. Only in that case the Replica is returned together with the error.
func (p *Primary) Failover(ctx context.Context, o *FailoverOptions) (*Replica, error) {
	if o == nil {
		o = new(FailoverOptions)
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.Replica != nil {
		if err := p.n.accepts(o.Replica); err != nil {
			return nil, err
		}
	}
	f, err := p.n.beginFailover(ctx, o)
	if err != nil {
		return nil, err
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		f.cancel(context.Cause(ctx))
		<-f.done
	}
	if l := p.n.current(); l != nil && !p.n.isClosed() {
		return &Replica{n: p.n, to: l.to, started: true}, f.err
	}
	return nil, f.err
}

// failover is one, from its beginning to its end.
type failover struct {
	n      *node
	opts   FailoverOptions
	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{} // closed at the end
	err    error         // valid then

	state  FailoverState // under node.mu
	before func()        // puts back the options that the node had as a primary
	answer chan error    // of the replica; one value
	mu     sync.Mutex

	// mu protects the fields below.
	asked    bool // a request went out
	again    bool // not the first one
	answered bool
	refused  bool // the answer was no
}

// beginFailover starts one if the node can; the rest is done by a goroutine.
func (n *node) beginFailover(ctx context.Context, o *FailoverOptions) (*failover, error) {
	srv, err := n.embeddedServer() // whose clients must wait, should any come
	if err != nil {
		return nil, err
	}
	f := &failover{n: n, opts: *o, done: make(chan struct{}), answer: make(chan error, 1), state: FailoverWaiting}
	f.ctx, f.cancel = context.WithCancelCause(context.Background())
	if err := n.adoptFailover(ctx, f); err != nil {
		f.cancel(nil)
		return nil, err
	}
	srv.Hold()
	go func() {
		defer close(f.done)
		defer f.cancel(nil)
		f.err = f.run()
		n.setFailover(nil)
		srv.Release()
		f.log()
	}()
	return f, nil
}

// adoptFailover makes f the node's failover unless it must not have one. A change of role that is under way is waited for: its end says whether.
func (n *node) adoptFailover(ctx context.Context, f *failover) error {
	if err := n.acquire(ctx); err != nil {
		return err
	}
	defer n.release()
	feeds := n.feedList()
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.closed:
		return ErrClosed
	case n.failover != nil:
		return ErrFailingOver
	case n.link != nil:
		return ErrNotPrimary
	case len(feeds) == 0, f.opts.To == "" && !slices.ContainsFunc(feeds, f.means):
		return ErrNoSuccessor
	case f.opts.Force && (f.opts.To == "" || f.opts.Timeout == 0):
		return errForce
	}
	if err := f.knows(feeds); err != nil {
		return err
	}
	n.failover = f
	return nil
}

// knows checks that the replica which is asked for is there, and online.
func (f *failover) knows(feeds []*feed) error {
	if f.opts.To == "" {
		return nil
	}
	for _, r := range feeds {
		if !f.means(r) {
			continue
		}
		if r.online() {
			return nil
		}
		return ErrReplicaNotOnline
	}
	return ErrNoSuchReplica
}

// means tells whether r may take over: it must have said where it listens.
func (f *failover) means(r *feed) bool {
	return r.peer.ListeningPort != 0 && !r.peer.NoKeys && (f.opts.To == "" || r.addr() == f.opts.To)
}

func (n *node) setFailover(f *failover) {
	n.mu.Lock()
	n.failover = f
	n.mu.Unlock()
	n.progress.fire()
}

// failoverState is how far the node's failover is.
func (n *node) failoverState() FailoverState {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failover == nil {
		return FailoverNone
	}
	return n.failover.state
}

// abortFailover ends the failover that is under way, and waits for that. The node is a primary then.
func (n *node) abortFailover(why error) bool {
	n.mu.Lock()
	f := n.failover
	n.mu.Unlock()
	if f == nil {
		return false
	}
	f.cancel(why)
	<-f.done
	return true
}

func (f *failover) log() {
	if f.n.isClosed() {
		return
	}
	if f.err != nil {
		f.n.log.Warn("failover ended early", zap.Error(f.err))
		return
	}
	f.n.log.Info("failover done")
}

// run is the failover. Whatever it returns, the stream is not sealed any more.
func (f *failover) run() error {
	f.n.repl.Inject(cmdREPLCONF, "GETACK", "*") // the answer tells who is behind; what counts is an acknowledgement of what comes with it, too
	f.n.repl.Seal()
	f.n.log.Info("failover begun", zap.String("to", f.opts.To), zap.Int64("offset", f.n.repl.Backlog().Offset()))
	to, err := f.await()
	if err != nil {
		f.n.repl.Unseal()
		return err
	}
	if err := f.n.acquire(f.ctx); err != nil {
		f.n.repl.Unseal()
		return err
	}
	f.configure()
	f.n.mu.Lock()
	f.state = FailoverAsking
	f.n.mu.Unlock()
	f.n.becomeReplica(target{network: "tcp", addr: to, tls: f.n.prefersTLS()}, true, f)
	f.n.release()
	return f.ask()
}

// configure takes over the options of the replica that the node is to become, and notes how to undo that. REQUIRES n.role.
func (f *failover) configure() {
	f.before = func() {}
	if f.opts.Replica == nil {
		return
	}
	n := f.n
	n.mu.Lock()
	c, d := n.cfg.Load(), n.dial
	n.mu.Unlock()
	f.before = func() {
		n.reconfigure(func(*config) *config { return c })
		n.mu.Lock()
		n.dial = d
		n.mu.Unlock()
	}
	n.configure(f.opts.Replica)
}

// await waits until a replica has everything and returns its address.
func (f *failover) await() (to string, err error) {
	ctx := f.ctx
	if f.opts.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, f.opts.Timeout, ErrFailoverTimeout)
		defer cancel()
	}
	offset := f.n.repl.Backlog().Offset()
	err = f.n.acks.await(ctx, func() (bool, error) {
		to = f.complete(offset)
		return to != "", nil
	})
	if err != nil {
		err = context.Cause(ctx)
	}
	if errors.Is(err, ErrFailoverTimeout) && f.opts.Force {
		return f.opts.To, nil
	}
	return to, err
}

// complete returns the address of a replica that has offset bytes, "" if there is none.
func (f *failover) complete(offset int64) string {
	for _, r := range f.n.feedList() {
		if f.means(r) && r.has(offset) {
			return net.JoinHostPort(r.ip(), strconv.Itoa(r.peer.ListeningPort))
		}
	}
	return ""
}

// ask waits for the answer of the replica, which the link asks, and undoes everything unless it is yes.
func (f *failover) ask() error {
	var err error
	select {
	case err = <-f.answer:
	case <-f.ctx.Done():
		err = context.Cause(f.ctx)
		if !errors.Is(err, ErrFailoverAborted) && f.unanswered() {
			return err // the replica may be a primary by now: two would be worse than none
		}
	}
	if err == nil {
		return nil
	}
	if f.n.acquire(context.Background()) != nil {
		return err // closed meanwhile
	}
	defer f.n.release()
	f.before()
	return errors.Join(err, f.n.becomePrimary())
}

func (f *failover) unanswered() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked && !f.answered
}

// asks tells whether the link that is about to send PSYNC must ask for the failover with it. nil is fine.
func (f *failover) asks() bool {
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.answered || f.refused
}

// over tells whether the link has nothing more to do here. nil is fine.
func (f *failover) over() bool {
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refused
}

// sent notes that the request goes out.
func (f *failover) sent() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.again, f.asked = f.asked, true
}

// granted is the answer yes.
func (f *failover) granted() { f.conclude(nil) }

// failed judges what kept a link from being granted its request. What the replica did not say is tried again. That it is a primary is no refusal if a request
// before this one went unanswered: then it is one because of that, and the next link has nothing to ask for.
func (f *failover) failed(err error) {
	refused, ok := errorAs[*RefusedError](err)
	switch {
	case !ok && !terminal(err), ok && refused.Command != cmdPSYNC && !terminal(err):
		return
	case ok && f.repeated() && strings.Contains(refused.Reply, errFailoverToPrimary.Error()):
		err = nil
	}
	f.conclude(err)
}

// repeated tells whether a request before the present one went unanswered.
func (f *failover) repeated() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.again
}

func (f *failover) conclude(err error) {
	f.mu.Lock()
	late := f.answered
	f.answered, f.refused = true, f.refused || err != nil && !late
	f.mu.Unlock()
	if !late {
		f.answer <- err
	}
}

// Texts for a node that asks us to take over.
var (
	errFailoverToPrimary = errors.New("PSYNC FAILOVER can't be sent to a master.")     //lint:ignore ST1005 the wire text ends so
	errFailoverOtherID   = errors.New("PSYNC FAILOVER replid must match my replid.")   //lint:ignore ST1005 likewise
	errFailoverTainted   = errors.New("PSYNC FAILOVER can't be sent to tainted data.") //lint:ignore ST1005 likewise
)

// takeOver makes the node a primary because its own asks for that by PSYNC ... FAILOVER. An error is for that one to read.
func (n *node) takeOver(ctx context.Context, id string) error {
	h := n.repl.History()
	switch {
	case n.current() == nil:
		return errFailoverToPrimary
	case !strings.EqualFold(id, string(h.ID)):
		return errFailoverOtherID
	case h.Taint != "":
		return errFailoverTainted
	}
	n.log.Info("asked to take over", zap.String("replid", string(h.ID)), zap.Int64("offset", h.Offset))
	return n.promote(ctx)
}
