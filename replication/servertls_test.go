package replication_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/replication/internal/testcert"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// certFiles are what directives of TLS name: an authority, and a certificate of the given name.
type certFiles struct {
	dir string
	ca  *testcert.CA
}

func newCertFiles(t testing.TB, names ...string) *certFiles {
	c := &certFiles{dir: t.TempDir(), ca: testcert.New(t)}
	c.ca.File(c.dir, "ca.crt")
	for _, name := range names {
		c.ca.Files(c.dir, name, c.ca.Issue(name))
	}
	return c
}

func (c *certFiles) path(name string) string { return filepath.Join(c.dir, name) }

// flags are those of a server with the certificate called name.
func (c *certFiles) flags(name string, more ...string) []string {
	return append([]string{"--tls-cert-file", c.path(name + ".crt"), "--tls-key-file", c.path(name + ".key"), "--tls-ca-cert-file", c.path("ca.crt")}, more...)
}

// client is the configuration of a client that shows a certificate called name, none if that is "".
func (c *certFiles) client(name string) *tls.Config {
	conf := &tls.Config{RootCAs: c.ca.Pool(), ServerName: "server"}
	if name != "" {
		conf.Certificates = []tls.Certificate{c.ca.Issue(name)}
	}
	return conf
}

// secureServer runs a server with TLS alone in nw.
func secureServer(t *testing.T, nw *memnet.Network, flags ...string) *running {
	t.Helper()
	return run(t, nw, append([]string{"--save", "", "--dir", t.TempDir(), "--port", "0", "--tls-port", "6379", "--repl-diskless-sync-delay", "0"}, flags...)...)
}

// greet returns what a client gets for a PING over TLS: PONG, or the error.
func greet(t *testing.T, nw *memnet.Network, c *tls.Config) string {
	t.Helper()
	raw, err := nw.Dial(t.Context(), "tcp", "server:6379")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	conn := tls.Client(raw, c)
	fmt.Fprint(conn, "PING\r\n") // may fail when the server is gone already; why is in what it has sent
	line, err := resp.NewReader(conn, nil).ReadLine()
	if err != nil {
		return err.Error()
	}
	return string(line)
}

// Who may come in is what tls-auth-clients says, and what CONFIG SET says holds for those who come later.
func TestServerTLSClients(t *testing.T) {
	files, other := newCertFiles(t, "server", "renewed"), newCertFiles(t)
	other.ca.File(files.dir, "other.crt")
	synctest.Test(t, func(t *testing.T) {
		nw := memnet.New(nil)
		s := secureServer(t, nw, files.flags("server")...)
		stranger := files.client("")
		stranger.Certificates = other.client("client").Certificates
		expect := func(when string, known, none, unknown string) {
			t.Helper()
			for _, c := range []struct {
				name string
				conf *tls.Config
				want string
			}{{"a certificate", files.client("client"), known}, {"none", files.client(""), none}, {"one of another authority", stranger, unknown}} {
				if got := greet(t, nw, c.conf); !strings.Contains(got, c.want) {
					t.Errorf("%s: a client with %s gets %s, want %s", when, c.name, got, c.want)
				}
			}
		}
		raw, err := nw.Dial(t.Context(), "tcp", "server:6379")
		if err != nil {
			t.Fatal(err)
		}
		inside := realserver.NewConn(tls.Client(raw, files.client("client")))
		wantReply(t, inside, "PONG", "PING")
		returning := files.client("client")
		returning.ClientSessionCache = tls.NewLRUClientSessionCache(0)
		for range 2 {
			if got := greet(t, nw, returning); got != "+PONG" {
				t.Errorf("a client that comes back gets %s", got)
			}
		}
		expect("yes", "PONG", "certificate required", "unknown certificate authority")
		wantReply(t, inside, "OK", "CONFIG", "SET", "tls-auth-clients", "optional")
		expect("optional", "PONG", "PONG", "unknown certificate authority")
		wantReply(t, inside, "OK", "CONFIG", "SET", "tls-auth-clients", "no")
		expect("no", "PONG", "PONG", "PONG")
		wantReply(t, inside, "OK", "CONFIG", "SET", "tls-auth-clients", "yes", "tls-ca-cert-file", files.path("other.crt"))
		expect("another authority", "unknown certificate authority", "certificate required", "PONG")
		if got := greet(t, nw, returning); !strings.Contains(got, "unknown certificate authority") {
			t.Errorf("a client that comes back with a session, and whose certificate is trusted no more, gets %s", got)
		}
		wantReply(t, inside, "PONG", "PING") // who is in stays in
		wantReply(t, inside, "OK", "CONFIG", "SET", "tls-protocols", "TLSv1.2", "tls-auth-clients", "no")
		modern := files.client("")
		modern.MinVersion = tls.VersionTLS13
		if got := greet(t, nw, modern); !strings.Contains(got, "protocol version") {
			t.Errorf("TLS 1.3 where 1.2 alone is allowed: %s", got)
		}
		plain := dialServer(t, nw)
		if got := fmt.Sprint(plain.Do("PING")); strings.Contains(got, "PONG") {
			t.Errorf("a client without TLS got %s", got)
		}
		synctest.Wait()
		if got := strings.Count(s.log.String(), "TLS handshake failed"); got != 4 { // the 1st, 2nd, 4th and 8th of 8
			t.Errorf("%d lines of the log are about failed handshakes, want 4: %s", got, s.log.String())
		}
		inside.Close()
		plain.Close()
		s.stop(t)
	})
}

// A server that talks TLS to both sides shows its primary the certificate of the moment, and does not ask for the primary's name, which Redis does not either; the
// authority it does ask for.
func TestServerTLSReplication(t *testing.T) {
	files, other := newCertFiles(t, "server", "renewed"), testcert.New(t)
	p, err := replication.NewPrimary(store.New(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	far := &secureSide{cert: files.ca.IssueHost("primary")}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go p.Serve(tls.NewListener(l, far.server(files.ca.Pool())))
	_, port, _ := net.SplitHostPort(l.Addr().String())
	do(t, p.Store(), "INCR", "n")

	s := run(t, nil, files.flags("server", "--port", "0", "--tls-port", "1", "--save", "", "--dir", t.TempDir(), "--repl-diskless-sync-delay", "0",
		"--tls-replication", "yes", "--replicaof", "127.0.0.1 "+port)...)
	secure, err := tls.Dial("tcp", s.Addr().String(), files.client("client"))
	if err != nil {
		t.Fatal(err)
	}
	c := realserver.NewConn(secure)
	defer c.Close()
	r := connect(t, "rediss://"+s.Addr().String(), &replication.ReplicaOptions{TLS: files.client("last")})
	follows := func(n string) {
		t.Helper()
		realserver.Await(t, 20*time.Second, func() bool { return c.Do("GET", "n") == n && get(r.Store(), "n") == n }, "n is "+n)
	}
	follows("1")
	if got := far.names(); got != "server" {
		t.Errorf("the primary has seen %q, want server", got)
	}
	mustDo(t, c, "CONFIG", "SET", "tls-cert-file", files.path("renewed.crt"), "tls-key-file", files.path("renewed.key"))
	mustDo(t, c, "CLIENT", "KILL", "TYPE", "master")
	do(t, p.Store(), "INCR", "n")
	follows("2")
	if got := far.names(); got != "renewed" {
		t.Errorf("after CONFIG SET the primary has seen %q, want renewed", got)
	}
	far.show(other.IssueHost("primary"))
	mustDo(t, c, "CLIENT", "KILL", "TYPE", "master")
	realserver.Await(t, 20*time.Second, func() bool {
		text, _ := c.Do("INFO", "replication").(string)
		return strings.Contains(text, "understudy_link_error:") && strings.Contains(text, "unknown authority")
	}, "a primary of another authority is refused")
	do(t, p.Store(), "INCR", "n")
	far.show(files.ca.IssueHost("primary"))
	follows("3")
	r.Close()
	c.Close()
	s.stop(t)
}

// Mistakes are found at start, and name the directive.
func TestServerTLSMistakes(t *testing.T) {
	files := newCertFiles(t, "server")
	if err := os.WriteFile(files.path("server.key"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	listened := 0
	_, err := replication.NewServer(files.flags("server", "--tls-port", "1"), &replication.ServerOptions{Listen: func(string, string) (net.Listener, error) {
		listened++
		return nil, errors.New("not reached")
	}})
	if err == nil || !strings.Contains(err.Error(), "tls-key-file") || listened != 0 {
		t.Errorf("NewServer with a broken key: %v, %d listeners", err, listened)
	}
}

// portFlags returns flags for a server with TLS on a free port besides its own, and the port.
func (c *certFiles) portFlags(t testing.TB, name string, more ...string) (flags []string, port string) {
	port = strconv.Itoa(realserver.FreePort(t))
	return c.flags(name, append([]string{"--tls-port", port}, more...)...), port
}

// Redis as a primary over TLS, which wants certificates: of a library's replica, of a server, and of a Redis that follows that server.
func TestInteropTLSFollow(t *testing.T) {
	for _, v := range []realserver.Version{realserver.R7, realserver.R8} {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			files := newCertFiles(t, "primary", "server", "last")
			flags, port := files.portFlags(t, "primary", "--requirepass", "secret", "--masterauth", "secret")
			p := realserver.Start(t, v, flags...)
			auth := func(d realserver.Doer) { mustDo(t, d, "AUTH", "secret") }
			up := connTo(t, p.Addr())
			auth(up)
			mustDo(t, up, "INCR", "n")
			mustDo(t, up, "RPUSH", "list", "a", "b")

			conf := files.client("replica")
			conf.ServerName = "" // that of the URL, which is in the certificate
			r := connect(t, "rediss://:secret@127.0.0.1:"+port, &replication.ReplicaOptions{TLS: conf})
			middle := run(t, nil, files.flags("server", "--port", "0", "--tls-port", "1", "--tls-replication", "yes", "--masterauth", "secret", "--requirepass", "secret",
				"--save", "", "--dir", t.TempDir(), "--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1 "+port)...)
			_, middlePort, _ := net.SplitHostPort(middle.Addr().String())
			flags, _ = files.portFlags(t, "last", "--tls-replication", "yes", "--masterauth", "secret", "--replicaof", "127.0.0.1 "+middlePort)
			last := realserver.Start(t, v, flags...)
			for i := range 50 {
				mustDo(t, up, "INCR", "n")
				mustDo(t, up, "RPUSH", "list", strconv.Itoa(i))
			}
			if err := r.Barrier(t.Context()); err != nil {
				t.Fatal(err)
			}
			realserver.Await(t, 20*time.Second, func() bool { return last.Do("GET", "n") == "51" && last.Do("LLEN", "list") == int64(52) }, "the last of the chain has all")
			if got := get(r.Store(), "n"); got != "51" {
				t.Errorf("the replica has n = %s, want 51", got)
			}
			mustDo(t, up, "CLIENT", "KILL", "TYPE", "replica")
			mustDo(t, up, "INCR", "n")
			realserver.Await(t, 20*time.Second, func() bool { return last.Do("GET", "n") == "52" && get(r.Store(), "n") == "52" }, "the chain continues")
			if st := r.Status(); st.FullSyncs != 1 || st.PartialSyncs != 1 {
				t.Errorf("%d full and %d partial resyncs, want 1 and 1", st.FullSyncs, st.PartialSyncs)
			}
			r.Close()
			middle.stop(t)
		})
	}
}

// redis-cli over TLS, and what it says when it is not let in.
func TestInteropTLSClient(t *testing.T) {
	files, other := newCertFiles(t, "server", "client"), newCertFiles(t, "client")
	cli := realserver.Tool(t, realserver.R7, "cli")
	s := run(t, nil, files.flags("server", "--port", "0", "--tls-port", "1", "--save", "", "--dir", t.TempDir())...)
	_, port, _ := net.SplitHostPort(s.Addr().String())
	call := func(c *certFiles, args ...string) string {
		out, _ := realserver.Run(t, cli, "", append([]string{"-p", port, "--tls", "--cacert", files.path("ca.crt"), "--cert", c.path("client.crt"), "--key", c.path("client.key")}, args...)...)
		return strings.TrimSpace(out)
	}
	for range 3 {
		call(files, "INCR", "n")
	}
	if got := call(files, "GET", "n"); got != "3" {
		t.Errorf("GET n = %s, want 3", got)
	}
	if got := call(other, "GET", "n"); !strings.Contains(got, "unknown ca") && !strings.Contains(got, "closed") && !strings.Contains(got, "reset") && !strings.Contains(got, "Error") {
		t.Errorf("with a certificate of another authority: %s", got)
	}
	s.stop(t)
}
