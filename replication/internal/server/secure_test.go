package server

import (
	"context"
	"crypto/tls"
	"testing"
	"testing/synctest"
	"time"

	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/internal/testcert"
	"github.com/understudy-go/understudy/resp"
)

// full returns a TLS connection on which nothing is under way, whose other end reads nothing, and into which no good-bye fits any more.
func full(t *testing.T, ca *testcert.CA) *tls.Conn {
	t.Helper()
	const buffer, record = 4000, 22 // bytes that go along with the data of a record
	near, far := memnet.Pipe(&memnet.Options{Buffer: buffer})
	t.Cleanup(func() { near.Close() })
	server := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{ca.Issue("server")}, SessionTicketsDisabled: true, DynamicRecordSizingDisabled: true})
	client := tls.Client(near, &tls.Config{RootCAs: ca.Pool(), ServerName: "server"})
	done := make(chan error, 1)
	go func() { done <- client.Handshake() }()
	if err := server.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := server.Write(make([]byte, buffer-record-near.Incoming().Buffered())); err != nil {
		t.Fatal(err)
	}
	return server
}

// Closing a TLS connection can take five seconds, and with Prompt takes none.
func TestPrompt(t *testing.T) {
	ca := testcert.New(t)
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		full(t, ca).Close()
		if got := time.Since(begun); got != 5*time.Second {
			t.Errorf("without Prompt it took %v: then what is it for?", got)
		}
		begun = time.Now()
		Prompt(full(t, ca)).Close()
		if got := time.Since(begun); got != 0 {
			t.Errorf("with Prompt it took %v", got)
		}
		if c, _ := memnet.Pipe(nil); Prompt(c) != c {
			t.Error("Prompt has changed a connection without TLS")
		}
	})
}

// What becomes a replica's connection is closed at once as well.
func TestHandOverOverTLS(t *testing.T) {
	ca := testcert.New(t)
	n := newFake(t)
	s := start(t, n)
	far, near := secured(ca)
	end := make(chan error, 1)
	go func() { end <- s.ServeConn(context.Background(), far) }()
	c := tls.Client(near, &tls.Config{RootCAs: ca.Pool(), ServerName: "server"})
	c.Write(resp.AppendCommand(nil, "PSYNC", "?", "-1"))
	r := resp.NewReader(c, nil)
	if line, err := r.ReadLine(); err != nil || string(line) != "+CONTINUE" {
		t.Errorf("reply %q, %v", line, err)
	}
	c.Write(resp.AppendCommand(nil, "PING"))
	<-end
	if _, ok := n.peers[0].Conn.(promptConn); !ok {
		t.Errorf("the node was given a %T, whose Close can take seconds", n.peers[0].Conn)
	}
	near.Close()
}
