package server

import (
	"testing"
	"testing/synctest"
	"time"
)

// A transaction queued before the data was dropped must not be executed on nothing.
func TestExecWhileVacant(t *testing.T) {
	n := newFake(t)
	s := start(t, n)
	c := dial(t, s)
	c.want("OK", "SET", "k", "v")
	c.want("OK", "MULTI")
	c.want("QUEUED", "GET", "k")
	n.data.Replication().Demote()
	if err := n.data.Replication().Vacate(); err != nil {
		t.Fatal(err)
	}
	other := dial(t, s)
	other.want(errLoading, "GET", "k")
	c.want("EXECABORT Transaction discarded because of: "+errLoading, "EXEC")
}

// SHUTDOWN ABORT must not end a client's pause.
func TestAbortEndsClientPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFake(t)
		n.state.Replicas = []ReplicaState{{State: ReplicaOnline}}
		s := start(t, n)
		first, other, w := dial(t, s), dial(t, s), dial(t, s)
		other.want("OK", "CLIENT", "PAUSE", "1000000", "WRITE")
		first.send("SHUTDOWN NOSAVE\r\n")
		time.Sleep(2 * time.Second)
		other.want("OK", "SHUTDOWN", "ABORT")
		first.wantNext("-ERR Errors trying to SHUTDOWN. Check logs.")
		w.send("SET k v\r\n")
		synctest.Wait()
		if n.data.DB(0).Exists("k") {
			t.Error("a write was executed during CLIENT PAUSE")
		}
		w.conn.Close()
		s.Close()
	})
}

// CLIENT UNPAUSE must not let writes in while a shutdown waits for its replicas.
func TestUnpauseDuringShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFake(t)
		n.state.Replicas = []ReplicaState{{State: ReplicaOnline}}
		s := start(t, n)
		first, other, w := dial(t, s), dial(t, s), dial(t, s)
		first.send("SHUTDOWN NOSAVE\r\n")
		time.Sleep(2 * time.Second)
		other.want("OK", "CLIENT", "UNPAUSE")
		w.send("SET k v\r\n")
		synctest.Wait()
		if n.data.DB(0).Exists("k") {
			t.Error("a write was executed while the shutdown waits")
		}
		first.conn.Close()
		w.conn.Close()
		s.Close()
	})
}

// One shutdown's end must not let writes in while another one waits.
func TestTwoShutdowns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFake(t)
		n.state.Replicas = []ReplicaState{{State: ReplicaOnline}}
		s := start(t, n)
		first, second, other, w := dial(t, s), dial(t, s), dial(t, s), dial(t, s)
		other.want("PONG", "PING")
		first.send("SHUTDOWN NOSAVE\r\n")
		id := second.do("CLIENT", "ID")
		time.Sleep(time.Second)
		second.send("SHUTDOWN NOSAVE\r\n")
		time.Sleep(time.Second)
		other.do("CLIENT", "KILL", "ID", id)
		synctest.Wait()
		w.send("SET k v\r\n")
		synctest.Wait()
		if n.data.DB(0).Exists("k") {
			t.Error("a write was executed while the first shutdown waits")
		}
		first.conn.Close()
		w.conn.Close()
		s.Close()
	})
}

func TestPasswordRemoved(t *testing.T) {
	n := newFake(t)
	s := start(t, n, "--requirepass", "x")
	a, b := dial(t, s), dial(t, s)
	b.want("NOAUTH Authentication required.", "PING")
	a.want("OK", "AUTH", "x")
	a.want("OK", "CONFIG", "SET", "requirepass", "")
	b.want("PONG", "PING")
}

// Replicas are clients: whoever may connect cannot get around maxclients by PSYNC.
func TestReplicasBeyondMaxClients(t *testing.T) {
	s := start(t, newFake(t), "--maxclients", "3")
	for range 3 {
		c := dial(t, s)
		c.send("PSYNC ? -1\r\n")
		c.wantNext("CONTINUE")
	}
	c := dial(t, s)
	go c.conn.Write([]byte("PING\r\n"))
	if got := c.read().Str; got != "ERR max number of clients reached" {
		t.Errorf("fourth of three clients got %q", got)
	}
}

// A browser is no stranger to talk to, with a password or without.
func TestWebBeforeAuth(t *testing.T) {
	c := dial(t, start(t, newFake(t), "--requirepass", "x"))
	c.send("POST / HTTP/1.1\r\nAUTH x\r\nSET k v\r\n")
	c.gone()
}
