package replication

import (
	"math/rand/v2"
	"time"
)

// Bounds of the pause between two attempts to reach a primary.
const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = 10 * time.Second
)

// defaultBackoff returns the pause before the attempt after the given number of failures in a row: it doubles from minBackoff to maxBackoff, and a random
// part of up to one half is taken off, so that the replicas of a restarted primary do not come back all at once.
func defaultBackoff(failures int) time.Duration {
	d := maxBackoff
	if failures < 8 { // 100 ms << 7 is beyond the maximum
		d = min(d, minBackoff<<max(failures-1, 0))
	}
	return d - rand.N(d/2)
}
