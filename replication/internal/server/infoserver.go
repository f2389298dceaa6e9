package server

import (
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"

	"github.com/understudy-go/understudy/store"
)

// infoServer says what runs here. Sentinel takes another run_id for a restart. Redis's version stands first because tools decide by it; ours comes after.
func infoServer(w *infoWriter) {
	s := w.srv
	up := seconds(w.now.Sub(s.started))
	w.field("redis_version", RedisVersion)
	w.field("understudy_version", Version)
	w.field("redis_mode", "standalone")
	w.field("os", runtime.GOOS+" "+runtime.GOARCH)
	w.field("arch_bits", strconv.IntSize)
	w.field("go_version", runtime.Version())
	w.field("process_id", os.Getpid())
	w.field("run_id", s.runID)
	w.field("tcp_port", s.announcedPort())
	w.field("server_time_usec", w.now.UnixMicro())
	w.field("uptime_in_seconds", up)
	w.field("uptime_in_days", up/86400)
	w.field("hz", s.config().Int("hz"))
	w.field("configured_hz", s.config().Int("hz"))
	// 24 bits of the clock in seconds; tools compare two readings.
	w.field("lru_clock", w.now.Unix()&(1<<24-1))
	w.field("executable", executable())
	w.field("config_file", s.config().File())
	w.field("io_threads_active", 0)
}

// executable is "" where the system does not tell.
func executable() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	return path
}

// infoClients counts clients without replicas: those are in the section on replication.
func infoClients(w *infoWriter) {
	w.field("connected_clients", w.srv.clientCount())
	w.field("cluster_connections", 0)
	w.field("maxclients", w.srv.tuning.Load().maxClients)
	w.field("pubsub_clients", w.srv.pubsubClients())
	w.field("blocked_clients", w.srv.stats.blocked.Load())
	w.field("tracking_clients", 0)
	w.field("clients_in_timeout_table", 0)
}

// infoMemory shows what the runtime knows: used is the live heap with what awaits collection, rss what the system has given. The data set is counted by the store, and
// is what maxmemory bounds.
func infoMemory(w *infoWriter) {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	used, rss := uintMetric(samples[0]), uintMetric(samples[1])-uintMetric(samples[2])
	w.size("used_memory", used)
	w.size("used_memory_rss", rss)
	w.size("used_memory_peak", w.srv.stats.peak(used))
	w.field("used_memory_dataset", w.data.Bytes)
	limit := w.srv.store.MemoryLimit()
	w.size("maxmemory", limit.Bytes)
	w.field("maxmemory_policy", limit.Policy)
	w.field("mem_fragmentation_ratio", strconv.FormatFloat(float64(rss)/float64(max(used, 1)), 'f', 2, 64))
	// The stream's bytes are shared by backlog and replicas: what replicas need beyond the backlog counts as theirs.
	w.field("mem_not_counted_for_evict", w.node.Retained)
	w.field("mem_replication_backlog", w.node.BacklogMemory)
	w.field("mem_total_replication_buffers", w.node.BacklogMemory+w.node.Retained)
	w.field("mem_clients_slaves", w.node.Retained)
	w.field("mem_allocator", "go")
}

func uintMetric(s metrics.Sample) int64 {
	if s.Value.Kind() != metrics.KindUint64 {
		return 0 // a runtime that does not know the metric
	}
	return int64(s.Value.Uint64())
}

// infoPersistence is about the RDB file alone. Times of saves are in seconds, -1 before the first.
func infoPersistence(w *infoWriter) {
	st := w.srv.saver.state()
	status := "ok"
	if st.err != nil {
		status = "err"
	}
	w.loading(w.node.Upstream)
	w.field("rdb_changes_since_last_save", w.data.Commits-st.commits)
	w.field("rdb_bgsave_in_progress", bit(st.running >= 0))
	w.field("rdb_last_save_time", st.last.Unix())
	w.field("rdb_last_bgsave_status", status)
	w.field("rdb_last_bgsave_time_sec", secondsOrNone(st.took))
	w.field("rdb_current_bgsave_time_sec", secondsOrNone(st.running))
	w.field("rdb_saves", st.saves)
	w.field("aof_enabled", 0)
	w.field("aof_rewrite_in_progress", 0)
}

// infoStats mixes the server's own counters with those of the store and the node since the last CONFIG RESETSTAT. Totals of the network contain replication,
// as in Redis; hits and misses are those of clients, not of the program around an embedded server.
func infoStats(w *infoWriter) {
	t := &w.srv.stats
	rate := t.rates()
	w.field("total_connections_received", t.connections.Load())
	w.field("total_commands_processed", t.commands.Load())
	w.field("instantaneous_ops_per_sec", rate.commands)
	w.field("total_net_input_bytes", t.bytesIn.Load()+w.since.replIn)
	w.field("total_net_output_bytes", t.bytesOut.Load()+w.since.replOut)
	w.field("total_net_repl_input_bytes", w.since.replIn)
	w.field("total_net_repl_output_bytes", w.since.replOut)
	w.field("instantaneous_input_kbps", kbps(rate.in+rate.replIn))
	w.field("instantaneous_output_kbps", kbps(rate.out+rate.replOut))
	w.field("instantaneous_input_repl_kbps", kbps(rate.replIn))
	w.field("instantaneous_output_repl_kbps", kbps(rate.replOut))
	w.field("rejected_connections", t.rejected.Load())
	w.field("sync_full", w.since.full)
	w.field("sync_partial_ok", w.since.partial)
	w.field("sync_partial_err", w.since.refused)
	w.field("expired_keys", w.since.expired)
	w.field("evicted_keys", w.since.evicted)
	w.field("keyspace_hits", w.since.hits)
	w.field("keyspace_misses", w.since.misses)
	w.field("pubsub_channels", len(w.srv.store.Channels(store.ViaChannel, "*")))
	w.field("pubsub_patterns", len(w.srv.store.Channels(store.ViaPattern, "*")))
	w.field("pubsubshard_channels", len(w.srv.store.Channels(store.ViaShard, "*")))
	w.field("client_output_buffer_limit_disconnections", t.slow.Load())
	w.field("latest_fork_usec", 0)
	w.field("total_forks", 0)
	w.field("total_error_replies", t.errors.Load())
}

// kbps prints bytes a second as Redis does: in KiB, whatever the name says.
func kbps(bytes int64) string { return strconv.FormatFloat(float64(bytes)/1024, 'f', 2, 64) }
