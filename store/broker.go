package store

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// broker knows who is subscribed to what, and delivers.
//
// A message takes three steps. A command notes it in its commit. The end of the
// commit, under the writer lock, posts it: behind those of earlier commits. Who
// made the commit then delivers, without the writer lock, all that is posted, to
// the queues of the subscribers. So messages have the order of the commits,
// nobody hears of what is not there yet, and the writer waits neither for a
// subscriber nor for there being many. What is posted and not delivered is of
// commits whose makers are about to deliver: it needs no limit of its own.
//
// Locks, in the order in which they are taken: delivery, posted or mu, a
// subscriber's. The writer lock comes before posted and mu, never with delivery.
type broker struct {
	events atomic.Uint32 // SetEvents
	count  atomic.Int64  // subscriptions in all; with none nothing is looked up

	// due: the commits of the present holder of the writer lock have posted.
	// Guarded by the writer lock.
	due bool

	posted struct {
		sync.Mutex
		messages []Message // in the order of the commits
	}

	// delivery is held while posted messages become queued ones, so that nobody
	// overtakes.
	delivery sync.Mutex

	mu sync.RWMutex // protects by, and each subscriber's names
	by [vias]map[string]audience
}

// audience are the subscribers of one name.
type audience map[*Subscriber]struct{}

// enabled are the classes of events that a commit shall publish: none while
// nobody is there to receive any.
func (b *broker) enabled() Events {
	set := Events(b.events.Load())
	if set == 0 || b.count.Load() == 0 || set&(eventKeyspace|eventKeyevent) == 0 {
		return 0
	}
	return set
}

// receivers counts who gets a message, a subscriber once for each of its
// subscriptions that fit.
func (b *broker) receivers(via Via, channel string) (n int) {
	if b.count.Load() == 0 {
		return 0
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	b.each(via, channel, func(a audience, _ string) { n += len(a) })
	return n
}

// each calls fn for each audience of a message, with the pattern by which it is
// one, "" for the channel itself, which comes first. REQUIRES: mu.
func (b *broker) each(via Via, channel string, fn func(a audience, pattern string)) {
	if a := b.by[via][channel]; a != nil {
		fn(a, "")
	}
	if via != ViaChannel {
		return
	}
	for pattern, a := range b.by[ViaPattern] {
		if Match(pattern, channel) {
			fn(a, pattern)
		}
	}
}

// post appends messages to those that are to be delivered. REQUIRES: the writer
// lock, whose holder calls deliver after releasing it if it finds due set.
func (b *broker) post(messages []Message) {
	b.posted.Lock()
	defer b.posted.Unlock()
	b.posted.messages = append(b.posted.messages, messages...)
	b.due = true
}

// take returns what is posted, and leaves nothing.
func (b *broker) take() []Message {
	b.posted.Lock()
	defer b.posted.Unlock()
	m := b.posted.messages
	b.posted.messages = nil
	return m
}

// deliver queues all posted messages. When it returns, those of the caller are
// queued, by it or by whom it waited for. REQUIRES: not the writer lock.
func (b *broker) deliver() {
	for _, s := range b.deliverPosted() {
		s.overflow() // without any lock: it is not our code
	}
}

// deliverPosted returns the subscribers whose queue ran over.
func (b *broker) deliverPosted() (over []*Subscriber) {
	b.delivery.Lock()
	defer b.delivery.Unlock()
	messages := b.take()
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, m := range messages {
		b.each(m.Via, m.Channel, func(a audience, pattern string) {
			if m.Pattern = pattern; pattern != "" {
				m.Via = ViaPattern
			}
			for s := range a {
				if s.push(m) {
					over = append(over, s)
				}
			}
		})
	}
	return over
}

// add subscribes s, and reports whether it was not.
func (b *broker) add(s *Subscriber, via Via, name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, there := s.names[via][name]; there || s.gone {
		return false
	}
	if s.names[via] == nil {
		s.names[via] = map[string]struct{}{}
	}
	if b.by[via] == nil {
		b.by[via] = map[string]audience{}
	}
	if b.by[via][name] == nil {
		b.by[via][name] = audience{}
	}
	s.names[via][name], b.by[via][name][s] = struct{}{}, struct{}{}
	b.count.Add(1)
	return true
}

// remove ends a subscription of s, and reports whether there was one.
func (b *broker) remove(s *Subscriber, via Via, name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.removeLocked(s, via, name)
}

// removeLocked is remove. REQUIRES: mu.
func (b *broker) removeLocked(s *Subscriber, via Via, name string) bool {
	if _, there := s.names[via][name]; !there {
		return false
	}
	delete(s.names[via], name)
	delete(b.by[via][name], s)
	if len(b.by[via][name]) == 0 {
		delete(b.by[via], name)
	}
	b.count.Add(-1)
	return true
}

// removeAll ends all subscriptions of s; for good, if it is gone.
func (b *broker) removeAll(s *Subscriber, gone bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.gone = s.gone || gone
	for via := range s.names {
		for name := range s.names[via] {
			b.removeLocked(s, Via(via), name)
		}
	}
}

// Channels returns the names to which anybody is subscribed via channels, patterns
// or sharded channels, sorted; of those, the ones that match pattern.
func (s *Store) Channels(via Via, pattern string) []string {
	b := &s.broker
	if via >= vias {
		return nil
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	names := slices.Collect(maps.Keys(b.by[via]))
	names = slices.DeleteFunc(names, func(name string) bool { return !Match(pattern, name) })
	slices.Sort(names)
	return names
}

// Subscribers is how many are subscribed to exactly this name.
func (s *Store) Subscribers(via Via, name string) int {
	b := &s.broker
	if via >= vias {
		return 0
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.by[via][name])
}
