package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// Version is the version of this server, shown as understudy_version by INFO.
const Version = "0.1.0"

// RedisVersion is the version of Redis whose replies this server gives. Clients and tools decide by it what they may use.
const RedisVersion = "7.0.15"

// Options configure a Server.
type Options struct {
	// Config holds the directives, which New applies to the node too. With nil the directives are the defaults, and the node's settings stay as they are until
	// somebody changes one.
	Config *Config

	// Standalone says that the server is a program of its own. Otherwise it is a part of somebody else's, and its clients have no business with files and
	// with the end of the program: SAVE, BGSAVE and SHUTDOWN are refused, and save points do nothing. Nor have they with its role and its settings:
	// REPLICAOF, CONFIG SET and CONFIG REWRITE are refused, and CONFIG GET shows no password.
	Standalone bool

	// Steered lets clients change the role of a server that is not standalone, by REPLICAOF, and by CONFIG SET the settings that go with it, see
	// directive.role. CONFIG REWRITE is taken and has no file to write, which is what Sentinel expects of a server without one.
	Steered bool

	Logger       *zap.Logger   // nil: silent
	WriteTimeout time.Duration // after which a client that does not read is closed; default one minute
	SetLogLevel  func(string)  // called with the new value of loglevel; may be nil
}

const defaultWriteTimeout = time.Minute

// A Server serves the clients of one node.
type Server struct {
	node    Node
	store   *store.Store
	log     *zap.Logger
	runID   string
	started time.Time
	write   time.Duration
	level   func(string)
	alone   bool // Options.Standalone
	steered bool // clients may change the role: Options.Steered, or alone

	commands     map[string]*command       // own commands, by lower-case name; immutable after New
	data         map[string]*store.Command // the store's, likewise
	commandStats map[string]*commandStat   // of both, likewise

	tuning    atomic.Pointer[tuning] // what connections need to know of the configuration
	stats     stats
	pause     pause
	handover  pause // see Hold
	leaving   pause // see leave
	saver     saver
	monitors  monitors
	farewells farewells
	slowlog   slowlog
	latency   latency

	badHandshakes atomic.Int64

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	shutdown     chan struct{} // closed by SHUTDOWN
	shutdownOnce sync.Once
	houseOnce    sync.Once // starts housekeeping with the first client

	// configMu makes one change of the configuration at a time: it is held from reading the old one to publishing the new one.
	configMu sync.Mutex

	// mu protects the fields below.
	mu        sync.Mutex
	closed    bool
	lastID    int64
	conns     map[int64]*conn
	strangers map[int64]*conn // those of conns that are not known yet
	feeding   int             // clients that became replicas: the node's, but within maxclients
	listeners map[net.Listener]struct{}
}

// New returns a server for the clients of n, configured by o, which may be nil. It applies the configuration to n, but not replicaof: the caller starts the
// role. Call Close in the end.
func New(n Node, o *Options) *Server {
	if o == nil {
		o = &Options{}
	}
	s := &Server{
		node: n, store: n.Store(), log: o.Logger, level: o.SetLogLevel, write: o.WriteTimeout, alone: o.Standalone, steered: o.Steered || o.Standalone, runID: newRunID(), started: time.Now(),
		data: map[string]*store.Command{}, shutdown: make(chan struct{}), conns: map[int64]*conn{}, strangers: map[int64]*conn{}, listeners: map[net.Listener]struct{}{},
	}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	if s.write <= 0 {
		s.write = defaultWriteTimeout
	}
	s.commands = commandTable()
	for cmd := range store.Commands() {
		s.data[lower(cmd.Name)] = cmd
	}
	s.commandStats = s.newCommandStats()
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.saver.init(s.started, s.store)
	if o.Config == nil {
		s.publish(NewConfig())
	} else {
		s.apply(o.Config)
	}
	return s
}

func newRunID() string {
	var b [20]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Shutdown returns a channel that is closed when a client has sent SHUTDOWN and the data set is saved, if it was to be. The owner then calls Close.
func (s *Server) Shutdown() <-chan struct{} { return s.shutdown }

// Serve accepts clients from l until Close, and then returns nil; any other end of l is returned. It closes l.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.track(l) {
		return nil
	}
	defer s.untrack(l)
	var wait time.Duration
	for {
		nc, err := l.Accept()
		switch {
		case s.ctx.Err() != nil:
			if err == nil {
				nc.Close()
			}
			return nil
		case err == nil:
			wait = 0
			s.wg.Go(func() { s.serveAccepted(nc) })
		case isTemporary(err):
			// Out of descriptors, most likely: some client has to go first.
			wait = min(max(2*wait, 5*time.Millisecond), time.Second)
			s.log.Warn("accept failed, trying again", zap.Error(err), zap.Duration("wait", wait))
			s.sleep(s.ctx, wait)
		default:
			return err
		}
	}
}

// serveAccepted serves a client of a listener, whose end concerns nobody but, if it was one of the handshake, an administrator.
func (s *Server) serveAccepted(nc net.Conn) {
	var failed *HandshakeError
	if err := s.serve(s.ctx, nc); errors.As(err, &failed) {
		s.tellHandshake(failed)
	}
}

func isTemporary(err error) bool {
	var ne net.Error
	//lint:ignore SA1019 there is no other way to tell "out of descriptors" from "listener broken"
	return errors.As(err, &ne) && ne.Temporary()
}

// ServeConn serves one client on nc and returns when it is gone, nil when it left in good order. It closes nc. A client that turns out to be a replica is
// served by the node meanwhile.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		nc.Close()
		return net.ErrClosed
	}
	// Within the lock: Close must not be waiting already.
	s.wg.Add(1)
	s.mu.Unlock()
	defer s.wg.Done()
	return s.serve(ctx, nc)
}

func (s *Server) serve(ctx context.Context, nc net.Conn) error {
	nc = Prompt(nc)
	defer nc.Close()
	s.stats.connections.Add(1)
	s.keepAlive(nc)
	if refusal := s.refusal(nc); refusal != "" && !isSecure(nc) {
		return s.refuse(nc, refusal)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(s.ctx, cancel)
	defer stop()
	c, ok := s.admit(ctx, cancel, nc)
	if !ok {
		return s.refuse(nc, "ERR max number of clients reached")
	}
	return c.serve()
}

// refusal returns the error for clients that may not connect at all, "" for others.
func (s *Server) refusal(nc net.Conn) string {
	t := s.tuning.Load()
	if t.protected && t.password == "" && !isLocal(nc.RemoteAddr()) {
		return "DENIED This server is in protected mode: it has no password and accepts local connections only. Set requirepass, bind to a" +
			" local address, or switch protected-mode off."
	}
	return ""
}

// keepAlive has the system ask a silent peer whether it is still there: the only way to notice one that vanished without a word. A connection that refuses
// the setting is served all the same.
func (s *Server) keepAlive(nc net.Conn) {
	tcp, ok := plainConn(nc).(*net.TCPConn)
	if !ok {
		return
	}
	d := s.config().Seconds("tcp-keepalive")
	tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: d > 0, Idle: d, Interval: max(d/3, time.Second), Count: 3})
}

// isLocal reports whether a is on this machine. What has an IP address and a port is if that is one of loopback, whatever the network is called: TCP, or what a
// program's own listener says (a proxy in front that passes addresses on, a tunnel). All else is local: pipes and unix sockets.
func isLocal(a net.Addr) bool {
	ap, err := netip.ParseAddrPort(a.String())
	return err != nil || ap.Addr().Unmap().IsLoopback()
}

// refuse tells a client why it may not stay. Before a handshake it could not read that, and to do one now would be to serve it.
func (s *Server) refuse(nc net.Conn, text string) error {
	s.stats.rejected.Add(1)
	if !isSecure(nc) {
		nc.SetWriteDeadline(time.Now().Add(time.Second))
		nc.Write(resp.AppendError(nil, text)) // the connection is closed whether or not this arrives
	}
	return errors.New("server: " + text)
}

// admit registers a client unless there are too many. A stranger makes room for it if there is one.
func (s *Server) admit(ctx context.Context, cancel context.CancelFunc, nc net.Conn) (*conn, bool) {
	s.mu.Lock()
	c, oldest := s.admitLocked(ctx, cancel, nc)
	s.mu.Unlock()
	s.showOut(oldest)
	return c, c != nil
}

// admitLocked returns the client, nil when there is no place, and the stranger that has to go. REQUIRES: mu.
func (s *Server) admitLocked(ctx context.Context, cancel context.CancelFunc, nc net.Conn) (c, oldest *conn) {
	if s.closed {
		return nil, nil
	}
	t := s.tuning.Load()
	c = newConn(s, s.lastID+1, ctx, cancel, nc)
	full := int64(len(s.conns)+s.feeding) >= t.maxClients
	if full || c.strange && len(s.strangers) >= t.maxStrangers() {
		oldest = s.dropOldestLocked()
	}
	if full && oldest == nil {
		return nil, nil
	}
	s.houseOnce.Do(func() { s.wg.Go(s.housekeeping) })
	s.lastID++
	s.conns[c.id] = c
	if c.strange {
		s.strangers[c.id] = c
	}
	return c, oldest
}

// forget removes a client that ended or became a replica's connection.
func (s *Server) forget(c *conn) {
	s.mu.Lock()
	delete(s.conns, c.id)
	delete(s.strangers, c.id)
	s.mu.Unlock()
}

// feeds counts the connections of replicas.
func (s *Server) feeds(more int) {
	s.mu.Lock()
	s.feeding += more
	s.mu.Unlock()
}

// clients returns the clients at this moment, in the order in which they came.
func (s *Server) clients() []*conn {
	s.mu.Lock()
	list := make([]*conn, 0, len(s.conns))
	for _, c := range s.conns {
		list = append(list, c)
	}
	s.mu.Unlock()
	sortByID(list)
	return list
}

func (s *Server) clientCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

func (s *Server) track(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.wg.Add(1) // for the accept loop itself, so that Close waits for it
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) untrack(l net.Listener) {
	s.mu.Lock()
	delete(s.listeners, l)
	s.mu.Unlock()
	s.wg.Done()
}

// Close stops accepting, closes all connections, and returns when nothing of the server runs any more. It does not save and does not close the node. Calling
// it again is harmless.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	var closers []func() error
	for l := range s.listeners {
		closers = append(closers, l.Close)
	}
	for _, c := range s.conns {
		closers = append(closers, c.nc.Close)
	}
	s.mu.Unlock()
	s.cancel()
	for _, closeIt := range closers {
		closeIt() // an error says that it is closed already
	}
	s.wg.Wait()
	return nil
}

// sleep waits for d or the end of ctx and reports whether it was d.
func (s *Server) sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
