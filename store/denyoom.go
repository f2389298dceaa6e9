package store

import (
	"slices"
	"strings"
)

// growing are the commands that may take more memory, as Redis 7.0 and 8.0 flag them with
// denyoom. One list, by name, and not a flag in each line of the tables, since it is
// Redis's choice and not a matter of what a command does: RENAME, EXPIRE and SMOVE may need
// more, and are let through. TestGrowingAsRedis compares it with real servers.
const growing = `
append bitfield bitop blmove brpoplpush copy decr decrby geoadd georadius georadiusbymember geosearchstore getset hincrby hincrbyfloat
hmset hset hsetex hsetnx incr incrby incrbyfloat linsert lmove lpush lpushx lset mset msetnx pfadd pfdebug pfmerge psetex restore
restore-asking rpoplpush rpush rpushx sadd sdiffstore set setbit setex setnx setrange sinterstore sort sunionstore xadd xsetid zadd
zdiffstore zincrby zinterstore zrangestore zunionstore
`

// growth is FlagDenyOOM for a command of the list, else nothing.
func growth(name string) CommandFlags {
	if slices.Contains(strings.Fields(growing), strings.ToLower(name)) {
		return FlagDenyOOM
	}
	return 0
}

// grows reports whether a command with these arguments may take more memory.
func (c *Command) grows(args [][]byte) bool {
	if c.Flags&FlagDenyOOM != 0 {
		return true
	}
	return c.Name == "XGROUP" && len(args) > 1 && (isWord(args[1], "CREATE") || isWord(args[1], "CREATECONSUMER"))
}
