package simtest

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net"
	"sync/atomic"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/store"
	"github.com/understudy-go/understudy/store/backlog"
)

// node is one data set and what it is driven by. Its fields belong to the goroutine that runs the script.
type node struct {
	s     *sim
	index int
	store *store.Store
	file  files
	of    *node // whom it follows; nil: it is a primary, or will be when it comes back

	// The handle that fits the role; both nil while the node is down.
	primary *replication.Primary
	replica *replication.Replica
	served  chan struct{} // closed when its listener's goroutine has ended

	// Of a store that is, or was last, a primary's: the chronicle that its stream feeds, and where it has got to in that. nil: it is a replica's.
	book   *chronicle
	reader *backlog.Reader

	custody map[int]bool // the markers that this node has acknowledged and must not lose
	acked   []int        // the markers that its data holds, as last looked at

	pace  atomic.Int64 // bytes a millisecond that it reads of its links; 0: as they come
	delay time.Duration
	after []int64 // budgets of its links to come
}

func (n *node) name() string { return name(n.index) }
func (n *node) url() string  { return "redis://" + n.addr() }
func (n *node) addr() string { return n.name() + ":6379" }
func (n *node) isUp() bool   { return n.primary != nil || n.replica != nil }

func (n *node) newStore() error {
	n.store = store.New(&store.Options{Databases: databases, BacklogBytes: n.s.world.backlog[n.index], Files: &n.file})
	n.custody = map[int]bool{}
	return n.birth()
}

func (n *node) primaryOptions() *replication.PrimaryOptions {
	w := &n.s.world
	return &replication.PrimaryOptions{Timeout: w.timeout, PingPeriod: w.ping, DisklessDelay: w.delay}
}

func (n *node) replicaOptions() *replication.ReplicaOptions {
	w := &n.s.world
	return &replication.ReplicaOptions{
		Store: n.store, Dial: n.dial, Announce: n.addr(), Timeout: w.timeout, DisklessDelay: w.delay,
		Backoff: func(int) time.Duration { return w.backoff }, Guard: replication.Guard{Off: !w.guarded},
	}
}

// start makes the node of the store and the role that n says.
func (n *node) start() error {
	var err error
	if n.of == nil {
		if n.primary, err = replication.NewPrimary(n.store, n.primaryOptions()); err != nil {
			return err
		}
		if err = n.openBook(); err != nil {
			return err
		}
		return n.serve(n.primary.Serve)
	}
	n.closeBook()
	if n.replica, err = replication.NewReplica(n.of.url(), n.replicaOptions()); err != nil {
		return err
	}
	go n.replica.Run(context.Background())
	return n.serve(n.replica.Serve)
}

func (n *node) serve(serve func(net.Listener) error) error {
	l, err := n.s.net.Listen(n.addr())
	if err != nil {
		return err
	}
	done := make(chan struct{})
	n.served = done
	go func() {
		defer close(done)
		serve(l)
	}()
	return nil
}

// stop closes the node. Its store lives on.
func (n *node) stop() {
	switch {
	case n.primary != nil:
		n.primary.Close()
	case n.replica != nil:
		n.replica.Close()
	}
	n.primary, n.replica = nil, nil
	if n.served != nil {
		<-n.served
		n.served = nil
	}
}

// renew gives the node a store of its own that holds nothing, and forgets the one that it had.
func (n *node) renew() error {
	n.closeBook()
	n.store.Close()
	n.loses()
	return n.newStore()
}

// loses notes that the node may hold other data from here on, and so may those that follow it.
func (n *node) loses() {
	for _, m := range n.s.nodes {
		if m.follows(n) {
			clear(m.custody)
		}
	}
}

// follows tells whether n is other, or gets its data from it directly or not.
func (n *node) follows(other *node) bool {
	m := n
	for range n.s.nodes { // circles end here
		if m == nil || m == other {
			break
		}
		m = m.of
	}
	return m == other
}

// files is a file system with one file. It is written by Save alone and read by Load alone, each in one piece.
type files struct{ content []byte }

func (f *files) Open(string) (io.ReadCloser, error) {
	if f.content == nil {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(f.content)), nil
}

func (f *files) Create(string, string) (store.File, error) { return &file{of: f}, nil }
func (f *files) Rename(string, string) error               { return nil }
func (f *files) Remove(string) error                       { return nil }
func (f *files) SyncDir(string) error                      { return nil }

type file struct {
	of *files
	bytes.Buffer
}

func (f *file) Name() string { return "new" }
func (f *file) Sync() error  { return nil }

func (f *file) Close() error {
	f.of.content = bytes.Clone(f.Bytes())
	return nil
}
