package server

import (
	"strings"
	"testing"
)

// noParts is the digest's answer about parts without a key in them.
var noParts = strings.Repeat("0", 16*256)

// emptyDigest is what a store without keys answers.
var emptyDigest = "*4\r\n:0\r\n$40\r\n" + strings.Repeat("0", 40) + "\r\n$4096\r\n" + noParts + "\r\n*0\r\n"

func TestUnderstudy(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"mark", "UNDERSTUDY MARK abc 16\r\n", "+OK\r\n"},
		{"mark, sub-command in lower case", "understudy mark abc 0\r\n", "+OK\r\n"},
		{"a token that is none", "UNDERSTUDY MARK \"a\\r\\nc\" 1\r\nUNDERSTUDY CUT a-c\r\nUNDERSTUDY MARK \"\" 1\r\n", "-ERR syntax error\r\n-ERR syntax error\r\n-ERR syntax error\r\n"},
		{"a token of 64", "UNDERSTUDY MARK " + strings.Repeat("a", 64) + " 1\r\n", "+OK\r\n"},
		{"a token of 65", "UNDERSTUDY MARK " + strings.Repeat("a", 65) + " 1\r\n", "-ERR syntax error\r\n"},
		{"hops that are none", "UNDERSTUDY MARK abc -1\r\nUNDERSTUDY MARK abc x\r\n", "-ERR syntax error\r\n-ERR syntax error\r\n"},
		{"digest without a cut", "UNDERSTUDY DIGEST\r\n", "-NOCUT no cut is held\r\n"},
		{"refused", "UNDERSTUDY CUT no1\r\n", "-TAINTED no1\r\n"},
		{"an operator's words", "UNDERSTUDY ACCEPT\r\nUNDERSTUDY RESTORE\r\n", "-ERR none is held\r\n+OK\r\n"},
		{"arity", "UNDERSTUDY\r\nUNDERSTUDY CUT\r\n", "-ERR wrong number of arguments for 'understudy' command\r\n-ERR wrong number of arguments for 'understudy|cut' command\r\n"},
		{"not in a transaction", "MULTI\r\nUNDERSTUDY CUT a\r\nDISCARD\r\n", "+OK\r\n-ERR Command not allowed inside a transaction\r\n+OK\r\n"},
		{"options", "UNDERSTUDY DIGEST SAMPLE 2\r\nUNDERSTUDY DIGEST SAMPLE NaN\r\nUNDERSTUDY DIGEST SEED -1\r\nUNDERSTUDY DIGEST UNDER 1\r\nUNDERSTUDY DIGEST UNDER 0011223344556677\r\n" +
			"UNDERSTUDY DIGEST AT x\r\nUNDERSTUDY DIGEST FOO 1\r\nUNDERSTUDY DIGEST AT\r\n", strings.Repeat("-ERR syntax error\r\n", 8)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := exchange(t, start(t, newFake(t)), c.in); got != c.want {
				t.Errorf("%q =\n%q, want\n%q", c.in, got, c.want)
			}
		})
	}
}

// A connection's cut is closed by the next CUT, refused or not, and by the end of the connection; digests of it can be asked again and again.
func TestUnderstudyCut(t *testing.T) {
	n := newFake(t)
	s := start(t, n)
	got := exchange(t, s, "UNDERSTUDY CUT a\r\nUNDERSTUDY CUT b\r\nSET k v\r\nUNDERSTUDY DIGEST\r\nUNDERSTUDY DIGEST SAMPLE 0.5 SEED 3 UNDER 0a PERSISTENT AT 1\r\n")
	_, got, _ = strings.Cut(got, "+OK\r\n")
	if got != emptyDigest+emptyDigest {
		t.Errorf("two digests of the data before SET = %q", got)
	}
	if n := n.data.Stats().Snapshots; n != 0 {
		t.Errorf("%d snapshots are open when the connection has ended, want none", n)
	}
	got = exchange(t, s, "UNDERSTUDY CUT a\r\nUNDERSTUDY DIGEST\r\nUNDERSTUDY CUT no\r\nUNDERSTUDY DIGEST\r\n")
	if !strings.Contains(got, "*4\r\n:1\r\n") || !strings.Contains(got, "*3\r\n:0\r\n$1\r\nk\r\n") || !strings.HasSuffix(got, "-TAINTED no\r\n-NOCUT no cut is held\r\n") {
		t.Errorf("digest of one key, and after a refused cut: %q", got)
	}
}
