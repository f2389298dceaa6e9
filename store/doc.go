// Package store holds a replicated data set in memory.
//
// A [Store] has several databases of keys with string and hash values. A [DB]
// reads and writes one of them as it is now, a [Snapshot] is the whole as it was
// at one instant, a [Tx] is one atomic change of it. Commands are known by two
// doors: typed methods, and Do with the command's words. Behind both is the same
// function.
//
//	s := store.New(nil)
//	s.DB(0).Set("greeting", "hello", 0)
//	v, err := s.DB(0).Get("greeting")
//
// Every change goes through one pipeline: apply to the keyspace, derive the
// effects (the commands that make the same change anywhere), append them to the
// [backlog], publish. Package replication sends the backlog to replicas; a store
// is useful without it.
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
//   - Replicas do not expire keys: they hide them at the deadline and remove them
//     when the primary says so.
//
// # Concurrency
//
// All methods may be called from any goroutine. One writer at a time holds the
// writer lock. Reads of one key take no lock and never wait. Reads of several
// keys take none either, unless writers get in between several times running:
// then they read a snapshot, as walks over a database or a large hash always do.
// A snapshot takes the writer lock for the instant of its cut, so it waits while
// an Update closure runs, and holds up nobody afterwards.
//
// # Implementation
//
//	internal/table   the keyspace: immutable entries, wait-free readers; large
//	                 strings in chunks that versions share
//	store.go         the lock, the view, the ways in
//	commit.go        the write path: one atomic change
//	exec.go          the context of execution: where it reads, what time it is
//	past.go          what one version saw of entries replaced since
//	snapshot.go      the cut
//	command.go       the command table; cmd_*.go parse, strings.go, hashes.go,
//	                 keys.go and expiry.go do the work
//	session.go       one client: SELECT, MULTI, WATCH
//	broker.go        messages: publish.go, subscriber.go; events.go what happens to keys
//	applier.go       the stream of a primary becomes commits
//	loader.go        an RDB file becomes a generation; loadvalue.go reads a value,
//	                 for RESTORE too, rdbwrite.go and dump.go write
//	replication.go   roles and histories
//
// Lock order: the writer lock, then a past's, then a part's of it. The backlog's
// own lock may be taken under the writer lock, and so may the broker's, which are
// told there. No user code runs under any of
// them, except the closure of Update under the writer lock.
package store
