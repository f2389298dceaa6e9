package store

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// inGo says for each command what does the same for a Go program: methods by name, or
// "no:" and the reason why there is none. A name alone is a method of the databases.
var inGo = map[string]string{
	"GET":         "Get",
	"SET":         "Set SetWith SetNX",
	"SETNX":       "SetNX",
	"SETEX":       "Set",
	"PSETEX":      "Set",
	"GETSET":      "SetWith",
	"GETDEL":      "GetDel",
	"GETEX":       "GetEx",
	"MGET":        "MGet",
	"MSET":        "MSet",
	"MSETNX":      "MSetNX",
	"INCR":        "Incr",
	"DECR":        "Incr",
	"INCRBY":      "Incr",
	"DECRBY":      "Incr",
	"INCRBYFLOAT": "IncrFloat",
	"APPEND":      "Append",
	"SETRANGE":    "SetRange",
	"GETRANGE":    "GetRange",
	"SUBSTR":      "GetRange",
	"STRLEN":      "Strlen",
	"LCS":         "LCS",

	"GEOADD":               "GeoAdd GeoAddWith",
	"GEOPOS":               "GeoPos",
	"GEODIST":              "GeoDist",
	"GEOHASH":              "GeoHash",
	"GEOSEARCH":            "GeoSearch",
	"GEOSEARCHSTORE":       "GeoSearchStore GeoSearchStoreDist",
	"GEORADIUS":            "no: GEOSEARCH and GEOSEARCHSTORE replaced it",
	"GEORADIUS_RO":         "GeoSearch",
	"GEORADIUSBYMEMBER":    "no: GEOSEARCH and GEOSEARCHSTORE replaced it",
	"GEORADIUSBYMEMBER_RO": "GeoSearch",

	"PFADD":      "PFAdd",
	"PFCOUNT":    "PFCount",
	"PFMERGE":    "PFMerge",
	"PFDEBUG":    "no: it shows how registers are kept; Do answers it as Redis would",
	"PFSELFTEST": "no: it tests the code, not data",

	"SETBIT":      "SetBit",
	"GETBIT":      "GetBit",
	"BITCOUNT":    "BitCount",
	"BITPOS":      "BitPos BitPosFrom",
	"BITOP":       "BitOp",
	"BITFIELD":    "BitField",
	"BITFIELD_RO": "BitFieldRead",

	"DELEX":   "DelIfEqual",
	"DELIFEQ": "DelIfEqual",
	"MSETEX":  "no: an Update with Set for each key does the same, and its error undoes all of it",
	"DIGEST":  "no: it is for clients that would not load a value to compare it; a Get here loads nothing",

	"HSET":         "HSet",
	"HMSET":        "HSet",
	"HSETNX":       "HSetNX",
	"HGET":         "HGet",
	"HMGET":        "HMGet",
	"HGETALL":      "HGetAll HItems",
	"HKEYS":        "HKeys",
	"HVALS":        "HVals",
	"HLEN":         "HLen",
	"HEXISTS":      "HExists",
	"HSTRLEN":      "HStrlen",
	"HDEL":         "HDel",
	"HINCRBY":      "HIncr",
	"HINCRBYFLOAT": "HIncrFloat",
	"HRANDFIELD":   "HRandField HRandFieldN",
	"HSCAN":        "HItems",

	"HEXPIRE":      "HExpire HExpireWith",
	"HPEXPIRE":     "HExpire",
	"HEXPIREAT":    "HExpire",
	"HPEXPIREAT":   "HExpire",
	"HPERSIST":     "HPersist",
	"HTTL":         "HTTL",
	"HPTTL":        "HTTL",
	"HEXPIRETIME":  "HExpireTime",
	"HPEXPIRETIME": "HExpireTime",
	"HGETEX":       "HGetEx",
	"HSETEX":       "HSetEx",
	"HGETDEL":      "HGetDel",

	"LPUSH":      "LPush",
	"RPUSH":      "RPush",
	"LPUSHX":     "LPushX",
	"RPUSHX":     "RPushX",
	"LPOP":       "LPop LPopN",
	"RPOP":       "RPop RPopN",
	"LMPOP":      "LMPop",
	"LLEN":       "LLen",
	"LINDEX":     "LIndex",
	"LRANGE":     "LRange LItems",
	"LPOS":       "LPos",
	"LSET":       "LSet",
	"LINSERT":    "LInsert",
	"LREM":       "LRem",
	"LTRIM":      "LTrim",
	"LMOVE":      "LMove",
	"RPOPLPUSH":  "LMove",
	"BLPOP":      "BLPop",
	"BRPOP":      "BRPop",
	"BLMOVE":     "BLMove",
	"BRPOPLPUSH": "BLMove",
	"BLMPOP":     "BLMPop",

	"SADD":        "SAdd",
	"SREM":        "SRem",
	"SMOVE":       "SMove",
	"SPOP":        "SPop SPopN",
	"SISMEMBER":   "SIsMember",
	"SMISMEMBER":  "SMIsMember",
	"SCARD":       "SCard",
	"SMEMBERS":    "SMembers",
	"SRANDMEMBER": "SRandMember SRandMemberN",
	"SSCAN":       "SMembers",
	"SINTER":      "SInter",
	"SUNION":      "SUnion",
	"SDIFF":       "SDiff",
	"SINTERCARD":  "SInterCard",
	"SINTERSTORE": "SInterStore",
	"SUNIONSTORE": "SUnionStore",
	"SDIFFSTORE":  "SDiffStore",

	"ZADD":             "ZAdd ZAddWith ZIncrWith",
	"ZINCRBY":          "ZIncr",
	"ZREM":             "ZRem",
	"ZCARD":            "ZCard",
	"ZSCORE":           "ZScore",
	"ZMSCORE":          "ZMScore",
	"ZRANK":            "ZRank ZRankWithScore",
	"ZREVRANK":         "ZRevRank ZRevRankWithScore",
	"ZRANDMEMBER":      "ZRandMember ZRandMemberN",
	"ZPOPMIN":          "ZPopMin ZPopMinN",
	"ZPOPMAX":          "ZPopMax ZPopMaxN",
	"ZMPOP":            "ZMPopMin ZMPopMax",
	"ZSCAN":            "ZRange",
	"ZRANGE":           "ZRange",
	"ZREVRANGE":        "ZRange",
	"ZRANGEBYSCORE":    "ZRange",
	"ZREVRANGEBYSCORE": "ZRange",
	"ZRANGEBYLEX":      "ZRange",
	"ZREVRANGEBYLEX":   "ZRange",
	"ZRANGESTORE":      "ZRangeStore",
	"ZCOUNT":           "ZCount",
	"ZLEXCOUNT":        "ZCount",
	"ZREMRANGEBYRANK":  "ZRemRange",
	"ZREMRANGEBYSCORE": "ZRemRange",
	"ZREMRANGEBYLEX":   "ZRemRange",
	"ZUNION":           "ZUnion",
	"ZINTER":           "ZInter",
	"ZDIFF":            "ZDiff",
	"ZINTERCARD":       "ZInterCard",
	"ZUNIONSTORE":      "ZUnionStore",
	"ZINTERSTORE":      "ZInterStore",
	"ZDIFFSTORE":       "ZDiffStore",
	"BZPOPMIN":         "BZPopMin",
	"BZPOPMAX":         "BZPopMax",
	"BZMPOP":           "BZMPopMin BZMPopMax",

	"XADD":      "XAdd XAddWith",
	"XLEN":      "XLen",
	"XRANGE":    "XRange XRangeN",
	"XREVRANGE": "XRevRange XRevRangeN",
	"XREAD":     "XRead",
	"XDEL":      "XDel",
	"XTRIM":     "XTrim",
	"XSETID":    "no: it is for who copies streams by commands; Do takes it",
	"XDELEX":    "no: what becomes of the references is for who has groups of Redis 8.2; Do takes it",
	"XACKDEL":   "no: see XDELEX",
	"XINFO":     "XInfo XInfoGroups XInfoConsumers",

	"XGROUP":     "XGroupCreate XGroupSetID XGroupDestroy XGroupCreateConsumer XGroupDelConsumer",
	"XREADGROUP": "XReadGroup DB.XReadGroupNow TxDB.XReadGroupNow DB.XReadPending TxDB.XReadPending",
	"XACK":       "XAck",
	"XPENDING":   "XPending",
	"XCLAIM":     "XClaim",
	"XAUTOCLAIM": "XAutoClaim",

	"DEL":         "Del",
	"UNLINK":      "Del",
	"EXISTS":      "Exists",
	"TOUCH":       "no: it makes keys count as used, as every read does; Exists tells whether one is there",
	"TYPE":        "Kind",
	"KEYS":        "Keys",
	"SCAN":        "Keys",
	"RENAME":      "Rename",
	"RENAMENX":    "RenameNX",
	"COPY":        "Copy CopyTo",
	"MOVE":        "Move",
	"SWAPDB":      "SwapDB",
	"RANDOMKEY":   "RandomKey",
	"DBSIZE":      "Len",
	"FLUSHDB":     "Flush",
	"FLUSHALL":    "FlushAll",
	"EXPIRE":      "Expire ExpireWith",
	"PEXPIRE":     "Expire ExpireWith",
	"EXPIREAT":    "Expire ExpireWith",
	"PEXPIREAT":   "Expire ExpireWith",
	"TTL":         "TTL",
	"PTTL":        "TTL",
	"EXPIRETIME":  "ExpireTime",
	"PEXPIRETIME": "ExpireTime",
	"PERSIST":     "Persist",

	"DUMP":           "Dump",
	"RESTORE":        "Restore",
	"RESTORE-ASKING": "Restore",
	"OBJECT":         "no: it names forms that values have in Redis, and ages that are not kept here; Do answers it as Redis would",
	"MEMORY":         "MemoryUsage",
	"SORT":           "Sort SortStore",
	"SORT_RO":        "Sort",

	"PUBLISH":  "Store.Publish Tx.Publish",
	"SPUBLISH": "Store.PublishShard Tx.PublishShard",

	"SELECT":  "Store.DB Snapshot.DB Tx.DB",
	"MULTI":   "Store.Update",
	"EXEC":    "Store.Update",
	"DISCARD": "no: an error from Update's closure undoes what it did",
	"WATCH":   "DB.Guard Guard.Update",
	"UNWATCH": "Guard.Close",
}

var goTypes = map[string]reflect.Type{
	"DB":         reflect.TypeFor[DB](),
	"SnapshotDB": reflect.TypeFor[SnapshotDB](),
	"TxDB":       reflect.TypeFor[TxDB](),
	"Store":      reflect.TypeFor[*Store](),
	"Snapshot":   reflect.TypeFor[*Snapshot](),
	"Tx":         reflect.TypeFor[*Tx](),
	"Guard":      reflect.TypeFor[*Guard](),
}

func hasMethod(of, name string) bool {
	_, ok := goTypes[of].MethodByName(name)
	return ok
}

// databasesWith are the kinds of databases that have a method for c, and those that must
// have none: what cannot be written has nothing to write with, and nobody waits under
// the writer lock.
func databasesWith(c *Command) (with, without []string) {
	switch {
	case c.Blocks():
		return []string{"DB"}, []string{"SnapshotDB", "TxDB"}
	case c.Name == "SORT": // which writes if it is told to: then it is SortStore
		return []string{"DB", "TxDB"}, nil
	case c.Flags&FlagWrite != 0:
		return []string{"DB", "TxDB"}, []string{"SnapshotDB"}
	}
	return []string{"DB", "TxDB", "SnapshotDB"}, nil
}

// Every command of the table can be had as a method, or it is said why not.
func TestEveryCommandInGo(t *testing.T) {
	left := map[string]bool{}
	for name := range inGo {
		left[name] = true
	}
	for c := range Commands() {
		delete(left, c.Name)
		entry := inGo[c.Name]
		if reason, none := strings.CutPrefix(entry, "no:"); none {
			if strings.TrimSpace(reason) == "" {
				t.Errorf("%s: there must be a reason", c.Name)
			}
			continue
		}
		methods := strings.Fields(entry)
		if len(methods) == 0 {
			t.Errorf("%s: neither a method nor a reason", c.Name)
		}
		for _, m := range methods {
			checkMethod(t, c, m)
		}
	}
	for name := range left {
		t.Errorf("%s: no such command", name)
	}
}

func checkMethod(t *testing.T, c *Command, m string) {
	t.Helper()
	if of, name, ok := strings.Cut(m, "."); ok {
		if !hasMethod(of, name) {
			t.Errorf("%s: %s has no method %s", c.Name, of, name)
		}
		return
	}
	with, without := databasesWith(c)
	for _, of := range with {
		if !hasMethod(of, m) {
			t.Errorf("%s: %s has no method %s", c.Name, of, m)
		}
	}
	for _, of := range without {
		if hasMethod(of, m) {
			t.Errorf("%s: %s has a method %s", c.Name, of, m)
		}
	}
}

// Every method of the databases stands for a command, or is listed here.
func TestEveryMethodIsACommand(t *testing.T) {
	known := []string{"Do", "Guard"}
	for _, entry := range inGo {
		for _, m := range strings.Fields(entry) {
			known = append(known, m[strings.LastIndexByte(m, '.')+1:])
		}
	}
	for _, of := range []string{"DB", "TxDB", "SnapshotDB"} {
		for i := range goTypes[of].NumMethod() {
			if m := goTypes[of].Method(i).Name; !slices.Contains(known, m) {
				t.Errorf("%s.%s stands for no command", of, m)
			}
		}
	}
}
