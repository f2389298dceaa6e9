package server

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestFailoverCommand(t *testing.T) {
	n := newFake(t)
	s := start(t, n)
	c := dial(t, s)
	c.want("OK", "FAILOVER")
	c.want("OK", "failover", "timeout", "1500", "force", "to", "h", "7")
	want := []FailoverRequest{{}, {Host: "h", Port: 7, Timeout: 1500 * time.Millisecond, Force: true}}
	if len(n.failovers) != 2 || n.failovers[0] != want[0] || n.failovers[1] != want[1] {
		t.Errorf("the node was asked for %+v, want %+v", n.failovers, want)
	}
	n.refusal = ErrFailoverAlone
	c.want("ERR FAILOVER requires connected replicas.", "FAILOVER")
	n.refusal = errors.New("closed")
	c.want("ERR closed", "FAILOVER")
	c.want("ERR No failover in progress.", "FAILOVER", "ABORT")
	n.set(func(st *State) { st.Failover = FailoverWaiting })
	c.want("OK", "FAILOVER", "ABORT")
	for _, words := range [][]string{{"REPLICAOF", "NO", "ONE"}, {"SLAVEOF", "h", "x"}} {
		c.want("ERR REPLICAOF not allowed while failing over.", words...)
	}
}

// Hold makes writers wait, and readers not; a pause that a client orders and ends is another one.
func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFake(t)
		s := start(t, n)
		c, other := dial(t, s), dial(t, s)
		s.Hold()
		c.send("INCR n\r\n")
		other.want("OK", "CLIENT", "PAUSE", "1000000", "WRITE")
		other.want("OK", "CLIENT", "UNPAUSE")
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := other.do("GET", "n"); got != "(nil)" {
			t.Errorf("n = %s while writers wait", got)
		}
		s.Release()
		if got := c.read().String(); got != "1" {
			t.Errorf("INCR = %s after Release", got)
		}
		other.want("OK", "SET", "k", "v")
		for _, c := range []*client{c, other} {
			c.conn.Close()
			<-c.end
		}
		s.Close()
	})
}
