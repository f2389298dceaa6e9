package replication_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// Below a real server that is written to all the time, reads find no difference, and one that was planted; two chained nodes compare by digests at a mark that it is made to set.
func TestInteropVerify(t *testing.T) {
	for _, v := range []realserver.Version{realserver.R7, realserver.R8} {
		t.Run(fmt.Sprint("redis", v), func(t *testing.T) {
			top := realserver.Start(t, v, "--repl-diskless-sync-delay", "0")
			conn := connTo(t, top.Addr())
			preload(t, conn)
			mid := connect(t, "redis://"+top.Addr(), nil)
			leaf := connect(t, "redis://"+serveTCP(t, mid), nil)
			if _, err := mid.Verify(t.Context(), nil); !errors.Is(err, replication.ErrNoDigest) {
				t.Errorf("Verify of a Redis's digest = %v, want ErrNoDigest", err)
			}
			stop := writers(t, top.Addr())
			for range 3 {
				got, err := mid.Verify(t.Context(), &replication.VerifyOptions{Reads: 500})
				if err != nil || got.Keys < 200 {
					t.Errorf("Verify = %+v, %v", got, err)
				}
				got, err = leaf.Verify(t.Context(), nil)
				if err != nil || got.Keys < interopKeys {
					t.Errorf("digests: %+v, %v", got, err)
				}
			}
			stop()
			for _, r := range []*replication.Replica{mid, leaf} { // what is planted must not meet commands that still come
				if err := r.Barrier(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			plant(t, mid.Store(), "FLUSHDB", "SET key:1 vv")
			_, err := mid.Verify(t.Context(), &replication.VerifyOptions{Reads: 20})
			if d, ok := asDivergence(err); !ok || len(d.Keys) < 5 {
				t.Errorf("nearly everything is missing: %v", err)
			}
		})
	}
}

func asDivergence(err error) (*replication.DivergenceError, bool) {
	var d *replication.DivergenceError
	return d, errors.As(err, &d)
}

// Each kind of difference is found by what a real server answers, beside those that were planted before.
func TestInteropVerifyKinds(t *testing.T) {
	for _, v := range []realserver.Version{realserver.R7, realserver.R8} {
		t.Run(fmt.Sprint("redis", v), func(t *testing.T) {
			top := realserver.Start(t, v, "--repl-diskless-sync-delay", "0")
			conn := connTo(t, top.Addr())
			fillForReads(func(args ...string) { mustDo(t, conn, args...) })
			mustDo(t, conn, "SELECT", "9")
			mustDo(t, conn, "SET", "text", "v")
			r := connect(t, "redis://"+top.Addr(), nil)
			if got, err := r.Verify(t.Context(), &replication.VerifyOptions{Reads: 200}); err != nil || got.Keys != 14 || got.Unsettled != 0 {
				t.Errorf("equal data: %+v, %v", got, err)
			}
			for _, tc := range readDifferences {
				plant(t, r.Store(), tc.plant)
				_, err := r.Verify(t.Context(), &replication.VerifyOptions{Reads: 200})
				d, ok := asDivergence(err)
				if !ok || !slices.ContainsFunc(d.Keys, func(k replication.KeyDifference) bool { return k.Key == tc.key && k.DB == 0 }) {
					t.Errorf("%s: %v does not name %s", tc.plant, err, tc.key)
				}
			}
		})
	}
}
