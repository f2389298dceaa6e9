package clients

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// fieldDeadlineScript: what there is of deadlines of hash fields in Redis 8.0.
func fieldDeadlineScript(t testing.TB, ctx context.Context, c *redis.Client) {
	expect(t, int64(4), c.HSet(ctx, "h", "a", "1", "b", "2", "c", "3", "d", "4"))
	expect(t, []int64{1, -2}, c.HExpire(ctx, "h", time.Hour, "a", "none"))
	expect(t, []int64{-2, -2}, c.HExpire(ctx, "none", time.Hour, "a", "b"))
	expect(t, []int64{0, 1}, c.HExpireWithArgs(ctx, "h", 2*time.Hour, redis.HExpireArgs{NX: true}, "a", "b"))
	expect(t, []int64{0, 0}, c.HPExpireWithArgs(ctx, "h", 3*time.Hour, redis.HExpireArgs{LT: true}, "a", "b"))
	expect(t, []int64{1}, c.HExpireAt(ctx, "h", far, "c"))
	expect(t, []int64{1}, c.HPExpireAt(ctx, "h", far.Add(time.Millisecond), "d"))
	expect(t, []int64{far.Unix(), -2}, c.HExpireTime(ctx, "h", "c", "none"))
	expect(t, []int64{far.UnixMilli() + 1}, c.HPExpireTime(ctx, "h", "d"))
	ttl, err := c.HTTL(ctx, "h", "a", "none").Result()
	if err != nil || len(ttl) != 2 || ttl[0] < 3500 || ttl[0] > 3600 || ttl[1] != -2 {
		t.Errorf("HTTL = %v, %v", ttl, err)
	}
	ttl, err = c.HPTTL(ctx, "h", "b").Result()
	if err != nil || len(ttl) != 1 || ttl[0] < 7_100_000 || ttl[0] > 7_200_000 {
		t.Errorf("HPTTL = %v, %v", ttl, err)
	}
	expect(t, []int64{1, -2}, c.HPersist(ctx, "h", "a", "none"))
	expect(t, []int64{-1}, c.HPersist(ctx, "h", "a"))
	expect(t, []int64{-1}, c.HTTL(ctx, "h", "a"))
	expect(t, []int64{2}, c.HExpireAt(ctx, "h", time.Unix(1, 0), "b"))
	expect(t, map[string]string{"a": "1", "c": "3", "d": "4"}, c.HGetAll(ctx, "h"))

	expect(t, []string{"1", ""}, c.HGetDel(ctx, "h", "a", "none"))
	expect(t, []string{"3"}, c.HGetEXWithArgs(ctx, "h", &redis.HGetEXOptions{ExpirationType: redis.HGetEXExpirationPERSIST}, "c"))
	expect(t, []int64{-1}, c.HTTL(ctx, "h", "c"))
	expect(t, []string{"3"}, c.HGetEXWithArgs(ctx, "h", &redis.HGetEXOptions{ExpirationType: redis.HGetEXExpirationEXAT, ExpirationVal: far.Unix()}, "c"))
	expect(t, []int64{far.Unix()}, c.HExpireTime(ctx, "h", "c"))
	expect(t, int64(1), c.HSetEXWithArgs(ctx, "h", &redis.HSetEXOptions{ExpirationType: redis.HSetEXExpirationPXAT, ExpirationVal: far.UnixMilli()}, "e", "5", "f", "6"))
	expect(t, int64(0), c.HSetEXWithArgs(ctx, "h", &redis.HSetEXOptions{Condition: redis.HSetEXFNX}, "e", "7", "g", "8"))
	expect(t, int64(1), c.HSetEXWithArgs(ctx, "h", &redis.HSetEXOptions{Condition: redis.HSetEXFXX, ExpirationType: redis.HSetEXExpirationKEEPTTL}, "e", "9"))
	expect(t, []int64{far.Unix(), far.Unix(), -2}, c.HExpireTime(ctx, "h", "e", "f", "g"))
	expect(t, "9", c.HGet(ctx, "h", "e"))
	expect(t, int64(1), c.RPush(ctx, "l", "a"))
	expect(t, errWrongType, c.HExpire(ctx, "l", time.Hour, "a"))
}
