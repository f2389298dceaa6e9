package server

import (
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// clientCommands returns the sub-commands of CLIENT.
func clientCommands() []command {
	return []command{
		{name: "id", arity: 2, flags: flagsInfo, run: clientID},
		{name: "info", arity: 2, flags: flagsInfo, run: clientInfo},
		{name: "list", arity: -2, flags: flagsOps, run: clientList},
		{name: "kill", arity: -3, flags: flagsOps, run: clientKill},
		{name: "unblock", arity: -3, flags: flagsOps, run: clientUnblock},
		{name: "getname", arity: 2, flags: flagsInfo, run: clientGetName},
		{name: "setname", arity: 3, flags: flagsInfo, run: clientSetName},
		{name: "setinfo", arity: 4, flags: flagsFast, run: clientSetInfo},
		{name: "no-evict", arity: 3, flags: flagsOps, run: clientNoEvict},
		{name: "no-touch", arity: 3, flags: flagsFast, run: clientNoTouch},
		{name: "reply", arity: 3, flags: flagsInfo | store.FlagNoMulti, run: clientReply},
		{name: "pause", arity: -3, flags: flagsOps, run: clientPause},
		{name: "unpause", arity: 2, flags: flagsOps, run: clientUnpause},
	}
}

func clientID(c *conn, _ [][]byte) resp.Value { return resp.Integer(c.id) }

func clientGetName(c *conn, _ [][]byte) resp.Value {
	if c.name == "" {
		return resp.NullValue()
	}
	return resp.BulkString(c.name)
}

const badClientName = "ERR Client names cannot contain spaces, newlines or special characters."

// isClientName reports whether name can stand in a line of CLIENT LIST.
func isClientName(name []byte) bool {
	for _, b := range name {
		if b < '!' || b > '~' {
			return false
		}
	}
	return true
}

// setName is called by the client's own goroutine, which may therefore read c.name without the lock.
func (c *conn) setName(name []byte) {
	c.mu.Lock()
	c.name = string(name)
	c.mu.Unlock()
}

func clientSetName(c *conn, args [][]byte) resp.Value {
	if !isClientName(args[2]) {
		return resp.Err(badClientName)
	}
	c.setName(args[2])
	return resp.OK()
}

// clientSetInfo records what a client library says of itself (Redis 7.2).
func clientSetInfo(c *conn, args [][]byte) resp.Value {
	part := 0
	switch {
	case equalFold(args[2], "lib-name"):
	case equalFold(args[2], "lib-ver"):
		part = 1
	default:
		return resp.Err("ERR Unrecognized option '" + string(args[2]) + "'")
	}
	if !isClientName(args[3]) {
		return resp.Err("ERR " + lower(string(args[2])) + " cannot contain spaces, newlines or special characters.")
	}
	c.mu.Lock()
	c.lib[part] = string(args[3])
	c.mu.Unlock()
	return resp.OK()
}

// parseSwitch reads ON or OFF.
func parseSwitch(word []byte) (on, ok bool) {
	return equalFold(word, "on"), equalFold(word, "on") || equalFold(word, "off")
}

// clientNoEvict is kept for CLIENT LIST; nobody is evicted here.
func clientNoEvict(c *conn, args [][]byte) resp.Value {
	on, ok := parseSwitch(args[2])
	if !ok {
		return resp.Err("ERR syntax error")
	}
	c.mu.Lock()
	c.noEvict = on
	c.mu.Unlock()
	return resp.OK()
}

// clientNoTouch has nothing to do: keys carry no time of access.
func clientNoTouch(_ *conn, args [][]byte) resp.Value {
	if _, ok := parseSwitch(args[2]); !ok {
		return resp.Err("ERR syntax error")
	}
	return resp.OK()
}

// clientReply answers CLIENT REPLY ON | OFF | SKIP. OFF and SKIP are not answered themselves. SKIP while replies are off changes nothing. It cannot be queued:
// EXEC's reply would lack an element.
func clientReply(c *conn, args [][]byte) resp.Value {
	switch {
	case equalFold(args[2], "on"):
		c.replies = repliesOn
		return resp.OK()
	case equalFold(args[2], "off"):
		c.replies = repliesOff
	case equalFold(args[2], "skip"):
		if c.replies == repliesOn {
			c.replies = repliesSkip
		}
	default:
		return resp.Err("ERR syntax error")
	}
	return resp.Value{}
}
