package resp

import "bytes"

// maxCountLine is the longest line of a count, type byte included and CRLF not.
// An int64 has at most 20 characters; what is longer is refused before its end
// is found, so that a count line is cheap to look at again for each read.
const maxCountLine = 32

// ReadCommand returns the arguments of the next command, reading as needed. A
// blank line, an empty array and an array of negative length have no arguments:
// len(args) is 0 and err is nil. All of them count as consumed.
//
// The arguments alias the buffer: they are valid until the next read and must not
// be modified. See [Reader.TryCommand] for batches.
//
// At the end of the source the error is io.EOF between commands and
// io.ErrUnexpectedEOF inside one. After an error of the source the call may be
// repeated; it goes on where it was. A [*SyntaxError] is final.
func (r *Reader) ReadCommand() (args [][]byte, err error) {
	r.expire()
	for {
		args, ok, err := r.next()
		if ok || err != nil {
			return args, err
		}
		if err := r.fill(r.want); err != nil {
			return nil, r.frameError(err)
		}
	}
}

// TryCommand is ReadCommand for what is already buffered. It never touches the
// source, and leaves valid what the calls since the last ReadCommand returned: a
// loop over it collects a batch. ok is false when no complete command is there;
// what was parsed of it is remembered.
func (r *Reader) TryCommand() (args [][]byte, ok bool, err error) {
	return r.next()
}

// next parses on in the unread bytes; ok is false when they do not suffice, and
// then want says how many would.
func (r *Reader) next() (args [][]byte, ok bool, err error) {
	if r.lost != nil {
		return nil, false, r.lost
	}
	if r.end-r.start < r.want {
		return nil, false, nil
	}
	if r.left == 0 {
		if r.buf[r.start] != '*' {
			return r.nextInline()
		}
		return r.nextArray()
	}
	return r.nextBulks()
}

// nextArray parses the header of an array, then its bulks.
func (r *Reader) nextArray() (args [][]byte, ok bool, err error) {
	n, next, st := countLine(r.buf[:r.end], r.start)
	switch {
	case st == lineShort:
		return r.short(r.Buffered() + 1)
	case st != lineOK:
		return nil, false, r.badCount(r.start, next, st, msgArrayLength, msgArraySize)
	case n > int64(r.lim.MaxArgs):
		return nil, false, r.tooLarge(r.start, msgArrayLength)
	case n <= 0:
		return r.finish(next)
	}
	r.left, r.scan = int(n), next
	return r.nextBulks()
}

// nextBulks parses the bulks that are still to come. The hot loop: the fields are
// kept in locals because stores to args could alias them.
func (r *Reader) nextBulks() ([][]byte, bool, error) {
	b, i, args, left := r.buf[:r.end], r.scan, r.args, r.left
	for left > 0 {
		if i == len(b) || b[i] != '$' {
			break
		}
		n, next, st := countLine(b, i)
		if st != lineOK || uint64(n) > uint64(r.lim.MaxBulk) { // also n < 0
			break
		}
		end := next + int(n)
		if end+2 > len(b) || b[end] != '\r' || b[end+1] != '\n' {
			break
		}
		args = append(args, b[next:end:end])
		i = end + 2
		left--
	}
	r.scan, r.args, r.left = i, args, left
	if left == 0 {
		return r.finish(i)
	}
	return r.stopped(i)
}

// stopped finds out why nextBulks could not parse the bulk at i: incomplete, or
// wrong. It repeats the tests of the loop, so that the loop has no more of them.
func (r *Reader) stopped(i int) ([][]byte, bool, error) {
	b := r.buf[:r.end]
	if i == len(b) {
		return r.short(i - r.start + 1)
	}
	if b[i] != '$' {
		return nil, false, r.syntaxError(i, msgExpectedBulk(b[i]))
	}
	n, next, st := countLine(b, i)
	switch {
	case st == lineShort:
		return r.short(len(b) - r.start + 1)
	case st != lineOK:
		return nil, false, r.badCount(i, next, st, msgBulkLength, msgBulkSize)
	case n < 0:
		return nil, false, r.syntaxError(i, msgBulkLength)
	case n > int64(r.lim.MaxBulk):
		return nil, false, r.tooLarge(i, msgBulkLength)
	}
	end := next + int(n)
	for j, want := range []byte("\r\n") {
		if end+j >= len(b) {
			return r.short(end + j + 1 - r.start)
		}
		if b[end+j] != want {
			return nil, false, r.syntaxError(end+j, msgCRLF)
		}
	}
	return nil, false, nil // not reached: the loop stopped for a reason
}

// short records that parsing can go on once want bytes are unread.
func (r *Reader) short(want int) ([][]byte, bool, error) {
	r.want = want
	return nil, false, nil
}

// finish consumes the command that ends before buf[next] and returns its
// arguments, capped so that an append by the caller copies them.
func (r *Reader) finish(next int) ([][]byte, bool, error) {
	n := len(r.args)
	args := r.args[r.first:n:n]
	r.size = next - r.start
	r.peak = max(r.peak, r.size)
	r.start, r.scan = next, next
	r.first, r.left, r.want = n, 0, 1
	return args, true, nil
}

// badCount returns the error for a count line at i that is not lineOK.
func (r *Reader) badCount(i, at int, st lineState, msgNumber, msgSize string) error {
	switch st {
	case lineLong:
		return r.syntaxError(i, msgSize)
	case lineEnd:
		return r.syntaxError(at, msgCRLF)
	}
	return r.syntaxError(i, msgNumber)
}

// lineState is what countLine found.
type lineState uint8

const (
	lineOK     lineState = iota
	lineShort            // more bytes are needed
	lineNumber           // not a number
	lineLong             // no CR within maxCountLine
	lineEnd              // the byte after CR, at next, is not LF
)

// countLine parses the line of a count, such as "$12\r\n", whose type byte is
// b[i]; next is the index of the byte after it. The one- and two-digit counts
// that make up nearly all of a stream are decided here.
func countLine(b []byte, i int) (n int64, next int, st lineState) {
	if w := b[i:]; len(w) >= 5 {
		d := w[1] - '0'
		if d <= 9 && w[2] == '\r' && w[3] == '\n' {
			return int64(d), i + 4, lineOK
		}
		e := w[2] - '0'
		if d-1 <= 8 && e <= 9 && w[3] == '\r' && w[4] == '\n' {
			return int64(d)*10 + int64(e), i + 5, lineOK
		}
	}
	return countLineSlow(b, i)
}

func countLineSlow(b []byte, i int) (n int64, next int, st lineState) {
	w := b[i:min(len(b), i+maxCountLine)]
	cr := bytes.IndexByte(w, '\r')
	switch {
	case cr < 0 && len(w) == maxCountLine:
		return 0, 0, lineLong
	case cr < 0 || i+cr+1 == len(b):
		return 0, 0, lineShort
	case b[i+cr+1] != '\n':
		return 0, i + cr + 1, lineEnd
	}
	n, ok := parseCount(w[1:cr])
	if !ok {
		return 0, 0, lineNumber
	}
	return n, i + cr + 2, lineOK
}

// parseCount parses a decimal in its one canonical form, as Redis does: no plus,
// no leading zero, no "-0", within int64.
func parseCount(s []byte) (int64, bool) {
	neg := len(s) > 0 && s[0] == '-'
	if neg {
		s = s[1:]
	}
	if len(s) == 0 || s[0] == '0' && (len(s) > 1 || neg) {
		return 0, false
	}
	return parseDigits(s, neg)
}

// parseDigits parses digits alone, at least one. Leading zeros are its caller's
// business.
func parseDigits(s []byte, neg bool) (int64, bool) {
	limit := uint64(1<<63 - 1)
	if neg {
		limit = 1 << 63
	}
	var u uint64
	for _, c := range s {
		d := uint64(c - '0')
		if d > 9 || u > (limit-d)/10 {
			return 0, false
		}
		u = u*10 + d
	}
	if neg {
		return -int64(u), len(s) > 0 // 1<<63 wraps to itself, the smallest int64
	}
	return int64(u), len(s) > 0
}
