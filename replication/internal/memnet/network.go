package memnet

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// acceptQueue is the number of connections that may wait for Accept before Dial waits too.
const acceptQueue = 128

// Network is a set of listeners that can be dialed by address. Create it with New.
type Network struct {
	options Options // immutable

	toListener, toDialer atomic.Int64 // bytes delivered

	// mu protects the fields below. It is never held together with the lock of a link.
	mu        sync.Mutex
	listeners map[Addr]*listener
	live      []*Conn // the dialers' ends of connections that can still exchange bytes, oldest first
	refuse    bool
	onDial    func(*Conn)
	onNext    []func(*Conn)
	dials     int
	lastPort  int // handed out to dialers and to listeners on port 0
}

// firstPort is the port before the first that Network hands out.
const firstPort = 49151

// New returns a network without listeners. The options hold for each of its connections; nil is fine.
func New(o *Options) *Network {
	return &Network{
		options:   Options{Buffer: o.buffer()},
		listeners: make(map[Addr]*listener),
		lastPort:  firstPort,
	}
}

// Listen returns a listener at addr. Any string will do; one that ends with ":0" gets a free port, "" a whole address.
// An address in use is EADDRINUSE.
func (n *Network) Listen(addr string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.resolveLocked(addr)
	if n.listeners[a] != nil {
		return nil, &net.OpError{Op: "listen", Net: "memnet", Addr: a, Err: syscall.EADDRINUSE}
	}
	l := &listener{n: n, addr: a, queue: make(chan *Conn, acceptQueue), closed: make(chan struct{})}
	n.listeners[a] = l
	return l, nil
}

func (n *Network) resolveLocked(addr string) Addr {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	if host, ok := strings.CutSuffix(addr, ":0"); ok {
		return n.freeLocked(host)
	}
	return Addr(addr)
}

func (n *Network) freeLocked(host string) Addr {
	n.lastPort++
	return Addr(net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(n.lastPort)))
}

// Dial connects to the listener at addr; the name of the network is ignored, so that it fits where a net.Dialer's
// DialContext does. Like a kernel it returns before Accept does. Nobody listening is ECONNREFUSED.
// The connection is a *Conn.
func (n *Network) Dial(ctx context.Context, _, addr string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, dialError(addr, err)
	}
	l, dialed, accepted := n.connect(Addr(addr))
	if l == nil {
		return nil, dialError(addr, syscall.ECONNREFUSED)
	}
	if err := l.offer(ctx, accepted); err != nil {
		dialed.Cut()
		return nil, dialError(addr, err)
	}
	return dialed, nil
}

func dialError(addr string, err error) error {
	return &net.OpError{Op: "dial", Net: "memnet", Addr: Addr(addr), Err: err}
}

// connect makes the two ends of a connection to addr and puts the faults that wait for it on it. l is nil if that is refused.
func (n *Network) connect(addr Addr) (l *listener, dialed, accepted *Conn) {
	n.mu.Lock()
	l = n.listeners[addr]
	if l == nil || n.refuse {
		n.mu.Unlock()
		return nil, nil, nil
	}
	dialed, accepted = newPipe(&n.options, n.freeLocked("127.0.0.1"), addr, &n.toDialer, &n.toListener,
		func() { n.forget(dialed) })
	n.live = append(n.live, dialed)
	n.dials++
	faults := n.takeFaultsLocked()
	n.mu.Unlock()
	for _, f := range faults {
		f(dialed) // without the lock: it may cut
	}
	return l, dialed, accepted
}

func (n *Network) takeFaultsLocked() (faults []func(*Conn)) {
	if n.onDial != nil {
		faults = append(faults, n.onDial)
	}
	if len(n.onNext) > 0 {
		faults = append(faults, n.onNext[0])
		n.onNext = n.onNext[1:]
	}
	return faults
}

// forget drops a dead connection from the list of live ones.
func (n *Network) forget(dialed *Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := slices.Index(n.live, dialed); i >= 0 {
		n.live = slices.Delete(n.live, i, i+1)
	}
}

// OnDial calls f with the dialer's end of every connection from now on, before either side has it: the place to put
// faults on it. nil ends that.
func (n *Network) OnDial(f func(dialed *Conn)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onDial = f
}

// OnNextDial is OnDial for one connection: the next for the first call, the one after it for the second, and so
// on. It runs after OnDial's function.
func (n *Network) OnNextDial(f func(dialed *Conn)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onNext = append(n.onNext, f)
}

// Refuse makes dials fail with ECONNREFUSED, or lets them pass again. Connections are not concerned.
func (n *Network) Refuse(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refuse = on
}

// CutAll cuts every connection, those that wait for Accept included, and returns how many.
func (n *Network) CutAll() int {
	conns := n.Conns()
	for _, c := range conns {
		c.Cut()
	}
	return len(conns)
}

// Conns returns the dialers' ends of the connections that can still exchange bytes, oldest first.
func (n *Network) Conns() []*Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.live)
}

// Dials returns the number of connections made so far.
func (n *Network) Dials() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials
}

// Delivered returns the bytes read so far on all connections, those that are gone included, by the side that
// listened and by the side that dialed.
func (n *Network) Delivered() (toListener, toDialer int64) {
	return n.toListener.Load(), n.toDialer.Load()
}

// A listener hands the accepting ends of new connections to Accept.
type listener struct {
	n      *Network
	addr   Addr
	queue  chan *Conn
	closed chan struct{} // closed by Close, under n.mu
}

// offer puts c in line for Accept.
func (l *listener) offer(ctx context.Context, c *Conn) error {
	select {
	case l.queue <- c:
	case <-l.closed:
		return syscall.ECONNREFUSED
	case <-ctx.Done():
		return ctx.Err()
	}
	// Close may have emptied the line just before: then nobody will ever take c.
	if l.isClosed() {
		l.refuseQueued()
	}
	return nil
}

func (l *listener) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

// Accept waits for the next connection. After Close it is net.ErrClosed.
func (l *listener) Accept() (net.Conn, error) {
	if !l.isClosed() {
		select {
		case c := <-l.queue:
			return c, nil
		case <-l.closed:
		}
	}
	return nil, &net.OpError{Op: "accept", Net: "memnet", Addr: l.addr, Err: net.ErrClosed}
}

// Close frees the address, ends Accept, and resets the connections that were not accepted yet. A second
// Close is net.ErrClosed.
func (l *listener) Close() error {
	l.n.mu.Lock()
	if l.isClosed() {
		l.n.mu.Unlock()
		return &net.OpError{Op: "close", Net: "memnet", Addr: l.addr, Err: net.ErrClosed}
	}
	close(l.closed)
	delete(l.n.listeners, l.addr)
	l.n.mu.Unlock()
	l.refuseQueued()
	return nil
}

func (l *listener) refuseQueued() {
	for {
		select {
		case c := <-l.queue:
			c.Reset()
		default:
			return
		}
	}
}

// Addr returns the address that Dial finds this listener at.
func (l *listener) Addr() net.Addr { return l.addr }
