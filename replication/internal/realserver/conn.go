package realserver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// exchangeTimeout bounds one Do, so that a paused or stuck server fails a test instead of hanging it.
const exchangeTimeout = 30 * time.Second

// maxReply bounds what a reply may claim for one string or one array.
const maxReply = 512 << 20

// ReplyError is an error reply, as sent: "WRONGTYPE Operation against...". Any other error out of Do is one of the network.
type ReplyError string

func (e ReplyError) Error() string { return string(e) }

// Doer runs one command and returns its reply: string (simple or bulk), int64, nil, []any, or error, which is a [ReplyError]
// when the server sent it.
type Doer interface {
	Do(args ...string) any
}

// Conn is one RESP2 connection. It is safe for concurrent use; exchanges are one at a time.
type Conn struct {
	net net.Conn

	// mu protects the fields below, and keeps a command and its reply together.
	mu sync.Mutex
	r  *bufio.Reader
}

// Dial connects to host:port.
func Dial(addr string) (*Conn, error) {
	c, err := net.DialTimeout("tcp", addr, exchangeTimeout)
	if err != nil {
		return nil, err
	}
	return NewConn(c), nil
}

// NewConn makes a Conn of a connection that exists, such as one end of a pipe. The Conn owns it from then on.
func NewConn(c net.Conn) *Conn { return &Conn{net: c, r: bufio.NewReader(c)} }

// Close closes the connection. A Do that waits returns with an error.
func (c *Conn) Close() error { return c.net.Close() }

// Do implements [Doer]. After an error that is no ReplyError the connection is of no more use.
func (c *Conn) Do(args ...string) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.send(args); err != nil {
		return err
	}
	v, err := c.receive()
	if err != nil {
		return err
	}
	return v
}

// Send writes a command and waits for no reply: for pipelines, and for commands that answer late. Pair it with [Conn.Receive].
func (c *Conn) Send(args ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.send(args)
}

// Receive reads one reply, in the forms of [Doer].
func (c *Conn) Receive() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, err := c.receive()
	if err != nil {
		return err
	}
	return v
}

func (c *Conn) send(args []string) error {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
	}
	if err := c.net.SetDeadline(time.Now().Add(exchangeTimeout)); err != nil {
		return err
	}
	_, err := c.net.Write(b)
	return err
}

func (c *Conn) receive() (any, error) {
	if err := c.net.SetDeadline(time.Now().Add(exchangeTimeout)); err != nil {
		return nil, err
	}
	return readReply(c.r)
}

// readReply reads one RESP2 reply. An error reply is a value; the error result is for I/O and for broken grammar.
func readReply(r *bufio.Reader) (any, error) {
	line, err := readLine(r)
	if err != nil {
		return nil, err
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+':
		return rest, nil
	case '-':
		return ReplyError(rest), nil
	case ':':
		return strconv.ParseInt(rest, 10, 64)
	case '$':
		return readBulk(r, rest)
	case '*':
		return readArray(r, rest)
	}
	return nil, fmt.Errorf("realserver: reply starts with %q", line)
}

// readLine returns a line without its CRLF; it has at least one byte.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	if n := len(line); n >= 3 && line[n-2] == '\r' {
		return line[:n-2], nil
	}
	return "", fmt.Errorf("realserver: malformed line %q", line)
}

// readBulk reads the string that a header of length announced; -1 stands for no value. The bytes are read as they come: the
// length is not believed before.
func readBulk(r *bufio.Reader, length string) (any, error) {
	n, err := replyLength(length)
	if n < 0 || err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(n)+2))
	if err != nil {
		return nil, err
	}
	if len(b) < n+2 {
		return nil, io.ErrUnexpectedEOF
	}
	return string(b[:n]), nil
}

func readArray(r *bufio.Reader, length string) (any, error) {
	n, err := replyLength(length)
	if n < 0 || err != nil {
		return nil, err
	}
	list := []any{}
	for range n {
		v, err := readReply(r)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func replyLength(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, err
	}
	if n < -1 || n > maxReply {
		return 0, errors.New("realserver: length out of range: " + s)
	}
	return n, nil
}
