package clients

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"
)

func bitmapScript(t testing.TB, ctx context.Context, c *redis.Client) {
	expect(t, int64(0), c.SetBit(ctx, "b", 7, 1))
	expect(t, int64(1), c.SetBit(ctx, "b", 7, 1))
	expect(t, int64(0), c.SetBit(ctx, "b", 100, 0))
	expect(t, int64(13), c.StrLen(ctx, "b"))
	expect(t, int64(1), c.GetBit(ctx, "b", 7))
	expect(t, int64(0), c.GetBit(ctx, "b", 4294967295))
	expect(t, errors.New("ERR bit offset is not an integer or out of range"), c.GetBit(ctx, "b", 4294967296))
	expect(t, errors.New("ERR bit is not an integer or out of range"), c.SetBit(ctx, "b", 0, 2))
	expect(t, int64(1), c.RPush(ctx, "l", "a"))
	expect(t, errWrongType, c.SetBit(ctx, "l", 0, 1))

	expect(t, "OK", c.Set(ctx, "m", "\xff\xf0\x00", 0))
	expect(t, int64(12), c.BitCount(ctx, "m", nil))
	expect(t, int64(4), c.BitCount(ctx, "m", &redis.BitCount{Start: 1, End: -1}))
	expect(t, int64(3), c.BitCount(ctx, "m", &redis.BitCount{Start: 9, End: -10, Unit: redis.BitCountIndexBit}))
	expect(t, int64(8), c.BitCount(ctx, "m", &redis.BitCount{Start: 0, End: 0, Unit: redis.BitCountIndexByte}))
	expect(t, int64(0), c.BitCount(ctx, "none", &redis.BitCount{Start: 0, End: -1}))
	expect(t, int64(0), c.BitPos(ctx, "m", 1))
	expect(t, int64(12), c.BitPos(ctx, "m", 0))
	expect(t, int64(-1), c.BitPos(ctx, "m", 1, 2))
	expect(t, int64(8), c.BitPos(ctx, "m", 1, 1, -1))
	expect(t, int64(-1), c.BitPosSpan(ctx, "m", 0, 0, 11, "bit"))
	expect(t, int64(16), c.BitPosSpan(ctx, "m", 0, -1, -1, "byte"))
	expect(t, "OK", c.Set(ctx, "ones", "\xff\xff", 0))
	expect(t, int64(16), c.BitPos(ctx, "ones", 0))
	expect(t, int64(16), c.BitPos(ctx, "ones", 0, 1))
	expect(t, int64(-1), c.BitPos(ctx, "ones", 0, 0, -1))
	expect(t, int64(0), c.BitPos(ctx, "none", 0))

	expect(t, int64(3), c.BitOpAnd(ctx, "d", "m", "ones"))
	expect(t, "\xff\xf0\x00", c.Get(ctx, "d"))
	expect(t, int64(3), c.BitOpOr(ctx, "d", "m", "ones", "none"))
	expect(t, "\xff\xff\x00", c.Get(ctx, "d"))
	expect(t, int64(3), c.BitOpXor(ctx, "d", "m", "ones"))
	expect(t, "\x00\x0f\x00", c.Get(ctx, "d"))
	expect(t, int64(3), c.BitOpNot(ctx, "l", "d"))
	expect(t, "\xff\xf0\xff", c.Get(ctx, "l"))
	expect(t, int64(0), c.BitOpAnd(ctx, "l", "none"))
	expect(t, int64(0), c.Exists(ctx, "l"))

	expect(t, []int64{0, 255, 15}, c.BitField(ctx, "f", "SET", "u8", "0", 255, "GET", "u8", 0, "GET", "u4", "#1"))
	expect(t, []int64{127, 127, -128}, c.BitField(ctx, "f", "OVERFLOW", "SAT", "INCRBY", "i8", "8", 200, "INCRBY", "i8", 8, 1, "OVERFLOW", "WRAP", "INCRBY", "i8", 8, 1))
	expect(t, []int64{0}, c.BitField(ctx, "f", "OVERFLOW", "FAIL", "INCRBY", "u8", 0, 1)) // a null, to the library
	expect(t, []int64{}, c.BitField(ctx, "f"))
	expect(t, []int64{255, -128}, c.BitFieldRO(ctx, "f", "u8", "0", "i8", "8"))
	expect(t, errors.New("ERR Invalid OVERFLOW type specified"), c.BitField(ctx, "f", "OVERFLOW", "x"))
}

func laterBitScript(t testing.TB, ctx context.Context, c *redis.Client) {
	expect(t, "OK", c.MSet(ctx, "x", "\x8e\x0f\x01", "y", "\xe6\xff", "z", "\x05"))
	expect(t, int64(3), c.BitOpDiff(ctx, "d", "x", "y", "z"))
	expect(t, "\x08\x00\x01", c.Get(ctx, "d"))
	expect(t, int64(3), c.BitOpDiff1(ctx, "d", "x", "y", "z"))
	expect(t, "\x61\xf0\x00", c.Get(ctx, "d"))
	expect(t, int64(3), c.BitOpAndOr(ctx, "d", "x", "y", "z"))
	expect(t, "\x86\x0f\x00", c.Get(ctx, "d"))
	expect(t, int64(3), c.BitOpOne(ctx, "d", "x", "y", "z"))
	expect(t, "\x69\xf0\x01", c.Get(ctx, "d"))
	expect(t, errors.New("ERR BITOP DIFF must be called with at least two source keys."), c.BitOpDiff(ctx, "d", "x"))
}
