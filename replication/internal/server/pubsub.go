package server

import (
	"math"
	"slices"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// PUBLISH and SPUBLISH are the store's: they have a place among the commits. Here is what one client does about itself, and what is told of all.

const flagsPubSub = store.FlagPubSub | store.FlagLoading | store.FlagStale

func pubsubCommands() []command {
	const group = "pubsub"
	list := []command{{name: "monitor", arity: 1, flags: flagsOps, group: "server", run: monitor}}
	for via, words := range subscribeWords {
		list = append(list,
			command{name: words[0], arity: -2, flags: flagsPubSub, group: group, run: func(c *conn, args [][]byte) resp.Value { return c.subscribe(store.Via(via), args) }},
			command{name: words[1], arity: -1, flags: flagsPubSub, group: group, run: func(c *conn, args [][]byte) resp.Value { return c.unsubscribe(store.Via(via), args) }})
	}
	return list
}

// subscribeWords are the commands for each store.Via, which are the first words of their confirmations too.
var subscribeWords = [...][2]string{
	store.ViaChannel: {"subscribe", "unsubscribe"},
	store.ViaPattern: {"psubscribe", "punsubscribe"},
	store.ViaShard:   {"ssubscribe", "sunsubscribe"},
}

// subscribe answers SUBSCRIBE and its kin: with a confirmation for each name, in place of a reply.
func (c *conn) subscribe(via store.Via, args [][]byte) resp.Value {
	if via == store.ViaShard && c.inExec {
		return resp.Err("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client")
	}
	sub, late := c.subscriber(), len(c.late)
	c.outMu.Lock() // a message must not come before the confirmation
	defer c.outMu.Unlock()
	for _, name := range args[1:] {
		sub.Subscribe(via, string(name))
		c.confirm(via, 0, resp.BulkString(string(name)))
	}
	return c.instead(late)
}

// unsubscribe answers UNSUBSCRIBE and its kin; without names it ends all subscriptions of the kind.
func (c *conn) unsubscribe(via store.Via, args [][]byte) resp.Value {
	sub, late := c.subscriber(), len(c.late)
	names := sub.Names(via)
	if len(args) > 1 {
		names = argTexts(args[1:])
	}
	c.outMu.Lock()
	defer c.outMu.Unlock()
	for _, name := range names {
		sub.Unsubscribe(via, name)
		if !c.inExec {
			c.drain(math.MaxInt) // what came before; the queue's limit bounds it
		}
		c.confirm(via, 1, resp.BulkString(name))
	}
	if len(names) == 0 {
		c.confirm(via, 1, resp.NullValue())
	}
	return c.instead(late)
}

func argTexts(args [][]byte) []string {
	texts := make([]string, len(args))
	for i, a := range args {
		texts[i] = string(a)
	}
	return texts
}

// confirm tells the client of one name that it has subscribed to, and of how many there are now: channels and patterns are counted together. It is sent
// though CLIENT REPLY may be off: it is no reply. REQUIRES: outMu.
func (c *conn) confirm(via store.Via, word int, name resp.Value) {
	n := c.sub.Counts()
	total := n[store.ViaChannel] + n[store.ViaPattern]
	if via == store.ViaShard {
		total = n[store.ViaShard]
	}
	v := resp.PushOf(resp.BulkString(subscribeWords[via][word]), name, resp.Integer(int64(total)))
	if c.inExec {
		c.late = append(c.late, v)
		return
	}
	c.out = resp.AppendValue(c.out, v, c.proto)
}

// instead returns the reply to a command that confirmed, after there were so many late confirmations: none, but an element in the reply of EXEC. That has one
// for each command, so further confirmations come behind it. (Redis sends them inside, where no client can tell which is which.)
func (c *conn) instead(before int) resp.Value {
	if !c.inExec {
		return resp.Value{}
	}
	v := c.late[before]
	c.late = slices.Delete(c.late, before, before+1)
	return v
}

// subscriptions is how many the client has of each kind.
func (c *conn) subscriptions() (n [3]int) {
	c.mu.Lock()
	sub := c.sub
	c.mu.Unlock()
	if sub != nil {
		n = sub.Counts()
	}
	return n
}

// subscribed reports whether the client has any. Only its own goroutine calls it.
func (c *conn) subscribed() bool { return c.sub != nil && c.sub.Counts() != [3]int{} }

// unfit returns the refusal of a command that cannot be answered between messages: in RESP2 nobody could tell its reply from one. Nor may a monitor use the
// data, which Redis words as if it was a replica. Commands that do not exist, or have the wrong number of arguments, are left to be told so.
func (c *conn) unfit(args [][]byte) (refusal resp.Value) {
	if c.sub == nil {
		return resp.Value{}
	}
	name, flags := c.srv.resolve(args)
	switch {
	case name == "":
		return resp.Value{}
	case c.monitoring.Load() && c.srv.data[name] != nil && flags&(store.FlagReadOnly|store.FlagWrite|store.FlagPubSub) != 0:
		return resp.Err("ERR Replica can't interact with the keyspace")
	case c.proto != 2 || isModal(args[0]) || !c.subscribed():
		return resp.Value{}
	}
	return resp.Err("ERR Can't execute '" + name + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
}

func isModal(name []byte) bool {
	for _, words := range subscribeWords {
		if equalFold(name, words[0]) || equalFold(name, words[1]) {
			return true
		}
	}
	return equalFold(name, "ping") || equalFold(name, "quit") || equalFold(name, "reset")
}

// resolve returns the name of the command, family|sub for one of a family, and its flags; "" if there is none or the number of arguments does not fit.
func (s *Server) resolve(args [][]byte) (name string, flags store.CommandFlags) {
	name = lower(string(args[0]))
	if cmd := s.data[name]; cmd != nil {
		return fitting(name, cmd.Arity, len(args)), cmd.Flags
	}
	cmd := s.commands[name]
	switch {
	case cmd == nil:
		return "", 0
	case cmd.subs == nil || len(args) == 1:
		return fitting(name, cmd.arity, len(args)), cmd.flags
	}
	word := lower(string(args[1]))
	for _, sub := range cmd.subs {
		if sub.name == word {
			return fitting(name+"|"+word, sub.arity, len(args)), sub.flags
		}
	}
	return "", 0
}

func fitting(name string, arity, n int) string {
	if n == arity || arity < 0 && n >= -arity {
		return name
	}
	return ""
}

// pubsubInfoCommands are the sub-commands of PUBSUB.
func pubsubInfoCommands() []command {
	return []command{
		{name: "channels", arity: -2, flags: flagsPubSub, run: pubsubChannels(store.ViaChannel)},
		{name: "numpat", arity: 2, flags: flagsPubSub, run: pubsubNumPat},
		{name: "numsub", arity: -2, flags: flagsPubSub, run: pubsubNumSub(store.ViaChannel)},
		{name: "shardchannels", arity: -2, flags: flagsPubSub, run: pubsubChannels(store.ViaShard)},
		{name: "shardnumsub", arity: -2, flags: flagsPubSub, run: pubsubNumSub(store.ViaShard)},
	}
}

// pubsubChannels answers PUBSUB CHANNELS [pattern] and SHARDCHANNELS, sorted.
func pubsubChannels(via store.Via) func(*conn, [][]byte) resp.Value {
	return func(c *conn, args [][]byte) resp.Value {
		pattern := "*"
		switch len(args) {
		case 2:
		case 3:
			pattern = string(args[2])
		default:
			return resp.Err("ERR unknown subcommand or wrong number of arguments for '" + string(args[1]) + "'. Try PUBSUB HELP.")
		}
		list := []resp.Value{}
		for _, name := range c.srv.store.Channels(via, pattern) {
			list = append(list, resp.BulkString(name))
		}
		return resp.ArrayOf(list...)
	}
}

// pubsubNumPat answers PUBSUB NUMPAT: how many different patterns there are.
func pubsubNumPat(c *conn, _ [][]byte) resp.Value {
	return resp.Integer(int64(len(c.srv.store.Channels(store.ViaPattern, "*"))))
}

// pubsubNumSub answers PUBSUB NUMSUB [channel...] and SHARDNUMSUB: how many are subscribed to each, patterns aside.
func pubsubNumSub(via store.Via) func(*conn, [][]byte) resp.Value {
	return func(c *conn, args [][]byte) resp.Value {
		list := []resp.Value{}
		for _, name := range args[2:] {
			list = append(list, resp.BulkString(string(name)), resp.Integer(int64(c.srv.store.Subscribers(via, string(name)))))
		}
		return resp.ArrayOf(list...)
	}
}
