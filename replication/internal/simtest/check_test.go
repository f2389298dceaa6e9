package simtest

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
	"github.com/understudy-go/understudy/store/backlog"
)

// view is a node at one instant.
type view struct {
	n       *node
	history backlog.History
	digest  string
	fresh   bool
}

// look checks all that must hold at any time. The nodes are looked at before the chronicles read on: what a replica has was in its primary's stream before.
func (s *sim) look() error {
	var views []view
	for _, n := range s.nodes {
		views = append(views, n.view())
	}
	for _, n := range s.nodes {
		if err := n.catchUp(); err != nil {
			return fmt.Errorf("prefix: %w", err)
		}
	}
	if err := s.checkGrants(); err != nil {
		return fmt.Errorf("lineage: %w", err)
	}
	for _, v := range views {
		if err := s.check(v); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) view() view {
	fresh := n.store.Replication().Fresh()
	sn := n.store.Snapshot()
	defer sn.Close()
	n.acked = n.acked[:0]
	if list, err := sn.DB(markers).Do("LRANGE", markerKey, "0", "-1"); err == nil {
		for _, e := range list.Elems {
			mark, _ := strconv.Atoi(e.Str)
			n.acked = append(n.acked, mark)
		}
	}
	return view{n: n, history: sn.History(), digest: stateOf(sn), fresh: fresh}
}

// stateOf sums up all that histories decide: more than DEBUG DIGEST, which leaves out when something expires and what groups of consumers remember. What no stream tells,
// when a consumer was seen last, is left out here, too.
func stateOf(sn *store.Snapshot) string {
	d, err := sn.Digests(context.Background(), &store.DigestOptions{Now: 1}) // at that time nothing had expired
	if err != nil {
		return ""
	}
	sum := sha1.New()
	for n := range databases {
		db := sn.DB(n)
		for i := range keysOfType {
			key := "x" + strconv.Itoa(1+i)
			if v, err := db.Do("PEXPIRETIME", key); err != nil || v.Int != -1 {
				continue // whether it is still there depends on the time at the cut
			}
			fmt.Fprintln(sum, n, key)
			writeGroups(sum, db, key)
		}
	}
	return d.Text() + hex.EncodeToString(sum.Sum(nil))
}

// writeGroups writes how far each group of a stream is, whom it has, and what is pending.
func writeGroups(w io.Writer, db store.SnapshotDB, key string) {
	info, _ := db.Do("XINFO", "STREAM", key)
	groups, _ := db.Do("XINFO", "GROUPS", key)
	fmt.Fprintln(w, info, groups)
	for _, g := range groups.Elems {
		name := g.Elems[1].Str
		pending, _ := db.Do("XPENDING", key, name, "-", "+", "1000000")
		fmt.Fprintln(w, withoutIdle(pending))
		consumers, _ := db.Do("XINFO", "CONSUMERS", key, name)
		for _, c := range consumers.Elems {
			fmt.Fprintln(w, c.Elems[1].Str, c.Elems[3].Int)
		}
	}
}

// withoutIdle is a reply of XPENDING without the times that have passed.
func withoutIdle(v resp.Value) (lines []string) {
	for _, e := range v.Elems {
		lines = append(lines, fmt.Sprint(e.Elems[0].Str, e.Elems[1].Str, e.Elems[3].Int))
	}
	return lines
}

func (s *sim) check(v view) error {
	s.count("states looked at", 1)
	for _, check := range []func(view) error{s.checkIdentity, s.checkPrefix, s.checkCustody, s.checkLink} {
		if err := check(v); err != nil {
			return err
		}
	}
	return nil
}

// checkPrefix holds a node's state against the chronicle of its history. A store that nobody ever wrote to has a name that no chronicle knows.
func (s *sim) checkPrefix(v view) error {
	h := v.history
	c := s.books[h.ID]
	if c == nil {
		if v.fresh {
			return nil
		}
		return fmt.Errorf("prefix: %s has history %s, which nobody wrote", v.n.name(), short(h.ID))
	}
	switch want := c.at(h.Offset); want {
	case v.digest:
		return nil
	case "":
		return fmt.Errorf("prefix: %s stands at %d of history %s, which is no edge of a unit (the history began at %d and ends at %d)", v.n.name(), h.Offset, short(h.ID), c.fork, c.end)
	default:
		return fmt.Errorf("prefix: %s has not the data of history %s at %d", v.n.name(), short(h.ID), h.Offset)
	}
}

// checkIdentity is about nodes alone, whatever the chronicles say.
func (s *sim) checkIdentity(v view) error {
	if v.history.Taint != "" {
		return fmt.Errorf("%s is tainted: %s", v.n.name(), v.history.Taint)
	}
	at := moment{v.history.ID, v.history.Offset}
	if was, ok := s.seen[at]; ok && was != v.digest {
		return fmt.Errorf("identity: %s has other data at %d of history %s than was seen there before", v.n.name(), at.offset, short(at.id))
	}
	s.seen[at] = v.digest
	return nil
}

func (s *sim) checkCustody(v view) error {
	for mark := range v.n.custody {
		if !v.n.holds(mark) {
			return fmt.Errorf("custody: %s has lost write %d, which it had acknowledged; it has %v", v.n.name(), mark, v.n.acked)
		}
	}
	return nil
}

// holds tells whether the node had the marker when it was looked at last.
func (n *node) holds(mark int) bool {
	for _, m := range n.acked {
		if m == mark {
			return true
		}
	}
	return false
}

func (s *sim) checkLink(v view) error {
	if v.n.replica == nil {
		return nil
	}
	switch st := v.n.replica.Status(); st.State {
	case replication.Stopped:
		return fmt.Errorf("%s has stopped following: %w", v.n.name(), st.Err)
	case replication.Held:
		s.count("states with a full resync held", 1)
	}
	return nil
}

// checkGrants looks at what was seen on the wire since the last time.
func (s *sim) checkGrants() error {
	var grants []grant
	s.links.with(func() { grants, s.links.grants = s.links.grants, nil })
	for _, g := range grants {
		if err := s.checkGrant(g); err != nil {
			return err
		}
	}
	return nil
}

func (s *sim) checkGrant(g grant) error {
	c := s.books[g.newID]
	switch {
	case g.full && g.id == "":
		s.count("full resyncs asked for", 1)
	case g.full && c != nil && c.contains(g.id, g.count):
		s.count("full resyncs, the backlog did not reach", 1)
	case g.full:
		s.count("full resyncs, the histories had parted", 1)
	case c == nil || !c.contains(g.id, g.count):
		return fmt.Errorf("%s gave %s, which has %d bytes of history %s, a partial resync in %s", g.to.name(), g.from.name(), g.count, short(g.id), short(g.newID))
	case g.id == g.newID:
		s.count("partial resyncs", 1)
	default:
		s.count("partial resyncs under a new ID", 1)
	}
	if g.full && (c == nil || c.at(g.offset) == "") {
		return fmt.Errorf("%s gave %s a full resync at %d of history %s, which is no edge of a unit", g.to.name(), g.from.name(), g.offset, short(g.newID))
	}
	return nil
}

// equal tells whether all nodes hold the same, by the same name.
func (s *sim) equal() error {
	want := s.lead.store.Replication().History()
	for _, n := range s.nodes {
		h := n.store.Replication().History()
		if h.ID != want.ID || h.Offset != want.Offset {
			return fmt.Errorf("convergence: %s stands at %d of history %s, its primary %s at %d of %s", n.name(), h.Offset, short(h.ID), s.lead.name(), want.Offset, short(want.ID))
		}
		if diffs := replicationtest.Diff(s.lead.store, n.store); len(diffs) > 0 {
			return fmt.Errorf("convergence: %s differs from its primary %s: %v", n.name(), s.lead.name(), diffs)
		}
	}
	return nil
}

// states prints a line per node.
func (s *sim) states() string {
	var b strings.Builder
	for _, n := range s.nodes {
		h := n.store.Replication().History()
		fmt.Fprintf(&b, "%s: %s %d", n.name(), short(h.ID), h.Offset)
		if h.Secondary != "" {
			fmt.Fprintf(&b, ", before %s up to %d", short(h.Secondary), h.SecondaryLimit)
		}
		switch {
		case n.primary != nil:
			fmt.Fprintf(&b, ", primary")
		case n.replica != nil:
			st := n.replica.Status()
			fmt.Fprintf(&b, ", of %s, %v, %v", n.of.name(), st.State, st.Err)
		default:
			b.WriteString(", down")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

var _ doer = store.DB{}
