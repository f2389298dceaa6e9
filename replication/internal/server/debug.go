package server

import (
	"strconv"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// debug answers DEBUG SLEEP seconds, DEBUG DIGEST, DEBUG RELOAD and DEBUG CHANGE-REPL-ID, those that tools use against any server.
func debug(c *conn, args [][]byte) resp.Value {
	switch word := lower(string(args[1])); {
	case word == "sleep" && len(args) == 3:
		return c.debugSleep(args[2])
	case word == "digest" && len(args) == 2:
		return c.debugDigest()
	case word == "reload" && len(args) == 2:
		return c.debugReload()
	case word == "change-repl-id" && len(args) == 2:
		return c.debugChangeID()
	}
	return resp.Err("ERR understudy does not offer 'DEBUG " + upper(string(args[1])) + "'")
}

// debugDigest answers with the digest of the data as it is now, which is the same on every server, Redis included, that holds the same keys, values and
// presence of deadlines. It reads a snapshot, so it takes time in proportion to the data while writers go on.
func (c *conn) debugDigest() resp.Value {
	sn := c.srv.store.Snapshot()
	defer sn.Close()
	digest := sn.Digest()
	if err := sn.Err(); err != nil {
		return resp.Err("ERR " + err.Error())
	}
	return resp.SimpleString(digest)
}

// debugReload replaces the data by what a file of it holds, which is the same. Writers wait meanwhile; nothing of it is in the stream.
func (c *conn) debugReload() resp.Value {
	if err := c.srv.store.Replication().Reload(); err != nil {
		return resp.Err("ERR Error trying to load the RDB dump: " + err.Error())
	}
	return resp.OK()
}

// debugChangeID makes every replica need a full resync, to try out that it gets one.
func (c *conn) debugChangeID() resp.Value {
	if !c.srv.steered {
		return notInside("DEBUG CHANGE-REPL-ID")
	}
	return c.decided(c.srv.node.ChangeID())
}

// debugSleep holds up this client alone. It does not sleep inside a transaction.
func (c *conn) debugSleep(word []byte) resp.Value {
	f, err := strconv.ParseFloat(string(word), 64)
	if err != nil || !(f >= 0 && f < maxDelay.Seconds()) {
		return resp.Err("ERR value is not a valid float")
	}
	if !c.inExec {
		c.srv.sleep(c.ctx, time.Duration(f*float64(time.Second)))
	}
	return resp.OK()
}

// aclCommands answers the one question that clients ask without wanting to administer users.
func aclCommands() []command {
	return []command{{name: "whoami", arity: 2, flags: flagsInfo, run: func(*conn, [][]byte) resp.Value { return resp.BulkString("default") }}}
}

// scriptCommands answers what Sentinel sends to a server that it takes for one held up by a script. Here none ever runs.
func scriptCommands() []command {
	return []command{{name: "kill", arity: 2, flags: flagsInfo, run: func(*conn, [][]byte) resp.Value { return resp.Err("NOTBUSY No scripts in execution right now.") }}}
}
