package store

import (
	"iter"
	"strings"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// CommandFlags say how a command may be used.
type CommandFlags uint32

const (
	// FlagWrite: may change data; refused on a read-only replica.
	FlagWrite CommandFlags = 1 << iota
	// FlagReadOnly: reads data, changes nothing.
	FlagReadOnly
	// FlagFast: O(1) or O(log n).
	FlagFast
	// FlagAdmin: about the server, not the data.
	FlagAdmin
	// FlagNoMulti: refused between MULTI and EXEC.
	FlagNoMulti
	// FlagLoading and FlagStale: allowed while loading, and while a replica is
	// cut off and told not to serve old data.
	FlagLoading
	FlagStale
	// FlagNoAuth: allowed before AUTH.
	FlagNoAuth

	// FlagPubSub: about messages, not data.
	FlagPubSub

	// flagOneKey: reads one key's entry and nothing else, so that it needs no
	// instant shared with other reads.
	flagOneKey
	// flagPublish: takes the way of a write though it changes no data, on a
	// read-only replica too.
	flagPublish
	// flagStream: known only in the stream of a primary.
	flagStream
)

// A Command describes one command: of the store's own table, or one that a
// server adds by SessionOptions.Extra.
type Command struct {
	// Name in upper case.
	Name string
	// Arity counts the arguments, the name included; negative for "at least".
	Arity int
	Flags CommandFlags
	// FirstKey, LastKey and Step locate the keys among the arguments as COMMAND
	// INFO states them; all 0 for none.
	FirstKey, LastKey, Step int
	// Run answers a command that a server adds. The store's own have none.
	Run func(c *Session, args [][]byte) resp.Value

	// prepare makes, before the writer lock is taken, the entry that run will most
	// likely want; nil for none.
	prepare func(args [][]byte) *table.Entry

	// run answers a command of the store. args include the name and may be
	// overwritten after it returned.
	run func(x *exec, args [][]byte) resp.Value
}

// accepts reports whether n arguments, the name included, fit the arity.
func (c *Command) accepts(n int) bool { return n == c.Arity || c.Arity < 0 && n >= -c.Arity }

// Commands yields the store's command table.
func Commands() iter.Seq[*Command] {
	return func(yield func(*Command) bool) {
		for i := range commandTable {
			if c := &commandTable[i]; c.Flags&flagStream == 0 && !yield(c) {
				return
			}
		}
	}
}

// LookupCommand is the store's command of that name in any case, or nil.
func LookupCommand(name string) *Command {
	if c := lookup([]byte(name)); c != nil && c.Flags&flagStream == 0 {
		return c
	}
	return nil
}

const longestName = 16

// lookup finds a command by name in any case without allocating.
func lookup(name []byte) *Command {
	var upper [longestName]byte
	if len(name) > longestName {
		return nil
	}
	for i, c := range name {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		upper[i] = c
	}
	return commandIndex[string(upper[:len(name)])]
}

var commandIndex = indexCommands()

func indexCommands() map[string]*Command {
	m := make(map[string]*Command, len(commandTable))
	for i := range commandTable {
		m[commandTable[i].Name] = &commandTable[i]
	}
	return m
}

const (
	readOne  = FlagReadOnly | FlagFast | flagOneKey
	readMany = FlagReadOnly
	writeOne = FlagWrite | FlagFast

	publishes = FlagPubSub | FlagLoading | FlagStale | FlagFast | flagPublish
)

// commandTable is the one list of what the store understands, in groups.
var commandTable = []Command{
	// Strings.
	{Name: "GET", Arity: 2, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGet},
	{Name: "SET", Arity: -3, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, prepare: prepareSet, run: cmdSet},
	{Name: "SETNX", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSetNX},
	{Name: "SETEX", Arity: 4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSetEX},
	{Name: "PSETEX", Arity: 4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdPSetEX},
	{Name: "GETSET", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGetSet},
	{Name: "GETDEL", Arity: 2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGetDel},
	{Name: "GETEX", Arity: -2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGetEX},
	{Name: "MGET", Arity: -2, Flags: readMany | FlagFast, FirstKey: 1, LastKey: -1, Step: 1, run: cmdMGet},
	{Name: "MSET", Arity: -3, Flags: FlagWrite, FirstKey: 1, LastKey: -1, Step: 2, run: cmdMSet},
	{Name: "MSETNX", Arity: -3, Flags: FlagWrite, FirstKey: 1, LastKey: -1, Step: 2, run: cmdMSetNX},
	{Name: "INCR", Arity: 2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdIncr},
	{Name: "DECR", Arity: 2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdDecr},
	{Name: "INCRBY", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdIncrBy},
	{Name: "DECRBY", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdDecrBy},
	{Name: "INCRBYFLOAT", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdIncrByFloat},
	{Name: "APPEND", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdAppend},
	{Name: "SETRANGE", Arity: 4, Flags: FlagWrite, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSetRange},
	{Name: "GETRANGE", Arity: 4, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGetRange},
	{Name: "SUBSTR", Arity: 4, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdGetRange},
	{Name: "STRLEN", Arity: 2, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdStrLen},

	// Hashes.
	{Name: "HSET", Arity: -4, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHSet},
	{Name: "HMSET", Arity: -4, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHMSet},
	{Name: "HSETNX", Arity: 4, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHSetNX},
	{Name: "HGET", Arity: 3, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHGet},
	{Name: "HMGET", Arity: -3, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHMGet},
	{Name: "HGETALL", Arity: 2, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHGetAll},
	{Name: "HKEYS", Arity: 2, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHKeys},
	{Name: "HVALS", Arity: 2, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHVals},
	{Name: "HLEN", Arity: 2, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHLen},
	{Name: "HEXISTS", Arity: 3, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHExists},
	{Name: "HSTRLEN", Arity: 3, Flags: readMany | FlagFast, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHStrLen},
	{Name: "HDEL", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHDel},
	{Name: "HINCRBY", Arity: 4, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHIncrBy},
	{Name: "HINCRBYFLOAT", Arity: 4, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHIncrByFloat},
	{Name: "HRANDFIELD", Arity: -2, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHRandField},
	{Name: "HSCAN", Arity: -3, Flags: readMany, FirstKey: 1, LastKey: 1, Step: 1, run: cmdHScan},

	// Keys.
	{Name: "DEL", Arity: -2, Flags: FlagWrite, FirstKey: 1, LastKey: -1, Step: 1, run: cmdDel},
	{Name: "UNLINK", Arity: -2, Flags: writeOne, FirstKey: 1, LastKey: -1, Step: 1, run: cmdUnlink},
	{Name: "EXISTS", Arity: -2, Flags: readMany | FlagFast, FirstKey: 1, LastKey: -1, Step: 1, run: cmdExists},
	{Name: "TOUCH", Arity: -2, Flags: readMany | FlagFast, FirstKey: 1, LastKey: -1, Step: 1, run: cmdExists},
	{Name: "TYPE", Arity: 2, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdType},
	{Name: "KEYS", Arity: 2, Flags: readMany, run: cmdKeys},
	{Name: "SCAN", Arity: -2, Flags: readMany | flagOneKey, run: cmdScan},
	{Name: "RENAME", Arity: 3, Flags: FlagWrite, FirstKey: 1, LastKey: 2, Step: 1, run: cmdRename},
	{Name: "RENAMENX", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 2, Step: 1, run: cmdRenameNX},
	{Name: "COPY", Arity: -3, Flags: FlagWrite, FirstKey: 1, LastKey: 2, Step: 1, run: cmdCopy},
	{Name: "MOVE", Arity: 3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdMove},
	{Name: "SWAPDB", Arity: 3, Flags: writeOne, run: cmdSwapDB},
	{Name: "RANDOMKEY", Arity: 1, Flags: readMany | flagOneKey, run: cmdRandomKey},
	{Name: "DBSIZE", Arity: 1, Flags: readMany | FlagFast, run: cmdDBSize},
	{Name: "FLUSHDB", Arity: -1, Flags: FlagWrite, run: cmdFlushDB},
	{Name: "FLUSHALL", Arity: -1, Flags: FlagWrite, run: cmdFlushAll},

	// Expiry.
	{Name: "EXPIRE", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdExpire},
	{Name: "PEXPIRE", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdPExpire},
	{Name: "EXPIREAT", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdExpireAt},
	{Name: "PEXPIREAT", Arity: -3, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdPExpireAt},
	{Name: "TTL", Arity: 2, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdTTL},
	{Name: "PTTL", Arity: 2, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdPTTL},
	{Name: "EXPIRETIME", Arity: 2, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdExpireTime},
	{Name: "PEXPIRETIME", Arity: 2, Flags: readOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdPExpireTime},
	{Name: "PERSIST", Arity: 2, Flags: writeOne, FirstKey: 1, LastKey: 1, Step: 1, run: cmdPersist},

	// Messages.
	{Name: "PUBLISH", Arity: 3, Flags: publishes, run: cmdPublish},
	{Name: "SPUBLISH", Arity: 3, Flags: publishes, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSPublish},

	// The session itself.
	{Name: "SELECT", Arity: 2, Flags: FlagFast | FlagLoading | FlagStale, Run: (*Session).selectDB},
	{Name: "MULTI", Arity: 1, Flags: FlagFast | FlagLoading | FlagStale | FlagNoMulti, Run: (*Session).multi},
	{Name: "EXEC", Arity: 1, Flags: FlagLoading | FlagStale, Run: (*Session).exec},
	{Name: "DISCARD", Arity: 1, Flags: FlagFast | FlagLoading | FlagStale, Run: (*Session).discard},
	{Name: "WATCH", Arity: -2, Flags: FlagFast | FlagLoading | FlagStale | FlagNoMulti, FirstKey: 1, LastKey: -1, Step: 1, Run: (*Session).watch},
	{Name: "UNWATCH", Arity: 1, Flags: FlagFast | FlagLoading | FlagStale, Run: (*Session).unwatch},

	// What only a stream carries, or means something else there.
	{Name: "PING", Arity: -1, Flags: flagStream, run: cmdNothing},
	{Name: "REPLCONF", Arity: -1, Flags: flagStream, run: cmdNothing},
	{Name: "SCRIPT", Arity: -2, Flags: flagStream, run: cmdNothing},
	{Name: "FUNCTION", Arity: -2, Flags: flagStream, run: cmdFunction},
}

// cmdNothing is a frame that changes no data.
func cmdNothing(*exec, [][]byte) resp.Value { return resp.OK() }

// Helpers that all command functions share.

func argString(args [][]byte, i int) string { return table.View(args[i]) }

func argStrings(args [][]byte) []string {
	s := make([]string, len(args))
	for i, a := range args {
		s[i] = table.View(a)
	}
	return s
}

func isWord(arg []byte, word string) bool {
	return len(arg) == len(word) && strings.EqualFold(table.View(arg), word)
}

func boolReply(b bool) resp.Value {
	if b {
		return resp.Integer(1)
	}
	return resp.Integer(0)
}

func textReply(value string, ok bool, err error) resp.Value {
	switch {
	case err != nil:
		return reply(err)
	case !ok:
		return resp.NullValue()
	}
	return resp.BulkString(value)
}

func intReply[T int | int64](n T, err error) resp.Value {
	if err != nil {
		return reply(err)
	}
	return resp.Integer(int64(n))
}

func okReply(err error) resp.Value {
	if err != nil {
		return reply(err)
	}
	return resp.OK()
}

func wrongArity(name string) resp.Value {
	return resp.Err("ERR wrong number of arguments for '" + strings.ToLower(name) + "' command")
}
