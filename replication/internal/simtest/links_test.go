package simtest

import (
	"bytes"
	"context"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/store/backlog"
)

// link is a connection that a node made to follow another one.
type link struct {
	from, to *node
	conn     *memnet.Conn // from's end
}

// links are those that were made so far. Nodes dial on goroutines of their own, so they have a lock.
type links struct {
	mu      sync.Mutex
	list    []*link
	severed map[[2]int]bool // nothing gets from the first node to the second
	grants  []grant         // what was seen on the wire and not looked at yet
}

// grant is the answer to a PSYNC, as it stood on the wire.
type grant struct {
	from, to *node
	id       backlog.ID // that was asked to go on; "" = none: a full resync was asked for
	count    int64      // bytes that the replica has of it
	full     bool
	newID    backlog.ID
	offset   int64 // of a full resync
}

// dial is how nodes reach each other.
func (n *node) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := n.s.net.Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	to := n.s.nodes[addr[0]-'a']
	l := &link{from: n, to: to, conn: c.(*memnet.Conn)}
	n.s.links.add(l)
	return &tap{Conn: c, l: l}, nil
}

// add puts what holds for links to come on a new one.
func (k *links) add(l *link) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list = append(k.list, l)
	n := l.from
	l.conn.Outgoing().Latency(n.delay)
	l.conn.Incoming().Latency(n.delay)
	if k.severed[[2]int{n.index, l.to.index}] {
		l.conn.Outgoing().Stall()
	}
	if k.severed[[2]int{l.to.index, n.index}] {
		l.conn.Incoming().Stall()
	}
	if len(n.after) > 0 {
		l.conn.Incoming().CutAfter(n.after[0])
		n.after = n.after[1:]
	}
}

// with calls f under the lock.
func (k *links) with(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
}

// last returns the link that n made last, nil if there is none.
func (k *links) last(n *node) *memnet.Conn {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, l := range slices.Backward(k.list) {
		if l.from == n {
			return l.conn
		}
	}
	return nil
}

// each calls f with every link that can still exchange bytes.
func (k *links) each(live []*memnet.Conn, f func(*link)) {
	k.mu.Lock()
	k.list = slices.DeleteFunc(k.list, func(l *link) bool { return !slices.Contains(live, l.conn) })
	list := slices.Clone(k.list)
	k.mu.Unlock()
	for _, l := range list {
		f(l)
	}
}

// sever lets nothing get from a to b any more, or lets it pass again with what was under way.
func (s *sim) sever(a, b int, on bool) {
	s.links.with(func() {
		if on {
			s.links.severed[[2]int{a, b}] = true
		} else {
			delete(s.links.severed, [2]int{a, b})
		}
	})
	s.links.each(s.net.Conns(), func(l *link) {
		var way *memnet.Direction
		switch {
		case l.from.index == a && l.to.index == b:
			way = l.conn.Outgoing()
		case l.from.index == b && l.to.index == a:
			way = l.conn.Incoming()
		default:
			return
		}
		if on {
			way.Stall()
		} else {
			way.Resume()
		}
	})
}

// calm ends all faults. What was under way arrives.
func (s *sim) calm() {
	s.links.with(func() {
		clear(s.links.severed)
		for _, n := range s.nodes {
			n.delay, n.after = 0, nil
		}
	})
	for _, n := range s.nodes {
		n.pace.Store(0)
	}
	const never = 1 << 60 // bytes
	s.links.each(s.net.Conns(), func(l *link) {
		for _, way := range []*memnet.Direction{l.conn.Incoming(), l.conn.Outgoing()} {
			way.CutAfter(never)
			way.Latency(0)
			way.Resume()
		}
	})
}

// tap is a node's end of a link. It overhears the request for a resync and the answer, and slows reads down.
type tap struct {
	net.Conn
	l     *link
	asked *grant // a request whose answer has not come; owned by the reader once it is set
	heard []byte // what came since
	mu    sync.Mutex
}

// Write looks for PSYNC, which a node sends in one piece as it has to wait for the replies to what comes before it.
func (t *tap) Write(b []byte) (int, error) {
	if g := parseRequest(b); g != nil {
		g.from, g.to = t.l.from, t.l.to
		t.mu.Lock()
		t.asked = g
		t.mu.Unlock()
	}
	return t.Conn.Write(b)
}

func (t *tap) Read(b []byte) (int, error) {
	if pace := t.l.from.pace.Load(); pace > 0 {
		passTime(time.Millisecond)
		b = b[:min(int64(len(b)), pace)]
	}
	n, err := t.Conn.Read(b)
	t.overhear(b[:n])
	return n, err
}

// overhear finds the answer to a request. Blank lines may come before it.
func (t *tap) overhear(b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asked == nil {
		return
	}
	t.heard = append(t.heard, b...)
	line, _, whole := bytes.Cut(bytes.TrimLeft(t.heard, "\r\n"), []byte("\r\n"))
	if !whole {
		return
	}
	g := *t.asked
	t.asked, t.heard = nil, nil
	if parseAnswer(&g, string(line)) {
		k := &t.l.from.s.links
		k.with(func() { k.grants = append(k.grants, g) })
	}
}

// parseRequest returns what a PSYNC asks for, nil if b is none.
func parseRequest(b []byte) *grant {
	lines := bytes.Split(b, []byte("\r\n"))
	if len(lines) < 7 || string(lines[0]) != "*3" || string(lines[2]) != "PSYNC" {
		return nil
	}
	next, err := strconv.ParseInt(string(lines[6]), 10, 64)
	if err != nil || string(lines[4]) == "?" {
		return &grant{}
	}
	return &grant{id: backlog.ID(lines[4]), count: next - 1}
}

// parseAnswer completes g; it returns false for a refusal.
func parseAnswer(g *grant, line string) bool {
	words := bytes.Fields([]byte(line))
	switch {
	case len(words) == 2 && string(words[0]) == "+CONTINUE":
		g.newID = backlog.ID(words[1])
	case len(words) == 3 && string(words[0]) == "+FULLRESYNC":
		g.full, g.newID = true, backlog.ID(words[1])
		g.offset, _ = strconv.ParseInt(string(words[2]), 10, 64)
	default:
		return false
	}
	return true
}
