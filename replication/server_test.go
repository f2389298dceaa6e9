package replication_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/store"
)

func ExampleNewServer() {
	s, err := replication.NewServer([]string{"--port", "0", "--save", ""}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // a program would wait for a signal
	fmt.Println(s.Run(ctx))

	_, err = replication.NewServer([]string{"--prot", "6380"}, nil)
	fmt.Println(err)
	// Output:
	// <nil>
	// argument 1: prot: no such directive
}

// running is a Server whose Run has begun.
type running struct {
	*replication.Server
	cancel context.CancelFunc
	end    chan error
	log    *lockedBuffer
}

// run starts a server with the given flags in the network nw, or on loopback when nw is nil.
func run(t *testing.T, nw *memnet.Network, flags ...string) *running {
	t.Helper()
	log := &lockedBuffer{}
	o := &replication.ServerOptions{Stdout: log}
	if nw != nil {
		o.Listen = func(string, string) (net.Listener, error) { return nw.Listen("server:6379") }
	} else {
		o.Listen = func(network, _ string) (net.Listener, error) { return net.Listen(network, "127.0.0.1:0") }
	}
	s, err := replication.NewServer(append([]string{"--bind", "127.0.0.1"}, flags...), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Server: s, cancel: cancel, end: make(chan error, 1), log: log}
	go func() { r.end <- s.Run(ctx) }()
	t.Cleanup(cancel)
	return r
}

// stop ends the server and fails the test unless it ends well.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	if err := <-r.end; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

// lockedBuffer is a log that can be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func dialServer(t *testing.T, nw *memnet.Network) *realserver.Conn {
	t.Helper()
	conn, err := nw.Dial(t.Context(), "tcp", "server:6379")
	if err != nil {
		t.Fatal(err)
	}
	return realserver.NewConn(conn)
}

func wantReply(t *testing.T, d realserver.Doer, want any, args ...string) {
	t.Helper()
	if got := d.Do(args...); got != want {
		t.Errorf("%q = %v, want %v", args, got, want)
	}
}

// TestServerLife: data survives a restart by either kind of end, and not one that was told not to save. The bubble proves that nothing is left running.
func TestServerLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		flags := []string{"--dir", dir, "--save", "900 1", "--io-threads", "2"}
		for i, end := range []string{"signal", "SHUTDOWN", "SHUTDOWN NOSAVE", "signal"} {
			nw := memnet.New(nil)
			s := run(t, nw, flags...)
			c := dialServer(t, nw)
			want := []string{"", "1", "2", "2"}[i] // the third one did not save its 3
			if got, _ := c.Do("GET", "n").(string); got != want {
				t.Errorf("start %d: n = %q, want %q", i+1, got, want)
			}
			wantReply(t, c, int64(min(i+1, 3)), "INCR", "n")
			if end == "signal" {
				s.cancel()
			} else if err := c.Send(strings.Fields(end)...); err != nil {
				t.Error(err)
			}
			if err := <-s.end; err != nil {
				t.Errorf("Run after %s = %v, want nil", end, err)
			}
			c.Close()
			if n := strings.Count(s.log.String(), `directives accepted without effect	{"directives": ["io-threads"]}`); n != 1 {
				t.Errorf("the log names directives without effect %d times, want once:\n%s", n, s.log)
			}
		}
	})
}

// TestServerRoles: a replica started by a directive, promoted and demoted by a client.
func TestServerRoles(t *testing.T) {
	p := run(t, nil, "--dir", t.TempDir(), "--save", "", "--repl-diskless-sync-delay", "0")
	_, port, _ := net.SplitHostPort(p.Addr().String())
	r := run(t, nil, "--dir", t.TempDir(), "--save", "", "--replicaof", "127.0.0.1 "+port)
	a, b := dialTCP(t, p), dialTCP(t, r)
	wantReply(t, a, int64(1), "INCR", "n")
	realserver.Await(t, 10*time.Second, func() bool { return b.Do("GET", "n") == "1" })
	wantReply(t, a, int64(1), "WAIT", "1", "5000")
	if got := fmt.Sprint(b.Do("INCR", "n")); !strings.Contains(got, "READONLY You can't write against a read only replica.") {
		t.Errorf("a write on a replica: %s", got)
	}
	wantReply(t, b, "OK", "REPLICAOF", "NO", "ONE")
	wantReply(t, b, int64(2), "INCR", "n")
	if got := r.log.String(); !strings.Contains(got, `role changed by a client	{"to": "primary"`) {
		t.Errorf("the log does not say that a client promoted the node: %s", got)
	}
	_, port, _ = net.SplitHostPort(r.Addr().String())
	wantReply(t, a, "OK", "REPLICAOF", "127.0.0.1", port)
	realserver.Await(t, 10*time.Second, func() bool { return a.Do("GET", "n") == "2" })
	if info, err := realserver.Info(b, "stats"); err != nil || info["sync_partial_ok"] != "1" || info["sync_full"] != "0" {
		t.Errorf("a former primary whose history continues took sync_partial_ok:%s sync_full:%s, %v, want 1, 0", info["sync_partial_ok"], info["sync_full"], err)
	}
	p.stop(t)
	r.stop(t)
}

func dialTCP(t *testing.T, r *running) *realserver.Conn {
	t.Helper()
	c, err := realserver.Dial(r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestServerBetweenRedis puts the node into a chain redis - node - redis and compares by Redis's own digest.
func TestServerBetweenRedis(t *testing.T) {
	for _, v := range []realserver.Version{realserver.R7, realserver.R8} {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			top := realserver.Start(t, v, "--repl-diskless-sync-delay", "0", "--enable-debug-command", "yes")
			for i := range 300 {
				n := fmt.Sprint(i)
				top.Do("SET", "key:"+n, strings.Repeat("v", i))
				top.Do("HSET", "hash:"+fmt.Sprint(i%7), "f"+n, n)
			}
			top.Do("SET", "expiring", "x", "EX", "1000")
			node := run(t, nil, "--dir", t.TempDir(), "--save", "", "--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1 "+top.Port())
			mid := dialTCP(t, node)
			_, port, _ := net.SplitHostPort(node.Addr().String())
			bottom := realserver.Start(t, v, "--replicaof", "127.0.0.1 "+port, "--enable-debug-command", "yes")
			for range 100 {
				top.Do("INCR", "count")
				top.Do("APPEND", "text", "xy")
			}
			realserver.Await(t, 20*time.Second, func() bool { return mid.Do("GET", "count") == "100" && bottom.Do("GET", "count") == "100" })
			want := top.Do("DEBUG", "DIGEST")
			wantReply(t, mid, want, "DEBUG", "DIGEST")
			wantReply(t, bottom, want, "DEBUG", "DIGEST")
			node.stop(t)
		})
	}
}

// A replica that is stopped and started again goes on where its file was saved, in the database that the stream had selected, without a full resync.
func TestServerRestartsAsReplica(t *testing.T) {
	p, err := replication.NewPrimary(store.New(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go p.Serve(l)
	flags := []string{"--dir", t.TempDir(), "--save", "3600 1", "--repl-diskless-sync-delay", "0",
		"--replicaof", strings.Replace(l.Addr().String(), ":", " ", 1)}
	synced := func() int {
		off, err := p.Update(func(tx *store.Tx) error { _, err := tx.DB(5).Incr("n", 1); return err })
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		n, err := p.WaitReplicas(ctx, 1, off)
		if err != nil {
			t.Errorf("WaitReplicas = %d, %v", n, err)
		}
		return n
	}
	for range 3 {
		r := run(t, nil, flags...)
		// The first round has to wait for the full resync, whose cut makes the stream select again.
		synced()
		synced()
		r.stop(t)
		if _, err := p.DB(5).Append("while it was away", "x"); err != nil {
			t.Fatal(err)
		}
	}
	r := run(t, nil, flags...)
	synced()
	c := dialTCP(t, r)
	defer c.Close()
	wantReply(t, c, "OK", "SELECT", "5")
	wantReply(t, c, "7", "GET", "n")
	wantReply(t, c, "xxx", "GET", "while it was away")
	if st := p.Status(); st.FullServed != 1 || st.PartialServed != 3 {
		t.Errorf("%d full and %d partial resyncs, want 1 and 3; last refusal: %s", st.FullServed, st.PartialServed, st.LastRefusal)
	}
	r.stop(t)
}

func TestServerMistakes(t *testing.T) {
	dir := t.TempDir()
	conf := filepath.Join(dir, "c.conf")
	os.WriteFile(conf, []byte("port 0\nunknown 1\n"), 0o600)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{conf}, conf + ":2: unknown: no such directive"},
		{[]string{filepath.Join(dir, "none")}, "no such file"},
		{[]string{"--port", "0", "--logfile", filepath.Join(dir, "no", "log")}, "no such file"},
		{[]string{"--port", "0", "--unixsocket", filepath.Join(dir, "no", "sock")}, "no such file"},
	} {
		if _, err := replication.NewServer(c.args, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("NewServer(%q) = %v, want %s", c.args, err, c.want)
		}
	}
}

// TestServerCorruptFile: a data set that cannot be read ends the start; the file is left for a human.
func TestServerCorruptFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "dump.rdb")
	os.WriteFile(path, []byte("REDIS0009nonsense"), 0o600)
	s := run(t, memnet.New(nil), "--dir", dir)
	if err := <-s.end; err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Run = %v, want an error that names %s", err, path)
	}
	if b, err := os.ReadFile(path); string(b) != "REDIS0009nonsense" {
		t.Errorf("the file was changed: %q, %v", b, err)
	}
}

func TestServerUnixSocketAndLogFile(t *testing.T) {
	dir, err := os.MkdirTemp("", "us") // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	sock, log := filepath.Join(dir, "s"), filepath.Join(dir, "log")
	flags := []string{"--port", "0", "--unixsocket", sock, "--unixsocketperm", "700", "--logfile", log, "--save", "", "--dir", dir}
	for range 2 { // the second start meets no socket file, and after a kill it would meet one
		s, err := replication.NewServer(flags, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		end := make(chan error, 1)
		go func() { end <- s.Run(ctx) }()
		conn, err := net.Dial("unix", sock)
		if err != nil {
			t.Fatal(err)
		}
		wantReply(t, realserver.NewConn(conn), "PONG", "PING")
		if info, err := os.Stat(sock); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("mode of the socket %v, %v", info.Mode(), err)
		}
		cancel()
		if err := <-end; err != nil {
			t.Error(err)
		}
		conn.Close()
	}
	if b, err := os.ReadFile(log); err != nil || !strings.Contains(string(b), "accepting clients") {
		t.Errorf("log file %q, %v", b, err)
	}
}

// TestServerLogLevel: CONFIG SET loglevel takes effect at once.
func TestServerLogLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nw := memnet.New(nil)
		s := run(t, nw, "--save", "", "--dir", t.TempDir(), "--loglevel", "warning")
		c := dialServer(t, nw)
		c.Do("CONFIG", "SET", "io-threads", "2")
		if got := s.log.String(); got != "" {
			t.Errorf("at level warning the log says %q", got)
		}
		wantReply(t, c, "OK", "CONFIG", "SET", "loglevel", "notice")
		c.Do("CONFIG", "SET", "io-threads", "2")
		if got := s.log.String(); !strings.Contains(got, "directive accepted, without effect") {
			t.Errorf("at level notice the log says %q", got)
		}
		c.Close()
		s.stop(t)
	})
}

// TestServerWarns of each directive by which somebody may believe in what is not there, at start and when a client sets it; not of one that says no.
func TestServerWarns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nw := memnet.New(nil)
		s := run(t, nw, "--save", "", "--dir", t.TempDir(), "--loglevel", "warning",
			"--appendonly", "yes", "--cluster-enabled", "yes", "--tls-cluster", "yes", "--maxmemory-clients", "1gb", "--user", "a on >secret",
			"--tls-session-caching", "no", "--io-threads", "4")
		c := dialServer(t, nw)
		want := `["appendonly", "cluster-enabled", "maxmemory-clients", "tls-cluster", "user"]`
		if got := s.log.String(); !strings.Contains(got, "accepted, but not enforced") || !strings.Contains(got, want) || strings.Count(got, "\n") != 1 || strings.Contains(got, "secret") {
			t.Errorf("the log says %q, want one line with %s", got, want)
		}
		wantReply(t, c, "OK", "CONFIG", "SET", "appendonly", "no", "maxmemory-clients", "0")
		wantReply(t, c, "OK", "CONFIG", "SET", "maxmemory-clients", "2mb")
		if got := s.log.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, `{"directive": "maxmemory-clients"}`) {
			t.Errorf("the log says %q, want one more line", got)
		}
		if got := fmt.Sprint(c.Do("CONFIG", "GET", "maxmemory-clients")); !strings.Contains(got, "2mb") {
			t.Errorf("CONFIG GET maxmemory-clients = %s, want it as it was set", got)
		}
		c.Close()
		s.stop(t)
	})
}

// TestServerHelp: a question about the program is answered instead of anything being opened.
func TestServerHelp(t *testing.T) {
	for arg, want := range map[string]string{"-h": "usage: ", "--help": "usage: ", "-v": "understudy v=", "--version": "understudy v="} {
		var out bytes.Buffer
		s, err := replication.NewServer([]string{arg}, &replication.ServerOptions{Stdout: &out})
		if s != nil || !errors.Is(err, replication.ErrHelp) || !strings.HasPrefix(out.String(), want) {
			t.Errorf("NewServer(%s) = %v, %v, output %q, want %s...", arg, s, err, out.String(), want)
		}
	}
}

// TestServerTwice: two servers in one process share nothing.
func TestServerTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 2 {
			nw := memnet.New(nil)
			s := run(t, nw, "--save", "", "--dir", t.TempDir())
			defer s.stop(t)
			c := dialServer(t, nw)
			defer c.Close()
			wantReply(t, c, int64(1), "INCR", "n")
		}
	})
}

// TestServerStdin reads a configuration from standard input and logs to a logger of the caller's.
func TestServerStdin(t *testing.T) {
	s, err := replication.NewServer([]string{"-", "--save", ""}, &replication.ServerOptions{Stdin: strings.NewReader("port 0\n"), Logger: zap.NewNop(), Stdout: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if s.Addr() != nil {
		t.Errorf("Addr = %v without a listener", s.Addr())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
}
