package server

import (
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// clusterCommands are those that only a member of a cluster carries out. They exist all the same, because clients send them to any server to find out what it
// is, and know a server that is no cluster by the text of its error alone: redis-cli 8 sends READONLY before it scans (--bigkeys, --memkeys) and gives up after
// any other.
func clusterCommands() []command {
	const group = "cluster"
	return []command{
		{name: "readonly", arity: 1, flags: flagsFast, group: group, run: noCluster},
		{name: "readwrite", arity: 1, flags: flagsFast, group: group, run: noCluster},
		{name: "asking", arity: 1, flags: store.FlagFast, group: group, run: noCluster},
		// Redis looks at the sub-command first, so that it has another error for one that does not exist.
		{name: "cluster", arity: -2, flags: store.FlagStale, group: group, run: noCluster},
	}
}

func noCluster(*conn, [][]byte) resp.Value {
	return resp.Err("ERR This instance has cluster support disabled")
}
