package simtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
	"github.com/understudy-go/understudy/store/backlog"
)

// chronicle is everything that one history has gone through: the digest of the data at each edge of a unit of its stream. It makes the data itself, out of the
// stream, on a store that belongs to no node.
type chronicle struct {
	id      backlog.ID
	parent  *chronicle // the history that this one branched off; nil: it began with what was there
	fork    int64      // where it did: up to here the parent tells
	end     int64
	open    bool             // some primary has written it, or does
	digests map[int64]string // by offset, from fork on

	shadow *store.Store
	apply  *store.Applier
	rest   []byte // of the stream, not applied yet
}

// birth notes the history that a new store has, although it may never have a byte: a file that it is saved to names it.
func (n *node) birth() error {
	sn := n.store.Snapshot()
	defer sn.Close()
	c, err := newChronicle(sn, nil)
	n.s.books[c.id] = c
	return err
}

// openBook begins the chronicle of a primary's history, or goes on with it after the node was closed and made anew. No time may have passed since the primary was made:
// what it writes by itself, it writes by the clock.
func (n *node) openBook() error {
	sn := n.store.Snapshot()
	defer sn.Close()
	h := sn.History()
	if n.book != nil && n.book.id == h.ID {
		return nil
	}
	n.closeBook()
	c := n.s.books[h.ID]
	if c != nil && (c.open || c.end != h.Offset) {
		return fmt.Errorf("identity: %s writes history %s, which has begun elsewhere", n.name(), short(h.ID))
	}
	var err error
	if c == nil {
		if c, err = newChronicle(sn, n.s.books[h.Secondary]); err != nil {
			return err
		}
	}
	c.open = true
	n.s.books[h.ID], n.book = c, c
	n.s.count("histories", 1)
	n.reader, err = n.store.Replication().Backlog().NewReader(h.Offset, 0, nil)
	return err
}

func (n *node) closeBook() {
	if n.reader != nil {
		n.reader.Close()
	}
	n.book, n.reader = nil, nil
}

// newChronicle begins with what the snapshot has. It is never nil.
func newChronicle(sn *store.Snapshot, parent *chronicle) (*chronicle, error) {
	h := sn.History()
	c := &chronicle{id: h.ID, parent: parent, fork: h.Offset, end: h.Offset, digests: map[int64]string{h.Offset: stateOf(sn)}, shadow: store.New(&store.Options{Databases: databases})}
	if parent != nil && h.SecondaryLimit != h.Offset {
		return c, fmt.Errorf("lineage: history %s begins at %d, and its secondary ends at %d", short(h.ID), h.Offset, h.SecondaryLimit)
	}
	var b bytes.Buffer
	if err := sn.WriteRDB(&b, nil); err != nil {
		return c, err
	}
	repl := c.shadow.Replication()
	repl.Demote()
	ld := repl.NewLoader()
	if err := ld.LoadRDB(&b); err != nil {
		return c, err
	}
	c.apply = repl.NewApplier()
	return c, ld.Commit(backlog.History{ID: h.ID, Offset: h.Offset, SecondaryLimit: -1, StreamDB: h.StreamDB})
}

// catchUp reads on to the present end of the stream. What a primary publishes are whole units, so nothing may be left over.
func (n *node) catchUp() error {
	if n.book == nil {
		return nil
	}
	c := n.book
	for b := n.reader.TryNext(0); b != nil; b = n.reader.TryNext(0) {
		c.rest = append(c.rest, b...)
	}
	if err := c.digestRest(); err != nil {
		return fmt.Errorf("the stream of %s, history %s after %d: %w", n.name(), short(c.id), c.end, err)
	}
	return nil
}

// digestRest applies what was read, unit by unit.
func (c *chronicle) digestRest() error {
	in := resp.NewReader(bytes.NewReader(c.rest), nil)
	var unit []store.Frame
	multi := false
	size := 0
	for {
		args, err := in.ReadCommand()
		if errors.Is(err, io.EOF) && len(unit) == 0 {
			c.rest = c.rest[:0]
			return nil
		}
		if err != nil {
			return err
		}
		unit = append(unit, store.Frame{Args: cloned(args), Size: in.LastSize()})
		size += in.LastSize()
		if word := strings.ToUpper(string(args[0])); word == "MULTI" || multi && word != "EXEC" {
			multi = true
			continue
		}
		if err := c.apply.Apply(unit, c.rest[:size]); err != nil {
			return err
		}
		c.rest = c.rest[size:]
		c.end += int64(size)
		c.digests[c.end] = c.state()
		unit, multi, size = nil, false, 0
	}
}

func (c *chronicle) state() string {
	sn := c.shadow.Snapshot()
	defer sn.Close()
	return stateOf(sn)
}

func cloned(args [][]byte) [][]byte {
	c := make([][]byte, len(args))
	for i, a := range args {
		c[i] = bytes.Clone(a)
	}
	return c
}

// at returns what the data was at offset, "" if that is no edge of a unit, or not of this history.
func (c *chronicle) at(offset int64) string {
	for c != nil && offset < c.fork {
		c = c.parent
	}
	if c == nil {
		return ""
	}
	return c.digests[offset]
}

// contains tells whether what this history has gone through includes offset bytes of the history id.
func (c *chronicle) contains(id backlog.ID, offset int64) bool {
	for c != nil && c.id != id {
		if offset > c.fork {
			return false
		}
		c = c.parent
	}
	return c != nil && offset <= c.end
}

func short(id backlog.ID) string { return string(id[:min(len(id), 6)]) }
