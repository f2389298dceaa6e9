package store

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// numbers are the integers of [from, to) as members.
func numbers(from, to int) (m []string) {
	for i := from; i < to; i++ {
		m = append(m, strconv.Itoa(i))
	}
	return m
}

func texts(n int) (m []string) {
	for i := range n {
		m = append(m, fmt.Sprint("m", i))
	}
	return m
}

// Replies as Redis 7.0 gives them. A line is words; those of one member have one
// order. a holds 1 2 x, b 2 x, one x, str a string.
var setReplyTests = []struct{ line, want string }{
	{"SADD a 3 3 1", "1"},
	{"SADD str x", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
	{"SREM a 1 1 none", "1"},
	{"SREM none x", "0"},
	{"SREM str x", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
	{"SCARD none", "0"},
	{"SCARD a", "3"},
	{"SMEMBERS none", "~[]"},
	{"SMEMBERS one", `~["x"]`},
	{"SMEMBERS str", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
	{"SISMEMBER a +1", "0"},
	{"SISMEMBER a 01", "0"},
	{"SISMEMBER none x", "0"},
	{"SMISMEMBER a x y x", "[1 0 1]"},
	{"SMISMEMBER none x y", "[0 0]"},
	{"SMISMEMBER str x", "-WRONGTYPE Operation against a key holding the wrong kind of value"},

	// SPOP: words, count, key.
	{"SPOP one", `"x"`},
	{"SPOP one 1", `~["x"]`},
	{"SPOP one 0", "~[]"},
	{"SPOP none", "(nil)"},
	{"SPOP none 3", "~[]"},
	{"SPOP none -1", "-ERR value is out of range, must be positive"},
	{"SPOP str x", "-ERR value is out of range, must be positive"},
	{"SPOP one 9223372036854775808", "-ERR value is out of range, must be positive"},
	{"SPOP one x y", "-ERR syntax error"},
	{"SPOP str 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},

	// SRANDMEMBER too; its replies are arrays.
	{"SRANDMEMBER one", `"x"`},
	{"SRANDMEMBER one 5", `["x"]`},
	{"SRANDMEMBER one -3", `["x" "x" "x"]`},
	{"SRANDMEMBER one 0", "[]"},
	{"SRANDMEMBER none", "(nil)"},
	{"SRANDMEMBER none -3", "[]"},
	{"SRANDMEMBER none -9223372036854775807", "[]"},
	{"SRANDMEMBER none -9223372036854775808", "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"},
	{"SRANDMEMBER str 9223372036854775808", "-ERR value is not an integer or out of range"},
	{"SRANDMEMBER none x y", "-ERR syntax error"},
	{"SRANDMEMBER str 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},

	// SMOVE: a source that is not there comes before the other key's type.
	{"SMOVE none str x", "0"},
	{"SMOVE a str none", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
	{"SMOVE str str x", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
	{"SMOVE a a x", "1"},
	{"SMOVE a a none", "0"},
	{"SMOVE one new x", "1"},
	{"SMOVE a b x", "1"},

	// A key of another type is an error wherever it stands.
	{"SINTER a none", "~[]"},
	{"SINTER none str", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
	{"SINTER a one b", `~["x"]`},
	{"SUNION one none one", `~["x"]`},
	{"SDIFF none str", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
	{"SDIFF a b", `~["1"]`},
	{"SDIFF a a", "~[]"},
	{"SINTERSTORE str a b", "2"},
	{"SINTERSTORE str a none", "0"},
	{"SUNIONSTORE a a b", "3"},
	{"SDIFFSTORE a a a", "0"},
	{"SDIFFSTORE new none str", "-WRONGTYPE Operation against a key holding the wrong kind of value"},

	{"SINTERCARD 2 a b", "2"},
	{"SINTERCARD 2 a b LIMIT 0", "2"},
	{"SINTERCARD 2 a b LIMIT 0 limit 1", "1"},
	{"SINTERCARD 0 a", "-ERR numkeys should be greater than 0"},
	{"SINTERCARD x a", "-ERR numkeys should be greater than 0"},
	{"SINTERCARD 3 a b", "-ERR Number of keys can't be greater than number of args"},
	{"SINTERCARD 2 a LIMIT 1", "-ERR syntax error"},
	{"SINTERCARD 1 a LIMIT", "-ERR syntax error"},
	{"SINTERCARD 1 a LIMIT -1", "-ERR LIMIT can't be negative"},
	{"SINTERCARD 1 a LIMIT x", "-ERR LIMIT can't be negative"},
	{"SINTERCARD 2 none str", "-WRONGTYPE Operation against a key holding the wrong kind of value"},

	// SSCAN: the cursor, then the key, then the options.
	{"SSCAN one 0", `["0" ["x"]]`},
	{"SSCAN one 77 COUNT 1", `["0" ["x"]]`},
	{"SSCAN a 0 MATCH x*", `["0" ["x"]]`},
	{"SSCAN str x", "-ERR invalid cursor"},
	{"SSCAN none 0 junk", `["0" []]`},
	{"SSCAN one 0 junk", "-ERR syntax error"},
	{"SSCAN one 0 COUNT 0", "-ERR syntax error"},
	{"SSCAN str 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
}

func TestSetReplies(t *testing.T) {
	for _, tt := range setReplyTests {
		c := newStore(t, nil).NewSession(nil)
		for _, line := range []string{"SADD a 1 2 x", "SADD b 2 x", "SADD one x", "SET str v"} {
			do(t, c, line)
		}
		if got := c.Do(argv(strings.Fields(tt.line)...)).String(); got != tt.want {
			t.Errorf("%s = %s, want %s", tt.line, got, tt.want)
		}
	}
}

// A set goes from form to form where Redis's goes, and not back.
func TestSetForms(t *testing.T) {
	long := strings.Repeat("l", 65)
	for _, tt := range []struct {
		name string
		add  []string
		want string
	}{
		{"integers", []string{"1", "-9223372036854775808", "9223372036854775807"}, "intset"},
		{"most integers", numbers(0, 512), "intset"},
		{"too many integers", numbers(0, 513), "hashtable"},
		{"beyond 64 bits", []string{"1", "9223372036854775808"}, "listpack"},
		{"not as printed", []string{"1", "+1"}, "listpack"},
		{"texts", texts(128), "listpack"},
		{"too many texts", texts(129), "hashtable"},
		{"text beside integers", append(numbers(0, 127), "x"), "listpack"},
		{"text beside too many integers", append(numbers(0, 128), "x"), "hashtable"},
		{"longest text", []string{long[:64]}, "listpack"},
		{"too long a text", []string{long}, "hashtable"},
		{"too long a text beside integers", []string{"1", long}, "hashtable"},
	} {
		s := newStore(t, nil)
		form := func(key string) string {
			e, _ := s.DB(0).entry(key)
			return (&exec{}).setEncoding(e)
		}
		if n, err := s.DB(0).SAdd("all", tt.add...); n != len(tt.add) || err != nil {
			t.Errorf("%s: SAdd = %d, %v, want %d", tt.name, n, err, len(tt.add))
		}
		for _, m := range tt.add {
			_, _ = s.DB(0).SAdd("each", m)
		}
		_, _ = s.DB(0).SUnionStore("store", "all")
		for _, key := range []string{"all", "each", "store"} {
			if got := form(key); got != tt.want {
				t.Errorf("%s: %s is a %s, want %s", tt.name, key, got, tt.want)
			}
			if got := s.DB(0).members(key); len(got) != len(tt.add) || !maps.Equal(setOf(got...), setOf(tt.add...)) {
				t.Errorf("%s: %s holds %d members, want %d", tt.name, key, len(got), len(tt.add))
			}
		}
		_, _ = s.DB(0).SRem("all", tt.add[1:]...)
		if got := form("all"); len(tt.add) > 1 && got != tt.want {
			t.Errorf("%s: with one member left it is a %s, want %s", tt.name, got, tt.want)
		}
	}
}

// Integers take 2, 4 or 8 bytes each; what is at the borders of a width comes back.
func TestIntBlob(t *testing.T) {
	for _, tt := range []struct {
		ints  []int64
		width int
	}{
		{[]int64{0}, 2},
		{[]int64{math.MinInt16, -1, 0, math.MaxInt16}, 2},
		{[]int64{math.MinInt16 - 1, 0}, 4},
		{[]int64{-1, math.MaxInt16 + 1}, 4},
		{[]int64{math.MinInt32, math.MaxInt32}, 4},
		{[]int64{math.MinInt32 - 1, 7}, 8},
		{[]int64{0, math.MaxInt32 + 1}, 8},
		{[]int64{math.MinInt64, -1, math.MaxInt64}, 8},
	} {
		b := newIntBlob(tt.ints)
		if got := b.ints(); !slices.Equal(got, tt.ints) || len(b) != 1+tt.width*len(tt.ints) {
			t.Errorf("%v: %v in %d bytes, want %d a member", tt.ints, got, len(b), tt.width)
		}
		for _, n := range tt.ints {
			for _, near := range []int64{n - 1, n, n + 1} {
				if got := b.has(near); got != slices.Contains(tt.ints, near) {
					t.Errorf("%v has %d: %v", tt.ints, near, got)
				}
			}
		}
	}
}

// A batch of SREM carries 1024 members; together they are those of the reply.
func TestSPopEffects(t *testing.T) {
	for _, tt := range []struct {
		size, count int
		batches     []int // members of each SREM; none for DEL
	}{
		{3000, 1, []int{1}},
		{3000, 1024, []int{1024}},
		{3000, 1025, []int{1024, 1}},
		{3000, 2999, []int{1024, 1024, 951}}, // by way of a new set
		{3000, 3000, nil},
		{3000, 4000, nil},
	} {
		s := newStore(t, nil)
		_, _ = s.DB(0).SAdd("k", numbers(0, tt.size)...)
		at := s.backlog.Offset()
		popped, err := s.DB(0).SPopN("k", tt.count)
		if err != nil || len(setOf(popped...)) != min(tt.count, tt.size) || len(popped) != min(tt.count, tt.size) {
			t.Fatalf("SPopN(%d) = %d members, %v", tt.count, len(popped), err)
		}
		frames := split(t, streamSince(t, s, at))
		if len(tt.batches) > 1 {
			if string(frames[0].Args[0]) != "MULTI" || string(frames[len(frames)-1].Args[0]) != "EXEC" {
				t.Fatalf("SPopN(%d): stream from %s to %s, want a transaction", tt.count, frames[0].Args[0], frames[len(frames)-1].Args[0])
			}
			frames = frames[1 : len(frames)-1]
		}
		if tt.batches == nil {
			if got := string(resp.AppendCommandBytes(nil, frames[0].Args...)); len(frames) != 1 || got != wire("DEL k") || s.DB(0).Exists("k") {
				t.Errorf("SPopN(%d): stream %q, want DEL", tt.count, got)
			}
			continue
		}
		sent, left := map[string]bool{}, setOf(s.DB(0).members("k")...)
		for i, f := range frames {
			if string(f.Args[0]) != "SREM" || len(f.Args)-2 != tt.batches[i] {
				t.Errorf("SPopN(%d): command %d is %s of %d members, want %d", tt.count, i, f.Args[0], len(f.Args)-2, tt.batches[i])
			}
			for _, m := range f.Args[2:] {
				sent[string(m)] = true
			}
		}
		if !maps.Equal(sent, setOf(popped...)) || len(frames) != len(tt.batches) {
			t.Errorf("SPopN(%d): the stream names %d members in %d commands, want %d", tt.count, len(sent), len(frames), len(popped))
		}
		for _, m := range popped {
			if left[m] {
				t.Fatalf("SPopN(%d): %q is still there", tt.count, m)
			}
		}
		if len(left)+len(popped) != tt.size {
			t.Errorf("SPopN(%d) left %d members", tt.count, len(left))
		}
	}
}

// Every member of a large set is picked, and none ten times as often as the mean: by
// one pick, by several with repetition, by several different ones. Of a snapshot, it
// is what the set was.
func TestRandomMembersAreFair(t *testing.T) {
	const size, mean = 2000, 100
	s := newStore(t, nil)
	_, _ = s.DB(0).SAdd("k", numbers(0, size)...)
	sn := s.Snapshot()
	defer sn.Close()
	changed := s.Snapshot()
	defer changed.Close()
	for name, pick := range map[string]func() []string{
		"one": func() []string {
			v, _ := s.DB(0).Do("SRANDMEMBER", "k")
			return []string{v.Str}
		},
		"repeated":  func() []string { m, _ := s.DB(0).SRandMemberN("k", -100); return m },
		"different": func() []string { m, _ := s.DB(0).SRandMemberN("k", 100); return m },
		"most":      func() []string { m, _ := s.DB(0).SRandMemberN("k", size/2); return m },
		"snapshot": func() []string {
			v, _ := sn.DB(0).Do("SRANDMEMBER", "k")
			return []string{v.Str}
		},
	} {
		fair(t, name, numbers(0, size), mean, pick)
	}
	_, _ = s.DB(0).SRem("k", numbers(100, size)...)
	fair(t, "snapshot of what is gone", numbers(0, size), 5*mean, func() []string {
		m, _ := changed.DB(0).SRandMemberN("k", -size)
		return m
	})
	fair(t, "one of few in a large table", numbers(0, 100), mean, func() []string {
		m, _ := s.DB(0).SRandMemberN("k", 1)
		return m
	})
}

func fair(t *testing.T, name string, members []string, mean int, pick func() []string) {
	t.Helper()
	counts := map[string]int{}
	for picked := 0; picked < mean*len(members); {
		got := pick()
		if len(got) == 0 {
			t.Fatalf("%s: nothing picked", name)
		}
		for _, m := range got {
			counts[m]++
		}
		picked += len(got)
	}
	for _, m := range members {
		if n := counts[m]; n == 0 || n > 10*mean {
			t.Errorf("%s: %q was picked %d times, the mean is %d", name, m, n, mean)
		}
	}
	if len(counts) != len(members) {
		t.Errorf("%s: %d different members picked, want %d", name, len(counts), len(members))
	}
}

// One pick out of a snapshot finds what has gone since as often as what is left.
func TestRandomMemberOfAChangedSnapshot(t *testing.T) {
	s := newStore(t, nil)
	_, _ = s.DB(0).SAdd("k", texts(300)...)
	sn := s.Snapshot()
	defer sn.Close()
	_, _ = s.DB(0).SRem("k", texts(300)[50:]...)
	_, _ = s.DB(0).SAdd("k", numbers(0, 100)...)
	fair(t, "one", texts(300), 100, func() []string {
		v, _ := sn.DB(0).Do("SRANDMEMBER", "k")
		return []string{v.Str}
	})
}

// Who watches keys is told of changes to the members of a large set, whose entry
// stays.
func TestWatchLargeSet(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	_, _ = db.SAdd("k", numbers(0, 600)...)
	w := s.Watch(Filter{})
	defer w.Close()
	_, _ = db.SAdd("k", "a", "b")
	_, _ = db.SAdd("k", "a", "b") // which changes nothing
	_, _ = db.SRem("k", "a")
	_, _ = db.SPopN("k", 2)
	_, _ = db.Do("SPOP", "k")
	if got := seen(t, w); len(got) < 4 || slices.ContainsFunc(got, func(l string) bool { return !strings.HasPrefix(l, "0 k set") }) {
		t.Errorf("changes seen: %q, want at least 4 of k", got)
	}
}

// Until its end, nobody sees a part of a command on two keys, not even who looks at
// one of them without asking for an instant.
func TestSMoveIsHiddenUntilItsEnd(t *testing.T) {
	s := newStore(t, nil)
	_, _ = s.DB(0).SAdd("from", "m")
	if err := s.write(0, func(x *exec) error {
		if done, err := x.smove("from", "to", "m"); !done || err != nil {
			t.Errorf("smove = %v, %v", done, err)
		}
		if !s.DB(0).Exists("from") || s.DB(0).Exists("to") {
			t.Error("a reader sees a part of SMOVE")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if s.DB(0).Exists("from") || !s.DB(0).Exists("to") {
		t.Error("a reader does not see SMOVE after its end")
	}
}

// A large set that is nearly empty again still gives up its last members.
func TestSPopToTheLast(t *testing.T) {
	s := newStore(t, nil)
	_, _ = s.DB(0).SAdd("k", numbers(0, 20_000)...)
	_, _ = s.DB(0).SRem("k", numbers(5, 20_000)...)
	for left := 5; left > 0; left-- {
		if m, err := s.DB(0).SRandMemberN("k", -3); len(m) != 3 || err != nil {
			t.Errorf("SRandMemberN(-3) of %d = %q, %v", left, m, err)
		}
		if v, err := s.DB(0).Do("SPOP", "k"); len(v.Str) != 1 || err != nil {
			t.Errorf("SPOP of %d = %v, %v", left, v, err)
		}
	}
	if s.DB(0).Exists("k") {
		t.Error("the empty set is still there")
	}
}

// SSCAN gives every member that is there all the time, whatever comes and goes.
func TestSScanBesideChanges(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	_, _ = db.SAdd("k", texts(1000)...)
	seen, cursor := map[string]bool{}, "0"
	for i := 0; i == 0 || cursor != "0"; i++ {
		v, err := db.Do("SSCAN", "k", cursor, "COUNT", "20")
		if err != nil {
			t.Fatal(err)
		}
		cursor = v.Elems[0].Str
		for _, m := range values(v.Elems[1]) {
			seen[m] = true
		}
		_, _ = db.SAdd("k", numbers(100*i, 100*i+100)...)
		_, _ = db.SRem("k", numbers(50*i, 50*i+50)...)
	}
	for _, m := range texts(1000) {
		if !seen[m] {
			t.Errorf("%q was there all the time and not seen", m)
		}
	}
}

// members is what SMembers yields, nil for nothing.
func (d reads) members(key string) []string {
	seq, _ := d.SMembers(key)
	return slices.Collect(seq)
}

// One member, which is there or not.
func TestOneMember(t *testing.T) {
	db := newStore(t, nil).DB(0)
	for range 2 {
		if m, err := db.SPop("k"); m != "" || err != ErrNotFound {
			t.Errorf("SPop of nothing = %q, %v", m, err)
		}
		if m, err := db.SRandMember("k"); m != "" || err != ErrNotFound {
			t.Errorf("SRandMember of nothing = %q, %v", m, err)
		}
		_, _ = db.SAdd("k", "x")
		if m, err := db.SRandMember("k"); m != "x" || err != nil {
			t.Errorf("SRandMember = %q, %v", m, err)
		}
		if m, err := db.SPop("k"); m != "x" || err != nil || db.Exists("k") {
			t.Errorf("SPop = %q, %v", m, err)
		}
	}
}

// The loop's body may write, also in a transaction.
func TestSMembersWhileWriting(t *testing.T) {
	for _, size := range []int{10, 1000} {
		s := newStore(t, nil)
		_, _ = s.DB(0).SAdd("k", texts(size)...)
		n := 0
		members, _ := s.DB(0).SMembers("k")
		for m := range members {
			_, _ = s.DB(0).SRem("k", m)
			_, _ = s.DB(0).SAdd("other", m)
			n++
		}
		if n != size || s.DB(0).Exists("k") {
			t.Errorf("%d of %d members seen; the set is left: %v", n, size, s.DB(0).Exists("k"))
		}
		_, _ = s.Update(func(tx *Tx) error {
			members, _ := tx.DB(0).SMembers("other")
			for m := range members {
				_, _ = tx.DB(0).SRem("other", m)
				n++
			}
			return nil
		})
		if n != 2*size || s.DB(0).Exists("other") {
			t.Errorf("in a transaction %d of %d members seen", n-size, size)
		}
		if got := s.DB(0).members("none"); got != nil {
			t.Errorf("no set has the members %q", got)
		}
	}
}

// A copy shares nothing that changes.
func TestDuplicateSet(t *testing.T) {
	s := newStore(t, nil)
	for _, size := range []int{3, 600} {
		key := fmt.Sprint("k", size)
		_, _ = s.DB(0).SAdd(key, numbers(0, size)...)
		if err := s.write(0, func(x *exec) error {
			e := x.ref(key).e
			x.c.put(x.ref("copy"), s.duplicateSet(e, x.c.version, "copy"))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		_, _ = s.DB(0).SRem(key, numbers(1, size)...)
		_, _ = s.DB(0).SAdd("copy", "x")
		a, _ := s.DB(0).SCard(key)
		b, _ := s.DB(0).SCard("copy")
		if a != 1 || b != size+1 {
			t.Errorf("original has %d members, copy %d, want 1 and %d", a, b, size+1)
		}
		if err := s.check(); err != nil {
			t.Error(err)
		}
	}
}

func TestSetErrors(t *testing.T) {
	s := newStore(t, nil)
	db := s.DB(0)
	_ = db.Set("str", "v", 0)
	errs := map[string]error{}
	_, errs["SCard"] = db.SCard("str")
	_, errs["SMembers"] = db.SMembers("str")
	_, errs["SIsMember"] = db.SIsMember("str", "x")
	_, errs["SAdd"] = db.SAdd("str", "x")
	_, errs["SRem"] = db.SRem("str", "x")
	_, errs["SPop"] = db.SPop("str")
	_, errs["SPopN"] = db.SPopN("str", 1)
	_, errs["SRandMember"] = db.SRandMember("str")
	_, errs["SRandMemberN"] = db.SRandMemberN("str", 1)
	_, errs["SMove"] = db.SMove("str", "k", "x")
	_, errs["SInter"] = db.SInter("none", "str")
	_, errs["SUnionStore"] = db.SUnionStore("k", "str")
	for name, err := range errs {
		if err != ErrWrongType {
			t.Errorf("%s of a string: %v", name, err)
		}
	}
	clear(errs)
	_, errs["SAdd of nothing"] = db.SAdd("k")
	_, errs["SInter of nothing"] = db.SInter()
	_, errs["SInterStore of nothing"] = db.SInterStore("k")
	_, errs["SPopN of -1"] = db.SPopN("k", -1)
	_, _ = db.SAdd("k", "x")
	_, errs["SRandMemberN of too many"] = db.SRandMemberN("k", -mostRepeated-1)
	for name, err := range errs {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	e, _ := db.entry("k")
	if e.Kind() != table.SmallSet {
		t.Errorf("k is a %v", e.Kind())
	}
}

// What changes a set in place leaves its deadline; what replaces it does not.
func TestSetDeadlines(t *testing.T) {
	for _, size := range []int{10, 1000} {
		for _, tt := range []struct {
			line string
			want bool
		}{
			{"SADD k new", true},
			{"SREM k 1", true},
			{"SPOP k", true},
			{"SPOP k 2", true},
			{"SPOP k " + strconv.Itoa(size-1), true},
			{"SMOVE k other 1", true},
			{"SMOVE other k x", true},
			{"SUNIONSTORE k k other", false},
			{"SINTERSTORE k k k", false},
			{"SDIFFSTORE k k other", false},
		} {
			s := newStore(t, nil)
			c := s.NewSession(nil)
			_, _ = s.DB(0).SAdd("k", numbers(0, size)...)
			do(t, c, "SADD other x")
			do(t, c, "EXPIRE k 1000")
			do(t, c, tt.line)
			if _, got := s.DB(0).ExpireTime("k"); got != tt.want {
				t.Errorf("size %d: after %s the set has a deadline: %v", size, tt.line, got)
			}
		}
	}
}
