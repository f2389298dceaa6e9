package store

import "strings"

// Keys returns the indexes of the keys among args, the name included: what COMMAND
// GETKEYS shows. It looks at nothing else, so that args need not be a command that
// would be carried out. nil says that there are none, or none that can be told.
func (c *Command) Keys(args [][]byte) (at []int) {
	if c.Flags&flagPublish != 0 {
		return nil // a channel stands where the key would
	}
	if c.keys != nil {
		return c.keys(args)
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

// countedKeys finds keys behind the argument that says how many there are, beside those
// that stand in fixed places before it.
func countedKeys(count int, fixed ...int) func(args [][]byte) []int {
	return func(args [][]byte) []int {
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
}

// sortKeys finds the key that SORT sorts and the one that it stores to: the last, should
// there be several. Those that it looks up by patterns are not to be told.
func sortKeys(args [][]byte) []int {
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

// subKey finds the key of a sub-command, which stands behind its name.
func subKey(args [][]byte) []int {
	if len(args) < 3 {
		return nil
	}
	return []int{2}
}
