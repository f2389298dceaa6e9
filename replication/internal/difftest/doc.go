// Package difftest holds package store against real Redis: the same random commands go to a store and to servers, and
// whatever can be told apart is an error. It has tests alone.
//
// One run keeps six things side by side:
//
//		commands --+--> our store ----- its backlog ----> a second server of that version
//		           |       |                                   |
//		           |    replies, DEBUG DIGEST, data sets, deadlines: all equal
//		           |       |                                   |
//		           +--> a server ------ its stream -----> our store as its replica
//
//	  - table_test.go, collections_test.go: one row a command: how its arguments are made, how its replies compare, and why
//	    not byte for byte where that is so. A command of the store that has no row fails a test; none is skipped.
//	  - args_test.go, collectionargs_test.go: the pools from which arguments come, chosen for edges.
//	  - compare_test.go: the ways to compare two replies.
//	  - steps_test.go: what the two sides may not do on their own, and how often each command has to be answered.
//	  - waiting_test.go: steps in which clients wait while another one writes.
//	  - peers_test.go: our side, the server's side, and the two streams.
//	  - run_test.go: sequences, checkpoints, and what is printed when something differs.
//	  - known_test.go: where Redis 7.0 and 8 differ from one another, or from themselves.
//	  - replies_test.go: the scripts of store/testdata/replies.txt against the servers. Each difference that was ever found
//	    is such a script; package store's own tests run them without a server.
//
// # Running
//
// The servers are those of package realserver, found by UNDERSTUDY_PEERS. Further variables:
//
//	UNDERSTUDY_DIFF_COMMANDS  how many commands each version's run takes; 20000 unless set
//	UNDERSTUDY_DIFF_SEED      the seed of the sequence; 1 unless set, and each run prints it
//
// One client of three speaks RESP3.
//
// # What chance decides
//
// SPOP takes other members on either side. So a row of the table only lets it take all, or nothing; SPOP of a few is a step of
// the run, after which each side removes what the other one took: that it can do so shows that each took members, and both
// hold the same again. A seed thus repeats the commands of a run, but not which members are taken. SRANDMEMBER and its like
// are compared by their shape, and a step makes sure that what they gave is there.
//
// DUMP's payloads differ, as each version has its forms; a step restores on each side what the other one has dumped, and
// RESTORE gets payloads of both sides, whole and broken.
//
// # Waiting
//
// Now and then up to three clients wait on each side, in the same order, for keys that are not there; on ours they are clients of
// a server before the store. When INFO says that all of them wait, a client of the run writes what may serve them: by a push, from
// another key or database, by the end of a transaction. Then CLIENT UNBLOCK ends every wait that is left. What each client was told,
// whether it had to be unblocked, and what the keys hold then, is the same.
//
// The sides differ in two points, which the steps avoid:
//
//   - Where a ...STORE puts a list or a sorted set in the place of another type, Redis does not notice that something has come,
//     and whoever waits goes on waiting, until the key is gone and comes anew. We serve.
//   - Of several keys that a client waits for, Redis 7.0 takes from the one that came, and so do we. Redis 8 runs the command anew,
//     so it takes from an earlier one that came by the same transaction, and fails for an earlier one that has become another type.
//
// All other commands that may wait find something, or nobody comes in a hundredth of a second.
//
// # What is not compared
//
// Ranges by member of a sorted set whose scores differ are undefined. Digests are left out where a server has a score of -0, or
// where Redis 8 spells a score otherwise; the walk over all data is not.
//
// # Time
//
// The clocks of the two sides cannot be stopped together. So relative times of two commands lie far apart and are compared
// with a tolerance, absolute ones lie in a year of their own and are compared exactly, and a key whose time shall pass gets
// one millisecond and a wait.
package difftest
