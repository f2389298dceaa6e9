package server

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// Types of clients.
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
	return resp.VerbatimOf("txt", c.line(time.Now()))
}

// clientList answers CLIENT LIST [TYPE type | ID id...]. Replicas are listed under the ID that they had as clients.
func clientList(c *conn, args [][]byte) resp.Value {
	wantType, ids, bad := parseListArgs(args[2:])
	if bad.Kind != 0 {
		return bad
	}
	now := time.Now()
	var b strings.Builder
	for _, other := range c.srv.clients() {
		if (wantType == "" || wantType == other.kind()) && (ids == nil || slices.Contains(ids, other.id)) {
			b.WriteString(other.line(now))
		}
	}
	if wantType == "" || wantType == typeReplica {
		for _, r := range c.srv.node.State().Replicas {
			if ids == nil || slices.Contains(ids, r.ID) {
				b.WriteString(replicaLine(r, now))
			}
		}
	}
	return resp.VerbatimOf("txt", b.String())
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

// kind is the client's type: it is of pubsub as long as it is subscribed to anything.
func (c *conn) kind() string {
	if c.subscriptions() != [3]int{} {
		return typePubsub
	}
	return typeNormal
}

// pubsubClients is how many are of that type.
func (s *Server) pubsubClients() (n int) {
	for _, c := range s.clients() {
		if c.kind() == typePubsub {
			n++
		}
	}
	return n
}

// line returns the client as one line of CLIENT LIST. Its letters in flags: N nothing to tell, O a monitor, P subscribed, x in a transaction, e CLIENT NO-EVICT,
// S a replica. A multi of -1 says that there is no transaction.
func (c *conn) line(now time.Time) string {
	subs, pending := c.subscriptions(), c.pending()
	c.mu.Lock()
	defer c.mu.Unlock()
	flags := ""
	for _, f := range []struct {
		on     bool
		letter string
	}{{c.monitoring.Load(), "O"}, {subs != [3]int{}, "P"}, {c.multi >= 0, "x"}, {c.noEvict, "e"}} {
		if f.on {
			flags += f.letter
		}
	}
	flags = cmp.Or(flags, "N")
	return listLine{id: c.id, addr: c.nc.RemoteAddr().String(), laddr: c.nc.LocalAddr().String(), name: c.name, age: now.Sub(c.since),
		idle: now.Sub(c.lastIO), flags: flags, db: c.db, subs: subs, multi: c.multi, queued: pending, command: c.command, resp: c.respVer, lib: c.lib}.String()
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
	subs        [3]int
	queued      int64
	command     string
	resp        int
	lib         [2]string
}

// String uses the fields of Redis 7.0, in its order, with lib-name and lib-ver of 7.2 at the end. Monitoring tools split the line at blanks and know fields by
// name, and some want all of them: what has no counterpart here (descriptors, the parts of Redis's buffers, events of its loop) is there with a value that
// says nothing. A line ends with LF, the last one too.
func (l listLine) String() string {
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=-1 name=%s age=%d idle=%d flags=%s db=%d sub=%d psub=%d ssub=%d multi=%d qbuf=0 qbuf-free=0 argv-mem=0"+
		" multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=%d tot-mem=0 events=r cmd=%s user=default redir=-1 resp=%d lib-name=%s lib-ver=%s\n",
		l.id, l.addr, l.laddr, l.name, seconds(l.age), seconds(l.idle), l.flags, l.db, l.subs[0], l.subs[1], l.subs[2], l.multi, l.queued, l.command, l.resp, l.lib[0], l.lib[1])
}

// seconds rounds down, and never below zero: clocks of different goroutines are read at different times.
func seconds(d time.Duration) int64 { return max(0, int64(d/time.Second)) }
