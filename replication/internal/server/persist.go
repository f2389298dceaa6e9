package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// saver knows when the data set was saved and lets one save run at a time: two that wrote the same file would race for the rename, and the older could win.
type saver struct {
	// token holds one value while nobody saves. It is a channel and not a mutex because SHUTDOWN waits for it, and must hear that its client was killed.
	token chan struct{}

	// mu protects the fields below.
	mu      sync.Mutex
	started time.Time // of the running save; zero when there is none
	last    time.Time // end of the last good one, or the start of the server
	commits int64     // the store's count at that moment
	took    time.Duration
	saves   int64
	err     error
}

func (v *saver) init(now time.Time, s *store.Store) {
	v.token = make(chan struct{}, 1)
	v.token <- struct{}{}
	v.last, v.commits, v.took = now, s.Stats().Commits, -1
}

// begin reports whether the caller may save; then finish must follow.
func (v *saver) begin(ctx context.Context, wait bool) bool {
	if !wait {
		select {
		case <-v.token:
		default:
			return false
		}
	} else {
		select {
		case <-v.token:
		case <-ctx.Done():
			return false
		}
	}
	v.mu.Lock()
	v.started = time.Now()
	v.mu.Unlock()
	return true
}

func (v *saver) finish(commits int64, err error) {
	v.mu.Lock()
	now := time.Now()
	v.took, v.err = now.Sub(v.started), err
	v.started = time.Time{}
	if err == nil {
		v.last, v.commits = now, commits
		v.saves++
	}
	v.mu.Unlock()
	v.token <- struct{}{}
}

// saverState is a copy of what INFO shows.
type saverState struct {
	running, took time.Duration // -1 = none
	last          time.Time
	commits       int64
	saves         int64
	err           error
}

func (v *saver) state() saverState {
	v.mu.Lock()
	defer v.mu.Unlock()
	st := saverState{running: -1, took: v.took, last: v.last, commits: v.commits, saves: v.saves, err: v.err}
	if !v.started.IsZero() {
		st.running = time.Since(v.started)
	}
	return st
}

const errSaving = wireError("Background save already in progress")

// Save writes the data set to dir/dbfilename. With wait it first lets a running save finish, without it errors.
func (s *Server) Save(ctx context.Context, wait bool) error {
	if !s.saver.begin(ctx, wait) {
		return errSaving
	}
	return s.saveNow()
}

// saveNow does the work of a save that has begun. Commits are counted before it, so that none is missed.
func (s *Server) saveNow() error {
	commits := s.store.Stats().Commits
	path := s.config().Path()
	err := s.store.Save(path)
	s.saver.finish(commits, err)
	if err != nil {
		s.log.Error("data set not saved", zap.String("path", path), zap.Error(err))
	} else {
		s.log.Info("data set saved", zap.String("path", path), zap.Duration("elapsed", s.saver.state().took))
	}
	return err
}

// saveInBackground starts a save and reports whether it could.
func (s *Server) saveInBackground() bool {
	if !s.saver.begin(s.ctx, false) {
		return false
	}
	s.wg.Go(func() { s.saveNow() })
	return true
}

// save answers SAVE. Unlike Redis's, it holds up nobody but the client.
func save(c *conn, _ [][]byte) resp.Value {
	switch err := c.srv.Save(c.ctx, false); {
	case errors.Is(err, errSaving):
		return resp.Err("ERR " + err.Error())
	case err != nil:
		return resp.Err("ERR " + err.Error())
	}
	return resp.OK()
}

// bgsave answers BGSAVE [SCHEDULE].
func bgsave(c *conn, args [][]byte) resp.Value {
	schedule := len(args) == 2 && equalFold(args[1], "schedule")
	if len(args) > 1 && !schedule {
		return resp.Err("ERR syntax error")
	}
	if !c.srv.saveInBackground() {
		return resp.Err("ERR " + errSaving.Error())
	}
	return resp.SimpleString("Background saving started")
}

func lastsave(c *conn, _ [][]byte) resp.Value { return resp.Integer(c.srv.saver.state().last.Unix()) }

// shutdown answers SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]. Success has no reply: the connection ends with the server. Without NOW replicas are waited for first;
// ABORT ends that waiting.
func shutdown(c *conn, args [][]byte) resp.Value {
	saveIt, noSave, force, abort, now := false, false, false, false, false
	for _, word := range args[1:] {
		switch lower(string(word)) {
		case "save":
			saveIt = true
		case "nosave":
			noSave = true
		case "force":
			force = true
		case "now":
			now = true
		case "abort":
			abort = true
		default:
			return resp.Err("ERR syntax error")
		}
	}
	if saveIt && noSave || abort && len(args) > 2 {
		return resp.Err("ERR syntax error")
	}
	switch {
	case abort && c.srv.farewells.abort():
		return resp.OK()
	case abort:
		return resp.Err("ERR No shutdown in progress.")
	}
	stay := c.srv.leave()
	if !now && c.farewell() != nil {
		stay()
		return resp.Err(shutdownFailed)
	}
	if saveIt || !noSave && c.srv.SavesOnExit() {
		if err := c.srv.saveLast(c.ctx); err != nil && !force {
			stay()
			return resp.Err(shutdownFailed)
		}
	}
	c.closing = true
	c.srv.shutdownOnce.Do(func() { close(c.srv.shutdown) })
	return resp.Value{}
}

const shutdownFailed = "ERR Errors trying to SHUTDOWN. Check logs."

// farewell lets the replicas catch up. The error is that of an abort, or of this client's end.
func (c *conn) farewell() error {
	ctx, done := c.srv.farewells.begin(c.ctx)
	defer done()
	return c.srv.catchUp(ctx)
}

// saveLast saves with no client's write after it: writes are paused by now, see leave, and what had passed the gate by then shows in the count of commits and is saved once
// more. The tries are few because a replica's commits come from its primary, which nobody pauses; it has them again from there. When the save fails, life
// goes on, which is the caller's to do.
func (s *Server) saveLast(ctx context.Context) error {
	for range 3 {
		if err := s.Save(ctx, true); err != nil {
			return err
		}
		if s.saver.state().commits == s.store.Stats().Commits {
			break
		}
	}
	return nil
}

// SavesOnExit reports whether a shutdown without further words saves: when there are save points, and data to save. A replica that dropped its data to load
// other keeps the file that it has.
func (s *Server) SavesOnExit() bool {
	return s.alone && len(s.tuning.Load().savePoints) > 0 && !s.vacant()
}

// saveIfDue starts a save when a save point is reached. After a failure it tries again every few seconds, as Redis does: a full disk should not be hammered,
// and not be waited for until the next save point either. Changes are counted in commits, so a MULTI or an MSET is one.
func (s *Server) saveIfDue(now time.Time) {
	st := s.saver.state()
	if !s.alone || st.running >= 0 || s.vacant() {
		return
	}
	changes := s.store.Stats().Commits - st.commits
	for _, p := range s.tuning.Load().savePoints {
		if changes >= p.changes && changes > 0 && now.Sub(st.last) >= p.after && (st.err == nil || now.Unix()%5 == 0) {
			s.saveInBackground()
			return
		}
	}
}
