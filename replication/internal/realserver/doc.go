// Package realserver runs real Redis servers beside a test and compares data sets with them.
//
// The nouns:
//
//   - [Server]: one redis-server process on a loopback port, in a folder of the test's own, gone when the test ends.
//   - [Conn]: one connection to it, or to anything that speaks RESP2. It is a [Doer].
//   - [Dataset]: what a full walk of a [Doer] found; [Diff] says where two of them differ.
//   - [Proxy]: a relay that cuts and refuses the connections that go through it.
//   - [Program]: any program, such as the redis-cli that [Tool] finds, with what it reads, writes and ends with.
//   - [Await]: waits for a condition of another process, which no synctest bubble can see.
//
// The smallest use:
//
//	p := realserver.Start(t, realserver.R7)
//	r := realserver.Start(t, realserver.R8, "--replicaof", "127.0.0.1 "+p.Port())
//	p.Do("INCR", "a")
//	realserver.AwaitEqual(t, 10*time.Second, p, r)
//
// # Where the servers come from
//
// The environment variable UNDERSTUDY_PEERS names a folder that holds redis7-server and redis8-server, each with its -cli and
// -benchmark; `.ci/peers DIR` makes one in DIR/bin. Where a server is missing the test is skipped and says why; with CI=true it fails, so that a
// continuous integration that lost its servers is not green.
//
// # Independence
//
// The client here is written apart from package resp, on purpose: a reader that misunderstands the protocol must not be
// checked by itself.
//
// # Concurrency
//
// [Server], [Conn], [Program] and [Proxy] may be used from several goroutines; each Do is one exchange. Methods that may end the test
// ([Start], [Server.Conn], [Server.Restart], [Program.Wait]...) belong to the goroutine of the test, as t.Fatal does.
package realserver
