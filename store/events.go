package store

import "strings"

// Events is a set of classes of keyspace events, as Redis's directive
// notify-keyspace-events names them by letters. Nothing is published unless the
// set has K or E, and a class beside it.
type Events uint16

const (
	eventKeyspace Events = 1 << iota // K: publish to __keyspace@db__:key
	eventKeyevent                    // E: publish to __keyevent@db__:event
	eventGeneric                     // g: DEL, EXPIRE, RENAME and others for keys of any type
	eventString                      // $
	eventList                        // l
	eventSet                         // s
	eventHash                        // h
	eventZSet                        // z
	eventExpired                     // x: a deadline passed
	eventEvicted                     // e: made room for others
	eventStream                      // t
	eventModule                      // d: never here
	eventNew                         // n: a key came into being
	eventMiss                        // m: a read of a key that is not there
)

// What A stands for: all that changes a key, but not n and m.
const eventsAll = eventGeneric | eventString | eventList | eventSet | eventHash | eventZSet | eventExpired | eventEvicted | eventStream | eventModule

// eventLetters are the classes from g on, in the order in which Redis prints them.
const eventLetters = "g$lshzxetdn"

// ParseEvents reads letters, each of which adds to the set; ok is false for a
// letter that is none. "" is the empty set: no notifications.
func ParseEvents(letters string) (set Events, ok bool) {
	for _, letter := range letters {
		switch i := strings.IndexRune(eventLetters, letter); {
		case i >= 0:
			set |= eventGeneric << i
		case letter == 'A':
			set |= eventsAll
		case letter == 'K':
			set |= eventKeyspace
		case letter == 'E':
			set |= eventKeyevent
		case letter == 'm':
			set |= eventMiss
		default:
			return 0, false
		}
	}
	return set, true
}

// String is the set in the form in which Redis 7.0 shows it: A, or the classes one
// by one, then K, E and m. Unlike Redis it does not leave out the n beside an A:
// what is shown can be set again.
func (e Events) String() string {
	var b []byte
	if e&eventsAll == eventsAll {
		b = append(b, 'A')
	}
	for i := range len(eventLetters) {
		class := eventGeneric << i
		if e&class != 0 && (class == eventNew || e&eventsAll != eventsAll) {
			b = append(b, eventLetters[i])
		}
	}
	for _, f := range []struct {
		class  Events
		letter byte
	}{{eventKeyspace, 'K'}, {eventKeyevent, 'E'}, {eventMiss, 'm'}} {
		if e&f.class != 0 {
			b = append(b, f.letter)
		}
	}
	return string(b)
}

// SetEvents chooses the keyspace events that are published from the next commit
// on. None costs nothing; some cost the making of two messages an event, as long
// as anybody is subscribed to them. Reads publish nothing: keymiss, class m, is
// accepted and has no effect.
func (s *Store) SetEvents(set Events) { s.broker.events.Store(uint32(set)) }

// Events is what SetEvents was last given.
func (s *Store) Events() Events { return Events(s.broker.events.Load()) }
