package resp

import (
	"errors"
	"strings"
	"testing"
)

// New limits hold from the next command on, also for what has been read ahead, in both directions.
func TestSetLimits(t *testing.T) {
	const short, long = "*1\r\n$1\r\na\r\n", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$5\r\nccccc\r\n"
	narrow := &Limits{MaxArgs: 2, MaxBulk: 4}
	r := NewReader(strings.NewReader(short+long+short+long), narrow)
	for i, n := range []int{1, 3, 1} {
		args, err := r.ReadCommand()
		if err != nil || len(args) != n {
			t.Fatalf("command %d: %q, %v, want %d arguments", i, args, err, n)
		}
		switch i {
		case 0:
			r.SetLimits(nil)
		case 1:
			r.SetLimits(narrow)
		}
	}
	if args, err := r.ReadCommand(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("beyond the limits: %q, %v, want %v", args, err, ErrTooLarge)
	}
}
