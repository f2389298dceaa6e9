package server

import (
	"slices"
	"strings"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// introspectCommands returns the sub-commands of COMMAND.
func introspectCommands() []command {
	return []command{
		{name: "count", arity: 2, flags: flagsInfo, run: commandCount},
		{name: "info", arity: -2, flags: flagsInfo, run: commandInfo},
		{name: "list", arity: -2, flags: flagsInfo, run: commandNames},
		{name: "docs", arity: -2, flags: flagsInfo, run: commandDocs},
		{name: "getkeys", arity: -4, flags: flagsInfo, run: commandGetKeys},
		{name: "getkeysandflags", arity: -4, flags: flagsInfo, run: commandGetKeysAndFlags},
	}
}

// commandNamesSorted returns the names of all commands: those of the store and the server's own.
func (s *Server) commandNamesSorted() []string {
	var names []string
	for name := range s.data {
		names = append(names, name)
	}
	for name := range s.commands {
		if s.data[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func commandCount(c *conn, _ [][]byte) resp.Value {
	return resp.Integer(int64(len(c.srv.commandNamesSorted())))
}

// commandList answers COMMAND without more.
func commandList(c *conn, _ [][]byte) resp.Value {
	return c.srv.describeAll(c.srv.commandNamesSorted())
}

// commandInfo answers COMMAND INFO [name...]; a name that does not exist is null.
func commandInfo(c *conn, args [][]byte) resp.Value {
	if len(args) == 2 {
		return commandList(c, args)
	}
	var names []string
	for _, word := range args[2:] {
		names = append(names, lower(string(word)))
	}
	return c.srv.describeAll(names)
}

func (s *Server) describeAll(names []string) resp.Value {
	list := make([]resp.Value, len(names))
	for i, name := range names {
		list[i] = s.describe(name)
	}
	return resp.ArrayOf(list...)
}

// describe returns what is known of a command, null for one that does not exist. A family carries its sub-commands, each with the name family|sub.
func (s *Server) describe(name string) resp.Value {
	if cmd := s.data[name]; cmd != nil {
		flags := flagNames(cmd.Flags)
		if cmd.Blocks() {
			flags = append(flags, resp.SimpleString("blocking"))
		}
		if cmd.MovableKeys() {
			flags = append(flags, resp.SimpleString("movablekeys"))
		}
		return description(name, cmd.Arity, flags, [3]int{cmd.FirstKey, cmd.LastKey, cmd.Step}, nil)
	}
	if family, word, ok := strings.Cut(name, "|"); ok {
		return s.describeSub(family, word)
	}
	cmd, ok := s.commands[name]
	if !ok {
		return resp.NullValue()
	}
	subs := []resp.Value{}
	for _, sub := range cmd.subs {
		subs = append(subs, s.describeSub(name, sub.name))
	}
	return description(name, cmd.arity, flagNames(cmd.flags), [3]int{}, subs)
}

// describeSub returns what is known of a sub-command.
func (s *Server) describeSub(family, word string) resp.Value {
	if cmd, ok := s.commands[family]; ok {
		for _, sub := range cmd.subs {
			if sub.name == word {
				return description(family+"|"+word, sub.arity, flagNames(sub.flags), [3]int{}, nil)
			}
		}
	}
	return resp.NullValue()
}

// description is one element of COMMAND's reply, with the ten parts of Redis 7.0: name, arity, flags, first key, last key, step, then categories, tips, key
// specifications and sub-commands. Client libraries read the first six, to find the keys of a command; a last key of -1 is the last argument, and a step of 2
// skips the values of MSET. Categories, tips and specifications, which are about users and clusters, are left empty.
func description(name string, arity int, flags []resp.Value, keys [3]int, subs []resp.Value) resp.Value {
	return resp.ArrayOf(
		resp.BulkString(name), resp.Integer(int64(arity)), resp.SetOf(flags...),
		resp.Integer(int64(keys[0])), resp.Integer(int64(keys[1])), resp.Integer(int64(keys[2])),
		resp.SetOf(), resp.ArrayOf(), resp.ArrayOf(), resp.ArrayOf(subs...),
	)
}

// flagNames returns flags in the words of Redis, in its order.
func flagNames(flags store.CommandFlags) []resp.Value {
	names := []resp.Value{}
	for _, f := range []struct {
		flag store.CommandFlags
		name string
	}{
		{store.FlagWrite, "write"}, {store.FlagReadOnly, "readonly"}, {store.FlagAdmin, "admin"}, {store.FlagPubSub, "pubsub"},
		{store.FlagLoading, "loading"}, {store.FlagStale, "stale"}, {store.FlagFast, "fast"}, {store.FlagNoAuth, "no_auth"}, {store.FlagNoMulti, "no_multi"},
	} {
		if flags&f.flag != 0 {
			names = append(names, resp.SimpleString(f.name))
		}
	}
	return names
}

// commandNames answers COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]. There are no modules and no categories.
func commandNames(c *conn, args [][]byte) resp.Value {
	pattern, none := "*", false
	switch {
	case len(args) == 2:
	case len(args) == 5 && equalFold(args[2], "filterby") && equalFold(args[3], "pattern"):
		pattern = lower(string(args[4]))
	case len(args) == 5 && equalFold(args[2], "filterby") && (equalFold(args[3], "module") || equalFold(args[3], "aclcat")):
		none = true
	default:
		return resp.Err("ERR syntax error")
	}
	list := []resp.Value{}
	for _, name := range c.srv.commandNamesSorted() {
		if !none && store.Match(pattern, name) {
			list = append(list, resp.BulkString(name))
		}
	}
	return resp.SetOf(list...)
}

// commandDocs answers COMMAND DOCS [name...]: a map of maps, with the group alone in each; redis-cli is content with that.
func commandDocs(c *conn, args [][]byte) resp.Value {
	names := c.srv.commandNamesSorted()
	if len(args) > 2 {
		names = nil
		for _, word := range args[2:] {
			names = append(names, lower(string(word)))
		}
	}
	var docs []resp.Value
	for _, name := range names {
		if group := c.srv.groupOf(name); group != "" {
			docs = append(docs, resp.BulkString(name), resp.MapOf(resp.BulkString("group"), resp.BulkString(group)))
		}
	}
	return resp.MapOf(docs...)
}

// dataGroups are the store's commands by what Redis calls their groups.
const dataGroups = `
connection: select
generic: copy del dump exists expire expireat expiretime keys move object persist pexpire pexpireat pexpiretime pttl randomkey rename
generic: renamenx restore scan sort sort_ro touch ttl type unlink
hash: hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hrandfield hscan hset hsetnx hstrlen hvals
list: blmove blmpop blpop brpop brpoplpush lindex linsert llen lmove lmpop lpop lpos lpush lpushx lrange lrem lset ltrim rpop rpoplpush
list: rpush rpushx
pubsub: publish spublish
server: dbsize flushall flushdb memory restore-asking swapdb
set: sadd scard sdiff sdiffstore sinter sintercard sinterstore sismember smembers smismember smove spop srandmember srem sscan sunion
set: sunionstore
sorted-set: bzmpop bzpopmax bzpopmin zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard zinterstore zlexcount zmpop zmscore zpopmax
sorted-set: zpopmin zrandmember zrange zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex zremrangebyrank zremrangebyscore
sorted-set: zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion zunionstore
string: append decr decrby get getdel getex getrange getset incr incrby incrbyfloat mget mset msetnx psetex set setex setnx setrange
string: strlen substr
transactions: discard exec multi unwatch watch
`

// groupOf returns the group of COMMAND DOCS, "" for a command that does not exist.
func (s *Server) groupOf(name string) string {
	if s.data[name] != nil {
		group, _ := listedUnder(dataGroups, name)
		return group
	}
	if cmd, ok := s.commands[name]; ok {
		return cmd.group
	}
	return ""
}

// listedUnder finds name in a text of lines that are a heading, a colon and names.
func listedUnder(text, name string) (heading string, ok bool) {
	for line := range strings.Lines(strings.TrimSpace(text)) {
		heading, names, _ := strings.Cut(line, ":")
		for word := range strings.FieldsSeq(names) {
			if word == name {
				return heading, true
			}
		}
	}
	return "", false
}
