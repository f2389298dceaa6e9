package clients

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// client returns a go-redis client of n. change, if not nil, edits its options.
func (n *node) client(t testing.TB, proto int, change func(*redis.Options)) *redis.Client {
	t.Helper()
	o := &redis.Options{Addr: n.addr, Protocol: proto}
	if n.nw != nil {
		o.Dialer = n.nw.Dial
	}
	if change != nil {
		change(o)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

// eachProtocol runs f with a fresh node and a client, in RESP2 and in RESP3.
func eachProtocol(t *testing.T, f func(t *testing.T, c *redis.Client)) {
	for _, proto := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", proto), func(t *testing.T) {
			f(t, startNode(t).client(t, proto, nil))
		})
	}
}

// step is one call, with what the library makes of the reply.
type step struct {
	name string
	call func(ctx context.Context, c *redis.Client) (any, error)
	want any // an error is compared by its text
}

// result adapts the library's typed replies.
func result[T any](v T, err error) (any, error) { return v, err }

var far = time.Unix(4102444800, 0) // a deadline that no test reaches

// dataSteps run in order against one empty database. The pure Redis of TestGoRedisAgainstRedis must pass them too.
var dataSteps = []step{
	// Strings.
	{"get nothing", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.Get(ctx, "s").Result()) }, redis.Nil},
	{"set", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.Set(ctx, "s", "a\x00\r\nb", 0).Result())
	}, "OK"},
	{"get", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.Get(ctx, "s").Result()) }, "a\x00\r\nb"},
	{"setnx", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.SetNX(ctx, "s", "x", 0).Result())
	}, false},
	{"setxx", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.SetXX(ctx, "none", "x", 0).Result())
	}, false},
	{"set get", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.SetArgs(ctx, "s", "hello", redis.SetArgs{Get: true}).Result())
	}, "a\x00\r\nb"},
	{"append", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.Append(ctx, "s", "!").Result())
	}, int64(6)},
	{"setrange", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.SetRange(ctx, "s", 8, "?").Result())
	}, int64(9)},
	{"getrange", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.GetRange(ctx, "s", 4, -1).Result())
	}, "o!\x00\x00?"},
	{"lcs", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.LCS(ctx, &redis.LCSQuery{Key1: "s", Key2: "s", Len: true}).Result())
	}, &redis.LCSMatch{Matches: nil, Len: 9}},
	{"strlen", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.StrLen(ctx, "s").Result()) }, int64(9)},
	{"incrby", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.IncrBy(ctx, "n", 41).Result())
	}, int64(41)},
	{"decr", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.Decr(ctx, "n").Result()) }, int64(40)},
	{"get int", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.Get(ctx, "n").Int()) }, 40},
	{"incrbyfloat", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.IncrByFloat(ctx, "n", 0.5).Result())
	}, 40.5},
	{"incr of text", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.Incr(ctx, "s").Result()) },
		errors.New("ERR value is not an integer or out of range")},
	{"mset", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.MSet(ctx, "a", 1, "b", "two").Result())
	}, "OK"},
	{"msetnx", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.MSetNX(ctx, "a", 1, "c", 2).Result())
	}, false},
	{"mget", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.MGet(ctx, "a", "none", "b").Result())
	}, []any{"1", nil, "two"}},
	{"getset", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.Do(ctx, "getset", "a", "2").Text())
	}, "1"},
	{"getdel", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.GetDel(ctx, "a").Result()) }, "2"},
	{"large", func(ctx context.Context, c *redis.Client) (any, error) {
		big := strings.Repeat("0123456789", 200_000)
		if err := c.Set(ctx, "big", big, 0).Err(); err != nil {
			return nil, err
		}
		got, err := c.Get(ctx, "big").Result()
		return got == big, err
	}, true},

	// Hashes.
	{"hset", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.HSet(ctx, "h", "f", "v", "n", 1).Result())
	}, int64(2)},
	{"hset map", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.HSet(ctx, "h", map[string]any{"f": "w"}).Result())
	}, int64(0)},
	{"hget", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.HGet(ctx, "h", "f").Result()) }, "w"},
	{"hget nothing", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.HGet(ctx, "h", "none").Result())
	}, redis.Nil},
	{"hmget", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.HMGet(ctx, "h", "f", "none").Result())
	}, []any{"w", nil}},
	{"hgetall", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.HGetAll(ctx, "h").Result()) }, map[string]string{"f": "w", "n": "1"}},
	{"hgetall nothing", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.HGetAll(ctx, "none").Result())
	}, map[string]string{}},
	{"hgetall struct", func(ctx context.Context, c *redis.Client) (any, error) {
		var v struct {
			F string `redis:"f"`
			N int    `redis:"n"`
		}
		err := c.HGetAll(ctx, "h").Scan(&v)
		return fmt.Sprint(v), err
	}, "{w 1}"},
	{"hexists", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.HExists(ctx, "h", "f").Result())
	}, true},
	{"hsetnx", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.HSetNX(ctx, "h", "f", "x").Result())
	}, false},
	{"hincrby", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.HIncrBy(ctx, "h", "n", 2).Result())
	}, int64(3)},
	{"hincrbyfloat", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.HIncrByFloat(ctx, "h", "n", 0.25).Result())
	}, 3.25},
	{"hlen", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.HLen(ctx, "h").Result()) }, int64(2)},
	{"hkeys", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.HKeys(ctx, "h").Result()) }, []string{"f", "n"}},
	{"hvals", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.HVals(ctx, "h").Result()) }, []string{"w", "3.25"}},
	{"hstrlen", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.HStrLen(ctx, "h", "n").Result())
	}, int64(4)},
	{"hdel", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.HDel(ctx, "h", "n", "none").Result())
	}, int64(1)},
	{"hrandfield", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.HRandField(ctx, "h", -2).Result())
	}, []string{"f", "f"}},
	{"hrandfield values", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.HRandFieldWithValues(ctx, "h", 5).Result())
	}, []redis.KeyValue{{Key: "f", Value: "w"}}},
	{"hget of a string", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.HGet(ctx, "s", "f").Result()) },
		errors.New("WRONGTYPE Operation against a key holding the wrong kind of value")},

	// Keys and deadlines.
	{"exists", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.Exists(ctx, "s", "s", "none").Result())
	}, int64(2)},
	{"type", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.Type(ctx, "h").Result()) }, "hash"},
	{"type nothing", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.Type(ctx, "none").Result()) }, "none"},
	{"ttl never", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.TTL(ctx, "s").Result()) }, time.Duration(-1)},
	{"ttl nothing", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.TTL(ctx, "none").Result()) }, time.Duration(-2)},
	{"expireat", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.ExpireAt(ctx, "s", far).Result())
	}, true},
	{"expiretime", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.ExpireTime(ctx, "s").Result())
	}, time.Duration(far.Unix()) * time.Second},
	{"expire gt", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.ExpireGT(ctx, "s", time.Hour).Result())
	}, false},
	{"expire nx", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.ExpireNX(ctx, "s", time.Hour).Result())
	}, false},
	{"expire lt", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.ExpireLT(ctx, "s", time.Hour).Result())
	}, true},
	{"set keepttl", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.Set(ctx, "s", "v", redis.KeepTTL).Result())
	}, "OK"},
	{"ttl", func(ctx context.Context, c *redis.Client) (any, error) {
		d, err := c.TTL(ctx, "s").Result()
		return d > 50*time.Minute && d <= time.Hour, err
	}, true},
	{"getex persist", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.GetEx(ctx, "s", 0).Result()) }, "v"},
	{"ttl persisted", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.TTL(ctx, "s").Result()) }, time.Duration(-1)},
	{"set with milliseconds", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.Set(ctx, "e", "v", 1500*time.Millisecond).Result())
	}, "OK"},
	{"persist", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.Persist(ctx, "e").Result()) }, true},
	{"rename", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.Rename(ctx, "e", "renamed").Result())
	}, "OK"},
	{"rename nothing", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.Rename(ctx, "none", "x").Result())
	}, errors.New("ERR no such key")},
	{"renamenx", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.RenameNX(ctx, "renamed", "s").Result())
	}, false},
	{"copy", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.Copy(ctx, "h", "copy", 3, true).Result())
	}, int64(1)},
	{"move", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.Move(ctx, "renamed", 3).Result())
	}, true},
	{"touch", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.Touch(ctx, "s", "none").Result())
	}, int64(1)},
	{"keys", func(ctx context.Context, c *redis.Client) (any, error) {
		keys, err := c.Keys(ctx, "[bs]*").Result()
		slices.Sort(keys)
		return keys, err
	}, []string{"b", "big", "s"}},
	{"dbsize", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.DBSize(ctx).Result()) }, int64(5)},
	{"unlink", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.Unlink(ctx, "b", "big", "h", "n").Result())
	}, int64(4)},
	{"randomkey", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.RandomKey(ctx).Result()) }, "s"},
	{"flushdb", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.FlushDB(ctx).Result()) }, "OK"},
	{"flushall async", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.FlushAllAsync(ctx).Result()) }, "OK"},
	{"randomkey nothing", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.RandomKey(ctx).Result()) }, redis.Nil},

	// The server.
	{"echo", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.Echo(ctx, "x y").Result()) }, "x y"},
	{"time", func(ctx context.Context, c *redis.Client) (any, error) {
		at, err := c.Time(ctx).Result()
		return math.Abs(time.Since(at).Hours()) < 1, err
	}, true},
	{"unknown", func(ctx context.Context, c *redis.Client) (any, error) { return c.Do(ctx, "nosuch", "a").Result() },
		errors.New("ERR unknown command 'nosuch', with args beginning with: 'a' ")},
	{"cluster", func(ctx context.Context, c *redis.Client) (any, error) { return result(c.ClusterShards(ctx).Result()) },
		errors.New("ERR This instance has cluster support disabled")},
	{"keys of a command", func(ctx context.Context, c *redis.Client) (any, error) {
		return result(c.CommandGetKeys(ctx, "mset", "a", "1", "b", "2").Result())
	}, []string{"a", "b"}},
	{"first key of a command", func(ctx context.Context, c *redis.Client) (any, error) {
		all, err := c.Command(ctx).Result()
		if err != nil {
			return nil, err
		}
		info := all["mset"]
		return fmt.Sprint(info.Arity, info.FirstKeyPos, info.LastKeyPos, info.StepCount, info.ReadOnly), nil
	}, "-3 1 -1 2 false"},
	{"families among the commands", func(ctx context.Context, c *redis.Client) (any, error) {
		all, err := c.Command(ctx).Result()
		if err != nil {
			return nil, err
		}
		return fmt.Sprint(all["config"].Arity, all["object"].Arity, all["blpop"].ACLFlags), nil
	}, "-2 -2 [@write @list @slow @blocking]"},
	{"commands by pattern", func(ctx context.Context, c *redis.Client) (any, error) {
		names, err := c.CommandList(ctx, &redis.FilterBy{Pattern: "CONFIG|re*"}).Result()
		return slices.Sorted(slices.Values(names)), err
	}, []string{"config|resetstat", "config|rewrite"}},
	{"commands by category", func(ctx context.Context, c *redis.Client) (any, error) {
		names, err := c.CommandList(ctx, &redis.FilterBy{ACLCat: "transaction"}).Result()
		return slices.Sorted(slices.Values(names)), err
	}, []string{"discard", "exec", "multi", "unwatch", "watch"}},
	{"latency", func(ctx context.Context, c *redis.Client) (any, error) {
		for _, line := range []string{"config set latency-monitor-threshold 1", "debug sleep 0.002", "config set latency-monitor-threshold 0"} {
			var args []any
			for _, w := range strings.Fields(line) {
				args = append(args, w)
			}
			if err := c.Do(ctx, args...).Err(); err != nil {
				return nil, err
			}
		}
		events, err := c.Latency(ctx).Result()
		for _, e := range events {
			if e.Name == "command" {
				return e.Max >= 2*time.Millisecond && e.Latest <= e.Max, err
			}
		}
		return events, err
	}, true},
}

// runSteps runs the table in order; a step that fails does not end it.
func runSteps(t *testing.T, c *redis.Client) {
	t.Helper()
	for _, s := range dataSteps {
		got, err := s.call(t.Context(), c)
		if wantErr, ok := s.want.(error); ok {
			if err == nil || err.Error() != wantErr.Error() {
				t.Errorf("%s = %v, error %v, want error %v", s.name, got, err, wantErr)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, s.want) {
			t.Errorf("%s = %.200q, %v, want %.200q", s.name, fmt.Sprint(got), err, fmt.Sprint(s.want))
		}
	}
}

func TestGoRedisData(t *testing.T) { eachProtocol(t, runSteps) }

// The table says what Redis does, not what we do.
func TestGoRedisAgainstRedis(t *testing.T) {
	s := realserver.Start(t, realserver.R7)
	c := redis.NewClient(&redis.Options{Addr: s.Addr()})
	defer c.Close()
	runSteps(t, c)
}

// A key whose deadline comes is gone for this client, and for the count of keys soon after.
func TestGoRedisExpiry(t *testing.T) {
	eachProtocol(t, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		if err := c.Set(ctx, "k", "v", time.Millisecond).Err(); err != nil {
			t.Fatal(err)
		}
		realserver.Await(t, patience, func() bool { return c.DBSize(ctx).Val() == 0 }, "the key expires without being read")
		if err := c.Get(ctx, "k").Err(); !errors.Is(err, redis.Nil) {
			t.Errorf("GET after the deadline: %v, want redis.Nil", err)
		}
	})
}

// Iterators page through SCAN and HSCAN until the cursor is 0, with fewer elements a page than there are.
func TestGoRedisIterators(t *testing.T) {
	const n = 1000
	eachProtocol(t, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		p := c.Pipeline()
		for i := range n {
			p.Set(ctx, fmt.Sprintf("key:%d", i), i, 0)
			p.HSet(ctx, "hash", fmt.Sprintf("field:%d", i), i)
		}
		if _, err := p.Exec(ctx); err != nil {
			t.Fatal(err)
		}
		for name, tc := range map[string]struct {
			it   *redis.ScanIterator
			want int // elements
		}{
			"all":     {c.Scan(ctx, 0, "", 7).Iterator(), n + 1},
			"pattern": {c.Scan(ctx, 0, "key:*0", 7).Iterator(), n / 10},
			"type":    {c.ScanType(ctx, 0, "", 7, "hash").Iterator(), 1},
			"fields":  {c.HScan(ctx, "hash", 0, "field:*5", 7).Iterator(), 2 * n / 10}, // each with its value
			"nothing": {c.HScan(ctx, "none", 0, "", 7).Iterator(), 0},
		} {
			seen := map[string]int{}
			count := 0
			for tc.it.Next(ctx) {
				seen[tc.it.Val()]++
				count++
			}
			if err := tc.it.Err(); err != nil || count != tc.want {
				t.Errorf("%s: %d elements (%d different), %v, want %d", name, count, len(seen), err, tc.want)
			}
		}
	})
}

// A pipeline's replies belong to their commands, errors among them included.
func TestGoRedisPipeline(t *testing.T) {
	eachProtocol(t, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		var counts []*redis.IntCmd
		var wrong *redis.StringCmd
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range 500 {
				if i == 250 {
					wrong = p.HGet(ctx, "n", "f")
				}
				counts = append(counts, p.Incr(ctx, "n"))
			}
			return nil
		})
		if err == nil || err != wrong.Err() || !strings.HasPrefix(err.Error(), "WRONGTYPE") {
			t.Errorf("the pipeline's error is %v, its wrong command's %v", err, wrong.Err())
		}
		for i, n := range counts {
			if n.Err() != nil || n.Val() != int64(i+1) {
				t.Fatalf("INCR %d = %v, %v", i+1, n.Val(), n.Err())
			}
		}
	})
}

// Transactions: all or nothing, an error in the middle, an abort because of a watched key, and increments that survive it by trying again.
func TestGoRedisTransactions(t *testing.T) {
	eachProtocol(t, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		replies, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, "a", "x", 0)
			p.Incr(ctx, "a")
			p.HSet(ctx, "h", "f", "v")
			p.HGetAll(ctx, "h")
			return nil
		})
		if len(replies) != 4 || err == nil || replies[1].Err() == nil || replies[3].(*redis.MapStringStringCmd).Val()["f"] != "v" {
			t.Errorf("EXEC with an error in the middle = %v, %v", replies, err)
		}
		_, err = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, "never", "x", 0)
			p.Do(ctx, "nosuch")
			return nil
		})
		if err == nil || c.Exists(ctx, "never").Val() != 0 {
			t.Errorf("a transaction with an unknown command: %v, %d keys set", err, c.Exists(ctx, "never").Val())
		}
		err = c.Watch(ctx, func(tx *redis.Tx) error {
			if err := c.Append(ctx, "a", "y").Err(); err != nil { // another connection of the pool
				return err
			}
			_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Set(ctx, "a", "z", 0); return nil })
			return err
		}, "a")
		if !errors.Is(err, redis.TxFailedErr) || c.Get(ctx, "a").Val() != "xy" {
			t.Errorf("EXEC after a watched key changed: %v, a = %q, want %v and xy", err, c.Get(ctx, "a").Val(), redis.TxFailedErr)
		}
	})
}
