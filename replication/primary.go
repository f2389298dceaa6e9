package replication

import (
	"context"
	"errors"
	"net"

	"github.com/understudy-go/understudy/store"
)

// Primary is a handle on a node that accepts writes and feeds replicas. It is safe for concurrent use.
//
// After Follow the node is a replica: reads, Status and Serve go on, writes are refused with store.ErrReadOnly.
//
// After Close, Update returns ErrClosed. The store is the caller's and lives on: what is written to it through DB or Store reaches no replica, and nothing sweeps
// expired keys, until another NewPrimary takes it over and goes on with its history.
type Primary struct{ n *node }

// NewPrimary makes s the data of a primary. The store stays the caller's: writes through it are replicated like those through the Primary, and Close leaves it
// open. A store that followed a primary before is promoted: its history goes on under a new ID, and replicas of the old one can continue.
//
// It starts one goroutine, which Close ends. A store must not belong to two nodes.
func NewPrimary(s *store.Store, o *PrimaryOptions) (*Primary, error) {
	if o == nil {
		o = new(PrimaryOptions)
	}
	if s == nil {
		return nil, errors.New("replication: NewPrimary without a store")
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	n := newNode(s, o.config(), o.Logger)
	n.events.tell = o.OnEvent
	n.startPrimary()
	return &Primary{n}, nil
}

// Serve accepts connections from replicas and ordinary clients until Close, and then returns ErrClosed. It owns l. Several Serve may run at once.
//
// Whoever can connect, and knows PrimaryOptions.RequirePassword if there is one, may read and write all data and take a full resync. Role and settings are the
// program's: REPLICAOF, CONFIG SET, SAVE and SHUTDOWN are refused; see PrimaryOptions.AllowReplicaOf.
//
// For TLS, l is a tls.Listener. Its configuration says whom to let in (ClientAuth, ClientCAs), and lets certificates change while the program runs (GetCertificate,
// GetConfigForClient). A handshake has ten seconds. With RequirePassword a client has a minute to show it, and until then may only send short commands; those who
// have not shown it yet are limited in number, and cannot keep out those who have.
func (p *Primary) Serve(l net.Listener) error { return p.n.serve(l) }

// ServeConn serves one connection, of whatever kind, until its end, that of ctx, or Close. It owns c.
func (p *Primary) ServeConn(ctx context.Context, c net.Conn) error { return p.n.serveConn(ctx, c) }

// Update runs fn as one transaction, as store.Store.Update does, and returns the offset that contains it: what WaitReplicas and WaitOffset take.
// With too few good replicas it is store.ErrNoReplicas, see PrimaryOptions.MinReplicas, and fn is not run. Writes through DB and Store fail likewise.
// On a closed node it is ErrClosed, and fn is not run: no replica would ever have what it writes.
func (p *Primary) Update(fn func(*store.Tx) error) (offset int64, err error) {
	if p.n.isClosed() {
		return 0, ErrClosed
	}
	return p.n.store.Update(fn)
}

// DB returns database number i of the store, which outlives Close.
func (p *Primary) DB(i int) store.DB { return p.n.store.DB(i) }

// Store returns the data.
func (p *Primary) Store() *store.Store { return p.n.store }

// Offset returns the number of bytes in the stream so far.
func (p *Primary) Offset() int64 { return p.n.repl.Backlog().Offset() }

// Replicas returns the replicas that are attached now, in the order in which they came.
func (p *Primary) Replicas() []ReplicaInfo {
	list := p.n.feedList()
	infos := make([]ReplicaInfo, len(list))
	for i, f := range list {
		infos[i] = f.info()
	}
	return infos
}

// WaitReplicas waits until n replicas have acknowledged offset bytes, and returns how many have. It asks them at once, so an answer takes one round trip.
// When ctx ends first, the number is what it is by then, and the error is ctx's. Chained replicas do not count: their primary does.
func (p *Primary) WaitReplicas(ctx context.Context, n int, offset int64) (int, error) {
	got, err := p.n.WaitReplicas(ctx, n, offset)
	if err == nil && got < n {
		err = ctx.Err()
	}
	return got, err
}

// Status returns a copy of everything that a dashboard needs.
func (p *Primary) Status() Status { return p.n.status() }

// Follow makes the node a replica of the primary at url and waits for the first sync, or for ctx to end. The history is kept, so the new primary can grant a partial
// resync if it continues that history and the bytes written here are all in it; what is not is lost. Replicas of this node stay attached until the history
// changes.
//
// When ctx ends first the role has changed all the same, and the link is still being tried: the replica is returned together with the error.
// Only with invalid arguments, or on a closed node, it is nil and nothing has changed. Of o, Store, Logger, OnEvent, RequirePassword and AllowReplicaOf are without
// effect: the primary's stay.
func (p *Primary) Follow(ctx context.Context, url string, o *ReplicaOptions) (*Replica, error) {
	if o == nil {
		o = new(ReplicaOptions)
	}
	t, err := parseURL(url)
	if err = errors.Join(err, o.validate(), p.n.accepts(o)); err != nil {
		return nil, err
	}
	l, err := p.n.follow(ctx, t, true, o)
	if err != nil {
		return nil, err
	}
	r := &Replica{n: p.n, to: t, started: true}
	return r, p.n.waitReady(ctx, l)
}

// Close ends all connections and returns when the last goroutine has ended. The store stays open. Idempotent.
func (p *Primary) Close() error { return p.n.close() }

// accepts checks the options that a node which has its store already cannot honour.
func (n *node) accepts(o *ReplicaOptions) error {
	if o.Store != nil && o.Store != n.store {
		return errors.New("replication: option Store is not the primary's own store")
	}
	return nil
}

// configure takes over a replica's options. REQUIRES n.role.
func (n *node) configure(o *ReplicaOptions) {
	n.reconfigure(func(old *config) *config {
		c := o.config()
		c.demand, c.steered = old.demand, old.steered
		if o.MinReplicas == 0 {
			c.minReplicas, c.maxLag = old.minReplicas, old.maxLag
		}
		c.backlogBytes = old.backlogBytes
		return c
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dial = o.dialing()
}

// startPrimary begins the primary's own work on a node that has no role yet.
func (n *node) startPrimary() {
	n.forebode()
	n.repl.Promote() // a store that is a primary already keeps its ID
	n.mu.Lock()
	n.ticker = n.startTicker()
	n.mu.Unlock()
	n.judge()
}
