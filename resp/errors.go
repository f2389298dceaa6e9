package resp

import (
	"errors"
	"strconv"
	"strings"
)

// ErrTooLarge is wrapped by the [*SyntaxError] that a [Reader] returns when
// well-formed input exceeds one of its [Limits].
var ErrTooLarge = errors.New("resp: larger than the limit")

// A SyntaxError says that the input is not RESP, or exceeds a limit. The frame is
// lost: the Reader returns the same error from then on, and the connection is of
// no more use. It is never an I/O error.
type SyntaxError struct {
	// Offset is the position of the offending byte, or of the start of the
	// offending line, counted like [Reader.Consumed].
	Offset int64

	// Msg starts with "Protocol error: ". A server sends it after "ERR ". It may
	// hold a byte of the input, even CR or LF, which [AppendError] replaces.
	Msg string

	// Err is [ErrTooLarge] or nil.
	Err error
}

func (e *SyntaxError) Error() string {
	return "resp: " + e.Msg + " at byte " + strconv.FormatInt(e.Offset, 10)
}

func (e *SyntaxError) Unwrap() error { return e.Err }

// The texts of Redis 7.0 (networking.c, processInlineBuffer and
// processMultibulkBuffer).
const (
	msgBulkLength  = "Protocol error: invalid bulk length"
	msgArrayLength = "Protocol error: invalid multibulk length"
	msgQuotes      = "Protocol error: unbalanced quotes in request"
	msgInlineSize  = "Protocol error: too big inline request"
	msgArraySize   = "Protocol error: too big mbulk count string"
	msgBulkSize    = "Protocol error: too big bulk count string"
)

// The texts of this package, for what Redis does not check or never reads.
const (
	msgCRLF     = "Protocol error: expected CRLF"
	msgLineSize = "Protocol error: too big line"
	msgDepth    = "Protocol error: too deep nesting"
	msgInteger  = "Protocol error: invalid integer"
	msgDouble   = "Protocol error: invalid double"
	msgBool     = "Protocol error: invalid boolean"
	msgNull     = "Protocol error: invalid null"
	msgBigNum   = "Protocol error: invalid big number"
	msgVerbatim = "Protocol error: invalid verbatim string"
)

// msgExpectedBulk is Redis's text for an argument that is not a bulk string. The
// byte goes in as it is, not as a rune.
func msgExpectedBulk(got byte) string {
	return "Protocol error: expected '$', got '" + string([]byte{got}) + "'"
}

func msgUnknownKind(got byte) string {
	return "Protocol error: unknown type byte '" + string([]byte{got}) + "'"
}

// A ServerError is an error that a server replied: see [Value.AsError].
type ServerError struct {
	Text string // without the '-' of the wire
}

func (e *ServerError) Error() string { return e.Text }

// Prefix returns the first word, by which clients branch: "ERR", "WRONGTYPE",
// "NOAUTH".
func (e *ServerError) Prefix() string {
	word, _, _ := strings.Cut(e.Text, " ")
	return word
}
