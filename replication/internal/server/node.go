package server

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
	"github.com/understudy-go/understudy/store/backlog"
)

// Node is what the server drives: one data set with a role. Package replication implements it, so that this package speaks to clients and knows nothing
// of feeds and links.
//
// All methods may be called from any goroutine. None but ServeReplica, WaitReplicas, Mark and Cut waits for a peer.
type Node interface {
	// Store returns the data set. It is the same store for the life of the node; a full sync changes what is in it.
	Store() *store.Store

	// State returns a copy of what INFO replication, ROLE and CLIENT LIST print. The slices belong to the caller.
	State() State

	// Stale reports whether commands that ask for data are to be refused: Settings.RefuseStale is set, and the node is a replica whose link is not up. It is
	// asked for each command.
	Stale() bool

	// Configure replaces all run-time settings. What depends on a changed one (the backlog's size, the timeout of a link) follows at once.
	Configure(Settings)

	// ReplicaOf makes the node follow host:port, or, with host "", makes it a primary that keeps its history. It returns once the role has changed; the
	// link comes up by itself.
	ReplicaOf(host string, port int) error

	// Failover begins to hand the role over to a replica and returns nil, or one of the errors ErrFailover... An answer to the client is given before it ends.
	Failover(FailoverRequest) error

	// AbortFailover ends a failover that is under way; the node is a primary then. It reports whether there was one.
	AbortFailover() bool

	// WaitReplicas waits until n replicas have acknowledged offset, or ctx ends. It returns how many have; the end of ctx is not an error, that of the node's
	// being a primary is.
	WaitReplicas(ctx context.Context, n int, offset int64) (int, error)

	// ReplConf records one REPLCONF of the handshake in p and returns the reply; a value without a kind is none. args[0] is REPLCONF; the slices are valid
	// only during the call.
	ReplConf(p *Peer, args [][]byte) resp.Value

	// ServeReplica answers PSYNC or SYNC (args[0] says which) and serves the replica until it goes away. It owns p.Conn, p.Reader and args from here on and
	// closes the connection.
	ServeReplica(ctx context.Context, p *Peer, args [][]byte) error

	// Mark puts a mark into the stream of the primary at the top of the chain: of this node, or of the one that it follows, which is asked and may ask on, as
	// often as hops says.
	Mark(ctx context.Context, token string, hops int) error

	// Cut returns a snapshot at the mark of that token; below a primary that makes no marks, at another frame by which siblings and chained replicas can
	// take theirs. The snapshot is the caller's until release, which closes it; after some minutes it is closed all the same. An error may be a *Refusal.
	Cut(ctx context.Context, token string) (sn *store.Snapshot, release func(), err error)

	// DropReplicas closes the links to the replicas for which match says yes and returns how many there were. match must not call back into the node.
	DropReplicas(match func(ReplicaState) bool) int

	// DropUpstream cuts the link to the primary, which comes up again by itself, and reports whether there was one.
	DropUpstream() bool

	// AcceptSync lets a replica take the full resync that it holds back; an error when it holds none. It does not wait for it.
	AcceptSync() error

	// RestoreFormer makes the node a primary of the data that the last full resync replaced; an error when that is not kept.
	RestoreFormer() error

	// ChangeID gives the history a new name and forgets the ones before, so that every replica needs a full resync; those that are attached are dropped.
	ChangeID() error
}

// Settings are the directives that concern replication. Zero durations and sizes mean the node's defaults, except where a field says otherwise.
type Settings struct {
	ReadOnlyReplica     bool          // replica-read-only
	RefuseStale         bool          // replica-serve-stale-data no
	Timeout             time.Duration // repl-timeout
	PingPeriod          time.Duration // repl-ping-replica-period
	DisklessSync        bool          // repl-diskless-sync: payloads with an EOF mark instead of a length
	DisklessDelay       time.Duration // repl-diskless-sync-delay; 0 = no waiting for company
	DisklessMaxReplicas int           // repl-diskless-sync-max-replicas; 0 = no early start
	OutputLimit         int64         // client-output-buffer-limit replica, hard limit in bytes; 0 = none
	SoftLimit           int64         // likewise, soft limit; 0 = none
	SoftTime            time.Duration // likewise, for how long
	SyncBudget          int64         // understudy-sync-budget, in bytes; 0 = no limit
	BacklogBytes        int64         // repl-backlog-size
	BacklogTTL          time.Duration // repl-backlog-ttl; 0 = for ever
	MinReplicas         int           // min-replicas-to-write; 0 = none
	MaxLag              time.Duration // min-replicas-max-lag; 0 = writes do not depend on replicas

	Username, Password string      // masteruser, masterauth: towards the primary
	TLS                *tls.Config // tls-replication: likewise; nil = without

	Guarded           bool          // understudy-guard: a full resync that looks like a primary which lost its data is held
	GuardPercent      int           // understudy-guard-percent: of the replica's keys it must bring so many; 0 = any
	GuardFreshPercent int           // understudy-guard-fresh-percent: the same where the history is another and younger; 0 = any, 101 = none will do
	RetainFormer      time.Duration // understudy-retain-former: how long replaced data is kept; 0 = not at all

	LoadMode string // repl-diskless-load
	SpoolDir string // dir, for temporary files of payloads; "" = as it was

	AnnounceIP    string // replica-announce-ip; "" = none
	AnnouncePort  int    // replica-announce-port; 0 = none
	ListeningPort int    // the port that the server listens on, with TLS if TLS is set, told to the primary when AnnouncePort is 0
	Priority      int    // replica-priority, shown in INFO
}

// State is a node at one instant, as clients see it. Offsets are counts of stream bytes.
type State struct {
	Primary bool
	History backlog.History

	// The bytes (BacklogFirst, History.Offset] can be served to a replica that continues.
	BacklogFirst  int64
	BacklogSize   int64 // capacity in bytes
	BacklogFreed  bool  // nothing is kept until a replica comes
	BacklogMemory int64 // bytes that the backlog takes
	Retained      int64 // bytes that replicas take beyond that

	Upstream *UpstreamState // nil on a primary
	Replicas []ReplicaState // in the order in which they came

	Failover string // one of the Failover constants; "" = none

	GoodReplicas int // online and heard from within Settings.MaxLag; -1 when writes do not depend on that

	FullSyncs      uint64 // full syncs served
	PartialSyncs   uint64 // partial resyncs accepted
	PartialRefused uint64 // partial resyncs asked for and refused

	BytesIn  int64 // read from the primary
	BytesOut int64 // written to replicas
}

// States of a link to a primary, as ROLE names them.
const (
	LinkConnect    = "connect"    // not connected, about to try
	LinkConnecting = "connecting" // dialing
	LinkHandshake  = "handshake"
	LinkSync       = "sync" // a full sync is being received
	LinkConnected  = "connected"
)

// UpstreamState is the link to the primary.
type UpstreamState struct {
	Host string
	Port int
	Up   bool // State is LinkConnected
	// Stopped: following has ended, because trying again could not help.
	Stopped bool

	State string // one of the Link constants
	Phase string // the same more finely: how package replication names the state

	LastIO    time.Time // zero: never
	DownSince time.Time // zero while up, or when it was never up
	Err       error     // what ended the link last, nil when it is up

	SyncInProgress bool
	LoadedBytes    int64 // of the payload, so far, that came over the link
	TotalBytes     int64 // 0 when the primary sends an EOF mark instead of a length

	// Decoding, which is of those bytes as they come, or of a file that they were written to.
	LoadStart    time.Time // zero while nothing is being decoded
	DecodedBytes int64
	DecodeTotal  int64     // 0 when it is not known
	LoadEnd      time.Time // estimated; zero when nothing can be said

	Offset     int64 // bytes applied
	ReadOffset int64 // bytes received: Offset plus what is held back of an unfinished transaction
}

// States of a replica, as INFO names them.
const (
	ReplicaWaiting = "wait_bgsave" // asked for a sync that has not begun
	ReplicaSending = "send_bulk"   // payload under way, or sent and not acknowledged
	ReplicaOnline  = "online"
)

// ReplicaState is one replica that this node feeds.
type ReplicaState struct {
	ID   int64  // Peer.ClientID
	Addr string // remote address of the connection
	IP   string // announced by REPLCONF ip-address, else the connection's
	Port int    // announced by REPLCONF listening-port; 0 = never

	State     string    // one of the Replica constants
	AckOffset int64     // last acknowledged
	AckTime   time.Time // of the last acknowledgement; the start of the link before the first
	Since     time.Time // start of the link
	Name      string    // CLIENT SETNAME before PSYNC
	LAddr     string    // the connection's address on this side
	Queued    int64     // bytes of the stream not yet written to it
}

// Peer is a connection that becomes a replica's. REPLCONF fills it, ServeReplica takes it over together with Conn and Reader: the server has flushed all
// its replies and touches neither again.
type Peer struct {
	Conn     net.Conn
	Reader   *resp.Reader // may hold bytes that the peer sent after PSYNC
	ClientID int64        // as CLIENT LIST shows it
	Name     string       // as CLIENT SETNAME left it

	// Set by Node.ReplConf.
	ListeningPort int
	IP            string
	CapaEOF       bool
	CapaPSYNC2    bool
	Version       string // REPLCONF version, which Valkey sends
	RDBOnly       bool   // wants the payload and no stream
	NoKeys        bool   // wants a payload without keys; the stream has them all the same
	NoFunctions   bool   // wants a payload without function libraries, likewise
}
