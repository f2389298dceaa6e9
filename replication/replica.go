package replication

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/understudy-go/understudy/store"
)

// Replica is a handle on a node that follows a primary and serves its data for reading. It is safe for concurrent use.
//
// After Promote the node is a primary: the handle still reads, serves and closes it, and its calls that concern a link return ErrNotReplica. So it is when a client
// (REPLICAOF NO ONE) or the primary's Failover has made it one: Primary gives the handle that the node then needs.
type Replica struct {
	n  *node
	to target

	mu sync.Mutex

	// mu protects the fields below.
	started bool
}

// Connect dials the primary at url, takes the first sync and returns a replica that keeps following until Close.
//
// A primary that cannot be reached, or is not ready, is tried again until ctx ends: give it a deadline, and not a short one. A Redis with its default settings
// waits 5 s (repl-diskless-sync-delay) before it begins the payload, and a large one takes its time; to see how far it is, use NewReplica, Run, Status and WaitReady instead. ctx bounds this call only. When it ends first, or when the
// primary refuses for good, everything is undone. The error is a *LinkError, which says at what address and at what step it failed, and why: for good, or the
// last time, or, if the first attempt is still under way, because ctx ended. In the last two cases it also matches ctx's error.
//
// The forms of url are redis://[user:password@]host[:port], rediss:// for TLS, and unix:///path.
func Connect(ctx context.Context, url string, o *ReplicaOptions) (*Replica, error) {
	r, err := NewReplica(url, o)
	if err != nil {
		return nil, err
	}
	l, err := r.start(ctx)
	if err == nil {
		err = r.n.waitReady(ctx, l)
	} else {
		err = r.n.current().awaited(err) // ctx had ended before: nobody else has this replica
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// NewReplica returns a replica that does nothing yet: Run makes it follow. For programs that keep their goroutines in an errgroup or the like.
func NewReplica(url string, o *ReplicaOptions) (*Replica, error) {
	if o == nil {
		o = new(ReplicaOptions)
	}
	t, err := parseURL(url)
	if err = errors.Join(err, o.validate()); err != nil {
		return nil, err
	}
	s, owned := o.Store, false
	if s == nil {
		s, owned = store.New(nil), true
	}
	n := newNode(s, o.config(), o.Logger)
	n.owned = owned
	n.dial = o.dialing()
	n.events.tell = o.OnEvent
	n.repl.Demote()
	// The link is there from the start, so that the node is a replica before it runs: the link is started by Run or Connect.
	n.link = newLink(n, t, n.dial)
	return &Replica{n: n, to: t}, nil
}

// start starts the link that NewReplica made, once.
func (r *Replica) start(ctx context.Context) (*link, error) {
	if err := r.n.acquire(ctx); err != nil {
		return nil, err
	}
	defer r.n.release()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started {
		return nil, ErrRunning
	}
	r.started = true
	l := r.n.current()
	if l == nil {
		return nil, ErrNotReplica
	}
	l.start()
	r.n.progress.fire()
	return l, nil
}

// running tells whether Run or Connect has started the link.
func (r *Replica) running() (bool, error) {
	if r.n.isClosed() {
		return true, ErrClosed
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.started, nil
}

// Run follows until ctx ends, Close is called, or following stops for good, and returns ctx's error, ErrClosed, or the reason. When it returns the replica is
// closed. It outlives a change of the primary by Follow; after Promote it returns nil at once, and the node lives on as a primary.
func (r *Replica) Run(ctx context.Context) error {
	if _, err := r.start(ctx); err != nil {
		return err
	}
	err := r.n.progress.await(ctx, r.n.over)
	if errors.Is(err, ErrNotReplica) {
		return nil
	}
	r.Close()
	return err
}

// over tells why following has ended, nil while it has not.
func (n *node) over() (bool, error) {
	if n.isClosed() {
		return true, ErrClosed
	}
	l := n.current()
	if l == nil {
		return true, ErrNotReplica
	}
	err := l.failure()
	return err != nil, err
}

// Serve accepts connections from clients, which may read, and from chained replicas, until Close, and then returns ErrClosed. It owns l. Primary.Serve says what
// is refused, and what RequirePassword and AllowReplicaOf are for.
func (r *Replica) Serve(l net.Listener) error { return r.n.serve(l) }

// ServeConn serves one connection, of whatever kind, until its end, that of ctx, or Close. It owns c.
func (r *Replica) ServeConn(ctx context.Context, c net.Conn) error { return r.n.serveConn(ctx, c) }

// DB returns database number i.
func (r *Replica) DB(i int) store.DB { return r.n.store.DB(i) }

// Store returns the data.
func (r *Replica) Store() *store.Store { return r.n.store }

// Status returns a copy of everything that a dashboard needs.
func (r *Replica) Status() Status { return r.n.status() }

// WaitReady waits for the end of the first sync with the present primary. Reads before that see an empty store, or what an earlier primary left.
//
// It returns nil once that sync is done, also while the link is down and being tried again; the terminal error when following has stopped, before or after the
// sync; ErrClosed after Close; ErrNotReplica on a node that was promoted; or, when ctx ends, a *LinkError as from Connect.
func (r *Replica) WaitReady(ctx context.Context) error {
	l, err := r.n.following()
	if err == nil {
		err = l.failure()
	}
	if err != nil {
		return err
	}
	return r.n.waitReady(ctx, l)
}

// following returns the link, and an error on a node that has none or is closed.
func (n *node) following() (*link, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.closed:
		return nil, ErrClosed
	case n.link == nil:
		return nil, ErrNotReplica
	}
	return n.link, nil
}

// waitReady adds to ctx's error what kept the link from coming up.
func (n *node) waitReady(ctx context.Context, l *link) error {
	err := n.progress.await(ctx, func() (bool, error) {
		if n.isClosed() {
			return true, ErrClosed
		}
		return l.ready()
	})
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return l.awaited(err)
	}
	return err
}

// WaitOffset waits until the data contains offset bytes of the stream, as counted by the primary that the node follows. An offset means nothing across a change of
// history: use Barrier where a failover may come in between. It returns ErrClosed after Close, the reason when following has stopped short of offset, or ctx's error.
func (r *Replica) WaitOffset(ctx context.Context, offset int64) error {
	return r.n.waitOffset(ctx, "", offset)
}

// Follow makes the replica follow the primary at url and waits for the sync with it, or for ctx to end; the link is then still being tried. The request is
// for a partial resync from where the data stands, which a promoted sibling grants; after a stop because of what came in the stream it is for everything, as
// the same bytes would stop it again. Until the new primary's data is complete, reads see the old. A replica that does not run yet is waited for: Run is often
// called in a goroutine of its own.
func (r *Replica) Follow(ctx context.Context, url string) error {
	t, err := parseURL(url)
	if err != nil {
		return err
	}
	if _, err := r.n.following(); err != nil {
		return err
	}
	if err := r.n.progress.await(ctx, r.running); err != nil {
		return err
	}
	l, err := r.n.follow(ctx, t, true, nil)
	if err != nil {
		return err
	}
	return r.n.waitReady(ctx, l)
}

// Promote makes the node a primary: it stops following and accepts writes from here on. The history is kept under a new ID, the old one becoming secondary, so
// that siblings that follow this node now can continue where they are. What the old primary accepted and had not sent is lost, and the old primary does not learn
// of this: see to it that nobody writes there. o replaces the limits and times of serving, nil keeps them; Logger, RequirePassword and
// AllowReplicaOf stay the replica's.
func (r *Replica) Promote(ctx context.Context, o *PrimaryOptions) (*Primary, error) {
	if o != nil {
		if err := o.validate(); err != nil {
			return nil, err
		}
	}
	if r.n.current() == nil {
		return nil, ErrNotReplica
	}
	if err := r.n.promoteAs(ctx, o); err != nil {
		return nil, err
	}
	return &Primary{r.n}, nil
}

// Primary returns the handle on a node that has become a primary, by Promote, by a client's REPLICAOF NO ONE, or by its primary's Failover: see Event Promoted. On one that
// follows it is ErrNotPrimary, after Close ErrClosed.
func (r *Replica) Primary() (*Primary, error) {
	if err := r.n.isPrimary(); err != nil {
		return nil, err
	}
	return &Primary{r.n}, nil
}

// Close ends following and serving, and returns when the last goroutine has ended. A store that was not given in the options is closed too. Idempotent.
func (r *Replica) Close() error { return r.n.close() }
