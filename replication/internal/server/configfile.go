package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// ConfigError is a configuration that was not understood.
type ConfigError struct {
	Source    string // path of the file, "-" for standard input, "flags" for the command line
	Line      int    // counted from 1; for flags the position of the argument
	Directive string // "" when the line could not be taken apart
	Err       error
}

func (e *ConfigError) Error() string {
	place := fmt.Sprintf("%s:%d", e.Source, e.Line)
	if e.Source == flagSource {
		place = fmt.Sprintf("argument %d", e.Line)
	}
	if e.Directive == "" {
		return fmt.Sprintf("%s: %v", place, e.Err)
	}
	return fmt.Sprintf("%s: %s: %v", place, e.Directive, e.Err)
}

func (e *ConfigError) Unwrap() error { return e.Err }

const flagSource = "flags"

// maxConfigLine bounds one line of a configuration file, in bytes.
const maxConfigLine = 64 << 10

// errInclude is returned for a directive that cannot be passed over without reading another file.
var errInclude = errors.New("include is not supported; put all directives into one file")

// ParseArgs reads a command line in the manner of redis-server: an optional file (or - for stdin) and then flags, which win over the file. All of it is read
// and the first mistake is returned as a *ConfigError.
func ParseArgs(args []string, stdin io.Reader) (*Config, error) {
	c := NewConfig()
	seen := map[string]bool{}
	first := 0
	if len(args) > 0 && !strings.HasPrefix(args[0], "--") {
		first = 1
		if err := c.readSource(args[0], stdin, seen); err != nil {
			return nil, err
		}
	}
	return c, c.readFlags(args[first:], first, seen)
}

// readSource opens the file. Its absolute path is kept for CONFIG REWRITE, which may come after a change of directory; standard input has no way back.
func (c *Config) readSource(name string, stdin io.Reader, seen map[string]bool) error {
	if name == "-" {
		return c.readFile("-", stdin, seen)
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	c.file = path
	return c.readFile(name, f, seen)
}

// readFile reads a configuration file, line by line.
func (c *Config) readFile(name string, r io.Reader, seen map[string]bool) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxConfigLine)
	n := 0
	for lines.Scan() {
		n++
		if err := c.readLine(lines.Text(), seen); err != nil {
			err.Source, err.Line = name, n
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return &ConfigError{Source: name, Line: n + 1, Err: err}
	}
	return nil
}

func (c *Config) readLine(line string, seen map[string]bool) *ConfigError {
	words, err := SplitLine(line)
	if err != nil {
		return &ConfigError{Err: err}
	}
	if len(words) == 0 {
		return nil
	}
	return c.readDirective(words[0], words[1:], seen)
}

// readDirective is where both forms meet: the words of a line, and those of a group of flags. The place is the caller's to add.
func (c *Config) readDirective(name string, words []string, seen map[string]bool) *ConfigError {
	if strings.EqualFold(name, "include") {
		return &ConfigError{Directive: name, Err: errInclude}
	}
	if err := c.set(name, words, seen); err != nil {
		return &ConfigError{Directive: name, Err: err}
	}
	return nil
}

// readFlags reads --name word... groups. A group ends where the next flag begins, so a word cannot begin with two dashes; base is the position of args[0]
// on the command line.
func (c *Config) readFlags(args []string, base int, seen map[string]bool) error {
	for i := 0; i < len(args); {
		next := i + 1
		for next < len(args) && !strings.HasPrefix(args[next], "--") {
			next++
		}
		name, ok := strings.CutPrefix(args[i], "--")
		if !ok || name == "" {
			return &ConfigError{Source: flagSource, Line: base + i + 1, Err: fmt.Errorf("%q is not a flag", args[i])}
		}
		if err := c.readDirective(name, args[i+1:next], seen); err != nil {
			err.Source, err.Line = flagSource, base+i+1
			return err
		}
		i = next
	}
	return nil
}

// errQuotes is returned for a line in which a quote is not closed, or closed in the middle of a word.
var errQuotes = errors.New("unbalanced quotes")

// SplitLine takes a line of a configuration file apart. Words are separated by blanks; "double" quotes know \n \r \t \b \a \xHH and a backslash before any
// other byte, 'single' quotes only \'. A line that is blank or begins with # has no words.
func SplitLine(line string) ([]string, error) {
	rest := strings.TrimSpace(line)
	if strings.HasPrefix(rest, "#") {
		return nil, nil
	}
	var words []string
	for rest != "" {
		word, tail, err := cutWord(rest)
		if err != nil {
			return nil, err
		}
		words = append(words, word)
		rest = strings.TrimLeft(tail, " \t")
	}
	return words, nil
}

// cutWord takes one word off the front of s, which does not begin with a blank. What follows a closing quote must be a blank or the end.
func cutWord(s string) (word, rest string, err error) {
	if s[0] != '"' && s[0] != '\'' {
		return cutBare(s)
	}
	var b strings.Builder
	quote := s[0]
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == quote:
			rest = s[i+1:]
			if rest != "" && !strings.HasPrefix(rest, " ") && !strings.HasPrefix(rest, "\t") {
				return "", "", errQuotes
			}
			return b.String(), rest, nil
		case s[i] == '\\' && i+1 < len(s) && (quote == '"' || s[i+1] == '\''):
			c, n := unescape(s[i+1:])
			b.WriteByte(c)
			i += n
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", errQuotes
}

func cutBare(s string) (word, rest string, err error) {
	end := strings.IndexAny(s, " \t")
	if end < 0 {
		end = len(s)
	}
	return s[:end], s[end:], nil
}

// unescape returns the byte that the text after a backslash stands for, and how many bytes of the text it took.
func unescape(s string) (byte, int) {
	switch s[0] {
	case 'n':
		return '\n', 1
	case 'r':
		return '\r', 1
	case 't':
		return '\t', 1
	case 'b':
		return '\b', 1
	case 'a':
		return '\a', 1
	case 'x':
		if len(s) >= 3 && isHex(s[1]) && isHex(s[2]) {
			return unhex(s[1])<<4 | unhex(s[2]), 3
		}
	}
	return s[0], 1
}

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

// quote writes word so that SplitLine reads it back as it was. Plain words stay plain, for the eyes of the administrator; bytes outside of ASCII are escaped
// because nothing says what encoding the file is in.
func quote(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\r\n\"'\\#") && isPrintable(word) {
		return word
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(word) {
		switch c := word[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func isPrintable(word string) bool {
	for i := range len(word) {
		if word[i] < ' ' || word[i] > '~' {
			return false
		}
	}
	return true
}
