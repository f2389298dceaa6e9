package replication_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

func sessionDo(c *store.Session, line string) string {
	var raw [][]byte
	for _, a := range strings.Fields(line) {
		raw = append(raw, []byte(a))
	}
	return c.Do(raw).String()
}

// Who waits on a replica for the news of a stream gets those that a full resync brings, those of the primary, and those that are written after a promotion.
func TestReadersOfStreamsWaitOverRoles(t *testing.T) {
	for _, inPlace := range []replication.LoadMode{replication.LoadAside, replication.LoadInPlace} {
		synctest.Test(t, func(t *testing.T) {
			p := replicationtest.New(t)
			p.Do("XADD", "x", "1-1", "f", "v")
			r := p.Replica(&replication.ReplicaOptions{LoadMode: inPlace, Guard: replication.Guard{Off: true}})
			got := make(chan string, 1)
			wait := func(line string) {
				go func() { got <- sessionDo(r.Store().NewSession(nil), line) }()
				synctest.Wait()
			}
			check := func(want string) {
				t.Helper()
				time.Sleep(30 * time.Second)
				synctest.Wait()
				select {
				case v := <-got:
					if !strings.Contains(v, want) {
						t.Errorf("in place %v: %s, want %s", inPlace, v, want)
					}
				default:
					t.Errorf("in place %v: still waiting for %s", inPlace, want)
					t.FailNow()
				}
			}
			wait("XREAD BLOCK 0 STREAMS x $")
			p.Do("XADD", "x", "2-1", "f", "v")
			check("2-1")
			wait("XREAD BLOCK 0 STREAMS y x $ $")
			p.RefusePartial(1)
			p.Stall(time.Second)
			p.Do("XADD", "x", "3-1", "f", "v")
			p.Cut()
			check("3-1")
			wait("XREAD BLOCK 0 STREAMS y x $ $")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			r.Follow(ctx, "redis://elsewhere:6379") // nobody is there: it waits for as long as ctx lets it
			cancel()
			check("UNBLOCKED") // there, the stream may have come less far
			wait("XREAD BLOCK 0 STREAMS y x $ $")
			if _, err := r.Promote(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			do(t, r.Store(), "XADD", "x", "4-1", "f", "v")
			check("4-1")
			do(t, r.Store(), "XGROUP", "CREATE", "x", "g", "$")
			wait("XREADGROUP GROUP g c BLOCK 0 STREAMS x >")
			do(t, r.Store(), "PEXPIRE", "x", "100")
			check("NOGROUP")
		})
	}
}
