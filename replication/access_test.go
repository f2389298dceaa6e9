package replication_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/replication/internal/testcert"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// A user of a real server who may do what replication needs and no more is enough, for a library's replica and for a server with masteruser; with less,
// following stops and says why. Barrier needs more, and says so.
func TestInteropLeastRights(t *testing.T) {
	for _, v := range []realserver.Version{realserver.R7, realserver.R8} {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			p := realserver.Start(t, v)
			mustDo(t, p, "ACL", "SETUSER", "repl", "on", ">it's secret", "+psync", "+replconf", "+ping")
			mustDo(t, p, "ACL", "SETUSER", "noconf", "on", ">x", "+psync", "+ping")
			mustDo(t, p, "ACL", "SETUSER", "nosync", "on", ">x", "+replconf", "+ping")
			mustDo(t, p, "INCR", "n")
			url := func(who string) string { return "redis://" + who + "@" + p.Addr() }
			r := connect(t, url("repl:it's%20secret"), nil)
			s := run(t, nil, "--port", "1", "--save", "", "--dir", t.TempDir(), "--masteruser", "repl", "--masterauth", "it's secret", "--replicaof", "127.0.0.1 "+p.Port())
			c := connTo(t, s.Addr().String())
			for range 20 {
				mustDo(t, p, "INCR", "n")
			}
			realserver.Await(t, 20*time.Second, func() bool { return get(r.Store(), "n") == "21" && c.Do("GET", "n") == "21" }, "both follow")
			mustDo(t, p, "WAIT", "2", "1000") // their acknowledgements are allowed
			if got := p.Do("WAIT", "2", "1000"); got != int64(2) {
				t.Errorf("WAIT = %v, want 2", got)
			}
			if err := r.Barrier(t.Context()); !errors.Is(err, replication.ErrNoBarrier) || !errors.Is(err, replication.ErrDenied) {
				t.Errorf("Barrier without +info: %v", err)
			}
			mustDo(t, p, "ACL", "SETUSER", "repl", "+info")
			if err := r.Barrier(t.Context()); err != nil {
				t.Errorf("Barrier with +info: %v", err)
			}
			for who, command := range map[string]string{"noconf:x": "REPLCONF", "nosync:x": "PSYNC", "repl:wrong": "AUTH", "nobody:x": "AUTH"} {
				_, err := replication.Connect(t.Context(), url(who), nil)
				var refused *replication.RefusedError
				if !errors.As(err, &refused) || refused.Command != command || !errors.Is(err, replication.ErrDenied) {
					t.Errorf("%s: %v, want %s refused", who, err, command)
				}
			}
			c.Close()
			s.stop(t)
		})
	}
}

// socketDir returns a folder whose name is short enough for sockets in it.
func socketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "us")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// A replica follows over a socket file: a server of ours, and itself through a listener given to Serve; a cut link continues, and credentials work as over TCP.
func TestFollowOverUnixSocket(t *testing.T) {
	dir := socketDir(t)
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	s, err := replication.NewServer([]string{"--port", "0", "--unixsocket", first, "--save", "", "--dir", dir, "--requirepass", "it's secret",
		"--repl-diskless-sync-delay", "0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	server := &running{Server: s, cancel: cancel, end: make(chan error, 1)}
	go func() { server.end <- s.Run(ctx) }()
	defer cancel()
	nc, err := net.Dial("unix", first)
	if err != nil {
		t.Fatal(err)
	}
	c := realserver.NewConn(nc)
	mustDo(t, c, "AUTH", "it's secret")
	mustDo(t, c, "INCR", "n")
	r := connect(t, "unix://default:it's%20secret@"+first, nil)
	l, err := net.Listen("unix", second)
	if err != nil {
		t.Fatal(err)
	}
	go r.Serve(l)
	last := connect(t, "unix://"+second, nil)
	follow := func(n string) {
		t.Helper()
		mustDo(t, c, "INCR", "n")
		realserver.Await(t, 20*time.Second, func() bool { return get(r.Store(), "n") == n && get(last.Store(), "n") == n }, "n is "+n)
	}
	follow("2")
	mustDo(t, c, "CLIENT", "KILL", "TYPE", "replica")
	follow("3")
	for _, node := range []*replication.Replica{r, last} {
		if err := node.Barrier(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if st := r.Status(); st.Primary != first || st.FullSyncs != 1 || st.PartialSyncs != 1 {
		t.Errorf("primary %s, %d full and %d partial resyncs, want %s, 1 and 1", st.Primary, st.FullSyncs, st.PartialSyncs, first)
	}
	last.Close()
	r.Close()
	c.Close()
	server.stop(t)
}

// So it does with Redis.
func TestInteropUnixSocket(t *testing.T) {
	sock := filepath.Join(socketDir(t), "redis")
	p := realserver.Start(t, realserver.R7, "--unixsocket", sock)
	mustDo(t, p, "INCR", "n")
	r := connect(t, "unix://"+sock, nil)
	mustDo(t, p, "INCR", "n")
	p.KillReplicaLinks()
	mustDo(t, p, "INCR", "n")
	realserver.Await(t, 20*time.Second, func() bool { return get(r.Store(), "n") == "3" }, "the replica has n = 3")
	if err := r.Barrier(t.Context()); err != nil {
		t.Error(err)
	}
}

// A client may name a primary to an embedded node that lets it, but not make it show its password in the clear where it shows it over TLS.
func TestSteeredNodeKeepsTLS(t *testing.T) {
	ca := testcert.New(t)
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		near, far := &secureSide{cert: ca.Issue("replica")}, &secureSide{cert: ca.Issue("secure")}
		serveTLS(t, p, p, far.server(ca.Pool()))
		heard := make(chan []byte, 1)
		trap := p.Listen("trap:6379")
		defer trap.Close()
		go func() {
			c, err := trap.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			b := make([]byte, 4)
			n, _ := c.Read(b)
			heard <- b[:n]
		}()
		r, err := replication.Connect(t.Context(), secureURL, &replication.ReplicaOptions{
			Dial: p.Dial, TLS: near.client(ca.Pool()), Backoff: second, AllowReplicaOf: true, Store: store.New(nil),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Store().Close()
		defer r.Close()
		c := clientOf(t, r)
		defer c.Close()
		c.send("REPLICAOF", "trap", "6379")
		c.expect("+OK")
		if b := <-heard; !strings.HasPrefix(string(b), "\x16\x03") {
			t.Errorf("the new primary was sent %q, want the beginning of a TLS handshake", b)
		}
		c.send("REPLICAOF", "secure", "6379")
		c.expect("+OK")
		settle()
		if st := r.Status(); st.State != replication.Streaming || st.Primary != "secure:6379" {
			t.Errorf("back at the first primary: %+v", st)
		}
	})
}
