package realserver

import (
	"errors"
	"strings"
)

// UsePassword makes all further connections begin with AUTH.
func (s *Server) UsePassword(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.password = password
}

// open opens a connection of the caller's.
func (s *Server) open() (*Conn, error) {
	s.mu.Lock()
	password := s.password
	s.mu.Unlock()
	return s.dial(password)
}

// dial opens a connection, with the password if there is one.
func (s *Server) dial(password string) (*Conn, error) {
	c, err := Dial(s.Addr())
	if err != nil || password == "" {
		return c, err
	}
	if _, err := reply[string](c, "AUTH", password); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Conn opens a connection of its own. It is closed when the test ends, if not before.
func (s *Server) Conn() *Conn {
	s.t.Helper()
	c, err := s.open()
	if err != nil {
		s.t.Fatalf("realserver: %v", err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// Do runs a command on a connection that all calls share: the database that SELECT chose holds for later calls. After an
// error of the network the next call connects anew.
func (s *Server) Do(args ...string) any {
	c, err := s.sharedConn()
	if err != nil {
		return err
	}
	reply := c.Do(args...)
	if err, failed := reply.(error); failed && !isReply(err) {
		s.forget(c)
	}
	return reply
}

func isReply(err error) bool {
	var reply ReplyError
	return errors.As(err, &reply)
}

func (s *Server) sharedConn() (*Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		return s.conn, nil
	}
	c, err := s.dial(s.password)
	if err != nil {
		return nil, err
	}
	s.conn = c
	return c, nil
}

// forget closes a broken connection, unless another goroutine has replaced it already.
func (s *Server) forget(c *Conn) {
	c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == c {
		s.conn = nil
	}
}

// Info returns the fields of one section of INFO: Info("replication")["connected_slaves"].
func (s *Server) Info(section string) map[string]string {
	s.t.Helper()
	fields, err := Info(s, section)
	if err != nil {
		s.t.Fatalf("realserver: INFO %s: %v", section, err)
	}
	return fields
}

// Info asks any server for one section of INFO.
func Info(d Doer, section string) (map[string]string, error) {
	text, err := reply[string](d, "INFO", section)
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}

// KillReplicaLinks cuts the replication links of the server in both directions, those to its replicas and that to its
// primary, and returns how many there were. The peers are not stopped from coming back.
func (s *Server) KillReplicaLinks() int {
	s.t.Helper()
	var total int64
	for _, kind := range []string{"replica", "master"} {
		n, err := reply[int64](s, "CLIENT", "KILL", "TYPE", kind)
		if err != nil {
			s.t.Fatalf("realserver: CLIENT KILL TYPE %s: %v", kind, err)
		}
		total += n
	}
	return int(total)
}
