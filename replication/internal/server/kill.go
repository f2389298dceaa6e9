package server

import (
	"github.com/understudy-go/understudy/resp"
)

// killFilter says whom CLIENT KILL means. A client must match all that is set.
type killFilter struct {
	id          int64 // 0 = any
	addr, laddr string
	kind        string // "" = any
	includeSelf bool
	user        bool // USER default was given, which everybody is
}

// clientKill answers both forms: CLIENT KILL addr:port, and CLIENT KILL with filters, which returns how many there were.
func clientKill(c *conn, args [][]byte) resp.Value {
	if len(args) == 3 {
		// The old form includes oneself, and wants an error when there is nobody.
		if c.killAll(killFilter{addr: string(args[2]), includeSelf: true}) == 0 {
			return resp.Err("ERR No such client")
		}
		return resp.OK()
	}
	f, bad := parseKill(args[2:])
	if bad.Kind != 0 {
		return bad
	}
	return resp.Integer(int64(c.killAll(f)))
}

// parseKill reads pairs of option and value. The same option twice means the last one, as in Redis 7.0.
func parseKill(args [][]byte) (killFilter, resp.Value) {
	var f killFilter
	if len(args)%2 != 0 {
		return f, resp.Err("ERR syntax error")
	}
	for ; len(args) > 0; args = args[2:] {
		if bad := f.parse(lower(string(args[0])), args[1]); bad.Kind != 0 {
			return f, bad
		}
	}
	return f, resp.Value{}
}

func (f *killFilter) parse(option string, word []byte) (bad resp.Value) {
	switch option {
	case "id":
		if f.id, bad = parseInt(word, "client-id should be greater than 0"); bad.Kind == 0 && f.id <= 0 {
			bad = resp.Err("ERR client-id should be greater than 0")
		}
	case "addr":
		f.addr = string(word)
	case "laddr":
		f.laddr = string(word)
	case "type":
		f.kind, bad = parseType(word)
	case "user":
		if f.user = string(word) == "default"; !f.user {
			bad = resp.Err("ERR No such user '" + string(word) + "'")
		}
	case "skipme":
		f.includeSelf = equalFold(word, "no")
		if !f.includeSelf && !equalFold(word, "yes") {
			bad = resp.Err("ERR syntax error")
		}
	default:
		bad = resp.Err("ERR syntax error")
	}
	return bad
}

func (f *killFilter) matches(kind string, id int64, addr, laddr string) bool {
	return (f.kind == "" || f.kind == kind) && (f.id == 0 || f.id == id) && (f.addr == "" || f.addr == addr) && (f.laddr == "" || f.laddr == laddr)
}

// killAll ends whoever matches and returns how many that is. The client that asks still gets its reply, and ends after it.
//
// Who is a client of this server and who is a replica of the node is looked up one after the other. A client that turns into a replica in between can
// escape both; asking again hits it.
func (c *conn) killAll(f killFilter) int {
	n := 0
	for _, other := range c.srv.clients() {
		if !f.matches(other.kind(), other.id, other.nc.RemoteAddr().String(), other.nc.LocalAddr().String()) {
			continue
		}
		switch {
		case other != c:
			other.kill()
			n++
		case f.includeSelf:
			c.closing = true
			n++
		}
	}
	n += c.srv.node.DropReplicas(func(r ReplicaState) bool { return f.matches(typeReplica, r.ID, r.Addr, r.LAddr) })
	// The link to the primary has no ID and address here, so only its type can name it.
	if f.kind == typePrimary && f.id == 0 && f.addr == "" && f.laddr == "" && c.srv.node.DropUpstream() {
		n++
	}
	return n
}
