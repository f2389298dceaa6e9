//go:build !invariants

package resp

func mangle([]byte) {}
