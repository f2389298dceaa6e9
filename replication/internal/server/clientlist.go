package server

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// Types of clients. Redis has pubsub as well, which nobody here is.
const (
	typeNormal  = "normal"
	typeReplica = "replica"
	typePrimary = "master"
	typePubsub  = "pubsub"
)

// parseType accepts the names of CLIENT LIST TYPE and CLIENT KILL TYPE.
func parseType(word []byte) (string, resp.Value) {
	switch name := lower(string(word)); name {
	case typeNormal, typeReplica, typePrimary, typePubsub:
		return name, resp.Value{}
	case "slave":
		return typeReplica, resp.Value{}
	}
	return "", resp.Err("ERR Unknown client type '" + string(word) + "'")
}

// clientInfo answers CLIENT INFO: the line of CLIENT LIST that is about oneself.
func clientInfo(c *conn, _ [][]byte) resp.Value {
	return resp.BulkString(c.line(time.Now()))
}

// clientList answers CLIENT LIST [TYPE type | ID id...]. Replicas are listed under the ID that they had as clients.
func clientList(c *conn, args [][]byte) resp.Value {
	wantType, ids, bad := parseListArgs(args[2:])
	if bad.Kind != 0 {
		return bad
	}
	now := time.Now()
	var b strings.Builder
	if wantType == "" || wantType == typeNormal {
		for _, other := range c.srv.clients() {
			if ids == nil || slices.Contains(ids, other.id) {
				b.WriteString(other.line(now))
			}
		}
	}
	if wantType == "" || wantType == typeReplica {
		for _, r := range c.srv.node.State().Replicas {
			if ids == nil || slices.Contains(ids, r.ID) {
				b.WriteString(replicaLine(r, now))
			}
		}
	}
	return resp.BulkString(b.String())
}

// parseListArgs returns the filter: one of a type and a list of IDs, or neither ("" and nil, which let all pass).
func parseListArgs(args [][]byte) (wantType string, ids []int64, bad resp.Value) {
	switch {
	case len(args) == 0:
		return "", nil, resp.Value{}
	case len(args) == 2 && equalFold(args[0], "type"):
		wantType, bad = parseType(args[1])
		return wantType, nil, bad
	case len(args) > 1 && equalFold(args[0], "id"):
		for _, word := range args[1:] {
			id, bad := parseInt(word, "Invalid client ID")
			if bad.Kind != 0 {
				return "", nil, bad
			}
			ids = append(ids, id)
		}
		return "", ids, resp.Value{}
	}
	return "", nil, resp.Err("ERR syntax error")
}

// line returns the client as one line of CLIENT LIST. Its letters in flags: N nothing to tell, x in a transaction, e CLIENT NO-EVICT, S a replica. The number of
// queued commands is the session's secret; 0 says that there is a transaction and -1 that there is none.
func (c *conn) line(now time.Time) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	flags, multi := "N", -1
	if c.multi {
		flags, multi = "x", 0
	}
	if c.noEvict {
		flags = strings.TrimPrefix(flags, "N") + "e"
	}
	return listLine{id: c.id, addr: c.nc.RemoteAddr().String(), laddr: c.nc.LocalAddr().String(), name: c.name, age: now.Sub(c.since),
		idle: now.Sub(c.lastIO), flags: flags, db: c.db, multi: multi, command: c.command, resp: c.respVer, lib: c.lib}.String()
}

// replicaLine shows a replica as the client that it was, so that its ID can be killed. idle counts from its last acknowledgement, omem is its lag in bytes.
func replicaLine(r ReplicaState, now time.Time) string {
	return listLine{id: r.ID, addr: r.Addr, laddr: r.LAddr, name: r.Name, age: now.Sub(r.Since), idle: now.Sub(r.AckTime), flags: "S", multi: -1,
		queued: r.Queued, command: "psync", resp: 2}.String()
}

// listLine is what the lines of clients and replicas have in common.
type listLine struct {
	id          int64
	addr, laddr string
	name        string
	age, idle   time.Duration
	flags       string
	db, multi   int
	queued      int64
	command     string
	resp        int
	lib         [2]string
}

// String uses the fields of Redis 7.0, in its order, with lib-name and lib-ver of 7.2 at the end. Monitoring tools split the line at blanks and know fields by
// name, and some want all of them: what has no counterpart here (descriptors, the parts of Redis's buffers, events of its loop) is there with a value that
// says nothing. A line ends with LF, the last one too.
func (l listLine) String() string {
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=-1 name=%s age=%d idle=%d flags=%s db=%d sub=0 psub=0 ssub=0 multi=%d qbuf=0 qbuf-free=0 argv-mem=0"+
		" multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=%d tot-mem=0 events=r cmd=%s user=default redir=-1 resp=%d lib-name=%s lib-ver=%s\n",
		l.id, l.addr, l.laddr, l.name, seconds(l.age), seconds(l.idle), l.flags, l.db, l.multi, l.queued, l.command, l.resp, l.lib[0], l.lib[1])
}

// seconds rounds down, and never below zero: clocks of different goroutines are read at different times.
func seconds(d time.Duration) int64 { return max(0, int64(d/time.Second)) }
