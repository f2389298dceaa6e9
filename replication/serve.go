package replication

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/replication/internal/server"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// This file is the node as the server of client connections sees it. The server speaks RESP and knows commands; when a client turns out to be a replica, it hands
// the connection over here.

var _ server.Node = (*node)(nil)

// Store implements server.Node.
func (n *node) Store() *store.Store { return n.store }

// State implements server.Node.
func (n *node) State() server.State {
	h := n.repl.History()
	first, _ := n.repl.Backlog().Window()
	b := n.repl.Backlog()
	s := server.State{History: h, BacklogFirst: first, BacklogSize: b.Size(), BacklogFreed: b.Freed(), BacklogMemory: b.Memory(), Retained: b.Retained(), GoodReplicas: n.goodReplicas()}
	for _, f := range n.feedList() {
		s.Replicas = append(s.Replicas, f.wire())
	}
	n.mu.Lock()
	c, l := n.counts, n.link
	n.mu.Unlock()
	s.FullSyncs, s.PartialSyncs, s.PartialRefused = c.fullServed, c.partialServed, c.refused
	s.BytesIn, s.BytesOut = c.bytesIn, c.bytesOut
	s.Failover = [...]string{"", server.FailoverWaiting, server.FailoverAsking}[n.failoverState()]
	if s.Primary = l == nil; l != nil {
		s.Upstream = l.upstream(h.Offset)
	}
	return s
}

// Stale implements server.Node. Without the setting it is one load.
func (n *node) Stale() bool {
	if !n.cfg.Load().freshOnly {
		return false
	}
	l := n.current()
	return l != nil && !l.streaming()
}

// Configure implements server.Node.
func (n *node) Configure(s server.Settings) {
	c := config{
		timeout: s.Timeout, pingPeriod: s.PingPeriod,
		outputLimit: s.OutputLimit, softLimit: s.SoftLimit, softTime: s.SoftTime, syncBudget: s.SyncBudget, backlogTTL: s.BacklogTTL,
		diskless: s.DisklessSync, disklessDelay: s.DisklessDelay, disklessMax: s.DisklessMaxReplicas,
		username: s.Username, password: s.Password, upstream: s.TLS,
		guard: guardOf(s, n.cfg.Load().guard), retainFormer: s.RetainFormer,
		backlogBytes: s.BacklogBytes,
		announceIP:   s.AnnounceIP, announcePort: s.AnnouncePort, writable: !s.ReadOnlyReplica,
		minReplicas: s.MinReplicas, maxLag: s.MaxLag, freshOnly: s.RefuseStale,
	}
	if c.announcePort == 0 {
		c.announcePort = s.ListeningPort
	}
	old := n.cfg.Load()
	c.exactAs(old)
	c.loadMode, c.spool = loadModeOf(s.LoadMode), old.spool
	c.spool.dir = cmp.Or(s.SpoolDir, c.spool.dir)
	// A size that the program has set meanwhile stays when a client changes something else.
	if s.BacklogBytes > 0 && s.BacklogBytes != old.backlogBytes {
		n.repl.Backlog().SetSize(s.BacklogBytes)
	}
	n.cfg.Store(c.withDefaults())
	n.repl.SetWritable(c.writable)
	n.judge()
}

// exactAs keeps the times of old that directives, which count in whole seconds, say as c has them: something else was changed.
func (c *config) exactAs(old *config) {
	for _, t := range []struct {
		now *time.Duration
		old time.Duration
	}{
		{&c.timeout, old.timeout}, {&c.pingPeriod, old.pingPeriod}, {&c.disklessDelay, old.disklessDelay}, {&c.softTime, old.softTime},
		{&c.backlogTTL, old.backlogTTL}, {&c.maxLag, old.maxLag}, {&c.retainFormer, old.retainFormer},
	} {
		if *t.now == time.Duration(wholeSeconds(t.old))*time.Second {
			*t.now = t.old
		}
	}
}

// wholeSeconds rounds up: a short time is not none.
func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// ReplicaOf implements server.Node.
func (n *node) ReplicaOf(host string, port int) error {
	if host == "" {
		return n.promote(context.Background())
	}
	return n.replicaOf(host, port, true)
}

// replicaOf follows host:port, unless the node does. Said again to a link that holds a resync back it is no consent: tools repeat their orders.
func (n *node) replicaOf(host string, port int, consented bool) error {
	t := target{network: "tcp", addr: net.JoinHostPort(host, strconv.Itoa(port)), tls: n.prefersTLS()}
	if l := n.current(); l != nil && l.to.same(t) && l.failure() == nil {
		return nil // on its way there already
	}
	_, err := n.follow(context.Background(), t, consented, nil)
	return err
}

// prefersTLS tells how to reach a primary of which a client has told the address alone: over TLS if that is how the program reaches the present one, or, without one, if that
// was so with the last one or it has said how to talk TLS. So no client can make it show its password in the clear.
func (n *node) prefersTLS() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.link != nil {
		return n.link.to.tls
	}
	return n.overTLS || n.dial.tls != nil
}

// ReplConf implements server.Node.
func (n *node) ReplConf(p *server.Peer, args [][]byte) resp.Value {
	c, err := parseREPLCONF(args)
	if err != nil {
		return resp.Err("ERR " + err.Error())
	}
	c.apply(p)
	return resp.OK()
}

// apply adds what one line said to what earlier ones did.
func (c *replConf) apply(p *server.Peer) {
	if c.listeningPort >= 0 {
		p.ListeningPort = c.listeningPort
	}
	if c.ipSet {
		p.IP = c.ip
	}
	if c.version != "" {
		p.Version = c.version
	}
	if c.rdbOnlySet {
		p.RDBOnly = c.rdbOnly
	}
	if c.filtered {
		p.NoKeys, p.NoFunctions = true, !c.functions
	}
	p.CapaEOF = p.CapaEOF || c.eof
	p.CapaPSYNC2 = p.CapaPSYNC2 || c.psync2
}

// ServeReplica implements server.Node.
func (n *node) ServeReplica(ctx context.Context, p *server.Peer, args [][]byte) error {
	if !n.enter() {
		p.Conn.Close()
		return ErrClosed
	}
	defer n.wg.Done()
	req, err := parsePSYNC(args)
	if err != nil {
		defer p.Conn.Close()
		newFeed(ctx, n, p, req).write([]byte("-ERR " + errNotInteger.Error() + "\r\n"))
		return err
	}
	f := newFeed(ctx, n, p, req)
	if asksToTakeOver(args) {
		if err := n.takeOver(ctx, req.id); err != nil {
			defer p.Conn.Close()
			f.write([]byte("-ERR " + err.Error() + "\r\n"))
			return err
		}
	}
	return f.run()
}

// Failover implements server.Node.
func (n *node) Failover(r server.FailoverRequest) error {
	o := &FailoverOptions{Timeout: r.Timeout, Force: r.Force}
	if r.Host != "" {
		o.To = net.JoinHostPort(r.Host, strconv.Itoa(r.Port))
	}
	_, err := n.beginFailover(context.Background(), o)
	switch err {
	case ErrFailingOver:
		return server.ErrFailoverRunning
	case ErrNotPrimary:
		return server.ErrFailoverReplica
	case ErrNoSuccessor:
		return server.ErrFailoverAlone
	case ErrNoSuchReplica:
		return server.ErrFailoverUnknown
	case ErrReplicaNotOnline:
		return server.ErrFailoverOffline
	case errForce:
		return server.ErrFailoverForce
	}
	return err
}

// AbortFailover implements server.Node.
func (n *node) AbortFailover() bool { return n.abortFailover(ErrFailoverAborted) }

// enter counts a connection that Close waits for; it refuses once the node is closed.
func (n *node) enter() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	n.wg.Add(1)
	return true
}

// DropReplicas implements server.Node.
func (n *node) DropReplicas(match func(server.ReplicaState) bool) int {
	dropped := 0
	for _, f := range n.feedList() {
		if match(f.wire()) {
			f.fail(errReplicaKilled)
			dropped++
		}
	}
	return dropped
}

// DropUpstream implements server.Node.
func (n *node) DropUpstream() bool {
	l := n.current()
	return l != nil && l.drop()
}

// AcceptSync implements server.Node.
func (n *node) AcceptSync() error {
	l, err := n.following()
	if err == nil && !l.consent() {
		err = ErrNotHeld
	}
	return err
}

// RestoreFormer implements server.Node.
func (n *node) RestoreFormer() error { return n.restore(context.Background(), nil) }

// ChangeID implements server.Node. Replicas are dropped, so that none counts bytes under a name that this node has forgotten; a link to a primary stays, and its
// next attempt asks by the new name.
func (n *node) ChangeID() error {
	if err := n.acquire(context.Background()); err != nil {
		return err
	}
	defer n.release()
	if n.failoverState() != FailoverNone {
		return ErrFailingOver
	}
	return n.changeHistory(func() error { n.repl.ChangeID(); return nil })
}

// embeddedServer returns the server for the clients of this node, which it makes when the first one is about to come. There is none after close.
//
// It is a server without files and without times of its own: it saves nothing by itself, and what the options said holds to the nanosecond although
// directives count in seconds. Role and settings are the program's, unless its options let clients steer.
func (n *node) embeddedServer() (*server.Server, error) {
	n.srvMu.Lock()
	defer n.srvMu.Unlock()
	if srv, err := n.server(); srv != nil || err != nil {
		return srv, err
	}
	own := *n.cfg.Load()
	own.backlogBytes = n.repl.Backlog().Size()
	directives, err := server.ParseArgs(append(own.directives(own.backlogBytes), memoryDirectives(n.store.MemoryLimit())...), nil)
	if err != nil {
		return nil, err
	}
	srv := server.New(n, &server.Options{Config: directives, Steered: own.steered, Logger: n.log})
	n.cfg.Store(&own)
	n.judge()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, ErrClosed // nothing of srv runs yet
	}
	n.srv = srv
	return srv, nil
}

// reconfigure changes the config as the program says. The server for clients, if there is one or one is being made, learns of it: else its next CONFIG SET, of
// whatever, would bring back what was before.
func (n *node) reconfigure(how func(*config) *config) {
	n.srvMu.Lock()
	defer n.srvMu.Unlock()
	decide := func() []string {
		c := how(n.cfg.Load())
		n.cfg.Store(c)
		return append(c.directives(n.repl.Backlog().Size()), memoryDirectives(n.store.MemoryLimit())...)
	}
	if srv, err := n.server(); srv == nil || err != nil {
		decide()
	} else if err := srv.Adopt(decide); err != nil {
		n.log.Warn("options are not what CONFIG GET shows", zap.Error(err))
	}
}

// server returns the server for clients, nil if nobody has needed one yet.
func (n *node) server() (*server.Server, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, ErrClosed
	}
	return n.srv, nil
}

// directives says the same as c in the language of redis.conf, for CONFIG GET and as the state that CONFIG SET starts from.
func (c *config) directives(backlog int64) []string {
	seconds := func(d time.Duration) string { return strconv.FormatInt(wholeSeconds(d), 10) }
	limit := fmt.Sprintf("replica %d %d %s", c.outputLimit, c.softLimit, seconds(min(c.softTime, math.MaxInt32*time.Second)))
	args := []string{
		"--save", "", "--protected-mode", "no",
		"--repl-timeout", seconds(c.timeout), "--repl-ping-replica-period", seconds(c.pingPeriod),
		"--repl-diskless-sync-delay", seconds(c.disklessDelay), "--repl-backlog-size", strconv.FormatInt(max(backlog, 1), 10),
		"--client-output-buffer-limit", limit,
		"--understudy-sync-budget", strconv.FormatInt(c.syncBudget, 10), "--repl-backlog-ttl", seconds(c.backlogTTL),
		"--min-replicas-to-write", strconv.Itoa(c.minReplicas), "--min-replicas-max-lag", seconds(c.maxLag),
		"--port", strconv.Itoa(c.announcePort), "--repl-diskless-load", c.loadMode.directive(),
	}
	args = append(args, c.guardDirectives()...)
	stale := "yes"
	if c.freshOnly {
		stale = "no"
	}
	args = append(args, "--replica-serve-stale-data", stale,
		"--masteruser", c.username, "--masterauth", c.password, "--replica-announce-ip", c.announceIP)
	if c.demand != "" {
		args = append(args, "--requirepass", c.demand)
	}
	return args
}

// memoryDirectives says the same as l, which is the store's own, whoever asks for it.
func memoryDirectives(l store.MemoryLimit) []string {
	return []string{
		"--maxmemory", strconv.FormatInt(l.Bytes, 10), "--maxmemory-policy", l.Policy.String(), "--maxmemory-samples", strconv.Itoa(l.Samples),
		"--lfu-log-factor", strconv.Itoa(max(l.LFULogFactor, 0)), "--lfu-decay-time", strconv.Itoa(max(int(l.LFUDecay.Minutes()), 0)),
	}
}

// serve accepts connections until close.
func (n *node) serve(l net.Listener) error {
	if l == nil {
		return errors.New("replication: Serve without a listener")
	}
	srv, err := n.embeddedServer()
	if err != nil {
		l.Close()
		return err
	}
	return n.ended(srv.Serve(l))
}

func (n *node) serveConn(ctx context.Context, c net.Conn) error {
	if c == nil {
		return errors.New("replication: ServeConn without a connection")
	}
	srv, err := n.embeddedServer()
	if err != nil {
		c.Close()
		return err
	}
	return n.ended(srv.ServeConn(ctx, c))
}

// ended says that the node was closed where that is why err came about.
func (n *node) ended(err error) error {
	if n.isClosed() {
		return ErrClosed
	}
	return err
}
