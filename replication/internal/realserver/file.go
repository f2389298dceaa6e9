package realserver

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// configName is the configuration file of a server from [StartFile], in its folder.
const configName = "server.conf"

// StartFile runs a program that takes the configuration files of redis-server: a server of ours, or one that Tool has found, also as a
// Sentinel, with the argument "--sentinel". Its file has a free port of loopback, a folder of its own, and then the given lines.
//
// The file is the server's: what CONFIG REWRITE or a Sentinel writes there is what [Server.Restart] comes back with.
func StartFile(t testing.TB, program, lines string, args ...string) *Server {
	t.Helper()
	dir := t.TempDir()
	s := &Server{t: t, binary: program, dir: dir, args: args, file: filepath.Join(dir, configName)}
	t.Cleanup(s.cleanup)
	s.start(func() error {
		text := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\n%s", s.port, s.dir, lines)
		return os.WriteFile(s.file, []byte(text), 0o600)
	})
	return s
}

// ConfigFile returns what the configuration file of a server from [StartFile] holds now.
func (s *Server) ConfigFile() string {
	s.t.Helper()
	text, err := os.ReadFile(s.file)
	if err != nil {
		s.t.Fatalf("realserver: %v", err)
	}
	return string(text)
}
