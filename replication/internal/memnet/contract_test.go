package memnet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// The tests of this file are the contract of net.Conn, one claim each, in a bubble: they hang, and synctest
// says so, if a wait does not end or is not made from channels.

func bubble(t *testing.T, f func(t *testing.T, a, b *Conn)) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe(nil)
		f(t, a, b)
	})
}

// randomBytes returns n bytes that are the same each time.
func randomBytes(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(rng.Uint32())
	}
	return p
}

// wantErr checks an error and the form in which package net would report it.
func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
		return
	}
	if want == io.EOF {
		if err != io.EOF {
			t.Errorf("%s: error %#v, want a bare io.EOF", what, err)
		}
		return
	}
	var ne net.Error
	if !errors.As(err, &ne) || ne.Timeout() != (want == os.ErrDeadlineExceeded) {
		t.Errorf("%s: error %#v, want a net.Error with Timeout() %v", what, err, want == os.ErrDeadlineExceeded)
	}
}

func mustWrite(t *testing.T, c *Conn, s string) {
	t.Helper()
	if n, err := c.Write([]byte(s)); n != len(s) || err != nil {
		t.Errorf("Write(%q) = %d, %v", s, n, err)
	}
}

// wantRead reads once and compares.
func wantRead(t *testing.T, c *Conn, want string, wantError error) {
	t.Helper()
	p := make([]byte, 1000)
	n, err := c.Read(p)
	if string(p[:n]) != want {
		t.Errorf("Read = %q, want %q", p[:n], want)
	}
	if wantError == nil && err != nil {
		t.Errorf("Read: error %v", err)
	}
	if wantError != nil {
		wantErr(t, "Read", err, wantError)
	}
}

func TestBasicIO(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *Conn) {
		want := randomBytes(3 << 20) // more than the buffer
		go func() {
			if n, err := io.Copy(a, bytes.NewReader(want)); n != int64(len(want)) || err != nil {
				t.Errorf("Copy = %d, %v", n, err)
			}
			a.Close()
		}()
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("read %d bytes, %v, equal %v", len(got), err, bytes.Equal(got, want))
		}
		b.Close()
	})
}

// TestPingPong: a number goes back and forth and grows by one each time.
func TestPingPong(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *Conn) {
		const rounds = 1000
		var wg sync.WaitGroup
		bounce := func(c *Conn) {
			var p [8]byte
			for {
				if _, err := io.ReadFull(c, p[:]); err != nil {
					wantErr(t, "Read", err, io.EOF)
					return
				}
				n := binary.BigEndian.Uint64(p[:]) + 1
				if n == rounds {
					c.Close()
					return
				}
				mustWrite(t, c, string(binary.BigEndian.AppendUint64(nil, n)))
			}
		}
		wg.Go(func() { bounce(a) })
		mustWrite(t, a, string(make([]byte, 8)))
		bounce(b)
		wg.Wait()
		if n := a.Incoming().Delivered() + a.Outgoing().Delivered(); n != 8*rounds {
			t.Errorf("%d bytes delivered, want %d", n, 8*rounds)
		}
	})
}

func TestWriteDoesNotWait(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *Conn) {
		p := []byte("xyz")
		a.Write(p)
		p[0] = '!' // Write must have copied
		mustWrite(t, a, "one")
		mustWrite(t, a, "two")
		if n := a.Outgoing().Buffered(); n != 9 {
			t.Errorf("Buffered() = %d, want 9", n)
		}
		wantRead(t, b, "xyzonetwo", nil)
		if n := b.Incoming().Delivered(); n != 9 {
			t.Errorf("Delivered() = %d, want 9", n)
		}
	})
}

// TestFullBuffer: a stalled peer holds the writer up, until its deadline, and what fitted was sent.
func TestFullBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe(&Options{Buffer: 10})
		a.SetWriteDeadline(time.Now().Add(time.Second))
		start := time.Now()
		n, err := a.Write(make([]byte, 11))
		wantErr(t, "Write", err, os.ErrDeadlineExceeded)
		if n != 10 || time.Since(start) != time.Second {
			t.Errorf("Write = %d after %v, want 10 after 1s", n, time.Since(start))
		}
		a.SetWriteDeadline(time.Time{})
		done := false
		go func() { a.Write([]byte("x")); done = true }()
		synctest.Wait()
		if done {
			t.Error("Write into a full buffer returned")
		}
		b.Read(make([]byte, 1))
		synctest.Wait()
		if !done {
			t.Error("Write still waits although there is room")
		}
	})
}

func TestDeadlines(t *testing.T) {
	past := time.Unix(1, 0)
	bubble(t, func(t *testing.T, a, b *Conn) {
		mustWrite(t, b, "x")
		a.SetDeadline(past)
		wantRead(t, a, "", os.ErrDeadlineExceeded) // even though a byte is there
		_, err := a.Write([]byte("y"))
		wantErr(t, "Write", err, os.ErrDeadlineExceeded)

		a.SetDeadline(time.Time{})
		wantRead(t, a, "x", nil)

		start := time.Now()
		a.SetReadDeadline(start.Add(time.Minute))
		wantRead(t, a, "", os.ErrDeadlineExceeded)
		if d := time.Since(start); d != time.Minute {
			t.Errorf("Read timed out after %v, want 1m", d)
		}
		mustWrite(t, a, "the write deadline is another")
	})
}

// TestDeadlineChangesPendingRead: a deadline set while Read waits is heard, earlier, later and removed.
func TestDeadlineChangesPendingRead(t *testing.T) {
	bubble(t, func(t *testing.T, a, _ *Conn) {
		start := time.Now()
		var took time.Duration
		a.SetReadDeadline(start.Add(time.Second))
		go func() {
			_, err := a.Read(make([]byte, 1))
			wantErr(t, "Read", err, os.ErrDeadlineExceeded)
			took = time.Since(start)
		}()
		synctest.Wait()
		a.SetReadDeadline(start.Add(time.Hour)) // later
		time.Sleep(time.Minute)
		a.SetReadDeadline(time.Time{}) // none
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if took != 0 {
			t.Fatalf("Read returned after %v", took)
		}
		a.SetReadDeadline(time.Unix(1, 0)) // in the past
		synctest.Wait()
		if want := 2*time.Hour + time.Minute; took != want {
			t.Errorf("Read returned after %v, want %v", took, want)
		}
	})
}

func TestClose(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *Conn) {
		mustWrite(t, a, "rest")
		mustWrite(t, b, "lost")
		if err := a.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		wantErr(t, "second Close", a.Close(), net.ErrClosed)
		wantRead(t, a, "", net.ErrClosed)
		_, err := a.Write([]byte("x"))
		wantErr(t, "Write after Close", err, net.ErrClosed)
		wantErr(t, "SetDeadline after Close", a.SetDeadline(time.Now()), net.ErrClosed)
		wantErr(t, "CloseWrite after Close", a.CloseWrite(), net.ErrClosed)

		wantRead(t, b, "rest", nil)
		wantRead(t, b, "", io.EOF)
		wantRead(t, b, "", io.EOF)
		_, err = b.Write([]byte("x"))
		wantErr(t, "Write to a closed peer", err, syscall.EPIPE)
	})
}

func TestCloseWrite(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *Conn) {
		mustWrite(t, a, "question")
		if err := a.CloseWrite(); err != nil {
			t.Error(err)
		}
		_, err := a.Write([]byte("x"))
		wantErr(t, "Write after CloseWrite", err, syscall.EPIPE)
		wantRead(t, b, "question", nil)
		wantRead(t, b, "", io.EOF)
		mustWrite(t, b, "answer")
		wantRead(t, a, "answer", nil)
	})
}

// TestCloseUnblocks: closing either end ends the waiting calls of both.
func TestCloseUnblocks(t *testing.T) {
	for _, tt := range []struct {
		name        string
		do          func(a, b *Conn)
		read, write error
	}{
		{"own close", func(a, _ *Conn) { a.Close() }, net.ErrClosed, net.ErrClosed},
		{"peer's close", func(_, b *Conn) { b.Close() }, io.EOF, syscall.EPIPE},
		{"cut", func(a, _ *Conn) { a.Cut() }, io.EOF, syscall.EPIPE},
		{"cut by the peer", func(_, b *Conn) { b.Cut() }, io.EOF, syscall.EPIPE},
		{"reset", func(a, _ *Conn) { a.Reset() }, syscall.ECONNRESET, syscall.ECONNRESET},
		{"reset by the peer", func(_, b *Conn) { b.Reset() }, syscall.ECONNRESET, syscall.ECONNRESET},
		{"the first failure counts", func(a, b *Conn) { a.Cut(); b.Reset() }, io.EOF, syscall.EPIPE},
	} {
		bubble(t, func(t *testing.T, a, b *Conn) {
			var wg sync.WaitGroup
			wg.Go(func() {
				_, err := a.Read(make([]byte, 1))
				wantErr(t, tt.name+": Read", err, tt.read)
			})
			for range 2 { // one waits for room, one for its turn
				wg.Go(func() {
					_, err := a.Write(make([]byte, DefaultBuffer+1))
					wantErr(t, tt.name+": Write", err, tt.write)
				})
			}
			synctest.Wait()
			tt.do(a, b)
			wg.Wait()
		})
	}
}

func TestEmptyReadAndWrite(t *testing.T) {
	bubble(t, func(t *testing.T, a, _ *Conn) {
		if n, err := a.Read(nil); n != 0 || err != nil {
			t.Errorf("Read(nil) = %d, %v", n, err)
		}
		if n, err := a.Write(nil); n != 0 || err != nil {
			t.Errorf("Write(nil) = %d, %v", n, err)
		}
	})
}

// TestWritesAreNotInterleaved: two writers on a connection with a tiny buffer still send whole messages.
func TestWritesAreNotInterleaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe(&Options{Buffer: 3})
		const messages, size = 50, 40
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for range messages {
					mustWrite(t, a, string(bytes.Repeat([]byte{byte('a' + i)}, size)))
				}
			})
		}
		p := make([]byte, size)
		for range 4 * messages {
			if _, err := io.ReadFull(b, p); err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(p, p[:1]); n != size {
				t.Fatalf("message %q is mixed", p)
			}
		}
		wg.Wait()
	})
}

// TestWriteWaitsForItsTurn: a Write that comes when there is room, but another is not finished, is not let in between.
func TestWriteWaitsForItsTurn(t *testing.T) {
	for range 100 { // who runs first after the Read is not ours to say
		synctest.Test(t, func(t *testing.T) {
			a, b := Pipe(&Options{Buffer: 3})
			go a.Write([]byte("aaaaa"))
			synctest.Wait()
			wantRead(t, b, "aaa", nil)
			mustWrite(t, a, "b")
			wantRead(t, b, "aab", nil)
		})
	}
}

// TestConcurrentMethods calls everything at once; it is meant for -race.
func TestConcurrentMethods(t *testing.T) {
	a, b := Pipe(nil)
	go io.Copy(b, b)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { a.Read(make([]byte, 100)) })
		wg.Go(func() { a.Write(make([]byte, 100)) })
		wg.Go(func() { a.SetDeadline(time.Now().Add(time.Second)) })
		wg.Go(func() { a.SetReadDeadline(time.Now().Add(time.Second)) })
		wg.Go(func() { a.SetWriteDeadline(time.Now().Add(time.Second)) })
		wg.Go(func() { a.LocalAddr(); a.RemoteAddr() })
		wg.Go(func() { a.Outgoing().Corrupt(7, 1); a.Incoming().Chunk(3); a.Incoming().Split(2) })
		wg.Go(func() { a.Outgoing().Delivered(); a.Incoming().Buffered() })
	}
	wg.Go(func() { a.Close() })
	wg.Wait()
	b.Close()
}

func TestAddrs(t *testing.T) {
	a, b := Pipe(nil)
	if a.LocalAddr() != b.RemoteAddr() || a.RemoteAddr() != b.LocalAddr() || a.LocalAddr() == b.LocalAddr() {
		t.Errorf("addresses %v -> %v and %v -> %v", a.LocalAddr(), a.RemoteAddr(), b.LocalAddr(), b.RemoteAddr())
	}
	if n, s := a.LocalAddr().Network(), a.LocalAddr().String(); n != "memnet" || s != "127.0.0.1:1" {
		t.Errorf("address %q %q", n, s)
	}
}
