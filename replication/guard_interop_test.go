package replication_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// A Redis that keeps nothing is killed and comes back empty, as a supervisor brings it back. Guarded replicas keep all that they have, and say why; one without a guard
// does what those of Redis do.
func TestInteropGuard(t *testing.T) {
	const keys = 1_000_000
	p := realserver.Start(t, realserver.R7, "--repl-diskless-sync-delay", "0", "--enable-debug-command", "yes")
	mustDo(t, p, "DEBUG", "POPULATE", strconv.Itoa(keys))
	url := "redis://" + p.Addr()
	guarded := []*replication.Replica{connect(t, url, nil), connect(t, url, nil)}
	open := connect(t, url, &replication.ReplicaOptions{Guard: replication.Guard{Off: true}})
	for range 3 {
		mustDo(t, p, "INCR", "n")
		mustDo(t, p, "RPUSH", "list", "x")
	}
	for _, r := range guarded {
		if err := r.Barrier(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	digest := guarded[0].Store().Digest()
	id := guarded[0].Status().ID
	p.Kill()
	p.Restart()
	for i, r := range guarded {
		realserver.Await(t, time.Minute, func() bool { return r.Status().State == replication.Held }, "the guard to hold the resync")
		st := r.Status()
		if o := st.Offer; o == nil || o.Reason != replication.ReasonEmpty || o.Keys != 0 || o.HaveKeys != keys+2 || o.HaveID != id || o.HaveOffset != st.Offset {
			t.Errorf("replica %d: offer %+v", i, o)
		}
		if got := do(t, r.Store(), "DBSIZE"); got != strconv.Itoa(keys+2) || get(r.Store(), "n") != "3" || do(t, r.Store(), "LLEN", "list") != "3" {
			t.Errorf("replica %d has %s keys, n = %q", i, got, get(r.Store(), "n"))
		}
	}
	if got := guarded[1].Store().Digest(); got != digest {
		t.Errorf("digest %s, was %s", got, digest)
	}
	realserver.Await(t, time.Minute, func() bool { return open.Status().FullSyncs == 2 && open.Status().State == replication.Streaming }, "the open replica to sync")
	if got := do(t, open.Store(), "DBSIZE"); got != "0" {
		t.Errorf("without a guard %s keys are left, Redis leaves none", got)
	}
	mustDo(t, p, "INCR", "n")
	if err := guarded[1].AcceptSync(t.Context()); err != nil { // the operator decides
		t.Fatal(err)
	}
	if got := do(t, guarded[1].Store(), "DBSIZE"); got != "1" {
		t.Errorf("after AcceptSync %s keys", got)
	}
	if st := guarded[1].Status(); st.Former == nil || st.Former.Keys != keys+2 {
		t.Errorf("former data %+v", st.Former)
	}
}
