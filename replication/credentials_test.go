package replication

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/store"
)

// What a server says when it refuses AUTH is told, but never the password, however the server repeats it.
func TestRefusedErrorHidesThePassword(t *testing.T) {
	for _, tc := range []struct{ command, reply, password, want string }{
		{"AUTH", "WRONGPASS invalid username-password pair or user is disabled.", "secret", "WRONGPASS invalid username-password pair or user is disabled."},
		{"AUTH", "ERR unknown command 'AUTH', with args beginning with: 'secret' ", "secret", "ERR unknown command"},
		{"AUTH", "ERR unknown command `AUTH`, with args beginning with: `user`, `secret`, ", "secret", "ERR unknown command"},
		{"AUTH", "ERR no command AUTH secret", "secret", "ERR"},
		{"AUTH", "ERR no command AUTH it's", "it's", "ERR"},
		{"AUTH", "secret", "secret", "ERR"},
		{"AUTH", "ERR " + strings.Repeat("x", 130) + " secret", "secret", "ERR"},
		{"AUTH", "ERR unknown command 'AUTH', with args beginning with: '" + strings.Repeat("p", 128) + "' ", strings.Repeat("p", 300), "ERR unknown command"},
		{"INFO", "ERR unknown command 'INFO'", "secret", "ERR unknown command 'INFO'"},
		{"AUTH", "ERR 'x' without a password", "", "ERR 'x' without a password"},
	} {
		err := refusedError(tc.command, tc.reply, tc.password)
		if err.Command != tc.command || err.Reply != tc.want {
			t.Errorf("refusedError(%q, %q, %q) = %q, want %q", tc.command, tc.reply, tc.password, err.Reply, tc.want)
		}
		if tc.command == "AUTH" && !errors.Is(err, ErrDenied) {
			t.Errorf("%v is not ErrDenied", err)
		}
	}
	if errors.Is(refusedError("INFO", "ERR x", ""), ErrDenied) || errors.Is(refusedError("PSYNC", "NOMASTERLINK x", ""), ErrDenied) {
		t.Error("any refusal is ErrDenied")
	}
	if !errors.Is(refusedError("PSYNC", "NOPERM x", ""), ErrDenied) {
		t.Error("NOPERM is not ErrDenied")
	}
}

func TestAccessReasons(t *testing.T) {
	link := func(err error) error { return &LinkError{Primary: "p:1", Stage: "x", Err: err} }
	for _, tc := range []struct {
		err  error
		want Reason
	}{
		{&CredentialsError{store.ErrClosed}, ReasonNoCredentials},
		{link(&CredentialsError{context.Canceled}), ReasonNoCredentials},
		{link(&tls.CertificateVerificationError{Err: errors.New("x")}), ReasonUntrusted},
		{link(tls.RecordHeaderError{Msg: "x"}), ReasonUntrusted},
		{link(&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}), ReasonUntrusted},
		{link(&net.OpError{Op: "dial", Err: errors.New("x")}), ReasonNetwork},
		{link(&RefusedError{Command: "AUTH", Reply: "WRONGPASS x"}), ReasonDenied},
	} {
		if got := ReasonOf(tc.err); got != tc.want {
			t.Errorf("ReasonOf(%v) = %s, want %s", tc.err, got, tc.want)
		}
	}
}
