package store

import (
	"math/bits"
	"math/rand/v2"
	"sync/atomic"
)

// ages is when, or how often, keys were used, as far as a policy of eviction needs to
// know. Entries are immutable and reads write nothing, so it stands beside them: a slot of
// 32 bits for each hash's leading bits, read and written by one atomic access. Keys that
// share a slot share its history; an access that is lost to another at the same instant
// is lost. A store has one under an LRU or LFU policy only.
//
// A slot of LRU is the instant of the last access, in ticks. One of LFU has the minute of
// the last change above, and below a counter of 8 bits that grows with the logarithm of
// the number of accesses and falls with time. 0 is a key of which nothing is known: it
// counts as used when the policy was chosen.
type ages struct {
	lfu    bool
	shift  uint8 // of a hash, which leaves the number of a slot
	slots  []atomic.Uint32
	base   int64 // Unix ms of tick and minute 0, long before the policy was chosen
	start  uint32
	factor int          // MemoryLimit.LFULogFactor
	decay  int64        // minutes; 0 for never
	clock  func() int64 // Unix ms

	// roll is a random number. Tests have their own.
	roll func() uint64
}

const (
	bytesPerAge = 128 // of the limit: few entries are smaller
	leastAges   = 16  // log2 of the slots of a small limit, or of none
	mostAges    = 26  // of a large one: 256 MiB

	tickMillis   = 125       // resolution of LRU: a hot key is written that often, and no oftener
	ticksBefore  = 1 << 31   // room for keys that are known to be idle since before the policy was chosen: eight years
	minuteMillis = 60_000    //
	mostMinutes  = 1<<24 - 1 // of LFU
	minutesPast  = 1 << 20   // room before, as above: two years
	startFreq    = 5         // of a new key: it must have time to be used
	mostFreq     = 1<<8 - 1  //
	readShare    = 8         // of the reads by methods one in so many counts
	spread       = 0x9E3779B97F4A7C15
)

// agesFor is the table for l: nil if its policy needs none, what there is if that will do.
func (s *Store) agesFor(l MemoryLimit) *ages {
	if !l.Policy.lru() && !l.Policy.lfu() {
		return nil
	}
	a := &ages{lfu: l.Policy.lfu(), factor: l.LFULogFactor, decay: int64(l.LFUDecay.Minutes()), roll: rand.Uint64}
	a.clock = func() int64 { return s.opts.Clock().UnixMilli() }
	log := min(max(bits.Len64(uint64(l.Bytes/bytesPerAge)), leastAges), mostAges)
	a.shift = uint8(64 - log)
	old := s.ages.Load()
	if old == nil || old.lfu != a.lfu {
		a.begin()
		a.slots = make([]atomic.Uint32, 1<<log)
		return a
	}
	a.base, a.start, a.roll = old.base, old.start, old.roll
	a.slots = old.resized(log)
	return a
}

// begin makes this instant the one at which the policy was chosen.
func (a *ages) begin() {
	now := a.clock()
	if a.lfu {
		a.base, a.start = now-minutesPast*minuteMillis, minutesPast<<8|startFreq
		return
	}
	a.base, a.start = now-ticksBefore*tickMillis, ticksBefore
}

// resized is a's slots, as 1<<log of them. Accesses that come meanwhile may be lost.
func (a *ages) resized(log int) []atomic.Uint32 {
	was := bits.Len(uint(len(a.slots))) - 1
	if log == was {
		return a.slots
	}
	slots := make([]atomic.Uint32, 1<<log)
	for i := range slots {
		if v := a.slots[i<<max(was-log, 0)>>max(log-was, 0)].Load(); v != 0 { // else no page is touched
			slots[i].Store(v)
		}
	}
	return slots
}

// slot is that of a key. The same name in another database is another key.
func (a *ages) slot(db int, h uint64) *atomic.Uint32 {
	return &a.slots[(h^uint64(db)*spread)>>a.shift]
}

func (a *ages) load(db int, h uint64) uint32 {
	if v := a.slot(db, h).Load(); v != 0 {
		return v
	}
	return a.start
}

// tick is an instant as LRU keeps it: later is more, and 0 never is.
func (a *ages) tick(ms int64) uint32 { return uint32(min(max((ms-a.base)/tickMillis, 1), 1<<32-1)) }

// minute is an instant as LFU keeps it.
func (a *ages) minute(ms int64) uint32 {
	return uint32(min(max((ms-a.base)/minuteMillis, 1), mostMinutes))
}

// used notes an access by a writer or a client.
func (a *ages) used(db int, h uint64) { a.note(db, h, 1) }

// sampled notes an access by a method, one in so many times.
func (a *ages) sampled(db int, h uint64) {
	if a.roll()%readShare == 0 {
		a.note(db, h, readShare)
	}
}

// note notes n accesses.
func (a *ages) note(db int, h uint64, n int) {
	now := a.clock()
	was := a.load(db, h)
	is := a.tick(now)
	if a.lfu {
		is = a.counted(was, now, n)
	}
	if is != was { // else the line stays with all who read it
		a.slot(db, h).Store(is)
	}
}

// counted is what becomes of a slot of LFU by n accesses.
func (a *ages) counted(was uint32, now int64, n int) uint32 {
	freq := a.decayed(was, now)
	for range n {
		over := uint64(max(int(freq)-startFreq, 0))
		if freq < mostFreq && a.roll() <= ^uint64(0)/(over*uint64(a.factor)+1) {
			freq++
		}
	}
	return a.minute(now)<<8 | freq
}

// decayed is the counter in a slot of LFU as it is by now.
func (a *ages) decayed(slot uint32, now int64) uint32 {
	freq := slot & mostFreq
	if a.decay == 0 {
		return freq
	}
	passed := max(int64(a.minute(now))-int64(slot>>8), 0) / a.decay
	return uint32(max(int64(freq)-passed, 0))
}

// created notes that a key came into being: what was in its slot was another's, or the
// key's before it was removed.
func (a *ages) created(db int, h uint64) {
	now := a.clock()
	if a.lfu {
		a.slot(db, h).Store(a.minute(now)<<8 | startFreq)
		return
	}
	a.slot(db, h).Store(a.tick(now))
}

// rank orders keys: the lowest goes first.
func (a *ages) rank(db int, h uint64, now int64) uint32 {
	v := a.load(db, h)
	if a.lfu {
		return a.decayed(v, now)
	}
	return v
}

// idle is for how long a key was not used, in seconds. LRU only.
func (a *ages) idle(db int, h uint64, now int64) int64 {
	return max(int64(a.tick(now))-int64(a.load(db, h)), 0) * tickMillis / 1000
}

// freq is a key's counter. LFU only.
func (a *ages) freq(db int, h uint64, now int64) int64 {
	return int64(a.decayed(a.load(db, h), now))
}

// A hint is what a file or RESTORE says of the use of a key. -1 for what is not said.
type hint struct {
	idle int64 // seconds
	freq int64
}

// noHint is that of a key of which nothing is said.
var noHint = hint{-1, -1}

// hinted is created for a key of which something is known, if it is what the policy is
// about.
func (a *ages) hinted(db int, h uint64, k hint) {
	now := a.clock()
	switch {
	case a.lfu && k.freq >= 0:
		a.slot(db, h).Store(a.minute(now)<<8 | uint32(min(k.freq, int64(mostFreq))))
	case !a.lfu && k.idle >= 0:
		a.slot(db, h).Store(a.tick(now - min(k.idle, ticksBefore*tickMillis/1000)*1000))
	default:
		a.created(db, h)
	}
}

// carry gives the frequency of a key to the one that it becomes. The move itself used it.
func (c *commit) carry(from, to ref) {
	if a := c.s.ages.Load(); a != nil && a.lfu {
		a.slot(to.db, to.h).Store(a.load(from.db, from.h))
	}
}

// used notes that a command has looked at key for its value.
func (x *exec) used(a *ages, key string) {
	h := x.s.hash(key)
	switch {
	case x.mode == past_:
	case x.tally || x.mode == writing:
		a.used(x.db, h)
	default:
		a.sampled(x.db, h)
	}
}
