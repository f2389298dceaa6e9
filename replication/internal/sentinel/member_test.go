package sentinel

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// patience is for what should take moments, on a busy machine.
const patience = 60 * time.Second

// kind is what a member runs.
type kind int

const (
	ours kind = 0
	r7        = kind(realserver.R7)
	r8        = kind(realserver.R8)
)

func (k kind) String() string {
	if k == ours {
		return "ours"
	}
	return "redis" + strconv.Itoa(int(k))
}

// member is one server of a group: a process that can be killed, and that Restart brings back with its configuration file, and without data unless it has saved some.
type member struct {
	*realserver.Server
	kind kind
	name string // in failures
}

// start runs a member whose configuration file ends in the given lines. Nothing is saved unless a client says so (Redis would keep the file of a full resync), and nothing is
// sent on a clock: offsets stand still when nobody writes.
func (p programs) start(t *testing.T, k kind, name string, lines ...string) *member {
	t.Helper()
	common := "save \"\"\nenable-debug-command yes\nrepl-diskless-sync-delay 0\nrepl-backlog-size 64mb\nrepl-ping-replica-period 3600\nrepl-timeout 3600\nrdb-del-sync-files yes\n"
	s := realserver.StartFile(t, p[k], common+strings.Join(lines, "\n")+"\n")
	return &member{Server: s, kind: k, name: fmt.Sprintf("%s (%v)", name, k)}
}

// replication is the section of INFO; nil when the member does not answer.
func (m *member) replication() map[string]string {
	fields, err := realserver.Info(m, "replication")
	if err != nil {
		return nil
	}
	return fields
}

// leads tells whether the member is a primary.
func (m *member) leads() bool { return m.replication()["role"] == "master" }

// follows tells whether the member is a replica of another one, and up to date but for the time that bytes travel.
func (m *member) follows(of *member) bool {
	f := m.replication()
	return f["role"] == "slave" && f["master_port"] == of.Port() && f["master_link_status"] == "up"
}

// lost tells whether the member is a replica that has noticed the death of its primary.
func (m *member) lost(of *member) bool {
	f := m.replication()
	return f["role"] == "slave" && f["master_port"] == of.Port() && f["master_link_status"] == "down"
}

// offset is how many bytes of the stream are in the member's data.
func (m *member) offset(t *testing.T) int64 {
	t.Helper()
	n, err := strconv.ParseInt(m.replication()["slave_repl_offset"], 10, 64)
	if err != nil {
		t.Fatalf("%s: slave_repl_offset: %v", m.name, err)
	}
	return n
}

// told is the port of whom the member follows, with or without success; "" for a primary.
func (m *member) told() string {
	list, ok := m.Do("ROLE").([]any)
	if !ok || len(list) < 3 || list[0] != "slave" {
		return ""
	}
	return fmt.Sprint(list[2])
}

// written is the port of whom the member's file tells it to follow; "" for a primary.
func (m *member) written() string {
	for line := range strings.Lines(m.ConfigFile()) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "replicaof" {
			return words[2]
		}
	}
	return ""
}

func (m *member) must(t *testing.T, want any, args ...string) {
	t.Helper()
	if got := m.Do(args...); got != want {
		t.Fatalf("%s: %q = %v, want %v", m.name, args, got, want)
	}
}

// follow makes the member a replica of another one, which it may be already, by a client's command.
func (m *member) follow(t *testing.T, of *member) {
	t.Helper()
	if got, ok := m.Do("REPLICAOF", "127.0.0.1", of.Port()).(string); !ok || !strings.HasPrefix(got, "OK") {
		t.Fatalf("%s: REPLICAOF = %v", m.name, got)
	}
}

// syncs is how often the member has given all of its data, and how often a part of the stream, since its process began.
func (m *member) syncs(t *testing.T) (full, partial int) {
	t.Helper()
	f := m.Info("stats")
	full, err1 := strconv.Atoi(f["sync_full"])
	partial, err2 := strconv.Atoi(f["sync_partial_ok"])
	if err1 != nil || err2 != nil {
		t.Fatalf("%s: sync_full:%s sync_partial_ok:%s", m.name, f["sync_full"], f["sync_partial_ok"])
	}
	return full, partial
}

// state is the member in one line, for failures.
func (m *member) state() string {
	f := m.replication()
	if f == nil {
		return m.name + " port " + m.Port() + ": does not answer"
	}
	text := m.name + " port " + m.Port() + ":"
	for _, field := range []string{
		"role", "master_port", "master_link_status", "master_replid", "master_repl_offset", "master_replid2", "second_repl_offset", "connected_slaves",
		"understudy_link_state", "understudy_link_error", "understudy_taint",
	} {
		if f[field] != "" {
			text += " " + field + "=" + f[field]
		}
	}
	stats, err := realserver.Info(m, "stats")
	if err != nil {
		return text
	}
	for _, field := range []string{"sync_full", "sync_partial_ok", "sync_partial_err"} {
		text += " " + field + "=" + stats[field]
	}
	return text + fmt.Sprint(" digest=", m.Do("DEBUG", "DIGEST"))
}

// members are a group, in the order of its table.
type members []*member

// await waits for something of several processes; where it does not come, the states of all are shown.
func (ms members) await(t *testing.T, limit time.Duration, what string, cond func() bool) {
	t.Helper()
	done := false
	defer func() {
		if !done {
			ms.show(t)
		}
	}()
	realserver.Await(t, limit, cond, what)
	done = true
}

func (ms members) show(t *testing.T) {
	t.Helper()
	for _, m := range ms {
		t.Log(m.state())
	}
}

// same tells whether all have the same data and the same history to the last byte.
func (ms members) same() bool {
	digest, history := ms[0].Do("DEBUG", "DIGEST"), ms[0].history()
	for _, m := range ms[1:] {
		if text, ok := m.Do("DEBUG", "DIGEST").(string); !ok || text != digest || m.history() != history {
			return false
		}
	}
	return ms[0].history() == history // else it has moved on, and the others have not been told yet
}

// history is replication ID and offset.
func (m *member) history() string {
	f := m.replication()
	return f["master_replid"] + ":" + f["master_repl_offset"]
}
