package replication

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
)

// Who the link is to its primary, and what becomes of it when the primary does not want that one.

// identity returns what to tell the primary. Only a callback of the user can fail; at is told that it is asked.
func (l *link) identity(ctx context.Context, at func(stage string)) (identity, error) {
	c := l.n.cfg.Load()
	who := identity{username: c.username, password: c.password, ip: c.announceIP, port: c.announcePort}
	if l.to.username != "" || l.to.password != "" {
		who.username, who.password = l.to.username, l.to.password
	}
	if l.dialer.credentials == nil {
		return who, nil
	}
	at("asking for credentials")
	var err error
	if who.username, who.password, err = l.dialer.credentials(ctx); err != nil {
		return identity{}, &CredentialsError{err}
	}
	return who, nil
}

// CredentialsError means that ReplicaOptions.Credentials failed. Whatever it wraps, the link is tried again.
type CredentialsError struct{ Err error }

func (e *CredentialsError) Error() string { return "replication: no credentials: " + e.Err.Error() }

func (e *CredentialsError) Unwrap() error { return e.Err }

// final tells whether err ends following. Where the user is asked for credentials each time, what is wrong with those of this time does not: a password may be
// known to us a moment before the primary knows it, or the other way round.
func (l *link) final(err error) bool {
	if _, ok := errorAs[*CredentialsError](err); ok {
		return false
	}
	if l.dialer.credentials != nil && errors.Is(err, ErrDenied) {
		return false
	}
	return terminal(err)
}

// accessReason is ReasonOf for what keeps two sides apart that could reach each other; "" for other errors. A callback's error may wrap anything.
func accessReason(err error) Reason {
	if _, ok := errorAs[*CredentialsError](err); ok {
		return ReasonNoCredentials
	}
	_, unknown := errorAs[*tls.CertificateVerificationError](err)
	_, plain := errorAs[tls.RecordHeaderError](err)
	alert, _ := errorAs[*net.OpError](err) // package tls does not export its own type for what the other side has sent
	if unknown || plain || alert != nil && alert.Op == "remote error" {
		return ReasonUntrusted
	}
	return ""
}

// quotes are what servers put around arguments that they repeat.
const quotes = "'\"`"

// refusedError is the refusal of a command that may have shown a password. Servers that do not know a command repeat its arguments in their reply, and replies get
// into logs: what is quoted goes, and all but the code in front if the password may be in the rest.
func refusedError(command, reply, password string) *RefusedError {
	text := reply
	if command == "AUTH" && password != "" {
		if i := strings.IndexAny(text, quotes); i >= 0 {
			text = strings.TrimSpace(text[:i])
		}
		if strings.Contains(text, password) || strings.Contains(reply, password) && strings.ContainsAny(password, quotes) {
			text, _, _ = strings.Cut(text, " ")
		}
		if strings.Contains(text, password) {
			text = "ERR"
		}
	}
	return &RefusedError{Command: command, Reply: clip([]byte(text))}
}
