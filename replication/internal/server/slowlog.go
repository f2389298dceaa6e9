package server

import (
	"fmt"
	"sync"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// slowlog keeps the latest commands that took longer than slowlog-log-slower-than, at most slowlog-max-len of them.
type slowlog struct {
	// mu protects the fields below.
	mu      sync.Mutex
	next    int64       // number of the next entry; goes on after RESET
	entries []slowEntry // the oldest first
}

type slowEntry struct {
	id   int64
	at   time.Time
	took time.Duration
	args []string // shortened, without passwords
	addr string
	name string // of the client
}

// What of a command is kept.
const (
	slowArgs  = 32  // arguments; of more, the last says how many
	slowBytes = 128 // of each argument
)

func (l *slowlog) add(c *conn, name string, args [][]byte, took time.Duration) {
	e := slowEntry{at: time.Now(), took: took, args: c.srv.slowWords(name, args), addr: c.nc.RemoteAddr().String(), name: c.name}
	most := c.srv.tuning.Load().slowEntries
	l.mu.Lock()
	defer l.mu.Unlock()
	e.id = l.next
	l.next++
	l.entries = append(l.entries, e)
	if n := int64(len(l.entries)); n > most {
		clear(l.entries[:n-most])
		l.entries = l.entries[n-most:]
	}
}

func (s *Server) slowWords(name string, args [][]byte) (words []string) {
	for i, arg := range args {
		switch {
		case i == slowArgs-1 && len(args) > slowArgs:
			return append(words, fmt.Sprintf("... (%d more arguments)", len(args)-i))
		case s.isSecret(name, args, i):
			words = append(words, "(redacted)")
		case len(arg) > slowBytes:
			words = append(words, fmt.Sprintf("%s... (%d more bytes)", arg[:slowBytes], len(arg)-slowBytes))
		default:
			words = append(words, string(arg))
		}
	}
	return words
}

func slowlogCommands() []command {
	return []command{
		{name: "get", arity: -2, flags: flagsOps, run: slowlogGet},
		{name: "len", arity: 2, flags: flagsOps, run: slowlogLen},
		{name: "reset", arity: 2, flags: flagsOps, run: slowlogReset},
	}
}

func slowlogLen(c *conn, _ [][]byte) resp.Value {
	l := &c.srv.slowlog
	l.mu.Lock()
	defer l.mu.Unlock()
	return resp.Integer(int64(len(l.entries)))
}

func slowlogReset(c *conn, _ [][]byte) resp.Value {
	l := &c.srv.slowlog
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
	return resp.OK()
}

// slowlogGet answers SLOWLOG GET [count]: the latest entries first, 10 of them unless told otherwise, all for -1.
func slowlogGet(c *conn, args [][]byte) resp.Value {
	count := int64(10)
	switch len(args) {
	case 2:
	case 3:
		n, bad := parseInt(args[2], "count should be greater than or equal to -1")
		if bad.Kind != 0 || n < -1 {
			return resp.Err("ERR count should be greater than or equal to -1")
		}
		count = n
	default:
		return resp.Err("ERR unknown subcommand or wrong number of arguments for '" + string(args[1]) + "'. Try SLOWLOG HELP.")
	}
	return resp.ArrayOf(c.srv.slowlog.latest(count)...)
}

func (l *slowlog) latest(count int64) []resp.Value {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := []resp.Value{}
	for i := len(l.entries) - 1; i >= 0 && (count < 0 || int64(len(list)) < count); i-- {
		list = append(list, l.entries[i].value())
	}
	return list
}

func (e *slowEntry) value() resp.Value {
	words := make([]resp.Value, len(e.args))
	for i, w := range e.args {
		words[i] = resp.BulkString(w)
	}
	return resp.ArrayOf(resp.Integer(e.id), resp.Integer(e.at.Unix()), resp.Integer(e.took.Microseconds()), resp.ArrayOf(words...),
		resp.BulkString(e.addr), resp.BulkString(e.name))
}
