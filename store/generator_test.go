package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes commands: few keys, so that they meet; values on both sides of
// every limit; hashes that cross from blob to table.
type generator struct{ *rand.Rand }

func (g generator) key() string  { return fmt.Sprint("k", g.IntN(12)) }
func (g generator) hash() string { return fmt.Sprint("h", g.IntN(5)) }

// any is mostly a key of the right kind.
func (g generator) any() string {
	if g.IntN(2) == 0 {
		return g.hash()
	}
	return g.key()
}

func (g generator) field() string {
	if g.IntN(40) == 0 {
		return strings.Repeat("f", 65)
	}
	return fmt.Sprint("f", g.IntN(200))
}

func (g generator) value() string {
	switch g.IntN(12) {
	case 0:
		return strings.Repeat("x", 1000+g.IntN(60))
	case 1:
		return strings.Repeat("y", 60+g.IntN(10))
	case 2:
		return ""
	case 3, 4, 5:
		return fmt.Sprint("v", g.IntN(100))
	}
	return fmt.Sprint(g.IntN(1000))
}

// offset is mostly near the length up to which strings are held in one piece;
// else it is of another chunk.
func (g generator) offset() string {
	if g.IntN(3) == 0 {
		return fmt.Sprint(g.IntN(3 * 4096))
	}
	return fmt.Sprint(g.IntN(1200))
}

func (g generator) ttl() string { return fmt.Sprint(1 + g.IntN(5000)) }

func (g generator) pick(words ...string) string { return words[g.IntN(len(words))] }

func (g generator) pairs() (p []string) {
	n := 1 + g.IntN(4)
	if g.IntN(6) == 0 {
		n = 100 + g.IntN(60)
	}
	for range n {
		p = append(p, g.field(), g.value())
	}
	return p
}

func (g generator) fields() (f []string) {
	for range 1 + g.IntN(40)*g.IntN(2) {
		f = append(f, g.field())
	}
	return f
}

// command is one random command, half of them writes of data.
func (g generator) command() []string {
	switch g.IntN(44) {
	case 0, 1, 2:
		return g.set()
	case 3:
		return []string{"SETNX", g.any(), g.value()}
	case 4:
		return []string{"GETSET", g.any(), g.value()}
	case 5:
		return []string{"GETDEL", g.any()}
	case 6:
		return append([]string{"GETEX", g.any()}, [][]string{nil, {"PERSIST"}, {"PX", g.ttl()}}[g.IntN(3)]...)
	case 7:
		return []string{"MSET", g.key(), g.value(), g.any(), g.value(), g.key(), g.value()}
	case 8:
		return []string{"MSETNX", g.key(), g.value(), g.any(), g.value()}
	case 9, 10, 11:
		return []string{"INCRBY", g.any(), fmt.Sprint(g.IntN(100) - 50)}
	case 12, 13, 14:
		return []string{"APPEND", g.any(), g.value()}
	case 15:
		return []string{"SETRANGE", g.key(), g.offset(), g.value()}
	case 16, 17, 18, 19, 20:
		return append([]string{"HSET", g.hash()}, g.pairs()...)
	case 21:
		return []string{"HSETNX", g.any(), g.field(), g.value()}
	case 22, 23, 24:
		return append([]string{"HDEL", g.hash()}, g.fields()...)
	case 25, 26:
		return []string{"HINCRBY", g.any(), g.field(), fmt.Sprint(g.IntN(100) - 50)}
	case 27, 28:
		return []string{g.pick("DEL", "UNLINK"), g.any(), g.any()}
	case 29, 30:
		return []string{g.pick("RENAME", "RENAMENX"), g.any(), g.any()}
	case 31, 32:
		return g.copy()
	case 33:
		return []string{"MOVE", g.any(), fmt.Sprint(g.IntN(modelDBs))}
	case 34, 35, 36, 37:
		return g.expire()
	case 38:
		return []string{"PERSIST", g.any()}
	case 39:
		return g.rare()
	}
	return g.read()
}

func (g generator) set() []string {
	c := []string{"SET", g.any(), g.value()}
	if g.IntN(3) == 0 {
		c = append(c, g.pick("NX", "XX"))
	}
	if g.IntN(4) == 0 {
		c = append(c, "GET")
	}
	switch g.IntN(4) {
	case 0:
		c = append(c, "PX", g.ttl())
	case 1:
		c = append(c, "KEEPTTL")
	}
	return c
}

func (g generator) copy() []string {
	c := []string{"COPY", g.any(), g.any()}
	if g.IntN(2) == 0 {
		c = append(c, "DB", fmt.Sprint(g.IntN(modelDBs)))
	}
	if g.IntN(2) == 0 {
		c = append(c, "REPLACE")
	}
	return c
}

func (g generator) expire() []string {
	c := []string{"PEXPIRE", g.any(), fmt.Sprint(g.IntN(5000) - 200)}
	if g.IntN(8) == 0 {
		c = []string{"PEXPIREAT", g.any(), "1000000000"} // long ago
	}
	if g.IntN(3) == 0 {
		c = append(c, g.pick("NX", "XX", "GT", "LT"))
	}
	return c
}

func (g generator) rare() []string {
	switch g.IntN(8) {
	case 0:
		return []string{"FLUSHALL"}
	case 1:
		return []string{"FLUSHDB"}
	}
	return []string{"SWAPDB", fmt.Sprint(g.IntN(modelDBs)), fmt.Sprint(g.IntN(modelDBs))}
}

func (g generator) read() []string {
	switch g.IntN(7) {
	case 6:
		return []string{"GETRANGE", g.any(), g.offset(), g.offset()}
	case 0:
		return []string{"MGET", g.any(), g.any(), g.any()}
	case 1:
		return []string{g.pick("HLEN", "HGETALL"), g.any()}
	case 2:
		return append([]string{"HMGET", g.any()}, g.fields()...)
	case 3:
		return []string{"KEYS", g.pick("*", "h*", "k1*")}
	case 4:
		return []string{"EXISTS", g.any(), g.any()}
	}
	return []string{g.pick("GET", "STRLEN", "TYPE", "PTTL", "PEXPIRETIME"), g.any()}
}
