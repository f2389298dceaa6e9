package store

import (
	"context"
	"iter"
	"strings"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// A StreamEntry is an entry of a stream. Fields are the names and values of its fields in
// turn, in the order in which they were given: name, value, name, value. A name may be
// there more than once.
type StreamEntry struct {
	ID     StreamID
	Fields []string
}

// Get is the value of the first field of a name.
func (e StreamEntry) Get(field string) (value string, ok bool) {
	for i := 0; i+1 < len(e.Fields); i += 2 {
		if e.Fields[i] == field {
			return e.Fields[i+1], true
		}
	}
	return "", false
}

func (it streamItem) entry() StreamEntry { return StreamEntry{it.id, it.pairs()} }

func streamEntriesOf(items []streamItem) []StreamEntry {
	out := make([]StreamEntry, len(items))
	for i, it := range items {
		out[i] = it.entry()
	}
	return out
}

// onStream runs fn with the stream at key, nil if there is none, against one instant. fn
// may be run again, when a writer came in between.
func (d reads) onStream(key string, fn func(x *exec, e *table.Entry)) error {
	return d.on(key, (*exec).stream, fn)
}

// XLen is the number of entries of the stream at key, 0 if there is none. The error is
// [ErrWrongType]. O(1). Redis 5.0.
func (d reads) XLen(key string) (n int, err error) {
	err = d.onStream(key, func(x *exec, e *table.Entry) { n = x.streamLen(e) })
	if err != nil {
		return 0, err
	}
	return n, nil
}

// XRange yields the entries of the stream at key with IDs from first to last, both
// included, in order, as they were when XRange returned: none if there is no such stream.
// The zero ID and [MaxStreamID] are all of it. The loop's body may take its time and may
// write, and the sequence may be walked again. It holds on to these entries, and no lock
// or snapshot. The error is [ErrWrongType]. O(log n), and O(1) each entry. Redis 5.0.
func (d reads) XRange(key string, first, last StreamID) (entries iter.Seq[StreamEntry], err error) {
	return d.xrange(key, streamSpan{first, last}, false)
}

// XRevRange is [DB.XRange] from the last entry to the first: the IDs are given in that
// order too.
func (d reads) XRevRange(key string, last, first StreamID) (entries iter.Seq[StreamEntry], err error) {
	return d.xrange(key, streamSpan{first, last}, true)
}

func (d reads) xrange(key string, s streamSpan, reverse bool) (iter.Seq[StreamEntry], error) {
	var items iter.Seq[streamItem]
	err := d.onStream(key, func(x *exec, e *table.Entry) { items = x.streamEntries(e, s, reverse) })
	if err != nil {
		return func(func(StreamEntry) bool) {}, err
	}
	return func(yield func(StreamEntry) bool) {
		for it := range items {
			if !yield(it.entry()) {
				return
			}
		}
	}, nil
}

// XRangeN returns up to count of the entries that [DB.XRange] yields, the first ones. It
// costs the writer nothing afterwards when they are few. O(log n + count).
func (d reads) XRangeN(key string, first, last StreamID, count int) ([]StreamEntry, error) {
	return d.xrangeN(key, streamSpan{first, last}, count, false)
}

// XRevRangeN returns up to count of the entries that [DB.XRevRange] yields, from the last
// on.
func (d reads) XRevRangeN(key string, last, first StreamID, count int) ([]StreamEntry, error) {
	return d.xrangeN(key, streamSpan{first, last}, count, true)
}

func (d reads) xrangeN(key string, s streamSpan, count int, reverse bool) ([]StreamEntry, error) {
	var items []streamItem
	err := d.onStream(key, func(x *exec, e *table.Entry) { items = x.xrange(e, s, int64(max(count, 0)), reverse) })
	if err != nil {
		return nil, err
	}
	return streamEntriesOf(items), nil
}

// StreamInfo says what a stream remembers.
type StreamInfo struct {
	Len        int
	First      StreamID // of the first entry; zero if there is none
	Last       StreamID // the greatest ID ever given, or set by XSETID; its entry may be gone
	MaxDeleted StreamID // the greatest ID of the entries that XDel removed; zero if none was
	Added      uint64   // entries ever added
	Groups     int      // groups of consumers
}

// XInfo describes the stream at key. The error is [ErrNotFound] or [ErrWrongType]. O(log n).
func (d reads) XInfo(key string) (info StreamInfo, err error) {
	there := false
	err = d.onStream(key, func(x *exec, e *table.Entry) {
		there = e != nil
		x.streamLook(e, func(b *bigStream) {
			info = StreamInfo{b.entries.Len(), b.first(), b.last, b.maxDeleted, b.added, b.groups.Len()}
		})
	})
	return found(info, there, err)
}

// XAdd adds an entry to the stream at key, which it makes if there is none, and returns
// its ID: of the present time, or right behind the last one where the clock went back.
// fields are names and values in turn, at least one of each. The error is [ErrWrongType],
// [ErrStreamFull], or that of fields which are no pairs. O(1). Redis 5.0.
func (d writes) XAdd(key string, fields ...string) (StreamID, error) {
	id, _, err := d.xadd(key, fields, xaddOptions{})
	return id, err
}

// XAddOptions are the options of XAddWith. The zero value is what XAdd does.
type XAddOptions struct {
	// ID that the entry gets. It must be behind all that the stream has had. The zero ID
	// is for one made of the time.
	ID StreamID
	// IfThere adds nothing where there is no stream.
	IfThere bool
	// Trim the stream afterwards.
	Trim StreamTrim
}

// XAddWith is XAdd with options, nil for none. added is false if IfThere kept it from
// adding. The error may be [ErrStreamOrder] as well. O(1), and as XTrim.
func (d writes) XAddWith(key string, o *XAddOptions, fields ...string) (id StreamID, added bool, err error) {
	var opts xaddOptions
	if o != nil {
		opts = xaddOptions{trim: o.Trim, ifThere: o.IfThere}
		if o.ID != (StreamID{}) {
			opts.id = newID{o.ID, givenID}
		}
	}
	return d.xadd(key, fields, opts)
}

var errNoPairs = wireError("ERR an entry has at least one field, and a value for each")

func (d writes) xadd(key string, fields []string, o xaddOptions) (id StreamID, added bool, err error) {
	if len(fields) == 0 || len(fields)%2 != 0 {
		return id, false, errNoPairs
	}
	err = d.grow(func(x *exec) (err error) {
		id, added, err = x.xadd(key, fields, o)
		return err
	})
	if err != nil {
		return StreamID{}, false, err
	}
	return id, added, nil
}

// XDel removes entries by their IDs and returns how many were there. A stream stays when
// its last entry goes. The error is [ErrWrongType]. O(log n) an ID. Redis 5.0.
func (d writes) XDel(key string, ids ...StreamID) (removed int, err error) {
	err = d.write(func(x *exec) (err error) {
		removed, err = x.xdel(key, ids)
		return err
	})
	return removed, err
}

// XTrim removes entries from the front of the stream at key and returns how many. A
// stream stays when its last entry goes. The error is [ErrWrongType]. O(log n), and O(1)
// for each entry that goes or that stays, whichever are fewer. Redis 5.0; by IDs 6.2.
func (d writes) XTrim(key string, t StreamTrim) (removed int, err error) {
	err = d.write(func(x *exec) (err error) {
		removed, err = x.xtrim(key, t)
		return err
	})
	return removed, err
}

// StreamFrom says what XRead reads of one stream: the entries behind After, or with New
// set those that come after the call.
type StreamFrom struct {
	Key   string
	After StreamID
	New   bool
}

// StreamEntries are entries of one of several streams.
type StreamEntries struct {
	Key     string
	Entries []StreamEntry
}

// XRead returns the entries behind the given places of one or more streams, at most count
// of each, 0 for any number. Where there are none it waits for the first that comes, and
// then returns what came to that stream. It removes nothing: all who wait for an entry
// get it. Streams that are not there are waited for. Streams without such entries are not
// in the result, whose order is that of from.
//
// The error is ctx's when that ends first; [ErrWrongType] when one of the keys is no
// stream at the time of the call, what becomes one later is waited out; [ErrClosed] or
// [ErrNested]; or an [*Error] with the code UNBLOCKED when the store becomes a replica
// meanwhile. On a replica it waits for what the primary adds. O(streams * log n + entries).
// Redis 5.0.
func (d DB) XRead(ctx context.Context, count int, from ...StreamFrom) ([]StreamEntries, error) {
	places := make([]streamFrom, len(from))
	for i, f := range from {
		places[i] = streamFrom{key: f.Key, place: "$", known: !f.New, after: f.After}
	}
	var read []keyEntries
	w := readWish(places, int64(max(count, 0)), func(found []keyEntries) resp.Value {
		read = found // handed over by the channel on which the answer comes
		return resp.OK()
	})
	if _, err := d.waitFor(ctx, w); err != nil {
		return nil, err
	}
	out := make([]StreamEntries, len(read))
	for i, k := range read {
		out[i] = StreamEntries{strings.Clone(k.key), streamEntriesOf(k.items)}
	}
	return out, nil
}
