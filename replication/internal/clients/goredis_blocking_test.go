package clients

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// Each blocking command, when there is something at once: that is the command without its B, with a reply of its own shape.
func TestGoRedisBlockingServedAtOnce(t *testing.T) {
	eachProtocol(t, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		expect(t, int64(7), c.RPush(ctx, "l", "1", "2", "3", "4", "5", "6", "7"))
		expect(t, int64(5), c.ZAdd(ctx, "z", z(1, "a"), z(2, "b"), z(3, "c"), z(4, "d"), z(5, "e")))
		expect(t, []string{"l", "1"}, c.BLPop(ctx, 0, "none", "l"))
		expect(t, []string{"l", "7"}, c.BRPop(ctx, 0, "l", "none"))
		//lint:ignore SA1019 old clients send it still
		expect(t, "6", c.BRPopLPush(ctx, "l", "to", 0))
		expect(t, "2", c.BLMove(ctx, "l", "to", "left", "right", 0))
		expect(t, []any{"l", []string{"5", "4"}}, c.BLMPop(ctx, 0, "right", 2, "none", "l"))
		expect(t, []string{"6", "2"}, c.LRange(ctx, "to", 0, -1))
		expect(t, &redis.ZWithKey{Z: z(1, "a"), Key: "z"}, c.BZPopMin(ctx, 0, "none", "z"))
		expect(t, &redis.ZWithKey{Z: z(5, "e"), Key: "z"}, c.BZPopMax(ctx, 0, "z"))
		expect(t, []any{"z", []redis.Z{z(2, "b"), z(3, "c")}}, c.BZMPop(ctx, 0, "min", 2, "none", "z"))
		expect(t, errWrongType, c.BLPop(ctx, 0, "z"))
		expect(t, errors.New("ERR timeout is negative"), c.Do(ctx, "BLPOP", "none", "-1"))
		expect(t, int64(0), c.Wait(ctx, 0, 0))
	})
}

// Each blocking command, when its time ends: the library knows nothing but its nil.
func TestGoRedisBlockingTimeout(t *testing.T) {
	const soon = "0.01"
	eachProtocol(t, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		for _, args := range [][]any{
			{"BLPOP", "a", "b", soon}, {"BRPOP", "a", soon}, {"BLMOVE", "a", "b", "LEFT", "RIGHT", soon}, {"BRPOPLPUSH", "a", "b", soon},
			{"BLMPOP", soon, 2, "a", "b", "LEFT"}, {"BZPOPMIN", "a", soon}, {"BZPOPMAX", "a", soon}, {"BZMPOP", soon, 1, "a", "MAX"},
		} {
			expect(t, redis.Nil, c.Do(ctx, args...))
		}
		expect(t, redis.Nil, c.BLPop(ctx, time.Second, "a")) // the shortest that the library can say
		replies, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.BLPop(ctx, 0, "a") // nobody could push while a transaction waits: it does not
			p.RPush(ctx, "a", "x")
			return nil
		})
		if len(replies) != 2 || err != redis.Nil || replies[0].Err() != redis.Nil || replies[1].Err() != nil {
			t.Errorf("BLPOP in a transaction = %v, %v, want the nil of BLPOP", replies, err)
		}
	})
}

// waiter calls BLPOP of the key q on a connection of its own, and returns when the server has it waiting. The result comes on the channel.
func waiter(t *testing.T, n *node, proto int, change func(*redis.Options)) (id int64, result <-chan popped) {
	t.Helper()
	c := n.client(t, proto, func(o *redis.Options) {
		o.MaxRetries = -1 // a call that is tried again would hide how it ended
		if change != nil {
			change(o)
		}
	})
	conn := c.Conn()
	t.Cleanup(func() { conn.Close() })
	id, err := conn.ClientID(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	before := blocked(t, n)
	ch := make(chan popped, 1)
	go func() {
		// The library adds to this its own time limit on reading, unless it waits for ever.
		v, err := conn.BLPop(context.Background(), 0, "q").Result()
		ch <- popped{v, err}
	}()
	realserver.Await(t, patience, func() bool { return blocked(t, n) == before+1 }, "the client waits")
	return id, ch
}

type popped struct {
	v   []string
	err error
}

// ends fails the test unless the call ends, and in this way.
func ends(t *testing.T, result <-chan popped, value, problem string) {
	t.Helper()
	var p popped
	select {
	case p = <-result:
	case <-time.After(patience):
		t.Fatalf("BLPOP still waits, want %q, %q", value, problem)
	}
	got, err := "", ""
	if len(p.v) == 2 {
		got = p.v[1]
	}
	if p.err != nil {
		err = p.err.Error()
	}
	if got != value || err != problem {
		t.Errorf("BLPOP = %q, %v, want %q, %q", p.v, p.err, value, problem)
	}
}

// blocked is the number of waiting clients, as INFO tells it.
func blocked(t *testing.T, n *node) (count int) {
	t.Helper()
	fields, err := realserver.Info(n.conn(t), "clients")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Sscan(fields["blocked_clients"], &count)
	return count
}

// Clients that wait for a key get its elements in the order in which they came, also when the elements come all at once.
func TestGoRedisBlockingOrder(t *testing.T) {
	for _, proto := range []int{2, 3} {
		n := startNode(t)
		ctx := t.Context()
		c := n.client(t, proto, nil)
		var results []<-chan popped
		for range 5 {
			_, r := waiter(t, n, proto, nil)
			results = append(results, r)
		}
		expect(t, int64(1), c.RPush(ctx, "q", "0"))
		ends(t, results[0], "0", "")
		expect(t, int64(3), c.RPush(ctx, "q", "1", "2", "3"))
		for i, r := range results[1:4] {
			ends(t, r, fmt.Sprint(i+1), "")
		}
		_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.RPush(ctx, "q", "gone before the transaction ends")
			p.Del(ctx, "q")
			p.RPush(ctx, "q", "4", "left")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		ends(t, results[4], "4", "")
		expect(t, []string{"left"}, c.LRange(ctx, "q", 0, -1))
	}
}

// CLIENT UNBLOCK ends a wait as its timeout would, or by an error.
func TestGoRedisUnblock(t *testing.T) {
	for _, proto := range []int{2, 3} {
		n := startNode(t)
		ctx := t.Context()
		c := n.client(t, proto, nil)
		id, r := waiter(t, n, proto, nil)
		expect(t, int64(1), c.ClientUnblock(ctx, id))
		ends(t, r, "", "redis: nil")
		expect(t, int64(0), c.ClientUnblock(ctx, id))
		id, r = waiter(t, n, proto, nil)
		expect(t, int64(1), c.ClientUnblockWithError(ctx, id))
		ends(t, r, "", "UNBLOCKED client unblocked via CLIENT UNBLOCK")
		expect(t, int64(0), c.Exists(ctx, "q"))
	}
}

// A client that goes away while it waits takes nothing with it: what comes is for those who are still there. It goes because it is killed, or because it
// closes its connection, as the library does when a call's context ends.
func TestGoRedisBlockedClientGone(t *testing.T) {
	for _, proto := range []int{2, 3} {
		n := startNode(t)
		ctx := t.Context()
		c := n.client(t, proto, nil)
		id, killed := waiter(t, n, proto, nil)
		var raw net.Conn
		_, cut := waiter(t, n, proto, func(o *redis.Options) {
			dial := o.Dialer
			o.Dialer = func(ctx context.Context, network, addr string) (nc net.Conn, err error) {
				raw, err = dial(ctx, network, addr)
				return raw, err
			}
		})
		_, there := waiter(t, n, proto, nil)
		expect(t, int64(1), c.ClientKillByFilter(ctx, "ID", fmt.Sprint(id)))
		if p := <-killed; p.err == nil {
			t.Errorf("BLPOP of a killed client = %q, want an error of its connection", p.v)
		}
		raw.Close()
		<-cut
		realserver.Await(t, patience, func() bool { return blocked(t, n) == 1 }, "one client waits")
		expect(t, int64(2), c.RPush(ctx, "q", "v", "rest"))
		ends(t, there, "v", "")
		expect(t, []string{"rest"}, c.LRange(ctx, "q", 0, -1))
	}
}

// A context that ends frees the caller at once and, because the library closes the connection, the server's waiter too.
func TestGoRedisBlockingContext(t *testing.T) {
	for _, proto := range []int{2, 3} {
		n := startNode(t)
		c := n.client(t, proto, func(o *redis.Options) { o.ContextTimeoutEnabled, o.MaxRetries = true, -1 })
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if v, err := c.BLPop(ctx, 0, "q").Result(); err == nil {
			t.Errorf("BLPOP with a context that ends = %q, want an error", v)
		}
		realserver.Await(t, patience, func() bool { return blocked(t, n) == 0 }, "nobody waits")
		expect(t, int64(1), c.RPush(t.Context(), "q", "v"))
		expect(t, int64(1), c.LLen(t.Context(), "q"))
	}
}

// A queue as applications have it: producers, consumers that move elements to a list of their own, and nothing lost or seen twice.
func TestGoRedisQueue(t *testing.T) {
	const producers, consumers, each = 4, 4, 250
	eachProtocol(t, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		var wg sync.WaitGroup
		for p := range producers {
			wg.Go(func() {
				for i := range each {
					if err := c.LPush(ctx, "queue", fmt.Sprintf("%d:%d", p, i)).Err(); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for range consumers {
			wg.Go(func() {
				for range producers * each / consumers {
					if err := c.BLMove(ctx, "queue", "done", "right", "left", patience).Err(); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		expect(t, int64(0), c.Exists(ctx, "queue"))
		done, err := c.LRange(ctx, "done", 0, -1).Result()
		seen := map[string]bool{}
		for _, v := range done {
			seen[v] = true
		}
		if err != nil || len(done) != producers*each || len(seen) != len(done) {
			t.Errorf("%d elements done, %d different, %v, want %d", len(done), len(seen), err, producers*each)
		}
	})
}

// Optimistic transactions over a sorted set and a list: the watched key changes under many of them, and each takes effect once.
func TestGoRedisWatchedCollections(t *testing.T) {
	const clients, each = 4, 25
	eachProtocol(t, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				for range each {
					if err := addNext(ctx, c); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		expect(t, int64(clients*each), c.ZCard(ctx, "z"))
		expect(t, int64(clients*each), c.LLen(ctx, "log"))
		expect(t, []redis.Z{z(clients*each-1, fmt.Sprint(clients*each-1))}, c.ZRangeWithScores(ctx, "z", -1, -1))
	})
}

// addNext adds the member whose name and score is the number of members, until nobody else came in between.
func addNext(ctx context.Context, c *redis.Client) error {
	for {
		err := c.Watch(ctx, func(tx *redis.Tx) error {
			n, err := tx.ZCard(ctx, "z").Result()
			if err != nil {
				return err
			}
			_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.ZAdd(ctx, "z", z(float64(n), fmt.Sprint(n)))
				p.RPush(ctx, "log", n)
				return nil
			})
			return err
		}, "z")
		if !errors.Is(err, redis.TxFailedErr) {
			return err
		}
	}
}
