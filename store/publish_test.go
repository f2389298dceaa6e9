package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// received is what a subscriber has got so far, a line a message.
func received(t *testing.T, sub *Subscriber) (lines []string) {
	t.Helper()
	for {
		m, ok, err := sub.TryNext()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return lines
		}
		lines = append(lines, strings.TrimSpace(m.Channel+" "+m.Payload+" "+m.Pattern))
	}
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestPublish(t *testing.T) {
	s := newStore(t, nil)
	a, b := s.NewSubscriber(nil), s.NewSubscriber(nil)
	a.Subscribe(ViaChannel, "news")
	a.Subscribe(ViaPattern, "n?ws")
	a.Subscribe(ViaPattern, "other*")
	b.Subscribe(ViaShard, "news")
	b.Subscribe(ViaChannel, "else")
	if a.Subscribe(ViaChannel, "news") || !a.Subscribe(ViaChannel, "twice") || !a.Unsubscribe(ViaChannel, "twice") || a.Unsubscribe(ViaChannel, "twice") {
		t.Error("Subscribe or Unsubscribe do not say whether they changed anything")
	}
	for _, tc := range []struct {
		publish       func(channel, payload string) (int, error)
		channel       string
		want          int
		first, second []string
	}{
		{s.Publish, "news", 2, []string{"news m", "news m n?ws"}, nil},
		{s.Publish, "nows", 1, []string{"nows m n?ws"}, nil},
		{s.Publish, "else", 1, nil, []string{"else m"}},
		{s.Publish, "none", 0, nil, nil},
		{s.PublishShard, "news", 1, nil, []string{"news m"}},
		{s.PublishShard, "nows", 0, nil, nil},
	} {
		if n, err := tc.publish(tc.channel, "m"); n != tc.want || err != nil {
			t.Errorf("publish to %s = %d, %v, want %d", tc.channel, n, err, tc.want)
		}
		wantLines(t, received(t, a), tc.first...)
		wantLines(t, received(t, b), tc.second...)
	}
	wantLines(t, s.Channels(ViaChannel, "*"), "else", "news")
	wantLines(t, s.Channels(ViaPattern, "o*"), "other*")
	wantLines(t, a.Names(ViaPattern), "n?ws", "other*")
	if n := s.Subscribers(ViaChannel, "news"); n != 1 {
		t.Errorf("%d subscribers of news, want 1", n)
	}
	a.Reset()
	b.Close()
	if n, _ := s.Publish("news", "m"); n != 0 || len(s.Channels(ViaChannel, "*")) != 0 || s.broker.count.Load() != 0 {
		t.Errorf("%d receivers after the last one left", n)
	}
	if b.Subscribe(ViaChannel, "x") || a.Counts() != [3]int{} {
		t.Error("a closed subscriber subscribes, or one that was reset has subscriptions")
	}
	if _, _, err := b.TryNext(); !errors.Is(err, ErrClosed) {
		t.Errorf("TryNext after Close: %v", err)
	}
}

// The doors by which a message comes in, with what the stream carries of it.
func TestPublishInTheStream(t *testing.T) {
	s := newStore(t, nil)
	sub := s.NewSubscriber(nil)
	sub.Subscribe(ViaPattern, "*")
	sub.Subscribe(ViaShard, "c")
	c := s.NewSession(nil)
	got := streamOf(t, s, func() {
		_, _ = s.Publish("c", "go")
		do(t, c, "SELECT 2")
		do(t, c, "PUBLISH c wire")
		do(t, c, "SPUBLISH c shard")
		do(t, c, "MULTI")
		do(t, c, "PUBLISH c in")
		do(t, c, "SET k v")
		do(t, c, "EXEC")
		do(t, c, "MULTI")
		do(t, c, "PUBLISH c alone")
		do(t, c, "EXEC")
		_, _ = s.DB(2).Do("publish", "c", "do")
		_, _ = s.Update(func(tx *Tx) error {
			if n, err := tx.Publish("c", "tx"); n != 1 || err != nil {
				t.Errorf("Tx.Publish = %d, %v", n, err)
			}
			_, err := tx.DB(2).Do("PUBLISH", "c", "txdo")
			return err
		})
		_, err := s.Update(func(tx *Tx) error {
			_, _ = tx.Publish("c", "undone")
			return errors.New("no")
		})
		if err == nil {
			t.Error("no error")
		}
		_, _ = s.Publish("c", "last")
	})
	want := "SELECT 0|PUBLISH c go|SELECT 2|PUBLISH c wire|SPUBLISH c shard|MULTI|PUBLISH c in|SET k v|EXEC|PUBLISH c alone|PUBLISH c do|" +
		"MULTI|SELECT 0|PUBLISH c tx|SELECT 2|PUBLISH c txdo|EXEC|PUBLISH c last"
	if got != want {
		t.Errorf("stream\n%s, want\n%s", got, want)
	}
	wantLines(t, received(t, sub), "c go *", "c wire *", "c shard", "c in *", "c alone *", "c do *", "c tx *", "c txdo *", "c last *")
	if c.Offset() == 0 {
		t.Error("the session does not know the offset of what it published")
	}
	sn := s.Snapshot()
	defer sn.Close()
	if _, err := sn.DB(0).Do("PUBLISH", "c", "m"); err == nil {
		t.Error("PUBLISH on a snapshot succeeds")
	}
}

// streamOf is what the stream carries while fn runs, a command after the other.
func streamOf(t *testing.T, s *Store, fn func()) string {
	t.Helper()
	r, err := s.Replication().Backlog().NewReader(s.Replication().Backlog().Offset(), 1<<30, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fn()
	var raw string
	for piece := r.TryNext(1 << 20); len(piece) > 0; piece = r.TryNext(1 << 20) {
		raw += string(piece)
	}
	var lines []string
	for _, f := range split(t, raw) {
		lines = append(lines, strings.Join(argStrings(f.Args), " "))
	}
	return strings.Join(lines, "|")
}

// A replica delivers what the stream brings, and what its own clients publish, which goes no further.
func TestPublishOnReplica(t *testing.T) {
	s := newStore(t, nil)
	s.Replication().Demote()
	sub := s.NewSubscriber(nil)
	sub.Subscribe(ViaChannel, "c")
	raw := wire("SELECT 0") + wire("PUBLISH c far") + wire("MULTI") + wire("SET k v") + wire("PUBLISH c unit")
	a := s.Replication().NewApplier()
	if err := a.Apply(split(t, raw), []byte(raw)); err != nil {
		t.Fatal(err)
	}
	wantLines(t, received(t, sub), "c far")
	offset := s.Replication().Backlog().Offset()
	if n := do(t, s.NewSession(nil), "PUBLISH c near"); n.Int != 1 {
		t.Errorf("PUBLISH on a replica = %v, want 1", n)
	}
	wantLines(t, received(t, sub), "c near")
	if now := s.Replication().Backlog().Offset(); now != offset || s.Replication().Backlog().History().Taint != "" {
		t.Errorf("offset %d after PUBLISH on a replica, before it was %d", now, offset)
	}
	if err := a.Apply(split(t, wire("EXEC")), []byte(wire("EXEC"))); err != nil {
		t.Fatal(err)
	}
	wantLines(t, received(t, sub), "c unit")
}

// A message of the stream is delivered when its unit is applied: whoever hears of it finds the data, and the offset. A unit that fails is not heard of.
func TestDeliveryFollowsTheUnit(t *testing.T) {
	s := newStore(t, nil)
	s.Replication().Demote()
	// A subscriber that has no room tells at the very moment of delivery.
	var text string
	var offset int64
	var locked bool
	sub := s.NewSubscriber(&SubscriberOptions{QueueBytes: 1, Overflow: func() {
		text, _ = s.DB(0).Get("k")
		offset = s.Replication().Backlog().Offset()
		if locked = !s.mu.TryLock(); !locked {
			s.mu.Unlock()
		}
	}})
	sub.Subscribe(ViaChannel, "c")
	raw := wire("SELECT 0") + wire("MULTI") + wire("PUBLISH c m") + wire("SET k new") + wire("SET l new") + wire("EXEC")
	a := s.Replication().NewApplier()
	if err := a.Apply(split(t, raw), []byte(raw)); err != nil {
		t.Fatal(err)
	}
	if text != "new" || offset != int64(len(raw)) || locked {
		t.Errorf("at delivery k = %q, offset %d, writer lock held: %v, want new, %d, false", text, offset, locked, len(raw))
	}
	sub.SetQueueBytes(-1)
	_, _, _ = sub.TryNext() // the gap
	bad := wire("MULTI") + wire("PUBLISH c bad") + wire("SET k x") + wire("HSET k f v") + wire("EXEC")
	if err := a.Apply(split(t, bad), []byte(bad)); err == nil {
		t.Error("HSET on a string in the stream: no error")
	}
	wantLines(t, received(t, sub))
}

// Each publisher's messages arrive in the order of its calls, and all subscribers see one order: that of the stream.
func TestDeliveryOrder(t *testing.T) {
	const publishers, rounds = 4, 200
	s := newStore(t, nil)
	subs := make([]*Subscriber, 3)
	for i := range subs {
		subs[i] = s.NewSubscriber(nil)
		subs[i].Subscribe(ViaChannel, "c")
	}
	order := streamOf(t, s, func() {
		var wg sync.WaitGroup
		for p := range publishers {
			wg.Go(func() {
				for i := range rounds {
					_, _ = s.Publish("c", fmt.Sprintf("%d-%d", p, i))
				}
			})
		}
		wg.Wait()
	})
	want := strings.Split(strings.ReplaceAll(strings.TrimPrefix(order, "SELECT 0|"), "PUBLISH ", ""), "|")
	for _, sub := range subs {
		if got := received(t, sub); !slices.Equal(got, want) {
			t.Fatalf("%d messages, not in the order of the stream's %d", len(got), len(want))
		}
	}
}

// A subscriber that does not read costs its limit, delays nobody, and learns what it missed.
func TestSubscriberIsBounded(t *testing.T) {
	const limit = 10 << 10
	s := newStore(t, nil)
	overflows := 0
	slow, quick := s.NewSubscriber(&SubscriberOptions{QueueBytes: limit, Overflow: func() { overflows++ }}), s.NewSubscriber(nil)
	slow.Subscribe(ViaChannel, "c")
	quick.Subscribe(ViaChannel, "c")
	payload := strings.Repeat("x", 100)
	for range 1000 {
		if n, err := s.Publish("c", payload); n != 2 || err != nil {
			t.Fatalf("Publish = %d, %v", n, err)
		}
		if slow.bytes > limit {
			t.Fatalf("%d bytes queued", slow.bytes)
		}
	}
	if n := len(received(t, quick)); n != 1000 || overflows != 1 {
		t.Errorf("the quick one got %d of 1000, %d overflows", n, overflows)
	}
	n := 0
	for {
		_, err := slow.Next(t.Context())
		var gap *GapError
		if errors.As(err, &gap) {
			if n+int(gap.Missed) != 1000 || n != limit/(100+1+messageCost) {
				t.Errorf("%d received and %d missed of 1000", n, gap.Missed)
			}
			break
		}
		n++
	}
	_, _ = s.Publish("c", "after")
	if m, err := slow.Next(t.Context()); m.Payload != "after" || err != nil {
		t.Errorf("after the gap: %v, %v", m, err)
	}
}

func TestSubscriberWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, nil)
		sub := s.NewSubscriber(nil)
		sub.Subscribe(ViaChannel, "c")
		time.AfterFunc(time.Second, func() { _, _ = s.Publish("c", "m") })
		began := time.Now()
		if m, err := sub.Next(t.Context()); m.Payload != "m" || err != nil || time.Since(began) != time.Second {
			t.Errorf("Next = %v, %v after %v", m, err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := sub.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Next with a deadline: %v", err)
		}
		time.AfterFunc(time.Second, func() { sub.Close() })
		if _, err := sub.Next(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("Next of a closed subscriber: %v", err)
		}
	})
}

// What one pattern costs one message is bounded: a pattern does not match a channel that
// is too long for it.
func TestPatternsAreBounded(t *testing.T) {
	s := newStore(t, nil)
	sub := s.NewSubscriber(nil)
	for _, tt := range []struct {
		pattern string
		channel int // its length
		want    int
	}{
		{"*", matchSteps - 1, 1},
		{"*", matchSteps, 0},
		{"aaa*", matchSteps - 4, 1}, // what is before the star is compared once
		{"aaa*", matchSteps - 3, 0},
		{"*" + strings.Repeat("a", 1<<10), 1 << 11, 1},
		{"*" + strings.Repeat("a", 1<<10), 1 << 12, 0},
		{strings.Repeat("a", 1<<16), 1 << 16, 1},
		{"[" + strings.Repeat("a", matchSteps), 1, 0}, // long to compare even with one byte
	} {
		sub.Subscribe(ViaPattern, tt.pattern)
		channel := strings.Repeat("a", tt.channel)
		if n, err := s.Publish(channel, "m"); n != tt.want || err != nil {
			t.Errorf("%d receivers of a channel of %d bytes by %.10q of %d, %v, want %d", n, tt.channel, tt.pattern, len(tt.pattern), err, tt.want)
		}
		if n := len(received(t, sub)); n != tt.want {
			t.Errorf("%d messages of a channel of %d bytes by %.10q of %d, want %d", n, tt.channel, tt.pattern, len(tt.pattern), tt.want)
		}
		sub.Reset()
	}
}
