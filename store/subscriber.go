package store

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// Via says what a subscription names.
type Via uint8

const (
	// ViaChannel: one channel.
	ViaChannel Via = iota
	// ViaPattern: all channels that a pattern matches, see [Match], except those too
	// long for it, lest it hold up the writer. Too long is a channel of n bytes if p,
	// the length of the pattern, and q, that of its part from the first star on, make
	// p + q*n more than 1 << 22. With "news:*" that is beyond 4 MB.
	ViaPattern
	// ViaShard: one sharded channel. Sharded and other channels of the same name
	// have nothing to do with each other.
	ViaShard

	vias // how many there are
)

// ViaPost is the Via of a message that somebody put into the queue by
// [Subscriber.Post]: it was not published.
const ViaPost = vias

// A Message is what a subscriber receives.
type Message struct {
	Via     Via
	Channel string
	Pattern string // by which it came; "" unless Via is ViaPattern
	Payload string
}

// messageCost is what a queued message takes beside its texts, in bytes.
const messageCost = 64

// size is what the message counts in a queue. Its texts are shared with other
// queues, and counted in each.
func (m *Message) size() int64 {
	return int64(len(m.Channel)+len(m.Pattern)+len(m.Payload)) + messageCost
}

// SubscriberOptions configure a subscriber. The zero value is good.
type SubscriberOptions struct {
	// QueueBytes bounds what waits to be received: texts, and 64 bytes a message.
	// Default 16 MiB; negative for no limit.
	QueueBytes int64
	// Overflow, if not nil, is called when a message did not fit, before Next says
	// so; again only after Next has. It runs on the goroutine of whoever publishes,
	// who waits for it, and must not use the store.
	Overflow func()
}

const defaultQueueBytes = 16 << 20

// A Subscriber receives messages of a store, in the order of the commits, at its
// own pace. A publisher never waits for it: what does not fit into its queue is
// dropped, and counted. Next is for one goroutine at a time; the other methods may
// be called from any.
type Subscriber struct {
	b        *broker
	overflow func() // immutable, not nil
	ready    chan struct{}
	done     chan struct{} // closed by Close
	once     sync.Once

	mu     sync.Mutex           // protects the fields below
	names  [vias]map[string]int // with the place in the list of each audience; changed under b.mu, too
	gone   bool                 // closed
	queue  []Message            // the oldest first
	bytes  int64
	limit  int64 // negative: none
	missed uint64
}

// NewSubscriber returns a subscriber that is subscribed to nothing yet. Close it
// in the end. A nil o means defaults.
func (s *Store) NewSubscriber(o *SubscriberOptions) *Subscriber {
	sub := &Subscriber{b: &s.broker, overflow: func() {}, ready: make(chan struct{}, 1), done: make(chan struct{}), limit: defaultQueueBytes}
	if o != nil && o.QueueBytes != 0 {
		sub.limit = o.QueueBytes
	}
	if o != nil && o.Overflow != nil {
		sub.overflow = o.Overflow
	}
	return sub
}

// Subscribe begins to receive what is published from now on. It reports whether
// it was not subscribed already.
func (s *Subscriber) Subscribe(via Via, name string) bool { return via < vias && s.b.add(s, via, name) }

// Unsubscribe ends a subscription, and reports whether there was one. What was
// delivered before is still received.
func (s *Subscriber) Unsubscribe(via Via, name string) bool {
	return via < vias && s.b.remove(s, via, name)
}

// Names returns what the subscriber is subscribed to, sorted.
func (s *Subscriber) Names(via Via) []string {
	if via >= vias {
		return nil
	}
	names := s.all()[via]
	slices.Sort(names)
	return names
}

// Counts is how many subscriptions there are, by Via.
func (s *Subscriber) Counts() (n [vias]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for via := range s.names {
		n[via] = len(s.names[via])
	}
	return n
}

// all returns what the subscriber is subscribed to, in any order.
func (s *Subscriber) all() (names [vias][]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for via := range s.names {
		names[via] = slices.Collect(maps.Keys(s.names[via]))
	}
	return names
}

// enter notes a subscription with its place, and reports whether it is a new one,
// and of a subscriber that is not closed. REQUIRES: b.mu.
func (s *Subscriber) enter(via Via, name string, at int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.names[via][name]; there || s.gone {
		return false
	}
	if s.names[via] == nil {
		s.names[via] = map[string]int{}
	}
	s.names[via][name] = at
	return true
}

// exit forgets a subscription and returns its place. REQUIRES: b.mu.
func (s *Subscriber) exit(via Via, name string) (at int, there bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, there = s.names[via][name]
	delete(s.names[via], name)
	return at, there
}

// moved notes that a subscription has another place. REQUIRES: b.mu.
func (s *Subscriber) moved(via Via, name string, at int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[via][name] = at
}

// Reset ends all subscriptions and drops what was not received yet.
func (s *Subscriber) Reset() {
	s.b.removeAll(s)
	s.drop()
}

// Close ends the subscriber; a Next that waits returns [ErrClosed]. A second Close
// does nothing. It never fails.
func (s *Subscriber) Close() error {
	s.once.Do(func() {
		s.mu.Lock()
		s.gone = true // nobody enters any more
		s.mu.Unlock()
		s.b.removeAll(s)
		close(s.done)
	})
	s.drop()
	return nil
}

func (s *Subscriber) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue, s.bytes, s.missed = nil, 0, 0
}

// SetQueueBytes changes the limit. What is queued already stays.
func (s *Subscriber) SetQueueBytes(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = n
}

// Post queues payload for this subscriber alone, as a message via ViaPost.
func (s *Subscriber) Post(payload string) {
	if s.push(Message{Via: ViaPost, Payload: payload}) {
		s.overflow()
	}
}

// pushAs is push by a subscription to name via m.Via, and does nothing when that has
// ended: the delivery may have begun before.
func (s *Subscriber) pushAs(m Message, name string) (over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.names[m.Via][name]; !there {
		return false
	}
	return s.pushLocked(m)
}

// push queues m, if it fits. It reports whether it is the first that did not:
// after one nothing is queued until Next has told of the gap, so that what comes
// before it and what comes after can be told apart.
func (s *Subscriber) push(m Message) (over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pushLocked(m)
}

// pushLocked is push. REQUIRES: mu.
func (s *Subscriber) pushLocked(m Message) (over bool) {
	n := m.size()
	if s.missed > 0 || s.limit >= 0 && s.bytes+n > s.limit {
		s.missed++
		s.signal()
		return s.missed == 1
	}
	s.queue = append(s.queue, m)
	s.bytes += n
	s.signal()
	return false
}

// signal makes Ready have a value.
func (s *Subscriber) signal() {
	select {
	case s.ready <- struct{}{}:
	default: // it has one
	}
}

// Ready returns a channel that has a value when there is something for TryNext.
// Who receives from it calls TryNext until there is nothing left.
func (s *Subscriber) Ready() <-chan struct{} { return s.ready }

// TryNext is Next without waiting: ok is false when nothing is there.
func (s *Subscriber) TryNext() (m Message, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed():
		return m, false, ErrClosed
	case len(s.queue) > 0:
		m = s.queue[0]
		s.queue[0] = Message{}
		s.queue = s.queue[1:]
		s.bytes -= m.size()
	case s.missed > 0:
		err = &GapError{s.missed}
		s.missed = 0
	default:
		return m, false, nil
	}
	if len(s.queue) > 0 || s.missed > 0 {
		s.signal() // who stops here is called again
	}
	return m, err == nil, err
}

func (s *Subscriber) closed() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// Next returns the next message, and waits for it. The error is ctx's,
// [ErrClosed], or a [*GapError] where messages are missing, after which Next goes
// on.
func (s *Subscriber) Next(ctx context.Context) (Message, error) {
	for {
		if m, ok, err := s.TryNext(); ok || err != nil {
			return m, err
		}
		select {
		case <-s.ready:
		case <-s.done:
			return Message{}, ErrClosed
		case <-ctx.Done():
			return Message{}, ctx.Err()
		}
	}
}

// Queued is how much waits to be received, in bytes: what QueueBytes bounds.
func (s *Subscriber) Queued() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}
