package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSlowLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t), "--slowlog-log-slower-than", "1000000", "--slowlog-max-len", "3")
		c := dial(t, s)
		c.want("OK", "CLIENT", "SETNAME", "me")
		c.want("OK", "DEBUG", "SLEEP", "0.9")
		c.wantReply("0", "SLOWLOG LEN")
		c.want("OK", "DEBUG", "SLEEP", "1")
		at := time.Now().Unix()
		c.wantReply("0", "WAIT 5 3000") // waits, and is not slow
		c.wantReply(fmt.Sprintf(`[[0 %d 1000000 ["DEBUG" "SLEEP" "1"] %q "me"]]`, at, c.conn.LocalAddr()), "SLOWLOG GET")
		time.Sleep(time.Minute) // nor is a client that sends nothing
		c.want("OK", "CONFIG", "SET", "slowlog-log-slower-than", "0")
		c.want("OK", "SET", "k", strings.Repeat("x", 200))
		c.wantReply("0", "DEL "+strings.Repeat("y ", 40))
		c.want("OK", "CONFIG", "SET", "slowlog-log-slower-than", "-1")
		entries := c.value("SLOWLOG", "GET", "-1").Elems
		if len(entries) != 3 {
			t.Fatalf("%d entries, want slowlog-max-len of them", len(entries))
		}
		if words := entries[0].Elems[3].Elems; len(words) != 32 || words[31].Str != "... (10 more arguments)" {
			t.Errorf("DEL is logged as %v", words)
		}
		if words := entries[1].Elems[3].Elems; words[2].Str != strings.Repeat("x", 128)+"... (72 more bytes)" {
			t.Errorf("SET is logged as %v", words)
		}
		c.wantReply("[]", "SLOWLOG GET 0")
		c.want("OK", "SLOWLOG", "RESET")
		c.want("OK", "DEBUG", "SLEEP", "5")
		c.wantReply("0", "SLOWLOG LEN")
	})
}

func TestCommandStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t))
		c := dial(t, s)
		for _, line := range []string{"SET k v", "get k", "GET k", "GET", "NOSUCH", "HGET k f", "CLIENT ID", "client id", "CLIENT NOSUCH", "DEBUG SLEEP 2", "MULTI", "GET k", "SET", "DISCARD"} {
			c.do(strings.Fields(line)...)
		}
		want := "cmdstat_client|id:calls=2,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=0|" +
			"cmdstat_debug:calls=1,usec=2000000,usec_per_call=2000000.00,rejected_calls=0,failed_calls=0|" +
			"cmdstat_discard:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=0|" +
			"cmdstat_get:calls=2,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0|" +
			"cmdstat_hget:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1|" +
			"cmdstat_multi:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=0|" +
			"cmdstat_set:calls=1,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0"
		got := strings.Split(strings.TrimSpace(c.value("INFO", "commandstats").Str), "\r\n")
		if line := strings.Join(got[1:], "|"); line != want {
			t.Errorf("INFO commandstats\n%s, want\n%s", line, want)
		}
		if strings.Contains(c.value("INFO").Str, "cmdstat_") || !strings.Contains(c.value("INFO", "all").Str, "cmdstat_") {
			t.Error("commandstats are not of the default sections, and are of all")
		}
		c.want("OK", "CONFIG", "RESETSTAT")
		if text := c.value("INFO", "commandstats").Str; strings.Contains(text, "cmdstat_get") {
			t.Errorf("after CONFIG RESETSTAT: %s", text)
		}
	})
}

// What a transaction queues counts if and when EXEC executes it, each command by its own reply, as in Redis.
func TestCommandStatsOfTransactions(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		want  []string // of cmdstat, name:calls,rejected,failed
	}{
		{"executed", []string{"SET s v", "MULTI", "SET k v", "LPUSH s x", "CLIENT ID", "GET k", "GET k", "EXEC"},
			[]string{"client|id:1,0,0", "exec:1,0,0", "get:2,0,0", "lpush:1,0,1", "multi:1,0,0", "set:2,0,0"}},
		{"not yet", []string{"MULTI", "GET k"}, []string{"multi:1,0,0"}},
		{"discarded", []string{"MULTI", "GET k", "DISCARD"}, []string{"discard:1,0,0", "multi:1,0,0"}},
		{"reset", []string{"MULTI", "GET k", "RESET", "EXEC"}, []string{"exec:1,0,1", "multi:1,0,0", "reset:1,0,0"}},
		{"aborted", []string{"MULTI", "SET k v", "GET", "GET k", "EXEC"}, []string{"exec:1,0,1", "get:0,1,0", "multi:1,0,0"}},
		{"watched key changed", []string{"WATCH k", "SET k v", "MULTI", "GET k", "EXEC"}, []string{"exec:1,0,0", "multi:1,0,0", "set:1,0,0", "watch:1,0,0"}},
		{"one after the other", []string{"MULTI", "GET k", "EXEC", "MULTI", "STRLEN k", "EXEC"},
			[]string{"exec:2,0,0", "get:1,0,0", "multi:2,0,0", "strlen:1,0,0"}},
	} {
		s := start(t, newFake(t))
		c := dial(t, s)
		for _, line := range tt.lines {
			c.do(strings.Fields(line)...)
		}
		var got []string
		for line := range strings.Lines(dial(t, s).value("INFO", "commandstats").Str) {
			var calls, usec, rejected, failed int
			name, rest, ok := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":")
			var per float64
			if n, _ := fmt.Sscanf(rest, "calls=%d,usec=%d,usec_per_call=%f,rejected_calls=%d,failed_calls=%d", &calls, &usec, &per, &rejected, &failed); ok && n == 5 {
				got = append(got, fmt.Sprintf("%s:%d,%d,%d", name, calls, rejected, failed))
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Who queues for ever into a transaction that is spoilt already has nothing kept for it.
func TestSpoiltTransactionKeepsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t))
		c := dial(t, s)
		c.want("OK", "MULTI")
		c.want("QUEUED", "GET", "k")
		c.do("NOSUCH")
		for range 10 {
			c.want("QUEUED", "GET", "k")
		}
		synctest.Wait()
		if n := len(s.clients()[0].queued); n != 1 { // its goroutine waits for a command
			t.Errorf("%d commands are kept, want 1", n)
		}
	})
}
