package store

import (
	"maps"
	"math"
	"strings"
	"testing"
	"time"
)

// A method that writes does to the data, and tells the stream, what its command does.
var writingMethods = []struct {
	command string
	call    func(d writes) string
	want    string
}{
	{"SET s v XX GET", func(d writes) string { return show(d.SetWith("s", "v", &SetOptions{XX: true, Get: true})) }, "{10 true} true <nil>"},
	{"SET s v NX GET", func(d writes) string { return show(d.SetWith("s", "v", &SetOptions{NX: true, Get: true})) }, "{10 true} false <nil>"},
	{"SET no v NX GET", func(d writes) string { return show(d.SetWith("no", "v", &SetOptions{NX: true, Get: true})) }, "{ false} true <nil>"},
	{"SET no v XX", func(d writes) string { return show(d.SetWith("no", "v", &SetOptions{XX: true})) }, "{ false} false <nil>"},
	{"SET s v EX 9", func(d writes) string { return show(d.SetWith("s", "v", &SetOptions{TTL: 9 * time.Second})) }, "{ false} true <nil>"},
	{"SET s v PXAT 1700000009000", func(d writes) string { return show(d.SetWith("s", "v", &SetOptions{At: instant(9 * time.Second)})) }, "{ false} true <nil>"},
	{"SET later v KEEPTTL", func(d writes) string { return show(d.SetWith("later", "v", &SetOptions{KeepTTL: true})) }, "{ false} true <nil>"},
	{"SET later v", func(d writes) string { return show(d.SetWith("later", "v", nil)) }, "{ false} true <nil>"},
	{"SET l v GET", func(d writes) string { return show(d.SetWith("l", "v", &SetOptions{Get: true})) }, "{ false} false " + ErrWrongType.text},
	{"SET s v NX XX", func(d writes) string { return show(d.SetWith("s", "v", &SetOptions{NX: true, XX: true})) }, "{ false} false ERR syntax error"},
	{"SET s v EX 9 KEEPTTL", func(d writes) string {
		return show(d.SetWith("s", "v", &SetOptions{TTL: time.Second, KeepTTL: true}))
	}, "{ false} false ERR syntax error"},
	{"SET s v EX 9 PXAT 9", func(d writes) string {
		return show(d.SetWith("s", "v", &SetOptions{TTL: time.Second, At: instant(0)}))
	}, "{ false} false ERR syntax error"},
	{"SET s v PXAT 0", func(d writes) string { return show(d.SetWith("s", "v", &SetOptions{At: time.Unix(0, 0)})) }, "{ false} false ERR invalid expire time"},
	{"SET s v PX -1", func(d writes) string { return show(d.SetWith("s", "v", &SetOptions{TTL: -time.Millisecond})) }, "{ false} false ERR invalid expire time"},
	{"GETDEL s", func(d writes) string { return show(d.GetDel("s")) }, "10 <nil>"},
	{"GETDEL no", func(d writes) string { return show(d.GetDel("no")) }, " store: not found"},
	{"GETDEL l", func(d writes) string { return show(d.GetDel("l")) }, " " + ErrWrongType.text},
	{"GETEX later", func(d writes) string { return show(d.GetEx("later", nil)) }, "1 <nil>"},
	{"GETEX later PERSIST", func(d writes) string { return show(d.GetEx("later", &GetExOptions{Persist: true})) }, "1 <nil>"},
	{"GETEX s PX 1500", func(d writes) string { return show(d.GetEx("s", &GetExOptions{TTL: 1500 * time.Millisecond})) }, "10 <nil>"},
	{"GETEX s PXAT 1600000000000", func(d writes) string { return show(d.GetEx("s", &GetExOptions{At: time.Unix(1600000000, 0)})) }, "10 <nil>"},
	{"GETEX s PERSIST EX 1", func(d writes) string {
		return show(d.GetEx("s", &GetExOptions{TTL: time.Second, Persist: true}))
	}, " ERR syntax error"},
	{"GETEX no EX 1", func(d writes) string { return show(d.GetEx("no", &GetExOptions{TTL: time.Second})) }, " store: not found"},
	{"MSET s 1 n 2", func(d writes) string { return show(d.MSet("s", "1", "n", "2")) }, "<nil>"},
	{"MSET s", func(d writes) string { return show(d.MSet("s")) }, "ERR wrong number of arguments for 'mset' command"},
	{"MSETNX n 1 m 2", func(d writes) string { return show(d.MSetNX("n", "1", "m", "2")) }, "true <nil>"},
	{"MSETNX n 1 s 2", func(d writes) string { return show(d.MSetNX("n", "1", "s", "2")) }, "false <nil>"},
	{"INCRBYFLOAT float 0.1", func(d writes) string { return show(d.IncrFloat("float", 0.1)) }, "10.6 <nil>"},
	{"INCRBYFLOAT n 1e300", func(d writes) string { return show(d.IncrFloat("n", 1e300)) }, "1e+300 <nil>"},
	{"INCRBYFLOAT float inf", func(d writes) string { return show(d.IncrFloat("float", math.Inf(1))) }, "0 ERR increment would produce NaN or Infinity"},
	{"INCRBYFLOAT float nan", func(d writes) string { return show(d.IncrFloat("float", math.NaN())) }, "0 ERR value is not a valid float"},
	{"INCRBYFLOAT l 1", func(d writes) string { return show(d.IncrFloat("l", 1)) }, "0 " + ErrWrongType.text},

	{"PFADD pf a b", func(d writes) string { return show(d.PFAdd("pf", "a", "b")) }, "true <nil>"},
	{"PFADD pf", func(d writes) string { return show(d.PFAdd("pf")) }, "true <nil>"},
	{"PFADD l a", func(d writes) string { return show(d.PFAdd("l", "a")) }, "false " + ErrWrongType.text},
	{"PFADD s a", func(d writes) string { return show(d.PFAdd("s", "a")) }, "false " + ErrNotHyperLogLog.text},
	{"PFMERGE pf no", func(d writes) string { return show(d.PFMerge("pf", "no")) }, "<nil>"},
	{"PFMERGE pf l", func(d writes) string { return show(d.PFMerge("pf", "l")) }, ErrWrongType.text},
	{"GEOADD g 13.361389 38.115556 p 1 1 q", func(d writes) string {
		return show(d.GeoAdd("g", GeoMember{"p", GeoPoint{13.361389, 38.115556}}, GeoMember{"q", GeoPoint{1, 1}}))
	}, "2 <nil>"},
	{"GEOADD g NX 180 85.05112878 p", func(d writes) string {
		return show(d.GeoAddWith("g", &GeoAddOptions{NX: true}, GeoMember{"p", GeoPoint{180, 85.05112878}}))
	}, "1 0 <nil>"},
	{"GEOSEARCHSTORE to z FROMMEMBER a BYRADIUS 1 m", func(d writes) string {
		return show(d.GeoSearchStore("to", "z", GeoCircle(GeoPoint{}, 1).Around("a"), nil))
	}, "3 <nil>"},
	{"GEOSEARCHSTORE to z FROMMEMBER a BYBOX 10 10 m STOREDIST DESC COUNT 2", func(d writes) string {
		return show(d.GeoSearchStoreDist("to", "z", GeoBox(GeoPoint{}, 10, 10).Around("a"), &GeoSearchOptions{Order: GeoFarthest, Count: 2}))
	}, "2 <nil>"},
	{"GEOSEARCHSTORE z z BYPOLYGON 3 0 0 1 1 0 1", func(d writes) string {
		return show(d.GeoSearchStore("z", "z", GeoPolygon(GeoPoint{0, 0}, GeoPoint{1, 1}, GeoPoint{0, 1}), nil))
	}, "0 <nil>"},

	{"HSETNX h c 3", func(d writes) string { return show(d.HSetNX("h", "c", "3")) }, "true <nil>"},
	{"HSETNX h a 3", func(d writes) string { return show(d.HSetNX("h", "a", "3")) }, "false <nil>"},
	{"HSETNX l a 3", func(d writes) string { return show(d.HSetNX("l", "a", "3")) }, "false " + ErrWrongType.text},
	{"HINCRBYFLOAT f x -0.25", func(d writes) string { return show(d.HIncrFloat("f", "x", -0.25)) }, "1.25 <nil>"},
	{"HINCRBYFLOAT f z 2", func(d writes) string { return show(d.HIncrFloat("f", "z", 2)) }, "2 <nil>"},
	{"HINCRBYFLOAT f y 2", func(d writes) string { return show(d.HIncrFloat("f", "y", 2)) }, "0 ERR hash value is not a float"},

	{"LPUSHX l x y", func(d writes) string { return show(d.LPushX("l", "x", "y")) }, "5 <nil>"},
	{"RPUSHX l x y", func(d writes) string { return show(d.RPushX("l", "x", "y")) }, "5 <nil>"},
	{"RPUSHX no x", func(d writes) string { return show(d.RPushX("no", "x")) }, "0 <nil>"},
	{"LPUSHX s x", func(d writes) string { return show(d.LPushX("s", "x")) }, "0 " + ErrWrongType.text},
	{"LMPOP 2 no l LEFT COUNT 2", func(d writes) string { return show(d.LMPop(Left, 2, "no", "l")) }, "l [a b] <nil>"},
	{"LMPOP 1 l RIGHT COUNT 9", func(d writes) string { return show(d.LMPop(Right, 9, "l")) }, "l [c b a] <nil>"},
	{"LMPOP 1 no LEFT", func(d writes) string { return show(d.LMPop(Left, 1, "no")) }, " [] <nil>"},
	{"LMPOP 2 s l LEFT", func(d writes) string { return show(d.LMPop(Left, 1, "s", "l")) }, " [] " + ErrWrongType.text},
	{"LMPOP 1 l LEFT COUNT 0", func(d writes) string { return show(d.LMPop(Left, 0, "l")) }, " [] ERR count should be greater than 0"},
	{"LMPOP 1 bigl LEFT COUNT 299", func(d writes) string {
		key, items, err := d.LMPop(Left, 299, "bigl")
		return show(key, len(items), items[298], err)
	}, "bigl 299 e298 <nil>"},

	{"ZADD z NX 9 a 9 new", func(d writes) string {
		return show(d.ZAddWith("z", &ZAddOptions{NX: true}, Scored{9, "a"}, Scored{9, "new"}))
	}, "1 0 <nil>"},
	{"ZADD z XX 9 a 9 new", func(d writes) string {
		return show(d.ZAddWith("z", &ZAddOptions{XX: true}, Scored{9, "a"}, Scored{9, "new"}))
	}, "0 1 <nil>"},
	{"ZADD z GT 0 a 9 b 1.5 new", func(d writes) string {
		return show(d.ZAddWith("z", &ZAddOptions{GT: true}, Scored{0, "a"}, Scored{9, "b"}, Scored{1.5, "new"}))
	}, "1 1 <nil>"},
	{"ZADD z XX LT 0 a 9 b 1 new", func(d writes) string {
		return show(d.ZAddWith("z", &ZAddOptions{XX: true, LT: true}, Scored{0, "a"}, Scored{9, "b"}, Scored{1, "new"}))
	}, "0 1 <nil>"},
	{"ZADD bigz LT -1 m7 9 m8", func(d writes) string {
		return show(d.ZAddWith("bigz", &ZAddOptions{LT: true}, Scored{-1, "m7"}, Scored{9, "m8"}))
	}, "0 1 <nil>"},
	{"ZADD z NX GT 1 a", func(d writes) string { return show(d.ZAddWith("z", &ZAddOptions{NX: true, GT: true}, Scored{1, "a"})) },
		"0 0 ERR GT, LT, and/or NX options at the same time are not compatible"},
	{"ZADD z NX XX 1 a", func(d writes) string { return show(d.ZAddWith("z", &ZAddOptions{NX: true, XX: true}, Scored{1, "a"})) },
		"0 0 ERR XX and NX options at the same time are not compatible"},
	{"ZADD z nan a", func(d writes) string { return show(d.ZAddWith("z", nil, Scored{math.NaN(), "a"})) }, "0 0 ERR value is not a valid float"},
	{"ZINCRBY z 0.5 a", func(d writes) string { return show(d.ZIncr("z", "a", 0.5)) }, "1.5 <nil>"},
	{"ZADD z XX INCR 0.5 a", func(d writes) string { return show(d.ZIncrWith("z", "a", 0.5, &ZAddOptions{XX: true})) }, "1.5 true <nil>"},
	{"ZADD z NX INCR 0.5 a", func(d writes) string { return show(d.ZIncrWith("z", "a", 0.5, &ZAddOptions{NX: true})) }, "0 false <nil>"},
	{"ZADD z GT INCR -1 a", func(d writes) string { return show(d.ZIncrWith("z", "a", -1, &ZAddOptions{GT: true})) }, "0 false <nil>"},
	{"ZADD z XX INCR 1 new", func(d writes) string { return show(d.ZIncrWith("z", "new", 1, &ZAddOptions{XX: true})) }, "0 false <nil>"},
	{"ZMPOP 2 no z MIN COUNT 2", func(d writes) string { return show(d.ZMPopMin(2, "no", "z")) }, "z [{1 a} {2 b}] <nil>"},
	{"ZMPOP 2 z no MAX COUNT 9", func(d writes) string { return show(d.ZMPopMax(9, "z", "no")) }, "z [{3 c} {2 b} {1 a}] <nil>"},
	{"ZMPOP 1 no MAX", func(d writes) string { return show(d.ZMPopMax(1, "no")) }, " [] <nil>"},
	{"ZMPOP 1 l MAX", func(d writes) string { return show(d.ZMPopMax(1, "l")) }, " [] " + ErrWrongType.text},
	{"ZMPOP 1 z MIN COUNT 0", func(d writes) string { return show(d.ZMPopMin(0, "z")) }, " [] ERR count should be greater than 0"},
	{"ZRANGESTORE to z 0 -2", func(d writes) string { return show(d.ZRangeStore("to", "z", ByRank(0, -2))) }, "2 <nil>"},
	{"ZRANGESTORE to z 0 0 REV", func(d writes) string {
		r := ByRank(0, 0)
		r.Reverse = true
		return show(d.ZRangeStore("to", "z", r))
	}, "1 <nil>"},
	{"ZRANGESTORE to bigz (10 inf BYSCORE LIMIT 1 5", func(d writes) string {
		r := ByScore(10, math.Inf(1))
		r.MinOpen, r.Offset, r.Limit = true, 1, 5
		return show(d.ZRangeStore("to", "bigz", r))
	}, "5 <nil>"},
	{"ZRANGESTORE to z (3 1.5 BYSCORE REV LIMIT 0 1", func(d writes) string {
		r := ByScore(1.5, 3)
		r.MaxOpen, r.Reverse, r.Limit = true, true, 1
		return show(d.ZRangeStore("to", "z", r))
	}, "1 <nil>"},
	{"ZRANGESTORE to same (a + BYLEX", func(d writes) string {
		r := ByMember("a", "")
		r.MinOpen = true
		return show(d.ZRangeStore("to", "same", r))
	}, "3 <nil>"},
	{"ZRANGESTORE to same [c [a BYLEX REV LIMIT 1 -1", func(d writes) string {
		r := ByMember("a", "c")
		r.Reverse, r.Offset = true, 1
		return show(d.ZRangeStore("to", "same", r))
	}, "2 <nil>"},
	{"ZRANGESTORE q z 5 9", func(d writes) string { return show(d.ZRangeStore("q", "z", ByRank(5, 9))) }, "0 <nil>"},
	{"DEL q", func(d writes) string { return show(d.ZRangeStore("q", "z", ByScore(math.NaN(), 9))) }, "0 <nil>"},
	{"DEL q", func(d writes) string {
		r := ByScore(0, 9)
		r.Offset = -1
		return show(d.ZRangeStore("q", "z", r))
	}, "0 <nil>"},
	{"ZRANGESTORE to l 0 -1", func(d writes) string { return show(d.ZRangeStore("to", "l", ByRank(0, -1))) }, "0 " + ErrWrongType.text},
	{"ZUNIONSTORE to 2 z q WEIGHTS 2 0.5 AGGREGATE MAX", func(d writes) string {
		return show(d.ZUnionStore("to", &ZCombineOptions{Weights: []float64{2, 0.5}, Aggregate: AggregateMax}, "z", "q"))
	}, "4 <nil>"},
	{"ZUNIONSTORE to 3 z q x", func(d writes) string { return show(d.ZUnionStore("to", nil, "z", "q", "x")) }, "7 <nil>"},
	{"ZINTERSTORE to 2 z q AGGREGATE MIN", func(d writes) string {
		return show(d.ZInterStore("to", &ZCombineOptions{Aggregate: AggregateMin}, "z", "q"))
	}, "2 <nil>"},
	{"ZINTERSTORE q 2 z no", func(d writes) string { return show(d.ZInterStore("q", nil, "z", "no")) }, "0 <nil>"},
	{"ZDIFFSTORE to 2 z q", func(d writes) string { return show(d.ZDiffStore("to", "z", "q")) }, "1 <nil>"},
	{"ZUNIONSTORE to 2 z l", func(d writes) string { return show(d.ZUnionStore("to", nil, "z", "l")) }, "0 " + ErrWrongType.text},
	{"ZUNIONSTORE to 2 z q WEIGHTS 1", func(d writes) string {
		return show(d.ZUnionStore("to", &ZCombineOptions{Weights: []float64{1}}, "z", "q"))
	}, "0 ERR syntax error"},
	{"ZUNIONSTORE to 1 z AGGREGATE AVG", func(d writes) string {
		return show(d.ZUnionStore("to", &ZCombineOptions{Aggregate: 3}, "z"))
	}, "0 ERR syntax error"},

	{"RENAMENX s n", func(d writes) string { return show(d.RenameNX("s", "n")) }, "true <nil>"},
	{"RENAMENX s l", func(d writes) string { return show(d.RenameNX("s", "l")) }, "false <nil>"},
	{"RENAMENX no l", func(d writes) string { return show(d.RenameNX("no", "l")) }, "false ERR no such key"},
	{"COPY later n", func(d writes) string { return show(d.Copy("later", "n", false)) }, "true <nil>"},
	{"COPY bigh l", func(d writes) string { return show(d.Copy("bigh", "l", false)) }, "false <nil>"},
	{"COPY bigh l REPLACE", func(d writes) string { return show(d.Copy("bigh", "l", true)) }, "true <nil>"},
	{"COPY l l DB 3", func(d writes) string { return show(d.CopyTo("l", "l", 3, false)) }, "true <nil>"},
	{"COPY l l", func(d writes) string { return show(d.Copy("l", "l", false)) }, "false ERR source and destination objects are the same"},
	{"COPY l l DB 99", func(d writes) string { return show(d.CopyTo("l", "l", 99, false)) }, "false ERR DB index is out of range"},
	{"MOVE bigz 2", func(d writes) string { return show(d.Move("bigz", 2)) }, "true <nil>"},
	{"MOVE no 2", func(d writes) string { return show(d.Move("no", 2)) }, "false <nil>"},
	{"MOVE s 0", func(d writes) string { return show(d.Move("s", 0)) }, "false ERR source and destination objects are the same"},
	{"SWAPDB 0 1", func(d writes) string { return show(d.SwapDB(1)) }, "<nil>"},
	{"SWAPDB 0 99", func(d writes) string { return show(d.SwapDB(99)) }, "ERR DB index is out of range"},
	{"FLUSHALL", func(d writes) string { return show(d.FlushAll()) }, "<nil>"},
	{"PEXPIREAT s 1700000001000 NX", func(d writes) string {
		return show(d.ExpireWith("s", instant(time.Second), &ExpireOptions{NX: true}))
	}, "true <nil>"},
	{"PEXPIREAT later 1700000001000 GT", func(d writes) string {
		return show(d.ExpireWith("later", instant(time.Second), &ExpireOptions{GT: true}))
	}, "false <nil>"},
	{"PEXPIREAT later 1700000001000 XX LT", func(d writes) string {
		return show(d.ExpireWith("later", instant(time.Second), &ExpireOptions{XX: true, LT: true}))
	}, "true <nil>"},
	{"EXPIRE s 1 GT LT", func(d writes) string {
		return show(d.ExpireWith("s", instant(time.Second), &ExpireOptions{GT: true, LT: true}))
	}, "false ERR GT and LT options at the same time are not compatible"},

	{"SORT nums STORE to", func(d writes) string { return show(d.SortStore("to", "nums", nil)) }, "3 <nil>"},
	{"SORT nums BY w* DESC LIMIT 1 1 GET # GET w* GET no* STORE to", func(d writes) string {
		return show(d.SortStore("to", "nums", &SortOptions{By: "w*", Reverse: true, Offset: 1, Limit: 1, Get: []string{"#", "w*", "no*"}}))
	}, "3 <nil>"},
	{"SORT no STORE l", func(d writes) string { return show(d.SortStore("l", "no", nil)) }, "0 <nil>"},
	{"SORT words STORE to", func(d writes) string { return show(d.SortStore("to", "words", nil)) }, "0 ERR One or more scores can't be converted into double"},
	{"SORT bigs ALPHA LIMIT 290 -1 STORE to", func(d writes) string {
		return show(d.SortStore("to", "bigs", &SortOptions{Alpha: true, Offset: 290}))
	}, "10 <nil>"},
	{"SORT bigs BY nosort LIMIT 0 3 STORE to", func(d writes) string {
		return show(d.SortStore("to", "bigs", &SortOptions{By: "nosort", Limit: 3}))
	}, "3 <nil>"},
}

func TestWritingMethods(t *testing.T) {
	for _, tt := range writingMethods {
		t.Run(tt.command, func(t *testing.T) {
			a, b, c := apiStore(t), apiStore(t), apiStore(t)
			from := a.backlog.Offset()
			v, err := a.DB(0).Do(strings.Fields(tt.command)...)
			want := strings.TrimSpace(tt.want)
			if got := tt.call(b.DB(0).writes); got != want {
				t.Errorf("method = %s, want %s", got, want)
			}
			if failed := !strings.HasSuffix(want, "<nil>") && !strings.HasSuffix(want, ErrNotFound.Error()); failed != (err != nil) {
				t.Errorf("command = %v, %v", v, err)
			}
			_, _ = c.Update(func(tx *Tx) error {
				if got := tt.call(tx.DB(0).writes); got != want {
					t.Errorf("method in a transaction = %s, want %s", got, want)
				}
				return nil
			})
			stream := streamSince(t, a, from)
			for name, s := range map[string]*Store{"method": b, "method in a transaction": c} {
				if got := streamSince(t, s, from); got != stream {
					t.Errorf("stream of %s %q, want %q", name, got, stream)
				}
				if s.Digest() != a.Digest() || !maps.Equal(deadlines(s, 0), deadlines(a, 0)) {
					t.Errorf("%s: other data than of the command", name)
				}
			}
		})
	}
}
