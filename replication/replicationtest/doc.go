// Package replicationtest gives tests a primary in memory: no port, no sleeping, no wall clock.
//
//	func TestPrices(t *testing.T) {
//		p := replicationtest.New(t)
//		r := p.Replica(nil)
//		p.Do("HSET", "h", "f", "1")
//		if err := r.Barrier(t.Context()); err != nil {
//			t.Fatal(err)
//		}
//		// r.DB(0) has the hash
//	}
//
// Everything is closed by the test's cleanup. Inside of a testing/synctest bubble time is virtual: a replica's back-off of seconds passes at once, and what
// happens is the same in each run.
//
// # Faults
//
// Cut, CutAfter, Stall, Chunk and RefusePartial act on the connections that Dial made, between any replica and this primary. All are deterministic: they
// count bytes and requests, not time.
package replicationtest
