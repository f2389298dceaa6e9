package server

import (
	"fmt"
	"strings"
	"time"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// infoSection writes one section of INFO.
type infoSection struct {
	name  string // lower case, as asked for
	title string
	write func(*infoWriter)
}

// infoSections returns the sections in Redis's order. All of them but commandstats are part of the default.
func infoSections() []infoSection {
	return []infoSection{
		{"server", "Server", infoServer},
		{"clients", "Clients", infoClients},
		{"memory", "Memory", infoMemory},
		{"persistence", "Persistence", infoPersistence},
		{"stats", "Stats", infoStats},
		{"replication", "Replication", infoReplication},
		{"commandstats", "Commandstats", infoCommands},
		{"cluster", "Cluster", infoCluster},
		{"keyspace", "Keyspace", infoKeyspace},
	}
}

// infoWriter collects the text, from one look at the node and the store: the sections agree with each other.
type infoWriter struct {
	strings.Builder
	srv   *Server
	now   time.Time
	node  State
	data  store.Stats
	since baseline
}

// field writes one line. Values print as %v does.
func (w *infoWriter) field(name string, value any) { fmt.Fprintf(w, "%s:%v\r\n", name, value) }

// size writes a number of bytes and the same for people.
func (w *infoWriter) size(name string, n int64) {
	w.field(name, n)
	w.field(name+"_human", humanBytes(n))
}

func humanBytes(n int64) string {
	f := float64(n)
	for _, unit := range []string{"K", "M", "G", "T"} {
		if f /= 1024; f < 1024 {
			if n < 1024 {
				break
			}
			return fmt.Sprintf("%.2f%s", f, unit)
		}
	}
	return fmt.Sprintf("%dB", n)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// info answers INFO [section...]: in RESP3 a verbatim string, in RESP2 a bulk string. A section that does not exist is left out, as in Redis, where it might
// be a module's.
func info(c *conn, args [][]byte) resp.Value {
	wanted := map[string]bool{}
	for _, word := range args[1:] {
		wanted[lower(string(word))] = true
	}
	all := wanted["all"] || wanted["everything"]
	usual := len(wanted) == 0 || wanted["default"]
	c.settle()
	w := c.srv.newInfoWriter()
	for _, section := range infoSections() {
		if !all && !wanted[section.name] && !(usual && section.name != "commandstats") {
			continue
		}
		if w.Len() > 0 {
			w.WriteString("\r\n")
		}
		fmt.Fprintf(w, "# %s\r\n", section.title)
		section.write(w)
	}
	return resp.VerbatimOf("txt", w.String())
}

func (s *Server) newInfoWriter() *infoWriter {
	w := &infoWriter{srv: s, now: time.Now(), node: s.node.State(), data: s.store.Stats()}
	w.since = s.stats.since(w.data, w.node)
	return w
}

func infoCluster(w *infoWriter) { w.field("cluster_enabled", 0) }

// infoKeyspace lists databases that have keys.
func infoKeyspace(w *infoWriter) {
	for i, db := range w.data.DBs {
		if db.Keys > 0 {
			w.field(fmt.Sprintf("db%d", i), fmt.Sprintf("keys=%d,expires=%d,avg_ttl=%d", db.Keys, db.Expires, db.AvgTTL.Milliseconds()))
		}
	}
}
