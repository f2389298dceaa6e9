package server

import (
	"errors"
	"time"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// States of a planned failover, as INFO names them.
const (
	FailoverWaiting = "waiting-for-sync"
	FailoverAsking  = "failover-in-progress"
)

// FailoverRequest is what FAILOVER asks for.
type FailoverRequest struct {
	Host    string // of the replica that is to take over; "" = any
	Port    int
	Timeout time.Duration // for it to have everything; 0 = none
	Force   bool          // hand over when that is over, all the same
}

// What FAILOVER is refused for, in the words of Redis 7.0.
var (
	ErrFailoverRunning = errors.New("FAILOVER already in progress.")                                              //lint:ignore ST1005 the wire text ends so
	ErrFailoverReplica = errors.New("FAILOVER is not valid when server is a replica.")                            //lint:ignore ST1005 likewise
	ErrFailoverAlone   = errors.New("FAILOVER requires connected replicas.")                                      //lint:ignore ST1005 likewise
	ErrFailoverForce   = errors.New("FAILOVER with force option requires both a timeout and target HOST and IP.") //lint:ignore ST1005 likewise
	ErrFailoverUnknown = errors.New("FAILOVER target HOST and PORT is not a replica.")                            //lint:ignore ST1005 likewise
	ErrFailoverOffline = errors.New("FAILOVER target replica is not online.")                                     //lint:ignore ST1005 likewise
)

// failover answers FAILOVER [TO host port [FORCE]] [TIMEOUT milliseconds] and FAILOVER ABORT. OK means that it has begun; INFO tells how far it is.
func failover(c *conn, args [][]byte) resp.Value {
	if len(args) == 2 && equalFold(args[1], "abort") {
		if !c.srv.node.AbortFailover() {
			return resp.Err("ERR No failover in progress.")
		}
		return resp.OK()
	}
	r, bad := parseFailover(args[1:])
	if bad.Kind != 0 {
		return bad
	}
	if err := c.srv.node.Failover(r); err != nil {
		return resp.Err("ERR " + err.Error())
	}
	return resp.OK()
}

// parseFailover reads the options, each of which may come once, in any order.
func parseFailover(args [][]byte) (r FailoverRequest, bad resp.Value) {
	for len(args) > 0 {
		used := 1
		switch {
		case equalFold(args[0], "timeout") && len(args) > 1 && r.Timeout == 0:
			r.Timeout, bad = parseFailoverTimeout(args[1])
			used = 2
		case equalFold(args[0], "to") && len(args) > 2 && r.Host == "":
			var port int64
			port, bad = parseInt(args[2], notInteger)
			r.Host, r.Port = string(args[1]), int(min(max(port, -1), maxInt32))
			used = 3
		case equalFold(args[0], "force") && !r.Force:
			r.Force = true
		default:
			bad = resp.Err("ERR syntax error")
		}
		if bad.Kind != 0 {
			return r, bad
		}
		args = args[used:]
	}
	return r, bad
}

func parseFailoverTimeout(word []byte) (time.Duration, resp.Value) {
	n, bad := parseInt(word, notInteger)
	if bad.Kind == 0 && n <= 0 {
		bad = resp.Err("ERR FAILOVER timeout must be greater than 0")
	}
	return time.Duration(min(n, int64(maxDelay/time.Millisecond))) * time.Millisecond, bad
}

// Hold makes clients that write wait until Release, as CLIENT PAUSE WRITE does, which it does not touch: the node is about to hand over its role. It must come before
// the store is sealed, and Release after that has ended.
func (s *Server) Hold() { s.handover.start(maxDelay, false) }

// Release lets them go on. What they wanted to write is answered by what the node is then.
func (s *Server) Release() { s.handover.end() }

// afterHandover runs a command anew that came in between Hold and the sealing of the store, which refused it and did nothing.
func (c *conn) afterHandover(args [][]byte) resp.Value {
	for {
		if !c.srv.handover.wait(c, args[0]) {
			c.closing = true
			return resp.Value{}
		}
		if v := c.session.Do(args); !isSealed(v) {
			return v
		}
	}
}

func isSealed(v resp.Value) bool { return v.Kind == resp.Error && v.Str == store.ErrSealed.Text() }
