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
		output, code := cli(t, v, n, "", "--scan", "--pattern", "key:*")
		names := strings.Fields(output)
		slices.Sort(names)
		if names = slices.Compact(names); code != 0 || len(names) != keys {
			t.Errorf("--scan: code %d, %d different names, want %d", code, len(names), keys)
		}
		output, code = cli(t, v, n, "", "--bigkeys")
		output = strings.ReplaceAll(output, "'", "") // 7.0 has two kinds of quotes around a name
		for _, line := range []string{
			fmt.Sprintf("Sampled %d keys in the keyspace!", keys+2),
			`Biggest string found "long" has 777 bytes`,
			`Biggest   hash found "wide" has 3 fields`,
			fmt.Sprintf("%d strings with %d bytes", keys+1, keys+777),
			"1 hashs with 3 fields",
		} {
			if code != 0 || !strings.Contains(output, line) {
				t.Errorf("--bigkeys: code %d, no %q in\n%s", code, line, output)
			}
		}
	})
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
	want(t, c, "OK", "SELECT", "7")
	want(t, c, int64(1), "INCR", "n")
	want(t, c, "OK", "SELECT", "0")
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
			"SLOWLOG LEN":                       "0\n",
			"COMMAND COUNT":                     "\n",
			"COMMAND GETKEYS SET a b":           "a\n",
			"--no-raw COMMAND INFO get":         "(integer) 2\n",
			"DEBUG DIGEST":                      strings.Repeat("0", 40),
			"MEMORY DOCTOR":                     "ERR understudy does not offer 'MEMORY'",
			"-3 --json CONFIG GET repl-timeout": `{"repl-timeout":"60"}`,
		} {
			if output, code := cli(t, v, n, "", strings.Fields(args)...); code != 0 || !strings.Contains(output, want) {
				t.Errorf("redis-cli %s: code %d, %q, want %q", args, code, output, want)
			}
		}
	})
}
