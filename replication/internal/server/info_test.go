package server

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/store/backlog"
)

// parseInfo reads INFO as Sentinel does: lines of name:value.
func parseInfo(t *testing.T, text string) map[string]string {
	t.Helper()
	fields := map[string]string{}
	for _, line := range strings.Split(text, "\r\n") {
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || fields[name] != "" {
			t.Errorf("line %q of INFO has no name, or is there twice", line)
		}
		fields[name] = value
	}
	return fields
}

func wantFields(t *testing.T, got map[string]string, want string) {
	t.Helper()
	for _, pair := range strings.Fields(want) {
		name, value, _ := strings.Cut(pair, ":")
		if v, ok := got[name]; !ok || v != value {
			t.Errorf("INFO has %s:%s, %v, want %s", name, v, ok, pair)
		}
	}
}

func TestInfoPrimary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFake(t)
		s := start(t, n, "--port", "7777")
		id, old := strings.Repeat("a", 40), strings.Repeat("b", 40)
		now := time.Now()
		primary := State{
			Primary: true, History: backlog.History{ID: backlog.ID(id), Offset: 1000, Secondary: backlog.ID(old), SecondaryLimit: 300}, BacklogFirst: 200, BacklogSize: 4096, BacklogMemory: 900, Retained: 12,
			Replicas: []ReplicaState{
				{ID: 7, Addr: "10.0.0.1:5", IP: "10.0.0.1", Port: 6380, State: ReplicaOnline, AckOffset: 990, AckTime: now.Add(-1500 * time.Millisecond)},
				{ID: 8, Addr: "10.0.0.2:5", IP: "10.0.0.2", State: ReplicaWaiting, AckTime: now, Queued: 12},
			},
			FullSyncs: 3, PartialSyncs: 2, PartialRefused: 1, BytesOut: 50,
		}
		n.set(func(st *State) { *st = primary })
		c := dial(t, s)
		got := parseInfo(t, c.value("INFO").Str)
		wantFields(t, got, "role:master connected_slaves:2 slave0:ip=10.0.0.1,port=6380,state=online,offset=990,lag=1 slave1:ip=10.0.0.2,port=0,state=wait_bgsave,offset=0,lag=0")
		wantFields(t, got, "master_failover_state:no-failover master_replid:"+id+" master_replid2:"+old+" master_repl_offset:1000 second_repl_offset:301")
		wantFields(t, got, "repl_backlog_active:1 repl_backlog_size:4096 repl_backlog_first_byte_offset:201 repl_backlog_histlen:800")
		wantFields(t, got, "mem_replication_backlog:900 mem_total_replication_buffers:912 mem_clients_slaves:12 mem_not_counted_for_evict:12")
		wantFields(t, got, "sync_full:3 sync_partial_ok:2 sync_partial_err:1 total_net_repl_output_bytes:50 connected_clients:1 total_connections_received:1 tcp_port:7777")
		wantFields(t, got, "redis_version:7.0.15 redis_mode:standalone loading:0 cluster_enabled:0 rdb_bgsave_in_progress:0 aof_enabled:0")
		if len(got["run_id"]) != 40 {
			t.Errorf("run_id:%s, want 40 digits", got["run_id"])
		}
		for _, absent := range []string{"master_host", "slave_priority", "db0"} {
			if v, ok := got[absent]; ok {
				t.Errorf("INFO of an empty primary has %s:%s", absent, v)
			}
		}
		c.send("QUIT\r\n")
		c.read()
	})
}

func TestInfoHistoryWithoutSecondary(t *testing.T) {
	n := newFake(t)
	c := dial(t, start(t, n))
	wantFields(t, parseInfo(t, c.value("INFO", "replication").Str), "master_replid2:"+strings.Repeat("0", 40)+" second_repl_offset:-1 repl_backlog_first_byte_offset:1 repl_backlog_histlen:0")
}

// A backlog that was let go of shows as one that Redis has freed: its size is what it will have.
func TestInfoFreedBacklog(t *testing.T) {
	n := newFake(t)
	n.set(func(st *State) {
		st.History.Offset, st.BacklogFirst, st.BacklogSize, st.BacklogFreed = 1000, 990, 4096, true
	})
	c := dial(t, start(t, n))
	wantFields(t, parseInfo(t, c.value("INFO", "replication").Str),
		"master_repl_offset:1000 repl_backlog_active:0 repl_backlog_size:4096 repl_backlog_first_byte_offset:0 repl_backlog_histlen:0")
}

func TestInfoReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFake(t)
		s := start(t, n, "--replica-priority", "42")
		c := dial(t, s)
		now := time.Now()
		n.set(func(st *State) { st.Primary = false })
		n.set(func(st *State) {
			st.Upstream = &UpstreamState{Host: "h", Port: 1, Up: true, State: LinkConnected, Phase: "streaming", LastIO: now.Add(-3 * time.Second), Offset: 90, ReadOffset: 100}
		})
		got := parseInfo(t, c.value("INFO", "REPLICATION").Str)
		wantFields(t, got, "role:slave master_host:h master_port:1 master_link_status:up master_last_io_seconds_ago:3 master_sync_in_progress:0 understudy_link_state:streaming")
		wantFields(t, got, "slave_read_repl_offset:100 slave_repl_offset:90 slave_priority:42 slave_read_only:1 replica_announced:1 connected_slaves:0")
		if _, ok := got["master_link_down_since_seconds"]; ok {
			t.Error("a link that is up is said to be down")
		}

		n.set(func(st *State) {
			st.Upstream = &UpstreamState{Host: "h", Port: 1, State: LinkSync, LastIO: now, DownSince: now.Add(-9 * time.Second), SyncInProgress: true, TotalBytes: 400, LoadedBytes: 100,
				LoadStart: now.Add(-5 * time.Second), DecodeTotal: 400, DecodedBytes: 100, LoadEnd: now.Add(15*time.Second + time.Millisecond),
				Err: errors.New("one\r\ntwo")}
		})
		got = parseInfo(t, c.value("INFO", "replication", "persistence").Str)
		wantFields(t, got, "master_link_status:down master_last_io_seconds_ago:-1 master_sync_in_progress:1 master_sync_total_bytes:400 master_sync_read_bytes:100")
		wantFields(t, got, "master_sync_left_bytes:300 master_sync_perc:25.00 master_sync_last_io_seconds_ago:0 master_link_down_since_seconds:9 async_loading:1 loading:0 loading_total_bytes:400 loading_loaded_bytes:100 loading_loaded_perc:25.00 loading_eta_seconds:15")
		if got["understudy_link_error"] != "one  two" {
			t.Errorf("link error %q, want it in one line", got["understudy_link_error"])
		}

		n.set(func(st *State) {
			st.Upstream = &UpstreamState{Host: "h", Port: 1, State: LinkConnect, Phase: "stopped"}
		})
		wantFields(t, parseInfo(t, c.value("INFO", "all").Str), "master_link_down_since_seconds:-1 master_link_status:down understudy_link_state:stopped")
		c.send("QUIT\r\n")
		c.read()
	})
}

func TestInfoSections(t *testing.T) {
	c := dial(t, start(t, newFake(t)))
	for _, q := range []struct{ section, first string }{
		{"server", "# Server\r\nredis_version:"}, {"CLIENTS", "# Clients\r\nconnected_clients:1\r\n"}, {"keyspace", "# Keyspace\r\n"}, {"default", "# Server\r\n"},
		{"everything", "# Server\r\n"}, {"cluster", "# Cluster\r\ncluster_enabled:0\r\n"},
	} {
		if got := c.value("INFO", q.section).Str; !strings.HasPrefix(got, q.first) {
			t.Errorf("INFO %s begins %.40q, want %q", q.section, got, q.first)
		}
	}
	if got := c.value("INFO", "keyspace", "clients").Str; !strings.Contains(got, "\r\n\r\n# Keyspace\r\n") || strings.Contains(got, "# Server") {
		t.Errorf("two sections of INFO: %q", got)
	}
}

func TestResetStat(t *testing.T) {
	n := newFake(t)
	n.set(func(st *State) { st.FullSyncs = 5 })
	c := dial(t, start(t, n))
	c.do("PING")
	wantFields(t, parseInfo(t, c.value("INFO", "stats").Str), "sync_full:5 total_connections_received:1 total_commands_processed:2")
	c.want("OK", "CONFIG", "RESETSTAT")
	n.set(func(st *State) { st.FullSyncs++ })
	wantFields(t, parseInfo(t, c.value("INFO", "stats").Str), "sync_full:1 total_connections_received:0 total_commands_processed:1")
}

func TestHumanBytes(t *testing.T) {
	for _, c := range []struct {
		n    int64
		want string
	}{{0, "0B"}, {1023, "1023B"}, {1024, "1.00K"}, {1536, "1.50K"}, {1 << 20, "1.00M"}, {3 << 30, "3.00G"}, {5 << 40, "5.00T"}} {
		if got := humanBytes(c.n); got != c.want {
			t.Errorf("humanBytes(%d) = %s, want %s", c.n, got, c.want)
		}
	}
}

// TestRates: the cron's samples make the numbers per second.
func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, start(t, newFake(t)))
		c.do("PING")
		time.Sleep(1500 * time.Millisecond) // virtual: the first sample is taken
		for range 20 {
			c.do("PING")
		}
		time.Sleep(time.Second)
		wantFields(t, parseInfo(t, c.value("INFO", "stats").Str), "instantaneous_ops_per_sec:20")
		c.send("QUIT\r\n")
		c.read()
	})
}
