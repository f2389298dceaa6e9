package rdb

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// A stream is handed out in parts, in the order in which files hold them, which is also the order in which it can be
// built:
//
//	entry*                                 oldest first; the pairs of each by Field
//	state                                  once
//	{ group pending* { consumer owned* }* released* }*
//	[ dedup { producer dedupID* }* dedupTotals ]      type 26 and newer alone
//
// The file's own order is the same:
//
//	nodes                                  length, then each: first ID (16 bytes as a text), listpack (streamnode.go)
//	entries last                           length; ID
//	first deleted added                    ID, ID, length: type 19 and newer
//	groups                                 length, then each:
//	    name last [read]                   text, ID; length from type 19 on, all bits set for "not known"
//	    pending                            length, then each: raw ID, time, length for how often
//	    consumers                          length, then each: name, seen, [active] from type 21 on, length, raw IDs
//	    [released]                         length, raw IDs: type 27 and newer
//	[duration most producers ... totals]   type 26 and newer
//
// where an ID is two lengths, milliseconds and sequence, a raw ID 16 bytes with the high byte first, and a time 8 bytes
// with the low byte first: Unix milliseconds.

// A StreamID names an entry of a stream.
type StreamID struct{ Ms, Seq uint64 }

// Compare returns -1, 0 or +1: whether id is before, the same as or behind other.
func (id StreamID) Compare(other StreamID) int {
	return cmp.Or(cmp.Compare(id.Ms, other.Ms), cmp.Compare(id.Seq, other.Seq))
}

func (id StreamID) String() string { return fmt.Sprintf("%d-%d", id.Ms, id.Seq) }

// PartOp says what a StreamPart is.
type PartOp uint8

// The parts of a stream.
const (
	PartEntry       PartOp = iota + 1 // ID and Len: an entry of that many pairs, which Field returns
	PartState                         // Len, ID, First, Deleted, Added: what the stream remembers beside its entries
	PartGroup                         // Name, ID, Read, Len: a consumer group, and how many entries are pending in it
	PartPending                       // ID, Time, Count: an entry that was delivered and not acknowledged, of the last group
	PartConsumer                      // Name, Time, Active, Len: a consumer of the last group, and how many of the pending are its
	PartOwned                         // ID: of the pending entries, one that the last consumer has
	PartReleased                      // ID: of the pending entries of the last group, one that was given back (XNACK), oldest first
	PartDedup                         // Duration, Max: how long and for how many IDs the stream knows what its producers sent
	PartProducer                      // Name, Len: a producer, and how many of its IDs are remembered
	PartDedupID                       // Name, ID: what the last producer called an entry, and the entry
	PartDedupTotals                   // Added, Count: IDs that were ever taken, and messages that were duplicates
)

func (o PartOp) String() string {
	names := [...]string{"?", "entry", "state", "group", "pending", "consumer", "owned", "released", "dedup", "producer", "dedup ID", "dedup totals"}
	if int(o) >= len(names) {
		o = 0
	}
	return names[o]
}

// A StreamPart is what Decoder.StreamPart returns. Op says which of the other fields mean something.
type StreamPart struct {
	Op   PartOp
	ID   StreamID // of the entry; PartState: the highest that was ever given; PartGroup: the last that was delivered
	Len  int64    // how many of the next smaller things belong to this; as the file claims: no size to allocate by
	Name []byte   // valid until the next call of any method

	First   StreamID // PartState: of the oldest entry; zero if there is none
	Deleted StreamID // PartState: the highest of those that were deleted one by one; zero if none was, or that is not known
	Added   uint64   // PartState: entries ever added

	// Read is the place of ID among all entries that were ever added, counted from 1: what a lag is computed from. -1 if that
	// is not known. Type 15 does not have it; then it is what servers make of such a file.
	Read int64

	Time   int64  // PartPending: of the last delivery; PartConsumer: when it last tried to read. Unix time in milliseconds
	Active int64  // PartConsumer: when it last got something, -1 if never. Before type 21: the same as Time
	Count  uint64 // PartPending: deliveries; PartDedupTotals

	Duration, Max uint64 // PartDedup: in seconds, and IDs a producer
}

// streamStage is the kind of part that is next in the input.
type streamStage uint8

const (
	streamNodes streamStage = iota
	streamGroups
	streamPending
	streamConsumers
	streamOwned
	streamReleased
	streamProducers
	streamIDs
	streamDone
)

// A streamValue is the Decoder's place in a stream. The counts are what is left of each in the input.
type streamPlace struct {
	code    byte
	stage   streamStage
	skip    bool // nobody looks: what nodes hold is passed over
	walking bool // node has entries that were not returned
	at      int64
	node    streamNode
	last    StreamID // highest of the entries so far
	first   StreamID
	entries uint64
	state   StreamPart

	nodes, groups, pending, consumers, owned, released, producers, ids uint64
}

var (
	errNotStream     = errors.New("rdb: StreamPart called where no stream is being read")
	errStreamOrder   = errors.New("has entries that are not in order")
	errStreamEntries = errors.New("does not state as many entries as there are")
	errStreamLast    = errors.New("states an ID below that of an entry")
	errStreamNodeID  = errors.New("has an ID that is not 16 bytes long")
)

// openStream prepares for a stream, whose nodes come first.
func (d *Decoder) openStream(code byte) error {
	at := d.in.offset()
	n, err := d.in.length()
	if err != nil {
		return d.fail(at, "stream length", err)
	}
	d.stream = streamPlace{code: code, nodes: n}
	d.value.form = streamParts
	return nil
}

// StreamPart returns the next part of the Stream key that Next returned last; ok is false after the last one. Whatever
// was not read of an entry's pairs is skipped.
//
// The Decoder checks that entries are in order and as many as stated, and that the state's ID is none before them. It
// keeps nothing of a group, so it does not check what goes across parts: that each PartOwned and PartReleased was a
// PartPending of the same group, that no entry has two owners, and that names are distinct.
func (d *Decoder) StreamPart() (p StreamPart, ok bool, err error) {
	if d.err != nil {
		return StreamPart{}, false, d.err
	}
	if d.value.form != streamParts {
		return StreamPart{}, false, errNotStream
	}
	err = d.streamPart(&p)
	return p, err == nil && p.Op != 0, err
}

// streamPart reads up to the next part, which it leaves in p: none if there are no more.
func (d *Decoder) streamPart(p *StreamPart) (err error) {
	for s := &d.stream; p.Op == 0 && s.stage != streamDone && err == nil; {
		switch s.stage {
		case streamNodes:
			err = d.streamEntry(p)
		case streamGroups:
			err = d.streamGroup(p)
		case streamPending:
			err = d.streamPending(p)
		case streamConsumers:
			err = d.streamConsumer(p)
		case streamOwned:
			err = d.streamOwned(p)
		case streamReleased:
			err = d.streamReleased(p)
		case streamProducers:
			err = d.streamProducer(p)
		case streamIDs:
			err = d.streamDedupID(p)
		}
	}
	return err
}

// skipStream moves the input behind the stream.
func (d *Decoder) skipStream() error {
	d.stream.skip, d.stream.walking = true, false
	for {
		var p StreamPart
		if err := d.streamPart(&p); err != nil || p.Op == 0 {
			return err
		}
	}
}

// streamEntry takes an entry from the node at hand, or opens the next node; behind the last one is the state.
func (d *Decoder) streamEntry(p *StreamPart) error {
	s := &d.stream
	if s.walking {
		id, n, ok, err := s.node.next()
		if err == nil && ok && id.Compare(s.last) <= 0 {
			err = errStreamOrder
		}
		if err != nil {
			return d.fail(s.at, "stream node", err)
		}
		if s.walking = ok; ok {
			if s.entries++; s.entries == 1 {
				s.first = id
			}
			s.last = id
			p.Op, p.ID, p.Len = PartEntry, id, n
		}
		return nil
	}
	if s.nodes == 0 {
		return d.streamState(p)
	}
	s.nodes--
	return d.streamNode()
}

// streamNode reads a node and prepares to walk it. It may lie in the buffer: nothing is read from the input before it
// ends.
func (d *Decoder) streamNode() error {
	s := &d.stream
	if s.skip {
		if err := d.skipText("stream node"); err != nil {
			return err
		}
		return d.skipText("stream node")
	}
	s.at = d.in.offset()
	p, err := d.text("stream node", &d.first)
	switch {
	case err != nil:
		return err
	case len(p) != rawIDSize:
		return d.fail(s.at, "stream node", errStreamNodeID)
	}
	first := rawID(p)
	s.at = d.in.offset()
	if p, err = d.text("stream node", &d.first); err != nil {
		return err
	}
	if err := s.node.open(first, p); err != nil {
		return d.fail(s.at, "stream node", err)
	}
	s.walking = true
	return nil
}

// streamState reads what stands between the entries and the groups.
func (d *Decoder) streamState(p *StreamPart) (err error) {
	s, at := &d.stream, d.in.offset()
	var n uint64
	if n, err = d.in.length(); err == nil {
		p.ID, err = d.in.streamID()
	}
	p.First, p.Added = s.first, n // what servers make of type 15
	if err == nil && s.code != typeStream {
		p.First, p.Deleted, p.Added, err = d.in.streamHistory()
	}
	if err == nil {
		s.groups, err = d.in.length()
	}
	switch {
	case err != nil || s.skip:
	case n != s.entries:
		err = errStreamEntries
	case s.last.Compare(p.ID) > 0:
		err = errStreamLast
	}
	if err != nil {
		return d.fail(at, "stream state", err)
	}
	p.Op, p.Len = PartState, int64(n)
	s.state, s.stage = *p, streamGroups
	return nil
}

func (d *Decoder) streamGroup(p *StreamPart) (err error) {
	s := &d.stream
	if s.groups == 0 {
		return d.streamDedup(p)
	}
	s.groups--
	if p.Name, err = d.stableText("stream group", &d.first); err != nil {
		return err
	}
	at := d.in.offset()
	p.ID, err = d.in.streamID()
	if err == nil {
		p.Read, err = d.streamRead(p.ID)
	}
	if err == nil {
		s.pending, err = d.in.count()
	}
	if err != nil {
		return d.fail(at, "stream group", err)
	}
	p.Op, p.Len = PartGroup, int64(s.pending)
	s.stage = streamPending
	return nil
}

// streamRead reads how many entries a group has read. Of type 15, which does not say, it returns what servers start from:
// the number can be told only where the group stands at an end of the stream.
func (d *Decoder) streamRead(id StreamID) (int64, error) {
	if d.stream.code != typeStream {
		n, err := d.in.lengthOrMark()
		return int64(n), err
	}
	state := &d.stream.state
	switch last := id.Compare(state.ID); {
	case state.Added == 0 || id.Compare(state.First) < 0:
		return 0, nil
	case last == 0:
		return int64(state.Added), nil
	case last < 0 && id == state.First:
		return 1, nil
	}
	return -1, nil
}

// streamPending reads one pending entry of the group, or behind the last of them the number of its consumers.
func (d *Decoder) streamPending(p *StreamPart) (err error) {
	s, at := &d.stream, d.in.offset()
	if s.pending == 0 {
		if s.consumers, err = d.in.length(); err != nil {
			return d.fail(at, "stream consumers", err)
		}
		s.stage = streamConsumers
		return nil
	}
	s.pending--
	if p.ID, err = d.in.rawID(); err == nil {
		p.Time, err = d.in.time()
	}
	if err == nil {
		p.Count, err = d.in.length()
	}
	if err != nil {
		return d.fail(at, "stream pending entry", err)
	}
	p.Op = PartPending
	return nil
}

// streamConsumer reads a consumer of the group, or goes on behind the last of them.
func (d *Decoder) streamConsumer(p *StreamPart) (err error) {
	s, at := &d.stream, d.in.offset()
	if s.consumers == 0 {
		s.stage = streamGroups
		if s.code >= typeStream5 {
			if s.released, err = d.in.length(); err != nil {
				return d.fail(at, "stream released entries", err)
			}
			s.stage = streamReleased
		}
		return nil
	}
	s.consumers--
	if p.Name, err = d.stableText("stream consumer", &d.first); err != nil {
		return err
	}
	at = d.in.offset()
	p.Time, err = d.in.time()
	if p.Active = p.Time; err == nil && s.code >= typeStream3 {
		p.Active, err = d.in.time()
	}
	if err == nil {
		s.owned, err = d.in.count()
	}
	if err != nil {
		return d.fail(at, "stream consumer", err)
	}
	p.Op, p.Len = PartConsumer, int64(s.owned)
	s.stage = streamOwned
	return nil
}

func (d *Decoder) streamOwned(p *StreamPart) error {
	return d.streamRawID(p, &d.stream.owned, PartOwned, streamConsumers)
}

func (d *Decoder) streamReleased(p *StreamPart) error {
	return d.streamRawID(p, &d.stream.released, PartReleased, streamGroups)
}

// streamRawID reads a part that is an ID and nothing else, of which there are left; then stage is next.
func (d *Decoder) streamRawID(p *StreamPart, left *uint64, op PartOp, next streamStage) (err error) {
	if *left == 0 {
		d.stream.stage = next
		return nil
	}
	*left--
	at := d.in.offset()
	if p.ID, err = d.in.rawID(); err != nil {
		return d.fail(at, "stream "+op.String()+" entry", err)
	}
	p.Op = op
	return nil
}

// streamDedup reads what newer types have behind the groups.
func (d *Decoder) streamDedup(p *StreamPart) (err error) {
	s, at := &d.stream, d.in.offset()
	if s.code < typeStream4 {
		s.stage = streamDone
		return nil
	}
	if p.Duration, err = d.in.length(); err == nil {
		p.Max, err = d.in.length()
	}
	if err == nil {
		s.producers, err = d.in.length()
	}
	if err != nil {
		return d.fail(at, "stream dedup", err)
	}
	p.Op, s.stage = PartDedup, streamProducers
	return nil
}

// streamProducer reads a producer, or behind the last of them the totals, with which the stream ends.
func (d *Decoder) streamProducer(p *StreamPart) (err error) {
	s, at := &d.stream, d.in.offset()
	if s.producers == 0 {
		if p.Added, err = d.in.length(); err == nil {
			p.Count, err = d.in.length()
		}
		if err != nil {
			return d.fail(at, "stream dedup totals", err)
		}
		p.Op, s.stage = PartDedupTotals, streamDone
		return nil
	}
	s.producers--
	if p.Name, err = d.stableText("stream producer", &d.first); err != nil {
		return err
	}
	at = d.in.offset()
	if s.ids, err = d.in.count(); err != nil {
		return d.fail(at, "stream producer", err)
	}
	p.Op, p.Len, s.stage = PartProducer, int64(s.ids), streamIDs
	return nil
}

func (d *Decoder) streamDedupID(p *StreamPart) (err error) {
	s := &d.stream
	if s.ids == 0 {
		s.stage = streamProducers
		return nil
	}
	s.ids--
	if p.Name, err = d.stableText("stream dedup ID", &d.first); err != nil {
		return err
	}
	at := d.in.offset()
	if p.ID, err = d.in.streamID(); err != nil {
		return d.fail(at, "stream dedup ID", err)
	}
	p.Op = PartDedupID
	return nil
}

const rawIDSize = 16

func rawID(p []byte) StreamID {
	return StreamID{Ms: binary.BigEndian.Uint64(p), Seq: binary.BigEndian.Uint64(p[8:])}
}

// rawID reads an ID of 16 bytes.
func (s *source) rawID() (id StreamID, err error) {
	p, err := s.takeAny(rawIDSize)
	if err != nil {
		return id, err
	}
	return rawID(p), nil
}

// streamID reads an ID of two lengths.
func (s *source) streamID() (id StreamID, err error) {
	if id.Ms, err = s.lengthOrMark(); err == nil {
		id.Seq, err = s.lengthOrMark()
	}
	return id, err
}

// streamHistory reads what type 19 has beyond type 15.
func (s *source) streamHistory() (first, deleted StreamID, added uint64, err error) {
	if first, err = s.streamID(); err == nil {
		deleted, err = s.streamID()
	}
	if err == nil {
		added, err = s.lengthOrMark()
	}
	return first, deleted, added, err
}

// time reads Unix milliseconds.
func (s *source) time() (int64, error) {
	n, err := s.littleEndian64()
	return int64(n), err
}

// count reads a length that fits in the Len of a part.
func (s *source) count() (uint64, error) {
	n, err := s.length()
	if err == nil && n > math.MaxInt64 {
		err = errBadLength
	}
	return n, err
}
