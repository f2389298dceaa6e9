package replication

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/store"
)

// Errors of calls.
var (
	// ErrClosed is returned by calls on a node that was closed, and by Serve once Close was called.
	ErrClosed = errors.New("replication: closed")

	// ErrNotReplica is returned when a replica's call meets a node that was promoted meanwhile.
	ErrNotReplica = errors.New("replication: the node is a primary")

	// ErrNotPrimary is returned when a primary's call meets a node that follows another one.
	ErrNotPrimary = errors.New("replication: the node is a replica")

	// ErrNoBarrier is returned by Barrier when the primary cannot be asked for its offset: it answers INFO with an error, or without the numbers.
	ErrNoBarrier = errors.New("replication: the primary does not tell its offset")

	// ErrRunning is returned by Run when the replica already follows.
	ErrRunning = errors.New("replication: already running")

	// ErrFailingOver is returned by changes of the role while a planned failover is under way, see Primary.Failover.
	ErrFailingOver = errors.New("replication: a failover is under way")

	// ErrNoSuccessor, ErrNoSuchReplica and ErrReplicaNotOnline are returned by Failover when nobody can take over: there is no replica that has announced where it listens, none under the
	// address that was given, or that one is not up to date yet.
	ErrNoSuccessor      = errors.New("replication: there is no replica to take over")
	ErrNoSuchReplica    = errors.New("replication: no replica has that address")
	ErrReplicaNotOnline = errors.New("replication: the replica is not online")

	// ErrFailoverTimeout is returned by Failover when the replica did not have everything in time. The node goes on as the primary that it was.
	ErrFailoverTimeout = errors.New("replication: the replica did not acknowledge everything in time")

	// ErrFailoverAborted is returned by Failover when a client of the node has ended it. The node is a primary.
	ErrFailoverAborted = errors.New("replication: failover aborted")

	errForce = errors.New("replication: FailoverOptions.Force needs both To and Timeout")

	errReplaced = errors.New("replication: the node was promoted or told to follow another primary meanwhile")
)

// Reasons for which a link to a primary stops for good.
var (
	// ErrNoPSYNC means that the primary does not know PSYNC: it is older than Redis 2.8, or no Redis at all. Redis would go on with SYNC; here that is
	// no way out, because a link that can neither acknowledge nor continue takes a full resync each time it breaks.
	ErrNoPSYNC = errors.New("replication: the primary does not offer PSYNC")

	// ErrCommandTooLarge means that the stream has a command beyond the limits of package resp: a string of more than 512 MiB. In a payload such a string is an
	// *rdb.TooLargeError, and stops following as well.
	ErrCommandTooLarge = errors.New("replication: command of the stream exceeds the limits")

	// ErrDenied means that the primary refuses the credentials, or that their user may not follow: a *RefusedError with NOAUTH, WRONGPASS or NOPERM. With
	// ReplicaOptions.Credentials it is tried again.
	ErrDenied = errors.New("replication: the primary denies access")

	// ErrTainted means that the data is not what its history says, so that following on would spread the difference. Follow starts over.
	ErrTainted = errors.New("replication: tainted history")
)

// Reasons for which a link to a primary is cut and tried again.
var (
	// ErrTimeout means that the primary sent nothing for ReplicaOptions.Timeout.
	ErrTimeout = errors.New("replication: nothing from the primary within the timeout")

	errDropped = errors.New("replication: link dropped on request")
)

// Reasons for which a replica is dropped by the node that feeds it. It may come back and continue where it was, if the backlog still covers that.
var (
	// ErrOutputLimit means that a replica lagged more than OutputLimit, or OutputSoftLimit for too long. errors.As with *OutputLimitError tells the numbers.
	ErrOutputLimit = errors.New("replication: replica exceeded the output limit")

	// ErrSyncBudget means that a replica needed more than SyncBudget before it had caught up. errors.As with *SyncBudgetError tells the numbers.
	ErrSyncBudget = errors.New("replication: replica exceeded the sync budget")

	// ErrAckTimeout means that a replica acknowledged nothing for Timeout.
	ErrAckTimeout = errors.New("replication: no acknowledgement within the timeout")

	// ErrStalled means that a replica took no byte for Timeout and gave no other sign of life.
	ErrStalled = errors.New("replication: replica does not read")

	// ErrHistoryChanged means that the node's own history changed, by promotion or a sync of its own. The replica must ask again.
	ErrHistoryChanged = errors.New("replication: history changed")

	errReplicaKilled = errors.New("replication: replica dropped on request")
	errPayloadOnly   = errors.New("replication: the replica asked for the payload only")
)

// Texts that go over the wire.
var (
	errReplConfSyntax = errors.New("syntax error")
	errNotInteger     = errors.New("value is not an integer or out of range")
)

// OutputLimitError tells how far a dropped replica was behind. It matches ErrOutputLimit.
type OutputLimitError struct {
	Lag, Limit int64         // bytes of the stream
	For        time.Duration // how long it was beyond Limit, the soft one; 0 = Limit is the hard one
}

func (e *OutputLimitError) Error() string {
	if e.For > 0 {
		return fmt.Sprintf("%v: %d bytes behind, more than %d for %v", ErrOutputLimit, e.Lag, e.Limit, e.For)
	}
	return fmt.Sprintf("%v: %d bytes behind, limit %d", ErrOutputLimit, e.Lag, e.Limit)
}

func (e *OutputLimitError) Is(target error) bool { return target == ErrOutputLimit }

// LinkError is why a link to a primary failed, with where and when. It wraps the reason itself.
type LinkError struct {
	Primary string // address
	Stage   string // "dialing", "TLS handshake", "waiting for the reply to PING", "reading the payload", "reading the stream", ...
	Err     error
}

func (e *LinkError) Error() string {
	text := strings.TrimPrefix(e.Err.Error(), "replication: ")
	if p, ok := e.Err.(*PayloadError); ok {
		text = p.detail() // the stage has said that it is about the payload
	}
	return fmt.Sprintf("replication: primary %s: %s: %s", e.Primary, e.Stage, text)
}

func (e *LinkError) Unwrap() error { return e.Err }

// ProtocolError means that a peer said something that is not in the protocol. The link is cut; a link to a primary is tried again.
type ProtocolError struct {
	During string // what was being read
	Got    string // the beginning of what came, at most 128 bytes; it may be binary
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("replication: %s: unexpected %q", e.During, e.Got)
}

// RefusedError is an error reply of the primary.
type RefusedError struct {
	Command string // what was asked
	Reply   string // the reply without its dash, at most 128 bytes
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("replication: %s refused: %s", e.Command, e.Reply)
}

// Is makes a primary that does not know PSYNC match ErrNoPSYNC, and one that denies access ErrDenied.
func (e *RefusedError) Is(target error) bool {
	return target == ErrDenied && e.denied() || target == ErrNoPSYNC && e.Command == cmdPSYNC && strings.HasPrefix(strings.ToLower(e.Reply), "err unknown command")
}

// denied tells whether credentials or rights are missing: trying again with the same ones is of no use.
func (e *RefusedError) denied() bool {
	word, _, _ := strings.Cut(e.Reply, " ")
	switch word {
	case "NOAUTH", "WRONGPASS", "NOPERM":
		return true
	}
	// Redis before 6.0 has no code for a wrong password.
	return e.Command == "AUTH"
}

// PayloadError means that a full resync's payload was cut short, corrupt, or of a kind that this version does not know. The data is as it was before, or, with
// LoadInPlace, gone. By errors.As
// an *rdb.UnsupportedError or *rdb.TooLargeError in it has the name of the key that stands in the way, which is no part of the text.
type PayloadError struct {
	Offset int64 // bytes of the payload handed to the decoder so far
	Err    error
}

func (e *PayloadError) Error() string { return "replication: payload: " + e.detail() }

// detail names an offset. An error of the decoder has its own, at which what it could not read begins.
func (e *PayloadError) detail() string {
	_, unsupported := errorAs[*rdb.UnsupportedError](e.Err)
	_, corrupt := errorAs[*rdb.CorruptError](e.Err)
	if _, large := errorAs[*rdb.TooLargeError](e.Err); large || corrupt || unsupported {
		return e.Err.Error()
	}
	return fmt.Sprintf("at offset %d: %v", e.Offset, e.Err)
}

func (e *PayloadError) Unwrap() error { return e.Err }

// terminal tells whether a link that ended with err must not be tried again. What could change by itself (the network, the other side's state, a damaged
// transfer) is not terminal; what would come out the same, or would take a full resync each time around, is.
func terminal(err error) bool {
	if refused, ok := errorAs[*RefusedError](err); ok {
		return refused.denied() || errors.Is(err, ErrNoPSYNC)
	}
	if _, ok := errorAs[*store.UnknownCommandError](err); ok {
		return true
	}
	if _, ok := errorAs[*store.StreamError](err); ok {
		return true
	}
	if _, ok := errorAs[*rdb.UnsupportedError](err); ok {
		return true
	}
	for _, final := range []error{ErrTainted, ErrCommandTooLarge, rdb.ErrTooLarge, store.ErrTransactionTooBig, store.ErrNoDatabase, store.ErrClosed} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}

// spoils tells whether it is the next part of the stream that stopped the link: asked for again, it would stop the next link too. What stopped the
// dialogue or a payload says nothing against the data that is there.
func spoils(err error) bool {
	_, refused := errorAs[*RefusedError](err)
	_, payload := errorAs[*PayloadError](err)
	return terminal(err) && !refused && !payload
}

// errorAs is errors.AsType, which the oldest supported Go release does not have.
func errorAs[E error](err error) (E, bool) {
	var target E
	ok := errors.As(err, &target)
	return target, ok
}
