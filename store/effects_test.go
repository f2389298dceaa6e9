package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// The clock of these tests stands at 1700000000000.
var effectTests = []struct {
	before string // commands run first, by semicolons
	line   string
	want   string // commands of the stream, by semicolons; "" for none
}{
	// Strings.
	{"", "SET k v", "SET k v"},
	{"", "set k v", "SET k v"},
	{"", "SET k v NX", "SET k v NX"},
	{"SET k w", "SET k v XX", "SET k v XX"},
	{"SET k w", "SET k v NX", ""},
	{"", "SET k v XX", ""},
	{"", "SET k v GET", "SET k v"},
	{"SET k w", "SET k v XX GET", "SET k v XX"},
	{"", "SET k v KEEPTTL", "SET k v KEEPTTL"},
	{"SET k w", "SET k v KEEPTTL XX", "SET k v KEEPTTL XX"},
	{"", "SET k v EX 10", "SET k v PXAT 1700000010000"},
	{"", "SET k v PX 10", "SET k v PXAT 1700000000010"},
	{"", "SET k v EXAT 1700000005", "SET k v PXAT 1700000005000"},
	{"", "SET k v PXAT 1700000005001", "SET k v PXAT 1700000005001"},
	{"", "SET k v NX EX 10 GET", "SET k v PXAT 1700000010000"},
	{"", "SET k v EX 0", ""},
	{"", "SET k v NX XX", ""},
	{"HSET k f v", "SET k v GET", ""},
	{"", "SETNX k v", "SETNX k v"},
	{"SET k w", "SETNX k v", ""},
	{"", "SETEX k 10 v", "SET k v PXAT 1700000010000"},
	{"", "PSETEX k 10 v", "SET k v PXAT 1700000000010"},
	{"SET k w", "GETSET k v", "SET k v"},
	{"SET k w", "GETDEL k", "DEL k"},
	{"", "GETDEL k", ""},
	{"SET k w", "GETEX k", ""},
	{"SET k w", "GETEX k EX 10", "PEXPIREAT k 1700000010000"},
	{"SET k w", "GETEX k PX 10", "PEXPIREAT k 1700000000010"},
	{"SET k w", "GETEX k EXAT 1700000005", "PEXPIREAT k 1700000005000"},
	{"SET k w", "GETEX k PXAT 1", "DEL k"},
	{"SET k w", "GETEX k PERSIST", ""},
	{"SET k w EX 9", "GETEX k PERSIST", "PERSIST k"},
	{"", "GETEX k EX 10", ""},
	{"HSET k f v", "GETEX k EX 10", ""},
	{"", "MSET a 1 b 2", "MSET a 1 b 2"},
	{"", "MSETNX a 1 b 2", "MSETNX a 1 b 2"},
	{"SET b 1", "MSETNX a 1 b 2", ""},
	{"", "INCR n", "INCR n"},
	{"", "DECR n", "DECR n"},
	{"", "INCRBY n 5", "INCRBY n 5"},
	{"", "DECRBY n 5", "DECRBY n 5"},
	{"SET n x", "INCR n", ""},
	{"SET n 9223372036854775807", "INCR n", ""},
	{"SET n 10.5", "INCRBYFLOAT n 0.1", "SET n 10.6 KEEPTTL"},
	{"SET n x", "INCRBYFLOAT n 0.1", ""},
	{"", "APPEND k v", "APPEND k v"},
	{"", "SETRANGE k 3 v", "SETRANGE k 3 v"},
	{"SET k w", "GETRANGE k 0 -1", ""},

	// Places.
	{"", "GEOADD g 13.361389 38.115556 p", "ZADD g 3479099956230698 p"},
	{"", "geoadd g nx ch 13.361389 38.115556 p 15.087269 37.502669 q", "ZADD g CH NX 3479099956230698 p 3479447370796909 q"},
	{"", "GEOADD g XX 1 1 p", ""},
	{"GEOADD g 1 1 p", "GEOADD g 1 1 p", ""},
	{"GEOADD g 1 1 p", "GEOADD g XX 13.361389 38.115556 p", "ZADD g XX 3479099956230698 p"},
	{"", "GEOADD g 1 1 p 200 1 q", ""},
	{"GEOADD g 13.361389 38.115556 p 100 1 q", "GEOSEARCHSTORE d g FROMLONLAT 13 38 BYRADIUS 100 km", "MULTI;DEL d;ZADD d 3479099956230698 p;EXEC"},
	{"GEOADD g 13.361389 38.115556 p 100 1 q", "GEOSEARCHSTORE g g FROMMEMBER p BYBOX 1 1 m STOREDIST", "MULTI;DEL g;ZADD g 0 p;EXEC"},
	{"GEOADD g 1 1 p;SET d v", "GEOSEARCHSTORE d g FROMLONLAT 13 38 BYRADIUS 1 km", "DEL d"},
	{"GEOADD g 1 1 p", "GEOSEARCHSTORE d g FROMLONLAT 13 38 BYRADIUS 1 km", ""},
	{"GEOADD g 1 1 p", "GEOSEARCHSTORE d g FROMMEMBER q BYRADIUS 1 km", ""},
	{"GEOADD g 13.361389 38.115556 p", "GEORADIUS g 13 38 100 km STORE d", "MULTI;DEL d;ZADD d 3479099956230698 p;EXEC"},
	{"GEOADD g 13.361389 38.115556 p", "GEORADIUS g 13 38 100 km", ""},
	{"GEOADD g 13.361389 38.115556 p", "GEORADIUSBYMEMBER g p 1 m STOREDIST d", "MULTI;DEL d;ZADD d 0 p;EXEC"},
	{"SET d v", "GEORADIUSBYMEMBER g p 1 m STOREDIST d", "DEL d"},
	{"GONE;GEOADD g 1 1 p", "GEOSEARCHSTORE x g FROMMEMBER p BYRADIUS 1 m", "MULTI;DEL x;DEL x;ZADD x 3377822707026402 p;EXEC"},
	{"GONE", "GEOADD x 1 1 p", "MULTI;DEL x;ZADD x 3377822707026402 p;EXEC"},

	// HyperLogLogs.
	{"", "PFADD h", "PFADD h"},
	{"", "pfadd h a b", "PFADD h a b"},
	{"PFADD h a", "PFADD h a", ""},
	{"PFADD h a", "PFADD h", ""},
	{"SET h v", "PFADD h a", ""},
	{"PFADD h a", "PFCOUNT h", "PFCOUNT h"},
	{"PFADD h a;PFCOUNT h", "PFCOUNT h", ""},
	{"PFADD h a;PFADD i b", "PFCOUNT h i", ""},
	{"", "PFCOUNT h", ""},
	{"PFADD h a", "PFMERGE d h none", "PFMERGE d h none"},
	{"PFADD h a", "PFMERGE h h", "PFMERGE h h"},
	{"", "PFMERGE d", "PFMERGE d"},
	{"PFADD h a;SET i v", "PFMERGE d h i", ""},
	{"PFADD h a", "PFDEBUG TODENSE h", "PFDEBUG TODENSE h"},
	{"PFADD h a", "PFDEBUG getreg h", "PFDEBUG getreg h"},
	{"PFADD h a;PFDEBUG TODENSE h", "PFDEBUG GETREG h", ""},
	{"PFADD h a", "PFDEBUG ENCODING h", ""},
	{"GONE", "PFADD x a", "MULTI;DEL x;PFADD x a;EXEC"},
	{"GONE;PFADD h a", "PFMERGE h x", "MULTI;DEL x;PFMERGE h x;EXEC"},
	{"GONE", "PFCOUNT x", ""},

	// Bitmaps. A bit that is so already is no change, unless the string grows for it.
	{"", "setbit b 7 1", "SETBIT b 7 1"},
	{"SETBIT b 7 1", "SETBIT b 7 1", ""},
	{"SETBIT b 7 1", "SETBIT b 6 0", ""},
	{"SETBIT b 7 1", "SETBIT b 8 0", "SETBIT b 8 0"},
	{"SET a abc;SET b b", "bitop and d a b none", "BITOP AND d a b none"},
	{"SET a a", "BITOP NOT a a", "BITOP NOT a a"},
	{"SET d 1", "BITOP OR d none", "BITOP OR d none"},
	{"", "BITOP OR d none", ""},
	{"SET a c;SET b a", "BITOP DIFF1 d b a", "SET d \x02"},
	{"SET a abc;SET b b", "BITOP ONE d a b a b", "SET d \x00\x00\x00"},
	{"SET a a;SET b c", "BITOP ANDOR d a b", "SET d a"},
	{"SET d 1", "BITOP DIFF d none none", "DEL d"},
	{"", "BITFIELD f SET u8 0 255 GET u8 4 OVERFLOW sat INCRBY i5 #3 1", "BITFIELD f SET u8 0 255 GET u8 4 OVERFLOW sat INCRBY i5 #3 1"},
	{"SET f a", "BITFIELD f GET u8 100 OVERFLOW FAIL", ""},
	{"SET f a", "BITFIELD f SET u8 0 97 INCRBY u8 0 256 INCRBY u3 0 0", ""},
	{"SET f a", "BITFIELD f OVERFLOW FAIL SET u8 0 256 INCRBY u4 0 10", ""},
	{"", "BITFIELD f OVERFLOW FAIL SET u8 8 256", "BITFIELD f OVERFLOW FAIL SET u8 8 256"},
	{"SET f a", "BITFIELD f INCRBY u8 8 0", "BITFIELD f INCRBY u8 8 0"},
	{"GONE", "SETBIT x 0 0", "MULTI;DEL x;SETBIT x 0 0;EXEC"},
	{"GONE", "BITFIELD x SET u8 0 0", "MULTI;DEL x;BITFIELD x SET u8 0 0;EXEC"},
	{"GONE;SET a a", "BITOP OR x a y", "MULTI;DEL y;DEL x;BITOP OR x a y;EXEC"},
	{"GONE", "BITFIELD x GET u8 0", ""},

	// Strings, on conditions of newer servers: the stream carries what every replica knows.
	{"SET k w", "SET k v IFEQ w", "SET k v"},
	{"SET k w", "SET k v IFEQ x", ""},
	{"", "SET k v IFEQ w", ""},
	{"", "SET k v IFNE w", "SET k v"},
	{"SET k w", "SET k v ifne x KEEPTTL GET", "SET k v KEEPTTL"},
	{"SET k w", "SET k v IFNE w", ""},
	{"SET k abc", "SET k v IFDEQ 78AF5F94892F3950 PX 10", "SET k v PXAT 1700000000010"},
	{"SET k abc", "SET k v IFDNE 78af5f94892f3950", ""},
	{"HSET k f v", "SET k v IFNE w", ""},
	{"SET k w", "DELEX k", "DEL k"},
	{"SET k w", "DELEX k IFEQ w", "DEL k"},
	{"SET k w", "DELEX k IFNE w", ""},
	{"", "DELEX k IFNE w", ""},
	{"SET k w", "DELIFEQ k w", "DEL k"},
	{"SET k w", "DELIFEQ k v", ""},
	{"", "MSETEX 2 a 1 b 2", "MSET a 1 b 2"},
	{"SET a 1", "MSETEX 2 a 1 b 2 NX", ""},
	{"SET a 1", "MSETEX 2 a 1 b 2 XX", ""},
	{"", "MSETEX 2 a 1 b 2 NX PX 10", "MULTI;SET a 1 PXAT 1700000000010;SET b 2 PXAT 1700000000010;EXEC"},
	{"SET a 1 EX 9", "MSETEX 1 a 2 XX KEEPTTL", "SET a 2 KEEPTTL"},

	// Hashes.
	{"", "HSET h f v g w", "HSET h f v g w"},
	{"HSET h f v", "HSET h f v", "HSET h f v"},
	{"", "HMSET h f v", "HMSET h f v"},
	{"", "HSETNX h f v", "HSETNX h f v"},
	{"HSET h f w", "HSETNX h f v", ""},
	{"HSET h f w g x", "HDEL h f none", "HDEL h f none"},
	{"HSET h f w", "HDEL h none", ""},
	{"HSET h f w", "HDEL h f", "HDEL h f"},
	{"", "HINCRBY h f 3", "HINCRBY h f 3"},
	{"HSET h f 10.5", "HINCRBYFLOAT h f 0.1", "HSET h f 10.6"},
	{"SET h v", "HSET h f v", ""},

	// Deadlines of fields. What HSET has done to one is said behind it.
	{"HSET h f v g w", "HEXPIRE h 10 FIELDS 2 f g", "HPEXPIREAT h 1700000010000 FIELDS 2 f g"},
	{"HSET h f v g w", "hpexpire h 10 lt fields 3 f none g", "HPEXPIREAT h 1700000000010 LT FIELDS 2 f g"},
	{"HSET h f v g w;HEXPIRE h 9 FIELDS 1 f", "HEXPIREAT h 1700000005 NX FIELDS 2 f g", "HPEXPIREAT h 1700000005000 NX FIELDS 1 g"},
	{"HSET h f v g w", "HEXPIREAT h 1700000005 XX FIELDS 2 f g", ""},
	{"HSET h f v g w", "HPEXPIREAT h 1700000000001 FIELDS 2 f f", "HPEXPIREAT h 1700000000001 FIELDS 2 f f"},
	{"HSET h f v g w", "HPEXPIREAT h 1700000000000 FIELDS 3 f none f", "HDEL h f"},
	{"HSET h f v g w", "HPEXPIREAT h 1 FIELDS 2 g f", "MULTI;HDEL h g;HDEL h f;EXEC"},
	{"", "HEXPIRE h 10 FIELDS 1 f", ""},
	{"SET h v", "HEXPIRE h 10 FIELDS 1 f", ""},
	{"HSET h f v g w;HEXPIRE h 9 FIELDS 1 f", "HPERSIST h FIELDS 3 f g none", "HPERSIST h FIELDS 1 f"},
	{"HSET h f v", "HPERSIST h FIELDS 1 f", ""},
	{"HSET h f 1;HEXPIRE h 9 FIELDS 1 f", "HINCRBY h f 3", "HINCRBY h f 3"},
	{"HSET h f 1;HEXPIRE h 9 FIELDS 1 f", "HINCRBYFLOAT h f 0.5", "MULTI;HSET h f 1.5;HPEXPIREAT h 1700000009000 FIELDS 1 f;EXEC"},
	{"HSET h f v", "HGETEX h FIELDS 1 f", ""},
	{"HSET h f v", "HGETEX h EX 10 FIELDS 2 f none", "HPEXPIREAT h 1700000010000 FIELDS 2 f none"},
	{"HSET h f v", "HGETEX h PX 10 FIELDS 1 none", ""},
	{"HSET h f v", "HGETEX h PERSIST FIELDS 1 f", ""},
	{"HSET h f v;HEXPIRE h 9 FIELDS 1 f", "HGETEX h PERSIST FIELDS 2 f f", "HPERSIST h FIELDS 1 f"},
	{"HSET h f v g w", "HGETEX h PXAT 1 FIELDS 3 f f g", "MULTI;HDEL h f;HDEL h g;EXEC"},
	{"", "HSETEX h FIELDS 1 f v", "HSETEX h FIELDS 1 f v"},
	{"", "HSETEX h ex 10 fnx FIELDS 2 f v g w", "HSETEX h FNX PXAT 1700000010000 FIELDS 2 f v g w"},
	{"HSET h f v", "HSETEX h FNX FIELDS 2 g w f v", ""},
	{"HSET h f v", "HSETEX h FXX KEEPTTL FIELDS 1 f w", "HSETEX h FXX KEEPTTL FIELDS 1 f w"},
	{"HSET h f v", "HSETEX h PXAT 1 FIELDS 2 f w g w", "HDEL h f"},
	{"HSET h f v g w", "HGETDEL h FIELDS 3 f f none", "HDEL h f f none"},
	{"HSET h f v", "HGETDEL h FIELDS 1 none", ""},
	{"FGONE", "HSETNX y f v", "MULTI;HDEL y f;HSETNX y f v;EXEC"},
	{"FGONE", "HINCRBY y f 1", "MULTI;HDEL y f;HINCRBY y f 1;EXEC"},
	{"FGONE", "HINCRBYFLOAT y f 1", "MULTI;HDEL y f;HSET y f 1;EXEC"},
	{"FGONE", "HGETEX y EX 10 FIELDS 2 f g", "MULTI;HDEL y f;HPEXPIREAT y 1700000010002 FIELDS 2 f g;EXEC"},
	{"FGONE", "HGETDEL y FIELDS 1 f", "HDEL y f"},
	{"FGONE", "HSETEX y FXX FIELDS 1 f v", "HDEL y f"},
	{"FGONE", "HSETEX y FNX FIELDS 1 f v", "MULTI;HDEL y f;HSETEX y FNX FIELDS 1 f v;EXEC"},
	{"FGONE", "HSET y f v", "HSET y f v"},
	{"FGONE", "HDEL y f", "HDEL y f"},
	{"FGONE", "HEXPIRE y 10 FIELDS 1 f", "HPEXPIREAT y 1700000010002 FIELDS 1 f"},
	{"FGONE", "HPERSIST y FIELDS 1 f", ""},
	{"FGONE;HEXPIRE y 9 FIELDS 1 g", "HPERSIST y FIELDS 2 f g", "HPERSIST y FIELDS 1 g"},
	{"FGONE", "HGET y f", ""},

	// Lists.
	{"", "lpush l a b", "LPUSH l a b"},
	{"", "RPUSH l a", "RPUSH l a"},
	{"SET l v", "RPUSH l a", ""},
	{"", "LPUSHX l a", ""},
	{"RPUSH l a", "LPUSHX l b c", "LPUSHX l b c"},
	{"", "RPUSHX l a", ""},
	{"RPUSH l a", "RPUSHX l b", "RPUSHX l b"},
	{"RPUSH l a b", "LPOP l", "LPOP l"},
	{"RPUSH l a", "RPOP l", "RPOP l"},
	{"RPUSH l a", "LPOP l 9", "LPOP l 9"},
	{"RPUSH l a b", "RPOP l 1", "RPOP l 1"},
	{"RPUSH l a", "LPOP l 0", ""},
	{"", "LPOP l", ""},
	{"RPUSH l a b c", "LMPOP 2 none l LEFT", "LPOP l 1"},
	{"RPUSH l a b c", "LMPOP 1 l right COUNT 9", "RPOP l 3"},
	{"", "LMPOP 1 l LEFT", ""},
	{"RPUSH l a", "LSET l -1 b", "LSET l -1 b"},
	{"RPUSH l a", "LSET l 1 b", ""},
	{"RPUSH l a", "LINSERT l after a b", "LINSERT l AFTER a b"},
	{"RPUSH l a", "LINSERT l BEFORE b a", ""},
	{"RPUSH l a b a", "LREM l -1 a", "LREM l -1 a"},
	{"RPUSH l a", "LREM l 0 b", ""},
	{"RPUSH l a", "LREM l -9223372036854775808 a", "LREM l -9223372036854775807 a"},
	{"RPUSH l a b", "LTRIM l 0 0", "LTRIM l 0 0"},
	{"RPUSH l a b", "LTRIM l 5 9", "LTRIM l 5 9"},
	{"RPUSH l a b", "LTRIM l 0 -1", ""},
	{"RPUSH l a b", "LMOVE l m left RIGHT", "LMOVE l m LEFT RIGHT"},
	{"RPUSH l a", "LMOVE l l LEFT LEFT", "LMOVE l l LEFT LEFT"},
	{"", "LMOVE l m LEFT LEFT", ""},
	{"RPUSH l a;SET m v", "LMOVE l m LEFT LEFT", ""},
	{"RPUSH l a", "RPOPLPUSH l m", "RPOPLPUSH l m"},
	{"", "RPOPLPUSH l m", ""},
	{"GONE", "RPUSH x a", "MULTI;DEL x;RPUSH x a;EXEC"},
	{"GONE", "LPOP x", "DEL x"},
	{"GONE;RPUSH l a", "LMOVE l x LEFT LEFT", "MULTI;DEL x;LMOVE l x LEFT LEFT;EXEC"},

	// Lists and sorted sets, by clients that would wait.
	{"RPUSH k a b", "BLPOP x k 0", "LPOP k"},
	{"RPUSH k a b", "BRPOP k 0", "RPOP k"},
	{"RPUSH k a b", "BLMOVE k l LEFT RIGHT 0", "LMOVE k l LEFT RIGHT"},
	{"RPUSH k a b", "BRPOPLPUSH k l 0", "RPOPLPUSH k l"},
	{"RPUSH k a b", "BLMPOP 0 2 x k LEFT COUNT 9", "LPOP k 2"},
	{"ZADD k 1 a 2 b", "BZPOPMIN x k 0", "ZPOPMIN k"},
	{"ZADD k 1 a 2 b", "BZPOPMAX k 0", "ZPOPMAX k"},
	{"ZADD k 1 a 2 b", "BZMPOP 0 2 x k MAX COUNT 9", "ZPOPMAX k 2"},
	// Sets. What is random is sent as what came of it.
	{"", "SADD s a b a", "SADD s a b a"},
	{"SADD s a b", "SADD s a c", "SADD s a c"},
	{"SADD s a", "SADD s a", ""},
	{"SADD s a b", "SREM s a none", "SREM s a none"},
	{"SADD s a", "SREM s a", "SREM s a"},
	{"SADD s a", "SREM s none", ""},
	{"SADD s a b", "SMOVE s t a", "SMOVE s t a"},
	{"SADD s a;SADD t a", "SMOVE s t a", "SMOVE s t a"},
	{"SADD s a", "SMOVE s s a", ""},
	{"SADD s a", "SMOVE s t none", ""},
	{"SADD s a", "SPOP s", "SREM s a"},
	{"SADD s a", "SPOP s 1", "DEL s"},
	{"SADD s a", "SPOP s 0", ""},
	{"", "SPOP s", ""},
	{"SADD s a", "SRANDMEMBER s", ""},
	{"SADD s a b;SADD t a", "SINTERSTORE d s t", "SINTERSTORE d s t"},
	{"SADD s a;SADD d x", "SINTERSTORE d s none", "SINTERSTORE d s none"},
	{"SADD s a", "SINTERSTORE d s none", ""},
	{"SADD s a", "SUNIONSTORE s s s", "SUNIONSTORE s s s"},
	{"SADD s a b;SADD t a", "SDIFFSTORE d s t", "SDIFFSTORE d s t"},
	{"SET d v", "SDIFFSTORE d none none", "SDIFFSTORE d none none"},
	{"SET s v;SADD t a", "SUNIONSTORE d t s", ""},
	{"GONE", "SADD x a", "MULTI;DEL x;SADD x a;EXEC"},
	{"GONE;SADD s a", "SMOVE s x a", "MULTI;DEL x;SMOVE s x a;EXEC"},
	{"GONE;SADD s a", "SUNIONSTORE y s x", "MULTI;DEL x;DEL y;SUNIONSTORE y s x;EXEC"},
	{"GONE", "SINTERSTORE x x y", "MULTI;DEL x;DEL y;EXEC"},

	// Every type. The payload is that of the string 5.
	{"", "RESTORE k 0 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i", "RESTORE k 0 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i"},
	{"SET k v", "RESTORE k 0 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i", ""},
	{"SET k v", "RESTORE k 0 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i REPLACE", "RESTORE k 0 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i REPLACE"},
	{"", "RESTORE k 10 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i", "RESTORE k 1700000000010 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i ABSTTL"},
	{"", "restore k 10 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i IDLETIME 7", "RESTORE k 1700000000010 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i IDLETIME 7 ABSTTL"},
	{"", "RESTORE k 1700000000001 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i ABSTTL FREQ 3", "RESTORE k 1700000000001 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i FREQ 3 ABSTTL"},
	{"", "RESTORE k 1700000000000 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i ABSTTL", ""},
	{"SET k v", "RESTORE k 1 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i ABSTTL REPLACE", "DEL k"},
	{"SET k v", "RESTORE k 0 junk REPLACE", ""},
	{"GONE", "RESTORE x 0 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i", "MULTI;DEL x;RESTORE x 0 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i;EXEC"},
	{"", "RESTORE-ASKING k 0 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i", "RESTORE-ASKING k 0 \x00\xc0\x05\b\x00\xda\x02\xb3\xd9*69i"},
	{"RPUSH l 2 1", "SORT l", ""},
	{"RPUSH l 2 1", "SORT l STORE d", "RPUSH d 1 2"},
	{"RPUSH l 2 1;SET d v", "SORT l STORE d", "MULTI;DEL d;RPUSH d 1 2;EXEC"},
	{"SET d v", "SORT l STORE d", "DEL d"},
	{"", "SORT l STORE d", ""},
	{"RPUSH l b a", "SORT l STORE d", ""},

	// Sorted sets.
	{"", "ZADD z 1 a 2 b", "ZADD z 1 a 2 b"},
	{"", "zadd z NX CH 0x10 a", "ZADD z NX CH 0x10 a"},
	{"ZADD z 1 a", "ZADD z 1 a", ""},
	{"ZADD z 1 a", "ZADD z NX 2 a", ""},
	{"", "ZADD z XX 2 a", ""},
	{"ZADD z 1 a", "ZADD z GT 0 a", ""},
	{"ZADD z 1 a", "ZADD z GT CH 2 a", "ZADD z GT CH 2 a"},
	{"ZADD z 1 a", "ZADD z INCR 2 a", "ZADD z INCR 2 a"},
	{"ZADD z 1 a", "ZADD z LT INCR 2 a", ""},
	{"ZADD z inf a", "ZADD z INCR -inf a", ""},
	{"", "ZADD z 1 a x b", ""},
	{"SET z v", "ZADD z 1 a", ""},
	{"ZADD z 1 a", "ZINCRBY z 0.1 a", "ZINCRBY z 0.1 a"},
	{"ZADD z 1 a", "ZINCRBY z 0 a", ""},
	{"", "ZINCRBY z 0 a", "ZINCRBY z 0 a"},
	{"ZADD z 1 a 2 b", "ZREM z a none", "ZREM z a none"},
	{"ZADD z 1 a", "ZREM z a", "ZREM z a"},
	{"ZADD z 1 a", "ZREM z none", ""},
	{"ZADD z 1 a 2 b", "ZPOPMIN z", "ZPOPMIN z"},
	{"ZADD z 1 a 2 b", "ZPOPMAX z 5", "ZPOPMAX z 5"},
	{"ZADD z 1 a", "ZPOPMIN z 0", ""},
	{"", "ZPOPMAX z", ""},
	{"ZADD z 1 a 2 b", "ZMPOP 2 none z MAX COUNT 9", "ZPOPMAX z 2"},
	{"ZADD z 1 a 2 b", "ZMPOP 1 z min", "ZPOPMIN z 1"},
	{"", "ZMPOP 1 z MIN", ""},
	{"ZADD z 1 a 2 b", "ZREMRANGEBYRANK z 0 0", "ZREMRANGEBYRANK z 0 0"},
	{"ZADD z 1 a", "ZREMRANGEBYRANK z 1 1", ""},
	{"ZADD z 1 a 2 b", "ZREMRANGEBYSCORE z (1 +inf", "ZREMRANGEBYSCORE z (1 +inf"},
	{"ZADD z 1 a 1 b", "ZREMRANGEBYLEX z - (b", "ZREMRANGEBYLEX z - (b"},
	{"ZADD z 1 a 2 b", "ZREMRANGEBYLEX z - +", "ZREM z a b"},
	{"ZADD z 1 a 2 b", "ZRANGESTORE d z 0 0", "ZRANGESTORE d z 0 0"},
	{"ZADD z 1 a 2 b", "ZRANGESTORE d z - + BYLEX", "MULTI;DEL d;ZADD d 1 a 2 b;EXEC"},
	{"ZADD d 1 a", "ZRANGESTORE d none 0 0", "ZRANGESTORE d none 0 0"},
	{"", "ZRANGESTORE d none 0 0", ""},
	{"ZADD z 1 a 2 b", "ZRANGESTORE d z (0X1.8P-1 0x2 BYSCORE", "ZRANGESTORE d z (0.75 2 BYSCORE"},
	{"ZADD z 1 a 2 b", "ZREMRANGEBYSCORE z -1 1e400", "ZREMRANGEBYSCORE z -1 inf"},
	{"ZADD z 1 a 2 b;ZADD d 1 a", "ZRANGESTORE d z 1 2 BYSCORE LIMIT -1 2", "DEL d"},
	{"ZADD z 1 a 2 b;ZADD d 1 a", "ZRANGESTORE d z 0 -1 REV LIMIT -1 -1", "ZRANGESTORE d z 0 -1 REV LIMIT -1 -1"},
	{"ZADD z 1 a;SADD s b", "ZUNIONSTORE d 2 z s", "ZUNIONSTORE d 2 z s"},
	{"ZADD y 0.1 a;ZADD z 0.2 a", "ZUNIONSTORE d 3 y z z", "MULTI;DEL d;ZADD d 0.5 a;EXEC"},
	{"ZADD z 0.1 a", "ZUNIONSTORE d 3 z z z AGGREGATE MIN", "ZUNIONSTORE d 3 z z z AGGREGATE MIN"},
	{"ZADD z 0.1 a", "ZINTERSTORE d 3 z z z", "MULTI;DEL d;ZADD d 0.30000000000000004 a;EXEC"},
	{"ZADD d 1 a", "ZINTERSTORE d 3 none none none", "DEL d"},
	{"ZADD d 1 a", "ZINTERSTORE d 2 none none", "ZINTERSTORE d 2 none none"},
	{"ZADD z 1 a 2 b", "ZDIFFSTORE d 3 z none none", "ZDIFFSTORE d 3 z none none"},
	{"", "ZDIFFSTORE d 1 none", ""},
	{"ZADD z 1 a", "ZRANDMEMBER z", ""},
	{"GONE", "ZADD x 1 a", "MULTI;DEL x;ZADD x 1 a;EXEC"},
	{"GONE;ZADD z 1 a", "ZUNIONSTORE d 2 x z", "MULTI;DEL x;ZUNIONSTORE d 2 x z;EXEC"},
	{"GONE;ZADD z 1 a", "ZRANGESTORE d x 0 -1", "DEL x"},

	// Streams.
	{"", "XADD s * f v", "XADD s 1700000000000-0 f v"},
	{"XADD s 1700000000000-5 f v", "xadd s * f v g w", "XADD s 1700000000000-6 f v g w"},
	{"XADD s 1700000000001-18446744073709551615 f v", "XADD s * f v", "XADD s 1700000000002-0 f v"},
	{"", "XADD s 5-* f v", "XADD s 5-0 f v"},
	{"", "XADD s 0-* f v", "XADD s 0-1 f v"},
	{"XADD s 5-7 f v", "XADD s 5-* f v", "XADD s 5-8 f v"},
	{"", "XADD s 5 f v", "XADD s 5-0 f v"},
	{"XADD s 5-7 f v", "XADD s 5-7 f v", ""},
	{"", "XADD s NOMKSTREAM * f v", ""},
	{"XADD s 1 f v", "XADD s nomkstream 2 f v", "XADD s NOMKSTREAM 2-0 f v"},
	{"XADD s 1 f v", "XADD s MAXLEN 1 2 f v", "XADD s MAXLEN = 1 2-0 f v"},
	{"XADD s 1 f v", "XADD s MAXLEN ~ 1 2 f v", "XADD s MAXLEN = 2 2-0 f v"},
	{"XADD s 1 f v", "XADD s MAXLEN ~ 1 LIMIT 7 2 f v", "XADD s MAXLEN = 2 2-0 f v"},
	{"XADD s 1 f v", "XADD s MINID = 2 3 f v", "XADD s MINID = 2-0 3-0 f v"},
	{"XADD s 1 f v", "XADD s MINID ~ 2 3 f v", "XADD s MINID = 1-0 3-0 f v"},
	{"XADD s 1 f v", "XADD s MINID ~ 9 3 f v", "XADD s MINID = 9-0 3-0 f v"},
	{"XADD s 1 f v", "XADD s KEEPREF MAXLEN 1 2 f v", "XADD s MAXLEN = 1 2-0 f v"},
	{"XADD s 1 f v", "XADD s ACKED MAXLEN 1 2 f v", "XADD s MAXLEN = 1 2-0 f v"},
	{"READ", "XADD s DELREF MAXLEN 3 4 f v", "MULTI;XADD s MAXLEN = 3 4-0 f v;XACK s g 1-0;EXEC"},
	{"READ", "XADD s ACKED MAXLEN ~ 1 4 f v", "XADD s MAXLEN = 4 4-0 f v"},
	{"READ", "XTRIM s MAXLEN 1 ACKED", ""},
	{"READ;XACK s g 2", "XTRIM s MAXLEN 0 ACKED", "XTRIM s ACKED MAXLEN = 0"},
	{"READ;XACK s g 1", "XTRIM s MAXLEN 0 ACKED", "XTRIM s MAXLEN = 2"},
	{"READ", "XTRIM s MINID 3 DELREF", "MULTI;XTRIM s MINID = 3-0;XACK s g 1-0 2-0;EXEC"},
	{"READ", "XDELEX s IDS 2 1 9", "XDEL s 1-0"},
	{"READ", "XDELEX s DELREF IDS 3 1 3 9", "MULTI;XDEL s 1-0 3-0;XACK s g 1-0 3-0;EXEC"},
	{"READ;XACK s g 2", "XDELEX s acked IDS 3 1 2 3", "XDEL s 2-0"},
	{"READ", "XDELEX s ACKED IDS 1 1", ""},
	{"READ", "XACKDEL s g IDS 2 1 9", "MULTI;XACK s g 1-0;XDEL s 1-0;EXEC"},
	{"READ;XGROUP CREATE s h 0", "XACKDEL s g ACKED IDS 1 1", "XACK s g 1-0"},
	{"READ", "XACKDEL s none IDS 1 1", ""},
	{"SET s v", "XADD s * f v", ""},
	{"XADD s 1 f v;XADD s 2 f v", "XDEL s 2 3", "XDEL s 2-0 3-0"},
	{"XADD s 1 f v", "XDEL s 1", "XDEL s 1-0"},
	{"XADD s 1 f v", "XDEL s 2", ""},
	{"XADD s 1 f v;XADD s 2 f v", "XTRIM s MAXLEN 1", "XTRIM s MAXLEN = 1"},
	{"XADD s 1 f v;XADD s 2 f v", "XTRIM s MINID ~ 9", "XTRIM s MINID = 9-0"},
	{"XADD s 1 f v;XADD s 2 f v", "XTRIM s MAXLEN ~ 1", ""},
	{"XADD s 1 f v", "XTRIM s MAXLEN 1", ""},
	{"", "XTRIM s MAXLEN 0", ""},
	{"XADD s 1 f v", "XSETID s 2", "XSETID s 2-0"},
	{"XADD s 1 f v", "XSETID s 5-5 ENTRIESADDED 7 MAXDELETEDID 4", "XSETID s 5-5 ENTRIESADDED 7 MAXDELETEDID 4-0"},
	{"", "XSETID s 2", ""},
	{"XADD s 1 f v", "XREAD STREAMS s 0", ""},
	{"GONE", "XADD x 1 f v", "MULTI;DEL x;XADD x 1-0 f v;EXEC"},

	// Groups of streams: what is delivered is sent as what is pending then.
	{"", "XGROUP CREATE s g $ MKSTREAM", "XGROUP CREATE s g $ MKSTREAM"},
	{"XADD s 1 f v", "xgroup create s g $ mkstream entriesread 1", "XGROUP CREATE s g $ MKSTREAM ENTRIESREAD 1"},
	{"XADD s 1 f v", "XGROUP CREATE s g 0", "XGROUP CREATE s g 0"},
	{"", "XGROUP CREATE s g 0", ""},
	{threeUnread, "XGROUP CREATE s g 0", ""},
	{threeUnread, "XGROUP SETID s g 1-1 ENTRIESREAD 1", "XGROUP SETID s g 1-1 ENTRIESREAD 1"},
	{threeUnread, "XGROUP SETID s g $", "XGROUP SETID s g $"},
	{threeUnread, "XGROUP DESTROY s g", "XGROUP DESTROY s g"},
	{threeUnread, "XGROUP DESTROY s h", ""},
	{threeUnread, "XGROUP CREATECONSUMER s g ada", "XGROUP CREATECONSUMER s g ada"},
	{threeUnread + ";XGROUP CREATECONSUMER s g ada", "XGROUP CREATECONSUMER s g ada", ""},
	{threeUnread + ";XGROUP CREATECONSUMER s g ada", "XGROUP DELCONSUMER s g ada", "XGROUP DELCONSUMER s g ada"},
	{threeUnread, "XGROUP DELCONSUMER s g ada", ""},
	{threeUnread, "XREADGROUP GROUP g ada COUNT 2 STREAMS s >", "MULTI;" + claimOf("ada", "1-1", 1, "1-1") + ";" + claimOf("ada", "2-1", 1, "2-1") + ";XGROUP SETID s g 2-1 ENTRIESREAD 2;EXEC"},
	{threeUnread, "XREADGROUP GROUP g ada COUNT 1 BLOCK 0 STREAMS s >", "MULTI;" + claimOf("ada", "1-1", 1, "1-1") + ";XGROUP SETID s g 1-1 ENTRIESREAD 1;EXEC"},
	{threeUnread, "XREADGROUP GROUP g ada NOACK STREAMS s >", "MULTI;XGROUP CREATECONSUMER s g ada;XGROUP SETID s g 3-1 ENTRIESREAD 3;EXEC"},
	{threeUnread + ";XREADGROUP GROUP g ada STREAMS s >", "XREADGROUP GROUP g ada STREAMS s >", ""},
	{threeUnread + ";XREADGROUP GROUP g ada STREAMS s >", "XREADGROUP GROUP g bob STREAMS s >", "XGROUP CREATECONSUMER s g bob"},
	{threeUnread, "XREADGROUP GROUP g ada STREAMS s 0", "XGROUP CREATECONSUMER s g ada"},
	{threeUnread + ";XREADGROUP GROUP g ada COUNT 1 STREAMS s >", "XREADGROUP GROUP g ada STREAMS s 0", claimOf("ada", "1-1", 2, "1-1")},
	{threeUnread, "XREADGROUP GROUP h ada STREAMS s >", ""},
	{threeUnread + ";XREADGROUP GROUP g ada STREAMS s >", "XACK s g 1-1 1-1 9-9", "XACK s g 1-1 1-1 9-9"},
	{threeUnread, "XACK s g 1-1", ""},
	{"", "XACK s g 1-1", ""},
	{threeUnread + ";XREADGROUP GROUP g ada STREAMS s >", "XCLAIM s g bob 0 1-1", claimOf("bob", "1-1", 2, "3-1")},
	{threeUnread + ";XREADGROUP GROUP g ada STREAMS s >", "XCLAIM s g bob 0 1-1 justid TIME 5", strings.Replace(claimOf("bob", "1-1", 1, "3-1"), "1700000000000", "5", 1)},
	{threeUnread + ";XREADGROUP GROUP g ada STREAMS s >", "XCLAIM s g bob 9000 1-1", "XGROUP CREATECONSUMER s g bob"},
	{threeUnread + ";XREADGROUP GROUP g ada STREAMS s >;XDEL s 1-1", "XCLAIM s g bob 0 1-1", "MULTI;" + claimOf("ada", "1-1", 1, "3-1") + ";XGROUP CREATECONSUMER s g bob;EXEC"},
	{threeUnread, "XCLAIM s g ada 0 9-9 FORCE LASTID 2-1", "MULTI;XGROUP CREATECONSUMER s g ada;XGROUP SETID s g 2-1 ENTRIESREAD -1;EXEC"},
	{threeUnread, "XCLAIM s g ada 0 1-1 FORCE RETRYCOUNT 7 LASTID 2-1", claimOf("ada", "1-1", 7, "2-1")},
	{threeUnread + ";XREADGROUP GROUP g ada COUNT 2 STREAMS s >;XDEL s 1-1", "XAUTOCLAIM s g bob 0 -", "MULTI;" + claimOf("ada", "1-1", 1, "2-1") + ";" + claimOf("bob", "2-1", 2, "2-1") + ";EXEC"},
	{threeUnread, "XAUTOCLAIM s g bob 0 -", "XGROUP CREATECONSUMER s g bob"},
	{"GONE", "XGROUP CREATE x g 0 MKSTREAM", "MULTI;DEL x;XGROUP CREATE x g 0 MKSTREAM;EXEC"},
	{"GONE", "XDEL x 1", "DEL x"},

	// Keys and expiry.
	{"MSET a 1 b 2", "DEL a b", "DEL a b"},
	{"SET a 1", "DEL a none", "DEL a"},
	{"", "DEL none", ""},
	{"SET a 1", "UNLINK a", "UNLINK a"},
	{"SET k v", "EXPIRE k 10", "PEXPIREAT k 1700000010000"},
	{"SET k v", "PEXPIRE k 10 NX", "PEXPIREAT k 1700000000010 NX"},
	{"SET k v EX 1", "EXPIRE k 10 XX GT", "PEXPIREAT k 1700000010000 XX GT"},
	{"SET k v", "EXPIREAT k 1700000005 LT", "PEXPIREAT k 1700000005000 LT"},
	{"SET k v", "PEXPIREAT k 1700000005001", "PEXPIREAT k 1700000005001"},
	{"SET k v", "EXPIRE k 10 GT", ""},
	{"SET k v", "EXPIRE k 0", "DEL k"},
	{"SET k v", "PEXPIREAT k 1700000000000", "DEL k"},
	{"SET k v", "EXPIRE k -1", "DEL k"},
	{"", "EXPIRE k 10", ""},
	{"SET k v EX 1", "PERSIST k", "PERSIST k"},
	{"SET k v", "PERSIST k", ""},
	{"SET a 1", "RENAME a b", "RENAME a b"},
	{"SET a 1", "RENAMENX a b", "RENAMENX a b"},
	{"MSET a 1 b 2", "RENAMENX a b", ""},
	{"SET a 1", "COPY a b", "COPY a b"},
	{"SET a 1", "COPY a b DB 2 REPLACE", "COPY a b DB 2 REPLACE"},
	{"MSET a 1 b 2", "COPY a b", ""},
	{"SET a 1", "MOVE a 3", "MOVE a 3"},
	{"", "SWAPDB 0 1", "SWAPDB 0 1"},
	{"", "FLUSHDB ASYNC", "FLUSHDB"},
	{"", "FLUSHALL", "FLUSHALL"},

	// Keys past their deadline: the DEL comes first. GONE sets x and y to expire
	// and lets the time pass.
	{"GONE", "SET x v", "MULTI;DEL x;SET x v;EXEC"},
	{"GONE", "SET x v XX", "DEL x"},
	{"GONE", "INCR x", "MULTI;DEL x;INCR x;EXEC"},
	{"GONE", "HSET x f v", "MULTI;DEL x;HSET x f v;EXEC"},
	{"GONE", "DEL x", "DEL x"},
	{"GONE", "DEL x y", "MULTI;DEL x;DEL y;EXEC"},
	{"GONE", "EXPIRE x 10", "DEL x"},
	{"GONE", "GET x", ""},
	{"GONE;SET a 1", "RENAMENX a x", "MULTI;DEL x;RENAMENX a x;EXEC"},
	{"GONE;SET a 1", "COPY a x", "MULTI;DEL x;COPY a x;EXEC"},
	{"GONE", "MSETNX x 1 y 2", "MULTI;DEL x;DEL y;MSETNX x 1 y 2;EXEC"},
	{"GONE", "GETDEL x", "DEL x"},

	// Reads remove nothing: the sweep will.
	{"GONE", "SCAN 0", ""},
	{"GONE", "RANDOMKEY", ""},
	{"GONE", "TOUCH x y", ""},
	{"GONE", "SORT_RO x", ""},
	{"GONE", "GETBIT x 0", ""},
	{"GONE", "SUBSTR x 0 -1", ""},
	{"GONE", "LCS x y", ""},
	{"SET k v", "OBJECT ENCODING k", ""},
}

// threeUnread makes a stream of three entries, of which a group has read none.
const threeUnread = "XADD s 1-1 f v;XADD s 2-1 f v;XADD s 3-1 f v;XGROUP CREATE s g 0"

// claimOf says that an entry is pending in that group.
func claimOf(consumer, id string, count int, last string) string {
	return fmt.Sprintf("XCLAIM s g %s 0 %s TIME 1700000000000 RETRYCOUNT %d FORCE JUSTID LASTID %s", consumer, id, count, last)
}

func TestEffects(t *testing.T) {
	for _, tt := range effectTests {
		t.Run(tt.before+"/"+tt.line, func(t *testing.T) {
			clock := newClock()
			s := newStore(t, &Options{Clock: clock.now})
			c := s.NewSession(nil)
			do(t, c, "SET selects 0")
			for _, line := range strings.Split(tt.before, ";") {
				switch line {
				case "":
				case "READ": // three entries, all pending in a group
					for _, line := range []string{"XADD s 1 f v", "XADD s 2 f v", "XADD s 3 f v", "XGROUP CREATE s g 0", "XREADGROUP GROUP g ada STREAMS s >"} {
						do(t, c, line)
					}
				case "GONE":
					clock.advance(-time.Hour)
					do(t, c, "SET x 1 PX 1")
					do(t, c, "SET y 1 PX 1")
					clock.advance(time.Hour)
				case "FGONE":
					do(t, c, "HSET y f 1 g 2")
					do(t, c, "HPEXPIRE y 1 FIELDS 1 f")
					clock.advance(time.Millisecond * 2)
				default:
					do(t, c, line)
				}
			}
			offset := s.backlog.Offset()
			c.Do(argv(strings.Fields(tt.line)...))
			var want strings.Builder
			for _, line := range strings.Split(tt.want, ";") {
				want.WriteString(wire(line))
			}
			if got := streamSince(t, s, offset); got != want.String() {
				t.Errorf("stream %q, want %q", got, want.String())
			}
		})
	}
}

// Every command that writes is in the table above.
func TestEffectsAreComplete(t *testing.T) {
	for c := range Commands() {
		if c.Flags&FlagWrite != 0 && !slices.ContainsFunc(effectTests, func(tt struct{ before, line, want string }) bool {
			return strings.HasPrefix(strings.ToUpper(tt.line), c.Name+" ") || strings.ToUpper(tt.line) == c.Name
		}) {
			t.Errorf("%s has no row", c.Name)
		}
	}
}

func TestStreamFrames(t *testing.T) {
	s := newStore(t, nil)
	c := s.NewSession(nil)
	var at int64
	expect := func(what string, want ...string) {
		t.Helper()
		if got := streamLines(t, streamSince(t, s, at)); !slices.Equal(got, want) {
			t.Errorf("%s: stream %q, want %q", what, got, want)
		}
		at = s.backlog.Offset()
	}
	do(t, c, "INCR n")
	expect("first write", "SELECT 0", "INCR n")
	if at != 23+21 {
		t.Errorf("offset %d, want 44: SELECT 0 is 23 bytes, INCR n 21", at)
	}
	do(t, c, "INCR n")
	expect("same database", "INCR n")
	do(t, c, "SELECT 3")
	expect("a SELECT alone")
	do(t, c, "INCR n")
	expect("other database", "SELECT 3", "INCR n")
	do(t, c, "MULTI")
	do(t, c, "GET n")
	do(t, c, "INCR n")
	do(t, c, "EXEC")
	expect("a transaction of one write", "INCR n")
	do(t, c, "MULTI")
	do(t, c, "SELECT 1")
	do(t, c, "INCR n")
	do(t, c, "GET n")
	do(t, c, "SELECT 2")
	do(t, c, "INCR n")
	do(t, c, "EXEC")
	expect("two databases", "MULTI", "SELECT 1", "INCR n", "SELECT 2", "INCR n", "EXEC")
	if c.DB() != 2 {
		t.Errorf("SELECT in a transaction leaves database %d, want 2", c.DB())
	}
	do(t, c, "MULTI")
	do(t, c, "GET n")
	do(t, c, "EXEC")
	expect("a transaction without writes")
	do(t, c, "MULTI")
	do(t, c, "INCR n")
	do(t, c, "DISCARD")
	expect("DISCARD")
	offset, err := s.Update(func(tx *Tx) error {
		_, _ = tx.DB(5).Incr("n", 1)
		return tx.DB(5).Set("k", "v", 0)
	})
	expect("Update", "MULTI", "SELECT 5", "INCRBY n 1", "SET k v", "EXEC")
	if err != nil || offset != at {
		t.Errorf("Update = %d, %v, want offset %d", offset, err, at)
	}
	_, _ = s.Update(func(tx *Tx) error {
		_, _ = tx.DB(6).Incr("n", 1)
		return errOnPurpose
	})
	expect("a failed Update")
	_, _ = s.DB(5).Incr("n", 1)
	expect("after a failed Update the selected database is as before", "INCRBY n 1")
	s.Replication().Inject("PING")
	expect("Inject", "PING")
	sn, r, err := s.Replication().Cut(0, nil)
	if err != nil || sn.History().Offset != at || r.Position() != at || sn.History().StreamDB != -1 {
		t.Fatalf("Cut = %+v at %d, %v, want offset %d and no selected database", sn.History(), r.Position(), err, at)
	}
	sn.Close()
	r.Close()
	_, _ = s.DB(5).Incr("n", 1)
	expect("after a cut", "SELECT 5", "INCRBY n 1")
}

// Sweeping sends one DEL a key, in order of deadlines, and nothing on a replica.
func TestSweep(t *testing.T) {
	clock := newClock()
	s := newStore(t, &Options{Clock: clock.now})
	for i := range 10 {
		_ = s.DB(0).Set(fmt.Sprint("k", i), "v", time.Duration(10-i)*time.Second)
	}
	_ = s.DB(1).Set("other", "v", time.Second)
	_ = s.DB(1).Set("stays", "v", 0)
	at := s.backlog.Offset()
	clock.advance(3 * time.Second)
	if n := s.Replication().Sweep(100); n != 3 {
		t.Errorf("3 s: swept %d keys, want 3: a key lives to the very millisecond of its deadline", n)
	}
	clock.advance(time.Millisecond)
	r := s.Replication()
	r.Demote()
	if n := r.Sweep(100); n != 0 {
		t.Errorf("a replica swept %d keys", n)
	}
	r.Promote()
	if n := r.Sweep(0); n != 0 {
		t.Errorf("Sweep(0) = %d", n)
	}
	if n := r.Sweep(100); n != 1 {
		t.Errorf("swept %d keys, want 1", n)
	}
	want := []string{"SELECT 0", "DEL k9", "DEL k8", "SELECT 1", "DEL other", "SELECT 0", "DEL k7"}
	if got := streamLines(t, streamSince(t, s, at)); !slices.Equal(got, want) {
		t.Errorf("stream %q, want %q", got, want)
	}
	if st := s.Stats(); st.Expired != 4 || st.DBs[0].Keys != 7 || st.DBs[0].Expires != 7 || st.DBs[1].Expires != 0 {
		t.Errorf("Stats = %+v", st)
	}
}

// A replica hides keys past their deadline, keeps them, and follows the stream
// as if they lived.
func TestReplicaDoesNotExpire(t *testing.T) {
	clock := newClock()
	p := newStore(t, &Options{Clock: clock.now})
	r, a := follower(t, p, &Options{Clock: clock.now})
	_ = p.DB(0).Set("k", "5", time.Second)
	if err := apply(t, a, streamSince(t, p, 0)); err != nil {
		t.Fatal(err)
	}
	clock.advance(time.Minute)
	if r.DB(0).Exists("k") || r.DB(0).Len() != 1 {
		t.Errorf("key past its deadline: exists %v, %d keys are held, want false, 1", r.DB(0).Exists("k"), r.DB(0).Len())
	}
	if v := r.NewSession(nil).Do(argv("MGET", "k")); v.Elems[0].Kind != resp.Null {
		t.Errorf("MGET = %v", v)
	}
	late := wire("INCR k") + wire("PEXPIREAT k 1000")
	if err := apply(t, a, late); err != nil {
		t.Fatal(err)
	}
	e := r.view.Load().gen.spaces[0].tab.Find(r.hash("k"), "k")
	if e == nil || e.Text() != "6" || e.Deadline() != 1000 {
		t.Errorf("the stream's INCR of a key past its deadline did not find it: %v", e)
	}
	if err := apply(t, a, wire("DEL k")); err != nil || r.DB(0).Len() != 0 {
		t.Errorf("DEL of the primary: %v, %d keys left", err, r.DB(0).Len())
	}
}
