// Package server answers Redis clients over the store and the role of a [Node].
//
//   - Server: the clients of one node, their connections and the commands that are not about data.
//   - Node: what the server drives; package replication implements it.
//   - Config: the directives of redis.conf, from a file, flags, or CONFIG SET.
//
// Data commands, SELECT and transactions belong to store.Session; each connection has one. The server hands its own commands to the session, so that both
// kinds are checked, queued and executed in the same way. Replies have the texts of Redis 7.0.
//
// # Where it differs from Redis
//
//   - DEBUG SLEEP holds up the client that sent it, nobody else: there is no one thread for all.
//   - CLIENT PAUSE ALL lets CLIENT through, so that CLIENT UNPAUSE can end it.
//   - NOAUTH comes before the check of the command's name and arity.
//   - client-output-buffer-limit pubsub is for what waits to be written to a subscriber, and holds for monitors too. Who is over a soft limit is
//     looked at once a second. That of replicas holds from when they have first caught up; until then understudy-sync-budget does, which Redis lacks. Its soft
//     limit is at least repl-backlog-size, as the hard one is in Redis, too.
//   - A message that a client publishes to itself comes behind the reply (Redis from 7.2 on), also behind that of EXEC. SUBSCRIBE inside of a transaction
//     takes effect when its data commands are done, and confirms all names but the first behind EXEC's reply.
//   - A pattern of PSUBSCRIBE does not match a channel that is too long for it: see store.ViaPattern. Only patterns or channels of many KB notice.
//   - keymiss is never published, though notify-keyspace-events accepts it; the events of a replica are those of the stream it applies.
//   - The slow log and LATENCY take a transaction for one command, EXEC. In INFO commandstats what EXEC executes counts as calls of its own, without a time.
//   - LATENCY has the events "command" and "fast-command" alone: nothing else here holds up clients. MEMORY PURGE has nothing to do.
//   - COMMAND DOCS tells groups and sub-commands, and no texts. Of COMMAND INFO the tips and the flags about scripts, memory and clusters are missing.
//   - MONITOR does not show what a primary streams.
//   - Who waits for a key is also served when SORT STORE or ZUNIONSTORE puts a list or sorted set where a value of another type stood; Redis serves them when
//     the key comes anew. Who waits for several keys gets from the one that came, as in Redis 7.0; 8.0 looks at all of them again.
//   - SRANDMEMBER, HRANDFIELD and ZRANDMEMBER give a million elements with repetitions at most.
//   - Who does not show the password within a minute is closed, and so is the oldest of those when they are too many: see stranger.go.
//   - tls-port can, like port, not be set at run time. Of TLS's directives tls-ca-cert-dir, the passwords of keys, ciphers and sessions are without effect; there
//     are no session tickets, so that each connection shows its certificate.
//   - There are no users: AUTH knows "default" alone.
//   - Directives of Redis without an effect here, like appendonly, are accepted, shown by CONFIG GET, and named in the log; INFO shows what holds: aof_enabled:0.
//   - As a part of another program the server refuses what belongs to that: see Options.Standalone.
//   - INFO replication has understudy_link_state and understudy_link_error on a replica, understudy_taint where the data is not what its history says.
//   - UNDERSTUDY is for nodes of this library to compare their data: see understudy.go.
//   - What Redis has and this server does not offer is answered with an error that says so; see unoffered.go.
//
// # Concurrency
//
// All exported methods may be called from any goroutine.
//
//	goroutine          started by       owns                         ends when
//	accept loop        the caller       one listener                 Serve returns
//	one a client       Serve            its conn, session, buffers   the connection ends, or is a replica's that ends
//	watch              a blocked client the read side of its conn    the client is no longer blocked
//	push               SUBSCRIBE, MONITOR nothing: writes messages   the connection ends, or is a replica's
//	background save    BGSAVE           nothing                      the file is written
//	housekeeping       the first client samples, save points, soft   Close
//	                                    limits of output
//
// Close waits for all of them. Lock order: Server.mu, then monitors.mu, then conn.mu; none is held during I/O, a reply, or a call into the node. A client's own
// conn.outMu is held while its replies and messages are written; who holds one of the others never waits for it.
//
// # Limits
//
// A client that has not shown the password yet, or not finished its TLS handshake, is a stranger, with limits of its own for size, time and number: see stranger.go.
//
// A client costs its read buffer, which holds one command of up to client-query-buffer-limit bytes (strangerLimit for a stranger), the reply that is being
// made, and replyChunk bytes of finished ones; a subscriber its queue of messages too, up to client-output-buffer-limit pubsub, beyond which it is closed
// at once. With client-output-buffer-limit for normal clients the reply is limited too. Replies are written by the client's own goroutine
// with a deadline, so a client that does not read stops being served and is then closed; it never holds up another.
//
// # Implementation
//
//	server.go       Server: listeners, the list of clients, Close       conn.go      one client: read, execute, reply
//	node.go         the seam to replication                             source.go    counting reads, noticing a client that left while blocked
//	command.go      the table of own commands, sub-commands             unoffered.go what Redis has and we do not
//	pubsub.go       SUBSCRIBE and its kin, PUBSUB                       push.go      messages among the replies; monitor.go MONITOR
//	softlimit.go    who has had too much output pending for too long
//	stranger.go     limits of those who are not known yet               secure.go    what is different over TLS; tls.go its directives
//	connection.go   PING ECHO QUIT RESET, auth.go AUTH HELLO            client.go clientlist.go kill.go pause.go  CLIENT
//	cmdstats.go     uses of each command; slowlog.go SLOWLOG; latency.go LATENCY
//	cluster.go      the answer of a server that is no cluster
//	understudy.go   UNDERSTUDY MARK, CUT, DIGEST
//	role.go         ROLE REPLICAOF WAIT REPLCONF PSYNC                  persist.go   SAVE BGSAVE LASTSAVE SHUTDOWN, save points; farewell.go
//	info.go         INFO, with infoserver.go, inforepl.go               stats.go     its counters, housekeeping
//	introspect.go   COMMAND, with keyspecs.go keyflags.go categories.go debug.go     DEBUG, and ACL and SCRIPT, which have little to tell
//	kinds.go directives.go known.go config.go configfile.go rewrite.go  the configuration; configcmd.go CONFIG, settings.go what follows from it
package server
