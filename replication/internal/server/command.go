package server

import (
	"fmt"
	"slices"
	"strings"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// command is one of the server's own commands, or a sub-command.
type command struct {
	name  string
	arity int // including the name (and the sub-command's); -n means n or more
	flags store.CommandFlags
	group string // as COMMAND DOCS tells it
	run   func(c *conn, args [][]byte) resp.Value
	subs  []command // then run is nil
	not   []string  // sub-commands that Redis has and this server does not offer
	whole bool      // only of a server that is a program of its own, see Options.Standalone
	steer bool      // only of one whose role its clients may change, see Options.Steered
}

// What most of the commands below have in common: they touch no data, so they work while the data set is loading or stale.
const (
	flagsInfo = store.FlagLoading | store.FlagStale
	flagsFast = store.FlagLoading | store.FlagStale | store.FlagFast
	flagsOps  = store.FlagLoading | store.FlagStale | store.FlagAdmin
	flagsLink = store.FlagAdmin | store.FlagNoMulti // cannot be queued: they take the connection over, or give no reply
)

// commandTable returns the server's own commands by name.
func commandTable() map[string]*command {
	table := map[string]*command{}
	for _, group := range [][]command{connectionCommands(), pubsubCommands(), operationCommands(), replicationCommands(), clusterCommands(), containerCommands()} {
		for _, cmd := range group {
			table[cmd.name] = &cmd
		}
	}
	return table
}

func connectionCommands() []command {
	const group = "connection"
	return []command{
		{name: "ping", arity: -1, flags: store.FlagFast, group: group, run: ping},
		{name: "echo", arity: 2, flags: flagsFast, group: group, run: echo},
		{name: "auth", arity: -2, flags: flagsFast | store.FlagNoAuth, group: group, run: auth},
		{name: "hello", arity: -1, flags: flagsFast | store.FlagNoAuth, group: group, run: hello},
		{name: "quit", arity: -1, flags: flagsFast | store.FlagNoAuth, group: group, run: runQuit},
		{name: "reset", arity: 1, flags: flagsFast | store.FlagNoAuth, group: group, run: runReset},
	}
}

func operationCommands() []command {
	const group = "server"
	return []command{
		{name: "info", arity: -1, flags: flagsInfo, group: group, run: info},
		{name: "time", arity: 1, flags: flagsFast, group: group, run: serverTime},
		{name: "save", arity: 1, flags: store.FlagAdmin | store.FlagNoMulti, group: group, run: save, whole: true},
		{name: "bgsave", arity: -1, flags: store.FlagAdmin, group: group, run: bgsave, whole: true},
		{name: "lastsave", arity: 1, flags: flagsFast, group: group, run: lastsave},
		{name: "shutdown", arity: -1, flags: flagsOps | store.FlagNoMulti, group: group, run: shutdown, whole: true},
		{name: "debug", arity: -2, flags: flagsOps, group: group, run: debug},
	}
}

func replicationCommands() []command {
	const group = "server"
	return []command{
		{name: "role", arity: 1, flags: flagsFast, group: group, run: role},
		{name: "replicaof", arity: 3, flags: store.FlagAdmin | store.FlagStale, group: group, run: replicaOf, steer: true},
		{name: "slaveof", arity: 3, flags: store.FlagAdmin | store.FlagStale, group: group, run: replicaOf, steer: true},
		{name: "failover", arity: -1, flags: store.FlagAdmin | store.FlagStale, group: group, run: failover, steer: true},
		{name: "wait", arity: 3, group: "generic", run: wait},
		{name: "replconf", arity: -1, flags: flagsLink | flagsInfo, group: group, run: replConf},
		{name: "psync", arity: -3, flags: flagsLink, group: group, run: psync},
		{name: "sync", arity: 1, flags: flagsLink, group: group, run: psync},
	}
}

// containerCommands returns the commands that are a family of sub-commands.
func containerCommands() []command {
	list := []command{
		{name: "client", group: "connection", subs: clientCommands(), not: []string{"caching", "getredir", "tracking", "trackinginfo"}},
		{name: "config", group: "server", subs: configCommands()},
		{name: "command", group: "server", arity: -1, run: commandList, subs: introspectCommands()},
		{name: "pubsub", group: "pubsub", subs: pubsubInfoCommands()},
		{name: "latency", group: "server", subs: latencyCommands(), not: []string{"doctor", "graph", "histogram"}},
		{name: "slowlog", group: "server", subs: slowlogCommands()},
		{name: "script", group: "scripting", subs: scriptCommands(), not: []string{"debug", "exists", "flush", "load"}},
		{name: "acl", group: "server", subs: aclCommands(), not: []string{"cat", "deluser", "dryrun", "genpass", "getuser", "list", "load", "log", "save", "setuser", "users"}},
		{name: "understudy", group: "server", subs: understudyCommands()},
	}
	for i := range list {
		list[i].flags = flagsInfo
		if list[i].arity == 0 {
			list[i].arity = -2
		}
		list[i].subs = append(list[i].subs, helpCommand(list[i].name, list[i].subs))
	}
	return list
}

// helpCommand returns the HELP of a family: its sub-commands' names.
func helpCommand(family string, subs []command) command {
	return command{name: "help", arity: 2, flags: flagsInfo, run: func(*conn, [][]byte) resp.Value {
		lines := []resp.Value{resp.SimpleString(fmt.Sprintf("%s <subcommand> [<arg> ...]. Subcommands are:", upper(family)))}
		for _, sub := range subs {
			lines = append(lines, resp.SimpleString(upper(sub.name)))
		}
		return resp.ArrayOf(append(lines, resp.SimpleString("HELP"))...)
	}}
}

func (s *Server) hasSubcommands(name []byte) bool {
	// The conversion in a map index does not allocate; names in the usual two spellings are all that matters here.
	if cmd, ok := s.commands[string(name)]; ok {
		return cmd.subs != nil
	}
	cmd, ok := s.commands[lower(string(name[:min(len(name), 16)]))]
	return ok && cmd.subs != nil
}

// lookup is the session's question about a command that may not be its own. A nil answer makes it an unknown command, which also spoils an open transaction;
// when there is more to say than "unknown", c.refused has it.
func (c *conn) lookup(name string) *store.Command {
	name = lower(name)
	cmd, ok := c.srv.commands[name]
	switch {
	case ok && len(c.args) > 1 && cmd.subs != nil:
		return c.lookupSub(cmd)
	case ok:
		return c.wrap(name, cmd)
	case c.srv.data[name] == nil && notOffered(name):
		c.refused = resp.Err("ERR understudy does not offer '" + upper(name) + "'")
	}
	return nil
}

// lookupSub resolves the sub-command named by the arguments at hand. Unknown ones must be refused here: once queued it would be too late.
func (c *conn) lookupSub(family *command) *store.Command {
	word := lower(string(c.args[1]))
	if i := slices.IndexFunc(family.subs, func(sub command) bool { return sub.name == word }); i >= 0 {
		return c.wrap(family.name+"|"+word, &family.subs[i])
	}
	if slices.Contains(family.not, word) {
		c.refused = resp.Err("ERR understudy does not offer '" + upper(family.name) + " " + upper(word) + "'")
		return nil
	}
	c.refused = resp.Err(fmt.Sprintf("ERR unknown subcommand '%.128s'. Try %s HELP.", c.args[1], upper(family.name)))
	return nil
}

// notInside is the answer to what belongs to the program that the server is a part of.
func notInside(what string) resp.Value {
	return resp.Err("ERR understudy does not offer '" + what + "' inside another program")
}

// wrap returns cmd in the form in which the session runs it, bound to this connection.
func (c *conn) wrap(name string, cmd *command) *store.Command {
	if w, ok := c.own[name]; ok {
		return w
	}
	if cmd.whole && !c.srv.alone || cmd.steer && !c.srv.steered {
		c.refused = notInside(upper(strings.ReplaceAll(name, "|", " ")))
		return nil
	}
	w := &store.Command{Name: name, Arity: cmd.arity, Flags: cmd.flags, Run: func(_ *store.Session, args [][]byte) resp.Value { return cmd.run(c, args) }}
	c.own[name] = w
	return w
}
