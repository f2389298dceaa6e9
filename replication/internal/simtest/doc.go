// Package simtest lets nodes of package replication live through faults, on virtual time, and holds what they show against what their histories say.
//
// A seed becomes a script: three to seven nodes in a star, a chain or a tree, and some sixty steps: writes that must not be made twice, of all types, alone and in
// transactions; pauses; links that are cut, reset, stalled, slowed to a few bytes a millisecond, or end after so many bytes, which may be in the middle of a MULTI;
// partitions of one direction or both; nodes that go down and come back with their data, with nothing, or with an old file; promotions, failovers, re-pointings, circles
// included. The script is made first and run then, in a bubble of testing/synctest, so that a failure can print it, run it again, and make it shorter.
//
// # Invariants
//
// They are looked at after each step, and within pauses:
//
//   - Prefix. The state of each node (replication ID, offset, digest) is one that the history of that ID has gone through, and its offset is the edge of a unit.
//   - Identity. Equal ID and offset, on whatever nodes and at whatever times, are equal digests; no two primaries write under one ID.
//   - Custody. A write that WaitReplicas counted as acknowledged is on so many replicas; it stays on each that acknowledged it, promoted or not, until that node
//     loses its data or is pointed to a node that has other data.
//   - Lineage. A partial resync, as seen on the wire, goes on in a history that contains what the replica has.
//   - Convergence. When all faults have ended and every node follows the same primary, directly or not, all have the same data, ID and offset, within a stated time.
//   - No link stops for good, and no history is tainted: nothing in a script gives a reason.
//
// # What a history has gone through
//
// The simulation keeps a chronicle of each history: it reads the stream of each primary, byte by byte, cuts it into units with a parser of its own, applies unit by
// unit to a store of its own, and notes the digest at each edge. So there are three witnesses: the primary, whose commands made the data; the chronicle, whose data
// were made by the stream; and the replicas, whose data came over the faulty links. A promoted node's history begins as a branch of the one that it had.
//
// # Running it
//
//	go test ./replication/internal/simtest                         200 seeds (50 with -short or under the race detector)
//	UNDERSTUDY_SIM_SEED=17 go test -run TestSimulation -v ...      one seed, step by step; if it fails, the script is made as short as it can be
//	UNDERSTUDY_SIM_SEEDS=10000 UNDERSTUDY_SIM_LOG=FILE go test ... so many seeds from UNDERSTUDY_SIM_FIRST (1) on, counted in FILE
//
// A seed fixes the script, the data that is written and all times. What goroutines do within one instant of virtual time is up to the scheduler: a failure that
// comes of that may take a few runs to come again.
//
// simulation.log is what the last long run printed.
package simtest
