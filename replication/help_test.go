package replication_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// do runs a command on a store's database 0 and fails the test on an error.
func do(t testing.TB, s *store.Store, args ...string) string {
	t.Helper()
	v, err := s.DB(0).Do(args...)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return v.String()
}

// get returns the string at a key, "" when there is none.
func get(s *store.Store, key string) string {
	v, err := s.DB(0).Get(key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err.Error()
	}
	return v
}

// settle lets everything happen that can happen within a few seconds of virtual time, two acknowledgements included.
func settle() {
	time.Sleep(2500 * time.Millisecond)
	synctest.Wait()
}

// rdbOf returns the RDB file of a store that holds the given keys with value "v".
func rdbOf(t testing.TB, keys ...string) []byte {
	t.Helper()
	s := store.New(nil)
	defer s.Close()
	for _, k := range keys {
		do(t, s, "SET", k, "v")
	}
	return fileOf(t, s)
}

// peer is the test's end of a connection, on either side of the protocol. Its methods fail the test, from whatever goroutine.
type peer struct {
	net.Conn
	in *resp.Reader
	t  testing.TB
}

func newPeer(t testing.TB, c net.Conn) *peer {
	return &peer{c, resp.NewReader(bufio.NewReader(c), nil), t}
}

func (p *peer) say(format string, args ...any) {
	fmt.Fprintf(p.Conn, format, args...) // an error shows in what comes back, or does not
}

func (p *peer) send(args ...string) { p.Conn.Write(resp.AppendCommand(nil, args...)) }

// command returns the next command, "" at the end of the connection. Newlines are passed over.
func (p *peer) command() string {
	for {
		args, err := p.in.ReadCommand()
		if err != nil {
			return ""
		}
		if len(args) > 0 {
			return string(bytes.Join(args, []byte(" ")))
		}
	}
}

// line returns the next line that is not blank, "" at the end.
func (p *peer) line() string {
	for {
		l, err := p.in.ReadLine()
		if err != nil {
			return ""
		}
		if len(l) > 0 {
			return string(l)
		}
	}
}

// expect reads one line and compares its beginning.
func (p *peer) expect(prefix string) string {
	p.t.Helper()
	l := p.line()
	if !strings.HasPrefix(l, prefix) || l == "" {
		p.t.Errorf("got line %q, want %q...", l, prefix)
	}
	return l
}

// silent fails unless nothing at all arrives for d.
func (p *peer) silent(d time.Duration) {
	p.t.Helper()
	p.SetReadDeadline(time.Now().Add(d))
	defer p.SetReadDeadline(time.Time{})
	var b [64]byte
	if n, err := p.in.Read(b[:]); n != 0 || err == nil {
		p.t.Errorf("got %q, %v, want silence for %v", b[:n], err, d)
	}
}

// read returns exactly n bytes.
func (p *peer) read(n int) string {
	p.t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(p.in, b); err != nil {
		p.t.Errorf("reading %d bytes: %v", n, err)
	}
	return string(b)
}

// closed fails unless the connection ends within d, whatever still comes before that.
func (p *peer) closed(d time.Duration) {
	p.t.Helper()
	p.SetReadDeadline(time.Now().Add(d))
	if _, err := io.Copy(io.Discard, p.in); err != nil && !strings.Contains(err.Error(), "reset") {
		p.t.Errorf("the connection is open after %v: %v", d, err)
	}
}

// fakePrimary serves one script per connection, the last one for all that follow.
type fakePrimary struct {
	t    testing.TB
	net  *memnet.Network
	l    net.Listener
	done chan struct{}
}

// wireMark ends payloads. No beginning of it is also an end of it, as in a mark that was drawn at random: else a file that happens to end in such a piece would seem
// to end early.
const wireMark = "0123456789abcdefghijklmnopqrstuvwxyzABCD"

const fakeID = "00112233445566778899aabbccddeeff00112233"

func newFakePrimary(t testing.TB, scripts ...func(p *peer)) *fakePrimary {
	return startFake(t, func(i int, p *peer, _ *sync.WaitGroup) {
		defer p.Close()
		scripts[min(i, len(scripts)-1)](p)
	})
}

func startFake(t testing.TB, serve func(i int, p *peer, wg *sync.WaitGroup)) *fakePrimary {
	f := &fakePrimary{t: t, net: memnet.New(nil), done: make(chan struct{})}
	var err error
	if f.l, err = f.net.Listen("fake:6379"); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(f.done)
		var wg sync.WaitGroup
		defer wg.Wait()
		for i := 0; ; i++ {
			c, err := f.l.Accept()
			if err != nil {
				return
			}
			serve(i, newPeer(t, c), &wg)
		}
	}()
	t.Cleanup(func() {
		f.l.Close()
		f.net.CutAll()
		<-f.done
	})
	return f
}

// replica starts a replica of the fake that is closed by the cleanup. It does not wait for a sync.
func (f *fakePrimary) replica(o *replication.ReplicaOptions) (*replication.Replica, chan error) {
	f.t.Helper()
	var c replication.ReplicaOptions
	if o != nil {
		c = *o
	}
	c.Dial = f.net.Dial
	return startReplica(f.t, "redis://fake:6379", &c)
}

// startReplica runs a replica and returns the channel that receives what Run returned.
func startReplica(t testing.TB, url string, o *replication.ReplicaOptions) (*replication.Replica, chan error) {
	t.Helper()
	r, err := replication.NewReplica(url, o)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	t.Cleanup(func() { r.Close() })
	return r, ended
}

// shakeHands plays the primary up to PSYNC and returns the request.
func (p *peer) shakeHands() string {
	for {
		switch c := p.command(); {
		case c == "PING":
			p.say("+PONG\r\n")
		case strings.HasPrefix(c, "PSYNC"), c == "":
			return c
		default:
			p.say("+OK\r\n")
		}
	}
}

// grant plays the primary up to the end of a payload with a mark, at the given offset, and returns the request.
func (p *peer) grant(file []byte, offset int) string {
	req := p.shakeHands()
	mark := wireMark
	p.say("+FULLRESYNC %s %d\r\n$EOF:%s\r\n%s%s", fakeID, offset, mark, file, mark)
	return req
}

// hold keeps the connection until the other side ends it, passing over what comes.
func (p *peer) hold() { io.Copy(io.Discard, p.in) }

// newConcurrentFake serves the same script on every connection, all at once.
func newConcurrentFake(t testing.TB, script func(p *peer)) *fakePrimary {
	return startFake(t, func(_ int, p *peer, wg *sync.WaitGroup) {
		wg.Go(func() {
			defer p.Close()
			script(p)
		})
	})
}

// live is hold for a primary that shows that it is there.
func (p *peer) live() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := p.Write([]byte("*1\r\n$4\r\nPING\r\n")); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	}()
	p.hold()
	<-done
}

func itoa(n int) string { return strconv.Itoa(n) }
