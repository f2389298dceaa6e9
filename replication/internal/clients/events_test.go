package clients

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// What is sent to a server, a command a line, for the keyspace events that it makes. {dump} is the payload of a list; a command behind {block} waits for what the
// next ones bring.
const eventful = `
SET s v
SET s v EX 100
SET s v NX
SETNX s2 v
SETEX s 10 v
GETSET s v
GETDEL s2
GETEX s EX 10
GETEX s PERSIST
GETEX s EXAT 1
MSET a 1 b 2
MSETNX a 1 c 2
MSETNX c 1 d 2
INCR a
DECRBY a 3
INCRBYFLOAT a 1.5
APPEND a x
APPEND newa x
SETRANGE a 0 y
SETBIT bits 9 0
SETBIT bits 9 0
SETBIT bits 9 1
BITFIELD bits SET u8 0 0 INCRBY u8 8 0
BITFIELD bits SET u8 0 1 SET u8 8 1
BITFIELD bits2 INCRBY u8 0 0
BITOP NOT bits bits2
BITOP AND bits3 bits none
BITOP AND bits3 none
BITOP AND bits3 none
HSET h f v g w
HSETNX h f v
HSETNX h q v
HINCRBY h n 1
HINCRBYFLOAT h n 1.5
HDEL h f zz
HDEL h g q n
EXPIRE a 100
EXPIRE a 100 NX
PERSIST a
PERSIST a
EXPIRE a -1
RENAME b bb
RENAMENX bb newa
SET t v
RENAME bb t
COPY t t2
COPY t t2 REPLACE
COPY t t3 DB 3
MOVE t 4
DEL none t2 c
UNLINK d
MULTI
SET m v
PUBLISH __keyevent@0__:own message
DEL m
EXEC
RPUSH l a b c
LPUSH l z
LPUSHX l y
RPUSHX l y
LPUSHX nolist y
LPOP l
RPOP l 1
LPOP l 0
LPOP nolist
LSET l 0 q
LINSERT l BEFORE q p
LINSERT l BEFORE none p
LREM l 0 none
LREM l 0 q
LTRIM l 0 -1
LTRIM l 0 0
LMOVE l l2 LEFT RIGHT
RPOPLPUSH l2 l2
LMOVE l2 l2 LEFT RIGHT
RPUSH l2 a b c d
LMPOP 2 nolist l2 RIGHT COUNT 2
LMPOP 1 l2 LEFT COUNT 20
RPUSH l a a
LREM l 0 a
RPUSH l a a
LTRIM l 5 7
RPUSH l a
LPOP l
RPUSH l a b
BLPOP l 0
BRPOP nolist l 0
RPUSH l a b
BLMOVE l l3 LEFT LEFT 0
BRPOPLPUSH l l3 0
BLMPOP 0 1 l3 LEFT COUNT 5
SADD s a b c
SADD s a
SADD s 1 2 3 4 5 6
SREM s none
SREM s a none
SPOP s
SPOP s 2
SPOP s 0
DEL s
SADD s b c
SMOVE s s3 none
SADD s a
SMOVE s s3 a
SADD s3 b
SADD s b
SMOVE s s3 b
SADD s d e f
SADD one x
SMOVE one two x
SREM two x
SPOP s 100
SADD one x
SPOP one
SADD s a b c
SINTERSTORE sd s s3
SUNIONSTORE sd s s3
SDIFFSTORE sd s nos
SDIFFSTORE sd nos s
SDIFFSTORE sd nos s
ZADD z 1 a 2 b 3 c
ZADD z 1 a
ZADD z NX 5 a
ZADD z XX CH 5 a
ZADD z INCR 1 a
ZADD z NX INCR 1 a
ZINCRBY z 1 new
ZINCRBY z 0 new
ZREM z none
ZREM z new a
ZPOPMIN z
ZPOPMAX z 5
ZPOPMAX z
ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g
ZMPOP 2 noz z MIN COUNT 2
ZREMRANGEBYRANK z 0 0
ZREMRANGEBYRANK z 100 200
ZREMRANGEBYSCORE z 4 4
ZREMRANGEBYLEX z - [e
ZUNIONSTORE zd 2 z noz
ZUNIONSTORE zd 3 z noz z
ZINTERSTORE zd 1 z
ZDIFFSTORE zd 2 z zd
ZDIFFSTORE zd 2 z z
ZINTERSTORE zd 2 z noz
ZRANGESTORE zd z 0 -1
ZRANGESTORE zd z 5 7
ZRANGESTORE zd z - + BYLEX
ZRANGESTORE zd noz 0 -1
ZRANGESTORE zd noz 0 -1
ZREM z f g
ZADD z 1 a
ZREMRANGEBYRANK z 0 -1
ZADD z 1 a
ZREMRANGEBYSCORE z -inf +inf
ZADD z 1 a
ZREMRANGEBYLEX z - +
ZADD z 1 a 2 b 3 c
BZPOPMIN z 0
BZPOPMAX z 0
BZMPOP 0 1 z MAX
RPUSH sorted 3 1 2
SORT sorted
SORT sorted STORE sorted2
SORT sorted STORE sorted2
SORT sorted STORE sorted
SORT none STORE sorted2
SORT none STORE sorted2
RESTORE r 0 {dump}
RESTORE r 0 {dump}
RESTORE r 0 {dump} REPLACE
RESTORE r2 100000 {dump}
RESTORE r2 1 {dump} REPLACE ABSTTL
RESTORE r2 1 {dump} REPLACE ABSTTL
{block} BLPOP q none 0
RPUSH q a
{block} BLPOP q none 0
RPUSH q a b
{block} BRPOP q2 none 0
LPUSH q2 a
{block} BLMOVE q2 q3 LEFT RIGHT 0
LPUSH q2 a b
{block} BLMPOP 0 1 q4 RIGHT COUNT 2
LPUSH q4 a b c
{block} BZPOPMIN zq 0
ZADD zq 1 a
{block} BZMPOP 0 2 zq zq2 MAX COUNT 2
ZADD zq2 1 a 2 b 3 c
{block} BLPOP q5 0
MULTI
RPUSH q5 a
RPUSH other a
EXEC
{block} BLPOP q6 0
RPUSH from x
LMOVE from q6 LEFT LEFT
{block} BLPOP q7 0
SORT sorted STORE q7
HSET h f v
HINCRBY h n 1
HINCRBYFLOAT h n 0.5
HDEL h f n
GETSET gs v
FLUSHALL`

// Our server and Redis publish the same events, of both forms, in the same order.
func TestEventsAsRedis(t *testing.T) { sameEvents(t, eventful) }

// The same for commands that come in no order, and meet keys of every type.
func TestRandomEventsAsRedis(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 0))
	lines := strings.Split(strings.TrimSpace(atRandom), "\n")
	var script strings.Builder
	for range 1500 {
		for _, word := range strings.Fields(lines[rnd.IntN(len(lines))]) {
			if choice := strings.Fields(choices[word]); len(choice) > 0 {
				word = choice[rnd.IntN(len(choice))]
			}
			script.WriteString(word + " ")
		}
		script.WriteString("\n")
	}
	sameEvents(t, script.String())
}

// choices are what the words of a random command stand for.
var choices = map[string]string{
	"K": "k1 k2 k3 k4 k5 k6", "M": "a b c 1 2", "N": "-2 -1 0 1 2 5", "C": "1 1 2 5", "S": "LEFT RIGHT", "F": "1 2.5 -3 inf", "X": "NX XX GT CH INCR",
}

// atRandom are the commands of which every server makes the same.
const atRandom = `
DEL K
DEL K K
RENAME K K
COPY K K REPLACE
LPUSH K M M
RPUSH K M
RPUSHX K M
LPOP K
RPOP K C
LMOVE K K S S
RPOPLPUSH K K
LMPOP 2 K K S COUNT C
LSET K N M
LINSERT K BEFORE M M
LREM K N M
LTRIM K N N
SADD K M M
SADD K M
SREM K M M
SMOVE K K M
SINTERSTORE K K K
SUNIONSTORE K K K
SDIFFSTORE K K K
ZADD K F M F M
ZADD K X F M
ZINCRBY K C M
ZREM K M M
ZPOPMIN K
ZPOPMAX K C
ZMPOP 2 K K MIN COUNT C
ZREMRANGEBYRANK K N N
ZREMRANGEBYSCORE K F F
ZREMRANGEBYLEX K - [b
ZRANGESTORE K K N N
ZUNIONSTORE K 2 K K
ZINTERSTORE K 2 K K
ZDIFFSTORE K 2 K K
SORT K ALPHA STORE K
RESTORE K 0 {dump}
RESTORE K 0 {dump} REPLACE
HSET K M M
HDEL K M M
HINCRBY K M C
SET K M
APPEND K M
SETBIT K 3 1
BITOP XOR K K K
BITFIELD K INCRBY u3 5 1
INCR K
EXPIRE K 1000
PERSIST K
GETDEL K
`

// sameEvents runs a script on our server and on Redis, and compares.
func sameEvents(t *testing.T, script string) {
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		theirs := strings.Split(events(t, realserver.Start(t, v, "--save", "").Addr(), script), "\n")
		ours := strings.Split(events(t, startNodeTCP(t).addr, script), "\n")
		for i := range min(len(ours), len(theirs)) {
			if ours[i] != theirs[i] {
				t.Fatalf("events from the first that differs on: of ours\n%s\nof Redis\n%s", around(ours, i), around(theirs, i))
			}
		}
		if len(ours) != len(theirs) || len(ours) < 500 {
			t.Errorf("%d events of ours, %d of Redis", len(ours), len(theirs))
		}
	})
}

// events are what the server at addr publishes for the commands above, a line each.
func events(t *testing.T, addr, script string) string {
	t.Helper()
	ctx := t.Context()
	c := redis.NewClient(&redis.Options{Addr: addr, PoolSize: 1})
	defer c.Close()
	conn := c.Conn() // of one connection: it holds a transaction
	defer conn.Close()
	if err := conn.ConfigSet(ctx, "notify-keyspace-events", "KEAn").Err(); err != nil {
		t.Fatal(err)
	}
	listener := redis.NewClient(&redis.Options{Addr: addr})
	defer listener.Close()
	p := listener.PSubscribe(ctx, "__key*__:*")
	defer p.Close()
	wantNext(t, p, "psubscribe __key*__:* 1")
	dump := dumpOfList(t, listener)
	for line := range strings.Lines(strings.TrimSpace(script)) {
		command, blocks := strings.CutPrefix(line, "{block}")
		var words []any
		for _, w := range strings.Fields(command) {
			words = append(words, strings.ReplaceAll(w, "{dump}", dump))
		}
		if blocks {
			other := redis.NewClient(&redis.Options{Addr: addr, ReadTimeout: -1})
			defer other.Close()
			awaitBlocked(t, listener, 0) // who was served before may be counted still
			go func() { _ = other.Do(ctx, words...).Err() }()
			awaitBlocked(t, listener, 1)
			continue
		}
		// The commands in between tell the events apart by what made them.
		conn.Do(ctx, "PUBLISH", "__keyend__:", strings.TrimSpace(command))
		_ = conn.Do(ctx, words...).Err() // nil is an error here
	}
	conn.Do(ctx, "PUBLISH", "__keyend__:", "end")
	var b strings.Builder
	for {
		m := next(t, p)
		if strings.HasSuffix(m, "__keyend__: end") {
			return b.String()
		}
		fmt.Fprintln(&b, strings.TrimPrefix(m, "__key*__:* "))
	}
}

// dumpOfList is what DUMP gives for a list, which is not left behind.
func dumpOfList(t *testing.T, c *redis.Client) string {
	t.Helper()
	ctx := t.Context()
	c.RPush(ctx, "dumped", "a", "b")
	dump, err := c.Dump(ctx, "dumped").Result()
	if err != nil {
		t.Fatal(err)
	}
	c.Del(ctx, "dumped")
	return dump
}

// awaitBlocked waits until the server says that n clients wait.
func awaitBlocked(t *testing.T, c *redis.Client, n int) {
	t.Helper()
	line := fmt.Sprintf("blocked_clients:%d\r\n", n)
	realserver.Await(t, patience, func() bool { return strings.Contains(c.Info(t.Context(), "clients").Val(), line) }, "the client waits, or no longer")
}

// around is what stands near line i.
func around(lines []string, i int) string {
	return strings.Join(lines[max(i-6, 0):min(i+10, len(lines))], "\n")
}
