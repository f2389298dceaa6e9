package clients

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// What is sent to a server, a command a line, for the keyspace events that it makes.
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
FLUSHALL`

// Our server and Redis publish the same events, of both forms, in the same order.
func TestEventsAsRedis(t *testing.T) {
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		theirs := events(t, realserver.Start(t, v, "--save", "").Addr())
		if ours := events(t, startNodeTCP(t).addr); ours != theirs {
			t.Errorf("events of ours\n%s\nof Redis\n%s", ours, theirs)
		}
	})
}

// events are what the server at addr publishes for the commands above, a line each.
func events(t *testing.T, addr string) string {
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
	for line := range strings.Lines(strings.TrimSpace(eventful)) {
		var words []any
		for _, w := range strings.Fields(line) {
			words = append(words, w)
		}
		_ = conn.Do(ctx, words...).Err() // nil is an error here
	}
	conn.Publish(ctx, "__keyend__:", "end")
	var b strings.Builder
	for {
		m := next(t, p)
		if strings.Contains(m, "__keyend__:") {
			return b.String()
		}
		fmt.Fprintln(&b, strings.TrimPrefix(m, "__key*__:* "))
	}
}
