package replication_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// Traps of the protocol that belong to no other file of rules.

// pendingOf is what is pending in group g of stream s, each by ID, consumer and number of deliveries.
func pendingOf(t testing.TB, s *store.Store) string {
	t.Helper()
	list, err := s.DB(0).XPending("s", "g", nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range list {
		all = append(all, fmt.Sprint(p.ID, " ", p.Consumer, " ", p.Count))
	}
	return strings.Join(all, ", ")
}

// A primary has one word for "this is pending" and "this is pending no more": XCLAIM. It means the latter where the stream does not have the entry. XDEL alone leaves what is
// pending as it is. And FORCE, which makes pending what was not, makes nothing of an entry that never was.
func TestRuleClaimOfAnEntryThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := rdbOf(t)
		next := make(chan string)
		f := newFakePrimary(t, func(p *peer) {
			p.grant(file, 100)
			for s := range next {
				p.say("%s", s)
			}
		})
		defer close(next)
		r, _ := f.replica(nil)
		claim := func(consumer, id string, count int) string {
			return fmt.Sprintf("XCLAIM s g %s 0 %s TIME 946684800000 RETRYCOUNT %d FORCE JUSTID LASTID 2-1", consumer, id, count)
		}
		all := ""
		for _, tc := range []struct{ command, pending string }{
			{"SELECT 0", "-"},
			{"XADD s 1-1 f v", "-"},
			{"XADD s 2-1 f v", "-"},
			{"XGROUP CREATE s g 0", ""},
			{claim("ada", "1-1", 1), "1-1 ada 1"},
			{claim("ada", "2-1", 1), "1-1 ada 1, 2-1 ada 1"},
			{claim("bob", "2-1", 2), "1-1 ada 1, 2-1 bob 2"},
			{claim("bob", "1-0", 1), "1-1 ada 1, 2-1 bob 2"},
			{claim("bob", "1-2", 1), "1-1 ada 1, 2-1 bob 2"},
			{claim("bob", "9-9", 1), "1-1 ada 1, 2-1 bob 2"},
			{"XDEL s 1-1", "1-1 ada 1, 2-1 bob 2"},
			{claim("ada", "1-1", 1), "2-1 bob 2"},
			{claim("ada", "1-1", 1), "2-1 bob 2"},
			{"XTRIM s MAXLEN 0", "2-1 bob 2"},
			{claim("eve", "2-1", 3), ""},
		} {
			next <- frames(tc.command)
			all += frames(tc.command)
			synctest.Wait()
			if tc.pending == "-" {
				continue
			}
			if got := pendingOf(t, r.Store()); got != tc.pending {
				t.Errorf("after %s: pending %q, want %q", tc.command, got, tc.pending)
			}
		}
		if got, want := r.Status().Offset, int64(100+len(all)); got != want {
			t.Errorf("offset %d, want %d: each of them counts", got, want)
		}
	})
}

// The same from the other side: what ours and real primaries say of entries that were claimed, are there or not.
func TestRuleClaimsAsRedis(t *testing.T) {
	const script = `XADD s 1-1 f v;XADD s 2-1 f v;XADD s 3-1 f v;XGROUP CREATE s g 0;XGROUP CREATECONSUMER s g ada;XGROUP CREATECONSUMER s g bob
		XCLAIM s g ada 0 1-1 2-1 3-1 TIME 5 FORCE JUSTID LASTID 3-1;XCLAIM s g bob 0 3-1 TIME 6
		XCLAIM s g bob 0 9-9 FORCE;XDEL s 1-1;XCLAIM s g bob 0 1-1 TIME 7;XCLAIM s g bob 0 1-1 TIME 7 FORCE;XDEL s 2-1;XAUTOCLAIM s g bob 9000 - JUSTID;INCR end`
	const want = `SELECT 0|XADD s 1-1 f v|XADD s 2-1 f v|XADD s 3-1 f v|XGROUP CREATE s g 0|XGROUP CREATECONSUMER s g ada|XGROUP CREATECONSUMER s g bob` +
		`|MULTI|XCLAIM s g ada 0 1-1 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 3-1|XCLAIM s g ada 0 2-1 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 3-1` +
		`|XCLAIM s g ada 0 3-1 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 3-1|EXEC|XCLAIM s g bob 0 3-1 TIME 6 RETRYCOUNT 2 FORCE JUSTID LASTID 3-1` +
		`|XDEL s 1-1|XCLAIM s g ada 0 1-1 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 3-1` +
		`|XDEL s 2-1|MULTI|XCLAIM s g ada 0 2-1 TIME 5 RETRYCOUNT 1 FORCE JUSTID LASTID 3-1|XCLAIM s g bob 0 3-1 TIME T RETRYCOUNT 2 FORCE JUSTID LASTID 3-1|EXEC|INCR end`
	bothPrimaries(t, func(t *testing.T, addr string) {
		tap := attached(t, addr)
		c := wired(t, addr)
		for _, command := range strings.FieldsFunc(script, func(r rune) bool { return r == ';' || r == '\n' }) {
			c.send(strings.Fields(command)...)
			if v, err := c.in.ReadValue(); err != nil || v.AsError() != nil {
				t.Fatalf("%s: %v, %v", command, v, err)
			}
		}
		var got []string
		for last := ""; last != "INCR end"; {
			if last = tap.command(); last == "" {
				t.Fatalf("the stream ends after %q", got)
			}
			if last != "PING" {
				got = append(got, instant.ReplaceAllString(last, "T"))
			}
		}
		if text := strings.Join(got, "|"); text != want {
			t.Errorf("the stream has\n%s\nwant\n%s", text, want)
		}
	})
}

// Replicas of Redis 8 and Valkey offer to load over a second connection, each in its own way, and Valkey says its version. Who does not take the offer gives what it always
// gave: one connection, an answer to each line, and a payload in the oldest form that holds the data.
func TestRuleOffersOfReplicas(t *testing.T) {
	for _, lines := range []string{
		"REPLCONF capa eof capa psync2 capa rdb-channel-repl",
		"REPLCONF capa rdb-channel-repl capa psync2 capa eof",
		"REPLCONF capa dual-channel capa eof capa skip-rdb-checksum capa psync2;REPLCONF version 9.0.0",
		"REPLCONF version 8.1.3;REPLCONF capa eof capa psync2",
		"REPLCONF capa eof capa lz4 capa zstd capa unheard-of;REPLCONF capa psync2",
	} {
		synctest.Test(t, func(t *testing.T) {
			p := replicationtest.New(t)
			p.Do("SET", "k", "v")
			r := dial(t, p)
			for _, line := range strings.Split(lines, ";") {
				r.send(strings.Fields(line)...)
				r.wants("+OK\r\n")
			}
			r.send("PSYNC", "?", "-1")
			r.wants(fmt.Sprintf("+FULLRESYNC %s %d\r\n", p.Status().ID, p.Offset()))
			if file := r.payload(); !strings.HasPrefix(string(file), "REDIS0009") || get(load(t, file), "k") != "v" {
				t.Errorf("%s: a file that begins with %.9q", lines, file)
			}
			r.send("REPLCONF", "ACK", "0")
			p.Do("SET", "k", "w")
			r.wants(frames("SELECT 0", "SET k w"))
		})
	}
}
