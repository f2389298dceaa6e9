package server

import (
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/resp"
)

// A message that push could not take, because it was held back or replies filled the buffer, follows them when they are written: nothing else has to happen.
func TestMessageBehindLargeReply(t *testing.T) {
	large := resp.BulkString(strings.Repeat("x", replyChunk))
	for _, held := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			n := newFake(t)
			s := start(t, n)
			client := dial(t, s)
			client.wantReply(`["subscribe" "c" 1]`, "SUBSCRIBE c")
			synctest.Wait()
			c := s.clients()[0] // its goroutine waits for a command, so this one may take its part
			if held {
				c.hold()
			} else {
				c.send(large)
			}
			_, _ = n.data.Publish("c", "m")
			synctest.Wait() // push has seen it, and left it
			if held {
				c.send(large)
			}
			flushed := make(chan error, 1)
			go func() { flushed <- c.flush() }()
			client.conn.SetReadDeadline(time.Now().Add(time.Second)) // of the bubble's time: all is idle by then
			if got := client.read(); got.Str != large.Str {
				t.Errorf("held %v: the reply has %d bytes", held, len(got.Str))
			}
			client.wantNext(`["message" "c" "m"]`)
			if err := <-flushed; err != nil {
				t.Error(err)
			}
		})
	}
}

// No password gets into what is shown of commands, be the command well formed or not.
func TestSecretsAreNotShown(t *testing.T) {
	s := start(t, newFake(t), "--slowlog-log-slower-than", "0")
	c := dial(t, s)
	for _, args := range [][]string{
		{"CONFIG", "SET", "hz", "11", "RequirePass", "hunter2", "masterauth", "hunter2"},
		{"config", "set", "requirepass", "hunter2", "loglevel", "notice", "requirepass", "hunter2"},
		{"CONFIG", "SET", "hz", "requirepass", "hunter2"},
		{"CONFIG", "SET", "tls-key-file-pass", "hunter2"},
		{"AUTH", "hunter2"},
		{"HELLO", "2", "AUTH", "default", "hunter2"},
	} {
		c.value(args...)
		words := make([][]byte, len(args))
		for i, a := range args {
			words[i] = []byte(a)
		}
		name, _ := s.resolve(words)
		line := s.quoteAll(name, words)
		if strings.Contains(line, "hunter2") || !strings.Contains(line, "(redacted)") {
			t.Errorf("a monitor would see %s", line)
		}
	}
	log := c.do("SLOWLOG", "GET", "-1")
	if strings.Contains(log, "hunter2") || !strings.Contains(log, `["CONFIG" "SET" "hz" "11" "RequirePass" "(redacted)" "masterauth" "(redacted)"]`) {
		t.Errorf("the slow log is %s", log)
	}
}

// What a transaction queues for monitors is bounded, and each transaction has the whole of the bound.
func TestMonitorOfLargeTransaction(t *testing.T) {
	s := start(t, newFake(t))
	mon, c := dial(t, s), dial(t, s)
	mon.want("OK", "MONITOR")
	value := strings.Repeat("x", 16<<10)
	want := mostUnseen / len(` "SET" "k" "`+value+`"`)
	for range 2 {
		c.want("OK", "MULTI")
		for range want + 5 {
			c.want("QUEUED", "SET", "k", value)
		}
		c.value("EXEC")
		seen := map[string]int{}
		for seen["EXEC"] == 0 {
			seen[strings.Split(mon.read().Str, `"`)[1]]++
		}
		if seen["SET"] != want {
			t.Errorf("a monitor sees %d of %d commands, want %d", seen["SET"], want+5, want)
		}
	}
}

// A client that waits and sends nothing costs little; one that sends much loses nothing of it.
func TestReadAhead(t *testing.T) {
	for _, size := range []int{0, 1, minAhead, minAhead + 1, maxAhead, maxAhead + 5000} {
		synctest.Test(t, func(t *testing.T) {
			near, far := memnet.Pipe(nil)
			defer near.Close()
			s := &source{conn: far, bytes: new(atomic.Int64), budget: math.MaxInt64}
			stop := s.watch(func() { t.Error("the connection has ended") })
			text := strings.Repeat("0123456789a", size/11+1)[:size]
			go near.Write([]byte(text))
			synctest.Wait()
			stop()
			if want := min(size, maxAhead); len(s.ahead) != want || cap(s.ahead) > 2*want+2*minAhead {
				t.Errorf("%d bytes read ahead of %d, in %d", len(s.ahead), size, cap(s.ahead))
			}
			var got []byte
			for buf := make([]byte, 100); len(got) < size; {
				n, err := s.Read(buf)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, buf[:n]...)
			}
			if string(got) != text {
				t.Errorf("the text of %d bytes came out changed", size)
			}
		})
	}
}
