package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/understudy-go/understudy/store/internal/table"
)

// limited is a store with a limit of its own, and a clock that stands still.
func limited(t testing.TB, l MemoryLimit) (*Store, *fakeClock) {
	t.Helper()
	clock := newClock()
	return newStore(t, &Options{MemoryLimit: l, Clock: clock.now}), clock
}

// exhaustive makes s look at every key in turn, so that a policy finds the very key that it
// is about: as many samples as there are keys, and no luck.
func exhaustive(s *Store) {
	var from map[*keyspace]int
	s.mu.evictor.pick = func(ks *keyspace, volatile bool) *table.Entry {
		var all []*table.Entry
		eachEntry(ks.tab, func(e *table.Entry) {
			if !volatile || e.Deadline() != 0 {
				all = append(all, e)
			}
		})
		if len(all) == 0 {
			return nil
		}
		if from == nil {
			from = map[*keyspace]int{}
		}
		from[ks]++
		return all[from[ks]%len(all)]
	}
}

// bytesNow is what the data takes.
func bytesNow(s *Store) int64 { return s.Stats().Bytes }

// fill writes so many keys of the same size, key:000 and so on, and returns what one takes.
func fill(t testing.TB, s *Store, n int) (each int64) {
	t.Helper()
	was := bytesNow(s)
	for i := range n {
		if err := s.DB(0).Set(fmt.Sprintf("key:%03d", i), "value", 0); err != nil {
			t.Fatal(err)
		}
	}
	return (bytesNow(s) - was) / int64(n)
}

// keysLeft are the keys of database 0, sorted.
func keysLeft(s *Store) (keys []string) {
	for key := range s.DB(0).Keys() {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// setLimitOnly sets the limit and makes no room.
func setLimitOnly(s *Store, l MemoryLimit) {
	l = l.withDefaults()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limitMemory(l, s.agesFor(l))
}

func setLimit(t testing.TB, s *Store, l MemoryLimit) {
	t.Helper()
	if err := s.SetMemoryLimit(l); err != nil {
		t.Fatal(err)
	}
}

// Data that takes exactly the limit is within it; one byte more is not. What a write adds
// itself may go beyond.
func TestMemoryLimitIsExact(t *testing.T) {
	for _, p := range []EvictionPolicy{NoEviction, AllKeysRandom} {
		s, _ := limited(t, MemoryLimit{})
		each := fill(t, s, 3)
		setLimit(t, s, MemoryLimit{Bytes: 3 * each, Policy: p})
		if err := s.DB(0).Set("key:003", "value", 0); err != nil || s.DB(0).Len() != 4 {
			t.Errorf("%v: at the limit, Set = %v and %d keys, want 4", p, err, s.DB(0).Len())
		}
		err := s.DB(0).Set("key:004", "value", 0)
		switch {
		case p == NoEviction && (err != ErrOutOfMemory || s.DB(0).Len() != 4):
			t.Errorf("%v: beyond the limit, Set = %v and %d keys, want %v and 4", p, err, s.DB(0).Len(), ErrOutOfMemory)
		case p != NoEviction && (err != nil || s.DB(0).Len() != 4 || s.Stats().Evicted != 1):
			t.Errorf("%v: beyond the limit, Set = %v, %d keys and %d evicted, want 4 and 1", p, err, s.DB(0).Len(), s.Stats().Evicted)
		}
		setLimit(t, s, MemoryLimit{Bytes: 4*each - 1, Policy: p})
		if p == NoEviction {
			if err := s.DB(0).Set("a", "", 0); err != ErrOutOfMemory {
				t.Errorf("one byte beyond, Set = %v, want %v", err, ErrOutOfMemory)
			}
			setLimit(t, s, MemoryLimit{Bytes: 4 * each, Policy: p})
			if err := s.DB(0).Set("a", "", 0); err != nil {
				t.Errorf("at the limit, Set = %v", err)
			}
		} else if n := s.DB(0).Len(); n != 3 {
			t.Errorf("one byte beyond, %d keys, want 3: setting the limit makes room", n)
		}
	}
}

// noRoom is a store of a few keys of every kind in which nothing may be removed.
func noRoom(t testing.TB) *Store {
	s, _ := limited(t, MemoryLimit{})
	c := s.NewSession(nil)
	for _, line := range []string{"SET k v", "SET n 1", "RPUSH l a b", "SADD s a b", "ZADD z 1 a 2 b", "HSET h f 1 g 2"} {
		do(t, c, line)
	}
	setLimit(t, s, MemoryLimit{Bytes: 1})
	return s
}

// Commands that may take more memory are refused where there is no room, by every door and
// before a look at their arguments; all others are not.
func TestCommandsWithoutRoom(t *testing.T) {
	for cmd := range Commands() {
		if cmd.run == nil && cmd.block == nil {
			continue
		}
		s := noRoom(t)
		n := max(cmd.Arity, -cmd.Arity)
		args := []string{cmd.Name}
		for range n - 1 {
			args = append(args, "x")
		}
		grows := strings.Contains(" "+strings.Join(strings.Fields(growing), " ")+" ", " "+strings.ToLower(cmd.Name)+" ")
		if got := cmd.Flags&FlagDenyOOM != 0; got != grows {
			t.Errorf("%s: flag %v, want %v", cmd.Name, got, grows)
		}
		if grows && cmd.Flags&FlagWrite == 0 {
			t.Errorf("%s may take more memory and is no write", cmd.Name)
		}
		_, err := s.DB(0).Do(args...)
		if cmd.run != nil && (err != nil && errors.Is(err, ErrOutOfMemory)) != grows {
			t.Errorf("Do(%q) = %v", args, err)
		}
		c := s.NewSession(nil)
		if v := c.Do(argv(args...)); (v.Str == ErrOutOfMemory.text) != grows && cmd.check == nil {
			t.Errorf("%q by a client = %v", args, v)
		}
	}
}

// The methods that stand for these commands are refused, too, in a transaction and outside;
// those that stand for other writes are not. One that should be, and is not, calls write
// where it should call grow.
func TestMethodsWithoutRoom(t *testing.T) {
	for cmd := range Commands() {
		entry := inGo[cmd.Name]
		if cmd.Flags&FlagWrite == 0 || cmd.Blocks() && cmd.Flags&FlagDenyOOM == 0 || strings.HasPrefix(entry, "no:") {
			continue // what waits for an element would wait
		}
		for _, m := range strings.Fields(entry) {
			grows := cmd.Flags&FlagDenyOOM != 0 || m == "XGroupCreate" || m == "XGroupCreateConsumer"
			if hasMethod("SnapshotDB", m) || strings.Contains(m, ".") {
				continue // Sort, of which only a form writes
			}
			s := noRoom(t)
			if err := call(t, s.DB(0), m); errors.Is(err, ErrOutOfMemory) != grows {
				t.Errorf("%s: DB.%s = %v, want %v: %v", cmd.Name, m, err, ErrOutOfMemory, grows)
			}
			if cmd.Blocks() {
				continue
			}
			s.Update(func(tx *Tx) error {
				if err := call(t, tx.DB(0), m); errors.Is(err, ErrOutOfMemory) != grows {
					t.Errorf("%s: TxDB.%s = %v, want %v: %v", cmd.Name, m, err, ErrOutOfMemory, grows)
				}
				if _, err := tx.DB(0).Del("k"); err != nil {
					t.Errorf("TxDB.Del = %v", err)
				}
				return nil
			})
		}
	}
}

// call calls a method of db with plausible arguments and returns its error.
func call(t *testing.T, db any, name string) error {
	t.Helper()
	m := reflect.ValueOf(db).MethodByName(name)
	if !m.IsValid() {
		t.Fatalf("%T has no method %s", db, name)
	}
	var in []reflect.Value
	for i := range m.Type().NumIn() {
		of := m.Type().In(i)
		if m.Type().IsVariadic() && i == m.Type().NumIn()-1 {
			for range 2 {
				in = append(in, plausible(of.Elem()))
			}
			break
		}
		in = append(in, plausible(of))
	}
	out := m.Call(in)
	err, _ := out[len(out)-1].Interface().(error)
	return err
}

func plausible(of reflect.Type) reflect.Value {
	switch {
	case of == reflect.TypeFor[context.Context]():
		return reflect.ValueOf(context.Background())
	case of == reflect.TypeFor[time.Duration]():
		return reflect.ValueOf(time.Hour)
	case of == reflect.TypeFor[BitFieldOp]():
		return reflect.ValueOf(UnsignedBits(8, 0).Set(1))
	case of.Kind() == reflect.String:
		return reflect.ValueOf("1").Convert(of)
	case of.Kind() == reflect.Int, of.Kind() == reflect.Int64, of.Kind() == reflect.Float64:
		return reflect.ValueOf(1).Convert(of)
	}
	return reflect.Zero(of)
}

// A client's transaction is refused when a command is queued that may take more memory, or
// when room was lost until EXEC; one that takes none is not.
func TestTransactionsWithoutRoom(t *testing.T) {
	const oom = "OOM command not allowed when used memory > 'maxmemory'."
	s := noRoom(t)
	c := s.NewSession(nil)
	expect := func(line, want string) {
		t.Helper()
		if v := c.Do(argv(strings.Fields(line)...)); v.Str != want && v.String() != want {
			t.Errorf("%s = %v, want %s", line, v, want)
		}
	}
	expect("MULTI", "OK")
	expect("GET k", "QUEUED") // Redis 7.0 refuses that too, Redis 8.0 does not
	expect("SET k w", oom)
	expect("EXEC", "EXECABORT Transaction discarded because of previous errors.")
	expect("MULTI", "OK")
	expect("DEL k", "QUEUED")
	expect("EXEC", "[1]")
	expect("BLMOVE l l LEFT LEFT nonsense", oom) // before a look at the arguments
	setLimit(t, s, MemoryLimit{})
	expect("MULTI", "OK")
	expect("SET k w", "QUEUED")
	setLimit(t, s, MemoryLimit{Bytes: 1})
	at := s.backlog.Offset()
	expect("EXEC", "EXECABORT Transaction discarded because of: "+oom)
	expect("GET k", "(nil)")
	if s.backlog.Offset() != at {
		t.Error("a refused transaction is in the stream")
	}
}

// Evictions stand in the stream before what caused them, a DEL each, and are never inside
// of its MULTI; whoever applies them has the same data.
func TestEvictionEffects(t *testing.T) {
	s, _ := limited(t, MemoryLimit{})
	fill(t, s, 4)
	c := s.NewSession(nil)
	for i := range 4 {
		do(t, c, fmt.Sprintf("PEXPIREAT key:%03d %d", i, 1_800_000_000_000+int64(i)))
	}
	oneOver := func() { setLimitOnly(s, MemoryLimit{Bytes: bytesNow(s) - 1, Policy: VolatileTTL}) }
	oneOver()
	at := s.backlog.Offset()
	expect := func(what string, want ...string) {
		t.Helper()
		if got := streamLines(t, streamSince(t, s, at)); !slices.Equal(got, want) {
			t.Errorf("%s: the stream has %q, want %q", what, got, want)
		}
		at = s.backlog.Offset()
	}
	do(t, c, "SELECT 1")
	do(t, c, "SET k v")
	expect("a write", "DEL key:000", "SELECT 1", "SET k v")
	setLimitOnly(s, MemoryLimit{Bytes: bytesNow(s), Policy: VolatileTTL})
	do(t, c, "RPUSH l a b c")
	expect("at the limit", "RPUSH l a b c")
	do(t, c, "MULTI")
	do(t, c, "INCR n")
	expect("a command that is queued makes room", "SELECT 0", "DEL key:001")
	do(t, c, "INCR m")
	do(t, c, "EXEC")
	expect("a transaction", "MULTI", "SELECT 1", "INCR n", "INCR m", "EXEC")
	oneOver()
	if _, err := s.Update(func(tx *Tx) error {
		_, err := tx.DB(1).Incr("n", 1)
		return errors.Join(err, tx.DB(1).Set("k", "w", 0))
	}); err != nil {
		t.Error(err)
	}
	expect("Update", "SELECT 0", "DEL key:002", "MULTI", "SELECT 1", "INCRBY n 1", "SET k w", "EXEC")
	oneOver()
	_, err := s.Update(func(tx *Tx) error { return errors.Join(tx.DB(1).Set("k", "x", 0), errOnPurpose) })
	if !errors.Is(err, errOnPurpose) {
		t.Error(err)
	}
	expect("an Update that fails has made room", "SELECT 0", "DEL key:003")
	f, a := follower(t, s, nil)
	if err := apply(t, a, streamSince(t, s, 0)); err != nil {
		t.Fatal(err)
	}
	sameState(t, "the follower", s, f)
	if n := s.Stats().Evicted; n != 4 {
		t.Errorf("%d evicted, want 4", n)
	}
}

// LRU removes the key that was not used for longest, whatever kind of use it was: here every
// key is looked at, so that it is that very key.
func TestLRUOrder(t *testing.T) {
	for _, p := range []EvictionPolicy{AllKeysLRU, VolatileLRU} {
		s, clock := limited(t, MemoryLimit{Policy: p, Samples: 64})
		exhaustive(s)
		each := fill(t, s, 8)
		c := s.NewSession(nil)
		clock.advance(time.Second)
		if p == VolatileLRU {
			for i := range 6 {
				do(t, c, fmt.Sprintf("PEXPIREAT key:%03d %d", i, 1_900_000_000_000-int64(i)))
			}
		}
		// From the first to the last that is used: 3 2 0 1 4 5; 6 and 7 are not.
		for _, line := range []string{"GET key:003", "EXISTS key:005", "APPEND key:002 x", "GETRANGE key:000 0 1", "TYPE key:006", "TTL key:007", "TOUCH key:001", "OBJECT ENCODING key:003", "GETEX key:004"} {
			clock.advance(time.Second)
			do(t, c, line)
		}
		clock.advance(time.Second)
		do(t, c, "EXPIRE key:005 100000")
		var gone []string
		for len(keysLeft(s)) > 2 {
			before := keysLeft(s)
			setLimit(t, s, MemoryLimit{Bytes: bytesNow(s) - 1, Policy: p, Samples: 64})
			gone = append(gone, slices.DeleteFunc(before, func(k string) bool { return s.DB(0).Exists(k) })...)
		}
		want := "key:006 key:007 key:003 key:002 key:000 key:001"
		if p == VolatileLRU {
			want = "key:003 key:002 key:000 key:001 key:004 key:005"
		}
		got := strings.Join(gone, " ")
		if p == AllKeysLRU && strings.HasPrefix(got, "key:007 key:006 ") {
			got = "key:006 key:007 " + strings.TrimPrefix(got, "key:007 key:006 ") // used at the same instant
		}
		if got != want {
			t.Errorf("%v removed %s, want %s (%d bytes each)", p, got, want, each)
		}
	}
}

// A key that was used after it had become a candidate stays.
func TestCandidateThatIsUsed(t *testing.T) {
	s, clock := limited(t, MemoryLimit{Policy: AllKeysLRU, Samples: 64})
	exhaustive(s)
	fill(t, s, 10)
	clock.advance(time.Minute)
	limit := func() {
		setLimit(t, s, MemoryLimit{Bytes: bytesNow(s) - 1, Policy: AllKeysLRU, Samples: 64})
	}
	limit() // and nine candidates are left
	left := keysLeft(s)
	c := s.NewSession(nil)
	clock.advance(time.Minute)
	for _, key := range left[1:] {
		do(t, c, "GET "+key)
	}
	limit()
	if got := keysLeft(s); !slices.Equal(got, left[1:]) {
		t.Errorf("left are %v, want %v", got, left[1:])
	}
}

// The real way to pick keys, with few samples, keeps what was used. It is no luck: of 250
// keys that go, one that was used goes only where the sixteen best of all that were looked
// at so far, five more each time, are all used, while a third or more of all keys are not.
func TestLRUBySamples(t *testing.T) {
	s, clock := limited(t, MemoryLimit{Policy: AllKeysLRU})
	each := fill(t, s, 999)
	clock.advance(time.Minute)
	c := s.NewSession(nil)
	for i := range 500 {
		do(t, c, fmt.Sprintf("GET key:%03d", i))
	}
	setLimit(t, s, MemoryLimit{Policy: AllKeysLRU, Bytes: 750 * each})
	lost := 0
	for i := range 500 {
		if !s.DB(0).Exists(fmt.Sprintf("key:%03d", i)) {
			lost++
		}
	}
	if n := s.DB(0).Len(); n != 750 || lost > 5 {
		t.Errorf("%d keys left, want 750; %d of those that were used are gone, want 5 at most", n, lost)
	}
}

// LFU removes what is used least, and forgets with time.
func TestLFUOrder(t *testing.T) {
	l := MemoryLimit{Policy: AllKeysLFU, Samples: 64, LFULogFactor: -1} // each access counts
	s, clock := limited(t, l)
	exhaustive(s)
	each := fill(t, s, 4)
	c := s.NewSession(nil)
	freq := func(key string, want int64) {
		t.Helper()
		if v := do(t, c, "OBJECT FREQ "+key); v.Int != want {
			t.Errorf("OBJECT FREQ %s = %d, want %d", key, v.Int, want)
		}
	}
	for i, n := range []int{20, 0, 300, 10} {
		for range n {
			do(t, c, fmt.Sprintf("GET key:%03d", i))
		}
	}
	freq("key:000", 25)
	freq("key:001", 5)
	freq("key:002", 255)
	do(t, c, "TYPE key:003")
	freq("key:003", 15)
	clock.advance(12 * time.Minute)
	freq("key:000", 13)
	freq("key:001", 0)
	freq("key:003", 3)
	do(t, c, "GET key:001")
	freq("key:001", 1)
	do(t, c, "RENAME key:000 r")
	freq("r", 14)
	do(t, c, "SET r other")
	freq("r", 15)
	do(t, c, "DEL r")
	do(t, c, "SET r new")
	freq("r", 5)
	var gone []string
	for len(keysLeft(s)) > 1 {
		before := keysLeft(s)
		l.Bytes = bytesNow(s) - 1
		setLimit(t, s, l)
		gone = append(gone, slices.DeleteFunc(before, func(k string) bool { return s.DB(0).Exists(k) })...)
	}
	if got, want := strings.Join(gone, " "), "key:001 key:003 r"; got != want {
		t.Errorf("removed %s, want %s (%d bytes each)", got, want, each)
	}
	if v := c.Do(argv("OBJECT", "IDLETIME", "key:002")); !strings.HasPrefix(v.Str, "ERR An LFU maxmemory policy is selected, idle time not tracked. ") {
		t.Errorf("OBJECT IDLETIME = %v", v)
	}
	l.LFUDecay = -1
	setLimit(t, s, l)
	clock.advance(time.Hour)
	freq("key:002", 255) // as at its last use
}

// OBJECT IDLETIME counts seconds under an LRU policy; nothing is kept under others.
func TestIdleTime(t *testing.T) {
	s, clock := limited(t, MemoryLimit{Policy: VolatileLRU})
	c := s.NewSession(nil)
	idle := func(want int64) {
		t.Helper()
		if v := do(t, c, "OBJECT IDLETIME k"); v.Int != want {
			t.Errorf("OBJECT IDLETIME = %d, want %d", v.Int, want)
		}
	}
	do(t, c, "SET k v")
	idle(0)
	clock.advance(999 * time.Millisecond)
	idle(0)
	clock.advance(time.Millisecond)
	idle(1)
	clock.advance(time.Hour)
	idle(3601)
	do(t, c, "GET k")
	idle(0)
	if v := c.Do(argv("OBJECT", "FREQ", "k")); !strings.HasPrefix(v.Str, "ERR An LFU maxmemory policy is not selected, access frequency not tracked. ") {
		t.Errorf("OBJECT FREQ = %v", v)
	}
	clock.advance(time.Hour)
	setLimit(t, s, MemoryLimit{Policy: AllKeysLRU, Bytes: 1 << 28}) // a larger table: what was known is known
	idle(3600)
	setLimit(t, s, MemoryLimit{Policy: AllKeysRandom})
	idle(0)
	setLimit(t, s, MemoryLimit{Policy: AllKeysLRU})
	clock.advance(time.Minute)
	idle(60) // since the policy was chosen
	payload, err := s.DB(0).Dump("k")
	if err != nil {
		t.Fatal(err)
	}
	if v := c.Do(argv("RESTORE", "k", "0", payload, "REPLACE", "IDLETIME", "5000")); v.Str != "OK" {
		t.Fatal(v)
	}
	idle(5000)
	clock.advance(time.Second)
	idle(5001)
}

// Of reads by methods a share counts, and none of a snapshot.
func TestSampledReads(t *testing.T) {
	s, clock := limited(t, MemoryLimit{Policy: AllKeysLRU})
	rolls := uint64(0)
	s.ages.Load().roll = func() uint64 { rolls++; return rolls }
	fill(t, s, 1)
	idle := func() int64 {
		a := s.ages.Load()
		return a.idle(0, s.hash("key:000"), a.clock())
	}
	clock.advance(time.Minute)
	if err := s.View(func(sn *Snapshot) error { _, err := sn.DB(0).Get("key:000"); return err }); err != nil || idle() != 60 {
		t.Errorf("after a read of a snapshot %v, idle for %d s, want 60", err, idle())
	}
	for i := range readShare {
		if n := idle(); n != 60 {
			t.Errorf("after %d reads idle for %d s, want 60", i, n)
		}
		s.DB(0).Get("key:000")
	}
	if n := idle(); n != 0 {
		t.Errorf("after %d reads idle for %d s, want 0", readShare, n)
	}
}

// Volatile policies leave alone what has no deadline: where nothing else is left, writes are
// refused.
func TestVolatilePolicies(t *testing.T) {
	for _, p := range []EvictionPolicy{VolatileLRU, VolatileLFU, VolatileRandom, VolatileTTL} {
		for _, lasting := range []int{3, 300} { // 30 keys with a deadline are many, and few
			s, clock := limited(t, MemoryLimit{Policy: p})
			for i := range 30 {
				s.DB(i%3).Set(fmt.Sprintf("due:%d", i), "value", time.Duration(i+1)*time.Minute)
			}
			was := bytesNow(s)
			fill(t, s, lasting)
			kept := bytesNow(s) - was
			clock.advance(time.Hour * 24) // past the deadline or not, they count until they go
			setLimit(t, s, MemoryLimit{Policy: p, Bytes: kept})
			if n := s.Stats().Evicted; n != 30 || s.DB(0).Len() != lasting {
				t.Errorf("%v: %d evicted and %d keys left, want 30 and %d", p, n, s.DB(0).Len(), lasting)
			}
			setLimit(t, s, MemoryLimit{Policy: p, Bytes: kept - 1})
			if err := s.DB(0).Set("k", "v", 0); err != ErrOutOfMemory {
				t.Errorf("%v: Set = %v, want %v", p, err, ErrOutOfMemory)
			}
			if n, err := s.DB(0).Del("key:000"); n != 1 || err != nil {
				t.Errorf("%v: Del = %d, %v", p, n, err)
			}
			if err := s.DB(0).Set("k", "v", time.Hour); err != nil {
				t.Errorf("%v: with room again, Set = %v", p, err)
			}
		}
	}
}

// Every policy empties every database, if it must, and random ones take turns.
func TestEveryPolicyFindsEveryKey(t *testing.T) {
	for p := AllKeysLRU; p <= VolatileTTL; p++ {
		s, _ := limited(t, MemoryLimit{Policy: p})
		for i := range 1000 {
			s.DB(i%7).Set(fmt.Sprint(i), "value", time.Hour)
		}
		setLimit(t, s, MemoryLimit{Policy: p, Bytes: bytesNow(s) / 2})
		for db := range 7 {
			if n := s.DB(db).Len(); (p == AllKeysRandom || p == VolatileRandom) && (n < 71 || n > 72) {
				t.Errorf("%v: %d of 143 keys left in database %d, want half", p, n, db)
			}
		}
		setLimit(t, s, MemoryLimit{Policy: p, Bytes: 1})
		if n := bytesNow(s); n != 0 || s.Stats().Evicted != 1000 {
			t.Errorf("%v: %d bytes left after %d evictions", p, n, s.Stats().Evicted)
		}
	}
}

// One write removes no more than a slice, and goes on; the rest goes with the next ones.
func TestEvictionSlices(t *testing.T) {
	s, _ := limited(t, MemoryLimit{})
	fill(t, s, 3*evictSlice)
	setLimitOnly(s, MemoryLimit{Policy: AllKeysRandom, Bytes: 1})
	for i := 2; i >= 0; i-- {
		if err := s.DB(1).Set("k", "v", 0); err != nil {
			t.Fatal(err)
		}
		if n := s.DB(0).Len() + s.DB(1).Len() - 1; n > i*evictSlice+2 || n < i*evictSlice-1 {
			t.Errorf("%d keys left, want %d", n, i*evictSlice)
		}
	}
	fill(t, s, 1) // two keys by now, or three
	if n := s.Replication().Evict(1); n != 1 {
		t.Errorf("Evict(1) = %d", n)
	}
}

// What an open snapshot holds does not count: an eviction frees what it frees of the live
// data, and ends.
func TestEvictionBesideSnapshots(t *testing.T) {
	var evicted [2]int64
	for i := range evicted {
		s, _ := limited(t, MemoryLimit{})
		each := fill(t, s, 100)
		c := s.NewSession(nil)
		for j := range 2000 {
			do(t, c, fmt.Sprintf("RPUSH large %d", j))
		}
		if i == 1 {
			sn := s.Snapshot()
			defer sn.Close()
			defer func() {
				if n := sn.DB(0).Len(); n != 101 || sn.Err() != nil {
					t.Errorf("the snapshot has %d keys, %v, want 101", n, sn.Err())
				}
			}()
		}
		setLimit(t, s, MemoryLimit{Policy: AllKeysRandom, Bytes: 10 * each})
		if n := bytesNow(s); n > 10*each {
			t.Errorf("%d bytes left, want %d", n, 10*each)
		}
		setLimit(t, s, MemoryLimit{Policy: AllKeysRandom, Bytes: 1})
		evicted[i] = s.Stats().Evicted
	}
	if evicted != [2]int64{101, 101} {
		t.Errorf("evicted %d keys, want 101 with a snapshot and without", evicted)
	}
}

// Only a primary removes keys and refuses writes: a replica has its primary's data, until
// it is one itself.
func TestReplicasDoNotEvict(t *testing.T) {
	p, _ := limited(t, MemoryLimit{})
	fill(t, p, 50)
	f, a := follower(t, p, &Options{MemoryLimit: MemoryLimit{Bytes: 1, Policy: AllKeysLRU}})
	if err := apply(t, a, streamSince(t, p, 0)); err != nil {
		t.Fatal(err)
	}
	if n := f.Replication().Evict(100); n != 0 {
		t.Errorf("Evict on a replica = %d", n)
	}
	setLimit(t, f, MemoryLimit{Bytes: 2, Policy: AllKeysLRU})
	sameState(t, "a replica beyond its limit", p, f)
	f.Replication().Promote()
	f.Replication().Seal()
	if n := f.Replication().Evict(100); n != 0 {
		t.Errorf("Evict on a sealed stream = %d", n)
	}
	if err := f.DB(0).Set("k", "v", 0); err != ErrSealed || f.DB(0).Len() != 50 {
		t.Errorf("on a sealed stream Set = %v, with %d keys left", err, f.DB(0).Len())
	}
	f.Replication().Unseal()
	at := f.backlog.Offset()
	if n := f.Replication().Evict(100); n != 50 || f.DB(0).Len() != 0 {
		t.Errorf("Evict on a primary = %d, with %d keys left, want 50 and none", n, f.DB(0).Len())
	}
	if lines := streamLines(t, streamSince(t, f, at)); len(lines) != 51 || lines[0] != "SELECT 0" || !strings.HasPrefix(lines[1], "DEL key:0") {
		t.Errorf("the stream has %q, want SELECT and 50 times DEL", lines)
	}
	if err := f.Close(); err != nil || f.Replication().Evict(1) != 0 {
		t.Error("a closed store removes keys")
	}
}

// Memory is asked about before the number of replicas, as in Redis, and barred or not a
// primary makes room.
func TestOutOfMemoryComesFirst(t *testing.T) {
	s := noRoom(t)
	s.Replication().SetBarred(true)
	if err := s.DB(0).Set("k", "v", 0); err != ErrOutOfMemory {
		t.Errorf("Set = %v, want %v", err, ErrOutOfMemory)
	}
	if _, err := s.DB(0).Del("k"); err != ErrNoReplicas {
		t.Errorf("Del = %v, want %v", err, ErrNoReplicas)
	}
	if _, err := s.Update(func(*Tx) error { return nil }); err != ErrNoReplicas {
		t.Errorf("Update = %v, want %v", err, ErrNoReplicas)
	}
}

// Who watches a key, or listens, is told that it has made room.
func TestEvictionIsSeen(t *testing.T) {
	s, _ := limited(t, MemoryLimit{})
	fill(t, s, 1)
	s.SetEvents(eventKeyevent | eventEvicted)
	sub := s.NewSubscriber(nil)
	defer sub.Close()
	sub.Subscribe(ViaChannel, "__keyevent@0__:evicted")
	w := s.Watch(Filter{})
	defer w.Close()
	c := s.NewSession(nil)
	do(t, c, "WATCH key:000")
	do(t, c, "MULTI")
	do(t, c, "GET key:000")
	setLimit(t, s, MemoryLimit{Bytes: 1, Policy: AllKeysRandom})
	if v := do(t, c, "EXEC"); !v.IsNull() {
		t.Errorf("EXEC = %v, want nothing: a watched key has gone", v)
	}
	ch, err := w.Next(t.Context())
	if err != nil || ch.Key != "key:000" || ch.Cause != Evicted || ch.New.Kind() != None {
		t.Errorf("Watch = %+v, %v", ch, err)
	}
	m, err := sub.Next(t.Context())
	if err != nil || m.Payload != "key:000" {
		t.Errorf("message = %+v, %v", m, err)
	}
}

// Readers beside a store that is always full see whole values or none.
func TestReadersBesideEviction(t *testing.T) {
	s := newStore(t, &Options{MemoryLimit: MemoryLimit{Bytes: 64 << 10, Policy: AllKeysLFU}})
	var wg sync.WaitGroup
	end := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-end:
					return
				default:
				}
				key := fmt.Sprint(rand.IntN(4000))
				if v, err := s.DB(0).Get(key); err == nil && v != "value of "+key {
					t.Errorf("Get(%s) = %q", key, v)
				}
			}
		})
	}
	for i := range fewer(20_000, 4000) {
		key := fmt.Sprint(i % 4000)
		if err := s.DB(0).Set(key, "value of "+key, 0); err != nil {
			t.Fatal(err)
		}
		if i%1000 == 0 {
			setLimit(t, s, MemoryLimit{Bytes: int64(32+i/1000%3) << 10, Policy: []EvictionPolicy{AllKeysLRU, AllKeysLFU, AllKeysRandom}[i/1000%3]})
		}
	}
	close(end)
	wg.Wait()
	if st := s.Stats(); st.Evicted == 0 || st.Bytes > 35<<10 {
		t.Errorf("%d evicted, %d bytes", st.Evicted, st.Bytes)
	}
}

// Names of policies are Redis's, and mistakes are told.
func TestMemoryLimitOptions(t *testing.T) {
	for p := NoEviction; p <= VolatileTTL; p++ {
		if got, ok := ParseEvictionPolicy(strings.ToUpper(p.String())); !ok || got != p {
			t.Errorf("ParseEvictionPolicy(%v) = %v, %v", p, got, ok)
		}
	}
	if _, ok := ParseEvictionPolicy("allkeys"); ok || EvictionPolicy(99).String() != "EvictionPolicy(99)" {
		t.Error("a policy that is none")
	}
	s, _ := limited(t, MemoryLimit{Bytes: 5})
	want := MemoryLimit{Bytes: 5, Samples: 5, LFULogFactor: 10, LFUDecay: time.Minute}
	if got := s.MemoryLimit(); got != want {
		t.Errorf("MemoryLimit = %+v, want %+v", got, want)
	}
	for _, l := range []MemoryLimit{{Bytes: -1}, {Policy: 8}, {Samples: 65}, {Samples: -1}} {
		if err := s.SetMemoryLimit(l); err == nil || (&Options{MemoryLimit: l}).Validate() == nil {
			t.Errorf("%+v is taken", l)
		}
	}
	if got := s.MemoryLimit(); got != want {
		t.Errorf("MemoryLimit = %+v, want %+v", got, want)
	}
	l := MemoryLimit{LFULogFactor: -1, LFUDecay: -1, Samples: 7, Policy: AllKeysLFU}
	setLimit(t, s, l)
	if got := s.MemoryLimit(); got != l {
		t.Errorf("MemoryLimit = %+v, want %+v", got, l)
	}
	_, err := s.Update(func(*Tx) error { return s.SetMemoryLimit(l) })
	if err != ErrNested {
		t.Errorf("inside of Update %v, want %v", err, ErrNested)
	}
}

// What a file says of the use of its keys is taken over, as far as the policy is about it.
func TestHintsOfAFile(t *testing.T) {
	const file = "REDIS0009" +
		"\xf8\x3c" + "\x00\x04idle\x01v" + // 60 seconds
		"\xf9\x63" + "\x00\x04freq\x01v" + // 99
		"\x00\x04none\x01v" +
		"\xff\x00\x00\x00\x00\x00\x00\x00\x00"
	for p, want := range map[EvictionPolicy]string{AllKeysLRU: "60 0 0", VolatileLFU: "5 99 5"} {
		s, clock := limited(t, MemoryLimit{Policy: p})
		clock.advance(time.Hour)
		l := s.Replication().NewLoader()
		if err := l.LoadRDB(strings.NewReader(file)); err != nil {
			t.Fatal(err)
		}
		if err := l.Commit(s.Replication().History()); err != nil {
			t.Fatal(err)
		}
		c, word := s.NewSession(nil), "IDLETIME"
		if p.lfu() {
			word = "FREQ"
		}
		var got []string
		for _, key := range []string{"idle", "freq", "none"} {
			got = append(got, fmt.Sprint(do(t, c, "OBJECT "+word+" "+key).Int))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%v: OBJECT %s of three keys = %v, want %s", p, word, got, want)
		}
	}
}

// A session that is used inside of Update's closure is told so, and does not wait for itself.
func TestNestedSessionUnderALimit(t *testing.T) {
	s, _ := limited(t, MemoryLimit{Bytes: 1})
	c := s.NewSession(nil)
	if _, err := s.Update(func(*Tx) error {
		c.Do(argv("MULTI"))
		c.Do(argv("SET", "k", "v"))
		if v := c.Do(argv("EXEC")); !strings.Contains(v.Str, ErrNested.Error()) {
			t.Errorf("EXEC = %v, want %v", v, ErrNested)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
