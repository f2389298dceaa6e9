package server

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestLatency: commands that take as long as the threshold are recorded, the longest of each second, under the event of their kind.
func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, start(t, newFake(t)))
		c.wantReply("[]", "LATENCY LATEST")
		c.want("OK", "DEBUG", "SLEEP", "5") // off: nothing is recorded
		c.wantReply("[]", "LATENCY LATEST")
		c.want("OK", "CONFIG", "SET", "latency-monitor-threshold", "100")
		c.wantReply(`["latency-monitor-threshold" "100"]`, "CONFIG GET latency-monitor-threshold")
		c.want("OK", "DEBUG", "SLEEP", "0.099")
		c.wantReply("0", "WAIT 5 3000") // waits, and takes no time
		time.Sleep(time.Second - time.Duration(time.Now().Nanosecond()))
		c.wantReply("[]", "LATENCY LATEST")

		at := time.Now().Unix()
		c.want("OK", "DEBUG", "SLEEP", "0.1")
		c.wantReply(fmt.Sprintf(`[["command" %d 100 100]]`, at), "LATENCY LATEST")
		c.want("OK", "DEBUG", "SLEEP", "0.3009")
		c.want("OK", "DEBUG", "SLEEP", "0.2")
		c.wantReply(fmt.Sprintf(`[["command" %d 300 300]]`, at), "LATENCY LATEST") // of one second
		c.want("OK", "DEBUG", "SLEEP", "0.9")
		c.want("OK", "DEBUG", "SLEEP", "0.15")
		c.wantReply(fmt.Sprintf(`[[%d 300] [%d 900]]`, at, at+1), "LATENCY HISTORY command")
		c.want("OK", "DEBUG", "SLEEP", "0.7")
		c.wantReply(fmt.Sprintf(`[["command" %d 700 900]]`, at+2), "LATENCY LATEST")
		c.wantReply("[]", "LATENCY HISTORY fast-command")
		c.wantReply("[]", "LATENCY HISTORY nosuch")
		c.wantReply("0", "LATENCY RESET fast-command nosuch")
		c.wantReply("1", "LATENCY RESET command command")
		c.wantReply("[]", "LATENCY LATEST")
		c.wantReply("0", "LATENCY RESET")
		c.want("OK", "DEBUG", "SLEEP", "0.3")
		c.want("OK", "CONFIG", "RESETSTAT") // is about other counters
		c.wantReply("1", "LATENCY RESET")
	})
}

// Of an event as many samples are kept as Redis keeps, the latest ones; fast commands have an event of their own.
func TestLatencySamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, newFake(t))
		c := dial(t, s)
		for range 165 {
			s.latency.add(latencyEvent(s.commandStats["get"]), 3*time.Millisecond)
			time.Sleep(time.Second)
		}
		last := time.Now().Unix() - 1
		history := c.value("LATENCY", "HISTORY", "fast-command").Elems
		if n := len(history); n != 160 || history[0].Elems[0].Int != last-159 || history[n-1].Elems[0].Int != last {
			t.Errorf("%d samples from %v to %v, want 160 up to %d", n, history[0], history[n-1], last)
		}
		s.latency.add(latencyEvent(s.commandStats["keys"]), 5*time.Millisecond)
		c.wantReply(fmt.Sprintf(`[["command" %d 5 5] ["fast-command" %d 3 3]]`, last+1, last), "LATENCY LATEST")
	})
}
