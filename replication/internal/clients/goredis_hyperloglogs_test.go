package clients

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"
)

func hyperLogLogScript(t testing.TB, ctx context.Context, c *redis.Client) {
	expect(t, int64(1), c.PFAdd(ctx, "p", "a", "b", "c"))
	expect(t, int64(0), c.PFAdd(ctx, "p", "a"))
	expect(t, int64(1), c.PFAdd(ctx, "empty"))
	expect(t, int64(0), c.PFAdd(ctx, "empty"))
	expect(t, int64(3), c.PFCount(ctx, "p"))
	expect(t, int64(0), c.PFCount(ctx, "none"))
	expect(t, int64(1), c.PFAdd(ctx, "q", "c", "d"))
	expect(t, int64(4), c.PFCount(ctx, "p", "q", "none", "empty"))
	expect(t, "OK", c.PFMerge(ctx, "m", "p", "q"))
	expect(t, int64(4), c.PFCount(ctx, "m"))
	expect(t, "string", c.Type(ctx, "m"))

	var many []any
	for i := range 20_000 {
		many = append(many, "element "+strconv.Itoa(i))
	}
	expect(t, int64(1), c.PFAdd(ctx, "many", many...))
	expect(t, int64(19_988), c.PFCount(ctx, "many")) // an estimate, but the same everywhere
	expect(t, "OK", c.PFMerge(ctx, "many", "m"))

	expect(t, "OK", c.Set(ctx, "s", "text", 0))
	expect(t, errors.New("WRONGTYPE Key is not a valid HyperLogLog string value."), c.PFAdd(ctx, "s", "a"))
	expect(t, int64(1), c.RPush(ctx, "l", "a"))
	expect(t, errWrongType, c.PFCount(ctx, "p", "l"))
	expect(t, errWrongType, c.PFMerge(ctx, "l", "p"))
}
