package realserver

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

const patience = 20 * time.Second

var versions = []Version{R7, R8}

func eachVersion(t *testing.T, f func(t *testing.T, v Version)) {
	for _, v := range versions {
		t.Run(fmt.Sprintf("redis%d", v), func(t *testing.T) { f(t, v) })
	}
}

func TestStart(t *testing.T) {
	eachVersion(t, func(t *testing.T, v Version) {
		s := Start(t, v, "--databases", "3")
		if got := s.Info("server")["redis_version"]; !strings.HasPrefix(got, fmt.Sprintf("%d.", v)) {
			t.Errorf("version %q, want %d.x", got, v)
		}
		if got := s.Do("SELECT", "3"); got != ReplyError("ERR DB index is out of range") {
			t.Errorf("SELECT 3 of 3 databases = %v: the arguments did not arrive", got)
		}
		if got, ok := s.Do("DEBUG", "DIGEST").(string); !ok {
			t.Errorf("DEBUG DIGEST = %v, want a string", got)
		}
	})
}

func TestRestartKeepsPortAndLosesData(t *testing.T) {
	s := Start(t, R7)
	conn, port, pid := s.Conn(), s.Port(), s.PID()
	s.Do("SET", "k", "v")
	s.Restart()
	if s.Port() != port || s.PID() == pid {
		t.Errorf("port %s, pid %d after restart; before: %s, %d", s.Port(), s.PID(), port, pid)
	}
	if got := s.Do("GET", "k"); got != nil {
		t.Errorf("GET after restart = %v, want nil", got)
	}
	if err, failed := conn.Do("PING").(error); !failed || isReply(err) {
		t.Errorf("PING on a connection to the killed process = %v, want a network error", err)
	}
}

func TestKillEndsTheProcess(t *testing.T) {
	s := Start(t, R8)
	s.Pause() // a stopped process must die too
	s.Kill()
	s.Kill()
	if c, err := net.Dial("tcp", s.Addr()); err == nil {
		c.Close()
		t.Error("the port still answers after Kill")
	}
	if err, failed := s.Do("PING").(error); !failed || isReply(err) {
		t.Errorf("PING after Kill = %v, want a network error", err)
	}
}

// A server may close the shared connection; Do must not stay broken for that.
func TestDoConnectsAnew(t *testing.T) {
	s := Start(t, R7)
	s.Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no")
	Await(t, patience, func() bool { return s.Do("PING") == "PONG" }, "PING after the connection was killed")
}

func TestPauseHoldsReplies(t *testing.T) {
	s := Start(t, R7)
	c := s.Conn()
	s.Pause()
	if err := c.Send("INCR", "a"); err != nil {
		t.Fatalf("a paused process keeps its connections: %v", err)
	}
	c.net.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if b, err := c.r.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %q, %v while paused, want a timeout", b, err)
	}
	s.Resume()
	if v := c.Receive(); v != int64(1) {
		t.Errorf("INCR after resume = %v, want 1", v)
	}
}

// fill writes each type that the walk reads, into three databases.
func fill(t *testing.T, d Doer) {
	t.Helper()
	for _, line := range []string{
		"SELECT 0", "SET s v", "SET bin \x00\r\n", "SET e x PXAT 4102444800000", "HSET h f 1 g 2", "RPUSH l b a b", "ZADD z 2 b 1 a",
		"SELECT 5", "SADD set c b a", "HSET s f v", "PEXPIREAT s 4102444800001",
		"SELECT 15", "INCR n", "SELECT 0", "XADD x 7-1 f v", "XGROUP CREATE x g 0",
	} {
		if err, failed := d.Do(strings.Split(line, " ")...).(error); failed {
			t.Fatalf("%q: %v", line, err)
		}
	}
}

func TestDump(t *testing.T) {
	eachVersion(t, func(t *testing.T, v Version) {
		s := Start(t, v)
		fill(t, s)
		got, err := Dump(s)
		if err != nil {
			t.Fatal(err)
		}
		want := Dataset{
			{0, "s"}:   {"string", "v", nil, -1},
			{0, "bin"}: {"string", "\x00\r\n", nil, -1},
			{0, "e"}:   {"string", "x", nil, 4102444800000},
			{0, "h"}:   {"hash", "", map[string]string{"f": "1", "g": "2"}, -1},
			{0, "l"}:   {"list", `["b" "a" "b"]`, nil, -1},
			{0, "x"}:   {"stream", `["length" 1 "last-generated-id" "7-1" "max-deleted-entry-id" "0-0" "entries-added" 1 "recorded-first-entry-id" "7-1" "entries" [["7-1" ["f" "v" ]]]"groups" [["name" "g" "last-delivered-id" "0-0" "entries-read" <nil> "lag" 1 "pel-count" 0 "pending" []"consumers" []]]]`, nil, -1},
			{0, "z"}:   {"zset", `["a" "1" "b" "2"]`, nil, -1},
			{5, "set"}: {"set", `["a" "b" "c"]`, nil, -1},
			{5, "s"}:   {"hash", "", map[string]string{"f": "v"}, 4102444800001},
			{15, "n"}:  {"string", "1", nil, -1},
		}
		if diff := Diff(want, got); diff != "" {
			t.Errorf("want left, got right:\n%s", diff)
		}
	})
}

// The walk must page through SCAN, end at the last database, and leave the shared connection's database alone.
func TestDumpManyKeys(t *testing.T) {
	s := Start(t, R7, "--databases", "2")
	s.Do("SELECT", "1")
	s.Do("DEBUG", "POPULATE", "12345")
	s.Do("SET", "gone", "v", "PX", "1")
	Await(t, patience, func() bool { return s.Do("EXISTS", "gone") == int64(0) }, "key expires")
	got, err := Dump(s)
	if err != nil || len(got) != 12345 {
		t.Errorf("%d keys, error %v, want 12345", len(got), err)
	}
	if n := s.Do("DBSIZE"); n != int64(12345) {
		t.Errorf("DBSIZE = %v on the shared connection: the walk changed its database", n)
	}
}

func TestDumpReportsErrors(t *testing.T) {
	s := Start(t, R7)
	s.Kill()
	if _, err := Dump(s); err == nil {
		t.Error("no error from a dead server")
	}
}

func TestReplicationAndCutLinks(t *testing.T) {
	eachVersion(t, func(t *testing.T, v Version) {
		p := Start(t, v, "--repl-ping-replica-period", "1")
		r := Start(t, v, "--replicaof", "127.0.0.1 "+p.Port())
		fill(t, p)
		AwaitEqual(t, patience, p, r)
		if n := p.KillReplicaLinks(); n != 1 {
			t.Errorf("the primary cut %d links, want 1", n)
		}
		p.Do("INCR", "n")
		AwaitEqual(t, patience, p, r)
		// AwaitEqual passes only over a link that is up again, so this one can be cut from the other end.
		if n := r.KillReplicaLinks(); n != 1 {
			t.Errorf("the replica cut %d links, want 1", n)
		}
		p.Do("INCR", "n")
		AwaitEqual(t, patience, p, r)
		stats := p.Info("stats")
		if stats["sync_full"] != "1" || stats["sync_partial_ok"] != "2" {
			t.Errorf("sync_full %s, sync_partial_ok %s, want 1 and 2", stats["sync_full"], stats["sync_partial_ok"])
		}
	})
}

func TestProxyCutsAndRefuses(t *testing.T) {
	p := Start(t, R7)
	proxy := NewProxy(t, p.Addr())
	r := Start(t, R8, "--replicaof", "127.0.0.1 "+proxy.Port())
	p.Do("INCR", "a")
	AwaitEqual(t, patience, p, r)
	linkDown := func() bool { return r.Info("replication")["master_link_status"] == "down" }

	proxy.Refuse(true)
	if n := proxy.Cut(); n != 1 {
		t.Errorf("cut %d links, want 1", n)
	}
	Await(t, patience, linkDown, "the replica sees its link break")
	p.Do("INCR", "a")
	if c, err := Dial(proxy.Addr()); err == nil {
		if reply, ok := c.Do("PING").(string); ok {
			t.Errorf("PING through a refusing proxy = %q", reply)
		}
		c.Close()
	}
	if n := proxy.Relayed(); n != 1 {
		t.Errorf("%d connections relayed while refusing, want 1", n)
	}
	proxy.Refuse(false)
	AwaitEqual(t, patience, p, r)
	if got := r.Do("GET", "a"); got != "2" {
		t.Errorf("a = %v on the replica, want 2", got)
	}
	if n, _ := strconv.Atoi(p.Info("stats")["sync_full"]); n != 1 {
		t.Errorf("sync_full = %d, want 1", n)
	}
}

func TestLookUp(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		if path, err := lookUp(dir, "redis7-server"); err == nil || !strings.Contains(err.Error(), PeersVar) {
			t.Errorf("lookUp(%q) = %q, %v, want an error that names %s", dir, path, err, PeersVar)
		}
	}
}

func TestPoll(t *testing.T) {
	never := func() bool { return false }
	if err := poll(time.Millisecond, nil, never); !errors.Is(err, errTimeout) {
		t.Errorf("poll of what never holds = %v", err)
	}
	closed := make(chan struct{})
	close(closed)
	if err := poll(time.Hour, closed, never); !errors.Is(err, errExited) {
		t.Errorf("poll with a closed stop = %v", err)
	}
	count := 0
	if err := poll(time.Hour, nil, func() bool { count++; return count == 3 }); err != nil || count != 3 {
		t.Errorf("poll = %v after %d looks, want nil after 3", err, count)
	}
}

// A server from a file comes back with what it has written there, on the same port.
func TestStartFile(t *testing.T) {
	eachVersion(t, func(t *testing.T, v Version) {
		s := StartFile(t, Tool(t, v, "server"), "save \"\"\nmaxclients 77\n")
		port := s.Port()
		for _, line := range []string{"CONFIG SET maxclients 78", "REPLICAOF 127.0.0.1 1", "CONFIG REWRITE"} {
			if got := s.Do(strings.Fields(line)...); got != "OK" {
				t.Errorf("%s = %v", line, got)
			}
		}
		s.Restart()
		if got := s.Info("replication")["master_port"]; s.Port() != port || got != "1" {
			t.Errorf("port %s, primary's port %q, want %s and 1", s.Port(), got, port)
		}
		if text := s.ConfigFile(); !strings.Contains(text, "\nmaxclients 78\n") {
			t.Errorf("the file is\n%s", text)
		}
	})
}

func TestUsePassword(t *testing.T) {
	s := Start(t, R7, "--requirepass", "secret")
	if got := s.Do("PING"); got != ReplyError("NOAUTH Authentication required.") {
		t.Errorf("PING without the password = %v", got)
	}
	s.UsePassword("secret")
	if got := s.Conn().Do("PING"); got != "PONG" {
		t.Errorf("PING on a new connection = %v", got)
	}
	s.Restart()
	if got := s.Do("PING"); got != "PONG" {
		t.Errorf("PING after a restart = %v", got)
	}
}

// A Sentinel answers like any server.
func TestStartSentinel(t *testing.T) {
	eachVersion(t, func(t *testing.T, v Version) {
		s := StartFile(t, Tool(t, v, "server"), "sentinel monitor group 127.0.0.1 1 1\n", "--sentinel")
		if got := s.Info("sentinel")["sentinel_masters"]; got != "1" {
			t.Errorf("sentinel_masters:%s, want 1", got)
		}
	})
}
