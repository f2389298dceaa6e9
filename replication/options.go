package replication

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/replication/internal/server"
	"github.com/understudy-go/understudy/store"
)

// Defaults, as redis-server has them unless said otherwise.
const (
	DefaultTimeout     = 60 * time.Second
	DefaultPingPeriod  = 10 * time.Second
	DefaultOutputLimit = 256 << 20 // bytes

	DefaultOutputSoftLimit = 64 << 20 // bytes
	DefaultOutputSoftTime  = 60 * time.Second
	DefaultSyncBudget      = 1 << 30 // bytes; redis-server has none, and drops a replica that loads by the output limit
	DefaultBacklogTTL      = time.Hour
	DefaultMaxLag          = 10 * time.Second
)

// PrimaryOptions are the choices of a node that accepts writes. nil and the zero value are the defaults. Options are copied; changing them later has no
// effect.
type PrimaryOptions struct {
	// Timeout ends a link to a replica that acknowledged nothing for so long. Default: DefaultTimeout. It must be longer than the replicas' second
	// between two acknowledgements, and longer than PingPeriod for their sake.
	Timeout time.Duration

	// PingPeriod is the time between two PING in the stream, by which replicas tell a quiet primary from a dead one. Default: DefaultPingPeriod.
	PingPeriod time.Duration

	// OutputLimit is the number of bytes that a replica may be behind before it is dropped; it is at least the size of the backlog, because within the
	// backlog a slow replica costs nothing. Default: DefaultOutputLimit. Negative: no limit. It holds from when the replica has first caught up, see SyncBudget.
	OutputLimit int64

	// OutputSoftLimit is the number of bytes that a replica may be behind for OutputSoftTime, but no longer; it is at least the size of the backlog, too. The time is
	// counted by looks a second apart. Default: DefaultOutputSoftLimit for DefaultOutputSoftTime, none if OutputLimit is negative. Negative: no limit, no time.
	OutputSoftLimit int64
	OutputSoftTime  time.Duration

	// SyncBudget is the number of bytes of the stream that are kept, beyond the backlog, for replicas that load: from the cut of a full resync until they have
	// first caught up, to within the backlog or half of the limits above. They share the bytes, so it is what all of them cost together, less than
	// one block of 256 KiB aside; a replica that needs more is dropped. OutputLimit is the least: loading is no reason to be judged more strictly. It should exceed
	// what is written while a replica loads, else no replica ever gets through. Default: DefaultSyncBudget. Negative: no limit.
	SyncBudget int64

	// BacklogTTL is how long a primary without replicas keeps the backlog for those that come back. After it the memory is free, the history has a new
	// name, and a replica that comes back takes a full resync. Default: DefaultBacklogTTL. Negative: for ever. The size is the store's: store.Options.BacklogBytes at
	// first, and Backlog().SetSize of the store's Replication at any time.
	BacklogTTL time.Duration

	// DisklessDelay is the time that a full resync waits for more replicas, which then share one snapshot. Default: 0, start at once. redis-server waits 5 s.
	DisklessDelay time.Duration

	// MinReplicas is the number of good replicas without which writes are refused: with store.ErrNoReplicas, and -NOREPLICAS to clients. A replica is good
	// while it is online and its last acknowledgement is at most MaxLag old. A primary that is cut off then stops to accept what would be lost; it does
	// not promise that a write has arrived, as WaitReplicas does. The deletion of expired keys goes on. It stays with this node when the role goes
	// to another: that has its own. Default: 0, none are needed.
	MinReplicas int

	// MaxLag is the age of a good replica's last acknowledgement at most. Replicas acknowledge once a second. Default: DefaultMaxLag.
	MaxLag time.Duration

	// RequirePassword is what clients and replicas must show with AUTH on connections that the node serves. Default: "", nothing. Without it,
	// whoever can reach a listener given to Serve can read all data, write on a primary, and disconnect other clients.
	RequirePassword string

	// AllowReplicaOf lets clients of the node change its role, by REPLICAOF, FAILOVER and PSYNC ... FAILOVER, say UNDERSTUDY ACCEPT (AcceptSync) and UNDERSTUDY
	// RESTORE (RestoreFormer), and by CONFIG SET the settings that go with it (repl-*, replica-*, min-replicas-*, understudy-*, masterauth, masteruser): for nodes that an operator with redis-cli, Sentinel, or another node's Failover is to steer. A
	// client can then replace all data by that of another server and make the program's writes fail with store.ErrReadOnly, so set RequirePassword, too. A primary
	// that clients name is shown Username and Password, not what a URL held, over TLS if the URL of the present one asks for it, or, on a primary, if there is a TLS configuration.
	// Default: false, such commands are refused: role and settings are the program's. Who may get in is the program's in any case. What a Server allows is up to
	// its configuration, as with redis-server.
	AllowReplicaOf bool

	// OnEvent is told what happens to links, role and history, with reasons that a program can match. It is called by the goroutine that met it, by several at once if it so
	// happens: Event.Seq has the order. It must return soon, and must not call Close, Follow or Promote, which wait for such goroutines. Default: nil.
	OnEvent func(Event)

	// Logger receives events of the life of links, never data. Default: nil, silent. See SlogLogger for users of log/slog.
	Logger *zap.Logger
}

// ReplicaOptions are the choices of a node that follows a primary. nil and the zero value are the defaults. Options are copied; changing them later has no
// effect.
type ReplicaOptions struct {
	// Dial opens connections to the primary; network is tcp or unix. Default: net.Dialer. TLS is put on top when the URL asks for it.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// TLS is the configuration for rediss:// URLs. Default: the system's roots and the URL's host name. Each connection reads it anew: a certificate that is
	// renewed while the program runs is shown from the next connection on if GetClientCertificate returns it, and a renewed authority is trusted if VerifyConnection
	// looks it up.
	TLS *tls.Config

	// Username and Password are shown to the primary when the URL names none. On a primary with users (ACL), +psync +replconf +ping is all that this one needs, and
	// +info for Barrier.
	Username, Password string

	// Credentials is asked, before each attempt to connect and before each Barrier, what to show to the primary, in place of the URL's credentials and of
	// Username and Password: for passwords that rotate or expire. An empty password shows nothing. It may take its time, within Timeout, on the link's goroutine: it must
	// return when ctx ends, as Close waits for it, and must not call Close, Follow or Promote. An error is a failed attempt, and its text gets into the log.
	// With it, credentials that the primary refuses are tried again after a pause like any failure, as the next ones may be right; without it they stop following.
	// Default: nil.
	Credentials func(ctx context.Context) (username, password string, err error)

	// Store receives the data. Default: a new store of the replica's own, closed with it. A store given here is read-only while the replica follows, and is
	// not closed; after Close it is read-only still, until NewPrimary makes it the data of a primary. If it holds data with a history, the first request is for
	// a partial resync of that.
	Store *store.Store

	// Timeout is the silence after which a link is taken for dead, in both directions: to the primary and to replicas of this node. Default: DefaultTimeout.
	Timeout time.Duration

	// Backoff returns the pause before the next attempt after so many failures in a row, from 1. Default: doubling from 100 ms to 10 s with jitter.
	Backoff func(failures int) time.Duration

	// Announce is the host:port under which this node's own listener can be reached; the primary shows it and failover tools use it. The host may be empty:
	// then the primary shows the connection's. Without it Failover cannot choose this replica. Default: port 0, none.
	Announce string

	// RefuseStale lets clients of this node read only while the link is up: before the first sync is done, and whenever the link is down, commands that ask for
	// data are answered with -MASTERDOWN. PING is one of them, so that load balancers notice; INFO and ROLE are not. Reads in Go go on, at full speed: who
	// must not use old data looks at Status, or asks the primary by Barrier. Default: false, the data that is there is served, however old.
	RefuseStale bool

	// LoadMode is how a full resync takes the place of the data. Default: LoadAside.
	LoadMode LoadMode

	// SpoolDir is the folder of temporary files, where the mode has them or a replica of this node needs a payload of known size. Default: os.TempDir.
	SpoolDir string

	// These concern what this node serves, as in PrimaryOptions; BacklogTTL, MinReplicas and MaxLag only once the node is a primary, whoever has made it one.
	MinReplicas     int
	MaxLag          time.Duration
	OutputLimit     int64
	OutputSoftLimit int64
	OutputSoftTime  time.Duration
	SyncBudget      int64
	BacklogTTL      time.Duration
	DisklessDelay   time.Duration
	RequirePassword string
	AllowReplicaOf  bool

	// Guard decides which full resyncs are taken. The zero value holds those that look like a primary which lost its data.
	Guard Guard

	// RetainFormer is how long the data is kept that a full resync replaced, for RestoreFormer. It costs the memory of what differs from the present data. Default:
	// DefaultRetainFormer. Negative: not at all.
	RetainFormer time.Duration

	// OnEvent is as in PrimaryOptions.
	OnEvent func(Event)

	// Logger receives events of the life of links, never data: no key, no value, no password. Default: nil, silent. See SlogLogger for users of log/slog.
	Logger *zap.Logger

	// OnState is told each change of the link's state, in order, by the link's own goroutine. It must return soon, and must not call Close, Follow or Promote,
	// which wait for that goroutine. Default: nil.
	OnState func(old, new State)
}

func (o *PrimaryOptions) validate() error {
	return errors.Join(
		notNegative("Timeout", o.Timeout),
		notNegative("PingPeriod", o.PingPeriod),
		notNegative("MaxLag", o.MaxLag),
		notNegative("MinReplicas", o.MinReplicas),
		notNegative("DisklessDelay", o.DisklessDelay),
	)
}

func (o *ReplicaOptions) validate() error {
	var announce error
	if o.Announce != "" {
		_, _, announce = splitAnnounce(o.Announce)
	}
	return errors.Join(
		notNegative("Timeout", o.Timeout),
		o.Guard.validate(),
		notNegative("MaxLag", o.MaxLag),
		notNegative("MinReplicas", o.MinReplicas),
		notNegative("DisklessDelay", o.DisklessDelay),
		o.LoadMode.validate(),
		announce,
	)
}

func notNegative[T int | time.Duration](name string, d T) error {
	if d < 0 {
		return fmt.Errorf("replication: option %s is negative: %v", name, d)
	}
	return nil
}

func splitAnnounce(text string) (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(text)
	if err == nil {
		port, err = strconv.Atoi(digits)
	}
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("replication: option Announce is not host:port: %q", text)
	}
	return host, port, nil
}

// config is what a node works with: options of either role, or a server's settings, with the defaults filled in. A config is immutable; a change replaces it.
type config struct {
	timeout       time.Duration
	pingPeriod    time.Duration
	outputLimit   int64 // bytes; 0 = none
	softLimit     int64 // bytes; 0 = none
	softTime      time.Duration
	syncBudget    int64         // bytes; 0 = no limit
	backlogTTL    time.Duration // 0 = for ever
	backlogBytes  int64         // as the directive says; 0 = nobody has asked
	diskless      bool
	disklessDelay time.Duration
	disklessMax   int // waiting replicas that start a full resync early; 0 = none
	loadMode      LoadMode
	spool         spoolPlace

	minReplicas int           // good replicas without which writes are refused; 0 = none
	maxLag      time.Duration // age of a good replica's last sign of life at most; 0 = writes do not depend on it

	username, password string      // towards the primary, where its URL has none
	upstream           *tls.Config // likewise, whatever its URL says; nil = as that says
	writable           bool        // as a replica: clients may write, which taints the history
	freshOnly          bool        // as a replica: clients get no data while the link is down
	demand             string      // password for the node's own clients; "" = none
	steered            bool        // the node's own clients may change its role
	guard              Guard
	retainFormer       time.Duration // 0: not at all
	announceIP         string
	announcePort       int
}

func (c config) withDefaults() *config {
	if c.timeout == 0 {
		c.timeout = DefaultTimeout
	}
	if c.pingPeriod == 0 {
		c.pingPeriod = DefaultPingPeriod
	}
	return &c
}

// limitOption translates the option, whose zero means the default, to the config, whose zero means none.
func limitOption(n int64) int64 {
	switch {
	case n == 0:
		return DefaultOutputLimit
	case n < 0:
		return 0
	}
	return n
}

func (o *PrimaryOptions) config() *config {
	return config{
		timeout: o.Timeout, pingPeriod: o.PingPeriod,
		diskless: true, disklessDelay: o.DisklessDelay, demand: o.RequirePassword, steered: o.AllowReplicaOf,
		minReplicas: o.MinReplicas, maxLag: cmp.Or(o.MaxLag, DefaultMaxLag),
		retainFormer: DefaultRetainFormer, // a client may make it a replica
	}.limited(o.limits()).withDefaults()
}

// serving returns c with what a primary's options say about serving.
func (c *config) serving(o *PrimaryOptions) *config {
	with, from := c.limited(o.limits()), o.config()
	with.timeout, with.pingPeriod, with.disklessDelay = from.timeout, from.pingPeriod, from.disklessDelay
	with.minReplicas, with.maxLag = from.minReplicas, from.maxLag
	return &with
}

func (o *ReplicaOptions) config() *config {
	c := config{
		timeout:  o.Timeout,
		diskless: true, disklessDelay: o.DisklessDelay, demand: o.RequirePassword, steered: o.AllowReplicaOf,
		username: o.Username, password: o.Password, minReplicas: o.MinReplicas, maxLag: cmp.Or(o.MaxLag, DefaultMaxLag), freshOnly: o.RefuseStale,
		guard: o.Guard, retainFormer: cmp.Or(max(o.RetainFormer, -1), DefaultRetainFormer),
		loadMode: o.LoadMode, spool: spoolPlace{dir: o.SpoolDir},
	}
	if o.Announce != "" {
		c.announceIP, c.announcePort, _ = splitAnnounce(o.Announce) // validate has seen it
	}
	return c.limited(o.limits()).withDefaults()
}

// dialing is how a link reaches primaries and whom it tells about itself. It stays the same when the node is re-pointed.
type dialing struct {
	dial        func(ctx context.Context, network, addr string) (net.Conn, error)
	tls         *tls.Config
	credentials func(ctx context.Context) (username, password string, err error) // nil: those of the URL or the config
	backoff     func(failures int) time.Duration
	onState     func(old, new State)
}

func (o *ReplicaOptions) dialing() dialing {
	d := dialing{dial: o.Dial, tls: o.TLS, credentials: o.Credentials, backoff: o.Backoff, onState: o.OnState}
	if d.dial == nil {
		d.dial = new(net.Dialer).DialContext
	}
	if d.backoff == nil {
		d.backoff = defaultBackoff
	}
	if d.onState == nil {
		d.onState = func(State, State) {}
	}
	return d
}

// open dials t, with TLS if its URL said so, and tells at what it is at. ctx bounds all of it.
func (d dialing) open(ctx context.Context, t target, at func(stage string)) (net.Conn, error) {
	at("dialing")
	conn, err := d.dial(ctx, t.network, t.addr)
	if err != nil || !t.tls {
		return conn, err
	}
	c := &tls.Config{}
	if d.tls != nil {
		c = d.tls.Clone()
	}
	if c.ServerName == "" {
		c.ServerName, _ = t.hostPort()
	}
	at("TLS handshake")
	secure := tls.Client(conn, c)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return server.Prompt(secure), nil
}
