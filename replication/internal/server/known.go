package server

import (
	"math"
	"slices"
	"strings"
)

// accepted lists the directives that Redis 7.0 or 8.0 knows and this server does without, one a line, with the value that an untouched Redis 7.0 shows (8.0
// for those that came later; none where CONFIG GET shows nothing). They are read, kept for CONFIG GET and named once at start, so that a configuration file written for Redis can be used as it
// is and nobody believes that, say, appendonly does something here.
const accepted = `
acl-pubsub-default resetchannels
aclfile
acllog-max-len 128
active-defrag-cycle-max 25
active-defrag-cycle-min 1
active-defrag-ignore-bytes 104857600
active-defrag-max-scan-fields 1000
active-defrag-threshold-lower 10
active-defrag-threshold-upper 100
active-expire-effort 1
activedefrag no
activerehashing yes
always-show-logo no
aof-disable-auto-gc no
aof-load-truncated yes
aof-rewrite-cpulist
aof-rewrite-incremental-fsync yes
aof-timestamp-enabled no
aof-use-rdb-preamble yes
aof_rewrite_cpulist
appenddirname appendonlydir
appendfilename appendonly.aof
appendfsync everysec
appendonly no
auto-aof-rewrite-min-size 67108864
auto-aof-rewrite-percentage 100
bgsave-cpulist
bgsave_cpulist
bind-source-addr
bio-cpulist
bio_cpulist
busy-reply-threshold 5000
cluster-allow-pubsubshard-when-down yes
cluster-allow-reads-when-down no
cluster-allow-replica-migration yes
cluster-announce-bus-port 0
cluster-announce-hostname
cluster-announce-human-nodename
cluster-announce-ip
cluster-announce-port 0
cluster-announce-tls-port 0
cluster-compatibility-sample-ratio 0
cluster-config-file nodes.conf
cluster-enabled no
cluster-link-sendbuf-limit 0
cluster-migration-barrier 1
cluster-node-timeout 15000
cluster-port 0
cluster-preferred-endpoint-type ip
cluster-replica-no-failover no
cluster-replica-validity-factor 10
cluster-require-full-coverage yes
cluster-slave-no-failover no
cluster-slave-validity-factor 10
crash-log-enabled yes
crash-memcheck-enabled yes
disable-thp yes
dynamic-hz yes
enable-debug-command no
enable-module-command no
enable-protected-configs no
hash-max-listpack-entries 512
hash-max-listpack-value 64
hash-max-ziplist-entries 512
hash-max-ziplist-value 64
hide-user-data-from-log no
hll-sparse-max-bytes 3000
ignore-warnings
io-threads 1
io-threads-do-reads no
jemalloc-bg-thread yes
key-load-delay
latency-tracking yes
latency-tracking-info-percentiles 50 99 99.9
lazyfree-lazy-eviction no
lazyfree-lazy-expire no
lazyfree-lazy-server-del no
lazyfree-lazy-user-del no
lazyfree-lazy-user-flush no
list-compress-depth 0
list-max-listpack-size -2
list-max-ziplist-entries
list-max-ziplist-size -2
list-max-ziplist-value
loadmodule
locale-collate
lua-time-limit 5000
max-new-connections-per-cycle 10
max-new-tls-connections-per-cycle 1
maxmemory-clients 0
no-appendfsync-on-rewrite no
oom-score-adj no
oom-score-adj-values 0 200 800
pidfile
proc-title-template {title} {listen-addr} {server-mode}
propagation-error-behavior ignore
rdb-del-sync-files no
rdb-key-save-delay
rdb-save-incremental-fsync yes
rdbcompression yes
rdbchecksum yes
rename-command
repl-disable-tcp-nodelay no
repl-diskless-sync-period
repl-rdb-channel
replica-full-sync-buffer-limit 0
replica-ignore-disk-write-errors no
replica-ignore-maxmemory yes
replica-lazy-flush no
sanitize-dump-payload no
server-cpulist
server_cpulist
set-max-intset-entries 512
set-max-listpack-entries 128
set-max-listpack-value 64
set-proc-title yes
shutdown-on-sigint default
shutdown-on-sigterm default
slave-ignore-maxmemory yes
slave-lazy-flush no
socket-mark-id 0
stop-writes-on-bgsave-error yes
stream-node-max-bytes 4096
stream-node-max-entries 100
supervised no
syslog-enabled no
syslog-facility local0
syslog-ident redis
tcp-backlog 511
tls-ca-cert-dir
tls-ciphers
tls-ciphersuites
tls-client-key-file-pass
tls-cluster no
tls-dh-params-file
tls-key-file-pass
tls-prefer-server-ciphers no
tls-session-cache-size 20480
tls-session-cache-timeout 300
tls-session-caching yes
tracking-table-max-keys 1000000
user
watchdog-period
zset-max-listpack-entries 128
zset-max-listpack-value 64
zset-max-ziplist-entries 128
zset-max-ziplist-value 64
`

// inBytes are those of them that hold an amount of memory: CONFIG GET shows bytes, whatever unit they were set with.
const inBytes = `
active-defrag-ignore-bytes auto-aof-rewrite-min-size cluster-link-sendbuf-limit hash-max-listpack-value hash-max-ziplist-value hll-sparse-max-bytes
replica-full-sync-buffer-limit set-max-listpack-value stream-node-max-bytes zset-max-listpack-value zset-max-ziplist-value
`

// promises are those of them by which an administrator trusts that data is safe, access is limited, or something is reachable. With any value but the default
// such a promise is not kept here, which is worth a warning; all others only tune.
const promises = `
aclfile appendonly cluster-enabled loadmodule maxmemory-clients rename-command replica-ignore-maxmemory
slave-ignore-maxmemory syslog-enabled tls-ca-cert-dir tls-ciphers tls-ciphersuites
tls-cluster user
`

// acceptedDirectives turns the texts above into directives that take any value, or any amount.
func acceptedDirectives() []directive {
	amounts, promised := strings.Fields(inBytes), strings.Fields(promises)
	lines := strings.Split(strings.TrimSpace(accepted), "\n")
	table := make([]directive, 0, len(lines))
	for _, line := range lines {
		name, value, _ := strings.Cut(line, " ")
		d := directive{name: name, kind: kindAny, def: value, unused: true, promise: slices.Contains(promised, name), secret: strings.HasSuffix(name, "-pass")}
		if slices.Contains(amounts, name) {
			d.kind, d.max = kindMemory, math.MaxInt64
		}
		table = append(table, d)
	}
	return table
}
