package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A MemoryLimit bounds the memory of a store's data. The zero value is no limit.
//
// What counts is [Stats].Bytes: keys, values and their places in the tables, of all
// databases, as of this instant. What snapshots keep of earlier ones does not, nor does
// the stream that is kept for replicas, nor anything of clients: removing a key would
// give none of it back, and a limit that counts it could empty the store in vain.
//
// A write, by whatever door, first removes keys as Policy says until the data is within
// the limit; each goes by a DEL of its own, before the effects of the write. Then it may
// go beyond it by what it adds itself. Where nothing is left that may be removed, writes
// that take more memory are refused with [ErrOutOfMemory], and the others go on: DEL,
// EXPIRE, LPOP. Reads remove nothing, however far beyond the limit the data is.
//
// Only a primary removes and refuses. A replica has its primary's data, whatever its own
// limit says; that holds from its promotion on.
type MemoryLimit struct {
	// Bytes is how much the data may take; 0 for any amount.
	Bytes int64
	// Policy says which keys are removed. Default NoEviction: none, writes are refused.
	Policy EvictionPolicy
	// Samples is how many keys of each database are looked at to find one to remove, from
	// 1 to 64. Default 5: more comes nearer to the key that was not used for longest, and
	// takes longer.
	Samples int
	// LFULogFactor says how many accesses raise a key's frequency by one, as Redis's
	// lfu-log-factor: the higher, the more. Default 10; negative for 0, each access.
	LFULogFactor int
	// LFUDecay is after how long without an access a key's frequency falls by one, in whole
	// minutes. Default one minute; negative for never.
	LFUDecay time.Duration
}

// An EvictionPolicy says which keys make room for others. Those of the volatile policies
// remove only keys that have a deadline.
//
// LRU and LFU keep for each key when, or how often, it was used: in a table of 4 bytes
// for every 128 of the limit, by hash, so that now and then a key counts as used because
// another was. Every write counts, and every read of a client; of the reads by the
// methods of [DB] one in eight, so that most of them write to no memory that others read.
// Reads of a [Snapshot] do not count. Under the other policies reads cost nothing.
type EvictionPolicy uint8

const (
	// NoEviction removes nothing: writes that take more memory are refused.
	NoEviction EvictionPolicy = iota
	// AllKeysLRU removes keys that were not used for long.
	AllKeysLRU
	// VolatileLRU does, of those with a deadline.
	VolatileLRU
	// AllKeysLFU removes keys that are used seldom.
	AllKeysLFU
	// VolatileLFU does, of those with a deadline.
	VolatileLFU
	// AllKeysRandom removes any key.
	AllKeysRandom
	// VolatileRandom removes any key with a deadline.
	VolatileRandom
	// VolatileTTL removes the key whose deadline comes first.
	VolatileTTL
)

// policyNames are Redis's, by value.
var policyNames = [...]string{"noeviction", "allkeys-lru", "volatile-lru", "allkeys-lfu", "volatile-lfu", "allkeys-random", "volatile-random", "volatile-ttl"}

// String is the name that Redis's maxmemory-policy has for the policy.
func (p EvictionPolicy) String() string {
	if int(p) < len(policyNames) {
		return policyNames[p]
	}
	return fmt.Sprintf("EvictionPolicy(%d)", uint8(p))
}

// ParseEvictionPolicy is the policy of such a name, in any case; ok is false for none.
func ParseEvictionPolicy(name string) (p EvictionPolicy, ok bool) {
	i := slices.Index(policyNames[:], strings.ToLower(name))
	return EvictionPolicy(max(i, 0)), i >= 0
}

func (p EvictionPolicy) lru() bool { return p == AllKeysLRU || p == VolatileLRU }
func (p EvictionPolicy) lfu() bool { return p == AllKeysLFU || p == VolatileLFU }

// volatile policies leave keys alone that have no deadline.
func (p EvictionPolicy) volatile() bool {
	return p == VolatileLRU || p == VolatileLFU || p == VolatileRandom || p == VolatileTTL
}

const (
	defaultSamples  = 5
	mostSamples     = 64
	defaultFactor   = 10
	defaultLFUDecay = time.Minute
)

// withDefaults is l with each field as it is meant.
func (l MemoryLimit) withDefaults() MemoryLimit {
	l.Bytes = max(l.Bytes, 0)
	if int(l.Policy) >= len(policyNames) {
		l.Policy = NoEviction
	}
	if l.Samples <= 0 {
		l.Samples = defaultSamples
	}
	l.Samples = min(l.Samples, mostSamples)
	switch {
	case l.LFULogFactor == 0:
		l.LFULogFactor = defaultFactor
	case l.LFULogFactor < 0:
		l.LFULogFactor = 0
	}
	switch {
	case l.LFUDecay == 0:
		l.LFUDecay = defaultLFUDecay
	case l.LFUDecay < 0:
		l.LFUDecay = 0
	}
	return l
}

// validate returns every mistake in l, joined.
func (l MemoryLimit) validate() error {
	var errs []error
	if l.Bytes < 0 {
		errs = append(errs, fmt.Errorf("store: MemoryLimit.Bytes %d is negative", l.Bytes))
	}
	if int(l.Policy) >= len(policyNames) {
		errs = append(errs, fmt.Errorf("store: MemoryLimit.Policy %d is none", l.Policy))
	}
	if l.Samples < 0 || l.Samples > mostSamples {
		errs = append(errs, fmt.Errorf("store: MemoryLimit.Samples %d is not within 0 and %d", l.Samples, mostSamples))
	}
	return errors.Join(errs...)
}

// ErrOutOfMemory is returned by writes that would take more memory, while the data
// exceeds [MemoryLimit].Bytes and nothing may be removed. Nothing was written.
var ErrOutOfMemory = &Error{"OOM command not allowed when used memory > 'maxmemory'."}

// SetMemoryLimit changes the limit, from the next write on. On a primary whose data
// exceeds the new one it returns when keys have been removed as far as that goes; other
// writers get in between. What was kept about the use of keys is kept, unless l.Policy is
// of another kind. Mistakes in l are returned and change nothing; so does [ErrNested].
func (s *Store) SetMemoryLimit(l MemoryLimit) error {
	if err := l.validate(); err != nil {
		return err
	}
	if s.nested() {
		return ErrNested
	}
	l = l.withDefaults()
	a := s.agesFor(l)
	s.mu.Lock()
	s.limitMemory(l, a)
	s.mu.Unlock()
	for s.Replication().Evict(evictSlice) == evictSlice {
	}
	return nil
}

// MemoryLimit is the limit that holds, with the defaults filled in, as SetMemoryLimit takes
// it.
func (s *Store) MemoryLimit() MemoryLimit {
	l := *s.limit.Load()
	if l.LFULogFactor == 0 {
		l.LFULogFactor = -1
	}
	if l.LFUDecay == 0 {
		l.LFUDecay = -1
	}
	return l
}

// limitMemory makes l the limit, whose table of uses is a. REQUIRES: the writer lock, or
// that nobody else has the store yet.
func (s *Store) limitMemory(l MemoryLimit, a *ages) {
	if s.limit.Load() == nil || s.limit.Load().Policy != l.Policy {
		s.mu.evictor.pool = nil // ranked by another measure
	}
	s.limit.Store(&l)
	s.ages.Store(a)
}

// bytes is what the live data takes. O(databases). REQUIRES: the writer lock, no commit
// under way.
func (s *Store) bytes() (sum int64) {
	for _, tab := range s.view.Load().tables {
		sum += tab.Bytes()
	}
	return sum
}
