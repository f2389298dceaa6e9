// Package backlog holds the replication history of one data set and the last part of its stream.
//
// # Nouns
//
//   - Offset, count: the number of stream bytes produced or applied so far. Every number of this package is
//     such a count. PSYNC on the wire asks for the next byte, that is for count+1; the caller converts.
//   - [History]: the replication ID, the offset, the secondary ID with its limit, the database selected in
//     the stream, and the taint. They change together.
//   - Window: the counts [first, end] from which a follower can continue without a full resync. A follower
//     that has first bytes gets every retained byte; one that has end bytes gets what comes next.
//   - [Reader]: one consumer of the stream (a feed, a journal, a watcher) at its own position.
//
// The smallest useful program is the package example.
//
// # Guarantees
//
//   - Identity: the ID changes whenever the bytes after some offset could differ from what a holder of the
//     old ID would see ([Backlog.ShiftHistory], [Backlog.AdoptID], [Backlog.Reset], [Backlog.Free]).
//   - Window: [Backlog.Check] says yes exactly when first <= count <= end and the ID is one of ours;
//     end-first is exactly the configured size once that many bytes were written.
//   - Whole appends: all bytes of one [Backlog.Append] become visible at one instant, to readers and in the
//     offset, however many blocks they cross. A caller that appends whole units never shows half of one.
//   - Bounded: a reader that lags further than its limit is ended, and the memory that it held is freed,
//     even if its owner is stuck and never looks. [Backlog.Retained] counts what readers hold.
//
// # Concurrency
//
// The package starts no goroutine and never waits, except in [Reader.Next]. Methods marked REQUIRES are
// called with the writer lock of the store held: appends and changes of history are one sequence. Everything
// else may be called from anywhere. Reading bytes takes no lock. A Reader belongs to one goroutine, apart from the
// methods that say otherwise.
//
// Lock order: the store's writer lock, then Backlog.mu. Nothing is called back under either.
//
// # Bytes
//
// Append copies. Slices handed out by a Reader alias the stream: they are immutable, their capacity is cut,
// and they stay valid for ever (each keeps one block of at most 256 KB in memory).
//
// # Implementation
//
//	id.go       replication IDs
//	history.go  History, and the methods that change it
//	check.go    may this follower continue? one pure function
//	chain.go    the bytes: a linked list of blocks with published lengths
//	backlog.go  Backlog: append, window, the list of readers, waking and ending them
//	size.go     how much is kept, and what it costs
//	reader.go   Reader
//	errors.go   what ends a reader
package backlog
