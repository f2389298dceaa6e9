package resp

import (
	"math"
	"strconv"
	"strings"
)

// The functions of this file append to b and return the longer slice, like the
// built-in append: they allocate only when its capacity is used up. proto is the
// version of the protocol that the peer asked for, 2 or 3.

// AppendCommand appends a command as an array of bulk strings.
func AppendCommand(b []byte, args ...string) []byte {
	b = AppendArrayHeader(b, len(args))
	for _, a := range args {
		b = AppendBulk(b, a)
	}
	return b
}

// AppendCommandBytes is AppendCommand for arguments as a [Reader] returns them.
func AppendCommandBytes(b []byte, args ...[]byte) []byte {
	b = AppendArrayHeader(b, len(args))
	for _, a := range args {
		b = AppendBulkBytes(b, a)
	}
	return b
}

// AppendArrayHeader appends the start of an array; n values must follow.
func AppendArrayHeader(b []byte, n int) []byte { return appendCount(b, Array, n) }

// AppendMapHeader appends the start of a map (RESP2: an array); n pairs of values
// must follow.
func AppendMapHeader(b []byte, n, proto int) []byte {
	if proto < 3 {
		return appendCount(b, Array, 2*n)
	}
	return appendCount(b, Map, n)
}

// AppendSetHeader appends the start of a set (RESP2: an array); n values must
// follow.
func AppendSetHeader(b []byte, n, proto int) []byte {
	return appendCount(b, kindFor(Set, proto), n)
}

// AppendPushHeader appends the start of a push (RESP2: an array); n values must
// follow.
func AppendPushHeader(b []byte, n, proto int) []byte {
	return appendCount(b, kindFor(Push, proto), n)
}

// AppendBulk appends a bulk string.
func AppendBulk(b []byte, s string) []byte { return appendBlob(b, Bulk, s) }

// AppendBulkBytes appends a bulk string; a nil s is an empty one, not a null.
func AppendBulkBytes(b []byte, s []byte) []byte {
	b = appendCount(b, Bulk, len(s))
	b = append(b, s...)
	return append(b, '\r', '\n')
}

// AppendInt appends an integer.
func AppendInt(b []byte, n int64) []byte {
	b = append(b, byte(Int))
	b = strconv.AppendInt(b, n, 10)
	return append(b, '\r', '\n')
}

// AppendSimple appends a simple string. Each CR and LF in s becomes a blank: the
// form cannot hold them.
func AppendSimple(b []byte, s string) []byte { return appendLine(b, Simple, s) }

// AppendError appends an error; text starts with its code ("ERR no such key").
// Each CR and LF in it becomes a blank.
func AppendError(b []byte, text string) []byte { return appendLine(b, Error, text) }

// AppendNull appends a null, in RESP2 that of a bulk string.
func AppendNull(b []byte, proto int) []byte {
	if proto < 3 {
		return append(b, "$-1\r\n"...)
	}
	return append(b, "_\r\n"...)
}

// AppendNullArray appends a null, in RESP2 that of an array.
func AppendNullArray(b []byte, proto int) []byte {
	if proto < 3 {
		return append(b, "*-1\r\n"...)
	}
	return append(b, "_\r\n"...)
}

// AppendBool appends a boolean (RESP2: 0 or 1).
func AppendBool(b []byte, v bool, proto int) []byte {
	switch {
	case proto < 3 && v:
		return append(b, ":1\r\n"...)
	case proto < 3:
		return append(b, ":0\r\n"...)
	case v:
		return append(b, "#t\r\n"...)
	}
	return append(b, "#f\r\n"...)
}

// AppendDouble appends a floating-point number (RESP2: a bulk string), with as
// few digits as give f back, as Redis 8.0 does. Redis 7.0 writes up to 17 of them:
// who needs its very text ("3.1400000000000001") appends a string.
func AppendDouble(b []byte, f float64, proto int) []byte {
	var digits [32]byte // the longest is -2.2250738585072014e-308
	text := appendFloat(digits[:0], f)
	if proto < 3 {
		return AppendBulkBytes(b, text)
	}
	b = append(append(b, byte(Double)), text...)
	return append(b, '\r', '\n')
}

// appendFloat appends the digits of f, with an exponent where C's %.17g has one.
func appendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "nan"...)
	case math.IsInf(f, 1):
		return append(b, "inf"...)
	case math.IsInf(f, -1):
		return append(b, "-inf"...)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e17) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

// AppendValue appends v. What RESP2 lacks becomes what Redis sends there: maps,
// sets and pushes are arrays, doubles and big numbers bulk strings, booleans
// integers; an attribute is left out. An attribute inside an aggregate is always
// left out, as [Reader.ReadValue] does. An unknown kind is written as a null.
func AppendValue(b []byte, v Value, proto int) []byte {
	switch v.Kind {
	case Simple, Error:
		return appendLine(b, v.Kind, v.Str)
	case Int:
		return AppendInt(b, v.Int)
	case Bulk:
		return AppendBulk(b, v.Str)
	case Double:
		return appendDoubleValue(b, v, proto)
	case Bool:
		return AppendBool(b, v.Int != 0, proto)
	case BigNumber:
		return appendBigNumber(b, v.Str, proto)
	case Verbatim:
		return appendVerbatim(b, v, proto)
	case BlobError:
		return appendBlobError(b, v.Str, proto)
	case Array, Set, Push, Map:
		return appendAggregate(b, v, proto)
	case Pairs:
		return appendPairs(b, v.Elems, proto)
	case Keyed:
		return appendKeyed(b, v.Elems, proto)
	case Attribute:
		if proto < 3 {
			return b
		}
		return appendAggregate(b, v, proto)
	}
	if v.Int != 0 {
		return AppendNullArray(b, proto)
	}
	return AppendNull(b, proto)
}

func appendDoubleValue(b []byte, v Value, proto int) []byte {
	switch {
	case v.Str == "":
		return AppendDouble(b, v.Float, proto)
	case proto < 3:
		return AppendBulk(b, v.Str)
	}
	return appendLine(b, Double, v.Str)
}

// appendPairs appends arrays of two, or in RESP2 what is in them.
func appendPairs(b []byte, elems []Value, proto int) []byte {
	if proto < 3 {
		return appendAggregate(b, Value{Kind: Array, Elems: elems}, proto)
	}
	return appendTwos(b, elems, proto)
}

// appendKeyed appends a map, or in RESP2 arrays of two.
func appendKeyed(b []byte, elems []Value, proto int) []byte {
	if proto >= 3 {
		return appendAggregate(b, Value{Kind: Map, Elems: elems}, proto)
	}
	return appendTwos(b, elems, proto)
}

// appendTwos appends an array of arrays of two.
func appendTwos(b []byte, elems []Value, proto int) []byte {
	b = appendCount(b, Array, len(elems)/2)
	for i := 0; i+1 < len(elems); i += 2 {
		b = appendCount(b, Array, 2)
		b = AppendValue(b, elems[i], proto)
		b = AppendValue(b, elems[i+1], proto)
	}
	return b
}

func appendBigNumber(b []byte, digits string, proto int) []byte {
	if proto < 3 {
		return AppendBulk(b, digits)
	}
	return appendLine(b, BigNumber, digits)
}

func appendVerbatim(b []byte, v Value, proto int) []byte {
	if proto < 3 {
		return AppendBulk(b, v.Text())
	}
	return appendBlob(b, Verbatim, v.Str)
}

func appendBlobError(b []byte, text string, proto int) []byte {
	if proto < 3 {
		return AppendError(b, text)
	}
	return appendBlob(b, BlobError, text)
}

// appendAggregate appends the elements that count, and their number first.
func appendAggregate(b []byte, v Value, proto int) []byte {
	n := 0
	for i := range v.Elems {
		if v.Elems[i].Kind != Attribute {
			n++
		}
	}
	padded := v.Kind.pairs() && n%2 != 0 // a key without a value
	if padded {
		n++
	}
	kind := kindFor(v.Kind, proto)
	if kind.pairs() {
		n /= 2
	}
	b = appendCount(b, kind, n)
	for i := range v.Elems {
		if v.Elems[i].Kind != Attribute {
			b = AppendValue(b, v.Elems[i], proto)
		}
	}
	if padded {
		b = AppendNull(b, proto)
	}
	return b
}

// kindFor returns how the aggregate k is written in the given version.
func kindFor(k Kind, proto int) Kind {
	if proto < 3 {
		return Array
	}
	return k
}

func appendBlob(b []byte, k Kind, s string) []byte {
	b = appendCount(b, k, len(s))
	b = append(b, s...)
	return append(b, '\r', '\n')
}

// appendCount appends the line of a count. Nearly all counts of a stream have one
// or two digits; those cost no call.
func appendCount(b []byte, k Kind, n int) []byte {
	switch {
	case uint(n) < 10:
		return append(b, byte(k), '0'+byte(n), '\r', '\n')
	case uint(n) < 100:
		return append(b, byte(k), '0'+byte(n/10), '0'+byte(n%10), '\r', '\n')
	}
	b = append(b, byte(k))
	b = strconv.AppendInt(b, int64(n), 10)
	return append(b, '\r', '\n')
}

func appendLine(b []byte, k Kind, s string) []byte {
	b = append(b, byte(k))
	start := len(b)
	b = append(b, s...)
	if strings.ContainsAny(s, "\r\n") {
		blankLineEnds(b[start:])
	}
	return append(b, '\r', '\n')
}

func blankLineEnds(b []byte) {
	for i, c := range b {
		if c == '\r' || c == '\n' {
			b[i] = ' '
		}
	}
}

// CommandSize returns the number of bytes that AppendCommand appends.
func CommandSize(args ...string) int {
	n := countSize(len(args))
	for _, a := range args {
		n += BulkSize(len(a))
	}
	return n
}

// CommandSizeBytes returns the number of bytes that AppendCommandBytes appends.
func CommandSizeBytes(args ...[]byte) int {
	n := countSize(len(args))
	for _, a := range args {
		n += BulkSize(len(a))
	}
	return n
}

// BulkSize returns the number of wire bytes of a bulk string of n bytes.
func BulkSize(n int) int { return countSize(n) + n + len("\r\n") }

// countSize returns the length of the line of the count n, which is not negative.
func countSize(n int) int {
	size := len("*0\r\n")
	for ; n >= 10; n /= 10 {
		size++
	}
	return size
}
