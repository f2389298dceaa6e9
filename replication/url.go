package replication

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
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
// number of a database, must be empty: all databases are replicated.
func parseURL(text string) (target, error) {
	u, err := url.Parse(text)
	if err != nil {
		// The error of the url package repeats the text, which may hold a password.
		return target{}, errors.New("replication: malformed URL")
	}
	t := target{network: "tcp", username: u.User.Username()}
	t.password, _ = u.User.Password()
	switch u.Scheme {
	case "redis":
	case "rediss":
		t.tls = true
	case "unix":
		return t.socket(u)
	default:
		return target{}, fmt.Errorf("replication: URL scheme %q is none of redis, rediss, unix", u.Scheme)
	}
	return t.host(u)
}

func (t target) socket(u *url.URL) (target, error) {
	if u.Host != "" || u.Path == "" {
		return target{}, errors.New("replication: URL of a socket needs three slashes and a path")
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
		return target{}, fmt.Errorf("replication: URL port %q", port)
	}
	if u.Hostname() == "" {
		return target{}, errors.New("replication: URL without a host")
	}
	if u.Path != "" && u.Path != "/" {
		return target{}, fmt.Errorf("replication: URL path %q: all databases are replicated, none can be chosen", u.Path)
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
