package replication

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/store"
	"github.com/understudy-go/understudy/store/backlog"
)

// Reason says in one word of its own, which does not change between versions, why something happened to a link: what a program or an alert can match, where an
// error's text is for people. The numbers are in the Resync, Offer or error beside it.
type Reason string

// Why a replica gets all data instead of the missing part of the stream.
const (
	ReasonFirst       Reason = "first-sync"       // it asked for everything: it has no data with a history
	ReasonAnew        Reason = "starting-over"    // its data or its place in the stream cannot be continued, and it knows
	ReasonUnknownID   Reason = "unknown-history"  // what it has is of another history
	ReasonBehind      Reason = "behind-backlog"   // the next byte is no longer kept
	ReasonAhead       Reason = "ahead-of-stream"  // it has more than there is
	ReasonBeyondLimit Reason = "beyond-secondary" // it has bytes under the old ID that this history does not contain
	ReasonTainted     Reason = "tainted"          // the data is not what its history says
)

// Why a replica is turned away.
const (
	ReasonNoData        Reason = "no-data"         // the node has not synced yet
	ReasonNoPrimaryLink Reason = "no-primary-link" // its own link is down
	ReasonCircle        Reason = "circle"          // the replica is the node's primary
)

// Why a link ends. Those of a replica's link to its primary, of a primary's to its replica, or of both.
const (
	ReasonClosed         Reason = "closed"            // Close, or the end of the server's context
	ReasonHistoryChanged Reason = "history-changed"   // the replica is to ask again, under the new name
	ReasonDropped        Reason = "dropped"           // on request: CLIENT KILL and the like
	ReasonEOF            Reason = "peer-closed"       // the other side closed the connection
	ReasonTimeout        Reason = "timeout"           // the other side was silent for too long
	ReasonStalled        Reason = "stalled"           // the other side takes no bytes
	ReasonOutputLimit    Reason = "output-limit"      // too far behind
	ReasonSyncBudget     Reason = "sync-budget"       // too far behind while it loaded
	ReasonNetwork        Reason = "network"           // dialing, or any other error of the connection
	ReasonRefused        Reason = "refused"           // an error reply that may change: LOADING, NOMASTERLINK, BUSY
	ReasonDenied         Reason = "denied"            // credentials or rights are missing
	ReasonNoCredentials  Reason = "no-credentials"    // ReplicaOptions.Credentials has failed
	ReasonUntrusted      Reason = "untrusted"         // TLS: one side does not accept the other's certificate or protocol
	ReasonProtocol       Reason = "protocol"          // something that is not in the protocol
	ReasonPayload        Reason = "payload"           // cut short or corrupt
	ReasonUnsupported    Reason = "unsupported"       // a command, a type or a size that this version does not know
	ReasonStream         Reason = "stream-mismatch"   // a command of the stream does not fit the data
	ReasonPayloadSent    Reason = "payload-delivered" // the replica wanted no more than the payload
	ReasonDiverged       Reason = "diverged"          // the data is not the primary's: see Replica.Verify
	ReasonOther          Reason = "other"
)

// Why a full resync is held: see Guard.
const (
	ReasonEmpty  Reason = "empty-primary"  // it has no key
	ReasonShrunk Reason = "shrunk-primary" // it has far fewer keys
	ReasonFresh  Reason = "fresh-primary"  // its history is another and younger one, and keys are missing
)

// ReasonOf returns the reason for an error of this package, "" for nil. The order matters: what is wrapped decides, not what wraps it.
func ReasonOf(err error) Reason {
	if err == nil {
		return ""
	}
	if held, ok := errorAs[*HeldError](err); ok {
		return held.Offer.Reason
	}
	if r := accessReason(err); r != "" {
		return r
	}
	for _, r := range reasonsByValue() {
		if errors.Is(err, r.err) {
			return r.reason
		}
	}
	return reasonByType(err)
}

type errorReason struct {
	err    error
	reason Reason
}

func reasonsByValue() []errorReason {
	return []errorReason{
		{ErrTainted, ReasonTainted},
		{ErrHistoryChanged, ReasonHistoryChanged},
		{ErrOutputLimit, ReasonOutputLimit},
		{ErrSyncBudget, ReasonSyncBudget},
		{ErrAckTimeout, ReasonTimeout},
		{ErrTimeout, ReasonTimeout},
		{ErrStalled, ReasonStalled},
		{errDropped, ReasonDropped},
		{errReplicaKilled, ReasonDropped},
		{errPayloadOnly, ReasonPayloadSent},
		{errNoData, ReasonNoData},
		{errNoLink, ReasonNoPrimaryLink},
		{errCircle, ReasonCircle},
		{ErrNoPSYNC, ReasonUnsupported},
		{ErrCommandTooLarge, ReasonUnsupported},
		{rdb.ErrTooLarge, ReasonUnsupported},
		{store.ErrTransactionTooBig, ReasonUnsupported},
		{store.ErrNoDatabase, ReasonUnsupported},
		{ErrClosed, ReasonClosed},
		{store.ErrClosed, ReasonClosed},
		{context.Canceled, ReasonClosed},
	}
}

func reasonByType(err error) Reason {
	if refused, ok := errorAs[*RefusedError](err); ok {
		if refused.denied() {
			return ReasonDenied
		}
		return ReasonRefused
	}
	if _, ok := errorAs[*store.UnknownCommandError](err); ok {
		return ReasonUnsupported
	}
	if _, ok := errorAs[*rdb.UnsupportedError](err); ok {
		return ReasonUnsupported
	}
	if _, ok := errorAs[*store.StreamError](err); ok {
		return ReasonStream
	}
	if _, ok := errorAs[*DivergenceError](err); ok {
		return ReasonDiverged
	}
	if _, ok := errorAs[*PayloadError](err); ok {
		return ReasonPayload
	}
	if _, ok := errorAs[*ProtocolError](err); ok {
		return ReasonProtocol
	}
	return networkReason(err)
}

func networkReason(err error) Reason {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ReasonEOF
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return ReasonTimeout
	}
	if _, ok := errorAs[net.Error](err); ok || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		return ReasonNetwork
	}
	return ReasonOther
}

// A Resync is how a replica and its primary came together, with the numbers that led to it. IDs are replication IDs, offsets counts of stream bytes.
type Resync struct {
	Full   bool
	Reason Reason // why it is a full one; "" for a partial one

	// What the replica had: AskedID "" if it asked for everything.
	AskedID     string
	AskedOffset int64

	// What it was given: where its data stands after a full resync, or goes on from after a partial one, and under which ID.
	ID     string
	Offset int64

	// The window of the backlog, both edges included, and the limit of the secondary ID, -1 without one. All three are known to the side that decided: -1 in a
	// Resync that the replica notes.
	First, End     int64
	SecondaryLimit int64
}

// String tells it in one line.
func (r Resync) String() string {
	asked := "everything"
	if r.AskedID != "" {
		asked = fmt.Sprintf("%s:%d", r.AskedID, r.AskedOffset)
	}
	if !r.Full {
		return fmt.Sprintf("partial resync: asked for %s, got %s:%d", asked, r.ID, r.Offset)
	}
	return fmt.Sprintf("full resync (%s): asked for %s, got %s:%d", r.Reason, asked, r.ID, r.Offset)
}

// received is the Resync as the replica sees it: it asked to continue (id, offset), and this is the answer. The primary does not say why it gives everything, but
// what it names tells.
func received(id backlog.ID, offset int64, spoiled bool, r psyncReply) Resync {
	s := Resync{
		Full: r.full, AskedID: string(id), AskedOffset: offset, ID: string(r.id), Offset: r.offset,
		First: -1, End: -1, SecondaryLimit: -1,
	}
	switch {
	case !r.full:
		s.Offset = offset
		if r.id == "" {
			s.ID = string(id)
		}
	case id == "" && spoiled:
		s.Reason = ReasonAnew
	case id == "":
		s.Reason = ReasonFirst
	case r.id != id:
		s.Reason = ReasonUnknownID
	case r.offset < offset:
		s.Reason = ReasonAhead
	default:
		s.Reason = ReasonBehind
	}
	return s
}

// given is the Resync as the node sees it that decided. d is the decision on a request for a part, the zero Decision for one for everything.
func given(req psyncRequest, d backlog.Decision) Resync {
	s := Resync{
		Full: !d.OK, AskedID: req.id, AskedOffset: req.count, ID: string(d.ID), Offset: d.Count,
		First: d.First, End: d.End, SecondaryLimit: d.SecondaryLimit,
	}
	if d.OK {
		return s
	}
	s.Offset = 0 // the cut, which comes later, says what it gets
	s.Reason = refusals()[d.Reason]
	if req.full {
		s.AskedID, s.AskedOffset, s.Reason = "", 0, ReasonFirst
	}
	return s
}

func refusals() map[backlog.Reason]Reason {
	return map[backlog.Reason]Reason{
		backlog.Accepted:        ReasonOutputLimit, // the window covers it, the limit does not
		backlog.UnknownID:       ReasonUnknownID,
		backlog.BeyondSecondary: ReasonBeyondLimit,
		backlog.Behind:          ReasonBehind,
		backlog.Ahead:           ReasonAhead,
		backlog.Tainted:         ReasonTainted,
	}
}
