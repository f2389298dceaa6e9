package store

import (
	"iter"
	"strings"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// CommandFlags say how a command may be used.
type CommandFlags uint32

const (
	// FlagWrite: may change data; refused on a read-only replica.
	FlagWrite CommandFlags = 1 << iota
	// FlagReadOnly: reads data, changes nothing.
	FlagReadOnly
	// FlagFast: O(1) or O(log n).
	FlagFast
	// FlagAdmin: about the server, not the data.
	FlagAdmin
	// FlagNoMulti: refused between MULTI and EXEC.
	FlagNoMulti
	// FlagLoading and FlagStale: allowed while loading, and while a replica is
	// cut off and told not to serve old data.
	FlagLoading
	FlagStale
	// FlagNoAuth: allowed before AUTH.
	FlagNoAuth

	// FlagPubSub: about messages, not data.
	FlagPubSub

	// FlagDenyOOM: may take more memory; refused while the data exceeds the memory limit
	// and nothing may be removed.
	FlagDenyOOM

	// flagOneKey: reads one key's entry and nothing else, so that it needs no
	// instant shared with other reads.
	flagOneKey
	// flagPublish: takes the way of a write though it changes no data, on a
	// read-only replica too.
	flagPublish
	// flagStream: known only in the stream of a primary.
	flagStream
	// flagRefresh: a read that may write what it has computed into the value.
	flagRefresh
)

// A Command describes one command: of the store's own table, or one that a
// server adds by SessionOptions.Extra.
type Command struct {
	// Name in upper case.
	Name string
	// Arity counts the arguments, the name included; negative for "at least".
	Arity int
	Flags CommandFlags
	// FirstKey, LastKey and Step locate the keys among the arguments as COMMAND
	// INFO states them; all 0 for none.
	FirstKey, LastKey, Step int
	// Run answers a command that a server adds. The store's own have none.
	Run func(c *Session, args [][]byte) resp.Value

	// keys finds the keys where those three do not tell; nil for most.
	keys *keyRule

	// check refuses a sub-command that there is not, or that has another number
	// of arguments, as accepts does: before anything is queued. nil for commands
	// that have none.
	check func(args [][]byte) error

	// block reads what a command asks for that waits for it; nil for all others.
	block func(args [][]byte) (wish, error)

	// prepare makes, before the writer lock is taken, the entry that run will most
	// likely want; nil for none.
	prepare func(args [][]byte) *table.Entry

	// run answers a command of the store. args include the name and may be
	// overwritten after it returned.
	run func(x *exec, args [][]byte) resp.Value
}

// accepts reports whether n arguments, the name included, fit the arity.
func (c *Command) accepts(n int) bool { return n == c.Arity || c.Arity < 0 && n >= -c.Arity }

// Commands yields the store's command table.
func Commands() iter.Seq[*Command] {
	return func(yield func(*Command) bool) {
		for _, group := range commandGroups {
			for i := range group {
				if c := &group[i]; c.Flags&flagStream == 0 && !yield(c) {
					return
				}
			}
		}
	}
}

// LookupCommand is the store's command of that name in any case, or nil.
func LookupCommand(name string) *Command {
	if c := lookup([]byte(name)); c != nil && c.Flags&flagStream == 0 {
		return c
	}
	return nil
}

const longestName = 20

// lookup finds a command by name in any case without allocating.
func lookup(name []byte) *Command {
	var upper [longestName]byte
	if len(name) > longestName {
		return nil
	}
	for i, c := range name {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		upper[i] = c
	}
	return commandIndex[string(upper[:len(name)])]
}

var commandIndex = indexCommands()

func indexCommands() map[string]*Command {
	m := map[string]*Command{}
	for _, group := range commandGroups {
		for i := range group {
			group[i].Flags |= growth(group[i].Name)
			m[group[i].Name] = &group[i]
		}
	}
	return m
}

const (
	readOne  = FlagReadOnly | FlagFast | flagOneKey
	readMany = FlagReadOnly
	writeOne = FlagWrite | FlagFast

	publishes = FlagPubSub | FlagLoading | FlagStale | FlagFast | flagPublish
)

// commandGroups are the one list of what the store understands.
var commandGroups = [][]Command{stringCommands, conditionalCommands, bitmapCommands, hashCommands, hashExpiryCommands, listCommands, blockingCommands, setCommands, sortedCommands, streamTypeCommands, geoCommands, streamGroupCommands, hyperLogLogCommands, genericCommands, keyCommands, expiryCommands, messageCommands, sessionCommands, streamCommands}

// messageCommands travel in the stream and change no data.
var messageCommands = []Command{
	{Name: "PUBLISH", Arity: 3, Flags: publishes, run: cmdPublish},
	{Name: "SPUBLISH", Arity: 3, Flags: publishes, FirstKey: 1, LastKey: 1, Step: 1, run: cmdSPublish},
}

// Helpers that all command functions share.

func argString(args [][]byte, i int) string { return table.View(args[i]) }

func argStrings(args [][]byte) []string {
	s := make([]string, len(args))
	for i, a := range args {
		s[i] = table.View(a)
	}
	return s
}

func isWord(arg []byte, word string) bool {
	return len(arg) == len(word) && strings.EqualFold(table.View(arg), word)
}

func boolReply(b bool) resp.Value {
	if b {
		return resp.Integer(1)
	}
	return resp.Integer(0)
}

func textReply(value string, ok bool, err error) resp.Value {
	switch {
	case err != nil:
		return reply(err)
	case !ok:
		return resp.NullValue()
	}
	return resp.BulkString(value)
}

func intReply[T int | int64](n T, err error) resp.Value {
	if err != nil {
		return reply(err)
	}
	return resp.Integer(int64(n))
}

func okReply(err error) resp.Value {
	if err != nil {
		return reply(err)
	}
	return resp.OK()
}

func wrongArity(name string) resp.Value {
	return resp.Err("ERR wrong number of arguments for '" + strings.ToLower(name) + "' command")
}
