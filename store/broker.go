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
// subscriber's. The writer lock comes before posted and mu, which are therefore
// held for moments only and never while anybody is told; never with delivery.
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

	mu sync.Mutex // protects by and what is in it
	by [vias]map[string]*audience
}

// audience are the subscribers of one name. Each knows its place in the list, so
// that it is found at once when it leaves.
type audience struct {
	list []*Subscriber // in any order

	// lent: a delivery reads, without mu, what the list held at some time. Until
	// there is a new list, its elements stay as they are; more may be appended.
	lent bool
}

// reached is an audience of one message, as a delivery reads it.
type reached struct {
	pattern string // by which it is one, "" for the channel itself
	list    []*Subscriber
}

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
	b.mu.Lock()
	defer b.mu.Unlock()
	b.each(via, channel, func(a *audience, _ string) { n += len(a.list) })
	return n
}

// lend appends to out the audiences of a message, as they are now.
func (b *broker) lend(out []reached, via Via, channel string) []reached {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.each(via, channel, func(a *audience, pattern string) {
		a.lent = true
		out = append(out, reached{pattern, a.list})
	})
	return out
}

// matchSteps bounds what one pattern costs one message: some milliseconds. The writer
// waits for it, and a client chose the pattern.
const matchSteps = 1 << 22

// each calls fn for each audience of a message, with the pattern by which it is
// one, "" for the channel itself, which comes first. REQUIRES: mu.
func (b *broker) each(via Via, channel string, fn func(a *audience, pattern string)) {
	if a := b.by[via][channel]; a != nil {
		fn(a, "")
	}
	if via != ViaChannel {
		return
	}
	for pattern, a := range b.by[ViaPattern] {
		if matchCost(pattern, channel) <= matchSteps && Match(pattern, channel) {
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

// deliverPosted returns the subscribers whose queue ran over. It holds mu for none
// of the work that is proportional to the receivers: a subscription would have to
// wait for it, and the writer, who counts receivers, for the subscription.
func (b *broker) deliverPosted() (over []*Subscriber) {
	b.delivery.Lock()
	defer b.delivery.Unlock()
	var to []reached
	for _, m := range b.take() {
		to = b.lend(to[:0], m.Via, m.Channel)
		for _, r := range to {
			over = r.push(m, over)
		}
	}
	return over
}

// push queues m for the audience, and appends those whose queue ran over to over.
func (r *reached) push(m Message, over []*Subscriber) []*Subscriber {
	name := m.Channel
	if r.pattern != "" {
		name, m.Pattern, m.Via = r.pattern, r.pattern, ViaPattern
	}
	for _, s := range r.list {
		if s.pushAs(m, name) {
			over = append(over, s)
		}
	}
	return over
}

// add subscribes s, and reports whether it was not.
func (b *broker) add(s *Subscriber, via Via, name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.by[via][name]
	if a == nil {
		a = &audience{}
	}
	if !s.enter(via, name, len(a.list)) {
		return false
	}
	if b.by[via] == nil {
		b.by[via] = map[string]*audience{}
	}
	a.list = append(a.list, s)
	b.by[via][name] = a
	b.count.Add(1)
	return true
}

// remove ends a subscription of s, and reports whether there was one. Once it has
// returned, nothing more is queued by that subscription.
func (b *broker) remove(s *Subscriber, via Via, name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, there := s.exit(via, name)
	if !there {
		return false
	}
	a := b.by[via][name]
	if a.remove(at); len(a.list) == 0 {
		delete(b.by[via], name)
	} else if at < len(a.list) {
		a.list[at].moved(via, name, at)
	}
	b.count.Add(-1)
	return true
}

// remove puts the last of the list into the place at, and shortens the list: in O(1),
// but for at most one copy of the list, of pointers, for each message delivered to it.
func (a *audience) remove(at int) {
	if a.lent {
		a.list, a.lent = slices.Clone(a.list), false
	}
	last := len(a.list) - 1
	a.list[at] = a.list[last]
	a.list[last] = nil
	a.list = a.list[:last]
}

// removeAll ends all subscriptions that s has now. Others get their turn between two
// of them: there may be many.
func (b *broker) removeAll(s *Subscriber) {
	for via, names := range s.all() {
		for _, name := range names {
			b.remove(s, Via(via), name)
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
	b.mu.Lock()
	names := slices.Collect(maps.Keys(b.by[via]))
	b.mu.Unlock()
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
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.by[via][name]; a != nil {
		return len(a.list)
	}
	return 0
}
