package resp

import "bytes"

// nextInline parses a command that is a line of text. Of an incomplete line, the
// part that was searched is remembered in scan.
func (r *Reader) nextInline() ([][]byte, bool, error) {
	n, found := findLF(r.buf[r.start:r.end], r.scan-r.start, r.lim.MaxInline)
	if !found {
		if n > r.lim.MaxInline {
			return nil, false, r.tooLarge(r.start, msgInlineSize)
		}
		r.scan = r.start + n
		return r.short(n + 1)
	}
	line := trimCR(r.buf[r.start : r.start+n])
	args, ok := splitInline(r.args, line)
	if !ok {
		return nil, false, r.syntaxError(r.start, msgQuotes)
	}
	if len(args)-r.first > r.lim.MaxArgs {
		return nil, false, r.tooLarge(r.start, msgInlineSize)
	}
	r.args = args
	return r.finish(r.start + n + 1)
}

// findLF returns the index of the first LF in b, of which the first seen bytes
// are known to hold none. Without one among the first limit+1 bytes it returns
// how many it searched; more than limit means that the line is too long.
func findLF(b []byte, seen, limit int) (n int, found bool) {
	if len(b) > limit {
		b = b[:limit+1]
	}
	if i := bytes.IndexByte(b[seen:], '\n'); i >= 0 {
		return seen + i, true
	}
	return len(b), false
}

// trimCR cuts one CR off the end of line.
func trimCR(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line[:len(line):len(line)]
}

// splitInline appends the words of line to args. Plain words alias line; quoted
// ones are copied, since the bytes of the wire must stay as they are. ok is false
// when quotes are unbalanced.
func splitInline(args [][]byte, line []byte) (_ [][]byte, ok bool) {
	for i := 0; ; {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return args, true
		}
		word, n, ok := inlineWord(line[i:])
		if !ok {
			return args, false
		}
		args = append(args, word)
		i += n
	}
}

// inlineWord returns the word that starts s, and its length there. A quote may
// open inside a word (a"b c" is one), but must end it.
func inlineWord(s []byte) (word []byte, n int, ok bool) {
	for n < len(s) && !endsWord(s[n]) && s[n] != '"' && s[n] != '\'' {
		n++
	}
	if n == len(s) || endsWord(s[n]) {
		return s[:n:n], n, true
	}
	word = append(make([]byte, 0, len(s)), s[:n]...)
	quote := s[n]
	n++
	for n < len(s) && s[n] != quote {
		c, used := s[n], 1
		if c == '\\' {
			c, used = unescape(s[n:], quote)
		}
		word = append(word, c)
		n += used
	}
	if n == len(s) {
		return nil, 0, false
	}
	n++ // the closing quote
	if n < len(s) && !isSpace(s[n]) {
		return nil, 0, false
	}
	return word, n, true
}

// unescape returns what the backslash at s[0] and the bytes after it stand for,
// and how many bytes that took. A backslash that ends the line stands for itself;
// the missing quote is noticed anyway.
func unescape(s []byte, quote byte) (c byte, used int) {
	if len(s) == 1 {
		return '\\', 1
	}
	if quote == '\'' {
		if s[1] == '\'' {
			return '\'', 2
		}
		return '\\', 1
	}
	if s[1] == 'x' && len(s) >= 4 {
		hi, ok1 := hexDigit(s[2])
		lo, ok2 := hexDigit(s[3])
		if ok1 && ok2 {
			return hi<<4 | lo, 4
		}
	}
	return escaped(s[1]), 2
}

// escaped returns what c stands for after a backslash in double quotes.
func escaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// isSpace is what Redis skips between words. endsWord is what ends a plain word:
// not the same, so a form feed belongs to the word that it follows.
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func endsWord(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
