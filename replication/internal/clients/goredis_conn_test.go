package clients

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// What the library tells of itself when it connects, and what CLIENT tells of it.
func TestGoRedisClient(t *testing.T) {
	for _, proto := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", proto), func(t *testing.T) {
			n := startNode(t)
			c := n.client(t, proto, func(o *redis.Options) { o.ClientName, o.DB = "given", 3 }).Conn()
			defer c.Close()
			ctx := t.Context()
			if name, err := c.ClientGetName(ctx).Result(); name != "given" || err != nil {
				t.Errorf("CLIENT GETNAME = %q, %v", name, err)
			}
			if err := c.ClientSetName(ctx, "worker").Err(); err != nil {
				t.Error(err)
			}
			greeting, err := c.Hello(ctx, proto, "", "", "").Result()
			if err != nil || greeting["server"] != "redis" || greeting["proto"] != int64(proto) || greeting["role"] != "master" {
				t.Errorf("HELLO %d = %v, %v", proto, greeting, err)
			}
			id := c.ClientID(ctx).Val()
			info, err := c.ClientInfo(ctx).Result()
			if err != nil {
				t.Fatal(err)
			}
			if info.ID != id || info.Name != "worker" || info.DB != 3 || info.Resp != proto || info.User != "default" || info.LastCmd != "client|info" ||
				!strings.HasPrefix(info.LibName, "go-redis") || info.LibVer != redis.Version() {
				t.Errorf("CLIENT INFO = %+v", info)
			}
			if list := c.ClientList(ctx).Val(); strings.Count(list, "\n") != 1 || !strings.Contains(list, " name=worker ") {
				t.Errorf("CLIENT LIST = %q", list)
			}
		})
	}
}

// A killed connection is replaced without the caller noticing, even with a command that must not run twice.
func TestGoRedisReconnects(t *testing.T) {
	n := startNode(t)
	admin := n.conn(t)
	c := n.client(t, 3, func(o *redis.Options) { o.ClientName, o.PoolSize = "victim", 1 })
	ctx := t.Context()
	for i := range int64(5) {
		if got, err := c.Incr(ctx, "n").Result(); got != i+1 || err != nil {
			t.Fatalf("INCR = %d, %v, want %d", got, err, i+1)
		}
		id := c.ClientID(ctx).Val()
		want(t, admin, int64(1), "CLIENT", "KILL", "ID", strconv.FormatInt(id, 10))
		if next, err := c.ClientID(ctx).Result(); err != nil || next == id {
			t.Errorf("after the kill the client's ID is %d, %v, before it was %d", next, err, id)
		}
		if name := c.ClientGetName(ctx).Val(); name != "victim" {
			t.Errorf("the new connection's name is %q", name)
		}
	}
	if n, err := c.ClientKillByFilter(ctx, "TYPE", "normal", "SKIPME", "yes").Result(); n != 1 || err != nil {
		t.Errorf("CLIENT KILL of all others = %d, %v, want 1", n, err)
	}
	if err, failed := admin.Do("PING").(error); !failed {
		t.Errorf("the other client was not killed: %v", err)
	}
}

// requirepass in the three ways in which clients meet it.
func TestGoRedisPassword(t *testing.T) {
	n := startNode(t, "--requirepass", "secret")
	for _, proto := range []int{2, 3} {
		for _, tc := range []struct{ user, password, want string }{
			{"", "secret", ""},
			{"default", "secret", ""},
			{"", "", "NOAUTH"},
			{"", "wrong", "WRONGPASS"},
			{"other", "secret", "WRONGPASS"},
		} {
			c := n.client(t, proto, func(o *redis.Options) { o.Username, o.Password, o.MaxRetries = tc.user, tc.password, -1 })
			err := c.Set(t.Context(), "k", "v", 0).Err()
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("RESP%d, user %q, password %q: %v, want %q", proto, tc.user, tc.password, err, tc.want)
			}
		}
	}
}

func TestGoRedisInfoAndConfig(t *testing.T) {
	eachProtocol(t, func(t *testing.T, c *redis.Client) {
		ctx := t.Context()
		c.Set(ctx, "k", "v", time.Hour)
		info, err := c.InfoMap(ctx).Result()
		if err != nil {
			t.Fatal(err)
		}
		for section, fields := range map[string]map[string]string{
			"Server":      {"redis_mode": "standalone"},
			"Replication": {"role": "master", "connected_slaves": "0"},
			"Keyspace":    {"db0": ""},
			"Clients":     {"connected_clients": "1"},
		} {
			for field, want := range fields {
				if got, ok := info[section][field]; !ok || want != "" && got != want {
					t.Errorf("INFO %s %s = %q, want %q", section, field, got, want)
				}
			}
		}
		if got := c.InfoMap(ctx, "replication").Val(); len(got) != 1 || got["Replication"]["role"] != "master" {
			t.Errorf("INFO replication = %v", got)
		}
		got, err := c.ConfigGet(ctx, "*-backlog-s*").Result()
		if err != nil || len(got) != 1 || got["repl-backlog-size"] != "1048576" {
			t.Errorf("CONFIG GET = %v, %v", got, err)
		}
		if err := c.ConfigSet(ctx, "repl-backlog-size", "2mb").Err(); err != nil {
			t.Error(err)
		}
		if got := c.ConfigGet(ctx, "repl-backlog-size").Val()["repl-backlog-size"]; got != "2097152" {
			t.Errorf("repl-backlog-size = %q after CONFIG SET", got)
		}
		if err := c.ConfigSet(ctx, "nosuch", "1").Err(); err == nil || !strings.HasPrefix(err.Error(), "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'") {
			t.Errorf("CONFIG SET of what is none: %v", err)
		}
	})
}

// WAIT, ROLE, INFO and a refused write, seen by a library on both sides of a link.
func TestGoRedisRoles(t *testing.T) {
	p := startNodeTCP(t)
	r := startNodeTCP(t, "--replicaof", "127.0.0.1 "+p.port(t))
	for _, proto := range []int{2, 3} {
		primary, replica := p.client(t, proto, nil), r.client(t, proto, nil)
		ctx := t.Context()
		realserver.Await(t, patience, func() bool {
			return replica.InfoMap(ctx, "replication").Val()["Replication"]["master_link_status"] == "up"
		}, "the link is up")
		c := primary.Conn() // WAIT is about what this connection wrote
		defer c.Close()
		n := c.Incr(ctx, "n").Val()
		if got, err := c.Wait(ctx, 1, patience).Result(); got != 1 || err != nil {
			t.Errorf("WAIT 1 = %d, %v", got, err)
		}
		if got, err := replica.Get(ctx, "n").Int64(); got != n || err != nil {
			t.Errorf("n = %d on the replica, %v, want %d", got, err, n)
		}
		err := replica.Incr(ctx, "n").Err()
		if err == nil || err.Error() != "READONLY You can't write against a read only replica." || !redis.HasErrorPrefix(err, "READONLY") {
			t.Errorf("a write on a replica: %v", err)
		}
		role, err := primary.Do(ctx, "ROLE").Slice()
		if err != nil || len(role) != 3 || role[0] != "master" || len(role[2].([]any)) != 1 {
			t.Errorf("ROLE of the primary = %v, %v", role, err)
		}
		role, err = replica.Do(ctx, "ROLE").Slice()
		if port, _ := strconv.ParseInt(p.port(t), 10, 64); err != nil || len(role) != 5 || !slices.Equal(role[:4], []any{"slave", "127.0.0.1", port, "connected"}) {
			t.Errorf("ROLE of the replica = %v, %v", role, err)
		}
	}
}

// A library that gives up must not wait for the server, and the server must not keep what it left behind.
func TestGoRedisTimeouts(t *testing.T) {
	n := startNode(t)
	c := n.client(t, 3, func(o *redis.Options) { o.ContextTimeoutEnabled, o.MaxRetries = true, -1 })
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	conn := c.Conn()
	defer conn.Close()
	conn.Incr(t.Context(), "n")
	if err := conn.Wait(short, 1, 0).Err(); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("WAIT that nobody answers: %v, want a deadline", err)
	}
	conn.Close()
	admin := n.conn(t)
	realserver.Await(t, patience, func() bool {
		info, err := realserver.Info(admin, "clients")
		return err == nil && info["blocked_clients"] == "0" && info["connected_clients"] == "1"
	}, "the client that gave up is gone")
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Errorf("PING on another connection: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Incr(gone, "n").Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("INCR with an ended context: %v", err)
	}
	if got := c.Get(t.Context(), "n").Val(); got != "1" {
		t.Errorf("n = %q, want 1", got)
	}
}

// Fifty goroutines share a pool of connections: nothing is lost, nothing comes twice, and no reply goes to the wrong one.
func TestGoRedisPool(t *testing.T) {
	const workers, rounds = 50, 40
	n := startNode(t)
	c := n.client(t, 3, func(o *redis.Options) { o.PoolSize, o.PoolTimeout = 10, time.Minute })
	ctx := t.Context()
	seen := make([][]int64, workers)
	var wg sync.WaitGroup
	for w := range workers {
		own := fmt.Sprintf("own:%d", w)
		wg.Go(func() {
			for i := range rounds {
				v, err := c.Incr(ctx, "shared").Result()
				seen[w] = append(seen[w], v)
				mine, err2 := c.Incr(ctx, own).Result()
				if err := errors.Join(err, err2); err != nil || mine != int64(i+1) {
					t.Errorf("worker %d, round %d: its own counter is %d, %v", w, i, mine, err)
					return
				}
			}
		})
	}
	wg.Wait()
	all := slices.Sorted(slices.Values(slices.Concat(seen...)))
	for i, v := range all {
		if v != int64(i+1) {
			t.Fatalf("the %d. smallest reply to INCR is %d: replies were lost or came twice", i+1, v)
		}
	}
	if len(all) != workers*rounds {
		t.Errorf("%d replies, want %d", len(all), workers*rounds)
	}
	if dials := n.nw.Dials(); dials > 10 {
		t.Errorf("%d connections for a pool of 10", dials)
	}
}

// Over sockets of the system, once each.
func TestGoRedisSockets(t *testing.T) {
	dir, err := os.MkdirTemp("", "us") // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	sock := filepath.Join(dir, "s")
	listen := func(network, addr string) (net.Listener, error) {
		if network != "unix" {
			addr = "127.0.0.1:0"
		}
		return net.Listen(network, addr)
	}
	n := start(t, listen, []string{"--unixsocket", sock})
	for network, addr := range map[string]string{"tcp": n.addr, "unix": sock} {
		c := redis.NewClient(&redis.Options{Network: network, Addr: addr})
		if err := c.Incr(t.Context(), "n").Err(); err != nil {
			t.Errorf("%s: %v", network, err)
		}
		c.Close()
	}
	want(t, n.conn(t), "2", "GET", "n")
}

// SHUTDOWN by a library: it takes the closed connection for the answer. It must not try again then, which it would do by itself.
func TestGoRedisShutdown(t *testing.T) {
	n := startNode(t)
	c := n.client(t, 3, func(o *redis.Options) { o.MaxRetries = -1 })
	if err := c.Shutdown(t.Context()).Err(); err != nil {
		t.Errorf("SHUTDOWN: %v", err)
	}
	if err := <-n.end; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	n.end <- nil
}
