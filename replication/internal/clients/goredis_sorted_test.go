package clients

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/redis/go-redis/v9"
)

func z(score float64, member string) redis.Z { return redis.Z{Score: score, Member: member} }

func sortedScript(t testing.TB, ctx context.Context, c *redis.Client) {
	expect(t, int64(3), c.ZAdd(ctx, "z", z(1, "a"), z(2, "b"), z(3, "c")))
	expect(t, int64(0), c.ZAddNX(ctx, "z", z(9, "a")))
	expect(t, int64(0), c.ZAddXX(ctx, "z", z(9, "none")))
	expect(t, int64(1), c.ZAddArgs(ctx, "z", redis.ZAddArgs{Ch: true, GT: true, Members: []redis.Z{z(1.5, "a"), z(1, "b")}}))
	expect(t, int64(0), c.ZAddLT(ctx, "z", z(5, "a")))
	expect(t, 4.25, c.ZAddArgsIncr(ctx, "z", redis.ZAddArgs{XX: true, Members: []redis.Z{z(1.25, "c")}}))
	expect(t, redis.Nil, c.ZAddArgsIncr(ctx, "z", redis.ZAddArgs{NX: true, Members: []redis.Z{z(1, "c")}}))
	expect(t, 4.0, c.ZIncrBy(ctx, "z", -0.25, "c"))
	expect(t, int64(2), c.ZAdd(ctx, "z", z(math.Inf(1), "top"), z(math.Inf(-1), "bottom")))
	expect(t, errors.New("ERR resulting score is not a number (NaN)"), c.ZIncrBy(ctx, "z", math.Inf(-1), "top"))
	// bottom -inf, a 1.5, b 2, c 4, top inf
	expect(t, int64(5), c.ZCard(ctx, "z"))
	expect(t, math.Inf(1), c.ZScore(ctx, "z", "top"))
	expect(t, redis.Nil, c.ZScore(ctx, "z", "none"))
	expect(t, []float64{1.5, 0, 4}, c.ZMScore(ctx, "z", "a", "none", "c"))
	expect(t, int64(1), c.ZRank(ctx, "z", "a"))
	expect(t, int64(3), c.ZRevRank(ctx, "z", "a"))
	expect(t, redis.Nil, c.ZRank(ctx, "z", "none"))
	expect(t, int64(3), c.ZCount(ctx, "z", "(1", "4"))
	expect(t, []string{"bottom", "a", "b", "c", "top"}, c.ZRange(ctx, "z", 0, -1))
	expect(t, []redis.Z{z(4, "c"), z(math.Inf(1), "top")}, c.ZRangeWithScores(ctx, "z", -2, -1))
	//lint:ignore SA1019 old clients send it still
	expect(t, []string{"top", "c"}, c.ZRevRange(ctx, "z", 0, 1))
	expect(t, []redis.Z{z(math.Inf(1), "top")}, c.ZRevRangeWithScores(ctx, "z", 0, 0))
	//lint:ignore SA1019 old clients send it still
	expect(t, []string{"b", "c"}, c.ZRangeByScore(ctx, "z", &redis.ZRangeBy{Min: "(1.5", Max: "(+inf"}))
	expect(t, []redis.Z{z(2, "b")}, c.ZRangeByScoreWithScores(ctx, "z", &redis.ZRangeBy{Min: "-inf", Max: "+inf", Offset: 2, Count: 1}))
	expect(t, []redis.Z{z(4, "c"), z(2, "b")}, c.ZRevRangeByScoreWithScores(ctx, "z", &redis.ZRangeBy{Min: "2", Max: "4"}))
	expect(t, []string{"c", "b"}, c.ZRangeArgs(ctx, redis.ZRangeArgs{Key: "z", Start: 4, Stop: 2, ByScore: true, Rev: true}))
	expect(t, []redis.Z{z(1.5, "a")}, c.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{Key: "z", Start: 1, Stop: 1}))
	expect(t, int64(2), c.ZRangeStore(ctx, "stored", redis.ZRangeArgs{Key: "z", Start: 1, Stop: 2}))
	expect(t, []string{}, c.ZRange(ctx, "none", 0, -1))

	expect(t, int64(4), c.ZAdd(ctx, "lex", z(0, "a"), z(0, "b"), z(0, "c"), z(0, "d")))
	expect(t, int64(2), c.ZLexCount(ctx, "lex", "[b", "(d"))
	//lint:ignore SA1019 old clients send it still
	expect(t, []string{"b", "c"}, c.ZRangeByLex(ctx, "lex", &redis.ZRangeBy{Min: "(a", Max: "[c"}))
	//lint:ignore SA1019 old clients send it still
	expect(t, []string{"d", "c"}, c.ZRevRangeByLex(ctx, "lex", &redis.ZRangeBy{Min: "(b", Max: "+"}))
	expect(t, []string{"c"}, c.ZRangeArgs(ctx, redis.ZRangeArgs{Key: "lex", Start: "-", Stop: "+", ByLex: true, Offset: 2, Count: 1}))
	expect(t, int64(1), c.ZRemRangeByLex(ctx, "lex", "[d", "+"))
	expect(t, int64(1), c.ZRemRangeByRank(ctx, "lex", 0, 0))
	expect(t, int64(1), c.ZRemRangeByScore(ctx, "z", "(2", "4"))
	expect(t, int64(1), c.ZRem(ctx, "z", "b", "none"))

	expect(t, []redis.Z{z(math.Inf(-1), "bottom")}, c.ZPopMin(ctx, "z"))
	expect(t, []redis.Z{z(math.Inf(1), "top"), z(1.5, "a")}, c.ZPopMax(ctx, "z", 5))
	expect(t, []redis.Z{}, c.ZPopMin(ctx, "z"))
	expect(t, []any{"lex", []redis.Z{z(0, "b")}}, c.ZMPop(ctx, "min", 1, "none", "lex"))
	expect(t, redis.Nil, c.ZMPop(ctx, "max", 1, "none"))
	expect(t, []string{"c", "c"}, c.ZRandMember(ctx, "lex", -2))
	expect(t, []redis.Z{z(0, "c")}, c.ZRandMemberWithScores(ctx, "lex", 2))
	expect(t, "OK", c.Set(ctx, "s", "v", 0))
	expect(t, errWrongType, c.ZAdd(ctx, "s", z(1, "a")))
	expect(t, errors.New("ERR value is not a valid float"), c.ZAdd(ctx, "lex", z(math.NaN(), "a")))

	var many []redis.Z
	for i := range 1000 {
		many = append(many, z(float64(i)/8, fmt.Sprintf("member:%d", i)))
	}
	expect(t, int64(1000), c.ZAdd(ctx, "many", many...))
	expect(t, "skiplist", c.ObjectEncoding(ctx, "many"))
	expect(t, int64(777), c.ZRank(ctx, "many", "member:777"))
	expect(t, many[500:502], c.ZRangeWithScores(ctx, "many", 500, 501))
	expectScan(t, ctx, 1000+1000, c.ZScan(ctx, "many", 0, "", 7)) // no score looks like a member
	expect(t, int64(501), c.ZCount(ctx, "many", "62.375", "+inf"))
}

func algebraScript(t testing.TB, ctx context.Context, c *redis.Client) {
	expect(t, int64(2), c.ZAdd(ctx, "a", z(1, "x"), z(2, "y")))
	expect(t, int64(2), c.ZAdd(ctx, "b", z(10, "y"), z(20, "z")))
	expect(t, int64(1), c.SAdd(ctx, "set", "y"))
	both := redis.ZStore{Keys: []string{"a", "b"}}
	expect(t, []string{"x", "y", "z"}, c.ZUnion(ctx, both))
	expect(t, []redis.Z{z(1, "x"), z(12, "y"), z(20, "z")}, c.ZUnionWithScores(ctx, both))
	expect(t, []redis.Z{z(2, "x"), z(5, "y"), z(10, "z")},
		c.ZUnionWithScores(ctx, redis.ZStore{Keys: both.Keys, Weights: []float64{2, 0.5}, Aggregate: "MAX"}))
	expect(t, []string{"y"}, c.ZInter(ctx, &both))
	expect(t, []redis.Z{z(3, "y")}, c.ZInterWithScores(ctx, &redis.ZStore{Keys: []string{"a", "set"}}))
	expect(t, int64(1), c.ZInterCard(ctx, 0, "a", "b"))
	expect(t, []string{"x"}, c.ZDiff(ctx, "a", "b"))
	expect(t, []redis.Z{z(1, "x")}, c.ZDiffWithScores(ctx, "a", "set"))
	expect(t, int64(3), c.ZUnionStore(ctx, "to", &both))
	expect(t, int64(1), c.ZInterStore(ctx, "to", &redis.ZStore{Keys: both.Keys, Aggregate: "MIN"}))
	expect(t, 2.0, c.ZScore(ctx, "to", "y"))
	expect(t, int64(0), c.ZDiffStore(ctx, "to", "a", "a"))
	expect(t, int64(0), c.Exists(ctx, "to"))
	expect(t, []string{}, c.ZUnion(ctx, redis.ZStore{Keys: []string{"none"}}))
	expect(t, "OK", c.Set(ctx, "s", "v", 0))
	expect(t, errWrongType, c.ZUnion(ctx, redis.ZStore{Keys: []string{"a", "s"}}))
}
