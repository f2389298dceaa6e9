package replication_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// alive returns the stacks of the goroutines of this bubble that execute code of a node, other than the caller's.
func alive() string {
	buf := make([]byte, 1<<20)
	stacks := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
	_, bubble, _ := strings.Cut(strings.SplitN(stacks[0], "\n", 2)[0], "synctest bubble ")
	if bubble == "" {
		panic("not in a bubble, or stacks look different in this version of Go")
	}
	var left []string
	for _, s := range stacks[1:] {
		ours := strings.Contains(s, "/understudy/replication.") || strings.Contains(s, "/replication/internal/server.")
		if ours && strings.Contains(s, "synctest bubble "+bubble) {
			left = append(left, s)
		}
	}
	return strings.Join(left, "\n\n")
}

// diary notes everything that a node tells its program: log lines, and calls of the options' functions. The functions take their time, so that
// whoever does not wait for them is found out.
type diary struct {
	mu    sync.Mutex // protects the field below
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) since(n int) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.lines[n:]...)
}

func (d *diary) logger() *zap.Logger {
	enc := zapcore.NewConsoleEncoder(zapcore.EncoderConfig{MessageKey: "m"})
	return zap.New(zapcore.NewCore(enc, zapcore.AddSync(d), zapcore.DebugLevel))
}

// Write takes a log line.
func (d *diary) Write(b []byte) (int, error) {
	d.note("log: " + strings.TrimSpace(string(b)))
	return len(b), nil
}

func (d *diary) replicaOptions(dial func(context.Context, string, string) (net.Conn, error)) *replication.ReplicaOptions {
	first := true
	return &replication.ReplicaOptions{
		Logger: d.logger(),
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			d.note("Dial")
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			if !first { // that of a Barrier, whose goroutine is its caller's
				return c, nil
			}
			first = false
			return &slowConn{c}, nil
		},
		OnState: func(old, new replication.State) {
			d.note(fmt.Sprint("OnState ", old, new))
			time.Sleep(10 * time.Millisecond)
		},
		Backoff: func(int) time.Duration { d.note("Backoff"); time.Sleep(10 * time.Millisecond); return time.Minute },
	}
}

// ends closes a node and fails the test if anything of it shows afterwards. A goroutine that is left could keep the bubble from ending, hence the panic.
func (d *diary) ends(t *testing.T, name string, end func() error) {
	t.Helper()
	synctest.Wait() // a goroutine that is executing at this moment shows no stack
	if alive() == "" {
		t.Errorf("%s: nothing runs before Close: the test shows nothing", name)
	}
	if err := end(); err != nil {
		t.Errorf("%s: Close = %v", name, err)
	}
	n := len(d.since(0))
	synctest.Wait()
	if left := alive(); left != "" {
		panic(name + ": goroutines are left after Close:\n" + left)
	}
	time.Sleep(time.Hour)
	if more := d.since(n); len(more) > 0 {
		t.Errorf("%s: after Close came %q", name, more)
	}
}

// slowConn is a connection whose Write takes a second before it does anything, closed or not.
type slowConn struct{ net.Conn }

func (c *slowConn) Write(b []byte) (int, error) {
	time.Sleep(time.Second)
	return c.Conn.Write(b)
}

// attach connects to a node by a pipe of its own.
func attach(t testing.TB, n interface {
	ServeConn(context.Context, net.Conn) error
}, wrap func(net.Conn) net.Conn) *peer {
	a, b := memnet.Pipe(nil)
	t.Cleanup(func() { a.Close() })
	go n.ServeConn(context.Background(), wrap(b))
	return newPeer(t, a)
}

func plainConn(c net.Conn) net.Conn  { return c }
func slowlyConn(c net.Conn) net.Conn { return &slowConn{c} }

// A replica is closed in each state of its link, with callers waiting: when Close has returned, nothing runs and nobody hears of it any more.
func TestReplicaAfterClose(t *testing.T) {
	file := rdbOf(t, "k")
	stream := func(p *peer) { p.grant(file, 9); p.live() }
	for _, tc := range []struct {
		name string
		do   func(p *peer)
		at   time.Duration // when Close is called
	}{
		{"in the first write", stream, 500 * time.Millisecond},
		{"in the handshake", func(p *peer) { p.hold() }, 5 * time.Second},
		{"loading", func(p *peer) {
			p.shakeHands()
			p.say("+FULLRESYNC %s 9\r\n$%d\r\n%s", fakeID, len(file), file[:20])
			p.hold()
		}, 5500 * time.Millisecond},
		{"streaming", stream, 20500 * time.Millisecond},
		{"in an acknowledgement", stream, 21 * time.Second},
		{"in the pause between attempts", func(p *peer) {}, 5 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newConcurrentFake(t, tc.do)
			d := new(diary)
			r, err := replication.NewReplica("redis://fake:6379", d.replicaOptions(f.net.Dial))
			if err != nil {
				t.Fatal(err)
			}
			go r.Run(context.Background())
			go r.WaitReady(context.Background())
			time.Sleep(tc.at)
			attach(t, r, plainConn) // a client that says nothing
			go r.WaitOffset(context.Background(), 1<<40)
			go r.Barrier(context.Background())
			time.Sleep(5 * time.Millisecond)
			d.ends(t, tc.name, r.Close)
		})
	}
}

// A replica that never ran has nothing to end but those who wait for it.
func TestCloseBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		r, err := replication.NewReplica("redis://fake:6379", d.replicaOptions(nil))
		if err != nil {
			t.Fatal(err)
		}
		go r.WaitReady(context.Background())
		go r.WaitOffset(context.Background(), 1)
		synctest.Wait()
		d.ends(t, "never run", r.Close)
	})
}

// Functions of the options that are under way when Close is called are waited for.
func TestCloseWaitsForCallbacks(t *testing.T) {
	for name, at := range map[string]time.Duration{"OnState": 5 * time.Millisecond, "Backoff": 15 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			d := new(diary)
			refuse := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody there") }
			r, _ := startReplica(t, "redis://fake:6379", d.replicaOptions(refuse))
			time.Sleep(at)
			if seen := d.since(0); !strings.HasPrefix(seen[len(seen)-1], name) && name != "OnState" {
				t.Errorf("the diary ends with %q, want %s", seen, name)
			}
			d.ends(t, name, r.Close)
		})
	}
}

// A primary with replicas in each state of a feed.
func TestPrimaryAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		s := store.New(nil)
		do(t, s, "SET", "k", strings.Repeat("x", 1<<20)) // more than a connection takes
		p, err := replication.NewPrimary(s, &replication.PrimaryOptions{Logger: d.logger(), DisklessDelay: 3 * time.Second, PingPeriod: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(wrap func(net.Conn) net.Conn) *peer {
			c := attach(t, p, wrap)
			c.send("REPLCONF", "capa", "eof", "capa", "psync2")
			c.send("PSYNC", "?", "-1")
			return c
		}
		online, loading := ask(slowlyConn), ask(plainConn)
		ask(plainConn) // reads nothing
		for _, c := range []*peer{online, loading} {
			for range 2 {
				c.line()
			}
			c.payload()
		}
		online.send("REPLCONF", "ACK", "0")
		ask(plainConn) // waits for company
		attach(t, p, plainConn)
		go p.WaitReplicas(context.Background(), 9, 0)
		time.Sleep(500 * time.Millisecond)
		do(t, s, "SET", "k", "v") // the sender to the online one is in its Write
		synctest.Wait()
		var states []replication.FeedState
		for _, r := range p.Replicas() {
			states = append(states, r.State)
		}
		slices.Sort(states)
		if got := fmt.Sprint(states); got != "[waiting sending sending online]" {
			t.Errorf("replicas are %s", got)
		}
		d.ends(t, "primary", p.Close)
		if n := s.Stats().Snapshots; n != 0 {
			t.Errorf("%d snapshots are open after Close", n)
		}
	})
}

// A client whose reply is being written is waited for.
func TestServerAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		p, err := replication.NewPrimary(store.New(nil), &replication.PrimaryOptions{Logger: d.logger()})
		if err != nil {
			t.Fatal(err)
		}
		attach(t, p, slowlyConn).send("PING")
		synctest.Wait()
		d.ends(t, "primary with a client", p.Close)
	})
}

// Nodes that changed their role have what the new one needs, and nothing of the old one is left behind.
func TestCloseAfterRoleChange(t *testing.T) {
	file := rdbOf(t, "k")
	stream := func(p *peer) { p.grant(file, 9); p.live() }
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		r, _ := startReplica(t, "redis://fake:6379", d.replicaOptions(newConcurrentFake(t, stream).net.Dial))
		time.Sleep(20 * time.Second)
		p, err := r.Promote(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		d.ends(t, "promoted", p.Close)
	})
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		p, err := replication.NewPrimary(store.New(nil), &replication.PrimaryOptions{Logger: d.logger()})
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.Follow(t.Context(), "redis://fake:6379", d.replicaOptions(newConcurrentFake(t, stream).net.Dial))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Follow(t.Context(), "redis://fake:6379"); err != nil {
			t.Fatal(err)
		}
		d.ends(t, "demoted", p.Close)
	})
	synctest.Test(t, func(t *testing.T) {
		d := new(diary)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var failed atomic.Bool
		go func() {
			_, err := replication.Connect(ctx, "redis://fake:6379", d.replicaOptions(newConcurrentFake(t, func(p *peer) { p.hold() }).net.Dial))
			failed.Store(err != nil)
		}()
		time.Sleep(time.Second)
		d.ends(t, "Connect gives up", func() error { time.Sleep(2 * time.Minute); return nil })
		if !failed.Load() {
			t.Error("Connect succeeded")
		}
	})
}

// The file in which a payload waits for its length to be known is closed with the sync, however that ends.
func TestPayloadFileIsClosed(t *testing.T) {
	if _, err := os.ReadDir("/proc/self/fd"); err != nil {
		t.Skip("open files cannot be listed here")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		value := make([]byte, 4<<20)
		for i := range value {
			value[i] = byte(i * i >> 7)
		}
		p.Do("SET", "k", value)
		done, stuck := dial(t, p), dial(t, p)
		for _, c := range []*peer{done, stuck} {
			c.send("PSYNC", "?", "-1")
			c.expect("+FULLRESYNC")
		}
		done.payload()
		synctest.Wait()
		if n := openFiles(dir); n != 1 {
			t.Errorf("%d files are open, want that of the sync under way", n)
		}
		p.Close()
		if n := openFiles(dir); n != 0 {
			t.Errorf("%d files are open after Close", n)
		}
	})
}

// openFiles counts the files of this process that are, or were, in dir.
func openFiles(dir string) (n int) {
	list, _ := os.ReadDir("/proc/self/fd")
	for _, f := range list {
		if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.HasPrefix(to, dir) {
			n++
		}
	}
	return n
}

// The context of ServeConn ends the connection also after the client has become a replica, and reads nothing.
func TestServeConnEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		a, b := memnet.Pipe(nil)
		defer a.Close()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.ServeConn(ctx, b) }()
		p.Do("SET", "k", strings.Repeat("x", 1<<20)) // more than a connection takes
		newPeer(t, a).send("PSYNC", "?", "-1")
		synctest.Wait()
		cancel()
		synctest.Wait()
		select {
		case <-ended:
		default:
			t.Error("the replica is served on")
		}
	})
}
