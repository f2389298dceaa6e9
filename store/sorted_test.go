package store

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/resp"
)

// ZRANK with a score is Redis 7.2's.
func TestZRankWithScore(t *testing.T) {
	c := newStore(t, nil).NewSession(nil)
	do(t, c, "ZADD z 1.5 a 2 b")
	for _, tt := range []struct{ line, want, want3 string }{
		{"ZRANK z a WITHSCORE", `[0 "1.5"]`, "[0 1.5]"},
		{"ZREVRANK z a withscore", `[1 "1.5"]`, "[1 1.5]"},
		{"ZRANK z none WITHSCORE", "(nil)", "(nil)"},
		{"ZRANK none a WITHSCORE", "(nil)", "(nil)"},
		{"ZRANK z a WITHSCORES", "-ERR syntax error", "-ERR syntax error"},
		{"ZRANK z a WITHSCORE x", "-ERR wrong number of arguments for 'zrank' command", "-ERR wrong number of arguments for 'zrank' command"},
	} {
		v := c.Do(argv(strings.Fields(tt.line)...))
		if got, got3 := asRead(t, v, 2), asRead(t, v, 3); got != tt.want || got3 != tt.want3 {
			t.Errorf("%s = %s and %s, want %s and %s", tt.line, got, got3, tt.want, tt.want3)
		}
	}
	if v := c.Do(argv("ZRANK", "none", "a", "WITHSCORE")); string(resp.AppendValue(nil, v, 2)) != "*-1\r\n" {
		t.Errorf("the null of ZRANK WITHSCORE is not an array's")
	}
}

// Every form of a set, by number and length of members, and what its encoding is called.
func TestSortedEncoding(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	add := func(key string, n, length int) {
		for i := range n {
			_, _ = db.ZAdd(key, Scored{float64(i), fmt.Sprintf("%0*d", length, i)})
		}
	}
	add("small", 128, 64)
	add("many", 129, 8)
	add("long", 1, 65)
	_, _ = db.Do("COPY", "many", "shrunk")
	_, _ = db.ZRemRange("shrunk", ByRank(5, -1))
	_, _ = db.Do("ZUNIONSTORE", "union", "1", "shrunk")
	want := map[string]string{"small": "listpack", "many": "skiplist", "long": "skiplist", "shrunk": "skiplist", "union": "listpack"}
	_ = s.View(func(sn *Snapshot) error {
		x := sn.exec(0)
		for key, name := range want {
			if got := x.sortedEncoding(x.entry(key)); got != name {
				t.Errorf("encoding of %s is %s, want %s", key, got, name)
			}
		}
		return nil
	})
}

// A large set is scanned through: every member that stays comes once at least.
func TestZScanOfLargeSet(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	for i := range 2000 {
		_, _ = db.ZAdd("z", Scored{float64(i) / 2, fmt.Sprint("m", i)})
	}
	seen := map[string]string{}
	for cursor, rounds := "0", 0; rounds == 0 || cursor != "0"; rounds++ {
		v, err := db.Do("ZSCAN", "z", cursor, "COUNT", "50")
		if err != nil || rounds > 2000 {
			t.Fatal(err, rounds)
		}
		cursor = v.Elems[0].Str
		for i := 0; i < len(v.Elems[1].Elems); i += 2 {
			seen[v.Elems[1].Elems[i].Str] = v.Elems[1].Elems[i+1].Str
		}
		_, _ = db.ZAdd("z", Scored{1, fmt.Sprint("new", rounds)})
	}
	for i := range 2000 {
		if got, want := seen[fmt.Sprint("m", i)], formatScore(float64(i)/2); got != want {
			t.Fatalf("m%d was seen with score %q, want %s", i, got, want)
		}
	}
}

func TestZRandMember(t *testing.T) {
	s := newStore(t, nil)
	for _, n := range []int{50, 1000} {
		key := strconv.Itoa(n)
		for i := range n {
			_, _ = s.DB(0).ZAdd(key, Scored{float64(i), strconv.Itoa(i)})
		}
		for _, count := range []int{1, 7, 40, n / 2, n - 1, n, n + 5, -1, -7, -3 * n} {
			v, err := s.DB(0).Do("ZRANDMEMBER", key, strconv.Itoa(count), "WITHSCORES")
			if err != nil {
				t.Fatal(err)
			}
			different := map[string]bool{}
			for i := 0; i < len(v.Elems); i += 2 {
				if different[v.Elems[i].Str] = true; v.Elems[i].Str != v.Elems[i+1].Str {
					t.Fatalf("member %v has score %v", v.Elems[i], v.Elems[i+1])
				}
			}
			got := len(v.Elems) / 2
			if count < 0 && got != -count || count > 0 && (got != min(count, n) || len(different) != got) {
				t.Errorf("%d of %d: %d members, %d different", count, n, got, len(different))
			}
		}
	}
}

// What a caller of the Go methods may get wrong, and what there is not.
func TestSortedErrors(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	_ = db.Set("text", "v", 0)
	_, _ = db.ZAdd("z", Scored{math.Inf(1), "a"})
	for name, tt := range map[string]struct {
		fn   func() error
		want error
	}{
		"ZAdd of NaN":               {func() error { _, err := db.ZAdd("z", Scored{1, "b"}, Scored{math.NaN(), "c"}); return err }, ErrNotFloat},
		"ZIncr to NaN":              {func() error { _, err := db.ZIncr("z", "a", math.Inf(-1)); return err }, ErrNotFinite},
		"ZAdd to a string":          {func() error { _, err := db.ZAdd("text", Scored{1, "b"}); return err }, ErrWrongType},
		"ZRem of a string":          {func() error { _, err := db.ZRem("text", "b"); return err }, ErrWrongType},
		"ZPopMin of a string":       {func() error { _, _, err := db.ZPopMin("text"); return err }, ErrWrongType},
		"ZPopMax of no key":         {func() error { _, _, err := db.ZPopMax("none"); return err }, ErrNotFound},
		"ZPopMinN of a string":      {func() error { _, err := db.ZPopMinN("text", 1); return err }, ErrWrongType},
		"ZRemRange of a string":     {func() error { _, err := db.ZRemRange("text", ByRank(0, 1)); return err }, ErrWrongType},
		"ZRange of a string":        {func() error { _, err := db.ZRange("text", ByRank(0, 1)); return err }, ErrWrongType},
		"ZCard of a string":         {func() error { _, err := db.ZCard("text"); return err }, ErrWrongType},
		"ZCount of a string":        {func() error { _, err := db.ZCount("text", ByRank(0, 1)); return err }, ErrWrongType},
		"ZScore of a string":        {func() error { _, err := db.ZScore("text", "a"); return err }, ErrWrongType},
		"ZScore of no key":          {func() error { _, err := db.ZScore("none", "a"); return err }, ErrNotFound},
		"ZRank of no member":        {func() error { _, err := db.ZRank("z", "b"); return err }, ErrNotFound},
		"ZRank in no database":      {func() error { _, err := s.DB(99).ZRank("z", "b"); return err }, ErrNoDatabase},
		"ZRange of NaN":             {func() error { return walkNothing(db.ZRange("z", ByScore(math.NaN(), 1))) }, nil},
		"ZRange of no key":          {func() error { return walkNothing(db.ZRange("none", ByRank(0, -1))) }, nil},
		"ZRange, offset below 0":    {func() error { return walkNothing(db.ZRange("z", ZRange{kind: byScore, max: 1e9, Offset: -1})) }, nil},
		"ZPopMinN of a count below": {func() error { _, err := db.ZPopMinN("z", -1); return err }, errPositive},
	} {
		if err := tt.fn(); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if n, _ := db.ZCard("z"); n != 1 {
		t.Errorf("after all that there are %d members, want 1", n)
	}
}

func walkNothing(seq func(func(string, float64) bool), err error) error {
	if err != nil {
		return err
	}
	for member := range seq {
		return fmt.Errorf("%q is in the range", member)
	}
	return nil
}

// A score is read again as what was printed.
func FuzzScore(f *testing.F) {
	for _, s := range []string{"0", "-0", "1", "0.1", "3.14", "1e17", "-1e-5", "5e-324", "1.7976931348623157e308", "inf", "-Infinity", "0x1.8p1", "0x.8", "0X10",
		"nan", "", " 1", "1_0", "0b1", "1e400", "1e-400", "0x1p-2000", "9007199254740993", "1p3", "+-1", ".", "0x", "1\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		score, err := parseScore(s)
		if err != nil {
			if err != ErrNotFloat {
				t.Errorf("parseScore(%q): %v", s, err)
			}
			return
		}
		if bound, ok := parseBoundScore(s); !ok || bound != score {
			t.Errorf("%q is %v, as a bound %v, %v", s, score, bound, ok)
		}
		again, err := parseScore(formatScore(score))
		if err != nil || math.Float64bits(again) != math.Float64bits(score) {
			t.Errorf("%q = %v, printed %s, read as %v, %v", s, score, formatScore(score), again, err)
		}
	})
}

// A score of -0 is stored as 0, in every form and from every source: else a copy that
// was loaded, or that got the same stream, could differ.
func TestNoMinusZero(t *testing.T) {
	fill := func(n int) (lines []string) {
		for i := range n {
			lines = append(lines, fmt.Sprintf("ZADD z 5 m%d", i))
		}
		return lines
	}
	for what, lines := range map[string][]string{
		"small":         {"ZADD z -0 a"},
		"long member":   {"ZADD z -0 a 0 b -0 " + strings.Repeat("m", 65)},
		"large":         append(fill(130), "ZADD z -0 a", "ZADD z -0 m7"),
		"increased":     append(fill(130), "ZADD z INCR -0 a", "ZINCRBY z -5 m7", "ZINCRBY z -0 m7"),
		"shrunk":        append(fill(130), "ZADD z -0 a", "ZREMRANGEBYSCORE z 1 inf"),
		"union":         append(fill(130), "ZUNIONSTORE out 3 z none none2 WEIGHTS -0 1 1"),
		"intersection":  append(fill(130), "ZINTERSTORE out 1 z WEIGHTS -0"),
		"range":         append(fill(130), "ZADD z -0 a", "ZRANGESTORE out z 0 -1"),
		"small results": append(fill(3), "ZUNIONSTORE out 1 z WEIGHTS -0", "ZINTERSTORE out2 1 z WEIGHTS -0"),
	} {
		p := newStore(t, nil)
		r, a := newReplica(t, nil)
		from := p.backlog.Offset()
		c := p.NewSession(nil)
		for _, line := range lines {
			do(t, c, line)
		}
		if err := apply(t, a, streamSince(t, p, from)); err != nil {
			t.Fatal(err)
		}
		if err := p.check(); err != nil { // looks for -0
			t.Errorf("%s: %v", what, err)
		}
		if p.Digest() != r.Digest() {
			t.Errorf("%s: a replica of the stream differs", what)
		}
		loaded := newStore(t, nil)
		l := loaded.Replication().NewLoader()
		if err := l.LoadRDB(bytes.NewReader(file(t, p))); err != nil {
			t.Fatal(err)
		}
		if err := l.Commit(p.Replication().History()); err != nil {
			t.Fatal(err)
		}
		if p.Digest() != loaded.Digest() {
			t.Errorf("%s: a replica of the file differs", what)
		}
	}
}

// A file of another server may have scores of -0.
func TestMinusZeroOfFiles(t *testing.T) {
	for _, n := range []int{1, 200} {
		b := encode(t, func(e *rdb.Encoder) {
			e.SelectDB(0)
			e.BeginSortedSet("z", n, 0)
			for i := range n {
				e.Member(fmt.Sprint("m", i), math.Copysign(0, -1))
			}
		})
		s := newStore(t, nil)
		l := s.Replication().NewLoader()
		if err := l.LoadRDB(bytes.NewReader(b)); err != nil {
			t.Fatal(err)
		}
		if err := l.Commit(s.Replication().History()); err != nil {
			t.Fatal(err)
		}
		if err := s.check(); err != nil { // looks for -0
			t.Error(err)
		}
		if got, err := s.DB(0).ZScore("z", "m0"); got != 0 || math.Signbit(got) || err != nil {
			t.Errorf("score of %d members: %v, %v", n, got, err)
		}
	}
}
