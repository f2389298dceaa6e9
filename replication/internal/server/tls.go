package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
)

// The directives of TLS, whose meaning is that of Redis 7.0:
//
//	tls-port                            listens there, besides port
//	tls-cert-file, tls-key-file         what is shown to clients, and to a primary if the next two are not set
//	tls-client-cert-file, -key-file     what is shown to a primary
//	tls-ca-cert-file                    who signs the other side's certificates
//	tls-auth-clients yes|no|optional    whether clients must show one, need not be asked, or may
//	tls-replication yes|no              talks TLS to the primary
//	tls-protocols                       "TLSv1.2 TLSv1.3": the oldest and the newest of those named
//
// CONFIG SET of any but tls-port reads all files anew, and all of it holds from the next handshake on, or nothing if there is a mistake. Connections stay.

// tlsConfigs are the two sides of TLS. Immutable.
type tlsConfigs struct {
	server *tls.Config // nil without tls-port
	client *tls.Config // nil without tls-replication
}

var (
	errNoCertificate = errors.New("tls-port needs tls-cert-file and tls-key-file")
	errNoAuthority   = errors.New("tls-auth-clients (which is yes unless set) and tls-replication need tls-ca-cert-file")
	errNoAuthorities = errors.New("no certificate in it")
	errProtocols     = errors.New("tls-protocols must name some of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3")
)

// LoadTLS reads the files that the directives name. Without tls-port and tls-replication it reads none, and nothing can be wrong.
func (c *Config) LoadTLS() error {
	listening, following := c.Int("tls-port") != 0, c.Bool("tls-replication")
	if !listening && !following {
		c.tls = nil
		return nil
	}
	shared, err := c.sharedTLS()
	if err != nil {
		return err
	}
	next := &tlsConfigs{}
	if listening {
		next.server, err = c.serverTLS(shared)
	}
	if following && err == nil {
		next.client, err = c.clientTLS(shared)
	}
	if err != nil {
		return err
	}
	c.tls = next
	return nil
}

// sharedTLS returns what both sides need: the certificate, the authority and the protocols.
func (c *Config) sharedTLS() (*tls.Config, error) {
	shared := &tls.Config{}
	var err error
	if shared.MinVersion, shared.MaxVersion, err = protocols(c.Text("tls-protocols")); err != nil {
		return nil, err
	}
	if shared.Certificates, err = c.certificate("tls-cert-file", "tls-key-file"); err != nil {
		return nil, err
	}
	shared.RootCAs, err = c.authority()
	return shared, err
}

// serverTLS is for clients. Tickets are off: with one, a client would come back without its certificate being looked at again, which may be trusted no more.
func (c *Config) serverTLS(shared *tls.Config) (*tls.Config, error) {
	if len(shared.Certificates) == 0 {
		return nil, errNoCertificate
	}
	s := shared.Clone()
	s.ClientCAs, s.RootCAs, s.SessionTicketsDisabled = s.RootCAs, nil, true
	switch c.Text("tls-auth-clients") {
	case "yes":
		s.ClientAuth = tls.RequireAndVerifyClientCert
	case "optional":
		s.ClientAuth = tls.VerifyClientCertIfGiven
	default:
		return s, nil
	}
	if s.ClientCAs == nil {
		return nil, errNoAuthority
	}
	return s, nil
}

// clientTLS is for the primary, whose certificate must be signed by the authority. The name in it may be any, as in Redis: primaries are addresses, and change.
func (c *Config) clientTLS(shared *tls.Config) (*tls.Config, error) {
	if shared.RootCAs == nil {
		return nil, errNoAuthority
	}
	s := shared.Clone()
	if own, err := c.certificate("tls-client-cert-file", "tls-client-key-file"); err != nil {
		return nil, err
	} else if len(own) > 0 {
		s.Certificates = own
	}
	s.InsecureSkipVerify = true // of the name only, the rest is verified here
	s.VerifyConnection = func(state tls.ConnectionState) error { return signedBy(s.RootCAs, state.PeerCertificates) }
	return s, nil
}

// signedBy verifies a server's certificate but for its name.
func signedBy(roots *x509.CertPool, chain []*x509.Certificate) error {
	between := x509.NewCertPool()
	for _, cert := range chain[1:] { // a server has shown at least one
		between.AddCert(cert)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}

// certificate reads a pair of files, none when neither is named.
func (c *Config) certificate(certName, keyName string) ([]tls.Certificate, error) {
	certFile, keyFile := c.Text(certName), c.Text(keyName)
	switch {
	case certFile == "" && keyFile == "":
		return nil, nil
	case certFile == "" || keyFile == "":
		return nil, fmt.Errorf("%s and %s go together", certName, keyName)
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", certName, keyName, err)
	}
	return []tls.Certificate{cert}, nil
}

// authority reads tls-ca-cert-file, nil when it is not set.
func (c *Config) authority() (*x509.CertPool, error) {
	file := c.Text("tls-ca-cert-file")
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	pool := x509.NewCertPool()
	if err == nil && !pool.AppendCertsFromPEM(text) {
		err = errNoAuthorities
	}
	if err != nil {
		return nil, fmt.Errorf("tls-ca-cert-file: %w", err)
	}
	return pool, nil
}

// protocols returns the oldest and the newest version that are named; zero leaves both to package tls.
func protocols(text string) (oldest, newest uint16, err error) {
	for _, word := range strings.Fields(text) {
		v := protocol(word)
		if v == 0 {
			return 0, 0, errProtocols
		}
		if oldest == 0 || v < oldest {
			oldest = v
		}
		newest = max(newest, v)
	}
	return oldest, newest, nil
}

func protocol(word string) uint16 {
	switch strings.ToLower(word) {
	case "tlsv1":
		return tls.VersionTLS10
	case "tlsv1.1":
		return tls.VersionTLS11
	case "tlsv1.2":
		return tls.VersionTLS12
	case "tlsv1.3":
		return tls.VersionTLS13
	}
	return 0
}

// upstreamTLS returns how to talk to the primary, nil for without TLS.
func (c *Config) upstreamTLS() *tls.Config {
	if c.tls == nil {
		return nil
	}
	return c.tls.client
}

// listeningPort is what a primary is told: it shall show the port that can be reached in the way in which we reach it.
func (c *Config) listeningPort() int {
	if port := c.Int("tls-port"); port != 0 && c.Bool("tls-replication") {
		return int(port)
	}
	return int(c.Int("port"))
}

// errTLSOff ends a handshake that nobody has asked for: the port of TLS cannot be closed at run time, and cannot be opened.
var errTLSOff = errors.New("server: TLS is not configured")

// TLSListener returns a listener that expects TLS from the clients of l, with the configuration of the moment.
func (s *Server) TLSListener(l net.Listener) net.Listener {
	return tls.NewListener(l, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if t := s.config().tls; t != nil && t.server != nil {
			return t.server, nil
		}
		return nil, errTLSOff
	}})
}
