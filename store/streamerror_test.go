package store

import (
	"strings"
	"testing"
)

// The error of a command in a stream does not repeat the command's arguments, and is otherwise what it was.
func TestWithoutArgs(t *testing.T) {
	long := strings.Repeat("s", 200)
	for _, c := range []struct{ text, args, want string }{
		{"ERR Unsupported option secret", "EXPIRE k 1 secret", "ERR Unsupported option ..."},
		{"ERR unknown subcommand 'secret'. Try X HELP.", "X secret", "ERR unknown subcommand '...'. Try X HELP."},
		{"ERR unknown subcommand '" + long[:quotedBytes] + "'. Try X HELP.", "X " + long, "ERR unknown subcommand '...'. Try X HELP."},
		{"ERR a secret secret, secrets", "X secret", "ERR a ... ..., secrets"},
		{"WRONGTYPE Operation against a key", "HSET ke again TYPE", "WRONGTYPE Operation against a key"},
		{"ERR syntax error", "SET", "ERR syntax error"},
	} {
		var args [][]byte
		for _, a := range strings.Fields(c.args) {
			args = append(args, []byte(a))
		}
		if got := withoutArgs(c.text, args); got != c.want {
			t.Errorf("withoutArgs(%q, %q) = %q, want %q", c.text, c.args, got, c.want)
		}
	}
	if got := withoutArgs("ERR x  y", [][]byte{[]byte("X"), nil}); got != "ERR x  y" {
		t.Errorf("an empty argument changed the text to %q", got)
	}
	if got := (&UnknownCommandError{Name: long, Offset: 5}).Error(); len(got) > 130 || !strings.Contains(got, long[:64]) {
		t.Errorf("a long name: %s", got)
	}
}
