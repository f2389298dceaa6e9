package clients

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// entry is one of a stream as the library shows it.
func entry(id string, pairs ...string) redis.XMessage {
	values := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return redis.XMessage{ID: id, Values: values}
}

func streamScript(t testing.TB, ctx context.Context, c *redis.Client) {
	add := func(id string, pairs ...string) *redis.XAddArgs {
		return &redis.XAddArgs{Stream: "x", ID: id, Values: pairs}
	}
	expect(t, redis.Nil, c.XAdd(ctx, &redis.XAddArgs{Stream: "x", ID: "1-1", NoMkStream: true, Values: []string{"a", "1"}}))
	expect(t, "1-1", c.XAdd(ctx, add("1-1", "a", "1")))
	expect(t, "2-0", c.XAdd(ctx, add("2-0", "a", "2", "b", "3")))
	expect(t, "2-1", c.XAdd(ctx, add("2-*", "a", "4")))
	expect(t, "5-5", c.XAdd(ctx, add("5-5", "a", "5")))
	expect(t, errors.New("ERR The ID specified in XADD is equal or smaller than the target stream top item"), c.XAdd(ctx, add("5-5", "a", "6")))
	expect(t, errors.New("ERR The ID specified in XADD must be greater than 0-0"), c.XAdd(ctx, &redis.XAddArgs{Stream: "y", ID: "0-0", Values: []string{"a", "1"}}))
	expect(t, int64(4), c.XLen(ctx, "x"))
	expect(t, int64(0), c.XLen(ctx, "none"))
	expect(t, "stream", c.Type(ctx, "x"))

	one, two, three, four := entry("1-1", "a", "1"), entry("2-0", "a", "2", "b", "3"), entry("2-1", "a", "4"), entry("5-5", "a", "5")
	expect(t, []redis.XMessage{one, two, three, four}, c.XRange(ctx, "x", "-", "+"))
	expect(t, []redis.XMessage{two, three}, c.XRange(ctx, "x", "2", "2"))
	expect(t, []redis.XMessage{three}, c.XRangeN(ctx, "x", "(2-0", "+", 1))
	expect(t, []redis.XMessage{four, three}, c.XRevRangeN(ctx, "x", "+", "-", 2))
	expect(t, []redis.XMessage{two, one}, c.XRevRange(ctx, "x", "(2-1", "-"))
	expect(t, []redis.XMessage{}, c.XRange(ctx, "none", "-", "+"))
	expect(t, errors.New("ERR Invalid stream ID specified as stream command argument"), c.XRange(ctx, "x", "a", "+"))

	expect(t, []redis.XStream{{Stream: "x", Messages: []redis.XMessage{four}}}, c.XReadStreams(ctx, "x", "2-1"))
	expect(t, []redis.XStream{{Stream: "x", Messages: []redis.XMessage{one, two}}}, c.XRead(ctx, &redis.XReadArgs{Streams: []string{"x", "none", "0", "0"}, Count: 2, Block: -1}))
	expect(t, redis.Nil, c.XRead(ctx, &redis.XReadArgs{Streams: []string{"x", "$"}, Block: -1}))
	expect(t, redis.Nil, c.XRead(ctx, &redis.XReadArgs{Streams: []string{"x", "$"}, Block: time.Millisecond}))

	expect(t, int64(1), c.XDel(ctx, "x", "2-1", "3-3"))
	info, err := c.XInfoStream(ctx, "x").Result()
	if err != nil || info.Length != 3 || info.LastGeneratedID != "5-5" || info.MaxDeletedEntryID != "2-1" || info.EntriesAdded != 4 || info.FirstEntry.ID != "1-1" ||
		info.LastEntry.ID != "5-5" || info.RecordedFirstEntryID != "1-1" {
		t.Errorf("XINFO STREAM = %+v, %v", info, err)
	}
	full, err := c.XInfoStreamFull(ctx, "x", 2).Result()
	if err != nil || len(full.Entries) != 2 || full.Entries[1].ID != "2-0" || full.Length != 3 || len(full.Groups) != 0 {
		t.Errorf("XINFO STREAM FULL = %+v, %v", full, err)
	}
	expect(t, errors.New("ERR no such key"), c.XInfoStream(ctx, "none"))

	expect(t, "6-0", c.XAdd(ctx, &redis.XAddArgs{Stream: "x", ID: "6-0", MaxLen: 2, Values: []string{"a", "6"}}))
	expect(t, int64(2), c.XLen(ctx, "x"))
	expect(t, int64(1), c.XTrimMinID(ctx, "x", "6"))
	expect(t, int64(0), c.XTrimMaxLenApprox(ctx, "x", 1, 0))
	expect(t, int64(1), c.XTrimMaxLen(ctx, "x", 0))
	expect(t, int64(1), c.Exists(ctx, "x"))
	expect(t, "7-0", c.XAdd(ctx, add("7-0", "a", "7")))
	expect(t, int64(1), c.RPush(ctx, "l", "a"))
	expect(t, errWrongType, c.XAdd(ctx, &redis.XAddArgs{Stream: "l", Values: []string{"a", "1"}}))
	expect(t, errWrongType, c.XLen(ctx, "l"))
}
