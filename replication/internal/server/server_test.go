package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/resp"
)

// TestPipelining: many commands in one write come back in order, also when there are more replies than one chunk holds.
func TestPipelining(t *testing.T) {
	c := dial(t, start(t, newFake(t)))
	const n = 3000
	payload := strings.Repeat("x", 100)
	var b []byte
	for i := range n {
		b = resp.AppendCommand(b, "ECHO", portText(i)+payload)
	}
	go c.conn.Write(b)
	for i := range n {
		if got := c.read().Str; got != portText(i)+payload {
			t.Fatalf("reply %d = %.20q", i, got)
		}
	}
}

// TestOneFlush: replies to commands that arrived together are written together.
func TestOneFlush(t *testing.T) {
	near, far := net.Pipe() // a Write of net.Pipe ends when it is read, so each Read is part of one Write
	s := start(t, newFake(t))
	go s.ServeConn(context.Background(), far)
	defer near.Close()
	near.Write([]byte("PING\r\nPING\r\nPING\r\n"))
	buf := make([]byte, 100)
	if n, err := near.Read(buf); err != nil || string(buf[:n]) != "+PONG\r\n+PONG\r\n+PONG\r\n" {
		t.Errorf("first write %q, %v, want all three replies", buf[:n], err)
	}
}

func TestMaxClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t), "--maxclients", "2")
		a, b := dial(t, s), dial(t, s)
		a.want("PONG", "PING")
		b.want("PONG", "PING")
		c := dial(t, s)
		if got := c.read().Str; got != "ERR max number of clients reached" {
			t.Errorf("third of two clients got %q", got)
		}
		c.gone()
		wantFields(t, parseInfo(t, a.value("INFO").Str), "rejected_connections:1 connected_clients:2 maxclients:2")
		b.send("QUIT\r\n")
		b.read()
		b.gone()
		synctest.Wait()
		dial(t, s).want("PONG", "PING")
	})
}

func TestIdleClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t), "--timeout", "10")
		c := dial(t, s)
		began := time.Now()
		for range 3 {
			time.Sleep(9 * time.Second)
			c.want("PONG", "PING")
		}
		c.gone()
		if got := time.Since(began); got != 37*time.Second {
			t.Errorf("idle client was closed after %v, want 37s", got)
		}
		if err := <-c.end; err != nil {
			t.Errorf("ServeConn = %v, want nil for an idle client", err)
		}
	})
}

// TestClientThatDoesNotRead is closed after the write timeout and holds up nobody.
func TestClientThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFake(t)
		s := New(n, &Options{Config: testConfig(t), WriteTimeout: 5 * time.Second})
		defer s.Close()
		near, far := memnet.Pipe(&memnet.Options{Buffer: 1000})
		end := make(chan error, 1)
		go func() { end <- s.ServeConn(context.Background(), far) }()
		big := strings.Repeat("x", 900)
		began := time.Now()
		go func() {
			for near != nil {
				if _, err := near.Write(resp.AppendCommand(nil, "ECHO", big)); err != nil {
					return
				}
			}
		}()
		<-end
		if got := time.Since(began); got != 5*time.Second {
			t.Errorf("closed after %v, want 5s", got)
		}
		dial(t, s).want("PONG", "PING")
		near.Close()
	})
}

func TestOutputLimit(t *testing.T) {
	s := start(t, newFake(t), "--client-output-buffer-limit", "normal 1000 0 0")
	c := dial(t, s)
	c.want(strings.Repeat("x", 900), "ECHO", strings.Repeat("x", 900))
	c.send(string(resp.AppendCommand(nil, "ECHO", strings.Repeat("x", 1000))))
	c.gone()
	if err := <-c.end; !errors.Is(err, errOutputLimit) {
		t.Errorf("ServeConn = %v, want %v", err, errOutputLimit)
	}
	other := dial(t, s)
	other.want("OK", "CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0") // INFO is long
	wantFields(t, parseInfo(t, other.value("INFO").Str), "client_output_buffer_limit_disconnections:1")
}

// TestQueryLimit: a command that never ends costs no more than the limit, which is low for strangers. Many short ones are no matter.
func TestQueryLimit(t *testing.T) {
	for _, c := range []struct {
		flags []string
		text  string
		limit int64
	}{
		{[]string{"--requirepass", "x"}, "*10\r\n" + strings.Repeat("$16384\r\n"+strings.Repeat("x", 16384)+"\r\n", 9) + "?", strangerLimit}, // which would be wrong if it came so far
		{[]string{"--client-query-buffer-limit", "1mb"}, "*2\r\n$4\r\nECHO\r\n$500000000\r\n", 1 << 20},
		{[]string{"--client-query-buffer-limit", "1mb"}, "*1000000\r\n", 1 << 20},
	} {
		s := start(t, newFake(t), c.flags...)
		cl := dial(t, s)
		go func() {
			chunk := []byte(strings.Repeat("$4\r\nabcd\r\n", 1000))
			for _, err := cl.conn.Write([]byte(c.text)); err == nil; {
				_, err = cl.conn.Write(chunk)
			}
		}()
		if err := <-cl.end; !errors.Is(err, errQueryLimit) {
			t.Errorf("%q: ServeConn = %v, want %v", c.text, err, errQueryLimit)
		}
		if n := s.stats.bytesIn.Load(); n < c.limit || n > c.limit+1<<20 {
			t.Errorf("%q: %d bytes were read, the limit is %d", c.text, n, c.limit)
		}
	}
	cl := dial(t, start(t, newFake(t), "--client-query-buffer-limit", "1mb"))
	for range 40 {
		cl.want(strings.Repeat("x", 50000), "ECHO", strings.Repeat("x", 50000))
	}
}

// TestHandOver: with PSYNC the node gets a clean connection: earlier replies are out, what came after is still to be read, no deadline is left.
func TestHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFake(t)
		s := start(t, n, "--timeout", "5")
		c := dial(t, s)
		c.send("CLIENT SETNAME r\r\nREPLCONF listening-port 1 capa eof\r\nREPLCONF capa eof\r\nPSYNC ? -1\r\nREPLCONF ACK 0\r\n")
		for _, want := range []string{"OK", "OK", "OK", "CONTINUE"} {
			if got := c.read().Str; got != want {
				t.Errorf("reply %q, want %q", got, want)
			}
		}
		if args, err := c.r.ReadCommand(); err != nil || string(args[2]) != "0" {
			t.Errorf("the node read %q, %v after PSYNC", args, err)
		}
		c.gone()
		if len(n.peers) != 1 || n.psyncs[0] != "PSYNC -1" {
			t.Fatalf("the node got %d peers, %q", len(n.peers), n.psyncs)
		}
		if p := n.peers[0]; !p.CapaEOF || p.ClientID != 1 || p.Name != "r" {
			t.Errorf("peer %+v", p)
		}
		synctest.Wait()
		if got := s.clientCount(); got != 0 {
			t.Errorf("%d clients after the hand-over", got)
		}
	})
}

func TestHandOverWithoutDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t), "--timeout", "5")
		c := dial(t, s)
		c.send("SYNC\r\n")
		c.read()
		if n := s.clientCount(); n != 0 {
			t.Errorf("%d clients while the node serves the only one as a replica", n)
		}
		time.Sleep(time.Hour)
		c.send("PING x\r\n")
		if args, err := c.r.ReadCommand(); err != nil || string(args[0]) != "PING" {
			t.Errorf("after an hour: %q, %v, want the replica still attached", args, err)
		}
		c.gone()
	})
}

// TestHandOverWithoutQueryLimit: limits for clients are no limits for replicas.
func TestHandOverWithoutQueryLimit(t *testing.T) {
	c := dial(t, start(t, newFake(t), "--client-query-buffer-limit", "1mb"))
	c.send("SYNC\r\n")
	c.read()
	big := strings.Repeat("x", 3<<20)
	go c.conn.Write(resp.AppendCommand(nil, "ECHO", big))
	if args, err := c.r.ReadCommand(); err != nil || len(args) != 2 || len(args[1]) != len(big) {
		t.Errorf("the node read %d arguments, %v", len(args), err)
	}
}

// TestClose: connections, listeners and goroutines end, whatever they are doing. The bubble fails if a goroutine is left.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFake(t)
		s := New(n, &Options{Config: testConfig(t)})
		l, dialIt := memListener(t)
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		idle := dialIt()
		idle.want("PONG", "PING")
		waiting, sleeping, paused, replica := dialIt(), dialIt(), dialIt(), dialIt()
		waiting.send("WAIT 1 0\r\n")
		sleeping.send("DEBUG SLEEP 1000\r\n")
		replica.send("SYNC\r\n")
		replica.read()
		synctest.Wait()
		idle.want("OK", "CLIENT", "PAUSE", "1000000")
		paused.send("PING\r\n")
		synctest.Wait()
		replica.conn.Close() // its end is the node's affair
		began := time.Now()
		s.Close()
		s.Close()
		if err := <-served; err != nil || time.Since(began) != 0 {
			t.Errorf("Serve = %v after %v, want nil at once", err, time.Since(began))
		}
		for _, c := range []*client{idle, waiting, sleeping, paused} {
			// Whoever was in the middle of something may still be told how it ended.
			if v, err := c.r.ReadValue(); err == nil && (c == idle || c == paused) {
				t.Errorf("after Close: %v, want the connection closed", v)
			}
			c.conn.Close()
		}
		a, b := memnet.Pipe(nil)
		if err := s.ServeConn(context.Background(), b); !errors.Is(err, net.ErrClosed) {
			t.Errorf("ServeConn after Close = %v, want %v", err, net.ErrClosed)
		}
		a.Close()
		l2, _ := memListener(t)
		if err := s.Serve(l2); err != nil {
			t.Errorf("Serve after Close = %v, want nil", err)
		}
	})
}

// memListener returns a listener in memory and what connects to it.
func memListener(t *testing.T) (net.Listener, func() *client) {
	t.Helper()
	nw := memnet.New(nil)
	l, err := nw.Listen("server:6379")
	if err != nil {
		t.Fatal(err)
	}
	return l, func() *client {
		conn, err := nw.Dial(t.Context(), "tcp", "server:6379")
		if err != nil {
			t.Fatal(err)
		}
		near := conn.(*memnet.Conn)
		return &client{t: t, conn: near, r: resp.NewReader(near, nil)}
	}
}

// TestEmbedded: a server inside another program leaves its node's settings alone, and takes no order to write files or to end. Role and settings are the
// program's, unless it says that clients may steer; who may get in is the program's even then.
func TestEmbedded(t *testing.T) {
	for _, tc := range []struct {
		command                  string
		plain, steered, separate string // replies: the beginning; "" is the refusal
	}{
		{"SAVE", "", "", "OK"},
		{"SHUTDOWN SOMEHOW", "", "", "ERR syntax error"},
		{"REPLICAOF h 1", "", "OK", "OK"},
		{"SLAVEOF NO ONE", "", "OK", "OK"},
		{"replicaof no one", "", "OK", "OK"},
		{"CONFIG REWRITE", "", "ERR The server is running without a config file", "ERR The server is running without a config file"},
		{"CONFIG SET requirepass x", "", "", "OK"},
		{"CONFIG SET REQUIREPASS x", "", "", "OK"},
		{"CONFIG SET masterauth x", "", "OK", "OK"},
		{"CONFIG SET masterauth x requirepass x", "", "", "OK"},
		{"CONFIG SET repl-timeout 9 slave-priority 1", "", "OK", "OK"},
		{"CONFIG SET protected-mode yes", "", "", "OK"},
		{"CONFIG SET maxclients 1", "", "", "OK"},
		{"CONFIG SET save 1", "", "", "ERR CONFIG SET failed"},
		{"CONFIG SET maxmemory 5", "", "", "OK"},
		{"CONFIG SET replicaof h", "", "", "ERR CONFIG SET failed"},
		{"CONFIG SET nope 1", "", "ERR Unknown option", "ERR Unknown option"},
		{"CONFIG GET timeout", "timeout", "timeout", "timeout"},
		{"CONFIG RESETSTAT", "OK", "OK", "OK"},
		{"CLIENT KILL TYPE replica", "0", "0", "0"},
		{"ROLE", "master", "master", "master"},
	} {
		for _, m := range []struct {
			o    Options
			want string
		}{
			{Options{}, tc.plain},
			{Options{Steered: true}, tc.steered},
			{Options{Standalone: true, Config: testConfig(t)}, tc.separate},
		} {
			mode, want := fmt.Sprintf("standalone %v, steered %v", m.o.Standalone, m.o.Steered), m.want
			n := newFake(t)
			before := Settings{Timeout: 123}
			n.settings = before
			s := New(n, &m.o)
			if !m.o.Standalone && n.settings != before {
				t.Errorf("%s: settings of the node were replaced: %+v", mode, n.settings)
			}
			c := dial(t, s)
			got := text(c.value(strings.Fields(tc.command)...))
			if refused := strings.HasSuffix(got, "' inside another program"); refused != (want == "") || !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s = %q, want %q", mode, tc.command, got, want)
			}
			if want == "" && (n.settings != before || len(n.roles) > 0) {
				t.Errorf("%s: %s was refused and changed the node: %+v %v", mode, tc.command, n.settings, n.roles)
			}
			if !m.o.Standalone {
				if s.SavesOnExit() {
					t.Errorf("%s: %s: it saves", mode, tc.command)
				}
				dial(t, s).want("PONG", "PING") // nobody is locked out
			}
			s.Close()
		}
	}
}

// text is a reply's own text, or that of its first element.
func text(v resp.Value) string {
	switch {
	case len(v.Elems) > 0:
		return text(v.Elems[0])
	case v.Kind == resp.Int:
		return fmt.Sprint(v.Int)
	}
	return v.Str
}

// TestEmbeddedSecrets: what the program shows its primary, and what it wants to see, is not for its clients. A server of its own tells, as Redis does.
func TestEmbeddedSecrets(t *testing.T) {
	for _, mode := range []Options{{}, {Steered: true}, {Standalone: true}} {
		want := ""
		if mode.Standalone {
			want = "secret"
		}
		mode.Config = testConfig(t, "--requirepass", "secret", "--masterauth", "secret")
		s := New(newFake(t), &mode)
		c := dial(t, s)
		c.want("OK", "AUTH", "secret")
		for _, name := range []string{"requirepass", "masterauth"} {
			if v := c.value("CONFIG", "GET", name); len(v.Elems) != 2 || v.Elems[1].Str != want {
				t.Errorf("standalone %v: CONFIG GET %s = %v, want %q", mode.Standalone, name, v, want)
			}
		}
		s.Close()
	}
}

// TestSentinelsOrder: what Sentinel sends for a change of role goes through, although there is no file to write.
func TestSentinelsOrder(t *testing.T) {
	n := newFake(t)
	s := New(n, &Options{Steered: true})
	defer s.Close()
	got := exchange(t, s, "MULTI\r\nSLAVEOF h 1\r\nCONFIG REWRITE\r\nCLIENT KILL TYPE normal\r\nCLIENT KILL TYPE pubsub\r\nEXEC\r\n")
	if want := "*4\r\n+OK\r\n-ERR The server is running without a config file\r\n:0\r\n:0\r\n"; !strings.HasSuffix(got, want) || fmt.Sprint(n.roles) != "[h:1]" {
		t.Errorf("%q, roles %v, want %q", got, n.roles, want)
	}
}

func TestProtectedMode(t *testing.T) {
	for _, c := range []struct {
		flags []string
		addr  string
		want  string
	}{
		{nil, "127.0.0.1", "PONG"},
		{nil, "::1", "PONG"},
		{nil, "192.0.2.1", "DENIED"},
		{[]string{"--requirepass", "x"}, "192.0.2.1", "NOAUTH"},
		{[]string{"--protected-mode", "no"}, "192.0.2.1", "PONG"},
		{nil, "127.8.9.10", "PONG"},
		{nil, "::ffff:127.0.0.1", "PONG"},
		{nil, "::ffff:192.0.2.1", "DENIED"},
		{nil, "2001:db8::1", "DENIED"},
		{nil, "0.0.0.0", "DENIED"},
	} {
		s := start(t, newFake(t), c.flags...)
		near, far := net.Pipe()
		go s.ServeConn(context.Background(), addressed{far, &net.TCPAddr{IP: net.ParseIP(c.addr), Port: 4711}})
		go near.Write([]byte("PING\r\n"))
		v, err := resp.NewReader(near, nil).ReadValue()
		if err != nil || !strings.HasPrefix(v.Str, c.want) {
			t.Errorf("%q from %s: %v, %v, want %s", c.flags, c.addr, v, err, c.want)
		}
		near.Close()
	}
}

func TestIsLocal(t *testing.T) {
	for _, c := range []struct {
		addr net.Addr
		want bool
	}{
		{&net.UnixAddr{Net: "unix", Name: ""}, true},
		{&net.UnixAddr{Net: "unix", Name: "/tmp/x"}, true},
		{memnet.Addr("127.0.0.1:5"), true},
		{memnet.Addr("192.0.2.1:5"), false},
		{memnet.Addr("[2001:db8::1%eth0]:5"), false},
		{memnet.Addr("r1:6379"), true}, // a name of a network in memory
		{&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 1}, false},
	} {
		if got := isLocal(c.addr); got != c.want {
			t.Errorf("isLocal(%v) = %v, want %v", c.addr, got, c.want)
		}
	}
}

// addressed is a connection that claims to come from elsewhere.
type addressed struct {
	net.Conn
	remote net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.remote }

// TestPasswordChange: who is in stays in; who comes needs the new one.
func TestPasswordChange(t *testing.T) {
	s := start(t, newFake(t))
	a := dial(t, s)
	a.want("OK", "CONFIG", "SET", "requirepass", "one")
	a.want("PONG", "PING")
	b := dial(t, s)
	b.want("NOAUTH Authentication required.", "PING")
	b.want(wrongPass, "AUTH", "two")
	b.want("OK", "AUTH", "one")
	b.want("PONG", "PING")
}

// TestCutAfterEachByte: a client that vanishes at any point of a conversation leaves nothing behind.
func TestCutAfterEachByte(t *testing.T) {
	const talk = "HELLO 3\r\nMULTI\r\nPING\r\nEXEC\r\nCLIENT LIST\r\nREPLCONF capa eof\r\nWAIT 1 0\r\nPING\r\n"
	for cut := range len(talk) {
		synctest.Test(t, func(t *testing.T) {
			s := New(newFake(t), &Options{Config: testConfig(t)})
			c := dial(t, s)
			c.conn.Outgoing().CutAfter(int64(cut))
			c.conn.Write([]byte(talk)) // may fail
			c.conn.Close()
			<-c.end
			synctest.Wait()
			if got := s.clientCount(); got != 0 {
				t.Errorf("cut after %d bytes: %d clients left", cut, got)
			}
			s.Close()
		})
	}
}
