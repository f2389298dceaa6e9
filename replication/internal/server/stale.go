package server

import (
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// permit refuses commands that ask for data while the node, a replica that is told to answer from current data only, may have old data: what has
// store.FlagStale asks for none. A write that a read-only replica refuses anyway is told that, as by Redis.
func (c *conn) permit(cmd *store.Command) (refusal resp.Value) {
	if c.inExec && c.srv.vacant() && cmd.Flags&(store.FlagLoading|store.FlagAdmin) == 0 {
		return resp.Err(errLoading) // queued when there was data
	}
	switch {
	case cmd.Flags&store.FlagStale != 0, !c.srv.node.Stale():
		return refusal
	case cmd.Flags&store.FlagWrite != 0 && c.srv.store.ReadOnly():
		return refusal
	}
	return resp.Err("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.")
}
