package server

import (
	"errors"
	"math"
	"strings"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// A stranger is a client that has a password to show, or a TLS handshake to finish. Whoever can reach the port can be one, so strangers get little of everything,
// and nothing that known clients need:
//
//	commands    of strangerArgs arguments of strangerBulk bytes (as Redis), and of strangerLimit bytes in all
//	time        strangerTime from the connection, or RESET, to the right password; handshakeTime of it for the handshake
//	number      a quarter of maxclients, within maxclients. One more costs the oldest stranger its connection, and so does any client who finds
//	            maxclients reached: strangers cannot keep others out, and one that knows the password needs a moment only
//
// Commands but AUTH, HELLO, QUIT and RESET are refused anyway, see isOpen.
const (
	strangerArgs  = 10
	strangerBulk  = 16 << 10
	strangerLimit = 64 << 10
	strangerTime  = time.Minute
	handshakeTime = 10 * time.Second
	fewStrangers  = 64 // allowed whatever maxclients is
)

// maxStrangers is the bound on their number.
func (t *tuning) maxStrangers() int { return int(max(t.maxClients/4, fewStrangers)) }

// limits are those of what the client sends.
func (c *conn) limits() *resp.Limits {
	if c.strange {
		return &resp.Limits{MaxArgs: strangerArgs, MaxBulk: strangerBulk}
	}
	return &resp.Limits{MaxBulk: c.srv.tuning.Load().maxBulk}
}

// queryLimit is what a command may take before it is complete, in bytes.
func (c *conn) queryLimit() int64 {
	limit := c.srv.tuning.Load().queryLimit
	if c.strange {
		limit = min(limit, strangerLimit)
	}
	return limit
}

// welcome makes a stranger a known client.
func (c *conn) welcome() {
	if !c.strange {
		return
	}
	c.strange = false
	c.reader.SetLimits(c.limits())
	c.srv.mu.Lock()
	delete(c.srv.strangers, c.id)
	c.srv.mu.Unlock()
}

// estrange makes a known client a stranger again.
func (c *conn) estrange() {
	if c.strange {
		return
	}
	c.strange, c.until = true, time.Now().Add(strangerTime)
	c.reader.SetLimits(c.limits())
	s := c.srv
	s.mu.Lock()
	var oldest *conn
	if len(s.strangers) >= s.tuning.Load().maxStrangers() {
		oldest = s.dropOldestLocked()
	}
	if s.conns[c.id] == c {
		s.strangers[c.id] = c
	}
	s.mu.Unlock()
	s.showOut(oldest)
}

// dropOldestLocked takes the oldest stranger out of the lists and returns it, nil when there is none. REQUIRES: mu. What is left is showOut's, without it.
func (s *Server) dropOldestLocked() *conn {
	oldest := int64(math.MaxInt64)
	for id := range s.strangers {
		oldest = min(oldest, id)
	}
	c := s.strangers[oldest]
	delete(s.strangers, oldest)
	delete(s.conns, oldest)
	return c
}

// showOut closes the connection of a stranger that had to make room; nil is fine.
func (s *Server) showOut(c *conn) {
	if c != nil {
		s.stats.rejected.Add(1)
		c.kill()
	}
}

// unauthenticated turns the error for a command that only a stranger may not send into Redis's words for it.
func (c *conn) unauthenticated(err *resp.SyntaxError) string {
	if !c.strange || !errors.Is(err, resp.ErrTooLarge) {
		return err.Msg
	}
	return strings.Replace(err.Msg, "invalid", "unauthenticated", 1)
}
