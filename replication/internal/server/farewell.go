package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"
)

// A server that is shut down while a replica lacks the last writes leaves nobody who has them, whoever is promoted. So it first lets its replicas catch up.

// farewells are the shutdowns that wait for replicas, so that SHUTDOWN ABORT can end them.
type farewells struct {
	mu sync.Mutex

	// mu protects the fields below.
	waiting map[*context.CancelCauseFunc]struct{}
	leaving int // calls of leave that are not undone
}

var errAborted = errors.New("shutdown aborted")

// begin returns a context for one of them, and what ends its registration.
func (f *farewells) begin(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.waiting == nil {
		f.waiting = map[*context.CancelCauseFunc]struct{}{}
	}
	f.waiting[&cancel] = struct{}{}
	return ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.waiting, &cancel)
		cancel(nil)
	}
}

// abort ends all of them, and reports whether there were any.
func (f *farewells) abort() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for cancel := range f.waiting {
		(*cancel)(errAborted)
	}
	return len(f.waiting) > 0
}

// leave pauses writes for a shutdown, whatever clients pause and end, until it is undone by all who called it.
func (s *Server) leave() (stay func()) {
	f := &s.farewells
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leaving++
	s.leaving.start(maxDelay, false)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.leaving--; f.leaving == 0 {
			s.leaving.end()
		}
	}
}

// recount is how long a replica that has gone away meanwhile is still waited for.
const recount = time.Second

// CatchUp waits until all replicas that are online have acknowledged all that was written, at most for shutdown-timeout, after which it says who is behind. Writes are
// paused from its beginning on, or there would be no end to reach, and stay so unless the error is not nil: then ctx has ended first, and life goes on. A replica has
// nobody to wait for: what it has, its primary has.
func (s *Server) CatchUp(ctx context.Context) error {
	stay := s.leave()
	err := s.catchUp(ctx)
	if err != nil {
		stay()
	}
	return err
}

func (s *Server) catchUp(ctx context.Context) error {
	limit := time.Duration(s.config().Int("shutdown-timeout")) * time.Second
	if limit == 0 || s.online() == 0 {
		return nil
	}
	timed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for all := s.written(); !s.caughtUp(timed, &all); {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if timed.Err() != nil {
			s.log.Warn("shutting down before all replicas have all writes", zap.Int("replicas", s.online()), zap.Duration("waited", limit))
			return nil
		}
	}
	return nil
}

// goal is what replicas are to have: the offset behind so many commits. It stands while they do, though questions for acknowledgements make the stream longer.
type goal struct {
	commits int64
	offset  int64
}

func (s *Server) written() goal {
	commits := s.store.Stats().Commits // first: the offset is behind them then
	return goal{commits, s.node.State().History.Offset}
}

// caughtUp waits a while for the replicas that there are now. A write that had passed the gate before the pause may still come in: then all is more than it was.
func (s *Server) caughtUp(ctx context.Context, all *goal) bool {
	ctx, cancel := context.WithTimeout(ctx, recount)
	defer cancel()
	want := s.online()
	have, err := s.node.WaitReplicas(ctx, want, all.offset)
	if s.store.Stats().Commits != all.commits {
		*all = s.written()
		return err != nil
	}
	return err != nil || have >= want
}

// online is the number of replicas of a primary that get the stream.
func (s *Server) online() (n int) {
	st := s.node.State()
	if !st.Primary {
		return 0
	}
	for _, r := range st.Replicas {
		if r.State == ReplicaOnline {
			n++
		}
	}
	return n
}
