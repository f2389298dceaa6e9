package server

import (
	"slices"

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
		return description(name, cmd.Arity, cmd.Flags, [3]int{cmd.FirstKey, cmd.LastKey, cmd.Step}, nil)
	}
	cmd, ok := s.commands[name]
	if !ok {
		return resp.NullValue()
	}
	subs := []resp.Value{}
	for _, sub := range cmd.subs {
		subs = append(subs, description(name+"|"+sub.name, sub.arity, sub.flags, [3]int{}, nil))
	}
	return description(name, cmd.arity, cmd.flags, [3]int{}, subs)
}

// description is one element of COMMAND's reply, with the ten parts of Redis 7.0: name, arity, flags, first key, last key, step, then categories, tips, key
// specifications and sub-commands. Client libraries read the first six, to find the keys of a command; a last key of -1 is the last argument, and a step of 2
// skips the values of MSET. Categories, tips and specifications, which are about users and clusters, are left empty.
func description(name string, arity int, flags store.CommandFlags, keys [3]int, subs []resp.Value) resp.Value {
	return resp.ArrayOf(
		resp.BulkString(name), resp.Integer(int64(arity)), resp.SetOf(flagNames(flags)...),
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

// groupOf returns the group of COMMAND DOCS, "" for a command that does not exist. The store does not tell its commands apart in this way.
func (s *Server) groupOf(name string) string {
	if s.data[name] != nil {
		return "data"
	}
	if cmd, ok := s.commands[name]; ok {
		return cmd.group
	}
	return ""
}

// commandGetKeys answers COMMAND GETKEYS command argument...: it picks the keys out of a command line by the three numbers of the command table. Of the line
// only the number of arguments is checked.
func commandGetKeys(c *conn, args [][]byte) resp.Value {
	line := args[2:]
	cmd := c.srv.data[lower(string(line[0]))]
	if cmd == nil && c.srv.commands[lower(string(line[0]))] == nil {
		return resp.Err("ERR Invalid command specified")
	}
	if cmd == nil || cmd.FirstKey == 0 {
		return resp.Err("ERR The command has no key arguments")
	}
	if cmd.Arity > 0 && len(line) != cmd.Arity || len(line) < -cmd.Arity {
		return resp.Err("ERR Invalid number of arguments specified for command")
	}
	last := cmd.LastKey
	if last < 0 {
		last += len(line)
	}
	keys := []resp.Value{}
	for i := cmd.FirstKey; i <= last && i < len(line) && cmd.Step > 0; i += cmd.Step {
		keys = append(keys, resp.BulkString(string(line[i])))
	}
	return resp.ArrayOf(keys...)
}
