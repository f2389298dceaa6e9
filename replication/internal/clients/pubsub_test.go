package clients

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// next is the next message as the library hands it out.
func next(t *testing.T, p *redis.PubSub) string {
	t.Helper()
	for {
		m, err := p.ReceiveTimeout(t.Context(), patience)
		switch m := m.(type) {
		case *redis.Subscription:
			return fmt.Sprintf("%s %s %d", m.Kind, m.Channel, m.Count)
		case *redis.Message:
			return strings.TrimSpace(fmt.Sprintf("%s %s %s", m.Pattern, m.Channel, m.Payload))
		case *redis.Pong:
			return "pong " + m.Payload
		default:
			t.Fatalf("Receive = %v, %v", m, err)
		}
	}
}

func wantNext(t *testing.T, p *redis.PubSub, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := next(t, p); got != w {
			t.Errorf("Receive = %q, want %q", got, w)
		}
	}
}

func TestGoRedisPubSub(t *testing.T) {
	eachProtocol(t, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		p := c.Subscribe(ctx, "news", "other")
		defer p.Close()
		wantNext(t, p, "subscribe news 1", "subscribe other 2")
		p.PSubscribe(ctx, "n*")
		wantNext(t, p, "psubscribe n* 3")
		if n, err := c.Publish(ctx, "news", "m").Result(); n != 2 || err != nil {
			t.Errorf("PUBLISH = %d, %v, want 2", n, err)
		}
		wantNext(t, p, "news m", "n* news m")
		p.Ping(ctx, "there?")
		wantNext(t, p, "pong there?")
		p.Unsubscribe(ctx, "news")
		wantNext(t, p, "unsubscribe news 2")
		if n := c.Publish(ctx, "news", "again").Val(); n != 1 {
			t.Errorf("PUBLISH after UNSUBSCRIBE = %d, want 1", n)
		}
		wantNext(t, p, "n* news again")
		shard := c.SSubscribe(ctx, "news")
		defer shard.Close()
		wantNext(t, shard, "ssubscribe news 1")
		if n := c.SPublish(ctx, "news", "shard").Val(); n != 1 {
			t.Errorf("SPUBLISH = %d, want 1", n)
		}
		wantNext(t, shard, "news shard")
		if got := c.PubSubNumSub(ctx, "other", "none").Val(); got["other"] != 1 || got["none"] != 0 {
			t.Errorf("PUBSUB NUMSUB = %v", got)
		}
		if got := c.PubSubChannels(ctx, "*").Val(); len(got) != 1 || got[0] != "other" || c.PubSubNumPat(ctx).Val() != 1 {
			t.Errorf("PUBSUB CHANNELS = %v", got)
		}
		if got := c.PubSubShardChannels(ctx, "*").Val(); len(got) != 1 || got[0] != "news" {
			t.Errorf("PUBSUB SHARDCHANNELS = %v", got)
		}
		// A transaction's message comes with the rest of it.
		pipe := c.TxPipeline()
		pipe.Set(ctx, "k", "v", 0)
		n := pipe.Publish(ctx, "other", "tx")
		if _, err := pipe.Exec(ctx); err != nil || n.Val() != 1 {
			t.Errorf("PUBLISH in EXEC = %d, %v", n.Val(), err)
		}
		wantNext(t, p, "other tx")
	})
}

// The library's own loop, which resubscribes when its connection is gone.
func TestGoRedisPubSubReconnects(t *testing.T) {
	eachProtocol(t, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		p := c.Subscribe(ctx, "c")
		defer p.Close()
		wantNext(t, p, "subscribe c 1")
		messages := p.Channel()
		for i := range 3 {
			realserver.Await(t, patience, func() bool { return c.Publish(ctx, "c", fmt.Sprint(i)).Val() == 1 }, "the subscriber is there")
			select {
			case m := <-messages:
				if m.Payload != fmt.Sprint(i) {
					t.Errorf("message %d is %v", i, m)
				}
			case <-time.After(patience):
				t.Fatalf("no message %d", i)
			}
			if n := c.ClientKillByFilter(ctx, "TYPE", "pubsub").Val(); n != 1 {
				t.Errorf("%d subscribers killed, want 1", n)
			}
		}
	})
}

func TestGoRedisKeyspaceEvents(t *testing.T) {
	eachProtocol(t, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		if err := c.ConfigSet(ctx, "notify-keyspace-events", "Ex").Err(); err != nil {
			t.Fatal(err)
		}
		p := c.PSubscribe(ctx, "__keyevent@*")
		defer p.Close()
		wantNext(t, p, "psubscribe __keyevent@* 1")
		c.Set(ctx, "k", "v", 20*time.Millisecond)
		wantNext(t, p, "__keyevent@* __keyevent@0__:expired k")
	})
}

// Subscribers at both ends of a link, with Redis at the other end.
func TestPubSubOverALink(t *testing.T) {
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		real := realserver.Start(t, v, "--save", "", "--repl-diskless-sync-delay", "0")
		follower := startNodeTCP(t, "--replicaof", strings.Replace(real.Addr(), ":", " ", 1))
		leader := startNodeTCP(t)
		second := realserver.Start(t, v, "--save", "", "--replicaof", "127.0.0.1 "+leader.port(t))
		for _, tc := range []struct {
			name     string
			from, to string
		}{{"from Redis", real.Addr(), follower.addr}, {"to Redis", leader.addr, second.Addr()}} {
			from, to := redis.NewClient(&redis.Options{Addr: tc.from}), redis.NewClient(&redis.Options{Addr: tc.to})
			defer from.Close()
			defer to.Close()
			ctx := t.Context()
			realserver.Await(t, patience, func() bool { return strings.Contains(to.Info(ctx, "replication").Val(), "master_link_status:up") }, "the link is up")
			p := to.Subscribe(ctx, "c")
			defer p.Close()
			wantNext(t, p, "subscribe c 1")
			if n, err := from.Publish(ctx, "c", "plain").Result(); n != 0 || err != nil {
				t.Errorf("%s: PUBLISH = %d, %v, want 0: receivers elsewhere do not count", tc.name, n, err)
			}
			pipe := from.TxPipeline()
			pipe.Set(ctx, "k", tc.name, 0)
			pipe.Publish(ctx, "c", "tx")
			if _, err := pipe.Exec(ctx); err != nil {
				t.Fatal(err)
			}
			wantNext(t, p, "c plain", "c tx")
			if got := to.Get(ctx, "k").Val(); got != tc.name {
				t.Errorf("%s: at the message k = %q", tc.name, got)
			}
			if n := to.Publish(ctx, "c", "local").Val(); n != 1 {
				t.Errorf("%s: PUBLISH on the replica = %d, want 1", tc.name, n)
			}
			wantNext(t, p, "c local")
		}
	})
}

func TestCLISubscribes(t *testing.T) {
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		n := startNodeTCP(t)
		c := n.conn(t)
		for _, flags := range [][]string{nil, {"-3"}} {
			sub := startCLI(t, v, n, append(flags, "SUBSCRIBE", "a", "b")...)
			sub.Await("subscribe\nb\n2\n")
			want(t, c, int64(1), "PUBLISH", "a", "hello")
			sub.Await("message\na\nhello\n")
			want(t, c, int64(1), "CLIENT", "KILL", "TYPE", "pubsub")
		}
		mon := startCLI(t, v, n, "MONITOR")
		mon.Await("OK\n")
		want(t, c, "OK", "SET", "k", "a b")
		mon.Await(`] "SET" "k" "a b"` + "\n")
	})
}

// startCLI runs a redis-cli that does not end by itself.
func startCLI(t *testing.T, v realserver.Version, n *node, args ...string) *realserver.Program {
	t.Helper()
	return realserver.StartProgram(t, realserver.Tool(t, v, "cli"), append([]string{"-h", "127.0.0.1", "-p", n.port(t)}, args...)...)
}
