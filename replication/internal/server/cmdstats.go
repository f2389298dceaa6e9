package server

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// commandStat counts the uses of one command, for INFO commandstats and the slow log.
type commandStat struct {
	name  string // as in resolve; immutable, as are the next two
	arity int
	fast  bool // store.FlagFast

	calls    atomic.Int64
	nanos    atomic.Int64 // execution in all; waiting does not count
	rejected atomic.Int64 // not executed: wrong number of arguments, not allowed now
	failed   atomic.Int64 // executed, and answered by an error
}

// newCommandStats returns a counter for each command and sub-command. The map does not change any more.
func (s *Server) newCommandStats() map[string]*commandStat {
	m := map[string]*commandStat{}
	add := func(name string, arity int, flags store.CommandFlags) {
		m[name] = &commandStat{name: name, arity: arity, fast: flags&store.FlagFast != 0}
	}
	for name, cmd := range s.commands {
		add(name, cmd.arity, cmd.flags)
		for _, sub := range cmd.subs {
			add(name+"|"+sub.name, sub.arity, sub.flags)
		}
	}
	for name, cmd := range s.data {
		add(name, cmd.Arity, cmd.Flags)
	}
	return m
}

func resetCommandStats(m map[string]*commandStat) {
	for _, st := range m {
		for _, n := range []*atomic.Int64{&st.calls, &st.nanos, &st.rejected, &st.failed} {
			n.Store(0)
		}
	}
}

// spelled is a command as a client writes it.
type spelled struct {
	spelling string
	stat     *commandStat
}

// tally counts a run of the same command, so that the counters that all clients share are not touched for each.
type tally struct {
	name  string // as spelled
	stat  *commandStat
	calls int64
	took  time.Duration

	commands int64 // whichever they were, since settle
}

// settle adds what is tallied to the counters: before INFO, before a wait, and at the end of a batch.
func (c *conn) settle() {
	c.settleRun()
	c.srv.stats.commands.Add(c.tally.commands)
	c.tally.commands = 0
}

// settleRun ends the run of a command, when another one comes.
func (c *conn) settleRun() {
	if t := &c.tally; t.calls > 0 {
		t.stat.calls.Add(t.calls)
		t.stat.nanos.Add(int64(t.took))
		t.calls, t.took = 0, 0
	}
}

// mostSpellings bounds the spellings of names that a client may have remembered.
const mostSpellings = 64

// statOf returns the counter of a command, nil for one that does not exist. Names come again and again in the same spelling, which is therefore remembered.
func (c *conn) statOf(args [][]byte) *commandStat {
	if string(args[0]) == c.tally.name {
		return c.tally.stat
	}
	if st, ok := c.statOfName[string(args[0])]; ok {
		c.settleRun()
		c.tally.name, c.tally.stat = st.spelling, st.stat
		return st.stat
	}
	name := lower(string(args[0]))
	if len(args) > 1 && c.srv.hasSubcommands(args[0]) {
		return c.srv.commandStats[name+"|"+lower(string(args[1]))]
	}
	st := c.srv.commandStats[name]
	if st != nil && !c.srv.hasSubcommands(args[0]) && len(c.statOfName) < mostSpellings {
		spelling := string(args[0])
		c.statOfName[spelling] = spelled{spelling, st}
	}
	return st
}

// clock is the time since the client came. It costs half of what time.Now does, which also asks for the time of day.
func (c *conn) clock() time.Duration { return time.Since(c.since) }

// lap returns the time since the last lap, or since the client's command arrived. One reading of the clock serves as the end of a command and the beginning of
// the next one.
func (c *conn) lap() time.Duration {
	now := c.clock()
	took := now - c.lapped - c.waited
	c.lapped, c.waited = now, 0
	return max(took, 0)
}

// account counts a command, and logs it if it was slow. What a transaction queues counts when EXEC has executed it; its time is EXEC's.
func (c *conn) account(st *commandStat, args [][]byte, reply resp.Value, took time.Duration) {
	if st == nil || c.accountQueued(st, reply) {
		return
	}
	failed := reply.Kind == resp.Error
	if failed && (!c.ran || c.session.InMulti() || fitting(st.name, st.arity, len(args)) == "" || strings.HasPrefix(reply.Str, "READONLY ")) {
		st.rejected.Add(1)
		return
	}
	if st == c.tally.stat {
		c.tally.calls++
		c.tally.took += took
	} else {
		st.calls.Add(1)
		st.nanos.Add(int64(took))
	}
	if failed {
		st.failed.Add(1)
	}
	t := c.srv.tuning.Load()
	if t.slowerThan >= 0 && took >= t.slowerThan {
		c.srv.slowlog.add(c, st.name, args, took)
	}
	if t.latencyFrom > 0 && took >= t.latencyFrom {
		c.srv.latency.add(latencyEvent(st), took)
	}
}

// accountQueued keeps a command that was queued until its transaction ends, and reports whether it did. Of a transaction that is going to be refused the
// session queues nothing more.
func (c *conn) accountQueued(st *commandStat, reply resp.Value) bool {
	if c.session.InMulti() {
		queued := reply.Kind == resp.Simple && reply.Str == "QUEUED"
		if queued && len(c.queued) < c.session.Queued() {
			c.queued = append(c.queued, st)
		}
		return queued
	}
	if c.queued == nil {
		return false
	}
	if c.inExec && len(reply.Elems) == len(c.queued) { // else nothing was executed
		for i, st := range c.queued {
			st.calls.Add(1)
			if reply.Elems[i].Kind == resp.Error {
				st.failed.Add(1)
			}
		}
	}
	c.queued = nil
	return false
}

// infoCommands lists the commands that were used, by name.
func infoCommands(w *infoWriter) {
	for _, name := range w.srv.statNames() {
		st := w.srv.commandStats[name]
		calls, usec := st.calls.Load(), st.nanos.Load()/1000
		if calls == 0 && st.rejected.Load() == 0 {
			continue
		}
		w.field("cmdstat_"+name, fmt.Sprintf("calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d",
			calls, usec, float64(usec)/float64(max(calls, 1)), st.rejected.Load(), st.failed.Load()))
	}
}

func (s *Server) statNames() (names []string) {
	for name := range s.commandStats {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
