package replication_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/store"
)

// second is a pause between attempts by which a test can tell them apart.
func second(int) time.Duration { return time.Second }

// A password that changes on the primary is followed: the callback is asked at each attempt, a refusal in between is no end, and the replica continues where it
// was. Neither the URL's credentials nor those of the options are shown.
func TestRotatingPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nw := memnet.New(nil)
		s := run(t, nw, "--save", "", "--dir", t.TempDir(), "--requirepass", "one", "--repl-diskless-sync-delay", "0")
		c := dialServer(t, nw)
		wantReply(t, c, "OK", "AUTH", "one")
		wantReply(t, c, int64(1), "INCR", "n")
		var password atomic.Value
		password.Store("one")
		asked := 0
		r, err := replication.Connect(t.Context(), "redis://:url@server:6379", &replication.ReplicaOptions{
			Dial: nw.Dial, Password: "option", Backoff: second,
			Credentials: func(context.Context) (string, string, error) {
				asked++
				return "default", password.Load().(string), nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		wantReply(t, c, "OK", "CONFIG", "SET", "requirepass", "two")
		wantReply(t, c, int64(2), "INCR", "n")
		wantReply(t, c, int64(1), "CLIENT", "KILL", "TYPE", "replica")
		time.Sleep(10500 * time.Millisecond)
		if st := r.Status(); st.State != replication.Waiting || !errors.Is(st.Err, replication.ErrDenied) {
			t.Errorf("with the old password: state %v, %v, want waiting, denied", st.State, st.Err)
		}
		if asked != 1+10 {
			t.Errorf("asked %d times, want once for the first link and for each of the 10 attempts after it", asked)
		}
		if err := r.Barrier(t.Context()); !errors.Is(err, replication.ErrDenied) {
			t.Errorf("Barrier with the old password: %v, want a refusal", err)
		}
		wantReply(t, c, int64(3), "INCR", "n")
		password.Store("two")
		settle()
		if err := r.Barrier(t.Context()); err != nil {
			t.Errorf("Barrier with the new password: %v", err)
		}
		st := r.Status()
		if st.State != replication.Streaming || get(r.Store(), "n") != "3" || st.FullSyncs != 1 || st.PartialSyncs != 1 {
			t.Errorf("with the new password: %+v, n = %s", st, get(r.Store(), "n"))
		}
		r.Close()
		c.Close()
		s.stop(t)
	})
}

// A callback that fails costs the attempt, whatever its error wraps, and nobody is dialed for it.
func TestCredentialsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.NewWith(t, &replicationtest.Options{Primary: &replication.PrimaryOptions{RequirePassword: "secret"}})
		p.Do("INCR", "n")
		vault := errors.Join(errors.New("vault is sealed"), store.ErrClosed) // which is terminal where it is the link's own
		dials := 0
		r, _ := startReplica(t, p.URL(), &replication.ReplicaOptions{
			Backoff: second,
			Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				dials++
				return p.Dial(ctx, network, addr)
			},
			Credentials: func(context.Context) (string, string, error) { return "", "secret", vault },
		})
		settle()
		st := r.Status()
		var failed *replication.CredentialsError
		var link *replication.LinkError
		if st.State != replication.Waiting || !errors.As(st.Err, &failed) || failed.Err != vault || !errors.As(st.Err, &link) || link.Stage != "asking for credentials" || dials != 0 {
			t.Errorf("state %v, %v, %d dials, want a failed callback and nobody dialed", st.State, st.Err, dials)
		}
		if got := replication.ReasonOf(st.Err); got != replication.ReasonNoCredentials {
			t.Errorf("reason %s, want %s", got, replication.ReasonNoCredentials)
		}
		if err := r.Barrier(t.Context()); !errors.Is(err, vault) {
			t.Errorf("Barrier = %v, want the error of the callback", err)
		}
	})
}

// A callback that waits is told to give up: by the timeout, and by Close.
func TestCredentialsThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		var waits []time.Duration
		r, _ := startReplica(t, p.URL(), &replication.ReplicaOptions{
			Dial: p.Dial, Backoff: second, Timeout: 3 * time.Second,
			Credentials: func(ctx context.Context) (string, string, error) {
				start := time.Now()
				select {
				case <-ctx.Done():
				case <-time.After(time.Hour):
				}
				waits = append(waits, time.Since(start))
				return "", "", ctx.Err()
			},
		})
		time.Sleep(5 * time.Second)
		r.Close()
		if len(waits) != 2 || waits[0] != 3*time.Second || waits[1] != time.Second {
			t.Errorf("the callback waited %v, want the timeout of 3s and then a second until Close", waits)
		}
	})
}
