package store

import (
	"strings"

	"github.com/understudy-go/understudy/store/internal/table"
)

// slots is the number of hash slots of a cluster.
const slots = 1 << 14

// slotOf is the hash slot that a cluster sorts a key into: by what stands in its first
// pair of braces, if that is not empty, else by all of it.
func slotOf(key string) int {
	if _, tail, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(tail, "}"); ok && tag != "" {
			key = tag
		}
	}
	return int(crc16(key) % slots)
}

// crc16 is the sum of XMODEM: the polynomial 0x1021, from 0, the high bit first. One
// bit at a time is enough: it is asked for when slots are moved.
func crc16(s string) (crc uint16) {
	for i := range len(s) {
		crc ^= uint16(s[i]) << 8
		for range 8 {
			carry := crc & 0x8000
			crc <<= 1
			if carry != 0 {
				crc ^= 0x1021
			}
		}
	}
	return crc
}

// slotSet is a set of hash slots.
type slotSet [slots / 64]uint64

func (s *slotSet) addRange(first, last int64) {
	for i := first; i <= last; i++ {
		s[i/64] |= 1 << (i % 64)
	}
}

func (s *slotSet) has(slot int) bool { return s[slot/64]&(1<<(slot%64)) != 0 }

// readRanges adds the ranges whose firsts and lasts are args, both included.
func (s *slotSet) readRanges(args [][]byte) error {
	if len(args) == 0 || len(args)%2 != 0 {
		return ErrSyntax
	}
	for i := 0; i < len(args); i += 2 {
		first, err := parseInt(argString(args, i))
		if err != nil {
			return err
		}
		last, err := parseInt(argString(args, i+1))
		if err != nil {
			return err
		}
		if first < 0 || first > last || last >= slots {
			return wireError("ERR Invalid or out of range slot")
		}
		s.addRange(first, last)
	}
	return nil
}

// trim removes the selected database's keys of some slots. It looks at every key: O(n),
// under the writer lock, as often as a cluster moves slots.
func (x *exec) trim(s *slotSet) {
	var gone []string
	eachEntry(x.space().tab, func(e *table.Entry) {
		if s.has(slotOf(e.Key())) {
			gone = append(gone, e.Key())
		}
	})
	x.c.atomicIf(len(gone) > 1)
	for _, key := range gone {
		x.c.remove(x.ref(key))
		x.event(eventGeneric, "del", key)
	}
}
