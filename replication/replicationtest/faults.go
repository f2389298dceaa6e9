package replicationtest

import (
	"bytes"
	"net"
	"time"

	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/resp"
)

// Cut cuts every connection at once; what was under way is lost. Replicas come back by themselves.
func (p *Primary) Cut() { p.net.CutAll() }

// CutAfter cuts every open connection once n more bytes of it have reached the replica's side, payload included. When none is open, the next one is meant.
func (p *Primary) CutAfter(n int64) {
	cut := func(c *memnet.Conn) { c.Incoming().CutAfter(n) }
	conns := p.net.Conns()
	for _, c := range conns {
		cut(c)
	}
	if len(conns) == 0 {
		p.net.OnNextDial(cut)
	}
}

// Stall keeps all connections open and silent, those to come included, in both directions: after d, or with Resume, bytes go on where they stopped. With d
// of 0 only Resume ends it.
func (p *Primary) Stall(d time.Duration) {
	p.mu.Lock()
	p.stalled = true
	if d > 0 {
		p.timer = time.AfterFunc(d, p.Resume)
	}
	p.mu.Unlock()
	for _, c := range p.net.Conns() {
		c.Stall()
	}
}

// Resume ends a stall.
func (p *Primary) Resume() {
	p.mu.Lock()
	p.stalled = false
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	p.mu.Unlock()
	for _, c := range p.net.Conns() {
		c.Resume()
	}
}

// Chunk makes each read of a replica return at most n bytes, on connections open and to come; 0 ends that. With 1 every boundary of the protocol falls between
// two reads.
func (p *Primary) Chunk(n int) {
	p.mu.Lock()
	p.chunk = n
	p.mu.Unlock()
	for _, c := range p.net.Conns() {
		c.Incoming().Chunk(n)
	}
}

// prepare puts the faults that hold for connections to come on a new one.
func (p *Primary) prepare(c *memnet.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.Incoming().Chunk(p.chunk)
	if p.stalled {
		c.Stall()
	}
}

// RefusePartial makes the next n requests for a partial resync end in a full one.
func (p *Primary) RefusePartial(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = n
}

// refuser is a replica's end of a connection. It turns a request for a partial resync into one for a full resync, if it is told to: to the replica
// that looks as if its part of the stream were gone.
type refuser struct {
	net.Conn
	p *Primary
}

// Write looks for a PSYNC with an ID. A replica sends it in one piece, because it has to wait for the replies before it.
func (r *refuser) Write(b []byte) (int, error) {
	if !asksPartial(b) || !r.p.takeRefusal() {
		return r.Conn.Write(b)
	}
	if _, err := r.Conn.Write(resp.AppendCommand(nil, "PSYNC", "?", "-1")); err != nil {
		return 0, err
	}
	return len(b), nil
}

func asksPartial(b []byte) bool {
	return bytes.HasPrefix(b, []byte("*3\r\n$5\r\nPSYNC\r\n$40\r\n"))
}

func (p *Primary) takeRefusal() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse == 0 {
		return false
	}
	p.refuse--
	return true
}
