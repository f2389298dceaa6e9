package server

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/resp"
)

// slowClient is a client behind a connection that holds little, so that what it does not read stays with the server.
func slowClient(t *testing.T, s *Server) *client {
	near, far := memnet.Pipe(&memnet.Options{Buffer: 1000})
	t.Cleanup(func() { near.Close() })
	c := &client{t: t, conn: near, r: resp.NewReader(near, nil), end: make(chan error, 1)}
	go func() { c.end <- s.ServeConn(context.Background(), far) }()
	return c
}

// skip reads n bytes that nobody looks at.
func (c *client) skip(n int) {
	c.t.Helper()
	for buf := make([]byte, 4096); n > 0; {
		m, err := c.conn.Read(buf[:min(n, len(buf))])
		if err != nil {
			c.t.Fatal(err)
		}
		n -= m
	}
}

// alive fails unless the connection has not ended.
func (c *client) alive(when string) {
	c.t.Helper()
	synctest.Wait()
	select {
	case err := <-c.end:
		c.t.Fatalf("%s: the client is gone, %v", when, err)
	default:
	}
}

// A client that does not read its reply is closed when that has been over the soft limit for the time, and not before.
func TestSoftLimitOfReplies(t *testing.T) {
	for _, tt := range []struct {
		name, limit string
		size        int
		last, gone  time.Duration // of being alive, of being gone by
	}{
		{"over", "normal 0 100kb 10", 200 << 10, 9900 * time.Millisecond, 12 * time.Second},
		{"at once", "normal 0 100kb 0", 200 << 10, 900 * time.Millisecond, 3 * time.Second},
		{"below", "normal 0 300kb 10", 200 << 10, 50 * time.Second, 0},
		{"none", "normal 0 0 10", 200 << 10, 50 * time.Second, 0},
		{"of another class", "pubsub 0 100kb 10", 200 << 10, 50 * time.Second, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := start(t, newFake(t), "--client-output-buffer-limit", tt.limit)
			other := dial(t, s)
			other.want("OK", "SET", "k", strings.Repeat("x", tt.size))
			c := slowClient(t, s)
			c.send("GET k\r\n")
			time.Sleep(tt.last)
			c.alive(tt.name)
			if tt.gone == 0 {
				return
			}
			time.Sleep(tt.gone - tt.last)
			synctest.Wait()
			wantEnded(t, c.end)
			wantFields(t, parseInfo(t, other.value("INFO").Str), "client_output_buffer_limit_disconnections:1 connected_clients:1")
		})
	}
}

// What is pending counts, not what was asked for: who reads down to the limit has all the time again, also within one reply.
func TestSoftLimitOfSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t), "--client-output-buffer-limit", "normal 0 100kb 10")
		other := dial(t, s)
		other.want("OK", "SET", "k", strings.Repeat("x", 300<<10))
		c := slowClient(t, s)
		for range 3 {
			c.send("GET k\r\n")
			time.Sleep(8 * time.Second)
			c.alive("over for 8 seconds")
			c.skip(280 << 10)
			time.Sleep(15 * time.Second)
			c.alive("below for 15 seconds")
			c.skip(300<<10 + len("$307200\r\n\r\n") - 280<<10)
		}
		c.send("GET k\r\n")
		time.Sleep(12 * time.Second)
		synctest.Wait()
		wantEnded(t, c.end)
	})
}

// Messages in the queue of a subscriber, or a monitor, are pending output like that which is being written to it.
func TestSoftLimitOfMessages(t *testing.T) {
	for _, command := range []string{"SUBSCRIBE c", "MONITOR"} {
		synctest.Test(t, func(t *testing.T) {
			s := start(t, newFake(t))
			c, other := slowClient(t, s), dial(t, s)
			c.do(strings.Fields(command)...)
			payload := strings.Repeat("x", 10<<10)
			publish := func() {
				for range 20 {
					other.value("PUBLISH", "c", payload)
				}
				synctest.Wait()
			}
			other.want("OK", "CONFIG", "SET", "client-output-buffer-limit", "pubsub 10mb 100kb 10")
			publish()
			time.Sleep(8 * time.Second)
			c.alive(command)
			c.skip(190 << 10) // what is left is below, even with all of the piece that is being written
			time.Sleep(20 * time.Second)
			c.alive(command)
			publish()
			var pending int
			if _, err := fmt.Sscanf(listField(other.value("CLIENT", "LIST").Str, "cmd="+strings.ToLower(strings.Fields(command)[0]), "omem"), "%d", &pending); err != nil || pending < 200<<10 {
				t.Errorf("%s: CLIENT LIST has omem=%d, %v", command, pending, err)
			}
			time.Sleep(9 * time.Second)
			c.alive(command)
			time.Sleep(3 * time.Second)
			synctest.Wait()
			wantEnded(t, c.end)
		})
	}
}

// listField is a field of the first line of CLIENT LIST that has the word.
func listField(list, word, field string) string {
	for line := range strings.Lines(list) {
		if !strings.Contains(line, " "+word+" ") {
			continue
		}
		for f := range strings.FieldsSeq(line) {
			if name, value, _ := strings.Cut(f, "="); name == field {
				return value
			}
		}
	}
	return ""
}
