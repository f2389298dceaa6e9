// Package resp reads and writes RESP, the wire grammar of Redis, in both
// versions (RESP2 and RESP3) and in both directions.
//
// # Nouns
//
//   - A command is what a client, or the stream of a primary, sends: a list of
//     arguments.
//   - A [Value] is what a server replies.
//   - A [Reader] takes commands, values, lines or raw bytes from an [io.Reader]
//     and counts every byte that it consumes.
//   - The Append functions put the same things at the end of a caller's slice;
//     a [Writer] collects them for an [io.Writer].
//
// # Grammar
//
// A command is an array of bulk strings, or an inline line (see below):
//
//	*2\r\n $3\r\n GET\r\n $1\r\n k\r\n        (without the spaces)
//	GET "k"\n
//	\n                                        a blank line: no arguments
//
// A value starts with its type byte, which is also its [Kind]:
//
//	+text\r\n            simple string       _\r\n           null
//	-text\r\n            error               ,1.5\r\n        double
//	:42\r\n              integer             #t\r\n          boolean
//	$3\r\nabc\r\n        bulk string         (123\r\n        big number
//	*2\r\n...            array               =7\r\ntxt:abc\r\n verbatim string
//	$-1\r\n  *-1\r\n     null in RESP2       !3\r\nERR\r\n   long error
//	                                         %1\r\n...       map of 1 pair
//	                                         ~2\r\n...       set
//	                                         >2\r\n...       push
//	                                         |1\r\n...       attribute
//
// The right column is RESP3 only. A Reader accepts both; a writer is told the
// version and falls back as Redis does (a map becomes an array, a boolean an
// integer, and so on). The "streamed" forms of RESP3 ($?, *?) are refused: no
// server sends them.
//
// Inline commands split at blanks. "..." knows \n \r \t \b \a, \xHH and \ before
// any other byte for that byte; '...' knows only \'. A closing quote must be
// followed by a blank or the end. These are the rules of Redis, except that a
// NUL is an ordinary byte here where Redis silently drops the rest of the line.
//
// # Guarantees
//
//   - The count of bytes consumed is exact. Replication offsets are such counts.
//   - The result does not depend on how the source cuts its bytes into reads, and
//     the work is linear in them: nothing is parsed again for each read.
//   - A length on the wire is never allocated before its bytes arrive. A hostile
//     header costs the size of the buffer, not what it claims. A reply costs at
//     most some dozens of bytes of memory for each byte received (an array of
//     nulls).
//   - No input panics. A broken grammar is a [*SyntaxError] with the byte offset,
//     and it stays: a Reader that has lost the frame returns it from then on. What
//     the source returned is passed on unchanged, except that an [io.EOF] inside a
//     frame becomes [io.ErrUnexpectedEOF].
//
// Error texts are those that Redis 7.0 sends to its clients where it has one, so
// that a server can put [SyntaxError.Msg] behind "ERR ".
//
// # Lifetime of slices
//
// What ReadCommand, TryCommand, Raw, ReadLine and Peek return aliases the buffer.
// It is valid until the next call of a method that may read (all but TryCommand
// and the counters), and must not be written to. That makes batches: one
// ReadCommand, then TryCommand until it has no more, and all their arguments, and
// the Raw bytes of all of them in one piece, are valid together. Values own their
// strings. Nothing keeps a slice that it was given.
//
// Readers and Writers are not safe for concurrent use; one of each may work on
// the two directions of a connection at the same time.
//
// # Implementation
//
//   - resp.go: kinds, limits; value.go: Value, its constructors
//   - reader.go: the buffer and the raw reads; command.go: arrays of bulks, the
//     hot path; inline.go: lines and quotes; reply.go: values
//   - append.go, writer.go: the other direction
//   - errors.go: what can go wrong
//
// Build tag "invariants" makes a Reader overwrite expired bytes, so that a slice
// kept too long is noticed.
package resp
