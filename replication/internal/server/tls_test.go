package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/replication/internal/testcert"
)

// files writes what directives may name into a folder: an authority, two certificates, and things that are neither.
func files(t *testing.T) (dir string, ca *testcert.CA) {
	t.Helper()
	dir, ca = t.TempDir(), testcert.New(t)
	ca.File(dir, "ca")
	ca.Files(dir, "a", ca.Issue("a"))
	ca.Files(dir, "b", ca.Issue("b"))
	if err := os.WriteFile(filepath.Join(dir, "rubbish"), []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, ca
}

func TestLoadTLS(t *testing.T) {
	dir, _ := files(t)
	for _, c := range []struct {
		flags  string // DIR stands for the folder
		server string // who is shown to clients, and how theirs are treated; "" = no TLS
		client string // who is shown to a primary; "-" nobody
		err    string
	}{
		{flags: "--tls-cert-file DIR/none"},
		{flags: "--tls-port 1 --tls-cert-file DIR/a.crt --tls-key-file DIR/a.key --tls-ca-cert-file DIR/ca", server: "a RequireAndVerifyClientCert"},
		{flags: "--tls-port 1 --tls-cert-file DIR/a.crt --tls-key-file DIR/a.key --tls-ca-cert-file DIR/ca --tls-auth-clients OPTIONAL", server: "a VerifyClientCertIfGiven"},
		{flags: "--tls-port 1 --tls-cert-file DIR/a.crt --tls-key-file DIR/a.key --tls-auth-clients no", server: "a NoClientCert"},
		{flags: "--tls-replication yes --tls-ca-cert-file DIR/ca", client: "-"},
		{flags: "--tls-replication yes --tls-ca-cert-file DIR/ca --tls-cert-file DIR/a.crt --tls-key-file DIR/a.key", client: "a"},
		{flags: "--tls-replication yes --tls-ca-cert-file DIR/ca --tls-cert-file DIR/a.crt --tls-key-file DIR/a.key" +
			" --tls-client-cert-file DIR/b.crt --tls-client-key-file DIR/b.key --tls-port 1", server: "a RequireAndVerifyClientCert", client: "b"},

		{flags: "--tls-port 1", err: "tls-port needs tls-cert-file and tls-key-file"},
		{flags: "--tls-port 1 --tls-cert-file DIR/a.crt", err: "tls-cert-file and tls-key-file go together"},
		{flags: "--tls-port 1 --tls-key-file DIR/a.key", err: "tls-cert-file and tls-key-file go together"},
		{flags: "--tls-port 1 --tls-cert-file DIR/a.crt --tls-key-file DIR/none", err: "none: no such file"},
		{flags: "--tls-port 1 --tls-cert-file DIR/a.crt --tls-key-file DIR/b.key", err: "private key does not match"},
		{flags: "--tls-port 1 --tls-cert-file DIR/rubbish --tls-key-file DIR/a.key", err: "failed to find any PEM data"},
		{flags: "--tls-port 1 --tls-cert-file DIR/a.crt --tls-key-file DIR/a.key", err: errNoAuthority.Error()},
		{flags: "--tls-port 1 --tls-cert-file DIR/a.crt --tls-key-file DIR/a.key --tls-auth-clients optional", err: errNoAuthority.Error()},
		{flags: "--tls-port 1 --tls-cert-file DIR/a.crt --tls-key-file DIR/a.key --tls-ca-cert-file DIR/rubbish", err: errNoAuthorities.Error()},
		{flags: "--tls-port 1 --tls-cert-file DIR/a.crt --tls-key-file DIR/a.key --tls-ca-cert-file DIR/none", err: "none: no such file"},
		{flags: "--tls-port 1 --tls-protocols SSLv3", err: errProtocols.Error()},
		{flags: "--tls-replication yes", err: errNoAuthority.Error()},
		{flags: "--tls-replication yes --tls-ca-cert-file DIR/ca --tls-client-cert-file DIR/b.crt", err: "tls-client-cert-file and tls-client-key-file go together"},
	} {
		cfg, err := ParseArgs(strings.Fields(strings.ReplaceAll(c.flags, "DIR", dir)), nil)
		if err != nil {
			t.Fatal(err)
		}
		err = cfg.LoadTLS()
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %s", c.flags, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.flags, err)
			continue
		}
		server, client := "", ""
		if cfg.tls != nil && cfg.tls.server != nil {
			server = shown(cfg.tls.server) + " " + cfg.tls.server.ClientAuth.String()
		}
		if up := cfg.upstreamTLS(); up != nil {
			client = shown(up)
		}
		if server != c.server || client != c.client {
			t.Errorf("%s: shows %q to clients and %q to a primary, want %q and %q", c.flags, server, client, c.server, c.client)
		}
	}
}

func shown(c *tls.Config) string {
	if len(c.Certificates) == 0 {
		return "-"
	}
	return c.Certificates[0].Leaf.Subject.CommonName
}

func TestProtocols(t *testing.T) {
	for _, c := range []struct {
		text           string
		oldest, newest uint16
		bad            bool
	}{
		{"", 0, 0, false},
		{"TLSv1.3", tls.VersionTLS13, tls.VersionTLS13, false},
		{"TLSv1.2 TLSv1.3", tls.VersionTLS12, tls.VersionTLS13, false},
		{"tlsv1.3 tlsv1 TLSv1.1", tls.VersionTLS10, tls.VersionTLS13, false},
		{"TLSv1.2 SSLv3", 0, 0, true},
	} {
		oldest, newest, err := protocols(c.text)
		if oldest != c.oldest || newest != c.newest || (err != nil) != c.bad {
			t.Errorf("protocols(%q) = %x, %x, %v, want %x, %x", c.text, oldest, newest, err, c.oldest, c.newest)
		}
	}
}

// A primary may have any name, but must be vouched for, and for being a server.
func TestSignedBy(t *testing.T) {
	ca, other := testcert.New(t), testcert.New(t)
	if err := signedBy(ca.Pool(), []*x509.Certificate{ca.IssueHost("anything").Leaf}); err != nil {
		t.Error(err)
	}
	var unknown *tls.CertificateVerificationError
	if err := signedBy(ca.Pool(), []*x509.Certificate{other.IssueHost("anything").Leaf}); !errors.As(err, &unknown) {
		t.Errorf("of another authority: %v", err)
	}
}

// What a primary is told to be our port is the one that it could reach in the same way.
func TestListeningPort(t *testing.T) {
	dir, _ := files(t)
	for flags, want := range map[string]int{
		"--port 7": 7,
		"--port 7 --tls-port 8 --tls-auth-clients no --tls-cert-file DIR/a.crt --tls-key-file DIR/a.key":                           7,
		"--port 7 --tls-port 8 --tls-replication yes --tls-ca-cert-file DIR/ca --tls-cert-file DIR/a.crt --tls-key-file DIR/a.key": 8,
		"--port 7 --tls-replication yes --tls-ca-cert-file DIR/ca":                                                                 7,
	} {
		cfg, err := ParseArgs(strings.Fields(strings.ReplaceAll(flags, "DIR", dir)), nil)
		if err == nil {
			err = cfg.LoadTLS()
		}
		if got := cfg.Settings().ListeningPort; err != nil || got != want {
			t.Errorf("%s: port %d, %v, want %d", flags, got, err, want)
		}
	}
}

// CONFIG SET takes all of TLS anew, or nothing; what else is set does not read the files.
func TestConfigSetTLS(t *testing.T) {
	dir, ca := files(t)
	flags := strings.Fields(strings.ReplaceAll("--tls-port 1 --tls-cert-file DIR/a.crt --tls-key-file DIR/a.key --tls-ca-cert-file DIR/ca", "DIR", dir))
	cfg := testConfig(t, flags...)
	if err := cfg.LoadTLS(); err != nil {
		t.Fatal(err)
	}
	n := newFake(t)
	s := New(n, &Options{Config: cfg, Standalone: true})
	defer s.Close()
	c := dial(t, s)
	now := func() string { return shown(s.config().tls.server) + " " + s.config().tls.server.ClientAuth.String() }

	c.want("OK", "CONFIG", "SET", "tls-key-file", dir+"/b.key", "hz", "20", "tls-cert-file", dir+"/b.crt")
	if got := now(); got != "b RequireAndVerifyClientCert" {
		t.Errorf("after CONFIG SET: %s", got)
	}
	if got := c.value("CONFIG", "SET", "hz", "30", "TLS-cert-file", dir+"/a.crt", "tls-auth-clients", "no").Str; !strings.HasPrefix(got,
		"ERR CONFIG SET failed (possibly related to argument 'TLS-cert-file') - tls-cert-file, tls-key-file: ") {
		t.Errorf("a key that does not fit: %s", got)
	}
	if got := now(); got != "b RequireAndVerifyClientCert" || s.config().Int("hz") != 20 || s.config().Text("tls-cert-file") != dir+"/b.crt" {
		t.Errorf("after a mistake: %s, hz %d", got, s.config().Int("hz"))
	}
	c.want("OK", "CONFIG", "SET", "tls-auth-clients", "optional", "tls-replication", "yes")
	if got := now(); got != "b VerifyClientCertIfGiven" || n.settings.TLS == nil || shown(n.settings.TLS) != "b" {
		t.Errorf("after CONFIG SET: %s, towards a primary %v", got, n.settings.TLS)
	}
	// The names stay, what is behind them is another one.
	ca.Files(dir, "b", ca.Issue("renewed"))
	c.want("OK", "CONFIG", "SET", "hz", "10")
	if got := now(); got != "b VerifyClientCertIfGiven" {
		t.Errorf("a directive that is not about TLS has read the files: %s", got)
	}
	c.want("OK", "CONFIG", "SET", "tls-cert-file", dir+"/b.crt")
	if got := now(); got != "renewed VerifyClientCertIfGiven" || shown(n.settings.TLS) != "renewed" {
		t.Errorf("after CONFIG SET of the same name: %s", got)
	}
	c.want("ERR CONFIG SET failed (possibly related to argument 'tls-port') - can't set immutable config", "CONFIG", "SET", "tls-port", "2")
	c.want("OK", "CONFIG", "SET", "tls-replication", "no")
	if n.settings.TLS != nil {
		t.Error("tls-replication no: TLS towards the primary goes on")
	}
}
