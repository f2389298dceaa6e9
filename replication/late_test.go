package replication_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
)

// asks sends a request for a full resync, of a replica that wants a length unless told otherwise.
func asks(t testing.TB, p *replicationtest.Primary, options ...string) *peer {
	r := dial(t, p)
	if len(options) > 0 {
		r.send(append([]string{"REPLCONF"}, options...)...)
		r.expect("+OK")
	}
	r.send("PSYNC", "?", "-1")
	return r
}

// A replica that comes while a payload of known length is being sent to another joins it: the same file, the same cut, the whole stream from there. A payload that
// is being encoded as it is sent cannot be joined, nor can one of other content.
func TestLateComerJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		d := newDisk(t)
		synctest.Wait() // the node has made itself known to its server: settings stay from here on
		p.SpoolTo(0, d.create)
		p.Do("SET", "k", strings.Repeat("x", 4<<20)) // more than a connection takes: who does not read is sent it for ever
		first := asks(t, p)
		grant := first.expect("+FULLRESYNC")
		synctest.Wait()
		cut := p.Offset()
		p.Do("INCR", "n")
		synctest.Wait()
		if n := p.Store().Stats().Snapshots; n != 0 {
			t.Errorf("%d snapshots are kept for a file that is complete", n)
		}
		late, marked, empty := asks(t, p), asks(t, p, "capa", "eof"), asks(t, p, "rdb-filter-only", "")
		if got := late.line(); got != grant {
			t.Errorf("the late comer is granted %q, want %q", got, grant)
		}
		for _, other := range []*peer{marked, empty} {
			other.expect(fmt.Sprintf("+FULLRESYNC %s %d", p.Status().ID, p.Offset()))
			other.payload()
		}
		p.Do("INCR", "n")
		one, two := first.payload(), late.payload()
		if string(one) != string(two) || get(load(t, two), "n") != "" {
			t.Errorf("payloads of %d and %d bytes: not one file, or not of the cut", len(one), len(two))
		}
		want := stream(t, p, "primary:6379", p.Status().ID, cut, p.Offset())
		if strings.Count(want, "INCR") != 2 {
			t.Errorf("the stream from the cut is %q", want)
		}
		for _, r := range []*peer{first, late} {
			if got := r.read(len(want)); got != want {
				t.Errorf("stream %q, want %q", got, want)
			}
		}
		first.Close()
		late.Close()
		synctest.Wait()
		d.clean(1)
		next := asks(t, p)
		next.expect(fmt.Sprintf("+FULLRESYNC %s %d", p.Status().ID, p.Offset()))
		next.payload()
	})
}

// One file is encoded for all who wait for it, by nobody of them: each may leave in the middle. Who stays hears a newline each second. When all have left, encoding
// ends, and neither file nor snapshot stays.
func TestEncodingOutlivesItsReplicas(t *testing.T) {
	for _, stays := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			p := replicationtest.New(t)
			d := newDisk(t)
			synctest.Wait() // the node has made itself known to its server: settings stay from here on
			p.SpoolTo(16, d.create)
			for i := range 3 {
				p.Do("SET", fmt.Sprint("k", i), strings.Repeat("x", 1<<20))
			}
			goOn, writes := make(chan struct{}), 0
			d.suffer(trouble{write: func() {
				if writes++; writes == 3 {
					<-goOn
				}
			}})
			first := asks(t, p)
			first.expect("+FULLRESYNC")
			second := asks(t, p)
			time.Sleep(3500 * time.Millisecond)
			if st := p.Replicas(); len(st) != 2 || st[1].State != replication.FeedSending || st[1].Sent != 0 || p.Store().Stats().Snapshots != 1 {
				t.Errorf("%+v, %d snapshots", st, p.Store().Stats().Snapshots)
			}
			first.Close()
			if !stays {
				second.Close()
			}
			synctest.Wait()
			close(goOn)
			synctest.Wait()
			if stays {
				second.expect("+FULLRESYNC")
				if got := second.read(3); got != "\n\n\n" {
					t.Errorf("heard %q while the file was made", got)
				}
				if s := load(t, second.payload()); len(get(s, "k2")) != 1<<20 {
					t.Error("the payload is not the data")
				}
				second.Close()
				synctest.Wait()
			} else if writes > 3 {
				t.Errorf("%d writes to a file that nobody wants", writes)
			}
			d.clean(1)
			if n := p.Store().Stats().Snapshots; n != 0 {
				t.Errorf("%d snapshots are left open", n)
			}
		})
	}
}

// A disk that fails costs those who wait for the file their connection, and nobody anything else.
func TestPrimaryWithoutDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		d := newDisk(t)
		synctest.Wait() // the node has made itself known to its server: settings stay from here on
		p.SpoolTo(16, d.create)
		d.suffer(trouble{room: 100})
		p.Do("SET", "k", strings.Repeat("x", 1000))
		r := asks(t, p)
		r.closed(time.Second)
		d.clean(1)
		d.suffer(trouble{})
		r = asks(t, p)
		r.expect("+FULLRESYNC")
		load(t, r.payload())
		if n := p.Store().Stats().Snapshots; n != 0 {
			t.Errorf("%d snapshots are left open", n)
		}
	})
}

// What is told of a payload that a node sends: bytes always, size and end where they are known.
func TestProgressOfAFeed(t *testing.T) {
	for _, marked := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := replicationtest.New(t)
			for i := range 64 {
				p.Do("SET", fmt.Sprint("k", i), strings.Repeat("x", 64<<10))
			}
			options := []string{}
			if marked {
				options = []string{"capa", "eof"}
			}
			r := asks(t, p, options...)
			r.expect("+FULLRESYNC")
			time.Sleep(4 * time.Second)
			st := p.Replicas()[0]
			if st.Sent <= 0 || st.Sent > 4<<20 || st.SentRate != st.Sent/4 || (st.SentTotal == 0) != marked || st.SentEnd.IsZero() != marked {
				t.Errorf("marked %v, in the middle: %+v", marked, st)
			}
			if left := float64(st.SentTotal-st.Sent) / float64(st.Sent) * 4; !marked && time.Until(st.SentEnd).Seconds()-left > 0.001 {
				t.Errorf("to end in %v, want %v s", time.Until(st.SentEnd), left)
			}
			file := r.payload()
			r.send("REPLCONF", "ACK", "0")
			time.Sleep(time.Minute / 2)
			if st := p.Replicas()[0]; st.Sent != int64(len(file)) || !st.SentEnd.IsZero() || st.SentRate != st.Sent/4 {
				t.Errorf("marked %v, afterwards: %+v", marked, st)
			}
		})
	}
}

// What is told of a payload that a replica receives. No size and no end is made up where the primary tells none.
func TestProgressOfALoad(t *testing.T) {
	keys := make([]string, 200)
	for i := range keys {
		keys[i] = fmt.Sprint("key", i)
	}
	file := rdbOf(t, keys...)
	for _, mode := range []replication.LoadMode{replication.LoadAside, replication.LoadSpooled} {
		for _, marked := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				text := framed(file, 50, marked)
				half := strings.Index(text, "REDIS") + len(file)/2
				f := newFakePrimary(t, func(p *peer) {
					p.shakeHands()
					p.say("%s", text[:half])
					time.Sleep(8 * time.Second)
					p.say("%s", text[half:])
					p.live()
				})
				r, _ := f.replica(&replication.ReplicaOptions{LoadMode: mode})
				time.Sleep(4 * time.Second)
				st := r.Status()
				came := st.Loaded
				if mode == replication.LoadSpooled {
					came = st.Spooled
				}
				size := int64(len(file))
				if marked {
					size = 0
				}
				if came <= 0 || came > int64(len(file)/2) || st.Total != size || st.LoadRate != came/4 || st.LoadEnd.IsZero() != marked {
					t.Errorf("%v, marked %v: %+v", mode, marked, st)
				}
				if due := 4 * float64(size-came) / float64(came); !marked && (time.Until(st.LoadEnd).Seconds() < due-0.01 || time.Until(st.LoadEnd).Seconds() > due+0.01) {
					t.Errorf("%v: to end in %v, want %v s", mode, time.Until(st.LoadEnd), due)
				}
				if (st.LoadedKeys > 0 && st.LoadedKeys < 200) != (mode == replication.LoadAside) {
					t.Errorf("%v, marked %v: %d keys in the middle", mode, marked, st.LoadedKeys)
				}
				info := infoOf(t, r)
				if info["master_sync_read_bytes"] != fmt.Sprint(came) || info["master_sync_total_bytes"] != fmt.Sprint(size) || info["loading"] != "0" {
					t.Errorf("%v, marked %v: INFO %v", mode, marked, info)
				}
				if _, eta := info["loading_eta_seconds"]; eta != (mode == replication.LoadAside && !marked) {
					t.Errorf("%v, marked %v: an end is told: %v", mode, marked, eta)
				}
				time.Sleep(10 * time.Second)
				if st := r.Status(); st.State != replication.Streaming || st.Loaded != int64(len(file)) || st.LoadedKeys != 200 || !st.LoadEnd.IsZero() {
					t.Errorf("%v, marked %v, afterwards: %+v", mode, marked, st)
				}
			})
		}
	}
}
