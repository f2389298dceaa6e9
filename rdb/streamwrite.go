package rdb

import (
	"encoding/binary"
	"errors"
	"iter"
	"math"
	"slices"
)

// A StreamState is what a stream remembers beside its entries: see the fields of the same names in StreamPart.
type StreamState struct {
	Last    StreamID // the highest ID that was ever given
	First   StreamID // of the oldest entry; zero if there is none
	Deleted StreamID // the highest ID that was deleted one by one
	Added   uint64   // entries ever added
	Groups  int      // consumer groups that follow
}

// streamLeft is what is missing of a stream. Groups that are being written have their own parts first, so at most one of
// pending and owned is above 0.
type streamLeft struct {
	code                              byte
	groups, pending, consumers, owned int
}

var (
	errStreamPart  = errors.New("rdb: this part of a stream is not due here")
	errStreamIDs   = errors.New("rdb: entries of a stream must have ascending IDs, up to the state's last")
	errStreamTwice = errors.New("rdb: the entries of a stream were not the same when they were read again")
	errStreamPairs = errors.New("rdb: an entry of a stream needs names and values in pairs")
	errStreamCount = errors.New("rdb: negative number of parts of a stream")
	errStreamSize  = errors.New("rdb: an entry of a stream is too long for the format")
)

// The limits of a node are those of servers: one that is full is followed by another. An entry of any size has room in a
// node of its own.
const (
	nodeEntries = 100
	nodeBytes   = 4096
)

// streamType is the type for streams in the version that is written. Version 9 as a default says what readers need at
// least, and is no wish to lose something: the oldest type that holds everything is taken then, which is that of Redis
// 7.0.
func (e *Encoder) streamType() byte {
	switch {
	case e.version >= stream3Version:
		return typeStream3
	case e.version >= stream2Version || !e.chosen:
		return typeStream2
	}
	return typeStream
}

// BeginStream begins a key that holds a stream, and writes all of it but its consumer groups. entries are in ascending order
// of their IDs, names and values alternate in each. It is run twice, with the same result: the number of nodes comes first
// in the file. Neither the slice nor the texts are kept beyond a node. The deadline is Unix time in milliseconds, 0 for
// none.
//
// Then s.Groups calls of StreamGroup must follow, each with its own parts behind it.
//
// Which type is written depends on EncoderOptions.Version:
//
//	9              15, which Redis 5.0 reads. Without First, Deleted, Added, read, and active: readers reckon them anew
//	0, 10          19, which Redis 7.0 reads. Without active: readers take seen for it
//	11 and newer   21, which Redis 7.2 and Valkey read. All of it
func (e *Encoder) BeginStream(key string, s StreamState, entries iter.Seq2[StreamID, []string], deadline int64) error {
	if s.Groups < 0 {
		return e.fail(errStreamCount)
	}
	if !e.begin() {
		return e.err
	}
	code := e.streamType()
	e.head(code, key, deadline)
	nodes, n := e.countNodes(entries, s.Last)
	e.length(uint64(nodes))
	if again := e.writeNodes(nodes, entries); again != n {
		e.fail(errStreamTwice)
	}
	e.length(n)
	e.streamID(s.Last)
	if code != typeStream {
		e.streamID(s.First)
		e.streamID(s.Deleted)
		e.length(s.Added)
	}
	e.length(uint64(s.Groups))
	if s.Groups > 0 {
		e.stream = streamLeft{code: code, groups: s.Groups}
	}
	return e.err
}

// countNodes returns how many nodes and entries there will be.
func (e *Encoder) countNodes(entries iter.Seq2[StreamID, []string], highest StreamID) (nodes int, n uint64) {
	var w nodeWriter
	var last StreamID
	for id, pairs := range entries {
		switch {
		case id.Compare(last) <= 0 || id.Compare(highest) > 0:
			e.fail(errStreamIDs)
		case len(pairs)%2 != 0:
			e.fail(errStreamPairs)
		}
		if e.err != nil {
			return 0, 0
		}
		last = id
		if !w.fits(pairs) {
			nodes++
			w.reset(id, pairs)
		}
		w.count(pairs)
		n++
	}
	return nodes, n
}

// writeNodes writes the nodes, of which there must be as many as were counted, and returns the number of entries.
func (e *Encoder) writeNodes(nodes int, entries iter.Seq2[StreamID, []string]) (n uint64) {
	w := &e.node
	w.entries = 0
	for id, pairs := range entries {
		n++
		if e.err != nil || len(pairs)%2 != 0 {
			break
		}
		if !w.fits(pairs) {
			nodes -= e.endNode()
			w.reset(id, pairs)
		}
		w.count(pairs)
		w.entry(id, pairs)
	}
	if nodes -= e.endNode(); nodes != 0 {
		e.fail(errStreamTwice)
	}
	w.drop()
	return n
}

// endNode writes the node at hand, if there is one, and returns how many that makes.
func (e *Encoder) endNode() int {
	w := &e.node
	if w.entries == 0 {
		return 0
	}
	blob := w.end()
	if uint64(len(blob)) > math.MaxUint32 {
		e.fail(errStreamSize)
	}
	e.length(rawIDSize)
	e.rawID(w.first)
	e.blob(blob)
	return 1
}

// StreamGroup writes a consumer group: its name, the last ID that was delivered to it, and the place of that among all entries
// ever added, -1 if it is not known. pending calls of StreamPending must follow, then consumers calls of StreamConsumer, each
// with its own parts behind it.
func (e *Encoder) StreamGroup(name string, last StreamID, read int64, pending, consumers int) error {
	s := &e.stream
	switch {
	case pending < 0 || consumers < 0:
		return e.fail(errStreamCount)
	case s.groups == 0 || s.pending > 0 || s.consumers > 0 || s.owned > 0:
		return e.fail(errStreamPart)
	}
	e.text(name)
	e.streamID(last)
	if s.code != typeStream {
		e.length(uint64(read))
	}
	e.length(uint64(pending))
	s.groups--
	s.pending, s.consumers = pending, consumers
	if pending == 0 {
		e.length(uint64(consumers))
	}
	return e.endStreamPart()
}

// StreamPending writes an entry that is pending in the last group: when it was delivered last, in Unix milliseconds, and how
// often. They come in ascending order, those of all consumers.
func (e *Encoder) StreamPending(id StreamID, delivered int64, deliveries uint64) error {
	s := &e.stream
	if s.pending == 0 {
		return e.fail(errStreamPart)
	}
	e.rawID(id)
	e.time(delivered)
	e.length(deliveries)
	if s.pending--; s.pending == 0 {
		e.length(uint64(s.consumers))
	}
	return e.endStreamPart()
}

// StreamConsumer writes a consumer of the last group: when it last tried to read and when it last got something, in Unix
// milliseconds, the latter -1 if never. owned calls of StreamOwned must follow.
func (e *Encoder) StreamConsumer(name string, seen, active int64, owned int) error {
	s := &e.stream
	switch {
	case owned < 0:
		return e.fail(errStreamCount)
	case s.consumers == 0 || s.pending > 0 || s.owned > 0:
		return e.fail(errStreamPart)
	}
	e.text(name)
	e.time(seen)
	if s.code >= typeStream3 {
		e.time(active)
	}
	e.length(uint64(owned))
	s.consumers--
	s.owned = owned
	return e.endStreamPart()
}

// StreamOwned writes that the last consumer has that one of the pending entries. Each pending entry has one owner: servers
// refuse a file with one that is not pending, and may refuse one in which a pending entry has none.
func (e *Encoder) StreamOwned(id StreamID) error {
	if e.stream.owned == 0 {
		return e.fail(errStreamPart)
	}
	e.rawID(id)
	e.stream.owned--
	return e.endStreamPart()
}

// endStreamPart forgets a stream that is complete.
func (e *Encoder) endStreamPart() error {
	if s := e.stream; s == (streamLeft{code: s.code}) {
		e.stream = streamLeft{}
	}
	return e.err
}

func (e *Encoder) length(n uint64) {
	e.room(maxHead)
	e.buf = appendLength(e.buf, n)
}

func (e *Encoder) streamID(id StreamID) {
	e.length(id.Ms)
	e.length(id.Seq)
}

func (e *Encoder) rawID(id StreamID) {
	e.room(rawIDSize)
	e.buf = binary.BigEndian.AppendUint64(e.buf, id.Ms)
	e.buf = binary.BigEndian.AppendUint64(e.buf, id.Seq)
}

func (e *Encoder) time(ms int64) {
	e.room(maxHead)
	e.buf = binary.LittleEndian.AppendUint64(e.buf, uint64(ms))
}

// A nodeWriter makes one node of a stream after the other: see streamNode for what is in it.
type nodeWriter struct {
	list    listpackWriter
	first   StreamID
	names   []string // of the first entry
	entries int
	size    int // of the entries, roughly
}

// fits reports whether another entry goes into the node at hand.
func (w *nodeWriter) fits(pairs []string) bool {
	return w.entries > 0 && w.entries < nodeEntries && w.size+pairsSize(pairs) <= nodeBytes
}

// count takes note of an entry.
func (w *nodeWriter) count(pairs []string) {
	w.entries++
	w.size += pairsSize(pairs)
}

func pairsSize(pairs []string) int {
	n := 0
	for _, p := range pairs {
		n += len(p) + 2
	}
	return n
}

// reset begins a node with that entry.
func (w *nodeWriter) reset(id StreamID, pairs []string) {
	w.first, w.entries, w.size = id, 0, 0
	w.names = w.names[:0]
	for i := 0; i < len(pairs); i += 2 {
		w.names = append(w.names, pairs[i])
	}
}

// drop lets go of what belongs to the caller, and of a buffer that an unusual entry has made large.
func (w *nodeWriter) drop() {
	clear(w.names[:cap(w.names)])
	if cap(w.list.buf) > 8*nodeBytes {
		w.list.buf = nil
	}
	if cap(w.names) > nodeEntries {
		w.names = nil
	}
}

// entry adds an entry, which count has counted already.
func (w *nodeWriter) entry(id StreamID, pairs []string) {
	l := &w.list
	if w.entries == 1 {
		w.begin()
	}
	flags, same := int64(0), w.sameNames(pairs)
	if same {
		flags = entrySameNames
	}
	l.number(flags)
	l.number(int64(id.Ms - w.first.Ms))
	l.number(int64(id.Seq - w.first.Seq))
	if same {
		for i := 1; i < len(pairs); i += 2 {
			l.text(pairs[i])
		}
		l.number(int64(len(w.names)) + 3)
		return
	}
	l.number(int64(len(pairs) / 2))
	for _, p := range pairs {
		l.text(p)
	}
	l.number(int64(len(pairs)) + 4)
}

// begin begins the listpack with what stands before the entries. Their number is not known yet, so it takes the same room
// whatever it will be.
func (w *nodeWriter) begin() {
	l := &w.list
	l.reset()
	l.wide(0)
	l.number(0)
	l.number(int64(len(w.names)))
	for _, name := range w.names {
		l.text(name)
	}
	l.number(0)
}

func (w *nodeWriter) end() []byte {
	w.list.setWide(int16(w.entries))
	w.entries = 0
	return w.list.end()
}

func (w *nodeWriter) sameNames(pairs []string) bool {
	if len(pairs) != 2*len(w.names) {
		return false
	}
	i := 0
	return !slices.ContainsFunc(w.names, func(name string) bool {
		i += 2
		return pairs[i-2] != name
	})
}
