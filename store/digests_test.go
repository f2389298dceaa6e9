package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"
)

// digestsOf takes a snapshot for the digests.
func digestsOf(t testing.TB, s *Store, o *DigestOptions) *Digests {
	t.Helper()
	sn := s.Snapshot()
	defer sn.Close()
	d, err := sn.Digests(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// fillTypes writes a few keys of each type, with and without deadline, into two databases.
func fillTypes(t testing.TB, s *Store) {
	t.Helper()
	c := s.NewSession(nil)
	for _, line := range []string{
		"SET text v", "SET until v PXAT 1900000000000", "RPUSH list a b a", "SADD set a b c", "SADD numbers 1 2 3", "HSET hash f 1 g 2", "ZADD sorted 1 a 0.5 b",
		"SELECT 3", "SET text v",
	} {
		do(t, c, line)
	}
}

// Whatever is changed in one key changes the sum and the part of that key, and the key is the one that the lists differ in.
func TestDigestsOfAChange(t *testing.T) {
	for _, change := range []string{
		"SET text w", "APPEND text x", "PEXPIREAT text 1900000000000", "PEXPIREAT until 1900000000001", "PERSIST until", "LSET list 1 x", "LREM list 1 a",
		"SMOVE set other a", "SREM set a", "HSET hash f 2", "HDEL hash f", "ZADD sorted 2 a", "RENAME text text2", "MOVE text 1", "DEL text", "SET new v",
	} {
		a, b := newStore(t, nil), newStore(t, nil)
		fillTypes(t, a)
		fillTypes(t, b)
		if x, y := digestsOf(t, a, nil), digestsOf(t, b, nil); x.Sum != y.Sum || x.Parts != y.Parts || x.Keys != 8 {
			t.Fatalf("equal data: %+v, %+v", x, y)
		}
		do(t, b.NewSession(nil), change)
		x, y := digestsOf(t, a, nil), digestsOf(t, b, nil)
		differing := map[int]bool{}
		for i := range x.Parts {
			if x.Parts[i] != y.Parts[i] {
				differing[i] = true
			}
		}
		if x.Sum == y.Sum || len(differing) == 0 || len(differing) > 2 {
			t.Errorf("%s: sums %s and %s, %d parts differ", change, x.Text(), y.Text(), len(differing))
		}
		for part := range differing {
			u, v := digestsOf(t, a, &DigestOptions{Under: []byte{byte(part)}}), digestsOf(t, b, &DigestOptions{Under: []byte{byte(part)}})
			if u.Keys+v.Keys == 0 || u.Sum == v.Sum {
				t.Errorf("%s: part %d does not differ when looked at alone: %d and %d keys", change, part, u.Keys, v.Keys)
			}
		}
	}
}

// The same value in another form, come about in another order, has the same digests.
func TestDigestsDoNotDependOnForm(t *testing.T) {
	a, b := newStore(t, nil), newStore(t, nil)
	ca, cb := a.NewSession(nil), b.NewSession(nil)
	for i := range 1000 {
		do(t, ca, fmt.Sprintf("HSET h f%d %d", i, i))
		do(t, cb, fmt.Sprintf("HSET h f%d %d", 999-i, 999-i))
		do(t, ca, fmt.Sprintf("SET k%d v", i))
		do(t, cb, fmt.Sprintf("SET k%d v", 999-i))
	}
	for i := range 998 {
		do(t, ca, fmt.Sprintf("HDEL h f%d", i))
	}
	do(t, cb, "DEL h")
	do(t, cb, "HSET h f998 998 f999 999")
	x, y := digestsOf(t, a, nil), digestsOf(t, b, nil)
	if x.Sum != y.Sum || x.Parts != y.Parts || x.List != nil {
		t.Errorf("digests %s and %s, list of %d", x.Text(), y.Text(), len(x.List))
	}
}

// A sample is about as large as it should be, is the same each time, is another one with another seed; parts of the hash are as even in it as in the whole.
func TestDigestsSample(t *testing.T) {
	s := newStore(t, nil)
	for i := range 20_000 {
		_ = s.DB(0).Set(fmt.Sprint("key:", i), "v", 0)
	}
	tenth := digestsOf(t, s, &DigestOptions{Sample: 0.1, Seed: 7})
	if tenth.Keys < 1800 || tenth.Keys > 2200 {
		t.Errorf("a tenth of 20000 keys is %d", tenth.Keys)
	}
	if again := digestsOf(t, s, &DigestOptions{Sample: 0.1, Seed: 7}); again.Sum != tenth.Sum {
		t.Error("the same seed gives another sample")
	}
	if other := digestsOf(t, s, &DigestOptions{Sample: 0.1, Seed: 8}); other.Sum == tenth.Sum {
		t.Error("another seed gives the same sample")
	}
	sum := int64(0)
	for i := range DigestParts {
		d := digestsOf(t, s, &DigestOptions{Sample: 0.1, Seed: 7, Under: []byte{byte(i)}})
		if d.Keys > 40 || int(d.Keys) != len(d.List) {
			t.Errorf("part %d has %d keys, %d listed", i, d.Keys, len(d.List))
		}
		sum += d.Keys
	}
	if sum != tenth.Keys {
		t.Errorf("the parts have %d keys, all together %d", sum, tenth.Keys)
	}
}

// A key that has expired at the time of the comparison takes no part, whether it was removed or not.
func TestDigestsLeaveOutTheExpired(t *testing.T) {
	clock := newClock()
	a, b := newStore(t, &Options{Clock: clock.now}), newStore(t, &Options{Clock: clock.now})
	at := clock.ms.Load() + 1000
	for _, s := range []*Store{a, b} {
		do(t, s.NewSession(nil), "SET k v")
		do(t, s.NewSession(nil), fmt.Sprint("SET e v PXAT ", at))
	}
	if d := digestsOf(t, a, nil); d.Keys != 2 {
		t.Errorf("%d keys before the deadline, want 2", d.Keys)
	}
	if d := digestsOf(t, a, &DigestOptions{Persistent: true}); d.Keys != 1 {
		t.Errorf("%d keys without a deadline, want 1", d.Keys)
	}
	clock.advance(time.Second)
	a.Replication().Sweep(10)
	x, y := digestsOf(t, a, &DigestOptions{Now: at}), digestsOf(t, b, &DigestOptions{Now: at})
	if x.Sum != y.Sum || x.Keys != 1 {
		t.Errorf("removed on one side: %d keys %s, %d keys %s", x.Keys, x.Text(), y.Keys, y.Text())
	}
	if d := digestsOf(t, b, &DigestOptions{Now: at - 1}); d.Keys != 2 {
		t.Errorf("%d keys one millisecond before the deadline, want 2", d.Keys)
	}
}

// The hash of a key is part of what nodes of different versions agree on.
func TestKeyHashIsFixed(t *testing.T) {
	for _, tc := range []struct {
		seed uint64
		db   int
		key  string
		want uint64
	}{
		{0, 0, "", 0xdb01c3104e99566d}, {0, 0, "key", 0xa8c21947e1734883}, {1, 0, "key", 0x8d884fea119afc7f}, {0, 1, "key", 0x975fe40392971606},
	} {
		if got := keyHash(tc.seed, tc.db, tc.key); got != tc.want {
			t.Errorf("keyHash(%d, %d, %q) = %#x, want %#x", tc.seed, tc.db, tc.key, got, tc.want)
		}
	}
}

// A walk over what is gone, or for somebody who is gone, says so.
func TestDigestsFail(t *testing.T) {
	s := newStore(t, nil)
	for i := range 3000 {
		_ = s.DB(0).Set(fmt.Sprint("key:", i), "v", 0)
	}
	sn := s.Snapshot()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if d, err := sn.Digests(ctx, nil); !errors.Is(err, context.Canceled) || d != nil {
		t.Errorf("Digests of a cancelled context = %v, %v", d, err)
	}
	sn.Close()
	if d, err := sn.Digests(t.Context(), nil); !errors.Is(err, ErrClosed) || d != nil {
		t.Errorf("Digests of a closed snapshot = %v, %v", d, err)
	}
}

// The snapshot of a mark has what is before the mark and nothing behind it, while others write.
func TestMark(t *testing.T) {
	s := newStore(t, nil)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = s.DB(0).Incr("n", 1)
			}
		}
	}()
	marks, n := int64(0), int64(0)
	for i := 0; i < 100 || n < 100; i++ {
		sn, err := s.Replication().Mark("PING", fmt.Sprint("mark", i))
		if err != nil {
			t.Fatal(err)
		}
		marks += int64(len(wire(fmt.Sprint("PING mark", i))))
		want := sn.History().Offset - marks
		if text, err := sn.DB(0).Get("n"); err == nil {
			n, _ = strconv.ParseInt(text, 10, 64)
			want -= int64(len(wire("SELECT 0")))
		}
		if got := n * int64(len(wire("INCRBY n 1"))); got != want {
			t.Errorf("mark %d: the snapshot has %d increments, %d bytes; the stream before it has %d", i, n, got, want)
		}
		sn.Close()
	}
	close(stop)
	<-done
	s.Replication().Demote()
	if sn, err := s.Replication().Mark("PING"); err != ErrReadOnly || sn != nil {
		t.Errorf("Mark on a replica = %v, %v", sn, err)
	}
}
