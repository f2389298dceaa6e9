package clients

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// patience is for what should take milliseconds, on a busy machine.
const patience = 20 * time.Second

// node is a running server of ours, which ends with its test.
type node struct {
	addr string           // host:port, or the path of a socket
	nw   *memnet.Network  // nil when addr is of the real network
	end  chan error       // what Run returned
	stop func() (e error) // ends the server and waits for that
}

// startNode runs a server without persistence, with the given flags, in a network that exists in memory only.
func startNode(t testing.TB, flags ...string) *node {
	t.Helper()
	nw := memnet.New(nil)
	n := start(t, func(string, string) (net.Listener, error) { return nw.Listen("node:6379") }, flags)
	n.nw = nw
	return n
}

// startNodeTCP is startNode on a loopback port, for programs.
func startNodeTCP(t testing.TB, flags ...string) *node {
	t.Helper()
	return start(t, func(network, _ string) (net.Listener, error) { return net.Listen(network, "127.0.0.1:0") }, flags)
}

func start(t testing.TB, listen func(network, addr string) (net.Listener, error), flags []string) *node {
	t.Helper()
	args := append([]string{"--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "", "--repl-diskless-sync-delay", "0"}, flags...)
	s, err := replication.NewServer(args, &replication.ServerOptions{Listen: listen})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := &node{addr: s.Addr().String(), end: make(chan error, 1)}
	go func() { n.end <- s.Run(ctx) }()
	n.stop = func() error {
		cancel()
		err := <-n.end
		n.end <- err // for the cleanup
		return err
	}
	t.Cleanup(func() {
		if err := n.stop(); err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	})
	return n
}

// port returns the decimal port, as a command line wants it.
func (n *node) port(t testing.TB) string {
	t.Helper()
	_, port, err := net.SplitHostPort(n.addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// conn returns a connection that shares no code with the clients that are tried.
func (n *node) conn(t testing.TB) *realserver.Conn {
	t.Helper()
	dial := (&net.Dialer{}).DialContext
	if n.nw != nil {
		dial = n.nw.Dial
	}
	nc, err := dial(t.Context(), "tcp", n.addr)
	if err != nil {
		t.Fatal(err)
	}
	c := realserver.NewConn(nc)
	t.Cleanup(func() { c.Close() })
	return c
}

// want runs a command and compares its reply.
func want(t testing.TB, d realserver.Doer, reply any, args ...string) {
	t.Helper()
	if got := d.Do(args...); got != reply {
		t.Errorf("%q = %v, want %v", args, got, reply)
	}
}

func eachVersion(t *testing.T, f func(t *testing.T, v realserver.Version)) {
	for _, v := range []realserver.Version{realserver.R7, realserver.R8} {
		t.Run(fmt.Sprintf("redis%d", v), func(t *testing.T) { f(t, v) })
	}
}
