package replication

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/replication/internal/memnet"
	"github.com/understudy-go/understudy/replication/internal/server"
	"github.com/understudy-go/understudy/replication/internal/testcert"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

func TestParseURL(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want target
		bad  bool
	}{
		{in: "redis://primary", want: target{network: "tcp", addr: "primary:6379"}},
		{in: "redis://primary:6380/", want: target{network: "tcp", addr: "primary:6380"}},
		{in: "redis://[::1]:6380", want: target{network: "tcp", addr: "[::1]:6380"}},
		{in: "redis://u:p%40@h:1", want: target{network: "tcp", addr: "h:1", username: "u", password: "p@"}},
		{in: "redis://:p@h", want: target{network: "tcp", addr: "h:6379", password: "p"}},
		{in: "rediss://h", want: target{network: "tcp", addr: "h:6379", tls: true}},
		{in: "unix:///tmp/x.sock", want: target{network: "unix", addr: "/tmp/x.sock"}},
		{in: "unix://:p@/tmp/x.sock", bad: true},
		{in: "redis://h:1/3", bad: true},
		{in: "redis://h:0", bad: true},
		{in: "redis://h:65536", bad: true},
		{in: "redis://", bad: true},
		{in: "http://h", bad: true},
		{in: "h:6379", bad: true},
		{in: "unix://h/x", bad: true},
		{in: "redis://u:secret%zz@h", bad: true},
	} {
		got, err := parseURL(tc.in)
		if tc.in == "unix://:p@/tmp/x.sock" { // a user part without a host is fine for a socket
			tc.bad, tc.want = false, target{network: "unix", addr: "/tmp/x.sock", password: "p"}
		}
		if (err != nil) != tc.bad || !tc.bad && got != tc.want {
			t.Errorf("parseURL(%q) = %+v, %v, want %+v, error %v", tc.in, got, err, tc.want, tc.bad)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("parseURL(%q): the error shows a password: %v", tc.in, err)
		}
	}
}

// What is wrong with a URL is said by name, how to write it is said each time, and no part of a password ever, whatever it makes of the rest.
func TestURLErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                            "without a scheme",
		"h:6379":                      "without a scheme",
		"http://h":                    `scheme "http"`,
		"redis://":                    "without a host",
		"redis://h:port":              "port is not a number",
		"redis://h:65536":             "port is not within",
		"redis://h/3":                 "with a path",
		"redis://h?db=3":              "with a ? or #",
		"redis://h?":                  "with a ? or #",
		"redis://user@h":              "with a user but no password",
		"redis://user:@h":             "with a user but no password",
		"redis://u:SECRET%zz@h":       "with a % that",
		"redis://u:%SECRET@h":         "with a % that",
		"redis://u:SECRET/x@h":        "a password has a / in it",
		"redis://u:987654/SECRET@h":   "port is not within",
		"redis://u:1/SECRET@h":        "with a path",
		"redis://u:1#SECRET@h":        "with a ? or #",
		"redis://u:SECRET@h:1/SECRET": "with a path",
		"redis://[SECRET":             "malformed",
		"unix://SECRET/x":             "three slashes",
	} {
		_, err := parseURL(in)
		if err == nil {
			t.Errorf("parseURL(%q) succeeded", in)
			continue
		}
		text := err.Error()
		if !strings.Contains(text, want) || !strings.HasSuffix(text, "; write redis://[user:password@]host:port") {
			t.Errorf("parseURL(%q) = %q, want one with %q", in, text, want)
		}
		if strings.Contains(text, "SECRET") || strings.Contains(text, "987654") {
			t.Errorf("parseURL(%q): the error shows a password: %q", in, text)
		}
	}
}

func TestBackoff(t *testing.T) {
	for _, tc := range []struct {
		failures int
		most     time.Duration
	}{
		{0, 100 * time.Millisecond}, {1, 100 * time.Millisecond}, {2, 200 * time.Millisecond}, {7, 6400 * time.Millisecond},
		{8, 10 * time.Second}, {9, 10 * time.Second}, {1 << 30, 10 * time.Second},
	} {
		for range 100 {
			if d := defaultBackoff(tc.failures); d > tc.most || d <= tc.most/2 {
				t.Fatalf("defaultBackoff(%d) = %v, want in (%v, %v]", tc.failures, d, tc.most/2, tc.most)
			}
		}
	}
}

// A question for an acknowledgement ends the run before it, so that its answer counts nothing that comes later.
func TestRunOfFrames(t *testing.T) {
	set, ask, ping, mark := words("SET k v"), words("REPLCONF GETACK *"), words("PING"), words("PING token")
	frames := func(list ...[][]byte) (out []store.Frame) {
		for _, args := range list {
			out = append(out, store.Frame{Args: args, Size: 10})
		}
		return out
	}
	for _, tc := range []struct {
		name     string
		in       []store.Frame
		n, armed int
	}{
		{"nothing", nil, 0, 0},
		{"one", frames(set), 1, 1},
		{"no question", frames(set, set, set), 3, 3},
		{"question at the end", frames(set, set, ask), 2, 2},
		{"question at the start", frames(ask, set, set), 3, 1},
		{"question only", frames(ask), 1, 1},
		{"two questions", frames(ask, ask, set), 1, 1},
		{"an empty frame", frames(nil, ask), 1, 1},
		{"ping", frames(set, ping, set), 3, 2},
		{"mark", frames(set, mark, set), 3, 2},
		{"ping at the start", frames(ping, set), 2, 1},
		{"ping that is none", frames(words("PING a b"), set), 2, 2},
	} {
		if n, size := run(tc.in, false); n != tc.n || size != 10*tc.n {
			t.Errorf("%s: run = %d, %d, want %d, %d", tc.name, n, size, tc.n, 10*tc.n)
		}
		if n, size := run(tc.in, true); n != tc.armed || size != 10*tc.armed {
			t.Errorf("%s: while somebody waits for a mark run = %d, %d, want %d, %d", tc.name, n, size, tc.armed, 10*tc.armed)
		}
	}
}

// A batch is what is in the buffer and no more: the reader is not asked again for the sake of a fuller batch.
func TestBatch(t *testing.T) {
	one := resp.AppendCommand(nil, "SET", "k", "v")
	src := &pieces{[][]byte{bytes.Repeat(one, 3), append(bytes.Clone(one), one[:5]...), one[5:]}}
	r := resp.NewReader(src, nil)
	var b batch
	for i, want := range []int{3, 1, 1} {
		if err := b.read(r); err != nil || len(b.frames) != want || b.bytes != want*len(one) || len(r.Raw()) != b.bytes {
			t.Fatalf("read %d: %d frames, %d bytes, raw %d, %v; want %d frames of %d", i, len(b.frames), b.bytes, len(r.Raw()), err, want, len(one))
		}
	}
	if err := b.read(r); err != io.EOF {
		t.Fatalf("read at the end = %v, want %v", err, io.EOF)
	}
}

func TestBatchIsBounded(t *testing.T) {
	small := resp.AppendCommand(nil, "PING")
	r := resp.NewReader(bytes.NewReader(bytes.Repeat(small, 4*maxBatchFrames)), nil)
	var b batch
	for range 3 {
		if err := b.read(r); err != nil || len(b.frames) > maxBatchFrames {
			t.Fatalf("read: %d frames, %v, want at most %d", len(b.frames), err, maxBatchFrames)
		}
	}
}

// What comes before a broken frame is handed out before the error is.
func TestBatchBeforeError(t *testing.T) {
	r := resp.NewReader(strings.NewReader("*1\r\n$4\r\nPING\r\n*1\r\n:4\r\n"), nil)
	var b batch
	if err := b.read(r); err != nil || len(b.frames) != 1 {
		t.Fatalf("first read: %d frames, %v, want 1", len(b.frames), err)
	}
	if _, ok := errorAs[*resp.SyntaxError](b.read(r)); !ok {
		t.Fatalf("second read: %v, want a syntax error", b.err)
	}
}

// pieces returns one piece per Read.
type pieces struct{ list [][]byte }

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.list) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.list[0])
	if p.list[0] = p.list[0][n:]; len(p.list[0]) == 0 {
		p.list = p.list[1:]
	}
	return n, nil
}

func TestOptionsTellAllMistakes(t *testing.T) {
	err := (&PrimaryOptions{Timeout: -1, PingPeriod: -1, DisklessDelay: -1}).validate()
	for _, name := range []string{"Timeout", "PingPeriod", "DisklessDelay"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("validate = %v, want %s in it", err, name)
		}
	}
	err = (&ReplicaOptions{Timeout: -1, Announce: "nonsense"}).validate()
	for _, name := range []string{"Timeout", "Announce"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("validate = %v, want %s in it", err, name)
		}
	}
	if err := errors.Join(new(PrimaryOptions).validate(), new(ReplicaOptions).validate()); err != nil {
		t.Errorf("the zero options: %v", err)
	}
}

func TestOptionDefaults(t *testing.T) {
	c := new(PrimaryOptions).config()
	if c.timeout != DefaultTimeout || c.pingPeriod != DefaultPingPeriod || c.outputLimit != DefaultOutputLimit || c.disklessDelay != 0 {
		t.Errorf("config of no options = %+v", c)
	}
	if c := (&PrimaryOptions{OutputLimit: -1}).config(); c.outputLimit != 0 {
		t.Errorf("a negative OutputLimit gives %d, want 0 for none", c.outputLimit)
	}
	r := (&ReplicaOptions{Announce: "h:1", Username: "u", Password: "p"}).config()
	if r.announceIP != "h" || r.announcePort != 1 || r.username != "u" || r.password != "p" {
		t.Errorf("config of a replica = %+v", r)
	}
}

// TLS is put on top of whatever the dialer returns, with the URL's host as the name to verify.
func TestDialTLS(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	o := &ReplicaOptions{
		Dial: func(context.Context, string, string) (net.Conn, error) { return a, nil },
		TLS:  &tls.Config{MinVersion: tls.VersionTLS12},
	}
	names := make(chan string, 1)
	go tls.Server(b, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		names <- h.ServerName
		return nil, errors.New("enough")
	}}).Handshake()
	if _, err := o.dialing().open(t.Context(), target{network: "tcp", addr: "primary.example:6379", tls: true}, func(string) {}); err == nil {
		t.Error("the handshake succeeded without a certificate")
	}
	if name := <-names; name != "primary.example" {
		t.Errorf("server name = %q, want that of the URL", name)
	}
}

// What TLS was put on is closed by others than its owner, who cannot wait for a good-bye to a peer that does not read.
func TestDialedTLSIsPrompt(t *testing.T) {
	ca := testcert.New(t)
	a, b := memnet.Pipe(nil)
	o := &ReplicaOptions{Dial: func(context.Context, string, string) (net.Conn, error) { return a, nil }, TLS: &tls.Config{RootCAs: ca.Pool()}}
	go tls.Server(b, &tls.Config{Certificates: []tls.Certificate{ca.Issue("primary.example")}}).Handshake()
	c, err := o.dialing().open(t.Context(), target{network: "tcp", addr: "primary.example:6379", tls: true}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, slow := c.(*tls.Conn); slow || server.Prompt(c) == c {
		t.Errorf("open returns a %T", c)
	}
}

func TestSlogLogger(t *testing.T) {
	var out bytes.Buffer
	h := slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	log := SlogLogger(h).Named("replication").With(zap.String("primary", "p:1"))
	log.Debug("not shown")
	log.Warn("link lost", zap.Int64("offset", 44), zap.Duration("retry", time.Second), zap.Error(io.EOF), zap.Stringer("to", Waiting))
	const want = "level=WARN msg=\"link lost\" primary=p:1 logger=replication offset=44 retry=1s error=EOF to=waiting\n"
	if got := out.String(); got != want {
		t.Errorf("logged %q, want %q", got, want)
	}
}

// A spool gives back what it took, from memory and from its file, and leaves no file behind.
func TestSpool(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, size := range []int{0, 1, spoolMemory, spoolMemory + 1, 3 * spoolMemory} {
		s := newSpool(spoolPlace{})
		want := bytes.Repeat([]byte("0123456"), size/7+1)[:size]
		for b := want; len(b) > 0; {
			n, err := s.Write(b[:min(len(b), 40000)])
			if err != nil {
				t.Fatalf("size %d: %v", size, err)
			}
			b = b[n:]
		}
		if s.size != int64(size) {
			t.Errorf("size %d: the spool says %d", size, s.size)
		}
		one, two := s.reader(), s.reader()
		for _, r := range []io.Reader{one, io.MultiReader(io.LimitReader(two, 3), two)} { // any number may read, each from the start
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
				t.Errorf("size %d: read %d bytes, %v", size, len(got), err)
			}
		}
		if err := s.close(); err != nil {
			t.Errorf("size %d: close: %v", size, err)
		}
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) != 0 {
		t.Errorf("files left behind: %v", left)
	}
}

func TestParseInfo(t *testing.T) {
	for _, tc := range []struct {
		in     string
		offset int64
		bad    bool
	}{
		{in: "# Replication\r\nrole:master\r\nmaster_replid:" + testID + "\r\nmaster_repl_offset:44\r\n", offset: 44},
		{in: "master_replid:" + testID + "\r\n", bad: true},
		{in: "master_repl_offset:44\r\n", bad: true},
		{in: "master_replid:x\r\nmaster_repl_offset:44\r\n", bad: true},
		{in: "", bad: true},
	} {
		id, offset, err := parseInfo(tc.in)
		if errors.Is(err, ErrNoBarrier) != tc.bad || !tc.bad && (id != testID || offset != tc.offset) {
			t.Errorf("parseInfo(%q) = %s, %d, %v, want %d, error %v", tc.in, id, offset, err, tc.offset, tc.bad)
		}
	}
}
