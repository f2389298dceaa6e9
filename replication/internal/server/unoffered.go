package server

import (
	"slices"
	"strings"

	"github.com/understudy-go/understudy/resp"
)

// unoffered are the commands of Redis 7.0 and 8.0 that neither this server nor the store has, sorted. Clients are told apart "not offered" and "unknown",
// because the first is a reason to look for another way and the second a reason to look for a typing mistake.
//
// WAITAOF, of Redis 7.2, is not among them: whoever asks for it looks for an append-only file, and takes the answer of a Redis before it, which does not know it,
// for "there is none".
const unoffered = `
bgrewriteaof eval eval_ro evalsha evalsha_ro fcall fcall_ro function
lolwut migrate module
vadd vcard vdim vemb vgetattr vinfo vismember vlinks vrandmember vrem vsetattr vsim
`

// notOffered reports whether name, in lower case, is in the list.
func notOffered(name string) bool { return slices.Contains(strings.Fields(unoffered), name) }

// memory looks at the sub-commands of MEMORY, a command of the store, that are about the server. What is not offered gets a better refusal than the store's,
// which is still asked: it spoils an open transaction. PURGE is granted, and done reported: the run-time system gives memory back by itself.
func (c *conn) memory(args [][]byte) (done bool) {
	if len(args) < 2 || !equalFold(args[0], "memory") {
		return false
	}
	switch word := lower(string(args[1])); word {
	case "doctor", "malloc-stats", "stats":
		c.refused = resp.Err("ERR understudy does not offer 'MEMORY " + upper(word) + "'")
	case "purge":
		switch {
		case len(args) > 2:
			c.refused = arityError("memory|purge")
		case c.session.InMulti():
			c.refused = resp.Err("ERR Command not allowed inside a transaction")
		default:
			return true
		}
	}
	return false
}
