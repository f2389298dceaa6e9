// Package testcert makes certificates for tests: an authority, what it signs, and the files that directives name.
//
// They are valid for a century either side of now, and therefore in a synctest bubble too, whose clock begins in the year 2000.
package testcert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CA is an authority.
type CA struct {
	t    testing.TB
	cert *x509.Certificate
	der  []byte
	key  *ecdsa.PrivateKey
}

// New returns an authority of its own: nobody trusts it but who is given its Pool or its File.
func New(t testing.TB) *CA {
	t.Helper()
	ca := &CA{t: t, key: newKey(t)}
	template := newTemplate(t, "test authority")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	ca.der = ca.sign(template, template, &ca.key.PublicKey)
	var err error
	if ca.cert, err = x509.ParseCertificate(ca.der); err != nil {
		t.Fatal(err)
	}
	return ca
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newTemplate(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2126, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

func (ca *CA) sign(template, parent *x509.Certificate, key *ecdsa.PublicKey) []byte {
	ca.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, ca.key)
	if err != nil {
		ca.t.Fatal(err)
	}
	return der
}

// Issue returns a certificate for servers and clients called name, which is also a host; 127.0.0.1 is another.
func (ca *CA) Issue(name string) tls.Certificate { return ca.issue(name, net.IPv4(127, 0, 0, 1)) }

// IssueHost is Issue without 127.0.0.1.
func (ca *CA) IssueHost(name string) tls.Certificate { return ca.issue(name) }

func (ca *CA) issue(name string, ips ...net.IP) tls.Certificate {
	ca.t.Helper()
	key, template := newKey(ca.t), newTemplate(ca.t, name)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.DNSNames, template.IPAddresses = []string{name}, ips
	der := ca.sign(template, ca.cert, &key.PublicKey)
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		ca.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// Pool returns a pool that holds this authority alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// File writes the authority's certificate into dir, under a name, and returns the path.
func (ca *CA) File(dir, name string) string {
	ca.t.Helper()
	return ca.write(dir, name, "CERTIFICATE", ca.der)
}

// Files writes a certificate and its key as dir/name.crt and dir/name.key. What is there is replaced.
func (ca *CA) Files(dir, name string, c tls.Certificate) (cert, key string) {
	ca.t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		ca.t.Fatal(err)
	}
	return ca.write(dir, name+".crt", "CERTIFICATE", c.Certificate[0]), ca.write(dir, name+".key", "PRIVATE KEY", der)
}

func (ca *CA) write(dir, name, kind string, der []byte) string {
	ca.t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		ca.t.Fatal(err)
	}
	return path
}
