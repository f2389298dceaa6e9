package clients

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func groupScript(t testing.TB, ctx context.Context, c *redis.Client) {
	expect(t, "OK", c.XGroupCreateMkStream(ctx, "x", "g", "$"))
	expect(t, errors.New("BUSYGROUP Consumer Group name already exists"), c.XGroupCreate(ctx, "x", "g", "0"))
	expect(t, "OK", c.XGroupCreate(ctx, "x", "all", "0"))
	for _, id := range []string{"1-0", "2-0", "3-0", "4-0"} {
		expect(t, id, c.XAdd(ctx, &redis.XAddArgs{Stream: "x", ID: id, Values: []string{"n", id}}))
	}
	one, two, three := entry("1-0", "n", "1-0"), entry("2-0", "n", "2-0"), entry("3-0", "n", "3-0")
	read := func(consumer, from string, count int64) *redis.XReadGroupArgs {
		return &redis.XReadGroupArgs{Group: "g", Consumer: consumer, Streams: []string{"x", from}, Count: count, Block: -1}
	}
	expect(t, []redis.XStream{{Stream: "x", Messages: []redis.XMessage{one, two}}}, c.XReadGroup(ctx, read("ann", ">", 2)))
	expect(t, []redis.XStream{{Stream: "x", Messages: []redis.XMessage{three}}}, c.XReadGroup(ctx, read("bob", ">", 1)))
	expect(t, []redis.XStream{{Stream: "x", Messages: []redis.XMessage{two}}}, c.XReadGroup(ctx, read("ann", "1-0", 9)))
	expect(t, errors.New("NOGROUP No such key 'x' or consumer group 'none' in XREADGROUP with GROUP option"),
		c.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "none", Consumer: "ann", Streams: []string{"x", ">"}, Block: -1}))

	expect(t, &redis.XPending{Count: 3, Lower: "1-0", Higher: "3-0", Consumers: map[string]int64{"ann": 2, "bob": 1}}, c.XPending(ctx, "x", "g"))
	pending, err := c.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: "x", Group: "g", Start: "-", End: "+", Count: 2, Consumer: "ann"}).Result()
	if err != nil || len(pending) != 2 || pending[0].ID != "1-0" || pending[0].Consumer != "ann" || pending[0].RetryCount != 1 || pending[1].RetryCount != 2 {
		t.Errorf("XPENDING = %+v, %v", pending, err)
	}
	expect(t, int64(1), c.XAck(ctx, "x", "g", "1-0", "9-9"))
	expect(t, []redis.XMessage{two}, c.XClaim(ctx, &redis.XClaimArgs{Stream: "x", Group: "g", Consumer: "bob", Messages: []string{"2-0", "9-9"}}))
	expect(t, []string{"3-0"}, c.XClaimJustID(ctx, &redis.XClaimArgs{Stream: "x", Group: "g", Consumer: "ann", Messages: []string{"3-0"}}))
	expect(t, []any{[]redis.XMessage{two}, "3-0"}, c.XAutoClaim(ctx, &redis.XAutoClaimArgs{Stream: "x", Group: "g", Start: "0", Count: 1, Consumer: "cid"}))
	expect(t, []any{[]string{"3-0"}, "0-0"}, c.XAutoClaimJustID(ctx, &redis.XAutoClaimArgs{Stream: "x", Group: "g", Start: "2-1", Consumer: "cid"}))
	expect(t, []redis.XMessage{}, c.XClaim(ctx, &redis.XClaimArgs{Stream: "x", Group: "g", Consumer: "bob", MinIdle: time.Hour, Messages: []string{"2-0"}}))

	expect(t, int64(1), c.XGroupCreateConsumer(ctx, "x", "g", "dan"))
	expect(t, int64(2), c.XGroupDelConsumer(ctx, "x", "g", "cid"))
	consumers, err := c.XInfoConsumers(ctx, "x", "g").Result()
	if err != nil || len(consumers) != 3 || consumers[0].Name != "ann" || consumers[2].Name != "dan" || consumers[1].Pending != 0 {
		t.Errorf("XINFO CONSUMERS = %+v, %v", consumers, err)
	}
	expect(t, []redis.XInfoGroup{
		{Name: "all", LastDeliveredID: "0-0", Lag: 4},
		{Name: "g", Consumers: 3, LastDeliveredID: "3-0", EntriesRead: 3, Lag: 1},
	}, c.XInfoGroups(ctx, "x"))
	full, err := c.XInfoStreamFull(ctx, "x", 0).Result()
	if err != nil || len(full.Groups) != 2 || full.Groups[1].Name != "g" || len(full.Groups[1].Consumers) != 3 {
		t.Errorf("XINFO STREAM FULL = %+v, %v", full, err)
	}
	expect(t, "OK", c.XGroupSetID(ctx, "x", "g", "0"))
	expect(t, int64(1), c.XGroupDestroy(ctx, "x", "all"))
	expect(t, int64(0), c.XGroupDestroy(ctx, "x", "all"))
}
