package replication_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/replicationtest"
)

// cluster is three nodes of which one is the primary, under a script of random bytes.
type cluster struct {
	*scenario
	lead string
	done []string // what was done, for a failure
}

var clusterNames = []string{"a", "b", "c"}

func newCluster(t *testing.T) *cluster {
	c := &cluster{scenario: &scenario{t: t, net: memnet.New(nil), nodes: map[string]*scenarioNode{}}, lead: "a"}
	c.act("primary", "a", "backlog=300")
	c.act("replica", "b", "of=a")
	c.act("replica", "c", "of=a")
	return c
}

func (c *cluster) act(words ...string) {
	c.done = append(c.done, fmt.Sprint(words))
	c.run(words)
}

// step executes one byte of the script.
func (c *cluster) step(b byte) {
	other := clusterNames[int(b>>4)%len(clusterNames)]
	switch b % 16 {
	case 0, 1, 2:
		c.act("write", c.lead, "incr", "n")
	case 3, 4:
		c.act("write", c.lead, "append", "text", fmt.Sprint(b))
	case 5:
		c.act("write", c.lead, "select", fmt.Sprint(b>>6))
	case 6:
		c.act("write", c.lead, "hincrby", "hash", fmt.Sprint(b>>6), "3")
	case 7:
		c.act("write", c.lead, "fill=100")
	case 8, 9:
		c.act("cut", other)
	case 10, 11:
		c.act("heal", other)
	case 12, 13:
		c.act("wait", "400ms")
	case 14:
		if other != c.lead {
			c.act("restart", other)
		}
	case 15:
		c.failOver(other)
	}
}

// failOver makes to the primary, whatever it has, and points the others to it.
func (c *cluster) failOver(to string) {
	if to == c.lead {
		return
	}
	c.act("promote", to)
	c.lead = to
	for _, name := range clusterNames {
		if name != to {
			c.act("follow", name, to)
		}
	}
}

// checkIdentity is guarantee 3: nodes that agree on ID and offset agree on the data.
func (c *cluster) checkIdentity() {
	for i, a := range clusterNames {
		for _, b := range clusterNames[i+1:] {
			x, y := c.node(a), c.node(b)
			hx, hy := x.store.Replication().History(), y.store.Replication().History()
			if hx.ID != hy.ID || hx.Offset != hy.Offset {
				continue
			}
			if diffs := replicationtest.Diff(x.store, y.store); len(diffs) > 0 {
				c.t.Fatalf("%s and %s differ at the same offset of the same history:\n%v\nafter %v", a, b, diffs, c.done)
			}
		}
	}
}

func runCluster(t *testing.T, script []byte) {
	c := newCluster(t)
	defer c.close()
	for _, b := range script {
		c.step(b)
		c.checkIdentity()
	}
	for _, name := range clusterNames {
		c.act("heal", name)
	}
	for _, name := range clusterNames {
		if name != c.lead {
			c.act("follow", name, c.lead)
		}
	}
	time.Sleep(3 * time.Second)
	synctest.Wait()
	for _, name := range clusterNames {
		if diffs := replicationtest.Diff(c.node(c.lead).store, c.node(name).store); len(diffs) > 0 {
			t.Fatalf("%s is not equal to its primary %s:\n%v\nafter %v\n%s", name, c.lead, diffs, c.done, c.states())
		}
	}
}

// FuzzCluster lets nodes write, break, come back, restart and change roles at random. Each input is the script: a failure replays it.
func FuzzCluster(f *testing.F) {
	f.Add([]byte("\x00\x03\x18\x00\x00\x1a\x0c"))
	f.Add([]byte("\x00\x1f\x00\x05\x00\x2f\x00"))
	f.Add([]byte("\x07\x18\x07\x07\x07\x07\x1a\x0c\x00"))
	f.Add([]byte("\x00\x28\x00\x1f\x00\x00\x2a\x2e\x00\x0c"))
	for seed := range 20 {
		script := make([]byte, 30)
		for i := range script {
			script[i] = byte(uint64(seed*7919+i*i*31+i*seed*17) * 2654435761 >> 7)
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 60 {
			script = script[:60]
		}
		synctest.Test(t, func(t *testing.T) { runCluster(t, script) })
	})
}
