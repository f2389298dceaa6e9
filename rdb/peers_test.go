package rdb_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// peersVariable names the environment variable that holds the folder with the real servers, redis7-server and so on.
const peersVariable = "UNDERSTUDY_PEERS"

// peer returns the path of a real server. Without one the test is skipped, but not where everything must be tested.
func peer(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv(peersVariable)
	if dir != "" {
		return filepath.Join(dir, name)
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not set: it must name the folder that holds %s", peersVariable, name)
	}
	t.Skipf("NOT TESTED against %s: set %s to the folder that holds it", name, peersVariable)
	return ""
}

// A server is a running real server and one connection to it.
type server struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

// startServer runs the program in dir, and waits until it has loaded dir/dump.rdb, if there is one. A server that does
// not like its file ends; its log is the failure then.
func startServer(t *testing.T, program, dir string, flags ...string) *server {
	t.Helper()
	socket := filepath.Join(dir, "s")
	args := append([]string{
		"--port", "0", "--unixsocket", socket, "--dir", dir, "--dbfilename", "dump.rdb",
		"--save", "", "--daemonize", "no", "--logfile", "", "--loglevel", "notice",
	}, flags...)
	cmd := exec.Command(program, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-done
		cmd.Wait()
	})
	ready := make(chan string, 1)
	go func() {
		defer close(done)
		watchLog(out, ready)
	}()
	if log := <-ready; log != "" {
		t.Fatalf("%s did not start:\n%s", program, log)
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &server{t: t, conn: conn, r: bufio.NewReader(conn)}
}

// watchLog reads the log to its end. It sends "" when the server is ready, or the whole log if that never happens.
func watchLog(out io.Reader, ready chan<- string) {
	var log strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		log.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "eady to accept connections") {
			ready <- ""
			io.Copy(io.Discard, out)
			return
		}
	}
	ready <- log.String()
}

// shortDir returns a new folder with a short name: the path of a socket has little room.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rdb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// do sends one command; an error reply fails the test.
func (s *server) do(args ...string) any {
	s.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	return s.send(b.String())
}

// send sends raw bytes that are one command, and returns its reply: string, int64, []any or nil.
func (s *server) send(command string) any {
	s.t.Helper()
	if _, err := io.WriteString(s.conn, command); err != nil {
		s.t.Fatal(err)
	}
	v, err := readReply(s.r)
	if err != nil {
		s.t.Fatalf("%.80q: %v", command, err)
	}
	return v
}

func readReply(r *bufio.Reader) (any, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	switch line[0] {
	case '+':
		return line[1:], nil
	case '-':
		return nil, errors.New(line[1:])
	case ':':
		return strconv.ParseInt(line[1:], 10, 64)
	}
	n, err := strconv.Atoi(line[1:])
	if err != nil || n < 0 {
		return nil, err
	}
	if line[0] == '$' {
		p := make([]byte, n+2)
		_, err := io.ReadFull(r, p)
		return string(p[:n]), err
	}
	list := make([]any, n)
	for i := range list {
		if list[i], err = readReply(r); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// try is do for a command that the server may refuse: its reply is an error then.
func (s *server) try(args ...string) any {
	s.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(s.conn, b.String()); err != nil {
		s.t.Fatal(err)
	}
	v, err := readReply(s.r)
	if err != nil {
		return err
	}
	return v
}
