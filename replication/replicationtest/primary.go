package replicationtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// address is where the primary listens in its own network. Nothing outside can see it.
const address = "primary:6379"

// backoff is a replica's pause before it tries again. The default has a random part.
const backoff = 100 * time.Millisecond

// patience bounds the first sync of Replica. In a bubble it is virtual.
const patience = 30 * time.Second

// Primary is a primary with a network of its own around it.
type Primary struct {
	*replication.Primary
	t   testing.TB
	net *memnet.Network

	mu sync.Mutex

	// mu protects the fields below.
	session *store.Session // of Do
	refuse  int            // PSYNCs that are still to become a full resync
	chunk   int            // for connections to come; 0 = as it is
	stalled bool           // likewise
	timer   *time.Timer    // ends a stall
}

// Options are what New leaves at its defaults.
type Options struct {
	Store   *store.Options              // default: nil
	Primary *replication.PrimaryOptions // default: nil
}

// New returns an empty primary with default options. The test's cleanup closes it.
func New(t testing.TB) *Primary { return NewWith(t, nil) }

// NewWith returns an empty primary, for tests that need a small backlog or other limits. nil is New's defaults.
func NewWith(t testing.TB, o *Options) *Primary {
	t.Helper()
	if o == nil {
		o = new(Options)
	}
	s := store.New(o.Store)
	primary, err := replication.NewPrimary(s, o.Primary)
	if err != nil {
		t.Fatal(err)
	}
	p := &Primary{Primary: primary, t: t, net: memnet.New(nil), session: s.NewSession(nil)}
	p.net.OnDial(p.prepare)
	p.serve()
	return p
}

// serve accepts until the cleanup, which returns when nothing runs any more.
func (p *Primary) serve() {
	l := p.Listen(address)
	done := make(chan error, 1)
	go func() { done <- p.Primary.Serve(l) }()
	p.t.Cleanup(func() {
		p.Resume()
		if err := p.Close(); err != nil {
			p.t.Errorf("closing the primary: %v", err)
		}
		if err := <-done; !errors.Is(err, replication.ErrClosed) {
			p.t.Errorf("serving ended with %v", err)
		}
		p.Store().Close()
	})
}

// URL is the address for Connect and Follow, together with Dial.
func (p *Primary) URL() string { return "redis://" + address }

// Dial connects to whoever listens at addr in the primary's network: itself, or what was given to Listen. It fits ReplicaOptions.Dial.
func (p *Primary) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := p.net.Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &refuser{Conn: c, p: p}, nil
}

// Listen opens another address in the primary's network, for a replica that serves replicas: go r.Serve(p.Listen("r:6379")).
func (p *Primary) Listen(addr string) net.Listener {
	p.t.Helper()
	l, err := p.net.Listen(addr)
	if err != nil {
		p.t.Fatal(err)
	}
	return l
}

// Replica returns a replica of this primary that has taken its first sync. The test's cleanup closes it. o may be nil; Dial is filled in, and
// Backoff with one that always waits for a tenth of a second.
func (p *Primary) Replica(o *replication.ReplicaOptions) *replication.Replica {
	p.t.Helper()
	var c replication.ReplicaOptions
	if o != nil {
		c = *o
	}
	if c.Dial == nil {
		c.Dial = p.Dial
	}
	if c.Backoff == nil {
		c.Backoff = func(int) time.Duration { return backoff }
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	r, err := replication.Connect(ctx, p.URL(), &c)
	if err != nil {
		p.t.Fatalf("connecting a replica: %v", err)
	}
	p.t.Cleanup(func() {
		if err := r.Close(); err != nil {
			p.t.Errorf("closing a replica: %v", err)
		}
	})
	return r
}

// Do executes a command as one client of the primary, whose SELECT, MULTI and WATCH hold from call to call. An error reply fails the test. Replies
// come as string, int64, float64, bool, nil, []any; arguments may be strings, byte slices, or anything that fmt prints.
func (p *Primary) Do(args ...any) any {
	p.t.Helper()
	words := make([][]byte, len(args))
	for i, a := range args {
		words[i] = word(a)
	}
	p.mu.Lock()
	v := p.session.Do(words)
	p.mu.Unlock()
	if err := v.AsError(); err != nil {
		p.t.Fatalf("%q: %v", words, err)
	}
	return plain(v)
}

func word(a any) []byte {
	switch a := a.(type) {
	case []byte:
		return a
	case string:
		return []byte(a)
	}
	return fmt.Append(nil, a)
}

func plain(v resp.Value) any {
	switch v.Kind {
	case resp.Int:
		return v.Int
	case resp.Double:
		return v.Float
	case resp.Bool:
		return v.Int == 1
	case resp.Null:
		return nil
	case resp.Array, resp.Set, resp.Push, resp.Map:
		list := make([]any, len(v.Elems))
		for i, e := range v.Elems {
			list[i] = plain(e)
		}
		return list
	}
	if v.Kind == resp.Keyed {
		var list []any
		for i := 0; i+1 < len(v.Elems); i += 2 {
			list = append(list, []any{plain(v.Elems[i]), plain(v.Elems[i+1])})
		}
		return list
	}
	return v.Str
}
