//go:build invariants

package resp

// mangle overwrites bytes whose lifetime has ended. A caller that kept a slice
// sees garbage at once, where it would otherwise see it only when the next read
// happens to land there.
func mangle(b []byte) {
	for i := range b {
		b[i] = 0xdb
	}
}
