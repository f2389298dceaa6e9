package realserver

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Version names a server by its major version, which is also part of its program's name.
type Version int

// The versions that tests run against: the oldest one supported, and the newest one at hand.
const (
	R7 Version = 7
	R8 Version = 8
)

// PeersVar is the environment variable that names the folder of the servers' programs.
const PeersVar = "UNDERSTUDY_PEERS"

const (
	startTimeout = 20 * time.Second // generous: the machine may be busy with other tests
	portAttempts = 5                // a free port may be taken between its choice and its use
	logTail      = 4 << 10          // bytes of the server's log shown when a test fails
)

// Server is a running redis-server. It is killed when its test ends.
type Server struct {
	t       testing.TB
	binary  string
	dir     string
	args    []string
	file    string // the configuration file, "" for a server that is told all by flags
	version Version
	port    int // immutable after Start: Restart uses it again, as peers know it

	// mu protects the fields below.
	mu   sync.Mutex
	proc *process // nil after Kill
	conn *Conn    // the connection of Do; nil until used, and again after an I/O error

	password string // what connections begin with, "" = nothing
}

// Start runs a server of the given version, with persistence off, DEBUG allowed and no delay before a diskless sync, and
// returns when it answers PING. The arguments come after these, so that they win: "--repl-backlog-size", "1mb".
//
// Without the program the test is skipped, or fails where CI=true.
func Start(t testing.TB, version Version, args ...string) *Server {
	t.Helper()
	s := &Server{t: t, binary: Tool(t, version, "server"), dir: t.TempDir(), args: args, version: version}
	t.Cleanup(s.cleanup)
	s.start(func() error { return nil })
	return s
}

// start launches the server on a free port, which prepare may look at. The port that was free may be taken by then; so another one is tried.
func (s *Server) start(prepare func() error) {
	s.t.Helper()
	for attempt := 1; ; attempt++ {
		s.port = FreePort(s.t)
		err := prepare()
		if err == nil {
			err = s.launch()
		}
		if err == nil {
			return
		}
		if attempt == portAttempts || !bytes.Contains(bytes.ToLower(s.log()), []byte("address already in use")) {
			s.t.Fatalf("realserver: %v", err)
		}
	}
}

// Tool returns the path of a program of the given version: "server", "cli" or "benchmark".
//
// Without the program the test is skipped, or fails where CI=true.
func Tool(t testing.TB, version Version, tool string) string {
	t.Helper()
	name := fmt.Sprintf("redis%d-%s", version, tool)
	path, err := lookUp(os.Getenv(PeersVar), name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("realserver: %v (CI=true: a missing program is a failure)", err)
	}
	t.Skipf("realserver: %v; `.ci/peers DIR` puts the programs into DIR/bin", err)
	return ""
}

// lookUp finds an executable file called name in folder dir.
func lookUp(dir, name string) (string, error) {
	if dir == "" {
		return "", fmt.Errorf("%s is not set, no %s to test against", PeersVar, name)
	}
	path, err := exec.LookPath(filepath.Join(dir, name))
	if err != nil {
		return "", fmt.Errorf("no %s in %s=%s: %w", name, PeersVar, dir, err)
	}
	return filepath.Abs(path)
}

// FreePort asks the system for a loopback port that nobody listens on at this moment. Somebody may by the time it is used.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("realserver: no free port: %v", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// launch starts the process and waits until it serves. On an error nothing is left running.
func (s *Server) launch() error {
	p, err := startProcess(s.binary, s.logPath(), s.commandLine()...)
	if err != nil {
		return err
	}
	if err := s.waitServing(p); err != nil {
		p.kill()
		return fmt.Errorf("%s on port %d: %w\n%s", filepath.Base(s.binary), s.port, err, s.log())
	}
	s.mu.Lock()
	s.proc = p
	s.mu.Unlock()
	return nil
}

func (s *Server) commandLine() []string {
	if s.file != "" {
		return append([]string{s.file}, s.args...)
	}
	args := []string{
		"--port", s.Port(), "--bind", "127.0.0.1", "--daemonize", "no", "--dir", s.dir,
		"--save", "", "--appendonly", "no",
		"--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0",
	}
	return append(args, s.args...)
}

// waitServing returns nil once PING is answered. A server that still loads its file is not ready; one that wants a password,
// or that refuses to serve stale data, is.
func (s *Server) waitServing(p *process) error {
	serving := func() bool {
		c, err := Dial(s.Addr())
		if err != nil {
			return false
		}
		defer c.Close()
		reply, failed := c.Do("PING").(error)
		var refusal ReplyError
		return !failed || errors.As(reply, &refusal) && !strings.HasPrefix(string(refusal), "LOADING")
	}
	return poll(startTimeout, p.done, serving)
}

// Addr returns the server's address, host:port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", s.Port()) }

// Port returns the server's port in decimal, as a command line wants it.
func (s *Server) Port() string { return strconv.Itoa(s.port) }

// Version returns the version that the server was started as; 0 from [StartFile].
func (s *Server) Version() Version { return s.version }

// Dir returns the server's working folder, where its RDB files go.
func (s *Server) Dir() string { return s.dir }

// PID returns the process ID, 0 when the server was killed.
func (s *Server) PID() int {
	if p := s.process(); p != nil {
		return p.cmd.Process.Pid
	}
	return 0
}

func (s *Server) process() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc
}

// Pause stops the process with a signal, and returns when it stands still: its connections stay open and nothing is read
// from them, as when a machine stalls.
func (s *Server) Pause() {
	s.t.Helper()
	s.signal(pauseSignal)
	Await(s.t, startTimeout, func() bool { return isPaused(s.PID()) }, "the process stops")
}

// Resume lets a paused process go on.
func (s *Server) Resume() {
	s.t.Helper()
	s.signal(resumeSignal)
}

func (s *Server) signal(sig os.Signal) {
	s.t.Helper()
	if sig == nil {
		s.t.Skip("realserver: this system cannot pause a process")
	}
	err := errExited
	if p := s.process(); p != nil {
		err = p.cmd.Process.Signal(sig)
	}
	if err != nil {
		s.t.Fatalf("realserver: signal %v: %v", sig, err)
	}
}

// Kill ends the process at once, as a crash does, and returns when it is gone. Killing a dead server does nothing.
func (s *Server) Kill() {
	s.mu.Lock()
	p, c := s.proc, s.conn
	s.proc, s.conn = nil, nil
	s.mu.Unlock()
	if c != nil {
		c.Close()
	}
	if p != nil {
		p.kill()
	}
}

// Restart kills the server and starts it again on the same port and folder, with the same arguments. It comes back with
// what its files hold: nothing, unless the arguments or a SAVE saw to it.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if err := s.launch(); err != nil {
		s.t.Fatalf("realserver: restart: %v", err)
	}
}

func (s *Server) cleanup() {
	s.Kill()
	if s.t.Failed() {
		s.t.Logf("log of %s on port %d:\n%s", filepath.Base(s.binary), s.port, s.log())
	}
}

func (s *Server) logPath() string { return filepath.Join(s.dir, "server.log") }

// log returns the last bytes that the server wrote, of this run and of earlier ones.
func (s *Server) log() []byte {
	text, err := os.ReadFile(s.logPath())
	if err != nil {
		return []byte(err.Error())
	}
	return text[max(0, len(text)-logTail):]
}
