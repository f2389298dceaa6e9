package server

import (
	"bytes"
	"strconv"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// ping answers PING [message]. In subscriber mode the reply looks like a message.
func ping(c *conn, args [][]byte) resp.Value {
	if c.proto == 2 && !c.inExec && len(args) <= 2 && c.subscribed() {
		return resp.PushOf(resp.BulkString("pong"), resp.BulkString(string(bytes.Join(args[1:], nil))))
	}
	switch len(args) {
	case 1:
		return resp.SimpleString("PONG")
	case 2:
		return resp.BulkString(string(args[1]))
	}
	return arityError("ping")
}

func arityError(name string) resp.Value {
	return resp.Err("ERR wrong number of arguments for '" + name + "' command")
}

// echo answers ECHO message.
func echo(_ *conn, args [][]byte) resp.Value { return resp.BulkString(string(args[1])) }

// quit says good-bye. It is never queued: a client that leaves leaves its transaction behind.
func (c *conn) quit() resp.Value {
	c.closing = true
	c.leave()
	return resp.OK()
}

// reset brings the connection to the state of a new one. It is never queued.
func (c *conn) reset() resp.Value {
	c.session.Reset()
	c.setProto(2)
	c.replies = repliesOn
	if c.sub != nil {
		c.monitor(false)
		c.sub.Reset()
	}
	if c.authed = c.srv.tuning.Load().password == ""; !c.authed {
		c.estrange()
	}
	c.mu.Lock()
	c.name, c.noEvict = "", false
	c.mu.Unlock()
	return resp.SimpleString("RESET")
}

// runQuit and runReset stand in the table for COMMAND; conn.run does not let the session see them.
func runQuit(c *conn, _ [][]byte) resp.Value  { return c.quit() }
func runReset(c *conn, _ [][]byte) resp.Value { return c.reset() }

// serverTime answers TIME: seconds and microseconds.
func serverTime(_ *conn, _ [][]byte) resp.Value {
	now := time.Now()
	return resp.ArrayOf(bulkInt(now.Unix()), bulkInt(int64(now.Nanosecond()/1000)))
}

func bulkInt(n int64) resp.Value { return resp.BulkString(strconv.FormatInt(n, 10)) }

// parseInt returns the error text of Redis for words that are not numbers. It is as strict as Redis: no plus sign, no leading zeros.
func parseInt(word []byte, otherwise string) (int64, resp.Value) {
	n, err := strconv.ParseInt(string(word), 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != string(word) {
		return 0, resp.Err("ERR " + otherwise)
	}
	return n, resp.Value{}
}

const (
	notInteger        = "value is not an integer or out of range"
	timeoutNotInteger = "timeout is not an integer or out of range"
)

// parseTimeout reads a number of milliseconds.
func parseTimeout(word []byte) (time.Duration, resp.Value) {
	n, bad := parseInt(word, timeoutNotInteger)
	switch {
	case bad.Kind != 0:
		return 0, bad
	case n < 0:
		return 0, resp.Err("ERR timeout is negative")
	case n > int64(maxDelay/time.Millisecond):
		return 0, resp.Err("ERR timeout is out of range")
	}
	return time.Duration(n) * time.Millisecond, resp.Value{}
}

// maxDelay is the longest time that anybody may ask for, far from the overflow of a duration.
const maxDelay = 100 * 365 * 24 * time.Hour
