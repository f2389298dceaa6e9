package store

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
)

// lentOut waits until a delivery reads the audience of a channel.
func lentOut(s *Store, channel string) {
	b := &s.broker
	for lent := false; !lent; runtime.Gosched() {
		b.mu.Lock()
		lent = b.by[ViaChannel][channel].lent
		b.mu.Unlock()
	}
}

// While a delivery is under way others subscribe, unsubscribe and write. Who has unsubscribed gets nothing of what the delivery still has to do.
func TestDeliveryDelaysNobody(t *testing.T) {
	s := newStore(t, nil)
	first, second, other := s.NewSubscriber(nil), s.NewSubscriber(nil), s.NewSubscriber(nil)
	first.Subscribe(ViaChannel, "c")
	second.Subscribe(ViaChannel, "c")
	first.mu.Lock() // the delivery stops here
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = s.Publish("c", "m") })
	lentOut(s, "c")
	if !other.Subscribe(ViaChannel, "x") || !second.Unsubscribe(ViaChannel, "c") {
		t.Error("no subscription begins or ends during a delivery")
	}
	if n, err := s.Publish("none", "m"); n != 0 || err != nil {
		t.Errorf("Publish = %d, %v", n, err)
	}
	if err := s.DB(0).Set("k", "v", 0); err != nil {
		t.Error(err)
	}
	first.mu.Unlock()
	wg.Wait()
	wantLines(t, received(t, first), "c m")
	wantLines(t, received(t, second))
}

// Whatever the order in which subscribers come and go, a message reaches those who are there, once.
func TestAudiences(t *testing.T) {
	s := newStore(t, nil)
	rng := rand.New(rand.NewPCG(1, 2))
	var subs [8]*Subscriber
	var there [8]bool
	for i := range subs {
		subs[i] = s.NewSubscriber(nil)
	}
	for range 5000 {
		i, n := rng.IntN(len(subs)), 0
		switch rng.IntN(8) {
		case 0, 1, 2:
			if subs[i].Subscribe(ViaChannel, "c") == there[i] {
				t.Fatal("Subscribe does not know whether it is new")
			}
			there[i] = true
		case 3, 4:
			if subs[i].Unsubscribe(ViaChannel, "c") != there[i] {
				t.Fatal("Unsubscribe does not know whether there was one")
			}
			there[i] = false
		case 5:
			subs[i].Reset()
			there[i] = false
		default:
			for i, sub := range subs {
				if there[i] {
					n++
				}
				if got := len(received(t, sub)); got != 0 {
					t.Fatalf("%d messages too many", got)
				}
			}
			if got, err := s.Publish("c", "m"); got != n || err != nil || s.Subscribers(ViaChannel, "c") != n {
				t.Fatalf("Publish = %d, %v, want %d receivers", got, err, n)
			}
			for i, sub := range subs {
				if got := len(received(t, sub)); got != 1 && there[i] || got != 0 && !there[i] {
					t.Fatalf("subscribed %v, %d messages", there[i], got)
				}
			}
		}
	}
}
