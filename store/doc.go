// Package store holds a replicated data set in memory.
//
// A [Store] has several databases of keys, whose values are strings, hashes, lists,
// sets, sorted sets and streams. A [DB] reads and writes one of them as it is now, a
// [Snapshot] is the whole as it was at one instant, a [Tx] is one atomic change of
// it. Commands are known by two doors: typed methods, and Do with the command's
// words. Behind both is the same function.
//
//	s := store.New(nil)
//	s.DB(0).Set("greeting", "hello", 0)
//	v, err := s.DB(0).Get("greeting")
//	added, err := s.DB(0).ZAdd("scores", store.Scored{Score: 7, Member: "ada"})
//	reply, err := s.DB(0).Do("ZRANGE", "scores", "0", "-1", "REV")
//
// Every change goes through one pipeline: apply to the keyspace, derive the
// effects (the commands that make the same change anywhere), append them to the
// [backlog], publish. Package replication sends the backlog to replicas; a store
// is useful without it.
//
// # Methods
//
// Do takes every command that [Commands] lists. A typed method has the name of its
// command, where there is one; H, L, S and Z stand for hashes, lists, sets and sorted
// sets, X for streams, PF for HyperLogLogs, Geo for members of sorted sets that are
// places, B and XRead for calls that wait. One method may stand for several commands: Set for
// SETEX, Incr for DECRBY, ZRange for seven. One that ends in With takes the options of
// its command, nil for none; in N, a number of elements; in X, is for keys that are
// there, in NX for those that are not. [DB] has them all, [TxDB] all but those that wait
// and Guard, [SnapshotDB] those that read. They have these rules in common:
//
//   - A key that is not there is an empty list, set, hash, stream or string. Writes make
//     it, and one that removes the last element removes the key; but a stream stays,
//     because it remembers which IDs it has given.
//   - What asks for one thing that is not there returns [ErrNotFound]: Get, HGet,
//     LIndex, ZScore. So do LPop, SPop, SRandMember and ZPopMin; with an N behind
//     their name they return up to that many, or none, without that error, and so do
//     LMPop and its kin.
//   - A key of another type is [ErrWrongType]. An error changes nothing.
//   - Indexes and ranks begin with 0, and with -1 from the end; ranges include both
//     of their ends, except where a [ZRange] is told otherwise.
//   - n in a stated cost is the number of elements at the key. Small values are
//     compact and copied by each change, which is counted as O(1): lists of up to
//     128 elements and 8 KB; hashes, sets and sorted sets of up to 128 elements of
//     up to 64 bytes each; sets of up to 512 integers.
//   - Iterators yield what was there at one instant, whatever is written during the
//     loop, which may take its time: Keys, HItems, LItems, SMembers, ZRange, XRange.
//   - A version at the end of a comment is that of the first Redis that has the command:
//     older replicas may not know such a write.
//
// # Guarantees
//
//   - Cut: a snapshot at offset n, and the bytes of the stream after n, are
//     together the data, exactly.
//   - Order: the stream's order is the order of the commits.
//   - Isolation: one call never sees half of a command or of a transaction. A
//     Snapshot and a View extend that to many calls.
//   - Values that were read are strings: immutable, valid for ever, and not copied,
//     except out of a large string that is written by offset.
//   - Replicas do not expire keys, nor fields of hashes, which can have deadlines too:
//     they hide them at the deadline and remove them when the primary says so.
//
// # Concurrency
//
// All methods may be called from any goroutine. One writer at a time holds the
// writer lock. Reads of one key take no lock and never wait. Reads of several
// keys take none either, unless writers get in between several times running:
// then they read a snapshot, as walks over a database, a large hash or a large set
// always do. A snapshot takes the writer lock for the instant of its cut, so it
// waits while an Update closure runs, and holds up nobody afterwards.
//
// Streams, large lists and large sorted sets are trees that the writer changes in place, under a
// lock of each. A read takes that lock for one element's look-up, or for making an
// O(1) clone of the tree that it then walks without.
//
// Who waits for an element, by BLPop and its kin, holds no lock and does not poll.
// Those who wait for a key are served the oldest first, each by a commit of its own,
// before the writer lock is given back by whoever brought the element. Those who wait for
// entries of a stream, by XRead, take nothing away: all of them are served.
//
// The patterns of subscribers are matched under the writer lock. One that could take
// longer than some milliseconds for a channel does not match it: see [ViaPattern].
//
// # Implementation
//
//	internal/table   the keyspace: immutable entries, wait-free readers; large
//	                 strings in chunks that versions share
//	internal/tree    counted B+trees, cloned in O(1): lists, orders of sorted sets, streams
//	internal/hll     the bytes of HyperLogLogs, and what they count
//	internal/geo     places as scores, areas as ranges of them, distances
//	store.go         the lock, the view, the ways in
//	commit.go        the write path: one atomic change
//	exec.go          the context of execution: where it reads, what time it is
//	past.go          what one version saw of entries replaced since
//	snapshot.go      the cut
//	command.go       the command table; cmd_*.go parse and reply, and the files
//	                 below do the work
//	keys.go          every type: DEL, RENAME, COPY; expiry.go; sort.go; dump.go
//	strings.go       hashes.go, hashblob.go
//	bitmaps.go       bits of strings; bitop.go combines them block by block, bitfield.go
//	                 is about integers in them
//	hyperloglog.go   strings that count, whose bytes internal/hll knows; refresh.go is
//	                 about reads that keep in a value what they have computed
//	collection.go    what lists and sorted sets in trees have in common: changes in
//	                 place, and who must not see them
//	lists.go         listedit.go changes them, listblob.go is their small form
//	sets.go          setblob.go, setrandom.go, setalgebra.go
//	sorted.go        sortedblob.go, sortedorder.go (both forms as one sequence),
//	                 sortedwrite.go, sortedrange.go, sortedrandom.go,
//	                 sortedalgebra.go, sortedscore.go (numbers as texts), geo.go (places)
//	streams.go       streamid.go, streamwrite.go, streamtrim.go, streamread.go, loadstream.go
//	streamgroup.go   the groups of a stream and their consumers: streamgroupread.go
//	                 delivers, streamclaim.go takes over and acknowledges,
//	                 streamlag.go knows how far a group is, streamgroupwrite.go,
//	                 streamgroupinfo.go
//	condition.go     SET IFEQ and its like; cmd_frames.go, slots.go: what only
//	                 streams of clusters and of KeyDB carry
//	opaque.go        what modules store, functions.go what primaries run: neither is
//	                 understood, both are passed on
//	blocked.go       who waits for an element, and when they are served
//	memory.go        the memory limit; evict.go makes room, ages.go knows what was used
//	                 when or how often, denyoom.go which commands need room
//	db.go            the typed methods' ways in; *_api.go the methods themselves
//	session.go       one client: SELECT, MULTI, WATCH; watched.go
//	broker.go        messages: publish.go, subscriber.go; events.go what happens to keys
//	applier.go       the stream of a primary becomes commits
//	loader.go        an RDB file becomes a generation; loadvalue.go reads a value,
//	                 for RESTORE too, rdbwrite.go and dump.go write; reload.go
//	replication.go   roles and histories
//
// Lock order: the writer lock, then a past's, then a part's of it; a collection's
// is taken under the writer lock or alone. The backlog's own lock may be taken under
// the writer lock, and so may the broker's, which are told there. No user code runs
// under any of them, except the closure of Update under the writer lock. The one
// goroutine that the package starts is Reload's, which waits for it.
package store
