package store

import (
	"context"
	"strings"
	"time"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// Consumers of a group share the reading of a stream: each entry is delivered to one of
// them, and is pending for it until it is acknowledged. All of that is data: it is in
// snapshots and files, and replicas have it, so that after a failover consumers go on
// where they were.
//
// The methods that need a group return an [*Error] with the code NOGROUP where the stream
// or the group is not there.

// XGroupOptions say where a group begins to read. The zero value, and nil, is with the
// first entry of the stream.
type XGroupOptions struct {
	// After is the ID behind which it begins.
	After StreamID
	// New begins with what is added from now on, whatever After says.
	New bool
}

func (o *XGroupOptions) start() string {
	switch {
	case o == nil:
		return "0"
	case o.New:
		return "$"
	}
	return o.After.String()
}

// XGroupCreate makes a group of the stream at key, and an empty stream if there is none.
// The error is [ErrGroupExists] or [ErrWrongType]. O(log groups). Redis 5.0.
func (d writes) XGroupCreate(key, group string, o *XGroupOptions) error {
	return d.grow(func(x *exec) error {
		r, err := x.streamRef(key)
		if err != nil {
			return err
		}
		return x.xgroupCreate(r, group, o.start(), xgroupOptions{make: true, read: unknownRead})
	})
}

// XGroupSetID sets from where on a group reads. What is pending stays so. The error is
// that of a group that is not there, or [ErrWrongType]. O(log groups). Redis 5.0.
func (d writes) XGroupSetID(key, group string, o *XGroupOptions) error {
	return d.write(onGroup(key, group, func(x *exec, r ref) error {
		return x.xgroupSetID(r, group, o.start(), xgroupOptions{read: unknownRead})
	}))
}

// XGroupDestroy removes a group with its consumers and what is pending for them, and
// reports whether it was there. Who waits for entries by it gets an error with the code
// NOGROUP. The error is [ErrWrongType]. O(consumers). Redis 5.0.
func (d writes) XGroupDestroy(key, group string) (done bool, err error) {
	err = d.write(func(x *exec) error {
		r, err := x.streamRef(key)
		if err == nil && r.e != nil {
			done = x.xgroupDestroy(r, group)
		}
		return err
	})
	return done, err
}

// XGroupCreateConsumer makes a consumer, and reports whether it was not there. There is
// no need to: whoever reads by a name that the group does not know becomes a consumer.
// The error is that of a group that is not there, or [ErrWrongType]. O(log consumers).
// Redis 6.2.
func (d writes) XGroupCreateConsumer(key, group, consumer string) (done bool, err error) {
	err = d.grow(onGroup(key, group, func(x *exec, r ref) error {
		done = x.xgroupCreateConsumer(r, group, consumer)
		return nil
	}))
	return done, err
}

// XGroupDelConsumer removes a consumer and returns how many entries were pending for it:
// they are delivered to nobody any more. XClaim them before. The error is that of a group
// that is not there, or [ErrWrongType]. O(log n) for each of the entries. Redis 5.0.
func (d writes) XGroupDelConsumer(key, group, consumer string) (pending int, err error) {
	err = d.write(onGroup(key, group, func(x *exec, r ref) error {
		pending = x.xgroupDelConsumer(r, group, consumer)
		return nil
	}))
	return pending, err
}

// onGroup is a write to a stream that has the group.
func onGroup(key, group string, fn func(x *exec, r ref) error) func(x *exec) error {
	return func(x *exec) error {
		r, err := x.groupRef(key, group)
		if err != nil {
			return err
		}
		return fn(x, r)
	}
}

// XReadGroupOptions say what is delivered. The zero value, and nil, is all there is, to be
// acknowledged.
type XReadGroupOptions struct {
	Count int  // entries of each stream at most; 0 for any number
	NoAck bool // nothing is kept as pending: who does not get to work on an entry loses it
}

func (o *XReadGroupOptions) read(group, consumer string, keys ...string) *groupRead {
	a := &groupRead{group: group, consumer: consumer}
	if o != nil {
		a.count, a.noAck = int64(max(o.Count, 0)), o.NoAck
	}
	for _, key := range keys {
		a.from = append(a.from, groupFrom{key: key, news: true})
	}
	return a
}

// XReadGroup delivers to a consumer the entries of one or more streams that the group has
// not delivered to anybody, and makes them pending for it. Where there are none it waits
// for the first that comes; of those who wait, the one who came first gets it. Streams
// without such entries are not in the result.
//
// The error is that of a group that is not there, at any time until something is
// delivered; [ErrWrongType]; ctx's when that ends first, then nothing was delivered;
// [ErrReadOnly], [ErrClosed] or [ErrNested]; or an [*Error] with the code UNBLOCKED when
// the store becomes a replica meanwhile. O(streams * log n + entries * log pending).
// Redis 5.0.
func (d DB) XReadGroup(ctx context.Context, group, consumer string, o *XReadGroupOptions, keys ...string) ([]StreamEntries, error) {
	var read []groupEntries
	w := groupWish(o.read(strings.Clone(group), strings.Clone(consumer), cloneStrings(keys)...), func(found []groupEntries) resp.Value {
		read = found // handed over by the channel on which the answer comes
		return resp.OK()
	})
	if _, err := d.waitFor(ctx, w); err != nil {
		return nil, err
	}
	out := make([]StreamEntries, len(read))
	for i, k := range read {
		out[i] = StreamEntries{k.key, streamEntriesOf(k.items)}
	}
	return out, nil
}

// XReadGroupNow is [DB.XReadGroup] of one stream, without waiting: none if there are none.
func (d writes) XReadGroupNow(key, group, consumer string, o *XReadGroupOptions) ([]StreamEntry, error) {
	return d.readGroup(o.read(group, consumer, key))
}

// XReadPending delivers once more what is pending for a consumer, behind an ID, at most
// count entries, 0 for any number: what to begin with after a restart. An entry that the
// stream does not have any more has no fields; XAck it. Each delivery counts. The error
// is that of a group that is not there, or [ErrWrongType]. O(log n) an entry. Redis 5.0.
func (d writes) XReadPending(key, group, consumer string, after StreamID, count int) ([]StreamEntry, error) {
	return d.readGroup(&groupRead{group: group, consumer: consumer, count: int64(max(count, 0)), from: []groupFrom{{key: key, after: after}}})
}

// readGroup is of one key.
func (d writes) readGroup(a *groupRead) (entries []StreamEntry, err error) {
	err = d.write(func(x *exec) error {
		found, err := x.readGroup(a)
		if len(found) > 0 {
			entries = streamEntriesOf(found[0].items)
		}
		return err
	})
	return entries, err
}

// XAck acknowledges entries: they are pending no more. It returns how many were; 0 where
// there is no such stream or group. The error is [ErrWrongType]. O(log n) an ID. Redis
// 5.0.
func (d writes) XAck(key, group string, ids ...StreamID) (n int, err error) {
	err = d.write(func(x *exec) (err error) {
		n, err = x.ack(key, group, ids)
		return err
	})
	return n, err
}

// XClaimOptions are those of XClaim. The zero value, and nil, takes what is pending,
// whosever and since whenever it is.
type XClaimOptions struct {
	MinIdle time.Duration // only what was delivered so long ago
	JustID  bool          // the deliveries are not counted, and the entries come without fields
	Force   bool          // also what is pending for nobody
}

// XClaim takes over entries that are pending for another consumer, which may be gone, as
// if they were delivered now, and returns them. One that the stream does not have any
// more is pending no more, and not returned. The error is that of a group that is not
// there, or [ErrWrongType]. O(log n) an ID. Redis 5.0.
func (d writes) XClaim(key, group, consumer string, o *XClaimOptions, ids ...StreamID) (entries []StreamEntry, err error) {
	p := claimOptions{count: -1}
	if o != nil {
		p.minIdle, p.justID, p.force = o.MinIdle.Milliseconds(), o.JustID, o.Force
	}
	err = d.write(func(x *exec) error {
		items, err := x.claim(key, group, consumer, ids, p)
		entries = claimedEntries(items, p.justID)
		return err
	})
	return entries, err
}

// XAutoClaimOptions are those of XAutoClaim. The zero value, and nil, takes the first 100
// that are pending.
type XAutoClaimOptions struct {
	MinIdle time.Duration // only what was delivered so long ago
	From    StreamID      // where to begin
	Count   int           // entries at most; 0 for 100
	JustID  bool          // as of XClaimOptions
}

// XAutoClaim finds entries that have been pending for long, and takes them over as XClaim
// does. next is where to go on, zero at the end; gone are entries that the stream does not
// have any more, which are pending no more. It looks at ten times Count entries at most.
// The error is that of a group that is not there, or [ErrWrongType]. O(Count * log n).
// Redis 6.2.
func (d writes) XAutoClaim(key, group, consumer string, o *XAutoClaimOptions) (next StreamID, entries []StreamEntry, gone []StreamID, err error) {
	p := autoclaimOptions{count: autoclaimCount}
	if o != nil {
		p.minIdle, p.from, p.justID = o.MinIdle.Milliseconds(), o.From, o.JustID
		if o.Count > 0 {
			p.count = int64(o.Count)
		}
	}
	err = d.write(func(x *exec) (err error) {
		var items []streamItem
		next, items, gone, err = x.autoclaim(key, group, consumer, p)
		entries = claimedEntries(items, p.justID)
		return err
	})
	return next, entries, gone, err
}

func claimedEntries(items []streamItem, justID bool) []StreamEntry {
	if !justID {
		return streamEntriesOf(items)
	}
	out := make([]StreamEntry, len(items))
	for i, it := range items {
		out[i].ID = it.id
	}
	return out
}

// PendingEntry is an entry that was delivered and not acknowledged.
type PendingEntry struct {
	ID        StreamID
	Consumer  string
	Delivered time.Time // last
	Count     uint64    // of deliveries
}

// XPendingOptions say which pending entries XPending returns. The zero value, and nil, is
// for all.
type XPendingOptions struct {
	First    StreamID
	Last     StreamID      // zero for the last there is
	Count    int           // at most; 0 for any number
	MinIdle  time.Duration // only what was delivered so long ago
	Consumer string        // only what is pending for it; "" for all consumers
}

func (o *XPendingOptions) pick() *pendingRange {
	p := &pendingRange{streamSpan: streamSpan{StreamID{}, MaxStreamID}, count: 1<<63 - 1}
	if o == nil {
		return p
	}
	p.first, p.minIdle, p.consumer, p.of = o.First, o.MinIdle.Milliseconds(), o.Consumer, o.Consumer != ""
	if o.Last != (StreamID{}) {
		p.last = o.Last
	}
	if o.Count > 0 {
		p.count = int64(o.Count)
	}
	return p
}

// XPending returns entries that are pending in a group, in the order of their IDs. The
// error is that of a group that is not there, or [ErrWrongType]. O(log n + entries), of
// one consumer O(entries * log n). Redis 5.0.
func (d reads) XPending(key, group string, o *XPendingOptions) (entries []PendingEntry, err error) {
	there := false
	err = d.onStream(key, func(x *exec, e *table.Entry) {
		there = false
		x.withPending(e, group, o.pick(), func(list []streamPending) {
			there, entries = true, make([]PendingEntry, len(list))
			for i, p := range list {
				entries[i] = PendingEntry{p.id, p.consumer, time.UnixMilli(p.delivered), p.count}
			}
		})
	})
	if err == nil && !there {
		err = noGroup(key, group, "")
	}
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// GroupInfo describes a group of consumers.
type GroupInfo struct {
	Name      string
	Consumers int
	Pending   int
	Last      StreamID // of the last entry that was delivered
	// Read is how many entries were delivered, and Lag how many have not been, as far as
	// that can be known: -1 where it cannot, because entries were removed out of the midst
	// of the stream or an ID was set.
	Read, Lag int64
}

// XInfoGroups describes the groups of the stream at key in the order of their names, as
// of Redis 7.2. The error is [ErrNotFound] or [ErrWrongType]. O(groups).
func (d reads) XInfoGroups(key string) (groups []GroupInfo, err error) {
	there := false
	err = d.onStream(key, func(x *exec, e *table.Entry) {
		there, groups = e != nil, nil
		x.streamLook(e, func(b *bigStream) {
			for g := range b.groups.From(0) {
				lag, ok := b.lag(g)
				if !ok {
					lag = -1
				}
				groups = append(groups, GroupInfo{g.name, g.consumers.Len(), g.pending.Len(), g.last, g.read, lag})
			}
		})
	})
	return found(groups, there, err)
}

// ConsumerInfo describes a consumer of a group.
type ConsumerInfo struct {
	Name    string
	Pending int
	Seen    time.Time // when it last asked for something. Replicas know of it by what it got
	Active  time.Time // when it last got something; zero if never
}

// XInfoConsumers describes the consumers of a group in the order of their names, as of
// Redis 7.2. The error is that of a group that is not there, or [ErrWrongType].
// O(consumers).
func (d reads) XInfoConsumers(key, group string) (consumers []ConsumerInfo, err error) {
	there := false
	err = d.onStream(key, func(x *exec, e *table.Entry) {
		there, consumers = false, nil
		x.withGroup(e, group, func(g *streamGroup) {
			there = true
			for c := range g.consumers.From(0) {
				info := ConsumerInfo{Name: c.name, Pending: c.pending.Len(), Seen: time.UnixMilli(c.seen)}
				if c.active >= 0 {
					info.Active = time.UnixMilli(c.active)
				}
				consumers = append(consumers, info)
			}
		})
	})
	if err == nil && !there {
		err = noGroup(key, group, "")
	}
	if err != nil {
		return nil, err
	}
	return consumers, nil
}
