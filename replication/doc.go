// Package replication makes a store a primary that feeds replicas, or a replica that follows a primary, over the protocol of Redis replication.
//
// The other side may be this package, Redis, Valkey, or anything that speaks PSYNC. The smallest replica:
//
//	r, err := replication.Connect(ctx, "redis://primary:6379", nil) // dial, first sync, keep following
//	if err != nil {
//		return err
//	}
//	defer r.Close()
//	name, err := r.DB(0).Get("user:42:name")
//
// # Nouns
//
//   - [Primary] accepts writes and feeds replicas. [Replica] follows a primary, serves reads, and may feed replicas of its own. Both are handles on a node, and
//     a node's role changes at run time: Promote, Follow.
//   - The stream is the sequence of commands that reproduces the data. An offset is a count of its bytes, in data and acknowledgements alike. On the wire PSYNC asks for
//     the next byte, which is one more.
//   - A history is a replication ID and an offset, and perhaps a secondary ID: the name that the stream had before.
//   - The backlog is the last part of the stream, kept for replicas that come back. It and the history live in package store/backlog.
//   - A full resync is a payload, the whole data set as it was at one instant, the cut, and the stream from there. A partial resync is the missing part of the stream.
//
// # Guarantees
//
//  1. Cut. The payload that names offset n, and the bytes of the stream after n, give exactly the primary's data.
//  2. Order. The stream has the order in which writes took effect.
//  3. Identity. Two nodes with the same replication ID and offset have the same data, unless one says that it is tainted. Whatever breaks a history starts a
//     new ID. A chained replica passes on the very bytes that it received.
//  4. Count. An offset grows when its bytes are applied, never before; it is never reported, acknowledged or served in the middle of a transaction.
//  5. Window. A replica that holds n bytes continues if and only if the backlog holds byte n+1 or n is its end.
//  6. Isolation. A read sees whole commands and whole transactions.
//  7. All or nothing. A full resync that fails, is cut or refused leaves the data as it was. Until it is complete, reads see the old data. With LoadInPlace both are
//     no data, as the program has chosen; a part of the new is never read, promoted or saved.
//  8. Nothing invented. A command or a type that this version does not know stops following, with an error that names it; reads go on.
//  9. Bounded. All replicas that are behind cost together, beyond the backlog, at most SyncBudget bytes for those that load and OutputLimit for the others, whichever
//     is more, and one block; who exceeds its limit loses its connection. The writer never waits for a replica. No length that a peer claims is allocated before its
//     bytes arrive.
//  10. After Close no goroutine runs, no callback comes, nothing is logged, no file or connection is open.
//
// # What can be lost
//
// Replication is asynchronous: a write is accepted before any replica has it. If the primary dies, what no replica received is gone; [Primary.WaitReplicas] tells a
// writer when that danger is over. [PrimaryOptions].MinReplicas bounds it: a primary that has lost its replicas stops to accept writes. [Primary.Failover] changes
// roles without a loss. Promotion does not reach the old primary: what it goes on accepting is lost when it becomes a replica of the new one. There is no
// election and no fencing here.
//
// # What protects the data
//
// A primary that lost its data would hand the loss to every replica: its replicas would ask to continue, be refused, and take a full resync of nothing. A [Guard]
// looks at each full resync before it becomes the data, and holds one that is empty, far smaller, or of a fresh history with keys missing. What a full resync did
// replace is kept for a while: [Replica.RestoreFormer]. Everything that happens to links and history has a [Reason] and its numbers, in events ([Event]), in [Status]
// and in the log.
//
// # Concurrency
//
// All methods of Primary and Replica may be called from any goroutine. Callbacks (OnState, Backoff, Dial, Credentials) are never called under a lock. They run on the
// link's goroutine, Dial and Credentials on that of a Barrier as well, and must not call what waits for it: Close, Follow, Promote.
//
// # The link to a primary
//
//	            dial              grant                 payload complete
//	Connecting -------> Handshake ------> Loading ---------------------------> Streaming
//	    ^                  |   |             |                                    ^ |
//	    |                  |   +-------------|------------------------------------+ |
//	    |                  |     +CONTINUE   |                                      |
//	    |                  v                 v                                      v
//	    +---------- Waiting <---------------------------------------------------- (failure)
//	     back-off          \
//	                        +--> Stopped, when trying again cannot help. Any state: Closed
//	Loading --> Held, when the guard does not let the payload become the data --> Connecting, by consent or with another primary
//
// Retried: the network, a timeout, a certificate that is not trusted, LOADING, NOMASTERLINK, BUSY, an unexpected reply, a truncated or corrupt payload. Terminal:
// missing or wrong credentials (ErrDenied; retried where ReplicaOptions.Credentials is asked for others each time), no PSYNC, an unknown command or type, in the
// stream or in a payload a string of more than 512 MiB (which a Redis with a raised proto-max-bulk-len has) or a command beyond the other limits, a stream that does not fit the data, a history that became tainted.
//
// To clients that ask by ROLE or INFO a stopped link looks like one that is down and being tried again; INFO replication says which in understudy_link_state, a State
// in words, and why in understudy_link_error.
//
// # Clients
//
// A listener given to Serve is for replicas and for ordinary clients, which may read, write on a primary, and look around (INFO, ROLE, CONFIG GET, CLIENT,
// DEBUG DIGEST). DEBUG SLEEP holds up its own client alone; DEBUG RELOAD keeps writers waiting while the data is written out and read again. The role,
// the settings and the life of an embedded node are its program's: REPLICAOF, CONFIG SET, SAVE, SHUTDOWN and the like are refused. RequirePassword asks for AUTH;
// AllowReplicaOf hands the role to clients, and with it FAILOVER and the duty to take over when the primary asks for that. RefuseStale keeps clients from data that
// may be old. A Server is a program of its own, and its clients may do what those of redis-server may.
//
// # Is it the same data?
//
// [Replica.Verify] answers while everything goes on. With a primary of this package both sides take an O(1) snapshot at the same offset, at a mark in the stream, and
// compare digests of all keys, or of a sample by a hash of their names; what differs is named. With any other primary VerifyOptions.Reads reads keys on both sides; a key
// that is written meanwhile is read again, and never reported for that. A *DivergenceError is what Guarantee 3 excludes: a fault, here or there.
//
// On the wire this is the command UNDERSTUDY (MARK, CUT, DIGEST), and PING with an argument in the stream.
//
// # A replica, seen from the node that feeds it
//
//	PSYNC --- the backlog covers it --------------------------------> online
//	  |                                                                 ^
//	  +--> waiting --- cut ---> sending --- length: at once ------------+
//	                               +------- mark: first acknowledgement-+
//
// Replicas that ask before a cut share it: one snapshot, one reader of the backlog each. Those that want a length share the encoded file as well, and who comes
// while it is being sent to somebody joins them at that cut. A replica that comes while we have nothing to give, or while our own
// link to a primary is down, is told NOMASTERLINK; those attached already stay through a short cut of that link.
// It may be behind by as much as SyncBudget allows until it has first caught up, and by OutputLimit from then on; Status tells how far it is from either. A
// primary that nobody follows for BacklogTTL frees the backlog and starts a history of a new name.
//
// After a change of history (a full resync of our own, a new name for the stream, a promotion) all replicas are disconnected, and ask again.
//
// # Implementation
//
// RULES.md lists the rules of the protocol, one by one, with the test that shows each, and PROTOCOL.md the commands of a stream.
//
// Pure, tested by tables:
//
//	psync.go handshake.go      words of the protocol, the replica's dialogue
//	payload.go stream.go       the frame around the RDB file, batches of the stream
//	backoff.go url.go          pauses between attempts, forms of an address
//
// Both handles share:
//
//	node.go role.go            the node, changes of its role; failover.go: a planned one
//	status.go event.go reason.go   what is, what happened, and why
//	options.go errors.go
//
// Towards the primary:
//
//	link.go session.go voice.go    attempts, one connection, its write side; credentials.go
//	load.go spool.go transfer.go   how a payload becomes the data, through a file or not, and how far it is
//	guard.go hold.go former.go     what is not taken over, and what was replaced
//	ask.go barrier.go              questions over a second connection
//	verify.go verifyreads.go cuts.go   comparing data at the same offset of two nodes
//
// Towards replicas:
//
//	attach.go feed.go fullsync.go payloadfile.go sealed.go   a request, a replica, a payload, the file of one, TLS
//	limits.go flow.go          how far replicas may be behind; turns.go: how many payloads are encoded at a time
//	ack.go quorum.go           waiting for acknowledgements, and whether enough replicas keep up for writes
//
// The public side is primary.go and replica.go; serve.go is the node as internal/server sees it, server.go a node as a program.
//
// Goroutines:
//
//	what             started by             owns                               ends when                       waited for by
//	link             Connect, Run, Follow   state of the link, reads of conn   link.stop; terminal failure     link.stop
//	voice            session.run            writes of the primary's conn       the session ends                session.run
//	ticker           the role primary       nothing                            demotion, Close                 ticker.stop
//	flow             the first feed         rate of the stream                 the last feed is detached      feed.run
//	failover         Failover, FAILOVER     the change of role                 yes, no, abort, Close           whoever ends it
//	feed, reader     internal/server        reads of the replica's conn        conn closed, silence            node.wg
//	feed, sender     feed.run               writes of it, backlog reader       conn closed, history changed    feed.run
//	feed, closer     feed.run (AfterFunc)   nothing                            at once                        feed.run
//	payload file     the cut of a group     the file until it is complete      encoded, or nobody wants it    node.wg
//	accept, clients  internal/server        connections of clients             Close                           its Close
//	end of a cut, late      a timer         nothing                            at once                        nobody: it closes a snapshot
//	writer of a file store's Reload         its end of a pipe                  the file is written or refused  Reload
//
// What serves clients has a table of its own, in internal/server: one goroutine a client, a second while it waits or is subscribed.
// A blocked read or write hears only the closing of its connection, so whoever ends one of these closes that too.
//
// Locks, in the order in which they may be nested; none is held over I/O, a callback, a log call or a wait:
//
//	node.role    a semaphore: changes of role, close. Held while goroutines are waited for
//	node.histMu  attaching a replica excludes changing the history
//	node.srvMu   making the server for clients, and telling it what the program has changed; then that server's own lock of its configuration
//	node.quorumMu  one judgement of the replicas at a time
//	(the store's writer lock, inside of calls of package store)
//	node.mu, syncGroup.mu
//	feed.mu, link.mu, voice.mu, signal.mu, cuts.mu
//
// Callbacks from the backlog (a reader was ended) come without the store's lock and take feed.mu only.
package replication
