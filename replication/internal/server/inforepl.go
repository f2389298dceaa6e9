package server

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// infoReplication writes the fields that Sentinel and other tools read, each where Redis 7.0 has it.
func infoReplication(w *infoWriter) {
	st := &w.node
	if st.Primary || st.Upstream == nil {
		w.field("role", "master")
	} else {
		w.field("role", "slave")
		w.upstream(st.Upstream)
	}
	w.field("connected_slaves", len(st.Replicas))
	if st.GoodReplicas >= 0 {
		w.field("min_slaves_good_slaves", st.GoodReplicas)
	}
	for i, r := range st.Replicas {
		w.field(fmt.Sprintf("slave%d", i), replicaText(r, w.now))
	}
	w.field("master_failover_state", cmp.Or(st.Failover, "no-failover"))
	w.history(st)
}

// replicaText is the value of slaveN. Before the first acknowledgement the offset is 0. lag is the age of the last acknowledgement in seconds, not an amount
// of data: 0 or 1 means healthy, since replicas acknowledge each second.
func replicaText(r ReplicaState, now time.Time) string {
	return fmt.Sprintf("ip=%s,port=%d,state=%s,offset=%d,lag=%d", r.IP, r.Port, r.State, r.AckOffset, seconds(now.Sub(r.AckTime)))
}

// upstream describes the link to the primary. The two offsets differ by what is held back of an unfinished transaction; only the first is ever acknowledged.
// Failover tools prefer the replica with the highest slave_repl_offset, and never one with priority 0.
func (w *infoWriter) upstream(up *UpstreamState) {
	status, lastIO := "down", int64(-1)
	if up.Up {
		status, lastIO = "up", seconds(w.now.Sub(up.LastIO))
	}
	w.field("master_host", up.Host)
	w.field("master_port", up.Port)
	w.field("master_link_status", status)
	w.field("master_last_io_seconds_ago", lastIO)
	w.field("master_sync_in_progress", bit(up.SyncInProgress))
	w.field("slave_read_repl_offset", up.ReadOffset)
	w.field("slave_repl_offset", up.Offset)
	if up.SyncInProgress {
		w.transfer(up)
	}
	if !up.Up {
		w.field("master_link_down_since_seconds", downSeconds(up.DownSince, w.now))
	}
	// Redis has no words for a link that is paused between two attempts, or given up.
	w.field("understudy_link_state", up.Phase)
	if up.Err != nil {
		w.field("understudy_link_error", oneLine(up.Err.Error()))
	}
	cfg := w.srv.config()
	w.field("slave_priority", cfg.Int("replica-priority"))
	w.field("slave_read_only", bit(cfg.Bool("replica-read-only")))
	w.field("replica_announced", bit(cfg.Bool("replica-announced")))
}

// transfer describes a payload under way. A total of 0 means that its length is not known.
func (w *infoWriter) transfer(up *UpstreamState) {
	left, percent := int64(0), 0.0
	if up.TotalBytes > 0 {
		left = up.TotalBytes - up.LoadedBytes
		percent = 100 * float64(up.LoadedBytes) / float64(up.TotalBytes)
	}
	w.field("master_sync_total_bytes", up.TotalBytes)
	w.field("master_sync_read_bytes", up.LoadedBytes)
	w.field("master_sync_left_bytes", left)
	w.field("master_sync_perc", fmt.Sprintf("%.2f", percent))
	w.field("master_sync_last_io_seconds_ago", seconds(w.now.Sub(up.LastIO)))
}

// downSeconds is -1 for a link that was never up, by which Sentinel tells a replica that has no data yet.
func downSeconds(since, now time.Time) int64 {
	if since.IsZero() {
		return -1
	}
	return seconds(now.Sub(since))
}

// history writes IDs and offsets. Redis counts two of them differently: second_repl_offset and repl_backlog_first_byte_offset are the number of the next
// and of the first byte, which is one more than the count of bytes before it.
func (w *infoWriter) history(st *State) {
	h := st.History
	secondary, second := strings.Repeat("0", 40), int64(-1)
	if h.Secondary != "" && h.SecondaryLimit >= 0 {
		secondary, second = string(h.Secondary), h.SecondaryLimit+1
	}
	w.field("master_replid", h.ID)
	w.field("master_replid2", secondary)
	w.field("master_repl_offset", h.Offset)
	w.field("second_repl_offset", second)
	w.backlog(st)
	if h.Taint != "" {
		w.field("understudy_taint", oneLine(h.Taint))
	}
}

// backlog shows zeros for one that was let go, as Redis does.
func (w *infoWriter) backlog(st *State) {
	first, length := st.BacklogFirst+1, st.History.Offset-st.BacklogFirst
	if st.BacklogFreed {
		first, length = 0, 0
	}
	w.field("repl_backlog_active", bit(!st.BacklogFreed))
	w.field("repl_backlog_size", st.BacklogSize)
	w.field("repl_backlog_first_byte_offset", first)
	w.field("repl_backlog_histlen", length)
}

// oneLine makes a text fit into a line of INFO.
func oneLine(text string) string { return strings.NewReplacer("\r", " ", "\n", " ").Replace(text) }

// secondsOrNone prints a negative duration as -1.
func secondsOrNone(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return seconds(d)
}
