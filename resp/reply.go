package resp

import (
	"bytes"
	"io"
	"math"
	"strconv"
	"strings"
)

// firstAlloc bounds what is allocated for a claim, in bytes of a string or in
// elements of an aggregate; the rest follows the bytes that arrive.
const (
	firstAllocBytes = 64 << 10
	firstAllocElems = 16
)

// ReadValue returns the next reply, RESP2 or RESP3. The Value owns its strings.
//
// An attribute is returned as a value of its own, before the reply that it
// belongs to; attributes inside aggregates are dropped. A push is returned like
// any value: a caller that expects a reply must be ready for one.
//
// At the end of the source the error is io.EOF between values and
// io.ErrUnexpectedEOF inside one. A value is not resumed: an error of the source
// after its first line is final.
func (r *Reader) ReadValue() (Value, error) {
	r.expire()
	if r.lost != nil {
		return Value{}, r.lost
	}
	begin := r.Consumed()
	v, err := r.value(0)
	if err == nil {
		return v, nil
	}
	inside := r.Consumed() > begin
	if err == io.EOF && inside {
		err = io.ErrUnexpectedEOF
	}
	err = r.frameError(err)
	if inside {
		r.lose(err)
	}
	return Value{}, err
}

// value reads one value inside depth aggregates.
func (r *Reader) value(depth int) (Value, error) {
	line, at, err := r.replyLine()
	if err != nil {
		return Value{}, err
	}
	kind, text := Kind(line[0]), line[1:]
	switch kind {
	case Simple, Error:
		return Value{Kind: kind, Str: string(text)}, nil
	case Bulk, Verbatim, BlobError:
		return r.blob(kind, text, at)
	case Array, Set, Push, Map, Attribute:
		return r.aggregate(kind, text, at, depth)
	}
	v, msg := parseScalar(kind, text)
	if msg != "" {
		return Value{}, r.syntaxErrorAt(at, msg)
	}
	return v, nil
}

// replyLine consumes a line that ends in CRLF and holds no other CR; at is the
// offset of its first byte. It holds at least the type byte.
func (r *Reader) replyLine() (line []byte, at int64, err error) {
	at = r.Consumed()
	if line, err = r.line(); err != nil {
		return nil, at, err
	}
	n := len(line)
	switch cr := bytes.IndexByte(line, '\r'); {
	case cr < 0:
		return nil, at, r.syntaxErrorAt(at+int64(n), msgCRLF)
	case cr < n-1:
		return nil, at, r.syntaxErrorAt(at+int64(cr)+1, msgCRLF)
	case cr == 0:
		return nil, at, r.syntaxErrorAt(at, msgUnknownKind('\r'))
	}
	return line[:n-1], at, nil
}

// parseScalar parses the kinds that are one line of restricted form. msg is empty
// when it is one.
func parseScalar(kind Kind, text []byte) (v Value, msg string) {
	v.Kind = kind
	ok := false
	switch kind {
	case Int:
		v.Int, ok = parseInteger(text)
		msg = msgInteger
	case Double:
		v.Float, ok = parseDouble(text)
		msg = msgDouble
	case Bool:
		v.Int, ok = parseBool(text)
		msg = msgBool
	case Null:
		ok, msg = len(text) == 0, msgNull
	case BigNumber:
		v.Str, ok = string(text), isBigNumber(text)
		msg = msgBigNum
	default:
		msg = msgUnknownKind(byte(kind))
	}
	if ok {
		msg = ""
	}
	return v, msg
}

// blob reads the body of a string whose length is text.
func (r *Reader) blob(kind Kind, text []byte, at int64) (Value, error) {
	n, ok := parseCount(text)
	switch {
	case ok && n == -1 && kind == Bulk:
		return NullValue(), nil
	case !ok || n < 0:
		return Value{}, r.syntaxErrorAt(at, msgBulkLength)
	case n > int64(r.lim.MaxBulk):
		return Value{}, r.tooLargeAt(at, msgBulkLength)
	}
	s, err := r.body(int(n))
	if err != nil {
		return Value{}, err
	}
	if kind == Verbatim && (len(s) < verbatimPrefix || s[verbatimPrefix-1] != ':') {
		return Value{}, r.syntaxErrorAt(at, msgVerbatim)
	}
	return Value{Kind: kind, Str: s}, nil
}

// body reads n bytes and the CRLF after them.
func (r *Reader) body(n int) (string, error) {
	var s strings.Builder
	s.Grow(min(n, firstAllocBytes))
	for s.Len() < n {
		if err := r.fillUnread(); err != nil {
			return "", err
		}
		part := r.buf[r.start:min(r.end, r.start+n-s.Len())]
		s.Write(part)
		r.advance(len(part))
	}
	for _, want := range []byte("\r\n") {
		if err := r.fillUnread(); err != nil {
			return "", err
		}
		if r.buf[r.start] != want {
			return "", r.syntaxError(r.start, msgCRLF)
		}
		r.advance(1)
	}
	return s.String(), nil
}

// fillUnread makes sure that one byte is unread.
func (r *Reader) fillUnread() error {
	if r.Buffered() > 0 {
		return nil
	}
	return r.fill(1)
}

// aggregate reads the elements of an aggregate whose count is text.
func (r *Reader) aggregate(kind Kind, text []byte, at int64, depth int) (Value, error) {
	n, ok := parseCount(text)
	limit := int64(r.lim.MaxArgs)
	if kind.pairs() {
		limit /= 2
	}
	switch {
	case ok && n == -1 && kind == Array:
		return NullArray(), nil
	case !ok || n < 0:
		return Value{}, r.syntaxErrorAt(at, msgArrayLength)
	case n > limit:
		return Value{}, r.tooLargeAt(at, msgArrayLength)
	case depth >= r.lim.MaxDepth:
		return Value{}, r.tooLargeAt(at, msgDepth)
	}
	if kind.pairs() {
		n *= 2
	}
	elems, err := r.elements(int(n), depth+1)
	return Value{Kind: kind, Elems: elems}, err
}

// elements reads n values, dropping attributes, which do not count.
func (r *Reader) elements(n, depth int) ([]Value, error) {
	if n == 0 {
		return nil, nil
	}
	elems := make([]Value, 0, min(n, firstAllocElems))
	for len(elems) < n {
		v, err := r.value(depth)
		if err != nil {
			return nil, err
		}
		if v.Kind != Attribute {
			elems = append(elems, v)
		}
	}
	return elems, nil
}

// parseInteger parses the text of an integer, which may have a plus sign.
func parseInteger(s []byte) (int64, bool) {
	neg := len(s) > 0 && s[0] == '-'
	return parseDigits(cutSign(s), neg)
}

func cutSign(s []byte) []byte {
	if len(s) > 0 && (s[0] == '+' || s[0] == '-') {
		return s[1:]
	}
	return s
}

// parseDouble parses the text of a double: decimal, or inf and nan with a sign.
// The hexadecimal forms that strconv knows are no RESP, nor is what overflows.
func parseDouble(s []byte) (float64, bool) {
	switch strings.ToLower(string(cutSign(s))) {
	case "inf":
		if s[0] == '-' {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	case "nan":
		return math.NaN(), true
	}
	for _, c := range s {
		if c-'0' > 9 && !strings.ContainsRune("+-.eE", rune(c)) {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(string(s), 64)
	return f, err == nil
}

func parseBool(s []byte) (int64, bool) {
	switch string(s) {
	case "t":
		return 1, true
	case "f":
		return 0, true
	}
	return 0, false
}

func isBigNumber(s []byte) bool {
	digits := cutSign(s)
	for _, c := range digits {
		if c-'0' > 9 {
			return false
		}
	}
	return len(digits) > 0
}
