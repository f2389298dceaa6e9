package server

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// monitors are the clients that see all commands of all clients. What they are sent is queued like messages, and bounded like them.
type monitors struct {
	count atomic.Int32 // so that a command that nobody watches costs one load

	// mu protects the field below.
	mu   sync.Mutex
	list map[*conn]struct{}
}

// monitor answers MONITOR. A second one has no reply.
func monitor(c *conn, _ [][]byte) resp.Value {
	switch {
	case c.inExec:
		return resp.Err("ERR MONITOR isn't allowed for DENY BLOCKING client")
	case c.monitoring.Load():
		return resp.Value{}
	}
	c.subscriber()
	c.hold() // the OK comes first
	c.monitor(true)
	return resp.OK()
}

// monitor begins or ends the client's watching.
func (c *conn) monitor(on bool) {
	if c.monitoring.Swap(on) == on {
		return
	}
	m := &c.srv.monitors
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.list == nil {
		m.list = map[*conn]struct{}{}
	}
	if on {
		m.list[c] = struct{}{}
	} else {
		delete(m.list, c)
	}
	m.count.Store(int32(len(m.list)))
}

// show sends a line to all monitors.
func (m *monitors) show(line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.list {
		c.sub.Post(line)
	}
}

// watched shows monitors what was executed, after its reply: not what was refused, nor what administrates. What is queued in a transaction shows when EXEC
// executes it, so it is kept till then.
func (c *conn) watched(args [][]byte, reply resp.Value) {
	if c.srv.monitors.count.Load() == 0 {
		c.unseen = unseen{}
		return
	}
	name, flags := c.srv.resolve(args)
	if name == "" || flags&store.FlagAdmin != 0 || !c.ran {
		return
	}
	switch {
	case c.session.InMulti() && name != "multi":
		c.keepUnseen(name, args, reply)
		return
	case name == "exec" && reply.Kind == resp.Array:
		for _, words := range c.unseen.lines {
			c.srv.monitors.show(c.monitorLine(words))
		}
	}
	c.unseen = unseen{}
	c.srv.monitors.show(c.monitorLine(c.srv.quoteAll(name, args)))
}

// mostUnseen bounds what is kept of a transaction for monitors, in bytes; what is beyond is not shown.
const mostUnseen = 1 << 20

// unseen are the queued commands of a transaction, as monitors will see them.
type unseen struct {
	lines []string
	bytes int // of all lines
}

func (c *conn) keepUnseen(name string, args [][]byte, reply resp.Value) {
	if reply.Kind == resp.Error || c.unseen.bytes >= mostUnseen {
		return
	}
	if line := c.srv.quoteAll(name, args); c.unseen.bytes+len(line) <= mostUnseen {
		c.unseen.lines = append(c.unseen.lines, line)
		c.unseen.bytes += len(line)
	}
}

func (c *conn) monitorLine(words string) string {
	now := time.Now()
	return fmt.Sprintf("%d.%06d [%d %s]%s", now.Unix(), now.Nanosecond()/1000, c.session.DB(), c.nc.RemoteAddr(), words)
}

// quoteAll returns the words of a command, each in quotes behind a blank. Passwords are not shown.
func (s *Server) quoteAll(name string, args [][]byte) string {
	var b strings.Builder
	for i, arg := range args {
		b.WriteByte(' ')
		if s.isSecret(name, args, i) {
			arg = []byte("(redacted)")
		}
		appendQuoted(&b, arg)
	}
	return b.String()
}

// isSecret reports whether word i must not be shown to others: all words of AUTH, two behind that of HELLO, and in CONFIG SET each word behind the name of a
// password, whether or not the command is well formed.
func (s *Server) isSecret(name string, args [][]byte, i int) bool {
	switch name {
	case "auth":
		return i > 0
	case "hello":
		return i > 2 && (equalFold(args[i-1], "auth") || i > 3 && equalFold(args[i-2], "auth"))
	case "config|set":
		return i > 2 && s.config().known.lookup[lower(string(args[i-1]))].secret
	}
	return false
}

// appendQuoted writes b as Redis prints strings for people: what is not printable in ASCII is escaped.
func appendQuoted(w *strings.Builder, b []byte) {
	w.WriteByte('"')
	for _, ch := range b {
		switch {
		case ch == '"' || ch == '\\':
			w.WriteByte('\\')
			w.WriteByte(ch)
		case strings.IndexByte("\n\r\t\a\b", ch) >= 0:
			w.WriteByte('\\')
			w.WriteByte("nrtab"[strings.IndexByte("\n\r\t\a\b", ch)])
		case ch < ' ' || ch > '~':
			fmt.Fprintf(w, `\x%02x`, ch)
		default:
			w.WriteByte(ch)
		}
	}
	w.WriteByte('"')
}
