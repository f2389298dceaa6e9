package clients

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// unordered is a wanted list of strings whose order is the server's business.
type unordered []string

var errWrongType = errors.New("WRONGTYPE Operation against a key holding the wrong kind of value")

// expect compares what the library makes of a reply: its one value, or a []any of several. A wanted error is compared by its text.
func expect(t testing.TB, want any, cmd redis.Cmder) {
	t.Helper()
	got, err := outcome(cmd)
	switch want := want.(type) {
	case error:
		if err == nil || err.Error() != want.Error() {
			t.Errorf("%.200q = %v, error %v, want error %v", cmd.Args(), got, err, want)
		}
		return
	case unordered:
		list, _ := got.([]string)
		slices.Sort(list)
		if err != nil || !slices.Equal(list, want) {
			t.Errorf("%.200q = %q, %v, want %q in any order", cmd.Args(), got, err, []string(want))
		}
		return
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%.200q = %#v, %v, want %#v", cmd.Args(), got, err, want)
	}
}

// outcome calls the method Result, which each of the library's types has with a type of its own.
func outcome(cmd redis.Cmder) (any, error) {
	out := reflect.ValueOf(cmd).MethodByName("Result").Call(nil)
	err, _ := out[len(out)-1].Interface().(error)
	if len(out) == 2 {
		return out[0].Interface(), err
	}
	values := []any{}
	for _, v := range out[:len(out)-1] {
		values = append(values, v.Interface())
	}
	return values, err
}

// Each script is put to a node of ours in both protocols, and to a real Redis: it says what Redis does, not what we do.
func TestGoRedisCollections(t *testing.T) {
	scripts := map[string]func(testing.TB, context.Context, *redis.Client){
		"lists": listScript, "sets": setScript, "sorted sets": sortedScript, "algebra of sorted sets": algebraScript, "sort": sortScript, "values": valueScript,
	}
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			eachProtocol(t, func(t *testing.T, c *redis.Client) { script(t, t.Context(), c) })
		})
	}
	t.Run("redis", func(t *testing.T) {
		s := realserver.Start(t, realserver.R7)
		for _, proto := range []int{2, 3} {
			c := redis.NewClient(&redis.Options{Addr: s.Addr(), Protocol: proto})
			defer c.Close()
			for _, script := range scripts {
				script(t, t.Context(), c)
				expect(t, "OK", c.FlushAll(t.Context()))
			}
		}
	})
}

func listScript(t testing.TB, ctx context.Context, c *redis.Client) {
	expect(t, int64(0), c.LPushX(ctx, "l", "x"))
	expect(t, int64(0), c.RPushX(ctx, "l", "x"))
	expect(t, redis.Nil, c.LPop(ctx, "l"))
	expect(t, redis.Nil, c.RPopCount(ctx, "l", 2))
	expect(t, []string{}, c.LRange(ctx, "l", 0, -1))
	expect(t, int64(3), c.RPush(ctx, "l", "a", "b\x00\r\n", 3))
	expect(t, int64(5), c.LPush(ctx, "l", "y", "z"))
	expect(t, []string{"z", "y", "a", "b\x00\r\n", "3"}, c.LRange(ctx, "l", 0, -1))
	expect(t, []string{"b\x00\r\n", "3"}, c.LRange(ctx, "l", -2, 100))
	expect(t, int64(5), c.LLen(ctx, "l"))
	expect(t, "3", c.LIndex(ctx, "l", -1))
	expect(t, redis.Nil, c.LIndex(ctx, "l", 5))
	expect(t, "OK", c.LSet(ctx, "l", 1, "a"))
	expect(t, errors.New("ERR index out of range"), c.LSet(ctx, "l", 9, "x"))
	expect(t, errors.New("ERR no such key"), c.LSet(ctx, "none", 0, "x"))
	expect(t, int64(6), c.LInsertBefore(ctx, "l", "3", "a"))
	expect(t, int64(7), c.LInsertAfter(ctx, "l", "z", "n"))
	expect(t, int64(-1), c.LInsertAfter(ctx, "l", "nosuch", "n"))
	// z n a a b a 3
	expect(t, int64(2), c.LPos(ctx, "l", "a", redis.LPosArgs{}))
	expect(t, int64(5), c.LPos(ctx, "l", "a", redis.LPosArgs{Rank: -1}))
	expect(t, redis.Nil, c.LPos(ctx, "l", "a", redis.LPosArgs{MaxLen: 2}))
	expect(t, []int64{3, 5}, c.LPosCount(ctx, "l", "a", 0, redis.LPosArgs{Rank: 2}))
	expect(t, []int64{}, c.LPosCount(ctx, "l", "nosuch", 0, redis.LPosArgs{}))
	expect(t, int64(2), c.LRem(ctx, "l", -2, "a"))
	expect(t, "OK", c.LTrim(ctx, "l", 1, -2))
	expect(t, []string{"n", "a", "b\x00\r\n"}, c.LRange(ctx, "l", 0, -1))
	expect(t, "n", c.LMove(ctx, "l", "to", "left", "right"))
	//lint:ignore SA1019 old clients send it still
	expect(t, "b\x00\r\n", c.RPopLPush(ctx, "l", "to"))
	expect(t, redis.Nil, c.LMove(ctx, "none", "to", "right", "left"))
	expect(t, []any{"to", []string{"n", "b\x00\r\n"}}, c.LMPop(ctx, "right", 5, "none", "to", "l"))
	expect(t, redis.Nil, c.LMPop(ctx, "left", 1, "none", "to"))
	expect(t, []string{"a"}, c.LPopCount(ctx, "l", 3))
	expect(t, int64(0), c.Exists(ctx, "l", "to"))
	expect(t, int64(1), c.RPush(ctx, "l", "a"))
	expect(t, "a", c.RPop(ctx, "l"))

	expect(t, "OK", c.Set(ctx, "s", "v", 0))
	expect(t, errWrongType, c.RPush(ctx, "s", "x"))
	expect(t, errWrongType, c.LMove(ctx, "s", "l", "left", "left"))

	// Beyond one node of a tree, and beyond what is a small list.
	var many []any
	for i := range 5000 {
		many = append(many, fmt.Sprintf("element:%d", i))
	}
	expect(t, int64(5000), c.RPush(ctx, "many", many...))
	expect(t, "element:4321", c.LIndex(ctx, "many", 4321))
	expect(t, []string{"element:2500", "element:2501"}, c.LRange(ctx, "many", 2500, 2501))
	expect(t, "quicklist", c.ObjectEncoding(ctx, "many"))
	expect(t, "list", c.Type(ctx, "many"))
}

func setScript(t testing.TB, ctx context.Context, c *redis.Client) {
	expect(t, int64(3), c.SAdd(ctx, "a", "x", "y", "z", "x"))
	expect(t, int64(0), c.SAdd(ctx, "a", "x"))
	expect(t, int64(3), c.SAdd(ctx, "b", "y", "z", "w\r\n"))
	expect(t, int64(3), c.SCard(ctx, "a"))
	expect(t, true, c.SIsMember(ctx, "a", "x"))
	expect(t, []bool{true, false}, c.SMIsMember(ctx, "a", "z", "none"))
	expect(t, []bool{false}, c.SMIsMember(ctx, "none", "z"))
	expect(t, unordered{"x", "y", "z"}, c.SMembers(ctx, "a"))
	expect(t, map[string]struct{}{"w\r\n": {}, "y": {}, "z": {}}, c.SMembersMap(ctx, "b"))
	expect(t, []string{}, c.SMembers(ctx, "none"))
	expect(t, unordered{"y", "z"}, c.SInter(ctx, "a", "b"))
	expect(t, []string{}, c.SInter(ctx, "a", "none"))
	expect(t, unordered{"w\r\n", "x", "y", "z"}, c.SUnion(ctx, "a", "b"))
	expect(t, unordered{"x"}, c.SDiff(ctx, "a", "b"))
	expect(t, int64(2), c.SInterCard(ctx, 0, "a", "b"))
	expect(t, int64(1), c.SInterCard(ctx, 1, "a", "b"))
	expect(t, int64(2), c.SInterStore(ctx, "inter", "a", "b"))
	expect(t, int64(4), c.SUnionStore(ctx, "union", "a", "b"))
	expect(t, int64(0), c.SDiffStore(ctx, "inter", "a", "a"))
	expect(t, int64(0), c.Exists(ctx, "inter"))
	expect(t, true, c.SMove(ctx, "a", "b", "x"))
	expect(t, false, c.SMove(ctx, "a", "b", "none"))
	expect(t, int64(1), c.SRem(ctx, "a", "y", "none"))
	expect(t, "z", c.SRandMember(ctx, "a"))
	expect(t, []string{"z", "z"}, c.SRandMemberN(ctx, "a", -2))
	expect(t, []string{"z"}, c.SRandMemberN(ctx, "a", 5))
	expect(t, []string{}, c.SRandMemberN(ctx, "none", 5))
	expect(t, redis.Nil, c.SRandMember(ctx, "none"))
	expect(t, "z", c.SPop(ctx, "a"))
	expect(t, redis.Nil, c.SPop(ctx, "a"))
	expect(t, unordered{"w\r\n", "x", "y", "z"}, c.SPopN(ctx, "union", 9))
	expect(t, []string{}, c.SPopN(ctx, "union", 9))
	expect(t, "OK", c.Set(ctx, "s", "v", 0))
	expect(t, errWrongType, c.SAdd(ctx, "s", "x"))
	expect(t, errWrongType, c.SUnion(ctx, "b", "s"))

	expect(t, int64(2), c.SAdd(ctx, "ints", 7, -1))
	expect(t, "intset", c.ObjectEncoding(ctx, "ints"))
	for i := range 600 {
		expect(t, int64(1), c.SAdd(ctx, "many", fmt.Sprintf("member:%d", i)))
	}
	expect(t, "hashtable", c.ObjectEncoding(ctx, "many"))
	expectScan(t, ctx, 600, c.SScan(ctx, "many", 0, "", 7))
	expectScan(t, ctx, 60, c.SScan(ctx, "many", 0, "*0", 7))
}

// expectScan walks to the end and counts the different elements.
func expectScan(t testing.TB, ctx context.Context, want int, cmd *redis.ScanCmd) {
	t.Helper()
	seen := map[string]bool{}
	it := cmd.Iterator()
	for it.Next(ctx) {
		seen[it.Val()] = true
	}
	if err := it.Err(); err != nil || len(seen) != want {
		t.Errorf("%q: %d different elements, %v, want %d", cmd.Args(), len(seen), err, want)
	}
}

func sortScript(t testing.TB, ctx context.Context, c *redis.Client) {
	expect(t, int64(3), c.RPush(ctx, "l", "10", "9", "1"))
	expect(t, []string{"1", "9", "10"}, c.Sort(ctx, "l", &redis.Sort{}))
	expect(t, []string{"9", "10", "1"}, c.SortRO(ctx, "l", &redis.Sort{Alpha: true, Order: "DESC"}))
	expect(t, []string{"9"}, c.Sort(ctx, "l", &redis.Sort{Offset: 1, Count: 1}))
	expect(t, "OK", c.MSet(ctx, "weight_1", "3", "weight_9", "2", "weight_10", "1", "name_1", "one"))
	expect(t, int64(1), c.HSet(ctx, "hash_9", "f", "nine"))
	expect(t, []string{"10", "9", "1"}, c.Sort(ctx, "l", &redis.Sort{By: "weight_*"}))
	expect(t, []any{"1", "one", nil, "9", nil, "nine", "10", nil, nil},
		c.SortInterfaces(ctx, "l", &redis.Sort{Get: []string{"#", "name_*", "hash_*->f"}}))
	expect(t, int64(3), c.SortStore(ctx, "l", "sorted", &redis.Sort{}))
	expect(t, []string{"1", "9", "10"}, c.LRange(ctx, "sorted", 0, -1))
	expect(t, int64(0), c.SortStore(ctx, "none", "sorted", &redis.Sort{}))
	expect(t, int64(0), c.Exists(ctx, "sorted"))
	expect(t, int64(2), c.SAdd(ctx, "set", "b", "a"))
	expect(t, errors.New("ERR One or more scores can't be converted into double"), c.Sort(ctx, "set", &redis.Sort{}))
	expect(t, []string{"a", "b"}, c.Sort(ctx, "set", &redis.Sort{Alpha: true}))
	expect(t, int64(2), c.ZAdd(ctx, "zset", redis.Z{Score: 2, Member: "5"}, redis.Z{Score: 1, Member: "6"}))
	expect(t, []string{"6", "5"}, c.Sort(ctx, "zset", &redis.Sort{By: "nosort"}))
	expect(t, errWrongType, c.Sort(ctx, "weight_1", &redis.Sort{}))
}

// valueScript is what holds for values of every type: OBJECT, DUMP and RESTORE, MEMORY USAGE, COPY and RENAME.
func valueScript(t testing.TB, ctx context.Context, c *redis.Client) {
	expect(t, "OK", c.Set(ctx, "string", strings.Repeat("v", 50), 0))
	expect(t, int64(2), c.RPush(ctx, "list", "a", "b"))
	expect(t, int64(1), c.SAdd(ctx, "set", "a")) // of two, Redis's order may be another in the copy
	expect(t, int64(2), c.ZAdd(ctx, "zset", redis.Z{Score: 1.5, Member: "a"}, redis.Z{Score: 2, Member: "b"}))
	expect(t, int64(1), c.HSet(ctx, "hash", "f", "v"))
	for key, encodings := range map[string]string{
		"string": "raw", "list": "quicklist listpack", "set": "listpack hashtable", "zset": "listpack", "hash": "listpack",
	} {
		// Redis 7.0 does not have all of the encodings that 7.2 has.
		if got, err := c.ObjectEncoding(ctx, key).Result(); err != nil || !slices.Contains(strings.Fields(encodings), got) {
			t.Errorf("OBJECT ENCODING %s = %q, %v, want one of %s", key, got, err, encodings)
		}
		expect(t, int64(1), c.ObjectRefCount(ctx, key))
		if idle, err := c.ObjectIdleTime(ctx, key).Result(); err != nil || idle < 0 || idle > time.Minute {
			t.Errorf("OBJECT IDLETIME %s = %v, %v", key, idle, err)
		}
		if n, err := c.MemoryUsage(ctx, key, 0).Result(); err != nil || n < 20 || n > 2000 {
			t.Errorf("MEMORY USAGE %s = %d, %v", key, n, err)
		}
		payload, err := c.Dump(ctx, key).Result()
		if err != nil {
			t.Fatalf("DUMP %s: %v", key, err)
		}
		expect(t, "OK", c.Restore(ctx, "again", time.Hour, payload))
		expect(t, c.Type(ctx, key).Val(), c.Type(ctx, "again"))
		expect(t, errors.New("BUSYKEY Target key name already exists."), c.Restore(ctx, "again", 0, payload))
		expect(t, "OK", c.RestoreReplace(ctx, "again", 0, payload))
		expect(t, time.Duration(-1), c.TTL(ctx, "again"))
		expect(t, payload, c.Dump(ctx, "again"))
		expect(t, errors.New("ERR DUMP payload version or checksum are wrong"), c.Restore(ctx, "bad", 0, payload[:len(payload)-1]))
		expect(t, int64(1), c.Copy(ctx, key, "copy", 0, true))
		expect(t, payload, c.Dump(ctx, "copy"))
		expect(t, int64(2), c.Unlink(ctx, "again", "copy"))
	}
	expect(t, redis.Nil, c.Dump(ctx, "none"))
	expect(t, redis.Nil, c.ObjectEncoding(ctx, "none"))
	expect(t, redis.Nil, c.MemoryUsage(ctx, "none"))
	expect(t, "OK", c.Rename(ctx, "zset", "list"))
	expect(t, "zset", c.Type(ctx, "list"))
	expectScan(t, ctx, 1, c.ScanType(ctx, 0, "", 7, "set"))
	expectScan(t, ctx, 1, c.ScanType(ctx, 0, "", 7, "zset"))
	expectScan(t, ctx, 0, c.ScanType(ctx, 0, "", 7, "list"))
}
