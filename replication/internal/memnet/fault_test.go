package memnet

import (
	"errors"
	"io"
	"os"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestCutAfterEachByte: of a dialogue, exactly n bytes of the chosen direction arrive, for every n.
func TestCutAfterEachByte(t *testing.T) {
	const text = "a dialogue"
	for _, how := range []struct {
		name        string
		after       func(d *Direction, n int64)
		read, write error
	}{
		{"cut", (*Direction).CutAfter, io.EOF, syscall.EPIPE},
		{"reset", (*Direction).ResetAfter, syscall.ECONNRESET, syscall.ECONNRESET},
	} {
		for n := range len(text) + 1 {
			bubble(t, func(t *testing.T, a, b *Conn) {
				how.after(a.Outgoing(), int64(n))
				a.Write([]byte(text))
				got, err := io.ReadAll(b)
				if string(got) != text[:n] || (how.read == io.EOF) != (err == nil) {
					t.Errorf("%s after %d: read %q, %v", how.name, n, got, err)
				}
				wantRead(t, a, "", how.read)
				wantRead(t, b, "", how.read)
				for _, c := range []*Conn{a, b} {
					_, err = c.Write([]byte("x"))
					wantErr(t, how.name, err, how.write)
				}
			})
		}
	}
}

// TestCutCountsFromNow: bytes delivered before do not count, and the other direction's never do.
func TestCutCountsFromNow(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *Conn) {
		mustWrite(t, a, "before")
		wantRead(t, b, "before", nil)
		b.Incoming().CutAfter(3)
		mustWrite(t, b, "the other way")
		wantRead(t, a, "the other way", nil)
		mustWrite(t, a, "after")
		wantRead(t, b, "aft", nil)
		wantRead(t, b, "", io.EOF)
	})
}

func TestCutLosesWhatIsUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *Conn) {
		mustWrite(t, a, "lost")
		a.Cut()
		wantRead(t, b, "", io.EOF)
	})
}

func TestStall(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *Conn) {
		a.Stall()
		mustWrite(t, a, "late")
		a.CloseWrite()
		b.SetReadDeadline(time.Now().Add(time.Second))
		wantRead(t, b, "", os.ErrDeadlineExceeded) // neither the bytes nor the end
		b.SetReadDeadline(time.Time{})

		mustWrite(t, b, "the other way")
		a.Incoming().Resume()
		wantRead(t, a, "the other way", nil)

		go func() {
			time.Sleep(time.Hour)
			a.Resume()
		}()
		start := time.Now()
		wantRead(t, b, "late", nil)
		wantRead(t, b, "", io.EOF)
		if d := time.Since(start); d != time.Hour {
			t.Errorf("delivered after %v, want 1h", d)
		}
	})
}

// reads returns what the Reads of c return one by one, up to the end.
func reads(c *Conn) (got []string) {
	p := make([]byte, 1000)
	for {
		n, err := c.Read(p)
		if err != nil {
			return got
		}
		got = append(got, string(p[:n]))
	}
}

func TestPieces(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(d *Direction)
		want []string
	}{
		{"none", func(*Direction) {}, []string{"abcdefgh"}},
		{"chunk 1", func(d *Direction) { d.Chunk(1) }, []string{"a", "b", "c", "d", "e", "f", "g", "h"}},
		{"chunk 3 across writes", func(d *Direction) { d.Chunk(3) }, []string{"abc", "def", "gh"}},
		{"split 3", func(d *Direction) { d.Split(3) }, []string{"abc", "de", "fgh"}},
		{"split at writes only", func(d *Direction) { d.Split(100) }, []string{"abcde", "fgh"}},
		{"split and chunk", func(d *Direction) { d.Split(3); d.Chunk(2) }, []string{"ab", "c", "de", "fg", "h"}},
		{"removed", func(d *Direction) { d.Split(3); d.Chunk(2); d.Split(0); d.Chunk(0) }, []string{"abcdefgh"}},
		{"corrupt", func(d *Direction) { d.Corrupt(0, 0x20); d.Corrupt(6, 0x20); d.Corrupt(6, 1) }, []string{"AbcdefFh"}},
		{"corrupt with chunks", func(d *Direction) { d.Chunk(3); d.Corrupt(3, 0x20) }, []string{"abc", "Def", "gh"}},
	} {
		bubble(t, func(t *testing.T, a, b *Conn) {
			tt.set(a.Outgoing())
			mustWrite(t, a, "abcde")
			mustWrite(t, a, "fgh")
			a.Close()
			if got := reads(b); !slices.Equal(got, tt.want) {
				t.Errorf("%s: reads %q, want %q", tt.name, got, tt.want)
			}
		})
	}
}

func TestCorruptCountsFromNow(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *Conn) {
		mustWrite(t, a, "abc")
		wantRead(t, b, "abc", nil)
		a.Outgoing().Corrupt(1, 0x20)
		mustWrite(t, a, "abc")
		wantRead(t, b, "aBc", nil)
	})
}

func TestLatency(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *Conn) {
		start := time.Now()
		at := func(want time.Duration) {
			t.Helper()
			if d := time.Since(start); d != want {
				t.Errorf("at %v, want %v", d, want)
			}
		}
		a.Outgoing().Latency(10 * time.Millisecond)
		mustWrite(t, a, "slow")
		at(0)
		a.Outgoing().Latency(0)
		mustWrite(t, a, "behind") // does not overtake
		time.Sleep(3 * time.Millisecond)
		a.Outgoing().Latency(10 * time.Millisecond)
		mustWrite(t, a, "last")
		a.Close()
		wantRead(t, b, "slowbehind", nil)
		at(10 * time.Millisecond)
		wantRead(t, b, "last", nil)
		at(13 * time.Millisecond)
		wantRead(t, b, "", io.EOF)
		at(13 * time.Millisecond)
	})
}

// TestLatencyOfTheEnd: an end of stream without bytes travels no faster than they do.
func TestLatencyOfTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *Conn) {
		start := time.Now()
		a.Outgoing().Latency(time.Second)
		a.Close()
		wantRead(t, b, "", io.EOF)
		if d := time.Since(start); d != time.Second {
			t.Errorf("end after %v, want 1s", d)
		}
	})
}

// TestLatencyAndDeadline: the earlier of the two ends the wait.
func TestLatencyAndDeadline(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *Conn) {
		a.Outgoing().Latency(time.Minute)
		mustWrite(t, a, "x")
		b.SetReadDeadline(time.Now().Add(time.Second))
		wantRead(t, b, "", os.ErrDeadlineExceeded)
		b.SetReadDeadline(time.Now().Add(time.Hour))
		wantRead(t, b, "x", nil)
	})
}

// TestFaultsWakeWaiters: a fault that arrives while Read waits is heard.
func TestFaultsWakeWaiters(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *Conn) {
		errs := make(chan error, 1)
		go func() {
			_, err := b.Read(make([]byte, 1))
			errs <- err
		}()
		synctest.Wait()
		a.Outgoing().CutAfter(0)
		if err := <-errs; !errors.Is(err, io.EOF) {
			t.Errorf("Read: %v, want EOF", err)
		}
	})
}
