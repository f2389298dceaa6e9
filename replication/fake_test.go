package replication_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// as reports whether err is, or wraps, an E.
func as[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

// hungUp: whichever of reading and writing meets the closed connection first says so.
func hungUp(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE)
}

// The primary misbehaves on the second connection, in all the ways there are; on the third it is well. A replica that has data already must keep it meanwhile, say
// what is wrong, try again by itself, and take the new data in the end.
func TestMisbehavingPrimary(t *testing.T) {
	old, good := rdbOf(t, "old"), rdbOf(t, "new")
	corrupt := []byte(string(good))
	corrupt[len(corrupt)-12] ^= 0x40
	mark := wireMark
	refuse := func(reply string) func(*peer) {
		return func(p *peer) {
			p.shakeHands()
			p.say("%s\r\n", reply)
			p.hold()
		}
	}
	const timeout = 5 * time.Second
	for _, tc := range []struct {
		name string
		do   func(p *peer)
		want func(error) bool
	}{
		{"closes at once", func(p *peer) {}, hungUp},
		{"says nothing", func(p *peer) { p.hold() }, is(replication.ErrTimeout)},
		{"garbage", func(p *peer) { p.say("\x00\x01\x02\r\n"); p.hold() }, as[*replication.ProtocolError]},
		{"an endless line", func(p *peer) {
			for _, err := p.Write(make([]byte, 1<<16)); err == nil; _, err = p.Write(make([]byte, 1<<16)) {
			}
		}, as[*resp.SyntaxError]},
		{"loading", func(p *peer) { p.command(); p.say("-LOADING x\r\n"); p.hold() }, as[*replication.RefusedError]},
		{"closes after PSYNC", func(p *peer) { p.shakeHands() }, hungUp},
		{"empty reply to PSYNC, then nothing", func(p *peer) { p.shakeHands(); p.say("\r\n"); p.hold() }, is(replication.ErrTimeout)},
		{"garbled reply to PSYNC", refuse("+FULLRESYNC x y"), as[*replication.ProtocolError]},
		{"no master link", refuse("-NOMASTERLINK x"), as[*replication.RefusedError]},
		{"busy", refuse("-BUSY x"), as[*replication.RefusedError]},
		{"master down", refuse("-MASTERDOWN x"), as[*replication.RefusedError]},
		{"no payload", func(p *peer) { p.shakeHands(); p.say("+FULLRESYNC %s 9\r\n", fakeID); p.hold() }, is(replication.ErrTimeout)},
		{"cannot save", func(p *peer) {
			p.shakeHands()
			p.say("+FULLRESYNC %s 9\r\n-ERR BGSAVE failed\r\n", fakeID)
			p.hold()
		}, as[*replication.RefusedError]},
		{"garbled payload header", func(p *peer) { p.shakeHands(); p.say("+FULLRESYNC %s 9\r\n$x\r\n", fakeID); p.hold() }, as[*replication.ProtocolError]},
		{"truncated payload, mark", func(p *peer) {
			p.shakeHands()
			p.say("+FULLRESYNC %s 9\r\n$EOF:%s\r\n%s", fakeID, mark, good[:len(good)-3])
		}, as[*replication.PayloadError]},
		{"truncated payload, length", func(p *peer) {
			p.shakeHands()
			p.say("+FULLRESYNC %s 9\r\n$%d\r\n%s", fakeID, len(good), good[:len(good)-3])
		}, as[*replication.PayloadError]},
		{"a length that is never sent", func(p *peer) {
			p.shakeHands()
			p.say("+FULLRESYNC %s 9\r\n$9223372036854775807\r\n%s", fakeID, good)
		}, as[*replication.PayloadError]},
		{"corrupt payload", func(p *peer) { p.grant(corrupt, 9); p.hold() }, as[*rdb.CorruptError]},
		{"empty payload", func(p *peer) { p.grant(nil, 9); p.hold() }, as[*replication.PayloadError]},
		{"stall inside the payload", func(p *peer) {
			p.shakeHands()
			p.say("+FULLRESYNC %s 9\r\n$EOF:%s\r\n%s", fakeID, mark, good[:20])
			p.hold()
		}, is(replication.ErrTimeout)},
		{"garbled stream", func(p *peer) {
			p.shakeHands()
			p.say("+CONTINUE\r\n*1\r\n:4\r\n")
			p.hold()
		}, as[*resp.SyntaxError]},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakePrimary(t,
					func(p *peer) { p.grant(old, 7); p.command() },
					tc.do,
					func(p *peer) { p.grant(good, 9); p.live() },
				)
				r, _ := f.replica(&replication.ReplicaOptions{
					Timeout: timeout,
					Backoff: func(int) time.Duration { return 20 * time.Second },
				})
				if err := r.WaitReady(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(35 * time.Second) // the second attempt has failed, the third has not begun
				st := r.Status()
				if st.State != replication.Waiting || !tc.want(st.Err) {
					t.Errorf("state %v, err %T %v", st.State, st.Err, st.Err)
				}
				if got := linkState(t, r); got != "waiting" {
					t.Errorf("INFO says that the link is %s, want waiting", got)
				}
				if st.ID != fakeID || st.Offset != 7 || get(r.Store(), "old") != "v" || get(r.Store(), "new") != "" {
					t.Errorf("old data not kept: %+v", st)
				}
				time.Sleep(30 * time.Second)
				if st := r.Status(); st.State != replication.Streaming || st.Err != nil || st.Offset < 9+14 || get(r.Store(), "new") != "v" || get(r.Store(), "old") != "" {
					t.Errorf("no recovery: %+v", st)
				}
			})
		})
	}
}

// linkState is what a client of r is told of the link.
func linkState(t testing.TB, r *replication.Replica) string {
	t.Helper()
	c := clientOf(t, r)
	defer c.Close()
	c.send("INFO", "replication")
	v, err := c.in.ReadValue()
	if err != nil {
		t.Fatal(err)
	}
	_, state, _ := strings.Cut(v.Str, "understudy_link_state:")
	state, _, _ = strings.Cut(state, "\r\n")
	return state
}

// What would come out the same again is not tried again: following stops, the error says why, reads go on.
func TestTerminalErrors(t *testing.T) {
	file := rdbOf(t, "k")
	large := []byte("REDIS0011\xfe\x03\x00\x06secret\x81\x00\x00\x00\x00\x20\x00\x00\x09") // a byte beyond what BITFIELD can make of 512 MiB
	future := []byte(strings.Replace(string(file), "REDIS00", "REDIS99", 1))
	for _, tc := range []struct {
		name string
		do   func(p *peer)
		want func(error) bool
		data bool // the first sync was complete
	}{
		{"unknown command", func(p *peer) {
			p.grant(file, 9)
			p.send("PING")
			p.send("FROBNICATE", "k", "secret")
			p.send("DEL", "k")
			p.hold()
		}, func(err error) bool {
			var u *store.UnknownCommandError
			return errors.As(err, &u) && u.Name == "FROBNICATE" && u.Offset == 9+14
		}, true},
		{"a command that fails", func(p *peer) {
			p.grant(file, 9)
			p.send("HSET", "k", "f", "v")
			p.hold()
		}, as[*store.StreamError], true},
		{"a command beyond all limits", func(p *peer) {
			p.grant(file, 9)
			p.say("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$99999999999\r\n")
			p.hold()
		}, is(replication.ErrCommandTooLarge), true},
		{"a value beyond all limits", func(p *peer) { p.grant(large, 9); p.hold() }, func(err error) bool {
			var l *rdb.TooLargeError
			return errors.As(err, &l) && l.Key == "secret" && l.DB == 3 && !strings.Contains(err.Error(), "secret") && errors.Is(err, rdb.ErrTooLarge)
		}, false},
		{"no password", func(p *peer) { p.command(); p.say("-NOAUTH x\r\n"); p.hold() }, as[*replication.RefusedError], false},
		{"no permission", func(p *peer) { p.shakeHands(); p.say("-NOPERM x\r\n"); p.hold() }, as[*replication.RefusedError], false},
		{"no PSYNC", func(p *peer) { p.shakeHands(); p.say("-ERR unknown command 'PSYNC'\r\n"); p.hold() }, is(replication.ErrNoPSYNC), false},
		{"a version of the future", func(p *peer) { p.grant(future, 9); p.hold() }, as[*rdb.UnsupportedError], false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakePrimary(t, tc.do)
				r, ended := startReplica(t, "redis://fake:6379", &replication.ReplicaOptions{Dial: f.net.Dial})
				settle()
				select {
				case err := <-ended:
					if !tc.want(err) {
						t.Errorf("Run = %T %v", err, err)
					}
				default:
					t.Fatalf("Run goes on: %+v", r.Status())
				}
				if got := get(r.Store(), "k"); (got == "v") != tc.data {
					t.Errorf("k = %q", got)
				}
			})
			synctest.Test(t, func(t *testing.T) {
				f := newFakePrimary(t, tc.do)
				r, err := replication.Connect(t.Context(), "redis://fake:6379", &replication.ReplicaOptions{Dial: f.net.Dial})
				if !tc.data {
					if !tc.want(err) {
						t.Errorf("Connect = %T %v", err, err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				time.Sleep(time.Hour)
				if st := r.Status(); st.State != replication.Stopped || !tc.want(st.Err) {
					t.Errorf("state %v, err %v", st.State, st.Err)
				}
				if n := f.net.Dials(); n != 1 {
					t.Errorf("%d connections, want 1: it was tried again", n)
				}
				if got := linkState(t, r); got != "stopped" {
					t.Errorf("INFO says that the link is %s, want stopped", got)
				}
				if got := get(r.Store(), "k"); got != "v" {
					t.Errorf("k = %q: reads do not go on", got)
				}
				if err := r.WaitOffset(t.Context(), 1<<40); !tc.want(err) {
					t.Errorf("WaitOffset = %v, want the reason", err)
				}
			})
		})
	}
}

// The request names what is held, one more than the count; without a history it asks for everything.
func TestRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		requests := make(chan string, 10)
		f := newFakePrimary(t,
			func(p *peer) { requests <- p.grant(file, 100); p.command() },
			func(p *peer) {
				requests <- p.shakeHands()
				p.say("+CONTINUE\r\n")
				p.send("PING") // 14 bytes
				p.send("SELECT", "0")
				p.send("MULTI")
				p.send("INCR", "half")
				p.command()
				p.command()
			},
			func(p *peer) {
				requests <- p.shakeHands()
				p.say("+CONTINUE %s\r\n", strings.Repeat("b", 40))
				p.hold()
			},
		)
		r, _ := f.replica(nil)
		for _, want := range []string{"PSYNC ? -1", "PSYNC " + fakeID + " 101", "PSYNC " + fakeID + " 138"} {
			if got := <-requests; got != want {
				t.Errorf("request %q, want %q", got, want)
			}
		}
		settle()
		st := r.Status()
		if st.ID != strings.Repeat("b", 40) || st.Secondary != fakeID || st.SecondaryLimit != 137 || st.Offset != 137 {
			t.Errorf("history after +CONTINUE with a new ID: %+v", st)
		}
		if get(r.Store(), "half") != "" {
			t.Error("half a transaction was applied")
		}
	})
}

// The database that the stream has selected is remembered across a link that broke: no SELECT follows +CONTINUE.
func TestSelectedDatabaseSurvivesTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		f := newFakePrimary(t,
			func(p *peer) { p.grant(file, 9); p.send("SELECT", "5"); p.send("INCR", "n"); p.command(); p.command() },
			func(p *peer) { p.shakeHands(); p.say("+CONTINUE\r\n"); p.send("INCR", "n"); p.hold() },
		)
		r, _ := f.replica(nil)
		settle()
		if v, err := r.DB(5).Get("n"); v != "2" {
			t.Errorf("n in database 5 = %q, %v, want 2", v, err)
		}
	})
}

// Stream bytes that arrive in one piece with mark or payload are not lost, in either form.
func TestStreamInTheSegmentOfThePayload(t *testing.T) {
	file := rdbOf(t, "k")
	tail := string(resp.AppendCommand(nil, "APPEND", "k", "w"))
	mark := wireMark
	for _, tc := range []struct{ name, payload string }{
		{"mark", "$EOF:" + mark + "\r\n" + string(file) + mark},
		{"length", "$" + itoa(len(file)) + "\r\n" + string(file)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakePrimary(t, func(p *peer) {
					p.shakeHands()
					p.say("\n\n+FULLRESYNC %s 0\r\n\n\n%s%s", fakeID, tc.payload, tail)
					p.hold()
				})
				r, _ := f.replica(nil)
				settle()
				if got := get(r.Store(), "k"); got != "vw" || r.Status().Offset != int64(len(tail)) {
					t.Errorf("k = %q at offset %d, want vw at %d", got, r.Status().Offset, len(tail))
				}
			})
		})
	}
}

// While it loads, the replica sends newlines; when it follows, an acknowledgement each second, the first one at once.
func TestReplicaSpeaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		f := newFakePrimary(t, func(p *peer) {
			p.shakeHands()
			p.say("+FULLRESYNC %s 9\r\n$%d\r\n", fakeID, len(file))
			time.Sleep(3500 * time.Millisecond)
			p.say("%s", file)
			if got := p.read(3); got != "\n\n\n" {
				t.Errorf("while loading: %q, want three newlines", got)
			}
			start := time.Now()
			for i, want := range []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond} {
				if c := p.command(); c != "REPLCONF ACK 9" || time.Since(start) != want {
					t.Errorf("acknowledgement %d: %q after %v, want REPLCONF ACK 9 after %v", i, c, time.Since(start), want)
				}
			}
			p.hold()
		})
		f.replica(nil)
		time.Sleep(10 * time.Second)
	})
}

// A primary that never reads is given up like one that never writes.
func TestPrimaryThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(&replication.ReplicaOptions{Timeout: 10 * time.Second})
		p.Stall(20 * time.Second)
		time.Sleep(15 * time.Second)
		if st := r.Status(); st.State == replication.Streaming || !errors.Is(st.Err, replication.ErrTimeout) {
			t.Errorf("state %v, err %v, want a timeout", st.State, st.Err)
		}
		time.Sleep(30 * time.Second)
		barrier(t, r)
		replicationtest.Same(t, p.Store(), r.Store())
	})
}

// Credentials of the URL or the options are shown first, and again by Barrier's own connection.
func TestCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{RequirePassword: "secret"}})
		p.Do("INCR", "n")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, url := range []string{p.URL(), "redis://:wrong@primary:6379"} {
			_, err := replication.Connect(ctx, url, &replication.ReplicaOptions{Dial: p.Dial})
			if !as[*replication.RefusedError](err) {
				t.Errorf("Connect(%s) = %v, want a refusal", url, err)
			}
		}
		r, err := replication.Connect(ctx, "redis://:secret@primary:6379", &replication.ReplicaOptions{Dial: p.Dial})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		barrier(t, r)
		barrier(t, p.Replica(&replication.ReplicaOptions{Password: "secret"}))
	})
}

func TestBarrierWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		f := newFakePrimary(t,
			func(p *peer) { p.grant(file, 9); p.hold() },
			func(p *peer) { p.hold() },
		)
		r, _ := f.replica(nil)
		settle()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Barrier(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Barrier with a primary that is busy = %v, want the end of the context", err)
		}
		time.AfterFunc(time.Second, func() { r.Close() })
		if err := r.Barrier(t.Context()); !errors.Is(err, replication.ErrClosed) {
			t.Errorf("Barrier on a replica that is closed meanwhile = %v, want %v", err, replication.ErrClosed)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t, "k")
		f := newConcurrentFake(t, func(p *peer) {
			if c := p.command(); c != "PING" {
				p.say("-ERR unknown command\r\n")
				return
			}
			p.say("+PONG\r\n")
			p.grant(file, 9)
			p.hold()
		})
		r, _ := f.replica(nil)
		settle()
		if err := r.Barrier(t.Context()); !errors.Is(err, replication.ErrNoBarrier) {
			t.Errorf("Barrier = %v, want %v", err, replication.ErrNoBarrier)
		}
	})
}
