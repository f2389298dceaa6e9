package server

import (
	"testing"
	"testing/synctest"
	"time"
)

// SHUTDOWN waits for replicas that are online and lack something, for shutdown-timeout, and not with NOW. Meanwhile others read, and nobody writes.
func TestShutdownWaitsForReplicas(t *testing.T) {
	for _, tc := range []struct {
		name, words, timeout, state string
		acked                       int
		want                        time.Duration
	}{
		{"nobody", "", "10", "", 0, 0},
		{"who has everything", "", "10", ReplicaOnline, 1, 0},
		{"who lacks something", "", "10", ReplicaOnline, 0, 10 * time.Second},
		{"another timeout", "", "3", ReplicaOnline, 0, 3 * time.Second},
		{"no timeout", "", "0", ReplicaOnline, 0, 0},
		{"now", " NOW", "10", ReplicaOnline, 0, 0},
		{"who loads", "", "10", ReplicaSending, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newFake(t)
				n.acked = tc.acked
				if tc.state != "" {
					n.state.Replicas = []ReplicaState{{State: tc.state}}
				}
				s := start(t, n, "--shutdown-timeout", tc.timeout)
				cl := dial(t, s)
				begun := time.Now()
				cl.send("SHUTDOWN" + tc.words + "\r\n")
				synctest.Wait()
				if tc.want > 0 {
					other := dial(t, s)
					other.want("PONG", "PING")
					other.send("SET k v\r\n")
					synctest.Wait()
					if n.data.DB(0).Exists("k") {
						t.Error("a write was executed during the wait")
					}
				}
				cl.gone()
				if d := time.Since(begun); d != tc.want {
					t.Errorf("it waited %v, want %v", d, tc.want)
				}
				select {
				case <-s.Shutdown():
				default:
					t.Error("the owner is not told")
				}
			})
		})
	}
}

// SHUTDOWN ABORT ends the waiting: who asked for the shutdown is told that it failed, and writes go on.
func TestShutdownAborted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFake(t)
		n.state.Replicas = []ReplicaState{{State: ReplicaOnline}}
		s := start(t, n)
		first, second, other := dial(t, s), dial(t, s), dial(t, s)
		other.want("ERR No shutdown in progress.", "SHUTDOWN", "ABORT")
		for _, c := range []*client{first, second} {
			c.send("SHUTDOWN NOSAVE\r\n")
		}
		time.Sleep(5 * time.Second)
		other.want("OK", "SHUTDOWN", "ABORT")
		for _, c := range []*client{first, second} {
			c.wantNext("-ERR Errors trying to SHUTDOWN. Check logs.")
		}
		other.want("OK", "SET", "k", "v")
		other.want("ERR No shutdown in progress.", "SHUTDOWN", "ABORT")
		time.Sleep(time.Minute)
		select {
		case <-s.Shutdown():
			t.Error("the owner is told of a shutdown that was aborted")
		default:
		}
	})
}
