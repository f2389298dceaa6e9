package server

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// pause is CLIENT PAUSE: for a time, clients wait before they execute. The stream from a primary and the feeds to replicas go on.
type pause struct {
	active atomic.Bool // so that a command without a pause costs one load

	// mu protects the fields below.
	mu    sync.Mutex
	until time.Time
	all   bool          // else only what may write
	ended chan struct{} // closed by UNPAUSE
}

// start begins a pause or extends the one there is: it never gets shorter or weaker, as in Redis.
func (p *pause) start(d time.Duration, all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.ended == nil || !now.Before(p.until) {
		p.until, p.all = now, false
	}
	if until := now.Add(d); until.After(p.until) {
		p.until = until
	}
	p.all = p.all || all
	if p.ended == nil {
		p.ended = make(chan struct{})
	}
	p.active.Store(true)
}

func (p *pause) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active.Store(false)
	p.until = time.Time{} // whom ended wakes looks again
	if p.ended != nil {
		close(p.ended)
		p.ended = nil
	}
}

// state returns how long the pause still lasts for a command, and what ends it early.
func (p *pause) state(writes bool) (time.Duration, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := time.Until(p.until)
	if left <= 0 {
		p.active.Store(false)
		return 0, nil
	}
	if !p.all && !writes {
		return 0, nil
	}
	return left, p.ended
}

// Paused reports whether CLIENT PAUSE holds writes up: for so long no key goes by itself either, as in Redis, so that an offset which has been waited for is the last.
func (s *Server) Paused() bool {
	if !s.pause.active.Load() {
		return false
	}
	left, _ := s.pause.state(true)
	return left > 0
}

// wait holds c up while its command is paused, and reports whether the command may then run: not when the client was killed meanwhile. A pause may be
// extended while somebody waits, hence the loop.
func (p *pause) wait(c *conn, name []byte) bool {
	if !p.active.Load() || equalFold(name, "client") {
		return true
	}
	writes := c.srv.mayWrite(name)
	defer func(began time.Time) { c.waited += time.Since(began) }(time.Now())
	for c.ctx.Err() == nil {
		left, ended := p.state(writes)
		if left <= 0 {
			return true
		}
		t := time.NewTimer(left)
		select {
		case <-t.C:
		case <-ended:
		case <-c.ctx.Done():
		}
		t.Stop()
	}
	return false
}

// mayWrite reports whether a command can change data, or the stream: EXEC can, whatever is in it.
func (s *Server) mayWrite(name []byte) bool {
	cmd := s.data[lower(string(name))]
	return equalFold(name, "exec") || cmd != nil && (cmd.Flags&(store.FlagWrite|store.FlagPubSub) != 0 || cmd.Refreshes())
}

// clientPause answers CLIENT PAUSE timeout [WRITE | ALL].
func clientPause(c *conn, args [][]byte) resp.Value {
	if len(args) > 4 {
		return resp.Err("ERR syntax error")
	}
	all := len(args) == 3 || equalFold(args[3], "all")
	if !all && !equalFold(args[3], "write") {
		return resp.Err("ERR CLIENT PAUSE mode must be WRITE or ALL")
	}
	d, bad := parseTimeout(args[2])
	if bad.Kind != 0 {
		return bad
	}
	c.srv.pause.start(d, all)
	return resp.OK()
}

func clientUnpause(c *conn, _ [][]byte) resp.Value {
	c.srv.pause.end()
	return resp.OK()
}
