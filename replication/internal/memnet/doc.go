// Package memnet is a network in memory for tests: buffered connections, listeners and a dialer, with faults.
//
// # Nouns
//
//   - [Pipe]: two connected [Conn] ends. Unlike net.Pipe, a Write returns once the bytes are buffered, as with a
//     real socket; it waits only while the buffer is full.
//   - [Direction]: the bytes from one end to the other, and the faults on that way. Each connection has two.
//   - [Network]: addresses, listeners and dialing, counts over all connections, faults for connections to come.
//
// # Time
//
// The package starts no goroutine, and every wait is on a channel of the waiter's own bubble, so that inside of
// testing/synctest a blocked Read, Write, Accept or Dial counts as idle: deadlines and latencies follow virtual time.
// No mutex is held while waiting.
//
// # Delivered bytes
//
// Faults that name a byte count bytes delivered: those that the receiver's Read has returned. CutAfter(n) lets
// exactly n more be read, then the link is gone, in both directions and with everything that was under way. A
// loop over n therefore cuts a dialogue after each of its bytes.
//
// # What is the same as TCP
//
// Close lets the peer read what was written before and then io.EOF; what the peer writes after that fails with EPIPE.
// A reset fails both ends with ECONNRESET and loses what was under way. Timeouts are os.ErrDeadlineExceeded, use after
// Close is net.ErrClosed, all in a *net.OpError. A Write is not interleaved with another; it may be partial on error.
//
// # Implementation
//
//	conn.go      Conn: the net.Conn contract
//	link.go      link: the state that both ends share, and waiting for it to change
//	direction.go Direction: the queue of one way, and its faults
//	network.go   Network, listener, dialing
package memnet
