package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// build compiles one of the programs under examples and returns its path.
func build(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", path, "../../../examples/"+name).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// started is examples/node as a process.
type started struct {
	*realserver.Program
	addr string
	cli  func(args ...string) string // what redis-cli prints when it is asked this
}

// startProgram starts examples/node on a free port with args before the port's flag, and returns when it serves. The port that was free may be taken by
// then; so another one is tried.
func startProgram(t *testing.T, v realserver.Version, binary string, args ...string) started {
	t.Helper()
	for range 5 {
		port := strconv.Itoa(realserver.FreePort(t))
		p := realserver.StartProgram(t, binary, append(args[:len(args):len(args)], "--port", port)...)
		serving := func() bool { return strings.Contains(p.Output(), "accepting clients") }
		taken := func() bool { return strings.Contains(p.Output(), "address already in use") }
		realserver.Await(t, patience, func() bool { return serving() || taken() }, "the program serves")
		if serving() {
			return started{p, "127.0.0.1:" + port, func(args ...string) string {
				t.Helper()
				out, _ := realserver.Run(t, realserver.Tool(t, v, "cli"), "", append([]string{"-p", port}, args...)...)
				return strings.TrimSuffix(out, "\n")
			}}
		}
		p.Wait()
	}
	t.Fatal("five free ports were taken")
	return started{}
}

// expect asks by redis-cli and compares.
func (s started) expect(t *testing.T, want string, args ...string) {
	t.Helper()
	if got := s.cli(args...); got != want {
		t.Errorf("redis-cli %q = %q, want %q", args, got, want)
	}
}

func (s started) ended(t *testing.T, why string, want int) {
	t.Helper()
	if code := s.Wait(); code != want {
		t.Errorf("exit code %d after %s, want %d:\n%s", code, why, want, s.Output())
	}
}

func TestNodeProgram(t *testing.T) {
	binary := build(t, "node")
	t.Run("mistakes", func(t *testing.T) { nodeMistakes(t, binary) })
	eachVersion(t, func(t *testing.T, v realserver.Version) { nodeStory(t, v, binary) })
	t.Run("restart", func(t *testing.T) { nodeRestart(t, realserver.R7, binary) })
}

// nodeStory is what examples/node tells in its header: it follows a real Redis, is followed by one, is asked by redis-cli, and comes to each of its ends.
func nodeStory(t *testing.T, v realserver.Version, binary string) {
	s := realserver.Start(t, v)
	want(t, s, "OK", "SET", "greeting", "hello")
	dir := t.TempDir()
	conf := filepath.Join(dir, "node.conf")
	writeFile(t, conf, "# as redis.conf has it\nbind 127.0.0.1\ndir "+dir+"\ndbfilename other.rdb\nsave 3600 1\nio-threads 4\n")
	file := filepath.Join(dir, "x.rdb")

	n := startProgram(t, v, binary, conf, "--dbfilename", "x.rdb", "--save", "", "--replicaof", "127.0.0.1 "+s.Port())
	realserver.Await(t, patience, func() bool { return strings.Contains(n.cli("INFO", "replication"), "master_link_status:up") }, "the link is up")
	n.expect(t, "hello", "GET", "greeting")
	want(t, s, int64(1), "INCR", "n")
	want(t, s, int64(1), "WAIT", "1", "20000")
	n.expect(t, "1", "GET", "n")
	n.expect(t, "READONLY You can't write against a read only replica.\n", "SET", "greeting", "x")
	n.expect(t, "", "SHUTDOWN")
	n.ended(t, "SHUTDOWN", 0)
	if got := strings.Count(n.Output(), "io-threads"); got != 1 {
		t.Errorf("a directive without effect is named %d times, want once:\n%s", got, n.Output())
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.rdb")); files != nil {
		t.Errorf("without save points there are the files %q", files)
	}

	// As a primary it saves what it has, and has it again.
	n = startProgram(t, v, binary, conf, "--dbfilename", "x.rdb", "--repl-diskless-sync-delay", "0")
	n.expect(t, "OK", "SET", "mine", "v")
	n.Signal(syscall.SIGTERM)
	n.ended(t, "SIGTERM", 0)
	if _, err := os.Stat(file); err != nil {
		t.Errorf("with a save point: %v", err)
	}
	n = startProgram(t, v, binary, conf, "--dbfilename", "x.rdb", "--repl-diskless-sync-delay", "0")
	n.expect(t, "v", "GET", "mine")

	// A real Redis follows it.
	want(t, s, "OK", "REPLICAOF", "127.0.0.1", n.addr[len("127.0.0.1:"):])
	realserver.Await(t, patience, func() bool { return s.Do("GET", "mine") == "v" }, "Redis has the node's data")
	n.expect(t, "1", "WAIT", "1", "20000")
	n.Signal(os.Interrupt)
	n.ended(t, "an interrupt", 0)
}

// nodeRestart changes role and settings by commands, has them written to the configuration file, and finds them again in a program that is told of the file alone.
func nodeRestart(t *testing.T, v realserver.Version, binary string) {
	s := realserver.Start(t, v)
	want(t, s, "OK", "SET", "greeting", "hello")
	dir := t.TempDir()
	conf := filepath.Join(dir, "node.conf")
	writeFile(t, conf, "# a comment that stays\nbind 127.0.0.1\ndir "+dir+"\nmaxclients 500\nsave \"\"\n")
	n := startProgram(t, v, binary, conf)
	n.expect(t, "OK", "REPLICAOF", "127.0.0.1", s.Port())
	settings := [][2]string{
		{"maxclients", "77"}, {"timeout", "600"}, {"notify-keyspace-events", "AKE"}, {"client-query-buffer-limit", "2097152"}, {"slowlog-log-slower-than", "5"},
		{"replica-priority", "7"}, {"save", "3600 1"}, {"list-max-listpack-size", "-3"}, {"requirepass", "with \"quotes\" and blanks"},
	}
	for _, set := range settings {
		n.expect(t, "OK", "CONFIG", "SET", set[0], set[1])
	}
	login := []string{"--no-auth-warning", "-a", settings[len(settings)-1][1]}
	with := func(args ...string) []string { return append(login[:len(login):len(login)], args...) }
	n.expect(t, "NOAUTH Authentication required.\n", "CONFIG", "REWRITE")
	n.expect(t, "OK", with("CONFIG", "REWRITE")...)
	n.Signal(syscall.SIGTERM)
	n.ended(t, "SIGTERM", 0)

	n = startProgram(t, v, binary, conf)
	n.expect(t, "NOAUTH Authentication required.\n", "GET", "greeting")
	for _, set := range settings {
		n.expect(t, set[0]+"\n"+set[1], with("CONFIG", "GET", set[0])...)
	}
	realserver.Await(t, patience, func() bool { return strings.Contains(n.cli(with("INFO", "replication")...), "master_link_status:up") }, "the link is up")
	n.expect(t, "hello", with("GET", "greeting")...)
	n.expect(t, "OK", with("REPLICAOF", "NO", "ONE")...)
	n.expect(t, "OK", with("CONFIG", "REWRITE")...)
	n.Signal(syscall.SIGTERM)
	n.ended(t, "SIGTERM", 0)

	n = startProgram(t, v, binary, conf)
	n.expect(t, "OK", with("SET", "greeting", "as a primary")...)
	if b, err := os.ReadFile(conf); err != nil || !strings.HasPrefix(string(b), "# a comment that stays\n") || strings.Contains(string(b), "replicaof") {
		t.Errorf("the file is %q, %v", b, err)
	}
	n.Signal(syscall.SIGTERM)
	n.ended(t, "SIGTERM", 0)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// nodeMistakes end the program at once, with a text that says where.
func nodeMistakes(t *testing.T, binary string) {
	dir := t.TempDir()
	conf, broken := filepath.Join(dir, "node.conf"), filepath.Join(dir, "dump.rdb")
	writeFile(t, conf, "port 0\nnosuch 1\n")
	writeFile(t, broken, "REDIS0010nonsense")
	taken := startNodeTCP(t)
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--nosuch", "1"}, 1, "node: argument 1: nosuch: no such directive\n"},
		{[]string{conf}, 1, "node: " + conf + ":2: nosuch: no such directive\n"},
		{[]string{"--port", "none"}, 1, "node: argument 1: port: "},
		{[]string{"--bind", "127.0.0.1", "--port", taken.port(t)}, 1, "address already in use\n"},
		{[]string{"--port", "0", "--dir", dir}, 1, "node: load " + broken},
		{[]string{"--help"}, 0, "usage: node "},
		{[]string{"--version"}, 0, "understudy v="},
	} {
		if output, code := realserver.Run(t, binary, "", tc.args...); code != tc.code || !strings.Contains(output, tc.want) {
			t.Errorf("node %q: code %d, output %q, want %d, %q", tc.args, code, output, tc.code, tc.want)
		}
	}
}

func TestReplicaProgram(t *testing.T) {
	binary := build(t, "replica")
	t.Run("ends", func(t *testing.T) { replicaEnds(t, binary) })
	eachVersion(t, func(t *testing.T, v realserver.Version) { replicaSession(t, v, binary) })
}

// replicaSession is one at the prompt of examples/replica, over a link that breaks and comes back.
func replicaSession(t *testing.T, v realserver.Version, binary string) {
	s := realserver.Start(t, v)
	want(t, s, "OK", "SET", "two words", "v")
	p := realserver.StartProgram(t, binary, "redis://"+s.Addr())
	p.Await("[streaming]")
	for _, line := range [][2]string{
		{`get "two words"`, "\"v\"\n"},
		{"status", "1 keys in database 0"},
		{"set k v", "READONLY"},
		{"nosuch", "ERR unknown command"},
		{`get "open`, "not understood"},
	} {
		p.Input(line[0] + "\n")
		p.Await(line[1])
	}
	s.KillReplicaLinks()
	want(t, s, "OK", "SET", "after the cut", "still here")
	realserver.Await(t, patience, func() bool { return s.Do("WAIT", "1", "100") == int64(1) }, "the replica has come back")
	p.Input("get \"after the cut\"\n")
	p.Await("\"still here\"\n")
	p.CloseInput()
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d at the end of the input, want 0:\n%s", code, p.Output())
	}

	// Without a primary: reads go on, and the exit code tells.
	p = realserver.StartProgram(t, binary, "redis://"+s.Addr())
	p.Await("[streaming]")
	s.Kill()
	p.Await("[waiting]")
	p.Input("get \"two words\"\n")
	p.Await("\"v\"\n")
	p.Input("quit\n")
	if code := p.Wait(); code != 1 {
		t.Errorf("exit code %d after quit with the primary gone, want 1:\n%s", code, p.Output())
	}
}

func replicaEnds(t *testing.T, binary string) {
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, "usage: replica redis://"},
		{[]string{"a", "b"}, 2, "usage: replica redis://"},
		{[]string{"http://127.0.0.1"}, 1, "replica: "},
	} {
		if output, code := realserver.Run(t, binary, "", tc.args...); code != tc.code || !strings.Contains(output, tc.want) {
			t.Errorf("replica %q: code %d, output %q, want %d, %q", tc.args, code, output, tc.code, tc.want)
		}
	}
	n := startNodeTCP(t)
	p := realserver.StartProgram(t, binary, "redis://"+n.addr)
	p.Await("[streaming]")
	p.Signal(os.Interrupt)
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d after an interrupt while the link is well, want 0:\n%s", code, p.Output())
	}
}
