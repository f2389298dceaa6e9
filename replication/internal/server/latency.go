package server

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/understudy-go/understudy/resp"
)

// latency keeps for each event the times that reached latency-monitor-threshold, as LATENCY of Redis 7.0 shows them. Its events are those of executing
// commands, "command" and "fast-command"; others of Redis (fork, expire-cycle, aof-...) are of work that here holds up nobody.
type latency struct {
	// mu protects the fields below.
	mu     sync.Mutex
	events map[string]*latencySamples
}

// latencySamples are those of one event, at most one a second: the longest of it.
type latencySamples struct {
	samples []latencySample // the oldest first, at most mostSamples
	longest int64           // since RESET, in milliseconds
}

type latencySample struct {
	at int64 // Unix seconds
	ms int64
}

// mostSamples is how many of one event are kept.
const mostSamples = 160

// latencyEvent is the event that a command belongs to.
func latencyEvent(st *commandStat) string {
	if st.fast {
		return "fast-command"
	}
	return "command"
}

func (l *latency) add(event string, took time.Duration) {
	at, ms := time.Now().Unix(), took.Milliseconds()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.events == nil {
		l.events = map[string]*latencySamples{}
	}
	if l.events[event] == nil {
		l.events[event] = &latencySamples{}
	}
	l.events[event].add(latencySample{at, ms})
}

func (e *latencySamples) add(s latencySample) {
	e.longest = max(e.longest, s.ms)
	n := len(e.samples)
	switch {
	case n > 0 && e.samples[n-1].at == s.at:
		e.samples[n-1].ms = max(e.samples[n-1].ms, s.ms)
		return
	case n == mostSamples:
		copy(e.samples, e.samples[1:])
		e.samples = e.samples[:n-1]
	}
	e.samples = append(e.samples, s)
}

func latencyCommands() []command {
	return []command{
		{name: "latest", arity: 2, flags: flagsOps, run: latencyLatest},
		{name: "history", arity: 3, flags: flagsOps, run: latencyHistory},
		{name: "reset", arity: -2, flags: flagsOps, run: latencyReset},
	}
}

// latencyLatest answers LATENCY LATEST: of each event its name, the time and the milliseconds of the latest sample, and the longest of all.
func latencyLatest(c *conn, _ [][]byte) resp.Value {
	l := &c.srv.latency
	l.mu.Lock()
	defer l.mu.Unlock()
	list := []resp.Value{}
	for _, event := range slices.Sorted(maps.Keys(l.events)) {
		e := l.events[event]
		last := e.samples[len(e.samples)-1]
		list = append(list, resp.ArrayOf(resp.BulkString(event), resp.Integer(last.at), resp.Integer(last.ms), resp.Integer(e.longest)))
	}
	return resp.ArrayOf(list...)
}

// latencyHistory answers LATENCY HISTORY event: the time and the milliseconds of each sample, the oldest first; nothing for an event that has none.
func latencyHistory(c *conn, args [][]byte) resp.Value {
	l := &c.srv.latency
	l.mu.Lock()
	defer l.mu.Unlock()
	list := []resp.Value{}
	if e := l.events[string(args[2])]; e != nil {
		for _, s := range e.samples {
			list = append(list, resp.ArrayOf(resp.Integer(s.at), resp.Integer(s.ms)))
		}
	}
	return resp.ArrayOf(list...)
}

// latencyReset answers LATENCY RESET [event...]: how many events, of those named or of all, are forgotten.
func latencyReset(c *conn, args [][]byte) resp.Value {
	l := &c.srv.latency
	l.mu.Lock()
	defer l.mu.Unlock()
	before := len(l.events)
	for _, event := range args[2:] {
		delete(l.events, string(event))
	}
	if len(args) == 2 {
		clear(l.events)
	}
	return resp.Integer(int64(before - len(l.events)))
}
