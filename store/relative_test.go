package store

import (
	"strings"
	"testing"
	"time"
)

// Redis 6.2 and older, and KeyDB, stream times to live as clients gave them. They count from the moment at which a replica applies them, by its own clock:
// there is nothing else to count from. The bytes that go on to chained replicas are the primary's. What is due stays, hidden, until the primary's DEL.
func TestRelativeDeadlinesInTheStream(t *testing.T) {
	clock := newClock()
	s, a := newReplica(t, &Options{Clock: clock.now})
	from := s.Replication().History().Offset
	now := clock.now()
	for _, tc := range []struct {
		line string
		ttl  time.Duration
	}{
		{"SET a v EX 10", 10 * time.Second},
		{"SET b v PX 1500", 1500 * time.Millisecond},
		{"SETEX c 10 v", 10 * time.Second},
		{"PSETEX d 1500 v", 1500 * time.Millisecond},
		{"GETEX a EX 20", 20 * time.Second},
		{"EXPIRE b 30", 30 * time.Second},
		{"PEXPIRE c 1500", 1500 * time.Millisecond},
	} {
		key := strings.Fields(tc.line)[1]
		if err := apply(t, a, wire(tc.line)); err != nil {
			t.Fatalf("%s: %v", tc.line, err)
		}
		if at, ok := s.DB(0).ExpireTime(key); !ok || !at.Equal(now.Add(tc.ttl)) {
			t.Errorf("%s: due %v, %v, want %v", tc.line, at, ok, now.Add(tc.ttl))
		}
		clock.advance(time.Second)
		now = clock.now()
	}
	if got, want := streamSince(t, s, from), wire("SET a v EX 10"); !strings.HasPrefix(got, want) {
		t.Errorf("passed on as %q, want %q...", got, want)
	}
	clock.advance(time.Hour)
	if s.Replication().Sweep(100) != 0 || s.DB(0).Len() != 4 {
		t.Errorf("%d keys, want all 4: a replica removes nothing by itself", s.DB(0).Len())
	}
	if _, err := s.DB(0).Get("a"); err != ErrNotFound {
		t.Errorf("Get of a key that is due = %v", err)
	}
	if err := apply(t, a, wire("DEL a")); err != nil || s.DB(0).Len() != 3 {
		t.Errorf("after the primary's DEL: %v, %d keys", err, s.DB(0).Len())
	}
}
