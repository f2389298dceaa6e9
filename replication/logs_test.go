package replication_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/understudy-go/understudy/replication"
	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/internal/testcert"
	"github.com/understudy-go/understudy/replication/replicationtest"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// What nobody may find in a log. No text of the program has one of these words in it, so that any of them has come from the data, or was a password.
const (
	hiddenPassword = "hunter2"
	hiddenKey      = "kqey"
	hiddenField    = "fqield"
	hiddenValue    = "vqalue"
	hiddenChannel  = "cqhannel"
)

// archive collects the lines of all nodes of a test, each in full, at every level.
type archive struct {
	t    *testing.T
	logs *observer.ObservedLogs
	log  *zap.Logger
}

func newArchive(t *testing.T) *archive {
	core, logs := observer.New(zapcore.DebugLevel)
	return &archive{t: t, logs: logs, log: zap.New(core)}
}

// check fails the test for each line with a hidden word, and unless each of the events is there: a life in which little happens shows nothing.
func (a *archive) check(events ...string) {
	a.t.Helper()
	seen := map[string]bool{}
	for _, e := range a.logs.All() {
		seen[e.Message] = true
		fields, err := json.Marshal(e.ContextMap())
		if err != nil {
			a.t.Error(err)
		}
		line := strings.ToLower(e.Message + " " + string(fields))
		for _, word := range []string{hiddenPassword, hiddenKey, hiddenField, hiddenValue, hiddenChannel} {
			if strings.Contains(line, word) {
				a.t.Errorf("%q is in the log: %s %s", word, e.Message, fields)
			}
		}
	}
	for _, e := range events {
		if !seen[e] {
			a.t.Errorf("nothing was logged about %q; there is %q", e, slices.Sorted(maps.Keys(seen)))
		}
	}
}

// quiet fails the test if what a program shows an operator has a hidden word in it.
func (a *archive) quiet(what string, shown any) {
	a.t.Helper()
	text := strings.ToLower(fmt.Sprint(shown))
	for _, word := range []string{hiddenPassword, hiddenKey, hiddenField, hiddenValue, hiddenChannel} {
		if strings.Contains(text, word) {
			a.t.Errorf("%q is in %s: %s", word, what, text)
		}
	}
}

// hide writes keys and values of all kinds, and changes them.
func hide(p *replicationtest.Primary, n int) {
	for i := range n {
		p.Do("INCR", hiddenKey)
		p.Do("SET", hiddenKey+"s", hiddenValue)
		p.Do("APPEND", hiddenKey+"s", hiddenValue)
		p.Do("HSET", hiddenKey+"h", hiddenField, hiddenValue+fmt.Sprint(i))
		p.Do("RPUSH", hiddenKey+"l", hiddenValue)
		p.Do("SADD", hiddenKey+"t", hiddenValue+fmt.Sprint(i))
		p.Do("ZADD", hiddenKey+"z", i, hiddenValue)
		p.Do("SET", hiddenKey+"e", hiddenValue, "PX", "1500")
		p.Do("PUBLISH", hiddenChannel, hiddenValue)
	}
}

// A whole life, with what goes wrong in one: nodes are refused, cut, stalled, dropped, promoted, written to where they should not be, and closed.
func TestLogsTellNoSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newArchive(t)
		p := replicationtest.NewWith(t, &replicationtest.Options{
			Store:   &store.Options{BacklogBytes: 10 << 10},
			Primary: &replication.PrimaryOptions{RequirePassword: hiddenPassword, Timeout: 10 * time.Second, OutputLimit: 20 << 10, Logger: a.log},
		})
		o := func(password string) *replication.ReplicaOptions {
			return &replication.ReplicaOptions{Dial: p.Dial, Backoff: second, Password: password, Timeout: 10 * time.Second, Logger: a.log, RequirePassword: hiddenPassword, AllowReplicaOf: true}
		}
		hide(p, 5)
		r := p.Replica(o(hiddenPassword))
		l := p.Listen("r:6379")
		go r.Serve(l)
		chained, _ := startReplica(t, "redis://:"+hiddenPassword+"@r:6379", o(""))
		for _, wrong := range []string{"", hiddenPassword + "x"} {
			_, err := replication.Connect(t.Context(), p.URL(), o(wrong))
			a.quiet("the error for a wrong password", err)
			if !errors.Is(err, replication.ErrDenied) {
				t.Errorf("Connect with %q = %v", wrong, err)
			}
		}
		vault := o("")
		vault.Credentials = func(context.Context) (string, string, error) { return "", hiddenPassword + "x", nil }
		startReplica(t, p.URL(), vault)
		settle()
		for _, talk := range []string{
			"AUTH " + hiddenPassword + "x\r\n", "AUTH " + hiddenPassword + "\r\nGET " + hiddenKey + "\r\nNONSENSE " + hiddenKey + "\r\n*1\r\n:" + hiddenKey + "\r\n",
			"*1\r\n$" + hiddenValue + "\r\n", "AUTH " + hiddenPassword + "\r\nPSYNC " + hiddenKey + " 5\r\n", "AUTH " + hiddenPassword + "\r\nREPLCONF " + hiddenKey + " 5\r\nPSYNC ? -1\r\n",
			"AUTH " + hiddenPassword + "\r\nSUBSCRIBE " + hiddenChannel + "\r\n", "HELLO 3 AUTH default " + hiddenPassword + " SETNAME x\r\nMONITOR\r\n",
		} {
			dial(t, p).say("%s", talk)
		}
		hide(p, 5)
		deaf := dial(t, p)
		deaf.send("AUTH", hiddenPassword)
		deaf.expect("+OK")
		deaf.online()
		for range 100 { // which it does not read
			p.Do("SET", hiddenKey+"b", strings.Repeat(hiddenValue, 1000))
		}
		p.Cut()
		hide(p, 5)
		settle()
		p.RefusePartial(1)
		p.Cut()
		settle()
		p.Stall(15 * time.Second)
		time.Sleep(time.Minute)
		hide(p, 1)
		settle()
		replicationtest.Same(t, p.Store(), chained.Store())
		if _, err := r.Promote(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		chained.Store().Replication().SetWritable(true)
		if err := chained.DB(0).Set(hiddenKey, hiddenValue, 0); err != nil {
			t.Fatal(err)
		}
		p.Cut()
		settle()
		a.quiet("the status of a tainted node", chained.Status())
		chained.Close()
		r.Close()
		p.Close()
		a.check("full resync started", "full resync done", "partial resync granted", "partial resync refused", "replica detached", "link lost", "cannot follow",
			"following stopped", "role changed", "link state changed")
	})
}

// What primaries send that cannot be followed, or understood, is told without what it holds.
func TestLogsOfMisbehavingPrimaries(t *testing.T) {
	file := rdbOf(t, hiddenKey)
	corrupt := []byte(string(file))
	corrupt[len(corrupt)-12] ^= 0x40
	large := []byte("REDIS0011\xfe\x03\x00\x04" + hiddenKey + "\x81\x00\x00\x00\x00\x20\x00\x00\x01")
	foreign := []byte("REDIS0011\xfe\x03\x0f\x04" + hiddenKey + "\x01\x05apple\xff\x00\x00\x00\x00\x00\x00\x00\x00")
	streamed := func(args ...string) func(*peer) {
		return func(p *peer) { p.grant(file, 9); p.send(args...); p.hold() }
	}
	for name, do := range map[string]func(*peer){
		"unknown AUTH": func(p *peer) {
			p.command()
			p.say("+PONG\r\n")
			p.command()
			p.say("-ERR unknown command 'AUTH', with args beginning with: 'default' '%s' \r\n", hiddenPassword)
			p.hold()
		},
		"unknown command":     streamed("FROBNICATE", hiddenKey, hiddenValue),
		"wrong type":          streamed("HSET", hiddenKey, hiddenField, hiddenValue),
		"no number":           streamed("INCR", hiddenKey),
		"wrong arity":         streamed("HSET", hiddenKey, hiddenField),
		"wrong option":        streamed("EXPIRE", hiddenKey, "100", hiddenValue),
		"wrong word":          streamed("SET", hiddenKey, hiddenValue, hiddenValue),
		"unknown sub-command": streamed("FUNCTION", hiddenValue, hiddenValue),
		"wrong restore":       streamed("RESTORE", hiddenKey, "0", hiddenValue),
		"wrong database":      streamed("SELECT", hiddenValue),
		"wrong expiry":        streamed("SETEX", hiddenKey, "-1", hiddenValue),
		"wrong score":         streamed("ZADD", hiddenKey+"z", hiddenValue, hiddenField),
		"out of step":         func(p *peer) { p.grant(file, 9); p.say("*2\r\n$3\r\n%s\r\n", hiddenValue); p.hold() },
		"garbage in stream":   func(p *peer) { p.grant(file, 9); p.say("*1\r\n%s\r\n", hiddenValue); p.hold() },
		"corrupt payload":     func(p *peer) { p.grant(corrupt, 9); p.hold() },
		"large payload":       func(p *peer) { p.grant(large, 9); p.hold() },
		"foreign payload":     func(p *peer) { p.grant(foreign, 9); p.hold() },
		"half a payload":      func(p *peer) { p.shakeHands(); p.say("+FULLRESYNC %s 9\r\n$500\r\n%s", fakeID, file) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newArchive(t)
				f := newFakePrimary(t, do)
				r, _ := f.replica(&replication.ReplicaOptions{Password: hiddenPassword, Username: "default", Logger: a.log, Backoff: second})
				settle()
				st := r.Status()
				if st.Err == nil {
					t.Errorf("nothing has gone wrong: %+v", st)
				}
				a.quiet("the status", st)
				r.Close()
				events := []string{"link state changed"}
				switch st.State {
				case replication.Stopped:
					events = append(events, "following stopped")
				case replication.Waiting:
					events = append(events, map[bool]string{true: "link lost", false: "cannot follow"}[st.FullSyncs > 0])
				}
				a.check(events...)
			})
		})
	}
}

// A server is given passwords by its configuration and by clients, and logs what becomes of directives, files and handshakes.
func TestLogsOfServers(t *testing.T) {
	ca := testcert.New(t)
	dir := t.TempDir()
	cert, key := ca.Files(dir, "server", ca.Issue("server"))
	conf := filepath.Join(dir, "conf")
	text := "requirepass " + hiddenPassword + "\nmasterauth " + hiddenPassword + "\nuser a on >" + hiddenPassword + " ~* +@all\ntls-key-file-pass " + hiddenPassword +
		"\nmaxmemory 5mb\nsave \"\"\nport 0\ntls-port 6379\ntls-auth-clients no\ntls-cert-file " + cert + "\ntls-key-file " + key + "\ndir " + dir + "\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		a := newArchive(t)
		nw := memnet.New(nil)
		s, err := replication.NewServer([]string{conf, "--bind", "127.0.0.1", "--loglevel", "debug"}, &replication.ServerOptions{
			Logger: a.log, Listen: func(string, string) (net.Listener, error) { return nw.Listen("server:6379") },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		end := make(chan error, 1)
		go func() { end <- s.Run(ctx) }()
		raw, err := nw.Dial(t.Context(), "tcp", "server:6379")
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		c := newPeer(t, tls.Client(raw, &tls.Config{RootCAs: ca.Pool(), ServerName: "server"}))
		for _, line := range []string{
			"AUTH " + hiddenPassword, "REPLICAOF NO ONE", "SET " + hiddenKey + " " + hiddenValue, "CONFIG SET requirepass " + hiddenPassword + "3",
			"CONFIG SET masterauth " + hiddenPassword + "3", "CONFIG SET tls-key-file-pass " + hiddenPassword + "3", "CONFIG SET aclfile " + hiddenValue,
			"CONFIG SET maxmemory " + hiddenValue, "CONFIG SET requirepass", "CONFIG SET " + hiddenPassword + " x", "CONFIG SET tls-cert-file " + dir + "/none",
			"ACL SETUSER a >" + hiddenPassword, "EVAL " + hiddenValue + " 0", "SAVE", "CONFIG SET dbfilename none/none", "CONFIG REWRITE", "CLIENT SETNAME x",
			"MIGRATE h 1 " + hiddenKey + " 0 5 AUTH " + hiddenPassword, "SLOWLOG GET", "AUTH " + hiddenPassword + "9",
		} {
			c.send(strings.Fields(line)...)
			if _, err := c.in.ReadValue(); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
		os.RemoveAll(dir) // from here on nothing can be saved or rewritten
		for _, line := range []string{"SAVE", "CONFIG REWRITE"} {
			c.send(strings.Fields(line)...)
			if v, err := c.in.ReadValue(); err != nil || v.Kind != resp.Error {
				t.Errorf("%s without a folder: %v, %v", line, v, err)
			}
		}
		plain, err := nw.Dial(t.Context(), "tcp", "server:6379")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(plain, "AUTH %s\r\nGET %s\r\n", hiddenPassword, hiddenKey)
		plain.Close()
		time.Sleep(10 * time.Second)
		cancel()
		if err := <-end; err != nil {
			a.quiet("the error of Run", err)
		}
		a.check("directives accepted, but not enforced", "directive accepted, but not enforced", "data set not saved", "data set saved",
			"configuration file not rewritten", "TLS handshake failed", "accepting clients")
	})
}
