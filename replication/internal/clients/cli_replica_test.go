package clients

import (
	"testing"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// redis-cli as a replica that shows what it is sent: it wants a file without anything in it, and then the stream.
func TestCLIReplica(t *testing.T) {
	eachVersion(t, func(t *testing.T, v realserver.Version) {
		n := startNodeTCP(t)
		c := n.conn(t)
		want(t, c, "OK", "SET", "before", "v")
		flag := map[realserver.Version]string{realserver.R7: "--slave", realserver.R8: "--replica"}[v] // one and the same
		p := realserver.StartProgram(t, realserver.Tool(t, v, "cli"), "-h", "127.0.0.1", "-p", n.port(t), flag)
		p.Await("Logging commands from master.\n")
		want(t, c, int64(1), "INCR", "n")
		p.Await("\"INCR\",\"n\"\n")
		want(t, c, "OK", "SELECT", "2")
		want(t, c, int64(3), "APPEND", "x", "a b")
		p.Await("\"SELECT\",\"2\"\n\"APPEND\",\"x\",\"a b\"\n")
		want(t, c, int64(1), "CLIENT", "KILL", "TYPE", "replica")
		p.Wait()
	})
}
