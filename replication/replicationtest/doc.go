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
// Everything is closed by the test's cleanup. Inside of a testing/synctest bubble time is virtual: a replica's back-off passes at once, and without jitter, as
// Replica makes it a fixed one, so that things happen at the same times in each run. Goroutines that are ready at one instant run in any order, as ever.
//
// # Faults
//
// Cut, CutAfter, Stall, Chunk and RefusePartial act on the connections that Dial made, between any replica and this primary. All are deterministic: they
// count bytes and requests, not time.
package replicationtest
