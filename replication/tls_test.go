package replication_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/testcert"
	"github.com/understudy-go/understudy/replication/replicationtest"
)

// secureSide is one end of TLS links: what it shows, and whom it has seen. Certificate and names may change at any time.
type secureSide struct {
	mu   sync.Mutex
	cert tls.Certificate
	seen []string // common names of the other side, one a handshake
}

func (s *secureSide) show(c tls.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cert = c
}

func (s *secureSide) shown() *tls.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cert
	return &c
}

func (s *secureSide) met(st tls.ConnectionState) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, st.PeerCertificates[0].Subject.CommonName)
	return nil
}

// names returns whom the side has seen, and forgets them.
func (s *secureSide) names() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.seen = nil }()
	return strings.Join(s.seen, " ")
}

// server and client are what a program configures when its certificates are to be renewed while it runs.
func (s *secureSide) server(clients *x509.CertPool) *tls.Config {
	return &tls.Config{
		GetCertificate:   func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.shown(), nil },
		ClientAuth:       tls.RequireAndVerifyClientCert,
		ClientCAs:        clients,
		VerifyConnection: s.met,
	}
}

func (s *secureSide) client(servers *x509.CertPool) *tls.Config {
	return &tls.Config{
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return s.shown(), nil },
		RootCAs:              servers,
		VerifyConnection:     s.met,
	}
}

const secureURL = "rediss://secure:6379"

// serveTLS makes a node listen for TLS at secureURL in the network of p.
func serveTLS(t testing.TB, p *replicationtest.Primary, n interface{ Serve(net.Listener) error }, c *tls.Config) {
	l := tls.NewListener(p.Listen("secure:6379"), c)
	go n.Serve(l) // until the node is closed
}

// Both sides show certificates, both may change them, and what is new holds from the next connection on; that of Barrier is one.
func TestTLSWithCertificatesThatChange(t *testing.T) {
	ca := testcert.New(t)
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		near, far := &secureSide{}, &secureSide{}
		near.show(ca.Issue("replica-1"))
		far.show(ca.Issue("secure"))
		serveTLS(t, p, p, far.server(ca.Pool()))
		p.Do("INCR", "n")
		r, err := replication.Connect(t.Context(), secureURL, &replication.ReplicaOptions{Dial: p.Dial, TLS: near.client(ca.Pool()), Backoff: second})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if a, b := far.names(), near.names(); a != "replica-1" || b != "secure" {
			t.Errorf("the primary has seen %s, the replica %s", a, b)
		}
		near.show(ca.Issue("replica-2"))
		p.Do("INCR", "n")
		barrier(t, r)
		if got := far.names(); got != "replica-2" {
			t.Errorf("at Barrier's connection the primary has seen %s, want replica-2", got)
		}
		renewed := ca.Issue("secure")
		far.show(renewed)
		near.names()
		p.Cut()
		p.Do("INCR", "n")
		settle()
		if a, b := far.names(), near.names(); a != "replica-2" || b != "secure" {
			t.Errorf("after the cut the primary has seen %s, the replica %s", a, b)
		}
		barrier(t, r)
		replicationtest.Same(t, p.Store(), r.Store())
		if st := r.Status(); st.FullSyncs != 1 || st.PartialSyncs != 1 {
			t.Errorf("%d full and %d partial resyncs, want 1 and 1", st.FullSyncs, st.PartialSyncs)
		}
	})
}

// Who is not trusted gets nothing, on either side; the link is tried again, and comes up when the certificate is the right one.
func TestTLSWithoutTrust(t *testing.T) {
	ca, other := testcert.New(t), testcert.New(t)
	for _, tc := range []struct {
		name           string
		server, client tls.Certificate
		stage          string // where it shows
		unknown        bool   // the replica's own check has failed
	}{
		{name: "client of another authority", server: ca.Issue("secure"), client: other.Issue("replica"), stage: "waiting for the reply to PING"},
		{name: "client without a certificate", server: ca.Issue("secure"), stage: "waiting for the reply to PING"},
		{name: "server of another authority", server: other.Issue("secure"), client: ca.Issue("replica"), stage: "TLS handshake", unknown: true},
		{name: "server of another name", server: ca.Issue("elsewhere"), client: ca.Issue("replica"), stage: "TLS handshake", unknown: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := replicationtest.New(t)
				p.Do("INCR", "n")
				near, far := &secureSide{cert: tc.client}, &secureSide{cert: tc.server}
				serveTLS(t, p, p, far.server(ca.Pool()))
				r, _ := startReplica(t, secureURL, &replication.ReplicaOptions{Dial: p.Dial, TLS: near.client(ca.Pool()), Backoff: second})
				settle()
				st := r.Status()
				var link *replication.LinkError
				if st.State != replication.Waiting || !errors.As(st.Err, &link) || link.Stage != tc.stage || st.FullSyncs != 0 {
					t.Errorf("state %v, %v, want waiting after a failure at %q", st.State, st.Err, tc.stage)
				}
				if as[*tls.CertificateVerificationError](st.Err) != tc.unknown {
					t.Errorf("error %v", st.Err)
				}
				// Of a refusal by the primary the replica may see no more than that the connection is gone.
				if got := replication.ReasonOf(st.Err); got != replication.ReasonUntrusted && (tc.unknown || got != replication.ReasonNetwork && got != replication.ReasonEOF && got != replication.ReasonOther) {
					t.Errorf("reason %s of %v, want %s", got, st.Err, replication.ReasonUntrusted)
				}
				if got := p.Status().FullServed; got != 0 {
					t.Errorf("%d full resyncs were served", got)
				}
				near.show(ca.Issue("replica"))
				far.show(ca.Issue("secure"))
				settle()
				if st := r.Status(); st.State != replication.Streaming || get(r.Store(), "n") != "1" {
					t.Errorf("with good certificates: state %v, %v", st.State, st.Err)
				}
			})
		})
	}
}

// A chain over TLS, cut in the middle of records.
func TestTLSLinkCutAnywhere(t *testing.T) {
	ca := testcert.New(t)
	server, client := ca.Issue("secure"), ca.Issue("replica")
	for cut := int64(1); cut < 5000; cut += 97 {
		synctest.Test(t, func(t *testing.T) {
			p := replicationtest.New(t)
			near, far := &secureSide{cert: client}, &secureSide{cert: server}
			serveTLS(t, p, p, far.server(ca.Pool()))
			mix(t, p, 2)
			p.CutAfter(cut)
			r, _ := startReplica(t, secureURL, &replication.ReplicaOptions{Dial: p.Dial, TLS: near.client(ca.Pool()), Backoff: second})
			synctest.Wait()
			mix(t, p, 2)
			settle()
			barrier(t, r)
			replicationtest.Same(t, p.Store(), r.Store())
		})
	}
}

// dialTLS is dial over TLS.
func dialTLS(t testing.TB, p *replicationtest.Primary, c *tls.Config) *peer {
	t.Helper()
	raw, err := p.Dial(t.Context(), "tcp", "secure:6379")
	if err != nil {
		t.Fatal(err)
	}
	c.ServerName = "secure"
	conn := tls.Client(raw, c)
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	return newPeer(t, conn)
}

// A replica that loads for long reads nothing and says so; a write that has begun waits for it, as long as it says so. One that says nothing is dropped.
func TestSlowLoaderOverTLS(t *testing.T) {
	ca := testcert.New(t)
	near, far := &secureSide{cert: ca.Issue("replica")}, &secureSide{cert: ca.Issue("secure")}
	synctest.Test(t, func(t *testing.T) {
		p, logs := watched(t, nil, replication.PrimaryOptions{Timeout: 20 * time.Second})
		serveTLS(t, p, p, far.server(ca.Pool()))
		p.Do("SET", "k", strings.Repeat("x", 8<<20))
		r := dialTLS(t, p, near.client(ca.Pool()))
		r.send("PSYNC", "?", "-1")
		r.expect("+FULLRESYNC")
		for range 100 {
			time.Sleep(time.Second)
			r.say("\n")
		}
		load(t, r.payload())
		if n := logs.FilterMessage("replica detached").Len(); n != 0 {
			t.Errorf("%d replicas were detached", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		p, logs := watched(t, nil, replication.PrimaryOptions{Timeout: 20 * time.Second})
		serveTLS(t, p, p, far.server(ca.Pool()))
		p.Do("SET", "k", strings.Repeat("x", 8<<20))
		r := dialTLS(t, p, near.client(ca.Pool()))
		r.send("PSYNC", "?", "-1")
		r.expect("+FULLRESYNC")
		begun := time.Now()
		for logs.FilterMessage("replica detached").Len() == 0 && time.Since(begun) < time.Minute {
			time.Sleep(time.Second)
		}
		if err := detached(t, logs); !errors.Is(err, replication.ErrStalled) || time.Since(begun) > 21*time.Second {
			t.Errorf("dropped after %v because of %v, want 20s and %v", time.Since(begun), err, replication.ErrStalled)
		}
	})
}

// Whoever closes links over TLS waits for nobody, however deaf the other side is: on a change of history, and at Close.
func TestTLSLinksCloseAtOnce(t *testing.T) {
	ca := testcert.New(t)
	near, far := &secureSide{cert: ca.Issue("replica")}, &secureSide{cert: ca.Issue("secure")}
	synctest.Test(t, func(t *testing.T) {
		p := replicationtest.New(t)
		r := p.Replica(nil) // in between, so that a change of history can be had
		serveTLS(t, p, r, far.server(ca.Pool()))
		p.Do("SET", "k", strings.Repeat("x", 8<<20))
		barrier(t, r)
		for range 3 {
			deaf := dialTLS(t, p, near.client(ca.Pool()))
			deaf.send("PSYNC", "?", "-1")
			deaf.expect("+FULLRESYNC")
		}
		begun := time.Now()
		if _, err := r.Promote(t.Context(), nil); err != nil || time.Since(begun) != 0 {
			t.Errorf("Promote took %v, %v", time.Since(begun), err)
		}
		follower, _ := startReplica(t, secureURL, &replication.ReplicaOptions{Dial: p.Dial, TLS: near.client(ca.Pool()), Backoff: second})
		settle()
		if st := follower.Status(); st.State != replication.Streaming {
			t.Fatalf("state %v, %v", st.State, st.Err)
		}
		p.Stall(0)
		begun = time.Now()
		follower.Close()
		r.Close()
		if got := time.Since(begun); got != 0 {
			t.Errorf("Close of both ends took %v", got)
		}
	})
}

// A handshake that never ends is bounded by the timeout, on the replica's side too.
func TestTLSHandshakeOfADeafPrimary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakePrimary(t, func(p *peer) { p.hold() })
		r, _ := startReplica(t, "rediss://fake:6379", &replication.ReplicaOptions{Dial: f.net.Dial, Backoff: second, Timeout: 5 * time.Second})
		time.Sleep(5500 * time.Millisecond)
		var link *replication.LinkError
		if st := r.Status(); st.State != replication.Waiting || !errors.As(st.Err, &link) || link.Stage != "TLS handshake" || !errors.Is(st.Err, context.DeadlineExceeded) {
			t.Errorf("state %v, %v", st.State, st.Err)
		}
	})
}
