package store

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// apiStore is what the tables of this file begin with. Keys that begin with "big" are in
// their large forms.
func apiStore(t *testing.T) *Store {
	s := newStore(t, &Options{Clock: newClock().now})
	c := s.NewSession(nil)
	for _, line := range []string{
		"SET s 10", "SET float 10.5", "SET later 1 PX 5000", "SET w1 30", "SET w2 20", "SET w3 10",
		"HSET h a 1 b 2", "HSET f x 1.5 y no", "HSET only field value",
		"RPUSH l a b c", "RPUSH nums 3 1 2", "RPUSH words b c a",
		"SADD x 1 2 3", "SADD y 2 3 4", "SADD texts b a",
		"ZADD z 1 a 2 b 3 c", "ZADD q 10 b 20 c 30 d", "ZADD same 0 a 0 b 0 c 0 d", "ZADD single 7 m",
	} {
		do(t, c, line)
	}
	for i := range 300 {
		do(t, c, fmt.Sprintf("HSET bigh f%d %d", i, i))
		do(t, c, fmt.Sprintf("ZADD bigz %d m%d", i, i))
		do(t, c, fmt.Sprintf("RPUSH bigl e%d", i))
		do(t, c, fmt.Sprintf("SADD bigs t%d", i))
	}
	return s
}

// show is values and errors in one line.
func show(v ...any) string { return strings.TrimSpace(fmt.Sprintln(v...)) }

// instant is d after the start of the clock that the tests have.
func instant(d time.Duration) time.Time { return newClock().now().Add(d) }

// collect is what an iterator yields, in the order of its text.
func collect(seq iter.Seq[string], err error) string { return show(slices.Sorted(seq), err) }

func collect2(seq iter.Seq2[string, string], err error) string {
	var all []string
	for k, v := range seq {
		all = append(all, k+"="+v)
	}
	slices.Sort(all)
	return show(all, err)
}

// A method that reads finds the same in the live data, in a transaction and in a
// snapshot. The commands are those that it stands for; their replies are compared by
// eye, once.
var readingMethods = []struct {
	name string
	call func(d reads) string
	want string
}{
	{"PFCOUNT missing", func(d reads) string { return show(d.PFCount("no", "none")) }, "0 <nil>"},
	{"PFCOUNT wrong", func(d reads) string { return show(d.PFCount("no", "l")) }, "0 " + ErrWrongType.text},
	{"PFCOUNT of nothing", func(d reads) string { return show(d.PFCount()) }, "0 ERR wrong number of arguments for 'pfcount' command"},
	{"GEOHASH", func(d reads) string { return show(d.GeoHash("z", "a")) }, "00bh0hbj210 <nil>"},
	{"GEOHASH missing", func(d reads) string { return show(d.GeoHash("z", "no")) }, " store: not found"},
	{"GEODIST wrong", func(d reads) string { return show(d.GeoDist("l", "a", "b")) }, "0 " + ErrWrongType.text},
	{"GEOSEARCH around", func(d reads) string {
		list, err := d.GeoSearch("z", GeoBox(GeoPoint{}, 1, 1).Around("b"), &GeoSearchOptions{Count: 1})
		return show(names(list), err)
	}, "[b] <nil>"},
	{"GEOSEARCH wrong", func(d reads) string { return show(d.GeoSearch("s", GeoArea{}, nil)) }, "[] " + ErrWrongType.text},

	{"HEXISTS", func(d reads) string { return show(d.HExists("h", "a")) }, "true <nil>"},
	{"HEXISTS large", func(d reads) string { return show(d.HExists("bigh", "f300")) }, "false <nil>"},
	{"HEXISTS wrong", func(d reads) string { return show(d.HExists("l", "a")) }, "false " + ErrWrongType.text},
	{"HSTRLEN", func(d reads) string { return show(d.HStrlen("only", "field")) }, "5 <nil>"},
	{"HSTRLEN large", func(d reads) string { return show(d.HStrlen("bigh", "f299")) }, "3 <nil>"},
	{"HSTRLEN missing", func(d reads) string { return show(d.HStrlen("no", "f")) }, "0 <nil>"},
	{"HSTRLEN wrong", func(d reads) string { return show(d.HStrlen("s", "f")) }, "0 " + ErrWrongType.text},
	{"HGETALL", func(d reads) string { return collect2(d.HItems("h")) }, "[a=1 b=2] <nil>"},
	{"HGETALL missing", func(d reads) string { return collect2(d.HItems("no")) }, "[] <nil>"},
	{"HGETALL wrong", func(d reads) string { return collect2(d.HItems("x")) }, "[] " + ErrWrongType.text},
	{"HKEYS", func(d reads) string { return collect(d.HKeys("h")) }, "[a b] <nil>"},
	{"HVALS", func(d reads) string { return collect(d.HVals("h")) }, "[1 2] <nil>"},
	{"HRANDFIELD", func(d reads) string { return show(d.HRandField("only")) }, "field value <nil>"},
	{"HRANDFIELD missing", func(d reads) string { return show(d.HRandField("no")) }, "  store: not found"},
	{"HRANDFIELD 9", func(d reads) string { return show(d.HRandFieldN("only", 9)) }, "[{field value}] <nil>"},
	{"HRANDFIELD -3", func(d reads) string { return show(d.HRandFieldN("only", -3)) }, "[{field value} {field value} {field value}] <nil>"},
	{"HRANDFIELD 0", func(d reads) string { return show(d.HRandFieldN("only", 0)) }, "[] <nil>"},
	{"HRANDFIELD many", func(d reads) string { return show(d.HRandFieldN("only", math.MinInt)) }, "[] ERR value is out of range"},
	{"HRANDFIELD large", func(d reads) string {
		fields, err := d.HRandFieldN("bigh", 400)
		seen := map[string]bool{}
		for _, f := range fields {
			seen[f.Name] = "f"+f.Value == f.Name
		}
		return show(len(fields), len(seen), seen["f7"], err)
	}, "300 300 true <nil>"},

	{"SMISMEMBER", func(d reads) string { return show(d.SMIsMember("x", "1", "9", "3")) }, "[true false true] <nil>"},
	{"SMISMEMBER missing", func(d reads) string { return show(d.SMIsMember("no", "1", "9")) }, "[false false] <nil>"},
	{"SMISMEMBER wrong", func(d reads) string { return show(d.SMIsMember("l", "1")) }, "[] " + ErrWrongType.text},
	{"SINTERCARD", func(d reads) string { return show(d.SInterCard(0, "x", "y")) }, "2 <nil>"},
	{"SINTERCARD LIMIT 1", func(d reads) string { return show(d.SInterCard(1, "x", "y")) }, "1 <nil>"},
	{"SINTERCARD LIMIT -1", func(d reads) string { return show(d.SInterCard(-1, "x")) }, "0 ERR LIMIT can't be negative"},
	{"SINTERCARD of none", func(d reads) string { return show(d.SInterCard(0)) }, "0 ERR at least 1 key is needed"},
	{"SINTERCARD large", func(d reads) string { return show(d.SInterCard(250, "bigs", "bigs")) }, "250 <nil>"},

	{"ZMSCORE", func(d reads) string { return show(d.ZMScore("z", "a", "no", "c")) }, "[{1 true} {0 false} {3 true}] <nil>"},
	{"ZMSCORE wrong", func(d reads) string { return show(d.ZMScore("l", "a")) }, "[] " + ErrWrongType.text},
	{"ZRANK", func(d reads) string { return show(d.ZRankWithScore("bigz", "m7")) }, "7 7 <nil>"},
	{"ZREVRANK", func(d reads) string { return show(d.ZRevRankWithScore("z", "a")) }, "2 1 <nil>"},
	{"ZRANK missing", func(d reads) string { return show(d.ZRankWithScore("z", "no")) }, "0 0 store: not found"},
	{"ZRANDMEMBER", func(d reads) string { return show(d.ZRandMember("single")) }, "m 7 <nil>"},
	{"ZRANDMEMBER missing", func(d reads) string { return show(d.ZRandMember("no")) }, " 0 store: not found"},
	{"ZRANDMEMBER 9", func(d reads) string { return show(d.ZRandMemberN("z", 9)) }, "[{1 a} {2 b} {3 c}] <nil>"},
	{"ZRANDMEMBER -2", func(d reads) string { return show(d.ZRandMemberN("single", -2)) }, "[{7 m} {7 m}] <nil>"},
	{"ZRANDMEMBER many", func(d reads) string { return show(d.ZRandMemberN("single", math.MinInt)) }, "[] ERR value is out of range"},
	{"ZRANDMEMBER wrong", func(d reads) string { return show(d.ZRandMemberN("l", 1)) }, "[] " + ErrWrongType.text},
	{"ZUNION", func(d reads) string { return show(d.ZUnion(nil, "z", "q")) }, "[{1 a} {12 b} {23 c} {30 d}] <nil>"},
	{"ZUNION of a set", func(d reads) string { return show(d.ZUnion(nil, "single", "texts")) }, "[{1 a} {1 b} {7 m}] <nil>"},
	{"ZINTER weights", func(d reads) string {
		return show(d.ZInter(&ZCombineOptions{Weights: []float64{100, 1}, Aggregate: AggregateMin}, "z", "q"))
	}, "[{10 b} {20 c}] <nil>"},
	{"ZINTER max", func(d reads) string { return show(d.ZInter(&ZCombineOptions{Aggregate: AggregateMax}, "q", "z")) }, "[{10 b} {20 c}] <nil>"},
	{"ZDIFF", func(d reads) string { return show(d.ZDiff("z", "q")) }, "[{1 a}] <nil>"},
	{"ZDIFF of none", func(d reads) string { return show(d.ZDiff()) }, "[] ERR at least 1 key is needed"},
	{"ZUNION wrong", func(d reads) string { return show(d.ZUnion(nil, "z", "l")) }, "[] " + ErrWrongType.text},
	{"ZUNION NaN", func(d reads) string { return show(d.ZUnion(&ZCombineOptions{Weights: []float64{math.NaN()}}, "z")) }, "[] ERR value is not a valid float"},
	{"ZINTERCARD", func(d reads) string { return show(d.ZInterCard(0, "z", "q")) }, "2 <nil>"},
	{"ZINTERCARD LIMIT 1", func(d reads) string { return show(d.ZInterCard(1, "z", "q")) }, "1 <nil>"},
	{"ZINTERCARD large", func(d reads) string { return show(d.ZInterCard(200, "bigz", "bigz")) }, "200 <nil>"},
	{"ZINTERCARD LIMIT -1", func(d reads) string { return show(d.ZInterCard(-1, "z")) }, "0 ERR LIMIT can't be negative"},

	{"PTTL", func(d reads) string { return show(d.TTL("later")) }, "5s true"},
	{"PTTL without", func(d reads) string { return show(d.TTL("s")) }, "0s false"},
	{"PTTL missing", func(d reads) string { return show(d.TTL("no")) }, "0s false"},
	{"RANDOMKEY", func(d reads) string {
		key, err := d.RandomKey()
		return show(d.Exists(key), err)
	}, "true <nil>"},
	{"MEMORY missing", func(d reads) string { return show(d.MemoryUsage("no")) }, "0 store: not found"},
	{"MEMORY", func(d reads) string {
		small, err := d.MemoryUsage("h")
		large, err2 := d.MemoryUsage("bigh")
		return show(small > 16 && small < 200, large > 300*20 && large < 300*400, err, err2)
	}, "true true <nil> <nil>"},
	{"SORT", func(d reads) string { return show(d.Sort("nums", nil)) }, "[{1 true} {2 true} {3 true}] <nil>"},
	{"SORT DESC LIMIT", func(d reads) string { return show(d.Sort("x", &SortOptions{Reverse: true, Offset: 1})) }, "[{2 true} {1 true}] <nil>"},
	{"SORT BY GET", func(d reads) string {
		return show(d.Sort("nums", &SortOptions{By: "w*", Limit: 2, Get: []string{"#", "no*"}}))
	}, "[{3 true} { false} {2 true} { false}] <nil>"},
	{"SORT BY nosort", func(d reads) string { return show(d.Sort("words", &SortOptions{By: "as it is"})) }, "[{b true} {c true} {a true}] <nil>"},
	{"SORT ALPHA", func(d reads) string { return show(d.Sort("words", &SortOptions{Alpha: true})) }, "[{a true} {b true} {c true}] <nil>"},
	{"SORT no numbers", func(d reads) string { return show(d.Sort("words", nil)) }, "[] ERR One or more scores can't be converted into double"},
	{"SORT wrong", func(d reads) string { return show(d.Sort("h", nil)) }, "[] " + ErrWrongType.text},
}

func TestReadingMethods(t *testing.T) {
	s := apiStore(t)
	sn := s.Snapshot()
	defer sn.Close()
	check := func(t *testing.T, where string, d reads) {
		t.Helper()
		for _, tt := range readingMethods {
			if got, want := tt.call(d), strings.TrimSpace(tt.want); got != want {
				t.Errorf("%s %s = %s, want %s", where, tt.name, got, want)
			}
		}
	}
	check(t, "live", s.DB(0).reads)
	if _, err := s.Update(func(tx *Tx) error {
		check(t, "transaction", tx.DB(0).reads)
		return errors.New("undo")
	}); err == nil {
		t.Error("no error of the closure")
	}
	if err := s.DB(0).FlushAll(); err != nil {
		t.Fatal(err)
	}
	check(t, "snapshot", sn.DB(0).reads)
	if _, err := s.DB(0).RandomKey(); err != ErrNotFound {
		t.Errorf("a key of no keys: %v", err)
	}
}

// What an iterator yields may be walked again, after a walk that was left too.
func TestIteratorsAgain(t *testing.T) {
	s := apiStore(t)
	check := func(name string, want int, walk func(more func() bool)) {
		t.Helper()
		for _, most := range []int{1, want, want} {
			n := 0
			if walk(func() bool { n++; return n < most }); n != most {
				t.Errorf("%s: %d elements, want %d", name, n, most)
			}
		}
	}
	sn := s.Snapshot()
	defer sn.Close()
	for _, d := range []reads{s.DB(0).reads, sn.DB(0).reads} {
		for _, tt := range []struct {
			list, hash, set, sorted string
			fields, n               int
		}{{"l", "h", "x", "z", 2, 3}, {"bigl", "bigh", "bigs", "bigz", 300, 300}} {
			items, _ := d.LItems(tt.list)
			check(tt.list, tt.n, func(more func() bool) { items(func(string) bool { return more() }) })
			fields, _ := d.HItems(tt.hash)
			check(tt.hash, tt.fields, func(more func() bool) { fields(func(_, _ string) bool { return more() }) })
			members, _ := d.SMembers(tt.set)
			check(tt.set, tt.n, func(more func() bool) { members(func(string) bool { return more() }) })
			scored, _ := d.ZRange(tt.sorted, ByRank(0, -1))
			check(tt.sorted, tt.n, func(more func() bool) { scored(func(string, float64) bool { return more() }) })
		}
	}
	part := blobFrom(numberedBlob(4), 2)
	for range 2 {
		if got := show(slices.Collect(part)); got != "[2 3]" {
			t.Errorf("a part of a small list: %s", got)
		}
	}
}

// numberedBlob is a small list of the numbers below n.
func numberedBlob(n int) string {
	var values []string
	for i := range n {
		values = append(values, fmt.Sprint(i))
	}
	blob, _ := blobPush(nil, "", Right, values)
	return string(blob)
}

// TTL counts from the cut in a snapshot, from now elsewhere, and ends at 0.
func TestTTL(t *testing.T) {
	clock := newClock()
	s := newStore(t, &Options{Clock: clock.now})
	db := s.DB(0)
	if err := db.Set("k", "v", 1500*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Do("SET", "far", "v", "PXAT", fmt.Sprint(int64(math.MaxInt64))); err != nil {
		t.Fatal(err)
	}
	sn := s.Snapshot()
	defer sn.Close()
	clock.advance(1400 * time.Millisecond)
	for _, tt := range []struct {
		got, want string
	}{
		{show(db.TTL("k")), "100ms true"},
		{show(sn.DB(0).TTL("k")), "1.5s true"},
		{show(db.TTL("far")), "2562047h47m16.854s true"},
	} {
		if tt.got != tt.want {
			t.Errorf("TTL = %s, want %s", tt.got, tt.want)
		}
	}
	clock.advance(time.Second)
	if got := show(db.TTL("k")); got != "0s false" {
		t.Errorf("TTL of an expired key = %s", got)
	}
}

// A walk over a large hash yields what was there when the loop began, whatever its body
// writes, and may be left.
func TestHItemsWhileWriting(t *testing.T) {
	const n = 300
	fill := func(d writes) {
		for i := range n {
			if _, err := d.HSet("h", fmt.Sprint("f", i), "old"); err != nil {
				t.Fatal(err)
			}
		}
	}
	walk := func(d writes) error {
		items, err := d.HItems("h")
		if err != nil {
			return err
		}
		seen := 0
		for f, v := range items {
			if v != "old" {
				return fmt.Errorf("%s = %s", f, v)
			}
			if _, err := d.HSet("h", f, "new", "more"+f, "new"); err != nil {
				return err
			}
			if seen++; seen == n/2 {
				_, _ = d.Del("h")
			}
		}
		if seen != n {
			return fmt.Errorf("%d fields of %d", seen, n)
		}
		for range items { // anew: what the body has left
			seen++
			break
		}
		if seen != n+1 {
			return errors.New("no second walk")
		}
		return nil
	}
	s := newStore(t, nil)
	fill(s.DB(0).writes)
	if err := walk(s.DB(0).writes); err != nil {
		t.Error("live: ", err)
	}
	if _, err := s.Update(func(tx *Tx) error {
		d := tx.DB(1).writes
		fill(d)
		return walk(d)
	}); err != nil {
		t.Error("transaction: ", err)
	}
	if len(s.mu.snapshots) != 0 {
		t.Error("a walk that was left keeps its snapshot")
	}
}

// What ends a transaction ends its databases, those that are held longer too.
func TestMethodsAfterTheTransaction(t *testing.T) {
	s := newStore(t, nil)
	var d writes
	var tx *Tx
	if _, err := s.Update(func(t *Tx) error { tx, d = t, t.DB(0).writes; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		err  error
	}{
		{"SetWith", third(d.SetWith("k", "v", nil))},
		{"LMPop", third(d.LMPop(Left, 1, "k"))},
		{"ZAddWith", third(d.ZAddWith("k", nil, Scored{1, "a"}))},
		{"SortStore", second(d.SortStore("to", "k", nil))},
		{"Sort", second(d.Sort("k", nil))},
		{"ZUnion", second(d.ZUnion(nil, "k"))},
		{"HItems", second(d.HItems("k"))},
		{"PublishShard", second(tx.PublishShard("c", "m"))},
	} {
		if tt.err != ErrClosed {
			t.Errorf("%s: %v", tt.name, tt.err)
		}
	}
}

func second[A any](_ A, err error) error        { return err }
func third[A, B any](_ A, _ B, err error) error { return err }

// A shard's message in a transaction is delivered by its end, and not when it is undone.
func TestPublishShardInTransaction(t *testing.T) {
	s := newStore(t, nil)
	sub := s.NewSubscriber(nil)
	defer sub.Close()
	sub.Subscribe(ViaShard, "news")
	for _, failure := range []error{errors.New("undo"), nil} {
		from := s.backlog.Offset()
		_, _ = s.Update(func(tx *Tx) error {
			if n, err := tx.PublishShard("news", "m"); n != 1 || err != nil {
				t.Errorf("PublishShard = %d, %v", n, err)
			}
			return failure
		})
		m, ok, err := sub.TryNext()
		if ok != (failure == nil) || err != nil || ok && m.Payload != "m" {
			t.Errorf("with %v: %v, %v, %v", failure, m, ok, err)
		}
		want := string(resp.AppendCommand(nil, "SPUBLISH", "news", "m"))
		if got := streamSince(t, s, from); (got != "") != ok || ok && !strings.Contains(got, want) {
			t.Errorf("stream %q", got)
		}
	}
}
