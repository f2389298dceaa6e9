package store

import (
	"sync/atomic"
	"time"
)

// counters count since the store was made. Hits and misses are those of
// sessions: the typed methods do not pay for counting.
type counters struct {
	hits, misses, expired, evicted, commits atomic.Int64
}

func (c *counters) looked(hit bool) {
	if hit {
		c.hits.Add(1)
		return
	}
	c.misses.Add(1)
}

// DBStats describe one database.
type DBStats struct {
	Keys    int64         // keys past their deadline included, until they are swept
	Expires int64         // keys that have a deadline
	AvgTTL  time.Duration // of those, on average
}

// Stats describe a store at one instant.
type Stats struct {
	DBs       []DBStats
	Hits      int64 // of sessions
	Misses    int64
	Expired   int64 // keys removed because their deadline had passed
	Evicted   int64 // keys removed because of the memory limit
	Bytes     int64 // memory of the live data: what MemoryLimit bounds
	Commits   int64
	Snapshots int   // open ones
	Retained  int64 // bytes that open snapshots retain
}

// Stats returns a copy of the figures. O(databases + snapshots).
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{
		Hits:      s.stats.hits.Load(),
		Misses:    s.stats.misses.Load(),
		Expired:   s.stats.expired.Load(),
		Evicted:   s.stats.evicted.Load(),
		Bytes:     s.bytes(),
		Commits:   s.stats.commits.Load(),
		Snapshots: len(s.mu.snapshots),
	}
	for _, sn := range s.mu.snapshots {
		st.Retained += sn.Retained()
	}
	now := s.opts.Clock().Unix()
	for _, ks := range s.view.Load().gen.spaces {
		st.DBs = append(st.DBs, ks.stats(now))
	}
	return st
}

func (ks *keyspace) stats(now int64) DBStats {
	d := DBStats{Keys: int64(ks.tab.Len()), Expires: int64(ks.due.len())}
	if d.Expires > 0 {
		d.AvgTTL = max(time.Duration(ks.due.seconds/d.Expires-now)*time.Second, 0)
	}
	return d
}
