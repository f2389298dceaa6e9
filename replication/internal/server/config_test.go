package server

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSplitLine(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string // nil with err
		err  error
	}{
		{"", nil, nil},
		{"   \t ", nil, nil},
		{"# port 1", nil, nil},
		{"  # port 1", nil, nil},
		{"port 1", []string{"port", "1"}, nil},
		{"  port \t 1  ", []string{"port", "1"}, nil},
		{"port 1\r", []string{"port", "1"}, nil},
		{`save ""`, []string{"save", ""}, nil},
		{`requirepass "a b"`, []string{"requirepass", "a b"}, nil},
		{`x "a\"b\\c\n\r\t\b\a\x41\q"`, []string{"x", "a\"b\\c\n\r\t\b\aAq"}, nil},
		{`x "\x4"`, []string{"x", "x4"}, nil},
		{`x "\xZZ"`, []string{"x", "xZZ"}, nil},
		{`x 'a\'b\n"'`, []string{"x", `a'b\n"`}, nil},
		{`x a#b`, []string{"x", "a#b"}, nil},
		{`x "a" "b"`, []string{"x", "a", "b"}, nil},
		{`x "a`, nil, errQuotes},
		{`x "a\`, nil, errQuotes},
		{`x "a\"`, nil, errQuotes},
		{`x 'a`, nil, errQuotes},
		{`x "a"b`, nil, errQuotes},
		{`x 'a'"b"`, nil, errQuotes},
	} {
		got, err := SplitLine(c.line)
		if !slices.Equal(got, c.want) || !errors.Is(err, c.err) {
			t.Errorf("SplitLine(%q) = %q, %v, want %q, %v", c.line, got, err, c.want, c.err)
		}
	}
}

// FuzzQuote: what quote writes, SplitLine reads back. And SplitLine takes any line.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a", "a b", `"`, `\`, "\x00\xff\r\n", "#", "é", "'", `\x41`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, word string) {
		SplitLine(word) // must not panic, whatever it says
		got, err := SplitLine("name " + quote(word) + " end")
		if err != nil || !slices.Equal(got, []string{"name", word, "end"}) {
			t.Errorf("quote(%q) = %s, which reads as %q, %v", word, quote(word), got, err)
		}
	})
}

func TestParseBytes(t *testing.T) {
	for _, c := range []struct {
		word string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"100", 100, true}, {"100b", 100, true}, {"1k", 1000, true}, {"1KB", 1024, true}, {"2m", 2000000, true}, {"2Mb", 2 << 20, true},
		{"3g", 3000000000, true}, {"3gb", 3 << 30, true}, {"9223372036854775807", 1<<63 - 1, true},
		{"", 0, false}, {"b", 0, false}, {"kb", 0, false}, {"-1", 0, false}, {"1.5mb", 0, false}, {"1bk", 0, false}, {"1kk", 0, false}, {"1x", 0, false},
		{"9223372036854775808", 0, false}, {"9223372036854775807kb", 0, false}, {"8589934592gb", 0, false}, {"8589934591gb", 8589934591 << 30, true},
	} {
		if got, ok := parseBytes(c.word); ok != c.ok || ok && got != c.want {
			t.Errorf("parseBytes(%q) = %d, %v, want %d, %v", c.word, got, ok, c.want, c.ok)
		}
	}
}

// args reads a command line; one that names a file finds it in dir.
func TestParseArgs(t *testing.T) {
	for _, c := range []struct {
		name  string
		args  []string
		stdin string
		want  map[string]string // of what differs from the defaults
	}{
		{name: "nothing"},
		{name: "flag", args: []string{"--port", "7000"}, want: map[string]string{"port": "7000"}},
		{name: "upper case", args: []string{"--PORT", "7000"}, want: map[string]string{"port": "7000"}},
		{name: "flags", args: []string{"--port", "7000", "--hz", "20"}, want: map[string]string{"port": "7000", "hz": "20"}},
		{name: "the last wins", args: []string{"--port", "7000", "--port", "7001"}, want: map[string]string{"port": "7001"}},
		{name: "primary in one word", args: []string{"--replicaof", "127.0.0.1 6379"}, want: map[string]string{"replicaof": "127.0.0.1 6379"}},
		{name: "primary in two words", args: []string{"--replicaof", "127.0.0.1", "6379"}, want: map[string]string{"replicaof": "127.0.0.1 6379"}},
		{name: "primary, old name", args: []string{"--slaveof", "h 1"}, want: map[string]string{"replicaof": "h 1"}},
		{name: "no primary", args: []string{"--replicaof", "NO", "ONE"}, want: map[string]string{"replicaof": ""}},
		{name: "alias", args: []string{"--slave-read-only", "NO"}, want: map[string]string{"replica-read-only": "no"}},
		{name: "memory", args: []string{"--repl-backlog-size", "2mb"}, want: map[string]string{"repl-backlog-size": "2097152"}},
		{name: "memory without effect", args: []string{"--hll-sparse-max-bytes", "100mb"}, want: map[string]string{"hll-sparse-max-bytes": "104857600"}},
		{name: "save off", args: []string{"--save", ""}, want: map[string]string{"save": ""}},
		{name: "save without a word", args: []string{"--save", "--port", "1"}, want: map[string]string{"save": "", "port": "1"}},
		{name: "save replaces the defaults", args: []string{"--save", "60 1"}, want: map[string]string{"save": "60 1"}},
		{name: "save adds up", args: []string{"--save", "60 1", "--save", "30", "2"}, want: map[string]string{"save": "60 1 30 2"}},
		{name: "save off at last", args: []string{"--save", "60 1", "--save", ""}, want: map[string]string{"save": ""}},
		{name: "a word with spaces", args: []string{"--requirepass", "a b"}, want: map[string]string{"requirepass": "a b"}},
		{name: "limits", args: []string{"--client-output-buffer-limit", "replica", "1mb", "0", "0"},
			want: map[string]string{"client-output-buffer-limit": "normal 0 0 0 slave 1048576 0 0 pubsub 33554432 8388608 60"}},
		{name: "limits add up", args: []string{"--client-output-buffer-limit", "slave 1 2 3 normal 4 5 6", "--client-output-buffer-limit", "PUBSUB 7 8 9"},
			want: map[string]string{"client-output-buffer-limit": "normal 4 5 6 slave 1 2 3 pubsub 7 8 9"}},
		{name: "unused", args: []string{"--appendonly", "yes"}, want: map[string]string{"appendonly": "yes"}},
		{name: "stdin", args: []string{"-"}, stdin: "port 7000\n\n# x\nmaxclients 5", want: map[string]string{"port": "7000", "maxclients": "5"}},
		{name: "flags win", args: []string{"-", "--port", "7002"}, stdin: "port 7000\nhz 20\n", want: map[string]string{"port": "7002", "hz": "20"}},
		{name: "save of file and flags", args: []string{"-", "--save", "5 5"}, stdin: "save 1 1\nsave 2 2\n", want: map[string]string{"save": "1 1 2 2 5 5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := ParseArgs(c.args, strings.NewReader(c.stdin))
			if err != nil {
				t.Fatal(err)
			}
			delete(cfg.values, "dir")
			if c.want == nil {
				c.want = map[string]string{}
			}
			if !reflect.DeepEqual(cfg.values, c.want) {
				t.Errorf("ParseArgs(%q) = %q, want %q", c.args, cfg.values, c.want)
			}
		})
	}
}

func TestParseArgsMistakes(t *testing.T) {
	for _, c := range []struct {
		args  []string
		stdin string
		want  string
	}{
		{args: []string{"--nonsense", "1"}, want: "argument 1: nonsense: no such directive"},
		{args: []string{"--port", "1", "--nonsense", "1"}, want: "argument 3: nonsense: no such directive"},
		{args: []string{"-", "--nonsense"}, want: "argument 2: nonsense: no such directive"},
		{args: []string{"-"}, stdin: "port 1\nnonsense 1", want: "-:2: nonsense: no such directive"},
		{args: []string{"-"}, stdin: "\n\nport x", want: "-:3: port: argument couldn't be parsed into an integer"},
		{args: []string{"-"}, stdin: "port \"1", want: "-:1: unbalanced quotes"},
		{args: []string{"-"}, stdin: "include other.conf", want: "-:1: include: include is not supported; put all directives into one file"},
		{args: []string{"--port"}, want: "argument 1: port: wrong number of arguments"},
		{args: []string{"--port", "1", "2"}, want: "argument 1: port: wrong number of arguments"},
		{args: []string{"--port", "65536"}, want: "argument 1: port: argument must be between 0 and 65535 inclusive"},
		{args: []string{"--replicaof", "a"}, want: "argument 1: replicaof: wrong number of arguments"},
		{args: []string{"--replicaof", "a b"}, want: "argument 1: replicaof: Invalid master port"},
		{args: []string{"--save", "1"}, want: "argument 1: save: Invalid save parameters"},
		{args: []string{"--daemonize", "yes"}, want: "argument 1: daemonize: argument(s) must be one of the following: no"},
		{args: []string{"--dbfilename", "../x"}, want: "argument 1: dbfilename: dbfilename can't be a path, just a filename"},
		{args: []string{"--unixsocketperm", "999"}, want: "argument 1: unixsocketperm: argument couldn't be parsed into an integer"},
		{args: []string{"-", "x"}, want: `argument 2: "x" is not a flag`},
		{args: []string{"--", "x"}, want: `argument 1: "--" is not a flag`},
		{args: []string{"-"}, stdin: strings.Repeat("x", maxConfigLine+1), want: "-:1: bufio.Scanner: token too long"},
	} {
		_, err := ParseArgs(c.args, strings.NewReader(c.stdin))
		if err == nil || err.Error() != c.want {
			t.Errorf("ParseArgs(%q), stdin %.40q: %v, want %s", c.args, c.stdin, err, c.want)
		}
		var place *ConfigError
		if !errors.As(err, &place) || place.Line == 0 {
			t.Errorf("ParseArgs(%q): %T without a place", c.args, err)
		}
	}
}

func TestConfigFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.conf")
	if err := os.WriteFile(path, []byte("port 7000\nmaxmemory-clients 1gb\nappendonly no\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := ParseArgs([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.File() != path || cfg.Int("port") != 7000 {
		t.Errorf("file %q, port %d, want %q, 7000", cfg.File(), cfg.Int("port"), path)
	}
	quiet, broken := cfg.Unused()
	if want := []string{"appendonly"}; !slices.Equal(quiet, want) {
		t.Errorf("Unused = %q, want %q", quiet, want)
	}
	if want := []string{"maxmemory-clients"}; !slices.Equal(broken, want) {
		t.Errorf("promises = %q, want %q", broken, want)
	}
	if _, err := ParseArgs([]string{path + ".not"}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v, want %v", err, os.ErrNotExist)
	}
	os.WriteFile(path, []byte("port 7000\nnonsense\n"), 0o600)
	if _, err := ParseArgs([]string{path}, nil); err == nil || err.Error() != path+":2: nonsense: no such directive" {
		t.Errorf("mistake in a file: %v", err)
	}
}

func TestTypedValues(t *testing.T) {
	cfg := testConfig(t, "--repl-timeout", "7", "--replicaof", "h 1", "--client-output-buffer-limit", "normal 1 0 0 replica 2 1 5", "--save", "60 1 300 10",
		"--repl-backlog-ttl", "9223372036854775807", "--understudy-sync-budget", "3mb",
		"--masterauth", "p", "--masteruser", "u", "--replica-announce-port", "9", "--replica-announce-ip", "i", "--repl-diskless-sync", "no", "--port", "77")
	if got := cfg.Seconds("repl-timeout"); got != 7*time.Second {
		t.Errorf("repl-timeout = %v", got)
	}
	if host, port := cfg.Primary(); host != "h" || port != 1 {
		t.Errorf("Primary = %q, %d", host, port)
	}
	if got := cfg.savePoints(); !slices.Equal(got, []savePoint{{time.Minute, 1}, {5 * time.Minute, 10}}) {
		t.Errorf("savePoints = %v", got)
	}
	want := Settings{ReadOnlyReplica: true, Timeout: 7 * time.Second, PingPeriod: 10 * time.Second, DisklessDelay: 5 * time.Second, OutputLimit: 2, BacklogBytes: 1 << 20, MaxLag: 10 * time.Second,
		SoftLimit: 1, SoftTime: 5 * time.Second, SyncBudget: 3 << 20, BacklogTTL: maxDelay,
		Guarded: true, GuardPercent: 10, GuardFreshPercent: 90, RetainFormer: 5 * time.Minute,
		LoadMode: "disabled", SpoolDir: cfg.Text("dir"), Username: "u", Password: "p", AnnounceIP: "i", AnnouncePort: 9, ListeningPort: 77, Priority: 100}
	if got := cfg.Settings(); got != want {
		t.Errorf("Settings = %+v, want %+v", got, want)
	}
	if got := cfg.outputLimit(classNormal); got != 1 {
		t.Errorf("outputLimit(normal) = %d", got)
	}
}

// TestDirectiveTable checks the table against itself: each default is what its own parser would make of it, and no name is taken twice.
func TestDirectiveTable(t *testing.T) {
	seen := map[string]bool{}
	ds := newDirectives()
	for _, d := range ds.table {
		for _, name := range append([]string{d.name}, d.aliases...) {
			if seen[name] || name != strings.ToLower(name) {
				t.Errorf("directive %q is twice in the table, or not in lower case", name)
			}
			seen[name] = true
		}
		if d.unused && d.kind == kindAny || d.kind == kindDir {
			continue
		}
		words := []string{d.def}
		if d.kind.wordy() {
			words = strings.Fields(d.def)
		}
		if got, err := d.parse(words, d.def); err != nil || got != d.def {
			t.Errorf("default of %s: %q reads as %q, %v", d.name, d.def, got, err)
		}
	}
}

func TestRewrite(t *testing.T) {
	for _, c := range []struct {
		name, old string
		edit      map[string]string
		want      string
	}{
		{"nothing to do", "# hi\nport 1\n", nil, "# hi\nport 1\n"},
		{"changed in place", "# hi\nPORT 1\n\nhz 10\n", map[string]string{"port": "2"}, "# hi\nport 2\n\nhz 10\n"},
		{"added", "# hi\n", map[string]string{"hz": "20"}, "# hi\n# Generated by CONFIG REWRITE\nhz 20\n"},
		{"added once more", "# Generated by CONFIG REWRITE\nhz 20\n", map[string]string{"hz": "20", "timeout": "5"}, "# Generated by CONFIG REWRITE\nhz 20\ntimeout 5\n"},
		{"back to the default", "hz 20\n", map[string]string{"hz": "10"}, "hz 10\n"},
		{"a default is not added", "", map[string]string{"hz": "10"}, "\n"},
		{"several lines become one", "save 1 1\nhz 10\nsave 2 2\n", map[string]string{"save": "3 3 4 4"}, "save 3 3 4 4\nhz 10\n"},
		{"save off", "save 1 1\n", map[string]string{"save": ""}, "save \"\"\n"},
		{"promoted", "port 1\nslaveof h 1\n", map[string]string{"replicaof": ""}, "port 1\n"},
		{"demoted", "port 1\n", map[string]string{"replicaof": "h 1"}, "port 1\n# Generated by CONFIG REWRITE\nreplicaof h 1\n"},
		{"re-pointed", "slaveof h 1\n", map[string]string{"replicaof": "i 2"}, "replicaof i 2\n"},
		{"quoted", "requirepass x\n", map[string]string{"requirepass": "a \"b\"\n"}, "requirepass \"a \\\"b\\\"\\x0a\"\n"},
		{"without effect", "rename-command A B\nrename-command C \"\"\nappendonly yes\n", map[string]string{"appendonly": "no", "maxmemory-clients": "1"}, "rename-command A B\nrename-command C \"\"\nappendonly yes\n"},
		{"without effect, set by a client", "hz 10\nlfu-decay-time 1\nrename-command A B\n", map[string]string{"SET lfu-decay-time": "7", "SET pidfile": "a \"b"},
			"hz 10\nlfu-decay-time 7\nrename-command A B\n# Generated by CONFIG REWRITE\npidfile a \"\\\"b\"\n"},
		{"not understood", "port 1\nx \"y\n", nil, "port 1\nx \"y\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := NewConfig()
			delete(cfg.values, "dir")
			cfg.file = filepath.Join(t.TempDir(), "c")
			if err := os.WriteFile(cfg.file, []byte(c.old), 0o640); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(c.old, "# hi\nport 1") || strings.HasPrefix(c.old, "port 1") {
				cfg.values["port"] = "1"
			}
			for name, v := range c.edit {
				if set, ok := strings.CutPrefix(name, "SET "); ok {
					if err := cfg.setPairs([][]byte{[]byte(set), []byte(v)}); err != nil {
						t.Fatal(err)
					}
					continue
				}
				cfg.values[name] = v
			}
			if err := cfg.Rewrite(); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(cfg.file)
			if err != nil || string(got) != c.want {
				t.Errorf("rewritten to %q, %v, want %q", got, err, c.want)
			}
			if info, err := os.Stat(cfg.file); err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("mode %v, %v, want that of the old file", info.Mode(), err)
			}
			if left, _ := os.ReadDir(filepath.Dir(cfg.file)); len(left) != 1 {
				t.Errorf("%d files beside the rewritten one", len(left)-1)
			}
		})
	}
}

// TestKnownLists: each name in the lists about accepted directives is one of these.
func TestKnownLists(t *testing.T) {
	table := acceptedDirectives()
	for _, name := range append(strings.Fields(inBytes), strings.Fields(promises)...) {
		if !slices.ContainsFunc(table, func(d directive) bool { return d.name == name }) {
			t.Errorf("%s is not an accepted directive", name)
		}
	}
}

// TestRewriteRoundTrip: a server started from a rewritten file is configured as the one that wrote it.
func TestRewriteRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	os.WriteFile(path, nil, 0o600)
	dir := t.TempDir()
	cfg, err := ParseArgs([]string{path, "--port", "7000", "--save", "1 1 2 2", "--requirepass", "a b", "--client-output-buffer-limit", "replica 1 2 3", "--dir", dir,
		"--bind", "127.0.0.1 ::1", "--slaveof", "h 1", "--unixsocketperm", "700"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.Rewrite(); err != nil {
		t.Fatal(err)
	}
	again, err := ParseArgs([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again.values, cfg.values) {
		t.Errorf("read back as %q, want %q", again.values, cfg.values)
	}
}
