// Package bench measures the library beside its peers, in one run: xsync.Map for
// the keyspace, redis-server for synchronisation. It is a module of its own, so
// that peers are no dependency of the library.
//
// The figures and how they were obtained are in replication/BENCHMARKS.md.
package bench
