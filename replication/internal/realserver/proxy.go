package realserver

import (
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Proxy relays TCP connections on a loopback port to a target, and can cut them. A server that is told to replicate from the
// proxy's port sees its link break without either end having closed it.
type Proxy struct {
	target   string
	listener net.Listener
	wg       sync.WaitGroup // the accept loop and two copiers a link

	// mu protects the fields below.
	mu      sync.Mutex
	links   map[*link]struct{}
	refuse  bool
	closed  bool
	relayed int
}

// link is the two connections of one relayed connection; they end together.
type link struct{ client, server net.Conn }

func (l *link) close() {
	l.client.Close()
	l.server.Close()
}

// NewProxy starts a proxy to the target, host:port. It ends, and its links with it, when the test does.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("realserver: proxy: %v", err)
	}
	p := &Proxy{target: target, listener: l, links: map[*link]struct{}{}}
	p.wg.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Addr returns the proxy's address, host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Port returns the proxy's port in decimal.
func (p *Proxy) Port() string { return strconv.Itoa(p.listener.Addr().(*net.TCPAddr).Port) }

// Cut closes all present links, in both directions, and returns how many there were. New ones are accepted, unless refused.
func (p *Proxy) Cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.links)
	for l := range p.links {
		l.close()
		delete(p.links, l)
	}
	return n
}

// Refuse makes the proxy close new connections at once, or relay them again. Present links stay.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = on
}

// Relayed returns how many connections were relayed so far, the ended ones included.
func (p *Proxy) Relayed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.relayed
}

func (p *Proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Cut()
	p.wg.Wait()
}

// accept dials for each connection in turn: the target is on the same machine, so nobody waits long.
func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		if p.refusing() {
			client.Close()
			continue
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.relay(&link{client, server})
	}
}

func (p *Proxy) refusing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refuse
}

// relay registers the link and starts its two copiers. A link that was being dialled when the proxy closed, or began to
// refuse, must not slip through: both are looked at again under the lock that Cut takes.
func (p *Proxy) relay(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.refuse {
		l.close()
		return
	}
	p.links[l] = struct{}{}
	p.relayed++
	p.wg.Go(func() { p.copy(l, l.client, l.server) })
	p.wg.Go(func() { p.copy(l, l.server, l.client) })
}

// copy moves bytes one way until either side ends, which ends the link both ways.
func (p *Proxy) copy(l *link, to, from net.Conn) {
	io.Copy(to, from) // an error is an end like any other
	l.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}
