package store

import (
	"strings"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// cmdXInfo is XINFO STREAM, GROUPS, CONSUMERS and HELP.
func cmdXInfo(x *exec, args [][]byte) resp.Value {
	if err := checkXInfo(args); err != nil {
		return reply(err)
	}
	word := strings.ToUpper(argString(args, 1))
	if word == "HELP" {
		return helpReply("XINFO", "CONSUMERS <key> <groupname>", "GROUPS <key>", "STREAM <key> [FULL [COUNT <count>]")
	}
	e, err := x.stream(argString(args, 2))
	switch {
	case err != nil:
		return reply(err)
	case e == nil:
		return reply(ErrNoKey)
	case word == "GROUPS":
		return x.xinfoGroups(e)
	case word == "CONSUMERS":
		return x.xinfoConsumers(e, argString(args, 2), argString(args, 3))
	}
	return x.xinfoStream(e, args)
}

func checkXInfo(args [][]byte) error {
	switch word := strings.ToUpper(argString(args, 1)); word {
	case "HELP":
		return checkWords("xinfo|help", len(args) == 2)
	case "GROUPS":
		return checkWords("xinfo|groups", len(args) == 3)
	case "CONSUMERS":
		return checkWords("xinfo|consumers", len(args) == 4)
	case "STREAM":
		return checkWords("xinfo|stream", len(args) > 2)
	}
	return unknownSub("XINFO", args)
}

// fullCount is how many entries XINFO STREAM FULL shows of each kind unless told.
const fullCount = 10

// xinfoStream is XINFO STREAM key [FULL [COUNT count]] of e, which is at the key. All that
// it shows is of one instant.
func (x *exec) xinfoStream(e *table.Entry, args [][]byte) resp.Value {
	if len(args) == 3 {
		var v resp.Value
		x.streamLook(e, func(b *bigStream) { v = b.info() })
		return v
	}
	count, err := parseFull(args)
	if err != nil {
		return reply(err)
	}
	b := x.streamPin(e)
	if x.torn {
		return resp.Value{}
	}
	return b.fullInfo(count)
}

// parseFull reads what follows the key.
func parseFull(args [][]byte) (count int64, err error) {
	switch rest := args[3:]; {
	case !isWord(rest[0], "FULL") || len(rest) != 1 && (len(rest) != 3 || !isWord(rest[1], "COUNT")):
		return 0, wireError("ERR unknown subcommand or wrong number of arguments for '%s'. Try XINFO HELP.", clip(args[1], quotedBytes))
	case len(rest) == 1:
		return fullCount, nil
	default:
		count, err = parseInt(argString(rest, 2))
	}
	if err == nil && count < 0 {
		count = fullCount
	}
	return count, err
}

// head is what both forms of XINFO STREAM begin with. Of the tree in which servers hold
// a stream it tells what theirs would look like, roughly.
func (b *bigStream) head() []resp.Value {
	n := b.entries.Len()
	nodes := int64(n+trimStep-1) / trimStep
	return []resp.Value{
		resp.BulkString("length"), resp.Integer(int64(n)),
		resp.BulkString("radix-tree-keys"), resp.Integer(nodes),
		resp.BulkString("radix-tree-nodes"), resp.Integer(nodes + 1),
		resp.BulkString("last-generated-id"), resp.BulkString(b.last.String()),
		resp.BulkString("max-deleted-entry-id"), resp.BulkString(b.maxDeleted.String()),
		resp.BulkString("entries-added"), resp.Integer(int64(b.added)),
		resp.BulkString("recorded-first-entry-id"), resp.BulkString(b.first().String()),
	}
}

func (b *bigStream) info() resp.Value {
	first, last := resp.NullValue(), resp.NullValue()
	if n := b.entries.Len(); n > 0 {
		first, last = b.entries.At(0).reply(), b.entries.At(n-1).reply()
	}
	return resp.MapOf(append(b.head(),
		resp.BulkString("groups"), resp.Integer(int64(b.groups.Len())),
		resp.BulkString("first-entry"), first,
		resp.BulkString("last-entry"), last)...)
}

// fullInfo shows the first count entries and groups in full, all for 0.
func (b *bigStream) fullInfo(count int64) resp.Value {
	n := b.entries.Len()
	if count > 0 {
		n = int(min(int64(n), count))
	}
	return resp.MapOf(append(b.head(),
		resp.BulkString("entries"), entriesReply(b.slice(0, n, false)),
		resp.BulkString("groups"), b.fullGroups(count))...)
}
