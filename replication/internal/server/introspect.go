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

// allNamesSorted is commandNamesSorted with the sub-commands, as family|sub.
func (s *Server) allNamesSorted() []string {
	names := s.commandNamesSorted()
	for _, name := range names {
		for _, sub := range s.family(name) {
			names = append(names, name+"|"+sub.name)
		}
	}
	slices.Sort(names)
	return names
}

// family returns the sub-commands of a command, none for one that is not a family.
func (s *Server) family(name string) []command {
	if s.data[name] != nil {
		return storeSubcommands(name)
	}
	if cmd, ok := s.commands[name]; ok {
		return cmd.subs
	}
	return nil
}

// storeSubcommands are those of the store's families, which are one command each to the store. All but HELP have a key behind the name.
func storeSubcommands(family string) []command {
	switch family {
	case "object":
		return []command{
			{name: "encoding", arity: 3, flags: store.FlagReadOnly},
			{name: "freq", arity: 3, flags: store.FlagReadOnly},
			{name: "help", arity: 2, flags: flagsInfo},
			{name: "idletime", arity: 3, flags: store.FlagReadOnly},
			{name: "refcount", arity: 3, flags: store.FlagReadOnly},
		}
	case "xinfo":
		return []command{
			{name: "consumers", arity: 4, flags: store.FlagReadOnly},
			{name: "groups", arity: 3, flags: store.FlagReadOnly},
			{name: "help", arity: 2, flags: flagsInfo},
			{name: "stream", arity: -3, flags: store.FlagReadOnly},
		}
	case "xgroup":
		return []command{
			{name: "create", arity: -5, flags: store.FlagWrite | store.FlagDenyOOM},
			{name: "createconsumer", arity: 5, flags: store.FlagWrite | store.FlagDenyOOM},
			{name: "delconsumer", arity: 5, flags: store.FlagWrite},
			{name: "destroy", arity: 4, flags: store.FlagWrite},
			{name: "help", arity: 2, flags: flagsInfo},
			{name: "setid", arity: -5, flags: store.FlagWrite},
		}
	case "memory":
		return []command{
			{name: "help", arity: 2, flags: flagsInfo},
			{name: "purge", arity: 2},
			{name: "usage", arity: -3, flags: store.FlagReadOnly},
		}
	}
	return nil
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
	return c.srv.describeAll(lowered(args[2:]))
}

func lowered(args [][]byte) []string {
	names := make([]string, len(args))
	for i, word := range args {
		names[i] = lower(string(word))
	}
	return names
}

func (s *Server) describeAll(names []string) resp.Value {
	list := make([]resp.Value, len(names))
	for i, name := range names {
		list[i] = resp.NullValue()
		if d, ok := s.describe(name); ok {
			list[i] = d.value()
		}
	}
	return resp.ArrayOf(list...)
}

// description is what COMMAND tells of one command.
type description struct {
	name       string // family|sub of a sub-command
	arity      int
	flags      []string
	keys       [3]int // first, last, step; a last of -1 is the last argument, and a step of 2 skips the values of MSET
	categories []string
	specs      []resp.Value
	group      string
	subs       []description
}

// describe returns what is known of a command, or of one sub-command of a family; ok is false for one that does not exist.
func (s *Server) describe(name string) (d description, ok bool) {
	if family, word, ok := strings.Cut(name, "|"); ok {
		return s.describeSub(family, word)
	}
	subs := s.family(name)
	switch cmd, own := s.data[name], s.commands[name]; {
	case cmd != nil && subs == nil:
		return describeData(name, cmd), true
	case cmd != nil:
		d = description{name: name, arity: cmd.Arity, group: dataGroup(name), categories: categoriesOf(name, "", 0, false)}
	case own == nil:
		return d, false
	case own.run == nil:
		d = description{name: name, arity: own.arity, group: own.group, categories: categoriesOf(name, "", 0, false)}
	default:
		d = description{name: name, arity: own.arity, flags: flagNames(own.flags), group: own.group}
		d.categories = categoriesOf(name, own.group, own.flags, false)
	}
	for _, sub := range subs {
		one, _ := s.describeSub(name, sub.name)
		d.subs = append(d.subs, one)
	}
	return d, true
}

// describeData describes a command of the store.
func describeData(name string, cmd *store.Command) description {
	d := description{name: name, arity: cmd.Arity, flags: flagNames(cmd.Flags), keys: [3]int{cmd.FirstKey, cmd.LastKey, cmd.Step}, group: dataGroup(name)}
	if cmd.Blocks() {
		d.flags = append(d.flags, "blocking")
	}
	if cmd.MovableKeys() {
		d.flags = append(d.flags, "movablekeys")
	}
	d.categories = categoriesOf(name, d.group, cmd.Flags, cmd.Blocks())
	d.specs = keySpecs(name, cmd.KeySpecs())
	return d
}

// describeSub describes a sub-command.
func (s *Server) describeSub(family, word string) (d description, ok bool) {
	subs := s.family(family)
	i := slices.IndexFunc(subs, func(sub command) bool { return sub.name == word })
	if i < 0 {
		return d, false
	}
	name, sub := family+"|"+word, &subs[i]
	d = description{name: name, arity: sub.arity, flags: flagNames(sub.flags), group: s.groupOf(family)}
	d.categories = categoriesOf(name, d.group, sub.flags, false)
	if s.data[family] != nil && sub.arity != 2 {
		d.keys = [3]int{2, 2, 1}
		d.specs = keySpecs(name, []store.KeySpec{{Kind: store.KeyRange, Begin: 2, Step: 1}})
	}
	return d, true
}

// value is one element of COMMAND's reply, with the ten parts of Redis 7.0: name, arity, flags, first key, last key, step, then categories, tips, key
// specifications and sub-commands. Client libraries read the first six, to find the keys of a command. The tips, which are about clusters, are left empty.
func (d *description) value() resp.Value {
	subs := make([]resp.Value, len(d.subs))
	for i := range d.subs {
		subs[i] = d.subs[i].value()
	}
	return resp.ArrayOf(
		resp.BulkString(d.name), resp.Integer(int64(d.arity)), simpleSet(d.flags),
		resp.Integer(int64(d.keys[0])), resp.Integer(int64(d.keys[1])), resp.Integer(int64(d.keys[2])),
		simpleSet(d.categories), resp.ArrayOf(), resp.ArrayOf(d.specs...), resp.ArrayOf(subs...),
	)
}

func simpleSet(words []string) resp.Value {
	list := make([]resp.Value, len(words))
	for i, w := range words {
		list[i] = resp.SimpleString(w)
	}
	return resp.SetOf(list...)
}

// flagNames returns flags in the words of Redis, in its order.
func flagNames(flags store.CommandFlags) []string {
	var names []string
	for _, f := range []struct {
		flag store.CommandFlags
		name string
	}{
		{store.FlagWrite, "write"}, {store.FlagReadOnly, "readonly"}, {store.FlagDenyOOM, "denyoom"}, {store.FlagAdmin, "admin"}, {store.FlagPubSub, "pubsub"},
		{store.FlagLoading, "loading"}, {store.FlagStale, "stale"}, {store.FlagFast, "fast"}, {store.FlagNoAuth, "no_auth"}, {store.FlagNoMulti, "no_multi"},
	} {
		if flags&f.flag != 0 {
			names = append(names, f.name)
		}
	}
	return names
}

// commandNames answers COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern], sub-commands included. There are no modules.
func commandNames(c *conn, args [][]byte) resp.Value {
	if len(args) == 2 {
		return c.srv.namesThat(func(string) bool { return true })
	}
	if len(args) != 5 || !equalFold(args[2], "filterby") {
		return resp.Err("ERR syntax error")
	}
	wanted := lower(string(args[4]))
	switch {
	case equalFold(args[3], "module"):
		return c.srv.namesThat(func(string) bool { return false })
	case equalFold(args[3], "pattern"):
		return c.srv.namesThat(func(name string) bool { return store.Match(wanted, name) })
	case equalFold(args[3], "aclcat"):
		return c.srv.namesThat(func(name string) bool {
			d, _ := c.srv.describe(name)
			return slices.Contains(d.categories, "@"+wanted)
		})
	}
	return resp.Err("ERR syntax error")
}

func (s *Server) namesThat(keep func(name string) bool) resp.Value {
	list := []resp.Value{}
	for _, name := range s.allNamesSorted() {
		if keep(name) {
			list = append(list, resp.BulkString(name))
		}
	}
	return resp.SetOf(list...)
}

// commandDocs answers COMMAND DOCS [name...]: a map of maps, with what the tables know in each: the group and the sub-commands, each with a map of its own.
// redis-cli, which asks at its start, is content with that and a summary, be it empty: without one its help shows a null pointer.
func commandDocs(c *conn, args [][]byte) resp.Value {
	names := c.srv.commandNamesSorted()
	if len(args) > 2 {
		names = lowered(args[2:])
	}
	var docs []resp.Value
	for _, name := range names {
		if d, ok := c.srv.describe(name); ok {
			docs = append(docs, resp.BulkString(name), d.docs())
		}
	}
	return resp.MapOf(docs...)
}

func (d *description) docs() resp.Value {
	parts := []resp.Value{resp.BulkString("summary"), resp.BulkString(""), resp.BulkString("group"), resp.BulkString(d.group)}
	if d.subs != nil {
		var subs []resp.Value
		for i := range d.subs {
			subs = append(subs, resp.BulkString(d.subs[i].name), d.subs[i].docs())
		}
		parts = append(parts, resp.BulkString("subcommands"), resp.MapOf(subs...))
	}
	return resp.MapOf(parts...)
}

// dataGroups are the store's commands by what Redis calls their groups.
const dataGroups = `
bitmap: bitcount bitfield bitfield_ro bitop bitpos getbit setbit
connection: select
generic: copy del dump exists expire expireat expiretime keys move object persist pexpire pexpireat pexpiretime pttl randomkey rename
generic: renamenx restore scan sort sort_ro touch ttl type unlink
geo: geoadd geodist geohash geopos georadius georadius_ro georadiusbymember georadiusbymember_ro geosearch geosearchstore
hash: hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hrandfield hscan hset hsetnx hstrlen hvals
hash: hexpire hexpireat hexpiretime hgetdel hgetex hpersist hpexpire hpexpireat hpexpiretime hpttl hsetex httl
hyperloglog: pfadd pfcount pfdebug pfmerge pfselftest
list: blmove blmpop blpop brpop brpoplpush lindex linsert llen lmove lmpop lpop lpos lpush lpushx lrange lrem lset ltrim rpop rpoplpush
list: rpush rpushx
pubsub: publish spublish
server: dbsize flushall flushdb memory restore-asking swapdb
set: sadd scard sdiff sdiffstore sinter sintercard sinterstore sismember smembers smismember smove spop srandmember srem sscan sunion
set: sunionstore
sorted-set: bzmpop bzpopmax bzpopmin zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard zinterstore zlexcount zmpop zmscore zpopmax
sorted-set: zpopmin zrandmember zrange zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex zremrangebyrank zremrangebyscore
sorted-set: zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion zunionstore
stream: xack xautoclaim xclaim xgroup xpending xreadgroup
stream: xadd xdel xdelex xackdel xinfo xlen xrange xread xrevrange xsetid xtrim
string: append decr decrby get getdel getex getrange getset incr incrby incrbyfloat mget mset msetnx psetex set setex setnx setrange
string: lcs strlen substr
string: delex delifeq digest msetex
transactions: discard exec multi unwatch watch
`

// dataGroup returns the group of a command of the store.
func dataGroup(name string) string {
	group, _ := listedUnder(dataGroups, name)
	return group
}

// groupOf returns the group of a command that exists.
func (s *Server) groupOf(name string) string {
	if s.data[name] != nil {
		return dataGroup(name)
	}
	return s.commands[name].group
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
