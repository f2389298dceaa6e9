package store

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
)

// peersVariable names the environment variable that holds the folder with the real
// servers, redis7-server and so on.
const peersVariable = "UNDERSTUDY_PEERS"

// peer is a running real server and one connection to it.
type peer struct {
	t    *testing.T
	dir  string
	conn net.Conn
	r    *resp.Reader
}

// startPeer runs a real server on a new folder, with file as its data if there is one,
// and waits until that is loaded. Without real servers the test is skipped, but not
// where everything must be tested.
func startPeer(t *testing.T, name string, file []byte) *peer {
	t.Helper()
	folder := os.Getenv(peersVariable)
	if folder == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not set: it must name the folder that holds %s", peersVariable, name)
		}
		t.Skipf("NOT TESTED against %s: set %s to the folder that holds it", name, peersVariable)
	}
	dir, err := os.MkdirTemp("", "peer") // the path of a socket has little room
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if file != nil {
		if err := os.WriteFile(filepath.Join(dir, "dump.rdb"), file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runPeer(t, filepath.Join(folder, name), dir)
	conn, err := net.Dial("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &peer{t: t, dir: dir, conn: conn, r: resp.NewReader(conn, nil)}
}

// runPeer returns when the server is ready.
func runPeer(t *testing.T, program, dir string) {
	cmd := osexec.Command(program, "--port", "0", "--unixsocket", filepath.Join(dir, "s"), "--dir", dir, "--save", "",
		"--daemonize", "no", "--logfile", "", "--loglevel", "notice", "--enable-debug-command", "yes")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	lines := bufio.NewReader(io.TeeReader(out, &log))
	for {
		line, err := lines.ReadString('\n')
		if strings.Contains(line, "eady to accept connections") {
			break
		}
		if err != nil {
			cmd.Wait()
			t.Fatalf("%s did not start:\n%s", program, log.String())
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(io.Discard, out)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-done
		cmd.Wait()
	})
}

// do sends a command and returns its reply.
func (p *peer) do(args ...string) resp.Value {
	p.t.Helper()
	if _, err := p.conn.Write(resp.AppendCommand(nil, args...)); err != nil {
		p.t.Fatal(err)
	}
	v, err := p.r.ReadValue()
	if err != nil {
		p.t.Fatalf("%.80q: %v", args, err)
	}
	return v
}

// digest is that of all the server's data, in the way of Redis 7.0. Newer servers put
// other texts of scores into theirs: then it is that of what they save.
func (p *peer) digest() string {
	if !strings.Contains(p.do("INFO", "server").Text(), "redis_version:7.0.") {
		return load(p.t, p.save()).Digest()
	}
	return p.do("DEBUG", "DIGEST").Text()
}

// save is the server's data as a file.
func (p *peer) save() []byte {
	p.t.Helper()
	if v := p.do("SAVE"); v.Kind == resp.Error {
		p.t.Fatal(fmt.Errorf("SAVE: %s", v.Str))
	}
	file, err := os.ReadFile(filepath.Join(p.dir, "dump.rdb"))
	if err != nil {
		p.t.Fatal(err)
	}
	return file
}
