package replication_test

// bitChurn is churn for bitmaps: short ones, and one that is held in chunks. Of a step that may fail, one that does not comes first: Redis keeps from its
// replicas that a string has only grown.
func bitChurn(n, m string) []string {
	return []string{
		"SETBIT bits:" + n + " 1" + m + " 1", "SETBIT bits:" + m + " " + n + " 0", "SETBIT bits 5600" + n + " 1", "SETBIT bits 1" + n + m + " 1",
		"BITFIELD bits:" + m + " INCRBY u5 #" + n + " 3 OVERFLOW SAT INCRBY i8 100 -7 SET u9 131 " + n + " OVERFLOW FAIL INCRBY u2 200 1 GET i64 7",
		"BITFIELD bits INCRBY u12 32760 1 INCRBY i63 524250 -1" + m + "2345678901", "BITFIELD bits GET u8 " + n,
		"BITOP XOR bitop:" + n + " bits:" + n + " bits:" + m, "BITOP NOT bitop:" + m + " bitop:" + n, "BITOP OR bitop bitop bits bits:" + n, "BITOP AND bitop:" + n + " none",
		"BITOP AND bitop:" + m + " bitop bits",
	}
}
