package replication_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// verifyKeys are more than a comparison lists at once, so that a difference is looked for part by part.
const verifyKeys = 3000

// underLoad writes to p all the time, in every type, until the returned function is called.
func underLoad(t testing.TB, p *replicationtest.Primary) (stop func()) {
	t.Helper()
	for i := range verifyKeys {
		do(t, p.Store(), "SET", fmt.Sprint("key:", i), "v")
	}
	do(t, p.Store(), "XGROUP", "CREATE", "stream", "g", "0", "MKSTREAM")
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		c := p.Store().NewSession(nil)
		for i := 0; ; i++ {
			select {
			case <-ended:
				return
			case <-time.After(100 * time.Microsecond):
			}
			n := i % 50
			for _, line := range []string{
				"INCR counter", fmt.Sprintf("RPUSH list:%d a b", n), fmt.Sprintf("LPOP list:%d", n), fmt.Sprintf("SADD set:%d %d", n, i), fmt.Sprintf("SPOP set:%d", (n+7)%50),
				fmt.Sprintf("HINCRBY hash f%d 3", n), fmt.Sprintf("ZINCRBY sorted 1 m%d", n), fmt.Sprintf("SET short:%d v PX 30", n),
				fmt.Sprintf("HSET fields f%d v", n), fmt.Sprintf("HPEXPIRE fields 30 FIELDS 1 f%d", n), "XADD stream * f v", "XGROUP CREATECONSUMER stream g c",
				"XREADGROUP GROUP g c STREAMS stream >", "XACK stream g 1-1", "XADD stream MAXLEN 5 * f v", "XAUTOCLAIM stream g c 0 0",
				fmt.Sprintf("XADD gone:%d * f v", n), fmt.Sprintf("DEL gone:%d", (n+7)%50), "SELECT 3", "APPEND text x",
				fmt.Sprintf("SET long:%d v EX 100", n), "SELECT 0", "MULTI", "INCR a", "LPUSH b x", "LTRIM b 0 9", "EXEC", fmt.Sprintf("DEL key:%d", i%verifyKeys), fmt.Sprintf("SET key:%d v", i%verifyKeys),
			} {
				args := strings.Fields(line)
				raw := make([][]byte, len(args))
				for j, a := range args {
					raw[j] = []byte(a)
				}
				if v := c.Do(raw); v.AsError() != nil {
					t.Errorf("%s: %v", line, v)
					return
				}
			}
		}
	})
	stop = sync.OnceFunc(func() {
		close(ended)
		wg.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// plant changes data behind the back of its history: it stays at the same offset of the same history, and says nothing of it.
func plant(t testing.TB, s *store.Store, lines ...string) {
	t.Helper()
	other := store.New(nil)
	defer other.Close()
	copyData(t, other, s)
	c := other.NewSession(nil)
	for _, line := range lines {
		var raw [][]byte
		for _, a := range strings.Fields(line) {
			raw = append(raw, []byte(a))
		}
		if v := c.Do(raw); v.AsError() != nil {
			t.Fatalf("%s: %v", line, v)
		}
	}
	copyData(t, s, other)
}

// copyData replaces the data of to by that of from, under to's own history.
func copyData(t testing.TB, to, from *store.Store) {
	t.Helper()
	sn := from.Snapshot()
	defer sn.Close()
	var file bytes.Buffer
	if err := sn.WriteRDB(&file, nil); err != nil {
		t.Fatal(err)
	}
	h := to.Replication().History()
	ld := to.Replication().NewLoader()
	if err := ld.LoadRDB(&file); err != nil {
		t.Fatal(err)
	}
	if err := ld.Commit(h); err != nil {
		t.Fatal(err)
	}
}

// chainOfThree is a primary, a replica of it and one of that.
func chainOfThree(t testing.TB) (p *replicationtest.Primary, mid, leaf *replication.Replica) {
	t.Helper()
	p = replicationtest.New(t)
	mid = p.Replica(&replication.ReplicaOptions{Dial: slowDial(p)})
	listen(t, p, mid, "mid:6379")
	leaf, err := replication.Connect(t.Context(), "redis://mid:6379", &replication.ReplicaOptions{Dial: slowDial(p)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { leaf.Close() })
	return p, mid, leaf
}

// lateConn takes a little time in both directions, so that writes come between any two questions, and the stream behind the answers. In a bubble nothing else would let
// them.
type lateConn struct {
	net.Conn
	stream bool
}

func (c lateConn) Write(b []byte) (int, error) {
	time.Sleep(150 * time.Microsecond)
	return c.Conn.Write(b)
}

func (c lateConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.stream {
		time.Sleep(time.Millisecond)
	}
	return n, err
}

func slowDial(p *replicationtest.Primary) func(ctx context.Context, network, addr string) (net.Conn, error) {
	first := true
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := p.Dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		stream := first
		first = false
		return lateConn{c, stream}, nil
	}
}

// noSnapshots fails if a comparison left a snapshot open anywhere.
func noSnapshots(t testing.TB, stores ...*store.Store) {
	t.Helper()
	synctest.Wait()
	for i, s := range stores {
		if n := s.Stats().Snapshots; n != 0 {
			t.Errorf("store %d has %d open snapshots, want none", i, n)
		}
	}
}

// Nodes of a chain compare while the primary writes in every type, and find nothing.
func TestVerifyUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, mid, leaf := chainOfThree(t)
		stop := underLoad(t, p)
		time.Sleep(50 * time.Millisecond)
		for _, r := range []*replication.Replica{mid, leaf} {
			for _, o := range []*replication.VerifyOptions{nil, {Sample: 0.1, Seed: 5}, {PersistentOnly: true}} {
				before := p.Offset()
				v, err := r.Verify(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				whole := o == nil || o.Sample == 0
				if v.ID != p.Status().ID || v.Offset < before || v.Offset > p.Offset() || len(v.Digest) != 40 || v.Keys < 200 || whole != (v.Keys >= verifyKeys-1) {
					t.Errorf("Verify(%+v) = %+v between offsets %d and %d", o, v, before, p.Offset())
				}
			}
		}
		stop()
		noSnapshots(t, p.Store(), mid.Store(), leaf.Store())
	})
}

// What differs on one side only is found, and named, wherever it is and whoever is asked; by a sample exactly when the key is in it.
func TestVerifyFindsADifference(t *testing.T) {
	for _, tc := range []struct {
		plant string
		key   string
		what  replication.Difference
	}{
		{"SET key:77 w", "key:77", replication.Differs},
		{"PEXPIREAT key:77 4000000000000", "key:77", replication.Differs},
		{"DEL key:77", "key:77", replication.Missing},
		{"SET surplus v", "surplus", replication.Surplus},
		{"RPUSH still x", "still", replication.Differs},
		{"SADD stillset x", "stillset", replication.Differs},
		{"HPEXPIREAT stillhash 4000000000001 FIELDS 1 f", "stillhash", replication.Differs},
		{"XSETID stillstream 9-9", "stillstream", replication.Differs},
		{"XGROUP SETID stillstream g 1-1", "stillstream", replication.Differs},
		{"XGROUP CREATE stillstream h 0", "stillstream", replication.Differs},
		{"XACK stillstream g 1-1", "stillstream", replication.Differs},
		{"XCLAIM stillstream g d 0 1-1", "stillstream", replication.Differs},
	} {
		t.Run(tc.plant, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, mid, leaf := chainOfThree(t)
				p.Do("RPUSH", "still", "a", "b")
				p.Do("SADD", "stillset", "a", "b")
				p.Do("HSET", "stillhash", "f", "v", "g", "w")
				p.Do("HPEXPIREAT", "stillhash", "4000000000000", "FIELDS", "1", "f")
				p.Do("XADD", "stillstream", "1-1", "f", "v")
				p.Do("XADD", "stillstream", "2-1", "f", "v")
				p.Do("XGROUP", "CREATE", "stillstream", "g", "0")
				p.Do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "stillstream", ">")
				for i := range verifyKeys {
					p.Do("SET", fmt.Sprint("key:", i), "v")
				}
				settle()
				plant(t, leaf.Store(), tc.plant)
				settle()
				if _, err := mid.Verify(t.Context(), nil); err != nil {
					t.Errorf("two that are equal: %v", err)
				}
				_, err := leaf.Verify(t.Context(), nil)
				var d *replication.DivergenceError
				if !errors.As(err, &d) {
					t.Fatalf("Verify = %v", err)
				}
				if want := []replication.KeyDifference{{DB: 0, Key: tc.key, What: tc.what}}; len(d.Keys) != 1 || d.Keys[0] != want[0] {
					t.Errorf("it names %v, want %v", d.Keys, want)
				}
				if d.ID != p.Status().ID || d.Offset > p.Offset() || d.Ours == d.Theirs || d.TheirKeys != verifyKeys+4 || strings.Contains(err.Error(), tc.key) {
					t.Errorf("%+v: %v", d, err)
				}
				covered := 0
				for seed := range uint64(20) {
					o := &replication.VerifyOptions{Sample: 0.5, Seed: seed}
					_, err := leaf.Verify(t.Context(), o)
					if inSample(t, tc.key, o) != errors.As(err, &d) {
						t.Errorf("seed %d: the key is in the sample: %v; %v", seed, inSample(t, tc.key, o), err)
					}
					if err != nil {
						covered++
					}
				}
				if covered < 3 || covered > 17 {
					t.Errorf("%d of 20 samples of half the keys have the key", covered)
				}
				noSnapshots(t, p.Store(), mid.Store(), leaf.Store())
			})
		})
	}
}

// inSample tells by the store alone whether a key is in a sample.
func inSample(t testing.TB, key string, o *replication.VerifyOptions) bool {
	t.Helper()
	s := store.New(nil)
	defer s.Close()
	do(t, s, "SET", key, "v")
	sn := s.Snapshot()
	defer sn.Close()
	d, err := sn.Digests(t.Context(), &store.DigestOptions{Sample: o.Sample, Seed: o.Seed})
	if err != nil {
		t.Fatal(err)
	}
	return d.Keys == 1
}

// A node that knows that its data is not what its history says is not compared, on either side.
func TestVerifyTainted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, mid, leaf := chainOfThree(t)
		p.Do("INCR", "n")
		synctest.Wait()
		mid.Store().Replication().SetWritable(true)
		do(t, mid.Store(), "INCR", "n")
		for _, r := range []*replication.Replica{mid, leaf} {
			if _, err := r.Verify(t.Context(), nil); !errors.Is(err, replication.ErrTainted) {
				t.Errorf("Verify = %v, want ErrTainted", err)
			}
		}
		noSnapshots(t, p.Store(), mid.Store(), leaf.Store())
	})
}

// gate holds back what a replica reads of its stream.
type gate struct {
	mu     sync.Mutex
	open   chan struct{} // closed while bytes pass
	stream net.Conn      // the first connection: the others are for questions
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = make(chan struct{})
}

func (g *gate) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.open)
}

func (g *gate) wait(gone chan struct{}) error {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	select {
	case <-open:
		return nil
	case <-gone:
		return net.ErrClosed
	}
}

// gatedConn hands over what it has read when the gate is open.
type gatedConn struct {
	net.Conn
	g    *gate
	gone chan struct{}
	once sync.Once
}

func (c *gatedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if lost := c.g.wait(c.gone); lost != nil {
		return 0, lost
	}
	return n, err
}

func (c *gatedConn) Close() error {
	c.once.Do(func() { close(c.gone) })
	return c.Conn.Close()
}

// gatedReplica is a replica of p whose stream g holds back.
func gatedReplica(t testing.TB, p *replicationtest.Primary) (*replication.Replica, *gate) {
	t.Helper()
	g := &gate{open: make(chan struct{})}
	close(g.open)
	r := p.Replica(&replication.ReplicaOptions{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := p.Dial(ctx, network, addr)
		if err != nil || g.stream != nil {
			return c, err
		}
		g.stream = &gatedConn{Conn: c, g: g, gone: make(chan struct{})}
		return g.stream, nil
	}})
	return r, g
}

// What happens while the mark is under way decides; whatever it is, the comparison ends, says why, and leaves no snapshot behind.
func TestVerifyInterrupted(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(p *replicationtest.Primary, r *replication.Replica, g *gate, cancel func())
		want error
	}{
		{"the stream goes on", func(_ *replicationtest.Primary, _ *replication.Replica, g *gate, _ func()) { g.pass() }, nil},
		{"a partial resync brings the mark", func(_ *replicationtest.Primary, _ *replication.Replica, g *gate, _ func()) { g.stream.Close() }, nil},
		{"a full resync skips it", func(p *replicationtest.Primary, _ *replication.Replica, g *gate, _ func()) {
			p.RefusePartial(1)
			g.stream.Close()
		}, replication.ErrNoCut},
		{"it never comes", func(*replicationtest.Primary, *replication.Replica, *gate, func()) {}, replication.ErrNoCut},
		{"the caller gives up", func(_ *replicationtest.Primary, _ *replication.Replica, _ *gate, cancel func()) { cancel() }, context.Canceled},
		{"Close", func(_ *replicationtest.Primary, r *replication.Replica, _ *gate, _ func()) { r.Close() }, replication.ErrClosed},
		{"the primary closes", func(p *replicationtest.Primary, _ *replication.Replica, _ *gate, _ func()) { p.Close() }, replication.ErrNoCut},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := replicationtest.New(t)
				r, g := gatedReplica(t, p)
				p.Do("INCR", "n")
				synctest.Wait()
				g.shut()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				result := make(chan error, 1)
				go func() {
					_, err := r.Verify(ctx, nil)
					result <- err
				}()
				synctest.Wait()
				p.Do("INCR", "n")
				if n := p.Store().Stats().Snapshots; n != 1 {
					t.Errorf("the primary holds %d snapshots for one comparison, want 1", n)
				}
				tc.do(p, r, g, cancel)
				start := time.Now()
				if err := <-result; !errors.Is(err, tc.want) {
					t.Errorf("Verify = %v, want %v", err, tc.want)
				}
				if d := time.Since(start); d > replication.DefaultTimeout {
					t.Errorf("it took %v", d)
				}
				time.Sleep(time.Second)
				noSnapshots(t, p.Store(), r.Store())
			})
		})
	}
}

// A node holds a few cuts for those who ask, each as long as its connection lasts, and not for ever.
func TestVerifyCutsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(nil)
		p.Do("INCR", "n")
		var held []*peer
		for i := range 4 {
			c := dial(t, p)
			c.send("UNDERSTUDY", "CUT", fmt.Sprint("token", i))
			if v, err := c.in.ReadValue(); err != nil || len(v.Elems) != 3 {
				t.Fatalf("CUT %d = %v, %v", i, v, err)
			}
			held = append(held, c)
		}
		if _, err := r.Verify(t.Context(), nil); !errors.Is(err, replication.ErrNoCut) {
			t.Errorf("with four cuts held Verify = %v, want ErrNoCut", err)
		}
		held[0].Close()
		synctest.Wait()
		if _, err := r.Verify(t.Context(), nil); err != nil {
			t.Errorf("with one connection gone: %v", err)
		}
		time.Sleep(11 * time.Minute)
		noSnapshots(t, p.Store(), r.Store())
		held[1].send("UNDERSTUDY", "DIGEST")
		held[1].expect("-NOCUT")
	})
}

// readDifferences are planted one at a time; large collections are read in pieces.
var readDifferences = []struct {
	plant, key string
	what       replication.Difference
}{
	{"SET text w", "text", replication.Differs},
	{"SETRANGE big 1500000 x", "big", replication.Differs},
	{"APPEND big x", "big", replication.Differs},
	{"PEXPIREAT text 4000000000000", "text", replication.Differs},
	{"PERSIST until", "until", replication.Differs},
	{"DEL text", "text", replication.Missing},
	{"SET surplus v", "surplus", replication.Surplus},
	{"LSET list 2 x", "list", replication.Differs},
	{"LSET largelist 1800 x", "largelist", replication.Differs},
	{"HSET hash f 2", "hash", replication.Differs},
	{"HSET largehash f1700 x", "largehash", replication.Differs},
	{"SMOVE set other a", "set", replication.Differs},
	{"SMOVE largeset other m1700", "largeset", replication.Differs},
	{"ZADD sorted 3 a", "sorted", replication.Differs},
	{"ZADD largesorted 1700.5 m1700", "largesorted", replication.Differs},
	{"XADD stream 3-1 f v", "stream", replication.Differs},
	{"XSETID stream 4-1", "stream", replication.Differs},
	{"XDEL largestream 1700-1", "largestream", replication.Differs},
	{"XGROUP CREATE stream h 0", "stream", replication.Differs},
	{"XGROUP SETID stream g 1-1", "stream", replication.Differs},
	{"XACK stream g 2-1", "stream", replication.Differs},
	{"XCLAIM stream g d 0 2-1", "stream", replication.Differs},
	{"XACK largestream g 1700-1", "largestream", replication.Differs},
}

// fillForReads writes a few keys of each type.
func fillForReads(do func(args ...string)) {
	do("SET", "text", "v")
	do("SET", "big", strings.Repeat("0123456789", 200_000))
	do("SET", "until", "v", "PXAT", "4000000000000")
	do("RPUSH", "list", "a", "b", "c")
	do("HSET", "hash", "f", "1", "g", "2")
	do("SADD", "set", "a", "b", "c")
	do("ZADD", "sorted", "1", "a", "0.1", "b", "-inf", "c")
	do("XADD", "stream", "2-1", "f", "v")
	do("XGROUP", "CREATE", "stream", "g", "0")
	do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "stream", ">")
	do("XGROUP", "CREATE", "largestream", "g", "0", "MKSTREAM")
	for i := range 2000 {
		do("XADD", "largestream", itoa(i)+"-1", "f", itoa(i))
	}
	do("XREADGROUP", "GROUP", "g", "c", "STREAMS", "largestream", ">")
	for from := 0; from < 2000; from += 500 {
		rpush, hset, sadd, zadd := []string{"RPUSH", "largelist"}, []string{"HSET", "largehash"}, []string{"SADD", "largeset"}, []string{"ZADD", "largesorted"}
		for i := from; i < from+500; i++ {
			n := itoa(i)
			rpush, hset, sadd, zadd = append(rpush, n), append(hset, "f"+n, n), append(sadd, "m"+n), append(zadd, n, "m"+n)
		}
		do(rpush...)
		do(hset...)
		do(sadd...)
		do(zadd...)
	}
}

// By reads, a planted difference of any kind is found and named, and nothing else is.
func TestVerifyReadsFindDifferences(t *testing.T) {
	for _, tc := range readDifferences {
		t.Run(tc.plant, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := replicationtest.New(t)
				r := p.Replica(nil)
				fillForReads(func(args ...string) { do(t, p.Store(), args...) })
				synctest.Wait()
				o := &replication.VerifyOptions{Reads: 200}
				if v, err := r.Verify(t.Context(), o); err != nil || v.Keys < 8 || v.Unsettled != 0 || v.ID != p.Status().ID || v.Offset != p.Offset() {
					t.Errorf("equal data: %+v, %v", v, err)
				}
				plant(t, r.Store(), tc.plant)
				settle()
				_, err := r.Verify(t.Context(), o)
				var d *replication.DivergenceError
				if !errors.As(err, &d) {
					t.Fatalf("Verify = %v", err)
				}
				st := r.Status()
				if last := st.Recent[len(st.Recent)-1]; last.Kind != replication.Diverged || last.Reason != replication.ReasonDiverged || st.Divergence != d || st.Verified == nil {
					t.Errorf("noted: %+v, %v", last, st.Divergence)
				}
				for _, k := range d.Keys {
					if k.Key == "other" && k.What == replication.Surplus {
						continue
					}
					if k != (replication.KeyDifference{Key: tc.key, What: tc.what}) {
						t.Errorf("it names %v, want %s %v", k, tc.key, tc.what)
					}
				}
				if strings.Contains(err.Error(), " "+tc.key+" ") || len(d.Keys) == 0 {
					t.Errorf("%+v: %v", d, err)
				}
			})
		})
	}
}

// Writes that never stop are no difference, whatever they hit: most of the keys that are drawn are written while they are read.
func TestVerifyReadsUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, mid, leaf := chainOfThree(t)
		stop := underLoad(t, p)
		time.Sleep(50 * time.Millisecond)
		do(t, p.Store(), append([]string{"DEL"}, keysFrom(100, verifyKeys)...)...)
		for _, r := range []*replication.Replica{mid, leaf} {
			v, err := r.Verify(t.Context(), &replication.VerifyOptions{Reads: 150})
			if err != nil || v.Keys < 40 {
				t.Errorf("Verify = %+v, %v", v, err)
			}
		}
		v, err := mid.Verify(t.Context(), &replication.VerifyOptions{Reads: 100, PersistentOnly: true})
		if err != nil || v.Keys < 20 {
			t.Errorf("Verify = %+v, %v", v, err)
		}
		stop()
	})
}

func keysFrom(first, behind int) (names []string) {
	for i := first; i < behind; i++ {
		names = append(names, fmt.Sprint("key:", i))
	}
	return names
}
