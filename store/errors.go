package store

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/understudy-go/understudy/resp"
)

// An Error is an error that a client of the wire would see too.
type Error struct{ text string }

func (e *Error) Error() string { return e.text }

// Is reports whether target is an error of the same text: what a command answered may
// be compared with the errors of this package.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.text == e.text
}

// Code is the word that clients tell errors apart by: ERR, WRONGTYPE, READONLY,
// UNBLOCKED and so on.
func (e *Error) Code() string {
	code, _, _ := strings.Cut(e.text, " ")
	return code
}

// Text is the error as the wire carries it, as Redis 7.0 words it.
func (e *Error) Text() string { return e.text }

// Errors of single operations.
var (
	// ErrNotFound is returned by typed reads of a key or field that is not there.
	ErrNotFound = errors.New("store: not found")
	// ErrWrongType is returned when the key holds another type.
	ErrWrongType = &Error{"WRONGTYPE Operation against a key holding the wrong kind of value"}
	// ErrReadOnly is returned by writes while the store follows a primary.
	ErrReadOnly = &Error{"READONLY You can't write against a read only replica."}
	// ErrNoReplicas is returned by writes to a primary that was told to accept them only
	// while enough replicas keep up, and has too few. Nothing was written.
	ErrNoReplicas = &Error{"NOREPLICAS Not enough good replicas to write."}
	// ErrSealed is returned by writes and messages while the store's stream is being handed
	// over to another primary. Nothing was written; soon the store follows that primary, or
	// writes go on. Clients of a server do not see it: they wait.
	ErrSealed = &Error{"TRYAGAIN The data is being handed over to another primary."}
	// ErrNotInteger is returned when a value or argument is no 64-bit integer.
	ErrNotInteger = &Error{"ERR value is not an integer or out of range"}
	// ErrNotFloat is returned when a value or argument is no finite number.
	ErrNotFloat = &Error{"ERR value is not a valid float"}
	// ErrOverflow is returned when an increment would leave the 64-bit range.
	ErrOverflow = &Error{"ERR increment or decrement would overflow"}
	// ErrNotFinite is returned when an increment would give NaN or an infinity.
	ErrNotFinite = &Error{"ERR increment would produce NaN or Infinity"}
	// ErrTooLong is returned when a string would exceed 512 MiB.
	ErrTooLong = &Error{"ERR string exceeds maximum allowed size (proto-max-bulk-len)"}
	// ErrNoDatabase is returned for a database number outside of the store.
	ErrNoDatabase = &Error{"ERR DB index is out of range"}
	// ErrNoKey is returned by renames of a key that is not there.
	ErrNoKey = &Error{"ERR no such key"}
	// ErrInvalidTTL is returned by writes with a time to live below 0.
	ErrInvalidTTL = &Error{"ERR invalid expire time"}
	// ErrSyntax is returned when a command's arguments make no sense.
	ErrSyntax = &Error{"ERR syntax error"}
)

// Errors of the store as a whole.
var (
	// ErrConflict is returned by [Guard.Update] when a key has changed.
	ErrConflict = errors.New("store: a watched key has changed")
	// ErrNested is returned inside of the closure of an Update by what the same
	// store could only do after it: writes that do not go through the Tx, another
	// Update, View and whatever else needs a snapshot. Use the Tx.
	ErrNested = errors.New("store: not possible inside of Update's own closure, except through its Tx")
	// ErrClosed is returned by every write after Close, and by a Guard that has ended.
	ErrClosed = errors.New("store: closed")
	// ErrSnapshotTooOld is returned by reads of a snapshot that retained more
	// bytes than Options.SnapshotBudget.
	ErrSnapshotTooOld = errors.New("store: snapshot exceeded its budget and was dropped")
	// ErrTransactionTooBig ends a stream whose MULTI exceeds Options.TransactionBytes.
	ErrTransactionTooBig = errors.New("store: transaction in the stream exceeds the limit")
)

// UnknownCommandError ends a stream: the primary sent a write that this version
// does not know, so its data can no longer be followed.
type UnknownCommandError struct {
	Name   string // as sent
	Offset int64  // of the stream before the command
}

func (e *UnknownCommandError) Error() string {
	return fmt.Sprintf("store: unknown command %.64q in the stream at offset %d", e.Name, e.Offset)
}

// StreamError ends a stream: a command in it could not be applied, so this data
// set is not the primary's.
type StreamError struct {
	Name   string
	Offset int64 // of the stream before the command
	Err    error // as a client would be told; it may repeat an argument, which the text of the StreamError does not

	text string // of Err, without arguments; "" = Err has none
}

func (e *StreamError) Error() string {
	return fmt.Sprintf("store: command %q in the stream at offset %d: %s", e.Name, e.Offset, cmp.Or(e.text, e.Err.Error()))
}

func (e *StreamError) Unwrap() error { return e.Err }

// withoutArgs returns the text of a command's error with the arguments that it
// repeats replaced by dots: errors of a stream get into logs, arguments are data.
func withoutArgs(text string, args [][]byte) string {
	for _, a := range args[1:] {
		for _, form := range []string{clip(a, len(text)), clip(a, quotedBytes)} { // as errors repeat them
			text = replaceWord(text, form)
		}
	}
	return text
}

// replaceWord replaces word where it stands in text on its own.
func replaceWord(text, word string) string {
	const dots = "..."
	for from := 0; word != ""; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return text
		}
		i += from
		end := i + len(word)
		if edge(text, i-1) && edge(text, end) {
			text, end = text[:i]+dots+text[end:], i+len(dots)
		}
		from = end
	}
	return text
}

// edge reports whether a word may begin or end beside text[i].
func edge(text string, i int) bool {
	return i < 0 || i >= len(text) || strings.IndexByte(" '`\".,:;", text[i]) >= 0
}

func wireError(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// reply is err as a reply on the wire.
func reply(err error) resp.Value {
	if e := (*Error)(nil); errors.As(err, &e) {
		return resp.Err(e.text)
	}
	return resp.Err("ERR " + err.Error())
}
