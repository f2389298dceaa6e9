package server

import (
	"crypto/sha256"
	"crypto/subtle"

	"github.com/understudy-go/understudy/resp"
)

const (
	wrongPass = "WRONGPASS invalid username-password pair or user is disabled."
	noPass    = "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
	noHello   = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to" +
		" authenticate the client and select the RESP protocol version at the same time"
)

// A password is checked when a client shows it and never again: changing requirepass throws nobody out, as in Redis. A client that came while there was no
// password stays logged in as well.

// auth answers AUTH [username] password.
func auth(c *conn, args [][]byte) resp.Value {
	switch len(args) {
	case 2:
		if c.srv.tuning.Load().password == "" {
			return resp.Err(noPass)
		}
		return c.login("default", args[1])
	case 3:
		return c.login(string(args[1]), args[2])
	}
	return resp.Err("ERR syntax error")
}

// login checks a password. There is one user, and without requirepass any password is right for it, as in Redis.
func (c *conn) login(user string, password []byte) resp.Value {
	want := c.srv.tuning.Load().password
	if user != "default" || want != "" && !sameSecret(want, password) {
		return resp.Err(wrongPass)
	}
	c.authed = true
	c.welcome()
	return resp.OK()
}

// sameSecret takes the same time for any two passwords of whatever length.
func sameSecret(want string, got []byte) bool {
	a, b := sha256.Sum256([]byte(want)), sha256.Sum256(got)
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// hello answers HELLO [protover [AUTH username password] [SETNAME name]]. Options are read before any but the login takes effect, so that a client that made
// a mistake is left with the protocol and the name that it had. A wrong password ends the reading, and what was said before it is forgotten.
func hello(c *conn, args [][]byte) resp.Value {
	proto, bad := c.helloProto(args)
	if bad.Kind != 0 {
		return bad
	}
	var name []byte
	for i := 2; i < len(args); {
		left := len(args) - i - 1
		switch {
		case equalFold(args[i], "auth") && left >= 2:
			if v := c.login(string(args[i+1]), args[i+2]); v.Kind == resp.Error {
				return v
			}
			i += 3
		case equalFold(args[i], "setname") && left >= 1:
			if name = args[i+1]; !isClientName(name) {
				return resp.Err(badClientName)
			}
			i += 2
		default:
			return resp.Err("ERR Syntax error in HELLO option '" + string(args[i]) + "'")
		}
	}
	if !c.authed {
		return resp.Err(noHello)
	}
	if name != nil {
		c.setName(name)
	}
	c.setProto(proto)
	return c.greeting()
}

func (c *conn) setProto(proto int) {
	c.outMu.Lock()
	c.proto = proto
	c.outMu.Unlock()
}

// helloProto returns the protocol that is asked for; HELLO without arguments asks for the present one.
func (c *conn) helloProto(args [][]byte) (int, resp.Value) {
	if len(args) == 1 {
		return c.proto, resp.Value{}
	}
	n, bad := parseInt(args[1], "Protocol version is not an integer or out of range")
	if bad.Kind != 0 {
		return 0, bad
	}
	if n != 2 && n != 3 {
		return 0, resp.Err("NOPROTO unsupported protocol version")
	}
	return int(n), resp.Value{}
}

// greeting is what client libraries look at first: server and version tell them what they may use, mode whether to expect redirections. It goes out in the
// protocol that was just agreed on.
func (c *conn) greeting() resp.Value {
	role := "master"
	if !c.srv.node.State().Primary {
		role = "replica"
	}
	return resp.MapOf(
		resp.BulkString("server"), resp.BulkString("redis"),
		resp.BulkString("version"), resp.BulkString(RedisVersion),
		resp.BulkString("proto"), resp.Integer(int64(c.proto)),
		resp.BulkString("id"), resp.Integer(c.id),
		resp.BulkString("mode"), resp.BulkString("standalone"),
		resp.BulkString("role"), resp.BulkString(role),
		resp.BulkString("modules"), resp.ArrayOf(),
	)
}
