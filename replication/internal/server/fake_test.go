package server

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
	"github.com/understudy-go/understudy/store/backlog"
)

// fakeNode is a Node that remembers what it was told.
type fakeNode struct {
	data *store.Store

	mu        sync.Mutex
	state     State
	settings  Settings
	roles     []string // host:port of each ReplicaOf
	acked     int      // what WaitReplicas finds
	waited    time.Duration
	peers     []*Peer
	psyncs    []string
	failovers []FailoverRequest
	refusal   error    // of each
	upstream  int      // calls of DropUpstream
	marks     []string // token and hops of each Mark
}

func newFake(t testing.TB) *fakeNode {
	t.Helper()
	s := store.New(nil)
	t.Cleanup(func() { s.Close() })
	id := backlog.ID(strings.Repeat("a", 40))
	return &fakeNode{data: s, state: State{Primary: true, History: backlog.History{ID: id, SecondaryLimit: -1}, BacklogSize: 1 << 20, GoodReplicas: -1}}
}

func (n *fakeNode) Store() *store.Store { return n.data }

func (n *fakeNode) State() State {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state
}

func (n *fakeNode) Stale() bool {
	st := n.State()
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.settings.RefuseStale && !st.Primary && !st.Upstream.Up
}

func (n *fakeNode) Failover(r FailoverRequest) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failovers = append(n.failovers, r)
	return n.refusal
}

func (n *fakeNode) AbortFailover() bool { return n.State().Failover != "" }

// set changes what the node says of itself.
func (n *fakeNode) set(change func(*State)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(&n.state)
}

func (n *fakeNode) Configure(s Settings) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.settings = s
}

func (n *fakeNode) ReplicaOf(host string, port int) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.roles = append(n.roles, host+":"+portText(port))
	n.state.Primary = host == ""
	n.state.Upstream = nil
	if host != "" {
		n.state.Upstream = &UpstreamState{Host: host, Port: port, State: LinkConnect}
	}
	return nil
}

// WaitReplicas has acked replicas at once, and waits in vain for more.
func (n *fakeNode) WaitReplicas(ctx context.Context, want int, _ int64) (int, error) {
	n.mu.Lock()
	have := n.acked
	n.mu.Unlock()
	start := time.Now()
	if have < want {
		<-ctx.Done()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waited = time.Since(start)
	return have, nil
}

func (n *fakeNode) ReplConf(p *Peer, args [][]byte) resp.Value {
	if len(args) > 1 && string(args[1]) == "capa" {
		p.CapaEOF = true
	}
	return resp.OK()
}

// ServeReplica greets, and then echoes one command to show that it can read on.
func (n *fakeNode) ServeReplica(_ context.Context, p *Peer, args [][]byte) error {
	n.mu.Lock()
	n.peers = append(n.peers, p)
	n.psyncs = append(n.psyncs, string(args[0])+" "+string(args[len(args)-1]))
	n.mu.Unlock()
	defer p.Conn.Close()
	io.WriteString(p.Conn, "+CONTINUE\r\n")
	next, err := p.Reader.ReadCommand()
	if err != nil {
		return err
	}
	_, err = p.Conn.Write(resp.AppendCommandBytes(nil, next...))
	return err
}

func (n *fakeNode) Mark(_ context.Context, token string, hops int) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.marks = append(n.marks, token+" "+portText(hops))
	return nil
}

// Cut refuses every token that begins with no.
func (n *fakeNode) Cut(_ context.Context, token string) (*store.Snapshot, func(), error) {
	if strings.HasPrefix(token, "no") {
		return nil, nil, &Refusal{CodeTainted, token}
	}
	sn := n.data.Snapshot()
	return sn, func() { sn.Close() }, nil
}

func (n *fakeNode) DropReplicas(match func(ReplicaState) bool) int {
	dropped := 0
	for _, r := range n.State().Replicas {
		if match(r) {
			dropped++
		}
	}
	return dropped
}

func (n *fakeNode) AcceptSync() error { return errors.New("none is held") }

func (n *fakeNode) RestoreFormer() error { return nil }

func (n *fakeNode) ChangeID() error { return nil }

func (n *fakeNode) DropUpstream() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.upstream++
	return n.state.Upstream != nil
}

// testConfig returns a configuration from flags, with nothing saved by itself.
func testConfig(t testing.TB, flags ...string) *Config {
	t.Helper()
	cfg, err := ParseArgs(append([]string{"--save", "", "--dir", t.TempDir()}, flags...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// start returns a server on n, closed at the end of the test.
func start(t testing.TB, n *fakeNode, flags ...string) *Server {
	t.Helper()
	s := New(n, &Options{Config: testConfig(t, flags...), Standalone: true})
	t.Cleanup(func() { s.Close() })
	return s
}

// client is one connection to a server under test.
type client struct {
	t    testing.TB
	conn *memnet.Conn
	raw  net.Conn // in place of conn, when it is a real one
	r    *resp.Reader
	end  chan error // what ServeConn returned
}

func dial(t testing.TB, s *Server) *client {
	t.Helper()
	near, far := memnet.Pipe(nil)
	c := &client{t: t, conn: near, r: resp.NewReader(near, nil), end: make(chan error, 1)}
	go func() { c.end <- s.ServeConn(context.Background(), far) }()
	t.Cleanup(func() { near.Close() })
	return c
}

func (c *client) send(text string) {
	c.t.Helper()
	w := io.Writer(c.conn)
	if c.raw != nil {
		w = c.raw
	}
	if _, err := io.WriteString(w, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) read() resp.Value {
	c.t.Helper()
	v, err := c.r.ReadValue()
	if err != nil {
		c.t.Fatal(err)
	}
	return v
}

// do sends one command and returns the reply in its debugging form.
func (c *client) do(args ...string) string {
	c.t.Helper()
	return c.value(args...).String()
}

func (c *client) value(args ...string) resp.Value {
	c.t.Helper()
	c.send(string(resp.AppendCommand(nil, args...)))
	return c.read()
}

// want fails unless the command is answered by an error, simple string or bulk string of that text.
func (c *client) want(text string, args ...string) {
	c.t.Helper()
	if v := c.value(args...); v.Str != text {
		c.t.Errorf("%q = %v, want %q", args, v, text)
	}
}

// gone fails unless the server closes the connection.
func (c *client) gone() {
	c.t.Helper()
	if v, err := c.r.ReadValue(); err == nil {
		c.t.Fatalf("connection goes on with %v, want its end", v)
	}
}

// exchange sends text on a connection of its own and returns all that comes back until the server closes it, which QUIT at the end makes it do.
func exchange(t testing.TB, s *Server, text string) string {
	t.Helper()
	c := dial(t, s)
	c.send(text + "QUIT\r\n")
	all, err := io.ReadAll(c.r)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return strings.TrimSuffix(string(all), "+OK\r\n")
}
