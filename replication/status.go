package replication

import (
	"fmt"
	"time"

	"github.com/understudy-go/understudy/store/backlog"
)

// State is the state of a link to a primary. The package comment draws how they follow one another.
type State uint8

const (
	None       State = iota // there is no link: the node is a primary, or was not started
	Connecting              // dialing
	Handshake               // connected; not yet granted a resync
	Loading                 // a full resync is under way: waiting for the payload, or reading it. Reads see the old data
	Streaming               // up to date but for the time that bytes travel
	Waiting                 // the link failed and will be tried again; Status.Err says why
	Stopped                 // the link failed for good; Status.Err says why. Reads go on. Follow starts anew
	Closed                  // Close was called, or the node is following another primary now
	Held                    // a full resync is not taken, see Guard; Status.Offer has the numbers. Reads go on
)

var stateNames = [...]string{"none", "connecting", "handshake", "loading", "streaming", "waiting", "stopped", "closed", "held"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Role is what a node is at the moment.
type Role uint8

const (
	RolePrimary Role = iota
	RoleReplica
)

func (r Role) String() string {
	if r == RoleReplica {
		return "replica"
	}
	return "primary"
}

// Status is a node at one instant. It is a copy: nothing that happens later shows in it. It takes the store's writer lock for a moment, so it must not be
// asked for inside of Update.
type Status struct {
	Role Role

	// ID names the history of the data, Offset counts the bytes of its stream that the data contains. Secondary is the name under which the stream up to
	// SecondaryLimit was known before the last change of ID; "" and -1 if there is none.
	ID             string
	Offset         int64
	Secondary      string
	SecondaryLimit int64
	Tainted        string // why the data is not what ID and Offset promise; "" = it is

	// The link to the primary. All zero on a primary.
	State    State
	Primary  string    // address
	Since    time.Time // when State was entered
	LastIO   time.Time // when the last byte came from the primary; zero: never
	Err      error     // why the link is down; nil while it is up or has not failed yet
	Received int64     // bytes of the stream that came over this link, applied or not

	// The payload of a full resync, during and after it.
	Spooled    int64     // bytes in the temporary file of LoadSpooled; 0 with the other modes. When it is complete Loaded begins to grow
	Loaded     int64     // bytes decoded
	LoadedKeys int64     // keys decoded
	Total      int64     // size in bytes; 0 = the primary does not say, and it is not in a file yet
	LoadRate   int64     // bytes a second, of Spooled while that grows, else of Loaded; the mean since the first
	LoadEnd    time.Time // when that will be complete at this rate; zero while it cannot be told, and afterwards
	Vacant     bool      // LoadInPlace has dropped the old data and the new is not complete: reads find nothing

	FullSyncs    uint64 // full resyncs received since the node was made
	PartialSyncs uint64 // partial resyncs received

	Offer  *Offer      // the full resync that is held; nil: none is
	Resync *Resync     // the last resync that was received; nil: there was none
	Former *FormerInfo // what the last full resync replaced; nil: nothing is kept

	Verified   *Verification    // the last Verify that found everything equal; nil: none did
	Divergence *DivergenceError // what the last Verify that came to a result has found; nil: nothing

	// Recent has the last things that happened, oldest first: at most 32.
	Recent []Event

	// The other side: who is fed by this node.
	Replicas       []ReplicaInfo // in the order in which they came
	FullServed     uint64        // full resyncs given
	PartialServed  uint64        // partial resyncs given
	PartialRefused uint64        // partial resyncs asked for and refused
	LastRefusal    string        // why the last one was refused, with its numbers
	BacklogFirst   int64         // a replica that has between BacklogFirst and Offset bytes can continue
	BacklogSize    int64         // bytes that a replica may miss and still continue, once that many were written
	BacklogFreed   bool          // nothing is kept until a replica comes: there was none for BacklogTTL
	BacklogMemory  int64         // bytes of memory that the backlog takes, whole blocks
	Retained       int64         // bytes of memory that replicas which are behind take beyond that, all together
	SyncBudget     int64         // the most that Retained may become for replicas that load, a block aside; 0 = no limit
	Rate           int64         // bytes of the stream a second, over the last five seconds; 0 without replicas
	Failover       FailoverState // of a planned failover
	GoodReplicas   int           // online and heard from within MaxLag; -1 unless MinReplicas is set
	Refusing       error         // why clients' writes are refused: store.ErrReadOnly, ErrNoReplicas or ErrSealed; nil = they are accepted
	BytesIn        int64         // read from primaries
	BytesOut       int64         // written to replicas
}

// FeedState is the state of a replica seen from the node that feeds it.
type FeedState uint8

const (
	FeedWaiting FeedState = iota // asked for a full resync that has not begun
	FeedSending                  // the payload is under way, or was sent and is not acknowledged yet
	FeedOnline                   // gets the stream
)

func (s FeedState) String() string {
	switch s {
	case FeedWaiting:
		return "waiting"
	case FeedSending:
		return "sending"
	}
	return "online"
}

// ReplicaInfo is one replica of a node.
type ReplicaInfo struct {
	Addr   string // announced host and port where there are any, else the connection's
	State  FeedState
	Acked  int64     // bytes that it acknowledged
	Heard  time.Time // of the last acknowledgement or other sign of life
	Queued int64     // bytes of the stream that are not written to it yet
	Since  time.Time

	// How far it is from being dropped. Limit is the number of bytes of the stream that it may be behind, 0 = no limit. Headroom is how many more it may miss before it
	// reaches Limit, HeadroomTime how long that takes at Status.Rate if it reads nothing from now on: math.MaxInt64 without a limit, and the time also while nothing
	// is written. Monitoring may compare them without looking at special cases.
	CatchingUp   bool // it loads, or has not caught up since: Limit is that of SyncBudget, and OutputLimit does not hold yet
	Limit        int64
	Headroom     int64
	HeadroomTime time.Duration
	OverSoft     time.Duration // how long it has been beyond OutputSoftLimit; 0 = it is not

	// The payload of a full resync, during and after it.
	Sent      int64     // bytes
	SentTotal int64     // size; 0 = not known, as it is encoded while it is sent
	SentRate  int64     // bytes a second, the mean since the first
	SentEnd   time.Time // when it will be complete at this rate; zero while it cannot be told, and afterwards
}

// status collects the copy. The parts are read one after the other: numbers may be a moment apart, each is right.
func (n *node) status() Status {
	h := n.repl.History()
	b := n.repl.Backlog()
	first, _ := b.Window()
	s := Status{
		ID: string(h.ID), Offset: h.Offset, Secondary: string(h.Secondary), SecondaryLimit: h.SecondaryLimit, Tainted: h.Taint,
		BacklogFirst: first, BacklogSize: b.Size(), BacklogFreed: b.Freed(), BacklogMemory: b.Memory(), Retained: b.Retained(),
		SyncBudget: n.syncBudget(), Rate: n.rate.Load(),
		Failover: n.failoverState(), GoodReplicas: n.goodReplicas(), Refusing: n.repl.Refusal(),
	}
	for _, f := range n.feedList() {
		s.Replicas = append(s.Replicas, f.info())
	}
	s.Recent = n.events.recent()
	n.mu.Lock()
	c, l, kept := n.counts, n.link, n.former
	n.mu.Unlock()
	if kept != nil {
		s.Former = kept.info()
	}
	s.Resync, s.Verified, s.Divergence = c.resync, c.verified, c.divergence
	s.FullSyncs, s.PartialSyncs = c.fullTaken, c.partialTaken
	s.FullServed, s.PartialServed, s.PartialRefused, s.LastRefusal = c.fullServed, c.partialServed, c.refused, c.refusal
	s.BytesIn, s.BytesOut = c.bytesIn, c.bytesOut
	if l != nil {
		l.fill(&s)
	}
	return s
}

// reached tells whether the data contains offset bytes of the history id. "" = of whichever history there is.
func (n *node) reached(id backlog.ID, offset int64) bool {
	if id == "" {
		return n.repl.Backlog().Offset() >= offset
	}
	h := n.repl.History()
	return h.ID == id && h.Offset >= offset
}
