package rdb

import (
	"errors"
	"fmt"
)

var (
	// ErrChecksum is wrapped by the CorruptError of a file whose content does not match its footer.
	ErrChecksum = errors.New("checksum mismatch")

	// ErrTooLarge is wrapped by the TooLargeError of a string longer than DecoderOptions.MaxString.
	ErrTooLarge = errors.New("longer than the limit")
)

// A CorruptError is returned for input that breaks the rules of the format, or ends early; then it wraps
// io.ErrUnexpectedEOF. An error of the underlying reader is not dressed as a CorruptError, it is returned as it is.
type CorruptError struct {
	Offset int64  // byte of the file at which the item begins that could not be read
	What   string // that item: "key", "hash listpack"
	Err    error  // what is wrong with it
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("rdb: %s at offset %d: %v", e.What, e.Offset, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// A TooLargeError is returned for a string longer than DecoderOptions.MaxString. It wraps ErrTooLarge. The input may well be
// valid: servers take longer values when their proto-max-bulk-len was raised. A damaged length looks the same.
type TooLargeError struct {
	Offset int64  // byte of the file at which the string begins
	What   string // "string value", "hash field", "key"
	Size   uint64 // bytes that the file claims
	Limit  int    // bytes
	Key    string // whose value it is in, at most 128 bytes of it; "" if it is in none. Not in Error: errors are logged, keys are not
	DB     int    // of Key
}

func (e *TooLargeError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("rdb: %s at offset %d: %v: %d bytes, limit %d", e.What, e.Offset, ErrTooLarge, e.Size, e.Limit)
	}
	return fmt.Sprintf("rdb: %s in database %d at offset %d: %v: %d bytes, limit %d", e.What, e.DB, e.Offset, ErrTooLarge, e.Size, e.Limit)
}

func (e *TooLargeError) Unwrap() error { return ErrTooLarge }

// An UnsupportedError is returned for input that may well be valid, but holds something that this package cannot
// decode. The length of such an item is not known, so there is no reading on behind it.
type UnsupportedError struct {
	Offset int64  // byte of the file at which the item begins
	What   string // "version 13", "value type 15 (stream)", "opcode 243", "hash field deadlines"
	Code   int    // the version, type or opcode
	Key    string // whose value it is, at most 128 bytes of it; "" if it is not a value, or the file ends here. Not in Error: errors are logged, keys are not
	DB     int    // of Key
}

func (e *UnsupportedError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("rdb: not supported: %s, at offset %d", e.What, e.Offset)
	}
	return fmt.Sprintf("rdb: not supported: %s, a value in database %d, at offset %d", e.What, e.DB, e.Offset)
}
