package server

import (
	"cmp"
	"math"
	"slices"
)

// directive is one line of the language of redis.conf.
type directive struct {
	name    string
	aliases []string // other names that mean the same
	kind    kind
	def     string // value when nobody sets one, in the form in which it is kept
	min     int64  // of kindInt and kindMemory
	max     int64
	choices []string // of kindChoice, lower case
	fixed   bool     // set at start only
	unused  bool     // known to Redis, without effect here
	promise bool     // unused, and who sets it counts on the effect
	role    bool     // goes with the role: who may change that may set this, too
	secret  bool     // a password
	tls     bool     // goes into a TLS configuration, which a change makes anew
}

const maxInt32 = math.MaxInt32

// ownDirectives are those with an effect. Defaults are Redis 7.0's. A directive with parts names in its default each part that there can be.
func ownDirectives() []directive {
	return []directive{
		{name: "bind", kind: kindWords, def: "* -::*", fixed: true},
		{name: "client-output-buffer-limit", kind: kindLimits,
			def: "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
		{name: "client-query-buffer-limit", kind: kindMemory, def: "1073741824", min: 1 << 20, max: math.MaxInt64},
		{name: "daemonize", kind: kindChoice, choices: []string{"no"}, def: "no", fixed: true},
		{name: "databases", kind: kindInt, def: "16", min: 1, max: maxInt32, fixed: true},
		{name: "dbfilename", kind: kindFile, def: "dump.rdb"},
		{name: "dir", kind: kindDir},
		{name: "hz", kind: kindInt, def: "10", max: maxInt32},
		{name: "latency-monitor-threshold", kind: kindInt, def: "0", max: math.MaxInt64},
		{name: "lfu-decay-time", kind: kindInt, def: "1", max: maxInt32},
		{name: "lfu-log-factor", kind: kindInt, def: "10", max: maxInt32},
		{name: "logfile", kind: kindString, fixed: true},
		{name: "loglevel", kind: kindChoice, choices: []string{"debug", "verbose", "notice", "warning"}, def: "notice"},
		{name: "masterauth", kind: kindString, role: true, secret: true},
		{name: "masteruser", kind: kindString, role: true},
		{name: "maxclients", kind: kindInt, def: "10000", min: 1, max: math.MaxUint32},
		{name: "maxmemory", kind: kindMemory, def: "0", max: math.MaxInt64},
		{name: "maxmemory-eviction-tenacity", kind: kindInt, def: "10", max: 100, unused: true},
		{name: "maxmemory-policy", kind: kindChoice, def: "noeviction",
			choices: []string{"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction"}},
		{name: "maxmemory-samples", kind: kindInt, def: "5", min: 1, max: maxInt32},
		{name: "min-replicas-max-lag", aliases: []string{"min-slaves-max-lag"}, kind: kindInt, def: "10", max: maxInt32, role: true},
		{name: "min-replicas-to-write", aliases: []string{"min-slaves-to-write"}, kind: kindInt, def: "0", max: maxInt32, role: true},
		{name: "notify-keyspace-events", kind: kindEvents},
		{name: "port", kind: kindInt, def: "6379", max: 65535, fixed: true},
		{name: "protected-mode", kind: kindBool, def: "yes"},
		{name: "proto-max-bulk-len", kind: kindMemory, def: "536870912", min: 1 << 20, max: math.MaxInt64},
		{name: "repl-backlog-size", kind: kindMemory, def: "1048576", min: 1, max: math.MaxInt64, role: true},
		{name: "repl-backlog-ttl", kind: kindInt, def: "3600", max: math.MaxInt64, role: true},
		{name: "repl-diskless-load", kind: kindChoice, choices: []string{"disabled", "on-empty-db", "swapdb", "flushdb", "flush-before-load"}, def: "disabled", role: true},
		{name: "repl-diskless-sync", kind: kindBool, def: "yes", role: true},
		{name: "repl-diskless-sync-delay", kind: kindInt, def: "5", max: maxInt32, role: true},
		{name: "repl-diskless-sync-max-replicas", kind: kindInt, def: "0", max: maxInt32, role: true},
		{name: "repl-ping-replica-period", aliases: []string{"repl-ping-slave-period"}, kind: kindInt, def: "10", min: 1, max: maxInt32, role: true},
		{name: "repl-timeout", kind: kindInt, def: "60", min: 1, max: maxInt32, role: true},
		{name: "replica-announce-ip", aliases: []string{"slave-announce-ip"}, kind: kindString, role: true},
		{name: "replica-announce-port", aliases: []string{"slave-announce-port"}, kind: kindInt, def: "0", max: 65535, role: true},
		{name: "replica-announced", kind: kindBool, def: "yes", role: true},
		{name: "replica-priority", aliases: []string{"slave-priority"}, kind: kindInt, def: "100", max: maxInt32, role: true},
		{name: "replica-read-only", aliases: []string{"slave-read-only"}, kind: kindBool, def: "yes", role: true},
		{name: "replica-serve-stale-data", aliases: []string{"slave-serve-stale-data"}, kind: kindBool, def: "yes", role: true},
		{name: "replicaof", aliases: []string{"slaveof"}, kind: kindPrimary, fixed: true},
		{name: "requirepass", kind: kindString, secret: true},
		{name: "save", kind: kindSave, def: "3600 1 300 100 60 10000"},
		{name: "shutdown-timeout", kind: kindInt, def: "10", max: maxInt32},
		{name: "slowlog-log-slower-than", kind: kindInt, def: "10000", min: -1, max: math.MaxInt64},
		{name: "slowlog-max-len", kind: kindInt, def: "128", max: math.MaxInt64},
		{name: "tcp-keepalive", kind: kindInt, def: "300", max: maxInt32},
		{name: "timeout", kind: kindInt, def: "0", max: maxInt32},
		{name: "tls-auth-clients", kind: kindChoice, choices: []string{"no", "yes", "optional"}, def: "yes", tls: true},
		{name: "tls-ca-cert-file", kind: kindString, tls: true},
		{name: "tls-cert-file", kind: kindString, tls: true},
		{name: "tls-client-cert-file", kind: kindString, tls: true},
		{name: "tls-client-key-file", kind: kindString, tls: true},
		{name: "tls-key-file", kind: kindString, tls: true},
		{name: "tls-port", kind: kindInt, def: "0", max: 65535, fixed: true},
		{name: "tls-protocols", kind: kindString, tls: true},
		{name: "tls-replication", kind: kindBool, def: "no", tls: true},
		// What redis-server has no word for begins with our name, so that no later version of it can mean something else.
		{name: "understudy-guard", kind: kindBool, def: "yes", role: true},
		{name: "understudy-guard-fresh-percent", kind: kindInt, def: "90", max: 101, role: true},
		{name: "understudy-guard-percent", kind: kindInt, def: "10", max: 100, role: true},
		{name: "understudy-retain-former", kind: kindInt, def: "300", max: maxInt32, role: true},
		{name: "understudy-sync-budget", kind: kindMemory, def: "1073741824", max: math.MaxInt64, role: true},
		{name: "unixsocket", kind: kindString, fixed: true},
		{name: "unixsocketperm", kind: kindOctal, def: "0", fixed: true},
	}
}

// directives is the whole language: what has an effect and what is merely known. It does not change after newDirectives.
type directives struct {
	table  []directive          // by name
	lookup map[string]directive // by name and alias, lower case
}

func newDirectives() *directives {
	ds := &directives{table: append(ownDirectives(), acceptedDirectives()...), lookup: map[string]directive{}}
	slices.SortFunc(ds.table, func(a, b directive) int { return cmp.Compare(a.name, b.name) })
	for _, d := range ds.table {
		ds.lookup[d.name] = d
		for _, alias := range d.aliases {
			ds.lookup[alias] = d
		}
	}
	return ds
}
