package replication

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

const defaultPort = "6379"

// target is where a primary is, and who we are to it. It is immutable.
type target struct {
	network  string // tcp or unix
	addr     string // host:port, or the path of a socket
	tls      bool
	username string
	password string
}

// parseURL reads the forms
//
//	redis://[user:password@]host[:port]
//	rediss://[user:password@]host[:port]   over TLS
//	unix://[user:password@]/path
//
// redis://:password@host shows a password without a user name, as servers before Redis 6.0 want it. A path after the port, which clients use for the
// number of a database, must be empty: all databases are replicated. There are no parameters behind a question mark.
//
// Errors say what is wrong in words of their own and quote nothing but the scheme: a password with a / or # in it may be taken for any other part.
func parseURL(text string) (target, error) {
	t, err := readURL(text)
	if err != nil {
		return target{}, fmt.Errorf("replication: URL %w; write redis://[user:password@]host:port", err)
	}
	return t, nil
}

func readURL(text string) (target, error) {
	if !strings.Contains(text, "://") {
		return target{}, errors.New("without a scheme")
	}
	u, err := url.Parse(text)
	if err != nil {
		return target{}, unreadable(err)
	}
	t := target{network: "tcp", username: u.User.Username()}
	t.password, _ = u.User.Password()
	switch {
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return target{}, errors.New("with a ? or #: there are no parameters, and in a password they are written %3F and %23")
	case t.username != "" && t.password == "":
		return target{}, errors.New("with a user but no password")
	}
	switch u.Scheme {
	case "redis":
	case "rediss":
		t.tls = true
	case "unix":
		return t.socket(u)
	default:
		return target{}, fmt.Errorf("scheme %q is none of redis, rediss, unix", u.Scheme)
	}
	return t.host(u)
}

// unreadable says what the url package means, whose errors repeat parts of the text.
func unreadable(err error) error {
	if _, ok := errorAs[url.EscapeError](err); ok {
		return errors.New("with a % that begins no escape: a % itself is written %25")
	}
	if strings.Contains(err.Error(), "invalid port") {
		return errors.New("port is not a number, or a password has a / in it, which is written %2F")
	}
	return errors.New("malformed")
}

func (t target) socket(u *url.URL) (target, error) {
	if u.Host != "" || u.Path == "" {
		return target{}, errors.New("of a socket needs three slashes and a path, as in unix:///path")
	}
	t.network, t.addr = "unix", u.Path
	return t, nil
}

func (t target) host(u *url.URL) (target, error) {
	port := u.Port()
	if port == "" {
		port = defaultPort
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return target{}, errors.New("port is not within 1 to 65535")
	}
	if u.Hostname() == "" {
		return target{}, errors.New("without a host")
	}
	if u.Path != "" && u.Path != "/" {
		return target{}, errors.New("with a path: all databases are replicated, none can be chosen")
	}
	t.addr = net.JoinHostPort(u.Hostname(), port)
	return t, nil
}

// hostPort splits the address for display; a socket is its path and port 0, as Redis shows it.
func (t target) hostPort() (string, int) {
	if t.network == "unix" {
		return t.addr, 0
	}
	host, port, err := net.SplitHostPort(t.addr)
	if err != nil {
		return t.addr, 0
	}
	n, _ := strconv.Atoi(port)
	return host, n
}

// same tells whether two targets are one place.
func (t target) same(o target) bool {
	return t.network == o.network && t.addr == o.addr && t.tls == o.tls
}
