package replication_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// quietReplica is a replica of p that has its data, and from then on says what the test makes it say.
func quietReplica(t *testing.T, p *replicationtest.Primary) *peer {
	t.Helper()
	r := clientOf(t, p)
	r.send("REPLCONF", "capa", "psync2")
	r.expect("+OK")
	r.follow()
	return r
}

// follow takes a full resync, and passes over the stream.
func (p *peer) follow() {
	p.t.Helper()
	p.send("PSYNC", "?", "-1")
	p.expect("+FULLRESYNC")
	size := p.expect("$")
	n := 0
	for _, c := range size[1:] {
		n = 10*n + int(c-'0')
	}
	p.read(n)
	go io.Copy(io.Discard, p.in)
	settled()
}

// settled lets everything happen that can happen now.
func settled() { synctest.Wait() }

// infoField is a field of INFO replication as a client of n is told, "" when it is not there.
func infoField(t *testing.T, c *peer, name string) string {
	t.Helper()
	c.send("INFO", "replication")
	v, err := c.in.ReadValue()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(v.Str, "\r\n"+name+":")
	value, _, _ := strings.Cut(rest, "\r\n")
	return value
}

// reply sends one command and returns the reply in its debugging form.
func (p *peer) reply(args ...string) string {
	p.t.Helper()
	p.send(args...)
	v, err := p.in.ReadValue()
	if err != nil {
		p.t.Fatalf("%q: %v", args, err)
	}
	return v.String()
}

const noReplicas = "-NOREPLICAS Not enough good replicas to write."

// A primary that wants a good replica refuses writes from the start, takes them when one is there, until one nanosecond after the lag that it grants, and again with
// the next sign of life. By every door the same.
func TestMinReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{MinReplicas: 1, MaxLag: 5 * time.Second, AllowReplicaOf: true}})
		c := clientOf(t, p)
		defer c.Close()
		wrote := 0
		check := func(when string, open bool) {
			t.Helper()
			settled()
			_, update := p.Update(func(tx *store.Tx) error { _, err := tx.DB(0).Incr("n", 1); return err })
			_, incr := p.DB(0).Incr("n", 1)
			reply, good, refusing := c.reply("INCR", "n"), infoField(t, c, "min_slaves_good_slaves"), p.Status().Refusing
			if open {
				wrote += 3
				if update != nil || incr != nil || strings.HasPrefix(reply, "-") || good != "1" || refusing != nil {
					t.Errorf("%s: Update %v, Incr %v, client %q, %s good, refusing %v", when, update, incr, reply, good, refusing)
				}
				return
			}
			if !errors.Is(update, store.ErrNoReplicas) || !errors.Is(incr, store.ErrNoReplicas) || reply != noReplicas || good != "0" || !errors.Is(refusing, store.ErrNoReplicas) {
				t.Errorf("%s: Update %v, Incr %v, client %q, %s good, refusing %v", when, update, incr, reply, good, refusing)
			}
		}
		check("without a replica", false)
		r := quietReplica(t, p)
		r.send("REPLCONF", "ACK", "0")
		check("with a replica", true)
		time.Sleep(5 * time.Second)
		check("at the lag", true)
		time.Sleep(time.Nanosecond)
		check("after the lag", false)
		r.say("\n")
		check("after a newline", true)
		time.Sleep(3 * time.Second)
		r.send("REPLCONF", "ACK", "0")
		time.Sleep(5 * time.Second)
		check("at the lag of the second sign", true)
		r.Close()
		check("when it has left", false)

		if got := c.reply("CONFIG", "SET", "min-slaves-to-write", "0"); got != "OK" {
			t.Fatal(got)
		}
		wrote += 0
		if got := infoField(t, c, "min_slaves_good_slaves"); got != "" || p.Status().GoodReplicas != -1 {
			t.Errorf("%q good replicas though none are wanted", got)
		}
		if got := c.reply("GET", "n"); got != `"`+itoa(wrote)+`"` {
			t.Errorf("n = %s, want %d", got, wrote)
		}
		for _, tc := range []struct {
			settings []string
			open     bool
		}{
			{[]string{"min-replicas-to-write", "1"}, false},
			{[]string{"min-replicas-max-lag", "0"}, true}, // switches it off, as in Redis
			{[]string{"min-replicas-max-lag", "10"}, false},
			{[]string{"min-replicas-to-write", "0"}, true},
		} {
			c.reply(append([]string{"CONFIG", "SET"}, tc.settings...)...)
			if got := c.reply("SET", "k", "v"); (got == "OK") != tc.open {
				t.Errorf("after %v: SET = %s", tc.settings, got)
			}
		}
	})
}

// Two are wanted: with one of them silent, writes end with the lag of that one, whoever else speaks.
func TestMinReplicasCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{MinReplicas: 2, MaxLag: 5 * time.Second}})
		silent := quietReplica(t, p)
		defer silent.Close()
		if err := p.DB(0).Set("k", "v", 0); !errors.Is(err, store.ErrNoReplicas) {
			t.Errorf("with one of two: %v", err)
		}
		p.Replica(nil) // acknowledges each second
		silent.send("REPLCONF", "ACK", "0")
		for range 5 {
			settled()
			if err := p.DB(0).Set("k", "v", 0); err != nil {
				t.Errorf("with both: %v", err)
			}
			time.Sleep(time.Second)
		}
		time.Sleep(time.Nanosecond)
		settled()
		if err := p.DB(0).Set("k", "v", 0); !errors.Is(err, store.ErrNoReplicas) {
			t.Errorf("with one of two silent: %v", err)
		}
		if got := p.Status().GoodReplicas; got != 1 {
			t.Errorf("%d good replicas, want 1", got)
		}
	})
}

// What is not a client's write goes on without replicas: expiry, on a primary; the stream, on a replica with the same setting.
func TestMinReplicasLeavesOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{MinReplicas: 1, MaxLag: 2 * time.Second}})
		r := p.Replica(nil)
		settled()
		p.Do("SET", "short", "v", "PX", "4500")
		p.Do("INCR", "n")
		p.Stall(20 * time.Second)
		time.Sleep(5 * time.Second)
		if err := p.DB(0).Set("k", "v", 0); !errors.Is(err, store.ErrNoReplicas) {
			t.Errorf("with a stalled replica: %v", err)
		}
		if n := p.Store().Stats().Expired; n != 1 {
			t.Errorf("%d keys expired, want one", n)
		}
		p.Resume()
		time.Sleep(3 * time.Second)
		barrier(t, r)
		replicationtest.Same(t, p.Store(), r.Store())

		// Promoted with the same wish, it has no replica: not one write may slip through.
		q, err := r.Promote(t.Context(), &replication.PrimaryOptions{MinReplicas: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := q.DB(0).Set("k", "v", 0); !errors.Is(err, store.ErrNoReplicas) {
			t.Errorf("after promotion: %v", err)
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// Who goes on with a store after Close decides for himself.
func TestMinReplicasEndsWithTheNode(t *testing.T) {
	s := store.New(nil)
	defer s.Close()
	p, err := replication.NewPrimary(s, &replication.PrimaryOptions{MinReplicas: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DB(0).Set("k", "v", 0); !errors.Is(err, store.ErrNoReplicas) {
		t.Errorf("before Close: %v", err)
	}
	p.Close()
	if err := s.DB(0).Set("k", "v", 0); err != nil {
		t.Errorf("after Close: %v", err)
	}
}

// A replica's own MinReplicas holds from its promotion on, whoever promotes it, and its handle as a primary is there then.
func TestMinReplicasOfAPromotedReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		p.Do("RPUSH", "list", "a")
		r := p.Replica(&replication.ReplicaOptions{MinReplicas: 1, AllowReplicaOf: true})
		settled()
		if err := r.Status().Refusing; !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("a replica refuses because of %v", err)
		}
		c := clientOf(t, r)
		defer c.Close()
		if got := c.reply("REPLICAOF", "NO", "ONE"); got != "OK" {
			t.Fatal(got)
		}
		now, err := r.Primary()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := now.Update(func(tx *store.Tx) error { _, err := tx.DB(0).Incr("n", 1); return err }); !errors.Is(err, store.ErrNoReplicas) {
			t.Errorf("Update of the promoted = %v", err)
		}
	})
}
