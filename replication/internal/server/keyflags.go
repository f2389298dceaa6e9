package server

import (
	"strings"

	"github.com/understudy-go/understudy/resp"
)

// keyFlags says for each command of the store what it does to its keys, in the words of Redis 7.0, as proxies and libraries ask for it: before the colon the
// flags of the first key and, behind a comma, those of the others where they differ. R, W or both say what of the value is needed, O that it is overwritten
// unseen and RM that it is removed unseen; access that something of it gets into the reply; not_key that it only looks like a key.
const keyFlags = `
not_key: spublish
OW insert: msetnx setnx
OW update: mset msetex psetex restore restore-asking setex
OW update, RO access: bitop geosearchstore sdiffstore sunionstore zdiffstore zinterstore zrangestore zunionstore
RM delete: del unlink
RO: exists hexists hlen hstrlen llen memory object scard sismember strlen touch type watch xlen zcard
RO access, OW update: copy georadius georadiusbymember sort
RW access delete: blmpop blpop brpop bzmpop bzpopmax bzpopmin getdel lmpop lpop rpop spop zmpop zpopmax zpopmin
RW access delete: hgetdel
RW access delete, OW insert: renamenx
RW access delete, OW update: rename
RW access delete, RW insert: blmove brpoplpush lmove rpoplpush smove
RW access: pfcount pfdebug
RW access insert, RO access: pfmerge
RW access update: decr decrby getex getset hincrby hincrbyfloat incr incrby incrbyfloat move setbit zincrby
RW access update: hgetex
RW delete: hdel lrem ltrim srem xackdel xdel xdelex xtrim zrem zremrangebylex zremrangebyrank zremrangebyscore
RW delete: delex delifeq
RW delete: xautoclaim xgroup|delconsumer xgroup|destroy
RW insert: xgroup|create xgroup|createconsumer
RW update: xack xclaim xgroup|setid
RW insert: append hsetnx linsert lpush lpushx pfadd rpush rpushx sadd
RW update: expire expireat geoadd hmset hset lset persist pexpire pexpireat setrange xadd xsetid zadd
RW update: hexpire hexpireat hpersist hpexpire hpexpireat hsetex
RW update, RO access: sinterstore
`

// keyFlagsOf returns the flags of the first key and of the others. What the list leaves out reads.
func keyFlagsOf(name string, args [][]byte) (first, rest string) {
	switch name {
	case "set":
		for _, arg := range args[1:] {
			if equalFold(arg, "get") {
				return "RW access update", ""
			}
		}
		return "OW update", ""
	case "bitfield":
		if onlyReads(args) {
			return "RO access", ""
		}
		return "RW access update", ""
	}
	if name == "xgroup" && len(args) > 1 {
		name += "|" + lower(string(args[1]))
	}
	flags, ok := listedUnder(keyFlags, name)
	if !ok { // a family whose sub-commands are all alike
		name, _, _ = strings.Cut(name, "|")
		flags, ok = listedUnder(keyFlags, name)
	}
	if ok {
		first, rest, differ := strings.Cut(flags, ", ")
		if !differ {
			rest = first
		}
		return first, rest
	}
	return "RO access", "RO access"
}

// onlyReads reports whether all steps of a BITFIELD are GET type offset, or OVERFLOW rule.
func onlyReads(args [][]byte) bool {
	for i := 2; i < len(args); {
		switch {
		case equalFold(args[i], "get") && len(args)-i > 2:
			i += 3
		case equalFold(args[i], "overflow") && len(args)-i > 1:
			i += 2
		default:
			return false
		}
	}
	return true
}

// keysIn picks the keys out of a command line, of which nothing but the number of arguments is checked otherwise; at are their indexes.
func (s *Server) keysIn(line [][]byte) (at []int, bad resp.Value) {
	name := lower(string(line[0]))
	cmd := s.data[name]
	switch {
	case cmd == nil && s.commands[name] == nil:
		return nil, resp.Err("ERR Invalid command specified")
	case cmd == nil || !cmd.HasKeys(line):
		return nil, resp.Err("ERR The command has no key arguments")
	case fitting(name, cmd.Arity, len(line)) == "":
		return nil, resp.Err("ERR Invalid number of arguments specified for command")
	}
	if at = cmd.Keys(line); at == nil {
		return nil, resp.Err("ERR Invalid arguments specified for command")
	}
	return at, resp.Value{}
}

// commandGetKeys answers COMMAND GETKEYS command argument...
func commandGetKeys(c *conn, args [][]byte) resp.Value {
	line := args[2:]
	at, bad := c.srv.keysIn(line)
	if bad.Kind != 0 {
		return bad
	}
	keys := make([]resp.Value, len(at))
	for i, n := range at {
		keys[i] = resp.BulkString(string(line[n]))
	}
	return resp.ArrayOf(keys...)
}

// commandGetKeysAndFlags answers COMMAND GETKEYSANDFLAGS command argument...: each key in a pair with its flags.
func commandGetKeysAndFlags(c *conn, args [][]byte) resp.Value {
	line := args[2:]
	at, bad := c.srv.keysIn(line)
	if bad.Kind != 0 {
		return bad
	}
	flags, rest := keyFlagsOf(lower(string(line[0])), line)
	keys := make([]resp.Value, len(at))
	for i, n := range at {
		words := []resp.Value{}
		for word := range strings.FieldsSeq(flags) {
			words = append(words, resp.SimpleString(word))
		}
		keys[i] = resp.ArrayOf(resp.BulkString(string(line[n])), resp.SetOf(words...))
		flags = rest
	}
	return resp.ArrayOf(keys...)
}
