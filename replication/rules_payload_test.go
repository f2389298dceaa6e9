package replication_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
)

// The payload of a full resync: its frame, what keeps the link alive around it, and what holds when it is loaded.

// The form is a mark if and only if the replica can take one and the settings do not ask for a length.
func TestRulePayloadForm(t *testing.T) {
	for _, tc := range []struct{ capa, diskless, form string }{
		{"eof", "yes", "$EOF:"},
		{"psync2", "yes", "$"},
		{"eof", "no", "$"},
		{"psync2", "no", "$"},
	} {
		t.Run(tc.capa+" "+tc.diskless, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{AllowReplicaOf: true}})
				p.Do("INCR", "n")
				r := dial(t, p)
				r.send("CONFIG", "SET", "repl-diskless-sync", tc.diskless)
				r.wants("+OK\r\n")
				r.send("CONFIG", "SET", "repl-diskless-sync-delay", "0")
				r.wants("+OK\r\n")
				r.send("REPLCONF", "capa", tc.capa)
				r.wants("+OK\r\n")
				r.send("PSYNC", "?", "-1")
				r.wants(fmt.Sprintf("+FULLRESYNC %s 44\r\n", p.Status().ID))
				head := r.line()
				if got := strings.TrimRight(head, "0123456789abcdef"); got != tc.form {
					t.Fatalf("header %q, want %q and a number or a mark", head, tc.form)
				}
				p.Do("INCR", "n")
				if mark, ok := strings.CutPrefix(head, "$EOF:"); ok {
					file := r.until(mark)
					if len(mark) != 40 || get(load(t, []byte(file)), "n") != "1" {
						t.Errorf("mark %q of %d characters", mark, len(mark))
					}
					r.silent(10 * time.Second) // an acknowledgement opens the stream
					r.send("REPLCONF", "ACK", "44")
				} else {
					var size int
					fmt.Sscanf(head, "$%d", &size)
					if got := get(load(t, []byte(r.read(size))), "n"); got != "1" {
						t.Errorf("n = %q in the payload, want 1", got)
					}
				}
				r.wants(frames("SELECT 0", "INCR n")) // no line end behind the payload
			})
		})
	}
}

// until reads up to a mark and returns what stands before it.
func (p *peer) until(mark string) string {
	var b []byte
	for !strings.HasSuffix(string(b), mark) && !p.t.Failed() {
		b = append(b, p.read(missing(b, mark))...)
	}
	return strings.TrimSuffix(string(b), mark)
}

// What opens the stream behind a mark is an acknowledgement, of whatever offset: newlines do not, nor other words, nor time.
func TestRuleStreamWaitsForTheFirstAck(t *testing.T) {
	for _, ack := range []string{"0", "44", "1000"} {
		synctest.Test(t, func(t *testing.T) {
			p := replicationtest.New(t)
			p.Do("INCR", "n")
			r := capable(t, p)
			r.send("PSYNC", "?", "-1")
			r.expect("+FULLRESYNC")
			r.payload()
			p.Do("INCR", "n")
			for range 20 {
				r.say("\n")
				r.send("REPLCONF", "capa", "eof")
				r.silent(2 * time.Second)
			}
			r.send("REPLCONF", "ACK", ack)
			r.wants(frames("SELECT 0", "INCR n"))
		})
	}
}

// The mark arrives in two pieces, cut at each of its bytes, alone or with what is before and behind it. Neither file nor stream loses or gains a byte.
func TestRuleMarkInPieces(t *testing.T) {
	file := string(rdbOf(t, "k"))
	for at := range len(wireMark) + 1 {
		for _, whole := range []bool{false, true} { // the pieces hold all around them, or the mark's bytes alone
			synctest.Test(t, func(t *testing.T) {
				f := newFakePrimary(t, func(p *peer) {
					p.shakeHands()
					p.say("+FULLRESYNC %s 100\r\n$EOF:%s\r\n%s", fakeID, wireMark, file[:len(file)-10])
					pieces := []string{file[len(file)-10:], wireMark[:at], wireMark[at:], frames("SELECT 0", "INCR n")}
					if whole {
						pieces = []string{pieces[0] + pieces[1], pieces[2] + pieces[3]}
					}
					for _, piece := range pieces {
						p.say("%s", piece)
						time.Sleep(time.Millisecond)
					}
					p.hold()
				})
				r, _ := f.replica(nil)
				settle()
				if st := r.Status(); st.Offset != 144 || get(r.Store(), "k") != "v" || get(r.Store(), "n") != "1" || st.Err != nil {
					t.Errorf("mark cut at %d: offset %d, k = %q, n = %q, %v; want 144, v, 1", at, st.Offset, get(r.Store(), "k"), get(r.Store(), "n"), st.Err)
				}
			})
		}
	}
}

// A primary says newlines while it is busy: before each of its lines, before the payload's header, as often as it likes. They count for nothing.
func TestRuleNewlinesOfThePrimary(t *testing.T) {
	for _, blank := range []string{"\n", "\r\n", "\n\n\r\n\n"} {
		synctest.Test(t, func(t *testing.T) {
			file := rdbOf(t, "k")
			f := newFakePrimary(t, func(p *peer) {
				for _, reply := range []string{"+PONG", "+OK", "+OK", "-ERR Unrecognized REPLCONF option: version"} {
					p.command()
					p.say("%s%s\r\n", blank, reply)
				}
				p.command()    // PSYNC
				for range 30 { // half a minute more than the timeout
					p.say("%s", blank)
					time.Sleep(3 * time.Second)
				}
				p.say("+FULLRESYNC %s 100\r\n", fakeID)
				for range 30 {
					p.say("%s", blank)
					time.Sleep(3 * time.Second)
				}
				p.say("$%d\r\n%s%s", len(file), file, frames("SELECT 0", "INCR n"))
				p.live()
			})
			r, _ := f.replica(nil)
			time.Sleep(4 * time.Minute)
			if st := r.Status(); f.net.Dials() != 1 || st.FullSyncs != 1 || st.Offset < 144 || (st.Offset-144)%14 != 0 || get(r.Store(), "n") != "1" {
				t.Errorf("%d connections, %d full resyncs, offset %d, n = %q", f.net.Dials(), st.FullSyncs, st.Offset, get(r.Store(), "n"))
			}
		})
	}
}

// A replica says newlines too: while it waits, loads, and follows. They are no commands, have no reply, and acknowledge nothing.
func TestRuleNewlinesOfTheReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{DisklessDelay: 1500 * time.Millisecond}})
		p.Do("INCR", "n")
		r := dial(t, p)
		r.say("\n\r\n")
		r.send("PING")
		r.wants("+PONG\r\n")
		r.say("\n")
		r.send("REPLCONF", "capa", "eof", "capa", "psync2")
		r.wants("+OK\r\n")
		r.send("PSYNC", "?", "-1")
		r.say("\n\n")
		r.wants("\n")
		r.expect("+FULLRESYNC")
		r.say("\r\n")
		r.payload()
		r.say("\n\n\n")
		r.send("REPLCONF", "ACK", "44")
		r.say("\n")
		p.Do("INCR", "n")
		r.wants(frames("SELECT 0", "INCR n"))
		r.say("\n")
		r.silent(time.Second)
		if list := p.Replicas(); len(list) != 1 || list[0].Acked != 44 {
			t.Errorf("replicas %+v, want one that has acknowledged 44 bytes", list)
		}
	})
}

// When the payload is loaded its ID and offset hold, with no name before them; the chained replica is dropped, not before; the window is empty at the offset; and
// that offset is acknowledged at once, in both forms.
func TestRuleAfterTheLoad(t *testing.T) {
	for _, form := range []string{"mark", "length"} {
		t.Run(form, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				old, file := rdbOf(t, "old"), rdbOf(t, "new")
				frame := fmt.Sprintf("$%d\r\n%s", len(file), file)
				if form == "mark" {
					frame = "$EOF:" + wireMark + "\r\n" + string(file) + wireMark
				}
				step := make(chan struct{})
				var first string
				f := newFakePrimary(t,
					func(p *peer) { p.grant(old, 100); p.say("%s", frames("SELECT 0", "INCR n")); <-step },
					func(p *peer) { p.shakeHands(); p.say("+CONTINUE %s\r\n", strings.Repeat("b", 40)); <-step },
					func(p *peer) {
						p.shakeHands()
						p.say("+FULLRESYNC %s 200\r\n%s", flipID, frame[:len(frame)-1])
						<-step
						p.say("%s", frame[len(frame)-1:])
						for first = p.command(); ; time.Sleep(time.Second) {
							if _, err := p.Write([]byte(frames("PING"))); err != nil {
								return
							}
						}
					},
				)
				r, _ := f.replica(&replication.ReplicaOptions{Backoff: steadily(time.Second)})
				settle()
				step <- struct{}{}
				settle()
				chained := clientOf(t, r)
				chained.asks(strings.Repeat("b", 40), 144, "+CONTINUE")
				step <- struct{}{}
				settle()
				if got, want := where(r.Status()), strings.Repeat("b", 40)+` 144, before "`+fakeID+`" 144`; got != want {
					t.Errorf("one byte before the end of the payload: %s, want %s", got, want)
				}
				chained.silent(time.Second)
				step <- struct{}{}
				synctest.Wait()
				if got, want := where(r.Status()), flipID+` 214, before "" -1`; got != want || first != "REPLCONF ACK 200" {
					t.Errorf("after the payload and a PING: %s, first word %q; want %s, REPLCONF ACK 200", got, first, want)
				}
				chained.closed(time.Second)
				for count, want := range map[int64]string{
					199: "+FULLRESYNC " + flipID, 200: "+CONTINUE", 214: "+CONTINUE", 300: "+FULLRESYNC " + flipID,
				} {
					c := clientOf(t, r)
					c.send("PSYNC", flipID, itoa(int(count)+1))
					c.expect(want)
				}
			})
		})
	}
}

// Silence is taken for the end after the timeout and not a moment earlier, wherever the exchange stands; a single byte begins it anew.
func TestRuleSilenceOfThePrimary(t *testing.T) {
	const timeout = 20 * time.Second
	file := rdbOf(t, "k")
	for _, tc := range []struct {
		name  string
		reach func(p *peer)
		byte  string // a sign of life that is in order there
	}{
		{"before PONG", func(p *peer) { p.command() }, "\n"},
		{"before the answer to PSYNC", func(p *peer) { p.shakeHands() }, "\n"},
		{"before the payload", func(p *peer) { p.shakeHands(); p.say("+FULLRESYNC %s 100\r\n", fakeID) }, "\n"},
		{"inside of the payload", func(p *peer) { p.shakeHands(); p.say("+FULLRESYNC %s 100\r\n$%d\r\n", fakeID, len(file)) }, string(file[:1])},
		{"in the stream", func(p *peer) { p.grant(file, 100) }, frames("PING")},
		{"inside of a command", func(p *peer) { p.grant(file, 100); p.say("*1\r\n$4\r\nPI") }, "N"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reached := make(chan struct{})
				f := newFakePrimary(t, func(p *peer) {
					tc.reach(p)
					close(reached)
					time.Sleep(timeout - time.Millisecond)
					p.say("%s", tc.byte)
					p.hold()
				}, func(p *peer) { p.hold() })
				r, _ := f.replica(&replication.ReplicaOptions{Timeout: timeout, Backoff: steadily(time.Hour)})
				<-reached
				time.Sleep(2*timeout - 2*time.Millisecond)
				if st := r.Status(); st.State == replication.Waiting {
					t.Errorf("given up a millisecond too early: %v", st.Err)
				}
				time.Sleep(2 * time.Millisecond)
				if st := r.Status(); st.State != replication.Waiting || !errors.Is(st.Err, replication.ErrTimeout) {
					t.Errorf("state %v, %v, want waiting after a timeout", st.State, st.Err)
				}
			})
		})
	}
}

// The same from the other side: a replica that follows, or loads, has to be heard within the timeout; an acknowledgement or a newline will do.
func TestRuleSilenceOfTheReplica(t *testing.T) {
	const timeout = 20 * time.Second
	for _, sign := range []string{"\n", frames("REPLCONF ACK 0")} {
		for _, loading := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{Timeout: timeout}})
				r := capable(t, p)
				r.send("PSYNC", "?", "-1")
				r.expect("+FULLRESYNC")
				r.payload()
				synctest.Wait()
				if !loading {
					r.send("REPLCONF", "ACK", "0")
					synctest.Wait()
				}
				for range 3 {
					time.Sleep(timeout - time.Millisecond)
					r.say("%s", sign)
					synctest.Wait()
				}
				time.Sleep(timeout - time.Millisecond)
				if n := len(p.Replicas()); n != 1 {
					t.Fatalf("%q, loading %v: given up a millisecond too early", sign, loading)
				}
				time.Sleep(2 * time.Millisecond)
				if n := len(p.Replicas()); n != 0 {
					t.Errorf("%q, loading %v: still attached after the timeout", sign, loading)
				}
			})
		}
	}
}

// Who asks before the cut shares it, who asks after it gets one of its own: each with the offset at which its data was taken.
func TestRuleGrouping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{DisklessDelay: 1500 * time.Millisecond}})
		id := p.Status().ID
		ask := func() *peer {
			r := capable(t, p)
			r.send("PSYNC", "?", "-1")
			return r
		}
		first := ask()
		time.Sleep(1499 * time.Millisecond)
		second := ask()
		p.Do("INCR", "n")
		time.Sleep(time.Millisecond)
		synctest.Wait() // the cut is made
		p.Do("INCR", "n")
		third := ask()
		for _, tc := range []struct {
			r    *peer
			want string
			n    string
		}{
			{first, "\n+FULLRESYNC " + id + " 44\r\n", "1"},
			{second, "+FULLRESYNC " + id + " 44\r\n", "1"},
			{third, "\n+FULLRESYNC " + id + " 88\r\n", "2"}, // SELECT again: the cut made it necessary
		} {
			tc.r.wants(tc.want)
			if got := get(load(t, tc.r.payload()), "n"); got != tc.n {
				t.Errorf("n = %s in the payload, want %s", got, tc.n)
			}
		}
		if st := p.Status(); st.FullServed != 3 {
			t.Errorf("%d full resyncs given, want 3", st.FullServed)
		}
	})
}
