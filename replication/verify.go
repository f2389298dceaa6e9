package replication

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/replication/internal/server"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
	"github.com/understudy-go/understudy/store/backlog"
)

// Why data could not be compared. Neither says anything about the data.
var (
	// ErrNoDigest means that the primary is no node of this library: compare with VerifyOptions.Reads.
	ErrNoDigest = errors.New("replication: the primary gives no digest")

	// ErrNoCut means that the two sides found no offset in common, because the history changed, the link was lost, the primary is busy with others, or a snapshot
	// went over store.Options.SnapshotBudget. Another Verify may succeed.
	ErrNoCut = errors.New("replication: no offset in common to compare at")
)

// VerifyOptions are the choices of Verify. nil and the zero value compare everything by digests.
type VerifyOptions struct {
	// Sample is the fraction of the keys to compare, chosen by a hash of their names. The same Seed chooses the same keys: change it from one call to the next
	// to see all of them in time. Default: 0, all. A digest of all data takes a node about as long as writing it to a file, a sample that fraction of it, and
	// a walk over all names.
	Sample float64
	Seed   uint64

	// Reads compares in another way, which works with any primary: so many keys, chosen at random on both sides, are read here and there. Sample and Seed have no effect.
	// The primary executes ordinary reads, of at most about a thousand elements or a megabyte each, WATCH and INFO, for which it may want other rights
	// than for following. Default: 0, digests.
	Reads int

	// PersistentOnly leaves out keys with a deadline: below a primary older than Redis 7.0, whose stream has times to live instead of deadlines, each node counts
	// these by its own clock, and they differ by what the bytes took to travel.
	PersistentOnly bool
}

// Verification is what Verify found equal.
type Verification struct {
	ID     string // history in which the data was compared
	Offset int64  // of the cut; with Reads that of the last key
	Keys   int64  // that were compared
	Digest string // of them, 40 hex digits; "" with Reads

	// Unsettled counts keys of Reads of which nothing can be said: they were written again and again while being compared, or are about to expire.
	Unsettled int
}

// Difference is what is wrong with a key.
type Difference uint8

const (
	Differs Difference = iota // the key has another value, type or deadline here
	Missing                   // only the primary has it
	Surplus                   // only this node has it
)

func (d Difference) String() string {
	switch d {
	case Missing:
		return "missing"
	case Surplus:
		return "surplus"
	}
	return "differs"
}

// KeyDifference is one key that differs.
type KeyDifference struct {
	DB   int
	Key  string
	What Difference
}

// DivergenceError means that the data differs from that of the primary at the same offset of the same history: one of the two is not what its history says.
// Follow does not mend it, as it continues the history; a replica with a new store does.
type DivergenceError struct {
	ID     string
	Offset int64

	// Digests, and the numbers of keys in them. Zero with Reads.
	Ours, Theirs       string
	OurKeys, TheirKeys int64

	// Keys are some of those that differ, with Reads all that were found. They are no part of the text.
	Keys []KeyDifference
}

func (e *DivergenceError) Error() string {
	at := fmt.Sprintf("replication: data differs from the primary's at offset %d of history %s", e.Offset, e.ID)
	if e.Ours == "" {
		return fmt.Sprintf("%s: %d keys", at, len(e.Keys))
	}
	return fmt.Sprintf("%s: digest %s of %d keys here, %s of %d there", at, e.Ours, e.OurKeys, e.Theirs, e.TheirKeys)
}

func (o *VerifyOptions) validate() error {
	if !(o.Sample >= 0 && o.Sample <= 1) || o.Reads < 0 {
		return fmt.Errorf("replication: VerifyOptions: Sample %v is not between 0 and 1, or Reads %d is negative", o.Sample, o.Reads)
	}
	return nil
}

// Verify compares the data with that of the primary, over a second connection made with the same dialer and credentials. Neither side stops, for reads or for writes: with
// a primary of this library, itself a replica or not, both take a snapshot at the same offset, make digests of these, and compare. o may be nil.
//
// A *DivergenceError says that the data differs. Everything else than nil and that says that it could not be compared: ErrNoCut, wrapped, may pass; ErrNoDigest asks
// for Reads; ErrTainted is a node whose data is known not to be what its history says; ErrNotReplica, ErrClosed, what ended following, ctx's error, that of the connection, or
// a *RefusedError.
//
// Where the primary of this library is itself below a Redis, that is asked for a mark in its stream by WAIT. Where that is refused, its next PING is waited for.
func (r *Replica) Verify(ctx context.Context, o *VerifyOptions) (Verification, error) {
	if o == nil {
		o = new(VerifyOptions)
	}
	if err := o.validate(); err != nil {
		return Verification{}, err
	}
	l, err := r.n.following()
	if err == nil {
		err = taintedError(r.n.repl.History().Taint)
	}
	if err != nil {
		return Verification{}, err
	}
	a, err := l.ask(ctx)
	if err != nil {
		return Verification{}, err
	}
	defer a.close()
	verify := a.verifyDigests
	if o.Reads > 0 {
		verify = a.verifyReads
	}
	v, err := verify(o)
	r.n.compared(l, v, err)
	return v, err
}

// compared notes what a comparison has shown, if anything.
func (n *node) compared(l *link, v Verification, err error) {
	if !n.enter() {
		return // nothing is told after Close, which waits for us otherwise
	}
	defer n.wg.Done()
	diverged, is := errorAs[*DivergenceError](err)
	switch {
	case err == nil:
		n.count(func(c *counters) { c.verified, c.divergence = &v, nil })
		n.note(Event{Kind: Verified, Peer: l.to.addr})
	case is:
		n.count(func(c *counters) { c.divergence = diverged })
		n.log.Error("data differs from the primary's", zap.String("replid", diverged.ID), zap.Int64("offset", diverged.Offset), zap.Int("keys", len(diverged.Keys)))
		n.note(Event{Kind: Diverged, Peer: l.to.addr, Reason: ReasonDiverged, Err: err})
	}
}

// comparison is one digest of each side, at one offset.
type comparison struct {
	a       *asker
	sn      *store.Snapshot // ours
	options store.DigestOptions
}

func (a *asker) verifyDigests(o *VerifyOptions) (Verification, error) {
	w := a.l.n.arm(newToken()) // before the primary hears of it
	defer w.disarm()
	id, offset, now, err := a.cut(w.token)
	if err != nil {
		return Verification{}, err
	}
	sn, err := a.ownCut(w, id, offset)
	if err != nil {
		return Verification{}, err
	}
	defer sn.Close()
	w.disarm() // the others are of no use
	c := &comparison{a: a, sn: sn, options: store.DigestOptions{Sample: o.Sample, Seed: o.Seed, Persistent: o.PersistentOnly, Now: now}}
	return c.run()
}

// cut lets the primary take its snapshot.
func (a *asker) cut(token string) (id backlog.ID, offset, now int64, err error) {
	v, err := a.do(cmdOwn, "CUT", token)
	if err != nil {
		return "", 0, 0, digestError(err)
	}
	if len(v.Elems) != 3 || v.Elems[1].Kind != resp.Int || v.Elems[2].Kind != resp.Int {
		return "", 0, 0, &ProtocolError{During: "reply to " + cmdOwn + " CUT", Got: clip([]byte(v.String()))}
	}
	id, _ = backlog.ParseID(v.Elems[0].Str)
	return id, v.Elems[1].Int, v.Elems[2].Int, nil
}

// ownCut waits for our snapshot of the same place. While the link is down it may still come: the link continues where it was.
func (a *asker) ownCut(w *cutWait, id backlog.ID, offset int64) (*store.Snapshot, error) {
	n := a.l.n
	ctx, cancel := context.WithTimeout(a.ctx, n.cfg.Load().timeout)
	defer cancel()
	sn, err := w.awaitAt(ctx, id, offset)
	switch {
	case err == nil:
		if err = taintedError(sn.History().Taint); err != nil {
			sn.Close()
		}
		return sn, err
	case a.ctx.Err() != nil:
		return nil, context.Cause(a.ctx)
	case errors.Is(err, errPassed), errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("%w: %w", ErrNoCut, err)
	}
	return nil, err
}

// digestError sorts the refusals of the primary.
func digestError(err error) error {
	r, ok := errorAs[*RefusedError](err)
	if !ok {
		return err
	}
	code, _, _ := strings.Cut(r.Reply, " ")
	switch {
	case code == server.CodeTainted:
		return fmt.Errorf("%w: %w", ErrTainted, err)
	case code == server.CodeNoCut:
		return fmt.Errorf("%w: %w", ErrNoCut, err)
	case isUnknownCommand(r.Reply):
		return fmt.Errorf("%w: %w", ErrNoDigest, err)
	}
	return err
}

func isUnknownCommand(reply string) bool {
	return strings.HasPrefix(strings.ToLower(reply), "err unknown command")
}

// run compares, and looks for what differs if anything does.
func (c *comparison) run() (Verification, error) {
	ours, theirs, err := c.round()
	if err != nil {
		return Verification{}, err
	}
	h := c.sn.History()
	if ours.Sum == theirs.Sum && ours.Keys == theirs.Keys {
		return Verification{ID: string(h.ID), Offset: h.Offset, Keys: ours.Keys, Digest: ours.Text()}, nil
	}
	return Verification{}, &DivergenceError{
		ID: string(h.ID), Offset: h.Offset, Ours: ours.Text(), Theirs: theirs.Text(), OurKeys: ours.Keys, TheirKeys: theirs.Keys,
		Keys: c.locate(ours, theirs),
	}
}

// locate follows the first part that differs down to where both sides list their keys. Both snapshots still stand, so what is found is what differed. What it cannot find
// out, because the connection ends, it leaves out.
func (c *comparison) locate(ours, theirs *store.Digests) []KeyDifference {
	for max(ours.Keys, theirs.Keys) > store.DigestListed {
		part := 0
		for part < store.DigestParts && ours.Parts[part] == theirs.Parts[part] {
			part++
		}
		if part == store.DigestParts || len(c.options.Under) == 7 {
			return nil
		}
		c.options.Under = append(c.options.Under, byte(part))
		var err error
		if ours, theirs, err = c.round(); err != nil {
			return nil
		}
	}
	return listDifferences(ours.List, theirs.List)
}

func listDifferences(ours, theirs []store.KeyDigest) []KeyDifference {
	type name struct {
		db  int
		key string
	}
	here := make(map[name]store.KeyDigest, len(ours))
	for _, k := range ours {
		here[name{k.DB, k.Key}] = k
	}
	var list []KeyDifference
	for _, k := range theirs {
		own, ok := here[name{k.DB, k.Key}]
		delete(here, name{k.DB, k.Key})
		switch {
		case !ok:
			list = append(list, KeyDifference{k.DB, k.Key, Missing})
		case own.Sum != k.Sum:
			list = append(list, KeyDifference{k.DB, k.Key, Differs})
		}
	}
	for n := range here {
		list = append(list, KeyDifference{n.db, n.key, Surplus})
	}
	return list
}

// digestShare is how many times as long as ours the primary's digest may take, beyond the timeout.
const digestShare = 10

// round makes one digest on each side, at the same time.
func (c *comparison) round() (ours, theirs *store.Digests, err error) {
	o := &c.options
	args := []string{cmdOwn, "DIGEST", "AT", strconv.FormatInt(o.Now, 10), "SEED", strconv.FormatUint(o.Seed, 10)}
	if o.Sample > 0 {
		args = append(args, "SAMPLE", strconv.FormatFloat(o.Sample, 'g', -1, 64))
	}
	if o.Persistent {
		args = append(args, "PERSISTENT")
	}
	if len(o.Under) > 0 {
		args = append(args, "UNDER", hex.EncodeToString(o.Under))
	}
	c.a.queue(args...)
	if err := c.a.send(); err != nil {
		return nil, nil, err
	}
	start := time.Now()
	if ours, err = c.sn.Digests(c.a.ctx, o); err != nil {
		return nil, nil, c.a.ownError(err)
	}
	c.a.allow(digestShare * time.Since(start))
	v, err := c.a.receive()
	if err != nil {
		return nil, nil, digestError(err)
	}
	theirs, ok := parseDigests(v)
	if !ok {
		return nil, nil, &ProtocolError{During: "reply to " + cmdOwn + " DIGEST", Got: clip([]byte(v.String()))}
	}
	return ours, theirs, nil
}

// ownError is why there is no digest of our own snapshot.
func (a *asker) ownError(err error) error {
	switch {
	case a.ctx.Err() != nil:
		return context.Cause(a.ctx)
	case errors.Is(err, store.ErrSnapshotTooOld):
		return fmt.Errorf("%w: %w", ErrNoCut, err)
	}
	return err
}

// parseDigests reads [keys, sum, parts, list].
func parseDigests(v resp.Value) (*store.Digests, bool) {
	if len(v.Elems) != 4 || v.Elems[0].Kind != resp.Int || len(v.Elems[2].Str) != 16*store.DigestParts || len(v.Elems[3].Elems)%3 != 0 {
		return nil, false
	}
	d := &store.Digests{Keys: v.Elems[0].Int}
	if !parseSum(&d.Sum, v.Elems[1].Str) {
		return nil, false
	}
	for i := range d.Parts {
		n, err := strconv.ParseUint(v.Elems[2].Str[16*i:16*i+16], 16, 64)
		if err != nil {
			return nil, false
		}
		d.Parts[i] = n
	}
	for list := v.Elems[3].Elems; len(list) > 0; list = list[3:] {
		k := store.KeyDigest{DB: int(list[0].Int), Key: list[1].Str}
		if !parseSum(&k.Sum, list[2].Str) {
			return nil, false
		}
		d.List = append(d.List, k)
	}
	return d, true
}

func parseSum(to *[20]byte, text string) bool {
	b, err := hex.DecodeString(text)
	return copy(to[:], b) == len(to) && len(b) == len(to) && err == nil
}
