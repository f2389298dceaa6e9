package replication_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

const flipID = "f0112233445566778899aabbccddeeff00112233"

// dial opens a connection to a primary for a replica that the test plays.
func dial(t testing.TB, p *replicationtest.Primary) *peer {
	t.Helper()
	c, err := p.Dial(t.Context(), "tcp", "primary:6379")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return newPeer(t, c)
}

// payload reads what follows the header line and returns the file.
func (p *peer) payload() []byte {
	p.t.Helper()
	header := p.expect("$")
	if mark, ok := strings.CutPrefix(header, "$EOF:"); ok {
		var b []byte
		for !bytes.HasSuffix(b, []byte(mark)) {
			b = append(b, p.read(missing(b, mark))...)
			if p.t.Failed() {
				return nil
			}
		}
		return b[:len(b)-len(mark)]
	}
	n, err := strconv.Atoi(header[1:])
	if err != nil {
		p.t.Errorf("payload header %q", header)
	}
	return []byte(p.read(n))
}

// missing returns how many bytes it takes at least until b ends with mark: so many can be read without reading beyond it.
func missing(b []byte, mark string) int {
	n := min(len(b), len(mark))
	for mark[:n] != string(b[len(b)-n:]) {
		n--
	}
	return len(mark) - n
}

// load checks that a file is whole, and returns what it holds.
func load(t testing.TB, file []byte) *store.Store {
	t.Helper()
	s := store.New(nil)
	l := s.Replication().NewLoader()
	if err := l.LoadRDB(bytes.NewReader(file)); err != nil {
		t.Fatalf("the payload does not load: %v", err)
	}
	if err := l.Commit(s.Replication().History()); err != nil {
		t.Fatal(err)
	}
	return s
}

// A Redis of version 7 sends its options in one burst, unasked for replies in between; an older one waits for each. Both are served.
func TestHandshakesOfReplicas(t *testing.T) {
	burst := []string{"REPLCONF listening-port 6380", "REPLCONF capa eof capa psync2", "REPLCONF uuid x", "REPLCONF version 9.1.0"}
	replies := []string{"+OK", "+OK", "-ERR Unrecognized REPLCONF option: uuid", "+OK"}
	for _, pipelined := range []bool{false, true} {
		t.Run(fmt.Sprint("pipelined=", pipelined), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := replicationtest.New(t)
				r := dial(t, p)
				r.send("PING")
				r.expect("+PONG")
				for i, line := range burst {
					r.send(strings.Fields(line)...)
					if !pipelined {
						r.expect(replies[i])
					}
				}
				if pipelined {
					for _, want := range replies {
						r.expect(want)
					}
				}
				r.send("PSYNC", "?", "-1")
				r.expect("+FULLRESYNC " + p.Status().ID + " 0")
				// Valkey 9 would take a file of its own numbering as well; the oldest is good for all.
				if file := r.payload(); !strings.HasPrefix(string(file), "REDIS0009") {
					t.Errorf("the file begins with %q", file[:9])
				}
				r.send("REPLCONF", "ACK", "0")
				synctest.Wait()
				if got := p.Replicas(); len(got) != 1 || got[0].State != replication.FeedOnline || !strings.HasSuffix(got[0].Addr, ":6380") {
					t.Errorf("replicas = %+v", got)
				}
			})
		})
	}
}

// After a payload with a mark the primary says nothing until the first acknowledgement, however much there is to say.
func TestSilenceBeforeTheFirstAck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("SET", "k", "v")
		r := dial(t, p)
		r.send("REPLCONF", "capa", "eof")
		r.expect("+OK")
		r.send("PSYNC", "?", "-1")
		r.expect("+FULLRESYNC")
		file := r.payload()
		p.Do("SET", "k", "after")
		r.say("\n\n") // still loading
		r.silent(30 * time.Second)
		r.send("REPLCONF", "ACK", "50")
		want := string(resp.AppendCommand(resp.AppendCommand(nil, "SELECT", "0"), "SET", "k", "after"))
		if got := r.read(len(want)); got != want {
			t.Errorf("stream %q, want %q", got, want)
		}
		if got := get(load(t, file), "k"); got != "v" {
			t.Errorf("k in the payload = %q, want v", got)
		}
	})
}

// A replica without the eof capability gets a length, and the stream at once behind it.
func TestPayloadWithLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("SET", "k", strings.Repeat("x", 3<<20)) // more than stays in memory
		r := dial(t, p)
		r.send("PSYNC", "?", "-1")
		r.expect("+FULLRESYNC")
		p.Do("INCR", "n")
		file := r.payload()
		want := string(resp.AppendCommand(resp.AppendCommand(nil, "SELECT", "0"), "INCR", "n"))
		if got := r.read(len(want)); got != want {
			t.Errorf("stream %q, want %q", got, want)
		}
		if s := load(t, file); len(get(s, "k")) != 3<<20 || get(s, "n") != "" {
			t.Error("the payload is not the data at the cut")
		}
		// And without psync2 the grant of a partial resync names no ID.
		again := dial(t, p)
		again.send("PSYNC", p.Status().ID, strconv.FormatInt(p.Offset()+1, 10))
		if l := again.line(); l != "+CONTINUE" {
			t.Errorf("got %q, want +CONTINUE alone", l)
		}
	})
}

// SYNC has no reply line and no acknowledgements, so silence is no reason to drop such a replica.
func TestSYNC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := dial(t, p)
		r.say("SYNC\r\n")
		load(t, r.payload())
		time.Sleep(10 * time.Minute)
		if n := len(p.Replicas()); n != 1 {
			t.Errorf("%d replicas after ten minutes, want 1", n)
		}
	})
}

// A payload-only replica (redis-cli --rdb) gets the file and nothing else, in either form.
func TestPayloadOnly(t *testing.T) {
	for _, capa := range []string{"eof", "psync2"} {
		synctest.Test(t, func(t *testing.T) {
			p := replicationtest.New(t)
			p.Do("INCR", "n")
			r := dial(t, p)
			r.send("REPLCONF", "capa", capa, "rdb-only", "1")
			r.expect("+OK")
			r.send("PSYNC", "?", "-1")
			r.expect("+FULLRESYNC")
			p.Do("INCR", "n")
			if s := load(t, r.payload()); get(s, "n") != "1" {
				t.Errorf("capa %s: n = %q in the file", capa, get(s, "n"))
			}
			r.send("REPLCONF", "ACK", "0")
			r.SetReadDeadline(time.Now().Add(time.Second))
			if after, err := io.ReadAll(r.in); len(after) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("capa %s: %q, %v after the payload", capa, after, err)
			}
		})
	}
}

// What a replica says of its version decides how deadlines of fields are written, if there are any.
func TestPayloadWithFieldDeadlines(t *testing.T) {
	for _, tc := range []struct {
		version, plain, dated string
		kept                  bool
	}{
		{"", "REDIS0009", "REDIS0012", true},
		{"9.0.0", "REDIS0009", "VALKEY080", true},
		{"10.1.0", "REDIS0009", "VALKEY080", true},
		{"8.1.3", "REDIS0009", "REDIS0009", false},
		{"7.2.255", "REDIS0009", "REDIS0009", false},
		{"nine", "REDIS0009", "REDIS0012", true},
	} {
		for _, capa := range []string{"eof", "psync2"} {
			synctest.Test(t, func(t *testing.T) {
				p := replicationtest.New(t)
				p.Do("HSET", "h", "f", "1", "g", "2")
				for i, want := range []string{tc.plain, tc.dated} {
					r := dial(t, p)
					r.send("REPLCONF", "capa", capa, "capa", "psync2")
					r.expect("+OK")
					if tc.version != "" {
						r.send("REPLCONF", "version", tc.version)
						r.expect("+OK")
					}
					r.send("PSYNC", "?", "-1")
					r.expect("+FULLRESYNC")
					got := r.payload()
					if !strings.HasPrefix(string(got), want) {
						t.Errorf("version %q: a file %.9q, want %s", tc.version, got, want)
					}
					_, dated, err := load(t, got).DB(0).HExpireTime("h", "f")
					if err != nil || dated != (i == 1 && tc.kept) {
						t.Errorf("version %q: the field has a deadline: %v, %v", tc.version, dated, err)
					}
					p.Do("HEXPIRE", "h", "1000", "FIELDS", "1", "f")
				}
			})
		}
	}
}

// A part of the file is all that some want: redis-cli --functions-rdb, and --replica, which shows the stream that follows. That one is whole.
func TestFilteredPayload(t *testing.T) {
	const library = "#!lua name=a\n"
	file := "REDIS0010\xf5" + string(rune(len(library))) + library + "\xff\x00\x00\x00\x00\x00\x00\x00\x00"
	for _, tc := range []struct {
		filter, capa string
		libraries    bool
	}{
		{"", "eof", false},
		{"", "psync2", false},
		{"functions", "eof", true},
		{"functions", "psync2", true},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := replicationtest.New(t)
			l := p.Store().Replication().NewLoader()
			if err := errors.Join(l.LoadRDB(strings.NewReader(file)), l.Commit(p.Store().Replication().History())); err != nil {
				t.Fatal(err)
			}
			p.Do("SET", "k", "v")
			r := dial(t, p)
			r.send("REPLCONF", "capa", tc.capa, "rdb-filter-only", tc.filter)
			r.expect("+OK")
			r.send("PSYNC", "?", "-1")
			r.expect("+FULLRESYNC")
			got := r.payload()
			if n := load(t, got).DB(0).Len(); n != 0 {
				t.Errorf("filter %q: %d keys, want none", tc.filter, n)
			}
			if strings.Contains(string(got), library) != tc.libraries || strings.Contains(string(got), "repl-id") {
				t.Errorf("filter %q: the file is %q", tc.filter, got)
			}
			r.send("REPLCONF", "ACK", "0")
			p.Do("INCR", "n")
			for _, want := range []string{"SELECT 0", "INCR n"} {
				if got := r.command(); got != want {
					t.Errorf("filter %q: the stream has %q, want %q", tc.filter, got, want)
				}
			}
			r.send("REPLCONF", "ACK", "1000000")
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if n, err := p.WaitReplicas(ctx, 1, p.Store().Replication().Backlog().Offset()); n != 0 {
				t.Errorf("filter %q: %d replicas hold the data, %v; it has none of it", tc.filter, n, err)
			}
		})
	}
}

// online brings a replica that the test plays to the stream.
func (p *peer) online() {
	p.t.Helper()
	p.send("REPLCONF", "capa", "eof", "capa", "psync2")
	p.expect("+OK")
	p.send("PSYNC", "?", "-1")
	p.expect("+FULLRESYNC")
	p.payload()
	p.send("REPLCONF", "ACK", "0")
}

// watched returns a primary with an observed log.
func watched(t testing.TB, s *store.Options, o replication.PrimaryOptions) (*replicationtest.Primary, *observer.ObservedLogs) {
	core, logs := observer.New(zap.InfoLevel)
	o.Logger = zap.New(core)
	return replicationtest.NewWith(t, &replicationtest.Options{Store: s, Primary: &o}), logs
}

// detached returns why the only replica went.
func detached(t testing.TB, logs *observer.ObservedLogs) error {
	t.Helper()
	synctest.Wait()
	list := logs.FilterMessage("replica detached").All()
	if len(list) != 1 {
		t.Fatalf("%d replicas were detached, want 1", len(list))
	}
	for _, f := range list[0].Context {
		if f.Key == "error" {
			return f.Interface.(error)
		}
	}
	return nil
}

// A replica that does not read costs at most the limit; the writer does not wait, and others are served on.
func TestOutputLimit(t *testing.T) {
	const limit = 1 << 20
	synctest.Test(t, func(t *testing.T) {
		p, logs := watched(t, &store.Options{BacklogBytes: 1 << 16}, replication.PrimaryOptions{OutputLimit: limit})
		slow := dial(t, p)
		slow.online()
		good := p.Replica(nil)
		start := time.Now()
		value := strings.Repeat("x", 10_000)
		written := 0
		for len(p.Replicas()) == 2 && written < 2*limit {
			p.Do("APPEND", "k", value)
			written += len(value)
			barrier(t, good)
		}
		if time.Since(start) > time.Second {
			t.Errorf("the writer took %v", time.Since(start))
		}
		var over *replication.OutputLimitError
		if err := detached(t, logs); !errors.As(err, &over) || !errors.Is(err, replication.ErrOutputLimit) || over.Limit != limit || over.Lag <= limit {
			t.Errorf("dropped because of %v, want the output limit", err)
		}
		replicationtest.Same(t, p.Store(), good.Store())
	})
}

func TestAckTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, logs := watched(t, nil, replication.PrimaryOptions{Timeout: 20 * time.Second})
		r := dial(t, p)
		r.online()
		for range 10 {
			time.Sleep(15 * time.Second)
			r.say("\n") // a sign of life like any other
		}
		if n := len(p.Replicas()); n != 1 {
			t.Fatalf("%d replicas, want 1", n)
		}
		r.SetDeadline(time.Time{})
		r.closed(21 * time.Second)
		if err := detached(t, logs); !errors.Is(err, replication.ErrAckTimeout) {
			t.Errorf("dropped because of %v, want %v", err, replication.ErrAckTimeout)
		}
	})
}

// A replica that never acknowledges its payload is given up as well.
func TestNoFirstAck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, logs := watched(t, nil, replication.PrimaryOptions{Timeout: 20 * time.Second})
		r := dial(t, p)
		r.send("REPLCONF", "capa", "eof")
		r.expect("+OK")
		r.send("PSYNC", "?", "-1")
		r.expect("+FULLRESYNC")
		r.payload()
		r.closed(21 * time.Second)
		if err := detached(t, logs); !errors.Is(err, replication.ErrAckTimeout) {
			t.Errorf("dropped because of %v, want %v", err, replication.ErrAckTimeout)
		}
	})
}

// A replica that stops reading in the middle of its payload, and says nothing either, is given up after the timeout.
func TestStalledPayload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, logs := watched(t, nil, replication.PrimaryOptions{Timeout: 20 * time.Second})
		p.Do("SET", "k", strings.Repeat("x", 8<<20))
		r := dial(t, p)
		r.send("REPLCONF", "capa", "eof")
		r.expect("+OK")
		r.send("PSYNC", "?", "-1")
		time.Sleep(time.Minute)
		if err := detached(t, logs); !errors.Is(err, replication.ErrStalled) {
			t.Errorf("dropped because of %v, want %v", err, replication.ErrStalled)
		}
		if n := p.Store().Stats().Snapshots; n != 0 {
			t.Errorf("%d snapshots are open, want none", n)
		}
	})
}

// One that reads nothing for long but sends newlines is loading: it is waited for.
func TestSlowLoaderIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{Timeout: 20 * time.Second}})
		p.Do("SET", "k", strings.Repeat("x", 8<<20))
		r := dial(t, p)
		r.send("PSYNC", "?", "-1")
		r.expect("+FULLRESYNC")
		for range 100 {
			time.Sleep(time.Second)
			r.say("\n")
		}
		load(t, r.payload())
	})
}

// One that has its payload whole and reads nothing, because it loads, may take its time too, as long as it sends newlines: with either form.
func TestLongLoadAfterThePayload(t *testing.T) {
	for _, capa := range []string{"eof", "psync2"} { // without eof the payload has a length
		synctest.Test(t, func(t *testing.T) {
			p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{Timeout: 20 * time.Second}})
			r := dial(t, p)
			r.send("REPLCONF", "capa", capa)
			r.expect("+OK")
			r.send("PSYNC", "?", "-1")
			r.expect("+FULLRESYNC")
			r.payload()
			for range 100 {
				time.Sleep(time.Second)
				r.say("\n")
			}
			r.send("REPLCONF", "ACK", "0")
			synctest.Wait()
			if list := p.Replicas(); len(list) != 1 || list[0].State != replication.FeedOnline {
				t.Errorf("capa %s: replicas after a long load: %+v, want one online", capa, list)
			}
		})
	}
}

// Replicas that ask within the delay share one snapshot and hear newlines meanwhile; each gets the whole stream from the same cut.
func TestGroupSharesOneSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{DisklessDelay: 4500 * time.Millisecond}})
		p.Do("SET", "k", strings.Repeat("x", 4<<20)) // more than a connection takes: they stay in their payloads
		var members []*peer
		for range 3 {
			r := dial(t, p)
			r.send("REPLCONF", "capa", "eof")
			r.expect("+OK")
			r.send("PSYNC", "?", "-1")
			members = append(members, r)
			time.Sleep(time.Second)
		}
		p.Do("SET", "before", "the cut")
		time.Sleep(2 * time.Second)
		if n := p.Store().Stats().Snapshots; n != 1 {
			t.Errorf("%d snapshots for three replicas, want 1", n)
		}
		p.Do("SET", "after", "the cut")
		for i, r := range members {
			if got := r.read(4 - i); got != strings.Repeat("\n", 4-i) {
				t.Errorf("member %d heard %q while it waited", i, got)
			}
			r.expect("+FULLRESYNC")
			s := load(t, r.payload())
			if get(s, "before") == "" || get(s, "after") != "" {
				t.Errorf("member %d: the payload is not the data at the cut", i)
			}
			r.send("REPLCONF", "ACK", "0")
			want := string(resp.AppendCommand(resp.AppendCommand(nil, "SELECT", "0"), "SET", "after", "the cut"))
			if got := r.read(len(want)); got != want {
				t.Errorf("member %d: stream %q, want %q", i, got, want)
			}
		}
		synctest.Wait()
		if n := p.Store().Stats().Snapshots; n != 0 {
			t.Errorf("%d snapshots are left open", n)
		}
	})
}

// Members that go away before the cut leave no snapshot behind, and the one that stays is served.
func TestGroupMembersLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{DisklessDelay: 5 * time.Second}})
		first, second := dial(t, p), dial(t, p)
		for _, r := range []*peer{first, second} {
			r.send("REPLCONF", "capa", "eof")
			r.expect("+OK")
			r.send("PSYNC", "?", "-1")
			time.Sleep(time.Second)
		}
		first.Close()
		second.expect("+FULLRESYNC")
		load(t, second.payload())
		second.Close()
		lonely := dial(t, p)
		lonely.send("REPLCONF", "capa", "eof")
		lonely.expect("+OK")
		lonely.send("PSYNC", "?", "-1")
		time.Sleep(time.Second)
		lonely.Close()
		time.Sleep(10 * time.Second)
		if n := p.Store().Stats().Snapshots; n != 0 {
			t.Errorf("%d snapshots are left open", n)
		}
	})
}

// What is acknowledged beyond the end of the stream counts as the end: WaitReplicas is not to be fooled.
func TestAckBeyondTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := dial(t, p)
		r.online()
		r.send("REPLCONF", "ACK", "1000000")
		synctest.Wait()
		p.Do("SET", "k", "v")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if n, err := p.WaitReplicas(ctx, 1, p.Offset()); n != 0 || err == nil {
			t.Errorf("WaitReplicas = %d, %v, want 0", n, err)
		}
		// Nor does an acknowledgement take back what an earlier one said.
		for _, n := range []int{20, 10} {
			r.send("REPLCONF", "ACK", strconv.Itoa(n))
			synctest.Wait()
			if got := p.Replicas()[0].Acked; got != 20 {
				t.Errorf("after ACK %d: acknowledged %d, want 20", n, got)
			}
		}
	})
}

// A partial resync is refused with a reason that stays in the status.
func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Store: &store.Options{BacklogBytes: 100}})
		p.Do("SET", "k", strings.Repeat("x", 500))
		id, end := p.Status().ID, p.Offset()
		for _, tc := range []struct {
			id   string
			next int64
			why  string
		}{
			{strings.Repeat("0", 40), end + 1, "unknown replication ID"},
			{"short", end + 1, "unknown replication ID"},
			{id, end + 2, fmt.Sprintf("ahead of the stream: has %d bytes, window [%d, %d]", end+1, end-100, end)},
			{id, end - 100, fmt.Sprintf("behind the backlog: has %d bytes, window [%d, %d]", end-101, end-100, end)},
		} {
			r := dial(t, p)
			r.send("PSYNC", tc.id, strconv.FormatInt(tc.next, 10))
			r.expect("+FULLRESYNC")
			if got := p.Status().LastRefusal; got != tc.why {
				t.Errorf("PSYNC %s %d: refused because %q, want %q", tc.id, tc.next, got, tc.why)
			}
		}
		for _, next := range []int64{end + 1, end - 99} {
			r := dial(t, p)
			r.send("PSYNC", strings.ToUpper(id), strconv.FormatInt(next, 10))
			r.expect("+CONTINUE")
		}
		if st := p.Status(); st.PartialRefused != 4 || st.PartialServed != 2 || st.FullServed != 4 {
			t.Errorf("refused %d, granted %d, full %d, want 4, 2, 4", st.PartialRefused, st.PartialServed, st.FullServed)
		}
		r := dial(t, p)
		r.send("PSYNC", id, "nonsense")
		r.expect("-ERR")
	})
}

// A replica that has nothing yet sends others away.
func TestNoPrimaryLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Stall(0)
		r, _ := startReplica(t, p.URL(), &replication.ReplicaOptions{Dial: p.Dial})
		a, b := memnet.Pipe(nil)
		defer a.Close()
		go r.ServeConn(context.Background(), b)
		c := newPeer(t, a)
		c.send("PSYNC", "?", "-1")
		c.expect("-NOMASTERLINK")
		c.closed(time.Second)
	})
}

// Data from a file that states no history serves readers, but has no name under which a replica could hold it.
func TestNoHistoryToGive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "dump.rdb")
		var file bytes.Buffer
		e := rdb.NewEncoder(&file, nil)
		if err := errors.Join(e.SelectDB(0), e.String("k", "v", 0), e.End(), os.WriteFile(path, file.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
		s := store.New(nil)
		if err := s.Replication().LoadFile(path); err != nil {
			t.Fatal(err)
		}
		p := replicationtest.New(t)
		p.Stall(0)
		r, _ := startReplica(t, p.URL(), &replication.ReplicaOptions{Dial: p.Dial, Store: s})
		c := clientOf(t, r)
		c.send("PSYNC", "?", "-1")
		c.expect("-NOMASTERLINK")
		if got := get(s, "k"); got != "v" {
			t.Errorf("k = %q, want v: reads go on", got)
		}
	})
}

// clientOf connects to a node by a pipe of its own.
func clientOf(t testing.TB, n interface {
	ServeConn(context.Context, net.Conn) error
}) *peer {
	a, b := memnet.Pipe(nil)
	t.Cleanup(func() { a.Close() })
	go n.ServeConn(context.Background(), b)
	return newPeer(t, a)
}

// While it receives a full resync a replica serves reads from the data that it has, and takes on no replica, as that data is about to go. One that was attached
// before stays until then.
func TestDuringFullResync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, new := rdbOf(t, "old"), rdbOf(t, "new")
		mark := wireMark
		cut, goOn := make(chan struct{}), make(chan struct{})
		f := newFakePrimary(t,
			func(p *peer) { p.grant(old, 7); <-cut },
			func(p *peer) {
				p.shakeHands()
				p.say("+FULLRESYNC %s 9\r\n$EOF:%s\r\n%s", flipID, mark, new[:len(new)-5])
				<-goOn
				p.say("%s%s", new[len(new)-5:], mark)
				p.hold()
			},
		)
		r, _ := f.replica(nil)
		settle()
		attached := clientOf(t, r)
		attached.send("PSYNC", fakeID, "8")
		attached.expect("+CONTINUE")
		close(cut)
		settle()
		st := r.Status()
		if st.State != replication.Loading || st.Offset != 7 || st.ID != fakeID || st.Loaded == 0 || get(r.Store(), "old") != "v" || get(r.Store(), "new") != "" {
			t.Errorf("during the resync: %+v, old = %q, new = %q", st, get(r.Store(), "old"), get(r.Store(), "new"))
		}
		for _, args := range [][]string{{"PSYNC", "?", "-1"}, {"PSYNC", fakeID, "8"}, {"SYNC"}} {
			c := clientOf(t, r)
			c.send(args...)
			c.expect("-NOMASTERLINK")
		}
		attached.silent(time.Second / 2)
		close(goOn)
		attached.closed(time.Second) // another history: the chained replica has to ask again
		synctest.Wait()
		st = r.Status()
		if st.State != replication.Streaming || st.Offset != 9 || st.ID != flipID || get(r.Store(), "old") != "" || get(r.Store(), "new") != "v" {
			t.Errorf("after the resync: %+v", st)
		}
	})
}

// A replica that was written to is not what its history says: it serves nobody, says why, and does not go on with its own primary once the link broke.
func TestTaintedReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("SET", "k", "v")
		r := p.Replica(nil)
		r.Store().Replication().SetWritable(true)
		if err := r.DB(0).Set("mine", "x", 0); err != nil {
			t.Fatal(err)
		}
		st := r.Status()
		if st.Tainted == "" {
			t.Error("the status does not say that the data is tainted")
		}
		for _, args := range [][]string{{"PSYNC", "?", "-1"}, {"PSYNC", st.ID, strconv.FormatInt(st.Offset+1, 10)}} {
			c := clientOf(t, r)
			c.send(args...)
			c.expect("-NOMASTERLINK")
		}
		p.Cut()
		settle()
		if st := r.Status(); st.State != replication.Stopped || !errors.Is(st.Err, replication.ErrTainted) {
			t.Errorf("state %v, err %v, want stopped, %v", st.State, st.Err, replication.ErrTainted)
		}
		// Told to follow, it starts over, and is honest again.
		if err := r.Follow(t.Context(), p.URL()); err != nil {
			t.Fatal(err)
		}
		barrier(t, r)
		replicationtest.Same(t, p.Store(), r.Store())
		if st := r.Status(); st.Tainted != "" || st.FullSyncs != 2 {
			t.Errorf("status after the second sync: %+v", st)
		}
	})
}

// A replica that talks big is cut off long before it costs memory.
func TestReplicaThatTalksTooMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, logs := watched(t, nil, replication.PrimaryOptions{})
		r := dial(t, p)
		r.online()
		r.say("*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$100000000\r\n")
		r.closed(time.Second)
		if err := detached(t, logs); !as[*resp.SyntaxError](err) {
			t.Errorf("dropped because of %v, want a syntax error", err)
		}
	})
}
