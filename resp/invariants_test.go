//go:build invariants

package resp

import (
	"strings"
	"testing"
)

// With the tag, a slice that is kept too long shows it, even when no later read
// has landed on it.
func TestExpiredBytesAreMangled(t *testing.T) {
	r := NewReader(strings.NewReader(command("GET", "key")+command("PING")), nil)
	args, err := r.ReadCommand()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadCommand(); err != nil {
		t.Fatal(err)
	}
	if string(args[:2][1]) == "key" {
		t.Errorf("the expired argument is intact")
	}
}
