package store

import (
	"strings"
	"testing"
)

// Whoever hands over bytes may reuse them, whatever the value's size.
func TestArgumentsMayBeReused(t *testing.T) {
	for _, n := range []int{1, 64, 65, 1024, 1025, 100_000} {
		s := newStore(t, nil)
		c := s.NewSession(nil)
		value := strings.Repeat("v", n)
		for _, line := range [][]string{
			{"SET", "set", value}, {"SETNX", "setnx", value}, {"SETEX", "setex", "100", value}, {"GETSET", "getset", value},
			{"MSET", "mset", value, "mset2", value}, {"MSETNX", "msetnx", value}, {"APPEND", "append", value},
			{"SETRANGE", "setrange", "0", value}, {"HSET", "h", "f", value}, {"HSET", "h", "f" + value, value}, {"HSETNX", "h", "g", value},
			{"SET", "key" + value, value}, {"SETBIT", "setbit" + value, "9", "1"}, {"BITOP", "NOT", "bitop" + value, "set"},
			{"BITFIELD", "bitfield" + value, "SET", "u8", "0", "1"},
		} {
			args := argv(line...)
			if v := c.Do(args); v.AsError() != nil {
				t.Fatal(v)
			}
			for _, a := range args {
				scribble(a)
			}
		}
		for _, key := range []string{"set", "setnx", "setex", "getset", "mset", "mset2", "msetnx", "append", "setrange", "key" + value} {
			if got, err := s.DB(0).Get(key); got != value || err != nil {
				t.Errorf("%d bytes: %.10s holds %.20q, %v", n, key, got, err)
			}
		}
		for _, key := range []string{"setbit", "bitop", "bitfield"} {
			if got, err := s.DB(0).Get(key + value); got == "" || err != nil {
				t.Errorf("%d bytes: %s holds nothing, %v", n, key, err)
			}
		}
		all, err := s.DB(0).HGetAll("h")
		if len(all) != 3 || all["f"] != value || all["g"] != value || all["f"+value] != value || err != nil {
			t.Errorf("%d bytes: hash holds %d fields, f %.20q, %v", n, len(all), all["f"], err)
		}
		if err := s.check(); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}
