package resp

import "math"

// Kind is the type of a [Value]: the byte that starts it on the wire.
type Kind byte

// The kinds of RESP2.
const (
	Simple Kind = '+' // short text without CR or LF
	Error  Kind = '-' // like Simple; its first word is a code, "ERR" or "WRONGTYPE"
	Int    Kind = ':' // 64-bit signed integer
	Bulk   Kind = '$' // any bytes
	Array  Kind = '*'
)

// The kinds that RESP3 (Redis 6.0) adds.
const (
	Null      Kind = '_'
	Double    Kind = ','
	Bool      Kind = '#'
	BigNumber Kind = '(' // integer of any size, as text
	Verbatim  Kind = '=' // text with a three-letter format: "txt:..." or "mkd:..."
	BlobError Kind = '!' // an error that may hold any bytes
	Map       Kind = '%' // pairs
	Set       Kind = '~'
	Push      Kind = '>' // out of band, not the answer to a request
	Attribute Kind = '|' // pairs that annotate the value after them
)

// Pairs is no kind of the wire: a reply that is an array of arrays of two in RESP3,
// and one flat array in RESP2, as members with their scores are.
const Pairs Kind = 'P'

// Keyed is no kind of the wire: a reply that is a map in RESP3, and an array of arrays of
// two in RESP2, as streams with what was read of them are.
const Keyed Kind = 'K'

// String returns the kind's name, for messages.
func (k Kind) String() string {
	switch k {
	case Simple:
		return "simple string"
	case Error:
		return "error"
	case Int:
		return "integer"
	case Bulk:
		return "bulk string"
	case Array:
		return "array"
	case Null:
		return "null"
	case Double:
		return "double"
	case Bool:
		return "boolean"
	case BigNumber:
		return "big number"
	case Verbatim:
		return "verbatim string"
	case BlobError:
		return "blob error"
	case Map:
		return "map"
	case Set:
		return "set"
	case Push:
		return "push"
	case Attribute:
		return "attribute"
	case Pairs:
		return "pairs"
	case Keyed:
		return "keyed"
	}
	return "unknown kind"
}

// pairs reports whether the count on the wire counts pairs of elements.
func (k Kind) pairs() bool { return k == Map || k == Attribute }

// What a [Reader] accepts unless its [Limits] say otherwise.
const (
	DefaultMaxBulk   = 512 << 20 // proto-max-bulk-len of Redis
	DefaultMaxArgs   = 1 << 20
	DefaultMaxInline = 64 << 10 // as Redis
	DefaultMaxDepth  = 32
	DefaultBuffer    = 32 << 10 // some hundred commands of a typical stream
)

// Limits bound what a [Reader] accepts. A field that is zero or negative means
// its default. They bound claims; memory follows the bytes that arrive.
type Limits struct {
	// MaxBulk is the longest bulk string, in bytes: [DefaultMaxBulk]. Redis does
	// not hold its primary to this limit: a stream may carry larger values if
	// its primary was configured to take them. Package replication leaves it as
	// it is, and stops following at one.
	MaxBulk int

	// MaxArgs is the largest number of arguments of a command and of elements of
	// one aggregate (a pair of a map counts as two): [DefaultMaxArgs]. Redis
	// 7.0 takes up to 2147483647 arguments from its clients, and a primary
	// streams what it took.
	MaxArgs int

	// MaxInline is the longest line, in bytes without its LF: inline commands,
	// ReadLine, simple strings, errors and numbers: [DefaultMaxInline].
	MaxInline int

	// MaxDepth is the deepest nesting of aggregates in a value; an array of
	// integers has depth 1: [DefaultMaxDepth]. It bounds the stack.
	MaxDepth int

	// Buffer is the size that the read buffer starts with and shrinks back to, in
	// bytes: [DefaultBuffer]. It is also about the largest batch, so a follower of
	// a busy stream may want more.
	Buffer int
}

// withDefaults returns a complete copy of l, which may be nil.
func (l *Limits) withDefaults() Limits {
	var out Limits
	if l != nil {
		out = *l
	}
	setDefault(&out.MaxBulk, DefaultMaxBulk)
	setDefault(&out.MaxArgs, DefaultMaxArgs)
	setDefault(&out.MaxInline, DefaultMaxInline)
	setDefault(&out.MaxDepth, DefaultMaxDepth)
	setDefault(&out.Buffer, DefaultBuffer)
	// Positions are sums of a position and a bulk's length, and must not overflow.
	out.MaxBulk = min(out.MaxBulk, math.MaxInt/2)
	return out
}

func setDefault(field *int, value int) {
	if *field <= 0 {
		*field = value
	}
}
