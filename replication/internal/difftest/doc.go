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
//	  - table_test.go: one row a command: how its arguments are made, how its replies compare, and why not byte for byte
//	    where that is so. A command of the store that has no row fails a test.
//	  - args_test.go: the pools from which arguments come, chosen for edges.
//	  - compare_test.go: the ways to compare two replies.
//	  - peers_test.go: our side, the server's side, and the two streams.
//	  - run_test.go: sequences, checkpoints, and what is printed when something differs.
//	  - known_test.go: where a newer server answers otherwise than Redis 7.0, whose texts are ours.
//	  - replies_test.go: the scripts of store/testdata/replies.txt against the servers. Each difference that was ever found
//	    is such a script; package store's own tests run them without a server.
//
// # Running
//
// The servers are those of package realserver, found by UNDERSTUDY_PEERS. Further variables:
//
//	UNDERSTUDY_DIFF_COMMANDS  how many commands each version's run takes; 20000 unless set
//	UNDERSTUDY_DIFF_SEED      the seed of a run that shall be repeated; each run prints its own
//
// # What is not compared
//
// A key that is absent when WATCH names it, comes and goes again makes EXEC fail in Redis and not here; so does a database
// that is swapped forth and back. A run lets that pass, and nothing else that is not in the tables.
//
// # Time
//
// The clocks of the two sides cannot be stopped together. So relative times of two commands lie far apart and are compared
// with a tolerance, absolute ones lie in a year of their own and are compared exactly, and a key whose time shall pass gets
// one millisecond and a wait.
package difftest
