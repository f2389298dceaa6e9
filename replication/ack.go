package replication

import (
	"context"
	"sync"
)

// signal tells any number of waiters that something has changed; they look for themselves what. Firing costs one lock when nobody waits.
//
//	for {
//		changed := s.wait() // before looking, so that no change is missed
//		if condition() { return }
//		select { case <-changed: case <-ctx.Done(): }
//	}
type signal struct {
	mu sync.Mutex

	// mu protects the fields below.
	ch chan struct{} // nil: nobody waits
}

// wait returns a channel that the next fire closes.
func (s *signal) wait() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

// fire wakes everybody who waits.
func (s *signal) fire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

// await returns when done says so, or with ctx's error. done is called again after each firing, by this goroutine.
func (s *signal) await(ctx context.Context, done func() (bool, error)) error {
	for {
		changed := s.wait()
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// WaitReplicas implements server.Node: it asks all replicas for an acknowledgement and waits until want of them have offset bytes. On a node that
// is, or becomes, a replica it is ErrNotPrimary. A context that is over already asks nobody, and counts.
//
// The question is a command of the stream, so it comes after the bytes in question on every link; the answers count what came before it.
func (n *node) WaitReplicas(ctx context.Context, want int, offset int64) (int, error) {
	if err := n.isPrimary(); err != nil {
		return 0, err
	}
	got, feeds := n.acknowledged(offset)
	if got >= want {
		return got, nil
	}
	if feeds > 0 && ctx.Err() == nil {
		n.repl.Inject(cmdREPLCONF, "GETACK", "*")
	}
	err := n.acks.await(ctx, func() (bool, error) {
		got, _ = n.acknowledged(offset)
		return got >= want, n.isPrimary()
	})
	if ctx.Err() != nil {
		err = nil
	}
	return got, err
}

// acknowledged counts the replicas that hold offset bytes, and those that there are. One that asked for a payload without
// keys is none: it follows the stream and has not the data.
func (n *node) acknowledged(offset int64) (got, feeds int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for f := range n.feeds {
		if f.peer.NoKeys {
			continue
		}
		feeds++
		if f.has(offset) {
			got++
		}
	}
	return got, feeds
}
