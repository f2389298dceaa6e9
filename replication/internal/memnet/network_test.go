package memnet

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func mustListen(t *testing.T, n *Network, addr string) net.Listener {
	t.Helper()
	l, err := n.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// connect returns both ends of a new connection to l.
func connect(t *testing.T, n *Network, l net.Listener) (dialed, accepted *Conn) {
	t.Helper()
	d, err := n.Dial(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return d.(*Conn), a.(*Conn)
}

func TestDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		l := mustListen(t, n, "primary:6379")
		dialed, accepted := connect(t, n, l)
		if dialed.RemoteAddr() != l.Addr() || accepted.LocalAddr() != l.Addr() || accepted.RemoteAddr() != dialed.LocalAddr() {
			t.Errorf("addresses %v -> %v, listener %v", dialed.LocalAddr(), dialed.RemoteAddr(), l.Addr())
		}
		if _, _, err := net.SplitHostPort(accepted.RemoteAddr().String()); err != nil {
			t.Errorf("a server cannot parse its client's address: %v", err)
		}
		mustWrite(t, dialed, "question")
		wantRead(t, accepted, "question", nil)
		mustWrite(t, accepted, "answer")
		wantRead(t, dialed, "answer", nil)
		if in, out := n.Delivered(); in != 8 || out != 6 {
			t.Errorf("Delivered() = %d, %d, want 8, 6", in, out)
		}
	})
}

func TestListen(t *testing.T) {
	n := New(nil)
	l := mustListen(t, n, "x:1")
	_, err := n.Listen("x:1")
	wantErr(t, "address in use", err, syscall.EADDRINUSE)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	wantErr(t, "second Close", l.Close(), net.ErrClosed)
	_, err = l.Accept()
	wantErr(t, "Accept after Close", err, net.ErrClosed)
	mustListen(t, n, "x:1")

	free1, free2 := mustListen(t, n, "127.0.0.1:0"), mustListen(t, n, "")
	for _, l := range []net.Listener{free1, free2} {
		if host, port, err := net.SplitHostPort(l.Addr().String()); err != nil || host != "127.0.0.1" || port == "0" {
			t.Errorf("free address %v", l.Addr())
		}
	}
	if free1.Addr() == free2.Addr() {
		t.Errorf("the same free address %v twice", free1.Addr())
	}
}

func TestDialRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		dial := func(what string, ctx context.Context, want error) {
			t.Helper()
			c, err := n.Dial(ctx, "tcp", "x:1")
			if c != nil {
				t.Errorf("%s: got a connection", what)
			}
			wantErr(t, what, err, want)
		}
		dial("nobody listens", t.Context(), syscall.ECONNREFUSED)
		l := mustListen(t, n, "x:1")
		n.Refuse(true)
		dial("refused", t.Context(), syscall.ECONNREFUSED)
		n.Refuse(false)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		dial("cancelled", ctx, context.Canceled)
		connect(t, n, l)
		l.Close()
		dial("closed", t.Context(), syscall.ECONNREFUSED)
		if got := n.Dials(); got != 1 {
			t.Errorf("Dials() = %d, want 1", got)
		}
	})
}

// TestAcceptQueue: dialing does not wait for Accept, until the queue is full; then the listener's end ends it.
func TestAcceptQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		l := mustListen(t, n, "x:1")
		first, err := n.Dial(t.Context(), "tcp", "x:1")
		if err != nil {
			t.Fatal(err)
		}
		for range acceptQueue - 1 {
			if _, err := n.Dial(t.Context(), "tcp", "x:1"); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.Dial(ctx, "tcp", "x:1"); err == nil {
			t.Error("the queue has no end")
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := n.Dial(t.Context(), "tcp", "x:1")
			wantErr(t, "Dial while the listener closes", err, syscall.ECONNREFUSED)
		})
		synctest.Wait()
		l.Close()
		wg.Wait()
		wantRead(t, first.(*Conn), "", syscall.ECONNRESET)
		if c := n.Conns(); len(c) != 0 {
			t.Errorf("%d connections live after the listener reset them", len(c))
		}
	})
}

func TestCloseUnblocksAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := mustListen(t, New(nil), "x:1")
		go func() {
			time.Sleep(time.Second)
			l.Close()
		}()
		_, err := l.Accept()
		wantErr(t, "Accept", err, net.ErrClosed)
	})
}

// TestFaultsForConnectionsToCome: OnDial concerns all, OnNextDial one each, in order.
func TestFaultsForConnectionsToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		l := mustListen(t, n, "x:1")
		n.OnDial(func(c *Conn) { c.Outgoing().Corrupt(0, 0x20) })
		n.OnNextDial(func(c *Conn) { c.Outgoing().CutAfter(3) })
		n.OnNextDial(func(c *Conn) { c.Cut() })
		for _, want := range []string{"Abc", "", "Abcde", "Abcde"} {
			dialed, accepted := connect(t, n, l)
			dialed.Write([]byte("abcde"))
			dialed.Close()
			if got, err := io.ReadAll(accepted); string(got) != want || err != nil {
				t.Errorf("read %q, %v, want %q", got, err, want)
			}
		}
		n.OnDial(nil)
		dialed, accepted := connect(t, n, l)
		mustWrite(t, dialed, "abcde")
		wantRead(t, accepted, "abcde", nil)
	})
}

func TestCutAllAndConns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		l := mustListen(t, n, "x:1")
		live := func(want int) {
			t.Helper()
			if got := len(n.Conns()); got != want {
				t.Errorf("%d live connections, want %d", got, want)
			}
		}
		d1, a1 := connect(t, n, l)
		d2, a2 := connect(t, n, l)
		live(2)
		d1.Close()
		live(2) // the other end can still read
		a1.Close()
		live(1)
		d3, a3 := connect(t, n, l)
		d3.Outgoing().CutAfter(1)
		mustWrite(t, d3, "xy")
		wantRead(t, a3, "x", nil)
		live(1)
		if n.Conns()[0] != d2 {
			t.Error("the wrong connection is live")
		}
		if got := n.CutAll(); got != 1 {
			t.Errorf("CutAll() = %d, want 1", got)
		}
		live(0)
		wantRead(t, d2, "", io.EOF)
		wantRead(t, a2, "", io.EOF)
		if in, _ := n.Delivered(); in != 1 {
			t.Errorf("%d bytes delivered, want those of connections that are gone", in)
		}
		d4, a4 := connect(t, n, l)
		mustWrite(t, d4, "again")
		wantRead(t, a4, "again", nil)
	})
}

func Example() {
	n := New(nil)
	l, err := n.Listen("primary:6379")
	if err != nil {
		panic(err)
	}
	n.OnNextDial(func(c *Conn) { c.Incoming().CutAfter(5) })
	go func() {
		c, err := l.Accept()
		if err == nil {
			io.Copy(c, strings.NewReader("hello, world"))
		}
	}()
	c, err := n.Dial(context.Background(), "tcp", "primary:6379")
	if err != nil {
		panic(err)
	}
	p, err := io.ReadAll(c)
	fmt.Printf("%q %v\n", p, err)
	// Output: "hello" <nil>
}
