package replication

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/understudy-go/understudy/replication/internal/server"
	"github.com/understudy-go/understudy/store"
)

// ServerOptions are the surroundings of a Server. nil and the zero value are those of a program started from a shell, but silent.
type ServerOptions struct {
	// Logger receives events. Default: one that follows the directives loglevel and logfile and otherwise writes to Stdout.
	Logger *zap.Logger

	// Stdout is where the log goes without logfile. Default: nil, nowhere.
	Stdout io.Writer

	// Stdin is the configuration file called "-". Default: os.Stdin.
	Stdin io.Reader

	// Listen opens a listener. Default: net.Listen. Network is tcp4, tcp6, tcp or unix. TLS is put on top where tls-port asks for it.
	Listen func(network, addr string) (net.Listener, error)
}

// A Server is a node as a program of its own: it is configured like redis-server, by a file and flags, and talks to the same clients. Programs that want the
// data in their own memory use Primary and Replica instead.
type Server struct {
	cfg       *server.Config
	node      *node
	srv       *server.Server
	log       *zap.Logger
	logFile   io.Closer // nil without one
	listeners []opened
	closeOnce sync.Once
}

// opened is a listener of the server, not accepted from before Run.
type opened struct {
	net.Listener
	secure bool // its clients are to talk TLS
}

// NewServer reads args in the manner of redis-server (an optional file, or - for standard input, then flags like --port 6380) and opens the listeners. A
// directive that Redis knows and this server does without is accepted and named in the log, as a warning if somebody may count on it (appendonly yes,
// replica-ignore-maxmemory no: neither is enforced); one that nobody knows is an error that says where it stands.
//
// Directives of its own, each with its default: understudy-guard yes, understudy-guard-percent 10 and understudy-guard-fresh-percent 90 are Guard, with Least and
// LeastFresh in percent; understudy-retain-former 300, in seconds, is RetainFormer; understudy-sync-budget 1gb is SyncBudget.
//
// Clients have the powers that they have over a redis-server: REPLICAOF, FAILOVER, CONFIG SET, SAVE, SHUTDOWN, and UNDERSTUDY ACCEPT and UNDERSTUDY RESTORE, which are
// AcceptSync and RestoreFormer. requirepass, bind and protected-mode keep others out, and so
// does tls-port with tls-auth-clients; tls-replication talks TLS to the primary. CONFIG SET tls-cert-file reads all files of TLS anew, also when the name is the old one.
//
// --help or -h, and --version or -v, write a text to Stdout instead; the error is then ErrHelp.
//
// Run must follow: it also releases what NewServer has opened.
func NewServer(args []string, o *ServerOptions) (*Server, error) {
	var opts ServerOptions
	if o != nil {
		opts = *o
	}
	if opts.Stdin == nil {
		opts.Stdin = os.Stdin
	}
	if opts.Listen == nil {
		opts.Listen = net.Listen
	}
	if text := helpText(args); text != "" {
		if opts.Stdout != nil {
			io.WriteString(opts.Stdout, text)
		}
		return nil, ErrHelp
	}
	cfg, err := server.ParseArgs(args, opts.Stdin)
	if err != nil {
		return nil, err
	}
	if err := cfg.LoadTLS(); err != nil {
		return nil, fmt.Errorf("replication: %w", err)
	}
	s := &Server{cfg: cfg}
	level := zap.NewAtomicLevel()
	if err := s.openLog(&opts, level); err != nil {
		return nil, err
	}
	if err := s.listen(opts.Listen); err != nil {
		s.releaseAll()
		return nil, err
	}
	s.build(level)
	return s, nil
}

// ErrHelp is returned by NewServer when it was only asked for help or for its version.
var ErrHelp = errors.New("replication: help was asked for")

const usage = `usage: node [file | -] [--directive value ...] ...
       node -h | --help
       node -v | --version

The file, or standard input for -, holds directives of redis.conf, one a line;
flags win over it. Without any: port 6379, protected mode, no primary.

  node --port 6380 --replicaof "127.0.0.1 6379"
  node /etc/redis.conf --save "" --loglevel warning
`

// helpText is what to print instead of serving, "" when that was not asked for.
func helpText(args []string) string {
	if len(args) == 0 {
		return ""
	}
	switch args[0] {
	case "-h", "--help":
		return usage
	case "-v", "--version":
		return fmt.Sprintf("understudy v=%s, speaks as Redis v=%s\n", server.Version, server.RedisVersion)
	}
	return ""
}

// build makes the store, the node and the server of the clients. Nothing runs yet.
func (s *Server) build(level zap.AtomicLevel) {
	data := store.New(&store.Options{Databases: int(s.cfg.Int("databases")), BacklogBytes: s.cfg.Int("repl-backlog-size")})
	s.node = newNode(data, config{}.withDefaults(), s.log)
	s.node.owned = true
	s.srv = server.New(s.node, &server.Options{
		Config:      s.cfg,
		Standalone:  true,
		Logger:      s.log,
		SetLogLevel: func(name string) { level.SetLevel(logLevel(name)) },
	})
	s.node.srv = s.srv
	quiet, broken := s.cfg.Unused()
	if len(broken) > 0 {
		s.log.Warn("directives accepted, but not enforced", zap.Strings("directives", broken))
	}
	if len(quiet) > 0 {
		s.log.Info("directives accepted without effect", zap.Strings("directives", quiet))
	}
}

func (s *Server) openLog(o *ServerOptions, level zap.AtomicLevel) error {
	if s.log = orSilent(o.Logger); o.Logger != nil {
		return nil
	}
	out := o.Stdout
	if name := s.cfg.Text("logfile"); name != "" {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		s.logFile, out = f, f
	}
	if out == nil {
		return nil
	}
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.ISO8601TimeEncoder
	s.log = zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(enc), zapcore.Lock(zapcore.AddSync(out)), level))
	return nil
}

// logLevel translates the directive loglevel. Zap has no level between debug and notice.
func logLevel(name string) zapcore.Level {
	switch name {
	case "debug", "verbose":
		return zapcore.DebugLevel
	case "warning":
		return zapcore.WarnLevel
	}
	return zapcore.InfoLevel
}

// listen opens what bind, port, tls-port and unixsocket ask for. Port 0 means none.
func (s *Server) listen(open func(network, addr string) (net.Listener, error)) error {
	if err := s.listenTCP(open, s.cfg.Int("port"), false); err != nil {
		return err
	}
	if err := s.listenTCP(open, s.cfg.Int("tls-port"), true); err != nil {
		return err
	}
	return s.listenUnix(open)
}

func (s *Server) listenTCP(open func(network, addr string) (net.Listener, error), port int64, secure bool) error {
	if port == 0 {
		return nil
	}
	for _, word := range s.cfg.Words("bind") {
		network, addr, optional := bindAddress(word, port)
		l, err := open(network, addr)
		if err != nil && !optional {
			return err
		}
		if err == nil {
			s.listeners = append(s.listeners, opened{l, secure})
		}
	}
	return nil
}

func (s *Server) listenUnix(open func(network, addr string) (net.Listener, error)) error {
	path := s.cfg.Text("unixsocket")
	if path == "" {
		return nil
	}
	// What a server that was killed has left behind. Any other file is not ours to remove.
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSocket != 0 {
		os.Remove(path)
	}
	l, err := open("unix", path)
	if err != nil {
		return err
	}
	s.listeners = append(s.listeners, opened{Listener: l})
	if perm, _ := strconv.ParseUint(s.cfg.Text("unixsocketperm"), 8, 32); perm != 0 {
		return os.Chmod(path, fs.FileMode(perm))
	}
	return nil
}

// bindAddress translates one word of bind: * is every IPv4 address, ::* every IPv6 address, and a dash in front makes it no error that there is none.
func bindAddress(word string, port int64) (network, addr string, optional bool) {
	word, optional = strings.CutPrefix(word, "-")
	network = "tcp4"
	if strings.Contains(word, ":") {
		network = "tcp6"
	}
	switch word {
	case "*":
		word = "0.0.0.0"
	case "::*":
		word = "::"
	default:
		if net.ParseIP(word) == nil {
			network = "tcp" // a name
		}
	}
	return network, net.JoinHostPort(word, strconv.FormatInt(port, 10)), optional
}

// Addr returns the address of the first listener, nil when there is none.
func (s *Server) Addr() net.Addr {
	if len(s.listeners) == 0 {
		return nil
	}
	return s.listeners[0].Addr()
}

// Run loads the saved data set if there is one, takes the role that was asked for, and serves until ctx ends or a client sends SHUTDOWN; both give nil. When
// ctx ends, replicas are given shutdown-timeout to catch up, and if there are save points the data set is saved. Nothing of the server is left after Run; it
// can be called once.
func (s *Server) Run(ctx context.Context) error {
	defer s.releaseAll()
	if err := s.load(); err != nil {
		return err
	}
	if err := s.takeRole(); err != nil {
		return err
	}
	failed := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		go func() { failed <- s.srv.Serve(s.prepared(l)) }() // ends with the Close in releaseAll, which waits for it
		s.log.Info("accepting clients", zap.Stringer("addr", l.Addr()), zap.Bool("tls", l.secure))
	}
	select {
	case <-ctx.Done():
		return errors.Join(s.srv.CatchUp(context.Background()), s.saveAtEnd())
	case <-s.srv.Shutdown():
		return nil
	case err := <-failed:
		return errors.Join(err, s.saveAtEnd())
	}
}

func (s *Server) prepared(l opened) net.Listener {
	if l.secure {
		return s.srv.TLSListener(l.Listener)
	}
	return l.Listener
}

// load reads dir/dbfilename. A file that is there and cannot be read is an error: going on without it would overwrite it in the end. A node that is to follow
// keeps the file's history, so that it goes on where it was saved; one that is to be a primary begins its own, with that as the secondary.
func (s *Server) load() error {
	path := s.cfg.Path()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	load := s.node.store.Load
	if host, _ := s.cfg.Primary(); host != "" {
		load = s.node.repl.LoadFile
	}
	if err := load(path); err != nil {
		return fmt.Errorf("load %s: %w", path, err)
	}
	s.log.Info("data set loaded", zap.String("path", path))
	return nil
}

func (s *Server) takeRole() error {
	host, port := s.cfg.Primary()
	if host != "" {
		return s.node.replicaOf(host, port, false)
	}
	s.node.startPrimary()
	return nil
}

// saveAtEnd first ends the clients, so that no write is acknowledged after the save.
func (s *Server) saveAtEnd() error {
	if !s.srv.SavesOnExit() {
		return nil
	}
	s.srv.Close()
	return s.srv.Save(context.Background(), true)
}

func (s *Server) releaseAll() {
	s.closeOnce.Do(func() {
		if s.node != nil {
			s.node.close() // an error is the store's, which never has one
		}
		for _, l := range s.listeners {
			l.Close()
		}
		if s.logFile != nil {
			s.logFile.Close()
		}
	})
}
