package clients

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// cli runs redis-cli to its end with a node as its server.
func cli(t *testing.T, v realserver.Version, n *node, stdin string, args ...string) (output string, code int) {
	t.Helper()
	return realserver.Run(t, realserver.Tool(t, v, "cli"), stdin, append([]string{"-h", "127.0.0.1", "-p", n.port(t)}, args...)...)
}

// One line of a shell each, on the same data. Without a terminal redis-cli prints replies bare, unless --no-raw.
func TestCLI(t *testing.T) {
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		n := startNodeTCP(t)
		for _, tc := range []struct {
			args  string
			stdin string
			want  string
			code  int
		}{
			{args: "PING", want: "PONG\n"},
			{args: "SET k v", want: "OK\n"},
			{args: "-x SET stdin", stdin: "two\nlines", want: "OK\n"},
			{args: "GET stdin", want: "two\nlines\n"},
			{args: "-r 3 INCR n", want: "1\n2\n3\n"},
			{args: "HSET h f 1 g 2", want: "2\n"},
			{args: "--no-raw HGETALL h", want: "1) \"f\"\n2) \"1\"\n3) \"g\"\n4) \"2\"\n"},
			{args: "-3 --no-raw HGETALL h", want: "1# \"f\" => \"1\"\n2# \"g\" => \"2\"\n"},
			{args: "--csv HGETALL h", want: "\"f\",\"1\",\"g\",\"2\"\n"},
			{args: "-3 --csv HGETALL h", want: "\"f\",\"1\",\"g\",\"2\"\n"},
			{args: "-3 --json HGETALL h", want: `{"f":"1","g":"2"}` + "\n"},
			{args: "-3 --json MGET k none", want: `["v",null]` + "\n"},
			{args: "--no-raw GET none", want: "(nil)\n"},
			{args: "-3 --no-raw GET none", want: "(nil)\n"},
			{args: "--no-raw INCR n", want: "(integer) 4\n"},
			{args: "--no-raw INCR k", want: "(error) ERR value is not an integer or out of range\n"},
			{args: "-e HGET k f", want: "WRONGTYPE Operation against a key holding the wrong kind of value\n", code: 1},
			{args: "-n 3 SET other db", want: "OK\n"},
			{args: "-n 3 DBSIZE", want: "1\n"},
			{args: `--quoted-input SET "\xfe\xff" "\n"`, want: "OK\n"},
			{args: `--scan --quoted-pattern "\xfe*"`, want: "\xfe\xff\n"},
			{args: "--scan --pattern [km]*", want: "k\n"},
			{args: "RPUSH l a b", want: "2\n"},
			{args: "--no-raw LRANGE l 0 -1", want: "1) \"a\"\n2) \"b\"\n"},
			{args: "-x LPUSH l", stdin: "of\nstdin", want: "3\n"},
			{args: "SADD set m", want: "1\n"},
			{args: "-3 --no-raw SMEMBERS set", want: "1~ \"m\"\n"},
			{args: "ZADD z 1.5 m inf top", want: "2\n"},
			{args: "--no-raw ZSCORE z m", want: "\"1.5\"\n"},
			{args: "-3 --no-raw ZSCORE z m", want: "(double) 1.5\n"},
			{args: "-3 --json ZRANGE z 0 0 WITHSCORES", want: `[["m",1.5]]` + "\n"},
			{args: "ZRANGE z 0 -1 WITHSCORES", want: "m\n1.5\ntop\ninf\n"},
			{args: "BLPOP l 0", want: "l\nof\nstdin\n"},
			{args: "--no-raw BLPOP none 0.01", want: "(nil)\n"},
			{args: "-3 --no-raw BZPOPMIN z 1", want: "1) \"z\"\n2) \"m\"\n3) (double) 1.5\n"},
			{args: "OBJECT ENCODING set", want: "listpack\n"},
			{args: "-e RESTORE l 0 nonsense", want: "BUSYKEY Target key name already exists.\n", code: 1},
			{args: "FLUSHALL ASYNC", want: "OK\n"},
		} {
			if output, code := cli(t, v, n, tc.stdin, strings.Fields(tc.args)...); output != tc.want || code != tc.code {
				t.Errorf("redis-cli %s: code %d, output %q, want %d, %q", tc.args, code, output, tc.code, tc.want)
			}
		}
	})
}

// Lines of standard input are commands on one connection: a database, a transaction and an error hold for it.
func TestCLIStandardInput(t *testing.T) {
	const script = `SELECT 2
SET "a b" 'it\'s'
nosuch
MULTI
INCR n
GET "a b"
EXEC
DBSIZE
HELLO 3
HSET h f v
HGETALL h
INCR n
`
	wantLines := []string{"OK", "OK", "ERR unknown command 'nosuch', with args beginning with: ", "", "OK", "QUEUED", "QUEUED", "1", "it's", "2"}
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		n := startNodeTCP(t)
		output, code := cli(t, v, n, script)
		if code != 0 || !strings.HasPrefix(output, strings.Join(wantLines, "\n")+"\n") {
			t.Errorf("code %d, output\n%s\nwant at first\n%s", code, output, strings.Join(wantLines, "\n"))
		}
		if !strings.Contains(output, "proto 3\n") || !strings.Contains(output, "f v\n") {
			t.Errorf("no greeting or no map of RESP3 in the output:\n%s", output)
		}
		c := n.conn(t)
		want(t, c, "OK", "SELECT", "2")
		want(t, c, "2", "GET", "n")
	})
}

// Mass insertion: the raw protocol on standard input, with replies counted and not awaited one by one.
func TestCLIPipe(t *testing.T) {
	const keys = 20_000
	var b strings.Builder
	for i := range keys {
		k := fmt.Sprintf("key:%d", i)
		fmt.Fprintf(&b, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$1\r\nv\r\n*2\r\n$4\r\nINCR\r\n$5\r\ncount\r\n", len(k), k)
	}
	good := b.String()
	bad := good + "*2\r\n$4\r\nINCR\r\n$5\r\nkey:0\r\n"
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		n := startNodeTCP(t)
		c := n.conn(t)
		output, code := cli(t, v, n, good, "--pipe")
		if want := fmt.Sprintf("errors: 0, replies: %d\n", 2*keys); code != 0 || !strings.HasSuffix(output, want) {
			t.Errorf("code %d, output %q, want %q", code, output, want)
		}
		want(t, c, fmt.Sprint(keys), "GET", "count")
		want(t, c, int64(keys+1), "DBSIZE")
		output, code = cli(t, v, n, bad, "--pipe", "--pipe-timeout", "0")
		if want := fmt.Sprintf("errors: 1, replies: %d\n", 2*keys+1); code != 1 || !strings.HasSuffix(output, want) {
			t.Errorf("with an error: code %d, output %q, want 1 and %q", code, output, want)
		}
	})
}

// Mass insertion of what are single commands for every type, pops among them.
func TestCLIPipeTypes(t *testing.T) {
	const rounds = 2000
	var b strings.Builder
	commands := 0
	add := func(args ...string) {
		fmt.Fprintf(&b, "*%d\r\n", len(args))
		for _, a := range args {
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
		}
		commands++
	}
	for i := range rounds {
		n := fmt.Sprint(i)
		add("RPUSH", "list", n, n)
		add("LPOP", "list")
		add("SADD", "set", "m"+n)
		add("ZADD", "zset", n, "m"+n)
		add("HSET", "hash", "f"+n, n)
		add("LMOVE", "list", "list:"+fmt.Sprint(i%7), "LEFT", "RIGHT")
	}
	add("SPOP", "set", "500")
	add("ZPOPMIN", "zset", "500")
	add("SORT", "list:0", "STORE", "sorted")
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		n := startNodeTCP(t)
		c := n.conn(t)
		output, code := cli(t, v, n, b.String(), "--pipe")
		if want := fmt.Sprintf("errors: 0, replies: %d\n", commands); code != 0 || !strings.HasSuffix(output, want) {
			t.Errorf("code %d, output %q, want %q", code, output, want)
		}
		want(t, c, int64(0), "EXISTS", "list")
		want(t, c, int64(rounds/7+1), "LLEN", "list:0")
		want(t, c, int64(rounds/7+1), "LLEN", "sorted")
		want(t, c, int64(rounds-500), "SCARD", "set")
		want(t, c, int64(rounds-500), "ZCARD", "zset")
		want(t, c, int64(rounds), "HLEN", "hash")
	})
}

// Values go from one server to another through a shell: redis-cli writes the reply of DUMP raw, with a line feed behind it, and reads the last argument of
// RESTORE. Here they go to a Redis, and from there to another node.
func TestCLIDumpRestore(t *testing.T) {
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		n, s, last := startNodeTCP(t), realserver.Start(t, v), startNodeTCP(t)
		c := n.conn(t)
		fillTypes(t, c)
		tool := realserver.Tool(t, v, "cli")
		carry := func(key, from, to string) {
			payload, code := realserver.Run(t, tool, "", "-p", from, "--raw", "DUMP", key)
			output, code2 := realserver.Run(t, tool, strings.TrimSuffix(payload, "\n"), "-p", to, "-x", "RESTORE", key, "0")
			if code != 0 || code2 != 0 || output != "OK\n" {
				t.Errorf("%s: DUMP %d, RESTORE %d, %q", key, code, code2, output)
			}
		}
		for _, key := range []string{"key:7", "hash", "list", "short list", "set", "ints", "zset", "short zset"} {
			carry(key, n.port(t), s.Port())
			carry(key, s.Port(), last.port(t))
		}
		realserver.AwaitEqual(t, patience, c, s)
		realserver.AwaitEqual(t, patience, c, last.conn(t))
	})
}

// What redis-cli finds by scanning a data set that takes it many pages.
func TestCLIScans(t *testing.T) {
	const keys = 500
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		n := startNodeTCP(t)
		c := n.conn(t)
		for i := range keys {
			want(t, c, "OK", "SET", fmt.Sprintf("key:%d", i), "v")
		}
		want(t, c, "OK", "SET", "long", strings.Repeat("x", 777))
		want(t, c, int64(3), "HSET", "wide", "a", "1", "b", "2", "c", "3")
		want(t, c, int64(4), "RPUSH", "queue", "a", "b", "c", "d")
		want(t, c, int64(2), "SADD", "tags", "a", "b")
		want(t, c, int64(1), "SADD", "tag", "a")
		want(t, c, int64(2), "ZADD", "scores", "1", "a", "2", "b")
		for i := range 3 {
			want(t, c, fmt.Sprintf("%d-0", i+1), "XADD", "events", fmt.Sprintf("%d-0", i+1), "name", "value")
		}
		want(t, c, "1-1", "XADD", "event", "1-1", "a", "b")
		output, code := cli(t, v, n, "", "--scan", "--pattern", "key:*")
		names := strings.Fields(output)
		slices.Sort(names)
		if names = slices.Compact(names); code != 0 || len(names) != keys {
			t.Errorf("--scan: code %d, %d different names, want %d", code, len(names), keys)
		}
		scanFinds(t, v, n, "--bigkeys", []string{
			fmt.Sprintf("Sampled %d keys in the keyspace!", keys+8),
			`Biggest string found "long" has 777 bytes`,
			`Biggest   hash found "wide" has 3 fields`,
			`Biggest   list found "queue" has 4 items`,
			`Biggest    set found "tags" has 2 members`,
			`Biggest   zset found "scores" has 2 members`,
			`Biggest stream found "events" has 3 entries`,
			fmt.Sprintf("%d strings with %d bytes", keys+1, keys+777),
			"1 hashs with 3 fields", "1 lists with 4 items", "2 sets with 3 members", "1 zsets with 2 members", "2 streams with 4 entries",
		})
		usage := func(key string) any { return c.Do("MEMORY", "USAGE", key) }
		scanFinds(t, v, n, "--memkeys", []string{
			fmt.Sprintf(`Biggest string found "long" has %d bytes`, usage("long")),
			fmt.Sprintf(`Biggest   hash found "wide" has %d bytes`, usage("wide")),
			fmt.Sprintf(`Biggest   list found "queue" has %d bytes`, usage("queue")),
			fmt.Sprintf(`Biggest    set found "tags" has %d bytes`, usage("tags")),
			fmt.Sprintf(`Biggest   zset found "scores" has %d bytes`, usage("scores")),
			fmt.Sprintf(`Biggest stream found "events" has %d bytes`, usage("events")),
			"2 sets with ", "2 streams with ",
		})
		output, code = cli(t, v, n, "", "--hotkeys")
		if code != 1 || !strings.Contains(output, "ERR An LFU maxmemory policy is not selected") {
			t.Errorf("--hotkeys: code %d, want 1 and the reason in\n%s", code, output)
		}
	})
}

// scanFinds runs one of redis-cli's scans and looks for lines of its summary.
func scanFinds(t *testing.T, v realserver.Version, n *node, flag string, lines []string) {
	t.Helper()
	output, code := cli(t, v, n, "", flag)
	output = strings.ReplaceAll(output, "'", "") // 7.0 has two kinds of quotes around a name
	for _, line := range lines {
		if code != 0 || !strings.Contains(output, line) {
			t.Errorf("%s: code %d, no %q in\n%s", flag, code, line, output)
		}
	}
}

// A backup by redis-cli is a file that a Redis of its version starts from.
func TestCLIBackup(t *testing.T) {
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		n := startNodeTCP(t)
		c := n.conn(t)
		fill(t, c)
		file := filepath.Join(t.TempDir(), "dump.rdb")
		if output, code := cli(t, v, n, "", "--rdb", file); code != 0 || !strings.Contains(output, "Transfer finished with success") {
			t.Errorf("--rdb: code %d, output %q", code, output)
		}
		s := realserver.Start(t, v, "--dir", filepath.Dir(file), "--dbfilename", filepath.Base(file))
		realserver.AwaitEqual(t, patience, c, s)
		again := startNodeTCP(t, "--dir", filepath.Dir(file), "--dbfilename", filepath.Base(file))
		realserver.AwaitEqual(t, patience, again.conn(t), s)
		if output, code := cli(t, v, n, "", "--rdb", "-"); code != 0 || !strings.Contains(output, "REDIS00") {
			t.Errorf("--rdb to standard output: code %d, output %.100q", code, output)
		}
		if got, err := os.Stat(file); err != nil || got.Size() == 0 {
			t.Errorf("the file of the backup: %v, %v", got, err)
		}
	})
}

// fill writes some of everything into two databases.
func fill(t *testing.T, c realserver.Doer) {
	t.Helper()
	for i := range 300 {
		k := fmt.Sprint(i)
		want(t, c, "OK", "SET", "key:"+k, strings.Repeat("v", i))
		want(t, c, int64(1), "HSET", "hash", "field:"+k, k)
	}
	want(t, c, "OK", "SET", "until", "v", "EX", "3600")
	fillTypes(t, c)
	want(t, c, "OK", "SELECT", "7")
	want(t, c, int64(1), "INCR", "n")
	want(t, c, "OK", "SELECT", "0")
}

// fillTypes writes a key:7, a hash, and a small and a large value of each further type.
func fillTypes(t *testing.T, c realserver.Doer) {
	t.Helper()
	want(t, c, "OK", "SET", "key:7", "v7")
	for i := range 1500 {
		n := fmt.Sprint(i)
		c.Do("HSET", "hash", "field:"+n, n)
		want(t, c, int64(i+1), "RPUSH", "list", strings.Repeat(n, 3))
		want(t, c, int64(1), "SADD", "set", "member:"+n)
		want(t, c, int64(1), "ZADD", "zset", fmt.Sprint(float64(i)/7), "member:"+n)
	}
	want(t, c, int64(3), "RPUSH", "short list", "", "a\r\n\x00", "12")
	want(t, c, int64(3), "SADD", "ints", "-1", "70000", "9223372036854775807")
	want(t, c, int64(3), "ZADD", "short zset", "-inf", "bottom", "0.1", "m", "+inf", "top")
}

// The password, by each of the ways to give it.
func TestCLIPassword(t *testing.T) {
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		n := startNodeTCP(t, "--requirepass", "secret")
		url := "redis://default:secret@127.0.0.1:" + n.port(t)
		for _, tc := range []struct{ args, want string }{
			{"PING", "NOAUTH Authentication required."},
			{"--no-auth-warning -a wrong PING", "WRONGPASS"},
			{"--no-auth-warning -a secret PING", "PONG\n"},
			{"--no-auth-warning -3 -a secret PING", "PONG\n"},
			{"--no-auth-warning --user default --pass secret PING", "PONG\n"},
			{"--no-auth-warning -u " + url + "/3 CLIENT INFO", " db=3 "},
		} {
			if output, _ := cli(t, v, n, "", strings.Fields(tc.args)...); !strings.Contains(output, tc.want) {
				t.Errorf("redis-cli %s: %q, want %q", tc.args, output, tc.want)
			}
		}
	})
}

// INFO and the lists that people read when something is wrong.
func TestCLIInspects(t *testing.T) {
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		n := startNodeTCP(t)
		for args, want := range map[string]string{
			"INFO":                              "# Replication\r\nrole:master\r\n",
			"INFO server clients":               "# Clients\r\nconnected_clients:",
			"CLIENT LIST":                       " cmd=client|list ",
			"CONFIG GET maxmemory-*":            "maxmemory-policy\nnoeviction\n",
			"ROLE":                              "master\n0\n",
			"LATENCY LATEST":                    "\n",
			"SLOWLOG RESET":                     "OK\n",
			"COMMAND COUNT":                     "\n",
			"COMMAND GETKEYS SET a b":           "a\n",
			"--no-raw COMMAND INFO get":         "(integer) 2\n",
			"DEBUG DIGEST":                      strings.Repeat("0", 40),
			"help config get":                   "CONFIG GET",
			"help @transactions":                "UNWATCH",
			"--no-raw COMMAND INFO config|get":  "\"config|get\"\n",
			"COMMAND LIST FILTERBY ACLCAT hash": "hvals\n",
			"MEMORY DOCTOR":                     "ERR understudy does not offer 'MEMORY DOCTOR'",
			"MEMORY PURGE":                      "OK\n",
			"MODULE LIST":                       "ERR understudy does not offer 'MODULE'",
			"-3 --json CONFIG GET repl-timeout": `{"repl-timeout":"60"}`,
		} {
			if output, code := cli(t, v, n, "", strings.Fields(args)...); code != 0 || !strings.Contains(output, want) {
				t.Errorf("redis-cli %s: code %d, %q, want %q", args, code, output, want)
			}
		}
	})
}
