package replication

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/understudy-go/understudy/replication/internal/server"
	"github.com/understudy-go/understudy/store"
	"github.com/understudy-go/understudy/store/backlog"
)

// Guard keeps a replica from throwing its data away for that of a primary which has lost its own: one that was restarted without its file, flushed, or restored from
// an old one. Redis replicas take whatever they are given. The zero value guards.
//
// A full resync is read aside as always, and looked at when it is complete, before it takes the old data's place. One that is held is dropped: the old data stays and is
// served, the link is in state Held, Status and an event say why with the numbers, and every 10 s the primary is asked for its replication ID (by INFO replication,
// over a connection of its own). Another ID than the one refused is a reason to try again; nothing else is, so that no primary has to make payload after payload
// in vain. It ends by that, by Replica.AcceptSync, or by a change of role: Follow, Promote; not by what is written to that primary.
//
// Telling a node at run time to follow a primary, by Follow or REPLICAOF, is consent to the first resync with it, however late that comes. Connect and NewReplica are not: a program that is
// started again with its data, beside a primary that was started again without, is the case that this is for. A replica without a key takes everything.
type Guard struct {
	// Off takes every full resync, as Redis does.
	Off bool

	// Least is the share of the replica's number of keys that a full resync must bring. Default: 0.1. Negative: it only must not be empty.
	Least float64

	// LeastFresh is the same for a primary whose history is not the replica's and younger: it has fewer bytes in its stream than the replica has seen in its own. That
	// is how a primary looks that was started anew; if it has kept its data, as Redis does with an append-only file, nearly all keys are there. Default: 0.9. Above
	// 1 a fresh history is always held, negative never.
	LeastFresh float64

	// Decide is asked about what the numbers speak against, by the link's own goroutine, and says whether to take it. It must return soon, and must not call Close, Follow,
	// Promote or AcceptSync. Default: nil, hold it.
	Decide func(Offer) (take bool)
}

// Defaults of a Guard.
const (
	DefaultLeast      = 0.1
	DefaultLeastFresh = 0.9
)

// An Offer is a full resync that a Guard has something against.
type Offer struct {
	Primary string // address
	Reason  Reason // ReasonEmpty, ReasonShrunk or ReasonFresh
	ID      string // of the history that it is of
	Offset  int64
	Keys    int64 // in it, in all databases

	HaveID     string // what would be lost
	HaveOffset int64
	HaveKeys   int64
}

// HeldError means that a full resync was held: see Guard.
type HeldError struct{ Offer Offer }

func (e *HeldError) Error() string {
	o := e.Offer
	return fmt.Sprintf("replication: full resync held (%s): %d keys of history %s:%d for %d keys of %s:%d; AcceptSync, or UNDERSTUDY ACCEPT, takes it",
		o.Reason, o.Keys, o.ID, o.Offset, o.HaveKeys, o.HaveID, o.HaveOffset)
}

// guardOf returns the guard that directives ask for; whom it asks is old's, as directives have no name for that, and so are shares that directives, which
// count in whole percents, say as they did: something else was changed.
func guardOf(s server.Settings, old Guard) Guard {
	share := func(percent int, old, otherwise float64, most int) float64 {
		if percent == inPercent(old, otherwise, most) {
			return old
		}
		if percent == 0 {
			return -1 // 0 stands for the default
		}
		return float64(percent) / 100
	}
	return Guard{
		Off:        !s.Guarded,
		Least:      share(s.GuardPercent, old.Least, DefaultLeast, 100),
		LeastFresh: share(s.GuardFreshPercent, old.LeastFresh, DefaultLeastFresh, 101),
		Decide:     old.Decide,
	}
}

// inPercent is a share as directives say it.
func inPercent(share, otherwise float64, most int) int {
	return min(max(int(cmp.Or(share, otherwise)*100), 0), most)
}

// guardDirectives says the same as c in the language of redis.conf.
func (c *config) guardDirectives() []string {
	percent := func(share, otherwise float64, most int) string {
		return strconv.Itoa(inPercent(share, otherwise, most))
	}
	on := "yes"
	if c.guard.Off {
		on = "no"
	}
	return []string{
		"--understudy-guard", on,
		"--understudy-guard-percent", percent(c.guard.Least, DefaultLeast, 100),
		"--understudy-guard-fresh-percent", percent(c.guard.LeastFresh, DefaultLeastFresh, 101),
		"--understudy-retain-former", strconv.FormatInt(wholeSeconds(max(c.retainFormer, 0)), 10),
	}
}

func (g *Guard) validate() error {
	if math.IsNaN(g.Least) || math.IsNaN(g.LeastFresh) {
		return errors.New("replication: option Guard: a share is not a number")
	}
	return nil
}

// judge says what speaks against o, "" for nothing. related: the primary's history is the replica's own or was so.
func (g *Guard) judge(o Offer, related bool) Reason {
	switch {
	case g.Off || o.HaveKeys == 0:
		return ""
	case o.Keys == 0:
		return ReasonEmpty
	case o.lacks(g.Least, DefaultLeast):
		return ReasonShrunk
	case !related && o.Offset < o.HaveOffset && o.lacks(g.LeastFresh, DefaultLeastFresh):
		return ReasonFresh
	}
	return ""
}

// lacks tells whether o has less than share of the keys; 0 stands for the default.
func (o Offer) lacks(share, otherwise float64) bool {
	if share == 0 {
		share = otherwise
	}
	return float64(o.Keys) < share*float64(o.HaveKeys)
}

// guard returns a *HeldError for what ld has loaded if it must not become the data. h is what it would become the data of.
func (l *link) guard(ld *store.Loader, h backlog.History) error {
	have := l.n.repl.History()
	o := Offer{
		Primary: l.to.addr, ID: string(h.ID), Offset: h.Offset, Keys: ld.Keys(),
		HaveID: string(have.ID), HaveOffset: have.Offset, HaveKeys: l.n.keys(),
	}
	g := &l.n.cfg.Load().guard
	related := h.ID == have.ID || h.ID == have.Secondary
	o.Reason = g.judge(o, related)
	if o.Reason == "" || l.consents() || g.Decide != nil && g.Decide(o) {
		return nil
	}
	return &HeldError{o}
}

// keys counts the keys of all databases, those included whose deadline has passed and whose deletion has not come.
func (n *node) keys() (sum int64) {
	for _, db := range n.store.Stats().DBs {
		sum += db.Keys
	}
	return sum
}
