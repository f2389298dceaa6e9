package server

import (
	"context"
	"net"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/resp"
)

// role answers ROLE, which has one form for each role.
func role(c *conn, _ [][]byte) resp.Value {
	st := c.srv.node.State()
	if !st.Primary && st.Upstream != nil {
		return upstreamRole(st.Upstream)
	}
	replicas := []resp.Value{}
	for _, r := range st.Replicas {
		if r.State == ReplicaOnline {
			replicas = append(replicas, resp.ArrayOf(resp.BulkString(r.IP), bulkInt(int64(r.Port)), bulkInt(r.AckOffset)))
		}
	}
	return resp.ArrayOf(resp.BulkString("master"), resp.Integer(st.History.Offset), resp.ArrayOf(replicas...))
}

// upstreamRole is the replica's form. The offset is that of the link, so there is none (-1) without a link, whatever data the node has.
func upstreamRole(up *UpstreamState) resp.Value {
	offset := int64(-1)
	if up.Up {
		offset = up.Offset
	}
	return resp.ArrayOf(resp.BulkString("slave"), resp.BulkString(up.Host), resp.Integer(int64(up.Port)), resp.BulkString(up.State), resp.Integer(offset))
}

// replicaOf answers REPLICAOF host port and REPLICAOF NO ONE. To say again what holds already changes nothing: above all it does not cut the link, which
// tools rely on that repeat their orders. A link that has stopped for good is started anew. OK means that the role has changed, not that the link is up or the data there.
func replicaOf(c *conn, args [][]byte) resp.Value {
	if c.srv.node.State().Failover != "" {
		return resp.Err("ERR REPLICAOF not allowed while failing over.")
	}
	if equalFold(args[1], "no") && equalFold(args[2], "one") {
		if c.srv.node.State().Primary {
			return resp.OK()
		}
		return c.changeRole("", 0)
	}
	port, err := strconv.Atoi(string(args[2]))
	if err != nil || port < 0 || port > 65535 {
		return resp.Err("ERR Invalid master port")
	}
	host := string(args[1])
	if up := c.srv.node.State().Upstream; up != nil && strings.EqualFold(up.Host, host) && up.Port == port && !up.Stopped {
		return resp.SimpleString("OK Already connected to specified master")
	}
	return c.changeRole(host, port)
}

func (c *conn) changeRole(host string, port int) resp.Value {
	if err := c.srv.node.ReplicaOf(host, port); err != nil {
		return resp.Err("ERR " + err.Error())
	}
	to := "primary"
	if host != "" {
		to = "replica of " + net.JoinHostPort(host, strconv.Itoa(port))
	}
	c.srv.log.Info("role changed by a client", zap.String("to", to), zap.Int64("client", c.id))
	return resp.OK()
}

const waitOnReplica = "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable" +
	" (which is not the default) writes to replicas are just local and are not propagated."

const waitDemoted = "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"

// wait answers WAIT replicas milliseconds: how many replicas have acknowledged the last write of this client, as soon as there are enough or the time is over;
// 0 is no limit. A client that has written nothing waits for nothing. Within a transaction it does not wait, it only counts.
func wait(c *conn, args [][]byte) resp.Value {
	if !c.srv.node.State().Primary {
		return resp.Err(waitOnReplica)
	}
	n, bad := parseInt(args[1], notInteger)
	if bad.Kind != 0 {
		return bad
	}
	d, bad := parseTimeout(args[2])
	if bad.Kind != 0 {
		return bad
	}
	ctx, done := c.toWait()
	defer done()
	if d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	have, err := c.srv.node.WaitReplicas(ctx, int(min(n, maxInt32)), c.session.Offset())
	switch {
	case err != nil && !c.srv.node.State().Primary:
		return resp.Err(waitDemoted) // meanwhile
	case err != nil:
		return resp.Err("ERR " + err.Error())
	}
	return resp.Integer(int64(have))
}

// toWait is beginWait, but within a transaction a context that is over.
func (c *conn) toWait() (context.Context, func()) {
	if !c.inExec {
		return c.beginWait()
	}
	ctx, cancel := context.WithCancel(c.ctx)
	cancel()
	return ctx, cancel
}

// replConf lets the node record what a replica tells before PSYNC. ACK and GETACK, which mean nothing on a connection that is not a replica's, have no reply.
func replConf(c *conn, args [][]byte) resp.Value {
	if len(args) > 1 && (equalFold(args[1], "ack") || equalFold(args[1], "getack")) {
		return resp.Value{}
	}
	return c.srv.node.ReplConf(c.handshake(), args)
}

// psync notes that the connection is to be handed over, which happens when all replies are written. The reply is the node's. A monitor stays one: a replica would
// take the lines that it is shown for the stream. It is told nothing, as by Redis.
func psync(c *conn, args [][]byte) resp.Value {
	if c.monitoring.Load() {
		return resp.Value{}
	}
	if len(args) > 1 {
		if _, bad := parseInt(args[2], notInteger); bad.Kind != 0 {
			return bad
		}
	}
	if len(args) > 3 && equalFold(args[3], "failover") && !c.srv.steered {
		return notInside("PSYNC FAILOVER") // it makes the node a primary
	}
	c.psync = cloneArgs(args)
	return resp.Value{}
}
