package store

import (
	"fmt"
	"strings"
	"testing"
)

func TestCommandKeys(t *testing.T) {
	for _, tc := range []struct{ line, want string }{
		{"GET a", "[1]"},
		{"PING", "[]"},
		{"PUBLISH a b", "[]"},
		{"SPUBLISH a b", "[]"},
		{"MSET a 1 b 2", "[1 3]"},
		{"DEL a b c", "[1 2 3]"},
		{"BITOP AND a b c", "[2 3 4]"},
		{"MSETEX 2 a 1 b 2 EX 9", "[2 4]"},
		{"MSETEX 2 a 1 b", "[]"},
		{"MSETEX 9223372036854775807 a 1", "[]"},
		{"BLPOP a b 0", "[1 2]"},
		{"LMOVE a b LEFT LEFT", "[1 2]"},
		{"LMPOP 2 a b LEFT", "[2 3]"},
		{"LMPOP 4 a b LEFT", "[]"},
		{"LMPOP 0 a b LEFT", "[]"},
		{"LMPOP -1 a b LEFT", "[]"},
		{"LMPOP x a b LEFT", "[]"},
		{"LMPOP 9223372036854775807 a b LEFT", "[]"},
		{"LMPOP", "[]"},
		{"BZMPOP 0 1 a MIN", "[3]"},
		{"ZUNIONSTORE d 2 a b WEIGHTS 1 2", "[1 3 4]"},
		{"SORT a", "[1]"},
		{"SORT a BY STORE GET STORE LIMIT STORE STORE STORE b STORE c", "[1 12]"},
		{"SORT a STORE", "[1]"},
		{"OBJECT ENCODING a", "[2]"},
		{"OBJECT HELP", "[]"},
		{"WATCH a b", "[1 2]"},
	} {
		var args [][]byte
		for _, w := range strings.Fields(tc.line) {
			args = append(args, []byte(w))
		}
		cmd := lookup(args[0])
		if cmd == nil {
			t.Fatalf("%s: no such command", tc.line)
		}
		at := cmd.Keys(args)
		if got := fmt.Sprint(at); got != tc.want {
			t.Errorf("%s: keys at %s, want %s", tc.line, got, tc.want)
		}
		if len(at) > 0 && !cmd.HasKeys(args) {
			t.Errorf("%s: HasKeys is false", tc.line)
		}
	}
}
