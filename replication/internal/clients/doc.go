// Package clients holds tests alone: what others wrote for Redis, used against a server of ours in the way in which its users do. A client that
// works here reads our replies by its own rules, so it finds what comparing texts cannot: a field that it parses, a command that it sends unasked, an error
// that it knows by its words.
//
//   - goredis_test.go: the library go-redis, command by command, in both protocols; the same table is put to a real Redis.
//   - goredis_lists_test.go, goredis_sorted_test.go: scripts of calls for each further type, put to a real Redis too.
//   - goredis_types_test.go: the same for what came after those; a file for each script.
//   - goredis_blocking_test.go: calls that wait, clients that leave while they do, optimistic transactions.
//   - goredis_conn_test.go: the same library's connections: pool, password, cut and slow links, roles.
//   - cli_test.go: redis-cli, from a shell's point of view.
//   - benchmark_test.go: redis-benchmark, with the data that it must leave behind.
//   - programs_test.go: our own programs under examples, as a person starts them.
//   - node_test.go: starting a server of ours.
//
// Where a test needs programs of Redis and there are none it is skipped, or fails with CI=true; see package realserver.
package clients
