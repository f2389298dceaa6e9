package server

import (
	"slices"
	"strings"
)

// unoffered are the commands of Redis 7.0 and 8.0 that neither this server nor, when this was written, the store has. A name that the store learns is its own
// from then on, whatever stands here. Clients are told apart "not offered" and "unknown", because the first is a reason to look for another way and the
// second a reason to look for a typing mistake.
const unoffered = `
bgrewriteaof bitcount bitfield bitfield_ro bitop bitpos blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin dump eval eval_ro
evalsha evalsha_ro failover fcall fcall_ro function geoadd geodist geohash geopos georadius georadius_ro georadiusbymember georadiusbymember_ro
geosearch geosearchstore getbit hexpire hexpireat hexpiretime hgetdel hgetex hpersist hpexpire hpexpireat hpexpiretime hpttl hsetex httl lcs lindex
linsert llen lmove lmpop lolwut lpop lpos lpush lpushx lrange lrem lset ltrim memory migrate module object pfadd pfcount pfdebug pfmerge
pfselftest restore restore-asking rpop rpoplpush rpush rpushx sadd scard script sdiff
sdiffstore setbit sinter sintercard sinterstore sismember smembers smismember smove sort sort_ro spop srandmember srem sscan
 sunion sunionstore vadd vcard vdim vemb vgetattr vinfo vismember vlinks vrandmember vrem vsetattr vsim waitaof xack
xadd xautoclaim xclaim xdel xgroup xinfo xlen xpending xrange xread xreadgroup xrevrange xsetid xtrim zadd zcard zcount zdiff zdiffstore zincrby
zinter zintercard zinterstore zlexcount zmpop zmscore zpopmax zpopmin zrandmember zrange zrangebylex zrangebyscore zrangestore zrank zrem
zremrangebylex zremrangebyrank zremrangebyscore zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion zunionstore
`

// notOffered reports whether name, in lower case, is in the list.
func notOffered(name string) bool { return slices.Contains(strings.Fields(unoffered), name) }
