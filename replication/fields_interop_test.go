package replication_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/store"
)

// datedHashes writes hashes of every form in which some fields have deadlines: far ones, and one that passes at once.
func datedHashes(t testing.TB, d realserver.Doer) {
	t.Helper()
	until := strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10)
	for i := range 60 {
		for _, key := range []string{"fields:", "many:"} {
			key += strconv.Itoa(i)
			mustDo(t, d, "HSET", key, "f", "1", "g", "2", "h", "3", "i", "4")
			if strings.HasPrefix(key, "many") {
				for from := range 3 {
					args := []string{"HSET", key}
					for n := range 100 {
						args = append(args, fmt.Sprint("n", from*100+n), "v")
					}
					mustDo(t, d, args...)
				}
				mustDo(t, d, "HPEXPIREAT", key, until, "FIELDS", "3", "n7", "n107", "n207")
			}
			mustDo(t, d, "HPEXPIREAT", key, until, "FIELDS", "2", "f", "h")
			mustDo(t, d, "HPERSIST", key, "FIELDS", "1", "h")
		}
	}
	mustDo(t, d, "HSET", "gone", "f", "1")
}

// datedWrites changes such hashes in all ways, and lets many fields pass their deadline.
func datedWrites(t testing.TB, d realserver.Doer) {
	t.Helper()
	for i := range 60 {
		for _, key := range []string{"fields:", "many:"} {
			key += strconv.Itoa(i)
			mustDo(t, d, "HPEXPIRE", key, strconv.Itoa(1+i%40), "FIELDS", "2", "g", "n5")
			mustDo(t, d, "HEXPIRE", key, "1000", "GT", "FIELDS", "2", "f", "i")
			mustDo(t, d, "HEXPIRE", key, "1000", "LT", "FIELDS", "1", "i")
			mustDo(t, d, "HINCRBY", key, "f", "5")
			mustDo(t, d, "HSETEX", key, "EX", "500", "FIELDS", "2", "j", "1", "k", "2")
			mustDo(t, d, "HSETEX", key, "FXX", "KEEPTTL", "FIELDS", "1", "j", "9")
			mustDo(t, d, "HGETEX", key, "EX", "700", "FIELDS", "2", "h", "none")
			mustDo(t, d, "HGETEX", key, "PERSIST", "FIELDS", "1", "i")
			mustDo(t, d, "HGETDEL", key, "FIELDS", "1", "k")
			mustDo(t, d, "COPY", key, "copy:"+key, "REPLACE")
			mustDo(t, d, "RENAME", "copy:"+key, "renamed:"+key)
		}
	}
	mustDo(t, d, "HPEXPIRE", "gone", "1", "FIELDS", "1", "f")
}

// noneIsLate reports whether every field that has passed its deadline has gone.
func noneIsLate(d realserver.Doer) bool {
	for i := range 60 {
		for prefix, fields := range map[string]int64{"fields:": 4, "many:": 303, "renamed:fields:": 4, "renamed:many:": 303} {
			if d.Do("HLEN", prefix+strconv.Itoa(i)) != fields {
				return false
			}
		}
	}
	return d.Do("EXISTS", "gone") == int64(0)
}

// Ours follows Redis 8: deadlines of fields come with the file and with the stream, and HDEL for each that has passed.
func TestInteropFieldDeadlinesFollow(t *testing.T) {
	for _, diskless := range []string{"yes", "no"} {
		t.Run("diskless "+diskless, func(t *testing.T) {
			p := realserver.Start(t, realserver.R8, "--repl-diskless-sync", diskless, "--repl-diskless-sync-delay", "0")
			datedHashes(t, p)
			r := connect(t, "redis://"+p.Addr(), nil)
			ours := connTo(t, serveTCP(t, r))
			realserver.AwaitEqual(t, 20*time.Second, p, ours)
			datedWrites(t, p)
			realserver.Await(t, 30*time.Second, func() bool { return noneIsLate(p) && noneIsLate(ours) }, "fields to expire on both sides")
			realserver.AwaitEqual(t, 20*time.Second, p, ours)
			sameDigest(t, p, r.Store())
		})
	}
}

// Redis 8 follows ours.
func TestInteropFieldDeadlinesFeed(t *testing.T) {
	p, err := replication.NewPrimary(store.New(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	addr := serveTCP(t, p)
	ours := connTo(t, addr)
	datedHashes(t, ours)
	_, port, _ := strings.Cut(addr, ":")
	r := realserver.Start(t, realserver.R8, "--replicaof", "127.0.0.1 "+port)
	realserver.AwaitEqual(t, 20*time.Second, ours, r)
	datedWrites(t, ours)
	realserver.Await(t, 30*time.Second, func() bool { return noneIsLate(ours) && noneIsLate(r) }, "fields to expire on both sides")
	realserver.AwaitEqual(t, 20*time.Second, ours, r)
	sameDigest(t, r, p.Store())
	// Promoted, it goes on with what it has: it has the deadlines too.
	mustDo(t, r, "REPLICAOF", "NO", "ONE")
	mustDo(t, r, "HPEXPIRE", "fields:0", "1", "FIELDS", "1", "f")
	realserver.Await(t, 30*time.Second, func() bool { return r.Do("HEXISTS", "fields:0", "f") == int64(0) }, "a field to expire there")
}

func sameDigest(t *testing.T, d realserver.Doer, s *store.Store) {
	t.Helper()
	realserver.Await(t, 20*time.Second, func() bool { return d.Do("DEBUG", "DIGEST") == s.Digest() }, "equal digests")
}
