package store

import (
	"slices"
	"strings"
)

// Keys returns the indexes of the keys among args, the name included: what COMMAND
// GETKEYS shows. It looks at nothing else, so that args need not be a command that
// would be carried out. nil says that there are none, or none that can be told.
func (c *Command) Keys(args [][]byte) (at []int) {
	if c.Flags&flagPublish != 0 {
		return nil // a channel stands where the key would
	}
	if c.keys != nil {
		return c.keys.find(args)
	}
	last := c.LastKey
	if last < 0 {
		last += len(args)
	}
	for i := c.FirstKey; c.Step > 0 && i <= last && i < len(args); i += c.Step {
		at = append(at, i)
	}
	return at
}

// HasKeys reports whether there are commands of that name with keys; of one that has
// sub-commands, args tell which it is.
func (c *Command) HasKeys(args [][]byte) bool {
	if c.check != nil {
		return c.check(args) == nil && len(c.Keys(args)) > 0
	}
	return c.keys != nil || c.Step > 0 && c.Flags&flagPublish == 0
}

// MovableKeys reports whether FirstKey, LastKey and Step do not tell of all keys.
func (c *Command) MovableKeys() bool { return c.keys != nil && c.check == nil }

// Blocks reports whether the command waits for something to come.
func (c *Command) Blocks() bool { return c.block != nil }

// A KeySpec says where some of a command's keys stand, in the way of COMMAND INFO of
// Redis 7.0. The kind tells which form it has.
type KeySpec struct {
	Kind KeySpecKind
	// Begin is the index of the argument that it begins with.
	Begin int
	// Last is how far behind Begin the last key is; negative: -1 is the last argument,
	// -2 the one before. Every Step-th from Begin on is a key. Both of KeyRange.
	Last, Step int
	// Word is what the keys stand behind, of KeyHalf and KeyWord.
	Word string
}

// KeySpecKind is a form of KeySpec.
type KeySpecKind uint8

const (
	// KeyRange: the keys stand from Begin to Last.
	KeyRange KeySpecKind = iota
	// KeyCount: argument Begin says how many keys follow it.
	KeyCount
	// KeyHalf: the keys are the first half of what stands behind Word, which is looked for
	// from Begin on.
	KeyHalf
	// KeyWord: the key stands right behind Word, which is looked for from Begin on.
	KeyWord
	// KeyUnknown: only the command itself can tell.
	KeyUnknown
)

// KeySpecs are where the keys of the command stand; none for one without keys, and
// for one that has sub-commands.
func (c *Command) KeySpecs() []KeySpec {
	switch {
	case c.check != nil:
		return nil
	case c.keys != nil:
		return slices.Clone(c.keys.specs)
	case c.Step == 0:
		return nil
	}
	last := c.LastKey
	if last > 0 {
		last -= c.FirstKey
	}
	return []KeySpec{{Kind: KeyRange, Begin: c.FirstKey, Last: last, Step: c.Step}}
}

// keyRule finds keys among arguments that decide themselves where those stand.
type keyRule struct {
	find  func(args [][]byte) []int // as [Command.Keys]
	specs []KeySpec                 // the same, as far as it can be said beforehand
}

// countedKeys finds keys behind the argument that says how many there are, beside those
// that stand in fixed places before it.
func countedKeys(count int, fixed ...int) *keyRule {
	r := &keyRule{find: func(args [][]byte) []int { return findCounted(args, count, fixed) }}
	for _, at := range fixed {
		r.specs = append(r.specs, KeySpec{Kind: KeyRange, Begin: at, Step: 1})
	}
	r.specs = append(r.specs, KeySpec{Kind: KeyCount, Begin: count})
	return r
}

func findCounted(args [][]byte, count int, fixed []int) []int {
	if count >= len(args) {
		return nil
	}
	n, err := parseInt(argString(args, count))
	if err != nil || n <= 0 || n >= int64(len(args)-count) {
		return nil
	}
	at := append([]int(nil), fixed...)
	for i := range int(n) {
		at = append(at, count+1+i)
	}
	return at
}

// sortKeys are the key that SORT sorts, those that it looks up by patterns, which are
// not to be told, and the one that it stores to.
var sortKeys = &keyRule{find: findSortKeys, specs: []KeySpec{{Kind: KeyRange, Begin: 1, Step: 1}, {Kind: KeyUnknown}, {Kind: KeyUnknown}}}

// findSortKeys finds the first and the last of those; the last STORE, should there be
// several.
func findSortKeys(args [][]byte) []int {
	at := []int{1}
	for i := 2; i < len(args)-1; i++ {
		switch strings.ToUpper(argString(args, i)) {
		case "LIMIT":
			i += 2
		case "BY", "GET":
			i++
		case "STORE":
			at = append(at[:1], i+1)
			i++
		}
	}
	return at
}

// geoRadiusKeys are the key that GEORADIUS or GEORADIUSBYMEMBER searches, and the one that it
// stores to. Options begin at that index.
func geoRadiusKeys(options int) *keyRule {
	return &keyRule{find: findGeoRadiusKeys, specs: []KeySpec{
		{Kind: KeyRange, Begin: 1, Step: 1}, {Kind: KeyWord, Begin: options, Word: "STORE", Step: 1}, {Kind: KeyWord, Begin: options, Word: "STOREDIST", Step: 1}}}
}

// findGeoRadiusKeys finds the last STORE or STOREDIST, should there be several.
func findGeoRadiusKeys(args [][]byte) []int {
	at := []int{1}
	for i := 5; i < len(args)-1; i++ {
		if isWord(args[i], "STORE") || isWord(args[i], "STOREDIST") {
			i++
			at = append(at[:1], i)
		}
	}
	return at
}

// subKey is the key of a sub-command, which stands behind its name.
var subKey = &keyRule{find: findSubKey}

func findSubKey(args [][]byte) []int {
	if len(args) < 3 {
		return nil
	}
	return []int{2}
}
