package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"go.uber.org/zap"
)

// Secure is a TLS connection as far as it is different from others: *tls.Conn, and what wraps one.
type Secure interface {
	net.Conn
	HandshakeContext(ctx context.Context) error
	ConnectionState() tls.ConnectionState
	NetConn() net.Conn
	CloseWrite() error
}

var _ Secure = (*tls.Conn)(nil)

// Prompt returns a connection whose Close takes no time. That of a TLS connection says good-bye first, up to five seconds long when the other side does not read,
// and connections are closed here by others than their owners: under locks, one after the other, and to make a blocked read return. An owner who
// leaves in good order says good-bye by CloseWrite.
func Prompt(c net.Conn) net.Conn {
	if s, ok := c.(Secure); ok {
		return promptConn{s}
	}
	return c
}

type promptConn struct{ Secure }

func (c promptConn) Close() error { return c.NetConn().Close() }

// plainConn returns what is below TLS.
func plainConn(c net.Conn) net.Conn {
	if s, ok := c.(Secure); ok {
		return s.NetConn()
	}
	return c
}

// isSecure reports whether a handshake has to come first. It may have been done by whoever brought the connection.
func isSecure(c net.Conn) bool {
	s, ok := c.(Secure)
	return ok && !s.ConnectionState().HandshakeComplete
}

// HandshakeError is why a client did not get as far as a command.
type HandshakeError struct {
	Addr string
	Err  error
}

func (e *HandshakeError) Error() string {
	return fmt.Sprintf("server: TLS handshake with %s: %v", e.Addr, e.Err)
}

func (e *HandshakeError) Unwrap() error { return e.Err }

// secure does the handshake, within handshakeTime: it reads and writes, and the other side may be in no hurry at all. Who may not connect is told so now, when it
// can be read.
func (c *conn) secure() error {
	if !isSecure(c.nc) {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, handshakeTime)
	defer cancel()
	if err := c.nc.(Secure).HandshakeContext(ctx); err != nil {
		return &HandshakeError{c.nc.RemoteAddr().String(), err}
	}
	if refusal := c.srv.refusal(c.nc); refusal != "" {
		return c.srv.refuse(c.nc, refusal)
	}
	if c.authed {
		c.welcome()
	}
	return nil
}

// goodBye tells a client over TLS that what came is all.
func (c *conn) goodBye() {
	if s, ok := c.nc.(Secure); ok && c.ctx.Err() == nil {
		s.CloseWrite() // an error means that nobody hears it
	}
}

// tellHandshake logs a failed handshake. Strangers cause them at will: of so many, the first, second, fourth, eighth and so on are worth a warning.
func (s *Server) tellHandshake(err *HandshakeError) {
	n := s.badHandshakes.Add(1)
	log := s.log.Warn
	if n&(n-1) != 0 {
		log = s.log.Debug
	}
	log("TLS handshake failed", zap.String("client", err.Addr), zap.Error(err.Err), zap.Int64("failures", n))
}
