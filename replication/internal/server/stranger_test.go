package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/replication/internal/testcert"
	"github.com/understudy-go/understudy/resp"
)

// commandOf returns a command of n words on the wire, the last of which has size bytes: ECHO where that takes so many, else DEL.
func commandOf(n, size int) string {
	args := make([]string, n)
	if args[0] = "ECHO"; n > 2 {
		args[0] = "DEL"
	}
	args[n-1] = strings.Repeat("x", size)
	return string(resp.AppendCommand(nil, args...))
}

// strangerTalks are what clients say to a server whose password is x, and the beginnings of the answers: up to the limits and one beyond, before and after
// AUTH, in one piece.
var strangerTalks = []struct{ name, text, want string }{
	{"as many arguments as allowed", commandOf(10, 1), "-NOAUTH"},
	{"one more", commandOf(11, 1), "-ERR Protocol error: unauthenticated multibulk length"},
	{"an argument as long as allowed", commandOf(2, 16384), "-NOAUTH"},
	{"a byte longer", commandOf(2, 16385), "-ERR Protocol error: unauthenticated bulk length"},
	{"a length that nobody may claim", "*1\r\n$-5\r\n", "-ERR Protocol error: invalid bulk length"},
	{"behind a wrong password", "AUTH y\r\n" + commandOf(11, 1), "-WRONGPASS invalid username-password pair or user is disabled.\r\n-ERR Protocol error: unauthenticated multibulk length"},
	{"behind the password", "AUTH x\r\n" + commandOf(11, 1) + commandOf(2, 16385), "+OK\r\n:0\r\n$16385\r\n"},
	{"behind HELLO", "HELLO 2 AUTH default x\r\n" + commandOf(11, 1), "*14\r\n"},
	{"after RESET", "AUTH x\r\nRESET\r\n" + commandOf(11, 1), "+OK\r\n+RESET\r\n-ERR Protocol error: unauthenticated multibulk length"},
	{"after RESET and AUTH", "AUTH x\r\nRESET\r\nAUTH x\r\n" + commandOf(11, 1), "+OK\r\n+RESET\r\n+OK\r\n:0"},
}

func TestStrangersMaySayLittle(t *testing.T) {
	s := start(t, newFake(t), "--requirepass", "x")
	for _, talk := range strangerTalks {
		if got := exchange(t, s, talk.text); !strings.HasPrefix(got, talk.want) {
			t.Errorf("%s: got %.200q, want %q", talk.name, got, talk.want)
		}
	}
	open := start(t, newFake(t)) // without a password there are no strangers
	if got := exchange(t, open, commandOf(2, 16385)); !strings.HasPrefix(got, "$16385") {
		t.Errorf("without a password: %.100q", got)
	}
}

// A real server says the same.
func TestStrangersOfRedis(t *testing.T) {
	r := realserver.Start(t, realserver.R7, "--requirepass", "x")
	for _, talk := range strangerTalks {
		nc, err := net.Dial("tcp", r.Addr())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(nc, talk.text)
		got := make([]byte, len(talk.want))
		for n := 0; n < len(got); {
			m, err := nc.Read(got[n:])
			if n += m; err != nil {
				got = got[:n]
			}
		}
		if string(got) != talk.want {
			t.Errorf("%s: Redis says %.200q, want %q", talk.name, got, talk.want)
		}
		nc.Close()
	}
}

// Who does not show the password in time is closed, however busy; who has shown it is not, until it gives that up.
func TestStrangersHaveLittleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t), "--requirepass", "x")
		begun := time.Now()
		known, silent, busy := dial(t, s), dial(t, s), dial(t, s)
		known.want("OK", "AUTH", "x")
		go func() {
			for _, err := busy.conn.Write([]byte("PING\r\n")); err == nil; _, err = busy.conn.Write([]byte("PING\r\n")) {
				time.Sleep(time.Second)
			}
		}()
		for _, c := range []*client{silent, busy} {
			if err := ended(c, time.Hour); err != nil || time.Since(begun) != strangerTime {
				t.Errorf("closed after %v with %v, want %v and nothing to tell", time.Since(begun), err, strangerTime)
			}
		}
		time.Sleep(time.Hour)
		known.want("PONG", "PING")
		known.want("RESET", "RESET")
		begun = time.Now()
		if ended(known, time.Hour); time.Since(begun) != strangerTime {
			t.Errorf("closed %v after RESET, want %v", time.Since(begun), strangerTime)
		}
	})
}

// ended returns what the end of serving a client was, within d.
func ended(c *client, d time.Duration) error {
	select {
	case err := <-c.end:
		return err
	case <-time.After(d):
		c.conn.Close() // for who writes to it
		return errors.New("it goes on")
	}
}

// Strangers give way to each other beyond their number and, where maxclients is reached, to anybody; known clients never do.
func TestStrangersMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t), "--requirepass", "x", "--maxclients", "200")
		known := dial(t, s)
		known.want("OK", "AUTH", "x")
		var list []*client
		for range fewStrangers {
			list = append(list, dial(t, s))
			synctest.Wait()
		}
		known.want("PONG", "PING")
		last := dial(t, s)
		<-list[0].end
		last.want("OK", "AUTH", "x") // which frees a place among the strangers
		dial(t, s)
		synctest.Wait()
		list[1].want("NOAUTH Authentication required.", "PING")
		wantFields(t, parseInfo(t, known.value("INFO").Str), fmt.Sprintf("rejected_connections:1 connected_clients:%d", fewStrangers+2))
		s.Close()
	})
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t), "--requirepass", "x", "--maxclients", "2")
		known, stranger := dial(t, s), dial(t, s)
		known.want("OK", "AUTH", "x")
		synctest.Wait() // until the stranger is one: who comes later would be the one to stay
		third := dial(t, s)
		<-stranger.end
		third.want("OK", "AUTH", "x")
		fourth := dial(t, s)
		if got := fourth.read().Str; got != "ERR max number of clients reached" {
			t.Errorf("with two known clients of two the next got %q", got)
		}
		third.want("RESET", "RESET")
		dial(t, s)
		<-third.end
		known.want("PONG", "PING")
	})
}

// secured returns what a server sees of a TLS connection, and the raw other end.
func secured(ca *testcert.CA) (net.Conn, *memnet.Conn) {
	near, far := memnet.Pipe(nil)
	return tls.Server(far, &tls.Config{Certificates: []tls.Certificate{ca.Issue("server")}}), near
}

// A handshake that does not come to its end is cut, and as long as it lasts its connection is that of a stranger.
func TestHandshakeIsBounded(t *testing.T) {
	ca := testcert.New(t)
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.WarnLevel)
		s := New(newFake(t), &Options{Config: testConfig(t), Standalone: true, Logger: zap.New(core)})
		defer s.Close()
		far, near := secured(ca)
		defer near.Close()
		l := listenerOf(far)
		go s.Serve(l)
		begun := time.Now()
		near.Write([]byte{0x16, 3, 1}) // the first bytes of a hello
		near.SetReadDeadline(begun.Add(time.Hour))
		synctest.Wait()
		if s.clientCount() != 1 || len(s.strangers) != 1 {
			t.Errorf("%d clients, %d strangers, want one of each", s.clientCount(), len(s.strangers))
		}
		if n, err := near.Read(make([]byte, 1)); n != 0 || err == nil || time.Since(begun) != handshakeTime {
			t.Errorf("read %d bytes, %v, after %v, want the end after %v", n, err, time.Since(begun), handshakeTime)
		}
		synctest.Wait()
		if all := logs.FilterMessage("TLS handshake failed").All(); len(all) != 1 || all[0].ContextMap()["client"] != "127.0.0.1:1" {
			t.Errorf("logged %v, want the failure and its client", all)
		}
	})
	synctest.Test(t, func(t *testing.T) { // Close ends one at once
		s := start(t, newFake(t))
		far, near := secured(ca)
		defer near.Close()
		end := make(chan error, 1)
		go func() { end <- s.ServeConn(context.Background(), far) }()
		synctest.Wait()
		begun := time.Now()
		s.Close()
		if err := <-end; err != nil || time.Since(begun) != 0 {
			t.Errorf("ServeConn = %v %v after Close", err, time.Since(begun))
		}
	})
}

// listenerOf returns a listener with one connection.
func listenerOf(c net.Conn) net.Listener {
	l := &oneConn{c: make(chan net.Conn, 1), closed: make(chan struct{})}
	l.c <- c
	return l
}

type oneConn struct {
	c      chan net.Conn
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.c:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l *oneConn) Addr() net.Addr { return memnet.Addr("one") }

// A TLS client that is not let in is told why, when it can read that.
func TestProtectedModeOverTLS(t *testing.T) {
	ca := testcert.New(t)
	s := start(t, newFake(t))
	far, near := secured(ca)
	go s.ServeConn(context.Background(), addressed{far, &net.TCPAddr{IP: net.ParseIP("192.0.2.1")}}.secure())
	c := tls.Client(near, &tls.Config{RootCAs: ca.Pool(), ServerName: "server"})
	v, err := resp.NewReader(c, nil).ReadValue()
	if err != nil || !strings.HasPrefix(v.Str, "DENIED") {
		t.Errorf("got %v, %v, want DENIED", v, err)
	}
	near.Close()
}

// secure keeps what the server needs of a TLS connection.
func (a addressed) secure() net.Conn { return addressedTLS{a.Conn.(*tls.Conn), a.remote} }

type addressedTLS struct {
	*tls.Conn
	remote net.Addr
}

func (a addressedTLS) RemoteAddr() net.Addr { return a.remote }

// Over TLS everything is as without: clients that wait and are woken up, and the end, which comes with a good-bye. A client that reads nothing cannot make
// closing its connection take time.
func TestClientOverTLS(t *testing.T) {
	ca := testcert.New(t)
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t))
		dialTLS := func() *client {
			far, near := secured(ca)
			c := &client{t: t, raw: tls.Client(near, &tls.Config{RootCAs: ca.Pool(), ServerName: "server"}), end: make(chan error, 1)}
			c.r = resp.NewReader(c.raw, nil)
			t.Cleanup(func() { near.Close() })
			go func() { c.end <- s.ServeConn(context.Background(), far) }()
			return c
		}
		a, b := dialTLS(), dialTLS()
		for i := range 3 {
			a.send(string(resp.AppendCommand(nil, "BLPOP", "list", "0")))
			synctest.Wait()
			b.want("", "RPUSH", "list", "v"+fmt.Sprint(i))
			if got := a.read().String(); !strings.Contains(got, "v"+fmt.Sprint(i)) {
				t.Errorf("BLPOP = %s", got)
			}
			a.want("PONG", "PING")
		}
		if len(s.strangers) != 0 {
			t.Error("strangers without a password")
		}
		a.want("OK", "QUIT")
		if _, err := a.r.ReadValue(); err == nil || errors.Is(err, net.ErrClosed) || err.Error() != "EOF" {
			t.Errorf("after QUIT: %v, want a good-bye and so the plain end", err)
		}
		b.want("", "CLIENT", "ID")
		begun := time.Now()
		s.Close()
		if got := time.Since(begun); got != 0 {
			t.Errorf("Close took %v", got)
		}
	})
}
