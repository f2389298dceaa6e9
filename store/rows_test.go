package store

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What servers stream, form by form, in the order of replication/PROTOCOL.md. The clock of these tests stands at 1700000000000.
//
// Servers: 5.0, 6.0 and 6.2 stream what clients sent, with times to live; 7.0 and 8.0 instants (their rows are as the servers streamed them, tapped); newer Redis, Valkey
// and KeyDB as their documents say.
var streamForms = []struct {
	row    string // the row of PROTOCOL.md, by its first column
	from   string // servers that stream it so
	stream string // by semicolons
	reads  string // command = reply, by semicolons
}{
	// 2.1
	{"PING", "all", "PING;INCR n;PING", "GET n = \"1\""},
	{"REPLCONF GETACK", "all", "REPLCONF GETACK *;INCR n", "GET n = \"1\""},
	{"SELECT", "all", "SELECT 3;INCR n;select 0;INCR m", "GET n = (nil);GET m = \"1\";SELECT 3 = OK;GET n = \"1\""},
	{"MULTI, EXEC", "7.2+: SELECT inside", "MULTI;SELECT 3;INCR n;SELECT 0;INCR n;EXEC;INCR n", "GET n = \"2\";SELECT 3 = OK;GET n = \"1\""},
	{"MULTI, EXEC", "7.0: SELECT before", "SELECT 3;MULTI;INCR n;INCR m;EXEC", "GET n = (nil);SELECT 3 = OK;MGET n m = [\"1\" \"1\"]"},
	{"CLUSTER SETSLOT", "Valkey 8", "CLUSTER SETSLOT 7 NODE e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca;CLUSTER SETSLOT 7 MIGRATING e7d1;CLUSTER SETSLOT 7 IMPORTING e7d1;CLUSTER SETSLOT 7 STABLE;INCR n", "DBSIZE = 1"},
	{"CLUSTER SYNCSLOTS CONF", "Redis 8.4", "CLUSTER SYNCSLOTS CONF ASM-TASK id:src:dst:import:begin:0-1;INCR n", "DBSIZE = 1"},
	{"TRIMSLOTS", "Redis 8.4", "MSET foo 1 n 1;TRIMSLOTS RANGES 1 12182 12182", "MGET foo n = [(nil) \"1\"]"},
	{"CLUSTER FLUSHSLOT, SFLUSH", "Valkey, Redis 8.0", "MSET foo 1 n 1 m 1;CLUSTER FLUSHSLOT 12182;SFLUSH 3432 3432 SYNC", "MGET foo m n = [(nil) \"1\" (nil)]"},

	// 2.2
	{"DEL, UNLINK", "all", "MSET a 1 b 2 c 3 d 4;DEL a none;UNLINK b c", "KEYS * = [\"d\"]"},
	{"EXPIRE, PEXPIRE, EXPIREAT", "up to 6.2", "MSET a 1 b 1 c 1 d 1;EXPIRE a 10;PEXPIRE b 1500;EXPIREAT c 1800000000;DEL d",
		"PEXPIRETIME a = 1700000010000;PEXPIRETIME b = 1700000001500;PEXPIRETIME c = 1800000000000;EXISTS d = 0"},
	{"PEXPIREAT", "7.0 and later, with the client's option", "MSET a 1 b 1;PEXPIREAT a 1700000010000 NX;PEXPIREAT a 1700000020000 XX GT;PEXPIREAT b 1700000005000 LT",
		"PEXPIRETIME a = 1700000020000;PEXPIRETIME b = 1700000005000"},
	{"PEXPIREAT", "any, of a time gone by here", "SET a 1;PEXPIREAT a 1600000000000;PERSIST a", "GET a = \"1\";PTTL a = -1"},
	{"PERSIST", "all", "SET a 1 PXAT 1700000010000;PERSIST a", "PTTL a = -1"},
	{"GETEX", "6.2", "MSET a 1 b 1;PEXPIRE a 10000;PEXPIREAT b 1700000005000;PERSIST b", "PEXPIRETIME a = 1700000010000;PTTL b = -1"},
	{"GETEX", "6.2, as it is not said to, by hand", "MSET a 1 b 1;GETEX a EX 10;GETEX b PXAT 1700000005000", "PEXPIRETIME a = 1700000010000;PEXPIRETIME b = 1700000005000"},
	{"GETDEL", "6.2 and later", "MSET a 1 b 1;DEL a;UNLINK b", "DBSIZE = 0"},
	{"RENAME, RENAMENX, MOVE, COPY", "all; COPY 6.2", "SET a 1 PXAT 1700000010000;RENAME a b;RENAMENX b c;COPY c d;COPY c d DB 2 REPLACE;MOVE d 3",
		"PEXPIRETIME c = 1700000010000;DBSIZE = 1;SELECT 2 = OK;PEXPIRETIME d = 1700000010000;SELECT 3 = OK;PEXPIRETIME d = 1700000010000"},
	{"SWAPDB", "all", "SET a 1;SWAPDB 0 1;SET a 2", "GET a = \"2\";SELECT 1 = OK;GET a = \"1\""},
	{"FLUSHDB, FLUSHALL", "all", "SET a 1;SELECT 1;SET b 1;FLUSHDB ASYNC;SET c 1;SELECT 0", "DBSIZE = 1;SELECT 1 = OK;KEYS * = [\"c\"]"},
	{"FLUSHDB, FLUSHALL", "all, SYNC 6.2", "SET a 1;SELECT 1;SET b 1;FLUSHALL SYNC;FLUSHALL;FLUSHDB;SET c 1", "DBSIZE = 0;SELECT 1 = OK;DBSIZE = 1"},
	{"RESTORE, RESTORE-ASKING", "up to 6.2", "RESTORE k 10000 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i;RESTORE-ASKING l 10000 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i REPLACE",
		"GET k = \"5\";PEXPIRETIME k = 1700000010000;PEXPIRETIME l = 1700000010000"},
	{"RESTORE, RESTORE-ASKING", "7.0 and later", "SET k v;RESTORE k 1700000010000 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i REPLACE IDLETIME 7 ABSTTL", "GET k = \"5\";PEXPIRETIME k = 1700000010000"},
	{"MIGRATE", "all", "MSET a 1 b 2;DEL a b", "DBSIZE = 0"},
	{"SORT with STORE", "all", "RPUSH l 2 1 3;MSET w2 9 w1 8 w3 7;SORT l BY w* DESC LIMIT 0 2 STORE d;SET e v;SORT none STORE e", "LRANGE d 0 -1 = [\"2\" \"1\"];EXISTS e = 0"},

	// 2.3
	{"SET", "all", "SET k v;SET k w XX;SET m v NX;SET k x KEEPTTL", "MGET k m = [\"x\" \"v\"]"},
	{"SET", "up to 6.0, and 6.2 with PX", "SET a v EX 10;SET b v PX 1500 NX", "PEXPIRETIME a = 1700000010000;PEXPIRETIME b = 1700000001500"},
	{"SET", "6.2 and later", "SET a v PXAT 1700000010000;SET a w KEEPTTL", "GET a = \"w\";PEXPIRETIME a = 1700000010000"},
	{"SET with IFEQ, IFNE, IFDEQ, IFDNE", "Valkey 8.1, Redis 8.4", "SET k v;SET k w IFEQ v PXAT 1700000010000;SET k x IFNE v KEEPTTL;SET k y IFDNE 0000000000000000 KEEPTTL", "GET k = \"y\";PEXPIRETIME k = 1700000010000"},
	{"SETEX, PSETEX", "up to 6.2, KeyDB", "SETEX a 10 v;PSETEX b 1500 v", "PEXPIRETIME a = 1700000010000;PEXPIRETIME b = 1700000001500"},
	{"SETNX, MSET, MSETNX, APPEND, SETRANGE, INCR, DECR, INCRBY, DECRBY", "all", "SETNX k ab;MSET a 1 b 2;MSETNX c 3 d 4;APPEND k cd;SETRANGE k 1 xy;INCR a;DECR b;INCRBY c 7;DECRBY d 7",
		"MGET k a b c d = [\"axyd\" \"2\" \"1\" \"10\" \"-3\"]"},
	{"GETSET", "up to 6.0", "SET k 1 PXAT 1700000010000;GETSET k 2;GETSET m 1", "MGET k m = [\"2\" \"1\"];PTTL k = -1"},
	{"INCRBYFLOAT", "6.0 and later", "SET k 1 PXAT 1700000010000;SET k 1.5 KEEPTTL", "GET k = \"1.5\";PEXPIRETIME k = 1700000010000"},
	{"INCRBYFLOAT", "as is, by hand", "SET k 1 PXAT 1700000010000;INCRBYFLOAT k 0.1", "GET k = \"1.1\";PEXPIRETIME k = 1700000010000"},
	{"INCREX", "Redis 8.8", "SET k 10 PXAT 1700000010000", "GET k = \"10\""},
	{"MSETEX", "Redis 8.4, Valkey 9.1", "MSETEX 2 a 1 b 2 PXAT 1700000010000;MSETEX 1 c 3;MSETEX 1 a 4 XX KEEPTTL", "MGET a b c = [\"4\" \"2\" \"3\"];PEXPIRETIME a = 1700000010000;PTTL c = -1"},
	{"DELEX", "Redis 8.4", "SET k v;DEL k", "DBSIZE = 0"},
	{"DELEX", "as is", "MSET a 1 b 1;DELEX a IFEQ 1;DELEX b", "DBSIZE = 0"},
	{"DELIFEQ", "Valkey 9.0", "MSET a 1 b 1 c 1;DELIFEQ a 1;DEL b;UNLINK c", "DBSIZE = 0"},
	{"SETBIT, BITFIELD, BITOP", "all", "SETBIT b 7 1;BITFIELD f SET u8 0 255 OVERFLOW SAT INCRBY u8 0 9;BITOP NOT d b;BITOP OR e b f", "GET b = \"\\x01\";GET f = \"\\xff\";GET d = \"\\xfe\";GET e = \"\\xff\""},
	{"SETBIT, BITFIELD, BITOP", "Redis 8.2", "SET a ab;SET b a;BITOP DIFF d a b;BITOP DIFF1 e a b;BITOP ANDOR f a b;BITOP ONE g a b", "GET d = \"\\x00b\";GET e = \"\\x00\\x00\";GET f = \"a\\x00\";GET g = \"\\x00b\""},
	{"PFADD, PFMERGE", "all", "PFADD h a b;PFADD h;PFADD i c;PFMERGE d h i", "PFCOUNT h i = 3;PFCOUNT d = 3"},
	{"PFCOUNT", "all", "PFADD h a b;PFCOUNT h", "PFCOUNT h = 2"},
	{"PFDEBUG", "all", "PFADD h a b;PFDEBUG TODENSE h;PFDEBUG GETREG h", "STRLEN h = 12304;PFCOUNT h = 2"},

	// 2.4
	{"LPUSH, RPUSH, LPUSHX, RPUSHX, LSET, LTRIM, LREM, LINSERT, LPOP, RPOP", "all; counts 6.2", "LPUSH l b a;RPUSH l c d e f;LPUSHX l x;RPUSHX l y;RPUSHX none y;LSET l 1 A;LINSERT l BEFORE c B;LREM l -1 d;LTRIM l 0 -2;LPOP l;RPOP l 2",
		"LRANGE l 0 -1 = [\"A\" \"b\" \"B\" \"c\"];EXISTS none = 0"},
	{"BLPOP, BRPOP, LMPOP, BLMPOP", "all; 7.0", "RPUSH l a b c d e;LPOP l;RPOP l;LPOP l 2;RPOP l 1", "EXISTS l = 0"},
	{"RPOPLPUSH, BRPOPLPUSH, LMOVE, BLMOVE", "all; LMOVE 6.2", "RPUSH l a b c;RPOPLPUSH l m;LMOVE l m LEFT RIGHT;LMOVE m m RIGHT LEFT", "LRANGE l 0 -1 = [\"b\"];LRANGE m 0 -1 = [\"a\" \"c\"]"},

	// 2.5
	{"SADD, SREM, SMOVE", "all", "SADD s a b c;SREM s a none;SMOVE s t b", "SMEMBERS s = ~[\"c\"];SMEMBERS t = ~[\"b\"]"},
	{"SPOP", "up to 7.0: one by one", "SADD s 1 2 3 4 5;SREM s 5;MULTI;SREM s 1;SREM s 3;EXEC", "SMEMBERS s = ~[\"2\" \"4\"]"},
	{"SPOP", "7.2 and later: many at once", "SADD s 1 2 3 4 5;SREM s 1 3;MULTI;SREM s 2;SREM s 4;EXEC;DEL s", "EXISTS s = 0"},
	{"SUNIONSTORE, SINTERSTORE, SDIFFSTORE", "all", "SADD s a b;SADD t b c;SUNIONSTORE u s t;SINTERSTORE i s t;SDIFFSTORE d s t;SET e v;SINTERSTORE e s none", "SCARD u = 3;SMEMBERS i = ~[\"b\"];SMEMBERS d = ~[\"a\"];EXISTS e = 0"},
	{"ZADD, ZINCRBY, ZREM, ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX", "all; GT LT 6.2",
		"ZADD z 1 a 0x10 b -inf c +inf d 3 e 4 f;ZADD z NX CH 9 a;ZADD z GT 2 a;ZADD z LT 1 e;ZADD z XX INCR 1.5 e;ZINCRBY z 1 f;ZREM z b none;ZREMRANGEBYRANK z 0 0;ZREMRANGEBYSCORE z (4 5;ZADD y 0 a 0 b 0 c;ZREMRANGEBYLEX y [a (c",
		"ZRANGE z 0 -1 WITHSCORES = [[\"a\" 2 \"e\" 2.5 \"d\" inf]];ZRANGE y 0 -1 = [\"c\"]"},
	{"ZUNIONSTORE, ZINTERSTORE, ZDIFFSTORE, ZRANGESTORE", "all; DIFF and RANGE 6.2", "ZADD y 1 a 2 b;ZADD z 3 b 4 c;ZUNIONSTORE u 2 y z WEIGHTS 2 1 AGGREGATE MAX;ZINTERSTORE i 2 y z;ZDIFFSTORE d 2 y z;ZRANGESTORE r u 0 0 REV",
		"ZRANGE u 0 -1 WITHSCORES = [[\"a\" 2 \"b\" 4 \"c\" 4]];ZSCORE i b = 5;ZRANGE d 0 -1 = [\"a\"];ZRANGE r 0 -1 = [\"c\"]"},
	{"ZPOPMIN, ZPOPMAX, BZPOPMIN, BZPOPMAX, ZMPOP, BZMPOP", "all", "ZADD z 1 a 2 b 3 c 4 d 5 e;ZPOPMIN z;ZPOPMAX z;ZPOPMIN z 1;ZPOPMAX z 1", "ZRANGE z 0 -1 = [\"c\"]"},
	{"GEOADD", "6.2 and later; 7.0 and 8.0 in small letters", "zadd g 3479099956230698 Palermo;ZADD g CH 3479447370796909 Catania", "GEOHASH g Palermo = [\"sqc8b49rny0\"];GEODIST g Palermo Catania km = \"166.2742\""},
	{"GEOADD", "as is, by hand", "GEOADD g 13.361389 38.115556 Palermo", "ZSCORE g Palermo = 3479099956230698"},
	{"GEORADIUS, GEORADIUSBYMEMBER, GEOSEARCHSTORE", "all; GEOSEARCHSTORE 6.2", "ZADD g 3479099956230698 P 3479447370796909 C;GEORADIUS g 13 38 100 km STORE d;GEORADIUSBYMEMBER g C 1 km STOREDIST e;GEOSEARCHSTORE f g FROMLONLAT 13 38 BYRADIUS 300 km ASC",
		"ZRANGE d 0 -1 = [\"P\"];ZRANGE e 0 -1 WITHSCORES = [[\"C\" 0]];ZCARD f = 2"},
	{"GEORADIUS, GEORADIUSBYMEMBER, GEOSEARCHSTORE", "Valkey 9", "ZADD g 3479099956230698 P 3479447370796909 C;GEOSEARCHSTORE f g BYPOLYGON 4 13 38 14 38 14 39 13 39", "ZRANGE f 0 -1 = [\"P\"]"},

	// 2.6
	{"HSET, HMSET, HSETNX, HDEL, HINCRBY", "all", "HSET h f 1 g 2;HMSET h i 3;HSETNX h k 4;HINCRBY h f 5;HDEL h g none", "HGETALL h = {\"f\" \"6\" \"i\" \"3\" \"k\" \"4\"}"},
	{"HSET, HMSET, HSETNX, HDEL, HINCRBY", "Redis 7.4, Valkey 9: HSET ends a deadline, HINCRBY does not", "HSET h f 1 g 1;HPEXPIREAT h 1700000010000 FIELDS 2 f g;HSET h f 2;HINCRBY h g 1", "HPEXPIRETIME h FIELDS 2 f g = [-1 1700000010000]"},
	{"HINCRBYFLOAT", "Redis 8.0, with a deadline in later ones", "HSET h f 1;HPEXPIREAT h 1700000009000 FIELDS 1 f;MULTI;HSET h f 2.5;HPEXPIREAT h 1700000010000 FIELDS 1 f;EXEC", "HGET h f = \"2.5\";HPEXPIRETIME h FIELDS 1 f = [1700000010000]"},
	{"HINCRBYFLOAT", "as is, by hand", "HSET h f 1;HINCRBYFLOAT h f 0.1", "HGET h f = \"1.1\""},
	{"HEXPIRE, HPEXPIRE, HEXPIREAT", "Redis 7.4 and later", "HSET h f 1 g 2 i 3;HPEXPIREAT h 1700000010000 FIELDS 2 f g;HPEXPIREAT h 1700000020000 NX FIELDS 1 i;HPEXPIREAT h 1700000030000 XX FIELDS 1 f;HPEXPIREAT h 1700000040000 GT FIELDS 1 f;HPEXPIREAT h 1700000005000 LT FIELDS 1 g",
		"HPEXPIRETIME h FIELDS 3 f g i = [1700000040000 1700000005000 1700000020000]"},
	{"HEXPIRE, HPEXPIRE, HEXPIREAT", "Redis 8.0, of a time gone by", "HSET h f 1 g 2 i 3;MULTI;HDEL h g;HDEL h i;EXEC", "HGETALL h = {\"f\" \"1\"}"},
	{"HEXPIRE, HPEXPIRE, HEXPIREAT", "Valkey 9, of a time gone by", "HSET h f 1 g 2 i 3;HDEL h g i", "HGETALL h = {\"f\" \"1\"}"},
	{"HPEXPIREAT, HPERSIST", "Redis 7.4, Valkey 9", "HSET h f 1 g 2;HPEXPIREAT h 1700000010000 FIELDS 2 f g;HPERSIST h FIELDS 1 f", "HPEXPIRETIME h FIELDS 2 f g = [-1 1700000010000]"},
	{"HGETEX", "Redis 8.0", "HSET h f 1 g 2 i 3;HPEXPIREAT h 1700000010000 FIELDS 2 f g;HPERSIST h FIELDS 2 f g;MULTI;HDEL h f;HDEL h g;EXEC", "HGETALL h = {\"i\" \"3\"}"},
	{"HGETEX", "Valkey 9", "HSET h f 1 g 2 i 3;HPEXPIREAT h 1700000010000 FIELDS 2 f g;HDEL h f g", "HGETALL h = {\"i\" \"3\"}"},
	{"HSETEX", "Redis 8.0, conditions kept", "HSETEX h FIELDS 1 f v;HSETEX h PXAT 1700000010000 FIELDS 2 f v g w;HSETEX h FNX PXAT 1700000020000 FIELDS 1 n w;HSETEX h FXX KEEPTTL FIELDS 1 n w2;MULTI;HDEL h f;HDEL h g;EXEC",
		"HGETALL h = {\"n\" \"w2\"};HPEXPIRETIME h FIELDS 1 n = [1700000020000]"},
	{"HSETEX", "Valkey 9, conditions left out", "HSETEX h PXAT 1700000010000 FIELDS 2 f v g w;HSETEX h KEEPTTL FIELDS 1 f x;HSETEX h FIELDS 1 g y;HSETEX h PXAT 1700000010000 FIELDS 1 i z;HDEL h i none",
		"HGETALL h = {\"f\" \"x\" \"g\" \"y\"};HPEXPIRETIME h FIELDS 2 f g = [1700000010000 -1]"},
	{"HGETDEL", "Redis 8.0, Valkey 9.1", "HSET h f 1 g 2;HDEL h f none;HDEL h g", "EXISTS h = 0"},
	{"a field that expires", "Redis: one by one; Valkey: many", "HSET h f 1 g 2 e 5;HPEXPIREAT h 1600000000000 FIELDS 2 f g;HDEL h g;HDEL h f;HSET k f 1 g 2;HDEL k f g", "HGETALL h = {\"e\" \"5\"};EXISTS k = 0"},

	// 2.7
	{"XADD", "7.0 and later: trims are exact", "XADD s 1-1 f v;XADD s MAXLEN = 4 2-1 f v;XADD s NOMKSTREAM 3-1 f v;XADD none NOMKSTREAM 3-1 f v;XADD s MAXLEN = 3 LIMIT 5 6-0 f v;XADD s MINID = 3-1 7-1 g w", "XRANGE s - + = [[\"3-1\" [\"f\" \"v\"]] [\"6-0\" [\"f\" \"v\"]] [\"7-1\" [\"g\" \"w\"]]];EXISTS none = 0"},
	{"XADD", "5.0 and 6.0", "XADD s MAXLEN = 1 1-1 f v;XADD s MAXLEN 1 2-1 f v", "XRANGE s - + = [[\"2-1\" [\"f\" \"v\"]]]"},
	{"XADD", "Redis 8.2", "XADD s 1-1 f v;XGROUP CREATE s g 0;XCLAIM s g c 0 1-1 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1;XADD s DELREF MAXLEN = 1 2-1 f v;XADD s ACKED MAXLEN = 1 3-1 f v;XADD s KEEPREF 4-1 f v", "XPENDING s g = [0 (nil) (nil) (nil)];XLEN s = 3"},
	{"XTRIM", "all", "XADD s 1-1 f v;XADD s 2-1 f v;XADD s 3-1 f v;XTRIM s MAXLEN 2;XTRIM s MINID = 3-1", "XLEN s = 1"},
	{"XDEL, XDELEX, XACKDEL", "all", "XADD s 1-1 f v;XADD s 2-1 f v;XDEL s 1-1 9-9", "XLEN s = 1"},
	{"XDEL, XDELEX, XACKDEL", "Redis 8.2", "XADD s 1-1 f v;XADD s 2-1 f v;XADD s 3-1 f v;XGROUP CREATE s g 0;XCLAIM s g c 0 1-1 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1;XCLAIM s g c 0 2-1 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 2-1;XDELEX s DELREF IDS 1 1-1;XACKDEL s g KEEPREF IDS 1 2-1", "XLEN s = 1;XPENDING s g = [0 (nil) (nil) (nil)]"},
	{"XSETID", "5.0; 7.0 with more", "XADD s 1-1 f v;XSETID s 5-1;XSETID s 9-9 ENTRIESADDED 10 MAXDELETEDID 3-1;XADD s 9-* f v", "XREVRANGE s + - COUNT 1 = [[\"9-10\" [\"f\" \"v\"]]]"},
	{"XGROUP", "all", "XGROUP CREATE s g $ MKSTREAM;XADD s 1-1 f v;XGROUP CREATE s h 0 ENTRIESREAD 0;XGROUP CREATECONSUMER s h c;XGROUP SETID s g 1-1 ENTRIESREAD 1;XGROUP DELCONSUMER s h c;XGROUP DESTROY s h",
		"XINFO GROUPS s = [{\"name\" \"g\" \"consumers\" 0 \"pending\" 0 \"last-delivered-id\" \"1-1\" \"entries-read\" 1 \"lag\" 0}]"},
	{"XREADGROUP", "Redis 8.0", "XADD s 1-1 f v;XADD s 2-1 f v;XGROUP CREATE s g 0;MULTI;XCLAIM s g c 0 1-1 TIME 1600000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1;XGROUP SETID s g 1-1 ENTRIESREAD 1;EXEC;XGROUP SETID s g 2-1 ENTRIESREAD 2;XGROUP CREATECONSUMER s g d",
		"XPENDING s g - + 9 = [[\"1-1\" \"c\" 100000000000 1]];XINFO GROUPS s = [{\"name\" \"g\" \"consumers\" 2 \"pending\" 1 \"last-delivered-id\" \"2-1\" \"entries-read\" 2 \"lag\" 0}]"},
	{"XREADGROUP", "5.0 to 7.0", "XADD s 1-1 f v;XGROUP CREATE s g 0;XCLAIM s g c 0 1-1 TIME 1600000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1", "XPENDING s g - + 9 = [[\"1-1\" \"c\" 100000000000 1]]"},
	{"XCLAIM, XAUTOCLAIM", "7.0 and 8.0: of an entry that is gone, in the name of who had it", "XADD s 1-1 f v;XADD s 2-1 f v;XGROUP CREATE s g 0;XCLAIM s g c 0 1-1 TIME 1600000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1;XCLAIM s g d 0 1-1 TIME 1700000000000 RETRYCOUNT 2 FORCE JUSTID LASTID 1-1;XDEL s 1-1;XCLAIM s g d 0 1-1 TIME 1700000000000 RETRYCOUNT 2 FORCE JUSTID LASTID 2-1",
		"XPENDING s g = [0 (nil) (nil) (nil)]"},
	{"XCLAIM, XAUTOCLAIM", "all: taken over", "XADD s 1-1 f v;XGROUP CREATE s g 0;XCLAIM s g c 0 1-1 TIME 1600000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1;XCLAIM s g d 0 1-1 TIME 1699999999000 RETRYCOUNT 2 FORCE JUSTID LASTID 1-1", "XPENDING s g - + 9 = [[\"1-1\" \"d\" 1000 2]]"},
	{"XACK", "all", "XADD s 1-1 f v;XGROUP CREATE s g 0;XCLAIM s g c 0 1-1 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1;XACK s g 1-1 9-9", "XPENDING s g = [0 (nil) (nil) (nil)]"},

	// 2.8
	{"EVAL, EVALSHA, FCALL", "all by default: what they did", "MULTI;INCR a;INCR b;EXEC;INCR a", "MGET a b = [\"2\" \"1\"]"},
	{"SCRIPT", "up to 6.2", "SCRIPT LOAD return;SCRIPT FLUSH;INCR n", "DBSIZE = 1"},
	{"PUBLISH, SPUBLISH", "all; 7.0", "PUBLISH c m;SPUBLISH c m;INCR n", "DBSIZE = 1"},
}

// Each form does to the data what it did on the primary, and chained replicas get it as it came.
func TestStreamForms(t *testing.T) {
	for _, tt := range streamForms {
		t.Run(tt.row+"/"+tt.from, func(t *testing.T) {
			s, a := newReplica(t, &Options{Clock: newClock().now})
			from := s.Replication().History().Offset
			all := wires(strings.Split(tt.stream, ";")...)
			if err := apply(t, a, all); err != nil {
				t.Fatal(err)
			}
			c := s.NewSession(nil)
			for _, read := range strings.Split(tt.reads, ";") {
				line, want, _ := strings.Cut(read, " = ")
				if got := do(t, c, line).String(); got != want {
					t.Errorf("%s: %s, want %s", line, got, want)
				}
			}
			if got := streamSince(t, s, from); got != all {
				t.Errorf("passed on as %q, want %q", got, all)
			}
		})
	}
}

// What no stream brings here, by the rule that nothing is guessed: following stops, the error names the command, and no data changes.
var streamRefused = []struct{ row, stream, name string }{
	{"CLUSTER SYNCSLOTS ESTABLISH, FINISH", "CLUSTER SYNCSLOTS ESTABLISH SOURCE x NAME y SLOTSRANGE 0 1", "CLUSTER"},
	{"CLUSTER SYNCSLOTS ESTABLISH, FINISH", "CLUSTER SYNCSLOTS FINISH x y", "CLUSTER"},
	{"DEBUG, CONFIG, ACL, CLIENT, MODULE", "CONFIG SET maxmemory 0", "CONFIG"},
	{"DEBUG, CONFIG, ACL, CLIENT, MODULE", "DEBUG SLEEP 0", "DEBUG"},
	{"DEBUG, CONFIG, ACL, CLIENT, MODULE", "ACL SETUSER u on", "ACL"},
	{"DEBUG, CONFIG, ACL, CLIENT, MODULE", "CLIENT PAUSE 1", "CLIENT"},
	{"DEBUG, CONFIG, ACL, CLIENT, MODULE", "MODULE LOAD m", "MODULE"},
	{"LMOVEM, BLMOVEM", "LMOVEM l m LEFT LEFT 2", "LMOVEM"},
	{"HIMPORT", "HIMPORT SET h t v w", "HIMPORT"},
	{"XADD with IDMP, IDMPAUTO", "XADD s IDMP p i 1-1 f v", "XADD"},
	{"XADD with IDMP, IDMPAUTO", "XADD s IDMPAUTO p 1-1 f v", "XADD"},
	{"XNACK, XCFGSET, XIDMPRECORD", "XNACK s g FAIL IDS 1 1-1", "XNACK"},
	{"XNACK, XCFGSET, XIDMPRECORD", "XCFGSET s IDMP-DURATION 5", "XCFGSET"},
	{"XNACK, XCFGSET, XIDMPRECORD", "XIDMPRECORD s p i 1-1", "XIDMPRECORD"},
	{"EVAL, EVALSHA, FCALL", "EVAL return 0", "EVAL"},
	{"EVAL, EVALSHA, FCALL", "FCALL f 0", "FCALL"},
	{"WATCH, AUTH and others of a session", "WATCH k", "WATCH"},
	{"WATCH, AUTH and others of a session", "AUTH secret", "AUTH"},
	{"WATCH, AUTH and others of a session", "DISCARD", "DISCARD"},
	{"commands of modules", "JSON.SET k $ 1", "JSON.SET"},
	{"commands of modules", "BF.ADD k v", "BF.ADD"},
	{"commands of modules", "VADD k VALUES 1 1 e", "VADD"},
	{"KeyDB's own", "EXPIREMEMBER s m 10", "EXPIREMEMBER"},
	{"KeyDB's own", "KEYDB.MVCCRESTORE k 1 0 x", "KEYDB.MVCCRESTORE"},
	{"arrays", "ARSET a 0 v", "ARSET"},
	{"GCRA", "GCRA k 1 1 1", "GCRA"},
}

func TestStreamRefuses(t *testing.T) {
	for _, tt := range streamRefused {
		t.Run(tt.stream, func(t *testing.T) {
			s, a := newReplica(t, nil)
			err := apply(t, a, wires("SET kept v", tt.stream, "SET late v"))
			if want := fmt.Sprintf("command %q in the stream at offset %d", tt.name, 1000+len(wire("SET kept v"))); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one of %s", err, want)
			}
			if n := s.DB(0).Len(); n != 1 || !s.DB(0).Exists("kept") {
				t.Errorf("%d keys, want the one before it", n)
			}
		})
	}
}

// notStreamed are commands that write and of which no server streams the name: their rows show what comes instead.
var notStreamed = strings.Fields("BLPOP BRPOP LMPOP BLMPOP BRPOPLPUSH BLMOVE BZPOPMIN BZPOPMAX ZMPOP BZMPOP SPOP GETDEL HEXPIRE HPEXPIRE HEXPIREAT HGETEX HGETDEL XREADGROUP XAUTOCLAIM")

// Each command that writes, and each that only a stream has, is applied in one of the forms above.
func TestStreamFormsAreComplete(t *testing.T) {
	seen := map[string]bool{"FUNCTION": true, "RREPLAY": true} // of TestLibrariesAreCarried and TestRReplay, whose arguments have spaces
	for _, tt := range streamForms {
		for _, line := range strings.Split(tt.stream, ";") {
			seen[strings.ToUpper(strings.Fields(line)[0])] = true
		}
	}
	for name, c := range commandIndex {
		if c.Flags&(FlagWrite|flagStream|flagPublish) != 0 && !seen[name] && !slices.Contains(notStreamed, name) {
			t.Errorf("%s is applied in no form", name)
		}
		if slices.Contains(notStreamed, name) && seen[name] {
			t.Errorf("%s is applied, though it is not streamed", name)
		}
	}
}

// PROTOCOL.md has the rows of the forms above in the first of five columns, each once, and says for each which table holds it.
func TestStreamFormsHaveRows(t *testing.T) {
	text, err := os.ReadFile("../replication/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	applied, refused := map[string]bool{}, map[string]bool{}
	for _, tt := range streamForms {
		applied[tt.row] = true
	}
	for _, tt := range streamRefused {
		refused[tt.row] = true
	}
	rows := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([^|]*?)(?: †)? \|(.*)\|$`).FindAllStringSubmatch(string(text), -1) {
		row, rest := m[1], m[2]
		if strings.Count(rest, "|") != 3 {
			continue // of another table
		}
		if rows[row] && row != "row" && row != "---" {
			t.Errorf("%s: twice", row)
		}
		rows[row] = true
		if got := strings.Contains(rest, "`store:TestStreamForms`"); got != applied[row] {
			t.Errorf("%s: it names TestStreamForms: %v, which has it: %v", row, got, applied[row])
		}
		if got := strings.Contains(rest, "`store:TestStreamRefuses`"); got != refused[row] {
			t.Errorf("%s: it names TestStreamRefuses: %v, which has it: %v", row, got, refused[row])
		}
	}
	for row := range applied {
		if !rows[row] {
			t.Errorf("PROTOCOL.md has no row %s", row)
		}
	}
	for row := range refused {
		if !rows[row] {
			t.Errorf("PROTOCOL.md has no row %s", row)
		}
	}
}
