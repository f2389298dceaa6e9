package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/backlog"
)

// everyForm are commands that make every type in every form, here and in servers, in
// two databases.
func everyForm() (commands [][]string) {
	random := rand.New(rand.NewPCG(5, 6))
	add := func(args ...string) { commands = append(commands, args) }
	word := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return string(b)
	}
	add("SELECT", "0")
	add("SET", "text", "value", "PXAT", "4102444800000")
	add("SET", "number", "-12345")
	add("SET", "long", word(100_000))
	for _, n := range []int{1, 2, 100, 128, 129, 512, 513, 3000} {
		list, ints, words, sorted, hash := []string{"RPUSH", fmt.Sprint("list", n)}, []string{"SADD", fmt.Sprint("ints", n)},
			[]string{"SADD", fmt.Sprint("words", n)}, []string{"ZADD", fmt.Sprint("sorted", n)}, []string{"HSET", fmt.Sprint("hash", n)}
		for i := range n {
			list = append(list, fmt.Sprint("element ", i%9), fmt.Sprint(i))
			ints = append(ints, fmt.Sprint((i-n/2)*(1<<(n%48))))
			words = append(words, fmt.Sprint("member ", i))
			sorted = append(sorted, fmt.Sprint(random.NormFloat64()*float64(int64(1)<<(i%60))), fmt.Sprint("member ", i))
			hash = append(hash, fmt.Sprint("field ", i), word(i%50))
		}
		for _, c := range [][]string{list, ints, words, sorted, hash} {
			add(c...)
		}
	}
	add("RPUSH", "odd list", "", word(9000), "1", word(70_000), "-0", "1.5")
	add("SADD", "odd set", "", word(9000), "1", word(65), "-0")
	add("ZADD", "odd sorted", "inf", "", "-inf", word(9000), "0.1", "1", "0", "zero", "1e17", "big", "1.7976931348623157e308", "most",
		"5e-324", "least", "9007199254740993", "even", "3", "same", "3", "sane", "1e-7", "small", "123456789012345680", "digits", "100000000000000000000", "twenty")
	for _, n := range []int{1, 100, 101, 1000} {
		key := fmt.Sprint("stream", n)
		for i := range n {
			add("XADD", key, fmt.Sprintf("%d-%d", 1700000000000+int64(i/3*1000), i%3+1), "field", fmt.Sprint(i), fmt.Sprint("other ", i%5), word(i%40))
		}
	}
	add("XDEL", "stream1000", "1700000100000-2", "1700000000000-1", "1700000333000-1", "1700000332000-3")
	add("XTRIM", "stream1000", "MAXLEN", "777")
	add("XADD", "odd stream", "MAXLEN", "3", "0-1", "", "", "", word(9000))
	add("XADD", "odd stream", "18446744073709551614-18446744073709551615", "-1", "12345678901")
	add("XSETID", "odd stream", "18446744073709551615-18446744073709551615", "ENTRIESADDED", "99", "MAXDELETEDID", "5-5")
	add("XADD", "empty stream", "MAXLEN", "0", "7-7", "f", "v")
	add("PEXPIREAT", "odd list", "4102444800123")
	add("SELECT", "9")
	add("RPUSH", "l", "a")
	add("SADD", "s", "a", "1")
	add("ZADD", "z", "1", "a")
	return commands
}

// filled is a store with every form.
func filled(t *testing.T) *Store {
	t.Helper()
	s := newStore(t, nil)
	c := s.NewSession(nil)
	for _, args := range everyForm() {
		if v := c.Do(argv(args...)); v.Kind == resp.Error {
			t.Fatalf("%.80q: %s", args, v.Str)
		}
	}
	return s
}

func load(t *testing.T, file []byte) *Store {
	t.Helper()
	s := newStore(t, nil)
	l := s.Replication().NewLoader()
	if err := l.LoadRDB(bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(backlog.History{ID: backlog.NewID(), SecondaryLimit: -1}); err != nil {
		t.Fatal(err)
	}
	return s
}

// What a store writes it loads again, in the same forms, with the same digest.
func TestFileOfEveryForm(t *testing.T) {
	s := filled(t)
	loaded := load(t, file(t, s))
	if got, want := loaded.Digest(), s.Digest(); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	for _, db := range []int{0, 9} {
		for key := range s.DB(db).Keys() {
			was, _ := s.DB(db).Do("OBJECT", "ENCODING", key)
			is, err := loaded.DB(db).Do("OBJECT", "ENCODING", key)
			if err != nil || was.Text() != is.Text() {
				t.Errorf("%q is %s, %v, was %s", key, is, err, was)
			}
		}
	}
}

// Real servers and the store read each other's files, and agree on what is in them:
// the digests are equal. Servers make theirs out of the very elements, in order.
func TestServersAndFiles(t *testing.T) {
	for _, name := range []string{"redis7-server", "redis8-server"} {
		t.Run(name, func(t *testing.T) {
			s := filled(t)
			want := s.Digest()
			p := startPeer(t, name, file(t, s))
			if got := p.digest(); got != want {
				t.Errorf("the server has digest %s of what it loaded, want %s", got, want)
			}
			p.do("FLUSHALL")
			for _, args := range everyForm() {
				if v := p.do(args...); v.Kind == resp.Error {
					t.Fatalf("%.80q: %s", args, v.Str)
				}
			}
			if got := p.digest(); got != want {
				t.Errorf("after the same commands the server has digest %s, want %s", got, want)
			}
			if got := load(t, p.save()).Digest(); got != want {
				t.Errorf("its file loads with digest %s, want %s", got, want)
			}
		})
	}
}

// Real servers RESTORE what DUMP gives here, and the other way round.
func TestServersAndDumps(t *testing.T) {
	for _, name := range []string{"redis7-server", "redis8-server"} {
		t.Run(name, func(t *testing.T) {
			s := filled(t)
			p := startPeer(t, name, nil)
			back := newStore(t, nil)
			for key := range s.DB(0).Keys() {
				payload, err := s.DB(0).Dump(key)
				if err != nil {
					t.Fatal(err)
				}
				deadline := "0"
				if at, ok := s.DB(0).ExpireTime(key); ok {
					deadline = fmt.Sprint(at.UnixMilli())
				}
				if v := p.do("RESTORE", key, deadline, payload, "ABSTTL"); v.Kind == resp.Error {
					t.Fatalf("RESTORE %.40q: %s", key, v)
				}
				if _, err := back.DB(0).Do("RESTORE", key, deadline, p.do("DUMP", key).Text(), "ABSTTL"); err != nil {
					t.Fatalf("RESTORE %.40q here: %v", key, err)
				}
			}
			for _, key := range []string{"l", "s", "z"} {
				if _, err := s.DB(9).Do("DEL", key); err != nil {
					t.Fatal(err)
				}
			}
			if want := s.Digest(); p.digest() != want || back.Digest() != want {
				t.Errorf("digests: server %s, restored here %s, want %s", p.digest(), back.Digest(), want)
			}
		})
	}
}

// Random SORTs give what a real server gives.
func TestServerSorts(t *testing.T) {
	p := startPeer(t, "redis7-server", nil)
	c := newStore(t, nil).NewSession(nil)
	both := func(line string) {
		t.Helper()
		args := inlineWords(t, line)
		words := make([]string, len(args))
		for i, a := range args {
			words[i] = string(a)
		}
		if got, want := c.Do(args).String(), p.do(words...).String(); got != want {
			t.Errorf("%s\n got %s\nwant %s", line, got, want)
		}
	}
	seed := uint64(7)
	random := rand.New(rand.NewPCG(seed, 1))
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	numbers := []string{"-1", "0", "3", "10", "2.5", "1e3", "-inf", "7", "70", "x", "", "0x10"}
	for i := range 3000 {
		switch random.IntN(6) {
		case 0:
			both(fmt.Sprintf("RPUSH l %q %q", pick(numbers...), fmt.Sprint(random.IntN(50))))
		case 1:
			both(fmt.Sprintf("ZADD z %d %d", random.IntN(20), random.IntN(30)))
		case 2:
			both(fmt.Sprintf("SADD s %d", random.IntN(30)))
		case 3:
			both(fmt.Sprintf("%s w%d %q", pick("SET", "SET", "SET", "LPUSH"), random.IntN(50), pick(numbers...)))
			both(fmt.Sprintf("HSET h%d f %q", random.IntN(50), pick(numbers...)))
		case 4:
			both("DEL " + pick("l", "z", "s", "d", "w1", "w2", "h1"))
		}
		key := pick("l", "z", "s", "none", "d", "h3")
		line := pick("SORT", "SORT", "SORT_RO") + " " + key
		by := pick("", "", "w*", "h*->f", "nosort", "h*->", "*")
		if by != "" && !(key == "s" && by == "nosort") { // the order of a set is nobody's
			line += " BY " + by
		}
		if by == "" || random.IntN(4) == 0 {
			line += pick("", "", " ALPHA")
		}
		line += pick("", "", " DESC", " ASC")
		line += pick("", "", fmt.Sprintf(" LIMIT %d %d", random.IntN(30)-3, random.IntN(30)-3))
		line += strings.Join([]string{pick("", "", " GET #"), pick("", "", " GET w*"), pick("", "", " GET h*->f", " GET x")}, "")
		line += pick("", "", "", " STORE d")
		if strings.Contains(line, "ALPHA") && by != "" && by != "nosort" {
			continue // equal weights come in any order
		}
		both(line)
		if t.Failed() {
			t.Fatalf("step %d of seed %d", i, seed)
		}
	}
}
