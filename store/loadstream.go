package store

import (
	"errors"
	"fmt"
	"strings"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/store/internal/table"
)

// streamLoader makes a stream of the parts in which a file has it. The decoder checks the
// entries; what goes across the parts of a group is checked here.
type streamLoader struct {
	b       *bigStream
	g       *streamGroup              // at hand
	c       *streamConsumer           // at hand
	waiting map[StreamID]*loadPending // of g
	order   []StreamID                // of g's pending entries, as they come
}

// loadPending is an entry that is pending, before it is known in whom.
type loadPending struct {
	streamPending
	owned bool
}

// What newer servers keep in a stream, and this store does not: it could not be forgotten
// without changing what the next XADD of a producer (Redis 8.6), or the next read of a
// group (Redis 8.8), does.
var (
	errDedup    = errors.New("stream with the IDs of producers")
	errReleased = errors.New("stream with entries that were given back")
)

func (l *valueReader) stream(d *rdb.Decoder, rec *rdb.Record) (*table.Entry, error) {
	key := string(rec.Key) // the decoder's calls may reuse rec.Key
	s := streamLoader{b: newBigStream(l.version)}
	for {
		p, ok, err := d.StreamPart()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		switch err := s.part(d, p); {
		case err == errDedup || err == errReleased:
			return nil, &rdb.UnsupportedError{Offset: d.Offset(), What: err.Error(), Key: key, DB: rec.DB}
		case err != nil:
			return nil, fmt.Errorf("%w, at byte %d", err, d.Offset())
		}
	}
	if err := s.endGroup(); err != nil {
		return nil, fmt.Errorf("%w, at byte %d", err, d.Offset())
	}
	return table.NewBig(l.version, table.Stream, key, s.b, rec.Deadline), nil
}

func (s *streamLoader) part(d *rdb.Decoder, p rdb.StreamPart) error {
	id := StreamID(p.ID)
	switch p.Op {
	case rdb.PartEntry:
		return s.entry(d, id, p.Len)
	case rdb.PartState:
		s.b.streamHead = streamHead{last: id, maxDeleted: StreamID(p.Deleted), added: p.Added}
	case rdb.PartGroup:
		return s.group(string(p.Name), id, knownRead(p.Read))
	case rdb.PartPending:
		return s.pending(streamPending{id: id, delivered: p.Time, count: min(p.Count, mostDeliveries)})
	case rdb.PartConsumer:
		return s.consumer(string(p.Name), p.Time, p.Active)
	case rdb.PartOwned:
		return s.owned(id)
	case rdb.PartReleased:
		return errReleased
	case rdb.PartProducer, rdb.PartDedupID:
		return errDedup
	}
	return nil
}

func (s *streamLoader) entry(d *rdb.Decoder, id StreamID, pairs int64) error {
	var fields []byte
	for range pairs {
		f, v, ok, err := d.Field()
		if err != nil {
			return err
		}
		if !ok {
			return errors.New("store: an entry of a stream of the file ends early")
		}
		fields = appendBlobItem(appendBlobItem(fields, table.View(f)), table.View(v))
	}
	s.b.add(streamItem{id, strings.Clone(table.View(fields))})
	return nil
}

func (s *streamLoader) group(name string, last StreamID, read int64) error {
	if err := s.endGroup(); err != nil {
		return err
	}
	if s.b.group(name) != nil {
		return errors.New("store: a group twice in a stream of the file")
	}
	s.g = &streamGroup{token: s.b.mark(), name: name, last: last, read: read}
	s.waiting, s.order = map[StreamID]*loadPending{}, nil
	return nil
}

func (s *streamLoader) pending(p streamPending) error {
	if s.waiting[p.id] != nil {
		return errors.New("store: an entry pending twice in a group of the file")
	}
	s.waiting[p.id] = &loadPending{streamPending: p}
	s.order = append(s.order, p.id)
	return nil
}

func (s *streamLoader) consumer(name string, seen, active int64) error {
	if s.g.consumer(name) != nil {
		return errors.New("store: a consumer twice in a group of the file")
	}
	s.c = &streamConsumer{token: s.b.mark(), name: name, seen: seen, active: active}
	s.g.consumers.Insert(s.g.consumerAt(name), s.c)
	return nil
}

func (s *streamLoader) owned(id StreamID) error {
	p := s.waiting[id]
	if p == nil || p.owned {
		return errors.New("store: a consumer of the file has an entry that is not pending, or is another's")
	}
	p.owned, p.consumer = true, s.c.name
	at := s.c.pending.Search(func(o StreamID) bool { return !o.before(id) })
	s.c.pending.Insert(at, id)
	return nil
}

// endGroup puts the group at hand, if there is one, into the stream.
func (s *streamLoader) endGroup() error {
	if s.g == nil {
		return nil
	}
	for _, id := range s.order {
		p := s.waiting[id]
		if !p.owned {
			return errors.New("store: an entry is pending in a group of the file and in no consumer")
		}
		at := s.g.pending.Search(func(o streamPending) bool { return !o.id.before(id) })
		s.g.pending.Insert(at, p.streamPending)
	}
	s.b.groups.Insert(s.b.groupAt(s.g.name), s.g)
	s.b.Charge(s.g.cost())
	s.g, s.c = nil, nil
	return nil
}

// writeStream writes a stream as it is at one instant.
func (x *exec) writeStream(e *rdb.Encoder, en *table.Entry) error {
	b := x.streamPin(en)
	state := rdb.StreamState{
		Last: rdb.StreamID(b.last), First: rdb.StreamID(b.first()), Deleted: rdb.StreamID(b.maxDeleted),
		Added: b.added, Groups: b.groups.Len(),
	}
	entries := func(yield func(rdb.StreamID, []string) bool) {
		for it := range b.entries.From(0) {
			if !yield(rdb.StreamID(it.id), it.pairs()) {
				return
			}
		}
	}
	err := e.BeginStream(en.Key(), state, entries, en.Deadline())
	for g := range b.groups.From(0) {
		if err == nil {
			err = writeStreamGroup(e, g)
		}
	}
	return err
}

// writeStreamGroup writes a group. Errors of the encoder stick.
func writeStreamGroup(e *rdb.Encoder, g *streamGroup) error {
	err := e.StreamGroup(g.name, rdb.StreamID(g.last), g.read, g.pending.Len(), g.consumers.Len())
	for p := range g.pending.From(0) {
		err = e.StreamPending(rdb.StreamID(p.id), p.delivered, p.count)
	}
	for c := range g.consumers.From(0) {
		err = e.StreamConsumer(c.name, c.seen, c.active, c.pending.Len())
		for id := range c.pending.From(0) {
			err = e.StreamOwned(rdb.StreamID(id))
		}
	}
	return err
}
