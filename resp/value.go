package resp

import "strconv"

// A Value is one reply, or one element of a reply. Which fields count depends on
// Kind:
//
//	Simple, Bulk, BigNumber   Str
//	Error, BlobError          Str, without the type byte
//	Verbatim                  Str, with the format in front: "txt:..."
//	Int                       Int
//	Bool                      Int, 0 or 1
//	Double                    Float; Str, unless it is "", is how it is written
//	Array, Set, Push          Elems
//	Map, Attribute            Elems: key, value, key, value
//	Pairs, Keyed              the same
//	Null                      Int: 1 for a null array, which RESP2 writes apart
//
// The zero Value is a null.
type Value struct {
	Kind  Kind
	Int   int64
	Float float64
	Str   string
	Elems []Value
}

// OK returns the simple string "OK".
func OK() Value { return Value{Kind: Simple, Str: "OK"} }

// SimpleString returns a simple string. CR and LF in it are written as blanks.
func SimpleString(s string) Value { return Value{Kind: Simple, Str: s} }

// Err returns an error; text starts with its code ("ERR no such key"). CR and LF
// in it are written as blanks.
func Err(text string) Value { return Value{Kind: Error, Str: text} }

// BlobErr returns an error that may hold any bytes (RESP3; else as [Err]).
func BlobErr(text string) Value { return Value{Kind: BlobError, Str: text} }

// Integer returns an integer.
func Integer(n int64) Value { return Value{Kind: Int, Int: n} }

// BulkString returns a string of any bytes.
func BulkString(s string) Value { return Value{Kind: Bulk, Str: s} }

// ArrayOf returns an array. It keeps elems.
func ArrayOf(elems ...Value) Value { return Value{Kind: Array, Elems: elems} }

// SetOf returns a set (RESP3; else an array). It keeps elems.
func SetOf(elems ...Value) Value { return Value{Kind: Set, Elems: elems} }

// PushOf returns an out-of-band message (RESP3; else an array). It keeps elems.
func PushOf(elems ...Value) Value { return Value{Kind: Push, Elems: elems} }

// MapOf returns a map of alternating keys and values (RESP3; else a flat array).
// It keeps elems. A last key without a value is written with a null.
func MapOf(elems ...Value) Value { return Value{Kind: Map, Elems: elems} }

// PairsOf returns an array of arrays of two (RESP3; else a flat array): alternating
// firsts and seconds. It keeps elems, of which there must be an even number.
func PairsOf(elems ...Value) Value { return Value{Kind: Pairs, Elems: elems} }

// KeyedOf returns a map of alternating keys and values (RESP3; else an array of arrays of
// two). It keeps elems, of which there must be an even number.
func KeyedOf(elems ...Value) Value { return Value{Kind: Keyed, Elems: elems} }

// NullValue returns a null, "$-1" in RESP2.
func NullValue() Value { return Value{Kind: Null} }

// NullArray returns a null that is "*-1" in RESP2: what a blocking pop or EXEC
// replies when there is nothing. In RESP3 it is the same as [NullValue].
func NullArray() Value { return Value{Kind: Null, Int: 1} }

// DoubleOf returns a floating-point number (RESP3; else a bulk string).
func DoubleOf(f float64) Value { return Value{Kind: Double, Float: f} }

// DoubleText returns a floating-point number that is written as text (RESP3; else
// a bulk string): for who needs the very digits that a server would send.
func DoubleText(f float64, text string) Value { return Value{Kind: Double, Float: f, Str: text} }

// BoolOf returns a boolean (RESP3; else the integer 0 or 1).
func BoolOf(b bool) Value {
	if b {
		return Value{Kind: Bool, Int: 1}
	}
	return Value{Kind: Bool}
}

// BigNumberOf returns an integer of any size (RESP3; else a bulk string). digits
// are decimal, with an optional sign.
func BigNumberOf(digits string) Value { return Value{Kind: BigNumber, Str: digits} }

// VerbatimOf returns text with a format of three letters, "txt" or "mkd" (RESP3;
// else a bulk string without the format).
func VerbatimOf(format, text string) Value {
	return Value{Kind: Verbatim, Str: format + ":" + text}
}

// IsNull reports whether v is a null of either form, or the zero Value.
func (v Value) IsNull() bool { return v.Kind == Null || v.Kind == 0 }

// AsError returns v as a [*ServerError] when it is an error, else nil.
func (v Value) AsError() error {
	if v.Kind == Error || v.Kind == BlobError {
		return &ServerError{Text: v.Str}
	}
	return nil
}

// Text returns the text of a string of any kind: Str, without the format of a
// verbatim string.
func (v Value) Text() string {
	if v.Kind == Verbatim {
		return v.Str[min(verbatimPrefix, len(v.Str)):]
	}
	return v.Str
}

// verbatimPrefix is the length of the format and its colon.
const verbatimPrefix = len("txt:")

// String returns v on one line, for people and tests. It is not a wire form, and
// it may hold users' data.
func (v Value) String() string { return string(v.appendDebug(nil)) }

func (v Value) appendDebug(b []byte) []byte {
	switch v.Kind {
	case Simple, BigNumber:
		return append(b, v.Str...)
	case Error, BlobError:
		return append(append(b, "-"...), v.Str...)
	case Int:
		return strconv.AppendInt(b, v.Int, 10)
	case Bulk, Verbatim:
		return strconv.AppendQuote(b, v.Text())
	case Double:
		if v.Str != "" {
			return append(b, v.Str...)
		}
		return appendFloat(b, v.Float)
	case Bool:
		return strconv.AppendBool(b, v.Int != 0)
	case Array:
		return appendDebugList(b, "[", v.Elems, "]")
	case Set:
		return appendDebugList(b, "~[", v.Elems, "]")
	case Push:
		return appendDebugList(b, ">[", v.Elems, "]")
	case Map, Keyed:
		return appendDebugList(b, "{", v.Elems, "}")
	case Attribute:
		return appendDebugList(b, "|{", v.Elems, "}")
	case Pairs:
		if len(v.Elems) == 0 {
			return append(b, "[]"...)
		}
		return appendDebugList(b, "[[", v.Elems, "]]")
	}
	return append(b, "(nil)"...)
}

func appendDebugList(b []byte, open string, elems []Value, end string) []byte {
	b = append(b, open...)
	for i, e := range elems {
		if i > 0 {
			b = append(b, ' ')
		}
		b = e.appendDebug(b)
	}
	return append(b, end...)
}
