// Package sentinel holds tests alone: nodes of ours and real Redis servers as processes side by side, in which primaries are killed, replicas
// promoted and the dead brought back, while clients write.
//
//   - failover_test.go: a primary and two replicas that three real Sentinels manage.
//   - sentinels_test.go: the three, and what they know.
//   - chain_test.go: chains of four, whose middle dies, is promoted and comes back.
//   - walk_test.go: such chains, to which things happen by chance.
//   - groups_test.go: the test, which runs the groups of all tables.
//   - load_test.go: the writers. None of their commands can be applied twice, lost or swapped without that being seen.
//   - member_test.go: one server of a group, ours or a real one, which comes back with its configuration file alone.
//
// # What must hold
//
//   - A write that so many replicas have acknowledged by WAIT is never missing afterwards, whichever of them is promoted.
//   - The elements of a list are those of its writer, in the order of writing, each once. What was done in one transaction is there as a whole or not at all.
//   - When all is quiet, all have equal digests, replication IDs and offsets.
//   - Where the part of the stream that a replica misses is to be had, it gets this part: whoever feeds it counts no further full resync.
//   - Each server's file has its role: it takes it again after a restart with nobody there to tell it.
//
// # Which groups
//
// Each group is a line of a table. The test runs some of them, and with UNDERSTUDY_CHAOS set all, or those that are named:
//
//	UNDERSTUDY_CHAOS=1 go test ./replication/internal/sentinel -run TestGroups/chain -v
//
// UNDERSTUDY_CHAOS_SEED chooses what happens by chance; when it meets which write is up to the machine.
//
// Redis 7.0 cannot read what Redis 8.0 saves, so that no group asks the one for a full resync from the other.
//
// Where there are no real servers the tests are skipped, or fail with CI=true; see package realserver.
package sentinel
